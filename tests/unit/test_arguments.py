"""A value of a wrong type is a mistake of the test, told in one line; what the bench breaks itself stays its fault."""

import json
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pytest
from cockpit_lab import CockpitLab

from hil.bench.arguments import fits, wrong_argument
from hil.errors import BenchError, UsageError
from hil.pytest_plugin import _blame

VALUE = "a text or a number or True or False"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A bench with the virtual ECU."""
    made = CockpitLab(tmp_path_factory.mktemp("lab"))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda bench: bench.set_signal("VehicleSpeed", None),
            f"set_signal: value=None is not {VALUE}",
        ),
        (
            lambda bench: bench.set_signals({"VehicleSpeed": None}),
            f"is not a mapping to {VALUE}",
        ),
        (lambda bench: bench.signal_should_be("Odometer", 1, tolerance="1"), "tolerance='1' is not a number"),
    ],
)
def test_a_wrong_type_within_a_call_is_a_mistake_of_the_test(lab, call, told):
    with pytest.raises(UsageError) as caught:
        call(lab.bench)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda bench: bench.screen().telltale("oil").should_be(True), "should_be: state=True is not a text"),
        (lambda bench: bench.sleep(None), "sleep: duration=None is not a text or a number or a timedelta"),
        (lambda bench: bench.screen().text("speed").should_match(50), "should_match: pattern=50 is not a text"),
        (lambda bench: None + 1, "the test raised TypeError"),
        (lambda bench: json.loads(None), "the test raised TypeError"),
    ],
)
def test_a_wrong_type_that_the_loop_never_saw_is_told_too(lab, call, told):
    with pytest.raises(Exception) as raised:
        call(lab.bench)
    error = _blame(raised, "test_x.py:3")
    assert isinstance(error, UsageError)
    assert error.what.startswith(told)


@pytest.mark.parametrize(
    ("value", "wanted", "does"),
    [
        (1, float, True),
        (np.float32(1), float, True),
        ("1", float, False),
        (True, str, False),
        (None, float | None, True),
        ({"a": 1}, Mapping[str, int], True),
        ({"a": "b"}, Mapping[str, int], False),
        ((1, 2), tuple[int, int], True),
        (3, Any, True),
        ("on", Literal["on", "off"], True),
    ],
)
def test_what_annotations_leave_open_fits(value, wanted, does):
    assert fits(value, wanted) is does


def test_no_frame_is_no_mistake():
    assert wrong_argument(None) == ""


def test_the_benchs_own_mistakes_stay_its_own(lab, monkeypatch):
    """The last one: after it the bench is broken."""
    monkeypatch.setattr(type(lab.bench), "_apply", lambda self, values: None + 1)
    with pytest.raises(BenchError, match="failed in itself: TypeError"):
        lab.bench.set_signal("VehicleSpeed", 50)
