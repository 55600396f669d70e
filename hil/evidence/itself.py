"""What a bench measured of itself: the `bench` record of a case, in short for a run, and as lines for people. Pure.

Rules of this module: a record may be missing, cut or hostile; what isn't a number is left out. The worst of a run is
the worst of its cases. A virtual bench writes no such record, since it can't be late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hil import units
from hil.evidence import fields as f

Json = dict[str, Any]
_SPREAD: Final = ("p50_ns", "p99_ns", "max_ns", "max_at_ns")
_SHORT: Final = (
    "cycle_p99_ns", "cycle_max_ns", "lag_p99_ns", "lag_max_ns", "timer_max_ns", "lost", "uncounted", "blind",
    "process", "busy", "stolen",
)  # fmt: skip
_NAMES: Final = ("cycle_worst", "lag_worst")


@dataclass(frozen=True, slots=True)
class Itself:
    """A `bench` record.

    Attributes:
        cycles: each message whose cycle was measured, the worst first.
        received: each bus: receive lag, lost frames, whose clock the stamps are of and how far they may be off.
        timers: how late the loop's own timers were.
        load: of process and machine.
        allowed_lag_s: what would have been fine.
        blind: how many spans in which the bench was late or blind.
    """

    cycles: tuple[Json, ...] = ()
    received: tuple[Json, ...] = ()
    timers: Json | None = None
    load: Json | None = None
    allowed_lag_s: float | None = None
    blind: int = 0

    def to_json(self, most: int) -> Json:
        """For the page, with at most so many messages."""
        return {
            "cycles": list(self.cycles[:most]), "more": max(len(self.cycles) - most, 0),
            "received": list(self.received), "timers": self.timers, "load": self.load,
            "allowed": self.allowed_lag_s, "blind": self.blind,
        }  # fmt: skip


def itself_of(fields: f.Fields) -> Itself:
    """A record, read."""
    return Itself(
        tuple(_row(row, ("message", "bus", "by"), ("cycle_ns",), ()) for row in _rows(fields, "cycles")),
        tuple(_row(row, ("bus", "stamps"), ("bound_ns",), ("lost", "uncounted")) for row in _rows(fields, "received")),
        _row(f.as_fields(fields.get("timers")), (), (), ()),
        _shares(f.as_fields(fields.get("load"))),
        _seconds(f.as_fields(fields), "allowed_lag_ns"),
        f.integer(fields, "blind") or 0,
    )


def _rows(fields: f.Fields, key: str) -> list[f.Fields]:
    rows = fields.get(key)
    return [f.as_fields(row) for row in rows] if isinstance(rows, list) else []


def _row(row: f.Fields, names: Iterable[str], times: Iterable[str], counts: Iterable[str]) -> Json:
    return {
        **{name: f.text(row, name) for name in names},
        **{name.removesuffix("_ns"): _seconds(row, name) for name in (*times, *_SPREAD)},
        **{name: f.integer(row, name) or 0 for name in ("count", *counts)},
    }


def _seconds(fields: f.Fields, key: str) -> float | None:
    value = f.number(fields, key)
    return None if value is None else round(value / 1e9, 9)


def _shares(load: f.Fields) -> Json:
    return {name: f.number(load, name) for name in ("process", "busy", "stolen")}


# In short -------------------------------------------------------------------------------------------------------------


def in_short(fields: f.Fields) -> Json:
    """The worst of a case in a few figures, of its record."""
    cycles, received = _rows(fields, "cycles"), _rows(fields, "received")
    short: Json = {"timer_max_ns": f.number(f.as_fields(fields.get("timers")), "max_ns")}
    short |= {"lost": _sum(received, "lost"), "uncounted": _sum(received, "uncounted")}
    short |= {"blind": f.integer(fields, "blind") or 0, **_shares(f.as_fields(fields.get("load")))}
    for name, rows in (("cycle", cycles), ("lag", received)):
        if rows:
            worst = max(rows, key=lambda row: f.number(row, "max_ns") or 0)
            where = " on ".join(filter(None, (f.text(worst, "message"), f.text(worst, "bus"))))
            short |= {f"{name}_p99_ns": _most(rows, "p99_ns"), f"{name}_max_ns": _most(rows, "max_ns")}
            short[f"{name}_worst"] = where
    return {key: value for key, value in short.items() if value is not None}


def _sum(rows: Iterable[f.Fields], key: str) -> int:
    return sum(f.integer(row, key) or 0 for row in rows)


def _most(rows: Iterable[f.Fields], key: str) -> float | None:
    return max((value for row in rows if (value := f.number(row, key)) is not None), default=None)


def of_run(cases: Iterable[Mapping[str, Any]]) -> Json:
    """The worst of several cases, lost frames added up; empty if none measured anything."""
    shorts = [short for short in cases if short]
    if not shorts:
        return {}
    worst: Json = {key: value for key in _SHORT if (value := _most(shorts, key)) is not None}
    worst |= {key: _sum(shorts, key) for key in ("lost", "uncounted", "blind")}
    for name in _NAMES:
        key = name.replace("worst", "max_ns")
        worst[name] = f.text(max(shorts, key=lambda short: f.number(short, key) or 0), name)
    return worst


def losses_of(cases: Iterable[Mapping[str, Any]]) -> str:
    """How many cases lost frames, of the short records of all; empty if none did."""
    losing = [short for short in cases if _sum([short], "lost") or _sum([short], "uncounted")]
    if not losing:
        return ""
    many = "1 case" if len(losing) == 1 else f"{len(losing)} cases"
    return f"{many} lost frames on the way to the bench: {_lost(of_run(losing))}"


def line_of(short: Mapping[str, Any]) -> str:
    """One line for people; empty if nothing was measured."""
    if not short:
        return ""
    parts = [_late("cycles kept", short, "cycle"), _late("frames read", short, "lag"), _lost(short)]
    timer = f.number(short, "timer_max_ns")
    parts.append("" if timer is None else f"timers late by {_show(timer)} at most")
    process, busy = f.number(short, "process"), f.number(short, "busy")
    parts.append("" if process is None else f"{process:.0%} of a core")
    parts.append("" if busy is None else f"machine {busy:.0%} busy")
    return "; ".join(part for part in parts if part)


def _late(what: str, short: Mapping[str, Any], name: str) -> str:
    p99, most = f.number(short, f"{name}_p99_ns"), f.number(short, f"{name}_max_ns")
    if p99 is None or most is None:
        return ""
    where = f.text(short, f"{name}_worst")
    return f"{what} within {_show(p99)} (p99), {_show(most)} at most{f' ({where})' if where else ''}"


def _lost(short: Mapping[str, Any]) -> str:
    lost, uncounted = f.integer(short, "lost") or 0, f.integer(short, "uncounted") or 0
    if not lost and not uncounted:
        return "no frames known to be lost"
    gaps = f"{uncounted} gap{'s' if uncounted > 1 else ''} that nobody counted" if uncounted else ""
    return ", ".join(filter(None, (f"{lost} frame{'s' if lost > 1 else ''} lost" if lost else "", gaps)))


def _show(duration_ns: float) -> str:
    return units.show_duration(round(duration_ns))


__all__ = ["Itself", "in_short", "itself_of", "line_of", "losses_of", "of_run"]
