"""Network management on one bus: the bench plays it for every node that is not really there.

Each played node has a machine of its own (`hil.can.nm`), so the bus sees what a car would show: one node wakes it, the
others follow, and it sleeps when nobody wants it any more, the ECU included. Application messages and partial networks
of the restbus are switched through callbacks that are handed in. What real nodes send is watched: who keeps the bus
awake, and how long after the bench let it go.

Rules of this module: all calls in the loop's thread; one timer on the agenda; no tasks. When bench time begins anew
(`Clock.restart`) what is due moves with the agenda.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hil.can.database import Network
from hil.can.frames import ERROR, EXTENDED, REMOTE, SENT, CanFrame
from hil.can.nm import Action, Changed, Event, NetworkStarted, Send, State, Unheard, read_pdu
from hil.can.nm_players import Cast, Heard, NmOptions, Played, RealNode
from hil.can.port import CanPort
from hil.can.traits import NmTimes
from hil.clock import Clock, Timer
from hil.errors import UsageError
from hil.nearest import did_you_mean

_RANK: Final = {state: rank for rank, state in enumerate(State)}
"""States from the deepest sleep to the most awake: the bus is as awake as the node that is most."""
_FOREIGN: Final = (Event.RECEIVED, Event.PASSIVE_START, Event.REPEAT_BIT)
"""Events of a node that another node caused."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """The bus changed its state, as the bench's nodes see it.

    Attributes:
        t_ns: when.
        bus: which bus.
        before: the state that it left.
        after: the state that it is in.
        cause: what caused it.
        by: the node that did: whose request or frame it was, or whose timer ran out; empty if the bench was stopped.
    """

    t_ns: int
    bus: str
    before: State
    after: State
    cause: Event | None
    by: str


class NetworkManager:
    """Network management of one bus.

    Args:
        clock: bench time.
        bus: the bus.
        network: the databases.
        port: sends the frames of the played nodes.
        real_nodes: nodes that are really there, so not played.
        start_application: called when the bus is in use: let the restbus send on it.
        stop_application: called when it no longer is.
        set_partial_network: called when a partial network goes on or off.
        on_state: told of each change of the bus's state.
        options: what the database doesn't say.

    Raises:
        UsageError: times contradict each other, an NM message can't be encoded, or a partial network has no bit.
    """

    def __init__(
        self,
        clock: Clock,
        bus: str,
        network: Network,
        port: CanPort,
        *,
        real_nodes: Iterable[str],
        start_application: Callable[[], object],
        stop_application: Callable[[], object],
        set_partial_network: Callable[[int, bool], object],
        on_state: Callable[[StateChange], object] | None = None,
        options: NmOptions | None = None,
    ) -> None:
        self.bus, self.running = bus, False
        self.state, self.pncs = State.BUS_SLEEP, frozenset[int]()
        self._clock, self._port = clock, port
        self._start_application, self._stop_application = start_application, stop_application
        self._set_partial_network, self._on_state = set_partial_network, on_state
        options = options or NmOptions()
        self._layout = options.layout
        self._cast = Cast(bus, network, real_nodes, options)
        self._released_ns: int | None = None
        self._timer: Timer | None = None
        self._armed_ns = 0
        self._waiting: list[tuple[asyncio.Future[int | None], Callable[[State], bool]]] = []

    # Who takes part -----------------------------------------------------------------------------------------------

    @property
    def times(self) -> NmTimes:
        """Times of this bus's network management."""
        return self._cast.times

    @property
    def nodes(self) -> list[str]:
        """The nodes whose network management the bench plays."""
        return list(self._cast.played)

    @property
    def known_pncs(self) -> frozenset[int]:
        """The partial networks that messages of this bus belong to."""
        return self._cast.pncs

    @property
    def is_managed(self) -> bool:
        """Whether any node of this bus takes part in network management."""
        return bool(self._cast.senders)

    @property
    def ids(self) -> frozenset[int]:
        """Identifiers of the frames that `on_frame` wants to see."""
        return frozenset(can_id for can_id, _ in self._cast.senders)

    def _chosen(self, node: str) -> list[Played]:
        """The played node of that name; all if it is empty.

        Raises:
            UsageError: the bench plays no such node.
        """
        if not self._cast.played:
            what = f"no node of bus {self.bus} that the bench plays takes part in network management"
            raise UsageError(what, remedy="mark its NM messages in the database: NmAsrMessage.")
        if node and node not in self._cast.played:
            mend = did_you_mean(node, self._cast.played, f"it plays {', '.join(self._cast.played)}.", quote="")
            raise UsageError(f"the bench plays no NM node '{node}' on bus {self.bus}", remedy=mend)
        return [self._cast.played[node]] if node else list(self._cast.played.values())

    # What a test does ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to listen, with the bus asleep: the restbus is told to be silent. Started already, it does nothing."""
        if self.running:
            return
        self.running = True
        self._stop_application()
        for pnc in sorted(self._cast.pncs):
            self._set_partial_network(pnc, False)

    def stop(self) -> None:
        """Send and follow nothing more: as if every node but the real ones were cut off."""
        for played in self._cast.all:
            played.machine.stop()
            played.wanted = False
        self._update(())
        self._disarm()
        self.running, self._released_ns = False, None

    def clear(self) -> None:
        """Forget what came before a test."""
        self._cast.forget()

    def wake(self, *, by: str = "", pncs: Iterable[int] | None = None) -> None:
        """Wake the bus actively and keep it awake: one node wakes it, the others follow, all want it from then on.

        Args:
            by: the node that wakes it; the first of the database if empty.
            pncs: partial networks to request; all that the database knows if None.

        Raises:
            UsageError: no such node, or a partial network has no bit.
        """
        wakers = self._chosen(by)
        asked = self._cast.pncs if pncs is None else frozenset(pncs)
        if self._cast.pncs or asked:
            self._ask_pncs([(played, asked) for played in self._cast.all])
        for played in self._cast.all:
            played.wanted = True
        self._request([p for p in self._cast.all if p is wakers[0] or p.machine.state.is_network])

    def keep_awake(self, on: bool, *, node: str = "") -> None:
        """Let a node want the network, which wakes a bus that sleeps, or no longer; all nodes if none is named.

        Raises:
            UsageError: no such node.
        """
        chosen = self._chosen(node)
        for played in chosen:
            played.wanted = on
        if on:
            self._request(chosen)
        else:
            now_ns = self._begin()
            actions = [(played, action) for played in chosen for action in played.machine.release(now_ns)]
            if self._released_ns is None and not any(played.wanted for played in self._cast.all):
                self._released_ns = now_ns
            self._apply(actions)

    def sleep(self) -> None:
        """Release the network: after the NM timeout application messages stop, then the bus sleeps, unless a real node
        keeps it awake.

        Raises:
            UsageError: the bench plays no node.
        """
        self.keep_awake(False)

    def request(self, pnc: int, *, node: str = "") -> None:
        """Request a partial network with the frames of a node; of all that the bench plays if none is named.

        Raises:
            UsageError: no such node, or no bit stands for that partial network.
        """
        self._ask_pncs([(played, played.machine.own_pncs | {pnc}) for played in self._chosen(node)])

    def release(self, pnc: int, *, node: str = "") -> None:
        """Request a partial network no more; it is off after the reset time, unless another node requests it.

        Raises:
            UsageError: no such node.
        """
        self._ask_pncs([(played, played.machine.own_pncs - {pnc}) for played in self._chosen(node)])

    def request_repeat(self, *, node: str = "") -> None:
        """Have a node (the first if none is named) ask all others to repeat their message: who is there?

        Raises:
            UsageError: no such node.
        """
        played = self._chosen(node)[0]
        now_ns = self._begin()
        self._apply([(played, action) for action in played.machine.request_repeat(now_ns)])

    def mute(self, node: str, muted: bool) -> None:
        """A fault: the node's NM frames don't reach the bus any more, or do again.

        Raises:
            UsageError: no such node.
        """
        for played in self._chosen(node):
            played.muted = muted

    def _request(self, chosen: Iterable[Played]) -> None:
        now_ns = self._begin()
        self._released_ns = None
        self._apply([(played, action) for played in chosen for action in played.machine.request(now_ns)])

    def _ask_pncs(self, asked: list[tuple[Played, frozenset[int]]]) -> None:
        now_ns = self._begin()
        self._apply([(played, a) for played, pncs in asked for a in played.machine.request_pncs(pncs, now_ns)])

    # What happens on the bus --------------------------------------------------------------------------------------

    def on_frame(self, frame: CanFrame) -> None:
        """A frame was on the bus; all but NM frames are passed over."""
        sender = self._cast.senders.get((frame.can_id, frame.flags & EXTENDED))
        if sender is None or frame.bus != self.bus or frame.flags & (ERROR | REMOTE) or not self.running:
            return
        self._follow_agenda()
        own = self._cast.played.get(sender) if frame.flags & SENT else None
        if own is None:
            self._note(sender, frame)
        actions: list[tuple[Played, Action]] = []
        for played in self._cast.all:
            take = played.machine.transmitted if played is own else played.machine.received
            actions += [(played, action) for action in take(frame.t_ns, frame.data)]
        self._apply(actions, by=sender)

    def _note(self, sender: str, frame: CanFrame) -> None:
        heard = self._cast.heard(sender)
        heard.frames += 1
        heard.last_ns = frame.t_ns
        heard.pdu = read_pdu(frame.data, self._layout)

    def real_nodes(self) -> list[RealNode]:
        """What the nodes that are really there did so far, in the order of the database."""
        return [self._real(name, heard) for name, heard in self._cast.real.items()]

    def _real(self, name: str, heard: Heard) -> RealNode:
        last_ns, released_ns = heard.last_ns, self._released_ns
        awake = last_ns is not None and self._clock.now_ns - last_ns < self._cast.times.timeout_ns
        after_ns = None
        if released_ns is not None and not awake:
            after_ns = max(0, (last_ns or 0) - released_ns)
        return RealNode(name, heard.frames, last_ns, awake, after_ns, heard.pdu)

    def unheard(self) -> dict[str, int]:
        """Played nodes of which no frame went through for a whole NM timeout -> how often."""
        return {played.name: played.unheard for played in self._cast.played.values() if played.unheard}

    async def wait_for(self, wanted: Callable[[State], bool], timeout_ns: int) -> int | None:
        """Wait until the bus is in a state that is `wanted`: when that was; None if it didn't come in time."""
        if wanted(self.state):
            return self._clock.now_ns
        arrived: asyncio.Future[int | None] = self._clock.loop.create_future()
        timer = self._clock.call_in(timeout_ns, _settle, arrived)
        waiting = (arrived, wanted)
        self._waiting.append(waiting)
        try:
            return await arrived
        finally:
            self._waiting.remove(waiting)
            timer.cancel()

    # Actions ------------------------------------------------------------------------------------------------------

    def _begin(self) -> int:
        """Now, with everything moved if bench time began anew.

        Raises:
            UsageError: network management isn't started.
        """
        if not self.running:
            raise UsageError(f"network management of bus {self.bus} is not running", remedy="start the restbus first.")
        self._follow_agenda()
        return self._clock.now_ns

    def _apply(self, actions: Sequence[tuple[Played, Action]], by: str = "") -> None:
        queue = deque(actions)
        changes: list[tuple[Changed, str]] = []
        while queue:
            played, action = queue.popleft()
            if isinstance(action, Send):
                self._send(played, action.data)
            elif isinstance(action, Unheard):
                played.unheard += 1
            elif isinstance(action, Changed):
                changes.append((action, by if action.cause in _FOREIGN else played.name))
            queue.extend((played, more) for more in self._follow(played, action))
        if actions:
            self._update(changes)
        self._arm()

    def _follow(self, played: Played, action: Action) -> list[Action]:
        """A node whose bus was woken follows; one that wants the network then requests it."""
        if isinstance(action, NetworkStarted):
            return played.machine.passive_start_up(action.t_ns)
        woke = isinstance(action, Changed) and action.after.is_network and not action.before.is_network
        if woke and played.wanted and not played.machine.requested:
            return played.machine.request(self._clock.now_ns)
        return []

    def _send(self, played: Played, data: bytes) -> None:
        if not played.muted:
            self._port.send(played.can_id, data, played.flags)

    def _update(self, changes: Sequence[tuple[Changed, str]]) -> None:
        """Tell what is different on the bus now: application, partial networks, state."""
        state = max((played.machine.state for played in self._cast.all), key=_RANK.__getitem__)
        before, self.state = self.state, state
        if state.is_network and not before.is_network:
            self._start_application()
        self._update_pncs()
        if before.is_network and not state.is_network:
            self._stop_application()
        if state is not before:
            self._tell(self._change(before, state, changes))

    def _change(self, before: State, after: State, changes: Sequence[tuple[Changed, str]]) -> StateChange:
        """The change of the bus: caused by the first node that went where the bus now is."""
        fitting = [(change, by) for change, by in changes if change.after is after] or changes
        if not fitting:
            return StateChange(self._clock.now_ns, self.bus, before, after, None, "")
        change, by = fitting[0]
        return StateChange(change.t_ns, self.bus, before, after, change.cause, by)

    def _update_pncs(self) -> None:
        on = frozenset[int]().union(*(played.machine.pncs for played in self._cast.all))
        before, self.pncs = self.pncs, on
        for pnc in sorted(on ^ before):
            self._set_partial_network(pnc, pnc in on)

    def _tell(self, change: StateChange) -> None:
        if self._on_state is not None:
            self._on_state(change)
        for arrived, wanted in tuple(self._waiting):
            if not arrived.done() and wanted(change.after):
                arrived.set_result(change.t_ns)

    # Time ---------------------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """One timer for the first deadline; a deadline that has moved away is found when the timer fires."""
        if self._timer is not None and all(played.machine.not_before_ns >= self._armed_ns for played in self._cast.all):
            return
        deadlines = [played.machine.deadline_ns for played in self._cast.all]
        first_ns = min((deadline for deadline in deadlines if deadline is not None), default=None)
        if first_ns is None:
            self._disarm()
        elif self._timer is None or first_ns < self._armed_ns:
            self._disarm()
            self._armed_ns = first_ns
            self._timer = self._clock.call_at(first_ns, self._on_timer)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self, _: Any) -> None:
        self._follow_agenda()
        self._timer = None
        now_ns = self._clock.now_ns
        self._apply([(played, action) for played in self._cast.all for action in played.machine.advance(now_ns)])

    def _follow_agenda(self) -> None:
        """If bench time began anew the agenda moved the timer; everything else moves by as much."""
        if self._timer is None or self._timer.t_ns == self._armed_ns:
            return
        delta_ns = self._timer.t_ns - self._armed_ns
        self._armed_ns = self._timer.t_ns
        self._cast.shift(delta_ns)
        if self._released_ns is not None:
            self._released_ns += delta_ns


def _settle(arrived: asyncio.Future[int | None]) -> None:
    if not arrived.done():
        arrived.set_result(None)


__all__ = ["NetworkManager", "NmOptions", "RealNode", "StateChange"]
