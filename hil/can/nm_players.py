"""The nodes of one bus that take part in network management: those that the bench plays, those that are really there.

Rules of this module: made from the database; no ports, no clock. Who drives the machines is `hil.can.network_manager`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cantools.database.can import Message

from hil.can import database
from hil.can.database import Network
from hil.can.frames import EXTENDED, show_id
from hil.can.nm import NmConfig, NmMachine, PartialNetworks, Pdu, PduLayout
from hil.can.traits import nm_times
from hil.errors import UsageError


@dataclass(frozen=True, slots=True)
class NmOptions:
    """What databases don't say of network management.

    Attributes:
        layout: where NM frames keep what.
        reset_ns: reset time of partial networks; 0: half-way between the NM cycle and the timeout.
        offset_ns: from a node's entering Repeat Message to its first frame.
        immediate_count: frames that an active wake-up sends in fast succession.
        immediate_cycle_ns: their cycle.
        ids: further 11-bit identifiers of NM frames, of nodes that the database doesn't name.
    """

    layout: PduLayout = field(default_factory=PduLayout)
    reset_ns: int = 0
    offset_ns: int = 0
    immediate_count: int = 0
    immediate_cycle_ns: int = 20_000_000
    ids: range = range(0)


@dataclass(frozen=True, slots=True)
class RealNode:
    """What is known of the network management of a node that is really there.

    Attributes:
        name: the node, or the identifier of a sender that the database doesn't name.
        frames: how many NM frames came.
        last_ns: when the last one came; None: none did.
        awake: whether it keeps the bus awake: its last frame is younger than the NM timeout.
        after_release_ns: how long after the bench released the network its last frame came, 0 if none came since;
            None: the network isn't released, or the node is still awake.
        pdu: what the last frame said.
    """

    name: str
    frames: int
    last_ns: int | None
    awake: bool
    after_release_ns: int | None
    pdu: Pdu | None


class Played:
    """A node that the bench plays.

    Attributes:
        name: the node.
        can_id: identifier of its NM frame.
        flags: flags of its NM frame.
        machine: its state machine.
        wanted: whether it is to want the network whenever the bus is awake.
        muted: whether its frames are kept back.
        unheard: how often none of its frames went through for a whole NM timeout.
    """

    __slots__ = ("can_id", "flags", "machine", "muted", "name", "unheard", "wanted")

    def __init__(self, name: str, can_id: int, flags: int, machine: NmMachine) -> None:
        self.name, self.can_id, self.flags, self.machine = name, can_id, flags, machine
        self.wanted = self.muted = False
        self.unheard = 0


class Heard:
    """What came from a real node."""

    __slots__ = ("frames", "last_ns", "pdu")

    def __init__(self) -> None:
        self.frames = 0
        self.last_ns: int | None = None
        self.pdu: Pdu | None = None


class Cast:
    """Who takes part on one bus.

    Args:
        bus: the bus.
        network: the databases.
        real: nodes that are really there.
        options: what the database doesn't say.

    Attributes:
        times: cycle and time-outs.
        pncs: the partial networks that messages of this bus belong to.
        played: the nodes that the bench plays, by name, in the order of the database.
        real: the others.
        senders: (identifier, extended) of an NM frame -> its sender.
        observer: where the bench plays none: a node without a voice that follows the bus.

    Raises:
        UsageError: times contradict each other, an NM message can't be encoded, or a partial network has no bit.
    """

    def __init__(self, bus: str, network: Network, real: Iterable[str], options: NmOptions) -> None:
        self._bus, self._network, self._options = bus, network, options
        self.times = nm_times(network.databases[bus], network.names[bus])
        self.pncs = self._find_pncs()
        self.played: dict[str, Played] = {}
        self.real: dict[str, Heard] = {}
        self.senders: dict[tuple[int, int], str] = {}
        self._find_nodes(frozenset(real))
        self.observer = None if self.played else self._observe()
        self.all = list(self.played.values()) if self.observer is None else [self.observer]

    def _find_pncs(self) -> frozenset[int]:
        ours = (message for bus, message in self._network.messages() if bus == self._bus)
        numbers = (self._network.traits(self._bus, message).partial_network for message in ours)
        return frozenset(number for number in numbers if number is not None)

    def _find_nodes(self, real: frozenset[str]) -> None:
        for node in self._network.nm_nodes(self._bus):
            flags = self._network.traits(self._bus, node.message).flags
            self.senders[node.message.frame_id, flags & EXTENDED] = node.node
            if node.node in real:
                self.real[node.node] = Heard()
            else:
                machine = self._machine(node.message, node.node_id)
                self.played[node.node] = Played(node.node, node.message.frame_id, flags, machine)
        for can_id in self._options.ids:
            self.senders.setdefault((can_id, 0), show_id(can_id))

    def _machine(self, message: Message, node_id: int) -> NmMachine:
        template = database.encode(message, self._network.start_values(self._bus, message))
        try:
            for pnc in sorted(self.pncs):
                self._options.layout.check_pnc(pnc, len(template))
            return NmMachine(self._config(node_id, template))
        except UsageError as error:
            raise UsageError(error.what, where=f"{self._bus}::{message.name}", remedy=error.remedy) from None

    def _config(self, node_id: int, template: bytes) -> NmConfig:
        options = self._options
        return NmConfig(
            node_id=node_id,
            times=self.times,
            layout=options.layout,
            template=template,
            partial=PartialNetworks(all_keep_awake=True, reset_ns=options.reset_ns) if self.pncs else None,
            offset_ns=options.offset_ns,
            immediate_count=options.immediate_count,
            immediate_cycle_ns=options.immediate_cycle_ns,
        )

    def _observe(self) -> Played:
        partial = PartialNetworks(all_keep_awake=True, reset_ns=self._options.reset_ns) if self.pncs else None
        config = NmConfig(0, self.times, self._options.layout, bytes(8), partial, passive=True)
        return Played("", 0, 0, NmMachine(config))

    def heard(self, sender: str) -> Heard:
        """What came from a sender that the bench doesn't play."""
        return self.real.setdefault(sender, Heard())

    def forget(self) -> None:
        """Nothing came yet."""
        for name in self.real:
            self.real[name] = Heard()
        for played in self.all:
            played.unheard = 0

    def shift(self, delta_ns: int) -> None:
        """Bench time began anew."""
        for played in self.all:
            played.machine.shift(delta_ns)
        for heard in self.real.values():
            heard.last_ns = None if heard.last_ns is None else heard.last_ns + delta_ns


__all__ = ["Cast", "Heard", "NmOptions", "Played", "RealNode"]
