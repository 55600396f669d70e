"""A simulated bench supply: it puts a voltage on a `PowerLine` and reads the current that the load says it draws.

Over-current protection: nothing on the line announces a change of load, so the supply looks at the load at each call
(and right after it changed the voltage). A load above the limit switches the output off at once, and that call raises
the BenchError; later calls work on a supply that is off, and `switch(True)` arms it again. It keeps no timer of its
own: a bench on which nothing else happens must be seen to wait for ever.
"""

from __future__ import annotations

from hil.clock import Clock
from hil.errors import BenchError
from hil.serial.limits import check_voltage
from hil.serial.line import PowerLine
from hil.serial.port import PowerLimits, PowerReading


class SimSupply:
    """A `PowerPort` without a device.

    Args:
        clock: the bench's clock.
        name: the supply's name in the bench file.
        line: the wire that it feeds.
        limits: what the bench file allows.
        voltage_V: the voltage that `switch(True)` puts on the line until another is set.

    Raises:
        UsageError: that voltage is beyond the limits.
    """

    def __init__(
        self, *, clock: Clock, name: str, line: PowerLine, limits: PowerLimits, voltage_V: float = 13.5
    ) -> None:
        check_voltage(name, voltage_V, limits)
        self.name, self.limits = name, limits
        self._clock, self._line, self._voltage_V, self._on = clock, line, voltage_V, False

    async def open(self) -> None:
        """Nothing to reach: the output stays as it is, off."""

    async def switch(self, on: bool) -> None:
        """Output on or off. On clears a tripped protection.

        Raises:
            BenchError: the load draws more than the limit: the output went off again.
        """
        self._on = on
        self._drive()

    async def set_voltage(self, voltage_V: float) -> None:
        """Set the output voltage, in volts; it is on the line if the output is on.

        Raises:
            UsageError: beyond the limits of the bench file.
            BenchError: the load draws more than the limit: the output went off.
        """
        check_voltage(self.name, voltage_V, self.limits)
        self._voltage_V = voltage_V
        self._drive()

    async def read(self) -> PowerReading:
        """Measure the output.

        Raises:
            BenchError: the load draws more than the limit: the output went off.
        """
        self._protect()
        current_A = self._line.load_A() if self._on else 0.0
        return PowerReading(self._on, self._line.fed_V if self._on else 0.0, current_A)

    async def close(self) -> None:
        """Output off."""
        self._on = False
        self._drive()

    def _drive(self) -> None:
        self._line.set(self._voltage_V if self._on else 0.0)
        self._protect()

    def _protect(self) -> None:
        current_A = self._line.load_A() if self._on else 0.0
        if current_A <= self.limits.max_current_A:
            return
        self._on = False
        self._line.set(0.0)
        raise BenchError(
            f"the over-current protection switched the output off: {current_A:.3g} A drawn at"
            f" {self._clock.now_ns / 1e9:.3f} s, {self.limits.max_current_A:g} A allowed",
            where=f"supply.{self.name}.max_current_A",
            remedy="look for a short, or raise the limit in the bench file if the ECU really needs it.",
        )
