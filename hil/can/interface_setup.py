"""What a bench file says of a python-can interface, checked and put into the words of its driver. Pure.

Rules of this module: nothing is swallowed. What the interface doesn't take is refused, in one line that says what it
takes instead; a bit rate is met exactly; a sample point within `NEAR_POINTS`. Where a driver wants a whole bit timing,
it is worked out here.

Not for: opening (`hil.can.pythoncan`), or whether the kernel's interface is as the bench file says (`hil.can.link`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hil.can import bit_timing
from hil.can.bit_timing import Timing
from hil.can.filters import Filter
from hil.can.interfaces import NUMBERS, SWITCHES, Fd, Interface, Rates, find, names
from hil.errors import UsageError
from hil.nearest import did_you_mean

FD_SAMPLE_POINT: Final = 80.0
"""Percent, of both phases, where a driver wants a whole bit timing and the bench file names none (CiA 601-3)."""
NEAR_POINTS: Final = 2.5
"""By how many points a sample point may miss the one that was asked for."""
_WITHOUT: Final = "write it without quotes."
_OWN_KEYS: Final = {
    "bitrate": "bitrate",
    "data_bitrate": "data_bitrate",
    "fd_bitrate": "data_bitrate",
    "fd": "data_bitrate",
    "sample_point": "sample_point",
    "data_sample_point": "data_sample_point",
    "can_filters": "filters",
    "listen_only": "listen_only",
    "state": "listen_only",
    "driver_mode": "listen_only",
    "monitor": "listen_only",
    "operation_mode": "listen_only",
    "timing": "sample_point",
    "receive_own_messages": "",
}
"""What people know as options of python-can, and the bench file's own key for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanSetup:
    """What a bench file says of a bus on a python-can interface.

    Attributes:
        interface: python-can's name.
        channel: as the interface calls it.
        bitrate: bit/s.
        data_bitrate: bit/s of the data phase; None: classic CAN.
        sample_point: percent; None: the driver's own choice.
        data_sample_point: percent, of the data phase.
        listen_only: send nothing, not even an acknowledgement.
        filters: of others' frames only these are received; all if empty.
        options: of this interface alone.
    """

    interface: str
    channel: str
    bitrate: int = 500_000
    data_bitrate: int | None = None
    sample_point: float | None = None
    data_sample_point: float | None = None
    listen_only: bool = False
    filters: tuple[Filter, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_fd(self) -> bool:
        """Whether the bus speaks CAN FD."""
        return self.data_bitrate is not None


@dataclass(frozen=True, slots=True)
class Drive:
    """What the driver gets.

    Attributes:
        row: what its interface is.
        channel: a number where the driver wants one.
        arguments: keywords for the driver, all of which it reads.
        timing: a whole bit timing, where it wants one.
    """

    row: Interface
    channel: str | int
    arguments: dict[str, Any]
    timing: Timing | None = None


def resolve(setup: CanSetup, where: str) -> Drive:
    """The words of the driver.

    Args:
        setup: the bench file's.
        where: how errors call the section: `bench.toml: bus.body`.

    Raises:
        UsageError: there is no such interface, or it doesn't take what the bench file says.
    """
    row = _row(setup.interface, where)
    _check_options(row, setup, where)
    timing = _timing(row, setup, where)
    arguments = dict(row.always) | _rates(row, setup, timing, where) | dict(setup.options)
    if setup.listen_only:
        arguments |= _listen_only(row, setup, where)
    return Drive(row, _channel(row, setup, where), arguments, timing)


def _row(interface: str, where: str) -> Interface:
    try:
        row = find(interface)
    except (ImportError, AttributeError) as error:
        mend = "mend or remove the package that brings it."
        raise UsageError(f"interface '{interface}' can't be loaded: {error}", where=where, remedy=mend) from error
    if row is None:
        raise UsageError(f"no interface '{interface}'", where=where, remedy=_near(interface, names()))
    return row


def _near(word: str, known: Iterable[str]) -> str:
    known = sorted(known)
    return did_you_mean(word, known, f"there is: {', '.join(known) or 'none'}.")


def _check_options(row: Interface, setup: CanSetup, where: str) -> None:
    known = {*row.options, *(row.fd_options if setup.is_fd else ())}
    for option, value in setup.options.items():
        if option in known:
            _check_kind(setup.interface, option, value, where)
            continue
        if option in _OWN_KEYS:
            key = _OWN_KEYS[option]
            mend = f"the bus has a key of its own for that: {key}." if key else "leave it out; the bench sees to that."
        elif option in row.fd_options:
            mend = "it has a meaning with CAN FD only: give data_bitrate, or leave it out."
        else:
            mend = _near(option, known)
        raise UsageError(f"{setup.interface} would ignore the option '{option}'", where=where, remedy=mend)


def _check_kind(interface: str, option: str, value: Any, where: str) -> None:
    if option in NUMBERS and type(value) is not int:
        raise UsageError(f"{interface}'s option '{option}' is a number, not {value!r}", where=where, remedy=_WITHOUT)
    if option in SWITCHES and type(value) is not bool:
        what = f"{interface}'s option '{option}' is true or false, not {value!r}"
        raise UsageError(what, where=where, remedy=_WITHOUT)


def _channel(row: Interface, setup: CanSetup, where: str) -> str | int:
    if not row.numbered:
        return setup.channel
    if not setup.channel.strip().isdigit():
        mend = 'write it as channel = "0".'
        raise UsageError(f"channels of {setup.interface} are numbers, not '{setup.channel}'", where=where, remedy=mend)
    return int(setup.channel)


# Rates and sample points ----------------------------------------------------------------------------------------------


def _timing(row: Interface, setup: CanSetup, where: str) -> Timing | None:
    """The whole bit timing, where the driver wants one or only so takes a sample point."""
    _check_points(setup, where)
    point, data_point = setup.sample_point, setup.data_sample_point
    if row.rates in (Rates.NONE, Rates.ELSEWHERE):
        if point is not None or data_point is not None:
            what = f"{setup.interface} would ignore the sample point"
            raise UsageError(what, where=where, remedy=f"leave it out: the bit rate is set by {row.rates.value}.")
        return None
    if row.rates is Rates.KERNEL:
        return None
    if setup.is_fd:
        return _flexible(row, setup, where) if row.fd is Fd.TIMING or point or data_point else None
    return _classic(row, setup, point, where) if point is not None else None


def _check_points(setup: CanSetup, where: str) -> None:
    for key, point in (("sample_point", setup.sample_point), ("data_sample_point", setup.data_sample_point)):
        if point is not None and not 50 <= point < 100:
            mend = f"write it as percent, between 50 and 100: {key} = 80."
            raise UsageError(f"a {key} of {point:g} is none", where=where, remedy=mend)
    if setup.data_sample_point is not None and not setup.is_fd:
        mend = "give data_bitrate, or leave it out."
        raise UsageError("data_sample_point has no meaning without CAN FD", where=where, remedy=mend)


def _classic(row: Interface, setup: CanSetup, point: float, where: str) -> Timing | None:
    if row.fixed_sample_point == point:
        return None
    if not row.clocks_Hz:
        raise _no_sample_point(row, setup, where)
    timing = bit_timing.classic(row.clocks_Hz, setup.bitrate, point)
    if timing is None:
        raise _no_rate(setup, where, setup.bitrate, row.clocks_Hz)
    _check_near(setup, where, "sample_point", point, timing.nominal.sample_point)
    return timing


def _flexible(row: Interface, setup: CanSetup, where: str) -> Timing | None:
    if row.fd is Fd.NO:
        return None  # `_rates` refuses it with better words
    asked = {point for point in (setup.sample_point, setup.data_sample_point) if point is not None}
    if asked == {row.fixed_sample_point}:
        return None
    if not row.fd_clocks_Hz:
        raise _no_sample_point(row, setup, where)
    assert setup.data_bitrate is not None
    point = setup.sample_point or FD_SAMPLE_POINT
    data_point = setup.data_sample_point or FD_SAMPLE_POINT
    timing = bit_timing.flexible(row.fd_clocks_Hz, (setup.bitrate, point), (setup.data_bitrate, data_point))
    if timing is None or timing.data is None:
        raise _no_rate(setup, where, max(setup.bitrate, setup.data_bitrate), row.fd_clocks_Hz)
    _check_near(setup, where, "sample_point", point, timing.nominal.sample_point)
    _check_near(setup, where, "data_sample_point", data_point, timing.data.sample_point)
    return timing


def _no_sample_point(row: Interface, setup: CanSetup, where: str) -> UsageError:
    fixed = f"; it samples at {row.fixed_sample_point:g} %" if row.fixed_sample_point is not None else ""
    mend = "leave it out, or use another interface of the adapter (SocketCAN takes one by 'ip link')."
    return UsageError(f"{setup.interface} takes no sample point{fixed}", where=where, remedy=mend)


def _no_rate(setup: CanSetup, where: str, bitrate: int, clocks_Hz: tuple[int, ...]) -> UsageError:
    clocks = " or ".join(f"{clock / 1e6:g}" for clock in clocks_Hz)
    what = f"no divider of {clocks} MHz gives {setup.interface} {bitrate} bit/s"
    return UsageError(what, where=where, remedy="correct the bit rate.")


def _check_near(setup: CanSetup, where: str, key: str, asked: float, got: float) -> None:
    if abs(asked - got) > NEAR_POINTS:
        what = f"{setup.interface} can't sample at {asked:g} %"
        raise UsageError(what, where=where, remedy=f"the nearest that it can is {key} = {got:.1f}.")


def _rates(row: Interface, setup: CanSetup, timing: Timing | None, where: str) -> dict[str, Any]:
    _check_fd(row, setup, where)
    arguments: dict[str, Any] = {row.fd_key: setup.is_fd} if row.fd_key else {}
    if row.rates is not Rates.ARGUMENT or timing is not None:
        return arguments
    if row.bitrates and setup.bitrate not in row.bitrates and not (setup.is_fd and row.fd_options):
        more = ", others with a sample_point" if row.clocks_Hz else ""
        mend = f"it knows {', '.join(map(str, row.bitrates))}{more}."
        raise UsageError(f"{setup.interface} has no bit rate of {setup.bitrate}", where=where, remedy=mend)
    arguments["bitrate"] = setup.bitrate
    if setup.is_fd:
        arguments[row.data_key] = setup.data_bitrate
    return arguments


def _check_fd(row: Interface, setup: CanSetup, where: str) -> None:
    if setup.is_fd and row.fd is Fd.NO:
        mend = "leave data_bitrate out, or use an adapter with CAN FD."
        raise UsageError(f"{setup.interface} has no CAN FD", where=where, remedy=mend)


def _listen_only(row: Interface, setup: CanSetup, where: str) -> dict[str, Any]:
    if row.rates is Rates.KERNEL:
        return {}
    if not row.listen_only:
        mend = "leave it out; restbus = false keeps the bench silent."
        raise UsageError(f"{setup.interface} would ignore listen_only", where=where, remedy=mend)
    return dict(row.listen_only)


__all__ = ["FD_SAMPLE_POINT", "NEAR_POINTS", "CanSetup", "Drive", "resolve"]
