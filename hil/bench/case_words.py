"""What a case says of itself, held against what there is: requirements that nobody wrote, tags that look misspelt.

Rules of this module: a requirement is looked up only where there are requirement files, and only an id that looks like
one of theirs can be wrong: one that is a slip away from one, or begins with the same word (`CLU` of `CLU-TT-001`). Ids
of another kind are somebody's own. A tag is any word that an author likes; one that looks like ours misspelt is told.

Not for: what the tags mean (`hil.bench.case`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from hil.bench import requirements as requirement_files
from hil.errors import UsageError
from hil.nearest import did_you_mean, one_slip

MARKERS: Final = {
    "req": "requirement", "start": "start", "timeout": "bench_timeout", "needs": "needs", "variant": "variant",
    "table": "table",
}  # fmt: skip
"""What a tag of Robot begins with -> the marker of pytest that says the same."""
_ALIASES: Final = {"requirement": "req", "requirements": "req", "bench_timeout": "timeout"}
_WORD: Final = re.compile(r"([A-Za-z][A-Za-z _-]*?)\s*([:=])\s*(.*)")
_SHORT: Final = 3
"""Letters of a word in which an exchanged letter makes another word (`ref`, `res`)."""


def known_requirements() -> frozenset[str]:
    """The ids of the requirement files of this folder; empty where there are none.

    Raises:
        UsageError: a file is wrong.
    """
    return _ids_in(requirement_files.DEFAULT_FOLDER.absolute())


@cache
def _ids_in(folder: Path) -> frozenset[str]:
    return frozenset(one.id for one in requirement_files.load(folder))


def refuse_unknown(named: Iterable[str], known: Collection[str]) -> None:
    """Say so when a requirement doesn't exist, though its kind does.

    Raises:
        UsageError: names the nearest.
    """
    for name in named:
        if name.upper() not in known and (kin := _kin(name.upper(), known)):
            folder = requirement_files.DEFAULT_FOLDER.as_posix()
            mend = f"{did_you_mean(name.upper(), kin)} A new one is written into {folder}.".strip()
            raise UsageError(f"no requirement '{name}' in {folder}", remedy=mend)


def strangers(named: Iterable[str], known: Collection[str]) -> list[str]:
    """The requirements that no file knows, and none like them."""
    return [name for name in named if known and name.upper() not in known and not _kin(name.upper(), known)]


def _kin(name: str, known: Collection[str]) -> list[str]:
    """The ids of its kind, or those that are a slip away; empty if it is of no kind of theirs."""
    kin = [one for one in sorted(known) if _first_word(one) == _first_word(name)]
    return kin or [one for one in sorted(known) if _slip(name, one)]


def _first_word(name: str) -> str:
    return re.split(r"[-_.]", name, maxsplit=1)[0]


# Tags -----------------------------------------------------------------------------------------------------------------


def odd_tags(tags: Iterable[str], runner: str, named: Collection[str], known: Collection[str]) -> Iterator[str]:
    """Of each tag that looks like a misspelt one of ours: that it only selects, and what may have been meant.

    Args:
        tags: the words of a case that mean nothing to the bench.
        runner: `robot` or `pytest`.
        named: the requirements that the case names.
        known: ids of all requirements.
    """
    for tag in tags:
        word, value = _meant(tag, runner, known)
        if word and not (word == "req" and value.upper() in named):
            yield f"the tag '{tag}' means nothing to the bench; {_better(word, value, runner)}"


def _better(word: str, value: str, runner: str) -> str:
    if runner == "pytest":
        return f'write @pytest.mark.{MARKERS[word]}("{value}")'
    return f"did you mean '{word}:{value}'?"


def _meant(tag: str, runner: str, known: Collection[str]) -> tuple[str, str]:
    """What a tag was meant to begin with, and what stands behind; empty if it is a word like any other."""
    last = re.split(r"[\s:=]+", tag)[-1]
    if last.upper() in known:
        return "req", last
    match = _WORD.fullmatch(tag)
    if match is None or not match[3]:
        return "", ""
    word = re.sub(r"[ _-]", "", match[1].lower())
    is_right = word in MARKERS and tag.lower().startswith(f"{word}:") and runner == "robot"
    return ("", "") if is_right else (_prefix_like(word), match[3])


def _prefix_like(word: str) -> str:
    for ours in (*MARKERS, *_ALIASES):
        plain = ours.replace("_", "")
        if word == plain or (word[0] == plain[0] and _slip(word, plain)):
            return _ALIASES.get(ours, ours)
    return ""


def _slip(word: str, meant: str) -> bool:
    """Whether a word is another but for a slip; an exchanged letter makes another word of a short one."""
    return one_slip(word, meant) and (len(word) != len(meant) or len(meant) > _SHORT or sorted(word) == sorted(meant))
