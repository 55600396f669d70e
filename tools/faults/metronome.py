"""How long this machine stood still, as a program beside the bench sees it that wants to wake up every 10 ms.

An emulated machine can't know that its host gave the processor to others: its own accounts show nothing of that. What
the program was late is no time of the bench's.

Not for: the bench's own threads, whose waiting the kernel accounts (`faults.trial`).
"""

from __future__ import annotations

import mmap
import struct
import subprocess
import sys
from pathlib import Path
from typing import Final

_BEAT: Final = """
import mmap, os, struct, sys, time
parent, late, tolerated = os.getppid(), 0.0, 0.02
with open(sys.argv[1], "r+b") as file, mmap.mmap(file.fileno(), 8) as shared:
    while os.getppid() == parent:
        due = time.monotonic() + 0.01
        time.sleep(0.01)
        over = time.monotonic() - due
        late += over if over > tolerated else 0.0
        shared[:] = struct.pack("=d", late)
"""


class Metronome:
    """The program, running.

    Args:
        folder: for what it shares.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "metronome"
        path.write_bytes(struct.pack("=d", 0.0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 8)
        self._process = subprocess.Popen([sys.executable, "-S", "-E", "-c", _BEAT, str(path)])

    @property
    def late_s(self) -> float:
        """By how much it was late so far, in all."""
        return float(struct.unpack("=d", self._shared[:])[0])

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._shared.close()
