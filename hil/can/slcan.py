"""The serial line of CAN adapters after Lawicel (slcan): lines to answers, frames to lines. Pure: no port, no I/O.

A command ends with a carriage return; so does an answer, and a refusal is one BEL. Between answers come the frames that
were received. After the CANUSB manual of Lawicel: S0 to S8 bit rate, s bit timing, O open, L listen only, C close, t T
r R frames, F status, V version, Z1 stamps (milliseconds, 0 to 59999). After the CANable: Y2, Y5, d D b B for CAN FD.

Rules of this module: strict. A line that isn't exactly one of these is `Noise`, whole: a byte that was lost or added
changes the length of a line, so that it is noticed. A digit that was flipped is not: the protocol has no checksum.

Not for: who asks what when (`hil.can.slcan_port`).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, NamedTuple

from hil.can.frames import BRS, EXTENDED, FD, REMOTE

END: Final = b"\r"
BEL: Final = b"\a"
WRAP_MS: Final = 60_000
LONGEST: Final = 160
"""Bytes without an end that are no line any more; the longest, with 64 bytes of payload, has 142."""
BITRATES: Final = {10_000: "S0", 20_000: "S1", 50_000: "S2", 100_000: "S3", 125_000: "S4", 250_000: "S5",
                   500_000: "S6", 1_000_000: "S8"}  # fmt: skip
DATA_BITRATES: Final = {2_000_000: "Y2", 5_000_000: "Y5"}
_FD_LENGTHS: Final = (*range(9), 12, 16, 20, 24, 32, 48, 64)
_KINDS: Final = {
    "t": 0, "T": EXTENDED, "r": REMOTE, "R": REMOTE | EXTENDED, "d": FD, "D": FD | EXTENDED, "b": FD | BRS,
    "B": FD | BRS | EXTENDED,
}  # fmt: skip
_LETTERS: Final = {flags: letter for letter, flags in _KINDS.items()}
_HEX: Final = re.compile(r"[0-9A-Fa-f]*")
_ENDS: Final = re.compile(b"[\r\a]")
_TOPS: Final = {3: 0x7FF, 8: 0x1FFF_FFFF}


class Flag(Enum):
    """Bits of a status (`F`)."""

    RECEIVE_FULL = 0x01
    SEND_FULL = 0x02
    WARNING = 0x04
    OVERRUN = 0x08
    PASSIVE = 0x20
    ARBITRATION_LOST = 0x40
    BUS_ERROR = 0x80


class Received(NamedTuple):
    """A frame from the bus; `stamp_ms` is None where the adapter doesn't stamp."""

    can_id: int
    data: bytes
    flags: int
    stamp_ms: int | None


class Answer(NamedTuple):
    """Done. `text` is what came with it: empty, `z` or `Z` for a frame, `F00`, `V1013`, `N1234`."""

    text: str


class Refusal(NamedTuple):
    """A BEL."""


class Noise(NamedTuple):
    """Bytes that say nothing."""

    data: bytes


Event = Received | Answer | Refusal | Noise


def command(text: str) -> bytes:
    """A command as it goes over the line."""
    return text.encode("ascii") + END


def frame(can_id: int, data: bytes, flags: int) -> bytes:
    """A frame to send, as it goes over the line."""
    width = 8 if flags & EXTENDED else 3
    letter = _LETTERS[flags & (EXTENDED | REMOTE | FD | BRS)]
    length = _FD_LENGTHS.index(len(data)) if flags & FD else len(data)
    payload = "" if flags & REMOTE else data.hex().upper()
    return command(f"{letter}{can_id:0{width}X}{length:X}{payload}")


class Reader:
    """Cuts a stream into answers and frames, wherever it breaks.

    Attributes:
        stamped: whether frames carry a stamp, as it was agreed.
    """

    def __init__(self) -> None:
        self.stamped = False
        self._rest = b""
        self._is_lost = False

    def feed(self, data: bytes) -> list[Event]:
        """What is complete by now."""
        found: list[Event] = []
        buffer, start = self._rest + data, 0
        for end in _ENDS.finditer(buffer):
            found += self._line(buffer[start : end.start()], end[0])
            start = end.end()
        self._rest = buffer[start:]
        if len(self._rest) > LONGEST:
            found.append(Noise(self._rest))
            self._rest, self._is_lost = b"", True
        return found

    def clear(self) -> None:
        """Forget what was begun."""
        self._rest, self._is_lost = b"", False

    def _line(self, line: bytes, end: bytes) -> list[Event]:
        """One line; after bytes without an end its rest is noise as well."""
        if self._is_lost:
            self._is_lost = False
            return [Noise(line)] if line else []
        if end == BEL:
            return [*([Noise(line)] if line else []), Refusal()]
        return [parse(line, stamped=self.stamped)]


def parse(line: bytes, *, stamped: bool) -> Event:
    """What a line says, without its carriage return."""
    try:
        text = line.decode("ascii")
    except UnicodeDecodeError:
        return Noise(line)
    if text in ("", "z", "Z"):
        return Answer(text)
    if not _HEX.fullmatch(text[1:]):
        # a serial number may have any letters
        return Answer(text) if re.fullmatch(r"N\w{1,8}", text) else Noise(line)
    if text[0] in _KINDS:
        return _received(text, stamped) or Noise(line)
    return Answer(text) if re.fullmatch(r"F..|V.{4}|N.{1,8}", text) else Noise(line)


def _received(text: str, stamped: bool) -> Received | None:
    flags = _KINDS[text[0]]
    width = 8 if flags & EXTENDED else 3
    if len(text) < 2 + width:
        return None
    can_id, code = int(text[1 : 1 + width], 16), int(text[1 + width], 16)
    if can_id > _TOPS[width] or (code > 8 and not flags & FD):
        return None
    start = 2 + width
    end = start + (0 if flags & REMOTE else 2 * _FD_LENGTHS[code])
    if len(text) != end + (4 if stamped else 0):
        return None
    stamp_ms = int(text[end:], 16) if stamped else None
    if stamp_ms is not None and stamp_ms >= WRAP_MS:
        return None
    return Received(can_id, bytes.fromhex(text[start:end]), flags, stamp_ms)


__all__ = [
    "BEL", "BITRATES", "DATA_BITRATES", "END", "LONGEST", "WRAP_MS", "Answer", "Event", "Flag", "Noise", "Reader",
    "Received", "Refusal", "command", "frame", "parse",
]  # fmt: skip
