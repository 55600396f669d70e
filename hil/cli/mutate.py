"""`hil mutate`: switches on each defect of the virtual ECU and sees that some case fails.

A defect that no case catches is a hole in the suites; a case that fails without a defect is one too, so each case that
is to catch one must pass without any. A defect is tried on the cases of its requirement first and on all others only if
none of these catches it; the first that fails ends the trial. `--matrix` runs every case for every defect. `--cases`
finds for each case a defect that makes it fail, and looks among those of its requirements first.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from hil.bench.session import DEFAULT_SEED, Settings, prepare
from hil.bench.variant import Variant, why_not
from hil.cli.benches import add_bench, load_bench
from hil.cli.children import suites_of, usable_cores
from hil.cli.listing import collect
from hil.cli.mutate_baseline import read_baseline
from hil.cli.mutate_table import Seen, Tried, print_cases, print_result, write
from hil.cli.trials import Bench, Heard, Outcome, Planned, chunks, planned_cases, trial_bench
from hil.ecu.defects import CATALOGUE, Defect, check_names
from hil.errors import UsageError, Verdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="Robot or pytest file or folder")
    parser.add_argument("--defect", action="append", default=[], metavar="NAME", help="only this defect")
    add_bench(parser)
    parser.add_argument("--jobs", type=int, default=usable_cores(), metavar="N", help="trials side by side (cores)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--matrix", action="store_true", help="run all cases for every defect")
    what.add_argument("--cases", action="store_true", help="find for each case a defect that makes it fail")
    parser.add_argument(
        "--out", type=Path, action="append", default=[], metavar="FILE", help="write .md, .csv or .html"
    )
    parser.add_argument(
        "--baseline", type=Path, metavar="RESULTS",
        help="a run of the same without a defect: its cases are not run again",
    )  # fmt: skip
    parser.add_argument("--seed", default=DEFAULT_SEED, help="seed of all randomness")


@dataclass(slots=True)
class Mutation:
    """All that becomes of one call.

    Attributes:
        cases: the cases of the suites that apply to the variant.
        without: how they ended without a defect, as far as they were needed.
        tried: what became of each defect.
        left_out: defects that the variant can't have, and why.
    """

    cases: list[Planned]
    without: dict[str, Heard] = field(default_factory=dict)
    tried: list[Tried] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    broken: str = ""

    @property
    def unsound(self) -> list[Heard]:
        """Cases that don't pass without a defect."""
        return [heard for heard in self.without.values() if heard.verdict not in (Verdict.PASS, Verdict.NOT_RUN)]

    @property
    def good(self) -> bool:
        """Every defect was caught, and nothing fails without one."""
        return self._is_sound and all(tried.caught for tried in self.tried)

    @property
    def all_fail(self) -> bool:
        """Every case was seen failing with some defect, and none without."""
        return self._is_sound and len(self.failing) == len(self.sound)

    @property
    def _is_sound(self) -> bool:
        return not self.unsound and not self.broken and bool(self.without)

    @property
    def sound(self) -> list[Planned]:
        """The cases that pass without a defect, the shortest first; no other can catch one."""
        passed = {i: heard.wall_s for i, heard in self.without.items() if heard.verdict is Verdict.PASS}
        return sorted((case for case in self.cases if case.id in passed), key=lambda case: passed[case.id])

    @property
    def failing(self) -> dict[str, Seen]:
        """Case -> the defect that made it fail; one of its own requirements where there is one."""
        seen: dict[str, Seen] = {}
        for tried in self.tried:
            for one in tried.heard:
                if one.verdict is Verdict.FAIL and (one.id not in seen or one.id in tried.own):
                    seen[one.id] = Seen(tried.defect, one.id in tried.own)
        return seen


def run(arguments: argparse.Namespace) -> int:
    """Print a table; 0 if every defect was caught and nothing fails without one, else 1.

    Raises:
        UsageError: an argument is wrong, or the bench has no virtual ECU of its own.
    """
    config = load_bench(arguments)
    _check(arguments, virtual=config.is_virtual)
    names = check_names(arguments.defect) or frozenset(CATALOGUE)
    defects = [defect for defect in CATALOGUE.values() if defect.name in names]
    suites = suites_of(arguments.suites)
    settings = Settings(bench=str(arguments.bench), variant=arguments.variant, seed=arguments.seed)
    known = _baseline(arguments, settings, suites)
    result = asyncio.run(_mutate(settings, suites, defects, config.variant, arguments, known))
    if arguments.cases:
        failing = result.failing
        print_cases(
            [(case.name, case.requirements, failing.get(case.id)) for case in result.sound], _sound_text(result)
        )
    else:
        print_result(result.tried, result.left_out, _sound_text(result), matrix=arguments.matrix)
    for path in arguments.out:
        write(path, result.tried, {case.id: case.name for case in result.cases}, matrix=arguments.matrix)
    return 0 if (result.all_fail if arguments.cases else result.good) else 1


def _baseline(arguments: argparse.Namespace, settings: Settings, suites: list[str]) -> dict[str, Heard]:
    if arguments.baseline is None:
        return {}
    return read_baseline(arguments.baseline, prepare(settings), settings.seed, suites)


def _check(arguments: argparse.Namespace, *, virtual: bool) -> None:
    if not virtual:
        mend = "use a bench with a virtual clock; on others 'hil run --defect' tries one defect."
        raise UsageError("defects are tried on a virtual bench", where=str(arguments.bench), remedy=mend)
    if not hasattr(os, "fork"):
        raise UsageError("this system can't fork", where="hil mutate", remedy="use Linux or macOS.")
    if arguments.jobs < 1:
        raise UsageError("less than one job does nothing", where="--jobs", remedy="give 1 or more.")
    for path in arguments.out:
        if path.suffix not in (".md", ".csv", ".html"):
            raise UsageError(f"'{path.suffix}' is no kind of table", where=str(path), remedy="use .md, .csv or .html.")


async def _mutate(
    settings: Settings,
    suites: list[str],
    defects: list[Defect],
    variant: Variant | None,
    asked: argparse.Namespace,
    known: dict[str, Heard],
) -> Mutation:
    async with trial_bench(settings, suites) as bench:
        tally, readable = await collect(settings, suites)
        if tally.mistakes() or not readable:
            raise UsageError(
                next(iter(tally.mistakes()), "the suites can't be read"), remedy="'hil run --list' says more."
            )
        result = Mutation([case for case in planned_cases(tally) if not case.not_run])
        result.without |= {case.id: known[case.id] for case in result.cases if case.id in known}
        work = _Work(
            bench,
            result,
            asked.jobs,
            lambda text: Console(soft_wrap=True).print(text, style="dim", highlight=False, markup=False),
        )
        there = [defect for defect in defects if not _left_out(result, defect, variant)]
        way = work.matrix if asked.matrix else work.each_case if asked.cases else work.first_catch
        await way(there)
    result.tried.sort(key=lambda tried: list(CATALOGUE).index(tried.defect))
    return result


def _left_out(result: Mutation, defect: Defect, variant: Variant | None) -> str:
    """Why a variant can't have a defect; noted."""
    reason = why_not(variant, defect.needs)
    if reason:
        result.left_out[defect.name] = reason
    return reason


def family(requirement: str) -> str:
    """What a requirement's number stands behind: `CLU-TT` of `CLU-TT-001`."""
    return requirement.rpartition("-")[0]


class _Work:
    """The trials of one call, so many side by side."""

    def __init__(self, bench: Bench, result: Mutation, jobs: int, say: Callable[[str], object]) -> None:
        self._bench, self._result, self._jobs, self._say = bench, result, jobs, say
        self._slots = asyncio.Semaphore(jobs)

    async def first_catch(self, defects: Sequence[Defect]) -> None:
        """Try each defect on the cases of its requirement, and where none catches it on all others."""
        wanted = {defect.requirement for defect in defects}
        await self._without([case for case in self._result.cases if wanted & set(case.requirements)])
        await self._together(self._try(defect, self._own(defect)) for defect in defects)
        missed = {tried.defect for tried in self._result.tried if not tried.caught}
        if missed:
            await self._without(self._result.cases)
            await self._together(self._go_on(CATALOGUE[name]) for name in sorted(missed))

    async def matrix(self, defects: Sequence[Defect]) -> None:
        """Try each defect on all cases."""
        await self._without(self._result.cases)
        cases = self._result.sound
        await self._together(self._try(defect, cases, everything=True) for defect in defects)

    async def each_case(self, defects: Sequence[Defect]) -> None:
        """Try defects until each case has failed once: on the cases of their requirement, of its family, on all others.

        In the last round the defects that made most cases fail come first.
        """
        await self._without(self._result.cases)
        self._say("cases of the defect's requirement ...")
        await self._together(self._try_open(defect, str) for defect in defects)
        self._say("cases of its family of requirements ...")
        await self._together(self._try_open(defect, family) for defect in defects)
        self._say("all others ...")
        broad = Counter(seen.defect for seen in self._result.failing.values())
        order = sorted(defects, key=lambda defect: -broad[defect.name])
        await self._together(self._try_open(defect, None) for defect in order)

    async def _try_open(self, defect: Defect, kind: Callable[[str], str] | None) -> None:
        """Those that have not failed yet and have a requirement of the defect's kind."""
        tried = {one.id for before in self._result.tried if before.defect == defect.name for one in before.heard}
        gone = tried | self._result.failing.keys()
        alike = [
            case for case in self._result.sound
            if case.id not in gone and (kind is None or kind(defect.requirement) in map(kind, case.requirements))
        ]  # fmt: skip
        if alike:
            self._keep(defect, await self._bench.attempt(alike, defects=[defect.name]))
            failing = self._result.failing
            names = ", ".join(case.name for case in alike if case.id in failing)
            left = len(self._result.sound) - len(failing)
            self._say(f"{defect.name}, {len(alike)} cases: {names or 'none'} failed; {left} have not failed yet")

    async def _together(self, work: Iterable[Awaitable[None]]) -> None:
        async def one(piece: Awaitable[None]) -> None:
            async with self._slots:
                await piece

        await asyncio.gather(*(one(piece) for piece in work))

    async def _without(self, cases: Sequence[Planned]) -> None:
        """See how cases end without a defect, where that isn't known yet."""
        cases = [case for case in cases if case.id not in self._result.without]
        if cases:
            self._say(f"{len(cases)} cases without a defect ...")
            await self._together(self._run_without(part) for part in chunks(cases, 2 * self._jobs))

    async def _run_without(self, cases: Sequence[Planned]) -> None:
        outcome = await self._bench.attempt(cases)
        self._result.without |= {heard.id: heard for heard in outcome.heard}
        lost = [case.name for case in cases if case.id not in self._result.without]
        self._result.broken = self._result.broken or outcome.broken or (f"{lost[0]} did not run" if lost else "")

    def _own(self, defect: Defect) -> list[Planned]:
        return [case for case in self._result.cases if defect.requirement in case.requirements]

    async def _try(self, defect: Defect, cases: Iterable[Planned], *, everything: bool = False) -> None:
        asked = {case.id for case in cases}
        sound = [case for case in self._result.sound if case.id in asked]
        outcome = Outcome()
        if sound:
            outcome = await self._bench.attempt(sound, defects=[defect.name], stop_at_first=not everything)
        kept = self._keep(defect, outcome)
        if kept.caught:
            self._say(f"{defect.name}: caught by {kept.caught[0].name} after {kept.wall_s:.1f} s")

    async def _go_on(self, defect: Defect) -> None:
        """All cases that are not of its requirement."""
        own = {case.id for case in self._own(defect)}
        await self._try(defect, (case for case in self._result.cases if case.id not in own))

    def _keep(self, defect: Defect, outcome: Outcome) -> Tried:
        names = {case.id: case.name for case in self._result.cases}
        before = next((tried for tried in self._result.tried if tried.defect == defect.name), None)
        if before is None:
            before = Tried(defect.name, defect.requirement, own=frozenset(case.id for case in self._own(defect)))
            self._result.tried.append(before)
        before.add(outcome, names)
        return before


def _sound_text(result: Mutation) -> str:
    names = {case.id: case.name for case in result.cases}
    wrong = [f"{names.get(heard.id, heard.id)}: {heard.verdict}: {heard.message}" for heard in result.unsound]
    if result.broken:
        wrong.append(result.broken)
    return f"without a defect: {len(result.without)} cases, " + ("all pass" if not wrong else "; ".join(wrong))
