"""The factory of real CAN ports: `[bus.*] port = "python-can"`, any interface that python-can drives.

Rules of this module: what the bench file says is checked against the interface before anything is opened (`check`,
which the plan calls), and again with what processes announced when the port is made.

Not for: simulated wires (`hil.bench.ports.SimCan`), or what the interfaces take (`hil.can.interfaces`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, Field, ValidationError

from hil.bench.ports import Options, Site, find
from hil.bench.sections import Mistake, Section
from hil.can.filters import Filter
from hil.can.interface_setup import CanSetup, Drive, resolve
from hil.can.port import CanPort
from hil.errors import UsageError

if TYPE_CHECKING:
    from hil.bench.config import BenchConfig, BusSection

_TOP: Final = {False: 0x7FF, True: 0x1FFFFFFF}


class FilterSection(Section):
    """One of `filters`: frames whose identifier equals `id` in the bits of `mask`; without one in all.

    Attributes:
        extended: 29-bit identifiers; if not given, they are where `id` needs more than 11.
    """

    id: int = Field(ge=0, le=_TOP[True])
    mask: int | None = Field(None, ge=0, le=_TOP[True])
    extended: bool | None = None

    def filter(self) -> Filter:
        """It as the port takes it."""
        extended = self.id > _TOP[False] if self.extended is None else self.extended
        return Filter(self.id, self.mask, extended)


def _fits(section: FilterSection) -> FilterSection:
    if section.extended is False and max(section.id, section.mask or 0) > _TOP[False]:
        raise Mistake("doesn't fit 11 bits", "write extended = true, or correct it.")
    return section


class PythonCanOptions(Options):
    """Options of a python-can interface.

    Attributes:
        sample_point: percent; if not given, what the driver takes by itself.
        data_sample_point: percent, of the data phase.
        listen_only: send nothing, not even an acknowledgement.
        filters: of others' frames take in only these.
        options: what this interface has beyond that.
        broadcast_manager: on SocketCAN the kernel sends cyclic frames; false: the bench does, as elsewhere.
    """

    interface: str
    channel: str
    sample_point: float | None = None
    data_sample_point: float | None = None
    listen_only: bool = False
    filters: list[Annotated[FilterSection, AfterValidator(_fits)]] = Field(default_factory=list)
    options: dict[str, Any] = Field(default_factory=dict)
    broadcast_manager: bool = True

    def setup(self, bitrate: int, data_bitrate: int | None) -> CanSetup:
        """With the bit rates of the bus, as the interface is asked for it."""
        return CanSetup(
            interface=self.interface,
            channel=self.channel,
            bitrate=bitrate,
            data_bitrate=data_bitrate,
            sample_point=self.sample_point,
            data_sample_point=self.data_sample_point,
            listen_only=self.listen_only,
            filters=tuple(section.filter() for section in self.filters),
            options=self.options,
        )


class PythonCan:
    """`[bus.*] port = "python-can"`: any interface that python-can drives."""

    Options = PythonCanOptions
    real = True

    @staticmethod
    def resources(options: PythonCanOptions) -> list[str]:
        """The channel; a multicast group counts with its UDP port."""
        suffix = f":{options.options['port']}" if "port" in options.options else ""
        return [f"can:{options.interface}:{options.channel}{suffix}"]

    @staticmethod
    def make(site: Site, options: PythonCanOptions) -> CanPort:
        """A `SocketCanPort` on SocketCAN, which reads the socket itself; else a `PythonCanPort`."""
        setup = options.setup(site.bitrate, site.data_bitrate)
        drive = resolve(setup, f"bus.{site.name}")
        if setup.interface == "socketcan":
            return _socketcan(site, setup, options.broadcast_manager)
        from hil.can.pythoncan import PythonCanPort

        return PythonCanPort(
            clock=site.real_clock,
            bus=site.name,
            interface=setup.interface,
            channel=drive.channel,
            options=drive.arguments,
            timing=drive.timing,
            fd=setup.is_fd,
            listen_only=setup.listen_only,
            filters=setup.filters,
        )


def _socketcan(site: Site, setup: CanSetup, kernel_cycles: bool) -> CanPort:
    from hil.can.socketcan import SocketCanPort

    return SocketCanPort(
        clock=site.real_clock,
        bus=site.name,
        channel=setup.channel,
        fd=setup.is_fd,
        listen_only=setup.listen_only,
        filters=setup.filters,
        kernel_cycles=kernel_cycles,
    )


def check(config: BenchConfig) -> None:
    """Check each bus on a python-can interface without opening it.

    Raises:
        UsageError: the interface doesn't take what the bench file says.
    """
    for name, bus in config.bus.items():
        where = f"{config.path}: bus.{name}"
        if find("can", bus.port, where).Options is PythonCanOptions:
            _check_bus(bus, where)


def _check_bus(bus: BusSection, where: str) -> Drive | None:
    try:
        options = PythonCanOptions.model_validate(bus.options)
    except ValidationError:
        return None  # the check of all ports has said it, or is going to
    if options.listen_only and bus.restbus:
        mend = "write restbus = false beside it."
        raise UsageError("a bus that only listens can't have a restbus", where=where, remedy=mend)
    if any("{" in text for text in (options.interface, options.channel)):
        return None  # a process of the bench says it later
    return resolve(options.setup(bus.bitrate, bus.data_bitrate), where)
