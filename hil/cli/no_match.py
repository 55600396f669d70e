"""Why a selection takes no case at all: which of its words none has, and the nearest that some have. Pure.

Not for: which cases a selection takes (`hil.bench.case`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

from hil.bench.case import Selection
from hil.errors import UsageError
from hil.nearest import LEAST, nearest

_LIST: Final = "'hil run --list' shows them."

Cases = Sequence[Mapping[str, Any]]


def no_match(selection: Selection, suites: Iterable[str], cases: Cases, known: Collection[str]) -> UsageError:
    """What is wrong with a selection that takes none of the cases.

    Args:
        selection: what was asked for.
        suites: where the cases were looked for.
        cases: all of them, as they were announced.
        known: ids of the requirement files.
    """
    if not cases:
        return UsageError(f"no case in {', '.join(suites)}", remedy="write one, or give another file or folder.")
    ids = {one for case in cases for one in case["requirements"]}
    tags = {one for case in cases for one in case["tags"]}
    near = ["" if one.upper() in known else _near(one, ids) or _near(one, known) for one in selection.requirements]
    near += [_near(one, tags) for one in selection.tags]
    near += [_named_like(one, [case["name"] for case in cases]) for one in selection.names]
    meant = [f"'{one}'" for one in dict.fromkeys(near) if one]
    mend = f"did you mean {' or '.join(meant)}?" if meant else _LIST
    return UsageError(f"no case matches {_asked(selection)}", remedy=mend)


def _asked(selection: Selection) -> str:
    kinds = {"name": selection.names, "tag": selection.tags, "without tag": selection.without_tags}
    kinds |= {"requirement": selection.requirements}
    asked = [f"{kind} {', '.join(values)}" for kind, values in kinds.items() if values]
    return " and ".join(asked) or "in these suites"


def _near(word: str, known: Iterable[str]) -> str:
    """The nearest of the words that cases have; empty if the word is one of them, or none is near."""
    there = sorted(known)
    if word.lower() in (one.lower() for one in there):
        return ""
    return next(iter(nearest(word, there)), "")


def _named_like(pattern: str, names: Iterable[str]) -> str:
    """The case in whose name something stands that is most like a pattern, from the beginning of a word on."""
    plain = pattern.lower().strip("*? ")
    rated = [(_likeness(plain, name.lower()), name) for name in sorted(names)]
    best = max(rated, key=lambda one: one[0], default=(0.0, ""))
    return best[1] if LEAST <= best[0] < 1 else ""


def _likeness(plain: str, name: str) -> float:
    starts = [match.start() for match in re.finditer(r"\b\w", name)]
    pieces = [name[start : start + len(plain)] for start in starts]
    return max((SequenceMatcher(None, plain, piece).ratio() for piece in pieces), default=0.0)
