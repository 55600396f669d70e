"""Stamps of the host's real-time clock, which the kernel gives frames, as bench time.

Rules of this module: the two clocks are compared once a second, and at once when a stamp lies in the future or long
ago: somebody may have set the real-time clock. If so, whoever asked for that is told from when to when stamps may have
been wrong.

Not for: clocks of adapters (`hil.can.stamps`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hil.clock import RealClock
from hil.clock_map import ClockMap, realtime_map

RESAMPLE_NS: Final = 1_000_000_000
AHEAD_NS: Final = 50_000_000
AGO_NS: Final = 1_000_000_000
_DOUBT_NS: Final = 10_000_000
"""A bench that is late for long asks no more often whether it is the clock."""
CLOCK_SET: Final = "the host's real-time clock was set, by which the kernel stamps"


class KernelStamps:
    """Maps stamps of the real-time clock to bench time.

    Args:
        clock: the real clock.
        clock_map: between the two clocks.
        on_step: told from when to when stamps were off, since the real-time clock was set.

    Attributes:
        steps: how often it was.
    """

    def __init__(
        self,
        clock: RealClock,
        clock_map: ClockMap | None = None,
        *,
        on_step: Callable[[int, int], object] = lambda from_ns, to_ns: None,
    ) -> None:
        self._clock, self._map, self._on_step = clock, clock_map or realtime_map(), on_step
        self._mapped_ns = clock.now_ns
        self._again_ns = self._mapped_ns + RESAMPLE_NS
        self._doubted_ns = self._mapped_ns - 2 * _DOUBT_NS
        self.steps = 0

    def bench_ns(self, stamp_ns: int, now_ns: int) -> int:
        """Bench time of a stamp, which the caller has come to read now."""
        if not self._mapped_ns <= now_ns <= self._again_ns and abs(now_ns - self._mapped_ns) > RESAMPLE_NS:
            self._compare(now_ns, 2)
        t_ns = stamp_ns - self._map.offset_ns - self._clock.zero_ns
        if not -AHEAD_NS < now_ns - t_ns < AGO_NS and abs(now_ns - self._doubted_ns) > _DOUBT_NS:
            self._doubted_ns = now_ns
            self._compare(now_ns, 5, anew=True)
            t_ns = self._clock.from_monotonic_ns(self._map.to_host_ns(stamp_ns))
        return t_ns

    @property
    def bound_ns(self) -> int:
        """Bound on the error of a stamp now."""
        return self._map.bound_ns(self._clock.to_monotonic_ns(self._clock.now_ns))

    def _compare(self, now_ns: int, pairs: int, *, anew: bool = False) -> None:
        before_ns, may_ns = self._map.offset_ns, self.bound_ns
        if anew:
            self._map.forget()
        self._map.sample(pairs)
        if abs(self._map.offset_ns - before_ns) > may_ns + self.bound_ns:
            self.steps += 1
            self._on_step(min(self._mapped_ns, now_ns), now_ns)
        self._mapped_ns, self._again_ns = now_ns, now_ns + RESAMPLE_NS


__all__ = ["AGO_NS", "AHEAD_NS", "CLOCK_SET", "RESAMPLE_NS", "KernelStamps"]
