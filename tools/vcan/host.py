"""What this tool needs of the host: programs of the distribution, processes that end, a line on stderr."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

STARTED = time.monotonic()


class VcanError(Exception):
    """What the user has to know, in one line."""


def say(text: str) -> None:
    """One line of progress."""
    print(f"vcan {time.monotonic() - STARTED:5.1f} s  {text}", file=sys.stderr, flush=True)


def require(tools: Mapping[str, str]) -> None:
    """Every program of {program: Debian package} is there afterwards, installed where that is possible."""
    missing = sorted({package for program, package in tools.items() if not shutil.which(program)})
    if not missing:
        return
    if os.geteuid() or not shutil.which("apt-get"):
        raise VcanError(f"please install {' '.join(missing)}")
    say(f"installing {' '.join(missing)}")
    if trouble := apt_with_update("install", "--no-install-recommends", *missing):
        raise VcanError(f"apt-get could not install {' '.join(missing)}: {trouble}")


def apt_with_update(*arguments: str, cwd: Path | None = None) -> str:
    """As `apt`; where that fails, once more with fresh package lists: a container image has old ones or none."""
    if not apt(*arguments, cwd=cwd):
        return ""
    return apt("update") or apt(*arguments, cwd=cwd)


def apt(*arguments: str, cwd: Path | None = None) -> str:
    """Runs apt-get. The last line of what went wrong, or nothing."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-qq", "-y", "-o", "APT::Sandbox::User=root", *arguments]
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    return (last_line(done.stderr) or f"status {done.returncode}") if done.returncode else ""


def last_line(text: str) -> str:
    """The last line that is not blank, or nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


@contextlib.contextmanager
def reaped(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Whatever happens, the process and its group are gone afterwards."""
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
