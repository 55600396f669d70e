"""The program: which mode, signals, exit status."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from typing import NoReturn

from vcan import guest, user_mode
from vcan.guest import run_in_guest
from vcan.host import VcanError, require, say
from vcan.job import Job, parse
from vcan.kernel import cache, prepare_kernel
from vcan.namespace import become_command, namespace_works, run_in_namespace
from vcan.user_mode import can_have, run_in_user_mode, user_mode_works

FAILED = 3


class Interrupted(BaseException):
    """A signal asked this tool to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def interrupt(number: int, _frame: object) -> NoReturn:
    """Ends the program by its `with` blocks; a second signal does not disturb that."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    raise Interrupted(number)


def run(mode: str, job: Job) -> int:
    """The command's exit status."""
    if job.inside >= 0:
        become_command(job)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, interrupt)
    if job.results:
        job.results.mkdir(parents=True, exist_ok=True)
    if mode == "namespace" or (mode == "auto" and not (job.controllers or job.usb) and namespace_works()):
        return run_in_namespace(job)
    if mode == "user" or (mode == "auto" and can_have(job) and user_mode_works()):
        return run_in_user_mode(job)
    return run_in_guest(job)


def prepare_all() -> int:
    """Fetches what a user-mode kernel and a guest need; the guest alone will do."""
    try:
        require(user_mode.TOOLS)
        user_mode.prepare(cache())
    except (VcanError, OSError, subprocess.SubprocessError) as error:
        say(f"no user-mode kernel: {error}")
    require(guest.TOOLS)
    prepare_kernel(cache())
    return 0


def main(arguments: Sequence[str]) -> int:
    """The program's exit status."""
    try:
        status = prepare_all() if list(arguments) == ["--prepare"] else run(*parse(arguments))
    except Interrupted as error:
        return 128 + error.number
    except (VcanError, OSError, subprocess.SubprocessError) as error:
        say(f"error: {error}")
        return FAILED
    say(f"status {status}")
    return status
