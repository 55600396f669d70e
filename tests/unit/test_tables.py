"""Data tables: rows become cases in Robot and in pytest alike; what is wrong is one line with file, line and column."""

import os

import forked
import pytest
from robot import running

from hil import tables
from hil.errors import UsageError
from hil.robot.expansion import expand, wrong_table

LAMPS = """# remark
lamp,signal,colour,limit,requirement,needs,tags

high_beam,HighBeam,blue,200,CLU-TT-001 CLU-TT-002,,slow
low_beam, LowBeam ,green,"1,5",CLU-TT-001,navigation,
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="lamps.csv"):
        folder = tmp_path / "fixtures" / "tables"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        return folder / name

    return write


def test_a_row_knows_its_key_its_place_and_what_it_says(write):
    high, low = tables.read(write(LAMPS))
    assert (high.key, high.where, low.where) == ("high_beam", "lamps.csv:4", "lamps.csv:5")
    assert low["signal"] == "LowBeam"
    assert high.tags == ["req:CLU-TT-001", "req:CLU-TT-002", "slow"]
    assert low.tags == ["req:CLU-TT-001", "needs:navigation"]
    assert high.number("limit") == 200.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lamps.csv: has no rows. Remedy: write the columns in the first line, rows below."),
        ("lamp,signal\n# high,x\n", "lamps.csv: has no rows"),
        ("lamp,\nhigh,x\n", "lamps.csv:1: the column '' has no usable name"),
        ("lamp,a b\nhigh,x\n", "lamps.csv:1: the column 'a b' has no usable name"),
        ("lamp,lamp\nhigh,x\n", "lamps.csv:1: the column 'lamp' stands twice"),
        ("lamp,bench\nhigh,x\n", "lamps.csv:1: a column can't be called 'bench'"),
        (
            "lamp,x\nhigh,1\nlow\n",
            "lamps.csv:3: 1 cells stand in 2 columns. Remedy: a comma within a cell needs quotes",
        ),
        ("lamp,x\nhigh,1\n,2\n", "lamps.csv:3: column 'lamp' is empty: it is the key of the row. Remedy: fill it."),
        ("lamp,x\nhigh,1\n# r\nHigh,2\n", "lamps.csv:4: column 'lamp': 'High' stands at 2 already"),
        ('lamp,x\nhigh,"1\n', "lamps.csv:2: is no CSV: unexpected end of data"),
        ('lamp,x\nhigh,"1\n2"\nlow,\n,1\n', "lamps.csv:5: column 'lamp' is empty"),
    ],
)
def test_a_wrong_table_is_one_line_with_its_place(write, text, said):
    with pytest.raises(UsageError) as error:
        tables.read(write(text))
    assert str(error.value).startswith(said)
    assert str(error.value).isprintable()


def test_a_cell_that_is_no_number_is_told_with_its_column(write):
    _, low = tables.read(write(LAMPS))
    with pytest.raises(UsageError, match=r"lamps\.csv:5: column 'limit': '1,5' is no number"):
        low.number("limit")
    with pytest.raises(UsageError, match=r"no column 'limits'\. Remedy: did you mean 'limit'"):
        low["limits"]


def test_our_own_tables_can_be_read(repository):
    files = sorted((repository / "fixtures" / "tables").glob("*.csv"))
    assert {file.name for file in files} >= {"telltales.csv"}
    assert all(tables.read(file) for file in files)
    assert len(tables.read(repository / "fixtures/tables/telltales.csv", {"colour": "blue"})) >= 1


def test_rows_are_chosen_by_cells(write):
    path = write(LAMPS)
    assert [row.key for row in tables.read(path, {"colour": "green"})] == ["low_beam"]
    with pytest.raises(UsageError, match=r"no row has colour=red and signal=LowBeam"):
        tables.read(path, {"colour": "red", "signal": "LowBeam"})
    with pytest.raises(UsageError, match=r"no column 'color'\. Remedy: did you mean 'colour'"):
        tables.read(path, {"color": "red"})


def test_a_table_lies_beside_the_suite_or_in_fixtures_above(write, tmp_path):
    suite = tmp_path / "suites" / "deep" / "x.robot"
    suite.parent.mkdir(parents=True)
    path = write(LAMPS)
    assert tables.find("lamps.csv", suite) == path
    with pytest.raises(UsageError, match=r"x\.robot: no table 'lamp\.csv'\. Remedy: did you mean lamps\.csv\?"):
        tables.find("lamp.csv", suite)
    (suite.parent / "lamps.csv").write_text(LAMPS)
    assert tables.find("lamps.csv", suite) == suite.parent / "lamps.csv"


# Robot ----------------------------------------------------------------------------------------------------------------

ROBOT = """*** Settings ***
Library    hil.robot

*** Test Cases ***
Lamp lights
    [Tags]    table:lamps.csv    fast
    [Setup]    Set Signal    ${signal}    On
    Telltale Should Be    ${lamp}    on    within=500 ms

Lamp by template
    [Tags]    table:lamps.csv colour=blue
    [Template]    Lamp ${lamp} By ${signal}

All cells
    [Tags]    table:pairs.csv
    [Template]    Should Be Equal

Without a table
    Screen Should Be    on

*** Keywords ***
Lamp ${name} By ${by}
    Set Signal    ${by}    On
    Telltale Should Be    ${name}    on    within=500 ms
"""
PYTEST = """import pytest

@pytest.mark.table("lamps.csv")
@pytest.mark.parametrize("state", ["On", "Off"])
def test_lamp(bench, lamp, signal, state):
    bench.set_signal(signal, state)
    bench.screen().telltale(lamp).should_be(state.lower(), within="500 ms")

@pytest.mark.table("lamps.csv", colour="blue")
def test_limit(bench, row, limit: float):
    assert (limit, row["limit"]) == (200.0, "200")
"""


def robot_tests(tmp_path, text):
    path = tmp_path / "lamps.robot"
    path.write_text(text, encoding="utf-8")
    return list(running.TestSuite.from_file_system(path).tests)


def test_a_robot_test_becomes_one_a_row(write, tmp_path):
    write(LAMPS)
    write("left,right\nabc,abc\n$x,$x\n", "pairs.csv")
    tests = expand(robot_tests(tmp_path, ROBOT))
    assert not any(map(wrong_table, tests))
    assert [test.name for test in tests] == [
        "Lamp lights [high_beam]", "Lamp lights [low_beam]", "Lamp by template [high_beam]", "All cells [abc]",
        "All cells [$x]", "Without a table",
    ]  # fmt: skip
    assert [str(tag) for tag in tests[0].tags] == ["fast", "req:CLU-TT-001", "req:CLU-TT-002", "slow"]
    assert [(item.name, item.args) for item in tests[2].body] == [("Lamp ${lamp} By ${signal}", ())]
    assert tests[3].body[0].args == ("abc", "abc")


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("table:lamp.csv", "no table 'lamp.csv'. Remedy: did you mean lamps.csv?"),
        ("table:lamps.csv blue", "'blue' is no condition. Remedy: write 'table:FILE column=cell'."),
        ("table:lamps.csv    table:pairs.csv", "a test takes its rows from one table. Remedy: write two tests."),
        ("table:bad.csv", "bad.csv:2: 1 cells stand in 2 columns."),
    ],
)
def test_a_wrong_table_leaves_the_robot_test_with_a_mistake(write, tmp_path, tag, said):
    write(LAMPS)
    write("a,b\nx\n", "bad.csv")
    wrong = ROBOT.replace("table:lamps.csv    fast", tag)
    (test,) = expand(robot_tests(tmp_path, wrong)[:1])
    assert test.name == "Lamp lights"
    assert said in wrong_table(test)


# Runs -----------------------------------------------------------------------------------------------------------------


def run(folder, *command):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HIL_", "PYTEST_"))}
    return forked.run(*command, cwd=folder, env=kept)


def ids(folder):
    (results,) = folder.glob("results/*")
    return sorted(path.name for path in results.glob("tests/*"))


@pytest.fixture
def suites(write, tmp_path, repository):
    write(LAMPS)
    write("left,right\nabc,abc\n${x},${x}\n", "pairs.csv")
    (tmp_path / "lamps.robot").write_text(ROBOT)
    (tmp_path / "test_lamps.py").write_text(PYTEST)
    return "--bench", str(repository / "fixtures" / "benches" / "virtual.toml")


ALL = [
    "pytest.lamps.lamp_high_beam-off", "pytest.lamps.lamp_high_beam-on", "pytest.lamps.lamp_low_beam-off",
    "pytest.lamps.lamp_low_beam-on", "pytest.lamps.limit_high_beam",
    "robot.lamps.all_cells_abc", "robot.lamps.all_cells_x-0cb7b5ff", "robot.lamps.lamp_by_template_high_beam",
    "robot.lamps.lamp_lights_high_beam", "robot.lamps.lamp_lights_low_beam", "robot.lamps.without_a_table",
]  # fmt: skip


def test_rows_are_cases_with_the_key_in_their_ids(suites, tmp_path):
    done = run(tmp_path, "hil.cli.main", "run", "lamps.robot", "test_lamps.py", *suites, "--variant", "brio")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 pass, 3 not run" in done.stdout
    found = ids(tmp_path)
    assert [name for name in found if "all_cells_x" not in name] == [n for n in ALL if "all_cells_x" not in n]


def test_rows_are_selected_by_name_and_listed(suites, tmp_path):
    done = run(tmp_path, "hil.cli.main", "run", "lamps.robot", *suites, "--name", "*[[]high_beam]", "--list")
    assert [line.strip().split("  ")[0] for line in done.stdout.splitlines()[1:]] == [
        "Lamp by template [high_beam]", "Lamp lights [high_beam]",
    ]  # fmt: skip


def test_plain_robot_and_plain_pytest_know_tables_too(suites, tmp_path):
    kept = os.environ | {"HIL_BENCH": suites[1]}
    done = forked.run("robot", "--output", "out.xml", "lamps.robot", cwd=tmp_path, env=kept)
    assert "6 tests, 6 passed" in done.stdout, done.stdout + done.stderr
    assert (tmp_path / "out.xml").exists()
    done = run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", *suites)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


@pytest.mark.parametrize(
    ("suite", "place"), [("lamps.robot", "lamps.robot:5: "), ("test_lamps.py", "test_lamps.py:3: ")]
)
def test_a_wrong_table_is_a_usage_error_of_its_cases(suites, write, tmp_path, suite, place):
    write(LAMPS + "high_beam,x,,,,,\n")
    done = run(tmp_path, "hil.cli.main", "run", suite, *suites, "--name", "*lamp*")
    assert done.returncode == 2
    assert f"{place}lamps.csv:6: column 'lamp': 'high_beam' stands at 4" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
