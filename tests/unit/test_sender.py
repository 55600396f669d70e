"""One message as it is sent: payloads, counters, checksums, faults, and which signals belong to its protection."""

import pytest
from can_lab import Collector, load, msg, sig
from e2e import p01, p05, p11

from hil.can import database
from hil.can.database import Network
from hil.can.e2e import Chain, E2e
from hil.can.frames import check_frame
from hil.can.sender import Sent, chain_of
from hil.can.traits import E2eConfig
from hil.clock import VirtualClock
from hil.errors import UsageError

SPEED = sig("Speed", "16|16@1+ (0.01,0)")
P01 = {"profile": "P01", "data_id": 0x123}
PROTECTED = [sig("Crc", "0|8@1+"), sig("Counter", "8|4@1+"), SPEED]


@pytest.fixture
def clock():
    clock = VirtualClock()
    yield clock
    clock.close()


@pytest.fixture
def make(clock):
    def make(*signals, length=8, chain=None, **attributes):
        network = Network({"cabin": load(msg("M", 256, length, *(signals or PROTECTED), **attributes))})
        ((bus, message),) = network.messages()
        traits = network.traits(bus, message)
        return Sent(bus, message, traits, Collector(clock), chain if chain is not None else chain_of(traits))

    return make


def frames(sent, count):
    return [sent.next_data() for _ in range(count)]


def counters(payloads):
    return [data[1] & 0x0F for data in payloads]


def is_right(data):
    """By the library itself: what the restbus shares with its receiver proves nothing."""
    return p01.e2e_p01_check(bytearray(data), length=8, data_id=0x123, data_id_mode=p01.E2E_P01_DATAID_BOTH)


# Counters -------------------------------------------------------------------------------------------------------------


def test_the_first_frame_is_the_published_one(make):
    """Eight zero bytes, data id 0x123, counter 0: CC 00 (AUTOSAR E2E profile 1, data id in both bytes)."""
    assert make(**P01).next_data() == bytes.fromhex("CC00000000000000")


def test_the_counter_goes_round_without_a_gap_and_every_checksum_is_right(make):
    sent = make(**P01)
    payloads = frames(sent, 40)
    assert counters(payloads) == [number % 15 for number in range(40)]
    assert all(is_right(data) for data in payloads)


def test_a_changed_value_neither_skips_nor_repeats_a_counter(make):
    sent = make(**P01)
    payloads = []
    for number in range(40):
        if number % 3 == 0:
            sent.use(sent.values | {"Speed": number})
        payloads.append(sent.next_data())
    assert counters(payloads) == [number % 15 for number in range(40)]
    assert [int.from_bytes(data[2:4], "little") for data in payloads] == [number // 3 * 3 for number in range(40)]
    assert all(is_right(data) for data in payloads)


def test_a_reset_takes_the_counter_no_step_back(make):
    sent = make(**P01)
    before = frames(sent, 4)
    sent.reset()
    assert counters(before + frames(sent, 3)) == [0, 1, 2, 3, 4, 5, 6]


def test_a_counter_of_eight_bits_goes_to_255(make):
    sent = make(sig("Head", "0|24@1+"), profile="P05", data_id=0x1234)
    payloads = frames(sent, 258)
    assert [data[2] for data in payloads] == [number % 256 for number in range(258)]
    assert payloads[:2] == [bytes.fromhex("1CCA000000000000"), bytes.fromhex("CF8D010000000000")]
    assert all(p05.e2e_p05_check(bytearray(data), length=8, data_id=0x1234) for data in payloads)


def test_payloads_are_made_once_for_each_counter(make, monkeypatch):
    sent, made = make(**P01), []
    protect = Chain.protect
    monkeypatch.setattr(Chain, "protect", lambda *args: made.append(1) or protect(*args))
    frames(sent, 300)
    assert len(made) == 15
    sent.use(sent.values | {"Speed": 1})
    frames(sent, 300)
    assert len(made) == 30


class Freshness:
    """A protection that never repeats, like SecOC's freshness value."""

    period, header = 0, ((8, 8),)

    def protect(self, payload, count):
        return payload[:1] + bytes([count % 256]) + payload[2:]

    def corrupt(self, payload):
        return payload[:-1] + bytes([payload[-1] ^ 0xFF])


def test_a_protection_that_never_repeats_goes_on_for_ever(make):
    sent = make(chain=Chain([Freshness()]))
    payloads = frames(sent, 20)
    sent.use(sent.values | {"Speed": 5})
    payloads += frames(sent, 280)
    assert [data[1] for data in payloads] == [number % 256 for number in range(300)]
    sent.freeze(True)
    assert [data[1] for data in frames(sent, 3)] == [43, 43, 43]
    sent.freeze(False)
    assert [data[1] for data in frames(sent, 2)] == [44, 45]
    assert (sent.next_index, sent.sequence_length) == (0, 0)


def test_links_of_different_periods_are_both_right(make):
    """Profile 1 (15 counters) inside a link of its own that counts to 256."""
    inner = E2e(E2eConfig("P01", 8, data_id=0x123))
    outer = Freshness()
    outer.protect = lambda payload, count: payload[:7] + bytes([count % 256])
    chain = Chain([inner, outer])
    assert chain.period == 0
    payloads = frames(make(chain=chain), 40)
    assert counters(payloads) == [number % 15 for number in range(40)]
    assert [data[7] for data in payloads] == list(range(40))


# What a sequence of the kernel would send -----------------------------------------------------------------------------


def test_a_sequence_begins_with_the_next_counter_and_has_each_once(make):
    sent = make(**P01)
    frames(sent, 4)
    sequence = sent.sequence(sent.next_index)
    assert counters(sequence) == [*range(4, 15), 0, 1, 2, 3]
    assert frames(sent, 15) == sequence


def test_the_sequence_of_a_frozen_counter_and_of_no_counter_is_one_payload(make):
    sent = make(**P01)
    last = frames(sent, 4)[-1]
    sent.freeze(True)
    assert sent.sequence(sent.next_index) == [last]
    assert make(SPEED).sequence(0) == [bytes(8)]


# Faults ---------------------------------------------------------------------------------------------------------------


def test_a_frozen_counter_is_the_last_one_and_goes_on_from_there(make):
    sent = make(**P01)
    payloads = frames(sent, 3)
    sent.freeze(True)
    payloads += frames(sent, 4)
    sent.use(sent.values | {"Speed": 9})
    payloads += frames(sent, 2)
    sent.freeze(False)
    payloads += frames(sent, 3)
    assert counters(payloads) == [0, 1, 2, 2, 2, 2, 2, 2, 2, 3, 4, 5]
    assert all(is_right(data) for data in payloads)
    assert payloads[8][2] == 9


def test_a_counter_that_was_frozen_and_let_go_between_two_frames_has_lost_nothing(make):
    sent = make(**P01)
    payloads = frames(sent, 3)
    sent.freeze(True)
    sent.freeze(False)
    assert counters(payloads + frames(sent, 2)) == [0, 1, 2, 3, 4]


def test_a_counter_that_is_frozen_from_the_first_frame_on_is_zero(make):
    sent = make(**P01)
    sent.freeze(True)
    assert counters(sent.sequence(sent.next_index)) == [0]
    payloads = frames(sent, 3)
    sent.freeze(False)
    assert counters(payloads + frames(sent, 2)) == [0, 0, 0, 1, 2]


def test_a_wrong_checksum_leaves_counter_and_values_and_ends_when_told(make):
    sent = make(**P01)
    sent.use(sent.values | {"Speed": 0x1234})
    right = frames(make_like(sent), 5)
    sent.corrupt_crc(True)
    wrong = frames(sent, 3)
    sent.corrupt_crc(False)
    again = frames(sent, 2)
    assert [is_right(data) for data in wrong + again] == [False] * 3 + [True] * 2
    assert [data[1:] for data in wrong + again] == [data[1:] for data in right]
    assert again == right[3:]


def make_like(sent):
    other = Sent(sent.bus, sent.message, sent.traits, sent.port, chain_of(sent.traits))
    other.use(sent.values)
    return other


def test_faults_are_in_payloads_that_were_made_before_and_gone_from_them_after(make):
    """All fifteen have been sent, and are kept."""
    sent = make(**P01)
    right = frames(sent, 15)
    sent.corrupt_crc(True)
    assert [is_right(data) for data in frames(sent, 15)] == [False] * 15
    sent.corrupt_crc(False)
    assert frames(sent, 15) == right
    sent.set_length(3)
    assert frames(sent, 15) == [data[:3] for data in right]
    sent.set_length(None)
    assert frames(sent, 15) == right


def test_both_faults_together_and_a_reset_ends_all(make):
    sent = make(**P01)
    frames(sent, 2)
    sent.freeze(True)
    sent.corrupt_crc(True)
    sent.set_length(3)
    assert [(len(data), data[1]) for data in frames(sent, 2)] == [(3, 1), (3, 1)]
    sent.reset()
    after = frames(sent, 2)
    assert (counters(after), [is_right(data) for data in after]) == ([2, 3], [True, True])


@pytest.mark.parametrize("fault", [lambda s: s.freeze(True), lambda s: s.freeze(False), lambda s: s.corrupt_crc(True)])
def test_a_message_without_protection_has_nothing_to_break(make, fault):
    with pytest.raises(UsageError) as error:
        fault(make(SPEED))
    text = "cabin::M has neither counter nor CRC. Remedy: choose a message with E2E protection (E2EProfile"
    assert str(error.value).startswith(text)


@pytest.mark.parametrize("length", [*range(9)])
def test_a_classic_frame_is_cut_or_filled(make, length):
    sent = make(
        sig("A", "0|8@1+", start=0xA1), sig("B", "16|8@1+", start=0xB2), sig("C", "32|8@1+", start=0xC3), length=5
    )
    assert frames(sent, 1) == [bytes.fromhex("A100B200C3")]
    sent.set_length(length)
    assert frames(sent, 1) == [bytes.fromhex("A100B200C3000000")[:length]]
    sent.set_length(None)
    assert frames(sent, 1) == [bytes.fromhex("A100B200C3")]


@pytest.mark.parametrize("length", [0, 8, 12, 16, 20, 24, 32, 48, 64])
def test_an_fd_frame_takes_the_lengths_of_can_fd(make, length):
    sent = make(sig("A", "0|8@1+", start=0xA1), sig("Z", "184|8@1+", start=0x5A), length=24, fd=True)
    sent.set_length(length)
    (data,) = frames(sent, 1)
    assert data == (bytes([0xA1]) + bytes(22) + bytes([0x5A]) + bytes(40))[:length]
    check_frame(256, data, sent.flags)


@pytest.mark.parametrize(("fd", "length", "known"), [
    (False, 9, "0, 1, 2, 3, 4, 5, 6, 7, 8"), (False, -1, "8"), (False, 64, "8"),
    (True, 9, "6, 7, 8, 12, 16, 20, 24, 32, 48, 64"), (True, 65, "64"), (True, 63, "64"),
])  # fmt: skip
def test_a_length_that_no_frame_has_is_refused_and_changes_nothing(make, fd, length, known):
    sent = make(SPEED, fd=fd)
    with pytest.raises(UsageError) as error:
        sent.set_length(length)
    assert str(error.value).startswith(f"{length} bytes is no length of cabin::M. Remedy: one of 0, 1, 2")
    assert str(error.value).endswith(f"{known}.")
    assert len(frames(sent, 1)[0]) == 8


def test_the_checksum_of_a_cut_frame_is_that_of_the_whole_one(make):
    sent = make(**P01)
    whole = frames(make_like(sent), 1)[0]
    sent.set_length(4)
    assert frames(sent, 1) == [whole[:4]]


# Values ---------------------------------------------------------------------------------------------------------------


def test_values_that_can_not_be_encoded_change_nothing(make):
    sent = make(sig("Page", "0|8@1+", mux="M"), sig("One", "8|8@1+", mux="m1", start=4), sig("Two", "8|8@1+", mux="m2"))
    before = sent.values
    with pytest.raises(UsageError, match=r"^M: can't be encoded"):
        sent.use(sent.values | {"Page": 3})
    assert sent.values == before
    assert frames(sent, 1) == [bytes.fromhex("0104000000000000")]


def test_what_protection_writes_is_read_from_the_last_frame(make):
    sent = make(**P01)
    assert (sent.raw("Counter"), sent.raw("Crc")) == (0, 0)
    sent.use(sent.values | {"Speed": 77})
    data = frames(sent, 4)[-1]
    assert (sent.raw("Counter"), sent.raw("Crc"), sent.raw("Speed")) == (3, data[0], 77)
    sent.corrupt_crc(True)
    data = frames(sent, 1)[0]
    assert (sent.raw("Counter"), sent.raw("Crc")) == (4, data[0])


def test_start_values_may_be_handed_in_and_are_those_of_a_reset(clock, make):
    like = make(SPEED)
    sent = Sent("cabin", like.message, like.traits, Collector(clock), None, {"Speed": 0x0102})
    sent.use({"Speed": 5})
    sent.reset()
    assert frames(sent, 1) == [bytes.fromhex("0000020100000000")]


# Which signals protection writes --------------------------------------------------------------------------------------


def test_signals_of_the_header_belong_to_the_protection(make):
    assert make(**P01).protected_signals == {"Crc", "Counter"}
    assert make(SPEED).protected_signals == frozenset()


@pytest.mark.parametrize(
    ("place", "is_protected"),
    [
        ("31|8@0+", True), ("23|8@0+", True), ("16|8@1+", True), ("15|8@0+", False), ("8|8@1+", False),
        ("28|4@1+", False), ("31|4@0+", False), ("27|4@0+", True), ("32|8@1+", False), ("39|16@0+", False),
        ("15|9@0+", True), ("0|17@1+", True), ("0|64@1+", True),
    ],
)  # fmt: skip
def test_of_intel_and_motorola_signals_those_that_touch_the_header(make, place, is_protected):
    """Profile 11 at byte 2: its CRC is byte 2, its counter the low half of byte 3; the data id is not in the frame."""
    sent = make(sig("Value", place), profile="P11", data_id=0x123, offset=2)
    assert ("Value" in sent.protected_signals) is is_protected


@pytest.mark.parametrize(
    "place", ["0|8@1+", "3|13@1-", "7|8@0+", "14|11@0+", "39|32@0-", "62|2@0+", "60|4@1+", "0|64@1+"]
)
def test_the_bits_of_a_signal_are_those_that_an_encoder_sets(place):
    message = load(msg("M", 256, 8, sig("Value", place))).messages[0]
    signal = message.signals[0]
    ones = -1 if signal.is_signed else (1 << signal.length) - 1
    data = message.encode({"Value": ones}, scaling=False, strict=False)
    assert sorted(database.bits_of(signal)) == [bit for bit in range(64) if data[bit // 8] >> bit % 8 & 1]


def test_the_frame_of_profile_11_with_an_offset_is_right(make):
    sent = make(sig("Value", "48|8@1+", start=0x42), profile="P11", data_id=0x123, offset=2)
    for data in frames(sent, 20):
        check = {"length": 8, "data_id": 0x123, "data_id_mode": p11.E2E_P11_DATAID_BOTH, "offset": 2}
        assert p11.e2e_p11_check(bytearray(data), **check)
        assert data[6] == 0x42


# From physical to raw -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "physical", "raw"),
    [
        ("0|8@1+ (0.5,-40)", 0, 80), ("0|8@1+ (0.5,-40)", 0.24, 80), ("0|8@1+ (0.5,-40)", 0.26, 81),
        ("0|8@1+ (0.5,-40)", 500, 255), ("0|8@1+ (0.5,-40)", -500, 0), ("0|8@1- (2,0)", -300, -128),
        ("0|8@1- (2,0)", -5, -2), ("0|8@1- (2,0)", 1000, 127), ("0|8@1+ (-1,100)", 30, 70),
    ],
)  # fmt: skip
def test_a_physical_value_becomes_the_nearest_raw_one_that_fits(place, physical, raw):
    message = load(msg("M", 256, 8, sig("Value", place))).messages[0]
    assert database.raw_of(message, "Value", physical) == raw


def test_traits_are_read_once_and_by_the_names_of_their_bus(monkeypatch):
    from hil.can import database as module
    from hil.can.traits import AttributeNames

    matrix = load(msg("M", 256, 8, SPEED, cycle=100, delay=30))
    names = AttributeNames({"cycle_time": "GenMsgDelayTime"})
    network = Network({"one": matrix, "two": matrix}, {"two": names})
    cycles = {bus: network.traits(bus, message).cycle_ns // 1_000_000 for bus, message in network.messages()}
    assert cycles == {"one": 100, "two": 30}
    monkeypatch.setattr(module, "message_traits", None)
    assert [network.traits(bus, message).cycle_ns for bus, message in network.messages()] == [100_000_000, 30_000_000]
