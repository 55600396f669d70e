"""The CAN port: one node on one bus. Simulated (`hil.can.wire`) and real (`hil.can.pythoncan`) behind one interface.

The contract, which `hil.contract.can` tests on every implementation:
- a frame sent comes back to the sender's own `on_frame` with the flag `SENT` once it has been on the wire, and is
  stamped there;
- frames of one sender arrive in the order in which they were sent;
- error frames are marked `ERROR`, are never `SENT`, and change nothing of the rest;
- after `close` nothing is delivered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from hil.can.frames import CanFrame
from hil.errors import HilError

OnFrame = Callable[[CanFrame], object]
OnLost = Callable[[HilError], object]


class CanPort(Protocol):
    """One node on one bus. All calls in the loop's thread."""

    bus: str

    async def open(self, on_frame: OnFrame, on_lost: OnLost) -> None:
        """Begin to listen.

        Args:
            on_frame: called in the loop's thread for each frame on the bus, own ones included.
            on_lost: called once if the port breaks later.

        Raises:
            BenchError: there is no such interface, or it is in use.
        """

    def send(self, can_id: int, data: bytes, flags: int = 0) -> None:
        """Queue a frame.

        Raises:
            UsageError: no bus can carry it.
            BenchError: the port is broken or its queue is full.
        """

    async def close(self) -> None:
        """Leave the bus; may be called twice."""


@runtime_checkable
class TellsReading(Protocol):
    """A port that looks at the clock when it reads a frame, so that whoever is told of the frame needn't.

    Attributes:
        read_ns: bench time at which the frame was read that is being told.
    """

    read_ns: int
