"""Reads a pop-up: the name of its severity, or `none`. Pure.

A severity is there when its place (the pop-up's `mark`, or one of its own) is full of its colour. Of several that are
there the last of the layout counts; those that the layout gives the same place and colour are joined: `caution or
warning`. Text and symbol are read by the readers of texts and icons, when a check asks for them.
"""

from __future__ import annotations

from typing import Final

from hil.hmi import colour as colours
from hil.hmi.frames import Pixels
from hil.hmi.layout import Popup
from hil.hmi.layout_items import Severity
from hil.hmi.reader import Reading, crop
from hil.hmi.shapes import share_of

NONE: Final = "none"
FULL: Final = 0.6
"""Part of the place that must have the colour."""
OR: Final = " or "


def read_popup(pixels: Pixels, item: Popup) -> Reading:
    """The severity of a pop-up, or `none`."""
    region = crop(pixels, item.region)
    shares = {name: _share(pixels, item, severity) for name, severity in item.severity.items()}
    margin = min(abs(share - FULL) for share in shares.values())
    there = [name for name, share in shares.items() if share >= FULL]
    if not there:
        nearest = max(shares.values())
        return Reading(NONE, 1 - nearest, margin, _other(pixels, item), region)
    last = item.severity[there[-1]]
    names = [name for name in there if item.severity[name] == last]
    return Reading(OR.join(names), shares[there[-1]], margin, f"{last.colour} for {shares[there[-1]]:.0%}", region)


def _share(pixels: Pixels, item: Popup, severity: Severity) -> float:
    place = crop(pixels, severity.region or item.mark)
    return share_of(place, colours.parse(severity.colour), item.brightness)


def _other(pixels: Pixels, item: Popup) -> str:
    """What stands in the mark of a pop-up that isn't known."""
    mean = crop(pixels, item.mark).reshape(-1, 3).mean(axis=0)
    seen = float(mean[0]), float(mean[1]), float(mean[2])
    return f"its mark is {colours.name_of(seen)}" if max(seen) > 100 else "its mark is dark"
