"""Frame lengths and frame bits, against an oracle that builds text bit by bit, and against figures of the literature.

The oracle shares no code with what it judges: text instead of numbers, a CRC by long division instead of a register,
stuffing by looking back over the text. It follows the words of ISO 11898-1:2015, 10.4 and 10.5.
"""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hil.can.bits import arbitration_key, duration_ns, frame_bits, frame_length, measure
from hil.can.bitstream import CRC15, CRC17, CRC21, frame_stream, stuff
from hil.can.frames import BRS, ESI, EXTENDED, FD, REMOTE

FD_CODES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 12: 9, 16: 10, 20: 11, 24: 12, 32: 13, 48: 14, 64: 15}
POLYNOMIALS = {
    15: "1100010110011001",  # x15 + x14 + x10 + x8 + x7 + x4 + x3 + 1
    17: "110110100001011011",  # 0x3685B: Vector, E-Learning CAN FD, with the top bit
    21: "1100000010100010011001",  # 0x302899: the same
}
GRAY_AND_PARITY = {0: "0000", 1: "0011", 2: "0110", 3: "0101", 4: "1100", 5: "1111", 6: "1010", 7: "1001"}


def remainder(bits, width, *, one_on_top):
    """The CRC by long division. A register that begins with a one on top is that one added over the first bits."""
    dividend = int(bits + "0" * width, 2)
    if one_on_top:
        dividend ^= 1 << (len(bits) + width - 1)
    divisor = int(POLYNOMIALS[width], 2)
    while dividend.bit_length() > width:
        dividend ^= divisor << (dividend.bit_length() - width - 1)
    return f"{dividend:0{width}b}"


def stuffed(bits):
    """A bit of the opposite level behind five equal ones, stuff bits counted among them; each with its phase."""
    out = ""
    for bit in bits:
        if out.endswith("00000"):
            out += "1"
        if out.endswith("11111"):
            out += "0"
        out += bit
    return out


def inverse(bit):
    return "1" if bit == "0" else "0"


def oracle_classic(can_id, data, flags):
    """From the start of frame through the CRC delimiter."""
    rtr = "1" if flags & REMOTE else "0"
    if flags & EXTENDED:
        identifier = f"{can_id:029b}"
        bits = "0" + identifier[:11] + "11" + identifier[11:] + rtr + "00"
    else:
        bits = "0" + f"{can_id:011b}" + rtr + "00"
    bits += f"{len(data):04b}" + ("" if flags & REMOTE else "".join(f"{byte:08b}" for byte in data))
    bits = stuffed(bits + remainder(bits, 15, one_on_top=False))
    if bits.endswith(("00000", "11111")):
        bits += inverse(bits[-1])
    return bits + "1", 0


def oracle_fd(can_id, data, flags):
    """The same for FD frames, and how many of the bits come after BRS."""
    if flags & EXTENDED:
        identifier = f"{can_id:029b}"
        arbitration = "0" + identifier[:11] + "11" + identifier[11:] + "0"
    else:
        arbitration = "0" + f"{can_id:011b}" + "0" + "0"
    to_brs = arbitration + "10" + ("1" if flags & BRS else "0")
    behind = ("1" if flags & ESI else "0") + f"{FD_CODES[len(data)]:04b}" + "".join(f"{byte:08b}" for byte in data)
    bits = stuffed(to_brs + behind)
    count = GRAY_AND_PARITY[(len(bits) - len(to_brs + behind)) % 8]
    field = count + remainder(bits + count, 17 if len(data) <= 16 else 21, one_on_top=True)
    for number, bit in enumerate(field):
        if number % 4 == 0:
            bits += inverse(bits[-1])
        bits += bit
    bits += "1"
    return bits, len(bits) - len(stuffed(to_brs))


def oracle(can_id, data, flags):
    """All levels to the CRC delimiter, and the two numbers of bits with acknowledgement, end of frame, intermission."""
    bits, behind_brs = (oracle_fd if flags & FD else oracle_classic)(can_id, data, flags)
    fast = behind_brs if flags & BRS else 0
    return bits, (len(bits) + 2 + 7 + 3 - fast, fast)


def some_frame(rng):
    flags = rng.choice([0, EXTENDED])
    if rng.random() < 0.6:
        flags |= FD | rng.choice([0, BRS]) | rng.choice([0, ESI])
        length = rng.choice(list(FD_CODES))
    else:
        flags |= rng.choice([0, 0, REMOTE])
        length = rng.randrange(9)
    width = 29 if flags & EXTENDED else 11
    can_id = rng.choice([rng.getrandbits(width), 0, (1 << width) - 1])
    kinds = [lambda: rng.getrandbits(8), lambda: 0, lambda: 0xFF, lambda: rng.choice([0x1F, 0x0F, 0xF8, 0x83, 0x7C])]
    kind = rng.choice(kinds)
    return can_id, bytes(kind() for _ in range(length)), flags


def test_thousands_of_frames_of_all_kinds_are_as_long_as_the_oracle_says():
    rng = random.Random(2015)
    for _ in range(6000):
        frame = some_frame(rng)
        assert measure(*frame) == oracle(*frame)[1], frame


def test_thousands_of_frames_of_all_kinds_have_the_bits_that_the_oracle_says():
    rng = random.Random(11898)
    for _ in range(3000):
        frame = some_frame(rng)
        levels, (_, fast) = oracle(*frame)
        stream = frame_stream(*frame)
        assert "".join(map(str, stream.levels)) == levels, frame
        assert len(stream.fast) == fast, frame


def test_the_stuff_bits_of_a_stream_are_those_that_leave_the_frame_when_taken_out():
    rng = random.Random(5)
    for _ in range(500):
        can_id, data, flags = some_frame(rng)
        stream = frame_stream(can_id, data, flags)
        kept = "".join(str(level) for place, level in enumerate(stream.levels) if place not in stream.stuffed)
        payload = "" if flags & REMOTE else "".join(f"{byte:08b}" for byte in data)
        identifier = f"{can_id:029b}" if flags & EXTENDED else f"{can_id:011b}"
        assert kept.startswith("0" + identifier[:11])
        assert payload in kept[19:]


def test_the_arbitration_field_ends_with_the_bit_that_tells_a_remote_frame():
    """Where all before it is dominant and recessive in turn nothing is stuffed: places are those of the text."""
    assert frame_stream(0x555, b"", 0).arbitration == 1 + 11 + 1
    assert frame_stream(0x15555555, b"", EXTENDED).arbitration == 1 + 11 + 2 + 18 + 1


frames = st.one_of(
    st.tuples(st.integers(0, 0x7FF), st.just(0)), st.tuples(st.integers(0, 0x1FFFFFFF), st.just(EXTENDED))
)
payloads = st.one_of(st.binary(max_size=8), st.lists(st.sampled_from([0, 0xFF, 0x1F, 0xC3]), max_size=8).map(bytes))


@settings(derandomize=True, max_examples=500)
@given(frames, payloads, st.booleans())
@example((0, 0), b"", False)
@example((0x7FF, 0), b"\xff" * 8, False)
@example((0x1FFFFFFF, EXTENDED), b"\xff" * 8, True)
def test_a_classic_frame_is_as_long_as_the_oracle_says(frame, data, remote):
    can_id, flags = frame
    flags |= REMOTE if remote else 0
    assert frame_length(can_id, data, flags) == oracle(can_id, data, flags)[1]


# Figures of the literature -------------------------------------------------------------------------------------------


@settings(derandomize=True, max_examples=300)
@given(frames, payloads)
def test_a_classic_frame_lies_within_the_bounds_of_the_literature(frame, data):
    """Davis, Burns, Bril, Lukkien: Controller Area Network (CAN) schedulability analysis: refuted, revisited and
    revised, Real-Time Systems 35, 2007: at most g + 8 s + 13 + floor((g + 8 s - 1) / 4) bits with g = 34 or 54, which
    is 55 + 10 s with 11-bit identifiers and 80 + 10 s with 29."""
    can_id, flags = frame
    s, g = len(data), 54 if flags & EXTENDED else 34
    bits = frame_bits(can_id, data, flags)
    most = g + 8 * s + 13 + (g + 8 * s - 1) // 4
    assert most == (80 if flags & EXTENDED else 55) + 10 * s
    assert g + 8 * s + 13 <= bits <= most


def test_the_bounds_of_eight_bytes_are_111_and_135_bits():
    """47 + 64 without stuff bits, 24 more at most; the formula above.

    A bad frame by hand, stuff bits in brackets: 00000[1]1111[0]0000[1]001000 are SOF, 0x078, RTR, IDE, r0 and the
    code 8. With 0x3C again and again behind it comes 00[1]1111[0]0000[1]1111[0]... up to the two last bits. So 3 stuff
    bits are in the header, 16 in the data, and some in the CRC.
    """
    rng = random.Random(8)
    assert min(frame_bits(rng.randrange(0x800), rng.randbytes(8), 0) for _ in range(4000)) == 47 + 64
    assert 47 + 64 + 3 + 16 <= frame_bits(0x078, b"\x3c" * 8, 0) <= 47 + 64 + 24


@pytest.mark.parametrize("n", range(9))
def test_the_lower_bound_is_reached(n):
    """But with less than four bytes: then the control field begins with five zeros and is stuffed in any case."""
    rng = random.Random(n)
    shortest = min(frame_bits(rng.randrange(0x800), rng.randbytes(n), 0) for _ in range(4000))
    assert shortest == 47 + 8 * n + (n < 4)


def test_an_extended_data_frame_has_64_and_8_n_bits_without_stuffing_and_intermission():
    """Microchip, dsPIC30F Family Reference Manual, DS70074C, figure B-3."""
    rng = random.Random(29)
    for n in range(9):
        lengths = [frame_bits(rng.getrandbits(29), rng.randbytes(n), EXTENDED) for _ in range(4000)]
        assert min(lengths) - 3 in (64 + 8 * n, 64 + 8 * n + 1), n  # one stuff bit that can't be avoided, as above


def kernel_bits(*, fd, extended, worst, length):
    """Linux, include/linux/can/length.h, `can_frame_bits` with intermission, written again from its comments.

    Headers of 19, 39, 22 and 41 bits, CRC fields of 16, 28 and 33, nine bits behind, three of intermission. Worst case:
    one stuff bit every four, behind the first. Of classic frames the kernel counts the CRC delimiter among the bits
    that may be stuffed.
    """
    header = (41 if extended else 22) if fd else (39 if extended else 19)
    crc = (28 if length <= 16 else 33) if fd else 16
    stuffable = header + 8 * length + (0 if fd else crc)
    return stuffable + (stuffable - 1) // 4 * worst + (crc if fd else 0) + 9 + 3


@pytest.mark.parametrize("extended", [0, EXTENDED])
@pytest.mark.parametrize(("fd", "length"), [(0, n) for n in range(9)] + [(FD, n) for n in FD_CODES])
def test_lengths_without_dynamic_stuffing_are_the_kernels(fd, extended, length):
    """What is taken off are the stuff bits that the oracle counts in the frame."""
    rng = random.Random(length)
    least = kernel_bits(fd=fd, extended=extended, worst=False, length=length)
    most = kernel_bits(fd=fd, extended=extended, worst=True, length=length)
    for _ in range(50):
        can_id = rng.getrandbits(29 if extended else 11)
        frame = can_id, rng.randbytes(length), fd | extended
        count = len(frame_stream(*frame).stuffed)
        assert frame_bits(*frame) - count == least <= frame_bits(*frame) <= most


@pytest.mark.parametrize(
    ("length", "bytes_", "fd", "extended"), [(8, 14, 0, 0), (8, 17, 0, 1), (64, 73, FD, 0), (64, 75, FD, 1)]
)
def test_the_kernels_lengths_in_bytes_come_out(length, bytes_, fd, extended):
    """CAN_FRAME_OVERHEAD_SFF 47 bits, _EFF 67, CANFD_FRAME_OVERHEAD_SFF 67, _EFF 86, each rounded up to bytes, and the
    data: 6, 9, 9 and 11 bytes (length.h of Linux 5.12)."""
    overhead = bytes_ - length
    bits = kernel_bits(fd=fd, extended=extended, worst=False, length=length) - 8 * length
    assert -(-bits // 8) == overhead


def test_seven_bytes_at_125_kbit_s_take_a_millisecond_at_most():
    """The example of the paper by Davis and others (from memory: three messages of seven bytes, 125 bits, 1 ms)."""
    assert duration_ns((55 + 10 * 7, 0), 125_000) == 1_000_000


def test_a_fast_frame_of_known_length():
    """Worked by hand: identifier 0x2AA with one byte 0x55, 500 kbit/s and 2 Mbit/s.

    0 01010101010 0 0 1 0 1 | 0 0001 01010101: 17 bits to BRS, 13 behind. Stuffed? 0 0001 follows BRS: 0000 then 1: no.
    CRC field: 4 + 17 + 6 fixed stuff bits, and its delimiter. So 17 + 2 + 7 + 3 bits at 2 us, 13 + 28 at 0.5 us.
    """
    assert measure(0x2AA, b"\x55", FD | BRS) == (29, 41)
    assert duration_ns((29, 41), 500_000, 2_000_000) == 29 * 2_000 + 41 * 500


def test_five_equal_bits_at_the_end_of_the_data_of_an_fd_frame_are_not_stuffed():
    """The fixed stuff bit follows at once; in a classic frame there is a stuff bit."""
    alternating, five = b"\x55\x55\x55\x55", b"\x55\x55\x55\xa0"  # ...0101 1010 0000
    assert measure(0x2AA, five, FD | BRS) == measure(0x2AA, alternating, FD | BRS)
    assert 5 in [len(run) for run in "".join(f"{byte:08b}" for byte in five).split("1")]


def test_crcs_have_the_check_values_of_the_catalogue():
    """Catalogue of parametrised CRC algorithms: CRC-15/CAN 059E, CRC-17/CAN-FD 04F03, CRC-21/CAN-FD 0ED841; there the
    registers of CAN FD begin with 0, as in Bosch's first specification."""
    bits = [int(bit) for byte in b"123456789" for bit in f"{byte:08b}"]
    text = "".join(map(str, bits))
    assert CRC15.of(bits) == int(remainder(text, 15, one_on_top=False), 2) == 0x059E
    assert CRC17._replace(start=0).of(bits) == int(remainder(text, 17, one_on_top=False), 2) == 0x04F03
    assert CRC21._replace(start=0).of(bits) == int(remainder(text, 21, one_on_top=False), 2) == 0x0ED841


# Parts ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "wire"),
    [("0000", "0000"), ("00000", "00000"), ("000000", "0000010"), ("000001111", "00000111110"[:-1]),
     ("0000011110", "000001111100"), ("1" * 9, "1111101111"), ("1" * 11, "1111101111101"), ("01" * 20, "01" * 20)],
)  # fmt: skip
def test_a_stuff_bit_begins_a_new_run(bits, wire):
    levels, places = stuff([int(bit) for bit in bits])
    assert "".join(map(str, levels)) == wire
    assert "".join(str(levels[place]) for place in places) == bits


def test_a_remote_frame_carries_its_length_but_no_data():
    assert frame_bits(0x555, bytes(8), REMOTE) == sum(oracle(0x555, bytes(8), REMOTE)[1]) <= 55


@pytest.mark.parametrize(
    ("length", "rates", "ns"),
    [((111, 0), (500_000, None), 222_000), ((1, 0), (83_333, None), 12_000), ((3, 0), (333_333, None), 9_000),
     ((29, 41), (500_000, None), 140_000), ((1, 1), (1_000_000, 3_000_000), 1_333),
     ((2, 1), (300_000, 700_000), 8_095)],
)  # fmt: skip
def test_durations_are_whole_nanoseconds_rounded_down_once(length, rates, ns):
    assert duration_ns(length, *rates) == ns


def in_wire_order(frames):
    """Who wins, by the bits of the arbitration field: the first dominant 0 against a recessive 1."""

    def field(frame):
        can_id, flags = frame
        if flags & EXTENDED:
            identifier = f"{can_id:029b}"
            return identifier[:11] + "11" + identifier[11:] + ("1" if flags & REMOTE else "0")
        return f"{can_id:011b}" + ("1" if flags & REMOTE else "0") + "0"

    return sorted(frames, key=field)


def test_arbitration_orders_as_the_bits_do():
    base = [0x000, 0x001, 0x3FF, 0x400, 0x7FF]
    cases = [(can_id, flags) for can_id in base for flags in (0, REMOTE)]
    cases += [
        (can_id << 18 | low, EXTENDED | flags) for can_id in base for low in (0, 1, 0x3FFFF) for flags in (0, REMOTE)
    ]
    random.Random(1).shuffle(cases)
    assert sorted(cases, key=lambda frame: arbitration_key(*frame)) == in_wire_order(cases)
    assert len({arbitration_key(*frame) for frame in cases}) == len(cases)
