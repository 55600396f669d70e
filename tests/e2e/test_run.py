"""A run from outside: what it leaves, that it repeats itself, that it survives a kill."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import forked
import pytest

from conftest import HERE, REPOSITORY, environment, read_verdicts, run_hil
from hil.journal import JournalReader

SUITES = HERE / "suites"
ROBOT, PYTEST = str(SUITES / "verdicts.robot"), str(SUITES / "test_verdicts.py")


def journals(folder):
    """All that the journals hold. Their bytes differ, since chunks are closed by wall time."""
    return {path.parent.parent.name: _content(path) for path in sorted(folder.glob("tests/*/*/journal.mcap"))}


def _content(path):
    reader = JournalReader(path)
    return list(reader), reader.attachments, reader.metadata, reader.truncated


def test_a_run_leaves_the_evidence(hil):
    ran = hil("--name", "main beam*", "--name", "*boots when*")
    assert ran.status == 0
    names = {path.relative_to(ran.folder).as_posix() for path in ran.folder.rglob("*") if path.is_file()}
    assert {"run.json", "index.html", "junit.xml", "session.mcap", "robot/output.xml"} <= names
    cases = ["telltales.main_beam_lights_its_telltale", "cluster.the_ecu_boots_when_the_supply_is_switched_on"]
    for case in (f"robot.{name}" for name in cases):
        assert f"tests/{case}/1/journal.mcap" in names
    facts = ran.run_json
    assert facts["dut"] | {"part": "68999001AA", "serial": "VC000001", "software": "1.0.0"} == facts["dut"]
    assert set(facts["hashes"]) >= {"virtual.toml", "chassis.dbc", "body.dbc", "cluster.toml"}
    assert facts["seed"] == "1"


def test_journals_are_equal_under_another_hash_seed_and_alone(hil):
    suites = "robot_suites/network.robot", "pytest_suites/test_cluster.py"
    first = hil(*suites, PYTHONHASHSEED="1")
    second = hil(*suites, PYTHONHASHSEED="2")
    alone = hil("--name", "test_main_beam_telltale_is_fast", PYTHONHASHSEED="3")
    one, other, single = journals(first.folder), journals(second.folder), journals(alone.folder)
    assert len(one) >= 10
    assert one == other
    assert len(single) == 1
    (name,) = single
    assert single[name] == one[name]


def test_another_seed_makes_another_journal(hil):
    one = hil("--name", "test_main_beam_telltale_is_fast", "--seed", "1")
    other = hil("--name", "test_main_beam_telltale_is_fast", "--seed", "2")
    assert journals(one.folder) != journals(other.folder)


def test_no_journal_names_the_machine(hil):
    ran = hil("--name", "main beam*")
    for entries, _, metadata, _ in journals(ran.folder).values():
        said = json.dumps([entry.data for entry in entries if isinstance(entry.data, dict)]) + json.dumps(metadata)
        assert str(REPOSITORY) not in said
        assert sys.version.split()[0] not in said


HANG = """
import os, signal, sys

def test_first(bench):
    bench.set_signal("HighBeam", "On")
    bench.screen().telltale("high_beam").should_be("on")

def test_second(bench):
    bench.screen().telltale("low_beam").should_be("off")
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)

def test_third(bench):
    pass
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_the_report_is_made_after_sigkill_in_mid_run(tmp_path):
    suite = tmp_path / "test_hang.py"
    suite.write_text(HANG)
    done = run_hil("run", str(suite), "--results", str(tmp_path / "results"))
    assert done.returncode == -signal.SIGKILL
    (folder,) = (tmp_path / "results").iterdir()
    assert not (folder / "index.html").exists()
    again = run_hil("report", str(folder), fresh=True)
    assert again.returncode == 3, again.stderr
    assert read_verdicts(folder / "junit.xml") == {
        "test_first": "pass", "test_second": "bench fault", "test_third": "not run",
    }  # fmt: skip
    second = JournalReader(next(folder.glob("tests/*second*/1/journal.mcap")))
    assert [entry.data["ok"] for entry in second if entry.kind == "check"] == [True]
    assert second.truncated


def test_a_child_that_dies_is_a_bench_fault_and_the_rest_goes_on(tmp_path):
    suite = tmp_path / "test_die.py"
    suite.write_text("import os\n\ndef test_dies(bench):\n    os._exit(7)\n\ndef test_never(bench):\n    pass\n")
    done = run_hil("run", str(suite), ROBOT, "--results", str(tmp_path / "results"), "--name", "*dies", "--name",
                   "*never", "--name", "names an unknown*")  # fmt: skip
    (folder,) = (tmp_path / "results").iterdir()
    assert read_verdicts(folder / "junit.xml") == {
        "test_dies": "bench fault", "test_never": "not run", "Names an unknown signal": "usage error",
    }  # fmt: skip
    assert done.returncode == 2


def test_report_refuses_a_folder_without_a_run(tmp_path):
    done = run_hil("report", str(tmp_path))
    assert done.returncode == 2
    assert "holds no run" in done.stderr
    assert "Traceback" not in done.stderr


HOLDER = """
import sys
from hil.bench.lock import ResourceLocks
locks = ResourceLocks(["can:udp_multicast:239.74.163.8:43119"], "hil run on bench 'other'")
locks.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_run_is_told_who_holds_the_bench(tmp_path):
    text = (REPOSITORY / "fixtures/benches/udp.toml").read_text()
    text = text.replace("239.74.163.2", "239.74.163.8").replace("port = 43113", "port = 43119")
    text = text.replace("239.74.163.3", "239.74.163.9").replace("port = 43114", "port = 43120")
    bench = tmp_path / "udp.toml"
    bench.write_text(text.replace('"../', f'"{REPOSITORY}/fixtures/'))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    )
    try:
        assert holder.stdout.readline().strip() == b"held"
        done = run_hil("run", ROBOT, "--bench", str(bench), "--results", str(tmp_path / "r"))
        assert done.returncode == 3
        assert "can:udp_multicast:239.74.163.8:43119: is in use by hil run on bench 'other'" in done.stderr
        assert f"process {holder.pid} of" in done.stderr
    finally:
        holder.communicate()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bench", "nowhere.toml"], "nowhere.toml: there is no such bench file"),
        (["nowhere.robot"], "nowhere.robot: there is no such suite"),
        (["--name", "no such case"], "no case matches name no such case"),
        (["--requirement", "CLU-TT-0001", "--list"], "did you mean 'CLU-TT-001'?"),
        (["--defect", "high_beam_drak"], "did you mean high_beam_dark"),
        (["dbc"], "holds neither *.robot nor test_*.py"),
    ],
)
def test_a_wrong_argument_is_one_line(words, said, tmp_path):
    done = run_hil("run", *words, "--results", str(tmp_path / "r"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_suite_that_is_no_python_is_a_usage_error(tmp_path):
    suite = tmp_path / "test_broken.py"
    suite.write_text("def test_x(bench:\n")
    done = run_hil("run", str(suite), "--results", str(tmp_path / "r"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "SyntaxError" in done.stderr
    assert "test_broken.py" in done.stderr


def test_list_names_the_cases_and_runs_nothing(tmp_path):
    done = run_hil("run", "--list", "--requirement", "CLU-TT-001", "--results", str(tmp_path / "r"))
    assert done.returncode == 0
    assert "Main beam lights its telltale" in done.stdout
    assert "Speedometer" not in done.stdout
    assert done.stderr == ""
    assert not (tmp_path / "r").exists()


def test_a_dry_run_of_robot_blames_no_case_for_making_no_check(tmp_path):
    suites = [str(REPOSITORY / "robot_suites" / name) for name in ("cluster.robot", "speed.robot")]
    dry = ["--dryrun", "--outputdir", str(tmp_path), "--loglevel", "WARN"]
    done = forked.run("robot", *dry, *suites, cwd=REPOSITORY, env=environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no check was made" not in done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_no_process_and_a_report_can_be_made(tmp_path, number):
    suite = tmp_path / "test_long.py"
    mark = tmp_path / "mark"
    suite.write_text(f"from pathlib import Path\ndef test_long(bench):\n    Path({str(mark)!r}).write_text('x')\n"
                     "    while True:\n        bench.sleep('1 h')\n")  # fmt: skip
    command = [sys.executable, "-m", "hil.cli.main", "run", str(suite), "--results", str(tmp_path / "r")]
    run = subprocess.Popen(command, cwd=REPOSITORY, env=environment(), stdout=subprocess.DEVNULL, stderr=-1)
    children = _children_when(run, mark)
    run.send_signal(number)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    (folder,) = (tmp_path / "r").iterdir()
    assert run_hil("report", str(folder)).returncode == 3
    assert read_verdicts(folder / "junit.xml") == {"test_long": "bench fault"}


def _children_when(run, mark):
    """The children of a run, once its case has begun."""
    import threading

    begun = threading.Event()
    while not mark.exists() and run.poll() is None:
        begun.wait(0.05)
    return Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()


NO_LIBRARY = "*** Test Cases ***\nNo library\n    Set Signal    HighBeam    On\n"
TWICE = """*** Settings ***
Library    hil.robot
*** Test Cases ***
Twice
    Sleep    1 ms
Twice
    Sleep    1 ms
Bad start
    [Tags]    start:of
    Sleep    1 ms
Good
    Sleep    1 ms
"""


def test_a_suite_without_the_library_is_a_usage_error(tmp_path):
    (tmp_path / "nolib.robot").write_text(NO_LIBRARY)
    done = run_hil("run", str(tmp_path / "nolib.robot"), "--results", str(tmp_path / "r"))
    assert done.returncode == 2
    assert "nolib.robot:3: No keyword with name 'Set Signal': the suite doesn't import the bench's lib" in done.stdout
    assert "Remedy: write 'Library    hil.robot' below '*** Settings ***'." in done.stdout
    (folder,) = (tmp_path / "r").iterdir()
    assert read_verdicts(folder / "junit.xml") == {"No library": "usage error"}


def test_cases_that_can_not_be_are_named_and_the_rest_is_judged(tmp_path):
    (tmp_path / "twice.robot").write_text(TWICE)
    done = run_hil("run", str(tmp_path / "twice.robot"), "--results", str(tmp_path / "r"))
    assert done.returncode == 2
    assert "two cases have the id 'robot.twice.twice': twice.robot:4 and twice.robot:6" in done.stderr
    assert "twice.robot:8: a test can't start from 'of'" in done.stdout
    (folder,) = (tmp_path / "r").iterdir()
    mistakes = {"mistake 1": "usage error", "Bad start": "usage error"}
    assert read_verdicts(folder / "junit.xml") == {"Twice": "pass", "Good": "pass"} | mistakes
    assert "2 pass, 1 usage error" in done.stdout


def test_a_missing_resource_is_told(tmp_path):
    (tmp_path / "res.robot").write_text(
        TWICE[:38] + "Resource    nothere.resource\n*** Test Cases ***\nA\n    Sleep    1 ms\n"
    )
    done = run_hil("run", str(tmp_path / "res.robot"), "--results", str(tmp_path / "r"))
    assert done.returncode == 2
    assert "nothere.resource" in done.stderr
    (folder,) = (tmp_path / "r").iterdir()
    assert read_verdicts(folder / "junit.xml") == {"A": "pass", "mistake 1": "usage error"}
    assert "nothere.resource" in (folder / "index.html").read_text()
    assert run_hil("report", str(folder)).returncode == 2


MISTAKES = (
    "Set Signall    HighBeam    On",
    "Set Signal    HighBeam",
    "Sleep    5 mss",
    "Telltale Should Be    oil    lit",
    "Evaluate    1/0",
)


def test_a_mistake_in_a_suite_says_nothing_of_the_ecu(tmp_path):
    cases = "".join(f"M{number}\n    {line}\n" for number, line in enumerate(MISTAKES))
    (tmp_path / "m.robot").write_text(f"*** Settings ***\nLibrary    hil.robot\n*** Test Cases ***\n{cases}")
    done = run_hil("run", str(tmp_path / "m.robot"), "--results", str(tmp_path / "r"))
    assert done.returncode == 2, done.stdout
    (folder,) = (tmp_path / "r").iterdir()
    assert read_verdicts(folder / "junit.xml") == {f"M{number}": "usage error" for number in range(len(MISTAKES))}
    for number in range(len(MISTAKES)):
        assert f" usage error  M{number}" in done.stdout
        assert f"m.robot:{5 + 2 * number}: " in done.stdout


def test_an_error_of_a_pytest_case_itself_says_nothing_of_the_ecu(tmp_path):
    (tmp_path / "test_m.py").write_text("def test_m(bench):\n    bench.sleep(1)\n    [].pop()\n")
    done = run_hil("run", str(tmp_path / "test_m.py"), "--results", str(tmp_path / "r"))
    assert done.returncode == 2, done.stdout
    assert "test_m.py:3: the test raised IndexError: " in done.stdout
