"""The two conductors by which a node hangs on its bus, and a contact that opens them.

While they are open the node is alone on a wire of its own: it hears nobody, and nobody acknowledges what it sends. So
its transmit error counter rises by eight a try until it is error-passive, and stays there (ISO 11898-1: an
error-passive transmitter counts no missing acknowledgement); it never goes bus-off for that. It tries its frame again
and again; of what waits behind it only the latest frame of each identifier is kept, as an AUTOSAR CAN interface keeps
it. When the contact closes, the node goes on where it is, with the counters that it has. The others go on without it.

Rules of this module: a contact that moves while the node's own frame is on the wire moves behind that frame; a frame of
somebody else's that is on the wire is lost for the node. Contacts don't bounce.

Not for: one conductor alone (what that does depends on transceivers and termination), and short circuits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.can.wire import SimWire
    from hil.can.wire_port import SimCanPort


class Stub:
    """The conductors of one node.

    Args:
        wire: the bus.
        node: name of the node; it may come later.
    """

    def __init__(self, wire: SimWire, node: str) -> None:
        self._wire, self._node = wire, node
        self._alone = wire.alike()
        self._is_whole = True
        self._place = 0

    def connect(self, whole: bool) -> None:
        """Close the contact, or open it."""
        self._is_whole = whole
        self.settle()

    def settle(self, _: object = None) -> None:
        """Have the node where the contact says, now or behind its frame that is on the wire."""
        port = self._wire.find(self._node)
        if port is None:
            return
        to = self._wire if self._is_whole else self._alone
        if port.wire is to:
            return
        until_ns = port.wire.busy_with(port)
        if until_ns is None:
            self._move(port, to)
        else:
            self._wire.clock.call_at(until_ns, self.settle)

    def _move(self, port: SimCanPort, to: SimWire) -> None:
        place = port.wire.give_up(port)
        if to is self._alone:
            self._place = place
        to.take_in(port, self._place if to is self._wire else 0)


__all__ = ["Stub"]
