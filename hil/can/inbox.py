"""What came over the buses: the last frame that carried a signal, and waiting for the next that says what is wanted.

Rules of this module: a frame that is too short for its message carries none of its signals; a multiplexed frame carries
those that its multiplexer selects, and the last frame of each selection is kept. Remote and error frames carry nothing.
"""

from __future__ import annotations

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
_Carried = frozenset[str] | None
"""Names of the signals that a multiplexed frame carries; None: all of its message."""


class Inbox:
    """The last frames of each identifier that others sent."""

    def __init__(self, clock: Clock, network: Network) -> None:
        self._clock, self._network = clock, network
        self._last: dict[_Key, dict[_Carried, CanFrame]] = {}
        self._watchers: dict[_Key, list[Callable[[CanFrame], object]]] = {}
        self.heard = 0

    def on_frame(self, frame: CanFrame) -> None:
        """A frame was on a bus."""
        if frame.flags & (SENT | ERROR):
            return
        self.heard += 1
        message = self._network.message_of(frame)
        if message is None or len(frame.data) < message.length or frame.flags & (REMOTE | ERROR):
            return
        key = (frame.bus, frame.can_id, bool(frame.flags & EXTENDED))
        carried = _carried(message, frame.data)
        pages = self._last.setdefault(key, {})
        pages.pop(carried, None)
        pages[carried] = frame
        for watch in tuple(self._watchers.get(key, ())):
            watch(frame)

    def clear(self) -> None:
        """Forget what came before a test."""
        self._last.clear()

    def last(self, ref: SignalRef) -> tuple[Value, int] | None:
        """The last value of a signal and its stamp; None if it never came."""
        for carried, frame in reversed(self._last.get(_key(ref), {}).items()):
            if carried is None or ref.signal.name in carried:
                return _value(ref, frame), frame.t_ns
        return None

    async def wait(self, ref: SignalRef, wanted: Callable[[Value], bool], timeout_ns: int) -> tuple[Value, int] | None:
        """The first frame, from the last one on, whose value is `wanted`; None if none came in time.

        The last one counts only while it is fresh: what a sender said before it fell silent says nothing of now.
        """
        last = self.last(ref)
        if last is not None and self._fresh(ref, last[1]) and wanted(last[0]):
            return last
        arrived = self._clock.loop.create_future()
        timer = self._clock.call_in(timeout_ns, _settle, (arrived, None))

        def watch(frame: CanFrame) -> None:
            value = _value(ref, frame) if _carries(ref, frame) else None
            if value is not None and wanted(value):
                _settle((arrived, (value, frame.t_ns)))

        watchers = self._watchers.setdefault(_key(ref), [])
        watchers.append(watch)
        try:
            return await arrived  # type: ignore[no-any-return]
        finally:
            watchers.remove(watch)
            timer.cancel()

    def _fresh(self, ref: SignalRef, t_ns: int) -> bool:
        """Whether a cyclic message came within its last few cycles; one without a cycle is always fresh."""
        cycle_ns = (ref.message.cycle_time or 0) * 1_000_000
        return not cycle_ns or self._clock.now_ns - t_ns <= FRESH_CYCLES * cycle_ns


def _settle(outcome: tuple[Any, Any]) -> None:
    future, result = outcome
    if not future.done():
        future.set_result(result)


def _key(ref: SignalRef) -> _Key:
    return ref.bus, ref.message.frame_id, ref.message.is_extended_frame


def _carried(message: Message, data: bytes) -> _Carried:
    if not message.is_multiplexed():
        return None
    try:
        return frozenset(database.decode(message, data))
    except UsageError:  # its multiplexer selects nothing
        return frozenset()


def _carries(ref: SignalRef, frame: CanFrame) -> bool:
    carried = _carried(ref.message, frame.data)
    return carried is None or ref.signal.name in carried


def _value(ref: SignalRef, frame: CanFrame) -> Value:
    return database.show(ref, ref.raw_in(frame.data))
