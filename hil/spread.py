"""How durations are spread: count, median, 99th percentile and maximum of any number of them, in bounded memory.

Rules of this module: pure. Durations are counted in classes of at most 1/32 of their value; a quantile is the upper end
of its class, so it is never told too small and at most 3.2 % too large. Maximum and count are exact.

Not for: latencies with a limit, whose samples are all kept (`hil.latency.statistics`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_FINE_BITS: Final = 5


class Spread:
    """Durations, ns.

    Attributes:
        count: how many.
        most_ns: the longest.
        most_at_ns: when it was.
    """

    __slots__ = ("_classes", "count", "most_at_ns", "most_ns")

    def __init__(self) -> None:
        self._classes: dict[int, int] = {}
        self.count = self.most_ns = self.most_at_ns = 0

    def add(self, duration_ns: int, t_ns: int = 0) -> None:
        """Take one, of bench time `t_ns`; a negative one counts as 0."""
        self.add_all(((duration_ns, t_ns),))

    def add_all(self, durations: Sequence[tuple[int, int]]) -> None:
        """Take several, each with its bench time."""
        classes, most_ns = self._classes, self.most_ns if self.count else -1
        known = classes.get
        for duration_ns, t_ns in durations:
            if duration_ns < 0:  # noqa: PLR1730  # each frame comes by here; max() is a call
                duration_ns = 0  # noqa: PLW2901
            shift = duration_ns.bit_length() - _FINE_BITS - 1
            key = duration_ns if shift <= 0 else (shift << _FINE_BITS) + (duration_ns >> shift)
            classes[key] = known(key, 0) + 1
            if duration_ns > most_ns:
                self.most_ns, self.most_at_ns, most_ns = duration_ns, t_ns, duration_ns
        self.count += len(durations)

    def clear(self) -> None:
        """Forget all."""
        self._classes.clear()
        self.count = self.most_ns = self.most_at_ns = 0

    def quantile_ns(self, part: float) -> int:
        """The duration that `part` of them don't exceed; 0 of none."""
        wanted, seen = max(part * self.count, 1), 0
        for key in sorted(self._classes):
            seen += self._classes[key]
            if seen >= wanted:
                return min(_upper_end(key), self.most_ns)
        return 0

    def fields(self) -> dict[str, int]:
        """As it stands in a record."""
        return {
            "count": self.count, "p50_ns": self.quantile_ns(0.5), "p99_ns": self.quantile_ns(0.99),
            "max_ns": self.most_ns, "max_at_ns": self.most_at_ns,
        }  # fmt: skip


def _upper_end(key: int) -> int:
    shift = (key >> _FINE_BITS) - 1
    if shift <= 0:
        return key
    leading = key - (shift << _FINE_BITS)
    return ((leading + 1) << shift) - 1


__all__ = ["Spread"]
