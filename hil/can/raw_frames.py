"""Frames as the kernel hands them over a raw CAN socket: `struct can_frame` and `canfd_frame`, and what comes along.

Beside a frame come its stamp and how many frames the socket had to drop until then. Layouts: linux/can.h,
linux/can/error.h, and socket(7) for `SO_TIMESTAMPNS` and `SO_RXQ_OVFL`.

Rules of this module: pure; it has no socket. Not for: the broadcast manager's messages (`hil.can.bcm`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE

HEAD_BYTES: Final = 8
CLASSIC_BYTES: Final = 16
FD_BYTES: Final = 72
SO_TIMESTAMPNS, SO_TIMESTAMPING, SO_RXQ_OVFL = 35, 37, 40
"""Options of a socket on Linux, and the types of the control messages that they ask for."""
HARDWARE_STAMPS: Final = 0x04 | 0x40
"""SOF_TIMESTAMPING_RX_HARDWARE, SOF_TIMESTAMPING_RAW_HARDWARE: nothing comes along where the adapter has none."""
OVERRUN: Final = "the controller's buffer ran over"
_EXTENDED_BIT, _REMOTE_BIT, _ERROR_BIT = 0x8000_0000, 0x4000_0000, 0x2000_0000
_KIND: Final = _EXTENDED_BIT | _REMOTE_BIT | _ERROR_BIT
_LONG_ID, _SHORT_ID = 0x1FFF_FFFF, 0x7FF
_FD_BRS, _FD_ESI, _FD_MARK = 0x01, 0x02, 0x04
_HEAD: Final = struct.Struct("=IBB")
_CLASSIC: Final = struct.Struct("=IB3x8s")
_FLEXIBLE: Final = struct.Struct("=IBB2x64s")
_CONTROLLER_PROBLEM, _RX_OVERFLOW = 0x4, 0x01
_COUNT: Final = struct.Struct("=I")
_STAMP: Final = struct.Struct("=qq")
_STAMP_BYTES: Final = 16
_TIMESPEC: Final = {8: struct.Struct("=ii"), 16: _STAMP}

Ancillary = Sequence[tuple[int, int, bytes]]


def pack(can_id: int, data: bytes, flags: int) -> bytes:
    """A frame as the kernel takes it."""
    raw_id = can_id | (_EXTENDED_BIT if flags & EXTENDED else 0) | (_REMOTE_BIT if flags & REMOTE else 0)
    if not flags & FD:
        return _CLASSIC.pack(raw_id, len(data), data)
    marks = _FD_MARK | (_FD_BRS if flags & BRS else 0) | (_FD_ESI if flags & ESI else 0)
    return _FLEXIBLE.pack(raw_id, len(data), marks, data)


def unpack(raw: bytes) -> tuple[int, bytes, int]:
    """Identifier, payload and flags of a frame that the kernel gave.

    Raises:
        ValueError: it is none.
    """
    size = len(raw)
    if size not in (CLASSIC_BYTES, FD_BYTES):
        raise ValueError(f"{size} bytes are no CAN frame")
    raw_id, length, marks = _HEAD.unpack_from(raw)
    flags = 0
    if size == FD_BYTES:
        flags = FD | (BRS if marks & _FD_BRS else 0) | (ESI if marks & _FD_ESI else 0)
    data = raw[HEAD_BYTES : HEAD_BYTES + length]
    if not raw_id & _KIND:
        return raw_id & _SHORT_ID, data, flags
    if raw_id & _ERROR_BIT:
        return raw_id & _LONG_ID, data, flags | ERROR
    if raw_id & _REMOTE_BIT:
        data, flags = b"", flags | REMOTE
    return (raw_id & _LONG_ID, data, flags | EXTENDED) if raw_id & _EXTENDED_BIT else (raw_id & _SHORT_ID, data, flags)


def plain(raw: bytes, ancillary: Ancillary) -> tuple[int, bytes, int] | None:
    """Identifier, payload and stamp of a frame as nearly all are; None: `unpack` and `beside` have to look.

    That is a classic data frame with a short identifier, and nothing beside it but the kernel's stamp.
    """
    if len(raw) != CLASSIC_BYTES or len(ancillary) != 1:
        return None
    ((_, kind, content),) = ancillary
    raw_id, length, data = _CLASSIC.unpack(raw)
    if raw_id > _SHORT_ID or kind != SO_TIMESTAMPNS or len(content) != _STAMP_BYTES:
        return None
    seconds, nanoseconds = _STAMP.unpack(content)
    return raw_id, data if length == 8 else data[:length], seconds * 1_000_000_000 + nanoseconds


def beside(ancillary: Ancillary) -> tuple[int, int, int]:
    """What came beside a frame; 0 where unsaid.

    Returns:
        Its stamp (real-time clock, ns), how many were dropped so far, and the adapter's own stamp (ns).
    """
    stamp_ns = dropped = hardware_ns = 0
    for _, kind, content in ancillary:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC[len(content)].unpack(content)
            stamp_ns = seconds * 1_000_000_000 + nanoseconds
        elif kind == SO_RXQ_OVFL:
            dropped = _COUNT.unpack(content)[0]
        elif kind == SO_TIMESTAMPING:
            hardware_ns = _third(content)
    return stamp_ns, dropped, hardware_ns


def _third(content: bytes) -> int:
    """Of `struct scm_timestamping` the raw stamp of the hardware; the first two are the software's, and nobody's."""
    size = len(content) // 3
    seconds, nanoseconds = _TIMESPEC[size].unpack(content[2 * size :])
    return int(seconds * 1_000_000_000 + nanoseconds)


def is_overrun(can_id: int, data: bytes, flags: int) -> bool:
    """Whether an error frame says that the controller lost frames which it had received."""
    return bool(flags & ERROR and can_id & _CONTROLLER_PROBLEM and len(data) > 1 and data[1] & _RX_OVERFLOW)


__all__ = [
    "CLASSIC_BYTES", "FD_BYTES", "HARDWARE_STAMPS", "HEAD_BYTES",
    "OVERRUN", "SO_RXQ_OVFL", "SO_TIMESTAMPING", "SO_TIMESTAMPNS",
    "beside", "is_overrun", "pack", "plain", "unpack",
]  # fmt: skip
