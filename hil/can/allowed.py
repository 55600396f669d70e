"""What a bus of the bench file lets the bench send: shared by the real CAN ports. Pure."""

from __future__ import annotations

from hil.can.frames import FD, check_frame, show_id
from hil.errors import UsageError


def check_allowed(where: str, can_id: int, data: bytes, flags: int, *, fd: bool, listen_only: bool) -> None:
    """Refuse what no bus can carry, or not this one.

    Args:
        where: how errors call the port.
        can_id: identifier.
        data: payload.
        flags: of the frame.
        fd: whether the bus speaks CAN FD.
        listen_only: whether the bench only listens there.

    Raises:
        UsageError: it must not be sent.
    """
    check_frame(can_id, data, flags)
    if listen_only:
        what = f"{show_id(can_id, flags)} can't be sent: the bus only listens"
        raise UsageError(what, where=where, remedy="leave listen_only out of the bench file.")
    if flags & FD and not fd:
        mend = "give data_bitrate in the bench file, or send a classic frame."
        raise UsageError("the bus carries no CAN FD", where=where, remedy=mend)
