"""A small bench of two buses without an ECU, for tests of the calls about signals and the restbus."""

from can_lab import MS, dbc, msg, sig

from hil.bench import config as bench_config
from hil.bench import wiring
from hil.bench.facade import Bench
from hil.bench.plan import plan
from hil.can.frames import ERROR
from hil.journal import Journal, JournalReader

KMH = '[0|300] "km/h"'
PAGES = sig("Page", "0|8@1+", mux="M"), sig("One", "8|8@1+", mux="m1"), sig("Two", "8|8@1+", mux="m2")
BODY = [
    msg("GW_Speed", 0x200, 1, sig("Speed", f"0|8@1+ (2,0) {KMH}", labels={255: "SNA"}, source="ESC_Speed.Speed"),
        sender="GW", cycle=100),
    msg("Paged", 0x212, 2, *PAGES, sender="BCM", cycle=100),
    msg("Doors", 0x210, 2, sig("Left", "0|8@1+"), sig("Right", "8|8@1+"), sender="BCM", send="OnChange"),
    msg("Wheel", 0x211, 1, sig("Wiper", "0|8@1+"), sender="BCM", cycle=100, fast=20, send="IfActive"),
    msg("Answer", 0x300, 1, sig("State", "0|8@1+"), sender="ECU", cycle=100),
]  # fmt: skip
CHASSIS = [
    msg("ESC_Speed", 0x100, 2, sig("Speed", f"0|16@1+ (0.01,0) {KMH}", labels={0: "Standstill", 65535: "SNA"}),
        sender="ESC", cycle=20),
    msg("ESC_Safe", 0x101, 8, sig("Crc", "0|8@1+"), sig("Counter", "8|4@1+"), sig("Yaw", "16|8@1+ (1,-100)"),
        sender="ESC", cycle=20, profile="P01", data_id=0x123),
    msg("TCM_Gear", 0x102, 1, sig("Gear", "0|4@1+", labels={0: "P", 1: "R", 2: "N", 3: "D", 15: "SNA"}),
        sender="TCM", cycle=50),
    msg("ECM", 0x103, 2, sig("Rpm", '0|16@1+ (0.25,0) [0|8000] "rpm"'), sender="ECM", cycle=20),
]  # fmt: skip
PHASE_MS = {"GW_Speed": 0, "Paged": 0.37, "ESC_Speed": 0.74, "ESC_Safe": 1.11, "TCM_Gear": 1.48, "ECM": 1.85}
"""From the start of the restbus, in the order of the bench file."""
SILENT = [msg("Doors", 0x10, 1, sig("Quiet", "0|8@1+"))]
FILE = """[bench]
name = "small"
clock = "virtual"

[bus.body]
port = "sim"
database = "body.dbc"
real_nodes = ["ECU"]

[bus.chassis]
port = "sim"
database = "chassis.dbc"

[bus.silent]
port = "sim"
database = "silent.dbc"
restbus = false
"""


class Small:
    """A bench with a node on each bus that listens, and a journal. Times in ms, from the start of the restbus.

    Args:
        folder: where its files are written.
        more: further buses with their messages.
    """

    def __init__(self, folder, more=None):
        more = more or {}
        (folder / "body.dbc").write_text(dbc(*BODY))
        (folder / "chassis.dbc").write_text(dbc(*CHASSIS))
        (folder / "silent.dbc").write_text(dbc(*SILENT))
        for bus, messages in more.items():
            (folder / f"{bus}.dbc").write_text(dbc(*messages))
        sections = [f'[bus.{bus}]\nport = "sim"\ndatabase = "{bus}.dbc"\nreal_nodes = ["ECU"]\n' for bus in more]
        (folder / "bench.toml").write_text("\n".join([FILE, *sections]))
        self.folder = folder
        self.open = wiring.open_bench(plan(bench_config.load(folder / "bench.toml")), "seed")
        self.wiring = self.open.wiring
        self.bench = Bench(self.wiring, 3600)
        self.journal = Journal(folder / "journal.mcap")
        self.wiring.recorder.begin(self.journal)
        self.heard = []
        self.ears = {bus: self.wiring._copper.wires[bus].port("EAR") for bus in ("body", "chassis", *more)}
        for ear in self.ears.values():
            self.wiring.clock.run(ear.open(self.heard.append, print))
        self.bench.restbus(True)
        self.heard.clear()

    @property
    def now(self):
        return self.bench.now_ns / MS

    def until(self, ms):
        self.bench.sleep(f"{ms - self.now:.6f} ms")

    def frames(self, name, begin=-1.0, end=1e9):
        """(ms at which it was sent, payload): exact for cyclic messages, whose phases are known."""
        message = next(m for m in [*BODY, *CHASSIS] if m.name == name)
        cycle = message.attributes.get("cycle", 0)
        found = [(f.t_ns / MS, f.data) for f in self.heard if f.can_id == message.can_id and not f.flags & ERROR]
        if name in PHASE_MS:
            found = [((t - PHASE_MS[name]) // cycle * cycle + PHASE_MS[name], data) for t, data in found]
        return [(round(t, 2), data) for t, data in found if begin <= t < end]

    def numbers(self, name, begin=-1.0, end=1e9):
        return [(t, int.from_bytes(data, "little")) for t, data in self.frames(name, begin, end)]

    def said(self, kind):
        self.journal.close()
        return [entry.data for entry in JournalReader(self.folder / "journal.mcap") if entry.kind == kind]

    def notes(self):
        return [data["text"] for data in self.said("note")]

    def values_said(self, signal):
        """What the journal says of a signal: label, or number."""
        return [data["label"] or data["value"] for data in self.said("signal") if data["signal"].endswith(signal)]

    def table(self, text, name="drive.csv"):
        (self.folder / name).write_text(text)
        return name

    def close(self):
        self.journal.close()
        return self.open.close()
