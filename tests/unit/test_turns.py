"""The loop of a real bench: a call runs it in its own thread, the loop's thread runs it in between; signals wait."""

import _thread
import asyncio
import gc
import os
import select
import signal
import socket
import sys
import threading
import warnings

import pytest

from hil.clock import RealClock
from hil.turns import TurnSelector

LONG_S = 10


@pytest.fixture(params=["epoll", "any selector"])
def clock(request, monkeypatch):
    """Where there is no epoll the loop's thread waits on the selector itself."""
    if request.param == "any selector":
        init = TurnSelector.__init__

        def without_epoll(self, now_s):
            init(self, now_s)
            self._outer.close()
            self._outer = None

        monkeypatch.setattr(TurnSelector, "__init__", without_epoll)
    elif not hasattr(select, "epoll"):
        pytest.skip("this system has no epoll")
    clock = RealClock()
    yield clock
    clock.close()


@pytest.fixture
def interrupt(monkeypatch):
    """Ctrl-C raises, also where this suite runs in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


async def ident():
    return threading.get_ident()


async def forever():
    await asyncio.get_running_loop().create_future()


def test_a_call_runs_in_the_thread_that_makes_it(clock):
    assert clock.run(ident()) == threading.get_ident()
    seen = []
    other = threading.Thread(target=lambda: seen.append((clock.run(ident()), threading.get_ident())))
    other.start()
    other.join(LONG_S)
    assert len(set(seen[0])) == 1


def test_what_falls_due_between_two_calls_is_done_by_the_loops_thread(clock):
    done = threading.Event()
    seen = []

    def fire(_):
        seen.append(threading.current_thread().name)
        done.set()

    async def schedule():
        clock.call_in(5_000_000, fire)

    clock.run(ident())  # the loop's thread waits for nothing in particular by now
    clock.run(schedule())
    assert done.wait(LONG_S)
    assert seen == ["hil-loop"]


def test_a_task_that_a_call_leaves_behind_goes_on(clock):
    done = threading.Event()

    async def background():
        await clock.sleep(0.002)
        done.set()

    async def begin():
        return clock.loop.create_task(background())

    task = clock.run(begin())
    assert done.wait(LONG_S)
    assert clock.run(asyncio.wait_for(task, LONG_S)) is None


def test_what_is_called_back_comes_before_the_call_that_waits_for_the_same(clock):
    """As `sock_connect` needs it: its own callback lets the descriptor go before the caller makes use of it."""
    seen = []

    async def main():
        future = clock.loop.create_future()
        future.add_done_callback(lambda _: seen.append("called back"))
        clock.loop.call_later(0.001, future.set_result, None)
        await future
        seen.append("goes on")

    clock.run(main())
    assert seen == ["called back", "goes on"]


def test_bytes_reach_a_reader_once_during_a_call_and_between_two(clock):
    near, far = socket.socketpair()
    near.setblocking(False)
    seen, came = [], threading.Semaphore(0)

    def read():
        seen.append((near.recv(100), threading.current_thread().name))
        came.release()

    async def begin():
        clock.loop.add_reader(near.fileno(), read)

    async def send_and_wait():
        far.send(b"during")
        while not seen:
            await clock.sleep(0.001)

    async def end():
        clock.loop.remove_reader(near.fileno())

    try:
        clock.run(begin())
        clock.run(send_and_wait())
        assert came.acquire(timeout=LONG_S)
        far.send(b"between")
        assert came.acquire(timeout=LONG_S)
        clock.run(end())
        assert seen == [(b"during", threading.current_thread().name), (b"between", "hil-loop")]
        assert clock.take_left_over() is None  # nobody was told of bytes that the other had read
    finally:
        near.close()
        far.close()


def test_a_reader_that_waits_gets_its_turn_beside_a_call_that_never_rests(clock):
    near, far = socket.socketpair()
    heard = clock.loop.create_future()

    async def restless():
        clock.loop.add_reader(near.fileno(), lambda: heard.done() or heard.set_result(near.recv(1)))
        far.send(b"!")
        for _ in range(100):
            await asyncio.sleep(0)  # noqa: TID251  # a turn of the loop, no time
            if heard.done():
                return heard.result()
        return None

    async def end():
        clock.loop.remove_reader(near.fileno())

    try:
        assert clock.run(restless()) == b"!"
        clock.run(end())
    finally:
        near.close()
        far.close()


def test_a_reader_that_another_takes_away_in_the_same_turn_is_not_called(clock):
    pairs = [socket.socketpair() for _ in range(2)]
    called = []

    def read(place):
        called.append(place)
        for near, _ in pairs:
            clock.loop.remove_reader(near.fileno())

    async def main():
        for place, (near, far) in enumerate(pairs):
            clock.loop.add_reader(near.fileno(), read, place)
            far.send(b"!")
        await clock.sleep(0.002)

    try:
        clock.run(main())
        assert len(called) == 1
    finally:
        for one in (end for pair in pairs for end in pair):
            one.close()


def test_a_socket_that_can_be_written_calls_no_reader(clock):
    near, far = socket.socketpair()
    called = []

    async def main():
        wrote = asyncio.get_running_loop().create_future()
        clock.loop.add_reader(near.fileno(), called.append, "reader")
        clock.loop.add_writer(near.fileno(), lambda: wrote.done() or wrote.set_result(None))
        await asyncio.wait_for(wrote, LONG_S)
        clock.loop.remove_writer(near.fileno())
        clock.loop.remove_reader(near.fileno())

    with near, far:
        clock.run(main())
    assert called == []


def test_a_call_inside_another_loop_leaves_that_loop_as_it_was(clock):
    """As a notebook does it, whose own loop runs."""

    async def numbers():
        yield 1

    async def main():
        hooks = sys.get_asyncgen_hooks()
        assert clock.run(ident()) == threading.get_ident()
        assert sys.get_asyncgen_hooks() == hooks
        return asyncio.get_running_loop(), await anext(numbers())

    async def both():
        return asyncio.get_running_loop(), await main()

    own, (after, number) = asyncio.run(both())
    assert own is after
    assert number == 1


def test_a_timer_that_is_cancelled_after_it_ran_is_not_counted_as_waiting(clock):
    """A loop that miscounts sorts all its timers again and again."""

    async def main():
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        handle = loop.call_later(0.001, over.set_result, None)
        await over
        handle.cancel()
        return loop._timer_cancelled_count

    assert clock.run(main()) == 0


def test_a_call_gets_its_turn_while_the_loops_thread_never_rests(clock):
    stop = []

    async def restless():
        while not stop:
            await asyncio.sleep(0)  # noqa: TID251

    async def begin():
        return clock.loop.create_task(restless())

    async def end():
        stop.append(True)

    task = clock.run(begin())
    for _ in range(20):
        clock.run(ident())
    clock.run(end())
    clock.run(asyncio.wait_for(task, LONG_S))


def test_a_timer_that_is_always_due_leaves_a_call_and_its_readers_their_turn(clock):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        times = []

        async def main():
            loop = asyncio.get_running_loop()
            came = loop.create_future()
            loop.add_reader(ours.fileno(), came.set_result, None)

            def again():
                times.append(loop.time())
                if len(times) == 3:
                    theirs.send(b"x")
                if not came.done() and len(times) < 10_000:
                    loop.call_at(0, again)

            again()
            await asyncio.wait_for(came, LONG_S)
            loop.remove_reader(ours.fileno())

        clock.run(main())
        assert 3 <= len(times) < 100


def test_a_descriptor_that_is_always_ready_leaves_a_timer_its_turn(clock):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"x")  # which nobody takes
        reads = []

        async def main():
            loop = asyncio.get_running_loop()
            over = loop.create_future()

            def read():
                reads.append(1)
                if len(reads) == 3:
                    loop.call_later(0, over.set_result, "in time")
                if len(reads) == 10_000:
                    over.set_result("never")

            loop.add_reader(ours.fileno(), read)
            try:
                return await over
            finally:
                loop.remove_reader(ours.fileno())

        assert clock.run(main()) == "in time"
        assert len(reads) < 100


def test_timers_of_a_call_come_in_their_order_and_cancelled_ones_not_at_all(clock):
    async def main():
        loop, came = asyncio.get_running_loop(), []
        now_s = loop.time()
        handles = [loop.call_at(now_s + place / 1e4, came.append, place) for place in (3, 1, 4, 2, 5)]
        handles[0].cancel()
        handles[4].cancel()
        over = loop.create_future()
        loop.call_at(now_s + 0.001, over.set_result, None)
        await over
        return came

    assert clock.run(main()) == [1, 2, 4]


def test_calls_of_two_threads_take_turns(clock):
    seen = []

    async def call(name):
        seen.append((name, "begins"))
        await clock.sleep(0.001)
        seen.append((name, "ends"))

    threads = [threading.Thread(target=lambda name=name: clock.run(call(name))) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    begun, ended = seen[::2], seen[1::2]
    assert sorted(begun) == [(name, "begins") for name in range(4)]
    assert [name for name, _ in begun] == [name for name, _ in ended]


def test_ctrl_c_ends_a_waiting_call_and_spares_what_runs_beside_it(clock, interrupt):
    ended, ticks = [], threading.Semaphore(0)

    async def beside():
        while True:
            await clock.sleep(0.001)
            ticks.release()

    async def main():
        clock.loop.create_task(beside())
        clock.call_in(2_000_000, lambda _: interrupt())
        try:
            await forever()
        finally:
            ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        clock.run(main())
    for _ in range(20):
        assert ticks.acquire(timeout=LONG_S)
    assert clock.run(ident()) == threading.get_ident()
    assert ended == [True]


def test_a_callback_that_runs_when_the_signal_comes_is_finished(clock, interrupt):
    done = []

    def work(_):
        interrupt()
        done.append("to its end")

    async def main():
        clock.call_in(0, work)
        await forever()

    with pytest.raises(KeyboardInterrupt):
        clock.run(main())
    assert done == ["to its end"]
    assert clock.take_left_over() is None


def test_a_signal_whose_handler_raises_nothing_ends_no_call(clock):
    seen = []
    before = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    try:

        async def main():
            signal.raise_signal(signal.SIGTERM)
            await clock.sleep(0.001)
            return "went on"

        assert clock.run(main()) == "went on"
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def interrupted_after_ns(clock, interrupt):
    """How long a call waited that somebody interrupts 50 ms after it began; nothing else happens meanwhile."""
    timer = threading.Timer(0.05, interrupt)
    begun_ns = clock.now_ns
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        clock.run(clock.sleep(LONG_S))
    timer.join()
    return clock.now_ns - begun_ns


def test_the_watchdogs_interrupt_ends_a_waiting_call(clock, interrupt):
    assert interrupted_after_ns(clock, _thread.interrupt_main) < LONG_S * 1e9 / 2


def test_a_signal_wakes_a_waiting_call(clock, interrupt, monkeypatch):
    monkeypatch.setattr("hil.turns.LOOK_UP_S", LONG_S)
    assert interrupted_after_ns(clock, lambda: os.kill(os.getpid(), signal.SIGINT)) < LONG_S * 1e9 / 2


def test_ctrl_c_while_another_thread_has_the_turn_ends_the_call_before_it_begins(clock, interrupt):
    begun, go_on, began, let_go = threading.Event(), threading.Event(), [], []

    def block(_):
        begun.set()
        while not clock.loop._turns._queue.locked():
            go_on.wait(0.001)  # until the call waits for its turn
        _thread.interrupt_main()
        if not go_on.wait(LONG_S):
            let_go.append(True)

    async def schedule():
        clock.call_in(1_000_000, block)

    async def main():
        began.append(True)

    clock.run(schedule())
    assert begun.wait(LONG_S)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(KeyboardInterrupt):
            clock.run(main())
        gc.collect()
    assert not let_go, "the call waited for its turn in spite of Ctrl-C"
    go_on.set()
    assert began == []
    assert [str(one.message) for one in told] == []  # no "coroutine 'main' was never awaited"


def test_the_handlers_of_signals_are_those_of_before_once_the_clock_is_closed(interrupt):
    clock = RealClock()
    clock.run(ident())
    assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    clock.close()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_that_is_put_up_later_gets_the_signal(clock, interrupt):
    """As Robot's time-out does it with each keyword."""

    class OutOfTime(Exception):
        pass

    def give_up(*_):
        raise OutOfTime

    clock.run(ident())
    before = signal.signal(signal.SIGINT, give_up)

    async def main():
        interrupt()
        await forever()

    try:
        with pytest.raises(OutOfTime):
            clock.run(main())
    finally:
        signal.signal(signal.SIGINT, before)
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_a_generator_of_a_call_is_closed_with_the_loop():
    ended = []

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            ended.append(True)

    kept = []

    async def begin():
        kept.append(numbers())
        return await anext(kept[0])

    clock = RealClock()
    assert clock.run(begin()) == 1
    clock.close()
    assert ended == [True]
