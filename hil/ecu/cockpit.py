"""The virtual cockpit ECU: a program that sees only wires (power, CAN, console) and a glass to draw on.

Rules of this module: it knows nothing of checks, readers, the restbus or the bench. What it shows follows from what
arrived on its wires and when. Each power-up is a new life: all timers of the old one die with its power. It is the
platform: power, boot, sleep and wake, the vertical sync, the console. What the ECU does is done by its applications
(`hil.ecu.apps`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any, Final

from hil.can.database import Network
from hil.can.frames import ERROR, SENT, CanFrame
from hil.clock import NS_PER_S, Clock, Timer
from hil.ecu.app import VSYNC_HZ, App, Life, Phase, Platform, PowerMode, Wires
from hil.ecu.apps import make_apps
from hil.ecu.com import Com, Deaf, GivesUp
from hil.ecu.defects import check_names
from hil.ecu.dtc import DtcMemory
from hil.ecu.network import EcuNetwork
from hil.ecu.odometer import told_km
from hil.ecu.power import BROWN_OUT_V, START_V, SupplyMonitor
from hil.ecu.settings import Settings
from hil.ecu.shell import VERSION
from hil.ecu.slots import BOOT_LOADER, BootError, boot_select, factory_flash, restore_factory
from hil.ecu.store import Store
from hil.ecu.variant import EcuVariant
from hil.errors import HilError, UsageError
from hil.seed import seeded

__all__ = ["NODE", "VSYNC_HZ", "CockpitEcu", "Phase", "Wires"]

_SILENCE_NS: Final = 2 * NS_PER_S
NODE: Final = "COCKPIT"
"""Its name in the databases."""
_LATE_DEFECT_NS: Final = 500_000_000
_REBOOT_AFTER_NS: Final = 3 * NS_PER_S
_WATCHDOG_NS: Final = 2 * NS_PER_S
_KEY_HOLD_NS: Final = 2 * NS_PER_S
_HANG_NS: Final = 5 * NS_PER_S
_LOADER_S: Final = 0.05
_SLOW_WAKE_NS: Final = 3 * NS_PER_S
_AFTER_RUN_NS: Final = 5 * NS_PER_S
_BOOT_LOG: Final = (
    (0.05, Phase.BOOT, "bootloader {loader}, slot {slot}, boot reason: {reason}{note}"),
    (0.25, Phase.BOOT, "kernel 6.1.0-cockpit"),
    (0.60, Phase.SPLASH, "display: 1280x480 at 60 Hz"),
    (0.90, Phase.SPLASH, VERSION),
    (1.20, Phase.SPLASH, "can0: 500 kbit/s up"),
    (1.80, Phase.ON, "cockpit: boot complete"),
)
_ON: Final = Phase.ON
_NOT_HEARD: Final = SENT | ERROR
_POWER_MODES: Final = (PowerMode.OFF, PowerMode.ACCESSORY, PowerMode.ON, PowerMode.CRANK)


class CockpitEcu:
    """A cockpit ECU on its wires.

    Args:
        clock: the time that it lives in.
        wires: power, CAN, console, glasses, and what else there is.
        network: the databases that it was built for, by bus.
        rng: its own randomness (processing times).
        defects: names out of the catalogue.
        variant: which cockpit it is.
        store: its persistent memory; a new one if None.

    Raises:
        UsageError: the databases lack a signal that it needs.
    """

    def __init__(
        self,
        clock: Clock,
        wires: Wires,
        network: Network,
        rng: random.Random,
        defects: Iterable[str] = (),
        *,
        variant: EcuVariant | None = None,
        store: Store | None = None,
    ) -> None:
        self._clock, self._wires, self._rng = clock, wires, rng
        self._defects = check_names(defects)
        _check_network(network)
        if wires.flash is None:
            wires.flash = factory_flash(seeded("flash"))
        if "mute_after_open_bus" in self._defects:
            wires.can = {bus: GivesUp(port) for bus, port in wires.can.items()}
        if "deaf_after_error_frames" in self._defects:
            wires.can = {bus: Deaf(port, clock) for bus, port in wires.can.items()}
        self._com = Com(clock, wires.can, network, NODE, rng, self._defects)
        self._power_mode = self._com.signal("BCM_PowerMode", "PowerMode")
        self._network = EcuNetwork(clock, wires.can, network, NODE, self._fall_asleep)
        self._nm_ids = self._network.ids
        if "high_beam_late" in self._defects:
            self._com.slot("BCM_Lights").extra_ns = _LATE_DEFECT_NS
        if "speed_e2e_ignored" in self._defects:
            self._com.slot("ESC_Speed").receiver = None
        self._timers: list[Timer] = []
        self.life = Life()
        self._supply = SupplyMonitor(clock, self.life, self._defects, self._on_supply)
        self.platform = self._make_platform(variant or EcuVariant(), store or Store(clock))
        self._apps = make_apps(self.platform)
        self._raw_ids: dict[tuple[str, int], list[App]] = {}
        for app in self._apps:
            for key in sorted(app.can_ids):
                self._raw_ids.setdefault(key, []).append(app)
        self._special_ids = frozenset(can_id for _, can_id in [*self._nm_ids, *self._raw_ids])
        self._commands = self._make_commands()
        self._running = False
        self._forget()

    def _make_platform(self, variant: EcuVariant, store: Store) -> Platform:
        settings = Settings(store, persistent="settings_not_kept" not in self._defects)
        return Platform(
            clock=self._clock,
            com=self._com,
            rng=self._rng,
            defects=self._defects,
            variant=variant,
            store=store,
            wires=self._wires,
            life=self.life,
            say=self._print,
            later=self._later,
            reboot=self._ask_reboot,
            wipe=self._wipe,
            settings=settings,
            dtcs=DtcMemory(store, self._snapshot, self._defects),
        )

    def _snapshot(self) -> dict[str, Any]:
        """The moment, for a trouble code."""
        return {
            "t_ns": self._clock.now_ns - self.life.born_ns,
            "odometer_km": told_km(self.platform),
            "voltage_V": self._wires.power.voltage_V,
        }

    def _forget(self) -> None:
        """All that a life without power loses."""
        for timer in self._timers:
            timer.cancel()
        self._timers = []
        if self._running:
            self._running = False
            for app in self._apps:
                app.is_hung = False
                app.stop()
        self._enter(Phase.OFF)
        self.life.power_mode = PowerMode.OFF
        self._supply.forget()
        self._hung_ns: int | None = None
        self._off_ns: int | None = None
        self._waking = False
        self.platform.awake.clear()
        self.platform.log.clear()
        self._com.forget()
        self._network.stop()
        self._heard_ns = 0
        self._vsync_phase_ns = 0
        self._line = b""

    def _enter(self, phase: Phase) -> None:
        self.life.phase, self.life.phase_since_ns = phase, self._clock.now_ns

    async def start(self) -> None:
        """Connect to the wires; alive as soon as there is voltage."""
        self._wires.power.load_A = lambda: self._supply.current_A(self._wires.power.voltage_V)
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
        supply, is_off = self._supply, self.life.phase is Phase.OFF
        if is_off:
            supply.least_V = min(supply.least_V, voltage_V)
            if voltage_V >= START_V:
                self._boot("undervoltage" if supply.least_V >= BROWN_OUT_V else "power")
                supply.seen(voltage_V)
        elif voltage_V < supply.reset_V:
            self._forget()
            supply.least_V = voltage_V
            self.life.store_was_torn = bool(self.platform.store.power_cut())
            if "survives_power_off" not in self._defects:
                self._darken()
        else:
            supply.seen(voltage_V)

    def _on_supply(self, what: str) -> None:
        """The supply got too low or too high, or well again."""
        if self.life.phase in (Phase.SPLASH, Phase.ON):
            self._print(f"power: supply {what}, {self._supply.voltage_V:.1f} V")

    def _darken(self) -> None:
        for display in self._wires.displays.values():
            display.go_dark(self._clock.now_ns)

    def _boot(self, reason: str) -> None:
        life = self.life
        reason = "power" if "reset_reason_lost" in self._defects else reason
        life.reset_reason, life.born_ns = reason, self._clock.now_ns
        self._enter(Phase.BOOT)
        self.platform.settings.load()
        self.platform.dtcs.load()
        self._vsync_phase_ns = self._clock.now_ns + self._rng.randrange(NS_PER_S // VSYNC_HZ)
        if not self._load():
            return
        if "reboot_loop" in self._defects:
            self._later(_REBOOT_AFTER_NS, self._panic)

    def _load(self) -> bool:
        """The boot loader: choose a slot, start what is in it; whether there was anything to start."""
        life, slower = self.life, 2.5 if "boots_slowly" in self._defects else 1.0
        try:
            life.boot = boot_select(self._wires.flash, self._defects)
        except BootError as error:  # dead until somebody writes its flash from outside
            life.boot = None
            self._later(
                round(_LOADER_S * NS_PER_S), self._print, f"[{_LOADER_S:9.3f}] bootloader {BOOT_LOADER}: {error}"
            )
            return False
        hangs = life.boot.image.program == "hangs"
        for after_s, phase, line in _BOOT_LOG[:2] if hangs else _BOOT_LOG:
            stamp_s = after_s * slower
            self._later(round(stamp_s * NS_PER_S), self._boot_step, (phase, f"[{stamp_s:9.3f}] {self._filled(line)}"))
        if hangs:
            self._later(_HANG_NS, self._reboot, "watchdog")
        return True

    def _filled(self, line: str) -> str:
        life, boot = self.life, self.life.boot
        slot, note = (boot.slot, f", {boot.note}" if boot.note else "") if boot is not None else ("", "")
        reason, software = life.reset_reason, life.software
        return line.format(loader=BOOT_LOADER, slot=slot, note=note, reason=reason, software=software)

    def _panic(self, _: object) -> None:
        self._print("kernel panic: not syncing: Fatal exception in hmi-service")
        self._reboot("power")

    def _ask_reboot(self, reason: str) -> None:
        """Reboot, but not from under the feet of the application that asks for it."""
        self.platform.store.flush()
        self._later(0, self._reboot, reason)

    def _reboot(self, reason: str) -> None:
        self._forget()
        self._darken()
        self._boot(reason)
        self._supply.seen(self._wires.power.voltage_V)

    def _boot_step(self, step: tuple[Phase, str]) -> None:
        before, (phase, line) = self.life.phase, step
        if phase is not before:
            self._enter(phase)
        self._print(line)
        if before is Phase.BOOT and phase is not Phase.BOOT:
            self._begin()

    def _begin(self) -> None:
        """Userland: communication and applications."""
        self._heard_ns = self._clock.now_ns
        self._running = True
        for app in self._apps:
            app.start()
        self._say_version()
        self._com.start()
        self._network.want(True)
        self._next_vsync()

    def _say_version(self) -> None:
        major, minor, patch = (int(part) for part in self.life.software.split("."))
        numbers = {"VersionSoftwareMajor": major, "VersionSoftwareMinor": minor, "VersionSoftwarePatch": patch}
        self._com.write("CLU_Version", **numbers)

    def _fall_asleep(self) -> None:
        if self.life.phase is not Phase.ON:
            return
        self._enter(Phase.SLEEP)
        self.life.power_mode = PowerMode.OFF
        self._com.stop()
        for app in self._apps:
            app.sleep()
        self._darken()
        self._print("cockpit: suspend, bus silent")

    def _wake(self, _: object = None) -> None:
        self._waking = False
        self.life.reset_reason = "wake"
        self._enter(Phase.ON)
        self._com.forget()
        self._com.start()
        self._network.follow()
        self._print("cockpit: resume, woken by the bus")
        for app in self._apps:
            app.wake()
        self._next_vsync()

    # CAN ----------------------------------------------------------------------------------------------------------

    def _on_frame(self, frame: CanFrame) -> None:
        special = frame[2] in self._special_ids
        if self.life.phase is not _ON or special:
            self._on_any_frame(frame, special)
        elif not frame[4] & _NOT_HEARD:  # as below: awake, nearly every frame passes here
            self._heard_ns = self._clock.now_ns
            self._com.on_frame(frame)

    def _on_any_frame(self, frame: CanFrame, special: bool) -> None:
        phase = self.life.phase
        if phase is Phase.OFF:
            return
        if special and self._is_nm(frame) and phase is not Phase.SLEEP:
            return
        if frame[4] & _NOT_HEARD:
            if special:
                self._hand_out(frame)
            return
        self._heard_ns = self._clock.now_ns
        if phase is Phase.SLEEP and not self._wakes_at_once(frame.bus):
            return
        if phase is not Phase.BOOT:
            self._com.on_frame(frame)
            if special:
                self._hand_out(frame)

    def _hand_out(self, frame: CanFrame) -> None:
        """A frame that an application wants to see raw, or one of its own that is on the wire."""
        if not self._running or frame.flags & ERROR:
            return
        for app in self._raw_ids.get((frame.bus, frame.can_id), ()):
            (app.on_sent if frame.flags & SENT else app.on_frame)(frame)

    def _wakes_at_once(self, bus: str) -> bool:
        if bus == "chassis" and "chassis_bus_wakes_not" in self._defects:
            return False
        if "wakes_slowly" not in self._defects:
            self._wake()
        elif not self._waking:
            self._waking = True
            self._later(_SLOW_WAKE_NS, self._wake)
        return self.life.phase is not Phase.SLEEP

    def _is_nm(self, frame: CanFrame) -> bool:
        return (frame[1], frame[2]) in self._nm_ids and self._network.on_frame(frame)

    # Console ------------------------------------------------------------------------------------------------------

    def _print(self, line: str) -> None:
        self.platform.log.append(line)
        if "console_mute" not in self._defects:
            self._wires.console.write(line.encode() + b"\r\n")

    def _on_console(self, t_ns: int, data: bytes) -> None:
        if self.life.phase in (Phase.OFF, Phase.BOOT):
            return
        *lines, self._line = (self._line + data).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            if line.strip():
                self._command(line.decode(errors="replace").strip())

    def _wipe(self) -> None:
        """Software, settings, trouble codes as they left the plant; then nothing until the next power-up."""
        self._forget()
        restore_factory(self._wires.flash)
        self.platform.store.erase()
        self._darken()

    def _make_commands(self) -> dict[str, Callable[[str], str]]:
        commands: dict[str, Callable[[str], str]] = {}
        for app in self._apps:
            commands |= app.commands()
        return commands

    def _command(self, line: str) -> None:
        word, _, argument = line.partition(" ")
        command = self._commands.get(word)
        for answer in (command(argument.strip()) if command else f"sh: {line}: not found").splitlines():
            self._print(answer)

    # Vertical sync ------------------------------------------------------------------------------------------------

    def _next_vsync(self) -> None:
        """The display runs freely: its phase has nothing to do with what is on the bus."""
        since_ns = self._clock.now_ns - self._vsync_phase_ns
        index = since_ns * VSYNC_HZ // NS_PER_S + 1
        self._later(-(-index * NS_PER_S // VSYNC_HZ) - since_ns, self._vsync)

    def _vsync(self, _: object) -> None:
        life = self.life
        if life.phase in (Phase.OFF, Phase.BOOT, Phase.SLEEP):
            return
        if life.phase is Phase.ON and not self._stays_awake():
            return
        self._com.poll()
        life.power_mode = self._key_position()
        for app in self._apps:
            if app.is_hung:
                self._watchdog()
            else:
                app.tick()
        self._next_vsync()

    def _key_position(self) -> PowerMode:
        """What the body controller says; if it is silent, for two seconds the last it said."""
        reading = self._power_mode
        raw = reading.raw
        if raw is None and reading.slot is not None and self._clock.now_ns - reading.slot.t_ns < _KEY_HOLD_NS:
            raw = reading.stale
        return _POWER_MODES[raw] if raw is not None and raw < len(_POWER_MODES) else PowerMode.OFF

    def _watchdog(self) -> None:
        """An application hangs: it is given two seconds, then the ECU restarts."""
        now_ns = self._clock.now_ns
        if self._hung_ns is None:
            self._hung_ns = now_ns
        elif now_ns - self._hung_ns >= _WATCHDOG_NS and "watchdog_dead" not in self._defects:
            self.life.store_was_torn = bool(self.platform.store.power_cut())
            self._later(0, self._reboot, "watchdog")

    def _has_waited(self) -> bool:
        """Whether the ignition has been off for a while."""
        now_ns, life = self._clock.now_ns, self.life
        if life.ignition or self._off_ns is None:
            self._off_ns = now_ns
        return now_ns - self._off_ns > _AFTER_RUN_NS

    def _stays_awake(self) -> bool:
        """Let the buses go when the ignition is off; whether the ECU is still awake after that."""
        wanted = self.life.ignition or any(self.platform.awake.values()) or "never_sleeps" in self._defects
        if self._network.is_managed:
            self._network.want(wanted)
            (self._com.start if self._network.is_in_use else self._com.stop)()
        elif not wanted and self._clock.now_ns - self._heard_ns > _SILENCE_NS:
            self._fall_asleep()
        if not wanted and "sleeps_by_itself" in self._defects and self._has_waited():
            self._fall_asleep()
        return self.life.phase is Phase.ON


_NEEDED: Final = (
    ("BCM_PowerMode", "PowerMode"),
    ("ESC_Speed", "VehicleSpeed"),
    ("ECM_Engine", "EngineSpeed"),
    ("TCM_Gear", "Gear"),
    ("BCM_Lights", "HighBeam"),
    ("CLU_Status", "ClusterState"),
)


def _check_network(network: Network) -> None:
    for message, signal in _NEEDED:
        found = [known for _, known in network.messages() if known.name == message]
        if not any(known.name == signal for message_ in found for known in message_.signals):
            what = f"the virtual ECU needs {message}.{signal}, which is in none of its databases"
            raise UsageError(what, remedy="give it the buses and databases of dbc/.")
