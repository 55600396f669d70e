"""The state machine of AUTOSAR CAN network management (CanNm) as a table, and its diagram drawn from it.

Rules of this module: pure; nothing here but what the specification says. What the words of the table do is in
`hil.can.nm`, where the machine runs.

Source: AUTOSAR_SWS_CANNetworkManagement R4.3.1, chapter 7: the state chart of 7.20; beside the rows stand the numbers
of the requirements (SWS_CanNm_...). States, events and timers were compared with that chart, the numbers with what open
implementations quote, not with the whole text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """States of CanNm; the last three are those of Network Mode."""

    BUS_SLEEP = "bus sleep"
    PREPARE_BUS_SLEEP = "prepare bus sleep"
    READY_SLEEP = "ready sleep"
    NORMAL_OPERATION = "normal operation"
    REPEAT_MESSAGE = "repeat message"

    @property
    def is_network(self) -> bool:
        """Whether the bus is in use: applications may send."""
        return self in _NETWORK_MODE


_NETWORK_MODE: Final = (State.REPEAT_MESSAGE, State.NORMAL_OPERATION, State.READY_SLEEP)


class Event(StrEnum):
    """What the machine answers to."""

    REQUEST = "network requested"
    RELEASE = "network released"
    PASSIVE_START = "passive start-up"
    RECEIVED = "NM frame received"
    SENT = "NM frame sent"
    REPEAT_BIT = "repeat message bit received"
    REPEAT_REQUEST = "repeat message requested"
    REPEAT_END = "repeat message timer expired"
    TIMEOUT = "NM timeout timer expired"
    WAIT_END = "wait bus sleep timer expired"
    CYCLE = "message cycle timer expired"


class When(StrEnum):
    """Conditions of a transition."""

    ALWAYS = ""
    REQUESTED = "network requested"
    RELEASED = "network released"
    RESTARTS = "requests restart"


class Do(StrEnum):
    """What a transition does beside changing the state."""

    START_TIMEOUT = "start NM timeout"
    START_REPEAT = "start repeat message timer"
    START_WAIT = "start wait bus sleep timer"
    SEND_AFTER_OFFSET = "send after the offset"
    SEND_AT_ONCE = "send at once"
    SEND_BURST = "send immediate frames"
    SET_ACTIVE_WAKEUP = "set active wake-up bit"
    CLEAR_ACTIVE_WAKEUP = "clear active wake-up bit"
    SET_REPEAT_BIT = "set repeat message bit"
    CLEAR_REPEAT_BIT = "clear repeat message bit"
    TELL_START = "tell that somebody woke the bus"
    TELL_UNHEARD = "tell that nobody is heard"
    FORGET_PARTIAL_NETWORKS = "all partial networks off"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the machine.

    Attributes:
        source: the state that it leaves.
        event: what causes it.
        target: the state that it enters; None: it stays where it is, and enters nothing.
        does: what it does after entering.
        when: under which condition.
        rule: requirement of the specification.
    """

    source: State
    event: Event
    target: State | None
    does: tuple[Do, ...] = ()
    when: When = When.ALWAYS
    rule: str = ""


_AWAKE: Final = (Do.START_TIMEOUT,)
_WAKES: Final = (Do.START_TIMEOUT, Do.SET_ACTIVE_WAKEUP, Do.SEND_BURST)
_ALONE: Final = (Do.START_TIMEOUT, Do.TELL_UNHEARD)
_S, _E = State, Event
TRANSITIONS: Final = (
    Transition(_S.BUS_SLEEP, _E.REQUEST, _S.REPEAT_MESSAGE, _WAKES, rule="00129, 00401, 00334"),
    Transition(_S.BUS_SLEEP, _E.PASSIVE_START, _S.REPEAT_MESSAGE, _AWAKE, rule="00128, 00314"),
    Transition(_S.BUS_SLEEP, _E.RECEIVED, None, (Do.TELL_START,), rule="00127"),
    Transition(_S.PREPARE_BUS_SLEEP, _E.REQUEST, _S.REPEAT_MESSAGE, _WAKES, rule="00123, 00401, 00334"),
    Transition(_S.PREPARE_BUS_SLEEP, _E.PASSIVE_START, _S.REPEAT_MESSAGE, _AWAKE, rule="00128, 00315"),
    Transition(_S.PREPARE_BUS_SLEEP, _E.RECEIVED, _S.REPEAT_MESSAGE, _AWAKE, rule="00124, 00315"),
    Transition(_S.PREPARE_BUS_SLEEP, _E.WAIT_END, _S.BUS_SLEEP, rule="00088, 00115"),
    Transition(_S.REPEAT_MESSAGE, _E.REPEAT_END, _S.NORMAL_OPERATION, when=When.REQUESTED, rule="00103"),
    Transition(_S.REPEAT_MESSAGE, _E.REPEAT_END, _S.READY_SLEEP, when=When.RELEASED, rule="00106, 00108"),
    Transition(_S.REPEAT_MESSAGE, _E.TIMEOUT, None, _ALONE, rule="00101"),
    Transition(_S.NORMAL_OPERATION, _E.RELEASE, _S.READY_SLEEP, rule="00118"),
    Transition(_S.NORMAL_OPERATION, _E.TIMEOUT, None, _ALONE, rule="00117"),
    Transition(_S.NORMAL_OPERATION, _E.REPEAT_BIT, _S.REPEAT_MESSAGE, rule="00119"),
    Transition(_S.NORMAL_OPERATION, _E.REPEAT_REQUEST, _S.REPEAT_MESSAGE, (Do.SET_REPEAT_BIT,), rule="00120, 00121"),
    Transition(_S.READY_SLEEP, _E.REPEAT_BIT, _S.REPEAT_MESSAGE, rule="00111"),
    Transition(_S.READY_SLEEP, _E.REPEAT_REQUEST, _S.REPEAT_MESSAGE, (Do.SET_REPEAT_BIT,), rule="00112, 00113"),
    Transition(_S.READY_SLEEP, _E.TIMEOUT, _S.PREPARE_BUS_SLEEP, rule="00109"),
    *(
        Transition(state, _E.REQUEST, _S.REPEAT_MESSAGE, (Do.SEND_BURST,), When.RESTARTS, rule="00444, 00454")
        for state in _NETWORK_MODE
    ),
    Transition(_S.READY_SLEEP, _E.REQUEST, _S.NORMAL_OPERATION, (Do.SEND_AT_ONCE,), rule="00110, 00006"),
    *(Transition(state, _E.RECEIVED, None, _AWAKE, rule="00098") for state in _NETWORK_MODE),
    *(Transition(state, _E.SENT, None, _AWAKE, rule="00099") for state in _NETWORK_MODE),
)
"""All rows; of several for one state and event the first counts whose condition holds."""

ON_ENTRY: Final = {
    State.REPEAT_MESSAGE: (Do.START_REPEAT, Do.SEND_AFTER_OFFSET),  # 00102, 00100, 00005
    State.PREPARE_BUS_SLEEP: (Do.START_WAIT, Do.CLEAR_ACTIVE_WAKEUP, Do.FORGET_PARTIAL_NETWORKS),  # 00115, 00402
}
ON_EXIT: Final = {State.REPEAT_MESSAGE: (Do.CLEAR_REPEAT_BIT,)}  # 00107
TIMERS: Final = {
    State.BUS_SLEEP: (),
    State.PREPARE_BUS_SLEEP: (Event.WAIT_END,),
    State.REPEAT_MESSAGE: (Event.REPEAT_END, Event.TIMEOUT, Event.CYCLE),
    State.NORMAL_OPERATION: (Event.TIMEOUT, Event.CYCLE),
    State.READY_SLEEP: (Event.TIMEOUT,),
}
"""The timers that may run in a state; all others stop when it is entered (so sending stops in Ready Sleep: 00108)."""


def diagram() -> str:
    """The machine as a Mermaid state diagram, drawn from the table; what changes no state is left out."""
    lines = ["stateDiagram-v2", "    [*] --> bus_sleep"]
    for row in TRANSITIONS:
        if row.target is not None:
            guard = f" [{row.when}]" if row.when else ""
            lines.append(f"    {_node(row.source)} --> {_node(row.target)}: {row.event}{guard}")
    return "\n".join(lines) + "\n"


def _node(state: State) -> str:
    return state.replace(" ", "_")


__all__ = ["ON_ENTRY", "ON_EXIT", "TIMERS", "TRANSITIONS", "Do", "Event", "State", "Transition", "When", "diagram"]
