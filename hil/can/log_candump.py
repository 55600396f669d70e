"""Logs of `candump -L`: lines like `(1700000000.123456) can0 1A0#0011223344556677 R`, from bytes to columns.

Rules of this module: pure; bytes are fed in pieces of any size. One expression defines what a line may be. Lines of one
layout (same length, same places of the same separators) are read at once by numpy, which is some ten times as fast as
line by line; the expression finds the layouts and reads what has a rare one.

The layout is that of can-utils' `log2asc.c` and `lib.c` (`##` and a digit: CAN FD; `R`: remote; identifier with bit 29:
error frame; `_` and a digit: data length code above 8). Numbers are exact: no stamp passes through a float.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT
from hil.can.log_frames import CLASSIC_BYTES, FD_BYTES, Array, Damage, Frames, channel_number, empty

_LINE: Final = re.compile(
    rb"\((?P<s>\d{1,10})\.(?P<fraction>\d{1,9})\) +(?P<channel>\S+) +(?P<id>[0-9A-Fa-f]{1,8})#"
    rb"(?:#(?P<fd>[0-9A-Fa-f])(?P<wide>(?:[0-9A-Fa-f]{2}){0,64})"
    rb"|R(?P<asked>[0-9A-Fa-f]?)(?:_[0-9A-Fa-f])?"
    rb"|(?P<data>(?:[0-9A-Fa-f]{2}){0,8})(?:_[0-9A-Fa-f])?)"
    rb"(?: (?P<way>[RTrt]))?[ \t\r]*"
)
_ERROR_BIT: Final = 0x2000_0000
_FD_FLAGS: Final = np.array([FD | (BRS if n & 1 else 0) | (ESI if n & 2 else 0) for n in range(16)], np.uint8)
"""Flags of the digit behind `##`: CANFD_BRS 1, CANFD_ESI 2 (linux/can.h)."""
_NO_HEX: Final = 255
_HEX: Final = np.full(256, _NO_HEX, np.uint8)
_HEX[[*b"0123456789abcdef"]] = range(16)
_HEX[[*b"ABCDEF"]] = range(10, 16)
_LAYOUTS: Final = 24
"""Layouts of one line length that are tried; what has none of them is read line by line."""
_LONGEST_LINE: Final = 1024


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """Where the fields of a line lie, with the characters between them."""

    spans: dict[str, tuple[int, int]]
    channel: str
    fixed: Array
    template: Array
    sent: bool
    remote: bool


class CandumpParser:
    """Makes blocks of frames of the bytes of a log. Stamps are nanoseconds as the log has them.

    Attributes:
        channels: names of the interfaces met so far.
        damage: what could not be read so far.
    """

    def __init__(self) -> None:
        self.channels: list[str] = []
        self.damage = Damage()
        self._rest = b""
        self._lines = 0

    def feed(self, data: bytes) -> Frames:
        """The frames of the lines that are whole by now."""
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        if len(self._rest) > _LONGEST_LINE:
            self._rest = self._rest[:_LONGEST_LINE]  # it is no line of a log, whatever comes
        return self._parse(data[:end]) if end else empty()

    def finish(self) -> Frames:
        """The last line, if it is whole without its end: one that was cut may look like a shorter frame."""
        rest, self._rest = self._rest, b""
        found = _LINE.fullmatch(rest)
        if found and found["way"]:
            return self._parse(rest + b"\n")
        if rest.strip():
            self._lines += 1
            self.damage.ending = f"breaks off in line {self._lines}, which was left out"
        return empty()

    def _parse(self, data: bytes) -> Frames:
        text = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(text == ord("\n"))
        starts = np.concatenate(([0], ends[:-1] + 1))
        block = _Block(len(starts))
        lengths = ends - starts
        for length in np.unique(lengths).tolist():
            lines = np.flatnonzero(lengths == length)
            self._of_length(data, text, length, lines, starts, block)
        self._lines += len(starts)
        return block.frames()

    def _of_length(self, data: bytes, text: Array, length: int, lines: Array, starts: Array, block: _Block) -> None:
        """Read the lines of one length: layout by layout, then what is left one by one."""
        for _ in range(_LAYOUTS):
            if not len(lines):
                return
            begin = int(starts[lines[0]])
            found = _LINE.fullmatch(data, begin, begin + length)
            if found is None:
                self._broken(data[begin : begin + length], int(lines[0]))
                lines = lines[1:]
                continue
            layout = _layout(found, begin)
            fits = block.fill(layout, self._columns(text, starts[lines], length), lines, self.channels)
            lines = lines[~fits]
        for line in lines.tolist():
            self._single(data[starts[line] : starts[line] + length], line, block)

    def _columns(self, text: Array, begins: Array, length: int) -> Array:
        """The characters of lines: row k has the k-th of each."""
        return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(text, length)[begins].T)

    def _single(self, line: bytes, number: int, block: _Block) -> None:
        found = _LINE.fullmatch(line)
        if found is None:
            self._broken(line, number)
            return
        text = np.frombuffer(line, np.uint8)
        fits = block.fill(_layout(found, 0), text.reshape(-1, 1), np.array([number]), self.channels)
        if not fits[0]:
            self._broken(line, number)

    def _broken(self, line: bytes, number: int) -> None:
        if line.strip():
            self.damage.skip(f"line {self._lines + number + 1}")


def _layout(found: re.Match[bytes], begin: int) -> _Layout:
    spans = {
        name: (found.start(name) - begin, found.end(name) - begin)
        for name in found.groupdict()
        if found.start(name) >= 0
    }
    template = np.frombuffer(found[0], np.uint8)
    fixed = np.ones(len(template), bool)
    for name in ("s", "fraction", "id", "fd", "wide", "asked", "data"):
        start, end = spans.get(name, (0, 0))
        fixed[start:end] = False
    remote = not spans.keys() & {"wide", "data"}
    channel = found["channel"].decode("utf-8", "replace")
    return _Layout(spans, channel, np.flatnonzero(fixed), template, (found["way"] or b"R") in b"Tt", remote)


class _Block:
    """The columns of the lines of one piece, filled layout by layout."""

    def __init__(self, lines: int) -> None:
        self._good = np.zeros(lines, bool)
        self._t_ns = np.zeros(lines, np.int64)
        self._channel = np.zeros(lines, np.uint16)
        self._id = np.zeros(lines, np.uint32)
        self._flags = np.zeros(lines, np.uint8)
        self._length = np.zeros(lines, np.uint8)
        self._data = np.zeros((lines, CLASSIC_BYTES), np.uint8)

    def fill(self, layout: _Layout, columns: Array, lines: Array, channels: list[str]) -> Array:
        """Read the lines that have a layout; returns which have."""
        digits, nibbles = columns - np.uint8(ord("0")), _HEX[columns]
        can_id = _number(nibbles[slice(*layout.spans["id"])], 16)
        extended = layout.spans["id"][1] - layout.spans["id"][0] > 3
        fits = _fitting(layout, columns, digits, nibbles) & (extended | (can_id <= 0x7FF))
        chosen, rows = np.flatnonzero(fits), lines[fits]
        self._good[rows] = True
        self._t_ns[rows] = _stamp(digits, layout)[chosen]
        self._channel[rows] = channel_number(channels, layout.channel)
        self._id[rows] = can_id[chosen] & 0x1FFF_FFFF
        self._flags[rows] = _flags(layout, nibbles, can_id, extended)[chosen]
        self._payload(layout, nibbles, chosen, rows)
        return fits

    def _payload(self, layout: _Layout, nibbles: Array, chosen: Array, rows: Array) -> None:
        if layout.remote:
            start, end = layout.spans["asked"]
            self._length[rows] = np.minimum(nibbles[start][chosen], CLASSIC_BYTES) if end > start else 0
            return
        start, end = layout.spans["wide" if "fd" in layout.spans else "data"]
        size = (end - start) // 2
        if size > self._data.shape[1]:
            self._data = np.pad(self._data, ((0, 0), (0, FD_BYTES - CLASSIC_BYTES)))
        self._length[rows] = size
        pairs = nibbles[start:end, chosen]
        self._data[rows, :size] = (pairs[::2] << 4 | pairs[1::2]).T

    def frames(self) -> Frames:
        """The lines that could be read."""
        columns = (self._t_ns, self._channel, self._id, self._flags, self._length, self._data)
        block = Frames(*columns)
        return block if self._good.all() else block.pick(self._good)


def _fitting(layout: _Layout, columns: Array, digits: Array, nibbles: Array) -> Array:
    """Which lines have the characters of a layout, and digits where it has digits."""
    fits: Array = (columns[layout.fixed] == layout.template[layout.fixed, None]).all(axis=0)
    for name in ("s", "fraction"):
        fits &= (digits[slice(*layout.spans[name])] <= 9).all(axis=0)
    for name in layout.spans.keys() & {"id", "fd", "wide", "asked", "data"}:
        fits &= (nibbles[slice(*layout.spans[name])] != _NO_HEX).all(axis=0)
    return fits


def _number(digits: Iterable[Array], base: int) -> Array:
    value: Array | int = 0
    for digit in digits:
        value = value * base + digit.astype(np.int64)
    return np.asarray(value)


def _stamp(digits: Array, layout: _Layout) -> Array:
    start, end = layout.spans["fraction"]
    whole = _number(digits[slice(*layout.spans["s"])], 10)
    stamps: Array = whole * 1_000_000_000 + _number(digits[start:end], 10) * 10 ** (9 - (end - start))
    return stamps


def _flags(layout: _Layout, nibbles: Array, can_id: Array, extended: bool) -> Array:
    constant = (SENT if layout.sent else 0) | (REMOTE if layout.remote else 0)
    flags: Array = np.full(nibbles.shape[1], constant, np.uint8)
    if extended:
        flags |= np.where(can_id & _ERROR_BIT, np.uint8(ERROR), np.uint8(EXTENDED))
    if "fd" in layout.spans:
        flags |= _FD_FLAGS[nibbles[layout.spans["fd"][0]] & 15]
    return flags


__all__ = ["CandumpParser"]
