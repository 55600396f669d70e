"""Makes a run's report from its journals: JUnit, trace files and the page. Needs no bench, and can be repeated."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

from hil.errors import BenchError, Verdict, exit_status
from hil.evidence.facts import Wires
from hil.evidence.fitting import Fitted, fitted
from hil.evidence.hands import in_order
from hil.evidence.junit import junit_xml
from hil.evidence.model import Attempt, Run
from hil.evidence.page import MAX_BYTES, PageBuilder
from hil.evidence.reader import Outline, error_text, read_attempt, read_outline, run_of, without_timeline
from hil.evidence.summary import NAME, LatencySummary, latencies_of, summary_of, to_json
from hil.evidence.trace import write_trace

Traces = Literal["failed", "all", "none"]
WORTH_A_PROCESS: Final = 8
"""So many attempts for each process: below, it would cost more than it brings."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was made of a run.

    Attributes:
        verdicts: how many cases ended how; every verdict has an entry.
        files: the files written.
        exit_status: what `hil run` and `hil report` exit with. A run that did not finish is never a success.
        run: the run itself, for those who want to say more about it.
    """

    verdicts: dict[Verdict, int]
    files: tuple[Path, ...]
    exit_status: int
    run: Run


def make_report(results: Path, *, max_bytes: int = MAX_BYTES, traces: Traces = "failed", jobs: int = 1) -> Report:
    """Write junit.xml, index.html, summary.json and traces from the journals of a results folder.

    Args:
        results: the folder.
        max_bytes: the most that the page may have.
        traces: which attempts get a trace.blf: `failed` (all that did not pass), `all` or `none`.
        jobs: how many processes read journals at once. What they are changes nothing in the files.

    Raises:
        UsageError: it is no results folder.
        BenchError: the report can't be written.
    """
    outline = read_outline(results)
    builder = PageBuilder(_said(outline), max_bytes=max_bytes)
    parts = list(_parts(_Desk(outline, builder, traces), builder, jobs))
    run = run_of(outline, (part.attempt for part in parts))
    run = replace(run, warnings=(*run.warnings, *(part.warning for part in parts if part.warning)))
    latencies = {part.attempt.info.id: part.latencies for part in parts}
    junit = _write(results / "junit.xml", junit_xml(run))
    summary = _write(results / NAME, to_json(summary_of(run, latencies)))
    page = _write(results / "index.html", builder.html(run, results, _links(results)))
    traced = [part.trace for part in parts if part.trace is not None]
    return Report(run.verdicts(), (page, junit, summary, *traced), _status(run), run)


def _status(run: Run) -> int:
    seen = [verdict for verdict, count in run.verdicts().items() if count]
    seen += [Verdict.USAGE] if run.mistakes else []
    return exit_status(seen if run.finished else [*seen, Verdict.BENCH])


@dataclass(frozen=True, slots=True)
class _Part:
    """What the report needs of one attempt; its timeline was let go."""

    attempt: Attempt
    latencies: list[LatencySummary]
    trace: Path | None
    warning: str


@dataclass(slots=True)
class _Desk:
    """Where an attempt is read and made ready; there may be several, which know nothing of each other."""

    outline: Outline
    builder: PageBuilder
    traces: Traces
    wires: Wires = field(default_factory=Wires)

    def part(self, folder: Path) -> tuple[_Part, Fitted]:
        """Read an attempt, write its trace, make it ready for the page."""
        attempt = read_attempt(self.outline, folder, self.wires)
        trace, warning = _trace(attempt, self.traces)
        ready = fitted(attempt, self.builder.room(attempt.info.id))
        return _Part(without_timeline(attempt), latencies_of(attempt), trace, warning), ready

    def again(self, folder: Path, room: int) -> Fitted:
        """Make an attempt ready for less room."""
        return fitted(read_attempt(self.outline, folder, self.wires), room)


def _parts(desk: _Desk, builder: PageBuilder, jobs: int) -> Iterator[_Part]:
    """All attempts, in the order of the outline; the page takes them as they come."""
    folders = desk.outline.attempts()
    jobs = min(jobs, len(folders) // WORTH_A_PROCESS)
    with closing(in_order(lambda number: desk.part(folders[number]), len(folders), jobs=jobs)) as done:
        for part, ready in done:
            builder.add(ready, partial(desk.again, part.attempt.folder))
            yield part


def _said(outline: Outline) -> dict[str, tuple[int, Verdict | None]]:
    ended = {name: ruling.verdict for name, ruling in outline.ended.items()}
    return {name: (len(outline.folders.get(name, ())), ended.get(name)) for name in outline.ids()}


def _links(results: Path) -> dict[str, str]:
    known = {"JUnit": "junit.xml", "Robot log": "robot/log.html", "session journal": "session.mcap"}
    return {name: href for name, href in known.items() if href == "junit.xml" or (results / href).exists()}


def _write(path: Path, data: bytes) -> Path:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        raise BenchError(
            f"can't be written: {error.strerror or error}", where=str(path), remedy="free space for the results."
        ) from error
    return path


def _trace(attempt: Attempt, which: Traces) -> tuple[Path | None, str]:
    """Write the trace of an attempt, if it is to have one; an older one goes.

    Returns:
        The file, if there is one; why it can't be written, if so: the verdicts don't depend on it.
    """
    path, warning = attempt.folder / "trace.blf", ""
    try:
        if which == "all" or (which == "failed" and attempt.ruling.verdict is not Verdict.PASS):
            write_trace(attempt.folder / "journal.mcap", path)
        else:
            path.unlink(missing_ok=True)
    except Exception as error:  # python-can raises many kinds of errors for what a damaged journal may hold
        warning = f"{attempt.info.id}: trace.blf can't be written: {error_text(error)}"
    return (path if path.is_file() else None), warning
