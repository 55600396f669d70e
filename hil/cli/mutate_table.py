"""What `hil mutate` found, as a table: on the terminal, and as Markdown, CSV or HTML with a column for each case."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hil.cli.tables import print_table
from hil.cli.trials import Heard, Outcome
from hil.errors import UsageError, Verdict

_MARKS: Final = {
    Verdict.PASS: "-", Verdict.FAIL: "X", Verdict.NOT_RUN: "", Verdict.BENCH: "b", Verdict.INCONCLUSIVE: "?",
    Verdict.USAGE: "u",
}  # fmt: skip
_LEGEND: Final = "X caught it, - passed, b bench fault, ? inconclusive, u usage error, blank: not run"
_STYLE: Final = (
    "body{font:14px system-ui,sans-serif;margin:2em;color-scheme:light dark}table{border-collapse:collapse}"
    "td,th{border:1px solid #8886;padding:2px 6px;text-align:center}th.case{writing-mode:vertical-rl;"
    "text-align:left;font-weight:400}td:first-child,td:nth-child(2){text-align:left;white-space:nowrap}"
    "td.X{background:#c62f2f;color:#fff}td.none{background:#e8a33d;color:#000}thead{position:sticky;top:0;background:Canvas}"
)


@dataclass(frozen=True, slots=True)
class Catch:
    """A case that failed with a defect; `own` if it verifies the defect's requirement."""

    name: str
    own: bool
    message: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A defect that made a case fail; `own` if the case verifies the defect's requirement."""

    defect: str
    own: bool


@dataclass(slots=True)
class Tried:
    """What became of a defect."""

    defect: str
    requirement: str
    own: frozenset[str] = frozenset()
    heard: list[Heard] = field(default_factory=list)
    caught: list[Catch] = field(default_factory=list)
    wall_s: float = 0.0
    broken: str = ""

    def add(self, outcome: Outcome, names: Mapping[str, str]) -> None:
        """A trial of this defect ended."""
        self.heard += outcome.heard
        self.wall_s += outcome.wall_s
        failed = outcome.with_verdict(Verdict.FAIL)
        self.caught += [Catch(names.get(one.id, one.id), one.id in self.own, one.message) for one in failed]
        others = outcome.with_verdict(Verdict.BENCH, Verdict.USAGE, Verdict.INCONCLUSIVE)
        said = [f"{names.get(one.id, one.id)}: {one.verdict}: {one.message}" for one in others]
        self.broken = self.broken or outcome.broken or next(iter(said), "")

    @property
    def by(self) -> str:
        """Who caught it, in words."""
        if not self.caught:
            return f"not caught; {self.broken}" if self.broken else "not caught"
        return ", ".join(one.name + ("" if one.own else " (not of its requirement)") for one in self.caught)


def print_result(tried: Sequence[Tried], left_out: Mapping[str, str], sound: str, *, matrix: bool) -> None:
    """The table on the terminal, and the counts."""
    table = Table("defect", "requirement", "cases", "wall", "caught by", box=None)
    for one in tried:
        by = one.by if not matrix or not one.caught else f"{len(one.caught)}: {one.by}"
        shown = escape(by) if one.caught else f"[bold red]{escape(by)}[/]"
        table.add_row(one.defect, one.requirement, str(len(one.heard)), f"{one.wall_s:.1f} s", shown)
    for defect, reason in left_out.items():
        table.add_row(defect, "", "", "", f"[dim]not tried: {escape(reason)}[/]")
    print_table(table)
    console = Console(soft_wrap=True, highlight=False)
    console.print(escape(sound))
    more = f", {len(left_out)} not tried" if left_out else ""
    console.print(f"{sum(bool(one.caught) for one in tried)} of {len(tried)} defects caught{more}")


def print_cases(cases: Sequence[tuple[str, Sequence[str], Seen | None]], sound: str) -> None:
    """Case by case the defect that made it fail on the terminal, those that never failed at the end; and the counts."""
    table = Table("case", "requirement", "fails with", box=None)
    for name, requirements, seen in sorted(cases, key=lambda row: row[2] is None):
        text = "[bold red]no defect makes it fail[/]"
        if seen is not None:
            text = seen.defect if seen.own else f"{seen.defect} (not of its requirement)"
        table.add_row(escape(name), " ".join(requirements), text)
    print_table(table)
    console = Console(soft_wrap=True, highlight=False)
    console.print(escape(sound))
    seen_failing = [seen for *_, seen in cases if seen is not None]
    own = sum(seen.own for seen in seen_failing)
    console.print(f"{len(seen_failing)} of {len(cases)} cases seen failing, {own} with a defect of their requirement")


def write(path: Path, tried: Sequence[Tried], cases: Mapping[str, str], *, matrix: bool) -> None:
    """Write the table of defects and cases; the suffix says how.

    Args:
        path: `.md`, `.csv` or `.html`.
        tried: what became of each defect.
        cases: id -> name, in the order of the columns.
        matrix: whether all cases ran; else only those that did have a column.
    """
    ran = {one.id for defect in tried for one in defect.heard}
    columns = {i: name for i, name in cases.items() if matrix or i in ran}
    head = ["defect", "requirement", "caught by", *columns.values()]
    rows = [_cells(one, columns) for one in tried]
    text = {".md": _markdown, ".csv": _csv, ".html": _html}[path.suffix](head, rows)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"can't be written: {error.strerror}", where=str(path), remedy="name another file.") from error


def _cells(tried: Tried, columns: Mapping[str, str]) -> list[str]:
    marks = {one.id: _MARKS[one.verdict] for one in tried.heard}
    return [tried.defect, tried.requirement, str(len(tried.caught)), *(marks.get(case, "") for case in columns)]


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return f"{_LEGEND}\n\n{table}\n"


def _csv(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([head, *rows])
    return out.getvalue()


def _html(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    names = [f"<th{' class=case' if i > 2 else ''}>{html.escape(name)}</th>" for i, name in enumerate(head)]
    body = "".join("<tr>" + "".join(_cell(i, cell) for i, cell in enumerate(row)) + "</tr>\n" for row in rows)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Defects and cases</title>'
        f"<style>{_STYLE}</style>\n"
        f"<h1>Defects and cases</h1><p>{_LEGEND}</p>\n<table><thead><tr>{''.join(names)}</tr></thead>\n"
        f"<tbody>{body}</tbody></table></html>\n"
    )


def _cell(place: int, text: str) -> str:
    kind = ' class="none"' if place == 2 and text == "0" else ' class="X"' if place > 2 and text == "X" else ""
    return f"<td{kind}>{html.escape(text)}</td>"
