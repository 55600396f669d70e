"""From the plan of a bench to open ports: the one file (beside `hil ecu` and `hil mutate`) that knows the virtual ECU.

A wiring on a virtual clock serves one test; on a real clock it stays open from test to test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol

from hil.bench import diagnosis, ports
from hil.bench.cloud import Cloud
from hil.bench.config import BenchConfig, BusSection
from hil.bench.health import Health
from hil.bench.plan import Plan, check_options
from hil.bench.ports import Copper, Site
from hil.bench.process import BenchProcess, fill, start_all
from hil.bench.recorder import Recorder
from hil.bench.relay_calls import RelayBank
from hil.bench.secrets import Vault
from hil.bench.traffic import Traffic
from hil.can.confinement import StateChange
from hil.can.gaps import TellsGaps
from hil.can.port import CanPort
from hil.can.wire import SimWire
from hil.clock import Clock, RealClock, VirtualClock
from hil.ecu.cockpit import CockpitEcu, Wires
from hil.ecu.slots import factory_flash, parts_of
from hil.ecu.variant import EcuVariant
from hil.errors import BenchError, HilError
from hil.hmi import ocr
from hil.hmi.audio import AudioPort
from hil.hmi.frames import FrameSource
from hil.hmi.layout import Popup, Text
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


def _rates(bus: BusSection) -> dict[str, int | None]:
    return {"bitrate": bus.bitrate, "data_bitrate": bus.data_bitrate}


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
        return factory.make(site, check_options(factory, filled, where))

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
        on_frame = self.traffic.on_frame if self.config.is_virtual else self.health.listener(bus)
        await bus.open(on_frame, self.recorder.lost)

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
