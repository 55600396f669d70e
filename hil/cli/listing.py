"""`hil run --list`: the cases of the suites, without a bench."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.table import Table

from hil.bench.case import Selection
from hil.bench.session import Settings
from hil.bench.talk import SessionJournal
from hil.cli.children import commands_for
from hil.cli.events import EventServer, Tally
from hil.cli.tables import print_table


def list_cases(selection: Selection, suites: list[str], bench: Path) -> int:
    """Print the selected cases."""
    with tempfile.TemporaryDirectory() as folder:
        tally = asyncio.run(_collect(selection, suites, bench, Path(folder)))
    table = Table("case", "requirements", "tags", "suite", box=None)
    for case in sorted(tally.planned.values(), key=lambda one: (one["suite"], one["name"])):
        table.add_row(case["name"], " ".join(case["requirements"]), " ".join(case["tags"]), case["suite"])
    print_table(table)
    return 0


async def _collect_one(command: list[str], variables: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, env=variables, stdout=subprocess.DEVNULL, stderr=sys.stderr
    )
    await process.wait()


async def _collect(selection: Selection, suites: list[str], bench: Path, folder: Path) -> Tally:
    tally, journal = Tally(), SessionJournal(folder)
    settings = Settings(bench=str(bench), selection=selection, folder=str(folder))
    async with EventServer(tally, journal, lambda: None, folder) as server:
        variables = os.environ | settings.to_environment() | {"HIL_TALK": server.address}
        await asyncio.gather(*(_collect_one(command, variables) for command in commands_for(suites, folder, dry=True)))
        await server.settle()
    journal.close()
    return tally
