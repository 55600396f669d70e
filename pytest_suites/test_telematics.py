"""Telematics, for engineers who write Python: times, sequence numbers, queues, commands in odd situations."""

from datetime import datetime
from itertools import pairwise

import pytest

DEVICE = "cockpit/VC000001"
TELEMETRY, EVENT, ANSWER, STATUS = (f"{DEVICE}/{leaf}" for leaf in ("telemetry", "event", "answer", "status"))


@pytest.fixture
def ask(bench):
    """Send a remote command once the car is online: `ask("r1", command="lock")`."""
    bench.mqtt().should_receive(STATUS, where={"state": "online"}, within="10 s")

    def send(request, *, schema=1, **fields):
        bench.mqtt().publish(f"{DEVICE}/command", {"schema": schema, "request": request, **fields})

    return send


@pytest.mark.requirement("TEL-001")
def test_telemetry_keeps_its_period(bench):
    """Ten seconds by the ECU's own stamps; no number of the sequence is left out."""
    told = [bench.mqtt().should_receive(TELEMETRY, within="15 s") for _ in range(3)]
    times = [datetime.fromisoformat(one["time"]) for one in told]
    for earlier, later in pairwise(times):
        assert 9.9 <= (later - earlier).total_seconds() <= 10.1
    assert [one["seq"] - told[0]["seq"] for one in told] == [0, 1, 2]


@pytest.mark.requirement("TEL-008")
def test_sequence_numbers_rise_across_a_power_cut(bench):
    """The backend tells old from new by them: none may come twice, not even the first after the cut."""
    bench.set_signal("EngineOverheat", "On")
    before = bench.mqtt().should_receive(EVENT, within="5 s")
    bench.power_off()
    bench.sleep("1 s")
    bench.mqtt().drain()
    bench.power_on()
    after = bench.mqtt().should_receive(f"{DEVICE}/+", where={"seq": "present"}, within="20 s")
    assert after["seq"] > before["seq"]


@pytest.mark.requirement("TEL-003")
def test_what_is_dropped_is_counted(bench):
    """More happens without a link than the queue holds: the oldest goes, and the backend learns how many went.

    The brake warning stays on the screen, so that the oil warning behind it comes and goes with its cause.
    """
    before = bench.mqtt().should_receive(TELEMETRY, within="15 s")
    bench.sleep("500 ms")
    bench.mqtt().drain()
    bench.mqtt().cut_link("45 s")
    bench.set_signal("BrakeWarning", "On")
    for _ in range(33):
        for state in ("On", "Off"):
            bench.set_signal("OilPressureLow", state)
            bench.sleep("600 ms")
    told = [bench.mqtt().should_receive("cockpit/+/+", where={"seq": "present"}, within="30 s") for _ in range(60)]
    first, last = told[0], told[-1]
    assert first["dropped"] > 0
    assert first["seq"] - before["seq"] - 1 == first["dropped"], "exactly what is missing"
    assert last["seq"] - first["seq"] == 59, "in order, and without a gap"


@pytest.mark.realtime
@pytest.mark.requirement("TEL-006")
def test_a_car_without_supply_is_offline_for_the_backend(bench):
    """It can't say goodbye any more: the broker does, in its place."""
    bench.mqtt().should_receive(STATUS, where={"state": "online"}, within="10 s")
    bench.power_off()
    bench.mqtt().should_receive(STATUS, where={"state": "offline"}, within="20 s")


@pytest.mark.requirement("TEL-009")
@pytest.mark.parametrize("after", ["0 s", "2 s"])
def test_a_car_that_sleeps_says_so_and_does_later_what_was_asked(bench, ask, after):
    """'asleep' is no broken link. What is asked just then, or later, is done when the car wakes."""
    bench.ignition(False)
    bench.release_network()
    bench.mqtt().should_receive(STATUS, where={"state": "asleep"}, within="30 s")
    bench.network_should_be(False, within="12 s")
    bench.sleep(after)
    ask("r1", command="lock")
    bench.mqtt().should_not_receive(ANSWER, during="2 s")
    bench.ignition(True)
    bench.wake_network()
    bench.signal_should_be("LockRequest", "Lock", within="5 s")
    bench.set_signal("CentralLock", "Locked")
    bench.mqtt().should_receive(ANSWER, where={"request": "r1", "result": "done"}, within="2 s")


@pytest.mark.requirement("TEL-004")
def test_the_climate_is_switched_on_from_afar(bench, ask):
    """The temperature that was asked for goes out on the bus; 'done' comes when the climate control runs."""
    bench.set_signal("ClimateAuto", "Off")
    ask("r1", command="climate_on", temperature=22)
    bench.signal_should_be("SetTemperatureLeftRequest", "22 degC", within="1 s")
    bench.mqtt().should_not_receive(ANSWER, during="1 s")
    bench.set_signal("ClimateAuto", "On")
    bench.mqtt().should_receive(ANSWER, where={"request": "r1", "result": "done"}, within="1 s")


@pytest.mark.requirement("TEL-004")
def test_what_makes_no_sense_is_refused_or_ignored(bench, ask):
    """Refused with a reason where there is somebody to answer; else ignored. The next good command is done."""
    ask("r1", command="open_sunroof")
    bench.mqtt().should_receive(ANSWER, where={"request": "r1", "result": "refused"}, within="1 s")
    ask("r2", command="climate_on", temperature=99)
    bench.mqtt().should_receive(ANSWER, where={"request": "r2", "result": "refused"}, within="1 s")
    ask("r3", command="climate_on", temperature="warm")
    bench.mqtt().should_receive(ANSWER, where={"request": "r3", "result": "refused"}, within="1 s")
    ask("", command="lock")
    ask("r4", command="lock", schema=2)
    bench.mqtt().publish(f"{DEVICE}/command", "no JSON")
    bench.mqtt().should_not_receive(ANSWER, during="1 s")
    with bench.expected_failure():
        bench.signal_should_be("LockRequest", "Lock", within="500 ms")
    ask("r5", command="lock")
    bench.signal_should_be("LockRequest", "Lock", within="1 s")


@pytest.mark.realtime
@pytest.mark.requirement("TEL-005")
def test_a_command_is_not_done_again_after_a_power_cut(bench, ask):
    """The ECU remembers what it did, though its memory lost its supply."""
    ask("r1", command="lock")
    bench.signal_should_be("LockRequest", "Lock", within="1 s")
    bench.set_signal("CentralLock", "Locked")
    bench.mqtt().should_receive(ANSWER, where={"request": "r1", "result": "done"}, within="2 s")
    bench.power_off()
    bench.sleep("1 s")
    bench.set_signal("CentralLock", "Unlocked")
    bench.power_on()
    bench.mqtt().should_receive(STATUS, where={"state": "online"}, within="10 s")
    ask("r1", command="lock")
    bench.mqtt().should_receive(ANSWER, where={"request": "r1", "repeated": "true"}, within="2 s")
    with bench.expected_failure():
        bench.signal_should_be("LockRequest", "Lock", within="1 s")
