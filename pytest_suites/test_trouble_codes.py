"""Trouble codes as the workshop reads them on the console: stored, kept, cleared. UDS has a suite of its own."""

import pytest


@pytest.mark.requirement("CLU-DTC-001")
@pytest.mark.table("lost_nodes.csv")
def test_a_useless_sender_leaves_its_code(bench, shell, break_sender, how, codes, within):
    """Silent, or damaged: the code of this control unit and none before it; failed, confirmed, counted once."""
    shell("dtc").expect("dtc: none", within="1 s")
    for pair in codes.split():
        message, code = pair.split("=")
        shell("dtc").should_not_show(code, during="100 ms")
        break_sender(message, how)
        seen = bench.until_succeeds(lambda code=code: _read(shell, code), within=within, interval="250 ms")
        assert int(seen.groups[0], 16) & 0x09 == 0x09, f"{code}: test failed, and confirmed"
        assert seen.groups[1] == "1", f"{code}: counted once"


@pytest.mark.requirement("CLU-DTC-001")
def test_a_code_of_the_past_is_kept_as_such(bench, shell):
    """The control unit speaks again: the code stays confirmed, but doesn't fail any more."""
    _provoke(bench)
    line = shell("dtc").expect(r"U0151-87 0x[0-9A-F]+ status 0x([0-9A-F]+)", within="1 s", regex=True)
    assert int(line.groups[0], 16) & 0x09 == 0x08, "confirmed, and passed"


@pytest.mark.requirement("CLU-DTC-002")
def test_codes_survive_a_power_cut(bench, shell):
    """The battery is changed, and the code is still there; so is what the ECU says on the bus."""
    _provoke(bench)
    bench.power_off()
    bench.sleep("10 s")
    bench.power_on()
    bench.signal_should_be("CockpitReady", "Yes", within="8 s")
    shell("dtc").expect("U0151-87", within="1 s")
    bench.signal_should_be("CockpitFaults", 1, within="1 s")


@pytest.mark.requirement("CLU-DTC-003")
def test_cleared_codes_are_gone_until_it_happens_again(bench, shell):
    """The workshop clears them, also for the time after a power cut; the same fault is stored anew."""
    _provoke(bench)
    shell("dtc").expect("U0151-87", within="1 s")
    shell("dtc clear").expect("dtc: cleared", within="1 s")
    shell("dtc").expect("dtc: none", within="1 s")
    bench.sleep("500 ms")
    bench.power_off()
    bench.sleep("1 s")
    bench.power_on()
    bench.signal_should_be("CockpitReady", "Yes", within="8 s")
    shell("dtc").expect("dtc: none", within="1 s")
    _provoke(bench)
    shell("dtc").expect("U0151-87", within="1 s")


@pytest.mark.requirement("CLU-DTC-004")
def test_with_the_ignition_off_silence_is_no_fault(bench, shell):
    """The vehicle is parked, its control units go to sleep one after the other: no code."""
    bench.ignition(False)
    bench.sleep("1 s")
    for message in ("ECM_Engine", "TCM_Gear", "ESC_Speed", "SRS_Occupants"):
        bench.stop_message(message)
        bench.sleep("1 s")
    shell("dtc").expect("dtc: none", within="1 s")


def _read(shell, code):
    """Status byte and counter of a code."""
    line = rf"{code} 0x[0-9A-F]+ status 0x([0-9A-F]+) count (\d+)"
    return shell("dtc").expect(line, within="100 ms", regex=True)


def _provoke(bench):
    """The restraint control is silent for some seconds."""
    bench.stop_message("SRS_Occupants")
    bench.sleep("3 s")
    bench.resume_message("SRS_Occupants")
    bench.sleep("500 ms")
