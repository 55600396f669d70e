"""Whether a message has what a test wants: fields by path, values with comparisons. Pure.

A wanted value is compared as it is printed, numbers as numbers. `> 5`, `< 5`, `>= 5`, `<= 5`, `!= x` compare; `present`
and `absent` ask whether there is such a field. A field within another is named `position.latitude`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from hil.cloud.backend import parse
from hil.cloud.mqtt import Message
from hil.errors import UsageError

_MISSING: Final = object()
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


def has(message: Message, where: Mapping[str, object]) -> bool:
    """Whether all that is wanted holds for the JSON object in a message."""
    fields = parse(message.payload)
    return all(_holds(_at(fields, path), wanted) for path, wanted in where.items())


def _at(fields: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(fields, dict) or key not in fields:
            return _MISSING
        fields = fields[key]
    return fields


def _holds(value: Any, wanted: object) -> bool:
    text = str(wanted).strip()
    if text in ("present", "absent"):
        return (value is not _MISSING) == (text == "present")
    if value is _MISSING:
        return False
    if text.startswith("!="):
        return not _equal(value, text[2:].strip())
    for sign, compare in _COMPARE.items():
        if text.startswith(sign):
            bound = _number(text[len(sign) :])
            if bound is None:
                raise UsageError(f"'{text}' compares with no number")
            number = _number(value)
            return number is not None and compare(number, bound)
    return _equal(value, text)


def _equal(value: Any, text: str) -> bool:
    left, right = _number(value), _number(text)
    if left is not None and right is not None:
        return abs(left - right) < 1e-9
    printed = {True: "true", False: "false", None: "null"}.get(value) if isinstance(value, bool | None) else str(value)
    return str(printed).lower() == text.lower()


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def show(where: Mapping[str, object]) -> str:
    """What is wanted, in words."""
    return "".join(f", {path} {wanted}" for path, wanted in where.items())
