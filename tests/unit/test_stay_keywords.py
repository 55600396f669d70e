"""Keywords that watch a screen for a while, on the virtual ECU: each passes, and fails where all is otherwise."""

import pytest
from cockpit_lab import CockpitLab

from hil.errors import EcuError
from hil.robot.hmi_keywords import HmiKeywords
from hil.robot.screen_keywords import ScreenKeywords
from hil.robot.types import Duration, Lamp, Quantity

FOR = {"during": Duration(0.5)}


@pytest.fixture(scope="module")
def keyword(tmp_path_factory):
    """Call a keyword of a cluster that shows 50 km/h, half a tank and no guidance, beside the centre's home."""
    lab = CockpitLab(tmp_path_factory.mktemp("lab"))
    lab.set(VehicleSpeed="50 km/h", FuelLevel="50 %", then=3)
    groups = [group(lambda: lab.bench) for group in (ScreenKeywords, HmiKeywords)]
    yield lambda name, *args, **named: next(getattr(g, name) for g in groups if hasattr(g, name))(*args, **named)
    lab.close()


@pytest.mark.parametrize(
    ("name", "item", "right", "wrong"),
    [
        ("telltale_should_never_be", "oil", [Lamp.on], [Lamp.off]),
        ("needle_should_stay_at", "speed_needle", ["50 km/h", "2 km/h"], ["60 km/h", "2 km/h"]),
        ("bar_should_stay_at", "fuel", ["0.5", "0.05"], ["0.9", "0.05"]),
        ("icon_should_stay", "guidance", ["none"], ["Left"]),
    ],
)
def test_an_item_is_watched_for_a_while(keyword, name, item, right, wrong):
    given = lambda words: [Quantity(word) if name.endswith("_at") else word for word in words]  # noqa: E731
    keyword(name, item, *given(right), **FOR)
    with pytest.raises(EcuError, match=item):
        keyword(name, item, *given(wrong), **FOR)


def test_a_view_is_watched_for_a_while(keyword):
    keyword("screen_should_stay", "home", **FOR, screen="centre")
    keyword("screen_should_never_show", "media", **FOR, screen="centre")
    with pytest.raises(EcuError, match="media"):
        keyword("screen_should_stay", "media", **FOR, screen="centre")
    with pytest.raises(EcuError, match="home"):
        keyword("screen_should_never_show", "home", **FOR, screen="centre")


def test_all_of_a_text_is_matched(keyword):
    keyword("text_should_match", "speed", "[45][0-9]", screen="cluster")
    with pytest.raises(EcuError, match="speed"):
        keyword("text_should_match", "speed", "[0-9]", within=Duration(0.2), screen="cluster")
