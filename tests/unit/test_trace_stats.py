"""Statistics of a log: cycles, loads and gaps worked out by hand, and frame lengths against the exact ones."""

import random

import numpy as np
import pytest

from hil.can import bits
from hil.can.frame_lengths import frame_lengths
from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE
from hil.can.log_frames import FrameList, key_of
from hil.can.trace_stats import GAPS_KEPT, WINDOW_NS, BitRates, Cycle, Span, TraceStatistics

MS = 1_000_000
LENGTHS = [*range(9), 12, 16, 20, 24, 32, 48, 64]


def block_of(rows):
    frames = FrameList()
    for row in rows:
        frames.add(*row)
    return frames.take()


def counted(rows, *, gap_ns=1000 * MS, rates=None, pieces=1):
    statistics = TraceStatistics(lambda channel: (rates or {}).get(channel, BitRates()), gap_ns)
    size = -(-len(rows) // pieces)
    for start in range(0, len(rows), size):
        statistics.take(block_of(rows[start : start + size]))
    return statistics


def at(times_ms, can_id=0x100, channel=0, flags=0, data=bytes(8)):
    return [(round(t_ms * MS), channel, can_id, flags, len(data), data) for t_ms in times_ms]


# ---- frame lengths


def random_frames(seed, count):
    rng, frames, expected = random.Random(seed), FrameList(), []
    for number in range(count):
        fd, extended = rng.random() < 0.5, rng.random() < 0.5
        flags = EXTENDED if extended else 0
        if fd:
            flags |= FD | rng.choice([0, BRS, ESI, BRS | ESI])
        elif rng.random() < 0.1:
            flags |= REMOTE
        length = rng.choice(LENGTHS) if fd else rng.randrange(9)
        level = rng.choice([b"\x00", b"\xff", b"\x1f", b"\xf8", b"\x83"])
        data = rng.choice([rng.randbytes(length), level * length])
        can_id = rng.choice([0, rng.randrange(1 << 29), (1 << 29) - 1]) if extended else rng.randrange(0x800)
        frames.add(number, 0, can_id, flags, length, b"" if flags & REMOTE else data)
        expected.append(bits.measure(can_id, bytes(length) if flags & REMOTE else data, flags))
    return frames.take(), expected


@pytest.mark.parametrize("seed", range(4))
def test_lengths_are_those_of_the_exact_measure(seed):
    frames, expected = random_frames(seed, 3000)
    nominal, fast = frame_lengths(frames)
    assert list(zip(nominal.tolist(), fast.tolist(), strict=True)) == expected


def test_error_frames_have_no_length():
    nominal, fast = frame_lengths(block_of(at([0], flags=ERROR, data=b"")))
    assert (nominal.tolist(), fast.tolist()) == ([0], [0])


# ---- messages


def test_a_cycle_by_hand():
    times = [0, 10, 20, 30, 45, 50, 60]  # intervals 10 10 10 15 5 10
    (message,) = counted(at(times)).messages()
    assert message.cycle() == Cycle(
        5 * MS, 10 * MS, pytest.approx(10 * MS), 15 * MS, 15 * MS, Span(30 * MS, 15 * MS)
    )  # fmt: skip
    assert (message.count, message.t_ns[0], message.t_ns[-1]) == (7, 0, 60 * MS)
    assert message.off_cycle(10 * MS) == 2
    assert message.off_cycle(12 * MS) == 6


def test_ranks_are_nearest_ranks():
    times = np.cumsum([0, *range(1, 101)]).tolist()  # intervals 1 to 100 ms
    cycle = counted(at(times)).messages()[0].cycle()
    assert (cycle.median_ns, cycle.p95_ns) == (50 * MS, 95 * MS)


def test_the_tolerance_is_ten_percent():
    (message,) = counted(at([0, 11, 22.0001, 31.0001, 39.9])).messages()
    assert message.off_cycle(10 * MS) == 2  # 11.0001 and 8.8999, not 11 and 9


def test_a_single_frame_has_no_cycle():
    assert counted(at([5])).messages()[0].cycle() is None


def test_messages_are_told_apart_by_channel_and_format():
    rows = [*at([0]), *at([1], channel=1), *at([2], flags=EXTENDED), *at([3], can_id=0x101), *at([4], flags=ERROR)]
    messages = counted(rows).messages()
    assert [message.count for message in messages] == [1, 1, 1, 1]
    assert [message.key for message in messages] == [
        key_of(0, 0x100, 0), key_of(0, 0x101, 0), key_of(0, 0x100, EXTENDED), key_of(1, 0x100, 0),
    ]  # fmt: skip


def test_lengths_of_payloads_are_counted():
    rows = [*at([0, 1, 2]), *at([3], data=b"\x01"), *at([4], flags=REMOTE, data=b"")]
    (message,) = counted(rows).messages()
    assert message.wrong_length(8) == 1
    assert message.wrong_length(1) == 3
    assert (message.remote, message.count) == (1, 5)


# ---- channels


def test_load_by_hand():
    """135 bits is what a standard frame with these 8 bytes takes, `bits.measure` says."""
    length, _ = bits.measure(0x100, b"\xaa" * 8, 0)
    rows = at([0, 50, 100, 120, 140, 160, 180, 300, 400], data=b"\xaa" * 8)
    (channel,) = counted(rows, rates={0: BitRates(500_000, 500_000)}).channels()
    frame_ns = length * 2000
    assert channel.load.mean == pytest.approx(9 * frame_ns / (400 * MS))
    assert channel.load.peak == pytest.approx(5 * frame_ns / WINDOW_NS)
    assert channel.load.peak_at_ns == 100 * MS
    assert (channel.frames, channel.per_second) == (9, pytest.approx(9 / 0.4))


def test_load_of_can_fd_counts_the_data_phase_at_its_rate():
    data = bytes(range(64))
    nominal, fast = bits.measure(0x100, data, FD | BRS)
    rows = at([0, 100], flags=FD | BRS, data=data)
    (channel,) = counted(rows, rates={0: BitRates(500_000, 2_000_000)}).channels()
    assert channel.load.mean == pytest.approx(2 * (nominal * 2000 + fast * 500) / WINDOW_NS)
    assert channel.load.peak == pytest.approx((nominal * 2000 + fast * 500) / WINDOW_NS)


def test_a_log_shorter_than_a_window_has_its_mean_as_peak():
    load = counted(at([0, 10, 20])).channels()[0].load
    assert load.peak == load.mean > 0


def test_gaps():
    rows = [*at([0, 10, 500, 510, 2510])]
    (channel,) = counted(rows, gap_ns=400 * MS).channels()
    assert channel.gaps == (Span(10 * MS, 490 * MS), Span(510 * MS, 2000 * MS))
    assert counted(rows, gap_ns=490 * MS).channels()[0].gaps == (Span(510 * MS, 2000 * MS),)


def test_a_channel_that_begins_late_or_falls_silent_has_gaps():
    rows = [*at([0]), *at([2000, 3000], channel=1), *at([5000])]
    first, second = counted(rows, gap_ns=1500 * MS).channels()
    assert first.gaps == (Span(0, 5000 * MS),)
    assert second.gaps == (Span(0, 2000 * MS), Span(3000 * MS, 2000 * MS))


def test_of_many_gaps_the_longest_are_kept():
    times = np.cumsum([0, *range(100, 150)]).tolist()
    (channel,) = counted(at(times), gap_ns=99 * MS).channels()
    assert channel.gap_count == 50
    assert [gap.length_ns // MS for gap in channel.gaps] == list(range(150 - GAPS_KEPT, 150))


def test_error_and_remote_frames_are_counted():
    rows = [*at([0, 1]), *at([2, 3, 4], flags=ERROR, data=b""), *at([5], flags=REMOTE, data=b"")]
    (channel,) = counted(rows).channels()
    assert (channel.frames, channel.errors, channel.remote) == (6, 3, 1)


@pytest.mark.parametrize("pieces", [2, 7, 100])
def test_blocks_of_any_size_give_the_same(pieces):
    rng = random.Random("pieces")
    rows, t_ms = [], 0.0
    for _ in range(500):
        t_ms += rng.choice([0.5, 3, 40, 700])
        rows += at([t_ms], can_id=rng.randrange(5), channel=rng.randrange(2), data=rng.randbytes(rng.randrange(9)))
    one, other = counted(rows, gap_ns=600 * MS), counted(rows, gap_ns=600 * MS, pieces=pieces)
    for mine, theirs in zip(one.channels(), other.channels(), strict=True):
        assert (mine.frames, mine.gaps, mine.gap_count) == (theirs.frames, theirs.gaps, theirs.gap_count)
        assert mine.load.mean == pytest.approx(theirs.load.mean)
        assert mine.load.peak_at_ns == theirs.load.peak_at_ns
    for mine, theirs in zip(one.messages(), other.messages(), strict=True):
        assert (mine.cycle(), mine.lengths) == (theirs.cycle(), theirs.lengths)


def test_a_stamp_that_is_wrong_by_years_needs_no_memory():
    rows = [*at([0, 1]), (10**18, 0, 0x100, 0, 0, b""), *at([2])]
    statistics = counted(rows)
    assert statistics.span == Span(0, 10**18)
    assert statistics.channels()[0].frames == 4


def test_nothing():
    statistics = TraceStatistics(lambda _: BitRates(), MS)
    statistics.take(block_of([]))
    assert (statistics.channels(), statistics.messages(), statistics.span) == ([], [], Span(0, 0))
