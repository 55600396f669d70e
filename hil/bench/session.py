"""A session: one run of suites on one bench. Owns the results folder, the bench's life between cases, and verdicts.

Rules of this module: the verdict of a case is worked out here and nowhere else, from what is in the recorder (sticky
faults, failed checks) and from how the runner says that the test ended. A fault beats everything; a failed check that
somebody caught fails the case all the same. A verdict is never retried.
"""

from __future__ import annotations

import _thread
import faulthandler
import gc
import json
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from hil.bench import config as bench_config
from hil.bench.ahead import Ahead, seed_until_up, start_from
from hil.bench.case import Case, Selection, refuse_twins
from hil.bench.casebook import Casebook
from hil.bench.claims import Claims
from hil.bench.facade import Bench
from hil.bench.facts import write_run_json
from hil.bench.lock import ResourceLocks
from hil.bench.narration import told_step
from hil.bench.plan import Plan, plan, with_defects
from hil.bench.recorder import Recorder
from hil.bench.reset import Start
from hil.bench.talk import Talk, talk_from_environment
from hil.bench.variant import Variant, why_not
from hil.bench.verdicts import remark_of
from hil.bench.wiring import OpenBench, open_bench
from hil.clock import utc_now
from hil.errors import BenchError, HilError, NotRunError, UsageError, Verdict
from hil.hmi import ocr
from hil.interrupts import postponed, uninterrupted
from hil.journal import Journal

DEFAULT_SEED: Final = "1"
_LAST_WORDS_S: Final = 30.0
_LONGEST_MESSAGE: Final = 4096
EVERYTHING: Final = Selection()


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run was told. Travels to child processes in the environment variable `HIL_SETTINGS`.

    Attributes:
        bench: the bench file.
        results: where the results folder is made.
        seed: of all randomness.
        defects: switched on in a virtual ECU.
        selection: which cases run.
        folder: the results folder that the parent made; empty without a parent.
        variant: the variant in the place of the bench file's.
        claims: where the children of one run claim the cases that they share; empty where they share none.
        announces: whether this child says which cases are going to run.
        stop_at_first: whether what comes after the first failed case is left out.
    """

    bench: str = str(bench_config.DEFAULT_BENCH)
    results: str = "results"
    seed: str = DEFAULT_SEED
    defects: tuple[str, ...] = ()
    selection: Selection = EVERYTHING
    folder: str = ""
    variant: str = ""
    claims: str = ""
    announces: bool = True
    stop_at_first: bool = False

    def to_environment(self) -> dict[str, str]:
        """As environment variables for a child."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "selection"}
        chosen = {name: getattr(self.selection, name) for name in Selection.__dataclass_fields__}
        return {"HIL_SETTINGS": json.dumps(fields | {"selection": chosen})}

    @classmethod
    def from_environment(cls) -> Settings:
        """What the parent said, else the defaults (with `HIL_BENCH`, `HIL_VARIANT` and `HIL_RESULTS` where set)."""
        text = os.environ.get("HIL_SETTINGS")
        if not text:
            return cls(
                bench=os.environ.get("HIL_BENCH", str(bench_config.DEFAULT_BENCH)),
                results=os.environ.get("HIL_RESULTS", "results"),
                variant=os.environ.get("HIL_VARIANT", ""),
            )
        said = json.loads(text)
        chosen = {name: tuple(values) for name, values in said.pop("selection").items()}
        return cls(**said | {"defects": tuple(said["defects"]), "selection": Selection(**chosen)})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a runner says that a test ended.

    Attributes:
        error: what it raised, if anything.
        failed: what it says of its failure.
        skipped: why it was skipped.
        where: file and line of the step that failed last.
        judged_itself: whether the test compared something by its own means, an `assert` or Robot's `Should`.
    """

    error: BaseException | None = None
    failed: str = ""
    skipped: str = ""
    where: str = ""
    judged_itself: bool = False


@dataclass(frozen=True, slots=True)
class CaseVerdict:
    """The verdict of a case, the line that explains it, and where in the suite that was.

    A pass has such a line where there is something to remark.
    """

    verdict: Verdict
    message: str = ""
    where: str = ""


_PREPARED: dict[tuple[str, str], Plan] = {}


def prepare(settings: Settings) -> Plan:
    """Read the bench now, for all sessions of this process and of those forked from it.

    Raises:
        UsageError: bench file, database or layout is wrong.
    """
    made = plan(bench_config.load(Path(settings.bench), settings.variant))
    _PREPARED[settings.bench, settings.variant] = made
    return made


def _plan_of(settings: Settings) -> Plan:
    prepared = _PREPARED.get((settings.bench, settings.variant))
    if prepared is not None:
        return with_defects(prepared, settings.defects)
    return plan(bench_config.load(Path(settings.bench), settings.variant), settings.defects)


class Session:
    """One run of suites on one bench.

    Args:
        settings: what the run was told.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.plan: Plan = _plan_of(settings)
        self.config = self.plan.config
        self._locks = ResourceLocks(self.plan.resources, f"hil run on bench '{self.config.bench.name}'")
        self.folder = Path(settings.folder) if settings.folder else new_folder(settings.results, self.config.bench.name)
        self._owner = not settings.folder
        self._claims = Claims(Path(settings.claims) if settings.claims else None)
        self.talk: Talk = talk_from_environment(self.folder)
        self._open: OpenBench | None = None
        self.ahead: Ahead | None = None
        """A bench that is up, for the one case that this process is to run."""
        self._book = Casebook(self.folder, self.plan, self.settings.seed)
        self._case: Case | None = None
        self._facade: Bench | None = None
        self._fault = ""
        """What a real bench broke with, until it is open again."""
        self._gone = ""
        """Why a real bench is given up."""
        self._locked = False
        self._turn: FileLock | None = None
        """On a real bench the parts of one run take turns; what they can do without the bench they do side by side."""
        self._mistake: UsageError | None = None
        self._watchdog: threading.Timer | None = None
        self.verdicts: list[Verdict] = []
        if self._owner:
            write_run_json(self.folder, self.plan, self.settings.seed, {"results": self.settings.results})

    def announce(self, cases: list[Case]) -> None:
        """Say which cases are going to run.

        Raises:
            UsageError: two have one id.
        """
        refuse_twins(cases)
        records = {case.id: planned(case, self.config.variant) for case in cases}
        if self.settings.folder:  # a child of a run: what it has read until now stays, and needs no look for garbage
            gc.collect()
            gc.freeze()
        if self.settings.announces:
            announce(self.talk, records, cases[0].runner if cases else "")

    @property
    def shares(self) -> bool:
        """Whether cases may be left out: others run them, or the first failure ends the run."""
        return bool(self.settings.claims) or self.settings.stop_at_first

    def takes(self, case_id: str) -> bool:
        """Whether this session is to run a case: nobody else has it, and nothing has ended the run."""
        over = self.settings.stop_at_first and Verdict.FAIL in self.verdicts
        return not over and self._claims.take(case_id)

    # Cases --------------------------------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether a case is running."""
        return self._case is not None

    def begin(self, case: Case) -> str:
        """A case begins: its journal is opened; the bench only when it is asked for.

        Returns:
            Why nothing of the case must run: it doesn't apply to the variant, or what it says of itself is wrong.
        """
        said = planned(case, self.config.variant)
        self._case, self._facade = case, None
        self._mistake = UsageError(said["mistake"]) if said["mistake"] else None
        reason = self._book.begin(case) or said["mistake"] or said["not_run"]
        self.talk.say("start", case.id)
        self._arm_watchdog()
        return reason

    def _arm_watchdog(self) -> None:
        """A case that never ends is first interrupted, so that the bench is left safe; then the process is killed."""
        watchdog_s = self.config.bench.watchdog
        self._watchdog = threading.Timer(watchdog_s, _thread.interrupt_main)
        self._watchdog.daemon = True
        self._watchdog.start()
        if sys.__stderr__ is not None:  # Robot puts its own in the place of sys.stderr
            faulthandler.dump_traceback_later(watchdog_s + _LAST_WORDS_S, exit=True, file=sys.__stderr__)

    def _disarm_watchdog(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        if self._watchdog is not None:
            self._watchdog.cancel()

    def bench(self) -> Bench:
        """The bench of the running case, brought to its start state at the first call.

        Raises:
            UsageError: no case is running.
            BenchError: the bench can't be opened or brought to its start; sticky.
            NotRunError: the bench broke in an earlier case and could not be brought back.
        """
        if self._case is None:
            raise UsageError("there is no bench outside a test")
        if self._book.journal is None:
            raise self._book.lost or BenchError("the case has no journal")
        if self._facade is None:
            self._facade = self._start(self._case, self._book.journal)
        return self._facade

    def _start(self, case: Case, journal: Journal) -> Bench:
        self._fault = self._broke_meanwhile(self._open) or self._fault
        if self._open is not None and self._fault:
            self._close_bench()
        is_up = self.ahead is not None and case.start is Start.ON
        opened = self._go_on(journal) if is_up else self._opened(case)
        wiring = opened.wiring
        if not self.config.is_virtual:
            wiring.clock.restart()
        if not is_up:
            wiring.recorder.begin(journal)
            wiring.health.begin()
        facade = Bench(wiring, case.timeout_s or self.config.bench.timeout)
        if not is_up:
            start_from(facade, case.start)
        if self.config.is_virtual:
            wiring.dice.reseed(f"{self.settings.seed}/{case.id}")
        facade.arm()
        facade.portal.narrator = told_step if case.runner == "pytest" else None
        return facade

    @staticmethod
    def _broke_meanwhile(opened: OpenBench | None) -> str:
        """How the bench broke between two cases: it is opened anew rather than blamed on the ECU."""
        if opened is None:
            return ""
        left_over, lost = opened.wiring.clock.take_left_over(), opened.wiring.recorder.first_cause
        broken = lost if isinstance(lost, BenchError) else left_over or opened.dead_process()
        return "" if broken is None else str(broken)

    def _go_on(self, journal: Journal) -> OpenBench:
        """The bench that was booted ahead, in the process of the one case that has it."""
        assert self.ahead is not None
        self._open, self.ahead = self.ahead.go_on(journal), None
        return self._open

    def _opened(self, case: Case) -> OpenBench:
        if self._gone:
            raise NotRunError(f"the bench could not be brought back: {self._gone}")
        if self._open is None:
            self._lock()
            try:
                self._open = open_bench(self.plan, self._seed_of(case))
            except BenchError as error:
                self._note_not_opened(error)
                raise
        self._fault = ""
        return self._open

    def _seed_of(self, case: Case) -> str:
        own = f"{self.settings.seed}/{case.id}"
        return seed_until_up(self.settings.seed) if case.start is Start.ON else own

    def _note_not_opened(self, error: BenchError) -> None:
        """A real bench that doesn't open is tried once more, by the next case; then it is given up.

        Raises:
            NotRunError: this was the second time: the case had no bench.
        """
        if self.config.is_virtual:
            return
        if self._fault:
            self._gone = str(error)
            raise NotRunError(f"the bench could not be brought back: {error}") from error
        self._fault = str(error)

    def _lock(self) -> None:
        if not self._locked:
            if self.settings.folder and not self.config.is_virtual:
                self._turn = FileLock(self.folder / ".turn")
                self._disarm_watchdog()
                self._turn.acquire()
                self._arm_watchdog()
            self._locks.acquire()
            self._locked = True

    def note_usage_error(self, error: UsageError) -> None:
        """Keep a mistake of the test, whatever the suite catches."""
        if self._open is not None and self._facade is not None:
            recorder = self._open.wiring.recorder
            if recorder.first_cause is None:
                recorder.fault(error)
        else:
            self._mistake = self._mistake or error

    def peek(self, outcome: Outcome) -> CaseVerdict:
        """What the verdict of the running case would be if it ended now.

        Raises:
            UsageError: no case is running.
        """
        if self._case is None:
            raise UsageError("no case is running")
        return self._judge(outcome)

    def end(self, outcome: Outcome) -> CaseVerdict:
        """A case ended: work out its verdict, write it, and let a bench go that is not for the next one."""
        self._disarm_watchdog()
        case = self._case
        if case is None:
            raise UsageError("no case is running")
        final = self._judge(outcome)
        measured = self._measured()
        t_ns = self._write_verdict(outcome, final)
        recorder = self._open.wiring.recorder if self._open is not None else None
        self._case = None
        try:
            self._after_case(final)
        finally:
            self._book.close()
            final = self._of_lost(_of_broken(final, recorder))
            if final.verdict is Verdict.BENCH and not self.config.is_virtual:
                self._fault = final.message
                self._close_bench()
            self.verdicts.append(final.verdict)
            message = final.message[:_LONGEST_MESSAGE]
            detail = {"t_ns": t_ns, "where": final.where, **({"bench": measured} if measured else {})}
            self.talk.say("end", case.id, verdict=final.verdict, message=message, detail=detail)
        return final

    def _measured(self) -> dict[str, Any]:
        """What the bench measured of itself in this case, in short; nothing where it can't be late."""
        if self._open is None or self._facade is None:
            return {}
        wiring = self._open.wiring
        try:
            return wiring.clock.run(wiring.health.finish())
        except BenchError:  # it broke in the same moment; the next case finds it so
            return {}

    def _now_ns(self) -> int:
        return self._open.wiring.clock.now_ns if self._open is not None and self._facade is not None else 0

    def _of_lost(self, final: CaseVerdict) -> CaseVerdict:
        """Without its evidence no verdict stands."""
        lost = self._book.lost
        if lost is None or final.verdict in (Verdict.BENCH, Verdict.USAGE, Verdict.NOT_RUN):
            return final
        return CaseVerdict(Verdict.BENCH, str(lost))

    def _judge(self, outcome: Outcome) -> CaseVerdict:
        try:
            final = self._remarked(self._judge_case(outcome), outcome)
        except BenchError as error:  # it broke while it was asked
            final = CaseVerdict(Verdict.BENCH, str(error))
        return self._of_lost(final)

    @property
    def _recorder(self) -> Recorder | None:
        """That of the bench, once the running case has it."""
        return self._open.wiring.recorder if self._open is not None and self._facade is not None else None

    def _remarked(self, final: CaseVerdict, outcome: Outcome) -> CaseVerdict:
        """A case that made no check has nothing to fail by: it passes, and says so."""
        if final.verdict is not Verdict.PASS:
            return final
        return CaseVerdict(Verdict.PASS, remark_of(self._recorder, judged_itself=outcome.judged_itself))

    def _judge_case(self, outcome: Outcome) -> CaseVerdict:
        recorder = self._recorder
        final = _from_outcome(outcome)
        if self._mistake is not None:
            return CaseVerdict(Verdict.USAGE, str(self._mistake), outcome.where)
        if recorder is None:
            return final
        self._note_left_over()
        dead = self._open.dead_process() if self._open is not None else None
        if dead is not None and recorder.first_cause is None:
            recorder.fault(dead)
        if recorder.first_cause is not None:
            return CaseVerdict(recorder.first_cause.verdict, str(recorder.first_cause), outcome.where)
        if final.verdict in (Verdict.PASS, Verdict.NOT_RUN) and recorder.failed_checks:
            caught = recorder.failed_checks[0]
            what = f"a failed check was caught, but not declared as expected: {caught}"
            return CaseVerdict(Verdict.FAIL, what, outcome.where)
        if final.verdict in (Verdict.PASS, Verdict.NOT_RUN) and recorder.inconclusive is not None:
            return CaseVerdict(Verdict.INCONCLUSIVE, str(recorder.inconclusive))
        return self._judge_monitors(final)

    def _judge_monitors(self, final: CaseVerdict) -> CaseVerdict:
        """What the monitors found fails a case that would have passed; what the bench may have caused doesn't."""
        assert self._open is not None
        watch = self._open.wiring.traffic.watch
        found = self._open.wiring.clock.run(watch.failing())
        if final.verdict is not Verdict.PASS or not found:
            return final
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        sure = next((finding for finding in found if not watch.doubt(finding)), None)
        if sure is not None:
            return CaseVerdict(Verdict.FAIL, f"monitor: {sure}{more}")
        return CaseVerdict(Verdict.INCONCLUSIVE, f"monitor: {found[0]}, {watch.doubt(found[0])}{more}")

    def _note_left_over(self) -> None:
        """An error that came after the last portal call of the case."""
        if self._open is None:
            return
        error = self._open.wiring.clock.take_left_over()
        if error is None:
            return
        if not isinstance(error, HilError):
            error = BenchError(f"the bench failed in itself: {type(error).__name__}: {error}")
        if self._open.wiring.recorder.first_cause is None:
            self._open.wiring.recorder.fault(error)

    def _write_verdict(self, outcome: Outcome, final: CaseVerdict) -> int:
        t_ns = self._now_ns()
        error = outcome.error
        if isinstance(error, UsageError | BenchError) and self._facade is None:
            self._book.fault(t_ns, error)
        self._book.verdict(t_ns, final.verdict, final.message, final.where)
        return t_ns

    def _after_case(self, final: CaseVerdict) -> None:
        if self._open is None:
            return
        facade, self._facade = self._facade, None
        if facade is not None:
            facade.disarm()
        recorder = self._open.wiring.recorder
        self._keep_facts(recorder.facts)
        if self.config.is_virtual or final.verdict is Verdict.BENCH:
            self._close_bench()
        recorder.end()

    def _keep_facts(self, facts: dict[str, str]) -> None:
        if facts:
            self.talk.say("facts", "", detail=dict(sorted(facts.items())))

    def _close_bench(self) -> None:
        """Let the bench go. What could not be left safe is said where a person looks, and spoils the run."""
        opened, self._open = self._open, None
        with postponed():
            errors = opened.close() if opened is not None else []
        for error in errors:
            self.verdicts.append(Verdict.BENCH)
            self.talk.say("unsafe", "", verdict=Verdict.BENCH, message=str(error))
            print(f"the bench could not be left safe: {error}", file=sys.stderr)

    def close(self) -> None:
        """The run is over: leave the bench safe, let the locks go, and say so."""
        with uninterrupted():
            try:
                if self._case is not None:
                    self.end(Outcome(error=BenchError("the run was stopped in the middle of this case")))
            finally:
                self._close_bench()
                self._locks.release()
                if self._turn is not None:
                    self._turn.release()
        ocr.keep_known()
        self.talk.say("finished", "")
        self.talk.close()


def _of_broken(final: CaseVerdict, recorder: Recorder | None) -> CaseVerdict:
    """A bench that broke between the verdict and the end of the journal: what stands in the journal counts."""
    told = None if recorder is None else recorder.told
    if told is None or final.verdict in (Verdict.BENCH, Verdict.USAGE, Verdict.NOT_RUN):
        return final
    return CaseVerdict(Verdict.BENCH, str(told))


def announce(talk: Talk, records: dict[str, dict[str, Any]], runner: str) -> None:
    """Say which cases of a runner are going to run, and that these are all."""
    for case_id, record in records.items():
        talk.say("plan", case_id, detail=record)
    talk.say("announced", "", detail={"runner": runner})


def planned(case: Case, variant: Variant | None) -> dict[str, Any]:
    """What is said of a case before it runs: who it is, and why it doesn't apply or can't be, if so."""
    record = case.plan_record() | {"not_run": ""}
    try:
        return record if case.mistake else record | {"not_run": why_not(variant, case.needs)}
    except UsageError as error:
        return record | {"mistake": f"{case.source}: {error}"}


def _from_outcome(outcome: Outcome) -> CaseVerdict:
    error = outcome.error
    if isinstance(error, HilError):
        return CaseVerdict(error.verdict, str(error), outcome.where)
    if outcome.skipped:
        return CaseVerdict(Verdict.NOT_RUN, outcome.skipped)
    if error is not None or outcome.failed:
        return CaseVerdict(Verdict.FAIL, outcome.failed or f"{type(error).__name__}: {error}", outcome.where)
    return CaseVerdict(Verdict.PASS)


def new_folder(results: str, bench: str) -> Path:
    """A new results folder `<UTC>-<bench>`.

    Raises:
        UsageError: it can't be made.
    """
    stamp = f"{utc_now():%Y%m%dT%H%M%SZ}-{bench}"
    for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
        folder = Path(results) / f"{stamp}{suffix}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageError(f"can't be made: {error.strerror}", where=str(folder), remedy="give --results.") from error
        return folder
    raise UsageError("is full of runs of this second", where=results)
