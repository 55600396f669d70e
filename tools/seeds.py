"""Runs the suites on the virtual bench under many seeds: no case may fail without a defect.

    python tools/seeds.py --count 20
    python tools/seeds.py --count 5 --variant brio pytest_suites

Everything is forked from one process that has imported and read all (`hil.cli.trials`), `--jobs` trials side by side.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from hil.bench.session import Settings
from hil.cli.benches import add_bench
from hil.cli.children import suites_of, usable_cores
from hil.cli.listing import collect
from hil.cli.trials import Bench, Heard, Planned, chunks, planned_cases, trial_bench
from hil.errors import HilError, UsageError, Verdict


def main() -> int:
    """0 if every case passed under every seed, 1 if not, 2 if the suites can't be run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="Robot or pytest file or folder")
    add_bench(parser)
    parser.add_argument("--count", type=int, default=20, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=usable_cores(), metavar="N", help="trials side by side (cores)")
    try:
        return asyncio.run(_all(parser.parse_args()))
    except HilError as error:
        print(f"seeds: {error}", file=sys.stderr)
        return 2


async def _all(arguments: argparse.Namespace) -> int:
    suites = suites_of(arguments.suites)
    settings = Settings(bench=str(arguments.bench), variant=arguments.variant)
    slots, failed = asyncio.Semaphore(arguments.jobs), 0
    async with trial_bench(settings, suites) as bench:
        tally, readable = await collect(settings, suites)
        cases = planned_cases(tally)
        if not readable or not cases:
            raise UsageError("the suites can't be read", remedy="'hil run --list' says why.")
        for seed in range(arguments.first, arguments.first + arguments.count):
            parts = (_part(bench, part, str(seed), slots) for part in chunks(cases, arguments.jobs))
            wrong = [line for lines in await asyncio.gather(*parts) for line in lines]
            print(f"seed {seed}: {len(cases)} cases" + "".join(f"\n  {line}" for line in wrong), flush=True)
            failed += bool(wrong)
    print(f"{arguments.count - failed} seeds passed, {failed} failed")
    return int(bool(failed))


async def _part(bench: Bench, cases: list[Planned], seed: str, slots: asyncio.Semaphore) -> list[str]:
    """What was wrong in a part of the cases under one seed."""
    async with slots:
        outcome = await bench.attempt(cases, seed=seed)
    ended = {heard.id for heard in outcome.heard}
    wrong = [_line(heard) for heard in outcome.heard if heard.verdict not in (Verdict.PASS, Verdict.NOT_RUN)]
    lost = [f"{case.id}: did not run" for case in cases if case.id not in ended]
    return wrong + lost + ([outcome.broken] if outcome.broken else [])


def _line(heard: Heard) -> str:
    return f"{heard.id}: {heard.verdict}: {heard.message}"


if __name__ == "__main__":
    sys.exit(main())
