"""`hil doctor --bench FILE`: what of a bench is wired, what is wrong and how to mend it; a row a look, in one table.

Rules of this module: it listens before anything is sent. The exit status is 0 where no row is a fault, else 3; notes
change nothing. `--json` prints the same rows for programs. `--learn FILE` writes a proposal and changes no bench file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hil import units
from hil.bench.checkup import LISTEN_S, Report, Wishes, check_up
from hil.bench.checkup_finding import Finding, Mark, When, many
from hil.bench.config import BenchConfig
from hil.bench.learn import as_toml, propose
from hil.cli.benches import add_bench, load_bench
from hil.cli.tables import WIDE
from hil.clock import utc_now
from hil.errors import EXIT_STATUS, UsageError, Verdict

_STYLES: Final = {Mark.OK: "green", Mark.NOTE: "yellow", Mark.FAULT: "bold red"}
LEARN_S: Final = 30.0
_PART_WIDTH: Final = 17
_CHECK_WIDTH: Final = 11


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add_bench(parser)
    text = "power the ECU, start the restbus, and look again; the supplies are off at the end"
    parser.add_argument("--power", action="store_true", help=text)
    text = "send though somebody else sends what the restbus plays, or the speed doesn't fit"
    parser.add_argument("--transmit", action="store_true", help=text)
    text = f"how long to listen (default {LISTEN_S:g} s, with --learn {LEARN_S:g} s)"
    parser.add_argument("--for", dest="listen", default="", metavar="DURATION", help=text)
    text = "write into FILE what the monitors would have to bear; the bench file stays as it is"
    parser.add_argument("--learn", type=Path, metavar="FILE", help=text)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Look at the bench; 0 if it is well, 3 if something is wrong.

    Raises:
        UsageError: bench file or argument is wrong.
        BenchError: another run holds the bench.
    """
    wishes = _wishes(arguments)
    config = load_bench(arguments)
    if arguments.learn is not None:
        _refuse_taken(arguments.learn)
    report = check_up(config, wishes)
    if arguments.json:
        print(_json(config.bench.name, report))
    else:
        show(report.findings)
    if arguments.learn is not None:
        _write_proposal(arguments.learn, config, report)
    return 0 if report.is_well else EXIT_STATUS[Verdict.BENCH]


def _wishes(arguments: argparse.Namespace) -> Wishes:
    listen_s = units.seconds(arguments.listen or (LISTEN_S if arguments.learn is None else LEARN_S))
    if not 0 < listen_s <= 3600:
        raise UsageError(f"'{arguments.listen}' is no time to listen", where="--for", remedy="0.1 s to 3600 s.")
    return Wishes(listen_s, power=arguments.power, transmit=arguments.transmit)


def _refuse_taken(path: Path) -> None:
    """A proposal overwrites nothing, least of all a bench file."""
    if path.exists():
        raise UsageError("is there already", where=str(path), remedy="name another file, or delete it.")
    if not path.parent.is_dir():
        raise UsageError("there is no such folder", where=str(path.parent), remedy="make it first.")


def _write_proposal(path: Path, config: BenchConfig, report: Report) -> None:
    proposal = propose(config, report.views.values())
    listened_ns = max((view.listened_ns for view in report.views.values()), default=0)
    text = as_toml(config, proposal, listened_ns=listened_ns, made=f"{utc_now():%Y-%m-%d %H:%M} UTC")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"can't be written: {error.strerror}", where=str(path), remedy="name another.") from error
    counts = f"{len(proposal.allow)} identifiers, {len(proposal.rules)} rules, {len(proposal.notes)} notes"
    print(f"proposal: {path} ({counts}); read it, then copy what you approve into the bench file.", file=sys.stderr)


def _json(bench: str, report: Report) -> str:
    rows = [
        {"when": row.when.value, "part": row.part, "check": row.check, "mark": row.mark.value,
         "found": row.found, "remedy": row.remedy}
        for row in report.findings
    ]  # fmt: skip
    return json.dumps({"bench": bench, "well": report.is_well, "findings": rows}, indent=2)


def show(findings: list[Finding], console: Console | None = None) -> None:
    """Print the table; where nobody looks each row is one line."""
    console = console or Console()
    if console.is_terminal:
        console.print(table(findings, folded=True), _summary(findings))
        return
    wide = Console(width=WIDE, file=console.file)
    with wide.capture() as text:
        wide.print(table(findings, folded=False), _summary(findings))
    console.file.writelines(f"{line.rstrip()}\n" for line in text.get().splitlines())


def table(findings: Iterable[Finding], *, folded: bool) -> Table:
    """The rows, in the order of the check-up.

    Args:
        findings: the rows.
        folded: a remedy has a line of its own.
    """
    made = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
    made.add_column(min_width=5, no_wrap=True)
    made.add_column(min_width=_PART_WIDTH, no_wrap=True)
    made.add_column(min_width=_CHECK_WIDTH, no_wrap=True)
    made.add_column(overflow="fold", ratio=1)
    ordered = sorted(findings, key=lambda row: list(When).index(row.when))
    for when, rows in groupby(ordered, key=lambda row: row.when):
        made.add_row("", f"[bold underline]{when.value}[/]")
        for cells in _rows(rows, folded):
            made.add_row(*cells)
    return made


def _rows(findings: Iterable[Finding], folded: bool) -> Iterator[tuple[str, str, str, str]]:
    last = ""
    for row in findings:
        style = _STYLES[row.mark]
        gap = "\n" if folded else " "
        mend = f"{gap}[{style}]Remedy:[/] {escape(row.remedy)}" if row.remedy else ""
        stop = "." if mend and not folded and not row.found.endswith((".", "!", "?")) else ""
        found = f"{escape(row.found)}{stop}{mend}"
        part = "" if folded and row.part == last and row.mark is Mark.OK else escape(row.part)
        yield f"[{style}]{row.mark.value}[/]", part, escape(row.check), found
        last = row.part


def _summary(findings: list[Finding]) -> str:
    """`2 faults, 1 note in 30 looks`."""
    faults, notes = (sum(row.mark is mark for row in findings) for mark in (Mark.FAULT, Mark.NOTE))
    how = f"[{_STYLES[Mark.FAULT]}]{many(faults, 'fault')}[/]" if faults else f"[{_STYLES[Mark.OK]}]well[/]"
    noted = f", {many(notes, 'note')}" if notes else ""
    return f"{how}{noted} in {many(len(findings), 'look')}"


__all__ = ["add_arguments", "run", "show", "table"]
