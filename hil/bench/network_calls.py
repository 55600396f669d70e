"""Network management as a test sees it: waking the buses, letting them sleep, partial networks. Part of the facade."""

from __future__ import annotations

import asyncio

from hil import units
from hil.bench.portal import Portal
from hil.can.network_manager import NetworkManager
from hil.can.nm import State
from hil.errors import NotRunError, UsageError
from hil.units import Duration


class NetworkCalls:
    """The calls about network management; `portal` is given by the facade that they are part of.

    `bus` is a name of the bench file; without one all buses with network management are meant.
    """

    portal: Portal

    def wake_network(self, bus: str = "") -> None:
        """Wake the buses and keep them awake: one node wakes them, the others follow.

        Raises:
            NotRunError: the databases know no network management.
        """
        self.portal.call(self._wake(bus))

    async def _wake(self, bus: str) -> None:
        for manager in self._managers(bus):
            manager.wake()
        self._note_network("network wanted", bus)

    def release_network(self, bus: str = "") -> None:
        """Nobody but the real nodes wants the buses any more: they sleep after the time-outs, if the ECU lets them.

        Raises:
            NotRunError: as `wake_network`.
        """
        self.portal.call(self._release(bus))

    async def _release(self, bus: str) -> None:
        for manager in self._managers(bus):
            manager.sleep()
        self._note_network("network released", bus)

    def partial_network(self, number: int, on: bool, bus: str = "") -> None:
        """Request a partial network, or no longer: after its reset time its messages are not sent any more.

        Raises:
            NotRunError: as `wake_network`.
            UsageError: no database has messages of that partial network.
        """
        self.portal.call(self._partial(number, on, bus))

    async def _partial(self, number: int, on: bool, bus: str) -> None:
        chosen = [manager for manager in self._managers(bus) if number in manager.known_pncs]
        if not chosen:
            known = sorted({pnc for manager in self._managers(bus) for pnc in manager.known_pncs})
            mend = f"there is: {', '.join(map(str, known)) or 'none'}."
            raise UsageError(f"no message belongs to partial network {number}", remedy=mend)
        for manager in chosen:
            (manager.request if on else manager.release)(number)
        self._note_network(f"partial network {number} {'requested' if on else 'released'}", bus)

    def network_should_be(self, awake: bool, *, bus: str = "", within: Duration = "10 s") -> None:
        """Check that the buses sleep, or are in use, at the latest `within` from now.

        A bus sleeps when no node, the ECU included, has wanted it for the time-outs of network management.

        Raises:
            EcuError: they don't; names the real nodes that keep them awake.
            NotRunError: as `wake_network`.
        """
        self.portal.call(self._should_be(awake, bus, units.nanoseconds(within)))

    async def _should_be(self, awake: bool, bus: str, within_ns: int) -> None:
        since_ns = self.portal.now_ns
        managers = self._managers(bus)
        waits = [manager.wait_for(lambda s: _is(s, awake), within_ns) for manager in managers]
        came = await asyncio.gather(*waits)
        seen = [_describe(manager) for manager in managers]
        self.portal.judge.check(
            name="network",
            target=", ".join(manager.bus for manager in managers),
            expected="awake" if awake else "asleep",
            seen="; ".join(seen),
            ok=None not in came,
            t_ns=max((t_ns for t_ns in came if t_ns is not None), default=self.portal.now_ns),
            since_ns=since_ns,
            within_ns=within_ns,
            buses=[manager.bus for manager in managers],
        )

    def _managers(self, bus: str) -> list[NetworkManager]:
        managers = self.portal.wiring.traffic.managers
        if not managers:
            raise NotRunError("the databases of this bench know no network management")
        if bus and bus not in managers:
            raise UsageError(f"bus '{bus}' has no network management", remedy=f"there is: {', '.join(managers)}.")
        return [managers[bus]] if bus else list(managers.values())

    def _note_network(self, text: str, bus: str) -> None:
        self.portal.wiring.recorder.record("note", {"text": f"{bus}: {text}" if bus else text})


def _is(state: State, awake: bool) -> bool:
    return state.is_network if awake else state is State.BUS_SLEEP


def _describe(manager: NetworkManager) -> str:
    keepers = [node.name for node in manager.real_nodes() if node.awake]
    kept = f", kept awake by {', '.join(keepers)}" if keepers else ""
    return f"{manager.bus} in {manager.state.value}{kept}"
