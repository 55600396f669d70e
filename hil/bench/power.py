"""A power supply as a test sees it."""

from __future__ import annotations

import math

from hil import units
from hil.bench.portal import Portal
from hil.bench.power_profiles import ProfileRun, find, ramp
from hil.errors import UsageError
from hil.serial.player import Played
from hil.serial.port import PowerReading
from hil.serial.profiles import Profile

_RUNS_FROM = 0.7
"""Share of the nominal voltage below which nobody is expected to send."""


def _in(value: str | float, unit: str) -> float:
    if not isinstance(value, str):
        return float(value)
    number, written = units.parse(value)
    return units.convert(number, written or unit, unit)


class PowerFacade:
    """One supply."""

    def __init__(self, bench: Portal, name: str) -> None:
        self._bench, self.name = bench, name
        self._port = bench.wiring.supplies[name]
        self._profiles = ProfileRun(bench, name)

    def switch(self, on: bool) -> None:
        """Output on or off."""
        self._bench.call(self._switch(on))

    async def _switch(self, on: bool) -> None:
        self._profiles.stop()
        watch = self._bench.wiring.traffic.watch
        (watch.expect if on else watch.pause)("power")
        await self._port.switch(on)
        await self._record(f"output {'on' if on else 'off'}")

    def set_voltage(self, voltage: str | float) -> None:
        """Set the voltage: `"9 V"` or a number in volts.

        Raises:
            UsageError: beyond the limits of the bench file.
        """
        self._bench.call(self._set_voltage(_in(voltage, "V")))

    async def _set_voltage(self, voltage_V: float) -> None:
        self._profiles.stop()
        watch = self._bench.wiring.traffic.watch
        watch.pause("voltage")
        await self._port.set_voltage(voltage_V)
        if voltage_V >= _RUNS_FROM * self._bench.wiring.config.supply[self.name].voltage_V:
            watch.expect("voltage")
        await self._record(f"set to {voltage_V:g} V")

    def ramp(self, to: str | float, *, over: units.Duration) -> Played:
        """Change the voltage in a straight line: `ramp("6 V", over="75 s")`. Returns at its end.

        Raises:
            UsageError: beyond the limits of the bench file, or the output is off.
            InconclusiveError: the supply could not follow.
        """
        return self._bench.call(self._play(ramp(_in(to, "V"), units.nanoseconds(over))))

    def play(self, profile: str, *, table: str = "") -> Played:
        """Play a named profile, or a course such as `"8 V 15 ms | to 9.5 V 50 ms"`. Returns at its end.

        Args:
            profile: a name in the table, or the course itself.
            table: CSV file with the columns `profile` and `course`; `fixtures/tables/supply_profiles.csv` without one.

        Raises:
            UsageError: no such profile, beyond the limits of the bench file, or the output is off.
            InconclusiveError: the supply could not follow.
        """
        return self._bench.call(self._play(find(profile, table)))

    async def _play(self, profile: Profile) -> Played:
        await self._profiles.begin(profile)
        return await self._profiles.end()

    def begin_profile(self, profile: str, *, table: str = "") -> None:
        """As `play`, but returns at once: the profile goes on beside what the test does next."""
        self._bench.call(self._profiles.begin(find(profile, table)))

    def end_profile(self) -> Played:
        """Wait for the end of what `begin_profile` began.

        Raises:
            UsageError: nothing is being played.
            InconclusiveError: the supply could not follow.
        """
        return self._bench.call(self._profiles.end())

    def read(self) -> PowerReading:
        """Measure the output."""
        return self._bench.call(self._record("read"))

    async def _record(self, event: str) -> PowerReading:
        reading = await self._port.read()
        fields = {"event": event, "voltage_V": reading.voltage_V, "current_A": reading.current_A, "on": reading.on}
        self._bench.wiring.recorder.record("supply", fields, name=self.name)
        return reading

    def current_should_be(self, *, above: str | float = 0.0, below: str | float = 1e9) -> None:
        """Check the current that the ECU draws now, in amperes or with a unit.

        Raises:
            EcuError: it is not between the two.
            UsageError: nothing can be.
        """
        above_A, below_A = _in(above, "A"), _in(below, "A")
        if not 0 <= above_A < below_A < math.inf:
            what = f"nothing draws between {above_A:g} A and {below_A:g} A"
            raise UsageError(what, where=f"supply.{self.name}", remedy="give what it draws at least, and at most.")
        self._bench.call(self._current_should_be(above_A, below_A))

    async def _current_should_be(self, above_A: float, below_A: float) -> None:
        reading = await self._record("read")
        bounds = [f"above {above_A:g} A"] * (above_A > 0) + [f"below {below_A:g} A"] * (below_A < 1e9)
        self._bench.judge.check(
            name="current",
            target=f"supply.{self.name}",
            expected=" and ".join(bounds) or "any current",
            seen=f"{reading.current_A:.4g} A",
            ok=above_A <= reading.current_A <= below_A,
            t_ns=self._bench.now_ns,
            since_ns=self._bench.now_ns,
        )
