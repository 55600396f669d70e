"""The virtual clock: exact, ordered, honest about deadlocks; the real one: the same contract."""

import asyncio
import os
import signal
import threading

import pytest

from hil.clock import LAST, RealClock, TestTimeoutError, VirtualClock
from hil.clock_map import ClockMap
from hil.errors import BenchError, UsageError


@pytest.fixture(params=[VirtualClock, RealClock])
def any_clock(request):
    clock = request.param()
    yield clock
    clock.close()


@pytest.fixture
def clock():
    clock = VirtualClock()
    yield clock
    clock.close()


def test_sleep_ends_on_the_exact_nanosecond(clock):
    async def main():
        await clock.sleep_until(3_600_000_000_007)
        return clock.now_ns

    assert clock.run(main()) == 3_600_000_000_007


def test_asyncio_sleep_moves_bench_time(clock):
    async def main():
        await asyncio.sleep(0.3)  # noqa: TID251
        return clock.now_ns

    assert clock.run(main()) == 300_000_000


def test_equal_times_are_first_in_first_out(any_clock):
    seen = []

    async def main():
        t_ns = any_clock.now_ns + 5_000_000
        any_clock.call_at(t_ns, seen.append, "last", phase=LAST)
        for number in range(5):
            any_clock.call_at(t_ns, seen.append, number)
        await any_clock.sleep_until(t_ns + 1)

    any_clock.run(main())
    assert seen == [0, 1, 2, 3, 4, "last"]


def test_equal_asyncio_timers_are_first_in_first_out(clock):
    seen = []

    async def main():
        for number in range(50):
            clock.loop.call_at(1.0, seen.append, number)
        await asyncio.sleep(1.5)  # noqa: TID251

    clock.run(main())
    assert seen == list(range(50))


def test_a_cancelled_timer_does_nothing(any_clock):
    seen = []

    async def main():
        timer = any_clock.call_in(1_000_000, seen.append, "cancelled")
        timer.cancel()
        await any_clock.sleep(0.002)

    any_clock.run(main())
    assert seen == []


def test_a_wait_for_nothing_raises_instead_of_hanging(clock):
    async def main():
        await clock.loop.create_future()

    with pytest.raises(UsageError, match="waits for ever"):
        clock.run(main())


def test_the_loop_can_be_used_after_a_deadlock(clock):
    async def hang():
        await clock.loop.create_future()

    async def main():
        await clock.sleep(1)
        return "ok"

    with pytest.raises(UsageError):
        clock.run(hang())
    assert clock.run(main()) == "ok"


def test_a_deadline_ends_the_portal_call(any_clock):
    async def main():
        any_clock.set_deadline(any_clock.now_ns + 2_000_000, "no more than 2 ms")
        await any_clock.sleep(3600)

    with pytest.raises(TestTimeoutError, match="2 ms"):
        any_clock.run(main())


def test_an_error_in_an_agenda_callback_reaches_the_caller(any_clock):
    def explode(_):
        raise ZeroDivisionError("in a callback")

    async def main():
        any_clock.call_in(1_000, explode)
        await any_clock.sleep(1)

    with pytest.raises(ZeroDivisionError):
        any_clock.run(main())


def test_an_error_in_an_asyncio_callback_reaches_the_caller(any_clock):
    async def main():
        any_clock.loop.call_later(0.001, lambda: 1 / 0)
        await any_clock.sleep(1)

    with pytest.raises(ZeroDivisionError):
        any_clock.run(main())


def test_an_error_of_the_main_task_is_its_own(any_clock):
    async def main():
        raise KeyError("mine")

    with pytest.raises(KeyError):
        any_clock.run(main())


def test_background_tasks_go_on_in_the_next_call(clock):
    seen = []

    async def background():
        for number in range(10):
            await clock.sleep(1)
            seen.append(number)

    async def start():
        return clock.loop.create_task(background())

    async def wait(duration_s):
        await clock.sleep(duration_s)

    task = clock.run(start())
    clock.run(wait(2.5))
    assert seen == [0, 1]
    clock.run(wait(2.6))
    assert seen == [0, 1, 2, 3, 4]
    task.cancel()


def test_an_error_between_two_calls_is_kept_and_handed_over_once():
    clock = RealClock()
    ended = threading.Event()

    def explode(_):
        ended.set()
        raise ZeroDivisionError("nobody was waiting")

    async def schedule():
        clock.call_in(1_000_000, explode)

    async def nothing():
        return 1

    try:
        clock.run(schedule())
        assert ended.wait(5)
        assert clock.run(nothing()) == 1
        assert isinstance(clock.take_left_over(), ZeroDivisionError)
        assert clock.take_left_over() is None
    finally:
        clock.close()


def test_a_signal_ends_the_call_and_spares_background_tasks(clock):
    ticks = []

    async def background():
        while True:
            await clock.sleep(0.1)
            ticks.append(clock.now_ns)

    async def main():
        clock.loop.create_task(background())
        await clock.sleep(1)
        os.kill(os.getpid(), signal.SIGINT)
        await clock.sleep(1e6)

    async def wait():
        await clock.sleep(1)

    with pytest.raises(KeyboardInterrupt):
        clock.run(main())
    before = len(ticks)
    clock.run(wait())
    assert len(ticks) >= before + 9


def test_a_portal_inside_the_loop_is_refused(any_clock):
    async def inner():
        pass

    async def main():
        any_clock.run(inner())

    with pytest.raises(UsageError, match="await instead"):
        any_clock.run(main())


def test_threads_are_refused_on_the_virtual_clock(clock):
    async def main():
        await asyncio.to_thread(print, "never")

    with pytest.raises(UsageError, match="thread"):
        clock.run(main())


def test_restart_keeps_the_instants_of_what_is_scheduled():
    clock = RealClock()
    seen = []

    async def schedule():
        clock.call_in(20_000_000, seen.append, "fired")

    async def wait():
        await clock.sleep(0.05)

    try:
        clock.run(schedule())
        clock.restart()
        assert clock.now_ns < 20_000_000
        clock.run(wait())
        assert seen == ["fired"]
    finally:
        clock.close()


def test_a_virtual_clock_serves_one_test(clock):
    clock.run(clock.sleep(1))
    with pytest.raises(UsageError, match="one test"):
        clock.restart()


class Readings:
    """A host and another clock under the test's hand."""

    def __init__(self, step_ns):
        self.host_ns, self.step_ns, self.offset_ns = 0, step_ns, 5_000

    def host(self):
        self.host_ns += self.step_ns
        return self.host_ns

    def other(self):
        self.host_ns += self.step_ns
        return self.host_ns + self.offset_ns


def test_clock_map_error_stays_within_its_bound():
    readings = Readings(step_ns=100)
    clock_map = ClockMap(readings.other, readings.host)
    clock_map.sample()
    stamp = readings.host_ns + readings.offset_ns
    assert abs(clock_map.to_host_ns(stamp) - readings.host_ns) <= clock_map.bound_ns(readings.host_ns)


def test_clock_map_bound_grows_with_age_and_a_new_sample_mends_it():
    readings = Readings(step_ns=100)
    clock_map = ClockMap(readings.other, readings.host, drift=500e-6)
    clock_map.sample()
    young = clock_map.bound_ns(readings.host_ns)
    readings.host_ns += 1_000_000_000
    assert clock_map.bound_ns(readings.host_ns) == young + 500_000
    readings.offset_ns += 400_000
    clock_map.sample()
    assert clock_map.to_host_ns(readings.host_ns + readings.offset_ns) == readings.host_ns
    assert clock_map.bound_ns(readings.host_ns) <= young + 1


def test_clock_map_refuses_to_guess():
    with pytest.raises(BenchError):
        ClockMap(lambda: 0).bound_ns(0)
