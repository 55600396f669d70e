"""The CAN port over a raw SocketCAN socket of our own: a frame costs one system call and no object of a library.

The loop reads the socket until it is empty, at most `_AT_ONCE` frames, then others have their turn. Stamps are the
adapter's own where it has a clock, mapped by an `ArrivalMap`; else the kernel's, mapped by a `ClockMap`. Own frames
come back from the bus; `MSG_CONFIRM` says that this very socket sent them, `MSG_DONTROUTE` that some program on this
host did, so what the broadcast manager sent is told from what an ECU in a process beside the bench sent. How many
frames the socket dropped because nobody read it stands beside the next frame; a controller that ran over says so by an
error frame. Both become a `Gap`.

Not for: other interfaces than SocketCAN (`hil.can.pythoncan`), and the interface's bit rate (`hil.can.link_care`).
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterable, Mapping, Sized
from typing import Any, Final

from hil.can import link, losses, raw_frames
from hil.can.allowed import check_allowed
from hil.can.bcm import BroadcastManager, Key
from hil.can.filters import Filter, Gate
from hil.can.frames import ERROR, EXTENDED, SENT, new_frame
from hil.can.gaps import Gap, OnGap, nobody
from hil.can.kernel_stamps import CLOCK_SET, KernelStamps
from hil.can.link_care import LinkCare
from hil.can.port import OnFrame, OnLost
from hil.can.stamps import ArrivalMap
from hil.clock import RealClock
from hil.errors import BenchError
from hil.journal import Origin

_AT_ONCE: Final = 256
_KERNEL: Final = Origin.KERNEL
_FRAME_BYTES: Final = raw_frames.FD_BYTES
_ANCILLARY: Final = 160
"""Room for the kernel's stamp, a count, and the adapter's stamps, each with its head."""
_HARDWARE_RESOLUTION_NS: Final = 1_000
_FROM_THIS_HOST, _FROM_US = 0x4, 0x800
"""MSG_DONTROUTE, MSG_CONFIRM."""
_BUFFER_BYTES: Final = 4 << 20
"""What the socket is asked to hold: half a second of a full bus. Without the right to more, the kernel gives
`net.core.rmem_max`."""
_SO_RCVBUFFORCE: Final = 33
_CAN_RAW_ERR_FILTER: Final = 2
_ALL_ERRORS: Final = 0x1FFF_FFFF
_COUNTS: Final = 1 << 32
_MOST_CHECKED: Final = 4096
_FILTER: Final = struct.Struct("=II")
NOT_READ: Final = "the bench did not read the socket in time"

_EXTENDED_ID: Final = 0x8000_0000
"""In a filter's identifier: 29 bits; in its mask: the one or the other, not both."""

MakeSocket = Callable[[], socket.socket]


class SocketCanPort:
    """A node on a SocketCAN interface: a `CanPort`, and a `TellsGaps`.

    Args:
        clock: the real clock.
        bus: name of the bus in the bench file.
        channel: the interface, `can0`.
        fd: whether CAN FD frames are sent and taken.
        listen_only: refuse to send.
        filters: of others' frames only these are taken; all if empty.
        kernel_cycles: let the kernel's broadcast manager send what is cyclic.
        care: sees to the bit rate of the interface; None: nobody does.
        make_socket: gives the open socket in the place of one on `channel`: any that carries such frames.

    Attributes:
        broadcast_manager: who sends cyclic frames in the kernel; None where nobody does.
        on_gap: told of frames that were lost.
        read_ns: bench time at which the frame was read that is being told.
    """

    def __init__(
        self,
        *,
        clock: RealClock,
        bus: str,
        channel: str,
        fd: bool = False,
        listen_only: bool = False,
        filters: Iterable[Filter] = (),
        kernel_cycles: bool = False,
        care: LinkCare | None = None,
        make_socket: MakeSocket | None = None,
    ) -> None:
        self.bus, self._care = bus, care
        self.on_gap: OnGap = nobody
        self._clock, self._channel, self._fd = clock, channel, fd
        self._listen_only, self._gate = listen_only, Gate(filters)
        self._make_socket = make_socket or self._make
        self._socket: socket.socket | None = None
        self._stamps = KernelStamps(clock, on_step=self._on_step)
        self._adapter = ArrivalMap(resolution_ns=_HARDWARE_RESOLUTION_NS)
        self._last_ns = self._dropped = self.read_ns = 0
        self._checked: dict[tuple[int, int, int], tuple[bytes, bytes]] = {}
        self.broadcast_manager: BroadcastManager | None = None
        if kernel_cycles:
            self.broadcast_manager = BroadcastManager(channel, self.where)
            self.broadcast_manager.drain, self.broadcast_manager.admit = self._drain, self._admit
        self._on_frame: OnFrame
        self._on_lost: OnLost

    @property
    def where(self) -> str:
        """How errors call this port."""
        return f"bus.{self.bus} (socketcan {self._channel})"

    # Opening and closing ------------------------------------------------------------------------------------------

    async def open(self, on_frame: OnFrame, on_lost: OnLost) -> None:
        """Open the interface.

        Raises:
            BenchError: there is no SocketCAN, no such interface, it is down, or otherwise than the bench file says.
        """
        self._on_frame, self._on_lost = on_frame, on_lost
        if self._care is not None:
            self._take_care(self._care)
        self._dropped, self._last_ns = 0, self._clock.now_ns
        try:
            self._socket = self._make_socket()
        except (AttributeError, OSError) as error:
            self._shut()
            mend = f"is the interface there and up? Try: ip -details link show {self._channel}"
            raise BenchError(f"can't be opened: {_why(error)}", where=self.where, remedy=mend) from error
        self._refuse_down(self._socket)
        if self.broadcast_manager is not None:
            self._open_manager(self.broadcast_manager)
        self._socket.setblocking(False)
        self._clock.loop.add_reader(self._socket.fileno(), self._read_ready)

    def _refuse_down(self, made: socket.socket) -> None:
        """A socket may be bound to an interface that is down or bus-off: its error and the kernel's state say so."""
        number = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if losses.is_down(number):
            self._shut()
            raise losses.broke(OSError(number, os.strerror(number)), where=self.where)
        if state_of(self._channel) == link.BUS_OFF:
            self._shut()
            raise losses.still_bus_off(where=self.where)

    def _take_care(self, care: LinkCare) -> None:
        try:
            care.take()
        except BenchError as error:
            care.let_go()
            raise BenchError(error.what, where=self.where, remedy=error.remedy) from error

    def _make(self) -> socket.socket:
        made = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
        try:
            self._set_up(made)
            made.bind((self._channel,))
        except OSError:
            made.close()
            raise
        return made

    def _set_up(self, made: socket.socket) -> None:
        made.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_RECV_OWN_MSGS, 1)
        made.setsockopt(socket.SOL_CAN_RAW, _CAN_RAW_ERR_FILTER, _ALL_ERRORS)
        if self._fd:
            made.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FD_FRAMES, 1)
        if self._gate.filters:
            self._filter(made)
        ask_for_stamps(made)

    def _open_manager(self, manager: BroadcastManager) -> None:
        try:
            manager.open()
        except BenchError:
            self._shut()
            raise

    async def close(self) -> None:
        """Let the interface go."""
        self._shut()

    def _shut(self) -> None:
        gone, self._socket = self._socket, None
        if self.broadcast_manager is not None:
            self.broadcast_manager.close()
        if gone is not None:
            self._clock.loop.remove_reader(gone.fileno())
            with contextlib.suppress(OSError):
                gone.close()
        if self._care is not None:
            self._care.let_go()

    # Receiving ----------------------------------------------------------------------------------------------------

    def _read_ready(self) -> None:
        """Read until somebody who waited for a frame can go on: what is left the loop tells again."""
        loop = self._clock.loop
        self._read(loop.waiting, loop.has_answer)

    def _drain(self) -> None:
        self._read((), bool)

    def _read(self, waiting: Sized, has_answer: Callable[[], bool]) -> None:
        ours, before = self._socket, len(waiting)
        try:
            for _ in range(_AT_ONCE):
                if ours is None or self._socket is not ours:
                    return
                raw, ancillary, marks, _ = ours.recvmsg(_FRAME_BYTES, _ANCILLARY)
                self._take(raw, ancillary, marks)
                if has_answer() or len(waiting) > before:
                    return
        except BlockingIOError:
            return
        except (OSError, ValueError) as error:
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        if self._socket is None:
            return
        self._shut()
        mend = f"check the adapter and its cable; ip -details link show {self._channel}"
        lost = error if isinstance(error, BenchError) else losses.broke(error, where=self.where, remedy=mend)
        self._on_lost(lost)

    def _take(self, raw: bytes, ancillary: list[tuple[int, int, bytes]], marks: int) -> None:
        self.read_ns = now_ns = self._clock.now_ns
        plain = None if self._dropped else raw_frames.plain(raw, ancillary)
        if plain is None:
            self._take_any(raw, ancillary, marks)
            return
        can_id, data, stamp_ns = plain
        self._last_ns = t_ns = self._stamps.bench_ns(stamp_ns, now_ns)
        is_ours = marks & _FROM_US or (marks & _FROM_THIS_HOST and self._took(can_id, data, 0, t_ns))
        self._on_frame(new_frame((t_ns, self.bus, can_id, data, SENT if is_ours else 0, _KERNEL)))

    def _take_any(self, raw: bytes, ancillary: list[tuple[int, int, bytes]], marks: int) -> None:
        can_id, data, flags = raw_frames.unpack(raw)
        stamp_ns, dropped, hardware_ns = raw_frames.beside(ancillary)
        t_ns, origin = self._bench_time(stamp_ns, hardware_ns, self.read_ns)
        if dropped != self._dropped:
            self._tell_gap(t_ns, (dropped - self._dropped) % _COUNTS, NOT_READ)
            self._dropped = dropped
        if flags & ERROR and raw_frames.is_overrun(can_id, data, flags):
            self._tell_gap(t_ns, 0, raw_frames.OVERRUN)
        self._last_ns = t_ns
        if marks & _FROM_US or (marks & _FROM_THIS_HOST and self._took(can_id, data, flags, t_ns)):
            flags |= SENT
        self._on_frame(new_frame((t_ns, self.bus, can_id, data, flags, origin)))
        if flags & ERROR and (gave_up := losses.bus_off(can_id, flags, data, where=self.where)):
            self._lose(gave_up)

    def _took(self, can_id: int, data: bytes, flags: int, t_ns: int) -> bool:
        """Whether the kernel sent a frame for us."""
        manager = self.broadcast_manager
        return manager is not None and manager.took((can_id, flags & EXTENDED), data, t_ns)

    def _tell_gap(self, t_ns: int, count: int, why: str) -> None:
        self.on_gap(Gap(self.bus, min(self._last_ns, t_ns), t_ns, count, why))

    def _bench_time(self, stamp_ns: int, hardware_ns: int, now_ns: int) -> tuple[int, Origin]:
        if not stamp_ns:
            return now_ns, Origin.HOST
        t_ns = self._stamps.bench_ns(stamp_ns, now_ns)
        if not hardware_ns:
            return t_ns, Origin.KERNEL
        arrived_ns = self._clock.to_monotonic_ns(t_ns)
        return t_ns - (arrived_ns - self._adapter.to_host_ns(hardware_ns, arrived_ns)), Origin.HARDWARE

    def _on_step(self, from_ns: int, to_ns: int) -> None:
        """The stamps of a second may be wrong: as if what lay in it had not been seen."""
        self.on_gap(Gap(self.bus, from_ns, to_ns, 0, CLOCK_SET))

    @property
    def bound_ns(self) -> int:
        """Bound on the error of a stamp now."""
        kernel_ns = self._stamps.bound_ns
        if self._adapter.offset_ns is None:
            return kernel_ns
        return kernel_ns + self._adapter.bound_ns(self._clock.to_monotonic_ns(self._clock.now_ns))

    def _admit(self, key: Key) -> None:
        """What the bench sends comes back through the filters."""
        if self._gate.admit(*key) and self._socket is not None:
            self._filter(self._socket)

    def _filter(self, made: socket.socket) -> None:
        made.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FILTER, packed_filters(self._gate.filters))

    # Sending ------------------------------------------------------------------------------------------------------

    def send(self, can_id: int, data: bytes, flags: int = 0) -> None:
        """Hand a frame to the kernel.

        Raises:
            UsageError: no bus can carry it.
            BenchError: the interface is closed, or its queue is full.
        """
        shape = (can_id, flags, len(data))
        ends = self._checked.get(shape) or self._check(shape, data)
        if self._socket is None:
            raise BenchError("is closed", where=self.where)
        try:
            self._socket.send(ends[0] + data + ends[1])
        except OSError as error:
            raise losses.cannot_send(error, where=self.where) from error

    def _check(self, shape: tuple[int, int, int], data: bytes) -> tuple[bytes, bytes]:
        """Of frames that differ only in their bytes one is looked at, and let back in through the filters.

        Returns:
            What stands before and behind the bytes of each.
        """
        can_id, flags, length = shape
        check_allowed(self.where, can_id, data, flags, fd=self._fd, listen_only=self._listen_only)
        if self._gate.filters:
            self._admit((can_id, flags & EXTENDED))
        if len(self._checked) >= _MOST_CHECKED:
            self._checked.clear()
        raw = raw_frames.pack(can_id, data, flags)
        self._checked[shape] = ends = raw[: raw_frames.HEAD_BYTES], raw[raw_frames.HEAD_BYTES + length :]
        return ends


def packed_filters(filters: Iterable[Filter]) -> bytes:
    """Filters as the kernel takes them: `struct can_filter` one after another."""
    marks = ((_EXTENDED_ID if one.extended else 0, one) for one in filters)
    return b"".join(_FILTER.pack(one.can_id | mark, one.bits | _EXTENDED_ID) for mark, one in marks)


def takes(interface: str, options: Mapping[str, Any]) -> bool:
    """Whether this port can stand for python-can's: it is SocketCAN, with no option that this port doesn't know."""
    return interface == "socketcan" and options.keys() <= {"fd", "bitrate"}


def state_of(channel: str) -> str:
    """What the kernel says of an interface's controller; empty where there is none, or it doesn't say."""
    try:
        return link.read(channel).state
    except BenchError:
        return ""


def ask_for_stamps(made: Any) -> None:
    """Have a socket say when each frame came and how many were dropped, and hold as many as it may."""
    for option in (raw_frames.SO_TIMESTAMPNS, raw_frames.SO_RXQ_OVFL):
        made.setsockopt(socket.SOL_SOCKET, option, 1)
    with contextlib.suppress(OSError):  # a kernel that doesn't know it has no such stamps either
        made.setsockopt(socket.SOL_SOCKET, raw_frames.SO_TIMESTAMPING, raw_frames.HARDWARE_STAMPS)
    try:
        made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
    except OSError:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)


def _why(error: Exception) -> str:
    if isinstance(error, AttributeError):
        return "this system has no SocketCAN"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


__all__ = ["NOT_READ", "SocketCanPort", "ask_for_stamps", "packed_filters", "state_of", "takes"]
