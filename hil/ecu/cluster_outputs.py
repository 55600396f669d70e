"""What the cluster says on the buses: each signal follows what it shows and does.

Rules of this module: signals are written when something changed, and twice a second what only time changes. Writing
what is there already costs next to nothing and is no event.

Not for: messages of the centre screen, of climate, media and phone, of profiles and of updates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.clock import NS_PER_S
from hil.ecu.app import Phase, Platform
from hil.ecu.cluster_state import GEARS, Screen

if TYPE_CHECKING:
    from hil.ecu.cluster_app import ClusterApp

_SLOW_NS: Final = NS_PER_S // 2
_SPEED_SNA: Final = 0xFFFF
_BLANK_GEAR: Final = 14
_STATES: Final = {Screen.OFF: 3, Screen.SPLASH: 1, Screen.ON: 2}
RESET_REASONS: Final = {"power": 0, "watchdog": 1, "software": 2, "undervoltage": 3, "wake": 4, "update": 5}
_VIEWS: Final = {Screen.OFF: 0, Screen.SPLASH: 1, Screen.ON: 2}


class ClusterOutputs:
    """CLU_* of the cluster.

    Args:
        platform: where it writes.
        app: what is shown.
    """

    def __init__(self, platform: Platform, app: ClusterApp) -> None:
        self._platform, self._app = platform, app
        self._hides_take_over = "take_over_unconfirmed" in platform.defects
        self._next_ns = 0
        self._alive = 0

    def start(self) -> None:
        """Userland: the first word to the bus."""
        self._next_ns = self._alive = 0
        self.write(self._platform.clock.now_ns)
        self._write_slow(self._platform.clock.now_ns)

    def tick(self, now_ns: int) -> None:
        """What only time changes."""
        if now_ns >= self._next_ns:
            self._next_ns = now_ns + _SLOW_NS
            self._write_slow(now_ns)

    # Fast -----------------------------------------------------------------------------------------------------------

    def write(self, now_ns: int) -> None:
        """What changed with the picture or the sound."""
        app, write = self._app, self._platform.com.write
        shown = app.shown
        is_on = shown.screen is Screen.ON
        speed = self._speed_raw(is_on)
        write(
            "CLU_Status",
            ClusterState=self._state(),
            CockpitReady=int(is_on and not app.telltales.is_bulb_check(now_ns)),
            DisplayedSpeed=speed,
            DisplayBrightness=round(app.backlight * 200) if is_on else 0,
        )
        lamps = shown.telltales if is_on else frozenset()
        write("CLU_Telltales", **app.telltales.signals(lamps, now_ns))
        write(
            "CLU_Warnings",
            **app.warnings.signals(now_ns),
            **app.chimes.signals(),
            SeatBeltWarningLevel=app.reminders.belt_level,
        )
        self._write_chassis(now_ns, lamps, speed)
        write("CLU_Hmi", ClusterView=_VIEWS[shown.screen])
        write("CLU_Settings", **app.settings.signals(), NightDesignShown=int(app.is_night))

    def _state(self) -> int:
        if not self._platform.life.display_allowed:
            return 0
        if self._app.shown.screen is Screen.OFF and self._platform.life.phase is Phase.SPLASH:
            return _STATES[Screen.SPLASH]
        return _STATES[self._app.shown.screen]

    def _speed_raw(self, is_on: bool) -> int:
        kmh = self._app.shown_kmh
        if not is_on:
            return 0
        return _SPEED_SNA if kmh is None else round(kmh * 10)

    def _gear_raw(self) -> int:
        shown = self._app.shown
        return _BLANK_GEAR if shown.gear is None or shown.screen is not Screen.ON else GEARS.index(shown.gear)

    def _write_chassis(self, now_ns: int, lamps: frozenset[str], speed: int) -> None:
        app, shown = self._app, self._app.shown
        warning = app.warnings.shown
        self._platform.com.write(
            "CLU_ChassisStatus",
            ClusterStateChassis=self._state(),
            TakeOverShown=int(warning is not None and warning.kind.name == "take_over" and not self._hides_take_over),
            TakeOverHeard=int(app.chimes.is_held("take_over") or app.chimes.is_held("take_over_urgent")),
            BrakeLampShown=int("brake" in lamps),
            MalfunctionLampShown=int("engine" in lamps),
            DisplayedGear=self._gear_raw(),
            DisplayedSpeedChassis=speed,
            DisplayedSpeedUnit=int(shown.speed_unit == "mph"),
            DriverAcknowledge=int(now_ns < app.warnings.acknowledged_until_ns),
            CockpitFaults=min(len(self._platform.dtcs.report(0x08)), 250),
        )

    # Slow -----------------------------------------------------------------------------------------------------------

    def _write_slow(self, now_ns: int) -> None:
        write, life = self._platform.com.write, self._platform.life
        self._alive = (self._alive + 1) % 256
        uptime = (now_ns - life.born_ns) // (NS_PER_S // 10)
        reason = RESET_REASONS[life.reset_reason]
        for bus in ("Chassis", "Body"):
            values = {"Alive": self._alive, "Uptime": uptime, "ResetReason": reason}
            write(f"CLU_Heartbeat{bus}", **{f"{name}{bus}": value for name, value in values.items()})
        write("CLU_Odometer", **self._app.odometer.signals(restored=life.store_was_torn))
        write("CLU_Version", VersionPage=self._alive // 2 % 4)
