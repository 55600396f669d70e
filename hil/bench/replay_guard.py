"""End-to-end protection of replayed frames: counters that go on where a log was changed, cut or begins again.

Rules of this module: pure. A message without overridden signals leaves as it was recorded, with whatever was wrong with
it. One with overridden signals keeps its recorded counters, so that a frame that was lost in the vehicle is lost here
too, and its checksum is right. In a repeat the counters of the whole pass move by as much as makes the first follow the
last one of the pass before. With `RENEWED` the log's counters don't matter: each frame counts one on.
"""

from __future__ import annotations

from enum import Enum

from cantools.database.can import Signal

from hil.can import database
from hil.can.e2e import Chain, E2e


class Renewal(Enum):
    """Which protection a message is sent with."""

    RECORDED = "as recorded"
    MENDED = "the counter that was recorded, and a checksum that fits the overridden signals"
    RENEWED = "a counter and a checksum of its own"


class Guard:
    """The protection of one message during a replay.

    Args:
        chain: what the database states.
        link: the link of it that counts.
        renewal: what to do.

    Attributes:
        renewal: what is done.
        next_counter: with `RENEWED` that of the next frame.
        last_counter: that of the last frame; None before the first.
        too_short: frames that should have been protected anew and are too short for it: sent as they are.
    """

    def __init__(self, chain: Chain, link: E2e, renewal: Renewal) -> None:
        self._chain, self.link, self.renewal = chain, link, renewal
        self.next_counter = self.too_short = 0
        self.last_counter: int | None = None
        self._shift = 0
        self._at_seam = False

    def begin_pass(self) -> None:
        """The log begins again: its first frame follows the last one."""
        self._at_seam = self.last_counter is not None

    def take(self, data: bytes) -> bytes:
        """The next frame as it is sent."""
        link = self.link
        if len(data) < link.config.length:
            self.too_short += self.renewal is not Renewal.RECORDED
            return data
        if self.renewal is Renewal.RENEWED:
            self.last_counter = self.next_counter
            self.next_counter = (self.next_counter + 1) % link.period
            return self._chain.protect(data, self.last_counter)
        recorded = link.counter(data)
        if recorded >= link.period:  # no sender counts so far: a fault on purpose, that stays one
            return data
        if self._at_seam and self.last_counter is not None:
            self._shift, self._at_seam = self.last_counter + 1 - recorded, False
        self.last_counter = (recorded + self._shift) % link.period
        return self._with_counter(data, self.last_counter, recorded)

    def _with_counter(self, data: bytes, count: int, recorded: int) -> bytes:
        if self.renewal is Renewal.MENDED:
            return self._chain.protect(data, count)
        if count == recorded:
            return data
        protected = self._chain.protect(data, count)
        return protected if self.link.crc_ok(data) else self._chain.corrupt(protected)


def guard_of(chain: Chain | None, renewal: Renewal) -> Guard | None:
    """A guard for a message; None if nothing of its protection counts."""
    if chain is None:
        return None
    link = next((link for link in chain.links if isinstance(link, E2e)), None)
    return None if link is None else Guard(chain, link, renewal)


def writes(chain: Chain | None, signal: Signal) -> bool:
    """Whether a message's protection writes a signal of it."""
    header = chain.header if chain is not None else ()
    written = {bit for begin, bits in header for bit in range(begin, begin + bits)}
    return not written.isdisjoint(database.bits_of(signal))


__all__ = ["Guard", "Renewal", "guard_of", "writes"]
