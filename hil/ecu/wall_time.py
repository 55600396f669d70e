"""What the ECU thinks the date is: from the telematics unit's clock, carried on by its own.

Rules of this module: a date on the bus counts from when it changed; a sender that repeats one date all the time is
taken to stand still, and the ECU's own clock goes on from there. Without any date it is the day of the build.

Not for: bench time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from hil.ecu.app import Platform

BUILD: Final = datetime(2026, 1, 1, tzinfo=UTC)
_FIELDS: Final = ("Year", "Month", "Day", "Hour", "Minute", "Second")


class WallTime:
    """The ECU's date and time."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._heard: tuple[int, ...] | None = None
        self._base, self._base_ns = BUILD, 0

    def now(self) -> datetime:
        """The date and time, UTC."""
        com, now_ns = self._platform.com, self._platform.clock.now_ns
        raw = tuple(com.raw("TCU_DateTime", field) for field in _FIELDS)
        if None not in raw and com.raw("TCU_DateTime", "TimeSource") and raw != self._heard:
            read = _read(raw)
            if read is not None:
                self._heard, self._base, self._base_ns = raw, read, now_ns
        return self._base + timedelta(microseconds=(now_ns - self._base_ns) // 1000)


def _read(raw: tuple[int, ...]) -> datetime | None:
    year, month, day, hour, minute, second = raw
    try:
        return datetime(2000 + year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:  # the sender says that it doesn't know
        return None
