"""Relay boards on a byte stream: the binary frames of CH340 boards (LCUS and many alike), and Numato's text commands.

Rules of this module: one command at a time. Whether a command was done is asked where the board can tell: a Numato
board always, an LCUS board only where the bench file says so (`answers = true`), as the cheap ones say nothing. A
time-out poisons the board, since the next answer could belong to the question before. `close` opens every channel and
says so if it can't tell that it did.

Where the commands come from: LCUS frames (A0, channel, 1 or 0, sum; 9600 baud) as sellers' pages print them, the query
FF with answers such as `CH1: ON` from memory; Numato's `relay on 0` and `relay read 0` as public programs use them.
None was tried on a board here.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Final, Protocol

from hil.clock import Clock
from hil.errors import BenchError, HilError
from hil.serial.port import BytePort, OnLost
from hil.serial.relay import check_channel

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
_PROMPT: Final = ">"


class Language(Protocol):
    """How a board is spoken to."""

    baudrate: int
    tells: bool

    def command(self, channel: int, closed: bool) -> bytes:
        """The bytes that set a channel, from 1."""

    def question(self, channel: int) -> bytes:
        """The bytes that ask for a channel."""

    def answer(self, channel: int, heard: str) -> bool | None:
        """Whether the channel is closed; None while the answer isn't whole."""


class Lcus:
    """`A0 01 01 A2` closes channel 1, `A0 01 00 A1` opens it.

    Args:
        channels: how many the board has: the answer to the query is whole with the last of them.
        tells: whether the board answers the query.
    """

    baudrate = 9600

    def __init__(self, *, channels: int, tells: bool = False) -> None:
        self.tells, self._last = tells, channels

    def command(self, channel: int, closed: bool) -> bytes:
        """See `Language.command`."""
        return bytes((0xA0, channel, closed, (0xA0 + channel + closed) & 0xFF))

    def question(self, channel: int) -> bytes:
        """See `Language.question`: one query for all."""
        return b"\xff"

    def answer(self, channel: int, heard: str) -> bool | None:
        """See `Language.answer`."""
        said = dict(re.findall(r"CH(\d+): ?(ON|OFF)\s", heard))
        return said.get(str(channel)) == "ON" if str(self._last) in said else None


class Numato:
    """`relay on 0` closes channel 1; from the eleventh on letters."""

    baudrate, tells = 19_200, True

    def command(self, channel: int, closed: bool) -> bytes:
        """See `Language.command`."""
        return f"relay {'on' if closed else 'off'} {_DIGITS[channel - 1]}\r".encode()

    def question(self, channel: int) -> bytes:
        """See `Language.question`."""
        return f"relay read {_DIGITS[channel - 1]}\r".encode()

    def answer(self, channel: int, heard: str) -> bool | None:
        """See `Language.answer`: after the echo of the question, up to the prompt."""
        _, asked, said = heard.partition(f"relay read {_DIGITS[channel - 1]}")
        if not asked or _PROMPT not in said:
            return None
        return "on" in said.partition(_PROMPT)[0].split()


class SerialRelay:
    """A `RelayPort` on a byte stream.

    Args:
        clock: the bench's clock.
        name: the board's name in the bench file.
        port: the byte stream to it; the board opens and closes it.
        language: how it is spoken to.
        channels: how many it has.
        timeout_s: how long an answer may take.
    """

    def __init__(
        self, *, clock: Clock, name: str, port: BytePort, language: Language, channels: int, timeout_s: float = 1.0
    ) -> None:
        self.name, self.channels = name, channels
        self._clock, self._port, self._language, self._timeout_s = clock, port, language, timeout_s
        self._closed = [False] * channels
        self._heard = ""
        self._question: tuple[int, asyncio.Future[bool]] | None = None
        self._broken: HilError | None = None
        self._open = False
        self._lock = asyncio.Lock()
        self._on_lost: OnLost | None = None

    async def open(self, on_lost: OnLost) -> None:
        """Reach the board and open every channel.

        Raises:
            BenchError: the line is not there, or the board does not answer.
        """
        self._broken, self._on_lost = None, on_lost
        await self._port.open(self._on_data, self._lost)
        self._open = True
        try:
            await self._rest()
        except BaseException:
            self._open = False
            await self._port.close()
            raise

    async def set(self, channel: int, closed: bool) -> None:
        """Close or open a channel; asked after, where the board tells.

        Raises:
            UsageError: there is none of that number.
            BenchError: the board did not do it, or did not answer.
        """
        check_channel(self.name, channel, self.channels)
        async with self._lock:
            await self._set(channel, closed)

    async def _set(self, channel: int, closed: bool) -> None:
        if self._broken is not None:
            raise self._broken
        self._port.write(self._language.command(channel, closed))
        if self._language.tells and await self._ask(channel) != closed:
            what = f"channel {channel} did not {'close' if closed else 'open'}"
            raise BenchError(what, where=f"relay.{self.name}", remedy="check the board's own supply.")
        self._closed[channel - 1] = closed

    async def read(self) -> tuple[bool, ...]:
        """Which channels are closed.

        Raises:
            BenchError: it does not answer.
        """
        async with self._lock:
            if self._language.tells:
                self._closed = [await self._ask(channel) for channel in range(1, self.channels + 1)]
            return tuple(self._closed)

    async def close(self) -> None:
        """Open every channel, checked where the board tells, and let the line go; may be called twice.

        Raises:
            BenchError: it can't be said that every channel is open.
        """
        if not self._open:
            return
        self._open = False
        try:
            await self._rest()
        except HilError as error:
            with contextlib.suppress(BenchError):
                for channel in range(1, self.channels + 1):
                    self._port.write(self._language.command(channel, False))
            mend = "take the board's USB plug out."
            raise BenchError("contacts may still be closed", where=f"relay.{self.name}", remedy=mend) from error
        finally:
            await self._port.close()

    async def _rest(self) -> None:
        async with self._lock:
            for channel in range(1, self.channels + 1):
                await self._set(channel, False)

    async def _ask(self, channel: int) -> bool:
        if self._broken is not None:
            raise self._broken
        self._heard = ""
        answer: asyncio.Future[bool] = self._clock.loop.create_future()
        self._question = channel, answer
        timer = self._clock.call_in(round(self._timeout_s * 1e9), self._late)
        try:
            self._port.write(self._language.question(channel))
            return await answer
        except asyncio.CancelledError:
            self._late()  # its answer may still come and must not be taken for another's
            raise
        finally:
            timer.cancel()
            self._question = None

    def _on_data(self, t_ns: int, data: bytes) -> None:
        self._heard = (self._heard + data.decode("ascii", "replace"))[-1024:]
        if self._question is None or self._question[1].done():
            return
        said = self._language.answer(self._question[0], self._heard)
        if said is not None:
            self._question[1].set_result(said)

    def _late(self, _: object = None) -> None:
        mend = "check plug and baud rate; a board that never answers needs answers = false."
        what = f"the board didn't answer within {self._timeout_s:g} s"
        self._break(BenchError(what, where=f"relay.{self.name} ({self._port.name})", remedy=mend))

    def _lost(self, error: HilError) -> None:
        self._break(error)
        if self._on_lost is not None:
            self._on_lost(error)

    def _break(self, error: HilError) -> None:
        self._broken = self._broken or error
        if self._question is not None and not self._question[1].done():
            self._question[1].set_exception(self._broken)
