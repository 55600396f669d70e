"""Runs a program to its end for a port: no shell, in the folder of the bench file, within a time.

Not for: programs that run as long as the bench does (`hil.bench.process`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from hil.errors import BenchError


async def run(
    command: Sequence[str], *, folder: Path, timeout_s: float, where: str, late: str = "did not end"
) -> tuple[bytes, bytes]:
    """What a command printed: its output, and its complaints.

    Args:
        command: program and arguments.
        folder: where it runs.
        timeout_s: for the whole run; then it is killed with its children.
        where: the port, for messages.
        late: what is to be said of it if it takes longer.

    Raises:
        BenchError: it can't be run, took too long, or ended with another status than 0.
    """
    process = await start(command, folder=folder, where=where)
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate()
    except TimeoutError as error:
        raise BenchError(f"'{command[0]}' {late} within {timeout_s} s", where=where) from error
    finally:
        await end(process)
    if process.returncode:
        said = f"'{command[0]}' ended with status {process.returncode}: {last_line(err)}"
        raise BenchError(said, where=where, remedy="run the command by hand in the bench file's folder.")
    return out, err


async def start(command: Sequence[str], *, folder: Path, where: str) -> asyncio.subprocess.Process:
    """A running program with pipes for what it prints.

    Raises:
        BenchError: it can't be run.
    """
    pipe, quiet = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=quiet, stdout=pipe, stderr=pipe, cwd=folder, start_new_session=True
        )
    except OSError as error:
        said = f"'{command[0]}' can't be run: {error.strerror}"
        raise BenchError(said, where=where, remedy="mend command in the bench file.") from error


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of a program and of what it started."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def last_line(output: bytes) -> str:
    """The last line that a program printed, for messages."""
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"
