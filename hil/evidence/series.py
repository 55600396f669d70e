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

from hil.journal import ERROR, EXTENDED, FD, REMOTE

KEEP_POINTS: Final = 20_000
LOAD_BUCKET_NS: Final = 100_000_000
NOMINAL_BITRATE: Final = 500_000
DATA_BITRATE: Final = 2_000_000
LOAD_NOTE: Final = (
    "bus load is approximate: 100 ms averages from frame counts and lengths, without stuffing bits, "
    "at an assumed 500 kbit/s (CAN FD data 2 Mbit/s)"
)


@dataclass(frozen=True, slots=True)
class Series:
    """A staircase of values: `group` is `signal`, `supply` or `bus load`; `labels` names values of an enumeration."""

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

    def add(self, t_ns: int, value: float) -> None:
        """Add a point; nothing happens if the value is the one that holds already."""
        if self._v and self._v[-1] == value:
            return
        self._t.append(t_ns)
        self._v.append(value)
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


def frame_ns(flags: int, length: int) -> int:
    """Nanoseconds that a frame takes on the wire, roughly: no stuffing bits, assumed bit rates."""
    extended = 20 if flags & EXTENDED else 0
    if flags & ERROR:
        return 20 * 1_000_000_000 // NOMINAL_BITRATE
    if flags & FD:
        data_bits = 8 * length + (26 if length <= 16 else 30)
        return (30 + extended) * 1_000_000_000 // NOMINAL_BITRATE + data_bits * 1_000_000_000 // DATA_BITRATE
    bits = 47 + extended + (0 if flags & REMOTE else 8 * length)
    return bits * 1_000_000_000 // NOMINAL_BITRATE


class LoadMeter:
    """Approximate load of one bus in percent, averaged over 100 ms."""

    def __init__(self, bus: str) -> None:
        self._series = SeriesBuilder(bus, "%", "bus load")
        self._bucket, self._busy_ns = 0, 0

    def add(self, t_ns: int, flags: int, length: int) -> None:
        """Count a frame."""
        bucket = t_ns // LOAD_BUCKET_NS
        if bucket > self._bucket:
            self._close(bucket)
        self._busy_ns += frame_ns(flags, length)

    def _close(self, bucket: int) -> None:
        self._series.add(self._bucket * LOAD_BUCKET_NS, round(100 * self._busy_ns / LOAD_BUCKET_NS, 1))
        if bucket > self._bucket + 1:
            self._series.add((self._bucket + 1) * LOAD_BUCKET_NS, 0.0)
        self._bucket, self._busy_ns = bucket, 0

    def build(self, end_ns: int) -> Series:
        """The load until the case ended; what is left is an average only if it is at least half a bucket long."""
        left_ns = end_ns - self._bucket * LOAD_BUCKET_NS
        if LOAD_BUCKET_NS // 2 <= left_ns < LOAD_BUCKET_NS:
            self._busy_ns = self._busy_ns * LOAD_BUCKET_NS // left_ns
        if left_ns >= LOAD_BUCKET_NS // 2:
            self._close(self._bucket + 1)
        return self._series.build()
