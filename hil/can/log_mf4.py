"""MF4 logs, read in a process of their own: on a damaged file asammdf may not only fail but crash.

Rules of this module: the child writes blocks to its standard output and ends with a status; nothing it prints is seen.
What it handed out before it broke off counts.

The child is `python -m hil.can.log_mf4 FILE`; what it does is `hil.can.logs.read_mf4`.
"""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from hil.can.log_frames import Damage, Frames

_FAILED: Final = 3


def blocks_of(path: Path, channels: list[str], damage: Damage) -> Iterator[Frames]:
    """The blocks of a log, whose stamps are nanoseconds since 1970.

    Args:
        path: the file.
        channels: the names of the channels join this list.
        damage: is told if the file can't be read to its end.
    """
    command = [sys.executable, "-m", "hil.can.log_mf4", str(path)]
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )  # fmt: skip
    try:
        if child.stdout is not None:
            yield from _received(child.stdout, channels)
        if child.wait():
            damage.ending = (
                "is damaged" if child.returncode == _FAILED else "is damaged so badly that asammdf broke off"
            )
    finally:
        child.kill()
        child.communicate()


def _received(pipe: IO[bytes], channels: list[str]) -> Iterator[Frames]:
    while True:
        try:
            names, columns = pickle.load(pipe)
        except Exception:  # the child ended, perhaps in the middle of a block
            return
        channels[:] = names
        yield Frames(*columns)


def main(path: Path) -> int:
    """The child: all blocks to standard output."""
    from hil.can.logs import read_mf4

    try:
        for names, block in read_mf4(path):
            columns = block.t_ns, block.channel, block.can_id, block.flags, block.length, block.data
            pickle.dump((list(names), columns), sys.stdout.buffer)
            sys.stdout.buffer.flush()
    except Exception:  # whatever asammdf makes of a damaged file
        return _FAILED
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(Path(sys.argv[1])))


__all__ = ["blocks_of", "main"]
