"""Fuel, coolant, charge, power, revs, range, temperature outside, clock: values, damping, what is lost."""

import pytest

TEMPERATURES = {
    -40: ("-40.0 °C", "-40 °F"),
    -10: ("-10.0 °C", "14 °F"),
    -0.5: ("-0.5 °C", "31 °F"),
    0: ("0.0 °C", "32 °F"),
    21.5: ("21.5 °C", "71 °F"),
    45: ("45.0 °C", "113 °F"),
}
"""Outside, in degC: as the driver reads it in the two units."""


@pytest.mark.requirement("CLU-GAU-008")
@pytest.mark.table("gauges.csv")
def test_a_gauge_shows_what_is_sent(bench, cluster, kind, item, signal, points, tolerance: float):
    """Standing, when the damping has had its time, and without trembling."""
    gauge = cluster.bar(item) if kind == "bar" else cluster.needle(item)
    for point in points.split("|"):
        sent, shown = point.split("=")
        bench.set_signal(signal, sent.strip())
        gauge.should_show(float(shown), tolerance=tolerance, within="7 s")
        gauge.should_stay_at(float(shown), tolerance=tolerance, during="300 ms")


@pytest.mark.requirement("CLU-GAU-001")
def test_the_fuel_gauge_is_damped_while_driving(bench, cluster):
    """A bend: half a tank looks like 90 %. After one time constant of 10 s 63 % of the step are shown, not sooner."""
    bench.set_signal("VehicleSpeed", "50 km/h")
    cluster.bar("fuel").should_show(0.5, tolerance=0.02)
    bench.set_signal("FuelLevel", "90 %")
    cluster.bar("fuel").should_stay_at(0.5, tolerance=0.11, during="2 s")
    bench.sleep("8 s")
    cluster.bar("fuel").should_show(0.5 + 0.4 * 0.632, tolerance=0.04, within="0 s")
    bench.set_signal("FuelLevel", "50 %")
    cluster.bar("fuel").should_stay_at(0.7, tolerance=0.09, during="2 s")


@pytest.mark.requirement("CLU-GAU-001")
def test_the_fuel_gauge_is_quick_at_the_petrol_station(bench, cluster):
    """Standing the time constant is 1 s."""
    bench.set_signal("FuelLevel", "90 %")
    bench.sleep("500 ms")
    cluster.bar("fuel").should_show(0.5 + 0.4 * 0.393, tolerance=0.07, within="0 s")
    cluster.bar("fuel").should_show(0.9, tolerance=0.03, within="4 s")


@pytest.mark.requirement("CLU-GAU-002")
@pytest.mark.parametrize("how", ["silent", "SNA"])
def test_the_coolant_gauge_holds_for_ten_seconds(bench, cluster, how):
    """The engine control is gone, or doesn't know: the last value for 10 s, then an empty gauge."""
    bench.set_signal("CoolantTemperature", "95 degC")
    cluster.bar("coolant").should_show("95 degC", tolerance="3 degC", within="5 s")
    if how == "silent":
        bench.stop_message("ECM_Engine")
    else:
        bench.set_signal("CoolantTemperature", "SNA")
    cluster.bar("coolant").should_stay_at("95 degC", tolerance="3 degC", during="9.5 s")
    cluster.bar("coolant").should_show("50 degC", tolerance="2 degC", within="1.5 s")


@pytest.mark.requirement("CLU-GAU-003")
def test_the_temperature_outside(bench, cluster, shell):
    """With its sign, in both units."""
    for column, unit in enumerate(("C", "F")):
        shell(f"set temperature_unit {unit}").expect(f"temperature_unit = {unit}", within="1 s")
        for degrees, shown in TEMPERATURES.items():
            bench.set_signal("BCM_Ambient.OutsideTemperature", degrees, "degC")
            cluster.text("outside").should_be(shown[column], within="800 ms")


@pytest.mark.requirement("CLU-GAU-004")
def test_the_clock_runs_on_by_itself(bench, cluster, shell):
    """The telematics unit says the time, then falls silent; the minutes go on, also past midnight."""
    shell("set time_zone 0").expect("time_zone = 0", within="1 s")
    bench.set_signals({"TCU_DateTime.Hour": 23, "TCU_DateTime.Minute": 59, "TCU_DateTime.Second": 45})
    cluster.text("clock").should_be("23:59", within="2 s")
    bench.stop_message("TCU_DateTime")
    cluster.text("clock").should_be("00:00", within="18 s")
    shell("set time_zone 8").expect("time_zone = 8", within="1 s")
    cluster.text("clock").should_be("02:00", within="500 ms")


@pytest.mark.requirement("CLU-GAU-006")
def test_the_range(bench, cluster):
    """Fuel alone; unknown; and known again."""
    bench.set_signals({"ECM_Fuel.FuelRange": "412 km", "BMS_State.ElectricRange": "0 km"})
    cluster.text("range").should_be("412")
    bench.set_signal("ECM_Fuel.FuelRange", "SNA")
    cluster.text("range").should_be("---", within="500 ms")
    bench.set_signal("ECM_Fuel.FuelRange", "7 km")
    cluster.text("range").should_be("7", within="500 ms")


@pytest.mark.requirement("CLU-GAU-006")
@pytest.mark.needs("hybrid")
def test_the_range_of_a_hybrid_is_both_together(bench, cluster):
    """Fuel and battery."""
    bench.set_signals({"ECM_Fuel.FuelRange": "412 km", "BMS_State.ElectricRange": "38 km"})
    cluster.text("range").should_be("450")


@pytest.mark.requirement("CLU-GAU-007")
@pytest.mark.realtime
def test_low_fuel_is_told(bench, cluster):
    """Telltale, caution and gong; filling up ends the telltale."""
    bench.set_signals({"FuelLevel": "6 %", "FuelLow": "On"})
    cluster.telltale("fuel").should_be("on", within="500 ms")
    cluster.popup("warning").should_show(severity="caution", symbol="fuel", within="1 s")
    bench.set_signals({"FuelLevel": "98 %", "FuelLow": "Off"})
    cluster.telltale("fuel").should_be("off", within="500 ms")


@pytest.mark.requirement("CLU-GAU-007")
def test_low_fuel_is_heard(bench):
    """One gong."""
    bench.set_signal("FuelLow", "On")
    bench.ear().should_hear("gong", within="1 s")
