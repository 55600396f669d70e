"""A cache for what takes long to work out and depends on nothing else: databases, once they are read, and texts.

It lies in a folder of the user (`HIL_CACHE`, else `XDG_CACHE_HOME/cockpit-hil`, else `~/.cache/cockpit-hil`), readable
by nobody else, since what is in it is unpickled. The key is a hash of the file and of the versions of all that made the
result, as far as whoever keeps something names them. A cache that can't be read or written is no error: everything
goes on without it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar

from hil import __version__

T = TypeVar("T")
_KEPT: Final = 64
"""Files that are kept; those that nobody has used for longest go first."""


def cached(kind: type[T], parts: Iterable[bytes | str], make: Callable[[], T]) -> T:
    """What `make` gives, from the cache where it was made of equal `parts` before.

    Args:
        kind: class of the result; anything else in the cache is passed over.
        parts: all that the result depends on, apart from this program and its libraries.
        make: works it out; what it raises is not kept.
    """
    path = _place(kind.__name__.lower(), (_code(), *_versions("cantools"), *parts))
    found = _read(path)
    if isinstance(found, kind):
        return found
    made = make()
    if path is not None:
        _write(path, made)
    return made


def kept(name: str, parts: Iterable[bytes | str]) -> Any:
    """What `keep` put there under the name, by equal parts; None if nothing did."""
    return _read(_place(name, parts))


def keep(name: str, parts: Iterable[bytes | str], value: object) -> None:
    """Keep a value for later processes of this user."""
    path = _place(name, parts)
    if path is not None:
        _write(path, value)


def _place(name: str, parts: Iterable[bytes | str]) -> Path | None:
    folder = _folder()
    return None if folder is None else folder / f"{name}-{_key(parts)}.pickle"


def _versions(*libraries: str) -> tuple[str, ...]:
    return tuple(version(name) for name in libraries)


def _key(parts: Iterable[bytes | str]) -> str:
    digest = hashlib.sha256()
    for part in (sys.version, __version__, *parts):
        data = part if isinstance(part, bytes) else part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:40]


def _code() -> str:
    """When the code that makes the results last changed: a developer's copy has one version for long."""
    folder = Path(__file__).parent / "can"
    return str(max((path.stat().st_mtime_ns for path in folder.glob("*.py")), default=0))


def _folder() -> Path | None:
    """The cache folder, made if need be; None where it belongs to somebody else or can't be made."""
    home = os.environ.get("XDG_CACHE_HOME")
    named = os.environ.get("HIL_CACHE")
    try:
        folder = Path(named) if named else (Path(home) if home else Path.home() / ".cache") / "cockpit-hil"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError):
        return None
    if os.name != "posix":
        return folder
    trusted = status.st_uid == os.getuid() or (bool(named) and os.getuid() == 0)  # the guest's root uses the host's
    return folder if trusted and not status.st_mode & 0o022 else None


def _read(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        found = pickle.loads(path.read_bytes())
        with contextlib.suppress(OSError):
            os.utime(path)
        return found
    except FileNotFoundError:
        return None
    except Exception:  # of a pickle that was cut off or made by other code anything may come
        with contextlib.suppress(OSError):
            path.unlink()
        return None


def _write(path: Path, made: object) -> None:
    temporary = path.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError, pickle.PicklingError, TypeError, AttributeError, RecursionError):
        temporary.write_bytes(pickle.dumps(made, protocol=pickle.HIGHEST_PROTOCOL))
        temporary.replace(path)
        _sweep(path.parent)


def _sweep(folder: Path) -> None:
    files = sorted(folder.glob("*.pickle"), key=lambda file: file.stat().st_mtime)
    for old in files[:-_KEPT]:
        old.unlink(missing_ok=True)
