"""A screen as a test sees it: the items of its layout, checked in the user's units; and the evidence of checks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hil.bench.portal import Portal
from hil.bench.screen_items import (
    DEFAULT_WITHIN,
    BarFacade,
    ButtonFacade,
    IconFacade,
    NeedleFacade,
    PictureFacade,
    PopupFacade,
    TelltaleFacade,
    TextFacade,
    ViewFacade,
)
from hil.bench.shots import keep_pictures, png
from hil.errors import EcuError
from hil.hmi import expect_lamps, glass
from hil.hmi.checks import CheckResult, ScreenChecks
from hil.hmi.layout import Bar, Button, Icon, Needle, Picture, Popup, Telltale, Text, View
from hil.units import Duration


class ScreenFacade:
    """One screen."""

    def __init__(self, bench: Portal, name: str) -> None:
        self.bench, self.name = bench, name
        self.source = bench.wiring.screens[name]
        self.layout = bench.layout(name)

    def telltale(self, name: str) -> TelltaleFacade:
        """A telltale of the layout.

        Raises:
            UsageError: there is none of that name; the nearest are named.
        """
        return TelltaleFacade(self, self.layout.find(name, Telltale))

    def lit_telltales_should_be(self, *names: str, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that these telltales of the layout are on and all others off; without names: none is on.

        Raises:
            EcuError: one of them was not, or another one was; they are named.
        """
        known = self._telltales(*self.layout.names(Telltale))
        wanted = expect_lamps.LitTelltales(known, [item.name for item in self._telltales(*names)])
        self.run_check(lambda checks: checks.within(wanted, within))

    def telltales_should_stay_in_step(self, *names: str, during: Duration) -> None:
        """Check that these telltales are all on or all off, in every frame for a while."""
        wanted = expect_lamps.InStep(self._telltales(*names))
        self.run_check(lambda checks: checks.always_during(wanted, during), throughout=True)

    def _telltales(self, *names: str) -> list[Telltale]:
        return [self.layout.find(name, Telltale) for name in names]

    def text(self, name: str) -> TextFacade:
        """A text of the layout."""
        return TextFacade(self, self.layout.find(name, Text))

    def needle(self, name: str) -> NeedleFacade:
        """A needle of the layout."""
        return NeedleFacade(self, self.layout.find(name, Needle))

    def bar(self, name: str) -> BarFacade:
        """A bar of the layout."""
        return BarFacade(self, self.layout.find(name, Bar))

    def icon(self, name: str) -> IconFacade:
        """An icon of the layout."""
        return IconFacade(self, self.layout.find(name, Icon))

    def popup(self, name: str = "") -> PopupFacade:
        """A pop-up of the layout; without a name the only one."""
        known = self.layout.names(Popup)
        return PopupFacade(self, self.layout.find(name or (known[0] if len(known) == 1 else name), Popup))

    def view(self, name: str) -> ViewFacade:
        """A named view of the layout."""
        return ViewFacade(self, self.layout.find(name, View))

    def button(self, name: str) -> ButtonFacade:
        """A button of the layout."""
        return ButtonFacade(self, self.layout.find(name, Button))

    def picture(self, name: str) -> PictureFacade:
        """A picture of the layout."""
        return PictureFacade(self, self.layout.find(name, Picture))

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

    def brightness(self) -> float:
        """How bright the screen is now: the mean level of its pixels, percent of white; judges nothing."""
        return self.bench.call(self._brightness())

    async def _brightness(self) -> float:
        frame = await self.source.latest()
        return glass.level_pct(frame.pixels)

    def should_be_brighter(self, than: float, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that the screen is brighter than a level from `brightness()`, by a tenth of it at least.

        Raises:
            EcuError: it was not.
        """
        wanted = glass.brightness(glass.whole_screen(self.layout.size), than, brighter=True)
        self.run_check(lambda checks: checks.within(wanted, within))

    def should_be_darker(self, than: float, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that the screen is darker than a level from `brightness()`, by a tenth of it at least."""
        wanted = glass.brightness(glass.whole_screen(self.layout.size), than, brighter=False)
        self.run_check(lambda checks: checks.within(wanted, within))

    def run_check(self, check: Callable[[ScreenChecks], Awaitable[CheckResult]], *, throughout: bool = False) -> None:
        """Run a check in the loop and judge its result."""
        self.bench.call(self._run_check(check, throughout))

    async def _run_check(self, check: Callable[[ScreenChecks], Awaitable[CheckResult]], throughout: bool) -> None:
        checks = ScreenChecks(
            screen=self.name, source=self.source, clock=self.bench.wiring.clock, report=lambda result: None
        )
        result = await check(checks)
        judge_pictured(self.bench, self.name, result, throughout=throughout)


def judge_pictured(bench: Portal, source: str, result: CheckResult, *, throughout: bool = False) -> None:
    """Judge a check of a screen or an ear; what was looked at (or heard) goes with it as a picture.

    Raises:
        EcuError: it failed; with the picture.
    """
    keep_pictures(bench, source, result)
    try:
        _judge(bench, result, throughout)
    except EcuError as error:
        error.picture = png(result.crop)
        raise


def _judge(bench: Portal, result: CheckResult, throughout: bool) -> None:
    bench.judge.check(
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
