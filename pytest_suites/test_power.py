"""The supply: cranking, too low, too high, gone; the current in sleep; the ignition again and again."""

import pytest

NOMINAL = "13.5 V"


@pytest.mark.requirement("CLU-PWR-002")
@pytest.mark.table("cranking.csv", survives="yes")
def test_cranking_leaves_the_instruments_on(bench, cluster, steps):
    """The starter pulls the supply down; the picture stays in every frame, and nothing boots."""
    bench.console().drain()
    bench.set_signal("PowerMode", "Crank")
    cluster.text("gear").should_be("P")
    for voltage, duration in _profile(steps):
        bench.supply().set_voltage(voltage)
        cluster.text("gear").should_stay("P", during=duration)
    bench.supply().set_voltage(NOMINAL)
    bench.set_signal("PowerMode", "On")
    cluster.text("gear").should_stay("P", during="1 s")
    bench.console().should_not_show("bootloader", during="100 ms")


@pytest.mark.requirement("CLU-PWR-002", "CLU-BOOT-004")
@pytest.mark.table("cranking.csv", survives="no")
def test_cranking_below_six_volts_resets_and_says_why(bench, cluster, steps):
    """A worn battery: the ECU can't live on that, but it comes back by itself."""
    bench.set_signal("PowerMode", "Crank")
    bench.console().drain()
    for voltage, duration in _profile(steps):
        bench.supply().set_voltage(voltage)
        bench.sleep(duration)
    bench.supply().set_voltage(NOMINAL)
    bench.set_signal("PowerMode", "On")
    bench.console().expect("boot reason: undervoltage", within="1 s")
    cluster.text("gear").should_be("P", within="2.5 s")
    bench.signal_should_be("ResetReasonChassis", "Undervoltage", within="2 s")


@pytest.mark.requirement("CLU-PWR-003")
def test_a_short_dip_below_nine_volts_is_not_seen(bench, cluster):
    """80 ms at 8.8 V, ten times."""
    for _ in range(10):
        bench.supply().set_voltage("8.8 V")
        cluster.text("gear").should_stay("P", during="80 ms")
        bench.supply().set_voltage("9.6 V")
        cluster.text("gear").should_stay("P", during="120 ms")


@pytest.mark.requirement("CLU-PWR-003")
def test_undervoltage_darkens_the_display_until_it_is_over(bench, cluster, shell):
    """Dark 100 ms after 9 V, back 200 ms after 9.5 V; the workshop finds a code."""
    bench.supply().set_voltage("8.8 V")
    cluster.should_be_lit(within="0 s")
    cluster.should_be_lit(False, within="150 ms")
    bench.signal_should_be("ClusterState", "Off", within="300 ms")
    bench.supply().set_voltage("9.6 V")
    bench.sleep("150 ms")
    cluster.should_be_lit(False, within="0 s")
    cluster.should_be_lit(within="150 ms")
    shell("dtc").expect("U3003-16", within="1 s")


@pytest.mark.requirement("CLU-PWR-003")
def test_a_voltage_that_hangs_around_nine_volts_does_not_flicker(bench, cluster):
    """Up and down between 8.8 V and 9.3 V for 6 s: dark, and dark all the time."""
    bench.supply().set_voltage("8.8 V")
    cluster.should_be_lit(False, within="150 ms")
    for _ in range(10):
        for voltage in ("9.3 V", "8.8 V"):
            bench.supply().set_voltage(voltage)
            bench.sleep("290 ms")
            cluster.should_be_lit(False, within="0 s")


@pytest.mark.requirement("CLU-PWR-005")
def test_overvoltage_is_reduced_told_and_stored(bench, cluster, shell):
    """A failed regulator gives 15.8 V."""
    bright = float(bench.signal("DisplayBrightness").physical)
    bench.supply().set_voltage("15.8 V")
    cluster.popup("warning").should_never_show(during="900 ms")
    cluster.popup("warning").should_show(severity="warning", symbol="battery", within="1 s")
    bench.signal_should_be("DisplayBrightness", bright / 2, tolerance=2, within="500 ms")
    shell("dtc").expect("U3003-17", within="1 s")
    bench.supply().set_voltage(NOMINAL)
    bench.signal_should_be("DisplayBrightness", bright, tolerance=1, within="1 s")


@pytest.mark.requirement("CLU-PWR-005")
def test_a_short_peak_is_no_overvoltage(bench, cluster, shell):
    """A load dump that the vehicle clamps to 16 V for 400 ms."""
    bench.supply().set_voltage("16 V")
    cluster.popup("warning").should_never_show(during="400 ms")
    bench.supply().set_voltage(NOMINAL)
    cluster.popup("warning").should_never_show(during="2 s")
    shell("dtc").expect("dtc: none", within="1 s")


@pytest.mark.requirement("CLU-PWR-004")
@pytest.mark.start("sleep")
def test_quiescent_current(bench):
    """From 3 s after it fell asleep on, for half a minute: alive, but hardly."""
    bench.sleep("3 s")
    for _ in range(10):
        bench.supply().current_should_be(above="0.1 mA", below="5 mA")
        bench.sleep("3 s")


@pytest.mark.requirement("CLU-PWR-001")
@pytest.mark.parametrize("after", ["30 ms", "700 ms", "1.7 s"])
@pytest.mark.start("off")
def test_a_power_cut_while_booting_does_no_harm(bench, cluster, shell, after):
    """Whenever it comes: the next boot is a normal one, with nothing lost and no code."""
    bench.power_on()
    bench.sleep(after)
    bench.power_off()
    cluster.should_be_lit(False, within="200 ms")
    bench.supply().current_should_be(below="10 mA")
    bench.sleep("300 ms")
    bench.console().drain()
    bench.power_on()
    bench.console().expect("boot complete", within="2.5 s")
    cluster.text("odometer").should_be("012345", within="1 s")
    shell("dtc").expect("dtc: none", within="1 s")


@pytest.mark.requirement("CLU-PWR-006")
@pytest.mark.realtime
def test_the_ignition_again_and_again(bench, cluster, shell):
    """Off: dark. On: the instruments. Five times within some seconds, and the workshop finds no code."""
    bench.console().drain()
    for _ in range(5):
        bench.ignition(False)
        cluster.should_be_lit(False, within="500 ms")
        bench.sleep("500 ms")
        bench.ignition(True)
        cluster.text("gear").should_be("P", within="1 s")
    bench.console().should_not_show("bootloader", during="100 ms")
    shell("dtc").expect("dtc: none", within="1 s")


def _profile(steps):
    """`8 V 20 ms | 9.5 V 1 s` -> voltages and durations."""
    for step in steps.split("|"):
        volts, unit, number, time_unit = step.split()
        yield f"{volts} {unit}", f"{number} {time_unit}"
