"""A journal in blocks: the CAN frames of each chunk as columns, all other records one by one.

Rules of this module: reading only, from the beginning to the end or to where the file was cut off. No Python stands in
the path of a frame but the step from one record to the next, so that the journals of a whole nightly are read in
seconds. What comes of a file is what `hil.journal.JournalReader` gives, frame by frame; a test compares the two.

Not for: journals of other writers that put messages outside of chunks (`JournalReader` takes those).
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final

import numpy as np
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Attachment, Channel, Metadata
from mcap.writer import MCAP0_MAGIC

from hil.can.log_frames import CLASSIC_BYTES, FD_BYTES, Array, Frames
from hil.errors import UsageError
from hil.evidence.beginnings import CommonBlocks
from hil.journal import DAMAGE, Entry, entry_of
from hil.tail import open_whole

_HEAD: Final = struct.Struct("<BQ")
_MESSAGE: Final = int(Opcode.MESSAGE)
_CHANNEL: Final = int(Opcode.CHANNEL)
_DATA_AT: Final = 9 + 22
"""Where the data of a message record begin: opcode, length, channel, sequence, log time, publish time."""
_PAYLOAD_AT: Final = _DATA_AT + 16
_FIELDS: Final = {
    "id": ("<u2", 9), "t_ns": ("<i8", 15), "can_id": ("<u4", _DATA_AT + 4), "flags": ("u1", _DATA_AT + 8),
    "length": ("<u4", _DATA_AT + 12),
}  # fmt: skip
"""Where the numbers of a message record stand that is a CAN frame; of any other only the first two are its own."""
_MAX_CHUNK: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Block:
    """One chunk: its frames, in columns, and its other records, each in the order of the file.

    Attributes:
        common: whether other journals have it too (`hil.evidence.beginnings`).
    """

    frames: Frames
    entries: list[Entry]
    common: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """A block as it was read, and what channels were known after it."""

    block: Block
    buses: tuple[str, ...]
    topics: dict[int, str]
    channels: dict[int, int]


@dataclass(slots=True)
class BlockReader:
    """Reads a journal chunk by chunk.

    Attributes:
        path: the file.
        buses: the buses so far; a frame's channel is a number into it.
        truncated: set once the end was reached: the file has no footer, the run died.
        attachments: files attached so far, by name.
        metadata: facts about the file so far.
        common: blocks that this journal may share with those that were read with the same `common` before.
    """

    path: Path
    buses: list[str] = field(default_factory=list)
    truncated: bool = False
    attachments: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    common: CommonBlocks[Read] = field(default_factory=CommonBlocks)
    _topics: dict[int, str] = field(default_factory=dict)
    _channels: dict[int, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Block]:
        """The chunks, in the order in which they were written.

        Raises:
            UsageError: the file is no MCAP file or is damaged before its end.
        """
        self.common.begin()
        with open_whole(self.path) as file:
            try:
                yield from self._blocks(file)
            except DAMAGE as error:
                reason = str(error) or type(error).__name__
                what = f"is no journal, or a damaged one: in front of byte {file.tell()}: {reason}"
                raise UsageError(what, where=str(self.path)) from error

    def _blocks(self, file: IO[bytes]) -> Iterator[Block]:
        magic = file.read(len(MCAP0_MAGIC))
        if magic != MCAP0_MAGIC:
            self.truncated = MCAP0_MAGIC.startswith(magic)
            if not self.truncated:
                raise UsageError("is no journal: it is no MCAP file", where=str(self.path))
            return
        begin = file.tell()
        size = file.seek(0, io.SEEK_END)
        file.seek(begin)
        while True:
            head = file.read(_HEAD.size)
            code, length = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, size)
            if length > size - file.tell():
                self.truncated = True
                return
            if code == Opcode.FOOTER:
                return
            if code == Opcode.CHUNK:
                yield self._known_block(file.read(length))
            elif not self._keep(code, file, length):
                file.seek(length, io.SEEK_CUR)

    def _keep(self, code: int, file: IO[bytes], length: int) -> bool:
        """Keep an attachment or metadata; says whether it was read."""
        if code not in (Opcode.ATTACHMENT, Opcode.METADATA):
            return False
        stream = ReadDataStream(io.BytesIO(file.read(length)))
        if code == Opcode.ATTACHMENT:
            attachment = Attachment.read(stream)
            self.attachments[attachment.name] = attachment.data
        else:
            metadata = Metadata.read(stream)
            self.metadata[metadata.name] = metadata.metadata
        return True

    def _known_block(self, body: bytes) -> Block:
        """The block of a chunk, read only where no other journal had it."""
        key = hashlib.blake2b(body).digest(), tuple(self._topics.items()), tuple(self.buses)
        read = self.common.find(key)
        if read is None:
            block = self._block(_chunk(body))
            self.common.note(key, Read(block, tuple(self.buses), dict(self._topics), dict(self._channels)))
            return block
        self.buses[:], self._topics, self._channels = read.buses, dict(read.topics), dict(read.channels)
        return replace(read.block, common=True)

    def _block(self, chunk: bytes) -> Block:
        offsets = _offsets(chunk)
        codes = [chunk[offset] for offset in offsets]
        for offset, code in zip(offsets, codes, strict=True):
            if code == _CHANNEL:
                self._on_channel(chunk, offset)
        messages = [offset for offset, code in zip(offsets, codes, strict=True) if code == _MESSAGE]
        return self._split(chunk, np.array(messages, np.int64))

    def _on_channel(self, chunk: bytes, offset: int) -> None:
        channel = Channel.read(ReadDataStream(io.BytesIO(chunk[offset + 9 :])))
        self._topics[channel.id] = channel.topic
        if channel.topic.startswith("/can/") and channel.id not in self._channels:
            bus = channel.topic.removeprefix("/can/")
            if bus not in self.buses:
                self.buses.append(bus)
            self._channels[channel.id] = self.buses.index(bus)

    def _split(self, chunk: bytes, offsets: Array) -> Block:
        """The frames of a chunk as columns, the other messages as entries."""
        padded = chunk + bytes(FD_BYTES + _PAYLOAD_AT)
        heads = _rows(padded, offsets, _HEADS)
        is_frame = np.isin(heads["id"], list(self._channels)) if self._channels else np.zeros(len(heads), bool)
        frames = self._frames(padded, offsets[is_frame], heads[is_frame])
        entries = [self._entry(chunk, int(offset)) for offset in offsets[~is_frame]]
        return Block(frames, entries)

    def _entry(self, chunk: bytes, offset: int) -> Entry:
        _, length, channel, _, t_ns = struct.unpack_from("<BQHIQ", chunk, offset)
        return entry_of(t_ns, self._topics[channel], chunk[offset + _DATA_AT : offset + 9 + length])

    def _frames(self, padded: bytes, offsets: Array, heads: Array) -> Frames:
        length = np.minimum(heads["length"], FD_BYTES).astype(np.uint8)
        width = FD_BYTES if length.max(initial=0) > CLASSIC_BYTES else CLASSIC_BYTES
        data = _rows(padded, offsets, _PAYLOADS[width])["data"].reshape(-1, width).copy()
        data[np.arange(width) >= length[:, None]] = 0
        numbers = np.zeros(max(self._channels, default=0) + 1, np.uint16)
        numbers[list(self._channels)] = list(self._channels.values())
        return Frames(
            t_ns=heads["t_ns"].copy(),
            channel=numbers[heads["id"]] if len(heads) else np.zeros(0, np.uint16),
            can_id=heads["can_id"].copy(),
            flags=heads["flags"].copy(),
            length=length,
            data=data,
        )


def _chunk(body: bytes) -> bytes:
    """The records of a chunk, unpacked and checked."""
    _, _, size, crc, letters = struct.unpack_from("<QQQII", body)
    if size > _MAX_CHUNK:
        raise ValueError("a chunk is too large")
    packing = body[32 : 32 + letters].decode()
    (packed,) = struct.unpack_from("<Q", body, 32 + letters)
    data = body[40 + letters : 40 + letters + packed]
    if packing == "zstd":
        data = zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
    elif packing:
        raise ValueError(f"a chunk is packed with {packing}")
    if crc and zlib.crc32(data) != crc:
        raise ValueError("the checksum of a chunk is wrong")
    return data


def _offsets(chunk: bytes) -> list[int]:
    """Where the records of a chunk begin."""
    offsets, at, end = [], 0, len(chunk)
    unpack = struct.Struct("<Q").unpack_from
    while at + 9 <= end:
        offsets.append(at)
        at += 9 + unpack(chunk, at + 1)[0]
    if at != end:
        raise ValueError("a record goes beyond its chunk")
    return offsets


def _layout(fields: dict[str, tuple[str, int]], size: int) -> np.dtype[np.void]:
    """A record with fields (type, offset) and anything between them."""
    kinds, offsets = [kind for kind, _ in fields.values()], [at for _, at in fields.values()]
    return np.dtype({"names": list(fields), "formats": kinds, "offsets": offsets, "itemsize": size})


_HEADS: Final = _layout(_FIELDS, _PAYLOAD_AT)
_PAYLOADS: Final = {
    width: _layout({"data": (f"({width},)u1", _PAYLOAD_AT)}, _PAYLOAD_AT + width) for width in (CLASSIC_BYTES, FD_BYTES)
}


def _rows(padded: bytes, offsets: Array, layout: np.dtype[np.void]) -> Array:
    """The records that begin at these offsets."""
    every = np.ndarray(len(padded) - layout.itemsize + 1, layout, padded, strides=(1,))
    rows: Array = every[offsets]
    return rows
