"""Spans in which the bench itself saw late, or not at all: what a check in such a span says is doubtful.

Rules of this module: a blind span belongs to a bus, or to the whole bench (`bus` is empty: its loop stood still). It
excuses a failed check that needed that bus, and takes away a pass that would have needed every frame. It never turns a
failure into a pass.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from hil import units


class Cause(StrEnum):
    """Why the bench was blind."""

    LAG = "read late"
    LOST = "frames lost"
    STALL = "stood still"


@dataclass(slots=True)
class Blind:
    """A span in which the bench was late or blind.

    Attributes:
        cause: why.
        bus: the bus; empty where it was the whole bench.
        from_ns: when it began.
        to_ns: when it ended; until now while it is open.
        worst_ns: how late it was at most.
        allowed_ns: what would have been fine.
        count: frames that were lost; 0 where nobody counted.
        why: more of it: who lost them, and how busy the machine was.
        is_open: whether it goes on.
    """

    cause: Cause
    bus: str
    from_ns: int
    to_ns: int
    worst_ns: int = 0
    allowed_ns: int = 0
    count: int = 0
    why: str = ""
    is_open: bool = False

    def touches(self, from_ns: int, to_ns: int) -> bool:
        """Whether it has a part in a span of bench time."""
        return self.from_ns <= to_ns and (self.is_open or self.to_ns >= from_ns)

    @property
    def what(self) -> str:
        """What happened, without when."""
        if self.cause is Cause.LOST:
            if self.count == 1:
                return f"a frame of {self.bus} was lost"
            return f"{self.count or 'nobody knows how many'} frames of {self.bus} were lost"
        if self.cause is Cause.LAG:
            return f"frames of {self.bus} were read late"
        return "the bench's loop stood still"

    def __str__(self) -> str:
        late = ""
        if self.cause is not Cause.LOST:
            late = f" by {units.show_duration(self.worst_ns)} (allowed {units.show_duration(self.allowed_ns)})"
        why = f"; {self.why}" if self.why else ""
        return f"{self.what}{late} at {units.show_time(self.from_ns)}{why}"


def worst_of(
    blind: Collection[Blind], buses: Collection[str], *, failed: bool, from_ns: int, to_ns: int
) -> Blind | None:
    """What makes a check doubtful: lost frames before lag, the longest first.

    Args:
        blind: what is known.
        buses: those whose frames the check needed.
        failed: whether it failed; a pass is doubtful only for what happened on its buses.
        from_ns: when it began.
        to_ns: when it ended.
    """
    found = [
        one
        for one in blind
        if (one.bus in buses or (failed and not one.bus)) and one.touches(from_ns, to_ns)
    ]  # fmt: skip
    return max(found, key=lambda one: (one.cause is Cause.LOST, one.worst_ns), default=None)


__all__ = ["Blind", "Cause", "worst_of"]
