"""The picture of the virtual instrument cluster: a state goes in, 1280 x 480 pixels come out. Pure but for the fonts.

Rules of this module: equal states share one raster (`render` is cached). Static parts are drawn once a look and theme,
symbols once a size; a changed needle costs one copy of the background and a few blended patches.

Not for: what lights a telltale or moves a needle. That is the ECU's logic.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from hil.ecu import cluster_art as art
from hil.ecu.cluster_art import SIZE
from hil.ecu.cluster_paint import scaled
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


def warm_up(brand: str = "alta") -> None:
    """Draw what is drawn once, so that the first frames of a process cost no more than later ones."""
    for state in (ClusterState(screen=Screen.SPLASH, brand=brand), ClusterState(brand=brand, telltales=TELLTALES)):
        render(state)


def _draw(state: ClusterState) -> Pixels:
    if state.screen is Screen.OFF:
        return art.dark()
    pixels = art.splash(state.brand, state.night).copy() if state.screen is Screen.SPLASH else art.instruments(state)
    return pixels if state.dimming == 1.0 else scaled(pixels, state.dimming)
