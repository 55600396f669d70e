"""Network management of the ECU: it wants its buses while the ignition is on, and sleeps when none is in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hil.can import database
from hil.can.database import Network
from hil.can.frames import ERROR, EXTENDED, REMOTE, SENT, CanFrame
from hil.can.nm import Action, NetworkStarted, NmConfig, NmMachine, Send, State
from hil.can.port import CanPort
from hil.can.traits import nm_times
from hil.clock import Clock, Timer
from hil.errors import HilError

_DEAD: Final = ERROR | REMOTE


class _Channel:
    """One bus: the machine, and where its frames go."""

    __slots__ = ("flags", "frame_id", "heard", "machine", "port")

    def __init__(self, port: CanPort, machine: NmMachine, frame_id: int, flags: int, heard: frozenset[int]) -> None:
        self.port, self.machine = port, machine
        self.frame_id, self.flags, self.heard = frame_id, flags, heard


class EcuNetwork:
    """The ECU's side of network management, on all buses on which the databases give it a part.

    Args:
        clock: the time that the ECU lives in.
        ports: bus -> port.
        network: the databases that the ECU was built for.
        node: its name in them.
        on_asleep: called when the last bus falls asleep.
    """

    def __init__(
        self, clock: Clock, ports: Mapping[str, CanPort], network: Network, node: str, on_asleep: Callable[[], object]
    ) -> None:
        self._clock, self._on_asleep = clock, on_asleep
        self._timer: Timer | None = None
        self._channels: dict[str, _Channel] = {}
        for bus, matrix in network.databases.items():
            nodes = network.nm_nodes(bus)
            own = next((known for known in nodes if known.node == node), None)
            if own is not None and bus in ports:
                template = database.encode(own.message, network.start_values(bus, own.message))
                machine = NmMachine(NmConfig(own.node_id, nm_times(matrix, network.names[bus]), template=template))
                heard = frozenset(known.message.frame_id for known in nodes)
                flags = network.traits(bus, own.message).flags
                self._channels[bus] = _Channel(ports[bus], machine, own.message.frame_id, flags, heard)

    @property
    def ids(self) -> frozenset[tuple[str, int]]:
        """(bus, identifier) of the frames that `on_frame` wants to see."""
        return frozenset((bus, can_id) for bus, channel in self._channels.items() for can_id in channel.heard)

    @property
    def is_managed(self) -> bool:
        """Whether the databases give this node a part in network management at all."""
        return bool(self._channels)

    @property
    def is_asleep(self) -> bool:
        """Whether every bus sleeps."""
        return all(channel.machine.state is State.BUS_SLEEP for channel in self._channels.values())

    @property
    def is_in_use(self) -> bool:
        """Whether applications may send on some bus."""
        return any(channel.machine.state.is_network for channel in self._channels.values())

    def want(self, wanted: bool) -> None:
        """Say whether the ECU wants its buses."""
        channels = [channel for channel in self._channels.values() if channel.machine.requested is not wanted]
        if not channels:
            return
        now_ns = self._clock.now_ns
        for channel in channels:
            machine = channel.machine
            self._do(channel, machine.request(now_ns) if wanted else machine.release(now_ns))
        self._arm()

    def follow(self) -> None:
        """Somebody else woke the ECU: stay awake as long as the bus does."""
        now_ns = self._clock.now_ns
        for channel in self._channels.values():
            self._do(channel, channel.machine.passive_start_up(now_ns))
        self._arm()

    def stop(self) -> None:
        """No supply: asleep at once, nothing is sent."""
        for channel in self._channels.values():
            channel.machine.stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def on_frame(self, frame: CanFrame) -> bool:
        """A frame was on a bus; whether it belonged to network management."""
        channel = self._channels.get(frame.bus)
        if channel is None or frame.can_id not in channel.heard or frame.flags & (_DEAD | EXTENDED):
            return False
        machine = channel.machine
        own = frame.flags & SENT
        took = machine.transmitted if own else machine.received
        self._do(channel, took(self._clock.now_ns, frame.data))
        self._arm()
        return True

    def _step(self, _: object) -> None:
        self._timer = None
        before = self.is_asleep
        for channel in self._channels.values():
            self._do(channel, channel.machine.advance(self._clock.now_ns))
        self._arm()
        if self.is_asleep and not before:
            self._on_asleep()

    def _do(self, channel: _Channel, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self._send(channel, action.data)
            elif isinstance(action, NetworkStarted):
                self._do(channel, channel.machine.passive_start_up(self._clock.now_ns))

    @staticmethod
    def _send(channel: _Channel, data: bytes) -> None:
        try:
            channel.port.send(channel.frame_id, data, channel.flags)
        except HilError:
            return  # the ECU goes on without its bus

    def _arm(self) -> None:
        deadlines = [channel.machine.deadline_ns for channel in self._channels.values()]
        due_ns = min((deadline for deadline in deadlines if deadline is not None), default=None)
        if self._timer is not None:
            if self._timer.t_ns == due_ns:
                return
            self._timer.cancel()
            self._timer = None
        if due_ns is not None:
            self._timer = self._clock.call_at(due_ns, self._step)
