import pytest


@pytest.mark.requirement("CLU-SPD-002")
def test_the_speed_is_shown_in_figures(bench):
    bench.set_signal("VehicleSpeed", "87 km/h")
    bench.screen().text("speed").should_be("87", within="1 s")
