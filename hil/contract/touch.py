"""The contract of a finger and of a hand on keys: what is asked for arrives, in order, at its time, and is lifted."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hil.clock import Clock
from hil.errors import UsageError
from hil.hmi.touch import Contact, KeyPort, TouchPort

HOLD_S = 0.1


@dataclass
class TouchBench:
    """A finger over a panel, not yet open.

    Attributes:
        clock: the clock that the port is on.
        port: the port under test; its panel has 200 x 100 px at least.
        felt: what the panel felt so far: (t_ns, action, x, y); `down`, `move`, `up`.
        slack_s: how late the panel may feel it.
        slack_px: how far off a point may be.
    """

    clock: Clock
    port: TouchPort
    felt: Callable[[], list[tuple[int, str, int, int]]]
    slack_s: float = 0.0
    slack_px: int = 0


class TouchContract:
    """Derive it and give `touch_bench`."""

    @pytest.fixture
    def touch_bench(self) -> Iterator[TouchBench]:
        """The finger. Close the clock after the test; the suite closes the port."""
        raise NotImplementedError("give the contract a fixture 'touch_bench'")

    def _run(self, bench: TouchBench, scenario: Callable[[TouchBench], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            await bench.port.open(lambda error: None)
            try:
                await scenario(bench)
                await bench.clock.sleep(HOLD_S + bench.slack_s)
            finally:
                await bench.port.close()
                await bench.port.close()

        bench.clock.run(main())

    def test_a_tap_is_felt_and_lifted(self, touch_bench: TouchBench) -> None:
        """Down at the point, up there after the hold, and the contact's stamp holds within its bound."""
        contacts: list[Contact] = []

        async def scenario(bench: TouchBench) -> None:
            contacts.append(await bench.port.tap((50, 40), HOLD_S))

        self._run(touch_bench, scenario)
        felt, slack_ns = touch_bench.felt(), round(touch_bench.slack_s * 1e9)
        assert [event[1] for event in felt if event[1] != "move"] == ["down", "up"]
        for event in felt:
            assert event[2:] == pytest.approx((50, 40), abs=touch_bench.slack_px)
        assert abs(felt[0][0] - contacts[0].t_ns) <= contacts[0].bound_ns + slack_ns
        assert felt[-1][0] - felt[0][0] == pytest.approx(HOLD_S * 1e9, abs=slack_ns + 1)

    def test_taps_come_one_after_the_other(self, touch_bench: TouchBench) -> None:
        """The second waits for the first to be lifted."""

        async def scenario(bench: TouchBench) -> None:
            await bench.port.tap((10, 10), HOLD_S)
            await bench.port.tap((90, 60), HOLD_S)

        self._run(touch_bench, scenario)
        assert [event[1] for event in touch_bench.felt() if event[1] != "move"] == ["down", "up", "down", "up"]

    def test_a_swipe_goes_from_one_point_to_the_other(self, touch_bench: TouchBench) -> None:
        """In one stroke, in the time that was asked for."""

        async def scenario(bench: TouchBench) -> None:
            await bench.port.swipe((10, 50), (150, 50), 0.2)

        self._run(touch_bench, scenario)
        felt = touch_bench.felt()
        assert (felt[0][1], felt[-1][1]) == ("down", "up")
        assert felt[0][2:] == pytest.approx((10, 50), abs=touch_bench.slack_px)
        assert felt[-1][2:] == pytest.approx((150, 50), abs=touch_bench.slack_px)
        across = [event[2] for event in felt]
        assert across == sorted(across)
        assert felt[-1][0] - felt[0][0] == pytest.approx(0.2e9, abs=touch_bench.slack_s * 1e9 + 1)

    @pytest.mark.parametrize("at", [(-1, 0), (0, -1), (100_000, 0), (0, 100_000)])
    def test_beside_the_glass_is_the_tests_fault(self, touch_bench: TouchBench, at: tuple[int, int]) -> None:
        """And nothing is felt."""

        async def scenario(bench: TouchBench) -> None:
            with pytest.raises(UsageError, match="beside the glass"):
                await bench.port.tap(at, HOLD_S)

        self._run(touch_bench, scenario)
        assert touch_bench.felt() == []


@dataclass
class KeyBench:
    """A hand on keys, not yet open; `felt` is (t_ns, key, pressed)."""

    clock: Clock
    port: KeyPort
    felt: Callable[[], list[tuple[int, str, bool]]]
    slack_s: float = 0.0


class KeyContract:
    """Derive it and give `key_bench`."""

    @pytest.fixture
    def key_bench(self) -> Iterator[KeyBench]:
        """The keys. Close the clock after the test; the suite closes the port."""
        raise NotImplementedError("give the contract a fixture 'key_bench'")

    def _run(self, bench: KeyBench, scenario: Callable[[KeyBench], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            await bench.port.open(lambda error: None)
            try:
                await scenario(bench)
                await bench.clock.sleep(HOLD_S + bench.slack_s)
            finally:
                await bench.port.close()
                await bench.port.close()

        bench.clock.run(main())

    def test_every_key_goes_down_and_up(self, key_bench: KeyBench) -> None:
        """Held for as long as was asked for."""

        async def scenario(bench: KeyBench) -> None:
            for key in bench.port.keys:
                await bench.port.press(key, HOLD_S)
                await bench.clock.sleep(2 * HOLD_S + bench.slack_s)

        self._run(key_bench, scenario)
        felt = key_bench.felt()
        assert [event[1:] for event in felt] == [(key, way) for key in key_bench.port.keys for way in (True, False)]
        for down, up in zip(felt[::2], felt[1::2], strict=True):
            assert up[0] - down[0] == pytest.approx(HOLD_S * 1e9, abs=key_bench.slack_s * 1e9 + 1)

    def test_an_unknown_key_is_the_tests_fault(self, key_bench: KeyBench) -> None:
        """Those that there are are named."""

        async def scenario(bench: KeyBench) -> None:
            with pytest.raises(UsageError, match="no key 'no such key'"):
                await bench.port.press("no such key", HOLD_S)

        self._run(key_bench, scenario)
        assert key_bench.felt() == []
