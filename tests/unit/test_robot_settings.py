"""What is wrong above the tests of a Robot file is told with its line: keywords of the bench in a Suite Setup."""

import os
import re

import forked
import pytest

HEAD = "*** Settings ***\nLibrary    hil.robot\n"
CASES = "\n*** Test Cases ***\nOne of {name}\n    Log    fine\n"
FILES = {
    "setup": HEAD + "Suite Setup    Set Signal    HighBeam    On\n" + CASES,
    "teardown": HEAD + "Suite Teardown    Set Signal    HighBeam    On\n" + CASES,
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
    assert said["teardown"] == ""
    mend = "Remedy: write 'Test Teardown' in the place of 'Suite Teardown': it runs in each test."
    told = f"Suite Teardown failed: teardown.robot:3: there is no bench outside a test. {mend}"
    assert [line for line in done.stderr.splitlines() if told in line]


def test_a_suite_setup_that_fails_is_no_failure_of_the_ecu(ran):
    done, said = ran
    assert said["files"].startswith("Parent suite setup failed: Path '")
    assert "1 pass, 2 usage error" in done.stdout
