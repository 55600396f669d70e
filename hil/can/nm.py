"""AUTOSAR CAN network management (CanNm) of one node: when it sends, when it lets the bus sleep.

Rules of this module: pure. Calls with a bench time go in, actions come out: frames to send, changes of state, partial
networks that went on or off; and `deadline_ns` says when `advance` must be called again. The machine is the table of
`hil.can.nm_table`; here are its timers and the frame. The virtual ECU and the bench's own nodes run the same machine,
each with a driver of its own.

Not for: bus load reduction, coordinated shutdown of gateways, car wake-up, communication control by diagnosis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from hil.can.nm_pdu import ACTIVE_WAKEUP_BIT, REPEAT_MESSAGE_BIT, Pdu, PduLayout, read_pdu
from hil.can.nm_table import ON_ENTRY, ON_EXIT, TIMERS, TRANSITIONS, Do, Event, State, Transition, When, diagram
from hil.can.traits import NmTimes
from hil.errors import UsageError

_ORDER: Final = (Event.REPEAT_END, Event.TIMEOUT, Event.WAIT_END, Event.CYCLE)
"""Which timer goes first of those that are due at one instant: the state decides whether a frame is sent."""
_TABLE: Final[dict[tuple[State, Event], list[Transition]]] = {}
for _row in TRANSITIONS:
    _TABLE.setdefault((_row.source, _row.event), []).append(_row)
_STARTS: Final = {
    Do.START_TIMEOUT: Event.TIMEOUT,
    Do.START_REPEAT: Event.REPEAT_END,
    Do.START_WAIT: Event.WAIT_END,
}
_NEVER_NS: Final = 1 << 62
_DIFFERENT_FRAMES: Final = 64
"""Frames of which a node remembers what they mean to it: those of its bus say the same for hours."""
_SENDS: Final = (Do.SEND_AFTER_OFFSET, Do.SEND_AT_ONCE, Do.SEND_BURST)
_MARKS: Final = {
    Do.SET_ACTIVE_WAKEUP: (ACTIVE_WAKEUP_BIT, True),
    Do.CLEAR_ACTIVE_WAKEUP: (ACTIVE_WAKEUP_BIT, False),
    Do.SET_REPEAT_BIT: (REPEAT_MESSAGE_BIT, True),
    Do.CLEAR_REPEAT_BIT: (REPEAT_MESSAGE_BIT, False),
}


@dataclass(frozen=True, slots=True)
class PartialNetworks:
    """How a node takes part in partial networking.

    Attributes:
        relevant: the partial networks that concern it; None: all. Frames that request none of them don't keep it awake.
        all_keep_awake: nevertheless every NM frame keeps it awake (CanNmAllNmMessagesKeepAwake: gateways).
        reset_ns: after this time without a request a partial network is off; between the cycle and the timeout.
    """

    relevant: frozenset[int] | None = None
    all_keep_awake: bool = False
    reset_ns: int = 0

    def concern(self, pncs: frozenset[int]) -> frozenset[int]:
        """Those of `pncs` that concern it."""
        return pncs if self.relevant is None else pncs & self.relevant


@dataclass(frozen=True, slots=True)
class NmConfig:
    """One node.

    Attributes:
        node_id: source node identifier.
        times: cycle and time-outs.
        layout: where the frame keeps what.
        template: the frame's other bytes (user data), and its length.
        partial: how it takes part in partial networking; None: not at all.
        offset_ns: from entering Repeat Message to the first frame (CanNmMsgCycleOffset).
        immediate_count: frames that an active wake-up sends in fast succession; 0: it begins after the offset too.
        immediate_cycle_ns: their cycle.
        active_wakeup_bit: whether the node says that it woke the bus.
        restarts: whether a request in Network Mode leads to Repeat Message (CanNmPnHandleMultipleNetworkRequests).
        passive: it listens and never sends.
    """

    node_id: int
    times: NmTimes = field(default_factory=NmTimes)
    layout: PduLayout = field(default_factory=PduLayout)
    template: bytes = bytes(8)
    partial: PartialNetworks | None = None
    offset_ns: int = 0
    immediate_count: int = 0
    immediate_cycle_ns: int = 20_000_000
    active_wakeup_bit: bool = True
    restarts: bool = False
    passive: bool = False

    @property
    def reset_ns(self) -> int:
        """How long a partial network outlives its last request: as stated, else between the cycle and the timeout."""
        stated = self.partial.reset_ns if self.partial is not None else 0
        return stated or (self.times.cycle_ns + self.times.timeout_ns) // 2


def check_config(config: NmConfig, where: str = "") -> None:
    """Refuse times and places that contradict each other.

    Raises:
        UsageError: a cycle that isn't shorter than the timeout, a reset time that isn't between them, an identifier
            or a byte that doesn't fit.
    """
    times = config.times
    if not 0 < times.cycle_ns < times.timeout_ns:
        what = f"NM cycle {times.cycle_ns // 10**6} ms and timeout {times.timeout_ns // 10**6} ms"
        raise UsageError(f"{what}: the bus would sleep between two frames", where=where, remedy="shorten the cycle.")
    if config.partial is not None and not times.cycle_ns < config.reset_ns < times.timeout_ns:
        mend = "choose it between the NM cycle and the NM timeout."
        raise UsageError(
            f"the reset time of partial networks is {config.reset_ns / 1e6:g} ms", where=where, remedy=mend
        )
    if not 0 <= config.node_id <= 0xFF:
        raise UsageError(f"NM node identifier {config.node_id} is no byte", where=where, remedy="0 to 255.")
    for position in (config.layout.node_id_byte, config.layout.control_byte):
        if position is not None and position >= len(config.template):
            mend = "lengthen the message, or correct the layout."
            raise UsageError(f"the NM frame has no byte {position}", where=where, remedy=mend)


# Actions --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    """Send this NM frame now."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Changed:
    """The state changed at `t_ns`."""

    t_ns: int
    before: State
    after: State
    cause: Event


@dataclass(frozen=True, slots=True)
class NetworkStarted:
    """Somebody woke the bus: who wants to follow answers with `passive_start_up`."""

    t_ns: int


@dataclass(frozen=True, slots=True)
class Unheard:
    """The NM timeout passed though the node sends: none of its frames went through."""

    t_ns: int


@dataclass(frozen=True, slots=True)
class PncChanged:
    """A partial network went on or off at `t_ns`."""

    t_ns: int
    pnc: int
    on: bool


Action = Send | Changed | NetworkStarted | Unheard | PncChanged


# The machine ----------------------------------------------------------------------------------------------------------


class NmMachine:
    """Network management of one node. Every call takes the bench time and gives what must be done now, in order.

    Args:
        config: the node.

    Attributes:
        not_before_ns: nothing is due before; unlike `deadline_ns` it costs nothing to ask, and may be too early.

    Raises:
        UsageError: the configuration contradicts itself.
    """

    def __init__(self, config: NmConfig) -> None:
        check_config(config)
        self.config = config
        self.state = State.BUS_SLEEP
        self.requested = False
        self.own_pncs: frozenset[int] = frozenset()
        self._control = 0
        self._burst = 0
        self._timers: dict[Event, int] = {}
        self._pncs: dict[int, int] = {}
        self.not_before_ns = _NEVER_NS
        self._out: list[Action] = []
        times = config.times
        self._durations_ns = {
            Event.TIMEOUT: times.timeout_ns, Event.REPEAT_END: times.repeat_ns, Event.WAIT_END: times.wait_sleep_ns
        }  # fmt: skip
        self._carried: tuple[int, frozenset[int]] | None = None
        self._payload = b""
        self._read = lru_cache(_DIFFERENT_FRAMES)(self._understand)

    @property
    def deadline_ns(self) -> int | None:
        """When `advance` must be called at the latest; None: only an event from outside can change anything."""
        timers, pncs = self._timers, self._pncs
        if not pncs:
            return min(timers.values()) if timers else None
        first_ns = min(pncs.values())
        return min(first_ns, *timers.values()) if timers else first_ns

    @property
    def pncs(self) -> frozenset[int]:
        """The partial networks that are on."""
        return frozenset(self._pncs)

    # Events -------------------------------------------------------------------------------------------------------

    def request(self, t_ns: int) -> list[Action]:
        """The node wants to communicate (CanNm_NetworkRequest)."""
        self._run(t_ns - 1)
        self.requested = not self.config.passive
        return self._answer(Event.REQUEST if self.requested else Event.PASSIVE_START, t_ns)

    def release(self, t_ns: int) -> list[Action]:
        """It no longer does (CanNm_NetworkRelease)."""
        self._run(t_ns - 1)
        self.requested = False
        return self._answer(Event.RELEASE, t_ns)

    def passive_start_up(self, t_ns: int) -> list[Action]:
        """Follow a bus that somebody else woke (CanNm_PassiveStartUp)."""
        self._run(t_ns - 1)
        return self._answer(Event.PASSIVE_START, t_ns)

    def request_repeat(self, t_ns: int) -> list[Action]:
        """Ask all nodes to show themselves (CanNm_RepeatMessageRequest); done in Normal Operation and Ready Sleep."""
        self._run(t_ns - 1)
        return self._answer(Event.REPEAT_REQUEST, t_ns)

    def received(self, t_ns: int, data: bytes) -> list[Action]:
        """Another node's NM frame was on the bus."""
        if self.not_before_ns < t_ns:
            self._run(t_ns - 1)
        pdu, pncs = self._read(data)
        if pncs is None:
            return self._settle(t_ns)
        self._fire(Event.RECEIVED, t_ns)
        if pdu.wants_repeat:
            self._fire(Event.REPEAT_BIT, t_ns)
        if pncs and self.state.is_network:
            self._renew(pncs, t_ns)
        return self._settle(t_ns)

    def _understand(self, data: bytes) -> tuple[Pdu, tuple[int, ...] | None]:
        """A frame, and the partial networks that it requests of this node; None if it doesn't concern it at all."""
        pdu, partial = read_pdu(data, self.config.layout), self.config.partial
        if partial is None:
            return pdu, ()
        pncs = partial.concern(pdu.pncs)
        return pdu, tuple(sorted(pncs)) if pncs or partial.all_keep_awake else None

    def transmitted(self, t_ns: int, data: bytes) -> list[Action]:
        """The node's own NM frame was on the bus (CanNm_TxConfirmation)."""
        self._run(t_ns - 1)
        _, pncs = self._read(data)
        if pncs and self.state.is_network:
            self._renew(pncs, t_ns)
        return self._answer(Event.SENT, t_ns)

    def request_pncs(self, pncs: Iterable[int], t_ns: int) -> list[Action]:
        """Request these partial networks, and no others, with every frame from the next on.

        One is on as soon as a frame of the node has carried its bit, and off `reset_ns` after the last that did.

        Raises:
            UsageError: the node takes no part in partial networking, or a number has no bit.
        """
        if self.config.partial is None:
            raise UsageError("this node takes no part in partial networking")
        length = len(self.config.template)
        self.own_pncs = frozenset(self.config.layout.check_pnc(pnc, length) for pnc in pncs)
        return self.advance(t_ns)

    def advance(self, t_ns: int) -> list[Action]:
        """Time has passed: do what was due until `t_ns`, in the order in which it was due.

        Of frames that were due before, because nobody called, only one is sent.
        """
        return self._settle(t_ns)

    def shift(self, delta_ns: int) -> None:
        """Bench time began anew: all that is due is due `delta_ns` later."""
        self._timers = {timer: due_ns + delta_ns for timer, due_ns in self._timers.items()}
        self._pncs = {pnc: due_ns + delta_ns for pnc, due_ns in self._pncs.items()}
        self.not_before_ns += delta_ns

    def stop(self) -> None:
        """Switched off: asleep at once, nothing requested."""
        self.state, self.requested, self.own_pncs = State.BUS_SLEEP, False, frozenset()
        self._control = self._burst = 0
        self._timers.clear()
        self._pncs.clear()

    # Transitions --------------------------------------------------------------------------------------------------

    def _answer(self, event: Event, t_ns: int) -> list[Action]:
        self._fire(event, t_ns)
        return self._settle(t_ns)

    def _settle(self, t_ns: int) -> list[Action]:
        """Do what is due by now; hand over the actions."""
        if self.not_before_ns <= t_ns:
            self._run(t_ns)
        out, self._out = self._out, []
        return out

    def _fire(self, event: Event, t_ns: int) -> None:
        for row in _TABLE.get((self.state, event), ()):
            if self._holds(row.when):
                if row.target is not None:
                    self._enter(row.target, event, t_ns)
                for what in row.does:
                    self._do(what, t_ns)
                return

    def _holds(self, when: When) -> bool:
        if when is When.RESTARTS:
            return self.config.restarts
        return when is When.ALWAYS or self.requested is (when is When.REQUESTED)

    def _enter(self, state: State, cause: Event, t_ns: int) -> None:
        before, self.state = self.state, state
        allowed = TIMERS[state]
        self._timers = {timer: due_ns for timer, due_ns in self._timers.items() if timer in allowed}
        for what in (*ON_EXIT.get(before, ()), *ON_ENTRY.get(state, ())):
            self._do(what, t_ns)
        if state is not State.REPEAT_MESSAGE:
            self._burst = 0
        if state is not before:
            self._out.append(Changed(t_ns, before, state, cause))

    def _do(self, what: Do, t_ns: int) -> None:
        if what in _STARTS:
            timer = _STARTS[what]
            self._set(timer, t_ns + self._durations_ns[timer])
        elif what in _SENDS:
            self._plan_frame(what, t_ns)
        elif what in _MARKS:
            self._mark(*_MARKS[what])
        elif what is Do.FORGET_PARTIAL_NETWORKS:
            self._end_pncs(sorted(self._pncs), t_ns)
        else:
            self._out.append(NetworkStarted(t_ns) if what is Do.TELL_START else Unheard(t_ns))

    def _set(self, timer: Event, due_ns: int) -> None:
        self._timers[timer] = due_ns
        self.not_before_ns = min(self.not_before_ns, due_ns)

    def _plan_frame(self, what: Do, t_ns: int) -> None:
        if self.config.passive:
            return
        if what is Do.SEND_BURST:
            self._burst = self.config.immediate_count
        at_once = what is Do.SEND_AT_ONCE or self._burst > 0
        self._set(Event.CYCLE, t_ns if at_once else t_ns + self.config.offset_ns)

    def _mark(self, bit: int, on: bool) -> None:
        if bit != ACTIVE_WAKEUP_BIT or self.config.active_wakeup_bit:
            self._control = self._control | bit if on else self._control & ~bit

    # Time ---------------------------------------------------------------------------------------------------------

    def _run(self, until_ns: int) -> None:
        while self.not_before_ns <= until_ns:
            deadline_ns = self.deadline_ns
            self.not_before_ns = _NEVER_NS if deadline_ns is None else deadline_ns
            if self.not_before_ns > until_ns:
                return
            due_ns, order, pnc = min(self._due())
            if order == len(_ORDER):
                self._end_pncs([pnc], due_ns)
            elif _ORDER[order] is Event.CYCLE:
                self._send(due_ns, until_ns)
            else:
                del self._timers[_ORDER[order]]
                self._fire(_ORDER[order], due_ns)

    def _due(self) -> Iterator[tuple[int, int, int]]:
        """(when, rank at one instant, partial network) of everything that is due some time."""
        yield from ((due_ns, _ORDER.index(timer), 0) for timer, due_ns in self._timers.items())
        yield from ((due_ns, len(_ORDER), pnc) for pnc, due_ns in self._pncs.items())

    def _send(self, due_ns: int, until_ns: int) -> None:
        self._out.append(Send(self.payload()))
        self._burst = max(0, self._burst - 1)
        cycle_ns = self.config.immediate_cycle_ns if self._burst else self.config.times.cycle_ns
        next_ns = due_ns + cycle_ns
        self._set(Event.CYCLE, next_ns if next_ns > until_ns else until_ns + cycle_ns)

    def payload(self) -> bytes:
        """The frame as it would be sent now."""
        carried = self._control, self.own_pncs
        if carried != self._carried:
            self._carried, self._payload = carried, self._build()
        return self._payload

    def _build(self) -> bytes:
        layout = self.config.layout
        data = bytearray(self.config.template)
        if layout.node_id_byte is not None:
            data[layout.node_id_byte] = self.config.node_id
        if layout.control_byte is not None:
            data[layout.control_byte] = self._control
        if self.config.partial is not None:
            layout.write_pncs(data, self.own_pncs)
        return bytes(data)

    # Partial networks ---------------------------------------------------------------------------------------------

    def _renew(self, pncs: tuple[int, ...], t_ns: int) -> None:
        due_ns = t_ns + self.config.reset_ns
        for pnc in pncs:
            if pnc not in self._pncs:
                self._out.append(PncChanged(t_ns, pnc, True))
            self._pncs[pnc] = due_ns
        self.not_before_ns = min(self.not_before_ns, due_ns)

    def _end_pncs(self, pncs: Iterable[int], t_ns: int) -> None:
        for pnc in pncs:
            del self._pncs[pnc]
            self._out.append(PncChanged(t_ns, pnc, False))


__all__ = [
    "Action", "Changed", "Do", "Event", "NetworkStarted", "NmConfig", "NmMachine", "PartialNetworks", "Pdu",
    "PduLayout", "PncChanged", "Send", "State", "TRANSITIONS", "Transition", "Unheard", "When", "check_config",
    "diagram", "read_pdu",
]  # fmt: skip
