"""What is heard on the buses of a bench while it listens: of each identifier how often, how far apart, how long.

Rules of this module: pure; it counts and judges nothing. What the bench itself sent is left out. Times are those of the
stamps. A wrong checksum is one that the protection of the database doesn't find right; its counter isn't looked at.

Not for: verdicts on a case (`hil.can.monitors`); logs (`hil.can.trace_stats`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cantools.database.can import Message

from hil.can.bits import duration_ns, frame_length
from hil.can.database import Network
from hil.can.e2e import E2e
from hil.can.frames import ERROR, EXTENDED, REMOTE, SENT, CanFrame, show_id
from hil.can.sender import chain_of
from hil.journal import Origin

Key = tuple[int, int]
"""Identifier, and `EXTENDED` or 0."""
_FAR: Final = 1 << 62


@dataclass(slots=True)
class Heard:
    """One identifier of a bus.

    Attributes:
        key: the identifier.
        message: what the database calls it; None: no database of the bus has it.
        count: frames.
        first_ns: stamp of the first.
        last_ns: stamp of the last.
        least_ns: the shortest distance of two.
        most_ns: the longest.
        lengths: bytes of payload that came.
        wrong_crc: frames whose checksum was wrong.
        remote: remote frames; they count nowhere else.
    """

    key: Key
    message: Message | None
    count: int = 0
    first_ns: int = 0
    last_ns: int = 0
    least_ns: int = _FAR
    most_ns: int = 0
    lengths: set[int] = field(default_factory=set)
    wrong_crc: int = 0
    remote: int = 0

    @property
    def name(self) -> str:
        """The message, or the identifier."""
        return self.message.name if self.message is not None else show_id(*self.key)

    @property
    def mean_ns(self) -> int:
        """The mean distance of two frames; 0 where fewer than two came."""
        return (self.last_ns - self.first_ns) // (self.count - 1) if self.count > 1 else 0

    def add(self, t_ns: int, length: int) -> None:
        """One more frame."""
        if self.count:
            gap_ns = t_ns - self.last_ns
            self.least_ns, self.most_ns = min(self.least_ns, gap_ns), max(self.most_ns, gap_ns)
        else:
            self.first_ns = t_ns
        self.count += 1
        self.last_ns = t_ns
        self.lengths.add(length)


@dataclass(slots=True)
class BusSurvey:
    """One bus.

    Attributes:
        bus: its name.
        frames: data and remote frames that others sent.
        own: frames of the bench.
        errors: error frames.
        busy_ns: how long the frames of others took on the wire, by the bit rates of the bench file.
        origins: where the stamps came from.
        heard: identifier -> what is known of it.
    """

    bus: str
    frames: int = 0
    own: int = 0
    errors: int = 0
    busy_ns: int = 0
    origins: set[Origin] = field(default_factory=set)
    heard: dict[Key, Heard] = field(default_factory=dict)

    @property
    def known(self) -> list[Heard]:
        """What the database has."""
        return [each for each in self.heard.values() if each.message is not None]

    @property
    def unknown(self) -> list[Heard]:
        """What it hasn't."""
        return [each for each in self.heard.values() if each.message is None]

    @property
    def nodes(self) -> frozenset[str]:
        """Nodes of which something came."""
        return frozenset(node for each in self.known if each.message for node in each.message.senders)

    def of(self, message: Message) -> Heard | None:
        """What came of a message."""
        return self.heard.get((message.frame_id, EXTENDED if message.is_extended_frame else 0))


class Survey:
    """Counts what comes on all buses.

    Args:
        network: the databases.
        rates: bus -> bit rate, data bit rate or None.
    """

    def __init__(self, network: Network, rates: dict[str, tuple[int, int | None]]) -> None:
        self._network, self._rates = network, rates
        self._checks: dict[tuple[str, str], Callable[[bytes], bool] | None] = {}
        self.buses: dict[str, BusSurvey] = {}
        self.begin()

    def begin(self) -> None:
        """Forget all."""
        self.buses = {bus: BusSurvey(bus) for bus in self._rates}

    def on_frame(self, frame: CanFrame) -> None:
        """A frame was on a bus."""
        t_ns, name, can_id, data, flags, origin = frame
        bus = self.buses[name]
        if flags & SENT:
            bus.own += 1
            return
        bus.origins.add(origin)
        if flags & ERROR:
            bus.errors += 1
            return
        bus.frames += 1
        bus.busy_ns += duration_ns(frame_length(can_id, data, flags), *self._rates[name])
        heard = self._heard(bus, frame)
        if flags & REMOTE:
            heard.remote += 1
            return
        heard.add(t_ns, len(data))
        check = self._check_of(name, heard.message)
        if check is not None and not check(data):
            heard.wrong_crc += 1

    def _heard(self, bus: BusSurvey, frame: CanFrame) -> Heard:
        key = frame.can_id, frame.flags & EXTENDED
        if key not in bus.heard:
            bus.heard[key] = Heard(key, self._network.message_of(frame))
        return bus.heard[key]

    def _check_of(self, bus: str, message: Message | None) -> Callable[[bytes], bool] | None:
        """Whether a payload's checksum is right, for a message with one E2E profile."""
        if message is None:
            return None
        key = bus, message.name
        if key not in self._checks:
            chain = chain_of(self._network.traits(bus, message))
            link = chain.links[0] if chain is not None and len(chain.links) == 1 else None
            self._checks[key] = link.crc_ok if isinstance(link, E2e) else None
        return self._checks[key]


__all__ = ["BusSurvey", "Heard", "Key", "Survey"]
