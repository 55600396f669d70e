"""What a Python error of a test may have meant: the nearest name that there is. Python says so only on its own console.

Rules of this module: pure; a suggestion or nothing. Private names are suggested to nobody.

Not for: errors of the bench, which have a remedy of their own.
"""

from __future__ import annotations

import builtins
import inspect
import re
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any, Final

from hil.nearest import did_you_mean

_AVAILABLE: Final = re.compile("available fixtures: (.*)")
_KEYWORD: Final = re.compile(r"(?P<callee>[\w.]+)\(\) got an unexpected keyword argument '(?P<name>\w+)'")


def hint(error: BaseException, frame: FrameType | None) -> str:
    """A sentence that names what was meant; empty if nothing is near.

    Args:
        error: that the test raised.
        frame: in which it was raised.
    """
    if isinstance(error, AttributeError) and error.name:
        return near(error.name, dir(error.obj))
    if isinstance(error, NameError) and error.name:
        return near(error.name, [*_visible(frame), *dir(builtins)])
    found = _KEYWORD.search(str(error)) if isinstance(error, TypeError) else None
    return _of_call(found["callee"], found["name"]) if found else ""


def _visible(frame: FrameType | None) -> Iterable[str]:
    return () if frame is None else (*frame.f_locals, *frame.f_globals)


def _of_call(callee: str, name: str) -> str:
    """Which argument was meant; where none is near, which there are."""
    names = [one for one in _arguments(callee) if one != "self"]
    takes = f"it takes {', '.join(names)}." if names else ""
    return near(name, names) or takes


def _arguments(callee: str) -> list[str]:
    """The arguments of a function of the bench, by the name that Python's message has."""
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] == "hil":
            found: Any = module
            for part in callee.split("."):
                found = getattr(found, part, None)
            if inspect.isfunction(found):
                return list(inspect.signature(found).parameters)
    return []


def fixtures_in(text: str) -> list[str]:
    """The fixtures that a test may ask for, of what pytest says of one that there is not."""
    found = _AVAILABLE.search(text)
    return found[1].replace("\n", " ").split(", ") if found else []


def near(name: str, known: Iterable[str]) -> str:
    """The question whether the nearest of the known names was meant; empty if none is near."""
    public = sorted({one for one in known if not one.startswith("_")})
    return did_you_mean(name, public)
