"""Binary logs of Vector tools (BLF), from bytes to columns.

Rules of this module: pure; bytes are fed in pieces of any size. A BLF file is a header and containers; unpacked and put
one behind the other, these hold objects, of which those with CAN frames are read, all of one kind at once by numpy. An
object may go over from one container to the next.

What is whole is read wherever the damage is: of a container in which the file ends, the objects before the end; behind
damage, everything from the next container on. A container whose checksum is wrong is left out, because nobody can say
which of its frames are right.

The format is not published. Layouts: python-can `can/io/blf.py`; the kinds 2 and 104, which it doesn't know, after the
names and fields of Vector's `binlog_objects.h`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT
from hil.can.log_frames import CLASSIC_BYTES, FD_BYTES, Array, Damage, Frames, channel_number
from hil.errors import UsageError

_FILE_MARK: Final = b"LOGG"
_MARK: Final = b"LOBJ"
_FILE_HEADER: Final = struct.Struct("<4sL8xQ16x8H")
"""Mark, size of the header, size of the file, start of the measurement."""
_HEADER_BYTES: Final = (72, 4096)
_BASE: Final = struct.Struct("<4sHHLL")
"""Mark, size of the object's header, its version, size and kind of the object."""
_CONTAINER: Final = 10
_CONTAINER_HEADER: Final = 32
_STORED, _DEFLATED = 0, 2
_MOST_BYTES: Final = 32 << 20
"""Nothing in a log is longer; what says so is damaged."""
_GAP: Final = 8
"""Within so many bytes behind an object the next one begins (padding: its size modulo 4, or to a multiple of 4)."""
_AT_ONCE: Final = 1 << 19
"""So many unpacked bytes are read together."""
_TEN_MICROSECONDS: Final = 1
_LATEST_NS: Final = 1 << 62


class BlfParser:
    """Makes blocks of frames of the bytes of a log. Stamps are nanoseconds since the start of the measurement.

    Attributes:
        channels: numbers of the channels met so far, as text.
        damage: what could not be read so far.
        start_ns: start of the measurement, nanoseconds since 1970; None if the file doesn't say.
    """

    def __init__(self) -> None:
        self.channels: list[str] = []
        self.damage = Damage()
        self.start_ns: int | None = None
        self._raw = bytearray()
        self._offset = self._header = self._stated = 0
        self._objects = _Objects(self.channels, self.damage)

    def feed(self, data: bytes) -> Iterator[Frames]:
        """The frames of the containers that are whole by now.

        Raises:
            UsageError: it is no BLF log.
        """
        self._raw += data
        if self._header or self._file_header():
            yield from self._read(final=False)

    def finish(self) -> Iterator[Frames]:
        """The frames of what is left; the damage says whether the file ended early."""
        if self._header:
            yield from self._read(final=True)
            self.damage.ending = self.damage.ending or self._early()
        else:
            self.damage.ending = "ends within its header"

    def _read(self, *, final: bool) -> Iterator[Frames]:
        for content in self._containers(final=final):
            self._objects.add(content)
            yield from self._objects.taken(at_least=_AT_ONCE)
        yield from self._objects.taken()

    def _early(self) -> str:
        size = self._offset + len(self._raw)
        if bytes(self._raw).strip(b"\0") or self._objects.unfinished:
            return "ends in the middle of an object"
        if self._stated > size:
            return f"has only {size} of the {self._stated} bytes that its header names"
        if self._stated == self._header < size:
            return "was never closed by its writer, so the last frames may be missing"
        return ""

    def _file_header(self) -> bool:
        if not self._raw.startswith(_FILE_MARK[: len(self._raw)]):
            raise UsageError("is no BLF log: it doesn't begin with LOGG", remedy="name it after what it is.")
        if len(self._raw) < _HEADER_BYTES[0]:
            return False
        _, size, stated, *start = _FILE_HEADER.unpack_from(self._raw)
        size = min(max(size, _HEADER_BYTES[0]), _HEADER_BYTES[1])
        if len(self._raw) < size:
            return False
        self._header, self._stated, self.start_ns = size, stated, _epoch_ns(*start)
        self._drop(size)
        return True

    def _drop(self, size: int) -> None:
        size = min(size, len(self._raw))
        del self._raw[:size]
        self._offset += size

    def _containers(self, *, final: bool) -> Iterator[bytes]:
        """What the next containers hold."""
        while self._at_object():
            _, header, _, size, kind = _BASE.unpack_from(self._raw)
            if not _BASE.size <= header <= size <= _MOST_BYTES:
                self._leave_out()
            elif len(self._raw) < size and not final:
                return
            elif kind == _CONTAINER:
                yield self._unpacked(size)
            else:
                self._drop_whole(size, "an object")

    def _at_object(self) -> bool:
        """Go to where the next object begins; whether enough of it is there to say what it is."""
        found = self._raw.find(_MARK)
        if found > _GAP or (found < 0 and len(self._raw) > _GAP + len(_MARK)):
            if self._raw[: max(found, 0) or None].strip(b"\0"):
                self._objects.interrupted(f"byte {self._offset}")
            self._drop(found if found >= 0 else len(self._raw) - len(_MARK) + 1)
        else:
            self._drop(max(found, 0))
        return found >= 0 and len(self._raw) >= _BASE.size

    def _leave_out(self) -> bytes:
        """What begins here is damaged: go on behind its mark."""
        self._objects.interrupted(f"byte {self._offset}")
        self._drop(len(_MARK))
        return b""

    def _drop_whole(self, size: int, what: str) -> None:
        if size > len(self._raw):
            self.damage.ending = f"ends in the middle of {what}"
        self._drop(size)

    def _unpacked(self, size: int) -> bytes:
        """The content of the container at hand; empty if it is damaged."""
        packed = bytes(self._raw[_CONTAINER_HEADER:size])
        method = int.from_bytes(self._raw[_BASE.size : _BASE.size + 2], "little")
        if method == _STORED:
            self._drop_whole(size, "a container")
            return packed
        unpack = zlib.decompressobj()
        data = _inflated(unpack, packed) if method == _DEFLATED else None
        if data is None or (not unpack.eof and size <= len(self._raw)):
            return self._leave_out()
        if unpack.unused_data:  # its size is wrong: what follows is behind what was used
            size = _CONTAINER_HEADER + len(packed) - len(unpack.unused_data)
        self._drop_whole(size, "a container")
        return data


def _inflated(unpack: Any, packed: bytes) -> bytes | None:
    """What can be unpacked; None if it is damaged."""
    try:
        return bytes(unpack.decompress(packed, _MOST_BYTES))
    except zlib.error:
        return None


def _epoch_ns(year: int, month: int, _: int, day: int, hour: int, minute: int, second: int, ms: int) -> int | None:
    """A SYSTEMTIME of Windows, read as UTC."""
    try:
        date = datetime(year, month, day, hour, minute, second, ms * 1000, tzinfo=UTC)
    except ValueError:
        return None
    return round(date.timestamp() * 1000) * 1_000_000


# ---- objects


def _layout(itemsize: int, /, **fields: tuple[str, int]) -> np.dtype[Any]:
    kinds, offsets = [kind for kind, _ in fields.values()], [offset for _, offset in fields.values()]
    return np.dtype({"names": list(fields), "formats": kinds, "offsets": offsets, "itemsize": itemsize})


_HEAD: Final = _layout(32, version=("<u2", 6), size=("<u4", 8), kind=("<u4", 12), unit=("<u4", 16), stamp=("<u8", 24))
_ID_AT_4: Final = {"channel": ("<u2", 0), "flags": ("u1", 2), "dlc": ("u1", 3), "id": ("<u4", 4)}
_CLASSIC: Final = _layout(16, **_ID_AT_4, data=("(8,)u1", 8))
_WIDE: Final = _layout(84, **_ID_AT_4, fd=("u1", 13), valid=("u1", 14), data=("(64,)u1", 20))
_WIDE64: Final = _layout(
    104, channel=("u1", 0), dlc=("u1", 1), valid=("u1", 2), id=("<u4", 4), flags=("<u4", 12), sent=("u1", 34),
    extra=("u1", 35), data=("(64,)u1", 40),
)  # fmt: skip
_ERROR_EXT: Final = _layout(32, channel=("<u2", 0), dlc=("u1", 10), id=("<u4", 16), data=("(8,)u1", 24))
_ERROR: Final = _layout(4, channel=("<u2", 0))
_ERROR64: Final = _layout(16, channel=("u1", 0), id=("<u4", 12))
_WIDE64_HEADER: Final = 40
_LAYOUTS: Final = {1: _CLASSIC, 2: _ERROR, 73: _ERROR_EXT, 86: _CLASSIC, 100: _WIDE, 101: _WIDE64, 104: _ERROR64}
"""Kind of an object with a frame -> what stands behind its header."""
_LEAST: Final = np.full(256, 16, np.uint32)
_LEAST[list(_LAYOUTS)] = [
    32 + (_WIDE64_HEADER if kind == 101 else layout.itemsize) for kind, layout in _LAYOUTS.items()
]
_MOST: Final = np.full(256, _MOST_BYTES, np.uint32)
_MOST[list(_LAYOUTS)] = [40 + layout.itemsize + 64 for layout in _LAYOUTS.values()]
"""The least and the most bytes of an object by its kind; newer versions may have a little more behind."""
_LENGTHS: Final = np.array([*range(9), 12, 16, 20, 24, 32, 48, 64], np.uint8)
_EXTENDED_BIT: Final = 0x8000_0000


class _Objects:
    """Takes the contents of containers, gives the frames of the objects that are whole."""

    def __init__(self, channels: list[str], damage: Damage) -> None:
        self._channels, self._damage = channels, damage
        self._rest = b""
        self._waiting: list[bytes] = []
        self._done: list[Frames] = []
        self._resume = False
        self._read = 0

    @property
    def unfinished(self) -> bool:
        """Whether an object has begun that isn't whole."""
        return bool(self._rest.strip(b"\0"))

    def interrupted(self, where: str) -> None:
        """Something is missing between what came before and what comes next."""
        self._work()
        if not self._resume:
            self._damage.skip(where)
        self._rest, self._resume = b"", True

    def add(self, content: bytes) -> None:
        """Take the content of the next container."""
        self._waiting.append(content)

    def taken(self, *, at_least: int = 0) -> list[Frames]:
        """The frames that are whole by now; contents are read together, once there are so many bytes of them."""
        if sum(map(len, self._waiting)) >= at_least:
            self._work()
        done, self._done = self._done, []
        return done

    def _work(self) -> None:
        """Read the objects of what waits."""
        if not self._waiting:
            return
        data = b"".join((self._rest, *self._waiting))
        self._waiting = []
        places, end = self._places(data)
        self._rest = data[end:] if len(data) - end <= _MOST_BYTES else b""
        self._resume = self._resume and not len(places)
        self._read += len(places)
        self._done.append(_frames(data, places, self._channels))

    def _places(self, data: bytes) -> tuple[Array, int]:
        """Where the whole objects begin, and where what is left begins."""
        text = np.frombuffer(data + bytes(_HEAD.itemsize), np.uint8)
        marks = (text[:-3] == _MARK[0]) & (text[1:-2] == _MARK[1]) & (text[2:-1] == _MARK[2]) & (text[3:] == _MARK[3])
        places = np.flatnonzero(marks)
        places = places[places <= len(data) - _BASE.size]
        heads = _at(text, places, _HEAD)
        ends = places + heads["size"]
        kinds = np.minimum(heads["kind"], 255)
        possible = (heads["size"] >= _LEAST[kinds]) & (heads["size"] <= _MOST[kinds])
        gaps = places - np.concatenate(([0], ends[:-1]))
        if possible.all() and ((gaps >= 0) & (gaps <= _GAP))[int(self._resume) :].all():
            return _whole(places, ends, len(data))
        return self._walk(places[possible], ends[possible], len(data))

    def _walk(self, places: Array, ends: Array, size: int) -> tuple[Array, int]:
        """Object by object, where one doesn't follow the other: a mark may be payload, an object damaged."""
        chosen: list[int] = []
        expected = 0
        for index, (place, end) in enumerate(zip(places.tolist(), ends.tolist(), strict=True)):
            if place < expected:
                continue
            if place > expected + _GAP and not (self._resume and not chosen):
                self._damage.skip(f"behind object {self._read + len(chosen)}")
            chosen.append(index)
            expected = end
        return _whole(places[chosen], ends[chosen], size)


def _whole(places: Array, ends: Array, size: int) -> tuple[Array, int]:
    if not len(places):
        return places, 0
    if ends[-1] > size:
        return places[:-1], int(places[-1])
    return places, int(ends[-1])


def _at(text: Array, places: Array, layout: np.dtype[Any]) -> Array:
    """The records of one layout at some places."""
    windows = np.lib.stride_tricks.sliding_window_view(text, layout.itemsize)
    return np.ascontiguousarray(windows[places]).view(layout).reshape(-1)


def _frames(data: bytes, places: Array, channels: list[str]) -> Frames:
    """The frames among the objects at some places."""
    text = np.frombuffer(data + bytes(40 + _WIDE64.itemsize), np.uint8)
    heads = _at(text, places, _HEAD)
    factor = np.where(heads["unit"] == _TEN_MICROSECONDS, np.uint64(10_000), np.uint64(1))
    known = np.isin(heads["kind"], list(_LAYOUTS)) & np.isin(heads["version"], (1, 2))
    known &= heads["stamp"] <= _LATEST_NS // factor
    places, heads, t_ns = places[known], heads[known], (heads["stamp"] * factor)[known].astype(np.int64)
    columns = _Columns(len(places))
    bodies = places + np.where(heads["version"] == 2, 40, 32)
    for kind in np.unique(heads["kind"]).tolist():
        rows = np.flatnonzero(heads["kind"] == kind)
        columns.fill(kind, rows, _at(text, bodies[rows], _LAYOUTS[kind]), heads["size"][rows], (bodies - places)[rows])
    return columns.frames(t_ns, channels)


class _Columns:
    """The columns of a block, filled kind by kind."""

    def __init__(self, count: int) -> None:
        self._channel = np.zeros(count, np.uint16)
        self._id = np.zeros(count, np.uint32)
        self._flags = np.zeros(count, np.uint8)
        self._length = np.zeros(count, np.uint8)
        self._data = np.zeros((count, CLASSIC_BYTES), np.uint8)

    def fill(self, kind: int, rows: Array, bodies: Array, sizes: Array, headers: Array) -> None:
        """Read the objects of one kind; `sizes` are those of the objects, `headers` of their headers."""
        self._channel[rows] = bodies["channel"]
        if "id" in (bodies.dtype.names or ()):
            self._id[rows] = bodies["id"] & 0x1FFF_FFFF
            self._flags[rows] = _bits((bodies["id"] & _EXTENDED_BIT, EXTENDED))
        if kind in (1, 86):
            self._classic(rows, bodies)
        elif kind == 100:
            self._wide(rows, bodies)
        elif kind == 101:
            self._wide64(rows, bodies, sizes.astype(np.int64) - headers, headers)
        else:
            self._error(rows, bodies)

    def _classic(self, rows: Array, bodies: Array) -> None:
        self._flags[rows] |= _bits((bodies["flags"] & 0x80, REMOTE), (bodies["flags"] & 1, SENT))
        self._payload(rows, bodies["data"], bodies["dlc"], bodies["flags"] & 0x80)

    def _wide(self, rows: Array, bodies: Array) -> None:
        flags, fd = bodies["flags"], bodies["fd"]
        self._flags[rows] |= _bits(
            (flags & 0x80, REMOTE), (flags & 1, SENT), (fd & 1, FD), (fd & 2, BRS), (fd & 4, ESI)
        )
        self._payload(rows, bodies["data"], bodies["valid"], flags & 0x80, bodies["dlc"])

    def _wide64(self, rows: Array, bodies: Array, behind: Array, headers: Array) -> None:
        flags = bodies["flags"]
        self._flags[rows] |= _bits(
            (flags & 0x10, REMOTE), (bodies["sent"], SENT), (flags & 0x1000, FD), (flags & 0x2000, BRS),
            (flags & 0x4000, ESI),
        )  # fmt: skip
        there = np.where(bodies["extra"] > 0, bodies["extra"] - headers, behind) - _WIDE64_HEADER
        data = np.where(np.arange(FD_BYTES) < there[:, None], bodies["data"], np.uint8(0))
        self._payload(rows, data, bodies["valid"], flags & 0x10, bodies["dlc"])

    def _error(self, rows: Array, bodies: Array) -> None:
        self._flags[rows] |= ERROR
        if "data" in (bodies.dtype.names or ()):
            self._payload(rows, bodies["data"], bodies["dlc"], np.zeros(len(rows), np.uint8))

    def _payload(self, rows: Array, data: Array, length: Array, remote: Array, dlc: Array | None = None) -> None:
        """Payloads with zeros behind them; a remote frame has none, but a length that it asks for."""
        width = data.shape[1]
        asked = length if dlc is None else _LENGTHS[np.minimum(dlc, 15)]
        length = np.minimum(np.where(remote > 0, asked, length), width).astype(np.uint8)
        if width > self._data.shape[1] and length.max(initial=0) > CLASSIC_BYTES:
            self._data = np.pad(self._data, ((0, 0), (0, FD_BYTES - CLASSIC_BYTES)))
        common = min(width, self._data.shape[1])
        carried = np.where(remote > 0, np.uint8(0), length)
        self._length[rows] = length
        self._data[rows, :common] = np.where(np.arange(common) < carried[:, None], data[:, :common], np.uint8(0))

    def frames(self, t_ns: Array, channels: list[str]) -> Frames:
        """The block; channel numbers of the file become numbers into the list of channels."""
        numbers, where = np.unique(self._channel, return_inverse=True)
        places = np.array([channel_number(channels, str(number)) for number in numbers.tolist()], np.uint16)
        channel = places[where] if len(places) else self._channel
        return Frames(t_ns, channel, self._id, self._flags, self._length, self._data)


def _bits(*given: tuple[Array, int]) -> Array:
    """Flags of rows: a bit each for what is not zero."""
    flags: Array = np.zeros(len(given[0][0]), np.uint8)
    for present, bit in given:
        flags |= np.where(present > 0, np.uint8(bit), np.uint8(0))
    return flags


__all__ = ["BlfParser"]
