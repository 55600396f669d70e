"""One lock a physical resource: a second run is told who holds it.

The locks lie in the user's temporary folder. A run that `hil run` started inherits its locks by a token in the
environment, so that its Robot and its pytest part work under one lock.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import socket
import tempfile
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from hil.clock import utc_now
from hil.errors import BenchError

INHERITED: Final = "HIL_LOCKS_HELD"


class ResourceLocks:
    """Locks on physical resources, held together.

    Args:
        resources: names such as `can:socketcan:can0` or `serial:/dev/ttyUSB0`.
        holder: what to call this run to others.
    """

    def __init__(self, resources: list[str], holder: str) -> None:
        self.resources, self._holder = sorted(set(resources)), holder
        self._held: list[FileLock] = []

    def acquire(self) -> None:
        """Take all, or none.

        Raises:
            BenchError: another run holds one of them; says which and who.
        """
        inherited = set(json.loads(os.environ.get(INHERITED, "[]")))
        for resource in self.resources:
            if resource not in inherited:
                self._take(resource)

    def _take(self, resource: str) -> None:
        path = _lock_path(resource)
        lock = FileLock(path, mode=0o666)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self.release()
            raise BenchError(
                f"is in use by {_owner(path)}", where=resource, remedy="wait for that run to end, or stop it."
            ) from None
        except OSError as error:
            raise BenchError(f"can't be locked: {error.strerror}", where=resource, remedy=f"check {path}.") from error
        path.with_suffix(".owner").write_text(self._owner_text(), encoding="utf-8")
        self._held.append(lock)

    def _owner_text(self) -> str:
        user, host = getpass.getuser(), socket.gethostname()
        return f"{self._holder} (process {os.getpid()} of {user}@{host} since {utc_now():%Y-%m-%d %H:%M:%S} UTC)"

    def environment(self) -> dict[str, str]:
        """What a child process needs to work under these locks."""
        return {INHERITED: json.dumps(self.resources)}

    def release(self) -> None:
        """Let all go."""
        while self._held:
            self._held.pop().release()


def _lock_path(resource: str) -> Path:
    folder = Path(tempfile.gettempdir()) / "cockpit-hil-locks"
    if not folder.exists():
        folder.mkdir(exist_ok=True)
        folder.chmod(0o1777)
    return folder / f"{hashlib.sha256(resource.encode()).hexdigest()[:24]}.lock"


def _owner(path: Path) -> str:
    try:
        return path.with_suffix(".owner").read_text(encoding="utf-8")
    except OSError:
        return "another run"
