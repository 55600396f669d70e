"""A screen as a test sees it: the items of its layout, checked in the user's units; and the evidence of checks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from hil import units
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
from hil.errors import EcuError, UsageError
from hil.hmi import expect_lamps, glass, read_view
from hil.hmi.checks import CheckResult, ScreenChecks
from hil.hmi.layout import Bar, Button, Icon, Item, Layout, Needle, Picture, Popup, Telltale, Text, View
from hil.nearest import nearest
from hil.units import Duration

Check = Callable[[ScreenChecks], Awaitable[CheckResult]]
ItemT = TypeVar("ItemT", bound=Item)


class ScreenFacade:
    """One screen.

    Args:
        bench: the way into the bench.
        name: its name in the bench file.
        guessed: the test named no screen: an item that only another screen has is looked for there.
    """

    def __init__(self, bench: Portal, name: str, *, guessed: bool = False) -> None:
        self.bench, self.name, self._guessed = bench, name, guessed
        self.source = bench.wiring.screens[name]
        self.layout = bench.layout(name)

    def telltale(self, name: str) -> TelltaleFacade:
        """A telltale of the layout.

        Raises:
            UsageError: there is none of that name; the nearest are named.
        """
        return TelltaleFacade(*self._find(name, Telltale))

    def lit_telltales_should_be(self, *names: str, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that these telltales of the layout are on and all others off; without names: none is on.

        Raises:
            EcuError: one of them was not, or another one was; they are named.
        """
        if names and (home := self._home(names[0], Telltale)) is not self:
            return home.lit_telltales_should_be(*names, within=within)
        known = self._telltales(*self.layout.names(Telltale))
        wanted = expect_lamps.LitTelltales(known, [item.name for item in self._telltales(*names)])
        self.run_check(lambda checks: checks.within(wanted, within))

    def telltales_should_stay_in_step(self, *names: str, during: Duration) -> None:
        """Check that these telltales are all on or all off, in every frame for a while."""
        if names and (home := self._home(names[0], Telltale)) is not self:
            return home.telltales_should_stay_in_step(*names, during=during)
        wanted = expect_lamps.InStep(self._telltales(*names))
        length_s = units.span(during)
        self.run_check(lambda checks: checks.always_during(wanted, length_s), throughout=True)

    def _telltales(self, *names: str) -> list[Telltale]:
        return [self.layout.find(name, Telltale) for name in names]

    def text(self, name: str) -> TextFacade:
        """A text of the layout."""
        return TextFacade(*self._find(name, Text))

    def needle(self, name: str) -> NeedleFacade:
        """A needle of the layout."""
        return NeedleFacade(*self._find(name, Needle))

    def bar(self, name: str) -> BarFacade:
        """A bar of the layout."""
        return BarFacade(*self._find(name, Bar))

    def icon(self, name: str) -> IconFacade:
        """An icon of the layout."""
        return IconFacade(*self._find(name, Icon))

    def popup(self, name: str = "") -> PopupFacade:
        """A pop-up of the layout; without a name the only one."""
        known = self.layout.names(Popup)
        return PopupFacade(*self._find(name or (known[0] if len(known) == 1 else name), Popup))

    def view(self, name: str) -> ViewFacade:
        """A named view of the layout."""
        return ViewFacade(*self._find(name, View))

    def button(self, name: str) -> ButtonFacade:
        """A button of the layout."""
        return ButtonFacade(*self._find(name, Button))

    def picture(self, name: str) -> PictureFacade:
        """A picture of the layout."""
        return PictureFacade(*self._find(name, Picture))

    def _find(self, name: str, kind: type[ItemT]) -> tuple[ScreenFacade, ItemT]:
        home = self._home(name, kind)
        return home, home.layout.find(name, kind)

    def _home(self, name: str, kind: type[Item]) -> ScreenFacade:
        """The screen that has an item; this one, if the test named it.

        Raises:
            UsageError: no screen was named, and several have it, or none.
        """
        if not self._guessed:
            return self
        layouts = {screen: self.bench.layout(screen) for screen in self.bench.wiring.screens}
        having = [screen for screen, layout in layouts.items() if layout.has(name, kind)]
        if len(having) > 1:
            mend = f"write {' or '.join(f'screen={screen}' for screen in having)}."
            raise UsageError(f"which {kind.__name__.lower()} '{name}'?", remedy=mend)
        if not having:
            raise _nowhere(name, kind, layouts)
        return self if having[0] == self.name else ScreenFacade(self.bench, having[0])

    def should_be_stable(self, duration: Duration = "200 ms", *, within: Duration = DEFAULT_WITHIN) -> None:
        """Wait until nothing on the screen has changed for `duration`.

        Raises:
            EcuError: it never was.
        """
        length_s = units.span(duration)
        self.run_check(lambda checks: checks.stable(length_s, within))

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

    def run_check(self, check: Check, *, throughout: bool = False, item: Item | None = None) -> None:
        """Run a check in the loop and judge its result; of an item it is told if its view isn't shown."""
        self.bench.call(self._run_check(check, throughout, item))

    async def _run_check(self, check: Check, throughout: bool, item: Item | None) -> None:
        checks = ScreenChecks(
            screen=self.name, source=self.source, clock=self.bench.wiring.clock, report=lambda result: None
        )
        result = await check(checks)
        if item is not None and not result.ok and not read_view.on_its_view(result.frame.pixels, item):
            told = read_view.elsewhere(item)
            result = result if result.seen == told else replace(result, detail=told)
        judge_pictured(self.bench, self.name, result, throughout=throughout)


def _nowhere(name: str, kind: type[Item], layouts: Mapping[str, Layout]) -> UsageError:
    """The complaint about an item that no screen has; where one layout can tell more, its own."""
    telling = [layout for layout in layouts.values() if layout.has(name, Item) or len(layouts) == 1]
    if telling:
        return telling[0].unknown(name, kind)
    known = [(item, screen) for screen, layout in layouts.items() for item in layout.names(kind)]
    near = nearest(name, [item for item, _ in known], most=3)
    named = dict.fromkeys(f"{name} ({screen})" for name in near for item, screen in known if item == name)
    what = kind.__name__.lower()
    mend = f"did you mean {' or '.join(named)}?" if named else f"look up the {what}s of {' and '.join(layouts)}."
    return UsageError(f"no {what} '{name}' on any screen", remedy=mend)


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
        measured=result.measured,
        region=result.region,
        throughout=throughout,
    )
