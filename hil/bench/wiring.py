"""From a bench file to open ports: the one file (beside `hil ecu` and `hil mutate`) that knows the virtual ECU.

A wiring on a virtual clock serves one test; on a real clock it stays open from test to test.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

from cantools.database.can import Database
from pydantic import ValidationError

from hil.bench import can_ports, diagnosis, ports
from hil.bench.cloud import Cloud
from hil.bench.config import BenchConfig, BusSection
from hil.bench.databases import attribute_names, bus_database
from hil.bench.health import Health
from hil.bench.ports import Copper, PortFactory, Site
from hil.bench.process import BenchProcess, fill, start_all
from hil.bench.recorder import Recorder
from hil.bench.relay_calls import RelayBank
from hil.bench.secrets import Vault
from hil.bench.sections import explain, fields_at
from hil.bench.traffic import Traffic
from hil.bench.variant import attached
from hil.can import database
from hil.can.confinement import StateChange
from hil.can.database import Network
from hil.can.gaps import TellsGaps
from hil.can.port import CanPort
from hil.can.tolerated import Tolerated
from hil.can.wire import SimWire
from hil.clock import Clock, RealClock, VirtualClock
from hil.ecu.cockpit import CockpitEcu, Wires
from hil.ecu.defects import check_names
from hil.ecu.slots import factory_flash, parts_of
from hil.ecu.variant import EcuVariant
from hil.errors import BenchError, HilError, UsageError
from hil.hmi import layout_file, ocr
from hil.hmi.audio import AudioPort
from hil.hmi.frames import FrameSource
from hil.hmi.layout import Layout, Popup, Text
from hil.hmi.touch import KeyPort, TouchPanel, TouchPort
from hil.seed import Dice
from hil.serial import player
from hil.serial.console import Console
from hil.serial.port import BytePort, PowerLimits, PowerPort
from hil.serial.relay import RelayPort

_CLOSE_WITHIN_S: Final = 15.0
_SETTLE_S: Final = 0.03
_ENDS_WITHIN_S: Final = 0.1
"""How long after a port broke the end of a program is taken for the cause."""


class Closable(Protocol):
    """A port, when the bench is given up."""

    async def close(self) -> None:
        """Let it go."""


class Openable(Protocol):
    """A port of the HMI."""

    async def open(self, on_lost: Callable[[HilError], object]) -> None:
        """Reach it."""


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
                found += factory.resources(_check_options(factory, options, where))
        return found


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


def _rates(bus: BusSection) -> dict[str, int | None]:
    return {"bitrate": bus.bitrate, "data_bitrate": bus.data_bitrate}


def _layout_files(path: Path, layout: Layout) -> dict[str, bytes]:
    return {name: (path.parent / name).read_bytes() for name in [path.name, *layout.references]}


def _check_nodes(config: BenchConfig, databases: Mapping[str, Database]) -> None:
    """A node that is really there must be one of the database: misspelt, the restbus would play the ECU too."""
    for bus, section in config.bus.items():
        known = [node.name for node in databases[bus].nodes]
        for node in section.real_nodes:
            if node not in known:
                near = difflib.get_close_matches(node, known, n=1, cutoff=0.4)
                mend = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(known) or 'none'}."
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
        _check_options(factory, options, where)
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


def _check_options(factory: PortFactory, options: dict[str, Any], where: str) -> Any:
    try:
        return factory.Options.model_validate(options)
    except ValidationError as error:
        file, _, section = where.rpartition(": ")
        beside = fields_at(BenchConfig, section.split(".")[:1])
        raise explain(error, file, factory.Options, section, beside) from None


def _ecu_variant(config: BenchConfig) -> EcuVariant:
    """The virtual ECU that is built in: the fully fitted one where the bench names no variant."""
    variant = config.variant
    return EcuVariant() if variant is None else EcuVariant(variant.name, variant.brand or variant.name, variant.fitted)


class Wiring:
    """All ports of a bench, open, with what runs on them.

    Args:
        made: the plan.
        seed: text; all randomness on this bench follows from it.
        announced: what the bench's processes said of their ports.
    """

    def __init__(self, made: Plan, seed: str, announced: dict[str, str] | None = None) -> None:
        self.plan, self.config = made, made.config
        self.clock: Clock = VirtualClock() if self.config.is_virtual else RealClock()
        self.vault = Vault()
        self.recorder = Recorder(self.clock, self.vault)
        self.dice = Dice(seed)
        self.rng = self.dice.generator("bench")
        self._announced = announced or {}
        self.profiles: dict[str, asyncio.Task[player.Played]] = {}
        self._copper = Copper(self.clock, self.dice)
        try:
            self._make()
        except BaseException:
            self.clock.close()
            raise

    def _make(self) -> None:
        config, network = self.config, self.plan.network
        self.buses: dict[str, CanPort] = {
            name: self._port(f"bus.{name}", "can", name, bus.port, bus.options, **_rates(bus))
            for name, bus in config.bus.items()
        }
        self.screens: dict[str, FrameSource] = {
            name: self._port(f"screen.{name}", "screen", name, s.source, s.options, size=self.plan.layouts[name].size)
            for name, s in config.screen.items()
        }
        self.touches: dict[str, TouchPort] = {
            name: self._port(f"touch.{name}", "touch", name, t.port, t.options, size=self.plan.layouts[t.screen].size)
            for name, t in config.touch.items()
        }
        self.keys: dict[str, KeyPort] = {
            name: self._port(f"keys.{name}", "keys", name, k.port, k.options) for name, k in config.keys.items()
        }
        self.ears: dict[str, AudioPort] = {
            name: self._port(f"audio.{name}", "audio", name, a.port, a.options) for name, a in config.audio.items()
        }
        self.consoles = {
            name: self._console(name, self._port(f"console.{name}", "console", name, c.port, c.options))
            for name, c in config.console.items()
        }
        self.supplies: dict[str, PowerPort] = {name: self._supply(name) for name in config.supply}
        on_bus = {bus: [name for name, ecu in config.ecu.items() if bus in ecu.buses] for bus in self._copper.wires}
        boards: dict[str, RelayPort] = {
            name: self._port(f"relay.{name}", "relay", name, r.port, r.options, contacts=r.contacts, ecus=on_bus)
            for name, r in config.relay.items()
        }
        self.relays = RelayBank(config, boards, self.recorder)
        self.cloud = Cloud(self.clock, config, self.recorder, self._port, self._copper)
        self.traffic = Traffic(self.clock, config, network, self.buses, self.recorder)
        self.cloud.on_activation(self.traffic.watch)
        lag_ns = round(config.bench.allowed_lag * 1e9)
        traffic, recorder = self.traffic, self.recorder
        self.health = Health(self.clock, recorder, traffic.restbus, traffic.on_frame, allowed_lag_ns=lag_ns)
        self.diag = diagnosis.make(config, network, self.clock, self.buses, self.traffic, self.recorder)
        self.inbox, self.restbus, self.taps = self.traffic.inbox, self.traffic.restbus, self.traffic.taps
        self.ecus = {name: self._ecu(name) for name, ecu in config.ecu.items() if ecu.kind == "virtual"}
        if config.dut.console:
            self.recorder.watch_facts(config.dut.console, config.dut.patterns())

    def _port(self, where: str, kind: str, name: str, port: str, options: dict[str, Any], **facts: Any) -> Any:
        where = f"{self.config.path}: {where}"
        factory = ports.find(kind, port, where)
        filled = {key: fill(value, self._announced, where) for key, value in options.items()}
        site = Site(
            name=name,
            clock=self.clock,
            copper=self._copper,
            folder=self.config.folder.resolve(),
            vault=self.vault,
            **facts,
        )
        return factory.make(site, _check_options(factory, filled, where))

    def _console(self, name: str, port: BytePort) -> Console:
        return Console(self.clock, port, lambda t_ns, way, text: self.recorder.console(name, t_ns, way, text))

    def _supply(self, name: str) -> PowerPort:
        section = self.config.supply[name]
        limits = PowerLimits(section.max_voltage_V, section.max_current_A)
        port: PowerPort = self._port(
            f"supply.{name}", "supply", name, section.port, section.options, limits=limits, voltage_V=section.voltage_V
        )
        return port

    def _ecu(self, name: str) -> CockpitEcu:
        section, copper = self.config.ecu[name], self._copper
        buses = {bus: self.config.bus[bus] for bus in section.buses}
        wires = Wires(
            power=copper.line(section.supply),
            can={bus: copper.wire(bus, s.bitrate, s.data_bitrate).port(name) for bus, s in buses.items()},
            console=copper.pipe(section.console)[1],
            displays={
                role: copper.display(screen, self.plan.layouts[screen].size) for role, screen in section.screens.items()
            },
            mqtt=copper.broker(section.mqtt).port(name) if section.mqtt else None,
            artefacts=copper.artefacts(section.update) if section.update else None,
            flash=factory_flash(self.dice.generator(f"flash {name}")),
            touch=self._panel(section.touch),
            keys=copper.pad(section.keys) if section.keys else None,
            speaker=copper.speaker(section.audio) if section.audio else None,
        )
        if section.storage:
            copper.chip(section.storage).parts = parts_of(wires.flash)
        network = self.plan.network.only(buses)
        rng, variant = self.dice.generator(f"ecu {name}"), _ecu_variant(self.config)
        return CockpitEcu(self.clock, wires, network, rng, self.plan.defects, variant=variant)

    def _panel(self, touch: str) -> TouchPanel | None:
        if not touch:
            return None
        return self._copper.panel(touch, self.plan.layouts[self.config.touch[touch].screen].size)

    @property
    def wires(self) -> dict[str, SimWire]:
        """The simulated wires: bus -> wire."""
        return self._copper.wires

    def _note_node_state(self, change: StateChange) -> None:
        counters = f"TEC {change.counters.tec}, REC {change.counters.rec}"
        text = f"{change.bus}: {change.node} {change.before.value} -> {change.after.value} ({counters})"
        self.recorder.record("note", {"text": text}, t_ns=change.t_ns)

    async def open(self) -> None:
        """Open all ports and start the virtual ECUs.

        Raises:
            BenchError: a port doesn't open; those that did are closed again by `close`.
        """
        for supply in self.supplies.values():
            await supply.open()
        await self.relays.open(self.recorder.lost)
        for bus in self.buses.values():
            await self._open_bus(bus)
        for console in self.consoles.values():
            await console.open(self.recorder.lost)
        hmi: list[Openable] = [*self.screens.values(), *self.touches.values()]
        for port in [*hmi, *self.keys.values(), *self.ears.values()]:
            await port.open(self.recorder.lost)
        await self.cloud.open()
        for ecu in self.ecus.values():
            await ecu.start()
        for node in (node for wire in self.wires.values() for node in wire.nodes):
            node.on_state(self._note_node_state)
        if not self.config.is_virtual:
            await self._begin_in_real_time()

    async def _begin_in_real_time(self) -> None:
        """What takes its time is done before anything is measured."""
        if any(layout.names(Text) or layout.names(Popup) for layout in self.plan.layouts.values()):
            await asyncio.to_thread(ocr.warm_up)
        self.health.start()

    async def _open_bus(self, bus: CanPort) -> None:
        """On a real clock the bench looks at how late it reads; on a virtual one nothing stands between."""
        if isinstance(bus, TellsGaps):
            bus.on_gap = self.health.on_gap
        self.health.bounds[bus.bus] = lambda: getattr(bus, "bound_ns", None)
        await bus.open(self.traffic.on_frame if self.config.is_virtual else self.health.hear, self.recorder.lost)

    async def _close_ports(self) -> list[HilError]:
        """The supplies first: they are left safe whatever breaks, or takes its time, after them."""
        player.stop(self.profiles)
        self.health.stop()
        errors = [self._quiet()]
        others: list[Closable] = [*self.relays.boards.values(), *self.touches.values(), *self.keys.values()]
        others += [*self.ears.values(), *self.screens.values()]
        others += [*self.consoles.values(), *self.cloud.ports, *self.buses.values()]
        errors += [await self._closed(supply) for supply in self.supplies.values()]
        errors += [await self._closed(port) for port in others]
        return [error for error in errors if error is not None]

    def _quiet(self) -> HilError | None:
        """The bench says no more on its buses; what went wrong, which keeps no supply from being left safe."""
        try:
            self.traffic.close()
        except Exception as error:
            return _trouble(error)
        return None

    async def _closed(self, port: Closable) -> HilError | None:
        """Close a port; what went wrong."""
        try:
            await self._in_time(port.close())
        except Exception as error:  # a lab's own port may raise anything, and the next one must be closed
            return _trouble(error)
        return None

    async def _in_time(self, closing: Coroutine[Any, Any, None]) -> None:
        if self.config.is_virtual:
            await closing
        else:
            await asyncio.wait_for(closing, _CLOSE_WITHIN_S)

    def close(self) -> list[HilError]:
        """Leave every port in its safe state and end the clock. Returns what went wrong on the way."""
        self.clock.is_letting_go = True
        try:
            return self.clock.run(self._close_ports())
        except HilError as error:
            return [error]
        finally:
            self.clock.close()


def _trouble(error: Exception) -> HilError:
    """As a person reads it."""
    return error if isinstance(error, HilError) else BenchError(f"could not be closed: {type(error).__name__}: {error}")


@dataclass(slots=True)
class OpenBench:
    """A wiring with the processes that belong to it."""

    wiring: Wiring
    processes: list[BenchProcess]

    def close(self) -> list[HilError]:
        """Close the ports, then stop the processes."""
        self.wiring.recorder.let_go()
        try:
            return self.wiring.close()
        finally:
            for process in self.processes:
                process.stop()

    def dead_process(self) -> BenchError | None:
        """A process that ended though the bench needs it."""
        for process in self.processes:
            if process.ended:
                mend = "'hil doctor' starts it and says how it is."
                return BenchError(process.ended, where=f"process.{process.name}", remedy=mend)
        return None

    def watch_processes(self) -> None:
        """From here on the end of a process is a bench fault at once, and the cause of ports that break with it."""
        self.wiring.recorder.look_deeper = self._deeper
        for process in self.processes:
            process.watch(lambda: self.wiring.clock.post(self._process_ended))

    def _process_ended(self) -> None:
        dead = self.dead_process()
        if dead is not None:
            self.wiring.recorder.lost(dead)

    def _deeper(self) -> BenchError | None:
        """What may lie behind a port that broke: its far end closes a moment before its program has ended."""
        for process in self.processes:
            process.ends_within(_ENDS_WITHIN_S / len(self.processes))
        return self.dead_process()


def open_bench(made: Plan, seed: str) -> OpenBench:
    """Start the processes of a bench, make its ports, open them and listen for a while.

    Raises:
        BenchError: a process or a port doesn't come up, or somebody else sends what the restbus plays; nothing is left
            open.
    """
    processes, announced = start_all(made.config, made.defects)
    try:
        wiring = Wiring(made, seed, announced)
    except BaseException:
        for process in processes:
            process.stop()
        raise
    bench = OpenBench(wiring, processes)
    try:
        wiring.traffic.watch.breaks_bench = wiring.config.is_virtual
        bench.watch_processes()
        wiring.clock.run(wiring.open())
        wiring.clock.run(_listen_first(wiring))
    except HilError as error:
        cause = wiring.recorder.cause_of(error) if isinstance(error, BenchError) else error
        wiring.vault.hide_error(cause)
        bench.close()
        raise cause from (None if cause is error else error)
    except BaseException:
        bench.close()
        raise
    return bench


async def _listen_first(wiring: Wiring) -> None:
    """Give somebody else who sends what the restbus plays time to be heard before it speaks; the monitors tell.

    What a bench before this one gave a controller may still be on its way when this one is opened.
    """
    if wiring.config.is_virtual:
        return
    watch = wiring.traffic.watch
    await wiring.clock.sleep(_SETTLE_S)
    watch.begin()
    watch.breaks_bench = True
    await wiring.clock.sleep(wiring.config.bench.listen)
