"""Networks, for engineers who write Python: what docs/can.md explains."""

import pytest


def test_what_is_set_in_a_transaction_is_sent_together(bench):
    with bench.transaction():
        bench.set_signal("VehicleSpeed", "42 km/h")
        bench.set_signal("HighBeam", "On")
    bench.screen().text("speed").should_be("42")
    bench.screen().telltale("high_beam").should_be("on")


@pytest.mark.parametrize("kmh", [30, 90])
def test_a_row_of_a_table_is_a_case(bench, kmh):
    bench.set_signal("VehicleSpeed", kmh)
    bench.screen().text("speed").should_be(str(kmh))


def test_a_disturbed_wire(bench):
    bench.disturb_bus("chassis", corruption=0.1, messages=["ESC_Speed"])
    bench.sleep("2 s")
    bench.undisturb_bus("chassis")
    assert 0 < bench.bus_load("chassis") < 0.4
    assert {finding.kind for finding in bench.findings()} == {"error_frames"}
