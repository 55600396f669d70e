"""An attempt made ready for the page: at its richest level, and at poorer ones until one fits the room. Pure.

Rules of this module: the room that is given need not be what there will be when the page is put together, since several
are made at once. The levels that were made begin with the richest and leave none out, so that the page can choose as if
it had made them itself.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hil.evidence.detail import Json, attempt_detail, levels
from hil.evidence.gallery import Made
from hil.evidence.model import Attempt
from hil.evidence.signal_table import packed

_IN_THE_LIST: Final = (
    "name", "unit", "kind", "ok", "source", "n", "edges", "counts", "at_most", "expanded", "figures", "rule",
)  # fmt: skip
TEXT_CHARS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """An attempt at one level.

    Attributes:
        block: its own block of the page.
        shared: blocks that other attempts may need too, by their names in the page: pictures, the table of signals.
    """

    block: str
    shared: Mapping[str, str]

    def cost(self, there: Container[str] = ()) -> int:
        """Bytes by which it makes a page longer that has these blocks."""
        return len(self.block) + sum(len(text) for name, text in self.shared.items() if name not in there)


@dataclass(frozen=True, slots=True)
class Fitted:
    """An attempt, ready for the page.

    Attributes:
        case_id: its case.
        folder: where its journal lies.
        candidates: what the page may show of it, the richest first.
        complete: whether the last of them is as small as it can be.
        reason: its first cause.
        focus_s: the moment to look at.
        latencies: its measurements, for the table of the whole run.
        itself: the worst of what the bench measured of itself.
    """

    case_id: str
    folder: Path
    candidates: tuple[Candidate, ...]
    complete: bool
    reason: Json | None
    focus_s: float
    latencies: list[Json]
    itself: Mapping[str, Any]


def fitted(attempt: Attempt, room: int) -> Fitted:
    """Make an attempt ready for a page that has so many bytes for it; the last level is small whatever the case was."""
    made: Made = {}
    candidates: list[Candidate] = []
    todo = list(levels(attempt.ruling.verdict))
    latencies: list[Json] = []
    while todo and (not candidates or candidates[-1].cost() > room):
        detail = attempt_detail(attempt, todo.pop(0), made)
        candidates.append(Candidate(packed(detail.json), detail.shared))
        latencies = [{key: item[key] for key in _IN_THE_LIST} for item in detail.json["measurements"]]
    focus_s = round(attempt.timeline.focus_ns / 1e9, 3)
    head = (_reason(attempt), focus_s, latencies, attempt.timeline.short)
    return Fitted(attempt.info.id, attempt.folder, tuple(candidates), not todo, *head)


def _reason(attempt: Attempt) -> Json | None:
    """The first cause, for the list: what the message says of it, expected and seen of its check, how many follow."""
    causes = attempt.timeline.causes
    if not causes:
        return None
    check, more = causes[0].check, len(causes) - 1
    said = {"text": causes[0].text[:TEXT_CHARS], "more": more}
    if check is None:
        return {**said, "expected": None}
    words = {"name": check.name, "expected": check.expected[:300], "seen": check.seen[:300]}
    return {**said, **words, "score": check.score, "margin": check.margin}
