"""Several telltales in one picture, and how bright the glass is."""

import numpy as np
import pytest

from hil.hmi import expect_lamps, glass
from hil.hmi.layout import Telltale

WHERE = {"abs": (0, 0), "brake": (40, 0), "oil": (80, 0)}
AMBER, RED = (255, 176, 0), (255, 30, 30)


def lamp(name, colour):
    x, y = WHERE[name]
    return Telltale.model_validate({"[name]": name, "brightness": 1.0, "region": (x, y, 30, 30), "colour": colour})


LAMPS = [lamp("abs", "amber"), lamp("brake", "red"), lamp("oil", "red")]


def picture(**lit):
    pixels = np.zeros((30, 120, 3), np.uint8)
    for name, colour in lit.items():
        x, _ = WHERE[name]
        pixels[5:25, x + 5 : x + 25] = colour
    return pixels


@pytest.mark.parametrize(
    ("wanted", "shown", "ok", "seen"),
    [
        ([], {}, True, "lit: none"),
        (["abs"], {"abs": AMBER}, True, "lit: abs"),
        (["abs"], {}, False, "lit: none"),
        (["abs"], {"abs": AMBER, "oil": RED}, False, "lit: abs, oil"),
        (["abs"], {"abs": RED}, False, "lit: abs (wrong colour)"),
        ([], {"brake": (90, 10, 10)}, False, "lit: brake (dim)"),
    ],
)
def test_exactly_these_are_lit(wanted, shown, ok, seen):
    judgement = expect_lamps.LitTelltales(LAMPS, wanted).judge(picture(**shown))
    assert (judgement.ok, judgement.seen) == (ok, seen)
    assert (judgement.margin > 0) is ok


def test_who_is_wrong_is_named():
    judgement = expect_lamps.LitTelltales(LAMPS, ["abs"]).judge(picture(brake=RED))
    assert judgement.detail == "abs: dark; brake: lit red"
    assert judgement.crop.shape == (10, 37, 3)


@pytest.mark.parametrize(
    ("shown", "ok"),
    [
        ({}, True),
        ({"brake": RED, "oil": RED}, True),
        ({"brake": RED}, False),
        ({"brake": (90, 10, 10), "oil": (90, 10, 10)}, False),
    ],
)
def test_in_step(shown, ok):
    assert expect_lamps.InStep(LAMPS[1:]).judge(picture(**shown)).ok is ok


def test_a_lamp_in_another_colour_than_the_layout_says():
    assert expect_lamps.LitTelltales([LAMPS[0].in_colour("red")], ["abs"]).judge(picture(abs=RED)).ok
    assert LAMPS[0].colour == "amber"


@pytest.mark.parametrize(("level", "brighter", "darker"), [(20, False, True), (50, False, False), (80, True, False)])
def test_brighter_and_darker_by_a_tenth_at_least(level, brighter, darker):
    whole = glass.whole_screen((40, 20))
    pixels = np.full((20, 40, 3), level, np.uint8)
    assert glass.level_pct(pixels) == pytest.approx(level / 2.55)
    than = 52 / 2.55
    assert glass.brightness(whole, than, brighter=True).judge(pixels).ok is brighter
    assert glass.brightness(whole, than, brighter=False).judge(pixels).ok is darker
