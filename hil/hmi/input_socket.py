"""Ports that touch and press over TCP: an agent on the target, a robot's controller, the virtual ECU as a process.

The agent answers each line with one line, in order, once the event has happened:

    size                -> ok 1280 800            keys            -> ok home back power
    touch down 640 400  -> ok                     key home down   -> ok
    touch move 660 400  -> ok                     key home up     -> ok
    touch up 660 400    -> ok                     what is wrong   -> error why

Rules of this module: the bench times everything; the agent only does. A contact is stamped with the middle between line
and reply, bounded by half of the time between. An agent that says `error`, or nothing in time, is a bench fault. What a
port holds down it lifts when it is closed.

Not for: commands that do the whole tap (`hil.hmi.input_ports`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from hil.clock import NS_PER_S, Clock
from hil.errors import BenchError, HilError, UsageError
from hil.hmi.input_ports import MOVES_HZ, REST_NS, on_glass
from hil.hmi.touch import Contact, OnLost, Point
from hil.journal import Origin

_CHECK: Final = "check the agent, and url in the bench file."


class Agent:
    """One connection to an agent: lines out, replies in, in order.

    Args:
        clock: a real clock.
        where: the port, for messages.
        url: `socket://host:port`.
        timeout_s: how long a reply may take.

    Raises:
        UsageError: the clock is virtual, or the URL is none.
    """

    def __init__(self, *, clock: Clock, where: str, url: str, timeout_s: float) -> None:
        if clock.is_virtual:
            what = "an agent can't touch anything in virtual time"
            raise UsageError(what, where=where, remedy='use port = "virtual", or a real bench.')
        self._clock, self._where, self._timeout_s = clock, where, timeout_s
        self._host, self._port = _address(url, where)
        self._wire: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._waiting: deque[asyncio.Future[str]] = deque()
        self._reading: asyncio.Task[None] | None = None
        self._lost: BenchError | None = None
        self._on_lost: OnLost = _nobody

    async def open(self, on_lost: OnLost) -> None:
        """Connect. Raises: BenchError: nobody is there."""
        await self.close()
        self._lost, self._on_lost = None, on_lost
        try:
            async with asyncio.timeout(self._timeout_s):
                self._wire = await asyncio.open_connection(self._host, self._port)
        except OSError as error:  # TimeoutError is one
            why = error.strerror or "no answer"
            raise BenchError(
                f"no agent at {self._host}:{self._port}: {why}", where=self._where, remedy=_CHECK
            ) from error
        self._reading = asyncio.create_task(self._read(self._wire[0]))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        why = "it hung up"
        try:
            while line := await reader.readline():
                if self._waiting:
                    _settle(self._waiting.popleft(), line.decode("utf-8", "replace").strip())
        except (OSError, ValueError) as error:
            why = str(error)
        self._lost = BenchError(f"the agent at {self._host}:{self._port} is lost: {why}", where=self._where)
        self._give_up(self._lost)
        self._on_lost(self._lost)

    def _give_up(self, error: BenchError) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)

    def tell(self, line: str) -> None:
        """Send a line without waiting; a reply that is not `ok` is told through `on_lost`, as a loss is."""
        with contextlib.suppress(BenchError):
            self._say(line).add_done_callback(partial(self._judge, line))

    def _judge(self, line: str, reply: asyncio.Future[str]) -> None:
        if not reply.cancelled() and reply.exception() is None and reply.result().split()[:1] != ["ok"]:
            self._on_lost(self._refused(line, reply.result()))

    def _refused(self, line: str, reply: str) -> BenchError:
        what = f"the agent answered '{line}' with: {reply or 'nothing'}"
        return BenchError(what, where=self._where, remedy=_CHECK)

    def _say(self, line: str) -> asyncio.Future[str]:
        if self._lost is not None or self._wire is None:
            raise self._lost or BenchError("is not open", where=self._where)
        reply: asyncio.Future[str] = self._clock.loop.create_future()
        self._waiting.append(reply)
        self._wire[1].write(line.encode() + b"\n")
        return reply

    async def ask(self, line: str) -> tuple[Contact, list[str]]:
        """Send a line and wait for its reply: when it was done, and the words that it said.

        Raises:
            BenchError: the agent refuses, says nothing in time, or is lost.
        """
        before_ns = self._clock.now_ns
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await self._say(line)
        except TimeoutError as error:
            what = f"the agent did not answer '{line}' within {self._timeout_s:g} s"
            raise BenchError(what, where=self._where, remedy=_CHECK) from error
        after_ns, words = self._clock.now_ns, reply.split()
        if words[:1] != ["ok"]:
            raise self._refused(line, reply)
        return Contact((before_ns + after_ns) // 2, (after_ns - before_ns + 1) // 2, Origin.HOST), words[1:]

    async def close(self) -> None:
        """Hang up, which lifts whatever is still down; may be called twice."""
        wire, self._wire = self._wire, None
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.wait([reading])
        self._give_up(BenchError("was closed", where=self._where))
        if wire is not None:
            wire[1].close()
            with contextlib.suppress(OSError):
                await wire[1].wait_closed()


def _address(url: str, where: str) -> tuple[str, int]:
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme == "socket" and parts.hostname and parts.port:
            return parts.hostname, parts.port
    raise UsageError(f"'{url}' is no URL of an agent", where=f"{where}.url", remedy="write socket://192.168.0.20:7000.")


def _settle(future: asyncio.Future[str], line: str) -> None:
    if not future.done():
        future.set_result(line)


def _nobody(_: HilError) -> None:
    """Nobody has opened it yet."""


class SocketTouch:
    """A finger that an agent moves.

    Args:
        clock: a real clock.
        name: the port's name in the bench file.
        size: of the screen, px.
        url: `socket://host:port` of the agent.
        timeout_s: how long a reply may take.
    """

    def __init__(self, *, clock: Clock, name: str, size: tuple[int, int], url: str, timeout_s: float) -> None:
        self.name, self.size = name, size
        self._clock, self._where = clock, f"touch.{name}"
        self._agent = Agent(clock=clock, where=self._where, url=url, timeout_s=timeout_s)
        self._free = asyncio.Event()

    async def open(self, on_lost: OnLost) -> None:
        """As `TouchPort.open`: the agent's glass must be as large as the layout says."""
        await self._agent.open(on_lost)
        self._free.set()
        _, words = await self._agent.ask("size")
        if words != [str(px) for px in self.size]:
            what = f"the glass has {' x '.join(words)} px, its layout {self.size[0]} x {self.size[1]}"
            raise BenchError(what, where=self._where, remedy="give the screen the layout that belongs to it.")

    async def tap(self, at: Point, hold_s: float) -> Contact:
        """As `TouchPort.tap`."""
        on_glass(self, at)
        contact = await self._down(at)
        self._clock.call_in(round(hold_s * NS_PER_S), partial(self._up, at))  # of an answer that took long too
        return contact

    async def swipe(self, begin: Point, end: Point, duration_s: float) -> Contact:
        """As `TouchPort.swipe`."""
        on_glass(self, begin)
        on_glass(self, end)
        contact, moves = await self._down(begin), max(1, round(duration_s * MOVES_HZ))
        for number in range(1, moves + 1):
            await self._clock.sleep_until(contact.t_ns + round(duration_s * NS_PER_S * number / moves))
            x, y = (a + round((b - a) * number / moves) for a, b in zip(begin, end, strict=True))
            self._agent.tell(f"touch move {x} {y}")
        self._clock.call_in(REST_NS, self._rested)
        await self._agent.ask(f"touch up {end[0]} {end[1]}")
        return contact

    async def _down(self, at: Point) -> Contact:
        await self._free.wait()
        contact, _ = await self._agent.ask(f"touch down {at[0]} {at[1]}")
        self._free.clear()
        return contact

    def _up(self, at: Point, _: object) -> None:
        self._clock.call_in(REST_NS, self._rested)
        self._agent.tell(f"touch up {at[0]} {at[1]}")

    def _rested(self, _: object) -> None:
        self._free.set()

    async def close(self) -> None:
        """Hang up: the finger is lifted."""
        await self._agent.close()


class SocketKeys:
    """Hard keys that an agent presses; it says which there are.

    Args:
        clock: a real clock.
        name: the port's name in the bench file.
        url: `socket://host:port` of the agent.
        timeout_s: how long a reply may take.
    """

    def __init__(self, *, clock: Clock, name: str, url: str, timeout_s: float) -> None:
        self.name = name
        self.keys: tuple[str, ...] = ()
        self._clock = clock
        self._agent = Agent(clock=clock, where=f"keys.{name}", url=url, timeout_s=timeout_s)
        self._down: dict[str, asyncio.Event] = {}

    async def open(self, on_lost: OnLost) -> None:
        """As `KeyPort.open`."""
        await self._agent.open(on_lost)
        _, words = await self._agent.ask("keys")
        self.keys, self._down = tuple(words), {key: asyncio.Event() for key in words}
        for free in self._down.values():
            free.set()

    async def press(self, key: str, hold_s: float) -> Contact:
        """As `KeyPort.press`; different keys may be down at once."""
        if key not in self._down:
            raise UsageError(f"no key '{key}'", where=self.name, remedy=f"there is: {', '.join(self.keys)}.")
        await self._down[key].wait()
        contact, _ = await self._agent.ask(f"key {key} down")
        self._down[key].clear()
        self._clock.call_in(round(hold_s * NS_PER_S), partial(self._release, key))
        return contact

    def _release(self, key: str, _: object) -> None:
        self._down[key].set()
        self._agent.tell(f"key {key} up")

    async def close(self) -> None:
        """Hang up: all keys come up."""
        await self._agent.close()
