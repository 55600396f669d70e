"""Why a case failed: every failure once, the first cause in front, each with its check where it has one. Pure.

Rules of this module: the verdict's message is what counts, and it names a check by the words that the check failed
with. A runner that goes on after a failure numbers several in one message; they are taken apart. Behind those that the
message names stand failed checks that it doesn't name, then what the monitors found. Not counted are a check that was
declared to fail, and one that a later look made good. What failed again and again is one failure, with how often.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from hil import units
from hil.errors import Verdict
from hil.evidence.model import Cause, Check, Found, Ruling

_SEVERAL: Final = "Several failures occurred:"
_TEARDOWN: Final = "Also teardown failed:"
_MONITOR: Final = "monitor: "
_TEXT_CHARS: Final = 4_000


def causes_of(ruling: Ruling | None, checks: Sequence[Check], found: Sequence[Found]) -> tuple[Cause, ...]:
    """Why a case ended as it did: nothing of one that passed, or that was no matter of the ECU."""
    if ruling is None or ruling.verdict not in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        return ()
    parts = split_message(ruling.message)
    groups = _groups(_counted(checks, parts), parts)
    told = [cause for part in parts for cause in _of_part(part, groups, found)]
    if groups and not any(cause.check for cause in told) and not told[0].text.startswith(_MONITOR):
        told = _first_taken(told, groups)
    mine = {id(cause.check) for cause in told}
    rest = [group.cause() for group in groups if id(group.check) not in mine]
    said = {cause.text for cause in told}
    more = (Cause(item.t_ns, _MONITOR + item.text) for item in found if item.counts)
    return (*told, *rest, *(cause for cause in more if cause.text not in said))


def split_message(message: str) -> list[str]:
    """The failures that a message tells of, one text each."""
    whole, _, after = message.partition(f"\n\n{_TEARDOWN}\n")
    head, _, numbered = whole.partition(_SEVERAL)
    parts = list(_numbered(numbered)) if not head.strip() and numbered else [whole]
    return [*parts, f"teardown: {after}"] if after else parts


def _numbered(text: str) -> Iterator[str]:
    """`1) this`, a blank line, `2) that`."""
    rest, number = text.strip().removeprefix("1) "), 2
    while rest:
        here, _, rest = rest.partition(f"\n\n{number}) ")
        yield here.strip()
        number += 1


@dataclass(frozen=True, slots=True)
class _Group:
    """One check that failed once or several times, and the part of the message that names it."""

    check: Check
    times: int
    part: str | None

    def cause(self, text: str = "") -> Cause:
        return Cause(self.check.decided_ns, text, self.check, self.times)


def _counted(checks: Sequence[Check], parts: Sequence[str]) -> list[Check]:
    """The failed checks that count: named, or neither declared nor made good."""
    passed = {_key(check): check.decided_ns for check in checks if check.ok}  # the last of each
    return [
        check for check in checks
        if not check.ok and not check.declared
        and (_names_exactly(parts, check) is not None or passed.get(_key(check), -1) <= check.decided_ns)
    ]  # fmt: skip


def _key(check: Check) -> tuple[str, str, str]:
    return check.name, check.target, check.expected


def _groups(checks: Iterable[Check], parts: Sequence[str]) -> list[_Group]:
    """Equal checks that failed, each with the one that the message means, else the last."""
    equal: dict[tuple[str, str, str, str | None], list[Check]] = {}
    for check in checks:
        equal.setdefault((*_key(check), _names_exactly(parts, check)), []).append(check)
    named = {key[:3] for key in equal if key[3] is not None}
    unnamed = {key[:3]: len(same) for key, same in equal.items() if key[3] is None and key[:3] in named}
    groups = []
    for key, same in equal.items():
        if key[3] is not None or key[:3] not in named:
            groups.append(_Group(same[-1], len(same) + unnamed.pop(key[:3], 0), key[3] or _names(parts, same[-1])))
    return sorted(groups, key=lambda group: group.check.decided_ns)


def _says(check: Check) -> str:
    return f"{check.target}: expected {check.expected}, seen {check.seen}"


def _names_exactly(parts: Sequence[str], check: Check) -> str | None:
    """The part that names a check with its time: several equal ones may have failed."""
    text = f"{_says(check)} (seen at {units.show_time(check.t_ns)}"
    return next((part for part in parts if text in part), None)


def _names(parts: Sequence[str], check: Check) -> str | None:
    return next((part for part in parts if _says(check) in part), None)


def _of_part(part: str, groups: Sequence[_Group], found: Sequence[Found]) -> list[Cause]:
    """The failures of one part of the message: its checks in the order in which it names them, or its text alone."""
    mine = sorted((group for group in groups if group.part == part), key=lambda group: part.find(_says(group.check)))
    if mine:
        first = part[: part.find(_says(mine[1].check))] if len(mine) > 1 else part
        return [mine[0].cause(first.strip()[:_TEXT_CHARS]), *(group.cause() for group in mine[1:])]
    finding = next((item for item in found if part.startswith(_MONITOR + item.text)), None)
    if finding is not None:
        return [Cause(finding.t_ns, _MONITOR + finding.text)]
    return [Cause(None, part[:_TEXT_CHARS])]


def _first_taken(told: Sequence[Cause], groups: Sequence[_Group]) -> list[Cause]:
    """The message tells it in words of its own: then it means the check that failed first."""
    first = groups[0]
    return [first.cause(told[0].text), *told[1:]]
