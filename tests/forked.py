"""Programs of the bench as processes that are forked from one that has imported all of them.

A test calls `run("hil.cli.main", "signals", "Speed", cwd=...)` and gets what `subprocess.run` gives for
`python -m hil.cli.main signals Speed`: another process with its own folder, environment, standard input, output and
exit status. It saves the second that each start spends on imports.

Rules: the server has one thread, since a fork keeps no other. An environment that changes the interpreter itself
(`PYTHONHASHSEED` and its like), and `fresh=True`, give an interpreter of its own; so do systems that can't fork.
Not for: programs that a test talks to, stops or kills. They are started with `subprocess.Popen`.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

ALIKE = ("PYTHONPATH", "PYTHONUTF8", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")
"""Variables of the interpreter that a forked process has as a fresh one would."""
LIBRARIES = ("hil.evidence.report", "hil.robot.library", "pytest", "robot.libdoc", "robot.run")
BY_THEMSELVES = ("robot",)
"""Robot takes the folder in which it was imported for that of its output."""
HANGS_S = 600.0
"""A program that takes so long hangs."""
_FORKS = hasattr(os, "fork")


def run(
    module: str,
    *words: str,
    cwd: Path | str,
    env: Mapping[str, str],
    input: str = "",
    fresh: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run `python -m module words` to its end."""
    if fresh or not _FORKS or module in BY_THEMSELVES or _another_interpreter(env):
        command = [sys.executable, "-m", module, *words]
        return subprocess.run(
            command, cwd=cwd, env=dict(env), input=input, capture_output=True, encoding="utf-8", check=False,
            timeout=HANGS_S,
        )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("in", "out", "err")]
        files[0].write_text(input, encoding="utf-8")
        order = {"module": module, "words": words, "cwd": str(cwd), "env": dict(env), "files": list(map(str, files))}
        status = server().ask(order)
        out, err = (file.read_text(encoding="utf-8") for file in files[1:])
    return subprocess.CompletedProcess([module, *words], status, out, err)


def _another_interpreter(env: Mapping[str, str]) -> bool:
    own = {key: value for key, value in env.items() if key.startswith("PYTHON") and key not in ALIKE}
    return any(os.environ.get(key) != value for key, value in own.items())


class Server:
    """The process that forks, seen from the tests."""

    def __init__(self) -> None:
        quiet = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(Path(__file__).resolve())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=quiet)
        atexit.register(self.close)

    def ask(self, order: Mapping[str, Any]) -> int:
        """Fork one process and wait for its end."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        child = self._answer()
        watchdog = threading.Timer(HANGS_S, os.kill, (child, 9))
        watchdog.start()
        try:
            return self._answer()
        finally:
            watchdog.cancel()

    def _answer(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End the server: between two orders it has nothing to put away."""
        self._process.kill()
        self._process.communicate()


@cache
def server() -> Server:
    """The one of this test process."""
    return Server()


# In the server --------------------------------------------------------------------------------------------------------


def _serve() -> None:
    answers = os.dup(1)
    os.dup2(2, 1)
    _import_all()
    for line in iter(sys.stdin.buffer.readline, b""):
        child = os.fork()
        if child == 0:
            os.close(answers)
            _become(**json.loads(line))
        os.write(answers, b"%d\n" % child)
        _, status = os.waitpid(child, 0)
        os.write(answers, b"%d\n" % os.waitstatus_to_exitcode(status))


def _import_all() -> None:
    from hil.cli.main import COMMANDS

    for name in (*(f"hil.cli.{command}" for command in COMMANDS), *LIBRARIES):
        import_module(name)
    assert threading.active_count() == 1, threading.enumerate()


def _become(module: str, words: list[str], cwd: str, env: dict[str, str], files: list[str]) -> NoReturn:
    """In the child: what the interpreter does with `-m module words`, from the first line to its end."""
    status = 1
    try:
        for place, (file, flags) in enumerate(zip(files, (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2), strict=True)):
            os.dup2(os.open(file, flags, 0o600), place)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 -- it is open to the end of the process
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        sys.path[0:1] = [cwd, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))]
        sys.argv = [module, *words]
        status = _exit_status(module)
        threading._shutdown()
        atexit._run_exitfuncs()
    except BaseException:  # whatever it is must not get back into the loop of the server
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _exit_status(module: str) -> int:
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    _serve()
    os._exit(0)  # there is nothing to put away, and much to take apart
