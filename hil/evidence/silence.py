"""When a cyclic message was overdue: a line that shows its signals ends there. Pure, bounded memory.

Rules of this module: a message is overdue once its cycle has passed `CYCLES` times without a frame, up to its next
frame or the end of the case. One that is sent on change alone, or only while something is active, is never overdue:
silence says that nothing changed. Before its first frame nothing is drawn anyway.

Not for: judging the ECU; that do the monitors, with tolerances of their own.
"""

from __future__ import annotations

from typing import Final

from hil.can.log_frames import Array
from hil.can.traits import MessageTraits

CYCLES: Final = 3
MOST: Final = 100
"""So many times a message may fall silent before the rest is left out."""
Silent = tuple[int, int | None]
"""From when, until when; None: until the end."""


def overdue_after_ns(traits: MessageTraits | None) -> int:
    """How long after a frame the message is overdue; 0 if it never is."""
    return 0 if traits is None or traits.active_only or traits.is_diag else CYCLES * traits.cycle_ns


class Silences:
    """When each message of a case was overdue."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, int]] = {}
        self._found: dict[str, tuple[Silent, ...]] = {}
        self._lost: set[str] = set()

    def copy(self) -> Silences:
        """One for another case, whose frames up to here are the same."""
        other = Silences()
        other._last, other._found, other._lost = dict(self._last), dict(self._found), set(self._lost)
        return other

    def take(self, name: str, overdue_ns: int, t_ns: Array) -> None:
        """Take the next frames of a message that is overdue after so long."""
        first, last = int(t_ns[0]), int(t_ns[-1])
        before = self._last[name][0] if name in self._last else first
        self._last[name] = last, overdue_ns
        if first - before > overdue_ns:
            self._note(name, before + overdue_ns, first)
        if last - first > overdue_ns:
            steps = t_ns[1:] - t_ns[:-1]
            for row in (steps > overdue_ns).nonzero()[0].tolist():
                self._note(name, int(t_ns[row]) + overdue_ns, int(t_ns[row + 1]))

    def _note(self, name: str, from_ns: int, to_ns: int) -> None:
        known = self._found.get(name, ())
        if len(known) < MOST:
            self._found[name] = (*known, (from_ns, to_ns))
        else:
            self._lost.add(name)

    def until(self, end_ns: int) -> dict[str, tuple[Silent, ...]]:
        """All of them up to the end of the case, by message."""
        found = dict(self._found)
        for name, (last_ns, overdue_ns) in self._last.items():
            if last_ns + overdue_ns < end_ns:
                found[name] = (*found.get(name, ()), (last_ns + overdue_ns, None))
        return dict(sorted(found.items()))

    def notes(self) -> list[str]:
        """What is left out."""
        return [f"{name} fell silent more than {MOST} times: the line is drawn on then" for name in sorted(self._lost)]
