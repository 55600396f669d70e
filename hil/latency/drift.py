"""Whether two sets of samples differ, and by how much. Pure, distribution-free.

The test is that of Mann and Whitney (two-sided, normal approximation with correction for ties and continuity; Mann and
Whitney, On a test of whether one of two random variables is stochastically larger than the other, 1947). The shift is
the median of all differences (Hodges and Lehmann), with its confidence interval from the ranks of the same differences.
Of many comparisons each is judged by Holm's step-down rule, so that a hundred latencies give no alarm by chance.

Not for: samples that follow from each other, and sets of fewer than eight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LEAST_SAMPLES: Final = 8
CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the later samples lie above the earlier ones.

    Attributes:
        by: the shift, in the samples' unit.
        low: lower end of its 95 % interval.
        high: upper end.
        p: probability of a difference in ranks at least that large if there were none.
    """

    by: float
    low: float
    high: float
    p: float


def shift(before: Sequence[float], after: Sequence[float]) -> Shift | None:
    """The shift from one set to the other; None where one has fewer than eight samples."""
    if min(len(before), len(after)) < LEAST_SAMPLES:
        return None
    x, y = np.asarray(before, float), np.asarray(after, float)
    differences = np.sort((y[:, None] - x[None, :]).ravel())
    half = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * math.sqrt(_variance(x, y))
    first = max(math.floor(len(differences) / 2 - half), 0)
    low, high = differences[first], differences[len(differences) - 1 - first]
    return Shift(float(np.median(differences)), float(low), float(high), _p(x, y, differences))


def _variance(x: NDArray[Any], y: NDArray[Any]) -> float:
    """The variance of U if both sets come from one distribution."""
    n, m = len(x), len(y)
    _, ties = np.unique(np.concatenate([x, y]), return_counts=True)
    total = n + m
    tied = float((ties**3.0 - ties).sum()) / (total * (total - 1))
    return n * m / 12 * (total + 1 - tied)


def _p(x: NDArray[Any], y: NDArray[Any], differences: NDArray[Any]) -> float:
    variance = _variance(x, y)
    if variance <= 0:
        return 1.0
    larger = float((differences > 0).sum()) + 0.5 * float((differences == 0).sum())
    distance = max(abs(larger - len(x) * len(y) / 2) - 0.5, 0.0)
    return min(2 * NormalDist().cdf(-distance / math.sqrt(variance)), 1.0)


def holm(p_values: Sequence[float], level: float) -> list[bool]:
    """Which of many comparisons are significant, at a level that holds for all of them together."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    significant = [False] * len(p_values)
    for rank, index in enumerate(order):
        if p_values[index] > level / (len(p_values) - rank):
            break
        significant[index] = True
    return significant
