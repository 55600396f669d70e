"""A case in a process of its own, forked from the runner: it begins with all that the runner has made ready.

Rules of this module: the runner has one thread and does nothing while its child works. The child inherits everything
as it is and is thrown away with its case; it leaves a message behind, pickled, over a pipe. A child that ends without
one has died. A signal that is to stop the runner goes on to the child, which leaves its bench as it does anywhere;
only then the runner heeds it. A child that doesn't end within its time is killed.

Not for: systems other than Linux, where libraries don't expect to be forked.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import selectors
import signal
import sys
import threading
from types import FrameType
from typing import Any, Final, NoReturn

_STOP_WITHIN_S: Final = 8.0
_LOOK_S: Final = 0.5
_BLOCK: Final = 1 << 16
_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # fmt: skip


def can_fork() -> bool:
    """Whether a child can be forked from here: on Linux, from the main thread while there is no other."""
    return sys.platform == "linux" and threading.active_count() == 1


class Child:
    """One end of a fork: in the child the way to tell the runner, in the runner the child.

    Attributes:
        is_here: whether this process is the child.
        was_stopped: whether a signal came while the runner waited.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self.was_stopped = False
        for stream in (sys.stdout, sys.stderr):  # what waits in a buffer would be written by both
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        self._pid, self._heard = 0, list[int]()
        self._handlers = {number: signal.signal(number, self._pass_on) for number in _SIGNALS}
        self._pid = os.fork()
        self.is_here = self._pid == 0
        os.close(self._read if self.is_here else self._write)
        if self.is_here:
            self._heed()

    def leave(self, message: Any) -> NoReturn:
        """In the child: leave a message, and end."""
        status = 0
        try:
            data = memoryview(pickle.dumps(message))
            while data:
                data = data[os.write(self._write, data) :]
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        except Exception as error:
            print(f"the process of a case could not say how it ended: {error!r}", file=sys.__stderr__)
            status = 70
        finally:
            os._exit(status)

    def wait(self) -> tuple[Any, str]:
        """In the runner: wait for the child's end.

        Returns:
            its message, or None and how it died.
        """
        if self._heard:  # before there was a child to pass it on to
            self._tell(signal.SIGTERM)
        data = self._receive()
        status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        self._pid = 0
        self._heed()
        if status == 0 and data:
            return pickle.loads(data), ""
        return None, f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"

    def _receive(self) -> bytes:
        """All that the child writes until it ends; it is killed if it goes on for long after a signal."""
        received, ended, patience = bytearray(), os.pidfd_open(self._pid), _STOP_WITHIN_S
        with selectors.DefaultSelector() as selector:
            for fd in (self._read, ended):
                selector.register(fd, selectors.EVENT_READ)
            while patience > 0:
                ready = {key.fd for key, _ in selector.select(_LOOK_S)}
                block = os.read(self._read, _BLOCK) if self._read in ready else b""
                received += block
                if ended in ready and not block:
                    break
                patience -= _LOOK_S if self._heard and not ready else 0
            else:
                self._tell(signal.SIGKILL)
        for fd in (self._read, ended):
            os.close(fd)
        return bytes(received)

    def _pass_on(self, number: int, _: FrameType | None) -> None:
        self._heard.append(number)
        self.was_stopped = True
        self._tell(signal.SIGTERM)

    def _tell(self, number: int) -> None:
        if self._pid > 0:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def _heed(self) -> None:
        """Put the signals' own handlers back, and have them hear what came meanwhile."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        for number in self._heard[:1]:
            signal.raise_signal(number)
