"""The picture of the virtual instrument cluster: a state goes in, 1280 x 480 pixels come out. Pure but for the fonts.

Rules of this module: a state is hashable and holds only what can be seen, rounded to what a pixel can show, so equal
states share one raster (`render` is cached). Static parts are drawn once a theme (`hil.ecu.cluster_art`), symbols
once a colour; a changed needle costs one copy of the background and a few blended patches.

Not for: what lights a telltale or moves a needle. That is the ECU's logic.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from hil.ecu import cluster_art as art
from hil.ecu.cluster_art import SIZE
from hil.ecu.cluster_state import (
    COLOURS,
    GEARS,
    RPM_MAX,
    SCALE_ENDS,
    TELLTALES,
    ClusterState,
    Guidance,
    Screen,
    Warning,
)
from hil.hmi.frames import Pixels

__all__ = [
    "COLOURS", "GEARS", "RPM_MAX", "SCALE_ENDS", "SIZE", "TELLTALES", "ClusterState", "Guidance", "Screen", "Warning",
    "render",
]  # fmt: skip

RASTERS: Final = 24
"""Rasters kept: 1.8 MB each."""


@lru_cache(maxsize=RASTERS)
def render(state: ClusterState) -> Pixels:
    """The picture of a state: 480 x 1280 x 3, RGB, read-only. The same array for equal states."""
    pixels = _draw(state)
    pixels.flags.writeable = False
    return pixels


def warm_up() -> None:
    """Draw what is drawn once, so that the first frames of a process cost no more than later ones."""
    for state in (ClusterState(screen=Screen.SPLASH), ClusterState(telltales=TELLTALES)):
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
    for name in sorted(state.telltales & art.TELLTALES.keys()):
        art.put_telltale(pixels, theme, name)
    art.put_speed(pixels, theme, "---" if state.speed_number is None else str(state.speed_number), state.speed_unit)
    art.put_gear(pixels, theme, state.gear or "")
    art.put_odometer(pixels, theme, "------" if state.odometer is None else f"{state.odometer:06d}")
    art.put_trip(pixels, theme, "---" if state.trip is None else f"{state.trip:.1f}")
    if state.warning:
        art.put_message(pixels, theme, state.warning.lines, state.warning.severity == "critical")
    art.put_needle(pixels, theme, art.SPEED_GAUGE, state.speed / SCALE_ENDS[state.brand, state.speed_unit])
    art.put_needle(pixels, theme, art.RPM_GAUGE, state.rpm / RPM_MAX)
    return pixels
