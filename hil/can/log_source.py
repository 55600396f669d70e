"""The bytes of a log: a file, unpacked if it was packed with gzip.

Rules of this module: what can be unpacked of a file that was cut or damaged is handed out before it says so.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import IO, Final

from hil.errors import UsageError

_PIECE: Final = 1 << 20
_PACKED_PIECE: Final = 1 << 14
"""Of a damaged packing not more than that is lost before the damage."""
_HEAD_BYTES: Final = 4096
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
"""What zlib calls a stream with gzip's header."""


class Source:
    """The bytes of a file, unpacked if it was packed with gzip.

    Attributes:
        size: bytes of the file.
        broken: why it could not be unpacked to its end; empty if it could.

    Raises:
        UsageError: it can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self.broken = ""
        if path.is_dir():
            raise UsageError("is a folder", where=str(path), remedy="name a log in it.")
        try:
            self._file: IO[bytes] = path.open("rb")
        except OSError as error:
            raise UsageError(
                f"can't be read: {error.strerror}", where=str(path), remedy="check its path, and that you may read it."
            ) from error
        self.size = os.fstat(self._file.fileno()).st_size
        self._head = self._file.read(_HEAD_BYTES)
        self._unpack = zlib.decompressobj(_GZIP_WINDOW) if self._head.startswith(_GZIP) else None
        self._peeked = b""

    @property
    def packed(self) -> bool:
        """Whether it is packed with gzip."""
        return self._unpack is not None

    @property
    def position(self) -> int:
        """Bytes of the file that were read."""
        return 0 if self._file.closed else self._file.tell()

    def peek(self) -> bytes:
        """The first bytes, which are read again."""
        self._peeked = self._peeked or self._next(_HEAD_BYTES)
        return self._peeked

    def read(self, size: int = _PIECE) -> bytes:
        """The next bytes, about so many; none at the end."""
        peeked, self._peeked = self._peeked, b""
        return peeked or self._next(size)

    def _next(self, size: int) -> bytes:
        while not self.broken:
            raw, self._head = self._head or self._raw(size), b""
            if self._unpack is None:
                return raw
            data = self._unpacked(raw)
            if data or not raw:
                return data
        return b""

    def _raw(self, size: int) -> bytes:
        try:
            return self._file.read(size if self._unpack is None else _PACKED_PIECE)
        except OSError as error:
            self.broken = f"can't be read any further ({error.strerror})"
            return b""

    def _unpacked(self, raw: bytes) -> bytes:
        if self._unpack is None or (not raw and self._unpack.eof):
            return b""
        if not raw:
            self.broken = "is packed, and its packing ends in the middle"
            return b""
        if self._unpack.eof:
            self._unpack = zlib.decompressobj(_GZIP_WINDOW)
        try:
            data = self._unpack.decompress(raw, _PIECE)
        except zlib.error:
            self.broken = "is packed, and its packing is damaged"
            return b""
        self._head = self._unpack.unconsumed_tail or self._unpack.unused_data.lstrip(b"\0")
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()


__all__ = ["Source"]
