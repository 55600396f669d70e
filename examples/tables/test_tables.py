import pytest


@pytest.mark.table("speeds.csv")
def test_the_digital_speed_is_what_is_sent(bench, sent):
    bench.set_signal("VehicleSpeed", f"{sent} km/h")
    bench.screen().text("speed").should_be(sent, within="1 s")


@pytest.mark.table("speeds.csv")
def test_the_needle_never_shows_too_little(bench, sent: float, shown_at_most: float):
    bench.set_signal("VehicleSpeed", sent, "km/h")
    middle, half = (sent + shown_at_most) / 2, (shown_at_most - sent) / 2
    bench.screen().needle("speed_needle").should_show(middle, tolerance=half + 0.5, within="2 s")
