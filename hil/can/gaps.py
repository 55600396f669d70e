"""Gaps: frames that were on a bus and never reached the bench, as a port tells of them.

A port that can know of them is a `TellsGaps`; the bench puts its ear in place of `on_gap` before it opens the port.
What lies in a gap was not seen: a check that needed it says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Gap:
    """Frames were lost.

    Attributes:
        bus: where.
        from_ns: bench time of the last frame that came before them.
        to_ns: bench time at which they were missed: that of the next frame.
        count: how many; 0 where nobody counted.
        why: who lost them.
    """

    bus: str
    from_ns: int
    to_ns: int
    count: int
    why: str


OnGap = Callable[[Gap], object]


@runtime_checkable
class TellsGaps(Protocol):
    """A port that knows when frames were lost.

    Attributes:
        on_gap: told of each gap, in the loop's thread.
    """

    on_gap: OnGap


def nobody(gap: Gap) -> None:
    """Nobody wants to know."""


__all__ = ["Gap", "OnGap", "TellsGaps", "nobody"]
