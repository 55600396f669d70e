"""Decoded frames for people and for spreadsheets: lines, and rows of a table.

Rules of this module: pure. A line is a frame: time, bus, message, its signals. A row of a table has the last value of
every signal: a row whenever one changes, or one at every step of a grid. Before its first frame a signal's cell is
empty. Labels stand for numbers where the value table has one, unless numbers are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from cantools.database.can import Message, Signal

from hil.can.columns import Column, MessageDecoder, Table, with_data
from hil.can.frames import ERROR, REMOTE, show_id
from hil.can.log_frames import Array, Frames, groups, split_key
from hil.can.log_text import csv_text, kind_of, show_ns
from hil.can.trace_names import Names
from hil.can.trace_select import SignalChoice
from hil.errors import UsageError
from hil.units import canonical

MOST_ROWS: Final = 10_000_000
"""A grid with more rows is a mistake: a step too short, or a stamp that is wrong by years."""


class _Decoders:
    """Decodes the signals that are chosen, message by message."""

    def __init__(self, names: Names, choice: SignalChoice) -> None:
        self._names, self._choice = names, choice
        self._made: dict[int, tuple[MessageDecoder, list[Signal]] | None] = {}

    def tables(self, block: Frames) -> Iterator[tuple[int, Array, Table, list[Signal]]]:
        """For each message of a block: its key, its rows, its table, its chosen signals."""
        carrying = np.flatnonzero((block.flags & (ERROR | REMOTE)) == 0)
        for key, numbers in groups(with_data(block).keys()):
            made = self._of(key)
            if made is not None:
                rows = carrying[numbers]
                yield key, rows, made[0].decode(block.data[rows], block.length[rows]), made[1]

    def _of(self, key: int) -> tuple[MessageDecoder, list[Signal]] | None:
        if key not in self._made:
            bus, message = self._names.message(key)
            signals = self._choice.signals(bus, message) if message is not None else []
            self._made[key] = (MessageDecoder(message), signals) if message is not None and signals else None
        return self._made[key]


class DecodedLines:
    """A line for each frame that has a chosen signal; every frame if none were chosen by name.

    Args:
        names: what the frames are called.
        choice: which signals are shown.
        every: show frames without a message too.
        numbers: show numbers instead of labels.
    """

    def __init__(self, names: Names, choice: SignalChoice, *, every: bool, numbers: bool) -> None:
        self._names, self._every, self._numbers = names, every, numbers
        self._decoders = _Decoders(names, choice)
        known = [(len(bus), len(message.name)) for bus, message in names.network.messages()]
        self._bus_width = max([bus for bus, _ in known] or [1])
        self._name_width = min(max([name for _, name in known] or [10]), 28)

    def lines(self, block: Frames) -> list[str]:
        """The lines of a block, in the order of its frames, with their ends."""
        lines: list[str | None] = [None] * len(block)
        if self._every:
            self._plain(block, lines)
        for key, rows, table, signals in self._decoders.tables(block):
            bus, message = self._names.message(key)
            shown = self._signals(table, signals)
            short = set(table.short.tolist())
            for index, row in enumerate(rows.tolist()):
                if shown[index] or self._every:
                    said = ", ".join(shown[index]) + (" (short)" if index in short else "")
                    lines[row] = self._line(int(block.t_ns[row]), bus, message.name if message else "", said)
        return [line for line in lines if line is not None]

    def _plain(self, block: Frames, lines: list[str | None]) -> None:
        """Frames as they are: identifier and bytes."""
        for row, (t_ns, channel, can_id, flags, _, data) in enumerate(block.rows()):
            what = kind_of(flags) if flags & (ERROR | REMOTE) else data.hex(" ").upper()
            shown = "" if flags & ERROR else show_id(can_id, flags)
            lines[row] = self._line(t_ns, self._names.bus(channel), shown, what)

    def _line(self, t_ns: int, bus: str, name: str, said: str) -> str:
        return f"{t_ns / 1e9:12.6f}  {bus:<{self._bus_width}}  {name:<{self._name_width}}  {said}".rstrip() + "\n"

    def _signals(self, table: Table, signals: Sequence[Signal]) -> list[list[str]]:
        """For each payload what its signals say."""
        shown: list[list[str]] = [[] for _ in range(table.count)]
        for signal in signals:
            column = table.columns[signal.name]
            rows = range(table.count) if column.rows is None else column.rows.tolist()
            unit = canonical(signal.unit or "")
            for row, text in zip(rows, texts(column, numbers=self._numbers, unit=unit), strict=True):
                shown[row].append(f"{signal.name} = {text}")
        return shown


def texts(column: Column, *, numbers: bool, unit: str = "", digits: int = 10) -> list[str]:
    """The values of a column: its label, or the number with its unit."""
    behind = f" {unit}" if unit else ""
    physical = column.physical
    if physical.dtype == np.float64:
        shown = [f"{value:.{digits}g}{behind}" for value in physical.tolist()]
    else:
        shown = [f"{value}{behind}" for value in physical.tolist()]
    if numbers or not column.signal.choices:
        return shown
    labels = column.labels
    return [labels.names[code] if code >= 0 else text for code, text in zip(labels.codes.tolist(), shown, strict=True)]


class SignalRows:
    """Makes a CSV table of signals over time.

    Args:
        names: what the frames are called.
        choice: which signals are columns.
        step_ns: distance of the rows; None: a row for each change.
        from_ns: where a grid begins.
        numbers: numbers instead of labels.

    Attributes:
        rows: how many rows were made.

    Raises:
        UsageError: no signal is chosen.
    """

    def __init__(self, names: Names, choice: SignalChoice, *, step_ns: int | None, from_ns: int, numbers: bool) -> None:
        self.rows = 0
        self._names, self._numbers, self._step_ns = names, numbers, step_ns
        self._decoders = _Decoders(names, choice)
        self._columns = _columns(names, choice)
        if not self._columns:
            raise UsageError("no signal is chosen", where="--decode", remedy="leave --only out, or choose others.")
        self._cells = [""] * len(self._columns)
        self._last: dict[tuple[str, str, str], object] = {}
        self._next_ns, self._end_ns = from_ns, from_ns

    def head(self) -> str:
        """The names of the columns, with units."""
        return ",".join(["time_s", *(csv_text(title) for _, title in self._columns.values())]) + "\n"

    def lines(self, block: Frames) -> Iterator[str]:
        """The rows that a block completes.

        Raises:
            UsageError: a grid would have too many rows.
        """
        rows, places, values = self._changes(block)
        order = np.argsort(rows, kind="stable")
        times = block.t_ns[rows[order]].tolist()
        at = rows[order].tolist()
        for index, number in enumerate(order.tolist()):
            if self._step_ns is not None:
                yield from self._grid(times[index])
            self._cells[places[number]] = values[number]
            whole = index + 1 == len(at) or at[index + 1] != at[index]
            if self._step_ns is None and whole:
                yield self._row(times[index])
        self._end_ns = max(self._end_ns, int(block.t_ns.max(initial=self._end_ns)))

    def tail(self) -> Iterator[str]:
        """The rows of a grid up to the end of the log."""
        if self._step_ns is not None:
            yield from self._grid(self._end_ns + 1)

    def _grid(self, before_ns: int) -> Iterator[str]:
        """The rows that lie before a time."""
        step_ns = self._step_ns or 1
        if self.rows + (before_ns - self._next_ns) // step_ns > MOST_ROWS:
            what = f"a grid up to {before_ns / 1e9:.0f} s has more than {MOST_ROWS} rows"
            raise UsageError(what, where="--step", remedy="choose a longer step, or a part with --from and --to.")
        while self._next_ns < before_ns:
            yield self._row(self._next_ns)
            self._next_ns += step_ns

    def _row(self, t_ns: int) -> str:
        self.rows += 1
        return f"{show_ns(t_ns)},{','.join(self._cells)}\n"

    def _changes(self, block: Frames) -> tuple[Array, list[int], list[str]]:
        """Of every signal the frames in which it changed: row, column, what it became."""
        rows: list[Array] = []
        places: list[int] = []
        values: list[str] = []
        for key, of_message, table, signals in self._decoders.tables(block):
            bus, message = self._names.message(key)
            self._names.only_channel(bus, split_key(key)[0])
            for signal in signals:
                name = bus, message.name if message is not None else "", signal.name
                column = table.columns[signal.name]
                changed = self._changed(name, column)
                rows.append(of_message[changed if column.rows is None else column.rows[changed]])
                places += [self._columns[name][0]] * len(changed)
                values += _cells(column, changed, numbers=self._numbers)
        return (np.concatenate(rows) if rows else np.zeros(0, np.int64)), places, values

    def _changed(self, name: tuple[str, str, str], column: Column) -> Array:
        """Where a signal isn't what it was in the frame before."""
        raw = column.raw
        if not len(raw):
            return np.zeros(0, np.int64)
        new = np.concatenate(([name not in self._last or self._last[name] != raw[0]], raw[1:] != raw[:-1]))
        self._last[name] = raw[-1]
        return np.flatnonzero(new)


def _cells(column: Column, chosen: Array, *, numbers: bool) -> list[str]:
    """The values of some places of a column, as fields of a CSV file."""
    part = Column(column.signal, None, column.raw[chosen])
    return [csv_text(text) for text in texts(part, numbers=numbers, digits=15)]


def _columns(names: Names, choice: SignalChoice) -> dict[tuple[str, str, str], tuple[int, str]]:
    """Bus, message and signal -> number of the column, and its title."""
    chosen: list[tuple[str, Message, Signal]] = [
        (bus, message, signal) for bus, message in names.network.messages() for signal in choice.signals(bus, message)
    ]
    return {
        (bus, message.name, signal.name): (place, _title(names.signal(bus, message, signal), signal))
        for place, (bus, message, signal) in enumerate(chosen)
    }


def _title(name: str, signal: Signal) -> str:
    return f"{name} [{canonical(signal.unit)}]" if signal.unit else name


__all__ = ["MOST_ROWS", "DecodedLines", "SignalRows", "texts"]
