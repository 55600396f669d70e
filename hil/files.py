"""Reading the files that a user names, with errors that a user understands; writing what a full disk can not spoil."""

from __future__ import annotations

from pathlib import Path

from hil.errors import UsageError


def replace_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all: where the disk is full, what stood there stays.

    Raises:
        OSError: it can't be written.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def read_text(path: Path) -> str:
    """A text file: UTF-8, or the Windows code page that older database editors write.

    Raises:
        UsageError: it can't be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return path.read_text(encoding="cp1252", errors="replace")
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=str(path)) from error
