"""The ECU's communication stack: what it received and when, what it sends, on all of its buses.

Rules of this module: it keeps bytes and shifts a signal out of them when it is read (`hil.ecu.signals`). A frame is
there for the application some milliseconds after it arrived, in the order of arrival. A frame whose protection is
wrong, or that is too short, is as if it had never come. What is sent follows the databases' send types and protection,
as an interaction layer does it. A message that is called the same on several buses is sent on all of them and read from
the first.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from hil.can import error_frames
from hil.can.database import Network
from hil.can.e2e import E2e, Status
from hil.can.frames import ERROR, EXTENDED, REMOTE, SENT, CanFrame
from hil.can.port import CanPort, OnFrame, OnLost
from hil.can.schedule import Scheduler
from hil.can.sender import Sent, chain_of
from hil.clock import Clock
from hil.ecu.signals import NEVER_NS, Reading, Slot, content_mask
from hil.errors import HilError

_NOT_OURS: Final = SENT | ERROR | REMOTE
_EXTENDED_KEY: Final = 1 << 32
PIPELINE_NS: Final = (4_000_000, 14_000_000)
"""From the bus to the application, least and most."""
_NO_SLOTS: Final[dict[int, Slot]] = {}
_PASSED: Final = {"checksum_unchecked": Status.WRONG_CRC, "counter_unchecked": Status.REPEATED}
"""Defect -> what it lets pass."""
_MUCH_TOO_LONG: Final = 100
_DEAF_NS: Final = 700_000_000
_LEAST_NS: Final = PIPELINE_NS[0]
_SPAN_NS: Final = PIPELINE_NS[1] - PIPELINE_NS[0]


class Com:
    """Reception and transmission of one node.

    Args:
        clock: the time that the ECU lives in.
        ports: bus -> port.
        network: the databases that the ECU was built for.
        node: its name in them.
        rng: its own randomness (processing times).
        defects: names.
    """

    def __init__(
        self,
        clock: Clock,
        ports: Mapping[str, CanPort],
        network: Network,
        node: str,
        rng: random.Random,
        defects: frozenset[str] = frozenset(),
    ) -> None:
        self._clock, self._rng = clock, rng
        self._passes = tuple(status for name, status in _PASSED.items() if name in defects)
        cycles = _MUCH_TOO_LONG if "timeouts_too_long" in defects else 1
        self._slots: dict[str, dict[int, Slot]] = {bus: {} for bus in network.databases}
        self._busy: list[Slot] = []
        self._watched: list[Slot] = []
        self._due_ns = 0
        self._since_ns = NEVER_NS
        self._by_name: dict[str, Slot] = {}
        self._sent: dict[str, list[Sent]] = {}
        self._readings: dict[tuple[str, str], Reading] = {}
        self._schedule = Scheduler(clock, lambda late: None, None)
        self._may_hear = self._may_send = True
        for bus, message in network.messages():
            traits = network.traits(bus, message)
            if node in message.senders and bus in ports and not traits.is_nm and not traits.is_diag:
                start = network.start_values(bus, message)
                sent = Sent(bus, message, traits, Careful(ports[bus]), chain_of(traits), start)
                self._sent.setdefault(message.name, []).append(sent)
            elif node in message.receivers and not traits.is_nm:
                protection = E2e(traits.e2e) if traits.e2e else None
                slot = Slot(
                    message,
                    0 if traits.active_only else cycles * traits.cycle_ns,
                    protection.receiver() if protection else None,
                    content_mask(message, protection.header if protection else ()),
                )
                self._slots[bus][_key(message.frame_id, traits.flags)] = slot
                self._by_name.setdefault(message.name, slot)

    def forget(self) -> None:
        """All that a life without power loses; nothing more is sent."""
        self.stop()
        for slot in self._all_slots():
            slot.forget()
        self._busy = []
        self._since_ns = NEVER_NS
        for sent in self._all_sent:
            sent.reset()

    # Reception ----------------------------------------------------------------------------------------------------

    def _all_slots(self) -> Iterator[Slot]:
        return (slot for slots in self._slots.values() for slot in slots.values())

    def on_frame(self, frame: CanFrame) -> None:
        """A frame was on one of the buses."""
        flags = frame[4]
        if flags & _NOT_OURS or not self._may_hear:
            return
        slot = self._slots.get(frame[1], _NO_SLOTS).get(frame[2] | _EXTENDED_KEY if flags & EXTENDED else frame[2])
        if slot is None or len(frame[3]) < slot.length:
            return
        if slot.is_read:
            self._accept(slot, frame, self._clock.now_ns)
        else:
            slot.unread = frame

    def _accept(self, slot: Slot, frame: CanFrame, now_ns: int) -> None:
        data = frame[3]
        if slot.receiver is not None:
            status = slot.receiver.check(data)
            if not status.is_good and status not in self._passes:
                slot.bad, slot.bad_ns = status, now_ns
                return
        delay_ns = _LEAST_NS + int(_SPAN_NS * self._rng.random()) + slot.extra_ns
        if slot.pending:
            slot.take(now_ns)  # where nobody polls, no more may wait than is in the pipeline
        if not slot.is_busy:
            slot.is_busy = True
            self._busy.append(slot)
        slot.arrive(now_ns + delay_ns, data)

    def slot(self, message: str) -> Slot:
        """Where a message arrives."""
        return self._by_name[message]

    def has(self, message: str) -> bool:
        """Whether the databases let this node receive a message."""
        return message in self._by_name

    def signal(self, message: str, signal: str) -> Reading:
        """A signal, to be read often: worked out once. It exists also where the databases lack it, without a value."""
        slot = self._by_name.get(message)
        found = None if slot is None else next((s for s in slot.message.signals if s.name == signal), None)
        return Reading(slot, found, lambda: self._clock.now_ns)

    def watch(self, message: str, changed: Callable[[], object], *, every: bool = False) -> None:
        """Have `changed` called by `poll` when the content of a message changed, and when it is lost or comes back.

        Args:
            message: its name; one that the databases lack never changes.
            changed: what is called.
            every: for each frame that comes, changed or not: of a message that is sent for an event.
        """
        slot = self._by_name.get(message)
        if slot is None:
            return
        if not slot.listeners:
            self._watched.append(slot)
        slot.is_read, slot.every = True, slot.every or every
        slot.listeners.append(changed)

    def poll(self) -> None:
        """Let what has come through the pipeline be seen, and tell those who watch. Once every vertical sync."""
        now_ns = self._clock.now_ns
        changed: list[Slot] = []
        if self._busy:
            still = []
            for slot in self._busy:
                slot.take(now_ns)
                slot.is_busy = bool(slot.pending)
                if slot.is_busy:
                    still.append(slot)
                if slot.is_changed:
                    slot.is_changed = False
                    changed.append(slot)
            self._busy = still
        if now_ns >= self._due_ns:
            changed += self._newly_lost(now_ns)
        for slot in changed:
            for listener in slot.listeners:
                listener()

    def supervise(self, since_ns: int | None) -> None:
        """Tell of messages that don't come, counted from `since_ns` at the earliest; None: of none (ignition off)."""
        self._since_ns = NEVER_NS if since_ns is None else since_ns
        self._due_ns = self._clock.now_ns

    def _newly_lost(self, now_ns: int) -> list[Slot]:
        """Those that are lost from now on; when to look next."""
        lost, due_ns = [], now_ns + 100_000_000
        for slot in self._watched:
            left_ns = max(slot.t_ns, self._since_ns) + slot.timeout_ns - now_ns
            if left_ns >= 0:
                due_ns = min(due_ns, now_ns + left_ns + 1)
            elif not slot.is_lost:
                slot.is_lost = True
                lost.append(slot)
        self._due_ns = due_ns
        return lost

    def raw(self, message: str, signal: str, *, stale: bool = False) -> Any:
        """Raw value of a signal; None if it never came, or came too long ago and isn't wanted `stale`."""
        reading = self._readings.get((message, signal))
        if reading is None:
            reading = self._readings[message, signal] = self.signal(message, signal)
        slot = reading.slot
        if slot is None:
            return None
        now_ns = self._clock.now_ns
        if slot.unread is not None:
            frame, slot.unread = slot.unread, None
            self._accept(slot, frame, frame[0])
        slot.take(now_ns)
        return reading.stale if stale else reading.raw

    # Transmission -------------------------------------------------------------------------------------------------

    @property
    def _all_sent(self) -> list[Sent]:
        return [sent for same in self._sent.values() for sent in same]

    def start(self) -> None:
        """Begin to send."""
        if self._may_send and not self._schedule.running:
            self._schedule.start(self._all_sent)

    def stop(self) -> None:
        """Send nothing more."""
        self._schedule.stop(self._all_sent)

    def allow(self, *, rx: bool, tx: bool) -> None:
        """Whether it may hear and send at all: communication control by diagnosis."""
        might_send, self._may_hear, self._may_send = self._may_send, rx, tx
        if not tx:
            self.stop()
        elif not might_send:
            self.start()

    def write(self, message: str, **raw: int | float) -> None:
        """Send these raw values from now on; a message that is sent for an event is sent if one changes.

        Writing what is there already is no event, not even for a signal that is sent when written: the application
        says all of its state again and again. What the databases lack is not sent.
        """
        for sent in self._sent.get(message, ()):
            changed = {name: value for name, value in raw.items() if sent.values.get(name, value) != value}
            if changed:
                before = sent.state
                sent.use({**sent.values, **changed})
                self._schedule.tell(sent, before, set(changed))

    def written(self, message: str, signal: str) -> int | float | None:
        """The raw value that is being sent of a signal; None where the databases lack it."""
        for sent in self._sent.get(message, ()):
            return sent.values.get(signal)
        return None

    def __iter__(self) -> Iterator[str]:
        """Names of the messages that it sends."""
        return iter(self._sent)


def _key(can_id: int, flags: int) -> int:
    return can_id | _EXTENDED_KEY if flags & EXTENDED else can_id


class Careful:
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


class Deaf:
    """A port whose driver sets the controller up anew at each error frame, and hears nothing meanwhile (a defect).

    Args:
        port: the port.
        clock: the time.
    """

    def __init__(self, port: CanPort, clock: Clock) -> None:
        self.bus, self._port, self._clock, self._until_ns = port.bus, port, clock, 0
        self.close, self.send = port.close, port.send

    async def open(self, on_frame: OnFrame, on_lost: OnLost) -> None:
        """Listen, as long as no frame was destroyed."""

        def heard(frame: CanFrame) -> None:
            if frame.flags & ERROR:
                self._until_ns = self._clock.now_ns + _DEAF_NS
            if frame.flags & _NOT_OURS or self._clock.now_ns >= self._until_ns:
                on_frame(frame)

        await self._port.open(heard, on_lost)


class GivesUp:
    """A port whose driver takes a controller that went error-passive for broken, and never sends again (a defect)."""

    def __init__(self, port: CanPort) -> None:
        self.bus, self._port, self._is_dead = port.bus, port, False
        self.close = port.close

    async def open(self, on_frame: OnFrame, on_lost: OnLost) -> None:
        """Listen, also to what the controller says of itself."""

        def heard(frame: CanFrame) -> None:
            tells = frame.flags & ERROR and frame.can_id & error_frames.CLASS_CONTROLLER
            self._is_dead |= bool(tells and frame.data[1] & error_frames.SENDER_PASSIVE)
            on_frame(frame)

        await self._port.open(heard, on_lost)

    def send(self, can_id: int, data: bytes, flags: int = 0) -> None:
        """Hand a frame on, or lose it."""
        if not self._is_dead:
            self._port.send(can_id, data, flags)
