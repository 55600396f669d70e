"""GET over one kept-alive HTTP/1.1 connection: h11 is the protocol, asyncio moves the bytes. For picture servers."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

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

    Raises:
        UsageError: the URL is none.
    """

    def __init__(self, url: str, *, where: str) -> None:
        self.url, self._where = url, where
        parts = _split(url, where)
        self._host, self._port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._netloc = parts.netloc.rpartition("@")[2]
        self._wire: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._http = h11.Connection(h11.CLIENT)

    async def get(self, headers: Mapping[str, str]) -> Answer:
        """Ask once. Cancelling it hangs up.

        Raises:
            BenchError: nobody is there, or no HTTP comes back.
        """
        answered = False
        try:
            answer = await self._get_again(headers)
            answered = True
        except (OSError, h11.RemoteProtocolError, _HungUpError) as error:
            raise BenchError(f"{self.url} doesn't answer: {error}", where=self._where) from error
        finally:
            if not answered:
                self._hang_up()
        return answer

    async def _get_again(self, headers: Mapping[str, str]) -> Answer:
        kept = self._wire is not None
        try:
            return await self._get_once(headers)
        except (_HungUpError, ConnectionError):
            if not kept:
                raise
            self._hang_up()
            return await self._get_once(headers)

    async def _get_once(self, headers: Mapping[str, str]) -> Answer:
        if self._wire is None:
            self._http = h11.Connection(h11.CLIENT)
            self._wire = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        reader, writer = self._wire
        every = {"Host": self._netloc, "Accept": "image/png, image/jpeg", "User-Agent": "cockpit-hil", **headers}
        request = h11.Request(method="GET", target=self._target, headers=list(every.items()))
        writer.write((self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b""))
        await writer.drain()
        answer = await self._answer(reader)
        self._keep_or_hang_up()
        return answer

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        answer = Answer()
        while True:
            event = await self._event(reader)
            if isinstance(event, h11.EndOfMessage):
                return answer
            if isinstance(event, h11.Response):
                answer.status, answer.reason = event.status_code, event.reason.decode("latin-1")
                answer.headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
            elif isinstance(event, h11.Data):
                answer.body += event.data
            elif isinstance(event, h11.ConnectionClosed):
                raise _HungUpError("the connection was closed")
            if len(answer.body) > _LARGEST:
                raise BenchError(f"{self.url} sends more than any picture has", where=self._where)

    async def _event(self, reader: asyncio.StreamReader) -> Any:
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
