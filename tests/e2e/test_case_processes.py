"""Each case in a process of its own: what one does there, and how it dies, is nothing to the others."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from test_run import journals

from conftest import REPOSITORY, read_verdicts, run_hil

PYTEST = """
import os, signal
import pytest

SEEN = []

@pytest.mark.parametrize("n", range(4))
def test_memory(bench, n):
    SEEN.append(n)
    with bench.step(f"seen {len(SEEN)}"):
        bench.set_signal("HighBeam", "On")

def test_dies(bench):
    bench.set_signal("HighBeam", "On")
    os.kill(os.getpid(), signal.SIGKILL)

def test_after(bench):
    bench.screen().telltale("high_beam").should_be("off")
"""
ROBOT = """*** Settings ***
Library        hil.robot
Suite Setup    Set Suite Variable    ${WORD}    On

*** Test Cases ***
First
    Set Signal    HighBeam    ${WORD}
    Telltale Should Be    high_beam    on    within=500 ms

Second
    Telltale Should Be    high_beam    off

Hangs
    Evaluate    os._exit(1)    modules=os

Dies
    Set Signal    HighBeam    ${WORD}
    Evaluate    os._exit(3)    modules=os

Last
    Telltale Should Be    high_beam    off
"""


@pytest.fixture
def suites(tmp_path):
    folder = tmp_path / "suites"
    folder.mkdir()
    (folder / "lamps.robot").write_text(ROBOT)
    (folder / "test_lamps.py").write_text(PYTEST)
    return folder


def run(tmp_path, *arguments):
    results = tmp_path / "results"
    done = run_hil("run", *map(str, arguments), "--results", str(results), "--jobs", "1")
    (folder,) = results.iterdir()
    return done, folder


def steps(folder, case):
    entries = journals(folder)[case][0]
    return [e.data["name"] for e in entries if e.kind == "step" and e.data["phase"] == "start"]


def test_a_case_that_dies_takes_no_other_with_it(suites, tmp_path):
    done, folder = run(tmp_path, suites)
    assert done.returncode == 3, done.stderr
    verdicts = read_verdicts(folder / "junit.xml")
    assert {name for name, verdict in verdicts.items() if verdict != "pass"} == {"Dies", "Hangs", "test_dies"}
    assert {verdicts["Dies"], verdicts["test_dies"]} == {"bench fault"}
    assert "the process of the case died: status 3" in done.stdout
    assert "the process of the case died: signal SIGKILL" in done.stdout
    assert "status 1, as of one that hung for longer than [bench] watchdog (300 s)" in done.stdout
    tests = [t.get("name") for t in ElementTree.parse(folder / "robot/output.xml").iter("test")]
    assert tests == ["First", "Second", "Last"]
    assert not list(folder.glob("robot/part-*"))


def test_what_a_suite_keeps_in_its_process_is_gone_with_the_case(suites, tmp_path):
    (suites / "lamps.robot").unlink()
    _, folder = run(tmp_path, suites, "--name", "test_memory*")
    assert [steps(folder, f"pytest.lamps.memory_{n}")[1] for n in range(4)] == ["seen 1"] * 4


def test_a_bench_that_is_not_booted_ahead_keeps_one_process_and_the_same_journals(suites, tmp_path):
    (suites / "lamps.robot").unlink()
    text = (REPOSITORY / "fixtures/benches/virtual.toml").read_text()
    text = text.replace('"../../', f'"{REPOSITORY}/').replace('"../', f'"{REPOSITORY}/fixtures/')
    own = tmp_path / "virtual.toml"
    own.write_text(text.replace('clock = "virtual"', 'clock = "virtual"\nboot_ahead = false', 1))
    names = "--name", "test_memory*", "--name", "test_after"
    _, ahead = run(tmp_path / "ahead", suites, *names)
    _, here = run(tmp_path / "here", suites, *names, "--bench", own)
    assert [steps(here, f"pytest.lamps.memory_{n}")[1] for n in range(4)] == ["seen 1", "seen 2", "seen 3", "seen 4"]
    assert journals(ahead)["pytest.lamps.after"][0] == journals(here)["pytest.lamps.after"][0]
