"""One journal's blocks, in order, become one case's timeline, in bounded memory.

Rules of this module: no I/O; blocks are taken one by one and thrown away but for what a person needs to understand the
case. A record of a kind that nobody here knows is an event on a lane of its kind.
What is left out is counted and said in `Timeline.thinned`; the journal itself always has everything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, Generic, TypeVar

from hil.errors import Verdict
from hil.evidence import fields as f
from hil.evidence.blocks import Block
from hil.evidence.causes import causes_of
from hil.evidence.events import event_of
from hil.evidence.facts import Wire
from hil.evidence.frames import FrameKeeper
from hil.evidence.itself import Itself, in_short, itself_of
from hil.evidence.model import (
    CaseInfo,
    Cause,
    Check,
    Event,
    Fault,
    Found,
    Lateness,
    Line,
    Measurement,
    Ruling,
    Shot,
    Step,
    Timeline,
)
from hil.evidence.series import Series, SeriesBuilder
from hil.journal import Entry

ROWS: Final = 20_000
SERIES: Final = 300
FINDINGS: Final = 200
LABELS: Final = 256
TEXT_CHARS: Final = 2_000
PICTURE_BYTES: Final = 48_000_000

T = TypeVar("T")


class _Last(Generic[T]):
    """The last `most` of something, and how many went before."""

    def __init__(self, what: str, most: int = ROWS) -> None:
        self.what, self.items, self.count = what, deque[T](maxlen=most), 0

    def add(self, item: T) -> None:
        self.items.append(item)
        self.count += 1

    def thinned(self) -> str:
        lost = self.count - len(self.items)
        return f"{self.what}: the first {lost} of {self.count} are left out" if lost else ""


class Collector:
    """Takes the entries of one journal."""

    def __init__(self, case_id: str) -> None:
        self.info = CaseInfo(case_id)
        self.recorded: Ruling | None = None
        self.faults: list[Fault] = []
        self.last_ns = 0
        self.end_ns: int | None = None
        self._frames = FrameKeeper()
        self._steps: dict[int, Step] = {}
        self._steps_lost = 0
        self._series: dict[tuple[str, str], SeriesBuilder] = {}
        self._series_lost: set[str] = set()
        self._checks = _Last[Check]("checks")
        self._console = _Last[Line]("console lines")
        self._notes = _Last[Line]("notes")
        self._health = _Last[Lateness]("health records")
        self._itself: Itself | None = None
        self._short: dict[str, Any] = {}
        self._measurements = _Last[Measurement]("measurements", 200)
        self._events = _Last[Event]("events")
        self._found: dict[tuple[str, str, str], Found] = {}
        self._shots = _Shots()
        self._take: dict[str, Callable[[Entry, f.Fields], None]] = {
            "case": self._on_case, "step": self._on_step, "check": self._on_check, "signal": self._on_signal,
            "measurement": self._on_measurement, "console": self._on_console, "supply": self._on_supply,
            "fault": self._on_fault, "health": self._on_health, "note": self._on_note,
            "monitor": self._on_monitor,
            "verdict": self._on_verdict, "bench": self._on_bench,
        }  # fmt: skip

    def begin(self, wire: Wire, buses: Sequence[str]) -> None:
        """What is known of the buses; a frame's channel is a number into `buses`, which may grow."""
        self._frames.begin(wire, buses)

    def take(self, block: Block) -> None:
        """Take the next block."""
        self.last_ns = max(self.last_ns, int(block.frames.t_ns.max(initial=0)))
        self._frames.take(block.frames, common=block.common)
        for entry in block.entries:
            self.take_entry(entry)

    def take_entry(self, entry: Entry) -> None:
        """Take a record that is no frame."""
        self.last_ns = max(self.last_ns, entry.t_ns)
        if entry.kind == "screen":
            self._shots.add(Shot(entry.t_ns, entry.name, entry.data))
        else:
            self._take.get(entry.kind, self._on_other)(entry, f.as_fields(entry.data))

    def _on_case(self, entry: Entry, fields: f.Fields) -> None:
        self.info = case_info(self.info.id, fields)

    def _on_step(self, entry: Entry, fields: f.Fields) -> None:
        number = f.integer(fields, "id")
        if number is None:
            return
        known = self._steps.get(number)
        if f.text(fields, "phase") == "end":
            if known is not None:
                self._steps[number] = replace(known, end_ns=entry.t_ns, status=f.text(fields, "status"))
        elif len(self._steps) < ROWS:
            self._steps[number] = _step(number, entry.t_ns, fields)
        else:
            self._steps_lost += 1

    def _on_check(self, entry: Entry, fields: f.Fields) -> None:
        check = _check(entry.t_ns, fields)
        self._checks.add(check)
        if not check.ok and not check.declared:
            self._frames.freeze(check.decided_ns)

    def _on_signal(self, entry: Entry, fields: f.Fields) -> None:
        value = f.number(fields, "value")
        if value is not None:
            name, unit = f.text(fields, "signal"), f.text(fields, "unit")
            self._point(entry.t_ns, value, name=name, unit=unit, label=f.text(fields, "label"))

    def _on_supply(self, entry: Entry, fields: f.Fields) -> None:
        for key, unit in (("voltage_V", "V"), ("current_A", "A")):
            value = f.number(fields, key)
            if value is not None:
                name = f"{entry.name or 'supply'} {unit}"
                self._point(entry.t_ns, value, name=name, unit=unit, group="supply")
        event = f.text(fields, "event")
        if event not in ("", "sample", "read"):
            self._notes.add(Line(entry.t_ns, entry.name or "supply", "supply", _supply_event(event, fields)))

    def _point(self, t_ns: int, value: float, *, name: str, unit: str, group: str = "signal", label: str = "") -> None:
        key = group, name
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= SERIES:
                self._series_lost.add(name)
                return
            series = self._series[key] = SeriesBuilder(name, unit, group)
        series.add(t_ns, value)
        if label and len(series.labels) < LABELS:
            series.labels[value] = label

    def _on_measurement(self, entry: Entry, fields: f.Fields) -> None:
        self._measurements.add(_measurement(entry.t_ns, fields))

    def _on_console(self, entry: Entry, fields: f.Fields) -> None:
        line = Line(entry.t_ns, entry.name, f.text(fields, "direction"), f.text(fields, "text")[:TEXT_CHARS])
        self._console.add(line)

    def _on_fault(self, entry: Entry, fields: f.Fields) -> None:
        if len(self.faults) < 100:
            self.faults.append(_fault(entry.t_ns, fields))
        if len(self.faults) == 1:
            self._frames.freeze(entry.t_ns)

    def _on_health(self, entry: Entry, fields: f.Fields) -> None:
        late, allowed, since = (f.integer(fields, key) for key in ("late_ns", "allowed_ns", "from_ns"))
        self._health.add(Lateness(entry.t_ns, f.text(fields, "what"), late, allowed, since))

    def _on_bench(self, entry: Entry, fields: f.Fields) -> None:
        self._itself, self._short = itself_of(fields), in_short(fields)

    def _on_monitor(self, entry: Entry, fields: f.Fields) -> None:
        """A finding when it first occurred, and as it stood at the end of the case, which counts all of them."""
        text = f"{f.text(fields, 'level')}: {f.text(fields, 'what')}"[:TEXT_CHARS]
        self._keep_found(entry.t_ns, fields)
        if f.text(fields, "phase") == "end":
            self._notes.add(Line(entry.t_ns, f.text(fields, "bus"), "monitor", text))
        else:
            self._events.add(Event(entry.t_ns, "monitor", text, f.text(fields, "level") in ("fail", "fault")))
            if _counts(fields):
                self._frames.freeze(entry.t_ns)

    def _keep_found(self, t_ns: int, fields: f.Fields) -> None:
        """Of each finding: when it first occurred, and what it came to."""
        key = f.text(fields, "bus"), f.text(fields, "message"), f.text(fields, "kind")
        known = self._found.get(key)
        if known is None and len(self._found) >= FINDINGS:
            return
        text = f.text(fields, "what")[:TEXT_CHARS]
        self._found[key] = Found(t_ns if known is None else known.t_ns, text, _counts(fields))

    def _on_other(self, entry: Entry, fields: f.Fields) -> None:
        """A record of any other kind, on a lane of its own."""
        self._events.add(event_of(entry, fields))

    def _on_note(self, entry: Entry, fields: f.Fields) -> None:
        self._notes.add(Line(entry.t_ns, entry.name, "note", f.text(fields, "text")[:TEXT_CHARS]))

    def _on_verdict(self, entry: Entry, fields: f.Fields) -> None:
        self.recorded = ruling(fields)
        self.end_ns = entry.t_ns

    def timeline(self) -> Timeline:
        """All that was collected."""
        end_ns = self.last_ns if self.end_ns is None else self.end_ns
        causes = causes_of(self.recorded, self._checks.items, tuple(self._found.values()))
        focus_ns = self._focus_ns(end_ns, causes)
        return Timeline(
            end_ns=end_ns,
            focus_ns=focus_ns,
            causes=causes,
            steps=tuple(self._steps.values()),
            series=self._all_series(end_ns),
            silent=self._frames.silent(end_ns),
            checks=tuple(self._checks.items),
            console=tuple(self._console.items),
            notes=tuple(self._notes.items),
            measurements=tuple(self._measurements.items),
            faults=tuple(self.faults),
            health=tuple(self._health.items),
            itself=self._itself,
            short=self._short,
            events=tuple(self._events.items),
            frames=self._frames.kept(None if self._passed else focus_ns),
            meaning=self._frames.meaning,
            table=self._frames.table,
            shots=tuple(self._shots.items),
            thinned=tuple(note for note in self._thinned() if note),
        )

    def _focus_ns(self, end_ns: int, causes: Sequence[Cause]) -> int:
        """What a reader wants to see first: the first fault, the first cause, or the end."""
        if self.faults:
            return self.faults[0].t_ns
        told = [cause.t_ns for cause in causes if cause.t_ns is not None]
        failed = [check.decided_ns for check in self._checks.items if not check.ok and not check.declared]
        times = told or ([] if self._passed else failed)
        return min(times[0], end_ns) if times else end_ns

    @property
    def _passed(self) -> bool:
        return self.recorded is not None and self.recorded.verdict is Verdict.PASS

    def _all_series(self, end_ns: int) -> tuple[Series, ...]:
        built = (builder.build() for builder in self._series.values())
        return (*built, *self._frames.series(end_ns))

    def _thinned(self) -> Iterable[str]:
        for bounded in (self._checks, self._console, self._notes, self._health, self._measurements, self._events):
            yield bounded.thinned()
        yield f"steps: the last {self._steps_lost} are left out" if self._steps_lost else ""
        yield f"signals: {len(self._series_lost)} more than {SERIES} are left out" if self._series_lost else ""
        yield self._shots.thinned()
        yield from self._frames.notes()


class _Shots:
    """The latest pictures within a bound of bytes."""

    def __init__(self) -> None:
        self.items: deque[Shot] = deque()
        self._bytes = self._lost = 0

    def add(self, shot: Shot) -> None:
        self.items.append(shot)
        self._bytes += len(shot.picture.data)
        while self._bytes > PICTURE_BYTES and len(self.items) > 1:
            self._bytes -= len(self.items.popleft().picture.data)
            self._lost += 1

    def thinned(self) -> str:
        return f"pictures: the first {self._lost} are left out" if self._lost else ""


def _counts(fields: f.Fields) -> bool:
    """Whether a finding fails a case that would have passed."""
    return f.text(fields, "level") == "fail" and f.flag(fields, "allowed") is not True


def case_info(case_id: str, fields: f.Fields) -> CaseInfo:
    """Who a case is. The id is that of the folder or the plan, whatever the record says."""
    one = {key: f.text(fields, key) for key in ("name", "suite", "source", "doc", "start", "seed", "runner")}
    return CaseInfo(case_id, requirements=f.texts(fields, "requirements"), tags=f.texts(fields, "tags"), **one)


def ruling(fields: f.Fields) -> Ruling:
    """A recorded verdict; one that nobody knows is a bench fault."""
    verdict, message = f.verdict(fields), f.text(fields, "message")
    if verdict is None:
        message = f"the journal has the unknown verdict '{f.text(fields, 'verdict')}': {message}"
    return Ruling(verdict or Verdict.BENCH, message, f.text(fields, "where"), f.text(fields, "first_cause"))


def _step(number: int, t_ns: int, fields: f.Fields) -> Step:
    parent, name, args = f.integer(fields, "parent"), f.text(fields, "name"), f.texts(fields, "args")
    return Step(number, parent, name, args, f.text(fields, "status"), t_ns, None)


def _check(t_ns: int, fields: f.Fields) -> Check:
    texts = ("name", "target", "expected", "seen", "origin", "detail", "measured")
    what: dict[str, Any] = {key: f.text(fields, key) for key in texts}
    score, margin = f.number(fields, "score"), f.number(fields, "margin")
    since, within, bound = (f.integer(fields, key) for key in ("since_ns", "within_ns", "bound_ns"))
    ok, declared = f.flag(fields, "ok") is True, f.flag(fields, "declared") is True
    times: dict[str, Any] = {"since_ns": since, "within_ns": within, "bound_ns": bound}
    region = f.numbers(fields, "region")[:4]
    return Check(t_ns, ok=ok, declared=declared, region=region, score=score, margin=margin, **times, **what)


def _fault(t_ns: int, fields: f.Fields) -> Fault:
    verdict = f.verdict(fields)
    if verdict not in (Verdict.BENCH, Verdict.USAGE, Verdict.INCONCLUSIVE):
        verdict = Verdict.BENCH
    what, where, remedy, cause = (f.text(fields, key) for key in ("what", "where", "remedy", "cause"))
    return Fault(t_ns, verdict, what, where, remedy, cause)


def _measurement(t_ns: int, fields: f.Fields) -> Measurement:
    limit, statistics, uncertainty = (f.as_fields(fields.get(key)) for key in ("limit", "statistics", "uncertainty"))
    name, unit, kind, source = (f.text(fields, key) for key in ("name", "unit", "kind", "source"))
    samples, ok = f.numbers(fields, "samples"), f.flag(fields, "ok")
    return Measurement(t_ns, name, unit, samples, limit, statistics, uncertainty, kind, ok, source)


def _supply_event(event: str, fields: f.Fields) -> str:
    shown: list[str] = []
    for key, unit in (("voltage_V", "V"), ("current_A", "A")):
        value = f.number(fields, key)
        if value is not None:
            shown.append(f"{value:.4g} {unit}")
    return f"{event}: {', '.join(shown)}" if shown else event
