"""The pictures of an attempt, matched to its checks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from hil.evidence.model import Check, Shot, Timeline
from hil.evidence.pictures import Embedded, embed

MATCH_NS: Final = 250_000_000
Json = dict[str, Any]
Made = dict[int, Embedded | None]
"""Pictures made already, by the identity of their shot: a try at the next level needs not make them again."""


class Gallery:
    """Finds the pictures of a check and takes each at most once, within a number of crops and of whole frames."""

    def __init__(self, timeline: Timeline, *, crops: int, wholes: int, made: Made) -> None:
        self._made = made
        self._crops = [shot for shot in timeline.shots if shot.is_crop]
        self._wholes = [shot for shot in timeline.shots if not shot.is_crop]
        self._left = {True: crops, False: wholes}
        self._refused = 0
        self._taken: list[tuple[Shot, Embedded]] = []
        self._index: dict[int, int | None] = {}

    def of(self, check: Check) -> tuple[int | None, int | None]:
        """Index of the check's crop and of its whole frame; whole frames only of failed checks."""
        crop = _match(check, self._crops, others=False)
        whole = None if check.ok else _match(check, self._wholes, screen=crop.name.split("/")[0] if crop else "")
        return self._add(crop), self._add(whole)

    def last_whole(self) -> int | None:
        """Index of the last whole frame of the case."""
        return self._add(self._wholes[-1]) if self._wholes else None

    def rest(self) -> None:
        """Take whole frames that belong to no check, the latest first, as far as there is room."""
        for shot in reversed(self._wholes):
            self._add(shot)

    def _add(self, shot: Shot | None) -> int | None:
        if shot is None:
            return None
        if id(shot) not in self._index:
            self._index[id(shot)] = self._embed(shot)
        return self._index[id(shot)]

    def _embed(self, shot: Shot) -> int | None:
        picture = self._make(shot) if self._left[shot.is_crop] > 0 else None
        if picture is None:
            self._refused += 1
            return None
        self._left[shot.is_crop] -= 1
        self._taken.append((shot, picture))
        return len(self._taken) - 1

    def _make(self, shot: Shot) -> Embedded | None:
        if id(shot) not in self._made:
            self._made[id(shot)] = embed(shot)
        return self._made[id(shot)]

    def shared(self) -> dict[str, str]:
        """The data URIs of all pictures taken, by their names in the page."""
        return {f"picture-{picture.name}": picture.uri for _, picture in self._taken}

    def rows(self, notes: list[str]) -> list[Json]:
        """The pictures for the page, without their data."""
        if self._refused:
            notes.append(f"pictures: {self._refused} more than shown are left out or damaged; the journal has them")
        return [
            {"t": round(shot.t_ns / 1e9, 6), "name": shot.name, "crop": shot.is_crop, "picture": picture.name,
             "width": picture.width, "height": picture.height, "full": list(picture.full), "note": picture.note}
            for shot, picture in self._taken
        ]  # fmt: skip


def _match(check: Check, shots: Sequence[Shot], screen: str = "", *, others: bool = True) -> Shot | None:
    """The picture that a check looked at: of its target if it names one, else (if `others`) the one taken with it."""
    near = [shot for shot in shots if _belongs(shot.t_ns, check)]
    target = _letters(check.target)
    named = [shot for shot in near if target in (_letters(shot.name), _letters(shot.name.split("/")[-1]))]
    same = [shot for shot in near if screen and shot.name == screen]
    return max(named or same or (near if others else []), key=lambda shot: shot.t_ns, default=None)


def _letters(name: str) -> str:
    """A name without its punctuation: a check says `cluster: telltale abs`, its picture `cluster/telltale.abs`."""
    return "".join(filter(str.isalnum, name)).lower()


def _belongs(t_ns: int, check: Check) -> bool:
    since = check.t_ns - MATCH_NS if check.since_ns is None else min(check.since_ns, check.t_ns)
    return since <= t_ns <= check.t_ns
