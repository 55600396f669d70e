"""Work on a numbered list by several processes; what comes of it is taken in order.

Rules of this module: the processes are forked, so that they know all that this one knows, and nothing but their answers
has to be packed. Each has numbers of its own, in turns. What a process could not do, because it died or because of an
error, is done here: the error shows where it would have without help. A process ends with its list, or as soon as
nobody is left to take its answers.

Not for: work that changes anything but files of its own; systems that can't fork (there all is done here).
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final, Generic, TypeVar

AHEAD: Final = 64
"""So many answers may wait until those in front of them are taken."""
_PARTS_A_SWEEP: Final = 32
"""A child collects garbage after so many parts only."""

R = TypeVar("R")


def in_order(work: Callable[[int], R], count: int, *, jobs: int = 1) -> Generator[R, None, None]:
    """`work(0)`, `work(1)`, and so on.

    Args:
        work: what is to be done with a number; what it returns can be pickled.
        count: how many numbers.
        jobs: how many processes work at once; 1 is this one alone.
    """
    jobs = min(jobs, count) if hasattr(os, "fork") else 1
    if jobs < 2:
        yield from map(work, range(count))
        return
    hands: list[_Hand[R]] = []
    try:
        for number in range(jobs):
            hands.append(_begin(work, range(number, count, jobs), hands))
        for number in range(count):
            yield _taken(hands, number) if _arrived(hands, number) else work(number)
    finally:
        for hand in hands:
            hand.end()


@dataclass(slots=True)
class _Hand(Generic[R]):
    """One of the processes, as this one sees it."""

    process: BaseProcess
    answers: Connection
    ready: dict[int, R] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)
    alive: bool = True

    def answered(self, number: int) -> bool:
        """Whether nothing more is to be waited for."""
        return number in self.ready or number in self.failed or not self.alive

    def receive(self) -> None:
        """Take one answer; a process that is gone gives none any more."""
        try:
            number, done, answer = self.answers.recv()
        except (EOFError, OSError):
            self.alive = False
            return
        if done:
            self.ready[number] = answer
        else:
            self.failed.add(number)

    def end(self) -> None:
        """Let it go, whatever it is doing."""
        self.answers.close()
        self.process.terminate()
        self.process.join()
        self.process.close()


def _begin(work: Callable[[int], R], numbers: Sequence[int], others: Sequence[_Hand[R]]) -> _Hand[R]:
    context = multiprocessing.get_context("fork")
    answers, mine = context.Pipe(duplex=False)
    foreign = [answers, *(hand.answers for hand in others)]
    process = context.Process(target=_toil, args=(work, numbers, mine, foreign), daemon=True)
    process.start()
    mine.close()
    return _Hand(process, answers)


def _toil(work: Callable[[int], Any], numbers: Sequence[int], mine: Connection, foreign: Sequence[Connection]) -> None:
    """In the child. Ctrl-C is for the parent, which ends its children."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.freeze()
    gc.disable()  # to look for cycles again and again took a seventh of the time
    for connection in foreign:
        connection.close()
    for count, number in enumerate(numbers):
        if count % _PARTS_A_SWEEP == 0:
            gc.collect()
        try:
            answer = (number, True, work(number))
        except Exception:  # the parent does it again, and has the error where it can be seen
            answer = (number, False, None)
        try:
            mine.send(answer)
        except OSError:
            return


def _arrived(hands: Sequence[_Hand[R]], number: int) -> bool:
    """Wait until a number is worked out; False if nobody will."""
    mine = hands[number % len(hands)]
    while not mine.answered(number):
        open_ = {hand.answers: hand for hand in hands if hand.alive and (hand is mine or len(hand.ready) < AHEAD)}
        for connection in wait(list(open_)):
            open_[connection].receive()  # type: ignore[index]  # wait() gives what it was given
    return number in mine.ready


def _taken(hands: Sequence[_Hand[R]], number: int) -> R:
    return hands[number % len(hands)].ready.pop(number)
