"""The artefact port as an interface, and a simulated artefact server in virtual time.

Rules of this module: files are fetched in parts (offset and length), so that a download goes on where it stopped. An
answer is a part, or a failure in words; it comes once. The simulated server has a latency and a bandwidth, shared by
nobody, and faults on demand. What it serves is a shelf: path -> bytes, which the bench changes as it likes.

Not for: deciding whether what came is right; whoever fetched it does.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from hil.clock import Clock, Timer

LATENCY_S: Final = 0.030
BANDWIDTH: Final = 256 * 1024
"""Bytes a second of the simulated link."""
Fault = Literal["dropped", "server error", "cut short", "range ignored"]
FAULTS: Final[tuple[Fault, ...]] = ("dropped", "server error", "cut short", "range ignored")
_DROPPED_AFTER_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file.

    Attributes:
        offset: where it begins; not where it was asked for, if the server ignored that.
        data: its bytes.
        total: bytes of the whole file, as the server says.
    """

    offset: int
    data: bytes
    total: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a part did not come."""

    why: str


OnAnswer = Callable[[Part | Failure], object]


class ArtefactPort(Protocol):
    """A client of an artefact server. All calls in the loop's thread."""

    def fetch(self, path: str, offset: int, length: int, on_answer: OnAnswer) -> None:
        """Ask for a part of a file; one at a time."""

    def stop(self) -> None:
        """Forget what was asked for: no answer comes any more."""

    async def close(self) -> None:
        """Let everything go; may be called twice."""


class Shelf:
    """What an artefact server serves: path -> bytes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._faults: list[tuple[Fault, int]] = []
        self.requests: list[str] = []

    def fail_next(self, fault: Fault, count: int = 1, *, after: int = 0) -> None:
        """Have `count` requests fail, once `after` more have been served well."""
        self._faults += [(fault, after)] + [(fault, 0)] * (count - 1)

    def forget(self) -> None:
        """No faults any more, and no requests yet; the files stay."""
        self._faults.clear()
        self.requests.clear()

    def take_fault(self) -> Fault | None:
        """The fault of the request that is being served now."""
        if not self._faults:
            return None
        fault, after = self._faults[0]
        if after:
            self._faults[0] = (fault, after - 1)
            return None
        self._faults.pop(0)
        return fault

    def answer(self, path: str, offset: int, length: int, fault: Fault | None) -> Part | Failure:
        """What is served for a request."""
        self.requests.append(f"{path} {offset}+{length}")
        data = self.files.get(path)
        if data is None:
            return Failure("404 not found")
        if fault == "server error":
            return Failure("500 internal server error")
        if fault == "range ignored":
            return Part(0, data[:length], len(data))
        part = data[offset : offset + length]
        return Part(offset, part[: len(part) // 2] if fault == "cut short" else part, len(data))


class SimArtefacts:
    """A simulated client and server in one; an `ArtefactPort`.

    Args:
        clock: the bench's clock.
        shelf: what is served.
        rng: its own randomness (latencies).

    Attributes:
        bandwidth: bytes a second.
        reachable: whether there is a network.
    """

    def __init__(self, clock: Clock, shelf: Shelf, rng: random.Random) -> None:
        self._clock, self.shelf, self._rng = clock, shelf, rng
        self.bandwidth, self.reachable = BANDWIDTH, True
        self._under_way: Timer | None = None

    def fetch(self, path: str, offset: int, length: int, on_answer: OnAnswer) -> None:
        """See `ArtefactPort.fetch`."""
        self.stop()
        fault = self.shelf.take_fault()
        if fault == "dropped" or not self.reachable:
            delay_s, answer = _DROPPED_AFTER_S, Failure("no answer")
            self._under_way = self._clock.call_in(round(delay_s * 1e9), lambda _: on_answer(answer))
            return
        served = self.shelf.answer(path, offset, length, fault)
        size = len(served.data) if isinstance(served, Part) else 0
        delay_s = LATENCY_S * (1 + self._rng.random()) + size / self.bandwidth
        self._under_way = self._clock.call_in(round(delay_s * 1e9), lambda _: on_answer(served))

    def stop(self) -> None:
        """See `ArtefactPort.stop`."""
        if self._under_way is not None:
            self._under_way.cancel()
            self._under_way = None

    async def close(self) -> None:
        """See `ArtefactPort.close`."""
        self.stop()


class ShelfServer(Protocol):
    """An artefact server of the bench, as the bench holds it."""

    shelf: Shelf

    async def open(self) -> None:
        """Begin to serve.

        Raises:
            BenchError: it can't.
        """

    async def close(self) -> None:
        """Serve no more; may be called twice."""


class SimShelf:
    """A shelf that simulated clients fetch from; a `ShelfServer`."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    async def open(self) -> None:
        """Nothing to begin."""

    async def close(self) -> None:
        """Nothing to end."""
