"""Which line of a Python test a call comes from: the steps of a case that has no keywords.

Rules of this module: it reads frames and source text and changes nothing; equal tests tell equal steps, so neither
addresses nor paths are told. Not for: Robot, whose listener tells its keywords.
"""

from __future__ import annotations

import contextlib
import linecache
import sys
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

import hil

_OURS: Final = str(Path(hil.__file__).parent)
_PASSED_THROUGH: Final = (_OURS, contextlib.__file__)
_LONGEST: Final = 160
_LONGEST_VALUE: Final = 60


def told_step() -> tuple[str, list[str]]:
    """The call in the test's own words, and the arguments whose value those words don't show.

    `bench.set_signal("VehicleSpeed", f"{speed} km/h")` comes with `value=87 km/h`. Without source text the name of the
    function that was called.
    """
    frame = sys._getframe(1)
    inner = frame
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PASSED_THROUGH):
        inner, frame = frame, frame.f_back
    text = _words(frame.f_code, frame.f_lasti) or inner.f_code.co_name
    return text, _unsaid(inner, text)


@lru_cache(maxsize=4096)
def _words(code: CodeType, instruction: int) -> str:
    """The source text of the expression of an instruction, on one line; empty if there is none."""
    first, last, begin, end = next(islice(code.co_positions(), instruction // 2, None), (None,) * 4)
    if first is None or last is None or begin is None or end is None:
        return ""
    lines = [linecache.getline(code.co_filename, number).encode() for number in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][begin:]
    text = " ".join(b"".join(lines).decode(errors="replace").split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _unsaid(frame: FrameType, text: str) -> list[str]:
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    values = ((name, frame.f_locals.get(name)) for name in code.co_varnames[:count])
    defaults = _defaults(frame)
    return [
        f"{name}={str(value)[:_LONGEST_VALUE]}"
        for name, value in values
        if _is_plain(value) and str(value) not in text and value not in defaults
    ]


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and str(value) != "" and not str(value).startswith(("/", "\\"))


def _defaults(frame: FrameType) -> tuple[object, ...]:
    """What the arguments of a method are if the test says nothing."""
    owner = type(frame.f_locals.get("self"))
    function = getattr(owner, frame.f_code.co_name, None)
    keywords = getattr(function, "__kwdefaults__", None) or {}
    return (*(getattr(function, "__defaults__", None) or ()), *keywords.values())
