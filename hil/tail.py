"""The tail of a journal: records that SIGKILL can't take any more, before their chunk is packed.

A file beside the journal holds what was kept of the open chunk, as it stands in memory, behind the length of the
journal that it goes on from. To keep a record so costs one system call; to pack a chunk for it costs ten times that.

Rules of this module: the file is only appended to, and emptied when the chunk stands in the journal. So a tail that
doesn't begin where the journal's last whole record ends is an old one, and says nothing. What couldn't be written whole
counts as not kept: the caller packs the chunk at once instead. Whoever reads a journal opens it with `open_whole`.

Not for: a cut of the machine's power (nothing is synced), or a journal that is kept in memory.
"""

from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from pathlib import Path
from typing import IO, Final

from mcap.opcode import Opcode

_HEAD: Final = struct.Struct("<8sQ")
_MARK: Final = b"HILTAIL1"
_RECORD: Final = struct.Struct("<BQ")
_CHUNK: Final = struct.Struct("<BQQQQIIQ")
"""A Chunk record up to its data, not compressed (MCAP 0, section "Chunk"); times of 0 say nothing."""


class Tail:
    """What is kept of the open chunk of one journal.

    Args:
        path: of the journal.

    Attributes:
        kept: how many bytes of the chunk are safe.
    """

    __slots__ = ("_file", "_is_whole", "_path", "kept")

    def __init__(self, path: Path) -> None:
        self._path = tail_of(path)
        self._file: io.FileIO | None = None
        self._is_whole = True
        self.kept = 0
        with contextlib.suppress(OSError):  # one of a run before that was killed
            self._path.unlink()

    def keep(self, chunk: bytearray, position: int) -> bool:
        """Keep what has come to the chunk; False: it is not safe.

        Args:
            chunk: the open chunk.
            position: where it is going to begin in the journal; all before that is written.
        """
        size, kept = len(chunk), self.kept
        if size == kept or not self._is_whole:
            return size == kept
        self._is_whole = False  # an interrupt here leaves it so
        try:
            if self._file is None:
                self._file = self._path.open("ab", buffering=0)
                self._file.truncate(0)
            data = chunk[kept:] if kept else _HEAD.pack(_MARK, position) + chunk
            if self._file.write(data) == len(data):
                self.kept, self._is_whole = size, True
                return True
        except OSError:
            pass
        self._cut(_HEAD.size + kept if kept else 0)
        return False

    def forget(self) -> None:
        """The chunk is in the journal."""
        if self.kept or not self._is_whole:
            self.kept = 0
            self._cut(0)

    def _cut(self, size: int) -> None:
        self._is_whole = False
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.truncate(size)
                self._is_whole = True

    def close(self) -> None:
        """Nothing more comes. The file stays only if the journal lacks what is in it."""
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
                if not self.kept:
                    self._path.unlink()


def tail_of(path: Path) -> Path:
    """Where the tail of a journal lies."""
    return path.with_name(path.name + ".tail")


def open_whole(path: Path) -> IO[bytes]:
    """A journal to be read from its beginning; one that was cut off goes on with what its tail holds, as a chunk.

    Raises:
        OSError: it can't be opened.
    """
    try:
        tail = tail_of(path).read_bytes()
    except OSError:  # as nearly always: there is none
        tail = b""
    file = path.open("rb")
    if len(tail) < _HEAD.size:
        return file
    mark, position = _HEAD.unpack_from(tail)
    records = tail[_HEAD.size : _HEAD.size + _whole(tail[_HEAD.size :])]
    if mark != _MARK or not records or _goes_on(file, position):
        file.seek(0)
        return file
    with file:
        file.seek(0)
        return io.BytesIO(file.read(position) + _chunk(records))


def _goes_on(file: IO[bytes], position: int) -> bool:
    """Whether the journal itself has a whole record there, or doesn't reach so far."""
    size = os.fstat(file.fileno()).st_size
    file.seek(min(position, size))
    head = file.read(_RECORD.size)
    is_whole = len(head) == _RECORD.size and position + _RECORD.size + _RECORD.unpack(head)[1] <= size
    return is_whole or size < position


def _whole(records: bytes) -> int:
    """Where the last whole record ends."""
    at = 0
    while at + _RECORD.size <= len(records):
        end = at + _RECORD.size + _RECORD.unpack_from(records, at)[1]
        if end > len(records):
            break
        at = end
    return at


def _chunk(records: bytes) -> bytes:
    size = len(records)
    head = _CHUNK.pack(Opcode.CHUNK, _CHUNK.size - _RECORD.size + size, 0, 0, size, zlib.crc32(records), 0, size)
    return head + records


__all__ = ["Tail", "open_whole", "tail_of"]
