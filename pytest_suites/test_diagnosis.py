"""Diagnosis, for engineers who write Python: transport, times, snapshots, what a session leaves behind."""

import pytest

NONSENSE = {
    "a consecutive frame of nothing": ["21 00 00 00 00 00 00 00"],
    "flow control that nobody waits for": ["30 00 00 00 00 00 00 00"],
    "a request with a wrong sequence": ["10 14 22 F1 87 F1 89 F1", "23 90 F1 91 00 00 00 00"],
    "a request that breaks off": ["10 14 22 F1 87 F1 89 F1"],
    "length 0": ["00 00 00 00 00 00 00 00"],
    "no such kind of frame": ["F1 02 03 04 05 06 07 08"],
    "a frame that is cut off": ["02"],
}


@pytest.mark.requirement("DIA-001")
@pytest.mark.realtime
def test_long_answers_come_whole(bench):
    """Five identifiers in one answer of several frames; each one reads as it does alone."""
    dids = ("F187", "F189", "F190", "F191", "F18C")
    alone = [bench.diag().request(f"22 {did}").response[1:] for did in dids]
    together = bench.diag().request("22 " + " ".join(dids)).response
    assert together == b"\x62" + b"".join(alone)
    assert len(together) > 40, "several frames"


@pytest.mark.requirement("DIA-001")
@pytest.mark.realtime
def test_frames_of_chance_disturb_nothing(bench):
    """Frames that belong to no request; after each of them the next request is answered as ever."""
    for what, frames in NONSENSE.items():
        with bench.step(what):
            for frame in frames:
                bench.send_frame("body", "0x720", frame)
                bench.sleep("20 ms")
            bench.diag().request("22 F1 89", expect="62 F1 89")


@pytest.mark.requirement("DIA-003")
@pytest.mark.realtime
@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_after_a_reset_everything_is_there_again(bench, kind):
    """Diagnosis, screen and network within 5 s; the session and the open lock are gone, what was written is not."""
    diag = bench.diag()
    diag.session("extended")
    diag.unlock()
    diag.write_did("service interval", "3A 98")
    diag.reset(kind)
    bench.console().expect("boot reason: software", within="2 s")
    diag.should_answer(within="5 s")
    diag.identifier_should_be("service interval", "15000 km")
    diag.session("extended")
    diag.request("2E 03 00 27 10", expect=0x33)
    bench.signal_should_be("CockpitReady", "Yes", within="5 s")


@pytest.mark.requirement("DIA-005")
def test_twenty_requests_in_a_row_are_answered_in_time(bench):
    """Each within P2, while the rest of the vehicle talks as ever."""
    for _ in range(20):
        bench.diag().tester_present()
    bench.diag().answers_should_be_in_time()


@pytest.mark.requirement("DIA-008")
def test_the_end_of_a_session_locks_the_lock(bench):
    """Unlocked, then nothing for 6 s: whoever comes next has to know the key again."""
    diag = bench.diag()
    diag.session("extended")
    diag.unlock()
    bench.sleep("6 s")
    diag.session("extended")
    diag.request("2E 03 00 27 10", expect=0x33)
    diag.identifier_should_be("service interval", "20000 km")


@pytest.mark.requirement("DIA-012")
@pytest.mark.realtime
def test_measured_values_are_those_that_the_driver_sees(bench):
    """Odometer as on the screen and on the bus, supply as it was set."""
    odometer = bench.diag().read_did("odometer")
    assert odometer == int(bench.signal("CLU_Odometer.Odometer").physical)
    bench.supply().set_voltage("12.2 V")
    bench.sleep("200 ms")
    assert bench.diag().read_did("supply voltage") == pytest.approx(12.2, abs=0.1)


@pytest.mark.requirement("DIA-013")
def test_an_ecu_that_was_silenced_talks_again_when_the_session_ends(bench):
    """Normal messages stay away while communication is off, and come back although nobody switched it on again."""
    diag = bench.diag()
    bench.signal_should_be("ClusterState", "On")
    diag.session("extended")
    diag.request("28 03 01")
    bench.sleep("2 s")
    with bench.expected_failure():
        bench.signal_should_be("ClusterState", "On", within="1 s")
    bench.sleep("3 s")
    bench.signal_should_be("ClusterState", "On", within="1 s")


@pytest.mark.requirement("CLU-DTC-001", "DIA-010")
def test_a_trouble_code_tells_the_circumstances(bench):
    """The snapshot holds odometer and supply of the moment; the status tells past from present; cleared it is gone."""
    diag = bench.diag()
    bench.supply().set_voltage("12.2 V")
    bench.stop_node("ESC")
    bench.sleep("3 s")
    bench.supply().set_voltage("14.0 V")
    snapshot = diag.request("19 04 C1 21 87 01", expect="59 04 C1 21 87").response
    assert _identifier(snapshot, "02 00", 4) == diag.read_did("odometer")
    assert _identifier(snapshot, "02 01", 2) / 1000 == pytest.approx(12.2, abs=0.1)
    diag.dtc_should_be_stored("U0121-87", mask=0x01)
    bench.resume_node("ESC")
    bench.sleep("1 s")
    diag.dtc_should_not_be_stored("U0121-87", mask=0x01)
    diag.dtc_should_be_stored("U0121-87")
    diag.clear_dtcs()
    assert diag.request("19 01 08").response[-2:] == b"\0\0", "no code is confirmed"


def _identifier(snapshot, did, length):
    """The number behind an identifier in a snapshot."""
    at = snapshot.index(bytes.fromhex(did), 7) + 2
    return int.from_bytes(snapshot[at : at + length], "big")
