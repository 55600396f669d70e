"""Reading fields that may be missing, of another type or hostile: a damaged journal must not stop a report. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hil.errors import Verdict

Fields = Mapping[str, Any]


def as_fields(value: Any) -> Fields:
    """A JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def text(fields: Fields, key: str) -> str:
    """A field as text; empty if it is missing."""
    value = fields.get(key)
    return "" if value is None else str(value)


def texts(fields: Fields, key: str) -> tuple[str, ...]:
    """A field as texts; a single value counts as one."""
    value = fields.get(key)
    if value is None or value == "":
        return ()
    return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)


def number(fields: Fields, key: str) -> float | None:
    """A finite number, or None."""
    value = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def integer(fields: Fields, key: str) -> int | None:
    """A whole number, or None."""
    value = number(fields, key)
    return None if value is None else int(value)


def flag(fields: Fields, key: str) -> bool | None:
    """A boolean, or None."""
    value = fields.get(key)
    return value if isinstance(value, bool) else None


def numbers(fields: Fields, key: str) -> tuple[float, ...]:
    """The finite numbers of a list."""
    values = fields.get(key)
    if not isinstance(values, list):
        return ()
    return tuple(float(v) for v in values if isinstance(v, int | float) and math.isfinite(v))


def verdict(fields: Fields, key: str = "verdict") -> Verdict | None:
    """A verdict by its text, or None."""
    try:
        return Verdict(text(fields, key))
    except ValueError:
        return None


def clean(value: Any, depth: int = 6) -> Any:
    """A value that any JSON parser takes: no NaN or infinity, nothing nested too deeply."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if depth == 0:
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): clean(item, depth - 1) for key, item in value.items()}
    return [clean(item, depth - 1) for item in value] if isinstance(value, list | tuple) else str(value)
