"""What a bench file allows a supply to do. Pure: both supplies ask here before anything reaches the copper."""

from __future__ import annotations

from hil.errors import UsageError
from hil.serial.port import PowerLimits


def check_voltage(name: str, voltage_V: float, limits: PowerLimits) -> None:
    """Refuse a voltage that the bench file does not allow.

    Args:
        name: the supply's name in the bench file.
        voltage_V: the voltage asked for.
        limits: what the bench file allows.

    Raises:
        UsageError: it is below zero, no number, or above `supply.<name>.max_voltage_V`.
    """
    if 0.0 <= voltage_V <= limits.max_voltage_V:
        return
    raise UsageError(
        f"{voltage_V:g} V is outside 0 to {limits.max_voltage_V:g} V",
        where=f"supply.{name}.max_voltage_V",
        remedy="ask for less, or raise the limit in the bench file if the ECU stands it.",
    )
