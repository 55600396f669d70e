"""The artefact server for real benches: a shelf over HTTP/1.1, with ranges. h11 speaks, asyncio carries.

Rules of this module: GET only, one range of bytes at most. The faults of the shelf show as a client sees them: a
connection that ends, a status 500, a body that is too short, a range that was ignored.

Not for: TLS; a bench that needs it puts a proxy in front.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final
from urllib.parse import unquote

import h11

from hil.cloud.artefacts import Fault, Shelf
from hil.errors import BenchError

_RANGE: Final = re.compile(rb"bytes=(\d+)-(\d*)")
_IDLE_S: Final = 30.0


class HttpShelf:
    """A server; a `ShelfServer`.

    Args:
        name: for error messages.
        host: address that it listens on.
        port: TCP port; 0 takes a free one.
    """

    def __init__(self, *, name: str, host: str, port: int) -> None:
        self.name, self.host, self.port = name, host, port
        self.shelf = Shelf()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """See `ShelfServer.open`."""
        try:
            self._server = await asyncio.start_server(self._serve, self.host, self.port)
        except OSError as error:
            raise BenchError(f"can't listen: {error.strerror}", where=f"update {self.name}") from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """See `ShelfServer.close`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        connection = h11.Connection(h11.SERVER)
        try:
            while await self._serve_one(connection, reader, writer):
                connection.start_next_cycle()
        except (h11.RemoteProtocolError, OSError, TimeoutError):
            pass  # the client is gone or speaks no HTTP: it is its own loss
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _serve_one(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """One request and its answer; whether another may follow."""
        request = await _request(connection, reader)
        if request is None:
            return False
        fault = self.shelf.take_fault()
        if fault == "dropped":
            writer.transport.abort()
            return False
        status, headers, body = self._answer(request, fault)
        parts = [connection.send(h11.Response(status_code=status, headers=headers))]
        parts += [connection.send(h11.Data(data=body))] if body else []
        writer.write(b"".join(part for part in parts if part))
        if fault == "cut short":
            await writer.drain()
            return False
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        return connection.our_state is h11.DONE and connection.their_state is h11.DONE

    def _answer(self, request: h11.Request, fault: Fault | None) -> tuple[int, list[tuple[str, str]], bytes]:
        path = unquote(request.target.decode("ascii", "replace")).lstrip("/")
        data = self.shelf.files.get(path)
        self.shelf.requests.append(path)
        if request.method != b"GET" or data is None or fault == "server error":
            status = 405 if request.method != b"GET" else 404 if data is None else 500
            return status, [("content-length", "0")], b""
        asked = _RANGE.fullmatch(dict(request.headers).get(b"range", b""))
        if asked is None or fault == "range ignored":
            return 200, [("content-length", str(len(data)))], data
        first, last = int(asked[1]), min(int(asked[2] or len(data) - 1), len(data) - 1)
        if first > last:
            return 416, [("content-length", "0"), ("content-range", f"bytes */{len(data)}")], b""
        body = data[first : last + 1]
        headers = [("content-length", str(len(body))), ("content-range", f"bytes {first}-{last}/{len(data)}")]
        return 206, headers, body[: len(body) // 2] if fault == "cut short" else body


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """The next request, read to its end; None if the client has gone."""
    request: h11.Request | None = None
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.EndOfMessage):
            return request
        elif isinstance(event, h11.ConnectionClosed):
            return None
        elif event is h11.NEED_DATA:
            connection.receive_data(await asyncio.wait_for(reader.read(65_536), _IDLE_S))
