"""What the benchmarks on SocketCAN share: a socket that hears and is not read meanwhile, a peer process, quantiles.

Not for: the bench's own way of reading (`hil.can.socketcan`), which is what is measured.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from hil.can import raw_frames

HOLD_BYTES = 512 << 20
_SO_RCVBUFFORCE = 33


class Heard(NamedTuple):
    """A frame with the kernel's stamp."""

    t_ns: int
    can_id: int
    data: bytes


def raw_socket(channel: str) -> socket.socket:
    """A raw CAN socket, classic frames only."""
    try:
        made = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
        made.bind((channel,))
    except (AttributeError, OSError) as error:
        sys.exit(f"{channel}: {error}. Run it where there is one: python tools/vcan_suite.py --bench NAME")
    return made


class Listener:
    """Hears all frames and keeps them in the kernel until they are asked for: it costs no time while others send."""

    def __init__(self, channel: str) -> None:
        self._socket = raw_socket(channel)
        self._socket.setsockopt(socket.SOL_SOCKET, raw_frames.SO_TIMESTAMPNS, 1)
        with contextlib.suppress(PermissionError):
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, HOLD_BYTES)
        self._socket.setblocking(False)

    def frames(self) -> list[Heard]:
        """What has come since the last time."""
        return list(self._read())

    def _read(self) -> Iterator[Heard]:
        with contextlib.suppress(BlockingIOError):
            while True:
                raw, beside, _, _ = self._socket.recvmsg(raw_frames.CLASSIC_BYTES, 64)
                can_id, data, _ = raw_frames.unpack(raw)
                yield Heard(raw_frames.beside(beside)[0], can_id, data)

    def close(self) -> None:
        """Let it go."""
        self._socket.close()


def quantile(values: Sequence[float], share: float) -> float:
    """The least value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def row(name: str, *cells: Any) -> None:
    """A line of a table."""
    print(f"{name:<40}" + "".join(f"{cell:>12}" for cell in cells), flush=True)
