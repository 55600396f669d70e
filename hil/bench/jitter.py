"""How late the timers of a bench come on this machine: what its sending and its own stamps are uncertain by.

Rules of this module: a timer is set for an instant, and what counts is how long after it was due it ran. On a virtual
clock no timer is ever late.

Not for: what the restbus achieved in a case, which it measures itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hil.clock import Clock, Timer

PERIOD_NS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Jitter:
    """How late timers came, nanoseconds; ranks are nearest ranks."""

    count: int = 0
    median_ns: int = 0
    p99_ns: int = 0
    worst_ns: int = 0


class JitterProbe:
    """Sets a timer each `period_ns` and keeps how late it came."""

    def __init__(self, clock: Clock, period_ns: int = PERIOD_NS) -> None:
        self._clock, self._period_ns = clock, period_ns
        self._late_ns: list[int] = []
        self._timer: Timer | None = None
        self._due_ns = 0

    def start(self) -> None:
        """Begin."""
        self._set(self._clock.now_ns + self._period_ns)

    def _set(self, due_ns: int) -> None:
        self._due_ns = due_ns
        self._timer = self._clock.call_at(due_ns, self._on_timer)

    def _on_timer(self, _: object) -> None:
        now_ns = self._clock.now_ns
        self._late_ns.append(max(0, now_ns - self._due_ns))
        self._set(max(self._due_ns, now_ns) + self._period_ns)

    def stop(self) -> Jitter:
        """End it; what was seen."""
        if self._timer is not None:
            self._timer.cancel()
        late = sorted(self._late_ns)
        if not late:
            return Jitter()
        return Jitter(len(late), _rank(late, 50), _rank(late, 99), late[-1])


def _rank(ordered: list[int], percent: int) -> int:
    return ordered[-(-len(ordered) * percent // 100) - 1]
