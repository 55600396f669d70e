"""The markers of a pytest case, read: what they say, and what is wrong with them, in one line.

Rules of this module: heavy imports wait until a case is there. What is wrong is a mistake of that case alone.

Not for: hooks and verdicts (`hil.pytest_plugin`).
"""

from __future__ import annotations

import dis
import os
import re
from functools import cache
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

import pytest

from hil.nearest import misspelt

if TYPE_CHECKING:
    from hil.bench.case import Case

MARKERS: Final = (
    "requirement(id, ...): requirements that the case verifies",
    "start(state): where the case starts from: 'off', 'sleep' or 'on' (default)",
    "tag(word, ...): words to select cases by",
    "needs(feature, ...): features that the variant under test must have; without them the case is not run",
    "variant(name, ...): variants that the case is for; on others it is not run",
    "table(file, column=cell, ...): one case for each row of a CSV file; arguments are called like columns, or `row`",
    "bench_timeout(duration): bench time that the case may take",
    "realtime: runs on benches in real time too",
    "guest: light enough for an emulated machine",
)
_PLAIN: Final = ("realtime", "guest")
_EXAMPLES: Final = {
    "requirement": '"CLU-TT-001"', "start": '"off"', "tag": '"night"', "needs": '"navigation"', "variant": '"alta"',
    "bench_timeout": '"30 s"',
}  # fmt: skip
"""Markers that say nothing without a word, with one that they may say."""


_FUNCTION: Final = re.compile(r"(?:async\s+)?def\s+(\w+)\s*\(")
_OWN_MEANS: Final = frozenset(["AssertionError", "raises", "fail"])
"""What else a test names that compares by itself; the first is what pytest makes of an `assert`."""


def case_of(item: pytest.Item, wrong_table: str = "") -> Case:
    """The case that a test is. One whose markers or table are wrong is a case too: a usage error."""
    from hil.bench.case import Case, beginning, checked, make_id, needs_of

    path, line, _ = item.location
    start, timeout_s, mistake = beginning(_said(item, "start")[:1], _said(item, "bench_timeout")[:1])
    case = Case(
        id=make_id("pytest", Path(path).stem.removeprefix("test_"), item.name.removeprefix("test_")),
        name=item.name,
        suite=path.replace(os.sep, "/"),
        source=f"{path}:{(line or 0) + 1}",
        requirements=_said(item, "requirement"),
        tags=_said(item, "tag") + tuple(word for word in _PLAIN if item.get_closest_marker(word)),
        start=start,
        runner="pytest",
        doc=(getattr(getattr(item, "function", None), "__doc__", "") or "").strip().split("\n")[0],
        timeout_s=timeout_s,
        needs=needs_of(_said(item, "needs"), _said(item, "variant")),
        mistake=wrong_table or mistake or _wrong_mark(item) or twin(item),
    )
    return checked(case)


def place_of(item: pytest.Item, raised: pytest.ExceptionInfo[BaseException]) -> str:
    """File and line of the innermost call in the suite's file, or else of the test."""
    path, line, _ = item.location
    lines = [entry.lineno for entry in raised.traceback if Path(entry.path) == item.path]
    return f"{path}:{(lines[-1] if lines else line or 0) + 1}"


def asserts(item: pytest.Item) -> bool:
    """Whether a test, or a function of its module that it calls, compares something by itself, with an `assert`."""
    function = getattr(item, "function", None)
    return function is not None and _asserts(function.__code__, function.__globals__, set())


def _asserts(code: CodeType, names: dict[str, Any], seen: set[CodeType]) -> bool:
    seen.add(code)
    if any(step.opname == "LOAD_ASSERTION_ERROR" for step in dis.get_instructions(code)) or _OWN_MEANS & {
        *code.co_names
    }:
        return True
    called = [getattr(names.get(name), "__code__", None) for name in code.co_names]
    inner = [one for one in (*code.co_consts, *called) if isinstance(one, CodeType) and one not in seen]
    return any(_asserts(one, names, seen) for one in inner)


def _said(item: pytest.Item, marker: str) -> tuple[str, ...]:
    return tuple(str(word) for mark in item.iter_markers(marker) for word in mark.args)


def twin(item: pytest.Item) -> str:
    """Another function of the same name in its file: Python keeps the last one alone, and the others never run."""
    function = getattr(item, "function", None)
    if function is None or "." in getattr(function, "__qualname__", "."):
        return ""
    lines = _functions_of(str(item.path)).get(function.__name__, [])
    if len(lines) < 2:
        return ""
    stands = "twice" if len(lines) == 2 else f"{len(lines)} times"
    listed = f"{', '.join(map(str, lines[:-1]))} and {lines[-1]}"
    what = f"'{function.__name__}' stands {stands} in this file, in lines {listed}"
    return f"{what}: the last one alone would run. Remedy: rename one."


@cache
def _functions_of(path: str) -> dict[str, list[int]]:
    """The lines of the functions that stand at the margin of a file, by their names."""
    found: dict[str, list[int]] = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if match := _FUNCTION.match(line):
            found.setdefault(match[1], []).append(number)
    return found


def _wrong_mark(item: pytest.Item) -> str:
    """A marker that says nothing, or that nobody knows though it is near to one of ours; empty if there is none."""
    known = {re.split(r"[:(]", line, maxsplit=1)[0].strip() for line in item.config.getini("markers")}
    for mark in item.iter_markers():
        if mark.name in _EXAMPLES and not mark.args:
            return f"the marker '{mark.name}' says nothing. Remedy: write {_written(mark.name)}."
        near = "" if mark.name in known else _near(mark.name, known)
        if near:
            return f"there is no marker '{mark.name}'. Remedy: did you mean {_written(near)}?"
    return ""


def _near(name: str, known: set[str]) -> str:
    """The marker of ours that a name is nearest to; empty if one of somebody else's is nearer, or none is near."""
    ours = {re.split(r"[:(]", line, maxsplit=1)[0] for line in MARKERS}
    near = misspelt(name, sorted(known | ours))
    return near if near in ours else ""


def _written(marker: str) -> str:
    return f"@pytest.mark.{marker}({_EXAMPLES[marker]})" if marker in _EXAMPLES else f"@pytest.mark.{marker}"
