"""Which telltales are lit: what lights each, the bulb check, blinking, and what a lost sender does.

Rules of this module: a telltale follows one signal (a few have more to it, see `Telltales`). A telltale that warns of a
fault of its sender's is lit when that sender is lost, since nobody can say that all is well. At ignition on those with
a bulb check are lit for three seconds. What this ECU isn't fitted with, or its databases lack, is never lit.

Not for: the symbols and their colours (`hil.ecu.cluster_state`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from hil.clock import NS_PER_S
from hil.ecu.app import Platform
from hil.ecu.blinker import Blinker
from hil.ecu.signals import Reading

BULB_CHECK_NS: Final = 3 * NS_PER_S
TYRE_BLINK_NS: Final = 75 * NS_PER_S
"""FMVSS 138 asks for 60 to 90 s."""
_TYRE_HALF_NS: Final = NS_PER_S // 2
_ICE_C, _ICE_OVER_C = 3.0, 5.0


class Kind(StrEnum):
    """What else lights a telltale: nothing, the bulb check, the bulb check and a lost sender."""

    PLAIN = "plain"
    CHECKED = "checked"
    SAFETY = "safety"


@dataclass(frozen=True, slots=True)
class Lamp:
    """What a telltale follows.

    Attributes:
        name: of the telltale.
        lamp: its signal of CLU_Telltales.
        message: whose signal lights it.
        signal: that signal.
        lit: raw values that light it.
        kind: what else lights it.
        feature: needed for it to be fitted at all.
    """

    name: str
    lamp: str
    message: str
    signal: str
    lit: tuple[int, ...] = (1,)
    kind: Kind = Kind.PLAIN
    feature: str = ""

    @property
    def bulb_check(self) -> bool:
        """Whether it takes part in the bulb check."""
        return self.kind is not Kind.PLAIN

    @property
    def safety(self) -> bool:
        """Whether it is lit when its message is lost."""
        return self.kind is Kind.SAFETY


LAMPS: Final = (
    Lamp("turn_left", "LampTurnLeft", "BCM_Lights", "TurnLeft"),
    Lamp("turn_right", "LampTurnRight", "BCM_Lights", "TurnRight"),
    Lamp("position_lights", "LampPositionLights", "BCM_Lights", "PositionLights"),
    Lamp("low_beam", "LampLowBeam", "BCM_Lights", "LowBeam"),
    Lamp("high_beam", "LampHighBeam", "BCM_Lights", "HighBeam"),
    Lamp("auto_high_beam", "LampAutoHighBeam", "BCM_Lights", "AutoHighBeam"),
    Lamp("front_fog", "LampFrontFog", "BCM_Lights", "FrontFog"),
    Lamp("rear_fog", "LampRearFog", "BCM_Lights", "RearFog"),
    Lamp("engine", "LampEngine", "ECM_Engine", "MalfunctionLamp", kind=Kind.SAFETY),
    Lamp("oil", "LampOil", "ECM_Engine", "OilPressureLow", kind=Kind.CHECKED),
    Lamp("coolant", "LampCoolant", "ECM_Engine", "EngineOverheat", kind=Kind.CHECKED),
    Lamp("battery", "LampBattery", "OBC_DcDc", "ChargeLamp", kind=Kind.SAFETY),
    Lamp("brake", "LampBrake", "ESC_Speed", "BrakeWarning", kind=Kind.SAFETY),
    Lamp("park_brake", "LampParkBrake", "ESC_ParkBrake", "ParkBrakeLamp", kind=Kind.SAFETY),
    Lamp("abs", "LampAbs", "ESC_Speed", "AbsFault", kind=Kind.SAFETY),
    Lamp("esc", "LampEsc", "ESC_Speed", "EscFault", kind=Kind.SAFETY),
    Lamp("esc_off", "LampEscOff", "ESC_Speed", "EscOff", kind=Kind.CHECKED),
    Lamp("tyre", "LampTyre", "TPMS_Pressures", "TyreLamp", (1, 2), kind=Kind.SAFETY),
    Lamp("airbag", "LampAirbag", "SRS_Occupants", "AirbagFault", kind=Kind.SAFETY),
    Lamp("passenger_airbag_off", "LampPassengerAirbagOff", "SRS_Occupants", "PassengerAirbag", (0,), kind=Kind.CHECKED),
    Lamp("seat_belt", "LampSeatBelt", "SRS_Occupants", "SeatBeltLamp", kind=Kind.CHECKED),
    Lamp("door", "LampDoor", "BCM_Openings", "DoorFrontLeft", (1, 2)),
    Lamp("fuel", "LampFuel", "ECM_Fuel", "FuelLow", kind=Kind.CHECKED),
    Lamp("washer", "LampWasher", "BCM_Wipers", "WasherFluidLow"),
    Lamp("steering", "LampSteering", "EPS_Assist", "SteeringFault", kind=Kind.SAFETY),
    Lamp("brake_pad", "LampBrakePad", "ESC_BrakeService", "BrakePadWear", kind=Kind.CHECKED),
    Lamp("immobiliser", "LampImmobiliser", "BCM_PowerMode", "ImmobiliserLamp", kind=Kind.CHECKED),
    Lamp("ready", "LampReady", "ECM_Hybrid", "ReadyToDrive", feature="hybrid"),
    Lamp("hv_battery", "LampHvBattery", "BMS_State", "HvBatteryFault", feature="hybrid", kind=Kind.SAFETY),
    Lamp("charge_plug", "LampChargePlug", "OBC_Charging", "ChargePlug", (1, 2), feature="hybrid"),
    Lamp("service", "LampService", "ECM_Service", "ServiceDue"),
    Lamp("bulb", "LampBulb", "BCM_Lights", "BulbFault"),
    Lamp("particulate_filter", "LampParticulateFilter", "ECM_Emission", "ParticulateFilter", (3,), kind=Kind.CHECKED),
    Lamp("ice", "LampIce", "BCM_Ambient", "IcyRoad"),
    Lamp("start_stop", "LampStartStop", "ECM_StartStop", "StartStopState", (2,)),
    Lamp("hill_descent", "LampHillDescent", "ESC_Speed", "HillDescentControl"),
    Lamp("auto_hold", "LampAutoHold", "ESC_ParkBrake", "AutoHold"),
    Lamp("transmission", "LampTransmission", "TCM_Gear", "TransmissionFault", kind=Kind.SAFETY),
    Lamp("attention", "LampAttention", "ADAS_DriverMonitor", "BreakRecommended"),
    Lamp("acc", "LampAcc", "ADAS_Longitudinal", "AccState", (2, 3, 4), feature="acc"),
    Lamp("lane_assist", "LampLaneAssist", "ADAS_Lane", "LaneAssistState", (2, 3)),
    Lamp("emergency_brake_off", "LampEmergencyBrakeOff", "ADAS_Longitudinal", "EmergencyBrakeOff"),
    Lamp("speed_limiter", "LampSpeedLimiter", "ADAS_Longitudinal", "SpeedLimiterState", (2, 3)),
    Lamp("suspension", "LampSuspension", "SUSP_Height", "SuspensionFault", feature="air_suspension"),
    Lamp("ecall", "LampECall", "TCU_ECall", "ECallFault", kind=Kind.SAFETY),
)
_MORE_DOORS: Final = ("DoorFrontRight", "DoorRearLeft", "DoorRearRight")
_OPEN: Final = (1, 2)
_DARK: Final = {"high_beam": "high_beam_dark", "fuel": "low_fuel_untold"}
"""Telltale -> the defect that keeps it dark."""


class Telltales:
    """The telltales of one ECU.

    Args:
        platform: what it reads from.
        lamps: the table.
    """

    def __init__(self, platform: Platform, lamps: tuple[Lamp, ...] = LAMPS) -> None:
        self._platform, self._defects = platform, platform.defects
        com, features = platform.com, platform.variant.features
        found = [(lamp, com.signal(lamp.message, lamp.signal)) for lamp in lamps]
        if "esc_and_abs_swapped" in self._defects:
            found = [(lamp, self._swapped(lamp)) for lamp, _ in found]
        inverted = "lamp_coding_inverted" in self._defects
        self.fitted: dict[str, tuple[Lamp, Reading]] = {
            lamp.name: (lamp, reading)
            for lamp, reading in found
            if reading.exists and (not lamp.feature or (lamp.feature in features) is not inverted)
        }
        self.lamps = tuple(lamp for lamp, _ in self.fitted.values())
        names = [lamp.name for lamp in self.lamps]
        shifted = "telltale_rows_shifted" in self._defects
        self._below = dict(zip(names, [*names[1:], names[0]], strict=True)) if shifted else {}
        self._rules = self._make_rules()
        self.blinker = Blinker(platform)
        for message in dict.fromkeys(lamp.message for lamp in self.lamps):
            com.watch(message, partial(self._update, message))
        self.forget()

    def _swapped(self, lamp: Lamp) -> Reading:
        other = {"AbsFault": "EscFault", "EscFault": "AbsFault"}.get(lamp.signal, lamp.signal)
        return self._platform.com.signal(lamp.message, other)

    def _make_rules(self) -> dict[str, Callable[[], bool]]:
        com = self._platform.com
        self._doors = [com.signal("BCM_Openings", door) for door in _MORE_DOORS]
        self._outside = com.signal("BCM_Ambient", "OutsideTemperature")
        self._belts = [
            (com.signal("SRS_Occupants", f"SeatBelt{seat}"), com.signal("SRS_Occupants", f"Occupant{seat}"))
            for seat in ("Driver", "Passenger")
        ]
        return {"door": self._door_open, "ice": self._icy, "seat_belt": self._unbelted}

    def forget(self) -> None:
        """As after a boot."""
        self.on: set[str] = set()
        self.lost: set[str] = set()
        self._stuck: set[str] = set()
        self._put_out: set[str] = set()
        self._checked_until_ns = 0
        self._tyre_since_ns: int | None = None
        self._is_cold = False
        self.is_changed = True
        self._shown: frozenset[str] = frozenset()
        self.blinker.forget()

    def ignition_on(self, now_ns: int) -> None:
        """Begin the bulb check."""
        self._checked_until_ns = now_ns + (0 if "bulb_check_skipped" in self._defects else BULB_CHECK_NS)
        self._tyre_since_ns = None
        self._stuck.clear()
        self._put_out = set(self.on) if "lamp_check_puts_out" in self._defects else set()
        for message in dict.fromkeys(lamp.message for lamp in self.lamps):
            self._update(message)

    def is_bulb_check(self, now_ns: int) -> bool:
        """Whether the bulb check is going on."""
        return now_ns < self._checked_until_ns

    # What the signals say -------------------------------------------------------------------------------------------

    def _update(self, message: str) -> None:
        self.is_changed = True
        for lamp, reading in self.fitted.values():
            if lamp.message == message:
                (self.on.add if self._is_on(lamp, reading) else self.on.discard)(lamp.name)

    def _is_on(self, lamp: Lamp, reading: Reading) -> bool:
        slot = reading.slot
        if slot is not None and slot.is_lost:
            self.lost.add(lamp.name)
            return lamp.safety and "lost_sender_lamps_dark" not in self._defects
        self.lost.discard(lamp.name)
        if lamp.name in self._stuck:
            return True
        if _DARK.get(lamp.name) in self._defects:
            return False
        rule = self._rules.get(lamp.name)
        lit = reading.raw in lamp.lit or (rule is not None and rule())
        if lit and "telltale_sticks" in self._defects and lamp.safety:
            self._stuck.add(lamp.name)
        return lit

    def _door_open(self) -> bool:
        return any(door.raw in _OPEN for door in self._doors)

    def _icy(self) -> bool:
        """Cold outside, with a hysteresis."""
        outside_C = self._outside.value
        if outside_C is not None:
            stays_cold = self._is_cold and "ice_without_hysteresis" not in self._defects
            self._is_cold = outside_C < (_ICE_OVER_C if stays_cold else _ICE_C)
        return self._is_cold

    def _unbelted(self) -> bool:
        return any(belt.is_(0) and seat.is_(1) for belt, seat in self._belts)

    # What is shown --------------------------------------------------------------------------------------------------

    def tick(self, now_ns: int) -> frozenset[str]:
        """The telltales that are lit in this frame. The same object while nothing changes."""
        blinked = self.blinker.tick(now_ns)
        if "tyre" in self.on or self._tyre_since_ns is not None or now_ns < self._checked_until_ns + NS_PER_S:
            self.is_changed = True
        if self.is_changed or blinked:
            self.is_changed = False
            shown = frozenset(self._lit(now_ns))
            self._shown = self._shown if shown == self._shown else shown
        return self._shown

    def _lit(self, now_ns: int) -> set[str]:
        lit = set(self.on)
        lit.discard("turn_left")
        lit.discard("turn_right")
        lit |= self.blinker.lit
        if self._below:
            lit = {self._below[name] for name in lit}
        if "tyre" in lit and not self._tyre_lit(now_ns):
            lit.discard("tyre")
        elif "tyre" not in lit:
            self._tyre_since_ns = None
        if self.is_bulb_check(now_ns):
            lit |= {lamp.name for lamp in self.lamps if lamp.bulb_check}
        else:
            lit -= self._put_out
        return lit

    def _tyre_lit(self, now_ns: int) -> bool:
        """A fault of the system blinks for 75 s, then stays lit; low pressure is lit at once."""
        reading = self.fitted["tyre"][1]
        flashes = (1, 2) if "low_pressure_flashes" in self._defects else (2,)
        if reading.raw not in flashes and "tyre" not in self.lost:
            self._tyre_since_ns = None
            return True
        if self._tyre_since_ns is None:
            self._tyre_since_ns = max(now_ns, self._checked_until_ns)
        since_ns = now_ns - self._tyre_since_ns
        if since_ns >= TYRE_BLINK_NS or "tyre_lamp_never_blinks" in self._defects:
            return True
        return since_ns // _TYRE_HALF_NS % 2 == 0

    def signals(self, shown: frozenset[str], now_ns: int) -> dict[str, int]:
        """Raw values of CLU_Telltales."""
        lamps = {lamp.lamp: int(lamp.name in shown) for lamp in LAMPS}
        return lamps | {"LampBulbCheck": int(self.is_bulb_check(now_ns))}
