"""The simulated wire: frame lengths against oracles of their own, arbitration, exact times, a full bus."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hil.can.frames import EXTENDED, FD, REMOTE, SENT
from hil.can.wire import SimWire, arbitration_key, crc15, frame_bits, stuff_bits
from hil.clock import VirtualClock
from hil.errors import BenchError, UsageError

BIT_NS = 2_000  # at 500 kbit/s


def crc_table():
    """CRC-15/CAN byte by byte, as the catalogue of parametrised CRC algorithms describes it."""
    table = []
    for index in range(256):
        value = index << 7
        for _ in range(8):
            value = ((value << 1) ^ 0x4599 if value & 0x4000 else value << 1) & 0x7FFF
        table.append(value)
    return table


CRC_TABLE = crc_table()


def oracle_crc(bits):
    value = 0
    for byte in int(bits, 2).to_bytes((len(bits) + 7) // 8, "big"):  # zeros in front change nothing: it starts at 0
        value = ((value << 8) ^ CRC_TABLE[(value >> 7) ^ byte]) & 0x7FFF
    return value


def oracle_wire(can_id, data, *, extended=False, remote=False):
    """The bits of a frame as text, after ISO 11898-1, stuff bits included."""
    rtr = "1" if remote else "0"
    if extended:
        identifier = f"{can_id:029b}"
        bits = "0" + identifier[:11] + "11" + identifier[11:] + rtr + "00"
    else:
        bits = "0" + f"{can_id:011b}" + rtr + "00"
    bits += f"{len(data):04b}" + ("" if remote else "".join(f"{byte:08b}" for byte in data))
    bits += f"{oracle_crc(bits):015b}"
    out = ""
    for bit in bits:
        out += bit
        if out.endswith("00000"):
            out += "1"
        elif out.endswith("11111"):
            out += "0"
    return out + "1" + "01" + "1111111" + "111"


frames = st.one_of(
    st.tuples(st.integers(0, 0x7FF), st.just(0)), st.tuples(st.integers(0, 0x1FFFFFFF), st.just(EXTENDED))
)
payloads = st.one_of(st.binary(max_size=8), st.lists(st.sampled_from([0, 0xFF, 0x1F, 0xC3]), max_size=8).map(bytes))


@settings(derandomize=True, max_examples=500)
@given(frames, payloads, st.booleans())
@example((0, 0), b"", False)
@example((0x7FF, 0), b"\xff" * 8, False)
@example((0x1FFFFFFF, EXTENDED), b"\xff" * 8, True)
def test_a_frame_is_as_long_as_the_oracle_says(frame, data, remote):
    can_id, flags = frame
    wire = oracle_wire(can_id, data, extended=bool(flags), remote=remote)
    assert frame_bits(can_id, data, flags | (REMOTE if remote else 0)) == len(wire)


@settings(derandomize=True, max_examples=300)
@given(frames, payloads)
def test_a_frame_lies_within_the_bounds_of_the_literature(frame, data):
    """Davis, Burns, Bril, Lukkien, Controller Area Network (CAN) schedulability analysis, 2007: 55 + 10 n bits at most
    with 11-bit identifiers, 80 + 10 n with 29."""
    can_id, flags = frame
    n = len(data)
    bits = frame_bits(can_id, data, flags)
    if flags & EXTENDED:
        assert 67 + 8 * n <= bits <= 67 + 8 * n + (54 + 8 * n - 1) // 4 == 80 + 10 * n
    else:
        assert 47 + 8 * n <= bits <= 47 + 8 * n + (34 + 8 * n - 1) // 4 == 55 + 10 * n


@pytest.mark.parametrize("n", range(9))
def test_the_lower_bound_is_reached(n):
    """But with less than four bytes: then the control field begins with five zeros and is stuffed in any case."""
    rng = random.Random(n)
    shortest = min(frame_bits(rng.randrange(0x800), rng.randbytes(n), 0) for _ in range(4000))
    assert shortest == 47 + 8 * n + (n < 4)


def test_the_crc_has_the_check_value_of_the_catalogue():
    bits = [int(bit) for byte in b"123456789" for bit in f"{byte:08b}"]
    assert crc15(bits) == 0x059E
    assert oracle_crc("".join(map(str, bits))) == 0x059E


@pytest.mark.parametrize(
    ("bits", "stuffed"),
    [("0000", 0), ("00000", 1), ("000001111", 2), ("0000011110000", 3), ("1" * 9, 1), ("1" * 10, 2), ("01" * 20, 0)],
)
def test_a_stuff_bit_begins_a_new_run(bits, stuffed):
    assert stuff_bits([int(bit) for bit in bits]) == stuffed


def test_a_remote_frame_carries_its_length_but_no_data():
    assert frame_bits(0x555, bytes(8), REMOTE) == len(oracle_wire(0x555, bytes(8), remote=True)) <= 55


def in_wire_order(frames):
    """Who wins, by the bits of the arbitration field: the first dominant 0 against a recessive 1."""

    def field(frame):
        can_id, _, flags = frame
        if flags & EXTENDED:
            identifier = f"{can_id:029b}"
            return identifier[:11] + "11" + identifier[11:] + ("1" if flags & REMOTE else "0")
        return f"{can_id:011b}" + ("1" if flags & REMOTE else "0") + "0"

    return sorted(frames, key=field)


def test_arbitration_orders_as_the_bits_do():
    base = [0x000, 0x001, 0x3FF, 0x400, 0x7FF]
    cases = [(can_id, b"", flags) for can_id in base for flags in (0, REMOTE)]
    cases += [
        (can_id << 18 | low, b"", EXTENDED | flags)
        for can_id in base
        for low in (0, 1, 0x3FFFF)
        for flags in (0, REMOTE)
    ]
    random.Random(1).shuffle(cases)
    assert sorted(cases, key=lambda frame: arbitration_key(*frame)) == in_wire_order(cases)


class Lab:
    """A wire with nodes, and what a listener heard."""

    def __init__(self):
        self.clock = VirtualClock()
        self.wire = SimWire(self.clock, "cabin")
        self.heard = []
        self.listener = self.node("listener", self.heard.append)

    def node(self, name, on_frame=lambda frame: None):
        port = self.wire.port(name)
        self.clock.run(port.open(on_frame, lambda error: None))
        return port

    def run(self, *actions, until_ns=1_000_000_000):
        """Do each `(t_ns, action)` at its time, then wait."""

        async def main():
            for t_ns, action in actions:
                self.clock.call_at(t_ns, lambda action: action(), action)
            await self.clock.sleep_until(until_ns)

        self.clock.run(main())
        return [frame.can_id for frame in self.heard]


@pytest.fixture
def lab():
    lab = Lab()
    yield lab
    lab.clock.close()


def test_a_frame_ends_after_exactly_its_bits(lab):
    a = lab.node("a")
    lab.run((1_000_000, lambda: a.send(0x123, b"\x01\x02\x03\x04")))
    length = len(oracle_wire(0x123, b"\x01\x02\x03\x04"))
    assert lab.heard[0].t_ns == 1_000_000 + length * BIT_NS


def test_the_bit_rate_counts():
    clock = VirtualClock()
    slow = SimWire(clock, "cabin", 125_000)
    port, heard = slow.port("a"), []

    async def main():
        await port.open(heard.append, lambda error: None)
        port.send(0x123, b"")
        await clock.sleep(1)

    clock.run(main())
    clock.close()
    assert heard[0].t_ns == len(oracle_wire(0x123, b"")) * 8_000


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
        end_ns += len(oracle_wire(frame.can_id, frame.data)) * BIT_NS
        expected.append(end_ns)
    assert [frame.t_ns for frame in lab.heard] == expected
    assert len(lab.heard) == 20


def test_an_answer_sent_while_a_frame_is_heard_follows_at_once(lab):
    asker = lab.node("asker")
    answerer = lab.node("answerer", lambda frame: frame.can_id == 0x700 and answerer.send(0x708, b""))
    lab.run((0, lambda: asker.send(0x700, b"")))
    first, second = lab.heard
    assert second.t_ns - first.t_ns == len(oracle_wire(0x708, b"")) * BIT_NS


def test_only_the_sender_hears_its_frame_as_its_own(lab):
    own = []
    a = lab.node("a", own.append)
    lab.run((0, lambda: a.send(0x100, b"x")))
    assert [frame.flags for frame in own] == [SENT]
    assert [frame.flags for frame in lab.heard] == [0]
    assert own[0]._replace(flags=0) == lab.heard[0]


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


def test_fd_is_refused_in_clear_words(lab):
    with pytest.raises(UsageError, match="carries no CAN FD yet"):
        lab.listener.send(0x100, bytes(12), FD)
