"""One Robot output of those of several processes that shared the tests of one run.

`python -m hil.robot.merging FOLDER PART...`: adds the tests of the parts to `output.xml`, brings them into the order
that stands on standard input (JSON: pairs of suite and test), and writes output, log and report again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from robot.api import ExecutionResult, ResultWriter
from robot.errors import DataError


def main(arguments: list[str]) -> int:
    """Merge; returns the exit status."""
    folder, *parts = map(Path, arguments)
    order = {tuple(names): place for place, names in enumerate(json.load(sys.stdin))}
    output = folder / "output.xml"
    whole = ExecutionResult(str(output))
    for part in parts:
        try:
            more = ExecutionResult(str(part))
        except DataError:  # its process died in the middle; the case stands on the page
            continue
        _add(whole.suite, more.suite)
        whole.errors.messages.extend(more.errors.messages)
    _sort(whole.suite, order)
    whole.save(str(output))
    ResultWriter(whole).write_results(log=str(folder / "log.html"), report=str(folder / "report.html"))
    for part in parts:
        part.unlink()
    return 0


def _add(suite: Any, more: Any) -> None:
    """Add the tests of a suite, and of the suites in it, to the one of the same name."""
    ours = {child.name: child for child in suite.suites}
    suite.tests.extend(more.tests)
    for child in more.suites:
        if child.name in ours:
            _add(ours[child.name], child)
        else:
            suite.suites.append(child)
    suite.elapsed_time = None


def _sort(suite: Any, order: dict[tuple[str, ...], int]) -> None:
    last = len(order)
    suite.tests = sorted(suite.tests, key=lambda test: order.get((suite.full_name, test.name), last))
    for child in suite.suites:
        _sort(child, order)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
