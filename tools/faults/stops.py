"""A run of `hil run` that is stopped, or whose disk fills, at an instant drawn from the seed.

Rules of this module: the run is a program of its own, as a person starts it; its supply, broker, camera and adapter are
others' and see how they are left. Right is: it ends by itself within `ENDS_WITHIN_S`, with the exit status of its end;
the supply is off, the adapter off the bus, no program of the run is left, its locks are free, its journals are
readable.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from faults.lab import Lab
from hil.bench import config
from hil.bench.lock import ResourceLocks
from hil.bench.plan import plan
from hil.errors import HilError
from hil.journal import JournalReader
from hil.seed import seeded

ENDS_WITHIN_S: Final = 15.0
_STARTS_WITHIN_S: Final = 60.0
_GONE_WITHIN_S: Final = 3.0
_SUITES: Final = {
    "test_goes_on.py": """
def test_goes_on(bench):
    while True:
        bench.set_signal("Wheel.Kmh", 20)
        bench.console().send_line("ping")
        bench.console().expect("pong")
        bench.supply().set_voltage(13.5)
        bench.screen().should_be_lit()
        bench.sleep("20 ms")
""",
    "goes_on.robot": """*** Settings ***
Library    hil.robot

*** Test Cases ***
Goes On
    WHILE    True    limit=NONE
        Set Signal    Wheel.Kmh    20
        Set Voltage    13.5 V
        Sleep    20 ms
    END
""",
}


@dataclass(frozen=True)
class Stop:
    """One way to end a run: the signals that are sent, 50 ms apart, to the run or to its whole group."""

    name: str
    signals: tuple[int, ...]
    to_group: bool = False
    status: int = 130


STOPS: Final = (
    Stop("Ctrl-C (the group gets SIGINT)", (signal.SIGINT,), to_group=True),
    Stop("Ctrl-C, three times", (signal.SIGINT,) * 3, to_group=True),
    Stop("SIGTERM", (signal.SIGTERM,)),
    Stop("SIGHUP", (signal.SIGHUP,)),
    Stop("disk full under a run", (), status=3),
)


class Trial:
    """One run that is stopped. Even seeds stop it while it starts, odd ones in its case.

    Args:
        lab: the far ends, whole.
        stop: how it is stopped.
        number: of the seed.
    """

    def __init__(self, lab: Lab, stop: Stop, number: int) -> None:
        self._lab, self._stop = lab, stop
        self._rng = seeded(f"stop {stop.name} {number}")
        self._in_case = number % 2 == 1 or not stop.signals
        self._suite = sorted(_SUITES)[number // 2 % 2]
        self.wrong: list[str] = []
        self.took_s = 0.0

    def run(self) -> list[str]:
        """Run it; what was not as it must be."""
        bench = _bench(self._lab)
        (self._lab.folder / self._suite).write_text(_SUITES[self._suite])
        words = [sys.executable, "-m", "hil.cli.main", "run", str(self._lab.folder / self._suite), "--no-report"]
        words += ["--bench", str(bench), "--results", str(self._lab.disk.folder)]
        run = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, text=True,
            cwd=self._lab.folder,
        )  # fmt: skip
        try:
            self._wait(run)
            self._do(run)
            self._see_end(run)
        finally:
            self._lab.disk.free()
            _kill(run)
        self._see_rest(bench)
        self._lab.disk.empty()
        return self.wrong

    def _wait(self, run: subprocess.Popen[str]) -> None:
        if self._in_case:
            _wait_until(lambda: self._lab.line.voltage_V > 0 or run.poll() is not None, _STARTS_WITHIN_S)
            time.sleep(self._rng.uniform(0, 0.5))
        else:
            time.sleep(self._rng.uniform(0, 3.0))

    def _do(self, run: subprocess.Popen[str]) -> None:
        if not self._stop.signals:
            self._lab.disk.fill()
        for number in self._stop.signals:
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if self._stop.to_group else os.kill)(run.pid, number)
            time.sleep(0.05)

    def _see_end(self, run: subprocess.Popen[str]) -> None:
        begin = time.monotonic()
        try:
            said, _ = run.communicate(timeout=ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.wrong.append(f"still runs after {ENDS_WITHIN_S:g} s")
            return
        self.took_s = time.monotonic() - begin
        if self._in_case and run.returncode != self._stop.status:
            self.wrong.append(f"exit status {run.returncode}: {said[-600:]}")
        if self._in_case and "Traceback" in said:
            self.wrong.append(f"a traceback: {said[-1200:]}")

    def _see_rest(self, bench: Path) -> None:
        """What the run left behind."""
        if not _wait_until(lambda: not _programs(self._lab.folder), _GONE_WITHIN_S):
            self.wrong.append(f"left over: {_programs(self._lab.folder)}")
        if self._lab.line.voltage_V:
            self.wrong.append(f"the supply still gives {self._lab.line.voltage_V} V")
        if self._lab.adapter.is_on:
            self.wrong.append("the adapter is still on the bus")
        try:
            locks = ResourceLocks(plan(config.load(bench)).resources, "the fault test")
            locks.acquire()
            locks.release()
        except HilError as error:
            self.wrong.append(f"a lock is left: {error}")
        for journal in self._lab.disk.folder.rglob("*.mcap"):
            list(JournalReader(journal))


def _bench(lab: Lab) -> Path:
    """The lab bench without the simulated kernel, which no other program has."""
    text, path = lab.bench.read_text(), lab.folder / "stops.toml"
    begin, end = text.index("[bus.can0]"), text.index("[bus.can1]")
    text = text[:begin] + text[end:]
    path.write_text(text.replace('signal = "Ready"', 'signal = "Alive"'))
    return path


def _programs(folder: Path) -> list[str]:
    """Programs of a run: those whose words name the lab's folder, but for the broker."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            if str(folder).encode() in words and not words.startswith(b"mosquitto"):
                found.append(words.replace(b"\0", b" ").decode(errors="replace")[:200])
    return found


def _wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _kill(run: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()
