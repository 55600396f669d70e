"""Values that no check can mean: a tolerance below nothing, a value beyond the scale, a span of no length.

A check that takes them passes for every ECU, or fails for every one; each is a usage error, and none passes here.
"""

import math

import pytest
from cockpit_lab import CockpitLab

from hil.errors import EcuError, UsageError
from hil.hmi.motion import Rhythm
from hil.robot.hmi_keywords import HmiKeywords
from hil.robot.types import Duration

NOT_ONE = ["-10", -10, math.nan, math.inf, "1e999"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A cluster that shows 50 km/h and half a tank."""
    made = CockpitLab(tmp_path_factory.mktemp("lab"))
    made.set(VehicleSpeed="50 km/h", FuelLevel="50 %", then=3)
    yield made
    made.close()


def _refused(call, *words):
    with pytest.raises(UsageError) as caught:
        call()
    assert caught.value.remedy
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("tolerance", NOT_ONE)
@pytest.mark.parametrize(
    ("kind", "item", "value"), [("needle", "speed_needle", 55), ("bar", "fuel", 0.5), ("text", "speed", 55)]
)
def test_a_tolerance_has_no_sign_and_an_end(lab, kind, item, value, tolerance):
    _refused(lambda: getattr(lab.bench.screen(), kind)(item).should_show(value, tolerance=tolerance), "tolerance", item)


def test_a_tolerance_in_a_unit_has_no_sign_either(lab):
    needle = lab.bench.screen().needle("speed_needle")
    _refused(lambda: needle.should_show("55 km/h", tolerance="-10 km/h"), "'-10 km/h' is no tolerance")
    needle.should_show("55 km/h", tolerance="10 km/h")


@pytest.mark.parametrize("tolerance", [-1.0, math.nan, math.inf])
def test_a_signal_has_no_such_tolerance(lab, tolerance):
    signal = "SetTemperatureLeftRequest"
    _refused(lambda: lab.bench.signal_should_be(signal, 22, tolerance=tolerance), "is no tolerance", signal)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_is_a_number(lab, value):
    screen = lab.bench.screen()
    _refused(lambda: screen.text("speed").should_show(value), "can't be shown")
    _refused(lambda: screen.needle("speed_needle").should_show(value, tolerance=2), "can't be shown")


@pytest.mark.parametrize("bounds", [{"above": 2, "below": 1}, {"above": -1}, {"above": math.nan}, {"below": "-1 A"}])
def test_a_current_lies_between_two(lab, bounds):
    _refused(lambda: lab.bench.supply().current_should_be(**bounds), "nothing draws between")


@pytest.mark.parametrize("duty", [(0.6, 0.4), (-0.1, 0.5), (0.4, 60), (math.nan, 0.6), (0.4, math.nan)])
def test_a_duty_is_a_part(duty):
    _refused(lambda: Rhythm(1.5, 0.5, duty), "of a cycle")


@pytest.mark.parametrize(("rate", "tolerance"), [(1.5, -0.5), (1.5, math.nan), (math.inf, 1), (math.nan, 1)])
def test_a_rhythm_has_a_tolerance(lab, rate, tolerance):
    _refused(lambda: Rhythm(rate, tolerance), "no rhythm")
    _refused(lambda: lab.bench.ear().should_repeat("gong", rate, tolerance=tolerance), "nothing can meet")


@pytest.mark.parametrize("than", [-1.0, 101.0, math.nan])
def test_a_brightness_is_a_part_of_white(lab, than):
    _refused(lambda: lab.bench.screen().should_be_brighter(than), "% of white")
    _refused(lambda: lab.bench.screen().should_be_darker(than), "% of white")


def test_a_chime_is_heard_for_a_span(lab):
    ear = lab.bench.ear()
    _refused(lambda: ear.should_hear_for("gong", "3 s", "2 s"), "3 s to 2 s")
    group = HmiKeywords(lambda: lab.bench)
    _refused(lambda: group.chime_should_be_heard("gong", at_most=Duration(0)), "0 s to 0 s")


def test_a_measurement_has_samples(lab):
    lamp = lab.bench.screen().telltale("high_beam")
    _refused(lambda: lamp.reaction("HighBeam", 1, rest=0, samples=0), "0 samples")


@pytest.mark.parametrize(
    ("kind", "item", "value", "tolerance", "meets"),
    [
        ("needle", "speed_needle", 400, 10, 265),
        ("needle", "speed_needle", -20, 10, -5),
        ("bar", "fuel", 1.5, 0.1, 1.05),
    ],
)
def test_nothing_lies_beyond_the_scale(lab, kind, item, value, tolerance, meets):
    asked = getattr(lab.bench.screen(), kind)(item)
    _refused(lambda: asked.should_show(value, tolerance=tolerance), f"a {kind} can't show", "its scale goes from")
    _refused(lambda: asked.should_stay_at(value, tolerance=tolerance, during=1), f"a {kind} can't show")
    with pytest.raises(EcuError):
        asked.should_show(meets, tolerance=tolerance, within=0)


WATCHED = {
    "telltale stays": lambda bench: bench.screen().telltale("oil").should_stay("off", during=0),
    "telltale never": lambda bench: bench.screen().telltale("oil").should_never_be("on", during="0 s"),
    "telltale blinks": lambda bench: bench.screen().telltale("turn_left").should_blink(1.5, during=0),
    "telltales in step": lambda bench: bench.screen().telltales_should_stay_in_step("oil", "turn_left", during=0),
    "text": lambda bench: bench.screen().text("speed").should_stay("50", during=0),
    "needle": lambda bench: bench.screen().needle("speed_needle").should_stay_at(50, tolerance=2, during=0),
    "bar": lambda bench: bench.screen().bar("fuel").should_stay_at(0.5, tolerance=0.1, during=0),
    "icon": lambda bench: bench.screen().icon("guidance").should_stay("none", during=0),
    "popup stays": lambda bench: bench.screen().popup("warning").should_stay(during=0),
    "popup never": lambda bench: bench.screen().popup("warning").should_never_show(during=0),
    "view stays": lambda bench: bench.screen().view("home").should_stay(during=0),
    "view never": lambda bench: bench.screen().view("media").should_never_be_shown(during=0),
    "stable": lambda bench: bench.screen().should_be_stable("0 s"),
    "ear": lambda bench: bench.ear().should_be_silent(during=0),
    "console": lambda bench: bench.console().should_not_show("panic", during=0),
    "cloud": lambda bench: bench.mqtt().should_not_receive("vehicle/#", during=0),
}


@pytest.mark.parametrize("watch", WATCHED.values(), ids=WATCHED)
def test_a_span_of_no_length_shows_nothing(lab, watch):
    _refused(lambda: watch(lab.bench), "a span of no length shows nothing")


@pytest.mark.parametrize(("every", "during"), [("1 s", "1 s"), ("2 s", "1 s"), (0, "1 s"), ("1 s", 0)])
def test_a_picture_that_may_stand_still_all_the_time_says_nothing(lab, every, during):
    cover = lab.bench.screen().picture("rear_camera")
    _refused(lambda: cover.should_not_be_frozen(every, during=during), "can't be missed")


@pytest.mark.parametrize("tolerance", [-1, math.nan, math.inf])
def test_a_still_picture_has_a_tolerance(lab, tolerance):
    cover = lab.bench.screen().picture("rear_camera")
    _refused(lambda: cover.should_not_be_frozen("500 ms", during=2, tolerance=tolerance), "is no tolerance")


def test_a_picture_may_be_asked_for_now(lab):
    with pytest.raises(EcuError, match="not black during 0 s"):  # judged, on another view
        lab.bench.screen().picture("map").should_not_be_black(during=0)
