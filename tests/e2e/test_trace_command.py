"""`hil trace`: what it says of a log, what it decodes and writes, and what it refuses."""

import csv
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from conftest import REPOSITORY, environment, run_hil
from hil.can.frames import ERROR, EXTENDED, FD
from hil.can.log_frames import FrameList
from hil.can.logs import open_log, open_writer
from hil.cli.main import main

DBC = """\
VERSION ""
NS_ :
BS_:
BU_: ESC BCM
BO_ 416 Speed: 3 ESC
 SG_ VehicleSpeed : 0|16@1+ (0.01,0) [0|300] "km/h" BCM
 SG_ State : 16|2@1+ (1,0) [0|3] "" BCM
BO_ 688 Lights: 1 BCM
 SG_ HighBeam : 0|1@1+ (1,0) [0|1] "" ESC
BO_ 700 Doors: 1 BCM
 SG_ DriverDoor : 0|1@1+ (1,0) [0|1] "" ESC
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 10000;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 416 20;
VAL_ 416 State 0 "Valid" 3 "Not, available" ;
VAL_ 688 HighBeam 0 "Off" 1 "On" ;
"""
BODY = DBC.replace("Speed: 3", "BodySpeed: 3").replace("HighBeam", "LowBeam")
START_NS = 1_700_000_000_000_000_000


def rows():
    """(time in ms, channel, identifier, flags, data): speed every 20 ms, lights twice, and what doesn't fit."""
    made = [(20 * n, 0, 416, 0, (1000 + 100 * n).to_bytes(2, "little") + bytes([3 if n == 2 else 0])) for n in range(6)]
    made += [(30, 0, 688, 0, b"\x00"), (70, 0, 688, 0, b"\x01"), (75, 0, 0x123, EXTENDED, b"\x01\x02")]
    made += [(80.5, 0, 0, ERROR, b""), (90, 0, 416, 0, b"\x01"), (95, 1, 0x321, FD, bytes(12))]
    return sorted(made)


def write(path, given=None, channels=("1", "2")):
    frames = FrameList()
    for t_ms, channel, can_id, flags, data in given or rows():
        frames.add(round(t_ms * 1e6), channel, can_id, flags, len(data), data)
    writer = open_writer(path, path.suffix, list(channels), START_NS)
    writer.write(frames.take())
    writer.close()
    return path


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a log and databases, in which the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    write(tmp_path / "drive.blf")
    (tmp_path / "chassis.dbc").write_text(DBC)
    (tmp_path / "body.dbc").write_text(BODY)
    return tmp_path


@pytest.fixture
def trace(place, capsys):
    """Run the command here; gives status, output, errors."""

    def run(*words):
        status = main(["trace", *map(str, words)])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return status, out, err

    return run


def line_with(text, *parts):
    found = [line for line in text.splitlines() if all(part in line for part in parts)]
    assert len(found) == 1, text
    return re.sub(r"\s+", " ", found[0]).strip()


WITH = ("--database", "chassis.dbc")
BOTH = ("--database", "chassis.dbc", "--database", "body.dbc")

# ---- what is in a log


def test_what_is_in_it(trace):
    status, out, err = trace("drive.blf", *BOTH, "--gap", "60 ms")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:3] == [
        "drive.blf: BLF, 12 frames on 2 channels in 0.100 s, from 2023-11-14 22:13:20.000 UTC",
        "channel 1 is bus chassis (by its number)",
        "channel 2 is bus body (by its number)",
    ]
    buses = [line.split() for line in lines if re.search(r"% at ", line)]
    assert [row[:4] + row[-3:] for row in buses] == [
        ["chassis", "1", "11", "110", "1", "0", "0"], ["body", "2", "1", "10", "0", "0", "1"],
    ]  # fmt: skip
    assert line_with(out, "Speed", "0x1A0") == (
        "Speed 0x1A0 chassis 7 0.000 s 0.100 s 20 "
        "10.00 20.00 16.67 20.00 20.00 2 0.000 s 1 frame of 1 instead of 3 bytes"
    )
    assert line_with(out, "Lights", "0x2B0").startswith("Lights 0x2B0 chassis 2 0.030 s 0.070 s 40.00 40.00")
    assert line_with(out, "0x00000123x").endswith("not in the database")
    assert line_with(out, "0x321").endswith("not in the database")
    assert "chassis: never seen: Doors" in lines
    assert "body: never seen: BodySpeed, Lights, Doors" in lines
    assert "body: no frame for 95.0 ms from 0.000 s on" in lines
    assert "bus load of exact frame lengths" in out


def test_without_a_database_there_are_identifiers(trace):
    status, out, _ = trace("drive.blf")
    assert status == 0
    assert line_with(out, "0x1A0").startswith("0x1A0 1 7 0.000 s")
    assert "not in the database" not in out


def test_bit_rates(trace):
    loads = {}
    for rate in ("500k", "250k", "1=250k/1M"):
        out = trace("drive.blf", "--bitrate", rate)[1]
        assert "bit rates as given" in out
        loads[rate] = float(re.search(r"1 +1 +11 +110 +([\d.]+)%", out)[1])
    assert loads["250k"] == loads["1=250k/1M"] == pytest.approx(2 * loads["500k"], abs=0.15)
    assert "500k/2M are assumed" in trace("drive.blf")[1]


def test_a_bench_file_names_the_buses(trace, place):
    (place / "bench.toml").write_text(
        '[bench]\nname = "x"\nclock = "virtual"\n'
        '[bus.a]\nport = "sim"\ndatabase = "body.dbc"\nbitrate = 250000\n'
        '[bus.b]\nport = "sim"\ndatabase = "chassis.dbc"\n'
    )
    out = trace("drive.blf", "--bench", "bench.toml")[1]
    assert "channel 1 is bus a (by its number)" in out
    assert "bit rates of the bench file" in out
    out = trace("drive.blf", "--bench", "bench.toml", "--channel", "1=b")[1]
    assert "channel 1 is bus b (as given)" in out
    assert "channel 2 is no bus of the databases; --channel 2=BUS says which it is" in out
    assert line_with(out, "Speed", "0x1A0").startswith("Speed 0x1A0 b 7")


def test_journals_name_their_buses(trace, place):
    from hil.journal import Journal, Origin

    journal = Journal(place / "journal.mcap")
    for t_ms, channel, can_id, flags, data in rows():
        journal.frame(round(t_ms * 1e6), ("body", "chassis")[channel], can_id, flags, Origin.SIM, data)
    journal.close()
    out = trace("journal.mcap", *BOTH)[1]
    assert "journal.mcap: journal, 12 frames on 2 channels in 0.100 s\n" in out
    assert line_with(out, "BodySpeed", "0x1A0").startswith("BodySpeed 0x1A0 body 7")


def test_a_channel_that_is_not_there_is_told(trace):
    assert "there is no channel '7' in the log; it has 1, 2" in trace("drive.blf", *WITH, "--channel", "7=chassis")[2]


# ---- decoded


def test_decoded_lines(trace):
    status, out, _ = trace("drive.blf", *BOTH, "--decode", "VehicleSpeed", "chassis::High*")
    assert status == 0
    assert [re.sub(r"\s+", " ", line).strip() for line in out.splitlines()] == [
        "0.000000 chassis Speed VehicleSpeed = 10 km/h",
        "0.020000 chassis Speed VehicleSpeed = 11 km/h",
        "0.030000 chassis Lights HighBeam = Off",
        "0.040000 chassis Speed VehicleSpeed = 12 km/h",
        "0.060000 chassis Speed VehicleSpeed = 13 km/h",
        "0.070000 chassis Lights HighBeam = On",
        "0.080000 chassis Speed VehicleSpeed = 14 km/h",
        "0.100000 chassis Speed VehicleSpeed = 15 km/h",
    ]


def test_all_signals_of_all_frames(trace):
    out = [re.sub(r"\s+", " ", line).strip() for line in trace("drive.blf", *BOTH, "--decode")[1].splitlines()]
    assert len(out) == 12
    assert out[0] == "0.000000 chassis Speed VehicleSpeed = 10 km/h, State = Valid"
    assert "0.075000 chassis 0x00000123x 01 02" in out
    assert "0.080500 chassis error" in out
    assert "0.090000 chassis Speed (short)" in out


def test_numbers_instead_of_labels(trace):
    out = trace("drive.blf", *BOTH, "--decode", "State", "--numbers", "--from", "40ms", "--to", "50ms")[1]
    assert out.split() == ["0.040000", "chassis", "Speed", "State", "=", "3"]


def table(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_a_row_for_each_change(trace, place):
    status, out, _ = trace("drive.blf", *BOTH, "--decode", "State", "HighBeam", "--out", "x.csv")
    assert (status, out) == (0, "12 of 12 frames: x.csv\n")
    assert table(place / "x.csv") == [
        ["time_s", "chassis::Speed.State", "chassis::Lights.HighBeam", "body::BodySpeed.State"],
        ["0.000000000", "Valid", "", ""],
        ["0.030000000", "Valid", "Off", ""],
        ["0.040000000", "Not, available", "Off", ""],
        ["0.060000000", "Valid", "Off", ""],
        ["0.070000000", "Valid", "On", ""],
    ]


def test_signals_that_change_together_share_a_row(trace, place):
    trace("drive.blf", *BOTH, "--decode", "chassis::Speed", "--out", "x.csv")
    assert [row[:3] for row in table(place / "x.csv")[1:4]] == [
        ["0.000000000", "10", "Valid"], ["0.020000000", "11", "Valid"], ["0.040000000", "12", "Not, available"],
    ]  # fmt: skip
    assert len(table(place / "x.csv")) == 1 + 6


def test_a_row_at_each_step(trace, place):
    asked = ("--decode", "VehicleSpeed", "HighBeam", "--numbers", "--step", "25 ms", "--out", "x.csv")
    assert trace("drive.blf", *WITH, "--channel", "1=chassis", *asked)[0] == 0
    assert table(place / "x.csv") == [
        ["time_s", "Speed.VehicleSpeed [km/h]", "Lights.HighBeam"],
        ["0.000000000", "10", ""],
        ["0.025000000", "11", ""],
        ["0.050000000", "12", "0"],
        ["0.075000000", "13", "1"],
        ["0.100000000", "15", "1"],
    ]


def test_arrays(trace, place):
    assert trace("drive.blf", *BOTH, "--decode", "VehicleSpeed", "HighBeam", "--out", "x.npz")[0] == 0
    arrays = np.load(place / "x.npz")
    assert sorted(arrays.files) == [
        "chassis::Lights.HighBeam", "chassis::Lights.HighBeam/t_s",
        "chassis::Speed.VehicleSpeed", "chassis::Speed.VehicleSpeed/t_s",
    ]  # fmt: skip
    assert arrays["chassis::Speed.VehicleSpeed"].tolist() == [10.0, 11.0, 12.0, 13.0, 14.0, 15.0]
    assert arrays["chassis::Lights.HighBeam/t_s"].tolist() == [0.03, 0.07]


def test_two_channels_of_one_database_are_not_mixed(trace, place):
    write(place / "two.blf", [(0, 0, 416, 0, bytes(3)), (1, 1, 416, 0, bytes(3))])
    for out in ("x.csv", "x.npz"):
        status, _, err = trace("two.blf", *WITH, "--decode", "--out", out)
        assert status == 2
        assert "the channels 1 and 2 would both be bus chassis" in err
        assert not (place / out).exists()
    assert trace("two.blf", *WITH, "--channel", "2=chassis", "--decode", "--out", "x.csv")[0] == 0


# ---- parts of it, in another format


@pytest.mark.parametrize("suffix", [".blf", ".asc", ".log"])
def test_a_part_in_another_format(trace, place, suffix):
    status, out, _ = trace(
        "drive.blf", *BOTH, "--only", "Speed", "--from", "20ms", "--to", "80ms", "--out", f"x{suffix}"
    )
    assert (status, out) == (0, f"4 of 12 frames: x{suffix}\n")
    log = open_log(place / f"x{suffix}")
    found = [row for block in log for row in block.rows()]
    assert [(row[2], row[5][:2]) for row in found] == [
        (416, speed.to_bytes(2, "little")) for speed in (1100, 1200, 1300, 1400)
    ]
    assert [row[0] for row in found] == [0, 20_000_000, 40_000_000, 60_000_000]
    assert log.start_ns == START_NS + 20_000_000


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("0x1A0", 7), ("0x100-0x2B0", 10), ("0x123x", 1), ("0x1a0x", 0), ("*Beam", 2), ("lights", 2), ("Speed.State", 7),
     ("chassis::*", 11), ("body::*", 1), ("*", 12)],
)  # fmt: skip
def test_patterns(trace, pattern, count):
    status, out, err = trace("drive.blf", *BOTH, "--only", pattern, "--out", "x.csv")
    if count:
        # error frames have no identifier and go with no pattern
        assert out == f"{count - (pattern in ('*', 'chassis::*'))} of 12 frames: x.csv\n"
    else:
        assert (status, "none of its 12 frames (until 0.100 s) is left" in err) == (2, True)


def test_frames_as_csv_have_names(trace, place):
    trace("drive.blf", *BOTH, "--out", "x.csv")
    assert table(place / "x.csv")[2] == ["0.020000000", "chassis", "0x1A0", "Speed", "Rx", "CAN", "3", "4C 04 00"]


def test_statistics_beside_a_conversion(trace):
    assert "frames/s" in trace("drive.blf", "--out", "x.asc", "--stats")[1]
    assert "frames/s" not in trace("drive.blf", "--out", "x.asc")[1]


# ---- what is wrong with a log or an argument


def test_a_log_that_was_cut_says_so_and_the_rest_is_used(trace, place):
    path = write(place / "long.log", [(n, 0, 416, 0, bytes(3)) for n in range(100)])
    path.write_bytes(path.read_bytes()[:-8])
    status, out, err = trace("long.log", *WITH)
    assert status == 0
    assert err == (
        "hil trace: long.log: breaks off in line 100, which was left out; 99 frames were read, until 0.098 s\n"
    )
    assert "(it was cut)" in out.splitlines()[0]
    assert "99 of 99 frames: x.asc" in trace("long.log", "--out", "x.asc")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.blf"], "none.blf: can't be read: No such file or directory"),
        (["."], "is a folder"),
        (["empty.log"], "empty.log: is empty"),
        (["rubbish.blf"], "rubbish.blf: is no BLF log"),
        (["nothing.blf"], "nothing.blf: is a BLF log without any CAN frame"),
        (["drive.blf", "--database", "none.dbc"], "none.dbc: can't be read"),
        (["drive.blf", "--database", "rubbish.blf"], "'.blf' is no database format"),
        (["drive.blf", "--bench", "none.toml"], "none.toml"),
        (["drive.blf", *WITH, "--bench", "x.toml"], "--bench and --database exclude each other"),
        (["drive.blf", *WITH, "--channel", "1=cabin"], "there is no bus 'cabin'. Remedy: buses: chassis."),
        (["drive.blf", *WITH, "--channel", "chassis"], "'chassis' is no pair"),
        (["drive.blf", *WITH, "--only", "Sped"], "no message or signal is called 'Sped'. Remedy: did you mean Speed"),
        (["drive.blf", "--only", "Speed"], "names need a database"),
        (["drive.blf", "--only", "0x20-0x10"], "the range '0x20-0x10' goes backwards"),
        (["drive.blf", "--decode"], "what the bits mean stands in a database"),
        (["drive.blf", *WITH, "--decode", "Sped"], "--decode: no message or signal is called 'Sped'"),
        (["drive.blf", *WITH, "--decode", "State", "--only", "Lights", "--out", "x.csv"], "no signal is chosen"),
        (["drive.blf", "--numbers"], "only decoded signals have labels"),
        (["drive.blf", "--step", "1ms"], "a grid is for decoded columns"),
        (
            ["drive.blf", *WITH, "--decode", "--step", "0", "--out", "x.csv"],
            "--step: a step must be longer than nothing",
        ),
        (["drive.blf", *WITH, "--decode", "--step", "1ns", "--out", "x.csv"], "--step: a grid up to"),
        (["drive.blf", "--from", "soon"], "--from: 'soon' is no number with a unit"),
        (["drive.blf", "--to", "5 km"], "--to: "),
        (["drive.blf", "--from", "10s"], "none of its 12 frames (until 0.100 s) is left"),
        (["drive.blf", "--gap", "-1"], "--gap: a duration can't be negative"),
        (["drive.blf", "--bitrate", "fast"], "--bitrate: 'fast' is no bit rate"),
        (["drive.blf", "--bitrate", "500"], "--bitrate: '500' is no bit rate"),
        (["drive.blf", "--out", "x.mf4"], "'x.mf4' is nothing that frames are written to"),
        (["drive.blf", *WITH, "--decode", "--out", "x.blf"], "'x.blf' is nothing that signals are written to"),
        (["drive.blf", "--out", "drive.blf"], "is the log itself"),
        (["drive.blf", "--out", "none/x.blf"], "can't be written: No such file or directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line_and_leave_no_file(trace, place, words, said):
    (place / "empty.log").write_bytes(b"")
    (place / "rubbish.blf").write_bytes(b"rubbish" * 100)
    open_writer(place / "nothing.blf", ".blf", [], None).close()
    before = sorted(file.name for file in place.iterdir())
    status, out, err = trace(*words)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("hil trace: ")
    assert said in err
    assert sorted(file.name for file in place.iterdir()) == before


def test_ctrl_c_leaves_no_half_file(place):
    write(place / "long.log", [(n * 0.1, 0, 416, 0, bytes(3)) for n in range(200_000)])
    command = [sys.executable, "-m", "hil.cli.main", "trace", "long.log", "--out", "x.blf"]
    child = subprocess.Popen(command, cwd=place, env=environment(), stderr=subprocess.PIPE, text=True)
    while not list(place.glob(".x.blf*")):
        assert child.poll() is None
        os.sched_yield()
    child.send_signal(signal.SIGINT)
    _, err = child.communicate()
    assert (child.returncode, err) == (130, "hil trace: stopped\n")
    assert [file.name for file in place.glob("*x.blf*")] == []


def test_whoever_has_read_enough_ends_it(place):
    write(place / "long.log", [(n * 0.1, 0, 416, 0, bytes(3)) for n in range(50_000)])
    command = [sys.executable, "-m", "hil.cli.main", "trace", "long.log", *WITH, "--decode"]
    child = subprocess.Popen(
        command, cwd=place, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert "VehicleSpeed" in child.stdout.readline()
    child.stdout.close()
    assert "Traceback" not in child.stderr.read()
    child.wait()


def test_help_needs_nothing_heavy(place):
    code = "import sys; from hil.cli.main import main\ntry: main(['trace', '--help'])\nexcept SystemExit: pass\n"
    code += "print([name for name in ('numpy', 'can', 'cantools', 'rich', 'cv2') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "--decode" in done.stdout


def test_as_a_process(place):
    done = run_hil("trace", "drive.blf", *WITH, cwd=place, fresh=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "drive.blf: BLF, 12 frames" in done.stdout


def test_the_examples_of_the_manual_exist():
    assert (REPOSITORY / "docs/examples/drive.log").exists()
