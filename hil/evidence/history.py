"""What changed from run to run: verdicts, latencies, cases. Pure.

Rules of this module: runs of one bench and one variant are compared, each with the last one before it that had the
same case. A verdict that changed though nothing else did is *not repeatable*: the bench, the test or the ECU is not
deterministic. One that changed with its inputs is named with them. Only what the newest run changed counts for the exit
status.

Not for: judging a run by itself (`model.rule`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from hil.errors import Verdict
from hil.evidence.runs import RunRecord
from hil.evidence.summary import CaseSummary, LatencySummary
from hil.latency.drift import Shift, holm, shift

LEVEL: Final = 0.01
LEAST_SHIFT: Final = 0.02
_BAD: Final = (Verdict.PASS, Verdict.NOT_RUN, Verdict.INCONCLUSIVE, Verdict.USAGE, Verdict.BENCH, Verdict.FAIL)


class Kind(StrEnum):
    """What a change is."""

    NOT_REPEATABLE = "not repeatable"
    REGRESSION = "regression"
    MENDED = "mended"
    SLOWER = "slower"
    FASTER = "faster"
    NEW = "new case"
    GONE = "case gone"


WORSE: Final = (Kind.NOT_REPEATABLE, Kind.REGRESSION, Kind.SLOWER, Kind.GONE)
"""A verdict that changes by itself is bad news in either direction: neither of the two can be believed."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a run changed, against an earlier one."""

    kind: Kind
    case: str
    name: str
    before: str
    after: str
    why: str
    earlier: str
    later: str
    newest: bool

    @property
    def worse(self) -> bool:
        """Does it count for the exit status?"""
        return self.newest and self.kind in WORSE


@dataclass(frozen=True, slots=True)
class Series:
    """The runs of one bench and variant, the oldest first, and what changed in them."""

    bench: tuple[str, str]
    runs: tuple[RunRecord, ...]
    changes: tuple[Change, ...]

    def verdicts(self) -> dict[str, list[CaseSummary | None]]:
        """Each case with its verdict in each run; None where it wasn't part of it."""
        found = [{case.id: case for case in run.summary.cases} for run in self.runs]
        ids = dict.fromkeys(case for cases in reversed(found) for case in cases)
        return {case: [cases.get(case) for cases in found] for case in ids}

    def latencies(self) -> dict[tuple[str, str], list[LatencySummary | None]]:
        """Each measurement with its samples in each run."""
        found = [{(item.case, item.name): item for item in run.summary.latencies} for run in self.runs]
        keys = dict.fromkeys(key for items in reversed(found) for key in items)
        return {key: [items.get(key) for items in found] for key in keys}


def not_compared(series: Series) -> str:
    """Which cases have no counterpart to be compared with, in words; empty if all have one."""
    *earlier, newest = ({case.id for case in run.summary.cases} for run in series.runs)
    before: set[str] = set().union(*earlier)
    if not before & newest:
        return f"none of its {_cases(len(newest))} stands in an earlier run, so that nothing is compared"
    strange, left = len(newest - before), len(before - newest)
    said = [f"{strange} of its {_cases(len(newest))} {_stand(strange)} in no earlier run"] if strange else []
    said += [f"{_cases(left)} of earlier runs {'is' if left == 1 else 'are'} not in it"] if left else []
    return f"{'; '.join(said)}: not compared" if said else ""


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count} cases"


def _stand(count: int) -> str:
    return "stands" if count == 1 else "stand"


def histories(runs: Sequence[RunRecord], *, last: int, least_shift: float = LEAST_SHIFT) -> list[Series]:
    """The series of some runs, each cut to its last ones."""
    benches: dict[tuple[str, str], list[RunRecord]] = {}
    for run in runs:
        benches.setdefault(run.bench, []).append(run)
    return [_series(bench, mine[-last:], least_shift) for bench, mine in sorted(benches.items())]


def _series(bench: tuple[str, str], runs: Sequence[RunRecord], least_shift: float) -> Series:
    bare = Series(bench, tuple(runs), ())
    changes = [*_verdict_changes(bare), *_drifts(bare, least_shift), *_comings_and_goings(bare)]
    return Series(bench, tuple(runs), tuple(sorted(changes, key=_order)))


def _order(change: Change) -> tuple[bool, bool, int, str]:
    return not change.worse, not change.newest, list(Kind).index(change.kind), change.case


def _verdict_changes(series: Series) -> Iterator[Change]:
    for cases in series.verdicts().values():
        earlier: tuple[RunRecord, CaseSummary] | None = None
        for run, case in zip(series.runs, cases, strict=True):
            if case is None or _never_reached(run, case):
                continue
            if earlier is not None and earlier[1].verdict is not case.verdict:
                yield _verdict_change(*earlier, run, case, newest=run is series.runs[-1])
            earlier = run, case


def _never_reached(run: RunRecord, case: CaseSummary) -> bool:
    """A run that was stopped says nothing of the cases behind."""
    return not run.summary.finished and case.verdict is Verdict.NOT_RUN


def _verdict_change(
    before: RunRecord, was: CaseSummary, after: RunRecord, case: CaseSummary, *, newest: bool
) -> Change:
    inputs = changed_inputs(before.inputs, after.inputs)
    worse = _BAD.index(case.verdict) > _BAD.index(was.verdict)
    kind = (Kind.REGRESSION if worse else Kind.MENDED) if inputs else Kind.NOT_REPEATABLE
    why = f"changed with {listed(inputs)}" if inputs else "all inputs are equal"
    said = case.message.partition("\n")[0] if worse else was.message.partition("\n")[0]
    text = f"{why}; {said}" if said else why
    names = before.folder.name, after.folder.name
    return Change(kind, case.id, case.name, str(was.verdict), str(case.verdict), text, *names, newest)


def changed_inputs(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The names of all inputs that differ; versions with both values."""
    names = [name for name in dict.fromkeys((*before, *after)) if before.get(name, "") != after.get(name, "")]
    return [_named(name, before.get(name, ""), after.get(name, "")) for name in names]


def _named(name: str, before: str, after: str) -> str:
    is_hash = max(len(before), len(after)) >= 40
    return name if is_hash else f"{name} ({before or 'none'} → {after or 'none'})"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two runs of one measurement."""

    before: RunRecord
    after: RunRecord
    old: LatencySummary
    new: LatencySummary
    found: Shift


def _drifts(series: Series, least_shift: float) -> Iterator[Change]:
    """Latencies of the newest run against those of the run before and of the oldest run."""
    pairs = [pair for items in series.latencies().values() for pair in _pairs(series.runs, items)]
    significant = holm([pair.found.p for pair in pairs], LEVEL)
    for pair, counts in zip(pairs, significant, strict=True):
        median = float(np.median(pair.old.samples))
        if counts and abs(pair.found.by) >= least_shift * abs(median):
            yield _drift(pair)


def _pairs(runs: Sequence[RunRecord], items: Sequence[LatencySummary | None]) -> Iterator[_Pair]:
    there = [(run, item) for run, item in zip(runs, items, strict=True) if item is not None and item.samples]
    if len(there) < 2 or there[-1][0] is not runs[-1]:
        return
    run, new = there[-1]
    for before, old in {id(pair[0]): pair for pair in (there[-2], there[0])}.values():
        found = shift(old.samples, new.samples)
        if found is not None and old.unit == new.unit:
            yield _Pair(before, run, old, new, found)


def _drift(pair: _Pair) -> Change:
    found, unit, inputs = pair.found, pair.new.unit, changed_inputs(pair.before.inputs, pair.after.inputs)
    was, now = (f"{float(np.median(item.samples)):.4g} {unit}" for item in (pair.old, pair.new))
    why = (
        f"shift {found.by:+.3g} {unit} (95 %: {found.low:+.3g} to {found.high:+.3g}), p {_probability(found.p)}, "
        f"{len(pair.old.samples)} and {len(pair.new.samples)} samples; "
        + (f"changed with {listed(inputs)}" if inputs else "all inputs are equal")
    )
    kind = Kind.SLOWER if found.by > 0 else Kind.FASTER
    names = pair.before.folder.name, pair.after.folder.name
    return Change(kind, pair.new.case, pair.new.name, was, now, why, *names, newest=True)


def _probability(p: float) -> str:
    """A probability as far down as the normal approximation can be trusted."""
    return "< 1e-9" if p < 1e-9 else f"= {p:.1g}"


def _comings_and_goings(series: Series) -> Iterator[Change]:
    """Cases of the newest run against the last one that was asked for the same cases."""
    newest = series.runs[-1]
    asked = [run for run in series.runs[:-1] if run.selection == newest.selection and run.summary.finished]
    if not asked or not newest.summary.finished:
        return
    before = asked[-1]
    old, new = ({case.id: case for case in run.summary.cases} for run in (before, newest))
    names = before.folder.name, newest.folder.name
    for case in (case for case in new.values() if case.id not in old):
        yield Change(Kind.NEW, case.id, case.name, "", str(case.verdict), "", *names, newest=True)
    for case in (case for case in old.values() if case.id not in new):
        why = "nothing verifies now what it verified"
        yield Change(Kind.GONE, case.id, case.name, str(case.verdict), "", why, *names, newest=True)
