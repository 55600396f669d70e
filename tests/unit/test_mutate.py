"""Which trials `hil mutate` makes, and the table that comes out; the trials themselves are told what to say."""

import argparse
import asyncio
import csv
import io

import pytest

from hil.bench import variant as variants
from hil.cli import mutate, mutate_table
from hil.cli.mutate import Mutation
from hil.cli.mutate_table import Tried
from hil.cli.trials import Heard, Outcome, Planned, chunks
from hil.ecu.defects import CATALOGUE, Defect
from hil.errors import UsageError, Verdict

DARK, LATE, LOW = (CATALOGUE[name] for name in ("high_beam_dark", "high_beam_late", "speed_reads_low"))
CASES = [
    Planned("robot.lamp", "Lamp lights", "robot", (DARK.requirement,), ""),
    Planned("pytest.lamp", "test_lamp", "pytest", (DARK.requirement, LATE.requirement), ""),
    Planned("robot.speed", "Speed is shown", "robot", (LOW.requirement,), ""),
    Planned("robot.other", "Something else", "robot", (), ""),
]
SECONDS = {"robot.lamp": 2.0, "pytest.lamp": 1.0, "robot.speed": 3.0, "robot.other": 0.5}


class Bench:
    """Says of each case what a table says: defect -> cases that fail; '' stands for no defect."""

    def __init__(self, failing):
        self.failing, self.asked = failing, []

    async def attempt(self, cases, *, defects=(), seed="", stop_at_first=False):
        defect = next(iter(defects), "")
        self.asked.append((defect, [case.id for case in cases]))
        outcome = Outcome(wall_s=1.0)
        for case in cases:
            verdict = self.failing.get(defect, {}).get(case.id, Verdict.PASS)
            outcome.heard.append(Heard(case.id, verdict, "said so", SECONDS[case.id]))
            if stop_at_first and verdict is Verdict.FAIL:
                break
        return outcome


def work(failing, defects, *, way="first_catch"):
    bench, result = Bench(failing), Mutation(list(CASES))

    async def go():
        await getattr(mutate._Work(bench, result, 1, lambda text: None), way)(defects)

    asyncio.run(go())
    return result, [asked for asked in bench.asked if asked[0]], [ids for defect, ids in bench.asked if not defect]


def test_a_defect_is_tried_on_its_requirements_cases_shortest_first_until_one_fails():
    failing = {DARK.name: {"robot.lamp": Verdict.FAIL, "pytest.lamp": Verdict.FAIL}}
    result, tried, without = work(failing, [DARK])
    assert tried == [(DARK.name, ["pytest.lamp", "robot.lamp"])]
    assert sorted(case for part in without for case in part) == ["pytest.lamp", "robot.lamp"]
    assert [(catch.name, catch.own) for catch in result.tried[0].caught] == [("test_lamp", True)]
    assert len(result.tried[0].heard) == 1
    assert result.good


def test_all_others_are_tried_only_where_none_of_its_own_catches_it():
    failing = {DARK.name: {"robot.lamp": Verdict.FAIL}, LOW.name: {"robot.other": Verdict.FAIL}}
    result, tried, without = work(failing, [DARK, LOW])
    assert tried == [
        (DARK.name, ["pytest.lamp", "robot.lamp"]),
        (LOW.name, ["robot.speed"]),
        (LOW.name, ["robot.other", "pytest.lamp", "robot.lamp"]),
    ]
    assert sorted(case for part in without for case in part) == sorted(case.id for case in CASES)
    assert result.tried[1].by == "Something else (not of its requirement)"
    assert result.good


def test_a_defect_that_nothing_catches_is_a_hole():
    result, tried, _ = work({}, [LATE])
    assert [ids for _, ids in tried] == [["pytest.lamp"], ["robot.other", "robot.lamp", "robot.speed"]]
    assert result.tried[0].by == "not caught"
    assert not result.good


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.BENCH, Verdict.INCONCLUSIVE, Verdict.USAGE])
def test_a_case_that_does_not_pass_without_a_defect_catches_none(verdict):
    failing = {"": {"robot.speed": verdict}, LOW.name: {"robot.speed": Verdict.FAIL}}
    result, tried, _ = work(failing, [LOW])
    assert tried == [(LOW.name, ["robot.other", "pytest.lamp", "robot.lamp"])]
    assert not result.good
    assert mutate._sound_text(result).endswith(f"Speed is shown: {verdict}: said so")


def test_a_bench_fault_catches_nothing_and_is_told():
    failing = {LOW.name: {"robot.speed": Verdict.BENCH}}
    result, _, _ = work(failing, [LOW])
    assert result.tried[0].by == "not caught; Speed is shown: bench fault: said so"


def test_the_matrix_runs_every_case_for_every_defect():
    failing = {DARK.name: {"robot.lamp": Verdict.FAIL, "robot.other": Verdict.FAIL}}
    result, tried, _ = work(failing, [DARK, LOW], way="matrix")
    assert [len(ids) for _, ids in tried] == [4, 4]
    assert [(catch.name, catch.own) for catch in result.tried[0].caught] == [
        ("Something else", False), ("Lamp lights", True),
    ]  # fmt: skip
    assert not result.good


def test_each_case_is_seen_failing_with_a_defect_as_near_as_there_is_one():
    failing = {
        LATE.name: {"robot.lamp": Verdict.FAIL, "robot.other": Verdict.BENCH},
        LOW.name: {"pytest.lamp": Verdict.FAIL, "robot.speed": Verdict.FAIL, "robot.other": Verdict.FAIL},
    }
    result, tried, _ = work(failing, [DARK, LATE, LOW], way="each_case")
    assert tried == [
        (DARK.name, ["pytest.lamp", "robot.lamp"]),  # of its requirement
        (LATE.name, ["pytest.lamp"]),
        (LOW.name, ["robot.speed"]),
        (LATE.name, ["robot.lamp"]),  # of its family, no case twice
        (LATE.name, ["robot.other"]),  # all others, and what made most cases fail comes first
        (LOW.name, ["robot.other", "pytest.lamp"]),
    ]
    seen = {case: (one.defect, one.own) for case, one in result.failing.items()}
    assert seen == {
        "robot.lamp": (LATE.name, False), "robot.speed": (LOW.name, True),
        "robot.other": (LOW.name, False), "pytest.lamp": (LOW.name, False),
    }  # fmt: skip
    assert result.all_fail


def test_a_case_that_no_defect_makes_fail_is_told(capsys):
    failing = {DARK.name: {"robot.lamp": Verdict.FAIL, "pytest.lamp": Verdict.FAIL, "robot.other": Verdict.BENCH}}
    result, _, _ = work(failing, [DARK], way="each_case")
    assert not result.all_fail
    seen = result.failing
    mutate_table.print_cases([(case.name, case.requirements, seen.get(case.id)) for case in CASES], "all pass")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "2 of 4 cases seen failing, 2 with a defect of their requirement"
    assert [line.split("  ")[0].strip() for line in lines if "no defect" in line] == [
        "Speed is shown",
        "Something else",
    ]


def test_a_case_that_was_lost_is_told(monkeypatch):
    bench, result = Bench({}), Mutation(list(CASES))

    async def lose(cases, **_):
        return Outcome([Heard(cases[0].id, Verdict.PASS, "", 1.0)])

    bench.attempt = lose
    asyncio.run(mutate._Work(bench, result, 1, lambda text: None).matrix([]))
    assert "did not run" in mutate._sound_text(result)
    assert not result.good


def test_a_variant_that_cannot_have_a_defect_says_so(repository):
    brio = variants.load(repository / "fixtures/variants/brio.toml")
    result = Mutation([])
    assert mutate._left_out(result, Defect("deaf", "CEN-1", "The voice button does nothing.", ("voice",)), brio)
    assert result.left_out == {"deaf": "variant brio has no voice"}
    assert not mutate._left_out(result, Defect("blind", "CEN-2", "No camera.", ("camera",)), brio)


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"jobs": 0}, "less than one job"), ({"out": ["x.pdf"]}, "'.pdf' is no kind of table")],
)
def test_wrong_arguments_are_told(changed, said, tmp_path):
    out = [tmp_path / name for name in changed.get("out", [])]
    arguments = argparse.Namespace(bench="b", jobs=changed.get("jobs", 1), out=out)
    with pytest.raises(UsageError, match=said):
        mutate._check(arguments, virtual=True)
    with pytest.raises(UsageError, match="defects are tried on a virtual bench"):
        mutate._check(argparse.Namespace(bench="b", jobs=1, out=[]), virtual=False)


def test_cases_are_dealt_out():
    assert [[case.id for case in part] for part in chunks(CASES, 3)] == [
        ["robot.lamp", "robot.other"], ["pytest.lamp"], ["robot.speed"],
    ]  # fmt: skip
    assert len(chunks(CASES[:1], 8)) == 1


# Tables ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tried():
    one = Tried("high_beam_dark", "CLU-TT-001", own=frozenset({"a"}))
    heard = [Heard("a", Verdict.FAIL, "", 1.0), Heard("b", Verdict.PASS, "", 1.0), Heard("c|d", Verdict.BENCH, "", 1.0)]
    one.add(Outcome(heard, 3.0), {"a": "Lamp <b> & co", "b": "other", "c|d": "pipe | d"})
    return [one, Tried("never_run", "CLU-TT-002")]


CASE_NAMES = {"a": "Lamp <b> & co", "b": "other", "c|d": "pipe | d", "e": "not run"}


def written(path, tried, *, matrix):
    mutate_table.write(path, tried, CASE_NAMES, matrix=matrix)
    return path.read_text(encoding="utf-8")


def test_the_table_as_csv(tried, tmp_path):
    rows = list(csv.reader(io.StringIO(written(tmp_path / "t.csv", tried, matrix=True))))
    assert rows == [
        ["defect", "requirement", "caught by", *CASE_NAMES.values()],
        ["high_beam_dark", "CLU-TT-001", "1", "X", "-", "b", ""],
        ["never_run", "CLU-TT-002", "0", "", "", "", ""],
    ]


def test_only_cases_that_ran_have_a_column_without_the_matrix(tried, tmp_path):
    text = written(tmp_path / "t.md", tried, matrix=False)
    assert "| high_beam_dark | CLU-TT-001 | 1 | X | - | b |" in text
    assert "pipe \\| d" in text
    assert "not run |" not in text


def test_the_table_as_html_is_escaped(tried, tmp_path):
    text = written(tmp_path / "t.html", tried, matrix=True)
    assert "Lamp &lt;b&gt; &amp; co" in text
    assert '<td class="X">X</td>' in text
    assert '<td class="none">0</td>' in text


def test_a_table_that_cannot_be_written_is_told(tried, tmp_path):
    with pytest.raises(UsageError, match="can't be written"):
        mutate_table.write(tmp_path / "no" / "t.md", tried, CASE_NAMES, matrix=True)
