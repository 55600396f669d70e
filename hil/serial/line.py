"""Simulated copper: a power line and a byte pipe. What the simulated ports and the virtual ECU hold an end of."""

from __future__ import annotations

from collections.abc import Callable

from hil.clock import Clock
from hil.errors import BenchError
from hil.serial.port import OnData, OnLost


class PowerLine:
    """A wire with a voltage, set by a supply; a load hears every change and says what current it draws."""

    def __init__(self) -> None:
        self.voltage_V = 0.0
        self.load_A: Callable[[], float] = lambda: 0.0
        self._listeners: list[Callable[[float], object]] = []

    def listen(self, on_change: Callable[[float], object]) -> None:
        """Have `on_change(voltage_V)` called at each change."""
        self._listeners.append(on_change)

    def set(self, voltage_V: float) -> None:
        """Put a voltage on the line."""
        if voltage_V != self.voltage_V:
            self.voltage_V = voltage_V
            for listener in self._listeners:
                listener(voltage_V)


class PipeEnd:
    """One end of a byte pipe: a `BytePort` without a device. Bytes written before the far end opens are dropped."""

    def __init__(self, clock: Clock, name: str) -> None:
        self.name = name
        self.far: PipeEnd | None = None
        self._clock = clock
        self._on_data: OnData | None = None

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        """Begin to listen; a pipe never breaks."""
        self._on_data = on_data

    def write(self, data: bytes) -> None:
        """Send bytes to the far end; they arrive at the same bench time, after what is happening now."""
        if self.far is None:
            raise BenchError("the line was cut", where=self.name)
        self._clock.call_at(self._clock.now_ns, self.far._deliver, data)

    def _deliver(self, data: bytes) -> None:
        if self._on_data is not None:
            self._on_data(self._clock.now_ns, data)

    async def close(self) -> None:
        """Stop listening."""
        self._on_data = None


def pipe(clock: Clock, name: str) -> tuple[PipeEnd, PipeEnd]:
    """A byte pipe: what is written at one end arrives at the other."""
    near, far = PipeEnd(clock, name), PipeEnd(clock, name)
    near.far, far.far = far, near
    return near, far
