"""Values over time: ramps, and drives read from CSV. Pure.

A drive is a table: the first column is the time, each other column a signal, its unit in brackets if it isn't the
signal's own. Between two numbers that follow each other a signal is interpolated linearly; labels, `SNA` and raw values
hold until the next point. An empty cell is no point. Cells are separated by ',' or ';' (then 2,5 is a number too).

    time [s],VehicleSpeed [km/h],Gear
    0,0,P
    2.5,,D
    12,50,
"""

from __future__ import annotations

import csv
import io
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hil import units
from hil.errors import UsageError

_HEADER: Final = re.compile(r"\s*([^\[\]]+?)\s*(?:\[([^\[\]]*)\])?\s*$")
_DECIMAL_COMMA: Final = re.compile(r"\s*[+-]?\d+,\d+\s*$")
_TIME_NAMES: Final = frozenset({"time", "t"})


@dataclass(frozen=True, slots=True)
class Curve:
    """A number over bench time: linear between its points, constant before and after.

    Attributes:
        times_ns: bench times of the points, rising.
        values: the value at each.
    """

    times_ns: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def end_ns(self) -> int:
        """From here on the value stays."""
        return self.times_ns[-1]

    def at(self, t_ns: int) -> float:
        """The value at a bench time."""
        index = bisect_right(self.times_ns, t_ns)
        if index == 0:
            return self.values[0]
        if index == len(self.times_ns):
            return self.values[-1]
        begin_ns, end_ns = self.times_ns[index - 1 : index + 1]
        begin, end = self.values[index - 1 : index + 1]
        return begin + (end - begin) * (t_ns - begin_ns) / (end_ns - begin_ns)


def ramp(begin: float, end: float, from_ns: int, duration_ns: int) -> Curve:
    """A straight line.

    Raises:
        UsageError: it would take no time.
    """
    if duration_ns <= 0:
        raise UsageError("a ramp takes some time", remedy="give it a duration, or set the value at once.")
    return Curve((from_ns, from_ns + duration_ns), (begin, end))


@dataclass(frozen=True, slots=True)
class Column:
    """One signal of a drive.

    Attributes:
        signal: its name as written: `[bus::][Message.]Signal`.
        unit: of the numbers; empty: the signal's own.
        points: (time in s, text of the cell), rising in time.
        lines: of each point the line in the file.
    """

    signal: str
    unit: str
    points: tuple[tuple[float, str], ...]
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Drive:
    """A table of signals over time.

    Attributes:
        where: the file, for errors.
        header: file and line of its header.
        columns: one a signal.
        duration_s: time of the last row.
    """

    where: str
    header: str
    columns: tuple[Column, ...]
    duration_s: float


def read_drive(text: str, where: str) -> Drive:
    """Read a drive from CSV (separator ',' or ';'; lines that begin with '#' are comments).

    Raises:
        UsageError: no time column, a time that doesn't rise, a row of another length: with file and line.
    """
    rows = _rows(text.removeprefix("\ufeff"), where)
    at = f"{where}:{rows[0][0]}"
    header = [_header(cell, at) for cell in rows[0][1]]
    if header[0][0].lower() not in _TIME_NAMES or len(header) < 2:
        mend = "write 'time [s]' over the first column and signals over the others."
        raise UsageError("a drive begins with its times", where=at, remedy=mend)
    times = _times(rows[1:], _time_unit(header[0][1], at), where)
    columns = tuple(_column(index, header[index], rows[1:], times) for index in range(1, len(header)))
    empty = next((column.signal for column in columns if not column.points), None)
    if empty is not None:
        raise UsageError(f"{empty} has no value at all", where=at, remedy="fill its column, or leave it out.")
    return Drive(where, at, columns, times[-1])


def _time_unit(unit: str, where: str) -> str:
    try:
        units.convert(1.0, unit or "s", "s")
    except UsageError:
        raise UsageError(f"'{unit}' is no unit of time", where=where, remedy="write 'time [s]'.") from None
    return unit or "s"


def _rows(text: str, where: str) -> list[tuple[int, list[str]]]:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip(" \t;,")]
    lines = [(number, line) for number, line in lines if not line.lstrip().startswith("#")]
    if len(lines) < 2:
        raise UsageError("a drive needs a header and at least one row", where=where, remedy="see docs/can.md.")
    delimiter = ";" if ";" in lines[0][1] else ","
    rows = [(number, _cells(line, delimiter, f"{where}:{number}")) for number, line in lines]
    width = len(rows[0][1])
    for number, row in rows:
        if len(row) != width:
            what = f"{len(row)} cells in a row of {width}"
            raise UsageError(what, where=f"{where}:{number}", remedy="give each column a cell; it may be empty.")
    return rows


def _cells(line: str, delimiter: str, where: str) -> list[str]:
    try:
        cells = next(csv.reader(io.StringIO(line), delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise UsageError(f"is no row of a table: {error}", where=where, remedy="correct the line.") from None
    if delimiter == ",":
        return cells
    return [cell.replace(",", ".") if _DECIMAL_COMMA.match(cell) else cell for cell in cells]


def _header(cell: str, where: str) -> tuple[str, str]:
    match = _HEADER.match(cell)
    if match is None:
        raise UsageError(f"'{cell}' is no column header", where=where, remedy="write 'Signal' or 'Signal [unit]'.")
    return match[1], (match[2] or "").strip()


def _times(rows: Sequence[tuple[int, list[str]]], unit: str, where: str) -> list[float]:
    times: list[float] = []
    for number, row in rows:
        try:
            t_s = units.seconds(f"{row[0].strip()} {unit}")
        except UsageError:
            mend = f"give a number of {unit} from the begin of the drive."
            raise UsageError(f"'{row[0]}' is no time", where=f"{where}:{number}", remedy=mend) from None
        if times and t_s <= times[-1]:
            what = f"the time {row[0].strip()} {unit} doesn't rise"
            raise UsageError(what, where=f"{where}:{number}", remedy="sort the rows by time.")
        times.append(t_s)
    return times


def _column(
    index: int, header: tuple[str, str], rows: Sequence[tuple[int, list[str]]], times: Sequence[float]
) -> Column:
    filled = [
        (t_s, row[index].strip(), number) for t_s, (number, row) in zip(times, rows, strict=True) if row[index].strip()
    ]
    points = tuple((t_s, cell) for t_s, cell, _ in filled)
    return Column(header[0], header[1], points, tuple(number for *_, number in filled))
