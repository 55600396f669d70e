"""The runs of a results folder, as `hil history` compares them.

Rules of this module: a run that can't be read is one line that says why, never an end. Its summary is taken where there
is one, else its journals are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hil.errors import HilError, UsageError
from hil.evidence import fields as f
from hil.evidence.model import Attempt
from hil.evidence.reader import error_text, read_run
from hil.evidence.summary import NAME, LatencySummary, Summary, from_json, latencies_of, summary_of

_SELECTIONS: Final = ("suites", "name", "tag", "without_tag", "requirement")
_FACTS: Final = ("harness", "python", "platform", "seed", "defects")
_DUT: Final = ("kind", "part", "serial", "software", "hardware")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run.

    Attributes:
        folder: its folder.
        started: when, as run.json says it.
        bench: the bench and the variant: only runs of one kind are compared.
        inputs: all that the verdicts may depend on: hashes, versions, seed, device; name -> value.
        selection: which cases were asked for; empty for all.
        summary: what came of it.
    """

    folder: Path
    started: str
    bench: tuple[str, str]
    inputs: Mapping[str, str]
    selection: str
    summary: Summary


@dataclass(frozen=True, slots=True)
class Found:
    """The runs of a folder, the oldest first, and what could not be read."""

    runs: tuple[RunRecord, ...]
    problems: tuple[str, ...]


def find_runs(results: Path) -> Found:
    """All runs in a folder.

    Raises:
        UsageError: it is no folder, or there is no run in it.
    """
    if not results.is_dir():
        raise UsageError("is no folder", where=str(results), remedy="name the folder that `hil run --results` filled.")
    runs, problems = [], []
    for folder in sorted(path for path in results.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if not any((folder / name).exists() for name in ("run.json", "session.mcap", "tests", NAME)):
            continue
        try:
            runs.append(_read(folder))
        except (HilError, OSError, ValueError, RecursionError) as error:
            problems.append(f"{folder.name} is left out: {error_text(error)}")
    if not runs and not problems:
        raise UsageError("has no run in it", where=str(results), remedy="name the folder that `hil run` filled.")
    return Found(tuple(sorted(runs, key=lambda run: (run.started, run.folder.name))), tuple(problems))


def _read(folder: Path) -> RunRecord:
    facts = _facts(folder)
    bench = f.text(f.as_fields(facts.get("bench")), "name") or "unknown bench"
    summary = _summary(folder)
    if not summary.cases:
        raise UsageError("no case of it left a journal or a plan")
    options = f.as_fields(facts.get("options"))
    selection = {key: options[key] for key in _SELECTIONS if options.get(key)}
    return RunRecord(
        folder,
        f.text(facts, "started_utc") or folder.name,
        (bench, f.text(facts, "variant") or "base"),
        dict(_inputs(facts)),
        json.dumps(selection, sort_keys=True) if selection else "",
        summary,
    )


def _facts(folder: Path) -> f.Fields:
    try:
        facts = json.loads((folder / "run.json").read_bytes())
    except FileNotFoundError:
        raise UsageError("it has no run.json, so nobody knows what was tested") from None
    except (ValueError, RecursionError) as error:
        raise UsageError("its run.json is damaged") from error
    if not isinstance(facts, dict):
        raise UsageError("its run.json is no JSON object")
    return f.as_fields(f.clean(facts))


def _summary(folder: Path) -> Summary:
    try:
        return from_json((folder / NAME).read_bytes())
    except FileNotFoundError:
        return _from_journals(folder)
    except (ValueError, RecursionError):
        return _from_journals(folder)


def _from_journals(folder: Path) -> Summary:
    latencies: dict[str, list[LatencySummary]] = {}

    def keep(attempt: Attempt) -> None:
        latencies[attempt.info.id] = latencies_of(attempt)

    return summary_of(read_run(folder, on_attempt=keep), latencies)


def _inputs(facts: f.Fields) -> Iterator[tuple[str, str]]:
    for key in _FACTS:
        yield key, json.dumps(facts.get(key), sort_keys=True) if key == "defects" else f.text(facts, key)
    dut = f.as_fields(facts.get("dut"))
    for key in _DUT:
        yield f"DUT {key}", f.text(dut, key)
    for group in ("hashes", "inputs"):
        for name, value in f.as_fields(facts.get(group)).items():
            yield str(name), str(value)
