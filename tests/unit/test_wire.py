"""The simulated wire: arbitration, exact times, load, errors and what follows from them, disturbances.

Lengths are taken from `hil.can.bits`, which has an oracle of its own; what an error frame costs from the rules, each
where it stands. At 500 kbit/s a bit takes 2,000 ns.
"""

import random

import pytest

from hil.can.bits import duration_ns, frame_bits, measure
from hil.can.bitstream import frame_stream
from hil.can.confinement import CLEAN, Confinement, ErrorState
from hil.can.disturbance import Disturbance
from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT
from hil.can.wire import SimWire
from hil.clock import VirtualClock
from hil.errors import BenchError, UsageError

BIT_NS = 2_000
MS = 1_000_000
ERROR_FRAME = 6 + 8 + 3
"""Bits of an error frame of a lone node, with intermission."""


class Lab:
    """A wire with nodes, and what a listener heard."""

    def __init__(self, *rates, listener=True, **options):
        self.clock = VirtualClock()
        self.wire = SimWire(self.clock, "cabin", *rates, **options)
        self.heard, self.errors, self.changes = [], [], []
        self.listener = self.node("listener", self.hear) if listener else None

    def hear(self, frame):
        (self.errors if frame.flags & ERROR else self.heard).append(frame)

    def node(self, name, on_frame=lambda frame: None):
        port = self.wire.port(name)
        self.clock.run(port.open(on_frame, lambda error: None))
        port.on_state(lambda change: self.changes.append((change.t_ns, change.node, change.before, change.after)))
        return port

    def run(self, *actions, until_ns=1_000 * MS):
        """Do each `(t_ns, action)` at its time, then wait."""

        async def main():
            for t_ns, action in actions:
                self.clock.call_at(t_ns, lambda action: action(), action)
            await self.clock.sleep_until(until_ns)

        self.clock.run(main())
        return [frame.can_id for frame in self.heard]


@pytest.fixture
def make_lab():
    labs = []

    def make(*rates, **options):
        labs.append(Lab(*rates, **options))
        return labs[-1]

    yield make
    for lab in labs:
        lab.clock.close()


@pytest.fixture
def lab(make_lab):
    return make_lab()


def length_ns(can_id, data, flags=0):
    return duration_ns(measure(can_id, data, flags), 500_000, 2_000_000)


# Arbitration and times -----------------------------------------------------------------------------------------------


def test_a_frame_ends_after_exactly_its_bits(lab):
    a = lab.node("a")
    lab.run((1_000_000, lambda: a.send(0x123, b"\x01\x02\x03\x04")))
    assert lab.heard[0].t_ns == 1_000_000 + frame_bits(0x123, b"\x01\x02\x03\x04", 0) * BIT_NS


def test_the_bit_rate_counts(make_lab):
    lab = make_lab(125_000)
    lab.run((0, lambda: lab.listener.send(0x123, b"")))
    assert lab.heard[0].t_ns == frame_bits(0x123, b"", 0) * 8_000


def test_a_remote_frame_carries_no_data(lab):
    a = lab.node("a")
    lab.run((0, lambda: a.send(0x123, b"\x01\x02", REMOTE)))
    assert (lab.heard[0].data, lab.heard[0].flags) == (bytes(2), REMOTE)


def test_the_lowest_identifier_wins_whoever_asked_first(lab):
    nodes = [lab.node(str(number)) for number in range(3)]
    sends = [(node, can_id) for node, can_id in zip(nodes, (0x300, 0x100, 0x200), strict=True)]
    ids = lab.run(*[(5_000, lambda node=node, can_id=can_id: node.send(can_id, b"")) for node, can_id in sends])
    assert ids == [0x100, 0x200, 0x300]


def test_who_asks_in_the_same_nanosecond_takes_part_however_late_in_it(lab):
    a, b = lab.node("a"), lab.node("b")

    def ask():
        a.send(0x300, b"")
        lab.clock.call_in(0, lambda _: b.send(0x100, b""))

    assert lab.run((5_000, ask)) == [0x100, 0x300]


def test_who_asks_in_the_nanosecond_in_which_a_frame_ends_takes_part_in_the_arbitration_behind_it(lab):
    """Though it asks only after the frame was heard."""
    a, b = lab.node("a"), lab.node("b")
    end_ns = frame_bits(0x700, b"", 0) * BIT_NS
    ids = lab.run(
        (0, lambda: [a.send(0x700, b""), a.send(0x300, b"")]),
        (end_ns, lambda: lab.clock.call_in(0, lambda _: b.send(0x100, b""))),
    )
    assert ids == [0x700, 0x100, 0x300]


def test_a_task_that_a_frame_wakes_takes_part_in_the_arbitration_behind_it(lab):
    async def ask():
        waker.send(0x100, b"")

    waker = lab.node("waker", lambda frame: frame.can_id == 0x700 and lab.clock.loop.create_task(ask()))
    assert lab.run((0, lambda: [lab.listener.send(can_id, b"") for can_id in (0x700, 0x300)])) == [0x700, 0x100, 0x300]


def traffic(lab, seed):
    """Random sends, in bursts and alone, from callbacks, tasks and in answer to frames; what each node heard."""
    rng = random.Random(seed)
    heard = []
    nodes = [lab.node(str(number), heard.append) for number in range(3)]
    answerer = lab.node("answerer", lambda frame: rng.random() < 0.2 and answer())

    async def later(node, t_ns):
        await lab.clock.sleep_until(t_ns)
        node.send(rng.randrange(0x800), b"t")

    def answer():
        lab.clock.call_in(0, lambda _: nodes[0].send(rng.randrange(0x800), b"a"))
        lab.clock.loop.create_task(later(answerer, lab.clock.now_ns))

    def burst(node):
        for _ in range(rng.randrange(4)):
            node.send(rng.randrange(0x800), rng.randbytes(rng.randrange(9)))
        lab.clock.loop.create_task(later(node, lab.clock.now_ns + rng.randrange(3) * 50_000))

    actions = [(rng.randrange(400) * 50_000, lambda: burst(rng.choice(nodes))) for _ in range(300)]
    lab.run(*actions)
    return heard


def test_going_on_at_once_behind_a_frame_is_only_faster(make_lab, monkeypatch):
    quick = traffic(make_lab(), 1)
    slow_lab = make_lab()
    monkeypatch.setattr(slow_lab.clock, "is_quiet", lambda: False)
    assert traffic(slow_lab, 1) == quick
    assert len(quick) > 1_000


def test_a_clock_is_quiet_only_where_nothing_is_left_in_this_nanosecond():
    clock, seen = VirtualClock(), []

    def look(_):
        seen.append(clock.is_quiet())

    async def main():
        clock.call_at(10, look)
        clock.call_at(10, look)
        clock.call_at(20, lambda _: [clock.loop.call_soon(int), look(None)])
        clock.call_at(30, lambda _: [clock.call_in(1, id), look(None)])
        await clock.sleep_until(100)

    clock.run(main())
    clock.close()
    assert seen == [False, True, False, True]


def test_a_standard_identifier_beats_an_extended_one_with_the_same_base(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.run((5_000, lambda: a.send(0x100 << 18, b"", EXTENDED)), (5_000, lambda: b.send(0x100, b"")))
    assert [frame.flags & EXTENDED for frame in lab.heard] == [0, EXTENDED]


def test_data_beats_a_remote_frame(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.run((5_000, lambda: a.send(0x100, b"", REMOTE)), (5_000, lambda: b.send(0x100, b"x")))
    assert [frame.flags & REMOTE for frame in lab.heard] == [0, REMOTE]


def test_a_frame_on_its_way_is_not_interrupted(lab):
    a, b = lab.node("a"), lab.node("b")
    ids = lab.run(
        (0, lambda: a.send(0x700, bytes(8))), (10_000, lambda: a.send(0x600, b"")), (20_000, lambda: b.send(0x100, b""))
    )
    assert ids == [0x700, 0x100, 0x600]


def test_a_node_keeps_the_order_of_its_queue(lab):
    a, b = lab.node("a"), lab.node("b")
    ids = lab.run((0, lambda: [a.send(can_id, b"") for can_id in (0x700, 0x001)] and b.send(0x300, b"")))
    assert ids == [0x300, 0x700, 0x001]


def test_frames_follow_each_other_without_a_gap(lab):
    a, b = lab.node("a"), lab.node("b")
    frames = [(0x100 + number, bytes([number] * (number % 9))) for number in range(20)]
    lab.run(*[(0, lambda frame=frame, number=number: (a, b)[number % 2].send(*frame)) for number, frame in
                enumerate(frames)])  # fmt: skip
    end_ns, expected = 0, []
    for frame in lab.heard:
        end_ns += frame_bits(frame.can_id, frame.data, 0) * BIT_NS
        expected.append(end_ns)
    assert [frame.t_ns for frame in lab.heard] == expected
    assert len(lab.heard) == 20


def test_an_answer_sent_while_a_frame_is_heard_follows_at_once(lab):
    asker = lab.node("asker")
    answerer = lab.node("answerer", lambda frame: frame.can_id == 0x700 and answerer.send(0x708, b""))
    lab.run((0, lambda: asker.send(0x700, b"")))
    first, second = lab.heard
    assert second.t_ns - first.t_ns == frame_bits(0x708, b"", 0) * BIT_NS


def test_only_the_sender_hears_its_frame_as_its_own(lab):
    own = []
    a = lab.node("a", own.append)
    lab.run((0, lambda: a.send(0x100, b"x")))
    assert [frame.flags for frame in own] == [SENT]
    assert [frame.flags for frame in lab.heard] == [0]
    assert own[0]._replace(flags=0) == lab.heard[0]
    assert type(own[0]) is type(lab.heard[0])


def test_a_node_that_leaves_takes_its_queue_but_not_the_frame_on_the_wire(lab):
    a = lab.node("a")
    lab.run((0, lambda: a.send(0x100, b"")), (0, lambda: a.send(0x101, b"")))
    lab.heard.clear()

    async def main():
        a.send(0x200, b"")
        a.send(0x201, b"")
        await lab.clock.sleep(1e-5)
        await a.close()
        await lab.clock.sleep(1)

    lab.clock.run(main())
    assert [frame.can_id for frame in lab.heard] == [0x200]


def test_a_full_queue_is_a_fault_of_the_bench(lab):
    a = lab.node("a")

    def flood():
        for number in range(1024):
            a.send(number, b"")
        with pytest.raises(BenchError, match="1024 frames wait at node a: the bus is full"):
            a.send(0x7FF, b"")

    assert lab.run((0, flood)) == list(range(1024))


def test_more_different_frames_than_are_kept_go_their_way(lab):
    a = lab.node("a")
    frames = [(number & 0x7FF, number.to_bytes(4, "big")) for number in range(40_000)]
    for begin in range(0, len(frames), 1000):
        part = frames[begin : begin + 1000]
        lab.run((lab.clock.now_ns, lambda part=part: [a.send(*frame) for frame in part]), until_ns=(begin + 1000) * MS)
    assert [(frame.can_id, frame.data) for frame in lab.heard] == frames
    assert len(lab.wire.entries) <= 16_384


def test_a_listener_that_fails_ends_the_call_and_not_the_bus(lab):
    faulty = lab.node("faulty", lambda frame: frame.can_id == 0x100 and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        lab.run((0, lambda: lab.listener.send(0x100, b"")), (0, lambda: faulty.send(0x101, b"")))
    assert lab.run((lab.clock.now_ns, lambda: lab.listener.send(0x102, b""))) == [0x100, 0x101, 0x102]


# CAN FD --------------------------------------------------------------------------------------------------------------


def test_the_data_phase_runs_at_its_own_rate(make_lab):
    lab = make_lab(500_000, 2_000_000)
    data = bytes(range(64))
    lab.run((0, lambda: lab.listener.send(0x100, data, FD | BRS)))
    nominal, fast = measure(0x100, data, FD | BRS)
    assert lab.heard[0].t_ns == nominal * 2_000 + fast * 500
    assert fast > 64 * 8


def test_without_the_switch_an_fd_frame_stays_at_the_nominal_rate(make_lab):
    lab = make_lab(500_000, 2_000_000)
    lab.run((0, lambda: lab.listener.send(0x100, bytes(64), FD)))
    assert lab.heard[0].t_ns == frame_bits(0x100, bytes(64), FD) * 2_000


@pytest.mark.parametrize("flags", [FD, FD | BRS])
def test_a_classic_bus_refuses_fd_and_says_what_to_set(lab, flags):
    with pytest.raises(UsageError) as error:
        lab.listener.send(0x100, bytes(12), flags)
    assert str(error.value) == "0x100: bus cabin is classic CAN. Remedy: set data_bitrate in the bench file."


def test_a_bus_without_a_data_rate_refuses_the_switch_only(make_lab):
    lab = make_lab(fd=True)
    with pytest.raises(UsageError, match=r"0x100: bus cabin has no data bit rate to switch to\. Remedy: set data_bit"):
        lab.listener.send(0x100, bytes(12), FD | BRS)
    lab.run((0, lambda: lab.listener.send(0x100, bytes(12), FD)))
    assert [frame.flags for frame in lab.heard] == [FD | SENT]


def test_a_bus_with_a_data_rate_may_be_told_to_be_classic(make_lab):
    with pytest.raises(UsageError, match="is classic CAN"):
        make_lab(500_000, 2_000_000, fd=False).listener.send(0x100, b"", FD)


# Bus load ------------------------------------------------------------------------------------------------------------


def test_load_is_the_share_of_time_in_which_frames_were_on_the_bus(lab):
    busy_ns = frame_bits(0x100, b"\x55", 0) * BIT_NS
    lab.run((0, lambda: lab.listener.send(0x100, b"\x55")), (MS, lambda: lab.listener.send(0x100, b"\x55")),
            until_ns=4 * MS)  # fmt: skip
    wire = lab.wire
    assert wire.busy_ns == 2 * busy_ns
    assert wire.load() == 2 * busy_ns / (4 * MS)
    assert wire.load(4 * MS) == 2 * busy_ns / (4 * MS)
    assert wire.load(3 * MS) == busy_ns / (3 * MS)
    assert wire.load(3 * MS - busy_ns // 2) == busy_ns / 2 / (3 * MS - busy_ns // 2)
    assert wire.load(MS) == 0.0
    assert wire.load(100 * MS) == 2 * busy_ns / (100 * MS)


def test_a_frame_on_its_way_counts_up_to_now_and_a_full_bus_is_at_one(lab):
    lab.run((0, lambda: [lab.listener.send(0x100, bytes(8)) for _ in range(100)]), until_ns=3 * MS)
    assert lab.wire.busy_ns == 3 * MS
    assert lab.wire.load() == lab.wire.load(MS) == 1.0


def test_error_frames_are_load_too(make_lab):
    lab = make_lab(acknowledged=False)
    lab.run((0, lambda: lab.listener.send(0x100, b"")), until_ns=10 * MS)
    assert lab.wire.load() == pytest.approx(1.0 - 8 * BIT_NS * _suspended(lab) / (10 * MS), abs=0.01)


def _suspended(lab):
    return sum(frame.data[6] >= 128 for frame in lab.errors)


@pytest.mark.parametrize("window_ns", [0, -1])
def test_a_load_over_no_time_is_refused(lab, window_ns):
    with pytest.raises(UsageError, match="no bus load over"):
        lab.wire.load(window_ns)


def test_a_load_beyond_what_is_kept_is_refused(lab):
    period_ns = 200_000
    for begin in range(0, 17_000, 1000):
        sends = [(number * period_ns, lambda: lab.listener.send(0x100, b"")) for number in range(begin, begin + 1000)]
        lab.run(*sends, until_ns=(begin + 1000) * period_ns)
    with pytest.raises(UsageError, match="give a shorter time"):
        lab.wire.load(17_000 * period_ns)
    assert lab.wire.load(16_000 * period_ns) == pytest.approx(frame_bits(0x100, b"", 0) * BIT_NS / period_ns)


# Errors and fault confinement ----------------------------------------------------------------------------------------


def lone_attempt_bits(can_id, data):
    """To the ACK slot and with it, then the error frame."""
    return len(frame_stream(can_id, data, 0).levels) + 1 + ERROR_FRAME


def test_a_lone_node_is_heard_unless_the_wire_is_told_that_nobody_acknowledges(make_lab):
    assert len(make_lab().run((0, lambda: None))) == 0
    friendly, lonely = make_lab(), make_lab(acknowledged=False)
    for lab in (friendly, lonely):
        lab.run((0, lambda lab=lab: lab.listener.send(0x100, b"x")))
    assert [frame.flags for frame in friendly.heard] == [SENT]
    assert lonely.heard == []


def test_a_lone_node_tries_for_ever_and_gets_no_further_than_error_passive(make_lab):
    """Rule 3, first exception. From the sixteenth error on it lets eight bits pass between two tries."""
    lab = make_lab(acknowledged=False)
    lab.run((0, lambda: lab.listener.send(0x100, b"x")), until_ns=100 * MS)
    bits = lone_attempt_bits(0x100, b"x")
    ends = [bits * number for number in range(1, 17)]
    ends += [ends[-1] + (bits + 8) * number for number in range(1, 100)]
    assert [frame.t_ns for frame in lab.errors[:115]] == [end * BIT_NS for end in ends]
    assert [frame.data[6] for frame in lab.errors[:18]] == [*range(8, 129, 8), 128, 128]
    assert lab.listener.counters == Confinement(128, 0)
    assert [(t_ns // BIT_NS, after) for t_ns, _, _, after in lab.changes] == [
        (ends[11], ErrorState.WARNING), (ends[15], ErrorState.PASSIVE),
    ]  # fmt: skip
    assert {(frame.can_id & 0x20, frame.flags) for frame in lab.errors} == {(0x20, ERROR)}


def test_the_frame_of_a_lone_node_arrives_when_a_second_one_comes(make_lab):
    lab = make_lab(acknowledged=False)
    second = lab.wire.port("second")
    frames = []

    async def main():
        lab.listener.send(0x100, b"x")
        await lab.clock.sleep_until(50 * MS)
        await second.open(frames.append, print)
        await lab.clock.sleep_until(60 * MS)

    lab.clock.run(main())
    assert [(frame.can_id, frame.flags) for frame in frames] == [(0x100, 0)]
    assert [frame.flags for frame in lab.heard] == [SENT]
    assert lab.listener.counters == Confinement(127, 0)
    assert lab.listener.state is ErrorState.WARNING


def test_a_node_that_has_sent_enough_is_as_good_as_new_and_the_wire_fast_again(make_lab):
    lab = make_lab()
    a = lab.node("a")
    lab.wire.disturb(Disturbance(corruption=1.0, count=2), random.Random(1))
    lab.run((0, lambda: a.send(0x100, b"x")), until_ns=5 * MS)
    assert a.counters.tec == 2 * 8 - 1
    lab.wire.disturb(None)
    assert lab.wire.careful
    lab.run((6 * MS, lambda: [a.send(0x100, b"y") for _ in range(40)]))
    assert a.counters == lab.listener.counters == CLEAN
    assert not lab.wire.careful
    assert len(lab.heard) == 41


def test_two_nodes_with_one_identifier_collide_until_one_is_passive_and_gives_way(lab):
    """Sixteen bit errors make both passive; then the one with the recessive bit is alone with its error, and the
    frame of the other gets through; at last its own."""
    a, b = lab.node("a"), lab.node("b")
    lab.run((0, lambda: [a.send(0x123, b"\x0f"), b.send(0x123, b"\xf0")]), until_ns=20 * MS)
    assert [frame.data for frame in lab.heard] == [b"\x0f", b"\xf0"]
    late_ns = (6 + 8) * BIT_NS  # its passive error frame ends six bits later; then it suspends transmission
    assert lab.heard[1].t_ns == lab.heard[0].t_ns + late_ns + length_ns(0x123, b"\xf0")
    assert lab.wire.error_frames == 16 + 1
    assert len(lab.errors) == 16
    assert a.counters == Confinement(128 - 1, 0)
    assert b.counters == Confinement(128 + 8 - 1, 0)
    assert [after for _, node, _, after in lab.changes if node == "b"] == [ErrorState.WARNING, ErrorState.PASSIVE]


def test_two_nodes_with_the_very_same_frame_send_it_as_one(lab):
    own = {name: [] for name in "ab"}
    nodes = {name: lab.node(name, own[name].append) for name in "ab"}
    lab.run((0, lambda: [node.send(0x123, b"same") for node in nodes.values()]))
    assert len(lab.heard) == 1
    assert [[frame.flags for frame in frames] for frames in own.values()] == [[SENT], [SENT]]
    assert lab.errors == []


def test_a_corrupted_frame_is_signalled_counted_and_sent_again(lab):
    a = lab.node("a")
    own = []
    a.on_frame = own.append
    lab.wire.disturb(Disturbance(corruption=1.0, count=1), random.Random(1))
    lab.run((0, lambda: a.send(0x100, b"data")))
    assert [frame.flags for frame in own] == [ERROR, SENT]
    assert [frame.data for frame in lab.heard] == [b"data"]
    assert [frame.data[7] for frame in lab.errors] == [9]
    assert own[0].data[6] == 8
    assert lab.heard[0].t_ns - lab.errors[0].t_ns == length_ns(0x100, b"data")
    assert a.counters == Confinement(7, 0)
    assert lab.listener.counters == Confinement(0, 8)


def test_a_frame_that_failed_takes_part_in_the_arbitration_anew(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.wire.disturb(Disturbance(corruption=1.0, count=1), random.Random(1))
    assert lab.run((0, lambda: a.send(0x200, b"")), (1_000, lambda: b.send(0x100, b""))) == [0x100, 0x200]


def test_a_frame_that_failed_stays_before_what_waits_behind_it(lab):
    a = lab.node("a")
    lab.wire.disturb(Disturbance(corruption=1.0, count=1), random.Random(1))
    assert lab.run((0, lambda: [a.send(can_id, b"") for can_id in (0x300, 0x200, 0x100)])) == [0x300, 0x200, 0x100]


class InTheData(random.Random):
    """Always the same wrong bit, in the data field of a frame with an 11-bit identifier."""

    def sample(self, population, k):
        return [1 + 11 + 3 + 4 + 6]


def drive_off(lab, node, *more):
    """Let a node see its own bits wrong until it is off; then end the disturbance."""
    itself = frozenset((node.node,))
    lab.wire.disturb(Disturbance(corruption=1.0, senders=itself, nodes=itself), InTheData(1))
    lab.run((0, lambda: node.send(0x100, b"\x55\x55")), *more, until_ns=20 * MS)
    lab.wire.disturb(None)


def test_thirty_two_errors_drive_a_node_off_and_what_waits_is_lost(lab):
    own = []
    a = lab.node("a", own.append)
    drive_off(lab, a, (0, lambda: [a.send(0x101, b""), a.send(0x102, b"")]))
    assert a.state is ErrorState.BUS_OFF
    assert [frame.data[6] for frame in own] == [*range(8, 255, 8), 255]
    assert [bool(frame.can_id & 0x40) for frame in own] == [False] * 31 + [True]
    assert lab.listener.counters == Confinement(0, 32)
    assert lab.heard == []
    assert a.dropped == 3
    assert [after for _, node, _, after in lab.changes if node == "a"] == [
        ErrorState.WARNING, ErrorState.PASSIVE, ErrorState.BUS_OFF,
    ]  # fmt: skip


def test_a_node_that_is_off_neither_sends_nor_hears_nor_complains(lab):
    own = []
    a, b = lab.node("a", own.append), lab.node("b")
    drive_off(lab, a)
    own.clear()
    lab.run((30 * MS, lambda: a.send(0x100, b"")), (30 * MS, lambda: b.send(0x200, b"")))
    assert own == []
    assert [frame.can_id for frame in lab.heard] == [0x200]
    assert a.dropped == 1 + 1
    assert a.state is ErrorState.BUS_OFF


def test_a_node_comes_back_after_128_times_11_idle_bits(lab):
    a = lab.node("a")
    drive_off(lab, a)
    lab.run((30 * MS, a.restart), (31 * MS, a.restart), until_ns=40 * MS)
    assert lab.changes[-1] == (30 * MS + 128 * 11 * BIT_NS, "a", ErrorState.BUS_OFF, ErrorState.ACTIVE)
    assert a.counters == CLEAN
    assert lab.run((40 * MS, lambda: a.send(0x100, b"back"))) == [0x100]


def test_on_a_busy_bus_each_frame_counts_as_one_sequence_of_eleven(lab):
    """Back to back frames without a gap. The bus falls idle behind the hundredth: 28 x 11 bits more. To be told to
    restart once more changes nothing."""
    a, b = lab.node("a"), lab.node("b")
    drive_off(lab, a)
    frames = (30 * MS, lambda: [b.send(0x200, b"\x55") for _ in range(100)])
    lab.run(frames, (30 * MS + 1, a.restart), (35 * MS, a.restart), until_ns=80 * MS)
    assert lab.changes[-1][0] == 30 * MS + (100 * frame_bits(0x200, b"\x55", 0) + 28 * 11) * BIT_NS


def test_gaps_between_frames_count_in_whole_sequences(lab):
    """25 idle bits: two sequences; then a frame: one. So three for each, and 126 behind 42 of them; two are left."""
    a, b = lab.node("a"), lab.node("b")
    drive_off(lab, a)
    period_ns = (frame_bits(0x200, b"\x55", 0) + 25) * BIT_NS
    begins = [30 * MS + 25 * BIT_NS + number * period_ns for number in range(42)]
    lab.run((30 * MS, a.restart), *[(t_ns, lambda: b.send(0x200, b"\x55")) for t_ns in begins], until_ns=80 * MS)
    assert lab.changes[-1][0] == 30 * MS + 42 * period_ns + 2 * 11 * BIT_NS


def test_a_node_comes_back_by_itself_where_the_wire_says_so(make_lab):
    lab = make_lab(restart_after_ns=10 * MS)
    a = lab.node("a")
    drive_off(lab, a)
    off_ns = next(t_ns for t_ns, _, _, after in lab.changes if after is ErrorState.BUS_OFF)
    lab.run(until_ns=60 * MS)
    assert lab.changes[-1] == (off_ns + 10 * MS + 1408 * BIT_NS, "a", ErrorState.BUS_OFF, ErrorState.ACTIVE)


def test_each_node_may_have_its_own_way_back(make_lab):
    lab = make_lab(restart_after_ns=10 * MS)
    a = lab.node("a")
    a.restart_after_ns = None
    drive_off(lab, a)
    lab.run(until_ns=500 * MS)
    assert a.state is ErrorState.BUS_OFF


def test_a_restart_told_from_a_listener_is_not_lost(lab):
    a = lab.node("a")
    a.on_state(lambda change: change.after is ErrorState.BUS_OFF and a.restart())
    drive_off(lab, a)
    off_ns = next(t_ns for t_ns, _, _, after in lab.changes if after is ErrorState.BUS_OFF)
    assert lab.changes[-1] == (off_ns + 1408 * BIT_NS, "a", ErrorState.BUS_OFF, ErrorState.ACTIVE)


def test_a_port_that_is_opened_again_begins_with_counters_at_zero(lab):
    a = lab.node("a")
    drive_off(lab, a)

    async def again():
        await a.close()
        await a.open(lambda frame: None, print)
        a.send(0x100, b"new")
        await lab.clock.sleep(1)

    lab.clock.run(again())
    assert a.counters == CLEAN
    assert [frame.data for frame in lab.heard] == [b"new"]


def test_a_node_that_closes_while_its_frame_fails_does_not_send_it_again(lab):
    a = lab.node("a")
    lab.wire.disturb(Disturbance(corruption=1.0, count=1), random.Random(1))

    async def main():
        a.send(0x100, b"")
        await lab.clock.sleep_until(10_000)
        await a.close()
        await lab.clock.sleep(1)

    lab.clock.run(main())
    assert lab.heard == []
    assert len(lab.errors) == 1
    assert a.counters == CLEAN


def test_an_error_passive_node_says_so_in_its_fd_frames_until_it_is_active(make_lab):
    lab = make_lab(500_000, 2_000_000)
    a = lab.node("a")
    a.counters = Confinement(136, 0)
    lab.wire.assess()
    lab.run((0, lambda: [a.send(0x100, bytes(12), FD | BRS) for _ in range(12)]))
    assert [bool(frame.flags & ESI) for frame in lab.heard] == [True] * 9 + [False] * 3
    assert a.counters.tec == 136 - 12


def test_a_frame_that_failed_says_what_its_node_is_when_it_goes_out_again(make_lab):
    """The node is passive for its receive errors; another's frame, which it hears well in between, ends that."""
    lab = make_lab(500_000, 2_000_000)
    a, b = lab.node("a"), lab.node("b")
    a.counters = Confinement(0, 128)
    own = frozenset(("a",))
    lab.wire.disturb(Disturbance(corruption=1.0, count=1, senders=own, nodes=own), InTheData(1))
    lab.run((0, lambda: a.send(0x200, bytes(12), FD)), (10_000, lambda: b.send(0x100, b"")))
    assert [(frame.can_id, frame.flags) for frame in lab.heard] == [(0x100, 0), (0x200, FD)]
    assert len(lab.errors) == 1


def test_a_receiver_that_disturbs_all_others_is_silenced_by_its_own_counter(lab):
    """REC 9 more with each frame that it destroys: above 127 after the fifteenth. Then its flags are recessive."""
    a = lab.node("a")
    lab.wire.disturb(Disturbance(corruption=1.0, nodes=frozenset(("listener",))), random.Random(1))
    own = []
    a.on_frame = own.append
    lab.run((0, lambda: a.send(0x100, b"")), until_ns=50 * MS)
    assert [frame.flags for frame in own] == [ERROR] * 15 + [SENT]
    assert lab.listener.state is ErrorState.PASSIVE
    assert lab.heard == []


# Disturbances --------------------------------------------------------------------------------------------------------


def disturbed(lab, disturbance, frames, *, seed=1, sender=None):
    """Send frames a millisecond apart; what the listener heard as (milliseconds, identifier, data)."""
    sender = sender or lab.node("sender")
    lab.wire.disturb(disturbance, random.Random(seed))
    lab.run(*[(number * MS, lambda frame=frame: sender.send(*frame)) for number, frame in enumerate(frames)])
    return [(frame.t_ns // MS, frame.can_id, frame.data) for frame in lab.heard]


def test_a_lost_frame_is_missed_by_its_receivers_and_sent_for_its_sender(lab):
    own = []
    sender = lab.node("sender", own.append)
    heard = disturbed(lab, Disturbance(loss=1.0, count=2), [(0x100, bytes([n])) for n in range(4)], sender=sender)
    assert heard == [(2, 0x100, b"\x02"), (3, 0x100, b"\x03")]
    assert len(own) == 4
    assert sender.counters == lab.listener.counters == CLEAN


def test_only_the_nodes_that_are_named_miss_it(lab):
    other = []
    lab.node("other", other.append)
    heard = disturbed(lab, Disturbance(loss=1.0, nodes=frozenset(("listener",))), [(0x100, b"")] * 3)
    assert heard == []
    assert len(other) == 3


def test_a_delayed_frame_is_held_back_and_overtaken(lab):
    delay = Disturbance(delay=1.0, delay_ns=(2_500_000, 2_500_000), ids=frozenset(((0x100, False),)))
    heard = disturbed(lab, delay, [(0x100, b"a"), (0x200, b""), (0x200, b""), (0x200, b"")])
    assert heard == [(1, 0x200, b""), (2, 0x200, b""), (2, 0x100, b"a"), (3, 0x200, b"")]


def test_delays_are_drawn_from_their_span(lab):
    delay = Disturbance(delay=1.0, delay_ns=(100_000, 300_000))
    sender = lab.node("sender")
    lab.wire.disturb(delay, random.Random(1))
    lab.run(*[(number * MS, lambda: sender.send(0x100, b"")) for number in range(200)])
    waits = [frame.t_ns - number * MS - length_ns(0x100, b"") for number, frame in enumerate(lab.heard)]
    assert all(100_000 <= wait <= 300_000 for wait in waits)
    assert max(waits) - min(waits) > 150_000


def test_a_held_back_frame_is_gone_when_its_port_was_closed(lab):
    sender = lab.node("sender")
    lab.wire.disturb(Disturbance(delay=1.0, delay_ns=(MS, MS)), random.Random(1))

    async def main():
        sender.send(0x100, b"")
        await sender.close()
        await sender.open(lambda frame: None, print)
        await lab.clock.sleep(1)

    lab.clock.run(main())
    assert lab.heard == []


def test_a_duplicated_frame_comes_twice_and_not_a_third_time(lab):
    heard = disturbed(lab, Disturbance(duplication=1.0), [(0x100, b"a"), (0x200, b"b")])
    assert heard == [(0, 0x100, b"a"), (0, 0x100, b"a"), (1, 0x200, b"b"), (1, 0x200, b"b")]


def test_an_altered_frame_has_a_right_crc_and_is_what_all_hear(lab):
    own = []
    sender = lab.node("sender", own.append)
    disturbed(lab, Disturbance(alteration=1.0, altered_bits=3), [(0x100, bytes(8))] * 20, sender=sender)
    assert [sum(byte.bit_count() for byte in frame.data) for frame in lab.heard] == [3] * 20
    assert [frame.data for frame in own] == [frame.data for frame in lab.heard]
    assert len({frame.data for frame in lab.heard}) > 10
    assert lab.errors == []


def test_what_has_no_payload_is_not_altered(lab):
    heard = disturbed(lab, Disturbance(alteration=1.0, altered_bits=99), [(0x100, b""), (0x101, bytes(2), REMOTE)])
    assert [(can_id, data) for _, can_id, data in heard] == [(0x100, b""), (0x101, bytes(2))]


def test_the_sender_may_see_its_own_bits_wrong(lab):
    """Then it has a bit error or loses an arbitration; the listener has the stuff error that follows."""
    own = []
    sender = lab.node("sender", own.append)
    wrong = Disturbance(corruption=1.0, count=1, nodes=frozenset(("sender",)))
    disturbed(lab, wrong, [(0x100, bytes(8))], sender=sender, seed=3)
    assert [frame.flags for frame in own] == [ERROR, SENT]
    assert own[0].data[2] & 0x18
    assert lab.errors[0].data[2] & 0x80 == 0


def test_several_wrong_bits_in_one_frame(lab):
    heard = disturbed(lab, Disturbance(corruption=1.0, flips=5, count=10), [(0x100, bytes(8))] * 10)
    assert len(heard) == 10
    assert len(lab.errors) == 10


@pytest.mark.parametrize(
    ("limits", "lost"),
    [
        ({"ids": frozenset(((0x100, False),))}, [0, 2, 4]),
        ({"ids": frozenset(((0x100, True),))}, []),
        ({"count": 2}, [0, 1]),
        ({"from_ns": 2 * MS, "to_ns": 4 * MS}, [2, 3]),
        ({"from_ns": 4 * MS}, [4, 5]),
        ({"senders": frozenset(("sender",))}, [0, 1, 2, 3, 4, 5]),
        ({"senders": frozenset(("somebody else",))}, []),
    ],
)
def test_a_disturbance_keeps_to_its_limits(lab, limits, lost):
    heard = disturbed(lab, Disturbance(loss=1.0, **limits), [(0x100 + number % 2, b"") for number in range(6)])
    assert [t_ms for t_ms, _, _ in heard] == [number for number in range(6) if number not in lost]


def test_probabilities_are_met(lab):
    frames = [(0x100, number.to_bytes(2, "big")) for number in range(900)]
    heard = disturbed(lab, Disturbance(loss=0.25), frames)
    assert 0.7 < len(heard) / len(frames) < 0.8


def test_several_disturbances_work_side_by_side_until_they_are_ended(lab):
    both = [
        Disturbance(loss=1.0, ids=frozenset(((0x100, False),))),
        Disturbance(duplication=1.0, ids=frozenset(((0x200, False),))),
    ]
    heard = disturbed(lab, both, [(0x100, b""), (0x200, b"")])
    assert [can_id for _, can_id, _ in heard] == [0x200, 0x200]
    lab.wire.disturb(None)
    assert not lab.wire.careful
    lab.heard.clear()
    assert lab.run((lab.clock.now_ns, lambda: lab.listener.send(0x100, b"")), until_ns=1_100 * MS) == [0x100]


EVERYTHING = Disturbance(
    loss=0.1, delay=0.1, delay_ns=(1, 900_000), duplication=0.1, corruption=0.2, alteration=0.1, flips=2
)


def diary(make_lab, seed):
    lab = make_lab(restart_after_ns=MS)
    lab.wire.disturb(EVERYTHING, random.Random(seed))
    return [*traffic(lab, 7), *lab.heard, *lab.errors, *lab.changes]


def test_the_same_seed_gives_the_same_and_another_seed_something_else(make_lab):
    first = diary(make_lab, 1)
    assert diary(make_lab, 1) == first
    assert diary(make_lab, 2) != first
    assert any(entry[-2] & ERROR for entry in first if len(entry) == 6)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"loss": 1.5}, "loss is a probability: 1.5"),
        ({"corruption": -0.1}, "corruption is a probability: -0.1"),
        ({"corruption": 0.1, "flips": 0}, "at least one wrong bit"),
        ({"delay": 0.5}, "a delay from 0 to 0 ns"),
        ({"delay": 0.5, "delay_ns": (5, 1)}, "a delay from 5 to 1 ns"),
        ({"loss": 0.5, "from_ns": 10, "to_ns": 10}, "disturbs from 10 to 10 ns: never"),
    ],
)
def test_a_disturbance_that_cannot_be_is_refused(bad, words):
    with pytest.raises(UsageError, match=words):
        Disturbance(**bad)


def test_a_disturbance_without_chance_is_refused(lab):
    with pytest.raises(UsageError, match=r"bus\.cabin: a disturbance needs chance\. Remedy: hand in a seeded Random"):
        lab.wire.disturb(Disturbance(loss=0.1))
