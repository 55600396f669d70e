"""How durations are spread: quantiles against the sorted list, whatever their size."""

import math
import random

import pytest

from hil.spread import Spread


@pytest.mark.parametrize("top", [1, 2, 31, 32, 33, 63, 64, 65, 1000, 10**6, 10**12])
@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.99, 1.0])
def test_a_quantile_is_never_too_small_and_hardly_too_large(top, part):
    rng = random.Random(top)
    spread, durations = Spread(), sorted(rng.randrange(top) for _ in range(997))
    for duration in rng.sample(durations, len(durations)):
        spread.add(duration)
    exact = durations[max(math.ceil(part * len(durations)), 1) - 1]
    assert exact <= spread.quantile_ns(part) <= exact * (1 + 1 / 32)


def test_count_and_maximum_are_exact_and_the_maximum_has_its_time():
    spread = Spread()
    for t_ns, duration in enumerate([5, 123_456_789, 7, 123_456_789]):
        spread.add(duration, t_ns)
    assert (spread.count, spread.most_ns, spread.most_at_ns) == (4, 123_456_789, 1)
    assert spread.quantile_ns(1.0) == 123_456_789


def test_a_duration_before_nothing_is_none():
    spread = Spread()
    assert spread.fields() == {"count": 0, "p50_ns": 0, "p99_ns": 0, "max_ns": 0, "max_at_ns": 0}
    spread.add(-5, 9)
    assert spread.fields() == {"count": 1, "p50_ns": 0, "p99_ns": 0, "max_ns": 0, "max_at_ns": 9}
    spread.clear()
    assert spread.count == 0


def test_its_memory_is_bounded():
    rng, spread = random.Random(1), Spread()
    for _ in range(20_000):
        spread.add(int(2 ** rng.uniform(0, 40)))
    assert len(spread._classes) <= 41 * 32
