"""Where a test failed: file and line of the step, in the suite's own file even if the keyword stands in a resource.

Rules of this module: of several failures the first counts that nothing caught, where all were caught the first. A
teardown counts only if the test itself did not fail.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

_TEARDOWN: Final = "TEARDOWN"


def place_of(data: Any) -> str:
    """File and line of a step; empty if it stands in no file."""
    return f"{Path(data.source).name}:{data.lineno}" if data.source else ""


class Places:
    """Follows the steps of one test: keywords, and TRY blocks, which catch.

    Args:
        test: as Robot has it; None outside tests.
    """

    def __init__(self, test: Any = None) -> None:
        self._source = getattr(test, "source", None)
        self._running: list[tuple[Any, int]] = []
        self._failures: list[tuple[bool, str]] = []
        self._caught = ""

    def begin(self, data: Any) -> None:
        """A step begins."""
        self._running.append((data, len(self._failures)))

    def end(self, *, failed: bool) -> None:
        """The step that began last ended. What failed within one that did not fail was caught."""
        if not self._running:
            return
        _, before = self._running[-1]
        if failed and len(self._failures) == before:
            self._failures.append((self._is_teardown(), self._place()))
        elif not failed and len(self._failures) > before:
            self._caught = self._caught or self._failures[before][1]
            del self._failures[before:]
        self._running.pop()

    def _is_teardown(self) -> bool:
        return bool(self._running[0][0].type == _TEARDOWN)

    def _place(self) -> str:
        """The innermost step that stands in the suite's file."""
        steps = [data for data, _ in reversed(self._running)]
        return place_of(next((step for step in steps if step.source == self._source), steps[0]))

    @property
    def failed(self) -> str:
        """Where the test failed; empty if that isn't known."""
        of_test = (place for is_teardown, place in sorted(self._failures, key=lambda one: one[0]))
        return next(of_test, self._caught)
