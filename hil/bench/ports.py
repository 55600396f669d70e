"""Ports by name: the factories behind `port = "..."` and `source = "..."` in a bench file.

A factory is a class with `Options` (pydantic: the keys that stand beside `port`), `real` (whether it drives hardware
or another process, so that it is refused on a virtual clock), `resources` (what to lock) and `make`. Built-in ones
register as entry points of the group `hil.ports` as `KIND.NAME`; a lab's own likewise, or as `module:Class`.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field

from hil.bench.secrets import Vault
from hil.bench.sections import Seconds
from hil.can.port import CanPort
from hil.can.wire import SimWire
from hil.clock import Clock, RealClock
from hil.cloud.artefacts import Shelf, SimArtefacts
from hil.cloud.mqtt_sim import Broker
from hil.cloud.storage import Chip
from hil.errors import UsageError
from hil.hmi.audio import Speaker
from hil.hmi.frames import Display, FrameSource
from hil.hmi.touch import KeyPad, TouchPanel
from hil.nearest import did_you_mean
from hil.seed import Dice
from hil.serial.flood import DEFAULT_RATE_BPS
from hil.serial.line import PipeEnd, PowerLine, pipe
from hil.serial.port import BytePort, PowerLimits, PowerPort

_NO_LIMITS: Final = PowerLimits(0.0, 0.0)
GROUP: Final = "hil.ports"
_PARTS: Final = ("Options", "real", "resources", "make")
VSYNC_NS: Final = 16_666_667
RESTART_NS: Final = 100_000_000
"""How long a controller on a simulated wire stays bus-off before it begins its way back: as drivers usually set it."""


class Options(BaseModel):
    """Options of a port: no key that it doesn't know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NoOptions(Options):
    """A port without options."""


class Copper:
    """The simulated wires of a virtual bench, made at first use: the ports hold one end, the virtual ECU the other."""

    def __init__(self, clock: Clock, dice: Dice | None = None) -> None:
        self.clock, self._dice = clock, dice or Dice("")
        self.brokers: dict[str, Broker] = {}
        self.shelves: dict[str, Shelf] = {}
        self.chips: dict[str, Chip] = {}
        self.wires: dict[str, SimWire] = {}
        self.displays: dict[str, Display] = {}
        self.pipes: dict[str, tuple[PipeEnd, PipeEnd]] = {}
        self.lines: dict[str, PowerLine] = {}
        self.panels: dict[str, TouchPanel] = {}
        self.pads: dict[str, KeyPad] = {}
        self.speakers: dict[str, Speaker] = {}

    def wire(self, bus: str, bitrate: int, data_bitrate: int | None = None) -> SimWire:
        """The wire of a bus."""
        if bus not in self.wires:
            self.wires[bus] = SimWire(self.clock, bus, bitrate, data_bitrate, restart_after_ns=RESTART_NS)
        return self.wires[bus]

    def display(self, screen: str, size: tuple[int, int]) -> Display:
        """The glass of a screen."""
        return self.displays.setdefault(screen, Display(screen, size, VSYNC_NS))

    def pipe(self, console: str) -> tuple[PipeEnd, PipeEnd]:
        """The two ends of a serial line: the bench's, the ECU's."""
        if console not in self.pipes:
            self.pipes[console] = pipe(self.clock, console)
        return self.pipes[console]

    def broker(self, mqtt: str) -> Broker:
        """A simulated broker."""
        if mqtt not in self.brokers:
            self.brokers[mqtt] = Broker(self.clock, mqtt, self._dice.generator(f"mqtt {mqtt}"))
        return self.brokers[mqtt]

    def shelf(self, update: str) -> Shelf:
        """What a simulated artefact server serves."""
        return self.shelves.setdefault(update, Shelf())

    def artefacts(self, update: str) -> SimArtefacts:
        """A client of a simulated artefact server."""
        return SimArtefacts(self.clock, self.shelf(update), self._dice.generator(f"update {update}"))

    def chip(self, storage: str) -> Chip:
        """A simulated flash chip, as a probe holds it."""
        return self.chips.setdefault(storage, Chip())

    def line(self, supply: str) -> PowerLine:
        """The power line behind a supply."""
        return self.lines.setdefault(supply, PowerLine())

    def panel(self, touch: str, size: tuple[int, int]) -> TouchPanel:
        """The touch panel over a screen."""
        return self.panels.setdefault(touch, TouchPanel(touch, size))

    def pad(self, keys: str) -> KeyPad:
        """The hard keys."""
        return self.pads.setdefault(keys, KeyPad(keys))

    def speaker(self, audio: str) -> Speaker:
        """The loudspeaker."""
        return self.speakers.setdefault(audio, Speaker(audio))


@dataclass(frozen=True, slots=True)
class Site:
    """What a factory may build on.

    Attributes:
        name: the port's name in the bench file.
        clock: the bench's clock; a `RealClock` where the factory is `real`.
        copper: the simulated wires.
        folder: the folder of the bench file.
        bitrate: of a bus, bit/s.
        data_bitrate: of a bus with CAN FD, bit/s.
        size: of a screen, or of the screen under a touch panel: (width, height) as its layout says.
        limits: of a supply.
        voltage_V: nominal, of a supply.
        contacts: of a relay board: name -> channel.
        ecus: of a relay board: simulated bus -> the virtual ECUs on it.
        vault: keeps the bench's secrets out of its evidence.
    """

    name: str
    clock: Clock
    copper: Copper
    folder: Path
    bitrate: int = 0
    data_bitrate: int | None = None
    size: tuple[int, int] = (0, 0)
    limits: PowerLimits = _NO_LIMITS
    voltage_V: float = 0.0
    contacts: Mapping[str, int] = field(default_factory=dict)
    ecus: Mapping[str, Sequence[str]] = field(default_factory=dict)
    vault: Vault = field(default_factory=Vault)

    def reveal(self, reference: str, key: str) -> str:
        """The secret that an option of type `hil.bench.secrets.Secret` names; `key` says which, in messages.

        Raises:
            UsageError: it isn't there.
        """
        return self.vault.reveal(reference, self.folder, key)

    @property
    def real_clock(self) -> RealClock:
        """The clock, for a driver that needs a real one."""
        return cast("RealClock", self.clock)


class PortFactory(Protocol):
    """What an entry point of `hil.ports` names."""

    Options: ClassVar[type[BaseModel]]
    real: ClassVar[bool]

    @staticmethod
    def resources(options: Any) -> list[str]:
        """Names of the physical resources that it needs for itself."""

    @staticmethod
    def make(site: Site, options: Any) -> Any:
        """The port, not yet opened."""


def find(kind: str, name: str, where: str) -> PortFactory:
    """The factory called `name` of a kind: `can`, `screen`, `console`, `supply`.

    Raises:
        UsageError: there is none, or its module can't be imported.
    """
    if ":" in name:
        return _import(name, where)
    known = {point.name.removeprefix(f"{kind}."): point for point in _points() if point.name.startswith(f"{kind}.")}
    if name not in known:
        mend = did_you_mean(name, known, f"there is: {', '.join(sorted(known))}, or 'module:Class'.")
        raise UsageError(f"no {kind} port '{name}'", where=where, remedy=mend)
    return _checked(known[name].load, name, where)


@cache
def _points() -> list[EntryPoint]:
    return list(entry_points(group=GROUP))


def _import(name: str, where: str) -> PortFactory:
    module, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), attribute]):
        raise UsageError(f"'{name}' can't be imported", where=where, remedy="write it as 'module:Class'.")
    return _checked(lambda: getattr(importlib.import_module(module), attribute), name, where)


def _checked(load: Callable[[], Any], name: str, where: str) -> PortFactory:
    try:
        factory = load()
    except (ImportError, AttributeError) as error:
        raise UsageError(f"'{name}' can't be imported: {error}", where=where, remedy="check PYTHONPATH.") from error
    except Exception as error:  # a lab's own module may raise anything
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise UsageError(f"'{name}' can't be imported: {why}", where=where, remedy="correct its module.") from error
    lacks = _lacks(factory)
    if lacks:
        mend = f"a port is a class with {', '.join(_PARTS)}."
        raise UsageError(f"'{name}' is no port: {lacks}", where=where, remedy=mend)
    return cast("PortFactory", factory)


def _lacks(factory: object) -> str:
    missing = [part for part in _PARTS if not hasattr(factory, part)]
    if missing:
        return f"it has no {', '.join(missing)}"
    options = getattr(factory, "Options", None)
    is_model = isinstance(options, type) and issubclass(options, BaseModel)
    return "" if is_model else "its Options are no class of hil.bench.ports.Options"


class SimCan:
    """`[bus.*] port = "sim"`: a node on a simulated wire."""

    Options = NoOptions
    real = False

    @staticmethod
    def resources(options: NoOptions) -> list[str]:
        """Nothing physical."""
        return []

    @staticmethod
    def make(site: Site, options: NoOptions) -> CanPort:
        """A node named BENCH."""
        return site.copper.wire(site.name, site.bitrate, site.data_bitrate).port("BENCH")


class SimScreen:
    """`[screen.*] source = "virtual"`: the glass of the virtual ECU."""

    Options = NoOptions
    real = False

    @staticmethod
    def resources(options: NoOptions) -> list[str]:
        """Nothing physical."""
        return []

    @staticmethod
    def make(site: Site, options: NoOptions) -> FrameSource:
        """A source over the simulated glass."""
        from hil.hmi.sources import SimSource

        return SimSource(clock=site.clock, display=site.copper.display(site.name, site.size))


class HttpOptions(Options):
    """Options of a screen over HTTP: one picture (PNG or JPEG) per GET."""

    url: str
    period: Seconds = Field(1 / 30, gt=0)
    timeout: Seconds = Field(1.0, gt=0)


class HttpScreen:
    """`[screen.*] source = "http"`."""

    Options = HttpOptions
    real = True

    @staticmethod
    def resources(options: HttpOptions) -> list[str]:
        """A picture server may serve several."""
        return []

    @staticmethod
    def make(site: Site, options: HttpOptions) -> FrameSource:
        """An HTTP source."""
        from hil.hmi.sources import HttpSource

        return HttpSource(
            clock=site.clock,
            name=site.name,
            url=options.url,
            size=site.size,
            period_s=options.period,
            timeout_s=options.timeout,
        )


class CommandOptions(Options):
    """Options of a screen that a command prints: any program that writes a PNG or JPEG to its standard output."""

    command: list[str] = Field(min_length=1)
    period: Seconds = Field(0.1, gt=0)
    timeout: Seconds = Field(5.0, gt=0)


class CommandScreen:
    """`[screen.*] source = "command"`."""

    Options = CommandOptions
    real = True

    @staticmethod
    def resources(options: CommandOptions) -> list[str]:
        """The command knows what it needs."""
        return []

    @staticmethod
    def make(site: Site, options: CommandOptions) -> FrameSource:
        """A source that runs the command in the folder of the bench file."""
        from hil.hmi.sources import CommandSource

        return CommandSource(
            clock=site.clock,
            name=site.name,
            command=options.command,
            folder=site.folder,
            size=site.size,
            period_s=options.period,
            timeout_s=options.timeout,
        )


class SimConsole:
    """`[console.*] port = "virtual"`: the serial line of the virtual ECU."""

    Options = NoOptions
    real = False

    @staticmethod
    def resources(options: NoOptions) -> list[str]:
        """Nothing physical."""
        return []

    @staticmethod
    def make(site: Site, options: NoOptions) -> BytePort:
        """The bench's end of the pipe."""
        return site.copper.pipe(site.name)[0]


class SerialOptions(Options):
    """Options of a serial line: a pyserial URL."""

    url: str
    baudrate: int = Field(115_200, gt=0)
    max_rate: int = Field(DEFAULT_RATE_BPS, gt=0)


class SerialConsole:
    """`[console.*] port = "serial"`: any pyserial URL."""

    Options = SerialOptions
    real = True

    @staticmethod
    def resources(options: SerialOptions) -> list[str]:
        """The device, by its real path."""
        return [serial_resource(options.url)]

    @staticmethod
    def make(site: Site, options: SerialOptions) -> BytePort:
        """A `SerialPort`."""
        return serial_port(site, options.url, options.baudrate, options.max_rate)


def serial_resource(url: str) -> str:
    """What a serial line is locked by: the device, by its real path."""
    return f"serial:{url if '://' in url else os.path.realpath(url)}"


def serial_port(site: Site, url: str, baudrate: int, most_Bps: int = DEFAULT_RATE_BPS) -> BytePort:
    """A `SerialPort`."""
    from hil.serial.pyserial_port import SerialPort

    return SerialPort(clock=site.clock, name=site.name, url=url, baudrate=baudrate, most_Bps=most_Bps)


class SimSupplyFactory:
    """`[supply.*] port = "virtual"`: a simulated supply."""

    Options = NoOptions
    real = False

    @staticmethod
    def resources(options: NoOptions) -> list[str]:
        """Nothing physical."""
        return []

    @staticmethod
    def make(site: Site, options: NoOptions) -> PowerPort:
        """A `SimSupply` on the simulated line."""
        from hil.serial.power_sim import SimSupply

        line = site.copper.line(site.name)
        return SimSupply(clock=site.clock, name=site.name, line=line, limits=site.limits, voltage_V=site.voltage_V)


class ScpiOptions(Options):
    """Options of an SCPI supply: a pyserial URL (`socket://host:5025` for one on the network)."""

    url: str
    baudrate: int = Field(115_200, gt=0)
    channel: int = Field(1, ge=1)


class ScpiSupplyFactory:
    """`[supply.*] port = "scpi"`."""

    Options = ScpiOptions
    real = True

    @staticmethod
    def resources(options: ScpiOptions) -> list[str]:
        """The supply's line."""
        return [serial_resource(options.url)]

    @staticmethod
    def make(site: Site, options: ScpiOptions) -> PowerPort:
        """A `ScpiSupply`."""
        from hil.serial.power_scpi import ScpiSupply

        return ScpiSupply(
            clock=site.clock,
            name=site.name,
            port=serial_port(site, options.url, options.baudrate),
            limits=site.limits,
            channel=options.channel,
            voltage_V=site.voltage_V,
        )
