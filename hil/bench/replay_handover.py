"""What a replay and the restbus are to each other: one sender of each message, and no jump where it changes.

Rules of this module: while a message is replayed the restbus is silent about it. Afterwards the restbus goes on from
what was sent last: its values, the next counter, one cycle after the last frame. What a signal followed before (a ramp,
a drive) has ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cantools.database.can import Message

from hil.bench.replay_guard import Guard, Renewal, guard_of
from hil.bench.replay_survey import Key, Prepared, key_of
from hil.bench.wiring import Wiring
from hil.can import database
from hil.can.database import SignalRef, Value
from hil.can.frames import EXTENDED
from hil.can.placement import mask_of
from hil.can.restbus import NODE
from hil.can.sender import Sent, chain_of
from hil.errors import UsageError


class Lane:
    """One identifier that is replayed.

    Args:
        name: of the message, or the identifier.
        message: None: no database knows it.
        sent: the restbus's own message; None: it has none.
        guard: its protection; None: it has none.
        cycle_ns: the cycle that the database states; 0: none.

    Attributes:
        last_ns: when it was sent last; None: not yet.
    """

    __slots__ = ("_pages", "_selectors", "cycle_ns", "guard", "last_ns", "message", "name", "sent")

    def __init__(
        self, name: str, message: Message | None, sent: Sent | None, guard: Guard | None, cycle_ns: int
    ) -> None:
        self.name, self.message, self.sent, self.guard, self.cycle_ns = name, message, sent, guard, cycle_ns
        self.last_ns: int | None = None
        signals = message.signals if message is not None else ()
        self._selectors = sum(mask_of(signal) for signal in signals if signal.is_multiplexer)
        self._pages: dict[int, bytes] = {}

    def take(self, data: bytes, now_ns: int) -> bytes:
        """The payload as it is sent now; of a multiplexed message the last one of each page is kept."""
        if self.guard is not None:
            data = self.guard.take(data)
        page = 0
        if self._selectors:
            page = int.from_bytes(data, "little") & self._selectors
            self._pages.pop(page, None)
        self._pages[page] = data
        self.last_ns = now_ns
        return data

    def values(self) -> dict[str, Any]:
        """Raw values as they were sent last; of signals that the last page doesn't have those of an earlier one.

        Raises:
            UsageError: the payloads aren't what the database says.
        """
        found: dict[str, Any] = {}
        if self.message is not None:
            for data in self._pages.values():
                found |= database.decode(self.message, data)
        return found


class Handover:
    """The messages of a replay, and their way from the restbus and back.

    Args:
        wiring: the bench.
        prepared: what is replayed.

    Attributes:
        lanes: what is replayed.
        not_taken: messages of the restbus that could not go on from what was sent last: it wasn't what the database
            says.
    """

    def __init__(self, wiring: Wiring, prepared: Prepared) -> None:
        self._wiring, self._prepared, self._restbus = wiring, prepared, wiring.restbus
        self.lanes = _lanes(wiring, prepared)
        self.not_taken: list[str] = []
        buses = sorted({bus for bus, _, _ in self.lanes})
        self._reason = f"replay on {', '.join(buses)}"
        self._is_taken = False

    def lane_of(self, ref: SignalRef) -> Lane | None:
        """The message of a signal, if it is replayed."""
        return self.lanes.get(key_of(ref.bus, ref.message))

    def _replayed(self) -> Iterator[tuple[Lane, Sent]]:
        return ((lane, lane.sent) for lane in self.lanes.values() if lane.sent is not None)

    def _silenced(self) -> list[Sent]:
        return [sent for _, sent in self._replayed()] if self._prepared.wish.restbus else self._restbus.messages

    def take(self) -> None:
        """From here on the replay sends."""
        self._is_taken = True
        names = {(sent.bus, sent.name) for _, sent in self._replayed()}
        plays = self._wiring.traffic.plays
        for ref in [ref for ref in plays if (ref.bus, ref.message.name) in names]:
            del plays[ref]
        for sent in self._silenced():
            sent.silence(self._reason, True)
        for lane, sent in self._replayed():
            sent.curves.clear()
            if lane.guard is not None and lane.guard.renewal is Renewal.RENEWED and sent.length is None:
                lane.guard.next_counter = lane.guard.link.counter(sent.next_data())
        self._mute_network_management(True)

    def _mute_network_management(self, muted: bool) -> None:
        """The bench plays no network management of nodes whose own is replayed; a node that a test stopped stays so."""
        for (bus, _, _), lane in self.lanes.items():
            manager, message = self._wiring.traffic.managers.get(bus), lane.message
            if manager is None or message is None or not self._wiring.plan.network.traits(bus, message).is_nm:
                continue
            for node in manager.nodes:
                if node in message.senders and (muted or not self._is_stopped(node)):
                    manager.mute(node, muted)

    def _is_stopped(self, node: str) -> bool:
        return any(NODE in sent.silenced for sent in self._restbus.messages if node in sent.message.senders)

    def give_back(self) -> None:
        """From here on the restbus sends. All values are set at once and while it is silent: that is no event."""
        went = [(lane, sent) for lane, sent in self._replayed() if lane.last_ns is not None]
        values: dict[SignalRef, Value] = {}
        for lane, sent in went:
            values |= self._values(lane, sent)
        self._restbus.set_all(values)
        for lane, sent in went:
            _continue_counter(lane, sent)
            self._continue_cycle(sent, lane.last_ns or 0)
        self.release()

    def _values(self, lane: Lane, sent: Sent) -> Mapping[SignalRef, Value]:
        try:
            raws = {name: raw for name, raw in lane.values().items() if name not in sent.protected_signals}
            database.encode(sent.message, sent.values | raws)
        except UsageError:
            self.not_taken.append(sent.name)
            return {}
        refs = {SignalRef(sent.bus, sent.message, sent.message.get_signal_by_name(n)): raw for n, raw in raws.items()}
        return {ref: database.show(ref, raw) for ref, raw in refs.items()}

    def _continue_cycle(self, sent: Sent, last_ns: int) -> None:
        if sent.timer is not None and sent.period_ns:
            due_ns = max(self._wiring.clock.now_ns, last_ns + sent.period_ns)
            self._restbus.shift(sent.bus, sent.name, due_ns - sent.timer.t_ns)

    def release(self) -> None:
        """The restbus may send again, with what it had."""
        if not self._is_taken:
            return
        for sent in self._silenced():
            sent.silence(self._reason, False)
        self._mute_network_management(False)


def _continue_counter(lane: Lane, sent: Sent) -> None:
    """Have frames of the restbus made, and none sent, until its counter is where the replay's was."""
    guard = lane.guard
    if guard is None or guard.last_counter is None or sent.frozen or sent.length is not None:
        return
    for _ in range(guard.link.period):
        if guard.link.counter(sent.next_data()) == guard.last_counter:
            return


def _lanes(wiring: Wiring, prepared: Prepared) -> dict[Key, Lane]:
    played = {(sent.bus, sent.can_id, sent.flags & EXTENDED): sent for sent in wiring.restbus.messages}
    return {key: _lane(wiring, prepared, key, message, played.get(key)) for key, message in prepared.messages.items()}


def _lane(wiring: Wiring, prepared: Prepared, key: Key, message: Message | None, sent: Sent | None) -> Lane:
    bus, can_id, _ = key
    if message is None:
        return Lane(f"0x{can_id:X}", None, None, None, 0)
    traits = wiring.plan.network.traits(bus, message)
    overridden = any(key_of(ref.bus, ref.message) == key for ref in prepared.options.overrides)
    renewal = Renewal.MENDED if overridden else Renewal.RECORDED
    guard = guard_of(chain_of(traits), Renewal.RENEWED if prepared.wish.protect else renewal)
    return Lane(message.name, message, sent, guard, traits.cycle_ns)


__all__ = ["Handover", "Lane"]
