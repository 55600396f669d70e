"""Reads a needle: the angle of its colour in a ring round the pivot, as a value of the layout's scale. Pure.

How: every pixel of the ring counts by how much of the needle's colour it has (so anti-aliased edges count in part); the
heaviest direction is found on a circle of 720 bins, and the mean direction of what lies near it is the angle. A pixel's
place is its centre, half a pixel from its corner: without that the angle errs by up to 0.3 degrees.

No needle seen is a reading too: value None, and `detail` says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hil.hmi import colour as colours
from hil.hmi.frames import Pixels
from hil.hmi.layout import Needle, Region
from hil.hmi.reader import Reading, crop

_BINS: Final = 720
_REACH_DEG: Final = 7.0
"""Half the width of the sector that one needle can fill."""
COVERED: Final = 0.7
"""Part of the ring's radii that the needle must cross."""
ALONE: Final = 0.7
"""Part of the needle-coloured light that must lie in one direction."""
_PIN_DEG: Final = 3.0
"""How far beyond the ends of its scale a needle may rest."""
_FULL: Final = 0.25
"""Needle colour that a pixel must have to count as crossed by it."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Ring:
    """The pixels of a ring: their index in the flat picture, their directions, and their places on the radius."""

    index: NDArray[np.intp]
    angle_deg: Array
    step: NDArray[np.intp]


@lru_cache(maxsize=64)
def _ring(pivot: tuple[float, float], inner: float, outer: float, bounds: Region, width: int) -> _Ring:
    left, top, columns, rows = bounds
    y, x = np.mgrid[top : top + rows, left : left + columns]
    dx, dy = x + 0.5 - pivot[0], y + 0.5 - pivot[1]
    radius = np.hypot(dx, dy)
    inside = (radius >= inner) & (radius < outer)
    angle = np.degrees(np.arctan2(dx, -dy))[inside] % 360
    return _Ring((y * width + x)[inside], angle.astype(np.float32), (radius[inside] - inner).astype(np.intp))


def read_needle(pixels: Pixels, item: Needle) -> Reading:
    """The value that a needle points at, in the layout's unit."""
    square = crop(pixels, item.bounds)
    ring = _ring(item.pivot, item.inner, item.outer, item.bounds, pixels.shape[1])
    which, weight = colours.amount(pixels.reshape(-1, 3).take(ring.index, axis=0), item.lit, item.brightness)
    total = float(weight.sum())
    if total < 0.5 * (item.outer - item.inner):
        return Reading(None, 1.0, 1.0, f"no needle seen: nothing {item.lit} in its ring", square)
    angle, near = _direction(ring.angle_deg[which], weight)
    covered = _coverage(ring.step[which][near], weight[near], item)
    alone = float(weight[near].sum()) / total
    return _judged(item, angle, covered, alone, square)


def _direction(angles: Array, weight: Array) -> tuple[float, NDArray[np.bool_]]:
    """The direction of the needle in degrees, 0..360, and which of the coloured pixels are the needle's."""
    circle = np.bincount((angles * (_BINS / 360)).astype(np.intp) % _BINS, weight, _BINS)
    half = round(_REACH_DEG * _BINS / 360)
    wrapped = np.concatenate([circle[-half:], circle, circle[:half]])
    peak = int(np.convolve(wrapped, np.ones(2 * half + 1), "valid").argmax())
    angle = (peak + 0.5) * 360 / _BINS
    for _ in range(2):
        offset = (angles - np.float32(angle) + 180) % 360 - 180
        near = np.abs(offset) <= _REACH_DEG
        angle = (angle + float(np.average(offset[near], weights=weight[near]))) % 360
    return angle, near


def _coverage(step: NDArray[np.intp], weight: Array, item: Needle) -> float:
    """Part of the ring's radii at which the needle was seen."""
    count = int(item.outer - item.inner)
    inside = step < count
    crossed = np.bincount(step[inside], weight[inside], count) > _FULL
    return float(crossed.mean())


def _judged(item: Needle, angle: float, covered: float, alone: float, square: Pixels) -> Reading:
    score, margin = min(covered, alone), min(covered - COVERED, alone - ALONE)
    if covered < COVERED:
        detail = f"no needle seen: something {item.lit} at {angle:.0f} degrees crosses {covered:.0%} of the ring"
        return Reading(None, 1 - score, -margin, detail, square)
    if alone < ALONE:
        detail = f"no needle seen: {item.lit} in more than one direction of its ring"
        return Reading(None, 1 - score, -margin, detail, square)
    value = value_at(item, angle)
    if value is None:
        detail = f"the needle points off its scale, {angle:.0f} degrees clockwise from twelve o'clock"
        return Reading(None, score, margin, detail, square)
    return Reading(value, score, margin, f"at {angle:.1f} degrees", square)


def value_at(item: Needle, angle_deg: float) -> float | None:
    """The value that a direction stands for; None off the scale. A little beyond its ends counts as the scale."""
    turns = _turns(item)
    turn = _along(item, angle_deg - item.scale[0][0])
    if turn > 360 - _PIN_DEG and turn > turns[-1]:
        turn -= 360
    if turn > turns[-1] + _PIN_DEG:
        return None
    index = min(max(int(np.searchsorted(turns, turn, "right")) - 1, 0), len(turns) - 2)
    (_, low), (_, high) = item.scale[index : index + 2]
    return low + (high - low) * (turn - turns[index]) / (turns[index + 1] - turns[index])


def _along(item: Needle, angle_deg: float) -> float:
    """An angle counted the way in which the value grows, 0..360."""
    return (angle_deg if item.clockwise else -angle_deg) % 360


def _turns(item: Needle) -> list[float]:
    """How far the needle has turned from the first point of its scale at each of them, degrees."""
    turns = [0.0]
    for (here, _), (there, _) in pairwise(item.scale):
        turns.append(turns[-1] + _along(item, there - here))
    return turns
