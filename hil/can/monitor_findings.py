"""What the monitors found: one finding a message and kind, with its count and its worst occurrence, in words.

Rules of this module: pure. An occurrence is noted as numbers; words are made when somebody reads them, so a message
that is broken a thousand times costs a thousand additions. A finding reads as one line: "CLU_Status on body: 250 ms
since the frame before, due every 100 ms +-10 ms (first at 3.214 s, 4 times, worst 310 ms)".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from hil import units
from hil.can.monitor_rules import Kind, Level


class Fault(StrEnum):
    """In which way something was irregular."""

    LATE = "late"
    EARLY = "early"
    GONE = "gone"
    MISSING = "missing"
    LENGTH = "length"
    FORMAT = "format"
    CRC = "crc"
    SEQUENCE = "sequence"
    REPEATED = "repeated"
    PROTECTION = "protection"
    UNDEFINED = "undefined"
    ERROR = "error"
    FOREIGN = "foreign"


KIND_OF: Final = {
    Fault.LATE: Kind.CYCLE, Fault.EARLY: Kind.CYCLE, Fault.GONE: Kind.CYCLE, Fault.MISSING: Kind.CYCLE,
    Fault.LENGTH: Kind.DLC, Fault.FORMAT: Kind.DLC,
    Fault.CRC: Kind.E2E, Fault.SEQUENCE: Kind.E2E, Fault.REPEATED: Kind.E2E,
    Fault.PROTECTION: Kind.E2E,
    Fault.UNDEFINED: Kind.UNDEFINED, Fault.ERROR: Kind.ERROR_FRAMES, Fault.FOREIGN: Kind.FOREIGN,
}  # fmt: skip


@dataclass(slots=True)
class Due:
    """What is due of one message, for the words of a finding.

    Attributes:
        bus: its bus.
        name: its name; an identifier where no database has it; empty for a bus as a whole.
        length: bytes of its payload.
        is_fd: whether it is a CAN FD frame.
        cycle_ns: its cycle.
        tolerance_ns: tolerance of the cycle.
        at_least: whether it may come more often.
        protection: E2E profile, empty if it has none.
        counters: how many values its counter takes.
        max_delta: by how much its counter may advance.
        more: whether it stands for further identifiers that no database has.
    """

    bus: str
    name: str
    length: int = 0
    is_fd: bool = False
    cycle_ns: int = 0
    tolerance_ns: int = 0
    at_least: bool = False
    protection: str = ""
    counters: int = 0
    max_delta: int = 0
    more: bool = False

    @property
    def where(self) -> str:
        """Message and bus."""
        return f"{self.name} on {self.bus}" if self.name else self.bus

    @property
    def cycle(self) -> str:
        """The cycle with its tolerance."""
        if self.at_least:
            return f"due at least every {span(self.cycle_ns)} +{span(self.tolerance_ns)}"
        return f"due every {span(self.cycle_ns)} +-{span(self.tolerance_ns)}"


def span(duration_ns: int) -> str:
    """A duration without needless digits: `250 ms`, `2.5 s`, `120 us`."""
    if duration_ns < 1_000_000:
        return f"{duration_ns / 1e3:.6g} us"
    return f"{duration_ns / 1e6:.6g} ms" if duration_ns < 1_000_000_000 else f"{duration_ns / 1e9:.6g} s"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One irregularity.

    Attributes:
        t_ns: when.
        seen: what was seen.
        due: what was due.
    """

    t_ns: int
    seen: str
    due: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one kind at one message.

    Attributes:
        level: what it is worth.
        kind: what was watched.
        bus: the bus.
        message: the message; an identifier where no database has it; empty for error frames.
        what: the finding in one line.
        t_ns: when it was first so.
        count: how often it was.
        first: the first occurrence.
        worst: the worst one; the first where none is worse than another.
    """

    level: Level
    kind: Kind
    bus: str
    message: str
    what: str
    t_ns: int
    count: int
    first: Occurrence
    worst: Occurrence

    def __str__(self) -> str:
        return self.what


class Tally:
    """Occurrences of one fault of one message: the first, the worst, how many."""

    __slots__ = ("count", "fault", "first", "first_ns", "weight", "worst", "worst_ns")

    def __init__(self, fault: Fault, t_ns: int, value: Any, weight: int) -> None:
        self.fault, self.count = fault, 1
        self.first_ns, self.first = t_ns, value
        self.worst_ns, self.worst, self.weight = t_ns, value, weight

    def add(self, t_ns: int, value: Any, weight: int) -> None:
        """One more."""
        self.count += 1
        if weight > self.weight:
            self.worst_ns, self.worst, self.weight = t_ns, value, weight


class Ledger:
    """All findings of a case.

    Args:
        on_finding: told of each finding when it occurs first.
    """

    def __init__(self, on_finding: Callable[[Finding], object] | None = None) -> None:
        self._on_finding = on_finding
        self._entries: dict[tuple[int, Kind], _Entry] = {}

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()

    def note(self, due: Due, levels: Mapping[Kind, Level], fault: Fault, t_ns: int, value: Any, weight: int) -> None:
        """Something was irregular.

        Args:
            due: what was due; of one message always the same object.
            levels: what each kind is worth for this message.
            fault: in which way.
            t_ns: when.
            value: what was seen: of late and early frames the distance to the one before, of others as `_SEEN` reads.
            weight: how bad it was, to compare it with others of this fault.
        """
        kind = KIND_OF[fault]
        if levels[kind] is Level.OFF:
            return
        entry = self._entries.get((id(due), kind))
        if entry is not None:
            entry.add(fault, t_ns, value, weight)
            return
        entry = self._entries[id(due), kind] = _Entry(levels[kind], kind, due, Tally(fault, t_ns, value, weight))
        if self._on_finding is not None:
            self._on_finding(entry.finding())

    def take_back(self, due: Due, fault: Fault) -> None:
        """The last occurrence of a fault is told in another way: a message that had gone came late."""
        entry = self._entries.get((id(due), KIND_OF[fault]))
        tally = entry.tallies.get(fault) if entry is not None else None
        if entry is not None and tally is not None:
            tally.count -= 1
            if not tally.count:
                del entry.tallies[fault]

    def findings(self) -> list[Finding]:
        """All findings, in the order in which they occurred first."""
        found = [entry.finding() for entry in self._entries.values() if entry.tallies]
        return sorted(found, key=lambda each: (each.t_ns, each.bus, each.message, each.kind))


class _Entry:
    __slots__ = ("due", "kind", "level", "tallies")

    def __init__(self, level: Level, kind: Kind, due: Due, tally: Tally) -> None:
        self.level, self.kind, self.due = level, kind, due
        self.tallies = {tally.fault: tally}

    def add(self, fault: Fault, t_ns: int, value: Any, weight: int) -> None:
        tally = self.tallies.get(fault)
        if tally is None:
            self.tallies[fault] = Tally(fault, t_ns, value, weight)
        else:
            tally.add(t_ns, value, weight)

    def finding(self) -> Finding:
        tallies = sorted(self.tallies.values(), key=lambda tally: tally.first_ns)
        leading = tallies[0]
        return Finding(
            level=self.level,
            kind=self.kind,
            bus=self.due.bus,
            message=self.due.name,
            what=f"{self.due.where}: " + "; also ".join(_line(tally, self.due) for tally in tallies),
            t_ns=leading.first_ns,
            count=sum(tally.count for tally in tallies),
            first=Occurrence(leading.first_ns, *_words(leading.fault, leading.first, self.due)),
            worst=Occurrence(leading.worst_ns, *_words(leading.fault, leading.worst, self.due)),
        )


# Words ----------------------------------------------------------------------------------------------------------------


def _line(tally: Tally, due: Due) -> str:
    seen, wanted = _words(tally.fault, tally.first, due)
    text = f"{seen}, {wanted}" if wanted else seen
    when = units.show_time(tally.first_ns)
    if tally.count == 1:
        return f"{text} (at {when})"
    worst = f", worst {_MEASURE[tally.fault](tally.worst)}" if tally.fault in _MEASURE else ""
    return f"{text} (first at {when}, {tally.count} times{worst})"


def _words(fault: Fault, value: Any, due: Due) -> tuple[str, str]:
    """What was seen, and what was due."""
    return _SEEN[fault](value, due), _DUE[fault](due)


def _sequence(value: tuple[int, int | None], due: Due) -> str:
    counter, before = value
    return f"E2E counter {counter}" + (f" after {before}" if before is not None else "")


def _counters(due: Due) -> str:
    further = "1 further" if due.max_delta == 1 else f"at most {due.max_delta} further"
    return f"due {further}, of 0 to {due.counters - 1} ({due.protection})"


def _undefined(data: bytes, due: Due) -> str:
    which = "further identifiers in no database" if due.more else "in no database of this bus"
    return f"{which} ({data.hex(' ').upper() or 'no data'})"


_SEEN: Final[dict[Fault, Callable[[Any, Due], str]]] = {
    Fault.LATE: lambda gap_ns, due: f"{span(gap_ns)} since the frame before",
    Fault.EARLY: lambda gap_ns, due: f"{span(gap_ns)} since the frame before",
    Fault.GONE: lambda last_ns, due: f"came no more after {units.show_time(last_ns)}",
    Fault.MISSING: lambda since_ns, due: f"did not come since {units.show_time(since_ns)}",
    Fault.LENGTH: lambda length, due: f"{length} bytes",
    Fault.FORMAT: lambda _, due: "a classic frame" if due.is_fd else "a CAN FD frame",
    Fault.CRC: lambda data, due: f"wrong checksum in {data.hex(' ').upper()}",
    Fault.SEQUENCE: _sequence,
    Fault.REPEATED: lambda counter, due: f"E2E counter {counter} again",
    Fault.PROTECTION: lambda value, due: f"{value[0]} in {value[1].hex(' ').upper()}",
    Fault.UNDEFINED: _undefined,
    Fault.ERROR: lambda _, due: "error frame",
    Fault.FOREIGN: lambda _, due: "somebody else sends it, though the restbus plays it",
}
_DUE: Final[dict[Fault, Callable[[Due], str]]] = {
    Fault.LATE: lambda due: due.cycle,
    Fault.EARLY: lambda due: due.cycle,
    Fault.GONE: lambda due: due.cycle,
    Fault.MISSING: lambda due: due.cycle,
    Fault.LENGTH: lambda due: f"{due.length} due",
    Fault.FORMAT: lambda due: f"{'CAN FD' if due.is_fd else 'a classic one'} due",
    Fault.CRC: lambda due: f"E2E {due.protection}",
    Fault.SEQUENCE: _counters,
    Fault.REPEATED: _counters,
    Fault.PROTECTION: lambda due: "",
    Fault.UNDEFINED: lambda due: "",
    Fault.ERROR: lambda due: "",
    Fault.FOREIGN: lambda due: "",
}
_MEASURE: Final[dict[Fault, Callable[[Any], str]]] = {
    Fault.LATE: span,
    Fault.EARLY: span,
    Fault.LENGTH: lambda length: f"{length} bytes",
}
"""Faults of which one occurrence is worse than another, and how to say by how much."""

__all__ = ["KIND_OF", "Due", "Fault", "Finding", "Ledger", "Occurrence", "Tally", "span"]
