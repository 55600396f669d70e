"""`hil report RESULTS`: the evidence again, from the journals alone."""

from __future__ import annotations

import argparse
from pathlib import Path

from hil.cli.children import usable_cores
from hil.errors import UsageError
from hil.evidence.report import make_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("results", type=Path, metavar="RESULTS", help="a results folder, e.g. results/<UTC>-virtual")
    parser.add_argument(
        "--traces",
        choices=("failed", "all", "none"),
        default="failed",
        help="which cases get a trace.blf: those that did not pass (default), all, none",
    )


def run(arguments: argparse.Namespace) -> int:
    """Make page, JUnit and traces; returns the exit status that the run's verdicts give.

    Raises:
        UsageError: the folder holds no run.
    """
    folder: Path = arguments.results
    if not (folder / "session.mcap").exists() and not (folder / "tests").is_dir():
        raise UsageError("holds no run", where=str(folder), remedy="give a folder that 'hil run' made.")
    report = make_report(folder, traces=arguments.traces, jobs=usable_cores())
    print(f"{folder / 'index.html'}")
    return report.exit_status
