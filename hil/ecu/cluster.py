"""The picture of the virtual instrument cluster: a state goes in, 1280 x 480 pixels come out. Pure but for the fonts.

Rules of this module: a state is hashable and holds only what can be seen, rounded to what a pixel can show, so equal
states share one raster (`render` is cached). Static parts are drawn once a theme (`hil.ecu.cluster_art`), symbols
once a colour; a changed needle costs one copy of the background and a few blended patches.

Not for: what lights a telltale or moves a needle. That is the ECU's logic.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from hil.ecu import cluster_art as art
from hil.ecu.cluster_art import SIZE, TELLTALES
from hil.errors import UsageError
from hil.hmi.frames import Pixels

__all__ = ["GEARS", "RPM_MAX", "SIZE", "SPEED_MAX_KMH", "TELLTALES", "ClusterState", "Screen", "render"]

SPEED_MAX_KMH: Final = 260.0
RPM_MAX: Final = 8000.0
GEARS: Final = ("P", "R", "N", "D")
RASTERS: Final = 24
"""Rasters kept: 1.8 MB each."""


class Screen(StrEnum):
    """What the glass shows as a whole."""

    OFF = "off"
    SPLASH = "splash"
    ON = "on"


@dataclass(frozen=True, slots=True)
class ClusterState:
    """All that can be seen of the cluster.

    Attributes:
        screen: dark, the boot splash, or the instruments; the rest counts only for the instruments.
        speed_kmh: position of the speed needle, 0 to 260 km/h, rounded to 0.1.
        speed_number: the digital speed in `speed_unit`; None shows `---`.
        speed_unit: the label under the digital speed.
        rpm: position of the rev needle, 0 to 8000 1/min, rounded to 5.
        gear: one of `GEARS`; None shows an empty field.
        telltales: names of those lit, each one of `TELLTALES`.
        odometer_km: total distance; None shows `------`.
        trip_km: trip distance, rounded to 0.1 km; None shows `---`.
        night: the dimmed theme.
        message: one or two lines of a pop-up in the centre; None shows no pop-up.
        alert: the pop-up is a warning (red), not a hint (white).
    """

    screen: Screen = Screen.ON
    speed_kmh: float = 0.0
    speed_number: int | None = 0
    speed_unit: str = "km/h"
    rpm: float = 0.0
    gear: str | None = "P"
    telltales: frozenset[str] = frozenset()
    odometer_km: int | None = 0
    trip_km: float | None = 0.0
    night: bool = False
    message: str | None = None
    alert: bool = False

    def __post_init__(self) -> None:
        """Round to what can be seen; refuse what can't be drawn.

        Raises:
            UsageError: a telltale or a gear that this cluster doesn't have.
        """
        unknown = sorted(self.telltales - TELLTALES.keys())
        if unknown:
            raise UsageError(f"the cluster has no telltale '{unknown[0]}'", remedy=f"one of {', '.join(TELLTALES)}.")
        if self.gear is not None and self.gear not in GEARS:
            raise UsageError(f"the cluster has no gear '{self.gear}'", remedy=f"one of {', '.join(GEARS)}, or None.")
        object.__setattr__(self, "speed_kmh", round(_within(self.speed_kmh, SPEED_MAX_KMH), 1))
        object.__setattr__(self, "rpm", round(_within(self.rpm, RPM_MAX) / 5) * 5.0)
        if self.trip_km is not None:
            object.__setattr__(self, "trip_km", round(self.trip_km, 1))


def _within(value: float, limit: float) -> float:
    """A needle rests at the pins of its scale."""
    return min(max(value, 0.0), limit)


@lru_cache(maxsize=RASTERS)
def render(state: ClusterState) -> Pixels:
    """The picture of a state: 480 x 1280 x 3, RGB, read-only. The same array for equal states."""
    pixels = _draw(state)
    pixels.flags.writeable = False
    return pixels


def warm_up() -> None:
    """Draw what is drawn once, so that the first frames of a process cost no more than later ones."""
    for state in (ClusterState(screen=Screen.SPLASH), ClusterState(telltales=frozenset(TELLTALES))):
        render(state)


def _draw(state: ClusterState) -> Pixels:
    if state.screen is Screen.OFF:
        return art.dark()
    if state.screen is Screen.SPLASH:
        return art.splash().copy()
    return _instruments(state)


def _instruments(state: ClusterState) -> Pixels:
    theme = art.NIGHT if state.night else art.DAY
    pixels = art.background(theme).copy()
    for name in sorted(state.telltales):
        art.put_telltale(pixels, theme, name)
    art.put_speed(pixels, theme, "---" if state.speed_number is None else str(state.speed_number), state.speed_unit)
    art.put_gear(pixels, theme, state.gear or "")
    art.put_odometer(pixels, theme, "------" if state.odometer_km is None else f"{state.odometer_km:06d}")
    art.put_trip(pixels, theme, "---" if state.trip_km is None else f"{state.trip_km:.1f}")
    if state.message:
        art.put_message(pixels, theme, state.message, state.alert)
    art.put_needle(pixels, theme, art.SPEED_GAUGE, state.speed_kmh / SPEED_MAX_KMH)
    art.put_needle(pixels, theme, art.RPM_GAUGE, state.rpm / RPM_MAX)
    return pixels
