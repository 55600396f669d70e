"""Signals that reach a bench (Ctrl-C, SIGTERM, Robot's time-out): when their handlers run, and what they may cut short.

Rules of this module: signals are the main thread's affair, so in another thread each block does nothing. No handler is
lost: it is put back, and what came meanwhile is delivered unless the block says otherwise. What a handler raises
(KeyboardInterrupt, Robot's time-out) would kill whatever callback of a loop happens to run, so it never gets that far.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # typeshed leaves it out
import asyncio
import contextlib
import os
import signal
import threading
from _thread import get_ident
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

PARKED: Final = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name)]
HANG_UP: Final = [getattr(signal, name) for name in ("SIGHUP",) if hasattr(signal, name)]

_main: Final = [threading.main_thread().ident]


def _know_main() -> None:
    _main[0] = threading.main_thread().ident


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_know_main)


class Kept:
    """A block in which what a signal's handler raises is kept until it ends, and raised there.

    Signals are the main thread's affair: in another one the block keeps nothing.

    Args:
        wake: ends the wait of the thread whose turn it is.

    Attributes:
        error: what was raised so far.
    """

    __slots__ = ("_before", "_is_main", "_wake", "error")

    def __init__(self, wake: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        self._wake = wake
        self._before: Kept | None = None
        self._is_main = get_ident() == _main[0]

    def __enter__(self) -> Kept:
        if self._is_main:
            _put_gates_up()
            self._before, _Gate.keeper = _Gate.keeper, self
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_main:
            _Gate.keeper = self._before
            if self.error is not None:
                raise self.error

    def keep(self, error: BaseException) -> None:
        """Of several the first."""
        self.error = self.error or error
        self._wake()


class _Gate:
    """Stands before a signal's handler. It stays there: to put it up for each call would cost six system calls."""

    keeper: Kept | None = None
    all: tuple[Any, ...] = ()
    """The handlers as they were when the gates stood; whoever sets another one takes its gate away."""

    def __init__(self, handler: Callable[[int, FrameType | None], Any]) -> None:
        self.handler = handler

    def __call__(self, number: int, frame: FrameType | None) -> None:
        keeper = _Gate.keeper
        if keeper is None:
            self.handler(number, frame)
            return
        try:
            self.handler(number, frame)
        except BaseException as error:
            keeper.keep(error)


def _put_gates_up() -> None:
    # `getsignal` of the module `signal` looks for an enumeration first: 3 us
    if tuple(map(_signal.getsignal, PARKED)) == _Gate.all:
        return
    for number in PARKED:
        handler = _signal.getsignal(number)
        if handler.__class__ is not _Gate and callable(handler):
            signal.signal(number, _Gate(handler))
    _Gate.all = tuple(map(_signal.getsignal, PARKED))


def take_gates_down() -> None:
    """Put the signals' own handlers back."""
    if threading.current_thread() is threading.main_thread():
        for number in PARKED:
            handler = _signal.getsignal(number)
            if isinstance(handler, _Gate):
                signal.signal(number, handler.handler)


@contextlib.contextmanager
def parked(task: asyncio.Task[Any]) -> Iterator[None]:
    """Hold SIGINT, SIGTERM and SIGALRM while the loop runs: they end the main task, then reach their own handler.

    Raised inside the loop, a KeyboardInterrupt or Robot's time-out would kill whatever task happened to run.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[tuple[int, FrameType | None]] = []

    def park(number: int, frame: FrameType | None) -> None:
        arrived.append((number, frame))
        task.cancel()

    handlers = {number: signal.signal(number, park) for number in PARKED}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number, frame in arrived:
            _deliver(handlers[number], number, frame)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no signal cut a clean-up short: what arrives meanwhile is dropped, since the end is near anyway."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in (*PARKED, *HANG_UP)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """Let no signal cut something short that must be finished: what arrives meanwhile is delivered afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    numbers = (*PARKED, *HANG_UP)
    handlers = {number: signal.signal(number, lambda number, _: arrived.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in arrived[:1]:
            signal.raise_signal(number)


def end_on_hang_up() -> None:
    """Have SIGTERM and SIGHUP end this process as Ctrl-C does: with the bench left safe."""
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.default_int_handler)


def _deliver(handler: Any, number: int, frame: FrameType | None) -> None:
    if callable(handler):
        handler(number, frame)
    elif handler == signal.SIG_DFL:
        signal.raise_signal(number)
