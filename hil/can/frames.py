"""CAN frames. Pure: no port, no I/O."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from hil.errors import UsageError
from hil.journal import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT, Origin

__all__ = ["BRS", "ERROR", "ESI", "EXTENDED", "FD", "REMOTE", "SENT", "CanFrame", "check_frame", "new_frame", "show_id"]

_MARK_FD: Final = "mark the frame as FD too."
_FD_LENGTHS: Final = frozenset((*range(9), 12, 16, 20, 24, 32, 48, 64))


class CanFrame(NamedTuple):
    """A frame as it was seen on a bus.

    Attributes:
        t_ns: bench time of its end on the wire.
        bus: name of the bus in the bench file.
        can_id: identifier, 11 or 29 bits.
        data: payload, 0 to 8 bytes, up to 64 with CAN FD.
        flags: bits `EXTENDED`, `FD`, `BRS`, `ESI`, `REMOTE`, `ERROR`, `SENT`.
        origin: where the stamp came from.
    """

    t_ns: int
    bus: str
    can_id: int
    data: bytes
    flags: int = 0
    origin: Origin = Origin.SIM


new_frame: Final[Callable[[tuple[int, str, int, bytes, int, Origin]], CanFrame]] = partial(tuple.__new__, CanFrame)
"""A `CanFrame` of all that it consists of, made without a call of Python's: for ports that take in thousands."""


def check_frame(can_id: int, data: bytes, flags: int) -> None:
    """Refuse what no bus can carry.

    Raises:
        UsageError: identifier or length out of range, or flags that contradict each other.
    """
    top = 0x1FFFFFFF if flags & EXTENDED else 0x7FF
    if not 0 <= can_id <= top:
        raise UsageError(
            f"identifier 0x{can_id:X} doesn't fit {29 if flags & EXTENDED else 11} bits",
            remedy="mark it as extended, or correct it.",
        )
    if flags & ~(EXTENDED | FD | BRS | ESI | REMOTE):
        raise UsageError("nobody can send an error frame or one marked as sent", where=show_id(can_id, flags))
    if flags & FD and flags & REMOTE:
        raise UsageError("CAN FD has no remote frames", where=show_id(can_id, flags))
    if flags & (BRS | ESI) and not flags & FD:
        raise UsageError("bit-rate switch and error state are of CAN FD", where=show_id(can_id, flags), remedy=_MARK_FD)
    if flags & FD and len(data) not in _FD_LENGTHS:
        raise UsageError(f"{len(data)} bytes is no CAN FD length", where=show_id(can_id, flags))
    if not flags & FD and len(data) > 8:
        raise UsageError(f"{len(data)} bytes don't fit a classic frame", where=show_id(can_id, flags))


def show_id(can_id: int, flags: int = 0) -> str:
    """An identifier for people: `0x1A0`, extended ones with eight digits and an x."""
    return f"0x{can_id:08X}x" if flags & EXTENDED else f"0x{can_id:03X}"
