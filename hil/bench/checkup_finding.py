"""What the check-up of a bench says: one finding a row, with what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from hil.errors import HilError


class Mark(StrEnum):
    """How a finding is to be taken. `FAULT`: the bench is not as its file says."""

    OK = "ok"
    NOTE = "note"
    FAULT = "fault"


class When(StrEnum):
    """The part of the check-up that a finding comes from, in their order."""

    FILES = "files"
    OPENED = "opened"
    LISTENED = "as found"
    ASKED = "asked"
    AWAKE = "awake"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row.

    Attributes:
        part: the part of the bench, as its file calls it: `bus.body`.
        check: what was looked at: `opened`, `speed`, `senders`.
        found: what was found.
        mark: how it is to be taken.
        remedy: what to do, where it is not well.
        when: the part of the check-up.
    """

    part: str
    check: str
    found: str
    mark: Mark = Mark.OK
    remedy: str = ""
    when: When = When.FILES


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the bench at one time of the check-up: makes its rows."""

    name: str
    when: When

    def row(self, check: str, found: str, mark: Mark = Mark.OK, remedy: str = "") -> Finding:
        """A row of this part."""
        return Finding(self.name, check, found, mark, remedy, self.when)


def fault(part: str, check: str, error: HilError, when: When) -> Finding:
    """An error, as a row of the part that it happened at."""
    what = error.what
    if error.where and error.where not in (part, f"{part.replace('.', ' ')}"):
        what = f"{error.where.removeprefix(part).strip()}: {what}"
    return Finding(part, check, what, Mark.FAULT, error.remedy, when)


def listed(names: Iterable[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    given = list(names)
    more = f" and {len(given) - most} more" if len(given) > most else ""
    return ", ".join(given[:most]) + more


def many(count: int, word: str) -> str:
    """`1 look`, `2 looks`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


__all__ = ["Finding", "Mark", "Part", "When", "fault", "listed", "many"]
