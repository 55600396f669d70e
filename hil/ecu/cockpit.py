"""The virtual cockpit ECU: a program that sees only wires (power, CAN, console) and a glass to draw on.

Rules of this module: it knows nothing of checks, readers, the restbus or the bench. What it shows follows from what
arrived on its wires and when. Each power-up is a new life: all timers of the old one die with its power.

In this slice: power, boot phases, sleep and wake by bus traffic, signal time-outs, needle and number, telltales,
blinking, boot log and a small shell. Diagnosis, updates and the centre screen come with later issues.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final

from hil.can.database import Network
from hil.can.frames import ERROR, SENT, CanFrame
from hil.can.port import CanPort
from hil.clock import NS_PER_S, Clock, Timer
from hil.ecu import cluster
from hil.ecu.cluster import ClusterState, Screen
from hil.ecu.com import Com
from hil.ecu.defects import check_names
from hil.ecu.network import EcuNetwork
from hil.errors import HilError, UsageError
from hil.hmi.frames import Display, Frame
from hil.serial.line import PowerLine
from hil.serial.port import BytePort

VSYNC_HZ: Final = 60
UNDERVOLTAGE_V: Final = 6.0
BLINK_HZ: Final = 1.5
_NEEDLE_TAU_S: Final = 0.08
_SILENCE_NS: Final = 2 * NS_PER_S
NODE: Final = "COCKPIT"
"""Its name in the databases."""
_LATE_DEFECT_NS: Final = 500_000_000
_REBOOT_AFTER_NS: Final = 3 * NS_PER_S


class Phase(StrEnum):
    """Where the ECU is in its life."""

    OFF = "off"
    BOOT = "boot"
    SPLASH = "splash"
    ON = "on"
    SLEEP = "sleep"


_BOOT_LOG: Final = (
    (0.05, Phase.BOOT, "[    0.050] bootloader 2.4.1, slot A, boot reason: power"),
    (0.25, Phase.BOOT, "[    0.250] kernel 6.1.0-cockpit"),
    (0.60, Phase.SPLASH, "[    0.600] display: 1280x480 at 60 Hz"),
    (0.90, Phase.SPLASH, "[    0.900] part 68999001AA serial VC000001 hardware B1 software 1.0.0"),
    (1.20, Phase.SPLASH, "[    1.200] can0: 500 kbit/s up"),
    (1.80, Phase.ON, "[    1.800] cockpit: boot complete"),
)
_CURRENT_A: Final = {Phase.OFF: 0.0, Phase.BOOT: 1.4, Phase.SPLASH: 1.9, Phase.ON: 2.3, Phase.SLEEP: 0.0015}
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
_GEAR_SNA: Final = 15
_SPEED_SNA: Final = 0xFFFF
_POWER_MODE_ON: Final = 2


@dataclass(slots=True)
class Wires:
    """What the ECU is connected to; `can` has a port for each of its buses."""

    power: PowerLine
    can: Mapping[str, CanPort]
    console: BytePort
    display: Display


class CockpitEcu:
    """A cockpit ECU on its wires.

    Args:
        clock: the time that it lives in.
        wires: power, CAN, console, glass.
        network: the databases that it was built for, by bus.
        rng: its own randomness (processing times).
        defects: names out of the catalogue.

    Raises:
        UsageError: the databases lack a signal that it needs.
    """

    def __init__(
        self, clock: Clock, wires: Wires, network: Network, rng: random.Random, defects: Iterable[str] = ()
    ) -> None:
        self._clock, self._wires, self._rng = clock, wires, rng
        self._defects = check_names(defects)
        _check_network(network)
        self._com = Com(clock, wires.can, network, NODE, rng)
        self._network = EcuNetwork(clock, wires.can, network, NODE, self._fall_asleep)
        self._nm_ids = self._network.ids
        if "high_beam_late" in self._defects:
            self._com.slot("BCM_Lights").extra_ns = _LATE_DEFECT_NS
        self._timers: list[Timer] = []
        self._forget()

    def _forget(self) -> None:
        """All that a life without power loses."""
        for timer in self._timers:
            timer.cancel()
        self._timers = []
        self.phase = Phase.OFF
        self._com.forget()
        self._network.stop()
        self._heard_ns = 0
        self._vsync_phase_ns = 0
        self._needle_kmh = self._needle_rpm = 0.0
        self._ignition = False
        self._frozen_number: int | None = None
        self._shown = ClusterState(screen=Screen.OFF)
        self._line = b""

    async def start(self) -> None:
        """Connect to the wires; alive as soon as there is voltage."""
        self._wires.power.load_A = lambda: _CURRENT_A[self.phase]
        for port in self._wires.can.values():
            await port.open(self._on_frame, self._on_lost)
        await self._wires.console.open(self._on_console, self._on_lost)
        self._wires.power.listen(self._on_voltage)
        self._on_voltage(self._wires.power.voltage_V)

    def _on_lost(self, error: HilError) -> None:
        """A wire of the ECU broke: it goes on without it, as a real one would."""

    def _later(self, delay_ns: int, callback: Callable[[Any], object], argument: Any = None) -> None:
        if len(self._timers) > 64:
            now_ns = self._clock.now_ns
            self._timers = [timer for timer in self._timers if timer.t_ns >= now_ns and timer.callback]
        self._timers.append(self._clock.call_in(delay_ns, callback, argument))

    # Power, boot, sleep -------------------------------------------------------------------------------------------

    def _on_voltage(self, voltage_V: float) -> None:
        if voltage_V < UNDERVOLTAGE_V and self.phase is not Phase.OFF:
            self._forget()
            if "survives_power_off" not in self._defects:
                self._wires.display.go_dark(self._clock.now_ns)
        elif voltage_V >= UNDERVOLTAGE_V and self.phase is Phase.OFF:
            self._boot()

    def _boot(self) -> None:
        self.phase = Phase.BOOT
        self._vsync_phase_ns = self._clock.now_ns + self._rng.randrange(NS_PER_S // VSYNC_HZ)
        for after_s, phase, line in _BOOT_LOG:
            self._later(round(after_s * NS_PER_S), self._boot_step, (phase, line))
        if "reboot_loop" in self._defects:
            self._later(_REBOOT_AFTER_NS, self._reboot)

    def _reboot(self, _: object) -> None:
        self._print("kernel panic: not syncing: Fatal exception in hmi-service")
        self._forget()
        self._wires.display.go_dark(self._clock.now_ns)
        self._boot()

    def _boot_step(self, step: tuple[Phase, str]) -> None:
        before, (self.phase, line) = self.phase, step
        self._print(line)
        if before is Phase.BOOT and self.phase is not Phase.BOOT:
            self._heard_ns = self._clock.now_ns
            self._write_status()
            self._com.start()
            self._network.want(True)
            self._next_vsync()

    def _fall_asleep(self) -> None:
        if self.phase is not Phase.ON:
            return
        self.phase = Phase.SLEEP
        self._com.stop()
        self._show(ClusterState(screen=Screen.OFF))
        self._print("cockpit: suspend, bus silent")

    def _wake(self) -> None:
        self.phase = Phase.ON
        self._com.forget()
        self._com.start()
        self._network.follow()
        self._print("cockpit: resume, woken by the bus")
        self._next_vsync()

    # CAN ----------------------------------------------------------------------------------------------------------

    def _on_frame(self, frame: CanFrame) -> None:
        if self.phase is Phase.OFF:
            return
        if (frame[1], frame[2]) in self._nm_ids and self._network.on_frame(frame) and self.phase is not Phase.SLEEP:
            return
        if frame[4] & (SENT | ERROR):
            return
        self._heard_ns = self._clock.now_ns
        if self.phase is Phase.SLEEP:
            self._wake()
        if self.phase is not Phase.BOOT:
            self._com.on_frame(frame)

    def _value(self, message: str, signal: str) -> Any:
        """Raw value of a signal; None if it never came or came too long ago."""
        return self._com.raw(message, signal)

    def _write_status(self) -> None:
        lit = self._shown.screen is Screen.ON
        state = 2 if lit else 1 if self.phase is Phase.SPLASH else 3
        self._com.write("CLU_Status", ClusterState=state, DisplayedSpeed=10 * (self._shown.speed_number or 0) * lit)

    # Console ------------------------------------------------------------------------------------------------------

    def _print(self, line: str) -> None:
        if "console_mute" not in self._defects:
            self._wires.console.write(line.encode() + b"\r\n")

    def _on_console(self, t_ns: int, data: bytes) -> None:
        if self.phase in (Phase.OFF, Phase.BOOT):
            return
        *lines, self._line = (self._line + data).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            if line.strip():
                self._command(line.decode(errors="replace").strip())

    def _command(self, command: str) -> None:
        answers = {
            "help": "commands: help, status, version",
            "status": f"phase {self.phase.value}, ignition {'on' if self._ignition else 'off'}",
            "version": "part 68999001AA serial VC000001 hardware B1 software 1.0.0",
        }
        self._print(answers.get(command, f"sh: {command}: not found"))

    # Screen -------------------------------------------------------------------------------------------------------

    def _next_vsync(self) -> None:
        """The display runs freely: its phase has nothing to do with what is on the bus."""
        since_ns = self._clock.now_ns - self._vsync_phase_ns
        index = since_ns * VSYNC_HZ // NS_PER_S + 1
        self._later(-(-index * NS_PER_S // VSYNC_HZ) - since_ns, self._vsync)

    def _vsync(self, _: object) -> None:
        if self.phase in (Phase.OFF, Phase.BOOT, Phase.SLEEP):
            return
        if self.phase is Phase.ON and not self._stays_awake():
            return
        mode = self._value("BCM_PowerMode", "PowerMode")
        self._ignition = mode is not None and mode >= _POWER_MODE_ON
        self._show(self._scene())
        self._write_status()
        self._next_vsync()

    def _stays_awake(self) -> bool:
        """Let the buses go when the ignition is off; whether the ECU is still awake after that."""
        if self._network.is_managed:
            self._network.want(self._ignition)
            (self._com.start if self._network.is_in_use else self._com.stop)()
        elif not self._ignition and self._clock.now_ns - self._heard_ns > _SILENCE_NS:
            self._fall_asleep()
        return self.phase is Phase.ON

    def _show(self, state: ClusterState) -> None:
        if state == self._shown:
            return
        self._shown = state
        if state.screen is Screen.OFF:
            self._wires.display.go_dark(self._clock.now_ns)
        else:
            self._wires.display.present(Frame(self._clock.now_ns, partial(cluster.render, state), token=state))

    def _scene(self) -> ClusterState:
        if self.phase is Phase.SPLASH:
            return ClusterState(screen=Screen.SPLASH)
        if not self._ignition:
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
            raw = self._com.raw("ESC_Speed", "VehicleSpeed", stale=True)
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
        return self._clock.now_ns * 2 * BLINK_HZ % (2 * NS_PER_S) < NS_PER_S


_NEEDED: Final = (
    ("BCM_PowerMode", "PowerMode"),
    ("ESC_Speed", "VehicleSpeed"),
    ("ECM_Engine", "EngineSpeed"),
    ("TCM_Gear", "Gear"),
    ("CLU_Status", "ClusterState"),
    *_LIT_BY.values(),
)


def _check_network(network: Network) -> None:
    for message, signal in _NEEDED:
        found = [known for _, known in network.messages() if known.name == message]
        if not any(known.name == signal for message_ in found for known in message_.signals):
            what = f"the virtual ECU needs {message}.{signal}, which is in none of its databases"
            raise UsageError(what, remedy="give it the buses and databases of dbc/.")
