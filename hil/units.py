"""Quantities as engineers write them: `300 ms`, `87 km/h`, `13.5 V`. Pure; imports only the errors.

Not a unit library: it knows the units that cockpit suites use, converts within one dimension, and refuses the rest.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from functools import lru_cache

from hil.errors import UsageError
from hil.nearest import nearest

_TO_SI: dict[str, tuple[str, float]] = {
    "ns": ("time", 1e-9),
    "us": ("time", 1e-6),
    "ms": ("time", 1e-3),
    "s": ("time", 1.0),
    "min": ("time", 60.0),
    "h": ("time", 3600.0),
    "m/s": ("speed", 1.0),
    "km/h": ("speed", 1 / 3.6),
    "mph": ("speed", 0.44704),
    "m": ("length", 1.0),
    "km": ("length", 1000.0),
    "mi": ("length", 1609.344),
    "mV": ("voltage", 1e-3),
    "V": ("voltage", 1.0),
    "mA": ("current", 1e-3),
    "A": ("current", 1.0),
    "Hz": ("frequency", 1.0),
    "kHz": ("frequency", 1e3),
    "rpm": ("rotation", 1.0),
    "%": ("ratio", 1.0),
    "deg": ("angle", 1.0),
    "degC": ("temperature", 1.0),
    "bar": ("pressure", 1.0),
}
_ALIASES = {
    "°C": "degC", "°": "deg", "1/min": "rpm", "sec": "s", "µs": "us", "kmh": "km/h", "kph": "km/h", "kmph": "km/h",
    "millisecond": "ms", "milliseconds": "ms", "second": "s", "seconds": "s", "minute": "min", "minutes": "min",
    "hour": "h", "hours": "h",
}  # fmt: skip
_SPELT = {"msec": "ms", "usec": "us", "hr": "h", "volt": "V", "amp": "A", "percent": "%", "celsius": "degC"}
"""What people write for a unit; not taken, but understood."""
_QUANTITY = re.compile(r"\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(\S*)\s*$")

Duration = str | float | int | timedelta
"""A duration: `"300 ms"`, a number of seconds, or a timedelta."""


def canonical(unit: str) -> str:
    """The one spelling of a unit that the bench uses, e.g. `degC` for `°C`."""
    return _ALIASES.get(unit, unit)


@lru_cache(maxsize=1024)
def parse(text: str) -> tuple[float, str]:
    """Split `"87 km/h"` into `(87.0, "km/h")`; the unit is empty where none was written.

    Raises:
        UsageError: the text is no number with an optional unit.
    """
    match = _QUANTITY.match(text)
    if match is None:
        raise UsageError(f"'{text}' is no number with a unit", remedy="write it like '87 km/h' or '300 ms'.")
    return float(match[1]), canonical(match[2])


def convert(value: float, unit: str, to: str) -> float:
    """Convert `value` from `unit` to `to` (same dimension).

    Raises:
        UsageError: a unit is unknown, or the two are of different dimensions.
    """
    unit, to = canonical(unit), canonical(to)
    if unit == to:
        return value
    here, there = _TO_SI.get(unit), _TO_SI.get(to)
    if not to:
        raise UsageError(f"'{unit}' was given, but the value has no unit", remedy="give the number alone.")
    if here is None or there is None or here[0] != there[0]:
        near = _nearest(unit, to) if here is None else ""
        mend = f"did you mean '{near}'?" if near else f"give the value in {to}."
        raise UsageError(f"'{unit}' can't be converted to '{to}'", remedy=mend)
    return value * here[1] / there[1]


def _nearest(unit: str, to: str) -> str:
    """The unit of the same dimension that an unknown one looks like; "" if none does."""
    kind = _TO_SI.get(to, ("",))[0]
    names = {**dict(zip(_TO_SI, _TO_SI, strict=True)), **_ALIASES, **_SPELT}
    alike = [name for name, meant in names.items() if _TO_SI[meant][0] == kind]
    return next((names[name] for name in nearest(unit, alike)), "")


def seconds(duration: Duration) -> float:
    """A duration in seconds. A bare number is seconds, in text too.

    Raises:
        UsageError: it is negative, without end or no duration.
    """
    if isinstance(duration, timedelta):
        value = duration.total_seconds()
    elif isinstance(duration, str):
        number, unit = parse(duration)
        value = convert(number, unit or "s", "s")
    else:
        value = float(duration)
    if value < 0:
        raise UsageError(f"a duration can't be negative: {duration}")
    if not math.isfinite(value):
        raise UsageError(f"'{duration}' is no duration", remedy="write it like '300 ms'.")
    return value


def nanoseconds(duration: Duration) -> int:
    """A duration in integer nanoseconds."""
    return _nanoseconds_of(duration) if isinstance(duration, str) else round(seconds(duration) * 1e9)


def span(duration: Duration) -> float:
    """The seconds for which something is watched: some, since no time at all shows nothing.

    Raises:
        UsageError: it is 0, negative, without end or no duration.
    """
    value = seconds(duration)
    if not value:
        raise UsageError("a span of no length shows nothing", remedy="say for how long to watch: during=2 s.")
    return value


@lru_cache(maxsize=256)
def _nanoseconds_of(text: str) -> int:
    return round(seconds(text) * 1e9)


def show_time(t_ns: int) -> str:
    """A bench time for people: seconds with milliseconds, e.g. `12.345 s`."""
    return f"{t_ns / 1e9:.3f} s"


def write_duration(duration_ns: int) -> str:
    """A duration that somebody asked for, as a person writes it: `500 ms`, `2 s`, `1.5 s`; `show_duration` measures."""
    for unit, size_ns in (("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)):
        if duration_ns >= size_ns:
            return f"{duration_ns / size_ns:.6g} {unit}"
    return f"{duration_ns} ns" if duration_ns else "0 s"


def show_duration(duration_ns: int) -> str:
    """A duration for people: `850 us`, `12.3 ms`, `4.20 s`."""
    if duration_ns < 1_000_000:
        return f"{duration_ns / 1e3:.0f} us"
    if duration_ns < 1_000_000_000:
        return f"{duration_ns / 1e6:.1f} ms"
    return f"{duration_ns / 1e9:.2f} s"
