"""What a case says of itself: unknown requirements, misspelt tags and markers, cases of no requirement."""

import os

import forked
import pytest

from hil.bench.case import Case, checked
from hil.bench.case_words import known_requirements, odd_tags, refuse_unknown, strangers
from hil.bench.reset import Start
from hil.cli.notes import notes
from hil.errors import UsageError

KNOWN = {"CLU-TT-001", "CLU-TT-009", "CLU-SPD-001", "DIA-010"}


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("CLU-TT-999", "CLU-TT-009"),
        ("CLU-TL-001", "CLU-TT-001"),
        ("clu-spd-01", "CLU-SPD-001"),
        ("DAI-010", "DIA-010"),
        ("DIA-XYZXYZ", ""),
    ],
)
def test_an_unknown_requirement_of_a_known_kind_is_refused_with_the_nearest(name, near):
    with pytest.raises(UsageError) as error:
        refuse_unknown(["CLU-TT-001", name], KNOWN)
    meant = f"did you mean '{near}'? A new one" if near else "A new one"
    assert str(error.value).startswith(f"no requirement '{name}' in fixtures/requirements. Remedy: {meant}")


@pytest.mark.parametrize("names", [["CLU-TT-001"], ["clu-tt-001"], ["MY-001", "SYS_4711", "DASH-010"]])
def test_known_requirements_and_those_of_another_kind_are_let_be(names):
    refuse_unknown(names, KNOWN)


def test_without_requirement_files_no_requirement_is_wrong():
    refuse_unknown(["CLU-TT-999"], ())
    assert strangers(["CLU-TT-999"], ()) == []


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("requ:CLU-TT-999", "req:CLU-TT-999"),
        ("rq:X-1", "req:X-1"),
        ("qer:X-1", ""),
        ("rqe:X-1", "req:X-1"),
        ("requirement:X-1", "req:X-1"),
        ("req=X-1", "req:X-1"),
        ("req :X-1", "req:X-1"),
        ("ref:CLU-TT-001", "req:CLU-TT-001"),
        ("clu-tt-001", "req:clu-tt-001"),
        ("req CLU-TT-001", "req:CLU-TT-001"),
        ("strat:off", "start:off"),
        ("time-out:30 s", "timeout:30 s"),
        ("need:voice", "needs:voice"),
        ("tables:lamps.csv", "table:lamps.csv"),
        ("ref:X-1", ""),
        ("status:draft", ""),
        ("state:released", ""),
        ("cable:front", ""),
        ("owner:jo", ""),
        ("night", ""),
        ("requ", ""),
        ("table:lamps.csv", ""),
    ],
)
def test_a_tag_that_looks_misspelt_is_told(tag, meant):
    said = list(odd_tags([tag], "robot", (), KNOWN))
    assert said == ([f"the tag '{tag}' means nothing to the bench; did you mean '{meant}'?"] if meant else [])


def test_a_requirement_in_another_tag_too_is_let_be():
    assert list(odd_tags(["jira:CLU-TT-001"], "robot", ("CLU-TT-001",), KNOWN)) == []


def test_in_pytest_a_tag_says_nothing_and_the_marker_is_named():
    (said,) = odd_tags(["req:CLU-TT-001"], "pytest", (), KNOWN)
    assert said.endswith('write @pytest.mark.requirement("CLU-TT-001")')
    (said,) = odd_tags(["timout:30 s"], "pytest", (), KNOWN)
    assert said.endswith('write @pytest.mark.bench_timeout("30 s")')


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = tmp_path / "fixtures" / "requirements"
    folder.mkdir(parents=True)
    lines = (f'[[requirement]]\nid = "{name}"\ntitle = "t"\nsource = "project"\n' for name in sorted(KNOWN))
    (folder / "all.toml").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def case(*requirements, tags=(), mistake=""):
    return Case("x", "x", "suite", "a.robot:3", requirements, tags, Start.ON, "robot", mistake=mistake)


def test_a_case_is_checked_against_the_files_of_the_folder(project):
    assert known_requirements() == KNOWN
    found = checked(case("CLU-TT-999", tags=("requ:CLU-TT-001", "night")))
    assert found.mistake.startswith("a.robot:3: no requirement 'CLU-TT-999'")
    assert found.oddities == (
        "a.robot:3: the tag 'requ:CLU-TT-001' means nothing to the bench; did you mean 'req:CLU-TT-001'?",
    )
    assert checked(case("CLU-TT-001")) == case("CLU-TT-001")
    assert checked(case(mistake="start: no")).mistake == "a.robot:3: start: no"


def test_a_requirement_file_that_is_wrong_is_told(project):
    (project / "fixtures" / "requirements" / "b.toml").write_text("x =\n")
    assert "b.toml: is no TOML" in checked(case("CLU-TT-001")).mistake


def record(name, *requirements, oddities=()):
    return {"name": name, "requirements": list(requirements), "oddities": list(oddities)}


def test_the_notes_name_cases_without_a_requirement_and_requirements_without_a_file():
    planned = [record(f"c{number}") for number in range(7)] + [record("d", "MY-1"), record("e", "CLU-TT-001", "MY-1")]
    assert notes(planned, KNOWN) == [
        "1 requirement stands in no file of fixtures/requirements: MY-1",
        "7 cases name no requirement: c0, c1, c2, c3, c4, and 2 more",
    ]


def test_where_there_are_no_requirement_files_no_note_speaks_of_them():
    planned = [record("a"), record("b", "MY-1", oddities=["f:1: odd"]), record("c", oddities=["f:1: odd"])]
    assert notes(planned, ()) == ["f:1: odd"]


# Runs -----------------------------------------------------------------------------------------------------------------

ROBOT = """*** Settings ***
Library    hil.robot
*** Test Cases ***
Unknown requirement
    [Tags]    req:CLU-TT-999
    Log    x
Misspelt tag
    [Tags]    requ:CLU-TT-001
    Log    x
Too long
    [Tags]    req:CLU-TT-001    timeout:soon
    Log    x
Unknown need
    [Tags]    req:CLU-TT-001    needs:navigatoin
    Log    x
"""
PYTEST = """import pytest

@pytest.mark.requirement("CLU-TT-999")
def test_unknown(bench):
    pass

@pytest.mark.requirment("CLU-TT-001")
def test_marker(bench):
    pass

@pytest.mark.requirement("CLU-TT-001")
@pytest.mark.start("of")
def test_start(bench):
    pass

@pytest.mark.start
def test_no_start(bench):
    pass

@pytest.mark.requirement("CLU-TT-001")
@pytest.mark.tag("timout:30 s")
def test_good(bench):
    assert bench
"""
SAID = """\
x.robot:4: no requirement 'CLU-TT-999' in fixtures/requirements. Remedy: did you mean 'CLU-TT-009'? A new one
x.robot:10: 'soon' is no number with a unit. Remedy: write it like '87 km/h' or '300 ms'.
x.robot:13: there is no feature 'navigatoin'. Remedy: did you mean navigation? alta.toml knows
test_x.py:3: no requirement 'CLU-TT-999' in fixtures/requirements. Remedy: did you mean 'CLU-TT-009'? A new one
test_x.py:7: there is no marker 'requirment'. Remedy: did you mean @pytest.mark.requirement("CLU-TT-001")?
test_x.py:11: a test can't start from 'of'. Remedy: one of off, sleep, on.
test_x.py:16: the marker 'start' says nothing. Remedy: write @pytest.mark.start("off").
note: x.robot:7: the tag 'requ:CLU-TT-001' means nothing to the bench; did you mean 'req:CLU-TT-001'?
note: test_x.py:20: the tag 'timout:30 s' means nothing to the bench; write @pytest.mark.bench_timeout("30 s")
note: 3 cases name no requirement: Misspelt tag, test_marker, test_no_start
"""


@pytest.fixture
def run(project, repository):
    (project / "x.robot").write_text(ROBOT)
    (project / "test_x.py").write_text(PYTEST)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HIL_", "PYTEST_"))}
    bench = str(repository / "fixtures" / "benches" / "virtual.toml")
    return lambda *words: forked.run(*words, cwd=project, env=kept | {"HIL_BENCH": bench, "COLUMNS": "200"})


def test_a_case_with_a_mistake_counts_as_a_usage_error_and_the_rest_is_judged(run, project, repository):
    bench = str(repository / "fixtures" / "benches" / "virtual.toml")
    done = run("hil.cli.main", "run", "x.robot", "test_x.py", "--bench", bench)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "2 pass, 7 usage error" in done.stdout
    for line in SAID.splitlines():
        assert line in done.stdout
    listed = run("hil.cli.main", "run", "x.robot", "--bench", bench, "--list")
    assert listed.returncode == 2
    assert len(listed.stdout.splitlines()) == 5
    for line in (line for line in SAID.splitlines() if "x.robot" in line):
        assert line in listed.stderr


def test_plain_runners_say_the_same(run):
    robot = run("robot", "--output", "NONE", "--log", "NONE", "--report", "NONE", "x.robot")
    assert robot.returncode == 3, robot.stdout  # so many failed
    assert "USAGE ERROR: x.robot:4: no requirement 'CLU-TT-999'" in robot.stdout
    assert "x.robot:7: the tag 'requ:CLU-TT-001'" in robot.stderr
    plain = run("pytest", "-q", "-p", "no:cacheprovider", "test_x.py")
    assert "1 passed, 3 warnings, 4 errors" in plain.stdout, plain.stdout
    assert "USAGE ERROR: test_x.py:3: no requirement 'CLU-TT-999'" in plain.stdout
