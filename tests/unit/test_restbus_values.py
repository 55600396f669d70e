"""The values of the restbus: transactions, curves, gateways, protection over live changes, reset. Times in ms."""

import pytest
from can_lab import MS, Lab, msg, sig
from e2e import p01

from hil.clock import VirtualClock
from hil.errors import UsageError


@pytest.fixture
def clock():
    clock = VirtualClock()
    yield clock
    clock.close()


# Transactions ---------------------------------------------------------------------------------------------------------

DOORS = [
    msg("Doors", 256, 2, sig("Left", "0|8@1+"), sig("Right", "8|8@1+"), send="OnChange"),
    msg("Lights", 257, 1, sig("Low", "0|8@1+"), send="OnChange"),
    msg("Cyclic", 258, 1, sig("Speed", '0|8@1+ (0.5,0) [0|100] "km/h"'), cycle=100),
    msg(
        "Paged", 259, 2, sig("Page", "0|8@1+", mux="M"), sig("One", "8|8@1+", mux="m1"), sig("Two", "8|8@1+", mux="m2")
    ),
]


@pytest.fixture
def doors(clock):
    return Lab(clock, {"cabin": DOORS})


def test_several_messages_change_at_one_instant_with_one_frame_each(doors):
    doors.run(150, (30, lambda: doors.set(Left=1, Low=3, Right=2, Speed=50)))
    assert doors.frames("Doors") == [(30, b"\1\2")]
    assert doors.frames("Lights") == [(30, b"\3")]
    assert doors.bytes("Cyclic") == [(0, 0), (100, 100)]


@pytest.mark.parametrize("order", [("Left", "Speed", "Page"), ("Page", "Speed", "Left")])
def test_all_or_nothing_when_a_value_can_not_be_sent(doors, order):
    wanted = {"Left": 1, "Speed": 50, "Page": 3}

    def change():
        with pytest.raises(UsageError, match=r"^Paged: can't be encoded"):
            doors.set(**{name: wanted[name] for name in order})

    doors.run(150, (30, change))
    assert (doors.get("Left"), doors.get("Speed"), doors.get("Page")) == ("0", "0 km/h", "1")
    assert (doors.frames("Doors"), doors.frames("Paged")) == ([], [])
    assert doors.bytes("Cyclic") == [(0, 0), (100, 0)]


def test_all_or_nothing_when_a_signal_is_not_the_restbuss(clock):
    bench = Lab(clock, {"cabin": [*DOORS, msg("Answer", 512, 1, sig("State", "0|8@1+"), sender="ECU")]})
    with pytest.raises(UsageError, match=r"cabin::Answer\.State is sent by ECU, which is really there"):
        bench.set(Left=1, State=1)
    assert bench.get("Left") == "0"


def test_all_or_nothing_leaves_a_ramp_going(doors):
    doors.follow("Speed", (0, 0), (400, 40))

    def change():
        with pytest.raises(UsageError):
            doors.set(Speed=3, Page=3)

    doors.run(400, (150, change))
    assert doors.bytes("Cyclic") == [(0, 0), (100, 20), (200, 40), (300, 60), (400, 80)]


def test_pages_and_their_signals_change_together(doors):
    doors.run(50, (10, lambda: doors.set(Page=2, Two=9)), (20, lambda: doors.set(Page=1, One=8)))
    assert doors.frames("Paged") == [(10, b"\2\x09"), (20, b"\1\x08")]


def test_who_wants_to_know_is_told_before_anything_is_sent(doors):
    told = []

    def change():
        values = {doors.ref("Left"): doors.value("Left", 1), doors.ref("Speed"): doors.value("Speed", 1)}
        doors.restbus.set_all(values, lambda sent: told.append(([s.name for s in sent], doors.frames("Doors"))))

    doors.run(50, (10, change))
    assert told == [(["Doors", "Cyclic"], [])]


# Curves ---------------------------------------------------------------------------------------------------------------


def test_each_frame_carries_the_value_of_its_instant(doors):
    """A ramp of 60 km/h in 600 ms, sent every 100 ms, from 30 ms on: 0.5 km/h a bit."""
    doors.run(900, (30, lambda: doors.follow("Speed", (30, 10), (630, 70))))
    expected = [0, *(round((10 + 60 * (t - 30) / 600) / 0.5) for t in range(100, 601, 100)), 140, 140, 140]
    assert doors.bytes("Cyclic") == list(zip(range(0, 901, 100), expected, strict=True))


def test_setting_a_signal_ends_its_ramp_and_that_of_another_goes_on(clock):
    bench = Lab(clock, {"cabin": [msg("M", 256, 2, sig("A", "0|8@1+"), sig("B", "8|8@1+"), cycle=100)]})
    bench.follow("A", (0, 0), (1000, 100))
    bench.follow("B", (0, 0), (1000, 50))
    bench.run(500, (250, lambda: bench.set(A=7)))
    assert bench.bytes("M", 0) == [(0, 0), (100, 10), (200, 20), (300, 7), (400, 7), (500, 7)]
    assert bench.bytes("M", 1) == [(0, 0), (100, 5), (200, 10), (300, 15), (400, 20), (500, 25)]


def test_another_curve_takes_the_place_of_the_first(doors):
    doors.follow("Speed", (0, 0), (1000, 50))
    doors.run(400, (150, lambda: doors.follow("Speed", (150, 60), (350, 40))))
    assert doors.bytes("Cyclic") == [(0, 0), (100, 10), (200, 110), (300, 90), (400, 80)]


def test_a_curve_goes_on_while_the_message_is_silent(doors):
    doors.follow("Speed", (0, 0), (400, 40))
    mute = doors.restbus.mute
    doors.run(600, (150, lambda: mute("cabin", "Cyclic", True)), (250, lambda: mute("cabin", "Cyclic", False)))
    assert doors.bytes("Cyclic") == [(0, 0), (100, 20), (300, 60), (400, 80), (500, 80), (600, 80)]


def test_when_a_curve_has_passed_its_last_point_the_value_is_known_before_a_frame_carries_it(doors):
    doors.follow("Speed", (0, 0), (150, 30))
    seen = []

    def pass_point():
        seen.append(doors.get("Speed"))
        doors.restbus.pass_point(doors.ref("Speed"), doors.value("Speed", 30))
        seen.append(doors.get("Speed"))
        assert doors.sent("Cyclic").curves == {}

    doors.run(250, (150, pass_point))
    assert seen == ["20 km/h", "30 km/h"]
    assert doors.bytes("Cyclic") == [(0, 0), (100, 40), (200, 60)]


def test_a_curve_may_be_what_makes_a_message_inactive(clock):
    wiper = msg("M", 256, 1, sig("Wiper", "0|8@1+"), cycle=100, fast=20, send="IfActive")
    bench = Lab(clock, {"cabin": [wiper]})
    bench.set(Wiper=40)
    point = bench.value("Wiper", 0)
    bench.run(
        300,
        (5, lambda: bench.follow("Wiper", (5, 40), (45, 0))),
        (45, lambda: bench.restbus.pass_point(bench.ref("Wiper"), point)),
        (100, lambda: bench.set(Wiper=1)),
        (130, lambda: bench.set(Wiper=0)),
    )
    assert bench.bytes("M") == [(0, 40), (20, 25), (40, 5), (45, 0), (100, 1), (120, 1), (130, 0)]


def test_the_frame_that_carries_the_inactive_end_of_a_curve_is_the_last(clock):
    wiper = msg("M", 256, 1, sig("Wiper", "0|8@1+"), cycle=100, fast=20, send="IfActive")
    lab = Lab(clock, {"cabin": [wiper]})
    lab.set(Wiper=30)
    lab.run(300, (0, lambda: lab.follow("Wiper", (0, 30), (30, 0))), (100, lambda: lab.set(Wiper=1)))
    assert lab.bytes("M")[:4] == [(0, 30), (20, 10), (40, 0), (100, 1)]


def test_a_message_that_a_curve_would_wake_is_woken_by_its_points(clock):
    wiper = msg("M", 256, 1, sig("Wiper", "0|8@1+"), cycle=100, fast=20, send="IfActive")
    bench = Lab(clock, {"cabin": [wiper]})
    bench.set(Wiper=20)
    passing = [(t, lambda v=v: bench.restbus.pass_point(bench.ref("Wiper"), bench.value("Wiper", v))) for t, v in (
        (40, 0), (80, 0), (120, 20))]  # fmt: skip
    bench.run(170, (0.5, lambda: bench.follow("Wiper", (0, 20), (40, 0), (80, 0), (120, 20))), *passing)
    assert bench.bytes("M") == [(0, 20), (20, 10), (40, 0), (120, 20), (140, 20), (160, 20)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Left", "cabin::Doors.Left can't follow a curve: Doors is not cyclic. Remedy: set its values one by one, or "
                 "give it a cycle: set_cycle."),
        ("Page", "cabin::Paged.Page can't follow a curve: it is a multiplexer. Remedy: set its values one by one."),
    ],
)  # fmt: skip
def test_what_can_not_follow_a_curve_is_refused(doors, name, text):
    with pytest.raises(UsageError) as error:
        doors.follow(name, (0, 0), (1, 1))
    assert str(error.value) == text
    assert doors.restbus.is_cyclic(doors.ref("Speed"))
    assert not doors.restbus.is_cyclic(doors.ref("Left"))


def test_a_curve_beyond_what_the_bits_hold_stays_at_their_end(doors):
    doors.follow("Speed", (0, 100), (400, 160))
    doors.run(400)
    assert doors.bytes("Cyclic") == [(0, 200), (100, 230), (200, 255), (300, 255), (400, 255)]


# Gateways -------------------------------------------------------------------------------------------------------------

SNA = {0: "Standstill", 65535: "SNA"}
STATES = {0: "Off", 1: "On", 2: "Fault"}
KMH = '[0|300] "km/h"'
CHASSIS = [
    msg("ESC_Speed", 256, 2, sig("Speed", f"0|16@1+ (0.01,0) {KMH}", labels=SNA), sender="ESC", cycle=20),
    msg("ESC_State", 257, 1, sig("State", "0|4@1+", labels=STATES), sender="ESC", send="OnChange"),
]
COPIES = (
    sig("Speed", f"0|8@1+ (2,0) {KMH}", labels={255: "SNA"}, source="ESC_Speed.Speed"),
    sig("State", "8|8@1+", labels={7: "Fault", 8: "On"}, source="ESC_State.State"),
)
BODY = [
    msg("GW_Speed", 512, 2, *COPIES, sender="GW", cycle=100),
    msg("GW_Event", 513, 1, sig("Again", "0|8@1+", source="ESC_Speed.Speed"), sender="GW", send="OnChange"),
]


@pytest.fixture
def gateway(clock):
    return Lab(clock, {"body": BODY, "chassis": CHASSIS})  # what the gateway sends has phase 0, the others 0.37 ms


def set_to(bench, name, value):
    return lambda: bench.restbus.set(bench.ref(name), bench.value(name, value))


def test_a_gateway_repeats_a_value_in_its_own_scaling(gateway):
    gateway.run(150, (50, set_to(gateway, "chassis::Speed", "86.6 km/h")))
    assert gateway.frames("ESC_Speed")[-1][1] == (8660).to_bytes(2, "little")
    assert gateway.bytes("GW_Speed") == [(0, 0), (100, 43)]
    assert gateway.bytes("GW_Event") == [(50, 87)]
    assert gateway.get("body::GW_Speed.Speed") == "86 km/h"


def test_a_gateway_repeats_labels_and_sna_by_their_names(gateway):
    gateway.run(
        250,
        (50, set_to(gateway, "chassis::Speed", "SNA")),
        (50, set_to(gateway, "chassis::State", "Fault")),
        (150, set_to(gateway, "chassis::State", "On")),
    )
    assert gateway.frames("GW_Speed") == [(0, b"\0\0"), (100, b"\xff\7"), (200, b"\xff\x08")]


def test_a_label_that_the_other_side_lacks_becomes_its_number(gateway):
    gateway.run(250, (50, set_to(gateway, "chassis::State", "On")), (150, set_to(gateway, "chassis::State", "Off")))
    assert gateway.bytes("GW_Speed", 1) == [(0, 0), (100, 8), (200, 0)]


def test_a_gateway_follows_a_curve_of_its_source(gateway):
    """In steps of 2 km/h, every 100 ms; the copy that is sent on change hears of the points."""
    point = gateway.value("chassis::Speed", 50)
    gateway.run(
        700,
        (50, lambda: gateway.follow("chassis::Speed", (50, 0), (550, 50))),
        (550, lambda: gateway.restbus.pass_point(gateway.ref("chassis::Speed"), point)),
    )
    assert gateway.bytes("GW_Speed") == [
        (0, 0),
        (100, 2),
        (200, 8),
        (300, 12),
        (400, 18),
        (500, 22),
        (600, 25),
        (700, 25),
    ]
    assert gateway.bytes("GW_Event") == [(550, 50)]


def test_a_gateway_may_be_wrong_on_purpose_until_its_source_changes(gateway):
    gateway.run(
        350,
        (50, set_to(gateway, "chassis::Speed", 80)),
        (150, set_to(gateway, "body::GW_Speed.Speed", 20)),
        (250, set_to(gateway, "chassis::Speed", 90)),
    )
    assert gateway.bytes("GW_Speed") == [(0, 0), (100, 40), (200, 10), (300, 45)]
    assert [data for _, data in gateway.frames("ESC_Speed")][10] == (8000).to_bytes(2, "little")


@pytest.mark.parametrize("order", [1, -1])
def test_within_one_transaction_a_copys_own_value_wins_in_any_order(gateway, order):
    names = [("chassis::Speed", 80), ("body::GW_Speed.Speed", 20)][::order]
    values = {gateway.ref(name): gateway.value(name, value) for name, value in names}
    gateway.run(50, (10, lambda: gateway.restbus.set_all(values)))
    assert (gateway.get("chassis::Speed"), gateway.get("body::GW_Speed.Speed")) == ("80 km/h", "20 km/h")
    assert gateway.bytes("GW_Event") == [(10, 80)]


def test_setting_the_source_ends_the_curve_of_its_copies_and_setting_a_copy_only_its_own(gateway):
    gateway.follow("chassis::Speed", (0, 0), (1000, 100))
    gateway.run(550, (250, set_to(gateway, "body::GW_Speed.Speed", 20)), (450, set_to(gateway, "chassis::Speed", 60)))
    assert gateway.bytes("GW_Speed") == [(0, 0), (100, 5), (200, 10), (300, 10), (400, 10), (500, 30)]
    at_400 = dict(gateway.frames("ESC_Speed"))[400.37]
    assert int.from_bytes(at_400, "little") == 4004


def test_a_message_of_one_name_on_both_buses_repeats_itself_one_way(clock):
    one = msg("Speed", 256, 1, sig("V", "0|8@1+"), sender="ESC", cycle=100)
    other = msg("Speed", 256, 1, sig("V", "0|8@1+", source="Speed.V"), sender="GW", cycle=100)
    lab = Lab(clock, {"chassis": [one], "body": [other]})
    lab.run(50, (10, set_to(lab, "chassis::V", 5)))
    assert (lab.get("chassis::V"), lab.get("body::V")) == ("5", "5")
    lab.run(100, (60, set_to(lab, "body::V", 6)), start=None)
    assert (lab.get("chassis::V"), lab.get("body::V")) == ("5", "6")


def test_a_gateway_of_a_bus_without_restbus_repeats_nothing(clock):
    bench = Lab(clock, {"chassis": CHASSIS, "body": BODY}, plays=lambda bus, message: bus == "chassis")
    bench.run(100, (50, set_to(bench, "chassis::Speed", 80)))
    assert bench.ports["body"].sent == []
    with pytest.raises(UsageError, match=r"body::GW_Speed\.Speed is not played on this bench"):
        bench.get("body::GW_Speed.Speed")


# End-to-end protection over all that a test does ----------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["scheduler", "kernel"])
def protected(clock, request):
    signals = (
        sig("Crc", "0|8@1+"),
        sig("Counter", "8|4@1+"),
        sig("Speed", "16|8@1+"),
        sig("Door", "24|8@1+", send="OnChange"),
    )
    return Lab(
        clock, {"cabin": [msg("M", 256, 8, *signals, cycle=20, profile="P01", data_id=0x123)]}, in_kernel=request.param
    )


def p01_ok(data):
    return p01.e2e_p01_check(bytearray(data), length=8, data_id=0x123, data_id_mode=p01.E2E_P01_DATAID_BOTH)


def test_counters_never_skip_or_repeat_whatever_a_test_does(protected):
    restbus = protected.restbus
    protected.run(
        2000,
        (105, lambda: protected.set(Speed=1)),
        (205, lambda: protected.set(Speed=2, Door=1)),
        (305, lambda: restbus.mute("cabin", "M", True)),
        (405, lambda: restbus.mute("cabin", "M", False)),
        (505, lambda: restbus.set_cycle("cabin", "M", 7 * MS)),
        (605, lambda: restbus.set_cycle("cabin", "M", None)),
        (705, lambda: protected.follow("Speed", (705, 0), (900, 200))),
        (1005, restbus.stop),
        (1105, restbus.start),
        (1205, lambda: restbus.mute_node("BODY", True)),
        (1305, lambda: restbus.mute_node("BODY", False)),
        (1405, restbus.reset),
        (1505, lambda: restbus.shift("cabin", "M", 5 * MS)),
        (1605, lambda: restbus.silence_bus("cabin", True)),
        (1705, lambda: restbus.silence_bus("cabin", False)),
    )
    payloads = [data for _, data in protected.frames("M")]
    assert len(payloads) > 80
    assert [data[1] & 0x0F for data in payloads] == [number % 15 for number in range(len(payloads))]
    assert all(p01_ok(data) for data in payloads)


def test_a_frozen_counter_a_wrong_crc_and_both_back_to_right(protected):
    sent = protected.sent("M")
    protected.run(
        210,
        (50, lambda: sent.freeze(True)),
        (110, lambda: sent.freeze(False)),
        (130, lambda: sent.corrupt_crc(True)),
        (170, lambda: sent.corrupt_crc(False)),
    )
    payloads = [data for _, data in protected.frames("M")]
    assert [data[1] & 0x0F for data in payloads] == [0, 1, 2, 2, 2, 2, 3, 4, 5, 6, 7]
    assert [p01_ok(data) for data in payloads] == [True] * 7 + [False] * 2 + [True] * 2


def test_a_reset_ends_every_fault_of_a_message(protected):
    sent = protected.sent("M")

    def break_all():
        sent.freeze(True)
        sent.corrupt_crc(True)
        sent.set_length(3)
        protected.restbus.set_cycle("cabin", "M", 50 * MS)
        protected.restbus.mute("cabin", "M", True)
        protected.restbus.mute_node("BODY", True)
        protected.follow("Speed", (50, 5), (5000, 200))

    protected.run(300, (50, break_all), (150, protected.restbus.reset))
    payloads = [data for t, data in protected.frames("M") if t > 50]
    assert [t for t in protected.times("M") if t > 50] == [160, 180, 200, 220, 240, 260, 280, 300]
    assert [data[1] & 0x0F for data in payloads] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert all(len(data) == 8 and p01_ok(data) and data[2] == 0 for data in payloads)


def test_what_protection_writes_can_be_read_and_not_set(protected):
    protected.run(50)
    assert protected.get("Counter") == "2"
    for use in (lambda: protected.set(Counter=1), lambda: protected.follow("Crc", (0, 0), (1, 1)),
                lambda: protected.restbus.check(protected.ref("Counter"))):  # fmt: skip
        with pytest.raises(UsageError) as error:
            use()
        assert str(error.value).endswith(
            "is written by the message's E2E protection. Remedy: freeze its counter or corrupt its CRC instead."
        )


# Reset ----------------------------------------------------------------------------------------------------------------


def test_a_reset_sends_event_messages_whose_values_it_takes_back(doors):
    """Or the ECU would go on believing what the case before said."""
    doors.run(200, (30, lambda: doors.set(Left=1)), (60, doors.restbus.reset), (90, doors.restbus.reset))
    assert doors.frames("Doors") == [(30, b"\1\0"), (60, b"\0\0")]
    assert doors.frames("Lights") == []
    assert doors.times("Cyclic") == [0, 100, 200]


def test_a_reset_while_nothing_runs_sends_nothing(doors):
    doors.set(Left=1)
    doors.restbus.reset()
    doors.run(50)
    assert doors.frames("Doors") == []
    assert doors.get("Left") == "0"
