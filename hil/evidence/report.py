"""Makes a run's report from its journals: JUnit, trace files and the page. Needs no bench, and can be repeated."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hil.errors import BenchError, Verdict, exit_status
from hil.evidence.junit import junit_xml
from hil.evidence.model import Attempt, Run
from hil.evidence.page import MAX_BYTES, PageBuilder
from hil.evidence.reader import Outline, error_text, read_outline, read_run
from hil.evidence.summary import NAME, LatencySummary, latencies_of, summary_of, to_json
from hil.evidence.trace import write_trace

Traces = Literal["failed", "all", "none"]


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


def make_report(results: Path, *, max_bytes: int = MAX_BYTES, traces: Traces = "failed") -> Report:
    """Write junit.xml, index.html, summary.json and traces from the journals of a results folder.

    Args:
        results: the folder.
        max_bytes: the most that the page may have.
        traces: which attempts get a trace.blf: `failed` (all that did not pass), `all` or `none`.

    Raises:
        UsageError: it is no results folder.
        BenchError: the report can't be written.
    """
    outline = read_outline(results)
    latencies: dict[str, list[LatencySummary]] = {}
    writer, builder = _Traces(traces), PageBuilder(_said(outline), max_bytes=max_bytes)

    def on_attempt(attempt: Attempt) -> None:
        writer.add(attempt)
        builder.add(attempt)
        latencies[attempt.info.id] = latencies_of(attempt)

    run = read_run(results, outline=outline, on_attempt=on_attempt)
    run = replace(run, warnings=(*run.warnings, *writer.warnings))
    junit = _write(results / "junit.xml", junit_xml(run))
    summary = _write(results / NAME, to_json(summary_of(run, latencies)))
    page = _write(results / "index.html", builder.html(run, results, _links(results)))
    verdicts = run.verdicts()
    seen = [verdict for verdict, count in verdicts.items() if count]
    status = exit_status(seen if run.finished else [*seen, Verdict.BENCH])
    return Report(verdicts, (page, junit, summary, *writer.files), status, run)


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


class _Traces:
    """Writes the traces. One that can't be written is a warning on the page: the verdicts don't depend on it."""

    def __init__(self, which: Traces) -> None:
        self._which = which
        self.files: list[Path] = []
        self.warnings: list[str] = []

    def add(self, attempt: Attempt) -> None:
        """Write the trace of an attempt, if it is to have one; an older one goes."""
        path = attempt.folder / "trace.blf"
        wanted = self._which == "all" or (self._which == "failed" and attempt.ruling.verdict is not Verdict.PASS)
        try:
            if wanted:
                write_trace(attempt.folder / "journal.mcap", path)
            else:
                path.unlink(missing_ok=True)
        except Exception as error:  # python-can raises many kinds of errors for what a damaged journal may hold
            self.warnings.append(f"{attempt.info.id}: trace.blf can't be written: {error_text(error)}")
        if path.is_file():
            self.files.append(path)
