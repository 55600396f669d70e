"""Latency: bounds that the number of samples can bear, uncertainty after the GUM, and the probe."""

import math
import random
from fractions import Fraction

import pytest

from hil.clock import VirtualClock
from hil.errors import UsageError, Verdict
from hil.latency.probe import Probe, Seen, measure
from hil.latency.statistics import CONFIDENCE, quantile_bound, summarise
from hil.latency.uncertainty import Component, compare, expanded

# Statistics -----------------------------------------------------------------------------------------------------------


def ranked(n):
    """Samples whose value is their rank, in no order."""
    samples = list(range(1, n + 1))
    random.Random(n).shuffle(samples)
    return samples


def exact_rank(n, quantile, confidence=Fraction(95, 100)):
    """The rank of the bound in exact fractions: the smallest k with P(B(n, q) < k) >= confidence."""
    below = Fraction(0)
    for k in range(1, n + 1):
        below += math.comb(n, k - 1) * quantile ** (k - 1) * (1 - quantile) ** (n - k + 1)
        if below >= confidence:
            return k
    return None


@pytest.mark.parametrize(("quantile", "enough"), [(0.95, 59), (0.99, 299), (0.999, 2995)])
def test_the_largest_of_so_many_bounds_the_quantile_and_of_one_less_does_not(quantile, enough):
    assert quantile_bound(ranked(enough), quantile) == enough
    assert quantile_bound(ranked(enough - 1), quantile) is None


@pytest.mark.parametrize("n", [1, 4, 5, 6, 10, 59, 60, 93, 94, 100, 299, 300, 473])
@pytest.mark.parametrize("quantile", [Fraction(1, 2), Fraction(95, 100), Fraction(99, 100)])
def test_the_rank_is_that_of_exact_fractions(n, quantile):
    assert quantile_bound(ranked(n), float(quantile)) == exact_rank(n, quantile)


@pytest.mark.parametrize("n", [1029, 1030, 1100, 3000, 10_000])
def test_thousands_of_samples_are_no_trouble(n):
    """The median's rank is near n / 2 + 1.645 sqrt(n) / 2, by the normal approximation."""
    assert quantile_bound(ranked(n), 0.5) == pytest.approx(n / 2 + 1.6449 * math.sqrt(n) / 2, abs=2)


@pytest.mark.parametrize(("n", "quantile"), [(20, 0.5), (59, 0.95), (100, 0.95), (299, 0.99)])
def test_the_bound_covers_a_skewed_distribution_in_95_of_100_runs(n, quantile):
    """Latencies: a floor, a long tail, and a mode of their own for those that missed a frame."""
    rng = random.Random(f"{n} {quantile}")

    def sample():
        return 20.0 + rng.expovariate(1 / 8.0) + (16.7 if rng.random() < 0.1 else 0.0)

    population = sorted(sample() for _ in range(400_000))
    true_value = population[math.ceil(quantile * len(population)) - 1]
    runs = 2000
    covered = sum(quantile_bound(rng.choices(population, k=n), quantile) >= true_value for _ in range(runs))
    three_sigma = 3 * math.sqrt(CONFIDENCE * (1 - CONFIDENCE) / runs)
    assert covered / runs >= CONFIDENCE - three_sigma


def test_the_bound_is_not_needlessly_wide():
    """One rank less would not reach the confidence."""
    for n in (59, 100, 200, 1000):
        rank = quantile_bound(ranked(n), 0.95)
        tail = sum(math.comb(n, k) * Fraction(95, 100) ** k * Fraction(5, 100) ** (n - k) for k in range(rank - 1))
        assert tail < Fraction(95, 100)


def test_a_lower_confidence_needs_fewer_samples():
    assert quantile_bound(ranked(45), 0.95, confidence=0.9) == 45
    assert quantile_bound(ranked(44), 0.95, confidence=0.9) is None


def test_a_summary_by_hand():
    summary = summarise([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])
    assert (summary.n, summary.minimum, summary.mean, summary.maximum) == (8, 2.0, 5.0, 9.0)
    assert summary.deviation == pytest.approx(math.sqrt(32 / 7))
    assert summary.bounds == {"p50": 7.0}  # P(B(8, 1/2) < 7) = 247/256 = 0.965; < 6: 0.855


def test_a_summary_says_only_what_its_number_of_samples_bears():
    assert summarise([1.0]).bounds == {}
    assert summarise([1.0]).deviation == 0.0
    assert set(summarise(ranked(58)).bounds) == {"p50"}
    assert set(summarise(ranked(59)).bounds) == {"p50", "p95"}
    assert set(summarise(ranked(2995)).bounds) == {"p50", "p95", "p99", "p99.9"}


def test_no_samples_have_no_figures():
    with pytest.raises(UsageError, match="no samples"):
        summarise([])


def test_a_small_spread_far_from_zero_is_not_lost():
    offset = 1e9
    assert summarise([offset + 1, offset + 2, offset + 3]).deviation == pytest.approx(1.0)


# Uncertainty ----------------------------------------------------------------------------------------------------------


def test_the_example_budget_by_hand():
    """Camera and scan of 60 Hz, exposure of 8 ms, clock, CAN (ms): u = a / sqrt(3), u_c = 7.2, U = 14.4 (k = 2)."""
    period = 1000 / 60
    parts = {"camera": period / 2, "scan": period / 2, "exposure": 4.0, "clock": 0.866, "CAN": 0.173}
    components = [Component(name, half_width) for name, half_width in parts.items()]
    standards = [round(component.standard, 1) for component in components]
    assert standards == [4.8, 4.8, 2.3, 0.5, 0.1]
    assert expanded(components) == pytest.approx(14.4, abs=0.1)


def test_half_a_period_is_the_quantisation_of_the_literature():
    assert Component("refresh", 16.7 / 2).standard == pytest.approx(16.7 / math.sqrt(12))


def test_components_add_in_squares():
    assert expanded([Component("a", 3 * math.sqrt(3)), Component("b", 4 * math.sqrt(3))]) == pytest.approx(10.0)
    assert expanded([]) == 0.0
    assert expanded(iter([Component("a", math.sqrt(3))])) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (89.9, Verdict.PASS),
        (90.0, Verdict.PASS),
        (90.1, Verdict.INCONCLUSIVE),
        (100.0, Verdict.INCONCLUSIVE),
        (110.0, Verdict.INCONCLUSIVE),
        (110.1, Verdict.FAIL),
    ],
)
def test_a_limit_of_100_with_an_uncertainty_of_10(value, verdict):
    assert compare(value, 100.0, 10.0) is verdict


@pytest.mark.parametrize(("value", "verdict"), [(100.0, Verdict.PASS), (math.nextafter(100.0, 101.0), Verdict.FAIL)])
def test_without_uncertainty_nothing_is_inconclusive(value, verdict):
    assert compare(value, 100.0, 0.0) is verdict


# Probe ----------------------------------------------------------------------------------------------------------------


class Rig:
    """A reaction that takes a known time, on a virtual clock, and a diary of what the probe does."""

    def __init__(self, latencies_ns, bounds_ns):
        self.clock = VirtualClock()
        self.answers = list(zip(latencies_ns, bounds_ns, strict=True))
        self.diary, self.shifts = [], []

    async def stimulate(self):
        self.diary.append("stimulate")
        await self.clock.sleep(0.01)
        return self.clock.now_ns

    async def relax(self):
        self.diary.append("relax")
        await self.clock.sleep(0.1)

    def shift(self, part):
        self.diary.append("shift")
        self.shifts.append(part)

    async def see(self, after_ns):
        self.diary.append("see")
        assert after_ns == self.clock.now_ns
        latency_ns, bound_ns = self.answers.pop(0)
        if latency_ns is None:
            return None
        await self.clock.sleep_until(after_ns + latency_ns + 5)
        return Seen(after_ns + latency_ns, bound_ns)

    def measure(self, samples, seed=1):
        probe = Probe(self.stimulate, self.relax, self.shift, self.see)
        try:
            return self.clock.run(measure(random.Random(seed), probe, samples))
        finally:
            self.clock.close()


def test_a_sample_is_from_the_wire_to_the_stamp_of_what_was_seen():
    rig = Rig([30_000_000, 40_000_000, 35_000_001], [100, 300, 200])
    taken = rig.measure(3)
    assert taken.latencies_ns == (30_000_000, 40_000_000, 35_000_001)
    assert (taken.worst_bound_ns, taken.missed) == (300, 0)
    assert rig.diary == ["relax", "shift", "stimulate", "see"] * 3


def test_a_reaction_that_never_came_ends_the_measurement():
    rig = Rig([30, None, 40], [1, 1, 9])
    taken = rig.measure(3)
    assert (taken.latencies_ns, taken.worst_bound_ns, taken.missed) == ((30,), 1, 1)
    assert rig.diary.count("stimulate") == 2


def test_phases_are_random_over_the_cycle_and_follow_the_seed():
    def shifts(seed):
        rig = Rig([1] * 200, [0] * 200)
        rig.measure(200, seed)
        return rig.shifts

    first = shifts(1)
    assert all(0.0 <= part < 1.0 for part in first)
    assert {int(part * 10) for part in first} == set(range(10))
    assert shifts(1) == first
    assert shifts(2) != first
