"""The way of a test's thread into the bench's loop, with the faults and the verdicts that come of it."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, TypeVar

from hil.bench.arguments import wrong_argument
from hil.bench.looks import Looks
from hil.bench.verdicts import Judge
from hil.bench.wiring import Wiring
from hil.errors import BenchError, HilError, InconclusiveError, NotRunError, UsageError
from hil.hmi.layout import Layout
from hil.hmi.touch import TouchPort

T = TypeVar("T")
Named = TypeVar("Named")


def only(known: Mapping[str, Named], name: str, kind: str) -> Named:
    """The one that is meant; without a name the only one.

    Raises:
        NotRunError: the bench has none of this kind.
        UsageError: unknown, or several to choose from.
    """
    if not known:
        raise NotRunError(f"this bench has no {kind}")
    if name in known:
        return known[name]
    names = ", ".join(known)
    if name:
        raise UsageError(f"no {kind} '{name}' on this bench", remedy=f"there is: {names}.")
    if len(known) > 1:
        raise UsageError(f"which {kind}?", remedy=f"one of {names}.")
    return next(iter(known.values()))


class Portal:
    """What the parts of a bench's facade share: the wiring, the judge of the case, and `call`.

    Args:
        wiring: the ports of the bench, open.

    Attributes:
        narrator: tells what a call is in the words of the test, for the steps of the case; None: it has other steps.
    """

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.judge = Judge(wiring.recorder, wiring.clock)
        self.looks = Looks(wiring.plan.layouts)
        self.narrator: Callable[[], tuple[str, list[str]]] | None = None

    @property
    def now_ns(self) -> int:
        """Bench time: nanoseconds since the start of the test."""
        return self.wiring.clock.now_ns

    def layout(self, screen: str) -> Layout:
        """What is where on a screen, as it is expected to look now."""
        return self.looks.layout(screen)

    def call(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the bench's loop; faults of the bench and of the test are kept.

        Raises:
            BenchError: the bench broke, now or earlier in this test.
        """
        recorder = self.wiring.recorder
        if recorder.first_cause is not None or self.wiring.clock.has_left_over:
            self._refuse_broken(main)
        try:
            result = self._run(main) if self.narrator is None else self._run_told(main, *self.narrator())
        except InconclusiveError as error:
            if error is not recorder.inconclusive:
                recorder.fault(error)
            raise
        except (BenchError, UsageError) as error:
            if error is not recorder.first_cause:
                recorder.fault(error)
            raise recorder.first_cause if isinstance(recorder.first_cause, BenchError) else error from None
        except HilError as error:
            self.wiring.vault.hide_error(error)
            raise
        except Exception as error:
            broken = _fault_of(error)
            recorder.fault(broken)
            raise broken from error
        recorder.raise_if_broken()
        return result

    def _refuse_broken(self, main: Coroutine[Any, Any, T]) -> None:
        try:
            self.wiring.recorder.raise_if_broken()
            self._raise_left_over()
        except BaseException:
            main.close()
            raise

    @contextlib.contextmanager
    def step(self, name: str, *arguments: str) -> Iterator[None]:
        """A named step of the test, shown on the report's timeline."""
        number = self.wiring.recorder.step(name, list(arguments))
        status = "fail"
        try:
            yield
            status = "pass"
        finally:
            self.wiring.recorder.end_step(number, status)

    def _run_told(self, main: Coroutine[Any, Any, T], name: str, arguments: list[str]) -> T:
        with self.step(name, *arguments):
            return self._run(main)

    def _run(self, main: Coroutine[Any, Any, T]) -> T:
        try:
            return self.wiring.clock.run(self._unless_broken(main))
        except BaseException:
            if inspect.getcoroutinestate(main) == inspect.CORO_CREATED:  # refused, or ended before it began
                main.close()
            raise

    async def _unless_broken(self, main: Coroutine[Any, Any, T]) -> T:
        """A bench that broke since the caller looked ends the call before it waits for what can't come any more."""
        recorder = self.wiring.recorder
        if recorder.first_cause is not None:
            try:
                recorder.raise_if_broken()
            except BenchError:
                main.close()
                raise
        return await main

    def _raise_left_over(self) -> None:
        """What ended nothing, since it came between two calls: an expired deadline, an error of a callback."""
        error = self.wiring.clock.take_left_over()
        if error is None:
            return
        if not isinstance(error, HilError):
            error = BenchError(f"the bench failed in itself: {type(error).__name__}: {error}")
        if error is not self.wiring.recorder.first_cause:
            self.wiring.recorder.fault(error)
        raise error


def _fault_of(error: Exception) -> BenchError | UsageError:
    """Whose fault an error of Python is: the test's if it gave what its call doesn't take, else the bench's."""
    wrong = wrong_argument(sys._getframe(1)) if isinstance(error, TypeError | AttributeError | ValueError) else ""
    if wrong:
        return UsageError(wrong, remedy="give the call what it takes.")
    return BenchError(f"the bench failed in itself: {type(error).__name__}: {error}")


def finger_on(portal: Portal, screen: str) -> TouchPort:
    """The finger of the bench on a screen.

    Raises:
        NotRunError: there is none.
    """
    sections = portal.wiring.config.touch
    for name, finger in portal.wiring.touches.items():
        if sections[name].screen == screen:
            return finger
    raise NotRunError(f"this bench has no touch on screen '{screen}'")
