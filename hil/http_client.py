"""GET over one kept-alive HTTP/1.1 connection: h11 is the protocol, asyncio moves the bytes.

Rules of this module: an answer is whole, or comes piece by piece (`begin`, then `more` until it is empty). A server
that hung up on a kept connection is asked once more on a new one; so is one whose last answer was not read to its end.
Redirects are not followed.

Not for: sending anything; time-outs, which are the caller's.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, quote, urlsplit

import h11

from hil.errors import BenchError, UsageError

_READ_BYTES: Final = 1 << 16
_LARGEST: Final = 64 << 20
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(slots=True)
class Answer:
    """What the server said. Names of headers are in lower case."""

    status: int = 0
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


class _HungUpError(Exception):
    """The server closed a kept connection before it answered: worth one new one."""


def _split(url: str, where: str) -> SplitResult:
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        plain = url.isascii() and url.isprintable() and " " not in url
        if plain and parts.scheme in _PORTS and parts.hostname and parts.port != 0:
            return parts
    remedy = "write it like http://192.168.0.10:8080/screen.png."
    raise UsageError(f"'{url}' is no URL", where=f"{where}.url", remedy=remedy)


class HttpClient:
    """Asks one URL again and again.

    Args:
        url: of what is asked for.
        where: the port, for messages.
        accept: kinds that are wanted.

    Raises:
        UsageError: the URL is none.
    """

    def __init__(self, url: str, *, where: str, accept: str = "image/png, image/jpeg") -> None:
        self.url, self._where, self._accept = url, where, accept
        parts = _split(url, where)
        self._host, self._port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._netloc = parts.netloc.rpartition("@")[2]
        self._wire: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._http = h11.Connection(h11.CLIENT)

    async def get(self, headers: Mapping[str, str], path: str = "") -> Answer:
        """Ask once, for all of it, as `begin`. Cancelling it hangs up.

        Raises:
            BenchError: nobody is there, or no HTTP comes back.
        """
        async with self._or_hang_up():
            answer = await self._begin_again(headers, path)
            while piece := await self._more():
                answer.body += piece
                if len(answer.body) > _LARGEST:
                    raise BenchError(f"{self.url} sends more than {_LARGEST >> 20} MiB", where=self._where)
            self._keep_or_hang_up()
        return answer

    async def begin(self, headers: Mapping[str, str], path: str = "") -> Answer:
        """Ask for what comes piece by piece: status and headers, without the body. Cancelling it hangs up.

        Args:
            headers: beside those that every request has.
            path: of what is asked for below the URL; the URL itself if empty.

        Raises:
            BenchError: as `get`.
        """
        async with self._or_hang_up():
            return await self._begin_again(headers, path)

    async def more(self) -> bytes:
        """The next piece of the body that `begin` asked for; empty at its end. Cancelling it hangs up.

        Raises:
            BenchError: the connection broke.
        """
        async with self._or_hang_up():
            return await self._more()

    @contextlib.asynccontextmanager
    async def _or_hang_up(self) -> AsyncIterator[None]:
        done = False
        try:
            yield
            done = True
        except (OSError, h11.RemoteProtocolError, _HungUpError) as error:
            raise BenchError(f"{self.url} doesn't answer: {error}", where=self._where) from error
        finally:
            if not done:
                self._hang_up()

    async def _begin_again(self, headers: Mapping[str, str], path: str) -> Answer:
        if self._wire is not None and self._http.our_state is not h11.IDLE:
            self._keep_or_hang_up()
        kept = self._wire is not None
        try:
            return await self._begin_once(headers, path)
        except (_HungUpError, ConnectionError):
            if not kept:
                raise
            self._hang_up()
            return await self._begin_once(headers, path)

    async def _begin_once(self, headers: Mapping[str, str], path: str) -> Answer:
        if self._wire is None:
            self._http = h11.Connection(h11.CLIENT)
            self._wire = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        _, writer = self._wire
        every = {"Host": self._netloc, "Accept": self._accept, "User-Agent": "cockpit-hil", **headers}
        target = f"{self._target.rstrip('/')}/{quote(path)}" if path else self._target
        request = h11.Request(method="GET", target=target, headers=list(every.items()))
        writer.write((self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b""))
        await writer.drain()
        while not isinstance(event := await self._event(), h11.Response):
            if isinstance(event, h11.ConnectionClosed):
                raise _HungUpError("the connection was closed")
        names = {name.decode(): value.decode("latin-1") for name, value in event.headers}
        return Answer(event.status_code, event.reason.decode("latin-1"), names)

    async def _more(self) -> bytes:
        while not isinstance(event := await self._event(), h11.EndOfMessage):
            if isinstance(event, h11.ConnectionClosed):
                raise _HungUpError("the connection was closed")
            if isinstance(event, h11.Data) and event.data:
                return bytes(event.data)
        return b""

    async def _event(self) -> Any:
        if self._wire is None:
            raise _HungUpError("the connection was closed")
        reader = self._wire[0]
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = await reader.read(_READ_BYTES)
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise _HungUpError("the connection was closed")
            self._http.receive_data(data)
        return event

    def _keep_or_hang_up(self) -> None:
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._wire is not None:
            self._wire[1].close()
            self._wire = None

    async def close(self) -> None:
        """Hang up; may be called twice."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire[1].close()
            with contextlib.suppress(OSError):
                await wire[1].wait_closed()
