"""The restbus: exact cycles, who is played, live changes, and what happens when the bench is late."""

import itertools

import pytest
from can_lab import MS, LaggingClock, load, msg, sig
from can_lab import Lab as Bench

from hil.can import database
from hil.can.database import Network
from hil.can.frames import SENT
from hil.can.restbus import ASLEEP, NODE, PARTIAL_NETWORK, Restbus
from hil.can.traits import AttributeNames
from hil.can.wire import SimWire
from hil.clock import NS_PER_S, RealClock, Timer, VirtualClock
from hil.errors import UsageError

DBC = """VERSION ""

NS_ :

BS_:

BU_: BODY ENGINE ECU

BO_ 256 Fast: 2 BODY
 SG_ Speed : 0|8@1+ (0.5,0) [0|100] "km/h" ECU
 SG_ Mode : 8|2@1+ (1,0) [0|3] "" ECU

BO_ 257 Slow: 1 ENGINE
 SG_ Oil : 0|8@1+ (1,0) [0|0] "" ECU

BO_ 258 Also: 1 BODY
 SG_ Door : 0|8@1+ (1,0) [0|0] "" ECU

BO_ 259 OnChange: 1 BODY
 SG_ Event : 0|8@1+ (1,0) [0|0] "" ECU

BO_ 260 Paged: 2 BODY
 SG_ Page M : 0|8@1+ (1,0) [0|0] "" ECU
 SG_ One m1 : 8|8@1+ (1,0) [0|0] "" ECU
 SG_ Two m2 : 8|8@1+ (1,0) [0|0] "" ECU

BO_ 512 Answer: 1 ECU
 SG_ State : 0|8@1+ (1,0) [0|0] "" BODY

BO_ 513 Nobodys: 1 Vector__XXX
 SG_ Lost : 0|8@1+ (1,0) [0|0] "" BODY

BA_DEF_ BO_  "GenMsgCycleTime" INT 0 65535;
BA_DEF_ SG_  "GenSigStartValue" FLOAT 0 100000000000;
BA_DEF_DEF_  "GenMsgCycleTime" 0;
BA_DEF_DEF_  "GenSigStartValue" 0;
BA_ "GenMsgCycleTime" BO_ 256 10;
BA_ "GenMsgCycleTime" BO_ 257 100;
BA_ "GenMsgCycleTime" BO_ 258 10;
BA_ "GenMsgCycleTime" BO_ 260 50;
BA_ "GenMsgCycleTime" BO_ 512 100;
BA_ "GenMsgCycleTime" BO_ 513 100;
BA_ "GenSigStartValue" SG_ 256 Speed 40;
VAL_ 256 Mode 0 "Off" 1 "On" ;
"""
CYCLES_MS = {256: 10, 257: 100, 258: 10, 260: 50}


class Collector:
    """A port that keeps what it is given, with the bench time of it."""

    def __init__(self, clock):
        self.clock, self.sent = clock, []

    def send(self, can_id, data, flags=0):
        self.sent.append((self.clock.now_ns, can_id, data, flags))

    def times(self, can_id):
        return [t_ns for t_ns, sent_id, _, _ in self.sent if sent_id == can_id]

    def data(self, can_id):
        return [data for _, sent_id, data, _ in self.sent if sent_id == can_id]


class Lab:
    """A restbus on a collecting port."""

    def __init__(self, clock, *, absent=("ECU",), buses=("cabin",), **options):
        self.clock = clock
        self.port = Collector(clock)
        self.network = Network({"cabin": database.load(DBC, ".dbc", "cabin.dbc")})
        self.late = []
        ports = dict.fromkeys(buses, self.port)
        self.restbus = Restbus(clock, self.network, ports, absent=absent, on_late=self.late.append, **options)

    def set(self, name, value):
        ref = self.network.resolve(name)
        self.restbus.set(ref, database.to_value(ref, value))

    def get(self, name):
        return str(self.restbus.get(self.network.resolve(name)))

    def run_until(self, t_ns, *actions):
        """Do each `(t_ns, action)` at its time; what is due at the end still happens."""

        async def main():
            for at_ns, action in actions:
                self.clock.call_at(at_ns, lambda act: act(), action)
            await self.clock.sleep_until(t_ns + 1)

        self.clock.run(main())


@pytest.fixture
def clock():
    clock = VirtualClock()
    yield clock
    clock.close()


@pytest.fixture
def lab(clock):
    return Lab(clock)


def test_cycles_are_exact_over_ten_seconds(lab):
    lab.run_until(10 * NS_PER_S + 50 * MS, (50 * MS, lab.restbus.start))
    for can_id, cycle_ms in CYCLES_MS.items():
        times = lab.port.times(can_id)
        first = times[0]
        assert 50 * MS <= first < (50 + cycle_ms) * MS
        assert times == [first + number * cycle_ms * MS for number in range(len(times))]
        assert len(times) in (10_000 // cycle_ms, 10_000 // cycle_ms + 1)
    assert lab.late == []
    assert {sent.message.frame_id: sent.count for sent in lab.restbus.messages if sent.count} == {
        can_id: len(lab.port.times(can_id)) for can_id in CYCLES_MS
    }


def test_the_wire_carries_the_same_cycles(clock):
    """With messages of 10 ms that don't meet on the wire the stamps are exact too."""
    lab, wire, heard = Lab(clock), SimWire(clock, "cabin"), []
    port = wire.port("BENCH")
    lab.restbus = Restbus(clock, lab.network, {"cabin": port}, absent=["ECU"], on_late=lab.late.append)
    clock.run(port.open(heard.append, lambda error: None))
    lab.run_until(NS_PER_S, (0, lab.restbus.start))
    times = [frame.t_ns for frame in heard if frame.can_id == 256]
    assert {after - before for before, after in itertools.pairwise(times)} == {10 * MS}
    assert all(frame.flags == SENT for frame in heard)


def test_phases_are_spread(lab):
    lab.run_until(NS_PER_S, (0, lab.restbus.start))
    firsts = [lab.port.times(can_id)[0] for can_id in CYCLES_MS]
    assert len(set(firsts)) == len(firsts)


def test_only_what_has_a_sender_that_is_not_there_is_played(lab):
    assert [sent.message.name for sent in lab.restbus.messages] == ["Fast", "Slow", "Also", "OnChange", "Paged"]
    lab.run_until(NS_PER_S, (0, lab.restbus.start))
    assert {can_id for _, can_id, _, _ in lab.port.sent} == set(CYCLES_MS)


def test_another_node_may_be_the_one_that_is_there(clock):
    lab = Lab(clock, absent=["BODY", "NOT_IN_THE_DATABASE"])
    lab.run_until(NS_PER_S, (0, lab.restbus.start))
    assert {can_id for _, can_id, _, _ in lab.port.sent} == {257, 512}


def test_start_values_are_sent(lab):
    lab.run_until(20 * MS, (0, lab.restbus.start))
    assert lab.port.data(256)[0] == bytes([40, 0])
    assert (lab.get("Speed"), lab.get("Mode"), lab.get("Page")) == ("20 km/h", "Off", "1")


def test_a_change_is_sent_from_the_next_cycle_on_and_alone(lab):
    lab.run_until(40 * MS, (0, lab.restbus.start), (15 * MS, lambda: lab.set("Speed", "87 km/h")))
    assert lab.port.times(256) == [0, 10 * MS, 20 * MS, 30 * MS, 40 * MS]
    assert lab.port.data(256) == [bytes([40, 0])] * 2 + [bytes([174, 0])] * 3
    lab.set("Mode", "on")
    lab.run_until(50 * MS)
    assert lab.port.data(256)[-1] == bytes([174, 1])


def test_a_change_before_the_start_counts_and_reset_undoes_it(lab):
    lab.set("Speed", "1 km/h")
    lab.restbus.mute("cabin", "Slow", True)
    lab.run_until(10 * MS, (0, lab.restbus.start))
    assert lab.port.data(256)[0] == bytes([2, 0])
    lab.restbus.reset()
    assert lab.get("Speed") == "20 km/h"
    lab.run_until(NS_PER_S)
    assert lab.port.data(256)[-1] == bytes([40, 0])
    assert lab.port.data(257)


def test_a_message_without_a_cycle_is_known_but_not_sent_by_itself(lab):
    lab.set("Event", 7)
    lab.run_until(NS_PER_S, (0, lab.restbus.start))
    assert lab.get("Event") == "7"
    assert lab.port.times(259) == []


def test_a_muted_message_goes_on_silently_and_comes_back_in_its_phase(lab):
    lab.run_until(
        500 * MS,
        (0, lab.restbus.start),
        (105 * MS, lambda: lab.restbus.mute("cabin", "Fast", True)),
        (203 * MS, lambda: lab.restbus.mute("cabin", "Fast", False)),
    )
    times = lab.port.times(256)
    assert [t_ns for t_ns in times if 105 * MS < t_ns < 203 * MS] == []
    assert times == [10 * MS * number for number in (*range(11), *range(21, 51))]
    assert len(lab.port.times(258)) == 50


def test_a_shift_moves_the_phase_of_one_message_for_good(lab):
    lab.run_until(
        100 * MS,
        (0, lab.restbus.start),
        (25 * MS, lambda: lab.restbus.shift("cabin", "Fast", 7 * MS)),
        (26 * MS, lambda: lab.restbus.shift("cabin", "OnChange", 7 * MS)),
    )
    assert lab.port.times(256) == [0, 10 * MS, 20 * MS, *range(37 * MS, 100 * MS, 10 * MS)]
    assert len(lab.port.times(258)) == 10
    assert lab.late == []
    with pytest.raises(UsageError, match="cabin::Answer is not sent by the restbus"):
        lab.restbus.shift("cabin", "Answer", MS)


def test_stop_ends_everything_and_start_begins_anew_with_the_values_kept(lab):
    lab.run_until(
        300 * MS,
        (0, lab.restbus.start),
        (1, lab.restbus.start),
        (55 * MS, lambda: lab.set("Speed", 50)),
        (101 * MS, lab.restbus.stop),
        (203 * MS, lab.restbus.start),
    )
    assert [t_ns for t_ns, *_ in lab.port.sent if 101 * MS < t_ns < 203 * MS] == []
    assert lab.port.times(256) == [*(10 * MS * number for number in range(11)), *range(203 * MS, 300 * MS, 10 * MS)]
    assert lab.port.data(256)[-1] == bytes([100, 0])


def test_the_page_of_a_multiplexer_can_be_chosen_and_a_wrong_one_changes_nothing(lab):
    lab.set("Two", 9)
    lab.set("Page", 2)
    with pytest.raises(UsageError, match=r"^Paged: can't be encoded"):
        lab.set("Page", 3)
    lab.set("Two", 10)
    lab.run_until(50 * MS, (0, lab.restbus.start))
    assert lab.port.data(260)[0] == bytes([2, 10])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("State", "cabin::Answer.State is sent by ECU, which is really there. Remedy: set a signal of another node."),
        ("Lost", "no node of the database sends cabin::Nobodys.Lost. Remedy: name its sender in the database."),
    ],
)
def test_a_foreign_signal_is_refused(lab, name, text):
    for use in (lambda: lab.set(name, 1), lambda: lab.get(name)):
        with pytest.raises(UsageError) as error:
            use()
        assert str(error.value) == text
    assert not lab.restbus.sends(lab.network.resolve(name))
    assert lab.restbus.sends(lab.network.resolve("Speed"))


def test_a_bus_without_restbus_says_so(clock):
    lab = Lab(clock, buses=())
    with pytest.raises(UsageError, match=r"cabin::Fast.Speed is not sent: bus cabin has no restbus"):
        lab.set("Speed", 1)


def test_muting_a_foreign_message_is_refused(lab):
    with pytest.raises(UsageError, match="cabin::Answer is not sent by the restbus"):
        lab.restbus.mute("cabin", "Answer", True)


@pytest.fixture
def lagging():
    clock = LaggingClock()
    yield Lab(clock)
    clock.close()


def test_a_late_frame_is_told_with_what_was_due(lagging):
    lagging.run_until(1000 * MS, (0, lagging.restbus.start), (201 * MS, lambda: lagging.clock.hog(27 * MS)))
    told = {late.what: (late.due_ns, late.late_ns, late.allowed_ns) for late in lagging.late}
    assert told["Fast on cabin"] == (210 * MS, 18 * MS, 10 * MS)
    assert told["Also on cabin"][2] == 10 * MS
    assert "Slow on cabin" not in told
    worst = {sent.message.name: sent.worst_late_ns for sent in lagging.restbus.messages}
    assert worst["Fast"] == 18 * MS
    assert worst["OnChange"] == 0


def test_after_lateness_a_cycle_has_one_frame_and_the_phase_is_kept(lagging):
    lagging.run_until(1000 * MS, (0, lagging.restbus.start), (201 * MS, lambda: lagging.clock.hog(27 * MS)))
    times = lagging.port.times(256)
    assert times == [10 * MS * number for number in (*range(21), 22.8, *range(23, 101))]
    cycles = [t_ns // (10 * MS) for t_ns in times]
    assert len(cycles) == len(set(cycles))


@pytest.mark.parametrize(("hog_ms", "told"), [(19, False), (20, True)])
def test_one_cycle_is_allowed(lagging, hog_ms, told):
    """Fast is due at 210 ms, every 10 ms."""
    lagging.run_until(400 * MS, (0, lagging.restbus.start), (201 * MS, lambda: lagging.clock.hog(hog_ms * MS)))
    assert any(late.what == "Fast on cabin" for late in lagging.late) is told


def test_a_slow_message_may_be_later_than_a_fast_one(lagging):
    lagging.run_until(400 * MS, (0, lagging.restbus.start), (99 * MS, lambda: lagging.clock.hog(45 * MS)))
    assert {late.what for late in lagging.late} == {"Fast on cabin", "Also on cabin"}


@pytest.mark.parametrize(("hog_ms", "told"), [(45, set()), (70, {256, 257, 258, 260})])
def test_a_bench_may_allow_more(hog_ms, told):
    lab = Lab(LaggingClock(), allowed_ns=50 * MS)
    lab.run_until(400 * MS, (0, lab.restbus.start), (99 * MS, lambda: lab.clock.hog(hog_ms * MS)))
    ids = {f"{sent.message.name} on cabin": sent.message.frame_id for sent in lab.restbus.messages}
    assert {ids[late.what] for late in lab.late} == told
    assert {late.allowed_ns for late in lab.late} <= {50 * MS}
    lab.clock.close()


def test_when_bench_time_begins_anew_the_cycles_go_on():
    """Between two tests on a real bench the clock is set to 0 while the restbus runs."""
    clock = RealClock()
    try:
        lab = Lab(clock)

        async def start():
            lab.restbus.start()
            await clock.sleep(0.3)

        async def listen():
            lab.port.sent.clear()
            while len(lab.port.times(256)) < 5 or not lab.port.times(257):
                await clock.sleep(0.01)

        clock.run(start())
        clock.restart()
        clock.run(forget_lateness_and_shift(lab))
        clock.run(listen())
        assert all(late.due_ns < clock.now_ns for late in lab.late)
        clock.run(stop(lab))
    finally:
        clock.close()


async def forget_lateness_and_shift(lab):
    lab.late.clear()
    lab.restbus.shift("cabin", "Slow", MS)


async def stop(lab):
    lab.restbus.stop()


def test_a_timer_of_a_stopped_restbus_does_nothing(lab):
    lab.run_until(5 * MS, (0, lab.restbus.start), (MS, lab.restbus.stop))
    timers = [entry[2] for entry in lab.clock._agenda]
    assert all(isinstance(timer, Timer) and timer.callback is None for timer in timers)


EVENT = """VERSION ""
NS_ :
BS_:
BU_: BCM COCKPIT
BO_ 300 Event: 1 BCM
 SG_ Flag : 0|1@1+ (1,0) [0|1] "" COCKPIT
"""


def test_a_message_without_a_cycle_is_sent_once_each_time_it_is_set(clock):
    network = Network({"cabin": database.load(EVENT, ".dbc", "event.dbc")})
    wire, seen = SimWire(clock, "cabin"), []
    port, ear = wire.port("BENCH"), wire.port("EAR")
    restbus = Restbus(clock, network, {"cabin": port}, absent=["COCKPIT"], on_late=lambda late: None)
    ref = network.resolve("Flag")

    async def main():
        await port.open(lambda frame: None, lambda error: None)
        await ear.open(seen.append, lambda error: None)
        restbus.start()
        await clock.sleep(1)
        for value in (1, 1, 0):
            restbus.set(ref, database.to_value(ref, value))
            await clock.sleep(0.5)

    clock.run(main())
    assert [frame.data for frame in seen] == [b"\x01", b"\x01", b"\x00"]


# Silence --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def vehicle(clock):
    return Bench(clock, {
        "chassis": [msg("ESC_A", 256, 1, sig("A", "0|8@1+"), sender="ESC", cycle=10),
                    msg("ESC_B", 257, 1, sig("B", "0|8@1+"), sender="ESC", send="OnChange"),
                    msg("ECM_A", 258, 1, sig("C", "0|8@1+"), sender="ECM", cycle=10, pn=5)],
        "body": [msg("ESC_C", 259, 1, sig("D", "0|8@1+"), sender="ESC", cycle=20, pn=5),
                 msg("BCM_A", 260, 1, sig("E", "0|8@1+"), sender="BCM", cycle=20, pn=6)],
    })  # fmt: skip


def silent(bench, name, begin, end):
    return not [t for t in bench.times(name) if begin < t < end]


def test_a_node_falls_silent_on_all_buses_events_included(vehicle):
    found = []
    vehicle.run(
        200,
        (55, lambda: found.append(vehicle.restbus.mute_node("ESC", True))),
        (80, lambda: vehicle.set(B=1)),
        (105, lambda: vehicle.restbus.mute_node("ESC", False)),
        (150, lambda: vehicle.set(B=2)),
    )
    assert [sent.name for sent in found[0]] == ["ESC_A", "ESC_B", "ESC_C"]
    assert silent(vehicle, "ESC_A", 55, 105)
    assert silent(vehicle, "ESC_C", 55, 105)
    assert vehicle.bytes("ESC_B") == [(150, 2)]
    assert not silent(vehicle, "ECM_A", 55, 105)
    assert not silent(vehicle, "BCM_A", 55, 105)
    assert not silent(vehicle, "ESC_A", 105, 130)


def test_a_message_is_silent_for_as_long_as_there_is_a_reason(vehicle):
    restbus = vehicle.restbus
    vehicle.run(
        200,
        (25, lambda: restbus.mute("chassis", "ESC_A", True)),
        (35, lambda: restbus.mute_node("ESC", True)),
        (55, lambda: restbus.mute("chassis", "ESC_A", False)),
        (85, lambda: restbus.mute_node("ESC", False)),
    )
    assert vehicle.times("ESC_A") == [0, 10, 20, *range(90, 201, 10)]


def test_a_partial_network_is_one_of_a_bus(vehicle):
    found = []
    vehicle.run(
        200,
        (55, lambda: found.append(vehicle.restbus.set_partial_network("chassis", 5, False))),
        (105, lambda: vehicle.restbus.set_partial_network("chassis", 5, True)),
    )
    assert [sent.name for sent in found[0]] == ["ECM_A"]
    assert silent(vehicle, "ECM_A", 55, 105)
    assert not silent(vehicle, "ECM_A", 105, 120)
    for name in ("ESC_A", "ESC_C", "BCM_A"):
        assert not silent(vehicle, name, 55, 105)
    assert vehicle.restbus.set_partial_network("chassis", 9, False) == []


def test_a_bus_that_sleeps_is_silent_and_the_other_is_not(vehicle):
    vehicle.run(
        200,
        (55, lambda: vehicle.restbus.silence_bus("chassis", True)),
        (105, lambda: vehicle.restbus.silence_bus("chassis", False)),
    )
    assert silent(vehicle, "ESC_A", 55, 105)
    assert silent(vehicle, "ECM_A", 55, 105)
    assert not silent(vehicle, "ESC_C", 55, 105)
    assert not silent(vehicle, "ESC_A", 105, 120)


def test_a_reset_ends_what_a_test_silenced_and_leaves_what_network_management_did(vehicle):
    restbus = vehicle.restbus
    restbus.silence_bus("body", True)
    restbus.set_partial_network("chassis", 5, False)
    restbus.mute("chassis", "ESC_A", True)
    restbus.mute_node("ECM", True)
    restbus.reset()
    reasons = {sent.name: set(sent.silenced) for sent in restbus.messages}
    assert reasons == {
        "ESC_A": set(), "ESC_B": set(), "ECM_A": {PARTIAL_NETWORK}, "ESC_C": {ASLEEP}, "BCM_A": {ASLEEP}}  # fmt: skip
    restbus.mute_node("ESC", True)
    assert set(vehicle.sent("ESC_C").silenced) == {ASLEEP, NODE}


@pytest.mark.parametrize(
    ("node", "text"),
    [
        ("ESK", "the restbus plays no node 'ESK'. Remedy: did you mean ESC?"),
        ("QQQQQ", "the restbus plays no node 'QQQQQ'. Remedy: it plays BCM, ECM, ESC."),
        ("ECU", "node ECU is really there; the restbus can't silence it"),
    ],
)
def test_a_node_that_is_not_played_is_refused(vehicle, node, text):
    with pytest.raises(UsageError) as error:
        vehicle.restbus.mute_node(node, True)
    assert str(error.value) == text


# Who sends what -------------------------------------------------------------------------------------------------------


def test_network_management_and_diagnosis_are_not_the_restbuss(clock):
    bench = Bench(clock, {"cabin": [
        msg("NM_Body", 0x500, 8, sig("NmId", "0|8@1+"), cycle=100, nm="yes"),
        msg("DiagReq", 0x700, 8, sig("Service", "0|8@1+"), cycle=100, diag="Yes"),
        msg("M", 256, 1, sig("A", "0|8@1+"), cycle=100),
    ]})  # fmt: skip
    bench.run(300)
    assert {can_id for _, can_id, _, _ in bench.ports["cabin"].sent} == {256}
    for name, who in (("NmId", "network management"), ("Service", "diagnosis")):
        with pytest.raises(UsageError, match=rf"cabin::\w+\.{name} belongs to {who}, not to the restbus"):
            bench.set(**{name: 1})


def test_start_values_are_those_of_the_customers_attribute(clock):
    matrix = load(msg("M", 256, 1, sig("A", "0|8@1+", start=1, inactive=9), cycle=100))
    network = Network({"one": matrix, "two": matrix}, {"two": AttributeNames({"start_value": "GenSigInactiveValue"})})
    ports = {bus: Collector(clock) for bus in ("one", "two")}
    restbus = Restbus(clock, network, ports, absent=["ECU"], on_late=print)
    starts = {bus: restbus.get(network.resolve(f"{bus}::A")).raw for bus in ports}
    assert starts == {"one": 1, "two": 9}
    restbus.set(network.resolve("two::A"), database.to_value(network.resolve("two::A"), 3))
    restbus.reset()
    assert restbus.get(network.resolve("two::A")).raw == 9
