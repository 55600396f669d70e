"""A replay and the restbus: one sender of each message, what comes before and after, lateness, keywords."""

import itertools

import pytest
from can_lab import MS, LaggingClock, msg, sig
from replay_lab import SAFETY, chain_of, heard_of, receive, spy_on, write_log
from small_bench import Small

from hil.bench import wiring
from hil.bench.replay_survey import ReplayWish, prepare
from hil.can.e2e import Status
from hil.clock import TestTimeoutError
from hil.errors import BenchError, UsageError
from hil.robot.replay_keywords import ReplayKeywords
from hil.robot.types import Duration

SPEED, SAFE, GEAR, ECM, GW_SPEED, PAGED, DOORS, WHEEL = 0x100, 0x101, 0x102, 0x103, 0x200, 0x212, 0x210, 0x211


@pytest.fixture
def small(tmp_path):
    small = Small(tmp_path, {"safety": SAFETY})
    yield small
    assert small.close() == []


@pytest.fixture
def bench(small):
    return small.bench


@pytest.fixture
def log(tmp_path):
    """Write a log; its channels are buses by name."""
    return lambda *rows, name="drive.log": write_log(tmp_path / name, rows)


# The restbus ----------------------------------------------------------------------------------------------------------


def test_no_message_has_two_senders_and_the_rest_goes_on(small, bench, log):
    small.until(100)
    bench.replay(log(*((25 * n, "chassis", SPEED, bytes([n, 1])) for n in range(9))))
    assert [data for t, data in heard_of(small, SPEED, 100.01)] == [bytes([n, 1]) for n in range(8)]
    assert len(heard_of(small, ECM, 100, 300)) == 10
    assert len(heard_of(small, PAGED, 100, 300)) == 2


def test_the_restbus_can_be_silent_about_everything(small, bench, log):
    small.until(100)
    bench.replay(log(*((25 * n, "chassis", SPEED, bytes([n, 1])) for n in range(9))), restbus=False)
    assert {frame.can_id for frame in small.heard if frame.t_ns > 101 * MS} == {SPEED}
    small.until(400)
    assert {frame.can_id for frame in small.heard if frame.t_ns > 300 * MS} >= {SPEED, ECM, GEAR, PAGED, SAFE}


def test_afterwards_the_restbus_goes_on_with_what_was_sent_last_one_cycle_later(small, bench, log):
    chain = chain_of(small, "One")
    levels = [chain.protect(bytes([0, 0, 0, n, 0, 0, 0, 0]), n) for n in range(7)]
    rows = [(10.5 * n, "safety", 0x401, data) for n, data in enumerate(levels)]
    rows += [(30, "body", PAGED, b"\1\x11"), (40, "body", PAGED, b"\2\x22"), (50, "body", PAGED, b"\1\x33")]
    small.until(103)
    bench.replay(log(*sorted(rows)))
    last_ns = bench.now_ns
    small.until(400)
    sent = [(t, data) for t, data in heard_of(small, 0x401, 103.1)]
    assert receive(chain, [data for _, data in sent]) == [Status.INITIAL] + [Status.OK] * (len(sent) - 1)
    assert {data[3] for _, data in sent[7:]} == {6}
    assert sent[7][0] - sent[6][0] == pytest.approx(10, abs=0.05)
    assert str(bench.signal("OneLevel")) == "3"
    assert (str(bench.signal("One")), str(bench.signal("Two")), str(bench.signal("Page"))) == ("51", "34", "1")
    assert heard_of(small, PAGED, last_ns / MS)[0][1] == b"\1\x33"


def test_what_was_sent_last_is_no_event(small, bench, log):
    """A message that is sent on change isn't sent once more; one that became active goes on in its fast cycle."""
    bench.replay(log((0, "body", DOORS, b"\1\1"), (5, "body", WHEEL, b"\3"), (10, "body", DOORS, b"\1\0")))
    begin_ms = small.now
    small.until(begin_ms + 100)
    assert [data for _, data in heard_of(small, DOORS)] == [b"\1\1", b"\1\0"]
    assert [data for _, data in heard_of(small, WHEEL, begin_ms + 1)] == [b"\3"] * 5
    bench.set_signal("Left", 0)
    bench.sleep("5 ms")
    assert [data for _, data in heard_of(small, DOORS)][2:] == [b"\0\0"]


def test_a_gateway_follows_what_was_replayed_elsewhere(small, bench, log):
    bench.replay(log((0, "chassis", SPEED, (5000).to_bytes(2, "little"))))
    small.until(small.now + 150)
    assert heard_of(small, GW_SPEED)[-1][1] == bytes([25])


def test_ramps_of_replayed_signals_end(small, bench, log):
    bench.ramp_signal("chassis::ESC_Speed.Speed", "100 km/h", "500 ms", wait=False)
    bench.ramp_signal("Rpm", "4000 rpm", "500 ms", begin=0, wait=False)
    small.until(100)
    bench.replay(log((0, "chassis", SPEED, b"\0\0"), (50, "chassis", SPEED, b"\1\1")))
    small.until(700)
    assert {data for _, data in heard_of(small, SPEED, 151)} == {b"\1\1"}
    assert str(bench.signal("Rpm")) == "4000 rpm"


def test_a_ramp_ends_also_where_its_message_never_came(small, bench, log):
    bench.ramp_signal("Rpm", "4000 rpm", "1 s", begin=0, wait=False)
    small.until(100)
    bench.replay(log((0, "chassis", SPEED, b"\0\0"), (900, "chassis", ECM, b"\0\0")), wait=False)
    small.until(200)
    bench.stop_replay()
    small.until(1500)
    assert len({data for _, data in heard_of(small, ECM, 100)}) == 1


def test_a_replayed_signal_can_not_be_set_meanwhile_and_another_can(small, bench, log):
    bench.replay(log((0, "chassis", SPEED, b"\0\0"), (500, "chassis", SPEED, b"\1\1")), wait=False)
    bench.set_signal("Rpm", "4000 rpm")
    with pytest.raises(UsageError, match=r"ESC_Speed\.Speed: is sent by the replay, not by the restbus"):
        bench.set_signal("chassis::Speed", 10)


def test_what_the_database_does_not_know_is_not_taken_over(small, bench, log):
    bench.set_signal("Gear", "D")
    replay = bench.replay(log((0, "chassis", GEAR, b""), (1, "body", PAGED, b"\7\7")))
    small.until(small.now + 200)
    assert heard_of(small, GEAR)[-1][1] == b"\3"
    assert sorted(replay.remarks) == [
        "Paged is not what the database says; the restbus goes on with its own values",
        "TCM_Gear is not what the database says; the restbus goes on with its own values",
    ]


def test_replayed_network_management_takes_the_place_of_the_bench_s_own(tmp_path):
    seats = [
        msg("NM_Seat", 0x510, 8, sig("SeatUser", "56|8@1+"), sender="SEAT", nm="yes"),
        msg("NM_Mirror", 0x511, 8, sig("MirrorUser", "56|8@1+"), sender="MIRROR", nm="yes"),
    ]
    small = Small(tmp_path, {"net": seats})
    small.until(3010)
    assert len(heard_of(small, 0x510)) > 5
    rows = [(n * 100, "net", 0x510, bytes([1, 0, n, 0, 0, 0, 0, 9])) for n in range(30)]
    small.bench.replay(write_log(tmp_path / "nm.log", rows), nm=True)
    assert [data for _, data in heard_of(small, 0x510, 3010)] == [data for *_, data in rows[:-1]]
    assert len(heard_of(small, 0x511, 3010)) > 4
    small.until(9000)
    assert len(heard_of(small, 0x510, 5915)) > 5
    small.close()


def test_a_node_that_a_test_stopped_stays_silent_behind_a_replay_of_it(tmp_path):
    seats = [
        msg("NM_Seat", 0x510, 8, sig("SeatUser", "56|8@1+"), sender="SEAT", nm="yes"),
        msg("Seat", 0x520, 8, sig("Heat", "0|8@1+"), sender="SEAT", cycle=50),
    ]
    small = Small(tmp_path, {"net": seats})
    small.bench.stop_node("SEAT")
    small.bench.replay(
        write_log(tmp_path / "nm.log", [(0, "net", 0x510, bytes(8)), (9, "net", 0x520, bytes(8))]), nm=True
    )
    begin_ms = small.now
    small.until(begin_ms + 1000)
    assert heard_of(small, 0x510, begin_ms + 1) == heard_of(small, 0x520, begin_ms + 1) == []
    small.close()


# Beside the test ------------------------------------------------------------------------------------------------------


def endless(bus="chassis", can_id=SPEED, count=2000):
    return [(10 * n, bus, can_id, bytes([n % 256, 0])) for n in range(count)]


def test_a_replay_goes_on_beside_the_test_and_can_be_stopped(small, bench, log):
    replay = bench.replay(log(*endless()), wait=False)
    bench.sleep("105 ms")
    assert (replay.frames, replay.is_over, replay.duration_s) == (11, False, 0.105)
    assert str(replay) == "11 frames of drive.log in 0.105 s"
    bench.stop_replay()
    bench.sleep("1 s")
    assert (replay.frames, replay.is_over, replay.is_complete, replay.duration_s) == (11, True, False, 0.105)
    assert {data for _, data in heard_of(small, SPEED, small.now - 900)} == {b"\x0a\0"}
    bench.stop_replay()
    assert small.notes()[-2:] == ["replay of drive.log began", "replay of drive.log stopped after 11 frames"]


def test_the_end_of_a_case_ends_it_and_what_it_did_to_the_restbus(small, bench, log):
    replay = bench.replay(log(*endless()), wait=False, restbus=False)
    bench.sleep("105 ms")
    small.wiring.traffic.reset()
    begin_ms = small.now
    small.until(begin_ms + 500)
    assert replay.frames == 11
    assert replay.is_over
    assert {data for _, data in heard_of(small, SPEED, begin_ms + 1)} == {b"\0\0"}
    assert len(heard_of(small, ECM, begin_ms + 1)) == 25
    assert small.wiring.traffic.players == []


def test_a_bench_that_is_given_up_sends_nothing_more(tmp_path):
    small = Small(tmp_path)
    replay = small.bench.replay(write_log(tmp_path / "x.log", endless()), wait=False)
    small.bench.sleep("105 ms")
    small.wiring.traffic.close()
    small.bench.sleep("1 s")
    assert (replay.frames, replay.is_over) == (11, True)
    small.close()


def test_one_replay_a_bus(small, bench, log):
    first = bench.replay(log(*endless()), wait=False)
    second = bench.replay(log(*endless("body", PAGED), name="body.log"), wait=False)
    bench.sleep("95 ms")
    assert first.frames == second.frames == 10
    third = log((0, "chassis", SPEED, b"ab"), (1, "chassis", GEAR, b"a"), name="third.log")
    with pytest.raises(UsageError, match=r"third\.log: another replay plays on chassis\. Remedy: wait for its end"):
        bench.replay(third)
    small.wiring.recorder.first_cause = None
    begin_ms = small.now
    bench.sleep("100 ms")
    assert len(heard_of(small, SPEED, begin_ms)) == 10, "the refused one has not touched it"
    bench.stop_replay()
    assert bench.replay(third).frames == 2


def test_a_case_that_uses_up_its_time_ends_it(small, bench, log):
    small.bench._timeout_s = 0.2
    bench.arm()
    with pytest.raises(TestTimeoutError):
        bench.replay(log(*endless()))
    assert small.wiring.traffic.players == []
    small.wiring.clock.run(small.wiring.clock.sleep(0.5))
    assert len(heard_of(small, SPEED)) > 40


def test_a_port_that_breaks_ends_it(small, bench, log):
    def broken(*_):
        raise BenchError("the adapter was pulled")

    bench.replay(log(*endless()), wait=False)
    bench.sleep("50 ms")
    whole = small.wiring.buses["chassis"]
    small.wiring.buses["chassis"] = type("Broken", (), {"send": broken})()
    with pytest.raises(BenchError, match="the adapter was pulled"):
        bench.sleep("50 ms")
    small.wiring.buses["chassis"] = whole
    assert small.wiring.traffic.players == []
    begin_ms = small.now
    small.wiring.clock.run(small.wiring.clock.sleep(0.1))
    assert len(heard_of(small, SPEED, begin_ms)) == 5, "the restbus sends it again"


def test_frames_that_a_log_got_since_it_was_looked_through_are_not_sent(small, bench, log):
    file = log((0, "chassis", SPEED, b"\0\0"), (50, "chassis", SPEED, b"\1\1"))
    prepared = prepare(small.wiring.config, small.wiring.plan.network, ReplayWish(file=file))
    file.write_text(file.read_text() + "(0.060000) chassis 7AB#00\n(0.070000) chassis 100#0202\n")
    assert bench.play(prepared).frames == 3


# Lateness -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def lagging(tmp_path, monkeypatch):
    """A bench whose clock can be kept from going on."""
    monkeypatch.setattr(wiring, "VirtualClock", LaggingClock)
    small = Small(tmp_path)
    small.bench.restbus(False)
    yield small
    small.close()


def hog(small, at_ms, ms):
    clock = small.wiring.clock
    clock.call_at(round(at_ms * MS), lambda _: clock.hog(round(ms * MS)))


def test_what_left_too_late_is_told_and_sent_in_portions(lagging, tmp_path):
    rows = [(n, "chassis", SPEED, bytes([n, 0])) for n in range(60)] + [(30.5, "chassis", GEAR, b"\1")]
    file = write_log(tmp_path / "x.log", sorted(rows))
    hog(lagging, 10.2, 30)
    seen = spy_on(lagging.wiring)
    replay = lagging.bench.replay(file)
    assert replay.frames == 61
    assert replay.is_complete
    assert [data for *_, data, _ in seen] == [data for *_, data in sorted(rows)]
    at_ns = round(40.2 * MS)
    portions = [list(group) for _, group in itertools.groupby(t_ns for t_ns, *_ in seen if t_ns >= at_ns)]
    assert [len(portion) for portion in portions[:4]] == [8, 8, 8, 8]
    assert [portion[0] - at_ns for portion in portions[:4]] == [0, MS, 2 * MS, 3 * MS]
    assert replay.worst_late_s == 0.0292
    told = lagging.wiring.recorder.lateness
    assert (told[0].what, told[0].due_ns, told[0].late_ns, told[0].allowed_ns) == (
        "ESC_Speed on chassis, replayed", 11 * MS, round(29.2 * MS), 20 * MS
    )  # fmt: skip
    assert len(told) < 4
    assert replay.late == sum(
        1 for t_ns, _, can_id, data, _ in seen if can_id == SPEED and t_ns - data[0] * MS > 20 * MS
    )
    assert lagging.wiring.recorder.late_during(15 * MS, 16 * MS) is told[0]


def test_faster_means_less_may_be_late_and_frames_without_a_cycle_may_ten_ms(lagging, tmp_path):
    file = write_log(tmp_path / "x.log", [(0, "chassis", GEAR, b"\1"), (10, "chassis", SPEED, b"\1\1")])
    hog(lagging, 4.5, 11)
    assert lagging.bench.replay(file, speed=2).late == 1
    begin_ms = lagging.now
    unknown = write_log(tmp_path / "y.log", [(0, "chassis", 0x7AB, b"\1"), (10, "chassis", 0x7AB, b"\1")])
    hog(lagging, begin_ms + 5, 16)
    assert lagging.bench.replay(unknown).late == 1
    assert lagging.wiring.recorder.lateness[-1].what == "0x7AB on chassis, replayed"
    begin_ms = lagging.now
    hog(lagging, begin_ms + 5, 14)
    assert lagging.bench.replay(unknown).late == 0


def test_bench_time_that_begins_anew_takes_the_replay_along(lagging, tmp_path):
    """As `RealClock.restart` does it between two cases: the agenda moves, and the zero with it."""
    file = write_log(tmp_path / "x.log", [(10 * n, "chassis", SPEED, bytes([n, 0])) for n in range(50)])
    seen, clock = spy_on(lagging.wiring), lagging.wiring.clock
    lagging.until(200)
    lagging.bench.replay(file, wait=False)
    lagging.until(255)
    for _, _, timer in clock._agenda:
        timer.t_ns -= 255 * MS
    clock._agenda[:] = [(t_ns - 255 * MS, order, timer) for t_ns, order, timer in clock._agenda]
    clock.now_ns = 0
    lagging.bench.sleep("40 ms")
    assert [t_ns // MS for t_ns, *_ in seen] == [200, 210, 220, 230, 240, 250, 5, 15, 25, 35]


# Keywords -------------------------------------------------------------------------------------------------------------


def test_keywords(small, bench, log):
    keywords = ReplayKeywords(lambda: bench)
    rows = [(0, "chassis", SPEED, b"\1\1"), (10, "chassis", SAFE, bytes(8)), (20, "chassis", GEAR, b"\0")]
    rows += [(30, "chassis", SPEED, b"\2\2"), (40, "chassis", SPEED, b"\3\3")]
    file = write_log(log(*rows).with_name("keywords.asc"), rows)
    seen = spy_on(small.wiring)
    begin_ns = bench.now_ns
    replay = keywords.replay(
        str(file), start=Duration(0.005), end=Duration(0.035), only="TCM_Gear, chassis::ESC*",
        without="ESC_Safe, 0x7AB", channels="1=chassis", speed=0.5, **{"chassis::Speed": "1 km/h"},
    )  # fmt: skip
    assert [(t_ns - begin_ns, can_id, data) for t_ns, _, can_id, data, _ in seen] == [
        (30 * MS, GEAR, b"\0"), (50 * MS, SPEED, b"\x64\0")
    ]  # fmt: skip
    assert replay.frames == 2
    keywords.replay(str(file), channels="1=chassis", repeat=1000, wait=False)
    keywords.stop_replay()
    assert small.wiring.traffic.players == []


def test_a_log_is_found_where_the_bench_file_is(small, bench, log):
    assert bench.replay(log((0, "chassis", GEAR, b"\1")).name).frames == 1
