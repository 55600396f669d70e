"""Where a test, or the setup of a suite, failed: file and line of the step, in the suite's own file even if the keyword
stands in a resource.

Rules of this module: of several failures the first counts that nothing caught, where all were caught the first. A
teardown counts only if the test itself did not fail. Steps that Robot passes over after a failure are no place.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_TEARDOWN: Final = "TEARDOWN"


def place_of(data: Any) -> str:
    """File and line of a step; empty if it stands in no file."""
    return f"{Path(data.source).name}:{data.lineno}" if data.source else ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that failed.

    Attributes:
        place: the innermost step around it that stands in the suite's file.
        step: the step itself, in whatever file it stands.
        called: the keyword that it called, as Robot keeps it; None if it called none.
        arguments: what it gave to that keyword, as the file has it.
        message: what Robot says of it.
    """

    is_of_teardown: bool
    place: str
    step: str
    called: Any
    arguments: tuple[Any, ...]
    message: str


class Places:
    """Follows the steps of one test, or of a suite's setup: keywords, and blocks, some of which catch.

    Args:
        test: as Robot has it, or the suite; None outside of both.
    """

    def __init__(self, test: Any = None) -> None:
        self._around, self._source = test, getattr(test, "source", None)
        self._running: list[tuple[Any, Any, int]] = []
        self._failures: list[Failure] = []
        self._caught: Failure | None = None

    def begin(self, data: Any, called: Any = None) -> None:
        """A step begins, maybe of a keyword."""
        self._running.append((data, called, len(self._failures)))

    def end(self, *, failed: bool, message: str = "") -> None:
        """The step that began last ended. What failed within one that did not fail was caught."""
        if not self._running:
            return
        _, _, before = self._running[-1]
        if failed and len(self._failures) == before:
            self._failures.append(self._failure(message))
        elif not failed and len(self._failures) > before:
            self._caught = self._caught or self._failures[before]
            del self._failures[before:]
        self._running.pop()

    def _failure(self, message: str) -> Failure:
        data, called, _ = self._running[-1]
        steps = [step for step, _, _ in reversed(self._running)]
        place = place_of(next((step for step in steps if step.source == self._source), data))
        step = next(filter(None, map(place_of, steps)), "")
        return Failure(steps[-1].type == _TEARDOWN, place, step, called, tuple(getattr(data, "args", ())), message)

    @property
    def is_of_suite(self) -> bool:
        """Whether these are the steps of a suite's setup, not of a test."""
        return hasattr(self._around, "tests")

    @property
    def kind(self) -> str:
        """Of the running outermost step: `Setup`, or `Teardown`."""
        return "Teardown" if self._running and self._running[0][0].type == _TEARDOWN else "Setup"

    @property
    def failed(self) -> str:
        """Where the test failed; empty if that isn't known."""
        return self.failure.place if self.failure is not None else ""

    @property
    def failure(self) -> Failure | None:
        """What failed first; None if nothing did."""
        return next(iter(sorted(self._failures, key=lambda one: one.is_of_teardown)), self._caught)
