"""The ECU's persistent memory: keys and values on two pages of flash. It survives power cuts; RAM does not.

Rules of this module: `put` changes a copy in RAM; `flush` writes that copy to the page that is not in use, with a
sequence number and a checksum. The write takes time: a power cut within it leaves a torn page, which the checksum
finds, and the page before counts. So a commit is atomic: all of it or nothing of it. Values are what JSON can hold.

Not for: images of software; the updater keeps them in slots of its own.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from hil.clock import Clock, Timer

WRITE_NS: Final = 12_000_000
"""How long the flash takes for a page."""


class Store:
    """Persistent key-value storage.

    Args:
        clock: the time that a write takes passes on it; without one a flush is done at once.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self.pages: list[bytes] = [b"", b""]
        self._values: dict[str, Any] = {}
        self._sequence = 0
        self._writing: Timer | None = None
        self._waiting: list[Callable[[], object]] = []
        self._dirty = self._again = False

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, as last put."""
        return self._values.get(key, default)

    def put(self, key: str, value: Any) -> None:
        """Change a value in RAM; `flush` makes it last."""
        if key not in self._values or self._values[key] != value:
            self._values[key] = value
            self._dirty = True

    def remove(self, key: str) -> None:
        """Forget a key, in RAM; `flush` makes it last."""
        if self._values.pop(key, None) is not None:
            self._dirty = True

    def __iter__(self) -> Iterator[str]:
        """The keys, sorted."""
        return iter(sorted(self._values))

    def flush(self, done: Callable[[], object] | None = None) -> None:
        """Begin to write what was put to flash; `done` is called when it is safe there.

        What is put while a write is under way is written after it.
        """
        if done is not None:
            self._waiting.append(done)
        if self._writing is not None:
            self._again = self._again or self._dirty
            return
        if not self._dirty:
            self._tell()
            return
        self._begin()

    @property
    def is_writing(self) -> bool:
        """Whether a page is being written now."""
        return self._writing is not None

    def _begin(self) -> None:
        self._sequence += 1
        self._dirty = False
        page = _page(self._sequence, self._values)
        if self._clock is None:
            self._end(page)
            return
        self.pages[self._sequence % 2] = page[: len(page) // 2]  # as a power cut in the middle would leave it
        self._writing = self._clock.call_in(WRITE_NS, self._end, page)

    def _end(self, page: bytes) -> None:
        self._writing = None
        self.pages[self._sequence % 2] = page
        if self._again:
            self._again = False
            self._begin()
        else:
            self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done()

    def power_cut(self) -> int:
        """The supply went: RAM is lost, a write under way is torn. As `mount`."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        self._waiting, self._again, self._dirty = [], False, False
        return self.mount()

    def erase(self) -> None:
        """Forget everything for good, as a new memory."""
        self.pages = [b"", b""]
        self.power_cut()

    def mount(self) -> int:
        """Read the newest page that is whole; how many pages were broken where none was whole, so that all is lost.

        One broken page beside a whole one is what a power cut leaves: nothing that was kept is lost.
        """
        found = [_parse(page) for page in self.pages]
        whole = [one for one in found if one is not None]
        self._sequence, self._values = max(whole, key=lambda one: one[0]) if whole else (0, {})
        return 0 if whole else sum(map(bool, self.pages))


def _page(sequence: int, values: dict[str, Any]) -> bytes:
    body = json.dumps([sequence, values], sort_keys=True).encode()
    return zlib.crc32(body).to_bytes(4, "big") + body


def _parse(page: bytes) -> tuple[int, dict[str, Any]] | None:
    if len(page) <= 4 or zlib.crc32(page[4:]).to_bytes(4, "big") != page[:4]:
        return None
    sequence, values = json.loads(page[4:])
    return sequence, values
