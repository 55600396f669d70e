"""What each interface of python-can takes: a table. Pure.

python-can's drivers take any keyword and ignore those that they don't know: `sample_point=80` to `Bus` changes nothing
and says nothing. Some go on with another bit rate than the one asked for. So the bench hands over only what this table
says that the driver reads, and `hil.can.interface_setup` refuses the rest.

Rules of this module: each row was read in python-can 4.6's source, and `tests/unit/test_interfaces.py` reads it again
in the installed one: an option that no driver looks at can't stay here. `options` are those beside what a bench file
has a key of its own for.

Not for: interfaces that other packages add to python-can (entry points `can.interface`): `plugin` makes a row of those.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from importlib.metadata import entry_points
from typing import Any, Final

MHZ: Final = 1_000_000
PASSIVE: Final = "PASSIVE"
"""Stands for python-can's `BusState.PASSIVE`."""
PLUGINS: Final = "can.interface"


class Rates(Enum):
    """Who sets the bit rate."""

    ARGUMENT = "the driver, from the bench file"
    KERNEL = "the kernel, by 'ip link'"
    ELSEWHERE = "whoever runs the other end"
    NONE = "nobody: there is no bit time"


class Fd(Enum):
    """How a driver is told to speak CAN FD."""

    NO = "not at all"
    ARGUMENT = "by fd=True and bit rates"
    TIMING = "by a whole bit timing"
    ALWAYS = "it always does"


class StampSource(Enum):
    """What python-can's `Message.timestamp` is."""

    KERNEL = "the host's real-time clock, by the kernel"
    HARDWARE = "a clock of the adapter, with an offset that nobody knows"
    HOST = "no better than the arrival in Python"


@dataclass(frozen=True, slots=True)
class Stamps:
    """Stamps of an interface.

    Attributes:
        source: whose clock.
        resolution_ns: of the adapter's clock.
        wrap_ns: when that clock begins at 0 again, where the driver doesn't count that; 0: never.
    """

    source: StampSource = StampSource.HOST
    resolution_ns: int = 0
    wrap_ns: int = 0


_HARDWARE: Final = Stamps(StampSource.HARDWARE, 1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """One interface.

    Attributes:
        options: what `options` of the bench file may hold.
        numbered: the channel is a number.
        rates: who sets the bit rate.
        bitrates: those that it knows; any if empty.
        clocks_Hz: with a sample point, classic CAN: clocks that the driver accepts; none: it takes no sample point.
        fd: how it is told to speak CAN FD.
        fd_clocks_Hz: the same clocks for CAN FD.
        fd_key: name of the argument that says CAN FD; empty: none.
        data_key: name of the argument for the bit rate of the data phase.
        fixed_sample_point: percent, where the driver has one that can't be changed.
        listen_only: arguments that make it listen only; empty: it can't.
        always: arguments that it gets in any case.
        fd_options: more of them, with CAN FD only.
        filters: whether the kernel filters; else the bench does.
        on_loop: its file descriptor is readable when a frame is there, and reading never waits.
        stamps: what its stamps are.
    """

    options: tuple[str, ...] = ()
    fd_options: tuple[str, ...] = ()
    numbered: bool = False
    rates: Rates = Rates.ARGUMENT
    bitrates: tuple[int, ...] = ()
    clocks_Hz: tuple[int, ...] = ()
    fd: Fd = Fd.NO
    fd_clocks_Hz: tuple[int, ...] = ()
    fd_key: str = ""
    data_key: str = "data_bitrate"
    fixed_sample_point: float | None = None
    listen_only: Mapping[str, Any] = field(default_factory=dict)
    always: Mapping[str, Any] = field(default_factory=dict)
    filters: bool = False
    on_loop: bool = False
    stamps: Stamps = Stamps()


_KBIT: Final = 1_000
_IXXAT_FD: Final = ("sjw_abr", "tseg1_abr", "tseg2_abr", "sjw_dbr", "tseg1_dbr", "tseg2_dbr", "ssp_dbr")


def _rates(*kbits: float) -> tuple[int, ...]:
    return tuple(round(kbit * _KBIT) for kbit in kbits)


INTERFACES: Final[dict[str, Interface]] = {
    "socketcan": Interface(
        rates=Rates.KERNEL,
        fd=Fd.ARGUMENT,
        fd_key="fd",
        filters=True,
        on_loop=True,
        stamps=Stamps(StampSource.KERNEL),
    ),
    "udp_multicast": Interface(
        options=("port", "hop_limit"),
        rates=Rates.NONE,
        fd=Fd.ARGUMENT,
        fd_key="fd",
        on_loop=True,
        stamps=Stamps(StampSource.KERNEL),
    ),
    "virtual": Interface(options=("rx_queue_size",), rates=Rates.NONE, fd=Fd.ALWAYS),
    "slcan": Interface(
        options=("tty_baudrate", "answers", "s7", "poll"),
        bitrates=_rates(10, 20, 50, 100, 125, 250, 500, 750, 800, 1000),
        clocks_Hz=(8 * MHZ,),
        fd=Fd.ARGUMENT,
        listen_only={"listen_only": True},
        stamps=Stamps(StampSource.HARDWARE, 1_000_000, 60_000_000_000),
    ),
    "pcan": Interface(
        options=("device_id", "auto_reset"),
        bitrates=_rates(5, 10, 20, 33, 47, 50, 83, 95, 100, 125, 250, 500, 800, 1000),
        clocks_Hz=(8 * MHZ,),
        fd=Fd.TIMING,
        fd_clocks_Hz=tuple(MHz * MHZ for MHz in (80, 60, 40, 30, 24, 20)),
        listen_only={"state": PASSIVE},
        stamps=_HARDWARE,
    ),
    "vector": Interface(
        options=("app_name", "serial", "rx_queue_size", "poll_interval"),
        clocks_Hz=(16 * MHZ, 8 * MHZ),
        fd=Fd.TIMING,
        fd_clocks_Hz=(80 * MHZ,),
        listen_only={"listen_only": True},
        stamps=_HARDWARE,
    ),
    "kvaser": Interface(
        options=(
            "accept_virtual", "exclusive", "fd_non_iso", "no_init_access", "override_exclusive", "single_handle",
        ),
        numbered=True,
        bitrates=_rates(10, 50, 62, 83, 100, 125, 250, 500, 1000),
        clocks_Hz=(16 * MHZ,),
        fd=Fd.TIMING,
        fd_clocks_Hz=(80 * MHZ,),
        listen_only={"driver_mode": False},
        stamps=Stamps(StampSource.HARDWARE, 10_000, 10_000 << 32),
    ),
    "ixxat": Interface(
        options=("unique_hardware_id", "extended", "rx_fifo_size", "tx_fifo_size"),
        fd_options=_IXXAT_FD,
        numbered=True,
        bitrates=_rates(10, 20, 50, 100, 125, 250, 500, 666, 666.666, 666.667, 667, 800, 1000),
        fd=Fd.ARGUMENT,
        fd_key="fd",
        stamps=_HARDWARE,
    ),
    "gs_usb": Interface(
        options=("index", "bus", "address"),
        numbered=True,
        fixed_sample_point=87.5,
        stamps=Stamps(StampSource.HARDWARE, 1_000, 1_000 << 32),
    ),
    "seeedstudio": Interface(
        options=("baudrate", "timeout", "frame_type"),
        bitrates=_rates(5, 10, 20, 50, 100, 125, 200, 250, 400, 500, 800, 1000),
        listen_only={"operation_mode": "silent"},
    ),
    "usb2can": Interface(
        options=("dll", "flags", "serial"),
        bitrates=_rates(20, 50, 100, 125, 250, 500, 800, 1000),
        clocks_Hz=(32 * MHZ,),
    ),
    "cantact": Interface(numbered=True, clocks_Hz=(24 * MHZ,), listen_only={"monitor": True}),
    "canalystii": Interface(
        options=("device", "rx_queue_size"),
        clocks_Hz=(8 * MHZ,),
        stamps=Stamps(StampSource.HARDWARE, 100_000, 100_000 << 32),
    ),
    "neovi": Interface(
        options=("serial", "type_filter", "use_system_timestamp", "override_library_name"),
        fd=Fd.ARGUMENT,
        fd_key="fd",
        always={"receive_own_messages": False},
        stamps=_HARDWARE,
    ),
    "nixnet": Interface(
        options=("can_termination", "poll_interval"),
        clocks_Hz=(40 * MHZ,),
        fd=Fd.ARGUMENT,
        fd_clocks_Hz=(40 * MHZ,),
        fd_key="fd",
        data_key="fd_bitrate",
        listen_only={"listen_only": True},
        stamps=_HARDWARE,
    ),
    "nican": Interface(options=("log_errors",), stamps=_HARDWARE),
    "systec": Interface(
        options=("device_number", "rx_buffer_entries", "tx_buffer_entries"),
        numbered=True,
        bitrates=_rates(10, 20, 50, 100, 125, 250, 500, 800, 1000),
        listen_only={"state": PASSIVE},
        stamps=Stamps(StampSource.HARDWARE, 1_000_000),
    ),
    "etas": Interface(fd=Fd.ARGUMENT, fd_key="fd", fixed_sample_point=80.0, stamps=_HARDWARE),
    "iscan": Interface(
        options=("poll_interval",), numbered=True, bitrates=_rates(5, 10, 20, 50, 100, 125, 250, 500, 800, 1000)
    ),
    "neousys": Interface(options=("device",), numbered=True),
    "robotell": Interface(options=("ttyBaudrate", "rtscts")),
    "serial": Interface(options=("baudrate", "timeout", "rtscts"), rates=Rates.ELSEWHERE),
    "socketcand": Interface(options=("host", "port", "tcp_tune"), rates=Rates.ELSEWHERE),
}  # fmt: skip


NUMBERS: Final = frozenset({
    "port", "hop_limit", "rx_queue_size", "tty_baudrate", "s7", "device_id", "rx_fifo_size", "tx_fifo_size", "index",
    "bus", "address", "baudrate", "flags", "device", "device_number", "rx_buffer_entries", "tx_buffer_entries",
    "ttyBaudrate", *_IXXAT_FD,
})  # fmt: skip
"""Options that are whole numbers wherever they stand."""
SWITCHES: Final = frozenset({
    "answers", "auto_reset", "accept_virtual", "exclusive", "fd_non_iso",
    "no_init_access", "override_exclusive", "single_handle", "extended", "use_system_timestamp", "can_termination",
    "log_errors", "rtscts", "tcp_tune",
})  # fmt: skip
"""Options that are true or false."""


def names() -> list[str]:
    """All interfaces that a bench file may name, those of other packages included."""
    return sorted({*INTERFACES, *(point.name for point in entry_points(group=PLUGINS))})


def find(name: str) -> Interface | None:
    """The row of an interface; None if there is none."""
    row = INTERFACES.get(name)
    return row if row is not None else plugin(name)


def plugin(name: str) -> Interface | None:
    """The row of an interface that another package adds: what its constructor names, and nothing that it doesn't.

    Raises:
        ImportError, AttributeError: the package can't be loaded.
    """
    point = next((point for point in entry_points(group=PLUGINS) if point.name == name), None)
    if point is None:
        return None
    named = [
        parameter.name
        for parameter in inspect.signature(point.load().__init__).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    has_fd, has_data = "fd" in named, "data_bitrate" in named
    taken = {"self", "channel", "bitrate", "data_bitrate", "fd", "can_filters", "listen_only", "receive_own_messages"}
    return Interface(
        options=tuple(option for option in named if option not in taken),
        rates=Rates.ARGUMENT if "bitrate" in named else Rates.ELSEWHERE,
        fd=Fd.ARGUMENT if has_fd and has_data else Fd.NO,
        fd_key="fd" if has_fd else "",
        listen_only={"listen_only": True} if "listen_only" in named else {},
    )


__all__ = [
    "INTERFACES", "MHZ", "NUMBERS", "PASSIVE", "PLUGINS", "SWITCHES", "Fd", "Interface", "Rates", "StampSource",
    "Stamps", "find", "names", "plugin",
]  # fmt: skip
