"""Numbers as the driver reads them on the centre screen: distances, temperatures, times. Pure."""

from __future__ import annotations

from typing import Final

from hil.ecu.centre_state import DASHES

_M_PER_MILE: Final = 1609.344
_M_PER_YARD: Final = 0.9144


def distance(metres: float | None, *, miles: bool) -> str:
    """A distance to go: `350 m`, `1.2 km`, `25 km`; `300 yd`, `1.2 mi`."""
    if metres is None:
        return DASHES
    unit, small, per_small, per_large = ("mi", "yd", _M_PER_YARD, _M_PER_MILE) if miles else ("km", "m", 1.0, 1000.0)
    if metres < (0.25 * _M_PER_MILE if miles else 1000):
        return f"{round(metres / per_small / 10) * 10:.0f} {small}"
    large = metres / per_large
    return f"{large:.1f} {unit}" if large < 20 else f"{large:.0f} {unit}"


def temperature(celsius: float | None, *, fahrenheit: bool) -> str | None:
    """A temperature without its unit: halves of a degree Celsius, whole degrees Fahrenheit."""
    if celsius is None:
        return None
    return f"{celsius * 1.8 + 32:.0f}" if fahrenheit else f"{celsius:.1f}"


def minutes(value: float | None) -> str:
    """A time to go: `17 min`, `1:05 h`."""
    if value is None:
        return DASHES
    hours, rest = divmod(round(value), 60)
    return f"{hours}:{rest:02d} h" if hours else f"{rest} min"


def time_of_day(minute: int, *, hours12: bool) -> str:
    """A minute of the day: `17:05` or `5:05 pm`."""
    hours, rest = divmod(minute % 1440, 60)
    if not hours12:
        return f"{hours:02d}:{rest:02d}"
    return f"{(hours + 11) % 12 + 1}:{rest:02d} {'am' if hours < 12 else 'pm'}"
