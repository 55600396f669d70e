"""A lab's own reader: a bar that fills from the left. A layout names it `reader = "lab_readers:read_bar"`."""

from __future__ import annotations

from hil.hmi.frames import Pixels
from hil.hmi.layout import Text
from hil.hmi.reader import Reading, crop

LIT = 128


def read_bar(pixels: Pixels, item: Text) -> Reading:
    """How many percent of the region's columns are lit."""
    region = crop(pixels, item.region)
    columns = region.max(axis=(0, 2))
    percent = round(100 * float((columns >= LIT).mean()))
    margin = float(abs(columns.astype(int) - LIT).min()) / 255
    return Reading(str(percent), 1.0, margin, f"{percent} % of the bar is lit", region)
