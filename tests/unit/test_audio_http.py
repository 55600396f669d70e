"""The ear at a WAV stream: its head as the standard library writes it, its time, and what is no stream."""

import asyncio
import contextlib
import io
import wave

import numpy as np
import pytest

from hil.clock import RealClock
from hil.errors import BenchError
from hil.hmi.audio_http import HttpAudio, parse_head


@pytest.fixture
def clock():
    made = RealClock()
    yield made
    made.close()


def wav(samples, rate=48_000, channels=1, width=2):
    kept = io.BytesIO()
    with wave.open(kept, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(samples)
    return kept.getvalue()


@pytest.mark.parametrize(("rate", "channels", "width"), [(48_000, 1, 2), (44_100, 2, 2), (8_000, 1, 1)])
def test_a_head_is_read_as_it_was_written(rate, channels, width):
    data = wav(b"\x01\x02" * channels * 8, rate, channels, width)
    assert parse_head(data) == (1, 8 * width, channels, rate, len(data) - 16 * channels)
    assert [parse_head(data[:cut]) for cut in range(44)] == [None] * 44


def test_other_chunks_may_stand_before_the_samples():
    data = wav(b"\x01\x02")
    noted = data[:12] + b"LIST\x03\x00\x00\x00abc\x00" + data[12:]
    assert parse_head(noted)[4] == parse_head(data)[4] + 12


def listened(clock, response, scenario, **options):
    """Run a scenario with an ear at a server that sends these bytes and then waits; gives what it returns."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        for piece in response:
            writer.write(piece)
            await writer.drain()
        if options.get("stays", True):
            with contextlib.suppress(ConnectionResetError):  # the ear leaves with bytes unread: a reset is its right
                await reader.read()
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x.wav"
        ear = HttpAudio(
            clock=clock, name="cabin", url=url, delay_s=0, bound_s=0.05, timeout_s=options.get("timeout_s", 10)
        )
        lost = asyncio.Queue()
        try:
            await ear.open(lost.put_nowait)
            return await scenario(ear, lost)
        finally:
            await ear.close()
            server.close()

    return clock.run(main())


def head(*lines):
    return "".join(f"{line}\r\n" for line in ("HTTP/1.1 200 OK", *lines, "")).encode()


async def the_first_second(ear, lost):
    begin_ns = (ear._anchor_ns + 999) - ear.clock.to_monotonic_ns(0)
    return await ear.record(begin_ns, begin_ns + 1_000_000_000)


def test_rate_and_channels_come_from_the_stream(clock):
    """Two channels become their mean; pieces may be cut anywhere."""
    left = np.arange(8000, dtype="<i2")
    data = wav(np.column_stack([left, left + 2]).tobytes(), 8000, 2)
    pieces = [head("Connection: close"), *(data[at : at + 1001] for at in range(0, len(data), 1001))]
    heard = listened(clock, pieces, the_first_second)
    assert np.array_equal(heard, left + 1)


def test_a_stated_age_places_the_samples(clock):
    """The server says that the first sample is 30 s old: that is where it stands, whenever it came."""

    async def scenario(ear, lost):
        return ear.bound_ns, ear.clock.now_ns - (ear._anchor_ns - ear.clock.to_monotonic_ns(0))

    pieces = [head("Connection: close", "X-Sample-Age-Us: 30000000"), wav(bytes(9600))]
    before_ns = clock.now_ns
    bound_ns, age_ns = listened(clock, pieces, scenario)
    assert 30e9 <= age_ns <= 30e9 + clock.now_ns - before_ns
    assert 0 < bound_ns <= (clock.now_ns - before_ns) / 2


def test_time_begins_anew_and_the_samples_stay_where_they_were(clock):
    async def scenario(ear, lost):
        begin_ns = (ear._anchor_ns + 999) - ear.clock.to_monotonic_ns(0)
        before = await ear.record(begin_ns, begin_ns + 100_000_000)
        zero_ns = ear.clock.to_monotonic_ns(0)
        await clock._restart()
        begin_ns -= ear.clock.to_monotonic_ns(0) - zero_ns
        return before, await ear.record(begin_ns, begin_ns + 100_000_000)

    pieces = [head("Connection: close", "X-Sample-Age-Us: 0"), wav(np.arange(9600, dtype="<i2").tobytes())]
    before, after = listened(clock, pieces, scenario)
    assert len(before) == 4800
    assert np.array_equal(before, after)


@pytest.mark.parametrize(
    ("pieces", "match"),
    [
        ([b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"], "answers 404 Not Found"),
        ([head("Connection: close"), b"no sound" * 1000], "is no WAV of 16 bit samples"),
        ([head("Connection: close"), wav(b"\x01" * 8, width=1)], "is no WAV of 16 bit samples"),
    ],
)
def test_what_is_no_stream_of_samples_is_a_bench_fault(clock, pieces, match):
    with pytest.raises(BenchError, match=match):
        listened(clock, pieces, the_first_second)


def test_a_stream_that_ends_is_told_and_breaks_what_waits(clock):
    async def scenario(ear, lost):
        error = await lost.get()
        with pytest.raises(BenchError, match="ended"):
            await ear.record(ear.clock.now_ns, ear.clock.now_ns + 1_000_000_000)
        return str(error)

    pieces = [head("Connection: close"), wav(bytes(960))]
    assert "x.wav ended: the server said that this was all" in listened(clock, pieces, scenario, stays=False)


def test_a_mute_stream_is_a_bench_fault(clock):
    with pytest.raises(BenchError, match=r"gave no samples for 0\.1 s"):
        listened(clock, [head("Connection: close"), wav(b"")], the_first_second, timeout_s=0.1)
