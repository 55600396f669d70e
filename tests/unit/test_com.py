"""The ECU's communication stack: the pipeline, time-outs, protection, what is dropped, and what it sends."""

import random
from collections import Counter

import pytest
from can_lab import MS, Collector, load, msg, sig

from hil.can import database
from hil.can.database import Network
from hil.can.e2e import E2e
from hil.can.frames import ERROR, EXTENDED, FD, REMOTE, SENT, CanFrame
from hil.can.payloads import Payloads
from hil.can.traits import E2eConfig
from hil.clock import VirtualClock
from hil.ecu.com import Com
from hil.ecu.signals import extractor
from hil.errors import BenchError

LEAST_MS, MOST_MS = 4, 14
P01 = E2eConfig("P01", 8, data_id=0x123)
PROTECTED = sig("Crc", "0|8@1+"), sig("Counter", "8|4@1+"), sig("Speed", "16|8@1+")
PAGES = sig("Page", "0|8@1+", mux="M"), sig("One", "8|8@1+", mux="m1"), sig("Two", "8|8@1+", mux="m2")
CABIN = [
    msg("Plain", 0x100, 2, sig("A", "0|8@1+"), sig("B", "8|8@1+"), cycle=20),
    msg("Event", 0x101, 1, sig("E", "0|8@1+"), send="OnChange"),
    msg("Safe", 0x102, 8, *PROTECTED, cycle=20, profile="P01", data_id=0x123),
    msg("Paged", 0x103, 2, *PAGES, cycle=20),
    msg("NM_Body", 0x500, 8, sig("Nm", "0|8@1+"), nm="yes"),
]
OWN = [
    msg("Status", 0x200, 2, sig("S", "0|8@1+"), sig("T", "8|8@1+", send="OnChange"), sender="ECU", cycle=100),
    msg("Wish", 0x201, 1, sig("W", "0|8@1+"), sender="ECU", send="OnChangeWithRepetition", fast=20, repetitions=2),
    msg("Written", 0x202, 1, sig("X", "0|8@1+"), sender="ECU", send="OnWrite"),
    msg("Button", 0x203, 1, sig("Press", "0|8@1+"), sender="ECU", send="IfActive", cycle=100, fast=20),
    msg("Checked", 0x204, 8, *PROTECTED, sender="ECU", cycle=50, profile="P01", data_id=0x123),
    msg("NM_Ecu", 0x501, 8, sig("Own", "0|8@1+"), sender="ECU", cycle=50, nm="yes"),
    msg("DiagAnswer", 0x701, 8, sig("Sid", "0|8@1+"), sender="ECU", cycle=50, diag="yes"),
]


class Lab:
    """A stack on collecting ports; times in ms."""

    def __init__(self, clock, buses=None, ports=None):
        self.clock = clock
        buses = {"cabin": load(*CABIN, *OWN)} if buses is None else buses
        self.ports = {bus: Collector(clock, bus) for bus in buses} if ports is None else ports
        self.com = Com(clock, self.ports, Network(buses), "ECU", random.Random(7))

    def come(self, can_id, data, *, bus="cabin", flags=0):
        self.com.on_frame(CanFrame(self.clock.now_ns, bus, can_id, data, flags))

    def run(self, until, *actions):
        async def main():
            for at, action in actions:
                self.clock.call_at(round(at * MS), lambda act: act(), action)
            await self.clock.sleep_until(round(until * MS))

        self.clock.run(main())

    def coming(self, can_id, data, **where):
        return lambda: self.come(can_id, bytes(data), **where)

    def reading(self, seen, message, signal, **how):
        return lambda: seen.append((self.clock.now_ns / MS, self.com.raw(message, signal, **how)))

    def sent(self, can_id, bus="cabin"):
        return [(t_ns / MS, data) for t_ns, sent_id, data, _ in self.ports[bus].sent if sent_id == can_id]


@pytest.fixture
def clock():
    clock = VirtualClock()
    yield clock
    clock.close()


@pytest.fixture
def lab(clock):
    return Lab(clock)


# The pipeline ---------------------------------------------------------------------------------------------------------


def test_before_anything_came_there_is_no_value(lab):
    assert lab.com.raw("Plain", "A") is None
    assert lab.com.raw("Plain", "A", stale=True) is None


def test_a_frame_is_there_for_the_application_some_milliseconds_later(clock):
    """Every millisecond somewhere between least and most, and never outside."""
    delays = Counter()
    lab = Lab(clock)
    for start in range(0, 200_000, 200):
        seen = []
        looks = [(start + t / 2, lab.reading(seen, "Plain", "B")) for t in range(1, 40)]
        value = start // 200 % 256
        lab.run(start + 100, (start, lab.coming(0x100, [0, value])), *looks)
        delays[next(t for t, b in seen if b == value and t > start + LEAST_MS - 1) - start] += 1
    assert min(delays) >= LEAST_MS
    assert max(delays) <= MOST_MS + 0.5
    assert len(delays) == 2 * (MOST_MS - LEAST_MS)


def test_frames_come_through_in_the_order_of_their_arrival(clock):
    lab, seen = Lab(clock), []
    arrivals = [(t, lab.coming(0x100, [t, 0])) for t in range(1, 200)]
    lab.run(300, *arrivals, *((t + 0.5, lab.reading(seen, "Plain", "A")) for t in range(1, 250)))
    values = [value for _, value in seen if value is not None]
    assert values == sorted(values)
    assert values[-1] == 199
    assert len(set(values)) > 20


def test_a_frame_that_waited_for_the_one_before_is_as_young_as_that_one(lab):
    slot = lab.com.slot("Plain")
    slot.arrive(20 * MS, b"\1\0")
    slot.arrive(10 * MS, b"\2\0")
    slot.take(19 * MS)
    assert slot.data is None
    slot.take(20 * MS)
    assert (slot.data, slot.t_ns) == (b"\2\0", 20 * MS)


def test_a_late_message_is_later_by_as_much(lab):
    seen = []
    lab.com.slot("Plain").extra_ns = 500 * MS
    looks = [(t, lab.reading(seen, "Plain", "A")) for t in range(490, 530)]
    lab.run(600, (0, lab.coming(0x100, [1, 0])), *looks)
    first = next(t for t, value in seen if value == 1)
    assert 500 + LEAST_MS <= first <= 500 + MOST_MS + 1


def test_of_a_message_that_nobody_reads_only_what_is_in_the_pipeline_is_kept(lab):
    lab.run(10_000, *((t, lab.coming(0x100, [t % 256, 0])) for t in range(0, 10_000, 5)))
    assert len(lab.com.slot("Plain").pending) <= MOST_MS // 5 + 1
    lab.run(10_100)
    assert lab.com.raw("Plain", "A") == 9_995 % 256


def test_a_signal_is_shifted_out_and_the_message_never_decoded(lab, monkeypatch):
    decoded, decode = [], database.decode
    monkeypatch.setattr(database, "decode", lambda message, data: decoded.append(data) or decode(message, data))
    seen = []
    frames = [(t, lab.coming(0x100, [t, 0])) for t in (0, 20, 40)]
    looks = [(t, lab.reading(seen, "Plain", signal)) for t in (56, 57, 58, 59) for signal in "AB"]
    lab.run(60, *frames, *looks)
    assert [value for _, value in seen] == [40, 0] * 4
    assert decoded == []


# Reading and watching -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bus", ["chassis", "body"])
def test_every_signal_of_both_networks_is_read_as_the_database_reads_it(repository, bus):
    """Against cantools, over random payloads: little and big endian, signed, floats, up to 64 bytes."""
    matrix = database.load((repository / "dbc" / f"{bus}.dbc").read_text(encoding="utf-8"), ".dbc", bus)
    rng = random.Random(3)
    compared = 0
    for message in matrix.messages:
        if message.is_multiplexed():
            continue
        readers = {signal.name: extractor(signal, message.length) for signal in message.signals}
        for _ in range(4):
            data = rng.randbytes(message.length)
            expected = database.decode(message, data)
            assert {name: repr(read(data)) for name, read in readers.items()} == {
                name: repr(value) for name, value in expected.items()
            }
            compared += len(expected)
    assert compared > 1000


def test_a_watcher_hears_of_changes_only(lab):
    heard = []
    lab.com.watch("Plain", lambda: heard.append((lab.clock.now_ns / MS, lab.com.raw("Plain", "A"))))
    polls = [(t, lab.com.poll) for t in range(0, 200, 5)]
    frames = [(t, lab.coming(0x100, [t // 100, 0])) for t in range(0, 200, 20)]
    lab.run(200, *frames, *polls)
    assert [value for _, value in heard] == [0, 1]


def test_counter_and_checksum_are_no_change(lab):
    heard = []
    lab.com.watch("Safe", lambda: heard.append(lab.clock.now_ns / MS))
    frames = [(20 * n, lab.coming(0x102, safe(n, 5 if n < 6 else 6))) for n in range(10)]
    lab.run(220, *frames, *((t, lab.com.poll) for t in range(0, 220, 5)))
    assert len(heard) == 2


def test_a_watcher_of_events_hears_every_frame(lab):
    heard = []
    lab.com.watch("Event", lambda: heard.append(lab.clock.now_ns / MS), every=True)
    lab.run(300, *((t, lab.coming(0x101, [7])) for t in (0, 100, 200)), *((t, lab.com.poll) for t in range(0, 300, 5)))
    assert len(heard) == 3


def test_a_watcher_hears_when_a_message_is_lost_and_when_it_comes_back(lab):
    heard = []
    lab.com.watch("Plain", lambda: heard.append((lab.clock.now_ns // MS, lab.com.slot("Plain").is_lost)))
    lab.com.supervise(0)
    polls = [(t, lab.com.poll) for t in range(0, 900, 5)]
    lab.run(900, (0, lab.coming(0x100, [7, 0])), (600, lab.coming(0x100, [7, 0])), *polls)
    assert [lost for _, lost in heard] == [False, True, False, True]
    assert 204 <= heard[1][0] <= 225
    assert 604 <= heard[2][0] <= 620


def test_what_never_comes_is_lost_once_it_is_supervised(lab):
    heard = []
    lab.com.watch("Plain", lambda: heard.append(lab.clock.now_ns // MS))
    polls = [(t, lab.com.poll) for t in range(0, 900, 5)]
    lab.run(900, (300, lambda: lab.com.supervise(lab.clock.now_ns)), *polls)
    assert len(heard) == 1
    assert 500 <= heard[0] <= 510


def test_a_signal_that_the_databases_lack_never_has_a_value(lab):
    for message, signal in (("Nothing", "A"), ("Plain", "Z")):
        reading = lab.com.signal(message, signal)
        assert not reading.exists
        assert (reading.raw, reading.value, reading.stale, lab.com.raw(message, signal)) == (None,) * 4


# Time-outs ------------------------------------------------------------------------------------------------------------


def test_what_has_no_cycle_keeps_its_last_value(lab):
    seen = []
    lab.run(60_000, (0, lab.coming(0x101, [7, 0])), (20, lab.reading(seen, "Event", "E")),
            (59_000, lab.reading(seen, "Event", "E")))  # fmt: skip
    assert [value for _, value in seen] == [7, 7]


def test_a_value_is_none_after_ten_cycles_and_stays_for_who_wants_it_stale(lab):
    seen, stale = [], []
    looks = [(t, lab.reading(seen, "Plain", "A")) for t in (20, 200, 203, 215, 700)]
    looks += [(700.1, lab.reading(stale, "Plain", "A", stale=True))]
    lab.run(800, (0, lab.coming(0x100, [7, 0])), *looks)
    assert [value for _, value in seen] == [7, 7, 7, None, None]
    assert stale[-1][1] == 7


def test_a_message_that_comes_again_is_read_again(lab):
    seen = []
    lab.run(900, (0, lab.coming(0x100, [7, 0])), (500, lab.reading(seen, "Plain", "A")),
            (600, lab.coming(0x100, [8, 0])), (620, lab.reading(seen, "Plain", "A")))  # fmt: skip
    assert [value for _, value in seen] == [None, 8]


def test_a_life_without_power_forgets_everything(lab):
    lab.run(50, (0, lab.coming(0x100, [7, 0])), (49, lab.coming(0x100, [8, 0])))
    lab.com.forget()
    lab.run(100)
    assert lab.com.raw("Plain", "A", stale=True) is None


# What is dropped ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("can_id", "data", "where"),
    [
        (0x100, [9], {}),
        (0x100, [], {}),
        (0x100, [9, 9], {"flags": SENT}),
        (0x100, [9, 9], {"flags": ERROR}),
        (0x100, [9, 9], {"flags": REMOTE}),
        (0x100, [9, 9], {"flags": EXTENDED}),
        (0x100, [9, 9], {"bus": "body"}),
        (0x555, [9, 9], {}),
    ],
)
def test_what_is_too_short_or_nobodys_is_as_if_it_had_never_come(lab, can_id, data, where):
    lab.run(100, (0, lab.coming(0x100, [7, 0])), (50, lab.coming(can_id, data, **where)))
    assert lab.com.raw("Plain", "A") == 7


def test_what_is_longer_than_its_message_is_read(lab):
    lab.run(100, (0, lab.coming(0x100, [7, 8, 9, 10], flags=FD)))
    assert (lab.com.raw("Plain", "A"), lab.com.raw("Plain", "B")) == (7, 8)


def safe(count, speed):
    return E2e(P01).protect(bytes([0, 0, speed, 0, 0, 0, 0, 0]), count)


def test_frames_whose_protection_is_wrong_are_as_if_they_had_never_come(lab):
    wrong_crc = bytearray(safe(2, 99))
    wrong_crc[0] ^= 1
    seen = []
    steps = [
        (0, safe(0, 1)),
        (20, safe(1, 2)),
        (40, bytes(wrong_crc)),
        (60, safe(1, 98)),
        (80, safe(2, 3)),
        (100, safe(9, 97)),
    ]
    steps += [(120, safe(10, 4)), (140, safe(10, 5)[:4])]
    for t, data in steps:
        lab.run(t + 19, (t, lab.coming(0x102, data)), (t + 18, lab.reading(seen, "Safe", "Speed")))
    assert [value for _, value in seen] == [1, 2, 2, 2, 3, 3, 4, 4]


def test_a_frozen_counter_and_a_wrong_crc_time_out(lab):
    seen = []
    frames = [(t, lab.coming(0x102, safe(0, 5))) for t in range(0, 400, 20)]
    lab.run(400, *frames, (150, lab.reading(seen, "Safe", "Speed")), (390, lab.reading(seen, "Safe", "Speed")))
    assert [value for _, value in seen] == [5, None]


def test_a_life_without_power_forgets_which_counter_came_last(lab):
    lab.run(30, (0, lab.coming(0x102, safe(5, 1))))
    lab.com.forget()
    lab.run(100, (40, lab.coming(0x102, safe(5, 2))))
    assert lab.com.raw("Safe", "Speed") == 2


# Multiplexed ----------------------------------------------------------------------------------------------------------


def test_a_signal_of_another_page_keeps_its_value(lab):
    lab.run(100, (0, lab.coming(0x103, [1, 11])), (20, lab.coming(0x103, [2, 22])), (40, lab.coming(0x103, [2, 23])))
    assert (lab.com.raw("Paged", "One"), lab.com.raw("Paged", "Two"), lab.com.raw("Paged", "Page")) == (11, 23, 2)


def test_pages_that_nobody_read_meanwhile_count_too(lab):
    lab.run(1000, *((t, lab.coming(0x103, [1 + t % 2, t])) for t in range(100, 200)))
    assert (lab.com.raw("Paged", "One", stale=True), lab.com.raw("Paged", "Two", stale=True)) == (198, 199)


def test_a_page_that_never_came_has_no_value(lab):
    lab.run(50, (0, lab.coming(0x103, [1, 11])))
    assert lab.com.raw("Paged", "Two") is None


def test_a_multiplexer_that_selects_nothing_changes_nothing(lab):
    lab.run(100, (0, lab.coming(0x103, [1, 11])), (20, lab.coming(0x103, [77, 99])))
    assert (lab.com.raw("Paged", "One"), lab.com.raw("Paged", "Page")) == (11, 1)


# Sending --------------------------------------------------------------------------------------------------------------


def writing(lab, message, **raw):
    return lambda: lab.com.write(message, **raw)


def test_nothing_is_sent_before_the_start_and_cycles_from_then_on(lab):
    lab.com.write("Status", S=3)
    lab.run(400, (95, lab.com.start), (330, lab.com.stop))
    assert lab.sent(0x200) == [(95, b"\3\0"), (195, b"\3\0"), (295, b"\3\0")]
    assert {can_id for _, can_id, _, _ in lab.ports["cabin"].sent} == {0x200, 0x204}


def test_network_management_and_diagnosis_are_not_the_stacks(lab):
    assert list(lab.com) == ["Status", "Wish", "Written", "Button", "Checked"]
    with pytest.raises(KeyError):
        lab.com.slot("NM_Body")


def test_send_types_are_followed(lab):
    lab.run(
        400,
        (0, lab.com.start),
        (30, writing(lab, "Status", S=1)),
        (40, writing(lab, "Status", T=2)),
        (50, writing(lab, "Wish", W=1)),
        (60, writing(lab, "Written", X=1)),
        (70, writing(lab, "Written", X=1)),
        (130, writing(lab, "Button", Press=1)),
        (165, writing(lab, "Button", Press=0)),
    )
    assert lab.sent(0x200)[:3] == [(0, b"\0\0"), (40, b"\1\2"), (100, b"\1\2")]
    assert lab.sent(0x201) == [(50, b"\1"), (70, b"\1"), (90, b"\1")]
    assert lab.sent(0x202) == [(60, b"\1")]
    assert lab.sent(0x203) == [(130, b"\1"), (150, b"\1"), (165, b"\0")]


def test_what_is_written_again_and_again_is_no_event(lab):
    lab.run(300, (0, lab.com.start), *((t, writing(lab, "Wish", W=5)) for t in range(100, 300, 16)))
    assert [t for t, _ in lab.sent(0x201)] == [100, 120, 140]


def test_what_is_written_again_and_again_is_encoded_once(lab, monkeypatch):
    encoded, encode = [], Payloads.encode

    def counted(payloads, values, *rest):
        encoded.append(values["W"])
        return encode(payloads, values, *rest)

    monkeypatch.setattr(Payloads, "encode", counted)
    for value in (5, 5, 5, 6):
        lab.com.write("Wish", W=value)
    assert encoded == [5, 6]


def test_what_it_sends_is_protected_and_its_counter_goes_on(lab):
    lab.run(500, (0, lab.com.start), (120, writing(lab, "Checked", Speed=9)))
    payloads = [data for _, data in lab.sent(0x204)]
    assert payloads == [safe(number, 9 if number > 2 else 0) for number in range(len(payloads))]
    assert len(payloads) == 10


def test_a_life_without_power_begins_with_start_values(lab):
    lab.run(100, (0, lab.com.start), (20, writing(lab, "Status", S=9)), (60, lab.com.forget))
    lab.run(300, (150, lab.com.start))
    assert lab.sent(0x200) == [(0, b"\0\0"), (150, b"\0\0"), (250, b"\0\0")]


class Broken:
    """A port whose bus is gone."""

    bus = "cabin"

    async def open(self, on_frame, on_lost):
        pass

    async def close(self):
        pass

    def send(self, can_id, data, flags=0):
        raise BenchError("the port is closed")


def test_an_ecu_goes_on_without_its_bus(clock):
    lab = Lab(clock, ports={"cabin": Broken()})
    lab.run(1000, (0, lab.com.start), (50, writing(lab, "Wish", W=1)))
    assert lab.com.raw("Plain", "A") is None


# Several buses --------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(clock):
    one = load(
        msg("Speed", 0x100, 1, sig("V", "0|8@1+"), cycle=20),
        msg("Say", 0x300, 1, sig("Z", "0|8@1+"), sender="ECU", cycle=50),
    )
    other = load(
        msg("Speed", 0x100, 1, sig("V", "0|8@1+"), cycle=20),
        msg("Say", 0x301, 1, sig("Z", "0|8@1+"), sender="ECU", cycle=50),
    )
    return Lab(clock, {"one": one, "other": other})


def test_the_same_identifier_on_two_buses_is_two_messages(two):
    two.run(50, (0, two.coming(0x100, [5], bus="other")))
    assert two.com.raw("Speed", "V") is None
    two.run(100, (60, two.coming(0x100, [6], bus="one")))
    assert two.com.raw("Speed", "V") == 6


def test_a_message_of_one_name_is_sent_on_both_buses(two):
    two.run(99, (0, two.com.start), (20, writing(two, "Say", Z=4)))
    assert [data for _, data in two.sent(0x300, "one")] == [b"\0", b"\4"]
    assert [data for _, data in two.sent(0x301, "other")] == [b"\0", b"\4"]


def test_a_bus_that_the_ecu_is_not_wired_to_is_not_sent_on(clock):
    buses = {"one": load(*OWN), "other": load(*CABIN)}
    lab = Lab(clock, buses, ports={"other": Collector(clock, "other")})
    assert list(lab.com) == []
    lab.com.start()
    lab.run(200)
    assert lab.ports["other"].sent == []
