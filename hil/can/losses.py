"""Why a bus was lost, in words: what the driver's error number means, and when the bench's own controller gave up.

Rules of this module: pure. A bus whose interface went down, whose adapter was pulled or whose controller is bus-off is
the bench's: from there on it neither hears nor says anything, so nothing follows about the ECU.

Not for: error frames that a bus survives; the monitors count those.
"""

from __future__ import annotations

import errno
from typing import Final

from hil.can.error_frames import CLASS_BUS_OFF, explain
from hil.can.frames import ERROR
from hil.errors import BenchError

_WORDS: Final[dict[int, tuple[str, str]]] = {
    errno.ENETDOWN: ("the interface is down", "bring it up: 'ip link set NAME up', and see why it went down."),
    errno.ENODEV: ("the adapter is gone", "plug it in; 'dmesg' tells whether it was lost."),
    errno.ENXIO: ("the adapter is gone", "plug it in; 'dmesg' tells whether it was lost."),
    errno.EIO: ("the adapter is gone", "plug it in; 'dmesg' tells whether it was lost."),
}
_RESTART: Final = "check bit rate, termination and wiring; 'ip link set NAME type can restart' brings it back."


def broke(error: Exception, *, where: str, remedy: str = "check the adapter and its cable.") -> BenchError:
    """The bench fault of a driver's error in the middle of its work; `remedy` where its number says no more."""
    words = _WORDS.get(_number(error) or 0)
    if words is None:
        return BenchError(f"broke: {_line(error)}", where=where, remedy=remedy)
    return BenchError(f"broke: {words[0]}", where=where, remedy=words[1])


def cannot_send(error: Exception, *, where: str) -> BenchError:
    """The bench fault of a frame that the driver didn't take."""
    words = _WORDS.get(_number(error) or 0)
    if words is None:
        return BenchError(f"can't send: {_line(error)}", where=where, remedy="is anybody acknowledging?")
    return BenchError(f"can't send: {words[0]}", where=where, remedy=words[1])


def is_down(number: int) -> bool:
    """Whether a socket's error says that the interface can't be used."""
    return number in _WORDS


def _line(error: Exception) -> str:
    text = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    return " ".join(text.split())


def _number(error: BaseException | None) -> int | None:
    """The system's error number, which python-can keeps beside its own text."""
    while error is not None:
        number = getattr(error, "error_code", None) or getattr(error, "errno", None)
        if isinstance(number, int):
            return number
        error = error.__cause__
    return None


def bus_off(can_id: int, flags: int, data: bytes, *, where: str) -> BenchError | None:
    """The bench fault of an error frame that says that the bench's own controller gave up; None of any other frame."""
    if not flags & ERROR or not can_id & CLASS_BUS_OFF:
        return None
    return BenchError(f"the bench's own controller went bus-off: {explain(can_id, data)}", where=where, remedy=_RESTART)


def still_bus_off(*, where: str) -> BenchError:
    """The bench fault of an interface that would only seem to open."""
    return BenchError("the bench's own controller is bus-off", where=where, remedy=_RESTART)
