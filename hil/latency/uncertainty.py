"""Measurement uncertainty of a latency, after the GUM (JCGM 100:2008): components, combined, expanded. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hil.errors import Verdict

COVERAGE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Component:
    """One source of uncertainty.

    Attributes:
        name: what it comes from.
        half_width: greatest deviation, in the measurand's unit; every value within is taken as equally likely.
    """

    name: str
    half_width: float

    @property
    def standard(self) -> float:
        """Standard uncertainty of a rectangular distribution: a / sqrt(3) (GUM 4.3.7)."""
        return self.half_width / math.sqrt(3)


def expanded(components: Iterable[Component]) -> float:
    """Expanded uncertainty U = k u_c, k = 2, of independent components (GUM 5.1.2, 6.2.1)."""
    return COVERAGE * math.sqrt(math.fsum(component.standard**2 for component in components))


def compare(value: float, limit: float, uncertainty: float) -> Verdict:
    """Decide whether `value` is at most `limit` (decision rule of ISO 14253-1).

    Pass where the whole interval value +- U lies within, fail where it lies beyond, else inconclusive: the
    measurement is too coarse for this limit.
    """
    if value + uncertainty <= limit:
        return Verdict.PASS
    return Verdict.FAIL if value - uncertainty > limit else Verdict.INCONCLUSIVE
