"""What makes the cockpit sound: belts, doors, keys, lights, parking, assistance, and what other ECUs ask for.

Rules of this module: it decides when, `hil.ecu.chimes` decides which of several. Belt reminder: at ignition on with the
driver unbelted a chime of 6 s (FMVSS 208: 4 to 8 s), the lamp while unbelted; above 25 km/h a second level of 35 s
(UN R16: at least 30 s). A sound ends with its cause.
"""

from __future__ import annotations

from typing import Final

from hil.clock import NS_PER_S
from hil.ecu.app import Platform
from hil.ecu.chimes import Chimes
from hil.ecu.speed import SpeedGauge
from hil.ecu.warning_table import Priority, WarningKind

BELT_CHIME_NS: Final = 6 * NS_PER_S
BELT_LEVEL2_NS: Final = 35 * NS_PER_S
BELT_LEVEL2_KMH: Final = 25.0
DRIVING_KMH: Final = 5.0
_OPEN: Final = (1, 2)
_DOORS: Final = ("DoorFrontLeft", "DoorFrontRight", "DoorRearLeft", "DoorRearRight")
_REQUESTS: Final = {1: "door_open", 2: "key_inside", 3: "light_on", 8: "seat_belt", 10: "gong"}
"""BCM_Chime.ChimeRequest: those that have a sound here."""
_PARKING_ACTIVE, _CONTINUOUS = 2, 8
_TAKE_OVER_URGENT: Final = (3, 4)
_ECALL_BEGINS: Final = 1
_HEARD_BY_THEMSELVES: Final = ("take_over", "collision", "seat_belt", "door_open_driving")
"""Warnings whose cause sounds: a gong would wait for that sound's end, and come when all is well again."""


class Reminders:
    """The reasons for chimes, and the rules of warnings that need more than one signal.

    Args:
        platform: what they are read from.
        chimes: what sounds.
        speed: how fast the vehicle is.
    """

    def __init__(self, platform: Platform, chimes: Chimes, speed: SpeedGauge) -> None:
        self._platform, self._chimes, self._speed = platform, chimes, speed
        self._defects = platform.defects
        self._make_readings()
        watch = platform.com.watch
        for message in ("BCM_PowerMode", "BCM_Lights", "PARK_State", "ADAS_TakeOver", "ADAS_Longitudinal", "ADAS_Lane",
                        "ADAS_TrafficSign", "TCU_ECall", "BCM_Openings", "SRS_Occupants", "ESC_ParkBrake"):  # fmt: skip
            watch(message, self._changed)
        watch("BCM_Chime", self._requested, every=True)
        self.forget()

    def _make_readings(self) -> None:
        com = self._platform.com
        self._belt = com.signal("SRS_Occupants", "SeatBeltDriver")
        self._driver = com.signal("SRS_Occupants", "OccupantDriver")
        self._doors = [com.signal("BCM_Openings", door) for door in _DOORS]
        self._park_brake = com.signal("ESC_ParkBrake", "ParkBrakeState")
        self._key, self._lights = com.signal("BCM_PowerMode", "KeyMessage"), com.signal("BCM_Lights", "LightOnWarning")
        self._park_aid = com.signal("PARK_State", "ParkAidState")
        self._tones = [com.signal("PARK_State", "ParkToneFront"), com.signal("PARK_State", "ParkToneRear")]
        self._take_over = com.signal("ADAS_TakeOver", "TakeOverRequest")
        self._took_over = com.signal("ADAS_TakeOver", "DriverTookOver")
        self._collision = com.signal("ADAS_Longitudinal", "CollisionWarning")
        self._departure = com.signal("ADAS_Lane", "LaneDeparture")
        self._exceeded = com.signal("ADAS_TrafficSign", "SpeedLimitExceeded")
        self._ecall = com.signal("TCU_ECall", "ECallState")
        self._request, self._repeat = com.signal("BCM_Chime", "ChimeRequest"), com.signal("BCM_Chime", "ChimeRepeat")

    def forget(self) -> None:
        """As after a boot."""
        self._dirty = True
        self._ignition_ns: int | None = None
        self._fast_ns: int | None = None
        self._speeds = (False, False)
        self.belt_level = 0

    def ignition(self, on: bool, now_ns: int) -> None:
        """The ignition was switched."""
        self._ignition_ns = now_ns if on else None
        self._fast_ns = None
        self._dirty = True

    def _changed(self) -> None:
        self._dirty = True

    def tick(self, now_ns: int) -> bool:
        """One frame; whether a rule of a warning may have changed."""
        speeds = (self._drives(DRIVING_KMH), self._drives(BELT_LEVEL2_KMH))
        changed = self._dirty or speeds != self._speeds
        if changed or self.belt_level:
            self._belts(now_ns, speeds[1])
        if changed:
            self._dirty, self._speeds = False, speeds
            self._all()
        return changed

    # Chimes ---------------------------------------------------------------------------------------------------------

    def _belts(self, now_ns: int, fast: bool) -> None:
        unbelted = self._ignition_ns is not None and self._is_unbelted
        self._fast_ns = (self._fast_ns or now_ns) if unbelted and fast else self._fast_ns if unbelted else None
        level2 = self._fast_ns is not None and now_ns - self._fast_ns < BELT_LEVEL2_NS
        first_ns = BELT_CHIME_NS // 3 if "belt_chime_too_short" in self._defects else BELT_CHIME_NS
        if "belt_chime_always" in self._defects or self._chime_plays_on:
            unbelted = self._ignition_ns is not None
        level1 = unbelted and self._ignition_ns is not None and now_ns - self._ignition_ns < first_ns
        if "belt_level2_missing" in self._defects:
            level2 = False
        self._chimes.hold("seat_belt", level1 and not level2)
        self._chimes.hold("seat_belt_level2", level2)
        self.belt_level = 2 if level2 else 1 if level1 else 0

    @property
    def _chime_plays_on(self) -> bool:
        """Once begun the chime of ignition on is played to its end (a defect)."""
        return self.belt_level == 1 and "belt_chime_plays_on" in self._defects

    def _all(self) -> None:
        hold, on = self._chimes.hold, self._ignition_ns is not None
        hold("door_open", on and self.door_open_driving())
        hold("key_inside", not on and self._key.is_(2))
        hold("light_on", not on and self._lights.is_(1))
        hold("overspeed", on and self._exceeded.is_(1))
        hold("collision", on and self._collision.raw in (2, 3))
        hold("lane_departure", on and self._departure.raw in (1, 2))
        hold("ecall", self._ecall.raw is not None and self._ecall.raw in range(_ECALL_BEGINS, 5))
        self._parking(on)
        self._hand_over(on)

    def _parking(self, on: bool) -> None:
        """The nearer, the faster; at last one tone without a pause."""
        for name, reading in zip(("parking_front", "parking_rear"), self._tones, strict=True):
            level = reading.known or 0
            is_on = (
                on and level > 0 and (self._park_aid.is_(_PARKING_ACTIVE) or "parking_mute_ignored" in self._defects)
            )
            if "parking_tone_constant" in self._defects:
                level = min(level, 1)
            tone_ms = 200 if level >= _CONTINUOUS else 80
            period_ms = 200 if level >= _CONTINUOUS else 900 - 100 * level
            self._chimes.hold(name, is_on, period_ms=period_ms, tone_ms=tone_ms)

    def _hand_over(self, on: bool) -> None:
        request = self._take_over.known or 0
        wanted = on and request >= 2 and not self._took_over.is_(1)
        urgent = wanted and request in _TAKE_OVER_URGENT
        self._chimes.hold("take_over", wanted and not urgent)
        self._chimes.hold("take_over_urgent", urgent)

    def _requested(self) -> None:
        """Another ECU asks for a chime."""
        name = _REQUESTS.get(self._request.raw or 0)
        if name is not None:
            self._chimes.ring(name, times=min(self._repeat.known or 1, 6))

    def warn(self, kind: WarningKind) -> None:
        """A warning came onto the screen."""
        if kind.name in _HEARD_BY_THEMSELVES:
            return
        if kind.priority is Priority.CRITICAL:
            self._chimes.ring("gong_critical")
        elif kind.priority is not Priority.INFORMATION:
            self._chimes.ring("gong")

    @property
    def is_take_over(self) -> bool:
        """Whether the driver is asked to take over."""
        return (self._take_over.known or 0) >= 2

    # Rules of warnings ----------------------------------------------------------------------------------------------

    @property
    def _is_unbelted(self) -> bool:
        return self._belt.is_(0) and self._driver.raw != 0

    def _drives(self, kmh: float) -> bool:
        """Whether the car is faster than that."""
        return self._speed.is_over(kmh * 3.6 if "driving_limits_in_m_per_s" in self._defects else kmh)

    def unbelted_driving(self) -> bool:
        """The driver drives without a belt."""
        return self._is_unbelted and self._drives(BELT_LEVEL2_KMH)

    def door_open_driving(self) -> bool:
        """A door is open while driving."""
        return self._drives(DRIVING_KMH) and any(door.raw in _OPEN for door in self._doors)

    def park_brake_driving(self) -> bool:
        """The parking brake is on while driving."""
        return self._drives(DRIVING_KMH) and self._park_brake.is_(1)
