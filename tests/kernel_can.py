"""What the kernel's broadcast manager does, over a virtual clock: for tests where no kernel has SocketCAN.

Written from linux/can/bcm.h and the kernel's documentation of it, not from `hil.can.bcm`.
"""

import struct

from hil.can.bcm import BroadcastManager
from hil.can.frames import BRS, EXTENDED, FD

SETUP, DELETE = 1, 2
SETTIMER, STARTTIMER, ANNOUNCE, FD_FRAME = 1, 2, 0x100, 0x800


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
