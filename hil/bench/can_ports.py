"""The factory of real CAN ports: `[bus.*] port = "python-can"`, any interface that python-can drives.

Rules of this module: what the bench file says is checked against the interface before anything is opened (`check`,
which the plan calls), and again with what processes announced when the port is made.

Not for: simulated wires (`hil.bench.ports.SimCan`), or what the interfaces take (`hil.can.interfaces`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, Field, ValidationError

from hil.bench.ports import Options, Site, find, serial_port, serial_resource
from hil.bench.sections import Mistake, Seconds, Section
from hil.can import slcan
from hil.can.bit_timing import Timing
from hil.can.filters import Filter
from hil.can.interface_setup import CanSetup, Drive, resolve
from hil.can.link import LinkSettings
from hil.can.link_care import LinkCare
from hil.can.port import CanPort
from hil.can.slcan_setup import S7_LAWICEL, SlcanSetup, rate_command
from hil.errors import UsageError

if TYPE_CHECKING:
    from hil.bench.config import BenchConfig, BusSection

_USB_BPS: Final = 40_000_000
"""An adapter on USB may send as fast as that is; the port itself tells noise from frames."""
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
        set_up: on SocketCAN the bench sets the interface to its bit rates and brings it up; false: it compares.
        restart_after: how long after bus-off the kernel restarts a controller that the bench set up; 0: never.
    """

    interface: str
    channel: str
    sample_point: float | None = None
    data_sample_point: float | None = None
    listen_only: bool = False
    filters: list[Annotated[FilterSection, AfterValidator(_fits)]] = Field(default_factory=list)
    options: dict[str, Any] = Field(default_factory=dict)
    broadcast_manager: bool = True
    set_up: bool = False
    restart_after: Annotated[Seconds, Field(ge=0, le=60)] = 0

    def link(self, bitrate: int, data_bitrate: int | None) -> LinkSettings:
        """How the interface of the kernel should be set."""
        point, data_point = self.sample_point, self.data_sample_point
        return LinkSettings(
            bitrate=bitrate,
            sample_point=None if point is None else point / 100,
            data_bitrate=data_bitrate,
            data_sample_point=None if data_point is None else data_point / 100,
            restart_ms=round(self.restart_after * 1000),
            listen_only=self.listen_only,
        )

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
        """The channel; a multicast group counts with its UDP port, an slcan adapter by its serial line."""
        if options.interface == "slcan":
            return [serial_resource(options.channel)]
        suffix = f":{options.options['port']}" if "port" in options.options else ""
        return [f"can:{options.interface}:{options.channel}{suffix}"]

    @staticmethod
    def make(site: Site, options: PythonCanOptions) -> CanPort:
        """A `SocketCanPort`, an `SlcanPort`, else a `PythonCanPort`."""
        setup = options.setup(site.bitrate, site.data_bitrate)
        drive = resolve(setup, f"bus.{site.name}")
        if setup.interface == "socketcan":
            care = LinkCare(setup.channel, options.link(site.bitrate, site.data_bitrate), options.set_up)
            return _socketcan(site, setup, options.broadcast_manager, care)
        if setup.interface == "slcan":
            return _slcan(site, setup, drive)
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


def _socketcan(site: Site, setup: CanSetup, kernel_cycles: bool, care: LinkCare) -> CanPort:
    from hil.can.socketcan import SocketCanPort

    return SocketCanPort(
        clock=site.real_clock,
        bus=site.name,
        channel=setup.channel,
        fd=setup.is_fd,
        listen_only=setup.listen_only,
        filters=setup.filters,
        kernel_cycles=kernel_cycles,
        care=care,
    )


def _slcan(site: Site, setup: CanSetup, drive: Drive) -> CanPort:
    from hil.can.slcan_port import SlcanPort

    return SlcanPort(
        clock=site.clock,
        bus=site.name,
        channel=setup.channel,
        line=serial_port(site, setup.channel, setup.options.get("tty_baudrate", 115200), _USB_BPS),
        setup=slcan_setup(setup, drive.timing, f"bus.{site.name}"),
    )


def slcan_setup(setup: CanSetup, timing: Timing | None, where: str) -> SlcanSetup:
    """How an slcan adapter is set.

    Raises:
        UsageError: it has no command for a bit rate.
    """
    data_rate = "" if setup.data_bitrate is None else slcan.DATA_BITRATES.get(setup.data_bitrate)
    if data_rate is None:
        mend = f"it knows {', '.join(map(str, slcan.DATA_BITRATES))}."
        raise UsageError(f"slcan has no data bit rate of {setup.data_bitrate}", where=where, remedy=mend)
    return SlcanSetup(
        rate=_slcan_rate(setup, where) if timing is None else f"s{timing.nominal.btr:04X}",
        data_rate=data_rate,
        listen_only=setup.listen_only,
        answers=setup.options.get("answers", True),
        poll_s=setup.options.get("poll", 1.0),
        filters=setup.filters,
    )


def _slcan_rate(setup: CanSetup, where: str) -> str:
    rate = rate_command(setup.bitrate, setup.options.get("s7", S7_LAWICEL))
    if not rate:
        what = f"S7 of slcan is {S7_LAWICEL} bit/s at Lawicel's and 750000 at others"
        raise UsageError(what, where=where, remedy=f"if it is so at yours, write options = {{ s7 = {setup.bitrate} }}.")
    return rate


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
    _check_set_up(options, where)
    if any("{" in text for text in (options.interface, options.channel)):
        return None  # a process of the bench says it later
    setup = options.setup(bus.bitrate, bus.data_bitrate)
    drive = resolve(setup, where)
    if setup.interface == "slcan":
        slcan_setup(setup, drive.timing, where)
    return drive


def _check_set_up(options: PythonCanOptions, where: str) -> None:
    """Only SocketCAN has an interface that somebody sets up beforehand."""
    if options.set_up and options.interface != "socketcan":
        mend = "leave it out: the driver is given the bit rate when it is opened."
        raise UsageError(f"{options.interface} would ignore set_up", where=where, remedy=mend)
    if options.restart_after and not options.set_up:
        mend = "write set_up = true beside it, or set it by 'ip link set ... restart-ms'."
        raise UsageError("restart_after has no meaning where the bench sets nothing up", where=where, remedy=mend)
