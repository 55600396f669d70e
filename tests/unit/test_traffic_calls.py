"""The restbus as a test sees it, on a small bench of two buses: silence, faults, floods, and how all is mended."""

import itertools

import pytest
from can_lab import msg, sig
from e2e import p01
from small_bench import MS, Small

from hil.can.frames import EXTENDED
from hil.errors import UsageError
from hil.robot.traffic_keywords import TrafficKeywords
from hil.robot.types import Duration, Switch


@pytest.fixture
def small(tmp_path):
    small = Small(tmp_path)
    yield small
    assert small.close() == []


@pytest.fixture
def bench(small):
    return small.bench


# Silence --------------------------------------------------------------------------------------------------------------


def test_a_message_and_a_node_fall_silent_and_come_back(small, bench):
    small.until(105)
    bench.stop_message("chassis::ECM")
    bench.stop_node("ESC")
    small.until(205)
    bench.resume_message("ECM")
    bench.resume_node("ESC")
    small.until(305)
    assert (
        small.frames("ECM", 106, 205) == small.frames("ESC_Speed", 106, 205) == small.frames("ESC_Safe", 106, 205) == []
    )
    assert small.frames("TCM_Gear", 106, 205)
    counters = [data[1] & 0x0F for _, data in small.frames("ESC_Safe")]
    assert counters == [number % 15 for number in range(len(counters))]
    assert small.notes() == ["restbus on", "ECM stopped", "node ESC stopped", "ECM resumed", "node ESC resumed"]


def test_the_restbus_stops_and_starts(small, bench):
    small.until(105)
    bench.restbus(False)
    bench.set_signal("Left", 1)
    small.until(205)
    bench.restbus(True)
    small.until(250)
    assert [f for f in small.heard if 106 * MS < f.t_ns < 205 * MS] == []
    assert small.frames("Doors") == []
    assert small.notes() == ["restbus on", "restbus off", "restbus on"]


COMFORT = [
    msg("NM_Seat", 0x510, 8, sig("SeatUser", "56|8@1+"), sender="SEAT", nm="yes"),
    msg("NM_Mirror", 0x511, 8, sig("MirrorUser", "56|8@1+"), sender="MIRROR", nm="yes"),
    msg("Seat", 0x220, 1, sig("Heat", "0|8@1+"), sender="SEAT", cycle=100),
]


def test_a_node_that_lost_its_supply_says_nothing_to_network_management_either(tmp_path):
    small = Small(tmp_path, {"comfort": COMFORT})
    small.until(1000)
    for node in ("SEAT", "MIRROR"):
        small.bench.stop_node(node)
    small.until(3000)
    small.bench.resume_node("MIRROR")
    small.until(5000)
    reset(small)
    small.until(7000)
    heard = {can_id: [f.t_ns // MS for f in small.heard if f.can_id == can_id] for can_id in (0x510, 0x511, 0x220)}
    for can_id, begin, end in ((0x510, 1001, 5000), (0x511, 1001, 3000), (0x220, 1001, 5000)):
        assert [t for t in heard[can_id] if begin < t < end] == []
        assert [t for t in heard[can_id] if t < begin]
        assert [t for t in heard[can_id] if t > end]
    assert small.close() == []


def test_a_node_that_sends_nothing_but_network_management_is_a_node(tmp_path):
    small = Small(tmp_path, {"comfort": COMFORT})
    with pytest.raises(UsageError, match="the restbus plays no node 'MIROR'"):
        small.bench.stop_node("MIROR")
    assert small.close() == []


# Faults ---------------------------------------------------------------------------------------------------------------


def is_right(data):
    return p01.e2e_p01_check(bytearray(data), length=8, data_id=0x123, data_id_mode=p01.E2E_P01_DATAID_BOTH)


def test_counter_and_crc_are_broken_and_mended(small, bench):
    small.until(105)
    bench.freeze_counter("ESC_Safe")
    small.until(185)
    bench.freeze_counter("ESC_Safe", False)
    bench.corrupt_crc("ESC_Safe")
    small.until(245)
    bench.corrupt_crc("ESC_Safe", False)
    small.until(300)
    payloads = [data for _, data in small.frames("ESC_Safe")]
    assert [data[1] & 0x0F for data in payloads] == [0, 1, 2, 3, 4, 5, 5, 5, 5, 5, 6, 7, 8, 9, 10]
    assert [is_right(data) for data in payloads] == [True] * 10 + [False] * 3 + [True] * 2
    assert small.notes()[1:] == [
        "ESC_Safe: counter frozen", "ESC_Safe: counter goes on", "ESC_Safe: CRC wrong", "ESC_Safe: CRC right again"
    ]  # fmt: skip


def test_cycle_phase_and_length_are_changed(small, bench):
    small.until(105)
    bench.set_cycle("TCM_Gear", "20 ms")
    bench.shift_message("ECM", "7 ms")
    bench.set_length("ESC_Speed", 1)
    small.until(205)
    bench.set_cycle("TCM_Gear", None)
    bench.set_length("ESC_Speed", None)
    small.until(300)
    gears = [round(f.t_ns / MS) for f in small.heard if f.can_id == 0x102]
    assert gears == [2, 52, 102, 122, 142, 162, 182, 202, 252]
    engine = [round(f.t_ns / MS) for f in small.heard if f.can_id == 0x103]
    assert [t for t in engine if t > 100][:4] == [102, 129, 149, 169]
    assert {len(data) for _, data in small.frames("ESC_Speed", 106, 205)} == {1}
    assert {len(data) for _, data in small.frames("ESC_Speed", 206)} == {2}
    assert small.notes()[1:] == [
        "TCM_Gear: cycle 20.0 ms", "ECM: shifted by 7 ms", "ESC_Speed: 1 bytes", "TCM_Gear: cycle its own",
        "ESC_Speed: its own bytes",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        (("body", 0x7DF, b"\x02\x3e\x80"), (0x7DF, 0, "023e80")),
        (("body", "0x7DF", "02 3E 80"), (0x7DF, 0, "023e80")),
        (("body", "7df", ""), (0x7DF, 0, "")),
        (("body", "18FF0000x", "AA"), (0x18FF0000, EXTENDED, "aa")),
        (("body", "123x", bytearray(b"\1")), (0x123, EXTENDED, "01")),
        (("body", 0x800, "00"), (0x800, EXTENDED, "00")),
    ],
)
def test_a_frame_is_sent_as_it_is(small, bench, arguments, seen):
    bench.send_frame(*arguments)
    bench.sleep("5 ms")
    assert [(f.can_id, f.flags, f.data.hex()) for f in small.heard if f.can_id == seen[0]] == [seen]


def test_an_identifier_may_be_called_extended(small, bench):
    bench.send_frame("chassis", 5, "", extended=True)
    bench.sleep("5 ms")
    assert (5, EXTENDED) in {(f.can_id, f.flags) for f in small.heard}


def test_a_flood_fills_its_bus_and_ends(small, bench):
    small.until(100)
    bench.flood("chassis")
    small.until(600)
    bench.flood("chassis", "0x001", "10 ms", "AA BB")
    small.until(700)
    bench.stop_flood("chassis")
    bench.stop_flood("chassis")
    small.until(800)
    load = small.wiring._copper.wires["chassis"].load
    floods = [f for f in small.heard if f.bus == "chassis" and f.can_id == 0]
    assert len(floods) > 1500
    assert len([f for f in small.heard if f.can_id == 1 and f.data == b"\xaa\xbb"]) == 10
    assert not [f for f in floods if f.t_ns > 602 * MS]
    assert load(int(90 * MS)) < 0.2
    assert len(small.frames("ECM", 100, 600)) == 25, "the bench's own messages go between"
    notes = small.notes()[1:]
    assert notes[0] == "chassis flooded with 0x0 every 100 us"
    assert notes[-1] == "chassis: flood ended after 10 frames"
    assert len(notes) == 3
    assert small.wiring.traffic.taps == []


def test_two_buses_are_flooded_each_for_itself(small, bench):
    bench.flood("body", 1)
    bench.flood("chassis", 2)
    small.until(100)
    bench.stop_flood("body")
    small.until(200)
    assert [f for f in small.heard if f.can_id == 1 and f.t_ns > 110 * MS] == []
    assert len([f for f in small.heard if f.can_id == 2 and f.t_ns > 110 * MS]) > 300


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (lambda b: b.stop_message("ECN"), "no message 'ECN' on this bench. Remedy: did you mean ECM?"),
        (lambda b: b.stop_message("Doors"), "'Doors' is ambiguous. Remedy: say which: body::Doors, silent::Doors."),
        (lambda b: b.resume_message("body::Answer"), "body::Answer is not sent by the restbus"),
        (lambda b: b.stop_node("ESK"), "the restbus plays no node 'ESK'. Remedy: did you mean ESC?"),
        (lambda b: b.resume_node("ECU"), "node ECU is really there; the restbus can't silence it"),
        (lambda b: b.freeze_counter("ECM"), "chassis::ECM has neither counter nor CRC. Remedy: choose a message"),
        (lambda b: b.corrupt_crc("ECM", False), "chassis::ECM has neither counter nor CRC. Remedy: choose a message"),
        (lambda b: b.set_cycle("ECM", 0), "ECM: a cycle of 0 is too short. Remedy: flood the bus instead."),
        (lambda b: b.set_cycle("ECM", "999 us"), "ECM: a cycle of 999 us is too short. Remedy: flood the bus instead."),
        (lambda b: b.set_cycle("ECM", "fast"), "'fast' is no number with a unit. Remedy: write it like"),
        (lambda b: b.set_cycle("ECM", "5 km/h"), "'km/h' can't be converted to 's'."),
        (lambda b: b.shift_message("ECM", -1), "a duration can't be negative: -1"),
        (lambda b: b.shift_message("body::Doors", 1), "Doors: it has no cycle, so no phase. Remedy: shift a"),
        (lambda b: [b.restbus(False), b.shift_message("ECM", 1)], "ECM: the restbus is off. Remedy: start it, then"),
        (lambda b: b.set_length("ECM", 9), "9 bytes is no length of chassis::ECM. Remedy: one of 0, 1, 2, 3, 4"),
        (lambda b: b.send_frame("cabin", 1, ""), "no bus 'cabin' on this bench. Remedy: there is: body, chassis"),
        (lambda b: b.send_frame("body", "hello", ""), "'hello' is no identifier. Remedy: write it as 0x1A0"),
        (lambda b: b.send_frame("body", 0.5, ""), "'0.5' is no identifier."),
        (lambda b: b.send_frame("body", -1, ""), "identifier 0x-1 doesn't fit 11 bits."),
        (lambda b: b.send_frame("body", "3FFFFFFFF", ""), "identifier 0x3FFFFFFFF doesn't fit 29 bits."),
        (lambda b: b.send_frame("body", 1, "0x01"), "'0x01' is no payload. Remedy: write bytes in hexadecimal"),
        (lambda b: b.send_frame("body", 1, "1"), "'1' is no payload."),
        (lambda b: b.send_frame("body", 1, bytes(9)), "0x001: 9 bytes don't fit a classic frame"),
        (lambda b: b.send_frame("body", 1, bytes(9), fd=True), "0x001: 9 bytes is no CAN FD length"),
        (lambda b: b.send_frame("body", 1, bytes(8), fd=True), "0x001: bus body is classic CAN."),
        (lambda b: b.flood("cabin"), "no bus 'cabin' on this bench. Remedy: there is: body, chassis"),
        (lambda b: b.flood("body", "zz"), "'zz' is no identifier."),
        (lambda b: b.flood("body", "3FFFFFFFF"), "identifier 0x3FFFFFFFF doesn't fit 29 bits."),
        (lambda b: b.flood("body", data=bytes(9)), "0x000: 9 bytes don't fit a classic frame"),
        (lambda b: b.flood("body", period=0), "body: a flood every 0 us is too fast. Remedy: 10 us is"),
        (lambda b: b.flood("body", period="9 us"), "body: a flood every 9 us is too fast."),
        (lambda b: b.flood("body", period="-1 ms"), "a duration can't be negative: -1 ms"),
        (lambda b: b.stop_flood("cabin"), "no bus 'cabin' on this bench."),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_clear_line(small, bench, use, said):
    before = [(sent.values, sent.silenced, sent.period_ns, sent.length) for sent in small.wiring.restbus.messages]
    with pytest.raises(UsageError) as error:
        use(bench)
    assert str(error.value).startswith(said)
    assert len(str(error.value).splitlines()) == 1
    after = [(sent.values, sent.silenced, sent.period_ns, sent.length) for sent in small.wiring.restbus.messages]
    assert after == before
    assert small.wiring.traffic.taps == []


# What a case broke is mended when the next begins ---------------------------------------------------------------------


def test_what_a_case_broke_is_mended_when_the_next_begins(small, bench):
    small.until(105)
    bench.set_signals({"Rpm": 5000, "Left": 9, "Wiper": 4})
    bench.ramp_signal("chassis::Speed", 100, "10 s", begin=50, wait=False)
    bench.drive(small.table("t,Gear,Yaw\n0,D,5\n1,N,7\n20,R,9\n"), wait=False)
    for name in ("ESC_Safe", "TCM_Gear"):
        bench.stop_message(name)
    bench.stop_node("ECM")
    bench.freeze_counter("ESC_Safe")
    bench.corrupt_crc("ESC_Safe")
    bench.set_cycle("GW_Speed", "20 ms")
    bench.set_length("body::Paged", 1)
    bench.flood("body")
    small.until(205)
    reset(small)
    small.heard.clear()
    small.until(2000)
    assert {data for _, data in small.frames("ECM")} == {b"\0\0"}
    assert {data for _, data in small.frames("ESC_Speed")} == {b"\0\0"}
    assert {data for _, data in small.frames("TCM_Gear")} == {b"\0"}
    assert {data for _, data in small.frames("Paged")} == {b"\1\0"}
    safe = [data for _, data in small.frames("ESC_Safe")]
    assert len(safe) > 80
    assert all(is_right(data) and data[2] == 0 for data in safe)
    assert [(b[1] - a[1]) % 15 for a, b in itertools.pairwise(safe)] == [1] * (len(safe) - 1)
    gateway = [f.t_ns for f in small.heard if f.can_id == 0x200]
    assert {b - a for a, b in itertools.pairwise(gateway[1:])} == {100 * MS}
    assert [f for f in small.heard if f.can_id == 0 and f.t_ns > 207 * MS] == []
    assert [data for _, data in small.frames("Doors")] == [b"\0\0"], "the ECU is told that the door is shut again"
    assert [data for _, data in small.frames("Wheel")] == [b"\0"]


def reset(small):
    async def main():
        small.wiring.traffic.reset()

    small.wiring.clock.run(main())


def test_after_a_reset_nothing_of_a_ramp_or_a_drive_is_left_to_happen(small, bench):
    bench.ramp_signal("Rpm", 100, "1 s", wait=False)
    bench.drive(small.table("t,Gear\n0,D\n1,N\n"), wait=False)
    small.until(10)
    reset(small)
    small.until(3000)
    assert (bench.signal("Rpm").raw, bench.signal("Gear").label) == (0, "P")
    assert small.values_said("Gear") == ["D"]
    assert small.values_said("Rpm") == [0]


def test_what_was_to_be_done_later_is_done_in_this_case_or_never(small):
    done = []
    for t_ms in (10, 30, 50):
        small.wiring.traffic.later(t_ms * MS, done.append, t_ms)
    small.until(20)
    small.wiring.traffic.later(40 * MS, done.append, 40)
    small.until(35)
    reset(small)
    small.until(100)
    assert done == [10, 30]


def test_a_reset_forgets_what_a_transaction_waited_for(small, bench):
    bench.stop_message("ECM")
    bench.set_signals({"Rpm": 1, "Gear": "D"})
    bench.resume_message("ECM")
    bench.set_signals({"Rpm": 2, "Yaw": 3})
    reset(small)
    small.until(200)
    assert not [note for note in small.notes() if note.startswith("set together")]


# Keywords -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def keywords(bench):
    return TrafficKeywords(lambda: bench)


def test_keywords_for_the_restbus_and_its_faults(small, keywords):
    restbus = small.wiring.restbus
    states = []

    def look(name):
        sent = restbus.sent("chassis", name)
        states.append((name, sorted(sent.silenced), sent.frozen, sent.corrupt, sent.period_ns // MS, sent.length))

    keywords.stop_message("ECM")
    keywords.stop_node("ESC")
    keywords.freeze_counter("ESC_Safe")
    keywords.corrupt_crc("ESC_Safe")
    keywords.set_cycle("ESC_Safe", Duration(0.2))
    keywords.set_length("ESC_Safe", 4)
    look("ECM")
    look("ESC_Safe")
    keywords.resume_message("ECM")
    keywords.resume_node("ESC")
    keywords.freeze_counter("ESC_Safe", Switch.off)
    keywords.corrupt_crc("ESC_Safe", Switch.off)
    keywords.set_cycle("ESC_Safe")
    keywords.set_length("ESC_Safe")
    look("ECM")
    look("ESC_Safe")
    assert states == [
        ("ECM", ["message"], False, False, 20, None), ("ESC_Safe", ["node"], True, True, 200, 4),
        ("ECM", [], False, False, 20, None), ("ESC_Safe", [], False, False, 20, None),
    ]  # fmt: skip


def test_keywords_for_frames_floods_and_the_whole_restbus(small, keywords):
    keywords.shift_message("ECM", Duration(0.005))
    keywords.send_frame("body", "0x7DF", "02 3E 80")
    keywords.send_frame("body", "7DF", extended=True)
    keywords.flood_bus("chassis", "0x001", Duration(0.01))
    small.until(101)
    keywords.stop_flood("chassis")
    keywords.restbus(Switch.off)
    assert not restbus_runs(small)
    keywords.restbus(Switch.on)
    assert restbus_runs(small)
    sent = [(f.can_id, f.flags, f.data.hex()) for f in small.heard if f.can_id in (0x7DF, 1)]
    assert sent.count((1, 0, "00" * 8)) == 11
    assert [frame for frame in sent if frame[0] != 1] == [(0x7DF, 0, "023e80"), (0x7DF, EXTENDED, "")]
    assert small.frames("ECM")[0][0] == pytest.approx(1.85)


def restbus_runs(small):
    return small.wiring.restbus.running
