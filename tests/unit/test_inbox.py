"""The inbox: the last value that others sent, and waiting for one."""

import pytest

from hil.can import database
from hil.can.database import Network, show
from hil.can.frames import ERROR, EXTENDED, REMOTE, SENT, CanFrame
from hil.can.inbox import Inbox
from hil.clock import NS_PER_S, VirtualClock

MS = 1_000_000
DBC = """VERSION ""

NS_ :

BS_:

BU_: ECU BENCH

BO_ 256 Status: 2 ECU
 SG_ State : 0|8@1+ (1,0) [0|0] "" BENCH
 SG_ Speed : 8|8@1+ (0.5,0) [0|0] "km/h" BENCH

BO_ 257 Paged: 2 ECU
 SG_ Page M : 0|8@1+ (1,0) [0|0] "" BENCH
 SG_ One m1 : 8|8@1+ (1,0) [0|0] "" BENCH
 SG_ Two m2 : 8|8@1+ (1,0) [0|0] "" BENCH

VAL_ 256 State 0 "Off" 1 "On" ;
"""


class Lab:
    def __init__(self):
        self.clock = VirtualClock()
        matrix = database.load(DBC, ".dbc", "x.dbc")
        self.network = Network({"cabin": matrix, "chassis": matrix})
        self.inbox = Inbox(self.clock, self.network)

    def come(self, can_id, data, *, t_ns=0, bus="cabin", flags=0):
        self.inbox.on_frame(CanFrame(t_ns, bus, can_id, bytes.fromhex(data), flags))

    def last(self, name):
        last = self.inbox.last(self.network.resolve(name))
        return None if last is None else (str(last[0]), last[1])

    def wait(self, name, wanted, *arrivals, timeout_ns=NS_PER_S):
        """Wait while frames `(t_ns, can_id, data)` arrive; the value, its stamp, and when the wait ended."""

        async def main():
            for t_ns, can_id, data in arrivals:
                self.clock.call_at(t_ns, lambda a: self.come(a[1], a[2], t_ns=a[0]), (t_ns, can_id, data))
            ref = self.network.resolve(name)
            found = await self.inbox.wait(ref, lambda raw: str(show(ref, raw)) == wanted, timeout_ns)
            return (None if found is None else (str(found[0]), found[1])), self.clock.now_ns

        return self.clock.run(main())


@pytest.fixture
def lab():
    lab = Lab()
    yield lab
    lab.clock.close()


def test_before_anything_came_there_is_no_value(lab):
    assert lab.last("cabin::State") is None


def test_the_last_value_counts_with_its_stamp(lab):
    lab.come(256, "0050", t_ns=5)
    lab.come(256, "0152", t_ns=7)
    assert lab.last("cabin::State") == ("On", 7)
    assert lab.last("cabin::Speed") == ("41 km/h", 7)


@pytest.mark.parametrize(
    "foreign",
    [
        {"bus": "chassis"},
        {"flags": EXTENDED},
        {"flags": SENT},
        {"flags": REMOTE},
        {"flags": ERROR},
    ],
)
def test_only_a_data_frame_of_this_message_on_this_bus_by_another_counts(lab, foreign):
    lab.come(256, "0050", t_ns=5)
    lab.come(256, "0152", t_ns=7, **foreign)
    assert lab.last("cabin::State") == ("Off", 5)


def test_own_frames_are_not_heard(lab):
    lab.come(256, "0050", flags=SENT)
    lab.come(256, "0050")
    lab.come(0x7FF, "00")
    assert lab.inbox.heard == 2


def test_a_frame_that_is_too_short_says_nothing(lab):
    lab.come(256, "0050", t_ns=5)
    lab.come(256, "01", t_ns=7)
    lab.come(256, "", t_ns=8)
    assert lab.last("cabin::State") == ("Off", 5)
    assert lab.wait("cabin::State", "On", (10, 256, "01"), (20, 256, "0100")) == (("On", 20), 20)


def test_each_page_of_a_multiplexed_message_is_kept(lab):
    lab.come(257, "0111", t_ns=1)
    lab.come(257, "0222", t_ns=2)
    lab.come(257, "0133", t_ns=3)
    assert lab.last("cabin::One") == ("51", 3)
    assert lab.last("cabin::Two") == ("34", 2)
    assert lab.last("cabin::Page") == ("1", 3)


def test_a_page_that_is_not_in_the_database_says_nothing(lab):
    lab.come(257, "0111", t_ns=1)
    lab.come(257, "0922", t_ns=2)
    assert lab.last("cabin::Page") == ("1", 1)
    assert lab.last("cabin::Two") is None


def test_a_wait_passes_over_pages_without_the_signal(lab):
    arrivals = [(10 * MS, 257, "0105"), (20 * MS, 257, "0905"), (30 * MS, 257, "0204"), (40 * MS, 257, "0205")]
    assert lab.wait("cabin::Two", "5", *arrivals) == (("5", 40 * MS), 40 * MS)


def test_a_wait_ends_with_the_frame_that_says_it(lab):
    arrivals = [(100 * MS, 256, "0000"), (200 * MS, 256, "0100"), (300 * MS, 256, "0000")]
    assert lab.wait("cabin::State", "On", *arrivals) == (("On", 200 * MS), 200 * MS)
    assert lab.last("cabin::State") == ("On", 200 * MS)


def test_what_came_already_is_taken_at_once(lab):
    lab.come(256, "0100", t_ns=0)
    assert lab.wait("cabin::State", "On", (100 * MS, 256, "0100")) == (("On", 0), 0)


def test_a_wait_that_nothing_answers_ends_in_time(lab):
    arrivals = [(number * 100 * MS, 256, "0000") for number in range(20)]
    assert lab.wait("cabin::State", "On", *arrivals, timeout_ns=500 * MS) == (None, 500 * MS)


@pytest.mark.parametrize(("t_ns", "found"), [(500 * MS - 1, True), (500 * MS + 1, False)])
def test_the_deadline_is_exact(lab, t_ns, found):
    value, _ = lab.wait("cabin::State", "On", (t_ns, 256, "0100"), timeout_ns=500 * MS)
    assert (value is not None) is found


def test_several_may_wait_for_one_message(lab):
    async def main():
        refs = [lab.network.resolve(f"cabin::{name}") for name in ("State", "State", "Speed")]
        waits = [lab.clock.loop.create_task(lab.inbox.wait(ref, lambda raw: raw == 1, NS_PER_S)) for ref in refs]
        lab.clock.call_at(10, lambda _: lab.come(256, "0100", t_ns=10))
        lab.clock.call_at(20, lambda _: lab.come(256, "0101", t_ns=20))
        return [(await wait)[1] for wait in waits]

    assert lab.clock.run(main()) == [10, 10, 20]


def test_an_ended_wait_leaves_nothing_behind(lab):
    lab.wait("cabin::State", "On", (10, 256, "0100"))
    lab.wait("cabin::State", "5", timeout_ns=10)
    assert not any(box.watchers for box in lab.inbox._boxes.values())
    assert all(timer.callback is None for _, _, timer in lab.clock._agenda)


def test_clear_forgets(lab):
    lab.come(256, "0100")
    lab.come(257, "0111")
    lab.inbox.clear()
    assert lab.last("cabin::State") is lab.last("cabin::One") is None
