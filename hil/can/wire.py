"""The simulated wire: one CAN bus in bench time, with arbitration and exact frame lengths, and its ports.

Frames wait at their sender in the order sent. When the bus is idle, the lowest identifier among the heads of all
queues wins, after everything else that happens in that nanosecond; the frame ends after its bits, stuff bits and
interframe space, and is then delivered to every node, the sender included (flag SENT).

Lengths after ISO 11898-1:2015, 10.4 (classic frames). CAN FD frames, error frames and bus-off come with the network
issue; an FD frame is refused here in clear words until then.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import Final

from hil.can.frames import EXTENDED, FD, REMOTE, SENT, CanFrame, check_frame, show_id
from hil.can.port import OnFrame, OnLost
from hil.clock import LAST, NS_PER_S, Clock
from hil.errors import BenchError, UsageError

_CRC15_POLYNOMIAL: Final = 0x4599
_TAIL_BITS: Final = 1 + 2 + 7 + 3
"""CRC delimiter, acknowledge slot and delimiter, end of frame, intermission: never stuffed."""
_QUEUE_LIMIT: Final = 1024


class SimWire:
    """One bus. Ports are its nodes.

    Args:
        clock: bench time.
        bus: name of the bus in the bench file.
        bitrate: bit/s.
    """

    def __init__(self, clock: Clock, bus: str, bitrate: int = 500_000) -> None:
        self.bus, self.bitrate = bus, bitrate
        self._clock = clock
        self._ports: list[SimCanPort] = []
        self._busy = False
        self._arbitrating = False

    def port(self, node: str) -> SimCanPort:
        """Attach a node."""
        port = SimCanPort(self, node)
        self._ports.append(port)
        return port

    def request(self) -> None:
        """A node has something to send: arbitrate at the end of this nanosecond if the bus is idle."""
        if not self._busy and not self._arbitrating:
            self._arbitrating = True
            self._clock.call_at(self._clock.now_ns, self._arbitrate, phase=LAST)

    def _arbitrate(self, _: object) -> None:
        self._arbitrating = False
        contenders = [port for port in self._ports if port.queue]
        if not contenders:
            return
        winner = min(contenders, key=lambda port: arbitration_key(*port.queue[0]))
        can_id, data, flags = winner.queue.popleft()
        self._busy = True
        duration_ns = frame_bits(can_id, data, flags) * NS_PER_S // self.bitrate
        self._clock.call_in(duration_ns, self._finish, (winner, can_id, data, flags))

    def _finish(self, sent: tuple[SimCanPort, int, bytes, int]) -> None:
        sender, can_id, data, flags = sent
        self._busy = False
        now_ns = self._clock.now_ns
        received = CanFrame(now_ns, self.bus, can_id, data, flags)
        for port in self._ports:
            port.deliver(CanFrame(now_ns, self.bus, can_id, data, flags | SENT) if port is sender else received)
        self.request()


class SimCanPort:
    """A node of a `SimWire`: a `CanPort`."""

    def __init__(self, wire: SimWire, node: str) -> None:
        self.bus, self.node = wire.bus, node
        self.queue: deque[tuple[int, bytes, int]] = deque()
        self._wire = wire
        self._on_frame: OnFrame | None = None

    async def open(self, on_frame: OnFrame, on_lost: OnLost) -> None:
        """Begin to listen; a simulated wire is never lost."""
        self._on_frame = on_frame

    def send(self, can_id: int, data: bytes, flags: int = 0) -> None:
        """Queue a frame at this node."""
        check_frame(can_id, data, flags)
        if flags & FD:
            raise UsageError("the simulated wire carries no CAN FD yet", where=show_id(can_id, flags))
        if self._on_frame is None:
            raise BenchError("the port is closed", where=f"bus.{self.bus}")
        if len(self.queue) >= _QUEUE_LIMIT:
            raise BenchError(
                f"{_QUEUE_LIMIT} frames wait at node {self.node}: the bus is full", where=f"bus.{self.bus}"
            )
        self.queue.append((can_id, data, flags))
        self._wire.request()

    def deliver(self, frame: CanFrame) -> None:
        """A frame has been on the wire."""
        if self._on_frame is not None:
            self._on_frame(frame)

    async def close(self) -> None:
        """Leave the bus; what still waits is never sent."""
        self._on_frame = None
        self.queue.clear()


def arbitration_key(can_id: int, data: bytes, flags: int) -> tuple[int, int, int, int]:
    """Orders frames as arbitration does: dominant bits first.

    The 11 base bits come first, then RTR (standard) or SRR (extended, recessive), IDE, the 18 other bits, RTR.
    """
    remote = int(bool(flags & REMOTE))
    if not flags & EXTENDED:
        return can_id, remote, 0, 0
    return can_id >> 18, 1, 1, (can_id & 0x3FFFF) << 1 | remote


@lru_cache(maxsize=8192)
def frame_bits(can_id: int, data: bytes, flags: int) -> int:
    """Bits from start of frame to the end of intermission, stuff bits included (classic CAN)."""
    bits = _header_bits(can_id, len(data), flags)
    if not flags & REMOTE:
        bits += [byte >> shift & 1 for byte in data for shift in range(7, -1, -1)]
    checksum = crc15(bits)
    bits += [checksum >> shift & 1 for shift in range(14, -1, -1)]
    return len(bits) + stuff_bits(bits) + _TAIL_BITS


def _header_bits(can_id: int, length: int, flags: int) -> list[int]:
    remote = int(bool(flags & REMOTE))
    start = [0]
    if flags & EXTENDED:
        base, extension = can_id >> 18, can_id & 0x3FFFF
        address = [*_bits(base, 11), 1, 1, *_bits(extension, 18), remote, 0, 0]
    else:
        address = [*_bits(can_id, 11), remote, 0, 0]
    return start + address + _bits(length, 4)


def _bits(value: int, width: int) -> list[int]:
    return [value >> shift & 1 for shift in range(width - 1, -1, -1)]


def crc15(bits: list[int]) -> int:
    """CRC-15-CAN (polynomial 0x4599, initial value 0) over unstuffed bits, first bit first."""
    register = 0
    for bit in bits:
        feedback = bit ^ (register >> 14)
        register = (register << 1) & 0x7FFF
        if feedback:
            register ^= _CRC15_POLYNOMIAL
    return register


def stuff_bits(bits: list[int]) -> int:
    """How many bits of opposite level are put in after five equal ones; a stuff bit begins a new run."""
    stuffed, run, last = 0, 0, -1
    for bit in bits:
        run = run + 1 if bit == last else 1
        last = bit
        if run == 5:
            stuffed += 1
            last, run = 1 - bit, 1
    return stuffed


__all__ = ["SimCanPort", "SimWire", "arbitration_key", "crc15", "frame_bits", "stuff_bits"]
