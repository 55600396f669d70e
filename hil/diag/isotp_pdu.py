"""Frames of ISO 15765-2 with normal addressing: bytes to what they say, and back. Pure.

Rules of this module: what the standard tells a receiver to ignore is read as None: reserved types, lengths that the
frame can't hold or that should have been sent in another form, flow control that is too short. Clauses from memory
(ISO 15765-2:2016, 9.6): check the text before quoting it as normative.

Not for: the order of frames and time (`hil.diag.isotp`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from hil.errors import UsageError

FD_LENGTHS: Final = (8, 12, 16, 20, 24, 32, 48, 64)
"""What a frame of ISO-TP may carry at most (TX_DL): 8 is classic CAN."""
LONGEST: Final = 0xFFFF_FFFF
SHORT_LIMIT: Final = 0xFFF
"""Longest message whose length fits the first frame's 12 bits."""
_NS_PER_MS: Final = 1_000_000


class Status(IntEnum):
    """What flow control says."""

    GO_ON = 0
    WAIT = 1
    OVERFLOW = 2


@dataclass(frozen=True, slots=True)
class Single:
    """A whole message in one frame."""

    data: bytes


@dataclass(frozen=True, slots=True)
class First:
    """The first frame of a segmented message: how long it is, how much a frame carries, and its beginning."""

    length: int
    frame_bytes: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Consecutive:
    """A further frame; `room` is what it can carry, padding included."""

    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FlowControl:
    """What the receiver of a segmented message says; `status` is the raw nibble, which may be none of `Status`."""

    status: int
    block_size: int
    gap_ns: int


Pdu = Single | First | Consecutive | FlowControl


def gap_ns(st_min: int) -> int:
    """STmin as time: 00-7F ms, F1-F9 100-900 us; reserved values are the longest, 127 ms."""
    if st_min <= 0x7F:
        return st_min * _NS_PER_MS
    if 0xF1 <= st_min <= 0xF9:
        return (st_min - 0xF0) * _NS_PER_MS // 10
    return 0x7F * _NS_PER_MS


def parse(data: bytes) -> Pdu | None:
    """What a frame says; None if a receiver has to ignore it."""
    if not data:
        return None
    kind = data[0] >> 4
    if kind == 0:
        return _single(data)
    if kind == 1:
        return _first(data)
    if kind == 2:
        return Consecutive(data[0] & 0xF, data[1:]) if len(data) > 1 else None
    if kind == 3 and len(data) >= 3:
        return FlowControl(data[0] & 0xF, data[1], gap_ns(data[2]))
    return None


def _single(data: bytes) -> Single | None:
    length, begin = data[0] & 0xF, 1
    if len(data) > 8:
        if length:
            return None
        length, begin = data[1], 2
    if not length or length > len(data) - begin:
        return None
    return Single(data[begin : begin + length])


def _first(data: bytes) -> First | None:
    if len(data) < 8:
        return None
    length, begin = (data[0] & 0xF) << 8 | data[1], 2
    if length == 0:
        length, begin = int.from_bytes(data[2:6], "big"), 6
        if length <= SHORT_LIMIT:
            return None
    if length <= single_room(len(data)):
        return None
    return First(length, len(data), data[begin:])


def single_room(frame_bytes: int) -> int:
    """How much a single frame carries where frames carry at most `frame_bytes`."""
    return 7 if frame_bytes == 8 else frame_bytes - 2


# Making ---------------------------------------------------------------------------------------------------------------


def make_single(data: bytes) -> bytes:
    """A single frame, not padded."""
    return bytes([len(data)]) + data if len(data) <= 7 else bytes([0, len(data)]) + data


def make_first(length: int) -> bytes:
    """The head of a first frame."""
    if length <= SHORT_LIMIT:
        return bytes([0x10 | length >> 8, length & 0xFF])
    return b"\x10\x00" + length.to_bytes(4, "big")


def make_flow_control(status: Status, block_size: int, st_min: int) -> bytes:
    """A flow control frame, not padded."""
    return bytes([0x30 | status, block_size, st_min])


def pad(frame: bytes, padding: int | None) -> bytes:
    """A frame of a length that the bus can carry; without padding it stays short where that is possible."""
    if len(frame) <= 8:
        return frame if padding is None else frame.ljust(8, bytes([padding]))
    wanted = next(length for length in FD_LENGTHS if length >= len(frame))
    return frame.ljust(wanted, bytes([0xCC if padding is None else padding]))


def check_st_min(st_min: int) -> int:
    """An STmin that may be sent.

    Raises:
        UsageError: it is reserved.
    """
    if not (0 <= st_min <= 0x7F or 0xF1 <= st_min <= 0xF9):
        raise UsageError(f"STmin 0x{st_min:02X} is reserved", remedy="00 to 7F are ms, F1 to F9 are 100 to 900 us.")
    return st_min
