"""Checks of what happens on one screen over many frames: blinking, not frozen, one after the other.

Rules of this module: time is the stamp of the frames, so a rhythm is as exact as the source's stamps; one period of the
source is allowed for on each edge, and a source that is too slow to tell is inconclusive. Edges count from the first
that is seen, whatever the phase in which the check began.

Not for: what one frame shows (readers).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import numpy as np

from hil.clock import NS_PER_S
from hil.errors import InconclusiveError, UsageError
from hil.hmi.expect import Expectation, Judgement, same_text
from hil.hmi.frames import Frame, Pixels
from hil.hmi.layout import Item, Region
from hil.hmi.reader import crop
from hil.hmi.watching import CheckResult, FrameJudge, Outcome, Watcher, Window, differ, what
from hil.units import Duration, nanoseconds, show_duration, write_duration

_STRIP: Final = 8
"""Crops of a film strip, at most."""
_LOOKS_A_CYCLE: Final = 4
"""A source that gives fewer frames a cycle can't tell its rhythm."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How something blinks.

    Attributes:
        frequency_Hz: cycles a second.
        tolerance_Hz: by how much each cycle, and their mean, may be off.
        duty: part of the cycle in which it is on: at least, at most; None says nothing.
        cycles: how many must be seen.
    """

    frequency_Hz: float
    tolerance_Hz: float
    duty: tuple[float, float] | None = None
    cycles: int = 3

    def __post_init__(self) -> None:
        """Refuse what nothing could meet. Raises: UsageError."""
        if not 0 < self.tolerance_Hz < self.frequency_Hz < math.inf:
            what_ = f"{self.frequency_Hz:g} Hz +- {self.tolerance_Hz:g} Hz is no rhythm"
            raise UsageError(what_, remedy="give a frequency, and a tolerance that is greater than 0 and less than it.")
        if self.cycles < 1:
            raise UsageError(f"{self.cycles} cycles are no rhythm", remedy="give one at least.")
        if self.duty is not None and not 0 <= self.duty[0] <= self.duty[1] <= 1:
            mend = "give the least and the most part of the cycle in which it is on, 0..1: (0.4, 0.6)."
            raise UsageError(f"nothing is on for {self.duty[0]:g} to {self.duty[1]:g} of a cycle", remedy=mend)

    @property
    def longest_ns(self) -> int:
        """The longest cycle that is allowed."""
        return round(NS_PER_S / (self.frequency_Hz - self.tolerance_Hz))

    @property
    def shortest_ns(self) -> int:
        """The shortest cycle that is allowed."""
        return round(NS_PER_S / (self.frequency_Hz + self.tolerance_Hz))

    def __str__(self) -> str:
        duty = f", on for {self.duty[0]:.0%} to {self.duty[1]:.0%} of it" if self.duty else ""
        return f"blinking at {self.frequency_Hz:g} Hz +- {self.tolerance_Hz:g}{duty}"


@dataclass(slots=True)
class _Edges:
    """The edges that were seen: instants at which it went on, and off after that."""

    state: str = ""
    rises: list[int] = field(default_factory=list)
    falls: list[int] = field(default_factory=list)
    strip: list[Pixels] = field(default_factory=list)
    score: float = 1.0

    def add(self, frame: Frame, judgement: Judgement) -> None:
        """A frame was seen; in between (dim) nothing changes."""
        seen = judgement.seen
        if seen in ("dim", self.state):
            return
        if self.state and seen == "on":
            self.rises.append(frame.t_ns)
        elif self.state and self.rises:
            self.falls.append(frame.t_ns)
        self.state, self.score = seen, min(self.score, judgement.score)
        if len(self.strip) < _STRIP:
            self.strip.append(judgement.crop)

    @property
    def cycles(self) -> int:
        """How many whole cycles were seen."""
        return max(0, len(self.rises) - 1)

    @property
    def frequency_Hz(self) -> float:
        """Of the whole cycles."""
        return self.cycles * NS_PER_S / (self.rises[-1] - self.rises[0])

    @property
    def duty(self) -> float:
        """Part of the whole cycles in which it was on."""
        on_ns = sum(fall - rise for rise, fall in zip(self.rises[:-1], self.falls, strict=False))
        return on_ns / (self.rises[-1] - self.rises[0])


class MotionChecks(Watcher):
    """The checks of one screen over many frames."""

    async def blinking(self, lamp: Expectation, rhythm: Rhythm, during: Duration | None = None) -> CheckResult:
        """Pass if something goes on and off in a rhythm: for as many cycles as it asks for, or all of `during`.

        Args:
            lamp: the expectation that it is on.
            rhythm: the rhythm.
            during: watch it for so long; without it the check ends with the last of the cycles.

        Raises:
            BenchError: the source gave no picture.
            InconclusiveError: the source is too slow to tell.
        """
        self._check_speed(rhythm)
        length = (rhythm.cycles + 2) * rhythm.longest_ns / NS_PER_S if during is None else during
        window, judge, edges = self.window_of(length), FrameJudge(lamp, self.clock), _Edges()
        frame, judgement, fault = None, None, ""
        while (following := await window.next()) is not None:
            frame, judgement = following, await judge(following)
            edges.add(frame, judgement)
            fault = self._wrong(edges, rhythm, judgement)
            if fault or (during is None and edges.cycles >= rhythm.cycles):
                break
        assert frame is not None  # a window has at least one frame
        assert judgement is not None
        window.check_sight()
        fault = fault or self._incomplete(edges, rhythm, window, during is not None)
        return self._rhythm_result(lamp, rhythm, window, edges, (frame, judgement, judge.looks), fault)

    def _check_speed(self, rhythm: Rhythm) -> None:
        if self.source.period_ns * _LOOKS_A_CYCLE > rhythm.shortest_ns:
            what_ = f"a frame every {show_duration(self.source.period_ns)} can't tell {rhythm.frequency_Hz:g} Hz"
            raise InconclusiveError(what_, where=self.screen, remedy="use a faster source.")

    def _wrong(self, edges: _Edges, rhythm: Rhythm, judgement: Judgement) -> str:
        """What is wrong with the last frame or the last cycle; empty if nothing is."""
        if judgement.seen not in ("on", "off", "dim"):
            return f"{judgement.seen} ({judgement.detail})"
        if not edges.cycles:
            return ""
        last_ns, slack_ns = edges.rises[-1] - edges.rises[-2], self.source.period_ns
        if rhythm.shortest_ns - slack_ns <= last_ns <= rhythm.longest_ns + slack_ns:
            return ""
        return f"a cycle of {show_duration(last_ns)}, that is {NS_PER_S / last_ns:.2f} Hz"

    def _incomplete(self, edges: _Edges, rhythm: Rhythm, window: Window, all_along: bool) -> str:
        """What is missing at the end; empty if nothing is."""
        if edges.cycles < rhythm.cycles:
            steady = f"steadily {edges.state}" if not edges.rises and not edges.falls else f"last {edges.state}"
            return f"{edges.cycles} whole cycles, {steady}"
        longest_ns = rhythm.longest_ns + self.source.period_ns
        if all_along and edges.rises[0] - window.since_ns > longest_ns:
            return f"blinking from {show_duration(edges.rises[0] - window.since_ns)} after the check began"
        if all_along and window.until_ns - edges.rises[-1] > longest_ns:
            return f"blinking no longer from {show_duration(edges.rises[-1] - window.since_ns)} after the check began"
        return ""

    def _rhythm_result(
        self,
        lamp: Expectation,
        rhythm: Rhythm,
        window: Window,
        edges: _Edges,
        last: tuple[Frame, Judgement, int],
        fault: str,
    ) -> CheckResult:
        frame, judgement, looks = last
        margin = -1.0 if fault else self._margin(edges, rhythm)
        measured = f"{edges.frequency_Hz:.2f} Hz, on for {edges.duty:.0%}" if edges.cycles else ""
        seen = fault or measured
        detail = "" if not fault or not measured else f"{edges.cycles} cycles at {measured}"
        picture = _film_strip(edges.strip) if edges.strip else judgement.crop
        final = Judgement(margin >= 0, seen, edges.score, margin, detail, picture)
        outcome = Outcome(frame, final, margin >= 0, margin, looks)
        words = f"{rhythm} within {write_duration(window.length_ns)}"
        return self.conclude("blinking", lamp.target, words, window, outcome)

    def _margin(self, edges: _Edges, rhythm: Rhythm) -> float:
        """How far the mean rhythm is within its limits, as a part of them."""
        slack = edges.frequency_Hz * self.source.period_ns / (edges.rises[-1] - edges.rises[0])
        off = max(0.0, abs(edges.frequency_Hz - rhythm.frequency_Hz) - slack)
        margins = [1 - off / rhythm.tolerance_Hz]
        if rhythm.duty is not None:
            slack = self.source.period_ns * edges.frequency_Hz / NS_PER_S
            margins += [edges.duty - rhythm.duty[0] + slack, rhythm.duty[1] + slack - edges.duty]
        return max(-1.0, min(margins))

    async def changing(
        self, every: Duration, duration: Duration, item: Item | None = None, *, tolerance: float = 0.0
    ) -> CheckResult:
        """Pass if the screen, or what an item looks at, changes at least once in every span of `every`.

        Args:
            every: the longest that it may stand still.
            duration: how long to watch.
            item: what to look at; the whole screen if None.
            tolerance: mean difference of two pictures, in levels of 255, that a camera's noise makes.

        Raises:
            BenchError, InconclusiveError: the source gave no picture, or nobody could watch it.
            UsageError: nothing could stand still for that long, or the tolerance is none.
        """
        _check_changing(nanoseconds(every), nanoseconds(duration), tolerance)
        window, still = self.window_of(duration), _Still(nanoseconds(every), item.bounds if item else None, tolerance)
        frame = still.shown = await window.next()
        still.changed_ns = window.since_ns
        while frame is not None:
            frame = await window.next(min(window.until_ns, still.changed_ns + still.allowed_ns))
            if frame is not None:
                still.look(frame)
        window.check_sight()
        frozen = still.changed_ns + still.allowed_ns < window.until_ns
        words = f"a change every {write_duration(still.allowed_ns)} during {write_duration(window.length_ns)}"
        return self.conclude("changing", what(item), words, window, still.outcome(window, frozen))

    async def in_order(self, watch: Expectation, wanted: Sequence[str], timeout: Duration) -> CheckResult:
        """Pass when texts have been seen one after the other; one that comes before its turn fails.

        Args:
            watch: gives what is seen (`Judgement.seen`); whatever is none of the texts counts as nothing.
            wanted: the texts, each different from the one before it.
            timeout: for all of them.

        Raises:
            BenchError, InconclusiveError: as `changing`.
        """
        if any(same_text(one, other) for one, other in pairwise(wanted)) or not wanted:
            raise UsageError("an order has different texts", where=watch.item.name, remedy="name each once.")
        window, judge, reached, early = self.window_of(timeout), FrameJudge(watch, self.clock), 0, ""
        while (frame := await window.next()) is not None:
            decided = frame, await judge(frame)
            reached, early = _advance(decided[1].seen, wanted, reached)
            if early or reached == len(wanted):
                break
        frame, judgement = decided
        seen = f"'{early}' before '{wanted[reached]}'" if early else _then(wanted[:reached]) or "none of them"
        ok = reached == len(wanted)
        margin = judgement.score if ok else -1.0
        outcome = Outcome(frame, replace(judgement, ok=ok, seen=seen, margin=margin), ok, margin, judge.looks)
        words = f"{_then(wanted)} within {write_duration(window.length_ns)}"
        return self.conclude("in order", watch.target, words, window, outcome)


@dataclass(slots=True)
class _Still:
    """How long a picture has stood still.

    Attributes:
        allowed_ns: the longest that it may.
        region: what counts of it; all if None.
        tolerance: see `changing`.
        shown: the frame of the last change, or the first one.
        changed_ns: when that was.
    """

    allowed_ns: int
    region: Region | None
    tolerance: float
    shown: Frame | None = None
    changed_ns: int = 0
    changes: int = 0
    longest_ns: int = 0

    def look(self, frame: Frame) -> None:
        """A frame was seen."""
        if self.shown is None or not differ(self.shown, frame, self.region, self.tolerance):
            return
        self.longest_ns = max(self.longest_ns, frame.t_ns - self.changed_ns)
        self.shown, self.changed_ns, self.changes = frame, frame.t_ns, self.changes + 1

    def outcome(self, window: Window, frozen: bool) -> Outcome:
        """What became of the check."""
        assert self.shown is not None  # a window has at least one frame
        after = show_duration(self.changed_ns - window.since_ns)
        seen = f"frozen for {show_duration(self.allowed_ns)}, from {after} after the check began" if frozen else ""
        seen = seen or f"{self.changes} changes, at most {show_duration(self.longest_ns)} apart"
        pixels = crop(self.shown.pixels, self.region) if self.region else self.shown.pixels
        margin = -1.0 if frozen else 1 - self.longest_ns / self.allowed_ns
        return Outcome(self.shown, Judgement(not frozen, seen, 1.0, margin, "", pixels), not frozen, margin, 1)


def _check_changing(every_ns: int, duration_ns: int, tolerance: float) -> None:
    if not 0 < every_ns < duration_ns:
        what_ = f"a change every {write_duration(every_ns)} can't be missed during {write_duration(duration_ns)}"
        raise UsageError(what_, remedy="watch for longer than a change may take: during=4 s, every=500 ms.")
    if not 0 <= tolerance < math.inf:
        raise UsageError(f"{tolerance:g} is no tolerance", remedy="give levels of 255: 0 or more.")


def _then(texts: Sequence[str]) -> str:
    return " then ".join(f"'{text}'" for text in texts)


def _advance(seen: str, wanted: Sequence[str], reached: int) -> tuple[int, str]:
    """How many have been seen in order, and one that came too early."""
    if reached < len(wanted) and same_text(seen, wanted[reached]):
        return reached + 1, ""
    is_last = reached > 0 and same_text(seen, wanted[reached - 1])
    early = [text for text in wanted[reached + 1 :] if same_text(seen, text)]
    return reached, "" if is_last or not early else early[0]


def _film_strip(crops: list[Pixels]) -> Pixels:
    """Crops side by side, with a grey line between."""
    line = np.full((crops[0].shape[0], 2, 3), 128, np.uint8)
    parts = [part for each in crops for part in (each, line)]
    return np.concatenate(parts[:-1], axis=1)
