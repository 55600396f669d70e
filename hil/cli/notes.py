"""What a run says of its suites at the end: tags that look misspelt, requirements that no file knows, cases of none.

Rules of this module: each kind is one line, or one line a tag; nothing here changes a verdict. What speaks of
requirements is said only where there are requirement files. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from hil.bench.case_words import strangers
from hil.bench.requirements import DEFAULT_FOLDER

_MOST: Final = 5


def notes(planned: Iterable[Mapping[str, Any]], known: Collection[str]) -> list[str]:
    """The lines.

    Args:
        planned: what was said of each case before it ran.
        known: ids of all requirements; empty where there are no requirement files.
    """
    cases = list(planned)
    lines = list(dict.fromkeys(text for case in cases for text in case.get("oddities", ())))
    if not known:
        return lines
    foreign = list(dict.fromkeys(name for case in cases for name in strangers(case["requirements"], known)))
    if foreign:
        count = "1 requirement stands" if len(foreign) == 1 else f"{len(foreign)} requirements stand"
        lines.append(f"{count} in no file of {DEFAULT_FOLDER.as_posix()}: {_listed(foreign)}")
    without = [case["name"] for case in cases if not case["requirements"]]
    if without:
        count = "1 case names" if len(without) == 1 else f"{len(without)} cases name"
        lines.append(f"{count} no requirement: {_listed(without)}")
    return lines


def _listed(names: Sequence[str]) -> str:
    more = [f"and {len(names) - _MOST} more"] if len(names) > _MOST else []
    return ", ".join([*names[:_MOST], *more])
