"""A database laid over another: what one brand of a vehicle sends in another way than the rest.

Rules of this module: pure. A message of the overlay takes the place of the one with its name, or else of the one with
its identifier; what the base doesn't have is added at the end. Attributes of a message are those of the file that it
comes from, network-wide ones those of the base. One message can't take the place of two.
"""

from __future__ import annotations

from cantools.database.can import Database, Message

from hil.can.loading import Loaded
from hil.errors import UsageError


def lay_over(base: Loaded, overlay: Loaded, where: str) -> Loaded:
    """The base with an overlay laid over it; the base's own database is changed.

    Args:
        base: what lies below.
        overlay: what lies above.
        where: what to call the overlay in an error.

    Raises:
        UsageError: a message of the overlay has the name of one message and the identifier of another.
    """
    database = base.database
    places = {_replaced(message, database, overlay.database, where): message for message in overlay.database.messages}
    kept = [places.pop(message.name, message) for message in database.messages]
    database.messages[:] = [*kept, *places.values()]
    known = {node.name for node in database.nodes}
    database.nodes.extend(node for node in overlay.database.nodes if node.name not in known)
    database.refresh()
    return Loaded(database, [*base.tolerated, *overlay.tolerated])


def _replaced(message: Message, base: Database, overlay: Database, where: str) -> str:
    """The name of the message of the base whose place it takes; its own if it is new."""
    ours = {above.name for above in overlay.messages}
    by_name = next((below for below in base.messages if below.name == message.name), None)
    by_id = next((below for below in base.messages if _id(below) == _id(message) and below.name not in ours), None)
    if by_name is not None and by_id is not None:
        what = f"{message.name} would replace two messages: {by_name.name} by its name, {by_id.name} by its identifier"
        mend = f"give it another identifier than 0x{message.frame_id:X}, or lay {by_id.name} over as well."
        raise UsageError(what, where=where, remedy=mend)
    found = by_name or by_id
    return message.name if found is None else found.name


def _id(message: Message) -> tuple[int, bool]:
    return message.frame_id, message.is_extended_frame
