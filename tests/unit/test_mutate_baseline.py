"""What `hil mutate --baseline` takes over from a run, and which runs it refuses."""

import json

import pytest

from hil.bench import config
from hil.bench.facts import what_verdicts_follow_from
from hil.bench.plan import plan
from hil.cli.mutate_baseline import read_baseline
from hil.errors import UsageError, Verdict

JUNIT = """<testsuites><testsuite>
<testcase name="A" time="1.5"><properties><property name="id" value="robot.a"/><property name="verdict" value="pass"/>
</properties></testcase>
<testcase name="B" time="0.5"><properties><property name="id" value="robot.b"/><property name="verdict" value="fail"/>
</properties><failure message="seen off"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def made(repository):
    return plan(config.load(repository / "fixtures/benches/virtual.toml"))


@pytest.fixture
def run(tmp_path, made):
    def write(**changed):
        facts = what_verdicts_follow_from(made, "1", []) | {"host": "another"} | changed
        (tmp_path / "run.json").write_text(json.dumps(facts))
        (tmp_path / "junit.xml").write_text(JUNIT)
        return tmp_path

    return write


def test_verdicts_times_and_messages_are_taken_over(run, made):
    heard = read_baseline(run(), made, "1", [])
    assert {one.id: (one.verdict, one.message, one.wall_s) for one in heard.values()} == {
        "robot.a": (Verdict.PASS, "", 1.5),
        "robot.b": (Verdict.FAIL, "seen off", 0.5),
    }


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"seed": "2"}, "another seed"),
        ({"defects": ["high_beam_dark"]}, "another defects"),
        ({"inputs": {"harness code": "0"}}, "another harness code"),
        ({"hashes": {}}, "another "),
        ({"variant": "brio"}, "another variant"),
    ],
)
def test_a_run_of_something_else_is_refused(run, made, changed, what):
    with pytest.raises(UsageError, match=what):
        read_baseline(run(**changed), made, "1", [])


def test_a_folder_without_a_finished_run_is_refused(tmp_path, made):
    with pytest.raises(UsageError, match=r"no report of a finished run.*run\.json"):
        read_baseline(tmp_path, made, "1", [])
