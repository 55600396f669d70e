"""A CAN interface of the Linux kernel: its bit timing, state and counters, read and set through netlink.

Rules of this module: everything is read from the kernel anew, nothing is kept. Setting needs the right to administer
the network (root, or CAP_NET_ADMIN). An interface is taken down to be set, since the kernel allows it only there.
Layouts: linux/can/netlink.h, linux/if_link.h.

Not for: frames and error frames (`hil.can.pythoncan`); adapters that are no network interface.
"""

from __future__ import annotations

import errno
import socket
import struct
from dataclasses import dataclass
from typing import Final

from hil.can import netlink
from hil.errors import BenchError

STATES: Final = ("error-active", "error-warning", "error-passive", "bus-off", "stopped", "sleeping")
BUS_OFF: Final = "bus-off"
QUEUE_FRAMES: Final = 1000
"""How many frames may wait in the kernel: its own ten are fewer than a bench sends at one instant."""
_LINKINFO, _STATS64, _TXQLEN = 18, 23, 13
_KIND, _DATA, _XSTATS = 1, 2, 3
_BITTIMING, _CLOCK, _STATE, _MODE, _RESTART_MS, _RESTART, _COUNTERS, _DATA_BITTIMING = 1, 3, 4, 5, 6, 7, 8, 9
_LISTEN_ONLY, _FD = 0x02, 0x20
_TIMING: Final = struct.Struct("=8I")
_U32: Final = struct.Struct("=I")


@dataclass(frozen=True, slots=True)
class BitTiming:
    """How a controller divides a bit.

    Attributes:
        bitrate: bit/s, as the clock of the controller gives it.
        sample_point: 0 to 1.
        tq_ns: one time quantum.
        quanta: (propagation, phase 1, phase 2, jump width).
        prescaler: of the controller's clock.
    """

    bitrate: int
    sample_point: float
    tq_ns: int
    quanta: tuple[int, int, int, int]
    prescaler: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the kernel counted on an interface since it came into being."""

    received: int
    sent: int
    receive_errors: int
    send_errors: int
    receive_dropped: int
    send_dropped: int


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """What a controller's driver counted since the interface came into being."""

    bus_errors: int = 0
    warnings: int = 0
    passives: int = 0
    bus_offs: int = 0
    arbitrations_lost: int = 0
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class LinkState:
    """A CAN interface as it is now.

    Attributes:
        kind: `can` of a controller, `vcan` of a virtual interface, which has neither timing nor state.
        up: whether it is up.
        timing: None: not set, or no controller.
        data_timing: of the data phase of CAN FD.
        state: one of `STATES`; empty where there is no controller.
        restart_ms: how long after bus-off the kernel restarts it; 0: it doesn't.
        listen_only: whether it acknowledges and sends nothing.
        fd: whether it is set to CAN FD.
        transmit_errors: the controller's counter (TEC); None where its driver doesn't tell.
        receive_errors: the controller's counter (REC).
    """

    channel: str
    kind: str
    up: bool
    timing: BitTiming | None
    data_timing: BitTiming | None
    state: str
    restart_ms: int
    listen_only: bool
    fd: bool
    clock_Hz: int
    transmit_errors: int | None
    receive_errors: int | None
    counts: ErrorCounts
    traffic: Traffic

    @property
    def is_controller(self) -> bool:
        """Whether there is a bit rate to set."""
        return self.kind == "can"


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What an interface is to be set to.

    Attributes:
        bitrate: bit/s.
        sample_point: 0 to 1; None: as the kernel recommends (CiA 301).
        data_bitrate: with it the interface is set to CAN FD.
        data_sample_point: of the data phase.
        restart_ms: 0: a restart after bus-off is asked for (`restart`).
        listen_only: acknowledge and send nothing.
    """

    bitrate: int
    sample_point: float | None = None
    data_bitrate: int | None = None
    data_sample_point: float | None = None
    restart_ms: int = 0
    listen_only: bool = False


def read(channel: str) -> LinkState:
    """The interface as it is now.

    Raises:
        BenchError: there is none of that name, or it is no CAN interface.
    """
    try:
        flags, attributes = netlink.ask(netlink.request(netlink.RTM_GETLINK, _index(channel), b""))
    except OSError as error:
        raise _refused(channel, error) from error
    state = parse(channel, flags, attributes)
    if state.kind not in ("can", "vcan", "vxcan"):
        mend = "name a CAN interface: ip link show type can, type vcan."
        raise BenchError(f"is no CAN interface, but '{state.kind or 'none'}'", where=channel, remedy=mend)
    return state


def parse(channel: str, flags: int, attributes: netlink.Attributes) -> LinkState:
    """What the kernel's answer says of an interface. Pure."""
    info = netlink.unpack(attributes.get(_LINKINFO, b""))
    data = netlink.unpack(info.get(_DATA, b"")) if info.get(_KIND) == b"can\0" else {}
    state = _number(data, _STATE, len(STATES))
    mode = data.get(_MODE, bytes(8))
    counters = data.get(_COUNTERS)
    transmit, receive = (None, None) if counters is None else struct.unpack("=2H", counters)
    return LinkState(
        channel=channel,
        kind=info.get(_KIND, b"").rstrip(b"\0").decode(),
        up=bool(flags & netlink.IFF_UP),
        timing=_timing(data.get(_BITTIMING)),
        data_timing=_timing(data.get(_DATA_BITTIMING)),
        state=STATES[state] if state < len(STATES) else "",
        restart_ms=_number(data, _RESTART_MS, 0),
        listen_only=bool(_U32.unpack_from(mode, 4)[0] & _LISTEN_ONLY),
        fd=bool(_U32.unpack_from(mode, 4)[0] & _FD),
        clock_Hz=_number(data, _CLOCK, 0),
        transmit_errors=transmit,
        receive_errors=receive,
        counts=_counts(info.get(_XSTATS)),
        traffic=_traffic(attributes.get(_STATS64, b"")),
    )


def configure(channel: str, settings: LinkSettings) -> LinkState:
    """Take an interface down, set it, bring it up; what came of it.

    Raises:
        BenchError: there is none, it is no controller, the kernel refuses, or the clock of the controller gives
            another bit rate.
    """
    if not read(channel).is_controller:
        mend = "set controllers only: a virtual interface has none."
        raise BenchError("has no bit rate to set", where=channel, remedy=mend)
    bring(channel, up=False)
    _change(channel, _settings(settings))
    bring(channel, up=True)
    state = read(channel)
    if state.timing is None or state.timing.bitrate != settings.bitrate:
        got = "none" if state.timing is None else f"{state.timing.bitrate} bit/s"
        mend = f"choose a bit rate that its clock of {state.clock_Hz / 1e6:g} MHz gives."
        raise BenchError(f"was set to {settings.bitrate} bit/s and has {got}", where=channel, remedy=mend)
    return state


def bring(channel: str, *, up: bool) -> None:
    """Bring an interface up, or take it down.

    Raises:
        BenchError: there is none, or the kernel refuses.
    """
    _change(channel, b"", flags=netlink.IFF_UP if up else 0, change=netlink.IFF_UP)


def restart(channel: str) -> None:
    """Restart a controller that is bus-off, where the kernel doesn't by itself.

    Raises:
        BenchError: the kernel refuses: it isn't bus-off, or restarts by itself.
    """
    _change(channel, _can({_RESTART: _U32.pack(1)}))


def _settings(settings: LinkSettings) -> bytes:
    data = {
        _BITTIMING: _timing_wanted(settings.bitrate, settings.sample_point),
        _RESTART_MS: _U32.pack(settings.restart_ms),
    }
    flags = (_LISTEN_ONLY if settings.listen_only else 0) | (_FD if settings.data_bitrate else 0)
    data[_MODE] = struct.pack("=2I", _LISTEN_ONLY | _FD, flags)
    if settings.data_bitrate:
        data[_DATA_BITTIMING] = _timing_wanted(settings.data_bitrate, settings.data_sample_point)
    return netlink.pack({_TXQLEN: _U32.pack(QUEUE_FRAMES)}) + _can(data)


def _timing_wanted(bitrate: int, sample_point: float | None) -> bytes:
    return _TIMING.pack(bitrate, round((sample_point or 0.0) * 1000), 0, 0, 0, 0, 0, 0)


def _can(data: netlink.Attributes) -> bytes:
    info = netlink.pack({_KIND: b"can"}) + netlink.pack({_DATA: netlink.pack(data)}, nested=True)
    return netlink.pack({_LINKINFO: info}, nested=True)


def _change(channel: str, body: bytes, *, flags: int = 0, change: int = 0) -> None:
    try:
        message = netlink.request(netlink.RTM_NEWLINK, _index(channel), body, flags=flags, change=change)
        netlink.ask(message)
    except OSError as error:
        raise _refused(channel, error) from error


def _index(channel: str) -> int:
    try:
        return socket.if_nametoindex(channel)
    except OSError as error:
        mend = "plug the adapter in, load its driver, or correct the name: ip link show."
        raise BenchError("there is no such interface", where=channel, remedy=mend) from error


_MENDS: Final = {
    errno.EPERM: "run as root, or set the interface beforehand: ip link set.",
    errno.EBUSY: "only a controller that is bus-off can be restarted, and only a closed interface be set.",
    errno.EOPNOTSUPP: "its driver can't; leave that option out.",
    errno.EDOM: "choose a bit rate and a sample point that its controller has: ip -details link show.",
    errno.EINVAL: "choose settings that its controller has: ip -details link show.",
}

_SILENT: Final = {errno.ETIMEDOUT, errno.EPROTO, errno.EPIPE, errno.ESHUTDOWN, errno.EILSEQ, errno.EIO}
"""What a driver says of a USB adapter that was pulled while it was asked, or hangs."""


def _refused(channel: str, error: OSError) -> BenchError:
    if error.errno in _SILENT:
        mend = "plug it in anew; 'dmesg' tells whether it was lost."
        return BenchError(f"the adapter does not answer: {error.strerror}", where=channel, remedy=mend)
    mend = _MENDS.get(error.errno or 0, "see what the kernel says: dmesg.")
    return BenchError(f"the kernel refuses: {error.strerror}", where=channel, remedy=mend)


def _number(data: netlink.Attributes, kind: int, otherwise: int) -> int:
    return int(_U32.unpack(data[kind])[0]) if kind in data else otherwise


def _timing(data: bytes | None) -> BitTiming | None:
    if data is None:
        return None
    bitrate, point, tq_ns, propagation, phase1, phase2, jump, prescaler = _TIMING.unpack(data)
    if not bitrate:
        return None
    return BitTiming(bitrate, point / 1000, tq_ns, (propagation, phase1, phase2, jump), prescaler)


def _counts(data: bytes | None) -> ErrorCounts:
    return ErrorCounts() if data is None else ErrorCounts(*struct.unpack_from("=6I", data))


def _traffic(data: bytes) -> Traffic:
    received, sent, _, _, *rest = struct.unpack_from("=8Q", data) if len(data) >= 64 else (0,) * 8
    return Traffic(received, sent, *rest)


__all__ = [
    "BUS_OFF", "QUEUE_FRAMES", "STATES", "BitTiming", "ErrorCounts", "LinkSettings", "LinkState", "Traffic", "bring",
    "configure", "parse", "read", "restart",
]  # fmt: skip
