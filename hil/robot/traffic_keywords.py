"""Keywords for the restbus: silence, faults on purpose, frames of one's own."""

from __future__ import annotations

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Duration, Switch, Truth


class TrafficKeywords(KeywordGroup):
    """The rest of the vehicle."""

    @keyword(tags=["restbus"])
    def restbus(self, state: Switch) -> None:
        """Starts or stops the rest of the vehicle: with ``off`` the buses are silent."""
        self.bench.restbus(bool(state.value))

    @keyword(tags=["restbus"])
    def stop_message(self, message: str) -> None:
        """Has the restbus send a message no more, as if its sender had gone silent."""
        self.bench.stop_message(message)

    @keyword(tags=["restbus"])
    def resume_message(self, message: str) -> None:
        """Has the restbus send a message again."""
        self.bench.resume_message(message)

    @keyword(tags=["restbus"])
    def stop_node(self, node: str) -> None:
        """Has the restbus send nothing more of a node, as if it had lost its supply.

        | Stop Node    ESC |
        """
        self.bench.stop_node(node)

    @keyword(tags=["restbus"])
    def resume_node(self, node: str) -> None:
        """Has the restbus play a node again."""
        self.bench.resume_node(node)

    @keyword(tags=["restbus", "fault"])
    def freeze_counter(self, message: str, state: Switch = Switch.on) -> None:
        """Has a protected message carry the same counter again and again; ``off``: it goes on."""
        self.bench.freeze_counter(message, bool(state.value))

    @keyword(tags=["restbus", "fault"])
    def corrupt_crc(self, message: str, state: Switch = Switch.on) -> None:
        """Has a protected message carry a wrong CRC; ``off``: right again."""
        self.bench.corrupt_crc(message, bool(state.value))

    @keyword(tags=["restbus", "fault"])
    def set_cycle(self, message: str, cycle: Duration | None = None) -> None:
        """Has a message sent with another cycle; without one with its own again.

        | Set Cycle    ESC_Speed    200 ms |
        | Set Cycle    ESC_Speed |
        """
        self.bench.set_cycle(message, None if cycle is None else float(cycle))

    @keyword(tags=["restbus", "fault"])
    def shift_message(self, message: str, delay: Duration) -> None:
        """Moves the phase of a message: its next frame, and all after it, come later by ``delay``."""
        self.bench.shift_message(message, float(delay))

    @keyword(tags=["restbus", "fault"])
    def set_length(self, message: str, length: int | None = None) -> None:
        """Has a message sent with another number of bytes; without one with its own again.

        | Set Length    ESC_Speed    4 |
        """
        self.bench.set_length(message, length)

    @keyword(tags=["restbus", "fault"])
    def flood_bus(self, bus: str, identifier: str = "0x000", period: Duration = Duration(0.0001)) -> None:
        """Floods a bus with one frame until `Stop Flood`: with identifier 0 no other node is heard any more.

        | Flood Bus    body    0x000    100 us |
        """
        self.bench.flood(bus, identifier, float(period))

    @keyword(tags=["fault"])
    def disturb_bus(
        self,
        bus: str,
        loss: float = 0.0,
        corruption: float = 0.0,
        alteration: float = 0.0,
        duplication: float = 0.0,
        messages: str = "",
        count: int | None = None,
    ) -> None:
        """Disturbs the frames of a simulated bus: probabilities from 0 to 1. On a real wire the case is not run.

        | Disturb Bus    chassis    corruption=0.2    messages=ESC_Speed, ECM_Engine |
        """
        self.bench.disturb_bus(
            bus,
            loss=loss,
            corruption=corruption,
            alteration=alteration,
            duplication=duplication,
            messages=[name.strip() for name in messages.split(",") if name.strip()],
            count=count,
        )

    @keyword(tags=["monitors"])
    def allow_findings(self, *messages: str, kinds: str = "") -> None:
        """Findings of the monitors that this case provokes, and that shall not fail it.

        | Allow Findings    CLU_*    kinds=cycle, e2e |
        """
        self.bench.allow_findings(*messages, kinds=tuple(kind.strip() for kind in kinds.split(",") if kind.strip()))

    @keyword(tags=["fault"])
    def undisturb_bus(self, bus: str) -> None:
        """Ends what `Disturb Bus` began."""
        self.bench.undisturb_bus(bus)

    @keyword(tags=["restbus", "fault"])
    def stop_flood(self, bus: str) -> None:
        """Ends a flood."""
        self.bench.stop_flood(bus)

    @keyword(tags=["restbus"])
    def send_frame(
        self, bus: str, identifier: str, data: str = "", extended: Truth = Truth.no, fd: Truth = Truth.no
    ) -> None:
        """Sends one frame as it is, beside the restbus: identifier and bytes in hexadecimal.

        | Send Frame    body    0x7DF    02 3E 80 |
        """
        self.bench.send_frame(bus, identifier, data, extended=bool(extended), fd=bool(fd))
