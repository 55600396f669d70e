"""An ear that hears a WAV over HTTP that never ends: an IP microphone, a stream of the cockpit's loudspeaker.

Rules of this module: rate and channels are those of the WAV's own header, PCM of 16 bit. Where the server states
`X-Sample-Age-Us` (how long ago the first sample sounded when it was said), samples are timed by that, between request
and answer, bounded by half of the time between; else by their arrival (`hil.hmi.audio_stream`).
"""

from __future__ import annotations

import struct
from typing import Final

from hil.clock import Clock
from hil.errors import BenchError
from hil.hmi.audio import RATE_HZ
from hil.hmi.audio_stream import StreamedAudio
from hil.http_client import HttpClient

_AGE_HEADER: Final = "x-sample-age-us"
_LONGEST_HEAD: Final = 4096
_PCM, _EXTENSIBLE = 1, 0xFFFE


class HttpAudio(StreamedAudio):
    """A WAV stream.

    Args:
        clock: a real clock.
        name: the port's name in the bench file.
        url: `http://host:port/cabin.wav`.
        delay_s: how long a sound takes from the air to the server.
        bound_s: by how much that may be off, where the server doesn't state a time.
        timeout_s: how long nothing may come.

    Raises:
        UsageError: the clock is virtual, or the URL is none.
    """

    def __init__(self, *, clock: Clock, name: str, url: str, delay_s: float, bound_s: float, timeout_s: float) -> None:
        super().__init__(
            clock=clock, name=name, rate_Hz=RATE_HZ, channels=1, delay_s=delay_s, bound_s=bound_s, timeout_s=timeout_s
        )
        self._http = HttpClient(url, where=self.where, accept="audio/wav")
        self._early = b""

    @property
    def what(self) -> str:
        """The stream."""
        return self._http.url

    async def begin(self) -> int | None:
        """Ask for the stream and read the head of the WAV. Raises: BenchError: there is none."""
        before_ns = self.clock.now_ns
        answer = await self._http.begin({})
        after_ns = self.clock.now_ns
        if answer.status != 200:
            what = f"answers {answer.status} {answer.reason}"
            raise BenchError(what, where=self.where, remedy=f"check the url {self._http.url}.")
        await self._read_head()
        age = answer.headers.get(_AGE_HEADER, "")
        if not age.isdigit():
            return None
        self.bound_ns = (after_ns - before_ns + 1) // 2
        return self.clock.to_monotonic_ns((before_ns + after_ns) // 2) - int(age) * 1000

    async def _read_head(self) -> None:
        data = b""
        while (format_ := parse_head(data)) is None and len(data) < _LONGEST_HEAD:
            piece = await self._http.more()
            if not piece:
                break
            data += piece
        if format_ is None or format_[:2] not in ((_PCM, 16), (_EXTENSIBLE, 16)):
            what = f"{self._http.url} is no WAV of 16 bit samples"
            raise BenchError(what, where=self.where, remedy="let the server send PCM, signed, 16 bit.")
        _, _, self.channels, self.rate_Hz, end = format_
        self._early = data[end:]

    async def piece(self) -> bytes:
        """What comes next."""
        early, self._early = self._early, b""
        return early or await self._http.more()

    async def last_words(self) -> str:
        """A stream has none."""
        return "the server said that this was all"

    async def end(self) -> None:
        """Hang up."""
        await self._http.close()


def parse_head(data: bytes) -> tuple[int, int, int, int, int] | None:
    """Kind, bits, channels and rate of a WAV, and where its samples begin; None while more must come."""
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return None
    at, found = 12, (0, 0, 0, 0)
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if name == b"data":
            return (*found, at)
        if name == b"fmt " and at + 16 <= len(data):
            kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data, at)
            found = kind, bits, channels, rate
        at += length + length % 2
    return None
