"""The ECU of the lab bench as a program of its own: a console on a pty. Standard library only: it starts at once.

It answers `ping` with `pong` and anything else with `?`. SIGUSR1 makes it fall silent, SIGUSR2 makes it flood the
console with 10 MB/s of noise. It ends with its standard input. The file that is its argument holds its process id once
it is ready for signals.
"""

import contextlib
import json
import os
import pty
import select
import signal
import sys
import time
import tty
from pathlib import Path

_NOISE_BYTES = 100_000
_NOISE_EVERY_S = 0.01


def main() -> None:
    """Serve the console until standard input ends."""
    modes: set[int] = set()
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda number, _: modes.add(number))
    near, far = pty.openpty()
    tty.setraw(far)
    os.set_blocking(near, False)
    ready = Path(sys.argv[1])
    ready.with_suffix(".new").write_text(str(os.getpid()))
    ready.with_suffix(".new").replace(ready)
    sys.stdout.write(json.dumps({"console": os.ttyname(far)}) + "\n")
    sys.stdout.flush()
    noise = os.urandom(_NOISE_BYTES)
    while True:
        floods = signal.SIGUSR2 in modes
        heard, _, _ = select.select([0, near], [], [], _NOISE_EVERY_S if floods else 0.5)
        if 0 in heard and not os.read(0, 100):
            return
        if near in heard:
            _answer(near, os.read(near, 65536), silent=signal.SIGUSR1 in modes)
        if floods:
            _write(near, noise)


def _write(near: int, data: bytes) -> None:
    """As much as the line takes within a moment."""
    end = time.monotonic() + _NOISE_EVERY_S
    while data and (left := end - time.monotonic()) > 0:
        if select.select([], [near], [], left)[1]:
            data = data[os.write(near, data) :]


def _answer(near: int, said: bytes, *, silent: bool) -> None:
    for line in said.split(b"\n"):
        if line and not silent:
            with contextlib.suppress(BlockingIOError):
                os.write(near, b"pong\n" if line.endswith(b"ping") else b"?\n")


if __name__ == "__main__":
    main()
