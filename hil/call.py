"""A call into a running loop: a coroutine that its caller drives by hand, without a task.

A task costs two callbacks, their handles and an entry in the set of all tasks; a call needs none of them, since whoever
made it waits for it anyway. Inside of the coroutine `asyncio.current_task` gives the call: `asyncio.timeout` and
whatever else asks for the running task finds in it what a task promises of cancelling.

Rules of this module: between two steps other callbacks of the loop run, so a step is entered and left as a task's.
A call that its caller can't wait for any more becomes a task (`abandon`), which lets it clean up.

Not for: what goes on beside the call; that is a task.
"""

from __future__ import annotations

import asyncio
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
_NAME: Final = "call"


class Call(Generic[T]):
    """One call.

    Args:
        main: its coroutine.
        loop: runs what the coroutine waits for.
    """

    __slots__ = ("__weakref__", "_cancels", "_context", "_is_done", "_loop", "_main", "_must_cancel", "_waits_for")

    def __init__(self, main: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> None:
        self._main, self._loop, self._context = main, loop, copy_context()
        self._waits_for: asyncio.Future[Any] | None = None
        self._must_cancel = self._is_done = False
        self._cancels = 0

    def step(self) -> asyncio.Future[Any]:
        """Go on; what the coroutine waits for then.

        Raises:
            StopIteration: it has come to its end, with its result.
            BaseException: what it raised.
        """
        loop, self._waits_for = self._loop, None
        _enter_task(loop, self)  # type: ignore[arg-type]
        try:
            if self._must_cancel:
                self._must_cancel = False
                waits_for = self._context.run(self._main.throw, asyncio.CancelledError())
            else:
                waits_for = self._context.run(self._main.send, None)
        except BaseException:
            self._is_done = True
            raise
        finally:
            _leave_task(loop, self)  # type: ignore[arg-type]
        if waits_for is None:  # others have their turn
            waits_for = loop.create_future()
            loop.call_soon(_settle, waits_for)
        waits_for._asyncio_future_blocking = False
        self._waits_for = waits_for
        if self._must_cancel and waits_for.cancel():
            self._must_cancel = False
        return waits_for  # type: ignore[no-any-return]

    def close(self) -> None:
        """It never began."""
        self._is_done = True
        self._main.close()

    def abandon(self) -> None:
        """Nobody waits for it any more: it is cancelled, and cleans up in the loop."""
        waits_for, self._is_done = self._waits_for, True
        if waits_for is not None:
            waits_for.cancel()
        asyncio.Task(self._main, loop=self._loop).cancel()

    # What a task promises -------------------------------------------------------------------------------------------

    def cancel(self, msg: object = None) -> bool:
        """Raise CancelledError in it, at what it waits for now or next."""
        if self._is_done:
            return False
        self._cancels += 1
        waits_for = self._waits_for
        if waits_for is None or not waits_for.cancel():
            self._must_cancel = True
        return True

    def uncancel(self) -> int:
        """Somebody has seen to one of the cancellations; how many are left."""
        self._cancels = max(self._cancels - 1, 0)
        return self._cancels

    def cancelling(self) -> int:
        """How often it was cancelled."""
        return self._cancels

    def done(self) -> bool:
        """Whether it has come to its end."""
        return self._is_done

    def get_coro(self) -> Coroutine[Any, Any, T]:
        """Its coroutine."""
        return self._main

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Where it runs."""
        return self._loop

    def get_name(self) -> str:
        """For people."""
        return _NAME


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


__all__ = ["Call"]
