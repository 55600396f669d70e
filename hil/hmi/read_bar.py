"""Reads a bar gauge: how far it is filled, as a value of the layout's scale. Pure.

How: along the bar every step (a column, or a row) is filled by as much as the middle half of it has one of the fill
colours; the filled steps from the origin outward, with holes of at most `gap`, are the bar, and the last one counts in
part. Light that stands apart from the bar, or on both sides of its origin, is no reading: value None.

An empty bar and a dark screen read alike: the value of the empty bar. Ask the screen whether it is lit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hil.hmi import colour as colours
from hil.hmi.frames import Pixels
from hil.hmi.layout import Bar
from hil.hmi.reader import Reading, crop

FILLED: Final = 0.4
"""From how much of the colour on a step is filled: a dark track in the same hue has less."""

Steps = NDArray[np.float32]


def read_bar(pixels: Pixels, item: Bar) -> Reading:
    """The value up to which a bar is filled."""
    region = crop(pixels, item.region)
    along = _turned(region, item.direction)
    steps, seen = _filled(along, item)
    start = _start(item, len(steps))
    reach = [_reach(steps[start:], item.gap), _reach(steps[:start][::-1], item.gap)]
    stray = int((steps > FILLED).sum()) - sum(int((part > FILLED).sum()) for part in _parts(steps, start, reach))
    if stray > max(1, 0.02 * len(steps)):
        return Reading(None, 0.5, 0.0, "the bar has a hole, or light stands apart from it", region)
    if min(reach) > 0.02 * len(steps):
        return Reading(None, 0.5, 0.0, f"filled on both sides of {item.origin:g}", region)
    value = _value(item, start + reach[0] - reach[1], len(steps))
    certainty = _certainty(steps)
    detail = f"filled {seen}" if max(reach) > 0.5 else "empty"
    return Reading(value, min(1.0, 0.5 + certainty), certainty, detail, region)


def _turned(region: Pixels, direction: str) -> Pixels:
    """The middle half of the bar, growing to the right: height x width x 3."""
    turned = region.transpose(1, 0, 2) if direction in ("up", "down") else region
    turned = turned[:, ::-1] if direction in ("left", "up") else turned
    quarter = turned.shape[0] // 4
    return turned[quarter : turned.shape[0] - quarter]


def _filled(along: Pixels, item: Bar) -> tuple[Steps, str]:
    """How much of each step is filled, and the colour that fills most."""
    flat, best = np.ascontiguousarray(along).reshape(-1, 3), np.zeros(along.shape[0] * along.shape[1], np.float32)
    sums = []
    for fill in item.fills:
        which, weight = colours.amount(flat, fill, item.brightness)
        best[which] = np.maximum(best[which], weight)
        sums.append(float(weight.sum()))
    return best.reshape(along.shape[:2]).mean(axis=0), item.fills[int(np.argmax(sums))].text


def _start(item: Bar, count: int) -> int:
    """The step at which the bar begins to fill."""
    if item.origin is None:
        return 0
    low, high = item.scale
    return round(count * (item.origin - low) / (high - low))


def _reach(steps: Steps, gap: int) -> float:
    """How many steps from the first one on are filled; the last in part."""
    lit = np.flatnonzero(steps > FILLED)
    if not len(lit):
        return 0.0
    jumps = np.flatnonzero(np.diff(np.concatenate([[-1], lit])) > gap + 1)
    if len(jumps) and jumps[0] == 0:
        return 0.0
    last = int(lit[jumps[0] - 1] if len(jumps) else lit[-1])
    full = float(np.median(steps[lit]))
    edge = steps[last : last + 2] / full
    return last + float(np.clip(edge, 0, 1).sum()) if len(edge) > 1 else last + 1.0


def _parts(steps: Steps, start: int, reach: list[float]) -> tuple[Steps, Steps]:
    """The steps that were counted, on either side of the start."""
    right, left = (int(np.ceil(length)) for length in reach)
    return steps[start : start + right], steps[max(0, start - left) : start]


def _value(item: Bar, step: float, count: int) -> float:
    low, high = item.scale
    return low + (high - low) * min(max(step / count, 0.0), 1.0)


def _certainty(steps: Steps) -> float:
    """Distance of the steps from being neither filled nor empty; one step in twenty may be an edge."""
    away = np.abs(steps - FILLED)
    return float(np.quantile(away, 0.05))
