"""Stamps of a clock that nobody can read: an adapter's own, mapped to the host's by when its frames arrive. Pure.

A frame arrives after it was stamped, never before. So each arrival bounds the offset between the two clocks from
above, and the tightest one counts; it loosens with its age, by how far two crystals may drift apart.
(`hil.clock_map.ClockMap` maps clocks that can be read: the kernel's real-time clock.)

Rules of this module: integers, nanoseconds. A clock that wraps is counted on. A mapped stamp never lies after its
arrival, nor before that of the frame before: a bus has an order. A clock that jumps (the adapter was reset) is anchored
anew: until then a stamp is the arrival, which is the least that is known. `bound_ns` takes for granted that the
quickest frame so far was on its way for `delay_ns` at most.

Not for: which interfaces have such a clock (`hil.can.interfaces`).
"""

from __future__ import annotations

from typing import Final

DRIFT: Final = 200e-6
"""Twice what the crystals of two cheap boards differ by at most."""
USB_DELAY_NS: Final = 2_000_000
"""From the adapter to the driver: two frames of full-speed USB. Taken for granted where it can't be measured."""
LATE_NS: Final = 2_000_000_000
"""A frame that seems to have been on its way longer than this was stamped by a clock that jumped."""
JUMP_NS: Final = 50_000_000
"""By how much the offset may fall at once; more has to be confirmed by a second frame."""


class ArrivalMap:
    """Maps stamps of a free-running clock to the host's monotonic clock.

    Args:
        resolution_ns: of the stamps.
        wrap_ns: when they begin at 0 again; 0: never.
        delay_ns: how long the quickest frame is on its way, at most.
        drift: the greatest relative rate error between the two clocks.

    Attributes:
        jumps: how often the clock was anchored anew.
    """

    def __init__(
        self, *, resolution_ns: int, wrap_ns: int = 0, delay_ns: int = USB_DELAY_NS, drift: float = DRIFT
    ) -> None:
        self._resolution_ns, self._wrap_ns, self._drift = resolution_ns, wrap_ns, drift
        self.delay_ns = delay_ns
        self.jumps = 0
        self._offset_ns: int | None = None
        self._taken_ns = 0
        self._doubted_ns: int | None = None
        self._last_ns: int | None = None

    @property
    def offset_ns(self) -> int | None:
        """What is added to a stamp (one that wraps: in its first round); None before the first."""
        return self._offset_ns

    def bound_ns(self, host_ns: int) -> int:
        """Bound on the error of a stamp that is mapped at the host's monotonic time `host_ns`."""
        return self.delay_ns + self._resolution_ns + self._drifted(host_ns)

    def _drifted(self, host_ns: int) -> int:
        return int(self._drift * abs(host_ns - self._taken_ns)) if self._offset_ns is not None else 0

    def to_host_ns(self, stamp_ns: int, arrived_ns: int) -> int:
        """The host's monotonic time of a stamp, from which the map learns.

        Args:
            stamp_ns: as the adapter gave it.
            arrived_ns: the host's monotonic time at which it was received.
        """
        mapped_ns = self._mapped(stamp_ns, arrived_ns)
        self._last_ns = mapped_ns if self._last_ns is None else max(mapped_ns, self._last_ns)
        return self._last_ns

    def _mapped(self, stamp_ns: int, arrived_ns: int) -> int:
        if self._offset_ns is None:
            return self._anchor(arrived_ns - stamp_ns, arrived_ns)
        offset_ns = arrived_ns - self._unwrapped(stamp_ns, arrived_ns, self._offset_ns)
        if offset_ns > self._offset_ns + LATE_NS:
            self.jumps += 1
            return self._anchor(offset_ns, arrived_ns)
        if offset_ns < self._offset_ns - JUMP_NS and not self._is_confirmed(offset_ns):
            return arrived_ns
        if offset_ns <= self._offset_ns + self._drifted(arrived_ns):
            return self._anchor(offset_ns, arrived_ns)
        return arrived_ns - (offset_ns - self._offset_ns)

    def _anchor(self, offset_ns: int, arrived_ns: int) -> int:
        self._offset_ns, self._taken_ns, self._doubted_ns = offset_ns, arrived_ns, None
        return arrived_ns

    def _is_confirmed(self, offset_ns: int) -> bool:
        """Whether the frame before said so as well: one alone may be noise on the line."""
        before, self._doubted_ns = self._doubted_ns, offset_ns
        return before is not None and abs(before - offset_ns) <= JUMP_NS

    def _unwrapped(self, stamp_ns: int, arrived_ns: int, offset_ns: int) -> int:
        """The stamp in the round that makes its way the shortest that is not before now by more than `JUMP_NS`."""
        if not self._wrap_ns:
            return stamp_ns
        delay_ns = (arrived_ns - offset_ns - stamp_ns + JUMP_NS) % self._wrap_ns - JUMP_NS
        return arrived_ns - offset_ns - delay_ns


__all__ = ["DRIFT", "JUMP_NS", "LATE_NS", "USB_DELAY_NS", "ArrivalMap"]
