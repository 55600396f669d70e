"""The child processes of a run: one for the Robot files among the suites, one for the pytest files."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from hil.errors import UsageError

DEFAULT_SUITES: Final = ("robot_suites", "pytest_suites")
RUNNERS: Final = ("robot", "pytest")
"""In the order in which their cases are told."""


def commands_for(suites: list[str], folder: Path, *, dry: bool = False) -> list[list[str]]:
    """The child processes that these suites need: one for the Robot files among them, one for the pytest files.

    Args:
        suites: files and folders.
        folder: the results folder.
        dry: collect only.

    Raises:
        UsageError: a suite holds neither.
    """
    robot = [suite for suite in suites if _holds(suite, "*.robot")]
    pytest = [suite for suite in suites if _holds(suite, "test_*.py") or _holds(suite, "*_test.py")]
    for suite in suites:
        if suite not in robot and suite not in pytest:
            mend = "give Robot files, or pytest files whose names begin with test_."
            raise UsageError("holds neither *.robot nor test_*.py", where=suite, remedy=mend)
    found = []
    if robot:
        found.append([*(_ROBOT_LIST if dry else _robot(folder)), *robot])
    if pytest:
        found.append([*_PYTEST, *(["--collect-only"] if dry else []), *pytest])
    return found


def suites_of(given: list[str]) -> list[str]:
    """The suites that were asked for, or ours.

    Raises:
        UsageError: one doesn't exist, or there is none.
    """
    chosen = given or [suite for suite in DEFAULT_SUITES if Path(suite).is_dir()]
    for suite in chosen:
        if not Path(suite.partition("::")[0]).exists():
            raise UsageError("there is no such suite", where=suite, remedy="give a Robot or pytest file or folder.")
    if not chosen:
        raise UsageError("no suites here", remedy="give SUITE, or run where robot_suites/ or pytest_suites/ is.")
    return chosen


def usable_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def runner_of(command: list[str]) -> str:
    """Which runner a command is: `robot` or `pytest`."""
    return command[2]


def helper_of(command: list[str], number: int) -> list[str]:
    """The command of a helper: as that of the first child, with an output of its own."""
    if runner_of(command) != RUNNERS[0]:
        return command
    return [*command[:3], "--output", f"part-{number}.xml", "--log", "NONE", "--report", "NONE", *command[3:]]


def _holds(suite: str, pattern: str) -> bool:
    path = Path(suite.partition("::")[0])
    return any(path.rglob(pattern)) if path.is_dir() else path.match(pattern)


def _robot(folder: Path) -> list[str]:
    return [
        *_ROBOT, "--prerunmodifier", _SELECTOR, "--listener", "hil.robot.listener.BenchListener:for_the_run",
        "--outputdir", str(folder / "robot"),
    ]  # fmt: skip


_SELECTOR: Final = "hil.robot.listener.Selector"
_ROBOT: Final = [
    *(sys.executable, "-m", "robot"),
    *("--runemptysuite", "--console", "quiet", "--consolecolors", "off", "--name", "Suites"),
]
_NO_FILES: Final = ["--output", "NONE", "--log", "NONE"]
_ROBOT_LIST: Final = [*_ROBOT, "--prerunmodifier", f"{_SELECTOR}:list_only", *_NO_FILES]
_PYTEST: Final = [
    sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", "--color=no", "--tb=short",
]  # fmt: skip
