"""The contract of a byte stream: complete, ordered, transparent, stamped, silent after close, honest when broken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from hil.clock import Clock
from hil.errors import BenchError, HilError
from hil.serial.port import BytePort

ALL_BYTES = bytes(range(256))


@dataclass
class StreamPair:
    """Both ends of one line, not yet open.

    Attributes:
        clock: the clock that both ends are on.
        near: the port under test.
        far: what it is connected to; `open` on it may merely begin to listen.
        cut: breaks the line from the far side, for good; None where that can't be done, which skips those tests.
        burst_bytes: how much is sent at once: less for slow lines.
        timeout_s: bench time within which a burst has arrived.
    """

    clock: Clock
    near: BytePort
    far: BytePort
    cut: Callable[[], Awaitable[None]] | None = None
    burst_bytes: int = 32768
    timeout_s: float = 10.0


@dataclass
class Ear:
    """What one end heard: chunks with their stamps, and the errors by which it broke."""

    clock: Clock
    chunks: list[tuple[int, bytes]] = field(default_factory=list)
    lost: list[HilError] = field(default_factory=list)
    _changed: asyncio.Future[None] | None = None

    @property
    def data(self) -> bytes:
        """All bytes heard."""
        return b"".join(chunk for _, chunk in self.chunks)

    def on_data(self, t_ns: int, data: bytes) -> None:
        """For `BytePort.open`."""
        self.chunks.append((t_ns, data))
        self._wake()

    def on_lost(self, error: HilError) -> None:
        """For `BytePort.open`."""
        self.lost.append(error)
        self._wake()

    def _wake(self, _: object = None) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    async def until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Wait until the condition holds, or for `timeout_s`; the caller asserts."""
        end_ns = self.clock.now_ns + round(timeout_s * 1e9)
        while not condition() and self.clock.now_ns < end_ns:
            self._changed = self.clock.loop.create_future()
            timer = self.clock.call_at(end_ns, self._wake)
            await self._changed
            timer.cancel()

    async def heard(self, size: int, timeout_s: float) -> bytes:
        """Wait for `size` bytes; what was heard by then."""
        await self.until(lambda: len(self.data) >= size, timeout_s)
        return self.data


class ByteStreamContract:
    """Derive it and give `stream_pair`."""

    @pytest.fixture
    def stream_pair(self) -> Iterator[StreamPair]:
        """The two ends. Close the clock after the test; the suite closes the ends."""
        raise NotImplementedError("give the contract a fixture 'stream_pair'")

    def _run(self, pair: StreamPair, scenario: Callable[[StreamPair, Ear, Ear], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            near, far = Ear(pair.clock), Ear(pair.clock)
            try:
                await scenario(pair, near, far)
            finally:
                await pair.near.close()
                await pair.far.close()

        pair.clock.run(main())

    def test_bytes_arrive_complete_and_in_order_both_ways(self, stream_pair: StreamPair) -> None:
        """All 256 values, so that no layer translates, filters or acts on one."""

        async def scenario(pair: StreamPair, near: Ear, far: Ear) -> None:
            await _open(pair, near, far)
            pair.near.write(ALL_BYTES)
            assert await far.heard(256, pair.timeout_s) == ALL_BYTES
            pair.far.write(ALL_BYTES[::-1])
            assert await near.heard(256, pair.timeout_s) == ALL_BYTES[::-1]
            assert far.data == ALL_BYTES, "the near end echoes"

        self._run(stream_pair, scenario)

    def test_a_burst_in_both_directions_at_once_is_complete(self, stream_pair: StreamPair) -> None:
        """More than any buffer on the way holds."""

        async def scenario(pair: StreamPair, near: Ear, far: Ear) -> None:
            await _open(pair, near, far)
            burst = (ALL_BYTES * (pair.burst_bytes // 256 + 1))[: pair.burst_bytes]
            pair.near.write(burst)
            pair.far.write(burst[::-1])
            assert await far.heard(len(burst), pair.timeout_s) == burst
            assert await near.heard(len(burst), pair.timeout_s) == burst[::-1]

        self._run(stream_pair, scenario)

    def test_writes_stay_in_order(self, stream_pair: StreamPair) -> None:
        """Many small writes without a pause between them."""

        async def scenario(pair: StreamPair, near: Ear, far: Ear) -> None:
            await _open(pair, near, far)
            lines = [b"line %d\n" % number for number in range(200)]
            for line in lines:
                pair.near.write(line)
            expected = b"".join(lines)
            assert await far.heard(len(expected), pair.timeout_s) == expected

        self._run(stream_pair, scenario)

    def test_stamps_lie_between_sending_and_now_and_never_fall(self, stream_pair: StreamPair) -> None:
        """Bench time, not the time of another clock."""

        async def scenario(pair: StreamPair, near: Ear, far: Ear) -> None:
            await _open(pair, near, far)
            sent_ns = pair.clock.now_ns
            for number in range(20):
                pair.far.write(b"%03d\n" % number)
            await near.heard(80, pair.timeout_s)
            stamps = [t_ns for t_ns, _ in near.chunks]
            assert near.data.endswith(b"019\n")
            assert stamps == sorted(stamps)
            assert sent_ns <= stamps[0] <= stamps[-1] <= pair.clock.now_ns

        self._run(stream_pair, scenario)

    def test_a_write_before_the_far_end_listens_is_no_error(self, stream_pair: StreamPair) -> None:
        """An ECU that is still off doesn't break its console."""

        async def scenario(pair: StreamPair, near: Ear, far: Ear) -> None:
            await pair.near.open(near.on_data, near.on_lost)
            pair.near.write(b"early")
            await pair.far.open(far.on_data, far.on_lost)
            pair.near.write(b"late")
            await far.until(lambda: far.data.endswith(b"late"), pair.timeout_s)
            assert far.data.endswith(b"late")
            assert near.lost == []

        self._run(stream_pair, scenario)

    def test_nothing_is_heard_after_close_which_may_come_twice(self, stream_pair: StreamPair) -> None:
        """Also of bytes that were on their way; and closing is no loss of the line."""

        async def scenario(pair: StreamPair, near: Ear, far: Ear) -> None:
            await _open(pair, near, far)
            pair.far.write(b"before")
            await near.heard(6, pair.timeout_s)
            pair.far.write(b"too late")
            await pair.near.close()
            heard = near.data
            await pair.clock.sleep(0.02)
            await pair.near.close()
            assert near.data == heard
            assert near.lost == []

        self._run(stream_pair, scenario)

    def test_a_line_that_breaks_says_so_once(self, stream_pair: StreamPair) -> None:
        """With a bench error that names the port; after that a write raises one."""
        if stream_pair.cut is None:
            pytest.skip("this line can't be cut by a test")

        async def scenario(pair: StreamPair, near: Ear, far: Ear) -> None:
            assert pair.cut is not None
            await _open(pair, near, far)
            pair.far.write(b"last words")
            await near.heard(10, pair.timeout_s)
            await pair.cut()
            await near.until(lambda: bool(near.lost), pair.timeout_s)
            await pair.clock.sleep(0.02)
            assert [type(error) for error in near.lost] == [BenchError]
            assert pair.near.name in str(near.lost[0])
            with pytest.raises(BenchError):
                pair.near.write(b"into the void")
            assert near.data == b"last words"

        self._run(stream_pair, scenario)


async def _open(pair: StreamPair, near: Ear, far: Ear) -> None:
    await pair.far.open(far.on_data, far.on_lost)
    await pair.near.open(near.on_data, near.on_lost)
