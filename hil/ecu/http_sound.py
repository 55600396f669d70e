"""The loudspeaker as a WAV that never ends, in pieces of real time: any player or recorder can listen. Pure.

Rules of this module: a piece holds the samples up to now and joins the one before without a gap; silence is samples
too. The head states the largest length that a WAV can, as recorders do that don't know theirs.
"""

from __future__ import annotations

import struct
from typing import Final

from hil.clock import NS_PER_S
from hil.hmi.audio import RATE_HZ, Speaker, index_of

PIECE_S: Final = 0.02
KIND: Final = "audio/wav"
_ENDLESS: Final = 0xFFFFFFFF


def head() -> bytes:
    """What stands before the samples: PCM, mono, 16 bit."""
    kind = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", _ENDLESS, b"WAVE") + kind + struct.pack("<4sI", b"data", _ENDLESS - 36)


class Tape:
    """What one listener has heard of a speaker so far.

    Args:
        speaker: what it listens to.
        since_ns: when it begins to.
    """

    def __init__(self, speaker: Speaker, since_ns: int) -> None:
        self._speaker, self._next = speaker, index_of(since_ns)

    def age_us(self, now_ns: int) -> int:
        """How long ago the sample that comes next sounded."""
        return max(0, now_ns - self._next * NS_PER_S // RATE_HZ) // 1000

    def piece(self, now_ns: int) -> bytes:
        """The samples from where it was up to now; empty if there is none yet."""
        first, self._next = self._next, max(self._next, index_of(now_ns))
        if first == self._next:
            return b""
        spans = (-(-number * NS_PER_S // RATE_HZ) for number in (first, self._next))
        return self._speaker.heard(*spans).astype("<i2").tobytes()
