"""The byte-stream port and the power port, as interfaces.

The contract of a byte stream (`hil.contract.serial`): bytes arrive in order and complete, cut anywhere; a write made
before the far end listens is not an error; a line that breaks says so once through `on_lost`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hil.errors import HilError

OnData = Callable[[int, bytes], object]
"""Called with bench time and bytes."""
OnLost = Callable[[HilError], object]


class BytePort(Protocol):
    """One end of a byte stream. All calls in the loop's thread."""

    name: str

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        """Begin to listen.

        Raises:
            BenchError: the device is not there, or not ours to open.
        """

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            BenchError: the line is broken.
        """

    async def close(self) -> None:
        """Let the line go; may be called twice."""


@dataclass(frozen=True, slots=True)
class PowerReading:
    """What a supply measures at its output."""

    on: bool
    voltage_V: float
    current_A: float


@dataclass(frozen=True, slots=True)
class PowerLimits:
    """What the bench file allows. The port enforces it, and sets it as the supply's own protection where it has one."""

    max_voltage_V: float
    max_current_A: float


class PowerPort(Protocol):
    """One output of a power supply. All calls in the loop's thread."""

    name: str
    limits: PowerLimits

    async def open(self) -> None:
        """Reach the supply and set its protections. Leaves the output as it is.

        Raises:
            BenchError: it does not answer or is not what the bench file says.
        """

    async def switch(self, on: bool) -> None:
        """Output on or off.

        Raises:
            BenchError: the supply did not do it.
        """

    async def set_voltage(self, voltage_V: float) -> None:
        """Set the output voltage.

        Raises:
            UsageError: beyond the limits of the bench file.
            BenchError: the supply did not do it.
        """

    async def read(self) -> PowerReading:
        """Measure the output."""

    async def close(self) -> None:
        """Leave the safe state (output off) and let the supply go; may be called twice."""
