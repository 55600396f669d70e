"""The updater's states and what leads from one to the next, as a table. Pure.

`docs/updates.md` draws it; a test compares the two. What is not in the table can't happen: an event that a state does
not know is an error of the program.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a campaign is. Its place in the list is not its number on the bus (`ON_BUS`)."""

    IDLE = "idle"
    OFFERED = "offered"
    CONSENTED = "consented"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"
    INSTALLING = "installing"
    READY = "ready"
    ACTIVATING = "activating"
    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"


class Event(StrEnum):
    """What happens to a campaign."""

    OFFER = "offer"
    ACCEPT = "accept"
    TRUSTED = "trusted"
    DOWNLOADED = "downloaded"
    VERIFIED = "verified"
    INSTALLED = "installed"
    ACTIVATE = "activate"
    NOT_FLIPPED = "not flipped"
    HEALTHY = "healthy"
    FELL_BACK = "fell back"
    REJECTED = "rejected"
    CANCEL = "cancel"


TERMINAL: Final = frozenset({State.COMMITTED, State.ROLLED_BACK, State.FAILED})
"""States in which a campaign is over; each is reported exactly once."""
BUSY: Final = frozenset({State.CONSENTED, State.DOWNLOADING, State.VERIFYING, State.INSTALLING, State.READY})
CANCELLABLE: Final = frozenset({State.OFFERED, *BUSY})
"""States before the point of no return."""
TABLE: Final[dict[tuple[State, Event], State]] = {
    (State.IDLE, Event.OFFER): State.OFFERED,
    **{(state, Event.OFFER): State.OFFERED for state in sorted(TERMINAL)},
    (State.OFFERED, Event.ACCEPT): State.CONSENTED,
    (State.CONSENTED, Event.TRUSTED): State.DOWNLOADING,
    (State.DOWNLOADING, Event.DOWNLOADED): State.VERIFYING,
    (State.VERIFYING, Event.VERIFIED): State.INSTALLING,
    (State.INSTALLING, Event.INSTALLED): State.READY,
    (State.READY, Event.ACTIVATE): State.ACTIVATING,
    (State.ACTIVATING, Event.NOT_FLIPPED): State.READY,
    (State.ACTIVATING, Event.HEALTHY): State.COMMITTED,
    (State.ACTIVATING, Event.FELL_BACK): State.ROLLED_BACK,
    **{(state, Event.REJECTED): State.FAILED for state in sorted(BUSY)},
    **{(state, Event.CANCEL): State.FAILED for state in sorted(CANCELLABLE)},
}
ON_BUS: Final = {state: number for number, state in enumerate(State)}
"""`CLU_Ota.OtaState`."""
RESULTS: Final = {
    "": 0, "Success": 1, "BadSignature": 2, "BadHash": 3, "WrongDevice": 4, "Rollback": 5, "NoSpace": 6, "PowerLost": 7,
    "Incompatible": 8, "Condition": 9, "Unreachable": 9, "Cancelled": 9, "Unhealthy": 8,
}  # fmt: skip
"""`CLU_Ota.OtaResult`; the bus has fewer words than the report."""
CONDITIONS: Final = {"": 0, "NotParked": 1, "BatteryLow": 3, "Ecall": 5, "IgnitionOff": 0}
"""`CLU_Ota.OtaCondition`; the bus has no word for an ignition that is off."""


def next_state(state: State, event: Event) -> State:
    """Where an event leads.

    Raises:
        ValueError: nowhere: a mistake of the program.
    """
    try:
        return TABLE[state, event]
    except KeyError:
        raise ValueError(f"the updater knows no '{event}' while {state}") from None
