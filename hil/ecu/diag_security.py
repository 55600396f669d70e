"""Security access of the virtual ECU (service 27): seed, key, and what keeps somebody from trying them all.

Rules of this module: the key of a seed is documented (docs/diagnosis.md), since nothing is protected here that could be
stolen. Three wrong keys, and no seed is given for ten seconds. The count of wrong keys is in the store before the
answer leaves, so that neither a reset nor a power cut gives new tries: with three of them on record the ten seconds
begin anew at each start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hil.clock import NS_PER_S
from hil.ecu.app import Platform

ATTEMPTS: Final = 3
DELAY_NS: Final = 10 * NS_PER_S
LEVEL: Final = 1
_SECRET: Final = 0x5EED_C0DE
_FACTOR: Final = 0x9E37_79B1
_KEY: Final = "diag.wrong_keys"


def key_of(seed: int) -> int:
    """The key to a seed: exclusive or with a constant, turned left by seven bits, times an odd constant, plus level."""
    mixed = seed ^ _SECRET
    turned = (mixed << 7 | mixed >> 25) & 0xFFFF_FFFF
    return (turned * _FACTOR + LEVEL) & 0xFFFF_FFFF


class Lock:
    """The lock in front of what must not be written by everybody.

    Args:
        platform: what the ECU stands on.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._forget()

    def _forget(self) -> None:
        self.is_open = False
        self._seed: int | None = None
        self._shut_until_ns = 0

    @property
    def _wrong(self) -> int:
        return int(self._platform.store.get(_KEY, 0))

    def start(self) -> None:
        """The ECU has started."""
        self._forget()
        if self._wrong >= ATTEMPTS and "security_delay_lost_on_reset" not in self._platform.defects:
            self._shut()

    def close(self) -> None:
        """Another session: what was unlocked is locked."""
        self.is_open, self._seed = False, None

    @property
    def is_shut(self) -> bool:
        """Whether the delay after too many wrong keys runs."""
        return self._platform.clock.now_ns < self._shut_until_ns

    def seed(self) -> bytes:
        """A seed; zeros if it is open already."""
        if self.is_open:
            return bytes(4)
        if self._wrong >= ATTEMPTS:  # its start was not followed by the delay
            self._platform.store.put(_KEY, 0)
        self._seed = self._platform.rng.randrange(1, 1 << 32)
        return self._seed.to_bytes(4, "big")

    @property
    def has_given_a_seed(self) -> bool:
        """Whether a key may come."""
        return self._seed is not None

    def try_key(self, key: bytes, done: Callable[[bool, bool], object]) -> None:
        """Try a key; `done(right, too_often)` is called when the count is safe."""
        assert self._seed is not None
        right = int.from_bytes(key, "big") == key_of(self._seed)
        self._seed = None
        wrong = 0 if right else self._wrong + 1
        self.is_open = right
        self._platform.store.put(_KEY, wrong)
        if wrong >= ATTEMPTS:
            self._shut()
        self._platform.store.flush(lambda: done(right, wrong >= ATTEMPTS))

    def _shut(self) -> None:
        self._shut_until_ns = self._platform.clock.now_ns + DELAY_NS
        self._platform.later(DELAY_NS, self._one_more)

    def _one_more(self, _: object) -> None:
        """The delay is over: one try more."""
        self._platform.store.put(_KEY, ATTEMPTS - 1)
        self._platform.store.flush()
