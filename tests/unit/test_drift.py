"""Shifts between samples: against the exact distribution of U, and what must not be claimed."""

import itertools
import random
from statistics import NormalDist

import pytest

from hil.latency.drift import holm, shift


def exact_p(x, y):
    """Two-sided probability by all ways to deal the ranks; the textbook definition, for small sets without ties."""

    def u(after, before):
        return sum(a > b for a in after for b in before)

    values, middle = [*x, *y], len(x) * len(y) / 2
    seen = abs(u(y, x) - middle)
    hits = total = 0
    for chosen in itertools.combinations(range(len(values)), len(x)):
        before = [values[index] for index in chosen]
        after = [values[index] for index in range(len(values)) if index not in chosen]
        total += 1
        hits += abs(u(after, before) - middle) >= seen
    return hits / total


@pytest.mark.parametrize("by", [0.0, 0.8, 1.6])
def test_the_probability_is_near_the_exact_one(by):
    rng = random.Random(3)
    x, y = [rng.gauss(0, 1) for _ in range(8)], [rng.gauss(by, 1) for _ in range(8)]
    assert shift(x, y).p == pytest.approx(exact_p(x, y), abs=0.02)


def test_the_shift_is_found_with_its_interval():
    before = [NormalDist(80, 6).inv_cdf((n + 0.5) / 300) for n in range(300)]
    found = shift(before, [sample + 6 for sample in before])
    assert found.by == pytest.approx(6, abs=0.05)
    assert found.low < 6 < found.high
    assert found.high - found.low < 3
    assert found.p < 1e-12


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = random.Random(2)
    hits = 0
    for _ in range(400):
        found = shift([rng.expovariate(1) for _ in range(20)], [rng.expovariate(1) + 0.5 for _ in range(20)])
        hits += found.low <= 0.5 <= found.high
    assert 0.92 <= hits / 400 <= 0.985


def test_equal_samples_are_no_shift():
    found = shift([16.7] * 20, [16.7] * 20)
    assert (found.by, found.p) == (0.0, 1.0)


def test_few_samples_say_nothing():
    assert shift([1.0] * 7, [9.0] * 100) is None


def test_chance_gives_no_alarm_however_many_are_compared():
    rng = random.Random(5)
    alarms = 0
    for _ in range(40):
        pairs = [shift([rng.random() for _ in range(30)], [rng.random() for _ in range(30)]).p for _ in range(50)]
        alarms += any(holm(pairs, 0.01))
    assert alarms <= 2


def test_holm_stops_at_the_first_that_is_not_significant():
    assert holm([0.003, 0.5, 0.001, 0.0041], 0.01) == [True, False, True, True]
    assert holm([0.004, 0.5, 0.006, 0.009], 0.01) == [False, False, False, False]
