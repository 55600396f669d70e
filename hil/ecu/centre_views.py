"""What each view of the centre screen shows: from what the car says to the bodies of the state.

Rules of this module: it reads and words, it keeps nothing. What is shown follows the car's answers, never the request.
What isn't known is None or an empty word, which the picture shows as dashes or "not available".

Not for: which view is shown (`hil.ecu.centre`), how it looks (`hil.ecu.centre_art`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hil.ecu import centre_units as units
from hil.ecu.centre_art_talk import PHONE_WORDS, VOICE_WORDS
from hil.ecu.centre_car import Car, Texts
from hil.ecu.centre_places import tiles
from hil.ecu.centre_profiles import COUNT, Profiles
from hil.ecu.centre_state import (
    CameraBody,
    ClimateBody,
    ECallBody,
    HomeBody,
    MediaBody,
    NavigationBody,
    PhoneBody,
    ProfilesBody,
    SettingsBody,
    UpdateBody,
    VoiceBody,
)  # fmt: skip
from hil.ecu.centre_words import word
from hil.ecu.desk import UpdateView
from hil.ecu.settings import Settings

SWITCH_SIGNALS: Final = {
    "ac": "AirConditioning", "auto": "ClimateAuto", "sync": "ClimateSync", "recirculation": "Recirculation",
    "defrost_front": "DefrostFront", "defrost_rear": "DefrostRear", "heated_wheel": "HeatedWheelState",
}  # fmt: skip
REAR: Final = ("RearLeft", "RearMidLeft", "RearMidRight", "RearRight")
_FREE, _UNKNOWN = 254, 255
_RESULTS: Final = {
    "BadSignature": "bad_signature", "BadHash": "bad_hash", "WrongDevice": "wrong_device", "Rollback": "rollback",
    "NoSpace": "no_space", "PowerLost": "power_lost", "Incompatible": "incompatible", "Condition": "condition",
}  # fmt: skip
_OFFERS: Final = {
    "Available": "update_offered", "Downloading": "update_downloading", "Downloaded": "update_offered",
    "Cancelled": "update_cancelled", "Failed": "update_failed",
}  # fmt: skip
_STATES: Final = {
    "offered", "consented", "downloading", "verifying", "installing", "ready", "activating", "committed",
    "rolled_back", "failed",
}  # fmt: skip


@dataclass(slots=True)
class Views:
    """The view-model. `features` are sorted; `software` is the version that runs."""

    car: Car
    texts: Texts
    settings: Settings
    profiles: Profiles
    features: tuple[str, ...]
    defects: frozenset[str]
    software: str = "1.0.0"

    @property
    def miles(self) -> bool:
        """Whether distances are shown in miles."""
        return self.settings["speed_unit"] == "mph"

    @property
    def fahrenheit(self) -> bool:
        """Whether temperatures are shown in degrees Fahrenheit."""
        return self.settings["temperature_unit"] == "F"

    def _word(self, key: str) -> str:
        return word(self.settings.text("language"), key)

    def degrees(self, celsius: float | None) -> str | None:
        """A temperature in the driver's unit."""
        return units.temperature(celsius, fahrenheit=self.fahrenheit)

    def with_unit(self, celsius: float | None) -> str | None:
        """A temperature and its unit."""
        text = self.degrees(celsius)
        return None if text is None else f"{text} {'°F' if self.fahrenheit else '°C'}"

    # Navigation -----------------------------------------------------------------------------------------------------

    def navigation(self, zoom: int = 1) -> NavigationBody:
        """Guidance."""
        car, status = self.car, self.car.label("NAV_Guidance", "GuidanceState")
        if "nav_guides_for_ever" in self.defects:
            status = status and "Guiding"
        if status in ("", "Off"):
            return NavigationBody(status=status, zoom=zoom)
        miles = self.miles and "nav_units_ignored" not in self.defects
        rest_km, delay = car.value("NAV_Route", "RouteDistance"), car.raw("NAV_Route", "TrafficDelay")
        return NavigationBody(
            status=status,
            manoeuvre=car.label("NAV_Guidance", "Manoeuvre"),
            distance=units.distance(car.value("NAV_Guidance", "ManoeuvreDistance"), miles=miles),
            road=self.texts.text("road1"),
            destination=self.texts.text("road2"),
            arrival=self.arrival() or "--:--",
            remaining=units.distance(None if rest_km is None else 1000 * rest_km, miles=miles),
            minutes=units.minutes(car.value("NAV_Route", "RouteTime")),
            delay=units.minutes(delay) if delay else "",
            zoom=zoom,
            voice_on=bool(car.raw("NAV_Guidance", "GuidanceVoiceOn")),
        )

    def arrival(self) -> str | None:
        """When the car will be there, local time."""
        hour, minute = self.car.raw("NAV_Route", "ArrivalHour"), self.car.raw("NAV_Route", "ArrivalMinute")
        if hour is None or minute is None:
            return None
        return units.time_of_day(60 * hour + minute, hours12=self.settings["clock_format"] == "12h")

    # Climate --------------------------------------------------------------------------------------------------------

    def climate(self) -> ClimateBody:
        """Climate and seats."""
        car = self.car
        return ClimateBody(
            left=self.degrees(car.value("HVAC_Status", "SetTemperatureLeft")),
            right=self.degrees(car.value("HVAC_Status", "SetTemperatureRight")),
            unit="°F" if self.fahrenheit else "°C",
            cabin=self.degrees(car.value("HVAC_Cabin", "CabinTemperature")),
            fan=car.raw("HVAC_Status", "FanLevel"),
            air=car.raw("HVAC_Status", "AirDistribution"),
            on=frozenset(name for name, signal in SWITCH_SIGNALS.items() if car.raw("HVAC_Status", signal) == 1),
            seat_left=car.raw("SEAT_Driver", "SeatHeatingDriver"),
            seat_right=car.raw("SEAT_Passenger", "SeatHeatingPassenger"),
            fault={1: "climate_reduced", 2: "climate_fault"}.get(car.raw("HVAC_Status", "ClimateFault"), ""),
        )

    # Media, telephone, speech ---------------------------------------------------------------------------------------

    def media(self) -> MediaBody:
        """What plays."""
        car, source = self.car, self.car.label("MEDIA_Status", "AudioSource").lower()
        if not source:
            return MediaBody()
        return MediaBody(
            source=source,
            title=self.texts.text("Title"),
            artist=self.texts.text("Artist"),
            station=self.texts.text("Station"),
            frequency=self._frequency(),
            playing=car.label("MEDIA_Status", "PlayState") in ("Playing", "Forward", "Rewind", "Seeking"),
            seconds=car.raw("MEDIA_Status", "TrackTime"),
            duration=car.raw("MEDIA_Status", "TrackDuration"),
            volume=car.raw("MEDIA_Status", "AudioVolume"),
            muted=car.raw("MEDIA_Status", "AudioMute") == 1,
            shuffle=car.raw("MEDIA_Status", "ShuffleState") == 1,
            repeat=car.raw("MEDIA_Status", "RepeatState") or 0,
        )

    def _frequency(self) -> str:
        khz = self.car.raw("MEDIA_Tuner", "TunerFrequency")
        if khz is None:
            return ""
        return f"{khz} kHz" if khz < 2000 else f"{khz / 1000:.1f} MHz"

    def phone(self) -> PhoneBody:
        """The telephone."""
        car, status = self.car, self.car.label("MEDIA_Phone", "PhoneState")
        missed = car.raw("MEDIA_Phone", "MissedCalls")
        return PhoneBody(
            status=status,
            caller=self.texts.text("caller"),
            seconds=car.raw("MEDIA_Phone", "CallDuration") if status in ("Active", "OnHold") else None,
            battery=car.raw("MEDIA_Phone", "PhoneBattery"),
            signal=car.raw("MEDIA_Phone", "PhoneSignal"),
            muted=car.raw("MEDIA_Phone", "PhoneMicMute") == 1,
            missed=-1 if missed is None else missed,
        )

    def voice(self) -> VoiceBody:
        """Speech."""
        car, status = self.car, self.car.label("MEDIA_Voice", "VoiceState")
        heard = status in ("Processing", "Speaking", "Failed") or "voice_heard_stays" in self.defects
        confidence = car.value("MEDIA_Voice", "VoiceConfidence")
        level = car.value("MEDIA_Voice", "VoiceLevel") if status == "Listening" else None
        return VoiceBody(
            status=status,
            command=car.label("MEDIA_Voice", "VoiceCommand") if heard else "",
            confidence=None if confidence is None or not heard else round(confidence),
            level=round((level or 0) / 10),
        )

    def ecall(self) -> ECallBody:
        """The emergency call."""
        car = self.car
        return ECallBody(
            status=car.label("TCU_ECall", "ECallState"),
            trigger=car.label("TCU_ECall", "ECallTrigger"),
            seconds=car.raw("TCU_ECall", "ECallDuration"),
        )

    # Camera ---------------------------------------------------------------------------------------------------------

    def camera(self, *, starting: bool, frozen_at: int | None = None) -> CameraBody:
        """The rear camera. `starting`: it was asked for a moment ago."""
        car, status = self.car, self.car.label("RVC_Status", "CameraState")
        fault = self._camera_fault(status, starting)
        curvature = car.last("RVC_GuideLines", "GuideRadius")
        return CameraBody(
            fault=fault,
            view=car.raw("RVC_Status", "CameraView") or 0,
            counter=(car.raw("RVC_Status", "CameraFrameCounter") or 0) if frozen_at is None else frozen_at,
            radius=None if curvature == -32768 else round(0.0001 * self._bend * (curvature or 0), 3),
            distances=tuple(self._park_distance(place) for place in self._rear),
            soiled=car.raw("RVC_Status", "CameraSoiled") == 1 and "camera_soil_untold" not in self.defects,
            muted=car.label("PARK_State", "ParkAidState") == "Muted",
        )

    @property
    def _rear(self) -> tuple[str, ...]:
        return REAR[::-1] if "parking_bars_mirrored" in self.defects else REAR

    @property
    def _bend(self) -> int:
        return -1 if "guide_lines_mirrored" in self.defects else 1

    def _camera_fault(self, status: str, starting: bool) -> str:
        if "camera_black" in self.defects:
            return "camera_starting"
        if status == "" and "camera_lost_untold" in self.defects:
            return ""
        if status == "Streaming" or (status == "Fault" and "camera_fault_hidden" in self.defects):
            return ""
        if status == "Fault":
            return "camera_fault"
        return "camera_starting" if starting and status in ("Off", "Starting") else "camera_lost"

    def _park_distance(self, place: str) -> float | None:
        raw = self.car.last("PARK_Distances", f"ParkDistance{place}")
        stays = "parking_bars_stay" in self.defects
        if not stays and self.car.label("PARK_State", "ParkAidState") in ("", "Fault"):
            return -1.0
        if raw == _UNKNOWN:
            return -1.0
        return None if raw is None or raw == _FREE else 0.01 * float(raw)

    # Profiles, settings, update -------------------------------------------------------------------------------------

    def profile_list(self, loading: int | None = None) -> ProfilesBody:
        """The profiles."""
        names = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
        details = []
        for number in range(COUNT):
            values = self.profiles.values(number)
            unit = "mi" if values["speed_unit"] == "mph" else "km"
            details.append((names[str(values["language"])], f"{unit}  °{values['temperature_unit']}"))
        by = self.car.label("BCM_DriverId", "DriverRecognisedBy")
        return ProfilesBody(self.profiles.active, by, loading, tuple(details))

    def settings_list(self) -> SettingsBody:
        """The settings."""
        settings = self.settings
        return SettingsBody(
            language=settings.text("language"),
            miles=self.miles,
            fahrenheit=self.fahrenheit,
            hours12=settings["clock_format"] == "12h",
            day_night=("auto", "day", "night").index(settings.text("day_night")),
            brightness=settings.number("brightness"),
            chime=settings.number("chime_volume"),
        )

    def update(self, view: UpdateView) -> UpdateBody:
        """The update: what the updater says; without one, what the telematics offers."""
        return self._updating(view) if view.state in _STATES else self._offer()

    def _updating(self, view: UpdateView) -> UpdateBody:
        offered = view.state == "offered"
        return UpdateBody(
            status=f"update_{view.state}",
            installed=self.software,
            campaign=str(view.campaign or ""),
            size=f"{view.size / 1e6:.1f} MB" if view.size else self._update_size(),
            duration=self._update_duration(),
            progress=view.progress if view.state in ("downloading", "verifying", "installing") else None,
            result="condition" if view.condition else _RESULTS.get(view.result, ""),
            may_consent=offered,
            may_postpone=offered,
        )

    def _offer(self) -> UpdateBody:
        car, status = self.car, _OFFERS.get(self.car.label("TCU_OtaCampaign", "OtaCampaignState"), "")
        if not status:
            return UpdateBody(installed=self.software)
        campaign, progress = (
            car.raw("TCU_OtaCampaign", "OtaCampaign"),
            car.value("TCU_OtaCampaign", "OtaDownloadProgress"),
        )
        return UpdateBody(
            status=status,
            installed=self.software,
            campaign="" if campaign is None else str(campaign),
            size=self._update_size(),
            duration=self._update_duration(),
            progress=None if progress is None or status != "update_downloading" else round(progress),
        )

    def _update_size(self) -> str:
        size = self.car.raw("TCU_OtaCampaign", "OtaSize")
        return "" if size is None else f"{size} MB"

    def _update_duration(self) -> str:
        duration = self.car.raw("TCU_OtaCampaign", "OtaDuration")
        return "" if duration is None else units.minutes(duration)

    # Home -----------------------------------------------------------------------------------------------------------

    def home(self, view: UpdateView) -> HomeBody:
        """The tiles."""
        lines: dict[str, Callable[[], tuple[str, str]]] = {
            "navigation": self._navigation_tile,
            "media": self._media_tile,
            "climate": self._climate_tile,
            "phone": self._phone_tile,
            "profiles": self._profiles_tile,
            "camera": lambda: (self._word("view_default"), ""),
            "voice": lambda: (self._word(VOICE_WORDS[self.car.label("MEDIA_Voice", "VoiceState")]), ""),
            "update": lambda: (self._word(self.update(view).status), self.software),
        }
        return HomeBody(tuple((name, *lines[name]()) for name in tiles(self.features)))

    def _navigation_tile(self) -> tuple[str, str]:
        body = self.navigation()
        words = {"": "not_available", "Off": "no_route", "Calculating": "calculating", "OffRoute": "off_route",
                 "Arrived": "arrived", "NoSignal": "no_position"}  # fmt: skip
        return (body.distance, body.road) if body.status == "Guiding" else (self._word(words[body.status]), "")

    def _media_tile(self) -> tuple[str, str]:
        body = self.media()
        if not body.source:
            return self._word("not_available"), ""
        radio = body.source in ("fm", "am", "dab")
        title = body.title or (body.station or body.frequency if radio else self._word("no_title"))
        name = (
            self._word(body.source)
            if body.source in ("off", "fm", "am", "dab", "usb", "bluetooth", "streaming")
            else ""
        )
        return title, body.artist or name

    def _climate_tile(self) -> tuple[str, str]:
        body = self.climate()
        if body.left is None or body.fan is None:
            return self._word("not_available"), ""
        return f"{body.left} {body.unit}", f"{self._word('fan')} {body.fan or self._word('off')}"

    def _phone_tile(self) -> tuple[str, str]:
        body = self.phone()
        calling = body.status in ("Incoming", "Outgoing", "Active", "OnHold")
        return self._word(PHONE_WORDS[body.status]), body.caller if calling else ""

    def _profiles_tile(self) -> tuple[str, str]:
        active = self.profiles.active
        if active is None:
            return self._word("not_available"), ""
        by = self.profile_list().recognised_by
        detail = f"{self._word('recognised')} {self._word('by_' + by.lower())}" if by not in ("", "None") else ""
        return self._word("guest" if not active else f"profile_{active}"), detail
