"""The ECU's program flash: erased by the sector, programmed by the page, certain only after a flush.

Rules of this module: programming clears bits and never sets them, so a page must have been erased before. What was not
flushed when the power goes is lost or not, operation by operation, in no order, and one operation may be done in part:
that is the worst that a cache in front of the flash does. Nothing here takes time; whoever writes waits.

Not for: what lies where (`hil.ecu.slots`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from hil.errors import UsageError

SECTOR: Final = 4096
"""Bytes that are erased at once."""
PAGE: Final = 256
"""What a write must be aligned to."""
BLANK: Final = b"\xff" * SECTOR


@dataclass(frozen=True, slots=True)
class _Operation:
    """An erasure (no data) or a write of one sector, not yet flushed."""

    sector: int
    start: int
    data: bytes | None

    def on(self, content: bytes, share: float = 1.0) -> bytes:
        """A sector's content after this operation, or after only a part of it."""
        length = SECTOR if self.data is None else len(self.data)
        done = round(length * share)
        if self.data is None:
            return BLANK[:done] + content[done:]
        old = content[self.start : self.start + done]
        return content[: self.start] + _and(old, self.data[:done]) + content[self.start + done :]


def _and(old: bytes, new: bytes) -> bytes:
    mixed = int.from_bytes(old, "big") & int.from_bytes(new, "big")
    return mixed.to_bytes(len(old), "big")


class Flash:
    """A flash of so many sectors.

    Args:
        sectors: how many.
        rng: decides what of the unflushed survives a power cut.
        content: sector -> bytes that are in it from the start; the others are blank.

    Attributes:
        on_operation: called with `erase`, `write` or `flush` after each of them: for tests that cut the power there.
    """

    def __init__(self, sectors: int, rng: random.Random, content: Mapping[int, bytes] | None = None) -> None:
        self.sectors, self._rng = sectors, rng
        self._certain: dict[int, bytes] = dict(content or {})
        self._now: dict[int, bytes] = {}
        self._pending: list[_Operation] = []
        self.on_operation: Callable[[str], object] | None = None

    def read(self, offset: int, length: int) -> bytes:
        """What is there, flushed or not."""
        self._check(offset, length)
        return self._read(offset, length, self._now)

    def dump(self, offset: int = 0, length: int | None = None) -> bytes:
        """What would be there for certain if the power went now."""
        length = self.sectors * SECTOR - offset if length is None else length
        self._check(offset, length)
        return self._read(offset, length, {})

    def _read(self, offset: int, length: int, overlay: Mapping[int, bytes]) -> bytes:
        first, last = offset // SECTOR, (offset + length - 1) // SECTOR
        parts = [overlay.get(s) or self._certain.get(s) or BLANK for s in range(first, last + 1)]
        start = offset - first * SECTOR
        return b"".join(parts)[start : start + length]

    def erase(self, sector: int) -> None:
        """Set all bits of a sector."""
        self._check(sector * SECTOR, SECTOR)
        self._do(_Operation(sector, 0, None), "erase")

    def write(self, offset: int, data: bytes) -> None:
        """Program bytes within one sector, from the start of a page.

        Raises:
            UsageError: the place is not aligned, not erased, or leaves the sector: a mistake of the ECU's program.
        """
        self._check(offset, len(data))
        sector, start = divmod(offset, SECTOR)
        if start % PAGE or start + len(data) > SECTOR:
            raise UsageError(f"flash: a write of {len(data)} bytes at {offset:#x} is not within one sector")
        if self.read(offset, len(data)) != BLANK[: len(data)]:
            raise UsageError(f"flash: a write at {offset:#x}, which is not erased")
        self._do(_Operation(sector, start, data), "write")

    def _do(self, operation: _Operation, what: str) -> None:
        before = self._now.get(operation.sector) or self._certain.get(operation.sector) or BLANK
        self._now[operation.sector] = operation.on(before)
        self._pending.append(operation)
        self._tell(what)

    def flush(self) -> None:
        """Make all that was written certain."""
        self._certain.update(self._now)
        self._now.clear()
        self._pending.clear()
        self._tell("flush")

    def _tell(self, what: str) -> None:
        if self.on_operation is not None:
            self.on_operation(what)

    def reprogram(self, content: Mapping[int, bytes]) -> None:
        """Have exactly this in it, as after a programmer of the plant: sector -> bytes, the others blank."""
        self._certain = dict(content)
        self._now.clear()
        self._pending.clear()

    def power_lost(self) -> None:
        """The supply went: decide what of the unflushed is there."""
        pending, self._pending = self._pending, []
        self._now.clear()
        torn = self._rng.randrange(len(pending)) if pending else 0
        for index, operation in enumerate(pending):
            share = self._rng.random() if index == torn else float(self._rng.random() < 0.5)
            before = self._certain.get(operation.sector) or BLANK
            self._certain[operation.sector] = operation.on(before, share)

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or length < 1 or offset + length > self.sectors * SECTOR:
            raise UsageError(f"flash: {length} bytes at {offset:#x} are beyond its {self.sectors} sectors")
