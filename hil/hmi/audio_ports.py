"""Ears of the bench: the virtual ECU's loudspeaker, and any program that prints samples (arecord, sox, cat of a WAV).

Rules of this module: a sample's time is its number over the rate, from an anchor; of a program the anchor is the least
of (arrival - number / rate) over all pieces, since a pipe can only delay, less the delay that the bench file states.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from hil.clock import NS_PER_S, Clock
from hil.errors import BenchError, HilError, UsageError
from hil.hmi import commands
from hil.hmi.audio import RATE_HZ, Samples, Speaker
from hil.journal import Origin

KEPT_S: Final = 60
_PIECE: Final = 4096


class SimAudio:
    """An ear at the loudspeaker of the virtual ECU."""

    rate_Hz = RATE_HZ
    bound_ns = 0
    origin = Origin.SIM

    def __init__(self, *, clock: Clock, speaker: Speaker) -> None:
        self.name, self._clock, self._speaker = speaker.name, clock, speaker

    async def open(self, on_lost: Callable[[HilError], object]) -> None:
        """Nothing to reach."""

    async def record(self, since_ns: int, until_ns: int) -> Samples:
        """As `AudioPort.record`."""
        if until_ns > self._clock.now_ns:
            await self._clock.sleep_until(until_ns)
        return self._speaker.heard(since_ns, until_ns)

    async def close(self) -> None:
        """Nothing to let go."""


class CommandAudio:
    """A program that prints samples without end, signed 16 bit, little endian.

    Args:
        clock: a real clock.
        name: the port's name in the bench file.
        command: program and arguments; no shell.
        folder: where it runs: the folder of the bench file.
        rate_Hz: samples a second.
        channels: how many are interleaved; their mean is heard.
        delay_s: how long a sound takes from the air to the pipe.
        bound_s: by how much that may be off.
        timeout_s: how long it may print nothing.

    Raises:
        UsageError: the clock is virtual.
    """

    origin = Origin.HOST

    def __init__(
        self,
        *,
        clock: Clock,
        name: str,
        command: Sequence[str],
        folder: Path,
        rate_Hz: int,
        channels: int,
        delay_s: float,
        bound_s: float,
        timeout_s: float,
    ) -> None:
        self.name, self.rate_Hz, self.bound_ns = name, rate_Hz, round(bound_s * NS_PER_S)
        self._where = f"audio.{name}"
        if clock.is_virtual:
            what = "a program can't listen in virtual time"
            raise UsageError(what, where=self._where, remedy='use port = "virtual", or a real bench.')
        self._clock, self._command, self._folder = clock, list(command), folder
        self._channels, self._delay_ns, self._timeout_s = channels, round(delay_s * NS_PER_S), timeout_s
        self._heard = bytearray()
        self._first = 0
        self._anchor_ns = 0
        self._more = asyncio.Event()
        self._lost: BenchError | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self, on_lost: Callable[[HilError], object]) -> None:
        """Start the program and wait for its first samples. Raises: BenchError: it prints none."""
        self._heard, self._first, self._anchor_ns, self._lost = bytearray(), 0, 1 << 62, None
        self._process = await commands.start(self._command, folder=self._folder, where=self._where)
        self._reading = asyncio.create_task(self._read(self._process, on_lost))
        await self._wait_for(1)

    async def _read(self, process: asyncio.subprocess.Process, on_lost: Callable[[HilError], object]) -> None:
        assert process.stdout is not None  # it was started with pipes
        rest = b""
        while piece := await process.stdout.read(_PIECE):
            rest = self._take(rest + piece)
        said = commands.last_line(await process.stderr.read() if process.stderr else b"")
        self._lost = BenchError(f"'{self._command[0]}' ended: {said}", where=self._where, remedy="check the command.")
        opened = self._first + len(self._heard) > 0
        self._more.set()
        if opened:
            on_lost(self._lost)

    def _take(self, data: bytes) -> bytes:
        """Keep whole samples; what is left of one is given back."""
        width = 2 * self._channels
        whole = len(data) // width * width
        self._heard += _mono(data[:whole], self._channels)
        count = self._first + len(self._heard) // 2
        late_ns = self._clock.now_ns - count * NS_PER_S // self.rate_Hz
        self._anchor_ns = min(self._anchor_ns, late_ns - self._delay_ns)
        surplus = len(self._heard) // 2 - KEPT_S * self.rate_Hz
        if surplus > self.rate_Hz:
            del self._heard[: 2 * surplus]
            self._first += surplus
        self._more.set()
        return data[whole:]

    async def _wait_for(self, count: int) -> None:
        """Until that many samples have come in all. Raises: BenchError."""
        while self._first + len(self._heard) // 2 < count:
            if self._lost is not None:
                raise self._lost
            self._more.clear()
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._more.wait()
            except TimeoutError as error:
                what = f"'{self._command[0]}' printed no samples for {self._timeout_s:g} s"
                raise BenchError(what, where=self._where, remedy="check the command and its device.") from error

    async def record(self, since_ns: int, until_ns: int) -> Samples:
        """As `AudioPort.record`."""
        first, end = self._index(since_ns), self._index(until_ns)
        await self._wait_for(end)
        if first < self._first:
            raise BenchError(f"the sound of {KEPT_S} s ago is not kept", where=self._where)
        return np.frombuffer(bytes(self._heard[2 * (first - self._first) : 2 * (end - self._first)]), np.int16)

    def _index(self, t_ns: int) -> int:
        return max(0, (t_ns - self._anchor_ns) * self.rate_Hz // NS_PER_S)

    async def close(self) -> None:
        """Stop the program; may be called twice."""
        process, self._process = self._process, None
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
            self._reading = None
        if process is not None:
            await commands.end(process)


def _mono(data: bytes, channels: int) -> bytes:
    if channels == 1:
        return data
    mean: Samples = np.frombuffer(data, "<i2").reshape(-1, channels).mean(axis=1).astype("<i2")
    return mean.tobytes()
