"""Fault confinement: the two error counters of a CAN node, and the state that follows from them. Pure.

After ISO 11898-1:2015, 12.1 (rules a to l): rules 1 to 12 of Bosch's CAN Specification 2.0, part B, chapter 8.
What a single error adds is found where the error happens, bit by bit, in `hil.can.attempt`; here it is summed up.

Not for: when a node may try again. `hil.can.recovery` knows when one comes back from bus-off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

WARNING_LIMIT: Final = 96
PASSIVE_LIMIT: Final = 128
BUS_OFF_LIMIT: Final = 256
_MOST_REC: Final = 255
"""A receive error counter beyond 127 says nothing more as it rises; controllers keep eight bits of it."""
_REC_RECOVERED: Final = 127
"""Rule 8 allows a value between 119 and 127."""


class ErrorState(StrEnum):
    """The states of a node. `WARNING` is error-active with a counter of 96 or more: a heavily disturbed bus."""

    ACTIVE = "error active"
    WARNING = "error warning"
    PASSIVE = "error passive"
    BUS_OFF = "bus off"


@dataclass(frozen=True, slots=True)
class Confinement:
    """The counters of one node.

    Attributes:
        tec: transmit error counter.
        rec: receive error counter.
    """

    tec: int = 0
    rec: int = 0

    @property
    def state(self) -> ErrorState:
        """The state that the counters say."""
        if self.tec >= BUS_OFF_LIMIT:
            return ErrorState.BUS_OFF
        most = max(self.tec, self.rec)
        if most >= PASSIVE_LIMIT:
            return ErrorState.PASSIVE
        return ErrorState.WARNING if most >= WARNING_LIMIT else ErrorState.ACTIVE

    @property
    def is_passive(self) -> bool:
        """Whether the node signals errors with recessive flags, and lets others go first."""
        return self.tec >= PASSIVE_LIMIT or self.rec >= PASSIVE_LIMIT

    def after_sent(self) -> Confinement:
        """A frame was sent and acknowledged, and nothing was wrong until its end (rule 7)."""
        return Confinement(self.tec - 1, self.rec) if self.tec else self

    def after_received(self) -> Confinement:
        """A frame was received without an error (rule 8)."""
        if not self.rec:
            return self
        return Confinement(self.tec, min(self.rec - 1, _REC_RECOVERED))

    def after_error(self, tec: int, rec: int) -> Confinement:
        """An error added this much to the counters (rules 1 to 6)."""
        return Confinement(self.tec + tec, min(self.rec + rec, _MOST_REC)) if tec or rec else self


CLEAN: Final = Confinement()
"""A node after its start, and after its recovery from bus-off (rule 12)."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """A node went from one state to another.

    Attributes:
        t_ns: bench time.
        bus: name of the bus in the bench file.
        node: name of the node.
        before: the state that it left.
        after: the state that it is in.
        counters: its counters now.
    """

    t_ns: int
    bus: str
    node: str
    before: ErrorState
    after: ErrorState
    counters: Confinement


OnState = Callable[[StateChange], object]

__all__ = [
    "BUS_OFF_LIMIT", "CLEAN", "PASSIVE_LIMIT", "WARNING_LIMIT", "Confinement", "ErrorState", "OnState", "StateChange",
]  # fmt: skip
