"""What a fault is: how it is done and mended, and what the verdict must name as its cause.

Rules of this module: a fault is done to a far end, never to the bench. `shows` says when the bench can know: at once,
or when it asks for what is broken. `heals` says whether the next bench is whole without anybody's help, because the
bench starts that part itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Shows(Enum):
    """When a fault can be known."""

    AT_ONCE = "at once"
    WHEN_ASKED = "when asked"


def nothing(_: Any) -> None:
    """The bench starts that part anew by itself; or there is nothing to wait for."""


@dataclass(frozen=True)
class Fault:
    """One way in which a bench breaks.

    Attributes:
        name: for the table.
        do: breaks it; of the lab, or of the interfaces of a kernel.
        mend: makes it whole.
        cause: regular expressions of which one is found in the verdict's message.
        shows: when the bench can know.
        heals: whether the next bench is whole without the mending.
        comes_again: whether, without the mending, the next bench seems whole and breaks again.
        spoils_evidence: whether the journal may lack the fault itself.
        ready: waits until it can be done, while the bench boots.
    """

    name: str
    do: Callable[[Any], object]
    mend: Callable[[Any], object]
    cause: tuple[str, ...]
    shows: Shows = Shows.AT_ONCE
    heals: bool = False
    comes_again: bool = False
    spoils_evidence: bool = False
    ready: Callable[[Any], object] = nothing
