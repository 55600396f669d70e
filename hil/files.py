"""Reading the files that a user names, with errors that a user understands."""

from __future__ import annotations

from pathlib import Path

from hil.errors import UsageError


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
