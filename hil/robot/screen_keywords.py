"""Keywords for what a person sees on a screen."""

from __future__ import annotations

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Duration, Lamp, Quantity, Switch


class ScreenKeywords(KeywordGroup):
    """The screens."""

    @keyword(tags=["screen", "check"])
    def telltale_should_be(self, telltale: str, state: Lamp, within: Duration = Duration(2), screen: str = "") -> None:
        """Checks that a telltale is ``on`` (in its colour) or ``off``, at the latest ``within`` from now.

        | Telltale Should Be    high_beam    on    within=300 ms |
        """
        self.bench.screen(screen).telltale(telltale).should_be(state.value, within=float(within))

    @keyword(tags=["screen", "check"])
    def telltale_should_stay(self, telltale: str, state: Lamp, during: Duration, screen: str = "") -> None:
        """Checks that a telltale is ``on`` or ``off`` in every frame for a while."""
        self.bench.screen(screen).telltale(telltale).should_stay(state.value, during=float(during))

    @keyword(tags=["screen", "check"])
    def text_should_be(self, text: str, expected: str, within: Duration = Duration(2), screen: str = "") -> None:
        """Checks that a text of the layout reads exactly ``expected``.

        | Text Should Be    speed    87 |
        """
        self.bench.screen(screen).text(text).should_be(expected, within=float(within))

    @keyword(tags=["screen", "check"])
    def text_should_show(
        self,
        text: str,
        value: Quantity,
        tolerance: Quantity = Quantity("0"),
        within: Duration = Duration(2),
        screen: str = "",
    ) -> None:
        """Checks that a text is a number, within a tolerance.

        | Text Should Show    speed    87 km/h    tolerance=1 km/h |
        """
        self.bench.screen(screen).text(text).should_show(str(value), tolerance=str(tolerance), within=float(within))

    @keyword(tags=["screen", "check"])
    def needle_should_show(
        self, needle: str, value: Quantity, tolerance: Quantity, within: Duration = Duration(2), screen: str = ""
    ) -> None:
        """Checks that a needle points at a value, within a tolerance.

        | Needle Should Show    speedometer    87 km/h    tolerance=2 km/h    within=1 s |
        """
        self.bench.screen(screen).needle(needle).should_show(str(value), tolerance=str(tolerance), within=float(within))

    @keyword(tags=["screen", "check"])
    def screen_should_be(self, state: Switch, within: Duration = Duration(2), screen: str = "") -> None:
        """Checks that a screen is ``on`` (shows something) or ``off`` (is dark)."""
        self.bench.screen(screen).should_be_lit(bool(state.value), within=float(within))

    @keyword(tags=["screen"])
    def wait_until_screen_is_stable(
        self, duration: Duration = Duration(0.2), within: Duration = Duration(2), screen: str = ""
    ) -> None:
        """Waits until nothing on the screen has changed for ``duration``."""
        self.bench.screen(screen).should_be_stable(float(duration), within=float(within))
