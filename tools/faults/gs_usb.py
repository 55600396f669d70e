"""A candleLight, as most cheap USB-CAN adapters are: one channel, classic frames; with stamps of its own, if wanted.

Written from Linux, drivers/net/can/usb/gs_usb.c: requests on the control endpoint, one frame a transfer on the two
others; each frame that is on the wire comes back with the number that the driver gave it. Its driver knows no restart
after bus-off: the interface is taken down and brought up.

Not for: the wire and the plug (`faults.adapter`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

_MODE, _LIMITS, _CONFIG, _TIME = 2, 4, 5, 6
_STAMPS: Final = 1 << 4
_STARTED: Final = 1
_FRAME: Final = struct.Struct("<IIBBBB8s")
_HEARD: Final = 0xFFFF_FFFF
_BIT_TIMING: Final = struct.pack("<9I", 48_000_000, 1, 16, 1, 8, 4, 1, 1024, 1)
"""Clock; both segments, jump width, prescaler."""
_VERSIONS: Final = struct.pack("<4B2I", 0, 0, 0, 0, 2, 1)
"""One channel; software 2, hardware 1."""


class GsUsb:
    """See `faults.adapter.Dialect`.

    Args:
        clock: its microseconds, of which it sends the lower 32 bits behind each frame; None: it has no stamps.
    """

    vendor, product, name = 0x1D50, 0x606F, "candleLight USB to CAN adapter"
    inward, outward = 1, 2

    def __init__(self, clock: Callable[[], int] | None = None) -> None:
        self._clock = clock

    def asked(self, request: int, value: int) -> bytes | None:
        """See `faults.adapter.Dialect`."""
        limits = struct.pack("<I", 0 if self._clock is None else _STAMPS) + _BIT_TIMING
        return {_LIMITS: limits, _CONFIG: _VERSIONS, _TIME: self._stamp(0) or None}.get(request)

    def switched(self, request: int, data: bytes) -> bool | None:
        """See `faults.adapter.Dialect`."""
        return bool(struct.unpack_from("<I", data)[0] == _STARTED) if request == _MODE else None

    def sent(self, data: bytes) -> tuple[int, int, bytes]:
        """See `faults.adapter.Dialect`."""
        number, can_id, length, _, _, _, payload = _FRAME.unpack(data)
        return number, can_id, payload[:length]

    def done(self, number: int, data: bytes, *, well: bool) -> bytes | None:
        """See `faults.adapter.Dialect`: a frame that never will be on the wire is never spoken of."""
        return data + self._stamp(0) if well else None

    def heard(self, can_id: int, data: bytes, ago_us: int = 0) -> bytes:
        """See `faults.adapter.Dialect`."""
        return _FRAME.pack(_HEARD, can_id, len(data), 0, 0, 0, data) + self._stamp(ago_us)

    def _stamp(self, ago_us: int) -> bytes:
        return b"" if self._clock is None else struct.pack("<I", (self._clock() - ago_us) & 0xFFFF_FFFF)
