"""A screen as a test sees it: telltales, texts and needles of its layout, checked in the user's units."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import cv2

from hil import units
from hil.bench.measure import Limits, ReactionResult, Stage, measure_reaction
from hil.bench.portal import Portal
from hil.can.database import SignalValue
from hil.errors import EcuError
from hil.hmi import expect, glass
from hil.hmi.checks import CheckResult, ScreenChecks
from hil.hmi.expect import Expectation
from hil.hmi.frames import Pixels
from hil.hmi.layout import Item
from hil.hmi.reader import reader_for
from hil.units import Duration

DEFAULT_WITHIN = "2 s"
_JPEG_QUALITY = 85


class ScreenFacade:
    """One screen."""

    def __init__(self, bench: Portal, name: str) -> None:
        self.bench, self.name = bench, name
        self.source = bench.wiring.screens[name]
        self.layout = bench.wiring.plan.layouts[name]

    def telltale(self, name: str) -> TelltaleFacade:
        """A telltale of the layout.

        Raises:
            UsageError: there is none of that name; the nearest are named.
        """
        return TelltaleFacade(self, name)

    def text(self, name: str) -> TextFacade:
        """A text of the layout."""
        return TextFacade(self, name)

    def needle(self, name: str) -> NeedleFacade:
        """A needle of the layout."""
        return NeedleFacade(self, name)

    def should_be_stable(self, duration: Duration = "200 ms", *, within: Duration = DEFAULT_WITHIN) -> None:
        """Wait until nothing on the screen has changed for `duration`.

        Raises:
            EcuError: it never was.
        """
        self.run_check(lambda checks: checks.stable(duration, within))

    def should_be_lit(self, lit: bool = True, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that the screen shows something, or (`lit=False`) is dark.

        Raises:
            EcuError: it did not become so.
        """
        item = glass.whole_screen(self.layout.size)
        wanted = glass.backlight(item, lit)
        self.run_check(lambda checks: checks.within(wanted, within))

    def run_check(self, check: Callable[[ScreenChecks], Awaitable[CheckResult]], *, throughout: bool = False) -> None:
        """Run a check in the loop and judge its result."""
        self.bench.call(self._run_check(check, throughout))

    async def _run_check(self, check: Callable[[ScreenChecks], Awaitable[CheckResult]], throughout: bool) -> None:
        checks = ScreenChecks(
            screen=self.name, source=self.source, clock=self.bench.wiring.clock, report=lambda result: None
        )
        result = await check(checks)
        self._keep_pictures(result)
        try:
            self._judge(result, throughout)
        except EcuError as error:
            error.picture = _png(result.crop)
            raise

    def _judge(self, result: CheckResult, throughout: bool) -> None:
        self.bench.judge.check(
            name=result.name,
            target=result.target,
            expected=result.expected,
            seen=result.seen,
            ok=result.ok,
            t_ns=result.t_ns,
            since_ns=result.since_ns,
            within_ns=result.within_ns,
            score=result.score,
            margin=result.margin,
            origin=result.origin,
            bound_ns=result.bound_ns,
            detail=result.detail,
            throughout=throughout,
        )

    def _keep_pictures(self, result: CheckResult) -> None:
        """The crop that was judged, lossless; of a failed check the whole frame too."""
        journal = self.bench.wiring.recorder.journal
        if journal is None:
            return
        region = result.target.partition(": ")[2].replace(" ", ".")
        journal.picture(result.t_ns, f"{self.name}/{region}", "png", _png(result.crop))
        if not result.ok:
            journal.picture(result.t_ns, self.name, "jpeg", _jpeg(result.frame.pixels))


def _png(pixels: Pixels) -> bytes:
    return bytes(cv2.imencode(".png", pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])


def _jpeg(pixels: Pixels) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1])


class _ItemFacade:
    """What telltales, texts and needles have in common."""

    def __init__(self, screen: ScreenFacade, item: Item) -> None:
        self._screen, self._item = screen, item

    def read(self) -> str | float | None:
        """What it shows now, as its reader says; judges nothing."""
        return self._screen.bench.call(self._read())

    async def _read(self) -> str | float | None:
        frame = await self._screen.source.latest()
        return reader_for(self._item)(frame.pixels, self._item).value

    def _within(self, wanted: Expectation, within: Duration) -> None:
        self._screen.run_check(lambda checks: checks.within(wanted, within))

    def _always(self, wanted: Expectation, duration: Duration) -> None:
        self._screen.run_check(lambda checks: checks.always_during(wanted, duration), throughout=True)

    def _never(self, wanted: Expectation, duration: Duration) -> None:
        self._screen.run_check(lambda checks: checks.never_during(wanted, duration), throughout=True)


class TelltaleFacade(_ItemFacade):
    """A telltale."""

    def __init__(self, screen: ScreenFacade, name: str) -> None:
        self._telltale = screen.layout.telltale(name)
        super().__init__(screen, self._telltale)

    def should_be(self, state: str, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that it is `on` (in its colour) or `off`, at the latest `within` from now.

        Raises:
            EcuError: it was not.
        """
        self._within(expect.lamp(self._telltale, state), within)

    def should_stay(self, state: str, *, during: Duration) -> None:
        """Check that it is `on` or `off` in every frame for a while.

        Raises:
            EcuError: in some frame it was not.
        """
        self._always(expect.lamp(self._telltale, state), during)

    def should_never_be(self, state: str, *, during: Duration) -> None:
        """Check that it is never `on` or `off` for a while."""
        self._never(expect.lamp(self._telltale, state), during)

    def reaction(
        self,
        signal: str,
        value: SignalValue,
        *,
        rest: SignalValue,
        state: str = "on",
        samples: int = 20,
        limit: Duration | None = None,
        source: str = "",
    ) -> ReactionResult:
        """Measure how long from a signal on the bus to this telltale on the screen.

        Args:
            signal: the stimulus.
            value: what it is set to.
            rest: what it is set back to between two samples.
            state: what the telltale must become.
            samples: how many; each at a random phase of the signal's cycle.
            limit: the most that it may take; judged with the measurement's uncertainty.
            source: where the limit comes from.

        Raises:
            EcuError: the reaction did not come, or took longer than the limit.
            InconclusiveError: the limit lies within the uncertainty.
        """
        stage = Stage(self._screen.bench, self._screen.name, self._screen.source)
        limits = Limits(None if limit is None else units.seconds(limit), source)
        reaction = expect.lamp(self._telltale, state)
        at_rest = expect.lamp(self._telltale, "off" if state == "on" else "on")
        return self._screen.bench.call(measure_reaction(stage, signal, value, rest, reaction, at_rest, samples, limits))


class TextFacade(_ItemFacade):
    """A text."""

    def __init__(self, screen: ScreenFacade, name: str) -> None:
        self._text = screen.layout.text(name)
        super().__init__(screen, self._text)

    def should_be(self, text: str, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that it reads `text`.

        Raises:
            EcuError: it did not.
        """
        self._within(expect.text_equals(self._text, text), within)

    def should_match(self, pattern: str, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that a regular expression matches all of it."""
        self._within(expect.text_matches(self._text, pattern), within)

    def should_show(
        self, value: str | float, *, tolerance: str | float = 0.0, within: Duration = DEFAULT_WITHIN
    ) -> None:
        """Check that it is a number, with or without unit, within a tolerance."""
        self._within(expect.text_number(self._text, value, tolerance), within)

    def should_stay(self, text: str, *, during: Duration) -> None:
        """Check that it reads `text` in every frame for a while."""
        self._always(expect.text_equals(self._text, text), during)


class NeedleFacade(_ItemFacade):
    """A needle."""

    def __init__(self, screen: ScreenFacade, name: str) -> None:
        self._needle = screen.layout.needle(name)
        super().__init__(screen, self._needle)

    def should_show(self, value: str | float, *, tolerance: str | float, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that it points at a value: `should_show("87 km/h", tolerance="2 km/h")`.

        Raises:
            EcuError: it did not.
        """
        self._within(expect.needle(self._needle, value, tolerance), within)

    def should_stay_at(self, value: str | float, *, tolerance: str | float, during: Duration) -> None:
        """Check that it points at a value in every frame for a while."""
        self._always(expect.needle(self._needle, value, tolerance), during)
