"""The frames of a case as series: every signal that a database knows, and the load of each bus.

Rules of this module: pure; frames come in columns (`hil.can.log_frames`) and are let go. A value is kept where it
changes. Counters and checksums of end-to-end protection change with every frame and tell nothing: they are left out,
and the page says so. A payload that can't be decoded has no values; the frame itself is in the journal.

Not for: single frames in a table (`hil.evidence.decoded`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from cantools.database.can import Message, Signal

from hil import units
from hil.can.columns import Column, MessageDecoder
from hil.can.database import Network
from hil.can.frame_lengths import frame_lengths
from hil.can.frames import ERROR, EXTENDED, REMOTE
from hil.can.log_frames import Array, Frames, groups, split_key
from hil.can.trace_stats import BitRates
from hil.can.traits import MessageTraits
from hil.errors import UsageError
from hil.evidence.series import Series, SeriesBuilder
from hil.evidence.signal_table import SignalTable, table_of
from hil.evidence.silence import Silences, Silent, overdue_after_ns

KEEP_POINTS: Final = 2_000
WINDOW_NS: Final = 100_000_000
E2E_NOTE: Final = "counters and checksums of end-to-end protection are not drawn"
_HEADER_BITS: Final = {"P01": 12, "P02": 12, "P05": 24, "P11": 12}
_CACHED: Final = 4_096


@dataclass(frozen=True, slots=True)
class WireFacts:
    """What is known of the buses of a run: databases, and bit rates where the bench says them."""

    network: Network
    rates: Mapping[str, BitRates]


class WireSignals:
    """Decodes the frames of one case after the other.

    Args:
        facts: databases and bit rates; decoders are made once and used for all cases.
    """

    def __init__(self, facts: WireFacts) -> None:
        self._messages = {(bus, message.frame_id, message.is_extended_frame): _Known(bus, message, facts.network)
                          for bus, message in facts.network.messages()}  # fmt: skip

    def begin(self, buses: Sequence[str]) -> SignalCollector:
        """A collector for one case; `buses` may still grow."""
        return SignalCollector(self._messages, buses)

    @cached_property
    def table(self) -> SignalTable:
        """All signals that there may be series of."""
        known = self._messages.values()
        return table_of((one.names[key], one.units[key], one.labels[key]) for one in known for key in one.names)


class _Known:
    """A message: its decoder, the bits that only protect it, and what constant payloads mean."""

    def __init__(self, bus: str, message: Message, network: Network) -> None:
        self.decoder, self.name = MessageDecoder(message), f"{bus}::{message.name}"
        traits = _traits(bus, message, network)
        self.header, self.overdue_ns = _header(traits), overdue_after_ns(traits)
        self.names = {signal.name: f"{bus}::{message.name}.{signal.name}" for signal in message.signals}
        self.units = {signal.name: units.canonical(signal.unit or "") for signal in message.signals}
        self.labels = {signal.name: _labels(signal) for signal in message.signals}
        self._seen: dict[bytes, list[tuple[Signal, float]]] = {}

    def one(self, payload: Array, length: Array) -> list[tuple[Signal, float]]:
        """The values of one payload."""
        key = payload.tobytes() + length.tobytes()
        if key not in self._seen:
            if len(self._seen) >= _CACHED:
                self._seen.clear()
            self._seen[key] = [(column.signal, float(column.physical[0])) for column in self.columns(payload, length)
                               if len(column.raw) and np.isfinite(float(column.physical[0]))]  # fmt: skip
        return self._seen[key]

    def columns(self, data: Array, length: Array) -> Iterator[Column]:
        """All signals of these payloads but those of the protection."""
        for column in self.decoder.decode(data, length).columns.values():
            if not _within(column.signal, self.header):
                yield column


def _traits(bus: str, message: Message, network: Network) -> MessageTraits | None:
    try:
        return network.traits(bus, message)
    except UsageError:
        return None


def _header(traits: MessageTraits | None) -> range:
    """The bits of the header of end-to-end protection, counted as a DBC file does."""
    e2e = traits.e2e if traits is not None else None
    first = 0 if e2e is None else 8 * e2e.offset
    return range(0) if e2e is None else range(first, first + _HEADER_BITS.get(e2e.profile, 0))


def _within(signal: Signal, header: range) -> bool:
    last = signal.start + signal.length - 1
    return signal.byte_order == "little_endian" and signal.start in header and last in header


class SignalCollector:
    """Collects the signals of one case, in bounded memory."""

    def __init__(self, known: Mapping[tuple[str, int, bool], _Known], buses: Sequence[str]) -> None:
        self._known, self._buses = known, buses
        self._last: dict[int, bytes] = {}
        self._begun: dict[str, Series] = {}
        self._series: dict[str, SeriesBuilder] = {}
        self._silences = Silences()

    def go_on(self, buses: Sequence[str]) -> SignalCollector:
        """One for another case, whose frames up to here are the same."""
        other = SignalCollector(self._known, buses)
        other._last, other._silences = dict(self._last), self._silences.copy()
        other._begun = {series.name: series for series in self.series()} if self._series else self._begun
        return other

    def take(self, frames: Frames) -> None:
        """Take the next frames, many at once: each message costs the same whether it has one frame or a thousand."""
        block = frames.pick((frames.flags & (ERROR | REMOTE)) == 0)
        for key, rows in groups(block.keys()):
            channel, can_id, extended = split_key(key)
            known = self._known.get((self._buses[channel], can_id, bool(extended & EXTENDED)))
            if known is not None:
                if known.overdue_ns:
                    self._silences.take(known.name, known.overdue_ns, block.t_ns[rows])
                self._message(key, known, block.t_ns[rows], block.data[rows], block.length[rows])

    def series(self) -> tuple[Series, ...]:
        """All signals that were on the buses, by name."""
        more, begun = self._series, self._begun
        return tuple(more[name].build() if name in more else begun[name] for name in sorted({**begun, **more}))

    def silent(self, end_ns: int) -> dict[str, tuple[Silent, ...]]:
        """When messages were overdue."""
        return self._silences.until(end_ns)

    def notes(self) -> list[str]:
        """What is left out."""
        return self._silences.notes()

    def _message(self, key: int, known: _Known, t_ns: Array, data: Array, length: Array) -> None:
        data = _without(data, known.header)
        changed = np.flatnonzero((data[1:] != data[:-1]).any(axis=1) | (length[1:] != length[:-1])) + 1
        last, before = data[-1].tobytes(), self._last.get(key)
        self._last[key] = last
        if not len(changed):
            if last != before:
                self._constant(known, int(t_ns[0]), known.one(data[:1], length[:1]))
            return
        rows = np.concatenate(([0], changed))
        for column in known.columns(data[rows], length[rows]):
            at = t_ns[rows] if column.rows is None else t_ns[rows[column.rows]]
            values = column.physical.astype(np.float64)
            real = np.isfinite(values)
            self._extend(known, column.signal, at[real], values[real])

    def _extend(self, known: _Known, signal: Signal, t_ns: Array, values: Array) -> None:
        held = self._held(known.names[signal.name])
        if held is None or (values != held).any():
            self._builder(known, signal).extend(t_ns, values)

    def _constant(self, known: _Known, t_ns: int, values: Sequence[tuple[Signal, float]]) -> None:
        for signal, value in values:
            if value != self._held(known.names[signal.name]):
                self._builder(known, signal).add(t_ns, value)

    def _held(self, name: str) -> float | None:
        """The value that a signal has had since the beginning that cases have in common, if so."""
        begun = self._begun.get(name)
        return begun.values[-1] if begun is not None and begun.values and name not in self._series else None

    def _builder(self, known: _Known, signal: Signal) -> SeriesBuilder:
        name = known.names[signal.name]
        builder = self._series.get(name)
        if builder is None:
            builder = self._series[name] = self._new_builder(known, signal)
        return builder

    def _new_builder(self, known: _Known, signal: Signal) -> SeriesBuilder:
        name = known.names[signal.name]
        if name in self._begun:
            return SeriesBuilder.after(self._begun[name], keep=KEEP_POINTS)
        builder = SeriesBuilder(name, known.units[signal.name], "wire", keep=KEEP_POINTS)
        builder.labels = known.labels[signal.name]
        return builder


def _without(data: Array, header: range) -> Array:
    """The payloads without the bits of a header."""
    if not header:
        return data
    mask = np.full(data.shape[1], 0xFF, np.uint8)
    for bit in header:
        if bit // 8 < len(mask):
            mask[bit // 8] &= ~(1 << bit % 8) & 0xFF
    masked: Array = data & mask
    return masked


def _labels(signal: Signal) -> dict[float, str]:
    """Physical value -> what the value table calls it."""
    choices, conversion = signal.choices, signal.conversion
    if not choices:
        return {}
    return {float(raw * conversion.scale + conversion.offset): str(label) for raw, label in choices.items()}


class LoadMeter:
    """The load of each bus in percent, averaged over 100 ms, of the exact lengths of its frames.

    Args:
        rates: the bit rates that the bench says; others are taken to be 500 kbit/s, and 2 Mbit/s for data of CAN FD.
    """

    def __init__(self, rates: Mapping[str, BitRates]) -> None:
        self._rates = rates
        self._busy_ns: dict[str, Array] = {}

    def take(self, frames: Frames, buses: Sequence[str]) -> None:
        """Count frames."""
        if not len(frames):
            return
        nominal, fast = frame_lengths(frames)
        for channel in np.unique(frames.channel).tolist():
            bus, mine = buses[channel], frames.channel == channel
            rate = self._rates.get(bus, BitRates())
            busy = nominal[mine] * (1e9 / rate.nominal) + fast[mine] * (1e9 / rate.data)
            self._add(bus, np.bincount(frames.t_ns[mine] // WINDOW_NS, busy))

    def _add(self, bus: str, busy: Array) -> None:
        before = self._busy_ns.get(bus, np.zeros(0))
        longer = np.zeros(max(len(before), len(busy)))
        longer[: len(before)] += before
        longer[: len(busy)] += busy
        self._busy_ns[bus] = longer

    def copy(self) -> LoadMeter:
        """One for another case, whose frames up to here are the same."""
        other = LoadMeter(self._rates)
        other._busy_ns = dict(self._busy_ns)
        return other

    def assumed(self) -> list[str]:
        """The buses whose bit rates nobody said."""
        return sorted(bus for bus in self._busy_ns if bus not in self._rates)

    def series(self, end_ns: int) -> Iterator[Series]:
        """The load until the case ended; what is left is an average only if it is at least half a window long."""
        for bus in sorted(self._busy_ns):
            busy, builder = self._busy_ns[bus], SeriesBuilder(bus, "%", "bus load")
            for number in range(-(-end_ns // WINDOW_NS)):
                length = min(end_ns - number * WINDOW_NS, WINDOW_NS)
                if length >= WINDOW_NS // 2:
                    percent = 100 * float(busy[number]) / length if number < len(busy) else 0.0
                    builder.add(number * WINDOW_NS, round(percent, 1))
            yield builder.build()
