"""End-to-end protection against a CRC of its own, bit by bit, and the published vectors; receivers and chains."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.can.e2e import Chain, E2e, Status, check_all
from hil.can.traits import E2eConfig

IDS = bytes(range(1, 17))


# The oracle: CRCs bit by bit, profiles after AUTOSAR_PRS_E2EProtocol --------------------------------------------------


def crc(data, *, width, polynomial, start, end=0, reflected=False):
    """A CRC by long division, one bit after the other (parameters as in Koopman's and the RevEng catalogue)."""
    top, register = 1 << width - 1, start
    for byte in data:
        for bit in range(8) if reflected else range(7, -1, -1):
            feedback = bool(register & top) ^ (byte >> bit & 1)
            register = (register << 1 & (1 << width) - 1) ^ (polynomial if feedback else 0)
    if reflected:
        register = int(f"{register:0{width}b}"[::-1], 2)
    return register ^ end


def crc8(data):
    return crc(data, width=8, polynomial=0x1D, start=0xFF, end=0xFF)


def crc8h2f(data):
    return crc(data, width=8, polynomial=0x2F, start=0xFF, end=0xFF)


def crc16(data):
    return crc(data, width=16, polynomial=0x1021, start=0xFFFF)


@pytest.mark.parametrize(
    ("data", "sae_j1850", "h2f"),
    [
        (bytes(4), 0x59, 0x12),
        (bytes.fromhex("F20183"), 0x37, 0xC2),
        (bytes.fromhex("0FAA0055"), 0x79, 0xC6),
        (bytes.fromhex("FFFFFFFF"), 0x74, 0x6C),
        (b"123456789", 0x4B, 0xDF),
    ],
)
def test_the_oracle_has_the_published_checksums_of_8_bits(data, sae_j1850, h2f):
    """AUTOSAR_SWS_CRCLibrary, 7.2: the tables of examples."""
    assert (crc8(data), crc8h2f(data)) == (sae_j1850, h2f)


def test_the_oracle_has_the_published_checksums_of_16_and_32_bits():
    data = b"123456789"
    assert crc16(data) == 0x29B1
    wide = {"width": 32, "start": 0xFFFFFFFF, "end": 0xFFFFFFFF, "reflected": True}
    assert crc(data, polynomial=0x04C11DB7, **wide) == 0xCBF43926
    assert crc(data, polynomial=0xF4ACFB13, **wide) == 0x1697D06A


def without(data, first, count):
    return bytes(data[:first]) + bytes(data[first + count :])


def like_profile_1(config, payload, counter):
    """Profiles 1 and 11: CRC-8 with the start value 0, over the data id as the mode says, then all but the CRC."""
    data, at = bytearray(payload), config.offset
    low, high = config.data_id & 0xFF, config.data_id >> 8
    data[at + 1] = data[at + 1] & 0xF0 | counter
    if config.mode == "NIBBLE":
        data[at + 1] = (high & 0x0F) << 4 | counter
    ids = {"BOTH": [low, high], "ALT": [high if counter % 2 else low], "LOW": [low], "NIBBLE": [low, 0]}[config.mode]
    data[at] = crc(bytes(ids) + without(data, at, 1), width=8, polynomial=0x1D, start=0)
    return bytes(data)


def like_profile_2(config, payload, counter):
    data = bytearray(payload)
    data[1] = data[1] & 0xF0 | counter
    data[0] = crc8h2f(bytes(data[1:]) + config.id_list[counter : counter + 1])
    return bytes(data)


def like_profile_5(config, payload, counter):
    data, at = bytearray(payload), config.offset
    data[at + 2] = counter
    data[at : at + 2] = crc16(without(data, at, 2) + config.data_id.to_bytes(2, "little")).to_bytes(2, "little")
    return bytes(data)


ORACLES = {"P01": like_profile_1, "P02": like_profile_2, "P05": like_profile_5, "P11": like_profile_1}
KINDS = [("P01", mode) for mode in ("BOTH", "ALT", "LOW", "NIBBLE")]
KINDS += [("P11", "BOTH"), ("P11", "NIBBLE"), ("P02", "BOTH"), ("P05", "BOTH")]
each_kind = pytest.mark.parametrize(("profile", "mode"), KINDS)


def config_of(profile, mode="BOTH", *, length=8, offset=0, data_id=0x123, max_delta=1):
    if profile == "P02":
        return E2eConfig("P02", length, id_list=IDS, max_delta=max_delta)
    if mode == "NIBBLE":
        data_id &= 0x0FFF
    return E2eConfig(profile, length, data_id, mode, offset=offset, max_delta=max_delta)


@st.composite
def protected(draw):
    """A configuration and a payload."""
    profile, mode = draw(st.sampled_from(KINDS))
    length = draw(st.sampled_from([3, 4, 7, 8, 12, 16, 32, 64]))
    header = 3 if profile == "P05" else 2
    offset = 0 if profile == "P02" else draw(st.integers(0, length - header))
    config = config_of(profile, mode, length=length, offset=offset, data_id=draw(st.integers(0, 0xFFFF)))
    return config, draw(st.binary(min_size=length, max_size=length))


# Sending --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "counts"),
    [
        (config_of("P01"), {0: "CC00"}),
        (config_of("P11"), {0: "CC00"}),
        (config_of("P01", "NIBBLE"), {0: "2A10"}),
        (config_of("P11", "NIBBLE"), {0: "2A10"}),
        (config_of("P05", data_id=0x1234), {0: "1CCA00", 1: "CF8D01"}),
        (config_of("P02"), {1: "1B01"}),
    ],
)
def test_known_frames_of_8_zero_bytes(config, counts):
    for count, text in counts.items():
        expected = bytes.fromhex(text).ljust(8, b"\0")
        assert E2e(config).protect(bytes(8), count) == expected
        assert ORACLES[config.profile](config, bytes(8), count) == expected


@settings(max_examples=400, deadline=None)
@given(protected(), st.integers(0, 10_000))
def test_every_profile_mode_length_and_offset_is_as_the_oracle_says(case, count):
    config, payload = case
    e2e = E2e(config)
    data = e2e.protect(payload, count)
    assert data == ORACLES[config.profile](config, payload, count % e2e.period)
    assert e2e.crc_ok(data)
    assert e2e.counter(data) == count % e2e.period


@each_kind
def test_the_counter_runs_through_all_its_values(profile, mode):
    """0 to 14 for profiles 1 and 11 (15 is never sent), 0 to 15 for 2, 0 to 255 for 5."""
    e2e = E2e(config_of(profile, mode))
    assert e2e.period == {"P01": 15, "P11": 15, "P02": 16, "P05": 256}[profile]
    frames = [e2e.protect(bytes(8), count) for count in range(2 * e2e.period)]
    assert [e2e.counter(data) for data in frames] == [*range(e2e.period)] * 2
    assert frames[: e2e.period] == frames[e2e.period :]


@settings(max_examples=200, deadline=None)
@given(protected(), st.integers(0, 300))
def test_only_the_bits_of_the_header_are_written(case, count):
    config, payload = case
    e2e = E2e(config)
    ours = {bit for first, bits in e2e.header for bit in range(first, first + bits)}
    for byte, (before, after) in enumerate(zip(payload, e2e.protect(payload, count), strict=True)):
        changed = {8 * byte + bit for bit in range(8) if (before ^ after) >> bit & 1}
        assert changed <= ours


@pytest.mark.parametrize(
    ("profile", "mode", "offset", "header"),
    [
        ("P01", "BOTH", 0, ((0, 8), (8, 4))),
        ("P01", "NIBBLE", 2, ((16, 8), (24, 4), (28, 4))),
        ("P11", "NIBBLE", 0, ((0, 8), (8, 4), (12, 4))),
        ("P02", "BOTH", 0, ((0, 8), (8, 4))),
        ("P05", "BOTH", 4, ((32, 24),)),
    ],
)
def test_the_header_lies_where_the_offset_says(profile, mode, offset, header):
    assert E2e(config_of(profile, mode, offset=offset)).header == header


@settings(max_examples=200, deadline=None)
@given(protected(), st.integers(0, 300))
def test_a_corrupt_payload_differs_in_its_checksum_alone(case, count):
    config, payload = case
    e2e = E2e(config)
    data = e2e.protect(payload, count)
    wrong = e2e.corrupt(data)
    assert not e2e.crc_ok(wrong)
    assert without(wrong, config.offset, 1) == without(data, config.offset, 1)


# What a checksum must see ---------------------------------------------------------------------------------------------


@each_kind
def test_every_flipped_bit_is_seen(profile, mode):
    e2e = E2e(config_of(profile, mode))
    data = e2e.protect(bytes(range(0x30, 0x38)), 5)
    for bit in range(64):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not e2e.crc_ok(bytes(flipped)), bit


@pytest.mark.parametrize("other", [0x124, 0x223, 0x023])
@each_kind
def test_another_data_id_is_seen(profile, mode, other):
    """A message in the place of another; with only the low byte in the checksum the high byte can't be seen."""
    mine, theirs = E2e(config_of(profile, mode)), config_of(profile, mode, data_id=other)
    if profile == "P02":
        theirs = E2eConfig("P02", 8, id_list=bytes(reversed(IDS)))
    seen = [not mine.crc_ok(E2e(theirs).protect(bytes(8), count)) for count in range(mine.period)]
    if mode == "LOW" and other & 0xFF == 0x23:
        assert not any(seen)
    elif mode == "ALT":
        in_checksum = 0 if other & 0xFF != 0x23 else 1
        assert all(hit for count, hit in enumerate(seen) if count % 2 == in_checksum)
    else:
        assert all(seen)


@each_kind
def test_a_payload_that_is_too_short_is_a_wrong_one_not_a_crash(profile, mode):
    e2e = E2e(config_of(profile, mode))
    data = e2e.protect(bytes(8), 3)
    for length in range(8):
        assert not e2e.crc_ok(data[:length])
        assert e2e.receiver().check(data[:length]) is Status.WRONG_CRC


@each_kind
def test_padding_behind_the_message_is_not_protected(profile, mode):
    """CAN FD rounds up: 9 bytes come as 12."""
    e2e = E2e(config_of(profile, mode))
    data = e2e.protect(bytes(8), 3) + b"\xaa\xaa\xaa\xaa"
    assert e2e.crc_ok(data)
    assert e2e.receiver().check(data) is Status.INITIAL


# Receiving ------------------------------------------------------------------------------------------------------------


def receive(e2e, counts, content=bytes(8)):
    receiver = e2e.receiver()
    return [receiver.check(e2e.protect(content, count)) for count in counts]


OK, INITIAL, LOST = Status.OK, Status.INITIAL, Status.SOME_LOST
AGAIN, SEQUENCE, CRC = Status.REPEATED, Status.WRONG_SEQUENCE, Status.WRONG_CRC


@each_kind
def test_a_receiver_follows_a_sender_for_ever(profile, mode):
    e2e = E2e(config_of(profile, mode))
    statuses = receive(e2e, range(3, 3 + 2 * e2e.period))
    assert statuses[0] is INITIAL
    assert set(statuses[1:]) == {OK}


@pytest.mark.parametrize(
    ("max_delta", "counts", "statuses"),
    [
        (1, [4, 4, 5], [INITIAL, AGAIN, OK]),
        (1, [4, 6, 7], [INITIAL, SEQUENCE, OK]),
        (3, [4, 7, 8], [INITIAL, LOST, OK]),
        (3, [4, 8, 9], [INITIAL, SEQUENCE, OK]),
        (3, [4, 3, 4], [INITIAL, SEQUENCE, OK]),
        (2, [14, 16, 17], [INITIAL, LOST, OK]),
        (1, [4, 4, 4, 6], [INITIAL, AGAIN, AGAIN, SEQUENCE]),
    ],
)
@each_kind
def test_how_far_a_counter_may_advance(profile, mode, max_delta, counts, statuses):
    """The counter that came last counts, even if it was out of sequence (as AUTOSAR has it for profiles 5 and 11)."""
    assert receive(E2e(config_of(profile, mode, max_delta=max_delta)), counts) == statuses


@each_kind
def test_the_wrap_of_the_counter_is_a_step_of_one(profile, mode):
    e2e = E2e(config_of(profile, mode))
    last = e2e.period - 1
    assert receive(e2e, [last, last + 1, last + 3]) == [INITIAL, OK, SEQUENCE]


@each_kind
def test_a_wrong_checksum_leaves_the_sequence_as_it_was(profile, mode):
    e2e = E2e(config_of(profile, mode, max_delta=2))
    receiver = e2e.receiver()
    frames = [e2e.protect(bytes(8), count) for count in range(4)]
    got = [receiver.check(data) for data in (frames[0], e2e.corrupt(frames[1]), frames[2], frames[3])]
    assert got == [INITIAL, CRC, LOST, OK]


@each_kind
def test_after_a_reset_any_counter_may_come(profile, mode):
    e2e = E2e(config_of(profile, mode))
    receiver = e2e.receiver()
    receiver.check(e2e.protect(bytes(8), 4))
    receiver.reset()
    assert receiver.check(e2e.protect(bytes(8), 9)) is INITIAL


@each_kind
def test_a_changed_content_makes_no_difference_to_the_sequence(profile, mode):
    e2e, receiver = E2e(config_of(profile, mode)), E2e(config_of(profile, mode)).receiver()
    got = [receiver.check(e2e.protect(bytes([0] * 7 + [number]), number)) for number in range(5)]
    assert got == [INITIAL, OK, OK, OK, OK]


@pytest.mark.parametrize("profile", ["P01", "P11"])
def test_a_counter_that_no_sender_may_use_is_refused(profile):
    """15, with a checksum that is right: the data must not be used."""
    data = like_profile_1(config_of(profile), bytes(8), 15)
    assert not E2e(config_of(profile)).receiver().check(data).is_good


def test_which_statuses_let_the_data_be_used():
    assert [status for status in Status if status.is_good] == [OK, INITIAL, LOST]


# Chains ---------------------------------------------------------------------------------------------------------------


class Stamp:
    """A link as a lab would write one: the last byte is the sum of all others."""

    period = 4
    header = ((56, 8),)

    def protect(self, payload, count):
        return payload[:-1] + bytes([sum(payload[:-1]) + count % 4 & 0xFF])

    def corrupt(self, payload):
        return payload[:-1] + bytes([payload[-1] ^ 0x80])

    def receiver(self):
        return StampReceiver()


class StampReceiver:
    def __init__(self):
        self.resets = 0

    def check(self, payload):
        good = payload[-1] - sum(payload[:-1]) & 0xFF < 4
        return Status.OK if good else Status.WRONG_CRC

    def reset(self):
        self.resets += 1


def test_links_protect_from_the_inside_out_and_are_checked_from_the_outside_in():
    inner = E2e(E2eConfig("P01", 7, 0x123))
    both = Chain([inner, Stamp()])
    data = both.protect(bytes(8), 2)
    assert data[:7] == inner.protect(bytes(7), 2)
    assert data[7] == sum(data[:7]) + 2 & 0xFF
    receivers = both.receivers()
    assert [type(receiver) for receiver in receivers] == [StampReceiver, type(inner.receiver())]
    assert check_all(receivers, data) is INITIAL
    assert check_all(receivers, both.protect(bytes(8), 3)) is OK


def test_the_first_link_that_refuses_is_what_counts():
    both = Chain([E2e(E2eConfig("P01", 7, 0x123)), Stamp()])
    receivers = both.receivers()
    assert check_all(receivers, both.protect(bytes(8), 0)) is INITIAL
    assert check_all(receivers, both.corrupt(both.protect(bytes(8), 5))) is CRC
    assert check_all(receivers, both.protect(bytes(8), 1)) is OK, "the inner receiver never saw the corrupt frame"
    assert check_all(receivers, both.protect(bytes(8), 1)) is AGAIN


def test_a_chain_repeats_only_if_all_its_links_do_so_together():
    p01, p05 = E2e(config_of("P01")), E2e(config_of("P05"))
    assert [Chain(links).period for links in ([p01], [p01, p01], [p01, p05], [Stamp()])] == [15, 15, 0, 4]


def test_a_chain_s_header_is_that_of_all_its_links():
    assert Chain([E2e(config_of("P01")), Stamp()]).header == ((0, 8), (8, 4), (56, 8))


def test_a_chain_without_links_lets_everything_pass():
    assert check_all(Chain([]).receivers(), b"") is OK
    assert Chain([]).protect(b"\x01", 7) == b"\x01"


@each_kind
def test_a_precomputed_period_may_be_sent_again_and_again(profile, mode):
    """What the broadcast manager of the kernel does: a receiver must not notice."""
    chain = Chain([E2e(config_of(profile, mode))])
    frames = [chain.protect(bytes(8), count) for count in range(chain.period)]
    receivers = chain.receivers()
    statuses = [check_all(receivers, data) for data in itertools.chain(frames, frames, frames)]
    assert statuses[0] is INITIAL
    assert set(statuses[1:]) == {OK}
