"""Sound that comes as a stream of samples, signed 16 bit, little endian: what such ears have in common.

Rules of this module: a sample's time is its number over the rate, from an anchor on the host's monotonic clock, so that
it holds from test to test. A source that states how old its first sample is (`age_ns`) gives the anchor itself; of any
other the anchor is the least of (arrival - number / rate) over all pieces, since a stream can only delay, less the
delay that the bench file states. A minute is kept. A stream that ends is a bench fault, and so is one that is mute.

Not for: where the samples come from (`hil.hmi.audio_ports`, `hil.hmi.audio_http`).
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, cast

import numpy as np

from hil.clock import NS_PER_S, Clock, RealClock
from hil.errors import BenchError, HilError, UsageError
from hil.hmi.audio import Samples
from hil.journal import Origin

KEPT_S: Final = 60
_NEVER_NS: Final = 1 << 62


class StreamedAudio(ABC):
    """An ear that is fed with samples; an `AudioPort`.

    Args:
        clock: a real clock.
        name: the port's name in the bench file.
        rate_Hz: samples a second.
        channels: how many are interleaved; their mean is heard.
        delay_s: how long a sound takes from the air to here.
        bound_s: by how much a sample's time may be off.
        timeout_s: how long nothing may come.

    Raises:
        UsageError: the clock is virtual.
    """

    origin = Origin.HOST

    def __init__(
        self, *, clock: Clock, name: str, rate_Hz: int, channels: int, delay_s: float, bound_s: float, timeout_s: float
    ) -> None:
        self.name, self.rate_Hz, self.bound_ns = name, rate_Hz, round(bound_s * NS_PER_S)
        self.where = f"audio.{name}"
        if clock.is_virtual:
            what = "nothing outside can be heard in virtual time"
            raise UsageError(what, where=self.where, remedy='use port = "virtual", or a real bench.')
        self.clock = cast("RealClock", clock)
        self.channels, self._delay_ns, self._timeout_s = channels, round(delay_s * NS_PER_S), timeout_s
        self._heard = bytearray()
        self._first = 0
        self._anchor_ns, self._is_anchored = _NEVER_NS, False
        self._more = asyncio.Event()
        self._lost: BenchError | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def what(self) -> str:
        """The source, for messages."""
        return self.name

    @abstractmethod
    async def begin(self) -> int | None:
        """Start the source; the monotonic instant of its first sample where it states one. Raises: BenchError."""

    @abstractmethod
    async def piece(self) -> bytes:
        """What comes next; empty when the source has ended."""

    @abstractmethod
    async def last_words(self) -> str:
        """Why it ended."""

    @abstractmethod
    async def end(self) -> None:
        """Stop the source; may be called twice."""

    async def open(self, on_lost: Callable[[HilError], object]) -> None:
        """Start the source and wait for its first samples. Raises: BenchError: none come."""
        self._heard, self._first, self._lost = bytearray(), 0, None
        try:
            async with asyncio.timeout(self._timeout_s):
                stated_ns = await self.begin()
        except TimeoutError as error:
            raise self._mute() from error
        self._is_anchored = stated_ns is not None
        self._anchor_ns = _NEVER_NS if stated_ns is None else stated_ns - self._delay_ns
        self._reading = asyncio.create_task(self._read(on_lost))
        await self._wait_for(1)

    async def _read(self, on_lost: Callable[[HilError], object]) -> None:
        rest = b""
        try:
            while piece := await self.piece():
                rest = self._take(rest + piece)
            self._lost = BenchError(f"{self.what} ended: {await self.last_words()}", where=self.where)
        except BenchError as error:
            self._lost = error
        opened = self._count > 0
        self._more.set()
        if opened:
            on_lost(self._lost)

    @property
    def _count(self) -> int:
        return self._first + len(self._heard) // 2

    def _take(self, data: bytes) -> bytes:
        """Keep whole samples; what is left of one is given back."""
        width = 2 * self.channels
        whole = len(data) // width * width
        self._heard += _mono(data[:whole], self.channels)
        if not self._is_anchored:
            now_ns = self.clock.to_monotonic_ns(self.clock.now_ns)
            late_ns = now_ns - self._count * NS_PER_S // self.rate_Hz
            self._anchor_ns = min(self._anchor_ns, late_ns - self._delay_ns)
        surplus = len(self._heard) // 2 - KEPT_S * self.rate_Hz
        if surplus > self.rate_Hz:
            del self._heard[: 2 * surplus]
            self._first += surplus
        self._more.set()
        return data[whole:]

    async def _wait_for(self, count: int) -> None:
        """Until that many samples have come in all. Raises: BenchError."""
        while self._count < count:
            if self._lost is not None:
                raise self._lost
            self._more.clear()
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._more.wait()
            except TimeoutError as error:
                raise self._mute() from error

    def _mute(self) -> BenchError:
        what = f"{self.what} gave no samples for {self._timeout_s:g} s"
        return BenchError(what, where=self.where, remedy="check the source in the bench file, and its device.")

    async def record(self, since_ns: int, until_ns: int) -> Samples:
        """As `AudioPort.record`."""
        first, end = self._index(since_ns), self._index(until_ns)
        await self._wait_for(end)
        if first < self._first:
            raise BenchError(f"the sound of {KEPT_S} s ago is not kept", where=self.where)
        return np.frombuffer(bytes(self._heard[2 * (first - self._first) : 2 * (end - self._first)]), np.int16)

    def _index(self, t_ns: int) -> int:
        since_ns = self.clock.to_monotonic_ns(t_ns) - self._anchor_ns
        return max(0, since_ns * self.rate_Hz // NS_PER_S)

    async def close(self) -> None:
        """Stop listening; may be called twice."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
        await self.end()


def _mono(data: bytes, channels: int) -> bytes:
    if channels == 1:
        return data
    mean: Samples = np.frombuffer(data, "<i2").reshape(-1, channels).mean(axis=1).astype("<i2")
    return mean.tobytes()
