"""Floods on a real simulated wire: how full the bus is, who is heard, and that they end."""

from collections import Counter

import pytest
from can_lab import MS, Collector

from hil.can.flood import Flood
from hil.can.frames import ERROR, EXTENDED, SENT, CanFrame
from hil.can.wire import SimWire
from hil.clock import VirtualClock

FRAME_NS = 2000 * (1 + 11 + 3 + 4 + 64 + 15 + 13)
"""Eight bytes at 500 kbit/s without stuff bits: what a frame takes at least."""


class Street:
    """A bus with three nodes: the bench, which floods and sends beside it, and two others."""

    def __init__(self, clock, **flood):
        self.clock, self.wire, self.seen = clock, SimWire(clock, "cabin", 500_000), []
        self.bench, self.other, self.third = (self.wire.port(node) for node in ("BENCH", "OTHER", "THIRD"))
        self.flood = Flood(clock, self.bench, **({"can_id": 0, "data": bytes(8)} | flood))

    def hear(self, frame):
        self.seen.append(frame)
        self.flood.on_frame(frame)

    def cycle(self, port, can_id, period_ns):
        def send(_):
            port.send(can_id, bytes(8))
            self.clock.call_in(period_ns, send)

        self.clock.call_in(0, send)

    def run(self, until_ms, *actions):
        async def main():
            await self.bench.open(self.hear, print)
            for port in (self.other, self.third):
                await port.open(lambda frame: None, print)
            for at_ms, action in actions:
                self.clock.call_at(round(at_ms * MS), lambda act: act(), action)
            await self.clock.sleep_until(until_ms * MS)

        self.clock.run(main())

    def count(self, begin_ms=0, end_ms=1e9):
        return Counter(frame.can_id for frame in self.seen if begin_ms * MS <= frame.t_ns < end_ms * MS)


@pytest.fixture
def clock():
    clock = VirtualClock()
    yield clock
    clock.close()


def test_a_flood_fills_the_bus_to_the_last_bit_and_no_queue_grows(clock):
    street = Street(clock)
    waiting = []
    street.run(
        1000, (0, street.flood.start), *((t, lambda: waiting.append(len(street.bench.queue))) for t in range(1, 999))
    )
    busy_ns = [after.t_ns - before.t_ns for before, after in zip(street.seen[:-1], street.seen[1:], strict=True)]
    assert len(set(busy_ns)) == 1, "one frame behind the other without a gap"
    assert busy_ns[0] > FRAME_NS
    assert max(waiting) <= 2
    assert street.count()[0] == len(street.seen) == street.flood.count - len(street.bench.queue) - 1


def test_identifier_0_starves_whoever_else_wants_to_send_and_the_end_lets_them_go(clock):
    street = Street(clock)
    street.cycle(street.other, 0x300, 10 * MS)
    street.run(1200, (95, street.flood.start), (895, street.flood.stop))
    assert street.count(0, 95) == {0x300: 10}
    starved = street.count(100, 895)
    assert starved[0x300] == 0
    assert starved[0] > 2900
    assert street.count(895)[0x300] == 120 - 10
    assert street.flood.count == street.count()[0], "what waited at the end was still sent"


def test_a_lower_identifier_wins_against_a_flood(clock):
    street = Street(clock, can_id=0x100)
    street.cycle(street.other, 0x0FF, 10 * MS)
    street.cycle(street.third, 0x101, 10 * MS)
    street.run(505, (0.2, street.flood.start))
    assert street.count()[0x0FF] == 51
    assert street.count(2)[0x101] == 0


def test_what_the_node_has_to_send_beside_the_flood_waits_for_a_few_frames_only(clock):
    """A bench's own messages share its adapter with the flood, as on a real bus."""
    street = Street(clock)
    street.cycle(street.bench, 0x200, 10 * MS)
    street.run(500, (0, street.flood.start))
    stamps = [frame.t_ns for frame in street.seen if frame.can_id == 0x200]
    assert len(stamps) == 50
    assert max(t_ns % (10 * MS) for t_ns in stamps) < 4 * street.wire.bitrate
    assert len(street.bench.queue) <= 3


@pytest.mark.parametrize(("period_ns", "frames"), [(1 * MS, 1000), (10 * MS, 100)])
def test_a_slow_flood_keeps_its_period(clock, period_ns, frames):
    street = Street(clock, period_ns=period_ns)
    street.run(1000, (0, street.flood.start))
    assert street.flood.count == frames
    distances = {after.t_ns - before.t_ns for before, after in zip(street.seen[:-1], street.seen[1:], strict=True)}
    assert distances == {period_ns}


def test_stop_before_start_and_twice_is_fine(clock):
    street = Street(clock)
    street.run(10, (1, street.flood.stop), (2, street.flood.start), (2.05, street.flood.stop), (3, street.flood.stop))
    assert street.flood.count == len(street.seen) == 1


OWN = CanFrame(0, "cabin", 0x10, b"", EXTENDED | SENT)


@pytest.mark.parametrize(
    ("frame", "makes_room"),
    [
        (OWN, True),
        (OWN._replace(flags=SENT), False),
        (OWN._replace(flags=EXTENDED), False),
        (OWN._replace(can_id=0x11), False),
        (OWN._replace(bus="body"), False),
        (OWN._replace(flags=ERROR), False),
    ],
)
def test_only_its_own_frame_on_its_own_bus_makes_room_for_the_next(clock, frame, makes_room):
    port = Collector(clock)
    flood = Flood(clock, port, can_id=0x10, data=b"", flags=EXTENDED, period_ns=MS)

    async def main():
        flood.start()
        await clock.sleep_until(5 * MS + 1)
        assert len(port.sent) == 2
        flood.on_frame(frame)
        await clock.sleep_until(10 * MS)

    clock.run(main())
    assert len(port.sent) == 2 + makes_room
    assert port.sent[0] == (0, 0x10, b"", EXTENDED)


def test_frames_of_which_nothing_is_heard_are_lost_and_the_flood_goes_on(clock):
    """As after the node was bus-off: its controller threw away what waited."""
    port = Collector(clock)
    flood = Flood(clock, port, can_id=0, data=b"", period_ns=MS)

    async def main():
        flood.start()
        await clock.sleep_until(350 * MS + 1)

    clock.run(main())
    assert [t_ns // MS for t_ns, *_ in port.sent] == [0, 1, 101, 102, 202, 203, 303, 304]
