"""What the kernel does of CAN, for tests where none has SocketCAN: broadcast manager (virtual clock), raw sockets.

Written from linux/can/bcm.h and the kernel's documentation of it, not from `hil.can.bcm`.
"""

import contextlib
import os
import struct

from hil.bench.ports import NoOptions
from hil.can.bcm import BroadcastManager
from hil.can.frames import BRS, EXTENDED, FD
from hil.can.socketcan import SocketCanPort
from hil.clock_map import realtime_map

SETUP, DELETE = 1, 2
SETTIMER, STARTTIMER, ANNOUNCE, FD_FRAME = 1, 2, 8, 0x800


class Operation:
    """A `bcm_op`."""

    def __init__(self):
        self.frames, self.place, self.period_ns, self.timer = [], 0, 0, None


class SimulatedManager(BroadcastManager):
    """A broadcast manager whose kernel is this file."""

    def __init__(self, clock, port):
        super().__init__("vcan0", "bus.test")
        self._clock, self._port = clock, port
        self.operations = {}
        self.messages = 0

    def open(self):
        self._socket = self

    def close(self):
        for raw_id in list(self.operations):
            self._delete(raw_id)
        self._socket = None

    def send(self, message):
        """The system call."""
        self.messages += 1
        opcode, flags, count, _, _, seconds, micros, raw_id, frames = struct.unpack_from("@3I4l2I", message)
        assert count == 0
        if opcode == DELETE:
            self._delete(raw_id)
            return
        assert opcode == SETUP
        operation = self.operations.setdefault(raw_id, Operation())
        content = self._frames(message[56:], flags, frames)
        if len(content) != len(operation.frames):
            operation.place = 0
        operation.frames = content
        if flags & SETTIMER:
            operation.period_ns = (seconds * 1_000_000 + micros) * 1000
        if flags & (STARTTIMER | ANNOUNCE):
            self._transmit(operation)
        if flags & STARTTIMER:
            self._start(operation)

    def _frames(self, data, flags, count):
        size = 72 if flags & FD_FRAME else 16
        assert len(data) == size * count > 0
        return [self._frame(data[at : at + size]) for at in range(0, len(data), size)]

    def _frame(self, data):
        raw_id, length, marks = struct.unpack_from("=IBB", data)
        flags = EXTENDED if raw_id & 0x8000_0000 else 0
        if len(data) == 72:
            flags |= FD | (BRS if marks & 1 else 0)
        return raw_id & 0x1FFF_FFFF, data[8 : 8 + length], flags

    def _transmit(self, operation):
        can_id, data, flags = operation.frames[operation.place]
        self._port.send(can_id, data, flags)
        assert self.took((can_id, flags & EXTENDED), data, self._clock.now_ns)
        operation.place = (operation.place + 1) % len(operation.frames)

    def _start(self, operation):
        if operation.timer is not None:
            operation.timer.cancel()
        operation.timer = self._clock.call_in(operation.period_ns, self._expire, operation)

    def _expire(self, operation):
        self._transmit(operation)
        self._start(operation)

    def _delete(self, raw_id):
        operation = self.operations.pop(raw_id)
        if operation.timer is not None:
            operation.timer.cancel()


class KernelPort:
    """A port with a broadcast manager beside it; what that sends goes out through the port and is back at once."""

    def __init__(self, clock, port):
        self._port, self.bus, self.send = port, port.bus, port.send
        self.broadcast_manager = SimulatedManager(clock, port)
        self.broadcast_manager.open()

    def __getattr__(self, name):
        return getattr(self._port, name)


MSG_DONTROUTE, MSG_CONFIRM = 0x4, 0x800


class KernelBus:
    """A vcan interface: what one socket sends comes back to it and to all others of this host, in order.

    Written from the kernel's documentation of SocketCAN (networking/can.rst) and socket(7).
    """

    def __init__(self, stamp):
        self._stamp = stamp
        self.sockets = []
        self.broken = None
        self.hardware = None
        """The adapter's clock, ns, where it stamps (SO_TIMESTAMPING)."""

    def socket(self, *, fd=False, holds=1000):
        made = KernelSocket(self, fd=fd, holds=holds)
        self.sockets.append(made)
        return made

    def carry(self, raw, sender=None, *, from_here=True):
        """A frame was on the bus, from a socket of this host or from another node."""
        here = MSG_DONTROUTE if from_here else 0
        for one in self.sockets:
            one.take(raw, self._stamp(), here | (MSG_CONFIRM if one is sender else 0))

    def break_down(self, error):
        """The interface goes down."""
        self.broken = error
        for one in self.sockets:
            one.wake()


class KernelSocket:
    """A raw CAN socket with SO_TIMESTAMPNS and SO_RXQ_OVFL: the count that stands beside a frame is the one at which
    it was queued, and none stands there while nothing was dropped."""

    def __init__(self, bus, *, fd, holds):
        self._bus, self._fd, self._holds = bus, fd, holds
        self._queue, self._dropped = [], 0
        self._ready = os.eventfd(0, os.EFD_NONBLOCK)
        self.calls = 0

    def fileno(self):
        return self._ready

    def getsockopt(self, level, option):
        return 0 if self._bus.broken is None else self._bus.broken.errno

    def setblocking(self, blocking):
        assert not blocking

    def take(self, raw, stamp_ns, flags):
        if len(raw) == 72 and not self._fd:
            return
        if len(self._queue) >= self._holds:
            self._dropped += 1
            return
        beside = [(1, 35, struct.pack("@ll", *divmod(stamp_ns, 1_000_000_000)))]
        if self._bus.hardware is not None:
            stamp = divmod(self._bus.hardware(), 1_000_000_000)
            beside.append((1, 37, struct.pack("@6l", 0, 0, 0, 0, *stamp)))
        if self._dropped & 0xFFFF_FFFF:
            beside.append((1, 40, struct.pack("=I", self._dropped & 0xFFFF_FFFF)))
        self._queue.append((raw, beside, flags, ("vcan0",)))
        self.wake()

    def wake(self):
        os.eventfd_write(self._ready, 1)

    def recvmsg(self, size, room):
        self.calls += 1
        assert size >= 72
        assert room >= 3 * 16 + 16 + 48 + 8
        if self._queue:
            return self._queue.pop(0)
        if self._bus.broken is not None:
            raise self._bus.broken
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._ready)
        raise BlockingIOError

    def send(self, raw):
        if self._bus.broken is not None:
            raise self._bus.broken
        if len(raw) == 72 and not self._fd:
            raise OSError(22, "Invalid argument")
        self._bus.carry(raw, self)
        return len(raw)

    def close(self):
        self._bus.sockets.remove(self)
        os.close(self._ready)


class OnKernel:
    """`port = "kernel_can:OnKernel"`: a raw SocketCAN port on a simulated interface that holds three frames."""

    Options = NoOptions
    real = True
    made = []  # noqa: RUF012

    @staticmethod
    def resources(options):
        return []

    @classmethod
    def make(cls, site, options):
        clock, offset_ns = site.real_clock, -realtime_map().to_host_ns(0)
        kernel = KernelBus(lambda: clock.to_monotonic_ns(clock.now_ns) + offset_ns)
        port = SocketCanPort(clock=clock, bus=site.name, channel="vcan0", make_socket=lambda: kernel.socket(holds=3))
        cls.made.append((kernel, port))
        return port
