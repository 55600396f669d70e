"""Robot tests out of data tables: a test with the tag `table:FILE` becomes one test a row.

The cells of the row are the test's variables: `${column}`. `table:FILE column=cell` takes only the rows that have that
cell. A template without data takes the variables in its name, or else all cells in order. The row stands in the test's
metadata, so that the log shows it, and from there the variables come when the test starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from robot.running.context import EXECUTION_CONTEXTS
from robot.utils import escape, unescape

from hil import tables
from hil.errors import UsageError
from hil.tables import Row

TABLE_TAG: Final = "table:"
_FROM: Final = "Table"
"""The metadata that says which row a test is: its place, then the names of its columns."""


def expand(tests: list[Any]) -> list[Any]:
    """The tests of a suite with each that asks for a table replaced by its rows; one whose table is wrong is left."""
    out: list[Any] = []
    for test in tests:
        try:
            out += list(_rows_of(test))
        except UsageError:
            out.append(test)
    return out


def wrong_table(test: Any) -> str:
    """What is wrong with the table of a test that is still as it was written; empty if nothing is."""
    try:
        list(_rows_of(test))
    except UsageError as error:
        return str(error)
    return ""


def _rows_of(test: Any) -> Iterator[Any]:
    asked = [str(tag) for tag in test.tags if str(tag).lower().startswith(TABLE_TAG)]
    if not asked:
        yield test
        return
    if len(asked) > 1:
        raise UsageError("a test takes its rows from one table", where="[Tags]", remedy="write two tests.")
    name, *conditions = asked[0][len(TABLE_TAG) :].split()
    path = tables.find(name, Path(test.source))
    for row in tables.read(path, dict(_condition(text) for text in conditions)):
        yield _test_of(test, row, asked[0])


def _condition(text: str) -> tuple[str, str]:
    column, equals, cell = text.partition("=")
    if not equals:
        raise UsageError(f"'{text}' is no condition", where="[Tags]", remedy="write 'table:FILE column=cell'.")
    return column, cell


def _test_of(template: Any, row: Row, asked: str) -> Any:
    tags = [str(tag) for tag in template.tags if str(tag) != asked]
    cells = {column: escape(cell) for column, cell in row.items()}
    test = template.copy(
        name=f"{template.name} [{row.key}]",
        tags=[*tags, *row.tags],
        metadata={**template.metadata, **cells, _FROM: f"{escape(row.where)} {' '.join(row)}"},
    )
    if test.template and not test.body:
        takes_all = not any(f"${{{column}}}" in test.template for column in row)
        test.body = []
        test.body.create_keyword(name=test.template, args=list(cells.values()) if takes_all else [])
    return test


def set_variables(test: Any) -> None:
    """Give a test that starts the cells of its row as variables."""
    if _FROM not in test.metadata:
        return
    variables = EXECUTION_CONTEXTS.current.variables
    _, *columns = test.metadata[_FROM].split(" ")
    for column in columns:
        variables.set_test(f"${{{column}}}", unescape(test.metadata[column]))
