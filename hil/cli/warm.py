"""A warm process: everything is imported, the bench is read, the text recogniser is loaded; runs are forked from it.

`python -m hil.cli.warm` reads commands from standard input and tells what became of them on standard output, one line
of JSON each. `{"run": 7, "command": [...], "environment": {...}, "log": "FILE"}` forks a child that runs Robot or
pytest as `python -m` would; `{"ended": 7, "status": 0}` comes back. When standard input ends, all children are ended.

Rules of this module: one thread only, since a fork keeps no other; libraries that would make pools of threads are told
to do without. Not for: real benches, and systems that can't fork.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final, NoReturn

from hil.cli.children import RUNNERS

NO_THREADS: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""What the environment of a warm process must say."""
_END_WITHIN_S: Final = 10.0
_BLOCK: Final = 1 << 16


def warm_up() -> None:
    """Load what a run needs: the runners with their plugins, the bench that the environment names, booted once."""
    import cv2

    from hil.hmi import ocr

    for module in ("robot.run", "hil.robot.library"):
        import_module(module)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as nothing:
        import_module("pytest").main(["-q", "-p", "no:cacheprovider", "--collect-only", "--rootdir", nothing, nothing])
    _boot_once()
    ocr.warm_up()
    gc.collect()
    gc.freeze()


def _boot_once() -> None:
    """Read the bench and boot it, so that all that is made at first use is there."""
    from hil.bench.reset import Reset, Start
    from hil.bench.session import Settings, prepare
    from hil.bench.wiring import open_bench

    opened = open_bench(prepare(Settings.from_environment()), "warm")
    wiring = opened.wiring
    try:
        wiring.clock.run(Reset(wiring).to(Start.ON))
        for screen in wiring.screens.values():
            assert wiring.clock.run(screen.latest()).pixels.size
    finally:
        opened.close()


class WarmProcess:
    """The loop of the process."""

    def __init__(self) -> None:
        self._children: dict[int, int] = {}
        self._selector = selectors.DefaultSelector()
        self._input = b""
        self._wake, woken = socket.socketpair()
        woken.setblocking(False)
        self._woken = woken
        signal.set_wakeup_fd(woken.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._selector.register(0, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)

    def serve(self) -> None:
        """Take commands until they end, then end the children."""
        self._say({"ready": True})
        while self._wait(None):
            pass
        self._end_all()

    def _wait(self, timeout_s: float | None) -> bool:
        """Wait for a command or the end of a child. False at the end of the commands."""
        more = True
        for key, _ in self._selector.select(timeout_s):
            if key.fd == 0:
                more = self._read()
            else:
                self._wake.recv(_BLOCK)
        self._reap()
        return more

    def _read(self) -> bool:
        data = os.read(0, _BLOCK)
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            self._begin(json.loads(line))
        return bool(data)

    def _begin(self, order: Mapping[str, Any]) -> None:
        child = os.fork()
        if child == 0:
            _become(order["command"], order["environment"], order["log"])
        self._children[child] = order["run"]

    def _reap(self) -> None:
        for child in list(self._children):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                self._say({"ended": self._children.pop(child), "status": code})

    @staticmethod
    def _say(what: Mapping[str, Any]) -> None:
        os.write(1, json.dumps(what).encode() + b"\n")

    def _end_all(self) -> None:
        """Ask the children to end (they leave their benches safe), then insist."""
        self._selector.unregister(0)
        for number in (signal.SIGTERM, signal.SIGKILL):
            for child in self._children:
                os.killpg(child, number)
            for _ in range(len(self._children)):
                if self._children:
                    self._wait(_END_WITHIN_S)


def _become(command: list[str], environment: Mapping[str, str], log: str) -> NoReturn:
    """In the child: run the runner as a process of its own, and end."""
    status = 255
    try:
        os.setpgid(0, 0)
        _detach(log)
        os.environ.clear()
        os.environ.update(environment)
        status = _run(command)
    except BaseException as error:  # whatever it is must not get back into the loop of the warm process
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _detach(log: str) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing, out = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for file, place in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(file, place)


def _run(command: list[str]) -> int:
    _, _, runner, *words = command
    sys.argv = [runner, *words]
    if runner == RUNNERS[0]:
        from robot.run import run_cli

        return int(run_cli(words, exit=False))
    import pytest

    return int(pytest.main(words))


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """What is printed meanwhile goes to standard error: standard output is for answers only."""
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()), _silent():
        warm_up()
    WarmProcess().serve()
