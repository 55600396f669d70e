"""How well a message keeps its cycle: by how far the distance between two frames of its cycle is off.

Rules of this module: the time of a frame is when it was on the bus, where the kernel sends and says so, else when the
bench handed it to the driver. Only frames of the cycle count, and only one that follows another without a break: a
silence, another cycle or a new beginning starts the row anew.
"""

from __future__ import annotations

from hil.spread import Spread


class Pace:
    """The cycle of one message, as it was achieved.

    Attributes:
        errors: distance minus cycle, without its sign.
    """

    __slots__ = ("_last_ns", "_period_ns", "errors")

    def __init__(self) -> None:
        self.errors = Spread()
        self._last_ns = self._period_ns = 0

    def frame(self, t_ns: int, period_ns: int) -> None:
        """A frame of the cycle left."""
        if period_ns == self._period_ns:
            self.errors.add(abs(t_ns - self._last_ns - period_ns), t_ns)
        self._last_ns, self._period_ns = t_ns, period_ns

    def start_anew(self) -> None:
        """The next frame follows none."""
        self._period_ns = 0

    def clear(self) -> None:
        """A case begins."""
        self.errors.clear()
        self.start_anew()


__all__ = ["Pace"]
