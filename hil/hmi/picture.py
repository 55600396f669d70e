"""PNG and JPEG bytes to pixels, strictly: a picture that is cut off or of another size is refused. Pure."""

from __future__ import annotations

import io
import zlib
from typing import Final

import numpy as np
from PIL import Image

from hil.errors import BenchError
from hil.hmi.frames import Pixels

_FORMATS: Final = ("PNG", "JPEG")
_BROKEN: Final = (OSError, SyntaxError, ValueError, EOFError, zlib.error, Image.DecompressionBombError)


def decode(data: bytes, size: tuple[int, int], where: str) -> Pixels:
    """The pixels of a PNG or a JPEG.

    Args:
        data: the file's bytes.
        size: width and height that the layout says, px.
        where: the source's name, for messages.

    Raises:
        BenchError: it is no picture, broken, or of another size.
    """
    if not data:
        raise BenchError("gave no bytes where a PNG or JPEG was expected", where=where)
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _check_size(image.size, size, where)
            _check_end(image.format or "", data)
            return np.array(image.convert("RGB"), np.uint8)
    except _BROKEN as error:
        what = f"gave {len(data)} bytes that are no whole PNG or JPEG: they begin with {_beginning(data)}"
        raise BenchError(what, where=where) from error


def _check_end(kind: str, data: bytes) -> None:
    """Pillow forgives a PNG without its end; its last rows may be missing."""
    if kind == "PNG" and b"IEND" not in data[-64:]:
        raise EOFError("no IEND")


def _check_size(given: tuple[int, int], wanted: tuple[int, int], where: str) -> None:
    if given != wanted:
        what = f"gave a picture of {given[0]} x {given[1]} px; the layout says {wanted[0]} x {wanted[1]}"
        raise BenchError(what, where=where, remedy="mend size in the layout, or what the source sends.")


def _beginning(data: bytes) -> str:
    head = data[:24]
    return repr(head.decode()) if head.isascii() else head[:8].hex(" ")
