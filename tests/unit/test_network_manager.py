"""The bench's network management on a simulated wire, beside a real node with a driver of its own."""

import pytest

from hil.can import database
from hil.can.bits import frame_bits
from hil.can.database import Network
from hil.can.frames import ERROR, REMOTE, SENT, CanFrame
from hil.can.network_manager import NetworkManager, NmOptions
from hil.can.nm import (
    Event,
    NetworkStarted,
    NmConfig,
    NmMachine,
    PartialNetworks,
    PduLayout,
    Send,
    State,
    read_pdu,
)
from hil.can.traits import NmTimes
from hil.can.wire import SimWire
from hil.clock import VirtualClock
from hil.errors import UsageError

MS = 1_000_000
BCM, ECM, ECU = 0x510, 0x511, 0x517
TIMES = NmTimes(cycle_ns=200 * MS, timeout_ns=1000 * MS, repeat_ns=500 * MS, wait_sleep_ns=700 * MS)
DBC = """VERSION ""

NS_ :

BS_:

BU_: BCM ECM ECU

BO_ 1296 NM_BCM: 8 BCM
 SG_ NM_BCM_User : 56|8@1+ (1,0) [0|0] "" ECU

BO_ 1297 NM_ECM: 8 ECM
 SG_ NM_ECM_User : 56|8@1+ (1,0) [0|0] "" ECU

BO_ 1303 NM_ECU: 8 ECU
 SG_ NM_ECU_User : 56|8@1+ (1,0) [0|0] "" BCM

BO_ 256 Doors: 1 BCM
 SG_ Door : 0|8@1+ (1,0) [0|0] "" ECU

BO_ 257 Seats: 1 BCM
 SG_ Seat : 0|8@1+ (1,0) [0|0] "" ECU

BA_DEF_ "NmAsrCanMsgCycleTime" INT 0 65535;
BA_DEF_ "NmAsrTimeoutTime" INT 0 65535;
BA_DEF_ "NmAsrRepeatMessageTime" INT 0 65535;
BA_DEF_ "NmAsrWaitBusSleepTime" INT 0 65535;
BA_DEF_ BU_ "NmAsrNodeIdentifier" INT 0 255;
BA_DEF_ BO_ "NmAsrMessage" ENUM "no","yes";
BA_DEF_ BO_ "NmPnc" INT 0 255;
BA_DEF_ SG_ "GenSigStartValue" FLOAT 0 100000000000;
BA_DEF_DEF_ "NmAsrCanMsgCycleTime" 200;
BA_DEF_DEF_ "NmAsrTimeoutTime" 1000;
BA_DEF_DEF_ "NmAsrRepeatMessageTime" 500;
BA_DEF_DEF_ "NmAsrWaitBusSleepTime" 700;
BA_DEF_DEF_ "NmAsrNodeIdentifier" 0;
BA_DEF_DEF_ "NmAsrMessage" "no";
BA_DEF_DEF_ "NmPnc" 0;
BA_DEF_DEF_ "GenSigStartValue" 0;
BA_ "NmAsrNodeIdentifier" BU_ BCM 16;
BA_ "NmAsrNodeIdentifier" BU_ ECM 17;
BA_ "NmAsrNodeIdentifier" BU_ ECU 23;
BA_ "NmAsrMessage" BO_ 1296 1;
BA_ "NmAsrMessage" BO_ 1297 1;
BA_ "NmAsrMessage" BO_ 1303 1;
BA_ "GenSigStartValue" SG_ 1296 NM_BCM_User 165;
"""
PARTIAL = DBC + 'BA_ "NmPnc" BO_ 256 16;\nBA_ "NmPnc" BO_ 257 17;\n'


def network(text=DBC):
    return Network({"body": database.load(text, ".dbc", "body.dbc")})


class RealEcu:
    """A node with network management of its own on its own port; `deaf` lets it miss frames."""

    def __init__(self, lab, *, partial=None):
        self.lab, self.clock = lab, lab.clock
        self.machine = NmMachine(NmConfig(0x17, TIMES, partial=partial))
        self.port = lab.wire.port("ECU")
        self.deaf = False
        lab.clock.run(self.port.open(self.on_frame, lambda error: None))

    def on_frame(self, frame):
        if frame.flags & SENT:
            self.do(self.machine.transmitted(frame.t_ns, frame.data))
        elif not self.deaf and 0x500 <= frame.can_id < 0x520:
            self.do(self.machine.received(frame.t_ns, frame.data))

    def call(self, event):
        self.do(getattr(self.machine, event)(self.clock.now_ns))

    def do(self, actions):
        for action in actions:
            if isinstance(action, Send):
                self.port.send(ECU, action.data)
            elif isinstance(action, NetworkStarted):
                self.do(self.machine.passive_start_up(action.t_ns))
        if self.machine.deadline_ns is not None:
            self.clock.call_at(self.machine.deadline_ns, lambda _: self.do(self.machine.advance(self.clock.now_ns)))


class Lab:
    """A wire with the bench's network management, a listener, and what the restbus was told."""

    def __init__(self, clock, *, text=DBC, real_nodes=("ECU",), **options):
        self.clock, self.wire = clock, SimWire(clock, "body")
        self.port, self.ear = self.wire.port("BENCH"), self.wire.port("EAR")
        self.heard, self.told, self.states = [], [], []
        self.manager = NetworkManager(
            clock,
            "body",
            network(text),
            self.port,
            real_nodes=real_nodes,
            start_application=lambda: self.tell("application on"),
            stop_application=lambda: self.tell("application off"),
            set_partial_network=lambda pnc, on: self.tell(f"{pnc} {'on' if on else 'off'}"),
            on_state=self.states.append,
            options=NmOptions(**options),
        )
        clock.run(self.port.open(self.manager.on_frame, lambda error: None))
        clock.run(self.ear.open(self.heard.append, lambda error: None))

    def tell(self, what):
        self.told.append((self.clock.now_ns, what))

    def run(self, *actions, until_ms):
        """Do each `(t_ms, action)` at its time, then wait."""

        async def main():
            for t_ms, action in actions:
                self.clock.call_at(t_ms * MS, lambda action: action(), action)
            await self.clock.sleep_until(until_ms * MS)

        self.clock.run(main())

    def times(self, can_id):
        """When the frames of a node began, rounded down to ms."""
        return [(frame.t_ns - air_ns(frame)) // MS for frame in self.heard if frame.can_id == can_id]

    def ends(self, can_id):
        return [frame.t_ns for frame in self.heard if frame.can_id == can_id]

    def told_since(self, t_ms):
        return [what for t_ns, what in self.told if t_ns >= t_ms * MS]


def air_ns(frame):
    return frame_bits(frame.can_id, frame.data, frame.flags) * 2_000


@pytest.fixture
def clock():
    clock = VirtualClock()
    yield clock
    clock.close()


@pytest.fixture
def lab(clock):
    lab = Lab(clock)
    lab.manager.start()
    return lab


# Wake and keep awake --------------------------------------------------------------------------------------------------


def test_one_node_wakes_and_the_others_follow(lab):
    lab.run((100, lab.manager.wake), until_ms=1000)
    first, second = lab.heard[:2]
    assert (first.can_id, first.data) == (BCM, bytes([0x10, 0x10, 0, 0, 0, 0, 0, 165]))
    assert first.t_ns == 100 * MS + air_ns(first)
    assert (second.can_id, second.data) == (ECM, bytes([0x11, 0, 0, 0, 0, 0, 0, 0]))
    assert lab.times(BCM) == [100, 300, 500, 700, 900]
    assert len(lab.times(ECM)) == 5
    assert lab.manager.state is State.NORMAL_OPERATION


def test_another_node_may_be_the_one_that_wakes(lab):
    lab.run((100, lambda: lab.manager.wake(by="ECM")), until_ms=1000)
    assert [frame.can_id for frame in lab.heard[:2]] == [ECM, BCM]
    assert lab.heard[0].data[1] == 0x10
    assert {frame.data[1] for frame in lab.heard if frame.can_id == BCM} == {0}


def test_the_application_runs_from_the_wakeup_until_prepare_bus_sleep(lab):
    lab.run((100, lab.manager.wake), (2000, lab.manager.sleep), until_ms=5000)
    last_ns = lab.heard[-1].t_ns
    prepare_ns, sleep_ns = last_ns + 1000 * MS, last_ns + 1700 * MS
    assert lab.told == [(0, "application off"), (100 * MS, "application on"), (prepare_ns, "application off")]
    assert [(change.t_ns, change.after, change.cause, change.by) for change in lab.states] == [
        (100 * MS, State.REPEAT_MESSAGE, Event.REQUEST, "BCM"),
        (lab.states[1].t_ns, State.NORMAL_OPERATION, Event.REPEAT_END, "ECM"),
        (2000 * MS, State.READY_SLEEP, Event.RELEASE, "BCM"),
        (prepare_ns, State.PREPARE_BUS_SLEEP, Event.TIMEOUT, "BCM"),
        (sleep_ns, State.BUS_SLEEP, Event.WAIT_END, "BCM"),
    ]
    assert lab.states[0].before is State.BUS_SLEEP
    assert lab.heard[-1].t_ns < 2000 * MS


def test_it_stays_awake_while_one_node_wants_it(lab):
    manager = lab.manager
    lab.run((0, manager.wake), (1000, lambda: manager.keep_awake(False, node="BCM")), until_ms=20_000)
    assert lab.times(BCM)[-1] == 800
    assert lab.times(ECM)[-1] >= 19_800
    assert manager.state is State.NORMAL_OPERATION
    lab.run((20_100, lambda: manager.keep_awake(False, node="ECM")), until_ms=30_000)
    assert manager.state is State.BUS_SLEEP
    assert lab.told_since(1) == ["application off"]


def test_a_node_alone_may_want_it(lab):
    lab.run((100, lambda: lab.manager.keep_awake(True, node="ECM")), until_ms=3000)
    assert lab.heard[0].data[1] == 0x10
    assert lab.times(BCM)[-1] < 700, "it repeats its message, wants nothing and falls silent"
    assert lab.times(ECM)[-1] >= 2800


def test_awake_again_before_it_slept(lab):
    manager = lab.manager
    lab.run((0, manager.wake), (1000, manager.sleep), (1500, lambda: manager.keep_awake(True)), until_ms=3000)
    assert [change.after for change in lab.states[-2:]] == [State.READY_SLEEP, State.NORMAL_OPERATION]
    assert lab.told_since(1) == []
    assert 1500 in lab.times(BCM)


def test_woken_in_prepare_bus_sleep_all_that_are_wanted_want_it(lab):
    manager = lab.manager
    lab.run((0, manager.wake), (1000, manager.sleep), (2200, manager.wake), until_ms=9000)
    assert State.PREPARE_BUS_SLEEP in [change.after for change in lab.states]
    assert State.BUS_SLEEP not in [change.after for change in lab.states]
    assert lab.told_since(2200) == ["application on"]
    assert (lab.times(BCM)[-1], manager.state) == (8800, State.NORMAL_OPERATION)
    assert lab.times(ECM)[-1] >= 8800


def test_woken_while_it_is_still_awake_all_nodes_want_it_again(lab):
    manager = lab.manager
    lab.run((0, manager.wake), (1000, manager.sleep), (1500, manager.wake), until_ms=9000)
    assert [change.after for change in lab.states[-2:]] == [State.READY_SLEEP, State.NORMAL_OPERATION]
    assert lab.times(BCM)[-1] >= 8800
    assert lab.times(ECM)[-1] >= 8800


def test_a_burst_and_an_offset_are_options(clock):
    lab = Lab(clock, offset_ns=30 * MS, immediate_count=3, immediate_cycle_ns=20 * MS)
    lab.manager.start()
    lab.run((0, lab.manager.wake), until_ms=400)
    assert lab.times(BCM) == [0, 20, 40, 240]
    assert lab.times(ECM) == [30, 230]


# A real node ----------------------------------------------------------------------------------------------------------


def test_the_real_node_wakes_the_bus_and_the_bench_follows(lab):
    ecu = RealEcu(lab)
    lab.run((500, lambda: ecu.call("request")), until_ms=1000)
    assert lab.heard[0].can_id == ECU
    assert [(change.after, change.by) for change in lab.states[:1]] == [(State.REPEAT_MESSAGE, "ECU")]
    assert lab.times(BCM)[0] == lab.heard[0].t_ns // MS
    assert lab.told_since(1) == ["application on"]


def test_the_bus_sleeps_only_when_the_real_node_lets_it(lab):
    ecu = RealEcu(lab)
    lab.run((0, lab.manager.wake), (100, lambda: ecu.call("request")), (2000, lab.manager.sleep), until_ms=10_000)
    (node,) = lab.manager.real_nodes()
    assert (node.name, node.awake, node.after_release_ns) == ("ECU", True, None)
    assert lab.manager.state is State.READY_SLEEP
    lab.run((10_000, lambda: ecu.call("release")), until_ms=20_000)
    (node,) = lab.manager.real_nodes()
    last_ns = lab.ends(ECU)[-1]
    assert (node.awake, node.last_ns, node.frames) == (False, last_ns, len(lab.ends(ECU)))
    assert node.after_release_ns == last_ns - 2000 * MS
    assert node.pdu.node_id == 0x17
    assert lab.states[-1].after is State.BUS_SLEEP
    assert lab.states[-1].t_ns == last_ns + 1700 * MS
    assert ecu.machine.state is State.BUS_SLEEP


def test_a_real_node_that_went_silent_before_the_release_took_no_time(lab):
    ecu = RealEcu(lab)
    lab.run((0, lab.manager.wake), (3000, lab.manager.sleep), until_ms=10_000)
    (node,) = lab.manager.real_nodes()
    assert node.frames >= 2, "it showed itself when it was woken"
    assert (node.awake, node.after_release_ns) == (False, 0)
    assert ecu.machine.state is State.BUS_SLEEP


def test_the_first_release_counts_until_somebody_wants_the_network_again(lab):
    ecu, manager = RealEcu(lab), lab.manager
    lab.run((0, manager.wake), (100, lambda: ecu.call("request")), (2000, manager.sleep), until_ms=2900)
    lab.run((3000, manager.sleep), (4000, lambda: ecu.call("release")), until_ms=6000)
    assert manager.real_nodes()[0].after_release_ns == lab.ends(ECU)[-1] - 2000 * MS
    ecu.deaf = True
    lab.run((6000, manager.wake), until_ms=6001)
    assert manager.real_nodes()[0].after_release_ns is None


def test_a_real_node_that_never_said_anything(lab):
    lab.run((0, lab.manager.wake), until_ms=100)
    (node,) = lab.manager.real_nodes()
    assert (node.frames, node.last_ns, node.awake, node.after_release_ns, node.pdu) == (0, None, False, None, None)


def test_clear_forgets_what_came(lab):
    ecu = RealEcu(lab)
    lab.run((0, lambda: ecu.call("request")), until_ms=1000)
    lab.manager.clear()
    assert [node.frames for node in lab.manager.real_nodes()] == [0]


def test_a_repeat_message_request_is_answered_by_the_real_node(lab):
    ecu = RealEcu(lab)
    lab.run((0, lab.manager.wake), (2100, lambda: lab.manager.request_repeat(node="ECM")), until_ms=4000)
    again = [t_ms for t_ms in lab.times(ECU) if t_ms > 1000]
    assert 2100 <= again[0] < 2105
    assert again[-1] < 2700
    assert {frame.data[1] for frame in lab.heard if frame.can_id == ECM and frame.t_ns > 2100 * MS} == {1, 0}
    assert ecu.machine.state is State.READY_SLEEP


def test_the_real_nodes_repeat_message_request_is_answered_by_the_bench(lab):
    ecu = RealEcu(lab)
    lab.run((0, lab.manager.wake), (2105, lambda: ecu.call("request_repeat")), until_ms=2150)
    assert lab.manager.state is State.REPEAT_MESSAGE
    assert (lab.states[-1].cause, lab.states[-1].by) == (Event.REPEAT_BIT, "ECU")
    assert [t_ms for t_ms in lab.times(BCM) if t_ms > 2010] == [lab.ends(ECU)[-1] // MS]


def test_a_node_that_misses_frames_goes_to_sleep_early_and_comes_back(lab):
    ecu = RealEcu(lab)

    def deafen(deaf):
        ecu.deaf = deaf

    lab.run((0, lab.manager.wake), (2000, lambda: deafen(True)), until_ms=3500)
    assert ecu.machine.state is State.PREPARE_BUS_SLEEP
    lab.run((3500, lambda: deafen(False)), until_ms=3700)
    assert ecu.machine.state is State.REPEAT_MESSAGE
    assert next(t_ms for t_ms in lab.times(ECU) if t_ms > 1000) >= 3600
    assert lab.manager.state is State.NORMAL_OPERATION


def test_a_muted_node_is_kept_awake_by_the_others_and_counts_what_nobody_heard(lab):
    manager = lab.manager
    lab.run((0, manager.wake), (1000, lambda: manager.mute("ECM", True)), until_ms=9000)
    assert lab.times(ECM)[-1] <= 1000
    assert manager.unheard() == {}
    lab.run((9000, lambda: manager.mute("", True)), until_ms=12_500)
    assert manager.unheard() == {"BCM": 3, "ECM": 3}
    lab.run((12_500, lambda: manager.mute("", False)), until_ms=13_000)
    assert lab.times(ECM)[-1] > 12_500
    manager.clear()
    assert manager.unheard() == {}


def test_a_sender_that_the_database_doesnt_name_may_be_given_by_its_identifier(clock):
    lab = Lab(clock, ids=range(0x500, 0x540))
    lab.manager.start()
    stranger = lab.wire.port("STRANGER")
    clock.run(stranger.open(lambda frame: None, lambda error: None))
    lab.run((10, lambda: stranger.send(0x53F, bytes(8))), until_ms=100)
    assert [(node.name, node.frames) for node in lab.manager.real_nodes()] == [("ECU", 0), ("0x53F", 1)]
    assert lab.manager.state is State.REPEAT_MESSAGE


@pytest.mark.parametrize(
    "frame",
    [
        CanFrame(0, "body", 0x53F, bytes(8)),
        CanFrame(0, "chassis", ECU, bytes(8)),
        CanFrame(0, "body", ECU, bytes(8), ERROR),
        CanFrame(0, "body", ECU, bytes(8), REMOTE),
        CanFrame(0, "body", ECU, bytes(8), 1),
    ],
)
def test_what_is_no_nm_frame_of_this_bus_wakes_nobody(lab, frame):
    lab.manager.on_frame(frame)
    assert lab.manager.state is State.BUS_SLEEP
    assert [node.frames for node in lab.manager.real_nodes()] == [0]


# Partial networks -----------------------------------------------------------------------------------------------------


@pytest.fixture
def partial(clock):
    lab = Lab(clock, text=PARTIAL, reset_ns=800 * MS)
    lab.manager.start()
    return lab


def test_all_partial_networks_are_woken_unless_some_are_named(partial):
    partial.run((100, partial.manager.wake), until_ms=300)
    assert partial.heard[0].data[:3] == bytes([0x10, 0x50, 0b11])
    first_ns = partial.heard[0].t_ns
    assert partial.told[:3] == [(0, "application off"), (0, "16 off"), (0, "17 off")]
    assert partial.told[3:] == [(100 * MS, "application on"), (first_ns, "16 on"), (first_ns, "17 on")]


def test_one_partial_network_goes_off_while_the_other_is_on(partial):
    manager = partial.manager
    partial.run((0, manager.wake), (1900, lambda: manager.release(17)), until_ms=6000)
    last_ns = [f.t_ns for f in partial.heard if 17 in read_pdu(f.data, PduLayout()).pncs][-1]
    assert 1600 * MS < last_ns < 1900 * MS
    assert partial.told[-1] == (last_ns + 800 * MS, "17 off")
    assert manager.pncs == {16}
    partial.run((6000, lambda: manager.request(17, node="ECM")), until_ms=6500)
    assert partial.told_since(6000) == ["17 on"]
    asking = {f.can_id for f in partial.heard if f.t_ns > 6000 * MS and 17 in read_pdu(f.data, PduLayout()).pncs}
    assert asking == {ECM}


def test_a_partial_network_stays_on_while_one_node_requests_it(partial):
    manager = partial.manager
    partial.run((0, manager.wake), (1000, lambda: manager.release(17, node="BCM")), until_ms=6000)
    assert manager.pncs == {16, 17}
    partial.run((6000, lambda: manager.release(17, node="ECM")), until_ms=9000)
    assert manager.pncs == {16}


def test_a_wakeup_may_name_its_partial_networks(partial):
    partial.run((0, lambda: partial.manager.wake(pncs=[16])), until_ms=3000)
    assert partial.told_since(0)[3:] == ["application on", "16 on"]


def test_partial_networks_go_off_before_the_application_stops(partial):
    manager = partial.manager
    partial.run((0, manager.wake), (1000, manager.sleep), until_ms=9000)
    assert partial.told_since(1) == ["16 off", "17 off", "application off"]
    assert manager.state is State.BUS_SLEEP


def test_the_real_node_sleeps_while_only_another_partial_network_is_requested(partial):
    ecu = RealEcu(partial, partial=PartialNetworks(frozenset({16}), reset_ns=800 * MS))
    manager = partial.manager
    partial.run((0, manager.wake), (3000, lambda: manager.release(16)), until_ms=8000)
    assert ecu.machine.state is State.BUS_SLEEP
    assert manager.state is State.NORMAL_OPERATION
    partial.run((8000, lambda: manager.request(16)), until_ms=8300)
    assert ecu.machine.state is State.REPEAT_MESSAGE


def test_the_real_node_may_request_a_partial_network(partial):
    ecu = RealEcu(partial, partial=PartialNetworks(reset_ns=800 * MS))
    partial.run((0, lambda: (ecu.machine.request_pncs([17], 0), ecu.call("request"))), until_ms=3000)
    assert partial.manager.pncs == {17}
    assert partial.told_since(0)[3:] == ["application on", "17 on"]


# Nothing to play ------------------------------------------------------------------------------------------------------


def test_where_all_nodes_are_real_the_bench_follows_without_a_voice(clock):
    lab = Lab(clock, real_nodes=("BCM", "ECM", "ECU"))
    lab.manager.start()
    ecu = RealEcu(lab)
    lab.run((0, lambda: ecu.call("request")), (1000, lambda: ecu.call("release")), until_ms=9000)
    assert {frame.can_id for frame in lab.heard} == {ECU}
    assert [change.after for change in lab.states][-2:] == [State.PREPARE_BUS_SLEEP, State.BUS_SLEEP]
    assert [what for _, what in lab.told] == ["application off", "application on", "application off"]
    for use in (lab.manager.wake, lab.manager.sleep, lab.manager.request_repeat):
        with pytest.raises(
            UsageError, match="no node of bus body that the bench plays takes part in network management"
        ):
            use()


def test_a_bus_without_network_management_says_so(clock):
    lab = Lab(clock, text=DBC.replace('BA_ "NmAsrMessage"', '// BA_ "NmAsrMessage"'))
    assert not lab.manager.is_managed
    assert lab.manager.nodes == []


# Start, stop, time ----------------------------------------------------------------------------------------------------


def test_before_the_start_nothing_is_sent_or_followed(clock):
    lab = Lab(clock)
    lab.manager.on_frame(CanFrame(0, "body", ECU, bytes(8)))
    assert lab.manager.state is State.BUS_SLEEP
    for use in (lab.manager.wake, lab.manager.sleep, lambda: lab.manager.request(16), lab.manager.request_repeat):
        with pytest.raises(UsageError, match="network management of bus body is not running"):
            use()


def test_stop_is_silent_at_once_and_start_begins_asleep(lab):
    manager = lab.manager
    lab.run((0, manager.wake), (1000, manager.stop), until_ms=3000)
    assert lab.times(BCM)[-1] == 800
    assert (manager.state, manager.running) == (State.BUS_SLEEP, False)
    assert (lab.states[-1].after, lab.states[-1].cause, lab.states[-1].by) == (State.BUS_SLEEP, None, "")
    assert lab.told_since(1000) == ["application off"]
    lab.run((3000, manager.start), (4000, manager.wake), until_ms=5000)
    assert next(t_ms for t_ms in lab.times(BCM) if t_ms > 1000) == 4000


def test_a_second_start_changes_nothing(lab):
    lab.run((0, lab.manager.wake), (500, lab.manager.start), until_ms=1000)
    assert lab.told_since(1) == []
    assert lab.manager.state is State.NORMAL_OPERATION


def test_a_sleeping_bus_leaves_nothing_on_the_agenda(lab):
    lab.run((0, lab.manager.wake), (100, lab.manager.sleep), until_ms=9000)
    assert all(timer.callback is None for _, _, timer in lab.clock._agenda)


def test_the_agenda_doesnt_grow(lab):
    lab.run((0, lab.manager.wake), until_ms=60_000)
    assert len(lab.clock._agenda) < 20


@pytest.mark.parametrize(("within_ms", "came"), [(1000, False), (2000, True)])
def test_one_may_wait_for_a_state(lab, within_ms, came):
    async def main():
        lab.manager.wake()
        await lab.clock.sleep(1)
        lab.manager.sleep()
        return await lab.manager.wait_for(lambda state: state is State.BUS_SLEEP, within_ms * MS)

    t_ns = lab.clock.run(main())
    assert t_ns == (lab.states[-1].t_ns if came else None)
    assert (lab.manager.state is State.BUS_SLEEP) is came
    assert lab.manager._waiting == []


def test_a_wait_for_the_present_state_is_over_at_once(lab):
    assert lab.clock.run(lab.manager.wait_for(lambda state: state is State.BUS_SLEEP, 1)) == 0


class RestartingClock(VirtualClock):
    """A virtual clock whose time begins anew as a real one's does: what is on the agenda keeps its instant."""

    def begin_anew(self):
        shift_ns, self.now_ns = self.now_ns, 0
        for _, _, timer in self._agenda:
            timer.t_ns -= shift_ns
        self._agenda[:] = [(t_ns - shift_ns, order, timer) for t_ns, order, timer in self._agenda]
        return shift_ns


def test_when_bench_time_begins_anew_what_is_due_keeps_its_instant():
    clock = RestartingClock()
    lab = Lab(clock)
    lab.manager.start()
    ecu = RealEcu(lab)
    lab.run((0, lab.manager.wake), (1000, lab.manager.sleep), until_ms=1500)
    ecu.machine.stop()
    last_ns = lab.heard[-1].t_ns
    (before,) = lab.manager.real_nodes()
    clock.begin_anew()
    lab.run(until_ms=3000)
    (node,) = lab.manager.real_nodes()
    assert node.last_ns == before.last_ns - 1500 * MS
    assert [change.t_ns for change in lab.states[-2:]] == [last_ns - 500 * MS, last_ns + 200 * MS]
    clock.close()


# Mistakes -------------------------------------------------------------------------------------------------------------


def test_a_node_that_isnt_played_is_named_with_the_nearest(lab):
    with pytest.raises(UsageError, match=r"plays no NM node 'BCN' on bus body. Remedy: did you mean BCM\?"):
        lab.manager.wake(by="BCN")
    with pytest.raises(UsageError, match="Remedy: it plays BCM, ECM"):
        lab.manager.mute("XYZ", True)
    assert lab.manager.nodes == ["BCM", "ECM"]


def test_times_that_contradict_each_other_are_refused_with_their_message(clock):
    with pytest.raises(UsageError, match=r"^body::NM_BCM: NM cycle 200 ms and timeout 100 ms: the bus would sleep"):
        Lab(clock, text=DBC.replace('"NmAsrTimeoutTime" 1000', '"NmAsrTimeoutTime" 100'))


def test_a_partial_network_without_a_bit_is_refused_with_its_message(clock):
    with pytest.raises(UsageError, match=r"^body::NM_BCM: partial network 3 has no bit.* it holds 16 to 63\."):
        Lab(clock, text=DBC + 'BA_ "NmPnc" BO_ 256 3;\n')
    lab = Lab(clock, text=DBC + 'BA_ "NmPnc" BO_ 256 3;\n', layout=PduLayout(first_pnc=1))
    assert lab.manager.known_pncs == {3}
    lab.manager.start()
    lab.run((0, lab.manager.wake), until_ms=100)
    assert lab.heard[0].data[2:4] == bytes([0b100, 0])
    assert lab.manager.pncs == {3}
