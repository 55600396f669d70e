"""Whether a byte stream carries what no console says: more than any line brings, or noise where text should be.

Rules of this module: pure. A stream may carry a burst at once and a rate for ever: what waited in a terminal server
comes in one piece, while a serial device keeps no more than its driver's buffer.
"""

from __future__ import annotations

from typing import Final

DEFAULT_RATE_BPS: Final = 500_000
"""Bytes per second: more than a serial line of 4 Mbit/s brings."""
SOCKET_BURST: Final = 1 << 20
DEVICE_BURST: Final = 1 << 16
_SHORTEST: Final = 64
_MOST_GARBAGE: Final = 0.2
_REPLACED: Final = "\ufffd"


class FloodGate:
    """Counts the bytes of one stream.

    Args:
        rate_Bps: bytes per second that it may carry for ever.
        burst: bytes that it may carry at once.
    """

    def __init__(self, rate_Bps: int, burst: int) -> None:
        self._rate_Bps, self._burst = rate_Bps, burst
        self._level, self._t_ns = 0.0, 0

    def floods(self, t_ns: int, count: int) -> bool:
        """Count what arrived at `t_ns` of a clock that only goes on; whether it was more than the stream may carry."""
        drained = (t_ns - self._t_ns) / 1e9 * self._rate_Bps
        self._level, self._t_ns = max(0.0, self._level - drained) + count, t_ns
        return self._level > self._burst


def is_noise(text: str) -> bool:
    """Whether text that came over a line is none: a wrong baud rate makes bytes that no program prints."""
    if len(text) < _SHORTEST:
        return False
    garbage = sum(1 for char in text if char == _REPLACED or not (char.isprintable() or char.isspace()))
    return garbage > _MOST_GARBAGE * len(text)
