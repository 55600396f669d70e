"""The files that a guest starts from, besides init.sh: rendered here, nothing read or written."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from vcan.job import Job

HOME = "/tmp/vcan-home"
KEPT_VARIABLES = re.compile(r"PATH|LANG|LC_\w+|TZ|CI|VIRTUAL_ENV|PYTHON(?!DONTWRITEBYTECODE)\w+|HIL_\w+")


def render_job(job: Job, modules: Iterable[str], *, shares: str = "9p") -> str:
    """Shell variables that init.sh reads; the modules as file names, in the order of loading."""
    values = {
        "MODULES": " ".join(modules),
        "CHANNELS": " ".join(job.channels),
        "CONTROLLERS": str(job.controllers or ""),
        "PORTS": " ".join(map(str, job.host_ports)),
        "RESULTS": str(job.results or ""),
        "SHARES": shares,
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def render_command(job: Job, cwd: str, environment: Mapping[str, str]) -> str:
    """A shell script that becomes the command, in its directory and with nothing but this environment."""
    settings = [f"{name}={value}" for name, value in sorted(environment.items())]
    return f"cd {shlex.quote(cwd)} && exec env -i {shlex.join([*settings, *job.command])}\n"


def guest_environment(host: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """What of the host's environment belongs to its Python; not the rest, which may hold secrets."""
    kept = {name: value for name, value in host.items() if KEPT_VARIABLES.fullmatch(name)}
    return {"PATH": os.defpath, **kept, "HOME": HOME, "PYTHONUNBUFFERED": "1", **extra}


def initramfs(files: Mapping[str, bytes]) -> bytes:
    """A cpio archive (newc) of executable files, and of the directories that they stand in."""
    directories = sorted({str(parent) for name in files for parent in PurePath(name).parents} - {"."})
    entries = [(name, 0o40755, b"") for name in directories]
    entries += [(name, 0o100755, content) for name, content in files.items()]
    entries += [("TRAILER!!!", 0, b"")]
    return b"".join(cpio_entry(number, *entry) for number, entry in enumerate(entries, start=1))


def cpio_entry(number: int, name: str, mode: int, content: bytes) -> bytes:
    """Header, name and content, the last two padded to four bytes."""
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
