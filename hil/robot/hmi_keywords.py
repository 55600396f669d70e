"""Keywords for warnings, views, pictures, touch, keys and chimes."""

from __future__ import annotations

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Deadline, Duration, Quantity


class HmiKeywords(KeywordGroup):
    """What is more than a lamp, a text or a needle; and how a person answers it."""

    # Looks --------------------------------------------------------------------------------------------------------

    @keyword(tags=["screen"])
    def use_theme(self, theme: str) -> None:
        """Says what the screens are expected to look like from now on: ``day``, ``night``, or another overlay.

        It changes nothing on the ECU.

        | Use Theme    night |
        """
        self.bench.use_theme(theme)

    @keyword(tags=["screen"])
    def use_language(self, language: str) -> None:
        """Says in which language the screens are expected from now on. It changes nothing on the ECU."""
        self.bench.use_language(language)

    @keyword(tags=["screen"])
    def use_unit(self, unit: str) -> None:
        """Says in which unit speed is expected from now on: ``km/h`` or ``mph``. It changes nothing on the ECU."""
        self.bench.use_unit(unit)

    # Items --------------------------------------------------------------------------------------------------------

    @keyword(tags=["screen", "check"])
    def telltale_should_blink(
        self,
        telltale: str,
        frequency: Quantity,
        tolerance: Quantity = Quantity("0.2 Hz"),
        cycles: int = 3,
        during: Duration | None = None,
        screen: str = "",
    ) -> None:
        """Checks that a telltale blinks: every cycle and their mean, for ``cycles`` of them or all of ``during``.

        | Telltale Should Blink    turn_left    1.5 Hz    tolerance=0.5 Hz |
        """
        item = self.bench.screen(screen).telltale(telltale)
        length = None if during is None else float(during)
        item.should_blink(str(frequency), tolerance=str(tolerance), cycles=cycles, during=length)

    @keyword(tags=["screen", "check"])
    def bar_should_show(
        self, bar: str, value: Quantity, tolerance: Quantity, within: Deadline = Deadline(2), screen: str = ""
    ) -> None:
        """Checks that a bar is filled up to a value, within a tolerance.

        | Bar Should Show    coolant    95 degC    tolerance=3 degC |
        """
        self.bench.screen(screen).bar(bar).should_show(str(value), tolerance=str(tolerance), within=float(within))

    @keyword(tags=["screen", "check"])
    def bar_should_stay_at(
        self, bar: str, value: Quantity, tolerance: Quantity, during: Duration, screen: str = ""
    ) -> None:
        """Checks that a bar is filled up to a value in every frame for a while, within a tolerance.

        | Bar Should Stay At    coolant    95 degC    tolerance=3 degC    during=5 s |
        """
        self.bench.screen(screen).bar(bar).should_stay_at(str(value), tolerance=str(tolerance), during=float(during))

    @keyword(tags=["screen", "check"])
    def icon_should_be(self, icon: str, picture: str, within: Deadline = Deadline(2), screen: str = "") -> None:
        """Checks which of its pictures an icon shows; ``none`` for none.

        | Icon Should Be    guidance    Left |
        """
        self.bench.screen(screen).icon(icon).should_be(picture, within=float(within))

    @keyword(tags=["screen", "check"])
    def icon_should_stay(self, icon: str, picture: str, during: Duration, screen: str = "") -> None:
        """Checks that an icon shows a picture, or ``none``, in every frame for a while.

        | Icon Should Stay    guidance    Left    during=2 s |
        """
        self.bench.screen(screen).icon(icon).should_stay(picture, during=float(during))

    @keyword(tags=["screen", "check"])
    def warning_should_be_shown(
        self,
        text: str = "",
        severity: str = "",
        symbol: str = "",
        within: Deadline = Deadline(2),
        popup: str = "",
        screen: str = "",
    ) -> None:
        """Checks that a warning (a pop-up) is shown: with this text, severity and symbol, where they are given.

        | Warning Should Be Shown    Oil pressure low Stop the engine    severity=critical    symbol=oil |
        """
        item = self.bench.screen(screen).popup(popup)
        item.should_show(text or None, severity=severity, symbol=symbol or None, within=float(within))

    @keyword(tags=["screen", "check"])
    def warning_should_stay(
        self, during: Duration, text: str = "", severity: str = "", popup: str = "", screen: str = ""
    ) -> None:
        """Checks that a warning is shown in every frame for a while.

        | Warning Should Stay    during=3 s |
        """
        self.bench.screen(screen).popup(popup).should_stay(text or None, during=float(during), severity=severity)

    @keyword(tags=["screen", "check"])
    def no_warning_should_be_shown(
        self,
        within: Deadline = Deadline(2),
        during: Duration | None = None,
        text: str = "",
        popup: str = "",
        screen: str = "",
    ) -> None:
        """Checks that no warning is shown, at the latest ``within`` from now; with ``during``: never for so long.

        | No Warning Should Be Shown    during=3 s |
        """
        item = self.bench.screen(screen).popup(popup)
        if during is None:
            item.should_not_show(within=float(within))
        else:
            item.should_never_show(text or None, during=float(during))

    @keyword(tags=["screen", "check"])
    def warnings_should_come_in_order(
        self, *texts: str, within: Deadline = Deadline(30), popup: str = "", screen: str = ""
    ) -> None:
        """Checks that warnings are shown one after the other, in this order.

        | Warnings Should Come In Order    Brake failure    Door open    Low fuel    within=20 s |
        """
        self.bench.screen(screen).popup(popup).should_show_in_order(texts, within=float(within))

    @keyword(tags=["screen", "check"])
    def screen_should_show(self, view: str, within: Deadline = Deadline(2), screen: str = "") -> None:
        """Checks that a screen shows a named view of its layout.

        | Screen Should Show    media    within=1 s |
        """
        self.bench.screen(screen).view(view).should_be_shown(within=float(within))

    @keyword(tags=["screen", "check"])
    def screen_should_not_show(self, view: str, within: Deadline = Deadline(2), screen: str = "") -> None:
        """Checks that a screen doesn't show a named view, at the latest ``within`` from now."""
        self.bench.screen(screen).view(view).should_not_be_shown(within=float(within))

    @keyword(tags=["screen", "check"])
    def screen_should_stay(self, view: str, during: Duration, screen: str = "") -> None:
        """Checks that a screen shows a named view in every frame for a while.

        | Screen Should Stay    navigation    during=5 s |
        """
        self.bench.screen(screen).view(view).should_stay(during=float(during))

    @keyword(tags=["screen", "check"])
    def screen_should_never_show(self, view: str, during: Duration, screen: str = "") -> None:
        """Checks that a screen never shows a named view for a while.

        | Screen Should Never Show    camera    during=3 s |
        """
        self.bench.screen(screen).view(view).should_never_be_shown(during=float(during))

    @keyword(tags=["screen", "check"])
    def picture_should_not_be_frozen(
        self, picture: str, during: Duration, every: Duration = Duration(0.5), screen: str = ""
    ) -> None:
        """Checks that a picture changes at least once in every span of ``every``.

        | Picture Should Not Be Frozen    camera    during=2 s    every=100 ms    screen=centre |
        """
        self.bench.screen(screen).picture(picture).should_not_be_frozen(float(every), during=float(during))

    @keyword(tags=["screen", "check"])
    def picture_should_not_be_black(self, picture: str, during: Duration = Duration(0), screen: str = "") -> None:
        """Checks that a picture is neither black nor of one colour: now, or in every frame for a while."""
        self.bench.screen(screen).picture(picture).should_not_be_black(during=float(during))

    # Touch and keys -----------------------------------------------------------------------------------------------

    @keyword(tags=["input"])
    def touch(self, place: str, y: int | None = None, hold: Duration = Duration(0.08), screen: str = "") -> None:
        """Touches a button of the layout, or a point in px, and lifts the finger.

        A button that stands on a view of the layout must be on the screen within 1 s.

        | Touch    play           |
        | Touch    640    400     |
        """
        self.bench.touch(_place(place, y), hold=float(hold), screen=screen)

    @keyword(tags=["input"])
    def swipe(self, begin: str, end: str, duration: Duration = Duration(0.3), screen: str = "") -> None:
        """Touches one place, moves to another and lifts the finger there; a place is a button or a point ``x,y``.

        | Swipe    1000,400    200,400 |
        """
        self.bench.swipe(_place(begin), _place(end), duration=float(duration), screen=screen)

    @keyword(tags=["input"])
    def press_key(self, key: str) -> None:
        """Presses a hard key and lets it go.

        | Press Key    home |
        """
        self.bench.press_key(key)

    @keyword(tags=["input"])
    def hold_key(self, key: str, hold: Duration = Duration(1)) -> None:
        """Holds a hard key for a while and lets it go."""
        self.bench.hold_key(key, hold=float(hold))

    # Chimes -------------------------------------------------------------------------------------------------------

    @keyword(tags=["sound", "check"])
    def chime_should_be_heard(
        self,
        chime: str = "",
        within: Deadline = Deadline(2),
        at_least: Duration | None = None,
        at_most: Duration | None = None,
    ) -> None:
        """Checks that a chime is heard ``within`` from now (any sound without a name); and for how long, if asked.

        | Chime Should Be Heard    gong    within=300 ms                              |
        | Chime Should Be Heard    seat_belt    within=1 s    at_least=4 s    at_most=8 s |
        """
        ear = self.bench.ear()
        if at_least is None and at_most is None:
            ear.should_hear(chime, within=float(within))
        else:
            longest = 3600.0 if at_most is None else float(at_most)
            ear.should_hear_for(chime, float(at_least or 0), longest, within=float(within))

    @keyword(tags=["sound", "check"])
    def chime_should_repeat(
        self, chime: str, rate: Quantity, tolerance: Quantity = Quantity("0.2 Hz"), strikes: int = 4
    ) -> None:
        """Checks how often a chime strikes.

        | Chime Should Repeat    seat_belt    1.67 Hz    tolerance=0.1 Hz |
        """
        self.bench.ear().should_repeat(chime, str(rate), tolerance=str(tolerance), strikes=strikes)

    @keyword(tags=["sound", "check"])
    def no_chime_should_be_heard(self, during: Duration, chime: str = "") -> None:
        """Checks that a chime (without a name: any sound) is not heard for a while.

        | No Chime Should Be Heard    during=2 s |
        """
        self.bench.ear().should_be_silent(chime, during=float(during))


def _place(text: str, y: int | None = None) -> str | tuple[int, int]:
    """A point (`640,400`, or two numbers), or the name of a button."""
    across, _, down = text.partition(",")
    if y is not None:
        down = str(y)
    if across.strip().isdigit() and down.strip().isdigit():
        return int(across), int(down)
    return text
