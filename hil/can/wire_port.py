"""A node of the simulated wire: its queue, its error counters, and what happens to it when it goes bus-off.

Not for: who sends when. The wire (`hil.can.wire`) decides and tells its ports.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from hil.can.confinement import CLEAN, Confinement, ErrorState, OnState, StateChange
from hil.can.frames import CanFrame
from hil.can.port import OnFrame, OnLost
from hil.can.recovery import Recovery
from hil.clock import Timer
from hil.errors import BenchError

if TYPE_CHECKING:
    from hil.can.wire import SimWire

_QUEUE_LIMIT: Final = 1024

Entry = tuple[int, int, int, bytes, int]
"""A frame as it waits: arbitration key, nanoseconds on the wire, identifier, payload, flags."""


class SimCanPort:
    """A node of a `SimWire`: a `CanPort`, and the controller behind it.

    Attributes:
        bus: name of the bus in the bench file.
        node: name of the node.
        queue: what waits, the next one first.
        counters: error counters of the node.
        restart_after_ns: as `SimWire` has it; may be set for this node alone.
        dropped: frames that went nowhere since the node was bus-off when they were sent or waited.
        on_frame: who listens; None while the port is closed.
        life: how often it was opened or closed.
        not_before_ns: bench time before which it may not begin to send.
        sends_copy: whether the head of the queue is there for the second time.
        recovery: its way back from bus-off, once begun.
        wire: what it hangs on: its bus, or nobody while its stub is open.
    """

    __slots__ = (
        "_listeners", "_restart", "bus", "counters", "dropped", "life", "node", "not_before_ns", "on_frame",
        "queue", "recovery", "restart_after_ns", "sends_copy", "wire",
    )  # fmt: skip

    def __init__(self, wire: SimWire, node: str) -> None:
        self.bus, self.node = wire.bus, node
        self.queue: deque[Entry] = deque()
        self.counters = CLEAN
        self.restart_after_ns = wire.restart_after_ns
        self.dropped = self.life = self.not_before_ns = 0
        self.on_frame: OnFrame | None = None
        self.sends_copy = False
        self.recovery: Recovery | None = None
        self._restart: Timer | None = None
        self.wire = wire
        self._listeners: list[OnState] = []

    @property
    def state(self) -> ErrorState:
        """Error-active, warning, error-passive or bus-off."""
        return self.counters.state

    @property
    def is_online(self) -> bool:
        """Whether the node takes part: open and not bus-off."""
        return self.on_frame is not None and self.counters.state is not ErrorState.BUS_OFF

    def on_state(self, listener: OnState) -> None:
        """Have `listener(StateChange)` called when the node's state changes, after the error frame that changed it."""
        self._listeners.append(listener)

    async def open(self, on_frame: OnFrame, on_lost: OnLost) -> None:
        """Begin to listen, with counters at zero; a simulated wire is never lost."""
        self._reset()
        self.on_frame = on_frame

    def send(self, can_id: int, data: bytes, flags: int = 0) -> None:
        """Queue a frame at this node; while it is bus-off, count and forget it.

        Raises:
            UsageError: no bus, or not this one, can carry it.
            BenchError: the port is closed or its queue is full.
        """
        wire = self.wire
        entry = wire.entries.get((can_id, data, flags)) or wire.entry(can_id, data, flags)
        if self.on_frame is None:
            raise BenchError("the port is closed", where=f"bus.{self.bus}")
        if wire.careful or len(self.queue) >= _QUEUE_LIMIT:
            wire.send_carefully(self, entry)
            return
        self.queue.append(entry)  # as `enqueue` does: here every frame passes
        if wire.idle:
            wire.request()

    def enqueue(self, entry: Entry) -> None:
        """Behind all that waits here."""
        if len(self.queue) >= _QUEUE_LIMIT:
            raise BenchError(
                f"{_QUEUE_LIMIT} frames wait at node {self.node}: the bus is full", where=f"bus.{self.bus}"
            )
        self.queue.append(entry)
        if self.wire.idle:
            self.wire.request()

    def renew(self, entry: Entry) -> bool:
        """Put a frame in the place of one with its identifier that waits; False: none does."""
        for place, waiting in enumerate(self.queue):
            if waiting[0] == entry[0]:
                self.queue[place] = entry
                return True
        return False

    def enqueue_late(self, held: tuple[Entry, int]) -> None:
        """A frame that was held back; it is gone if the port was closed meanwhile."""
        entry, life = held
        if self.life != life:
            return
        if self.state is ErrorState.BUS_OFF:
            self.dropped += 1
        else:
            self.enqueue(entry)

    def hear(self, frame: CanFrame) -> None:
        """Something was on the wire."""
        if self.on_frame is not None:
            self.on_frame(frame)

    def tell(self, before: Confinement, t_ns: int) -> None:
        """The counters have changed: tell listeners if the state has."""
        if before.state is self.state:
            return
        if self.state is ErrorState.BUS_OFF:
            self._go_off()
        change = StateChange(t_ns, self.bus, self.node, before.state, self.state, self.counters)
        for listener in tuple(self._listeners):
            listener(change)

    def _go_off(self) -> None:
        self.dropped += len(self.queue)
        self.queue.clear()
        if self.restart_after_ns is not None:
            self._restart = self.wire.clock.call_in(self.restart_after_ns, lambda _: self.restart())

    def restart(self) -> None:
        """Begin the way back from bus-off: 128 times 11 recessive bits. Does nothing elsewhere, or a second time."""
        if self.state is not ErrorState.BUS_OFF or self.recovery is not None:
            return
        wire = self.wire
        self.recovery = Recovery(wire.clock, wire.bitrate, on_recovered=self._come_back)
        if wire.is_free:
            self.recovery.bus_idle()

    def _come_back(self) -> None:
        before = self.counters
        self._reset()
        self.wire.assess()
        self.tell(before, self.wire.clock.now_ns)

    def _reset(self) -> None:
        self.life += 1
        self.counters, self.not_before_ns, self.sends_copy = CLEAN, 0, False
        for waiting in (self.recovery, self._restart):
            if waiting is not None:
                waiting.cancel()
        self.recovery = self._restart = None

    async def close(self) -> None:
        """Leave the bus; what still waits is never sent."""
        self._reset()
        self.on_frame = None
        self.queue.clear()


__all__ = ["Entry", "SimCanPort"]
