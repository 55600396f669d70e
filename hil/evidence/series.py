"""Series over bench time: collected in bounded memory, thinned so that no peak is lost. Pure.

A series is a staircase: a value holds until the next one. Equal values in a row are therefore kept once, which loses
nothing; beyond the cap each stretch of time keeps its smallest and its largest value.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

KEEP_POINTS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Series:
    """A staircase of values.

    Attributes:
        name: what it is called.
        unit: its unit.
        group: `signal` (set or read by the case), `wire` (decoded from the frames), `supply` or `bus load`.
        t_ns: when a value began.
        values: the values.
        labels: what values of an enumeration are called.
        thinned: whether only the smallest and largest of each stretch are there.
    """

    name: str
    unit: str
    group: str
    t_ns: tuple[int, ...]
    values: tuple[float, ...]
    labels: dict[float, str] = field(default_factory=dict)
    thinned: bool = False


class SeriesBuilder:
    """Collects one series; holds at most twice `keep` points."""

    def __init__(self, name: str, unit: str, group: str, *, keep: int = KEEP_POINTS) -> None:
        self.name, self.unit, self.group = name, unit, group
        self.labels: dict[float, str] = {}
        self._keep, self._thinned = keep, False
        self._t, self._v = array("q"), array("d")

    @classmethod
    def after(cls, series: Series, *, keep: int = KEEP_POINTS) -> SeriesBuilder:
        """A builder that goes on from a series."""
        builder = cls(series.name, series.unit, series.group, keep=keep)
        builder.labels, builder._thinned = dict(series.labels), series.thinned
        builder._t.extend(series.t_ns)
        builder._v.extend(series.values)
        return builder

    def add(self, t_ns: int, value: float) -> None:
        """Add a point; nothing happens if the value is the one that holds already."""
        if self._v and self._v[-1] == value:
            return
        self._t.append(t_ns)
        self._v.append(value)
        if len(self._v) > 2 * self._keep:
            self._shrink()

    def extend(self, t_ns: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Add points; those that repeat the value that holds already are passed over."""
        if not len(values):
            return
        kept = np.concatenate(([not self._v or self._v[-1] != values[0]], values[1:] != values[:-1]))
        self._t.extend(t_ns[kept].tolist())
        self._v.extend(values[kept].tolist())
        if len(self._v) > 2 * self._keep:
            self._shrink()

    def _shrink(self) -> None:
        t, v = thin(np.array(self._t), np.array(self._v), self._keep)
        self._t, self._v, self._thinned = array("q", t.tolist()), array("d", v.tolist()), True

    def build(self) -> Series:
        """The series so far."""
        return Series(
            self.name, self.unit, self.group, tuple(self._t), tuple(self._v), dict(self.labels), self._thinned
        )


def thin(t: NDArray[np.int64], v: NDArray[np.float64], most: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """At most `most` points: first, last, and the smallest and largest of every stretch."""
    if len(t) <= most:
        return t, v
    stretches = max((most - 2) // 2, 1)
    size = -(-len(v) // stretches)
    padded = np.pad(v, (0, size * -(-len(v) // size) - len(v)), mode="edge").reshape(-1, size)
    rows = np.arange(len(padded)) * size
    picked = np.concatenate([[0], rows + padded.argmin(axis=1), rows + padded.argmax(axis=1), [len(v) - 1]])
    index = np.unique(np.minimum(picked, len(v) - 1))
    return t[index], v[index]


def thin_series(series: Series, most: int) -> Series:
    """The series with at most `most` points."""
    if len(series.t_ns) <= most:
        return series
    t, v = thin(np.array(series.t_ns), np.array(series.values), most)
    return Series(
        series.name, series.unit, series.group, tuple(t.tolist()), tuple(v.tolist()), series.labels, thinned=True
    )
