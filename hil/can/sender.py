"""One message as the restbus sends it: its values, its protected payloads, and the faults that a test asked for.

Rules of this module: payloads are made when a value changes or a counter is new, and kept: a message with a counter of
four bits has at most 16 of them. What a fault changes is in the payload that is kept, so sending costs the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from cantools.database.can import Message

from hil.can import database
from hil.can.curves import Curve
from hil.can.e2e import Chain, E2e
from hil.can.pace import Pace
from hil.can.payloads import Payloads
from hil.can.port import CanPort
from hil.can.traits import MessageTraits
from hil.clock import Timer
from hil.errors import UsageError

ASLEEP: Final = "sleep"
PARTIAL_NETWORK: Final = "partial network"
"""Reasons for a message's silence that outlive a reset, since network management decides on them: its bus sleeps, or
its part of it."""
_FD_LENGTHS: Final = (*range(9), 12, 16, 20, 24, 32, 48, 64)


class State(NamedTuple):
    """What a message was before its values were written."""

    values: dict[str, Any]
    period_ns: int
    is_active: bool


class InKernel(Protocol):
    """The kernel's part of a message that it sends: see `hil.can.kernel_sender`."""

    def renew(self) -> None:
        """The payloads have changed."""

    def announce(self) -> None:
        """Send the next frame now."""

    def end(self) -> None:
        """Send it no more."""


def _nothing(sent: Sent) -> None:
    """Nobody has taken it."""


class Sent:
    """One message of the restbus and how well it keeps its cycle.

    Args:
        bus: the bus.
        message: what the database says.
        traits: when it is sent and how it is protected.
        port: where it is sent.
        chain: its protection, if it has one.
        start: raw start values; those of our attributes if None.

    Attributes:
        values: raw value of each signal.
        due_ns: when the next cyclic frame is due, or the last one was.
        count: frames sent.
        worst_late_ns: by how much a frame left late at most.
        pace: how well it keeps its cycle; on a virtual clock nobody asks.
        period_ns: its cycle as it is now; 0 while it has none.
        last_ns: when the last frame left, whatever for.
        repeats: fast repetitions still to be sent.
        on_sent: told of its next frame, once.
        is_owed: an event waits for the delay time to pass; the next frame settles it, whatever it is sent for.
        kernel: the kernel's part, while it sends the cyclic frames.
        release: takes the message back from the kernel, where that can't send what is wanted from now on.
        silenced: why it isn't sent: `message`, `node`, `partial network`, `sleep`.
        cycle_override_ns: the cycle that a test asked for.
        curves: signal -> value over time.
        protected_signals: signals that the protection writes, which therefore can't be set.
    """

    __slots__ = (
        "_chain", "_frames", "_index", "_is_endless", "_only", "_payload", "_payloads", "_start", "bus", "can_id",
        "corrupt", "count", "curves", "cycle_override_ns", "due_ns", "flags", "frozen", "is_owed", "kernel", "last_ns",
        "length", "message", "name", "on_sent", "pace", "period_ns", "port", "protected_signals", "release",
        "repeat_timer", "repeats", "silenced", "timer", "traits", "values", "worst_late_ns",
    )  # fmt: skip

    def __init__(
        self,
        bus: str,
        message: Message,
        traits: MessageTraits,
        port: CanPort,
        chain: Chain | None,
        start: dict[str, Any] | None = None,
    ) -> None:
        self.bus, self.message, self.traits, self.port = bus, message, traits, port
        self._start = database.start_values(message) if start is None else start
        self.name, self.can_id, self.flags = message.name, message.frame_id, traits.flags
        self._chain = chain
        self._is_endless = chain is not None and not chain.period
        self._payloads, self._payload = Payloads(message), b""
        self.values: dict[str, Any] = {}
        self.curves: dict[str, Curve] = {}
        self.count = self.worst_late_ns = self.due_ns = self.repeats = 0
        self.last_ns = -(1 << 62)
        self.pace = Pace()
        self.timer: Timer | None = None
        self.repeat_timer: Timer | None = None
        self.is_owed = False
        self.on_sent: list[Callable[[Sent], object]] = []
        self._index = -1
        self.kernel: InKernel | None = None
        self.release: Callable[[Sent], object] = _nothing
        self.silenced: frozenset[str] = frozenset()
        self.protected_signals = _written_by(chain, message)
        self.reset()

    def reset(self) -> None:
        """Start values, no faults, nobody who waits for it. Its counter goes on."""
        self.silenced = self.silenced & {ASLEEP, PARTIAL_NETWORK}
        self.on_sent = []
        self.release(self)
        self.frozen = self.corrupt = False
        self.length: int | None = None
        self.cycle_override_ns: int | None = None
        self.curves.clear()
        self.use(self._start)

    # What is sent -------------------------------------------------------------------------------------------------

    @property
    def payload(self) -> bytes:
        """The payload without protection."""
        return self._payload

    def use(self, values: dict[str, Any]) -> None:
        """Send these raw values from now on.

        Raises:
            UsageError: they can't be encoded; the ones before stay.
        """
        self._payload, self.values = self._payloads.encode(values, self.values, self._payload), values
        self.forget_frames()
        self.period_ns = self._period_ns()

    def use_one(self, name: str, raw: int | float) -> None:
        """`use` with another raw value of one signal that doesn't make the message active."""
        data = self._payloads.patch(self._payload, name, raw)
        values = {**self.values, name: raw}
        if data is None:
            self.use(values)
            return
        self._payload, self.values = data, values
        self.forget_frames()

    def forget_frames(self) -> None:
        """Make the payloads anew: what they depend on has changed."""
        self._only = self._payload if self._chain is None and self.length is None else None
        if self._only is None:
            self._frames: list[bytes | None] = [None] * self.sequence_length
        if self.kernel is not None:
            self.kernel.renew()

    def next_data(self) -> bytes:
        """The payload of the next frame; its counter goes on, unless it is frozen."""
        only = self._only
        if only is not None:
            self._index = 0
            return only
        index, frames = self._index, self._frames
        if not self.frozen or index < 0:
            index += 1
            if index >= len(frames) and not self._is_endless:
                index = 0
            self._index = index
        data = frames[index] if index < len(frames) else self._build(index)
        if data is None:
            data = frames[index] = self._build(index)
        return data

    def _build(self, index: int) -> bytes:
        data = self._protected(index)
        return data if self.length is None else data[: self.length].ljust(self.length, b"\0")

    def _protected(self, index: int) -> bytes:
        if self._chain is None:
            return self._payload
        data = self._chain.protect(self._payload, index)
        return self._chain.corrupt(data) if self.corrupt else data

    @property
    def sequence_length(self) -> int:
        """How many payloads there are before the first comes again; 0: they never repeat."""
        return self._chain.period if self._chain is not None else 1

    @property
    def next_index(self) -> int:
        """The counter of the next frame; of a frozen one that of the last."""
        index = self._index if self.frozen else self._index + 1
        return max(index, 0) % max(self.sequence_length, 1)

    def sequence(self, first: int) -> list[bytes]:
        """All payloads with the present values, the one with counter `first` first: what the kernel sends in turn.

        A frozen counter gives one.
        """
        period = 1 if self.frozen else self.sequence_length
        return [self._build((first + step) % self.sequence_length) for step in range(period)]

    def take_sent(self, index: int, t_ns: int) -> None:
        """The kernel has sent the payload with this counter."""
        self._index = index % self.sequence_length
        self.count += 1
        self.last_ns = t_ns

    def raw(self, name: str) -> int | float:
        """Raw value of a signal as it is being sent; of one that the protection writes as the last frame had it."""
        if name not in self.protected_signals or self._index < 0:
            return self.values[name]  # type: ignore[no-any-return]
        carried = database.decode(self.message, self._protected(self._index))
        return carried.get(name, self.values[name])  # type: ignore[no-any-return]

    # When it is sent ----------------------------------------------------------------------------------------------

    @property
    def cycle_ns(self) -> int:
        """The cycle that the database states; 0 if it has none."""
        return self.traits.cycle_ns

    @property
    def state(self) -> State:
        """What it is now, for whoever is about to write its values."""
        return State(self.values, self.period_ns, bool(self.traits.while_active) and self.is_active)

    @property
    def is_active(self) -> bool:
        """Whether a signal that makes it cyclic differs from its inactive value."""
        if not self.traits.while_active:
            return False
        inactive = self.traits.inactive
        return any(self.values[name] != inactive[name] for name in self.traits.while_active)

    def _period_ns(self) -> int:
        traits = self.traits
        if self.cycle_override_ns is not None:
            return self.cycle_override_ns
        if traits.while_active and self.is_active:
            return traits.fast_ns or traits.cycle_ns
        return 0 if traits.active_only else traits.cycle_ns

    # Faults -------------------------------------------------------------------------------------------------------

    @property
    def is_protected(self) -> bool:
        """Whether it has a counter and a checksum."""
        return self._chain is not None

    def freeze(self, frozen: bool) -> None:
        """Send the counter of the last frame again and again; afterwards it goes on from there."""
        self._need_protection()
        self.release(self)
        self.frozen = frozen

    def corrupt_crc(self, corrupt: bool) -> None:
        """Send a wrong checksum."""
        self._need_protection()
        self.corrupt = corrupt
        self.forget_frames()

    def _need_protection(self) -> None:
        if self._chain is None:
            mend = "choose a message with E2E protection (E2EProfile in its database)."
            raise UsageError(f"{self.bus}::{self.name} has neither counter nor CRC", remedy=mend)

    def set_length(self, length: int | None) -> None:
        """Send this many bytes: the payload is cut or filled with zeros; None: its own length.

        Raises:
            UsageError: no frame of its kind has that length.
        """
        allowed = _FD_LENGTHS if self.message.is_fd else range(9)
        if length is not None and length not in allowed:
            mend = f"one of {', '.join(map(str, allowed))}."
            raise UsageError(f"{length} bytes is no length of {self.bus}::{self.name}", remedy=mend)
        self.length = length
        self.forget_frames()

    def set_cycle(self, cycle_ns: int | None) -> None:
        """Send with this cycle; None: its own."""
        self.cycle_override_ns = cycle_ns
        self.period_ns = self._period_ns()

    def silence(self, reason: str, silent: bool) -> None:
        """Send it no more, for this reason; or no longer for this reason."""
        self.silenced = self.silenced | {reason} if silent else self.silenced - {reason}
        if silent:
            self.pace.start_anew()
            self.release(self)


def _written_by(chain: Chain | None, message: Message) -> frozenset[str]:
    header = chain.header if chain is not None else ()
    if not header:
        return frozenset()
    written = {bit for begin, bits in header for bit in range(begin, begin + bits)}
    return frozenset(signal.name for signal in message.signals if written & set(database.bits_of(signal)))


def chain_of(traits: MessageTraits) -> Chain | None:
    """The protection that a database states for a message."""
    return None if traits.e2e is None else Chain([E2e(traits.e2e)])
