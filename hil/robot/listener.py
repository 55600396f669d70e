"""The library's listener: a case begins and ends with a Robot test, and Robot's status follows the bench's verdict."""

from __future__ import annotations

import contextlib
import re
import signal
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from robot.api import logger
from robot.libraries.BuiltIn import BuiltIn
from robot.running import TestSuite
from robot.utils import escape

from hil.bench import config as bench_config
from hil.bench.case import Case, checked, make_id, refuse_twins, split_tags
from hil.bench.facade import Bench
from hil.bench.session import Outcome, Session, Settings, announce, planned
from hil.clock import sleep_forbidden
from hil.errors import BenchError, HilError, UsageError, Verdict
from hil.robot.expansion import expand, set_variables, wrong_table
from hil.robot.mistakes import LIBRARY, in_words, unknown_keyword, wrong_named
from hil.robot.offshoot import Offshoot
from hil.robot.places import Places, place_of
from hil.robot.syntax import wrong_syntax

_STOPPED: Final = ("Execution terminated by signal", "Test execution stopped due to a fatal error")
_TIMED_OUT: Final = re.compile(r"(Test|Keyword) timeout .* exceeded")
_MISTAKE: Final = re.compile(
    r"No keyword with name|(Keyword|Library) '.*' (expected|got|missing)|^ValueError: Argument '"
    r"|Variable '.*' not found|^Parent suite setup failed:"
    r"|(Test|Task|User keyword) (case )?(cannot be empty|contains no keywords|must have)|Importing .* failed"
    r"|^[A-Z]\w*(Error|Exception): |Invalid (syntax|argument)|Evaluating expression '.*' failed: "
)
"""What Robot says of a suite that is wrong, in words that no check of an ECU uses."""
_JUDGES: Final = re.compile(r"\bShould\b|^Run Keyword And Expect Error$")
"""The keywords of other libraries that compare something: Robot's own, and those that are called like them."""
_WALL_TIME: Final = {"Sleep": "Sleep", "Wait Until Keyword Succeeds": "Wait Until Keyword Succeeds"}


def case_of(test: Any) -> Case:
    """The case that a Robot test is. One whose tags or table are wrong is a case too: a usage error."""
    said = split_tags(str(tag) for tag in test.tags)
    source = Path(test.source) if test.source else Path()
    case = Case(
        id=make_id("robot", source.stem, test.name),
        name=test.name,
        suite=_suite_of(test.parent),
        source=f"{source.name}:{test.lineno}",
        requirements=said.requirements,
        tags=said.others,
        start=said.start,
        runner="robot",
        doc=str(test.doc).split("\n", maxsplit=1)[0],
        timeout_s=said.timeout_s,
        needs=said.needs,
        mistake=wrong_table(test) or said.mistake,
    )
    unread = wrong_syntax(test.body)
    return checked(case) if unread is None else replace(checked(case), mistake=str(unread))


def _suite_of(suite: Any) -> str:
    """The name of a suite. That of a run of one file alone is also the file's: the run's name says nothing of it."""
    alone = suite.parent is None and suite.source and Path(suite.source).is_file()
    own = TestSuite.name_from_source(suite.source) if alone else suite.name
    return suite.full_name if own == suite.name else f"{suite.full_name}.{own}"


class BenchListener:
    """Begins and ends cases (Robot's listener API 3).

    Under `hil run` Robot makes it for the whole run, so that every test is a case, whether its suite imports the
    library or not; the library then uses that one. Elsewhere the library makes its own.
    """

    ROBOT_LISTENER_API_VERSION = 3
    of_the_run: BenchListener | None = None

    def __init__(self, for_the_run: str = "") -> None:
        if for_the_run:
            BenchListener.of_the_run = self
        self._session: Session | None = None
        self._broken: HilError | None = None
        self._refused: HilError | None = None
        self._running = False
        self._offshoot: Offshoot | None = None
        self._guard = contextlib.ExitStack()
        self._errors: list[HilError] = []
        self._here = ""
        self._judged_itself = False
        self._places = Places()
        self._begun: dict[str, Case] = {}
        self._setups: dict[str, str] = {}
        """Where the setups of suites failed, by the names of these."""
        self._setup_failed = ""

    @property
    def session(self) -> Session:
        """The session of this Robot run, made at the first test.

        Raises:
            HilError: it could not be made: the bench file is wrong, or the results folder can't be made.
        """
        if self._broken is not None:
            raise self._broken
        if self._session is None:
            if hasattr(signal, "SIGHUP"):
                signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
            try:
                self._session = Session(Settings.from_environment())
            except HilError as error:
                self._broken = error
                raise
        return self._session

    def start_suite(self, data: Any, result: Any) -> None:
        """Make tests out of the rows of data tables, where no pre-run modifier did; leave out what others run."""
        self._failed_setup(data.parent)
        self._places = Places(data)
        data.tests = expand(list(data.tests))
        if self._offshoot is None:
            self._offshoot = Offshoot(data.test_count)
        with contextlib.suppress(HilError):  # a bench that can't be made is told by each test
            if self._offshoot.is_wanted(self.session):
                data.tests = self._offshoot.run(self.session, data, case_of)
                return
        self._leave_out(data.tests, 0)

    def end_suite(self, data: Any, result: Any) -> None:
        """Tell of a Suite Teardown that failed: its cases have ended, and it has no bench to judge the ECU with."""
        if not result.has_teardown or not result.teardown.failed:
            return
        with contextlib.suppress(HilError):  # a bench that can't be made was told by each test
            self.session.talk.say(
                "usage error", "", message=f"Suite Teardown failed: {_said(result.teardown.message, None)}"
            )

    def bench(self) -> Bench:
        """The bench of the running test.

        Raises:
            HilError: as in `Session.bench`; outside tests it says where the keyword belongs.
        """
        session = self.session
        if not session.is_busy:
            kind = self._places.kind
            mend = f"write 'Test {kind}' in the place of 'Suite {kind}': it runs in each test."
            raise UsageError("there is no bench outside a test", remedy=mend)
        return session.bench()

    def _leave_out(self, tests: Any, begin: int) -> None:
        """Take away the tests from a place on, up to the next that is for this process to run."""
        with contextlib.suppress(HilError):  # a bench that can't be made is told by each test
            while self.session.shares and begin < len(tests) and not self.session.takes(case_of(tests[begin]).id):
                del tests[begin]

    def start_test(self, data: Any, result: Any) -> None:
        """A case begins."""
        self._errors, self._refused, self._here, self._judged_itself = [], None, "", False
        self._setup_failed = self._failed_setup(data.parent)
        self._places = Places(data)
        self._running = False
        with contextlib.suppress(RuntimeError):
            BuiltIn().set_library_search_order("hil.robot")
        try:
            case = case_of(data)
            refuse_twins([self._begun.setdefault(case.id, case), case])
            reason = self.session.begin(case)
            set_variables(data)
        except HilError as error:
            self._refused = error
            return
        self._running = True
        for oddity in case.oddities if not self.session.settings.folder else ():
            logger.warn(oddity)
        if reason:
            _skip(data, reason)
        self._guard.enter_context(sleep_forbidden(str(Path(data.source).parent)))

    def _failed_setup(self, suite: Any) -> str:
        """Where the setup of a suite, or of one around it, failed; empty if none did."""
        if suite is not None and self._places.is_of_suite and self._places.failed:
            self._setups[suite.full_name] = self._places.failed
        while suite is not None and suite.full_name not in self._setups:
            suite = suite.parent
        return self._setups[suite.full_name] if suite is not None else ""

    def start_library_keyword(self, data: Any, implementation: Any, result: Any) -> None:
        """Refuse the keywords of BuiltIn that wait in wall time; remember where the suite is."""
        if not self._begins(data, implementation, result):
            return
        owner = getattr(implementation.owner, "name", "")
        self._judged_itself |= owner != LIBRARY and bool(_JUDGES.search(implementation.name))
        if owner == LIBRARY and self._running:
            self._refuse_wrong_named(data, implementation)
        if owner == "BuiltIn" and implementation.name in _WALL_TIME and self._running:
            error = UsageError(
                f"BuiltIn.{implementation.name} waits in wall time, in which nothing happens on the bench",
                remedy=f"write '{implementation.name}' without 'BuiltIn.': hil.robot's waits in bench time.",
            )
            self.keep(error)
            implementation.error = str(error)

    def _refuse_wrong_named(self, data: Any, implementation: Any) -> None:
        wrong = wrong_named(implementation.name, implementation.args, data.args)
        if wrong is not None:
            error = UsageError(wrong[0], remedy=wrong[1])
            self.keep(error)
            implementation.error = str(error)

    def start_invalid_keyword(self, data: Any, implementation: Any, result: Any) -> None:
        """Remember where the suite is; say of a keyword that Robot doesn't know what can be meant."""
        self._begins(data, implementation, result)
        if "No keyword with name" in str(implementation.error):
            implementation.error = unknown_keyword(
                str(data.name), imports_of(data), str(implementation.error), _text_of(data.source)
            )

    def start_user_keyword(self, data: Any, implementation: Any, result: Any) -> None:
        """Refuse a keyword of the suite that can't be read; remember where the suite is."""
        if not self._begins(data, implementation, result) or not self._running:
            return
        error = wrong_syntax(implementation.body)
        if error is not None:
            self._here = ""
            self.keep(error)
            implementation.error = str(error)

    def start_body_item(self, data: Any, result: Any) -> None:
        """A block or a statement begins: it may fail by itself, and some catch."""
        self._places.begin(data)

    def end_body_item(self, data: Any, result: Any) -> None:
        """Remember where it failed; keywords too."""
        self._places.end(failed=result.failed, message=result.message)

    def _begins(self, data: Any, implementation: Any, result: Any) -> bool:
        """A keyword begins. False if Robot passes over it, since the test has failed or its branch isn't taken."""
        self._places.begin(data, implementation)
        if result.not_run:
            return False
        self._here = place_of(data) or self._here
        return True

    def keep(self, error: HilError) -> None:
        """Remember what a keyword raised: Robot keeps only its text. Errors of the test itself stick, and say where."""
        if isinstance(error, UsageError) and self._here and error not in self._errors:
            error.where = f"{self._here}: {error.where}" if error.where else self._here
        self._errors.append(error)
        if isinstance(error, UsageError) and self._running:
            self.session.note_usage_error(error)

    def end_test(self, data: Any, result: Any) -> None:
        """A case ends: Robot's status becomes the bench's verdict."""
        self._end_test(result)
        tests = data.parent.tests
        self._leave_out(tests, tests.index(data) + 1)

    def _end_test(self, result: Any) -> None:
        if not self._running:
            _set(result, Verdict.USAGE, str(self._refused or "the bench could not be made"))
            return
        self._running = False
        self._guard.close()
        where = self._places.failed or self._setup_failed
        final = self.session.end(replace(self._outcome(result), where=where, judged_itself=self._judged_itself))
        if final.verdict is Verdict.NOT_RUN:
            result.status, result.message = "SKIP", final.message
        elif final.verdict is not Verdict.PASS:
            _set(result, final.verdict, final.message)
        elif final.message and not BuiltIn().dry_run_active:
            result.message = final.message
            logger.warn(f"{result.name}: {final.message}")

    def _outcome(self, result: Any) -> Outcome:
        """What Robot says, with the class of what was raised, which Robot does not keep."""
        if result.skipped:
            reasons = [str(error) for error in self._errors if error.verdict is Verdict.NOT_RUN]
            return Outcome(skipped=reasons[-1] if reasons else result.message)
        if not result.failed:
            return Outcome()
        known = self._not_the_ecus(result.message)
        if known is not None:
            return Outcome(error=known)
        ended_by = {error.verdict: error for error in self._errors if str(error) in result.message}
        if Verdict.FAIL in ended_by or not ended_by:
            return Outcome(failed=result.message)
        return Outcome(error=next(iter(ended_by.values())))

    def _not_the_ecus(self, message: str) -> HilError | None:
        """What Robot itself ended a test with: a stop, its own time-out, a suite that is wrong."""
        if message.startswith(_STOPPED):
            return BenchError("the run was stopped in the middle of this case")
        if _TIMED_OUT.match(message):
            return UsageError(message, remedy="use the tag 'timeout:30 s', which is bench time.")
        return self._mistake(message)

    def _mistake(self, message: str) -> UsageError | None:
        """What Robot says of a suite that is wrong, with the step that it is about. What failed first decides."""
        failure = self._places.failure
        said = failure.message if failure is not None else message
        called = failure.called if failure is not None else None
        is_wrong = _MISTAKE.search(said) or getattr(called, "error", None)
        if not is_wrong or any(str(error) in said for error in self._errors):
            return None
        if failure is None:
            place, text = self._setup_failed or self._here, _said(said, None)
            return UsageError(text, where="" if text.startswith(f"{place}:") else place)
        return UsageError(_said(said, called, failure.arguments), where=failure.step or self._here)

    def output_file(self, path: Any) -> None:
        """Robot's output is written: in the process of one test that was all."""
        if self._offshoot is not None:
            self._offshoot.leave()

    def close(self) -> None:
        """The run is over: leave the bench safe; without a parent, make the report."""
        session, self._session = self._session, None
        if session is None:
            return
        session.close()
        if not session.settings.folder:
            from hil.evidence.report import make_report

            make_report(session.folder)
            logger.console(f"evidence: {session.folder / 'index.html'}")


def imports_of(data: Any) -> list[tuple[str, int]]:
    """The libraries that the suite of a step imports, with their lines."""
    parent = data
    while parent is not None and not hasattr(parent, "resource"):
        parent = parent.parent
    imports = parent.resource.imports if parent is not None else ()
    return [(str(one.name), one.lineno) for one in imports if one.type == "LIBRARY"]


def _text_of(source: Any) -> str:
    """A file's text; empty if there is none."""
    return Path(source).read_text(encoding="utf-8", errors="replace") if source else ""


def _said(message: str, called: Any, arguments: tuple[Any, ...] = ()) -> str:
    """What Robot says of a mistake, in one line, with the keyword that it is about."""
    text = in_words(message, called.name, called.args, arguments) if called is not None else message
    text = text.removeprefix("Parent suite setup failed:\n") if "outside a test" in text else text
    return re.sub(r"\s*\n\s*", " ", text)  # the blanks within a line say how it is written


def _set(result: Any, verdict: Verdict, message: str) -> None:
    result.status = "FAIL"
    result.message = message if verdict is Verdict.FAIL else f"{verdict.value.upper()}: {message}"
    if verdict is not Verdict.FAIL:
        result.tags.add(f"verdict:{verdict.value.replace(' ', '-')}")


def _skip(test: Any, reason: str) -> None:
    """Let a test do nothing but say why it is not run."""
    test.setup = test.teardown = test.template = None
    test.body = []
    test.body.create_keyword(name="BuiltIn.Skip", args=[escape(reason)])


class Selector:
    """Robot's pre-run modifier under `hil run`: keeps the selected tests and announces them to the parent."""

    def __init__(self, list_only: str = "") -> None:
        self._list_only = bool(list_only)
        self._settings = Settings.from_environment()
        self._variant = cache(lambda: bench_config.load(Path(self._settings.bench), self._settings.variant).variant)
        self._cases: dict[str, dict[str, Any]] = {}
        self._seen: list[Case] = []
        self._mistakes: list[UsageError] = []

    def start_suite(self, suite: Any) -> None:
        """Keep what is selected."""
        suite.tests = [test for test in expand(list(suite.tests)) if self._takes(test)]

    def _takes(self, test: Any) -> bool:
        """Whether a test runs. One that can't be a case is told to the parent, and the rest goes on."""
        case = case_of(test)
        if not self._settings.selection.takes(case):
            return False
        try:
            refuse_twins([*self._seen, case])
        except UsageError as error:
            self._mistakes.append(error)
            return False
        self._cases[case.id] = planned(case, self._variant())
        self._seen.append(case)
        return True

    def end_suite(self, suite: Any) -> None:
        """Drop suites that became empty; at the end announce, and drop all where they are only to be listed."""
        suite.suites = [child for child in suite.suites if child.test_count]
        if suite.parent is None:
            self._announce()
            if self._list_only:
                suite.tests, suite.suites = [], []

    def visit_suite(self, suite: Any) -> None:
        """Walk the tree (Robot calls this)."""
        self.start_suite(suite)
        for child in suite.suites:
            self.visit_suite(child)
        self.end_suite(suite)

    def _announce(self) -> None:
        from hil.bench.talk import talk_from_environment

        if not self._settings.announces:
            return
        talk = talk_from_environment(Path(self._settings.folder))
        announce(talk, self._cases, "robot")
        for mistake in self._mistakes:
            talk.say("usage error", "", message=str(mistake))
        talk.close()
