"""Programs that a bench file starts: the ECU as a process of its own, a camera server, a stand-in.

A program says that it is ready, and where its ports are, by one line of JSON on its standard output. It is stopped
with SIGTERM, then killed; its standard input ends with the bench, however that ends, so that it need not outlive it.
A program that ends by itself while the bench needs it is a bench fault, at once: whoever watches it is told.
"""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from hil.bench.config import BenchConfig
from hil.clock import wall_ns
from hil.errors import BenchError, UsageError

_STOP_WITHIN_S = 5.0


class BenchProcess:
    """One program of the bench file, running.

    Args:
        name: its name in the bench file.
        command: program and arguments.
        folder: where it runs.
    """

    def __init__(self, name: str, command: list[str], folder: str) -> None:
        self.name, self._command, self._folder = name, command, folder
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._last = b""
        self._reader: threading.Thread | None = None
        self._on_end: Callable[[], object] | None = None

    def start(self, ready_within_s: float) -> dict[str, Any]:
        """Start it and wait for its line of JSON, which is returned.

        Raises:
            BenchError: it can't be started, ends, or doesn't announce itself in time.
        """
        where = f"process.{self.name}"
        try:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        except OSError as error:
            raise BenchError(f"can't be started: {error}", where=where, remedy="check its command.") from error
        self._reader = threading.Thread(target=self._read, name=f"hil-{where}", daemon=True)
        self._reader.start()
        return self._announcement(where, ready_within_s)

    def _announcement(self, where: str, ready_within_s: float) -> dict[str, Any]:
        until_ns = wall_ns() + round(ready_within_s * 1e9)
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, (until_ns - wall_ns()) / 1e9))
            except queue.Empty:
                self.stop()
                raise BenchError(f"did not announce itself within {ready_within_s:g} s", where=where) from None
            if line is None:
                said = self._last.decode(errors="replace").strip() or "nothing"
                raise BenchError(f"ended before it was ready; its last words: {said}", where=where)
            if line.startswith(b"{"):
                return _parse(line, where)

    def _read(self) -> None:
        process = self._process
        if process is None or process.stdout is None:
            return
        for line in process.stdout:
            self._last = line
            self._lines.put(line)
        self._lines.put(None)
        process.wait()
        if self._on_end is not None:
            self._on_end()

    def watch(self, on_end: Callable[[], object]) -> None:
        """Have `on_end` called once it has ended by itself: in a thread of its own, at once if it has already."""
        self._on_end = on_end
        if self.ended:
            on_end()

    @property
    def ended(self) -> str:
        """Why it is no longer running; empty while it is."""
        if self._process is None or self._process.poll() is None:
            return ""
        return _how(self._process.returncode) + self._last_words()

    def _last_words(self) -> str:
        said = self._last.decode(errors="replace").strip()
        return f"; its last words: {said}" if said and not said.startswith("{") else ""

    def ends_within(self, timeout_s: float) -> bool:
        """Whether it has ended by itself, or is about to."""
        if self._process is None:
            return False
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return bool(self.ended)

    def stop(self) -> None:
        """Terminate it, kill it if that doesn't help, and wait for its end."""
        self._on_end = None
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join(_STOP_WITHIN_S)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def _how(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    known = {number.value: number.name for number in signal.Signals}
    return f"was killed by {known.get(-status, f'signal {-status}')}"


def _parse(line: bytes, where: str) -> dict[str, Any]:
    try:
        announced = json.loads(line)
    except ValueError as error:
        raise BenchError(f"announced itself in broken JSON: {error}", where=where) from error
    return dict(announced)


def start_all(config: BenchConfig, defects: list[str]) -> tuple[list[BenchProcess], dict[str, str]]:
    """Start every program of a bench file.

    Returns:
        The programs, and what options may name: what they announced as `name.key` -> text, `python` and `bench`.

    Raises:
        BenchError: one doesn't come up; those already started are stopped.
    """
    running: list[BenchProcess] = []
    announced = {"python": sys.executable, "bench": str(config.folder.resolve())}
    try:
        for name, section in config.process.items():
            command = _of_earlier(expand_command(section.command, config, defects), announced)
            process = BenchProcess(name, command, str(config.folder.resolve()))
            running.append(process)
            said = process.start(section.ready_within)
            announced |= {f"{name}.{key}": str(value) for key, value in said.items()}
    except BaseException:
        for process in running:
            process.stop()
        raise
    return running, announced


def _of_earlier(command: list[str], announced: dict[str, str]) -> list[str]:
    """A command with what earlier programs announced: `{broker.mqtt}`."""
    for key, text in announced.items():
        command = [word.replace(f"{{{key}}}", text) for word in command]
    return command


def expand_command(command: list[str], config: BenchConfig, defects: list[str]) -> list[str]:
    """A command with `{python}`, `{bench}`, `{variant}`, `{variant_file}` and `{defects}` filled in."""
    out: list[str] = []
    for word in command:
        if word == "{defects}":
            out += [part for defect in defects for part in ("--defect", defect)]
        else:
            filled = word.replace("{python}", sys.executable).replace("{bench}", str(config.folder.resolve()))
            out.append(config.fill_variant(filled))
    return out


def fill(value: Any, announced: dict[str, str], where: str) -> Any:
    """An option with `{process.key}` replaced by what the process announced; of a list, each item.

    Raises:
        UsageError: no process announced that.
    """
    if isinstance(value, list):
        return [fill(item, announced, where) for item in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    for key, text in announced.items():
        value = value.replace(f"{{{key}}}", text)
    if "{" in value:
        known = ", ".join(f"{{{key}}}" for key in announced) or "none"
        raise UsageError(f"'{value}' names what no process announced", where=where, remedy=f"there is: {known}.")
    return value
