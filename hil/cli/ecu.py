"""`hil ecu serve`: the virtual cockpit ECU as a process of its own, on wires that any bench can reach.

CAN over any python-can interface, console on a pty, screen over HTTP, power from a simulated supply that speaks SCPI
over TCP. Where they are is announced in one line of JSON on standard output; SIGTERM or Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.can import database
from hil.can.pythoncan import PythonCanPort
from hil.clock import RealClock
from hil.ecu import cluster
from hil.ecu.cockpit import VSYNC_HZ, CockpitEcu, Wires
from hil.ecu.defects import CATALOGUE, check_names
from hil.ecu.http_face import HttpFace
from hil.ecu.pty_face import PtyFace
from hil.ecu.scpi_face import ScpiFace
from hil.errors import UsageError
from hil.files import read_text
from hil.hmi.frames import Display
from hil.seed import seeded
from hil.serial.line import PowerLine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    what = parser.add_subparsers(dest="what", required=True, metavar="serve|defects")
    serve = what.add_parser("serve", help="run it until SIGTERM")
    serve.add_argument("--database", type=Path, required=True, help="DBC of the bus that it sits on")
    serve.add_argument("--interface", required=True, help="python-can interface, e.g. socketcan, udp_multicast")
    serve.add_argument("--channel", required=True, help="channel of the interface")
    serve.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="option of the interface")
    serve.add_argument("--defect", action="append", default=[], metavar="NAME", help="switch a defect on")
    serve.add_argument("--seed", default="1", help="seed of its processing times")
    serve.add_argument("--until-eof", action="store_true", help="end when standard input does: with its bench")
    what.add_parser("defects", help="list the defects that it can be given")


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes, or list the defects.

    Raises:
        UsageError: an argument is wrong.
        BenchError: an interface can't be opened.
    """
    if arguments.what == "defects":
        for defect in CATALOGUE.values():
            print(f"{defect.name:<22} {defect.requirement:<12} {defect.story}")
        return 0
    process = make(arguments)
    try:
        process.clock.run(process.open())
        print(json.dumps(process.announcement()), flush=True)
        _wait_for_end(arguments.until_eof)
    finally:
        process.clock.run(process.close())
        process.clock.close()
    return 0


def _end_of_input(ended: threading.Event) -> None:
    sys.stdin.buffer.read()
    ended.set()


def _wait_for_end(until_eof: bool) -> None:
    """Wait for SIGTERM or Ctrl-C, or for the end of standard input, which comes when the bench is gone."""
    ended = threading.Event()
    if until_eof:
        threading.Thread(target=_end_of_input, args=(ended,), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


@dataclass(slots=True)
class EcuProcess:
    """The ECU and the outer ends of its wires."""

    clock: RealClock
    ecu: CockpitEcu
    can: PythonCanPort
    console: PtyFace
    screen: HttpFace
    supply: ScpiFace

    async def open(self) -> None:
        """Open the outer ends, then let the ECU live."""
        await self.screen.open()
        await self.supply.open()
        await self.ecu.start()

    def announcement(self) -> dict[str, str]:
        """Where a bench finds the wires."""
        return {
            "console": self.console.path,
            "http": f"http://127.0.0.1:{self.screen.port}",
            "supply": f"socket://127.0.0.1:{self.supply.port}",
        }

    async def close(self) -> None:
        """Let all go."""
        for face in (self.screen, self.supply, self.console, self.can):
            await face.close()


def make(arguments: argparse.Namespace) -> EcuProcess:
    """The ECU on its wires, not yet open.

    Raises:
        UsageError: an argument is wrong.
    """
    matrix = database.load(read_text(arguments.database), arguments.database.suffix, str(arguments.database))
    defects = check_names(arguments.defect)
    options = dict(_option(text) for text in arguments.option)
    clock = RealClock()
    can_port = PythonCanPort(
        clock=clock, bus="ecu", interface=arguments.interface, channel=arguments.channel, options=options
    )
    display = Display("cluster", cluster.SIZE, 1_000_000_000 // VSYNC_HZ)
    cluster.warm_up()
    line, console = PowerLine(), PtyFace(clock=clock, name="console")
    wires = Wires(power=line, can=can_port, console=console, display=display)
    rng: random.Random = seeded(arguments.seed)
    return EcuProcess(
        clock=clock,
        ecu=CockpitEcu(clock, wires, matrix, rng, defects),
        can=can_port,
        console=console,
        screen=HttpFace(clock=clock, displays=[display]),
        supply=ScpiFace(clock=clock, line=line),
    )


def _option(text: str) -> tuple[str, Any]:
    key, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"'{text}' is no KEY=VALUE", where="--option")
    return key, int(value) if value.lstrip("-").isdigit() else value
