"""The restbus: plays every node of the databases except those that are really there.

One deadline scheduler on the clock's agenda for all messages: each message has its next due time, a multiple of its
cycle plus a phase of its own (so that not all are due at once). Payloads are encoded only when a value changes. What
was sent later than due by more than its allowance is told to `on_late`: a verdict taken meanwhile is inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cantools.database.can import Message

from hil.can import database
from hil.can.database import Network, SignalRef, Value
from hil.can.port import CanPort
from hil.clock import Clock, Timer
from hil.errors import UsageError

_PHASE_STEP_NS: Final = 370_000


@dataclass(slots=True)
class Lateness:
    """A frame that left the bench too late.

    Attributes:
        what: message on bus.
        due_ns: when it should have been handed to the port.
        late_ns: by how much it was late.
        allowed_ns: what would have been fine.
    """

    what: str
    due_ns: int
    late_ns: int
    allowed_ns: int


@dataclass(slots=True)
class Sent:
    """One message of the restbus and how well it keeps its cycle."""

    bus: str
    message: Message
    port: CanPort
    cycle_ns: int
    values: dict[str, Any]
    payload: bytes
    flags: int
    due_ns: int = 0
    count: int = 0
    worst_late_ns: int = 0
    muted: bool = False
    timer: Timer | None = field(default=None, repr=False)

    def use(self, values: dict[str, Any]) -> None:
        """Send these raw values from now on.

        Raises:
            UsageError: they can't be encoded; the ones before stay.
        """
        self.payload, self.values = database.encode(self.message, values), values


class Restbus:
    """All messages that the bench sends by itself.

    Args:
        clock: bench time.
        network: the databases.
        ports: bus name -> port.
        absent: nodes that are really there (the ECU under test), so not played.
        on_late: told of each frame that left too late.
        allowed_ns: how late is still well; one cycle of the message if None.
    """

    def __init__(
        self,
        clock: Clock,
        network: Network,
        ports: Mapping[str, CanPort],
        *,
        absent: Iterable[str],
        on_late: Callable[[Lateness], object],
        allowed_ns: int | None = None,
    ) -> None:
        self._clock, self._network, self._on_late = clock, network, on_late
        self._allowed_ns = allowed_ns
        self._absent = frozenset(absent)
        self._messages = {
            (bus, message.name): _sent(bus, message, ports[bus])
            for bus, message in network.messages()
            if bus in ports and self._plays(message)
        }
        self.running = False

    def _plays(self, message: Message) -> bool:
        return bool(message.senders) and not self._absent.intersection(message.senders)

    @property
    def messages(self) -> list[Sent]:
        """What is sent, in the order of the databases, with what was achieved."""
        return list(self._messages.values())

    def start(self) -> None:
        """Begin all cycles; phases are spread so that the messages don't all fall due together."""
        if self.running:
            return
        self.running = True
        now_ns = self._clock.now_ns
        for number, sent in enumerate(self._cyclic()):
            sent.due_ns = now_ns + number * _PHASE_STEP_NS % sent.cycle_ns
            sent.timer = self._clock.call_at(sent.due_ns, self._send_cyclic, sent)

    def _cyclic(self) -> list[Sent]:
        return [sent for sent in self._messages.values() if sent.cycle_ns]

    def stop(self) -> None:
        """Send nothing more; values are kept."""
        self.running = False
        for sent in self._messages.values():
            if sent.timer is not None:
                sent.timer.cancel()
                sent.timer = None

    def reset(self) -> None:
        """Every signal back to its start value."""
        for sent in self._messages.values():
            sent.use(database.start_values(sent.message))
            sent.muted = False

    def set(self, ref: SignalRef, value: Value) -> None:
        """Send `value` from the next cycle on; a message without a cycle is sent once, now.

        Raises:
            UsageError: another node sends this signal, not the restbus; or a multiplexer's value selects nothing.
        """
        sent = self._of(ref)
        sent.use(sent.values | {ref.signal.name: value.raw})
        if not sent.cycle_ns and self.running and not sent.muted:
            sent.port.send(sent.message.frame_id, sent.payload, sent.flags)
            sent.count += 1

    def sends(self, ref: SignalRef) -> bool:
        """Whether the restbus sends this signal."""
        return (ref.bus, ref.message.name) in self._messages

    def mute(self, bus: str, message: str, muted: bool) -> None:
        """Stop sending one message (its cycle goes on silently), or send it again.

        Raises:
            UsageError: the restbus doesn't send it.
        """
        self._named(bus, message).muted = muted

    def shift(self, bus: str, message: str, delay_ns: int) -> None:
        """Move the phase of a cyclic message: its next frame, and all after it, come `delay_ns` later.

        Raises:
            UsageError: the restbus doesn't send it.
        """
        sent = self._named(bus, message)
        if sent.timer is not None:
            sent.due_ns = sent.timer.t_ns + delay_ns
            sent.timer.cancel()
            sent.timer = self._clock.call_at(sent.due_ns, self._send_cyclic, sent)

    def _named(self, bus: str, message: str) -> Sent:
        sent = self._messages.get((bus, message))
        if sent is None:
            raise UsageError(f"{bus}::{message} is not sent by the restbus")
        return sent

    def get(self, ref: SignalRef) -> Value:
        """What is being sent.

        Raises:
            UsageError: as `set`.
        """
        return database.show(ref, self._of(ref).values[ref.signal.name])

    def _of(self, ref: SignalRef) -> Sent:
        sent = self._messages.get((ref.bus, ref.message.name))
        if sent is None:
            raise self._foreign(ref)
        return sent

    def _foreign(self, ref: SignalRef) -> UsageError:
        senders = ref.message.senders
        if not senders:
            return UsageError(f"no node of the database sends {ref}", remedy="name its sender in the database.")
        if self._absent.intersection(senders):
            who = f"{', '.join(senders)}, which is really there"
            return UsageError(f"{ref} is sent by {who}", remedy="set a signal of another node.")
        return UsageError(f"{ref} is not sent: bus {ref.bus} has no restbus", remedy="set restbus = true for that bus.")

    def _send_cyclic(self, sent: Sent) -> None:
        now_ns = self._clock.now_ns
        if sent.timer is not None:
            sent.due_ns = sent.timer.t_ns  # not what was asked for, if a test began since: bench time began anew
        self._note_lateness(sent, now_ns - sent.due_ns)
        if not sent.muted:
            sent.port.send(sent.message.frame_id, sent.payload, sent.flags)
            sent.count += 1
        sent.due_ns += sent.cycle_ns
        if sent.due_ns <= now_ns:
            sent.due_ns += (now_ns - sent.due_ns) // sent.cycle_ns * sent.cycle_ns + sent.cycle_ns
        sent.timer = self._clock.call_at(sent.due_ns, self._send_cyclic, sent)

    def _note_lateness(self, sent: Sent, late_ns: int) -> None:
        sent.worst_late_ns = max(sent.worst_late_ns, late_ns)
        allowed_ns = sent.cycle_ns if self._allowed_ns is None else self._allowed_ns
        if late_ns > allowed_ns:
            self._on_late(Lateness(f"{sent.message.name} on {sent.bus}", sent.due_ns, late_ns, allowed_ns))


def _sent(bus: str, message: Message, port: CanPort) -> Sent:
    values = database.start_values(message)
    return Sent(
        bus=bus,
        message=message,
        port=port,
        cycle_ns=(message.cycle_time or 0) * 1_000_000,
        values=values,
        payload=database.encode(message, values),
        flags=database.flags_of(message),
    )
