"""A lab's own port: a console on a terminal server, over TCP. A bench file names it `lab_ports:TerminalServer`."""

from __future__ import annotations

import asyncio

from hil.bench.ports import Options, Site
from hil.errors import BenchError
from hil.serial.port import BytePort, OnData, OnLost


class ServerOptions(Options):
    """The keys that stand beside `port` in the bench file."""

    address: str


class TcpLine:
    """One console of the server: a `BytePort`."""

    def __init__(self, site: Site, address: str) -> None:
        self.name, self._clock, self._address = site.name, site.clock, address
        self._writer: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        """Connect, and hand on what comes."""
        host, _, port = self._address.rpartition(":")
        try:
            reader, self._writer = await asyncio.open_connection(host, int(port))
        except OSError as error:
            raise self._broken(f"can't reach {self._address}: {error.strerror}") from error
        self._listener = asyncio.create_task(self._listen(reader, on_data, on_lost))

    async def _listen(self, reader: asyncio.StreamReader, on_data: OnData, on_lost: OnLost) -> None:
        while data := await read_some(reader):
            on_data(self._clock.now_ns, data)
        self._writer = None
        on_lost(self._broken("the terminal server hung up"))

    def _broken(self, what: str) -> BenchError:
        return BenchError(what, where=f"console.{self.name}", remedy="check the server and its cable.")

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if self._writer is None:
            raise self._broken("the line is not open")
        self._writer.write(data)

    async def close(self) -> None:
        """Hang up; may be called twice."""
        if self._listener is not None:
            self._listener.cancel()
        if self._writer is not None:
            self._writer.close()
        self._writer = self._listener = None


async def read_some(reader: asyncio.StreamReader) -> bytes:
    """The next bytes; none once the connection is gone."""
    try:
        return await reader.read(65536)
    except OSError:
        return b""


class TerminalServer:
    """What the bench file names: makes the port and says what it is."""

    Options = ServerOptions
    real = True

    @staticmethod
    def resources(options: ServerOptions) -> list[str]:
        """One line of the server serves one run at a time."""
        return [f"tcp:{options.address}"]

    @staticmethod
    def make(site: Site, options: ServerOptions) -> BytePort:
        """The port, not yet opened."""
        return TcpLine(site, options.address)
