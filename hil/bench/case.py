"""A case: what is known of a test before it runs, its id, and the selection of cases by name, tag and requirement."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from hil.bench.case_words import known_requirements, odd_tags, refuse_unknown
from hil.bench.reset import Start
from hil.bench.variant import VARIANT_WORD
from hil.errors import UsageError

ID_LENGTH: Final = 80
_UNSAFE: Final = re.compile(r"[^a-z0-9._-]+")
_LOST: Final = re.compile(r"[^A-Za-z0-9._\-\s\[\]]|^[\s\[\]]*[._-]|[._-][\s\[\]]*$")
"""What an id can't tell: any other character, and dots and dashes at its ends."""
REQUIREMENT_TAG: Final = "req:"
START_TAG: Final = "start:"
TIMEOUT_TAG: Final = "timeout:"
NEEDS_TAG: Final = "needs:"
_PREFIXES: Final = (REQUIREMENT_TAG, START_TAG, TIMEOUT_TAG, NEEDS_TAG, VARIANT_WORD)


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
        needs: what the variant under test must have: features, and `variant:NAME`.
        runner: `robot` or `pytest`.
        doc: what it is for.
        mistake: what is wrong with what it says of itself: it is a usage error, and nothing of it runs.
        oddities: what of it is allowed, but hardly meant.
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
    needs: tuple[str, ...] = ()
    mistake: str = ""
    oddities: tuple[str, ...] = ()

    def plan_record(self) -> dict[str, Any]:
        """What the session's journal says of a case before it runs."""
        keep = ("name", "suite", "source", "requirements", "tags", "runner", "needs", "mistake", "oddities")
        return {key: value for key, value in asdict(self).items() if key in keep}


@dataclass(frozen=True, slots=True)
class Tags:
    """What the tags of a test say; attributes as in `Case`."""

    requirements: tuple[str, ...]
    others: tuple[str, ...]
    start: Start
    timeout_s: float | None
    needs: tuple[str, ...]
    mistake: str = ""


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


def split_tags(tags: Iterable[str]) -> Tags:
    """What the tags that a suite writes say.

    `req:CLU-TT-001` names a requirement, `start:off` a start state, `timeout:30s` the bench time, `needs:navigation` a
    feature that the variant must have, `variant:brio` a variant that it is for. Other tags are words to select by.
    A start state or time-out that there is not is a mistake of the case.
    """
    said: dict[str, list[str]] = {prefix: [] for prefix in _PREFIXES}
    others: list[str] = []
    for tag in tags:
        prefix = next((prefix for prefix in _PREFIXES if tag.lower().startswith(prefix)), None)
        (others if prefix is None else said[prefix]).append(tag if prefix is None else tag[len(prefix) :].strip())
    start, timeout_s, mistake = beginning(said[START_TAG][-1:], said[TIMEOUT_TAG][-1:])
    return Tags(
        requirements=tuple(name.upper() for name in said[REQUIREMENT_TAG]),
        others=tuple(others),
        start=start,
        timeout_s=timeout_s,
        needs=needs_of(said[NEEDS_TAG], said[VARIANT_WORD]),
        mistake=mistake,
    )


def beginning(starts: Sequence[str], timeouts: Sequence[str | float]) -> tuple[Start, float | None, str]:
    """Where a case starts from and how long it may take, of what it says of each (at most one); what is wrong."""
    from hil import units
    from hil.bench.reset import check_start

    try:
        start = next(map(check_start, (text.lower() for text in starts)), Start.ON)
        return start, next(map(units.seconds, timeouts), None), ""
    except UsageError as error:
        return Start.ON, None, str(error)


def checked(case: Case) -> Case:
    """The case, with what is wrong and what is odd in what it says of itself."""
    mistake = case.mistake
    known: frozenset[str] = frozenset()
    try:
        known = known_requirements()
        refuse_unknown(case.requirements, known)
    except UsageError as error:
        mistake = mistake or str(error)
    oddities = odd_tags(case.tags, case.runner, case.requirements, known)
    placed = f"{case.source}: {mistake}" if mistake else ""
    return replace(case, mistake=placed, oddities=tuple(f"{case.source}: {text}" for text in oddities))


def needs_of(features: Iterable[str], variants: Iterable[str]) -> tuple[str, ...]:
    """What a case needs, in one list: the features, and each variant as `variant:NAME`."""
    return (*(name.lower() for name in features), *(VARIANT_WORD + name.lower() for name in variants))


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
