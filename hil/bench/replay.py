"""Plays a recorded log onto the buses of a bench: frame by frame, each handed to its port at its instant.

Rules of this module: one timer on the clock's agenda, for the next frame. What left later than it may is told to the
recorder, as the restbus does it, so that a verdict taken meanwhile is inconclusive; what is overdue is sent in small
portions, so that no adapter is flooded.

Not for: which frames, and what is in them (`hil.bench.replay_survey`, `hil.can.replay_plan`), or what the restbus does
meanwhile (`hil.bench.replay_handover`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

from hil.bench.replay_feed import Ahead, Feed, Inline, Item, Mark, items_of
from hil.bench.replay_handover import Handover, Lane
from hil.bench.replay_survey import Prepared
from hil.bench.wiring import Wiring
from hil.can import database
from hil.can.database import SignalRef, Value
from hil.can.frames import EXTENDED, REMOTE
from hil.can.replay_plan import Due, ReplayPlan
from hil.can.schedule import Lateness
from hil.clock import Clock, Timer
from hil.errors import UsageError

_ALLOWED_NS: Final = 10_000_000
"""How late a frame without a cycle may be: as one with a short cycle."""
_AT_ONCE: Final = 8
_BREATH_NS: Final = 1_000_000
"""Of what is overdue a bus gets so many frames, then others have their turn: SocketCAN queues ten where nobody says
otherwise, and a bus of 500 kbit/s takes four in a millisecond."""


class Player:
    """A replay as it goes. All calls in the loop's thread; its figures may be read from anywhere.

    Args:
        wiring: the bench.
        prepared: what is replayed.

    Attributes:
        plan: counts what was overridden, and what no bus can carry.
        handover: what the restbus takes over.
        frames: frames that were handed to the ports.
        begin_ns: when it began.
        end_ns: when it ended; None while it goes on.
        is_complete: whether it was played to its end.
        late: frames that left later than they may.
        worst_late_ns: by how much a frame left late at most.
        ended: done when it has ended.
    """

    def __init__(self, wiring: Wiring, prepared: Prepared) -> None:
        self.prepared, self._wiring = prepared, wiring
        self._clock: Clock = wiring.clock
        self.plan = ReplayPlan(wiring.plan.network, prepared.options)
        self.handover = Handover(wiring, prepared)
        self.frames = self.begin_ns = self.late = self.worst_late_ns = 0
        self.end_ns: int | None = None
        self.is_complete = False
        self.ended: asyncio.Future[None] = self._clock.loop.create_future()
        items = items_of(prepared, self.plan)
        self._feed: Feed = Inline(items) if self._clock.is_virtual else Ahead(self._clock.loop, items)
        self._item: Item = Mark.WAIT
        self._armed_ns = 0
        self._is_told = False
        self._timer: Timer | None = None
        allowed_s = wiring.config.bench.allowed_lateness
        self._allowed_ns = None if allowed_s is None else round(allowed_s * 1e9)

    @property
    def buses(self) -> frozenset[str]:
        """The buses that it plays on."""
        return frozenset(bus for bus, _, _ in self.handover.lanes)

    async def start(self) -> None:
        """Begin.

        Raises:
            UsageError: another replay plays on one of its buses.
        """
        players = self._wiring.traffic.players
        for other in players:
            common = self.buses & other.buses
            if common:
                what = f"another replay plays on {', '.join(sorted(common))}"
                raise UsageError(what, where=str(self.prepared.wish.file), remedy="wait for its end, or stop it.")
        players.append(self)
        await self._feed.fill()
        self.handover.take()
        self.begin_ns = self._clock.now_ns
        self._timer = self._clock.call_at(self.begin_ns, self._step)
        self._armed_ns = self._timer.t_ns
        prepared = self.prepared
        said = [f"replay of {prepared.wish.file.name} began", *prepared.channels, prepared.complaint]
        self._note("; ".join(text for text in said if text))

    def _note(self, text: str) -> None:
        self._wiring.recorder.record("note", {"text": text})

    @property
    def duration_ns(self) -> int:
        """How long it took, or has taken so far."""
        return (self._clock.now_ns if self.end_ns is None else self.end_ns) - self.begin_ns

    # Frames -------------------------------------------------------------------------------------------------------

    def _due_ns(self, due: Due) -> int:
        return self.begin_ns + round(due.due_ns / self.prepared.wish.speed)

    def _step(self, _: object) -> None:
        timer = self._timer
        if timer is None:
            return
        self.begin_ns += timer.t_ns - self._armed_ns  # bench time may have begun anew
        try:
            next_ns = self._play(self._clock.now_ns)
        except BaseException:
            self.abandon()
            raise
        if next_ns is None:
            self.is_complete = True
            self.stop()
            return
        self._armed_ns = next_ns
        self._clock.call_again(timer, next_ns)

    def _play(self, now_ns: int) -> int | None:
        """Send what is due; returns when to look again, None after the last frame."""
        overdue: Counter[str] = Counter()
        self._is_told = False
        while (item := self._item) is not Mark.END:
            if isinstance(item, Due):
                due_ns = self._due_ns(item)
                if due_ns > now_ns:
                    return due_ns
                if overdue[item.bus] == _AT_ONCE:
                    return now_ns + _BREATH_NS
                self._send(item, due_ns, now_ns)
                overdue[item.bus] += due_ns < now_ns
            elif item is Mark.SEAM:
                self._begin_pass()
            self._item = self._feed.next()
            if self._item is Mark.WAIT:
                return now_ns + _BREATH_NS
        return None

    def _begin_pass(self) -> None:
        for lane in self.handover.lanes.values():
            if lane.guard is not None:
                lane.guard.begin_pass()

    def _send(self, due: Due, due_ns: int, now_ns: int) -> None:
        """Hand a frame to its port."""
        _, bus, can_id, data, flags = due
        lane = self.handover.lanes.get((bus, can_id, flags & EXTENDED))
        if lane is None:  # the log has grown since it was looked through
            return
        if not flags & REMOTE:
            data = lane.take(data, now_ns)
        self._wiring.buses[bus].send(can_id, data, flags)
        self.frames += 1
        if now_ns > due_ns:
            self._note_lateness(lane, bus, due_ns, now_ns - due_ns)

    def _note_lateness(self, lane: Lane, bus: str, due_ns: int, late_ns: int) -> None:
        """Of the frames that are sent at one instant the first that is too late is told: it is the latest."""
        self.worst_late_ns = max(self.worst_late_ns, late_ns)
        allowed_ns = self._allowed_ns
        if allowed_ns is None:
            allowed_ns = round(lane.cycle_ns / self.prepared.wish.speed) or _ALLOWED_NS
        if late_ns <= allowed_ns:
            return
        self.late += 1
        if not self._is_told:
            self._is_told = True
            self._wiring.recorder.late(Lateness(f"{lane.name} on {bus}, replayed", due_ns, late_ns, allowed_ns))

    # The end ------------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End it, and let the restbus go on from there. Does nothing a second time."""
        if self._end():
            how = "ended" if self.is_complete else "stopped"
            self._note(f"replay of {self.prepared.wish.file.name} {how} after {self.frames} frames")
            self.handover.give_back()

    def abandon(self) -> None:
        """End it where the restbus is reset, or the bench given up, anyway."""
        if self._end():
            self.handover.release()

    def _end(self) -> bool:
        if self.end_ns is not None:
            return False
        self.end_ns = self._clock.now_ns
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self in self._wiring.traffic.players:
            self._wiring.traffic.players.remove(self)
        self._feed.close()
        if not self.ended.done():
            self.ended.set_result(None)
        return True

    # What is sent -------------------------------------------------------------------------------------------------

    def sends(self, ref: SignalRef) -> bool:
        """Whether it sends a signal in the place of the restbus."""
        lane = self.handover.lane_of(ref)
        return lane is not None and lane.sent is not None

    def value(self, ref: SignalRef) -> Value | None:
        """What it sent last of a signal; None: nothing."""
        lane = self.handover.lane_of(ref)
        raw = lane.values().get(ref.signal.name) if lane is not None else None
        return None if raw is None else database.show(ref, raw)


__all__ = ["Player"]
