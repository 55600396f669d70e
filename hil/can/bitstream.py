"""The bits of a frame as they stand on the wire, one by one, from the start of frame through the CRC delimiter. Pure.

After ISO 11898-1:2015, 10.4 and 10.5. What stands behind is made by all nodes together: see `hil.can.attempt`.
The figures of FD frames, apart from the standard: polynomials 0x3685B and 0x302899 with their top bits (Vector,
E-Learning CAN FD), registers that begin with a one on top, and dynamic stuff bits and stuff count under the CRC, fixed
stuff bits not (A. Mutter, F. Hartwich: Advantages of CAN FD error detection mechanisms, iCC 2015).

Not for: how long a frame is. `hil.can.bits` tells that a hundred times as fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from hil.can.bits import CRC15_POLYNOMIAL, as_bits, header_bits
from hil.can.frames import BRS, EXTENDED, FD, REMOTE


class Crc(NamedTuple):
    """A CRC of CAN: bits of the register, polynomial without its top bit, what the register begins with."""

    width: int
    polynomial: int
    start: int

    def of(self, bits: list[int]) -> int:
        """The CRC of these bits, the first one first."""
        register, top, mask = self.start, self.width - 1, (1 << self.width) - 1
        for bit in bits:
            register = register << 1 & mask ^ (self.polynomial if bit ^ register >> top else 0)
        return register


CRC15: Final = Crc(15, CRC15_POLYNOMIAL, 0)
CRC17: Final = Crc(17, 0x1685B, 1 << 16)
CRC21: Final = Crc(21, 0x102899, 1 << 20)


@dataclass(frozen=True, slots=True)
class FrameBits:
    """A frame on the wire.

    Attributes:
        levels: its bits, 0 dominant, from the start of frame through the CRC delimiter.
        stuffed: which of them are dynamic stuff bits.
        arbitration: how many of them belong to the start of frame and the arbitration field.
        fast: which of them are at the data rate: those after BRS, as `hil.can.bits` counts; none without BRS.
    """

    levels: tuple[int, ...]
    stuffed: frozenset[int]
    arbitration: int
    fast: range


@lru_cache(maxsize=512)
def frame_stream(can_id: int, data: bytes, flags: int) -> FrameBits:
    """The bits of a frame that `check_frame` takes."""
    header = header_bits(can_id, len(data), flags)
    payload = [] if flags & REMOTE else [bit for byte in data for bit in as_bits(byte, 8)]
    if flags & FD:
        levels, places = stuff(header + payload)
        levels += fixed_stuffing(levels, stuff_count(len(levels) - len(places)), crc_for(flags, len(data)))
    else:
        levels, places = stuff([*header, *payload, *as_bits(CRC15.of(header + payload), 15)])
        levels += [1 - levels[-1]] if levels[-5:] in ([0] * 5, [1] * 5) else []
    fast_from = places[len(header) - 6] + 1
    ends = range(fast_from, len(levels) + 1) if flags & BRS else range(0)
    stuffed = frozenset(range(places[-1] + 1)) - frozenset(places)
    if not flags & FD:
        stuffed |= frozenset(range(places[-1] + 1, len(levels)))
    return FrameBits((*levels, 1), stuffed, places[32 if flags & EXTENDED else 12] + 1, ends)


def crc_for(flags: int, length: int) -> Crc:
    """Which CRC a frame has, by its flags and the length of its data field in bytes."""
    if not flags & FD:
        return CRC15
    return CRC17 if length <= 16 else CRC21


def stuff(bits: list[int]) -> tuple[list[int], list[int]]:
    """The bits with a bit of the opposite level between five equal ones and what follows; and where each of them went.

    Nothing is put in behind the last one.
    """
    levels: list[int] = []
    places: list[int] = []
    for bit in bits:
        if len(levels) >= 5 and levels[-5:] in ([0] * 5, [1] * 5):
            levels.append(1 - levels[-1])
        places.append(len(levels))
        levels.append(bit)
    return levels, places


def stuff_count(count: int) -> list[int]:
    """The stuff count field: the count modulo 8 in gray code, and a bit for even parity."""
    gray = count % 8 ^ count % 8 >> 1
    return [*as_bits(gray, 3), gray.bit_count() & 1]


def fixed_stuffing(levels: list[int], count: list[int], crc: Crc) -> list[int]:
    """Stuff count and CRC behind these levels, with a fixed stuff bit in front and one after every four bits."""
    bits = count + as_bits(crc.of(levels + count), crc.width)
    field: list[int] = []
    last = levels[-1]
    for number, bit in enumerate(bits):
        if number % 4 == 0:
            field.append(1 - last)
        field.append(bit)
        last = bit
    return field


__all__ = [
    "CRC15", "CRC17", "CRC21", "Crc", "FrameBits", "crc_for", "fixed_stuffing", "frame_stream", "stuff", "stuff_count",
]  # fmt: skip
