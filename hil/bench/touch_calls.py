"""Touch and keys as a test uses them, and what the screens are expected to look like. Part of the facade."""

from __future__ import annotations

from hil import units
from hil.bench.portal import Portal, finger_on, only
from hil.bench.screen import judge_pictured
from hil.errors import NotRunError, UsageError
from hil.hmi.checks import ScreenChecks
from hil.hmi.expect_views import there_to_touch
from hil.hmi.layout import Button
from hil.hmi.read_view import on_its_view
from hil.hmi.touch import Contact, Point, TouchPort
from hil.units import Duration

TAP: Duration = "80 ms"
HOLD: Duration = "1 s"
SHOWN_WITHIN: Duration = "1 s"
"""How long a button's view may take to come before a finger finds nothing to touch."""
Place = str | Point
"""A button of the layout, or a point in px."""


class TouchCalls:
    """The calls about touch and keys; `portal` is given by the facade that they are part of."""

    portal: Portal

    # What the screens are expected to look like -------------------------------------------------------------------

    def use_theme(self, theme: str) -> None:
        """Expect a theme from now on: `use_theme("night")`; what the layouts call so.

        Raises:
            UsageError: no layout of the bench knows it.
        """
        self.portal.looks.use("theme", theme)

    def use_language(self, language: str) -> None:
        """Expect a language from now on: `use_language("de")`."""
        self.portal.looks.use("language", language)

    def use_unit(self, unit: str) -> None:
        """Expect a unit of speed from now on: `use_unit("mph")`."""
        self.portal.looks.use("unit", unit)

    # Touch --------------------------------------------------------------------------------------------------------

    def touch(self, place: Place, *, hold: Duration = TAP, screen: str = "") -> None:
        """Touch a button of the layout, or a point (`(640, 400)`), and lift the finger.

        A button that stands on a view of the layout is touched once that view is shown. A point is touched unseen.

        Raises:
            EcuError: the button's view was not shown within 1 s; what the screen shows is named.
            NotRunError: the bench has no touch on that screen.
            UsageError: there is no such button, or the point is beside the glass.
        """
        self.portal.call(self._touch(place, units.seconds(hold), screen))

    async def _touch(self, place: Place, hold_s: float, screen: str) -> None:
        finger, at = self._finger(screen), await self._seen_point(place, screen)
        contact = await finger.tap(at, hold_s)
        self._note_contact(contact, f"touch {place} at {at[0]}, {at[1]}")
        await self._until(contact, hold_s)

    def swipe(self, begin: Place, end: Place, *, duration: Duration = "300 ms", screen: str = "") -> None:
        """Touch one place, move to another, lift the finger there.

        Raises:
            EcuError, NotRunError, UsageError: as `touch`; of the first place.
        """
        self.portal.call(self._swipe(begin, end, units.seconds(duration), screen))

    async def _swipe(self, begin: Place, end: Place, duration_s: float, screen: str) -> None:
        finger, points = self._finger(screen), (await self._seen_point(begin, screen), self._point(end, screen))
        contact = await finger.swipe(*points, duration_s)
        self._note_contact(contact, f"swipe from {points[0][0]}, {points[0][1]} to {points[1][0]}, {points[1][1]}")

    def press_key(self, key: str, *, hold: Duration = TAP) -> None:
        """Press a hard key and let it go.

        Raises:
            NotRunError: the bench has no keys.
            UsageError: there is no such key.
        """
        self.portal.call(self._press(key, units.seconds(hold)))

    def hold_key(self, key: str, *, hold: Duration = HOLD) -> None:
        """Hold a hard key for a while and let it go."""
        self.press_key(key, hold=hold)

    async def _press(self, key: str, hold_s: float) -> None:
        contact = await only(self.portal.wiring.keys, "", "keys").press(key, hold_s)
        self._note_contact(contact, f"key {key}")
        await self._until(contact, hold_s)

    async def _until(self, contact: Contact, hold_s: float) -> None:
        """The call ends when the finger is lifted."""
        clock, lifted_ns = self.portal.wiring.clock, contact.t_ns + units.nanoseconds(hold_s)
        if lifted_ns > clock.now_ns:
            await clock.sleep_until(lifted_ns)

    def _note_contact(self, contact: Contact, text: str) -> None:
        self.portal.wiring.recorder.record("note", {"text": text}, t_ns=contact.t_ns)

    def _screen(self, screen: str) -> str:
        """The screen that is meant: without a name the only one that can be touched."""
        if screen:
            return screen
        touched = {name: section.screen for name, section in self.portal.wiring.config.touch.items()}
        if not touched:
            raise NotRunError("this bench has no touch")
        return only(touched, "", "touch")

    def _finger(self, screen: str) -> TouchPort:
        return finger_on(self.portal, self._screen(screen))

    async def _seen_point(self, place: Place, screen: str) -> Point:
        """Where to touch; a button whose view isn't shown is waited for."""
        point = self._point(place, screen)
        if isinstance(place, str):
            await self._look_for(self._button(place, screen), self._screen(screen))
        return point

    async def _look_for(self, button: Button, screen: str) -> None:
        """A look costs nothing that is kept; only a button that isn't there becomes a check."""
        source, clock = self.portal.wiring.screens[screen], self.portal.wiring.clock
        if not button.stands_on or on_its_view((await source.latest()).pixels, button):
            return
        wanted = there_to_touch(button, self.portal.layout(screen))
        checks = ScreenChecks(screen=screen, source=source, clock=clock, report=lambda result: None)
        judge_pictured(self.portal, screen, await checks.within(wanted, SHOWN_WITHIN))

    def _button(self, name: str, screen: str) -> Button:
        return self.portal.layout(self._screen(screen)).find(name, Button)

    def _point(self, place: Place, screen: str) -> Point:
        if isinstance(place, str):
            return self._button(place, screen).point
        if len(place) != 2:
            raise UsageError(f"{place} is no point", remedy="write (x, y), or the name of a button.")
        return place
