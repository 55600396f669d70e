"""From a stimulus to the verdict on SocketCAN: the bench beside a bare socket and python-can's Notifier.

python benchmarks/stimulus.py [--channel vcan0] [--count 300]
python tools/vcan_suite.py --bench stimulus     where this machine has no vcan: in the guest

An echo in a process of its own answers each request with the same payload under another identifier. Turn by turn:

- *bare*: a request is sent over a raw socket, the answer is read from it. Nothing is decoded.
- *python-can*: a request is sent, the answer comes through `Notifier` and `BufferedReader`, and cantools decodes it.
- *hil, one call*: the restbus sends a signal on change; the answer is stamped, recorded in a journal, decoded and
  compared; one way from the thread of a case into the bench's loop and back.
- *hil, from a case*: as a suite writes it, `set_signal` and `signal_should_be`: two ways into the loop and back.

The bench is a whole one, made from a bench file: restbus, inbox, monitors, journal. `--stages` says where one call
spends its time.
"""

from __future__ import annotations

import argparse
import gc
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import can
import cantools
from raw_can import quantile, raw_socket, row

from hil.bench import config
from hil.bench.facade import Bench
from hil.bench.plan import plan
from hil.bench.wiring import OpenBench, open_bench
from hil.can import raw_frames
from hil.journal import Journal

REQUEST, ANSWER = 0x102, 0x103
PEER_REQUEST, PEER_ANSWER = 0x104, 0x105
"""Of the bare socket and of python-can; the bench has 0x100 and 0x101. The kernel's filters let each hear only its own:
a thread of another way that woke for them would take the interpreter's lock from the one that is measured."""
MOST_RATIO = 2.5
BARE, PEER, ONE_CALL, CASE = (
    "bare socket",
    "python-can, Notifier and BufferedReader",
    "hil, one call",
    "hil, from a case",
)
DATABASE = """VERSION ""
NS_ :
BS_:
BU_: BENCH ECU
BO_ 256 Request: 8 BENCH
 SG_ Asked : 0|16@1+ (1,0) [0|65535] "" ECU
BO_ 257 Answer: 8 ECU
 SG_ Answered : 0|16@1+ (1,0) [0|65535] "" BENCH
BA_DEF_ BO_ "GenMsgSendType" ENUM "Cyclic","OnWrite","OnChange";
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgSendType" "Cyclic";
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgSendType" BO_ 256 1;
BA_ "GenMsgSendType" BO_ 257 1;
"""
BENCH_FILE = """[bench]
name = "stimulus"
clock = "real"
[bus.body]
port = "python-can"
interface = "socketcan"
channel = "{channel}"
database = "stimulus.dbc"
real_nodes = ["ECU"]
filters = [{{ id = 0x100, mask = 0x7FE }}]
"""


def main() -> None:
    """All four turn by turn, and the ratio; status 1 if it isn't met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channel", default="vcan0", metavar="NAME", help="a SocketCAN interface (default vcan0)")
    parser.add_argument("--count", type=int, default=300, metavar="N", help="of each (default 300)")
    parser.add_argument("--echo", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--stages", action="store_true", help="where one call of the bench spends its time")
    known = parser.parse_args()
    if known.echo:
        echo(known.channel)
    with subprocess.Popen(
        [sys.executable, __file__, "--echo", "--channel", known.channel], stdout=subprocess.PIPE
    ) as other:
        try:
            assert other.stdout is not None
            other.stdout.readline()
            compare(known.channel, known.count, known.stages)
        finally:
            other.terminate()


def echo(channel: str) -> None:
    """Answer each request, for ever."""
    bus = raw_socket(channel)
    mine = b"".join(can_id.to_bytes(4, "little") + b"\xff\x07\0\0" for can_id in (0x100, REQUEST, PEER_REQUEST))
    bus.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FILTER, mine)
    gc.disable()
    print("ready", flush=True)
    while True:
        raw = bus.recv(16)
        bus.send(bytes([raw[0] | 1]) + raw[1:])


def compare(channel: str, count: int, wants_stages: bool) -> None:
    """Take turns, and print."""
    with tempfile.TemporaryDirectory() as folder:
        bench, ways = open_ways(channel, Path(folder))
        took: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(1, count + 11):
            for place, (name, ask) in enumerate(ways.items()):
                begin_ns = time.perf_counter_ns()
                ask((number * len(ways) + place) % 65536)
                if number > 10:
                    took[name].append((time.perf_counter_ns() - begin_ns) / 1000)
        if wants_stages:
            print_stages(bench, ways, count)
        bench.close()
    row("from stimulus to verdict", "p10", "of bare", "p50", "of bare", "p95")
    for name, times in took.items():
        cells = []
        for share in (0.1, 0.5):
            own = quantile(times, share)
            cells += [f"{own:.0f} us", f"{own / quantile(took[BARE], share):.2f}"]
        row(name, *cells, f"{quantile(times, 0.95):.0f} us")
    met = quantile(took[ONE_CALL], 0.5) <= MOST_RATIO * quantile(took[BARE], 0.5)
    raise SystemExit(0 if met else 1)


def open_ways(channel: str, folder: Path) -> tuple[OpenBench, dict[str, Callable[[int], None]]]:
    """A function for each way, that returns when the verdict is there."""
    (folder / "stimulus.dbc").write_text(DATABASE)
    (folder / "bench.toml").write_text(BENCH_FILE.format(channel=channel))
    bench = open_bench(plan(config.load(folder / "bench.toml")), "benchmark")
    bench.wiring.recorder.begin(Journal(folder / "journal.mcap"))
    facade = Bench(bench.wiring, 3600.0)
    facade.call(start(bench))
    return bench, {
        BARE: bare(channel),
        PEER: python_can(channel),
        ONE_CALL: in_one_call(facade),
        CASE: from_a_case(facade),
    }


async def start(bench: OpenBench) -> None:
    """The restbus."""
    bench.wiring.restbus.start()


def bare(channel: str) -> Callable[[int], None]:
    """A raw socket, and nothing else."""
    bus = raw_socket(channel)
    bus.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FILTER, ANSWER.to_bytes(4, "little") + b"\xff\x07\0\0")

    def ask(number: int) -> None:
        bus.send(raw_frames.pack(REQUEST, number.to_bytes(8, "little"), 0))
        while bus.recv(16)[8:10] != number.to_bytes(2, "little"):
            pass

    return ask


def python_can(channel: str) -> Callable[[int], None]:
    """As its documentation shows it."""
    database = cantools.database.load_string(DATABASE)
    mine = [{"can_id": PEER_ANSWER, "can_mask": 0x7FF, "extended": False}]
    bus, reader = can.Bus(interface="socketcan", channel=channel, can_filters=mine), can.BufferedReader()
    can.Notifier(bus, [reader])

    def ask(number: int) -> None:
        while reader.get_message(timeout=0) is not None:
            pass
        bus.send(can.Message(arbitration_id=PEER_REQUEST, data=number.to_bytes(8, "little"), is_extended_id=False))
        while (seen := reader.get_message(timeout=5.0)) is not None:
            if seen.arbitration_id == PEER_ANSWER and database.decode_message(0x101, seen.data)["Answered"] == number:
                return
        raise SystemExit("python-can heard no answer")

    return ask


def print_stages(bench: OpenBench, ways: dict[str, Callable[[int], None]], count: int) -> None:
    """What lies between two marks, of calls whose marks come in the usual order; the other ways take turns too."""
    wiring, marks = bench.wiring, list[tuple[str, int]]()
    port = wiring.buses["body"]
    for owner, name in ((wiring.clock, "run"), (wiring.traffic, "set_all"), (port, "send"), (port, "_take")):
        mark(owner, name, marks)
    for owner, name in ((wiring.inbox, "wait"), (wiring.recorder, "record"), (wiring.recorder.journal, "flush")):
        mark(owner, name, marks)
    calls = list[list[tuple[str, int]]]()
    for number in range(count):
        for place, (name, ask) in enumerate(ways.items()):
            marks.clear()
            ask((number * len(ways) + place) % 65536)
            if name == ONE_CALL:
                calls.append(marks[:])
    shape = Counter(tuple(name for name, _ in call) for call in calls).most_common(1)[0][0]
    usual = [[t_ns for _, t_ns in call] for call in calls if tuple(name for name, _ in call) == shape]
    row(f"a stage, in {len(usual)} of {count} calls", "p50", "p10")
    for (before, after), spans in zip(pairwise(shape), zip(*map(steps, usual), strict=True), strict=True):
        row(f"{before} to {after}", f"{quantile(spans, 0.5):.0f} us", f"{quantile(spans, 0.1):.0f} us")


def steps(times: list[int]) -> list[float]:
    """Between each two, us."""
    return [(after - before) / 1000 for before, after in pairwise(times)]


def mark(owner: Any, name: str, marks: list[tuple[str, int]]) -> None:
    """Note when a method begins and ends."""
    method = getattr(owner, name)

    def marked(*arguments: Any, **options: Any) -> Any:
        marks.append((f"{name} begins", time.perf_counter_ns()))
        try:
            return method(*arguments, **options)
        finally:
            marks.append((f"{name} ends", time.perf_counter_ns()))

    setattr(owner, name, marked)


def in_one_call(facade: Bench) -> Callable[[int], None]:
    """Send a signal and wait for another, in one coroutine."""

    def ask(number: int) -> None:
        facade.call(both(facade, number))

    return ask


async def both(facade: Bench, number: int) -> None:
    """A stimulus and its check."""
    await facade._set_signals({"Asked": number})
    await facade._signal_should_be("Answered", number, "5 s", 0.0)


def from_a_case(facade: Bench) -> Callable[[int], None]:
    """As a suite writes it."""

    def ask(number: int) -> None:
        facade.set_signal("Asked", number)
        facade.signal_should_be("Answered", number, within="5 s")

    return ask


if __name__ == "__main__":
    main()
