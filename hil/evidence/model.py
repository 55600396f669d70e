"""What a finished run is, as its journals tell it: frozen data, and the rule by which a case gets its verdict.

Rules of this module: pure data and pure functions; nothing is read here (that does `reader`) and nothing is written.
All times are bench time in integer nanoseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hil.can.frames import CanFrame
from hil.errors import Verdict
from hil.evidence.itself import Itself
from hil.evidence.series import Series
from hil.evidence.signal_table import SignalTable
from hil.evidence.silence import Silent
from hil.journal import Picture

WORST_FIRST: Final = (
    Verdict.FAIL,
    Verdict.BENCH,
    Verdict.USAGE,
    Verdict.INCONCLUSIVE,
    Verdict.NOT_RUN,
    Verdict.PASS,
)
"""The order in which a reader wants to see cases; a requirement is worth its worst case."""
DIED: Final = "the run ended in the middle of this case"
NOT_REACHED: Final = "the run ended before it"
_HIDES_A_FAULT: Final = (Verdict.PASS, Verdict.FAIL, Verdict.NOT_RUN)


@dataclass(frozen=True, slots=True)
class CaseInfo:
    """Who a case is, from its `case` record or from the session's plan."""

    id: str
    name: str = ""
    suite: str = ""
    source: str = ""
    requirements: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    doc: str = ""
    start: str = ""
    seed: str = ""
    runner: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """How a case ended, and why."""

    verdict: Verdict
    message: str = ""
    where: str = ""
    first_cause: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A `fault` record: from here on the case can neither pass nor fail."""

    t_ns: int
    verdict: Verdict
    what: str
    where: str = ""
    remedy: str = ""
    cause: str = ""

    def ruling(self) -> Ruling:
        """What the case ends with because of this fault."""
        message = f"{self.what}\nRemedy: {self.remedy}" if self.remedy else self.what
        return Ruling(self.verdict, message, self.where, self.cause or self.what)


@dataclass(frozen=True, slots=True)
class Step:
    """A keyword or test step; `end_ns` is None if the run died in it."""

    id: int
    parent: int | None
    name: str
    args: tuple[str, ...]
    status: str
    start_ns: int
    end_ns: int | None


@dataclass(frozen=True, slots=True)
class Check:
    """One check, with what it wanted and what it saw; `declared`: the test said that it must fail."""

    t_ns: int
    name: str
    target: str
    expected: str
    seen: str
    ok: bool
    score: float | None
    margin: float | None
    since_ns: int | None
    within_ns: int | None
    origin: str
    bound_ns: int | None
    detail: str
    declared: bool = False
    measured: str = ""
    region: tuple[float, ...] = ()

    @property
    def decided_ns(self) -> int:
        """When it was decided. Its own time is that of the picture, which may be older than the check.

        What did not become so in time is known only when the time is over.
        """
        if self.since_ns is None:
            return self.t_ns
        waited = not self.ok and (self.name == "within" or self.t_ns < self.since_ns)
        return max(self.t_ns, self.since_ns + ((self.within_ns or 0) if waited else 0))


@dataclass(frozen=True, slots=True)
class Line:
    """A console line, a note or another line of text with a time."""

    t_ns: int
    name: str
    direction: str
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """A record of any other kind: diagnosis, MQTT, an update, sound, touch, whatever a bench writes next.

    Attributes:
        t_ns: when it was.
        lane: its kind, with the name of its topic where it has one.
        text: what it says, in one line.
        bad: whether it says of itself that something was wrong.
        until_ns: when it ended, if it took a while.
    """

    t_ns: int
    lane: str
    text: str
    bad: bool = False
    until_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a monitor found, as it stood at the end of the case; `counts`: it fails a case that would have passed."""

    t_ns: int
    text: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Cause:
    """One failure of a case.

    Attributes:
        t_ns: when it was decided; None where only the message tells of it.
        text: what the message, or a monitor, says of it; empty where the check says all.
        check: the check that failed, if it was one.
        times: how often the same failed.
    """

    t_ns: int | None
    text: str = ""
    check: Check | None = None
    times: int = 1


@dataclass(frozen=True, slots=True)
class Lateness:
    """A `health` record: the bench was late or blind."""

    t_ns: int
    what: str
    late_ns: int | None
    allowed_ns: int | None
    from_ns: int | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measured quantity with its samples, its limit and its uncertainty."""

    t_ns: int
    name: str
    unit: str
    samples: tuple[float, ...]
    limit: Mapping[str, Any]
    statistics: Mapping[str, Any]
    uncertainty: Mapping[str, Any]
    kind: str
    ok: bool | None
    source: str


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture that a check used. `name` is `screen` for a whole frame, `screen/region` for a crop."""

    t_ns: int
    name: str
    picture: Picture

    @property
    def is_crop(self) -> bool:
        """Is it one region of the screen only?"""
        return "/" in self.name


def _unknown(frame: CanFrame) -> tuple[str, str]:
    return "", ""


_NO_SIGNALS: Final = SignalTable()


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that a person looks at to understand one case. Bounded: see `thinned` for what was left out.

    `meaning` tells message and signals of one of `frames`, where a database knows it; `table` names the signals of
    which there may be series of the group `wire`; `silent` when messages were
    overdue; `itself` is what the bench measured of itself, `short` the worst of
    it.
    """

    end_ns: int = 0
    focus_ns: int = 0
    steps: tuple[Step, ...] = ()
    series: tuple[Series, ...] = ()
    silent: Mapping[str, tuple[Silent, ...]] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    causes: tuple[Cause, ...] = ()
    console: tuple[Line, ...] = ()
    notes: tuple[Line, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    faults: tuple[Fault, ...] = ()
    health: tuple[Lateness, ...] = ()
    itself: Itself | None = None
    short: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    frames: tuple[CanFrame, ...] = ()
    meaning: Callable[[CanFrame], tuple[str, str]] = _unknown
    table: SignalTable = _NO_SIGNALS
    shots: tuple[Shot, ...] = ()
    thinned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a case. Only `reader`'s listener sees the timeline; a `Run` keeps attempts without it."""

    number: int
    info: CaseInfo
    ruling: Ruling
    duration_ns: int
    folder: Path
    timeline: Timeline = field(default_factory=Timeline)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case with its final verdict: that of the last attempt."""

    info: CaseInfo
    ruling: Ruling
    attempts: tuple[Attempt, ...] = ()

    @property
    def duration_ns(self) -> int:
        """Bench time of the last attempt."""
        return self.attempts[-1].duration_ns if self.attempts else 0


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement with the cases that verify it; `verdict` is their worst, None if there are none."""

    id: str
    title: str
    source: str
    cases: tuple[str, ...]
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run: the facts of run.json as they were found, and every case."""

    facts: Mapping[str, Any]
    cases: tuple[CaseResult, ...]
    requirements: tuple[Requirement, ...]
    finished: bool
    warnings: tuple[str, ...] = ()

    @property
    def mistakes(self) -> tuple[str, ...]:
        """What was wrong in the suites themselves, so that cases may be missing."""
        said = self.facts.get("mistakes")
        return tuple(str(item) for item in said) if isinstance(said, list) else ()

    def verdicts(self) -> dict[Verdict, int]:
        """How many cases ended how; every verdict has an entry."""
        counts = dict.fromkeys(WORST_FIRST, 0)
        for case in self.cases:
            counts[case.ruling.verdict] += 1
        return counts


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The verdict to worry about most; None of none."""
    return min(verdicts, key=WORST_FIRST.index, default=None)


def rule(
    recorded: Ruling | None, faults: Sequence[Fault], *, cut: str | None = None, said: Ruling | None = None
) -> Ruling:
    """The verdict of a case.

    Args:
        recorded: the journal's `verdict` record.
        faults: the journal's faults in order; the first is the cause of the rest.
        cut: what is wrong with the journal's end; None if it has a proper one.
        said: what the session's journal says about the case.
    """
    if recorded is None or cut is not None:
        cause = cut or DIED
        died = faults[0].ruling() if faults else Ruling(Verdict.BENCH, cause, first_cause=cause)
        return _with_claim(died, recorded or said)
    hidden = _hidden_by(recorded, faults)
    if hidden is not None:
        return _with_claim(hidden.ruling(), recorded)
    if said is not None and recorded.verdict is Verdict.PASS and said.verdict is not Verdict.PASS:
        return said
    return recorded


def _hidden_by(recorded: Ruling, faults: Sequence[Fault]) -> Fault | None:
    """The fault that a recorded verdict keeps silent about. A failed check stands beside an inconclusive one."""
    if recorded.verdict not in _HIDES_A_FAULT:
        return None
    counted = [fault for fault in faults if fault.verdict is not Verdict.INCONCLUSIVE]
    return next(iter(faults if recorded.verdict is not Verdict.FAIL else counted), None)


def _with_claim(ruling: Ruling, claim: Ruling | None) -> Ruling:
    if claim is None:
        return ruling
    text = f"{claim.verdict}: {claim.message}" if claim.message else str(claim.verdict)
    message = f"{ruling.message}\n(The case itself had said: {text})"
    return Ruling(ruling.verdict, message, ruling.where, ruling.first_cause)


def rule_without_journal(said: Ruling | None, *, started: bool) -> Ruling:
    """The verdict of a planned case that left no journal."""
    if said is None:
        return Ruling(Verdict.BENCH, DIED, first_cause=DIED) if started else Ruling(Verdict.NOT_RUN, NOT_REACHED)
    if said.verdict is Verdict.PASS:
        return Ruling(Verdict.BENCH, "its journal is missing: a pass without evidence is none")
    return said


def cover(cases: Sequence[CaseResult], known: Iterable[tuple[str, str, str]]) -> tuple[Requirement, ...]:
    """Requirement coverage: those that `known` names (id, title, source), then those that only cases name."""
    verifies: dict[str, list[CaseResult]] = {}
    for case in cases:
        for name in dict.fromkeys(case.info.requirements):
            verifies.setdefault(name, []).append(case)
    texts = {name: (title, source) for name, title, source in known}
    names = [*texts, *sorted(name for name in verifies if name not in texts)]
    return tuple(_requirement(name, texts.get(name, ("", "")), verifies.get(name, ())) for name in names)


def _requirement(name: str, text: tuple[str, str], cases: Sequence[CaseResult]) -> Requirement:
    verdict = worst(case.ruling.verdict for case in cases)
    return Requirement(name, *text, cases=tuple(case.info.id for case in cases), verdict=verdict)
