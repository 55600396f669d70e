"""The contract of an ear: what sounds is heard at its time, spans join without a gap, silence is silence."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from hil.clock import Clock
from hil.hmi.audio import AudioPort

TONE_HZ = 1000.0
TONE_S = 0.2


@dataclass
class AudioBench:
    """An ear, not yet open, beside something that can sound.

    Attributes:
        clock: the clock that the port is on.
        port: the port under test.
        sound: lets a tone of `TONE_HZ` sound for `TONE_S` from now on; returns when it begins, bench time in ns.
        quiet: level (of 32768) below which the ear hears silence.
    """

    clock: Clock
    port: AudioPort
    sound: Callable[[], int]
    quiet: int = 100


class AudioContract:
    """Derive it and give `audio_bench`."""

    @pytest.fixture
    def audio_bench(self) -> Iterator[AudioBench]:
        """The ear. Close the clock after the test; the suite closes the port."""
        raise NotImplementedError("give the contract a fixture 'audio_bench'")

    def _run(self, bench: AudioBench, scenario: Callable[[AudioBench], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            await bench.port.open(lambda error: None)
            try:
                await scenario(bench)
            finally:
                await bench.port.close()
                await bench.port.close()

        bench.clock.run(main())

    def test_a_recording_has_as_many_samples_as_its_time(self, audio_bench: AudioBench) -> None:
        """Also of a span that is still to come: the ear waits for it."""

        async def scenario(bench: AudioBench) -> None:
            begin_ns = bench.clock.now_ns
            heard = await bench.port.record(begin_ns, begin_ns + 250_000_000)
            assert len(heard) == pytest.approx(bench.port.rate_Hz / 4, abs=1)
            assert heard.dtype == np.int16
            assert bench.clock.now_ns >= begin_ns + 250_000_000 - bench.port.bound_ns

        self._run(audio_bench, scenario)

    def test_a_tone_is_heard_at_its_time(self, audio_bench: AudioBench) -> None:
        """Silent before, and its frequency is right."""

        async def scenario(bench: AudioBench) -> None:
            await bench.clock.sleep(0.3)
            since_ns = bench.clock.now_ns - 100_000_000
            begin_ns = bench.sound()
            heard = await bench.port.record(since_ns, begin_ns + round(2e9 * TONE_S))
            loud = np.flatnonzero(np.abs(heard.astype(np.int32)) > bench.quiet)
            assert len(loud), "nothing was heard"
            first_ns = since_ns + int(loud[0]) * 1_000_000_000 // bench.port.rate_Hz
            assert abs(first_ns - begin_ns) <= bench.port.bound_ns + 2_000_000
            tone = heard[loud[0] : loud[0] + round(bench.port.rate_Hz * TONE_S * 0.9)].astype(np.float64)
            spectrum = np.abs(np.fft.rfft(tone))
            assert spectrum.argmax() * bench.port.rate_Hz / len(tone) == pytest.approx(TONE_HZ, rel=0.01)

        self._run(audio_bench, scenario)

    def test_two_spans_join_without_a_gap(self, audio_bench: AudioBench) -> None:
        """And a span may be asked for again."""

        async def scenario(bench: AudioBench) -> None:
            await bench.clock.sleep(0.2)
            begin_ns = bench.sound()
            cuts = [begin_ns, begin_ns + 70_000_001, begin_ns + 180_000_000]
            parts = [await bench.port.record(*cuts[:2]), await bench.port.record(*cuts[1:])]
            whole = await bench.port.record(cuts[0], cuts[2])
            joined = np.concatenate(parts)
            assert len(joined) == pytest.approx(len(whole), abs=1)
            same = min(len(joined), len(whole))
            assert np.array_equal(joined[:same], whole[:same])

        self._run(audio_bench, scenario)
