"""On which line of a TOML file a key stands: Python's reader of TOML keeps no lines.

Rules of this module: pure, and for files that are TOML; it finds lines and checks nothing. A key is written as errors
write it: `bus.cabin.port`, `requirement.0.id` in the first of an array of tables. What stands within a value is on the
line of its key.

Not for: values (`tomllib`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_KEY: Final = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.|=|\]|$)""")
_STRING: Final = re.compile(r'"""|\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'|[\[\]{}#]')
_OPEN: Final = {"[": 1, "{": 1, "]": -1, "}": -1}


def line_of(text: str, key: str) -> int:
    """The line of a key, or of the nearest table around it; 0 if there is none."""
    found = lines_of(text)
    while key and key not in found:
        key = key.rpartition(".")[0]
    return found.get(key, 0)


def lines_of(text: str) -> dict[str, int]:
    """Key -> line, of all keys and tables of a file. A table that only stands in other names has the first of them."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table: list[str] = []
    for number, line in _statements(text):
        if line.lstrip().startswith("["):
            table = key = _header(line.strip(), counts)
        else:
            key = [*table, *_parts(line)]
        for end in range(len(key)):
            found.setdefault(".".join(key[: end + 1]), number)
    return found


def _header(line: str, counts: dict[str, int]) -> list[str]:
    """The parts of a table's name: in the last of an array of tables, if it stands in one."""
    parts = _parts(line.lstrip("["))
    name: list[str] = []
    for place, part in enumerate(parts, 1):
        name.append(part)
        if place == len(parts) and line.startswith("[["):
            counts[".".join(name)] = counts.get(".".join(name), -1) + 1
        if ".".join(name) in counts:
            name.append(str(counts[".".join(name)]))
    return name


def _parts(line: str) -> list[str]:
    """The parts of a key up to its `=` or `]`."""
    parts, at = [], 0
    while match := _KEY.match(line, at):
        parts.append(next(part for part in match.groups()[:3] if part is not None))
        at = match.end()
        if match[4] != ".":
            break
    return parts


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each line that begins a key or a table, with its number; no line within a value."""
    depth, quotes = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        begins = not depth and not quotes
        if begins and line.strip() and not line.lstrip().startswith("#"):
            yield number, line
        if begins and line.lstrip().startswith("["):
            continue
        depth, quotes = _after(line, depth, quotes)


def _after(line: str, depth: int, quotes: str) -> tuple[int, str]:
    """How many brackets are open at the end of a line, and which quotes of a string of several lines."""
    at = 0
    while at < len(line):
        if quotes:
            end = _end_of(line, quotes, at)
            if end < 0:
                return depth, quotes
            at, quotes = end, ""
            continue
        match = _STRING.search(line, at)
        if match is None or match[0] == "#":
            return depth, ""
        at = match.end()
        depth += _OPEN.get(match[0], 0)
        quotes = match[0] if match[0] in ('"""', "'''") else ""
    return depth, quotes


def _end_of(line: str, quotes: str, at: int) -> int:
    """Behind the quotes that end a string of several lines; -1 if they don't stand in this line."""
    pattern = r'(?:[^"\\]|\\.|"(?!""))*""""{0,2}' if quotes == '"""' else r"(?:[^']|'(?!''))*''''{0,2}"
    match = re.compile(pattern).match(line, at)
    return match.end() if match else -1
