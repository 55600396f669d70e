"""The page: `index.html`, one file that opens by a double click, offline, at most 25 MB.

The data stands in the page as text, and the scripts show it as text only: case names and console lines are hostile
input. A case is unpacked when it is opened, a picture is read when it is shown: the page opens at once however
many there are. The contract between the two sides; times are seconds of bench time:

`#run`, JSON: {title, facts: [{group, label, value, full}], counts: {verdict: n}, cases: [row],
  mistakes: [text], warnings: [text], links: [{name, href}],
  requirements: [{id, title, source, cases: [id], verdict|null}],
  latencies: [{id, case, verdict, ...measurement}],
  bench: null|{line, lost, cases: [{id, case, verdict, ...what `itself.in_short` gives}]}}
row: {id, name, suite, verdict, message, where, source, requirements, tags, time|null, at|null,
  reason: {text, more: how many causes follow, expected|null, name, seen, score, margin}|null,
  attempts: [{number, verdict, block, journal, trace|null}]}
`#case-n`, base64 of zlib of JSON, n being the `block` of an attempt; missing if it didn't fit into the page:
  {number, verdict, message, where, firstCause, focus, end, doc, start, seed, source, runner, finalPicture|null,
  checks: [{t, looked, name, target, expected, seen, ok, score, margin, since, within, origin, bound, detail, crop,
  whole, measured: missing if nothing was, declared: true if it was to fail, region: [left, top, width, height] in the
  whole frame, of a failed one}],
  steps: [{name, args, status, t0, t1|null, depth}], console, notes: [{t, name, dir, text}],
  series: [{name, unit, group, dt: [microseconds since the one before], v: [], labels: {value: label}}],
  signals, wire: [[row, dt, v]], `row` being that of the signal in the table `#signals-...` that `signals` names,
  silent: {message: [[from, until|null]]}, when it was overdue,
  events: [{t, lane, text, bad, until|null}],
  faults: [{t, verdict, what, where, remedy, cause}], health: [{t, what, late, allowed, from}],
  bench: null|{cycles, received, timers, load, allowed, blind, more} (see `itself`),
  measurements: [measurement], frames: [[t, bus, id, flags, data, message, signals]],
  causes: [{t|null, text, check: index|null, times}], the first one first,
  pictures: [{t, name, crop, picture, width, height, full: [width, height] as it was, note}], thinned: [text]};
  `crop`, `whole` and `finalPicture` are indices of pictures
measurement: {t, name, unit, kind, ok, source, n, edges, counts, at_most, expanded, figures, limit, statistics,
  uncertainty, rule}
`#picture-...`: the data URI of a picture, by its `picture`; equal pictures are there once
`#signals-...`, base64 of zlib of JSON: [[name, unit, labels]]

Each attempt has a share of the page's size, those that did not pass a larger one. It may have more while enough is left
for those that come; what doesn't fit is thinned level by level (`fitting`), and says so in `thinned`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from hil.errors import Verdict
from hil.evidence import fields as f
from hil.evidence.detail import Json
from hil.evidence.fitting import Candidate, Fitted
from hil.evidence.itself import line_of, losses_of, of_run
from hil.evidence.model import Attempt, CaseResult, Run

MAX_BYTES: Final = 25_000_000
CASE_BYTES: Final = 4_000_000
ROW_BYTES: Final = 1_500
MESSAGE_CHARS: Final = 4_000
ASSETS: Final = Path(__file__).parent / "assets"
_WEIGHT_NOT_PASSED: Final = 8
_MOST_SHARES: Final = 4
_KEPT_SHARE: Final = 0.5
"""A case may have several shares as long as so much of a share is left for each of those that come."""


class PageBuilder:
    """Collects attempts while a run is read, then makes the page.

    Args:
        said: what the session says of each attempt that will come, in any order; None where it says nothing.
        max_bytes: upper bound of the page's size.
    """

    def __init__(self, said: Mapping[str, tuple[int, Verdict | None]], *, max_bytes: int = MAX_BYTES) -> None:
        self._weights = {name: (count, _weight(verdict)) for name, (count, verdict) in said.items()}
        self._weight_left = sum(count * weight for count, weight in self._weights.values())
        self._max_bytes = max_bytes
        self._bytes_left = max_bytes - len(_assemble("", "", "", "")) - ROW_BYTES * len(said)
        self._blocks: list[str] = []
        self._kept_for_one = _KEPT_SHARE * self._bytes_left / max(self._weight_left, 1)
        self._shared: dict[str, str] = {}
        self._heads: dict[Path, _Head] = {}

    def room(self, case_id: str) -> int:
        """So many bytes an attempt of a case may have as things stand: its share, or more while there is plenty."""
        _, weight = self._weights.get(case_id, (1, _WEIGHT_NOT_PASSED))
        share = self._bytes_left * weight // max(self._weight_left, weight)
        lent = self._bytes_left - int(self._kept_for_one * (self._weight_left - weight))
        return min(max(share, min(lent, _MOST_SHARES * share)), CASE_BYTES)

    def add(self, fitted: Fitted, again: Callable[[int], Fitted]) -> None:
        """Take an attempt.

        Args:
            fitted: the attempt, made for the room that there was when somebody began with it.
            again: makes it anew for the room that there is now, if that is less.
        """
        room = self.room(fitted.case_id)
        chosen = self._first_that_fits(fitted, room) or self._first_that_fits(again(room), room)
        assert chosen is not None, "the last level fits in any case"
        _, weight = self._weights.get(fitted.case_id, (1, _WEIGHT_NOT_PASSED))
        self._weight_left -= weight
        self._bytes_left -= chosen.cost(self._shared)
        self._shared |= chosen.shared
        self._heads[fitted.folder] = _Head(
            len(self._blocks), fitted.reason, fitted.focus_s, fitted.latencies, fitted.itself
        )
        self._blocks.append(chosen.block)

    def _first_that_fits(self, fitted: Fitted, room: int) -> Candidate | None:
        fits = (one for one in fitted.candidates if one.cost(self._shared) <= room)
        return next(fits, fitted.candidates[-1] if fitted.complete else None)

    def html(self, run: Run, results: Path, links: Mapping[str, str]) -> bytes:
        """The finished page."""
        rows = [self._row(case, results) for case in run.cases]
        measured = {"latencies": self._latencies(run), "bench": self._itself(run)}
        head = _dump({**_run_json(run, links), "cases": rows, **measured})
        title, shared = _title(run), self._shared
        page = _assemble(title, head, _blocks(self._blocks), _shared(shared))
        while len(page) > self._max_bytes and (shared or any(self._blocks)):
            shared = self._without_the_largest(shared)
            page = _assemble(title, head, _blocks(self._blocks), _shared(shared))
        return page

    def _without_the_largest(self, shared: dict[str, str]) -> dict[str, str]:
        """All pictures go at once, then one case after the other, in the end the tables of signals."""
        tables = {name: text for name, text in shared.items() if not name.startswith("picture-")}
        if len(tables) < len(shared):
            return tables
        if not any(self._blocks):
            return {}
        self._blocks[max(range(len(self._blocks)), key=lambda n: len(self._blocks[n]))] = ""
        return shared

    def _itself(self, run: Run) -> Json | None:
        """What the bench measured of itself in the last attempts, and the worst of all of them."""
        last = [(case, self._heads[case.attempts[-1].folder].itself) for case in run.cases if case.attempts]
        rows = [
            {"id": case.info.id, "case": case.info.name or case.info.id, "verdict": str(case.ruling.verdict), **short}
            for case, short in last
            if short
        ]
        return {"line": line_of(of_run(rows)), "lost": losses_of(rows), "cases": rows} if rows else None

    def _latencies(self, run: Run) -> list[Json]:
        """All measurements of the last attempts, for one table of the whole run."""
        last = [(case, case.attempts[-1]) for case in run.cases if case.attempts]
        return [
            {"id": case.info.id, "case": case.info.name or case.info.id, "verdict": str(case.ruling.verdict), **item}
            for case, attempt in last
            for item in self._heads[attempt.folder].latencies
        ]

    def _row(self, case: CaseResult, results: Path) -> Json:
        info, ruling = case.info, case.ruling
        last = case.attempts[-1] if case.attempts else None
        return {
            "id": info.id, "name": info.name or info.id, "suite": info.suite, "verdict": str(ruling.verdict),
            "message": ruling.message[:MESSAGE_CHARS], "where": ruling.where, "source": info.source,
            "requirements": list(info.requirements), "tags": list(info.tags),
            "time": last and round(last.duration_ns / 1e9, 3),
            "at": self._heads[last.folder].focus_s if last and ruling.verdict is not Verdict.PASS else None,
            "reason": self._heads[last.folder].reason if last and ruling.verdict is Verdict.FAIL else None,
            "attempts": [self._attempt(attempt, results) for attempt in case.attempts],
        }  # fmt: skip

    def _attempt(self, attempt: Attempt, results: Path) -> Json:
        folder = attempt.folder.relative_to(results).as_posix()
        trace = f"{folder}/trace.blf" if (attempt.folder / "trace.blf").exists() else None
        return {
            "number": attempt.number,
            "verdict": str(attempt.ruling.verdict),
            "block": self._heads[attempt.folder].block,
            "journal": quote(f"{folder}/journal.mcap"),
            "trace": trace and quote(trace),
        }


def _weight(verdict: Verdict | None) -> int:
    return 1 if verdict is Verdict.PASS else _WEIGHT_NOT_PASSED


@dataclass(frozen=True, slots=True)
class _Head:
    """What the list says of an attempt."""

    block: int
    reason: Json | None
    focus_s: float
    latencies: list[Json]
    itself: Mapping[str, Any]


def _run_json(run: Run, links: Mapping[str, str]) -> Json:
    return {
        "title": _title(run),
        "facts": _facts(run.facts),
        "counts": {str(verdict): count for verdict, count in run.verdicts().items()},
        "mistakes": list(run.mistakes),
        "warnings": list(run.warnings),
        "links": [{"name": name, "href": quote(href)} for name, href in links.items()],
        "requirements": [
            {
                "id": item.id, "title": item.title, "source": item.source, "cases": list(item.cases),
                "verdict": item.verdict and str(item.verdict),
            }
            for item in run.requirements
        ],
    }  # fmt: skip


def _title(run: Run) -> str:
    bench = f.text(f.as_fields(run.facts.get("bench")), "name")
    return " ".join(part for part in ("Evidence", bench, f.text(run.facts, "started_utc")) if part)


def _facts(facts: f.Fields) -> list[Json]:
    """What the first block of the page says: what was tested, on what, and how to run it again."""
    dut, bench = f.as_fields(facts.get("dut")), f.as_fields(facts.get("bench"))
    rows = [_fact("DUT", "kind", _kind(dut))]
    rows += [
        _fact("DUT", key, f.text(dut, key) or "not recorded") for key in ("part", "serial", "software", "hardware")
    ]
    rows += [_fact("Bench", "bench", f.text(bench, "name") or "not recorded")]
    rows += [_fact("Bench", "variant", f.text(facts, "variant") or "not recorded")]
    rows += [_fact("Bench", key, f.text(bench, key)) for key in ("clock", "file")]
    rows += [_fact("Bench", "host", f.text(facts, "host"))]
    rows += [_fact("Run", "seed", f.text(facts, "seed") or "not recorded")]
    rows += [_fact("Run", "started", f.text(facts, "started_utc")), _fact("Run", "wall time", _wall(facts))]
    harness = f.text(facts, "harness") or f.text(facts, "harness_version") or f.text(facts, "version")
    rows += [_fact("Run", "harness", harness), _fact("Run", "python", f.text(facts, "python"))]
    rows += [_fact("How", key, _show(facts.get(key))) for key in ("defects", "command", "options")]
    return [row for row in [*rows, *_hashes(facts, bench)] if row["value"]]


def _kind(dut: f.Fields) -> str:
    kind, name = f.text(dut, "kind") or "not recorded", f.text(dut, "name")
    return f"{kind}, {name}" if name else kind


def _fact(group: str, label: str, value: str, full: str = "") -> Json:
    return {"group": group, "label": label, "value": value, "full": full}


def _wall(facts: f.Fields) -> str:
    wall = f.number(facts, "wall_s")
    return "" if wall is None else f"{wall:.1f} s"


def _show(value: Any) -> str:
    """A value of run.json on one line; options that were not given are left out."""
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_show(item)}" for key, item in value.items() if item not in ([], "", None, {}))
    return "" if value is None else str(value)


def _hashes(facts: f.Fields, bench: f.Fields) -> list[Json]:
    own = {f.text(bench, "file") or "bench file": f.text(bench, "sha256")} if bench.get("sha256") else {}
    hashes = {str(name): str(value) for name, value in f.as_fields(facts.get("hashes")).items()}
    listed = hashes if set(own.values()) & set(hashes.values()) else {**own, **hashes}
    return [_fact("Templates" if name.endswith(".png") else "Files", name, value[:10], value)
            for name, value in listed.items()]  # fmt: skip


def _dump(value: Any) -> str:
    """JSON that is safe inside a script element: no `<`, `>` or `&`, and ASCII only."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _blocks(blocks: list[str]) -> str:
    shown = ((n, text) for n, text in enumerate(blocks) if text)
    return "\n".join(f'<script type="text/plain" id="case-{n}">{text}</script>' for n, text in shown)


def _shared(blocks: Mapping[str, str]) -> str:
    return "\n".join(f'<script type="text/plain" id="{name}">{text}</script>' for name, text in blocks.items())


def _assemble(title: str, head: str, blocks: str, shared: str) -> bytes:
    """Fill the template in one pass, so that no content can be taken for a place to fill."""
    scripts = {name: _asset(path) for name, path in _SCRIPTS.items()}
    parts = {
        "title": html.escape(title),
        "css": _asset("vendor/uPlot.min.css") + "\n" + _asset("page.css"),
        "hashes": " ".join(_csp_hash(script) for script in scripts.values()),
        "licence": html.escape(_asset("vendor/uPlot.LICENSE")),
        "run": head,
        "cases": blocks,
        "shared": shared,
        **scripts,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _asset("page.html")).encode()


_SCRIPTS: Final = {
    "uplot": "vendor/uPlot.iife.min.js", "tools": "tools.js", "timeline": "timeline.js", "figures": "figures.js",
    "bench": "bench.js", "list": "list.js", "case": "case.js", "page": "page.js",
}  # fmt: skip


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _csp_hash(script: str) -> str:
    """The page lets exactly its own scripts run, by their hashes."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
