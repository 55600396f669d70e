"""Lint: what is wrong or doubtful in a database, though it can be read. Worth running on a customer's.

Rules of this module: pure. The rules are tables in `hil.can.lint_signals`, `lint_messages` and `lint_protection`; what
only two buses together show is here. What was tolerated when a file was read is a finding too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from cantools.database.can import Database, Signal

from hil.can import lint_messages, lint_protection, lint_signals
from hil.can.lint_bus import Finding, Level, LintBus
from hil.can.tolerated import RULES as TOLERATED
from hil.can.tolerated import Tolerated
from hil.can.traits import AttributeNames

_RULES: Final = (*lint_messages.RULES, *lint_signals.RULES, *lint_protection.RULES)
_FILE: Final = "file:"
_LOSSES: Final = frozenset({"beyond", "length", "duplicate-message", "duplicate-signal", "multiplexing", "factor"})
"""What was tolerated at the price of a signal that is lost, or may be wrong."""
_FOUND_TOO: Final = frozenset({"overlap"})
"""What was tolerated, but can still be seen in the database."""
TITLES: Final = MappingProxyType(
    {rule.name: rule.title for rule in _RULES}
    | {_FILE + rule: f"in the file: {title}" for rule, title in TOLERATED.items()}
    | {"gateway": "gateways", "scaling": "one name, two scalings"}
)
"""Rule -> its heading."""
_LEVELS: Final = tuple(Level)


def lint(
    bus: str,
    database: Database,
    names: AttributeNames | None = None,
    bitrate: int = 500_000,
    data_bitrate: int | None = None,
    tolerated: Iterable[Tolerated] = (),
) -> list[Finding]:
    """What is wrong in one database, the worst first.

    Args:
        bus: what to call its bus.
        database: the network.
        names: which attribute says what; ours if None.
        bitrate: bit/s.
        data_bitrate: bit/s of the data phase; None: classic CAN.
        tolerated: what was tolerated when it was read.
    """
    linted = LintBus(bus, database, names or AttributeNames(), bitrate, data_bitrate)
    found = [finding for rule in _RULES for finding in rule.findings(linted)]
    return _sorted([*found, *_tolerated(tolerated)])


def _tolerated(tolerated: Iterable[Tolerated]) -> Iterator[Finding]:
    for one in tolerated:
        if one.rule not in _FOUND_TOO:
            level = Level.ERROR if one.rule in _LOSSES else Level.WARNING
            level = Level.INFO if one.rule == "unassigned" else level
            yield Finding(level, _FILE + one.rule, one.where, f"{one.what}; {one.done}", one.remedy)


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    """By level, then by rule as in the tables; within a rule as they were found."""
    order = {name: number for number, name in enumerate(TITLES)}
    return sorted(findings, key=lambda one: (_LEVELS.index(one.level), order[one.rule]))


# Several buses --------------------------------------------------------------------------------------------------------


def lint_together(buses: Sequence[LintBus]) -> list[Finding]:
    """What only several databases together show: gateways without source, one signal with two scalings."""
    return _sorted([*_gateways(buses), *_scalings(buses)])


def _gateways(buses: Sequence[LintBus]) -> Iterator[Finding]:
    for bus in buses:
        others = [other for other in buses if other is not bus]
        for message in bus.database.messages:
            traits = bus.traits.get(message.name)
            for name, source in (traits.gateway if traits else {}).items():
                yield from _gateway(f"{bus.at(message)}.{name}", message.get_signal_by_name(name), source, others)


def _gateway(where: str, copy: Signal, source: str, others: Sequence[LintBus]) -> Iterator[Finding]:
    found = _find(source, others)
    if not others:
        what = f"repeats {source}, which stands in no database given here"
        yield Finding(Level.INFO, "gateway", where, what, "lint all buses together.")
    elif found is None:
        what = f"repeats {source}, which no other bus has"
        yield Finding(Level.ERROR, "gateway", where, what, "correct the source: Message.Signal of another bus.")
    elif (found.unit or "") != (copy.unit or ""):
        what = f"repeats {source} in '{copy.unit or ''}', which is '{found.unit or ''}' there"
        yield Finding(Level.WARNING, "gateway", where, what, "give both the same unit.")


def _find(source: str, buses: Sequence[LintBus]) -> Signal | None:
    """A signal by `[bus::]Message.Signal`."""
    wanted, _, rest = source.rpartition("::")
    message_name, _, signal_name = rest.partition(".")
    for bus in buses:
        for message in bus.database.messages:
            if message.name == message_name and wanted in ("", bus.name):
                return next((signal for signal in message.signals if signal.name == signal_name), None)
    return None


def _scalings(buses: Sequence[LintBus]) -> Iterator[Finding]:
    """A quantity with one name on two buses in two units is an error waiting in every suite that says the name."""
    first: dict[str, tuple[str, Signal]] = {}
    for bus in buses:
        for name, (where, signal) in _quantities(bus).items():
            if name not in first:
                first[name] = where, signal
                continue
            there, other = first[name]
            if (signal.unit or "") != (other.unit or ""):
                what = f"is in '{signal.unit or ''}' here and in '{other.unit or ''}' at {there}"
                yield Finding(Level.WARNING, "scaling", where, what, "give both the same unit, or another name.")
            elif (signal.scale, signal.offset) != (other.scale, other.offset):
                what = f"has factor {signal.scale:g}, offset {signal.offset:g} here; "
                what += f"{other.scale:g}, {other.offset:g} at {there}"
                yield Finding(Level.INFO, "scaling", where, what)


def _quantities(bus: LintBus) -> dict[str, tuple[str, Signal]]:
    """Signals that measure something and have their name for themselves on this bus."""
    count: dict[str, int] = {}
    for _, signal in bus.signals:
        count[signal.name] = count.get(signal.name, 0) + 1
    return {
        signal.name: (bus.at(message, signal), signal)
        for message, signal in bus.signals
        if count[signal.name] == 1 and (signal.unit or signal.scale != 1 or signal.offset)
    }


def counts(findings: Iterable[Finding]) -> Mapping[Level, int]:
    """How many findings of each level there are."""
    levels = [finding.level for finding in findings]
    return {level: levels.count(level) for level in _LEVELS}


def as_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """The findings for a file."""
    return [
        {
            "level": f.level,
            "rule": f.rule,
            "title": TITLES[f.rule],
            "where": f.where,
            "what": f.what,
            "remedy": f.remedy,
        }
        for f in findings
    ]


__all__ = ["Finding", "Level", "LintBus", "TITLES", "as_json", "counts", "lint", "lint_together"]
