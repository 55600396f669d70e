"""What the cases of a run have in common at their beginning: a bench that was booted ahead is the boot of each of them.

Rules of this module: pure, bounded memory. A block of a journal is common once two journals in a row had it, byte by
byte, and with the same channels before it. What the frames of common blocks say together is worked out once. Nothing
depends on it but time: a case reads the same, alone or as the hundredth.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, Generic, TypeVar

from hil.can.log_frames import Frames, joined
from hil.evidence.wire import LoadMeter, SignalCollector

B = TypeVar("B")
_CANDIDATES: Final = 64
"""So many blocks of a journal may turn out to be common."""
_COMMON: Final = 256
_BEGINNINGS: Final = 8


class CommonBlocks(Generic[B]):
    """Blocks by what they were read from."""

    def __init__(self) -> None:
        self._common: dict[Hashable, B] = {}
        self._before: dict[Hashable, B] = {}
        self._now: dict[Hashable, B] = {}

    def begin(self) -> None:
        """Another journal begins."""
        self._before, self._now = self._now, {}

    def find(self, key: Hashable) -> B | None:
        """The block of this key, if it is common."""
        found = self._common.get(key)
        if found is None and key in self._before and len(self._common) < _COMMON:
            found = self._common[key] = self._before[key]
        return found

    def note(self, key: Hashable, block: B) -> None:
        """A block that was read; the next journal may have it too."""
        if len(self._now) < _CANDIDATES:
            self._now[key] = block


class Beginnings:
    """What is said together by the frames that cases begin with."""

    def __init__(self) -> None:
        self._known: dict[tuple[Frames, ...], tuple[LoadMeter, SignalCollector]] = {}

    def of(
        self, blocks: Sequence[Frames], load: LoadMeter, signals: SignalCollector, buses: Sequence[str]
    ) -> tuple[LoadMeter, SignalCollector]:
        """Both with these blocks taken.

        Args:
            blocks: common ones, the first of a case.
            load: nothing was taken yet.
            signals: nothing was taken yet.
            buses: of the case.
        """
        key = tuple(blocks)
        if key not in self._known:
            if len(self._known) >= _BEGINNINGS:
                self._known.clear()
            block = joined(blocks)
            load.take(block, buses)
            signals.take(block)
            self._known[key] = load.copy(), signals.go_on(buses)
        load, signals = self._known[key]
        return load.copy(), signals.go_on(buses)
