"""What runs on the buses of a bench beside the test: inbox, restbus, floods, and what they leave in the journal."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from cantools.database.can import Message

from hil import units
from hil.bench.config import BenchConfig
from hil.bench.recorder import Recorder
from hil.bench.watch import Watch
from hil.can.database import Network, SignalRef, Value
from hil.can.flood import Flood
from hil.can.frames import SENT, CanFrame
from hil.can.inbox import Inbox
from hil.can.network_manager import NetworkManager, NmOptions, StateChange
from hil.can.nm_pdu import PduLayout
from hil.can.port import CanPort
from hil.can.restbus import Restbus
from hil.can.sender import Sent
from hil.can.traits import nm_pn_bytes
from hil.clock import Callback, Clock, Timer
from hil.errors import UsageError
from hil.journal import UnwrittenError

Tap = Callable[[CanFrame], object]


class Player(Protocol):
    """What sends in the place of the restbus for a while: a replay."""

    @property
    def buses(self) -> frozenset[str]:
        """Where it sends."""

    def sends(self, ref: SignalRef) -> bool:
        """Whether it sends a signal in the place of the restbus."""

    def stop(self) -> None:
        """End it; the restbus goes on from there."""

    def abandon(self) -> None:
        """End it, where the restbus is reset anyway."""


class Traffic:
    """All that speaks and listens on the buses by itself.

    Args:
        clock: bench time.
        config: the bench file.
        network: its databases.
        ports: bus -> port.
        recorder: where frames and health are written.
    """

    def __init__(
        self, clock: Clock, config: BenchConfig, network: Network, ports: Mapping[str, CanPort], recorder: Recorder
    ) -> None:
        self._clock, self._ports, self._recorder = clock, ports, recorder
        self.inbox = Inbox(clock, network)
        self.taps: list[Tap] = []
        """Told of each frame on any bus, own ones included, while somebody listens."""
        allowed_s = config.bench.allowed_lateness
        self.restbus = Restbus(
            clock,
            network,
            {name: port for name, port in ports.items() if config.bus[name].restbus},
            absent=[node for bus in config.bus.values() for node in bus.real_nodes],
            on_late=recorder.late,
            allowed_ns=None if allowed_s is None else round(allowed_s * 1e9),
            plays=lambda bus, message: _is_chosen(config, bus, message),
        )
        self.watch = Watch(clock, config, network, self.restbus, recorder)
        self._watch_frame = self.watch.on_frame
        self.managers = {bus: manager for bus in ports if (manager := self._manager(bus, config, network)).is_managed}
        self._ears: dict[tuple[str, int], Tap] = {}
        """Who hears the frames of one identifier: network management, diagnosis."""
        for bus, manager in self.managers.items():
            for can_id in manager.ids:
                self.listen(bus, can_id, manager.on_frame)
        self.plays: dict[SignalRef, object] = {}
        """Which ramp or drive a signal follows; one that it no longer follows passes its points in vain."""
        self.players: list[Player] = []
        """What sends in the place of the restbus; stopped at the end of a case."""
        self._floods: dict[str, Flood] = {}
        self._timers: list[Timer] = []
        self._closing = False

    def _manager(self, bus: str, config: BenchConfig, network: Network) -> NetworkManager:
        """Network management of a bus, as it is played for the nodes that aren't there."""
        restbus, section = self.restbus, config.bus[bus]
        first, count = nm_pn_bytes(network.databases[bus], network.names[bus])
        everybody = [node.name for node in network.databases[bus].nodes]
        return NetworkManager(
            self._clock,
            bus,
            network,
            self._ports[bus],
            real_nodes=section.real_nodes if section.restbus else everybody,
            start_application=lambda: restbus.silence_bus(bus, False),
            stop_application=lambda: restbus.silence_bus(bus, True),
            set_partial_network=lambda number, on: self._switch_partial(bus, number, on),
            on_state=self._note_state,
            options=NmOptions(layout=PduLayout(pn_byte=first, pn_bytes=count)),
        )

    def _switch_partial(self, bus: str, number: int, on: bool) -> None:
        self.restbus.set_partial_network(bus, number, on)
        self.watch.set_partial_network(number, on)

    def _note_state(self, change: StateChange) -> None:
        if self._closing:
            return
        if change.after.is_network and not change.before.is_network:
            self.watch.expect("asleep", change.bus)
        elif not change.after.is_network:
            self.watch.pause("asleep", change.bus)
        by = f", by {change.by}" if change.by else ""
        text = f"{change.bus}: {change.before.value} -> {change.after.value}{by}"
        self._recorder.record("note", {"text": text}, t_ns=change.t_ns)

    def on_frame(self, frame: CanFrame) -> None:
        """A frame was on a bus."""
        _, bus, can_id, _, flags, _ = frame
        journal = self._recorder.journal
        if journal is not None:
            try:
                journal.take(frame)
            except UnwrittenError as error:
                self._recorder.unwritten(error)
        if not flags & SENT:
            self.inbox.on_frame(frame)
            self._watch_frame(frame)
        ear = self._ears.get((bus, can_id))
        if ear is not None:
            ear(frame)
        if self.taps:
            for tap in tuple(self.taps):
                tap(frame)

    def listen(self, bus: str, can_id: int, ear: Tap) -> None:
        """Have `ear` told of each frame of one identifier, own ones included."""
        before = self._ears.get((bus, can_id))
        self._ears[bus, can_id] = ear if before is None else _Both(before, ear)

    # On, off, asleep ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The vehicle is awake: the buses are woken, the restbus sends."""
        self.restbus.start()
        for manager in self.managers.values():
            if not manager.running:
                manager.start()
            if manager.nodes:
                manager.wake()

    def stop(self) -> None:
        """All nodes but the real ones are as if cut off."""
        for manager in self.managers.values():
            manager.stop()
        self.restbus.stop()

    def close(self) -> None:
        """The bench is given up: `stop`, with nothing more in the journal, whose case has its verdict."""
        self._closing = True
        self._abandon_players()
        self.watch.close()
        self.stop()

    def sleep(self) -> None:
        """Nobody but the real nodes wants the buses any more; a bus without network management falls silent at once."""
        for manager in self.managers.values():
            if manager.running and manager.nodes:
                manager.sleep()
        if not self.managers:
            self.restbus.stop()

    def mute_node(self, node: str, muted: bool) -> None:
        """Send nothing more of a node, network management included, or all again.

        Raises:
            UsageError: the bench plays no node of that name.
        """
        managers = [manager for manager in self.managers.values() if node in manager.nodes]
        try:
            self.restbus.mute_node(node, muted)
        except UsageError:
            if not managers:
                raise
        for manager in managers:
            manager.mute(node, muted)

    def reset(self) -> None:
        """Nothing of the case before goes on, and nothing that it broke stays broken."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.plays.clear()
        self._abandon_players()
        for bus in list(self._floods):
            self.stop_flood(bus)
        for manager in self.managers.values():
            for node in manager.nodes:
                manager.mute(node, False)
        self.inbox.clear()
        self.restbus.reset()
        self.watch.begin()

    def _abandon_players(self) -> None:
        for player in tuple(self.players):
            player.abandon()

    def later(self, t_ns: int, callback: Callback, argument: Any = None) -> None:
        """Do something later in this case; what is still to be done at its end is not."""
        now_ns = self._clock.now_ns
        if self._timers and self._timers[0].t_ns < now_ns:
            self._timers = [timer for timer in self._timers if timer.t_ns >= now_ns]
        self._timers.append(self._clock.call_at(t_ns, callback, argument))

    # Values, floods and skew --------------------------------------------------------------------------------------

    def set_all(self, values: Mapping[SignalRef, Value]) -> None:
        """Set signals at one instant, which ends the ramps and drives that they follow.

        How far apart the first frames with the new values of several messages left is written down.

        Raises:
            UsageError: as `Restbus.set_all`; or a replay sends one of them.
        """
        for ref in values if self.players else ():
            if any(player.sends(ref) for player in self.players):
                mend = "override it in the replay, or stop the replay first."
                raise UsageError("is sent by the replay, not by the restbus", where=str(ref), remedy=mend)
        if len(values) == 1 and self.restbus.is_alone(*values):
            self.restbus.set(*next(iter(values.items())))
        else:
            skew = _Skew(self._clock, self._recorder)
            self.restbus.set_all(values, skew.watch)
            skew.leave_unsent(self.restbus.running)
        for ref in values if self.plays else ():
            self.plays.pop(ref, None)

    def flood(self, bus: str, can_id: int, data: bytes, flags: int, period_ns: int) -> None:
        """Flood a bus until `stop_flood`; one flood a bus."""
        self.stop_flood(bus)
        flood = Flood(self._clock, self._ports[bus], can_id=can_id, data=data, flags=flags, period_ns=period_ns)
        self._floods[bus] = flood
        self.taps.append(flood.on_frame)
        flood.start()

    def stop_flood(self, bus: str) -> int | None:
        """End the flood of a bus; returns how many frames it sent, None if there was none."""
        flood = self._floods.pop(bus, None)
        if flood is None:
            return None
        flood.stop()
        self.taps.remove(flood.on_frame)
        return flood.count


class _Both:
    """Two who hear the same frames."""

    def __init__(self, first: Tap, second: Tap) -> None:
        self._first, self._second = first, second

    def __call__(self, frame: CanFrame) -> None:
        self._first(frame)
        self._second(frame)


class _Skew:
    """Waits until each message of a transaction has been sent with its new values."""

    def __init__(self, clock: Clock, recorder: Recorder) -> None:
        self._clock, self._recorder = clock, recorder
        self._waiting: list[Sent] = []
        self._left: list[tuple[int, str]] = []
        self._is_complete = False

    def watch(self, messages: Iterable[Sent]) -> None:
        """These have new values; none has been sent with them yet. One alone has nothing to be apart from."""
        self._waiting = list(messages)
        if len(self._waiting) < 2:
            self._waiting.clear()
        for sent in self._waiting:
            sent.on_sent.append(self._on_sent)

    def leave_unsent(self, running: bool) -> None:
        """Wait for none that isn't sent: silent ones, and those without a cycle that had no reason to be."""
        for sent in tuple(self._waiting):
            if not running or sent.silenced or not (sent.period_ns or sent.is_owed):
                self._waiting.remove(sent)
                sent.on_sent.remove(self._on_sent)
        self._is_complete = True
        self._tell()

    def _on_sent(self, sent: Sent) -> None:
        self._waiting.remove(sent)
        self._left.append((self._clock.now_ns, sent.name))
        self._tell()

    def _tell(self) -> None:
        if self._waiting or len(self._left) < 2 or not self._is_complete:
            return
        skew = units.show_duration(self._left[-1][0] - self._left[0][0])
        names = ", ".join(name for _, name in self._left)
        self._recorder.record("note", {"text": f"set together: {names}; skew {skew}"})


def _is_chosen(config: BenchConfig, bus: str, message: Message) -> bool:
    patterns = config.bus[bus].play
    return not patterns or any(fnmatch.fnmatchcase(message.name, pattern) for pattern in patterns)
