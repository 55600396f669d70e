"""The glass as a whole: lit or dark, and how bright. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np

from hil.errors import UsageError
from hil.hmi.colour import highest
from hil.hmi.expect import Expectation
from hil.hmi.frames import Pixels
from hil.hmi.layout_items import Item, Region
from hil.hmi.reader import Reading, Value

DARK_BELOW: Final = 16
"""Level of 255: where no pixel is brighter, the backlight is off; a camera's noise stays below it."""
_BRIGHT_SHARE: Final = 0.001
_THUMBNAIL_STEP: Final = 4
_CLEARLY: Final = 0.1
"""By which part of a level another one must differ to be brighter or darker."""


class Glass(Item):
    """The whole screen."""

    size: tuple[int, int]

    @property
    def bounds(self) -> Region:
        """All of it."""
        return 0, 0, *self.size


def whole_screen(size: tuple[int, int]) -> Glass:
    """The glass of a screen of a size, px."""
    return Glass.model_validate({"[name]": "whole screen", "brightness": 1.0, "size": size})


def read_glass(pixels: Pixels, item: Glass) -> Reading:
    """`lit` where at least a thousandth of the pixels is brighter than a dark glass, else `dark`."""
    level = float(np.quantile(highest(pixels), 1 - _BRIGHT_SHARE))
    value = "lit" if level >= DARK_BELOW else "dark"
    margin = min(1.0, abs(level - DARK_BELOW) / 255)
    return Reading(
        value, 1.0, margin, f"brightest level {level:.0f} of 255", pixels[::_THUMBNAIL_STEP, ::_THUMBNAIL_STEP]
    )


def backlight(item: Glass, lit: bool) -> Expectation:
    """The glass is lit, or dark."""
    wanted = "lit" if lit else "dark"

    def verdict(value: Value) -> float:
        return 1.0 if value == wanted else -1.0

    return Expectation(item, wanted, verdict, read_glass)


def level_pct(pixels: Pixels) -> float:
    """How bright a picture is: the mean level of its pixels, percent of white."""
    return float(pixels.mean()) / 2.55


def read_level(pixels: Pixels, item: Glass) -> Reading:
    """The brightness of the whole screen, percent of white."""
    level = level_pct(pixels)
    return Reading(level, 1.0, 1.0, "mean of all pixels", pixels[::_THUMBNAIL_STEP, ::_THUMBNAIL_STEP])


def brightness(item: Glass, than_pct: float, *, brighter: bool) -> Expectation:
    """The glass is clearly brighter, or darker, than a level in percent of white.

    Raises:
        UsageError: no screen has that level.
    """
    if not 0 <= than_pct <= 100:
        raise UsageError(f"no screen is at {than_pct:g} % of white", remedy="give a level that was read before.")
    limit = than_pct * (1 + _CLEARLY if brighter else 1 - _CLEARLY)

    def verdict(value: Value) -> float:
        if not isinstance(value, float):
            return -1.0
        away = (value - limit if brighter else limit - value) / 100
        return min(1.0, away)

    return Expectation(item, f"{'above' if brighter else 'below'} {limit:.1f} % of white", verdict, read_level)
