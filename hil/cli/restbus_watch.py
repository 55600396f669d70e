"""What `hil restbus` knows of every message on the buses: how often it came, how evenly, what it carried last.

Rules of this module: `Watch.on_frame` is called in the loop's thread for each frame, so it counts and keeps and no
more; what payloads mean is worked out in `look`, a few times a second. Cycles are measured on the wire, from stamp to
stamp, own frames by their echo. A gap that was made on purpose (stopped and resumed, another cycle, a bus asleep) is no
figure of the bench and is left out. What `look` returns is not changed afterwards, so any thread may draw it.

Not for: judging. It calls nothing good or bad; monitors and suites do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from cantools.database.can import Message

from hil.bench.config import BusSection
from hil.bench.wiring import Wiring
from hil.can import bits, database
from hil.can.confinement import ErrorState
from hil.can.frames import ERROR, EXTENDED, REMOTE, SENT, CanFrame
from hil.can.nm_table import State
from hil.can.restbus import ALONE, NODE, PARTIAL_NETWORK
from hil.can.sender import ASLEEP, Sent, chain_of
from hil.clock import NS_PER_S
from hil.errors import UsageError
from hil.units import show_duration

LAST: Final = 20
"""Gaps that the shown mean is made of."""
SILENT_CYCLES: Final = 5
"""After so many cycles without a frame a real node's message counts as silent."""
_LOAD_SPAN_NS: Final = NS_PER_S
_SENDING: Final = (State.NORMAL_OPERATION, State.REPEAT_MESSAGE)
"""States of a bus in which its network management messages are sent; else their silence is no gap."""
_STOPPED: Final = {ALONE: "stopped", NODE: "node stopped"}
_RESTING: Final = {PARTIAL_NETWORK: "network off", ASLEEP: "asleep"}
_Key = tuple[str, int, bool, bool]


class Part(Enum):
    """Who sends a message; a bus is shown in these parts."""

    PLAYED = ""
    NM = "network management"
    HAND = "sent by hand"
    REAL = "real nodes"


_PARTS: Final = list(Part)


@dataclass(frozen=True, slots=True)
class Row:
    """One message as it stands.

    Attributes:
        bus: the bus.
        part: the restbus, network management or the user, from the bench; or a real node.
        message: what the database says; None for an identifier that it lacks.
        can_id: identifier.
        flags: frame flags.
        due_ns: the cycle that it should have now; 0 if it is sent on events.
        mean_ns: mean of the last gaps; None before there is one.
        worst_ns: the longest gap.
        whole_mean_ns: mean of all gaps.
        count: frames on the wire.
        late_ns: by how much the bench handed a frame over late at most.
        profile: of its E2E protection, empty if it has none.
        faults: what was broken on purpose: `stopped`, `CRC wrong`, `cycle 200 ms`.
        notes: what else is to be known: `ramp`, `silent for 2.00 s`.
        raw: raw value of each signal that is known.
        changed_ns: signal -> when a change of it was noticed.
        hidden: signals that the protection writes, which change with each frame.
        data: last payload on the wire.
    """

    bus: str
    part: Part
    message: Message | None
    can_id: int
    flags: int
    due_ns: int
    mean_ns: float | None
    worst_ns: int
    whole_mean_ns: float | None
    count: int
    late_ns: int
    profile: str
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    raw: Mapping[str, Any]
    changed_ns: Mapping[str, int]
    hidden: frozenset[str]
    data: bytes

    @property
    def played(self) -> bool:
        """Whether the restbus sends it."""
        return self.part is Part.PLAYED

    @property
    def own(self) -> bool:
        """Whether the bench sends it."""
        return self.part is not Part.REAL

    @property
    def name(self) -> str:
        """Name of the message; empty if the database lacks it."""
        return "" if self.message is None else self.message.name


@dataclass(frozen=True, slots=True)
class BusFigures:
    """A bus as a whole.

    Attributes:
        name: in the bench file.
        section: what the bench file says of it.
        frames_per_s: frames of everybody in the last second; None before there was one.
        load: part of the time that the wire was busy, 0 to 1, from the lengths of these frames.
        error_frames: seen so far.
        network: state of network management; empty if the database knows none.
        state: what the bench's port says of itself unless it is well: `error passive`, `bus off`.
    """

    name: str
    section: BusSection
    frames_per_s: float | None
    load: float | None
    error_frames: int
    network: str
    state: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the view shows.

    Attributes:
        t_ns: bench time.
        running: whether the restbus sends.
        buses: in the order of the bench file.
        rows: sorted by bus and part; of each part by name, then unknown identifiers.
        late_frames: frames that left later than the bench file allows.
        ignition: label of the ignition's signal; empty if the bench has none or doesn't send it.
    """

    t_ns: int
    running: bool
    buses: tuple[BusFigures, ...]
    rows: tuple[Row, ...]
    late_frames: int
    ignition: str


@dataclass(slots=True)
class _Track:
    """One identifier on one bus, from one side."""

    bus: str
    part: Part
    can_id: int
    flags: int
    message: Message | None = None
    sent: Sent | None = None
    due_ns: int = 0
    is_nm: bool = False
    profile: str = ""
    hidden: frozenset[str] = frozenset()
    count: int = 0
    sampled: int = 0
    last_ns: int = -1
    joined: bool = False
    gaps: deque[int] = field(default_factory=lambda: deque(maxlen=LAST))
    gap_count: int = 0
    gap_sum_ns: int = 0
    worst_ns: int = 0
    data: bytes = b""
    seen: object = None
    raw: dict[str, Any] = field(default_factory=dict)
    changed_ns: dict[str, int] = field(default_factory=dict)

    def take(self, frame: CanFrame) -> None:
        """A frame of it was on the wire."""
        t_ns = frame.t_ns
        self.count += 1
        sent = self.sent
        if sent is not None and sent.period_ns != self.due_ns:
            self.due_ns = sent.period_ns
            self._begin_anew()
        if self.joined and (sent is None or self.due_ns):
            gap_ns = t_ns - self.last_ns
            self.gaps.append(gap_ns)
            self.gap_count += 1
            self.gap_sum_ns += gap_ns
            self.worst_ns = max(self.worst_ns, gap_ns)
        self.joined = True
        self.last_ns, self.data, self.flags = t_ns, frame.data, frame.flags & ~SENT

    def _begin_anew(self) -> None:
        self.joined = False
        self.gaps.clear()
        self.gap_count = self.gap_sum_ns = self.worst_ns = 0


class Watch:
    """Counts and measures what is on the buses of a bench. All calls in the loop's thread.

    Args:
        wiring: the bench, open.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._tracks: dict[_Key, _Track] = {}
        self._errors = dict.fromkeys(wiring.buses, 0)
        self._late_frames = 0
        self._samples: deque[tuple[int, dict[str, tuple[int, int]]]] = deque()
        self._sums = dict.fromkeys(wiring.buses, (0, 0))
        for sent in wiring.restbus.messages:
            self._track(sent.bus, sent.can_id, sent.flags, own=True)
        for bus, message in wiring.plan.network.messages():
            if set(message.senders) & set(wiring.config.bus[bus].real_nodes):
                self._track(bus, message.frame_id, database.flags_of(message), own=False)
        wiring.taps.append(self.on_frame)

    def _track(self, bus: str, can_id: int, flags: int, *, own: bool) -> _Track:
        key = (bus, can_id, bool(flags & EXTENDED), own)
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = self._new_track(bus, can_id, flags, own)
        return track

    def _new_track(self, bus: str, can_id: int, flags: int, own: bool) -> _Track:
        network, restbus = self._wiring.plan.network, self._wiring.restbus
        message = network.message_of(CanFrame(0, bus, can_id, b"", flags))
        if message is None:
            return _Track(bus, Part.HAND if own else Part.REAL, can_id, flags)
        traits = network.traits(bus, message)
        sent = next((sent for sent in restbus.messages if own and sent.bus == bus and sent.message is message), None)
        part = Part.PLAYED if sent else Part.REAL if not own else Part.NM if traits.is_nm else Part.HAND
        manager = self._wiring.traffic.managers.get(bus) if traits.is_nm else None
        cycle_ns = traits.cycle_ns if manager is None else manager.times.cycle_ns
        return _Track(
            bus,
            part,
            can_id,
            flags,
            message=message,
            sent=sent,
            due_ns=cycle_ns if sent is None else sent.period_ns,
            is_nm=traits.is_nm,
            profile=traits.e2e.profile if traits.e2e is not None else "",
            hidden=_hidden(message, chain_of(traits)),
        )

    def on_frame(self, frame: CanFrame) -> None:
        """A frame was on a bus."""
        flags = frame.flags
        if flags & ERROR:
            self._errors[frame.bus] += 1
            return
        own = bool(flags & SENT)
        track = self._tracks.get((frame.bus, frame.can_id, bool(flags & EXTENDED), own))
        if track is None:
            track = self._track(frame.bus, frame.can_id, flags & ~SENT, own=own)
        track.take(frame)

    def leave_out(self, messages: Iterable[Sent]) -> None:
        """Don't count the gap to the next frame of these: it was made on purpose."""
        for sent in messages:
            self._track(sent.bus, sent.can_id, sent.flags, own=True).joined = False

    # Looking ------------------------------------------------------------------------------------------------------

    async def look(self) -> Snapshot:
        """How everything stands now; call it about as often as once a second, so that loads have a span."""
        now_ns, wiring = self._wiring.clock.now_ns, self._wiring
        self._late_frames += len(wiring.recorder.lateness)
        wiring.recorder.lateness.clear()
        self._leave_silence_out()
        self._sample(now_ns)
        rows = sorted((self._row(track, now_ns) for track in self._tracks.values()), key=self._place)
        buses = tuple(self._figures(name) for name in wiring.buses)
        return Snapshot(now_ns, wiring.restbus.running, buses, tuple(rows), self._late_frames, self._ignition())

    def _leave_silence_out(self) -> None:
        running, managers = self._wiring.restbus.running, self._wiring.traffic.managers
        for track in self._tracks.values():
            if track.sent is not None:
                track.joined &= running and not track.sent.silenced
            elif track.is_nm and track.bus in managers:
                track.joined &= managers[track.bus].state in _SENDING

    def _place(self, row: Row) -> tuple[int, bool, str, int]:
        place = list(self._wiring.buses).index(row.bus) * len(_PARTS) + _PARTS.index(row.part)
        return place, row.message is None, row.name.lower(), row.can_id

    def _ignition(self) -> str:
        section, restbus = self._wiring.config.ignition, self._wiring.restbus
        if section is None:
            return ""
        ref = self._wiring.plan.network.resolve(section.signal)
        return str(restbus.get(ref)) if restbus.sends(ref) else ""

    def _row(self, track: _Track, now_ns: int) -> Row:
        sent = track.sent
        self._notice(track, now_ns)
        return Row(
            bus=track.bus,
            part=track.part,
            message=track.message,
            can_id=track.can_id,
            flags=track.flags,
            due_ns=track.due_ns if sent is None else sent.period_ns,
            mean_ns=sum(track.gaps) / len(track.gaps) if track.gaps else None,
            worst_ns=track.worst_ns,
            whole_mean_ns=track.gap_sum_ns / track.gap_count if track.gap_count else None,
            count=track.count,
            late_ns=0 if sent is None else sent.worst_late_ns,
            profile=track.profile,
            faults=() if sent is None else tuple(faults_of(sent)),
            notes=tuple(_notes(track, now_ns)),
            raw=track.raw,
            changed_ns=dict(track.changed_ns),
            hidden=track.hidden,
            data=track.data,
        )

    # Values -------------------------------------------------------------------------------------------------------

    def _notice(self, track: _Track, now_ns: int) -> None:
        """Take the values in if they are others than at the last look, and note which have changed."""
        current: object = track.data if track.sent is None else track.sent.values
        if current == track.seen or track.message is None:
            return
        before, track.seen = track.raw, current
        track.raw = before | _values(track)
        changed = (name for name, raw in track.raw.items() if before and before.get(name) != raw)
        track.changed_ns |= dict.fromkeys(changed, now_ns)

    # The load of a bus --------------------------------------------------------------------------------------------

    def _sample(self, now_ns: int) -> None:
        """Keep the sums of a little more than the last second."""
        for track in self._tracks.values():
            new = track.count - track.sampled
            if new:
                track.sampled = track.count
                frames, busy_ns = self._sums[track.bus]
                self._sums[track.bus] = frames + new, busy_ns + new * self._busy_ns(track)
        self._samples.append((now_ns, dict(self._sums)))
        while len(self._samples) > 2 and now_ns - self._samples[1][0] >= _LOAD_SPAN_NS:
            self._samples.popleft()

    def _busy_ns(self, track: _Track) -> int:
        """How long one frame of it takes on the wire, by its last payload."""
        section = self._wiring.config.bus[track.bus]
        length = bits.frame_length(track.can_id, track.data, track.flags)
        return bits.duration_ns(length, section.bitrate, section.data_bitrate)

    def _figures(self, bus: str) -> BusFigures:
        section = self._wiring.config.bus[bus]
        (from_ns, begin), (to_ns, end) = self._samples[0], self._samples[-1]
        span_ns = to_ns - from_ns
        known = span_ns >= _LOAD_SPAN_NS // 4
        frames, busy_ns = (after - before for before, after in zip(begin[bus], end[bus], strict=True))
        state = getattr(self._wiring.buses[bus], "state", ErrorState.ACTIVE)
        return BusFigures(
            name=bus,
            section=section,
            frames_per_s=frames * NS_PER_S / span_ns if known else None,
            load=busy_ns / span_ns if known else None,
            error_frames=self._errors[bus],
            network=manager.state.value if (manager := self._wiring.traffic.managers.get(bus)) else "",
            state="" if state is ErrorState.ACTIVE else str(state),
        )


def faults_of(sent: Sent) -> Iterable[str]:
    """What somebody broke of a message on purpose, in words."""
    yield from (text for reason, text in _STOPPED.items() if reason in sent.silenced)
    if sent.frozen:
        yield "counter frozen"
    if sent.corrupt:
        yield "CRC wrong"
    if sent.cycle_override_ns is not None:
        yield f"cycle {sent.cycle_override_ns / 1e6:g} ms"
    if sent.length is not None:
        yield f"{sent.length} bytes"


def _notes(track: _Track, now_ns: int) -> Iterable[str]:
    """What is to be known beside figures and values."""
    sent = track.sent
    if sent is not None:
        yield from (text for reason, text in _RESTING.items() if reason in sent.silenced)
        yield from ["ramp"] * bool(sent.curves)
        return
    if track.part is Part.REAL and track.due_ns:
        if not track.count:
            yield "never came"
        elif not track.is_nm and now_ns - track.last_ns > SILENT_CYCLES * track.due_ns:
            yield f"silent for {show_duration(now_ns - track.last_ns)}"
    yield from _oddities(track)


def _oddities(track: _Track) -> Iterable[str]:
    """What is wrong with a frame that no restbus sent."""
    if track.message is None:
        yield "not in the database"
    elif track.flags & REMOTE:
        yield "remote frame"
    elif track.count and len(track.data) < track.message.length:
        yield f"{len(track.data)} of {track.message.length} bytes"


def _values(track: _Track) -> dict[str, Any]:
    """Raw values: of the restbus as they are set, of others as they came; of multiplexed messages those that go out."""
    message, sent = track.message, track.sent
    if message is None:
        return {}
    if sent is not None and not message.is_multiplexed():
        return sent.values
    try:
        return database.decode(message, track.data if sent is None else sent.payload)
    except UsageError:  # too short, or its multiplexer selects nothing
        return {}


def _hidden(message: Message, chain: Any) -> frozenset[str]:
    """Signals that a protection writes."""
    written = {bit for begin, bits in (chain.header if chain else ()) for bit in range(begin, begin + bits)}
    return frozenset(signal.name for signal in message.signals if written & set(database.bits_of(signal)))
