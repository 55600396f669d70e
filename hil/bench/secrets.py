"""Secrets of a bench: passwords, tokens, pass phrases. A bench file holds references, never the secrets themselves.

Rules of this module: a reference is `env:NAME` (environment variable) or `file:PATH` (its text, without the newline at
its end; relative to the bench file). It is resolved when a port is made, not before, so a bench file can be checked
without them. Whatever was resolved is hidden from then on: the recorder and the errors ask `Vault.hide`. Plain secrets
in a bench file are refused, and the refusal doesn't repeat them.

Not for: keeping secrets from the bench's own process, or from who may read its environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from hil.bench.sections import Mistake
from hil.errors import HilError, UsageError

HIDDEN: Final = "(secret)"
SHORTEST: Final = 4
"""Characters that a secret has at least: a shorter one would be found in texts that have nothing to do with it."""
_REFERENCE: Final = re.compile(r"(env|file):(.+)", re.DOTALL)
_MEND: Final = 'write "env:NAME" and export NAME, or "file:PATH" with a file beside the bench file.'
_SECRET_KEY: Final = re.compile(r"(?i)(?:^|[_-])(?:password|passwd|passphrase|secret|token|api_?key)$")
_USER_INFO: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]*:[^/?#@\s]+@", re.IGNORECASE)


def _reference(value: object) -> object:
    """Only a reference is let through; what was given instead is not shown."""
    if value == "" or (isinstance(value, str) and _REFERENCE.fullmatch(value)):
        return value
    raise Mistake("a secret must not stand in a bench file", _MEND)


Secret = Annotated[str, BeforeValidator(_reference)]
"""An option that names a secret: `env:NAME`, `file:PATH`, or empty. `Site.reveal` gives what it stands for."""


def refuse_plain(table: Mapping[str, Any], where: str, prefix: str = "") -> None:
    """Refuse secrets that stand in a bench file: under a key that names one, or as the password of a URL.

    Raises:
        UsageError: there is one; it is not shown.
    """
    for key, value in table.items():
        place = f"{prefix}{key}"
        if _SECRET_KEY.search(key) and isinstance(value, str) and not _is_reference(value):
            raise UsageError(f"{place}: a secret must not stand in a bench file", where=where, remedy=_MEND)
        _refuse_in(value, where, place)


def _refuse_in(value: object, where: str, place: str) -> None:
    if isinstance(value, Mapping):
        refuse_plain(value, where, f"{place}.")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _refuse_in(item, where, f"{place}[{number}]")
    elif isinstance(value, str) and _USER_INFO.search(value):
        mend = "leave it out of the URL, and give user and password as keys of their own where the port has them."
        raise UsageError(f"{place}: its URL holds a password", where=where, remedy=mend)


def _is_reference(value: str) -> bool:
    return value == "" or _REFERENCE.fullmatch(value) is not None


class Vault:
    """The secrets that a bench has resolved, and the words to say in their place.

    Attributes:
        holds: whether there is any.
    """

    def __init__(self) -> None:
        self._values: list[str] = []
        self.holds = False

    def reveal(self, reference: str, folder: Path, where: str) -> str:
        """What a reference stands for; it is hidden from now on. Empty for an empty one.

        Args:
            reference: `env:NAME` or `file:PATH`.
            folder: the folder that paths are relative to.
            where: the key, for messages.

        Raises:
            UsageError: the variable isn't set, the file can't be read, or the secret is too short to be hidden.
        """
        if not reference:
            return ""
        value = resolve(reference, folder, where)
        if len(value) < SHORTEST:
            mend = f"take one of {SHORTEST} characters at least: a shorter one can't be hidden."
            raise UsageError(f"the secret of '{reference}' is too short", where=where, remedy=mend)
        self.add(value)
        return value

    def add(self, value: str) -> None:
        """Hide a text from now on. The longest first, for one may be a part of another."""
        forms = {value, value.strip(), repr(value)[1:-1]}
        self._values = sorted({*self._values, *(form for form in forms if form)}, key=lambda form: (-len(form), form))
        self.holds = bool(self._values)

    def hide(self, text: str) -> str:
        """A text without the secrets."""
        for value in self._values:
            text = text.replace(value, HIDDEN)
        return text

    def hide_in(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Fields of a record without the secrets."""
        return {key: self._hide_any(value) for key, value in fields.items()} if self._values else fields

    def _hide_any(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, Mapping):
            return self.hide_in(value)
        return [self._hide_any(item) for item in value] if isinstance(value, list | tuple) else value

    def hide_error(self, error: HilError) -> None:
        """Take the secrets out of an error."""
        if self._values:
            error.what, error.where, error.remedy = (
                self.hide(text) for text in (error.what, error.where, error.remedy)
            )
            error.args = tuple(self.hide(part) if isinstance(part, str) else part for part in error.args)


def resolve(reference: str, folder: Path, where: str) -> str:
    """What a reference stands for.

    Raises:
        UsageError: it is none, the variable isn't set, or the file can't be read.
    """
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise UsageError("this is no reference to a secret", where=where, remedy=_MEND)
    kind, name = found.groups()
    if kind == "file":
        return _read(folder / name, where)
    value = os.environ.get(name, "")
    if not value:
        raise UsageError(
            f"the environment has no {name}", where=where, remedy=f"export {name} before 'hil' is started."
        )
    return value


def _read(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text (UTF-8)"
        mend = "make it, with the secret as its only line; paths are relative to the bench file."
        raise UsageError(f"the file of a secret can't be read: {why}", where=f"{where}: {path}", remedy=mend) from error
