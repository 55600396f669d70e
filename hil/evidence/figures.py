"""A measurement as the page shows it: histogram, figures that its number of samples can bear, decision rule. Pure."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from hil.evidence import fields as f
from hil.evidence.model import Measurement
from hil.latency.statistics import QUANTILES, quantile_bound

BINS: Final = 40
_NEEDS: Final = {"p95": 59, "p99": 299}
"""Samples of which the largest bounds a quantile with 95 % confidence (order statistics)."""


def measurement_json(item: Measurement) -> dict[str, Any]:
    """The measurement for the page."""
    edges, counts = _histogram(item)
    return {
        "t": round(item.t_ns / 1e9, 6), "name": item.name, "unit": item.unit, "kind": item.kind, "ok": item.ok,
        "source": item.source, "n": len(item.samples), "edges": edges, "counts": counts, "at_most": at_most(item),
        "expanded": expanded(item), "figures": figures(item.samples), "limit": f.clean(dict(item.limit)),
        "statistics": f.clean(dict(item.statistics)), "uncertainty": f.clean(dict(item.uncertainty)),
        "rule": decision(item),
    }  # fmt: skip


def at_most(item: Measurement) -> float | None:
    """The upper limit, if it has one."""
    return f.number(item.limit, "at_most")


def expanded(item: Measurement) -> float | None:
    """The expanded uncertainty of one sample."""
    return next((value for key in ("expanded", "U") if (value := f.number(item.uncertainty, key)) is not None), None)


def figures(samples: tuple[float, ...]) -> dict[str, float | str]:
    """Figures of the samples; a quantile that so few can't bear is a text that says so."""
    if not samples:
        return {}
    shown: dict[str, float | str] = {"min": min(samples), "p50": float(np.median(samples))}
    for name, least in _NEEDS.items():
        bound = quantile_bound(samples, QUANTILES[name]) if len(samples) >= least else None
        shown[name] = f"needs {least} samples" if bound is None else bound
    return {**shown, "max": max(samples)}


def decision(item: Measurement) -> str:
    """The decision rule of ISO 14253-1, with the numbers of this measurement."""
    limit, spread = at_most(item), expanded(item)
    if limit is None or not item.samples:
        return "no limit: nothing is decided"
    if spread is None:
        return f"the longest sample is at most {limit:g} {item.unit}; no uncertainty is stated"
    low, high, longest = limit - spread, limit + spread, max(item.samples)
    return (
        f"longest {longest:.4g} {item.unit}: up to {low:.4g} it conforms, above {high:.4g} it does not, "
        f"between the two it is inconclusive (limit {limit:g} ± U {spread:.3g}, ISO 14253-1)"
    )


def _histogram(item: Measurement) -> tuple[list[float], list[int]]:
    if not item.samples:
        return [], []
    counts, edges = np.histogram(item.samples, bins=min(BINS, max(5, int(len(item.samples) ** 0.5) * 2)))
    return [float(f"{edge:.6g}") for edge in edges], counts.tolist()
