"""Fault confinement: what the counters do, which state follows, and how error frames tell of it."""

import pytest

from hil.can.attempt import Fault, Field, Kind
from hil.can.confinement import CLEAN, Confinement, ErrorState
from hil.can.error_frames import explain, pack


@pytest.mark.parametrize(
    ("tec", "rec", "state"),
    [
        (0, 0, ErrorState.ACTIVE), (95, 95, ErrorState.ACTIVE),
        (96, 0, ErrorState.WARNING), (0, 96, ErrorState.WARNING), (127, 127, ErrorState.WARNING),
        (128, 0, ErrorState.PASSIVE), (0, 128, ErrorState.PASSIVE), (255, 255, ErrorState.PASSIVE),
        (256, 0, ErrorState.BUS_OFF), (263, 255, ErrorState.BUS_OFF),
    ],
)  # fmt: skip
def test_the_state_follows_from_the_counters(tec, rec, state):
    """Bosch, CAN Specification 2.0, part B, chapter 8: rules 9 to 11, and the note on 96."""
    assert Confinement(tec, rec).state is state
    assert Confinement(tec, rec).is_passive == (state in (ErrorState.PASSIVE, ErrorState.BUS_OFF))


def test_sixteen_errors_make_a_transmitter_passive_and_thirty_two_drive_it_off():
    counters, states = CLEAN, []
    while counters.state is not ErrorState.BUS_OFF:
        counters = counters.after_error(8, 0)
        states.append(counters.state)
    assert states.index(ErrorState.WARNING) + 1 == 12
    assert states.index(ErrorState.PASSIVE) + 1 == 16
    assert len(states) == 32


def test_no_number_of_receive_errors_drives_a_node_off():
    counters = CLEAN
    for _ in range(1000):
        counters = counters.after_error(0, 9)
    assert counters == Confinement(0, 255)
    assert counters.state is ErrorState.PASSIVE


def test_success_takes_one_off_and_never_below_zero():
    """Rules 7 and 8."""
    assert Confinement(3, 5).after_sent() == Confinement(2, 5)
    assert Confinement(3, 5).after_received() == Confinement(3, 4)
    assert CLEAN.after_sent() == CLEAN.after_received() == CLEAN


@pytest.mark.parametrize(("rec", "then"), [(127, 126), (128, 127), (200, 127), (255, 127)])
def test_a_frame_received_well_ends_the_passive_state_at_once(rec, then):
    """Rule 8: from above 127 to a value between 119 and 127."""
    assert Confinement(0, rec).after_received() == Confinement(0, then)


def test_a_passive_transmitter_is_active_again_after_enough_frames():
    counters = Confinement(130, 0)
    for _ in range(3):
        assert counters.state is ErrorState.PASSIVE
        counters = counters.after_sent()
    assert counters.state is ErrorState.WARNING


@pytest.mark.parametrize(
    ("fault", "before", "after", "can_id", "data"),
    [
        (Fault(Kind.BIT_RECESSIVE, Field.DATA, True), (0, 0), (8, 0), 0x288, "0000900a00000800"),
        (Fault(Kind.BIT_DOMINANT, Field.ID28_21, True), (0, 0), (8, 0), 0x288, "0000880200000800"),
        (Fault(Kind.STUFF, Field.DLC, False), (0, 0), (0, 1), 0x288, "0000040b00000001"),
        (Fault(Kind.FORM, Field.EOF, False), (0, 5), (0, 14), 0x288, "0000021a0000000e"),
        (Fault(Kind.CRC, Field.CRC_SEQ, False), (0, 0), (0, 9), 0x288, "0000000800000009"),
        (Fault(Kind.ACK, Field.ACK, True), (120, 0), (128, 0), 0x2A4, "0020801900008000"),
        (Fault(Kind.STUFF, Field.DLC, False), (0, 90), (0, 99), 0x28C, "0004040b00000063"),
        (Fault(Kind.BIT_RECESSIVE, Field.DATA, True), (248, 0), (256, 0), 0x2C8, "0000900a0000ff00"),
    ],
)
def test_an_error_frame_says_what_socketcan_would(fault, before, after, can_id, data):
    """Linux, include/uapi/linux/can/error.h: classes PROT 8, ACK 20, CRTL 4, BUSOFF 40, BUSERROR 80, CNT 200; data[1]
    TX_PASSIVE 20, RX_WARNING 04; data[2] FORM 2, STUFF 4, BIT0 8, BIT1 10, TX 80; data[3] the place; data[6], data[7]
    the counters."""
    assert pack(fault, Confinement(*before), Confinement(*after)) == (can_id, bytes.fromhex(data))


@pytest.mark.parametrize(
    ("can_id", "data", "text"),
    [
        (0x288, "0000900a00000800", "it couldn't send a recessive bit, in DATA, while sending, TEC 8, REC 0"),
        (0x2A4, "0020801900008000", "nobody acknowledged, in ACK, while sending, TEC 128, REC 0"),
        (0x288, "0000000800000009", "the CRC is wrong, in CRC_SEQ, TEC 0, REC 9"),
        (
            0x2C8,
            "0000900a0000ff00",
            "it couldn't send a recessive bit, in DATA, while sending, bus off, TEC 255, REC 0",
        ),
        (0x008, "0000067700000000", "a fixed bit is wrong and six equal bits, in field 0x77"),
        (0x100, "0000000000000000", "error, classes 0x100"),
        (0x008, "", "error, classes 0x8"),
    ],
)
def test_an_error_frame_is_told_to_people(can_id, data, text):
    assert explain(can_id, bytes.fromhex(data)) == text
