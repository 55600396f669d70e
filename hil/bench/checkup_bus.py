"""What a check-up makes of what it heard on one bus: speed, identifiers, cycles, nodes, other senders, stamps.

Rules of this module: pure. What the monitors would hold against the ECU is judged by them; their levels and tolerances
of the bench file count here too. A bus on which nothing came proves nothing, and that is said.

Not for: listening (`hil.bench.checkup`); proposing other rules (`hil.bench.learn`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from cantools.database.can import Message

from hil import units
from hil.bench.checkup_finding import Finding, Mark, When, listed
from hil.bench.config import BusSection
from hil.can.database import Network
from hil.can.frames import EXTENDED
from hil.can.gaps import Gap
from hil.can.monitor_findings import Finding as Irregular
from hil.can.monitor_rules import Kind, Level
from hil.can.survey import BusSurvey, Heard
from hil.journal import Origin

_MARKS: Final = {Level.FAULT: Mark.FAULT, Level.FAIL: Mark.FAULT, Level.WARN: Mark.NOTE, Level.OFF: Mark.OK}
_MANY_ERRORS: Final = 0.01
_FITS: Final = 0.8
"""Which share of the unknown identifiers another bus must know for the two to be taken for swapped."""
_FEW: Final = 3
_LOOK_AWAKE: Final = "'hil doctor --power' powers the ECU and looks again."


@dataclass(frozen=True, slots=True)
class BusView:
    """What there is to judge.

    Attributes:
        bus: its name.
        section: what the bench file says of it.
        survey: what was heard.
        irregular: what the monitors found on it.
        network: all databases.
        plays: whether the restbus plays a message of it.
        listened_ns: for how long.
        when: the part of the check-up.
        gaps: frames that were on the bus and never reached the bench.
        late_ns: how late the machine was at most meanwhile: so much stamps of the host may be wrong.
        bound_ns: bound on the error of the port's stamps; None: the port gives none.
        will_power: whether the ECU is going to be powered yet.
    """

    bus: str
    section: BusSection
    survey: BusSurvey
    irregular: list[Irregular]
    network: Network
    plays: Callable[[str, str], bool]
    listened_ns: int
    when: When
    gaps: tuple[Gap, ...] = ()
    late_ns: int = 0
    bound_ns: int | None = None
    will_power: bool = False

    @property
    def is_awake(self) -> bool:
        """Whether the ECU was powered and the restbus on."""
        return self.when is When.AWAKE

    @property
    def is_silent(self) -> bool:
        """Whether nothing at all was heard."""
        return not (self.survey.frames or self.survey.errors)

    def row(self, check: str, found: str, mark: Mark = Mark.OK, remedy: str = "") -> Finding:
        """A row of this bus."""
        return Finding(f"bus.{self.bus}", check, found, mark, remedy, self.when)

    def of_kind(self, *kinds: Kind) -> list[Irregular]:
        """What the monitors found of these kinds, and the bench file cares for."""
        return [each for each in self.irregular if each.kind in kinds and each.level is not Level.OFF]


def judge(view: BusView) -> list[Finding]:
    """All rows of a bus."""
    rows: list[Finding] = []
    for look in (_speed, _heard, _strangers, _nodes, _cycles, _content, _senders, _stamps, _lost):
        rows += look(view)
    return rows


def other_senders(view: BusView) -> list[Heard]:
    """Messages that somebody else sends, though the restbus would."""
    known = view.survey.known
    return [each for each in known if each.message and each.count and view.plays(view.bus, each.message.name)]


def may_send(rows: Iterable[Finding]) -> bool:
    """Whether nothing that was heard forbids to send: no other sender, and a speed that fits."""
    return not any(row.mark is Mark.FAULT and row.check in ("senders", "speed") for row in rows)


# The looks ------------------------------------------------------------------------------------------------------------


def _speed(view: BusView) -> Iterator[Finding]:
    """What the frames say of the bit rate; what the kernel says is asked elsewhere."""
    good, errors, rate = view.survey.frames, view.survey.errors, show_rate(view.section)
    if errors and not good:
        mend = "check the bit rate of the bench file against the ECU's, CAN_H and CAN_L, and 60 ohms between them."
        yield view.row("speed", f"nothing but {errors} error frames at {rate}", Mark.FAULT, mend)
    elif errors > good * _MANY_ERRORS:
        mend = "check termination, ground and sample point."
        yield view.row("speed", f"{errors} error frames beside {good} good ones at {rate}", Mark.NOTE, mend)
    elif good:
        yield view.row("speed", f"frames are read without errors at {rate}")


def _heard(view: BusView) -> Iterator[Finding]:
    span, survey = units.show_duration(view.listened_ns), view.survey
    if view.is_silent:
        yield _silence(view, span)
        return
    load = survey.busy_ns / view.listened_ns
    counts = f"{len(survey.known)} known, {len(survey.unknown)} unknown"
    yield view.row("heard", f"{survey.frames} frames in {span}, identifiers: {counts}; load {load:.1%}")


def _silence(view: BusView, span: str) -> Finding:
    if not view.section.real_nodes:
        return view.row("heard", f"silent for {span}: the bench plays all its nodes")
    if view.is_awake:
        return view.row("heard", f"silent for {span}, so its bit rate is not proven", Mark.FAULT, _WIRE)
    found = f"silent for {span}, as a bus is while its ECU has no power; the bit rate is not proven yet"
    return view.row("heard", found, Mark.OK if view.will_power else Mark.NOTE, "" if view.will_power else _LOOK_AWAKE)


_WIRE: Final = "check that the channel is wired to this bus, that the ECU is powered, and that real_nodes is right."


def _strangers(view: BusView) -> Iterator[Finding]:
    """Identifiers that no database of the bus has: a few, those of another bus, or nearly all."""
    unknown, known = view.survey.unknown, view.survey.known
    told = view.of_kind(Kind.UNDEFINED)
    other = _fits_better(view, unknown)
    database = view.section.database.name
    if other and len(unknown) > len(known):
        count = sum(_has(view.network, other, each) for each in unknown)
        what = f"{count} of the {len(unknown)} identifiers that {database} lacks are of bus.{other}: swapped?"
        yield view.row("identifiers", what, Mark.FAULT, "swap the channels of the two in the bench file, or the plugs.")
    elif len(unknown) >= _FEW and len(unknown) > len(known):
        what = f"{len(unknown)} of {len(unknown) + len(known)} are not in {database}: {_ids(unknown)}"
        mend = "check that the database is that of this bus, of the ECU's version, and that the channel is this bus."
        yield view.row("identifiers", what, Mark.FAULT, mend)
    elif told:
        mend = "add them to the database, or allow them: 'hil doctor --learn FILE' proposes how."
        names = listed(each.message for each in told)
        yield view.row("identifiers", f"not in {database}: {names}", _worst(told), mend)


def _fits_better(view: BusView, unknown: list[Heard]) -> str:
    """The other bus whose database knows most of what this one doesn't; empty if there is none."""
    for other in view.network.databases:
        if other != view.bus and unknown and _share(view.network, other, unknown) >= _FITS:
            return other
    return ""


def _share(network: Network, bus: str, heard: list[Heard]) -> float:
    return sum(_has(network, bus, each) for each in heard) / len(heard)


def _has(network: Network, bus: str, heard: Heard) -> bool:
    messages = network.databases[bus].messages
    return any(_key(message) == heard.key for message in messages)


def _key(message: Message) -> tuple[int, int]:
    return message.frame_id, EXTENDED if message.is_extended_frame else 0


def _ids(heard: Iterable[Heard]) -> str:
    return listed(each.name for each in sorted(heard, key=lambda one: one.key))


def _nodes(view: BusView) -> Iterator[Finding]:
    """Real nodes of which nothing came, where something should."""
    real = view.section.real_nodes
    silent = [node for node in real if node not in view.survey.nodes]
    expected = view.is_awake or not view.section.restbus
    if not real or view.is_silent:
        return
    if not silent:
        yield view.row("nodes", f"heard: {', '.join(real)}")
    elif expected:
        yield view.row("nodes", f"silent: {', '.join(silent)}", Mark.FAULT, _WIRE)
    else:
        rest = "" if view.will_power else _LOOK_AWAKE
        yield view.row("nodes", f"silent: {', '.join(silent)}", Mark.OK if view.will_power else Mark.NOTE, rest)


def _cycles(view: BusView) -> Iterator[Finding]:
    """Messages of the real nodes that came too early, too late, or not."""
    told = view.of_kind(Kind.CYCLE) if view.survey.frames else []
    watched = sum(_is_cyclic(view, each) for each in view.survey.known)
    if not told:
        if watched:
            yield view.row("cycles", f"kept; {watched} messages of the real nodes")
        return
    mark, mend = _worst(told), "correct the database or the ECU; 'hil doctor --learn FILE' proposes a tolerance."
    if Origin.HOST in view.survey.origins and view.late_ns > _least_tolerance_ns(view, told):
        late = units.show_duration(view.late_ns)
        mark, mend = Mark.NOTE, f"not proven: this machine was late by {late}; free it of other work, and look again."
    yield view.row("cycles", _first_of(told), mark, mend)


def _is_cyclic(view: BusView, heard: Heard) -> bool:
    message = heard.message
    if message is None or heard.count < 2 or not set(message.senders) & set(view.section.real_nodes):
        return False
    traits = view.network.traits(view.bus, message)
    return bool(traits.cycle_ns) and not (traits.is_nm or traits.is_diag or traits.active_only)


def _least_tolerance_ns(view: BusView, told: Iterable[Irregular]) -> int:
    names = {each.message for each in told}
    cycles = [
        view.network.traits(view.bus, message).cycle_ns
        for message in view.network.databases[view.bus].messages
        if message.name in names
    ]
    return min((cycle for cycle in cycles if cycle), default=0) // 10


def _content(view: BusView) -> Iterator[Finding]:
    """Lengths and protection that aren't as the database says."""
    told = view.of_kind(Kind.DLC)
    if told:
        mend = "is the database that of the ECU's version? 'hil doctor --learn FILE' proposes a rule."
        yield view.row("lengths", _first_of(told), _worst(told), mend)
    told = view.of_kind(Kind.E2E)
    if told:
        mend = "check profile, data id and offset in the database; 'hil doctor --learn FILE' proposes a rule."
        yield view.row("protection", _first_of(told), _worst(told), mend)


def _first_of(told: list[Irregular]) -> str:
    more = f" (and {len(told) - 1} messages more)" if len(told) > 1 else ""
    return f"{told[0].what}{more}"


def _worst(told: Iterable[Irregular]) -> Mark:
    marks = [_MARKS[each.level] for each in told]
    return Mark.FAULT if Mark.FAULT in marks else Mark.NOTE


def _senders(view: BusView) -> Iterator[Finding]:
    """Somebody else who sends what the restbus would."""
    others = other_senders(view)
    if others:
        nodes = sorted({node for each in others if each.message for node in each.message.senders})
        what = f"somebody else sends {_ids(others)} of {listed(nodes)}, which the restbus plays"
        mend = "stop the other sender, or name the node in real_nodes; --transmit sends anyway."
        level = {each.message: each.level for each in view.irregular if each.kind is Kind.FOREIGN}
        borne = all(level.get(each.name) in (Level.WARN, Level.OFF) for each in others)
        yield view.row("senders", what, Mark.NOTE if borne else Mark.FAULT, "" if borne else mend)
    elif view.section.restbus and not view.is_awake:
        yield view.row("senders", "nobody else sends what the restbus plays")


def _stamps(view: BusView) -> Iterator[Finding]:
    """Where stamps come from, and how well they are known."""
    for origin in sorted(view.survey.origins, key=lambda one: one.value):
        text = _STAMPS[origin]
        if origin is Origin.HOST:
            yield view.row("stamps", f"{text}; it was late by up to {units.show_duration(view.late_ns)}")
        elif view.bound_ns is not None and origin is not Origin.SIM:
            yield view.row("stamps", f"{text}, within {units.show_duration(view.bound_ns)} of the bench's clock")
        else:
            yield view.row("stamps", text)


def _lost(view: BusView) -> Iterator[Finding]:
    """Frames that never reached the bench."""
    if view.gaps:
        count = sum(gap.count for gap in view.gaps)
        what = f"{count or 'an unknown number of'} frames lost: {view.gaps[0].why}"
        mend = "free this machine of other work, or take an adapter with a larger buffer."
        yield view.row("lost", what, Mark.FAULT, mend)


_STAMPS: Final = {
    Origin.SIM: "of the simulated wire, exact",
    Origin.KERNEL: "of the kernel",
    Origin.HARDWARE: "of the adapter",
    Origin.HOST: "of this machine, when a frame reached the program",
}


def show_rate(section: BusSection) -> str:
    """The bit rates of a bus: `500 kbit/s, data 2000 kbit/s`."""
    data = f", data {section.data_bitrate / 1000:g} kbit/s" if section.data_bitrate else ""
    return f"{section.bitrate / 1000:g} kbit/s{data}"


__all__ = ["BusView", "judge", "may_send", "other_senders", "show_rate"]
