"""A bench that is booted ahead of the cases that start from it: a case forks it and goes on from there.

Rules of this module: only virtual benches, since all that they are lies in this process. What happened until they are
up is kept in a journal in memory; each case takes it over, so that its own begins with the boot as if it had seen it.
Randomness follows from the run's seed until then and from the case's from then on, whether a case was forked or not.

Not for: cases that start from `off` or `sleep`.
"""

from __future__ import annotations

import gc
import threading
from dataclasses import dataclass

import cv2

from hil.bench.facade import Bench
from hil.bench.plan import Plan
from hil.bench.reset import Reset, Start
from hil.bench.wiring import OpenBench, open_bench
from hil.errors import HilError
from hil.hmi.reader import reader_for
from hil.journal import Journal


@dataclass(frozen=True, slots=True)
class Ahead:
    """A booted bench, and what was recorded until it was up."""

    opened: OpenBench
    journal: Journal

    def go_on(self, journal: Journal) -> OpenBench:
        """Hand the bench to a case, whose journal holds nothing but its head.

        Raises:
            BenchError: the journal can't be written.
        """
        journal.take_over(self.journal)
        self.opened.wiring.recorder.go_on(journal)
        return self.opened


def seed_until_up(run_seed: str) -> str:
    """The seed of a bench until its ECU is up."""
    return f"{run_seed}/start"


def start_from(facade: Bench, start: Start) -> None:
    """Bring a bench to where a case starts from, as a step of the case."""
    with facade.step(f"Start from '{start.value}'"):
        facade.call(Reset(facade.wiring).to(start))


def _look_once(opened: OpenBench) -> None:
    """See each screen once, and find what reads it: what is made for a first look need not be made by each case."""
    wiring = opened.wiring
    for screen in wiring.screens.values():
        assert wiring.clock.run(screen.latest()).pixels.size
    for item in {item.kind: item for layout in wiring.plan.layouts.values() for item in layout}.values():
        if not item.reader:  # a lab's own may do anything when it is imported
            reader_for(item)


def boot_ahead(made: Plan, run_seed: str) -> Ahead | None:
    """Boot a bench now; None where it doesn't come up: each case then finds out, and says so, by itself."""
    cv2.setNumThreads(1)  # a pool of threads doesn't live on in a fork
    journal = Journal(None)
    journal.expect("case")
    try:
        opened = open_bench(made, seed_until_up(run_seed))
    except HilError:
        return None
    recorder = opened.wiring.recorder
    recorder.begin(journal)
    opened.wiring.health.begin()
    try:
        start_from(Bench(opened.wiring, made.config.bench.timeout), Start.ON)
        _look_once(opened)
    except HilError:
        opened.close()
        return None
    if threading.active_count() > 1:
        opened.close()
        return None
    journal.pack()
    gc.collect()
    gc.freeze()
    return Ahead(opened, journal)
