"""The pytest plugin: the `bench` fixture, markers, and verdicts that plain `pytest` and `hil run` share.

A test that asks for `bench` is a case: it gets a fresh bench, a journal and a verdict. Other tests are left alone, but
under `hil run` every collected test is a case. Heavy imports wait until a case is there.

    @pytest.mark.requirement("CLU-TT-001")
    def test_high_beam_lights(bench):
        bench.set_signal("HighBeam", "On")
        bench.screen().telltale("high_beam").should_be("on", within="300 ms")
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hil.pytest_hints import fixtures_in, hint, near
from hil.pytest_marks import MARKERS, asserts, case_of, place_of

if TYPE_CHECKING:
    from hil.bench.case import Case
    from hil.bench.case_forks import CaseForks
    from hil.bench.facade import Bench
    from hil.bench.session import CaseVerdict, Session
    from hil.tables import Row

_ROW_MARKERS = {"requirement": "requirement", "needs": "needs", "variant": "variant", "tags": "tag"}
_WRONG_TABLES = pytest.StashKey[dict[Any, str]]()
"""What is wrong with the table of a test function."""
_CASE = pytest.StashKey["Case"]()
_OUTCOME = pytest.StashKey[Any]()
_SESSION = pytest.StashKey["Session"]()
_FORKS = pytest.StashKey["CaseForks"]()
_SAID = pytest.StashKey[Any]()
_SLEEP_GUARD = pytest.StashKey[contextlib.ExitStack]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--bench`, `--variant`, `--hil-results`, `--hil-seed`, `--defect`."""
    group = parser.getgroup("hil", "cockpit bench")
    group.addoption("--bench", metavar="FILE", help="bench file; default: fixtures/benches/virtual.toml")
    group.addoption("--variant", metavar="NAME", help="variant under test, by name or file")
    group.addoption("--hil-results", metavar="DIR", help="where results folders are made; default: results")
    group.addoption("--hil-seed", metavar="TEXT", help="seed of the run")
    group.addoption("--defect", action="append", default=[], metavar="NAME", help="defect of the virtual ECU")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


def _under_hil_run() -> bool:
    return "HIL_SETTINGS" in os.environ


def _is_case(item: pytest.Item) -> bool:
    return _under_hil_run() or _uses_our_bench(item)


def _uses_our_bench(item: pytest.Item) -> bool:
    """Whether its fixture `bench` is the one below, perhaps within one of that name that the suite laid over it."""
    info = getattr(item, "_fixtureinfo", None)
    for fixture in reversed(info.name2fixturedefs.get("bench", ()) if info is not None else ()):
        if fixture.func.__module__ == __name__:
            return True
        if "bench" not in fixture.argnames:
            return False
    return False


def _session(config: pytest.Config) -> Session:
    """The session of this pytest run, made at the first need.

    Raises:
        pytest.UsageError: the bench file or what it names is wrong.
    """
    if _SESSION not in config.stash:
        from hil.bench.session import Session
        from hil.errors import HilError
        from hil.interrupts import end_on_hang_up

        end_on_hang_up()
        try:
            config.stash[_SESSION] = Session(_settings(config))
        except HilError as error:
            raise pytest.UsageError(str(error)) from None
    return config.stash[_SESSION]


def _settings(config: pytest.Config) -> Any:
    from dataclasses import replace

    from hil.bench.session import Settings

    settings = Settings.from_environment()
    given = {
        "bench": config.getoption("--bench"),
        "variant": config.getoption("--variant"),
        "results": config.getoption("--hil-results"),
        "seed": config.getoption("--hil-seed"),
        "defects": tuple(config.getoption("--defect")),
    }
    return replace(settings, **{name: value for name, value in given.items() if value})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each row of the table that a test asks for. One whose table is wrong is one case, a usage error."""
    for mark in metafunc.definition.iter_markers("table"):
        from hil.errors import UsageError

        try:
            _add_rows(metafunc, mark)
        except UsageError as error:
            metafunc.config.stash.setdefault(_WRONG_TABLES, {})[metafunc.function] = str(error)


def _add_rows(metafunc: pytest.Metafunc, mark: pytest.Mark) -> None:
    from hil import tables
    from hil.errors import UsageError

    if len(mark.args) != 1:
        raise UsageError("the marker table takes one file", remedy='write @pytest.mark.table("speeds.csv").')
    rows = tables.read(tables.find(str(mark.args[0]), metafunc.definition.path), mark.kwargs)
    names = [name for name in metafunc.fixturenames if name in rows[0].cells or name == "row"]
    if not names:
        mend = f"give it arguments called like columns ({', '.join(rows[0])}), or 'row'."
        raise UsageError("the test takes nothing of its table", where=str(mark.args[0]), remedy=mend)
    metafunc.parametrize(names, [_of_row(row, names, metafunc) for row in rows])


def _of_row(row: Row, names: list[str], metafunc: pytest.Metafunc) -> Any:
    """A row's values for a test; a cell that the test takes as `float` is one."""
    kinds = {name: metafunc.function.__annotations__.get(name) for name in names}
    values = [row if n == "row" else row.number(n) if kinds[n] in (float, "float") else row[n] for n in names]
    marks = [
        getattr(pytest.mark, marker)(*row.said(column)) for column, marker in _ROW_MARKERS.items() if row.said(column)
    ]
    return pytest.param(*values, id=row.key, marks=marks)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Make cases of the tests that use the bench, and drop those that `hil run` did not select."""
    cases = [item for item in items if _is_case(item)]
    wrong_tables = config.stash.get(_WRONG_TABLES, {})
    for item in items:
        if item not in cases and (wrong := wrong_tables.get(getattr(item, "function", None))):
            raise pytest.UsageError(f"{item.nodeid}: {wrong}")
    if not cases or (config.option.collectonly and not _under_hil_run()):
        return
    for item in cases:
        item.stash[_CASE] = case_of(item, wrong_tables.get(getattr(item, "function", None), ""))
    if _under_hil_run():
        selection = _settings(config).selection
        dropped = [item for item in cases if not selection.takes(item.stash[_CASE])]
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]
    chosen = [item.stash[_CASE] for item in items if _CASE in item.stash]
    if chosen:
        _announce(config, chosen)


def _announce(config: pytest.Config, chosen: list[Case]) -> None:
    from hil.errors import UsageError

    try:
        _session(config).announce(chosen)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run what is for this process to run, where several share the cases of a run or the first failure ends it.

    A case is claimed while the one before it runs, since pytest has to know which comes next.
    """
    config = session.config
    if _SESSION not in config.stash or session.testsfailed or config.option.collectonly:
        return None
    if _forks(config).are_wanted(len(session.items)):
        return _run_forked(session)
    if not config.stash[_SESSION].shares:
        return None
    ours = (item for item in session.items if _CASE not in item.stash or _session(config).takes(item.stash[_CASE].id))
    item = next(ours, None)
    while item is not None:
        after = next(ours, None) if not config.stash[_SESSION].settings.stop_at_first else None
        config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = after or next(ours, None)
    return True


def _run_forked(session: pytest.Session) -> bool:
    """Run each case in a process of its own, and report here what happened there."""
    bench, forks = _session(session.config), _forks(session.config)
    for item in session.items:
        if _CASE in item.stash and bench.takes(item.stash[_CASE].id):
            _run_in_child(item, forks)
        if session.shouldstop:
            raise session.Interrupted(str(session.shouldstop))
    return True


def _forks(config: pytest.Config) -> CaseForks:
    from hil.bench.case_forks import CaseForks

    if _FORKS not in config.stash:
        config.stash[_FORKS] = CaseForks(_session(config))
    return config.stash[_FORKS]


def _run_in_child(item: pytest.Item, forks: CaseForks) -> None:
    case, hook = item.stash[_CASE], item.config.hook
    child = forks.fork(case)
    if child.is_here:
        told = _Told(item.config)
        try:
            hook.pytest_runtest_protocol(item=item, nextitem=None)
        finally:
            forks.leave(child, told.reports)
    reports = forks.wait_for(child, case)
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in reports if reports is not None else [_death_of(item)]:
        made = report if isinstance(report, pytest.TestReport) else None
        made = made or hook.pytest_report_from_serializable(config=item.config, data=report)
        item.ihook.pytest_runtest_logreport(report=made)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


class _Told:
    """In a child: keeps the reports for the runner, in the place of the terminal."""

    def __init__(self, config: pytest.Config) -> None:
        self._config, self.reports = config, list[Any]()
        terminal = config.pluginmanager.getplugin("terminalreporter")
        if terminal is not None:
            config.pluginmanager.unregister(terminal)
        config.pluginmanager.register(self)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a report."""
        self.reports.append(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))


def _death_of(item: pytest.Item) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=item.nodeid, location=item.location, keywords={}, outcome="failed", when="call",
        longrepr="BENCH FAULT: the process of the case died",
    )  # fmt: skip


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """A case begins before its fixtures are set up."""
    if _CASE in item.stash:
        from hil.clock import sleep_forbidden

        reason = _session(item.config).begin(item.stash[_CASE])
        for oddity in item.stash[_CASE].oddities if not _under_hil_run() else ():
            item.warn(pytest.PytestWarning(oddity))
        stack = item.stash[_SLEEP_GUARD] = contextlib.ExitStack()
        stack.enter_context(sleep_forbidden(str(item.path.parent)))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))
    return (yield)


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Bench:
    """The bench of this test, brought to where the test starts from."""
    return _session(request.config).bench()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the bench's verdict into pytest's report."""
    report = yield
    if _CASE in item.stash:
        from dataclasses import replace

        from hil.errors import Verdict

        _note_outcome(item, call, report)
        session = _session(item.config)
        if report.when == "teardown":
            item.stash[_SLEEP_GUARD].close()
            final = session.end(replace(item.stash[_OUTCOME], judged_itself=asserts(item)))
            if final.verdict is Verdict.PASS and final.message and not _under_hil_run():
                item.warn(pytest.PytestWarning(f"{item.name}: {final.message}"))
            if not report.passed or final.verdict is not item.stash.get(_SAID, final.verdict):
                _apply(report, final)
        else:
            said = session.peek(item.stash[_OUTCOME])
            item.stash[_SAID] = said.verdict
            _apply(report, said)
    return report


def _note_outcome(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Keep how the test ended: the first phase that did not pass counts."""
    from hil.bench.session import Outcome

    outcome = item.stash.get(_OUTCOME, Outcome())
    if outcome == Outcome():
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            outcome = Outcome(skipped=reason.removeprefix("Skipped: "))
        elif report.failed and call.excinfo is not None:
            failed, where = call.excinfo.exconly(), place_of(item, call.excinfo)
            outcome = Outcome(error=_blame(call.excinfo, where), failed=failed, where=where)
    item.stash[_OUTCOME] = outcome


def _blame(raised: pytest.ExceptionInfo[BaseException], where: str) -> BaseException:
    """What is neither an assertion nor an error of the bench is a mistake of the test, and no verdict on the ECU."""
    from hil.bench.arguments import wrong_argument
    from hil.errors import HilError, UsageError

    error = raised.value
    if isinstance(error, HilError | AssertionError | pytest.fail.Exception) or not isinstance(error, Exception):
        return error
    if isinstance(error, pytest.FixtureLookupError):
        known = fixtures_in(str(getattr(error.formatrepr(), "errorstring", "")))
        return UsageError(f"there is no fixture '{error.argname}'", where=where, remedy=near(str(error.argname), known))
    last = raised.traceback[-1]
    if wrong := wrong_argument(last.frame.raw):
        return UsageError(wrong, where=where, remedy="give the call what it takes.")
    place = f"{Path(last.path).name}:{last.lineno + 1}"
    inner = "" if where.endswith(place) else f" (in {place})"
    return UsageError(f"the test raised {raised.exconly()}{inner}", where=where, remedy=hint(error, last.frame.raw))


def _apply(report: pytest.TestReport, final: CaseVerdict) -> None:
    from hil.errors import Verdict

    report.user_properties.append(("hil_verdict", final.verdict.value))
    if final.verdict is Verdict.NOT_RUN:
        report.outcome = "skipped"
        report.longrepr = (str(report.fspath), report.location[1] or 0, f"Skipped: {final.message}")
    elif final.verdict is Verdict.FAIL and report.passed:
        report.outcome, report.longrepr = "failed", f"FAIL: {final.message}"
    elif final.verdict in (Verdict.BENCH, Verdict.INCONCLUSIVE, Verdict.USAGE):
        report.outcome, report.longrepr = "failed", f"{final.verdict.value.upper()}: {final.message}"


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The run is over: leave the bench safe; without a parent, make the report."""
    if _SESSION not in config.stash:
        return
    session = config.stash[_SESSION]
    session.close()
    if not _under_hil_run():
        from hil.evidence.report import make_report

        make_report(session.folder)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say where the evidence lies."""
    if _SESSION in config.stash and not _under_hil_run():
        terminalreporter.write_line(f"evidence: {config.stash[_SESSION].folder / 'index.html'}")
