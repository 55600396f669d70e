"""`hil run --list`: the cases of the suites, without a bench."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from hil.bench.case import Selection
from hil.bench.case_words import known_requirements
from hil.bench.session import Settings
from hil.bench.talk import SessionJournal
from hil.cli.children import commands_for
from hil.cli.events import PYTEST_USAGE, ROBOT_USAGE, EventServer, Tally
from hil.cli.no_match import no_match
from hil.cli.notes import notes
from hil.cli.tables import print_table
from hil.errors import UsageError


def list_cases(settings: Settings, suites: list[str]) -> int:
    """Print the selected cases; those that don't apply to the variant with the reason. 2 if a suite has a mistake.

    Raises:
        UsageError: there is none.
    """
    tally, readable = asyncio.run(collect(settings, suites))
    if not tally.planned and not tally.mistakes() and readable:
        raise unmatched(settings, suites)
    cases = sorted(tally.planned.values(), key=lambda one: (one["suite"], one["name"]))
    some_apart = any(case["not_run"] for case in cases)
    table = Table("case", "requirements", "tags", "suite", *(["not run"] if some_apart else []), box=None)
    for case in cases:
        words = [case["name"], " ".join(case["requirements"]), " ".join(case["tags"]), case["suite"]]
        table.add_row(*map(escape, [*words, case["not_run"]][: len(table.columns)]))
    print_table(table)
    lines = [f"hil run: {mistake}" for mistake in tally.mistakes()]
    for line in [*lines, *(f"note: {note}" for note in notes(cases, known_requirements()))]:
        print(line, file=sys.stderr)
    return 2 if tally.mistakes() or not readable else 0


def unmatched(settings: Settings, suites: list[str]) -> UsageError:
    """Why no case is selected; all cases are looked through for that."""
    tally, _ = asyncio.run(collect(replace(settings, selection=Selection()), suites))
    return no_match(settings.selection, suites, list(tally.planned.values()), known_requirements())


async def _collect_one(command: list[str], variables: dict[str, str]) -> bool:
    """Whether a runner could read the suites; what is wrong it says itself."""
    process = await asyncio.create_subprocess_exec(
        *command, env=variables, stdout=subprocess.DEVNULL, stderr=sys.stderr
    )
    return await process.wait() not in (ROBOT_USAGE if command[2] == "robot" else PYTEST_USAGE)


async def collect(settings: Settings, suites: list[str]) -> tuple[Tally, bool]:
    """The cases of the suites that are selected, and whether the runners could read all of the suites."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tally, journal = Tally(), SessionJournal(folder)
        async with EventServer(tally, journal, lambda: None) as server:
            told = replace(settings, folder=name).to_environment()
            variables = os.environ | told | {"HIL_TALK": server.address}
            commands = commands_for(suites, folder, dry=True)
            read = await asyncio.gather(*(_collect_one(command, variables) for command in commands))
            await server.settle()
        journal.close()
    return tally, all(read)
