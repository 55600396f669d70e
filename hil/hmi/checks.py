"""Checks on one screen over time: within, always during, never during, stable; and those of `hil.hmi.motion`.

Rules of this module: a check looks at what the screen shows now and at every later frame up to its end; a frame that
is equal to the last one (by its token, or in the pixels that count) isn't judged again. It returns its result, failed
or not, after it has reported it; whoever asked decides what follows. It raises only where it can't judge.

Not for: reading pixels (readers), words and units (`hil.hmi.expect`), the journal (the `report` callback).
"""

from __future__ import annotations

from dataclasses import replace

from hil.hmi.expect import Expectation, Judgement
from hil.hmi.frames import Frame
from hil.hmi.layout import Item, Region
from hil.hmi.motion import MotionChecks
from hil.hmi.reader import crop
from hil.hmi.watching import CheckResult, FrameJudge, Outcome, Report, Window, differ, what
from hil.units import Duration, nanoseconds, show_duration, write_duration

__all__ = ["CheckResult", "Report", "ScreenChecks"]


class ScreenChecks(MotionChecks):
    """The checks of one screen."""

    async def within(self, expectation: Expectation, timeout: Duration) -> CheckResult:
        """Pass at the first frame that meets the expectation; `took_ns` says how long that was.

        With a time-out of 0 the frame that the screen shows now decides.

        Raises:
            BenchError: the source gave no picture.
            InconclusiveError: its first one came too late to tell.
        """
        window, judge = self.window_of(timeout), FrameJudge(expectation, self.clock)
        while (frame := await window.next()) is not None:
            decided = frame, await judge(frame)
            if decided[1].ok:
                break
        if not decided[1].ok:
            decided = await self._last_look(window, judge, decided)
        frame, judgement = decided
        outcome = Outcome(frame, judgement, judgement.ok, judgement.margin, judge.looks)
        words = f"{expectation.expected} within {write_duration(window.length_ns)}"
        return self.conclude("within", expectation.target, words, window, outcome)

    async def _last_look(
        self, window: Window, judge: FrameJudge, decided: tuple[Frame, Judgement]
    ) -> tuple[Frame, Judgement]:
        """A check that failed: what the end showed counts, also if it is known only later.

        A reader may have been at work then, or the picture on its way.
        """
        if self.clock.is_virtual:
            return decided
        frame = await window.at_end()
        if frame is None:
            window.check_sight()
            return decided
        return frame, await judge(frame)

    async def always_during(self, expectation: Expectation, duration: Duration) -> CheckResult:
        """Pass if every frame up to the end meets the expectation; the first that doesn't ends the check.

        Raises:
            BenchError, InconclusiveError: as `within`.
        """
        return await self._during("always during", expectation, duration, good=True)

    async def never_during(self, expectation: Expectation, duration: Duration) -> CheckResult:
        """Pass if no frame up to the end meets the expectation; the first that does ends the check.

        Raises:
            BenchError, InconclusiveError: as `within`.
        """
        return await self._during("never during", expectation, duration, good=False)

    async def _during(self, name: str, expectation: Expectation, duration: Duration, *, good: bool) -> CheckResult:
        window, judge = self.window_of(duration), FrameJudge(expectation, self.clock)
        closest: Outcome | None = None
        while (frame := await window.next()) is not None:
            judgement = await judge(frame)
            ok, margin = judgement.ok is good, judgement.margin if good else -judgement.margin
            if closest is None or margin < closest.margin:
                closest = Outcome(frame, judgement, ok, margin, judge.looks)
            if not ok:
                break
        assert closest is not None  # a window has at least one frame
        if closest.ok and not self.clock.is_virtual:
            window.check_sight()
            frame = await window.at_end()
            if frame is None:
                window.check_sight()
            last = await judge(frame) if frame is not None else None
            if frame is not None and last is not None and last.ok is not good:
                margin = last.margin if good else -last.margin
                closest = Outcome(frame, last, False, margin, judge.looks)
        words = f"{name.partition(' ')[0]} {expectation.expected} during {write_duration(window.length_ns)}"
        return self.conclude(name, expectation.target, words, window, replace(closest, looks=judge.looks))

    async def stable(
        self, duration: Duration, timeout: Duration, item: Item | None = None, *, tolerance: float = 0.0
    ) -> CheckResult:
        """Wait until the screen, or what an item looks at, hasn't changed for `duration`, counted from the call.

        Args:
            duration: how long it must not change.
            timeout: how long to wait for that.
            item: what to look at; the whole screen if None.
            tolerance: mean difference of two pictures, in levels of 255, that a camera's noise makes.

        Raises:
            BenchError, InconclusiveError: as `within`.
        """
        window, calm_ns = self.window_of(timeout), nanoseconds(duration)
        region = item.bounds if item else None
        frame = shown = await window.next()
        changed_ns, changes = window.since_ns, 0
        while frame is not None and frame.t_ns - changed_ns < calm_ns:
            frame = await window.next(min(window.until_ns, changed_ns + calm_ns))
            if frame is not None and shown is not None and differ(shown, frame, region, tolerance):
                shown, changed_ns, changes = frame, frame.t_ns, changes + 1
        assert shown is not None  # a window has at least one frame
        ok = changed_ns + calm_ns <= window.until_ns
        words = f"unchanged for {write_duration(calm_ns)} within {write_duration(window.length_ns)}"
        judgement = _calm_or_not(shown, region, ok, changes, changed_ns - window.since_ns)
        outcome = Outcome(shown, judgement, ok, judgement.margin, changes + 1)
        return self.conclude("stable", what(item), words, window, outcome)


def _calm_or_not(shown: Frame, region: Region | None, ok: bool, changes: int, after_ns: int) -> Judgement:
    seen = f"{changes} changes, the last {show_duration(after_ns)} after the check began" if changes else "no change"
    pixels = crop(shown.pixels, region) if region else shown.pixels
    return Judgement(ok, seen, 1.0, 1.0 if ok else -1.0, "", pixels)
