"""Columns hold, value for value, what cantools decodes message by message."""

import math
import random
from pathlib import Path

import cantools.database
import numpy as np
import pytest
from cantools.database.can import Message, Signal
from cantools.database.conversion import BaseConversion
from cantools.database.errors import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.can.columns import LogColumns, MessageDecoder
from hil.can.database import bits_of
from hil.can.frames import ERROR, EXTENDED, REMOTE
from hil.can.log_frames import FrameList, key_of

LENGTHS = [*range(1, 9), 12, 16, 20, 24, 32, 48, 64]
SCALES = [1, 1.0, 2, -3, 0.5, 0.1, 1e-7, -0.25, 2.0, 10**12]
OFFSETS = [0, 0.0, 1, -40, 0.5, -273.15, 1e9, -(2**63), 2**40]


def decoded(message, payloads):
    width = max([8, *map(len, payloads)])
    data = np.array([list(payload.ljust(width, b"\0")) for payload in payloads], np.uint8).reshape(-1, width)
    return MessageDecoder(message).decode(data, np.array([len(payload) for payload in payloads], np.uint8))


def rows_of(table):
    """What a row has: signal -> (raw, physical, label)."""
    rows = [{} for _ in range(table.count)]
    for name, column in table.columns.items():
        numbers = range(table.count) if column.rows is None else column.rows.tolist()
        labels = column.labels
        physical, raw = column.physical.tolist(), column.raw.tolist()
        assert len(physical) == len(raw) == len(labels.codes) == len(numbers)
        for index, number in enumerate(numbers):
            code = labels.codes[index]
            rows[number][name] = raw[index], physical[index], labels.names[code] if code >= 0 else None
    return rows


def same(mine, theirs):
    if type(mine) is not type(theirs):
        return False
    return mine == theirs or (isinstance(mine, float) and math.isnan(mine) and math.isnan(theirs))


def compare(message, payloads):
    table = decoded(message, payloads)
    strange = set(table.strange.tolist())
    assert table.short.tolist() == [n for n, payload in enumerate(payloads) if len(payload) < message.length]
    for number, (payload, mine) in enumerate(zip(payloads, rows_of(table), strict=True)):
        asked = {"decode_choices": False, "allow_truncated": True}
        try:
            physical = message.decode(payload, **asked)
            raw = message.decode(payload, scaling=False, **asked)
        except DecodeError:
            assert number in strange
            continue
        assert number not in strange
        assert mine.keys() == physical.keys()
        for name, value in physical.items():
            assert same(mine[name][1], value), (name, mine[name][1], value)
            assert same(mine[name][0], raw[name]), (name, mine[name][0], raw[name])
            choices = message.get_signal_by_name(name).choices or {}
            assert mine[name][2] == (str(choices[raw[name]]) if raw[name] in choices else None)


# ---- random messages


class Places:
    """Bits of a payload that are taken."""

    def __init__(self, length, taken=()):
        self.length, self.taken = length, set(taken)

    def fit(self, start, bits, motorola):
        """The signal's bits, if they are free."""
        probe = Signal("x", start, bits, byte_order="big_endian" if motorola else "little_endian")
        try:
            wanted = set(bits_of(probe))
        except IndexError:
            return None
        return None if wanted & self.taken or max(wanted) >= 8 * self.length else wanted


@st.composite
def a_signal(draw, name, places, **more):
    """A signal on free bits; None if none were found."""
    is_float = draw(st.integers(0, 5)) == 0
    bits = draw(st.sampled_from([16, 32, 64]) if is_float else st.integers(1, 64))
    motorola = draw(st.booleans())
    start = draw(st.integers(0, 8 * places.length - 1))
    wanted = places.fit(start, bits, motorola)
    if wanted is None:
        return None
    places.taken |= wanted
    top = min(bits, 12)
    choices = draw(st.none() | st.dictionaries(st.integers(0, 2**top - 1), st.text("abc", min_size=1), max_size=5))
    conversion = BaseConversion.factory(
        draw(st.sampled_from(SCALES)), draw(st.sampled_from(OFFSETS)), None if is_float else choices, is_float
    )
    return Signal(
        name,
        start,
        bits,
        byte_order="big_endian" if motorola else "little_endian",
        is_signed=not is_float and draw(st.booleans()),
        conversion=conversion,
        **more,
    )


@st.composite
def signals_of(draw, prefix, places, at_most, **more):
    made = [draw(a_signal(f"{prefix}{n}", places, **more)) for n in range(draw(st.integers(0, at_most)))]
    return [signal for signal in made if signal is not None]


@st.composite
def pages_of(draw, prefix, places, depth, **more):
    """A multiplexer with pages, of which one may hold another multiplexer."""
    bits = draw(st.integers(1, 8))
    starts = [start for start in range(8 * places.length) if places.fit(start, bits, False)]
    if not starts:
        return []
    start = draw(st.sampled_from(starts))
    places.taken |= places.fit(start, bits, False)
    labels = draw(st.none() | st.just({0: "none", 1: "one"}))
    made = [
        Signal(
            f"{prefix}Mux",
            start,
            bits,
            conversion=BaseConversion.factory(choices=labels),
            is_multiplexer=True,
            **more,
        )
    ]
    before, used, taken = set(places.taken), set(), set(places.taken)
    for page in range(draw(st.integers(1, 4))):
        ids = draw(st.lists(st.integers(0, min(2**bits - 1, 6)), min_size=1, max_size=3, unique=True))
        own = Places(places.length, taken if used & set(ids) else before)  # other pages may lie on the same bits
        used |= set(ids)
        inside = {"multiplexer_ids": ids, "multiplexer_signal": f"{prefix}Mux"}
        made += draw(signals_of(f"{prefix}P{page}S", own, 3, **inside))
        if depth and page == 0:
            made += draw(pages_of(f"{prefix}P{page}", own, depth - 1, **inside))
        taken |= own.taken
    places.taken |= taken
    return made


@st.composite
def messages(draw):
    length = draw(st.sampled_from(LENGTHS))
    places = Places(length)
    made = draw(pages_of("", places, 1)) if draw(st.booleans()) else []
    made += draw(signals_of("S", places, 8))
    return Message(1, "M", length, made, strict=True, is_fd=length > 8)


@st.composite
def payloads_of(draw, message):
    least = draw(st.sampled_from([message.length, message.length, 0]))
    sizes = st.integers(least, min(64, message.length + 4))
    return draw(st.lists(sizes.flatmap(lambda n: st.binary(min_size=n, max_size=n)), min_size=1, max_size=12))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_every_value_is_that_of_cantools(data):
    message = data.draw(messages())
    compare(message, data.draw(payloads_of(message)))


# ---- by hand


def one(signal, length=8):
    return Message(1, "M", length, [signal], strict=True, is_fd=length > 8)


def value(signal, payload, length=8):
    return rows_of(decoded(one(signal, length), [payload]))[0]["S"]


def test_intel_and_motorola_by_hand():
    assert value(Signal("S", 4, 12), bytes([0xF0, 0xAB, 0, 0, 0, 0, 0, 0]))[0] == 0xABF
    assert value(Signal("S", 3, 12, byte_order="big_endian"), bytes([0x0A, 0xBC, 0, 0, 0, 0, 0, 0]))[0] == 0xABC
    assert value(Signal("S", 4, 12, is_signed=True), bytes([0xF0, 0xFF, 0, 0, 0, 0, 0, 0]))[0] == -1


def test_a_signal_over_nine_bytes():
    payload = bytes([0, 0x55, 0xAA, 1, 2, 3, 4, 5, 6, 0x70, 0, 0])
    whole = int.from_bytes(payload, "little") >> 12 & (1 << 64) - 1
    assert value(Signal("S", 12, 64), payload, 12)[0] == whole
    motorola = int.from_bytes(payload, "big") >> 96 - 12 - 64 & (1 << 64) - 1
    assert value(Signal("S", 11, 64, byte_order="big_endian"), payload, 12)[0] == motorola


def test_64_bits_stay_exact_with_a_factor():
    signal = Signal("S", 0, 64, conversion=BaseConversion.factory(scale=3, offset=-1))
    assert value(signal, b"\xff" * 8)[1] == 3 * (2**64 - 1) - 1


def test_a_whole_factor_with_a_broken_offset_is_computed_as_whole_numbers_first():
    signal = Signal("S", 0, 64, conversion=BaseConversion.factory(scale=3, offset=0.5))
    top = (1 << 64) - 1
    compare(one(signal), [(top - n).to_bytes(8, "little") for n in range(2000)])


def test_more_than_64_bits():
    signal = Signal("S", 4, 100, is_signed=True)
    payload = bytes(range(200, 216))
    compare(one(signal, 16), [payload, bytes(16), b"\xff" * 16])


@pytest.mark.parametrize("bits", [16, 32, 64])
def test_floats_with_a_factor(bits):
    conversion = BaseConversion.factory(scale=0.1, offset=7, is_float=True)
    message = one(Signal("S", 0, bits, conversion=conversion))
    compare(message, [bytes([1, 2, 3, 4, 5, 6, 7, 63 + n]) for n in range(64)] + [b"\xff" * 8])


def test_short_payloads_keep_the_signals_that_came():
    message = Message(1, "M", 8, [Signal("A", 0, 8), Signal("B", 8, 16), Signal("C", 39, 8, byte_order="big_endian")])
    table = decoded(message, [bytes(8), b"\x01\x02", b"\x01\x02\x03", b""])
    assert table.short.tolist() == [1, 2, 3]
    assert [sorted(row) for row in rows_of(table)] == [["A", "B", "C"], ["A"], ["A", "B"], []]


def test_a_signal_of_another_page_has_no_value():
    mux = Signal("Mux", 0, 4, is_multiplexer=True)
    pages = [Signal(f"P{n}", 8, 8, multiplexer_ids=[n], multiplexer_signal="Mux") for n in (1, 2)]
    table = decoded(Message(1, "M", 2, [mux, *pages]), [b"\x01\x05", b"\x02\x06", b"\x03\x07"])
    assert [sorted(row) for row in rows_of(table)] == [["Mux", "P1"], ["Mux", "P2"], ["Mux"]]
    assert table.strange.tolist() == [2]


def test_labels_are_categories():
    choices = {0: "Off", 1: "On", 2**63: "Not available"}
    signal = Signal("S", 0, 64, conversion=BaseConversion.factory(choices=choices))
    table = decoded(one(signal), [number.to_bytes(8, "little") for number in (1, 2, 0, 2**63, 2**64 - 1)])
    labels = table.columns["S"].labels
    assert [labels.names[code] if code >= 0 else None for code in labels.codes] == [
        "On", None, "Off", "Not available", None,
    ]  # fmt: skip


def test_signals_that_lie_on_each_other_are_read_from_their_own_bits():
    message = Message(1, "M", 1, [Signal("A", 0, 8), Signal("B", 4, 4)], strict=False)
    assert rows_of(decoded(message, [b"\x5a"]))[0] == {"A": (0x5A, 0x5A, None), "B": (5, 5, None)}


def test_no_payloads():
    table = decoded(one(Signal("S", 0, 8)), [])
    assert (table.count, table.columns["S"].physical.tolist()) == (0, [])


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "dbc").glob("*.dbc")), ids=lambda path: path.name)
def test_the_databases_of_this_repository(path):
    rng = random.Random(path.name)
    for message in cantools.database.load_file(path).messages:
        compare(message, [rng.randbytes(message.length) for _ in range(30)])


def test_a_log_is_collected_by_message():
    message = one(Signal("S", 0, 8))
    frames = FrameList()
    for t_ns, can_id, flags in [(1, 7, 0), (2, 8, 0), (3, 7, EXTENDED), (4, 7, 0), (5, 7, ERROR), (6, 7, REMOTE)]:
        frames.add(t_ns, 0, can_id, flags, 8, bytes([t_ns] * 8))
    columns = LogColumns({key_of(0, 7, 0): message, key_of(1, 7, 0): message})
    columns.take(frames.take())
    frames.add(9, 0, 7, 0, 64, bytes([9] * 64))
    columns.take(frames.take())
    ((key, recorded),) = columns.recorded().items()
    assert key == key_of(0, 7, 0)
    assert recorded.t_ns.tolist() == [1, 4, 9]
    assert recorded.table.columns["S"].raw.tolist() == [1, 4, 9]
