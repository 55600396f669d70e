"""Robot's tests, each in a process of its own: forked from a suite that has its imports, with a booted bench.

Rules of this module: the fork lies between a suite's imports and its set-up. A child keeps one test and what of the
tree belongs to it, so that set-ups and teardowns run around the test as they do anywhere; it writes an output of its
own, `part-<pid>.xml`, which `hil.robot.merging` brings together with the others. The parent keeps no test at all.

Not for: Robot without `hil run`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from robot.libraries.BuiltIn import BuiltIn

from hil.bench.case import Case
from hil.bench.case_forks import CaseForks
from hil.bench.forking import Child
from hil.bench.session import Session


class Offshoot:
    """The processes of one Robot run.

    Args:
        tests: how many tests it has.
    """

    def __init__(self, tests: int) -> None:
        self._tests = tests
        self._forks: CaseForks | None = None
        self._child: Child | None = None
        self._was_stopped = False

    def is_wanted(self, session: Session) -> bool:
        """Whether each test is to run in a process of its own; not in such a process."""
        self._forks = self._forks or CaseForks(session)
        return self._forks.are_wanted(self._tests)

    def run(self, session: Session, suite: Any, case_of: Callable[[Any], Case]) -> list[Any]:
        """Run the tests of a suite that are for this process to run.

        Returns:
            what of them is to be run here: in a child its test, in the parent nothing.
        """
        assert self._forks is not None
        for test in list(suite.tests):
            case = case_of(test)
            if self._was_stopped or not session.takes(case.id):
                continue
            child = self._forks.fork(case)
            if child.is_here:
                self._child = child
                _keep_only(suite)
                _write_elsewhere()
                return [test]
            self._forks.wait_for(child, case)
            self._was_stopped = child.was_stopped
        return []

    def leave(self) -> None:
        """At the end of a child: leave. Elsewhere nothing happens."""
        if self._child is not None and self._forks is not None:
            self._forks.leave(self._child, None)


def _keep_only(suite: Any) -> None:
    """Take what comes after a suite out of the tree."""
    while suite.parent is not None:
        siblings = suite.parent.suites
        del siblings[siblings.index(suite) + 1 :]
        suite = suite.parent


def _write_elsewhere() -> None:
    """From here on Robot's output goes to a file of this process, which begins with what was written until now."""
    output = Path(str(BuiltIn().get_variable_value("${OUTPUT FILE}")))
    if not output.is_file():  # Robot was told to write none
        return
    own = os.open(output.with_name(f"part-{os.getpid()}.xml"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(own, output.read_bytes())
    for entry in os.scandir("/proc/self/fd"):
        if os.path.realpath(entry.path) == str(output.resolve()):
            os.dup2(own, int(entry.name))
    os.close(own)
