"""The steering wheel's buttons and rollers, as far as they are the centre screen's.

Rules of this module: a button acts when it is let go. Volume, mute, next and previous are heard by the media unit
itself (SWS_Buttons goes there too), so the screen only follows. Up, down and the left roller move a frame from target
to target, OK operates what it stands on; the right roller is the volume.

Not for: assistance buttons, which are the gateway's.
"""

from __future__ import annotations

from typing import Final, Protocol

from hil.ecu.centre_actions import VOLUME_MAX, Actions
from hil.ecu.centre_car import Car
from hil.ecu.centre_places import Places

_BUTTONS: Final = {
    "ButtonHome": "home", "ButtonBack": "back", "ButtonVoice": "voice", "ButtonPhone": "phone",
    "ButtonFavourite": "media", "ButtonUp": "up", "ButtonDown": "down", "ButtonLeft": "left", "ButtonRight": "right",
    "ButtonOk": "ok",
}  # fmt: skip
_LIST: Final = ("home", "navigation", "climate", "media", "phone", "settings")


class Screen(Protocol):
    """What the wheel needs of the screen."""

    focus: str

    @property
    def places(self) -> Places:
        """Where things are now."""

    @property
    def view(self) -> str:
        """The view that is shown."""

    @property
    def is_lit(self) -> bool:
        """Whether there is something to operate."""

    def operate(self, name: str) -> None:
        """Do what a name does."""

    def go(self, view: str) -> None:
        """Show a view."""


class Wheel:
    """The wheel."""

    def __init__(self, car: Car, actions: Actions, screen: Screen) -> None:
        self._car, self._actions, self._screen = car, actions, screen
        self.forget()

    def forget(self) -> None:
        """All counts as let go."""
        self._down: set[str] = set()
        self._pressed = (False, False)

    def on_buttons(self) -> None:
        """SWS_Buttons changed."""
        for signal, name in _BUTTONS.items():
            raw = self._car.raw("SWS_Buttons", signal)
            if raw == 1:
                self._down.add(signal)
            elif signal in self._down:
                self._down.discard(signal)
                if raw == 0 and self._screen.is_lit:
                    self._let_go(name)

    def _let_go(self, name: str) -> None:
        if name in ("up", "down"):
            self._move(-1 if name == "up" else 1)
        elif name in ("left", "right"):
            self._turn_page(-1 if name == "left" else 1)
        elif name == "ok":
            self._operate()
        elif name in ("phone", "media", "voice"):
            self._screen.go(name)
        else:
            self._screen.operate(name)

    def _operate(self) -> None:
        if self._screen.focus:
            self._screen.operate(self._screen.focus)

    def _move(self, step: int) -> None:
        names = [name for name in self._screen.places.targets if not name.endswith("_slider")]
        if not names:
            return
        now = names.index(self._screen.focus) if self._screen.focus in names else -1 if step > 0 else 0
        self._screen.focus = names[(now + step) % len(names)]
        self._screen.operate("")

    def _turn_page(self, step: int) -> None:
        targets = self._screen.places.targets
        names = [name for name in _LIST if f"dock_{name}" in targets]
        now = names.index(self._screen.view) if self._screen.view in names else 0
        self._screen.go(names[(now + step) % len(names)])

    def on_scroll(self) -> None:
        """A frame of SWS_Scroll: steps since the last one."""
        if not self._screen.is_lit:
            return
        left, right = self._car.raw("SWS_Scroll", "ScrollLeft"), self._car.raw("SWS_Scroll", "ScrollRight")
        if left:
            self._move(1 if left > 0 else -1)
        if right:
            self._volume(right)
        pressed = tuple(self._car.raw("SWS_Scroll", f"Scroll{side}Pressed") == 1 for side in ("Left", "Right"))
        before, self._pressed = self._pressed, (pressed[0], pressed[1])
        if before[0] and not pressed[0]:
            self._operate()
        if before[1] and not pressed[1]:
            self._screen.operate("mute")

    def _volume(self, step: int) -> None:
        volume = self._car.raw("MEDIA_Status", "AudioVolume")
        if volume is not None:
            self._actions.set_volume(min(max(volume + step, 0), VOLUME_MAX))
