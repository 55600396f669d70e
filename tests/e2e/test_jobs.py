"""Cases side by side: how many processes share them changes neither verdicts, nor journals, nor what is printed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from test_run import journals

from conftest import REPOSITORY, environment, run_hil

LAMPS = "case,lamp,signal\n" + "".join(f"{n},{'high' if n % 2 else 'low'}_beam,{'High' if n % 2 else 'Low'}Beam\n"
                                       for n in range(1, 13))  # fmt: skip
ROBOT = """*** Settings ***
Library    hil.robot

*** Test Cases ***
First
    Telltale Should Be    high_beam    off

Lamp lights
    [Tags]    table:lamps.csv
    Set Signal    ${signal}    On
    Telltale Should Be    ${lamp}    on    within=500 ms
    IF    ${case} == 7    Telltale Should Be    engine    on    within=100 ms
"""
PYTEST = """import pytest

@pytest.fixture(scope="module")
def once():
    yield 1

@pytest.mark.table("lamps.csv")
def test_lamp(bench, once, lamp, signal):
    bench.set_signal(signal, "On")
    bench.screen().telltale(lamp).should_be("on", within="500 ms")
"""


@pytest.fixture
def suites(tmp_path):
    folder = tmp_path / "suites"
    folder.mkdir()
    (folder / "lamps.csv").write_text(LAMPS)
    (folder / "lamps.robot").write_text(ROBOT)
    (folder / "test_lamps.py").write_text(PYTEST)
    return folder


def run(suites, jobs, results):
    done = run_hil("run", str(suites), "--jobs", str(jobs), "--results", str(results))
    (folder,) = results.iterdir()
    return done, folder


def robot_tests(folder):
    tests = ElementTree.parse(folder / "robot" / "output.xml").iter("test")
    return [(test.get("name"), test.find("status").get("status")) for test in tests]


def pages(folder):
    """The cases in the order of the JUnit file."""
    return [case.get("name") for case in ElementTree.parse(folder / "junit.xml").getroot().iter("testcase")]


def test_jobs_change_nothing_that_is_said_or_kept(suites, tmp_path):
    one, alone = run(suites, 1, tmp_path / "one")
    other, shared = run(suites, 4, tmp_path / "other")
    assert one.returncode == other.returncode == 1, one.stderr + other.stderr
    assert one.stdout.splitlines()[:-1] == other.stdout.splitlines()[:-1]
    assert "24 pass, 1 fail" in one.stdout
    assert journals(alone) == journals(shared)
    assert robot_tests(alone) == robot_tests(shared)
    assert len(robot_tests(alone)) == 13
    assert ("Lamp lights [7]", "FAIL") in robot_tests(alone)
    assert pages(alone) == pages(shared)


def test_cases_are_shared_and_each_is_run_once(suites, tmp_path):
    done, folder = run(suites, 4, tmp_path / "results")
    assert list(folder.glob("*-*.log")), done.stdout  # a second child of a runner helped
    assert not list(folder.glob("robot/part-*"))
    assert not (folder / ".claims").exists()
    assert len(list(folder.glob("tests/*/1/journal.mcap"))) == 25
    assert (folder / "robot" / "log.html").exists()
    assert json.loads((folder / "run.json").read_text())["variant"] == "alta"


def test_jobs_that_cannot_be_are_told():
    done = run_hil("run", "--jobs", "0")
    assert (done.returncode, "less than one job" in done.stderr) == (2, True)
    done = run_hil("run", "--jobs", "2", "--bench", "fixtures/benches/udp.toml")
    assert (done.returncode, "a real bench can't be shared" in done.stderr) == (2, True)


@pytest.mark.skipif(os.name == "nt", reason="needs process groups")
def test_ctrl_c_ends_helpers_too(suites, tmp_path):
    mark = tmp_path / "mark"
    (suites / "test_lamps.py").write_text(
        "import pytest\nfrom pathlib import Path\n@pytest.mark.parametrize('n', range(12))\n"
        "@pytest.mark.bench_timeout('10000 h')\n"  # else each ends after two minutes of bench time: 5 s, or less
        f"def test_long(bench, n):\n    Path({str(mark)!r} + str(n)).write_text('x')\n"
        "    while True:\n        bench.sleep('1 h')\n"
    )
    command = [
        sys.executable,
        "-m",
        "hil.cli.main",
        "run",
        str(suites),
        "--jobs",
        "4",
        "--results",
        str(tmp_path / "r"),
    ]
    ran = subprocess.Popen(command, cwd=REPOSITORY, env=environment(), stdout=subprocess.DEVNULL, stderr=-1)
    wait_for(ran, lambda: len(list(tmp_path.glob("mark*"))) >= 2)
    children = Path(f"/proc/{ran.pid}/task/{ran.pid}/children").read_text().split()
    ran.send_signal(signal.SIGINT)
    _, err = ran.communicate(timeout=60)
    assert ran.returncode == 130, err
    assert len(children) >= 2
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def wait_for(process, condition):
    import threading

    never = threading.Event()
    while not condition() and process.poll() is None:
        never.wait(0.05)
    assert process.poll() is None
