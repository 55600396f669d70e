"""The simulated wire: one CAN bus in bench time, with arbitration, exact lengths and fault confinement, and its ports.

Frames wait at their sender in the order sent. When the bus is idle, the lowest identifier among the heads of all
queues wins, after everything else that happens in that nanosecond; the frame ends after its bits, stuff bits and
intermission (`hil.can.bits`), and is then delivered to every node, the sender included (flag SENT), stamped there.

What goes wrong goes as ISO 11898-1 says, bit by bit (`hil.can.attempt`): two nodes with one identifier, disturbed bits
(`disturb`), nobody who acknowledges. The error frame is delivered, to each node as its own controller sees it
(`hil.can.error_frames`), at its end, intermission included. A frame that failed stays at the head of its sender's
queue and is tried again. An error-passive node lets eight bits pass before it sends again, and its FD frames carry
ESI. A node that goes bus-off loses what waits in its queue, as AUTOSAR's CAN driver cancels it; what it is told to
send from then on is counted (`SimCanPort.dropped`) and forgotten, until it is back. Nothing is delivered to it.

Who acknowledges: with `acknowledged`, which is the default, there is one more node that never sends, hears all well and
takes part in error frames: a lone node's frames arrive. Without it a lone node gets acknowledge errors, as on a desk.

How it is fast: what a frame is on the wire is kept per frame, and while no error counter stands above zero and
nothing is disturbed (`careful` is False), none of the error handling runs.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from hil.can import error_frames
from hil.can.attempt import Outcome, Result, Seat, Sendable, attempt
from hil.can.bits import SUSPEND_BITS, arbitration_key, duration_ns, frame_length
from hil.can.confinement import CLEAN, Confinement, ErrorState
from hil.can.disturbance import NO_TROUBLE, Disturbance, Disturber, Trouble
from hil.can.frames import BRS, ERROR, ESI, FD, REMOTE, SENT, CanFrame, check_frame, show_id
from hil.can.stub import Stub
from hil.can.wire_port import Entry, SimCanPort
from hil.clock import Clock, Timer
from hil.errors import UsageError
from hil.journal import Origin

_ENTRIES: Final = 16_384
"""Different frames whose facts are kept; then all are forgotten, since those that recur are soon found again."""
_BUSY_SPANS: Final = 16_384
"""How many spans of a busy bus are kept for `load`. At 500 kbit/s that is more than a second at the least."""
_SIM: Final = Origin.SIM
_new_frame: Final = tuple.__new__
"""`CanFrame(...)` without its Python-level constructor: a third of the time of a delivery."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An attempt to send that has to be accounted for.

    Attributes:
        waited: sender -> its frame as it waited.
        senders: sender -> its frame as it goes out.
        nodes: who takes part, and in which of its lives: one that closes meanwhile takes no part any more.
        outcome: what happens bit by bit; None: all goes well.
        trouble: what disturbs it.
    """

    waited: dict[SimCanPort, Entry]
    senders: dict[SimCanPort, Entry]
    nodes: list[tuple[SimCanPort, int]]
    outcome: Outcome | None
    trouble: Trouble


class SimWire:
    """One bus. Ports are its nodes.

    Args:
        clock: bench time.
        bus: name of the bus in the bench file.
        bitrate: nominal, bit/s.
        data_bitrate: of the data phase of CAN FD frames, bit/s.
        fd: whether the bus carries CAN FD; None: if there is a data bit rate. True without one takes FD frames that
            don't switch the bit rate.
        acknowledged: whether somebody beyond the ports acknowledges (see above).
        restart_after_ns: how long a node stays bus-off before it begins to count its way back; None: until
            `SimCanPort.restart`.
    """

    def __init__(
        self,
        clock: Clock,
        bus: str,
        bitrate: int = 500_000,
        data_bitrate: int | None = None,
        *,
        fd: bool | None = None,
        acknowledged: bool = True,
        restart_after_ns: int | None = None,
    ) -> None:
        self.bus, self.bitrate, self.data_bitrate = bus, bitrate, data_bitrate
        self.fd = data_bitrate is not None if fd is None else fd
        self.restart_after_ns = restart_after_ns
        self.error_frames = 0
        self.careful, self._clean = not acknowledged, True
        self.idle = True
        self.entries: dict[tuple[int, bytes, int], Entry] = {}
        self._checked: set[tuple[int, int, int]] = set()
        self.clock, self._acknowledged = clock, acknowledged
        self._ports: list[SimCanPort] = []
        self._attached: list[SimCanPort] = []
        self._stubs: dict[str, Stub] = {}
        self._keeps_latest = False
        self._disturber: Disturber | None = None
        self._timer = Timer(0, self._finish, None)
        self._careful_timer = Timer(0, self._finish_carefully, None)
        self._sender: SimCanPort
        self._entry: Entry
        self._attempt: _Attempt | None = None
        self._made_ns = clock.now_ns
        self._busy_from_ns: int | None = None
        self._busy_ns = 0
        self._spans: deque[tuple[int, int]] = deque(maxlen=_BUSY_SPANS)
        self._forgotten_ns: int | None = None

    def port(self, node: str) -> SimCanPort:
        """Attach a node."""
        port = SimCanPort(self, node)
        self._ports.append(port)
        self._attached.append(port)
        if node in self._stubs:
            self._stubs[node].settle()
        return port

    @property
    def nodes(self) -> tuple[SimCanPort, ...]:
        """All nodes, open or not, in the order in which they were attached."""
        return tuple(self._attached)

    @property
    def is_free(self) -> bool:
        """Whether nothing is on the bus."""
        return self._busy_from_ns is None

    # Nodes that come off the wire ------------------------------------------------------------------------------------

    def stub(self, node: str) -> Stub:
        """The conductors of a node, which a contact may open."""
        return self._stubs.setdefault(node, Stub(self, node))

    def find(self, node: str) -> SimCanPort | None:
        """The node of that name, if there is one by now."""
        return next((port for port in self._attached if port.node == node), None)

    def alike(self) -> SimWire:
        """A wire with nobody on it, for a node that comes off this one."""
        alone = SimWire(self.clock, self.bus, self.bitrate, self.data_bitrate, fd=self.fd, acknowledged=False)
        alone._keeps_latest = True
        return alone

    def busy_with(self, port: SimCanPort) -> int | None:
        """When the frame ends that a node is sending; None: it sends none."""
        if self._attempt is not None:
            return self._careful_timer.t_ns if port in self._attempt.senders else None
        sends = self._timer.t_ns > self.clock.now_ns and self._sender is port
        return self._timer.t_ns if sends else None

    def give_up(self, port: SimCanPort) -> int:
        """A node comes off the wire; returns the place that it had among the others."""
        place = self._ports.index(port)
        self._ports = [other for other in self._ports if other is not port]
        self.assess()
        return place

    def take_in(self, port: SimCanPort, place: int) -> None:
        """A node comes onto the wire, as it is."""
        self._ports = [*self._ports[:place], port, *self._ports[place:]]
        port.wire = self
        self.assess()
        if port.recovery is not None:
            (port.recovery.bus_idle if self.is_free else port.recovery.bus_taken)()
        if port.queue and self.idle:
            self.request()

    # Disturbances, load ----------------------------------------------------------------------------------------------

    def disturb(
        self, disturbances: Disturbance | Sequence[Disturbance] | None, rng: random.Random | None = None
    ) -> None:
        """Disturb frames that are sent, or tried, from now on. Replaces what was on; None ends it.

        Args:
            disturbances: what to do, one or several, each for itself.
            rng: where chance comes from; seeded, so that a run can be repeated.

        Raises:
            UsageError: a disturbance without a generator.
        """
        chosen = [disturbances] if isinstance(disturbances, Disturbance) else list(disturbances or ())
        if chosen and rng is None:
            raise UsageError("a disturbance needs chance", where=f"bus.{self.bus}", remedy="hand in a seeded Random.")
        self._disturber = Disturber(chosen, rng) if chosen and rng is not None else None
        self.assess()

    @property
    def busy_ns(self) -> int:
        """How long the bus has been busy, each frame and error frame counted with its intermission."""
        return self._busy_ns + (0 if self._busy_from_ns is None else self.clock.now_ns - self._busy_from_ns)

    def load(self, window_ns: int | None = None) -> float:
        """Share of time, 0 to 1, that the bus was busy: over the last `window_ns`, or since the wire was made.

        Raises:
            UsageError: the window is not above zero, or reaches back beyond what is kept.
        """
        now_ns = self.clock.now_ns
        if window_ns is None:
            return self.busy_ns / (now_ns - self._made_ns) if now_ns > self._made_ns else 0.0
        from_ns = now_ns - window_ns
        if window_ns <= 0 or (self._forgotten_ns is not None and from_ns < self._forgotten_ns):
            raise UsageError(f"no bus load over {window_ns} ns", where=f"bus.{self.bus}", remedy="give a shorter time.")
        spans = [*self._spans] if self._busy_from_ns is None else [*self._spans, (self._busy_from_ns, now_ns)]
        return sum(max(0, end_ns - max(begin_ns, from_ns)) for begin_ns, end_ns in spans) / window_ns

    # The way of a frame where all is well ----------------------------------------------------------------------------

    def entry(self, can_id: int, data: bytes, flags: int) -> Entry:
        """What a frame is on this wire, kept in `entries`.

        Raises:
            UsageError: no bus, or not this one, can carry it.
        """
        kind = (can_id, flags, len(data))
        if kind not in self._checked:
            self._check(can_id, data, flags)
            self._checked.add(kind)
        if flags & REMOTE:
            data = bytes(len(data))
        length_ns = duration_ns(frame_length(can_id, data, flags), self.bitrate, self.data_bitrate)
        if len(self.entries) >= _ENTRIES:
            self.entries.clear()
            self._checked.clear()
        entry = self.entries[can_id, data, flags] = arbitration_key(can_id, flags), length_ns, can_id, data, flags
        return entry

    def _check(self, can_id: int, data: bytes, flags: int) -> None:
        check_frame(can_id, data, flags)
        if flags & FD and not self.fd:
            raise UsageError(
                f"bus {self.bus} is classic CAN",
                where=show_id(can_id, flags),
                remedy="set data_bitrate in the bench file.",
            )
        if flags & BRS and self.data_bitrate is None:
            raise UsageError(
                f"bus {self.bus} has no data bit rate to switch to",
                where=show_id(can_id, flags),
                remedy="set data_bitrate in the bench file, or send without the switch.",
            )

    def request(self) -> None:
        """A node has something to send on an idle bus: arbitrate at the end of this nanosecond."""
        self.idle = False
        self.clock.call_last(self._arbitrate)

    def _arbitrate(self, _: object) -> None:
        if self.careful:
            self._arbitrate_carefully()
            return
        best: Entry | None = None
        winner = None
        for port in self._ports:
            if port.queue:
                entry = port.queue[0]
                if best is None or entry[0] < best[0]:
                    winner, best = port, entry
                elif entry[0] == best[0]:
                    self._arbitrate_carefully()
                    return
        if winner is None or best is None:
            self._rest(self.clock.now_ns)
            return
        winner.queue.popleft()
        self._sender, self._entry = winner, best
        now_ns = self.clock.now_ns  # as `_begin` does: here every frame passes
        if self._busy_from_ns is None:
            self._busy_from_ns = now_ns
        self.clock.call_again(self._timer, now_ns + best[1])

    def _begin(self, length_ns: int, timer: Timer) -> None:
        now_ns = self.clock.now_ns
        if self._busy_from_ns is None:
            self._busy_from_ns = now_ns
        self.clock.call_again(timer, now_ns + length_ns)

    def _finish(self, _: object) -> None:
        """The intermission is over. What nodes send as they hear the frame waits for the arbitration behind it."""
        sender, t_ns, bus = self._sender, self._timer.t_ns, self.bus
        _, _, can_id, data, flags = self._entry
        heard = None
        try:
            for port in self._ports:
                on_frame = port.on_frame
                if on_frame is None:
                    continue
                if port is sender:
                    on_frame(_new_frame(CanFrame, (t_ns, bus, can_id, data, flags | SENT, _SIM)))
                else:
                    heard = heard or _new_frame(CanFrame, (t_ns, bus, can_id, data, flags, _SIM))
                    on_frame(heard)
        finally:
            self._next(t_ns)

    def _next(self, now_ns: int) -> None:
        """Go on behind a frame: at once where nothing else can happen in this nanosecond."""
        for port in self._ports:
            if port.queue:
                if self.clock.is_quiet():
                    self._arbitrate(None)
                else:
                    self.request()
                return
        self._rest(now_ns)

    def _rest(self, now_ns: int) -> None:
        """The bus is idle."""
        self.idle = True
        begin_ns = self._busy_from_ns
        if begin_ns is not None:
            if len(self._spans) == _BUSY_SPANS:
                self._forgotten_ns = self._spans[0][1]
            self._spans.append((begin_ns, now_ns))
            self._busy_ns += now_ns - begin_ns
            self._busy_from_ns = None
        if self.careful:
            for port in self._ports:
                if port.recovery is not None:
                    port.recovery.bus_idle()

    # Where errors may be ---------------------------------------------------------------------------------------------

    def send_carefully(self, port: SimCanPort, entry: Entry) -> None:
        """A node sends while somebody has counters above zero, or frames are disturbed."""
        if port.state is ErrorState.BUS_OFF:
            port.dropped += 1
            return
        delay_ns = 0
        if self._disturber is not None:
            _, _, can_id, data, flags = entry
            delay_ns, data = self._disturber.on_send(port.node, can_id, data, flags, self.clock.now_ns)
            entry = self._entry_of(can_id, data, flags)
        if delay_ns:
            self.clock.call_in(delay_ns, port.enqueue_late, (entry, port.life))
        elif not self._keeps_latest or not port.renew(entry):
            port.enqueue(entry)

    def _entry_of(self, can_id: int, data: bytes, flags: int) -> Entry:
        return self.entries.get((can_id, data, flags)) or self.entry(can_id, data, flags)

    def assess(self) -> None:
        """Find out whether error handling has to run from now on."""
        self._clean = all(port.counters == CLEAN for port in self._ports)
        self.careful = not self._clean or self._disturber is not None or not self._acknowledged

    def _arbitrate_carefully(self) -> None:
        now_ns = self.clock.now_ns
        waiting = [port for port in self._ports if port.queue]
        ready = [port for port in waiting if port.not_before_ns <= now_ns]
        if ready:
            key = min(port.queue[0][0] for port in ready)
            self._try([port for port in ready if port.queue[0][0] == key])
            return
        self._rest(now_ns)
        if waiting:
            self.clock.call_at(min(port.not_before_ns for port in waiting), self._wake)

    def _wake(self, _: object) -> None:
        """An error-passive node has waited long enough."""
        if self.idle:
            self.request()

    def _try(self, winners: list[SimCanPort]) -> None:
        """Begin an attempt of all that got through the arbitration together; mostly one."""
        waited = {port: port.queue.popleft() for port in winners}
        senders = {port: self._as_sent(port, entry) for port, entry in waited.items()}
        first, entry = next(iter(senders.items()))
        nodes = [port for port in self._ports if port.is_online]
        trouble = self._trouble(first, entry, nodes)
        well = len(winners) == 1 and (self._acknowledged or len(nodes) > 1) and not trouble.flips
        if well and self._clean and trouble is NO_TROUBLE:
            self._sender, self._entry, first.sends_copy = first, entry, False
            self._begin(entry[1], self._timer)
            return
        outcome = None if well else self._play(senders, nodes, trouble)
        self._attempt = _Attempt(waited, senders, [(port, port.life) for port in nodes], outcome, trouble)
        for port in self._ports:
            if port.recovery is not None:
                port.recovery.bus_taken()
        self._begin(entry[1] if outcome is None else self._length_ns(outcome.length), self._careful_timer)

    def _as_sent(self, port: SimCanPort, entry: Entry) -> Entry:
        """An error-passive node says so in its FD frames."""
        _, _, can_id, data, flags = entry
        if flags & FD and not flags & ESI and port.counters.is_passive:
            return self._entry_of(can_id, data, flags | ESI)
        return entry

    def _trouble(self, sender: SimCanPort, entry: Entry, nodes: list[SimCanPort]) -> Trouble:
        if self._disturber is None:
            return NO_TROUBLE
        frame = CanFrame(self.clock.now_ns, self.bus, *entry[2:])
        others = [port.node for port in nodes if port is not sender]
        return self._disturber.on_attempt(frame, sender.node, others, is_copy=sender.sends_copy)

    def _play(self, senders: dict[SimCanPort, Entry], nodes: list[SimCanPort], trouble: Trouble) -> Outcome:
        flips = dict(trouble.flips)
        seats = [
            Seat(
                frame=senders[port][2:] if port in senders else None,
                passive=port.counters.is_passive,
                flips=flips.get(port.node, ()),
            )
            for port in nodes
        ]
        return attempt((*seats, Seat()) if self._acknowledged else tuple(seats), fd=self.fd)

    def _finish_carefully(self, _: object) -> None:
        tried, t_ns, self._attempt = self._attempt, self._careful_timer.t_ns, None
        try:
            if tried is not None:
                self._account(tried, t_ns)
        finally:
            self._next(t_ns)

    def _account(self, tried: _Attempt, t_ns: int) -> None:
        for port in self._ports:
            if port.recovery is not None:
                port.recovery.bus_free()
        results = _all_well(tried) if tried.outcome is None else tried.outcome.results
        self.error_frames += any(result.fault for result in results)
        for (port, life), result in zip(tried.nodes, results, strict=False):
            if port.life == life and port.wire is self:
                self._settle(port, result, tried, t_ns)
        self.assess()

    def _settle(self, port: SimCanPort, result: Result, tried: _Attempt, t_ns: int) -> None:
        """What an attempt means for one node: counters, what it has to do again and when, what it hears."""
        before = port.counters
        after = before.after_sent() if result.sent else before.after_received() if result.received else before
        after = port.counters = after.after_error(result.tec, result.rec)
        wait_bits = result.late_bits
        if port in tried.senders:
            port.sends_copy = result.sent and tried.trouble.twice
            if not result.sent or port.sends_copy:
                port.queue.appendleft(tried.waited[port])
            wait_bits += SUSPEND_BITS if after.is_passive else 0
        if wait_bits:
            port.not_before_ns = t_ns + self._length_ns((wait_bits, 0))
        for heard in _heard(port, result, tried, before):
            port.hear(CanFrame(t_ns, self.bus, *heard))
        port.tell(before, t_ns)

    def _length_ns(self, length: tuple[int, int]) -> int:
        return duration_ns(length, self.bitrate, self.data_bitrate)


def _heard(port: SimCanPort, result: Result, tried: _Attempt, before: Confinement) -> Iterator[Sendable]:
    if result.sent:
        _, _, can_id, data, flags = tried.senders[port]
        yield can_id, data, flags | SENT
    if result.received and port.node not in tried.trouble.missed_by:
        yield result.received
    if result.fault:
        can_id, data = error_frames.pack(result.fault, before, port.counters)
        yield can_id, data, ERROR


def _all_well(tried: _Attempt) -> list[Result]:
    (entry,) = tried.senders.values()
    sent, heard = Result(True, None, None, 0, 0, 0), Result(False, entry[2:], None, 0, 0, 0)
    return [sent if port in tried.senders else heard for port, _ in tried.nodes]


__all__ = ["SimCanPort", "SimWire"]
