"""The lines of a Vector ASC log, made ready for python-can's reader, which is strict where logs are not.

Rules of this module: pure. python-can's `ASCReader` stops for good at the first line that it can't read, loses the
first event of a log whose header ends unusually, and takes relative stamps for absolute ones. So it is handed one event
after the other behind a header of ours, and begins anew behind a broken line. What it makes of CAN FD events is
completed by `fd_bits`, because such an event may hold a classic frame too.

The format: Vector's CAN_LOG_TRIGGER_ASC_Format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from hil.can.log_frames import Damage

_DATE: Final = re.compile(
    r"(?:date|begin\s+triggerblock)\s+\w+\s+(?P<month>\w+)\s+(?P<day>\d+)\s+"
    r"(?P<h>\d+):(?P<min>\d+):(?P<s>\d+)(?:\.(?P<fraction>\d{1,6}))?\s*(?P<half>[ap]m)?\s+(?P<year>\d{4})",
    re.IGNORECASE,
)
_BASE: Final = re.compile(r"base\s+(hex|dec)(?:\s+timestamps\s+(absolute|relative))?", re.IGNORECASE)
_EVENT: Final = re.compile(r"(\d{1,10}\.\d{1,12})(\s.*)")
_REQUEST: Final = re.compile(r"\s+(?:CANFD\s+\d+\s+TxRq|\d+\s+\w+\s+TxRq)\s", re.IGNORECASE)
"""A request to send, which is not yet a frame on the bus."""
_FRAME: Final = re.compile(r"\s+(?:\d+\s+(?:\w+\s+(?:Tx|Rx)|ErrorFrame)|CANFD\s)", re.IGNORECASE)
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mär mrz", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"), 1
    )
    for name in names.split()
}
_HEADER: Final = "internal events logged\n"
"""The line at which python-can takes the header to end."""


class AscLines:
    """A file as python-can's reader wants one: its lines are the events of the log, behind a short header.

    Args:
        read: gives the next bytes of the log; none at its end.

    Attributes:
        base: `hex` or `dec`; known once `begin` was called.
        start_ns: date that stamps count from, nanoseconds since 1970; None if the log has none. Read as UTC.
        damage: what could not be read so far.
        line: the event handed out last.
        number: the number of its line.
    """

    def __init__(self, read: Callable[[], bytes]) -> None:
        self.base, self.line, self.number = "hex", "", 0
        self.start_ns: int | None = None
        self.damage = Damage()
        self._lines = self._events(_lines(read))
        self._relative = self._known = self._begun = self._ended = False
        self._now = 0.0
        self._again = True
        self._first: str | None = None

    def begin(self) -> None:
        """Read up to the first event."""
        self._first = next(self._lines, None)

    def again(self) -> None:
        """The next line is the header again: a reader begins anew, behind the event handed out last."""
        self._again = True

    def __iter__(self) -> AscLines:
        return self

    def __next__(self) -> str:
        if self._again:
            self._again = False
            return _HEADER
        if self._first is not None:
            self.line, self._first = self._first, None
        else:
            self.line = next(self._lines)
        return self.line

    def close(self) -> None:
        """Nothing: whoever reads the bytes closes them."""

    def broken(self) -> None:
        """The event handed out last can't be read."""
        self.damage.skip(f"line {self.number}")

    def _events(self, lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            self.number += 1
            if not line.endswith("\n") and line.strip():
                self._cut(line)
            elif event := _EVENT.fullmatch(line.strip()):
                self._known = True
                yield from self._event(event[1], event[2])
            elif line.strip():
                self._said(line.strip())
        if self._begun and not self._ended and not self.damage.ending:
            self.damage.ending = "has no 'End TriggerBlock', so the last frames may be missing"

    def _cut(self, line: str) -> None:
        """The last line has no end: a frame in it may look whole and be shorter than it was."""
        if line.strip().lower().startswith("end triggerblock"):
            self._ended = True
        else:
            self.damage.ending = f"breaks off in line {self.number}, which was left out"

    def _said(self, line: str) -> None:
        if date := _DATE.match(line):
            self.start_ns = _date_ns(date) if self.start_ns is None or not self._begun else self.start_ns
        if base := _BASE.match(line):
            self.base = base[1].lower()
            self._relative = (base[2] or "").lower() == "relative"
        self._known = self._known or bool(date or base or line.startswith("//"))
        if not self._known:
            self.damage.skip(f"line {self.number}")
        self._begun = self._begun or line.lower().startswith("begin triggerblock")
        self._ended = self._ended or line.lower().startswith("end triggerblock")

    def _event(self, stamp: str, rest: str) -> Iterator[str]:
        if self._relative:
            self._now += float(stamp)
            stamp = f"{self._now:.9f}"
        if _FRAME.match(rest) and not _REQUEST.match(rest):
            yield f"{stamp}{rest}\n"


def _lines(read: Callable[[], bytes]) -> Iterator[str]:
    """The lines with their ends. Only dates have other letters than ASCII."""
    rest = b""
    while data := read():
        *lines, rest = (rest + data).split(b"\n")
        yield from (_text(line) + "\n" for line in lines)
        if len(rest) > 1 << 20:
            rest = rest[: 1 << 20]  # no line of a log is so long
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def _date_ns(found: re.Match[str]) -> int | None:
    month = _MONTHS.get(found["month"].lower()[:3])
    hour = int(found["h"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower() == "pm" else 0)
    try:
        date = datetime(
            int(found["year"]), month or 0, int(found["day"]), hour, int(found["min"]), int(found["s"]), tzinfo=UTC
        )
    except ValueError:
        return None
    return int(date.timestamp()) * 1_000_000_000 + int((found["fraction"] or "").ljust(9, "0"))


def fd_bits(line: str) -> int | None:
    """The field `Flags` of a CAN FD event: bit 4 remote, bit 12 CAN FD, 13 bit-rate switch, 14 error state.

    None where the event hasn't got one.
    """
    words = line.split()
    try:
        switch = 5 if words[5].isdigit() else 6  # a name may stand before
        return int(words[switch + 6 + int(words[switch + 3])], 16)
    except (IndexError, ValueError):
        return None


__all__ = ["AscLines", "fd_bits"]
