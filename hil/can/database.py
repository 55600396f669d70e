"""Databases and signals: what the bits mean. Pure: text in, values and bytes out; files are read by the bench.

A signal is named `[bus::][Message.]Signal`. A value is a physical number (with its unit, checked), a label of the
value table, `raw 0x1F`, or `SNA`. Databases load through cantools: DBC, ARXML, KCD, SYM.
"""

from __future__ import annotations

import difflib
import itertools
import logging
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import cantools.database
from cantools.database.can import Database, Message, Signal
from cantools.database.errors import Error as CantoolsError

from hil import units
from hil.can.frames import EXTENDED, FD, CanFrame, show_id
from hil.errors import UsageError

SignalValue = str | float | int | bool
_FORMATS: Final = {".dbc": "dbc", ".arxml": "arxml", ".kcd": "kcd", ".sym": "sym"}
_RAW: Final = re.compile(r"raw\s+(0x[0-9a-f]+|-?\d+)$", re.IGNORECASE)
_LINE: Final = re.compile(r"line (\d+), column (\d+)")
_HERE: Final = ">>!<<"
"""How cantools marks the place of a syntax error."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")
_FLOAT_TOP: Final = {16: 65504.0, 32: 3.4028234663852886e38, 64: sys.float_info.max}

logging.getLogger("cantools").addHandler(logging.NullHandler())
"""What cantools warns of on stderr is refused here as an error."""


def load(text: str, suffix: str, where: str, *, strict: bool = True) -> Database:
    """Load a database from its text.

    Args:
        text: the whole file.
        suffix: `.dbc`, `.arxml`, `.kcd` or `.sym`.
        where: what to call the file in an error.
        strict: refuse overlapping signals and signals beyond their message.

    Raises:
        UsageError: unknown format, syntax error (with its line), overlap, no messages, two that are called the same.
    """
    if suffix.lower() not in _FORMATS:
        what = f"'{suffix}' is no database format" if suffix else "a database file needs a suffix"
        raise UsageError(what, where=where, remedy="use .dbc, .arxml, .kcd or .sym.")
    if not text.strip():
        raise UsageError("is empty", where=where, remedy="name another database in the bench file.")
    try:
        database = cantools.database.load_string(text, _FORMATS[suffix.lower()], strict=strict)
    except CantoolsError as error:
        raise _broken(text, error.__cause__ or error, where) from error
    if not isinstance(database, Database):
        raise UsageError("is a diagnostics database, not a network", where=where)
    _check(database, where)
    return database


def _broken(text: str, error: BaseException, where: str) -> UsageError:
    """Why a file could not be loaded, in one line that names the place once."""
    if _CONTROL.search(text):
        return UsageError("is no text, so it is no database", where=where, remedy="open it in a database editor.")
    line = _LINE.search(str(error))
    from_0 = isinstance(error, SyntaxError)  # of XML, which counts columns so
    place = f"{where}:{line[1]}:{int(line[2]) + from_0}" if line else where
    return UsageError(_reason(error), where=place, remedy=_remedy(error))


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"it uses '{error.args[0]}' without defining it"
    text = " ".join(str(error).split())
    if _HERE in text:
        rest = text.partition(_HERE)[2].removesuffix('"').strip()
        return f"syntax error at '{_short(rest, 30)}'" if rest else "syntax error at the end of the line"
    text = re.sub(f"(,? at|:) {_LINE.pattern}", "", text).rstrip(".") or type(error).__name__
    return _short(text[0].lower() + text[1:] if text.startswith("The ") else text, 160)


def _short(text: str, length: int) -> str:
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= length else shown[: length - 3].rstrip() + "..."


def _remedy(error: BaseException) -> str:
    text = str(error)
    if "overlap" in text:
        return "move one of the two signals."
    if "does not fit" in text:
        return "shorten the signal or lengthen its message."
    return "correct the file at that place." if _LINE.search(text) else "open it in a database editor and check it."


def _check(database: Database, where: str) -> None:
    """Refuse what cantools only warns of: of two messages with one identifier or name it would lose one."""
    if not database.messages:
        raise UsageError("has no messages", where=where, remedy="name another database in the bench file.")
    for one, other in itertools.pairwise(sorted(database.messages, key=_identity)):
        if _identity(one) != _identity(other):
            continue
        can_id = show_id(one.frame_id, flags_of(one))
        text = f"the messages {one.name} and {other.name} have the same identifier {can_id}"
        raise UsageError(text, where=where, remedy="give one of them another identifier.")
    names = [message.name for message in database.messages]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"two messages are called {twice}", where=where, remedy="rename one of them.")
    for message, signal in ((m, s) for m in database.messages for s in m.signals if not s.conversion.scale):
        text = f"the factor of {message.name}.{signal.name} is 0"
        raise UsageError(text, where=where, remedy="give it the physical value of one bit.")


def _identity(message: Message) -> tuple[bool, int]:
    return message.is_extended_frame, message.frame_id


@dataclass(frozen=True)
class SignalRef:
    """One signal of one message of one bus."""

    bus: str
    message: Message
    signal: Signal

    def __hash__(self) -> int:
        return hash((self.bus, self.message.name, self.signal.name))

    def __str__(self) -> str:
        return f"{self.bus}::{self.message.name}.{self.signal.name}"

    @property
    def unit(self) -> str:
        """The unit of its physical value, empty if it has none."""
        return units.canonical(self.signal.unit or "")

    @cached_property
    def labels(self) -> dict[str, int]:
        """The value table: label -> raw; of several raw values with one label the least."""
        choices: Mapping[int, Any] = self.signal.choices or {}
        labels: dict[str, int] = {}
        for raw, label in sorted(choices.items()):
            labels.setdefault(str(label), int(raw))
        return labels


@dataclass(frozen=True, slots=True)
class Value:
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
    """

    def __init__(self, databases: Mapping[str, Database]) -> None:
        self.databases = dict(databases)
        self._by_name: dict[str, list[SignalRef]] = {}
        self._by_frame: dict[tuple[str, int, bool], Message] = {}
        for bus, database in self.databases.items():
            for message in database.messages:
                self._by_frame[bus, message.frame_id, message.is_extended_frame] = message
                for signal in message.signals:
                    self._by_name.setdefault(signal.name, []).append(SignalRef(bus, message, signal))

    def messages(self) -> Iterable[tuple[str, Message]]:
        """Every message with its bus, in the order of the files."""
        return ((bus, message) for bus, database in self.databases.items() for message in database.messages)

    def message_of(self, frame: CanFrame) -> Message | None:
        """The message that a frame is, if any database of its bus has it."""
        return self._by_frame.get((frame.bus, frame.can_id, bool(frame.flags & EXTENDED)))

    def resolve(self, name: str) -> SignalRef:
        """The signal called `[bus::][Message.]Signal`.

        Raises:
            UsageError: there is none (with the nearest names), or several (with all of them).
        """
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
        lower = {name.lower(): name for name in self._by_name}
        near = [lower[name] for name in difflib.get_close_matches(signal.lower(), lower, n=3, cutoff=0.5)]
        return f"did you mean {' or '.join(near)}?" if near else "'hil signals' lists them all."

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
        near = difflib.get_close_matches(name.rpartition("::")[2], known, n=3, cutoff=0.5)
        mend = f"did you mean {' or '.join(near)}?" if near else "'hil signals' lists them all."
        return UsageError(f"no message '{name}' on this bench", remedy=mend)


def to_value(ref: SignalRef, value: SignalValue) -> Value:
    """What a user wrote, as a value of that signal.

    Raises:
        UsageError: unknown label, wrong unit, not a number, or out of range.
    """
    if isinstance(value, bool):
        return _from_raw(ref, int(value))
    if isinstance(value, str):
        return _from_text(ref, value.strip())
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
    low, high = limits(ref)
    if not low <= physical <= high:
        raise UsageError(
            f"{physical:g} {ref.unit} is out of range for {ref}".replace("  ", " "),
            remedy=f"it takes {low:g} to {high:g} {ref.unit}".rstrip() + "; 'raw N' reaches beyond the range.",
        )
    raw = ref.signal.conversion.numeric_scaled_to_raw(physical)
    return _from_raw(ref, raw)


def _from_raw(ref: SignalRef, raw: int | float) -> Value:
    if not ref.signal.conversion.is_float:
        raw = int(raw)
        low, high = raw_limits(ref.signal)
        if not low <= raw <= high:
            raise UsageError(f"raw {raw} doesn't fit {ref}", remedy=f"{ref.signal.length} bits take {low} to {high}.")
    return show(ref, raw)


def show(ref: SignalRef, raw: int | float) -> Value:
    """A raw value with its physical value and label."""
    choices: Mapping[int | float, Any] = ref.signal.choices or {}  # type: ignore[assignment]  # 2.0 finds 2
    label = choices.get(raw)
    return Value(raw, _physical(ref.signal, raw), None if label is None else str(label), ref.unit)


def _physical(signal: Signal, raw: int | float) -> float:
    return float(signal.conversion.raw_to_scaled(raw, decode_choices=False))  # type: ignore[arg-type]


def raw_limits(signal: Signal) -> tuple[int | float, int | float]:
    """The least and the greatest raw number that the signal's bits hold."""
    if signal.conversion.is_float:
        return -_FLOAT_TOP[signal.length], _FLOAT_TOP[signal.length]
    if signal.is_signed:
        return -(1 << signal.length - 1), (1 << signal.length - 1) - 1
    return 0, (1 << signal.length) - 1


def limits(ref: SignalRef) -> tuple[float, float]:
    """The physical range: what the database states, else what the bits hold."""
    signal = ref.signal
    low, high = signal.minimum, signal.maximum
    if low is not None and high is not None:
        return float(low), float(high)
    ends = [_physical(signal, raw) for raw in raw_limits(signal)]
    return (float(low) if low is not None else min(ends)), (float(high) if high is not None else max(ends))


def start_values(message: Message) -> dict[str, Any]:
    """Raw start value of every signal of a message: what the database states, else 0.

    A multiplexer starts at its least value if the one that it should start at selects nothing.
    """
    return {signal.name: _start_value(message, signal) for signal in message.signals}


def _start_value(message: Message, signal: Signal) -> int | float:
    start: int | float = 0 if signal.raw_initial is None else signal.raw_initial
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
        raise UsageError(f"can't be encoded: {_reason(error)}", where=message.name) from error


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
        raise UsageError(_reason(error), where=message.name) from error


def flags_of(message: Message) -> int:
    """Frame flags that the database states for a message."""
    return (EXTENDED if message.is_extended_frame else 0) | (FD if message.is_fd else 0)
