"""ISO-TP as a state machine: transcripts of frames, times to the nanosecond, and frames of chance."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.diag.isotp import Began, Failed, IsoTp, Options, Reason, Received, Send, Sent
from hil.errors import UsageError

MS = 1_000_000
FIRST_OF_20 = bytes.fromhex("1014 000102030405")
GO_ON = bytes.fromhex("300000 CCCCCCCCCC")
DATA = bytes(range(20))


def hexed(actions):
    return [action.data.hex() for action in actions if isinstance(action, Send)]


def failure(actions):
    (failed,) = [action for action in actions if isinstance(action, Failed)]
    return failed.reason, failed.sending


class Pair:
    """Two ends with a wire between them that takes `frame_ns` a frame; `now` moves from event to event."""

    def __init__(self, left=None, right=None, frame_ns=250_000):
        self.ends = [IsoTp(left), IsoTp(right)]
        self.now, self.frame_ns = 0, frame_ns
        self.wire, self.told, self.frames = [], ([], []), []

    def send(self, end, data):
        self.take(end, self.ends[end].send(self.now, data))

    def take(self, end, actions):
        for action in actions:
            if isinstance(action, Send):
                self.wire.append((end, action.data))
            else:
                self.told[end].append(action)

    def run(self, until=10**12):
        for _ in range(100_000):
            if self.wire:
                self.now += self.frame_ns
                end, data = self.wire.pop(0)
                self.frames.append((self.now, end, data))
                self.take(end, self.ends[end].transmitted(self.now, data))
                self.take(1 - end, self.ends[1 - end].frame(self.now, data))
                continue
            due = [end.deadline_ns for end in self.ends if end.deadline_ns is not None]
            if not due or min(due) > until:
                return
            self.now = max(self.now, min(due))
            for number, end in enumerate(self.ends):
                self.take(number, end.advance(self.now))
        raise AssertionError("it hangs")


def test_a_short_message_is_one_frame_padded_to_eight():
    end = IsoTp()
    assert hexed(end.send(0, b"\x22\xf1\x89")) == ["0322f189cccccccc"]
    assert end.is_sending
    assert end.transmitted(5, bytes.fromhex("0322f189cccccccc")) == [Sent(b"\x22\xf1\x89")]
    assert not end.is_sending
    assert end.deadline_ns is None


def test_without_padding_frames_are_as_short_as_they_can_be():
    assert hexed(IsoTp(Options(padding=None)).send(0, b"\x3e\x00")) == ["023e00"]
    assert hexed(IsoTp(Options(padding=None, frame_bytes=64)).send(0, bytes(9))) == ["0009" + "00" * 9 + "cc"]


def test_a_long_message_goes_as_first_and_consecutive_frames():
    pair = Pair()
    pair.send(0, DATA)
    pair.run()
    assert [data.hex() for _, _, data in pair.frames] == [
        "1014000102030405", "300000cccccccccc", "21060708090a0b0c", "220d0e0f10111213",
    ]  # fmt: skip
    assert pair.told[1] == [Began(20), Received(DATA)]
    assert pair.told[0] == [Sent(DATA)]


@pytest.mark.parametrize("size", [1, 7, 8, 13, 62, 63, 64, 100, 4095, 4096, 70_000])
@pytest.mark.parametrize("frame_bytes", [8, 12, 64])
def test_every_length_arrives(size, frame_bytes):
    data = bytes(number * 7 & 0xFF for number in range(size))
    pair = Pair(Options(frame_bytes=frame_bytes), Options(frame_bytes=frame_bytes, most_bytes=100_000))
    pair.send(0, data)
    pair.run()
    assert pair.told[1][-1] == Received(data)


def test_a_length_beyond_12_bits_takes_32():
    (first,) = IsoTp().send(0, bytes(4096))
    assert first.data[:6] == bytes.fromhex("1000 00001000")
    assert IsoTp(Options(most_bytes=5000)).frame(0, first.data)[0] == Began(4096)


def test_the_sequence_number_wraps_from_15_to_0():
    pair = Pair()
    pair.send(0, bytes(6 + 7 * 17))
    pair.run()
    assert [data[0] for _, end, data in pair.frames if end == 0][1:] == [*range(0x21, 0x30), 0x20, 0x21]


def test_flow_control_comes_after_each_block():
    pair = Pair(right=Options(block_size=2))
    pair.send(0, bytes(6 + 7 * 5))
    pair.run()
    assert "".join("<>"[end] for _, end, _ in pair.frames) == "<><<><<><"


@pytest.mark.parametrize(
    ("st_min", "gap"),
    [(0x00, 0), (0x14, 20 * MS), (0x7F, 127 * MS), (0xF1, 100_000), (0xF9, 900_000)],
)
def test_st_min_counts_from_the_end_of_one_frame_to_the_next_one_handed_over(st_min, gap):
    pair = Pair(right=Options(st_min=st_min))
    pair.send(0, bytes(27))
    pair.run()
    ends = [t for t, end, _ in pair.frames if end == 0][1:]
    assert [b - a for a, b in itertools.pairwise(ends)] == [gap + 250_000] * 2


@pytest.mark.parametrize("reserved", [0x80, 0xF0, 0xFA, 0xFF])
def test_a_reserved_st_min_is_the_longest(reserved):
    end = IsoTp()
    (first,) = end.send(0, bytes(20))
    end.transmitted(0, first.data)
    (one,) = end.frame(0, bytes([0x30, 0, reserved]))
    end.transmitted(0, one.data)
    assert end.deadline_ns == 127 * MS
    assert end.advance(127 * MS - 1) == []
    assert len(end.advance(127 * MS)) == 1
    with pytest.raises(UsageError, match="reserved"):
        Options(st_min=reserved)


def waiting_for_flow(options=None, data=DATA):
    end = IsoTp(options)
    (first,) = end.send(0, data)
    end.transmitted(0, first.data)
    return end


def test_wait_makes_the_sender_wait_once_more():
    end = waiting_for_flow()
    assert end.frame(900 * MS, bytes.fromhex("310000")) == []
    assert end.advance(1800 * MS) == []
    assert hexed(end.frame(1899 * MS, GO_ON)) == ["21060708090a0b0c"]


def test_too_many_waits_end_it():
    end = waiting_for_flow(Options(most_waits=2))
    end.frame(0, bytes.fromhex("310000"))
    end.frame(0, bytes.fromhex("310000"))
    assert failure(end.frame(0, bytes.fromhex("310000"))) == (Reason.WAITS, True)
    assert not end.is_sending


def test_overflow_and_a_reserved_status_end_it():
    assert failure(waiting_for_flow().frame(0, bytes.fromhex("320000"))) == (Reason.OVERFLOW, True)
    assert failure(waiting_for_flow().frame(0, bytes.fromhex("350000"))) == (Reason.INVALID_FS, True)


def test_no_flow_control_within_a_second_ends_it():
    end = waiting_for_flow()
    assert end.deadline_ns == 1000 * MS
    assert end.advance(1000 * MS - 1) == []
    assert failure(end.advance(1000 * MS)) == (Reason.TIMEOUT_BS, True)
    assert end.deadline_ns is None


def test_flow_control_may_come_before_the_word_that_the_frame_was_sent():
    end = IsoTp()
    (first,) = end.send(0, DATA)
    assert hexed(end.frame(1, GO_ON)) == ["21060708090a0b0c"]
    assert end.transmitted(2, first.data) == []


def test_a_frame_that_never_gets_onto_the_wire_ends_it():
    end = IsoTp()
    end.send(0, b"\x3e\x00")
    assert failure(end.advance(1000 * MS)) == (Reason.TIMEOUT_A, True)
    end.frame(0, FIRST_OF_20)
    assert failure(end.advance(1000 * MS))[0] is Reason.TIMEOUT_A
    assert not end.is_receiving


def test_no_consecutive_frame_within_a_second_ends_it():
    end = IsoTp()
    _, flow = end.frame(0, FIRST_OF_20)
    end.transmitted(100, flow.data)
    assert end.deadline_ns == 100 + 1000 * MS
    assert failure(end.advance(100 + 1000 * MS)) == (Reason.TIMEOUT_CR, False)
    assert end.frame(100 + 1001 * MS, bytes.fromhex("21060708090a0b0c")) == []


def test_a_wrong_sequence_number_ends_it():
    end = IsoTp()
    end.frame(0, FIRST_OF_20)
    assert failure(end.frame(1, bytes.fromhex("22060708090a0b0c"))) == (Reason.WRONG_SN, False)
    assert not end.is_receiving


@pytest.mark.parametrize("new", ["0322f18900000000", "1014000102030405"])
def test_a_new_message_in_the_middle_takes_the_place_of_the_old(new):
    end = IsoTp()
    end.frame(0, FIRST_OF_20)
    actions = end.frame(1, bytes.fromhex(new))
    assert failure(actions) == (Reason.UNEXPECTED, False)
    assert len(actions) > 1


def test_a_message_that_is_too_long_is_refused_with_overflow():
    assert hexed(IsoTp(Options(most_bytes=19)).frame(0, FIRST_OF_20)) == ["320000cccccccccc"]


@pytest.mark.parametrize(
    "ignored",
    [
        "", "00", "08" + "00" * 7, "00" * 8, "0422f1", "10", "1007" + "00" * 6, "100800", "1000" + "00000fff" + "0000",
        "20", "2100", "30", "3000", "400000", "f00000", "05" + "00" * 11, "0000" + "00" * 10, "000b" + "00" * 10,
        "103e" + "00" * 62,
    ],
)  # fmt: skip
def test_what_the_standard_says_to_ignore_is_ignored(ignored):
    end = IsoTp()
    assert end.frame(0, bytes.fromhex(ignored)) == []
    assert end.deadline_ns is None


def test_a_consecutive_frame_that_is_too_short_and_not_the_last_is_ignored():
    end = IsoTp()
    end.frame(0, FIRST_OF_20)
    assert end.frame(1, bytes.fromhex("210607")) == []
    end.frame(2, bytes.fromhex("21060708090a0b0c"))
    assert end.frame(3, bytes.fromhex("220d0e0f10111213")) == [Received(DATA)]


def test_both_directions_go_at_once():
    pair = Pair()
    pair.send(0, DATA)
    pair.send(1, bytes(30))
    pair.run()
    assert Received(DATA) in pair.told[1]
    assert Received(bytes(30)) in pair.told[0]


def test_functional_addressing_has_single_frames_only():
    end = IsoTp(Options(single_only=True))
    with pytest.raises(UsageError, match="one frame"):
        end.send(0, bytes(8))
    assert end.frame(0, FIRST_OF_20) == []


def test_one_message_at_a_time_and_none_empty():
    end = IsoTp()
    with pytest.raises(UsageError, match="0 bytes"):
        end.send(0, b"")
    end.send(0, b"\x3e\x00")
    with pytest.raises(UsageError, match="still being sent"):
        end.send(0, b"\x3e\x00")


frames = st.one_of(
    st.binary(max_size=64),
    st.tuples(
        st.sampled_from([0x02, 0x10, 0x11, 0x20, 0x21, 0x22, 0x30, 0x31, 0x32, 0x3F]), st.binary(max_size=63)
    ).map(lambda parts: bytes([parts[0]]) + parts[1]),
)
events = st.lists(
    st.one_of(
        st.tuples(st.just("frame"), frames),
        st.tuples(st.just("send"), st.binary(min_size=1, max_size=200)),
        st.tuples(st.just("wait"), st.integers(0, 2000 * MS)),
        st.tuples(st.just("echo"), st.just(b"")),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(events, st.sampled_from([8, 64]))
def test_frames_of_chance_raise_nothing_and_always_come_to_an_end(happenings, frame_bytes):
    end = IsoTp(Options(frame_bytes=frame_bytes))
    now, wire = 0, []
    for kind, value in happenings:
        if kind == "frame":
            actions = end.frame(now, value)
        elif kind == "send":
            actions = [] if end.is_sending else end.send(now, value)
        elif kind == "wait":
            now += value
            actions = end.advance(now)
        else:
            actions = end.transmitted(now, wire.pop(0)) if wire else []
        wire += [action.data for action in actions if isinstance(action, Send)]
    for _ in range(100):
        if end.deadline_ns is None:
            break
        now = max(now, end.deadline_ns)
        end.advance(now)
    assert end.deadline_ns is None
    assert not end.is_sending
    assert not end.is_receiving
