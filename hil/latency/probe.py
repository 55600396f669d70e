"""The reaction probe: stimulate, see the reaction, many times, at random phases.

A sample is the time from the stimulus on the wire to the first frame that shows the reaction. The phase of the
stimulus on the wire is random over one cycle: a message that keeps its phase to the refresh of the screen would
measure the same slice of both schedules again and again.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Act = Callable[[], Awaitable[int]]
"""Does something and returns the bench time at which it was on the wire."""
See = Callable[[int], Awaitable["Seen | None"]]
"""Waits for a reaction stamped after a bench time; None if it never came."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A reaction: when it was seen, and the bound on that stamp's error, ns."""

    t_ns: int
    bound_ns: int


@dataclass(frozen=True, slots=True)
class Probe:
    """How one reaction is measured.

    Attributes:
        stimulate: puts the stimulus on the wire.
        relax: takes it back, and waits until the reaction is gone.
        shift: moves the phase of the stimulus on the wire by a part of its cycle, 0 to 1.
        see: waits for the reaction.
    """

    stimulate: Act
    relax: Callable[[], Awaitable[None]]
    shift: Callable[[float], object]
    see: See


@dataclass(frozen=True, slots=True)
class Samples:
    """What a probe measured: latencies in ns; `missed` reactions never came."""

    latencies_ns: tuple[int, ...]
    worst_bound_ns: int
    missed: int


async def measure(rng: random.Random, probe: Probe, samples: int) -> Samples:
    """Take samples; stops at the first reaction that never came."""
    latencies: list[int] = []
    worst_bound_ns = 0
    for _ in range(samples):
        await probe.relax()
        probe.shift(rng.random())
        stimulus_ns = await probe.stimulate()
        seen = await probe.see(stimulus_ns)
        if seen is None:
            return Samples(tuple(latencies), worst_bound_ns, 1)
        latencies.append(seen.t_ns - stimulus_ns)
        worst_bound_ns = max(worst_bound_ns, seen.bound_ns)
    return Samples(tuple(latencies), worst_bound_ns, 0)
