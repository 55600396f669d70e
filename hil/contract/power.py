"""The contract of a power supply: it does what it is told, refuses what the bench file forbids, trips, ends safe."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hil.clock import Clock
from hil.errors import BenchError, UsageError
from hil.serial.port import PowerPort

START_V = 13.5


@dataclass
class PowerBench:
    """A supply on a load, not yet open, its output off.

    Attributes:
        clock: the clock that the supply is on.
        port: the port under test, made with `voltage_V=START_V`; its limits allow 6 V to 14 V and 1 A at least.
        measure_V: what another instrument sees at the output, in volts.
        draw_A: sets what the load draws while there is voltage, in amperes; None where that can't be done.
        settle_s: bench time after which the output has settled.
        tolerance_V: how far a settled output may be off.
        tolerance_A: how far a current may be off.
    """

    clock: Clock
    port: PowerPort
    measure_V: Callable[[], float]
    draw_A: Callable[[float], object] | None = None
    settle_s: float = 0.0
    tolerance_V: float = 0.1
    tolerance_A: float = 0.1


class PowerContract:
    """Derive it and give `power_bench`."""

    @pytest.fixture
    def power_bench(self) -> Iterator[PowerBench]:
        """The supply. Close the clock after the test; the suite closes the supply."""
        raise NotImplementedError("give the contract a fixture 'power_bench'")

    def _run(self, bench: PowerBench, scenario: Callable[[PowerBench], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            await bench.port.open()
            try:
                await scenario(bench)
            finally:
                await bench.port.close()

        bench.clock.run(main())

    def test_opening_leaves_the_output_as_it_is(self, power_bench: PowerBench) -> None:
        """It was off."""

        async def scenario(bench: PowerBench) -> None:
            assert not (await bench.port.read()).on
            assert bench.measure_V() == pytest.approx(0.0, abs=bench.tolerance_V)

        self._run(power_bench, scenario)

    def test_switching_on_gives_the_start_voltage_and_off_takes_it(self, power_bench: PowerBench) -> None:
        """Seen by the port and by another instrument."""

        async def scenario(bench: PowerBench) -> None:
            for on, voltage_V in ((True, START_V), (False, 0.0), (True, START_V)):
                await bench.port.switch(on)
                await bench.clock.sleep(bench.settle_s)
                reading = await bench.port.read()
                assert reading.on is on
                assert reading.voltage_V == pytest.approx(voltage_V, abs=bench.tolerance_V)
                assert bench.measure_V() == pytest.approx(voltage_V, abs=bench.tolerance_V)

        self._run(power_bench, scenario)

    def test_the_voltage_follows_and_is_kept_while_off(self, power_bench: PowerBench) -> None:
        """A voltage set while the output is off is there once it is on."""

        async def scenario(bench: PowerBench) -> None:
            await bench.port.switch(True)
            for voltage_V in (9.0, 6.0, 14.0):
                await bench.port.set_voltage(voltage_V)
                await bench.clock.sleep(bench.settle_s)
                assert bench.measure_V() == pytest.approx(voltage_V, abs=bench.tolerance_V)
            await bench.port.switch(False)
            await bench.port.set_voltage(12.0)
            await bench.clock.sleep(bench.settle_s)
            assert bench.measure_V() == pytest.approx(0.0, abs=bench.tolerance_V)
            await bench.port.switch(True)
            await bench.clock.sleep(bench.settle_s)
            assert bench.measure_V() == pytest.approx(12.0, abs=bench.tolerance_V)

        self._run(power_bench, scenario)

    @pytest.mark.parametrize("beyond_V", [0.01, 100.0])
    def test_a_voltage_beyond_the_limits_is_refused(self, power_bench: PowerBench, beyond_V: float) -> None:
        """As the test's fault, naming value, limit and key; the output stays."""

        async def scenario(bench: PowerBench) -> None:
            await bench.port.switch(True)
            limit_V = bench.port.limits.max_voltage_V
            with pytest.raises(UsageError) as refusal:
                await bench.port.set_voltage(limit_V + beyond_V)
            for part in (f"{limit_V + beyond_V:g}", f"{limit_V:g}", f"supply.{bench.port.name}.max_voltage_V"):
                assert part in str(refusal.value)
            await bench.clock.sleep(bench.settle_s)
            assert bench.measure_V() == pytest.approx(START_V, abs=bench.tolerance_V)

        self._run(power_bench, scenario)

    @pytest.mark.parametrize("voltage_V", [-0.1, float("nan"), float("inf")])
    def test_what_is_no_voltage_is_refused(self, power_bench: PowerBench, voltage_V: float) -> None:
        """Below zero, or no number."""

        async def scenario(bench: PowerBench) -> None:
            with pytest.raises(UsageError):
                await bench.port.set_voltage(voltage_V)

        self._run(power_bench, scenario)

    def test_the_current_of_the_load_is_read(self, power_bench: PowerBench) -> None:
        """And none while the output is off."""

        async def scenario(bench: PowerBench) -> None:
            _draw(bench, 0.5)
            await bench.port.switch(True)
            await bench.clock.sleep(bench.settle_s)
            assert (await bench.port.read()).current_A == pytest.approx(0.5, abs=bench.tolerance_A)
            await bench.port.switch(False)
            await bench.clock.sleep(bench.settle_s)
            assert (await bench.port.read()).current_A == pytest.approx(0.0, abs=bench.tolerance_A)

        self._run(power_bench, scenario)

    def test_too_much_current_trips_and_is_a_bench_error_once(self, power_bench: PowerBench) -> None:
        """Off within the settling time of the next read, off it stays, and switching on forgets the trip."""

        async def scenario(bench: PowerBench) -> None:
            _draw(bench, 0.1)
            await bench.port.switch(True)
            _draw(bench, bench.port.limits.max_current_A * 1.5)
            await bench.clock.sleep(bench.settle_s)
            with pytest.raises(BenchError, match=bench.port.name):
                await bench.port.read()
            assert bench.measure_V() == pytest.approx(0.0, abs=bench.tolerance_V)
            _draw(bench, 0.1)
            assert not (await bench.port.read()).on
            await bench.port.switch(True)
            await bench.clock.sleep(bench.settle_s)
            assert bench.measure_V() == pytest.approx(START_V, abs=bench.tolerance_V)

        self._run(power_bench, scenario)

    def test_closing_leaves_the_output_off_and_may_come_twice(self, power_bench: PowerBench) -> None:
        """Every exit leaves a safe state."""

        async def scenario(bench: PowerBench) -> None:
            await bench.port.switch(True)
            await bench.port.close()
            await bench.clock.sleep(bench.settle_s)
            assert bench.measure_V() == pytest.approx(0.0, abs=bench.tolerance_V)

        self._run(power_bench, scenario)


def _draw(bench: PowerBench, current_A: float) -> None:
    if bench.draw_A is None:
        pytest.skip("this bench has no load that a test can change")
    bench.draw_A(current_A)
