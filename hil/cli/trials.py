"""Trials: chosen cases on a virtual ECU with chosen defects, forked from a warm process, judged by their events.

A trial runs its Robot cases, then its pytest cases, or the other way round; it may end with the first case that fails.
Its journals are thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from hil.bench.case import Selection
from hil.bench.session import Settings
from hil.bench.talk import SessionJournal
from hil.cli.children import commands_for, runner_of
from hil.cli.events import EventServer, Tally
from hil.cli.warm import NO_THREADS
from hil.clock import wall_ns
from hil.errors import BenchError, Verdict

_END_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Planned:
    """A case as it was collected."""

    id: str
    name: str
    runner: str
    requirements: tuple[str, ...]
    not_run: str


@dataclass(frozen=True, slots=True)
class Heard:
    """How a case ended in a trial, and how long that took on the wall."""

    id: str
    verdict: Verdict
    message: str
    wall_s: float


@dataclass(slots=True)
class Outcome:
    """What became of a trial: its cases as they ended, how long it took, and what broke, if anything."""

    heard: list[Heard] = field(default_factory=list)
    wall_s: float = 0.0
    broken: str = ""

    def with_verdict(self, *verdicts: Verdict) -> list[Heard]:
        """The cases that ended so."""
        return [one for one in self.heard if one.verdict in verdicts]


class _Timed(Tally):
    """A tally that knows when cases began and ended."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Heard] = []
        self._begun_ns: dict[str, int] = {}

    def note(self, event: dict[str, Any]) -> None:
        """Take an event in."""
        Tally.note(self, event)
        case_id = event["id"]
        if event["event"] == "start":
            self._begun_ns[case_id] = wall_ns()
        elif event["event"] == "end":
            wall_s = (wall_ns() - self._begun_ns.get(case_id, wall_ns())) / 1e9
            self.heard.append(Heard(case_id, Verdict(event["verdict"]), event["message"], wall_s))


class Warm:
    """A warm process, and the runs that are forked from it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._count = 0
        self._reader = asyncio.ensure_future(self._read())

    async def run(self, command: list[str], environment: dict[str, str], log: Path) -> int:
        """Fork a run and wait for its end; returns its exit status.

        Raises:
            BenchError: the warm process died.
        """
        assert self._process.stdin is not None
        self._count += 1
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[self._count] = ended
        order = {"run": self._count, "command": command, "environment": environment, "log": str(log)}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return await ended

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            waiting = self._waiting.pop(said.get("ended", 0), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(said["status"])
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(BenchError("the process that trials are forked from died"))

    async def close(self) -> None:
        """End it, and with it what still runs."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _END_WITHIN_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reader


class Bench:
    """Where trials run.

    Args:
        warm: what they are forked from.
        settings: bench, variant, seed.
        suites: files and folders that hold the cases.
        folder: a folder for what they leave meanwhile.
    """

    def __init__(self, warm: Warm, settings: Settings, suites: list[str], folder: Path) -> None:
        self._warm, self._settings, self._suites, self._folder = warm, settings, suites, folder
        self._count = 0

    async def attempt(
        self, cases: Sequence[Planned], *, defects: Iterable[str] = (), seed: str = "", stop_at_first: bool = False
    ) -> Outcome:
        """Run cases; those of the runner whose case comes first begin."""
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        begin_ns, tally = wall_ns(), _Timed()
        settings = replace(
            self._settings,
            defects=tuple(defects),
            seed=seed or self._settings.seed,
            folder=str(folder),
            selection=Selection(ids=tuple(case.id for case in cases)),
            stop_at_first=stop_at_first,
        )
        try:
            await self._run(settings, tally, list(dict.fromkeys(case.runner for case in cases)))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        broken = tally.died or next(iter(tally.usage_errors), "")
        return Outcome(tally.heard, (wall_ns() - begin_ns) / 1e9, broken)

    async def _run(self, settings: Settings, tally: _Timed, runners: list[str]) -> None:
        folder = Path(settings.folder)
        commands = {runner_of(command): _quiet(command) for command in commands_for(self._suites, folder)}
        journal = SessionJournal(folder)
        try:
            async with EventServer(tally, journal, lambda: None) as server:
                variables = {**os.environ, **settings.to_environment(), "HIL_TALK": server.address}
                for runner in runners:
                    if settings.stop_at_first and any(one.verdict is Verdict.FAIL for one in tally.heard):
                        break
                    log = folder / f"{runner}.log"
                    tally.child_ended(runner, await self._warm.run(commands[runner], variables, log), log)
                    await server.settle()
        finally:
            journal.close()


def _quiet(command: list[str]) -> list[str]:
    """Without the runner's own output, which nobody reads."""
    if runner_of(command) != "robot":
        return command
    return [*command[:3], "--output", "NONE", "--log", "NONE", "--report", "NONE", *command[3:]]


@contextlib.asynccontextmanager
async def trial_bench(settings: Settings, suites: list[str]) -> AsyncIterator[Bench]:
    """A bench for trials, with its warm process.

    Raises:
        BenchError: the warm process doesn't come up.
    """
    with tempfile.TemporaryDirectory() as folder:
        variables = {**os.environ, **settings.to_environment(), **NO_THREADS}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hil.cli.warm", env=variables, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        warm = Warm(process)
        try:
            yield Bench(warm, settings, suites, Path(folder))
        finally:
            await warm.close()


def planned_cases(tally: Tally) -> list[Planned]:
    """The cases that a collection found, in the order of the plan."""
    found = ((case_id, tally.planned[case_id]) for case_id in tally.in_order())
    return [Planned(i, c["name"], c["runner"], tuple(c["requirements"]), c["not_run"]) for i, c in found]


def chunks(cases: Sequence[Planned], count: int) -> list[list[Planned]]:
    """The cases in so many parts, dealt out in turn; no part is empty."""
    parts = [list(cases[start::count]) for start in range(count)]
    return [part for part in parts if part]
