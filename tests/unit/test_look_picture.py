"""The picture of `hil look`: numbers that hide nothing, and a table that says what they are."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from hil.cli.look_picture import STRANGE, Seen, draw, places
from hil.hmi.layout import Needle, parse
from hil.hmi.layout_file import load

LAYOUTS = Path(__file__).parents[2] / "fixtures/layouts"
ONE = "[screen]\nsize = [200, 100]\n[picture.p]\nregion = [80, 40, 40, 20]\n"


def common(one, other):
    """How many pixels two regions share."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(wide, 0) * max(high, 0)


def grown(region, px):
    left, top, width, height = region
    return left - px, top - px, width + 2 * px, height + 2 * px


def on_home(brand, screen):
    """The items that are on the screen when a test begins."""
    layout = load(LAYOUTS / brand / f"{screen}.toml")
    items = [item for item in layout if not item.views or "home" in item.views]
    return layout.size, [item for item in items if item.kind not in ("view", "popup")]


@pytest.mark.parametrize("screen", ["cluster", "centre"])
@pytest.mark.parametrize("brand", ["alta", "brio"])
def test_no_number_lies_on_another_or_on_an_item(brand, screen):
    (wide, high), items = on_home(brand, screen)
    found = places(np.zeros((high, wide, 3), np.uint8), items)
    assert len(found) == len(items) > 30
    assert not [pair for pair in combinations(found, 2) if common(grown(pair[0], 2), pair[1])]
    for place, mine in zip(found, items, strict=True):
        left, top, width, height = place
        assert left >= 0
        assert top >= 0
        assert left + width <= wide
        assert top + height <= high
        hidden = [item.name for item in items if common(place, item.bounds) and not isinstance(item, Needle)
                  and common(item.bounds, mine.bounds) < mine.bounds[2] * mine.bounds[3]]  # fmt: skip
        assert hidden == [], f"the number of {mine.name}"


@pytest.mark.parametrize("brand", ["alta", "brio"])
def test_no_number_of_a_lamp_stands_between_two_lamps(brand):
    (wide, high), items = on_home(brand, "cluster")
    found = places(np.zeros((high, wide, 3), np.uint8), items)
    doubtful = [(mine.name, other.name) for place, mine in zip(found, items, strict=True) if mine.kind == "telltale"
                for other in items if other.kind == "telltale" and other is not mine
                and common(grown(place, 4), other.bounds)]  # fmt: skip
    assert doubtful == []


def test_items_in_one_place_have_numbers_of_their_own():
    same = "".join(f"[picture.p{n}]\nregion = [80, 40, 40, 20]\n" for n in range(6))
    found = places(np.zeros((100, 200, 3), np.uint8), list(parse(f"[screen]\nsize = [200, 100]\n{same}")))
    assert not [pair for pair in combinations(found, 2) if common(*pair)]


def test_a_number_keeps_off_what_is_drawn_if_there_is_plain_ground():
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[:40, ::3] = 255
    ((_, top, _, _),) = places(pixels, list(parse(ONE)))
    assert top >= 60


def test_the_screen_keeps_its_place_and_the_table_stands_below():
    pixels = np.full((100, 200, 3), 90, np.uint8)
    (item,) = parse(ONE)
    drawn = np.asarray(draw(pixels, [Seen(item, "a picture")]))
    assert drawn.shape[1] == 200
    assert drawn.shape[0] > 115
    assert (drawn[40:60, 80:120] == 90).all(), "what the reader looks at stays to be seen"
    assert (drawn[39, 79:121] != 90).any(axis=1).all(), "the frame is round it"
    assert (drawn[100:] > 150).any()


def test_what_nothing_sensible_is_read_of_is_red():
    drawn = np.asarray(draw(np.zeros((100, 200, 3), np.uint8), [Seen(*parse(ONE), "nothing readable", strange=True)]))
    assert tuple(drawn[39, 100]) == STRANGE


def test_a_screen_without_items_is_as_it_is():
    pixels = np.full((10, 20, 3), 7, np.uint8)
    assert (np.asarray(draw(pixels, [])) == pixels).all()
