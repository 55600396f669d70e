"""From the bytes of a database file to its text, whatever code page the customer's editor wrote.

Rules of this module: pure. Unicode is known by its byte-order mark or by being valid; everything else is the code page
that Windows tools write (1252), unless the caller or the file names another. XML says its own encoding.

Not for: reading the file (the bench does), or understanding the text (`hil.can.loading`).
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from hil.can.tolerated import Tolerated
from hil.errors import UsageError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, which begins alike
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_XML: Final = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_WINDOWS: Final = "cp1252"
_ANSI: Final = "save the file as UTF-8."


def decode_text(data: bytes, where: str, encoding: str = "") -> tuple[str, list[Tolerated]]:
    """The text of a file, with line ends as they are.

    Args:
        data: the whole file.
        where: what to call the file.
        encoding: a Python codec that the bench file names, for code pages that can't be guessed (`cp932`, `gb18030`).

    Raises:
        UsageError: that codec doesn't exist, or the file is no text in it.
    """
    if encoding:
        return _decode_as(data, where, encoding), []
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return _marked(data.removeprefix(mark), where, codec)
    codec = _wide(data)
    if codec:
        return _replaced(data, where, codec, f"the text is {codec.upper()} without a byte-order mark")
    declared = _XML.match(data[:200])
    if declared and not data[: declared.end()].isspace():
        return _declared(data, where, declared[1].decode("ascii"))
    return _utf8_or_windows(data, where)


def _decode_as(data: bytes, where: str, encoding: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        mend = "name one that Python has: utf-8, cp1252, cp932, gb18030, ..."
        raise UsageError(f"there is no encoding '{encoding}'", where=where, remedy=mend) from None
    except UnicodeError:
        mend = "name another encoding in the bench file, or leave it out."
        raise UsageError(f"is no text in the encoding {encoding}", where=where, remedy=mend) from None


def _marked(data: bytes, where: str, codec: str) -> tuple[str, list[Tolerated]]:
    if codec == "utf-8":
        return _utf8_or_windows(data, where)
    return _replaced(data, where, codec, f"the text is {codec.upper()}")


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: one byte of each of the first characters is zero."""
    head = data[:64]
    if len(head) < 8:
        return ""
    zeros = [sum(byte == 0 for byte in head[first::2]) / len(head[first::2]) for first in (0, 1)]
    if max(zeros) < 0.8 or min(zeros) > 0.2:
        return ""
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _replaced(data: bytes, where: str, codec: str, what: str) -> tuple[str, list[Tolerated]]:
    text = data.decode(codec, errors="replace")
    return text, [Tolerated("encoding", what, "it was read as that", where, _ANSI)]


def _declared(data: bytes, where: str, codec: str) -> tuple[str, list[Tolerated]]:
    """XML: what it says of itself, unless that is not so."""
    try:
        return data.decode(codec), []
    except (LookupError, UnicodeError):
        text, tolerated = _utf8_or_windows(data, where)
        what = f"the file calls its encoding {codec}, which it isn't"
        wrong = Tolerated("encoding", what, "it was read as UTF-8 or Windows 1252", where, _ANSI)
        return text, [wrong, *tolerated]


def _utf8_or_windows(data: bytes, where: str) -> tuple[str, list[Tolerated]]:
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError:
        lines = [_line(line) for line in data.split(b"\n")]
    text = "\n".join(line for line, _ in lines)
    tolerated = []
    if any(codec == "utf-8" for _, codec in lines):
        number = next(index for index, (_, codec) in enumerate(lines, 1) if codec == "utf-8")
        tolerated.append(_note("some lines are UTF-8 and others Windows 1252", "each was read as it is", where, number))
    if "\ufffd" in text:
        number = next(index for index, (line, _) in enumerate(lines, 1) if "\ufffd" in line)
        what = "there are bytes that are neither UTF-8 nor Windows 1252"
        tolerated.append(_note(what, "they show as '\ufffd'", where, number))
    return text, tolerated


def _note(what: str, done: str, where: str, line: int) -> Tolerated:
    mend = "save it as UTF-8, or name its encoding in the bench file."
    return Tolerated("encoding", what, done, f"{where}:{line}", mend)


def _line(line: bytes) -> tuple[str, str]:
    """A line with its encoding; empty for plain ASCII, which is all of them."""
    try:
        return line.decode("utf-8"), "" if line.isascii() else "utf-8"
    except UnicodeDecodeError:
        return line.decode(_WINDOWS, errors="replace"), _WINDOWS


__all__ = ["decode_text"]
