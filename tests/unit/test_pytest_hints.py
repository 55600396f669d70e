"""A misspelt name in a pytest case is a usage error with the nearest name that there is."""

import math
import re

import pytest

from hil.bench.facade import Bench
from hil.bench.screen_items import TelltaleFacade
from hil.errors import UsageError
from hil.pytest_hints import hint
from hil.pytest_plugin import _blame


@pytest.fixture
def bench():
    return Bench.__new__(Bench)


def blamed(call):
    with pytest.raises(Exception) as raised:
        call()
    error = _blame(raised, "test_x.py:3")
    assert isinstance(error, UsageError)
    assert error.where == "test_x.py:3"
    return error


def test_a_method_that_there_is_not(bench):
    error = blamed(lambda: bench.set_signall("HighBeam", "On"))
    assert "the test raised AttributeError: 'Bench' object has no attribute 'set_signall'" in error.what
    assert error.remedy == "did you mean 'set_signal'?"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("tolerence", "did you mean 'tolerance'?"), ("xyz", "it takes name, value, within")],
)
def test_an_argument_that_there_is_not(bench, name, remedy):
    error = blamed(lambda: bench.signal_should_be("Speed", 0, **{name: 1}))
    assert error.remedy.startswith(remedy)


def test_an_argument_of_an_item():
    error = blamed(lambda: TelltaleFacade.should_be(None, "on", witin="1 s"))
    assert error.remedy == "did you mean 'within'?"


def test_a_variable_that_there_is_not():
    cluster = 1
    assert blamed(lambda: clustr + cluster).remedy == "did you mean 'cluster'?"  # noqa: F821
    assert blamed(lambda: Benhc).remedy == "did you mean 'Bench'?"  # noqa: F821
    assert blamed(lambda: flaot("1")).remedy == "did you mean 'float'?"  # noqa: F821


def test_a_fixture_that_there_is_not(request):
    error = blamed(lambda: request.getfixturevalue("tmp_pth"))
    assert error.what == "there is no fixture 'tmp_pth'"
    assert error.remedy == "did you mean 'tmp_path'?"


def test_an_error_from_within_says_where(bench):
    error = blamed(lambda: math.sqrt(-1))
    assert re.fullmatch(r"the test raised ValueError: math domain error \(in test_pytest_hints\.py:\d+\)", error.what)
    assert error.remedy == ""


def test_of_what_is_near_to_nothing_nothing_is_said(bench):
    private = AttributeError("x", name="init__", obj=bench)
    for error in (
        private,
        AttributeError("x"),
        AttributeError("x", name="zzz", obj=bench),
        TypeError("x"),
        NameError("x"),
    ):
        assert hint(error, None) == ""
