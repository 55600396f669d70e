"""Acceptance filters: which frames of others a bench takes in. Pure.

Rules of this module: a frame passes if one filter matches; without filters all pass. Error frames always pass, and what
the bench sends itself always comes back: a filter that hid it would make the restbus look late. So `Gate` lets each
identifier in that the bench has sent; somebody else who sends it is then seen too, which is as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hil.can.frames import ERROR, EXTENDED, SENT

_ALL_BITS = {0: 0x7FF, EXTENDED: 0x1FFFFFFF}


@dataclass(frozen=True, slots=True)
class Filter:
    """Frames whose identifier equals `can_id` in the bits of `mask`.

    Attributes:
        can_id: identifier.
        mask: bits that count; all if None.
        extended: 29-bit identifiers instead of 11-bit ones.
    """

    can_id: int
    mask: int | None = None
    extended: bool = False

    @property
    def bits(self) -> int:
        """Bits that count."""
        return _ALL_BITS[EXTENDED if self.extended else 0] if self.mask is None else self.mask

    def matches(self, can_id: int, flags: int) -> bool:
        """Whether a frame passes."""
        return bool(flags & EXTENDED) == self.extended and not (can_id ^ self.can_id) & self.bits


class Gate:
    """The filters of one port, and what it has sent.

    Args:
        filters: as the bench file names them; all frames pass if there are none.
    """

    def __init__(self, filters: Iterable[Filter]) -> None:
        self.filters = list(filters)
        self._known: dict[tuple[int, int], bool] = {}

    def admit(self, can_id: int, flags: int) -> bool:
        """Let in an identifier that is going to be sent; returns whether it would not have passed before."""
        if not self.filters or self.passes(can_id, flags):
            return False
        self.filters.append(Filter(can_id, extended=bool(flags & EXTENDED)))
        self._known.clear()
        return True

    def passes(self, can_id: int, flags: int) -> bool:
        """Whether a frame is for the bench."""
        if not self.filters or flags & (ERROR | SENT):
            return True
        key = can_id, flags & EXTENDED
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = any(one.matches(can_id, flags) for one in self.filters)
        return known
