"""`hil ecu serve`: the virtual cockpit ECU as a process of its own, on wires that any bench can reach.

CAN over any python-can interface, console on a pty, screens, loudspeaker and flash over HTTP, touch and keys as lines
over TCP, power from a simulated supply that speaks SCPI over TCP. Where they are is announced in one line of JSON on
standard output. Broker and artefact server are somewhere else, and it is told where. SIGTERM or Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cantools.database.can import Database
from rich.markup import escape
from rich.table import Table

from hil.bench import variant as variants
from hil.bench.databases import overlaid, read_database
from hil.bench.variant import Variant
from hil.can import socketcan
from hil.can.database import Network
from hil.can.link import LinkSettings
from hil.can.link_care import LinkCare
from hil.can.port import CanPort
from hil.can.pythoncan import PythonCanPort
from hil.cli.tables import print_table
from hil.cli.until import wait_for_end
from hil.clock import RealClock
from hil.cloud.http_artefacts import HttpArtefacts
from hil.cloud.mqtt_aio import AioMqtt, BrokerAddress
from hil.ecu import centre_art, centre_state, cluster
from hil.ecu.cockpit import VSYNC_HZ, CockpitEcu, Wires
from hil.ecu.defects import CATALOGUE, check_names
from hil.ecu.http_face import HttpFace
from hil.ecu.input_face import InputFace
from hil.ecu.pty_face import PtyFace
from hil.ecu.scpi_face import ScpiFace
from hil.ecu.slots import factory_flash, parts_of
from hil.ecu.uplink import SERIAL
from hil.ecu.variant import EcuVariant
from hil.errors import UsageError
from hil.hmi.audio import Speaker
from hil.hmi.frames import Display
from hil.hmi.touch import KeyPad, TouchPanel
from hil.seed import seeded
from hil.serial.line import PowerLine

_BROKER = re.compile(r"mqtt://([^/:@\s]+)(?::(\d{1,5}))?/?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    what = parser.add_subparsers(dest="what", required=True, metavar="serve|defects")
    serve = what.add_parser("serve", help="run it until SIGTERM")
    serve.add_argument(
        "--bus",
        action="append",
        required=True,
        nargs="+",
        metavar=("NAME", "KEY=VALUE"),
        help="a bus that it sits on: database=FILE interface=NAME channel=NAME, and options of python-can's interface",
    )
    serve.add_argument("--defect", action="append", default=[], metavar="NAME", help="switch a defect on")
    serve.add_argument("--variant", type=Path, metavar="FILE", help="variant file: what it is fitted with")
    serve.add_argument("--mqtt", default="", metavar="URL", help="broker that it connects to: mqtt://127.0.0.1:1883")
    serve.add_argument(
        "--artefacts", default="", metavar="URL", help="where it fetches updates: http://127.0.0.1:8080/"
    )
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
        print_table(defects_table())
        return 0
    process = make(arguments)
    try:
        process.clock.run(process.open())
        print(json.dumps(process.announcement()), flush=True)
        wait_for_end(until_eof=arguments.until_eof)
    finally:
        process.clock.run(process.close())
        process.clock.close()
    return 0


def defects_table() -> Table:
    """The catalogue: what each defect is called, the requirement that it breaks, and what it stands for."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column()
    for defect in CATALOGUE.values():
        table.add_row(*map(escape, (defect.name, defect.requirement, defect.story)))
    return table


@dataclass(slots=True)
class EcuProcess:
    """The ECU and the outer ends of its wires."""

    clock: RealClock
    ecu: CockpitEcu
    can: dict[str, CanPort]
    console: PtyFace
    screen: HttpFace
    supply: ScpiFace
    hand: InputFace
    cloud: list[AioMqtt | HttpArtefacts]

    async def open(self) -> None:
        """Open the outer ends, then let the ECU live."""
        for face in (self.screen, self.supply, self.hand):
            await face.open()
        await self.ecu.start()

    def announcement(self) -> dict[str, str]:
        """Where a bench finds the wires."""
        return {
            "console": self.console.path,
            "http": f"http://127.0.0.1:{self.screen.port}",
            "supply": f"socket://127.0.0.1:{self.supply.port}",
            "input": f"socket://127.0.0.1:{self.hand.port}",
        }

    async def close(self) -> None:
        """Let all go."""
        for face in (self.hand, self.screen, self.supply, self.console):
            await face.close()
        for port in (*self.cloud, *self.can.values()):
            await port.close()


def make(arguments: argparse.Namespace) -> EcuProcess:
    """The ECU on its wires, not yet open.

    Raises:
        UsageError: an argument is wrong.
    """
    buses = {words[0]: dict(_option(text) for text in words[1:]) for words in arguments.bus}
    variant = variants.load(arguments.variant) if arguments.variant is not None else None
    network = Network({name: _database(name, options, variant) for name, options in buses.items()})
    defects = check_names(arguments.defect)
    clock = RealClock()
    can_ports = {name: _port(clock, name, options) for name, options in buses.items()}
    sizes = {"cluster": cluster.SIZE, "centre": centre_state.SIZE}
    displays = {name: Display(name, size, 1_000_000_000 // VSYNC_HZ) for name, size in sizes.items()}
    cluster.warm_up(_ecu_variant(variant).brand)
    centre_art.warm_up(_ecu_variant(variant).brand)
    line, console = PowerLine(), PtyFace(clock=clock, name="console")
    mqtt = _mqtt(clock, arguments.mqtt) if arguments.mqtt else None
    artefacts = HttpArtefacts(clock=clock, url=arguments.artefacts, name="--artefacts") if arguments.artefacts else None
    wires = Wires(
        power=line, can=can_ports, console=console, displays=displays, flash=factory_flash(seeded("flash")),
        touch=TouchPanel("centre", centre_state.SIZE), keys=KeyPad(), speaker=Speaker("cabin"),
        mqtt=mqtt, artefacts=artefacts,
    )  # fmt: skip
    rng: random.Random = seeded(arguments.seed)
    return EcuProcess(
        clock=clock,
        ecu=CockpitEcu(clock, wires, network, rng, defects, variant=_ecu_variant(variant)),
        can=can_ports,
        console=console,
        screen=HttpFace(clock=clock, displays=displays.values(), speakers=[wires.speaker], flash=parts_of(wires.flash)),
        supply=ScpiFace(clock=clock, line=line),
        hand=InputFace(clock=clock, panel=wires.touch, pad=wires.keys),
        cloud=[port for port in (mqtt, artefacts) if port is not None],
    )


def _ecu_variant(variant: Variant | None) -> EcuVariant:
    if variant is None:
        return EcuVariant()
    return EcuVariant(variant.name, variant.brand or variant.name, variant.fitted)


def _database(name: str, options: dict[str, Any], variant: Variant | None) -> Database:
    path = Path(str(_take(name, options, "database")))
    return overlaid(read_database(path), variant.overlays_of(name) if variant is not None else []).database


def _port(clock: RealClock, name: str, options: dict[str, Any]) -> CanPort:
    interface, channel = (str(_take(name, options, key)) for key in ("interface", "channel"))
    if socketcan.takes(interface, options):
        rate = options.get("bitrate")
        care = LinkCare(channel, LinkSettings(rate), sets_up=True) if isinstance(rate, int) else None
        return socketcan.SocketCanPort(clock=clock, bus=name, channel=channel, fd=bool(options.get("fd")), care=care)
    return PythonCanPort(clock=clock, bus=name, interface=interface, channel=channel, options=options)


def _mqtt(clock: RealClock, url: str) -> AioMqtt:
    where = _BROKER.fullmatch(url)
    if where is None:
        raise UsageError(f"'{url}' is no URL of a broker", where="--mqtt", remedy="write mqtt://127.0.0.1:1883.")
    return AioMqtt(clock=clock, name=SERIAL, address=BrokerAddress(where[1], int(where[2] or 1883)))


def _take(name: str, options: dict[str, Any], key: str) -> Any:
    if key not in options:
        raise UsageError(f"{key}=... is missing", where=f"--bus {name}", remedy="see 'hil ecu serve --help'.")
    return options.pop(key)


def _option(text: str) -> tuple[str, Any]:
    key, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"'{text}' is no KEY=VALUE", where="--bus")
    if value in ("true", "false"):
        return key, value == "true"
    return key, int(value) if value.lstrip("-").isdigit() else value
