"""`hil replay` as people use it: onto the virtual bench, with signals overridden, and what it refuses."""

import gzip
import re
import signal
import subprocess
import sys

import pytest
from restbus_bench import REAL, TracedSupply, write_bench

from conftest import REPOSITORY, environment, run_hil
from hil.bench import config as bench_config
from hil.bench.lock import ResourceLocks
from hil.bench.plan import plan
from hil.journal import JournalReader

DRIVE = REPOSITORY / "fixtures/traces/drive.log"
HANGS_S = 60.0
"""A program that says nothing for so long hangs; nothing is judged by it."""
SUPPLY = f"""[supply.battery]
port = "restbus_bench:{TracedSupply.__name__}"
trace = "{{}}"
max_voltage_V = 16.0
max_current_A = 10.0
"""
SUITE = """*** Settings ***
Library    hil.robot

*** Test Cases ***
A recorded drive with another speed
    Replay    {drive}    wait=no    VehicleSpeed=50 km/h
    Text Should Show    speed    50    within=2 s
    Telltale Should Be    high_beam    on    within=6 s
    Stop Replay
    Set Signal    VehicleSpeed    30 km/h
    Text Should Show    speed    30    within=1 s

Nothing of it is left
    Text Should Show    speed    0    within=1 s
    ${{replay}} =    Replay    {drive}    end=1 s    only=ESC_Speed, BCM_*
    Should Be Equal As Integers    ${{replay.frames}}    80
    Run Keyword And Expect Error    *no signal 'HighBeem' on this bench*    Replay    {drive}    HighBeem=On
"""


def replay(results, *words, **more):
    return run_hil("replay", "--results", results, *words, PYTHONPATH=str(REPOSITORY / "tests"), **more)


def journal_of(results):
    (file,) = results.glob("*/journal.mcap")
    return file


def frames_of(file):
    return [(e.t_ns, e.name, e.data.can_id, e.data.data) for e in JournalReader(file) if e.kind == "can"]


@pytest.fixture
def small(tmp_path):
    return write_bench(tmp_path)


@pytest.fixture
def wheels(tmp_path):
    """A log of a message that isn't protected, 100 frames in 1 s, and a frame that no database has."""
    lines = [f"({n / 100:.6f}) can0 0C9#{n:02X}00{n:02X}00\n" for n in range(100)]
    path = tmp_path / "wheels.log"
    path.write_text("".join(lines) + "(0.995000) can0 7AB#00\n")
    return path


# Onto the virtual bench -----------------------------------------------------------------------------------------------


def test_a_drive_is_played_and_the_ecu_shows_the_overridden_speed(tmp_path):
    done = replay(tmp_path / "results", str(DRIVE), "--set", "VehicleSpeed=50 km/h", "--from", "4 s", "--to", "6s")
    assert (done.returncode, done.stderr) == (0, "")
    *said, last = done.stdout.splitlines()
    assert said == [
        "300 frames onto body, chassis, for 2.000 s",
        "300 of 300 frames sent in 2.000 s; worst lateness 0 us, none later than allowed",
        "left out: 24 sent by COCKPIT, which is really there",
        "left out: 48 network management",
        "overridden: body::CGW_VehicleMotion.VehicleSpeedGw in 100 frames",
        "overridden: chassis::ESC_Speed.VehicleSpeed in 100 frames",
    ]
    journal = last.removeprefix("journal: ")
    shown = run_hil("trace", journal, "--bench", "fixtures/benches/virtual.toml", "--decode", "DisplayedSpeed")
    assert "DisplayedSpeed = 50 km/h" in shown.stdout.splitlines()[-1]


def test_two_replays_of_one_log_are_equal(tmp_path):
    for name, seed in (("one", "1"), ("two", "2")):
        assert replay(tmp_path / name, str(DRIVE), "--to", "2s", "--protect", PYTHONHASHSEED=seed).returncode == 0
    first, second = (journal_of(tmp_path / name).read_bytes() for name in ("one", "two"))
    assert len(first) > 10_000
    assert first == second


def test_a_suite_replays_beside_its_checks(hil, tmp_path):
    suite = tmp_path / "replay.robot"
    suite.write_text(SUITE.format(drive=DRIVE))
    ran = hil(str(suite))
    assert ran.verdicts == {
        "A recorded drive with another speed": "pass",
        "Nothing of it is left": "usage error",
    }, ran.out
    assert "no signal 'HighBeem' on this bench" in ran.out


# What it says ---------------------------------------------------------------------------------------------------------


def test_what_is_played_and_what_is_not_is_said(small, wheels, tmp_path):
    done = replay(tmp_path / "results", str(wheels), "--bench", str(small), "--repeat", "2", "--without", "0x0C8",
                  "--set", "WheelLeft=5")  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.splitlines()[:-1] == [
        "channel can0 is bus cabin (there is one database)",
        "202 frames onto cabin, for 2.010 s",
        "202 of 202 frames sent in 2.000 s; worst lateness 0 us, none later than allowed",
        "1 of the frames are in no database",
        "overridden: cabin::ESC_Wheels.WheelLeft in 200 frames",
    ]
    (folder,) = (tmp_path / "results").iterdir()
    assert {file.name for file in folder.iterdir()} == {"run.json", "journal.mcap"}
    entries = list(JournalReader(folder / "journal.mcap"))
    notes = [entry.data["text"] for entry in entries if entry.kind == "note"]
    assert notes[-2:] == [
        "replay of wheels.log began; channel can0 is bus cabin (there is one database)",
        "replay of wheels.log ended after 202 frames",
    ]
    assert len([entry for entry in entries if entry.kind == "can" and entry.data.can_id == 0x7AB]) == 2


@pytest.mark.parametrize("packed", [False, True])
def test_a_log_that_was_cut_is_played_to_where_it_ends(small, wheels, tmp_path, packed):
    cut = tmp_path / ("cut.log.gz" if packed else "cut.log")
    data = wheels.read_bytes()
    cut.write_bytes(gzip.compress(data, mtime=0)[:-60] if packed else data[:-30])
    done = replay(tmp_path / "results", str(cut), "--bench", str(small))
    assert done.returncode == 0
    said = (
        rf"^{re.escape(cut.name)}: breaks off in line \d+, which was left out; (\d+) frames were read, until 0\.\d+ s$"
    )
    count = re.search(said, done.stdout, re.MULTILINE)[1]
    assert f"\n{count} of {count} frames sent" in done.stdout
    assert int(count) == 99 or (packed and 10 < int(count) < 99)


@pytest.mark.parametrize("power", [True, False])
def test_the_supply_is_switched_and_left_safe_or_left_alone(wheels, tmp_path, power):
    bench = write_bench(tmp_path, more=SUPPLY.format(tmp_path / "trace"))
    done = replay(tmp_path / "results", str(wheels), "--bench", str(bench), *([] if power else ["--no-power"]))
    assert done.returncode == 0, done.stderr
    trace = tmp_path / "trace"
    assert (trace.read_text() if trace.exists() else "") == ("open\n13.5 V\non\nclosed\n" if power else "")
    ids = {can_id for _, _, can_id, _ in frames_of(journal_of(tmp_path / "results"))}
    assert {0x64, 0xC8, 0xC9} <= ids, "the restbus plays the rest"


def test_the_restbus_may_be_off(small, wheels, tmp_path):
    done = replay(tmp_path / "results", str(wheels), "--bench", str(small), "--restbus", "off", "--from", "500ms")
    assert done.returncode == 0
    frames = frames_of(journal_of(tmp_path / "results"))
    first_ns = next(t_ns for t_ns, _, can_id, data in frames if can_id == 0xC9 and data[0])
    during = {can_id for t_ns, _, can_id, _ in frames if first_ns <= t_ns < first_ns + 480_000_000}
    assert during == {0xC9}


# What it refuses ------------------------------------------------------------------------------------------------------

WRONG = [
    (["no.log"], "no.log: can't be read: No such file or directory. Remedy: check its path, and that you may read it."),
    (["{log}", "--set", "VehicleSpede=5"],
     "no signal 'VehicleSpede' on this bench. Remedy: did you mean VehicleSpeed?"),
    (["{log}", "--set", "VehicleSpeed=5"],
     "cabin::ESC_Speed.VehicleSpeed: its message isn't in the log."
     " Remedy: override what is replayed; the restbus sets the rest."),
    (["{log}", "--set", "VehicleSpeed"],
     "--set: 'VehicleSpeed' is no pair. Remedy: write --set \"VehicleSpeed=87 km/h\"."),
    (["{log}", "--channel", "1"], "--channel: '1' is no pair. Remedy: write --channel 1=chassis."),
    (["{log}", "--channel", "can0=body"], "channel can0: there is no bus 'body'. Remedy: buses: cabin."),
    (["{log}", "--channel", "can7=cabin"],
     "{log}: there is no channel 'can7' in the log. Remedy: it has can0."),
    (["{log}", "--only", "Wheals"],
     "--only: no message or signal is called 'Wheals'. Remedy: did you mean ESC_Wheels?"),
    (["{log}", "--from", "soon"],
     "--from: 'soon' is no number with a unit. Remedy: write --from 10s or --from '10 ms'."),
    (["{log}", "--repeat", "1.5"], "--repeat: '1.5' is no count. Remedy: write --repeat 3."),
    (["{log}", "--repeat", "nan"], "--repeat: 'nan' is no count. Remedy: write --repeat 3."),
    (["{log}", "--repeat", "0"], "--repeat: 0 times is not at all. Remedy: give how often it is played, 1 or more."),
    (["{log}", "--speed", "x"], "--speed: 'x' is no number. Remedy: write --speed 2."),
    (["{log}", "--speed", "-1"], "--speed: -1 is no speed. Remedy: give a number from 0.01 to 1000."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"), WRONG, ids=lambda value: " ".join(value[1:]) if isinstance(value, list) else ""
)
def test_a_mistake_is_one_line_and_the_bench_is_not_touched(wheels, tmp_path, words, said):
    bench = write_bench(tmp_path, more=SUPPLY.format(tmp_path / "trace"))
    words = [word.format(log=wheels) for word in words]
    done = replay(tmp_path / "results", *words, "--bench", str(bench))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"hil replay: {said.format(log=wheels)}\n"
    assert not (tmp_path / "trace").exists()
    assert not (tmp_path / "results").exists()


def test_a_missing_bench_file_is_said(wheels, tmp_path):
    done = replay(tmp_path / "results", str(wheels), "--bench", "no.toml")
    assert done.returncode == 2
    assert "there is no such bench file" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_bench_that_breaks_is_a_bench_fault_and_what_was_sent_is_said(wheels, tmp_path):
    bench = write_bench(tmp_path, port='port = "restbus_bench:BreakingCan"')
    done = replay(tmp_path / "results", str(wheels), "--bench", str(bench), "--repeat", "5")
    assert done.returncode == 3
    assert done.stderr == "hil replay: bus.cabin: the adapter was pulled. Remedy: plug it in.\n"
    assert re.search(r"^10\d of 505 frames sent in 1\.000 s", done.stdout, re.M)


def test_a_bench_that_somebody_uses_says_who(wheels, tmp_path):
    bench = write_bench(tmp_path, port=REAL.format("taken"), clock="real")
    locks = ResourceLocks(plan(bench_config.load(bench)).resources, "somebody else")
    locks.acquire()
    try:
        done = replay(tmp_path / "results", str(wheels), "--bench", str(bench))
    finally:
        locks.release()
    assert done.returncode == 3
    assert "is in use by somebody else" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_what_was_sent_and_leaves_the_supply_safe(wheels, tmp_path, number):
    bench = write_bench(tmp_path, port=REAL.format("signal"), clock="real", more=SUPPLY.format(tmp_path / "trace"))
    command = [sys.executable, "-m", "hil.cli.main", "replay", str(wheels), "--bench", str(bench), "--repeat", "99"]
    command += ["--results", str(tmp_path / "results"), "--channel", "can0=cabin"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    variables = environment(PYTHONPATH=str(REPOSITORY / "tests"))
    with subprocess.Popen(command, env=variables, **pipes) as process:
        process.stdout.readline()
        assert b"9999 frames onto cabin" in process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=HANGS_S)
    assert process.returncode == 130, err
    assert err == b"hil replay: stopped\n"
    assert re.match(rb"\d+ of 9999 frames sent in ", out)
    assert (tmp_path / "trace").read_text().endswith("on\nclosed\n")
    assert frames_of(journal_of(tmp_path / "results"))
