"""What `hil history` says of runs: what changed, with what, and what it must not claim."""

import json
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hil.cli.main import main
from hil.errors import UsageError
from hil.evidence.history import Kind, histories
from hil.evidence.history_page import history_page
from hil.evidence.report import make_report
from hil.evidence.runs import find_runs

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evidence_factory as factory
import history_lab as lab


def changes(results, **options):
    (series,) = histories(find_runs(results).runs, **{"last": 10, **options})
    return series.changes


def of(found, case):
    return [change for change in found if change.case == case]


def test_equal_runs_changed_nothing(tmp_path):
    for night in (1, 2, 3):
        lab.write_run(tmp_path, night, {"a": "pass", "b": "fail"}, samples={"a": lab.latencies(80, 1)})
    assert changes(tmp_path) == ()
    assert main(["history", str(tmp_path)]) == 0


def test_a_verdict_that_changed_with_a_file_names_the_file_and_the_version(tmp_path):
    found = changes(lab.make_history(tmp_path))
    (change,) = of(found, "abs_lamp")
    assert (change.kind, change.before, change.after, change.worse) == (Kind.REGRESSION, "pass", "fail", True)
    assert "DUT software (1.0.0 → 1.1.0), chassis.dbc" in change.why
    assert "virtual.toml" not in change.why
    assert change.why.endswith("abs should be on within 500 ms, but was off")


@pytest.mark.parametrize(("before", "after"), [("pass", "fail"), ("fail", "pass"), ("pass", "bench fault")])
def test_a_verdict_that_changed_by_itself_is_not_repeatable_in_either_direction(tmp_path, before, after):
    lab.write_run(tmp_path, 1, {"a": before})
    lab.write_run(tmp_path, 2, {"a": after})
    (change,) = changes(tmp_path)
    assert (change.kind, change.worse) == (Kind.NOT_REPEATABLE, True)
    assert "all inputs are equal" in change.why


@pytest.mark.parametrize(
    ("earlier", "newest", "said"),
    [
        ("ab", "ab", ""),
        ("ab", "cd", "none of its 2 cases stands in an earlier run, so that nothing is compared"),
        ("abcd", "b", "3 cases of earlier runs are not in it: not compared"),
        ("ab", "abc", "1 of its 3 cases stands in no earlier run: not compared"),
        ("ab", "bcd", "2 of its 3 cases stand in no earlier run; 1 case of earlier runs is not in it: not compared"),
    ],
)
def test_what_is_not_compared_is_said_in_the_console_and_on_the_page(tmp_path, capsys, earlier, newest, said):
    lab.write_run(tmp_path, 1, dict.fromkeys(earlier, "pass"), options={"suites": ["one.robot"]})
    lab.write_run(tmp_path, 2, dict.fromkeys(newest, "pass"), options={"suites": ["two.robot"]})
    assert main(["history", str(tmp_path), "--html", str(tmp_path / "h.html")]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line.endswith(f"nothing changed for the worse ({said})" if said else "nothing changed for the worse")
    assert said in (tmp_path / "h.html").read_text()


def test_an_old_flaw_is_told_but_does_not_count(tmp_path):
    found = of(changes(lab.make_history(tmp_path)), "chime_sounds")
    assert [(change.kind, change.newest, change.worse) for change in found] == [(Kind.NOT_REPEATABLE, False, False)] * 2


def test_mended_is_not_worse(tmp_path):
    lab.write_run(tmp_path, 1, {"a": "fail"})
    lab.write_run(tmp_path, 2, {"a": "pass"}, seed="2")
    (change,) = changes(tmp_path)
    assert (change.kind, change.worse) == (Kind.MENDED, False)
    assert "seed (1 → 2)" in change.why


def test_a_slower_latency_is_found_against_the_run_before_and_the_oldest(tmp_path):
    found = of(changes(lab.make_history(tmp_path)), "high_beam_is_fast")
    assert [(change.kind, change.earlier[6:8]) for change in found] == [(Kind.SLOWER, "05"), (Kind.SLOWER, "01")]
    assert "shift +1" in found[1].why
    assert of(found, "speed_follows") == []


def test_a_creep_is_found_though_no_step_of_it_is(tmp_path):
    for night in range(1, 9):
        lab.write_run(tmp_path, night, {"a": "pass"}, samples={"a": lab.latencies(80 + 0.7 * night, 1)})
    (change,) = changes(tmp_path)
    assert (change.kind, change.earlier[6:8], change.later[6:8]) == (Kind.SLOWER, "01", "08")


def test_a_small_shift_is_passed_over(tmp_path):
    for night, more in ((1, 0), (2, 1.0)):
        samples = [sample + more for sample in lab.latencies(80, 1, count=2000)]
        lab.write_run(tmp_path, night, {"a": "pass"}, samples={"a": samples})
    assert changes(tmp_path) == ()
    assert [change.kind for change in changes(tmp_path, least_shift=0.005)] == [Kind.SLOWER]


def test_new_and_gone_cases(tmp_path):
    found = changes(lab.make_history(tmp_path))
    assert [change.kind for change in of(found, "new_case")] == [Kind.NEW]
    (gone,) = of(found, "old_case")
    assert (gone.kind, gone.worse) == (Kind.GONE, True)


def test_a_run_of_a_part_removes_nothing(tmp_path):
    lab.write_run(tmp_path, 1, {"a": "pass", "b": "pass"})
    lab.write_run(tmp_path, 2, {"a": "pass"}, options={"name": ["a"]})
    assert changes(tmp_path) == ()


def test_a_verdict_is_compared_with_the_last_run_that_had_the_case(tmp_path):
    lab.write_run(tmp_path, 1, {"a": "pass", "b": "pass"})
    lab.write_run(tmp_path, 2, {"a": "pass"}, options={"name": ["a"]})
    lab.write_run(tmp_path, 3, {"a": "pass", "b": "fail"})
    (change,) = changes(tmp_path)
    assert (change.case, change.earlier[6:8]) == ("b", "01")


def test_a_stopped_run_says_nothing_of_what_it_did_not_reach(tmp_path):
    lab.write_run(tmp_path, 1, {"a": "pass", "b": "pass"})
    lab.write_run(tmp_path, 2, {"a": "pass", "b": "not run"}, finished=False)
    assert changes(tmp_path) == ()


def test_benches_and_variants_are_not_mixed(tmp_path):
    lab.write_run(tmp_path, 1, {"a": "pass"})
    lab.write_run(tmp_path, 2, {"a": "fail"}, variant="brio")
    lab.write_run(tmp_path, 3, {"a": "fail"}, bench={"name": "udp"})
    found = histories(find_runs(tmp_path).runs, last=10)
    assert [series.bench for series in found] == [("udp", "alta"), ("virtual", "alta"), ("virtual", "brio")]
    assert not any(series.changes for series in found)


def test_only_the_last_runs_are_compared(tmp_path):
    assert {change.earlier[6:8] for change in changes(lab.make_history(tmp_path), last=2)} == {"05"}


BROKEN = {
    "run.json": ("{", "its run.json is damaged"),
    "summary.json": ("[]", "is no results folder"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_run_is_one_line_and_the_others_are_compared(tmp_path, capsys, name):
    lab.make_history(tmp_path)
    (tmp_path / "20261104T021500Z-virtual" / name).write_text(BROKEN[name][0])
    assert main(["history", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if "20261104T021500Z-virtual" in line]) == 1
    assert f"20261104T021500Z-virtual is left out: {BROKEN[name][1]}" in lines[0]


def test_a_run_without_run_json_is_one_line(tmp_path, capsys):
    lab.make_history(tmp_path)
    (tmp_path / "20261104T021500Z-virtual" / "run.json").unlink()
    main(["history", str(tmp_path)])
    assert "it has no run.json, so nobody knows what was tested" in capsys.readouterr().out


def test_without_a_summary_the_journals_are_read(tmp_path):
    for name in ("one", "two"):
        factory.make_results(tmp_path / name, seconds=1)
    make_report(tmp_path / "one")
    first, second = find_runs(tmp_path).runs
    assert first.summary == second.summary
    assert first.summary.latencies[0].case == "latency.speed"
    assert not (tmp_path / "two" / "summary.json").exists()


def test_a_truncated_journal_is_a_bench_fault_here_too(tmp_path):
    for name in ("one", "two"):
        factory.make_many(tmp_path / name, 2, picture=False)
    path = tmp_path / "two" / "tests" / "many.0001" / "1" / "journal.mcap"
    path.write_bytes(path.read_bytes()[:-300])
    (change,) = changes(tmp_path)
    assert (change.case, change.after) == ("many.0001", "bench fault")


@pytest.mark.parametrize("empty", ["nothing", "a folder of others"])
def test_no_run_is_a_usage_error(tmp_path, empty, capsys):
    folder = tmp_path / empty
    if empty != "nothing":
        (folder / "pictures").mkdir(parents=True)
    assert main(["history", str(folder)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_unknown_bench_is_told_what_there_is(tmp_path, capsys):
    lab.make_history(tmp_path)
    assert main(["history", str(tmp_path), "--bench", "lab"]) == 2
    assert "there are: virtual alta." in capsys.readouterr().err


def test_the_command_says_it_in_the_terminal_and_in_files(tmp_path, capsys):
    results = lab.make_history(tmp_path / "results")
    files = [tmp_path / name for name in ("history.html", "history.json", "history.xml")]
    options = [word for pair in zip(("--html", "--json", "--junit"), map(str, files), strict=True) for word in pair]
    assert main(["history", str(results), *options]) == 1
    said = capsys.readouterr().out
    assert "virtual, alta: 6 runs, the newest is 20261106T021500Z-virtual: 4 changed for the worse" in said
    assert "regression" in said
    value = json.loads(files[1].read_text())
    assert value["worse"] == 4
    assert {change["kind"] for change in value["series"][0]["changes"]} == {
        "regression", "slower", "case gone", "new case", "not repeatable",
    }  # fmt: skip
    suite = ElementTree.parse(files[2]).getroot().find("testsuite")
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure")) == 4
    assert int(suite.get("tests")) == len(suite.findall("testcase"))


def test_the_page_escapes_what_runs_say(tmp_path):
    for night, text in ((1, "pass"), (2, "fail")):
        lab.write_run(tmp_path, night, {factory.HOSTILE: text}, messages={factory.HOSTILE: f'"{factory.HOSTILE}'})
    found = find_runs(tmp_path)
    page = history_page(histories(found.runs, last=10), [factory.HOSTILE]).decode()
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is no folder"):
        find_runs(tmp_path / "none")


def test_equal_runs_give_equal_pages(tmp_path):
    results = lab.make_history(tmp_path / "a")
    shutil.copytree(results, tmp_path / "b")
    pages = [history_page(histories(find_runs(tmp_path / name).runs, last=10), []) for name in ("a", "b")]
    assert pages[0] == pages[1]
