"""The child processes of a run at work: one for each runner, and helpers while cores are idle and cases are left.

Rules of this module: at most `jobs` children at once. The first child of a runner announces its cases and writes the
runner's own output; a helper runs what nobody has claimed (`hil.bench.claims`). Which child runs a case changes neither
its verdict nor its journal. A real bench has no helpers: its children take turns on it.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from hil.bench.claims import FOLDER
from hil.bench.session import Settings
from hil.cli.children import RUNNERS, helper_of, runner_of
from hil.cli.events import Tally

_STOP_WITHIN_S: Final = 10.0
_WORTH_A_HELPER: Final = 8
"""So many cases nobody has begun: below, a helper would cost more than it brings."""


@dataclass(slots=True)
class Crew:
    """The children of one run.

    Args:
        commands: the first children, one a runner.
        settings: what they are told.
        variables: their environment.
        folder: the results folder.
        tally: what is known of the run.
        jobs: how many may work at once.
        shared: whether helpers may work on the bench.
    """

    commands: list[list[str]]
    settings: Settings
    variables: Mapping[str, str]
    folder: Path
    tally: Tally
    jobs: int
    shared: bool
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _working: dict[asyncio.Task[None], str] = field(default_factory=dict)
    _helpers: int = 0

    async def work(self) -> None:
        """Run until no child is left."""
        waiting = list(self.commands)
        if self.shared:
            (self.folder / FOLDER).mkdir()
        try:
            while waiting or self._working:
                while waiting and len(self._working) < self.jobs:
                    self._begin(waiting.pop(0), self.settings)
                if not waiting:
                    self._call_helpers()
                await self._next()
        finally:
            shutil.rmtree(self.folder / FOLDER, ignore_errors=True)

    def _begin(self, command: list[str], settings: Settings, number: int = 1) -> None:
        runner = runner_of(command)
        if self.shared:
            settings = replace(settings, claims=str(self.folder / FOLDER))
        log = self.folder / (f"{runner}.log" if number == 1 else f"{runner}-{number}.log")
        task = asyncio.ensure_future(self._child(command, {**self.variables, **settings.to_environment()}, log))
        self._working[task] = runner

    def _call_helpers(self) -> None:
        """Begin a child for the runner that has most left, while cores are idle."""
        while self.shared and len(self._working) < self.jobs:
            left = {runner_of(command): self.tally.left(runner_of(command)) for command in self.commands}
            runner = max(left, key=lambda name: left[name], default="")
            if left.get(runner, 0) < _WORTH_A_HELPER * (1 + self._helpers_of(runner)):
                return
            self._helpers += 1
            first = next(command for command in self.commands if runner_of(command) == runner)
            number = self._helpers + 1
            self._begin(helper_of(first, number), replace(self.settings, announces=False), number)

    def _helpers_of(self, runner: str) -> int:
        """Children that work on a runner's cases beside its first."""
        return max(0, sum(1 for name in self._working.values() if name == runner) - 1)

    async def _next(self) -> None:
        """Wait until a child ended or something is new."""
        self.changed.clear()
        news: asyncio.Task[Any] = asyncio.ensure_future(self.changed.wait())
        try:
            done, _ = await asyncio.wait([news, *self._working], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            for task in self._working:
                task.cancel()
            await asyncio.gather(*self._working, return_exceptions=True)
            raise
        finally:
            news.cancel()
        for task in [task for task in self._working if task in done]:
            del self._working[task]
            task.result()

    async def _child(self, command: list[str], variables: Mapping[str, str], log: Path) -> None:
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *command, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
            try:
                status = await process.wait()
            except asyncio.CancelledError:
                await _stop(process)
                raise
        self.tally.child_ended(runner_of(command), status, log)

    def merge_robot(self) -> subprocess.Popen[bytes] | None:
        """Begin to make one Robot output of those of all children; None if there is but one."""
        folder = self.folder / "robot"
        parts = sorted(folder.glob("part-*.xml"), key=lambda path: int(path.stem.partition("-")[2]))
        if not parts:
            return None
        order = [[one["suite"], one["name"]] for one in self.tally.planned.values() if one["runner"] == RUNNERS[0]]
        command = [sys.executable, "-m", "hil.robot.merging", str(folder), *map(str, parts)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert process.stdin is not None
        process.stdin.write(json.dumps(order).encode())
        process.stdin.close()
        return process


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask a child to end (it leaves its bench safe), then insist."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_WITHIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()
