"""Where a case failed stands on the console and in JUnit: file and line of the step in the suite."""

import os
import re
from xml.etree import ElementTree as ET

import forked
import pytest

ROBOT = """*** Settings ***
Library    hil.robot
Resource    steps.resource

*** Test Cases ***
In the case
    Log    fine
    Should Be Equal    1    2
In a keyword of the suite
    Local Step
In a keyword of a resource
    Log    fine
    Far Step
In a loop
    FOR    ${state}    IN    1    2
        Should Be Equal    1    ${state}
    END
In two rows of a template
    [Template]    Should Be Equal
    1    1
    1    2
    1    3
In a block after one that caught
    TRY
        Should Be Equal    1    2
    EXCEPT
        Log    fine
    END
    Should Be Equal    1    2
Caught and then another
    Run Keyword And Ignore Error    Should Be Equal    1    2
    Should Be Equal    1    2
In the teardown too
    Should Be Equal    1    2
    [Teardown]    Should Be Equal    3    4
In the teardown alone
    Log    fine
    [Teardown]    Far Step
In the setup
    [Setup]    Far Step
    Log    fine
Caught and hidden
    Log    fine
    Run Keyword And Ignore Error    Telltale Should Be    high_beam    on    within=1 ms

*** Keywords ***
Local Step
    Log    fine
    Far Step
"""
STEPS = """*** Settings ***
Library    hil.robot

*** Keywords ***
Far Step
    Should Be Equal    1    2
"""
PYTEST = """import steps

def test_in_the_case(bench):
    steps.fine()
    assert bench is None

def test_in_a_helper_elsewhere(bench):
    steps.far(bench)

def test_in_a_helper_here():
    near()

def near():
    assert 1 == 2

def test_usage(bench):
    bench.set_signal("HighBeem", "On")
"""
HELPERS = """def fine():
    pass

def far(bench):
    assert bench is None
"""
PLACES = {
    "In the case": "x.robot:8", "In a keyword of the suite": "x.robot:49", "In a keyword of a resource": "x.robot:13",
    "In a loop": "x.robot:16",
    "In two rows of a template": "x.robot:21", "In a block after one that caught": "x.robot:29",
    "Caught and then another": "x.robot:32", "In the teardown too": "x.robot:34",
    "In the teardown alone": "x.robot:38", "In the setup": "x.robot:40", "Caught and hidden": "x.robot:44",
    "test_in_the_case": "test_x.py:5", "test_in_a_helper_elsewhere": "test_x.py:8",
    "test_in_a_helper_here": "test_x.py:14", "test_usage": "test_x.py:17",
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places")
    for name, text in (("x.robot", ROBOT), ("steps.resource", STEPS), ("test_x.py", PYTEST), ("steps.py", HELPERS)):
        (folder / name).write_text(text)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HIL_", "PYTEST_"))}
    bench = os.path.join(os.path.dirname(__file__), "..", "..", "fixtures", "benches", "virtual.toml")
    words = ("run", "x.robot", "test_x.py", "--bench", os.path.abspath(bench))
    return forked.run("hil.cli.main", *words, cwd=folder, env=kept), folder


def test_the_console_names_the_line_of_each_failure(ran):
    done, _ = ran
    assert dict(re.findall(r"^ +(?:fail|usage error)  (.+)  \((.+)\)$", done.stdout, re.MULTILINE)) == PLACES


def test_junit_names_file_and_line(ran):
    (junit,) = ran[1].glob("results/*/junit.xml")
    cases = {case.get("name"): case for case in ET.parse(junit).getroot().iter("testcase")}
    assert {name: f"{case.get('file')}:{case.get('line')}" for name, case in cases.items()} == PLACES
    assert f"where: {PLACES['In a loop']}" in cases["In a loop"].find("failure").text
