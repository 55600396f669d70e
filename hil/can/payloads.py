"""The payload of a message whose values change: only the bits of what changed are written anew.

To encode a whole message costs ten times that, and nearly always one signal of it is set.

Rules of this module: pure; the bytes are those that `hil.can.database.encode` makes of all values. Where that can't be
promised it is asked: of multiplexed messages, containers, signals that lie on each other, numbers that are no integers,
and values that don't fit, which it refuses.

Not for: what protects a payload (`hil.can.e2e`), or text encodings (`hil.can.encoding`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

from cantools.database.can import Message

from hil.can import database
from hil.can.placement import Place, mask_of, place_of, raw_limits

_Slot = tuple[int, int, Literal["little", "big"], int, int, int, int]
"""The least and the greatest number that fits, then where it lies: byte order, bytes, shift, mask, all other bits."""
_number: Final = int.from_bytes
_FEW: Final = 4
"""With more signals than this to write it is as quick to encode the whole message."""


class Payloads:
    """The payloads of one message.

    Args:
        message: what the database says.
    """

    __slots__ = ("_message", "_slots")

    def __init__(self, message: Message) -> None:
        self._message = message
        self._slots: Mapping[str, _Slot] | None = None

    def encode(self, values: Mapping[str, Any], before: Mapping[str, Any], data: bytes) -> bytes:
        """The payload for raw values of all signals.

        Args:
            values: by signal.
            before: those that `data` was encoded from; empty where there was none.
            data: the payload before.

        Raises:
            UsageError: as `database.encode`.
        """
        if before and before.keys() == values.keys():
            changed = [name for name, raw in values.items() if before[name] != raw]
            if len(changed) <= _FEW:
                patched = self._patched(data, changed, values)
                if patched is not None:
                    return patched
        return database.encode(self._message, values)

    def _patched(self, data: bytes, changed: list[str], values: Mapping[str, Any]) -> bytes | None:
        patched: bytes | None = data
        for name in changed:
            patched = self.patch(data, name, values[name])
            if patched is None:
                return None
            data = patched
        return patched

    def patch(self, data: bytes, name: str, raw: Any) -> bytes | None:
        """A payload with another raw value of one signal; None: all have to be encoded."""
        slots = self._slots
        if slots is None:
            slots = self._slots = _known_slots(self._message)
        slot = slots.get(name)
        if slot is None or type(raw) is not int or not data:
            return None
        low, high, order, length, shift, mask, others = slot
        if not low <= raw <= high:
            return None
        return (_number(data, order) & others | (raw & mask) << shift).to_bytes(length, order)


_known: Final[WeakKeyDictionary[Message, dict[str, _Slot]]] = WeakKeyDictionary()
"""Worked out once a database, for all benches of this process."""


def _known_slots(message: Message) -> dict[str, _Slot]:
    slots = _known.get(message)
    if slots is None:
        slots = _known[message] = _slots(message)
    return slots


def _slots(message: Message) -> dict[str, _Slot]:
    """Signal -> where it lies; empty where signals lie on each other, or that depends on one of them."""
    slots: dict[str, _Slot] = {}
    taken = 0
    for signal in message.signals:
        place, bits = place_of(message, signal), mask_of(signal)
        if taken & bits or signal.is_multiplexer:
            return {}
        taken |= bits
        if place is not None:
            slots[signal.name] = _slot(place, *raw_limits(signal))
    return slots


def _slot(place: Place, low: int | float, high: int | float) -> _Slot:
    order, length, shift, mask, _ = place
    return int(low), int(high), order, length, shift, mask, ~(mask << shift)


__all__ = ["Payloads"]
