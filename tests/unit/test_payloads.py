"""Payloads whose changed bits are written anew: the bytes are those of the whole message encoded."""

import random

import pytest
from cantools.database.can import Database, Message, Signal
from cantools.database.conversion import BaseConversion

from hil.can import database, payloads
from hil.can.payloads import Payloads
from hil.errors import UsageError


def random_message(rng, number):
    """Signals side by side, of both byte orders, some with a sign."""
    length = rng.choice((1, 2, 8, 8, 64))
    signals, at = [], 0
    while at < 8 * length:
        bits = min(rng.randint(1, 24), 8 * length - at)
        if rng.random() < 0.8:
            order = rng.choice(("little_endian", "big_endian")) if at % 8 == 0 and bits % 8 == 0 else "little_endian"
            start = at + 7 if order == "big_endian" else at
            signals.append(Signal(f"S{at}", start, bits, order, is_signed=rng.random() < 0.5))
        at += bits
    return Message(number, f"M{number}", length, signals, is_fd=length > 8)


def random_raw(rng, signal):
    low, high = database.raw_limits(signal)
    return rng.choice((low, high, rng.randint(low, high)))


@pytest.mark.parametrize("seed", range(40))
def test_the_bytes_are_those_of_all_values_encoded(seed):
    rng = random.Random(seed)
    message = random_message(rng, seed)
    Database([message])
    ours, values, data = Payloads(message), {}, b""
    after = {signal.name: random_raw(rng, signal) for signal in message.signals}
    for _ in range(30):
        data = ours.encode(after, values, data)
        assert data == database.encode(message, after)
        values, after = after, dict(after)
        for signal in rng.sample(message.signals, min(len(message.signals), rng.randint(0, 6))):
            after[signal.name] = random_raw(rng, signal)


def two(message, **change):
    before = {signal.name: 0 for signal in message.signals}
    return before | change, before, database.encode(message, before)


def test_one_signal_is_set_without_encoding_the_others(monkeypatch):
    message = Message(1, "M", 8, [Signal("A", 0, 12), Signal("B", 12, 4)])
    values, before, data = two(message, A=0xABC)
    monkeypatch.setattr(payloads.database, "encode", None)
    assert Payloads(message).encode(values, before, data) == bytes.fromhex("bc0a000000000000")


FLOAT = BaseConversion.factory(1, 0, None, is_float=True)


@pytest.mark.parametrize(
    "signals",
    [
        [Signal("A", 0, 8), Signal("B", 4, 8)],
        [Signal("A", 0, 32, conversion=FLOAT), Signal("B", 32, 8)],
        [Signal("A", 0, 8, is_multiplexer=True), Signal("B", 8, 8, multiplexer_ids=[0], multiplexer_signal="A")],
    ],
)
def test_what_depends_on_more_than_its_own_bits_is_encoded_as_a_whole(signals):
    message = Message(1, "M", 8, signals, strict=False)
    values, before, data = two(message, B=0x1F)
    before |= {"A": 0}
    asked = []
    ours = Payloads(message)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payloads.database, "encode", lambda message, values: asked.append(values) or b"whole")
        in_part = ours.encode(values | {"A": 1.5 if signals[0].conversion.is_float else 0}, before, data)
    assert asked
    assert in_part == b"whole"


@pytest.mark.parametrize("wrong", [16, -1, "On", None])
def test_what_does_not_fit_is_refused_as_before(wrong):
    message = Message(1, "M", 8, [Signal("A", 0, 4), Signal("B", 4, 4)])
    values, before, data = two(message, A=wrong)
    with pytest.raises((UsageError, KeyError, AttributeError)):
        Payloads(message).encode(values, before, data)


def test_a_number_that_is_no_integer_is_rounded_as_before():
    message = Message(1, "M", 8, [Signal("A", 0, 8), Signal("B", 8, 8)])
    values, before, data = two(message, A=2.6)
    assert Payloads(message).encode(values, before, data) == database.encode(message, values) == bytes([3, *bytes(7)])
