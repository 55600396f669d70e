"""Types of keyword arguments: what a suite may write in a cell, checked before the keyword runs."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Any, Final

from hil import units
from hil.errors import UsageError


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
    def convert(cls, value: str | float | int | timedelta) -> Duration:
        """Check that it is one."""
        return cls(units.seconds(value))

    def __str__(self) -> str:
        return units.write_duration(units.nanoseconds(float(self)))


class Deadline:
    """A span in which something must happen: ``300 ms``, ``2 s``; a bare number below 100 is seconds.

    No `float`: Robot would take the bare number after all, since the default value is one.
    """

    __slots__ = ("_length",)

    def __init__(self, length_s: float) -> None:
        self._length = Duration(length_s)

    def __float__(self) -> float:
        return float(self._length)

    def __str__(self) -> str:
        return str(self._length)

    @classmethod
    def convert(cls, value: str | float | int | timedelta) -> Deadline:
        """Check that it is one, and that its unit is not forgotten: `500` is hardly meant as 500 s."""
        length = Duration.convert(value)
        bare = str(value).strip()
        if length >= _BARE_MOST_S and not isinstance(value, timedelta) and bare[-1:] in "0123456789.":
            raise UsageError(f"'{bare}' would be {bare} seconds", remedy=f"write '{bare} ms' or '{bare} s'.")
        return cls(length)


_BARE_MOST_S: Final = 100.0
_TRUE: Final = ("yes", "true", "on", "1")
_FALSE: Final = ("no", "false", "off", "0")


class Truth(Enum):
    """``yes`` or ``no``; ``True``, ``on`` and ``1``, ``False``, ``off`` and ``0`` are the same."""

    yes = True
    no = False

    def __bool__(self) -> bool:
        return bool(self.value)

    @classmethod
    def convert(cls, value: str | int) -> Truth:
        """Check that it is one. Robot's own boolean takes any word for true, so no keyword takes a `bool`."""
        word = str(value).strip().lower()
        if word not in (*_TRUE, *_FALSE):
            raise UsageError(f"'{value}' is neither yes nor no")
        return cls(word in _TRUE)


CONVERTERS: dict[type, Any] = {
    Quantity: Quantity.convert, Duration: Duration.convert, Deadline: Deadline.convert, Truth: Truth.convert,
}  # fmt: skip
