"""What was tolerated when a customer's file was read: nothing is mended or left out without a line that says so.

Rules of this module: pure. A rule is a kind of deviation with a title; a line of the list is one occurrence of it.

Not for: reading anything (`hil.can.encoding`, `hil.can.loading`), or judging what could be read (`hil.can.lint`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from hil.errors import UsageError

RULES: Final = MappingProxyType(
    {
        "encoding": "text encoding",
        "not-a-statement": "text that is no statement",
        "unknown-section": "unknown section",
        "unreadable": "statement left out because it can't be read",
        "semicolon": "missing or needless semicolon",
        "quotes": "quotes within a text, or missing",
        "separator": "missing or wrong separator",
        "number": "number in another notation",
        "name": "name that is no identifier",
        "no-node": "missing sender or receiver",
        "undeclared-node": "node that is used but not declared",
        "identifier": "identifier",
        "duplicate-message": "message that is there twice",
        "duplicate-signal": "signal that is there twice",
        "length": "length of a message",
        "beyond": "signal beyond its message",
        "overlap": "overlapping signals",
        "multiplexing": "multiplexing that isn't clear",
        "float": "floating point number",
        "factor": "factor",
        "range": "range of a signal",
        "start-value": "start value",
        "labels": "value table",
        "attribute": "attribute",
        "dangling": "statement about something that isn't there",
        "unassigned": "signals that belong to no message",
    }
)
"""Rule -> what it is about, as a heading."""
_HARMLESS: Final = frozenset({"unassigned"})
"""What a strict reader lets pass: editors write it, and no frame carries it."""


@dataclass(frozen=True, slots=True)
class Tolerated:
    """One thing that a strict reader would have refused.

    Attributes:
        rule: one of `RULES`.
        what: what was found.
        done: what was made of it.
        where: the file, with line and column where they are known.
        remedy: how to mend the file; a sentence.
    """

    rule: str
    what: str
    done: str
    where: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.done}"


def refuse(tolerated: Sequence[Tolerated]) -> None:
    """What a strict reader does with the list.

    Raises:
        UsageError: the first of it, and how many more there are.
    """
    grave = [one for one in tolerated if one.rule not in _HARMLESS]
    if grave:
        first, more = grave[0], len(grave) - 1
        what = f"{first.what} (and {more} more)" if more else first.what
        raise UsageError(what, where=first.where, remedy=first.remedy)


def summary(tolerated: Iterable[Tolerated]) -> str:
    """The list in one line: how often each rule was met; empty if nothing had to be tolerated."""
    counts = Counter(one.rule for one in tolerated)
    return ", ".join(f"{count} x {RULES[rule]}" for rule, count in counts.most_common())


__all__ = ["RULES", "Tolerated", "refuse", "summary"]
