"""The page of `hil history`: what changed, a strip of verdicts for each case, the course of each latency.

Rules of this module: one file without scripts, which opens offline; all text from runs is escaped. Pure.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from hil.errors import Verdict
from hil.evidence.history import Change, Series, not_compared
from hil.evidence.runs import RunRecord
from hil.evidence.summary import CaseSummary, LatencySummary

ASSETS: Final = Path(__file__).parent / "assets"
MARKS: Final = {
    Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.BENCH: "⚡", Verdict.INCONCLUSIVE: "?", Verdict.USAGE: "!",
    Verdict.NOT_RUN: "\N{EN DASH}",
}  # fmt: skip
_WIDTH, _HEIGHT, _PAD = 460, 96, 8
_STYLE: Final = """
.strip td.run { text-align: center; padding: 3px 5px; } .strip th.run { text-align: center; font-size: 11px; }
.cell { display: inline-block; width: 20px; height: 20px; line-height: 20px; border-radius: 4px; color: var(--c);
  border: 1px solid var(--c); font-weight: 600; text-decoration: none; } .v-fail.cell { background: var(--fail);
  color: var(--panel); } .cell.none { border-color: transparent; color: var(--soft); }
.kind { font-weight: 600; white-space: nowrap; } .kind.worse { color: var(--fail); }
.kind.better { color: var(--pass); }
.course { display: flex; gap: 20px; align-items: center; border-top: 1px solid var(--line); padding: 6px 0; }
.course .what { width: 360px; } .course svg { flex: none; } .dots { fill: var(--series); opacity: .25; }
.median { fill: none; stroke: var(--series); stroke-width: 1.5; } .mid { fill: var(--series); }
"""


def history_page(histories: Sequence[Series], problems: Sequence[str]) -> bytes:
    """The whole page."""
    parts = [_headline(histories, problems), *(_series(series) for series in histories)]
    css = (ASSETS / "page.css").read_text(encoding="utf-8") + _STYLE
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><title>History</title>'
        f'<style>{css}</style></head><body><main id="app">{"".join(parts)}</main></body></html>\n'
    ).encode()


def _headline(histories: Sequence[Series], problems: Sequence[str]) -> str:
    worse = sum(change.worse for series in histories for change in series.changes)
    runs = sum(len(series.runs) for series in histories)
    title = f"{worse} changed for the worse" if worse else "Nothing changed for the worse"
    notes = "".join(f'<div class="warning text">{_e(problem)}</div>' for problem in problems)
    return f'<section class="panel"><h1>{title}</h1><div class="soft">{runs} runs compared</div>{notes}</section>'


def _series(series: Series) -> str:
    bench, variant = series.bench
    newest = series.runs[-1]
    apart = not_compared(series) if len(series.runs) > 1 else ""
    head = (
        f"<h1>{_e(bench)}, {_e(variant)}</h1>"
        f'<div class="soft">{len(series.runs)} runs, the newest is {_link(newest, newest.folder.name)}</div>'
        + (f'<div class="text">{_e(apart)}</div>' if apart else "")
    )
    return f'<section class="panel">{head}</section>{_changes(series)}{_strips(series)}{_courses(series)}'


def _changes(series: Series) -> str:
    if not series.changes:
        return '<section class="panel"><h2>Changes</h2><div class="soft">none in these runs</div></section>'
    rows = "".join(_change(change, series.runs) for change in series.changes)
    heads = "".join(f"<th>{name}</th>" for name in ("What", "Case", "Before", "After", "Why", "Between"))
    return f'<section class="panel"><h2>Changes</h2><table><tr>{heads}</tr>{rows}</table></section>'


def _change(change: Change, runs: Sequence[RunRecord]) -> str:
    tone = "worse" if change.worse else "better" if change.kind in ("mended", "faster") else ""
    old = "" if change.newest else '<div class="soft small">in an earlier run</div>'
    after = next((run for run in runs if run.folder.name == change.later), runs[-1])
    return (
        f'<tr><td class="kind {tone}">{change.kind}{old}</td>'
        f'<td><span class="text">{_link(after, change.name, change.case)}</span>{_small(change.case)}</td>'
        f'<td class="nowrap">{_e(change.before)}</td><td class="nowrap"><b>{_e(change.after)}</b></td>'
        f'<td class="text">{_e(change.why)}</td>'
        f'<td class="soft small nowrap" title="{_e(change.earlier)} and {_e(change.later)}">'
        f"{_e(_short(change.earlier))}<br>{_e(_short(change.later))}</td></tr>"
    )


def _strips(series: Series) -> str:
    names = [run.folder.name for run in series.runs]
    heads = "".join(f'<th class="run" title="{_e(name)}">{_e(_short(name))}</th>' for name in names)
    rows = "".join(_strip(case, cells, series.runs) for case, cells in series.verdicts().items())
    return (
        f'<section class="panel"><h2>Verdicts, the newest run on the right</h2><div class="inner">'
        f'<table class="strip"><tr><th>Case</th>{heads}</tr>{rows}</table></div></section>'
    )


def _short(folder: str) -> str:
    """`20261128T024345Z-virtual` as `11-28 02:43`."""
    stamp = folder.partition("-")[0]
    return f"{stamp[4:6]}-{stamp[6:8]} {stamp[9:11]}:{stamp[11:13]}" if len(stamp) == 16 else folder[:12]


def _strip(case: str, cells: Sequence[CaseSummary | None], runs: Sequence[RunRecord]) -> str:
    name = next(cell.name for cell in reversed(cells) if cell is not None)
    shown = "".join(f'<td class="run">{_cell(cell, run)}</td>' for cell, run in zip(cells, runs, strict=True))
    return f'<tr><td class="text">{_e(name)}<div class="soft small">{_e(case)}</div></td>{shown}</tr>'


def _cell(cell: CaseSummary | None, run: RunRecord) -> str:
    if cell is None:
        return '<span class="cell none" title="not part of this run">·</span>'
    kind = str(cell.verdict).replace(" ", "-")
    title = _e(f"{run.folder.name}: {cell.verdict}. {cell.message}"[:300])
    href = f"{_e(run.folder.name)}/index.html#case={_e(cell.id)}"
    return f'<a class="cell v v-{kind}" href="{href}" title="{title}">{MARKS[cell.verdict]}</a>'


def _courses(series: Series) -> str:
    drawn = [_course(items, series) for items in series.latencies().values()]
    if not drawn:
        return ""
    return f'<section class="panel"><h2>Latencies: samples, medians, limit</h2>{"".join(drawn)}</section>'


def _course(items: Sequence[LatencySummary | None], series: Series) -> str:
    newest = next(item for item in reversed(items) if item is not None)
    case = newest.case
    mine = [change for change in series.changes if (change.case, change.name) == (case, newest.name)]
    said = "".join(_drifted(change) for change in mine if change.kind in ("slower", "faster"))
    limit = "no limit" if newest.at_most is None else f"at most {newest.at_most:g} {newest.unit}"
    median = float(np.median(newest.samples)) if newest.samples else 0.0
    return (
        f'<div class="course"><div class="what"><b class="text">{_e(newest.name)}</b>{_small(case)}'
        f'<div class="soft">median {median:.4g} {_e(newest.unit)}, {_e(limit)}</div>{said}</div>'
        f"{_plot(items, newest.at_most)}</div>"
    )


def _drifted(change: Change) -> str:
    tone = "worse" if change.worse else "better"
    what = f"{change.kind} than {_short(change.earlier)}: {change.before} → {change.after}"
    return f'<div class="kind {tone}">{_e(what)}</div>'


def _small(text: str) -> str:
    return f'<div class="soft small">{_e(text)}</div>'


def _plot(items: Sequence[LatencySummary | None], limit: float | None) -> str:
    values = [value for item in items if item is not None for value in item.samples]
    high, low = max([*values, limit or 0.0]), min(values, default=0.0)
    low, span = (low - 0.1 * (high - low), 1.1 * (high - low) or 1.0)
    step = (_WIDTH - 2 * _PAD) / max(len(items), 1)

    def at(value: float) -> float:
        return round(_HEIGHT - _PAD - (_HEIGHT - 2 * _PAD) * (value - low) / span, 1)

    there = [(round(_PAD + step * (n + 0.5), 1), item) for n, item in enumerate(items) if item is not None]
    dots = [f'<circle class="dots" cx="{x}" cy="{at(value)}" r="2"/>' for x, item in there for value in _thin(item)]
    medians = [(x, at(float(np.median(item.samples)))) for x, item in there if item.samples]
    line = " ".join(f"{x},{y}" for x, y in medians)
    mids = [f'<circle class="mid" cx="{x}" cy="{y}" r="3.5"/>' for x, y in medians]
    mark = "" if limit is None else f'<line class="limit" x1="0" x2="{_WIDTH}" y1="{at(limit)}" y2="{at(limit)}"/>'
    base = f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{_HEIGHT - 1}" y2="{_HEIGHT - 1}" stroke="var(--line)"/>'
    inside = f'{base}{mark}{"".join(dots)}<polyline class="median" points="{line}"/>{"".join(mids)}'
    return f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{inside}</svg>'


def _thin(item: LatencySummary, most: int = 60) -> Iterator[float]:
    """Some samples from the shortest to the longest, evenly."""
    ordered = sorted(item.samples)
    for n in range(min(most, len(ordered))):
        yield ordered[n * (len(ordered) - 1) // max(min(most, len(ordered)) - 1, 1)]


def _link(run: RunRecord, text: str, case: str = "") -> str:
    place = f"#case={_e(case)}" if case else ""
    return f'<a href="{_e(run.folder.name)}/index.html{place}">{_e(text)}</a>'


def _e(text: str) -> str:
    return html.escape(text, quote=True)
