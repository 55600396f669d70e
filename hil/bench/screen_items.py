"""The items of a screen as a test sees them: each kind with its own words, all with the same checks over time.

Rules of this module: a method is one check, or one measurement; durations and values may carry units. What is asked of
an item in one frame is an expectation (`hil.hmi.expect`, `hil.hmi.expect_views`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from hil import units
from hil.bench.measure import InputStimulus, Limits, ReactionResult, SignalStimulus, Stage, Stimulus, measure_reaction
from hil.bench.portal import Portal
from hil.can.database import SignalValue
from hil.errors import UsageError
from hil.hmi import expect, expect_views
from hil.hmi.checks import CheckResult, ScreenChecks
from hil.hmi.expect import Expectation
from hil.hmi.frames import FrameSource
from hil.hmi.layout import Bar, Button, Icon, Item, Layout, Needle, Picture, Popup, Telltale, Text, View
from hil.hmi.motion import Rhythm
from hil.hmi.reader import reader_for
from hil.units import Duration

DEFAULT_WITHIN = "2 s"
ItemT = TypeVar("ItemT", bound=Item)


class Screen(Protocol):
    """The screen that an item is on."""

    bench: Portal
    name: str
    source: FrameSource
    layout: Layout

    def run_check(
        self,
        check: Callable[[ScreenChecks], Awaitable[CheckResult]],
        *,
        throughout: bool = False,
        item: Item | None = None,
    ) -> None:
        """Run a check in the loop and judge its result; of an item it is told if its view isn't shown."""


class ItemFacade(Generic[ItemT]):
    """What all kinds have in common."""

    def __init__(self, screen: Screen, item: ItemT) -> None:
        self._screen, self._item = screen, item

    def read(self) -> str | float | None:
        """What it shows now, as its reader says; judges nothing."""
        return self._screen.bench.call(self._read())

    async def _read(self) -> str | float | None:
        frame = await self._screen.source.latest()
        return reader_for(self._item)(frame.pixels, self._item).value

    def _within(self, wanted: Expectation, within: Duration) -> None:
        there = expect_views.on_its_view(wanted)
        self._screen.run_check(lambda checks: checks.within(there, within), item=self._item)

    def _always(self, wanted: Expectation, duration: Duration, *, or_now: bool = False) -> None:
        length_s = units.seconds(duration) if or_now else units.span(duration)
        there = expect_views.on_its_view(wanted)
        self._screen.run_check(lambda checks: checks.always_during(there, length_s), throughout=True, item=self._item)

    def _never(self, wanted: Expectation, duration: Duration) -> None:
        length_s = units.span(duration)
        there = expect_views.on_its_view(wanted)
        self._screen.run_check(lambda checks: checks.never_during(there, length_s), throughout=True)

    def _by_signal(self, signal: str, value: SignalValue, rest: SignalValue) -> Stimulus:
        return SignalStimulus.of(self._screen.bench.wiring, signal, value, rest)

    def _reaction(
        self,
        stimulus: Stimulus,
        reaction: Expectation,
        at_rest: Expectation,
        samples: int,
        limit: Duration | None,
        source: str,
    ) -> ReactionResult:
        """Measure how long from a stimulus to this item on the screen; see `TelltaleFacade.reaction`."""
        stage = Stage(self._screen.bench, self._screen.name, self._screen.source)
        if samples < 1:
            raise UsageError(f"{samples} samples measure nothing", where=self._item.name, remedy="take one at least.")
        limits = Limits(None if limit is None else units.seconds(limit), source)
        return self._screen.bench.call(measure_reaction(stage, stimulus, reaction, at_rest, samples, limits))


class TelltaleFacade(ItemFacade[Telltale]):
    """A telltale."""

    def should_be(self, state: str, *, within: Duration = DEFAULT_WITHIN, colour: str = "") -> None:
        """Check that it is `on` (in the layout's colour) or `off`, at the latest `within` from now.

        Args:
            state: `on` or `off`.
            within: how long it may take.
            colour: the colour that it must be lit in, whatever the layout says.

        Raises:
            EcuError: it was not.
        """
        item = self._item.in_colour(colour) if colour else self._item
        self._within(expect.lamp(item, state), within)

    def should_stay(self, state: str, *, during: Duration) -> None:
        """Check that it is `on` or `off` in every frame for a while.

        Raises:
            EcuError: in some frame it was not.
        """
        self._always(expect.lamp(self._item, state), during)

    def should_never_be(self, state: str, *, during: Duration) -> None:
        """Check that it is never `on` or `off` for a while."""
        self._never(expect.lamp(self._item, state), during)

    def should_blink(
        self,
        frequency: str | float,
        *,
        tolerance: str | float = "0.2 Hz",
        duty: tuple[float, float] | None = None,
        cycles: int = 3,
        during: Duration | None = None,
    ) -> None:
        """Check that it blinks: `should_blink("1.5 Hz", tolerance="0.5 Hz")`.

        Args:
            frequency: cycles a second.
            tolerance: by how much each cycle, and their mean, may be off.
            duty: part of the cycle in which it is on, at least and at most, 0..1; None says nothing.
            cycles: how many must be seen.
            during: watch it for so long; without it the check ends with the last of the cycles.

        Raises:
            EcuError: it doesn't blink, or otherwise.
            InconclusiveError: the source of pictures is too slow to tell.
        """
        rhythm = Rhythm(_in(frequency, "Hz"), _in(tolerance, "Hz"), duty, cycles)
        lamp, length_s = expect.lamp(self._item, "on"), None if during is None else units.span(during)
        self._screen.run_check(lambda checks: checks.blinking(lamp, rhythm, length_s), throughout=True)

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
        reaction = expect.lamp(self._item, state)
        at_rest = expect.lamp(self._item, "off" if state == "on" else "on")
        return self._reaction(self._by_signal(signal, value, rest), reaction, at_rest, samples, limit, source)


class TextFacade(ItemFacade[Text]):
    """A text."""

    def should_be(self, text: str, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that it reads `text`.

        Raises:
            EcuError: it did not.
        """
        self._within(expect.text_equals(self._item, text), within)

    def should_match(self, pattern: str, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that a regular expression matches all of it."""
        self._within(expect.text_matches(self._item, pattern), within)

    def should_show(
        self, value: str | float, *, tolerance: str | float = 0.0, within: Duration = DEFAULT_WITHIN
    ) -> None:
        """Check that it is a number, with or without unit, within a tolerance."""
        self._within(expect.text_number(self._item, value, tolerance), within)

    def should_stay(self, text: str, *, during: Duration) -> None:
        """Check that it reads `text` in every frame for a while."""
        self._always(expect.text_equals(self._item, text), during)

    def reaction(
        self,
        signal: str,
        value: SignalValue,
        *,
        rest: SignalValue,
        text: str,
        rest_text: str,
        samples: int = 20,
        limit: Duration | None = None,
        source: str = "",
    ) -> ReactionResult:
        """Measure how long from a signal on the bus to this text on the screen; as `TelltaleFacade.reaction`."""
        reaction, at_rest = expect.text_equals(self._item, text), expect.text_equals(self._item, rest_text)
        return self._reaction(self._by_signal(signal, value, rest), reaction, at_rest, samples, limit, source)


class NeedleFacade(ItemFacade[Needle]):
    """A needle."""

    def should_show(self, value: str | float, *, tolerance: str | float, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that it points at a value: `should_show("87 km/h", tolerance="2 km/h")`.

        Raises:
            EcuError: it did not.
        """
        self._within(expect.needle(self._item, value, tolerance), within)

    def should_stay_at(self, value: str | float, *, tolerance: str | float, during: Duration) -> None:
        """Check that it points at a value in every frame for a while."""
        self._always(expect.needle(self._item, value, tolerance), during)

    def reaction(
        self,
        signal: str,
        value: SignalValue,
        *,
        rest: SignalValue,
        shows: str | float,
        rest_shows: str | float,
        tolerance: str | float,
        samples: int = 20,
        limit: Duration | None = None,
        source: str = "",
    ) -> ReactionResult:
        """Measure how long from a signal on the bus until this needle has come to a value, within a tolerance."""
        reaction = expect.needle(self._item, shows, tolerance)
        at_rest = expect.needle(self._item, rest_shows, tolerance)
        return self._reaction(self._by_signal(signal, value, rest), reaction, at_rest, samples, limit, source)


class BarFacade(ItemFacade[Bar]):
    """A bar."""

    def should_show(self, value: str | float, *, tolerance: str | float, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that it is filled up to a value: `should_show("50 %", tolerance="3 %")`.

        Raises:
            EcuError: it was not.
        """
        self._within(expect.bar(self._item, value, tolerance), within)

    def should_stay_at(self, value: str | float, *, tolerance: str | float, during: Duration) -> None:
        """Check that it is filled up to a value in every frame for a while."""
        self._always(expect.bar(self._item, value, tolerance), during)


class IconFacade(ItemFacade[Icon]):
    """An icon."""

    def should_be(self, picture: str, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check which of its pictures it shows; `none` for none.

        Raises:
            EcuError: another one, or something else.
        """
        self._within(expect_views.icon(self._item, picture), within)

    def should_stay(self, picture: str, *, during: Duration) -> None:
        """Check that it shows a picture, or `none`, in every frame for a while."""
        self._always(expect_views.icon(self._item, picture), during)

    def reaction(
        self,
        signal: str,
        value: SignalValue,
        *,
        rest: SignalValue,
        picture: str,
        rest_picture: str = "none",
        samples: int = 20,
        limit: Duration | None = None,
        source: str = "",
    ) -> ReactionResult:
        """Measure how long from a signal on the bus to this icon on the screen; as `TelltaleFacade.reaction`."""
        reaction, at_rest = expect_views.icon(self._item, picture), expect_views.icon(self._item, rest_picture)
        return self._reaction(self._by_signal(signal, value, rest), reaction, at_rest, samples, limit, source)


class PopupFacade(ItemFacade[Popup]):
    """A pop-up."""

    def should_show(
        self,
        text: str | None = None,
        *,
        severity: str = "",
        symbol: str | None = None,
        within: Duration = DEFAULT_WITHIN,
    ) -> None:
        """Check that it is shown: with this text, of this severity, with this symbol, where one is given.

        Raises:
            EcuError: it was not.
        """
        self._within(expect_views.PopupExpectation(self._item, severity, text, symbol), within)

    def should_stay(self, text: str | None = None, *, during: Duration, severity: str = "") -> None:
        """Check that it is shown in every frame for a while."""
        self._always(expect_views.PopupExpectation(self._item, severity, text), during)

    def should_not_show(self, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that it is gone, at the latest `within` from now."""
        self._within(expect_views.PopupExpectation(self._item, expect_views.NONE), within)

    def should_never_show(self, text: str | None = None, *, during: Duration) -> None:
        """Check that it is never shown for a while; with a text, that it never says that."""
        self._never(expect_views.PopupExpectation(self._item, "", text), during)

    def should_show_in_order(self, texts: Sequence[str], *, within: Duration) -> None:
        """Check that it says these texts one after the other, whatever it says between.

        Raises:
            EcuError: one is missing, or came before its turn.
        """
        watch = expect_views.PopupText(self._item)
        self._screen.run_check(lambda checks: checks.in_order(watch, texts, within))

    def reaction(
        self,
        signal: str,
        value: SignalValue,
        *,
        rest: SignalValue,
        text: str | None = None,
        samples: int = 20,
        limit: Duration | None = None,
        source: str = "",
    ) -> ReactionResult:
        """Measure how long from a signal on the bus to this pop-up on the screen; as `TelltaleFacade.reaction`."""
        reaction = expect_views.PopupExpectation(self._item, "", text)
        at_rest = expect_views.PopupExpectation(self._item, expect_views.NONE)
        return self._reaction(self._by_signal(signal, value, rest), reaction, at_rest, samples, limit, source)


class ViewFacade(ItemFacade[View]):
    """A named view."""

    def _shown(self, is_shown: bool = True) -> Expectation:
        others = [item for item in self._screen.layout if isinstance(item, View)]
        return expect_views.shown(self._item, others=others, is_shown=is_shown)

    def should_be_shown(self, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that the screen shows it.

        Raises:
            EcuError: it did not; the view that it showed is named.
        """
        self._within(self._shown(), within)

    def should_not_be_shown(self, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that the screen doesn't show it, at the latest `within` from now."""
        self._within(self._shown(False), within)

    def should_stay(self, *, during: Duration) -> None:
        """Check that the screen shows it in every frame for a while."""
        self._always(self._shown(), during)

    def should_never_be_shown(self, *, during: Duration) -> None:
        """Check that the screen never shows it for a while."""
        self._never(self._shown(), during)

    def reaction(
        self,
        signal: str,
        value: SignalValue,
        *,
        rest: SignalValue,
        samples: int = 20,
        limit: Duration | None = None,
        source: str = "",
    ) -> ReactionResult:
        """Measure how long from a signal on the bus to this view; as `TelltaleFacade.reaction`."""
        stimulus = self._by_signal(signal, value, rest)
        return self._reaction(stimulus, self._shown(), self._shown(False), samples, limit, source)

    def reaction_to_touch(
        self,
        button: str,
        *,
        rest: str,
        samples: int = 20,
        limit: Duration | None = None,
        source: str = "",
        hold: Duration = "80 ms",
    ) -> ReactionResult:
        """Measure how long from the touch of a button to this view; `rest` is the button that leads back.

        It counts from the instant at which the finger comes down. What is shown only while it is down has to be seen
        until it is lifted: hold it for longer than the limit.
        """
        stimulus = InputStimulus.touching(self._screen.bench, self._screen.name, button, rest, units.span(hold))
        return self._reaction(stimulus, self._shown(), self._shown(False), samples, limit, source)

    def reaction_to_key(
        self, key: str, *, rest: str, samples: int = 20, limit: Duration | None = None, source: str = ""
    ) -> ReactionResult:
        """Measure how long from the press of a key to this view; `rest` is the button that leads back."""
        stimulus = InputStimulus.pressing(self._screen.bench, self._screen.name, key, rest)
        return self._reaction(stimulus, self._shown(), self._shown(False), samples, limit, source)


class ButtonFacade(ItemFacade[Button]):
    """A button."""

    def should_be_shown(self, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that it is on the screen, by the anchors that the layout gives."""
        self._within(expect_views.shown(self._item), within)

    def should_not_be_shown(self, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that it is not on the screen, at the latest `within` from now."""
        self._within(expect_views.shown(self._item, is_shown=False), within)


class PictureFacade(ItemFacade[Picture]):
    """A region that shows a picture."""

    def should_be(self, state: str, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that it is a `picture`, or `black`, or `plain`."""
        self._within(expect_views.picture(self._item, state), within)

    def should_not_be_black(self, *, during: Duration = 0.0) -> None:
        """Check that it shows a picture now, or in every frame for a while: neither black nor of one colour."""
        self._always(expect_views.not_black(self._item), during, or_now=True)

    def should_not_be_frozen(self, every: Duration = "500 ms", *, during: Duration, tolerance: float = 0.0) -> None:
        """Check that it changes at least once in every span of `every`.

        Args:
            every: the longest that it may stand still.
            during: how long to watch.
            tolerance: mean difference of two pictures, in levels of 255, that a camera's noise makes.

        Raises:
            EcuError: it stood still for longer.
        """
        self._screen.run_check(
            lambda checks: checks.changing(every, during, self._item, tolerance=tolerance), throughout=True
        )


def _in(value: str | float, unit: str) -> float:
    if not isinstance(value, str):
        return float(value)
    number, written = units.parse(value)
    return units.convert(number, written or unit, unit)
