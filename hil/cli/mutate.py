"""`hil mutate`: switches on each defect of the virtual ECU and sees that some case of its requirement fails.

A defect that no case catches is a hole in the suites; a case that fails without a defect is one too, so the same cases
run once without any.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

from hil.bench.config import DEFAULT_BENCH
from hil.cli.tables import print_table
from hil.ecu.defects import CATALOGUE, Defect, check_names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="Robot or pytest file or folder")
    parser.add_argument("--defect", action="append", default=[], metavar="NAME", help="only this defect")
    parser.add_argument("--bench", type=Path, default=DEFAULT_BENCH, metavar="FILE", help="bench file")
    parser.add_argument("--jobs", type=int, default=2, help="defects tried side by side")


@dataclass(frozen=True, slots=True)
class Caught:
    """What became of a defect: the cases that failed, of how many, and what the run said if it judged nothing."""

    failed: list[str]
    cases: int
    broken: str = ""


def run(arguments: argparse.Namespace) -> int:
    """Print a table; 0 if every defect was caught and nothing fails without one, else 1."""
    names = check_names(arguments.defect) or frozenset(CATALOGUE)
    defects = [defect for defect in CATALOGUE.values() if defect.name in names]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(arguments.jobs) as pool:
        sound = pool.submit(_try, arguments, sorted({d.requirement for d in defects}), "", Path(folder))
        tried = [pool.submit(_try, arguments, [d.requirement], d.name, Path(folder)) for d in defects]
        outcomes = [one.result() for one in tried]
        without = sound.result()
    return _show(defects, outcomes, without)


def _try(arguments: argparse.Namespace, requirements: list[str], defect: str, folder: Path) -> Caught:
    results = folder / (defect or "none")
    command = [sys.executable, "-m", "hil.cli.main", "run", *arguments.suites, "--bench", str(arguments.bench)]
    command += ["--results", str(results)]
    command += [word for requirement in requirements for word in ("--requirement", requirement)]
    command += ["--defect", defect] if defect else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    reports = list(results.glob("*/junit.xml"))
    if not reports:
        return Caught([], 0, ((done.stderr + done.stdout).strip().splitlines() or ["no report"])[-1])
    return _read(reports[0])


def _read(junit: Path) -> Caught:
    cases = ElementTree.parse(junit).getroot().iter("testcase")
    failed, count, broken = [], 0, ""
    for case in cases:
        count += 1
        if case.find("failure") is not None:
            failed.append(case.get("name", ""))
        error = case.find("error")
        if error is not None:
            broken = broken or f"{case.get('name')}: {error.get('message')}"
    return Caught(failed, count, broken)


def _show(defects: list[Defect], outcomes: list[Caught], without: Caught) -> int:
    table = Table("defect", "requirement", "cases", "caught by", box=None)
    good = not without.failed and not without.broken and without.cases > 0
    for defect, caught in zip(defects, outcomes, strict=True):
        good &= bool(caught.failed)
        by = ", ".join(caught.failed) or f"[bold red]not caught[/] {caught.broken}"
        table.add_row(defect.name, defect.requirement, str(caught.cases), by)
    print_table(table)
    console = Console(soft_wrap=True)
    sound = (
        "all pass" if not without.failed and not without.broken else f"[bold red]{without.failed or without.broken}[/]"
    )
    console.print(f"without a defect: {without.cases} cases, {sound}")
    caught_count = sum(bool(caught.failed) for caught in outcomes)
    console.print(f"{caught_count} of {len(defects)} defects caught")
    return 0 if good else 1
