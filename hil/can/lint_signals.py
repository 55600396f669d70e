"""Lint rules about single signals: place, numbers, labels, units.

Rules of this module: pure. A rule would rather miss something than cry wolf: what customers' databases do on purpose
(reserved labels, ranges that end between two raw numbers) is no finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from cantools.database.can import Message, Signal

from hil import units
from hil.can.lint_bus import Found, Level, LintBus, Rule, few
from hil.can.placement import fits, mask_of, overlaps, raw_limits
from hil.can.traits import stated_start

_MOST: Final = 10
_NO_UNIT: Final = frozenset(
    {"", "-", "--", "1", "none", "n/a", "enum", "bit", "boolean", "bool", "unitless", "no unit"}
)
_SNA: Final = re.compile(r"sna|n/?a|not[ _]?avail\w*|signal[ _]?(not[ _]?avail\w*|na)|invalid\w*", re.IGNORECASE)
_PLACEHOLDER: Final = re.compile(
    r"\W*|.*(reserv|not ?_?used|unused|undefined|not ?_?defined|spare|dummy|n/?a\b|unbenutzt|frei\b|invalid|unknown|"
    r"default|not ?_?allowed|not ?_?assigned|do ?_?not ?_?use|tbd).*",
    re.IGNORECASE,
)
"""Labels that many raw values may have."""
_FLOATS: Final = (16, 32, 64)


def _overlap(bus: LintBus) -> Iterator[Found]:
    for message in bus.database.messages:
        for one, other, bits in islice(overlaps(message), _MOST):
            what = f"overlaps {one.name} by {bits} bits"
            yield Found(bus.at(message, other), what, "move one of the two.")


def _beyond(bus: LintBus) -> Iterator[Found]:
    for message, signal in bus.signals:
        if not _fits(message, signal):
            what = f"is beyond the {message.length} bytes of its message"
            yield Found(bus.at(message, signal), what, "lengthen the message, or correct the signal's place.")


def _fits(message: Message, signal: Signal) -> bool:
    return fits(signal.start, signal.length, message.length, motorola=signal.byte_order == "big_endian")


def _float_length(bus: LintBus) -> Iterator[Found]:
    for message, signal in bus.signals:
        if signal.is_float and signal.length not in _FLOATS:
            what = f"is floating point with {signal.length} bits"
            yield Found(bus.at(message, signal), what, "give it 32 or 64 bits.")


def _physical(signal: Signal) -> tuple[float, float]:
    """The least and the greatest physical value that the bits hold."""
    low, high = sorted(float(raw) * signal.scale + signal.offset for raw in raw_limits(signal))
    return low, high


def _sound(bus: LintBus) -> Iterator[tuple[Message, Signal]]:
    """Signals with bits that hold numbers."""
    return ((m, s) for m, s in bus.signals if s.length > 0 and (not s.is_float or s.length in _FLOATS) and s.scale)


def _range(bus: LintBus) -> Iterator[Found]:
    for message, signal in _sound(bus):
        low, high = signal.minimum, signal.maximum
        if low is None or high is None:
            continue
        if low > high:
            what = f"the range is {low:g} to {high:g}"
            yield Found(bus.at(message, signal), what, "exchange minimum and maximum.", Level.ERROR)
            continue
        least, most = _physical(signal)
        step = abs(signal.scale) / 2
        if low < least - step or high > most + step:
            what = f"the range is {low:g} to {high:g}, the bits hold {least:g} to {most:g}"
            yield Found(bus.at(message, signal), what, "correct the range, or length, sign, factor and offset.")


def _sna(bus: LintBus) -> Iterator[Found]:
    for message, signal in _sound(bus):
        if signal.minimum is None or signal.maximum is None or not _is_quantity(signal):
            continue
        for raw, label in sorted((signal.choices or {}).items()):
            value = raw * signal.scale + signal.offset
            if _SNA.fullmatch(str(label).strip()) and signal.minimum <= value <= signal.maximum:
                what = f"'{label}' is {value:g}, within the range {signal.minimum:g} to {signal.maximum:g}"
                yield Found(bus.at(message, signal), what, "end the range before it.")


def _is_quantity(signal: Signal) -> bool:
    """It measures something; its labels are exceptions, not its values."""
    has_unit = units.canonical(signal.unit or "").strip().lower() not in _NO_UNIT
    return has_unit or signal.scale != 1 or signal.offset != 0


def _start(bus: LintBus) -> Iterator[Found]:
    for message, signal in _sound(bus):
        if not bus.names.is_set(signal, "start_value") and signal.raw_initial is None:
            continue
        raw = stated_start(signal, bus.names)
        if raw is not None:
            yield from _start_of(bus, message, signal, raw)


def _start_of(bus: LintBus, message: Message, signal: Signal, raw: int | float) -> Iterator[Found]:
    least, most = raw_limits(signal)
    low, high = signal.minimum, signal.maximum
    value = raw * signal.scale + signal.offset
    if not least <= raw <= most:
        what = f"the start value is raw {raw:g}, the bits hold {least:g} to {most:g}"
        mend = "correct it; if your start values are physical, say so in the bench file."
        yield Found(bus.at(message, signal), what, mend, Level.ERROR)
    elif low is not None and high is not None and not low <= value <= high and raw not in (signal.choices or {}):
        what = f"starts at {value:g} (raw {raw:g}), outside the range {low:g} to {high:g}"
        yield Found(bus.at(message, signal), what, "correct the start value or the range, or give the value a label.")


def _labels(bus: LintBus) -> Iterator[Found]:
    for message, signal in bus.signals:
        first: dict[str, int] = {}
        for raw, label in sorted((signal.choices or {}).items()):
            text = str(label).strip()
            if text in first and not _PLACEHOLDER.fullmatch(text):
                what = f"'{text}' is the label of {first[text]} and of {raw}"
                yield Found(
                    bus.at(message, signal), what, f"a suite that says '{text}' gets {first[text]}; rename one."
                )
            first.setdefault(text, raw)


def _labels_outside(bus: LintBus) -> Iterator[Found]:
    for message, signal in _sound(bus):
        low, high = raw_limits(signal)
        outside = [f"{raw} '{label}'" for raw, label in (signal.choices or {}).items() if not low <= raw <= high]
        if outside:
            what = f"{few(outside, 3)}: the bits hold {low:g} to {high:g}"
            yield Found(bus.at(message, signal), what, "correct the value table, or the signal's length and sign.")


def _pages(bus: LintBus) -> Iterator[Found]:
    for message in bus.database.messages:
        for signal in message.signals:
            if not signal.is_multiplexer:
                continue
            below = [other for other in message.signals if other.multiplexer_signal == signal.name]
            pages = {page for other in below for page in other.multiplexer_ids or ()}
            if not below:
                yield Found(bus.at(message, signal), "is a multiplexer that selects nothing", "remove its mark.")
            elif empty := [str(label) for raw, label in (signal.choices or {}).items() if raw not in pages]:
                what = f"selects no signal with {few(empty, 4)}"
                yield Found(bus.at(message, signal), what, "add the signals of that page.", Level.INFO)
            yield from _pages_outside(bus, message, signal, pages)


def _pages_outside(bus: LintBus, message: Message, signal: Signal, pages: set[int]) -> Iterator[Found]:
    top = raw_limits(signal)[1] if signal.length > 0 else 0
    outside = [str(page) for page in sorted(pages) if not 0 <= page <= top]
    if outside:
        what = f"can't be {few(outside, 4)}: it has {signal.length} bits"
        yield Found(bus.at(message, signal), what, "lengthen it, or correct the pages.", Level.ERROR)


def _units(bus: LintBus) -> Iterator[Found]:
    """One finding for each unit that `hil.units` can't convert."""
    users: dict[str, list[str]] = {}
    for _, signal in bus.signals:
        unit = units.canonical((signal.unit or "").strip())
        if unit.lower() not in _NO_UNIT and not _is_known(unit):
            users.setdefault(unit, []).append(signal.name)
    for unit, names in sorted(users.items()):
        what = f"'{unit}' is not converted; values are given in it or without a unit ({few(names, 3)})"
        yield Found(bus.name, what)


def _is_known(unit: str) -> bool:
    return unit in units._TO_SI


def _unused(bus: LintBus) -> Iterator[Found]:
    """One finding a bus: how much of its payloads no signal uses."""
    total = unused = 0
    users = []
    for message in bus.database.messages:
        used = 0
        for signal in message.signals:
            used |= mask_of(signal) if _fits(message, signal) else 0
        free = 8 * message.length - used.bit_count()
        total, unused = total + 8 * message.length, unused + free
        users += [message.name] if free else []
    if unused:
        what = (
            f"{unused} of {total} bits of payload are unused, in {len(users)} of {len(bus.database.messages)} messages"
        )
        yield Found(bus.name, what)


RULES: Final = (
    Rule("overlap", Level.ERROR, "overlapping signals", _overlap),
    Rule("beyond", Level.ERROR, "signals beyond their message", _beyond),
    Rule("float-length", Level.ERROR, "floating point of a wrong length", _float_length),
    Rule("range", Level.WARNING, "ranges that don't fit the bits", _range),
    Rule("sna", Level.WARNING, "SNA within the range", _sna),
    Rule("start-value", Level.WARNING, "start values outside", _start),
    Rule("labels", Level.WARNING, "labels used twice", _labels),
    Rule("labels-outside", Level.WARNING, "labels outside the bits", _labels_outside),
    Rule("pages", Level.WARNING, "multiplexers", _pages),
    Rule("unit", Level.INFO, "units that aren't converted", _units),
    Rule("unused-bits", Level.INFO, "unused bits", _unused),
)

__all__ = ["RULES"]
