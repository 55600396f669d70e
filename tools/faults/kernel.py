"""SocketCAN without a kernel that has it: sockets and an interface as the bench's port sees them.

Written from the kernel's net/can/raw.c and its documentation, not from `hil`: an interface that goes down gives
ENETDOWN once to whoever reads and to everybody who sends; one that is taken away ENODEV; bind succeeds while the
interface is down and leaves ENETDOWN in the socket's error; own frames come back with MSG_CONFIRM. Bus-off is told by
an error frame; from then on nothing goes out and the queue is soon full.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from hil.can import socketcan
from hil.can.link import BUS_OFF
from hil.can.raw_frames import SO_TIMESTAMPNS

_CONFIRM: Final = 0x800
_ERROR_FLAG: Final = 0x2000_0000
_BUS_OFF: Final = 0x40
_HEAD: Final = struct.Struct("=Bqq")
"""In front of a frame on its way to a socket: whether it is the socket's own, and its stamp."""
_FRAME: Final = struct.Struct("=IB3x8s")


class Interface:
    """One CAN interface.

    Attributes:
        state: 0 while it is up, else the error number that sockets get.
        is_bus_off: whether its controller gave up.
        sent: the frames that went out, newest last.
    """

    def __init__(self, name: str) -> None:
        self.name, self.state, self.is_bus_off = name, 0, False
        self.sockets: list[CanSocket] = []
        self.sent: list[tuple[int, bytes]] = []
        self.lock = threading.Lock()

    def fall(self, number: int) -> None:
        """The interface goes down (ENETDOWN) or is taken away (ENODEV)."""
        with self.lock:
            self.state = number
            for one in self.sockets:
                one.error = number
                one.wake()

    def rise(self) -> None:
        """It is up again, its controller restarted."""
        with self.lock:
            self.state, self.is_bus_off = 0, False

    def give_up(self) -> None:
        """The controller goes bus-off."""
        with self.lock:
            self.is_bus_off = True
        self.hear(_ERROR_FLAG | _BUS_OFF, b"\0" * 8)

    def hear(self, raw_id: int, data: bytes, own: CanSocket | None = None) -> None:
        """A frame was on the bus."""
        frame = _FRAME.pack(raw_id, len(data), data.ljust(8, b"\0"))
        with self.lock:
            if not self.state:
                for one in self.sockets:
                    one.hand(frame, own=one is own)


class CanSocket:
    """What `socket.socket(AF_CAN, SOCK_RAW, CAN_RAW)` gives, as far as the port uses it."""

    def __init__(self, interfaces: dict[str, Interface]) -> None:
        self._interfaces = interfaces
        self._near, self._far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._near.setblocking(False)
        self._far.setblocking(False)
        self._interface: Interface | None = None
        self.error = 0

    def fileno(self) -> int:
        """For select."""
        return self._near.fileno()

    def setblocking(self, blocking: bool) -> None:
        """It never blocks."""

    def getsockopt(self, level: int, option: int) -> int:
        """The socket's error, which is forgotten by it."""
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_ERROR)
        number, self.error = self.error, 0
        return number

    def bind(self, address: tuple[str]) -> None:
        """Join an interface. Raises: OSError: there is none of that name."""
        interface = self._interfaces.get(address[0])
        if interface is None or interface.state == errno.ENODEV:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        with interface.lock:
            self._interface, self.error = interface, interface.state
            interface.sockets.append(self)

    def wake(self) -> None:
        """Let whoever waits look at the error."""
        with contextlib.suppress(OSError):
            self._far.send(b"")

    def hand(self, frame: bytes, *, own: bool) -> None:
        """Queue a frame for the reader; a full queue drops it, as the kernel does."""
        stamp = time.time_ns()
        with contextlib.suppress(OSError):
            self._far.send(_HEAD.pack(own, stamp // 10**9, stamp % 10**9) + frame)

    def recvmsg(self, size: int, _: int) -> tuple[bytes, list[Any], int, tuple[str]]:
        """The next frame. Raises: OSError: the socket's error, once; or nothing is there."""
        if self.error:
            number, self.error = self.error, 0
            raise OSError(number, os.strerror(number))
        data = self._near.recv(1024)
        if not data:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        own, seconds, nanoseconds = _HEAD.unpack_from(data)
        stamp = (socket.SOL_SOCKET, SO_TIMESTAMPNS, struct.pack("@ll", seconds, nanoseconds))
        return data[_HEAD.size :][:size], [stamp], _CONFIRM if own else 0, ("",)

    def send(self, frame: bytes) -> int:
        """Put a frame on the bus. Raises: OSError: the interface is down or gone, or nothing leaves the queue."""
        interface = self._interface
        number = errno.ENXIO if interface is None else interface.state or (errno.ENOBUFS if interface.is_bus_off else 0)
        if interface is None or number:
            raise OSError(number, os.strerror(number))
        raw_id, length, data = _FRAME.unpack(frame)
        interface.sent.append((raw_id, data[:length]))
        del interface.sent[:-100]
        interface.hear(raw_id, data[:length], self)
        return len(frame)

    def close(self) -> None:
        """Leave the interface."""
        if self._interface is not None:
            with self._interface.lock, contextlib.suppress(ValueError):
                self._interface.sockets.remove(self)
        self._near.close()
        self._far.close()


@contextlib.contextmanager
def simulated(*names: str) -> Iterator[dict[str, Interface]]:
    """Interfaces in the place of the kernel's, for all SocketCAN ports of this process."""
    interfaces = {name: Interface(name) for name in names}

    def make(port: Any) -> CanSocket:
        made = CanSocket(interfaces)
        try:
            made.bind((port._channel,))
        except OSError:
            made.close()
            raise
        return made

    before = socketcan.SocketCanPort._make, socketcan.state_of
    socketcan.SocketCanPort._make = make  # type: ignore[method-assign, assignment]
    socketcan.state_of = lambda channel: BUS_OFF if interfaces[channel].is_bus_off else ""
    try:
        yield interfaces
    finally:
        socketcan.SocketCanPort._make, socketcan.state_of = before  # type: ignore[method-assign]
