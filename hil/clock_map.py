"""Maps from other clocks that can be read to the host's monotonic one, each with a bound on its error.

Not for: clocks that only stamp what arrives (adapters); `hil.can.stamps` maps those by arrival.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hil.errors import BenchError


class ClockMap:
    """Maps stamps of another clock to the host's monotonic clock, with a bound on the error.

    The offset comes from pairs (host, other, host): half the time between the two host readings bounds the error of
    a pair. The tightest pair counts; its bound grows with its age by `drift` (500 ppm is the most that NTP slews).

    Args:
        read_other_ns: reads the other clock, nanoseconds.
        read_host_ns: reads the host's monotonic clock, nanoseconds.
        drift: the greatest relative rate error between the two clocks.
    """

    def __init__(
        self,
        read_other_ns: Callable[[], int],
        read_host_ns: Callable[[], int] = time.monotonic_ns,
        *,
        drift: float = 500e-6,
    ) -> None:
        self._read_other, self._read_host, self._drift = read_other_ns, read_host_ns, drift
        self.offset_ns = 0
        """By how much the other clock is ahead of the host's monotonic one."""
        self._width_ns = 0
        self._taken_ns: int | None = None

    def sample(self, pairs: int = 5) -> None:
        """Take `pairs` readings and keep the best, unless the one kept is better still at its age."""
        for _ in range(pairs):
            before, other, after = self._read_host(), self._read_other(), self._read_host()
            width = (after - before + 1) // 2
            if self._taken_ns is None or width <= self.bound_ns(after):
                self.offset_ns, self._width_ns, self._taken_ns = other - (before + after) // 2, width, after

    def forget(self) -> None:
        """The other clock may have been set: no pair taken so far counts any more."""
        self._taken_ns = None

    def to_host_ns(self, stamp_ns: int) -> int:
        """The host's monotonic time of a stamp of the other clock."""
        return stamp_ns - self.offset_ns

    def bound_ns(self, host_ns: int) -> int:
        """Bound on the error of a mapping that is used at the host's monotonic time `host_ns`.

        Raises:
            BenchError: the clocks were never compared.
        """
        if self._taken_ns is None:
            raise BenchError("a clock was used before it was compared with the bench's")
        return self._width_ns + int(self._drift * abs(host_ns - self._taken_ns))


def realtime_map() -> ClockMap:
    """A map from the host's real-time clock, which stamps SocketCAN and UDP frames."""
    clock_map = ClockMap(time.time_ns)
    clock_map.sample()
    return clock_map
