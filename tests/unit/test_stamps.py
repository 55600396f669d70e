"""Stamps: of adapters whose clock nobody can read, of a real-time clock that somebody sets, and on the ports."""

import random
from typing import ClassVar

import can
import pytest
from can.interfaces import BACKENDS
from kernel_can import KernelBus

from hil.can import raw_frames
from hil.can.gaps import Gap
from hil.can.kernel_stamps import CLOCK_SET, KernelStamps
from hil.can.pythoncan import PythonCanPort
from hil.can.socketcan import SocketCanPort
from hil.can.stamps import ArrivalMap
from hil.clock import RealClock
from hil.clock_map import ClockMap, realtime_map
from hil.journal import Origin

MS, S = 1_000_000, 1_000_000_000
US = 1_000


def arrivals(seed, *, minutes, ppm, wrap_ns, resolution_ns, offset_ns):
    """(true host time, stamp, arrival) of frames over some minutes: most come within 1 ms, some far later."""
    rng, true_ns, last_ns = random.Random(seed), 1000 * S, 0
    while true_ns < (1000 + 60 * minutes) * S:
        true_ns += rng.randint(1 * MS, 700 * MS)
        adapter_ns = offset_ns + round((true_ns - 1000 * S) * (1 + ppm * 1e-6))
        stamp_ns = adapter_ns // resolution_ns * resolution_ns % (wrap_ns or 1 << 80)
        last_ns = max(last_ns, true_ns + rng.choice([200, 300, 900, 900, 4_000, 60_000]) * US)
        yield true_ns, stamp_ns, last_ns


@pytest.mark.parametrize("ppm", [-100, 0, 100])
@pytest.mark.parametrize(("wrap_ns", "resolution_ns"), [(60 * S, MS), (1_000 << 32, 1_000), (0, 1_000)])
@pytest.mark.parametrize("offset_ns", [0, 59_990 * MS, 71 * 60 * S])
def test_a_stamp_is_mapped_within_its_bound_whatever_the_clock_does(ppm, wrap_ns, resolution_ns, offset_ns):
    """Crystals that drift apart, counters that wrap, a host that reads late. The oracle is the true time."""
    stamps = ArrivalMap(resolution_ns=resolution_ns, wrap_ns=wrap_ns, delay_ns=1 * MS)
    seen = arrivals(
        7, minutes=12, ppm=ppm, wrap_ns=wrap_ns, resolution_ns=resolution_ns, offset_ns=offset_ns % (wrap_ns or 1 << 80)
    )
    last_ns = 0
    for count, (true_ns, stamp_ns, arrived_ns) in enumerate(seen):
        mapped_ns = stamps.to_host_ns(stamp_ns, arrived_ns)
        assert last_ns <= mapped_ns <= arrived_ns
        if count > 5:
            assert abs(mapped_ns - true_ns) <= stamps.bound_ns(arrived_ns), count
        last_ns = mapped_ns
    assert stamps.jumps == 0


def test_the_bound_loosens_with_age_and_tightens_with_the_next_quick_frame():
    stamps = ArrivalMap(resolution_ns=US, delay_ns=1 * MS, drift=200e-6)
    stamps.to_host_ns(0, 10 * S)
    assert stamps.bound_ns(10 * S) == 1 * MS + US
    assert stamps.bound_ns(20 * S) == 1 * MS + US + 2 * MS
    stamps.to_host_ns(10 * S, 20 * S)
    assert stamps.bound_ns(20 * S) == 1 * MS + US


def test_an_adapter_that_was_reset_is_anchored_anew_and_counted():
    stamps = ArrivalMap(resolution_ns=US)
    for second in range(5):
        stamps.to_host_ns((500 + second) * S, (10 + second) * S)
    assert stamps.to_host_ns(2 * S, 16 * S) == 16 * S
    assert stamps.jumps == 1
    assert stamps.to_host_ns(3 * S, 17 * S + 5 * MS) == 17 * S


def test_one_stamp_from_the_future_is_not_believed_two_are():
    stamps = ArrivalMap(resolution_ns=US)
    stamps.to_host_ns(0, 10 * S)
    assert stamps.to_host_ns(9 * S, 11 * S) == 11 * S
    assert stamps.to_host_ns(2 * S, 12 * S + MS) == 12 * S
    assert stamps.to_host_ns(53 * S, 13 * S) == 13 * S
    assert stamps.to_host_ns(54 * S, 14 * S + MS) == 14 * S + MS
    assert stamps.to_host_ns(55 * S, 15 * S + 2 * MS) == 15 * S + MS


class Hands:
    """A bench clock and the host's two clocks, all moved by hand; reading one takes a microsecond."""

    zero_ns = 0

    def __init__(self):
        self.now_ns, self.ahead_ns = 100 * S, 1_700_000_000 * S

    def monotonic(self):
        self.now_ns += US // 2
        return self.now_ns

    def realtime(self):
        self.now_ns += US // 2
        return self.now_ns + self.ahead_ns

    def from_monotonic_ns(self, stamp_ns):
        return stamp_ns

    to_monotonic_ns = from_monotonic_ns


@pytest.fixture
def hands():
    return Hands()


def kernel(hands):
    steps = []
    clock_map = ClockMap(hands.realtime, hands.monotonic)
    clock_map.sample()
    return KernelStamps(hands, clock_map, on_step=lambda from_ns, to_ns: steps.append((from_ns, to_ns))), steps


@pytest.mark.parametrize("step_ns", [-3600 * S, -300 * MS, 300 * MS, 3600 * S])
def test_a_real_time_clock_that_was_set_is_found_out_and_told(hands, step_ns):
    """At once where the stamp can't be, and else within a second."""
    stamps, steps = kernel(hands)
    set_ns = hands.now_ns + 400 * MS
    for _ in range(40):
        hands.now_ns += 50 * MS
        if set_ns is not None and hands.now_ns >= set_ns:
            hands.ahead_ns, set_ns = hands.ahead_ns + step_ns, None
        true_ns = hands.now_ns - 20 * US
        t_ns = stamps.bench_ns(true_ns + hands.ahead_ns, hands.now_ns)
        right = abs(t_ns - true_ns) <= stamps.bound_ns
        assert right or any(from_ns <= true_ns for from_ns, _ in steps) or abs(step_ns) < S
    assert right
    assert len(steps) == stamps.steps == 1
    ((from_ns, to_ns),) = steps
    assert from_ns < to_ns <= from_ns + 1_100 * MS
    if abs(step_ns) > S or step_ns > 0:
        assert to_ns <= 100 * S + 460 * MS


def test_a_frame_that_was_read_late_is_no_step(hands):
    """Ten seconds late: the clock is looked at again, and it was not that."""
    stamps, steps = kernel(hands)
    stamp_ns, true_ns = hands.now_ns + hands.ahead_ns, hands.now_ns
    hands.now_ns += 10 * S
    assert abs(stamps.bench_ns(stamp_ns, hands.now_ns) - true_ns) <= stamps.bound_ns
    assert steps == []


def test_slewing_is_no_step(hands):
    """500 ppm for a minute, as NTP does."""
    stamps, steps = kernel(hands)
    for _ in range(600):
        hands.now_ns += 100 * MS
        hands.ahead_ns += 50 * US
        true_ns = hands.now_ns
        assert abs(stamps.bench_ns(true_ns + hands.ahead_ns, hands.now_ns) - true_ns) <= stamps.bound_ns
        assert stamps.bound_ns < MS  # it is compared each second, or this would grow
    assert steps == []


# On the ports ---------------------------------------------------------------------------------------------------------


class Adapter(can.BusABC):
    """In the place of Kvaser's driver: it stamps by a clock of its own, from an offset that nobody knows."""

    made: ClassVar = []

    def __init__(self, channel, **options):
        super().__init__(channel)
        self.options, self.waiting = options, []
        self.made.append(self)

    def _recv_internal(self, timeout):
        return (self.waiting.pop(0) if self.waiting else None), False

    def send(self, msg, timeout=None):
        raise can.CanOperationError("not asked for")


@pytest.fixture
def real_clock():
    clock = RealClock()
    yield clock
    clock.close()


def test_a_vendors_adapter_gives_hardware_stamps_within_the_bound_of_the_port(real_clock, monkeypatch):
    monkeypatch.setitem(BACKENDS, "kvaser", (__name__, "Adapter"))
    port = PythonCanPort(clock=real_clock, bus="cabin", interface="kvaser", channel=0, options={"bitrate": 500_000})
    heard = []

    async def scenario():
        await port.open(heard.append, print)
        driver = Adapter.made[-1]
        for number in range(20):
            before_ns = real_clock.now_ns
            stamp_s = 7.0 + before_ns / 1e9
            driver.waiting.append(can.Message(arbitration_id=number, timestamp=stamp_s))
            while len(heard) <= number:
                await real_clock.sleep(0.001)
            assert before_ns - port.bound_ns <= heard[-1].t_ns <= real_clock.now_ns
        await port.close()

    real_clock.run(scenario())
    assert {frame.origin for frame in heard} == {Origin.HARDWARE}
    assert [frame.t_ns for frame in heard] == sorted(frame.t_ns for frame in heard)
    assert Adapter.made[-1].options == {"bitrate": 500_000}


def test_a_socketcan_adapter_with_a_clock_gives_hardware_stamps(real_clock):
    """Its stamps go on evenly while the kernel's come late."""
    offset_ns = -realtime_map().to_host_ns(0)
    late_ns = [0]
    bus = KernelBus(lambda: real_clock.to_monotonic_ns(real_clock.now_ns) + offset_ns)
    bus.hardware = lambda: 5 * S + real_clock.now_ns - late_ns[0]
    port = SocketCanPort(clock=real_clock, bus="cabin", channel="can0", make_socket=bus.socket)
    heard, gaps = [], []
    port.on_gap = gaps.append

    async def scenario():
        await port.open(heard.append, print)
        kernel_only, bus.hardware = bus.hardware, None
        bus.carry(raw_frames.pack(0x1, b"", 0), from_here=False)
        while not heard:
            await real_clock.sleep(0.001)
        bus.hardware = kernel_only
        for number in range(10):
            late_ns[0] = 20 * MS * (number % 2)
            stamped_ns = real_clock.now_ns - late_ns[0]
            bus.carry(raw_frames.pack(0x100 + number, b"", 0), from_here=False)
            while len(heard) <= number + 1:
                await real_clock.sleep(0.001)
            assert heard[-1].t_ns >= stamped_ns - port.bound_ns
            if number:
                assert heard[-1].t_ns >= heard[-2].t_ns
            await real_clock.sleep(0.025)
        await port.close()

    real_clock.run(scenario())
    assert [frame.origin for frame in heard] == [Origin.KERNEL] + 10 * [Origin.HARDWARE]
    assert gaps == []


def test_the_real_time_clock_that_was_set_is_a_gap_on_the_bus(real_clock):
    ahead_ns = [-realtime_map().to_host_ns(0)]
    bus = KernelBus(lambda: real_clock.to_monotonic_ns(real_clock.now_ns) + ahead_ns[0])
    port = SocketCanPort(clock=real_clock, bus="cabin", channel="can0", make_socket=bus.socket)
    heard, gaps = [], []
    port.on_gap = gaps.append
    port._stamps._map = ClockMap(lambda: real_clock.to_monotonic_ns(real_clock.now_ns) + ahead_ns[0])
    port._stamps._map.sample()

    async def scenario():
        await port.open(heard.append, print)
        ahead_ns[0] += 3600 * S
        bus.carry(raw_frames.pack(0x1, b"", 0), from_here=False)
        while not heard:
            await real_clock.sleep(0.001)
        await port.close()

    real_clock.run(scenario())
    (gap,) = gaps
    assert isinstance(gap, Gap)
    assert (gap.bus, gap.why) == ("cabin", CLOCK_SET)
    assert heard[0].t_ns <= real_clock.now_ns
