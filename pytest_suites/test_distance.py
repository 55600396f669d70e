"""Odometer and trip: counted, kept over a power cut, over the wrap of the wheels' counter."""

import pytest


@pytest.mark.requirement("CLU-ODO-001", "CLU-ODO-003")
@pytest.mark.bench_timeout("2 min")
def test_the_odometer_survives_a_power_cut(bench, cluster):
    """2.5 km at 250 km/h, then the battery is gone: less than a kilometre is lost, and nothing is won."""
    begin, trip = _odometer(bench), float(cluster.text("trip").read())
    bench.set_signal("VehicleSpeed", "250 km/h")
    bench.sleep("36 s")
    bench.set_signal("VehicleSpeed", "0 km/h")
    bench.signal_should_be("CLU_Odometer.Odometer", begin + 2.5, tolerance=0.11, within="2 s")
    cluster.text("trip").should_show(trip + 2.5, tolerance=0.11)
    before = _odometer(bench)
    bench.power_off()
    bench.sleep("5 s")
    bench.power_on()
    bench.signal_should_be("CockpitReady", "Yes", within="8 s")
    after = _odometer(bench)
    assert before - 1 < after <= before, f"{before} km before, {after} km after"
    cluster.text("odometer").should_be(f"{int(after):06d}")


@pytest.mark.requirement("CLU-ODO-001")
def test_the_odometer_is_exact_after_the_ignition_was_off(bench, cluster):
    """Ignition off is no power cut: nothing at all is lost of 700 m, though the supply goes a second later."""
    bench.set_signal("VehicleSpeed", "250 km/h")
    bench.sleep("10 s")
    bench.set_signal("VehicleSpeed", "0 km/h")
    bench.sleep("1 s")
    before = _odometer(bench)
    bench.ignition(False)
    bench.sleep("1 s")
    bench.power_off()
    bench.sleep("1 s")
    bench.power_on()
    bench.signal_should_be("CockpitReady", "Yes", within="8 s")
    assert _odometer(bench) == before


@pytest.mark.requirement("CLU-ODO-002")
def test_the_wheels_counter_may_wrap(bench, cluster):
    """100 km/h over the end of the counter at 6553.5 m: some 110 m more than before, not 6.5 km less."""
    bench.set_signals({"VehicleSpeed": "100 km/h", "TravelledDistance": "6500 m"})
    bench.sleep("1 s")
    begin = _odometer(bench)
    bench.ramp_signal("TravelledDistance", to="6553.5 m", during="1926 ms")
    bench.ramp_signal("TravelledDistance", begin="0 m", to="55 m", during="1980 ms")
    bench.set_signal("VehicleSpeed", "0 km/h")
    bench.sleep("1 s")
    assert begin <= _odometer(bench) <= begin + 0.3
    cluster.text("odometer").should_be("012345")


def _odometer(bench):
    """Kilometres, as the ECU says them on the bus."""
    bench.sleep("1 s")
    return float(bench.signal("CLU_Odometer.Odometer").physical)
