"""The CAN port over any python-can interface. The only file that imports `can` to drive hardware.

Where the interface has a file descriptor the loop reads it itself; elsewhere a thread waits and posts. Stamps:
SocketCAN and UDP carry the kernel's real-time clock, mapped by a `ClockMap`; of the rest the arrival on the host.
Own frames: SocketCAN gives them back from the wire, with a flag that says so; multicast gives them back too, with a tag
that tells whose they are; for the rest the instant of `send` stands in, marked as the host's.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import Any, Final

import can

from hil.can.bcm import BroadcastManager
from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT, CanFrame, check_frame
from hil.can.port import OnFrame, OnLost
from hil.clock import ClockMap, RealClock, realtime_map
from hil.errors import BenchError
from hil.journal import Origin

_KERNEL_STAMPED: Final = frozenset({"socketcan", "udp_multicast"})
_ECHOES: Final = frozenset({"socketcan"})
_TAGGED: Final = frozenset({"udp_multicast"})
_RESAMPLE_NS: Final = 1_000_000_000
_POLL_S: Final = 0.2
_PEEK: Final = socket.MSG_PEEK | getattr(socket, "MSG_DONTWAIT", 0)
_CONFIRM: Final = 0x800
"""MSG_CONFIRM: this very socket sent the frame. python-can's `is_rx` says only that some program on this host did, so
that an ECU in a process beside the bench would pass for the bench."""
_FLOAT_STAMP_NS: Final = 240
"""Resolution of a real-time stamp in float seconds, as python-can hands it over."""


class PythonCanPort:
    """A node on a real (or UDP) bus: a `CanPort`.

    Args:
        clock: the real clock.
        bus: name of the bus in the bench file.
        interface: python-can's name of the interface.
        channel: channel of that interface.
        options: further options of the interface (bitrate, fd, ...), as python-can takes them.
        kernel_cycles: let the kernel send what is cyclic; on SocketCAN only.

    Attributes:
        broadcast_manager: who sends cyclic frames in the kernel; None where nobody does.
    """

    def __init__(
        self,
        *,
        clock: RealClock,
        bus: str,
        interface: str,
        channel: str,
        options: dict[str, Any] | None = None,
        kernel_cycles: bool = False,
    ) -> None:
        self.bus = bus
        self._clock, self._interface, self._channel = clock, interface, channel
        self._options = dict(options or {})
        self._tag = f"hil-{os.getpid()}-{id(self):x}"
        self._driver: can.BusABC | None = None
        self._thread: threading.Thread | None = None
        self._map: ClockMap = realtime_map()
        self._mapped_ns = 0
        self.broadcast_manager: BroadcastManager | None = None
        if kernel_cycles and interface in _ECHOES:
            self.broadcast_manager = BroadcastManager(channel, self.where)
            self.broadcast_manager.drain = self._read_ready
        self._on_frame: OnFrame
        self._on_lost: OnLost

    @property
    def where(self) -> str:
        """How errors call this port."""
        return f"bus.{self.bus} ({self._interface} {self._channel})"

    async def open(self, on_frame: OnFrame, on_lost: OnLost) -> None:
        """Open the interface.

        Raises:
            BenchError: python-can can't: no such interface, channel or permission.
        """
        self._on_frame, self._on_lost = on_frame, on_lost
        options = dict(self._options)
        if self._interface in _ECHOES:
            options["receive_own_messages"] = True
        try:
            self._driver = can.Bus(interface=self._interface, channel=self._channel, **options)
        except (can.CanError, OSError, ValueError, TypeError, ImportError, NotImplementedError) as error:
            raise BenchError(
                f"can't be opened: {error}",
                where=self.where,
                remedy="check interface and channel in the bench file, and that the interface is up.",
            ) from error
        if self.broadcast_manager is not None:
            self._open_manager(self.broadcast_manager)
        self._listen(self._driver)

    def _open_manager(self, manager: BroadcastManager) -> None:
        try:
            manager.open()
        except BenchError:
            self._shut()
            raise

    def _listen(self, driver: can.BusABC) -> None:
        descriptor = _descriptor(driver)
        if descriptor is not None:
            self._clock.loop.add_reader(descriptor, self._read_ready)
            return
        self._thread = threading.Thread(target=self._read_forever, name=f"hil-can-{self.bus}", daemon=True)
        self._thread.start()

    def _read_ready(self) -> None:
        driver = self._driver
        try:
            while driver is not None:
                own = self._interface in _ECHOES and _next_is_own(driver)
                message = driver.recv(timeout=0)
                if message is None:
                    return
                self._deliver(driver, message, own or self._is_tagged(message))
        except (can.CanError, OSError) as error:
            self._lose(error)

    def _read_forever(self) -> None:
        while (driver := self._driver) is not None:
            try:
                message = driver.recv(timeout=_POLL_S)
            except (can.CanError, OSError) as error:
                self._clock.post(self._lose, error)
                return
            if message is not None:
                self._clock.post(self._deliver, driver, message, False, self._monotonic_ns())

    def _lose(self, error: Exception) -> None:
        if self._driver is None:
            return
        self._shut()
        self._on_lost(BenchError(f"broke: {error}", where=self.where, remedy="check the adapter and its cable."))

    def _deliver(self, driver: can.BusABC, message: can.Message, own: bool, arrived_ns: int | None = None) -> None:
        """Hand a frame on, unless the port was closed since."""
        if driver is not self._driver:
            return
        frame = self._frame(message, own, self._monotonic_ns() if arrived_ns is None else arrived_ns)
        if self.broadcast_manager is not None and not own and not message.is_rx and self._took(frame):
            frame = frame._replace(flags=frame.flags | SENT)
        self._on_frame(frame)

    def _took(self, frame: CanFrame) -> bool:
        """Whether the kernel sent a frame for us."""
        manager = self.broadcast_manager
        return manager is not None and manager.took((frame.can_id, frame.flags & EXTENDED), frame.data, frame.t_ns)

    def _deliver_own(self, driver: can.BusABC, frame: CanFrame) -> None:
        if driver is self._driver:
            self._on_frame(frame)

    def _monotonic_ns(self) -> int:
        return self._clock.to_monotonic_ns(self._clock.now_ns)

    def _frame(self, message: can.Message, own: bool, arrived_ns: int) -> CanFrame:
        t_ns, origin = self._stamp(message, arrived_ns)
        flags = _flags(message) | (SENT if own else 0)
        return CanFrame(t_ns, self.bus, message.arbitration_id, bytes(message.data), flags, origin)

    def _is_tagged(self, message: can.Message) -> bool:
        return self._interface in _TAGGED and bool(message.channel == self._tag)

    def _stamp(self, message: can.Message, arrived_ns: int) -> tuple[int, Origin]:
        now_ns = self._clock.now_ns
        if self._interface not in _KERNEL_STAMPED or not message.timestamp:
            return self._clock.from_monotonic_ns(arrived_ns), Origin.HOST
        if abs(now_ns - self._mapped_ns) > _RESAMPLE_NS:
            self._map.sample(2)
            self._mapped_ns = now_ns
        stamp_ns = self._map.to_host_ns(round(message.timestamp * 1e9))
        return self._clock.from_monotonic_ns(stamp_ns), Origin.KERNEL

    @property
    def bound_ns(self) -> int:
        """Bound on the error of a kernel stamp now."""
        return self._map.bound_ns(self._clock.to_monotonic_ns(self._clock.now_ns)) + _FLOAT_STAMP_NS

    def send(self, can_id: int, data: bytes, flags: int = 0) -> None:
        """Hand a frame to the interface.

        Raises:
            UsageError: no bus can carry it.
            BenchError: the interface is closed, or its queue is full.
        """
        check_frame(can_id, data, flags)
        driver = self._driver
        if driver is None:
            raise BenchError("is closed", where=self.where)
        message = self._message(can_id, data, flags)
        try:
            driver.send(message, timeout=None if self._interface in _TAGGED else 0)
        except (can.CanError, OSError) as error:
            raise BenchError(f"can't send: {error}", where=self.where, remedy="is anybody acknowledging?") from error
        if self._interface not in _ECHOES | _TAGGED:
            own = CanFrame(self._clock.now_ns, self.bus, can_id, data, flags | SENT, Origin.HOST)
            self._clock.post(self._deliver_own, driver, own)

    def _message(self, can_id: int, data: bytes, flags: int) -> can.Message:
        return can.Message(
            arbitration_id=can_id,
            data=data,
            is_extended_id=bool(flags & EXTENDED),
            is_fd=bool(flags & FD),
            bitrate_switch=bool(flags & BRS),
            error_state_indicator=bool(flags & ESI),
            is_remote_frame=bool(flags & REMOTE),
            channel=self._tag if self._interface in _TAGGED else None,
        )

    async def close(self) -> None:
        """Let the interface go."""
        self._shut()

    def _shut(self) -> None:
        driver, self._driver = self._driver, None
        if self.broadcast_manager is not None:
            self.broadcast_manager.close()
        if driver is None:
            return
        descriptor = _descriptor(driver)
        if descriptor is not None:
            self._clock.loop.remove_reader(descriptor)
        elif self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2 * _POLL_S)
        with contextlib.suppress(can.CanError, OSError):
            driver.shutdown()


def _next_is_own(driver: Any) -> bool:
    """Whether the frame that SocketCAN will give next was sent by this very socket."""
    try:
        return bool(driver.socket.recvmsg(1, 0, _PEEK)[2] & _CONFIRM)
    except BlockingIOError:
        return False


def _descriptor(driver: can.BusABC) -> int | None:
    if os.name == "nt":
        return None
    try:
        descriptor = int(driver.fileno())
    except (NotImplementedError, AttributeError, OSError, ValueError):
        return None
    return descriptor if descriptor >= 0 else None


def _flags(message: can.Message) -> int:
    return (
        (EXTENDED if message.is_extended_id else 0)
        | (FD if message.is_fd else 0)
        | (BRS if message.bitrate_switch else 0)
        | (ESI if message.error_state_indicator else 0)
        | (REMOTE if message.is_remote_frame else 0)
        | (ERROR if message.is_error_frame else 0)
    )
