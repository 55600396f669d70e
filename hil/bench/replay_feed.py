"""Where a replay gets its frames from: the log, read again for each pass, on a virtual clock or ahead of a real one.

Rules of this module: the log is never in memory. On a virtual clock it is read where a frame is needed, since no time
passes meanwhile. On a real clock a thread reads ahead, since the loop must not wait for a file.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Generator
from enum import Enum
from itertools import islice
from typing import Final, Protocol

from hil.bench.replay_survey import Prepared
from hil.can.logs import open_log
from hil.can.replay_plan import Due, ReplayPlan

AHEAD: Final = 4096
"""Frames that are read ahead: two seconds of a busy vehicle, while reading a block of text takes half a second."""
_SWITCH_S: Final = 0.0005
"""How long the thread that reads may keep the interpreter: its usual 5 ms would be as late as a frame gets."""
_READING: Final = threading.Lock()


class Mark(Enum):
    """What comes in the place of a frame."""

    SEAM = "the log begins again"
    END = "there is no more"
    WAIT = "nothing was read yet"


Item = Due | Mark
Items = Generator[Item, None, None]


class Feed(Protocol):
    """Gives frame after frame."""

    async def fill(self) -> None:
        """Read the first ones, before time counts."""

    def next(self) -> Item:
        """The next one; after the last `Mark.END`, for ever.

        Raises:
            UsageError: the log can't be read any more.
        """

    def close(self) -> None:
        """Let the log go."""


def items_of(prepared: Prepared, plan: ReplayPlan) -> Items:
    """The frames of all passes, with a mark between them; due times count from the beginning of the first."""
    shift_ns = 0
    for number in range(prepared.wish.repeat):
        if number:
            yield Mark.SEAM
        log = open_log(prepared.wish.file)
        for due in plan.schedule(log, log.channels):
            yield due._replace(due_ns=due.due_ns + shift_ns) if shift_ns else due
        shift_ns += prepared.period_ns


class Inline:
    """Reads where it is asked."""

    def __init__(self, items: Items) -> None:
        self._items = items

    async def fill(self) -> None:
        """Nothing to be read before."""

    def next(self) -> Item:
        """The next one."""
        return next(self._items, Mark.END)

    def close(self) -> None:
        """Let the log go."""
        self._items.close()


class Ahead:
    """Reads ahead in a thread; all calls in the loop's thread.

    Args:
        loop: the bench's loop.
        items: the frames.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, items: Items) -> None:
        self._loop, self._items = loop, items
        self._ready: deque[Item] = deque()
        self._job: asyncio.Future[list[Item]] | None = None
        self._is_closed = self._is_read = False
        self._broken: BaseException | None = None

    async def fill(self) -> None:
        """Read the first portions, before time counts."""
        while len(self._ready) <= AHEAD and not self._is_read:
            await asyncio.wait([self._ask()])

    def _ask(self) -> asyncio.Future[list[Item]]:
        """Have the next portion read, unless that is under way."""
        if self._job is None:
            self._job = self._loop.run_in_executor(None, self._read)
            self._job.add_done_callback(self._on_read)
        return self._job

    def _read(self) -> list[Item]:
        with _READING:
            before_s = sys.getswitchinterval()
            sys.setswitchinterval(min(_SWITCH_S, before_s))
            try:
                return list(islice(self._items, AHEAD))
            finally:
                sys.setswitchinterval(before_s)

    def _on_read(self, job: asyncio.Future[list[Item]]) -> None:
        self._job = None
        self._broken = job.exception()
        found = [] if self._broken is not None else job.result()
        self._is_read = len(found) < AHEAD
        self._ready.extend(found)
        if self._is_closed:
            self._items.close()

    def next(self) -> Item:
        """The next one; what could not be read is raised where it would have come."""
        if len(self._ready) <= AHEAD and not self._is_read:
            self._ask()
        if self._ready:
            return self._ready.popleft()
        if self._broken is not None:
            raise self._broken
        return Mark.END if self._is_read else Mark.WAIT

    def close(self) -> None:
        """Let the log go, as soon as nobody reads in it."""
        self._is_closed = True
        if self._job is None:
            self._items.close()


__all__ = ["AHEAD", "Ahead", "Feed", "Inline", "Item", "Items", "Mark", "items_of"]
