"""What came over the buses: the last frame that carried a signal, and waiting for the next that says what is wanted.

Rules of this module: a frame that is too short for its message carries none of its signals; a multiplexed frame carries
those that its multiplexer selects, and the last frame of each selection is kept. Remote and error frames carry nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from cantools.database.can import Message

from hil.can import database
from hil.can.database import Network, SignalRef, Value
from hil.can.frames import ERROR, EXTENDED, REMOTE, SENT, CanFrame
from hil.clock import Clock
from hil.errors import UsageError

_Key = tuple[str, int, bool]
FRESH_CYCLES: Final = 3
"""How many cycles old a value may be to count as what its sender says now."""
_NOTHING: Final = SENT | ERROR | REMOTE
"""Flags of frames that say nothing of anybody else."""
_Carried = frozenset[str] | None
"""Names of the signals that a multiplexed frame carries; None: all of its message."""


class _Box:
    """What came under one identifier.

    Attributes:
        message: what it is.
        length: bytes of its payload.
        is_paged: whether a multiplexer says what a frame of it carries.
        pages: the last frame of each selection, the last of all at the end.
        watchers: told of each frame.
    """

    __slots__ = ("is_paged", "length", "message", "pages", "watchers")

    def __init__(self, message: Message) -> None:
        self.message, self.length, self.is_paged = message, message.length, message.is_multiplexed()
        self.pages: dict[_Carried, CanFrame] = {}
        self.watchers: list[Callable[[CanFrame], object]] = []


class Inbox:
    """The last frames of each identifier that others sent."""

    def __init__(self, clock: Clock, network: Network) -> None:
        self._clock, self._network = clock, network
        self._boxes: dict[_Key, _Box | None] = {}
        self.heard = 0

    def on_frame(self, frame: CanFrame) -> None:
        """A frame was on a bus."""
        _, bus, can_id, data, flags, _ = frame
        if flags & _NOTHING:
            if not flags & (SENT | ERROR):
                self.heard += 1
            return
        self.heard += 1
        key = (bus, can_id, flags & EXTENDED != 0)
        box = self._boxes[key] if key in self._boxes else self._box(key)
        if box is None or len(data) < box.length:
            return
        if box.is_paged:
            carried, pages = _carried(box.message, data), box.pages
            pages.pop(carried, None)
            pages[carried] = frame
        else:
            box.pages[None] = frame
        if box.watchers:
            for watch in tuple(box.watchers):
                watch(frame)

    def _box(self, key: _Key) -> _Box | None:
        message = self._network.message_at(*key)
        box = self._boxes[key] = None if message is None else _Box(message)
        return box

    def _box_of(self, ref: SignalRef) -> _Box:
        key = ref.frame_key
        return self._boxes.get(key) or self._box(key) or _Box(ref.message)  # of no database of this bench: never comes

    def clear(self) -> None:
        """Forget what came before a test."""
        for box in self._boxes.values():
            if box is not None:
                box.pages.clear()

    def last(self, ref: SignalRef) -> tuple[Value, int] | None:
        """The last value of a signal and its stamp; None if it never came."""
        frame = _last_of(self._box_of(ref), ref)
        return None if frame is None else (database.show(ref, ref.raw_in(frame.data)), frame.t_ns)

    async def wait(
        self, ref: SignalRef, wanted: Callable[[int | float], bool], timeout_ns: int, *, now_ns: int | None = None
    ) -> tuple[Value, int] | None:
        """The first frame, from the last one on, whose raw value is `wanted`; None if none came in time.

        The last one counts only while it is fresh: what a sender said before it fell silent says nothing of now.

        Args:
            ref: the signal.
            wanted: tells whether a raw value is.
            timeout_ns: how long to wait.
            now_ns: from when on, if the caller has just looked.
        """
        clock, box, raw_in = self._clock, self._box_of(ref), ref.raw_in
        begin_ns = clock.now_ns if now_ns is None else now_ns
        frame = _last_of(box, ref)
        if frame is not None and _is_fresh(ref, frame, begin_ns) and wanted(raw := raw_in(frame.data)):
            return database.show(ref, raw), frame.t_ns
        arrived: asyncio.Future[tuple[int | float, int] | None] = asyncio.Future(loop=clock.loop)
        timer = clock.call_at(begin_ns + timeout_ns, _settle, (arrived, None))

        def watch(frame: CanFrame) -> None:
            if box.is_paged and not _carries(ref, frame):
                return
            raw = raw_in(frame.data)
            if wanted(raw) and not arrived.done():
                arrived.set_result((raw, frame.t_ns))

        box.watchers.append(watch)
        try:
            came = await arrived
        finally:
            box.watchers.remove(watch)
            timer.cancel()
        return None if came is None else (database.show(ref, came[0]), came[1])


def _is_fresh(ref: SignalRef, frame: CanFrame, now_ns: int) -> bool:
    """Whether a cyclic message came within its last few cycles; one without a cycle is always fresh."""
    cycle_ns = ref.cycle_ns
    return not cycle_ns or now_ns - frame.t_ns <= FRESH_CYCLES * cycle_ns


def _last_of(box: _Box, ref: SignalRef) -> CanFrame | None:
    """The last frame that carried a signal."""
    if not box.is_paged:
        return box.pages.get(None)
    pages = reversed(box.pages.items())
    return next((frame for carried, frame in pages if carried is None or ref.name in carried), None)


def _settle(outcome: tuple[Any, Any]) -> None:
    future, result = outcome
    if not future.done():
        future.set_result(result)


def _carried(message: Message, data: bytes) -> _Carried:
    try:
        return frozenset(database.decode(message, data))
    except UsageError:  # its multiplexer selects nothing
        return frozenset()


def _carries(ref: SignalRef, frame: CanFrame) -> bool:
    carried = _carried(ref.message, frame.data)
    return carried is None or ref.name in carried
