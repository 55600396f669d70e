"""Whose fault it is: the test's, the bench's or the ECU's.

Every error that a user can see is one line made of what happened, where, and how to mend it.
The verdict that a case ends with follows from the class of the error, and the exit status of a run from the verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar


class Verdict(StrEnum):
    """How a case ended. `USAGE` says that the case itself is wrong, so that it judged nothing."""

    PASS = "pass"
    FAIL = "fail"
    BENCH = "bench fault"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"
    USAGE = "usage error"


EXIT_STATUS: dict[Verdict, int] = {
    Verdict.PASS: 0,
    Verdict.NOT_RUN: 0,
    Verdict.FAIL: 1,
    Verdict.USAGE: 2,
    Verdict.BENCH: 3,
    Verdict.INCONCLUSIVE: 4,
}
_FIRST_OF_SEVERAL = (2, 3, 1, 4)


def exit_status(verdicts: Iterable[Verdict]) -> int:
    """Exit status of a run: of several the first of 2 (usage), 3 (bench), 1 (fail), 4 (inconclusive); else 0."""
    seen = {EXIT_STATUS[verdict] for verdict in verdicts}
    return next((status for status in _FIRST_OF_SEVERAL if status in seen), 0)


class HilError(Exception):
    """Base of all errors of the bench.

    Args:
        what: what happened, in the user's words.
        where: file, line, key, signal or port that it happened at; empty if there is no one place.
        remedy: how to mend it; a sentence, empty if nothing is known.
    """

    verdict: ClassVar[Verdict] = Verdict.BENCH
    ROBOT_SUPPRESS_NAME: ClassVar[bool] = True
    """Robot Framework shows the message without the name of the class."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.remedy = what, where, remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        mend = f" Remedy: {self.remedy}" if self.remedy else ""
        what = self.what if not mend or self.what.endswith((".", "!", "?")) else f"{self.what}."
        return f"{place}{what}{mend}"


class UsageError(HilError):
    """The test, its data, a file or an argument is wrong: the person who wrote it mends it."""

    verdict = Verdict.USAGE


class BenchError(HilError):
    """The bench broke or is not what its file says: it says nothing about the ECU."""

    verdict = Verdict.BENCH


class EcuError(HilError, AssertionError):
    """The ECU did what its requirement forbids, or failed to do what it demands.

    Attributes:
        picture: PNG of what was seen, where a picture decided; None elsewhere.
    """

    verdict = Verdict.FAIL
    picture: bytes | None = None


class InconclusiveError(HilError):
    """The evidence was gathered while the bench was late or blind: neither a pass nor a failure follows from it."""

    verdict = Verdict.INCONCLUSIVE


class NotRunError(HilError):
    """The case does not apply to this bench or variant, or the bench lacks a port that it needs."""

    verdict = Verdict.NOT_RUN
    ROBOT_SKIP_EXECUTION: ClassVar[bool] = True
