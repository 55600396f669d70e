"""Keywords for signals on the buses."""

from __future__ import annotations

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Deadline, Duration, Truth


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
    def signal_should_be(self, signal: str, value: str, within: Deadline = Deadline(2), tolerance: float = 0.0) -> None:
        """Checks that the ECU sends a value, at the latest ``within`` from now.

        | Signal Should Be    DisplayedSpeed    87 km/h    tolerance=1 |
        """
        self.bench.signal_should_be(signal, value, within=float(within), tolerance=tolerance)

    @keyword(tags=["signals"])
    def get_signal(self, signal: str) -> float:
        """Gives the physical value of a signal: what came last over the bus, or what the restbus sends."""
        return self.bench.signal(signal).physical

    @keyword(tags=["signals"])
    def set_signals(self, **values: str) -> None:
        """Sets several signals at one instant; those of one message go out in one frame.

        | Set Signals    VehicleSpeed=87 km/h    Gear=D    EngineSpeed=2400 rpm |
        """
        self.bench.set_signals(values)

    @keyword(tags=["signals"])
    def ramp_signal(
        self, signal: str, to: str, during: Duration, begin: str | None = None, wait: Truth = Truth.yes
    ) -> None:
        """Lets a signal rise or fall in a straight line and goes on when it has arrived, or at once (``wait=no``).

        | Ramp Signal    VehicleSpeed    to=100 km/h    during=8 s |
        | Ramp Signal    EngineSpeed     to=6000 rpm    during=2 s    begin=800 rpm    wait=no |
        """
        self.bench.ramp_signal(signal, to, float(during), begin=begin, wait=bool(wait))

    @keyword(tags=["signals"])
    def drive(self, file: str, wait: Truth = Truth.yes) -> float:
        """Plays a drive from a CSV file (time and signals in columns) and gives its duration in seconds.

        | Drive    fixtures/drives/town.csv |
        """
        return self.bench.drive(file, wait=bool(wait))
