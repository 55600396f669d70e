"""Where signals lie in a payload: their bits, what those hold, and which of them lie on each other.

Rules of this module: pure, and slow where it may be: it looks at databases when they are loaded and linted. A mask is
an integer with one bit for each bit of the payload, counted as 8 * byte + bit, bit 0 the least significant.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence, Set
from itertools import combinations
from typing import Final, Literal

from cantools.database.can import Message, Signal

_FLOAT_TOP: Final = {16: 65504.0, 32: 3.4028234663852886e38, 64: sys.float_info.max}
FD_LENGTHS: Final[tuple[int, ...]] = (*range(9), 12, 16, 20, 24, 32, 48, 64)
"""Payloads that a CAN FD frame can have, bytes (ISO 11898-1, table of data length codes)."""


def raw_limits(signal: Signal) -> tuple[int | float, int | float]:
    """The least and the greatest raw number that the signal's bits hold."""
    if signal.conversion.is_float:
        return -_FLOAT_TOP[signal.length], _FLOAT_TOP[signal.length]
    if signal.is_signed:
        return -(1 << signal.length - 1), (1 << signal.length - 1) - 1
    return 0, (1 << signal.length) - 1


def span(start: int, length: int, *, motorola: bool) -> tuple[int, int]:
    """First and last bit of a signal on the wire, counted from the first bit that is sent of byte 0.

    For Intel signals, which don't lie in one piece there, first and last bit as `mask` counts.
    """
    first = 8 * (start // 8) + 7 - start % 8 if motorola else start
    return first, first + length - 1


def fits(start: int, length: int, size: int, *, motorola: bool) -> bool:
    """Whether a signal lies within a payload of `size` bytes."""
    first, last = span(start, length, motorola=motorola)
    return first >= 0 and length > 0 and last < 8 * size


def bits_of(signal: Signal) -> list[int]:
    """The payload's bits that a signal lies on, counted as 8 * byte + bit, bit 0 the least significant."""
    first, last = span(signal.start, signal.length, motorola=signal.byte_order == "big_endian")
    if signal.byte_order == "little_endian":
        return list(range(first, last + 1))
    return [8 * (bit // 8) + 7 - bit % 8 for bit in range(first, last + 1)]


def mask_of(signal: Signal) -> int:
    """The bits of a signal that fits its message."""
    if signal.byte_order == "little_endian":
        return int((1 << signal.length) - 1 << signal.start)
    mask = 0
    for bit in bits_of(signal):
        mask |= 1 << bit
    return mask


Place = tuple[Literal["little", "big"], int, int, int, int]
"""Byte order, bytes of the message, shift, mask, and the sign's bit."""


def place_of(message: Message, signal: Signal) -> Place | None:
    """Where the integer of a signal lies in the payload as one number; None if it takes a decoder."""
    if message.is_multiplexed() or message.is_container or signal.conversion.is_float:
        return None
    mask, sign = (1 << signal.length) - 1, 1 << signal.length - 1 if signal.is_signed else 0
    if signal.byte_order == "little_endian":
        return "little", message.length, signal.start, mask, sign
    _, last = span(signal.start, signal.length, motorola=True)
    return "big", message.length, 8 * message.length - 1 - last, mask, sign


def parents(message: Message) -> dict[str, list[tuple[str, frozenset[int]]]]:
    """Signal -> the multiplexers above it, the nearest first, each with the values that select it.

    A chain that leads nowhere (to a signal that isn't there, or round in a circle) ends with that.
    """
    signals = {signal.name: signal for signal in message.signals}
    return {name: list(_chain(signals, name)) for name in signals}


def _chain(signals: dict[str, Signal], name: str) -> Iterator[tuple[str, frozenset[int]]]:
    seen = {name}
    signal: Signal | None = signals[name]
    while signal is not None and signal.multiplexer_signal is not None:
        above = signal.multiplexer_signal
        yield above, frozenset(signal.multiplexer_ids or ())
        if above in seen:
            return
        seen.add(above)
        signal = signals.get(above)


def overlaps(message: Message) -> list[tuple[Signal, Signal, int]]:
    """Pairs of signals that lie on each other and can be there at the same time, with the number of bits."""
    above = parents(message)
    masks = [(signal, mask_of(signal)) for signal in message.signals]
    return [
        (one, other, (mine & theirs).bit_count())
        for (one, mine), (other, theirs) in combinations(masks, 2)
        if mine & theirs and _together(above[one.name], above[other.name])
    ]


def _together(one: Sequence[tuple[str, Set[int]]], other: Sequence[tuple[str, Set[int]]]) -> bool:
    """Whether no multiplexer keeps two signals apart."""
    there = dict(other)
    return all(bool(values & there[name]) for name, values in one if name in there)


def next_length(length: int) -> int:
    """The shortest CAN FD payload that holds so many bytes (at most 64)."""
    return next(size for size in FD_LENGTHS if size >= length)


__all__ = [
    "FD_LENGTHS", "Place", "bits_of", "fits", "mask_of", "next_length", "overlaps", "parents", "place_of", "raw_limits",
    "span",
]  # fmt: skip
