"""One attempt as the JSON that the page shows, at a level of thinning that fits its share of the page. Pure.

The keys are documented at the top of `page`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

import numpy as np

from hil.can.frames import BRS, ERROR, FD, REMOTE, SENT, CanFrame, show_id
from hil.errors import Verdict
from hil.evidence import fields as f
from hil.evidence.model import Attempt, Check, Measurement, Shot, Step, Timeline
from hil.evidence.pictures import Embedded, embed
from hil.evidence.series import Series, thin_series

T = TypeVar("T")
Json = dict[str, Any]
MATCH_NS: Final = 250_000_000
BINS: Final = 40


@dataclass(frozen=True, slots=True)
class Level:
    """How much of an attempt the page shows."""

    points: int
    series: int
    rows: int
    frames: int
    steps: int
    crops: int
    wholes: int


LEVELS: Final = (
    Level(points=4000, series=80, rows=4000, frames=2000, steps=4000, crops=60, wholes=8),
    Level(points=1000, series=40, rows=800, frames=800, steps=800, crops=12, wholes=2),
    Level(points=250, series=20, rows=150, frames=150, steps=150, crops=3, wholes=1),
    Level(points=100, series=8, rows=30, frames=20, steps=40, crops=1, wholes=0),
    Level(points=0, series=0, rows=5, frames=0, steps=0, crops=0, wholes=0),
)


Pictures = dict[int, Embedded | None]
"""Pictures made already, by the identity of their shot: a try at the next level needs not make them again."""


def attempt_detail(attempt: Attempt, level: Level, made: Pictures) -> Json:
    """An attempt for the page; `made` is shared by all levels of one attempt."""
    timeline, notes = attempt.timeline, list(attempt.timeline.thinned)
    keep = _Keeper(timeline.focus_ns, notes)
    checks = keep.near("checks", timeline.checks, level.rows, lambda item: item.t_ns, lambda item: item.ok)
    gallery = _Gallery(timeline, level, made)
    rows = [_check_row(check, gallery) for check in reversed(checks)][::-1]
    final = gallery.last_whole() if attempt.ruling.verdict is not Verdict.PASS or level is LEVELS[0] else None
    return {
        **_head(attempt),
        "checks": rows,
        "finalPicture": final,
        "steps": _steps(keep.near("steps", timeline.steps, level.steps, lambda item: item.start_ns)),
        "series": _all_series(timeline, level, notes),
        "console": _lines(keep, "console lines", timeline.console, level.rows),
        "notes": _lines(keep, "notes", timeline.notes, level.rows),
        "measurements": [_measurement(item) for item in timeline.measurements],
        "faults": [{"t": _s(item.t_ns), **_strings(item)} for item in timeline.faults],
        "health": [_lateness(item) for item in keep.near("health", timeline.health, level.rows, lambda i: i.t_ns)],
        "frames": _frames(keep.near("frames", timeline.frames, level.frames, lambda item: item.t_ns)),
        "pictures": gallery.rows(notes),
        "thinned": notes,
    }


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


class _Gallery:
    """Finds the pictures of a check and embeds each at most once, within the level's number of them."""

    def __init__(self, timeline: Timeline, level: Level, made: Pictures) -> None:
        self._made = made
        self._crops = [shot for shot in timeline.shots if shot.is_crop]
        self._wholes = [shot for shot in timeline.shots if not shot.is_crop]
        self._left = {True: level.crops, False: level.wholes}
        self._refused = 0
        self._embedded: list[tuple[Shot, Embedded]] = []
        self._index: dict[int, int | None] = {}

    def of(self, check: Check) -> tuple[int | None, int | None]:
        """Index of the check's crop and of its whole frame; whole frames only of failed checks."""
        crop = _match(check, self._crops)
        whole = None if check.ok else _match(check, self._wholes, screen=crop.name.split("/")[0] if crop else "")
        return self._add(crop), self._add(whole)

    def last_whole(self) -> int | None:
        """Index of the last whole frame of the case."""
        return self._add(self._wholes[-1]) if self._wholes else None

    def _add(self, shot: Shot | None) -> int | None:
        if shot is None:
            return None
        if id(shot) not in self._index:
            self._index[id(shot)] = self._embed(shot)
        return self._index[id(shot)]

    def _embed(self, shot: Shot) -> int | None:
        picture = self._make(shot) if self._left[shot.is_crop] > 0 else None
        if picture is None:
            self._refused += 1
            return None
        self._left[shot.is_crop] -= 1
        self._embedded.append((shot, picture))
        return len(self._embedded) - 1

    def _make(self, shot: Shot) -> Embedded | None:
        if id(shot) not in self._made:
            self._made[id(shot)] = embed(shot)
        return self._made[id(shot)]

    def rows(self, notes: list[str]) -> list[Json]:
        """The pictures for the page."""
        if self._refused:
            notes.append(f"pictures: {self._refused} more than shown are left out or damaged; the journal has them")
        return [
            {"t": _s(shot.t_ns), "name": shot.name, "crop": shot.is_crop, **asdict(picture)}
            for shot, picture in self._embedded
        ]


def _match(check: Check, shots: Sequence[Shot], screen: str = "") -> Shot | None:
    """The picture that a check looked at: of its target if it names one, else the one taken with it."""
    near = [shot for shot in shots if _belongs(shot.t_ns, check)]
    target = _letters(check.target)
    named = [shot for shot in near if target in (_letters(shot.name), _letters(shot.name.split("/")[-1]))]
    same = [shot for shot in near if screen and shot.name == screen]
    return max(named or same or near, key=lambda shot: shot.t_ns, default=None)


def _letters(name: str) -> str:
    """A name without its punctuation: a check says `cluster: telltale abs`, its picture `cluster/telltale.abs`."""
    return "".join(filter(str.isalnum, name)).lower()


def _belongs(t_ns: int, check: Check) -> bool:
    since = check.t_ns - MATCH_NS if check.since_ns is None else min(check.since_ns, check.t_ns)
    return since <= t_ns <= check.t_ns


def _check_row(check: Check, gallery: _Gallery) -> Json:
    crop, whole = gallery.of(check)
    return {
        "t": _s(check.t_ns), "name": check.name, "target": check.target, "expected": check.expected,
        "seen": check.seen, "ok": check.ok, "score": check.score, "margin": check.margin,
        "since": _maybe_s(check.since_ns), "within": _maybe_s(check.within_ns), "origin": check.origin,
        "bound": _maybe_s(check.bound_ns), "detail": check.detail, "crop": crop, "whole": whole,
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


def _all_series(timeline: Timeline, level: Level, notes: list[str]) -> list[Json]:
    shown = timeline.series[: level.series]
    if len(shown) < len(timeline.series):
        notes.append(f"series: {len(shown)} of {len(timeline.series)} are shown")
    thinned = [thin_series(series, level.points) for series in shown]
    names = [series.name for series in thinned if series.thinned]
    if names:
        notes.append(f"thinned to the smallest and largest values of each stretch of time: {', '.join(names)}")
    return [_series(series) for series in thinned]


def _series(series: Series) -> Json:
    return {
        "name": series.name,
        "unit": series.unit,
        "group": series.group,
        "t": [_s(t_ns) for t_ns in series.t_ns],
        "v": [float(f"{value:.7g}") for value in series.values],
        "labels": {_key(value): label for value, label in series.labels.items()},
    }


def _key(value: float) -> str:
    """A number as JavaScript writes it, for it looks up labels by that."""
    short = float(f"{value:.7g}")
    return str(int(short)) if short.is_integer() else repr(short)


def _lines(keep: _Keeper, what: str, lines: Sequence[Any], most: int) -> list[Json]:
    kept = keep.near(what, lines, most, lambda line: int(line.t_ns))
    return [{"t": _s(line.t_ns), "name": line.name, "dir": line.direction, "text": line.text} for line in kept]


def _strings(item: Any) -> Json:
    return {key: str(getattr(item, key)) for key in ("verdict", "what", "where", "remedy", "cause")}


def _lateness(item: Any) -> Json:
    spans = {key: _maybe_s(getattr(item, f"{key}_ns")) for key in ("late", "allowed", "from")}
    return {"t": _s(item.t_ns), "what": item.what, **spans}


def _frames(frames: Sequence[CanFrame]) -> list[list[Any]]:
    return [[_s(x.t_ns), x.bus, show_id(x.can_id, x.flags), _flags(x.flags), x.data.hex(" ")] for x in frames]


def _flags(flags: int) -> str:
    names = ((SENT, "tx"), (FD, "FD"), (BRS, "BRS"), (REMOTE, "remote"), (ERROR, "error"))
    return " ".join(name for bit, name in names if flags & bit)


def _measurement(item: Measurement) -> Json:
    edges, counts = _histogram(item)
    return {
        "t": _s(item.t_ns), "name": item.name, "unit": item.unit, "kind": item.kind, "ok": item.ok,
        "source": item.source, "n": len(item.samples), "edges": edges, "counts": counts,
        "limit": f.clean(dict(item.limit)), "statistics": f.clean(dict(item.statistics) or _basic(item.samples)),
        "uncertainty": f.clean(dict(item.uncertainty)),
    }  # fmt: skip


def _histogram(item: Measurement) -> tuple[list[float], list[int]]:
    if not item.samples:
        return [], []
    counts, edges = np.histogram(item.samples, bins=min(BINS, max(5, int(len(item.samples) ** 0.5) * 2)))
    return [float(f"{edge:.6g}") for edge in edges], counts.tolist()


def _basic(samples: Sequence[float]) -> Json:
    if not samples:
        return {}
    return {"min": min(samples), "median": float(np.median(samples)), "max": max(samples)}
