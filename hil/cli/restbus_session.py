"""A bench whose restbus is run by hand: opened with only what that needs, and bench time let pass.

Rules of this module: the supplies, and the consoles beside them, are opened only where power was asked for, since a
port that is closed leaves its supply off; the screens of a real bench never are. On a virtual bench time passes in
small portions, beside wall time at a chosen speed or as fast as it goes; on a real bench it passes by itself. While it
does, a bench that breaks is noticed.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hil.bench.config import BenchConfig
from hil.bench.facade import Bench
from hil.bench.reset import Reset, Start
from hil.bench.wiring import OpenBench
from hil.cli.restbus_prompt import Answer, Prompt
from hil.cli.restbus_watch import Snapshot, Watch
from hil.clock import NS_PER_S, wait_wall, wall_ns

PORTION_NS: Final = 50_000_000
"""Wall time that a portion of bench time stands for: short enough for a prompt that answers at once."""
_SWITCH_S: Final = 0.0005
_LONG_NS: Final = NS_PER_S // 2
"""A portion where nobody waits at a prompt."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked for.

    Attributes:
        silent: begin with the restbus off.
        power: power the ECU, and leave the supplies safe at the end.
        speed: bench seconds a wall second on a virtual bench; 0: as fast as it goes.
        for_ns: bench time after which it ends by itself; 0: when the user leaves.
        commands: lines to be done first.
    """

    silent: bool = False
    power: bool = False
    speed: float = 1.0
    for_ns: int = 0
    commands: tuple[str, ...] = ()


def needed_of(config: BenchConfig, *, power: bool) -> BenchConfig:
    """The bench file without the ports that a restbus by hand doesn't need, and so must not take."""
    left_out: dict[str, object] = {} if power else {"supply": {}, "console": {}}
    if not config.is_virtual:
        left_out["screen"] = {}
    return config.model_copy(update=left_out)


@contextlib.contextmanager
def undisturbed(config: BenchConfig) -> Iterator[None]:
    """Let drawing hold up a real bench's loop, which is another thread of this process, as little as can be.

    The interpreter changes threads after half a millisecond rather than five, and doesn't search the databases for
    garbage.
    """
    if config.is_virtual:
        yield
        return
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before_s)


class Session:
    """The bench, what watches it, and its prompt.

    Args:
        opened: the bench, open.
        wishes: what the user asked for.
    """

    def __init__(self, opened: OpenBench, wishes: Wishes) -> None:
        self._opened, self.wishes = opened, wishes
        self.wiring = opened.wiring
        self.bench = Bench(self.wiring, self.wiring.config.bench.timeout)
        self.watch = self.bench.call(_watch(self.bench))
        self.prompt = Prompt(self.bench, self.watch, may_power=wishes.power)
        self._zero_wall_ns = self._zero_ns = 0
        self.behind_ns = 0
        """Bench time that a virtual bench should have passed and couldn't, since the machine was too slow."""

    def begin(self) -> None:
        """Bring the bench to where the user wants to begin.

        Raises:
            BenchError: the ECU doesn't come up.
        """
        wishes = self.wishes
        if wishes.power and not wishes.silent:
            self.bench.call(Reset(self.wiring).to(Start.ON))
        elif wishes.power:
            self.bench.call(self._supplies_on())
        elif not wishes.silent:
            self.bench.restbus(True)
        self._set_pace()

    async def _supplies_on(self) -> None:
        for name, supply in self.wiring.supplies.items():
            await supply.set_voltage(self.wiring.config.supply[name].voltage_V)
            await supply.switch(True)

    # Time ---------------------------------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Bench time."""
        return self.wiring.clock.now_ns

    def _set_pace(self) -> None:
        self._zero_wall_ns, self._zero_ns = wall_ns(), self.now_ns

    def keep_up(self, until_ns: int | None = None) -> None:
        """Let bench time pass up to where wall time is, but not beyond `until_ns`; see whether the bench is well.

        Raises:
            BenchError: it broke.
        """
        dead = self._opened.dead_process()
        if dead is not None:
            raise dead
        if not self.wiring.config.is_virtual:
            self.bench.call(_nothing())
        elif self.wishes.speed:
            self._follow_wall_time(until_ns)

    def _follow_wall_time(self, until_ns: int | None) -> None:
        """One portion, two at most: what the machine can't do is left out rather than made up for."""
        speed, now_ns = self.wishes.speed, self.now_ns
        due_ns = self._zero_ns + round((wall_ns() - self._zero_wall_ns) * speed)
        missed_ns = max(0, due_ns - now_ns - round(2 * PORTION_NS * speed))
        self.behind_ns += missed_ns
        self._zero_ns -= missed_ns
        to_ns = due_ns - missed_ns if until_ns is None else min(due_ns - missed_ns, until_ns)
        if to_ns > now_ns:
            self.bench.call(self.wiring.clock.sleep_until(to_ns))

    def let_pass(self, duration_ns: int) -> None:
        """Let a span of bench time pass: on a virtual bench at its speed, or at once.

        Raises:
            BenchError: the bench broke meanwhile.
        """
        end_ns = self.now_ns + duration_ns
        by_wall_time = self.wiring.config.is_virtual and self.wishes.speed
        self._set_pace()
        while self.now_ns < end_ns:
            if by_wall_time:
                wait_wall(PORTION_NS / 1e9)
            else:
                self.bench.call(self.wiring.clock.sleep_until(min(end_ns, self.now_ns + _LONG_NS)))
            self.keep_up(end_ns)
            self.look()
        self._set_pace()

    def look(self) -> Snapshot:
        """How everything stands."""
        return self.bench.call(self.watch.look())

    def do(self, line: str) -> Answer:
        """Do a line of the prompt; gaps that it makes are noticed before anything else happens.

        Raises:
            UsageError: it can't be done.
            BenchError: the bench broke.
        """
        answer = self.prompt.do(line)
        self.look()
        return answer


async def _nothing() -> None:
    """A call that only tells whether the bench is well."""


async def _watch(bench: Bench) -> Watch:
    return Watch(bench.wiring)
