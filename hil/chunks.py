"""A small MCAP writer for many small messages: a message costs one `struct` call and one append.

Rules of this module: messages are packed as MCAP records into one bytearray a chunk, their index into one flat list a
channel; all the rest goes through the record classes of the mcap library. The caller says when a chunk ends (`flush`)
and calls from one thread at a time. Only whole records reach the file, in one write. A write that fails loses what it
carried, but for what the caller has safe elsewhere, and is undone up to the last whole record; later ones go on from
there, with schemas and channels said again, so that the file stays readable and has room for the reason why it has a
hole. It knows no clock and no CAN.

Not for: reading (the mcap library does), files without chunks.
"""

from __future__ import annotations

import contextlib
import errno
import io
import struct
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

import zstandard
from mcap.data_stream import ReadDataStream, RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Attachment,
    AttachmentIndex,
    Channel,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)
from mcap.writer import MCAP0_MAGIC

LEVEL: Final = 1
"""zstd's level. On the default bench's traffic 3 takes a sixth more time than 1 and comes out no smaller."""
MESSAGE: Final = int(Opcode.MESSAGE)
HEAD: Final = "<BQHIQQ"
"""Layout of a message record before its data: `MESSAGE`, `HEAD_BYTES` + length of the data, the lane's id, a sequence
number (0 where there is none), log time and publish time in ns (MCAP 0, section "Message")."""
HEAD_BYTES: Final = 22

pack_head: Final = struct.Struct(HEAD).pack
_pack_index_head: Final = struct.Struct("<BQHI").pack
_CHUNK, _CHUNK_INDEX = int(Opcode.CHUNK), int(Opcode.CHUNK_INDEX)
_COMPRESSION: Final = (4, b"zstd")
_pack_chunk: Final = struct.Struct("<BQQQQII4sQ").pack
"""A Chunk record up to its data: times of the first and last message, size and CRC of the messages, compression, size.
The library's classes take a third of what a small chunk costs, and a check ends one."""
_CHUNK_BYTES: Final = 44
_pack_chunk_index: Final = struct.Struct("<BQQQQQI").pack
_pack_offset: Final = struct.Struct("<HQ").pack
_pack_chunk_index_end: Final = struct.Struct("<QI4sQQ").pack
_CHUNK_INDEX_BYTES: Final = 68
"""A ChunkIndex record: its head, where each lane's message index begins, its end."""
_footer_start: Final = struct.Struct("<BQQQ").pack
_FOOTER_BYTES: Final = 8 + 8 + 4


class RawFile(Protocol):
    """What is needed of a file: unbuffered, opened to write bytes, and empty."""

    def write(self, data: memoryview, /) -> int | None:
        """Write some or all of the bytes; how many."""

    def seek(self, offset: int, /) -> int:
        """Go to an offset from the beginning."""

    def truncate(self) -> int:
        """Cut the file off where it stands."""


class Lane:
    """A channel, and the index of its messages in the open chunk: time, offset, time, offset, ..."""

    __slots__ = ("id", "index")

    def __init__(self, id_: int) -> None:
        self.id = id_
        self.index: list[int] = []


def pack_message(lane: Lane, t_ns: int, data: bytes) -> bytes:
    """The record of a message for `ChunkWriter.add`. Where calls are many, pack `HEAD` and data in one call instead."""
    return pack_head(MESSAGE, HEAD_BYTES + len(data), lane.id, 0, t_ns, t_ns) + data


class ChunkWriter:
    """Writes one MCAP file with zstd chunks, indexes and statistics.

    All methods that write raise OSError; see the module's rules for what stands in the file then.

    Args:
        file: where to write; it is not closed.
        library: name of the writer for the header.
        level: zstd's level, 1 (fast) to 22.

    Attributes:
        position: where the open chunk is going to begin in the file.
        chunk: the open chunk; whoever adds a record without `add` says so in the index of its lane, as `add` does.
    """

    def __init__(self, file: RawFile, *, library: str, level: int = LEVEL) -> None:
        self.chunk = bytearray()
        self._file = file
        self._compress = zstandard.ZstdCompressor(level=level).compress
        self._unwritten = MCAP0_MAGIC + _packed(Header(profile="", library=library))
        self.position = self._begin = len(self._unwritten)
        self._schemas: list[bytes] = []
        self._channels: list[bytes] = []
        self._lanes: list[Lane] = []
        self._chunk_indexes, self._attachment_indexes, self._metadata_indexes = bytearray(), bytearray(), bytearray()
        self._statistics = Statistics(0, 0, {}, 0, 0, 0, 0, 0, 0)

    def schema(self, name: str, encoding: str, data: bytes) -> int:
        """Register a schema; returns its id for `lane`."""
        self._schemas.append(_packed(Schema(id=len(self._schemas) + 1, name=name, encoding=encoding, data=data)))
        self.chunk += self._schemas[-1]
        return len(self._schemas)

    def lane(self, topic: str, encoding: str, schema_id: int) -> Lane:
        """Register a channel of messages in `encoding`."""
        lane = Lane(len(self._lanes) + 1)
        channel = Channel(id=lane.id, topic=topic, message_encoding=encoding, metadata={}, schema_id=schema_id)
        self._channels.append(_packed(channel))
        self._lanes.append(lane)
        self.chunk += self._channels[-1]
        return lane

    def add(self, lane: Lane, t_ns: int, record: bytes) -> None:
        """Add a message record (see `pack_message` and `HEAD`) to the open chunk. `t_ns` is its log time."""
        chunk = self.chunk
        offset = len(chunk)
        chunk += record
        lane.index.extend((t_ns, offset))

    def attach(self, name: str, media_type: str, data: bytes) -> None:
        """Write an attachment, in front of the open chunk."""
        record = _packed(Attachment(create_time=0, log_time=0, name=name, media_type=media_type, data=data))
        offset = self._put(record)
        index = AttachmentIndex(
            offset=offset, length=len(record), log_time=0, create_time=0, data_size=len(data), name=name,
            media_type=media_type,
        )  # fmt: skip
        self._attachment_indexes += _packed(index)
        self._statistics.attachment_count += 1

    def metadata(self, name: str, entries: Mapping[str, str]) -> None:
        """Write key-value facts, in front of the open chunk."""
        record = _packed(Metadata(name=name, metadata=dict(entries)))
        offset = self._put(record)
        self._metadata_indexes += _packed(MetadataIndex(offset=offset, length=len(record), name=name))
        self._statistics.metadata_count += 1

    @property
    def is_started(self) -> bool:
        """Whether the file has begun."""
        return not self._unwritten

    def start(self) -> None:
        """Have the file begin, so that what is at `position` goes on from there."""
        self._put(b"")

    def flush(self, *, safe: int = 0) -> None:
        """End the chunk, if it holds a message, and hand it to the operating system.

        Args:
            safe: so many bytes of it lie elsewhere too: a write that fails doesn't lose them, they stay in the chunk.
        """
        lanes = [lane for lane in self._lanes if lane.index]
        if not lanes:
            self._put(b"")
            return
        lanes.sort(key=_first_offset)
        lost = True
        try:
            self._put_chunk(lanes)
            lost = False
        finally:
            if lost:
                self._lose(lanes, safe)
            else:
                self._begin_chunk(lanes)

    @property
    def lanes(self) -> list[Lane]:
        """Every channel, in the order of their numbers."""
        return self._lanes

    def take_over(self, other: ChunkWriter, data: bytes) -> None:
        """Write the chunks of another writer, and know its schemas and channels from here on as this one's own.

        Args:
            other: holds chunks only, all of them flushed.
            data: its file.

        Raises:
            ValueError: the two are not of one kind: this one's schemas and channels are not the first of the other.
        """
        schemas, channels = len(self._schemas), len(self._channels)
        if self._schemas != other._schemas[:schemas] or self._channels != other._channels[:channels]:
            raise ValueError("the other's schemas and channels don't go on from these")
        self.flush()
        self._schemas, self._channels = list(other._schemas), list(other._channels)
        self._lanes += [Lane(lane.id) for lane in other._lanes[channels:]]
        self.chunk[:] = b"".join(self._schemas + self._channels)  # said again if the others can't be written
        shift = self._put(data[other._begin :]) - other._begin
        self.chunk.clear()
        self._chunk_indexes += _shifted(other._chunk_indexes, shift)
        if other._statistics.chunk_count:
            self._count_in(other._statistics)

    def finish(self) -> None:
        """End the chunk, write the summary and the footer. Nothing may be written afterwards."""
        self.flush()
        data_end = _packed(DataEnd(0))
        start = self.position + len(data_end)
        summary, offsets = self._summary(start)
        offsets_start = start + len(summary)
        body = summary + offsets
        crc = zlib.crc32(_footer_start(int(Opcode.FOOTER), _FOOTER_BYTES, start, offsets_start), zlib.crc32(body))
        footer = Footer(summary_start=start, summary_offset_start=offsets_start, summary_crc=crc)
        self._put(data_end + body + _packed(footer) + MCAP0_MAGIC)

    def _begin_chunk(self, lanes: list[Lane]) -> None:
        for lane in lanes:
            lane.index.clear()
        self.chunk.clear()

    def _lose(self, lanes: list[Lane], safe: int) -> None:
        """What isn't safe is gone; its schemas and channels are said again."""
        for lane in lanes:
            del lane.index[2 * bisect_left(lane.index[1::2], safe) :]
        del self.chunk[safe:]
        self.chunk += b"".join(self._schemas + self._channels)

    def _put_chunk(self, lanes: list[Lane]) -> None:
        stamps = [lane.index[::2] for lane in lanes]
        start_ns, end_ns = min(map(min, stamps)), max(map(max, stamps))
        chunk, data = self.chunk, self._compress(self.chunk)
        size, packed_size = len(chunk), len(data)
        head = _pack_chunk(
            _CHUNK, _CHUNK_BYTES + packed_size, start_ns, end_ns, size, zlib.crc32(chunk), *_COMPRESSION, packed_size
        )
        record_size = len(head) + packed_size
        indexes = [_message_index(lane) for lane in lanes]
        begin = self._put(b"".join((head, data, *indexes)))
        offset = index_begin = begin + record_size
        offsets = b""
        for lane, index in zip(lanes, indexes, strict=True):
            offsets += _pack_offset(lane.id, offset)
            offset += len(index)
        self._chunk_indexes += _pack_chunk_index(
            _CHUNK_INDEX, _CHUNK_INDEX_BYTES + len(offsets), start_ns, end_ns, begin, record_size, len(offsets)
        )
        self._chunk_indexes += offsets
        self._chunk_indexes += _pack_chunk_index_end(offset - index_begin, *_COMPRESSION, packed_size, size)
        self._count(lanes, start_ns, end_ns)

    def _count(self, lanes: list[Lane], start_ns: int, end_ns: int) -> None:
        total = self._statistics
        total.message_start_time = min(total.message_start_time, start_ns) if total.chunk_count else start_ns
        total.message_end_time = max(total.message_end_time, end_ns)
        total.chunk_count += 1
        counts = total.channel_message_counts
        for lane in lanes:
            count = len(lane.index) // 2
            total.message_count += count
            counts[lane.id] = counts.get(lane.id, 0) + count

    def _count_in(self, more: Statistics) -> None:
        total, counts = self._statistics, self._statistics.channel_message_counts
        first_ns = more.message_start_time
        total.message_start_time = min(total.message_start_time, first_ns) if total.chunk_count else first_ns
        total.message_end_time = max(total.message_end_time, more.message_end_time)
        total.chunk_count += more.chunk_count
        total.message_count += more.message_count
        for channel, count in more.channel_message_counts.items():
            counts[channel] = counts.get(channel, 0) + count

    def _put(self, data: bytes) -> int:
        """Write whole records; where they begin in the file."""
        begin = self.position
        try:
            _write_all(self._file, self._unwritten + data)
            self._unwritten, self.position = b"", begin + len(data)
        except BaseException:  # an interrupt, too, leaves half a record
            with contextlib.suppress(OSError):
                self._file.seek(begin - len(self._unwritten))
                self._file.truncate()
            raise
        return begin

    def _summary(self, start: int) -> tuple[bytes, bytes]:
        """The groups of the summary, which begins at `start`, and the records that say where each begins."""
        summary, offsets = b"", b""
        self._statistics.schema_count, self._statistics.channel_count = len(self._schemas), len(self._channels)
        groups: dict[Opcode, bytes | bytearray] = {
            Opcode.SCHEMA: b"".join(self._schemas),
            Opcode.CHANNEL: b"".join(self._channels),
            Opcode.STATISTICS: _packed(self._statistics),
            Opcode.CHUNK_INDEX: self._chunk_indexes,
            Opcode.ATTACHMENT_INDEX: self._attachment_indexes,
            Opcode.METADATA_INDEX: self._metadata_indexes,
        }
        for opcode, group in groups.items():
            if group:
                offsets += _packed(SummaryOffset(opcode, start + len(summary), len(group)))
                summary += group
        return summary, offsets


def _packed(record: McapRecord) -> bytes:
    builder: Any = RecordBuilder()
    record.write(builder)
    packed: bytes = builder.end()
    return packed


def _first_offset(lane: Lane) -> int:
    return lane.index[1]


def _shifted(indexes: bytearray, by: int) -> bytes:
    """The indexes of chunks that stand so much further on."""
    stream, shifted = ReadDataStream(io.BytesIO(indexes)), b""
    while stream.count < len(indexes):
        assert stream.read1() == Opcode.CHUNK_INDEX
        stream.read8()
        index = ChunkIndex.read(stream)
        offsets = {channel: offset + by for channel, offset in index.message_index_offsets.items()}
        moved = replace(index, chunk_start_offset=index.chunk_start_offset + by, message_index_offsets=offsets)
        shifted += _packed(moved)
    return shifted


def _message_index(lane: Lane) -> bytes:
    """A MessageIndex record; the library's takes half a microsecond for each message."""
    entries = array("Q", lane.index)
    if sys.byteorder == "big":
        entries.byteswap()
    size = 8 * len(entries)
    return _pack_index_head(int(Opcode.MESSAGE_INDEX), 2 + 4 + size, lane.id, size) + entries.tobytes()


def _write_all(file: RawFile, data: bytes) -> None:
    """A disk that is nearly full takes a part, and says what is wrong at the next call."""
    rest = memoryview(data)
    while rest:
        written = file.write(rest)
        if not written:
            raise OSError(errno.EIO, "the file takes nothing more")
        rest = rest[written:]
