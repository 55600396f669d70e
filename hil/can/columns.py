"""Payloads of one message to columns, one for each signal: raw and physical numbers, labels.

Rules of this module: pure, numpy. The values are those of cantools' `Message.decode`, to the last bit: integers stay
integers where factor and offset are (beyond 64 bits as Python's), floats are computed in the same order. A signal that
isn't there in a row has no value for that row: the page of its multiplexer isn't selected, or the payload is too short.
Two signals that lie on each other are both read from their bits, which cantools doesn't do.

Bits: Intel signals count from bit 0 of byte 0 upwards, Motorola ones from bit 7 of byte 0 downwards and on into byte 1
(the numbering of DBC files).

Not for: single frames (`hil.can.database`), and containers of AUTOSAR PDUs, which have no signals of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from cantools.database.can import Message, Signal

from hil.can.frames import ERROR, REMOTE
from hil.can.log_frames import Array, Frames, as_wide, groups, joined

_WORD: Final = 64
_FLOATS: Final = {16: (np.uint16, np.float16), 32: (np.uint32, np.float32), 64: (np.uint64, np.float64)}
_INT64: Final = range(-(1 << 63), 1 << 63)
_UINT64: Final = range(1 << 64)
_EXACT_IN_FLOAT: Final = range(-(1 << 53), (1 << 53) + 1)


@dataclass(frozen=True, slots=True)
class Labels:
    """A value table as categories.

    Attributes:
        names: the labels, by ascending raw number.
        codes: for each value the index of its label, -1 where it has none; int32.
    """

    names: tuple[str, ...]
    codes: Array


@dataclass(frozen=True, eq=False)
class Column:
    """One signal of all payloads in which it is there.

    Attributes:
        signal: the signal.
        rows: numbers of the payloads that have it; None if all have it.
        raw: raw numbers: uint64, int64, float64, or Python integers for more than 64 bits.
    """

    signal: Signal
    rows: Array | None
    raw: Array

    @cached_property
    def physical(self) -> Array:
        """Physical numbers: integers where factor and offset are integers, else float64."""
        return _scaled(self.signal, self.raw)

    @cached_property
    def labels(self) -> Labels:
        """What the value table calls the values."""
        choices = sorted((self.signal.choices or {}).items())
        names = tuple(str(label) for _, label in choices)
        numbers = [int(number) for number, _ in choices]
        if not numbers or self.raw.dtype == object:
            known = {number: index for index, number in enumerate(numbers)}
            return Labels(names, np.array([known.get(raw, -1) for raw in self.raw.tolist()], np.int32))
        return Labels(names, _codes(self.raw, numbers))


def _codes(raw: Array, numbers: list[int]) -> Array:
    """The index of each raw number in the ascending numbers of a value table, -1 where it isn't there."""
    fitting = [(number, index) for index, number in enumerate(numbers) if _fits(number, raw.dtype)]
    keys = np.array([number for number, _ in fitting], raw.dtype)
    indices = np.array([index for _, index in fitting], np.int32)
    if not len(keys):
        return np.full(len(raw), -1, np.int32)
    places = np.minimum(np.searchsorted(keys, raw), len(keys) - 1)
    return np.where(keys[places] == raw, indices[places], np.int32(-1))


def _fits(number: int, kind: np.dtype[np.generic]) -> bool:
    if kind == np.float64:
        return number in _EXACT_IN_FLOAT
    return number in (_UINT64 if kind == np.uint64 else _INT64)


@dataclass(frozen=True, eq=False)
class Table:
    """All signals of the payloads of one message.

    Attributes:
        message: the message.
        count: how many payloads there were.
        columns: signal name -> column.
        short: rows whose payload is shorter than the database says.
        strange: rows in which a multiplexer selects nothing that the database knows.
    """

    message: Message
    count: int
    columns: Mapping[str, Column]
    short: Array
    strange: Array


class MessageDecoder:
    """Decodes payloads of one message; what can be prepared is prepared once."""

    def __init__(self, message: Message) -> None:
        self.message = message
        signals = [] if message.is_container else message.signals
        self._signals = sorted(signals, key=lambda signal: _depth(message, signal))
        self._spans = {signal.name: _span(signal) for signal in signals}
        ends = [first + length for first, length in self._spans.values()]
        self._words = -(-max([8 * message.length, *ends, 1]) // _WORD)
        self._pages = {signal.name: _pages(message, signal) for signal in signals if signal.is_multiplexer}

    def decode(self, data: Array, length: Array) -> Table:
        """The columns of payloads.

        Args:
            data: a row of bytes for each payload, zeros behind its end.
            length: bytes of each payload.
        """
        words = _Words(data, self._words)
        pages = _Selected()
        columns: dict[str, Column] = {}
        for signal in self._signals:
            first, bits = self._spans[signal.name]
            rows = pages.rows(signal, columns)
            rows = _long_enough(rows, length, first + bits)
            columns[signal.name] = Column(signal, rows, words.raw(signal, first, bits, rows))
        strange = [_unselected(columns[name], known, len(data)) for name, known in self._pages.items() if known]
        ordered = {signal.name: columns[signal.name] for signal in self.message.signals if signal.name in columns}
        short = np.flatnonzero(length < self.message.length)
        return Table(self.message, len(data), ordered, short, _union(strange))


class _Selected:
    """The rows in which the pages of multiplexers are selected."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, tuple[int, ...]], Array] = {}

    def rows(self, signal: Signal, columns: Mapping[str, Column]) -> Array | None:
        """The rows in which a signal's page is selected; None: it is in all rows."""
        above = signal.multiplexer_signal
        if above is None:
            return None
        key = above, tuple(signal.multiplexer_ids or ())
        if key not in self._rows:
            multiplexer = columns[above]
            hits = np.flatnonzero(_among(multiplexer.raw, key[1]))
            self._rows[key] = hits if multiplexer.rows is None else multiplexer.rows[hits]
        return self._rows[key]


def _long_enough(rows: Array | None, length: Array, bits: int) -> Array | None:
    """Of some rows those whose payload has so many bits."""
    if 8 * int(length.min(initial=255)) >= bits:
        return rows
    enough = length >= -(-bits // 8)
    return np.flatnonzero(enough) if rows is None else rows[enough[rows]]


def _depth(message: Message, signal: Signal) -> int:
    """How many multiplexers stand above a signal."""
    depth, above = 0, signal.multiplexer_signal
    while above is not None and depth <= len(message.signals):
        depth, above = depth + 1, message.get_signal_by_name(above).multiplexer_signal
    return depth


def _span(signal: Signal) -> tuple[int, int]:
    """First bit and length; of a Motorola signal as it stands on the wire, from the first bit of byte 0."""
    if signal.byte_order == "little_endian":
        return signal.start, signal.length
    return 8 * (signal.start // 8) + 7 - signal.start % 8, signal.length


def _pages(message: Message, multiplexer: Signal) -> list[int]:
    """The values with which a multiplexer selects something; those that have a label do too."""
    pages = {page for signal in message.signals if signal.multiplexer_signal == multiplexer.name
             for page in signal.multiplexer_ids or ()}  # fmt: skip
    return sorted(pages | {int(number) for number in multiplexer.choices or {}})


def _unselected(multiplexer: Column, pages: list[int], count: int) -> Array:
    """The rows in which a multiplexer has none of its values."""
    rows = np.arange(count) if multiplexer.rows is None else multiplexer.rows
    return rows[~_among(multiplexer.raw, pages)]


def _among(raw: Array, pages: Sequence[int]) -> Array:
    if raw.dtype == object:
        return np.array([value in pages for value in raw.tolist()], bool)
    fitting = [page for page in pages if _fits(page, raw.dtype)]
    return raw == raw.dtype.type(fitting[0]) if len(fitting) == 1 else np.isin(raw, np.array(fitting, raw.dtype))


def _union(rows: list[Array]) -> Array:
    return np.unique(np.concatenate(rows)) if rows else np.zeros(0, np.int64)


# ---- bits


class _Words:
    """Payloads as 64-bit words, in either byte order; each word is made when it is first needed."""

    def __init__(self, data: Array, words: int) -> None:
        self._bytes = np.ascontiguousarray(as_wide(data, 8 * words))
        self._words: dict[tuple[bool, int], Array] = {}

    def raw(self, signal: Signal, first: int, bits: int, rows: Array | None) -> Array:
        """The raw numbers of a signal in some rows."""
        motorola = signal.byte_order == "big_endian"
        if bits > _WORD:
            return self._long(signal, first, bits, rows)
        value = self._unsigned(motorola, first, bits, rows)
        if signal.conversion.is_float:
            kept, as_float = _FLOATS[bits]
            with np.errstate(invalid="ignore"):  # bits that are no number
                floats: Array = value.astype(kept).view(as_float).astype(np.float64)
            return floats
        if signal.is_signed:
            spare = np.int64(_WORD - bits)
            return (value << spare.astype(np.uint64)).view(np.int64) >> spare
        return value

    def _unsigned(self, motorola: bool, first: int, bits: int, rows: Array | None) -> Array:
        index, offset = divmod(first, _WORD)
        word = self._word(motorola, index, rows)
        over = offset + bits - _WORD
        if over <= 0:
            value = word >> np.uint64(-over if motorola else offset)
        else:
            following = self._word(motorola, index + 1, rows)
            left, right = (over, _WORD - over) if motorola else (_WORD - offset, offset)
            value = word << np.uint64(left) | following >> np.uint64(right) if motorola else (
                word >> np.uint64(right) | following << np.uint64(left)
            )  # fmt: skip
        return value if bits == _WORD else value & np.uint64((1 << bits) - 1)

    def _word(self, motorola: bool, index: int, rows: Array | None) -> Array:
        key = motorola, index
        if key not in self._words:
            column = self._bytes.view(">u8" if motorola else "<u8")[:, index]
            self._words[key] = np.ascontiguousarray(column.astype(np.uint64))
        return self._words[key] if rows is None else self._words[key][rows]

    def _long(self, signal: Signal, first: int, bits: int, rows: Array | None) -> Array:
        """Signals of more than 64 bits, one by one."""
        motorola = signal.byte_order == "big_endian"
        shift = 8 * self._bytes.shape[1] - first - bits if motorola else first
        chosen = self._bytes if rows is None else self._bytes[rows]
        values = np.empty(len(chosen), object)
        for row, payload in enumerate(chosen):
            value = int.from_bytes(payload.tobytes(), "big" if motorola else "little") >> shift & (1 << bits) - 1
            values[row] = value - (value >> bits - 1 << bits) if signal.is_signed else value
        return values


# ---- physical values


def _scaled(signal: Signal, raw: Array) -> Array:
    """Raw to physical, in cantools' order of operations (`cantools.database.conversion`)."""
    conversion = signal.conversion
    scale, offset = conversion.scale, conversion.offset
    if scale == 1 and offset == 0:
        return raw
    if conversion.is_float:
        with np.errstate(all="ignore"):  # whatever a payload holds: infinities, no numbers
            return raw * float(scale) + float(offset)
    whole = float(scale).is_integer() and float(offset).is_integer()
    if whole:
        return _linear(signal, raw, int(scale), int(offset))
    product = _linear(signal, raw, scale, 0) if isinstance(scale, int) else raw.astype(np.float64) * scale
    return product.astype(np.float64) + float(offset)


def _linear(signal: Signal, raw: Array, scale: int, offset: int) -> Array:
    """`raw * scale + offset` of integers, in the smallest type that holds every value that the signal can have."""
    low, high = (-(1 << signal.length - 1), (1 << signal.length - 1) - 1) if signal.is_signed else (
        0, (1 << signal.length) - 1)  # fmt: skip
    ends = [low, high, low * scale, high * scale, low * scale + offset, high * scale + offset, scale, offset]
    if all(end in _INT64 for end in ends):
        return raw.astype(np.int64) * np.int64(scale) + np.int64(offset)
    if all(end in _UINT64 for end in ends):
        return raw.astype(np.uint64) * np.uint64(scale) + np.uint64(offset)
    exact: Array = raw.astype(object) * scale + offset
    return exact


# ---- whole logs


@dataclass(frozen=True, eq=False)
class Recorded:
    """All frames of one message of a log.

    Attributes:
        t_ns: their times.
        table: their signals.
    """

    t_ns: Array
    table: Table


class LogColumns:
    """Collects the payloads of messages over the blocks of a log, to decode each message at once at its end.

    Args:
        messages: key of a frame (`hil.can.log_frames.key_of`) -> its message. Frames of other keys are passed over.
    """

    def __init__(self, messages: Mapping[int, Message]) -> None:
        self._decoders = {key: MessageDecoder(message) for key, message in messages.items()}
        self._pieces: dict[int, list[Frames]] = {key: [] for key in messages}

    def take(self, block: Frames) -> None:
        """Take the next block."""
        block = with_data(block)
        for key, rows in groups(block.keys()):
            if key in self._pieces:
                self._pieces[key].append(block.pick(rows))

    def recorded(self) -> dict[int, Recorded]:
        """The messages that there were, by key."""
        return {key: self._decoded(key) for key, pieces in self._pieces.items() if pieces}

    def _decoded(self, key: int) -> Recorded:
        frames = joined(self._pieces[key])
        return Recorded(frames.t_ns, self._decoders[key].decode(frames.data, frames.length))


def with_data(block: Frames) -> Frames:
    """The frames that carry data: no error frames, no remote frames."""
    free = (block.flags & (ERROR | REMOTE)) > 0
    return block.pick(~free) if free.any() else block


__all__ = ["Column", "Labels", "LogColumns", "MessageDecoder", "Recorded", "Table", "with_data"]
