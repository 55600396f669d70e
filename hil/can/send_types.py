"""When a message is sent, in the words of the databases that have been met.

Rules of this module: pure. A word is compared without case, spaces, '-' and '_'. A word that isn't known is refused:
the bench file says what it means.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Final

from hil.errors import UsageError


class SendType(StrEnum):
    """When a message or signal is sent."""

    CYCLIC = "cyclic"
    ON_CHANGE = "on change"
    ON_WRITE = "on write"
    IF_ACTIVE = "cyclic while active"
    NONE = "none"


_SEND_TYPES: Final = {
    "cyclic": (SendType.CYCLIC, False),
    "cycle": (SendType.CYCLIC, False),
    "periodic": (SendType.CYCLIC, False),
    "fixedperiodic": (SendType.CYCLIC, False),
    "cyclicandspontaneous": (SendType.ON_CHANGE, False),
    "cyclicandspontaneouswithdelay": (SendType.ON_CHANGE, False),
    "cyclicandspontan": (SendType.ON_CHANGE, False),
    "cyclicandevent": (SendType.ON_CHANGE, False),
    "cyclicandtriggered": (SendType.ON_CHANGE, False),
    "cyclicandonchange": (SendType.ON_CHANGE, False),
    "periodicandevent": (SendType.ON_CHANGE, False),
    "eventperiodic": (SendType.ON_CHANGE, False),
    "ce": (SendType.ON_CHANGE, False),
    "spontaneous": (SendType.ON_CHANGE, False),
    "spontaneouswithdelay": (SendType.ON_CHANGE, False),
    "spontan": (SendType.ON_CHANGE, False),
    "event": (SendType.ON_CHANGE, False),
    "triggered": (SendType.ON_CHANGE, False),
    "onwrite": (SendType.ON_WRITE, False),
    "onwritewithrepetition": (SendType.ON_WRITE, True),
    "onchange": (SendType.ON_CHANGE, False),
    "onchangewithrepetition": (SendType.ON_CHANGE, True),
    "onevent": (SendType.ON_CHANGE, False),
    "onchangeandifactive": (SendType.IF_ACTIVE, False),
    "onchangeandifactivewithrepetition": (SendType.IF_ACTIVE, True),
    "cyclicifactive": (SendType.IF_ACTIVE, False),
    "ca": (SendType.IF_ACTIVE, False),
    "ifactive": (SendType.IF_ACTIVE, False),
    "ifactivewithrepetition": (SendType.IF_ACTIVE, True),
    "cyclicwithrepetition": (SendType.CYCLIC, True),
}
"""Spellings met in databases, without case, spaces, '-' and '_' -> (when, with fast repetitions)."""
_NO_CYCLE: Final = frozenset(
    {
        "spontaneous", "spontaneouswithdelay", "spontan", "event", "triggered", "onwrite", "onwritewithrepetition",
        "onchange", "onchangewithrepetition", "onevent",
    }
)  # fmt: skip
"""Those that have no cycle, unless the message itself is given one: the default for all messages doesn't count."""


def _key(text: Any) -> str:
    return re.sub(r"[\s_-]", "", str(text or "")).lower()


def has_no_cycle(text: Any) -> bool:
    """Whether this send type has no cycle by itself."""
    return _key(text) in _NO_CYCLE


def read_send_type(text: Any, where: str) -> tuple[SendType, bool] | None:
    """When, and whether with fast repetitions; None if it says nothing (`NoMsgSendType`, a bare number).

    Raises:
        UsageError: a word that isn't known.
    """
    key = _key(text)
    if key in _SEND_TYPES:
        return _SEND_TYPES[key]
    if not key or key.isdigit() or key.startswith(("no", "vector", "notused", "none")):
        return None
    mend = "say what it means: words.send_type maps it to Cyclic, OnChange, OnWrite, IfActive or None."
    raise UsageError(f"'{text}' is no send type", where=where, remedy=mend)


__all__ = ["SendType", "has_no_cycle", "read_send_type"]
