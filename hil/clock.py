"""Time: the one clock of a bench, its event loop, and the portals into the loop.

Rules of this module: it is the only one that waits and, beside `hil.clock_map`, that reads the wall clock (ruff bans it
elsewhere). Bench time is `t_ns`, integer nanoseconds since the start of the test. Everything that happens on a bench
happens in the one loop, in one thread at a time (the loop's thread is whichever runs it, see `hil.turns`): as a
callback of the agenda (wire, restbus, vsync: integer nanoseconds, first in first out at equal times) or as an asyncio
task (scenarios, consoles, checks). On the virtual clock the agenda is stepped inside the selector hook, up to the next
asyncio timer; time moves only while a portal call runs, so a slow test can't change a result.

Not for: time stamps of files and reports, apart from `utc_now`.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import os
import select
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextvars import Context
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from hil.call import Call
from hil.errors import BenchError, HilError, UsageError
from hil.interrupts import Kept, parked, take_gates_down
from hil.turns import TurnLoop

T = TypeVar("T")
NS_PER_S: Final = 1_000_000_000
_FOR_EVER_NS: Final = 1 << 62
NORMAL: Final = 0
LAST: Final = 1
"""Phases of one nanosecond on the agenda: `LAST` runs after all that was set for `NORMAL` (arbitration does)."""

Callback = Callable[[Any], object]


class Timer:
    """An entry of the agenda; `cancel` makes it do nothing."""

    __slots__ = ("argument", "callback", "t_ns")

    def __init__(self, t_ns: int, callback: Callback | None, argument: Any) -> None:
        self.t_ns, self.callback, self.argument = t_ns, callback, argument

    def cancel(self) -> None:
        """Forget the callback; the entry stays on the heap until its time comes."""
        self.callback = None
        self.argument = None


Agenda = list[tuple[int, int, Timer]]


class TestTimeoutError(UsageError):
    """A case used up its bench time."""

    __test__ = False


class Clock(ABC):
    """One clock, one loop, one agenda. Everything but the portals must be called in the loop's thread."""

    is_virtual: bool

    def __init__(self) -> None:
        self._agenda: Agenda = []
        self._order = 0
        self._task: asyncio.Task[Any] | Call[Any] | None = None
        self._abort: BaseException | None = None
        self._left_over: BaseException | None = None
        self.is_letting_go = False
        """Whether what runs must come to its end: nothing aborts it."""
        self.loop: asyncio.AbstractEventLoop

    @property
    @abstractmethod
    def now_ns(self) -> int:
        """Bench time: nanoseconds since `restart`."""

    @abstractmethod
    def restart(self) -> None:
        """Begin a test: bench time is 0 again. Nothing may be on the agenda of a virtual clock."""

    @abstractmethod
    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """The test's portal: run `main` in the loop to its end and give its result to the calling thread.

        Raises:
            UsageError: called from inside the loop, or the virtual bench has nothing left that could happen.
            TestTimeoutError: the deadline passed (see `set_deadline`).
        """

    @abstractmethod
    def post(self, callback: Callable[..., object], *arguments: object) -> None:
        """The drivers' portal: have `callback` called in the loop's thread, from any thread."""

    @abstractmethod
    def close(self) -> None:
        """Cancel what still runs in the loop and close it. The clock can't be used again."""

    def call_at(self, t_ns: int, callback: Callback, argument: Any = None, *, phase: int = NORMAL) -> Timer:
        """Have `callback(argument)` called at bench time `t_ns` (now, if that is past)."""
        timer = Timer(t_ns, callback, argument)
        self._order += 1
        heapq.heappush(self._agenda, (t_ns, self._order | phase << 62, timer))
        return timer

    def call_last(self, callback: Callback, argument: Any = None) -> None:
        """Have `callback(argument)` called in this nanosecond, after all else that happens in it: `LAST`, for now."""
        self.call_at(self.now_ns, callback, argument, phase=LAST)

    def call_again(self, timer: Timer, t_ns: int) -> None:
        """Set a timer that has just fired (and isn't cancelled) once more: `call_at` without a new one."""
        timer.t_ns = t_ns
        self._order += 1
        heapq.heappush(self._agenda, (t_ns, self._order, timer))

    def call_in(self, delay_ns: int, callback: Callback, argument: Any = None) -> Timer:
        """`call_at`, counted from now."""
        return self.call_at(self.now_ns + delay_ns, callback, argument)

    def is_quiet(self) -> bool:
        """Whether surely nothing else is left to happen in this nanosecond; False where that can't be known.

        An agenda's callback may then do at once, as its last act, what it would set for now and `LAST`.
        """
        return False

    async def sleep_until(self, t_ns: int) -> None:
        """Wait until bench time `t_ns`, exact to the nanosecond on the virtual clock."""
        done = self.loop.create_future()
        timer = self.call_at(t_ns, _resolve, done)
        try:
            await done
        finally:
            timer.cancel()

    async def sleep(self, duration_s: float) -> None:
        """Wait for a span of bench time."""
        await self.sleep_until(self.now_ns + round(duration_s * 1e9))

    def set_deadline(self, t_ns: int, why: str) -> Timer:
        """Abort the running portal call with a `TestTimeoutError` at bench time `t_ns`; cancel the timer to lift it."""
        return self.call_at(t_ns, self._expire, why)

    def abort(self, error: BaseException) -> None:
        """End the running portal call with `error`; between two calls it is kept for `take_left_over`."""
        if self._task is None or self.is_letting_go:
            self._left_over = self._left_over or error
            return
        self._abort = self._abort or error
        self._task.cancel()

    @property
    def has_left_over(self) -> bool:
        """Whether `take_left_over` has something to give."""
        return self._left_over is not None

    def take_left_over(self) -> BaseException | None:
        """The first error since the last call of this that ended no portal call: on a real clock the loop goes on."""
        error, self._left_over = self._left_over, None
        return error

    def _expire(self, why: str) -> None:
        self.abort(TestTimeoutError(why))

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, Exception):
            error = BenchError(f"the event loop reports: {context.get('message')}")
        self.abort(error)

    def _outcome(self, task: asyncio.Task[T]) -> T:
        """The result of a finished main task; an abort that ended it is what the caller sees."""
        abort, self._abort = self._abort, None
        if abort is not None:
            if not task.cancelled():
                task.exception()
            raise abort
        return task.result()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class _OrderedTimerHandle(asyncio.TimerHandle):
    """A timer of asyncio that is first in, first out at equal times, which the standard one is not."""

    __slots__ = ("order", "when_ns")

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: Context | None,
        order: int,
    ) -> None:
        super().__init__(when, callback, args, loop, context)
        self.order, self.when_ns = order, round(when * 1e9)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, _OrderedTimerHandle):
            return NotImplemented
        return (self.when_ns, self.order) < (other.when_ns, other.order)


class _VirtualLoop(asyncio.BaseEventLoop):
    """A loop without file descriptors. Its selector is the hook that steps the agenda instead of waiting."""

    _ready: Any
    _scheduled: list[_OrderedTimerHandle]

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._bench_clock = clock
        self._timer_order = 0
        self._selector = self
        self._clock_resolution = 0.5e-9

    def time(self) -> float:
        return self._bench_clock.now_ns / 1e9

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self._timer_order += 1
        handle = _OrderedTimerHandle(when, callback, args, self, context, self._timer_order)
        heapq.heappush(self._scheduled, handle)
        handle._scheduled = True  # type: ignore[attr-defined]  # as BaseEventLoop.call_at does
        return handle

    def select(self, timeout: float | None) -> list[object]:
        """What `_run_once` calls when it would wait. Moves bench time to the next thing that happens."""
        if not self._ready:
            self._bench_clock._advance(self._ready, self._scheduled[0].when_ns if self._scheduled else None)
        return []

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> Any:
        raise UsageError(f"{getattr(func, '__name__', func)} wants a thread; a thread's result would race bench time")

    def _process_events(self, event_list: list[object]) -> None:
        """Nothing to process: there are no file descriptors."""

    def _write_to_self(self) -> None:
        """Nothing to wake: the loop never waits."""


class VirtualClock(Clock):
    """Discrete events in one thread. No wall time passes where nothing is computed.

    Attributes:
        now_ns: bench time; a plain attribute, because everything that happens reads it. Only `_advance` moves it.
    """

    is_virtual = True
    now_ns: int = 0

    def __init__(self) -> None:
        super().__init__()
        self._last: deque[tuple[Callback, Any]] = deque()
        self._closed = False
        self.loop: _VirtualLoop = _VirtualLoop(self)
        self.loop.set_exception_handler(self._on_loop_error)

    def restart(self) -> None:
        if self.now_ns or self._agenda or self._last:
            raise UsageError("a virtual clock serves one test", remedy="make a new bench for each test.")

    def is_quiet(self) -> bool:
        agenda = self._agenda
        return not (self.loop._ready or self._last) and (not agenda or agenda[0][0] > self.now_ns)

    def call_last(self, callback: Callback, argument: Any = None) -> None:
        # what is for this nanosecond needs no place on the heap
        self._last.append((callback, argument))

    def post(self, callback: Callable[..., object], *arguments: object) -> None:
        self.loop.call_soon(callback, *arguments)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        self._refuse_reentry(main)
        task = self.loop.create_task(main)
        self._task, self._abort = task, None
        with parked(task):
            try:
                self._drive(task)
            finally:
                self._task = None
        return self._outcome(task)

    def _refuse_reentry(self, main: Coroutine[Any, Any, T]) -> None:
        if self._closed or self.loop.is_running():
            main.close()
            raise UsageError("the bench is closed" if self._closed else "a portal call inside the loop: await instead")

    def _drive(self, task: asyncio.Task[Any]) -> None:
        try:
            self.loop.run_until_complete(task)
        except asyncio.CancelledError:
            return
        except Exception as error:
            if task.done():
                return
            self._abort = self._abort or error
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                self.loop.run_until_complete(task)

    def _advance(self, ready: Any, until_ns: int | None) -> None:
        """Step the agenda until the loop has something ready or its next timer is due.

        Raises:
            UsageError: nothing is scheduled at all; the wait would never end.
        """
        agenda, last, pop = self._agenda, self._last, heapq.heappop
        end_ns = _FOR_EVER_NS if until_ns is None else until_ns
        while agenda or last:
            if last and not (agenda and agenda[0][0] <= self.now_ns):
                callback, argument = last.popleft()
                callback(argument)
            else:
                t_ns = agenda[0][0]
                if t_ns > end_ns:
                    break
                timer = pop(agenda)[2]
                if timer.callback is None:
                    continue
                if t_ns > self.now_ns:  # noqa: PLR1730  # the hottest line of the program; max() is a call
                    self.now_ns = t_ns
                timer.callback(timer.argument)
            if ready:
                return
        if until_ns is None:
            raise UsageError("waits for ever: nothing on this bench is left that could happen")
        self.now_ns = max(self.now_ns, until_ns)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._agenda.clear()
        self._last.clear()
        _cancel_all(self.loop)
        self.loop.close()


class RealClock(Clock):
    """The loop runs in a thread of its own, so the restbus goes on between two portal calls; a call runs it itself.

    Attributes:
        zero_ns: the host's monotonic time at bench time 0.
    """

    is_virtual = False

    def __init__(self) -> None:
        super().__init__()
        self.zero_ns = time.monotonic_ns()
        self._armed: asyncio.TimerHandle | None = None
        self._armed_ns = 0
        self._stepping = False
        self._is_served = True
        self.loop: TurnLoop = TurnLoop()
        self.loop.set_exception_handler(self._on_loop_error)
        self._thread = threading.Thread(target=self._serve, name="hil-loop", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self._is_served = False

    @property
    def now_ns(self) -> int:
        return time.monotonic_ns() - self.zero_ns

    def restart(self) -> None:
        """Shift the zero to now; what is on the agenda keeps its instant."""
        self.run(self._restart())

    async def _restart(self) -> None:
        shift = self.now_ns
        self.zero_ns += shift
        for _, _, timer in self._agenda:
            timer.t_ns -= shift
        self._agenda[:] = [(t_ns - shift, order, timer) for t_ns, order, timer in self._agenda]
        self._arm()

    def from_monotonic_ns(self, stamp_ns: int) -> int:
        """Bench time of a stamp of the host's monotonic clock."""
        return stamp_ns - self.zero_ns

    def to_monotonic_ns(self, t_ns: int) -> int:
        """The host's monotonic time of a bench time."""
        return t_ns + self.zero_ns

    def call_at(self, t_ns: int, callback: Callback, argument: Any = None, *, phase: int = NORMAL) -> Timer:
        timer = Timer(t_ns, callback, argument)
        self._order += 1
        heapq.heappush(self._agenda, (t_ns, self._order | phase << 62, timer))
        if not self._stepping and (self._armed is None or t_ns < self._armed_ns):
            self._arm()
        return timer

    def _arm(self) -> None:
        if self._armed is not None:
            self._armed.cancel()
            self._armed = None
        while self._agenda and self._agenda[0][2].callback is None:
            heapq.heappop(self._agenda)
        if self._agenda:
            self._armed_ns = self._agenda[0][0]
            self._armed = self.loop.call_at(self.to_monotonic_ns(self._armed_ns) / 1e9, self._step)

    def _step(self) -> None:
        self._armed, self._stepping = None, True
        try:
            while self._agenda and self._agenda[0][0] <= self.now_ns:
                timer = heapq.heappop(self._agenda)[2]
                if timer.callback is not None:
                    timer.callback(timer.argument)
        finally:
            self._stepping = False
            self._arm()

    def post(self, callback: Callable[..., object], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop closed while a driver's thread still had something to say
            self.loop.call_soon_threadsafe(callback, *arguments)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        if asyncio._get_running_loop() is self.loop or not self._is_served:
            main.close()
            raise UsageError("a portal call inside the loop: await instead" if self._is_served else "closed")
        call, result = Call(main, self.loop), None
        with Kept(self.loop.wake) as kept:
            try:
                result = self.loop.drive(call, self._begin, kept)
            except (Exception, asyncio.CancelledError):
                if self._abort is None:
                    raise
            finally:
                self._task = None
        abort, self._abort = self._abort, None
        if abort is not None:
            raise abort
        return result  # type: ignore[return-value]  # None for another would mean a signal, which the block has raised

    def _begin(self, call: Call[Any]) -> None:
        self._task, self._abort = call, None

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        self.loop.call_soon_threadsafe(self._agenda.clear)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        _cancel_all(self.loop)
        self.loop.close()
        take_gates_down()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel the tasks of a stopped loop, in the order in which they were made, and let them end."""
    loop.set_exception_handler(lambda _loop, _context: None)
    tasks = sorted((task for task in asyncio.all_tasks(loop) if not task.done()), key=_creation_order)
    for task in tasks:
        task.cancel()
    with contextlib.suppress(HilError):
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    if not isinstance(loop, _VirtualLoop):
        loop.run_until_complete(loop.shutdown_default_executor())


def _creation_order(task: asyncio.Task[Any]) -> tuple[int, str]:
    name = task.get_name()
    return len(name), name


@contextlib.contextmanager
def sleep_forbidden(folder: str) -> Iterator[None]:
    """Make `time.sleep` a usage error for code whose file lies in `folder`: it burns wall time and no bench time."""
    sleep = time.sleep

    def guarded(seconds: Any) -> None:
        caller = sys._getframe(1)
        if os.path.abspath(caller.f_code.co_filename).startswith(os.path.abspath(folder) + os.sep):
            raise UsageError(
                "time.sleep lets no bench time pass",
                where=f"{caller.f_code.co_filename}:{caller.f_lineno}",
                remedy="use bench.sleep, or the keyword Sleep of hil.robot.",
            )
        sleep(seconds)

    time.sleep = guarded
    try:
        yield
    finally:
        time.sleep = sleep


wall_ns: Final = time.monotonic_ns
"""The host's monotonic clock: for flushing, watchdogs and progress, never for a verdict."""


def cpu_ns() -> int:
    """Computing time of this process, all its threads: how busy the bench is, never for a verdict."""
    return time.process_time_ns()


def utc_now() -> datetime:
    """The date and time of the host, for run.json and the names of result folders."""
    return datetime.now(UTC)


def wait_wall(seconds: float, descriptor: int | None = None) -> bool:
    """Wait in wall time, for a person at a prompt or a script at its pace: never for a bench, which has its own time.

    Args:
        seconds: how long at most.
        descriptor: wait no longer once this has something to read, or has ended.

    Returns:
        Whether the descriptor has.
    """
    if descriptor is None:
        time.sleep(max(0.0, seconds))
        return False
    return bool(select.select([descriptor], [], [], max(0.0, seconds))[0])
