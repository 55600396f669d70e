"""Watching one screen over a span of bench time: the frames in it, each judged once, and the result of a check.

Rules of this module: a frame that is equal to the last one (by its token, or in the pixels that count) isn't judged
again. On a real clock a thread looks, so that the loop is never late; a check that nobody watched for too long says
nothing (inconclusive).

Not for: what a check demands (`hil.hmi.checks`, `hil.hmi.motion`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from hil.clock import LAST, Clock
from hil.errors import InconclusiveError
from hil.hmi.expect import Expectation, Judgement
from hil.hmi.frames import Frame, FrameSource, Pixels
from hil.hmi.layout import Item, Region
from hil.hmi.reader import crop
from hil.journal import Origin
from hil.units import Duration, nanoseconds, show_duration


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How a check ended.

    Attributes:
        name: kind of check: `within`, `always during`, `stable`, `blinking`, ...
        target: screen and item, e.g. `cluster: telltale high_beam`.
        expected: what was expected, with its time.
        seen: what was seen in the deciding frame.
        ok: it is as expected.
        score: how sure the reader was, 0..1.
        margin: signed distance to the threshold that would turn the judgement (see `hil.hmi.expect`).
        since_ns: bench time at which the check began.
        within_ns: how long it might take.
        t_ns: stamp of the deciding frame: the first that met it, the first that broke it, else the closest one.
        took_ns: from the beginning to that frame; 0 if the screen showed it before.
        bound_ns: bound on the error of `t_ns`.
        origin: where that stamp came from.
        detail: more on what was seen.
        looks: how many different pictures were judged.
        measured: what the reader measured, with its thresholds; may be empty.
        region: the part of the screen that was looked at; None for all of it, and for what is no screen.
        frame: the deciding frame.
        crop: its pixels that were judged.
    """

    name: str
    target: str
    expected: str
    seen: str
    ok: bool
    score: float
    margin: float
    since_ns: int
    within_ns: int
    t_ns: int
    took_ns: int
    bound_ns: int
    origin: Origin
    detail: str
    looks: int
    frame: Frame = field(repr=False, compare=False)
    crop: Pixels = field(repr=False, compare=False)
    measured: str = field(default="", compare=False)
    region: Region | None = None


Report = Callable[[CheckResult], object]
_BLIND_PERIODS: Final = 3
_BLIND_NS: Final = 250_000_000
"""How long a reader may be at work, in frames and in time, before a check that it delays says nothing."""


class Window:
    """The span of bench time of one check, and the frames in it.

    Attributes:
        since_ns: its begin.
        until_ns: its end.
        blind_ns: the longest that nobody watched the screen, since a reader was at work (never on a virtual clock).
        unseen_ns: how much of its end no picture tells of, since none came in time.
    """

    def __init__(self, source: FrameSource, clock: Clock, length_ns: int) -> None:
        self.length_ns = length_ns
        self.since_ns = clock.now_ns
        self.until_ns = self.since_ns + length_ns
        self.blind_ns = self.unseen_ns = 0
        self._source, self._clock = source, clock
        self._last: Frame | None = None
        self._looked_ns = self.since_ns

    async def next(self, until_ns: int | None = None) -> Frame | None:
        """The frame that the screen shows now, then each later one up to the end of the window (or `until_ns`).

        Raises:
            InconclusiveError: the very first came after the end: the source is slower than the check.
        """
        end_ns = self.until_ns if until_ns is None else until_ns
        self.blind_ns = max(self.blind_ns, min(self._clock.now_ns, self.until_ns) - self._looked_ns)
        if self._last is not None:
            frame = await self._later(self._last.t_ns, end_ns)
        else:
            frame = await self._source.latest()
            if self.length_ns and frame.t_ns > self.until_ns:
                raise self._too_slow(frame)
        self._last = frame or self._last
        self._looked_ns = self._clock.now_ns
        return frame

    async def at_end(self) -> Frame | None:
        """What the screen showed at the end, seen from after it; None if that can't be told.

        A picture that is still shown and was put there before the end was there at the end.
        """
        known_ns = max(self._source.known_ns, self.since_ns)
        frame = await self._source.latest()
        if frame.t_ns + frame.bound_ns <= self.until_ns:
            return frame
        self.unseen_ns = self.until_ns - known_ns
        return None

    def check_sight(self) -> None:
        """Refuse to conclude from a window in which nobody watched for too long.

        Raises:
            InconclusiveError: the reader was at work for longer than several frames, or no picture tells of the second
                half of the window.
        """
        if self.blind_ns > max(_BLIND_PERIODS * self._source.period_ns, _BLIND_NS):
            what = f"nobody watched the screen for {show_duration(self.blind_ns)}, since the reader was at work"
            raise InconclusiveError(what, where=self._source.name, remedy="allow more time, or use a faster machine.")
        if self.unseen_ns > max(self.length_ns // 2, _BLIND_NS):
            what = f"no picture tells of the last {show_duration(self.unseen_ns)} of {show_duration(self.length_ns)}"
            raise InconclusiveError(what, where=self._source.name, remedy="allow more time, or use a faster source.")

    async def _later(self, after_ns: int, until_ns: int) -> Frame | None:
        waiting = asyncio.ensure_future(self._source.next_frame(after_ns))
        timer = self._clock.call_at(until_ns, lambda _: waiting.cancel(), phase=LAST)
        try:
            frame = await waiting
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return None
        finally:
            timer.cancel()
            waiting.cancel()
        return frame if frame.t_ns <= until_ns else None

    def _too_slow(self, frame: Frame) -> InconclusiveError:
        late, span = show_duration(frame.t_ns - self.since_ns), show_duration(self.length_ns)
        what = f"the first picture came {late} after the check began, which had {span}"
        return InconclusiveError(what, where=self._source.name, remedy="allow more time, or use a faster source.")


class FrameJudge:
    """Judges frames by one expectation, equal ones only once."""

    def __init__(self, expectation: Expectation, clock: Clock) -> None:
        self._expectation, self._clock = expectation, clock
        self._last: tuple[Frame, Pixels, Judgement] | None = None
        self.looks = 0

    async def __call__(self, frame: Frame) -> Judgement:
        """What the expectation makes of a frame. On a real clock a thread looks, so that the loop is never late."""
        if self._clock.is_virtual:
            return self._judge(frame)
        return await asyncio.to_thread(self._judge, frame)

    def _judge(self, frame: Frame) -> Judgement:
        if self._last is None or not self._same(frame, *self._last[:2]):
            judgement = self._expectation.judge(frame.pixels)
            self.looks += 1
            self._last = frame, crop(frame.pixels, self._expectation.bounds), judgement
        return self._last[2]

    def _same(self, frame: Frame, last: Frame, seen: Pixels) -> bool:
        if frame.token is not None and frame.token == last.token:
            return True
        return np.array_equal(crop(frame.pixels, self._expectation.bounds), seen)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The deciding frame and what became of the check."""

    frame: Frame
    judgement: Judgement
    ok: bool
    margin: float
    looks: int


class Watcher:
    """What the checks of one screen have in common.

    Args:
        screen: the screen's name, for messages.
        source: where its frames come from, open.
        clock: the bench's clock.
        report: called with every result, in the loop's thread.
    """

    def __init__(self, *, screen: str, source: FrameSource, clock: Clock, report: Report) -> None:
        self.screen, self.source, self.clock, self._report = screen, source, clock, report

    def window_of(self, length: Duration) -> Window:
        """A span that begins now."""
        return Window(self.source, self.clock, nanoseconds(length))

    def conclude(self, name: str, target: str, words: str, window: Window, outcome: Outcome) -> CheckResult:
        """The result of a check; reported."""
        frame, judgement = outcome.frame, outcome.judgement
        result = CheckResult(
            name=name,
            target=f"{self.screen}: {target}",
            expected=words,
            seen=judgement.seen,
            ok=outcome.ok,
            score=judgement.score,
            margin=outcome.margin,
            since_ns=window.since_ns,
            within_ns=window.length_ns,
            t_ns=frame.t_ns,
            took_ns=max(0, frame.t_ns - window.since_ns),
            bound_ns=frame.bound_ns,
            origin=frame.origin,
            detail=judgement.detail,
            looks=outcome.looks,
            frame=frame,
            crop=judgement.crop,
            measured=judgement.measured,
            region=judgement.region,
        )
        self._report(result)
        return result


def what(item: Item | None) -> str:
    """Kind and name of an item, for messages."""
    return f"{item.kind} {item.name}" if item else "whole screen"


def differ(shown: Frame, frame: Frame, region: Region | None, tolerance: float) -> bool:
    """Whether two frames differ in a region (the whole screen if None) by more than a mean of `tolerance` levels."""
    if frame.token is not None and frame.token == shown.token:
        return False
    here, there = (crop(each.pixels, region) if region else each.pixels for each in (shown, frame))
    if tolerance <= 0:
        return not np.array_equal(here, there)
    return float(np.abs(here.astype(np.int16) - there).mean()) > tolerance
