"""Reads a telltale: lit or not, by brightness, colour and (where the layout gives a reference) shape. Pure.

Each alone is deceived: a template scores 0.5 on a dark lamp, a colour says nothing about a lamp in the wrong place of
the strip. A lamp that is lit otherwise than its layout says is neither `on` nor `off`, so both checks fail, and the
reading says what was seen.

    measure     what it is                                                               on       off
    brightness  of the brightest 8 % of the region, over that expected of a lit lamp     >= 0.55  < 0.30
    colour      part of the lit pixels' light that has the layout's hue                  >= 0.60
    shape       normalised correlation with the reference, best within its play          >= 0.80

Not for: blinking. That is a check over several readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hil.hmi import colour as colours
from hil.hmi.colour import Colour, highest, lowest
from hil.hmi.frames import Pixels
from hil.hmi.layout import Shape, Telltale
from hil.hmi.reader import Reading, crop
from hil.hmi.shapes import ALIKE, alike

ON_BRIGHTNESS: Final = 0.55
OFF_BRIGHTNESS: Final = 0.30
COLOUR: Final = 0.60
SHAPE: Final = ALIKE
_BRIGHTEST: Final = 92.0

Light = NDArray[np.float32]


class State(StrEnum):
    """What a telltale can be read as."""

    ON = "on"
    OFF = "off"
    DIM = "dim"
    WRONG_COLOUR = "wrong colour"
    WRONG_SHAPE = "wrong shape"


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured, each 0..1 (brightness a little more, if brighter than expected)."""

    brightness: float
    colour: float
    shape: float
    seen: str


def read_telltale(pixels: Pixels, item: Telltale) -> Reading:
    """The `State` of a telltale."""
    region = crop(pixels, item.region)
    measures = _measure(region, item)
    state, margin = _decide(measures)
    score, detail = _score(state, measures), _detail(state, measures, item)
    return Reading(state.value, score, margin, detail, region, _measured(measures))


def _measure(region: Pixels, item: Telltale) -> Measures:
    light = highest(region).astype(np.float32)
    level = float(np.percentile(light, _BRIGHTEST))
    brightness = level / (max(item.lit.rgb) * item.brightness)
    if brightness < OFF_BRIGHTNESS:
        return Measures(brightness, 0.0, 0.0, "dark")
    lit = light > level / 2
    share, seen = _colour_share(region[lit].astype(np.float32), item.lit)
    return Measures(brightness, share, _shape_match(light, item.shape), seen)


def _colour_share(lit: Light, wanted: Colour) -> tuple[float, str]:
    """Part of the light that has the wanted hue, and the name of the colour that was seen."""
    high, low = highest(lit), lowest(lit)
    mean = lit.mean(axis=0)
    seen = colours.name_of((float(mean[0]), float(mean[1]), float(mean[2])))
    pale = high - low < colours.GREY * high
    if wanted.hue_deg is None:
        return float(high[pale].sum() / high.sum()), seen
    near = np.abs((_hues(lit, high, low) - wanted.hue_deg + 180) % 360 - 180) <= colours.HUE_TOLERANCE_DEG
    return float(high[near & ~pale].sum() / high.sum()), seen


def _hues(rgb: Light, high: Light, low: Light) -> Light:
    """Hues in degrees; meaningless for greys."""
    red, green, blue = rgb.T
    span = np.maximum(high - low, 1e-3)
    sector = np.select(
        [high == red, high == green], [(green - blue) / span, 2 + (blue - red) / span], 4 + (red - green) / span
    )
    return np.asarray(sector * 60 % 360, np.float32)


def _shape_match(light: Light, shape: Shape | None) -> float:
    """How much alike the reference it is; 1 without a reference."""
    return 1.0 if shape is None else alike(light, shape)


def _decide(measures: Measures) -> tuple[State, float]:
    """The state, and the distance to the nearest threshold that would change it."""
    brightness, colour, shape = measures.brightness, measures.colour, measures.shape
    if brightness < OFF_BRIGHTNESS:
        return State.OFF, OFF_BRIGHTNESS - brightness
    if brightness < ON_BRIGHTNESS:
        return State.DIM, min(brightness - OFF_BRIGHTNESS, ON_BRIGHTNESS - brightness)
    if colour < COLOUR:
        return State.WRONG_COLOUR, COLOUR - colour
    if shape < SHAPE:
        return State.WRONG_SHAPE, SHAPE - shape
    return State.ON, min(1.0, brightness - ON_BRIGHTNESS, colour - COLOUR, shape - SHAPE)


def _score(state: State, measures: Measures) -> float:
    """How sure: as good as the weakest evidence for that state."""
    if state is State.OFF:
        return 1 - measures.brightness
    if state is State.ON:
        return min(1.0, measures.brightness, measures.colour, measures.shape)
    if state is State.WRONG_COLOUR:
        return 1 - measures.colour
    if state is State.WRONG_SHAPE:
        return 1 - measures.shape
    return 0.5


def _measured(measures: Measures) -> str:
    """The figures, each with its threshold."""
    limits = f"on from {ON_BRIGHTNESS:.0%}, off below {OFF_BRIGHTNESS:.0%}"
    light = f"brightness {measures.brightness:.0%} of a lit lamp ({limits})"
    if measures.brightness < OFF_BRIGHTNESS:
        return f"{light}; too dark for a colour"
    colour = f"{measures.colour:.0%} of the light in its colour (at least {COLOUR:.0%}), the whole is {measures.seen}"
    return f"{light}; {colour}; shape {measures.shape:.2f} alike (at least {SHAPE:.2f})"


def _detail(state: State, measures: Measures, item: Telltale) -> str:
    if state is State.OFF:
        return "dark"
    if state is State.DIM:
        return f"{measures.seen}, at {measures.brightness:.0%} of the brightness of a lit lamp"
    if state is State.WRONG_COLOUR:
        return f"lit {measures.seen}, not {item.lit}"
    if state is State.WRONG_SHAPE:
        return f"lit {measures.seen}, but not in the shape of {item.reference}: {measures.shape:.2f} alike"
    return f"lit {measures.seen}"
