"""One attempt as the JSON that the page shows, at a level of thinning that fits its share of the page. Pure.

The keys are documented at the top of `page`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from hil.can.frames import BRS, ERROR, FD, REMOTE, SENT, show_id
from hil.errors import Verdict
from hil.evidence.figures import measurement_json
from hil.evidence.gallery import Gallery, Made
from hil.evidence.model import Attempt, Check, Event, Step, Timeline
from hil.evidence.series import Series, thin_series
from hil.evidence.signal_table import SignalTable, key_of, short

T = TypeVar("T")
Json = dict[str, Any]
CAUSES: Final = 100
DRAWN: Final = 10_000


@dataclass(frozen=True, slots=True)
class Level:
    """How much of an attempt the page shows: points of a series, and how many of everything."""

    points: int
    series: int
    wire: int
    rows: int
    frames: int
    steps: int
    crops: int
    wholes: int


LEVELS: Final = (
    Level(points=4000, series=80, wire=3000, rows=4000, frames=2000, steps=4000, crops=60, wholes=8),
    Level(points=1000, series=40, wire=1500, rows=800, frames=800, steps=800, crops=16, wholes=3),
    Level(points=250, series=20, wire=200, rows=150, frames=150, steps=150, crops=4, wholes=1),
    Level(points=100, series=8, wire=0, rows=30, frames=20, steps=40, crops=1, wholes=0),
    Level(points=0, series=0, wire=0, rows=5, frames=0, steps=0, crops=0, wholes=0),
)
PASSED: Final = Level(points=1000, series=60, wire=2000, rows=1000, frames=300, steps=1000, crops=24, wholes=3)


@dataclass(frozen=True, slots=True)
class Detail:
    """An attempt at one level: its JSON, and what it shares with other attempts, by its name in the page."""

    json: Json
    shared: dict[str, str]


def levels(verdict: Verdict) -> Sequence[Level]:
    """The levels to try, from the richest: a case that passed needs no frames by the thousand."""
    return LEVELS if verdict is not Verdict.PASS else (PASSED, *LEVELS[2:])


def attempt_detail(attempt: Attempt, level: Level, made: Made) -> Detail:
    """An attempt for the page; `made` is shared by all levels of one attempt."""
    timeline, notes = attempt.timeline, list(attempt.timeline.thinned)
    keep = _Keeper(timeline.focus_ns, notes)
    checks = keep.near("checks", timeline.checks, level.rows, lambda item: item.decided_ns, lambda item: item.ok)
    gallery = Gallery(timeline, crops=level.crops, wholes=level.wholes, made=made)
    causes, deciding = _causes(attempt, checks)
    for check in (*deciding, *reversed(checks)):  # the first cause has the first right to a picture
        gallery.of(check)
    rows = [_check_row(check, gallery) for check in checks]
    final = gallery.last_whole()
    gallery.rest()
    mine, others = _split(timeline.series)
    shown = _kept(mine, level.series, level.points, "series", notes)
    wire = _kept(others, level.wire, level.points, "signals on the buses", notes)
    json = {
        **_head(attempt),
        "checks": rows,
        "causes": causes,
        "finalPicture": final,
        "steps": _steps(keep.near("steps", timeline.steps, level.steps, lambda item: item.start_ns)),
        "series": [_series(item) for item in shown],
        "signals": timeline.table.name,
        "wire": [_on_wire(item, timeline.table) for item in wire],
        "silent": _silent(timeline),
        "console": _lines(keep, "console lines", timeline.console, level.rows),
        "notes": _lines(keep, "notes", timeline.notes, level.rows),
        "events": _events(keep, timeline.events, level.rows),
        "measurements": [measurement_json(item) for item in timeline.measurements],
        "faults": [{"t": _s(item.t_ns), **_strings(item)} for item in timeline.faults],
        "health": [_lateness(item) for item in keep.near("health", timeline.health, level.rows, lambda i: i.t_ns)],
        "bench": timeline.itself and timeline.itself.to_json(level.rows),
        "frames": _frames(keep, timeline, level.frames),
        "pictures": gallery.rows(notes),
        "thinned": notes,
    }
    return Detail(json, _tables(timeline, wire) | gallery.shared())


def _tables(timeline: Timeline, wire: Sequence[Series]) -> dict[str, str]:
    return {f"signals-{timeline.table.name}": timeline.table.block} if wire else {}


def _head(attempt: Attempt) -> Json:
    info, ruling, timeline = attempt.info, attempt.ruling, attempt.timeline
    return {
        "number": attempt.number, "verdict": str(ruling.verdict), "message": ruling.message, "where": ruling.where,
        "firstCause": ruling.first_cause, "focus": _s(timeline.focus_ns), "end": _s(timeline.end_ns),
        "doc": info.doc, "start": info.start, "seed": info.seed, "source": info.source, "runner": info.runner,
    }  # fmt: skip


def _s(t_ns: int) -> float:
    return round(t_ns / 1e9, 6)


def _maybe_s(t_ns: int | None) -> float | None:
    return None if t_ns is None else _s(t_ns)


class _Keeper:
    """Keeps of a list what lies nearest to the moment that matters, and notes what it left out."""

    def __init__(self, focus_ns: int, notes: list[str]) -> None:
        self._focus_ns, self._notes = focus_ns, notes

    def near(
        self,
        what: str,
        items: Sequence[T],
        most: int,
        t_ns: Callable[[T], int],
        last: Callable[[T], bool] = lambda item: True,
    ) -> list[T]:
        """At most `most` items, in their order; those for which `last` holds are left out first."""
        if len(items) <= most:
            return list(items)
        self._notes.append(f"{what}: {most} of {len(items)} are shown, those nearest to {self._focus_ns / 1e9:.3f} s")
        order = sorted(range(len(items)), key=lambda i: (last(items[i]), abs(t_ns(items[i]) - self._focus_ns)))
        return [items[index] for index in sorted(order[:most])]


def _causes(attempt: Attempt, checks: Sequence[Check]) -> tuple[list[Json], list[Check]]:
    """The causes for the page, their checks as indices of those that are shown; and these checks."""
    if attempt.ruling.verdict not in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        return [], []
    causes, places = attempt.timeline.causes[:CAUSES], {id(check): n for n, check in enumerate(checks)}
    end_ns = attempt.timeline.end_ns
    rows = [
        {
            "t": None if cause.t_ns is None else _s(min(cause.t_ns, end_ns)), "text": cause.text,
            "check": places.get(id(cause.check)), "times": cause.times,
        }
        for cause in causes
    ]  # fmt: skip
    return rows, [cause.check for cause in causes if id(cause.check) in places and cause.check is not None]


def _check_row(check: Check, gallery: Gallery) -> Json:
    crop, whole = gallery.of(check)
    return {
        "t": _s(check.decided_ns), "looked": _s(check.t_ns),
        "name": check.name, "target": check.target, "expected": check.expected,
        "seen": check.seen, "ok": check.ok, "score": check.score, "margin": check.margin,
        "since": _maybe_s(check.since_ns), "within": _maybe_s(check.within_ns), "origin": check.origin,
        "bound": _maybe_s(check.bound_ns), "detail": check.detail, "crop": crop, "whole": whole,
        **({"measured": check.measured} if check.measured else {}), **({"declared": True} if check.declared else {}),
        **({"region": list(check.region)} if len(check.region) == 4 and not check.ok else {}),
    }  # fmt: skip


def _steps(steps: Sequence[Step]) -> list[Json]:
    depths: dict[int, int] = {}
    rows = []
    for step in steps:
        depth = depths[step.id] = depths.get(step.parent, -1) + 1 if step.parent is not None else 0
        t1 = _maybe_s(step.end_ns)
        row = {"name": step.name, "args": list(step.args), "status": step.status, "t0": _s(step.start_ns), "t1": t1}
        rows.append({**row, "depth": depth})
    return rows


def _split(series: Sequence[Series]) -> tuple[list[Series], list[Series]]:
    """What is shown at once, and what is on the buses besides, for whom asks for it.

    A signal that the case set or read is drawn as it was on the bus, if it was there: with its ramps, and with what
    else changed it.
    """
    wire = {item.name: item for item in series if item.group == "wire"}
    mine = [item for item in series if item.group == "signal"]
    shown = [replace(wire[item.name], group="signal") if item.name in wire else item for item in mine]
    named = {item.name for item in mine}
    others = [item for item in series if item.group not in ("wire", "signal")]
    return [*shown, *others], [item for item in wire.values() if item.name not in named]


def _kept(series: Sequence[Series], most: int, points: int, what: str, notes: list[str]) -> list[Series]:
    shown = series if len(series) <= most else sorted(series, key=lambda item: len(item.t_ns) < 2)[:most]
    if len(shown) < len(series):
        notes.append(f"{what}: {len(shown)} of {len(series)} are there, those that change first")
    thinned = [thin_series(item, points) for item in shown]
    names = [item.name for item in thinned if item.thinned]
    if names:
        more = f" and {len(names) - 12} more" if len(names) > 12 else ""
        text = f"{', '.join(names[:12])}{more}"
        notes.append(f"thinned to the smallest and largest values of each stretch of time: {text}")
    return thinned


def _silent(timeline: Timeline) -> dict[str, list[list[float | None]]]:
    return {name: [[_s(from_ns), _maybe_s(to_ns)] for from_ns, to_ns in spans]
            for name, spans in timeline.silent.items()}  # fmt: skip


def _on_wire(series: Series, table: SignalTable) -> list[Any]:
    """A series of a signal in the table. Most are of the boot that all cases have in common: made once for all."""
    known = table.drawn.get(id(series))
    if known is not None and known[0] is series:
        return known[1]
    if len(table.drawn) >= DRAWN:
        table.drawn.clear()
    row = _wire_row(series, table)
    table.drawn[id(series)] = series, row
    return row


def _wire_row(series: Series, table: SignalTable) -> list[Any]:
    number, t_ns, values = table.numbers[series.name], series.t_ns, series.values
    if len(t_ns) == 1:  # most signals never change
        return [number, [t_ns[0] // 1000], [short(values[0])]]
    return [number, _steps_us(t_ns), [short(value) for value in values]]


def _steps_us(t_ns: Sequence[int]) -> list[int]:
    """Times in microseconds, each since the one before, which packs well."""
    t_us = [t // 1000 for t in t_ns]
    return [t - before for t, before in zip(t_us, [0, *t_us], strict=False)]


def _series(series: Series) -> Json:
    """A series that says itself what it is."""
    there = series.labels and dict.fromkeys(series.values)
    labels = {key_of(value): series.labels[value] for value in there or () if value in series.labels}
    return {
        "name": series.name, "unit": series.unit, "group": series.group,
        "dt": _steps_us(series.t_ns),
        "v": [short(value) for value in series.values],
        **({"labels": labels} if labels else {}),
    }  # fmt: skip


def _lines(keep: _Keeper, what: str, lines: Sequence[Any], most: int) -> list[Json]:
    kept = keep.near(what, lines, most, lambda line: int(line.t_ns))
    return [{"t": _s(line.t_ns), "name": line.name, "dir": line.direction, "text": line.text} for line in kept]


def _strings(item: Any) -> Json:
    return {key: str(getattr(item, key)) for key in ("verdict", "what", "where", "remedy", "cause")}


def _lateness(item: Any) -> Json:
    spans = {key: _maybe_s(getattr(item, f"{key}_ns")) for key in ("late", "allowed", "from")}
    return {"t": _s(item.t_ns), "what": item.what, **spans}


def _frames(keep: _Keeper, timeline: Timeline, most: int) -> list[list[Any]]:
    kept = keep.near("frames", timeline.frames, most, lambda frame: frame.t_ns)
    return [[_s(x.t_ns), x.bus, show_id(x.can_id, x.flags), _flags(x.flags), x.data.hex(" "), *timeline.meaning(x)]
            for x in kept]  # fmt: skip


def _events(keep: _Keeper, events: Sequence[Event], most: int) -> list[Json]:
    kept = keep.near("events", events, most, lambda event: event.t_ns, lambda event: not event.bad)
    return [
        {"t": _s(item.t_ns), "lane": item.lane, "text": item.text, "bad": item.bad, "until": _maybe_s(item.until_ns)}
        for item in kept
    ]


def _flags(flags: int) -> str:
    names = ((SENT, "tx"), (FD, "FD"), (BRS, "BRS"), (REMOTE, "remote"), (ERROR, "error"))
    return " ".join(name for bit, name in names if flags & bit)
