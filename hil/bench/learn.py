"""What `hil doctor --learn` proposes: a baseline for the monitors, from what was heard, to be approved by a person.

Rules of this module: pure; the bench file is never changed. It proposes what lets the monitors bear this ECU as it is,
and no more: a tolerance a little wider than was seen, an identifier by its number, a message by its name. What may be a
defect as well as a habit is not proposed but noted: checksums that are wrong now and then, another sender.

Not for: judging (`hil.bench.checkup_bus`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from cantools.database.can import Message

from hil.bench.checkup_bus import BusView, other_senders
from hil.bench.checkup_finding import listed, many
from hil.bench.config import BenchConfig
from hil.bench.watch import monitor_rules
from hil.can.monitor_findings import span
from hil.can.monitor_rules import Kind, Level, MonitorRules, Subject, exempt_ids
from hil.can.survey import Heard
from hil.can.traits import MessageTraits

ROOM: Final = 1.25
"""A proposed tolerance is so much wider than the worst that was seen."""
OTHER_CYCLE: Final = 0.2
"""A mean that is off by more is another cycle rather than a wider tolerance."""
_STEP_NS: Final = 100_000
_FEW: Final = 10
_CYCLES: Final = 3
"""For so many cycles it must have listened before a message counts as not there."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for one message.

    Attributes:
        message: `bus::Name`.
        key: `cycle`, `dlc`, `e2e` or `tolerance`.
        value: `off`, or the tolerance.
        why: what was seen.
    """

    message: str
    key: str
    value: str
    why: str


@dataclass(slots=True)
class Proposal:
    """What is proposed.

    Attributes:
        allow: identifiers, each with what was seen.
        rules: for messages.
        notes: what a person should look at instead.
    """

    allow: list[tuple[str, str]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def propose(config: BenchConfig, views: Iterable[BusView]) -> Proposal:
    """A baseline from what was heard on the buses."""
    proposal = Proposal()
    for view in views:
        rules = monitor_rules(config, view.network)
        proposal.allow += _strangers(view, rules)
        for message in view.network.databases[view.bus].messages:
            if set(message.senders) & set(view.section.real_nodes) & view.survey.nodes:
                _of_message(proposal, view, rules, message)
        proposal.notes += _notes(view)
    return proposal


def _strangers(view: BusView, rules: MonitorRules) -> Iterator[tuple[str, str]]:
    exempt = exempt_ids(view.network)
    for heard in sorted(view.survey.unknown, key=lambda one: one.key):
        subject = Subject(view.bus, "", heard.key[0], bool(heard.key[1]))
        if rules.allows(subject) or any(pattern.fits(subject) for pattern in exempt):
            continue
        every = f", every {_about(heard.mean_ns)} or so" if heard.count > 1 else ""
        lengths = " or ".join(map(str, sorted(heard.lengths))) or "no"
        yield f"{view.bus}::{heard.name}", f"{many(heard.count + heard.remote, 'frame')}{every}, {lengths} bytes"


def _of_message(proposal: Proposal, view: BusView, rules: MonitorRules, message: Message) -> None:
    traits = view.network.traits(view.bus, message)
    subject = Subject(view.bus, message.name, message.frame_id, message.is_extended_frame)
    levels, heard = rules.levels_of(subject), view.survey.of(message)
    if traits.is_diag:
        return
    if traits.cycle_ns and not (traits.is_nm or traits.active_only) and levels[Kind.CYCLE] is not Level.OFF:
        _cycle(proposal, view, message, traits, rules.tolerance_of(subject).of(traits.cycle_ns))
    if heard is not None and heard.count and levels[Kind.DLC] is not Level.OFF and heard.lengths != {message.length}:
        seen = " and ".join(map(str, sorted(heard.lengths)))
        proposal.rules.append(_rule(view, message, "dlc", "off", f"{seen} bytes, {message.length} due"))
    if heard is not None and heard.wrong_crc and levels[Kind.E2E] is not Level.OFF:
        _protection(proposal, view, message, heard)


def _rule(view: BusView, message: Message, key: str, value: str, why: str) -> Rule:
    return Rule(f"{view.bus}::{message.name}", key, value, why)


def _cycle(proposal: Proposal, view: BusView, message: Message, traits: MessageTraits, tolerance_ns: int) -> None:
    """A message that isn't there, has another cycle, or a wider one than is allowed."""
    heard, cycle_ns = view.survey.of(message), traits.cycle_ns
    due, listened = f"due every {span(cycle_ns)}", _about(view.listened_ns)
    if heard is None or not heard.count:
        if view.listened_ns < _CYCLES * cycle_ns:
            proposal.notes.append(f"{view.bus}::{message.name}, {due}, did not come in {listened}: listen for longer.")
        else:
            why = f"did not come in {listened}, {due}"
            proposal.rules.append(_rule(view, message, "cycle", "off", why))
        return
    if heard.count < 2:
        return
    early_ns = cycle_ns - heard.least_ns if traits.purely_cyclic else 0
    worst_ns = max(early_ns, heard.most_ns - cycle_ns)
    if worst_ns <= tolerance_ns:
        return
    seen = f"{span(heard.least_ns)} to {span(heard.most_ns)} apart ({heard.count - 1} times), {due}"
    if traits.purely_cyclic and abs(heard.mean_ns - cycle_ns) > OTHER_CYCLE * cycle_ns:
        why = f"{seen}: another cycle? Correct the database instead"
        proposal.rules.append(_rule(view, message, "cycle", "off", why))
        return
    few = "; few: listen for longer" if heard.count <= _FEW else ""
    proposal.rules.append(_rule(view, message, "tolerance", _wider(worst_ns), seen + few))


def _wider(worst_ns: int) -> str:
    steps = -(-round(worst_ns * ROOM) // _STEP_NS)
    return f"{steps * _STEP_NS / 1e6:g} ms"


def _protection(proposal: Proposal, view: BusView, message: Message, heard: Heard) -> None:
    """A message none of whose checksums is right has another protection, or none; one of some is broken."""
    if heard.wrong_crc == heard.count:
        why = f"no checksum of {many(heard.count, 'frame')} is right: not protected, or by another data id"
        proposal.rules.append(_rule(view, message, "e2e", "off", why))
    else:
        text = f"{view.bus}::{message.name}: {heard.wrong_crc} of {many(heard.count, 'frame')} have a wrong checksum"
        proposal.notes.append(f"{text}; that is a defect rather than a habit.")


def _notes(view: BusView) -> Iterator[str]:
    """What can't be borne by a rule."""
    others = other_senders(view)
    if others:
        nodes = sorted({node for each in others if each.message for node in each.message.senders})
        names = listed(each.name for each in others)
        yield f"{view.bus}: somebody else sends {names}; are {', '.join(nodes)} really there (real_nodes)?"
    silent = [node for node in view.section.real_nodes if node not in view.survey.nodes]
    if silent:
        yield f"{view.bus}: nothing came of {', '.join(silent)}; was the ECU awake (--power)?"
    told = [each for each in view.irregular if each.kind is Kind.E2E and not _has_wrong_crc(view, each.message)]
    yield from (f"{each.what}; that is a defect rather than a habit." for each in told)


def _has_wrong_crc(view: BusView, name: str) -> bool:
    return any(heard.name == name and heard.wrong_crc for heard in view.survey.known)


def _about(duration_ns: int) -> str:
    """A duration to three digits or so: a mean, or for how long it listened."""
    digits = max(0, len(str(duration_ns)) - 3)
    return span(round(duration_ns, -digits))


# The file -------------------------------------------------------------------------------------------------------------


def as_toml(config: BenchConfig, proposal: Proposal, *, listened_ns: int, made: str) -> str:
    """The proposal as a file.

    Args:
        config: the bench file that it is for.
        proposal: what is proposed.
        listened_ns: for how long it listened.
        made: date and time.
    """
    heard = _about(listened_ns)
    lines = [
        f"# Proposed by 'hil doctor --learn' for bench '{config.bench.name}', {made}, from {heard} of listening.",
        "# Read each line: what is a defect of the ECU doesn't belong here. Then copy the rest into the bench file.",
        "# Approved by:                          on:",
        "",
    ]
    if proposal.notes:
        lines += ["# Not proposed, to be looked at:", *(f"# - {note}" for note in proposal.notes), ""]
    lines += _allow_lines(config, proposal)
    for rule in proposal.rules:
        lines += ["[[monitors.rule]]", f"messages = [{_text(rule.message)}]  # {rule.why}"]
        lines += [f"{rule.key} = {_text(rule.value)}", ""]
    if not (proposal.allow or proposal.rules):
        lines.append("# Nothing needs a rule: what was heard is as the databases and the bench file say.")
    return "\n".join(lines).rstrip() + "\n"


def _allow_lines(config: BenchConfig, proposal: Proposal) -> list[str]:
    """The whole list: what the bench file allows already stands in it too."""
    if not proposal.allow:
        return []
    before = [f"    {_text(text)}," for text in config.monitors.allow]
    new = [f"    {_text(text)},  # {why}" for text, why in proposal.allow]
    return ["[monitors]", "allow = [", *before, *new, "]", ""]


def _text(text: str) -> str:
    return json.dumps(text)


__all__ = ["Proposal", "Rule", "as_toml", "propose"]
