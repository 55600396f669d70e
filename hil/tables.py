"""Data tables: CSV files whose rows are cases, for Robot and pytest alike. Pure but for reading the file.

Rules of this module: the first line that is no remark names the columns, the first column is the key of a row. Cells
are text; whoever needs a number says so. The columns `requirement`, `needs`, `variant` and `tags` say of a row what a
case says in its tags; several words in a cell stand apart by blanks. Lines that begin with `#` and empty lines are
remarks. What is wrong is one line with file, line and column.

Not for: what becomes of a row (`hil.robot.expansion`, `hil.pytest_plugin`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hil.errors import UsageError
from hil.nearest import did_you_mean

FOLDER: Final = Path("fixtures/tables")
"""Where tables lie, in the folder of a suite or one above it."""
SAID_COLUMNS: Final = {"requirement": "req:", "needs": "needs:", "variant": "variant:", "tags": ""}
"""Columns that say of a row what tags say of a case: column -> what such a tag begins with."""
_COLUMN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESERVED: Final = ("bench", "request", "row")
"""Names that mean something else to a pytest function."""


@dataclass(frozen=True)
class Row(Mapping[str, str]):
    """One row: column -> cell.

    Attributes:
        cells: by column, in the order of the file.
        where: file and line.
    """

    cells: dict[str, str]
    where: str

    @property
    def key(self) -> str:
        """The cell of the first column: it stands in the case's name and id."""
        return next(iter(self.cells.values()))

    @property
    def tags(self) -> list[str]:
        """What the row says of its case, as tags of a Robot test."""
        columns = ((prefix, self.cells.get(column, "")) for column, prefix in SAID_COLUMNS.items())
        return [prefix + word for prefix, cell in columns for word in cell.replace(",", " ").split()]

    def said(self, column: str) -> list[str]:
        """The words of one of `SAID_COLUMNS`."""
        return self.cells.get(column, "").replace(",", " ").split()

    def number(self, column: str) -> float:
        """A cell as a number.

        Raises:
            UsageError: it is none, or there is no such column.
        """
        try:
            return float(self[column])
        except ValueError:
            raise UsageError(f"column '{column}': '{self[column]}' is no number", where=self.where) from None

    def __getitem__(self, column: str) -> str:
        if column not in self.cells:
            raise _no_column(column, self.cells, self.where)
        return self.cells[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)


def find(name: str, suite: Path) -> Path:
    """The file of a table: beside the suite, or in `fixtures/tables` of its folder or of one above.

    Args:
        name: as the suite writes it.
        suite: the suite's file.

    Raises:
        UsageError: there is none.
    """
    folders = suite.absolute().parents
    for path in (folders[0] / name, *(folder / FOLDER / name for folder in folders)):
        if path.is_file():
            return path
    known = sorted({file.name for folder in folders for file in (folder / FOLDER).glob("*.csv")})
    listed = f"there is: {', '.join(known) or f'none; put it in {FOLDER}'}."
    mend = did_you_mean(name, known, listed, quote="")
    raise UsageError(f"no table '{name}'", where=suite.name, remedy=mend)


def read(path: Path, where: Mapping[str, str] | None = None) -> list[Row]:
    """The rows of a table.

    Args:
        path: the file.
        where: column -> cell: only rows that have all of these.

    Raises:
        UsageError: the file can't be read, or a line or a column is wrong; no row is left.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=str(path), remedy="name a table.") from error
    except UnicodeDecodeError as error:
        raise UsageError("is no text (UTF-8)", where=path.name, remedy="save it as UTF-8.") from error
    lines = list(_lines(text, path.name))
    if len(lines) < 2:
        raise UsageError("has no rows", where=path.name, remedy="write the columns in the first line, rows below.")
    columns = _columns(*lines[0])
    rows = [_row(columns, cells, place) for cells, place in lines[1:]]
    _refuse_twins(rows, columns[0])
    return _chosen(rows, columns, where or {}, path.name)


def _lines(text: str, name: str) -> Iterator[tuple[list[str], str]]:
    """Cells and place of every line that is no remark. A cell in quotes may go on over several lines."""
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    while True:
        place = f"{name}:{reader.line_num + 1}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise UsageError(f"is no CSV: {error}", where=place, remedy="correct the line.") from None
        if cells is None:
            return
        if any(cells) and not cells[0].startswith("#"):
            yield [cell.strip() for cell in cells], place


def _columns(columns: list[str], where: str) -> list[str]:
    for column in columns:
        if not _COLUMN.fullmatch(column):
            mend = "a column is called by letters, digits and '_', and begins with a letter."
            raise UsageError(f"the column '{column}' has no usable name", where=where, remedy=mend)
        if columns.count(column) > 1:
            raise UsageError(f"the column '{column}' stands twice", where=where, remedy="rename one.")
        if column in _RESERVED:
            raise UsageError(f"a column can't be called '{column}'", where=where, remedy="rename it.")
    return columns


def _row(columns: list[str], cells: list[str], where: str) -> Row:
    if len(cells) != len(columns):
        mend = "a comma within a cell needs quotes around the cell."
        raise UsageError(f"{len(cells)} cells stand in {len(columns)} columns", where=where, remedy=mend)
    if not cells[0]:
        raise UsageError(f"column '{columns[0]}' is empty: it is the key of the row", where=where, remedy="fill it.")
    return Row(dict(zip(columns, cells, strict=True)), where)


def _refuse_twins(rows: list[Row], column: str) -> None:
    seen: dict[str, Row] = {}
    for row in rows:
        twin = seen.setdefault(row.key.lower(), row)
        if twin is not row:
            what = f"column '{column}': '{row.key}' stands at {twin.where.rpartition(':')[2]} already"
            raise UsageError(what, where=row.where, remedy="give each row a key of its own.")


def _chosen(rows: list[Row], columns: list[str], wanted: Mapping[str, str], name: str) -> list[Row]:
    for column in wanted:
        if column not in columns:
            raise _no_column(column, columns, name)
    chosen = [row for row in rows if all(row[column] == cell for column, cell in wanted.items())]
    if not chosen:
        asked = " and ".join(f"{column}={cell}" for column, cell in wanted.items())
        raise UsageError(f"no row has {asked}", where=name, remedy="correct what the suite asks for.")
    return chosen


def _no_column(column: str, columns: Mapping[str, str] | list[str], where: str) -> UsageError:
    mend = did_you_mean(column, columns, f"it has {', '.join(columns)}.")
    return UsageError(f"there is no column '{column}'", where=where, remedy=mend)
