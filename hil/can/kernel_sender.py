"""Which messages of the restbus the kernel sends, and what is known of them from what came back.

A message goes to the kernel when its cycle begins: with its counters as a sequence, from the one that is next. What a
test changes follows at once: values, checksums and lengths in place; a cycle, a silence, a frozen counter by ending the
sequence and beginning it anew when the next frame is due. Count, counter and lateness are those of the frames that were
on the bus.

Not for: curves, whose every frame is another, and counters of more than eight bits. The scheduler sends these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hil.can.bcm import MOST_FRAMES, BroadcastManager, Key
from hil.can.frames import EXTENDED
from hil.can.sender import Sent

OnLate = Callable[[Sent, int, int], object]
"""Told of a frame that came later than its cycle allows: the message, when it was due, by how much it was late."""
_ANY: Final = -(1 << 61)


class KernelTask:
    """One message in the kernel's hands.

    Args:
        sent: the message; its counter, count and last frame follow what the kernel sends.
        manager: of its interface.
        on_late: told of each frame that came too late.
        on_cycle: told of each frame of the cycle that carries the present values.
    """

    __slots__ = ("_announced", "_base", "_last_ns", "_manager", "_on_cycle", "_on_late", "_sent")

    def __init__(
        self, sent: Sent, manager: BroadcastManager, on_late: OnLate, on_cycle: Callable[[Sent, int], object]
    ) -> None:
        self._sent, self._manager, self._on_late, self._on_cycle = sent, manager, on_late, on_cycle
        self._base = sent.next_index
        self._announced = 0
        self._last_ns = _ANY
        payloads = sent.sequence(self._base)
        sent.pace.start_anew()
        manager.begin(self.key, payloads, sent.flags, period_ns=sent.period_ns, on_sent=self._took)

    @property
    def key(self) -> Key:
        """What the kernel knows it by."""
        return self._sent.can_id, self._sent.flags & EXTENDED

    def _took(self, place: int, t_ns: int, fresh: bool) -> None:
        sent = self._sent
        sent.take_sent(self._base + place, t_ns)
        if fresh and sent.on_sent:
            told, sent.on_sent = sent.on_sent, []
            for tell in told:
                tell(sent)
        if self._announced:
            self._announced -= 1
            return
        self._measure(t_ns)
        if fresh:
            self._on_cycle(sent, t_ns)

    def _measure(self, t_ns: int) -> None:
        """A frame of the cycle was on the bus: whether it was late, and when the next one is due."""
        sent = self._sent
        sent.pace.frame(t_ns, sent.period_ns)
        due_ns = self._last_ns + sent.period_ns
        if _ANY < self._last_ns <= due_ns < t_ns:
            self._on_late(sent, due_ns, t_ns - due_ns)
        self._last_ns = t_ns
        sent.due_ns = t_ns + sent.period_ns

    def renew(self) -> None:
        """The payloads have changed: the next frame carries the new ones."""
        self._manager.replace(self.key, self._sent.sequence(self._base))

    def announce(self) -> None:
        """Send the next frame now; the cycle goes on as it was."""
        self._announced += 1
        self._manager.announce(self.key)

    def end(self) -> None:
        """The kernel sends it no more."""
        self._manager.end(self.key)


def manager_for(sent: Sent) -> BroadcastManager | None:
    """Who can send this message as it is now; None: the scheduler must."""
    manager: BroadcastManager | None = getattr(sent.port, "broadcast_manager", None)
    if manager is None or not manager.is_open:
        return None
    fits = sent.period_ns and not sent.curves and not sent.silenced and 0 < sent.sequence_length <= MOST_FRAMES
    return manager if fits else None


__all__ = ["KernelTask", "manager_for"]
