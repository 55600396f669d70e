"""Theobroma's Seal, a USB-CAN adapter that the kernel restarts after bus-off, by itself or when asked.

Written from Linux, drivers/net/can/usb/ucan.c: protocol 3; requests on the control endpoint, one message a transfer on
the two others. Its driver keeps no error counters, only states.

Not for: the wire and the plug (`faults.adapter`).
"""

from __future__ import annotations

import struct
from typing import Final

_START, _STOP, _RESET, _GET, _RESTART = 0, 1, 4, 5, 8
_VERSION: Final = 1
_DONE, _FRAME = 1, 2
_ROOM: Final = 8
_HEAD: Final = struct.Struct("<HBB")
_HEAD_AND_ID: Final = struct.Struct("<HBBI")
_WELL: Final = 1
_INFO: Final = struct.pack("<I6BHIIHHH", 32_000_000, _ROOM, 4, 1, 16, 1, 8, 1, 1, 1024, 0, 0, 0)
"""Clock; frames that it holds; jump width, both segments, prescaler; no modes, filters or mailboxes of its own."""


class Ucan:
    """See `faults.adapter.Dialect`."""

    vendor, product, name = 0x2294, 0x425B, "Seal"
    inward, outward = 1, 2

    def asked(self, request: int, value: int) -> bytes | None:
        """See `faults.adapter.Dialect`."""
        if request == _GET:
            return struct.pack("<I", 3) if value == _VERSION else _INFO
        return b"a program\0" if request == 0 else None

    def switched(self, request: int, data: bytes) -> bool | None:
        """See `faults.adapter.Dialect`."""
        return {_START: True, _RESTART: True, _STOP: False, _RESET: False}.get(request)

    def sent(self, data: bytes) -> tuple[int, int, bytes]:
        """See `faults.adapter.Dialect`."""
        length, _, number, can_id = _HEAD_AND_ID.unpack_from(data)
        return number, can_id, data[_HEAD_AND_ID.size : length]

    def done(self, number: int, data: bytes, *, well: bool) -> bytes | None:
        """See `faults.adapter.Dialect`."""
        return _HEAD.pack(_HEAD.size + 2, _DONE, 0) + bytes((number, _WELL if well else 0))

    def heard(self, can_id: int, data: bytes, ago_us: int = 0) -> bytes:
        """See `faults.adapter.Dialect`: it has no clock."""
        return _HEAD_AND_ID.pack(_HEAD_AND_ID.size + len(data), _FRAME, 0, can_id) + data
