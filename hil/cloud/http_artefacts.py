"""A client of an artefact server over HTTP/1.1, by ranges: how a device fetches an image. An `ArtefactPort`.

Rules of this module: what is asked for is a part, and no more is read than that, whatever the server sends: a server
that ignores the range gives the beginning, one without an end is hung up on. An answer that was cut short gives what
came of it. Nothing for `TIMEOUT_S` is a failure; so is any other status. No redirect is followed.

Not for: deciding whether what came is right.
"""

from __future__ import annotations

import asyncio
import re
from http.client import responses
from typing import Final

from hil.clock import RealClock
from hil.cloud.artefacts import Failure, OnAnswer, Part
from hil.errors import BenchError
from hil.http_client import Answer, HttpClient

TIMEOUT_S: Final = 5.0
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+)")


class HttpArtefacts:
    """A client of one server.

    Args:
        clock: a real clock.
        url: below which the artefacts lie.
        name: of the device, for messages.

    Raises:
        UsageError: the URL is none.
    """

    def __init__(self, *, clock: RealClock, url: str, name: str = "artefacts") -> None:
        self._clock, self._name = clock, name
        self._http = HttpClient(url, where=name, accept="*/*")
        self._under_way: asyncio.Task[None] | None = None

    def fetch(self, path: str, offset: int, length: int, on_answer: OnAnswer) -> None:
        """See `ArtefactPort.fetch`."""
        before = self._cancelled()
        self._under_way = self._clock.loop.create_task(self._fetch(before, (path, offset, length), on_answer))

    async def _fetch(self, before: asyncio.Task[None] | None, what: tuple[str, int, int], on_answer: OnAnswer) -> None:
        if before is not None:
            await asyncio.wait([before])
        answer: Part | Failure
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._part(*what)
        except TimeoutError:
            answer = Failure("no answer")
        except BenchError as error:
            answer = Failure(error.what)
        self._under_way = None
        on_answer(answer)

    async def _part(self, path: str, offset: int, length: int) -> Part | Failure:
        answer = await self._http.begin({"Range": f"bytes={offset}-{offset + length - 1}"}, path)
        if answer.status not in (200, 206):
            return Failure(f"{answer.status} {responses.get(answer.status, 'unknown').lower()}")
        first, total = _place(answer)
        if total < 0:
            return Failure(f"{answer.status} without saying where or how long")
        return Part(first, await self._body(length), total)

    async def _body(self, length: int) -> bytes:
        """As much as was asked for, or as came before the connection broke."""
        data = bytearray()
        try:
            while len(data) < length and (piece := await self._http.more()):
                data += piece
            if len(data) == length:
                await self._http.more()
        except BenchError:
            if not data:
                raise
        return bytes(data[:length])

    def stop(self) -> None:
        """See `ArtefactPort.stop`."""
        self._cancelled()

    def _cancelled(self) -> asyncio.Task[None] | None:
        """What is under way, told to stop."""
        before, self._under_way = self._under_way, None
        if before is not None and not before.done():
            before.cancel()
            return before
        return None

    async def close(self) -> None:
        """See `ArtefactPort.close`."""
        before = self._cancelled()
        if before is not None:
            await asyncio.wait([before])
        await self._http.close()


def _place(answer: Answer) -> tuple[int, int]:
    """Where what comes begins, and how long the whole is; a negative length if the server doesn't say."""
    said = _RANGE.fullmatch(answer.headers.get("content-range", "")) if answer.status == 206 else None
    if said is not None:
        return int(said[1]), int(said[2])
    length = answer.headers.get("content-length", "")
    return (0, int(length)) if answer.status == 200 and length.isdigit() else (0, -1)
