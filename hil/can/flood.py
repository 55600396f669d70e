"""Flooding a bus: one frame again and again, as fast as asked or as the bus takes it.

A node that floods never has more than a few frames waiting: each that was on the wire lets the next follow. What it
has to send beside the flood waits no longer than those few. Frames of which nothing is heard are taken for lost after
a while (the node was bus-off), and the flood goes on.
"""

from __future__ import annotations

from typing import Final

from hil.can.frames import EXTENDED, SENT, CanFrame
from hil.can.port import CanPort
from hil.clock import Clock, Timer

_WAITING: Final = 2
"""Frames that may wait at the node: one on the wire, one behind it."""
_LOST_NS: Final = 100_000_000
"""For how long a frame may wait: hundreds of times as long as one takes on the wire."""


class Flood:
    """Sends one frame until it is stopped.

    Args:
        clock: bench time.
        port: a node of the bus.
        can_id: identifier; 0 wins every arbitration.
        data: payload.
        flags: frame flags.
        period_ns: from one frame to the next; where the bus takes less, as fast as it takes them.
    """

    def __init__(
        self, clock: Clock, port: CanPort, *, can_id: int, data: bytes, flags: int = 0, period_ns: int = 100_000
    ) -> None:
        self._clock, self._port = clock, port
        self._frame = (can_id, data, flags)
        self._period_ns = period_ns
        self._waiting = self._moved_ns = 0
        self._timer: Timer | None = None
        self.count = 0

    def start(self) -> None:
        """Begin."""
        self._timer = self._clock.call_in(0, self._step)

    def stop(self) -> None:
        """Send no more; what waits is still sent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def on_frame(self, frame: CanFrame) -> None:
        """A frame was on some bus: an own one makes room for the next."""
        can_id, _, flags = self._frame
        own = frame.bus == self._port.bus and frame.flags & SENT
        if own and frame.can_id == can_id and frame.flags & EXTENDED == flags & EXTENDED:
            self._waiting = max(0, self._waiting - 1)
            self._moved_ns = self._clock.now_ns

    def _step(self, _: object) -> None:
        if self._timer is None:
            return
        now_ns = self._clock.now_ns
        if now_ns - self._moved_ns >= _LOST_NS:
            self._waiting = 0
        if self._waiting < _WAITING:
            self._port.send(*self._frame)
            self._waiting += 1
            self._moved_ns = now_ns
            self.count += 1
        self._clock.call_again(self._timer, now_ns + self._period_ns)
