"""The frames of one case: those that led to its verdict, and what all of them together say (signals, bus load).

Rules of this module: pure, bounded memory. Frames are kept up to what decided the case: a failed check, the first
fault, or a finding of a monitor; of a case that passed those up to its end. Which of several it was is known only in
the end, so that the frames of the first few are kept, and of the last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from hil.can.frames import CanFrame
from hil.can.log_frames import BLOCK_FRAMES, Frames, empty, joined
from hil.evidence.facts import Wire, Wires
from hil.evidence.series import Series
from hil.evidence.signal_table import SignalTable
from hil.evidence.silence import Silent
from hil.evidence.wire import E2E_NOTE, LoadMeter, SignalCollector
from hil.journal import Origin

WINDOW_NS: Final = 2_000_000_000
FRAMES: Final = 2_000
MOMENTS: Final = 6


class FrameKeeper:
    """Takes all frames of a case in their order."""

    def __init__(self) -> None:
        self._buses: Sequence[str] = ()
        self._window: deque[Frames] = deque()
        self._waiting: list[Frames] = []
        self._waiting_frames = 0
        self._are_common, self._has_begun = False, False
        self._frozen: dict[int, Frames] = {}
        self._decoded = False
        self._begin(Wires().of({}, {}))

    def _begin(self, wire: Wire) -> None:
        self._wire, self._load = wire, LoadMeter(wire.rates)
        self._signals: SignalCollector = wire.signals.begin(self._buses)

    def begin(self, wire: Wire, buses: Sequence[str]) -> None:
        """What is known of the buses, before the first frame."""
        self._buses = buses
        self._begin(wire)

    def take(self, frames: Frames, *, common: bool = False) -> None:
        """Take the next frames; `common` ones may begin other cases too."""
        if not len(frames):
            return
        if common != self._are_common:
            self._count()
            self._are_common = common
        self._waiting.append(frames)
        self._window.append(frames)
        self._waiting_frames += len(frames)
        if self._waiting_frames >= BLOCK_FRAMES:
            self._count()
        oldest_ns = int(frames.t_ns[-1]) - WINDOW_NS
        while len(self._window) > 1 and int(self._window[0].t_ns[-1]) < oldest_ns:
            self._window.popleft()

    def _count(self) -> None:
        """What frames say together is worked out for many at once."""
        waiting, self._waiting, self._waiting_frames = self._waiting, [], 0
        if not waiting:
            return
        if self._are_common and not self._has_begun:
            self._load, self._signals = self._wire.beginnings.of(waiting, self._load, self._signals, self._buses)
        else:
            block = joined(waiting)
            self._load.take(block, self._buses)
            self._signals.take(block)
        self._has_begun = True

    def freeze(self, t_ns: int) -> None:
        """Keep the frames that led here: it may be what decides the case."""
        if len(self._frozen) >= MOMENTS:
            self._frozen.popitem()
        self._frozen[t_ns] = _last(joined(list(self._window)), t_ns)

    def kept(self, until_ns: int | None) -> tuple[CanFrame, ...]:
        """The frames for the table: those that led to an instant, or to the end (None)."""
        frames = self._until(until_ns)
        origin = Origin.SIM
        return tuple(CanFrame(t_ns, self._buses[channel], can_id, data, flags, origin)
                     for t_ns, channel, can_id, flags, _, data in frames.rows())  # fmt: skip

    def _until(self, t_ns: int | None) -> Frames:
        if t_ns is None or not self._frozen:
            return _last(joined(list(self._window)), None)
        return self._frozen[min(self._frozen, key=lambda moment_ns: abs(moment_ns - t_ns))]

    def meaning(self, frame: CanFrame) -> tuple[str, str]:
        """Message and signals of one of these frames."""
        return self._wire.texts.of(frame)

    @property
    def table(self) -> SignalTable:
        """The signals that the buses may have."""
        return self._wire.signals.table

    def series(self, end_ns: int) -> tuple[Series, ...]:
        """The load of each bus, and all signals that were on them."""
        self._count()
        signals = self._signals.series()
        self._decoded = bool(signals)
        return (*self._load.series(end_ns), *signals)

    def silent(self, end_ns: int) -> dict[str, tuple[Silent, ...]]:
        """When messages were overdue; asked after `series`."""
        return self._signals.silent(end_ns)

    def notes(self) -> Iterator[str]:
        """What is left out or assumed."""
        yield from self._wire.notes
        yield from self._signals.notes()
        for bus in self._load.assumed():
            yield f"the load of {bus} is worked out for 500 kbit/s (data of CAN FD 2 Mbit/s): nobody says its bit rate"
        if self._decoded:
            yield E2E_NOTE


def _last(frames: Frames, t_ns: int | None) -> Frames:
    """The last frames until an instant, within the window."""
    if not len(frames):
        return empty()
    end_ns = int(frames.t_ns.max()) if t_ns is None else t_ns
    rows = np.flatnonzero((frames.t_ns <= end_ns) & (frames.t_ns >= end_ns - WINDOW_NS))
    return frames.pick(rows[-FRAMES:])
