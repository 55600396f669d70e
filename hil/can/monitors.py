"""Monitors: what runs beside every test and watches every frame that others send.

Cycle time, length, E2E, undefined identifiers, error frames, and frames that somebody sends in the name of a node that
the restbus plays. What each is worth is said by `hil.can.monitor_rules`, what was found by `hil.can.monitor_findings`.

Rules of this module: every frame of the bench comes by, so a healthy one costs a dictionary look-up and a few
comparisons: no call, no exception, nothing made anew. Whether a frame came in time is a window `earliest_ns` to
`latest_ns` that each frame moves; what isn't judged has a window without ends. What stays away is found by a sweep,
not by a timer a message; the sweep stops when nothing more can be missed.

After a frame that can't be read (wrong length or checksum) the next begins the sequence anew: one cause, one finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from cantools.database.can import Message

from hil.can.database import Network
from hil.can.e2e import Chain, E2e, Receiver, check_all
from hil.can.frames import ERROR, EXTENDED, FD, REMOTE, SENT, CanFrame, show_id
from hil.can.monitor_findings import Due, Fault, Finding, Ledger
from hil.can.monitor_rules import Kind, Level, MonitorRules, Pattern, Subject, check_rules, exempt_ids
from hil.can.restbus import MakeChain
from hil.can.sender import chain_of
from hil.can.traits import MessageTraits
from hil.clock import Clock, Timer

_FAR: Final = 1 << 62
_NEVER: Final = -2 * _FAR
"""Begin of the window of a message that isn't judged."""
_ON_ITS_WAY_NS: Final = 2_000_000
"""So long after something began a frame from before may still end: longer than any frame takes on the wire."""
_FORM: Final = EXTENDED | FD | REMOTE | ERROR
_SWEEP_NS: Final = 500_000_000
_LAG_NS: Final = 200_000_000
"""On a real clock: how long after its stamp a frame may come by; until then nothing is missing."""
_PAYLOADS: Final = 512
"""How many payloads of a protected message are remembered with their counter."""
_STRANGERS: Final = 64
"""How many undefined identifiers of a bus get a finding each."""
_UNREADABLE: Final = -1
_ANY: Final = -2
_Key = tuple[str, int, int]
_Plain = tuple[Due, Mapping[Kind, Level]]
"""What there is to say of something that isn't watched as a message, and what that is worth."""


class _Watch:
    """One message and what is due of it.

    Attributes:
        earliest_ns: before this the next frame is too early.
        first_ns: from this on a frame may be the first one after something began.
        latest_ns: after this it is too late.
        least_ns: least distance to the next frame; -_FAR where it isn't judged.
        most_ns: greatest distance; _FAR where it isn't judged.
        length: bytes of its payload.
        counters: payload -> its E2E counter, or _UNREADABLE if its checksum is wrong; None: see `receivers`.
        following: counter -> the one that follows.
        next_counter: the counter that the next frame must have, or _ANY.
        receivers: of a protection that isn't one E2E profile.
    """

    __slots__ = (
        "counters", "due", "e2e", "earliest_ns", "first_ns", "following", "is_judged", "latest_ns", "least_ns",
        "length", "levels", "most_ns", "next_counter", "receivers", "since_ns", "told_ns", "traits",
    )  # fmt: skip

    def __init__(self, due: Due, traits: MessageTraits, levels: Mapping[Kind, Level], chain: Chain | None) -> None:
        self.due, self.traits, self.levels = due, traits, levels
        self.length = due.length
        self.e2e = chain.links[0] if chain is not None and len(chain.links) == 1 else None
        self.counters: dict[bytes, int] | None = None
        self.receivers: list[Receiver] = []
        self.following: tuple[int, ...] = ()
        self.is_judged = False
        if isinstance(self.e2e, E2e):
            self.counters = {}
            self.following = (*range(1, self.e2e.period), 0)
        elif chain is not None:
            self.receivers = chain.receivers()
        self.start_anew()
        self.leave()

    def wait_until(self, t_ns: int) -> None:
        """What comes before that is from before something began, and nobody's."""
        self.earliest_ns = self.first_ns = t_ns

    def start_anew(self) -> None:
        """Any counter may come next."""
        self.next_counter = _ANY
        for receiver in self.receivers:
            receiver.reset()

    def leave(self) -> None:
        """Judge its cycle no longer."""
        self.least_ns, self.most_ns = -_FAR, _FAR
        self.earliest_ns, self.latest_ns = _NEVER, _FAR
        self.first_ns = _NEVER
        self.told_ns = self.since_ns = _NEVER

    def judge(self, now_ns: int, grace_ns: int) -> None:
        """Judge its cycle from its next frame on; it must come within the grace, or one cycle if that is longer."""
        due = self.due
        self.most_ns = due.cycle_ns + due.tolerance_ns
        self.least_ns = -_FAR if due.at_least else due.cycle_ns - due.tolerance_ns
        self.earliest_ns = self.first_ns = _NEVER
        self.latest_ns = now_ns + max(grace_ns, self.most_ns + self.traits.start_delay_ns)
        self.told_ns, self.since_ns = _NEVER, now_ns

    @property
    def is_awaited(self) -> bool:
        """No frame has come since something began."""
        return self.earliest_ns == self.first_ns

    def widen(self, change_ns: int) -> None:
        """The tolerance has grown by this much."""
        self.most_ns += change_ns
        self.least_ns -= 0 if self.due.at_least else change_ns
        if not self.is_awaited:
            self.latest_ns += change_ns
            self.earliest_ns -= 0 if self.due.at_least else change_ns


class Monitors:
    """Watches all buses of a bench.

    Args:
        clock: bench time.
        network: the databases.
        rules: what matters.
        expected_nodes: bus -> nodes that are really there: their messages must come.
        is_played: whether the restbus plays a message; if None, it plays all with a sender that isn't expected, but
            for diagnosis.
        jitter_ns: jitter of the bench's own stamps, measured: added to every tolerance.
        on_finding: told of each finding when it occurs first.
        make_chain: the protection of a message; what the database states if None.

    Raises:
        UsageError: a rule fits no message.
    """

    def __init__(
        self,
        clock: Clock,
        network: Network,
        rules: MonitorRules | None = None,
        *,
        expected_nodes: Mapping[str, Iterable[str]],
        is_played: Callable[[str, Message], bool] | None = None,
        jitter_ns: int = 0,
        on_finding: Callable[[Finding], object] | None = None,
        make_chain: MakeChain | None = None,
    ) -> None:
        self._clock, self._network, self._rules = clock, network, rules or MonitorRules()
        check_rules(self._rules, network)
        self._expected = {bus: frozenset(nodes) for bus, nodes in expected_nodes.items()}
        self._is_played, self._make_chain = is_played, make_chain
        self._jitter_ns = jitter_ns
        self._ledger = Ledger(on_finding)
        self._watched: dict[_Key, _Watch] = {}
        self._foreign: dict[_Key, _Plain] = {}
        self._strangers: dict[_Key, _Plain | None] = {}
        self._errors = {bus: self._plain(Subject(bus, "", -1, False), "") for bus in network.databases}
        self._further = {bus: Due(bus, "other identifiers", more=True) for bus in network.databases}
        self._exempt = exempt_ids(network)
        self._cyclic: dict[str, list[_Watch]] = {bus: [] for bus in network.databases}
        self._pauses: dict[str, set[str]] = {bus: {""} for bus in network.databases}
        self._asleep_pncs: set[int] = set()
        self._timer: Timer | None = None
        for bus, message in network.messages():
            self._add(bus, message)

    # What is watched ----------------------------------------------------------------------------------------------

    def _add(self, bus: str, message: Message) -> None:
        traits = self._network.traits(bus, message)
        key = (bus, message.frame_id, traits.flags & _FORM)
        subject = Subject(bus, message.name, message.frame_id, message.is_extended_frame)
        if not traits.is_diag and not self._comes(bus, message) and self._played(bus, message):
            self._foreign[bus, message.frame_id, traits.flags & EXTENDED] = self._plain(subject, message.name)
            return
        watch = self._watched[key] = self._watch(subject, message, traits)
        is_cyclic = bool(traits.cycle_ns) and not (traits.is_nm or traits.active_only)
        if is_cyclic and self._comes(bus, message) and watch.levels[Kind.CYCLE] is not Level.OFF:
            self._cyclic[bus].append(watch)

    def _comes(self, bus: str, message: Message) -> bool:
        """Whether a node sends it that is really there."""
        return not self._expected.get(bus, frozenset()).isdisjoint(message.senders)

    def _played(self, bus: str, message: Message) -> bool:
        return bool(message.senders) if self._is_played is None else self._is_played(bus, message)

    def _watch(self, subject: Subject, message: Message, traits: MessageTraits) -> _Watch:
        levels = dict.fromkeys(Kind, Level.OFF) if traits.is_diag else self._rules.levels_of(subject)
        chain = None
        if levels[Kind.E2E] is not Level.OFF:
            make = self._make_chain
            chain = chain_of(traits) if make is None else make(subject.bus, message, traits)
        due = Due(
            bus=subject.bus,
            name=subject.name,
            length=message.length,
            is_fd=bool(traits.flags & FD),
            cycle_ns=traits.cycle_ns,
            tolerance_ns=self._rules.tolerance_of(subject).of(traits.cycle_ns) + self._jitter_ns,
            at_least=not traits.purely_cyclic,
        )
        link = chain.links[0] if chain is not None else None
        if isinstance(link, E2e):
            due.protection, due.counters, due.max_delta = link.config.profile, link.period, link.config.max_delta
        return _Watch(due, traits, levels, chain)

    @property
    def jitter_ns(self) -> int:
        """The bench's own jitter, which every tolerance contains."""
        return self._jitter_ns

    @jitter_ns.setter
    def jitter_ns(self, jitter_ns: int) -> None:
        change_ns, self._jitter_ns = jitter_ns - self._jitter_ns, jitter_ns
        for watch in self._watched.values():
            watch.due.tolerance_ns += change_ns
            if watch.is_judged:
                watch.widen(change_ns)

    # Frames -------------------------------------------------------------------------------------------------------

    def on_frame(self, frame: CanFrame) -> None:
        """A frame was on a bus."""
        t_ns, bus, can_id, data, flags, _ = frame
        if flags & SENT:
            return
        watch = self._watched.get((bus, can_id, flags & _FORM))
        if watch is None:
            self._on_unusual(frame)
            return
        if not watch.earliest_ns <= t_ns <= watch.latest_ns and self._is_from_before(watch, t_ns):
            return
        watch.earliest_ns = t_ns + watch.least_ns
        watch.latest_ns = t_ns + watch.most_ns
        if len(data) != watch.length:
            self._on_wrong_length(watch, t_ns, data)
        elif watch.counters is not None:
            counter = watch.counters.get(data, _UNREADABLE)
            if counter == watch.next_counter:
                watch.next_counter = watch.following[counter]
            else:
                self._on_counter(watch, t_ns, data)
        elif watch.receivers:
            self._on_protected(watch, t_ns, data)

    def _is_from_before(self, watch: _Watch, t_ns: int) -> bool:
        """Of a frame outside its window: whether it was on the wire when something began; if not, that is told."""
        if watch.is_awaited and t_ns < watch.first_ns:
            return True
        self._on_off_cycle(watch, t_ns)
        return False

    def _on_off_cycle(self, watch: _Watch, t_ns: int) -> None:
        """It came too early, too late, or for the first time after it was due."""
        if watch.is_awaited:
            if watch.told_ns != watch.latest_ns:
                self._note(watch, Fault.MISSING, watch.latest_ns, watch.since_ns)
        else:
            gap_ns = t_ns - (watch.latest_ns - watch.most_ns)
            if watch.told_ns == watch.latest_ns:
                self._ledger.take_back(watch.due, Fault.GONE)
            if t_ns > watch.latest_ns:
                self._note(watch, Fault.LATE, t_ns, gap_ns, gap_ns)
            else:
                self._note(watch, Fault.EARLY, t_ns, gap_ns, -gap_ns)
        self._start_sweep()

    def _on_wrong_length(self, watch: _Watch, t_ns: int, data: bytes) -> None:
        watch.start_anew()
        length = len(data)
        self._note(watch, Fault.LENGTH, t_ns, length, abs(length - watch.length))

    def _on_counter(self, watch: _Watch, t_ns: int, data: bytes) -> None:
        """A payload that isn't known yet, or a counter that doesn't follow the one before.

        The rules are those of `E2eReceiver`, which isn't asked for every frame.
        """
        counter, period, awaited = _read(watch, data), len(watch.following), watch.next_counter
        last = None if awaited == _ANY else (awaited - 1) % period
        if counter == _UNREADABLE or counter >= period:
            watch.start_anew()
            invalid = counter >= period
            self._note(watch, Fault.SEQUENCE if invalid else Fault.CRC, t_ns, (counter, last) if invalid else data)
            return
        watch.next_counter = watch.following[counter]
        if last == counter:
            self._note(watch, Fault.REPEATED, t_ns, counter)
        elif last is not None and (counter - last) % period > watch.due.max_delta:
            self._note(watch, Fault.SEQUENCE, t_ns, (counter, last))

    def _note(self, watch: _Watch, fault: Fault, t_ns: int, value: Any, weight: int = 0) -> None:
        self._ledger.note(watch.due, watch.levels, fault, t_ns, value, weight)

    def _on_protected(self, watch: _Watch, t_ns: int, data: bytes) -> None:
        """A chain of several links, or one that isn't an E2E profile."""
        status = check_all(watch.receivers, data)
        if not status.is_good:
            self._note(watch, Fault.PROTECTION, t_ns, (status, data))

    # What isn't watched -------------------------------------------------------------------------------------------

    def _on_unusual(self, frame: CanFrame) -> None:
        """An error frame, one that nobody but the bench should send, one of the wrong format, or a stranger."""
        t_ns, bus, can_id, data, flags, _ = frame
        if bus not in self._errors:
            return
        key = (bus, can_id, flags & EXTENDED)
        if flags & ERROR:
            self._ledger.note(*self._errors[bus], Fault.ERROR, t_ns, None, 0)
        elif flags & REMOTE and self._is_known(key):
            pass  # it asks for a message and says nothing
        elif key in self._foreign:
            self._ledger.note(*self._foreign[key], Fault.FOREIGN, t_ns, None, 0)
        elif not self._is_other_form(frame):
            self._on_stranger(key, t_ns, data)

    def _is_known(self, key: _Key) -> bool:
        bus, can_id, extended = key
        return key in self._foreign or key in self._watched or (bus, can_id, extended | FD) in self._watched

    def _is_other_form(self, frame: CanFrame) -> bool:
        """Whether it is CAN FD and shouldn't be, or the reverse."""
        watch = self._watched.get((frame.bus, frame.can_id, frame.flags & (EXTENDED | FD) ^ FD))
        if watch is None or frame.flags & REMOTE:
            return False
        self._note(watch, Fault.FORMAT, frame.t_ns, None)
        self.on_frame(frame._replace(flags=frame.flags ^ FD))
        return True

    def _on_stranger(self, key: _Key, t_ns: int, data: bytes) -> None:
        if key not in self._strangers:
            self._strangers[key] = self._stranger(Subject(key[0], "", key[1], bool(key[2])))
        plain = self._strangers[key]
        if plain is not None:
            self._ledger.note(*plain, Fault.UNDEFINED, t_ns, data, 0)

    def _stranger(self, subject: Subject) -> _Plain | None:
        """What an undefined identifier is called; None: it may be there."""
        if self._rules.allows(subject) or any(pattern.fits(subject) for pattern in self._exempt):
            return None
        known = sum(plain is not None and plain[0].bus == subject.bus for plain in self._strangers.values())
        if known >= _STRANGERS:
            return self._further[subject.bus], self._rules.levels_of(subject)
        return self._plain(subject, show_id(subject.can_id, EXTENDED if subject.extended else 0))

    def _plain(self, subject: Subject, name: str) -> _Plain:
        return Due(subject.bus, name), self._rules.levels_of(subject)

    # When it is judged --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A case begins: forget all. No cycle is judged until `resume`; what comes all the same is looked at."""
        self._ledger.clear()
        self._strangers.clear()
        self._asleep_pncs.clear()
        for bus in self._pauses:
            self._pauses[bus] = {""}
        self._refresh(self._pauses, 0)
        self._disarm()

    def pause(self, reason: str, *, bus: str = "") -> None:
        """Expect no frame of the real nodes: the ECU is off, a bus sleeps. What comes all the same is looked at.

        Args:
            reason: why; several hold side by side.
            bus: on which bus; on all if empty.
        """
        for name in self._named(bus):
            self._pauses[name].add(reason)
        self._refresh(self._named(bus), 0)

    def resume(self, grace_ns: int, *, reason: str | None = None, bus: str = "") -> None:
        """Something begins: a wake-up, KL15, power, the restbus. E2E sequences begin anew. The cycle of each message is
        judged from its first frame on; one that hasn't come when the grace ends is missing.

        Args:
            grace_ns: within which the first frame must come (one cycle, if that is longer).
            reason: the reason for a pause that is over; None: all of them.
            bus: on which bus; on all if empty.
        """
        for name in self._named(bus):
            self._pauses[name] -= {"", reason} if reason is not None else set(self._pauses[name])
        self._refresh(self._named(bus), grace_ns)
        first_ns = self._clock.now_ns + min(_ON_ITS_WAY_NS, grace_ns)
        for key, watch in self._watched.items():
            if bus in ("", key[0]):
                watch.start_anew()
                watch.wait_until(first_ns)

    def set_partial_network(self, number: int, on: bool, grace_ns: int = 0) -> None:
        """Expect the messages of a partial network, from the end of a grace on, or expect them no more."""
        (self._asleep_pncs.discard if on else self._asleep_pncs.add)(number)
        for bus, watches in self._cyclic.items():
            members = [watch for watch in watches if watch.traits.partial_network == number]
            self._judge(bus, members, grace_ns)

    def _named(self, bus: str) -> list[str]:
        return [bus] if bus else list(self._pauses)

    def _refresh(self, buses: Iterable[str], grace_ns: int) -> None:
        for bus in buses:
            self._judge(bus, self._cyclic[bus], grace_ns)

    def _judge(self, bus: str, watches: Iterable[_Watch], grace_ns: int) -> None:
        now_ns = self._clock.now_ns
        for watch in watches:
            watch.is_judged = not self._pauses[bus] and watch.traits.partial_network not in self._asleep_pncs
            if watch.is_judged:
                watch.judge(now_ns, grace_ns)
            else:
                watch.leave()
        self._arm()

    # What stays away ----------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        lag_ns = 0 if self._clock.is_virtual else _LAG_NS
        limit_ns = self._clock.now_ns - lag_ns
        for watches in self._cyclic.values():
            for watch in watches:
                if watch.latest_ns < limit_ns and watch.told_ns != watch.latest_ns:
                    self._miss(watch)

    def _miss(self, watch: _Watch) -> None:
        watch.told_ns = latest_ns = watch.latest_ns
        if watch.is_awaited:
            self._note(watch, Fault.MISSING, latest_ns, watch.since_ns)
        else:
            self._note(watch, Fault.GONE, latest_ns, latest_ns - watch.most_ns)

    def _arm(self) -> None:
        """Sweep from time to time, as long as there is something that could still be missed."""
        if self._may_miss():
            self._start_sweep()

    def _start_sweep(self) -> None:
        if self._timer is None:
            self._timer = self._clock.call_in(_SWEEP_NS, self._on_timer)

    def _may_miss(self) -> bool:
        return any(w.is_judged and w.told_ns != w.latest_ns for watches in self._cyclic.values() for w in watches)

    def _on_timer(self, _: Any) -> None:
        self._timer = None
        self._sweep()
        self._arm()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stop(self) -> None:
        """Sweep no more: the bench is closed."""
        self._disarm()

    def findings(self) -> list[Finding]:
        """What was found since `begin`, in the order in which it occurred first; what stays away now included."""
        self._sweep()
        return self._ledger.findings()


def _read(watch: _Watch, data: bytes) -> int:
    """The counter of a payload; _UNREADABLE if its checksum is wrong. Payloads repeat, so they are remembered.

    A counter that no sender may use is given as it is: the library calls its checksum wrong whatever it is.
    """
    e2e, counters = watch.e2e, watch.counters
    if counters is None or not isinstance(e2e, E2e):
        return _UNREADABLE
    known = counters.get(data)
    if known is not None:
        return known
    if len(counters) >= _PAYLOADS:
        counters.clear()
    counter = e2e.counter(data)
    counters[data] = counter if counter >= e2e.period or e2e.crc_ok(data) else _UNREADABLE
    return counters[data]


__all__ = ["Finding", "Kind", "Level", "MonitorRules", "Monitors", "Pattern"]
