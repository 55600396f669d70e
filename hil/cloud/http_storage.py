"""A probe that serves the parts of the device's flash over HTTP, each at its name: `<url>/slot%20A`. Read only.

Not for: writing to a flash; nobody does that through a storage port.
"""

from __future__ import annotations

import asyncio

from hil.errors import BenchError, UsageError
from hil.http_client import HttpClient


class HttpStorage:
    """A probe; a `StoragePort`.

    Args:
        name: the port's name in the bench file.
        url: below which the parts lie.
        timeout_s: how long a dump may take.

    Raises:
        UsageError: the URL is none.
    """

    def __init__(self, *, name: str, url: str, timeout_s: float) -> None:
        self.name, self._timeout_s = name, timeout_s
        self._where = f"storage.{name}"
        self._http = HttpClient(url, where=self._where, accept="application/octet-stream")

    async def dump(self, part: str) -> bytes:
        """See `StoragePort.dump`."""
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._http.get({}, part)
        except TimeoutError as error:
            raise BenchError(f"no dump of '{part}' within {self._timeout_s:g} s", where=self._where) from error
        if answer.status == 404:
            what = f"the storage has no part '{part}'"
            raise UsageError(what, where=self._where, remedy=f"see what there is: {self._http.url}.")
        if answer.status != 200:
            what = f"answers {answer.status} {answer.reason}"
            raise BenchError(what, where=self._where, remedy=f"check the url {self._http.url}.")
        return bytes(answer.body)

    async def close(self) -> None:
        """Hang up; may be called twice."""
        await self._http.close()
