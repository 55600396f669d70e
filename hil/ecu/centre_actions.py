"""What operating something on the centre screen does: another view, another setting, or a request to the car.

Rules of this module: one name, one effect. Requests build on what the car says now (one step warmer than it is); while
an answer is awaited, on what was asked last, so that two quick taps are two steps.

Not for: where things are, what a finger means (`hil.ecu.centre_input`), which view is shown by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

from hil.clock import Clock
from hil.ecu.centre_car import Car, Requests
from hil.ecu.centre_places import AIRS, SOURCES, Rect
from hil.ecu.centre_profiles import Profiles
from hil.ecu.centre_views import SWITCH_SIGNALS
from hil.ecu.desk import CloudDesk
from hil.ecu.settings import Settings

_AWAIT_NS: Final = 1_500_000_000
_TEMPERATURES: Final = (2, 30)
"""15 to 29 degC, raw."""
VOLUME_MAX: Final = 50
_CHOICES: Final[dict[str, tuple[str, str]]] = {
    "language_en": ("language", "en"), "language_de": ("language", "de"), "language_fr": ("language", "fr"),
    "language_es": ("language", "es"), "unit_km": ("speed_unit", "km/h"), "unit_mi": ("speed_unit", "mph"),
    "unit_celsius": ("temperature_unit", "C"), "unit_fahrenheit": ("temperature_unit", "F"),
    "clock_24": ("clock_format", "24h"), "clock_12": ("clock_format", "12h"), "design_auto": ("day_night", "auto"),
    "design_day": ("day_night", "day"), "design_night": ("day_night", "night"),
}  # fmt: skip
_NEXT, _PREVIOUS, _MUTE, _UNMUTE = 3, 4, 11, 12
_ANSWER, _HANG_UP, _REJECT, _HOLD, _REDIAL, _MIC_MUTE = 1, 2, 3, 4, 7, 8
_SOURCE_RAW: Final = {"fm": 1, "dab": 3, "usb": 4, "bluetooth": 5, "streaming": 6}
_CAMERA_RAW: Final = {"view_default": 2, "view_wide": 3, "view_top": 4}
_ZOOMS: Final = 3
_SCREEN_PX: Final = 1280


class Screen(Protocol):
    """What actions need of the screen itself."""

    zoom: int

    def go(self, view: str) -> None:
        """Show a view."""

    def back(self) -> None:
        """Show the view before."""


class Actions:
    """What names do."""

    def __init__(
        self, *, clock: Clock, car: Car, ask: Requests, settings: Settings, profiles: Profiles, screen: Screen,
        desk: CloudDesk, defects: frozenset[str],
    ) -> None:  # fmt: skip
        self._clock, self._car, self._ask, self._settings = clock, car, ask, settings
        self._profiles, self._screen, self._desk, self._defects = profiles, screen, desk, defects
        self._wanted: dict[str, tuple[int, int]] = {}
        self._table: dict[str, Callable[[], object]] = self._make_table()

    def forget(self) -> None:
        """What was asked in a former life."""
        self._wanted = {}

    def do(self, name: str) -> None:
        """Operate something."""
        kind, _, what = name.partition("_")
        if kind in ("dock", "tile"):
            self._screen.go(what)
        elif name in _CHOICES:
            if "settings_language_dead" not in self._defects or not name.startswith("language_"):
                self._settings.set(*_CHOICES[name])
        elif kind == "profile":
            if "profile_assumed" in self._defects:
                self._profiles.switch(int(what))
            self._ask.pulse("CLU_Profile", ProfileCommand=1, ProfileTarget=int(what))
        else:
            self._table.get(name, lambda: None)()

    def drag(self, name: str, rect: Rect, x: int) -> None:
        """A slider is dragged to a point."""
        begin, width = (0, _SCREEN_PX) if "slider_from_screen_edge" in self._defects else (rect.x, rect.w)
        part = min(max((x - begin) / max(width - 1, 1), 0.0), 1.0)
        if name == "volume_slider":
            self.set_volume(round(part * VOLUME_MAX))
        elif name == "brightness_slider":
            self._settings.set("brightness", max(10, round(part * 20) * 5))
        elif name == "chime_slider":
            self._settings.set("chime_volume", round(part * 5))

    def set_volume(self, volume: int) -> None:
        """Ask for a volume."""
        self._ask.set_volume(volume)

    def _make_table(self) -> dict[str, Callable[[], object]]:
        table: dict[str, Callable[[], object]] = {
            "home": lambda: self._screen.go("home"),
            "back": self._screen.back,
            "camera": lambda: self._screen.go("camera"),
            "camera_close": self._screen.back,
            "camera_mute": self._mute_parking,
            "fan_minus": lambda: self._step_fan(-1),
            "fan_plus": lambda: self._step_fan(1),
            "zoom_in": lambda: self._zoom(1, 9),
            "zoom_out": lambda: self._zoom(-1, 10),
            "go_home": lambda: self._ask.pulse("CLU_NavCommand", NavCommand=3),
            "stop_route": lambda: self._ask.pulse("CLU_NavCommand", NavCommand=2),
            "guidance_voice": self._toggle_guidance_voice,
            "install": lambda: self._consent("accept"),
            "later": lambda: self._consent("postpone"),
        }
        return {**table, **self._climate_table(), **self._media_table(), **self._talk_table()}

    def _climate_table(self) -> dict[str, Callable[[], object]]:
        table: dict[str, Callable[[], object]] = {}
        for side, step in (("left", 1), ("right", 1), ("left", -1), ("right", -1)):
            name = f"{side}_{'plus' if step > 0 else 'minus'}"
            table[name] = partial(self._step_temperature, side, step)
        for index, name in enumerate(AIRS):
            table[name] = partial(self._ask.pulse, "CLU_ClimateRequest", AirDistributionRequest=index)
        for name, signal in SWITCH_SIGNALS.items():
            table[name] = partial(self._toggle, signal)
        for side in ("left", "right"):
            table[f"seat_{side}"] = partial(self._step_seat, side)
        return table

    def _media_table(self) -> dict[str, Callable[[], object]]:
        table: dict[str, Callable[[], object]] = {
            "play": lambda: self._media(2 if self._car.label("MEDIA_Status", "PlayState") == "Playing" else 1),
            "next": lambda: self._media(_PREVIOUS if "media_next_goes_back" in self._defects else _NEXT),
            "previous": lambda: self._media(_PREVIOUS),
            "shuffle": lambda: self._media(13),
            "repeat": lambda: self._media(14),
            "volume_up": lambda: self._media(9),
            "volume_down": lambda: self._media(10),
            "mute": lambda: self._media(_UNMUTE if self._car.raw("MEDIA_Status", "AudioMute") else _MUTE),
            "power": lambda: self._media(_UNMUTE if self._car.raw("MEDIA_Status", "AudioMute") else _MUTE),
        }
        shift = "media_sources_shifted" in self._defects
        for name in SOURCES:
            raw = _SOURCE_RAW[name] + shift
            table[f"source_{name}"] = partial(self._ask.pulse, "CLU_MediaCommand", AudioSourceRequest=raw)
        return table

    def _talk_table(self) -> dict[str, Callable[[], object]]:
        table: dict[str, Callable[[], object]] = {
            "accept": lambda: self._phone(_ANSWER),
            "hang_up": self._hang_up,
            "decline": lambda: self._phone(_ANSWER if "phone_decline_accepts" in self._defects else _REJECT),
            "hold": lambda: self._phone(_HOLD),
            "mic_mute": lambda: self._phone(_MIC_MUTE),
            "redial": lambda: self._phone(_REDIAL),
            "voice": self._start_voice,
            "voice_start": self._start_voice,
            "voice_stop": self._stop_voice,
        }
        for name, raw in _CAMERA_RAW.items():
            table[name] = partial(self._ask.pulse, "CLU_BodyCommand", CameraRequest=raw)
        return table

    # Climate --------------------------------------------------------------------------------------------------------

    def _known(self, key: str, raw: Any) -> int | None:
        """What was asked a moment ago, or what the car says."""
        wanted, t_ns = self._wanted.get(key, (0, -_AWAIT_NS))
        return wanted if self._clock.now_ns - t_ns < _AWAIT_NS else raw

    def _want(self, key: str, raw: int) -> int:
        self._wanted[key] = raw, self._clock.now_ns
        return raw

    def _step_temperature(self, side: str, step: int) -> None:
        name = side.capitalize()
        before = self._known(side, self._car.raw("HVAC_Status", f"SetTemperature{name}"))
        if before is None:
            return
        least, most = (0, 62) if "climate_without_ends" in self._defects else _TEMPERATURES
        raw = self._want(side, min(max(before + step, least), most))
        if "climate_wrong_unit" in self._defects and self._settings["temperature_unit"] == "F":
            raw = _TEMPERATURES[1]  # the number in degrees Fahrenheit, taken for degrees Celsius
        in_step = self._car.raw("HVAC_Status", "ClimateSync") == 1 and "climate_sync_ignored" not in self._defects
        sides = {"Left", "Right"} if in_step else {name}
        if "climate_wrong_zone" in self._defects and len(sides) == 1:
            sides = {"Left", "Right"} - sides
        self._ask.pulse("CLU_ClimateRequest", **{f"SetTemperature{one}Request": raw for one in sorted(sides)})
        self._keep_climate()

    def _keep_climate(self) -> None:
        """What was asked for belongs to the driver's profile."""
        asked = [self._known(s.lower(), self._car.raw("HVAC_Status", f"SetTemperature{s}")) for s in ("Left", "Right")]
        if asked[0] is not None and asked[1] is not None:
            self._profiles.keep_climate(asked[0], asked[1])

    def _step_fan(self, step: int) -> None:
        before = self._known("fan", self._car.raw("HVAC_Status", "FanLevel"))
        if before is not None:
            self._ask.pulse("CLU_ClimateRequest", FanLevelRequest=self._want("fan", min(max(before + step, 0), 10)))

    def _toggle(self, signal: str) -> None:
        before = self._known(signal, self._car.raw("HVAC_Status", signal))
        request = f"{signal.removesuffix('State')}Request"
        raw = self._want(signal, 0 if before else 1)
        if "climate_switch_lit_early" in self._defects:
            self._car.assume("HVAC_Status", signal, raw)
        self._ask.pulse("CLU_ClimateRequest", **{request: raw})

    def _step_seat(self, side: str) -> None:
        who = "Driver" if side == "left" else "Passenger"
        level = self._known(f"seat_{side}", self._car.raw(f"SEAT_{who}", f"SeatHeating{who}"))
        raw = self._want(f"seat_{side}", ((level or 0) + 3) % 4)
        self._ask.pulse("CLU_SeatCommand", **{f"SeatHeating{who}Request": raw})

    # Media, telephone, the rest -------------------------------------------------------------------------------------

    def _media(self, command: int) -> None:
        self._ask.pulse("CLU_MediaCommand", MediaCommand=command)

    def _phone(self, command: int) -> None:
        self._ask.pulse("CLU_PhoneCommand", PhoneCommand=command)

    def _hang_up(self) -> None:
        incoming = self._car.label("MEDIA_Phone", "PhoneState") == "Incoming"
        self.do("decline") if incoming else self._phone(_HANG_UP)

    def _stop_voice(self) -> None:
        self._ask.pulse("CLU_PhoneCommand", VoiceRequest=1 if "voice_stop_starts" in self._defects else 2)

    def _start_voice(self) -> None:
        self._screen.go("voice")
        self._ask.pulse("CLU_PhoneCommand", VoiceRequest=1)

    def _mute_parking(self) -> None:
        muted = self._car.label("PARK_State", "ParkAidState") == "Muted"
        self._ask.pulse("CLU_BodyCommand", ParkAidRequest=2 if muted else 1)

    def _toggle_guidance_voice(self) -> None:
        self._ask.pulse("CLU_NavCommand", NavCommand=7 if self._car.raw("NAV_Guidance", "GuidanceVoiceOn") else 8)

    def _zoom(self, step: int, command: int) -> None:
        self._screen.zoom = min(max(self._screen.zoom + step, 0), _ZOOMS - 1)
        self._ask.pulse("CLU_NavCommand", NavCommand=command)

    def _consent(self, answer: str) -> None:
        if answer == "accept":
            self._desk.accept()
        else:
            self._desk.postpone()
