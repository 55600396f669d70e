"""What is wrong above the tests of a Robot file is told with its line: sections, settings, a Suite Setup."""

import os
import re
from types import SimpleNamespace

import forked
import pytest
from robot import running

from hil.cli.robot_words import errors_in, in_words
from hil.errors import Verdict
from hil.robot.listener import BenchListener, case_of

HEAD = "*** Settings ***\nLibrary    hil.robot\n"
CASES = "\n*** Test Cases ***\nOne of {name}\n    Log    fine\n"
FILES = {
    "setup": HEAD + "Suite Setup    Set Signal    HighBeam    On\n" + CASES,
    "teardown": HEAD + "Suite Teardown    Set Signal    HighBeam    On\n" + CASES,
    "blank": HEAD.replace("y    h", "y h") + CASES.replace("Log    fine", "Set Signal    HighBeam    On"),
    "files": HEAD + "Suite Setup    Should Exist    nothing.bin\nLibrary    OperatingSystem\n" + CASES,
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("settings")
    for name, text in FILES.items():
        (folder / f"{name}.robot").write_text(text.format(name=name))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HIL_", "PYTEST_"))}
    bench = os.path.join(os.path.dirname(__file__), "..", "..", "fixtures", "benches", "virtual.toml")
    words = ("run", *(f"{name}.robot" for name in FILES), "--bench", os.path.abspath(bench))
    done = forked.run("hil.cli.main", *words, cwd=folder, env=kept)
    return done, dict(
        re.findall(r"^ +(?:usage error|fail|pass)  One of (\w+).*\n(?: {14}(.+))?", done.stdout, re.MULTILINE)
    )


def test_a_suite_setup_has_no_bench_and_its_error_says_where_one_is(ran):
    done, said = ran
    mend = "Remedy: write 'Test Setup' in the place of 'Suite Setup': it runs in each test."
    assert said["setup"] == f"setup.robot:3: there is no bench outside a test. {mend}"
    assert done.returncode == 2


def test_a_suite_teardown_that_fails_is_told_at_the_end(ran):
    done, said = ran
    assert said["teardown"] == "no check was made: the bench was not used"
    mend = "Remedy: write 'Test Teardown' in the place of 'Suite Teardown': it runs in each test."
    told = f"Suite Teardown failed: teardown.robot:3: there is no bench outside a test. {mend}"
    assert [line for line in done.stderr.splitlines() if told in line]


def test_a_suite_setup_that_fails_is_no_failure_of_the_ecu(ran):
    done, said = ran
    assert said["files"].startswith("files.robot:3: Parent suite setup failed: Path '")
    assert "1 pass, 3 usage error" in done.stdout


def test_a_library_line_with_one_blank_is_shown(ran):
    done, said = ran
    assert "No keyword with name 'Set Signal': line 2 is 'Library hil.robot', which imports nothing." in said["blank"]
    mend = "Remedy: put two blanks or more between 'Library' and 'hil.robot'."
    assert f"blank.robot:2: Non-existing setting 'Library hil.robot'. {mend}" in done.stderr


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Unrecognized section header '*** Setings ***'. Valid sections: 'Settings' and 'Comments'.",
         "Unrecognized section header '*** Setings ***'. Valid sections: 'Settings' and 'Comments'. "
         "Remedy: did you mean '*** Settings ***'?"),
        ("Non-existing setting 'Test Setpu'. Did you mean:\n    Test Setup",
         "Non-existing setting 'Test Setpu'. Remedy: did you mean 'Test Setup'?"),
        ("Non-existing setting 'Test Setup Log x'.",
         "Non-existing setting 'Test Setup Log x'. Remedy: put two blanks or more between 'Test Setup' and 'Log x'."),
        ("Non-existing setting 'Anything at all'.", "Non-existing setting 'Anything at all'."),
        ("Resource file 'a.resource' does not exist.", "Resource file 'a.resource' does not exist."),
    ],
)  # fmt: skip
def test_what_robot_says_of_a_file(message, said):
    assert in_words(f"Error in file '/some/where/a b.robot' on line 12: {message}") == f"a b.robot:12: {said}"


def test_what_robot_says_without_a_file_is_left():
    assert in_words("Suite Teardown failed") == "Suite Teardown failed"


def test_a_line_of_the_log_that_belongs_to_an_error_is_read_with_it(tmp_path):
    log = tmp_path / "robot.log"
    error = "[ ERROR ] Error in file 'x.robot' on line 2: Non-existing setting 'Libary'. Did you mean:\n    Library\n"
    log.write_text(f"{error}    more\n[ WARN ] no\n")
    assert errors_in(log) == ["x.robot:2: Non-existing setting 'Libary'. Remedy: did you mean 'Library'?"]
    assert errors_in(tmp_path / "none") == []


def test_the_suite_of_one_file_alone_is_called_like_the_file(tmp_path):
    text = "*** Test Cases ***\nA\n    Log    a\n"
    for name in ("x_lamps.robot", "y.robot"):
        (tmp_path / name).write_text(text)
    alone = running.TestSuite.from_file_system(tmp_path / "x_lamps.robot")
    assert case_of(alone.tests[0]).suite == "X Lamps"
    alone.name = "Suites"
    assert case_of(alone.tests[0]).suite == "Suites.X Lamps"
    both = running.TestSuite.from_file_system(tmp_path)
    both.name = "Suites"
    assert [case_of(suite.tests[0]).suite for suite in both.suites] == ["Suites.X Lamps", "Suites.Y"]


def test_two_tests_of_one_name_do_not_share_a_folder_of_evidence(tmp_path, monkeypatch):
    builtin = SimpleNamespace(set_library_search_order=lambda *names: None)
    monkeypatch.setattr("hil.robot.listener.BuiltIn", lambda: builtin)  # no run of Robot is on
    text = "*** Test Cases ***\nTwin\n    Log    a\nOther\n    Log    a\ntwin\n    Log    a\n"
    (tmp_path / "twins.robot").write_text(text)
    suite = running.TestSuite.from_file_system(tmp_path / "twins.robot")
    begun = []
    listener = BenchListener()
    listener._session = SimpleNamespace(
        settings=SimpleNamespace(folder="x"), begin=lambda case: begun.append(case.name) or "",
        end=lambda outcome: SimpleNamespace(verdict=Verdict.PASS, message=""),
    )  # fmt: skip
    results = [SimpleNamespace(skipped=False, failed=False, message="", status="PASS", tags=set()) for _ in range(3)]
    for test, result in zip(suite.tests, results, strict=True):
        listener.start_test(test, result)
        listener._end_test(result)
    assert begun == ["Twin", "Other"]
    assert [result.status for result in results] == ["PASS", "PASS", "FAIL"]
    assert results[2].message.startswith("USAGE ERROR: two cases have the id 'robot.twins.twin'")
