"""Simulated copper: a power line and a byte pipe. What the simulated ports and the virtual ECU hold an end of."""

from __future__ import annotations

from collections.abc import Callable

from hil.clock import Clock
from hil.errors import BenchError
from hil.serial.port import OnData, OnLost


class PowerLine:
    """A wire with a voltage, set by a supply; a load hears every change and says what current it draws."""

    def __init__(self) -> None:
        self.voltage_V = self.fed_V = 0.0
        self._connected = True
        self.load_A: Callable[[], float] = lambda: 0.0
        self._listeners: list[Callable[[float], object]] = []

    def listen(self, on_change: Callable[[float], object]) -> None:
        """Have `on_change(voltage_V)` called at each change."""
        self._listeners.append(on_change)

    def set(self, voltage_V: float) -> None:
        """Put a voltage on the line, as a supply does."""
        self.fed_V = voltage_V
        self._arrive(voltage_V if self._connected else 0.0)

    def connect(self, closed: bool) -> None:
        """Close or open the contact between supply and load."""
        self._connected = closed
        self._arrive(self.fed_V if closed else 0.0)

    def _arrive(self, voltage_V: float) -> None:
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
        self._connected = True

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        """Begin to listen; a pipe never breaks."""
        self._on_data = on_data

    def write(self, data: bytes) -> None:
        """Send bytes to the far end; they arrive at the same bench time, after what is happening now."""
        if self.far is None:
            raise BenchError("the line was cut", where=self.name)
        if not self._connected:
            return
        self._clock.call_at(self._clock.now_ns, self.far._deliver, data)

    def connect(self, closed: bool) -> None:
        """Close or open the contact in the line, both ways: what is sent while it is open is lost, as on copper."""
        self._connected = closed
        if self.far is not None:
            self.far._connected = closed

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
