"""What of a recorded log a replay sends: found out by reading the log once, before anything is sent.

Rules of this module: no port is touched. A log is counted by identifier, block by block, so that its length costs time
and no memory. What is left out is left out for a reason that is said; what can't be done is a usage error before the
bench is powered rather than in the middle of a replay.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from cantools.database.can import Message

from hil.bench.config import BenchConfig
from hil.bench.replay_guard import writes
from hil.can import database
from hil.can.database import Network, SignalRef, SignalValue, Value
from hil.can.frames import ERROR, EXTENDED, FD
from hil.can.log_frames import Array, Frames, split_key
from hil.can.logs import Log, open_log
from hil.can.replay_plan import ReplayOptions, ReplayPlan
from hil.can.sender import chain_of
from hil.can.trace_names import ChannelMap, Names
from hil.can.trace_select import Pattern, patterns_of
from hil.errors import UsageError
from hil.units import show_time

Key = tuple[str, int, int]
"""Bus, identifier, and `EXTENDED` or 0."""
Watching = Callable[[Log], contextlib.AbstractContextManager[Callable[[], None]]]
"""Given the log before it is read, gives what is called after each of its blocks: for progress."""
SLOWEST: Final = 0.01
FASTEST: Final = 1000.0
_FD_PLACE: Final = np.uint64(56)
"""Where, beside a frame's key, it is kept whether the frame is CAN FD."""


@dataclass(frozen=True, kw_only=True)
class ReplayWish:
    """What a user asks for.

    Attributes:
        file: the log.
        start_ns: where in the log the replay begins.
        end_ns: where it ends; None: with the log.
        only: patterns of what is replayed; everything if empty.
        without: patterns of what is not.
        channels: channel of the log -> bus of the bench, where number and name don't say it.
        override: signal -> the value that every frame with it carries.
        speed: how many seconds of the log a second of bench time plays.
        repeat: how often the stretch is played.
        protect: give all protected messages counters and checksums of the bench's own.
        nm: replay network management too.
        diagnosis: replay diagnosis too.
        restbus: let the restbus go on with what isn't in the log.
        dashes: what stands before the name of an option in errors: `--` on the command line.
    """

    file: Path
    start_ns: int = 0
    end_ns: int | None = None
    only: Sequence[str] = ()
    without: Sequence[str] = ()
    channels: Mapping[str, str] = field(default_factory=dict)
    override: Mapping[str, SignalValue] = field(default_factory=dict)
    speed: float = 1.0
    repeat: int = 1
    protect: bool = False
    nm: bool = False
    diagnosis: bool = False
    restbus: bool = True
    dashes: str = ""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A replay of which everything is known but how it goes.

    Attributes:
        wish: what the user asked for.
        options: for the schedule.
        messages: what is replayed: its message, None where no database knows it.
        frames: how many frames of one pass are replayed.
        left_out: why others aren't -> how many.
        unknown: how many of the replayed frames no database knows.
        period_ns: from the beginning of a pass to that of the next, in the log's time.
        channels: how the channels were taken, a line each.
        complaint: what is to be said of a log that isn't whole; empty if it is.
    """

    wish: ReplayWish
    options: ReplayOptions
    messages: Mapping[Key, Message | None]
    frames: int
    left_out: Mapping[str, int]
    unknown: int
    period_ns: int
    channels: Sequence[str]
    complaint: str

    @property
    def span_ns(self) -> int:
        """How long it takes, in bench time."""
        return round(self.period_ns * self.wish.repeat / self.wish.speed)


@contextlib.contextmanager
def _unwatched(_: Log) -> Iterator[Callable[[], None]]:
    yield lambda: None


def prepare(config: BenchConfig, network: Network, wish: ReplayWish, watching: Watching = _unwatched) -> Prepared:
    """Read a log once and find out what of it is replayed, and how.

    Args:
        config: the bench file.
        network: its databases.
        wish: what the user asks for.
        watching: for progress.

    Raises:
        UsageError: the log can't be read, nothing of it is left, a channel, pattern, signal or value is wrong.
    """
    _check(wish, config)
    log = open_log(wish.file)
    names = Names(network, ChannelMap(list(network.databases), wish.channels), log.channels)
    survey = _Survey(_Choice(config, names, wish), wish)
    with watching(log) as advance:
        for block in log:
            advance()
            if not survey.take(block):
                break
    survey.check(log, config)
    options = _options(survey, network, log)
    ReplayPlan(network, options)  # which refuses what can't be overridden
    return Prepared(
        wish=wish,
        options=options,
        messages=survey.messages(),
        frames=survey.frames,
        left_out=survey.left_out,
        unknown=survey.unknown,
        period_ns=survey.period_ns(),
        channels=names.mapping.said(log.channels),
        complaint=log.complaint(),
    )


def _check(wish: ReplayWish, config: BenchConfig) -> None:
    if not (math.isfinite(wish.speed) and SLOWEST <= wish.speed <= FASTEST):
        mend = f"give a number from {SLOWEST:g} to {FASTEST:g}."
        raise UsageError(f"{wish.speed:g} is no speed", where=f"{wish.dashes}speed", remedy=mend)
    if wish.repeat < 1:
        mend = "give how often it is played, 1 or more."
        raise UsageError(f"{wish.repeat} times is not at all", where=f"{wish.dashes}repeat", remedy=mend)
    if wish.end_ns is not None and wish.end_ns <= wish.start_ns:
        what = f"it would end at {show_time(wish.end_ns)}, before it begins at {show_time(wish.start_ns)}"
        raise UsageError(what, where=str(wish.file), remedy="give times of the log, from its first frame.")
    for channel, bus in wish.channels.items():
        if bus not in config.bus:
            there = ", ".join(config.bus) or "none"
            raise UsageError(f"there is no bus '{bus}'", where=f"channel {channel}", remedy=f"buses: {there}.")


# ---- which frames


class _Choice:
    """Says of an identifier whether it is replayed.

    Args:
        config: the bench file, which says who is really there.
        names: what the log's frames are called.
        wish: what the user asks for.
    """

    def __init__(self, config: BenchConfig, names: Names, wish: ReplayWish) -> None:
        self.names, self._wish = names, wish
        self._real = {node for bus in config.bus.values() for node in bus.real_nodes}
        self._only = patterns_of(wish.only, names.network, f"{wish.dashes}only")
        self._without = patterns_of(wish.without, names.network, f"{wish.dashes}without")

    def refused(self, key: int) -> str:
        """Why it is left out; empty if it isn't."""
        channel, can_id, extended = split_key(key)
        if not self.names.known(channel):
            return f"on channel {self.names.channel(channel)}, which is no bus of this bench"
        bus, message = self.names.message(key)

        def has(patterns: Iterable[Pattern]) -> bool:
            return any(one.has_frame(bus, message, can_id, bool(extended)) for one in patterns)

        if (self._only and not has(self._only)) or has(self._without):
            return "not asked for"
        return "" if message is None else self._refused_message(bus, message)

    def _refused_message(self, bus: str, message: Message) -> str:
        real = sorted(self._real.intersection(message.senders))
        if real:
            return f"sent by {', '.join(real)}, which is really there"
        traits = self.names.network.traits(bus, message)
        if traits.is_nm and not self._wish.nm:
            return "network management"
        return "diagnosis" if traits.is_diag and not self._wish.diagnosis else ""


class _Survey:
    """Counts the frames of a log.

    Attributes:
        choice: which of them are replayed.
        wish: what the user asks for.
        refused: key -> why it isn't replayed; empty if it is.
        frames: how many are replayed.
        left_out: why others aren't -> how many.
        unknown: how many of the replayed ones no database knows.
    """

    def __init__(self, choice: _Choice, wish: ReplayWish) -> None:
        self.choice, self.wish = choice, wish
        self.refused: dict[int, str] = {}
        self.frames = self.unknown = 0
        self.left_out: Counter[str] = Counter()
        self._fd: dict[int, int] = {}
        self._span_ns: tuple[int, int] | None = None
        self._goes_on = False

    def take(self, block: Frames) -> bool:
        """Count a block; returns whether a further one can have frames of the stretch."""
        start_ns, end_ns = self.wish.start_ns, self.wish.end_ns
        before, after = block.t_ns < start_ns, np.zeros(len(block), bool)
        if end_ns is not None:
            after = block.t_ns > end_ns
            self._goes_on = self._goes_on or bool(after.any())
        if not start_ns:
            self._leave_out("stamped before the first frame of the log", int(before.sum()))
        inside, is_error = ~before & ~after, (block.flags & ERROR) > 0
        self._leave_out("error frames", int((inside & is_error).sum()))
        self._count(block.pick(inside & ~is_error))
        return not (len(block) and after.all())

    def _leave_out(self, why: str, count: int) -> None:
        if count:
            self.left_out[why] += count

    def _count(self, block: Frames) -> None:
        keys = block.keys()
        with_fd = keys | (block.flags & FD > 0).astype(np.uint64) << _FD_PLACE
        for number, count in zip(*(a.tolist() for a in np.unique(with_fd, return_counts=True)), strict=True):
            key, is_fd = number & (1 << int(_FD_PLACE)) - 1, number >> int(_FD_PLACE)
            why = self._why(key)
            if why:
                self._leave_out(why, count)
                continue
            self.frames += count
            self.unknown += 0 if self.choice.names.message(key)[1] is not None else count
            self._fd[key] = self._fd.get(key, 0) + count * is_fd
        self._stretch(block.t_ns[np.isin(keys, np.array(list(self._fd), np.uint64))])

    def _why(self, key: int) -> str:
        if key not in self.refused:
            self.refused[key] = self.choice.refused(key)
        return self.refused[key]

    def _stretch(self, t_ns: Array) -> None:
        if len(t_ns):
            first_ns, last_ns = int(t_ns.min()), int(t_ns.max())
            before = self._span_ns or (first_ns, last_ns)
            self._span_ns = min(before[0], first_ns), max(before[1], last_ns)

    # What was found -----------------------------------------------------------------------------------------------

    def messages(self) -> dict[Key, Message | None]:
        """What is replayed."""
        found: dict[Key, Message | None] = {}
        for key in self._fd:
            _, can_id, extended = split_key(key)
            bus, message = self.choice.names.message(key)
            found[bus, can_id, extended] = message
        return found

    def reasons(self) -> dict[Key, str]:
        """Why something on a bus isn't replayed."""
        names = self.choice.names
        return {
            (names.bus(channel), can_id, extended): why
            for channel, can_id, extended, why in ((*split_key(key), why) for key, why in self.refused.items() if why)
        }

    def period_ns(self) -> int:
        """From the beginning of a pass to that of the next: where the log goes on, the stretch that was asked for;
        else up to the last frame, and as far again as two frames are from each other on the average.

        Raises:
            UsageError: a repeat would take no time.
        """
        start_ns, end_ns = self.wish.start_ns, self.wish.end_ns
        if self._goes_on and end_ns is not None:
            return end_ns - start_ns
        first_ns, last_ns = self._span_ns or (start_ns, start_ns)
        if last_ns == first_ns and self.wish.repeat > 1:
            what = "its frames are all at one instant, which can't be repeated"
            raise UsageError(what, where=str(self.wish.file), remedy="replay more of it, or once.")
        return last_ns - start_ns + (last_ns - first_ns) // max(1, self.frames - 1)

    def check(self, log: Log, config: BenchConfig) -> None:
        """Refuse what can't be replayed.

        Raises:
            UsageError: nothing is left, a channel isn't there, two are one bus, or a bus can't carry it.
        """
        file = str(self.wish.file)
        there = ", ".join(log.channels) or "none"
        for channel in self.choice.names.mapping.unused(log.channels):
            raise UsageError(f"there is no channel '{channel}' in the log", where=file, remedy=f"it has {there}.")
        if not self.frames:
            raise UsageError(self._nothing(log), where=file, remedy="ask for another part of it, or map its channels.")
        self._check_channels(file)
        self._check_fd(config, file)

    def _nothing(self, log: Log) -> str:
        if not log.frames:
            return f"is a {log.kind} log without any CAN frame"
        left = "; ".join(f"{count} {why}" for why, count in self.left_out.items())
        until = f"(until {show_time(log.last_ns)})"
        return f"none of its {log.frames} frames {until} is left{f': {left}' if left else ''}"

    def _check_channels(self, file: str) -> None:
        """Two senders of one identifier would be heard as one that stutters."""
        names, given = self.choice.names, self.wish.channels
        taken: dict[str, str] = {}
        for number in sorted({split_key(key)[0] for key in self._fd}):
            channel, bus = names.channel(number), names.bus(number)
            other = taken.setdefault(bus, channel)
            if other != channel and not {other, channel} <= given.keys():
                what = f"the channels {other} and {channel} would both be bus {bus}"
                raise UsageError(what, where=file, remedy=f"say which one is: channel {other}={bus}.")

    def _check_fd(self, config: BenchConfig, file: str) -> None:
        for key, count in self._fd.items():
            bus = self.choice.names.bus(split_key(key)[0])
            if count and config.bus[bus].data_bitrate is None:
                channel = self.choice.names.channel(split_key(key)[0])
                what = f"channel {channel} has CAN FD frames, and bus {bus} is classic CAN"
                raise UsageError(what, where=file, remedy="map the channel to another bus, or set data_bitrate.")


# ---- overridden signals


def _options(survey: _Survey, network: Network, log: Log) -> ReplayOptions:
    wish, names, reasons, messages = survey.wish, survey.choice.names, survey.reasons(), survey.messages()
    return ReplayOptions(
        buses={channel: names.bus(number) for number, channel in enumerate(log.channels) if names.known(number)},
        from_ns=wish.start_ns,
        to_ns=wish.end_ns,
        without=frozenset((bus, can_id, bool(extended)) for bus, can_id, extended in reasons),
        overrides=_overrides(network, wish, messages, reasons),
    )


def _overrides(
    network: Network, wish: ReplayWish, messages: Mapping[Key, Message | None], reasons: Mapping[Key, str]
) -> dict[SignalRef, int | float]:
    """Signal -> raw value, those that a gateway repeats in the same log included.

    Raises:
        UsageError: unknown signal or value, one that isn't replayed, or one that protection writes.
    """
    values = {(ref := network.resolve(name)): database.to_value(ref, value) for name, value in wish.override.items()}
    for ref in values:
        key = key_of(ref.bus, ref.message)
        if key not in messages:
            why = f"its frames are left out: {reasons[key]}" if key in reasons else "its message isn't in the log"
            raise UsageError(why, where=str(ref), remedy="override what is replayed; the restbus sets the rest.")
        if writes(chain_of(network.traits(ref.bus, ref.message)), ref.signal):
            raise UsageError("is written by the message's E2E protection", where=str(ref), remedy="leave it out.")
    raws = {ref: value.raw for ref, value in values.items()}
    copies = (copy for ref, value in values.items() for copy in _copies(network, ref, value))
    return {ref: raw for ref, raw in copies if key_of(ref.bus, ref.message) in messages} | raws


def _copies(network: Network, ref: SignalRef, value: Value) -> Iterable[tuple[SignalRef, int | float]]:
    """Where gateways repeat a signal, with the raw value there."""
    source = f"{ref.message.name}.{ref.signal.name}"
    for bus, message in network.messages():
        for name, of in network.traits(bus, message).gateway.items():
            if of == source and bus != ref.bus:
                copy = SignalRef(bus, message, message.get_signal_by_name(name))
                raw = copy.labels.get(value.label) if value.label is not None else None
                yield copy, database.raw_of(message, name, value.physical) if raw is None else raw


def key_of(bus: str, message: Message) -> Key:
    """What the frames of a message are found by."""
    return bus, message.frame_id, EXTENDED if message.is_extended_frame else 0


__all__ = ["Key", "Prepared", "ReplayWish", "key_of", "prepare"]
