"""Reads an icon: which of its named pictures stands in its place, `none`, or `other`. Pure.

A picture is there when its shape is (`hil.hmi.shapes`), it is clearly more alike than any other, and it has the
layout's colour where one is given. Something that is none of the pictures reads as `other`, never as the nearest.
"""

from __future__ import annotations

from typing import Final

from hil.errors import UsageError
from hil.hmi import colour as colours
from hil.hmi.frames import Pixels
from hil.hmi.layout import Icon, Shape
from hil.hmi.reader import Reading, crop
from hil.hmi.shapes import ALIKE, EMPTY_BELOW, best, colour_of, contrast, light_of

NONE: Final = "none"
OTHER: Final = "other"
APART: Final = 0.02
"""How much more alike than the next picture the best one must be."""


def read_icon(pixels: Pixels, item: Icon) -> Reading:
    """The name of the picture; `none` where nothing is, `other` where something else is.

    Raises:
        UsageError: the layout was parsed without its pictures.
    """
    region = crop(pixels, item.region)
    light = light_of(region)
    standing_out, empty_below = contrast(light), EMPTY_BELOW * item.brightness
    if standing_out < empty_below:
        return Reading(NONE, 1 - standing_out / 255, (empty_below - standing_out) / 255, "empty", region)
    name, match, second = best(light, {name: _shape(item, name) for name in item.pictures})
    if match < ALIKE:
        detail = f"something that is most like {name}: {match:.2f}"
        return Reading(OTHER, 1 - match, ALIKE - match, detail, region)
    if match - second < APART and len(item.pictures) > 1:
        return Reading(OTHER, 0.5, match - second, f"{name}, or another one that is as much alike", region)
    seen = colour_of(region, light)
    if item.colour and not colours.alike(seen, colours.parse(item.colour)):
        detail = f"{name}, but {colours.name_of(seen)}, not {item.colour}"
        return Reading(OTHER, 1.0, match - ALIKE, detail, region)
    return Reading(name, match, min(match - ALIKE, match - second), f"{colours.name_of(seen)}", region)


def _shape(item: Icon, name: str) -> Shape:
    shape = item.shape_of(item.pictures[name])
    if shape is None:
        raise UsageError("an icon needs its pictures", where=item.name, remedy="load the layout from its file.")
    return shape
