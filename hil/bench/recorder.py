"""The recorder: everything that happens on the bench goes through here into the journal of the running case.

Rules of this module: a bench fault is sticky. The first one is the cause; it ends the running portal call, and every
later use of the bench in that case raises it again, whatever a suite catches. What broke with something else is not the
cause: a port whose program was killed names the program. Where the journal can't be written nothing more goes into it.
While the bench is let go nothing that breaks cuts that short. Lateness of the bench, and spans in which it was blind,
are kept so that a check can tell whether its evidence was gathered meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from hil import records
from hil.bench.blind import Blind
from hil.bench.secrets import Vault
from hil.can.database import Value
from hil.can.frames import CanFrame
from hil.can.restbus import Lateness
from hil.clock import Clock
from hil.errors import BenchError, HilError, Verdict
from hil.journal import Journal, UnwrittenError

_SHOWS_AFTER: Final = 4
"""An ECU takes a sender for silent after some five cycles without its message: one, and these by which it was late."""


class Recorder:
    """The way from the rooms to the journal. Lives as long as the wiring; the journal changes with each case."""

    def __init__(self, clock: Clock, vault: Vault | None = None) -> None:
        self._clock, self._vault = clock, vault or Vault()
        self.journal: Journal | None = None
        self.first_cause: HilError | None = None
        self.told: BenchError | None = None
        """The cause of a fault that stands in the journal of this case."""
        self.inconclusive: HilError | None = None
        self.lateness: list[Lateness] = []
        self.blind: list[Blind] = []
        self.failed_checks: list[str] = []
        self.checks = 0
        """How many checks the case has made, passed or not."""
        self.facts: dict[str, str] = {}
        self._fact_patterns: dict[str, dict[str, re.Pattern[str]]] = {}
        self._lines: dict[str, str] = {}
        self._step = 0
        self._open_steps: list[int] = []
        self.look_deeper: Callable[[], BenchError | None] = lambda: None
        """What lies behind a port that broke, if anything does."""
        self._is_let_go = False

    def begin(self, journal: Journal) -> None:
        """From here on everything belongs to a new case; so does a fault since the end of the last one."""
        self.journal, self.told = journal, None
        self.lateness, self.blind, self.failed_checks, self.checks = [], [], [], 0
        self._step, self._open_steps = 0, []

    def go_on(self, journal: Journal) -> None:
        """What was recorded until now stands in this journal too; from here on all goes there."""
        self.journal = journal

    def end(self) -> None:
        """The case is over: what it had to say is forgotten, but not a bench that broke."""
        self.journal = self.inconclusive = None
        if not isinstance(self.first_cause, BenchError):
            self.first_cause = None

    def record(self, kind: str, fields: Mapping[str, Any], *, name: str = "", t_ns: int | None = None) -> None:
        """A JSON record, now or at an earlier instant. Never raises: ports and tasks of the bench call it."""
        journal = self.journal
        if journal is None:
            return
        if self._vault.holds:
            fields = self._vault.hide_in(fields)
        try:
            journal.record(self._clock.now_ns if t_ns is None else t_ns, kind, fields, name=name)
        except UnwrittenError as error:
            self.unwritten(error)

    def hide(self, text: str) -> str:
        """A text without the bench's secrets."""
        return self._vault.hide(text)

    def unwritten(self, error: UnwrittenError) -> None:
        """The journal can't be written. Whoever had something to record goes on; the running portal call ends."""
        self.journal = None
        if not self._is_let_go:
            self.first_cause = self.first_cause or error
            self._clock.abort(self.first_cause)

    def frame(self, frame: CanFrame) -> None:
        """A CAN frame was on a bus."""
        if self.journal is not None:
            try:
                self.journal.take(frame)
            except UnwrittenError as error:
                self.unwritten(error)

    def signal(self, name: str, value: Value, by: str, t_ns: int | None = None) -> None:
        """A signal has a value now, or had it at an earlier instant: set by the `bench`, or read from the `ecu`."""
        journal, label = self.journal, value.label or ""
        if journal is None:
            return
        text = None if self._vault.holds else records.signal_text(name, value.physical, value.unit, label, by)
        if text is None:
            fields = {"signal": name, "value": value.physical, "unit": value.unit, "label": label, "by": by}
            self.record("signal", fields, t_ns=t_ns)
            return
        try:
            journal.line("/signal", self._clock.now_ns if t_ns is None else t_ns, text)
        except UnwrittenError as error:
            self.unwritten(error)

    def plain_check(self, t_ns: int, *fields: Any) -> bool:
        """A check, kept from here on; False: it has to be recorded and flushed as any other record.

        Args:
            t_ns: when.
            fields: those of `records.check_text`.

        Raises:
            UnwrittenError: it could not be kept.
        """
        text = None if self._vault.holds else records.check_text(*fields)
        if text is None:
            return False
        if self.journal is not None:
            self.journal.keep("/check", t_ns, text)
        return True

    def console(self, name: str, t_ns: int, direction: str, text: str) -> None:
        """Text went over a console."""
        self.record("console", {"direction": direction, "text": text}, name=name, t_ns=t_ns)
        if direction == "rx" and name in self._fact_patterns:
            self._read_facts(name, text)

    def watch_facts(self, console: str, patterns: Mapping[str, re.Pattern[str]]) -> None:
        """Read facts about the device under test from what a console says: of each the one group of its pattern."""
        self._fact_patterns[console] = dict(patterns)

    def _read_facts(self, console: str, text: str) -> None:
        *lines, rest = (self._lines.get(console, "") + text).split("\n")
        self._lines[console] = rest[-4096:]
        for line in lines:
            for fact, pattern in self._fact_patterns[console].items():
                match = pattern.search(line)
                if match:
                    self.facts[fact] = match[1]

    def late(self, lateness: Lateness) -> None:
        """The bench sent something too late."""
        self.lateness.append(lateness)
        fields = {"what": lateness.what, "late_ns": lateness.late_ns, "allowed_ns": lateness.allowed_ns}
        self.record("health", fields | {"from_ns": lateness.due_ns})

    def late_during(self, from_ns: int, to_ns: int) -> Lateness | None:
        """The worst lateness that touches a span of bench time."""
        touching = [late for late in self.lateness if late.due_ns <= to_ns and late.due_ns + late.late_ns >= from_ns]
        return max(touching, key=lambda late: late.late_ns, default=None)

    def lateness_that_shows(self) -> Lateness | None:
        """The worst lateness so far that an ECU has to notice: a sender that seemed to be silent."""
        noticed = [late for late in self.lateness if late.late_ns > _SHOWS_AFTER * late.allowed_ns]
        return max(noticed, key=lambda late: late.late_ns, default=None)

    def let_go(self) -> None:
        """The bench is being closed: what breaks from here on is nothing that anybody waits for."""
        self._is_let_go = True

    def lost(self, error: HilError) -> None:
        """A port broke: in the loop's thread, from its driver."""
        if self._is_let_go:
            return
        self.fault(error)
        self._clock.abort(self.first_cause or error)

    def cause_of(self, error: BenchError) -> BenchError:
        """The fault that an error follows from, which may be itself."""
        if isinstance(self.first_cause, BenchError):
            return self.first_cause
        return self.look_deeper() or error

    def fault(self, error: HilError) -> None:
        """Keep a fault; of several the first is the cause."""
        if isinstance(error, UnwrittenError):
            self.journal = None
        elif isinstance(error, BenchError) and self.first_cause is None:
            deeper = self.look_deeper()
            if deeper is not None and str(deeper) != str(error):
                self._keep(deeper)
        self._keep(error)

    def _keep(self, error: HilError) -> None:
        self._vault.hide_error(error)
        sticky = error.verdict in (Verdict.BENCH, Verdict.USAGE)
        cause = str(self.first_cause) if self.first_cause is not None else ""
        if sticky and self.first_cause is None:
            self.first_cause = error
        if error.verdict is Verdict.INCONCLUSIVE:
            self.inconclusive = self.inconclusive or error
        if self.journal is not None and isinstance(self.first_cause, BenchError):
            self.told = self.first_cause
        fields = {"verdict": error.verdict.value, "what": error.what, "where": error.where, "remedy": error.remedy}
        self.record("fault", fields | {"cause": cause})

    def raise_if_broken(self) -> None:
        """Refuse to go on on a broken bench.

        Raises:
            BenchError: the first cause.
        """
        if self.first_cause is not None and isinstance(self.first_cause, BenchError):
            raise self.first_cause

    def step(self, name: str, arguments: list[str] | None = None) -> int:
        """A step of the case begins; returns its number for `end_step`."""
        self._step += 1
        parent = self._open_steps[-1] if self._open_steps else 0
        self._open_steps.append(self._step)
        fields = {"id": self._step, "parent": parent, "phase": "start", "name": name, "args": arguments or []}
        self.record("step", fields)
        journal = self.journal
        if journal is not None:
            self._flush(journal)
        return self._step

    def _flush(self, journal: Journal) -> None:
        try:
            journal.flush()
        except UnwrittenError as error:
            self.unwritten(error)

    def end_step(self, step: int, status: str) -> None:
        """A step ended: `pass` or `fail`."""
        if step in self._open_steps:
            del self._open_steps[self._open_steps.index(step) :]
        self.record("step", {"id": step, "phase": "end", "status": status})
