"""Reads named views and buttons: `shown` when all their anchors are there, else `not shown`. Pure but for OCR of texts.

Anchors are looked at in the layout's order, and the first that fails decides; give cheap ones first. What stands on a
view is shown only while that view is.
"""

from __future__ import annotations

from typing import Final

from hil.errors import UsageError
from hil.hmi import colour as colours
from hil.hmi.frames import Pixels
from hil.hmi.layout import Anchor, Button, Item, Layout, Text, View
from hil.hmi.layout_items import NAME_KEY
from hil.hmi.read_text import read_text
from hil.hmi.reader import Reading, crop, reader_for
from hil.hmi.shapes import ALIKE, alike, light_of, share_of, white_of

SHOWN: Final = "shown"
NOT_SHOWN: Final = "not shown"
_THUMBNAIL_PX: Final = 100_000


def read_view(pixels: Pixels, item: View | Button) -> Reading:
    """Whether a view, or a button, is on the screen. A button without anchors always is, or as long as its view is."""
    scores, margin = [1.0], 1.0
    picture = _picture(pixels, item)
    if not on_its_view(pixels, item):
        return Reading(NOT_SHOWN, 1.0, 1.0, elsewhere(item), picture)
    for anchor in item.anchors:
        score, away, what = _look(pixels, item, anchor)
        if anchor.absent:
            score, away, what = 1 - score, -away, f"{what}, which must not be there"
        if away < 0:
            return Reading(NOT_SHOWN, 1 - score, -away, what, picture)
        scores.append(score)
        margin = min(margin, away)
    return Reading(SHOWN, min(scores), margin, _there(item), picture)


def on_its_view(pixels: Pixels, item: Item) -> bool:
    """Whether a view on which an item stands is shown; true of an item that stands on none."""
    return not item.stands_on or any(_is_shown(pixels, view) for view in item.stands_on)


def elsewhere(item: Item) -> str:
    """What is said of an item whose view isn't shown."""
    return f"view {' or '.join(item.views)}, on which it stands, is not shown"


def shown_views(pixels: Pixels, layout: Layout) -> list[View]:
    """The views that a picture shows, but for those that stand on a view themselves."""
    views = [item for item in layout if isinstance(item, View) and not item.views]
    return [view for view in views if _is_shown(pixels, view)]


def _is_shown(pixels: Pixels, view: Item) -> bool:
    return reader_for(view)(pixels, view).value == SHOWN


def _there(item: View | Button) -> str:
    anchors = len(item.anchors)
    if anchors == 0:
        return "its view is shown" if item.views else "has no anchors, is always there"
    return "1 anchor is there" if anchors == 1 else f"{anchors} anchors are there"


def _picture(pixels: Pixels, item: View | Button) -> Pixels:
    """What was judged; a large one as a thumbnail."""
    picture = crop(pixels, item.bounds)
    step = 1 + int((picture.shape[0] * picture.shape[1] / _THUMBNAIL_PX) ** 0.5)
    return picture[::step, ::step] if step > 2 else picture


def _look(pixels: Pixels, item: View | Button, anchor: Anchor) -> tuple[float, float, str]:
    """How much an anchor is there, 0..1; how far that is beyond the threshold; and what was seen."""
    region = crop(pixels, anchor.region)
    if anchor.colour:
        share = share_of(region, colours.parse(anchor.colour), item.brightness)
        return share, share - anchor.share, f"{share:.0%} of {list(anchor.region)} is {anchor.colour}"
    if anchor.text:
        fields = {NAME_KEY: item.name, "brightness": item.brightness, "region": anchor.region}
        reading = read_text(pixels, Text.model_validate(fields))
        good = isinstance(reading.value, str) and reading.value.casefold() == anchor.text.casefold()
        return (1.0 if good else 0.0), (reading.margin if good else -reading.margin), f"{reading.detail} at its anchor"
    shape = item.shape_of(anchor.reference)
    if shape is None:
        raise UsageError("a view needs its pictures", where=item.name, remedy="load the layout from its file.")
    match = max(alike(light_of(region), shape), alike(white_of(region), shape))
    return match, match - ALIKE, f"{anchor.reference} is {match:.2f} alike"
