"""The journal: everything that happened in one case, in order, on one timebase. All evidence derives from it.

Rules of this module: a journal is one MCAP file. CAN frames and pictures are ROS 2 messages in CDR, the rest is JSON
with a schema, so that Foxglove and the `mcap` tools read it as it is. `log_time` is bench time. Nothing that differs
between two equal runs goes in: no wall time, host, version or path (those stand in run.json). A chunk is packed and
written every 64 KiB (and at most 32 records more) and every 100 ms of wall time: that is the most that SIGKILL loses.
At every check all that has come goes into a file beside the journal (`hil.tail`) too, where readers find it. The wall
clock is read with every record; with a frame, a signal or a check only after 32 of them or 10 ms of bench time, because
reading it costs a tenth of what a frame costs. Until then they wait as they came: to encode several costs less.
After a write that failed the journal goes on: what was lost is a bench fault, and says so in it.

Not for: judging. A reader gets back what was written, also from a truncated file.
"""

from __future__ import annotations

import contextlib
import io
import json
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from operator import length_hint
from pathlib import Path
from typing import IO, Any, Final

from mcap.data_stream import ReadDataStream
from mcap.exceptions import EndOfFile, InvalidMagic, McapError
from mcap.records import Attachment, Channel, Message, Metadata
from mcap.records import Schema as McapSchema
from mcap.stream_reader import StreamReader
from zstandard import ZstdError

from hil import records
from hil.chunks import HEAD, HEAD_BYTES, MESSAGE, ChunkWriter, Lane, pack_head
from hil.clock import wall_ns
from hil.errors import BenchError, UsageError
from hil.tail import Tail, open_whole
from hil.topics import FIELDS, schema_of

CHUNK_BYTES: Final = 64 * 1024
FLUSH_NS: Final = 100_000_000
LOOK_NS: Final = 10_000_000
MOST_COME: Final = 32
"""So many records wait to be encoded at most; of frames that is 2 KiB."""
LIBRARY: Final = "cockpit-hil"


class UnwrittenError(BenchError):
    """The journal can't be written: the evidence has a hole from here on."""


class Origin(IntEnum):
    """Where the stamp of an observation came from."""

    SIM = 0
    KERNEL = 1
    HARDWARE = 2
    HOST = 3


EXTENDED, FD, BRS, ESI, REMOTE, ERROR, SENT = 1, 2, 4, 8, 16, 32, 64
"""Bits of a CAN frame's flags; `SENT` marks a frame that this bench sent itself."""

_pack_frame: Final = struct.Struct(HEAD + "IIBBxxI").pack
"""A message record and its CAN frame up to the data: encapsulation, id, flags, origin, length (CDR, see the schema)."""
_FRAME_BYTES: Final = HEAD_BYTES + 16
Frame = tuple[int, str, int | None, bytes, int, int]
"""Of a CAN frame: stamp, bus, identifier, payload, flags, origin. Of another record: stamp, topic, None, text, 0, 0."""
_CDR: Final = int.from_bytes(b"\x00\x01\x00\x00", "little")
"""The encapsulation in front of CDR data: little endian (OMG RTPS 2.3, 10.5)."""


class Journal:
    """Writes the journal of one case. May be called from the loop's thread and from the test's.

    Args:
        path: the file to make; its folder must exist. None: it is kept in memory, to be taken over by others.

    Attributes:
        lost: the first write that failed; what it held is not in the file.

    Raises:
        BenchError: the file can't be made, or a later write fails (disk full): the evidence would have a hole.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path or Path("memory")
        self._lock = threading.Lock()
        self._come: list[Frame] = []
        """What is not encoded yet. To append to it needs no lock, which would cost a look at the clock."""
        self._lanes: dict[str, Lane] = {}
        self._buses: dict[str, Lane] = {}
        self._schemas: dict[str, int] = {}
        self._file: io.FileIO | io.BytesIO | None = _open_new(path) if path is not None else io.BytesIO()
        self._writer = ChunkWriter(self._file, library=LIBRARY)
        self._tail = Tail(path) if path is not None else None
        self._flushed_ns = wall_ns()
        self._look_ns = LOOK_NS
        self.lost: UnwrittenError | None = None

    def frame(self, t_ns: int, bus: str, can_id: int, flags: int, origin: int, data: bytes) -> None:
        """A CAN frame of `bus` (see the flag bits above), stamped on the wire at `t_ns`."""
        self.take((t_ns, bus, can_id, data, flags, origin))

    def take(self, frame: Frame) -> None:
        """`frame`, of what is a `hil.can.frames.CanFrame`."""
        come = self._come
        come.append(frame)
        if frame[0] >= self._look_ns or len(come) >= MOST_COME:
            self._look(frame[0])

    def picture(self, t_ns: int, name: str, image_format: str, data: bytes) -> None:
        """A picture that a check used: `png` or `jpeg` bytes. `name` is a screen, or `screen/region`."""
        self._write(f"/screen/{name}", t_ns, _cdr_image(t_ns, image_format, data))

    def record(self, t_ns: int, kind: str, fields: Mapping[str, Any], *, name: str = "") -> None:
        """A JSON record on `/kind` or `/kind/name`.

        Raises:
            UsageError: the kind or a field is not in the schema.
        """
        known = FIELDS.get(kind)
        if known is None or not fields.keys() <= known:
            unknown = sorted(fields.keys() - (known or ()))
            raise UsageError(f"the journal has no record '{kind}' with {unknown}")
        topic = f"/{kind}/{name}" if name else f"/{kind}"
        self._write(topic, t_ns, records.text(kind, fields).encode())

    def attach(self, name: str, media_type: str, data: bytes) -> None:
        """Attach a file that the evidence needs to be read without the bench: a database, a layout."""
        with self._lock, self._bench_faults():
            if self._file is not None:
                self._end_kept()
                self._writer.attach(name, media_type, data)

    def metadata(self, name: str, entries: Mapping[str, str]) -> None:
        """Key-value facts about the whole file."""
        with self._lock, self._bench_faults():
            if self._file is not None:
                self._end_kept()
                self._writer.metadata(name, dict(sorted(entries.items())))

    def expect(self, kind: str) -> None:
        """Say that records of a kind without a name come first, as in a journal that takes this one over."""
        with self._lock:
            self._encode()
            self._lane(f"/{kind}")

    def take_over(self, other: Journal) -> None:
        """Write all that another journal, kept in memory, holds, as if it had been recorded here.

        Raises:
            ValueError: other kinds of records came first in it than here.
            BenchError: it can't be written.
        """
        other.pack()
        with self._lock, self._bench_faults():
            if self._file is None or not isinstance(other._file, io.BytesIO):
                return
            self._end_kept()
            self._writer.take_over(other._writer, other._file.getvalue())
            lanes = {lane.id: lane for lane in self._writer.lanes}
            self._lanes = {topic: lanes[lane.id] for topic, lane in other._lanes.items()}
            self._buses = {bus: lanes[lane.id] for bus, lane in other._buses.items()}
            self._schemas = dict(other._schemas)
            self._look_ns = other._look_ns

    def line(self, topic: str, t_ns: int, text: str) -> None:
        """A JSON record whose text the caller has, from `hil.records`; it looks at the wall clock as a frame does."""
        come = self._come
        come.append((t_ns, topic, None, text.encode(), 0, 0))
        if t_ns >= self._look_ns or len(come) >= MOST_COME:
            self._look(t_ns)

    def keep(self, topic: str, t_ns: int, text: str) -> None:
        """`line` and `flush`."""
        self.line(topic, t_ns, text)
        self.flush()

    def flush(self) -> None:
        """Hand all that has come to the operating system: from here on SIGKILL can't lose it."""
        with self._lock:
            tail, writer = self._tail, self._writer
            if self._file is None or tail is None:
                return
            self._encode()
            if not (tail.kept or writer.is_started):
                with self._bench_faults():
                    writer.start()
            if len(writer.chunk) >= CHUNK_BYTES or not tail.keep(writer.chunk, writer.position):
                self._flush()

    def pack(self) -> None:
        """End the chunk and write it."""
        with self._lock:
            if self._file is not None:
                self._flush()

    def close(self) -> None:
        """Write the index and close the file. More records are ignored from here on."""
        with self._lock, self._bench_faults():
            file = self._file
            if file is None:
                return
            self._encode()
            self._file = None
            try:
                with file:
                    self._end_chunk()
                    self._writer.finish()
            finally:
                if self._tail is not None:
                    self._tail.close()

    def _write(self, topic: str, t_ns: int, data: bytes) -> None:
        self._come.append((t_ns, topic, None, data, 0, 0))
        self._look(t_ns)

    def _encode(self) -> None:
        """What has come becomes records of the open chunk. Meanwhile more may come."""
        come, lanes, buses, chunk = self._come, self._lanes, self._buses, self._writer.chunk
        batch = come[:]
        rest = iter(batch)
        try:
            for t_ns, name, can_id, data, flags, origin in rest:
                size = len(data)
                if t_ns < 0:  # noqa: PLR1730  # max() is a call
                    t_ns = 0  # noqa: PLW2901
                if can_id is not None:
                    lane = buses.get(name) or self._bus(name)
                    head = _pack_frame(
                        MESSAGE, _FRAME_BYTES + size, lane.id, 0, t_ns, t_ns, _CDR, can_id, flags, origin, size
                    )
                else:
                    lane = lanes.get(name) or self._lane(name)
                    head = pack_head(MESSAGE, HEAD_BYTES + size, lane.id, 0, t_ns, t_ns)
                lane.index += t_ns, len(chunk)  # as `ChunkWriter.add` does, here without a call
                chunk += head + data
        finally:  # an interrupt must not take what was still to be encoded
            del come[: len(batch) - length_hint(rest)]

    def _look(self, t_ns: int) -> None:
        """End the chunk where it is due, and say when a frame has to look again."""
        # early by the time between two looks: the promise is kept as long as bench time keeps up with wall time
        with self._lock:
            self._look_ns = t_ns + LOOK_NS
            if self._file is None:
                self._come.clear()
                return
            self._encode()
            if len(self._writer.chunk) >= CHUNK_BYTES or wall_ns() - self._flushed_ns >= FLUSH_NS - LOOK_NS:
                self._flush()

    def _flush(self) -> None:
        self._flushed_ns = wall_ns()
        self._encode()
        with self._bench_faults():
            self._end_chunk()

    def _end_chunk(self) -> None:
        tail = self._tail
        self._writer.flush(safe=tail.kept if tail is not None else 0)
        if tail is not None:
            tail.forget()

    def _end_kept(self) -> None:
        """What stands in the tail goes into the journal before anything else does."""
        if self._tail is not None and self._tail.kept:
            self._end_chunk()

    @contextlib.contextmanager
    def _bench_faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unwritten(error) from error

    def _unwritten(self, error: OSError) -> UnwrittenError:
        what = f"the journal can't be written: {error.strerror or error}"
        mend = "free space for the results, or give another --results."
        unwritten = UnwrittenError(what, where=self.path.name, remedy=mend)
        self.lost = self.lost or unwritten
        return unwritten

    def _bus(self, bus: str) -> Lane:
        self._buses[bus] = lane = self._lane(f"/can/{bus}")
        return lane

    def _lane(self, topic: str) -> Lane:
        kind = topic.split("/")[1]
        encoding = "cdr" if kind in ("can", "screen") else "json"
        self._lanes[topic] = lane = self._writer.lane(topic, encoding, self._schema(kind))
        return lane

    def _schema(self, kind: str) -> int:
        if kind not in self._schemas:
            self._schemas[kind] = self._writer.schema(*schema_of(kind))
        return self._schemas[kind]


def _open_new(path: Path) -> io.FileIO:
    try:
        return path.open("wb", buffering=0)
    except OSError as error:
        raise UnwrittenError(
            f"can't be made: {error.strerror}", where=str(path), remedy="free space, or give another --results."
        ) from error


def _cdr_image(t_ns: int, image_format: str, data: bytes) -> bytes:
    frame_id, name = b"\0", image_format.encode() + b"\0"
    out = io.BytesIO()
    out.write(b"\x00\x01\x00\x00")
    out.write(struct.pack("<iII", t_ns // 1_000_000_000, t_ns % 1_000_000_000, len(frame_id)) + frame_id + b"\0" * 3)
    out.write(struct.pack("<I", len(name)) + name + b"\0" * (-len(name) % 4))
    out.write(struct.pack("<I", len(data)) + data)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Entry:
    """One record read back.

    Attributes:
        t_ns: bench time.
        kind: `can`, `screen`, `check`, ...
        name: bus, screen or console; empty where the kind has only one topic.
        data: a `CanRecord`, a `Picture`, or the JSON fields.
    """

    t_ns: int
    kind: str
    name: str
    data: Any


@dataclass(frozen=True, slots=True)
class CanRecord:
    """A CAN frame read back."""

    can_id: int
    flags: int
    origin: Origin
    data: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture read back: `format` is `png` or `jpeg`."""

    format: str
    data: bytes


@dataclass(slots=True)
class JournalReader:
    """Reads a journal from its beginning to its end or to where it was cut off.

    Attributes:
        path: the file.
        truncated: set once the end was reached: the file has no footer, the run died.
        attachments: files attached, by name; complete once the end was reached.
        metadata: facts about the file, likewise.
    """

    path: Path
    truncated: bool
    attachments: dict[str, bytes]
    metadata: dict[str, dict[str, str]]

    def __init__(self, path: Path) -> None:
        self.path, self.truncated, self.attachments, self.metadata = path, False, {}, {}

    def __iter__(self) -> Iterator[Entry]:
        """The entries in the order in which they were written.

        Raises:
            UsageError: the file is no MCAP file or is damaged before its end.
        """
        with open_whole(self.path) as file:
            yield from self._entries(file)

    def _entries(self, file: IO[bytes]) -> Iterator[Entry]:
        schemas: dict[int, McapSchema] = {}
        channels: dict[int, Channel] = {}
        try:
            for record in StreamReader(file, validate_crcs=True, record_size_limit=None).records:
                if isinstance(record, McapSchema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    channels[record.id] = record
                elif isinstance(record, Message):
                    yield entry_of(record.log_time, channels[record.channel_id].topic, record.data)
                else:
                    self._keep(record)
        except EndOfFile:
            self.truncated = True
        except DAMAGE as error:
            self.truncated = _is_cut(file, error)
            if not self.truncated:
                raise _damaged(error, str(self.path), file.tell()) from error

    def _keep(self, record: object) -> None:
        if isinstance(record, Attachment):
            self.attachments[record.name] = record.data
        elif isinstance(record, Metadata):
            self.metadata[record.name] = record.metadata


DAMAGE: Final = (McapError, ZstdError, ArithmeticError, LookupError, MemoryError, ValueError, struct.error)
"""What the readers of MCAP, zstd, CDR and JSON raise on bytes that are not what they should be."""


def _is_cut(file: IO[bytes], error: Exception) -> bool:
    """Whether the file ended inside a number or inside a letter."""
    return isinstance(error, struct.error | UnicodeDecodeError) and not file.read(1)


def _damaged(error: Exception, where: str, offset: int) -> UsageError:
    if isinstance(error, InvalidMagic):
        return UsageError(f"is no journal: {error}", where=where)
    reason = str(error) or type(error).__name__
    return UsageError(f"is no journal, or a damaged one: in front of byte {offset}: {reason}", where=where)


def entry_of(t_ns: int, topic: str, data: bytes) -> Entry:
    """The record that a message on a topic is; what its bytes can raise is in `DAMAGE`."""
    _, kind, *rest = topic.split("/")
    name = "/".join(rest)
    if kind == "can":
        return Entry(t_ns, kind, name, _can_record(data))
    if kind == "screen":
        return Entry(t_ns, kind, name, _picture(data))
    return Entry(t_ns, kind, name, json.loads(data))


def _can_record(data: bytes) -> CanRecord:
    can_id, flags, origin, length = struct.unpack_from("<4xIBBxxI", data)
    return CanRecord(can_id, flags, Origin(origin), data[16 : 16 + length])


def _picture(data: bytes) -> Picture:
    stream = ReadDataStream(io.BytesIO(data))
    stream.read(4 + 8 + 4 + 4)
    name = stream.read(stream.read4())
    stream.read(-len(name) % 4)
    return Picture(name.rstrip(b"\0").decode(), stream.read(stream.read4()))
