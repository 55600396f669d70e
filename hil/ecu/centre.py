"""The application behind the centre screen: which view is shown, what a finger, a key or the car does to it.

Rules of this module: nothing is worked out until something changed (a message that is watched, a touch, a timer, the
ECU's phase); then the state is made anew and presented if it differs. The rear camera comes with gear R over whatever
was shown and goes with it; nothing covers it. An emergency call comes next. What the car does is asked for on the bus,
and shown when the car says so.

Not for: what a view shows (`hil.ecu.centre_views`), what a name does (`hil.ecu.centre_actions`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from hil.can.frames import CanFrame
from hil.clock import NS_PER_S
from hil.ecu import centre_art, centre_units
from hil.ecu.app import App, Phase, Platform
from hil.ecu.centre_actions import Actions
from hil.ecu.centre_car import Car, Requests, Texts
from hil.ecu.centre_input import DEBOUNCE_NS, Finger, Keys
from hil.ecu.centre_places import Places, places, tiles
from hil.ecu.centre_profiles import Profiles
from hil.ecu.centre_state import Body, CentreState, PopUp, Status
from hil.ecu.centre_views import Views
from hil.ecu.centre_wheel import Wheel
from hil.ecu.cluster_state import Screen
from hil.hmi.frames import Frame
from hil.hmi.touch import KeyEvent, TouchEvent

VOLUME_SHOWN_NS: Final = 2 * NS_PER_S
CAMERA_START_NS: Final = 2 * NS_PER_S
_LATE_NS: Final = 2_600_000_000
_SLOW_NS: Final = 400_000_000
_OFFSET_PX: Final = 110
_DEAF_NS: Final = 600_000_000
_ANIMATION_NS: Final = 450_000_000
_ECALL_LATE_NS: Final = 1_200_000_000
_R: Final = 1
_CALLING: Final = frozenset({"Triggered", "Dialling", "SendingData", "Talking", "WaitingForCallBack"})
_VIEW_RAW: Final = {
    "home": 2, "navigation": 3, "climate": 4, "media": 5, "phone": 6, "profiles": 7, "settings": 8, "camera": 9,
    "voice": 10, "update": 11, "ecall": 12,
}  # fmt: skip
_NO_TOUCH: Final = 4095
_WATCHED: Final = (
    "HVAC_Status", "HVAC_Cabin", "SEAT_Driver", "SEAT_Passenger", "MEDIA_Status", "MEDIA_Tuner", "MEDIA_Phone",
    "MEDIA_Voice", "NAV_Guidance", "NAV_Route", "RVC_Status", "RVC_GuideLines", "PARK_Distances", "PARK_State",
    "TCU_Status", "TCU_OtaCampaign", "BCM_Ambient", "BCM_Interior",
)  # fmt: skip


class CentreApp(App):
    """The centre screen."""

    name = "centre"

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.zoom = 1
        self._defects, com = platform.defects, platform.com
        self._display = platform.wires.displays["centre"]
        self._features = tuple(sorted(platform.variant.features))
        self._car = Car(com, keeps="silent_senders_kept" in self._defects)
        self._ask = Requests(
            com, platform.later, lasting="PhoneCommand" if "phone_command_stays" in self._defects else ""
        )
        self._texts = Texts(
            com, first_page_only="media_title_cut" in self._defects, road_kept="nav_road_kept" in self._defects
        )
        self._settings = platform.settings
        self._desk = platform.cloud
        self._profiles = Profiles(platform.store, self._settings, self._defects)
        self._views = Views(
            self._car, self._texts, self._settings, self._profiles, self._features, self._defects
        )  # fmt: skip
        views = self._views
        self._bodies: dict[str, Callable[[], Body]] = {
            "home": lambda: views.home(self._desk.update),
            "navigation": lambda: views.navigation(self.zoom),
            "climate": views.climate,
            "media": views.media,
            "phone": views.phone,
            "profiles": views.profile_list,
            "settings": views.settings_list,
            "voice": views.voice,
            "update": lambda: views.update(self._desk.update),
            "ecall": views.ecall,
        }
        self._actions = Actions(
            clock=platform.clock, car=self._car, ask=self._ask, settings=self._settings, profiles=self._profiles,
            screen=self, desk=self._desk, defects=self._defects,
        )  # fmt: skip
        self._finger = Finger(self._target_at, slides="touch_slides_on" in self._defects)
        deaf_ns = _DEAF_NS if "key_press_swallowed" in self._defects else DEBOUNCE_NS
        self._keys = Keys(bounces="key_bounces" in self._defects, deaf_ns=deaf_ns)
        self._wheel = Wheel(self._car, self._actions, self)
        self._forget()
        self._listen()

    def _listen(self) -> None:
        com, wires = self.platform.com, self.platform.wires
        for message in _WATCHED:
            com.watch(message, self._see)
        com.watch("TCM_Gear", self._on_gear)
        com.watch("MEDIA_Status", self._on_volume)
        com.watch("MEDIA_Voice", self._on_voice)
        com.watch("BCM_DriverId", self._on_driver)
        com.watch("TCU_ECall", self._on_ecall)
        com.watch("TCU_DateTime", self._on_time)
        com.watch("SWS_Buttons", self._wheel.on_buttons)
        com.watch("SWS_Scroll", self._wheel.on_scroll, every=True)
        self.can_ids = frozenset((bus, can_id) for bus in wires.can for can_id in self._texts.ids)
        self._settings.listen(self._see)
        if wires.touch is not None:
            wires.touch.listen(self._on_touch)
        if wires.keys is not None:
            wires.keys.listen(self._on_key)

    def _forget(self) -> None:
        """All that a life without power loses."""
        self._view = self._before = "home"
        self._reverse = self._calling = self._alive = self._touch_dead = False
        self._camera_since_ns = self._volume_until_ns = 0
        self._volume: int | None = None
        self._dismissed = ""
        self._frozen: int | None = None
        self._clock_ns: int | None = None
        self._first_language = "en"
        self.focus, self._pressed = "", ""
        self._shown = CentreState(screen=Screen.OFF)
        self._seen: Any = None
        self._dirty = True
        self.zoom = 1
        for part in (self._finger, self._keys, self._ask, self._texts, self._profiles, self._actions, self._wheel):
            part.forget()

    # Life -----------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """First word to the bus: booting."""
        self._alive, self._dirty = True, True
        self._views.software = self.platform.life.software
        self._first_language = self._settings.text("language")

    def stop(self) -> None:
        """All in RAM is gone."""
        self._forget()

    def sleep(self) -> None:
        """Dark; what was open stays open."""
        self._shown = CentreState(screen=Screen.OFF)
        self._touch_dead = "touch_dead_after_wake" in self._defects
        self._seen, self._dirty = None, True
        self._finger.forget()

    def tick(self) -> None:
        """One frame."""
        life = self.platform.life
        seen = life.phase, life.power_mode, life.display_allowed, self._desk.update
        if seen == self._seen and not self._dirty:
            return
        self._seen, self._dirty = seen, False
        self._show(self._scene())

    def _see(self, _: object = None) -> None:
        """Something changed: look at it all at the next vertical sync."""
        self._dirty = True

    def _show(self, state: CentreState) -> None:
        if state == self._shown:
            return
        self._shown = state
        now_ns = self.platform.clock.now_ns
        if state.screen is Screen.OFF:
            self._display.go_dark(now_ns)
        else:
            self._display.present(Frame(now_ns, partial(centre_art.render, state), token=state))
        self._tell(state)

    def _tell(self, state: CentreState) -> None:
        """What the bus hears of the screen."""
        lit, on = state.screen is not Screen.OFF, state.screen is Screen.ON
        at, camera = self._finger.down, state.view == "camera" and on
        x, y = (_NO_TOUCH, _NO_TOUCH) if at is None or not on else at
        if "touch_place_raw" in self._defects and x != _NO_TOUCH:
            x, y = x * 4096 // 1280, y * 4096 // 800
        self.platform.com.write(
            "CLU_Hmi",
            CentreScreenView=_VIEW_RAW[state.view] if on else int(lit),
            CameraPictureShown=int(
                camera and (not getattr(state.body, "fault", "") or "camera_black" in self._defects)
            ),
            PopUpShown=int(on and state.popup is not None),
            ScreenTouched=int(on and at is not None),
            TouchX=x,
            TouchY=y,
            ScreenFrameRate=120 if lit else 0,
        )
        self.platform.com.write("CLU_Status", CentreScreenState=2 if on else int(lit))

    # What is shown --------------------------------------------------------------------------------------------------

    @property
    def view(self) -> str:
        """The view that is shown."""
        over = self._calling and ("camera_covered_by_ecall" in self._defects or not self._reverse)
        if over:
            return "ecall"
        return "camera" if self._reverse else self._view

    def _scene(self) -> CentreState:
        life = self.platform.life
        brand = self.platform.variant.brand
        if not life.display_allowed:
            return CentreState(screen=Screen.OFF, brand=brand)
        if life.phase is Phase.SPLASH:
            return CentreState(screen=Screen.SPLASH, brand=brand)
        if not life.ignition or life.phase is not Phase.ON:
            return CentreState(screen=Screen.OFF, brand=brand)
        view = self.view
        half = "language_half_translated" in self._defects and view == "climate"
        return CentreState(
            brand=brand,
            night=self._is_night(),
            language="en" if half else self._language,
            features=self._features,
            view=view,
            body=self._body(view),
            status=self._status(view),
            popup=self._popup(view),
            pressed=self._pressed,
            focus=self.focus,
            volume=self._volume if self.platform.clock.now_ns < self._volume_until_ns and view != "camera" else None,
            dimming=self._backlight(),
        )

    @property
    def _language(self) -> str:
        return self._first_language if "language_needs_restart" in self._defects else self._settings.text("language")

    def _body(self, view: str) -> Body:
        if view == "camera":
            starting = self.platform.clock.now_ns < self._camera_since_ns + CAMERA_START_NS
            return self._views.camera(starting=starting, frozen_at=self._frozen)
        return self._bodies[view]()

    def _is_night(self) -> bool:
        chosen = self._settings.text("day_night")
        if "centre_night_ignored" in self._defects:
            return False
        if chosen == "auto":
            return self._car.raw("BCM_Ambient", "DayNight") in (1, 2)
        return chosen == "night"

    def _backlight(self) -> float:
        level = self._settings.number("brightness") / 80
        dimmer = self._car.value("BCM_Interior", "Dimming") if self._is_night() else None
        return min(max(level * (1.0 if dimmer is None else dimmer / 100), 0.2), 1.0)

    def _status(self, view: str) -> Status:
        car = self._car
        call = ""
        if self._ringing() and view == "camera":
            call = self._texts.text("caller")
        return Status(
            clock=self._time_text(),
            outside=self._views.with_unit(car.value("BCM_Ambient", "OutsideTemperature")),
            signal=car.raw("TCU_Status", "NetworkSignal"),
            profile=self._profiles.active,
            alert="ecall" if self._calling and view != "ecall" else "",
            call=call,
        )

    def _time_text(self) -> str | None:
        if self._clock_ns is None:
            return None
        minute = (self._clock_ns + self.platform.clock.now_ns) // (60 * NS_PER_S)
        minute += 15 * self._settings.number("time_zone")
        return centre_units.time_of_day(minute, hours12=self._is_12h)

    @property
    def _is_12h(self) -> bool:
        return self._settings["clock_format"] == "12h" and "clock_format_ignored" not in self._defects

    def _ringing(self) -> bool:
        return self._car.label("MEDIA_Phone", "PhoneState") == "Incoming" and "phone" in self._features

    def _popup(self, view: str) -> PopUp | None:
        covers = view != "camera" or not self._reverse or "camera_covered_by_call" in self._defects
        if view == "ecall" or not covers:
            return None
        if self._ringing() and view != "phone" and "phone_popup_missing" not in self._defects:
            return PopUp("call", self._texts.text("caller"))
        offer = self._views.update(self._desk.update)
        if offer.may_consent and view not in ("update", "phone") and self._dismissed != offer.campaign:
            return PopUp("update", offer.campaign)
        return None

    # The car --------------------------------------------------------------------------------------------------------

    def on_frame(self, frame: CanFrame) -> None:
        """A page of a text."""
        self._texts.on_frame(frame)
        self._dirty = True

    def _on_gear(self) -> None:
        reverse = self._car.raw("TCM_Gear", "Gear") == _R and "camera" in self._features
        if reverse == self._reverse:
            return
        if "camera_missing_after_boot" in self._defects and self.platform.life.phase is not Phase.ON:
            return
        if not reverse and "camera_stays" in self._defects:
            return
        if reverse and "camera_late" in self._defects:
            self.platform.later(_LATE_NS, self._set_reverse, reverse)
            return
        self._set_reverse(reverse)

    def _set_reverse(self, reverse: bool) -> None:
        if reverse and self._car.raw("TCM_Gear", "Gear") != _R:
            return
        self._reverse, self._dirty = reverse, True
        self._finger.forget()
        self._pressed = self.focus = ""
        self._start_camera() if reverse else self._end_camera()

    def _start_camera(self) -> None:
        self._camera_since_ns = self.platform.clock.now_ns
        if "camera_frozen" in self._defects:
            self._frozen = self._car.raw("RVC_Status", "CameraFrameCounter") or 0
        if "camera_view_kept" not in self._defects:
            self._ask.pulse("CLU_BodyCommand", CameraRequest=2)
        self.platform.later(CAMERA_START_NS, self._see)

    def _end_camera(self) -> None:
        self._frozen = None
        self._ask.pulse("CLU_BodyCommand", CameraRequest=1)

    def _on_ecall(self) -> None:
        calling = self._car.label("TCU_ECall", "ECallState") in _CALLING
        if calling and "ecall_shown_late" in self._defects:
            self.platform.later(_ECALL_LATE_NS, self._set_calling, calling)
        else:
            self._set_calling(calling)

    def _set_calling(self, calling: bool) -> None:
        self._dirty = True
        if calling != self._calling:
            self._calling, self._pressed = calling, ""
            self._finger.forget()

    def _on_volume(self) -> None:
        volume = self._car.raw("MEDIA_Status", "AudioVolume")
        if volume == self._volume:
            return
        if self._volume is not None and volume is not None:
            self._volume_until_ns = self.platform.clock.now_ns + VOLUME_SHOWN_NS
            self.platform.later(VOLUME_SHOWN_NS, self._see)
        if "media_volume_stands" not in self._defects or self._volume is None:
            self._volume = volume
        self._dirty = True

    def _on_voice(self) -> None:
        if self._car.label("MEDIA_Voice", "VoiceState") == "Listening" and "voice" in self._features:
            self.go("voice")

    def _on_driver(self) -> None:
        number = self._car.raw("BCM_DriverId", "DriverProfile")
        if number is None or number > 3 or number == self._profiles.active or "profiles" not in self._features:
            self._dirty = True
            return
        changed, self._dirty = self._profiles.switch(number), True
        self.platform.com.write("CLU_Profile", ProfileActive=number, ProfileLoaded=1)
        climate = self._profiles.climate(number)
        if changed and climate is not None and "profile_half_loaded" not in self._defects:
            left, right = climate
            self._ask.pulse("CLU_ClimateRequest", SetTemperatureLeftRequest=left, SetTemperatureRightRequest=right)

    def _on_time(self) -> None:
        raw = [self._car.raw("TCU_DateTime", name) for name in ("Hour", "Minute", "Second")]
        if raw[0] is None or raw[1] is None:
            return
        heard_ns = (3600 * raw[0] + 60 * raw[1] + (raw[2] or 0)) * NS_PER_S
        self._clock_ns, self._dirty = heard_ns - self.platform.clock.now_ns, True
        self.platform.later(60 * NS_PER_S - heard_ns % (60 * NS_PER_S), self._next_minute, self._clock_ns)

    def _next_minute(self, clock_ns: int) -> None:
        if clock_ns == self._clock_ns:  # nobody set the clock since
            self._dirty = True
            self.platform.later(60 * NS_PER_S, self._next_minute, clock_ns)

    # The driver -----------------------------------------------------------------------------------------------------

    def go(self, view: str) -> None:
        """Show a view."""
        if self._reverse and "camera_left_by_key" in self._defects and view == "home":
            self._set_reverse(False)
        if view == self._view or self._reverse or self._calling or not self._has(view):
            return
        if "view_opens_slowly" in self._defects:
            self.platform.later(_ANIMATION_NS, self._open, view)
        else:
            self._open(view)

    def _open(self, view: str) -> None:
        self._before, self._view, self._dirty, self.focus = self._view, view, True, ""
        if view == "camera":
            self._start_camera()

    def _has(self, view: str) -> bool:
        return view in ("home", "settings") or view in tiles(self._features)

    def back(self) -> None:
        """Show the view before."""
        self.go("home" if self._before == self._view else self._before)

    @property
    def places(self) -> Places:
        """Where things are now."""
        return places(self.platform.variant.brand, self.view, self._features)

    @property
    def is_lit(self) -> bool:
        """Whether there is something to touch."""
        return self._alive and self._shown.screen is Screen.ON

    def _target_at(self, x: int, y: int) -> str:
        if "touch_offset" in self._defects:
            x, y = x - _OFFSET_PX, y - _OFFSET_PX
        if self._shown.popup is not None:
            spots = self.places.spots
            return next((name for name in ("popup_yes", "popup_no") if spots[name].holds(x, y)), "popup")
        return self.places.at(x, y)

    def _on_touch(self, event: TouchEvent) -> None:
        if not self.is_lit or self._touch_dead:
            return
        touched = self._finger.take(event)
        self._show_pressed(self._finger.pressed)
        if touched is None:
            return
        if touched.kind == "drag":
            self._actions.drag(touched.target, self.places[touched.target], touched.x)
        else:
            self.operate(touched.target)

    def _show_pressed(self, name: str) -> None:
        if "touch_feedback_slow" in self._defects and name:
            self.platform.later(_SLOW_NS, self._set_pressed, name)
        else:
            self._set_pressed(name)

    def _set_pressed(self, name: str) -> None:
        if name and name != self._finger.pressed:
            return
        self._pressed, self._dirty = name, True

    def operate(self, name: str) -> None:
        """Do what a name does."""
        self._dirty, popup = True, self._shown.popup
        if name in ("popup_yes", "popup_no") and popup is not None:
            self._answer(popup, yes=name == "popup_yes")
        else:
            self._actions.do(name)

    def _answer(self, popup: PopUp, *, yes: bool) -> None:
        if popup.kind == "call":
            self._actions.do("accept" if yes else "decline")
            return
        self._dismissed = popup.text
        self._actions.do("install" if yes else "later")
        if yes:
            self.go("update")

    def _on_key(self, event: KeyEvent) -> None:
        if not self.is_lit:
            return
        for _ in range(self._keys.take(event)):
            self.operate(event.key)
