"""Keywords for what a person sees on a screen."""

from __future__ import annotations

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Deadline, Duration, Lamp, Quantity, Switch


class ScreenKeywords(KeywordGroup):
    """The screens."""

    @keyword(tags=["screen", "check"])
    def telltale_should_be(
        self, telltale: str, state: Lamp, within: Deadline = Deadline(2), colour: str = "", screen: str = ""
    ) -> None:
        """Checks that a telltale is ``on`` or ``off``, at the latest ``within`` from now.

        The colour is the layout's, or the one that is given.

        | Telltale Should Be    high_beam    on    within=300 ms    colour=blue |
        """
        self.bench.screen(screen).telltale(telltale).should_be(state.value, within=float(within), colour=colour)

    @keyword(tags=["screen", "check"])
    def lit_telltales_should_be(self, *telltales: str, within: Deadline = Deadline(2), screen: str = "") -> None:
        """Checks that these telltales are on and all others of the layout off; without names: none is on.

        | Lit Telltales Should Be    low_beam    position_lights    within=500 ms |
        """
        self.bench.screen(screen).lit_telltales_should_be(*telltales, within=float(within))

    @keyword(tags=["screen", "check"])
    def telltales_should_stay_in_step(self, *telltales: str, during: Duration, screen: str = "") -> None:
        """Checks that these telltales are all on or all off, in every frame for a while.

        | Telltales Should Stay In Step    turn_left    turn_right    during=3 s |
        """
        self.bench.screen(screen).telltales_should_stay_in_step(*telltales, during=float(during))

    @keyword(tags=["screen", "check"])
    def telltale_should_stay(self, telltale: str, state: Lamp, during: Duration, screen: str = "") -> None:
        """Checks that a telltale is ``on`` or ``off`` in every frame for a while."""
        self.bench.screen(screen).telltale(telltale).should_stay(state.value, during=float(during))

    @keyword(tags=["screen", "check"])
    def telltale_should_never_be(self, telltale: str, state: Lamp, during: Duration, screen: str = "") -> None:
        """Checks that a telltale is never ``on``, or never ``off``, for a while; whatever else it may be.

        | Telltale Should Never Be    oil    on    during=3 s |
        """
        self.bench.screen(screen).telltale(telltale).should_never_be(state.value, during=float(during))

    @keyword(tags=["screen", "check"])
    def text_should_be(self, text: str, expected: str, within: Deadline = Deadline(2), screen: str = "") -> None:
        """Checks that a text of the layout reads exactly ``expected``.

        | Text Should Be    speed    87 |
        """
        self.bench.screen(screen).text(text).should_be(expected, within=float(within))

    @keyword(tags=["screen", "check"])
    def text_should_stay(self, text: str, expected: str, during: Duration, screen: str = "") -> None:
        """Checks that a text of the layout reads ``expected`` in every frame for a while."""
        self.bench.screen(screen).text(text).should_stay(expected, during=float(during))

    @keyword(tags=["screen", "check"])
    def text_should_match(self, text: str, pattern: str, within: Deadline = Deadline(2), screen: str = "") -> None:
        """Checks that a regular expression matches all that a text of the layout reads.

        | Text Should Match    clock    [0-9]+:[0-9][0-9] |
        """
        self.bench.screen(screen).text(text).should_match(pattern, within=float(within))

    @keyword(tags=["screen", "check"])
    def text_should_show(
        self,
        text: str,
        value: Quantity,
        tolerance: Quantity = Quantity("0"),
        within: Deadline = Deadline(2),
        screen: str = "",
    ) -> None:
        """Checks that a text is a number, within a tolerance.

        | Text Should Show    speed    87 km/h    tolerance=1 km/h |
        """
        self.bench.screen(screen).text(text).should_show(str(value), tolerance=str(tolerance), within=float(within))

    @keyword(tags=["screen", "check"])
    def needle_should_show(
        self, needle: str, value: Quantity, tolerance: Quantity, within: Deadline = Deadline(2), screen: str = ""
    ) -> None:
        """Checks that a needle points at a value, within a tolerance.

        | Needle Should Show    speed_needle    87 km/h    tolerance=2 km/h    within=1 s |
        """
        self.bench.screen(screen).needle(needle).should_show(str(value), tolerance=str(tolerance), within=float(within))

    @keyword(tags=["screen", "check"])
    def needle_should_stay_at(
        self, needle: str, value: Quantity, tolerance: Quantity, during: Duration, screen: str = ""
    ) -> None:
        """Checks that a needle points at a value in every frame for a while, within a tolerance.

        | Needle Should Stay At    speed_needle    87 km/h    tolerance=2 km/h    during=3 s |
        """
        self.bench.screen(screen).needle(needle).should_stay_at(
            str(value), tolerance=str(tolerance), during=float(during)
        )

    @keyword(tags=["screen", "check"])
    def screen_should_be(self, state: Switch, within: Deadline = Deadline(2), screen: str = "") -> None:
        """Checks that a screen is ``on`` (shows something) or ``off`` (is dark)."""
        self.bench.screen(screen).should_be_lit(bool(state.value), within=float(within))

    @keyword(tags=["screen"])
    def screen_brightness(self, screen: str = "") -> float:
        """How bright a screen is now, percent of white; judges nothing.

        | ${day} =    Screen Brightness    screen=cluster |
        """
        return self.bench.screen(screen).brightness()

    @keyword(tags=["screen", "check"])
    def screen_should_be_brighter(self, than: float, within: Deadline = Deadline(2), screen: str = "") -> None:
        """Checks that a screen is brighter than a level from ``Screen Brightness``, by a tenth of it at least."""
        self.bench.screen(screen).should_be_brighter(than, within=float(within))

    @keyword(tags=["screen", "check"])
    def screen_should_be_darker(self, than: float, within: Deadline = Deadline(2), screen: str = "") -> None:
        """Checks that a screen is darker than a level from ``Screen Brightness``, by a tenth of it at least.

        | Screen Should Be Darker    than=${day}    within=1 s |
        """
        self.bench.screen(screen).should_be_darker(than, within=float(within))

    @keyword(tags=["screen"])
    def wait_until_screen_is_stable(
        self, duration: Duration = Duration(0.2), within: Deadline = Deadline(2), screen: str = ""
    ) -> None:
        """Waits until nothing on the screen has changed for ``duration``."""
        self.bench.screen(screen).should_be_stable(float(duration), within=float(within))
