"""Keywords for supply, ignition and the rest of the vehicle."""

from __future__ import annotations

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Quantity, Switch


class PowerKeywords(KeywordGroup):
    """Supply and ignition."""

    @keyword(tags=["power"])
    def power_on(self) -> None:
        """Switches the supply on, with ignition on and the rest of the vehicle talking.

        Returns at once; the ECU needs its time to boot.
        """
        self.bench.power_on()

    @keyword(tags=["power"])
    def power_off(self) -> None:
        """Switches the supply (KL30) off; the rest of the vehicle goes on talking."""
        self.bench.power_off()

    @keyword(tags=["power"])
    def ignition(self, state: Switch) -> None:
        """Switches the ignition (KL15) ``on`` or ``off``."""
        self.bench.ignition(bool(state.value))

    @keyword(tags=["power"])
    def set_voltage(self, voltage: Quantity, supply: str = "") -> None:
        """Sets the voltage of a supply, for example ``9 V``. Beyond the limits of the bench file it is refused."""
        self.bench.supply(supply).set_voltage(str(voltage))

    @keyword(tags=["power", "check"])
    def current_should_be(self, above: Quantity = Quantity("0 A"), below: Quantity = Quantity("1000 A")) -> None:
        """Checks the current that the ECU draws now.

        | Current Should Be    above=1 A    below=3 A |
        """
        self.bench.supply().current_should_be(above=str(above), below=str(below))
