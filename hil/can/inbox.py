"""What came over the buses: the last frame of each identifier, and waiting for the next that says what is wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hil.can import database
from hil.can.database import Network, SignalRef, Value
from hil.can.frames import EXTENDED, SENT, CanFrame
from hil.clock import Clock
from hil.errors import UsageError

_Key = tuple[str, int, bool]


class Inbox:
    """The last frame of each identifier that others sent."""

    def __init__(self, clock: Clock, network: Network) -> None:
        self._clock, self._network = clock, network
        self._last: dict[_Key, CanFrame] = {}
        self._watchers: dict[_Key, list[Callable[[CanFrame], object]]] = {}
        self.heard = 0

    def on_frame(self, frame: CanFrame) -> None:
        """A frame was on a bus."""
        if frame.flags & SENT:
            return
        self.heard += 1
        key = (frame.bus, frame.can_id, bool(frame.flags & EXTENDED))
        self._last[key] = frame
        for watch in tuple(self._watchers.get(key, ())):
            watch(frame)

    def clear(self) -> None:
        """Forget what came before a test."""
        self._last.clear()

    def last(self, ref: SignalRef) -> tuple[Value, int] | None:
        """The last value of a signal and its stamp; None if its message never came."""
        frame = self._last.get(_key(ref))
        return None if frame is None else (_value(ref, frame), frame.t_ns)

    async def wait(self, ref: SignalRef, wanted: Callable[[Value], bool], timeout_ns: int) -> tuple[Value, int] | None:
        """The first frame, from the last one on, whose value is `wanted`; None if none came in time."""
        last = self.last(ref)
        if last is not None and wanted(last[0]):
            return last
        arrived = self._clock.loop.create_future()
        timer = self._clock.call_in(timeout_ns, _settle, (arrived, None))

        def watch(frame: CanFrame) -> None:
            value = _value(ref, frame)
            if wanted(value):
                _settle((arrived, (value, frame.t_ns)))

        watchers = self._watchers.setdefault(_key(ref), [])
        watchers.append(watch)
        try:
            return await arrived  # type: ignore[no-any-return]
        finally:
            watchers.remove(watch)
            timer.cancel()


def _settle(outcome: tuple[Any, Any]) -> None:
    future, result = outcome
    if not future.done():
        future.set_result(result)


def _key(ref: SignalRef) -> _Key:
    return ref.bus, ref.message.frame_id, ref.message.is_extended_frame


def _value(ref: SignalRef, frame: CanFrame) -> Value:
    values = database.decode(ref.message, frame.data)
    if ref.signal.name not in values:
        raise UsageError(f"{ref} is not in the multiplexed frame that came")
    return database.show(ref, values[ref.signal.name])
