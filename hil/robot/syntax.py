"""Steps of a Robot file that can't be read: an unknown setting, a block without END, a name that is no variable.

Rules of this module: Robot reads the file; what it can't read, it keeps as steps that fail when they are reached. Here
they are looked for before anything runs, and said in one line each.

Not for: sections and their settings, of which Robot tells while it reads (`hil.cli.events`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from hil.errors import UsageError
from hil.nearest import split_guess
from hil.robot.places import place_of

_NO_END: Final = re.compile(r"must have closing END")


def wrong_syntax(body: Any) -> UsageError | None:
    """What can't be read in a test or a keyword: the first such step; None if all can.

    Args:
        body: the steps, as Robot has them.
    """
    step = next(_wrong_steps(body), None)
    return None if step is None else _in_words(str(step.error), place_of(step))


def _wrong_steps(body: Any) -> Iterator[Any]:
    for step in body:
        if getattr(step, "error", None):
            yield step
        yield from _wrong_steps(getattr(step, "body", ()))


def _in_words(message: str, where: str) -> UsageError:
    unknown, near = split_guess(message)
    if near:
        meant = " or ".join(f"'[{name}]'" for name in near)
        return UsageError(unknown.rstrip(". "), where=where, remedy=f"did you mean {meant}?")
    said = re.sub(r"\s*\n-?\s*", " ", message)
    mend = "write END below the last step of the block." if _NO_END.search(said) else ""
    return UsageError(said, where=where, remedy=mend)
