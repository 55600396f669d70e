"""Finds reference pictures in regions, and colours: what several readers share. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hil.hmi import colour as colours
from hil.hmi.colour import Colour, highest, lowest
from hil.hmi.frames import Pixels
from hil.hmi.layout_base import Shape

ALIKE: Final = 0.80
"""Normalised correlation from which on two shapes are one."""
PLAY_PX: Final = 3
"""How far a symbol may lie off its place: a camera's warp."""
EMPTY_BELOW: Final = 30.0
"""Levels (of 255) between the darkest and the brightest of a region, under which nothing is in it."""

Light = NDArray[np.float32]


def light_of(region: Pixels) -> Light:
    """Each pixel's brightest channel."""
    return np.asarray(highest(region), np.float32)


def white_of(region: Pixels) -> Light:
    """Each pixel's weakest channel: what is white stands out of what has a colour, however bright that is."""
    return np.asarray(lowest(region), np.float32)


def alike(light: Light, shape: Shape) -> float:
    """Normalised correlation, 0..1, with a shape at its best place in the region, with some play beyond it."""
    room_y, room_x = light.shape[0] - shape.shape[0], light.shape[1] - shape.shape[1]
    pad_y, pad_x = max(0, PLAY_PX - room_y // 2), max(0, PLAY_PX - room_x // 2)
    field = cv2.copyMakeBorder(light, pad_y, pad_y, pad_x, pad_x, cv2.BORDER_REPLICATE)
    match = cv2.matchTemplate(field, shape.astype(np.float32), cv2.TM_CCOEFF_NORMED)
    return float(np.clip(np.nan_to_num(match), 0, 1).max())


def best(light: Light, shapes: Mapping[str, Shape]) -> tuple[str, float, float]:
    """The name of the shape that is most alike, how much, and how much the next one is (0 if there is none)."""
    ranked = sorted(((alike(light, shape), name) for name, shape in shapes.items()), key=lambda each: -each[0])
    return ranked[0][1], ranked[0][0], ranked[1][0] if len(ranked) > 1 else 0.0


def contrast(light: Light) -> float:
    """Levels between the ground and what stands out of it most: the brightest or the darkest hundredth."""
    ground = float(np.median(light))
    low, high = (float(level) for level in np.percentile(light, (1.0, 99.0)))
    return max(high - ground, ground - low)


def share_of(region: Pixels, wanted: Colour, brightness: float) -> float:
    """Part of a region's pixels that have a colour: more than half of it, at this brightness."""
    flat = region.reshape(-1, 3)
    _, weight = colours.amount(flat, wanted, brightness)
    return float((weight > 0.5).sum()) / len(flat)


def colour_of(region: Pixels, light: Light) -> tuple[float, float, float]:
    """The mean colour of what is bright in a region."""
    lit = region[light > float(light.max()) / 2].mean(axis=0)
    return float(lit[0]), float(lit[1]), float(lit[2])
