"""The application behind the instrument cluster: what arrived becomes what the driver sees and hears.

Rules of this module: its parts (speed, gauges, telltales, warnings, chimes, odometer) say each frame whether anything
that can be seen changed; only then a picture's state is made and presented. What it says on the bus is what it shows.

Not for: how it looks (`hil.ecu.cluster`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from hil.clock import NS_PER_S
from hil.ecu import cluster
from hil.ecu.app import App, Phase, Platform, PowerMode
from hil.ecu.chimes import Chimes
from hil.ecu.cluster import ClusterState, Screen
from hil.ecu.cluster_outputs import ClusterOutputs
from hil.ecu.gauges import Gauges
from hil.ecu.odometer import Odometer
from hil.ecu.reminders import Reminders
from hil.ecu.speed import KMH_PER_MPH, SpeedGauge
from hil.ecu.telltales import Telltales
from hil.ecu.warnings import Warnings
from hil.hmi.frames import Frame

_SUPERVISED_AFTER_NS: Final = NS_PER_S
_QUIET_AFTER_CRANK_NS: Final = NS_PER_S // 2
_LONG_PRESS_NS: Final = 2 * NS_PER_S
_LIT_AFTER_NS: Final = NS_PER_S
_NIGHT: Final = (1,)
_QUEUE_NS: Final = 600_000_000


class ClusterApp(App):
    """The instrument cluster."""

    name = "cluster"

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self._display, self._defects = platform.wires.displays["cluster"], platform.defects
        self.settings, com = platform.settings, platform.com
        self.speed = SpeedGauge(platform)
        self.gauges = Gauges(platform, self.settings, self.speed)
        self.telltales = Telltales(platform)
        self.odometer = Odometer(platform, self.speed)
        self.chimes = Chimes(platform, self.settings)
        self.reminders = Reminders(platform, self.chimes, self.speed)
        self.warnings = Warnings(platform, self._rules(), self.reminders.warn)
        self._day_night, self._dimming = com.signal("BCM_Ambient", "DayNight"), com.signal("BCM_Interior", "Dimming")
        self._ok = com.signal("SWS_Buttons", "ButtonOk")
        for message in ("BCM_Ambient", "BCM_Interior"):
            com.watch(message, self._mark)
        com.watch("SWS_Buttons", self._pressed)
        self.settings.listen(self._mark)
        self.outputs = ClusterOutputs(platform, self)
        self._forget()

    def _rules(self) -> dict[str, Callable[[], bool]]:
        reminders = self.reminders
        return {
            "door_open_driving": reminders.door_open_driving,
            "unbelted_driving": reminders.unbelted_driving,
            "park_brake_driving": reminders.park_brake_driving,
            "icy": lambda: "ice" in self.telltales.on,
            "gear_implausible": lambda: self.gauges.gear_implausible,
            "overvoltage": lambda: self.platform.life.is_overvoltage,
        }

    def _mark(self) -> None:
        self._dirty = True

    def _forget(self) -> None:
        self._shown = ClusterState(screen=Screen.OFF)
        self._dirty = True
        self._ignition = self._has_been_off = False
        self._supply = (True, False)
        self._found = (False, False)
        self._ok_since_ns: int | None = None
        self._cranked_ns = -_QUIET_AFTER_CRANK_NS
        self._lamps: frozenset[str] = frozenset()

    @property
    def shown(self) -> ClusterState:
        """What is on the glass."""
        return self._shown

    def start(self) -> None:
        """Userland: as new, but for what the store has."""
        self.odometer.load()
        self.outputs.start()

    def stop(self) -> None:
        """All in RAM is gone."""
        self._forget()
        for part in (self.speed, self.gauges, self.telltales, self.chimes, self.reminders, self.warnings):
            part.forget()

    def sleep(self) -> None:
        """Dark and silent."""
        self._shown = ClusterState(screen=Screen.OFF)
        self._switch(False, self.platform.clock.now_ns)
        self.chimes.forget()

    def wake(self) -> None:
        """Everything is heard anew."""
        self._dirty = True
        self.outputs.start()

    # A frame --------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """One frame."""
        now_ns, life = self.platform.clock.now_ns, self.platform.life
        if life.phase is Phase.SPLASH:
            self._show(self._splash() if life.display_allowed else ClusterState(screen=Screen.OFF))
            return
        supply = (life.display_allowed, life.is_overvoltage)
        if supply != self._supply:
            self._supply, self._dirty = supply, True
            self.warnings.look_at_rules()
        if life.ignition != self._ignition:
            self._switch(life.ignition, now_ns)
        if self._sounds(now_ns) | (self._ignition and self._changes(now_ns)) | self._dirty:
            self._dirty = False
            self._show(self._scene() if self._is_lit else ClusterState(screen=Screen.OFF))
            self.outputs.write(now_ns)
        self.outputs.tick(now_ns)

    @property
    def _is_lit(self) -> bool:
        life, defects = self.platform.life, self._defects
        if life.power_mode is PowerMode.CRANK and "dark_while_cranking" in defects:
            return False
        woken = "wake_lights_screen" in defects and life.reset_reason == "wake"
        return (self._ignition or woken) and life.display_allowed

    def _switch(self, on: bool, now_ns: int) -> None:
        """KL15 was switched."""
        self._ignition, self._dirty = on, True
        if on and "ignition_boots_anew" in self._defects and self._has_been_off:
            self.platform.reboot("software")
        if on or "dtc_with_ignition_off" not in self._defects:
            self.platform.com.supervise(now_ns + _SUPERVISED_AFTER_NS if on else None)
        self._has_been_off |= not on
        self.reminders.ignition(on, now_ns)
        if on:
            self.telltales.ignition_on(now_ns)
            self.gauges.ignition_on()
            self.warnings.ignition_on()
            self.odometer.restart()
        else:
            self.odometer.save()

    def _sounds(self, now_ns: int) -> bool:
        """Reminders and chimes, with the ignition on or off; whether the bus should hear of it."""
        if self.reminders.tick(now_ns):
            self.warnings.look_at_rules()
        return self.chimes.tick(now_ns)

    def _changes(self, now_ns: int) -> bool:
        """Let all parts have their frame; whether something that can be seen changed."""
        changed = self.speed.tick(now_ns, self.settings.text("speed_unit"))
        changed |= self.gauges.tick(now_ns)
        lit, blinker = self.telltales.blinker.is_lit, self.telltales.blinker
        lamps = self.telltales.tick(now_ns)
        if blinker.is_lit != lit:
            self.chimes.tick_indicator(now_ns, blinker.is_lit)
        changed |= lamps is not self._lamps
        self._lamps = lamps
        changed |= self.odometer.tick(now_ns)
        found = (self.gauges.gear_implausible, "ice" in self.telltales.on)
        if found != self._found:
            self._found = found
            self.warnings.look_at_rules()
        changed |= self.warnings.tick(now_ns, quiet=self._is_quiet(now_ns))
        return changed

    def _is_quiet(self, now_ns: int) -> bool:
        if self.platform.life.power_mode is PowerMode.CRANK:
            self._cranked_ns = now_ns
            self._dirty |= "dark_while_cranking" in self._defects
        return now_ns - self._cranked_ns < _QUIET_AFTER_CRANK_NS or self.telltales.is_bulb_check(now_ns)

    def _pressed(self) -> None:
        """ButtonOk: acknowledges a warning; held for two seconds without one it resets the trip."""
        now_ns = self.platform.clock.now_ns
        if self._ok.is_(1):
            if self.warnings.acknowledge(now_ns):
                self._dirty = True
            elif self._ok_since_ns is None:
                self._ok_since_ns = now_ns
        elif self._ok_since_ns is not None:
            if now_ns - self._ok_since_ns >= (0 if "trip_reset_by_short_press" in self._defects else _LONG_PRESS_NS):
                self.odometer.reset_trip()
                self._dirty = True
            self._ok_since_ns = None

    # The picture ----------------------------------------------------------------------------------------------------

    def _show(self, state: ClusterState) -> None:
        if state == self._shown:
            return
        self._shown = state
        now_ns = self.platform.clock.now_ns
        if state.screen is Screen.OFF:
            self._display.go_dark(now_ns)
        else:
            self._present(state)
        if self.platform.life.phase is Phase.SPLASH:
            self.outputs.write(now_ns)

    def _present(self, state: ClusterState) -> None:
        if "picture_late" in self._defects:
            self.platform.later(_QUEUE_NS, self._draw, state)
        else:
            self._draw(state)

    def _draw(self, state: ClusterState) -> None:
        now_ns = self.platform.clock.now_ns
        self._display.present(Frame(now_ns, partial(cluster.render, state), token=state))

    @property
    def is_night(self) -> bool:
        """Whether the night design is shown."""
        mode = "auto" if "day_night_choice_ignored" in self._defects else self.settings["day_night"]
        if mode != "auto":
            return mode == "night"
        return self._day_night.raw in _NIGHT and "night_ignored" not in self._defects

    @property
    def backlight(self) -> float:
        """Brightness, 0.2 to 1: the setting, and at night the dimmer."""
        level = self.settings.number("brightness") / 80
        if self.is_night:
            dimmer = (100.0 if self._dimming.value is None else self._dimming.value) / 100
            level *= 1 - dimmer if "dimming_inverted" in self._defects else dimmer
        if self.platform.life.is_overvoltage:
            level *= 0.5
        return min(max(level, 0.2), 1.0)

    def _splash(self) -> ClusterState:
        return ClusterState(screen=Screen.SPLASH, brand=self.platform.variant.brand)

    def _scene(self) -> ClusterState:
        gauges, settings = self.gauges, self.settings
        shown, mph = gauges.shown, gauges.is_mph
        odometer, trip = self.odometer.shown(miles=mph)
        fuel, charge = gauges.fuel.value, gauges.charge.value
        hybrid = "hybrid" in self.platform.variant.features
        return ClusterState(
            brand=self.platform.variant.brand,
            night=self.is_night,
            language=settings.text("language"),
            speed=self.speed.needle,
            speed_unit=settings.text("speed_unit"),
            speed_number=self.speed.number,
            rpm=gauges.rpm.value or 0.0,
            power_pct=gauges.power.value if hybrid else None,
            fuel=None if fuel is None else fuel / 100,
            coolant_C=gauges.coolant.value,
            charge=None if charge is None or not hybrid else charge / 100,
            range_km=shown.range_km,
            gear=None if self._hides_gear else shown.gear,
            telltales=self._lamps,
            odometer=odometer,
            trip=trip,
            distance_unit="mi" if mph else "km",
            clock=shown.clock,
            outside=shown.outside,
            acc_speed=shown.acc_speed,
            speed_limit=shown.speed_limit,
            warning=self.warnings.picture(settings.text("language")),
            warnings_queued=self.warnings.queued,
            guidance=shown.guidance,
            dimming=self.backlight,
        )

    @property
    def _hides_gear(self) -> bool:
        is_check = self.telltales.is_bulb_check(self.platform.clock.now_ns)
        return is_check and "gear_hidden_in_lamp_check" in self._defects

    @property
    def shown_kmh(self) -> float | None:
        """The digits in km/h, whatever they are shown in."""
        number = self._shown.speed_number
        if number is None:
            return None
        return number * KMH_PER_MPH if self._shown.speed_unit == "mph" else float(number)

    # Console --------------------------------------------------------------------------------------------------------

    def commands(self) -> dict[str, Callable[[str], str]]:
        """`warnings`: those that are there, shown or acknowledged; `trip reset`."""
        return {"warnings": self._list_warnings, "trip": self._trip}

    def _list_warnings(self, _: str) -> str:
        lines = []
        for one in self.warnings.active.values():
            state = "shown" if one is self.warnings.shown else "acknowledged" if one.acknowledged_ns else "waiting"
            lines.append(f"{one.kind.number:3d} {one.kind.name} {one.kind.priority.word} {state}")
        return "\n".join(lines) or "no warnings"

    def _trip(self, argument: str) -> str:
        if argument == "reset":
            self.odometer.reset_trip()
            self._dirty = True
        return f"trip {self.odometer.trip_km:.1f} km, odometer {self.odometer.km:.1f} km"
