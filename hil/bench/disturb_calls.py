"""Disturbances of simulated wires, as a test sees them. Part of the facade."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hil import units
from hil.bench.portal import Portal
from hil.can.disturbance import Disturbance
from hil.can.wire import SimWire
from hil.errors import NotRunError, UsageError
from hil.units import Duration


class DisturbCalls:
    """The calls that disturb a wire; `portal` is given by the facade that they are part of.

    A real wire is disturbed by hardware, which this bench doesn't drive: there a case that disturbs is not run.
    """

    portal: Portal

    def disturb_bus(
        self,
        bus: str,
        *,
        loss: float = 0.0,
        corruption: float = 0.0,
        alteration: float = 0.0,
        duplication: float = 0.0,
        delay: float = 0.0,
        delayed_by: tuple[Duration, Duration] = ("1 ms", "10 ms"),
        messages: Sequence[str] = (),
        nodes: Sequence[str] = (),
        count: int | None = None,
    ) -> None:
        """Disturb the frames of a simulated bus from now on; replaces what was on. What is drawn follows the seed.

        Args:
            bus: name in the bench file.
            loss: probability that the receivers miss a frame.
            corruption: probability that they see a bit of it wrong: error frame, counters, another try.
            alteration: probability that its payload is changed before it is sent, with a right CRC of the frame.
            duplication: probability that it is sent twice.
            delay: probability that it is held back at its sender.
            delayed_by: shortest and longest time that it is held back.
            messages: only these; all if empty.
            nodes: who misses it or sees it wrong: `BENCH`, or an ECU as the bench file calls it; all but its sender if
                empty.
            count: how many frames at most.

        Raises:
            NotRunError: the bus is a real wire.
            UsageError: no such bus or message, or a probability that is none.
        """
        shortest, longest = (units.nanoseconds(span) for span in delayed_by)
        disturbance = Disturbance(
            loss=loss,
            corruption=corruption,
            alteration=alteration,
            duplication=duplication,
            delay=delay,
            delay_ns=(shortest, longest),
            ids=self._ids(bus, messages),
            nodes=frozenset(nodes),
            count=count,
        )
        chosen = {"loss": loss, "corruption": corruption, "alteration": alteration, "duplication": duplication}
        self.portal.call(self._disturb(bus, disturbance, chosen | {"delay": delay}))

    def undisturb_bus(self, bus: str) -> None:
        """End what `disturb_bus` began."""
        self.portal.call(self._disturb(bus, None, {}))

    async def _disturb(self, bus: str, disturbance: Disturbance | None, chosen: dict[str, float]) -> None:
        wiring = self.portal.wiring
        self._wire(bus).disturb(disturbance, wiring.rng if disturbance is not None else None)
        what = ", ".join(f"{name} {share:g}" for name, share in chosen.items() if share) or "undisturbed"
        wiring.recorder.record("note", {"text": f"{bus}: {what}"})

    def bus_load(self, bus: str, over: Duration = "1 s") -> float:
        """The share of the last while in which a simulated bus was busy, 0 to 1.

        Raises:
            NotRunError: the bus is a real wire.
        """
        return self.portal.call(self._load(bus, units.nanoseconds(over)))

    async def _load(self, bus: str, window_ns: int) -> float:
        return self._wire(bus).load(window_ns)

    def _wire(self, bus: str) -> SimWire:
        wiring: Any = self.portal.wiring
        if bus not in wiring.buses:
            raise UsageError(f"no bus '{bus}' on this bench", remedy=f"there is: {', '.join(wiring.buses) or 'none'}.")
        wire = wiring.wires.get(bus)
        if wire is None:
            raise NotRunError(f"bus {bus} is a real wire, which this bench can't disturb or measure")
        found: SimWire = wire
        return found

    def _ids(self, bus: str, messages: Sequence[str]) -> frozenset[tuple[int, bool]]:
        network = self.portal.wiring.plan.network
        found = [network.message(f"{bus}::{name.rpartition('::')[2]}")[1] for name in messages]
        return frozenset((message.frame_id, message.is_extended_frame) for message in found)
