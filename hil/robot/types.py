"""Types of keyword arguments: what a suite may write in a cell, checked before the keyword runs."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Any

from hil import units


class Lamp(Enum):
    """State of a telltale."""

    on = "on"
    off = "off"


class Switch(Enum):
    """A switch."""

    on = True
    off = False


class Quantity(str):
    """A number with its unit: ``87 km/h``, ``0.2 s``, ``13.5 V``. A bare number is in the item's own unit."""

    __slots__ = ()

    @classmethod
    def convert(cls, value: str) -> Quantity:
        """Check that it is one."""
        units.parse(value)
        return cls(value)


class Duration(float):
    """A span of bench time: ``300 ms``, ``2 s``, ``1 min``; a bare number is seconds."""

    __slots__ = ()

    @classmethod
    def convert(cls, value: str | float | timedelta) -> Duration:
        """Check that it is one."""
        return cls(units.seconds(value))

    def __str__(self) -> str:
        return units.write_duration(units.nanoseconds(float(self)))


CONVERTERS: dict[type, Any] = {Quantity: Quantity.convert, Duration: Duration.convert}
