"""What `hil trace` shows of a log: its head, a table of its buses, a table of its messages, and progress."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from cantools.database.can import Message
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from hil.can.frames import show_id
from hil.can.log_frames import split_key
from hil.can.logs import Log
from hil.can.trace_names import Names
from hil.can.trace_stats import ChannelStatistics, MessageStatistics, TraceStatistics
from hil.cli.tables import print_table
from hil.cli.trace import Job
from hil.errors import UsageError
from hil.units import show_duration

_NAMED: Final = 12
"""How many names a line lists."""


@contextlib.contextmanager
def progress(log: Log, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """A bar on stderr where that is a terminal; gives what moves it."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda: None
        return
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(escape(log.path.name), total=log.size)
        yield lambda: bar.update(task, completed=log.position, description=f"{log.frames} frames")


def show(job: Job, statistics: TraceStatistics) -> None:
    """Print head and tables."""
    for line in [_head(job.log), *job.names.mapping.said(job.log.channels)]:
        print(line)
    print()
    channels = sorted(statistics.channels(), key=lambda one: _order(job.names, one.channel))
    print_table(_bus_table(job, channels))
    for line in _gaps(job.names, channels):
        print(line)
    print(f"bus load of exact frame lengths, peak over 100 ms; {job.rates}")
    print()
    messages = sorted(statistics.messages(), key=lambda one: _order(job.names, split_key(one.key)[0]))
    print_table(_message_table(job.names, messages))
    for line in _missing(job.names, messages):
        print(line)


def _head(log: Log) -> str:
    channels = "1 channel" if len(log.channels) == 1 else f"{len(log.channels)} channels"
    date = ""
    if log.start_ns is not None:
        begin = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=log.start_ns // 1000)
        date = f", from {begin:%Y-%m-%d %H:%M:%S}.{begin.microsecond // 1000:03d} UTC"
    whole = "" if not log.damage.ending else " (it was cut)"
    return f"{log.path.name}: {log.kind}, {log.frames} frames on {channels} in {log.last_ns / 1e9:.3f} s{date}{whole}"


def _order(names: Names, channel: int) -> list[tuple[int, str]]:
    """Sorts channels as people do: can2 before can10."""
    parts = re.split(r"(\d+)", names.channel(channel))
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _at(t_ns: int) -> str:
    return f"{t_ns / 1e9:.3f} s"


def _bus_table(job: Job, channels: list[ChannelStatistics]) -> Table:
    table = Table(
        "bus", "channel", "frames", "frames/s", "mean load", "peak load", "error frames", "remote", "gaps", box=None
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for one in channels:
        load = one.load
        table.add_row(
            escape(job.names.bus(one.channel)),
            escape(job.names.channel(one.channel)),
            str(one.frames),
            f"{one.per_second:.0f}",
            f"{load.mean:.1%}",
            f"{load.peak:.1%} at {_at(load.peak_at_ns)}",
            str(one.errors),
            str(one.remote),
            str(one.gap_count),
        )
    return table


def _gaps(names: Names, channels: list[ChannelStatistics]) -> list[str]:
    return [
        f"{names.bus(one.channel)}: no frame for {show_duration(gap.length_ns)} from {_at(gap.begin_ns)} on"
        for one in channels
        for gap in one.gaps
    ]


_TIMES: Final = ("due ms", "min", "median", "mean", "p95", "max", "off", "longest at")


def _message_table(names: Names, messages: list[MessageStatistics]) -> Table:
    table = Table("message", "id", "bus", "frames", "first", "last", *_TIMES, "remarks", box=None)
    for column in table.columns[3:-1]:
        column.justify = "right"
    for one in messages:
        channel, can_id, flags = split_key(one.key)
        bus, message = names.message(one.key)
        name = message.name if message is not None else ""
        times = _at(int(one.t_ns[0])), _at(int(one.t_ns[-1]))
        remarks = _remarks(one, message, known=names.known(channel))
        shown = (escape(name), show_id(can_id, flags), escape(bus), str(one.count))
        table.add_row(*shown, *times, *_cycle(one, _due_ns(names, bus, message)), remarks)
    return table


def _due_ns(names: Names, bus: str, message: Message | None) -> int:
    """The cycle that the database states; 0 if it states none."""
    if message is None:
        return 0
    try:
        return names.network.traits(bus, message).cycle_ns
    except UsageError:
        return (message.cycle_time or 0) * 1_000_000


def _cycle(one: MessageStatistics, due_ns: int) -> list[str]:
    cycle = one.cycle()
    due = f"{due_ns / 1e6:g}" if due_ns else ""
    if cycle is None:
        return [due, *[""] * (len(_TIMES) - 1)]
    figures = (cycle.min_ns, cycle.median_ns, cycle.mean_ns, cycle.p95_ns, cycle.max_ns)
    off = str(one.off_cycle(due_ns)) if due_ns else ""
    return [due, *(f"{figure / 1e6:.2f}" for figure in figures), off, _at(cycle.longest.begin_ns)]


def _remarks(one: MessageStatistics, message: Message | None, *, known: bool) -> str:
    remarks = []
    if message is None and known:
        remarks.append("not in the database")
    if message is not None and (wrong := one.wrong_length(message.length)):
        seen = ", ".join(str(length) for length in sorted(one.lengths) if length != message.length)
        frames = "1 frame" if wrong == 1 else f"{wrong} frames"
        remarks.append(f"{frames} of {seen} instead of {message.length} bytes")
    if one.remote:
        remarks.append(f"{one.remote} remote")
    return "; ".join(remarks)


def _missing(names: Names, messages: list[MessageStatistics]) -> list[str]:
    """The messages of each database that never came, where any of its bus did."""
    seen = {(bus, message.name) for bus, message in map(names.message, (one.key for one in messages)) if message}
    there = {names.bus(split_key(one.key)[0]) for one in messages}
    lines = []
    for bus in names.network.databases:
        absent = [one.name for of, one in names.network.messages() if of == bus and (bus, one.name) not in seen]
        if bus in there and absent:
            more = f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else ""
            lines.append(f"{bus}: never seen: {', '.join(absent[:_NAMED])}{more}")
    return lines
