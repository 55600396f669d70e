"""What Robot says of files that it can read only in part, in one line each: file, line, what, and how to mend it.

Not for: what happens in a test (`hil.robot`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from hil.nearest import nearest, split_guess

_ERROR: Final = "[ ERROR ] "
_PLACED: Final = re.compile(r"Error in file '(?P<file>.+?)' on line (?P<line>\d+): (?P<what>.*)", re.DOTALL)
_SECTION: Final = re.compile(r"Unrecognized section header '[* ]*(?P<name>.*?)[* ]*'")
_ONE_BLANK: Final = re.compile(r"Non-existing setting '(?P<setting>(?:(?:Suite|Test|Keyword) )?\w+) (?P<rest>.+)'\.?$")
_SECTIONS: Final = ("Settings", "Variables", "Test Cases", "Tasks", "Keywords", "Comments")
_SETTINGS: Final = (
    "Library", "Resource", "Variables", "Name", "Documentation", "Metadata", "Suite Setup", "Suite Teardown",
    "Test Setup", "Test Teardown", "Test Template", "Test Timeout", "Test Tags", "Keyword Tags",
)  # fmt: skip


def errors_in(log: Path) -> list[str]:
    """What Robot's log says of suites: a missing resource, a library that can't be imported, a misspelt setting."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    found: list[str] = []
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith(_ERROR):
            found.append(line.removeprefix(_ERROR))
        elif found and line.startswith("    ") and before.endswith("Did you mean:"):
            found[-1] += f"\n{line}"
    return [in_words(message) for message in found]


def in_words(message: str) -> str:
    """An error of Robot in one line, with its remedy where one is known."""
    found = _PLACED.fullmatch(message)
    if found is None:
        return message
    what, mend = _mended(found["what"])
    return f"{Path(found['file']).name}:{found['line']}: {what}" + (f" Remedy: {mend}" if mend else "")


def _mended(what: str) -> tuple[str, str]:
    unknown, guessed = split_guess(what)
    if guessed:
        return unknown, f"did you mean {' or '.join(map(repr, guessed))}?"
    section = _SECTION.match(what)
    if section:
        meant = nearest(section["name"], _SECTIONS)
        return what, f"did you mean '*** {meant[0]} ***'?" if meant else ""
    blank = _ONE_BLANK.match(what)
    if blank and blank["setting"].title() in _SETTINGS:
        return what, f"put two blanks or more between '{blank['setting']}' and '{blank['rest']}'."
    return what, ""
