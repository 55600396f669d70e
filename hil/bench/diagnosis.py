"""The ECUs of a bench that can be asked by diagnosis: from `[diag.NAME]` and the databases to clients on their buses.

Rules of this module: what the bench file doesn't say is taken from the databases' messages of diagnosis: the answer is
sent by a node that is really there, the request goes to it alone, the functional request to it among others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cantools.database.can import Message

from hil.bench.config import BenchConfig
from hil.bench.config_diag import DiagSection, Fact
from hil.bench.recorder import Recorder
from hil.bench.traffic import Traffic
from hil.can.database import Network
from hil.can.port import CanPort
from hil.clock import Clock
from hil.diag.client import Late, Timing, UdsClient
from hil.diag.isotp import Options
from hil.diag.link import Address
from hil.diag.security import key_function
from hil.diag.words import STANDARD, Identifier, describe, find_identifier
from hil.errors import UsageError

PREPARATIONS: Final = {"default session": (b"\x10\x01",), "clear DTCs": (b"\x14\xff\xff\xff",)}
"""Steps of the reset recipe that are done by diagnosis: what is asked."""


class DiagEcu:
    """One ECU that can be asked.

    Args:
        name: its name in the bench file.
        bus: where it is asked.
        section: what the bench file says of it.
        client: the way to it.
        identifiers: what is read by identifier.
    """

    def __init__(
        self, name: str, bus: str, section: DiagSection, client: UdsClient, identifiers: dict[int, Identifier]
    ) -> None:
        self.name, self.bus, self.section, self.client, self.identifiers = name, bus, section, client, identifiers
        self.keep_alive: object | None = None
        self.late: tuple[Late, ...] = ()

    def begin(self) -> None:
        """A case begins: nothing of the one before goes on."""
        self.client.reset()
        self.keep_alive, self.late = None, ()

    async def prepare(self, step: str) -> str:
        """A step of the reset recipe; returns what went wrong, empty if nothing did."""
        for request in PREPARATIONS[step]:
            answer = await self.client.ask(request)
            if not answer.is_positive:
                return f"{self.name}: {describe(request)}: {answer}"
        return ""

    async def facts(self, wanted: Mapping[Fact, str]) -> dict[str, str]:
        """Facts about it that are read by identifier; one that it doesn't tell is left out."""
        found: dict[str, str] = {}
        for fact, text in wanted.items():
            identifier = find_identifier(text, self.identifiers)
            did = identifier.did.to_bytes(2, "big")
            answer = await self.client.ask(b"\x22" + did)
            if answer.response[:3] == b"\x62" + did:
                found[fact] = identifier.show(answer.response[3:])
        return found


def check(config: BenchConfig, network: Network) -> None:
    """Whether all that the sections name is there.

    Raises:
        UsageError: a bus, an identifier or a key function is missing.
    """
    for name, section in config.diag.items():
        if section.bus and section.bus not in config.bus:
            mend = f"there is: {', '.join(config.bus)}."
            raise UsageError(f"diag.{name}.bus: no bus '{section.bus}'", where=str(config.path), remedy=mend)
        address_of(config, network, name)
        if section.security:
            key_function(section.security, f"{config.path}: diag.{name}.security")
    _check_users(config)


def _check_users(config: BenchConfig) -> None:
    """What else of the bench file needs diagnosis."""
    where = str(config.path)
    steps = [step for step in config.reset.steps if step in PREPARATIONS]
    wanted = config.dut.identifiers
    user = f"reset.steps: '{steps[0]}'" if steps else "dut.identifiers" if wanted else ""
    if user and not config.diag:
        raise UsageError(f"{user} needs diagnosis", where=where, remedy="add [diag.NAME].")
    if wanted and dut_ecu(config) is None:
        mend = f"give dut.diag: {', '.join(config.diag)}."
        raise UsageError(f"dut.diag: '{config.dut.diag}' is no section [diag.NAME]", where=where, remedy=mend)
    for text in wanted.values():
        name = dut_ecu(config)
        assert name is not None
        find_identifier(text, STANDARD | config.diag[name].rows())


def dut_ecu(config: BenchConfig) -> str | None:
    """The `[diag.NAME]` that facts about the device under test are read from."""
    name = config.dut.diag or (next(iter(config.diag)) if len(config.diag) == 1 else "")
    return name if name in config.diag else None


def make(
    config: BenchConfig,
    network: Network,
    clock: Clock,
    ports: Mapping[str, CanPort],
    traffic: Traffic,
    recorder: Recorder,
) -> dict[str, DiagEcu]:
    """The ECUs of a bench file, listening."""
    made = {}
    for name, section in config.diag.items():
        bus, address, functional = address_of(config, network, name)
        client = UdsClient(
            clock, ports[bus], address, functional_id=functional,
            options=Options(frame_bytes=section.frame_bytes, padding=section.padding, most_bytes=1 << 20),
            timing=Timing(round(section.p2 * 1e9), round(section.p2_star * 1e9), round(section.margin * 1e9)),
            note=lambda fields, name=name: recorder.record("diag", fields, name=name),  # type: ignore[misc]
        )  # fmt: skip
        for can_id in client.ids:
            traffic.listen(bus, can_id, client.on_frame)
        made[name] = DiagEcu(name, bus, section, client, STANDARD | section.rows())
    return made


def address_of(config: BenchConfig, network: Network, name: str) -> tuple[str, Address, int | None]:
    """Bus, identifiers, and the functional identifier of a section.

    Raises:
        UsageError: the bench file doesn't say it, nor do the databases.
    """
    section = config.diag[name]
    bus = section.bus
    if not bus:
        candidates = [bus for bus in config.bus if _answers(config, network, bus)]
        if len(candidates) != 1:
            what = f"diag.{name}.bus: is needed" if candidates else f"diag.{name}: no database says where it answers"
            raise UsageError(what, where=str(config.path), remedy="name the bus, and request and response.")
        bus = candidates[0]
    request, response, functional = _of_database(config, network, bus)
    request, response = section.request or request, section.response or response
    if request is None or response is None:
        what = f"diag.{name}: the database of bus '{bus}' doesn't say with which identifiers"
        raise UsageError(what, where=str(config.path), remedy="give request and response.")
    address = Address(request, response, section.extended, section.frame_bytes > 8 or section.fd, section.fd)
    return bus, address, section.functional or functional


def _answers(config: BenchConfig, network: Network, bus: str) -> list[Message]:
    real = config.bus[bus].real_nodes
    return [
        message
        for message in network.databases[bus].messages
        if network.traits(bus, message).is_diag and any(node in real for node in message.senders)
    ]


def _of_database(config: BenchConfig, network: Network, bus: str) -> tuple[int | None, int | None, int | None]:
    """Request, response and functional identifier, as far as the database has exactly one of each."""
    answers = _answers(config, network, bus)
    if len(answers) != 1:
        return None, None, None
    node = answers[0].senders[0]
    asked = [
        message
        for message in network.databases[bus].messages
        if network.traits(bus, message).is_diag and node in message.receivers and message is not answers[0]
    ]
    own = [message.frame_id for message in asked if len(message.receivers) == 1]
    to_all = [message.frame_id for message in asked if len(message.receivers) > 1]
    return own[0] if len(own) == 1 else None, answers[0].frame_id, to_all[0] if len(to_all) == 1 else None
