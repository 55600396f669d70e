"""A candleLight, as most cheap USB-CAN adapters are: one channel, classic frames, no stamps.

Written from Linux, drivers/net/can/usb/gs_usb.c: requests on the control endpoint, one frame a transfer on the two
others; each frame that is on the wire comes back with the number that the driver gave it. Its driver knows no restart
after bus-off: the interface is taken down and brought up.

Not for: the wire and the plug (`faults.adapter`).
"""

from __future__ import annotations

import struct
from typing import Final

_MODE, _LIMITS, _CONFIG = 2, 4, 5
_STARTED: Final = 1
_FRAME: Final = struct.Struct("<IIBBBB8s")
_HEARD: Final = 0xFFFF_FFFF
_BIT_TIMING: Final = struct.pack("<10I", 0, 48_000_000, 1, 16, 1, 8, 4, 1, 1024, 1)
"""No features; clock; both segments, jump width, prescaler."""
_VERSIONS: Final = struct.pack("<4B2I", 0, 0, 0, 0, 2, 1)
"""One channel; software 2, hardware 1."""


class GsUsb:
    """See `faults.adapter.Dialect`."""

    vendor, product, name = 0x1D50, 0x606F, "candleLight USB to CAN adapter"
    inward, outward = 1, 2

    def asked(self, request: int, value: int) -> bytes | None:
        """See `faults.adapter.Dialect`."""
        return {_LIMITS: _BIT_TIMING, _CONFIG: _VERSIONS}.get(request)

    def switched(self, request: int, data: bytes) -> bool | None:
        """See `faults.adapter.Dialect`."""
        return bool(struct.unpack_from("<I", data)[0] == _STARTED) if request == _MODE else None

    def sent(self, data: bytes) -> tuple[int, int, bytes]:
        """See `faults.adapter.Dialect`."""
        number, can_id, length, _, _, _, payload = _FRAME.unpack(data)
        return number, can_id, payload[:length]

    def done(self, number: int, data: bytes, *, well: bool) -> bytes | None:
        """See `faults.adapter.Dialect`: a frame that never will be on the wire is never spoken of."""
        return data if well else None

    def heard(self, can_id: int, data: bytes) -> bytes:
        """See `faults.adapter.Dialect`."""
        return _FRAME.pack(_HEARD, can_id, len(data), 0, 0, 0, data)
