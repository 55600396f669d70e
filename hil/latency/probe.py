"""The reaction probe: stimulate, see the reaction, many times, at random phases.

A sample is the time from the stimulus on the wire to the first frame that shows the reaction. The phase of the
stimulus is random over one cycle, since a fixed one would measure the same slice of every schedule of frames,
cycle and refresh again and again.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hil.clock import Clock

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
        see: waits for the reaction.
        phase_s: the stimulus's phase is random over this span.
    """

    stimulate: Act
    relax: Callable[[], Awaitable[None]]
    see: See
    phase_s: float


@dataclass(frozen=True, slots=True)
class Samples:
    """What a probe measured: latencies in ns; `missed` reactions never came."""

    latencies_ns: tuple[int, ...]
    worst_bound_ns: int
    missed: int


async def measure(clock: Clock, rng: random.Random, probe: Probe, samples: int) -> Samples:
    """Take samples; stops at the first reaction that never came."""
    latencies: list[int] = []
    worst_bound_ns = 0
    for _ in range(samples):
        await probe.relax()
        await clock.sleep(rng.uniform(0.0, probe.phase_s))
        stimulus_ns = await probe.stimulate()
        seen = await probe.see(stimulus_ns)
        if seen is None:
            return Samples(tuple(latencies), worst_bound_ns, 1)
        latencies.append(seen.t_ns - stimulus_ns)
        worst_bound_ns = max(worst_bound_ns, seen.bound_ns)
    return Samples(tuple(latencies), worst_bound_ns, 0)
