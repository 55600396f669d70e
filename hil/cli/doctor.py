"""`hil doctor --bench FILE`: what of a bench is wired and what is missing, a row a port, a remedy for each red one."""

from __future__ import annotations

import argparse

from rich.markup import escape
from rich.table import Table

from hil.bench.checkup import check_up
from hil.cli.benches import add_bench, load_bench
from hil.cli.tables import print_table
from hil.errors import EXIT_STATUS, Verdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add_bench(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 0 if all is well, 3 if something is missing."""
    findings = check_up(load_bench(arguments))
    table = Table("", "part", "found", "remedy", box=None)
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[bold red]missing[/]"
        table.add_row(mark, escape(finding.part), escape(finding.found), escape(finding.remedy))
    print_table(table)
    return 0 if all(finding.ok for finding in findings) else EXIT_STATUS[Verdict.BENCH]
