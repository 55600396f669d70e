"""The virtual cockpit ECU on the virtual bench, with its glass, speaker and console at hand: for tests of its logic."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

from hil.bench import config
from hil.bench.facade import Bench
from hil.bench.plan import Plan, plan, with_defects
from hil.bench.reset import Reset, Start
from hil.bench.wiring import open_bench
from hil.ecu.cluster import Screen
from hil.hmi.audio import Speaker
from hil.journal import Journal

ROOT = Path(__file__).parents[1]


@cache
def _plan() -> Plan:
    return plan(config.load(ROOT / "fixtures/benches/virtual.toml"))


class CockpitLab:
    """One ECU. Times in seconds.

    Args:
        folder: where its journal is written.
        defects: those that are switched on.
        start: from where it begins.
    """

    def __init__(self, folder, *defects, start=Start.ON):
        self.open = open_bench(with_defects(_plan(), defects), "lab")
        self.wiring = self.open.wiring
        self.journal = Journal(folder / "journal.mcap")
        self.wiring.recorder.begin(self.journal)
        self.ecu = self.wiring.ecus["cockpit"]
        self.speaker, self.heard = Speaker(), []
        self.speaker.listen(self.heard.append)
        self.ecu.platform.wires.speaker = self.speaker
        self.display = self.ecu.platform.wires.displays["cluster"]
        self.bench = Bench(self.wiring, 3600)
        self.wiring.clock.run(Reset(self.wiring).to(start))

    def close(self):
        self.journal.close()
        self.open.close()

    @property
    def now(self):
        return self.bench.now_ns / 1e9

    def run(self, seconds):
        self.bench.sleep(seconds)

    def set(self, *pairs, then=0.3, **values):
        """Set signals, then let time pass."""
        for name, value in [*pairs, *values.items()]:
            self.bench.set_signal(name, value)
        self.run(then)

    @property
    def shown(self):
        """The state on the glass; None if it is dark or shows the splash."""
        token = self.display.frame.token
        return None if token == "dark" or token.screen is not Screen.ON else token

    @property
    def lit(self):
        return sorted(self.shown.telltales) if self.shown else []

    def said(self, signal):
        """What the ECU says on the bus: label, or number."""
        value = self.bench.signal(signal)
        return value.label or value.physical

    def watch(self, seconds, read, step=0.05):
        """What `read` gives, every `step`."""
        values = []
        for _ in range(round(seconds / step)):
            self.run(step)
            values.append(read())
        return values

    def flips(self, seconds, name, step=0.02):
        """How often a telltale changed."""
        values = self.watch(seconds, lambda: name in self.lit, step)
        return sum(a != b for a, b in pairwise(values))

    def sounds(self, name, since=0.0):
        return [sound for sound in self.heard if sound.name == name and sound.t_ns >= since * 1e9]

    def ask(self, line):
        """Type a line on the console; the lines of the answer."""
        before = list(self.ecu.platform.log)
        self.bench.console().send_line(line)
        self.run(0.02)
        return [said for said in list(self.ecu.platform.log)[len(before) :]]

    def pulse(self, name, seconds=0.2):
        self.set((name, "Pressed"), then=seconds)
        self.set((name, "Released"), then=0.3)

    def ignition_cycle(self, off=1.0, then=4.0):
        self.bench.ignition(False)
        self.run(off)
        self.bench.ignition(True)
        self.run(then)

    @property
    def current_A(self):
        return self.bench.supply().read().current_A

    def voltage(self, volts, then=0.5):
        self.bench.supply().set_voltage(volts)
        self.run(then)

    def power_cycle(self, off=1.0, then=6.0):
        self.bench.power_off()
        self.run(off)
        self.bench.power_on()
        self.run(then)
