"""Odometer and trip: distance counted from the wheels' counter, kept in flash.

Rules of this module: the odometer never goes back. The wheels' counter counts on and over; where it stands still or
jumps by more than the speed allows, distance is worked out from the speed instead. It is written to flash every
kilometre and when the ignition goes off: a power cut loses less than a kilometre.
"""

from __future__ import annotations

from typing import Final

from hil.clock import NS_PER_S
from hil.ecu.app import Platform
from hil.ecu.speed import KMH_PER_MPH, SpeedGauge

FACTORY_KM: Final = 12_345.0
_SNA: Final = 0xFF_FFFF
FACTORY_TRIP_KM: Final = 67.8
KM_PER_MILE: Final = KMH_PER_MPH
_STEP_NS: Final = NS_PER_S // 4
_METRE: Final = 0.1
_WRAP: Final = 1 << 16
_SPEED_SNA: Final = 4095
_TRIP_SNA: Final = 0xFFFF
_TRIP_MAX_KM: Final = 6553.4


class Odometer:
    """Distances of one ECU.

    Args:
        platform: what it reads from.
        speed: the speed, for what the counter can't say.
    """

    def __init__(self, platform: Platform, speed: SpeedGauge) -> None:
        self._platform, self._speed, self._defects = platform, speed, platform.defects
        self._counter = platform.com.signal("ESC_Speed", "TravelledDistance")
        self.load()

    def load(self) -> None:
        """Read them from the store, as after a boot."""
        store = self._platform.store
        self.km = float(store.get("odometer.km", FACTORY_KM))
        self.trip_km = float(store.get("odometer.trip_km", FACTORY_TRIP_KM))
        self.trip_s = float(store.get("odometer.trip_s", 3600.0))
        self._saved_km = self.km
        self._last: int | None = None
        self._next_ns = 0

    def restart(self) -> None:
        """Count from now on: after ignition on or a wake."""
        self._last, self._next_ns = None, 0

    def reset_trip(self) -> None:
        """Trip back to zero."""
        self.trip_km = self.trip_s = 0.0

    def tick(self, now_ns: int) -> bool:
        """Count on four times a second; whether a shown number may have changed."""
        if now_ns < self._next_ns:
            return False
        since_ns = _STEP_NS if self._next_ns else 0
        self._next_ns = now_ns + _STEP_NS
        metres = self._metres(since_ns) * (0.9 if "odometer_counts_short" in self._defects else 1.0)
        self.trip_s += since_ns / NS_PER_S
        if not metres:
            return False
        self.km += metres / 1000
        self.trip_km = min(self.trip_km + metres / 1000, _TRIP_MAX_KM)
        if self.km - self._saved_km >= 1 and "odometer_never_saved" not in self._defects:
            self.save()
        return True

    def _metres(self, since_ns: int) -> float:
        raw, kmh = self._counter.raw, self._speed.kmh
        counted: float | None = None
        last = self._last
        self._last = raw
        if raw is not None and last is not None:
            counted = ((raw - last) % _WRAP) * _METRE
            if "odometer_loses_wrap" in self._defects:
                counted = (raw - last) * _METRE
        driven = (kmh or 0.0) / 3.6 * since_ns / NS_PER_S
        if counted and abs(counted) <= 2 * driven + 3:
            return counted
        return counted if counted and counted < 0 else driven

    def save(self) -> None:
        """Write them to flash."""
        if "odometer_never_saved" in self._defects:
            return
        store = self._platform.store
        store.put("odometer.km", round(self.km, 3))
        store.put("odometer.trip_km", round(self.trip_km, 3))
        store.put("odometer.trip_s", round(self.trip_s, 1))
        store.flush()
        self._saved_km = self.km

    def shown(self, *, miles: bool) -> tuple[int, float]:
        """Odometer and trip as shown."""
        scale = KM_PER_MILE if miles else 1.0
        return int(self.km / scale), int(self.trip_km / scale * 10) / 10

    def signals(self, *, restored: bool) -> dict[str, int]:
        """Raw values of CLU_Odometer."""
        average = self.trip_km / (self.trip_s / 3600) if self.trip_s >= 60 else None
        return {
            "Odometer": int(self.km * 10),
            "TripA": int(self.trip_km * 10),
            "TripB": _TRIP_SNA,
            "TripTime": min(int(self.trip_s / 60), 60_000),
            "TripSpeedAverage": _SPEED_SNA if average is None else min(int(average * 10), 3000),
            "OdometerState": int(restored),
        }


def told_km(platform: Platform) -> float:
    """The odometer as it is told on the bus; before that, as it was saved."""
    raw = platform.com.written("CLU_Odometer", "Odometer")
    if raw is None or raw == _SNA:
        return float(platform.store.get("odometer.km", FACTORY_KM))
    return raw / 10
