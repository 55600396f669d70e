"""The schedule of a replay: times, what is left out, and overridden bits, with cantools as the judge of the bits."""

import random

import cantools.database
import pytest

from hil.can.database import Network
from hil.can.frames import BRS, ERROR, EXTENDED, FD, REMOTE, SENT
from hil.can.log_frames import FrameList
from hil.can.replay_plan import Due, ReplayOptions, ReplayPlan
from hil.errors import UsageError

DBC = """
BO_ 256 Lamps: 8 BCM
 SG_ HighBeam : 0|1@1+ (1,0) [0|1] "" IC
 SG_ Level : 12|10@0- (0.5,3) [0|0] "" IC
 SG_ Ratio : 32|32@1- (1,0) [0|0] "" IC
BO_ 2147484161 Pages: 8 ESC
 SG_ Page M : 7|4@0+ (1,0) [0|15] "" IC
 SG_ One m1 : 8|8@1+ (1,0) [0|255] "" IC
 SG_ Two m2 : 8|16@1+ (1,0) [0|0] "" IC
 SG_ Always : 56|8@1+ (1,0) [0|255] "" IC
BO_ 258 Other: 4 IC
 SG_ Value : 0|32@1+ (1,0) [0|0] "" BCM
SIG_VALTYPE_ 256 Ratio : 1;
BU_: BCM ESC IC
"""
PAGES = 0x201


def database(text=DBC):
    head, tail = text.split("BU_:")
    return cantools.database.load_string(f'VERSION ""\nNS_ :\nBS_:\nBU_:{tail}\n{head}', "dbc")


NETWORK = Network({"chassis": database(), "body": database()})


def log(*rows):
    """(time in ms, channel, identifier, flags, data)."""
    frames = FrameList()
    for t_ms, channel, can_id, flags, data in rows:
        frames.add(round(t_ms * 1e6), channel, can_id, flags, len(data), b"" if flags & REMOTE else data)
    return [frames.take()]


def plan(**options):
    options.setdefault("buses", {"1": "chassis", "2": "body"})
    return ReplayPlan(NETWORK, ReplayOptions(**options))


def scheduled(made, blocks, channels=("1", "2", "3")):
    return list(made.schedule(blocks, list(channels)))


def ref(name, bus="chassis"):
    return NETWORK.resolve(f"{bus}::{name}")


# ---- times and what is left out


def test_distances_stay_and_channels_become_buses():
    blocks = log((0, 0, 0x100, 0, b"\x01"), (10.5, 1, 0x102, SENT, b""), (30, 0, PAGES, EXTENDED, bytes(8)))
    assert scheduled(plan(), blocks) == [
        Due(0, "chassis", 0x100, b"\x01", 0),
        Due(10_500_000, "body", 0x102, b"", 0),
        Due(30_000_000, "chassis", PAGES, bytes(8), EXTENDED),
    ]


def test_from_and_to():
    blocks = log(*((t_ms, 0, 0x100, 0, bytes([t_ms])) for t_ms in range(0, 100, 10)))
    due = scheduled(plan(from_ns=25_000_000, to_ns=50_000_000), blocks)
    assert [(frame.due_ns, frame.data[0]) for frame in due] == [(5_000_000, 30), (15_000_000, 40), (25_000_000, 50)]


def test_nothing_is_read_behind_the_end():
    def endless():
        for second in range(1000):
            assert second < 4
            yield from log((1000 * second, 0, 0x100, 0, b""))

    assert len(scheduled(plan(to_ns=2_500_000_000), endless())) == 3


def test_time_never_goes_back():
    blocks = log((0, 0, 0x100, 0, b"a"), (20, 0, 0x100, 0, b"b"), (15, 1, 0x100, 0, b"c"), (30, 0, 0x100, 0, b"d"))
    assert [frame.due_ns for frame in scheduled(plan(), blocks)] == [0, 20_000_000, 20_000_000, 30_000_000]


def test_what_can_not_be_sent_is_left_out_and_counted():
    made = plan(without=frozenset({("chassis", PAGES, True)}), without_nodes={"body": frozenset({"IC"})})
    blocks = log(
        (0, 0, 0, ERROR, b""),
        (1, 2, 0x100, 0, b""),
        (2, 0, PAGES, EXTENDED, b""),
        (3, 1, PAGES, EXTENDED, b""),
        (4, 0, PAGES, 0, b""),
        (5, 0, 0x102, 0, b""),
        (6, 1, 0x102, 0, b""),
        (7, 0, 0x100, FD, bytes(13)),
    )
    due = scheduled(made, blocks)
    assert [(frame.bus, frame.can_id, frame.flags) for frame in due] == [
        ("body", PAGES, EXTENDED),
        ("chassis", PAGES, 0),
        ("chassis", 0x102, 0),
    ]
    assert made.left_out == {
        "channels without a bus": 1, "error frames": 1, "messages left out": 2, "frames that no bus can carry": 1,
    }  # fmt: skip


def test_remote_and_fd_frames_keep_what_they_are():
    blocks = log((0, 0, 0x100, REMOTE, bytes(8)), (1, 0, 0x100, FD | BRS | SENT, bytes(64)))
    assert scheduled(plan(), blocks) == [
        Due(0, "chassis", 0x100, bytes(8), REMOTE),
        Due(1_000_000, "chassis", 0x100, bytes(64), FD | BRS),
    ]


# ---- overridden signals

RAW = {"HighBeam": 1, "Level": -300, "Ratio": 0.15625, "One": 0xA5, "Two": 0xBEEF, "Always": 7}


def shown(values):
    """As text, in which no number is itself."""
    return {name: repr(value) for name, value in values.items()}


def decoded(message, data):
    return message.decode(data, decode_choices=False, scaling=False)


@pytest.mark.parametrize("name", RAW)
def test_only_the_bits_of_the_signal_change(name):
    signal = ref(name)
    made = plan(overrides={signal: RAW[name]})
    rng, page = random.Random(name), {"One": 1, "Two": 2}.get(name)
    message, flags = signal.message, EXTENDED if signal.message.is_extended_frame else 0
    for _ in range(50):
        data = rng.randbytes(8)
        if message.name == "Pages":
            data = bytes([(page or rng.choice([1, 2])) << 4 | data[0] & 15]) + data[1:]
        (due,) = scheduled(made, log((0, 0, message.frame_id, flags, data)))
        before, after = decoded(message, data), decoded(message, due.data)
        assert shown(after) == shown(before | {signal.signal.name: RAW[name]})
        mask = sum(1 << bit for bit in bits_by_hand(signal.signal))
        assert (int.from_bytes(data, "little") ^ int.from_bytes(due.data, "little")) & ~mask == 0
        assert after[signal.signal.name] == RAW[name]
    assert made.overridden == {signal: 50}


def bits_by_hand(signal):
    """The bits of a signal, from cantools: those that encoding all ones sets."""
    message = cantools.database.can.Message(1, "M", 8, [signal_alone(signal)], strict=True)
    ones = -1 if signal.is_signed else (1 << signal.length) - 1
    data = message.encode({signal.name: ones}, scaling=False, strict=False)
    return [8 * byte + bit for byte in range(8) for bit in range(8) if data[byte] >> bit & 1]


def signal_alone(signal):
    return cantools.database.can.Signal(
        signal.name, signal.start, signal.length, signal.byte_order, signal.is_signed
    )  # fmt: skip


def test_a_page_that_is_not_there_stays_as_it_was():
    made = plan(overrides={ref("One"): 1, ref("Two"): 2})
    blocks = log(
        *((n, 0, PAGES, EXTENDED, bytes([page << 4, 9, 9, 0, 0, 0, 0, 0])) for n, page in enumerate([1, 2, 3]))
    )
    assert [frame.data[1:3] for frame in scheduled(made, blocks)] == [b"\x01\x09", b"\x02\x00", b"\x09\x09"]
    assert made.overridden == {ref("One"): 1, ref("Two"): 1}


def test_a_short_payload_keeps_its_length():
    made = plan(overrides={ref("HighBeam"): 1, ref("Ratio"): 1.0})
    (due,) = scheduled(made, log((0, 0, 0x100, 0, b"\x00\xff")))
    assert due.data == b"\x01\xff"
    assert scheduled(made, log((0, 0, 0x100, 0, b"")))[0].data == b""


def test_other_buses_and_remote_frames_are_left_alone():
    made = plan(overrides={ref("HighBeam"): 1})
    blocks = log((0, 1, 0x100, 0, bytes(8)), (1, 0, 0x100, EXTENDED, bytes(8)), (2, 0, 0x100, REMOTE, bytes(8)))
    assert all(not any(frame.data) for frame in scheduled(made, blocks))


def test_protection_sees_each_frame_of_the_message_and_what_went_before():
    seen = []

    def protect(bus, message, payload, previous):
        seen.append((bus, message.name, payload, previous))
        return payload[:-1] + bytes([len(seen)])

    made = plan(overrides={ref("One"): 5}, protect=protect)
    blocks = log(
        (0, 0, PAGES, EXTENDED, bytes([0x10, 0, 0, 0, 0, 0, 0, 0])),
        (1, 0, 0x100, 0, bytes(8)),
        (2, 0, PAGES, EXTENDED, bytes([0x20, 0, 0, 0, 0, 0, 0, 0])),
    )
    due = scheduled(made, blocks)
    assert [frame.data[:2] + frame.data[7:] for frame in due] == [b"\x10\x05\x01", b"\x00\x00\x00", b"\x20\x00\x02"]
    assert seen == [
        ("chassis", "Pages", bytes([0x10, 5, 0, 0, 0, 0, 0, 0]), None),
        ("chassis", "Pages", bytes([0x20, 0, 0, 0, 0, 0, 0, 0]), bytes([0x10, 5, 0, 0, 0, 0, 0, 1])),
    ]


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        ("Page", 1, "a multiplexer can't be overridden"),
        ("One", 256, "raw 256 doesn't fit.*it takes 0 to 255"),
        ("One", -1, "raw -1 doesn't fit"),
        ("One", 1.5, "raw 1.5 doesn't fit"),
        ("Level", -513, "raw -513 doesn't fit"),
        ("Ratio", float("nan"), "raw nan doesn't fit"),
    ],
)
def test_overrides_that_make_no_sense(name, raw, words):
    with pytest.raises(UsageError, match=words):
        plan(overrides={ref(name): raw})


def test_an_override_on_a_bus_that_is_not_replayed():
    with pytest.raises(UsageError, match=r"body::Lamps\.HighBeam: bus body isn't replayed"):
        plan(buses={"1": "chassis"}, overrides={ref("HighBeam", "body"): 1})
