"""A small ECU for tests of updater and telematics: the applications on a power line, without screens and buses."""

import random
from types import SimpleNamespace

from hil.clock import VirtualClock
from hil.cloud.artefacts import Shelf, SimArtefacts
from hil.cloud.backend import UpdateBackend
from hil.cloud.mqtt_sim import Broker
from hil.ecu.app import Life, Phase, Platform, PowerMode, Wires
from hil.ecu.slots import BootError, Slots, boot_select, factory_flash
from hil.ecu.store import Store
from hil.ecu.telematics import Telematics
from hil.ecu.updater import Updater
from hil.ecu.uplink import Uplink
from hil.ecu.variant import EcuVariant
from hil.seed import seeded

BOOT_NS = 600_000_000
PARKED = {
    ("ESC_Speed", "VehicleSpeed"): 0, ("TCM_Gear", "Gear"): 0, ("BCM_Battery", "BatteryVoltage"): 12_600,
    ("BCM_PowerMode", "PowerMode"): 2, ("TCU_ECall", "ECallState"): 0, ("BCM_Locks", "CentralLock"): 0,
    ("TCU_DateTime", "Year"): 26, ("TCU_DateTime", "Month"): 6, ("TCU_DateTime", "Day"): 15,
    ("TCU_DateTime", "Hour"): 10, ("TCU_DateTime", "Minute"): 30, ("TCU_DateTime", "Second"): 0,
    ("TCU_DateTime", "TimeSource"): 1,
    ("TCU_Position", "Latitude"): 481371540, ("TCU_Position", "Longitude"): 115761240,
}  # fmt: skip


class PowerCutError(Exception):
    """The supply went in the middle of a flash operation."""


class FakeCom:
    """What the car says, and what the ECU was told to send."""

    def __init__(self):
        self.values, self.sent, self.writes = dict(PARKED), {}, []

    def raw(self, message, signal, *, stale=False):
        return self.values.get((message, signal))

    def written(self, message, signal):
        return self.sent.get((message, signal))

    def write(self, message, **raw):
        self.writes.append((message, raw))
        self.sent |= {(message, signal): value for signal, value in raw.items()}


class MiniEcu:
    """Power, boot loader and the applications of the cloud."""

    def __init__(self, clock, broker, shelf, *, seed="lab", defects=()):
        self.clock, self.com, self.lines, self._timers = clock, FakeCom(), [], []
        self.flash = factory_flash(seeded(f"{seed} flash"))
        self.artefacts = SimArtefacts(clock, shelf, seeded(f"{seed} artefacts"))
        wires = Wires(
            power=SimpleNamespace(voltage_V=13.5), can={}, console=None, displays={},
            mqtt=broker.port("ecu"), artefacts=self.artefacts, flash=self.flash,
        )  # fmt: skip
        self.platform = Platform(
            clock=clock, com=self.com, rng=random.Random(1), defects=frozenset(defects), variant=EcuVariant(),
            store=Store(None), wires=wires, life=Life(), say=self.lines.append, later=self._later,
            reboot=self._ask_reboot, wipe=None, settings=None, dtcs=SimpleNamespace(report=lambda mask: []),
        )  # fmt: skip
        uplink = Uplink(self.platform)
        self.updater, self.telematics = Updater(self.platform, uplink), Telematics(self.platform, uplink)
        self.apps = [uplink, self.telematics, self.updater]
        self.dead, self.running, self.boots = "", False, []

    def _later(self, delay_ns, callback, argument=None):
        self._timers.append(self.clock.call_in(delay_ns, self._guarded, (callback, argument)))

    def _guarded(self, what):
        """A timer of the ECU; a power cut in it ends everything at once."""
        callback, argument = what
        try:
            callback(argument)
        except PowerCutError:
            self.power(False)
            self.clock.call_in(1_000_000_000, lambda _: self.power(True))

    def guard(self, callback):
        return lambda *arguments: self._guarded((lambda _: callback(*arguments), None))

    def _ask_reboot(self, reason):
        self._later(0, lambda _: self._restart(), None)

    def _restart(self):
        self.power(False)
        self.power(True)

    def power(self, on):
        for timer in self._timers:
            timer.cancel()
        self._timers = []
        if self.running:
            for app in self.apps:
                app.stop()
        self.running = False
        self.platform.life.phase, self.platform.life.power_mode = Phase.OFF, PowerMode.OFF
        if on:
            self._later(50_000_000, lambda _: self._load(), None)

    def _load(self):
        try:
            boot = boot_select(self.flash, self.platform.defects)
        except BootError as error:
            self.dead = str(error)
            return
        self.platform.life.boot = boot
        self.boots.append((boot.slot, boot.image.version, boot.trial))
        if boot.image.program == "hangs":
            self._later(5_000_000_000, lambda _: self._restart(), None)
        else:
            self._later(BOOT_NS, lambda _: self._start(), None)

    def _start(self):
        self.running = True
        self.platform.life.phase, self.platform.life.power_mode = Phase.ON, PowerMode.ON
        for app in self.apps:
            app.start()

    @property
    def slots(self):
        return Slots(self.flash)


class Lab:
    """A mini ECU, a broker, a backend, and virtual time."""

    def __init__(self, *, seed="lab", defects=()):
        self.clock = VirtualClock()
        self.broker = Broker(self.clock, "cloud", seeded(f"{seed} broker"))
        self.shelf, self.heard = Shelf(), []
        self.ecu = MiniEcu(self.clock, self.broker, self.shelf, seed=seed, defects=defects)
        self.bench = self.broker.port("bench")
        self.backend = UpdateBackend(self.bench, self.shelf, "VC000001")
        self.bench.subscribe("cockpit/#")
        self.bench.connect(self._on_message, lambda up, why: None)
        self.ecu.power(True)
        self.run(2.0)

    def _on_message(self, message):
        self.heard.append(message)
        self.backend.on_message(message)

    def run(self, seconds):
        self.clock.run(self.clock.sleep(seconds))

    def until(self, condition, seconds=120.0, step=0.25):
        for _ in range(round(seconds / step)):
            if condition():
                return True
            self.run(step)
        return condition()

    def payloads(self, leaf):
        import json

        return [json.loads(m.payload) for m in self.heard if m.topic == f"cockpit/VC000001/{leaf}"]

    def close(self):
        self.clock.close()
