"""`hil history [RESULTS]`: what changed from run to run; exits with 1 if the newest run is worse than the others."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from rich.markup import escape
from rich.table import Table

from hil.cli.tables import print_table
from hil.errors import BenchError, UsageError
from hil.evidence.history import LEAST_SHIFT, Change, Series, histories, not_compared
from hil.evidence.history_files import history_json, history_junit
from hil.evidence.history_page import history_page
from hil.evidence.runs import Found, RunRecord, find_runs

_COLOURS: Final = {"mended": "green", "faster": "green", "new case": "cyan"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "results", type=Path, nargs="?", default=Path("results"), metavar="RESULTS", help="folder of runs"
    )
    parser.add_argument(
        "--last", type=_count, default=10, metavar="N", help="compare the last N runs of each bench (10)"
    )
    parser.add_argument("--bench", default="", metavar="NAME", help="only runs of this bench")
    parser.add_argument("--variant", default="", metavar="NAME", help="only runs of this variant")
    parser.add_argument(
        "--least-shift", type=_percent, default=LEAST_SHIFT, metavar="PERCENT",
        help="latencies that drifted by less are passed over (2)",
    )  # fmt: skip
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page; its links work beside the runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all changes as JSON")
    parser.add_argument(
        "--junit", type=Path, metavar="FILE", help="write JUnit XML: a failure for each change for the worse"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of runs: it takes two to compare")
    return int(text)


def _percent(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?%?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage, such as 2 or 0.5")
    return float(text.rstrip("%")) / 100


def run(arguments: argparse.Namespace) -> int:
    """Compare; returns 1 if something changed for the worse.

    Raises:
        UsageError: no folder, no run, or none of what was asked for.
    """
    found = find_runs(arguments.results)
    series = histories(_wanted(found, arguments), last=arguments.last, least_shift=arguments.least_shift)
    for problem in found.problems:
        print(f"hil history: {problem}")
    for one in series:
        _show(one)
    _write(arguments.html, lambda: history_page(series, found.problems))
    _write(arguments.json, lambda: history_json(series, found.problems))
    _write(arguments.junit, lambda: history_junit(series))
    return int(any(change.worse for one in series for change in one.changes))


def _wanted(found: Found, arguments: argparse.Namespace) -> list[RunRecord]:
    bench, variant = arguments.bench, arguments.variant
    wanted = [run for run in found.runs if bench in ("", run.bench[0]) and variant in ("", run.bench[1])]
    if found.runs and not wanted:
        there = ", ".join(sorted({" ".join(run.bench) for run in found.runs}))
        where = str(arguments.results)
        raise UsageError("no run of that bench and variant", where=where, remedy=f"there are: {there}.")
    return wanted


def _write(path: Path | None, make: Callable[[], bytes]) -> None:
    if path is None:
        return
    try:
        path.write_bytes(make())
    except OSError as error:
        raise BenchError(f"can't be written: {error.strerror or error}", where=str(path)) from error
    print(path)


def _show(series: Series) -> None:
    bench, variant = series.bench
    newest = series.runs[-1].folder.name
    if len(series.runs) == 1:
        print(f"{bench}, {variant}: {newest} is the only run; nothing to compare")
        return
    worse = sum(change.worse for change in series.changes)
    said = f"{worse} changed for the worse" if worse else "nothing changed for the worse"
    apart = not_compared(series)
    print(
        f"{bench}, {variant}: {len(series.runs)} runs, the newest is {newest}: {said}{f' ({apart})' if apart else ''}"
    )
    if series.changes:
        print_table(_table(series.changes))


def _table(changes: Sequence[Change]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("", "case", "before", "after", "why", "in run"):
        table.add_column(name, overflow="fold")
    for change in changes:
        colour = "red" if change.worse else _COLOURS.get(change.kind, "yellow")
        cells = [change.case, change.before, change.after, change.why, "the newest" if change.newest else change.later]
        table.add_row(f"[{colour}]{change.kind}[/]", *map(escape, cells))
    return table
