"""How busy this machine and the bench's own process are: an explanation of lateness, never a verdict.

Rules of this module: what the system doesn't say is None. The machine's share is that of all its cores, and stolen time
is what a hypervisor gave to others while this machine wanted to run. Both are known on Linux only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hil.clock import cpu_ns, wall_ns

_STAT: Final = Path("/proc/stat")
_SHARES: Final = 8
"""user, nice, system, idle, iowait, irq, softirq, steal: guest time is contained in the first two."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters at an instant.

    Attributes:
        wall_ns: the host's monotonic clock.
        process_ns: computing time of this process.
        ticks: of the machine: all, busy, stolen; empty where the system doesn't say.
    """

    wall_ns: int
    process_ns: int
    ticks: tuple[int, int, int] | tuple[()] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """Between two readings.

    Attributes:
        process: computing time of this process, in cores.
        busy: share of the machine's time that was used.
        stolen: share that was stolen.
    """

    process: float
    busy: float | None = None
    stolen: float | None = None

    def fields(self) -> dict[str, float]:
        """As it stands in a record."""
        said = {"process": self.process, "busy": self.busy, "stolen": self.stolen}
        return {name: round(share, 4) for name, share in said.items() if share is not None}

    def __str__(self) -> str:
        parts = [f"the bench's process used {self.process:.0%} of a core"]
        if self.busy is not None:
            parts.append(f"the machine was {self.busy:.0%} busy")
        if self.stolen:
            parts.append(f"{self.stolen:.0%} of its time was stolen")
        return ", ".join(parts)


def read() -> Reading:
    """The counters now."""
    return Reading(wall_ns(), cpu_ns(), ticks_of(_stat()))


def _stat() -> str:
    try:
        return _STAT.read_text(encoding="ascii")
    except OSError:
        return ""


def ticks_of(stat: str) -> tuple[int, int, int] | tuple[()]:
    """All, busy and stolen ticks of a machine, of its `/proc/stat`."""
    words = stat.partition("\n")[0].split()
    if len(words) < 1 + _SHARES or words[0] != "cpu":
        return ()
    ticks = [int(word) for word in words[1 : 1 + _SHARES]]
    return sum(ticks), sum(ticks) - ticks[3] - ticks[4], ticks[7]


def between(before: Reading, after: Reading) -> Load:
    """The load between two readings."""
    process = (after.process_ns - before.process_ns) / max(after.wall_ns - before.wall_ns, 1)
    if not before.ticks or not after.ticks or after.ticks[0] <= before.ticks[0]:
        return Load(process)
    whole, busy, stolen = (now - then for now, then in zip(after.ticks, before.ticks, strict=True))
    return Load(process, busy / whole, stolen / whole)


__all__ = ["Load", "Reading", "between", "read", "ticks_of"]
