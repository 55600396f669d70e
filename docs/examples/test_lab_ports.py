"""The lab's port passes the suite that every console port passes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_ports import ServerOptions, TerminalServer, read_some

from hil.bench.ports import Copper, Site
from hil.clock import Clock, RealClock
from hil.contract.serial import ByteStreamContract, StreamPair
from hil.serial.port import OnData, OnLost


class FarEnd:
    """The other end of the line: a server with one connection."""

    name = "far"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._on_data: OnData | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._early = b""
        self._server: asyncio.Server | None = None

    async def listen(self) -> str:
        """Begin; where it can be reached."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        writer.write(self._early)
        while data := await read_some(reader):
            if self._on_data is not None:
                self._on_data(self._clock.now_ns, data)

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        """Begin to hand on what comes."""
        self._on_data = on_data

    def write(self, data: bytes) -> None:
        """Send, as soon as the near end is there."""
        if self._writer is None:
            self._early += data
        else:
            self._writer.write(data)

    async def close(self) -> None:
        """Cut the line."""
        if self._writer is not None:
            self._writer.close()
        if self._server is not None:
            self._server.close()


class TestTerminalServer(ByteStreamContract):
    """Seven tests, none of them written here."""

    @pytest.fixture
    def stream_pair(self) -> Iterator[StreamPair]:
        """Both ends of one line, not yet open."""
        clock = RealClock()
        far = FarEnd(clock)
        address = clock.run(far.listen())
        site = Site(name="shell", clock=clock, copper=Copper(clock), folder=Path())
        near = TerminalServer.make(site, ServerOptions(address=address))
        yield StreamPair(clock, near, far, cut=far.close)
        clock.close()
