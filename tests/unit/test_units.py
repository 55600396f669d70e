"""Quantities as engineers write them."""

import math
from datetime import timedelta

import pytest

from hil import units
from hil.errors import UsageError
from hil.robot.types import Duration


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("87 km/h", 87.0, "km/h"),
        ("300ms", 300.0, "ms"),
        ("  -12.5 V ", -12.5, "V"),
        ("+3", 3.0, ""),
        ("1.5e-3 s", 0.0015, "s"),
        ("90 °C", 90.0, "degC"),
        ("45°", 45.0, "deg"),
        ("800 1/min", 800.0, "rpm"),
        ("250 µs", 250.0, "us"),
        ("50 kph", 50.0, "km/h"),
        ("100 %", 100.0, "%"),
    ],
)
def test_a_quantity_is_a_number_and_a_unit(text, number, unit):
    assert units.parse(text) == (number, unit)


@pytest.mark.parametrize("text", ["", "km/h", "fast", "1,5 V", "5 km / h", "- 3 V", "0 s or so", "1.2.3 V"])
def test_what_is_no_quantity_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match=r"is no number with a unit\. Remedy: write it like"):
        units.parse(text)


@pytest.mark.parametrize(
    ("value", "unit", "to", "result"),
    [
        (100.0, "km/h", "m/s", 27.7777777778),
        (60.0, "mph", "km/h", 96.56064),
        (1.0, "mi", "m", 1609.344),
        (1.5, "min", "s", 90.0),
        (2.0, "h", "min", 120.0),
        (13.5, "V", "mV", 13500.0),
        (250.0, "mA", "A", 0.25),
        (1.5, "kHz", "Hz", 1500.0),
        (7.0, "°C", "degC", 7.0),
        (3.0, "furlong", "furlong", 3.0),
    ],
)
def test_values_convert_within_a_dimension(value, unit, to, result):
    assert units.convert(value, unit, to) == pytest.approx(result, rel=1e-12)


@pytest.mark.parametrize(
    ("unit", "to"), [("km/h", "V"), ("s", "Hz"), ("furlong", "m"), ("m", "furlong"), ("K", "degC")]
)
def test_across_dimensions_nothing_converts(unit, to):
    with pytest.raises(UsageError, match=f"'{unit}' can't be converted to '{to}'. Remedy: give the value in {to}."):
        units.convert(1.0, unit, to)


@pytest.mark.parametrize(
    ("unit", "to", "meant"), [("msec", "s", "ms"), ("km/hr", "km/h", "km/h"), ("sek", "ms", "s"), ("percnt", "%", "%")]
)
def test_an_unknown_unit_gets_the_nearest_of_its_dimension(unit, to, meant):
    with pytest.raises(UsageError, match=f"'{unit}' can't be converted to '{to}'. Remedy: did you mean '{meant}'?"):
        units.convert(1.0, unit, to)


def test_a_unit_where_none_belongs_is_refused_as_such():
    with pytest.raises(UsageError, match="'V' was given, but the value has no unit"):
        units.convert(1.0, "V", "")


@pytest.mark.parametrize(
    ("duration", "expected_s"),
    [("300 ms", 0.3), ("2", 2.0), (1.5, 1.5), (0, 0.0), ("0 s", 0.0), ("2 min", 120.0), (timedelta(seconds=2.5), 2.5)],
)
def test_a_duration_is_seconds_unless_it_says_otherwise(duration, expected_s):
    assert units.seconds(duration) == pytest.approx(expected_s)
    assert units.nanoseconds(duration) == round(expected_s * 1e9)


@pytest.mark.parametrize("duration", ["-1 s", -0.001, timedelta(seconds=-1)])
def test_a_negative_duration_is_refused(duration):
    with pytest.raises(UsageError, match="a duration can't be negative"):
        units.seconds(duration)


@pytest.mark.parametrize("duration", [math.inf, math.nan, "1e999 s"])
def test_a_duration_ends(duration):
    with pytest.raises(UsageError, match="is no duration"):
        units.nanoseconds(duration)


def test_a_duration_in_another_dimension_is_refused():
    with pytest.raises(UsageError, match="'V' can't be converted to 's'"):
        units.seconds("3 V")


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [(0, "0 us"), (850_000, "850 us"), (12_345_678, "12.3 ms"), (4_200_000_000, "4.20 s"), (61_000_000_000, "61.00 s")],
)
def test_durations_are_shown_with_three_digits(duration_ns, text):
    assert units.show_duration(duration_ns) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [("0.7000000000000001 s", "700 ms"), ("2 s", "2 s"), ("1.5 s", "1.5 s"), ("0.08 s", "80 ms"),
     ("16.7 ms", "16.7 ms"), ("250 us", "250 us"), ("90 s", "90 s"),
     ("1 h", "3600 s"), ("0 s", "0 s"), ("0.3 s", "300 ms")],
)  # fmt: skip
def test_a_duration_that_was_asked_for_is_written_as_a_person_does(text, written):
    assert units.write_duration(units.nanoseconds(text)) == written


def test_a_bench_time_is_shown_in_seconds():
    assert units.show_time(12_345_600_000) == "12.346 s"


def test_a_keywords_duration_is_written_as_a_person_does():
    assert [str(Duration(0.7000000000000001)), f"{Duration.convert('2 s')}"] == ["700 ms", "2 s"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2 seconds", 2),
        ("1 second", 1),
        ("1 minute", 60),
        ("3 minutes", 180),
        ("20 milliseconds", 0.02),
        ("1 hour", 3600),
    ],
)
def test_units_of_time_may_be_written_out(text, seconds):
    assert units.seconds(text) == pytest.approx(seconds)
