"""Logs onto a bench: each frame at its instant, with what was asked for in it, and the restbus before and after."""

import random

import pytest
from can_lab import MS, msg, sig
from replay_lab import SAFETY, chain_of, heard_of, protected, receive, spy_on, write_log
from small_bench import Small

from hil.bench import replay_feed
from hil.can.e2e import Status
from hil.can.frames import ERROR, EXTENDED, REMOTE, SENT
from hil.can.log_source import Source
from hil.journal import JournalReader

SPEED, SAFE, GEAR, ECM, GW_SPEED, PAGED, DOORS, WHEEL, ANSWER = (
    0x100, 0x101, 0x102, 0x103, 0x200, 0x212, 0x210, 0x211, 0x300
)  # fmt: skip


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


# Time -----------------------------------------------------------------------------------------------------------------


def stream(seed, count=200):
    """Frames at nanoseconds of chance, several of them together, on two buses."""
    rng, t_ns = random.Random(seed), 0
    for _ in range(count):
        yield t_ns / MS, rng.choice(("chassis", "body")), rng.choice((SPEED, GEAR, PAGED)), rng.randbytes(2)
        t_ns += rng.choice((0, 0, 1, rng.randrange(1_000_000), rng.randrange(9_000_000)))


def test_each_frame_is_handed_over_at_its_nanosecond(small, bench, log):
    rows = list(stream(1))
    seen = spy_on(small.wiring)
    small.until(123.456789)
    begin_ns = bench.now_ns
    replay = bench.replay(log(*rows, name="drive.blf"), channels={"1": "chassis", "2": "body"}, restbus=False)
    assert [(t_ns, data) for t_ns, *_, data, _ in seen] == [
        (begin_ns + round(ms * MS), data) for ms, _, _, data in rows
    ]
    assert {bus for _, bus, *_ in seen} == {"chassis", "body"}
    last_ns = round(rows[-1][0] * MS)
    assert (replay.frames, replay.planned, replay.duration_s) == (200, 200, last_ns / 1e9)
    assert bench.now_ns == begin_ns + last_ns
    assert replay.is_over
    assert replay.is_complete
    assert (replay.late, replay.worst_late_s) == (0, 0.0)


@pytest.mark.parametrize("speed", [0.25, 2, 3])
def test_a_log_is_played_faster_or_slower(small, bench, log, speed):
    rows = list(stream(2, 50))
    seen = spy_on(small.wiring)
    begin_ns = bench.now_ns
    bench.replay(log(*rows, name="x.blf"), speed=speed, channels={"1": "chassis", "2": "body"})
    assert [t_ns - begin_ns for t_ns, *_ in seen] == [round(round(ms * MS) / speed) for ms, *_ in rows]


def test_a_part_of_a_log_keeps_the_time_before_its_first_frame(small, bench, log):
    file = log(*((10 * n, "chassis", SPEED, bytes([n, 0])) for n in range(20)))
    seen = spy_on(small.wiring)
    begin_ns = bench.now_ns
    replay = bench.replay(file, start="45 ms", end="80 ms")
    assert [((t_ns - begin_ns) / MS, data[0]) for t_ns, _, _, data, _ in seen] == [(5, 5), (15, 6), (25, 7), (35, 8)]
    assert replay.left_out == {}


def test_a_journal_of_the_bench_is_replayed_as_it_was(tmp_path):
    """What the restbus sent comes again, frame by frame, at the same distances, on another bench."""
    first = Small(tmp_path)
    first.until(500)
    recorded = [(f.t_ns, f.bus, f.can_id, f.data) for f in first.heard if f.t_ns > 100 * MS]
    first.journal.close()
    (tmp_path / "recorded.mcap").write_bytes((tmp_path / "journal.mcap").read_bytes())
    first.close()
    second = Small(tmp_path)
    seen = spy_on(second.wiring)
    second.until(50)
    zero_ns = second.bench.now_ns
    first_ns = next(e.t_ns for e in JournalReader(tmp_path / "recorded.mcap") if e.kind == "can")
    begin_ns = 100 * MS - first_ns
    second.bench.replay(tmp_path / "recorded.mcap", start=begin_ns / 1e9)
    assert [(t_ns - zero_ns + 100 * MS, *what) for t_ns, *what, _ in seen] == recorded
    assert len(recorded) > 70
    second.close()


def test_only_the_next_frame_is_on_the_agenda_and_the_log_is_read_as_it_is_played(small, bench, log, monkeypatch):
    file = log(*((n, "chassis", SPEED, bytes([n % 256, 0])) for n in range(5000)))
    logs = []

    def opened(path):
        logs.append(open_log(path))
        return logs[-1]

    open_log = replay_feed.open_log
    monkeypatch.setattr(replay_feed, "open_log", opened)
    monkeypatch.setattr(Source.read, "__defaults__", (4096,))
    before = len(small.wiring.clock._agenda)
    replay = bench.replay(file, wait=False)
    bench.sleep("500 ms")
    assert len(small.wiring.clock._agenda) <= before + 3
    assert 0.09 * file.stat().st_size < logs[0].position < 0.13 * file.stat().st_size
    bench.stop_replay()
    assert replay.is_over
    assert logs[0]._source._file.closed


def test_a_crowd_at_one_instant_is_not_overdue(small, bench, log):
    seen = spy_on(small.wiring)
    begin_ns = bench.now_ns
    bench.replay(log(*((5, "chassis", 0x700 + n, b"") for n in range(-1, 100))))
    assert {t_ns - begin_ns for t_ns, *_ in seen} == {0}
    assert len(seen) == 101


# What is left out -----------------------------------------------------------------------------------------------------


def test_real_nodes_network_management_and_diagnosis_are_left_out(tmp_path):
    more = [
        msg("NM_Seat", 0x510, 8, sig("SeatUser", "56|8@1+"), sender="SEAT", nm="yes"),
        msg("Diag", 0x7E0, 8, sig("Request", "0|8@1+"), sender="TESTER", diag="yes"),
    ]
    small = Small(tmp_path, {"net": more})
    rows = [
        (0, "1", PAGED, b"\1\2"), (1, "1", ANSWER, b"\7"), (2, "2", 0x510, bytes(8)), (3, "2", 0x7E0, bytes(8)),
        (4, "2", 0x7E0, bytes(8)), (5, "9", SPEED, b"ab"), (6, "1", 0, b"", ERROR), (7, "1", 0x7AB, b"xy"),
        (8, "1", 0x1ABCDE, b"z", EXTENDED),
    ]  # fmt: skip
    seen = spy_on(small.wiring)
    file = write_log(tmp_path / "drive.asc", rows)
    replay = small.bench.replay(file, channels={"1": "body", "2": "net"})
    assert [(bus, can_id, flags) for _, bus, can_id, _, flags in seen] == [
        ("body", PAGED, 0), ("body", 0x7AB, 0), ("body", 0x1ABCDE, EXTENDED)
    ]  # fmt: skip
    assert replay.left_out == {
        "error frames": 1,
        "sent by ECU, which is really there": 1,
        "network management": 1,
        "diagnosis": 2,
        "on channel 9, which is no bus of this bench": 1,
    }
    assert replay.remarks[:2] == ["channel 1 is bus body (as given)", "channel 2 is bus net (as given)"]
    seen.clear()
    asked = small.bench.replay(file, channels={"1": "body", "2": "net"}, nm=True, diagnosis=True)
    assert [can_id for _, bus, can_id, *_ in seen if bus == "net"] == [0x510, 0x7E0, 0x7E0]
    assert "diagnosis" not in asked.left_out
    small.close()


def test_patterns_choose(small, bench, log):
    rows = [(n, "chassis", can_id, bytes(8)) for n, can_id in enumerate((SPEED, SAFE, GEAR, ECM, 0x7AB))]
    file = log(*rows)
    seen = spy_on(small.wiring)
    replay = bench.replay(file, only=["ESC_*", "0x7ab", "Gear"], without="chassis::ESC_Safe")
    assert [can_id for _, _, can_id, *_ in seen] == [SPEED, GEAR, 0x7AB]
    assert replay.left_out == {"not asked for": 2}


def test_remote_frames_are_asked_again_and_sent_marks_are_lost(small, bench, log):
    seen = spy_on(small.wiring)
    bench.replay(log((0, "body", 0x7AB, bytes(3), REMOTE), (1, "body", 0x7AC, b"a", SENT)))
    assert [(can_id, data, flags) for _, _, can_id, data, flags in seen] == [
        (0x7AB, bytes(3), REMOTE), (0x7AC, b"a", 0)
    ]  # fmt: skip


def test_a_remote_frame_carries_nothing(small, bench, log):
    chain = chain_of(small, "One")
    first, second = protected(chain, 11, [4, 5])
    file = log((0, "safety", 0x401, first), (5, "safety", 0x401, bytes(8), REMOTE), (9, "safety", 0x401, second))
    seen = spy_on(small.wiring)
    bench.replay(file, override={"OneLevel": 7}, protect=True)
    assert [(data[3], flags) for *_, data, flags in seen] == [(14, 0), (0, REMOTE), (14, 0)]
    assert receive(chain, [seen[0][3], seen[2][3]]) == [Status.INITIAL, Status.OK]


def test_what_no_bus_can_carry_is_counted_on_the_way(small, bench, log):
    file = log((0, "1", 0x7AB, b"a"), (1, "1", 0xFFF, b"a"), (2, "1", 0x7AC, b"a"), name="x.blf")
    replay = bench.replay(file)
    assert replay.frames == 2
    assert replay.left_out == {"frames that no bus can carry": 1}


# Overridden signals ---------------------------------------------------------------------------------------------------


def test_a_signal_is_overridden_in_every_frame_and_its_gateway_repeats_it(small, bench, log):
    rows = [(10 * n, "chassis", SPEED, (1000 + n).to_bytes(2, "little")) for n in range(4)]
    rows += [(10 * n + 1, "body", GW_SPEED, bytes([n])) for n in range(4)]
    seen = spy_on(small.wiring)
    replay = bench.replay(log(*sorted(rows)), override={"chassis::ESC_Speed.Speed": "20 m/s"})
    assert [data for _, bus, _, data, _ in seen if bus == "chassis"] == [(7200).to_bytes(2, "little")] * 4
    assert [data for _, bus, _, data, _ in seen if bus == "body"] == [bytes([36])] * 4
    assert replay.overridden == {"body::GW_Speed.Speed": 4, "chassis::ESC_Speed.Speed": 4}


def test_a_gateway_may_be_wrong_on_purpose_and_says_labels_its_own_way(small, bench, log):
    file = log((0, "chassis", SPEED, b"\1\2"), (1, "body", GW_SPEED, b"\3"))
    seen = spy_on(small.wiring)
    bench.replay(file, override={"chassis::Speed": "SNA"})
    bench.replay(file, override={"chassis::Speed": "SNA", "body::Speed": 100})
    assert [data for *_, data, _ in seen] == [b"\xff\xff", b"\xff", b"\xff\xff", bytes([50])]


def test_a_signal_of_a_page_is_overridden_only_where_the_page_is_in_the_frame(small, bench, log):
    payloads = [bytes([page, 10 * page]) for page in (1, 2, 1, 2)]
    file = log(*((n, "body", PAGED, data) for n, data in enumerate(payloads)))
    seen = spy_on(small.wiring)
    replay = bench.replay(file, override={"Two": 99})
    assert [data for *_, data, _ in seen] == [payloads[0], b"\2\x63", payloads[2], b"\2\x63"]
    assert replay.overridden == {"body::Paged.Two": 2}
    never = bench.replay(log((0, "body", PAGED, payloads[0]), name="one.log"), override={"Two": 99})
    assert never.remarks == ["body::Paged.Two was in no frame, so that nothing was overridden"]


@pytest.mark.parametrize("name", ["One", "Two", "Five", "Eleven"])
def test_a_receiver_accepts_a_whole_replay_with_overridden_signals(small, bench, log, name):
    chain = chain_of(small, name)
    recorded = protected(chain, 11, range(40))
    bus, message = small.wiring.plan.network.message(name)
    file = log(*((10 * n, bus, message.frame_id, data) for n, data in enumerate(recorded)))
    seen = spy_on(small.wiring)
    bench.replay(file, override={f"{name}Level": 100})
    sent = [data for *_, data, _ in seen]
    assert receive(chain, sent) == [Status.INITIAL] + [Status.OK] * 39
    assert sent == protected(chain, 200, range(40))


def test_protection_of_a_multiplexed_message_fits_each_page(small, bench, log):
    chain = chain_of(small, "Pages")
    plain = [bytes([0, 0, 1 + n % 2, n, 0, 0, 0, 0]) for n in range(20)]
    file = log(*((10 * n, "safety", 0x40F, chain.protect(data, n)) for n, data in enumerate(plain)))
    seen = spy_on(small.wiring)
    bench.replay(file, override={"Second": 0x1234})
    sent = [data for *_, data, _ in seen]
    assert receive(chain, sent) == [Status.INITIAL] + [Status.OK] * 19
    assert [data[3:5] for data in sent] == [bytes([n, 0]) if n % 2 == 0 else b"\x34\x12" for n in range(20)]


def test_what_was_lost_in_the_vehicle_is_lost_again(small, bench, log):
    chain = chain_of(small, "One")
    recorded = protected(chain, 11, [0, 1, 2, 3, 7, 8, 8, 9])
    seen = spy_on(small.wiring)
    bench.replay(log(*((10 * n, "safety", 0x401, d) for n, d in enumerate(recorded))), override={"OneLevel": 1})
    sent = [data for *_, data, _ in seen]
    assert receive(chain, sent) == receive(chain, recorded)
    assert Status.WRONG_SEQUENCE in receive(chain, sent)


# Repeats and protection -----------------------------------------------------------------------------------------------


def test_counters_go_on_at_the_seam_of_a_repeat(small, bench, log):
    chain = chain_of(small, "One")
    recorded = protected(chain, 11, range(3, 10))
    file = log(*((10 * n, "safety", 0x401, data) for n, data in enumerate(recorded)))
    seen = spy_on(small.wiring)
    begin_ns = bench.now_ns
    replay = bench.replay(file, repeat=4)
    sent = [data for *_, data, _ in seen]
    assert sent[:7] == recorded
    assert receive(chain, sent) == [Status.INITIAL] + [Status.OK] * 27
    assert [(t_ns - begin_ns) // MS for t_ns, *_ in seen] == [10 * n for n in range(28)]
    assert (replay.frames, replay.planned) == (28, 28)


def test_the_stretch_that_was_asked_for_is_the_period_of_a_repeat(small, bench, log):
    file = log(*((10 * n, "chassis", GEAR, bytes([n])) for n in range(20)))
    seen = spy_on(small.wiring)
    begin_ns = bench.now_ns
    bench.replay(file, start="5 ms", end="48 ms", repeat=2)
    assert [(t_ns - begin_ns) // MS for t_ns, *_ in seen] == [5, 15, 25, 35, 48, 58, 68, 78]


def test_faults_of_a_log_are_repeated_as_they_were(small, bench, log):
    chain = chain_of(small, "One")
    good = protected(chain, 11, range(5))
    wrong = bytes([good[1][0] ^ 1, *good[1][1:]])
    recorded = [good[0], wrong, good[2], bytes([0x55, 15]) + bytes(6), good[3], good[4]]
    seen = spy_on(small.wiring)
    bench.replay(log(*((10 * n, "safety", 0x401, d) for n, d in enumerate(recorded))), repeat=2)
    sent = [data for *_, data, _ in seen]
    assert sent[:6] == recorded
    first = receive(chain, recorded)
    assert first[1] is Status.WRONG_CRC
    assert receive(chain, sent)[6:] == [Status.OK, *first[1:]]


def test_protection_is_renewed_from_where_the_restbus_was_to_where_it_goes_on(small, bench, log):
    chain = chain_of(small, "One")
    recorded = [data for data in protected(chain, 11, [9, 9, 2, 14, 0])] + [bytes(8)]
    file = log(*((10 * n, "safety", 0x401, data) for n, data in enumerate(recorded)))
    small.until(95)
    bench.replay(file, protect=True, repeat=3)
    small.until(600)
    sent = [data for _, data in heard_of(small, 0x401)]
    assert len(sent) > 50
    assert receive(chain, sent) == [Status.INITIAL] + [Status.OK] * (len(sent) - 1)


def test_what_is_too_short_to_be_protected_is_sent_and_said(small, bench, log):
    seen = spy_on(small.wiring)
    replay = bench.replay(log((0, "safety", 0x401, b"\1\2"), (9, "safety", 0x401, bytes(8))), protect=True)
    assert seen[0][3] == b"\1\2"
    assert replay.remarks[0] == "One: 1 frames are too short to be protected"
