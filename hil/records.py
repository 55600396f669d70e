"""The text of a record of the journal: compact JSON, keys in order, the same for the same fields.

Rules of this module: pure. One encoder serves all records (`json.dumps` makes two for each); what each check and each
signal leaves is written by a template instead, at a quarter of the cost. A template gives the encoder's text or none.

Not for: which records and fields there are (`hil.journal`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from json.encoder import encode_basestring as _quoted
from typing import Any, Final

Fields = Mapping[str, Any]


def _encoder() -> Callable[[Any, int], Iterable[str]]:
    encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return lambda fields, _: encoder.iterencode(fields)
    parts: Any = make(None, encoder.default, _quoted, None, ":", ",", True, False, True)
    return parts  # type: ignore[no-any-return]


_parts: Final = _encoder()
_joined: Final = "".join


def text_of(fields: Any) -> str:
    """The text of any fields."""
    return _joined(_parts(fields, 0))


def signal_text(signal: str, value: float, unit: str, label: str, by: str) -> str | None:
    """The text of a `signal` record; None: not all of it is what it should be, so the encoder has to write it."""
    if type(value) is not float or value - value != 0:  # NaN, infinite
        return None
    try:
        return f"{_signal_head(by, label, signal, unit)}{value!r}}}"
    except TypeError:  # something else in the place of a text
        return None


@lru_cache(maxsize=1024)
def _signal_head(by: str, label: str, signal: str, unit: str) -> str:
    """What the records of one signal have in common."""
    texts = f'{{"by":{_quoted(by)},"label":{_quoted(label)},"signal":{_quoted(signal)},"unit":{_quoted(unit)}'
    return f'{texts},"value":'


def check_text(  # a mapping of the fields costs half as much as the text
    name: str, target: str, expected: str, seen: str, ok: bool, since_ns: int, within_ns: int, origin: str,
    bound_ns: int, detail: str,
) -> str | None:  # fmt: skip
    """The text of a `check` record without further fields; None as of `signal_text`."""
    if type(ok) is not bool or not type(bound_ns) is type(since_ns) is type(within_ns) is int:
        return None
    try:
        return (
            f'{{"bound_ns":{bound_ns},"detail":{_quoted(detail)},"expected":{_quoted(expected)}'
            f'{_check_middle(name, ok, origin)}{_quoted(seen)},"since_ns":{since_ns}{_check_end(target, within_ns)}'
        )
    except TypeError:  # as above
        return None


@lru_cache(maxsize=256)
def _check_middle(name: str, ok: bool, origin: str) -> str:
    return f',"name":{_quoted(name)},"ok":{"true" if ok else "false"},"origin":{_quoted(origin)},"seen":'


@lru_cache(maxsize=1024)
def _check_end(target: str, within_ns: int) -> str:
    return f',"target":{_quoted(target)},"within_ns":{within_ns}}}'


_TEMPLATES: Final[dict[str, tuple[frozenset[str], Callable[..., str | None]]]] = {
    "signal": (frozenset(("by", "label", "signal", "unit", "value")), signal_text),
    "check": (
        frozenset(
            ("bound_ns", "detail", "expected", "name", "ok", "origin", "seen", "since_ns", "target", "within_ns")
        ),
        check_text,
    ),
}
"""Kind -> the fields that its template takes, all of them: a check with a score has more."""


def text(kind: str, fields: Fields) -> str:
    """The text of a record of a kind."""
    known = _TEMPLATES.get(kind)
    if known is not None and fields.keys() == known[0]:
        written = known[1](**fields)
        if written is not None:
            return written
    return _joined(_parts(fields, 0))


__all__ = ["check_text", "signal_text", "text", "text_of"]
