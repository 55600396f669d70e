"""How long frames are on the wire, for whole columns of frames at once, exactly.

Rules of this module: pure, numpy. The same lengths as `hil.can.bits`, which says after which clauses of the standard
and which bits count as nominal; it is what this module is tested against. A frame is taken byte by byte through tables
of the stuffer and of the CRC, all frames of one format and length together.

Not for: single frames (`hil.can.bits`), error frames, which no log tells the length of.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE
from hil.can.log_frames import Array, Frames, groups

_CRC15_POLYNOMIAL: Final = 0x4599
_BEHIND_CRC: Final = 2 + 7 + 3
"""Acknowledge slot and delimiter, end of frame, intermission."""
_CRC15: Final = 15 + 1
_CRC17: Final = 4 + 17 + 6 + 1
_CRC21: Final = 4 + 21 + 7 + 1
"""With delimiter; of FD frames with stuff count and fixed stuff bits."""
_CRC17_BYTES: Final = 16
_LENGTHS: Final = (*range(9), 12, 16, 20, 24, 32, 48, 64)
_CODES: Final = np.zeros(256, np.int64)
_CODES[list(_LENGTHS)] = range(16)
_RUN: Final = 5
"""So many equal bits, and a stuff bit comes with the next one."""


def frame_lengths(frames: Frames) -> tuple[Array, Array]:
    """Bits at the nominal and at the data rate of each frame, intermission included; 0 for error frames."""
    nominal, fast = np.zeros(len(frames), np.int64), np.zeros(len(frames), np.int64)
    kinds = frames.flags & (EXTENDED | FD | REMOTE | BRS | ERROR)
    for kind, rows in groups(kinds.astype(np.uint64) << np.uint64(8) | frames.length):
        flags, length = kind >> 8, kind & 0xFF
        if not flags & ERROR:
            nominal[rows], fast[rows] = _of_kind(frames.pick(rows), flags, length)
    return nominal, fast


def _of_kind(frames: Frames, flags: int, length: int) -> tuple[Array, Array]:
    """Frames of one format and one length."""
    if flags & FD:
        return _fd(frames, flags, length)
    stuffer = _Stuffer(len(frames))
    crc = np.zeros(len(frames), np.int64)
    header, bits = _classic_header(frames, flags, length)
    payload = 0 if flags & REMOTE else min(length, frames.data.shape[1])
    for value, width in [*_pieces(header, bits), *((frames.data[:, place], 8) for place in range(payload))]:
        stuffer.feed(value, width)
        crc = crc << 8 & 0x7FFF ^ _CRC_TABLE[crc >> 7 ^ value]
    stuffer.feed(crc >> 8, 7)
    stuffer.feed(crc & 0xFF, 8)
    stuffer.feed(np.zeros(len(frames), np.int64), 1)  # the delimiter: with it comes a stuff bit behind five equal bits
    return bits + 8 * payload + stuffer.count + _CRC15 + _BEHIND_CRC, np.zeros(len(frames), np.int64)


def _fd(frames: Frames, flags: int, length: int) -> tuple[Array, Array]:
    stuffer = _Stuffer(len(frames))
    slow, bits = _fd_address(frames, flags)
    for value, width in _pieces(slow, bits):
        stuffer.feed(value, width)
    nominal = bits + stuffer.count
    stuffer.feed((frames.flags & ESI > 0).astype(np.int64) << 4 | _CODES[length], 5)
    for place in range(length):
        stuffer.feed(frames.data[:, place], 8)
    behind = 5 + 8 * length + (_CRC17 if length <= _CRC17_BYTES else _CRC21)
    fast = behind + bits + stuffer.count - nominal
    if flags & BRS:
        return nominal + _BEHIND_CRC, fast
    return nominal + fast + _BEHIND_CRC, np.zeros(len(frames), np.int64)


def _classic_header(frames: Frames, flags: int, length: int) -> tuple[Array, int]:
    """Start of frame to data length code, as a number, and how many bits that are."""
    can_id, remote, code = frames.can_id.astype(np.int64), int(bool(flags & REMOTE)), min(length, 8)
    if flags & EXTENDED:
        return ((can_id >> 18 << 2 | 3) << 18 | can_id & 0x3FFFF) << 7 | remote << 6 | code, 39
    return can_id << 7 | remote << 6 | code, 19


def _fd_address(frames: Frames, flags: int) -> tuple[Array, int]:
    """Start of frame to BRS, as a number, and how many bits that are."""
    can_id, control = frames.can_id.astype(np.int64), 4 | int(bool(flags & BRS))
    if flags & EXTENDED:
        return ((can_id >> 18 << 2 | 3) << 18 | can_id & 0x3FFFF) << 4 | control, 36
    return can_id << 5 | control, 17


def _pieces(number: Array, bits: int) -> list[tuple[Array, int]]:
    """A number as its first odd bits and the bytes behind them."""
    odd = bits % 8 or 8
    return [(number >> bits - odd, odd), *((number >> shift & 0xFF, 8) for shift in range(bits - odd - 8, -1, -8))]


# ---- tables: a state of the stuffer is 5 * level + run - 1


def _stuffing(width: int) -> tuple[Array, Array]:
    """State and piece of so many bits -> stuff bits before and within it, state behind it (in one index)."""
    count, state = np.zeros((10, 1 << width), np.int64), np.zeros((10, 1 << width), np.int64)
    for begin in range(10):
        for value in range(1 << width):
            count[begin, value], state[begin, value] = _stuffed(begin, value, width)
    return count.reshape(-1), state.reshape(-1)


def _stuffed(state: int, value: int, width: int) -> tuple[int, int]:
    level, run = divmod(state, _RUN)
    run, count = run + 1, 0
    for shift in range(width - 1, -1, -1):
        if run == _RUN:
            level, run, count = 1 - level, 1, count + 1
        bit = value >> shift & 1
        run = run + 1 if bit == level else 1
        level = bit
    return count, _RUN * level + run - 1


def _crc_table() -> Array:
    table = []
    for byte in range(256):
        register = byte << 7
        for _ in range(8):
            register = register << 1 ^ (_CRC15_POLYNOMIAL if register & 0x4000 else 0)
        table.append(register & 0x7FFF)
    return np.array(table, np.int64)


_CRC_TABLE: Final = _crc_table()
_STUFFING: Final = {width: _stuffing(width) for width in range(1, 9)}


class _Stuffer:
    """Counts the stuff bits of frames that are fed to it side by side.

    Attributes:
        count: so many so far. The bit that five equal ones at the very end would need isn't among them.
    """

    def __init__(self, frames: int) -> None:
        self.count = np.zeros(frames, np.int64)
        self._state = np.full(frames, _RUN * 1)  # recessive, as if one such bit had been: the bus was idle

    def feed(self, value: Array, width: int) -> None:
        """Feed the next bits, up to eight."""
        counts, states = _STUFFING[width]
        index = (self._state << width) + value
        self.count += counts[index]
        self._state = states[index]


__all__ = ["frame_lengths"]
