"""The way back from bus-off: 128 times 11 recessive bits in a row (ISO 11898-1:2015, 12.1; Bosch CAN 2.0, rule 12).

An idle bus gives them in 1,408 bit times. A busy one gives eleven at the end of each frame (acknowledge delimiter, end
of frame and intermission, or error delimiter and intermission) and no others while a frame lasts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hil.clock import NS_PER_S, Clock, Timer

SEQUENCES: Final = 128
SEQUENCE_BITS: Final = 11


class Recovery:
    """Counts the sequences for one node.

    Args:
        clock: bench time.
        bitrate: nominal, bit/s.
        on_recovered: called once, when the last sequence is over.
    """

    def __init__(self, clock: Clock, bitrate: int, *, on_recovered: Callable[[], object]) -> None:
        self._clock, self._bitrate, self._on_recovered = clock, bitrate, on_recovered
        self._left = SEQUENCES
        self._quiet_from_ns = 0
        self._timer: Timer | None = None

    def bus_taken(self) -> None:
        """A frame begins: what is left of an unfinished sequence doesn't count."""
        if self._timer is None:
            return
        quiet_ns = self._clock.now_ns - self._quiet_from_ns
        self._left -= quiet_ns * self._bitrate // (SEQUENCE_BITS * NS_PER_S)
        self.cancel()

    def bus_free(self) -> None:
        """A frame or an error frame is over, its intermission included: one sequence."""
        self._left -= 1
        self.bus_idle()

    def bus_idle(self) -> None:
        """Nothing is on the bus from now on, or since `bus_free`."""
        if self._timer is None:
            self._quiet_from_ns = self._clock.now_ns
            wait_ns = -(-self._left * SEQUENCE_BITS * NS_PER_S // self._bitrate)
            self._timer = self._clock.call_at(self._quiet_from_ns + wait_ns, self._recovered)

    def cancel(self) -> None:
        """Don't wait any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _recovered(self, _: object) -> None:
        self._timer = None
        self._on_recovered()


__all__ = ["SEQUENCES", "SEQUENCE_BITS", "Recovery"]
