"""Reads a results folder back: run.json, the session's journal and every case's journal become one `Run`.

Rules of this module: whatever is missing, cut off or damaged becomes a verdict or a warning, never an exception, so
that a report can be made of any run that left a folder. Journals are read once, as streams; a case's timeline is handed
to the listener and then let go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hil.errors import HilError, UsageError
from hil.evidence import fields as f
from hil.evidence.blocks import BlockReader
from hil.evidence.collect import Collector, case_info, ruling
from hil.evidence.facts import Wires
from hil.evidence.model import (
    DIED,
    Attempt,
    CaseInfo,
    CaseResult,
    Ruling,
    Run,
    Timeline,
    cover,
    rule,
    rule_without_journal,
)
from hil.journal import JournalReader

Listener = Callable[[Attempt], object]


@dataclass(slots=True)
class Outline:
    """What can be known of a run without opening a case: the plan, how the session says that cases ended, files."""

    facts: f.Fields = field(default_factory=dict)
    plan: dict[str, CaseInfo] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    ended: dict[str, Ruling] = field(default_factory=dict)
    finished: bool = False
    folders: dict[str, list[Path]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def ids(self) -> list[str]:
        """Every case, in the order of the plan, Robot's first; then those that nobody planned."""
        planned = sorted(self.plan, key=lambda name: self.plan[name].runner != "robot")
        return [*planned, *(name for name in sorted({*self.folders, *self.ended}) if name not in self.plan)]

    def attempts(self) -> list[Path]:
        """The folder of every attempt, in that order."""
        return [folder for name in self.ids() for folder in self.folders.get(name, ())]


def read_outline(results: Path) -> Outline:
    """The outline of a results folder.

    Raises:
        UsageError: it is no results folder.
    """
    if not (results / "session.mcap").exists() and not (results / "tests").is_dir():
        raise UsageError(
            "is no results folder: it has neither session.mcap nor tests/",
            where=str(results),
            remedy="name a folder that `hil run` made.",
        )
    outline = Outline(folders=_folders(results / "tests"))
    outline.facts = _facts(results / "run.json", outline.warnings)
    _read_session(results / "session.mcap", outline)
    return outline


def _folders(tests: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for journal in sorted(tests.glob("*/*/journal.mcap"), key=_attempt_order):
        found.setdefault(journal.parent.parent.name, []).append(journal.parent)
    return found


def _attempt_order(journal: Path) -> tuple[str, int, str]:
    attempt = journal.parent.name
    return journal.parent.parent.name, int(attempt) if attempt.isdecimal() else 0, attempt


def _facts(path: Path, warnings: list[str]) -> f.Fields:
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        warnings.append(f"run.json can't be read: {error_text(error)}")
        return {}
    if not isinstance(facts, dict):
        warnings.append("run.json is no JSON object")
    return f.as_fields(f.clean(facts))


def _read_session(path: Path, outline: Outline) -> None:
    reader = JournalReader(path)
    try:
        for entry in reader:
            if entry.kind == "session":
                _on_session(outline, f.as_fields(entry.data))
    except Exception as error:  # whatever is wrong with the file, the cases' own journals still count
        outline.warnings.append(f"session.mcap can't be read to its end: {error_text(error)}")
    if not outline.finished:
        outline.warnings.append("the run did not finish: what follows is what it left")


def _on_session(outline: Outline, fields: f.Fields) -> None:
    event, case_id = f.text(fields, "event"), f.text(fields, "id")
    if event == "plan":
        outline.plan[case_id] = case_info(case_id, f.as_fields(fields.get("detail")))
    elif event == "start":
        outline.started.add(case_id)
    elif event == "end":
        outline.ended[case_id] = ruling(fields)
    elif event == "finished":
        outline.finished = True


def error_text(error: Exception) -> str:
    """One line on an error, with its kind where the text says little, and without a path of this host."""
    if isinstance(error, HilError):
        return error.what
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"{type(error).__name__}: {error}".rstrip(": ")


def read_run(
    results: Path,
    *,
    outline: Outline | None = None,
    on_attempt: Listener | None = None,
) -> Run:
    """Read a whole run.

    Args:
        results: the results folder.
        outline: what `read_outline` gave, if it was read already.
        on_attempt: is called with every attempt, its timeline included.

    Raises:
        UsageError: it is no results folder.
    """
    outline = outline or read_outline(results)
    wires, attempts = Wires(), []
    for folder in outline.attempts():
        attempt = read_attempt(outline, folder, wires)
        if on_attempt is not None:
            on_attempt(attempt)
        attempts.append(without_timeline(attempt))
    return run_of(outline, attempts)


def without_timeline(attempt: Attempt) -> Attempt:
    """What a `Run` keeps of an attempt."""
    return replace(attempt, timeline=Timeline())


def run_of(outline: Outline, attempts: Iterable[Attempt]) -> Run:
    """The run that these attempts are, which come in the order of the outline."""
    mine: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        mine.setdefault(attempt.folder.parent.name, []).append(attempt)
    cases = [_case(outline, case_id, tuple(mine.get(case_id, ()))) for case_id in outline.ids()]
    requirements = cover(cases, _known_requirements(outline.facts))
    return Run(outline.facts, tuple(cases), requirements, outline.finished, tuple(outline.warnings))


def _case(outline: Outline, case_id: str, attempts: tuple[Attempt, ...]) -> CaseResult:
    if attempts:
        return CaseResult(attempts[-1].info, attempts[-1].ruling, attempts)
    info = outline.plan.get(case_id, CaseInfo(case_id))
    final = rule_without_journal(outline.ended.get(case_id), started=case_id in outline.started)
    return CaseResult(info, final)


def _known_requirements(facts: f.Fields) -> Iterator[tuple[str, str, str]]:
    listed = facts.get("requirements")
    for item in listed if isinstance(listed, list) else ():
        name = f.text(f.as_fields(item), "id")
        if name:
            yield name, f.text(item, "title"), f.text(item, "source")


def read_attempt(outline: Outline, folder: Path, wires: Wires) -> Attempt:
    """Read one journal. A journal that can't be read to its end gives a bench fault that says so."""
    case_id = folder.parent.name
    number = int(folder.name) if folder.name.isdecimal() else 1
    collector = Collector(case_id)
    cut = _stream(folder, collector, wires)
    said = outline.ended.get(case_id) if folder == outline.folders[case_id][-1] else None
    final = rule(collector.recorded, collector.faults, cut=cut, said=said)
    info = _merge(collector.info, outline.plan.get(case_id))
    timeline = collector.timeline()
    return Attempt(number, info, final, timeline.end_ns, folder, timeline)


def _stream(folder: Path, collector: Collector, wires: Wires) -> str | None:
    """Take all blocks; say what is wrong with the end of the journal."""
    reader = BlockReader(folder / "journal.mcap", common=wires.common)
    begun = False
    try:
        for block in reader:
            if not begun:
                collector.begin(wires.of(reader.attachments, reader.metadata), reader.buses)
                begun = True
            collector.take(block)
    except Exception as error:  # a damaged journal is a verdict of this case, not the end of the report
        return f"the journal can't be read to its end: {error_text(error)}"
    return DIED if reader.truncated else None


def _merge(info: CaseInfo, planned: CaseInfo | None) -> CaseInfo:
    """What the journal says of a case; where it says nothing, what was planned."""
    if planned is None:
        return info
    mine: dict[str, Any] = {key: getattr(info, key) or getattr(planned, key) for key in CaseInfo.__dataclass_fields__}
    return CaseInfo(**mine)
