"""Lint rules about messages: when they are sent, who sends them, identifiers, lengths, the load of the bus.

Rules of this module: pure. What all messages of a bus lack is one finding, with the attribute that may say it in the
customer's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from cantools.database.can import Database, Message

from hil.can.frames import BRS, EXTENDED, FD, show_id
from hil.can.lint_bus import Found, Level, LintBus, Rule, few
from hil.can.placement import FD_LENGTHS
from hil.can.send_types import read_send_type
from hil.can.traits import NAMES, MessageTraits, message_traits, nm_nodes
from hil.errors import UsageError

_SHORTEST_NS: Final = 5_000_000
_LONGEST_NS: Final = 60_000_000_000
_MOST_LOAD: Final = 0.6
_LIKE_A_CYCLE: Final = re.compile(r"cyc|zyk|period|interval|intervall|repetition ?time|wiederhol", re.IGNORECASE)
_OBD: Final = frozenset({0x7DF, *range(0x7E0, 0x7F0)})
"""ISO 15765-4: functional request, physical requests and responses."""
_NORMAL_FIXED: Final = (0x18DA0000, 0x18DBFFFF)
"""ISO 15765-2, normal fixed addressing: physical and functional."""


# Attributes -----------------------------------------------------------------------------------------------------------


def _attribute(bus: LintBus) -> Iterator[Found]:
    for message in bus.database.messages:
        try:
            message_traits(message, bus.names)
        except UsageError as error:
            yield Found(f"{bus.name}::{error.where}", error.what, error.remedy)


def _mapping(bus: LintBus) -> Iterator[Found]:
    """Attributes that the bench file names, but the database doesn't have."""
    known = _definitions(bus.database)
    for role in sorted(bus.names.mapped):
        name = bus.names.name(role)
        if name not in known:
            near = [other for other in known if other.lower() == name.lower()] or sorted(known)
            what = f"{role} is mapped to '{name}', which the database doesn't define"
            yield Found(bus.name, what, f"it defines {few(near)}." if near else "it defines no attributes.")


def _definitions(database: Database) -> list[str]:
    specifics = database.dbc
    return list(specifics.attribute_definitions or {}) if specifics else []


# When they are sent ---------------------------------------------------------------------------------------------------


def _cycle(bus: LintBus) -> Iterator[Found]:
    sent = [(message, bus.traits[message.name]) for message in bus.database.messages if message.name in bus.traits]
    sent = [(message, traits) for message, traits in sent if not (traits.is_nm or traits.is_diag)]
    silent = [message for message, traits in sent if not traits.cycle_ns and not _says_when(bus, message)]
    if silent and len(silent) == len(sent) and len(sent) > 1:
        yield _no_cycles(bus, len(sent))
        return
    for message in silent:
        what = "has no cycle time, and nothing says that it is sent on an event"
        yield Found(bus.at(message), what, f"set {bus.names.name('cycle_time')} or {bus.names.name('send_type')}.")


def _says_when(bus: LintBus, message: Message) -> bool:
    """Whether the message or one of its signals is sent on an event."""
    words = [bus.names.of(message, "send_type") or message.send_type]
    words += [bus.names.of(signal, "signal_send_type") for signal in message.signals]
    said = [read_send_type(word, message.name) for word in words]
    return any(one is not None and one[0] != "cyclic" for one in said)


def _no_cycles(bus: LintBus, count: int) -> Found:
    like = [name for name in _definitions(bus.database) if _LIKE_A_CYCLE.search(name)]
    like = [name for name in like if name not in NAMES.values()]
    mend = f'map it in the bench file: attributes = {{ cycle_time = "{like[0]}" }}.' if like else ""
    mend = mend or f"map the attribute that says it, or set {bus.names.name('cycle_time')}."
    return Found(bus.name, f"none of {count} messages says when it is sent", mend)


def _implausible(bus: LintBus) -> Iterator[Found]:
    for message in bus.database.messages:
        cycle_ns = bus.traits[message.name].cycle_ns if message.name in bus.traits else 0
        if 0 < cycle_ns < _SHORTEST_NS or cycle_ns > _LONGEST_NS:
            what = f"has a cycle time of {cycle_ns / 1e6:g} ms"
            yield Found(bus.at(message), what, "give it in ms.")


# The load of the bus --------------------------------------------------------------------------------------------------


def worst_bits(message: Message, flags: int) -> tuple[int, int]:
    """Bits of the longest frame of a message, at the nominal and at the data rate, with three bits of intermission.

    Classic: g + 8s + 13 + floor((g + 8s - 1) / 4), g = 34 bits for 11-bit identifiers and 54 for 29
    (Davis, Burns, Bril, Lukkien: Controller Area Network schedulability analysis, Real-Time Systems 35, 2007).
    CAN FD (ISO 11898-1:2015): stuffed are the header (17 or 36 bits to the bit-rate switch), 5 bits to the length code,
    and the data; then come stuff count, CRC and fixed stuff bits (27 bits, 32 beyond 16 bytes), a delimiter, 12 bits.
    """
    size = message.length
    if not flags & FD:
        stuffed = (54 if flags & EXTENDED else 34) + 8 * size
        return stuffed + 13 + (stuffed - 1) // 4, 0
    header = 36 if flags & EXTENDED else 17
    stuffed = header + 5 + 8 * size
    nominal = header + (header - 1) // 4 + 12
    fast = stuffed + (stuffed - 1) // 4 - header - (header - 1) // 4 + (27 if size <= 16 else 32) + 1
    return (nominal, fast) if flags & BRS else (nominal + fast, 0)


def bus_load(bus: LintBus) -> float:
    """The part of the time that cyclic messages take, at the worst stuffing; events are not in it."""
    load = 0.0
    for message in bus.database.messages:
        traits = bus.traits.get(message.name)
        if traits and traits.cycle_ns and not traits.is_diag:
            load += _frame_ns(bus, message, traits) / traits.cycle_ns
    return load


def _frame_ns(bus: LintBus, message: Message, traits: MessageTraits) -> float:
    nominal, fast = worst_bits(message, traits.flags)
    return 1e9 * (nominal / bus.bitrate + fast / (bus.data_bitrate or bus.bitrate))


def _load(bus: LintBus) -> Iterator[Found]:
    load = bus_load(bus)
    if not load:
        return
    rate = f"{bus.bitrate / 1000:g} kbit/s" + (f" and {bus.data_bitrate / 1e6:g} Mbit/s" if bus.data_bitrate else "")
    what = f"{100 * load:.1f} % at {rate}: cyclic messages at the longest stuffing, without events"
    level = Level.ERROR if load > 1 else Level.WARNING if load > _MOST_LOAD else Level.INFO
    mend = "" if level is Level.INFO else f"most of it: {few(_heaviest(bus), 3)}."
    yield Found(bus.name, what, mend, level)


def _heaviest(bus: LintBus) -> list[str]:
    loads = {
        message.name: _frame_ns(bus, message, traits) / traits.cycle_ns
        for message in bus.database.messages
        if (traits := bus.traits.get(message.name)) and traits.cycle_ns
    }
    return [f"{name} {100 * load:.1f} %" for name, load in sorted(loads.items(), key=lambda item: -item[1])]


# Identifiers, lengths -------------------------------------------------------------------------------------------------


def _twice(bus: LintBus) -> Iterator[Found]:
    ids: dict[tuple[bool, int], str] = {}
    names: set[str] = set()
    for message in bus.database.messages:
        key = (message.is_extended_frame, message.frame_id)
        if key in ids:
            can_id = show_id(message.frame_id, EXTENDED if message.is_extended_frame else 0)
            what = f"has the identifier {can_id} of {ids[key]}"
            yield Found(bus.at(message), what, "give one of them another.")
        if message.name in names:
            yield Found(bus.at(message), "is the name of two messages", "rename one of them.")
        ids.setdefault(key, message.name)
        names.add(message.name)


def _length(bus: LintBus) -> Iterator[Found]:
    for message in bus.database.messages:
        if message.is_fd and message.length not in FD_LENGTHS:
            what = f"has {message.length} bytes, which is no CAN FD length"
            yield Found(bus.at(message), what, "give it 12, 16, 20, 24, 32, 48 or 64 bytes.")
        elif message.length > 8 and not message.is_fd:
            what = f"has {message.length} bytes, but isn't CAN FD"
            yield Found(bus.at(message), what, "mark it as CAN FD, or correct its length.")


def _fd(bus: LintBus) -> Iterator[Found]:
    wide = [message.name for message in bus.database.messages if message.is_fd]
    if wide and bus.data_bitrate is None:
        mend = "give the bus a data_bitrate, or correct the messages."
        yield Found(bus.name, f"{len(wide)} messages are CAN FD on a classic bus: {few(wide)}", mend)


def _reserved(bus: LintBus) -> Iterator[Found]:
    nm = [m.frame_id for m in bus.database.messages if m.name in bus.traits and bus.traits[m.name].is_nm]
    for message in bus.database.messages:
        traits = bus.traits.get(message.name)
        if traits is None or traits.is_diag or traits.is_nm:
            continue
        can_id = show_id(message.frame_id, traits.flags)
        if _is_diagnosis(message):
            mend = f"set {bus.names.name('diag_request')} or {bus.names.name('diag_response')}, or move it."
            yield Found(bus.at(message), f"{can_id} is an identifier of diagnosis, but it isn't marked so", mend)
        elif nm and len(nm) > 1 and min(nm) < message.frame_id < max(nm) and _same_kind(message, bus, nm):
            what = f"{can_id} lies among the network management messages, but it isn't one"
            yield Found(bus.at(message), what, f"set {bus.names.name('nm_message')}, or move it.")


def _is_diagnosis(message: Message) -> bool:
    if message.is_extended_frame:
        return _NORMAL_FIXED[0] <= message.frame_id <= _NORMAL_FIXED[1]
    return message.frame_id in _OBD


def _same_kind(message: Message, bus: LintBus, nm: Sequence[int]) -> bool:
    return any(
        other.frame_id in nm and other.is_extended_frame == message.is_extended_frame for other in bus.database.messages
    )


# Nodes ----------------------------------------------------------------------------------------------------------------


def _sender(bus: LintBus) -> Iterator[Found]:
    without = [message for message in bus.database.messages if not message.senders]
    without = [
        message for message in without if not (bus.traits.get(message.name) and bus.traits[message.name].is_diag)
    ]
    if without and len(without) == len(bus.database.messages) > 1:
        yield Found(bus.name, "no message has a sender, so the restbus plays nothing", "name the senders.")
        return
    for message in without:
        yield Found(bus.at(message), "has no sender, so the restbus doesn't play it", "name its sender.")


def _node(bus: LintBus) -> Iterator[Found]:
    known = {node.name for node in bus.database.nodes}
    for message in bus.database.messages:
        for name in sorted({*message.senders, *message.receivers} - known):
            yield Found(bus.at(message), f"the node {name} isn't declared", "declare it.")


def _receiver(bus: LintBus) -> Iterator[Found]:
    """One finding a bus."""
    without = [f"{message.name}.{signal.name}" for message, signal in bus.signals if not signal.receivers]
    if without:
        yield Found(bus.name, f"{len(without)} signals have no receiver: {few(without, 4)}")


def _nm(bus: LintBus) -> Iterator[Found]:
    messages = [m for m in bus.database.messages if m.name in bus.traits and bus.traits[m.name].is_nm]
    for message in messages:
        if not message.senders:
            yield Found(bus.at(message), "is a network management message of no node", "name its sender.")
    try:
        nodes = nm_nodes(bus.database, bus.names)
    except UsageError as error:
        yield Found(bus.name, str(error))
        return
    users: dict[int, list[str]] = {}
    for node in nodes:
        users.setdefault(node.node_id, []).append(node.node)
    for node_id, names in users.items():
        if len(names) > 1:
            what = f"{few(names)} have the node identifier 0x{node_id:02X}"
            yield Found(bus.name, what, f"give each one of its own: {bus.names.name('nm_node_id')}.")


RULES: Final = (
    Rule("attribute", Level.ERROR, "attributes that can't be understood", _attribute),
    Rule("mapping", Level.ERROR, "mapped attributes that aren't there", _mapping),
    Rule("twice", Level.ERROR, "identifiers and names used twice", _twice),
    Rule("length", Level.ERROR, "lengths that no frame has", _length),
    Rule("fd", Level.ERROR, "CAN FD on a classic bus", _fd),
    Rule("load", Level.INFO, "load of the bus", _load),
    Rule("cycle", Level.WARNING, "no cycle time", _cycle),
    Rule("cycle-value", Level.WARNING, "cycle times that aren't plausible", _implausible),
    Rule("sender", Level.WARNING, "messages without sender", _sender),
    Rule("node", Level.WARNING, "nodes that aren't declared", _node),
    Rule("nm", Level.ERROR, "network management", _nm),
    Rule("identifier", Level.WARNING, "identifiers of diagnosis and network management", _reserved),
    Rule("receiver", Level.INFO, "signals without receiver", _receiver),
)

__all__ = ["RULES", "bus_load", "worst_bits"]
