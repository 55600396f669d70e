"""Where a replay's frames come from on a real clock: read ahead in a thread, never waited for."""

import asyncio
import gc
import sys
import threading

import pytest
from replay_lab import spy_on, write_log
from restbus_bench import REAL, write_bench

from hil.bench import config as bench_config
from hil.bench import replay_feed, wiring
from hil.bench.facade import Bench
from hil.bench.plan import plan
from hil.bench.replay_feed import AHEAD, Ahead, Inline, Mark
from hil.can.replay_plan import Due
from hil.errors import UsageError

HANGS_S = 20.0
"""What takes so long hangs; nothing is judged by it."""


def due(number):
    return Due(number, "cabin", number, b"", 0)


class Log:
    """A generator that can be held up, and knows who reads it and whether it was closed."""

    def __init__(self, count, error=None):
        self.count, self.error = count, error
        self.gate, self.read, self.closed = threading.Event(), 0, False
        self.gate.set()
        self.threads = set()

    def items(self):
        try:
            for number in range(self.count):
                self.gate.wait(HANGS_S)
                self.threads.add(threading.current_thread())
                self.read += 1
                yield due(number)
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


def run(main):
    asyncio.run(asyncio.wait_for(main(), HANGS_S))


def test_inline_gives_one_after_the_other_and_then_the_end_for_ever():
    log = Log(2)
    feed = Inline(log.items())
    assert [feed.next() for _ in range(4)] == [due(0), due(1), Mark.END, Mark.END]
    assert log.closed


def test_two_portions_are_read_before_it_begins_and_no_more_than_needed():
    log = Log(10 * AHEAD)

    async def main():
        feed = Ahead(asyncio.get_running_loop(), log.items())
        await feed.fill()
        assert log.read == 2 * AHEAD
        assert [feed.next() for _ in range(5)] == [due(number) for number in range(5)]
        await _settle()
        assert log.read == 2 * AHEAD
        for _ in range(AHEAD):
            feed.next()
        await _until(lambda: log.read == 3 * AHEAD)
        feed.close()
        assert log.closed

    run(main)
    assert threading.main_thread() not in log.threads


async def _settle():
    for _ in range(20):
        await asyncio.get_running_loop().run_in_executor(None, lambda: None)


async def _until(condition):
    while not condition():
        await _settle()


def test_what_is_not_read_yet_is_waited_for_without_blocking_and_then_all_comes():
    log = Log(3 * AHEAD)

    async def main():
        feed = Ahead(asyncio.get_running_loop(), log.items())
        await feed.fill()
        log.gate.clear()
        got = [feed.next() for _ in range(2 * AHEAD + 2)]
        assert got[-2:] == [Mark.WAIT, Mark.WAIT]
        log.gate.set()
        rest = []
        while len(rest) < AHEAD + 2:
            item = feed.next()
            if item is Mark.WAIT:
                await _settle()
            else:
                rest.append(item)
        assert got[:-2] + rest == [*map(due, range(3 * AHEAD)), Mark.END, Mark.END]

    run(main)


def test_a_short_log_ends():
    async def main():
        feed = Ahead(asyncio.get_running_loop(), Log(3).items())
        await feed.fill()
        assert [feed.next() for _ in range(5)] == [due(0), due(1), due(2), Mark.END, Mark.END]

    run(main)


def test_what_can_not_be_read_is_raised_where_it_would_have_come():
    async def main():
        feed = Ahead(asyncio.get_running_loop(), Log(AHEAD + 2, UsageError("the disk is gone")).items())
        await feed.fill()
        assert [feed.next() for _ in range(AHEAD)] == [*map(due, range(AHEAD))]
        with pytest.raises(UsageError, match="the disk is gone"):
            feed.next()

    run(main)


def test_a_log_that_is_being_read_is_let_go_afterwards():
    log = Log(5 * AHEAD)

    async def main():
        feed = Ahead(asyncio.get_running_loop(), log.items())
        await feed.fill()
        log.gate.clear()
        for _ in range(AHEAD + 1):
            feed.next()
        feed.close()
        assert not log.closed
        log.gate.set()
        await _until(lambda: log.closed)

    run(main)


def test_the_interpreter_changes_threads_as_before_once_nobody_reads():
    before, during = sys.getswitchinterval(), []
    sys.setswitchinterval(0.004)

    def items():
        during.append(sys.getswitchinterval())
        yield due(1)

    async def main():
        await Ahead(asyncio.get_running_loop(), items()).fill()

    try:
        run(main)
        assert during == [0.0005]
        assert sys.getswitchinterval() == 0.004
    finally:
        sys.setswitchinterval(before)


# On a bench -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def real(tmp_path):
    """A bench in real time, on an interface that only this process has."""
    path = write_bench(tmp_path, port=REAL.format("replay"), clock="real")
    opened = wiring.open_bench(plan(bench_config.load(path)), "seed")
    yield Bench(opened.wiring, 60)
    assert opened.close() == []
    gc.collect()


def test_a_bench_in_real_time_plays_all_frames_in_their_order(real, tmp_path, monkeypatch):
    monkeypatch.setattr(replay_feed, "AHEAD", 64)
    rows = [(n, "cabin", 201, n.to_bytes(4, "little")) for n in range(500)]
    seen = spy_on(real.wiring)
    replay = real.replay(write_log(tmp_path / "x.log", rows), speed=10, repeat=2)
    assert replay.is_complete
    assert replay.frames == 1000
    assert [data for *_, data, _ in seen] == 2 * [data for *_, data in rows]
    assert replay.duration_s >= 0.0999, "never too early"


def test_a_replay_in_real_time_is_stopped(real, tmp_path):
    rows = [(n * 1000, "cabin", 200, bytes(8)) for n in range(500)]
    replay = real.replay(write_log(tmp_path / "x.log", rows), wait=False)
    real.stop_replay()
    assert replay.is_over
    assert replay.frames <= 2
