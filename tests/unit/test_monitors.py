"""The monitors: what they find, what they let pass, when they judge, and in which words."""

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.can import database
from hil.can.database import Network
from hil.can.e2e import Chain, E2e
from hil.can.frames import BRS, ERROR, EXTENDED, FD, REMOTE, SENT, CanFrame
from hil.can.monitor_findings import span
from hil.can.monitor_rules import (
    Kind,
    Level,
    MonitorRules,
    Rule,
    Subject,
    Tolerance,
    check_rules,
    exempt_ids,
    pattern,
    tolerance,
)
from hil.can.monitors import Monitors
from hil.clock import VirtualClock
from hil.errors import UsageError

MS = 1_000_000
STATUS, MIXED, EVENT, ACTIVE, SLOW, SAFE, WIDE, ZONE = range(0x100, 0x108)
SPEED, ORPHAN, NM_ECU, NM_BCM, REQUEST, RESPONSE, EXT = 0x110, 0x111, 0x500, 0x510, 0x600, 0x608, 0x18FF0000
DBC = """VERSION ""

NS_ :

BS_:

BU_: ECU BCM

BO_ 256 Status: 4 ECU
 SG_ State : 0|8@1+ (1,0) [0|0] "" BCM
BO_ 257 Mixed: 2 ECU
 SG_ Both : 0|8@1+ (1,0) [0|0] "" BCM
BO_ 258 Event: 1 ECU
 SG_ Button : 0|8@1+ (1,0) [0|0] "" BCM
BO_ 259 Active: 1 ECU
 SG_ Warning : 0|8@1+ (1,0) [0|0] "" BCM
BO_ 260 Slow: 1 ECU
 SG_ Clock : 0|8@1+ (1,0) [0|0] "" BCM
BO_ 261 Safe: 8 ECU
 SG_ TakeOver : 16|8@1+ (1,0) [0|0] "" BCM
BO_ 262 Wide: 16 ECU
 SG_ Text : 0|8@1+ (1,0) [0|0] "" BCM
BO_ 263 Zone: 1 ECU
 SG_ Seat : 0|8@1+ (1,0) [0|0] "" BCM
BO_ 272 Speed: 8 BCM
 SG_ VehicleSpeed : 0|16@1+ (1,0) [0|0] "" ECU
BO_ 273 Orphan: 2 Vector__XXX
 SG_ Lost : 0|8@1+ (1,0) [0|0] "" ECU
BO_ 1280 NM_ECU: 8 ECU
 SG_ NmEcu : 0|8@1+ (1,0) [0|0] "" BCM
BO_ 1296 NM_BCM: 8 BCM
 SG_ NmBcm : 0|8@1+ (1,0) [0|0] "" ECU
BO_ 1536 Request: 8 BCM
 SG_ Ask : 0|8@1+ (1,0) [0|0] "" ECU
BO_ 1544 Response: 8 ECU
 SG_ Answer : 0|8@1+ (1,0) [0|0] "" BCM
BO_ 2566848512 Ext: 8 ECU
 SG_ Version : 0|8@1+ (1,0) [0|0] "" BCM

BA_DEF_ "NmAsrBaseAddress" HEX 0 536870911;
BA_DEF_ "NmAsrMessageCount" INT 0 256;
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_ BO_ "GenMsgStartDelayTime" INT 0 65535;
BA_DEF_ BO_ "GenMsgSendType" ENUM "Cyclic","CyclicAndSpontaneous","OnWrite","IfActive";
BA_DEF_ BO_ "VFrameFormat" ENUM FORMATS;
BA_DEF_ BO_ "NmAsrMessage" ENUM "no","yes";
BA_DEF_ BO_ "DiagRequest" ENUM "no","yes";
BA_DEF_ BO_ "DiagResponse" ENUM "no","yes";
BA_DEF_ BO_ "NmPnc" INT 0 255;
BA_DEF_ BO_ "E2EProfile" STRING ;
BA_DEF_ BO_ "E2EDataId" INT 0 65535;
BA_DEF_ BO_ "E2EMaxDeltaCounter" INT 0 255;
BA_DEF_DEF_ "NmAsrBaseAddress" 1280;
BA_DEF_DEF_ "NmAsrMessageCount" 64;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_DEF_DEF_ "GenMsgStartDelayTime" 0;
BA_DEF_DEF_ "GenMsgSendType" "Cyclic";
BA_DEF_DEF_ "VFrameFormat" "StandardCAN";
BA_DEF_DEF_ "NmAsrMessage" "no";
BA_DEF_DEF_ "DiagRequest" "no";
BA_DEF_DEF_ "DiagResponse" "no";
BA_DEF_DEF_ "NmPnc" 0;
BA_DEF_DEF_ "E2EProfile" "";
BA_DEF_DEF_ "E2EDataId" 0;
BA_DEF_DEF_ "E2EMaxDeltaCounter" 0;
BA_ "GenMsgCycleTime" BO_ 256 100;
BA_ "GenMsgCycleTime" BO_ 257 100;
BA_ "GenMsgSendType" BO_ 257 1;
BA_ "GenMsgSendType" BO_ 258 2;
BA_ "GenMsgCycleTime" BO_ 259 100;
BA_ "GenMsgSendType" BO_ 259 3;
BA_ "GenMsgCycleTime" BO_ 260 5000;
BA_ "GenMsgStartDelayTime" BO_ 260 300;
BA_ "GenMsgCycleTime" BO_ 261 20;
BA_ "E2EProfile" BO_ 261 "P01";
BA_ "E2EDataId" BO_ 261 291;
BA_ "E2EMaxDeltaCounter" BO_ 261 2;
BA_ "GenMsgCycleTime" BO_ 262 100;
BA_ "VFrameFormat" BO_ 262 14;
BA_ "GenMsgCycleTime" BO_ 263 100;
BA_ "NmPnc" BO_ 263 17;
BA_ "GenMsgCycleTime" BO_ 272 20;
BA_ "GenMsgCycleTime" BO_ 1280 500;
BA_ "NmAsrMessage" BO_ 1280 1;
BA_ "NmAsrMessage" BO_ 1296 1;
BA_ "DiagRequest" BO_ 1536 1;
BA_ "GenMsgCycleTime" BO_ 1544 100;
BA_ "DiagResponse" BO_ 1544 1;
BA_ "GenMsgCycleTime" BO_ 2566848512 1000;
""".replace("FORMATS", '"StandardCAN","ExtendedCAN",' + '"reserved",' * 12 + '"StandardCAN_FD"')
PAYLOADS = {
    STATUS: bytes(4), MIXED: bytes(2), EVENT: b"\0", ACTIVE: b"\0", SLOW: b"\0", WIDE: bytes(16), ZONE: b"\0",
    SPEED: bytes(8), ORPHAN: bytes(2), NM_ECU: bytes(8), NM_BCM: bytes(8), REQUEST: bytes(8), RESPONSE: bytes(8),
    EXT: bytes(8),
}  # fmt: skip
FLAGS = {EXT: EXTENDED, WIDE: FD | BRS}


@pytest.fixture(scope="module")
def network():
    matrix = database.load(DBC, ".dbc", "body.dbc")
    return Network({"body": matrix, "chassis": matrix})


@pytest.fixture
def lab(network):
    lab = Lab(network)
    yield lab
    lab.clock.close()


class Lab:
    """Monitors of a bus on which only the ECU is real; messages of the ECU come when a test says so."""

    def __init__(self, network, rules=None, *, only=("Status",), clock=None, **options):
        self.clock, self.told = clock or VirtualClock(), []
        silent = {m.name for m in network.databases["body"].messages} - set(only)
        quiet = Rule(tuple(pattern(name) for name in sorted(silent)), {Kind.CYCLE: Level.OFF})
        rules = rules or MonitorRules()
        options = {"expected_nodes": {"body": ["ECU"]}} | options
        self.monitors = Monitors(
            self.clock,
            network,
            MonitorRules(rules.levels, rules.tolerance, (quiet, *rules.rules), rules.allow),
            on_finding=lambda finding: self.told.append((self.clock.now_ns, finding)),
            **options,
        )
        self.monitors.begin()

    def come(self, can_id, data=None, *, bus="body", flags=None):
        """A frame, now."""
        data = PAYLOADS.get(can_id, b"") if data is None else data
        flags = FLAGS.get(can_id, 0) if flags is None else flags
        self.monitors.on_frame(CanFrame(self.clock.now_ns, bus, can_id, data, flags))

    def cycle(self, can_id, times_ms):
        return [(t_ms, lambda: self.come(can_id)) for t_ms in times_ms]

    def run(self, *actions, until_ms):
        """Do each `(t_ms, action)` at its time; what is due at the end still happens."""

        async def main():
            for t_ms, action in actions:
                self.clock.call_at(round(t_ms * MS), lambda action: action(), action)
            await self.clock.sleep_until(round(until_ms * MS))

        self.clock.run(main())

    def judge(self, *actions, until_ms, grace_ms=0):
        """`run` with everything judged from the start."""
        self.monitors.resume(grace_ms * MS)
        self.run(*actions, until_ms=until_ms)
        return self.found()

    def found(self):
        return [finding.what for finding in self.monitors.findings()]


def safe(counter, content=0):
    """A payload of Safe with this counter."""
    e2e = E2e(config_of_safe())
    return e2e.protect(bytes([0, 0, content, 0, 0, 0, 0, 0]), counter)


@functools.cache
def config_of_safe():
    matrix = database.load(DBC, ".dbc", "body.dbc")
    return Network({"body": matrix}).traits("body", matrix.get_message_by_name("Safe")).e2e


# Cycle ----------------------------------------------------------------------------------------------------------------


def test_a_healthy_message_is_nothing_to_tell(lab):
    assert lab.judge(*lab.cycle(STATUS, range(0, 10_000, 100)), until_ms=10_000) == []
    assert lab.told == []


@pytest.mark.parametrize(("gap_ms", "found"), [(110, False), (110.000001, True), (90, False), (89.999999, True)])
def test_the_tolerance_is_exact(lab, gap_ms, found):
    """10 % of 100 ms."""
    assert bool(lab.judge(*lab.cycle(STATUS, [0, gap_ms]), until_ms=gap_ms)) is found


def test_a_late_message_is_one_line_with_its_count_and_the_worst(lab):
    gaps, times = [100, 250, 100, 310, 111, 100, 150], [2864]
    for gap in gaps:
        times.append(times[-1] + gap)
    lab.monitors.resume(5000 * MS)
    lab.run(*lab.cycle(STATUS, times), until_ms=times[-1])
    (finding,) = lab.monitors.findings()
    assert finding.what == (
        "Status on body: 250 ms since the frame before, due every 100 ms +-10 ms (first at 3.214 s, 4 times, "
        "worst 310 ms)"
    )
    assert (finding.level, finding.kind, finding.bus, finding.message) == (Level.FAIL, Kind.CYCLE, "body", "Status")
    assert (finding.t_ns, finding.count) == (3214 * MS, 4)
    assert (finding.first.t_ns, finding.first.seen) == (3214 * MS, "250 ms since the frame before")
    assert (finding.worst.t_ns, finding.worst.seen, finding.worst.due) == (
        3624 * MS, "310 ms since the frame before", "due every 100 ms +-10 ms",
    )  # fmt: skip
    assert str(finding) == finding.what


def test_a_frame_too_early_is_told_beside_one_too_late(lab):
    assert lab.judge(*lab.cycle(STATUS, [0, 160, 200, 230, 330]), until_ms=330) == [
        "Status on body: 160 ms since the frame before, due every 100 ms +-10 ms (at 0.160 s); also 40 ms since the "
        "frame before, due every 100 ms +-10 ms (first at 0.200 s, 2 times, worst 30 ms)"
    ]


def test_the_bench_s_jitter_comes_on_top(network):
    lab = Lab(network, jitter_ns=3 * MS)
    assert lab.judge(*lab.cycle(STATUS, [0, 113, 200]), until_ms=200) == []
    lab = Lab(network, jitter_ns=3 * MS)
    (line,) = lab.judge(*lab.cycle(STATUS, [0, 113.5]), until_ms=200)
    assert "+-13 ms" in line


@pytest.mark.parametrize(("times", "found"), [([0, 113, 226], 0), ([0, 87, 174], 0), ([0, 86, 200], 1), ([0, 114], 1)])
def test_the_jitter_may_be_measured_later(network, times, found):
    """What is due next and what is due later."""
    lab = Lab(network)

    def measure():
        lab.monitors.jitter_ns = 3 * MS

    assert len(lab.judge((50, measure), *lab.cycle(STATUS, times), until_ms=times[-1])) == found
    assert lab.monitors.jitter_ns == 3 * MS
    lab.monitors.resume(0)
    lab.run(until_ms=3000)
    assert "+-13 ms (at" in lab.found()[0]


def test_the_jitter_may_become_less(network):
    lab = Lab(network, jitter_ns=3 * MS)

    def measure():
        lab.monitors.jitter_ns = 0

    assert len(lab.judge((150, measure), *lab.cycle(STATUS, [0, 100, 212]), until_ms=212)) == 1


def test_a_message_may_have_a_tolerance_of_its_own(network):
    rules = MonitorRules(
        tolerance=Tolerance(0.02), rules=(Rule((pattern("Status"),), tolerance=Tolerance(0, 50 * MS)),)
    )
    lab = Lab(network, rules, only=("Status", "Wide"))
    lines = lab.judge(*lab.cycle(STATUS, [0, 150, 200]), *lab.cycle(WIDE, [0, 103, 200]), until_ms=250)
    assert [line.split(" (")[0] for line in lines] == [
        "Wide on body: 103 ms since the frame before, due every 100 ms +-2 ms"
    ]


def test_messages_that_come_for_other_reasons_too_may_be_early_never_late(network):
    lab = Lab(network, only=("Mixed",))
    assert lab.judge(*lab.cycle(MIXED, [0, 100, 105, 106, 200]), until_ms=310) == []
    lab.run((320, lambda: lab.come(MIXED)), until_ms=400)
    assert lab.found() == [
        "Mixed on body: 120 ms since the frame before, due at least every 100 ms +10 ms (at 0.320 s)"
    ]


def test_what_has_no_cycle_of_its_own_isnt_waited_for(network):
    """Events, what is cyclic only while active, network management, diagnosis, what the restbus plays or nobody."""
    exempt = ("Event", "Active", "NM_ECU", "Response", "Speed", "Orphan", "NM_BCM", "Request")
    lab = Lab(network, only=exempt)
    for can_id in (EVENT, ACTIVE, NM_ECU, RESPONSE, ORPHAN):
        lab.come(can_id)
    assert lab.judge(*lab.cycle(ACTIVE, [1, 2, 900]), *lab.cycle(NM_ECU, [3, 5, 4000]), until_ms=20_000) == []


def test_the_same_message_on_another_bus_is_another(network):
    lab = Lab(network, expected_nodes={"body": ["ECU"], "chassis": ["ECU"]})
    actions = [(t_ms, lambda: lab.come(STATUS, bus="chassis")) for t_ms in range(0, 1000, 100)]
    (line,) = lab.judge(*actions, until_ms=1000)
    assert line.startswith("Status on body: did not come")


# Missing --------------------------------------------------------------------------------------------------------------


def test_what_never_comes_is_missing_though_nothing_else_comes(lab):
    lab.run(until_ms=1000)
    assert lab.judge(until_ms=10_000, grace_ms=2000) == [
        "Status on body: did not come since 1.000 s, due every 100 ms +-10 ms (at 3.000 s)"
    ]
    ((told_ns, finding),) = lab.told
    assert finding.t_ns == 3000 * MS
    assert 0 < told_ns - finding.t_ns <= 500 * MS


@pytest.mark.parametrize(("until_ms", "found"), [(2000, False), (2000.000001, True)])
def test_the_grace_is_exact(lab, until_ms, found):
    assert bool(lab.judge(until_ms=until_ms, grace_ms=2000)) is found


@pytest.mark.parametrize(("until_ms", "found"), [(5800, False), (5800.000001, True)])
def test_a_slow_message_has_at_least_its_cycle_and_its_start_delay(network, until_ms, found):
    lab = Lab(network, only=("Slow",))
    assert bool(lab.judge(until_ms=until_ms, grace_ms=2000)) is found


def test_one_that_comes_after_the_grace_was_missing_once(lab):
    assert lab.judge(*lab.cycle(STATUS, range(2400, 5000, 100)), until_ms=5000, grace_ms=2000) == [
        "Status on body: did not come since 0.000 s, due every 100 ms +-10 ms (at 2.000 s)"
    ]
    assert lab.monitors.findings()[0].count == 1


def test_before_the_sweep_saw_it_too(lab):
    assert lab.judge(*lab.cycle(STATUS, [130, 230]), until_ms=230) == [
        "Status on body: did not come since 0.000 s, due every 100 ms +-10 ms (at 0.110 s)"
    ]


def test_within_the_grace_the_first_frame_counts_as_the_begin(lab):
    assert lab.judge(*lab.cycle(STATUS, range(1700, 3000, 100)), until_ms=3000, grace_ms=2000) == []


def test_but_from_then_on_it_is_judged(lab):
    (line,) = lab.judge(*lab.cycle(STATUS, [100, 400, 500]), until_ms=600, grace_ms=2000)
    assert line.startswith("Status on body: 300 ms since the frame before")


def test_what_comes_no_more_is_found_though_nothing_else_comes(lab):
    assert lab.judge(*lab.cycle(STATUS, [0, 100, 200]), until_ms=9000) == [
        "Status on body: came no more after 0.200 s, due every 100 ms +-10 ms (at 0.310 s)"
    ]
    ((told_ns, finding),) = lab.told
    assert finding.what == lab.found()[0]
    assert told_ns - 310 * MS <= 500 * MS


def test_at_the_end_of_a_case_without_any_sweep_too(lab):
    assert lab.judge(*lab.cycle(STATUS, [0, 100]), until_ms=211)
    assert [told_ns for told_ns, _ in lab.told] == [211 * MS]


def test_one_that_had_gone_and_comes_back_was_late_once(lab):
    times = [*range(0, 500, 100), *range(3000, 4000, 100)]
    assert lab.judge(*lab.cycle(STATUS, times), until_ms=4000) == [
        "Status on body: 2.6 s since the frame before, due every 100 ms +-10 ms (at 3.000 s)"
    ]
    assert len(lab.told) == 1


def test_and_when_it_goes_again_that_is_told_too(lab):
    lines = lab.judge(*lab.cycle(STATUS, [0, 100, 3000, 3100]), until_ms=9000)
    assert lines == [
        "Status on body: 2.9 s since the frame before, due every 100 ms +-10 ms (at 3.000 s); also came no more after "
        "3.100 s, due every 100 ms +-10 ms (at 3.210 s)"
    ]
    assert lab.monitors.findings()[0].count == 2


def test_the_sweep_ends_when_nothing_more_can_be_missed(lab):
    """A wait on a bench on which nothing more happens must not hang."""
    lab.judge(until_ms=3000)
    assert all(timer.callback is None for _, _, timer in lab.clock._agenda)
    lab.run(*lab.cycle(STATUS, [3100]), until_ms=3200)
    assert any(timer.callback is not None for _, _, timer in lab.clock._agenda)
    lab.monitors.stop()
    assert all(timer.callback is None for _, _, timer in lab.clock._agenda)


def test_a_sweep_is_one_timer_for_all_messages(network):
    lab = Lab(network, only=("Status", "Mixed", "Wide", "Safe", "Slow"))
    lab.judge(until_ms=10)
    assert len([timer for _, _, timer in lab.clock._agenda if timer.callback is not None]) == 1


class LaggingClock(VirtualClock):
    """Virtual, but said to be real: frames may come by some time after their stamps."""

    is_virtual = False


def test_on_a_real_clock_a_frame_may_still_be_on_its_way(network):
    lab = Lab(network, clock=LaggingClock())
    assert lab.judge(until_ms=310) == []
    lab.run(until_ms=311)
    assert lab.found()


# When it is judged ----------------------------------------------------------------------------------------------------


def test_before_something_begins_nothing_is_expected(lab):
    lab.run(*lab.cycle(STATUS, [0, 500, 510]), until_ms=5000)
    assert lab.found() == []


def test_in_a_pause_nothing_is_expected_but_what_comes_is_looked_at(lab):
    lab.judge(*lab.cycle(STATUS, [0, 100]), (150, lambda: lab.monitors.pause("ECU off")), until_ms=5000)
    assert lab.found() == []
    lab.run(*lab.cycle(STATUS, [5001, 5002, 5500]), (5600, lambda: lab.come(STATUS, b"")), until_ms=6000)
    lab.come(0x7FF)
    assert [line.split(" (")[0] for line in lab.found()] == [
        "Status on body: 0 bytes, 4 due", "0x7FF on body: in no database of this bus",
    ]  # fmt: skip


def test_after_a_pause_there_is_a_new_grace(lab):
    lab.judge(*lab.cycle(STATUS, [0, 100]), (150, lambda: lab.monitors.pause("off")), until_ms=5000)
    lab.monitors.resume(1000 * MS)
    lab.run(*lab.cycle(STATUS, [5900, 6000, 6100]), until_ms=6100)
    assert lab.found() == []


def test_something_new_that_begins_gives_a_new_grace_without_a_pause(lab):
    lab.judge(*lab.cycle(STATUS, [0, 100]), (150, lambda: lab.monitors.resume(1000 * MS)), until_ms=1100)
    lab.run(*lab.cycle(STATUS, [1140, 1240]), until_ms=1300)
    assert lab.found() == []


def test_after_it_the_first_frame_is_not_compared_with_those_before(lab):
    lab.judge(*lab.cycle(STATUS, [0, 100]), (150, lambda: lab.monitors.resume(1000 * MS)), until_ms=155)
    lab.run(*lab.cycle(STATUS, [160, 260]), until_ms=300)
    assert lab.found() == []


def test_a_frame_that_was_on_the_wire_when_it_began_is_not_its_first(lab):
    """Supply off and on at one instant: the last frame of before ends after that, the first of the new boot is late."""
    lab.judge(*lab.cycle(STATUS, [0, 100]), (199.9, lambda: lab.monitors.resume(1000 * MS)), until_ms=199.95)
    lab.run(*lab.cycle(STATUS, [200, 800, 900]), until_ms=950)
    assert lab.found() == []
    lab.run(*lab.cycle(STATUS, [1200]), until_ms=1250)
    assert len(lab.found()) == 1


def test_several_reasons_must_all_be_over(lab):
    monitors = lab.monitors
    monitors.pause("ECU off")
    monitors.pause("bus sleeps")
    monitors.resume(0, reason="ECU off")
    lab.run(until_ms=1000)
    assert lab.found() == []
    monitors.resume(0, reason="bus sleeps")
    lab.run(until_ms=2000)
    assert len(lab.found()) == 1


def test_a_pause_may_be_of_one_bus(network):
    lab = Lab(network, expected_nodes={"body": ["ECU"], "chassis": ["ECU"]})
    lab.monitors.resume(0)
    lab.monitors.pause("bus sleeps", bus="body")
    lab.run(until_ms=1000)
    assert [line.split(":")[0] for line in lab.found()] == ["Status on chassis"]
    lab.monitors.resume(0, reason="bus sleeps", bus="body")
    lab.run(until_ms=2000)
    assert [line.split(":")[0] for line in lab.found()] == ["Status on chassis", "Status on body"]


def test_a_new_case_begins_without_what_came_before(network):
    lab = Lab(network, only=("Status", "Zone"))
    lab.judge(*lab.cycle(STATUS, [0, 500]), *lab.cycle(ZONE, [0, 100]), until_ms=120)
    lab.monitors.set_partial_network(17, False)
    lab.run(until_ms=600)
    for can_id in range(0x700, 0x780):
        lab.come(can_id)
    assert len(lab.found()) == 66
    lab.monitors.begin()
    assert all(timer.callback is None for _, _, timer in lab.clock._agenda)
    lab.run(*lab.cycle(STATUS, [700, 710]), until_ms=5000)
    assert lab.found() == []
    lab.come(0x7FF)
    lab.monitors.resume(0)
    lab.run(until_ms=6000)
    assert [finding.message for _, finding in lab.told[-3:]] == ["0x7FF", "Status", "Zone"]
    assert [finding.message for finding in lab.monitors.findings()] == ["0x7FF", "Status", "Zone"]


def test_messages_of_a_partial_network_are_expected_only_while_it_is_on(network):
    lab = Lab(network, only=("Zone", "Status"))
    switch = lab.monitors.set_partial_network
    status = lab.cycle(STATUS, range(0, 9000, 100))
    lab.judge(*lab.cycle(ZONE, range(0, 1000, 100)), *status, (950, lambda: switch(17, False)), until_ms=5000)
    assert lab.found() == []
    lab.run((5000, lambda: switch(17, True, 1000 * MS)), *lab.cycle(ZONE, [5900, 6000]), until_ms=6100)
    assert lab.found() == []
    lab.run(until_ms=8000)
    assert [line.split(":")[0] for line in lab.found()] == ["Zone on body"]


def test_a_partial_network_that_is_off_stays_off_after_a_resume(network):
    lab = Lab(network, only=("Zone",))
    lab.monitors.set_partial_network(17, False)
    assert lab.judge(until_ms=5000) == []


# Length ---------------------------------------------------------------------------------------------------------------


def test_a_wrong_length_is_told_with_the_worst(lab):
    for length in (3, 4, 7, 0, 5):
        lab.come(STATUS, bytes(length))
    (finding,) = lab.monitors.findings()
    assert finding.what == "Status on body: 3 bytes, 4 due (first at 0.000 s, 4 times, worst 0 bytes)"
    assert (finding.kind, finding.level, finding.worst.seen) == (Kind.DLC, Level.FAIL, "0 bytes")


def test_a_frame_of_the_wrong_length_came_all_the_same(lab):
    actions = [(t_ms, lambda: lab.come(STATUS, b"")) for t_ms in range(0, 1000, 100)]
    assert [finding.split(" (")[0] for finding in lab.judge(*actions, until_ms=1000)] == [
        "Status on body: 0 bytes, 4 due"
    ]


def test_classic_instead_of_fd_and_the_reverse_is_of_the_same_kind(network):
    lab = Lab(network, only=("Wide",))
    lab.monitors.resume(0)
    lab.run(*[(t_ms, lambda: lab.come(WIDE, bytes(8), flags=0)) for t_ms in (0, 100, 200)], until_ms=200)
    lab.come(STATUS, flags=FD)
    wide, status = lab.monitors.findings()
    assert wide.what == (
        "Wide on body: a classic frame, CAN FD due (first at 0.000 s, 3 times); also 8 bytes, 16 due "
        "(first at 0.000 s, 3 times, worst 8 bytes)"
    )
    assert status.what == "Status on body: a CAN FD frame, a classic one due (at 0.200 s)"
    assert {wide.kind, status.kind} == {Kind.DLC}


def test_a_bit_rate_switch_or_an_error_state_more_is_nothing_to_tell(lab):
    for flags in (FD, FD | BRS, FD | BRS | 8):
        lab.come(WIDE, flags=flags)
    assert lab.found() == []


# E2E ------------------------------------------------------------------------------------------------------------------


def counters(lab, *values):
    for value in values:
        lab.come(SAFE, safe(value))
    return [line.split(" (at")[0].split(" (first")[0] for line in lab.found()]


def test_a_sequence_without_gaps_is_well(lab):
    assert counters(lab, *(number % 15 for number in range(40))) == []


def test_a_sequence_may_begin_anywhere_and_lose_what_it_may(lab):
    assert counters(lab, 7, 8, 10, 12, 14, 1) == []


def test_a_counter_that_jumps_is_told(lab):
    assert counters(lab, 7, 8, 11, 12) == [
        "Safe on body: E2E counter 11 after 8, due at most 2 further, of 0 to 14 (P01)"
    ]


def test_a_counter_that_goes_back_is_told_once(lab):
    counters(lab, 7, 6, 7, 8)
    assert [finding.count for finding in lab.monitors.findings()] == [1]


def test_a_repeated_counter_is_told(lab):
    assert counters(lab, 7, 7, 7, 8) == ["Safe on body: E2E counter 7 again, due at most 2 further, of 0 to 14 (P01)"]
    assert [finding.count for finding in lab.monitors.findings()] == [2]


def test_a_counter_that_no_sender_may_use_is_told(lab):
    """Of profile 1: 0x0F, here with a checksum that is right (CRC-8 SAE J1850 from 0 over 23 01 and the data)."""
    lab.come(SAFE, safe(7))
    lab.come(SAFE, bytes.fromhex("900F000000000000"))
    lab.come(SAFE, safe(12))
    assert lab.found() == ["Safe on body: E2E counter 15 after 7, due at most 2 further, of 0 to 14 (P01) (at 0.000 s)"]


def test_a_wrong_checksum_is_told_and_the_next_frame_begins_anew(lab):
    lab.come(SAFE, safe(3))
    wrong = bytearray(safe(4))
    wrong[0] ^= 0xFF
    lab.come(SAFE, bytes(wrong))
    lab.come(SAFE, safe(9))
    lab.come(SAFE, safe(10))
    assert lab.found() == [f"Safe on body: wrong checksum in {wrong.hex(' ').upper()}, E2E P01 (at 0.000 s)"]


def test_a_wrong_length_is_told_once_and_not_as_a_checksum_too(lab):
    lab.come(SAFE, safe(3))
    lab.come(SAFE, safe(4)[:7])
    lab.come(SAFE, safe(9))
    assert lab.found() == ["Safe on body: 7 bytes, 8 due (at 0.000 s)"]


def test_after_something_began_a_sequence_begins_anew(lab):
    assert counters(lab, 7) == []
    lab.monitors.resume(0)
    assert counters(lab, 7, 8) == []


def test_a_frame_that_was_on_the_wire_when_it_began_begins_no_sequence(lab):
    times = [(148.9, 3), (149.5, 4), (400, 0), (420, 1)]
    arrivals = [(t_ms, lambda counter=counter: lab.come(SAFE, safe(counter))) for t_ms, counter in times]
    assert lab.judge(*arrivals[:1], (149, lambda: lab.monitors.resume(1000 * MS)), *arrivals[1:], until_ms=430) == []


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 1)), max_size=25))
def test_sequences_are_judged_as_a_receiver_judges_them(network, frames):
    """The receiver's state machine is the oracle; the monitor has its own, for speed."""
    lab, receiver = Lab(network), E2e(config_of_safe()).receiver()
    bad = 0
    for counter, content in frames:
        data = safe(counter, content)
        bad += not receiver.check(data).is_good
        lab.come(SAFE, data)
    assert sum(finding.count for finding in lab.monitors.findings()) == bad
    lab.clock.close()


def test_payloads_are_remembered_within_bounds(lab):
    watch = lab.monitors._watched["body", SAFE, 0]
    for number in range(2000):
        data = E2e(config_of_safe()).protect(number.to_bytes(8, "big"), number)
        lab.come(SAFE, data)
        lab.come(SAFE, data)
        assert len(watch.counters) <= 512
    (finding,) = lab.monitors.findings()
    assert finding.count == 2000
    assert finding.what.startswith("Safe on body: E2E counter 0 again")


def test_a_chain_of_several_links_is_asked_as_a_receiver_would(network):
    links = [E2e(config_of_safe())] * 2
    lab = Lab(network, make_chain=lambda bus, message, traits: Chain(links) if message.name == "Safe" else None)
    for number in (0, 1, 1, 2):
        lab.come(SAFE, safe(number))
    assert lab.found() == [f"Safe on body: repeated in {safe(1).hex(' ').upper()} (at 0.000 s)"]
    lab.monitors.resume(0)
    lab.come(SAFE, safe(2))
    assert lab.monitors.findings()[0].count == 1


# Undefined, foreign, error frames -------------------------------------------------------------------------------------


def test_an_undefined_identifier_is_told_once_with_its_first_payload(lab):
    for data in (b"\x01\xab", b"", b"\x02"):
        lab.come(0x7A0, data)
    lab.come(0x7A0, b"", flags=EXTENDED)
    first, second = lab.monitors.findings()
    assert second.what == "0x7A0 on body: in no database of this bus (01 AB) (first at 0.000 s, 3 times)"
    assert first.what == "0x000007A0x on body: in no database of this bus (no data) (at 0.000 s)"
    assert (second.level, second.kind, second.message) == (Level.FAIL, Kind.UNDEFINED, "0x7A0")


def test_a_standard_identifier_is_not_the_extended_one_of_the_same_number(lab):
    lab.come(STATUS, flags=EXTENDED)
    lab.come(EXT)
    assert [line.split(" (")[0] for line in lab.found()] == ["0x00000100x on body: in no database of this bus"]


def test_what_is_allowed_is_nothing_to_tell(network):
    allow = tuple(map(pattern, ("0x7A0", "chassis::0x7B0", "0x7C0-0x7C2", "0x18FF0001x")))
    lab = Lab(network, MonitorRules(allow=allow))
    for can_id in (0x7A0, 0x7C0, 0x7C2):
        lab.come(can_id)
    lab.come(0x18FF0001, flags=EXTENDED)
    lab.come(0x7B0, bus="chassis")
    assert lab.found() == []
    lab.come(0x7B0)
    lab.come(0x7C3)
    assert [finding.message for finding in lab.monitors.findings()] == ["0x7B0", "0x7C3"]


def test_network_management_of_unnamed_nodes_is_nothing_to_tell(lab, network):
    """The database states a base address and a number of messages."""
    lab.come(0x53F)
    assert lab.found() == []
    lab.come(0x540)
    assert len(lab.found()) == 1
    assert [(p.bus, p.first, p.last, p.extended) for p in exempt_ids(network)] == [
        ("body", 0x500, 0x53F, False), ("chassis", 0x500, 0x53F, False),
    ]  # fmt: skip


def test_the_base_address_may_have_29_bits():
    text = DBC.replace('"NmAsrBaseAddress" 1280', '"NmAsrBaseAddress" 419364864')
    (found,) = exempt_ids(Network({"body": database.load(text, ".dbc", "x")}))
    assert (found.first, found.last, found.extended) == (0x18FF0000, 0x18FF003F, True)


def test_a_stated_base_address_counts_before_the_default():
    text = DBC.replace('BA_ "GenMsgCycleTime" BO_ 256', 'BA_ "NmAsrBaseAddress" 1792;\nBA_ "GenMsgCycleTime" BO_ 256')
    (found,) = exempt_ids(Network({"body": database.load(text, ".dbc", "x")}))
    assert (found.first, found.last) == (0x700, 0x73F)


KCD = """<NetworkDefinition xmlns="http://kayak.2codeornot2code.org/1.0"><Document/><Bus name="body">
<Message id="0x100" name="Status" length="1"><Signal name="State" offset="0" length="8"/></Message>
</Bus></NetworkDefinition>"""


def test_a_database_of_another_format_states_none():
    assert exempt_ids(Network({"body": database.load(KCD, ".kcd", "x")})) == []


def test_a_database_without_a_base_address_exempts_nothing():
    text = DBC.replace('"NmAsrBaseAddress" 1280', '"NmAsrBaseAddress" 0')
    assert exempt_ids(Network({"body": database.load(text, ".dbc", "x")})) == []


def test_a_flood_of_identifiers_doesnt_flood_the_findings(lab):
    for can_id in range(0x600, 0x700):
        lab.come(can_id, b"\x01")
    findings = lab.monitors.findings()
    assert len(findings) == 65
    rest = next(finding for finding in findings if finding.message == "other identifiers")
    assert rest.what.startswith("other identifiers on body: further identifiers in no database (01) (first at")
    assert sum(finding.count for finding in findings) == 254, "two of 256 are diagnosis"


def test_diagnosis_is_nothing_to_tell_whatever_its_length(lab):
    lab.come(RESPONSE, b"\x03")
    lab.come(REQUEST, b"\x02")
    assert lab.found() == []


def test_somebody_else_who_sends_what_the_restbus_plays_is_told(lab):
    for _ in range(3):
        lab.come(SPEED)
    lab.come(NM_BCM)
    lines = lab.found()
    assert lines[1] == (
        "Speed on body: somebody else sends it, though the restbus plays it (first at 0.000 s, 3 times)"
    )
    assert lines[0].startswith("NM_BCM on body: somebody else sends it")
    assert {(finding.level, finding.kind) for finding in lab.monitors.findings()} == {(Level.FAULT, Kind.FOREIGN)}


def test_of_what_it_plays_nothing_else_is_told(lab):
    lab.come(SPEED, b"")
    lab.come(SPEED, b"", flags=REMOTE)
    assert [finding.count for finding in lab.monitors.findings()] == [1]


def test_where_the_restbus_doesnt_play_nobody_is_foreign(network):
    lab = Lab(network, is_played=lambda bus, message: False)
    lab.come(SPEED)
    lab.come(SPEED, b"")
    assert lab.found() == ["Speed on body: 0 bytes, 8 due (at 0.000 s)"]


def test_a_message_without_a_sender_is_neither_expected_nor_foreign(lab):
    lab.come(ORPHAN)
    assert lab.found() == []
    lab.come(ORPHAN, b"")
    assert len(lab.found()) == 1


def test_the_bench_s_own_frames_arent_watched(lab):
    for can_id in (SPEED, STATUS, 0x7FF):
        lab.come(can_id, b"", flags=SENT)
    assert lab.found() == []


def test_error_frames_are_a_warning_of_their_bus(lab):
    for can_id in (0, STATUS, 0x7FF):
        lab.come(can_id, bytes(8), flags=ERROR)
    (finding,) = lab.monitors.findings()
    assert finding.what == "body: error frame (first at 0.000 s, 3 times)"
    assert (finding.level, finding.kind, finding.message) == (Level.WARN, Kind.ERROR_FRAMES, "")


def test_a_remote_frame_asks_and_says_nothing(lab):
    for can_id in (STATUS, SPEED, WIDE, EXT):
        lab.come(can_id, b"", flags=REMOTE | FLAGS.get(can_id, 0) & EXTENDED)
    assert lab.found() == []
    lab.come(0x7FF, b"", flags=REMOTE)
    assert len(lab.found()) == 1


def test_another_bus_than_the_bench_s_is_none_of_its_business(lab):
    lab.come(0x7FF, bus="elsewhere")
    lab.come(0x7FF, bus="elsewhere", flags=ERROR)
    assert lab.found() == []


# Levels ---------------------------------------------------------------------------------------------------------------


def misbehave(lab):
    """One irregularity of each kind."""
    lab.monitors.resume(0)
    lab.come(STATUS, b"")
    lab.come(SAFE, safe(1))
    lab.come(SAFE, safe(1))
    lab.come(0x7FF)
    lab.come(0, flags=ERROR)
    lab.come(SPEED)
    lab.run(until_ms=1000)
    return {finding.kind: finding.level for finding in lab.monitors.findings()}


def test_the_defaults(lab):
    assert misbehave(lab) == {
        Kind.CYCLE: Level.FAIL, Kind.DLC: Level.FAIL, Kind.E2E: Level.FAIL, Kind.UNDEFINED: Level.FAIL,
        Kind.ERROR_FRAMES: Level.WARN, Kind.FOREIGN: Level.FAULT,
    }  # fmt: skip


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_may_be_off_by_default(network, kind):
    assert set(misbehave(Lab(network, MonitorRules(levels={kind: Level.OFF})))) == set(Kind) - {kind}


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_may_be_off_by_a_rule(network, kind):
    assert set(misbehave(Lab(network, MonitorRules(rules=(Rule((pattern("body::*"),), {kind: Level.OFF}),))))) == (
        set(Kind) - {kind}
    )


def test_the_last_rule_that_fits_counts_for_each_kind_on_its_own(network):
    rules = MonitorRules(
        levels={Kind.DLC: Level.OFF},
        rules=(
            Rule((pattern("S*"),), {Kind.DLC: Level.WARN, Kind.CYCLE: Level.WARN}),
            Rule((pattern("0x100"), pattern("Wide")), {Kind.DLC: Level.FAIL}),
        ),
    )
    lab = Lab(network, rules)
    assert misbehave(lab)[Kind.CYCLE] is Level.WARN
    lab.come(SAFE, b"")
    lab.come(EVENT, b"")
    levels = {f.message: f.level for f in lab.monitors.findings() if f.kind is Kind.DLC}
    assert levels == {"Status": Level.FAIL, "Safe": Level.WARN}


def test_findings_are_told_once_and_listed_by_time(lab):
    lab.judge(*lab.cycle(STATUS, [0, 300]), (250, lambda: lab.come(0x7F0)), until_ms=400)
    lab.come(0x7F0)
    lab.come(STATUS)
    assert [finding.what for _, finding in lab.told] == [
        "0x7F0 on body: in no database of this bus (no data) (at 0.250 s)",
        "Status on body: 300 ms since the frame before, due every 100 ms +-10 ms (at 0.300 s)",
    ]
    assert [finding.message for finding in lab.monitors.findings()] == ["0x7F0", "Status"]


# Rules ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("CLU_*", True), ("CLU_Status", True), ("CLU", False), ("body::CLU_*", True), ("bod?::*", True),
        ("chassis::CLU_*", False), ("0x7A0", True), ("body::0x7a0", True), ("0x700-0x7FF", True),
        ("0x700 - 0x79F", False), ("0x000007A0x", False), ("*", True), (" CLU_* ", True), ("clu_*", False),
    ],
)  # fmt: skip
def test_patterns(text, fits):
    assert pattern(text).fits(Subject("body", "CLU_Status", 0x7A0, False)) is fits


def test_patterns_of_29_bits():
    subject = Subject("body", "", 0x18FF0010, True)
    assert pattern("0x18FF0010x").fits(subject)
    assert pattern("0x18FF0000x-0x18FF00FFx").fits(subject)
    assert not pattern("CLU_*").fits(subject)
    assert not pattern("0x7A0").fits(Subject("body", "", 0x7A0, True))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "'' is neither a message nor an identifier"),
        ("body::", "'body::' is neither a message nor an identifier"),
        ("0xZZ", "'0xZZ' is neither a message nor an identifier"),
        ("0x800", "'0x800' is no range of identifiers"),
        ("0x20000000x", "'0x20000000x' is no range of identifiers"),
        ("0x7FF-0x700", "'0x7FF-0x700' is no range of identifiers"),
        ("0x100-0x200x", "'0x100-0x200x' is no range of identifiers"),
    ],
)
def test_what_is_no_pattern_is_refused(text, what):
    with pytest.raises(UsageError, match=f"{what}. Remedy: "):
        pattern(text)


@pytest.mark.parametrize(
    ("text", "tolerance_ns"),
    [
        ("10 %", 10 * MS),
        ("5 ms", 5 * MS),
        ("10 % + 5 ms", 15 * MS),
        ("12.5%", 12_500_000),
        ("0 %", 0),
        ("500 us", MS / 2),
    ],
)
def test_tolerances(text, tolerance_ns):
    assert tolerance(text).of(100 * MS) == tolerance_ns


@pytest.mark.parametrize("text", ["", "%", "ten %", "-5 ms", "10 % 5 % 3", "5 km"])
def test_what_is_no_tolerance_is_refused(text):
    with pytest.raises(UsageError, match=r"is no tolerance. Remedy: write it like '10 %'"):
        tolerance(text)


def a_rule(*patterns):
    return MonitorRules(rules=(Rule(tuple(map(pattern, patterns))),))


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (a_rule("Statu"), "'Statu' fits no message of this bench. Remedy: did you mean Status"),
        (a_rule("*", "XYZ_*"), "'XYZ_.' fits no message.*hil signals' lists them"),
        (a_rule("bdy::Status"), "'bdy::Status' names no bus.* body, chassis"),
        (MonitorRules(allow=(pattern("bdy::0x7A0"),)), "'bdy::0x7A0' names no bus of this bench"),
        (MonitorRules(allow=(pattern("Status"),)), "'Status' is no identifier. Remedy: allow takes identifiers"),
    ],
)  # fmt: skip
def test_a_rule_that_would_do_nothing_is_refused(network, rules, text):
    with pytest.raises(UsageError, match=text):
        check_rules(rules, network)
    with pytest.raises(UsageError):
        Monitors(VirtualClock(), network, rules, expected_nodes={})


def test_an_identifier_that_nobody_knows_is_a_good_rule(network):
    check_rules(MonitorRules(rules=(Rule((pattern("0x7A0"), pattern("bo*::*"))),), allow=(pattern("0x7F0"),)), network)


@pytest.mark.parametrize(
    ("span_ns", "text"),
    [
        (250 * MS, "250 ms"),
        (2_500 * MS, "2.5 s"),
        (120_000, "120 us"),
        (110_000_001, "110 ms"),
        (10_500_000, "10.5 ms"),
    ],
)
def test_durations_have_no_needless_digits(span_ns, text):
    assert span(span_ns) == text
