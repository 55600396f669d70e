"""Makes a run's report from its journals: JUnit, trace files and the page. Needs no bench, and can be repeated."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hil.errors import BenchError, Verdict, exit_status
from hil.evidence.junit import junit_xml
from hil.evidence.model import Run
from hil.evidence.page import MAX_BYTES, PageBuilder
from hil.evidence.reader import Outline, Tap, error_text, read_outline, read_run
from hil.evidence.trace import TraceWriter
from hil.journal import Entry


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


def make_report(results: Path, *, max_bytes: int = MAX_BYTES) -> Report:
    """Write junit.xml, index.html and every attempt's trace.blf from the journals of a results folder.

    Raises:
        UsageError: it is no results folder.
        BenchError: the report can't be written.
    """
    outline = read_outline(results)
    traces = _Traces()
    builder = PageBuilder(_said(outline), max_bytes=max_bytes)
    run = read_run(results, outline=outline, open_tap=traces.open, on_attempt=builder.add)
    run = replace(run, warnings=(*run.warnings, *traces.warnings))
    junit = _write(results / "junit.xml", junit_xml(run))
    page = _write(results / "index.html", builder.html(run, results, _links(results)))
    verdicts = run.verdicts()
    seen = [verdict for verdict, count in verdicts.items() if count]
    status = exit_status(seen if run.finished else [*seen, Verdict.BENCH])
    return Report(verdicts, (page, junit, *traces.files), status, run)


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

    def __init__(self) -> None:
        self.files: list[Path] = []
        self.warnings: list[str] = []

    @contextmanager
    def open(self, folder: Path) -> Iterator[Tap | None]:
        """A tap for one attempt."""
        writer = TraceWriter(folder / "trace.blf")
        broken: list[Exception] = []

        def tap(entry: Entry) -> None:
            if not broken:
                _guarded(lambda: writer.take(entry), broken)

        try:
            yield tap
        finally:
            _guarded(writer.close, broken)
            self._done(writer.path, broken)

    def _done(self, path: Path, broken: list[Exception]) -> None:
        if broken:
            self.warnings.append(f"{path.parent.parent.name}: trace.blf can't be written: {error_text(broken[0])}")
        elif path.exists():
            self.files.append(path)


def _guarded(action: Callable[[], object], broken: list[Exception]) -> None:
    try:
        action()
    except Exception as error:  # python-can raises many kinds of errors for frames that a damaged journal may hold
        broken.append(error)
