"""Which irregularities of a bus matter: of each kind `fault`, `fail`, `warn` or `off`, by default and per message.

Rules of this module: pure. A rule names messages by `[bus::]NAME`, where * and ? stand for any characters, or by
identifier: `0x7A0`, `0x700-0x7FF`, `0x18FF0000x` (29 bits). Of several rules that fit the last one counts, for each
kind on its own. A name that fits nothing is a usage error: misspelt, a rule would silently do nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

from hil import units
from hil.can.database import Network
from hil.errors import UsageError
from hil.nearest import did_you_mean


class Kind(StrEnum):
    """What is watched."""

    CYCLE = "cycle"
    DLC = "dlc"
    E2E = "e2e"
    UNDEFINED = "undefined"
    ERROR_FRAMES = "error_frames"
    FOREIGN = "foreign"


class Level(StrEnum):
    """What a finding is worth; `FAULT`: the bench is not what its file says, so nothing can be judged on it."""

    FAULT = "fault"
    FAIL = "fail"
    WARN = "warn"
    OFF = "off"


DEFAULT_LEVELS: Final = MappingProxyType(
    {
        Kind.CYCLE: Level.FAIL,
        Kind.DLC: Level.FAIL,
        Kind.E2E: Level.FAIL,
        Kind.UNDEFINED: Level.FAIL,
        Kind.ERROR_FRAMES: Level.WARN,
        Kind.FOREIGN: Level.FAULT,
    }
)
_IDS: Final = re.compile(r"0x([0-9a-f]+)(x?)(?:\s*-\s*0x([0-9a-f]+)(x?))?", re.IGNORECASE)
_TOLERANCE: Final = re.compile(r"\s*(?:([\d.]+)\s*%)?\s*(?:\+)?\s*(.*?)\s*")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how much the distance of two frames may differ from the cycle; the bench's jitter comes on top.

    Attributes:
        share: share of the cycle.
        fixed_ns: and this much more.
    """

    share: float = 0.1
    fixed_ns: int = 0

    def of(self, cycle_ns: int) -> int:
        """The tolerance of a cycle, nanoseconds."""
        return round(cycle_ns * self.share) + self.fixed_ns


def tolerance(text: str) -> Tolerance:
    """A tolerance as a bench file states it: `10 %`, `5 ms`, `10 % + 5 ms`.

    Raises:
        UsageError: it is none.
    """
    match = _TOLERANCE.fullmatch(text)
    try:
        if match is None or not (match[1] or match[2]):
            raise ValueError(text)
        return Tolerance(float(match[1] or 0) / 100, units.nanoseconds(match[2]) if match[2] else 0)
    except (ValueError, UsageError):
        mend = "write it like '10 %', '5 ms' or '10 % + 5 ms'."
        raise UsageError(f"'{text}' is no tolerance", remedy=mend) from None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a pattern may fit: a message, or an identifier that no database has (its name is empty)."""

    bus: str
    name: str
    can_id: int
    extended: bool


@dataclass(frozen=True, slots=True)
class Pattern:
    """Messages or identifiers.

    Attributes:
        text: as it was written.
        bus: name of the bus, with * and ?.
        name: name of the message, with * and ?; empty if it is by identifier.
        first: first identifier.
        last: last identifier.
        extended: whether identifiers have 29 bits.
    """

    text: str
    bus: str
    name: str = ""
    first: int = 0
    last: int = -1
    extended: bool = False

    def fits(self, subject: Subject) -> bool:
        """Whether it means this one."""
        if not fnmatchcase(subject.bus, self.bus):
            return False
        if self.name:
            return fnmatchcase(subject.name, self.name)
        return subject.extended == self.extended and self.first <= subject.can_id <= self.last


def pattern(text: str) -> Pattern:
    """A pattern as a bench file states it.

    Raises:
        UsageError: it is none.
    """
    bus, _, what = text.strip().rpartition("::")
    ids = _IDS.fullmatch(what)
    if ids is None:
        if not what or what.lower().startswith("0x"):
            mend = "write CLU_*, body::CLU_Status, 0x7A0, 0x700-0x7FF or 0x18FF0000x."
            raise UsageError(f"'{text}' is neither a message nor an identifier", remedy=mend)
        return Pattern(text, bus or "*", what)
    first, extended = int(ids[1], 16), bool(ids[2])
    last = int(ids[3], 16) if ids[3] else first
    if last < first or last > (0x1FFFFFFF if extended else 0x7FF) or (ids[3] and bool(ids[4]) != extended):
        mend = "11 bits up to 0x7FF; 29 bits with an x at the end of each, up to 0x1FFFFFFFx."
        raise UsageError(f"'{text}' is no range of identifiers", remedy=mend)
    return Pattern(text, bus or "*", "", first, last, extended)


@dataclass(frozen=True, slots=True)
class Rule:
    """What is different for some messages.

    Attributes:
        patterns: which.
        levels: levels of the kinds that the rule states.
        tolerance: tolerance of their cycle; None: not stated.
    """

    patterns: tuple[Pattern, ...]
    levels: Mapping[Kind, Level] = field(default_factory=dict)
    tolerance: Tolerance | None = None

    def fits(self, subject: Subject) -> bool:
        """Whether the rule is for this one."""
        return any(pattern.fits(subject) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class MonitorRules:
    """All rules of a bench.

    Attributes:
        levels: what each kind is worth where no rule says otherwise; a kind that isn't stated has its default.
        tolerance: tolerance of cycles where no rule says otherwise.
        rules: what is different for some messages; of several that fit the last counts.
        allow: identifiers that may be on a bus though no database has them.
    """

    levels: Mapping[Kind, Level] = field(default_factory=dict)
    tolerance: Tolerance = field(default_factory=Tolerance)
    rules: tuple[Rule, ...] = ()
    allow: tuple[Pattern, ...] = ()

    def levels_of(self, subject: Subject) -> dict[Kind, Level]:
        """What each kind is worth for this one."""
        levels = {**DEFAULT_LEVELS, **self.levels}
        for rule in self.rules:
            if rule.fits(subject):
                levels |= rule.levels
        return levels

    def tolerance_of(self, subject: Subject) -> Tolerance:
        """The tolerance of its cycle."""
        stated = [rule.tolerance for rule in self.rules if rule.tolerance is not None and rule.fits(subject)]
        return stated[-1] if stated else self.tolerance

    def allows(self, subject: Subject) -> bool:
        """Whether it may be there though no database has it."""
        return any(pattern.fits(subject) for pattern in self.allow)


def check_rules(rules: MonitorRules, network: Network) -> None:
    """Refuse patterns that fit no bus or no message of the databases; identifiers may well be in none.

    Raises:
        UsageError: with the nearest name.
    """
    subjects = [subject_of(network, bus, message.name) for bus, message in network.messages()]
    for each in rules.allow:
        if each.name:
            what = f"'{each.text}' is no identifier"
            raise UsageError(what, remedy="allow takes identifiers like 0x7A0; for a message write a rule.")
    for each in (*(pattern for rule in rules.rules for pattern in rule.patterns), *rules.allow):
        buses = [bus for bus in network.databases if fnmatchcase(bus, each.bus)]
        if not buses:
            raise UsageError(f"'{each.text}' names no bus of this bench", remedy=f"{', '.join(network.databases)}.")
        if each.name and not any(each.fits(subject) for subject in subjects):
            mend = _nearest(each.name, [subject.name for subject in subjects if subject.bus in buses])
            raise UsageError(f"'{each.text}' fits no message of this bench", remedy=mend)


def subject_of(network: Network, bus: str, name: str) -> Subject:
    """A message of the databases."""
    message = network.databases[bus].get_message_by_name(name)
    return Subject(bus, name, message.frame_id, message.is_extended_frame)


def _nearest(name: str, known: Iterable[str]) -> str:
    return did_you_mean(name, known, "'hil signals' lists them with their signals.", quote="")


def exempt_ids(network: Network) -> list[Pattern]:
    """Ranges of network management identifiers that databases state (`NmAsrBaseAddress`, `NmAsrMessageCount`)."""
    found = []
    for bus, database in network.databases.items():
        base, count = (_attribute(database, name) for name in ("NmAsrBaseAddress", "NmAsrMessageCount"))
        if base and count:
            extended, base = base > 0x7FF, base & 0x1FFFFFFF  # bit 31 marks 29 bits in a DBC
            text = f"{bus}::{base:#x}-{base + count - 1:#x}"
            found.append(Pattern(text, bus, "", base, base + count - 1, extended))
    return found


def _attribute(database: object, name: str) -> int:
    specifics = getattr(database, "dbc", None)
    own = specifics.attributes.get(name) if specifics is not None else None
    definition = specifics.attribute_definitions.get(name) if specifics is not None else None
    value = own.value if own is not None else getattr(definition, "default_value", None)
    return int(value) if isinstance(value, int | float) else 0


__all__ = [
    "DEFAULT_LEVELS", "Kind", "Level", "MonitorRules", "Pattern", "Rule", "Subject", "Tolerance", "check_rules",
    "exempt_ids", "pattern", "subject_of", "tolerance",
]  # fmt: skip
