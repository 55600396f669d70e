"""Error frames as they are told to programs: SocketCAN's way, packed and read. Pure.

A wire carries an error frame as six dominant bits without a word on what was wrong. What a node's controller knows of
it beyond that, SocketCAN tells as a frame of its own (Linux, include/uapi/linux/can/error.h), and so do we: flag
`ERROR`, the identifier a sum of error classes (all of ours fit 11 bits), always eight bytes:

    0     always 0 (the bit at which arbitration was lost)
    1     with class 0x004: the limit that a counter passed with this error
    2     kind of the error; bit 7: the node was sending
    3     where in the frame (`hil.can.attempt.Field`)
    4, 5  always 0
    6, 7  transmit and receive error counter after this error, 255 at most (class 0x200)

Not for: state changes without an error frame, such as the way back from bus-off. `hil.can.confinement` has those.
"""

from __future__ import annotations

from typing import Final

from hil.can.attempt import Fault, Field, Kind
from hil.can.confinement import Confinement, ErrorState

CLASS_CONTROLLER: Final = 0x004
CLASS_PROTOCOL: Final = 0x008
CLASS_ACK: Final = 0x020
CLASS_BUS_OFF: Final = 0x040
CLASS_BUS_ERROR: Final = 0x080
CLASS_COUNTERS: Final = 0x200
_SENDING: Final = 0x80
_KINDS: Final = {
    Kind.FORM: 0x02,
    Kind.STUFF: 0x04,
    Kind.BIT_DOMINANT: 0x08,
    Kind.BIT_RECESSIVE: 0x10,
    Kind.CRC: 0,
    Kind.ACK: 0,
}
_WARNING: Final = 0x04
_PASSIVE: Final = 0x10
_OF_SENDING: Final = 1
"""Shift from the bit that tells of the receive error counter to that of the transmit error counter."""
SENDER_PASSIVE: Final = _PASSIVE << _OF_SENDING
"""In byte 1 with `CLASS_CONTROLLER`: the transmit error counter made the node error-passive."""
_LENGTH: Final = 8


def pack(fault: Fault, before: Confinement, after: Confinement) -> tuple[int, bytes]:
    """Identifier and payload of the error frame that a node tells of.

    Args:
        fault: what it detected.
        before: its counters before.
        after: its counters after.
    """
    classes = CLASS_BUS_ERROR | CLASS_COUNTERS | (CLASS_ACK if fault.kind is Kind.ACK else CLASS_PROTOCOL)
    limit = 0
    if after.state is ErrorState.BUS_OFF:
        classes |= CLASS_BUS_OFF
    elif after.state is not before.state:
        classes, limit = classes | CLASS_CONTROLLER, _limit(after)
    kind = _KINDS[fault.kind] | (_SENDING if fault.sending else 0)
    return classes, bytes([0, limit, kind, fault.field, 0, 0, min(after.tec, 255), min(after.rec, 255)])


def _limit(counters: Confinement) -> int:
    bit = _PASSIVE if counters.state is ErrorState.PASSIVE else _WARNING
    return bit << _OF_SENDING if counters.tec >= counters.rec else bit


def explain(can_id: int, data: bytes) -> str:
    """An error frame for people; also one that a real adapter told of."""
    if len(data) < _LENGTH:
        return f"error, classes 0x{can_id:X}"
    parts = [_kind(can_id, data)]
    if data[3]:
        parts.append(f"in {_field(data[3])}")
    if data[2] & _SENDING or can_id & CLASS_ACK:
        parts.append("while sending")
    if can_id & CLASS_BUS_OFF:
        parts.append("bus off")
    if can_id & CLASS_COUNTERS:
        parts.append(f"TEC {data[6]}, REC {data[7]}")
    return ", ".join(parts)


def _kind(can_id: int, data: bytes) -> str:
    if can_id & CLASS_ACK:
        return Kind.ACK.value
    named = [kind.value for kind, bit in _KINDS.items() if bit and data[2] & bit]
    if not named and data[3] in (Field.CRC_SEQ, Field.CRC_DEL):
        named = [Kind.CRC.value]
    return " and ".join(named) or f"error, classes 0x{can_id:X}"


def _field(number: int) -> str:
    return Field(number).name if number in Field._value2member_map_ else f"field 0x{number:02X}"


__all__ = [
    "CLASS_ACK", "CLASS_BUS_ERROR", "CLASS_BUS_OFF", "CLASS_CONTROLLER", "CLASS_COUNTERS", "CLASS_PROTOCOL",
    "SENDER_PASSIVE", "explain", "pack",
]  # fmt: skip
