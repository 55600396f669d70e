"""A course of a supply's voltage: steps, ramps and ripple, as text and as set points. Pure.

Rules of this module: a profile is segments with `|` between them.

    11 V 1 s                 goes to 11 V at once and stays there for 1 s
    to 6.5 V 50 ms           a straight line from where it is, in 50 ms
    ripple 7.5 V 2 V 2 Hz 10 s    a sine about 7.5 V, 2 V from peak to peak; begins where the voltage is, rising

A ramp or a ripple becomes set points: one each millisecond, but not more than `MOST_POINTS` a ramp and 40 a period. The
first of a segment and the last of the profile are corners: a profile that is late there was another one.

Not for: what a supply makes of it (`hil.serial.player`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hil import units
from hil.errors import UsageError

MOST_POINTS: Final = 50
_A_PERIOD: Final = 40
_MS: Final = 1_000_000
_NUMBER: Final = r"[0-9]*\.?[0-9]+"
_STEP: Final = re.compile(rf"({_NUMBER}) ?V +({_NUMBER} ?[a-z]+)")
_RAMP: Final = re.compile(rf"to +({_NUMBER}) ?V +({_NUMBER} ?[a-z]+)")
_RIPPLE: Final = re.compile(rf"ripple +({_NUMBER}) ?V +({_NUMBER}) ?V +({_NUMBER}) ?Hz +({_NUMBER} ?[a-z]+)")
_MEND: Final = "write '8 V 15 ms', 'to 9.5 V 50 ms' or 'ripple 9.5 V 1 V 2 Hz 1 s', with | between."


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of a profile.

    Attributes:
        text: as it was written.
        voltage_V: where it is or ends; of a ripple its middle.
        duration_ns: how long it takes.
        is_ramp: whether it is a straight line to there.
        swing_V: of a ripple from peak to peak.
        hertz: of a ripple.
    """

    text: str
    voltage_V: float
    duration_ns: int
    is_ramp: bool = False
    swing_V: float = 0.0
    hertz: float = 0.0

    @property
    def highest_V(self) -> float:
        """The highest voltage in it."""
        return self.voltage_V + self.swing_V / 2


@dataclass(frozen=True, slots=True)
class Point:
    """A set point: so long after the beginning this voltage. `segment` is its number, `is_corner` as above."""

    t_ns: int
    voltage_V: float
    segment: int
    is_corner: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """A whole course.

    Attributes:
        name: what it is called.
        segments: its pieces.
        source: where its numbers come from.
    """

    name: str
    segments: tuple[Segment, ...]
    source: str = ""

    @property
    def duration_ns(self) -> int:
        """How long it takes."""
        return sum(segment.duration_ns for segment in self.segments)

    @property
    def highest_V(self) -> float:
        """The highest voltage in it."""
        return max(segment.highest_V for segment in self.segments)

    def points(self, start_V: float) -> Iterator[Point]:
        """The set points, from the voltage at which it begins; the last says only when it is over."""
        t_ns, now_V = 0, start_V
        for number, segment in enumerate(self.segments):
            for after_ns, voltage_V in _course(segment, now_V):
                yield Point(t_ns + after_ns, round(voltage_V, 4), number, after_ns == 0)
                now_V = voltage_V
            t_ns += segment.duration_ns
        yield Point(t_ns, round(now_V, 4), len(self.segments) - 1, is_corner=True)


def _course(segment: Segment, from_V: float) -> Iterator[tuple[int, float]]:
    """Set points of a segment: nanoseconds after its beginning, volts."""
    if segment.is_ramp:
        count = max(1, min(MOST_POINTS, segment.duration_ns // _MS))
        for index in range(count):
            yield index * segment.duration_ns // count, from_V + (segment.voltage_V - from_V) * (index + 1) / count
    elif segment.swing_V:
        half_V = segment.swing_V / 2
        begin = math.asin(max(-1.0, min(1.0, (from_V - segment.voltage_V) / half_V)))
        step_ns = max(_MS, round(1e9 / segment.hertz / _A_PERIOD))
        for after_ns in range(0, segment.duration_ns, step_ns):
            yield after_ns, segment.voltage_V + half_V * math.sin(begin + math.tau * segment.hertz * after_ns / 1e9)
    else:
        yield 0, segment.voltage_V


def parse(text: str, *, name: str = "", source: str = "", where: str = "") -> Profile:
    """A profile from its text.

    Raises:
        UsageError: a segment can't be read, or takes no time.
    """
    segments = tuple(_segment(part.strip(), where) for part in text.split("|"))
    return Profile(name or text, segments, source)


def _segment(text: str, where: str) -> Segment:
    if found := _STEP.fullmatch(text):
        return Segment(text, float(found[1]), _span(found[2], text, where))
    if found := _RAMP.fullmatch(text):
        return Segment(text, float(found[1]), _span(found[2], text, where), is_ramp=True)
    if found := _RIPPLE.fullmatch(text):
        middle_V, swing_V, hertz = (float(found[index]) for index in (1, 2, 3))
        if not hertz or swing_V > 2 * middle_V:
            raise UsageError(f"'{text}' is no ripple that a supply can make", where=where, remedy=_MEND)
        return Segment(text, middle_V, _span(found[4], text, where), swing_V=swing_V, hertz=hertz)
    raise UsageError(f"'{text}' is no part of a profile", where=where, remedy=_MEND)


def _span(text: str, part: str, where: str) -> int:
    try:
        span_ns = units.nanoseconds(text)
    except UsageError as error:
        raise UsageError(f"'{part}': {error.what}", where=where, remedy=_MEND) from None
    if span_ns <= 0:
        raise UsageError(f"'{part}' takes no time", where=where, remedy=_MEND)
    return span_ns
