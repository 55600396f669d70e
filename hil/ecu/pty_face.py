"""The ECU's serial console as a pseudo-terminal: what a terminal program or the bench opens like a real port.

Rules of this module: raw mode, no echo, no signals. The face holds the far end open itself, so programs may open and
close it as they like. What the ECU says while nobody reads is kept, `PENDING_BYTES` at most; what is beyond is
dropped and counted, as a UART would: the ECU never waits. POSIX only.
"""

from __future__ import annotations

import os
from typing import Final

from hil.clock import Clock
from hil.errors import BenchError, UsageError
from hil.serial.port import OnData, OnLost

PENDING_BYTES: Final = 1 << 18
"""Bytes kept for a slow reader, beside the few KiB that the kernel keeps."""
_READ_BYTES: Final = 65536


class PtyFace:
    """The ECU's end of a pty: a `BytePort` whose far end is a device path.

    Args:
        clock: a real clock; its loop serves the descriptor.
        name: what messages call it.

    Attributes:
        dropped: bytes dropped because nobody read.

    Raises:
        UsageError: the clock is virtual.
    """

    def __init__(self, *, clock: Clock, name: str) -> None:
        if clock.is_virtual:
            raise UsageError("a pty can't run in virtual time", where=name)
        self.name = name
        self.dropped = 0
        self._clock = clock
        self._on_data: OnData | None = None
        self._ends: tuple[int, int] | None = None
        self._path = ""
        self._pending = bytearray()

    @property
    def path(self) -> str:
        """Path of the device that the far side opens.

        Raises:
            UsageError: it is not open.
        """
        if not self._path:
            raise UsageError("is not open: it has no path yet", where=self.name)
        return self._path

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        """Make the pty and begin to listen; it never breaks.

        Raises:
            BenchError: this system has no ptys, or none is left.
        """
        self._ends = near, far = _open_raw(self.name)
        self._path, self._on_data = os.ttyname(far), on_data
        os.set_blocking(near, False)
        self._clock.loop.add_reader(near, self._readable)

    def write(self, data: bytes) -> None:
        """Send bytes; what nobody reads is dropped once `PENDING_BYTES` wait. Never blocks.

        Raises:
            BenchError: it is not open.
        """
        if self._ends is None:
            raise BenchError("the pty is not open", where=self.name)
        room = PENDING_BYTES - len(self._pending)
        self.dropped += max(0, len(data) - room)
        idle = not self._pending
        self._pending += data[:room]
        if idle and self._pending:
            self._flush()
            if self._pending:
                self._clock.loop.add_writer(self._ends[0], self._writable)

    async def close(self) -> None:
        """Take the device away; who has it open sees the line break. May be called twice."""
        if self._ends is None:
            return
        ends, self._ends = self._ends, None
        self._on_data, self._path = None, ""
        self._pending.clear()
        self._clock.loop.remove_reader(ends[0])
        self._clock.loop.remove_writer(ends[0])
        for end in ends:
            os.close(end)

    def _readable(self) -> None:
        if self._ends is None:
            return
        try:
            data = os.read(self._ends[0], _READ_BYTES)
        except BlockingIOError:
            return
        if data and self._on_data is not None:
            self._on_data(self._clock.now_ns, data)

    def _writable(self) -> None:
        self._flush()
        if not self._pending and self._ends is not None:
            self._clock.loop.remove_writer(self._ends[0])

    def _flush(self) -> None:
        try:
            while self._pending and self._ends is not None:
                del self._pending[: os.write(self._ends[0], self._pending)]
        except BlockingIOError:
            return


def _open_raw(name: str) -> tuple[int, int]:
    try:
        import pty
        import tty
    except ImportError as error:
        raise BenchError(
            "this system has no pseudo-terminals", where=name, remedy="give the ECU's console a TCP port instead."
        ) from error
    try:
        near, far = pty.openpty()
    except OSError as error:
        raise BenchError(f"no pseudo-terminal could be made: {error.strerror}", where=name) from error
    tty.setraw(far)
    return near, far
