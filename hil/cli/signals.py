"""`hil signals`: what a suite may name."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path

from rich.table import Table

from hil.bench import config as bench_config
from hil.bench.wiring import plan
from hil.can.database import SignalRef, limits
from hil.cli.tables import print_table
from hil.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("pattern", nargs="?", default="", help="part of a name")
    parser.add_argument("--bench", type=Path, default=bench_config.DEFAULT_BENCH, help="bench file")


def run(arguments: argparse.Namespace) -> int:
    """Print a table of signals.

    Raises:
        UsageError: none has that name.
    """
    network = plan(bench_config.load(arguments.bench)).network
    table = Table("signal", "range", "unit", "labels", "sender", "cycle", box=None)
    for bus, message in network.messages():
        for signal in message.signals:
            ref = SignalRef(bus, message, signal)
            if arguments.pattern.lower() in str(ref).lower():
                low, high = limits(ref)
                cycle = f"{message.cycle_time} ms" if message.cycle_time else "event"
                labels = ", ".join(ref.labels)
                table.add_row(str(ref), f"{low:g} to {high:g}", ref.unit, labels, ", ".join(message.senders), cycle)
    if not table.row_count:
        known = [signal.name for _, message in network.messages() for signal in message.signals]
        near = difflib.get_close_matches(arguments.pattern, known, n=3, cutoff=0.4)
        remedy = f"did you mean {' or '.join(near)}?" if near else "leave the pattern out to see all."
        raise UsageError(f"no signal has '{arguments.pattern}' in its name", remedy=remedy)
    print_table(table)
    return 0
