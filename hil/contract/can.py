"""The contract of a CAN port: own frames come back, in order, stamped on the wire; what no bus carries is refused.

Error frames, where a port tells of them, are marked as such (flag `ERROR`), belong to nobody (never `SENT`), and change
nothing of the rest: a frame that failed is sent again in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from hil.can.frames import BRS, ERROR, EXTENDED, FD, REMOTE, SENT, CanFrame
from hil.can.port import CanPort
from hil.clock import Clock
from hil.errors import BenchError, HilError, UsageError

FD_LENGTHS = (0, 1, 8, 12, 16, 20, 24, 32, 48, 64)
BAD_FRAMES = {
    "an identifier beyond 11 bits": (0x800, b"", 0),
    "an identifier beyond 29 bits": (0x20000000, b"", EXTENDED),
    "a negative identifier": (-1, b"", 0),
    "nine bytes in a classic frame": (0x100, bytes(9), 0),
    "ten bytes in an FD frame": (0x100, bytes(10), FD),
    "65 bytes in an FD frame": (0x100, bytes(65), FD),
    "a remote FD frame": (0x100, b"", FD | REMOTE),
    "a bit-rate switch in a classic frame": (0x100, b"", BRS),
    "a frame that says of itself that it was sent": (0x100, b"", SENT),
}


@dataclass
class CanPair:
    """Two nodes on one bus, not yet open, and nobody else on it.

    Attributes:
        clock: the clock that both are on.
        near: the port under test.
        far: another node; it acknowledges.
        fd: whether both carry CAN FD; if not, `near` must refuse it.
        timeout_s: bench time within which a burst has arrived.
    """

    clock: Clock
    near: CanPort
    far: CanPort
    fd: bool = True
    timeout_s: float = 5.0


@dataclass
class Ear:
    """What one node heard, error frames apart, and the errors by which it was lost."""

    clock: Clock
    frames: list[CanFrame] = field(default_factory=list)
    errors: list[CanFrame] = field(default_factory=list)
    lost: list[HilError] = field(default_factory=list)
    _changed: asyncio.Future[None] | None = None

    @property
    def own(self) -> list[CanFrame]:
        """Frames that this node sent itself."""
        return [frame for frame in self.frames if frame.flags & SENT]

    @property
    def others(self) -> list[CanFrame]:
        """Frames of other nodes."""
        return [frame for frame in self.frames if not frame.flags & SENT]

    def on_frame(self, frame: CanFrame) -> None:
        """For `CanPort.open`."""
        (self.errors if frame.flags & ERROR else self.frames).append(frame)
        self._wake()

    def _wake(self, _: object = None) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    async def heard(self, count: int, timeout_s: float) -> list[CanFrame]:
        """Wait for `count` frames, own ones included, or for `timeout_s`; what was heard by then."""
        end_ns = self.clock.now_ns + round(timeout_s * 1e9)
        while len(self.frames) < count and self.clock.now_ns < end_ns:
            self._changed = self.clock.loop.create_future()
            timer = self.clock.call_at(end_ns, self._wake)
            await self._changed
            timer.cancel()
        return self.frames


def said(frame: CanFrame) -> tuple[int, bytes, int]:
    """What a frame says, apart from who sent it and when."""
    return frame.can_id, frame.data, frame.flags & ~SENT


class CanPortContract:
    """Derive it and give `can_pair`."""

    @pytest.fixture
    def can_pair(self) -> Iterator[CanPair]:
        """The two nodes. Close the clock after the test; the suite closes the nodes."""
        raise NotImplementedError("give the contract a fixture 'can_pair'")

    def _run(self, pair: CanPair, scenario: Callable[[CanPair, Ear, Ear], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            near, far = Ear(pair.clock), Ear(pair.clock)
            await pair.far.open(far.on_frame, far.lost.append)
            await pair.near.open(near.on_frame, near.lost.append)
            try:
                await scenario(pair, near, far)
            finally:
                await pair.near.close()
                await pair.far.close()
            assert near.lost == far.lost == []
            assert not any(frame.flags & SENT for frame in near.errors + far.errors)

        pair.clock.run(main())

    def _exchange(self, can_pair: CanPair, frames: list[tuple[int, bytes, int]]) -> None:
        """Send frames and compare what both nodes heard."""

        async def scenario(pair: CanPair, near: Ear, far: Ear) -> None:
            for can_id, data, flags in frames:
                pair.near.send(can_id, data, flags)
            await near.heard(len(frames), pair.timeout_s)
            await far.heard(len(frames), pair.timeout_s)
            assert [said(frame) for frame in far.others] == frames
            assert [said(frame) for frame in near.own] == frames
            assert near.others == far.own == []
            assert {frame.bus for frame in near.frames} == {pair.near.bus}

        self._run(can_pair, scenario)

    def test_a_frame_comes_back_to_its_sender_once_and_says_so(self, can_pair: CanPair) -> None:
        """Only there: for the other node it is somebody else's."""
        self._exchange(can_pair, [(0x123, b"\x01\x02\x03", 0)])

    def test_every_classic_length_arrives_as_it_is(self, can_pair: CanPair) -> None:
        """From none to eight bytes, of all values."""
        payloads = [bytes(range(length * 16, length * 17)) for length in range(9)]
        self._exchange(can_pair, [(0x100, data, 0) for data in payloads] + [(0x7FF, b"\xff" * 8, 0)])

    def test_extended_identifiers_stay_apart_from_standard_ones(self, can_pair: CanPair) -> None:
        """The same number in 11 and in 29 bits is two identifiers."""
        ids = [(0x0, 0), (0x0, EXTENDED), (0x7FF, 0), (0x7FF, EXTENDED), (0x1FFFFFFF, EXTENDED)]
        self._exchange(can_pair, [(can_id, b"\x55", flags) for can_id, flags in ids])

    def test_a_remote_frame_is_told_from_an_empty_one(self, can_pair: CanPair) -> None:
        """They have the same bytes: none."""
        self._exchange(can_pair, [(0x10, b"", REMOTE), (0x10, b"", 0), (0x10, b"", REMOTE | EXTENDED)])

    def test_every_fd_length_arrives_as_it_is_or_fd_is_refused(self, can_pair: CanPair) -> None:
        """With and without the switch to the faster bit rate."""
        if can_pair.fd:
            sizes = [(length, flags) for length in FD_LENGTHS for flags in (FD, FD | BRS)]
            self._exchange(can_pair, [(0x200, bytes(range(length)), flags) for length, flags in sizes])
            return

        async def scenario(pair: CanPair, near: Ear, far: Ear) -> None:
            with pytest.raises((UsageError, BenchError)):
                pair.near.send(0x200, bytes(12), FD)

        self._run(can_pair, scenario)

    def test_frames_of_one_sender_stay_in_order(self, can_pair: CanPair) -> None:
        """Also where a later one would win the arbitration: a node's queue is no priority queue."""
        self._exchange(can_pair, [(0x400 - number, number.to_bytes(2, "big"), 0) for number in range(200)])

    def test_two_senders_at_once_lose_nothing_and_each_stays_in_order(self, can_pair: CanPair) -> None:
        """Whatever the order between them."""

        async def scenario(pair: CanPair, near: Ear, far: Ear) -> None:
            counts = [number.to_bytes(2, "big") for number in range(100)]
            for data in counts:
                pair.near.send(0x101, data)
                pair.far.send(0x100, data)
            for ear in (near, far):
                await ear.heard(200, pair.timeout_s)
                assert [frame.data for frame in ear.own] == counts
                assert [frame.data for frame in ear.others] == counts

        self._run(can_pair, scenario)

    def test_stamps_lie_between_sending_and_now_and_never_fall(self, can_pair: CanPair) -> None:
        """Bench time; within the bound that the port states (`bound_ns`), where it states one."""

        async def scenario(pair: CanPair, near: Ear, far: Ear) -> None:
            for number in range(1, 21):
                sent_ns = pair.clock.now_ns
                pair.near.send(0x111, bytes([number]))
                for ear, port in ((near, pair.near), (far, pair.far)):
                    frame = (await ear.heard(number, pair.timeout_s))[-1]
                    bound_ns = getattr(port, "bound_ns", 0)
                    assert frame.data == bytes([number])
                    assert sent_ns - bound_ns <= frame.t_ns <= pair.clock.now_ns + bound_ns
                await pair.clock.sleep(0.001)
            for ear in (near, far):
                assert [frame.t_ns for frame in ear.frames] == sorted(frame.t_ns for frame in ear.frames)

        self._run(can_pair, scenario)

    def test_nothing_is_heard_after_close_which_may_come_twice(self, can_pair: CanPair) -> None:
        """Neither others' frames nor own ones that were on their way; and closing is no loss of the port."""

        async def scenario(pair: CanPair, near: Ear, far: Ear) -> None:
            pair.far.send(0x100, b"before")
            await near.heard(1, pair.timeout_s)
            pair.far.send(0x100, b"late")
            pair.near.send(0x101, b"late too")
            await pair.near.close()
            heard = len(near.frames)
            await pair.clock.sleep(0.02)
            await pair.near.close()
            assert len(near.frames) == heard

        self._run(can_pair, scenario)

    def test_a_port_that_is_not_open_refuses_to_send(self, can_pair: CanPair) -> None:
        """Before it was opened and after it was closed: the bench's fault, in words that name the bus."""

        async def scenario(pair: CanPair, near: Ear, far: Ear) -> None:
            await pair.near.close()
            with pytest.raises(BenchError, match=pair.near.bus):
                pair.near.send(0x100, b"\x00")

        with pytest.raises(BenchError, match=can_pair.near.bus):
            can_pair.near.send(0x100, b"\x00")
        self._run(can_pair, scenario)

    @pytest.mark.parametrize("bad", BAD_FRAMES.values(), ids=BAD_FRAMES.keys())
    def test_what_no_bus_carries_is_refused(self, can_pair: CanPair, bad: tuple[int, bytes, int]) -> None:
        """The caller's mistake; nothing of it reaches the bus, and the port goes on."""

        async def scenario(pair: CanPair, near: Ear, far: Ear) -> None:
            with pytest.raises(UsageError):
                pair.near.send(*bad)
            pair.near.send(0x7F0, b"next")
            await far.heard(1, pair.timeout_s)
            assert [said(frame) for frame in far.frames] == [(0x7F0, b"next", 0)]

        self._run(can_pair, scenario)
