"""Plays a profile on a supply, and measures how well the supply followed.

Rules of this module: the whole profile is held against the limits before the first command; the port checks each
command again. A set point that is overdue when a later one is due too is left out, a corner never. Late is the time
from when a set point was due until the supply had taken it: what it then did at its terminals, only an oscilloscope
knows.

Not for: verdicts; the facade makes one of `Played`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hil.clock import Clock
from hil.serial.limits import check_voltage
from hil.serial.port import PowerPort
from hil.serial.profiles import Point, Profile

SHARE: Final = 0.1
"""Share of a segment's duration by which its corner may be late."""
LEAST_NS: Final = 2_000_000
"""So late it may always be."""

OnSet = Callable[[int, float], object]
"""Called with bench time and volts after each set point that the supply took."""


@dataclass(frozen=True, slots=True)
class Late:
    """A corner that came too late: which segment, by how much, and how much was allowed."""

    segment: str
    late_ns: int
    allowed_ns: int


@dataclass(frozen=True, slots=True)
class Played:
    """How it went.

    Attributes:
        profile: what was asked for.
        took_ns: from the beginning to the end.
        slowest_ns: the longest that the supply took for one set point.
        left_out: set points of ramps and ripple that were overdue.
        late: the corners that were too late.
        worst_ns: the latest corner.
    """

    profile: Profile
    took_ns: int
    slowest_ns: int
    left_out: int
    late: tuple[Late, ...]
    worst_ns: int


async def play(clock: Clock, port: PowerPort, profile: Profile, start_V: float, on_set: OnSet) -> Played:
    """Play a profile from the voltage at which the supply is now.

    Raises:
        UsageError: it goes beyond the limits of the bench file; nothing was sent.
        BenchError: the supply did not do what it was told.
    """
    check_voltage(port.name, profile.highest_V, port.limits)
    begin_ns, slowest_ns, left_out = clock.now_ns, 0, 0
    lates: list[tuple[Point, int]] = []
    points = list(profile.points(start_V))
    for index, point in enumerate(points[:-1]):
        due_ns = begin_ns + point.t_ns
        if not point.is_corner and begin_ns + points[index + 1].t_ns <= clock.now_ns:
            left_out += 1
            continue
        await _until(clock, due_ns)
        sent_ns = clock.now_ns
        await port.set_voltage(point.voltage_V)
        slowest_ns = max(slowest_ns, clock.now_ns - sent_ns)
        on_set(clock.now_ns, point.voltage_V)
        lates.append((point, clock.now_ns - due_ns))
    await _until(clock, begin_ns + points[-1].t_ns)
    lates.append((points[-1], clock.now_ns - begin_ns - points[-1].t_ns))
    corners = [(point, late_ns) for point, late_ns in lates if point.is_corner]
    too_late = tuple(late for point, late_ns in corners if (late := _late(profile, point, late_ns)) is not None)
    worst_ns = max(late_ns for _, late_ns in corners)
    return Played(profile, clock.now_ns - begin_ns, slowest_ns, left_out, too_late, worst_ns)


async def _until(clock: Clock, t_ns: int) -> None:
    if t_ns > clock.now_ns:
        await clock.sleep((t_ns - clock.now_ns) / 1e9)


def _late(profile: Profile, point: Point, late_ns: int) -> Late | None:
    segment = profile.segments[point.segment]
    allowed_ns = max(LEAST_NS, round(SHARE * segment.duration_ns))
    return Late(segment.text, late_ns, allowed_ns) if late_ns > allowed_ns else None


def stop(tasks: dict[str, asyncio.Task[Played]], name: str = "") -> None:
    """End the profile that is played on a supply, without a name on all; the voltage stays where it is."""
    for each in [name] if name else list(tasks):
        task = tasks.pop(each, None)
        if task is not None:
            task.cancel()
