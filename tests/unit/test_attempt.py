"""Attempts to send that go wrong, bit by bit: who signals what, how long it takes, what the counters get.

The expected figures are derived by hand from the rules (Bosch, CAN Specification 2.0, part B, 1991, chapters 3.2.3, 7
and 8; ISO 11898-1:2015 says the same), each where it stands.
"""

import random

import pytest

from hil.can.attempt import Field, Kind, Seat, attempt
from hil.can.bits import measure
from hil.can.bitstream import frame_stream
from hil.can.frames import BRS, ESI, EXTENDED, FD, REMOTE

FRAME = (0x555, b"\x55" * 4, 0)
"""Its identifier and data alternate, so that nothing is stuffed up to the CRC."""
HEADER = 1 + 11 + 3 + 4
LISTENER = Seat()


def play(*seats, fd=True):
    return attempt(tuple(seats), fd=fd)


def faults(outcome):
    return [result.fault and (result.fault.kind, result.fault.field) for result in outcome.results]


def counters(outcome):
    return [(result.tec, result.rec) for result in outcome.results]


def some_frame(rng):
    flags = rng.choice([0, EXTENDED])
    if rng.random() < 0.5:
        flags |= FD | rng.choice([0, BRS]) | rng.choice([0, ESI])
        data = rng.randbytes(rng.choice([0, 1, 7, 8, 12, 16, 20, 24, 32, 48, 64]))
    elif rng.random() < 0.2:
        flags, data = flags | REMOTE, bytes(rng.randrange(9))
    else:
        data = rng.choice([bytes(8), b"\xff" * 8, rng.randbytes(rng.randrange(9))])
    return rng.getrandbits(29 if flags & EXTENDED else 11), data, flags


def test_an_undisturbed_frame_is_received_as_it_was_sent_and_takes_its_length():
    """Whatever it is: the receivers take it apart again by themselves."""
    rng = random.Random(1)
    for _ in range(400):
        frame = some_frame(rng)
        outcome = play(Seat(frame, passive=rng.random() < 0.3), LISTENER, Seat(passive=True))
        assert outcome.length == measure(*frame)
        assert [result.received for result in outcome.results] == [None, frame, frame]
        assert [result.sent for result in outcome.results] == [True, False, False]
        assert counters(outcome) == [(0, 0)] * 3
        assert faults(outcome) == [None] * 3


def test_without_an_acknowledge_the_transmitter_flags_the_acknowledge_delimiter():
    """Frame to the ACK slot, 6 bits of error flag, 8 of delimiter, 3 of intermission."""
    to_ack_slot = len(frame_stream(*FRAME).levels) + 1
    outcome = play(Seat(FRAME))
    assert outcome.length == (to_ack_slot + 6 + 8 + 3, 0)
    assert faults(outcome) == [(Kind.ACK, Field.ACK)]
    assert counters(outcome) == [(8, 0)]


def test_a_lone_error_passive_transmitter_counts_no_acknowledge_error():
    """Rule 3, first exception; a passive flag that is as long."""
    outcome = play(Seat(FRAME, passive=True))
    assert outcome.length == play(Seat(FRAME)).length
    assert faults(outcome) == [(Kind.ACK, Field.ACK)]
    assert counters(outcome) == [(0, 0)]


def test_a_bit_error_is_answered_by_all_with_flags_that_overlap_to_twelve_bits():
    """The transmitter sees a recessive data bit dominant. Its flag follows: after k dominant bits before it, the others
    see six in a row at its bit 6 - k and flag for six bits more: 12 - k bits, 8 of delimiter, 3 of intermission."""
    wire = frame_stream(*FRAME).levels
    flip = HEADER + 3
    assert wire[flip - 1 : flip + 1] == (0, 1)
    outcome = play(Seat(FRAME, flips=(flip,)), LISTENER, LISTENER)
    assert outcome.length == (flip + 1 + 12 + 8 + 3, 0)
    assert faults(outcome) == [(Kind.BIT_RECESSIVE, Field.DATA)] + [(Kind.STUFF, Field.DATA)] * 2
    assert counters(outcome) == [(8, 0), (0, 1), (0, 1)]


def test_dominant_bits_before_an_error_flag_make_the_superposition_shorter():
    """Here the bit with the error and the one before it are dominant on the wire: k = 2."""
    frame = (0x555, b"\x53\x55\x55\x55", 0)  # 0101 0011
    wire = frame_stream(*frame).levels
    flip = HEADER + 5
    assert wire[flip - 2 : flip + 1] == (1, 0, 0)
    outcome = play(Seat(frame, flips=(flip,)), LISTENER)
    assert outcome.length == (flip + 1 + (12 - 2) + 8 + 3, 0)
    assert faults(outcome)[0] == (Kind.BIT_DOMINANT, Field.DATA)


def test_a_receiver_that_is_first_with_an_error_counts_nine_and_the_others_one():
    """Rule 1: one for the error; rule 2: eight more for the dominant bit behind its own flag, since the others answer.

    The receiver alone takes a dominant bit for recessive, after four recessive ones that follow a dominant: a stuff
    error at the sixth."""
    frame = (0x555, b"\x1e\xc0", 0)  # 0001 1110 1100 0000
    wire = frame_stream(*frame).levels
    flip = next(place for place in range(HEADER, len(wire)) if wire[place - 4 : place + 1] == (1, 1, 1, 1, 0))
    assert wire[flip + 1] == 1
    outcome = play(Seat(frame), Seat(flips=(flip,)), LISTENER)
    assert faults(outcome)[1] == (Kind.STUFF, Field.DATA)
    assert counters(outcome) == [(8, 0), (0, 9), (0, 1)]


def test_a_crc_error_is_flagged_behind_the_acknowledge_delimiter():
    """The others acknowledge; the flag stands in the end of frame, where a dominant bit is an error at once: one bit of
    it is seen before the others flag for six bits."""
    wire = frame_stream(*FRAME).levels
    flip = HEADER + 4  # 01010101 read as 01011101 needs no other stuff bits
    outcome = play(Seat(FRAME), Seat(flips=(flip,)), LISTENER)
    assert outcome.length == (len(wire) + 2 + 1 + 6 + 8 + 3, 0)
    assert faults(outcome) == [
        (Kind.BIT_RECESSIVE, Field.EOF), (Kind.CRC, Field.ACK_DEL), (Kind.FORM, Field.EOF),
    ]  # fmt: skip
    assert counters(outcome) == [(8, 0), (0, 9), (0, 1)]


def test_a_crc_error_of_the_only_receiver_is_an_acknowledge_error_of_the_transmitter():
    """It doesn't acknowledge; the transmitter's flag in the acknowledge delimiter comes before its own."""
    outcome = play(Seat(FRAME), Seat(flips=(HEADER + 4,)))
    assert faults(outcome) == [(Kind.ACK, Field.ACK), (Kind.FORM, Field.ACK_DEL)]
    assert counters(outcome) == [(8, 0), (0, 1)]


def test_an_error_passive_transmitter_counts_an_acknowledge_error_when_others_answer_with_dominant_bits():
    """The exception of rule 3 holds only while no dominant bit is seen during the passive flag."""
    outcome = play(Seat(FRAME, passive=True), Seat(flips=(HEADER + 4,)))
    assert faults(outcome)[0] == (Kind.ACK, Field.ACK)
    assert counters(outcome)[0] == (8, 0)


def test_an_error_passive_receiver_with_an_error_of_its_own_disturbs_nobody():
    """Its recessive flag lasts until six equal bits are seen, at the end of the frame; it is ready later than the rest.

    Six recessive bits: ACK delimiter and five of the end of frame. Then 8 + 3 bits; the others' intermission ends
    2 + 3 bits after the fifth, so six bits earlier. It flags during the frame, so only the others acknowledge."""
    frame = (0x555, b"\x1e\xc0", 0)
    wire = frame_stream(*frame).levels
    flip = next(place for place in range(HEADER, len(wire)) if wire[place - 4 : place + 1] == (1, 1, 1, 1, 0))
    outcome = play(Seat(frame), Seat(passive=True, flips=(flip,)), LISTENER)
    assert outcome.length == measure(*frame)
    assert [result.sent for result in outcome.results] == [True, False, False]
    assert [result.received for result in outcome.results] == [None, None, frame]
    assert counters(outcome) == [(0, 0), (0, 1), (0, 0)]
    assert [result.late_bits for result in outcome.results] == [0, 6, 0]


def test_two_nodes_with_one_identifier_and_other_data_both_have_a_bit_error():
    """At the first bit that differs the recessive one sees it dominant and flags; the other sees its next recessive bit
    dominant. The data begin 0101 0101 and 0100 0100: the fourth bit differs, the sixth of the second is recessive."""
    mine, other = FRAME, (0x555, b"\x44" * 4, 0)
    differs = HEADER + 3
    outcome = play(Seat(mine), Seat(other), LISTENER)
    assert faults(outcome) == [(Kind.BIT_RECESSIVE, Field.DATA)] * 2 + [(Kind.STUFF, Field.DATA)]
    assert counters(outcome) == [(8, 0), (8, 0), (0, 1)]
    assert not any(result.sent or result.received for result in outcome.results)
    dominant_before = 2  # the bit that differs is dominant on the wire, and so is the one before it
    assert outcome.length == (differs + 1 + (12 - dominant_before) + 8 + 3, 0)


def test_two_nodes_with_the_very_same_frame_do_not_notice():
    outcome = play(Seat(FRAME), Seat(FRAME), LISTENER)
    assert [result.sent for result in outcome.results] == [True, True, False]
    assert outcome.results[2].received == FRAME
    assert outcome.length == measure(*FRAME)


def test_of_two_with_one_identifier_an_error_passive_one_gives_way():
    """Its passive flag destroys nothing: the other's frame gets through."""
    mine, other = FRAME, (0x555, b"\x44" * 4, 0)
    outcome = play(Seat(mine, passive=True), Seat(other), LISTENER)
    assert [result.sent for result in outcome.results] == [False, True, False]
    assert outcome.results[2].received == other
    assert counters(outcome) == [(8, 0), (0, 0), (0, 0)]
    assert outcome.length == measure(*other)


def test_whoever_loses_the_arbitration_receives_the_winner():
    lower, higher = (0x100, b"\x01", 0), (0x101, b"\x02", 0)
    outcome = play(Seat(higher), Seat(lower), LISTENER)
    assert [result.received for result in outcome.results] == [lower, None, lower]
    assert [result.sent for result in outcome.results] == [False, True, False]
    assert faults(outcome) == [None] * 3


def test_fd_loses_no_arbitration_against_classic_but_has_a_bit_error():
    """FDF stands behind the arbitration field."""
    outcome = play(Seat((0x123, b"", FD)), Seat((0x123, b"", 0)), LISTENER)
    assert faults(outcome)[0] == (Kind.BIT_RECESSIVE, Field.RES0)
    assert counters(outcome)[0] == (8, 0)


def test_a_recessive_stuff_bit_seen_dominant_in_the_arbitration_field_costs_nothing():
    """Rule 3, second exception: 0 00001 would be stuffed after the fifth 0 with a recessive bit."""
    frame = (0x055, b"", 0)
    stream = frame_stream(*frame)
    assert stream.levels[:6] == (0, 0, 0, 0, 0, 1)
    assert 5 in stream.stuffed
    outcome = play(Seat(frame, flips=(5,)), LISTENER)
    assert faults(outcome)[0] == (Kind.STUFF, Field.ID28_21)
    assert counters(outcome)[0] == (0, 0)


def test_a_transmitter_that_sees_another_win_where_there_is_none_goes_on_as_a_receiver():
    """Nobody sends any more: six recessive bits are a stuff error of all, and no transmitter's error."""
    outcome = play(Seat(FRAME, flips=(1,)), LISTENER)
    assert FRAME[0] >> 10 == 1
    assert not any(result.sent for result in outcome.results)
    assert [result.tec for result in outcome.results] == [0, 0]
    assert not outcome.results[0].fault.sending


def test_an_error_in_the_fast_phase_is_signalled_at_the_nominal_rate():
    """Bits to the error and with it are fast; error flag, delimiter and intermission are nominal."""
    frame = (0x2AA, bytes(range(64)), FD | BRS)
    stream = frame_stream(*frame)
    flip = stream.fast[200]
    nominal, fast = play(Seat(frame, flips=(flip,)), LISTENER).length
    assert fast == 201
    assert nominal - stream.fast[0] in range(7 + 8 + 3, 12 + 8 + 3 + 1)


def test_a_wrong_fixed_stuff_bit_is_a_form_error():
    frame = (0x2AA, b"\x55", FD | BRS)
    first_fixed = frame_stream(*frame).fast[13]
    outcome = play(Seat(frame), Seat(flips=(first_fixed,)), LISTENER)
    assert faults(outcome)[1] == (Kind.FORM, Field.CRC_SEQ)


@pytest.mark.parametrize("bit", range(1, 5))
def test_a_wrong_stuff_count_is_a_crc_error(bit):
    """Where the bits before and behind it allow the wrong one at all."""
    frame = (0x2AA, b"\x55", FD | BRS)
    outcome = play(Seat(frame), Seat(flips=(frame_stream(*frame).fast[13] + bit,)), LISTENER)
    expected = (Kind.FORM, Field.CRC_SEQ) if bit == 4 else (Kind.CRC, Field.ACK_DEL)
    assert faults(outcome)[1] == expected


def test_a_classic_node_reads_the_bit_before_the_length_as_reserved():
    """Without CAN FD on the bus a recessive one says nothing: the frame is read to its end, where the CRC is wrong.
    With it the next bit is a reserved one, then BRS, ESI and other lengths follow."""
    place = 1 + 11 + 2
    assert frame_stream(*FRAME).levels[place - 3 : place + 3] == (1, 0, 0, 0, 0, 1)
    outcome = play(Seat(FRAME), Seat(flips=(place,)), LISTENER, fd=False)
    assert faults(outcome)[1] == (Kind.CRC, Field.ACK_DEL)
    assert faults(play(Seat(FRAME), Seat(flips=(place,)), LISTENER))[1] != (Kind.CRC, Field.ACK_DEL)


def test_wrong_bits_behind_the_first_error_are_not_seen():
    """They were to hit the frame; they would hit the delimiter of its error frame."""
    first = HEADER + 3
    for late in range(1, 30):
        flips = (first, first + 1 + late)
        assert play(Seat(FRAME, flips=flips), LISTENER) == play(Seat(FRAME, flips=flips[:1]), LISTENER)


def test_a_single_wrong_bit_is_always_noticed_and_the_bus_always_comes_to_rest():
    """Wherever, in whatever frame, whoever sees it; and who doesn't signal it has the frame as it was sent."""
    rng = random.Random(3)
    for _ in range(1500):
        frame = some_frame(rng)
        seats = [Seat(frame, passive=rng.random() < 0.2)]
        seats += [Seat(passive=rng.random() < 0.2) for _ in range(rng.randrange(1, 4))]
        victim = rng.randrange(len(seats))
        flip = rng.randrange(1, len(frame_stream(*frame).levels))
        seats[victim] = seats[victim]._replace(flips=(flip,))
        outcome = attempt(tuple(seats), fd=True)
        assert outcome.results[victim].fault is not None
        assert all(result.received in (None, frame) for result in outcome.results)
        assert all(0 <= result.tec + result.rec <= 18 for result in outcome.results)
        assert sum(outcome.length) <= sum(measure(*frame)) + 40
        assert (outcome.length == measure(*frame)) or not outcome.results[0].sent


def test_an_active_error_frame_has_seventeen_to_twenty_three_bits():
    """6 to 12 of flags, 8 of delimiter, 3 of intermission: whatever is left of the frame when it begins."""
    rng = random.Random(4)
    for _ in range(300):
        frame = some_frame(rng)
        stream = frame_stream(*frame)
        flip = rng.randrange(stream.arbitration, len(stream.levels))
        outcome = play(Seat(frame, flips=(flip,)), LISTENER, LISTENER)
        assert 17 <= sum(outcome.length) - (flip + 1) <= 23
