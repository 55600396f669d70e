"""Ids of cases, tags that mean something, and which cases run."""

import os
import re

import forked
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.bench.case import ID_LENGTH, Case, Selection, Tags, make_id, refuse_empty, split_tags
from hil.bench.reset import Start
from hil.errors import UsageError

# Ids ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "id_"),
    [
        (("robot", "cluster", "Speedometer Shows The Speed"), "robot.cluster.speedometer_shows_the_speed"),
        (("pytest", "cluster", "x[30]"), "pytest.cluster.x_30"),
        (("pytest", "cluster", "x[30-On]"), "pytest.cluster.x_30-on"),
        (("pytest", "cluster", "speed_is_shown[0 km]"), "pytest.cluster.speed_is_shown_0_km"),
        (("pytest", "cluster", "speed_is_shown[0 km/h]"), "pytest.cluster.speed_is_shown_0_km_h-1060af51"),
        (("pytest", "", "x"), "pytest.x"),
        (("robot", "a", "Is It On?"), "robot.a.is_it_on-833a41e9"),
        (("robot", "a", "Temperature -40"), "robot.a.temperature_-40"),
        (("robot", "a", "../../etc/passwd"), "robot.a..._.._etc_passwd-f295898f"),
    ],
)
def test_an_id_can_be_read(parts, id_):
    assert make_id(*parts) == id_


@settings(derandomize=True, max_examples=100)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=3))
def test_an_id_is_safe_in_any_file_system(parts):
    id_ = make_id("robot", *parts)
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,79}", id_)
    assert id_ == id_.strip("._-")
    assert make_id("robot", *parts) == id_


def test_an_id_is_stable_across_versions():
    """What a result folder of last year is called."""
    assert make_id("robot", "cluster", "long " * 30) == (
        "robot.cluster.long_long_long_long_long_long_long_long_long_long_long_lo-9de18672"
    )


def test_long_names_stay_distinct():
    ids = {make_id("robot", "suite", "a very long name " * 6 + str(number)) for number in range(1000)}
    assert len(ids) == 1000
    assert {len(id_) for id_ in ids} == {ID_LENGTH}


@pytest.mark.parametrize(("length", "hashed"), [(ID_LENGTH, False), (ID_LENGTH + 1, True)])
def test_only_what_is_too_long_is_hashed(length, hashed):
    id_ = make_id("x" * length)
    assert len(id_) == ID_LENGTH
    assert ("-" in id_) is hashed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Größe", "Grüße"),
        ("速度", "温度"),
        ("speed[<5]", "speed[>5]"),
        ("é" * 100, "è" * 100),
        ("speed[-5]", "speed[5]"),
        ("a.b", "a_b"),
        ("gear[-]", "gear[.]"),
        ("gear[-]", "gear"),
        ("\u212aelvin", "kelvin"),
    ],
)
def test_different_names_have_different_ids(one, other):
    """Two cases with one id would write into one folder."""
    assert make_id("pytest", "suite", one) != make_id("pytest", "suite", other)


# Cases of pytest ------------------------------------------------------------------------------------------------------

NO_CASES = """
import pytest

@pytest.fixture
def bench():
    return "a carpenter's"

def test_a_fixture_of_its_own(bench):
    assert bench == "a carpenter's"

@pytest.mark.parametrize("bench", ["oak", "beech"])
def test_a_parameter(bench):
    assert bench in ("oak", "beech")
"""
CASES = """
import pytest

@pytest.fixture
def bench(bench):
    bench.set_signal("HighBeam", "On")
    return bench

def test_a_fixture_laid_over_ours(bench):
    bench.screen().telltale("high_beam").should_be("on")
"""


def run_pytest(folder, text, *words):
    (folder / "test_them.py").write_text(text, encoding="utf-8")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HIL_", "PYTEST_"))}
    done = forked.run("pytest", "-q", "-p", "no:cacheprovider", *words, cwd=folder, env=kept)
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(path.name for path in folder.glob("results/*/tests/*"))


def test_a_test_with_another_bench_is_no_case(tmp_path):
    assert run_pytest(tmp_path, NO_CASES) == []
    assert not (tmp_path / "results").exists()


def test_a_test_with_our_bench_in_its_own_is_a_case(tmp_path, repository):
    words = ("--bench", str(repository / "fixtures" / "benches" / "virtual.toml"))
    assert run_pytest(tmp_path, CASES, *words) == ["pytest.them.a_fixture_laid_over_ours"]


# Tags -----------------------------------------------------------------------------------------------------------------


def test_tags_say_requirements_start_and_time():
    tags = ["smoke", "req:CLU-TT-001", "REQ: clu-tt-002", "Start:Off", "timeout:30 s", "Night Run"]
    assert split_tags(tags) == Tags(("CLU-TT-001", "CLU-TT-002"), ("smoke", "Night Run"), Start.OFF, 30.0, ())


def test_without_tags_a_case_starts_on_in_the_time_of_the_bench():
    assert split_tags([]) == Tags((), (), Start.ON, None, ())


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("start:asleep", "a test can't start from 'asleep'. Remedy: one of off, sleep, on."),
        ("start:", "a test can't start from ''. Remedy: one of off, sleep, on."),
        ("timeout:soon", "'soon' is no number with a unit. Remedy: write it like '87 km/h' or '300 ms'."),
        ("timeout:-1 s", "a duration can't be negative: -1 s"),
        ("timeout:3 V", "'V' can't be converted to 's'. Remedy: give the value in s."),
    ],
)
def test_a_tag_that_means_nothing_is_a_mistake_and_the_others_count(tag, text):
    assert split_tags([tag, "req:A-1"]) == Tags(("A-1",), (), Start.ON, None, (), mistake=text)


# Selection ------------------------------------------------------------------------------------------------------------


def case(name="Speed Is Shown", tags=("smoke", "Cluster"), requirements=("CLU-SP-001",)):
    return Case(
        id=make_id("robot", "cluster", name),
        name=name,
        suite="Cluster",
        source="cluster.robot:7",
        requirements=requirements,
        tags=tags,
        start=Start.ON,
        runner="robot",
    )


def test_without_a_selection_all_run():
    assert Selection().everything
    assert Selection().takes(case())
    assert Selection().takes(case(tags=(), requirements=()))
    assert not Selection(names=("x",)).everything


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (("speed",), True),
        (("SPEED IS",), True),
        (("speed_is",), True),
        (("is shown",), True),
        (("gear",), False),
        (("gear", "speed"), True),
        (("speed*",), True),
        (("*shown",), True),
        (("peed*",), False),
        (("robot.cluster.*",), True),
        (("speed i[st] shown",), True),
        (("s?eed*",), True),
    ],
)
def test_a_name_is_any_part_of_it_or_a_pattern_of_all(names, taken):
    assert Selection(names=names).takes(case()) is taken


@pytest.mark.parametrize(
    ("tags", "without", "taken"),
    [
        (("smoke",), (), True),
        (("SMOKE",), (), True),
        (("smo",), (), False),
        (("smo*",), (), True),
        (("night", "cluster"), (), True),
        (("night",), (), False),
        ((), ("cluster",), False),
        (("smoke",), ("clu*",), False),
        (("smoke",), ("night",), True),
    ],
)
def test_tags_select_and_exclude(tags, without, taken):
    assert Selection(tags=tags, without_tags=without).takes(case()) is taken


@pytest.mark.parametrize(
    ("requirements", "taken"),
    [(("CLU-SP-001",), True), (("clu-sp-*",), True), (("CLU-SP",), False), (("CLU-TT-*", "CLU-SP-*"), True)],
)
def test_requirements_select(requirements, taken):
    assert Selection(requirements=requirements).takes(case()) is taken
    assert not Selection(requirements=requirements).takes(case(requirements=()))


def test_ids_are_exact():
    assert Selection(ids=("robot.cluster.speed_is_shown",)).takes(case())
    assert not Selection(ids=("robot.cluster.speed",)).takes(case())


def test_of_each_kind_that_is_given_one_must_match():
    both = Selection(names=("speed",), tags=("smoke",))
    assert both.takes(case())
    assert not both.takes(case(tags=("night",)))
    assert not both.takes(case(name="Gear"))


def test_a_data_row_is_selected_by_its_printed_name():
    row = case(name="test_speed_is_never_shown_too_low[30]")
    for name in ("test_speed_is_never_shown_too_low[30]", "TOO_LOW[30]", "[30]", "*low[30]", "*low[[]30]"):
        assert Selection(names=(name,)).takes(row), name
    for name in ("test_speed_is_never_shown_too_low[3]", "too_low[300]", "*w[0]"):
        assert not Selection(names=(name,)).takes(row), name


def test_a_selection_of_nothing_says_what_was_asked():
    refuse_empty([case()], Selection())
    with pytest.raises(UsageError, match=r"no case matches names x, y and tags night\. Remedy: 'hil run --list' shows"):
        refuse_empty([], Selection(names=("x", "y"), tags=("night",)))


def test_the_plan_says_what_is_known_before_a_case_runs():
    assert case().plan_record() == {
        "name": "Speed Is Shown",
        "suite": "Cluster",
        "source": "cluster.robot:7",
        "requirements": ("CLU-SP-001",),
        "tags": ("smoke", "Cluster"),
        "runner": "robot",
        "needs": (),
        "mistake": "",
        "oddities": (),
    }
