"""One journal's entries, in order, become one case's timeline, in bounded memory.

Rules of this module: no I/O; entries are taken one by one and thrown away unless a person needs them to understand the
case. What is left out is counted and said in `Timeline.thinned`; the journal itself always has everything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final, Generic, Protocol, TypeVar

from hil.can.frames import CanFrame
from hil.errors import Verdict
from hil.evidence import fields as f
from hil.evidence.model import (
    CaseInfo,
    Check,
    Fault,
    Lateness,
    Line,
    Measurement,
    Ruling,
    Shot,
    Step,
    Timeline,
)
from hil.evidence.series import LOAD_NOTE, LoadMeter, Series, SeriesBuilder
from hil.journal import Entry

FRAME_WINDOW_NS: Final = 2_000_000_000
FRAMES: Final = 2_000
ROWS: Final = 20_000
SERIES: Final = 300
LABELS: Final = 256
PICTURE_BYTES: Final = 48_000_000

T = TypeVar("T")


class Decoder(Protocol):
    """Decodes CAN frames into signals, by databases attached to the journal. None is written yet."""

    def __call__(self, entry: Entry) -> Iterable[tuple[str, float, str, str]]:
        """Signals of one `can` entry: name, value, unit, label."""


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

    def __init__(self, case_id: str, decode: Decoder | None = None) -> None:
        self.info = CaseInfo(case_id)
        self.recorded: Ruling | None = None
        self.faults: list[Fault] = []
        self.last_ns = 0
        self.end_ns: int | None = None
        self._decode = decode
        self._window: deque[Entry] = deque(maxlen=FRAMES)
        self._frozen: tuple[int, list[Entry]] | None = None
        self._steps: dict[int, Step] = {}
        self._steps_lost = 0
        self._series: dict[tuple[str, str], SeriesBuilder] = {}
        self._series_lost: set[str] = set()
        self._load: dict[str, LoadMeter] = {}
        self._checks = _Last[Check]("checks")
        self._console = _Last[Line]("console lines")
        self._notes = _Last[Line]("notes")
        self._health = _Last[Lateness]("health records")
        self._measurements = _Last[Measurement]("measurements", 200)
        self._shots = _Shots()
        self._take: dict[str, Callable[[Entry, f.Fields], None]] = {
            "case": self._on_case, "step": self._on_step, "check": self._on_check, "signal": self._on_signal,
            "measurement": self._on_measurement, "console": self._on_console, "supply": self._on_supply,
            "fault": self._on_fault, "health": self._on_health, "note": self._on_note,
            "monitor": self._on_monitor,
            "verdict": self._on_verdict,
        }  # fmt: skip

    def take(self, entry: Entry) -> None:
        """Take the next entry."""
        self.last_ns = max(self.last_ns, entry.t_ns)
        if entry.kind == "can":
            self._on_frame(entry)
        elif entry.kind == "screen":
            self._shots.add(Shot(entry.t_ns, entry.name, entry.data))
        elif entry.kind in self._take:
            self._take[entry.kind](entry, f.as_fields(entry.data))

    def _on_frame(self, entry: Entry) -> None:
        window, frame = self._window, entry.data
        window.append(entry)
        while entry.t_ns - window[0].t_ns > FRAME_WINDOW_NS:
            window.popleft()
        load = self._load.get(entry.name)
        if load is None:
            load = self._load[entry.name] = LoadMeter(entry.name)
        load.add(entry.t_ns, frame.flags, len(frame.data))
        if self._decode is not None:
            for name, value, unit, label in self._decode(entry):
                self._point(entry.t_ns, value, name=name, unit=unit, label=label)

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
        if not check.ok:
            self._freeze(entry.t_ns)

    def _freeze(self, t_ns: int) -> None:
        """Keep the frames that led here; the last such moment is the one that counts."""
        self._frozen = t_ns, list(self._window)

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
        line = Line(entry.t_ns, entry.name, f.text(fields, "direction"), f.text(fields, "text")[:2000])
        self._console.add(line)

    def _on_fault(self, entry: Entry, fields: f.Fields) -> None:
        if len(self.faults) < 100:
            self.faults.append(_fault(entry.t_ns, fields))
        if len(self.faults) == 1:
            self._freeze(entry.t_ns)

    def _on_health(self, entry: Entry, fields: f.Fields) -> None:
        late, allowed, since = (f.integer(fields, key) for key in ("late_ns", "allowed_ns", "from_ns"))
        self._health.add(Lateness(entry.t_ns, f.text(fields, "what"), late, allowed, since))

    def _on_monitor(self, entry: Entry, fields: f.Fields) -> None:
        """A finding as it stood at the end of the case, which counts all of its occurrences."""
        if f.text(fields, "phase") == "end":
            text = f"{f.text(fields, 'level')}: {f.text(fields, 'what')}"
            self._notes.add(Line(entry.t_ns, f.text(fields, "bus"), "monitor", text[:2000]))

    def _on_note(self, entry: Entry, fields: f.Fields) -> None:
        self._notes.add(Line(entry.t_ns, entry.name, "note", f.text(fields, "text")[:2000]))

    def _on_verdict(self, entry: Entry, fields: f.Fields) -> None:
        self.recorded = ruling(fields)
        self.end_ns = entry.t_ns

    def timeline(self) -> Timeline:
        """All that was collected."""
        end_ns = self.last_ns if self.end_ns is None else self.end_ns
        return Timeline(
            end_ns=end_ns,
            focus_ns=self._focus_ns(end_ns),
            steps=tuple(self._steps.values()),
            series=self._all_series(end_ns),
            checks=tuple(self._checks.items),
            console=tuple(self._console.items),
            notes=tuple(self._notes.items),
            measurements=tuple(self._measurements.items),
            faults=tuple(self.faults),
            health=tuple(self._health.items),
            frames=self._frames(),
            shots=tuple(self._shots.items),
            thinned=tuple(note for note in self._thinned() if note),
        )

    def _focus_ns(self, end_ns: int) -> int:
        """What a reader wants to see first: the first fault, the last failed check, or the end."""
        if self.faults:
            return self.faults[0].t_ns
        passed = self.recorded is not None and self.recorded.verdict is Verdict.PASS
        failed = [check.t_ns for check in self._checks.items if not check.ok]
        return failed[-1] if failed and not passed else end_ns

    def _frames(self) -> tuple[CanFrame, ...]:
        passed = self.recorded is not None and self.recorded.verdict is Verdict.PASS
        entries = list(self._window) if self._frozen is None or passed else self._frozen[1]
        return tuple(_frame(entry) for entry in entries)

    def _all_series(self, end_ns: int) -> tuple[Series, ...]:
        loads = (self._load[bus].build(end_ns) for bus in sorted(self._load))
        return (*(builder.build() for builder in self._series.values()), *loads)

    def _thinned(self) -> Iterable[str]:
        for bounded in (self._checks, self._console, self._notes, self._health, self._measurements):
            yield bounded.thinned()
        yield f"steps: the last {self._steps_lost} are left out" if self._steps_lost else ""
        yield f"signals: {len(self._series_lost)} more than {SERIES} are left out" if self._series_lost else ""
        yield self._shots.thinned()
        yield LOAD_NOTE if self._load else ""


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
    what = {key: f.text(fields, key) for key in ("name", "target", "expected", "seen", "origin", "detail")}
    score, margin = f.number(fields, "score"), f.number(fields, "margin")
    since, within, bound = (f.integer(fields, key) for key in ("since_ns", "within_ns", "bound_ns"))
    ok = f.flag(fields, "ok") is True
    return Check(t_ns, ok=ok, score=score, margin=margin, since_ns=since, within_ns=within, bound_ns=bound, **what)


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


def _frame(entry: Entry) -> CanFrame:
    record = entry.data
    return CanFrame(entry.t_ns, entry.name, record.can_id, record.data, record.flags, record.origin)


def _supply_event(event: str, fields: f.Fields) -> str:
    shown: list[Any] = [event]
    for key, unit in (("voltage_V", "V"), ("current_A", "A")):
        value = f.number(fields, key)
        if value is not None:
            shown.append(f"{value:g} {unit}")
    return " ".join(shown)
