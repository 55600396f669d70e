"""Bit timing: which divider and segments give a bit rate and a sample point, from the clock of a controller. Pure.

Rules of this module: the bit rate is met exactly or not at all; the sample point as near as the quanta allow, and the
caller decides whether that is near enough. Of equally near ones the one with most quanta in a bit counts, since it
resynchronises finest. CAN FD has one clock for both phases.

Not for: what a controller does with it (`hil.can.pythoncan`), or the length of frames (`hil.can.frame_lengths`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """How far every controller has to go (ISO 11898-1); some go further."""

    quanta: tuple[int, int]
    brp: int
    tseg1: int
    tseg2: int
    sjw: int


CLASSIC: Final = Limits(quanta=(8, 25), brp=64, tseg1=16, tseg2=8, sjw=4)
NOMINAL_FD: Final = Limits(quanta=(8, 80), brp=32, tseg1=128, tseg2=32, sjw=32)
DATA_FD: Final = Limits(quanta=(5, 25), brp=32, tseg1=32, tseg2=16, sjw=16)


@dataclass(frozen=True, slots=True)
class Segments:
    """One phase: the clock divided by `brp` gives a quantum; a bit has 1 + `tseg1` + `tseg2` of them."""

    brp: int
    tseg1: int
    tseg2: int
    sjw: int

    @property
    def quanta(self) -> int:
        """Quanta in a bit."""
        return 1 + self.tseg1 + self.tseg2

    @property
    def sample_point(self) -> float:
        """Where in the bit it is sampled, percent."""
        return 100.0 * (1 + self.tseg1) / self.quanta

    @property
    def btr(self) -> int:
        """BTR0 and BTR1 of an SJA1000, for classic CAN."""
        return ((self.sjw - 1) << 6 | (self.brp - 1)) << 8 | (self.tseg2 - 1) << 4 | (self.tseg1 - 1)


@dataclass(frozen=True, slots=True)
class Timing:
    """The timing of a controller.

    Attributes:
        clock_Hz: of the controller.
        nominal: arbitration phase.
        data: data phase of CAN FD; None for classic CAN.
    """

    clock_Hz: int
    nominal: Segments
    data: Segments | None = None


def classic(clocks_Hz: Iterable[int], bitrate: int, sample_point: float) -> Timing | None:
    """The best timing for classic CAN; None if no clock divides down to the bit rate.

    Args:
        clocks_Hz: clocks that the controller can have.
        bitrate: bit/s.
        sample_point: percent.
    """
    found = [
        Timing(clock, segments) for clock in clocks_Hz for segments in _solutions(clock, bitrate, sample_point, CLASSIC)
    ]
    return min(found, key=lambda timing: _badness(timing.nominal, sample_point), default=None)


def flexible(clocks_Hz: Iterable[int], nominal: tuple[int, float], data: tuple[int, float]) -> Timing | None:
    """The best timing for CAN FD: of equally near ones with one divider for both phases.

    Args:
        clocks_Hz: clocks that the controller can have.
        nominal: bit/s and sample point in percent of the arbitration phase.
        data: the same of the data phase.
    """
    found = [
        Timing(clock, slow, fast)
        for clock in clocks_Hz
        for slow in _solutions(clock, *nominal, NOMINAL_FD)
        for fast in _solutions(clock, *data, DATA_FD)
    ]
    return min(found, key=lambda timing: _badness_fd(timing, nominal[1], data[1]), default=None)


def _solutions(clock_Hz: int, bitrate: int, sample_point: float, limits: Limits) -> Iterator[Segments]:
    """For each divider the segments that come nearest."""
    for brp in range(1, limits.brp + 1):
        quanta, rest = divmod(clock_Hz, bitrate * brp)
        if rest or not limits.quanta[0] <= quanta <= limits.quanta[1]:
            continue
        tseg1 = min(max(round(sample_point / 100 * quanta) - 1, 1), quanta - 2)
        tseg2 = quanta - 1 - tseg1
        if tseg1 <= limits.tseg1 and tseg2 <= limits.tseg2:
            yield Segments(brp, tseg1, tseg2, min(tseg2, limits.sjw))


def _badness(segments: Segments, sample_point: float) -> tuple[float, int]:
    return round(abs(segments.sample_point - sample_point), 3), -segments.quanta


def _badness_fd(timing: Timing, sample_point: float, data_sample_point: float) -> tuple[float, bool, int]:
    assert timing.data is not None
    off = _badness(timing.nominal, sample_point)[0] + _badness(timing.data, data_sample_point)[0]
    return round(off, 3), timing.nominal.brp != timing.data.brp, -timing.nominal.quanta


__all__ = ["CLASSIC", "DATA_FD", "NOMINAL_FD", "Limits", "Segments", "Timing", "classic", "flexible"]
