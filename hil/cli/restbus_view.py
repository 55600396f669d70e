"""What `hil restbus` shows: its tables as lines of text for a given width. Pure: snapshots in, lines out.

Rules of this module: every line is one row of the terminal, cut and never wrapped; columns have fixed widths, so that
figures stand still while they change. Times are milliseconds where the heading says so. A message is never moved by
what happens to it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from hil.can import database
from hil.can.database import SignalRef, limits
from hil.can.frames import show_id
from hil.cli.restbus_prompt import COMMANDS
from hil.cli.restbus_watch import BusFigures, Part, Row, Snapshot
from hil.clock import NS_PER_S
from hil.units import show_duration

FAULT: Final = "bold red"
WARN: Final = "yellow"
DIM: Final = "bright_black"
HEAD: Final = "bold"
_BUS: Final = "reverse"
FRESH: Final = "bold cyan"
FRESH_NS: Final = 2 * NS_PER_S
"""A value that changed less than this ago is shown in colour."""
FAULTS: Final = "faults"
"""The pattern that selects messages with a fault on."""
_MOST_NAME: Final = 28
_MOST_VALUE: Final = 24
_NUMBER: Final = 9
_OFF_BY: Final = 0.1
"""A mean that is off by more than this part of the cycle is shown in colour."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of figures, right-aligned."""

    head: str
    width: int


_FIGURES: Final = (_Column("due ms", 6), _Column("is ms", 6), _Column("worst", 6), _Column("count", 7))
_LATE: Final = _Column("late", 6)


@dataclass(frozen=True, slots=True)
class Columns:
    """The widths of the message table for the rows that it shows.

    Attributes:
        width: of the whole line.
        name: of the message's name.
        can_id: of the identifier.
        wide: whether lateness and E2E profile have room.
    """

    width: int
    name: int
    can_id: int
    wide: bool

    @classmethod
    def fit(cls, rows: Sequence[Row], width: int) -> Columns:
        """Widths for these rows; the last column takes what is left."""
        longest = max((len(row.name) for row in rows), default=0)
        can_id = max((len(show_id(row.can_id, row.flags)) for row in rows), default=5)
        return cls(width, min(max(longest, 12), _MOST_NAME, max(12, width // 4)), can_id, width >= 84)

    def head(self) -> Text:
        """The heading."""
        line = Text(f" {'message':<{self.name}} {'id':<{self.can_id}}", style=HEAD)
        for column in self.figures:
            line.append(f" {column.head:>{column.width}}")
        line.append(f"{' e2e' if self.wide else ''} last values")
        return cut(line, self.width)

    @property
    def figures(self) -> tuple[_Column, ...]:
        """The columns of figures that have room."""
        return (*_FIGURES, _LATE) if self.wide else _FIGURES


@dataclass(frozen=True, slots=True)
class Table:
    """Something to look at, of which only what is looked at is made.

    Attributes:
        head: the line that stays above it.
        count: of the lines below.
        part: makes the lines from one on that have room.
    """

    head: Text
    count: int
    part: Callable[[int, int], list[Text]]

    @property
    def lines(self) -> list[Text]:
        """All of it."""
        return [self.head, *self.part(0, self.count)]


def table_of(head: Text, lines: Sequence[Text], width: int) -> Table:
    """A table of lines that are there already."""
    cells = [cut(Text(" ").append_text(line), width) for line in lines]
    return Table(cut(head, width), len(cells), lambda first, room: cells[first : first + room])


# Messages -------------------------------------------------------------------------------------------------------------


def chosen(snapshot: Snapshot, pattern: str) -> list[Row]:
    """The rows that a pattern selects.

    Several patterns may be given; each is looked for in the message's name, its identifier, its bus and its senders:
    with `*` or `?` as a whole, else as a part. If none of these has it, messages with such a signal are meant.
    """
    if pattern == FAULTS:
        return [row for row in snapshot.rows if row.faults]
    words = [word.lower() for word in pattern.split()]
    if not words:
        return list(snapshot.rows)
    found = [row for row in snapshot.rows if any(_matches(word, _names(row)) for word in words)]
    return found or [row for row in snapshot.rows if any(_matches(word, _signals(row)) for word in words)]


def _names(row: Row) -> list[str]:
    senders = [] if row.message is None else row.message.senders
    return [row.name, f"{row.bus}::{row.name}", show_id(row.can_id, row.flags), row.bus, *senders]


def _signals(row: Row) -> list[str]:
    return [] if row.message is None else [signal.name for signal in row.message.signals]


def _matches(word: str, names: Iterable[str]) -> bool:
    if any(sign in word for sign in "*?["):
        return any(fnmatch.fnmatchcase(name.lower(), word) for name in names)
    return any(word in name.lower() for name in names)


_Item = BusFigures | Part | Row


def messages(snapshot: Snapshot, pattern: str, width: int) -> Table:
    """The messages that a pattern selects: of each bus what the bench sends, then what real nodes send."""
    rows = chosen(snapshot, pattern)
    columns = Columns.fit(rows, width)
    if not rows:
        nothing = f"nothing matches '{pattern}'" if pattern else "this bench has no messages"
        return table_of(columns.head(), [Text("no fault is on" if pattern == FAULTS else nothing, style=DIM)], width)
    items = [item for bus in snapshot.buses for item in _items(bus, rows)]

    def part(first: int, room: int) -> list[Text]:
        return [_item_line(item, columns, snapshot) for item in _below_its_bus(items, first, room)]

    return Table(columns.head(), len(items), part)


def _items(bus: BusFigures, rows: Sequence[Row]) -> list[_Item]:
    """The lines of one bus."""
    items: list[_Item] = []
    for title in Part:
        of_part = [row for row in rows if row.bus == bus.name and row.part is title]
        items += [*([title] if of_part and title.value else []), *of_part]
    return [bus, *items] if items else []


def _below_its_bus(items: Sequence[_Item], first: int, room: int) -> list[_Item]:
    """The lines from `first` on that have room; the first of them makes room for its bus, where that is further up."""
    above = [item for item in items[: first + 1] if isinstance(item, BusFigures)]
    return [*above[-1:], *items[first + len(above[-1:]) : first + room]]


def _item_line(item: _Item, columns: Columns, snapshot: Snapshot) -> Text:
    if isinstance(item, BusFigures):
        return _bus_line(item, columns.width)
    if isinstance(item, Part):
        return cut(Text(f" {item.value}", style="italic"), columns.width)
    return row_line(columns, item, snapshot)


def _bus_line(bus: BusFigures, width: int) -> Text:
    line = Text("", style=_BUS)
    line.append(f" {bus.name}", style=HEAD)
    line.append(f"  {_rates(bus)}")
    if bus.frames_per_s is not None:
        line.append(f"  {bus.frames_per_s:.0f} frames/s")
    if bus.load is not None:
        line.append(f"  load {100 * bus.load:.1f} %")
    if bus.network:
        line.append(f"  NM: {bus.network}")
    if bus.state:
        line.append(f"  {bus.state}", style=FAULT)
    if bus.error_frames:
        line.append(f"  {bus.error_frames} error frames", style=FAULT)
    return cut(line, width, fill=True)


def _rates(bus: BusFigures) -> str:
    rates = [bus.section.bitrate, bus.section.data_bitrate]
    shown = [f"{rate // 1000} kbit/s" if rate < 1_000_000 else f"{rate / 1e6:g} Mbit/s" for rate in rates if rate]
    return " + ".join(shown)


def row_line(columns: Columns, row: Row, snapshot: Snapshot) -> Text:
    """One message."""
    quiet = row.played and not snapshot.running
    line = Text(" ", style=DIM if quiet else "")
    line.append(_fit(row.name or "?", columns.name), style="" if row.message else WARN)
    line.append(f" {show_id(row.can_id, row.flags):<{columns.can_id}}")
    for column, (figure, style) in zip(columns.figures, _figures_of(row), strict=False):
        line.append(f" {figure:>{column.width}}", style=style)
    if columns.wide:
        line.append(f" {row.profile:<3}")
    line.append(" ")
    room = columns.width - line.cell_len
    return cut(line + _last_column(row, snapshot, room), columns.width)


def _figures_of(row: Row) -> list[tuple[str, str]]:
    """Text and style of each column of figures."""
    off = row.due_ns and row.mean_ns is not None and abs(row.mean_ns - row.due_ns) > _OFF_BY * row.due_ns
    worst = row.due_ns and row.worst_ns > (1 + _OFF_BY) * row.due_ns
    return [
        (_due(row), ""),
        ("-" if row.mean_ns is None else show_ms(row.mean_ns), WARN if off else ""),
        (show_ms(row.worst_ns) if row.worst_ns else "-", WARN if worst else ""),
        (show_count(row.count), ""),
        (show_ms(row.late_ns) if row.played else "", WARN if row.due_ns and row.late_ns > row.due_ns else ""),
    ]


def _due(row: Row) -> str:
    return f"{row.due_ns / 1e6:.5g}" if row.due_ns else "event" if row.message else "-"


def _last_column(row: Row, snapshot: Snapshot, room: int) -> Text:
    line = Text()
    for fault in row.faults:
        line.append(fault, style=FAULT).append("  ")
    for note in row.notes:
        line.append(note, style=WARN).append("  ")
    for name, value, fresh in values_of(row, snapshot.t_ns):
        if line.cell_len > room:
            break
        line.append(f"{name} " if name else "", style=FRESH if fresh else DIM)
        line.append(value, style=FRESH if fresh else "").append("  ")
    return line


def values_of(row: Row, now_ns: int) -> Iterable[tuple[str, str, bool]]:
    """Of each signal its name, its value and whether it has just changed; those that changed last come first."""
    if row.message is None:
        yield "", row.data.hex(" ").upper(), False
        return
    order = {signal.name: number for number, signal in enumerate(row.message.signals)}
    names = [name for name in row.raw if name in order and name not in row.hidden]
    for name in sorted(names, key=lambda name: (-row.changed_ns.get(name, -1), order[name])):
        since_ns = now_ns - row.changed_ns[name] if name in row.changed_ns else FRESH_NS
        value = database.show(SignalRef(row.bus, row.message, row.message.get_signal_by_name(name)), row.raw[name])
        yield name.removeprefix(f"{row.name}_"), str(value), since_ns < FRESH_NS


# Signals --------------------------------------------------------------------------------------------------------------


def signals(snapshot: Snapshot, pattern: str, width: int) -> Table:
    """Signals in whose name, or whose message's name, the pattern is: value now, range, labels."""
    words = [word.lower() for word in pattern.split()]
    found = [(row, ref) for row in snapshot.rows for ref in _refs(row)]
    found = [(row, ref) for row, ref in found if not words or any(_matches(word, _spellings(ref)) for word in words)]
    names = max((len(str(ref)) for _, ref in found), default=0)
    values = min(max((_widest(ref) for _, ref in found), default=0), _MOST_VALUE)
    head = cut(Text(f" {'signal':<{names}}  {'value':<{values}}  range, labels", style=HEAD), width)
    if not found:
        return table_of(head, [Text(f"no signal matches '{pattern}'", style=DIM)], width)

    def part(first: int, room: int) -> list[Text]:
        return [cut(_signal_line(row, ref, names, values), width) for row, ref in found[first : first + room]]

    return Table(head, len(found), part)


def _signal_line(row: Row, ref: SignalRef, names: int, values: int) -> Text:
    low, high = limits(ref)
    line = Text().append(f" {ref!s:<{names}}  ").append(_fit(_value(row, ref), values), style=FRESH)
    line.append(f"  {low:g} to {high:g} {ref.unit}".rstrip())
    return line.append(f"  {', '.join(ref.labels)}" if ref.labels else "", style=DIM)


def _widest(ref: SignalRef) -> int:
    """Room that its values need: its longest label, or a number with its unit."""
    return max(_NUMBER + len(ref.unit), *map(len, ref.labels), 0)


def _refs(row: Row) -> list[SignalRef]:
    message = row.message
    return [] if message is None else [SignalRef(row.bus, message, signal) for signal in message.signals]


def _spellings(ref: SignalRef) -> list[str]:
    return [ref.signal.name, f"{ref.message.name}.{ref.signal.name}", str(ref)]


def _value(row: Row, ref: SignalRef) -> str:
    raw = row.raw.get(ref.signal.name)
    return "-" if raw is None or not (row.played or row.count) else str(database.show(ref, raw))


# Help -----------------------------------------------------------------------------------------------------------------


def commands(name: str, width: int) -> Table:
    """All commands, or one."""
    shown = [COMMANDS[name]] if name else list(COMMANDS.values())
    usage = max(len(command.usage) for command in shown)
    lines = [Text().append(f"{command.usage:<{usage}}  ", style="cyan").append(command.does) for command in shown]
    return table_of(Text(" commands; 'show' goes back to the messages", style=HEAD), lines, width)


# The end --------------------------------------------------------------------------------------------------------------


def summary(snapshot: Snapshot, width: int) -> list[Text]:
    """What was achieved: of each message the mean of all its cycles."""
    rows = [row for row in snapshot.rows if row.count or row.played]
    columns = Columns.fit(rows, width)
    head = f" {'message':<{columns.name}} {'id':<{columns.can_id}} {'due ms':>8} {'mean ms':>9} {'worst ms':>9}"
    lines = [Text(f"{head} {'count':>8} {'late ms':>8}", style=HEAD)]
    for bus in snapshot.buses:
        of_bus = [row for row in rows if row.bus == bus.name]
        lines += [_bus_line(bus, width), *(Text(_summary_line(row, columns)) for row in of_bus)]
    return [*(cut(line, width) for line in lines), Text(f" {last_words(snapshot)}")]


def _summary_line(row: Row, columns: Columns) -> str:
    mean = "-" if row.whole_mean_ns is None else f"{row.whole_mean_ns / 1e6:.3f}"
    worst = f"{row.worst_ns / 1e6:.3f}" if row.worst_ns else "-"
    late = f"{row.late_ns / 1e6:.3f}" if row.played else ""
    name, can_id = _fit(row.name or "?", columns.name), show_id(row.can_id, row.flags)
    line = f" {name} {can_id:<{columns.can_id}} {_due(row):>8} {mean:>9} {worst:>9} {row.count:>8} {late:>8}"
    return f"{line}  {', '.join((*row.faults, *row.notes))}"


def last_words(snapshot: Snapshot) -> str:
    """One line on how well the bench kept up."""
    sent = sum(row.count for row in snapshot.rows if row.own)
    heard = sum(row.count for row in snapshot.rows if not row.own)
    worst_ns = max((row.late_ns for row in snapshot.rows), default=0)
    late = f"{snapshot.late_frames} of them later than allowed" if snapshot.late_frames else "none later than allowed"
    ran = f"{snapshot.t_ns / 1e9:.1f} s: {sent} frames sent, {heard} heard"
    return f"{ran}; worst lateness {show_duration(worst_ns)}, {late}"


def facts(snapshot: Snapshot, floods: Mapping[str, str], power: str) -> list[tuple[str, str]]:
    """What stands above the table, each with its style.

    Args:
        snapshot: how everything stands.
        floods: bus -> what floods it.
        power: how the supplies were switched last; empty if they are left alone.
    """
    broken = sum(bool(row.faults) for row in snapshot.rows)
    found = [("restbus on", "green") if snapshot.running else ("restbus off", WARN)]
    if snapshot.ignition:
        found.append((f"ignition {snapshot.ignition}", "default"))
    if power:
        found.append((f"power {power}", "default" if power == "on" else WARN))
    if broken:
        found.append((f"{broken} message{'s' if broken > 1 else ''} with a fault", FAULT))
    found += [(f"{bus} flooded with {what}", FAULT) for bus, what in floods.items()]
    if snapshot.late_frames:
        found.append((f"{snapshot.late_frames} frames too late", WARN))
    return found


# Figures and cells ----------------------------------------------------------------------------------------------------


def show_ms(duration_ns: float) -> str:
    """A duration in milliseconds in at most six characters; from 100 s on in seconds."""
    ms = duration_ns / 1e6
    if ms >= 99_999:
        return f"{ms / 1000:.0f} s"
    return f"{ms:.{0 if ms >= 999 else 1 if ms >= 99 else 2}f}"


def show_count(count: int) -> str:
    """A count in at most seven characters."""
    return str(count) if count < 10_000_000 else f"{count / 1e6:.1f} M"


def _fit(text: str, width: int) -> str:
    return f"{text:<{width}}" if len(text) <= width else f"{text[: width - 1]}…"


def cut(line: Text, width: int, *, fill: bool = False) -> Text:
    """The line in at most this width; filled up to it where asked."""
    line.rstrip()
    line.truncate(width, overflow="ellipsis", pad=fill)
    line.no_wrap = True
    return line
