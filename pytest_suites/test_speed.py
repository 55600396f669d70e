"""The speedometer: never too low on a ramp, filter, plausibility, needle against digits."""

import pytest


@pytest.mark.requirement("CLU-SPD-001", "CLU-SPD-008", "CLU-UNIT-001")
@pytest.mark.parametrize("unit", ["km/h", "mph"])
def test_needle_and_digits_agree(bench, shell, unit):
    """Over the range of the scale, in both units; and neither is below the true speed."""
    shell(f"set speed_unit {unit}").expect(f"speed_unit = {unit}", within="1 s")
    bench.use_unit(unit)
    cluster = bench.screen("cluster")
    for true in (0, 4.99, 50.01, 120):
        bench.set_signal("VehicleSpeed", true, unit)
        cluster.text("speed").should_show(true + 0.5, tolerance=0.51, within="500 ms")
        bench.sleep("500 ms")
        digits = float(cluster.text("speed").read())
        cluster.needle("speed_needle").should_show(digits, tolerance=1.5, within="0 s")
        cluster.needle("speed_needle").should_show(true + 1, tolerance=1.3, within="0 s")


@pytest.mark.requirement("CLU-SPD-009")
@pytest.mark.parametrize(("begin", "end"), [(0, 120), (120, 0)], ids=["faster", "slower"])
def test_on_a_ramp_the_speed_is_never_too_low(bench, cluster, begin, end):
    """20 km/h a second, looked at 16 times: what is shown was true within the last 200 ms."""
    bench.set_signals({"VehicleSpeed": begin, "Gear": "D"})
    cluster.needle("speed_needle").should_show(begin, tolerance=2)
    bench.ramp_signal("VehicleSpeed", to=end, during="6 s", wait=False)
    for look in range(16):
        bench.sleep("370 ms")
        now = float(bench.signal("VehicleSpeed").physical)
        before = min(max(now - (end - begin) / 6 * 0.2, 0.0), 120.0)
        least, most = min(now, before), 1.1 * max(now, before) + 4
        item = cluster.text("speed") if look % 2 else cluster.needle("speed_needle")
        item.should_show((least + most) / 2, tolerance=(most - least) / 2 + (0 if look % 2 else 0.3), within="0 s")
    cluster.text("speed").should_be(str(end), within="500 ms")


@pytest.mark.requirement("CLU-SPD-002")
def test_the_digits_follow_each_change(bench, cluster):
    """Up and down in steps, each shown within 300 ms."""
    for speed in (30, 31, 50, 100, 130, 129, 70, 7, 0):
        bench.set_signal("VehicleSpeed", speed)
        cluster.text("speed").should_be(str(speed), within="300 ms")


@pytest.mark.requirement("CLU-SPD-004")
@pytest.mark.realtime
def test_a_speed_that_nobody_knows_is_dashes(bench, cluster):
    """SNA: dashes, the needle at rest, and the bus hears it too; then the speed is back."""
    bench.set_signal("VehicleSpeed", "72 km/h")
    cluster.text("speed").should_be("72")
    bench.set_signal("VehicleSpeed", "SNA")
    cluster.text("speed").should_be("---", within="500 ms")
    cluster.needle("speed_needle").should_show(0, tolerance=1, within="1 s")
    cluster.needle("speed_needle").should_stay_at(0, tolerance=1, during="500 ms")
    bench.signal_should_be("DisplayedSpeed", "SNA", within="500 ms")
    bench.set_signal("VehicleSpeed", "72 km/h")
    cluster.text("speed").should_be("72", within="500 ms")


@pytest.mark.requirement("CLU-SPD-007")
def test_a_speed_that_its_sender_doubts_is_dashes(bench, cluster, shell):
    """SpeedPlausible No; the workshop finds a code."""
    bench.set_signal("VehicleSpeed", "72 km/h")
    cluster.text("speed").should_be("72")
    bench.set_signal("SpeedPlausible", "No")
    cluster.text("speed").should_be("---", within="500 ms")
    shell("dtc").expect("U0415-29", within="1 s")


@pytest.mark.requirement("CLU-SPD-005")
def test_one_sample_that_jumps_is_not_shown(bench, cluster):
    """A single frame says 250 km/h, ten times; neither digits nor needle move."""
    bench.set_signal("VehicleSpeed", "50 km/h")
    cluster.text("speed").should_be("50")
    cluster.needle("speed_needle").should_show(50.5, tolerance=1)
    for number in range(10):
        for speed, during in ((250, "20 ms"), (50, "240 ms")):
            bench.set_signal("VehicleSpeed", speed)
            if number % 2:
                cluster.text("speed").should_stay("50", during=during)
            else:
                cluster.needle("speed_needle").should_stay_at(50.5, tolerance=2, during=during)


@pytest.mark.requirement("CLU-SPD-005")
def test_a_jump_that_stays_is_shown(bench, cluster):
    """The sender was repaired in motion: 150 km/h after 50, within 200 ms."""
    bench.set_signal("VehicleSpeed", "50 km/h")
    cluster.text("speed").should_be("50")
    bench.set_signal("VehicleSpeed", "150 km/h")
    cluster.text("speed").should_be("150", within="200 ms")
    bench.set_signal("VehicleSpeed", "20 km/h")
    cluster.text("speed").should_be("20", within="200 ms")


@pytest.mark.requirement("CLU-SPD-010")
@pytest.mark.parametrize(("begin", "end"), [(30, 80), (80, 30)], ids=["up", "down"])
def test_the_needle_comes_to_rest_without_swinging(bench, cluster, begin, end):
    """A step of 50 km/h."""
    bench.set_signal("VehicleSpeed", begin)
    cluster.needle("speed_needle").should_show(begin, tolerance=1)
    bench.set_signal("VehicleSpeed", end)
    cluster.needle("speed_needle").should_show(end + 0.5, tolerance=2, within="600 ms")
    cluster.needle("speed_needle").should_stay_at(end + 0.5, tolerance=2, during="1.5 s")
