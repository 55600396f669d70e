"""`hil restbus` as people and scripts use it: line by line, and on a terminal that really is one."""

import codecs
import os
import re
import select
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

import forked
import pytest
from restbus_bench import REAL, many_messages, write_bench

from conftest import REPOSITORY, environment
from hil.bench import config as bench_config
from hil.bench.lock import ResourceLocks
from hil.bench.plan import plan
from hil.cli.main import main
from hil.clock import wall_ns

TESTS = REPOSITORY / "tests"
COMMAND = [sys.executable, "-m", "hil.cli.main", "restbus"]
HANGS_S = 25.0
"""A program that doesn't get further for so long hangs; nothing else is judged by it."""
SUPPLY = """[supply.battery]
port = "restbus_bench:TracedSupply"
trace = "{}"
max_voltage_V = 16.0
max_current_A = 10.0
"""


def variables(**more):
    return environment(**{"PYTHONPATH": str(TESTS), "TERM": "xterm-256color", "PYTHONUTF8": "1", **more})


def script(bench, *words, lines=(), **more):
    """Run it with lines on standard input."""
    text = "".join(f"{line}\n" for line in lines)
    words = ("restbus", "--bench", str(bench), *words)
    return forked.run("hil.cli.main", *words, cwd=Path.cwd(), env=variables(**more), input=text)


@pytest.fixture
def bench(tmp_path):
    return write_bench(tmp_path)


# Line by line ---------------------------------------------------------------------------------------------------------


def test_a_script_is_answered_line_by_line(bench):
    lines = ["VehicleSpeed = 50 km/h", "", "# a remark", "wait 2 s", "get VehicleSpeed", "stop ESC_Speed", "show ESC*"]
    done = script(bench, lines=lines)
    assert (done.returncode, done.stderr) == (0, "")
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert said[:3] == [
        "cabin::ESC_Speed.VehicleSpeed = 50 km/h",
        "cabin::ESC_Speed.VehicleSpeed = 50 km/h, sent by the restbus",
        "ESC_Speed stopped",
    ]
    assert said[3] == "2.000 s restbus on ignition Off 1 message with a fault"
    assert said[4].startswith("message id due ms is ms worst count late e2e last values")
    assert said[5] == "cabin 500 kbit/s 160 frames/s load 3.0 %"
    assert said[6] == "ESC_Speed 0x0C8 20 20.00 20.00 100 0.00 P01 stopped VehicleSpeed 50 km/h AbsFault 0"
    assert said[7].startswith("ESC_Wheels 0x0C9 10 10.00 10.00 200 0.00 WheelLeft 0 km/h")


def test_equal_scripts_give_equal_answers(bench):
    lines = [
        "wait 1 s",
        "ramp VehicleSpeed 100 km/h in 3 s",
        "cycle ESC_Wheels 30 ms",
        "wait 1234 ms",
        "show",
        "signals",
    ]
    first, second = (script(bench, lines=lines, PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert first.stdout.count("\n") > 15
    assert first.stdout == second.stdout


def test_commands_may_stand_on_the_command_line(bench):
    done = script(bench, "ignition on", "wait 500 ms", "get PowerMode", lines=["get VehicleSpeed"])
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "ignition on",
        "cabin::BCM_Power.PowerMode = On, sent by the restbus",
        "cabin::ESC_Speed.VehicleSpeed = 0 km/h, sent by the restbus",
    ]


def test_quit_ends_a_script_before_its_end(bench):
    done = script(bench, lines=["get VehicleSpeed", "quit", "get PowerMode"])
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1


def test_a_mistake_in_a_script_is_told_with_its_line_and_the_rest_is_done(bench):
    done = script(bench, lines=["get VehicleSpeed", "set VehicleSpeed 900", "stpo", "get PowerMode"])
    assert done.returncode == 2
    assert len(done.stdout.splitlines()) == 2
    assert re.fullmatch(r"line 2: 900 km/h is out of range .*\nline 3: 'stpo' is no command\. .*\n", done.stderr)


def test_for_a_time_ends_with_what_was_achieved(bench):
    done = script(bench, "--for", "10s", "stop BCM_Power")
    assert (done.returncode, done.stderr) == (0, "")
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "message id due ms mean ms worst ms count late ms" in said
    assert "ESC_Speed 0x0C8 20 20.000 20.004 500 0.000" in said
    assert "BCM_Power 0x064 100 - - 0 0.000 stopped" in said
    assert said[-1] == "10.0 s: 1500 frames sent, 0 heard; worst lateness 0 us, none later than allowed"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--for", "soon"], "--for: 'soon' is no number with a unit. Remedy: write --for '10 s'."),
        (["--for", "0 s"], "--for: no time at all. Remedy: write --for '10 s'."),
        (["--speed", "fast"], "--speed: 'fast' is no speed. Remedy: give a number from 0.01 to 1000."),
        (["set Nope 3"], "no signal 'Nope' on this bench. Remedy: 'hil signals' lists them all."),
    ],
)
def test_a_wrong_argument_is_one_line(bench, words, said):
    done = script(bench, *words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"hil restbus: {said}\n")


def test_a_missing_bench_and_a_bench_without_a_bus(tmp_path):
    (tmp_path / "no-bus.toml").write_text('[bench]\nname = "x"\nclock = "virtual"\n')
    for file, said in (("no.toml", "there is no such bench file"), ("no-bus.toml", "this bench has no bus")):
        done = script(tmp_path / file)
        assert done.returncode == 2
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_real_bench_has_its_own_speed(tmp_path):
    done = script(write_bench(tmp_path, port=REAL.format("speed"), clock="real"), "--speed", "2")
    assert (done.returncode, done.stderr) == (
        2,
        "hil restbus: --speed: a real bench has its own speed. Remedy: leave it out.\n",
    )


BROKEN = "hil restbus: bus.cabin: the adapter was pulled. Remedy: plug it in.\n"


def test_a_bench_that_breaks_ends_it(tmp_path):
    bench = write_bench(tmp_path, port='port = "restbus_bench:BreakingCan"')
    done = script(bench, lines=["wait 2 s", "get VehicleSpeed"])
    assert (done.returncode, done.stdout, done.stderr) == (3, "", BROKEN)


def test_a_bench_that_breaks_ends_it_even_while_it_waits_for_a_line(tmp_path):
    bench = write_bench(tmp_path, port='port = "restbus_bench:BreakingCan"', clock="real")
    with started(bench) as process:
        assert process.wait(HANGS_S) == 3
        assert process.stderr.read() == BROKEN.encode()


def test_a_bench_that_somebody_uses_says_who(tmp_path):
    bench = write_bench(tmp_path, port=REAL.format("taken"), clock="real")
    locks = ResourceLocks(plan(bench_config.load(bench)).resources, "somebody else")
    locks.acquire()
    try:
        done = script(bench)
    finally:
        locks.release()
    assert done.returncode == 3
    assert "is in use by somebody else" in done.stderr


def test_the_file_of_the_bench_is_free_again_and_no_thread_is_left(tmp_path, capsys):
    bench = write_bench(tmp_path, port=REAL.format("threads"), clock="real")
    before = threading.enumerate()
    assert main(["restbus", "--bench", str(bench), "--for", "300 ms", "VehicleSpeed = 3"]) == 0
    assert threading.enumerate() == before
    assert re.search(r"ESC_Speed +0x0C8 +20 +[\d.]+ +[\d.]+ +1\d ", capsys.readouterr().out)
    ResourceLocks(plan(bench_config.load(bench)).resources, "the next").acquire()


def started(bench, *words):
    command = [*COMMAND, "--bench", str(bench), *words]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=variables(), **pipes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_leaves_the_supply_safe(tmp_path, number):
    trace = tmp_path / "trace"
    bench = write_bench(tmp_path, more=SUPPLY.format(trace))
    with started(bench, "--power") as process:
        process.stdin.write(b"get VehicleSpeed\n")
        process.stdin.flush()
        assert b"VehicleSpeed = 0" in process.stdout.readline()
        assert trace.read_text() == "open\n13.5 V\non\n"
        process.send_signal(number)
        assert process.wait(HANGS_S) == 130
        assert process.stderr.read() == b"hil restbus: stopped\n"
    assert trace.read_text() == "open\n13.5 V\non\nclosed\n"


def test_whoever_reads_may_go(bench):
    with started(bench) as process:
        process.stdout.close()
        process.stdin.write(b"help\n" * 2000)
        process.stdin.close()
        assert process.wait(HANGS_S) == 0
        assert b"Traceback" not in process.stderr.read()


# On a terminal --------------------------------------------------------------------------------------------------------

if os.name != "nt":
    import fcntl
    import termios

CELL = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;?]*)([A-Za-z])|([^\x1b])")


class Screen:
    """What a person sees: as much of a terminal as this program needs."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.clear()
        self.own_page = False
        self.all = ""
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def clear(self):
        self.cells = [[" "] * self.width for _ in range(self.height)]
        self.row = self.column = 0

    def feed(self, data):
        text = self._decoder.decode(data)
        self.all += text
        text = self._rest + text
        end = 0
        for match in CELL.finditer(text):
            if match.start() != end:
                break  # a sequence that has only begun
            self._take(*match.groups())
            end = match.end()
        self._rest = text[end:]

    def _take(self, row, column, numbers, letter, character):
        if row:
            self.row, self.column = int(row) - 1, int(column) - 1
        elif letter == "J":
            self.clear()
        elif letter == "K":
            self.cells[self.row] = [" "] * self.width
        elif letter in ("h", "l") and numbers == "?1049":
            self.own_page = letter == "h"
        elif self.own_page and character is not None and character.isprintable():
            assert self.column < self.width, f"{character!r} beyond the edge of line {self.row}"
            self.cells[self.row][self.column] = character
            self.column += 1

    def lines(self):
        return ["".join(cells).rstrip() for cells in self.cells]


class Person:
    """Somebody at a terminal: looks, and types."""

    def __init__(self, bench, *words, size=(100, 30)):
        self.screen = Screen(*size)
        self._master, self.slave = os.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(self.slave)
        command = [*COMMAND, "--bench", str(bench), *words]
        self.pid = os.fork()
        if not self.pid:
            os.close(self._master)
            os.login_tty(self.slave)
            os.execve(command[0], command, variables())
        self.status = None

    def resize(self, width, height):
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def see(self, pattern):
        """Look until something on the screen matches; returns the match."""
        hangs_ns = wall_ns() + round(HANGS_S * 1e9)
        while not (match := re.search(pattern, "\n".join(self.screen.lines()), re.MULTILINE)):
            ready, _, _ = select.select([self._master], [], [], HANGS_S)
            assert ready, self.screen.lines()
            assert wall_ns() < hangs_ns, self.screen.lines()
            self.screen.feed(os.read(self._master, 65536))
        return match

    def type(self, text):
        os.write(self._master, text.encode())

    def leave(self):
        """Look until the program has ended; its status, and the settings that it left the terminal with."""
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            if select.select([self._master], [], [], 0.05)[0]:
                self.screen.feed(os.read(self._master, 65536))
        while select.select([self._master], [], [], 0)[0]:
            self.screen.feed(os.read(self._master, 65536))
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    @property
    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.before and not self.screen.own_page

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._master)
        os.close(self.slave)


@pytest.fixture
def person(bench):
    people = []

    def sit_down(file=bench, *words, **more):
        people.append(Person(file, *words, **more))
        return people[-1]

    yield sit_down
    for one in people:
        one.close()


on_terminals = pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")


@on_terminals
def test_the_view_is_shown_signals_are_changed_and_quit_leaves(person):
    user = person()
    user.see(r"^ small +\d+\.\d s +restbus on +ignition Off$")
    user.see(r"^ ESC_Speed +0x0C8 +20 +20\.00 +20\.00 +\d+ +0\.00 P01 VehicleSpeed 0 km/h")
    user.see(r"^ CLU_Status +0x190 +50 .*never came")
    user.type("VehicleSpeed = 87 km/h\r")
    user.see(r"^ ESC_Speed .*VehicleSpeed 87 km/h")
    user.see(r"^cabin::ESC_Speed\.VehicleSpeed = 87 km/h$")
    user.see(r"^>$")
    assert not user.is_restored
    user.type("quit\r")
    assert user.leave() == 0
    assert user.is_restored
    assert re.search(r"\d+\.\d s: \d+ frames sent, 0 heard; worst lateness 0 us", user.screen.all)


@on_terminals
def test_time_passes_beside_the_wall_at_the_speed_that_was_asked_for(person, bench):
    user = person(bench, "--speed", "100")
    user.see(r"^ small +\d\d\d+\.\d s ")


@on_terminals
def test_every_letter_arrives_and_tab_completes(person):
    user = person()
    user.see(r"^> *$")
    user.type("ABCDEFGHOabc0159[]~;.")
    user.see(r"^> ABCDEFGHOabc0159\[\]~;\.$")
    user.type("\x15corr\tesc_s\t")
    user.see(r"^> corrupt ESC_Speed$")
    user.type("\r")
    user.see(r"^ ESC_Speed .*CRC wrong")
    user.see(r"1 message with a fault")
    user.type("set Wh\t\t")
    user.see(r"^WheelLeft  WheelRight$")
    user.type("\x15\x1b[A")
    user.see(r"^> corrupt ESC_Speed$")
    user.type(" off\r")
    user.see(r"CRC right again$")


@on_terminals
def test_a_mistake_is_told_and_the_view_goes_on(person):
    user = person()
    user.see(r"^> *$")
    user.type("stop ESC_Sped\r")
    user.see(r"^no message 'ESC_Sped' on this bench\. Remedy: did you mean ESC_Speed")
    user.type("show ESC*\r")
    user.see(r"── show ESC\* ─")
    assert "BCM_Power" not in "\n".join(user.screen.lines())
    user.type("\x04")
    assert user.leave() == 0
    assert user.is_restored


@on_terminals
def test_wait_holds_the_next_line_back(person, bench):
    user = person(bench, "--speed", "20")
    user.see(r"^> *$")
    user.type("wait 20 s\rVehicleSpeed = 5\r")
    user.see(r"1 lines? wait")
    user.see(r"^ ESC_Speed .*VehicleSpeed 5 km/h")


@on_terminals
def test_a_long_table_is_scrolled_and_follows_the_size_of_the_terminal(person, bench, tmp_path):
    many_messages(tmp_path, 60)
    user = person(bench)
    user.see(r"lines 1 to 23 of \d\d, PgUp PgDn")
    assert "Many_40" not in "\n".join(user.screen.lines())
    user.type("\x1b[6~\x1b[6~")
    user.see(r"^ Many_40 ")
    assert user.screen.lines()[2].startswith(" cabin  500 kbit/s")
    user.type("\x1b[5~\x1b[5~\x1b[5~")
    user.see(r"^ BCM_Horn ")
    user.screen.width, user.screen.height = 160, 50
    user.resize(160, 50)
    user.see(r"lines 1 to 43 of \d\d")


@on_terminals
@pytest.mark.parametrize(("how", "said"), [("\x03", 130), ("\x1a\x1c\x13\x03", 130), (signal.SIGTERM, 130)])
def test_ctrl_c_and_sigterm_put_the_terminal_back(person, how, said):
    """Ctrl-Z, Ctrl-\\ and Ctrl-S do nothing."""
    user = person()
    user.see(r"^> *$")
    user.see(r"^ ESC_Speed ")
    user.type(how) if isinstance(how, str) else os.kill(user.pid, how)
    assert user.leave() == said
    assert user.is_restored
    assert user.screen.all.endswith("hil restbus: stopped\r\n")


@on_terminals
def test_a_bench_that_breaks_puts_the_terminal_back(person, tmp_path):
    user = person(write_bench(tmp_path, port='port = "restbus_bench:BreakingCan"'))
    assert user.leave() == 3
    assert user.is_restored
    assert user.screen.all.endswith(BROKEN.replace("\n", "\r\n"))
    assert "Traceback" not in user.screen.all


@on_terminals
def test_for_a_time_the_view_ends_by_itself_with_a_summary(person, bench):
    user = person(bench, "--for", "5 s", "--speed", "50", "stop BCM_Power")
    assert user.leave() == 0
    assert user.is_restored
    assert re.search(r"BCM_Power +0x064 .* stopped", user.screen.all)
    assert re.search(r"ESC_Speed +0x0C8 +20 +20\.000 +20\.004 +250 ", user.screen.all)
    assert re.search(r"5\.0 s: 75\d frames sent", user.screen.all)


@on_terminals
def test_a_terminal_that_can_do_nothing_is_read_line_by_line(bench):
    command = [*COMMAND, "--bench", str(bench)]
    master, slave = os.openpty()
    with subprocess.Popen(command, env=variables(TERM="dumb"), stdin=slave, stdout=subprocess.PIPE) as process:
        os.write(master, b"get VehicleSpeed\nquit\n")
        assert process.stdout.read() == b"cabin::ESC_Speed.VehicleSpeed = 0 km/h, sent by the restbus\n"
    os.close(master)
    os.close(slave)
