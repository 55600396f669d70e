"""An event loop that two threads drive by turns.

Rules of this module: one thread at a time runs the loop's callbacks, whoever holds the turn. The thread of the loop
gives its turn away while it waits for something to happen. A thread with a portal call takes it, runs the loop itself
until its call is done, and gives it back: no other thread has to wake up for a call, and none for its result. What the
loop's thread saw before the turn was taken it forgets, and looks again: readiness stays until somebody has read.
What a signal's handler raises during a turn is kept for its end (`hil.interrupts.Kept`).

Not for: the virtual clock, whose loop has no thread. Nor for anything that more than one loop shares.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import select
import selectors
import sys
import threading
from collections.abc import Callable, Sized
from functools import partial
from typing import Any, Final, TypeVar

from hil.call import Call
from hil.interrupts import Kept

T = TypeVar("T")

LOOK_UP_S: Final = 0.1
"""How long a thread waits at a stretch: a signal that another thread took is handled when this one wakes."""
_IN, _OUT = getattr(select, "EPOLLIN", 0), getattr(select, "EPOLLOUT", 0)
_AWAKE: Final = -math.inf
_SLACK_S: Final = 0.0005
"""By how much the loop's thread may wake after a timer that a call has set: it is not worth a wake-up of its own."""


class TurnSelector(selectors.DefaultSelector):
    """The selector of such a loop: where its thread waits, the turn can be taken.

    Where there is epoll, the loop's thread waits for the epoll descriptor of the selector, by another one. What that
    tells it is switched off during a call, so that what happens then wakes one thread and not both.

    Args:
        now_s: the loop's time.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        super().__init__()
        self._now_s = now_s
        self._turn = threading.Lock()
        self._queue = threading.Lock()
        """Whoever wants the turn waits here too, so the loop's thread doesn't come back before a call had its turn."""
        self._is_taken = self._has_changed = False
        self._turns = 0
        self._waits_until_s = _AWAKE
        self._own = self.fileno() if hasattr(select, "epoll") else -1
        self._outer = select.epoll() if hasattr(select, "epoll") else None
        self._epoll: Any = getattr(self, "_selector", None)
        self._keys: Any = self._fd_to_key  # type: ignore[attr-defined]
        if self._outer is not None:
            self._outer.register(self._own, select.EPOLLIN)
        self._turn.acquire()

    # The loop's thread ----------------------------------------------------------------------------------------------

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; called by the loop, in whichever thread has the turn."""
        if self._is_taken:
            return super().select(LOOK_UP_S if timeout is None else min(timeout, LOOK_UP_S))
        turns, ready = self._turns, []
        self._waits_until_s = math.inf if timeout is None else self._now_s() + timeout
        self._turn.release()
        try:
            if self._outer is not None:
                self._outer.poll(timeout)
            else:
                ready = super().select(timeout)
        finally:
            self._waits_until_s = _AWAKE
            with self._queue:
                self._turn.acquire()
        if self._outer is not None:
            return super().select(0)
        return ready if turns == self._turns else []

    # A thread with a call -------------------------------------------------------------------------------------------

    def dispatch(self, timeout: float) -> int | None:
        """Wait, and call what is to be called. In the thread that has the turn.

        What `select` and the loop make of it costs three times that.

        Returns:
            How many descriptors were ready; None: it has to be asked by `select`.
        """
        if self._outer is None:
            return None
        if timeout > LOOK_UP_S:  # noqa: PLR1730  # min() is a call
            timeout = LOOK_UP_S
        keys = self._keys
        found = self._epoll.poll(timeout if timeout > 0 else 0, len(keys) or 1)
        for fd, event in found:
            key = keys.get(fd)  # None: one before it has let it go
            reader, writer = key.data if key is not None else (None, None)
            if reader is not None and event & ~_OUT and not reader._cancelled:
                reader._run()
            if writer is not None and event & ~_IN and not writer._cancelled:
                writer._run()
        return len(found)

    def take(self, kept: Kept) -> bool:
        """Take the turn; False if a signal came first."""
        if not self._turn.acquire(blocking=False):
            with self._queue:
                while not self._turn.acquire(timeout=LOOK_UP_S):
                    if kept.error is not None:
                        return False
        self._is_taken, self._has_changed = True, False
        self._turns += 1
        if self._outer is not None:
            self._outer.modify(self._own, 0)
        return True

    def give(self, due_s: float) -> bool:
        """Give the turn back.

        Args:
            due_s: when the loop has something to do again.

        Returns:
            Whether the loop's thread must be woken: it waits for longer, or for something else.
        """
        if self._outer is not None:
            self._outer.modify(self._own, select.EPOLLIN)
            self._has_changed = False
        is_late = self._waits_until_s > due_s + _SLACK_S or (self._has_changed and self._waits_until_s != _AWAKE)
        self._is_taken = False
        self._turn.release()
        return is_late

    def close(self) -> None:
        """As every selector does it."""
        if self._outer is not None:
            self._outer.close()
        super().close()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As every selector does it."""
        self._has_changed = True
        return super().register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """As every selector does it."""
        self._has_changed = True
        return super().unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As every selector does it."""
        self._has_changed = True
        return super().modify(fileobj, events, data)


class TurnLoop(asyncio.SelectorEventLoop):
    """A loop that runs in a thread of its own, and by turns in that of a call."""

    _ready: Any
    _closed: bool
    _debug: bool
    _clock_resolution: float
    _scheduled: list[Any]
    _run_once: Callable[[], None]
    _write_to_self: Callable[[], None]
    _asyncgen_firstiter_hook: Any
    _asyncgen_finalizer_hook: Any

    def __init__(self) -> None:
        self._turns = TurnSelector(self.time)
        self._has_looked = False
        super().__init__(self._turns)
        self.get_debug = partial(getattr, self, "_debug")  # type: ignore[method-assign]  # asked for by all of asyncio
        self.waiting: Sized = self._ready
        """The callbacks that wait for their turn."""
        self.has_answer: Callable[[], bool] = bool
        """Whether there is what the call waits for."""

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        """As every loop does it, with half the calls."""
        if self._closed or self._debug:
            return super().call_soon(callback, *args, context=context)
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def wake(self) -> None:
        """Let whoever waits look whether there is something to do."""
        self._write_to_self()

    def drive(self, call: Call[T], begin: Callable[[Call[T]], object], kept: Kept) -> T | None:
        """Run the loop in the calling thread until a call is done, or a signal's handler raised.

        Args:
            call: what to do.
            begin: told in this thread's turn that it begins.
            kept: what the handler raised.

        Returns:
            The call's result; None if a signal came first.

        Raises:
            BaseException: what the call raised.
        """
        if not self._turns.take(kept):
            call.close()
            return None
        running, hooks = asyncio._get_running_loop(), sys.get_asyncgen_hooks()
        asyncio._set_running_loop(self)
        sys.set_asyncgen_hooks(self._asyncgen_firstiter_hook, self._asyncgen_finalizer_hook)
        try:
            begin(call)
            return self._run_call(call, kept)
        finally:
            self.has_answer = bool
            sys.set_asyncgen_hooks(*hooks)
            asyncio._set_running_loop(running)
            if self._turns.give(self._due_s()):
                self.wake()

    def _run_call(self, call: Call[T], kept: Kept) -> T | None:
        step, ready, self._has_looked = call.step, self._ready, True
        while kept.error is None:
            if ready:  # they came first; among them whoever else is called back of what the call waited for
                self._run_ready()
            try:
                self.has_answer = has_answer = step().done
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            while not has_answer() and kept.error is None:
                if ready and self._has_looked:
                    self._run_ready()
                elif ready or not self._look():
                    self._has_looked = True
                    self._run_once()
        call.abandon()
        return None

    def _run_ready(self) -> None:
        """Of `_run_once` what can be done at once; what else happened is looked at every other time."""
        ready, self._has_looked = self._ready, False
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _look(self) -> bool:
        """`_run_once` where nothing is ready: wait, then do what descriptors and timers say; False: it has to.

        A timer that falls due while it waits for a descriptor has its turn when it looks again.
        """
        self._has_looked = True
        timers, rest_s = self._scheduled, LOOK_UP_S
        if timers:
            if timers[0]._cancelled:
                return False  # it knows how to count those
            rest_s = timers[0]._when - self.time()
        found = self._turns.dispatch(rest_s)
        if found is None:
            return False
        if rest_s <= 0 or not found:
            self._run_due()
        return True

    def _run_due(self) -> None:
        """Each timer that is due once: one that is set again for now waits until others had their turn."""
        timers, end_s = self._scheduled, self.time() + self._clock_resolution
        for _ in range(len(timers)):
            if not timers or timers[0]._when >= end_s or timers[0]._cancelled:
                return
            timer = heapq.heappop(timers)
            timer._scheduled = False
            timer._run()

    def _due_s(self) -> float:
        if self._ready:
            return -math.inf
        return self._scheduled[0]._when if self._scheduled else math.inf


__all__ = ["LOOK_UP_S", "TurnLoop", "TurnSelector"]
