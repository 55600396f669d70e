"""The instrument cluster, for engineers who write Python: the same ECU, the same bench, the same verdicts."""

import pytest

pytestmark = [pytest.mark.realtime]


@pytest.mark.requirement("CLU-TT-002")
def test_main_beam_telltale_is_fast(bench):
    """From the frame on the bus to the lit lamp."""
    bench.screen().telltale("high_beam").reaction(
        "HighBeam", "On", rest="Off", samples=10, limit="200 ms", source="CLU-TT-002"
    )


@pytest.mark.requirement("CLU-SPD-001")
@pytest.mark.parametrize("speed", [0, 30, 100, 200])
def test_speed_is_never_shown_too_low(bench, speed):
    """UN R39 5.3: the indicated speed is between the true one and 110 % of it plus 4 km/h."""
    bench.set_signal("VehicleSpeed", speed, "km/h")
    middle, width = speed + (0.1 * speed + 4) / 2, (0.1 * speed + 4) / 2
    bench.screen().text("speed").should_show(middle, tolerance=width)
    bench.screen().needle("speed_needle").should_show(middle, tolerance=width + 0.5)


@pytest.mark.requirement("CLU-SPD-003")
def test_a_speed_that_is_not_available_is_not_shown(bench):
    """SNA on the bus."""
    bench.set_signal("VehicleSpeed", "72 km/h")
    bench.screen().text("speed").should_be("72")
    bench.set_signal("VehicleSpeed", "SNA")
    bench.screen().text("speed").should_be("---", within="500 ms")


@pytest.mark.requirement("CLU-PWR-001", "CLU-BOOT-001")
@pytest.mark.guest
def test_power_off_darkens_the_screen_and_power_on_boots(bench):
    """A power cut, seen from outside."""
    bench.console().expect("boot complete")
    bench.supply().current_should_be(above="1 A")
    bench.power_off()
    bench.screen().should_be_lit(False, within="500 ms")
    bench.supply().current_should_be(below="10 mA")
    bench.power_on()
    bench.console().expect("boot complete", within="3 s")
    bench.screen().should_be_lit(within="2 s")
    bench.signal_should_be("ClusterState", "On", within="2 s")
