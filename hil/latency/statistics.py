"""Statistics of latency samples. Pure. Distribution-free: nothing is claimed that the number of samples can't bear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hil.errors import UsageError

CONFIDENCE: Final = 0.95
QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


@dataclass(frozen=True, slots=True)
class Summary:
    """A set of samples in figures, all in the samples' unit.

    Attributes:
        n: number of samples.
        minimum: the least.
        mean: arithmetic mean.
        deviation: sample standard deviation (n - 1); 0 for one sample.
        maximum: the greatest.
        bounds: quantile name -> upper bound of that quantile with 95 % confidence; missing where n is too small.
    """

    n: int
    minimum: float
    mean: float
    deviation: float
    maximum: float
    bounds: dict[str, float]


def summarise(samples: Sequence[float]) -> Summary:
    """Figures of a set of samples.

    Raises:
        UsageError: there are no samples.
    """
    if not samples:
        raise UsageError("no samples to summarise")
    n, mean = len(samples), math.fsum(samples) / len(samples)
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in samples) / (n - 1)) if n > 1 else 0.0
    bounds = {name: quantile_bound(samples, q) for name, q in QUANTILES.items()}
    known = {name: bound for name, bound in bounds.items() if bound is not None}
    return Summary(n, min(samples), mean, deviation, max(samples), known)


def quantile_bound(samples: Sequence[float], quantile: float, confidence: float = CONFIDENCE) -> float | None:
    """Upper bound of a quantile, for any distribution; None where the samples are too few to give one.

    The k-th smallest of n samples is not less than the q-quantile with probability P(B(n, q) < k) (order statistics,
    e.g. David and Nagaraja, Order Statistics, 7.1). The smallest such k that reaches the confidence is taken: for
    p99 that is the largest of 299 samples.
    """
    n, below = len(samples), 0.0
    for k in range(1, n + 1):
        below += _binomial(n, k - 1, quantile)
        if below >= confidence:
            return sorted(samples)[k - 1]
    return None


def _binomial(n: int, k: int, p: float) -> float:
    """P(B(n, p) = k), by logarithms: a coefficient of a thousand samples is beyond any float."""
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(ways + k * math.log(p) + (n - k) * math.log1p(-p))
