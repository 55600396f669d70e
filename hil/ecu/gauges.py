"""The other gauges: revs, fuel, coolant, charge, power, range, gear, temperature outside, clock, assistance, guidance.

Rules of this module: a value is worked out anew when a message that it comes from changed. Gauges that would tremble
are damped: fuel over ten seconds (at once after ignition on, and fast while standing, when somebody may fill up),
coolant over two. A lost sender: coolant and fuel hold their last value for ten seconds, then the bar is empty; all else
is shown as unknown at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from hil.clock import NS_PER_S
from hil.ecu.app import VSYNC_HZ, Platform
from hil.ecu.cluster_state import GEARS, MANOEUVRES, Guidance
from hil.ecu.settings import Settings
from hil.ecu.signals import Reading
from hil.ecu.speed import KMH_PER_MPH, SpeedGauge

_HOLD_NS: Final = 10 * NS_PER_S
_FUEL_TAU_S, _FUEL_FAST_TAU_S, _COOLANT_TAU_S, _POWER_TAU_S, _RPM_TAU_S = 10.0, 1.0, 2.0, 0.15, 0.08
_REVERSE_KMH: Final = 30.0
_GEAR_LATE_NS: Final = NS_PER_S
_ROAD_PAGES: Final = 5
_ACC_SHOWN: Final = (2, 3, 4)
_NO_SIGN: Final = 250
_GUIDING: Final = 2


class Damped:
    """A value behind a first-order low pass, that holds for a while when its source is lost.

    Args:
        reading: where it comes from.
        tau_s: time constant.
        hold_ns: how long the last value holds.
        grain: a rest that can't be seen.
    """

    def __init__(self, reading: Reading, tau_s: float, *, hold_ns: int = 0, grain: float = 0.05) -> None:
        self._reading, self.tau_s, self._hold_ns, self._grain = reading, tau_s, hold_ns, grain
        self.forget()

    def forget(self) -> None:
        """As after a boot: the next value is shown at once."""
        self.value: float | None = None
        self._target: float | None = None
        self._lost_ns: int | None = None
        self._at_ns = 0
        self._is_new = False

    def heard(self) -> None:
        """Its message changed, was lost or came back."""
        heard = self._reading.value
        if heard is None:
            self._lost_ns = -1 if self._lost_ns is None else self._lost_ns
            return
        self._lost_ns, self._target = None, heard
        if self.value is None:
            self.value, self._is_new = heard, True

    def tick(self, now_ns: int) -> bool:
        """One frame; whether it changed."""
        if self._lost_ns is not None:
            return self._give_up(now_ns)
        value, target, since_ns, self._at_ns = self.value, self._target, now_ns - self._at_ns, now_ns
        is_new, self._is_new = self._is_new, False
        if value is None or target is None or value == target:
            return is_new
        rest = target - value
        step = 1 - math.exp(-min(since_ns, NS_PER_S // VSYNC_HZ * 2) / (self.tau_s * NS_PER_S))
        self.value = target if abs(rest) < self._grain else value + rest * step
        return True

    def _give_up(self, now_ns: int) -> bool:
        if self.value is None:
            return False
        if self._lost_ns is None or self._lost_ns < 0:
            self._lost_ns = now_ns
        if now_ns - self._lost_ns < self._hold_ns:
            return False
        self.value = None
        return True


@dataclass(slots=True)
class Shown:
    """What the gauges show, in the units of the settings."""

    gear: str | None = None
    range_km: int | None = None
    clock: str | None = None
    outside: str | None = None
    acc_speed: int | None = None
    speed_limit: int | None = None
    guidance: Guidance | None = None


class Gauges:
    """All gauges but the speed.

    Args:
        platform: what they read from.
        settings: units and language.
        speed: for what is plausible at which speed.
    """

    def __init__(self, platform: Platform, settings: Settings, speed: SpeedGauge) -> None:
        self._platform, self._settings, self._speed = platform, settings, speed
        self._defects, com = platform.defects, platform.com
        hybrid = "hybrid" in platform.variant.features
        self._is_hybrid = hybrid and com.has("BMS_State")
        held_ns = 1 << 62 if "coolant_held_for_ever" in self._defects else _HOLD_NS
        self.rpm = Damped(com.signal("ECM_Engine", "EngineSpeed"), _RPM_TAU_S, grain=2.5)
        self.coolant = Damped(com.signal("ECM_Engine", "CoolantTemperature"), _COOLANT_TAU_S, hold_ns=held_ns)
        self.fuel = Damped(com.signal("ECM_Fuel", "FuelLevel"), _FUEL_TAU_S, hold_ns=_HOLD_NS, grain=0.1)
        self.charge = Damped(com.signal("BMS_State", "StateOfCharge"), 1.0)
        self.power = Damped(com.signal("ECM_Hybrid", "PowerMeter"), _POWER_TAU_S, grain=0.5)
        self._damped = [self.rpm, self.coolant, self.fuel, self.charge, self.power]
        self._slower = 60.0 if "gauges_far_behind" in self._defects else 1.0
        for damped in self._damped:
            damped.tau_s *= self._slower
        self._make_readings()
        self._watch()
        self.shown = Shown()
        self.forget()

    def _make_readings(self) -> None:
        com = self._platform.com
        self._gear = com.signal("TCM_Gear", "Gear")
        self._ranges = [com.signal("ECM_Fuel", "FuelRange"), com.signal("BMS_State", "ElectricRange")]
        self._outside = com.signal("BCM_Ambient", "OutsideTemperature")
        self._hour, self._minute = com.signal("TCU_DateTime", "Hour"), com.signal("TCU_DateTime", "Minute")
        self._second = com.signal("TCU_DateTime", "Second")
        self._acc_state = com.signal("ADAS_Longitudinal", "AccState")
        self._acc_speed = com.signal("ADAS_Longitudinal", "AccSetSpeed")
        self._sign = com.signal("ADAS_TrafficSign", "SpeedLimitSign")
        self._guiding, self._manoeuvre = (
            com.signal("NAV_Guidance", "GuidanceState"),
            com.signal("NAV_Guidance", "Manoeuvre"),
        )
        self._to_go = com.signal("NAV_Guidance", "ManoeuvreDistance")
        self._road = [com.signal("NAV_RoadName", f"RoadName{page + 1}") for page in range(_ROAD_PAGES)]
        self._road_of, self._pages = (
            com.signal("NAV_RoadName", "RoadNameOf"),
            com.signal("NAV_RoadName", "RoadNamePages"),
        )
        self._page = com.signal("NAV_RoadName", "RoadNamePage")

    def _watch(self) -> None:
        watch = self._platform.com.watch
        for message, damped in (
            ("ECM_Engine", [self.rpm, self.coolant]), ("ECM_Fuel", [self.fuel]), ("BMS_State", [self.charge]),
            ("ECM_Hybrid", [self.power]),
        ):  # fmt: skip
            for one in damped:
                watch(message, one.heard)
        for message, update in (
            ("TCM_Gear", self._see_gear), ("ESC_Speed", self._see_gear), ("ECM_Fuel", self._see_range),
            ("BMS_State", self._see_range), ("BCM_Ambient", self._see_outside), ("ADAS_Longitudinal", self._see_acc),
            ("ADAS_TrafficSign", self._see_sign), ("NAV_Guidance", self._see_guidance),
        ):  # fmt: skip
            watch(message, partial(self._see, update))
        watch("NAV_RoadName", self._hear_road, every=True)
        watch("TCU_DateTime", self._hear_time, every=True)
        self._settings.listen(self.see_all)

    def forget(self) -> None:
        """As after a boot."""
        for damped in self._damped:
            damped.forget()
        self.is_changed = True
        self.gear_implausible = False
        self._names: dict[int, bytes] = {}
        self._road_name = ""
        self._clock_ns: int | None = None
        self._shown_minute = -1
        self._next_gear: tuple[int, str | None] | None = None
        self.see_all()

    def ignition_on(self) -> None:
        """Gauges jump to where they belong."""
        for damped in self._damped:
            damped.forget()
            damped.heard()
        self.see_all()

    def see_all(self) -> None:
        """Work everything out anew."""
        self.is_changed = True
        for update in (
            self._see_gear, self._see_range, self._see_outside, self._see_acc, self._see_sign, self._see_guidance,
        ):  # fmt: skip
            update()
        self._shown_minute = -1

    def _see(self, update: Callable[[], None]) -> None:
        update()
        self.is_changed = True

    def tick(self, now_ns: int) -> bool:
        """One frame; whether something that can be seen changed."""
        changed = self.is_changed
        self.is_changed = False
        self.fuel.tau_s = self._slower * (_FUEL_TAU_S if self._speed.is_moving else _FUEL_FAST_TAU_S)
        if "fuel_undamped" in self._defects:
            self.fuel.tau_s = 0.001
        for damped in self._damped:
            changed |= damped.tick(now_ns)
        if self._next_gear is not None and now_ns >= self._next_gear[0]:
            self.shown.gear, self._next_gear, changed = self._next_gear[1], None, True
        return self._tick_clock(now_ns) or changed

    @property
    def is_mph(self) -> bool:
        """Whether speeds and distances are in miles."""
        return self._settings["speed_unit"] == "mph"

    # Gear -----------------------------------------------------------------------------------------------------------

    def _see_gear(self) -> None:
        raw = self._gear.raw
        if raw is None and "gear_kept_on_loss" in self._defects:
            raw = self._gear.stale
        unknown = "N" if "gear_unknown_as_n" in self._defects else None
        gear = None if raw is None else GEARS[raw] if raw < len(GEARS) else unknown
        self.gear_implausible = gear == "R" and self._speed.is_over(_REVERSE_KMH)
        if self.gear_implausible and "implausible_gear_shown" not in self._defects:
            gear = None
        if "gear_late" in self._defects and self.shown.gear is not None and gear != self.shown.gear:
            self._next_gear = self._next_gear or (self._platform.clock.now_ns + _GEAR_LATE_NS, gear)
            return
        self.shown.gear = gear

    # Range, temperature, clock --------------------------------------------------------------------------------------

    @property
    def _adds_electric(self) -> bool:
        return self._is_hybrid and "range_forgets_battery" not in self._defects

    def _see_range(self) -> None:
        values = [reading.value for reading in self._ranges[: 2 if self._adds_electric else 1]]
        known = [value for value in values if value is not None]
        scale = KMH_PER_MPH if self.is_mph and "range_stays_in_km" not in self._defects else 1.0
        is_known = values[0] is not None or "range_unknown_as_zero" in self._defects
        self.shown.range_km = round(sum(known) / scale) if is_known else None

    def _see_outside(self) -> None:
        outside_C = self._outside.value
        if outside_C is not None and "cold_shown_as_warm" in self._defects:
            outside_C = abs(outside_C)
        if outside_C is None:
            self.shown.outside = None
        elif self._settings["temperature_unit"] == "F":
            self.shown.outside = f"{math.floor(outside_C * 1.8 + 32.5)} °F"
        else:
            self.shown.outside = f"{outside_C:.1f} °C"

    def _hear_time(self) -> None:
        """UTC, in seconds of the day, as of now. The ECU's own clock runs on from there."""
        hour, minute, second = self._hour.known, self._minute.known, self._second.known
        if hour is not None and minute is not None:
            heard_s = 3600 * hour + 60 * minute + (second or 0)
            self._clock_ns = heard_s * NS_PER_S - self._platform.clock.now_ns
            self._shown_minute = -1

    def _tick_clock(self, now_ns: int) -> bool:
        if self._clock_ns is None:
            return False
        minute = (self._clock_ns + now_ns) // (60 * NS_PER_S)
        if minute == self._shown_minute:
            return False
        if "clock_stands" in self._defects and self.shown.clock is not None:
            return False
        self._shown_minute = minute
        text = self._time_text((minute + 15 * self._settings.number("time_zone")) % 1440)
        changed, self.shown.clock = text != self.shown.clock, text
        return changed

    def _time_text(self, minute: int) -> str:
        hour, minute = divmod(minute, 60)
        if self._settings["clock_format"] == "24h":
            return f"{hour:02d}:{minute:02d}"
        return f"{(hour + 11) % 12 + 1}:{minute:02d} {'am' if hour < 12 else 'pm'}"

    # Assistance -----------------------------------------------------------------------------------------------------

    def _in_unit(self, kmh: float) -> int:
        return round(kmh / KMH_PER_MPH) if self.is_mph else round(kmh)

    def _see_acc(self) -> None:
        speed = self._acc_speed.value
        is_shown = "acc" in self._platform.variant.features and self._acc_state.raw in _ACC_SHOWN
        if "acc_speed_frozen" in self._defects and is_shown and self.shown.acc_speed is not None:
            return
        self.shown.acc_speed = self._in_unit(speed) if is_shown and speed is not None else None

    def _see_sign(self) -> None:
        raw = self._sign.raw
        if raw is not None and raw <= _NO_SIGN:
            self.shown.speed_limit = self._in_unit(float(raw))
        elif "speed_limit_kept" not in self._defects:
            self.shown.speed_limit = None

    # Guidance -------------------------------------------------------------------------------------------------------

    def _hear_road(self) -> None:
        """Pages of six characters; a name is taken when its last page came."""
        page = self._page.raw
        if self._road_of.raw != 1 or page is None or page >= _ROAD_PAGES:
            return
        part = self._road[page].raw
        if part is None:
            return
        if page == 0:
            self._names = {}
        self._names[page] = int(part).to_bytes(6, "big")
        if len(self._names) >= (self._pages.raw or 1):
            joined = b"".join(self._names[key] for key in sorted(self._names))
            self._road_name = joined.rstrip(b"\0 ").decode("latin-1")
            self._see_guidance()
            self.is_changed = True

    def _see_guidance(self) -> None:
        raw, metres = self._manoeuvre.raw, self._to_go.value
        guiding = self._guiding.raw == _GUIDING or "guidance_stays" in self._defects
        if not guiding or raw is None or not 1 <= raw <= len(MANOEUVRES) or metres is None:
            self.shown.guidance = None
            return
        self.shown.guidance = Guidance(MANOEUVRES[raw - 1], self._distance(metres), self._road_name)

    def _distance(self, metres: float) -> str:
        if self.is_mph:
            yards = metres / 0.9144
            return f"{round(yards / 10) * 10} yd" if yards < 880 else f"{metres / 1609.344:.1f} mi"
        tens = round(metres / 10) * 10
        return f"{tens} m" if tens < 1000 else f"{metres / 1000:.1f} km"
