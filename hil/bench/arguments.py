"""Which argument of a call of a test was of a wrong type: `should_be(True)`, `set_signal("VehicleSpeed", None)`.

Rules of this module: asked only once a call has failed, so that a call that is right pays nothing. The annotations of
the public method that the test called decide. What they leave open is right.

Not for: values of the right type that mean nothing; those are refused where they are understood.
"""

from __future__ import annotations

import collections.abc
import inspect
import numbers
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Final

import hil

_OURS: Final = str(Path(hil.__file__).parent)
_PYTHON: Final = str(Path(inspect.__file__).parent)
_WORDS: Final[dict[Any, str]] = {
    str: "a text",
    float: "a number",
    int: "a number",
    bool: "True or False",
    timedelta: "a timedelta",
    type(None): "None",
}


def wrong_argument(frame: FrameType | None) -> str:
    """What the test gave that its call doesn't take: `should_be: state=True is not a text`; empty if all fits.

    Args:
        frame: the innermost frame of the call that failed.
    """
    entry = _entry(frame)
    if entry is None:
        return ""
    wanted = _annotations(entry)
    for name, value in _given(entry):
        if name in wanted and not fits(value, wanted[name]):
            return f"{entry.f_code.co_name}: {name}={value!r} is not {_words(wanted[name])}"
    return ""


def _entry(frame: FrameType | None) -> FrameType | None:
    """The outermost of the bench's own frames, of those that the error came through; Python's own count with them."""
    entry = None
    while frame is not None and frame.f_code.co_filename.startswith((_OURS, _PYTHON)):
        entry = frame if frame.f_code.co_filename.startswith(_OURS) else entry
        frame = frame.f_back
    return entry


def _annotations(frame: FrameType) -> Mapping[str, Any]:
    """The types that a method takes; none if it is no method, or if only checkers know them."""
    for owner in type(frame.f_locals.get("self")).__mro__:
        method = inspect.unwrap(owner.__dict__.get(frame.f_code.co_name, _annotations))
        if getattr(method, "__code__", None) is frame.f_code:
            try:
                return typing.get_type_hints(method)
            except NameError:
                return {}
    return {}


def _given(frame: FrameType) -> Iterator[tuple[str, object]]:
    """The arguments by their names; of `*names` and `**values` each one."""
    names, several, named, values = inspect.getargvalues(frame)
    yield from ((name, values[name]) for name in names if name in values)
    yield from ((several or "", one) for one in values.get(several or "", ()))
    yield from ((named or "", one) for one in values.get(named or "", {}).values())


def fits(value: object, wanted: Any) -> bool:
    """Whether a value is of a type; a number is of any type of number, and of the fields of a mapping each counts."""
    origin, inner = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (types.UnionType, typing.Union):
        return any(fits(value, one) for one in inner)
    if origin is typing.Literal:
        return value in inner
    if wanted in (int, float):
        return isinstance(value, numbers.Real)
    if origin is collections.abc.Mapping and isinstance(value, Mapping):
        return all(fits(one, inner[1]) for one in value.values())
    kind = origin or wanted
    return isinstance(value, kind) if isinstance(kind, type) and kind is not typing.Any else True


def _words(wanted: Any) -> str:
    inner = typing.get_args(wanted)
    if typing.get_origin(wanted) in (types.UnionType, typing.Union):
        return " or ".join(dict.fromkeys(_words(one) for one in inner))
    if typing.get_origin(wanted) is collections.abc.Mapping:
        return f"a mapping to {_words(inner[1])}"
    return _WORDS.get(wanted) or str(getattr(wanted, "__name__", wanted))
