"""A case: what is known of a test before it runs, its id, and the selection of cases by name, tag and requirement."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from hil.bench.reset import Start
from hil.errors import UsageError

ID_LENGTH: Final = 80
_UNSAFE: Final = re.compile(r"[^a-z0-9._-]+")
_LOST: Final = re.compile(r"[^A-Za-z0-9._\-\s\[\]]|^[\s\[\]]*[._-]|[._-][\s\[\]]*$")
"""What an id can't tell: any other character, and dots and dashes at its ends."""
REQUIREMENT_TAG: Final = "req:"
START_TAG: Final = "start:"
TIMEOUT_TAG: Final = "timeout:"


@dataclass(frozen=True, slots=True)
class Case:
    """A test as it was collected.

    Attributes:
        id: stable, safe as a file name, at most 80 characters.
        name: as its author wrote it; a data row's key is in it.
        suite: file or suite that it stands in.
        source: file and line.
        requirements: ids of the requirements that it verifies.
        tags: further words to select by.
        start: where it starts from.
        timeout_s: bench time that it may take; None takes the bench's.
        runner: `robot` or `pytest`.
        doc: what it is for.
    """

    id: str
    name: str
    suite: str
    source: str
    requirements: tuple[str, ...]
    tags: tuple[str, ...]
    start: Start
    runner: str
    doc: str = ""
    timeout_s: float | None = None

    def plan_record(self) -> dict[str, Any]:
        """What the session's journal says of a case before it runs."""
        keep = ("name", "suite", "source", "requirements", "tags", "runner")
        return {key: value for key, value in asdict(self).items() if key in keep}


def make_id(*parts: str) -> str:
    """An id of the parts: lower case, safe as a file name, at most 80 characters.

    Blanks and the brackets of a data row become `_`. What is too long ends in a hash, and so does what lost anything
    else, so that names that differ only there keep different ids.
    """
    written = ".".join(part for part in parts if part)
    text = _UNSAFE.sub("_", written.lower()).strip("._-")
    lost = _LOST.search(written) is not None
    if text and len(text) <= ID_LENGTH and not lost:
        return text
    digest = hashlib.sha256((written if lost else text).encode(errors="surrogatepass")).hexdigest()[:8]
    head = text[: ID_LENGTH - 9].rstrip("._-")
    return f"{head}-{digest}" if head else digest


@dataclass(frozen=True, slots=True)
class Selection:
    """Which cases run: those that match one of each kind that was given. Names take wildcards and ignore case."""

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    without_tags: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def takes(self, case: Case) -> bool:
        """Whether the case is among the selected."""
        return (
            (not self.ids or case.id in self.ids)
            and (not self.names or any(_names(case, pattern) for pattern in self.names))
            and (not self.tags or _any_match(case.tags, self.tags))
            and not _any_match(case.tags, self.without_tags)
            and (not self.requirements or _any_match(case.requirements, self.requirements))
        )

    @property
    def everything(self) -> bool:
        """Nothing was asked for, so all cases run."""
        return self == Selection()


def _names(case: Case, pattern: str) -> bool:
    """A part of the name or id as it is printed, or a pattern of all of it; a data row's brackets are no wildcard."""
    name, pattern = case.name.lower(), pattern.lower()
    if pattern in name or pattern in case.id:
        return True
    patterns = (pattern, pattern.replace("[", "[[]"))
    return any(fnmatch.fnmatchcase(text, wanted) for text in (name, case.id) for wanted in patterns)


def _any_match(values: Iterable[str], patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(value.lower(), pattern.lower()) for value in values for pattern in patterns)


def split_tags(tags: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...], Start, float | None]:
    """Requirements, other tags, start state and time-out out of the tags that a suite writes.

    `req:CLU-TT-001` names a requirement, `start:off` a start state, `timeout:30s` the bench time.

    Raises:
        UsageError: a start state or time-out that there is not.
    """
    from hil import units
    from hil.bench.reset import check_start

    requirements, others, start, timeout_s = [], [], Start.ON, None
    for tag in tags:
        low = tag.lower()
        if low.startswith(REQUIREMENT_TAG):
            requirements.append(tag[len(REQUIREMENT_TAG) :].strip().upper())
        elif low.startswith(START_TAG):
            start = check_start(low[len(START_TAG) :].strip())
        elif low.startswith(TIMEOUT_TAG):
            timeout_s = units.seconds(tag[len(TIMEOUT_TAG) :].strip())
        else:
            others.append(tag)
    return tuple(requirements), tuple(others), start, timeout_s


def refuse_twins(cases: Iterable[Case]) -> None:
    """Two cases with one id would share a folder of evidence.

    Raises:
        UsageError: names both.
    """
    seen: dict[str, Case] = {}
    for case in cases:
        twin = seen.setdefault(case.id, case)
        if twin is not case:
            places = f"{twin.source} and {case.source}"
            raise UsageError(f"two cases have the id '{case.id}': {places}", remedy="rename one, or its file.")


def refuse_empty(cases: list[Case], selection: Selection) -> None:
    """Say so when a selection selects nothing.

    Raises:
        UsageError: no case is left.
    """
    if not cases:
        asked = [f"{kind} {', '.join(values)}" for kind, values in asdict(selection).items() if values]
        raise UsageError(f"no case matches {' and '.join(asked) or 'here'}", remedy="'hil run --list' shows them all.")
