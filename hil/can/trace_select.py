"""What of a log a user asks for: a stretch of time, and patterns of identifiers, messages and signals.

Rules of this module: pure. A pattern is an identifier (`0x1A0`, `0x18DAF110x` for 29 bits), a range of identifiers
(`0x100-0x1FF`), or a name with wildcards as `[bus::]Message`, `[bus::][Message.]Signal`. Case doesn't matter. A name
that no database has is a usage error: a filter that silently finds nothing would look like an empty log.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

import numpy as np
from cantools.database.can import Message, Signal

from hil.can.database import Network
from hil.can.frames import ERROR
from hil.can.log_frames import Frames, split_key
from hil.can.trace_names import Names
from hil.errors import UsageError
from hil.nearest import did_you_mean

_IDENTIFIERS: Final = re.compile(r"0x([0-9a-f]{1,8})(x?)(?:-0x([0-9a-f]{1,8})(x?))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a user wrote, taken apart.

    Attributes:
        text: as it was written.
        ids: first and last identifier; None for a name.
        extended: of 29 bits only.
        bus: lower case, with wildcards.
        name: of a message or signal, lower case, with wildcards.
        signal: of a signal of the message `name`; empty if only one name was given.
    """

    text: str
    ids: tuple[int, int] | None = None
    extended: bool = False
    bus: str = "*"
    name: str = "*"
    signal: str = ""

    def has_frame(self, bus: str, message: Message | None, can_id: int, extended: bool) -> bool:
        """Whether a frame belongs to it: its identifier, its message, or the message of one of its signals."""
        if self.ids is not None:
            return self.ids[0] <= can_id <= self.ids[1] and (extended or not self.extended)
        if message is None or not fnmatchcase(bus.lower(), self.bus):
            return self.name == "*" and fnmatchcase(bus.lower(), self.bus)
        return self._has_message(message) or any(self._has_signal(message, signal) for signal in message.signals)

    def has_signal(self, bus: str, message: Message, signal: Signal) -> bool:
        """Whether it asks for a signal: by name, or for the whole message."""
        if self.ids is not None:
            return self.has_frame(bus, message, message.frame_id, message.is_extended_frame)
        if not fnmatchcase(bus.lower(), self.bus):
            return False
        return self._has_message(message) or self._has_signal(message, signal)

    def _has_message(self, message: Message) -> bool:
        return not self.signal and fnmatchcase(message.name.lower(), self.name)

    def _has_signal(self, message: Message, signal: Signal) -> bool:
        if not self.signal:
            return fnmatchcase(signal.name.lower(), self.name)
        return fnmatchcase(message.name.lower(), self.name) and fnmatchcase(signal.name.lower(), self.signal)


def patterns_of(texts: Sequence[str], network: Network, option: str) -> list[Pattern]:
    """Patterns as a user wrote them.

    Raises:
        UsageError: a range goes backwards, a name is given without a database, or no database has it.
    """
    return [_pattern(text.strip(), network, option) for text in texts]


def _pattern(text: str, network: Network, option: str) -> Pattern:
    found = _IDENTIFIERS.fullmatch(text)
    if found:
        first, last = int(found[1], 16), int(found[3] or found[1], 16)
        if last < first:
            raise UsageError(f"the range '{text}' goes backwards", where=option, remedy="write the lower one first.")
        return Pattern(text, (first, last), bool(found[2] or found[4]))
    bus, _, rest = text.lower().rpartition("::")
    name, _, signal = rest.partition(".")
    pattern = Pattern(text, bus=bus or "*", name=name, signal=signal)
    _must_exist(pattern, network, option)
    return pattern


def _must_exist(pattern: Pattern, network: Network, option: str) -> None:
    if not network.databases:
        what = f"'{pattern.text}' is a name, and names need a database"
        raise UsageError(
            what, where=option, remedy="give --bench FILE or --database FILE, or an identifier like 0x1A0."
        )
    if any(pattern.has_frame(bus, message, 0, False) for bus, message in network.messages()):
        return
    known = {message.name: None for _, message in network.messages()}
    known |= {signal.name: None for _, message in network.messages() for signal in message.signals}
    wanted = (pattern.signal or pattern.name).strip("*")
    mend = did_you_mean(wanted, known, "names may have wildcards: '*Speed*'.", most=3, quote="")
    raise UsageError(f"no message or signal is called '{pattern.text}'", where=option, remedy=mend)


class FrameFilter:
    """Picks the frames of a stretch of time that belong to any of some patterns.

    Args:
        from_ns: the earliest time.
        to_ns: the latest; None: no end.
        patterns: what to keep; everything if there are none. Error frames go with no pattern.
        names: what the frames are called.
    """

    def __init__(self, from_ns: int, to_ns: int | None, patterns: Sequence[Pattern], names: Names) -> None:
        self._from_ns, self._to_ns, self._patterns, self._names = from_ns, to_ns, tuple(patterns), names
        self._kept: dict[int, bool] = {}

    def pick(self, block: Frames) -> Frames:
        """The frames that stay."""
        inside = block.t_ns >= self._from_ns
        if self._to_ns is not None:
            inside &= block.t_ns <= self._to_ns
        if self._patterns:
            keys = block.keys()
            kept = [key for key in np.unique(keys).tolist() if self._keeps(key)]
            inside &= np.isin(keys, np.array(kept, np.uint64)) & ((block.flags & ERROR) == 0)
        return block if inside.all() else block.pick(inside)

    def ended(self, block: Frames) -> bool:
        """Whether nothing more can come."""
        return self._to_ns is not None and len(block) > 0 and int(block.t_ns.min()) > self._to_ns

    def _keeps(self, key: int) -> bool:
        if key not in self._kept:
            bus, message = self._names.message(key)
            _, can_id, extended = split_key(key)
            self._kept[key] = any(one.has_frame(bus, message, can_id, bool(extended)) for one in self._patterns)
        return self._kept[key]


class SignalChoice:
    """Which signals are decoded: those that the patterns of `--decode` ask for, and of them those of `--only`.

    Args:
        decode: patterns of signals; all if there are none.
        only: patterns of frames; all if there are none.
    """

    def __init__(self, decode: Sequence[Pattern], only: Sequence[Pattern]) -> None:
        self._groups = [group for group in (tuple(decode), tuple(only)) if group]

    def signals(self, bus: str, message: Message) -> list[Signal]:
        """The signals of a message, as they lie in it."""
        if message.is_container:
            return []
        return [
            signal
            for signal in message.signals
            if all(any(one.has_signal(bus, message, signal) for one in group) for group in self._groups)
        ]


__all__ = ["FrameFilter", "Pattern", "SignalChoice", "patterns_of"]
