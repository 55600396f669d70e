"""A TCP server on loopback whose connections are tasks that end with it. The base of the faces that speak TCP."""

from __future__ import annotations

import asyncio
from typing import Final

from hil.clock import Clock
from hil.errors import BenchError, UsageError

_HOST: Final = "127.0.0.1"


class Listener:
    """Serves each connection with `_serve` until that returns, the peer goes, or `close` is called.

    Args:
        clock: a real clock; its loop serves.
        name: what messages call it.

    Raises:
        UsageError: the clock is virtual.
    """

    def __init__(self, *, clock: Clock, name: str) -> None:
        if clock.is_virtual:
            raise UsageError("a socket can't run in virtual time", where=name)
        self.name = name
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1, free at `open`.

        Raises:
            UsageError: it is not open.
        """
        if self._server is None:
            raise UsageError("is not open: it has no port yet", where=self.name)
        return int(self._server.sockets[0].getsockname()[1])

    async def open(self, port: int = 0) -> None:
        """Listen on `port` of 127.0.0.1; 0 takes a free one.

        Raises:
            BenchError: the port is in use.
        """
        try:
            self._server = await asyncio.start_server(self._accept, _HOST, port)
        except OSError as error:
            raise BenchError(f"can't listen on {_HOST}:{port}: {error.strerror}", where=self.name) from error

    async def close(self) -> None:
        """Stop listening and end the connections; may be called twice."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
            writer.close()
            await writer.wait_closed()
        except (ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError
