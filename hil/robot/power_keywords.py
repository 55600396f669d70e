"""Keywords for supply, ignition and the rest of the vehicle."""

from __future__ import annotations

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Duration, Quantity, Switch


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

    @keyword(tags=["power"])
    def ramp_voltage(self, to: Quantity, over: Duration, supply: str = "") -> None:
        """Changes the voltage of a supply in a straight line, for example from now to ``6 V`` over ``75 s``.

        A supply that can't follow makes the case inconclusive.
        """
        self.bench.supply(supply).ramp(str(to), over=float(over))

    @keyword(tags=["power"])
    def play_supply_profile(self, profile: str, supply: str = "", table: str = "") -> None:
        """Plays a profile of ``fixtures/tables/supply_profiles.csv``, or of another table, or a course, to its end.

        | Play Supply Profile    LV 124 E-11 cold start normal |
        | Play Supply Profile    12 V 1 s | to 8 V 5 ms | 8 V 15 ms | to 12 V 40 ms |

        In plain text format a ``|`` with blanks around it is no separator. A supply that can't follow makes the case
        inconclusive.
        """
        self.bench.supply(supply).play(profile, table=table)

    @keyword(tags=["power"])
    def begin_supply_profile(self, profile: str, supply: str = "", table: str = "") -> None:
        """As `Play Supply Profile`, but returns at once: the next keywords see the ECU meanwhile."""
        self.bench.supply(supply).begin_profile(profile, table=table)

    @keyword(tags=["power"])
    def end_supply_profile(self, supply: str = "") -> None:
        """Waits for the end of what `Begin Supply Profile` began; without it, how it went is not judged."""
        self.bench.supply(supply).end_profile()

    @keyword(tags=["relay"])
    def close_relay(self, contact: str) -> None:
        """Closes a contact of a relay board, by its name in the bench file: ``KL15``, or ``board.KL15``."""
        self.bench.relay(contact).close()

    @keyword(tags=["relay"])
    def open_relay(self, contact: str) -> None:
        """Opens a contact of a relay board. Each case begins with all of them at rest."""
        self.bench.relay(contact).open()

    @keyword(tags=["power", "check"])
    def current_should_be(self, above: Quantity = Quantity("0 A"), below: Quantity = Quantity("1000 A")) -> None:
        """Checks the current that the ECU draws now.

        | Current Should Be    above=1 A    below=3 A |
        """
        self.bench.supply().current_should_be(above=str(above), below=str(below))
