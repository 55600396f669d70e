"""The journal of the running case, as the session keeps it: opened, given its verdict, closed.

Rules of this module: nothing here raises. A journal that can't be made or written is a bench fault of its case, kept
in `lost` until the next one begins; the session makes the verdict of it. Where not even the journal of the next case
can be made, that case has no evidence to stand on: it is not run. A disk that was full must have room for a whole case
again: what the last one left when it ended (its tail, `hil.tail`) is soon used up.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

from hil.bench.case import Case
from hil.bench.config import BenchConfig, BusSection
from hil.bench.plan import Plan
from hil.bench.variant import Variant, attached
from hil.can.tolerated import summary
from hil.errors import BenchError, HilError, Verdict
from hil.journal import Journal, UnwrittenError

ROOM_BYTES: Final = 1 << 20
"""What a case at least needs: some minutes of frames, and the pictures of a check."""


class Casebook:
    """The journals of one session, one after the other.

    Args:
        folder: the results folder.
        plan: the bench; what its journals are read by goes into each.
        seed: of the run.

    Attributes:
        journal: of the running case; None between two cases, and where it could not be made.
        lost: why the evidence of the running case, or of the last one, has a hole.
    """

    def __init__(self, folder: Path, plan: Plan, seed: str) -> None:
        self._folder, self._plan, self._seed = folder, plan, seed
        self.journal: Journal | None = None
        self.lost: BenchError | None = None

    def begin(self, case: Case) -> str:
        """Make the journal of a case. Returns why it can't be run: its journal can't be made, nor could the last be."""
        before, self.lost, self.journal = self.lost, None, None
        folder = self._folder / "tests" / case.id / "1"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if before is not None:
                _need_room(folder)
            self.journal = Journal(folder / "journal.mcap")
            self._head(self.journal, case)
        except (OSError, UnwrittenError) as error:
            self.lost = _lost(error)
            return f"an earlier case had no evidence: {before}" if before is not None else ""
        return ""

    def _head(self, journal: Journal, case: Case) -> None:
        journal.record(0, "case", _record_of(case, self._seed))
        for name, data in self._plan.files.items():
            journal.attach(name, "image/png" if name.endswith(".png") else "text/plain", data)
        journal.metadata("buses", _buses(self._plan.config))
        tolerated = {bus: summary(found) for bus, found in self._plan.tolerated.items() if found}
        if tolerated:
            journal.metadata("tolerated", tolerated)
        journal.flush()

    def fault(self, t_ns: int, error: HilError) -> None:
        """Write down a fault that came before there was a bench."""
        fields = {"verdict": error.verdict.value, "what": error.what, "where": error.where, "remedy": error.remedy}
        self._write(t_ns, "fault", fields)

    def verdict(self, t_ns: int, verdict: Verdict, message: str, where: str = "") -> None:
        """Write down how the case ended, and where in its suite."""
        placed = {"where": where} if where else {}
        self._write(t_ns, "verdict", {"verdict": verdict.value, "message": message, **placed})

    def _write(self, t_ns: int, kind: str, fields: dict[str, Any]) -> None:
        try:
            if self.journal is not None:
                self.journal.record(t_ns, kind, fields)
        except UnwrittenError as error:
            self.lost = self.lost or error

    def close(self) -> None:
        """The case is over."""
        journal, self.journal = self.journal, None
        if journal is None:
            return
        with contextlib.suppress(UnwrittenError):
            journal.close()
        self.lost = self.lost or journal.lost


def _need_room(folder: Path) -> None:
    if shutil.disk_usage(folder).free < ROOM_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _lost(error: OSError | UnwrittenError) -> BenchError:
    if isinstance(error, UnwrittenError):
        return error
    mend = "free space, or give another --results."
    return UnwrittenError(f"can't be made: {error.strerror}", where=str(error.filename), remedy=mend)


def _record_of(case: Case, seed: str) -> dict[str, Any]:
    return {
        "id": case.id,
        "name": case.name,
        "suite": case.suite,
        "requirements": list(case.requirements),
        "tags": list(case.tags),
        "start": case.start.value,
        "seed": seed,
        "attempt": 1,
        "runner": case.runner,
        "doc": case.doc,
    }


def _buses(config: BenchConfig) -> dict[str, str]:
    """What the journal's frames are read by: of each bus the attached databases, and its bit rates."""
    return {name: _bus_facts(bus, config.variant, name) for name, bus in config.bus.items()}


def _bus_facts(bus: BusSection, variant: Variant | None, name: str) -> str:
    facts: dict[str, Any] = {"database": bus.database.name, "encoding": bus.encoding, "cluster": bus.cluster}
    overlays = [attached(path) for path in variant.overlays_of(name)] if variant is not None else []
    facts |= {"overlays": overlays} if overlays else {}
    return json.dumps({**facts, "bitrate": bus.bitrate, "data_bitrate": bus.data_bitrate}, sort_keys=True)
