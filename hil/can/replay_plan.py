"""From a recorded log to a schedule for a bench: which frame is due when on which bus, and with what payload.

Rules of this module: pure. The distances between the frames stay as they were recorded. Of a payload only the bits of
overridden signals change; a signal on a page of a multiplexer only where that page is in the frame. What protects a
message is handed in: it sees every frame of a message with an overridden signal, because its counter and checksum are a
matter of the whole sequence.

Not for: sending (a bench does), or time (frames carry when they are due).
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from cantools.database.can import Message, Signal

from hil.can.database import Network, SignalRef
from hil.can.frames import ERROR, EXTENDED, REMOTE, SENT, check_frame
from hil.can.log_frames import Array, Frames, key_of
from hil.can.placement import bits_of, mask_of, parents, raw_limits
from hil.errors import UsageError

_FLOATS: Final = {16: "<e", 32: "<f", 64: "<d"}

Protect = Callable[[str, Message, bytes, bytes | None], bytes]
"""Bus, message, payload, and what was sent of that message before (None: nothing) -> the payload, protected anew."""


class Due(NamedTuple):
    """A frame to send.

    Attributes:
        due_ns: when, from the start of the replay; never less than that of the frame before.
        bus: on which bus.
        can_id: identifier.
        data: payload; for a remote frame as many zeros as it asks for.
        flags: bits of a frame that can be sent.
    """

    due_ns: int
    bus: str
    can_id: int
    data: bytes
    flags: int


@dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """What of a log is replayed, and how.

    Attributes:
        buses: channel of the log -> bus of the bench. Other channels are left out.
        from_ns: where in the log the replay starts.
        to_ns: where it ends; None: at the end of the log.
        without: (bus, identifier, extended) that are left out.
        without_nodes: bus -> nodes whose messages are left out: those that are really there.
        overrides: signal -> its raw value in every frame that has it.
        protect: protects frames with overridden signals; None: their protection stays as it was recorded.
    """

    buses: Mapping[str, str]
    from_ns: int = 0
    to_ns: int | None = None
    without: frozenset[tuple[str, int, bool]] = frozenset()
    without_nodes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    overrides: Mapping[SignalRef, int | float] = field(default_factory=dict)
    protect: Protect | None = None


class ReplayPlan:
    """A schedule that is made while the log is read.

    Args:
        network: the databases of the buses.
        options: what is replayed.

    Attributes:
        left_out: why frames were left out -> how many.
        overridden: signal -> in how many frames it was overridden.

    Raises:
        UsageError: an overridden signal is a multiplexer, is on a bus that isn't replayed, or its value doesn't fit.
    """

    def __init__(self, network: Network, options: ReplayOptions) -> None:
        self.left_out: Counter[str] = Counter()
        self.overridden: Counter[SignalRef] = Counter()
        self._options = options
        self._without = set(options.without) | set(_of_nodes(network, options.without_nodes))
        self._edits: dict[tuple[str, int, int], _Edit] = {}
        self._before: dict[tuple[str, int, int], bytes] = {}
        for ref, raw in options.overrides.items():
            self._override(ref, raw)

    def _override(self, ref: SignalRef, raw: int | float) -> None:
        if ref.bus not in self._options.buses.values():
            raise UsageError(f"bus {ref.bus} isn't replayed", where=str(ref), remedy="map a channel of the log to it.")
        key = ref.bus, ref.message.frame_id, EXTENDED if ref.message.is_extended_frame else 0
        self._edits.setdefault(key, _Edit(ref.message)).changes.append(_change(ref, raw))

    def schedule(self, blocks: Iterable[Frames], channels: Sequence[str]) -> Iterator[Due]:
        """The frames in the order of the log.

        Args:
            blocks: the log; it may be read while the schedule is used.
            channels: names of its channels; more may join.
        """
        last_ns = 0
        end_ns = self._options.to_ns
        for block in blocks:
            if end_ns is not None and len(block) and int(block.t_ns.min()) > end_ns:
                return
            names = [self._options.buses.get(name) for name in channels]
            for t_ns, channel, can_id, flags, length, data in self._chosen(block, names).rows():
                last_ns = max(last_ns, t_ns - self._options.from_ns)
                due = self._due(last_ns, str(names[channel]), can_id, flags & ~SENT, data if data else bytes(length))
                if due is not None:
                    yield due

    def _chosen(self, block: Frames, names: Sequence[str | None]) -> Frames:
        """The frames of a block that are replayed."""
        inside = block.t_ns >= self._options.from_ns
        if self._options.to_ns is not None:
            inside &= block.t_ns <= self._options.to_ns
        block = block.pick(inside)
        mapped = np.array([name is not None for name in names], bool)[block.channel]
        block = self._leave_out(block, ~mapped, "channels without a bus")
        block = self._leave_out(block, (block.flags & ERROR) > 0, "error frames")
        left = {key_of(channel, can_id, extended) for channel, name in enumerate(names)
                for bus, can_id, extended in self._without if bus == name}  # fmt: skip
        return self._leave_out(block, np.isin(block.keys(), np.array(sorted(left), np.uint64)), "messages left out")

    def _leave_out(self, block: Frames, mask: Array, why: str) -> Frames:
        if not mask.any():
            return block
        self.left_out[why] += int(mask.sum())
        return block.pick(~mask)

    def _due(self, due_ns: int, bus: str, can_id: int, flags: int, data: bytes) -> Due | None:
        try:
            check_frame(can_id, data, flags)
        except UsageError:
            self.left_out["frames that no bus can carry"] += 1
            return None
        key = bus, can_id, flags & EXTENDED
        if key in self._edits and not flags & REMOTE:
            data = self._edited(key, data)
        return Due(due_ns, bus, can_id, data, flags)

    def _edited(self, key: tuple[str, int, int], data: bytes) -> bytes:
        edit = self._edits[key]
        data = edit.apply(data, self.overridden)
        if self._options.protect is not None:
            data = self._options.protect(key[0], edit.message, data, self._before.get(key))
            self._before[key] = data
        return data


def _of_nodes(network: Network, nodes: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, int, bool]]:
    for bus, message in network.messages():
        if nodes.get(bus, frozenset()) & set(message.senders):
            yield bus, message.frame_id, message.is_extended_frame


# ---- overridden signals; a payload is a number of which bit 8 * byte + bit is that bit of that byte


@dataclass(frozen=True, slots=True)
class _Change:
    """One overridden signal: the bits that it has, what they become, and which multiplexers must have which values."""

    ref: SignalRef
    mask: int
    put: int
    pages: tuple[tuple[Signal, frozenset[int]], ...]

    def applies(self, payload: int, bits: int) -> bool:
        """Whether a payload of so many bits has the signal."""
        if self.mask.bit_length() > bits:
            return False
        return all(_raw(payload, multiplexer) in values for multiplexer, values in self.pages)


@dataclass(slots=True)
class _Edit:
    """All overridden signals of one message."""

    message: Message
    changes: list[_Change] = field(default_factory=list)

    def apply(self, data: bytes, counts: Counter[SignalRef]) -> bytes:
        payload = int.from_bytes(data, "little")
        for change in self.changes:
            if change.applies(payload, 8 * len(data)):
                payload = payload & ~change.mask | change.put
                counts[change.ref] += 1
        return payload.to_bytes(len(data), "little")


def _change(ref: SignalRef, raw: int | float) -> _Change:
    signal = ref.signal
    if signal.is_multiplexer:
        mend = "override the signals of its pages."
        raise UsageError(
            "a multiplexer can't be overridden: its pages would change places", where=str(ref), remedy=mend
        )
    low, high = raw_limits(signal)
    if not low <= raw <= high or (not signal.conversion.is_float and raw != int(raw)):
        raise UsageError(f"raw {raw} doesn't fit", where=str(ref), remedy=f"it takes {low} to {high}.")
    pages = [(ref.message.get_signal_by_name(name), values) for name, values in parents(ref.message)[signal.name]]
    return _Change(ref, mask_of(signal), _placed(signal, raw), tuple(pages))


def _placed(signal: Signal, raw: int | float) -> int:
    """A raw value, on the bits of its signal."""
    if signal.conversion.is_float:
        number = int.from_bytes(struct.pack(_FLOATS[signal.length], raw), "little")
    else:
        number = int(raw) & (1 << signal.length) - 1
    return sum((number >> place & 1) << bit for place, bit in enumerate(_from_lowest(signal)))


def _raw(payload: int, signal: Signal) -> int:
    """The raw value of an unsigned signal of a payload."""
    return sum((payload >> bit & 1) << place for place, bit in enumerate(_from_lowest(signal)))


def _from_lowest(signal: Signal) -> list[int]:
    bits = bits_of(signal)
    return bits[::-1] if signal.byte_order == "big_endian" else bits


__all__ = ["Due", "Protect", "ReplayOptions", "ReplayPlan"]
