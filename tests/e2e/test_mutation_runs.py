"""Defects from outside: caught, not caught, and that a forked run is the run that it would be by itself."""

import asyncio
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from test_run import journals

from conftest import REPOSITORY, run_hil
from hil.bench.session import Settings
from hil.cli.children import commands_for
from hil.cli.trials import trial_bench
from hil.errors import BenchError

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
ROBOT = """*** Settings ***
Library    hil.robot

*** Test Cases ***
Lamp lights
    [Tags]    req:CLU-TT-001
    Set Signal    HighBeam    On
    Telltale Should Be    high_beam    on    within=500 ms

Boots
    Console Should Show    boot complete
"""
PYTEST = """import pytest

@pytest.mark.requirement("CLU-TT-001")
def test_stays_dark(bench):
    bench.screen().telltale("high_beam").should_be("off")

@pytest.mark.requirement("CLU-SPD-001")
def test_speed(bench):
    bench.set_signal("VehicleSpeed", "100 km/h")
    bench.screen().text("speed").should_be("100", within="2 s")
"""


@pytest.fixture
def suites(tmp_path):
    folder = tmp_path / "suites"
    folder.mkdir()
    (folder / "lamps.robot").write_text(ROBOT)
    (folder / "test_lamps.py").write_text(PYTEST)
    return folder


def mutate(suites, *words, fresh=False):
    return run_hil("mutate", str(suites), *words, fresh=fresh)


def lines(done):
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


def test_defects_are_caught_by_robot_and_by_pytest_and_by_others(suites, tmp_path):
    out = tmp_path / "table.csv"
    done = mutate(suites, "--defect", "high_beam_dark", "--defect", "speed_reads_low", "--defect", "console_mute",
                  "--out", str(out))  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    said = "\n".join(lines(done))
    assert "Lamp lights" in next(line for line in lines(done) if line.startswith("high_beam_dark CLU-TT-001"))
    assert "test_speed" in next(line for line in lines(done) if line.startswith("speed_reads_low CLU-SPD-001"))
    assert "Boots (not of its requirement)" in said
    assert "3 of 3 defects caught" in said
    assert "speed_reads_low,CLU-SPD-001,1" in out.read_text()


def test_cases_of_a_run_before_are_not_run_again_unless_something_changed(suites, tmp_path):
    run = run_hil("run", str(suites), "--results", str(tmp_path / "r"))
    assert run.returncode == 0, run.stdout
    (before,) = (tmp_path / "r").iterdir()
    words = ("--defect", "high_beam_dark", "--baseline", str(before))
    done = mutate(suites, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cases without a defect ..." not in done.stdout
    assert "without a defect: 4 cases, all pass" in done.stdout
    (suites / "lamps.robot").write_text(ROBOT.replace("500 ms", "600 ms"))
    done = mutate(suites, *words)
    assert done.returncode == 2
    assert f"that run had another suite {suites}" in done.stderr


def test_a_defect_that_no_case_catches_and_a_case_that_always_fails_are_told(suites):
    (suites / "lamps.robot").write_text(ROBOT.replace("high_beam    on", "low_beam    on"))
    done = mutate(suites, "--defect", "high_beam_dark", fresh=True)
    assert done.returncode == 1
    assert "not caught" in done.stdout
    assert "Lamp lights: fail" in done.stdout
    assert "0 of 1 defects caught" in done.stdout


def test_suites_with_mistakes_are_a_usage_error(suites):
    (suites / "test_lamps.py").write_text("import nothing_like_it\n")
    done = mutate(suites, "--defect", "high_beam_dark")
    assert done.returncode == 2, done.stdout
    assert "the suites can't be read" in done.stderr


def test_a_forked_run_writes_the_journals_of_a_run_by_itself(suites, tmp_path):
    done = run_hil("run", str(suites), "--results", str(tmp_path / "r"), "--jobs", "1")
    assert done.returncode == 0, done.stdout
    (alone,) = (tmp_path / "r").iterdir()
    forked = tmp_path / "forked"
    forked.mkdir()
    shutil.copy(alone / "run.json", forked)
    settings = Settings(bench=str(REPOSITORY / "fixtures/benches/virtual.toml"))
    asyncio.run(fork_all(settings, suites, forked))
    assert len(journals(forked)) == 4
    assert journals(forked) == journals(alone)


async def fork_all(settings, suites, folder):
    async with trial_bench(settings, [str(suites)]) as bench:
        for number, command in enumerate(commands_for([str(suites)], folder)):
            told = replace(settings, folder=str(folder)).to_environment()
            status = await bench._warm.run(command, {**os.environ, **told}, folder / f"{number}.log")
            assert status == 0, (folder / f"{number}.log").read_text()


def test_a_run_that_dies_is_told_and_the_warm_process_lives(suites, tmp_path):
    (suites / "test_lamps.py").write_text("import os\n\ndef test_dies(bench):\n    os.kill(os.getpid(), 9)\n")

    async def twice():
        settings = Settings(bench=str(REPOSITORY / "fixtures/benches/virtual.toml"))
        async with trial_bench(settings, [str(suites)]) as bench:
            command = next(c for c in commands_for([str(suites)], tmp_path) if c[2] == "pytest")
            told = {**os.environ, **replace(settings, folder=str(tmp_path)).to_environment()}
            return [await bench._warm.run(command, told, tmp_path / "log") for _ in range(2)]

    assert asyncio.run(twice()) == [-9, -9]


def test_a_warm_process_that_dies_is_a_bench_fault(suites, tmp_path):
    async def kill():
        async with trial_bench(
            Settings(bench=str(REPOSITORY / "fixtures/benches/virtual.toml")), [str(suites)]
        ) as bench:
            bench._warm._process.kill()
            await bench._warm.run([sys.executable, "-m", "robot"], dict(os.environ), Path(tmp_path / "log"))

    with pytest.raises(BenchError, match="forked from died"):
        asyncio.run(kill())
