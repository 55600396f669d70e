"""One trial: a case on the lab bench, a fault at an instant drawn from the seed, the verdict, and the case after it.

Rules of this module: the instant lies in one of five phases of the case (booting, in a wait, in a send, in a check, in
clean-up: the end of the case, or of the run). A fault in clean-up may leave the verdict as it was: all evidence was
gathered before. The next case runs on a bench that was brought back, or is not run where nobody mended it: a coin of
the seed says which.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol
from xml.etree import ElementTree

from faults.fault import Fault, Shows
from faults.processes import child_pids
from hil.bench.case import Case
from hil.bench.facade import Bench
from hil.bench.reset import Start
from hil.bench.session import CaseVerdict, Outcome, Session, Settings
from hil.clock import wall_ns
from hil.errors import Verdict
from hil.evidence.report import make_report
from hil.journal import JournalReader
from hil.seed import seeded

PHASES: Final = ("boot", "wait", "send", "check", "clean-up")
LIMIT_S: Final = 1.0
_SPREAD_S: Final = {"boot": 0.3, "wait": 0.25, "send": 0.15, "check": 0.15, "clean-up": 0.05}
_LONGEST_S: Final = 8.0
_CLOSED_S: Final = 5.0
_SETTLE_S: Final = 3.0


class Place(Protocol):
    """The far ends of a bench, whatever they are."""

    @property
    def bench(self) -> Path:
        """The bench file."""

    @property
    def results(self) -> Path:
        """Where results go."""

    def begin(self) -> None:
        """A trial begins."""

    def held(self) -> int:
        """How many interfaces are in use."""

    def send(self, bench: Bench, number: int) -> None:
        """Something to everybody."""

    def check(self, bench: Bench, asks: Callable[[float], object]) -> None:
        """One round of all checks; each tells `asks` after how many seconds it can first know what it asks for."""

    def unsafe(self) -> list[str]:
        """What isn't as a bench must leave it."""

    def stolen_s(self) -> float:
        """How long the machine has stood still so far, where its own accounts don't say it."""


@dataclass
class Result:
    """How a trial went.

    Attributes:
        noticed_s: from the fault, or from the question that it spoils, to the error that ends the case.
        stalled_s: how long the bench's threads were ready to run in the case, while the machine did something else.
        wrong: what was not as it must be.
    """

    fault: str
    seed: str
    phase: str
    verdict: str = ""
    noticed_s: float = 0.0
    stalled_s: float = 0.0
    leaks: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Holdings:
    """What this process holds; threads by their names: a far end that comes back has another of the same name."""

    threads: Counter[str]
    descriptors: int
    children: int
    sockets: int

    @classmethod
    def now(cls, lab: Place) -> Holdings:
        """As it is."""
        threads = Counter(one.name for one in threading.enumerate())
        return cls(threads, len(os.listdir("/proc/self/fd")), len(child_pids()), lab.held())

    def more(self, before: Holdings) -> list[str]:
        """What is held beyond `before`."""
        found = [f"thread {name}" for name in sorted((self.threads - before.threads).elements())]
        kinds = {"descriptors": "file descriptors", "children": "processes", "sockets": "interfaces"}
        for attribute, kind in kinds.items():
            count = getattr(self, attribute) - getattr(before, attribute)
            found += [f"{count} {kind}"] if count > 0 else []
        return found


class Saboteur:
    """Does the fault once its phase is reached, from a thread of its own."""

    def __init__(self, lab: Place, fault: Fault, phase: str, delay_s: float) -> None:
        self._lab, self._fault, self._phase, self._delay_s = lab, fault, phase, delay_s
        self._begin, self.done = threading.Event(), threading.Event()
        self.done_ns = 0
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="saboteur")
        self._thread.start()

    def _work(self) -> None:
        self._begin.wait()
        time.sleep(self._delay_s)
        try:
            if self._phase == "boot":
                self._fault.ready(self._lab)
            self.done_ns = wall_ns()
            self._fault.do(self._lab)
        except BaseException as error:
            self.error = error
        self.done.set()

    def reach(self, phase: str) -> None:
        """The case is in a phase."""
        if phase == self._phase:
            self._begin.set()

    def end(self) -> None:
        """See that it has been done."""
        self._begin.set()
        self._thread.join()
        if self.error is not None:
            raise self.error


class Trial:
    """One trial.

    Args:
        lab: the far ends, whole.
        fault: what breaks.
        number: of the seed; its phase is this number modulo five.
    """

    def __init__(self, lab: Place, fault: Fault, number: int) -> None:
        self._lab, self._fault = lab, fault
        self._rng = seeded(f"fault {fault.name} {number}")
        self.result = Result(fault.name, str(number), PHASES[number % len(PHASES)])
        self._mends = self._rng.random() < 0.5
        self._asked_ns = 0

    def run(self) -> Result:
        """Run it; the lab is whole again afterwards."""
        lab, phase = self._lab, self.result.phase
        lab.begin()
        before = Holdings.now(lab)
        late = self.result.phase == "clean-up" and self._rng.random() < 0.5
        saboteur = Saboteur(lab, self._fault, phase, self._rng.uniform(0, _SPREAD_S[phase]))
        session = Session(Settings(bench=str(lab.bench), results=str(lab.results), seed=self.result.seed))
        try:
            self._first(session, saboteur, ends_the_run=late)
            if self._mends and not late:
                self._fault.mend(lab)
            if not late:
                self._second(session)
        finally:
            saboteur.reach("clean-up")
            self._close(session)
            saboteur.end()
            if late or not self._mends:
                self._fault.mend(lab)
        self._look_at_evidence(session.folder)
        shutil.rmtree(session.folder)
        del session
        self._look_for_leaks(before)
        return self.result

    def _close(self, session: Session) -> None:
        begin_ns, stolen_s = wall_ns(), self._lab.stolen_s()
        session.close()
        took_s = (wall_ns() - begin_ns) / 1e9 - (self._lab.stolen_s() - stolen_s)
        if took_s > _CLOSED_S:
            self.result.wrong.append(f"the bench was let go after {took_s:.1f} s")

    def _first(self, session: Session, saboteur: Saboteur, *, ends_the_run: bool) -> None:
        raised, waited_s = _Raised(), _waited_s() + self._lab.stolen_s()
        saboteur.reach("boot")
        session.begin(_case("first"))
        with raised.kept():
            self._body(session, saboteur)
        raised_ns, self.result.stalled_s = wall_ns(), _waited_s() + self._lab.stolen_s() - waited_s
        if not ends_the_run:
            saboteur.reach("clean-up")
        final = session.end(Outcome(error=raised.error))
        ended_ns = wall_ns()
        if not ends_the_run:
            saboteur.end()
        self._judge(final, raised_ns if raised.error is not None else ended_ns, saboteur.done_ns)

    def _body(self, session: Session, saboteur: Saboteur) -> None:
        bench = session.bench()
        saboteur.reach("wait")
        bench.sleep("300 ms")
        saboteur.reach("send")
        for number in range(6):
            self._lab.send(bench, number)
        saboteur.reach("check")
        end_ns = wall_ns() + round(_LONGEST_S * 1e9)
        while wall_ns() < end_ns:
            was_done = saboteur.done.is_set()
            self._check(bench)
            if self.result.phase == "clean-up" or (was_done and self._fault.shows is Shows.WHEN_ASKED):
                return

    def _check(self, bench: Bench) -> None:
        self._lab.check(bench, self._asks)

    def _asks(self, answer_s: float) -> None:
        """A question was asked; `_asked_ns` is when it can first be known that nobody answers."""
        self._asked_ns = wall_ns() + round(answer_s * 1e9)

    def _judge(self, final: CaseVerdict, raised_ns: int, done_ns: int) -> None:
        result = self.result
        result.verdict = final.verdict.value
        if result.phase == "clean-up" and final.verdict is Verdict.PASS:
            return
        if final.verdict is not Verdict.BENCH or not self._is_cause(final.message):
            result.wrong.append(f"verdict {final.verdict.value}: {final.message}")
        begin_ns = max(done_ns, self._asked_ns) if self._fault.shows is Shows.WHEN_ASKED else done_ns
        result.noticed_s = max(0.0, (raised_ns - begin_ns) / 1e9)
        if result.noticed_s - result.stalled_s > LIMIT_S:
            stalled = f"{result.stalled_s:.2f} s of them the machine had no time for it"
            result.wrong.append(f"noticed after {result.noticed_s:.2f} s, {stalled}")

    def _is_cause(self, message: str) -> bool:
        return any(re.search(pattern, message) for pattern in self._fault.cause)

    def _second(self, session: Session) -> None:
        """The case after it: on a bench that was brought back, or not run. A fault between the two is of either."""
        whole = self._mends or self._fault.heals
        final = self._another(session, "second")
        if self.result.phase == "clean-up" and final.verdict is Verdict.BENCH and self._is_cause(final.message):
            final = self._another(session, "third")
        if not whole and self._fault.comes_again and final.verdict is Verdict.BENCH and self._is_cause(final.message):
            return
        if final.verdict is not (Verdict.PASS if whole else Verdict.NOT_RUN):
            self.result.wrong.append(f"next case {final.verdict.value}: {final.message}")

    def _another(self, session: Session, name: str) -> CaseVerdict:
        raised, reason = _Raised(), session.begin(_case(name))
        with raised.kept():
            if not reason:
                bench = session.bench()
                self._lab.send(bench, 0)
                self._check(bench)
        return session.end(Outcome(error=raised.error, skipped=reason))

    def _look_at_evidence(self, folder: Path) -> None:
        """The journal is readable and names the fault; the report is made and says what the session said."""
        entries = list(JournalReader(folder / "tests" / "first" / "1" / "journal.mcap"))
        if not entries:
            self.result.wrong.append("the journal is empty")
        named = any(entry.kind == "fault" and self._is_cause(_told(entry.data)) for entry in entries)
        if self.result.verdict == Verdict.BENCH.value and not named and not self._fault.spoils_evidence:
            self.result.wrong.append("the journal names no fault")
        events = [entry.data for entry in JournalReader(folder / "session.mcap") if entry.kind == "session"]
        self.result.wrong += [event["message"] for event in events if event["event"] == "unsafe"]
        make_report(folder)
        said = _reported(folder, "first")
        if said != self.result.verdict:
            self.result.wrong.append(f"the report says {said}")

    def _look_for_leaks(self, before: Holdings) -> None:
        end = time.monotonic() + _SETTLE_S
        while (leaks := Holdings.now(self._lab).more(before)) and time.monotonic() < end:
            time.sleep(0.01)
        self.result.leaks = leaks
        self.result.wrong += self._lab.unsafe()


class _Raised:
    """What a case raised, as a runner keeps it."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.error = error


def _waited_s() -> float:
    """How long the main thread and the loops have waited for a processor that others had."""
    total_ns = 0
    for thread in threading.enumerate():
        if thread.name in ("MainThread", "hil-loop"):
            with contextlib.suppress(OSError):
                total_ns += int(Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text().split()[1])
    return total_ns / 1e9


def _case(name: str) -> Case:
    return Case(name, name, "lab", "lab:1", (), (), Start.ON, "pytest")


def _told(fault: dict[str, str]) -> str:
    return f"{fault['where']}: {fault['what']}"


_KINDS: Final = {"bench": "bench fault", "inconclusive": "inconclusive", "usage": "usage error"}


def _reported(folder: Path, name: str) -> str:
    """The verdict of a case in junit.xml."""
    for case in ElementTree.parse(folder / "junit.xml").getroot().iter("testcase"):
        if case.get("name") == name:
            error = case.find("error")
            if error is not None:
                return _KINDS[str(error.get("type"))]
            return "fail" if case.find("failure") is not None else "pass"
    return "missing"
