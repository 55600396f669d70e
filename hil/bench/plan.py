"""From a bench file to a plan: all that can be wrong with it is found here, before any port is touched.

Rules of this module: it reads files and opens nothing. Of the virtual ECU it knows the names of its defects.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cantools.database.can import Database
from pydantic import ValidationError

from hil.bench import can_ports, diagnosis, ports
from hil.bench.config import BenchConfig
from hil.bench.databases import attribute_names, bus_database
from hil.bench.ports import PortFactory
from hil.bench.sections import explain, fields_at, lines_named
from hil.bench.variant import attached
from hil.can import database
from hil.can.database import Network
from hil.can.tolerated import Tolerated
from hil.ecu.defects import check_names
from hil.errors import UsageError
from hil.hmi import layout_file
from hil.hmi.layout import Layout
from hil.nearest import did_you_mean


@dataclass(slots=True)
class Plan:
    """A checked bench file with everything that it names read: all that can be wrong without touching a port."""

    config: BenchConfig
    network: Network
    layouts: dict[str, Layout]
    files: dict[str, bytes]
    defects: list[str] = field(default_factory=list)
    tolerated: dict[str, list[Tolerated]] = field(default_factory=dict)

    @property
    def resources(self) -> list[str]:
        """Physical resources that this bench needs for itself; those of its own processes are its own anyway."""
        found: list[str] = []
        for where, kind, name, options in _port_sections(self.config):
            if not any("{" in value for value in options.values() if isinstance(value, str)):
                factory = ports.find(kind, name, where)
                found += factory.resources(check_options(factory, options, where))
        return found


@lines_named()
def plan(config: BenchConfig, defects: Iterable[str] = ()) -> Plan:
    """Read databases and layouts of a bench and check all of its sections, without opening anything.

    Raises:
        UsageError: something in the bench file, a database or a layout is wrong.
    """
    databases, tolerated, found_layouts, files = {}, {}, {}, {}
    for name, bus in config.bus.items():
        path = config.locate(bus.database)
        loaded = bus_database(config, name)
        databases[name], tolerated[name] = loaded.database, loaded.tolerated
        files[path.name] = path.read_bytes()
    files |= _variant_files(config)
    for name, screen in config.screen.items():
        path = config.locate(screen.layout)
        found_layouts[name] = layout_file.load(path, screen.overlays)
        files |= _layout_files(path, found_layouts[name])
    network = _network(config, databases)
    _start_as(config, network)
    _check_nodes(config, databases)
    _check_signals(config, network)
    diagnosis.check(config, network)
    made = Plan(config, network, found_layouts, files, _defects(config, defects), tolerated)
    _check_ports(made)
    can_ports.check(config)
    return made


def _variant_files(config: BenchConfig) -> dict[str, bytes]:
    variant = config.variant
    if variant is None:
        return {}
    paths = [variant.path, *(path for bus in variant.overlays for path in variant.overlays_of(bus))]
    return {attached(path): path.read_bytes() for path in paths}


def _start_as(config: BenchConfig, network: Network) -> None:
    """Let signals start as the variant says."""
    if config.variant is None:
        return
    for signal, value in config.variant.start_values.items():
        try:
            ref = network.resolve(signal)
            network.start_as(ref, database.to_value(ref, value).raw)
        except UsageError as error:
            where = f"{config.variant.path}: start_values"
            raise UsageError(error.what, where=where, remedy=error.remedy) from None


def _network(config: BenchConfig, databases: Mapping[str, Database]) -> Network:
    names = {}
    for bus, section in config.bus.items():
        with _of_key(config, f"bus.{bus}.attributes"):
            names[bus] = attribute_names(section)
    network = Network(databases, names)
    for bus, message in network.messages():
        with _of_key(config, f"bus.{bus}.database ({config.bus[bus].database.name})"):
            network.traits(bus, message)
    return network


def _layout_files(path: Path, layout: Layout) -> dict[str, bytes]:
    return {name: (path.parent / name).read_bytes() for name in [path.name, *layout.references]}


def _check_nodes(config: BenchConfig, databases: Mapping[str, Database]) -> None:
    """A node that is really there must be one of the database: misspelt, the restbus would play the ECU too."""
    for bus, section in config.bus.items():
        known = [node.name for node in databases[bus].nodes]
        for node in section.real_nodes:
            if node not in known:
                mend = did_you_mean(node, known, f"it has {', '.join(known) or 'none'}.")
                where = f"{config.path}: bus.{bus}.real_nodes"
                raise UsageError(f"no node '{node}' in {section.database.name}", where=where, remedy=mend)


@contextlib.contextmanager
def _of_key(config: BenchConfig, key: str) -> Iterator[None]:
    """What is wrong in here is wrong with this key of the bench file."""
    try:
        yield
    except UsageError as error:
        raise UsageError(error.what, where=f"{config.path}: {key}", remedy=error.remedy) from None


def _check_signals(config: BenchConfig, network: Network) -> None:
    """The signals and values that the bench itself uses."""
    ignition, probe = config.ignition, config.reset.probe
    if ignition is not None and ignition.signal:
        _check_values(config, network, "ignition", ignition.signal, {"on": ignition.on, "off": ignition.off})
    if probe is not None and probe.signal:
        _check_values(config, network, "reset.probe", probe.signal, {"value": probe.value})


def _check_values(config: BenchConfig, network: Network, section: str, signal: str, values: dict[str, str]) -> None:
    with _of_key(config, f"{section}.signal"):
        ref = network.resolve(signal)
    for key, value in values.items():
        with _of_key(config, f"{section}.{key}"):
            database.to_value(ref, value)


def with_defects(made: Plan, defects: Iterable[str]) -> Plan:
    """The plan of the same bench with these defects beside those of the bench file.

    Raises:
        UsageError: there is no such defect, or the ECU can't be given any.
    """
    return replace(made, defects=_defects(made.config, defects))


def _defects(config: BenchConfig, more: Iterable[str]) -> list[str]:
    """The defects of the bench file and those given beside it."""
    in_file = {f"ecu.{name}.defects": ecu.defects for name, ecu in config.ecu.items() if ecu.defects}
    names = {*more, *(name for defects in in_file.values() for name in defects)}
    commands = [process.command for process in config.process.values() if "{defects}" in process.command]
    ours = any(ecu.kind == "virtual" for ecu in config.ecu.values())
    ours = ours or any("hil.cli.main" in command for command in commands)
    if names and not ours and not commands:
        what = f"the ECU of this bench can't be given the defect {min(names)}"
        raise UsageError(what, where=str(config.path), remedy="use a bench with a virtual ECU.")
    for key, defects in in_file.items() if ours else ():
        with _of_key(config, key):
            check_names(defects)
    return sorted(check_names(names) if ours else names)


def _port_sections(config: BenchConfig) -> list[tuple[str, str, str, dict[str, Any]]]:
    where = str(config.path)
    sections = [(f"{where}: bus.{name}", "can", bus.port, bus.options) for name, bus in config.bus.items()]
    sections += [(f"{where}: screen.{name}", "screen", s.source, s.options) for name, s in config.screen.items()]
    sections += [(f"{where}: console.{name}", "console", c.port, c.options) for name, c in config.console.items()]
    sections += [(f"{where}: supply.{name}", "supply", s.port, s.options) for name, s in config.supply.items()]
    for kind in ("touch", "keys", "audio", "mqtt", "update", "storage", "relay"):
        named: dict[str, Any] = getattr(config, kind)
        sections += [(f"{where}: {kind}.{name}", kind, s.port, s.options) for name, s in named.items()]
    return sections


def _check_ports(made: Plan) -> None:
    config = made.config
    for where, kind, name, options in _port_sections(config):
        factory = ports.find(kind, name, where)
        if factory.real and config.is_virtual:
            raise UsageError(
                f"'{name}' drives something real, which can't follow a virtual clock",
                where=where,
                remedy='set [bench] clock = "real", or use a simulated port.',
            )
        check_options(factory, options, where)
    for name, ecu in config.ecu.items():
        if ecu.kind == "virtual" and not config.is_virtual:
            raise UsageError(
                "a virtual ECU in the bench's own process needs the virtual clock",
                where=f"{config.path}: ecu.{name}",
                remedy="start it as a process of its own: [process.ecu] with 'hil ecu serve'.",
            )
    if config.process and config.is_virtual:
        mend = 'set [bench] clock = "real", or leave the section out.'
        raise UsageError("a process can't follow a virtual clock", where=f"{config.path}: process", remedy=mend)


def check_options(factory: PortFactory, options: dict[str, Any], where: str) -> Any:
    """The options of a port, checked: an `Options` of its factory.

    Raises:
        UsageError: one is unknown, missing or wrong; `where` is the file and the section.
    """
    try:
        return factory.Options.model_validate(options)
    except ValidationError as error:
        file, _, section = where.rpartition(": ")
        beside = fields_at(BenchConfig, section.split(".")[:1])
        raise explain(error, file, factory.Options, section, beside) from None
