"""Where frames come from: the virtual ECU's glass, a picture server over HTTP, any command that prints a picture.

Rules of this module: a stamp says when the picture was on the screen and how well that is known. A source that is asked
(HTTP, a command) stamps the middle between request and answer and bounds the error by half the time between; it asks
at most every `period_ns`, and waits on bench time. Frames with equal tokens have equal pixels.
"""

from __future__ import annotations

import asyncio
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from hil.clock import Clock
from hil.errors import BenchError, HilError, UsageError
from hil.hmi import commands
from hil.hmi.frames import Display, Frame, Pixels
from hil.hmi.picture import decode
from hil.http_client import HttpClient
from hil.journal import Origin

OnLost = Callable[[HilError], object]
_AGE_HEADER: Final = "x-frame-age-us"


class SimSource:
    """Looks at the glass of a simulated screen. Frames carry the instant at which they were presented, exactly."""

    def __init__(self, *, clock: Clock, display: Display) -> None:
        self.name, self.period_ns = display.name, display.period_ns
        self._clock, self._display = clock, display

    @property
    def known_ns(self) -> int:
        """Now: the glass is always in sight."""
        return self._clock.now_ns

    async def open(self, on_lost: OnLost) -> None:
        """Nothing to reach."""

    async def latest(self) -> Frame:
        """The frame on the glass."""
        return self._display.frame

    async def next_frame(self, after_ns: int) -> Frame:
        """The first frame presented later than `after_ns`; an unchanged glass presents none."""
        while self._display.frame.t_ns <= after_ns:
            presented: asyncio.Future[None] = self._clock.loop.create_future()
            self._display.on_next(partial(_resolve, presented))
            await presented
        return self._display.frame

    async def close(self) -> None:
        """Nothing to let go."""


def _resolve(presented: asyncio.Future[None], _frame: Frame) -> None:
    if not presented.done():
        presented.set_result(None)


class _Asked(ABC):
    """A source that gives one picture when asked."""

    def __init__(self, *, clock: Clock, name: str, size: tuple[int, int], period_s: float, timeout_s: float) -> None:
        if clock.is_virtual:
            what = "a picture from outside can't come in virtual time"
            raise UsageError(what, where=f"screen.{name}", remedy='use source = "virtual", or a real bench.')
        self.name, self.period_ns = name, round(period_s * 1e9)
        self._clock, self._size, self._timeout_s = clock, size, timeout_s
        self._where = f"screen.{name}"
        self._turn = asyncio.Lock()
        self._asked_ns = -self.period_ns
        self._last: Frame | None = None
        self.known_ns = 0
        """When it was asked for the last picture that came: what was asked for since, and given up, is not known."""

    async def open(self, on_lost: OnLost) -> None:
        """Get one picture, so that a source that isn't there is known now. Raises: BenchError."""
        await self.latest()

    async def latest(self) -> Frame:
        """What the screen shows now. Raises: BenchError: no picture, or a broken one."""
        async with self._turn:
            self._asked_ns = self._clock.now_ns
            self._last = await self._ask()
            self.known_ns = self._asked_ns
            return self._last

    async def next_frame(self, after_ns: int) -> Frame:
        """The first frame stamped later than `after_ns`, asking every `period_ns`. Raises: BenchError."""
        while True:
            await self._clock.sleep_until(min(self._asked_ns, self._clock.now_ns) + self.period_ns)
            frame = await self.latest()
            if frame.t_ns > after_ns:
                return frame

    @abstractmethod
    async def close(self) -> None:
        """Let the source go; may be called twice."""

    @abstractmethod
    async def _ask(self) -> Frame:
        """One picture."""

    async def _frame(self, before_ns: int, after_ns: int, token: str, data: bytes, *, age_ns: int = 0) -> Frame:
        """A frame of encoded bytes; one equal to the last isn't decoded again."""
        pixels = await self._pixels(token, data)
        middle, bound = (before_ns + after_ns) // 2, (after_ns - before_ns + 1) // 2
        return Frame(middle - age_ns, lambda: pixels, origin=Origin.HOST, bound_ns=bound, token=token)

    async def _pixels(self, token: str, data: bytes) -> Pixels:
        if self._last is not None and self._last.token == token:
            return self._last.pixels
        return await asyncio.to_thread(decode, data, self._size, self._where)


class HttpSource(_Asked):
    """One picture per GET: PNG or JPEG.

    Where the server states `X-Frame-Age-Us` (how long the picture has been on the screen), the stamp is that instant.
    An `ETag` is sent back, so an unchanged picture costs a 304.

    Args:
        clock: a real clock.
        name: the screen's name in the bench file.
        url: http:// or https:// address of the picture.
        size: width and height that the layout says, px.
        period_s: least time between two requests.
        timeout_s: for a whole request.

    Raises:
        UsageError: the clock is virtual, or the URL is none.
    """

    def __init__(
        self, *, clock: Clock, name: str, url: str, size: tuple[int, int], period_s: float, timeout_s: float
    ) -> None:
        super().__init__(clock=clock, name=name, size=size, period_s=period_s, timeout_s=timeout_s)
        self._http = HttpClient(url, where=self._where)
        self._tag = ""

    async def _ask(self) -> Frame:
        before_ns = self._clock.now_ns
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._http.get({"If-None-Match": self._tag} if self._tag else {})
        except TimeoutError as error:
            raise BenchError(f"no picture within {self._timeout_s} s", where=self._where) from error
        after_ns, age = self._clock.now_ns, answer.headers.get(_AGE_HEADER, "")
        age_ns = int(age) * 1000 if age.isdigit() else 0
        if answer.status == 304 and self._last is not None:
            return await self._frame(before_ns, after_ns, str(self._last.token), b"", age_ns=age_ns)
        if answer.status != 200:
            what = f"answers {answer.status} {answer.reason}"
            raise BenchError(what, where=self._where, remedy=f"check the url {self._http.url}.")
        token = answer.headers.get("etag") or _digest(bytes(answer.body))
        frame = await self._frame(before_ns, after_ns, token, bytes(answer.body), age_ns=age_ns)
        self._tag = answer.headers.get("etag", "")
        return frame

    async def close(self) -> None:
        """Hang up; may be called twice."""
        await self._http.close()


class CommandSource(_Asked):
    """Any command that prints a PNG or a JPEG, e.g. `adb exec-out screencap -p`.

    Args:
        clock: a real clock.
        name: the screen's name in the bench file.
        command: program and arguments; no shell.
        folder: where it runs: the folder of the bench file.
        size: width and height that the layout says, px.
        period_s: least time between two starts.
        timeout_s: for a whole run; then it is killed with its children.

    Raises:
        UsageError: the clock is virtual.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        name: str,
        command: Sequence[str],
        folder: Path,
        size: tuple[int, int],
        period_s: float,
        timeout_s: float,
    ) -> None:
        super().__init__(clock=clock, name=name, size=size, period_s=period_s, timeout_s=timeout_s)
        self._command, self._folder = list(command), folder

    async def _ask(self) -> Frame:
        before_ns = self._clock.now_ns
        data = await self._run()
        return await self._frame(before_ns, self._clock.now_ns, _digest(data), data)

    async def _run(self) -> bytes:
        out, err = await commands.run(
            self._command,
            folder=self._folder,
            timeout_s=self._timeout_s,
            where=self._where,
            late="printed no picture",
        )
        if not out:
            said = f"'{self._command[0]}' printed nothing: {commands.last_line(err)}"
            raise BenchError(said, where=self._where)
        return out

    async def close(self) -> None:
        """Nothing runs between two pictures."""


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
