"""Keywords for network management: waking the buses, letting them sleep, partial networks."""

from __future__ import annotations

from enum import Enum

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Deadline, Switch


class NetworkState(Enum):
    """Whether a bus is in use."""

    awake = True
    asleep = False


class NetworkKeywords(KeywordGroup):
    """Network management (AUTOSAR CAN NM)."""

    @keyword(tags=["network"])
    def wake_network(self, bus: str = "") -> None:
        """Wakes the buses (or one) and keeps them awake: one node wakes them, the others follow."""
        self.bench.wake_network(bus)

    @keyword(tags=["network"])
    def release_network(self, bus: str = "") -> None:
        """Lets the buses (or one) go: they sleep after the time-outs of network management, if the ECU lets them.

        | Ignition    off |
        | Release Network |
        | Network Should Be    asleep    within=10 s |
        """
        self.bench.release_network(bus)

    @keyword(tags=["network"])
    def partial_network(self, number: int, state: Switch, bus: str = "") -> None:
        """Requests a partial network (``on``) or no longer (``off``): its messages are sent only while it is on."""
        self.bench.partial_network(number, bool(state.value), bus)

    @keyword(tags=["network", "check"])
    def network_should_be(self, state: NetworkState, within: Deadline = Deadline(10), bus: str = "") -> None:
        """Checks that the buses (or one) are in use or sleep, at the latest ``within`` from now."""
        self.bench.network_should_be(bool(state.value), bus=bus, within=float(within))
