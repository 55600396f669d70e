"""`hil run`: selects cases, runs Robot and pytest as child processes on one bench, shows progress, makes the report.

The children work on cases and write journals; this process owns the results folder, the locks, the session's journal
and the verdict of the whole. A child that dies takes only its running case with it: that case is a bench fault, and
what it had not begun is not run. Children run side by side; a real bench they use in turns (`Session`).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Coroutine
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from hil.bench.case import Selection
from hil.bench.case_words import known_requirements
from hil.bench.facts import amend_run_json, write_run_json
from hil.bench.lock import ResourceLocks
from hil.bench.plan import Plan, plan
from hil.bench.session import DEFAULT_SEED, Settings, new_folder
from hil.bench.talk import SessionJournal
from hil.cli.benches import add_bench, load_bench
from hil.cli.children import RUNNERS, commands_for, runner_of, suites_of, usable_cores
from hil.cli.crew import Crew
from hil.cli.events import EventServer, Tally
from hil.cli.notes import notes
from hil.cli.progress import Progress
from hil.clock import utc_now, wall_ns
from hil.errors import EXIT_STATUS, UsageError, Verdict, exit_status


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="Robot or pytest file or folder")
    add_bench(parser)
    parser.add_argument("--results", default="results", metavar="DIR", help="where the results folder is made")
    parser.add_argument("--name", action="append", default=[], metavar="PATTERN", help="cases by name (wildcards)")
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="cases with this tag")
    parser.add_argument("--without-tag", action="append", default=[], metavar="TAG", help="no cases with this tag")
    parser.add_argument("--requirement", action="append", default=[], metavar="ID", help="cases that verify it")
    parser.add_argument("--seed", default=DEFAULT_SEED, help="seed of all randomness: any text")
    parser.add_argument("--defect", action="append", default=[], metavar="NAME", help="defect of the virtual ECU")
    parser.add_argument("--jobs", type=int, metavar="N", help="cases that run side by side on a virtual bench (cores)")
    parser.add_argument("--no-report", action="store_true", help="leave the page to 'hil report' (slow machines)")
    parser.add_argument("--list", action="store_true", help="list the selected cases, run nothing")


@dataclass(slots=True)
class Run:
    """One run, on its way."""

    made: Plan
    settings: Settings
    suites: list[str]
    folder: Path
    commands: list[list[str]]
    jobs: int
    report: bool = True
    tally: Tally = field(default_factory=Tally)
    crew: Crew | None = None


def run(arguments: argparse.Namespace) -> int:
    """Run the suites; returns the exit status.

    Raises:
        UsageError: bench file, database, layout, suite path or selection is wrong.
        BenchError: another run holds the bench.
    """
    started_ns = wall_ns()
    made = plan(load_bench(arguments), arguments.defect)
    suites = suites_of(arguments.suites)
    if arguments.list:
        return _list(arguments, suites)
    jobs = _jobs(arguments.jobs, made)
    locks = ResourceLocks(made.resources, f"hil run on bench '{made.config.bench.name}'")
    locks.acquire()
    try:
        folder = new_folder(arguments.results, made.config.bench.name)
        settings, commands = _settings(arguments, folder), commands_for(suites, folder)
        current = Run(made, settings, suites, folder, commands, jobs, not arguments.no_report)
        write_run_json(folder, made, arguments.seed, _options(arguments), suites=suites)
        with Progress(current.tally, made.config.bench.name, map(runner_of, commands)) as progress:
            _interruptible(_supervise(current, locks.environment(), progress))
    finally:
        locks.release()
    return _finish(current, started_ns)


def _jobs(asked: int | None, made: Plan) -> int:
    """How many children may work at once. On a real bench one for each runner; they take turns."""
    if asked is not None and asked < 1:
        raise UsageError("less than one job does nothing", where="--jobs", remedy="give 1 or more.")
    if made.config.is_virtual:
        return asked or usable_cores()
    if (asked or 1) > 1:
        mend = "leave --jobs out: cases run one after another there."
        raise UsageError("a real bench can't be shared", where=f"--jobs {asked}", remedy=mend)
    return len(RUNNERS)


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    keep = ("suites", "name", "tag", "without_tag", "requirement", "defect", "results", "variant")
    return {key: getattr(arguments, key) for key in keep}


def _settings(arguments: argparse.Namespace, folder: Path) -> Settings:
    return Settings(
        bench=str(arguments.bench),
        results=arguments.results,
        seed=arguments.seed,
        defects=tuple(arguments.defect),
        variant=arguments.variant,
        selection=_selection(arguments),
        folder=str(folder),
    )


def _selection(arguments: argparse.Namespace) -> Selection:
    return Selection(
        names=tuple(arguments.name),
        tags=tuple(arguments.tag),
        without_tags=tuple(arguments.without_tag),
        requirements=tuple(arguments.requirement),
    )


async def _supervise(run_: Run, environment: dict[str, str], progress: Progress) -> None:
    journal = SessionJournal(run_.folder)
    changed = asyncio.Event()

    def on_change() -> None:
        progress.update()
        changed.set()

    try:
        async with EventServer(run_.tally, journal, on_change) as server:
            variables = os.environ | environment | {"HIL_TALK": server.address}
            run_.crew = _crew(run_, variables, changed)
            work: list[Coroutine[Any, Any, Any]] = [run_.crew.work()]
            if run_.report:
                work.append(asyncio.to_thread(import_module, "hil.evidence.report"))
            await asyncio.gather(*work)
            await server.settle()
        journal.say("finished", "")
    finally:
        journal.close()
        if journal.lost is not None:
            run_.tally.died = run_.tally.died or str(journal.lost)


def _crew(run_: Run, variables: dict[str, str], changed: asyncio.Event) -> Crew:
    shared = run_.made.config.is_virtual and run_.jobs > 1
    return Crew(run_.commands, run_.settings, variables, run_.folder, run_.tally, run_.jobs, shared, changed)


def _stop_once(task: asyncio.Future[None]) -> None:
    if isinstance(task, asyncio.Task) and not task.cancelling():
        task.cancel()


def _interruptible(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end; a signal stops it, so that no child is left behind. A second one can't hasten that."""

    async def run_main() -> None:
        task = asyncio.ensure_future(main)
        if os.name != "nt":
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, _stop_once, task)
        await task

    try:
        asyncio.run(run_main())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _finish(run_: Run, started_ns: int) -> int:
    tally = run_.tally
    if not tally.planned:
        shutil.rmtree(run_.folder)
    for mistake in dict.fromkeys(tally.usage_errors):
        print(f"hil run: {mistake}", file=sys.stderr)
    if not tally.planned and tally.usage_errors:
        return 2
    if not tally.planned:
        raise _unmatched(run_)
    for line in notes(tally.planned.values(), known_requirements()):
        print(f"note: {line}")
    wall_s = (wall_ns() - started_ns) / 1e9
    mistakes = list(dict.fromkeys(tally.usage_errors))
    facts: dict[str, Any] = {"mistakes": mistakes} if mistakes else {}
    amend_run_json(run_.folder, finished_utc=utc_now().isoformat(timespec="seconds"), wall_s=round(wall_s, 3), **facts)
    if not run_.report:
        print(f"journals: {run_.folder}")
        return whole_status(exit_status(verdict for verdict, _ in tally.ended.values()), tally)
    from hil.evidence.report import make_report

    merging = run_.crew.merge_robot() if run_.crew is not None else None
    report = make_report(run_.folder, jobs=usable_cores())
    if merging is not None:
        merging.wait()
    print(f"evidence: {run_.folder / 'index.html'}")
    return whole_status(report.exit_status, tally)


def whole_status(reported: int, tally: Tally) -> int:
    """The exit status of the cases; a mistake in the suites or a child that died counts too."""
    if tally.died:
        print(f"hil run: {tally.died}", file=sys.stderr)
    if reported == 2 or tally.usage_errors:
        return 2
    return EXIT_STATUS[Verdict.BENCH] if tally.died else reported


def _unmatched(run_: Run) -> UsageError:
    from hil.cli.listing import unmatched

    return unmatched(run_.settings, run_.suites)


def _list(arguments: argparse.Namespace, suites: list[str]) -> int:
    from hil.cli.listing import list_cases

    settings = Settings(bench=str(arguments.bench), variant=arguments.variant, selection=_selection(arguments))
    return list_cases(settings, suites)
