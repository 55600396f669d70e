"""Which known word a misspelt one was meant to be: one rule for every "did you mean". Pure; beneath all rooms.

Rules of this module: case, blanks and signs between words don't matter (`High Beam`, `high-beam`, `HighBeam`). A word
is near to another if it is it but for one slip (a letter too much, too few, another, two exchanged), if nearly all
letters stand in both in the same order, or if every word that one is made of stands in the other (`beam` and
`high_beam`, `oil` and `oil_pressure`). What is clearly farther than the nearest is not named. No word is better than a
wrong one: the caller then lists what there is.

Not for: whether a word is wrong. `misspelt` is stricter, for callers that refuse a word because it is near to one of
theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

LEAST: Final = 0.72
"""Share of the letters that stand in both words in the same order, from which two words are alike."""
_SLIP, _PART, _PART_WITH_SLIP, _CLEARLY = 0.9, 0.85, 0.8, 0.08
_SHORT: Final = 4
"""Letters up to which the first one must be the same: of so few another one makes another word."""
_LEAST_LETTERS: Final = 3
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+")
_BETWEEN: Final = re.compile(r"[\W_]+")
_ROBOTS: Final = re.compile(r"\s*Did you mean:\s*(.*)", re.DOTALL)


def nearest(word: str, known: Iterable[str], *, most: int = 1) -> list[str]:
    """The known words that a word may have been meant to be, the likeliest first; empty if it is like none.

    Args:
        word: as somebody wrote it.
        known: what there is.
        most: how many to name.
    """
    rated = [(_likeness(word, one), one) for one in dict.fromkeys(known)]
    best = max((rate for rate, _ in rated), default=0.0)
    near = [item for item in rated if item[0] >= max(LEAST, best - _CLEARLY)]
    return [one for _, one in sorted(near, key=lambda item: (-item[0], abs(len(item[1]) - len(word))))[:most]]


def misspelt(word: str, known: Iterable[str]) -> str:
    """The known word that a word is as a whole, but for its spelling; empty if it is a word of its own."""
    rated = [(_spelling(_fold(word), _fold(one)), one) for one in dict.fromkeys(known)]
    rate, best = max(rated, key=lambda item: item[0], default=(0.0, ""))
    return best if rate >= LEAST else ""


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "", *, most: int = 1, quote: str = "'") -> str:
    """The question whether the nearest was meant: `did you mean 'high_beam'?`; `otherwise` where none is near."""
    near = [f"{quote}{one}{quote}" for one in nearest(word, known, most=most)]
    return f"did you mean {' or '.join(near)}?" if near else otherwise


def split_guess(message: str) -> tuple[str, list[str]]:
    """What Robot says of an unknown word, and the words that it guesses below `Did you mean:`."""
    found = _ROBOTS.search(message)
    if found is None:
        return message, []
    return message[: found.start()], [line.strip() for line in found[1].splitlines() if line.strip()]


def one_slip(word: str, meant: str) -> bool:
    """Whether a letter is missing, too much, another, or two beside each other changed places."""
    if len(word) != len(meant):
        short, long = sorted((word, meant), key=len)
        return len(long) - len(short) == 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
    apart = [at for at, (one, other) in enumerate(zip(word, meant, strict=True)) if one != other]
    if len(apart) == 1:
        return len(meant) > 2 and (len(meant) > _SHORT or apart != [0])
    if len(apart) != 2:
        return False
    first, second = apart
    return second == first + 1 and word[first] == meant[second] and word[second] == meant[first]


def _likeness(word: str, known: str) -> float:
    spelling = _spelling(_fold(word), _fold(known))
    return spelling if spelling >= _SLIP else max(spelling, _in_parts(word, known))


def _spelling(word: str, known: str) -> float:
    """How alike two folded words are as a whole, 0 to 1."""
    if word == known:
        return 1.0
    is_slip = one_slip(word, known)
    if not is_slip and min(len(word), len(known)) < _SHORT:
        return 0.0
    rate = SequenceMatcher(None, known, word, autojunk=False).ratio()
    return max(rate, _SLIP) if is_slip else min(rate, _SLIP)


def _in_parts(word: str, known: str) -> float:
    """Whether every word that one is made of stands in the other; of the known one's, misspelt or not."""
    wanted, there = _parts(word), _parts(known)
    if sum(map(len, there)) >= _LEAST_LETTERS and set(there) < set(wanted):
        return _PART_WITH_SLIP
    if sum(map(len, wanted)) < _SHORT or len(wanted) > len(there):
        return 0.0
    if set(wanted) <= set(there):
        return _PART
    alike = all(any(part == one or one_slip(part, one) for one in there) for part in wanted)
    return _PART_WITH_SLIP if alike else 0.0


@lru_cache(maxsize=4096)
def _fold(word: str) -> str:
    return _BETWEEN.sub("", word).lower()


@lru_cache(maxsize=4096)
def _parts(word: str) -> tuple[str, ...]:
    return tuple(part.lower() for part in _WORDS.findall(word))
