"""Network management: falling asleep, staying asleep, waking by each bus, partial networks."""

import pytest


@pytest.mark.requirement("CLU-NM-001")
def test_it_lets_the_buses_sleep(bench, cluster):
    """Ignition off, and nobody else wants the networks: asleep 10 s later, and silent."""
    bench.ignition(False)
    cluster.should_be_lit(False, within="500 ms")
    bench.release_network()
    bench.network_should_be(False, within="10 s")
    bench.console().expect("suspend", within="1 s")
    bench.sleep("3 s")
    bench.supply().current_should_be(below="10 mA")
    for bus in ("chassis", "body"):
        assert bench.bus_load(bus, over="2 s") == 0, f"something is sent on {bus} in sleep"


@pytest.mark.requirement("CLU-NM-001")
def test_it_stays_awake_as_long_as_the_bus_does(bench, shell):
    """Ignition off, but another node keeps the networks awake: the ECU follows it and can be asked."""
    bench.ignition(False)
    bench.console().should_not_show("suspend", during="12 s")
    bench.supply().current_should_be(above="100 mA", below="1 A")
    shell("status").expect("ignition off", within="1 s")
    bench.network_should_be(True, within="0 s")


@pytest.mark.requirement("CLU-NM-002")
@pytest.mark.start("sleep")
def test_it_wakes_with_the_ignition(bench, cluster):
    """The body controller wakes the buses and says that the ignition is on: instruments a second later."""
    bench.ignition(True)
    bench.wake_network()
    cluster.text("speed").should_be("0", within="1 s")
    bench.signal_should_be("ResetReasonBody", "Wake", within="2 s")


@pytest.mark.requirement("CLU-NM-003")
@pytest.mark.start("sleep")
@pytest.mark.parametrize("bus", ["chassis", "body"])
def test_each_bus_wakes_it(bench, cluster, bus):
    """One bus is woken: the ECU is there, with a dark screen, since the ignition is off; then it sleeps again."""
    bench.sleep("3 s")
    bench.wake_network(bus)
    bench.console().expect("resume, woken by the bus", within="500 ms")
    bench.supply().current_should_be(above="100 mA", below="1 A")
    bench.signal_should_be(f"ResetReason{bus.capitalize()}", "Wake", within="2 s")
    cluster.should_be_lit(False, within="0 s")
    bench.release_network()
    bench.console().expect("suspend", within="10 s")
    bench.sleep("3 s")
    bench.supply().current_should_be(below="5 mA")


@pytest.mark.requirement("CLU-NM-001", "CLU-PWR-004")
@pytest.mark.start("sleep")
@pytest.mark.bench_timeout("1 min")
def test_it_sleeps_again_after_each_wake(bench):
    """A door is opened and closed, three times."""
    for _ in range(3):
        bench.wake_network()
        bench.console().expect("resume", within="500 ms")
        bench.sleep("2 s")
        bench.release_network()
        bench.console().expect("suspend", within="10 s")
        bench.sleep("3 s")
        bench.supply().current_should_be(below="5 mA")


@pytest.mark.requirement("CLU-NM-004")
def test_partial_networks_that_are_off_are_no_fault(bench, cluster, shell):
    """Parking, telematics, seats: their nodes may sleep while driving, without warning, telltale or code."""
    for number in (16, 17, 18):
        bench.partial_network(number, False)
    cluster.popup("warning").should_never_show(during="8 s")
    shell("dtc").expect("dtc: none", within="1 s")
    for number in (16, 17, 18):
        bench.partial_network(number, True)
    cluster.popup("warning").should_never_show(during="2 s")


@pytest.mark.requirement("NET-BUS-002")
@pytest.mark.parametrize("bus", ["chassis", "body"])
def test_bus_off_of_one_bus_leaves_the_other_alone(bench, cluster, bus):
    """Its own frames are destroyed on one bus until it leaves it; half a second after the end it speaks again."""
    name, other = ("CLU_ChassisStatus", "ClusterState") if bus == "chassis" else ("CLU_Status", "ClusterStateChassis")
    back = "ClusterStateChassis" if bus == "chassis" else "ClusterState"
    bench.allow_findings("CLU_*", kinds=("cycle", "e2e"))
    bench.disturb_bus(bus, corruption=1.0, messages=[name], nodes=["cockpit"])
    bench.sleep("1 s")
    bench.signal_should_be(other, "On", within="200 ms")
    cluster.text("speed").should_be("0", within="0 s")
    bench.undisturb_bus(bus)
    bench.sleep("300 ms")
    bench.signal_should_be(back, "On", within="200 ms")
