"""How long a frame is on the wire: its bits at the nominal and at the data rate, exactly. Pure; by tables, so fast.

After ISO 11898-1:2015, clause 10.4 (frame formats) and 10.5 (bit stuffing). Classic frames are stuffed dynamically from
the start of frame through the CRC sequence, so that their length depends on the CRC. FD frames are stuffed dynamically
through the data field only; then come four bits of stuff count and the CRC (17 bits for up to 16 data bytes, else 21)
with a fixed stuff bit in front and one after every four bits. So the length of an FD frame follows without its CRC.
If five equal bits end the data field, the first fixed stuff bit follows and no dynamic one.

What counts as what: a length goes from the start of frame to the last bit of the intermission. The rate switches at the
sample point of BRS and back at the sample point of the CRC delimiter. Each of the two bits is therefore part nominal,
part fast; where both rates sample at one place within the bit, the parts of the two add up to one nominal bit and one
fast bit. BRS counts as the nominal one and the CRC delimiter as the fast one. That is exact for the frame as a whole.

Not for: the bits themselves (`hil.can.bitstream`) and what errors add (`hil.can.attempt`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from hil.can.frames import BRS, ESI, EXTENDED, FD, REMOTE
from hil.clock import NS_PER_S

INTERMISSION_BITS: Final = 3
SUSPEND_BITS: Final = 8
"""Suspend transmission: what an error-passive transmitter lets pass after the intermission."""
_ACK_TO_INTERMISSION: Final = 2 + 7 + INTERMISSION_BITS
"""Acknowledge slot and delimiter, end of frame, intermission: never stuffed."""
_CRC15_BITS: Final = 15 + 1
_CRC17_BITS: Final = 4 + 17 + 6 + 1
_CRC21_BITS: Final = 4 + 21 + 7 + 1
"""Of an FD frame: stuff count, CRC, fixed stuff bits, CRC delimiter."""
_CRC17_BYTES: Final = 16
CRC15_POLYNOMIAL: Final = 0x4599
DLC: Final = {length: length for length in range(9)} | {12: 9, 16: 10, 20: 11, 24: 12, 32: 13, 48: 14, 64: 15}
"""Length of the data field in bytes -> data length code."""

_Row = list[tuple[int, "_Row"]]
"""For one state of the stuffer: byte -> (stuff bits put in before or within it, state after it)."""
_State = tuple[int, int]
"""Level of the last bit, how many of it in a row: 1 to 5. The stuff bit comes with the bit after the fifth."""


def arbitration_key(can_id: int, flags: int) -> int:
    """Orders frames as arbitration does, dominant bits first: the lowest key wins.

    The 11 base bits come first, then RTR (standard; RRS of FD frames) or SRR (extended, recessive), IDE, the 18 other
    bits, RTR. Frames with equal keys are still on the wire together after the arbitration field.
    """
    remote = 1 if flags & REMOTE else 0
    if not flags & EXTENDED:
        return can_id << 21 | remote << 20
    return can_id >> 18 << 21 | 3 << 19 | (can_id & 0x3FFFF) << 1 | remote


def duration_ns(length: tuple[int, int], bitrate: int, data_bitrate: int | None = None) -> int:
    """How long bits take, in nanoseconds, rounded down once.

    Args:
        length: bits at the nominal rate, bits at the data rate.
        bitrate: nominal, bit/s.
        data_bitrate: bit/s; may be None where there are no bits at the data rate.
    """
    nominal, fast = length
    if not fast or data_bitrate is None:
        return (nominal + fast) * NS_PER_S // bitrate
    return (nominal * data_bitrate + fast * bitrate) * NS_PER_S // (bitrate * data_bitrate)


def measure(can_id: int, data: bytes, flags: int) -> tuple[int, int]:
    """Bits of a frame at the nominal and at the data rate, intermission included; of a frame that `check_frame` takes.

    `frame_length` is the same with a memory.
    """
    if flags & FD:
        return _measure_fd(can_id, data, flags)
    bits, row, crc = _classic_header(can_id, len(data), flags)
    if not flags & REMOTE:
        bits += 8 * len(data)
        for byte in data:
            stuffed, row = row[byte]
            bits += stuffed
            crc = crc << 8 & 0x7FFF ^ _CRC15[crc >> 7 ^ byte]
    # The CRC delimiter is fed too: where the CRC ends in five equal bits, this brings out the stuff bit behind it.
    stuffed, row = row[crc >> 7]
    return bits + stuffed + row[crc << 1 & 0xFF | 1][0] + _CRC15_BITS + _ACK_TO_INTERMISSION, 0


def _measure_fd(can_id: int, data: bytes, flags: int) -> tuple[int, int]:
    nominal, fast, row = _fd_header(can_id, len(data), flags)
    fast += 8 * len(data) + (_CRC17_BITS if len(data) <= _CRC17_BYTES else _CRC21_BITS)
    for byte in data:
        stuffed, row = row[byte]
        fast += stuffed
    if flags & BRS:
        return nominal + _ACK_TO_INTERMISSION, fast
    return nominal + fast + _ACK_TO_INTERMISSION, 0


frame_length = lru_cache(maxsize=8192)(measure)
"""`measure` with a memory of the last 8,192 different frames."""


def frame_bits(can_id: int, data: bytes, flags: int) -> int:
    """All bits of a frame, intermission included."""
    nominal, fast = frame_length(can_id, data, flags)
    return nominal + fast


# Headers: few differ, so these are made bit by bit and kept ----------------------------------------------------------


@lru_cache(maxsize=4096)
def _classic_header(can_id: int, length: int, flags: int) -> tuple[int, _Row, int]:
    """Bits up to the data length code, stuff bits among them; the stuffer's state after it; the CRC so far."""
    bits = header_bits(can_id, length, flags)
    stuffed, state = _feed((1, 1), bits)
    crc = 0
    for bit in bits:
        crc = crc << 1 & 0x7FFF ^ (CRC15_POLYNOMIAL if bit ^ crc >> 14 else 0)
    return len(bits) + stuffed, _ROWS[state], crc


@lru_cache(maxsize=4096)
def _fd_header(can_id: int, length: int, flags: int) -> tuple[int, int, _Row]:
    """Bits to BRS, bits from there to the data length code, each with its stuff bits; the stuffer's state after it."""
    bits = header_bits(can_id, length, flags)
    slow, fast = bits[:-5], bits[-5:]
    stuffed_slow, state = _feed((1, 1), slow)
    stuffed_fast, state = _feed(state, fast)
    return len(slow) + stuffed_slow, len(fast) + stuffed_fast, _ROWS[state]


def header_bits(can_id: int, length: int, flags: int) -> list[int]:
    """From the start of frame through the data length code, not stuffed (ISO 11898-1:2015, 10.4.2)."""
    remote = 1 if flags & REMOTE else 0
    if flags & EXTENDED:
        address = [*as_bits(can_id >> 18, 11), 1, 1, *as_bits(can_id & 0x3FFFF, 18), remote]
    else:
        address = [*as_bits(can_id, 11), remote, 0]
    if flags & FD:
        control = [1, 0, 1 if flags & BRS else 0, 1 if flags & ESI else 0]
    else:
        control = [0, 0] if flags & EXTENDED else [0]
    return [0, *address, *control, *as_bits(DLC[length], 4)]


def as_bits(value: int, width: int) -> list[int]:
    """A number's bits, the highest first."""
    return [value >> shift & 1 for shift in range(width - 1, -1, -1)]


# Tables --------------------------------------------------------------------------------------------------------------


def _feed(state: _State, bits: list[int]) -> tuple[int, _State]:
    """Stuff bits that come before or between these bits, and the state of the stuffer after the last of them."""
    stuffed, (last, run) = 0, state
    for bit in bits:
        if run == 5:
            stuffed, last, run = stuffed + 1, 1 - last, 1
        last, run = bit, run + 1 if bit == last else 1
    return stuffed, (last, run)


def _stuffing_rows() -> dict[_State, _Row]:
    states = [(level, run) for level in (0, 1) for run in range(1, 6)]
    nibbles = {state: [_feed(state, as_bits(value, 4)) for value in range(16)] for state in states}
    rows: dict[_State, _Row] = {state: [] for state in states}
    for state, row in rows.items():
        for stuffed_high, between in nibbles[state]:
            row.extend((stuffed_high + stuffed_low, rows[after]) for stuffed_low, after in nibbles[between])
    return rows


def _crc15_table() -> list[int]:
    table = [0]
    for power in range(8):
        top = CRC15_POLYNOMIAL if not power else table[1 << power - 1] << 1
        top = top & 0x7FFF ^ (CRC15_POLYNOMIAL if top & 0x8000 else 0)
        table += [top ^ lower for lower in table]
    return table


_ROWS: Final = _stuffing_rows()
_CRC15: Final = _crc15_table()
