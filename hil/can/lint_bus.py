"""What lint works on: one bus with its database and what that says of each message; and the findings that it makes.

Rules of this module: pure. A finding names one place, says what is wrong there and how to mend it. Levels: an *error*
is wrong on the bus or can't be tested; a *warning* is wrong or missing in the database; *info* is worth knowing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from cantools.database.can import Database, Message, Signal

from hil.can.traits import AttributeNames, MessageTraits, message_traits
from hil.errors import UsageError


class Level(StrEnum):
    """How bad it is, the worst first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that lint found.

    Attributes:
        level: how bad it is.
        rule: which rule, by its short name.
        where: `bus::Message.Signal`, or a file with its line.
        what: what is wrong.
        remedy: how to mend it; a sentence.
    """

    level: Level
    rule: str
    where: str
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding before its rule is known; `level` only where it isn't the rule's own."""

    where: str
    what: str
    remedy: str = ""
    level: Level | None = None


@dataclass(frozen=True)
class LintBus:
    """One bus.

    Attributes:
        name: of the bus.
        database: its network.
        names: which attribute says what.
        bitrate: bit/s.
        data_bitrate: bit/s of the data phase; None: classic CAN.
    """

    name: str
    database: Database
    names: AttributeNames = field(default_factory=AttributeNames)
    bitrate: int = 500_000
    data_bitrate: int | None = None

    def at(self, message: Message, signal: Signal | None = None) -> str:
        """A place for people."""
        return f"{self.name}::{message.name}" + (f".{signal.name}" if signal else "")

    @cached_property
    def traits(self) -> dict[str, MessageTraits]:
        """What is said of each message of which something can be understood."""
        found = {}
        for message in self.database.messages:
            try:
                found[message.name] = message_traits(message, self.names)
            except UsageError:
                continue  # the rule "attribute" says so
        return found

    @property
    def signals(self) -> Iterable[tuple[Message, Signal]]:
        """Every signal with its message."""
        return ((message, signal) for message in self.database.messages for signal in message.signals)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: short.
        level: of its findings, unless one says otherwise.
        title: what it finds, as a heading.
        find: the findings on one bus.
    """

    name: str
    level: Level
    title: str
    find: Callable[[LintBus], Iterable[Found]]

    def findings(self, bus: LintBus) -> list[Finding]:
        """Its findings on a bus."""
        return [Finding(one.level or self.level, self.name, one.where, one.what, one.remedy) for one in self.find(bus)]


def few(names: Iterable[str], most: int = 6) -> str:
    """Some of many names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


__all__ = ["Finding", "Found", "Level", "LintBus", "Rule", "few"]
