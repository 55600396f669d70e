"""The application behind the instrument cluster: what arrived becomes what the driver sees."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final

from hil.clock import NS_PER_S
from hil.ecu import cluster
from hil.ecu.app import VSYNC_HZ, App, Phase, Platform
from hil.ecu.cluster import ClusterState, Screen
from hil.hmi.frames import Frame

BLINK_HZ: Final = 1.5
_NEEDLE_TAU_S: Final = 0.08
_LIT_BY: Final = {
    "high_beam": ("BCM_Lights", "HighBeam"),
    "low_beam": ("BCM_Lights", "LowBeam"),
    "position_lights": ("BCM_Lights", "PositionLights"),
    "turn_left": ("BCM_Lights", "TurnLeft"),
    "turn_right": ("BCM_Lights", "TurnRight"),
    "engine": ("ECM_Engine", "MalfunctionLamp"),
    "oil": ("ECM_Engine", "OilPressureLow"),
    "abs": ("ESC_Speed", "AbsFault"),
    "brake": ("ESC_Speed", "BrakeWarning"),
}
_BLINKING: Final = frozenset({"turn_left", "turn_right"})
_SPEED_SNA: Final = 0xFFFF


class ClusterApp(App):
    """The instrument cluster."""

    name = "cluster"

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self._display = platform.wires.displays["cluster"]
        self._defects = platform.defects
        self._forget()

    def _forget(self) -> None:
        self._needle_kmh = self._needle_rpm = 0.0
        self._frozen_number: int | None = None
        self._shown = ClusterState(screen=Screen.OFF)

    def start(self) -> None:
        """First word to the bus: booting."""
        self._write_status()

    def stop(self) -> None:
        """All in RAM is gone."""
        self._forget()

    def sleep(self) -> None:
        """Dark."""
        self._shown = ClusterState(screen=Screen.OFF)

    def tick(self) -> None:
        """One frame."""
        self._show(self._scene())
        self._write_status()

    def _show(self, state: ClusterState) -> None:
        if state == self._shown:
            return
        self._shown = state
        now_ns = self.platform.clock.now_ns
        if state.screen is Screen.OFF:
            self._display.go_dark(now_ns)
        else:
            self._display.present(Frame(now_ns, partial(cluster.render, state), token=state))

    def _write_status(self) -> None:
        lit = self._shown.screen is Screen.ON
        state = 2 if lit else 1 if self.platform.life.phase is Phase.SPLASH else 3
        speed = 10 * (self._shown.speed_number or 0) * lit
        self.platform.com.write("CLU_Status", ClusterState=state, DisplayedSpeed=speed)

    def _value(self, message: str, signal: str) -> Any:
        """Raw value of a signal; None if it never came or came too long ago."""
        return self.platform.com.raw(message, signal)

    def _scene(self) -> ClusterState:
        if self.platform.life.phase is Phase.SPLASH:
            return ClusterState(screen=Screen.SPLASH)
        if not self.platform.life.ignition:
            return ClusterState(screen=Screen.OFF)
        speed = self._speed_kmh()
        self._needle_kmh = self._follow(self._needle_kmh, speed or 0.0)
        self._needle_rpm = self._follow(self._needle_rpm, 0.25 * (self._value("ECM_Engine", "EngineSpeed") or 0))
        return ClusterState(
            speed=self._needle_kmh,
            speed_number=self._number(speed),
            rpm=self._needle_rpm,
            gear=self._gear(),
            telltales=frozenset(name for name in _LIT_BY if self._lit(name)),
            odometer=12_345,
            trip=67.8,
        )

    def _speed_kmh(self) -> float | None:
        raw = self._value("ESC_Speed", "VehicleSpeed")
        if raw is None and "speed_kept_on_loss" in self._defects:
            raw = self.platform.com.raw("ESC_Speed", "VehicleSpeed", stale=True)
        if raw is None or raw == _SPEED_SNA:
            return None
        return 0.01 * float(raw) * (0.95 if "speed_reads_low" in self._defects else 1.0)

    @staticmethod
    def _follow(now: float, target: float) -> float:
        """One step of a first-order low pass at the frame rate; arrives when the rest can't be seen."""
        step = (target - now) * (1 - math.exp(-1 / (VSYNC_HZ * _NEEDLE_TAU_S)))
        return target if abs(target - now) < 0.05 else now + step

    def _number(self, speed_kmh: float | None) -> int | None:
        """The digital speed: rounded up, since UN R39 5.3 lets it show more than the true speed, never less."""
        if speed_kmh is None:
            return None
        number = math.ceil(round(speed_kmh, 2))
        if "speed_number_frozen" in self._defects:
            self._frozen_number = number if self._frozen_number is None else self._frozen_number
            return self._frozen_number
        return number

    def _gear(self) -> str | None:
        raw = self._value("TCM_Gear", "Gear")
        return None if raw is None or raw >= len(cluster.GEARS) else cluster.GEARS[raw]

    def _lit(self, telltale: str) -> bool:
        message, signal = _LIT_BY[telltale]
        if telltale == "high_beam" and "high_beam_dark" in self._defects:
            return False
        if not self._value(message, signal):
            return False
        if telltale not in _BLINKING:
            return True
        return self.platform.clock.now_ns * 2 * BLINK_HZ % (2 * NS_PER_S) < NS_PER_S
