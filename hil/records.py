"""The text of a record of the journal: compact JSON, keys in order, the same for the same fields.

Rules of this module: pure. One encoder serves all records (`json.dumps` makes two for each); what each check and each
signal leaves is written by a template instead, at a quarter of the cost. A template gives the encoder's text or none.

Not for: which records and fields there are (`hil.journal`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
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


def _signal(fields: Fields) -> str | None:
    value = fields["value"]
    if type(value) is not float or value - value != 0:  # NaN, infinite
        return None
    return (
        f'{{"by":{_quoted(fields["by"])},"label":{_quoted(fields["label"])},"signal":{_quoted(fields["signal"])},'
        f'"unit":{_quoted(fields["unit"])},"value":{value!r}}}'
    )


def _check(fields: Fields) -> str | None:
    ok, bound_ns, since_ns, within_ns = fields["ok"], fields["bound_ns"], fields["since_ns"], fields["within_ns"]
    if type(ok) is not bool or not type(bound_ns) is type(since_ns) is type(within_ns) is int:
        return None
    return (
        f'{{"bound_ns":{bound_ns},"detail":{_quoted(fields["detail"])},"expected":{_quoted(fields["expected"])},'
        f'"name":{_quoted(fields["name"])},"ok":{"true" if ok else "false"},"origin":{_quoted(fields["origin"])},'
        f'"seen":{_quoted(fields["seen"])},"since_ns":{since_ns},"target":{_quoted(fields["target"])},'
        f'"within_ns":{within_ns}}}'
    )


_TEMPLATES: Final[dict[str, tuple[frozenset[str], Callable[[Fields], str | None]]]] = {
    "signal": (frozenset(("by", "label", "signal", "unit", "value")), _signal),
    "check": (
        frozenset(
            ("bound_ns", "detail", "expected", "name", "ok", "origin", "seen", "since_ns", "target", "within_ns")
        ),
        _check,
    ),
}
"""Kind -> the fields that its template takes, all of them: a check with a score has more."""


def text(kind: str, fields: Fields) -> str:
    """The text of a record of a kind."""
    known = _TEMPLATES.get(kind)
    if known is not None and fields.keys() == known[0]:
        try:
            written = known[1](fields)
        except TypeError:  # something else in the place of a text
            written = None
        if written is not None:
            return written
    return _joined(_parts(fields, 0))


__all__ = ["text", "text_of"]
