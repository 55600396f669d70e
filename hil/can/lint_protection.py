"""Lint rules about end-to-end protection: where its fields lie, how long the data may be, which ids are used twice.

Source of the limits: AUTOSAR_PRS_E2EProtocol, the tables of configuration parameters of profiles 1, 2, 5 and 11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from cantools.database.can import Message, Signal

from hil.can.e2e import E2e
from hil.can.lint_bus import Found, Level, LintBus, Rule, few
from hil.can.placement import fits, mask_of
from hil.can.traits import E2eConfig

_MOST_BYTES: Final = {"P01": 30, "P02": 32, "P05": 4096, "P11": 30}
"""240 bits for profiles 1 and 11, 256 for profile 2."""
_COUNTER: Final = {"P01": (8, 4), "P02": (8, 4), "P05": (16, 8), "P11": (8, 4)}
"""First bit of the counter from the begin of the header, and its bits."""
_CHECKSUM: Final = re.compile(r"crc|checksum|chksum|chks|cksum|prüfsumme|pruefsumme", re.IGNORECASE)
_ALIVE: Final = re.compile(r"counter|alive|rolling|botschaftsz|sqc|_bz\b|_cnt\b|msgcnt|rc\b", re.IGNORECASE)


def _protected(bus: LintBus) -> Iterator[tuple[Message, E2eConfig]]:
    for message in bus.database.messages:
        traits = bus.traits.get(message.name)
        if traits is not None and traits.e2e is not None:
            yield message, traits.e2e


def _field(first: int, bits: int) -> int:
    return (1 << bits) - 1 << first


def _masks(message: Message) -> list[tuple[Signal, int]]:
    return [
        (signal, mask_of(signal))
        for signal in message.signals
        if fits(signal.start, signal.length, message.length, motorola=signal.byte_order == "big_endian")
    ]


def _collides(bus: LintBus) -> Iterator[Found]:
    """A signal that lies partly on a field of the header would be overwritten there."""
    for message, config in _protected(bus):
        header = [_field(*span) for span in E2e(config).header]
        whole = sum(header)
        for signal, mask in _masks(message):
            if mask & whole and mask & ~whole:
                what = f"lies with {(mask & whole).bit_count()} of its {signal.length} bits on the E2E header"
                yield Found(bus.at(message, signal), what, "move the signal, or correct E2EOffset.")


def _uncovered(bus: LintBus) -> Iterator[Found]:
    for message, config in _protected(bus):
        covered = 0
        for _, mask in _masks(message):
            covered |= mask
        free = sum((_field(*span) & ~covered).bit_count() for span in E2e(config).header)
        if free:
            what = f"{free} bits of the E2E header belong to no signal, so no trace shows them"
            yield Found(bus.at(message), what, "add a signal for counter and checksum.")


def _counter(bus: LintBus) -> Iterator[Found]:
    for message, config in _protected(bus):
        first, bits = _COUNTER[config.profile]
        field = _field(8 * config.offset + first, bits)
        header = sum(_field(*span) for span in E2e(config).header)
        inside = [(signal, mask & field) for signal, mask in _masks(message) if mask & field and not mask & ~header]
        for signal, mask in inside:
            if mask != field:
                what = f"has {mask.bit_count()} of the {bits} bits of the counter of {config.profile}"
                yield Found(bus.at(message, signal), what, f"give it {bits} bits.")


def _too_long(bus: LintBus) -> Iterator[Found]:
    for message, config in _protected(bus):
        most = _MOST_BYTES[config.profile]
        if config.length > most:
            what = f"has {config.length} bytes; {config.profile} protects at most {most}"
            yield Found(bus.at(message), what, "use P05, or a shorter message.")


def _ids(bus: LintBus) -> Iterator[Found]:
    """A message with the id of another would be taken for it."""
    users: dict[object, list[str]] = {}
    for message, config in _protected(bus):
        key = config.id_list if config.profile == "P02" else config.data_id
        users.setdefault((config.profile, key), []).append(message.name)
    for names in users.values():
        if len(names) > 1:
            yield Found(bus.name, f"{few(names)} have the same data id", "give each message one of its own.")


def _unsaid(bus: LintBus) -> Iterator[Found]:
    """Checksum and counter, but no profile: the restbus would send them as they are."""
    protected = {message.name for message, _ in _protected(bus)}
    found = []
    for message in bus.database.messages:
        names = [signal.name for signal in message.signals]
        if message.name not in protected and any(map(_CHECKSUM.search, names)) and any(map(_ALIVE.search, names)):
            found.append(message.name)
    if found:
        what = f"{len(found)} messages have a checksum and a counter, but no E2E profile: {few(found)}"
        yield Found(bus.name, what, "map e2e_profile and e2e_data_id in the bench file.")


RULES: Final = (
    Rule("e2e-place", Level.ERROR, "E2E fields that collide with signals", _collides),
    Rule("e2e-length", Level.ERROR, "messages too long for their E2E profile", _too_long),
    Rule("e2e-counter", Level.WARNING, "E2E counters that are too short", _counter),
    Rule("e2e-id", Level.WARNING, "E2E data ids used twice", _ids),
    Rule("e2e-signal", Level.INFO, "E2E fields without a signal", _uncovered),
    Rule("e2e-profile", Level.INFO, "checksums without an E2E profile", _unsaid),
)

__all__ = ["RULES"]
