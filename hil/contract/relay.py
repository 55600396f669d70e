"""The contract of a relay board: at rest at both ends, does what it is told, refuses what it hasn't."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hil.clock import Clock
from hil.errors import BenchError, HilError, UsageError
from hil.serial.relay import RelayPort


@dataclass
class RelayBench:
    """A board with two channels at least, not yet open, its channel 2 closed by whoever had it before.

    Attributes:
        clock: the clock that the port is on.
        port: the port under test.
        contacts: which contacts are closed, as another instrument sees it.
        break_line: breaks the line to the board for good; None where that can't be done, which skips those tests.
        settle_s: bench time after which a contact has moved.
    """

    clock: Clock
    port: RelayPort
    contacts: Callable[[], list[bool]]
    break_line: Callable[[], Awaitable[None]] | None = None
    settle_s: float = 0.0


class RelayContract:
    """Derive it and give `relay_bench`."""

    @pytest.fixture
    def relay_bench(self) -> Iterator[RelayBench]:
        """The board. Close the clock after the test; the suite closes the board."""
        raise NotImplementedError("give the contract a fixture 'relay_bench'")

    def _run(
        self, bench: RelayBench, scenario: Callable[[RelayBench, list[HilError]], Coroutine[Any, Any, None]]
    ) -> None:
        async def main() -> None:
            lost: list[HilError] = []
            await bench.port.open(lost.append)
            try:
                await scenario(bench, lost)
            finally:
                await bench.port.close()

        bench.clock.run(main())

    def test_opening_puts_every_channel_at_rest(self, relay_bench: RelayBench) -> None:
        """Whatever an earlier program left."""

        async def scenario(bench: RelayBench, lost: list[HilError]) -> None:
            await bench.clock.sleep(bench.settle_s)
            assert not any(bench.contacts())
            assert await bench.port.read() == (False,) * bench.port.channels

        self._run(relay_bench, scenario)

    def test_channels_close_and_open_each_for_itself(self, relay_bench: RelayBench) -> None:
        """Seen by the port and by another instrument; told twice is no error."""

        async def scenario(bench: RelayBench, lost: list[HilError]) -> None:
            wanted = [False] * bench.port.channels
            for channel, closed in ((1, True), (2, True), (1, False), (1, False), (2, True)):
                await bench.port.set(channel, closed)
                wanted[channel - 1] = closed
                await bench.clock.sleep(bench.settle_s)
                assert bench.contacts() == wanted
                assert await bench.port.read() == tuple(wanted)
            assert lost == []

        self._run(relay_bench, scenario)

    @pytest.mark.parametrize("beyond", [0, -1, 1])
    def test_a_channel_that_is_not_there_is_refused(self, relay_bench: RelayBench, beyond: int) -> None:
        """As the test's fault, naming the board and what it has."""

        async def scenario(bench: RelayBench, lost: list[HilError]) -> None:
            channel = bench.port.channels + 1 if beyond > 0 else beyond
            with pytest.raises(UsageError, match=f"relay.{bench.port.name}.*1 to {bench.port.channels}"):
                await bench.port.set(channel, True)
            await bench.clock.sleep(bench.settle_s)
            assert not any(bench.contacts())

        self._run(relay_bench, scenario)

    def test_closing_leaves_every_channel_at_rest_and_may_come_twice(self, relay_bench: RelayBench) -> None:
        """Every exit leaves a safe state."""

        async def scenario(bench: RelayBench, lost: list[HilError]) -> None:
            await bench.port.set(1, True)
            await bench.port.set(bench.port.channels, True)
            await bench.port.close()
            await bench.clock.sleep(bench.settle_s)
            assert not any(bench.contacts())

        self._run(relay_bench, scenario)

    def test_a_line_that_breaks_is_told_and_the_end_says_that_contacts_may_be_closed(
        self, relay_bench: RelayBench
    ) -> None:
        """What can't be known isn't claimed."""
        if relay_bench.break_line is None:
            pytest.skip("this board has no line that a test can break")

        async def scenario(bench: RelayBench, lost: list[HilError]) -> None:
            assert bench.break_line is not None
            await bench.port.set(1, True)
            await bench.break_line()
            await bench.clock.sleep(0.2)
            assert [type(error) for error in lost] == [BenchError]
            with pytest.raises(BenchError):
                await bench.port.set(1, False)
            with pytest.raises(BenchError, match="may still be closed"):
                await bench.port.close()

        self._run(relay_bench, scenario)
