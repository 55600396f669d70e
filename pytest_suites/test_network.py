"""The networks, for engineers who write Python: disturbed wires, transactions, ramps."""

import pytest


@pytest.mark.requirement("NET-BUS-001")
def test_a_disturbed_bus_is_not_seen_on_the_screen(bench):
    """Every twentieth frame of the chassis network is destroyed, and repeated by its sender.

    With every tenth, error counters grow as fast as good frames let them shrink: a node becomes error-passive, and
    frames that it alone sees destroyed are lost to it, since its error flag reaches nobody.
    """
    bench.set_signal("VehicleSpeed", "70 km/h")
    bench.screen().text("speed").should_be("70")
    bench.disturb_bus("chassis", corruption=0.05)
    bench.screen().text("speed").should_stay("70", during="3 s")
    bench.undisturb_bus("chassis")


@pytest.mark.requirement("CLU-SPD-002")
@pytest.mark.realtime
def test_the_digital_speed_follows_a_ramp(bench):
    """From standstill to 100 km/h in 4 s; what is shown at the end is what is sent."""
    bench.set_signals({"VehicleSpeed": 0, "Gear": "D"})
    bench.screen().text("speed").should_be("0")
    bench.ramp_signal("VehicleSpeed", to="100 km/h", during="4 s")
    bench.screen().text("speed").should_be("100", within="500 ms")


@pytest.mark.requirement("CLU-TT-001")
def test_a_flooded_bus_leaves_the_telltale_alone(bench):
    """The body network carries nothing but frames of the highest priority for a second."""
    bench.set_signal("HighBeam", "On")
    bench.screen().telltale("high_beam").should_be("on", within="500 ms")
    bench.allow_findings(kinds=("cycle",))
    bench.flood("body", "0x000", "250 us")
    bench.sleep("1 s")
    bench.stop_flood("body")
    bench.screen().telltale("high_beam").should_be("on", within="500 ms")


@pytest.mark.requirement("NET-BUS-002")
def test_the_cluster_comes_back_from_bus_off(bench):
    """It sees its own frames wrong until its controller leaves the bus; then the disturbance is over."""
    bench.allow_findings("CLU_*", kinds=("cycle", "e2e"))
    bench.disturb_bus("body", corruption=1.0, messages=["CLU_Status"], nodes=["cockpit"])
    bench.sleep("1 s")
    bench.undisturb_bus("body")
    assert {finding.kind for finding in bench.findings()} >= {"error_frames", "cycle"}
    bench.sleep("200 ms")
    bench.signal_should_be("ClusterState", "On", within="200 ms")
    bench.set_signal("HighBeam", "On")
    bench.screen().telltale("high_beam").should_be("on", within="500 ms")
