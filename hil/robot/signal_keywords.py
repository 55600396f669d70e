"""Keywords for signals on the buses."""

from __future__ import annotations

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Duration, Switch


class SignalKeywords(KeywordGroup):
    """Signals on the buses."""

    @keyword(tags=["signals"])
    def set_signal(self, signal: str, value: str) -> None:
        """Has the restbus send a value from its next cycle on.

        | Set Signal    VehicleSpeed         87 km/h |
        | Set Signal    BCM_Lights.HighBeam  On      |
        | Set Signal    VehicleSpeed         SNA     |
        """
        self.bench.set_signal(signal, value)

    @keyword(tags=["signals", "check"])
    def signal_should_be(self, signal: str, value: str, within: Duration = Duration(2), tolerance: float = 0.0) -> None:
        """Checks that the ECU sends a value, at the latest ``within`` from now.

        | Signal Should Be    DisplayedSpeed    87 km/h    tolerance=1 |
        """
        self.bench.signal_should_be(signal, value, within=float(within), tolerance=tolerance)

    @keyword(tags=["signals"])
    def get_signal(self, signal: str) -> float:
        """Gives the physical value of a signal: what came last over the bus, or what the restbus sends."""
        return self.bench.signal(signal).physical

    @keyword(tags=["signals"])
    def stop_message(self, message: str) -> None:
        """Has the restbus send a message no more, as if its sender had gone silent."""
        self.bench.stop_message(message)

    @keyword(tags=["signals"])
    def resume_message(self, message: str) -> None:
        """Has the restbus send a message again."""
        self.bench.resume_message(message)

    @keyword(tags=["signals"])
    def restbus(self, state: Switch) -> None:
        """Starts or stops the rest of the vehicle: with ``off`` the bus is silent."""
        self.bench.restbus(bool(state.value))
