"""`hil signals`: what a suite may name; with `--lint` what is wrong with the databases that say so."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from cantools.database.can import Message
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hil.bench.config import BenchConfig
from hil.bench.databases import attribute_names, bus_database, read_database
from hil.bench.plan import plan
from hil.can.database import Network, SignalRef, limits
from hil.can.lint import TITLES, Finding, Level, LintBus, as_json, counts, lint, lint_together
from hil.can.loading import Loaded
from hil.can.traits import AttributeNames
from hil.cli.benches import add_bench, load_bench
from hil.cli.tables import print_table
from hil.errors import UsageError
from hil.nearest import did_you_mean

_SHOWN: Final = 10
_COLOURS: Final = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.INFO: "cyan"}
_FD_RATE: Final = 2_000_000
"""Data rate taken for a database with CAN FD whose bus is not known, bit/s."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("pattern", nargs="?", default="", help="part of a name")
    add_bench(parser)
    databases = parser.add_argument_group("databases without a bench")
    databases.add_argument("--database", type=Path, nargs="+", default=[], metavar="FILE", help="databases, one a bus")
    databases.add_argument("--encoding", default="", help="their encoding, where it can't be guessed (cp932)")
    databases.add_argument("--cluster", default="", metavar="NAME", help="the bus, where a file has several")
    databases.add_argument(
        "--attribute", action="append", default=[], metavar="ROLE=NAME", help="which attribute says what"
    )
    databases.add_argument("--bitrate", type=int, default=0, help="bit/s; 500000 unless the database says another")
    databases.add_argument("--data-bitrate", type=int, default=0, help="bit/s of the data phase of CAN FD")
    linting = parser.add_argument_group("lint")
    linting.add_argument("--lint", action="store_true", help="say what is wrong; exit status 1 if anything is")
    linting.add_argument("--all", action="store_true", help=f"show all findings, not {_SHOWN} of each kind")
    linting.add_argument("--json", type=Path, metavar="FILE", help="write the findings to a file too")


def run(arguments: argparse.Namespace) -> int:
    """Print a table of signals, or the findings of lint.

    Raises:
        UsageError: none has that name; a file can't be read.
    """
    if arguments.lint:
        return _lint(arguments)
    if arguments.database:
        buses = _given(arguments)
        network = Network({b.bus.name: b.bus.database for b in buses}, {b.bus.name: b.bus.names for b in buses})
    else:
        network = plan(load_bench(arguments)).network
    _list(network, arguments.pattern)
    return 0


def _list(network: Network, pattern: str) -> None:
    table = Table("signal", "range", "unit", "labels", "sender", "cycle", box=None)
    for bus, message in network.messages():
        cycle = _cycle(network, bus, message)
        for signal in message.signals:
            ref = SignalRef(bus, message, signal)
            if pattern.lower() in str(ref).lower():
                low, high = limits(ref)
                labels, senders = ", ".join(ref.labels), ", ".join(message.senders)
                cells = (str(ref), f"{low:g} to {high:g}", ref.unit, labels, senders, cycle)
                table.add_row(*map(escape, cells))
    if not table.row_count:
        known = [signal.name for _, message in network.messages() for signal in message.signals]
        remedy = did_you_mean(pattern, known, "leave the pattern out to see all.", most=3, quote="")
        raise UsageError(f"no signal has '{pattern}' in its name", remedy=remedy)
    print_table(table)


def _cycle(network: Network, bus: str, message: Message) -> str:
    try:
        cycle_ns = network.traits(bus, message).cycle_ns
    except UsageError:
        return "?"  # --lint says why
    return f"{cycle_ns / 1e6:g} ms" if cycle_ns else "event"


# Databases ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Read:
    """A bus with the file that it was read from."""

    bus: LintBus
    loaded: Loaded
    note: str
    file: str


def _given(arguments: argparse.Namespace) -> list[_Read]:
    """The databases of the command line; a bus is called like its file."""
    names = AttributeNames(_mapping(arguments.attribute))
    taken: dict[str, _Read] = {}
    for path in arguments.database:
        loaded = read_database(path, names, encoding=arguments.encoding, cluster=arguments.cluster)
        bus = path.stem if path.stem not in taken else path.name
        taken[bus] = _of_file(bus, path, loaded, names, arguments)
    return list(taken.values())


def _of_file(bus: str, path: Path, loaded: Loaded, names: AttributeNames, arguments: argparse.Namespace) -> _Read:
    said = loaded.database.buses[0] if loaded.database.buses else None
    bitrate = arguments.bitrate or int(getattr(said, "baudrate", None) or 0) or 500_000
    data_bitrate = arguments.data_bitrate or int(getattr(said, "fd_baudrate", None) or 0) or None
    note = ""
    if data_bitrate is None and any(message.is_fd for message in loaded.database.messages):
        data_bitrate = _FD_RATE
        note = f"has CAN FD messages: taken as {bitrate / 1000:g} kbit/s and {_FD_RATE / 1e6:g} Mbit/s (--data-bitrate)"
    return _Read(LintBus(bus, loaded.database, names, bitrate, data_bitrate), loaded, note, str(path))


def _mapping(given: Sequence[str]) -> dict[str, str]:
    mapping = {}
    for one in given:
        role, equals, name = one.partition("=")
        if not (role and equals and name):
            raise UsageError(
                f"--attribute '{one}' has no role and name", remedy="write --attribute cycle_time=MsgCycle."
            )
        mapping[role] = name
    return mapping


def _of_bench(config: BenchConfig) -> list[_Read]:
    read = []
    for bus, section in config.bus.items():
        loaded = bus_database(config, bus)
        names = attribute_names(section)
        linted = LintBus(bus, loaded.database, names, section.bitrate, section.data_bitrate)
        overlays = config.variant.overlays_of(bus) if config.variant is not None else []
        files = " + ".join(str(path) for path in [config.locate(section.database), *overlays])
        read.append(_Read(linted, loaded, "", files))
    return read


# Lint -----------------------------------------------------------------------------------------------------------------


def _lint(arguments: argparse.Namespace) -> int:
    read = _given(arguments) if arguments.database else _of_bench(load_bench(arguments))
    if not read:
        raise UsageError("this bench has no bus", where=str(arguments.bench), remedy="give --database FILE.")
    console = Console()
    findings: list[Finding] = []
    for one in read:
        found = _of_bus(one)
        _print_bus(console, one, found, arguments.all)
        findings += found
    together = lint_together([one.bus for one in read])
    if together:
        console.print("[bold]all buses together[/]")
        _print_findings(console, together, arguments.all)
    findings += together
    _print_counts(console, findings, len(read))
    if arguments.json:
        _write(arguments.json, findings)
    return 1 if any(finding.level is not Level.INFO for finding in findings) else 0


def _of_bus(read: _Read) -> list[Finding]:
    bus = read.bus
    return lint(bus.name, bus.database, bus.names, bus.bitrate, bus.data_bitrate, read.loaded.tolerated)


def _print_bus(console: Console, read: _Read, findings: Iterable[Finding], everything: bool) -> None:
    messages = read.bus.database.messages
    signals = sum(len(message.signals) for message in messages)
    note = f"; {read.note}" if read.note else ""
    head = f"{read.bus.name}: {read.file}, {len(messages)} messages, {signals} signals{note}"
    console.print(f"[bold]{escape(head)}[/]", soft_wrap=True, highlight=False)
    _print_findings(console, findings, everything)


def _print_findings(console: Console, findings: Iterable[Finding], everything: bool) -> None:
    for (level, rule), group in groupby(findings, key=lambda one: (one.level, one.rule)):
        found = list(group)
        heading = f"  [{_COLOURS[level]}]{level}[/] {escape(TITLES[rule])} ({rule}): {len(found)}"
        remedies = {finding.remedy for finding in found}
        if len(remedies) == 1 and found[0].remedy:
            heading += f" [dim]Remedy: {escape(found[0].remedy)}[/]"
        console.print(heading, soft_wrap=True, highlight=False)
        shown = found if everything else found[:_SHOWN]
        _print_rows(shown, with_remedy=len(remedies) > 1)
        if len(found) > len(shown):
            console.print(f"    and {len(found) - len(shown)} more: --all shows them", highlight=False)


def _print_rows(findings: Iterable[Finding], *, with_remedy: bool) -> None:
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    for finding in findings:
        said = escape(finding.what)
        if with_remedy and finding.remedy:
            said += f" [dim]Remedy: {escape(finding.remedy)}[/]"
        folder, slash, name = finding.where.rpartition("/")
        table.add_row("   ", escape(name if slash else folder or name), said)
    print_table(table)


def _print_counts(console: Console, findings: Iterable[Finding], databases: int) -> None:
    parts = [f"{count} {level}{'' if count == 1 else 's'}" for level, count in counts(findings).items()]
    console.print(f"{', '.join(parts)} in {databases} database{'' if databases == 1 else 's'}", highlight=False)


def _write(path: Path, findings: Iterable[Finding]) -> None:
    try:
        path.write_text(json.dumps(as_json(findings), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"can't be written: {error.strerror}", where=str(path), remedy="name another file.") from error
