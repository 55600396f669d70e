"""summary.json: what came of a run, small enough that a hundred runs are compared in a second.

Rules of this module: it holds nothing that the journals don't; it is written with the report and can be made again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hil.errors import Verdict
from hil.evidence import fields as f
from hil.evidence.figures import at_most
from hil.evidence.model import Attempt, Run

NAME: Final = "summary.json"
FORMAT: Final = 1
MESSAGE_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """How a case ended."""

    id: str
    name: str
    suite: str
    verdict: Verdict
    message: str = ""


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """The samples of one measurement of a case."""

    case: str
    name: str
    unit: str
    samples: tuple[float, ...]
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a run."""

    finished: bool
    cases: tuple[CaseSummary, ...]
    latencies: tuple[LatencySummary, ...]


def latencies_of(attempt: Attempt) -> list[LatencySummary]:
    """The measurements of an attempt."""
    case = attempt.info.id
    return [LatencySummary(case, item.name, item.unit, item.samples, at_most(item))
            for item in attempt.timeline.measurements if item.samples]  # fmt: skip


def summary_of(run: Run, latencies: Mapping[str, list[LatencySummary]]) -> Summary:
    """The summary of a run; `latencies` are those of the last attempt of each case."""
    cases = tuple(
        CaseSummary(case.info.id, case.info.name or case.info.id, case.info.suite, case.ruling.verdict,
                    case.ruling.message[:MESSAGE_CHARS])
        for case in run.cases
    )  # fmt: skip
    return Summary(run.finished, cases, tuple(item for case in cases for item in latencies.get(case.id, ())))


def to_json(summary: Summary) -> bytes:
    """The file."""
    cases = [{"id": case.id, "name": case.name, "suite": case.suite, "verdict": str(case.verdict),
              "message": case.message} for case in summary.cases]  # fmt: skip
    latencies = [{"case": item.case, "name": item.name, "unit": item.unit, "at_most": item.at_most,
                  "samples": list(item.samples)} for item in summary.latencies]  # fmt: skip
    value = {"format": FORMAT, "finished": summary.finished, "cases": cases, "latencies": latencies}
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def from_json(data: bytes) -> Summary:
    """A summary read back.

    Raises:
        ValueError: it is no summary.
    """
    value = f.as_fields(json.loads(data))
    if value.get("format") != FORMAT:
        raise ValueError("it has another format")
    cases = tuple(_case(f.as_fields(item)) for item in _list(value, "cases"))
    latencies = tuple(_latency(f.as_fields(item)) for item in _list(value, "latencies"))
    return Summary(f.flag(value, "finished") is True, cases, latencies)


def _list(value: f.Fields, key: str) -> list[Any]:
    items = value.get(key)
    if not isinstance(items, list):
        raise ValueError(f"it has no {key}")
    return items


def _case(fields: f.Fields) -> CaseSummary:
    verdict = f.verdict(fields)
    if verdict is None or not f.text(fields, "id"):
        raise ValueError("a case of it has no verdict")
    name, suite, message = (f.text(fields, key) for key in ("name", "suite", "message"))
    return CaseSummary(f.text(fields, "id"), name, suite, verdict, message)


def _latency(fields: f.Fields) -> LatencySummary:
    case, name, unit = (f.text(fields, key) for key in ("case", "name", "unit"))
    return LatencySummary(case, name, unit, f.numbers(fields, "samples"), f.number(fields, "at_most"))
