"""A cluster that is not ours, with no Python written: examples/foreign_cluster, and the walk that tells of it.

The stand-in is no part of hil. Each test gives it a UDP port of its own, so that checkouts and workers don't meet.
A run that says of itself that the bench was late is run again: that is what its message asks for.
"""

import ast
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from filelock import FileLock
from PIL import Image, ImageChops

from conftest import on_time
from hil.bench.can_ports import PythonCanOptions
from hil.bench.config import BusSection
from hil.bench.ports import CommandOptions
from hil.can.interface_setup import resolve

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path("examples/foreign_cluster")
BENCH, LAYOUT, SUITE = FOLDER / "bench.toml", FOLDER / "layout.toml", FOLDER / "suite.robot"
DEAD_LAMP = FOLDER / "dead-lamp.toml"
WALK = (ROOT / "docs/your-cluster.md").read_text(encoding="utf-8")
STANDIN = ROOT / FOLDER / "standin/standin.py"
CASES = {
    "Low insulation lights the amber lamp",
    "The range is shown in whole kilometres",
    "A range that is not valid is not shown",
    "No range is shown when nobody sends it",
}
SHIPPED_PORT, DEADLINE_S = "43119", 180
END_OF_COMMAND = "]\n\n[bus.car]"
SHOT = '["{python}", "standin/standin.py", "shot", "{standin.shot}"]'


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


def hil(*words, cwd):
    """Run `hil`; again if it says that the bench was late."""
    return on_time(lambda: hil_once(*words, cwd=cwd))


def hil_once(*words, cwd):
    done = subprocess.run(
        [sys.executable, "-m", "hil.cli.main", *map(str, words)],
        cwd=cwd,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def run_suite(place):
    return hil("run", SUITE, "--bench", BENCH, "--results", "out", cwd=place)


def verdicts(results):
    """Name -> what JUnit says that went wrong, of the newest run; empty for a pass."""
    newest = max(results.iterdir(), key=lambda folder: folder.stat().st_mtime_ns)
    cases = ElementTree.parse(newest / "junit.xml").iter("testcase")
    return {case.get("name"): " ".join(child.get("message", "") for child in case) for case in cases}


@pytest.fixture
def place(tmp_path):
    """A folder with a copy of the example, on a port of its own."""
    shutil.copytree(ROOT / FOLDER, tmp_path / FOLDER)
    port = str(free_port())
    for bench in (BENCH, DEAD_LAMP):
        edit(tmp_path / bench, SHIPPED_PORT, port)
    return tmp_path


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def edit(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file.name} has no {old}"
    file.write_text(text.replace(old, new), encoding="utf-8")


# ---- the suite


def test_as_shipped_all_cases_pass(tmp_path):
    with FileLock(Path(tempfile.gettempdir()) / "cockpit-hil-test-foreign-cluster.lock", timeout=DEADLINE_S):
        ended = hil("run", SUITE, "--bench", BENCH, "--results", tmp_path, cwd=ROOT)
    assert ended.status == 0, ended
    assert verdicts(tmp_path) == dict.fromkeys(CASES, "")
    assert "4 pass" in ended.out


@pytest.mark.parametrize(
    ("fault", "bad"),
    [
        (
            "lamp-dead",
            {"Low insulation lights the amber lamp": "telltale insulation: expected on within 2 s, seen off"},
        ),
        (
            "number-stuck",
            {
                "The range is shown in whole kilometres": "text range: expected '380' within 2 s, seen '888'",
                "A range that is not valid is not shown": "text range: expected '120' within 2 s, seen '888'",
                "No range is shown when nobody sends it": "text range: expected '55' within 2 s, seen '888'",
            },
        ),
        (
            "number-stays",
            {
                "A range that is not valid is not shown": "text range: expected '---' within 2 s, seen '120'",
                "No range is shown when nobody sends it": "text range: expected '---' within 2 s, seen '55'",
            },
        ),
    ],
)
def test_a_bad_cluster_fails_in_the_right_case(place, fault, bad):
    edit(place / BENCH, END_OF_COMMAND, f', "--fault", "{fault}"{END_OF_COMMAND}')
    ended = run_suite(place)
    assert ended.status == 1, ended
    seen = verdicts(place / "out")
    assert set(seen) == CASES
    for case, message in seen.items():
        assert (bad[case] in message) if case in bad else message == "", (case, message)
    for message in bad.values():
        assert message in ended.out


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ('["{python}", "-c", "print(42)"]', "screen.panel: gave 3 bytes that are no whole PNG or JPEG"),
        ('["{python}", "-c", "raise SystemExit(\'camera is busy\')"]', "ended with status 1: camera is busy"),
        ('["no-such-camera-program", "-"]', "screen.panel: 'no-such-camera-program' can't be run"),
    ],
)
def test_a_command_that_gives_no_picture_is_a_fault_of_the_bench(place, command, line):
    edit(place / BENCH, SHOT, command)
    ended = run_suite(place)
    assert ended.status == 3, ended
    first, reason = ended.out.splitlines()[:2]
    assert "bench fault" in first
    assert line in reason
    assert "fail" not in ended.out.replace("bench fault", "")


def test_a_bench_file_that_names_what_no_process_said(place):
    edit(place / BENCH, "{standin.shot}", "{standin.shoot}")
    ended = run_suite(place)
    assert ended.status == 2, ended
    assert "'{standin.shoot}' names what no process announced" in ended.out
    assert "{standin.shot}" in ended.out


def test_a_region_off_the_screen_is_one_line(place):
    edit(place / LAYOUT, "[290, 160, 276, 148]", "[690, 160, 276, 148]")
    ended = run_suite(place)
    assert ended.status == 2, ended
    assert ended.out == ""
    (line,) = ended.err.splitlines()
    assert "layout.toml: text.range: region [690, 160, 276, 148] is off the screen" in line
    assert "Remedy: keep within 800 x 480 px." in line


# ---- hil look


def look(place, *words):
    return hil("look", "--bench", BENCH, "--out", "seen/look.png", *words, cwd=place)


def words_of(text):
    """The lines of an output, without the width of its columns."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_look_reads_and_draws(place):
    ended = look(place, "--set", "Wrn_HvIsol=Warning", "--set", "Rng_Disp=42.5 km")
    assert ended.status == 0, ended
    lines = words_of(ended.out)
    assert any(line.startswith("1 telltale insulation on ") for line in lines), lines
    assert any(line.startswith("2 text range '42' ") for line in lines), lines
    picture = Image.open(place / "seen/look.png")
    assert picture.size[0] == 800, "the screen keeps its place; the table stands below it"
    assert picture.size[1] > 480
    frame = {picture.getpixel((x, 160 + 148)) for x in range(290, 566)}
    assert len(frame) == 1
    assert frame != {(196, 209, 180)}
    assert picture.getpixel((300, 290)) == (196, 209, 180)


def test_look_keeps_to_the_items_that_are_asked_for(place):
    ended = look(place, "--item", "insul*")
    assert ended.status == 0, ended
    assert [line.split()[2] for line in words_of(ended.out)[1:-1]] == ["insulation"]
    frame = {Image.open(place / "seen/look.png").getpixel((x, 160 + 148)) for x in range(290, 566)}
    assert len(frame) > 1 or frame == {(196, 209, 180)}, "the range has no frame round it"


def test_look_leaves_the_picture_alone_if_asked(place):
    assert look(place, "--plain").status == 0
    plain = Image.open(place / "seen/look.png").copy()
    assert look(place).status == 0
    assert ImageChops.difference(plain, Image.open(place / "seen/look.png")).getbbox()
    assert plain.getpixel((300, 160 + 148)) == (196, 209, 180)


def test_look_needs_no_items(place):
    (place / LAYOUT).write_text("[screen]\nsize = [800, 480]\n", encoding="utf-8")
    ended = look(place)
    assert ended.status == 0, ended
    assert words_of(ended.out) == ["picture: seen/look.png"]


def test_look_says_when_the_layout_has_another_size(place):
    edit(place / LAYOUT, "[800, 480]", "[1280, 720]")
    ended = look(place)
    assert ended.status == 3, ended
    assert "gave a picture of 800 x 480 px; the layout says 1280 x 720" in ended.err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--set", "Wrn_HvIsol"), "--set: 'Wrn_HvIsol' is no SIGNAL=VALUE"),
        (("--set", "Wrn_HvIso=1"), "did you mean Wrn_HvIsol"),
        (("--set", "Rng_Disp=3 kg"), "Rng_Disp: 'kg' can't be converted"),
        (("--after", "soon"), "--after: "),
        (("--item", "isolation"), "--item: no item is called isolation"),
    ],
)
def test_look_refuses_what_it_does_not_understand(place, words, line):
    ended = look(place, *words)
    assert ended.status == 2, ended
    assert line in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not (place / "seen").exists()


# ---- the stand-in


def test_the_standin_shares_no_code_with_hil():
    tree = ast.parse(STANDIN.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names) == {"can", "PIL"}


def test_the_standin_announces_itself_and_ends_on_sigterm():
    words = [sys.executable, STANDIN, "run", "--group", "239.74.163.9", "--port", str(free_port())]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as standin:
        port = json.loads(standin.stdout.readline())["shot"]
        shot = subprocess.run([sys.executable, STANDIN, "shot", str(port)], capture_output=True, check=True, timeout=60)
        standin.send_signal(signal.SIGTERM)
        assert standin.wait(timeout=60) == 0
    assert shot.stdout.startswith(b"\x89PNG")


# ---- the walk

FENCE = re.compile(r"```(\w+)\n(.*?)\n```", re.DOTALL)
LISTING = re.compile(r"^(From )?`(examples/[\w/.]+)`:\n\n```\w+\n(.*?)\n```", re.DOTALL | re.MULTILINE)
COMMANDS = list(dict.fromkeys(line for kind, text in FENCE.findall(WALK) if kind == "sh" for line in text.splitlines()))
SHOWN = re.findall(r"```sh\n([^\n]*)\n```\n\n```text\n(.*?)\n```", WALK, re.DOTALL)


def spans(heading):
    """The code spans of each row of the table under a heading cell."""
    table = WALK[WALK.index(f"| {heading} |") :].partition("\n\n")[0]
    return [re.findall(r"`([^`]+)`", row.split(" | ", 1)[1]) for row in table.splitlines()[2:]]


def test_the_walk_lists_the_files_as_they_are():
    listed = {}
    for part, name, text in LISTING.findall(WALK):
        whole = (ROOT / name).read_text(encoding="utf-8").rstrip("\n")
        listed[name] = bool(part)
        assert (text in whole) if part else text == whole, name
    assert listed == {str(BENCH): False, str(LAYOUT): False, str(SUITE): False, str(FOLDER / "cluster.dbc"): True}


def test_the_dead_lamp_is_all_that_the_two_bench_files_differ_in():
    one, other = (tomllib.loads((ROOT / file).read_text(encoding="utf-8")) for file in (BENCH, DEAD_LAMP))
    one["bench"]["name"] = "dead-lamp"
    one["process"]["standin"]["command"] += ["--fault", "lamp-dead"]
    assert one == other


def test_the_walk_explains_every_line_of_bench_and_layout():
    explained = WALK[WALK.index("| line | what it means |") :]
    for file in (BENCH, LAYOUT):
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
            key = re.match(r"\[?([\w.]+)", line)
            assert key is None or key[1].rpartition(".")[2] in explained, line


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_walk_run(place, command):
    program, *words = shlex.split(command)
    assert program == ".venv/bin/hil"
    ended = hil(*words, cwd=place)
    assert ended.status == (1 if str(DEAD_LAMP) in words else 0), ended
    for line in next((shown for shell, shown in SHOWN if shell == command), "").splitlines():
        assert " ".join(line.split()) in "\n".join(words_of(ended.out)), line


def test_the_walk_has_commands_and_shows_outputs():
    assert len(COMMANDS) == 8
    assert len(SHOWN) == 3


def test_the_adapters_of_the_walk_are_understood():
    for lines in spans("adapter"):
        keys = tomllib.loads("\n".join(line for line in lines if " = " in line))
        section = BusSection.model_validate({"port": "python-can", "database": "cluster.dbc", **keys})
        setup = PythonCanOptions.model_validate(section.options).setup(section.bitrate, section.data_bitrate)
        assert resolve(setup, "bus.car").arguments


def test_the_picture_commands_of_the_walk_are_understood():
    for (command,) in spans("source"):
        CommandOptions.model_validate(tomllib.loads(f"command = {command}"))
