"""The picture of `hil look`: a frame with a number round each item, and below the screen a table of the numbers.

Rules of this module: the screen stays where it is, at its size, so that coordinates read off it are those of a layout.
A number touches no other number, lies on no item if there is room beside it, rather not between two items, and rather
on plain ground than on what is drawn there. All words stand in the table: fifty lamps have no room for fifty names. Red
is what nothing sensible was read of; a thin frame is an item whose view isn't shown.

Not for: reading (`hil.cli.look`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hil.hmi.frames import Pixels
from hil.hmi.layout import Item, Needle, Region

Colour = tuple[int, int, int]
COLOURS: Final[tuple[Colour, ...]] = ((0, 200, 255), (255, 130, 255), (255, 220, 60), (110, 255, 110), (255, 165, 95))
STRANGE: Final[Colour] = (255, 48, 48)
_GROUND: Final[Colour] = (16, 18, 22)
_INK: Final[Colour] = (236, 238, 242)
_SOFT: Final[Colour] = (150, 158, 170)
_TAG_PX: Final = 10
_TAG_HIGH: Final = 11
_ROW_PX: Final = 13
_ROW_HIGH: Final = 17
_PAD: Final = 8
_WIDEST: Final = 440
_ON_ITEM: Final = 8.0
_ON_ITSELF: Final = 5.0
_ON_DRAWING: Final = 2.0
_FURTHER: Final = 2.0
_BESIDE_ANOTHER: Final = 2.5
_NEAR_PX: Final = 4
_APART: Final = 2
"""Pixels between two numbers: without any, 10 and 11 are read as 1011."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An item on the picture, and what is said of it.

    Attributes:
        item: the item.
        says: what it shows, for people.
        strange: nothing sensible was read.
        there: its view is shown.
    """

    item: Item
    says: str
    strange: bool = False
    there: bool = True


def draw(pixels: Pixels, seen: Sequence[Seen]) -> Image.Image:
    """The screen with a numbered frame round each item, and the table below."""
    screen = Image.fromarray(pixels)
    colours = [STRANGE if one.strange else COLOURS[number % len(COLOURS)] for number, one in enumerate(seen)]
    pen = ImageDraw.Draw(screen)
    for one, colour in zip(seen, colours, strict=True):
        _outline(pen, one, colour)
    for number, (place, colour) in enumerate(zip(places(pixels, [one.item for one in seen]), colours, strict=True), 1):
        _tag(pen, place, str(number), colour)
    return _with_table(screen, seen, colours) if seen else screen


def _outline(pen: ImageDraw.ImageDraw, seen: Seen, colour: Colour) -> None:
    """One pixel outside of what the reader looks at, so that this stays to be seen."""
    item, shade = seen.item, colour if seen.there else _dimmed(colour)
    if isinstance(item, Needle):
        for radius in (item.inner, item.outer):
            pen.circle(item.pivot, radius, outline=shade)
        return
    left, top, width, height = item.bounds
    pen.rectangle((left - 1, top - 1, left + width, top + height), outline=shade)


def _dimmed(colour: Colour) -> Colour:
    red, green, blue = (level // 2 for level in colour)
    return red, green, blue


def _tag(pen: ImageDraw.ImageDraw, place: Region, text: str, colour: Colour) -> None:
    left, top, width, height = place
    pen.rectangle((left, top, left + width - 1, top + height - 1), fill=colour)
    middle = left + width / 2, top + height / 2
    pen.text(middle, text, fill=(0, 0, 0), font=ImageFont.load_default(_TAG_PX), anchor="mm")


# ---- where the numbers go


def places(pixels: Pixels, items: Sequence[Item]) -> list[Region]:
    """Where the number of each item goes. Small items choose first: they have the least room."""
    bounds = [item.bounds for item in items]
    finder = _Finder(pixels, [region for region, item in zip(bounds, items, strict=True) if _hides(item)])
    order = sorted(range(len(items)), key=lambda n: _area(bounds[n]))
    found = {n: finder.take(items[n], tag_width(n + 1)) for n in order}
    return [found[n] for n in range(len(items))]


def tag_width(number: int) -> int:
    """How wide the tag of a number is, px."""
    return 6 * len(str(number)) + 4


def _hides(item: Item) -> bool:
    """Whether a number must keep off all of its region: of a needle's there is too much."""
    return not isinstance(item, Needle)


Boxes = NDArray[np.int64]
"""Regions, one a row."""
Costs = NDArray[np.float64]


class _Finder:
    """Finds the best free place beside an item."""

    def __init__(self, pixels: Pixels, regions: Sequence[Region]) -> None:
        grey = np.asarray(pixels, np.float64).mean(axis=2)
        self._size = grey.shape[1], grey.shape[0]
        self._sums, self._squares = _summed(grey), _summed(grey**2)
        self._items = np.array(regions, np.int64).reshape(-1, 4)
        self._taken: list[Region] = []

    def take(self, item: Item, width: int) -> Region:
        """The place for a tag of this width; it is taken then."""
        wanted = list(_candidates(item, width))
        boxes = np.array([place for place, _ in wanted], np.int64)
        costs = self._costs(boxes, item) + np.array([_FURTHER * step for _, step in wanted])
        free = self._free(boxes, _APART)
        free = free if free.any() else self._free(boxes, 0)
        best = int(np.where(free, costs, np.inf).argmin())
        self._taken.append(wanted[best][0])
        return wanted[best][0]

    def _free(self, boxes: Boxes, apart: int) -> NDArray[np.bool_]:
        """Which places are on the screen, and so far from every number that has its place."""
        ends, low = boxes[:, :2] + boxes[:, 2:], boxes[:, :2]
        inside = (low >= 0).all(axis=1) & (ends <= self._size).all(axis=1)
        taken = _grown(np.array(self._taken, np.int64).reshape(-1, 4), apart)
        return np.asarray(inside & ~(_shared(boxes, taken) > 0).any(axis=1))

    def _costs(self, boxes: Boxes, item: Item) -> Costs:
        """On other items, on itself, on what is drawn there."""
        mine = np.array([item.bounds], np.int64)
        area = boxes[:, 2] * boxes[:, 3]
        holding = _shared(self._items, mine)[:, 0] == mine[0, 2] * mine[0, 3]
        most = _shared(boxes, self._items[~holding]).max(axis=1, initial=0)
        share = 0.5 * (most > 0) + most / area
        near = (_shared(_grown(boxes, _NEAR_PX), self._items[~holding]) > 0).any(axis=1)
        itself = _shared(boxes, mine)[:, 0] / area if _hides(item) else np.zeros(len(boxes))
        large = min(1.0, 20 * float(area[0]) / float(mine[0, 2] * mine[0, 3]))
        doubtful = _BESIDE_ANOTHER * near  # whose number it is
        return np.asarray(_ON_ITEM * share + _ON_ITSELF * large * itself + _ON_DRAWING * self._drawn(boxes) + doubtful)

    def _drawn(self, boxes: Boxes) -> Costs:
        """How much is drawn there, 0..1: by the spread of the brightness."""
        left, top = (np.clip(boxes[:, n], 0, self._size[n] - 1) for n in (0, 1))
        right, bottom = (np.clip(boxes[:, n] + boxes[:, n + 2], 1, self._size[n]) for n in (0, 1))
        count = np.maximum((right - left) * (bottom - top), 1)
        mean, square = (
            (table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]) / count
            for table in (self._sums, self._squares)
        )
        return np.asarray(np.minimum(np.sqrt(np.maximum(square - mean**2, 0)) / 32, 1.0))


def _summed(values: Costs) -> Costs:
    """The sum of all above and left of each place, so that the sum of any region is four look-ups."""
    table = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    table[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
    return table


def _grown(boxes: Boxes, by: int) -> Boxes:
    return np.asarray(boxes + np.array([-by, -by, 2 * by, 2 * by]))


def _shared(some: Boxes, others: Boxes) -> Boxes:
    """How many pixels each of some regions shares with each of others."""
    low = np.maximum(some[:, None, :2], others[None, :, :2])
    high = np.minimum((some[:, :2] + some[:, 2:])[:, None], (others[:, :2] + others[:, 2:])[None])
    sides = np.maximum(high - low, 0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def _candidates(item: Item, width: int) -> Iterator[tuple[Region, float]]:
    """Places for a tag, and how far away each is: outside at the corners and edges, inside, a step further."""
    if isinstance(item, Needle):
        yield from ((place, 0.0) for place in _round(item, width))
        return
    for step in range(4):
        around = _beside(item.bounds, width, step * (_TAG_HIGH + 1))
        yield from ((place, step + 0.04 * rank) for rank, place in enumerate(around))
    left, top, wide, high = item.bounds
    inside = ((x, y) for y in (top, top + high - _TAG_HIGH) for x in (left, left + wide - width))
    yield from (((x, y, width, _TAG_HIGH), 0.1) for x, y in inside)


def _beside(bounds: Region, width: int, away: int) -> Iterator[Region]:
    """All round a region, so far from it; the corners above and below first."""
    left, top, wide, high = bounds
    for x in (left - 1, left + (wide - width) // 2, left + wide + 1 - width, left + 3 - width, left + wide - 3):
        for y in (top - 1 - _TAG_HIGH - away, top + high + 1 + away):
            yield x, y, width, _TAG_HIGH
    for y in (top, top + (high - _TAG_HIGH) // 2, top + high - _TAG_HIGH):
        for x in (left - 1 - width - away, left + wide + 1 + away):
            yield x, y, width, _TAG_HIGH


def _round(item: Needle, width: int) -> Iterator[Region]:
    """Along the ring in which the needle is looked for."""
    for radius in (item.outer, item.inner):
        for degrees in range(0, 360, 15):
            x = item.pivot[0] + radius * math.sin(math.radians(degrees))
            y = item.pivot[1] - radius * math.cos(math.radians(degrees))
            yield round(x - width / 2), round(y - _TAG_HIGH / 2), width, _TAG_HIGH


def _area(region: Region) -> int:
    return region[2] * region[3]


# ---- the table


def _with_table(screen: Image.Image, seen: Sequence[Seen], colours: Sequence[Colour]) -> Image.Image:
    font = ImageFont.load_default(_ROW_PX)
    rows = [_words(one) for one in seen]
    lead = tag_width(len(seen)) + _PAD
    widest = min(max(font.getlength(" ".join(row)) for row in rows), _WIDEST)
    columns = max(1, int(screen.width // (widest + lead + 2 * _PAD)))
    lines = -(-len(seen) // columns)
    whole = Image.new("RGB", (screen.width, screen.height + lines * _ROW_HIGH + 2 * _PAD), _GROUND)
    whole.paste(screen)
    pen, wide = ImageDraw.Draw(whole), screen.width // columns
    for number, (row, colour) in enumerate(zip(rows, colours, strict=True)):
        x, y = _PAD + number // lines * wide, screen.height + _PAD + number % lines * _ROW_HIGH
        _tag(pen, (x, y + 2, tag_width(number + 1), _TAG_HIGH), str(number + 1), colour)
        _row(pen, (x + lead, y, wide - lead - 2 * _PAD), row, seen[number], font)
    return whole


def _words(seen: Seen) -> tuple[str, str, str]:
    return seen.item.kind, seen.item.name, seen.says


def _row(
    pen: ImageDraw.ImageDraw,
    room: tuple[int, int, int],
    row: tuple[str, str, str],
    seen: Seen,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Kind, name and what it shows, cut to the room that there is."""
    x, y, wide = room
    inks = _SOFT, _INK if seen.there else _SOFT, STRANGE if seen.strange else COLOURS[3] if seen.there else _SOFT
    left = float(x)
    for text, ink in zip(row, inks, strict=True):
        shown = _cut(text, x + wide - left, font)
        pen.text((left, y), shown, fill=ink, font=font)
        left += font.getlength(f"{shown} ")


def _cut(text: str, room: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(f"{text}…") > room:
        text = text[:-1]
    return f"{text}…" if text else ""
