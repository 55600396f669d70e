"""Databases and signals: what the bits mean. Pure: text in, values and bytes out; files are read by the bench.

A signal is named `[bus::][Message.]Signal`. A value is a physical number (with its unit, checked), a label of the
value table, `raw 0x1F`, or `SNA`. Databases load through cantools: DBC, ARXML, KCD, SYM.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final, NamedTuple

from cantools.database.can import Database, Message, Signal
from cantools.database.errors import Error as CantoolsError

from hil import units
from hil.can.frames import EXTENDED, FD, CanFrame
from hil.can.loading import load, reason
from hil.can.placement import Place, bits_of, place_of, raw_limits
from hil.can.traits import AttributeNames, MessageTraits, NodeNm, message_traits, nm_nodes, start_value
from hil.errors import UsageError
from hil.nearest import did_you_mean

SignalValue = str | float | int | bool
_LISTED: Final = "'hil signals' lists them all."
_RAW: Final = re.compile(r"raw\s+(0x[0-9a-f]+|-?\d+)$", re.IGNORECASE)


_Face = tuple[Callable[[int | float], float], dict[int | float, str], str]
_Way = tuple[
    float, float, Callable[[float], int | float], int | float, int | float,
    Callable[[int | float], float], dict[int | float, str], str,
]  # fmt: skip


@dataclass(frozen=True)
class SignalRef:
    """One signal of one message of one bus."""

    bus: str
    message: Message
    signal: Signal

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return self.full_name

    @cached_property
    def full_name(self) -> str:
        """`bus::Message.Signal`."""
        return f"{self.bus}::{self.message.name}.{self.signal.name}"

    @cached_property
    def unit(self) -> str:
        """The unit of its physical value, empty if it has none."""
        return units.canonical(self.signal.unit or "")

    @cached_property
    def raw_in(self) -> Callable[[bytes], int | float]:
        """Gives its raw value in a payload that carries it; raises UsageError as `decode`."""
        place, message, name = place_of(self.message, self.signal), self.message, self.signal.name
        return (lambda data: decode(message, data)[name]) if place is None else _integer_at(place)

    @cached_property
    def _hash(self) -> int:
        return hash((self.bus, self.message.name, self.signal.name))

    @cached_property
    def key(self) -> tuple[str, str]:
        """Its bus, and the name of its message."""
        return self.bus, self.message.name

    @cached_property
    def frame_key(self) -> tuple[str, int, bool]:
        """Bus, identifier and whether that is extended, of the frames that carry it."""
        return self.bus, self.message.frame_id, self.message.is_extended_frame

    @cached_property
    def name(self) -> str:
        """The signal's own name."""
        return self.signal.name

    @cached_property
    def source(self) -> str:
        """`Message.Signal`, as gateways name what they repeat."""
        return f"{self.message.name}.{self.signal.name}"

    @cached_property
    def cycle_ns(self) -> int:
        """The cycle that the database states for its message; 0 if none."""
        return (self.message.cycle_time or 0) * 1_000_000

    @cached_property
    def is_paged(self) -> bool:
        """Whether a multiplexer says if a frame of its message carries it."""
        return self.message.is_multiplexed()

    @cached_property
    def choices(self) -> Mapping[int | float, Any]:
        """The value table: raw -> label; 2.0 finds 2."""
        return self.signal.choices or {}  # type: ignore[return-value]

    @cached_property
    def is_float(self) -> bool:
        """Whether its raw number is one of floating point."""
        return self.signal.conversion.is_float

    @cached_property
    def _to_raw(self) -> Callable[[float], int | float]:
        is_itself = self.signal.scale == 1 and self.signal.offset == 0 and not self.is_float
        return round if is_itself else self.signal.conversion.numeric_scaled_to_raw

    @cached_property
    def _to_physical(self) -> Callable[[int | float], float]:
        conversion = self.signal.conversion
        if self.signal.scale == 1 and self.signal.offset == 0:
            return float
        return lambda raw: float(conversion.raw_to_scaled(raw, False))  # type: ignore[arg-type]

    @cached_property
    def _face(self) -> _Face:
        """How a raw number shows: as a physical one, its labels, the unit."""
        return self._to_physical, {raw: str(label) for raw, label in self.choices.items()}, self.unit

    @cached_property
    def _way(self) -> _Way:
        """From a physical number to a value: its limits, how it becomes a raw one, the limits of that, its face."""
        low, high = (-math.inf, math.inf) if self.is_float else self.raw_limits
        return *self.limits, self._to_raw, low, high, *self._face

    def near(self, physical: float, tolerance: float) -> Callable[[int | float], bool]:
        """Tells whether a raw number is a physical one, or at most so far off."""
        to_physical = self._to_physical
        return lambda raw: abs(to_physical(raw) - physical) <= tolerance

    @cached_property
    def raw_limits(self) -> tuple[int | float, int | float]:
        """The least and the greatest raw number that its bits hold."""
        return raw_limits(self.signal)

    @cached_property
    def limits(self) -> tuple[float, float]:
        """The physical range: what the database states, else what the bits hold."""
        return _limits(self.signal)

    @cached_property
    def labels(self) -> dict[str, int]:
        """The value table: label -> raw; of several raw values with one label the least."""
        choices: Mapping[int, Any] = self.signal.choices or {}
        labels: dict[str, int] = {}
        for raw, label in sorted(choices.items()):
            labels.setdefault(str(label), int(raw))
        return labels


class Value(NamedTuple):
    """A signal's value, as raw number, physical number, and label where the value table has one."""

    raw: int | float
    physical: float
    label: str | None
    unit: str

    def __str__(self) -> str:
        if self.label is not None:
            return self.label
        number = f"{self.physical:g}"
        return f"{number} {self.unit}" if self.unit else number


class Network:
    """The databases of all buses of a bench.

    Args:
        databases: bus name -> database.
        names: bus name -> which attribute of its database says what; ours where it isn't given.
    """

    def __init__(self, databases: Mapping[str, Database], names: Mapping[str, AttributeNames] | None = None) -> None:
        self.databases = dict(databases)
        self.names = {bus: (names or {}).get(bus) or AttributeNames() for bus in self.databases}
        self._traits: dict[tuple[str, str], MessageTraits] = {}
        self._starts: dict[tuple[str, str], dict[str, Any]] = {}
        self._nm_nodes: dict[str, tuple[NodeNm, ...]] = {}
        self._by_name: dict[str, list[SignalRef]] = {}
        self._resolved: dict[str, SignalRef] = {}
        self._by_frame: dict[tuple[str, int, bool], Message] = {}
        for bus, database in self.databases.items():
            for message in database.messages:
                self._by_frame[bus, message.frame_id, message.is_extended_frame] = message
                for signal in message.signals:
                    self._by_name.setdefault(signal.name, []).append(SignalRef(bus, message, signal))

    def messages(self) -> Iterable[tuple[str, Message]]:
        """Every message with its bus, in the order of the files."""
        return ((bus, message) for bus, database in self.databases.items() for message in database.messages)

    def traits(self, bus: str, message: Message) -> MessageTraits:
        """What the database of a bus says of when a message is sent and how it is protected.

        Raises:
            UsageError: an attribute says something that can't be.
        """
        key = (bus, message.name)
        if key not in self._traits:
            self._traits[key] = message_traits(message, self.names[bus])
        return self._traits[key]

    def nm_nodes(self, bus: str) -> tuple[NodeNm, ...]:
        """The nodes of a bus that take part in network management, as `traits.nm_nodes`; worked out once."""
        if bus not in self._nm_nodes:
            self._nm_nodes[bus] = tuple(nm_nodes(self.databases[bus], self.names[bus]))
        return self._nm_nodes[bus]

    def start_values(self, bus: str, message: Message) -> dict[str, Any]:
        """Raw start value of every signal of a message, as `start_values`; worked out once."""
        key = (bus, message.name)
        if key not in self._starts:
            self._starts[key] = start_values(message, self.names[bus])
        return dict(self._starts[key])

    def start_as(self, ref: SignalRef, raw: int | float) -> None:
        """Have a signal start with another value than its database says."""
        self.start_values(ref.bus, ref.message)
        self._starts[ref.bus, ref.message.name][ref.signal.name] = raw

    def only(self, buses: Iterable[str]) -> Network:
        """The network of some of the buses; what was worked out is shared."""
        chosen = list(buses)
        if chosen == list(self.databases):
            return self
        part = Network({bus: self.databases[bus] for bus in chosen}, self.names)
        part._traits, part._starts, part._nm_nodes = self._traits, self._starts, self._nm_nodes
        return part

    def message_of(self, frame: CanFrame) -> Message | None:
        """The message that a frame is, if any database of its bus has it."""
        return self._by_frame.get((frame.bus, frame.can_id, bool(frame.flags & EXTENDED)))

    def message_at(self, bus: str, can_id: int, extended: bool) -> Message | None:
        """The message under an identifier of a bus, if there is one."""
        return self._by_frame.get((bus, can_id, extended))

    def resolve(self, name: str) -> SignalRef:
        """The signal called `[bus::][Message.]Signal`.

        Raises:
            UsageError: there is none (with the nearest names), or several (with all of them).
        """
        known = self._resolved.get(name)
        if known is None:
            known = self._resolved[name] = self._find(name)
        return known

    def _find(self, name: str) -> SignalRef:
        bus, _, rest = name.rpartition("::")
        message, _, signal = rest.rpartition(".")
        found = [
            ref for ref in self._by_name.get(signal, []) if bus in ("", ref.bus) and message in ("", ref.message.name)
        ]
        if not found:
            raise UsageError(f"no signal '{name}' on this bench", remedy=self._nearest(signal or name))
        if len(found) > 1:
            raise UsageError(f"'{name}' is ambiguous", remedy=f"say which: {', '.join(map(str, found))}.")
        return found[0]

    def _nearest(self, signal: str) -> str:
        return did_you_mean(signal, self._by_name, _LISTED, most=3, quote="")

    def message(self, name: str) -> tuple[str, Message]:
        """The message called `[bus::]Message`.

        Raises:
            UsageError: there is none, or several.
        """
        bus, _, short = name.rpartition("::")
        found = [(b, m) for b, m in self.messages() if m.name == short and bus in ("", b)]
        if len(found) != 1:
            raise self._no_message(name, [f"{b}::{m.name}" for b, m in found])
        return found[0]

    def _no_message(self, name: str, found: list[str]) -> UsageError:
        if found:
            return UsageError(f"'{name}' is ambiguous", remedy=f"say which: {', '.join(found)}.")
        known = [message.name for _, message in self.messages()]
        mend = did_you_mean(name.rpartition("::")[2], known, _LISTED, most=3, quote="")
        return UsageError(f"no message '{name}' on this bench", remedy=mend)


def to_value(ref: SignalRef, value: SignalValue) -> Value:
    """What a user wrote, as a value of that signal.

    Raises:
        UsageError: unknown label, wrong unit, not a number, or out of range.
    """
    if type(value) is int or type(value) is float:
        return _from_physical(ref, float(value))
    if isinstance(value, str):
        return _from_text(ref, value.strip())
    if isinstance(value, bool):
        return _from_raw(ref, int(value))
    return _from_physical(ref, float(value))


def _from_text(ref: SignalRef, text: str) -> Value:
    label = _match_label(ref, text)
    if label is not None:
        return _from_raw(ref, ref.labels[label])
    raw = _RAW.match(text)
    if raw:
        return _from_raw(ref, int(raw[1], 0))
    try:
        number, unit = units.parse(text)
    except UsageError:
        raise UsageError(f"'{text}' is no value of {ref}", remedy=_known_labels(ref)) from None
    if text.lower().startswith("0x"):
        raise UsageError(f"'{text}' is no value of {ref}", remedy=f"write 'raw {text}'.")
    return _from_physical(ref, _in_its_unit(ref, number, unit) if unit else number)


def _in_its_unit(ref: SignalRef, number: float, unit: str) -> float:
    try:
        return units.convert(number, unit, ref.unit)
    except UsageError as error:
        raise UsageError(error.what, where=str(ref), remedy=error.remedy) from None


def _match_label(ref: SignalRef, text: str) -> str | None:
    return next((label for label in ref.labels if label.lower() == text.lower()), None)


def _known_labels(ref: SignalRef) -> str:
    if ref.labels:
        return f"it knows {', '.join(ref.labels)}, or a number{f' in {ref.unit}' if ref.unit else ''}."
    return f"give a number{f' in {ref.unit}' if ref.unit else ''}."


def _from_physical(ref: SignalRef, physical: float) -> Value:
    low, high, to_raw, least, most, to_physical, labels, unit = ref._way
    if not low <= physical <= high:
        raise UsageError(
            f"{physical:g} {ref.unit} is out of range for {ref}".replace("  ", " "),
            remedy=f"it takes {low:g} to {high:g} {ref.unit}".rstrip() + "; 'raw N' reaches beyond the range.",
        )
    raw = to_raw(physical)
    if not least <= raw <= most:
        raise _too_long(ref, raw)
    return _value((raw, to_physical(raw), labels.get(raw), unit))


def _from_raw(ref: SignalRef, raw: int | float) -> Value:
    if not ref.is_float:
        raw = int(raw)
        low, high = ref.raw_limits
        if not low <= raw <= high:
            raise _too_long(ref, raw)
    return show(ref, raw)


def _too_long(ref: SignalRef, raw: int | float) -> UsageError:
    low, high = ref.raw_limits
    return UsageError(f"raw {raw} doesn't fit {ref}", remedy=f"{ref.signal.length} bits take {low} to {high}.")


def show(ref: SignalRef, raw: int | float) -> Value:
    """A raw value with its physical value and label."""
    to_physical, labels, unit = ref._face
    return _value((raw, to_physical(raw), labels.get(raw), unit))


def _integer_at(place: Place) -> Callable[[bytes], int]:
    """Reads the integer that lies there."""
    order, length, shift, mask, sign = place
    number = int.from_bytes
    if sign:
        return lambda data: ((number(data[:length], order) >> shift & mask) ^ sign) - sign
    return lambda data: number(data[:length], order) >> shift & mask


_value: Final[Callable[[tuple[int | float, float, str | None, str]], Value]] = partial(tuple.__new__, Value)
"""A `Value`, made without a call of Python's."""


def _physical(signal: Signal, raw: int | float) -> float:
    return float(signal.conversion.raw_to_scaled(raw, decode_choices=False))  # type: ignore[arg-type]


def raw_of(message: Message, name: str, physical: float) -> int | float:
    """The raw number nearest to a physical value, cut to what the signal's bits hold."""
    signal = message.get_signal_by_name(name)
    low, high = raw_limits(signal)
    return min(max(signal.conversion.numeric_scaled_to_raw(physical), low), high)


def limits(ref: SignalRef) -> tuple[float, float]:
    """The physical range: what the database states, else what the bits hold."""
    return ref.limits


def _limits(signal: Signal) -> tuple[float, float]:
    low, high = signal.minimum, signal.maximum
    if low is not None and high is not None:
        return float(low), float(high)
    ends = [_physical(signal, raw) for raw in raw_limits(signal)]
    return (float(low) if low is not None else min(ends)), (float(high) if high is not None else max(ends))


def start_values(message: Message, names: AttributeNames | None = None) -> dict[str, Any]:
    """Raw start value of every signal of a message: what the database states, else 0.

    A multiplexer starts at its least value if the one that it should start at selects nothing.

    Args:
        message: the message.
        names: which attribute says it; ours if None.
    """
    names = names or AttributeNames()
    return {signal.name: _start_value(message, signal, names) for signal in message.signals}


def _start_value(message: Message, signal: Signal, names: AttributeNames) -> int | float:
    start = start_value(signal, names)
    if not signal.is_multiplexer:
        return start
    selected = [other for other in message.signals if other.multiplexer_signal == signal.name]
    pages = {page for other in selected for page in other.multiplexer_ids or ()}
    return start if start in pages or not pages else min(pages)


def encode(message: Message, raw_values: Mapping[str, Any]) -> bytes:
    """The payload for raw values of all signals that the message (and its multiplexer) needs.

    Raises:
        UsageError: a value doesn't fit its signal, or a multiplexer's value selects nothing.
    """
    try:
        return bytes(message.encode(dict(raw_values), scaling=False, strict=False))
    except (CantoolsError, OverflowError) as error:
        raise UsageError(f"can't be encoded: {reason(error)}", where=message.name) from error


def decode(message: Message, data: bytes) -> dict[str, Any]:
    """Raw values of a payload.

    Raises:
        UsageError: the payload is too short for the message, or its multiplexer selects nothing.
    """
    if len(data) < message.length:
        raise UsageError(f"{len(data)} of its {message.length} bytes came", where=message.name)
    try:
        return dict(message.decode_simple(data, decode_choices=False, scaling=False))
    except (CantoolsError, ValueError) as error:
        raise UsageError(reason(error), where=message.name) from error


def flags_of(message: Message) -> int:
    """Frame flags that the database states for a message."""
    return (EXTENDED if message.is_extended_frame else 0) | (FD if message.is_fd else 0)


__all__ = [
    "Network", "SignalRef", "SignalValue", "Value", "bits_of", "decode", "encode", "flags_of", "limits", "load",
    "raw_limits", "raw_of", "show", "start_values", "to_value",
]  # fmt: skip
