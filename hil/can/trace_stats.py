"""What a log shows of its buses and messages: cycle times, load, gaps, and what doesn't fit the database.

Rules of this module: pure, numpy. Blocks are counted one after the other; what is kept of a frame is its time, eight
bytes. The bus load comes from the exact length of every frame, stuff bits included (`hil.can.frame_lengths`); a frame
counts in the window in which it ended. Error frames are counted, but no log says how long they were.

Not for: judging. A cycle that is off is shown; whether that is a failure is a monitor's matter.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from hil.can.frame_lengths import frame_lengths
from hil.can.frames import ERROR, REMOTE
from hil.can.log_frames import Array, Frames, groups

WINDOW_NS: Final = 100_000_000
"""Windows of the peak load."""
TOLERANCE: Final = 0.1
"""An interval is off if it differs from the database's cycle by more: the monitors' default."""
GAPS_KEPT: Final = 20
_NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class BitRates:
    """The bit rates of a bus, bit/s; `data` is that of the data phase of CAN FD."""

    nominal: int = 500_000
    data: int = 2_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time of a log."""

    begin_ns: int
    length_ns: int


@dataclass(frozen=True, slots=True)
class Cycle:
    """The intervals between the frames of a message, nanoseconds.

    Attributes:
        min_ns: the shortest.
        median_ns: half of them are shorter.
        mean_ns: their mean.
        p95_ns: 95 % of them are not longer (nearest rank).
        max_ns: the longest.
        longest: where the longest is.
    """

    min_ns: int
    median_ns: int
    mean_ns: float
    p95_ns: int
    max_ns: int
    longest: Span


@dataclass(frozen=True, eq=False)
class MessageStatistics:
    """One identifier of one channel.

    Attributes:
        key: channel, format and identifier (`hil.can.log_frames.split_key`).
        t_ns: times of its frames.
        lengths: bytes of payload -> how many data frames had so many.
        remote: how many of its frames were remote frames.
    """

    key: int
    t_ns: Array
    lengths: Mapping[int, int]
    remote: int

    @property
    def count(self) -> int:
        """How many frames."""
        return len(self.t_ns)

    def cycle(self) -> Cycle | None:
        """Its cycle; None for a single frame."""
        intervals = np.diff(self.t_ns)
        if not len(intervals):
            return None
        ordered, at = np.sort(intervals), int(intervals.argmax())
        return Cycle(
            int(ordered[0]),
            _rank(ordered, 50),
            float(ordered.mean()),
            _rank(ordered, 95),
            int(ordered[-1]),
            Span(int(self.t_ns[at]), int(intervals[at])),
        )

    def off_cycle(self, cycle_ns: int) -> int:
        """How many intervals differ from a cycle by more than the tolerance."""
        return int((np.abs(np.diff(self.t_ns) - cycle_ns) > TOLERANCE * cycle_ns).sum())

    def wrong_length(self, length: int) -> int:
        """How many data frames have another length than the database says."""
        return sum(count for seen, count in self.lengths.items() if seen != length)


def _rank(ordered: Array, percent: int) -> int:
    """The nearest rank: the least value that so many percent don't exceed."""
    return int(ordered[-(-len(ordered) * percent // 100) - 1])


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a bus was, as shares of 1.

    Attributes:
        mean: over the whole log.
        peak: of the busiest window.
        peak_at_ns: when that window begins.
    """

    mean: float
    peak: float
    peak_at_ns: int


@dataclass(frozen=True, slots=True)
class ChannelStatistics:
    """One channel.

    Attributes:
        channel: its number.
        frames: how many frames, error frames included.
        errors: how many error frames.
        remote: how many remote frames.
        per_second: frames a second over the whole log.
        load: bus load.
        gaps: the longest stretches without any frame, in the order of time.
        gap_count: how many such stretches there are.
    """

    channel: int
    frames: int
    errors: int
    remote: int
    per_second: float
    load: Load
    gaps: tuple[Span, ...]
    gap_count: int


@dataclass(slots=True)
class _Channel:
    """What is counted of one channel."""

    last_ns: int
    frames: int = 0
    errors: int = 0
    remote: int = 0
    busy: Counter[int] = field(default_factory=Counter)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    gap_count: int = 0

    def gap(self, begin_ns: int, length_ns: int) -> None:
        self.gap_count += 1
        if len(self.gaps) < GAPS_KEPT:
            heapq.heappush(self.gaps, (length_ns, begin_ns))
        else:
            heapq.heappushpop(self.gaps, (length_ns, begin_ns))


@dataclass(slots=True)
class _Message:
    """What is collected of one identifier."""

    times: list[Array] = field(default_factory=list)
    lengths: Counter[int] = field(default_factory=Counter)
    remote: int = 0


class TraceStatistics:
    """Counts the blocks of a log.

    Args:
        rates: gives the bit rates of a channel's number.
        gap_ns: a channel without a frame for longer has a gap.
    """

    def __init__(self, rates: Callable[[int], BitRates], gap_ns: int) -> None:
        self._rates, self._gap_ns = rates, gap_ns
        self._channels: dict[int, _Channel] = {}
        self._messages: dict[int, _Message] = {}
        self._begin_ns: int | None = None
        self._end_ns = 0

    @property
    def span(self) -> Span:
        """From the first frame to the last."""
        begin_ns = self._begin_ns or 0
        return Span(begin_ns, max(self._end_ns - begin_ns, 0))

    def take(self, block: Frames) -> None:
        """Count the next block."""
        if not len(block):
            return
        if self._begin_ns is None:
            self._begin_ns = int(block.t_ns[0])
        self._end_ns = max(self._end_ns, int(block.t_ns.max()))
        nominal, fast = frame_lengths(block)
        for channel, rows in groups(block.channel):
            rates = self._rates(channel)
            busy_ns = nominal[rows] * (_NS_PER_S / rates.nominal) + fast[rows] * (_NS_PER_S / rates.data)
            self._count(self._channel(channel), block.pick(rows), busy_ns)
        good = block.pick((block.flags & ERROR) == 0)
        for key, rows in groups(good.keys()):
            self._collect(self._messages.setdefault(key, _Message()), good.pick(rows))

    def _channel(self, channel: int) -> _Channel:
        if channel not in self._channels:
            self._channels[channel] = _Channel(self._begin_ns or 0)
        return self._channels[channel]

    def _count(self, counted: _Channel, block: Frames, busy_ns: Array) -> None:
        counted.frames += len(block)
        counted.errors += int((block.flags & ERROR > 0).sum())
        counted.remote += int((block.flags & REMOTE > 0).sum())
        windows, where = np.unique(block.t_ns // WINDOW_NS, return_inverse=True)
        for window, share_ns in zip(windows.tolist(), np.bincount(where, busy_ns).tolist(), strict=True):
            counted.busy[window] += share_ns
        times = np.concatenate(([counted.last_ns], block.t_ns))
        silent_ns = np.diff(times)
        for row in np.flatnonzero(silent_ns > self._gap_ns).tolist():
            counted.gap(int(times[row]), int(silent_ns[row]))
        counted.last_ns = int(times[-1])

    def _collect(self, message: _Message, frames: Frames) -> None:
        message.times.append(frames.t_ns)
        remote = (frames.flags & REMOTE) > 0
        message.remote += int(remote.sum())
        lengths, counts = np.unique(frames.length[~remote], return_counts=True)
        message.lengths.update(dict(zip(lengths.tolist(), counts.tolist(), strict=True)))

    def channels(self) -> list[ChannelStatistics]:
        """The channels, in the order of their numbers. A channel that falls silent has a gap at its end."""
        return [self._of_channel(number, self._channels[number]) for number in sorted(self._channels)]

    def _of_channel(self, number: int, counted: _Channel) -> ChannelStatistics:
        span_s = self.span.length_ns / _NS_PER_S
        gaps, count = list(counted.gaps), counted.gap_count
        if self._end_ns - counted.last_ns > self._gap_ns:
            gaps.append((self._end_ns - counted.last_ns, counted.last_ns))
            count += 1
        spans = sorted((Span(begin, length) for length, begin in gaps), key=lambda span: span.begin_ns)
        return ChannelStatistics(
            number,
            counted.frames,
            counted.errors,
            counted.remote,
            counted.frames / span_s if span_s else 0.0,
            self._load(counted),
            tuple(spans),
            count,
        )

    def _load(self, counted: _Channel) -> Load:
        """A window that the log's begin or end cuts counts as a whole one."""
        span_ns = self.span.length_ns
        window = max(counted.busy, key=lambda number: (counted.busy[number], -number))
        mean = sum(counted.busy.values()) / span_ns if span_ns else 0.0
        peak = counted.busy[window] / WINDOW_NS if span_ns >= WINDOW_NS else mean
        return Load(mean, peak, window * WINDOW_NS)

    def messages(self) -> list[MessageStatistics]:
        """The identifiers, by channel, format and number."""
        return [self._of_message(key, self._messages[key]) for key in sorted(self._messages)]

    def _of_message(self, key: int, message: _Message) -> MessageStatistics:
        return MessageStatistics(key, np.concatenate(message.times), message.lengths, message.remote)


__all__ = [
    "GAPS_KEPT", "TOLERANCE", "WINDOW_NS", "BitRates", "ChannelStatistics", "Cycle", "Load", "MessageStatistics",
    "Span", "TraceStatistics",
]  # fmt: skip
