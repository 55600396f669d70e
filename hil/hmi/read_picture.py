"""Reads a region that shows a picture: `picture`, `black`, or `plain` where it is one colour all over. Pure.

Whether it moves is a check over several frames (`hil.hmi.motion`).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hil.hmi.colour import highest
from hil.hmi.frames import Pixels
from hil.hmi.layout import Picture
from hil.hmi.reader import Reading, crop

BLACK_BELOW: Final = 24.0
"""Level (of 255) that the brightest hundredth of a black picture stays below; a camera's noise does."""
PLAIN_BELOW: Final = 4.0
"""Spread of levels (standard deviation) of a picture that shows nothing."""

_SAMPLE_PX: Final = 20_000
"""More pixels than that would tell no more."""


def read_picture(pixels: Pixels, item: Picture) -> Reading:
    """`picture`, `black` or `plain`."""
    region = crop(pixels, item.region)
    step = 1 + int((region.shape[0] * region.shape[1] / _SAMPLE_PX) ** 0.5)
    sample = region[::step, ::step]
    level = float(np.percentile(highest(sample), 99.0))
    spread = float(sample.reshape(-1, 3).std(axis=0).max())
    if level < BLACK_BELOW:
        return Reading("black", 1 - level / 255, (BLACK_BELOW - level) / 255, f"brightest level {level:.0f}", region)
    if spread < PLAIN_BELOW:
        return Reading("plain", 1 - spread / 255, (PLAIN_BELOW - spread) / 255, "one colour all over", region)
    margin = min((level - BLACK_BELOW) / 255, (spread - PLAIN_BELOW) / 64, 1.0)
    return Reading("picture", 1.0, margin, "something to be seen", region)
