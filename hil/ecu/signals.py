"""Where a received message waits for the application, and how one signal is read out of it.

Rules of this module: bytes are kept, and a signal is shifted and masked out of them when it is read. A message that
nobody reads or watches keeps its last frame and costs nothing more. Of a multiplexed message each signal keeps its
value until the next frame that carries it.

Not for: what is sent (`hil.ecu.com`).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from cantools.database.can import Message, Signal

from hil.can import database
from hil.can.e2e import E2eReceiver, Status
from hil.can.frames import CanFrame
from hil.can.placement import mask_of
from hil.errors import UsageError

TIMEOUT_CYCLES: Final = 10
NEVER_NS: Final = 1 << 62
_FLOATS: Final = {16: "e", 32: "f", 64: "d"}
Extract = Callable[[bytes], int | float]


class Slot:
    """One message that the ECU reads.

    Attributes:
        is_read: somebody reads or watches it; until then frames are kept, not checked.
        data: the last payload that came through; None if none did.
        t_ns: when it came through.
        timeout_ns: without a payload for that long the message is lost.
        is_lost: it was there (or should have been) and is lost; see `Com.poll`.
        listeners: called when its content changed, and when it is lost or comes back.
        every: listeners hear of every frame, changed or not.
        bad: what was wrong with the last frame whose protection was wrong.
        bad_ns: when that came.
        extra_ns: delay beyond the pipeline's.
    """

    __slots__ = (
        "_decoded", "_is_paged", "_values", "bad", "bad_ns", "content", "data", "every", "extra_ns", "is_busy",
        "is_changed", "is_lost", "is_read", "length", "listeners", "mask", "message", "name", "pending", "receiver",
        "t_ns", "timeout_ns", "unread",
    )  # fmt: skip

    def __init__(self, message: Message, cycle_ns: int, receiver: E2eReceiver | None, mask: int) -> None:
        self.message, self.receiver, self.mask = message, receiver, mask
        self.name, self.length = message.name, message.length
        self._is_paged = self.is_read = message.is_multiplexed()
        self.timeout_ns = TIMEOUT_CYCLES * cycle_ns or NEVER_NS  # what has no cycle keeps its last value
        self.extra_ns = 0
        self.pending: deque[tuple[int, bytes]] = deque()
        self.listeners: list[Callable[[], object]] = []
        self.every = False
        self.forget()

    @property
    def is_paged(self) -> bool:
        """Whether it has a multiplexer."""
        return self._is_paged

    def forget(self) -> None:
        """What came in a former life."""
        self.pending.clear()
        self.unread: CanFrame | None = None
        self.data: bytes | None = None
        self.t_ns = self.bad_ns = 0
        self.bad: Status | None = None
        self.content = -1
        self.is_busy = self.is_changed = self.is_lost = False
        self._decoded: bytes | None = None
        self._values: dict[str, Any] = {}
        if self.receiver is not None:
            self.receiver.reset()

    def arrive(self, t_ns: int, data: bytes) -> None:
        """A payload will have come through the pipeline at `t_ns`, or when those before it have."""
        pending = self.pending
        pending.append((max(t_ns, pending[-1][0]) if pending else t_ns, data))

    def take(self, now_ns: int) -> None:
        """Let the application see what has come through the pipeline by now."""
        pending = self.pending
        if not pending or pending[0][0] > now_ns:
            return
        while pending and pending[0][0] <= now_ns:
            self.t_ns, self.data = pending.popleft()
            if self._is_paged:
                self._decode()
        if self.listeners:
            self._compare()

    def _compare(self) -> None:
        assert self.data is not None
        content = int.from_bytes(self.data, "little") & self.mask
        if content != self.content or self.is_lost or self.every:
            self.content, self.is_changed, self.is_lost = content, True, False

    @property
    def values(self) -> dict[str, Any]:
        """Raw values of the last payload, and of those before it what a multiplexer left out of it."""
        self._decode()
        return self._values

    def _decode(self) -> None:
        if self.data is None or self._decoded is self.data:
            return
        self._decoded = self.data
        try:
            carried = database.decode(self.message, self.data)
        except UsageError:  # its multiplexer selects nothing
            carried = {}
        self._values = self._values | carried if self._is_paged else carried


class Reading:
    """One signal, read again and again; of a message that the databases lack it never has a value.

    Args:
        slot: its message; None if there is none.
        signal: the signal; None if there is none.
        now_ns: reads the clock.
    """

    __slots__ = ("_extract", "_name", "_now_ns", "_offset", "_scale", "_sna", "slot")

    def __init__(self, slot: Slot | None, signal: Signal | None, now_ns: Callable[[], int]) -> None:
        self.slot = slot if signal is not None else None
        self._now_ns = now_ns
        self._scale, self._offset, self._sna = 1.0, 0.0, None
        if slot is None or signal is None:
            return
        slot.is_read = True
        self._name = signal.name
        self._extract = None if slot.is_paged else extractor(signal, slot.length)
        self._scale, self._offset = float(signal.scale), float(signal.offset)
        labels: Mapping[int, Any] = signal.choices or {}
        self._sna = next((raw for raw, label in labels.items() if str(label) == "SNA"), None)

    @property
    def exists(self) -> bool:
        """Whether the databases have it."""
        return self.slot is not None

    @property
    def stale(self) -> Any:
        """Raw value as it last came; None if it never did."""
        slot = self.slot
        if slot is None or slot.data is None:
            return None
        return slot.values.get(self._name) if self._extract is None else self._extract(slot.data)

    @property
    def raw(self) -> Any:
        """Raw value; None if it never came, or came too long ago."""
        slot = self.slot
        if slot is None or self._now_ns() - slot.t_ns > slot.timeout_ns:
            return None
        return self.stale

    @property
    def value(self) -> float | None:
        """Physical value; None as `raw`, and where the sender says that it doesn't know."""
        return self.value_of(self.raw)

    def value_of(self, raw: Any) -> float | None:
        """Physical value of a raw one."""
        return None if raw is None or raw == self._sna else raw * self._scale + self._offset

    @property
    def known(self) -> Any:
        """Raw value; None as `raw`, and where the sender says that it doesn't know."""
        raw = self.raw
        return None if raw == self._sna else raw

    def is_(self, raw: int) -> bool:
        """Whether it has that raw value now."""
        return bool(self.raw == raw)


def extractor(signal: Signal, length: int) -> Extract:
    """How the raw value of a signal is read out of a payload of at least `length` bytes."""
    bits = signal.length
    mask, sign = (1 << bits) - 1, 1 << bits - 1
    if signal.byte_order == "little_endian":
        plain = _little(signal.start, mask)
    else:
        plain = _big(8 * length - (8 * (signal.start // 8) + 7 - signal.start % 8) - bits, mask, length)
    if signal.conversion.is_float:
        code, size = _FLOATS[bits], bits // 8
        return lambda data: float(struct.unpack(f"<{code}", plain(data).to_bytes(size, "little"))[0])
    if signal.is_signed:
        return lambda data: (plain(data) ^ sign) - sign
    return plain


def _little(shift: int, mask: int) -> Callable[[bytes], int]:
    return lambda data: int.from_bytes(data, "little") >> shift & mask


def _big(shift: int, mask: int, length: int) -> Callable[[bytes], int]:
    return lambda data: int.from_bytes(data[:length], "big") >> shift & mask


def content_mask(message: Message, header: tuple[tuple[int, int], ...]) -> int:
    """The bits of a message whose change means something: those of its signals, without what its protection writes."""
    mask = 0
    for signal in message.signals:
        mask |= mask_of(signal)
    for begin, bits in header:
        mask &= ~((1 << bits) - 1 << begin)
    return mask
