"""The ECU's communication stack: what it received and when, what it sends, on all of its buses.

Rules of this module: it keeps bytes and decodes what is read. A frame is there for the application some milliseconds
after it arrived, in the order of arrival. A frame whose protection is wrong, or that is too short, is as if it had
never come. Of a multiplexed message each signal keeps its value until the next frame that carries it. What is sent
follows the databases' send types and protection, as an interaction layer does it. A message that is called the same on
several buses is sent on all of them and read from the first.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cantools.database.can import Message

from hil.can import database
from hil.can.database import Network
from hil.can.e2e import E2e, E2eReceiver
from hil.can.frames import ERROR, EXTENDED, REMOTE, SENT, CanFrame
from hil.can.port import CanPort
from hil.can.schedule import Scheduler
from hil.can.sender import Sent, chain_of
from hil.clock import Clock
from hil.errors import HilError, UsageError

TIMEOUT_CYCLES: Final = 10
_NEVER_NS: Final = 1 << 62
_NOT_OURS: Final = SENT | ERROR | REMOTE
PIPELINE_NS: Final = (4_000_000, 14_000_000)
"""From the bus to the application, least and most."""


class Slot:
    """One message that the ECU reads."""

    __slots__ = (
        "_decoded", "_is_paged", "_values", "data", "extra_ns", "length", "message", "pending", "receiver", "t_ns",
        "timeout_ns",
    )  # fmt: skip

    def __init__(self, message: Message, cycle_ns: int, receiver: E2eReceiver | None) -> None:
        self.message, self.receiver = message, receiver
        self.length = message.length
        self._is_paged = message.is_multiplexed()
        self.timeout_ns = TIMEOUT_CYCLES * cycle_ns or _NEVER_NS  # what has no cycle keeps its last value
        self.extra_ns = 0
        self.pending: deque[tuple[int, bytes]] = deque()
        self.forget()

    def forget(self) -> None:
        """What came in a former life."""
        self.pending.clear()
        self.data: bytes | None = None
        self.t_ns = 0
        self._decoded: bytes | None = None
        self._values: dict[str, Any] = {}
        if self.receiver is not None:
            self.receiver.reset()

    def arrive(self, t_ns: int, data: bytes) -> None:
        """A payload will have come through the pipeline at `t_ns`, or when those before it have."""
        pending = self.pending
        pending.append((max(t_ns, pending[-1][0]) if pending else t_ns, data))

    def take(self, now_ns: int) -> None:
        """Let the application see what has come through the pipeline by now."""
        pending = self.pending
        while pending and pending[0][0] <= now_ns:
            self.t_ns, self.data = pending.popleft()
            if self._is_paged:
                self._decode()

    @property
    def values(self) -> dict[str, Any]:
        """Raw values of the last payload, and of those before it what a multiplexer left out of it."""
        self._decode()
        return self._values

    def _decode(self) -> None:
        if self.data is None or self._decoded is self.data:
            return
        self._decoded = self.data
        try:
            carried = database.decode(self.message, self.data)
        except UsageError:  # its multiplexer selects nothing
            carried = {}
        self._values = self._values | carried if self._is_paged else carried


class Com:
    """Reception and transmission of one node.

    Args:
        clock: the time that the ECU lives in.
        ports: bus -> port.
        network: the databases that the ECU was built for.
        node: its name in them.
        rng: its own randomness (processing times).
    """

    def __init__(
        self, clock: Clock, ports: Mapping[str, CanPort], network: Network, node: str, rng: random.Random
    ) -> None:
        self._clock, self._rng = clock, rng
        self._slots: dict[tuple[str, int, int], Slot] = {}
        self._by_name: dict[str, Slot] = {}
        self._sent: dict[str, list[Sent]] = {}
        self._schedule = Scheduler(clock, lambda late: None, None)
        for bus, message in network.messages():
            traits = network.traits(bus, message)
            if node in message.senders and bus in ports and not traits.is_nm and not traits.is_diag:
                start = network.start_values(bus, message)
                sent = Sent(bus, message, traits, _Careful(ports[bus]), chain_of(traits), start)
                self._sent.setdefault(message.name, []).append(sent)
            elif node in message.receivers and not traits.is_nm:
                cycle_ns = 0 if traits.active_only else traits.cycle_ns
                slot = Slot(message, cycle_ns, E2e(traits.e2e).receiver() if traits.e2e else None)
                self._slots[bus, message.frame_id, traits.flags & EXTENDED] = slot
                self._by_name.setdefault(message.name, slot)

    def forget(self) -> None:
        """All that a life without power loses; nothing more is sent."""
        self.stop()
        for slot in self._slots.values():
            slot.forget()
        for sent in self._all_sent:
            sent.reset()

    # Reception ----------------------------------------------------------------------------------------------------

    def on_frame(self, frame: CanFrame) -> None:
        """A frame was on one of the buses."""
        _, bus, can_id, data, flags, _ = frame
        if flags & _NOT_OURS:
            return
        slot = self._slots.get((bus, can_id, flags & EXTENDED))
        if slot is None or len(data) < slot.length:
            return
        if slot.receiver is not None and not slot.receiver.check(data).is_good:
            return
        least_ns, most_ns = PIPELINE_NS
        delay_ns = least_ns + int((most_ns - least_ns) * self._rng.random()) + slot.extra_ns
        now_ns = self._clock.now_ns
        slot.take(now_ns)  # of a message that nobody reads no more may wait than is in the pipeline
        slot.arrive(now_ns + delay_ns, data)

    def slot(self, message: str) -> Slot:
        """Where a message arrives."""
        return self._by_name[message]

    def raw(self, message: str, signal: str, *, stale: bool = False) -> Any:
        """Raw value of a signal; None if it never came, or came too long ago and isn't wanted `stale`."""
        slot = self._by_name[message]
        now_ns = self._clock.now_ns
        slot.take(now_ns)
        if slot.data is None or (not stale and now_ns - slot.t_ns > slot.timeout_ns):
            return None
        return slot.values.get(signal)

    # Transmission -------------------------------------------------------------------------------------------------

    @property
    def _all_sent(self) -> list[Sent]:
        return [sent for same in self._sent.values() for sent in same]

    def start(self) -> None:
        """Begin to send."""
        self._schedule.start(self._all_sent)

    def stop(self) -> None:
        """Send nothing more."""
        self._schedule.stop(self._all_sent)

    def write(self, message: str, **raw: int | float) -> None:
        """Send these raw values from now on; a message that is sent for an event is sent if one changes.

        Writing what is there already is no event, not even for a signal that is sent when written: the application
        says all of its state again and again.
        """
        for sent in self._sent[message]:
            changed = {name for name, value in raw.items() if sent.values[name] != value}
            if changed:
                before = sent.state
                sent.use({**sent.values, **raw})
                self._schedule.tell(sent, before, changed)

    def __iter__(self) -> Iterator[str]:
        """Names of the messages that it sends."""
        return iter(self._sent)


class _Careful:
    """A port for a sender that goes on without its bus, as an ECU does: a frame that can't be sent is lost."""

    def __init__(self, port: CanPort) -> None:
        self.bus, self._port = port.bus, port
        self.open, self.close = port.open, port.close

    def send(self, can_id: int, data: bytes, flags: int = 0) -> None:
        """Hand a frame on, or lose it."""
        try:
            self._port.send(can_id, data, flags)
        except HilError:
            return
