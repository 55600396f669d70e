"""A record of any kind in one line, for its lane on the timeline. Pure.

Rules of this module: it knows no kind of record, only what such records have in common: an `ok` or a `status`, a text,
a time that they took. All other fields follow as they are, so that a kind that is new tomorrow can be read today.
"""

from __future__ import annotations

import json
from typing import Any, Final

from hil.evidence import fields as f
from hil.evidence.model import Event
from hil.journal import Entry

TEXT_CHARS: Final = 2_000
_FIRST: Final = (
    "event", "action", "phase", "direction", "service", "request", "response", "topic", "payload", "name", "what",
    "text",
)  # fmt: skip
"""Fields that read well in front of the others, and need no name."""
_ARROW: Final = {"response": "→ "}
_NO_TEXT: Final = ("ok", "duration_ns", "until_ns", "since_ns")
_BAD_WORDS: Final = ("fail", "failed", "error", "rejected", "timeout", "time-out", "negative", "refused")


def event_of(entry: Entry, fields: f.Fields) -> Event:
    """A record as an event on its lane."""
    lane = f"{entry.kind} {entry.name}".strip()
    text = event_text(fields) if fields else _show(entry.data)
    return Event(entry.t_ns, lane, text[:TEXT_CHARS], _is_bad(fields), _until_ns(entry.t_ns, fields))


def event_text(fields: f.Fields) -> str:
    """The fields of a record in one line."""
    first = [_ARROW.get(key, "") + _show(fields[key]) for key in _FIRST if fields.get(key) not in (None, "", [], {})]
    rest = [_named(key, value) for key, value in fields.items()
            if key not in (*_FIRST, *_NO_TEXT) and value is not False and value not in (None, "", [], {})]  # fmt: skip
    return " · ".join([" ".join(first), ", ".join(rest)]).strip(" ·")


def _named(key: str, value: Any) -> str:
    """A field with its name; one in nanoseconds is shown in milliseconds."""
    name = key.removesuffix("_ns")
    if name != key and isinstance(value, int) and not isinstance(value, bool):
        return f"{name} {value / 1e6:.4g} ms"
    return f"{key} {_show(value)}"


def _show(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str | int):
        return str(value)
    return json.dumps(f.clean(value), ensure_ascii=False, default=str)


def _is_bad(fields: f.Fields) -> bool:
    if f.flag(fields, "ok") is False:
        return True
    return any(f.text(fields, key).lower() in _BAD_WORDS for key in ("status", "result", "verdict", "event", "level"))


def _until_ns(t_ns: int, fields: f.Fields) -> int | None:
    until, took = f.integer(fields, "until_ns"), f.integer(fields, "duration_ns")
    if until is not None:
        return max(until, t_ns)
    return None if took is None else t_ns + max(took, 0)
