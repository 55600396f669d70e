"""Logs as text: the lines of candump, ASC and CSV for blocks of frames.

Rules of this module: pure: blocks in, text out. Numbers are made of integers, so that equal logs give equal files on
any machine; dates are UTC. candump and ASC have microseconds, CSV has nanoseconds.

candump: as can-utils' `candump -L` writes it. ASC: as Vector's `CAN_LOG_TRIGGER_ASC_Format` and python-can have it. CSV
is for spreadsheets: python-can's own CSV has no place for bus, direction and CAN FD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT, show_id
from hil.can.log_frames import Frames

_LENGTH_CODES: Final = {length: code for code, length in enumerate((*range(9), 12, 16, 20, 24, 32, 48, 64))}
_BUS_ERROR: Final = 0x80
"""The class that python-can knows error frames by (CAN_ERR_BUSERROR of linux/can/error.h)."""
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

NameOf = Callable[[int, int, int], str]
"""The name of the message of a channel's number, an identifier and its flags; empty if it has none."""


class TextLog(Protocol):
    """Writes one kind of log."""

    def head(self) -> str:
        """What stands before the first frame."""

    def lines(self, block: Frames) -> Iterator[str]:
        """A line for each frame, with its end."""

    def tail(self) -> str:
        """What stands behind the last frame."""


def numbers_of(channels: Sequence[str]) -> list[int]:
    """The channel numbers, from 1 on, for formats that know no names: their own where all have one, else in order."""
    own = [int(name) if name.isdecimal() and 0 < int(name) < 256 else 0 for name in channels]
    return own if all(own) and len(set(own)) == len(own) else list(range(1, len(channels) + 1))


class CandumpText:
    """Lines of `candump -L`.

    Args:
        channels: names of the channels; numbers become `can0`, `can1`, ...
        start_ns: date of the first frame, nanoseconds since 1970.
    """

    def __init__(self, channels: Sequence[str], start_ns: int) -> None:
        self._channels, self._start_ns = channels, start_ns

    def head(self) -> str:
        """Nothing."""
        return ""

    def lines(self, block: Frames) -> Iterator[str]:
        """A line for each frame."""
        numbers = numbers_of(self._channels)
        names = [f"can{number - 1}" if name.isdecimal() else "".join(name.split())
                 for name, number in zip(self._channels, numbers, strict=True)]  # fmt: skip
        for t_ns, channel, can_id, flags, length, data in block.rows():
            microseconds = max(self._start_ns + t_ns + 500, 0) // 1000
            stamp = f"({microseconds // 1_000_000}.{microseconds % 1_000_000:06d})"
            yield f"{stamp} {names[channel]} {_candump_frame(can_id, flags, length, data)} {_way(flags)[0]}\n"

    def tail(self) -> str:
        """Nothing."""
        return ""


def _way(flags: int) -> str:
    return "Tx" if flags & SENT else "Rx"


def _candump_frame(can_id: int, flags: int, length: int, data: bytes) -> str:
    payload = data.hex().upper()
    if flags & ERROR:
        return f"{0x2000_0000 | (can_id or _BUS_ERROR):08X}#{payload}"
    shown = f"{can_id:08X}" if flags & EXTENDED else f"{can_id:03X}"
    if flags & REMOTE:
        return f"{shown}#R{length or ''}"
    if flags & FD:
        return f"{shown}##{(1 if flags & BRS else 0) | (2 if flags & ESI else 0):X}{payload}"
    return f"{shown}#{payload}"


class AscText:
    """A Vector ASC log.

    Args:
        channels: names of the channels; formats of Vector know only numbers, so names stand in comments.
        start_ns: date of the first frame, nanoseconds since 1970.
    """

    def __init__(self, channels: Sequence[str], start_ns: int) -> None:
        self._channels, self._start_ns = channels, start_ns
        self._told: set[int] = set()

    def head(self) -> str:
        """The header, up to the begin of the trigger block."""
        date = _date(self._start_ns)
        head = f"date {date}\nbase hex  timestamps absolute\ninternal events logged\n"
        return f"{head}Begin Triggerblock {date}\n{0.0:9.6f} Start of measurement\n"

    def lines(self, block: Frames) -> Iterator[str]:
        """A line for each frame; a comment where a named channel first appears."""
        numbers = numbers_of(self._channels)
        for t_ns, channel, can_id, flags, length, data in block.rows():
            if channel not in self._told:
                self._told.add(channel)
                if self._channels[channel] != str(numbers[channel]):
                    yield f"// channel {numbers[channel]} is bus {self._channels[channel]}\n"
            microseconds = max(t_ns + 500, 0) // 1000
            stamp = f"{microseconds // 1_000_000:2d}.{microseconds % 1_000_000:06d}"
            yield f"{stamp} {_asc_frame(numbers[channel], can_id, flags, length, data)}\n"

    def tail(self) -> str:
        """The end of the trigger block."""
        return "End TriggerBlock\n"


def _date(start_ns: int) -> str:
    """A date as ASC has it, in English whatever the machine speaks."""
    date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=start_ns // 1_000_000)
    clock = f"{date:%H:%M:%S}.{date.microsecond // 1000:03d}"
    return f"{_DAYS[date.weekday()]} {_MONTHS[date.month - 1]} {date.day:02d} {clock} {date.year}"


def _asc_frame(number: int, can_id: int, flags: int, length: int, data: bytes) -> str:
    shown = f"{can_id:X}{'x' if flags & EXTENDED else ''}"
    payload = data.hex(" ").upper()
    if flags & ERROR:
        return f"{number}  ErrorFrame"
    if flags & REMOTE:
        return f"{number}  {shown:<15} {_way(flags)}   r {length:x}"
    if not flags & FD:
        return f"{number}  {shown:<15} {_way(flags)}   d {length:x} {payload}".rstrip()
    brs, esi, code = int(bool(flags & BRS)), int(bool(flags & ESI)), _LENGTH_CODES.get(length, 15)
    bits = 0x1000 | brs << 13 | esi << 14
    head = f"CANFD {number:>3} {_way(flags)}   {shown:>8}  {'':>32} {brs} {esi} {code:x} {length:>2}"
    return f"{head} {payload} {0:>8} {0:>4} {bits:>8X} {0:>8} {0:>8} {0:>8} {0:>8} {0:>8}"


class CsvText:
    """Frames for a spreadsheet.

    Args:
        channels: names of the channels or of their buses.
        name_of: gives the name of a message.
    """

    def __init__(self, channels: Sequence[str], name_of: NameOf) -> None:
        self._channels, self._name_of = channels, name_of

    def head(self) -> str:
        """The names of the columns."""
        return "time_s,bus,id,message,direction,kind,length,data\n"

    def lines(self, block: Frames) -> Iterator[str]:
        """A line for each frame."""
        names = [csv_text(name) for name in self._channels]
        for t_ns, channel, can_id, flags, length, data in block.rows():
            name = csv_text(self._name_of(channel, can_id, flags))
            shown = "" if flags & ERROR else show_id(can_id, flags)
            yield (
                f"{show_ns(t_ns)},{names[channel]},{shown},{name},"
                f"{_way(flags)},{kind_of(flags)},{length},{data.hex(' ').upper()}\n"
            )

    def tail(self) -> str:
        """Nothing."""
        return ""


def show_ns(t_ns: int) -> str:
    """Seconds with nine digits, exact."""
    sign = "-" if t_ns < 0 else ""
    return f"{sign}{abs(t_ns) // 1_000_000_000}.{abs(t_ns) % 1_000_000_000:09d}"


def kind_of(flags: int) -> str:
    """What a frame is, in words: `CAN`, `CAN FD BRS`, `remote`, `error`."""
    if flags & ERROR:
        return "error"
    if flags & REMOTE:
        return "remote"
    if not flags & FD:
        return "CAN"
    return "CAN FD" + (" BRS" if flags & BRS else "") + (" ESI" if flags & ESI else "")


def csv_text(text: str) -> str:
    """A field of a CSV file, in quotes where it needs them (RFC 4180)."""
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


__all__ = [
    "AscText", "CandumpText", "CsvText", "NameOf", "TextLog", "csv_text", "kind_of", "numbers_of", "show_ns",
]  # fmt: skip
