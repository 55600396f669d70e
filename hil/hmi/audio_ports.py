"""Ears of the bench: the virtual ECU's loudspeaker, and any program that prints samples (arecord, sox, cat of a WAV).

Rules of this module: the simulated ear hears samples at their exact instants; a program's are timed as
`hil.hmi.audio_stream` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from hil.clock import Clock
from hil.errors import HilError
from hil.hmi import commands
from hil.hmi.audio import RATE_HZ, Samples, Speaker
from hil.hmi.audio_stream import StreamedAudio
from hil.journal import Origin

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


class CommandAudio(StreamedAudio):
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
        super().__init__(
            clock=clock, name=name, rate_Hz=rate_Hz, channels=channels, delay_s=delay_s, bound_s=bound_s,
            timeout_s=timeout_s,
        )  # fmt: skip
        self._command, self._folder = list(command), folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def what(self) -> str:
        """The program."""
        return f"'{self._command[0]}'"

    async def begin(self) -> None:
        """Start the program. Raises: BenchError: it can't be run."""
        self._process = await commands.start(self._command, folder=self._folder, where=self.where)

    async def piece(self) -> bytes:
        """What it prints."""
        process = self._process
        return await process.stdout.read(_PIECE) if process is not None and process.stdout is not None else b""

    async def last_words(self) -> str:
        """What it complained about."""
        process = self._process
        said = await process.stderr.read() if process is not None and process.stderr is not None else b""
        return commands.last_line(said)

    async def end(self) -> None:
        """Stop the program."""
        process, self._process = self._process, None
        if process is not None:
            await commands.end(process)
