"""Tab completion at the prompt of `hil restbus`: what may stand where the line ends. Pure.

Rules of this module: a candidate replaces the end of the line from where its word begins, and labels may contain
blanks, so a completion is (where the word begins, candidates). Names are offered short where they are unambiguous.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from hil.can.database import Network, SignalRef
from hil.can.restbus import Restbus
from hil.cli.restbus_prompt import COMMANDS
from hil.errors import UsageError

_SWITCHES: Final = ("ignition", "restbus", "power")
_OF_SIGNALS: Final = ("set", "get", "ramp", "signals")
_OF_MESSAGES: Final = ("stop", "resume", "freeze", "corrupt", "cycle", "length", "shift")
_OF_BUSES: Final = ("flood", "send", "wake", "sleep")


@dataclass(frozen=True, slots=True)
class Completion:
    """What could stand from `start` to the end of the line.

    Attributes:
        start: where the word begins.
        candidates: sorted, in their own spelling.
    """

    start: int
    candidates: tuple[str, ...]

    def apply(self, line: str) -> str:
        """The line with as much as all candidates have in common; with a blank behind it if there is only one."""
        if not self.candidates:
            return line
        common = _common(self.candidates)
        written = line[self.start :]
        done = common if len(common) >= len(written) else written
        only = len(self.candidates) == 1 and not done.endswith("/")
        return line[: self.start] + done + (" " if only else "")


class Completer:
    """Knows what may stand where, for one bench.

    Args:
        network: its databases.
        restbus: what it plays.
        buses: their names.
    """

    def __init__(self, network: Network, restbus: Restbus, buses: Iterable[str]) -> None:
        refs = [SignalRef(bus, message, signal) for bus, message in network.messages() for signal in message.signals]
        often = Counter(ref.signal.name for ref in refs)
        self._network = network
        self._signals = [ref.signal.name if often[ref.signal.name] == 1 else str(ref) for ref in refs]
        self._buses = list(buses)
        sent = Counter(one.name for one in restbus.messages)
        self._messages = [one.name if sent[one.name] == 1 else f"{one.bus}::{one.name}" for one in restbus.messages]
        self._nodes = sorted({sender for one in restbus.messages for sender in one.message.senders})
        self._shown = [message.name for _, message in network.messages()]

    def complete(self, line: str) -> Completion:
        """What may stand at the end of this line."""
        begin = line.rfind(";") + 1
        begin += len(line[begin:]) - len(line[begin:].lstrip())
        words = line[begin:].split()
        signal = self._value_of(words, line[begin:])
        if signal:
            return self._labels(line, signal)
        start = len(line) - len(words[-1]) if words and not line.endswith(" ") else len(line)
        return _matching(line, start, self._next(words[: len(words) - (start < len(line))], begin > 0))

    def _value_of(self, words: list[str], part: str) -> str:
        """The signal whose value is being written; empty if none is."""
        if "=" in part:
            return part.partition("=")[0].removeprefix("set ").strip()
        complete = words if part.endswith(" ") else words[:-1]
        return complete[1] if len(complete) >= 2 and complete[0].lower() in ("set", "ramp") else ""

    def _labels(self, line: str, signal: str) -> Completion:
        try:
            ref = self._network.resolve(signal)
        except UsageError:
            return Completion(len(line), ())
        head, sign, tail = line.rpartition("=")
        start = len(head + sign) + len(tail) - len(tail.lstrip()) if sign else line.index(signal) + len(signal) + 1
        return _matching(line, start, ref.labels)

    def _next(self, words: list[str], more: bool) -> Iterable[str]:
        """What may come after these words."""
        if not words:
            return self._signals if more else [*filter(str.isalpha, COMMANDS), *self._signals]
        command, count = words[0].lower(), len(words)
        kinds: dict[str, Callable[[], Iterable[str]]] = {
            **dict.fromkeys(_SWITCHES, lambda: ("on", "off")),
            **dict.fromkeys(_OF_SIGNALS, lambda: self._signals),
            **dict.fromkeys(_OF_MESSAGES, lambda: self._messages),
            **dict.fromkeys(_OF_BUSES, lambda: self._buses),
            "show": lambda: ["faults", *self._shown, *self._nodes, *self._buses],
            "help": lambda: filter(str.isalpha, COMMANDS),
        }
        if command in ("stop", "resume"):
            return self._nodes if words[1:] == ["node"] else [*self._messages, "node"] if count == 1 else ()
        if command == "show" or count == 1:
            return kinds.get(command, tuple)()
        return ("off",) if count == 2 and command in ("freeze", "corrupt", "flood", "cycle", "length") else ()


def complete_path(line: str) -> Completion | None:
    """Files after `drive`; None if the line is about something else."""
    command, blank, written = line.partition(" ")
    if command.lower() != "drive" or not blank:
        return None
    found = sorted(glob.glob(f"{glob.escape(written)}*"))
    return Completion(len(command) + 1, tuple(f"{path}/" if os.path.isdir(path) else path for path in found))


def _matching(line: str, start: int, known: Iterable[str]) -> Completion:
    written = line[start:].lower()
    return Completion(start, tuple(sorted({word for word in known if word.lower().startswith(written)})))


def _common(words: tuple[str, ...]) -> str:
    """The longest beginning that all have, whatever the case; spelt as in the first."""
    first, last = min(words, key=str.lower), max(words, key=str.lower)
    pairs = zip(first.lower(), last.lower(), strict=False)
    return first[
        : next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(first), len(last)))
    ]
