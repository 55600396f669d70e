"""Disturbances of a simulated wire, on demand and by a seeded generator. Pure: it says what is to be disturbed.

What each of them is on the wire:
- *loss*: the frame is on the wire and is acknowledged; the nodes concerned miss it, as with a full receive buffer. Its
  sender sees it sent. No error counter moves;
- *delay*: the frame is held back in front of its sender's queue, and what is sent after it overtakes it;
- *duplication*: after the frame was on the wire its sender sends it once more, before all else that waits there;
- *corruption*: the nodes concerned see some bits wrong, anywhere from the identifier to the CRC delimiter. What
  follows is left to the protocol: error frames, counters, another try. So a receiver that is hit again and again
  becomes error-passive and disturbs nobody any more; to drive a sender off the bus, let it see its own bits wrong;
- *alteration*: bits of the payload are turned over before the frame goes to the wire, with a right CRC, as a bad
  gateway does it. Every node, the sender's own included, hears what was on the wire.

Loss, duplication and corruption are drawn for each attempt to send, so that a repeated frame may be hit again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from hil.can.bitstream import frame_stream
from hil.can.frames import EXTENDED, REMOTE, CanFrame
from hil.errors import UsageError

_PROBABILITIES = ("loss", "delay", "duplication", "corruption", "alteration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """What is to happen to frames, how probably, to which, and how long. The module says what each of it is.

    Attributes:
        loss: probability, 0 to 1.
        delay: probability.
        delay_ns: shortest and longest time that a delayed frame is held back; drawn evenly.
        duplication: probability.
        corruption: probability.
        flips: bits of a corrupted frame that are seen wrong.
        alteration: probability.
        altered_bits: bits of the payload that are turned over.
        ids: identifiers to disturb, each with whether it is extended; all if empty.
        senders: nodes whose frames are disturbed; all if empty.
        nodes: nodes that miss a lost frame or see a corrupted one wrong; if empty all but the sender. With the sender
            among them it sees its own bits wrong.
        count: how many times it disturbs at most; None: no limit.
        from_ns: bench time from which it disturbs.
        to_ns: bench time from which it doesn't any more; None: never.

    Raises:
        UsageError: a probability, a number or a span that can't be.
    """

    loss: float = 0.0
    delay: float = 0.0
    delay_ns: tuple[int, int] = (0, 0)
    duplication: float = 0.0
    corruption: float = 0.0
    flips: int = 1
    alteration: float = 0.0
    altered_bits: int = 1
    ids: frozenset[tuple[int, bool]] = frozenset()
    senders: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    count: int | None = None
    from_ns: int = 0
    to_ns: int | None = None

    def __post_init__(self) -> None:
        for name in _PROBABILITIES:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UsageError(f"{name} is a probability: {getattr(self, name)}", remedy="give 0 to 1.")
        if self.flips < 1 or self.altered_bits < 1:
            raise UsageError("a corrupted frame has at least one wrong bit", remedy="leave out what isn't wanted.")
        least, most = self.delay_ns
        if not 0 <= least <= most or (self.delay and not most):
            raise UsageError(f"a delay from {least} to {most} ns", remedy="give delay_ns as (shortest, longest).")
        if self.to_ns is not None and self.to_ns <= self.from_ns:
            raise UsageError(f"disturbs from {self.from_ns} to {self.to_ns} ns: never", remedy="correct from and to.")

    def concerns(self, sender: str, can_id: int, flags: int, t_ns: int) -> bool:
        """Whether it disturbs a frame of this sender now."""
        if t_ns < self.from_ns or (self.to_ns is not None and t_ns >= self.to_ns):
            return False
        if self.senders and sender not in self.senders:
            return False
        return not self.ids or (can_id, bool(flags & EXTENDED)) in self.ids


@dataclass(frozen=True, slots=True)
class Trouble:
    """What one attempt to send meets.

    Attributes:
        missed_by: nodes that miss the frame.
        flips: node -> bits that it sees wrong.
        twice: whether the frame is sent once more.
    """

    missed_by: frozenset[str] = frozenset()
    flips: tuple[tuple[str, tuple[int, ...]], ...] = ()
    twice: bool = False


NO_TROUBLE = Trouble()


class Disturber:
    """Draws what happens. The same frames in the same order with the same seed meet the same.

    Args:
        disturbances: all that are on, each for itself.
        rng: the only source of chance.
    """

    def __init__(self, disturbances: Sequence[Disturbance], rng: random.Random) -> None:
        self._left: list[tuple[Disturbance, list[float]]] = [
            (one, [float("inf") if one.count is None else one.count]) for one in disturbances
        ]
        self._rng = rng

    def on_send(self, sender: str, can_id: int, data: bytes, flags: int, t_ns: int) -> tuple[int, bytes]:
        """How long a frame is held back, and the payload with which it goes to the wire."""
        delay_ns = 0
        for one, left in self._concerned(sender, can_id, flags, t_ns):
            if data and not flags & REMOTE and self._strikes(one.alteration, left):
                data = self._altered(data, one.altered_bits)
            if self._strikes(one.delay, left):
                delay_ns += self._rng.randint(*one.delay_ns)
        return delay_ns, data

    def on_attempt(self, frame: CanFrame, sender: str, others: Sequence[str], *, is_copy: bool) -> Trouble:
        """What an attempt to send meets.

        Args:
            frame: what is sent; its stamp is its begin.
            sender: its node.
            others: the nodes that listen.
            is_copy: whether it is there for the second time: a third time never comes.
        """
        missed_by: set[str] = set()
        flips: dict[str, tuple[int, ...]] = {}
        twice = False
        for one, left in self._concerned(sender, frame.can_id, frame.flags, frame.t_ns):
            victims = [node for node in (*others, sender) if node in one.nodes] if one.nodes else others
            if self._strikes(one.loss, left):
                missed_by.update(victims)
            if self._strikes(one.corruption, left):
                flips |= dict.fromkeys(victims, self._flips(frame, one.flips))
            twice |= not is_copy and self._strikes(one.duplication, left)
        return Trouble(frozenset(missed_by), tuple(flips.items()), twice) if missed_by or flips or twice else NO_TROUBLE

    def _concerned(self, sender: str, can_id: int, flags: int, t_ns: int) -> list[tuple[Disturbance, list[float]]]:
        return [pair for pair in self._left if pair[1][0] > 0 and pair[0].concerns(sender, can_id, flags, t_ns)]

    def _strikes(self, probability: float, left: list[float]) -> bool:
        if not probability or left[0] <= 0 or self._rng.random() >= probability:
            return False
        left[0] -= 1
        return True

    def _altered(self, data: bytes, count: int) -> bytes:
        number = int.from_bytes(data, "big")
        for bit in self._rng.sample(range(8 * len(data)), min(count, 8 * len(data))):
            number ^= 1 << bit
        return number.to_bytes(len(data), "big")

    def _flips(self, frame: CanFrame, count: int) -> tuple[int, ...]:
        bits = len(frame_stream(frame.can_id, frame.data, frame.flags).levels)
        return tuple(sorted(self._rng.sample(range(1, bits), min(count, bits - 1))))


__all__ = ["NO_TROUBLE", "Disturbance", "Disturber", "Trouble"]
