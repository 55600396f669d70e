"""The restbus: plays every node of the databases except those that are really there.

Values, gateways and faults are here; what one message is stands in `hil.can.sender`, when it is sent in
`hil.can.schedule`. Payloads are encoded only when a value changes. Network management messages are sent by
`hil.can.network_manager`, diagnosis by whoever diagnoses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from cantools.database.can import Message

from hil.can import database
from hil.can.curves import Curve
from hil.can.database import Network, SignalRef, Value
from hil.can.e2e import Chain
from hil.can.port import CanPort
from hil.can.schedule import Lateness, Scheduler
from hil.can.sender import ASLEEP, PARTIAL_NETWORK, Sent, chain_of
from hil.can.traits import MessageTraits
from hil.clock import Clock
from hil.errors import UsageError
from hil.nearest import did_you_mean

ALONE: Final = "message"
NODE: Final = "node"
"""Reasons for a message's silence; a bus that sleeps is another (`ASLEEP`), a part of it too (`PARTIAL_NETWORK`)."""
MakeChain = Callable[[str, Message, MessageTraits], Chain | None]


class Restbus:
    """All messages that the bench sends by itself.

    Args:
        clock: bench time.
        network: the databases.
        ports: bus name -> port.
        absent: nodes that are really there (the ECU under test), so not played.
        on_late: told of each frame that left too late.
        allowed_ns: how late is still well; one cycle of the message if None.
        plays: which messages it plays of those that it could; all if None.
        make_chain: the protection of a message; what the database states if None.
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
        plays: Callable[[str, Message], bool] | None = None,
        make_chain: MakeChain | None = None,
    ) -> None:
        self._clock, self._network = clock, network
        self._absent = frozenset(absent)
        self._plays = plays
        self._schedule = Scheduler(clock, on_late, allowed_ns)
        self._messages: dict[tuple[str, str], Sent] = {}
        for bus, message in network.messages():
            traits = network.traits(bus, message)
            if bus in ports and self._is_played(bus, message, traits):
                chain = make_chain(bus, message, traits) if make_chain else chain_of(traits)
                start = network.start_values(bus, message)
                self._messages[bus, message.name] = Sent(bus, message, traits, ports[bus], chain, start)
        self._copies = self._find_copies()

    def _is_played(self, bus: str, message: Message, traits: MessageTraits) -> bool:
        if traits.is_nm or traits.is_diag or not message.senders:
            return False
        chosen = self._plays is None or self._plays(bus, message)
        return chosen and not self._absent.intersection(message.senders)

    def _find_copies(self) -> dict[str, list[tuple[Sent, str]]]:
        """`Message.Signal` of a source -> where gateways repeat it."""
        copies: dict[str, list[tuple[Sent, str]]] = {}
        for sent in self._messages.values():
            for signal, source in sent.traits.gateway.items():
                copies.setdefault(source, []).append((sent, signal))
        return copies

    @property
    def messages(self) -> list[Sent]:
        """What is sent, in the order of the databases, with what was achieved."""
        return list(self._messages.values())

    @property
    def running(self) -> bool:
        """Whether it sends."""
        return self._schedule.running

    # Start and stop -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin all cycles."""
        self._schedule.start(self._messages.values())

    def stop(self) -> None:
        """Send nothing more; values are kept."""
        self._schedule.stop(self._messages.values())

    def reset(self) -> None:
        """Every signal back to its start value, every fault gone; what network management decided stays.

        A signal that is sent on change says that it is back; what was still to be sent for earlier events is not.
        """
        for sent in self._messages.values():
            before = sent.state
            sent.reset()
            self._schedule.forget_event(sent)
            self._schedule.tell(sent, before, {name for name, raw in sent.values.items() if raw != before.values[name]})

    # Values -------------------------------------------------------------------------------------------------------

    def set(self, ref: SignalRef, value: Value) -> None:
        """`set_all` of one signal."""
        sent, name, raw = self._of(ref), ref.name, value.raw
        if sent.traits.while_active or sent.curves or ref.source in self._copies:
            self.set_all({ref: value})
            return
        has_changed = sent.values[name] != raw
        sent.use_one(name, raw)
        self._schedule.tell_one(sent, name, has_changed)

    def set_all(
        self, values: Mapping[SignalRef, Value], before_sending: Callable[[list[Sent]], object] | None = None
    ) -> list[Sent]:
        """Send these values from now on: cyclic messages from their next frame, others as their send type says.

        All values of one message go in one frame; either all are taken or none. Gateways repeat them, unless the
        repeated signal is given a value of its own here: a gateway that is wrong on purpose.

        Args:
            values: by signal.
            before_sending: told of the messages once they have their values, before any is sent.

        Returns:
            The messages that were written.

        Raises:
            UsageError: another node sends a signal, not the restbus; protection writes it; or a multiplexer's value
                selects nothing.
        """
        written: dict[Sent, dict[str, Any]] = {}
        for ref, value in values.items():
            written.setdefault(self._of(ref), {})[ref.name] = value.raw
        for ref, value in values.items() if self._copies else ():
            for sent, signal in self._copies_of(ref):
                written.setdefault(sent, {}).setdefault(signal, self._as_copy(sent, signal, value))
        self._take(written, before_sending)
        return list(written)

    def _take(
        self, written: Mapping[Sent, dict[str, Any]], before_sending: Callable[[list[Sent]], object] | None = None
    ) -> None:
        before = {sent: sent.state for sent in written}
        try:
            for sent, values in written.items():
                sent.use(sent.values | values)
        except UsageError:
            for sent, state in before.items():
                sent.use(state.values)
            raise
        if before_sending is not None:
            before_sending(list(written))
        for sent, state in before.items():
            for name in written[sent]:
                sent.curves.pop(name, None)
            self._schedule.tell(sent, state, written[sent].keys())

    def _copies_of(self, ref: SignalRef) -> list[tuple[Sent, str]]:
        found = self._copies.get(ref.source, [])
        return [(sent, signal) for sent, signal in found if sent.bus != ref.bus]

    def _as_copy(self, sent: Sent, signal: str, value: Value) -> int | float:
        ref = SignalRef(sent.bus, sent.message, sent.message.get_signal_by_name(signal))
        if value.label is not None and value.label in ref.labels:
            return ref.labels[value.label]
        return database.raw_of(sent.message, signal, value.physical)

    def follow(self, ref: SignalRef, curve: Curve) -> None:
        """Let a signal follow a curve of physical values: each frame carries the value of its instant.

        Raises:
            UsageError: as `set`; or the message has no cycle, so nothing would be sent between two events; or the
                signal selects what its message carries.
        """
        sent = self._of(ref)
        if ref.signal.is_multiplexer:
            raise UsageError(f"{ref} can't follow a curve: it is a multiplexer", remedy="set its values one by one.")
        if not sent.period_ns:
            mend = "set its values one by one, or give it a cycle: set_cycle."
            raise UsageError(f"{ref} can't follow a curve: {sent.name} is not cyclic", remedy=mend)
        cyclic_copies = [(copy, signal) for copy, signal in self._copies_of(ref) if copy.period_ns]
        for follower, signal in ((sent, ref.signal.name), *cyclic_copies):
            follower.curves[signal] = curve
            follower.release(follower)

    def pass_point(self, ref: SignalRef, value: Value) -> None:
        """The curve of a signal passes a point now: copies without a cycle are sent with it, `get` knows it.

        Where the curve has ended before, since its message was inactive meanwhile, the value is set.

        Raises:
            UsageError: as `set`.
        """
        own, name, copies = self._of(ref), ref.signal.name, self._copies_of(ref)
        events = [(copy, signal) for copy, signal in copies if not copy.period_ns]
        self._take({copy: {signal: self._as_copy(copy, signal, value)} for copy, signal in events})
        for sent in (own, *(copy for copy, _ in copies)):
            self._schedule.settle(sent)
        if name not in own.curves and own.values[name] != value.raw:
            self.set(ref, value)

    def get(self, ref: SignalRef) -> Value:
        """What is being sent; of a signal that the message's protection writes what was sent last.

        Raises:
            UsageError: as `set`.
        """
        return database.show(ref, self._of(ref, to_write=False).raw(ref.signal.name))

    def is_alone(self, ref: SignalRef) -> bool:
        """Whether no gateway repeats a signal: setting it writes one message."""
        return ref.source not in self._copies

    def check(self, ref: SignalRef) -> None:
        """Refuse a signal that can't be set.

        Raises:
            UsageError: as `set`.
        """
        self._of(ref)

    def sends(self, ref: SignalRef) -> bool:
        """Whether the restbus sends this signal."""
        return ref.key in self._messages

    def plays(self, bus: str, message: str) -> bool:
        """Whether the restbus sends this message."""
        return (bus, message) in self._messages

    def is_cyclic(self, ref: SignalRef) -> bool:
        """Whether its message is being sent in a cycle, so that the signal can follow a curve.

        Raises:
            UsageError: as `set`.
        """
        return bool(self._of(ref, to_write=False).period_ns)

    def may_be_cyclic(self, ref: SignalRef) -> bool:
        """Whether its message is being sent in a cycle, or will be while a signal of it is active.

        Raises:
            UsageError: as `set`.
        """
        sent = self._of(ref, to_write=False)
        return bool(sent.period_ns or sent.traits.while_active)

    # Faults on purpose --------------------------------------------------------------------------------------------

    def sent(self, bus: str, message: str) -> Sent:
        """A message of the restbus.

        Raises:
            UsageError: the restbus doesn't send it.
        """
        found = self._messages.get((bus, message))
        if found is None:
            raise UsageError(f"{bus}::{message} is not sent by the restbus")
        return found

    def mute(self, bus: str, message: str, muted: bool) -> None:
        """Stop sending one message (its cycle goes on silently), or send it again.

        Raises:
            UsageError: the restbus doesn't send it.
        """
        self.sent(bus, message).silence(ALONE, muted)

    def mute_node(self, node: str, muted: bool) -> list[Sent]:
        """Silence all messages of a node on all buses, or let them be sent again.

        Raises:
            UsageError: no message of the restbus is sent by that node.
        """
        found = [sent for sent in self._messages.values() if node in sent.message.senders]
        if not found:
            raise self._no_node(node)
        for sent in found:
            sent.silence(NODE, muted)
        return found

    def _no_node(self, node: str) -> UsageError:
        if node in self._absent:
            return UsageError(f"node {node} is really there; the restbus can't silence it")
        known = sorted({sender for sent in self._messages.values() for sender in sent.message.senders})
        mend = did_you_mean(node, known, f"it plays {', '.join(known)}.", quote="")
        return UsageError(f"the restbus plays no node '{node}'", remedy=mend)

    def set_partial_network(self, bus: str, number: int, on: bool) -> list[Sent]:
        """Let the messages of a partial network be sent on a bus, or not; messages of none are always sent."""
        on_bus = (sent for sent in self._messages.values() if sent.bus == bus)
        found = [sent for sent in on_bus if sent.traits.partial_network == number]
        for sent in found:
            sent.silence(PARTIAL_NETWORK, not on)
        return found

    def silence_bus(self, bus: str, silent: bool) -> None:
        """Let no message of a bus be sent, since it sleeps; or all again."""
        for sent in self._messages.values():
            if sent.bus == bus:
                sent.silence(ASLEEP, silent)

    def shift(self, bus: str, message: str, delay_ns: int) -> None:
        """Move the phase of a cyclic message: its next frame, and all after it, come `delay_ns` later.

        Raises:
            UsageError: the restbus doesn't send it.
        """
        self._schedule.shift(self.sent(bus, message), delay_ns)

    def set_cycle(self, bus: str, message: str, cycle_ns: int | None) -> None:
        """Send a message with another cycle; None: its own again.

        Raises:
            UsageError: the restbus doesn't send it.
        """
        sent = self.sent(bus, message)
        before_ns = sent.period_ns
        sent.set_cycle(cycle_ns)
        self._schedule.refresh(sent, before_ns)

    # Who sends what -----------------------------------------------------------------------------------------------

    def _of(self, ref: SignalRef, *, to_write: bool = True) -> Sent:
        sent = self._messages.get(ref.key)
        if sent is None:
            raise self._foreign(ref)
        if to_write and ref.name in sent.protected_signals:
            mend = "freeze its counter or corrupt its CRC instead."
            raise UsageError(f"{ref} is written by the message's E2E protection", remedy=mend)
        return sent

    def _foreign(self, ref: SignalRef) -> UsageError:
        senders = ref.message.senders
        if not senders:
            return UsageError(f"no node of the database sends {ref}", remedy="name its sender in the database.")
        if self._absent.intersection(senders):
            who = f"{', '.join(senders)}, which is really there"
            return UsageError(f"{ref} is sent by {who}", remedy="set a signal of another node.")
        traits = self._network.traits(ref.bus, ref.message)
        if traits.is_nm or traits.is_diag:
            who = "network management" if traits.is_nm else "diagnosis"
            return UsageError(f"{ref} belongs to {who}, not to the restbus")
        if self._plays is not None and not self._plays(ref.bus, ref.message):
            return UsageError(f"{ref} is not played on this bench", remedy="see 'play' of its bus in the bench file.")
        return UsageError(f"{ref} is not sent: bus {ref.bus} has no restbus", remedy="set restbus = true for that bus.")


__all__ = ["ALONE", "ASLEEP", "NODE", "PARTIAL_NETWORK", "Lateness", "Restbus", "Sent"]
