"""AUTOSAR CAN network management of one node: its table, its times to the nanosecond, its frames, partial networks."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.can.nm import (
    TRANSITIONS,
    Changed,
    Event,
    NetworkStarted,
    NmConfig,
    NmMachine,
    PartialNetworks,
    PduLayout,
    PncChanged,
    Send,
    State,
    Unheard,
    When,
    check_config,
    diagram,
    read_pdu,
)
from hil.can.traits import NmTimes
from hil.errors import UsageError

MS = 1_000_000
TIMES = NmTimes(cycle_ns=500 * MS, timeout_ns=2000 * MS, repeat_ns=1600 * MS, wait_sleep_ns=1500 * MS)
PN = PartialNetworks(relevant=frozenset({16, 25}), reset_ns=1000 * MS)
OTHER = bytes([0x22, 0, 0, 0, 0, 0, 0, 0])
ACTIVE, REPEAT, PNI = 0x10, 0x01, 0x40

BUS, PREPARE, READY = State.BUS_SLEEP, State.PREPARE_BUS_SLEEP, State.READY_SLEEP
NORMAL, RMS = State.NORMAL_OPERATION, State.REPEAT_MESSAGE


class Node:
    """A machine on a bus without delay: what it sends is confirmed at once unless nobody listens."""

    def __init__(self, *, heard=True, **config):
        self.machine = NmMachine(NmConfig(0x11, **{"times": TIMES} | config))
        self.heard, self.now_ns = heard, 0
        self.frames, self.states, self.told = [], [], []

    def take(self, actions):
        for action in actions:
            if isinstance(action, Send):
                self.frames.append((self.now_ns // MS, action.data))
                if self.heard:
                    self.take(self.machine.transmitted(self.now_ns, action.data))
            elif isinstance(action, Changed):
                assert action.before is not action.after
                self.states.append((action.t_ns // MS, action.after))
            else:
                self.told.append(action)

    def at(self, t_ms, event="advance", *arguments):
        """Let time pass to `t_ms`, timer by timer, then call the machine."""
        while self.machine.deadline_ns is not None and self.machine.deadline_ns < t_ms * MS:
            self.now_ns = self.machine.deadline_ns
            self.take(self.machine.advance(self.now_ns))
        self.now_ns = t_ms * MS
        self.take(getattr(self.machine, event)(*(a for a in arguments if not isinstance(a, bytes)), self.now_ns,
                                               *(a for a in arguments if isinstance(a, bytes))))  # fmt: skip

    def end(self):
        """Let everything happen that is due, with nothing from outside."""
        while self.machine.deadline_ns is not None:
            assert self.machine.deadline_ns < 100_000 * MS
            self.at(self.machine.deadline_ns // MS)

    @property
    def times(self):
        return [t_ms for t_ms, _ in self.frames]

    @property
    def controls(self):
        return [data[1] for _, data in self.frames]

    def pncs(self):
        return [(e.t_ns // MS, e.pnc, e.on) for e in self.told if isinstance(e, PncChanged)]


def in_state(state, **config):
    """A node that has just come into a state, at time 0 of its own; the network is requested only in Normal."""
    node = Node(**config)
    node.at(0, "passive_start_up")
    if state is NORMAL:
        node.at(1, "request")
    while node.machine.state is not state:
        node.at(node.machine.deadline_ns // MS)
    node.frames.clear(), node.states.clear(), node.told.clear()
    return node


# The table ------------------------------------------------------------------------------------------------------------

CHART = {
    (BUS, Event.REQUEST, RMS), (BUS, Event.PASSIVE_START, RMS),
    (PREPARE, Event.REQUEST, RMS), (PREPARE, Event.PASSIVE_START, RMS), (PREPARE, Event.RECEIVED, RMS),
    (PREPARE, Event.WAIT_END, BUS),
    (RMS, Event.REPEAT_END, NORMAL), (RMS, Event.REPEAT_END, READY), (RMS, Event.REQUEST, RMS),
    (NORMAL, Event.RELEASE, READY), (NORMAL, Event.REPEAT_BIT, RMS), (NORMAL, Event.REPEAT_REQUEST, RMS),
    (NORMAL, Event.REQUEST, RMS),
    (READY, Event.REQUEST, NORMAL), (READY, Event.REQUEST, RMS), (READY, Event.REPEAT_BIT, RMS),
    (READY, Event.REPEAT_REQUEST, RMS), (READY, Event.TIMEOUT, PREPARE),
}  # fmt: skip
"""The state chart of the specification (7.20), typed by hand."""


def test_the_table_is_the_state_chart():
    assert {(row.source, row.event, row.target) for row in TRANSITIONS if row.target is not None} == CHART


def test_of_rows_for_one_state_and_event_every_one_can_hold():
    """A row behind one that always holds would never be taken."""
    key = lambda row: (row.source, row.event)  # noqa: E731
    for _, rows in itertools.groupby(sorted(TRANSITIONS, key=key), key):
        *before, _ = (row.when for row in rows)
        assert When.ALWAYS not in before
        assert len(set(before)) == len(before)


def test_every_row_names_its_requirement():
    assert all(row.rule for row in TRANSITIONS)


def test_the_diagram_is_drawn_from_the_table():
    lines = diagram().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> bus_sleep"]
    assert len(lines) == 2 + len([row for row in TRANSITIONS if row.target is not None])
    assert "    repeat_message --> ready_sleep: repeat message timer expired [network released]" in lines
    assert "    ready_sleep --> prepare_bus_sleep: NM timeout timer expired" in lines


def test_only_network_mode_is_network():
    assert [state for state in State if state.is_network] == [READY, NORMAL, RMS]


# Times ----------------------------------------------------------------------------------------------------------------


def test_an_active_wakeup_repeats_its_message_then_goes_on():
    node = Node()
    node.at(1000, "request")
    node.at(4000)
    assert node.states == [(1000, RMS), (2600, NORMAL)]
    assert node.times == [1000, 1500, 2000, 2500, 3000, 3500, 4000]
    assert set(node.controls) == {ACTIVE}
    assert all(data[0] == 0x11 for _, data in node.frames)


def test_released_in_repeat_message_it_sleeps_after_all_times():
    node = Node()
    node.at(0, "request")
    node.at(100, "release")
    node.end()
    assert node.times == [0, 500, 1000, 1500]
    assert node.states == [(0, RMS), (1600, READY), (3500, PREPARE), (5000, BUS)]
    assert node.machine.deadline_ns is None


def test_the_state_is_decided_before_the_frame_of_the_same_instant():
    node = Node(times=NmTimes(500 * MS, 2000 * MS, 1500 * MS, 1500 * MS))
    node.at(0, "passive_start_up")
    node.end()
    assert node.times == [0, 500, 1000]
    assert node.states[1] == (1500, READY)


def test_released_in_normal_operation_it_stops_sending_at_once():
    node = in_state(NORMAL)
    start_ms = node.now_ns // MS
    node.at(start_ms + 1000, "release")
    sent = list(node.times)
    node.end()
    assert node.times == sent
    assert node.states[0] == (start_ms + 1000, READY)
    assert node.states[1] == (sent[-1] + 2000, PREPARE)


def test_a_frame_to_a_sleeping_node_is_only_told():
    node = Node()
    node.at(70, "received", OTHER)
    assert node.told == [NetworkStarted(70 * MS)]
    assert (node.machine.state, node.machine.deadline_ns) == (BUS, None)


def test_a_passive_start_up_doesnt_claim_to_have_woken_the_bus():
    node = Node()
    node.at(70, "passive_start_up")
    node.end()
    assert node.times == [70, 570, 1070, 1570]
    assert set(node.controls) == {0}


@pytest.mark.parametrize("state", [RMS, NORMAL])
def test_a_request_while_awake_doesnt_claim_it_either(state):
    node = in_state(state)
    node.at(node.now_ns // MS + 10, "request")
    node.at(node.now_ns // MS + 1000)
    assert set(node.controls) == {0}


def test_every_foreign_frame_puts_sleep_off():
    node = in_state(READY)
    for t_ms in (2000, 3999, 5998):
        node.at(t_ms, "received", OTHER)
    node.end()
    assert node.states == [(7998, PREPARE), (9498, BUS)]


def test_a_frame_at_the_instant_of_the_timeout_counts():
    node = in_state(READY)
    deadline_ms = node.machine.deadline_ns // MS
    node.at(deadline_ms, "received", OTHER)
    node.at(deadline_ms + 1999)
    assert node.states == []
    node.at(deadline_ms + 2000)
    assert node.states == [(deadline_ms + 2000, PREPARE)]


def test_a_request_at_the_instant_of_the_timeout_counts():
    node = in_state(READY)
    node.at(node.machine.deadline_ns // MS, "request")
    assert [state for _, state in node.states] == [NORMAL]


def test_in_prepare_bus_sleep_a_frame_wakes_at_once():
    node = in_state(PREPARE)
    t_ms = node.now_ns // MS + 700
    node.at(t_ms, "received", OTHER)
    assert (node.machine.state, node.times, node.controls) == (RMS, [t_ms], [0])
    assert node.told == []


def test_in_prepare_bus_sleep_a_request_is_an_active_wakeup():
    node = in_state(PREPARE)
    node.at(node.now_ns // MS + 700, "request")
    assert (node.machine.state, node.controls) == (RMS, [ACTIVE])


def test_the_active_wakeup_bit_goes_when_network_mode_is_left():
    node = Node()
    node.at(0, "request")
    node.at(10, "release")
    node.at(3600)
    assert node.machine.state is PREPARE
    node.at(3700, "received", OTHER)
    assert node.controls == [ACTIVE] * 4 + [0]


def test_in_ready_sleep_a_request_sends_at_once():
    node = in_state(READY)
    t_ms = node.now_ns // MS + 123
    node.at(t_ms, "request")
    node.at(t_ms + 1000)
    assert node.states == [(t_ms, NORMAL)]
    assert node.times == [t_ms, t_ms + 500, t_ms + 1000]


def test_without_anybody_to_confirm_it_stays_awake_and_tells():
    node = Node(heard=False)
    node.at(0, "request")
    node.at(6500)
    assert node.told == [Unheard(2000 * MS), Unheard(4000 * MS), Unheard(6000 * MS)]
    assert node.machine.state is NORMAL


def test_the_first_frame_waits_for_the_offset():
    node = Node(offset_ns=30 * MS)
    node.at(0, "request")
    node.at(600)
    assert node.times == [30, 530]


def test_an_active_wakeup_may_begin_with_a_burst_without_offset():
    node = Node(offset_ns=30 * MS, immediate_count=3, immediate_cycle_ns=20 * MS)
    node.at(0, "request")
    node.at(1100)
    assert node.times == [0, 20, 40, 540, 1040]


def test_a_burst_ends_with_repeat_message():
    node = Node(immediate_count=200, immediate_cycle_ns=50 * MS)
    node.at(0, "request")
    node.at(3000)
    assert node.times == [*range(0, 1600, 50), 1600, 2100, 2600]


def test_a_passive_start_up_has_no_burst():
    node = Node(offset_ns=30 * MS, immediate_count=3)
    node.at(0, "passive_start_up")
    node.at(600)
    assert node.times == [30, 530]


@pytest.mark.parametrize("state", [RMS, NORMAL, READY])
def test_a_node_may_restart_at_each_request(state):
    node = in_state(state, restarts=True, immediate_count=2, immediate_cycle_ns=20 * MS)
    t_ms = node.now_ns // MS + 7
    node.at(t_ms, "request")
    assert node.machine.state is RMS
    node.at(t_ms + 25)
    assert node.times == [t_ms, t_ms + 20]
    node.at(t_ms + 1599)
    assert node.machine.state is RMS
    node.at(t_ms + 1600)
    assert node.machine.state is NORMAL


def test_a_passive_node_follows_and_never_sends():
    node = Node(passive=True)
    node.at(0, "request")
    node.end()
    assert node.frames == []
    assert node.states == [(0, RMS), (1600, READY), (2000, PREPARE), (3500, BUS)]


def test_what_was_due_long_ago_is_sent_once():
    node = Node(heard=False)
    node.machine.request(0)
    actions = node.machine.advance(1400 * MS)
    assert len([action for action in actions if isinstance(action, Send)]) == 1
    assert node.machine.deadline_ns == 1600 * MS


def test_what_was_due_a_little_ago_keeps_its_phase():
    machine = NmMachine(NmConfig(1, TIMES))
    machine.request(0)
    machine.advance(800 * MS)
    assert machine.deadline_ns == 1000 * MS


def test_timers_that_were_due_before_an_event_come_first():
    machine = NmMachine(NmConfig(1, TIMES))
    machine.passive_start_up(0)
    actions = [action for action in machine.received(3900 * MS, OTHER) if not isinstance(action, Send)]
    assert [(a.t_ns // MS, a.after) for a in actions[:-1]] == [(1600, READY), (2000, PREPARE), (3500, BUS)]
    assert actions[-1] == NetworkStarted(3900 * MS)


@pytest.mark.parametrize(
    ("first", "event", "t_ms", "then"),
    [
        ("passive_start_up", "request", 3600, [(1600, READY), (2000, PREPARE), (3500, BUS), (3600, RMS)]),
        ("passive_start_up", "passive_start_up", 3600, [(1600, READY), (2000, PREPARE), (3500, BUS), (3600, RMS)]),
        ("passive_start_up", "request_repeat", 1700, [(1600, READY), (1700, RMS)]),
        ("passive_start_up", "transmitted", 2100, [(1600, READY), (2000, PREPARE)]),
        ("request", "release", 3000, [(1600, NORMAL), (3000, READY)]),
    ],
)
def test_before_any_event_what_was_due_by_then_comes_first(first, event, t_ms, then):
    """On a real bench a call may come before the timer's, though its instant lies behind."""
    machine = NmMachine(NmConfig(1, TIMES))
    getattr(machine, first)(0)
    actions = getattr(machine, event)(t_ms * MS, *([OTHER] if event == "transmitted" else []))
    assert [(a.t_ns // MS, a.after) for a in actions if isinstance(a, Changed)] == then


def test_shift_moves_all_that_is_due():
    node = in_state(READY, partial=PN)
    node.at(node.now_ns // MS, "received", asking(16))
    machine, deadlines = node.machine, []
    pnc_ns = machine.deadline_ns
    machine.shift(-300 * MS)
    while machine.deadline_ns is not None:
        deadlines.append(machine.deadline_ns)
        machine.advance(machine.deadline_ns)
    assert deadlines == [pnc_ns - 300 * MS, pnc_ns + 700 * MS, pnc_ns + 2200 * MS]


def test_stop_ends_everything():
    node = in_state(NORMAL, partial=PN, immediate_count=5)
    node.machine.stop()
    node.at(node.now_ns // MS, "request")
    node.at(node.now_ns // MS + 3000, "request_pncs", [16])
    node.at(node.now_ns // MS + 1000, "request_repeat")
    machine = node.machine
    assert (machine.payload()[1], machine.pncs) == (ACTIVE | REPEAT | PNI, {16})
    machine.stop()
    assert (machine.state, machine.requested, machine.deadline_ns, machine.pncs) == (BUS, False, None, frozenset())
    assert machine.payload()[1:] == bytes([PNI, 0, 0, 0, 0, 0, 0])


# Repeat message request -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [NORMAL, READY])
def test_a_received_repeat_bit_is_answered(state):
    node = in_state(state)
    t_ms = node.now_ns // MS + 10
    node.at(t_ms, "received", bytes([0x22, REPEAT, 0, 0, 0, 0, 0, 0]))
    node.at(t_ms + 1599)
    assert node.states == [(t_ms, RMS)]
    assert node.times == [t_ms, t_ms + 500, t_ms + 1000, t_ms + 1500]
    assert set(node.controls) == {0}, "it answers the request, it doesn't repeat it"
    node.at(t_ms + 1600)
    assert node.machine.state is state


def test_in_repeat_message_the_bit_changes_nothing():
    node = in_state(RMS)
    node.at(700, "received", bytes([0x22, REPEAT, 0, 0, 0, 0, 0, 0]))
    node.at(1600)
    assert node.states == [(1600, READY)]


@pytest.mark.parametrize("state", [NORMAL, READY])
def test_an_own_request_shows_the_bit_as_long_as_it_repeats(state):
    node = in_state(state)
    t_ms = node.now_ns // MS + 10
    node.at(t_ms, "request_repeat")
    node.at(t_ms + 1700)
    node.at(t_ms + 1701, "request")
    node.at(t_ms + 2400)
    assert node.states[0] == (t_ms, RMS)
    assert node.controls[:4] == [REPEAT] * 4
    assert node.controls[4:]
    assert set(node.controls[4:]) == {0}


@pytest.mark.parametrize("state", [BUS, PREPARE, RMS])
def test_elsewhere_nobody_is_asked(state):
    node = in_state(state)
    t_ms = node.now_ns // MS
    node.at(t_ms + 10, "request_repeat")
    assert node.machine.state is state
    node.at(t_ms + 600)
    assert set(node.controls) <= {0}


# Frames ---------------------------------------------------------------------------------------------------------------


def test_a_frame_says_who_and_why():
    pdu = read_pdu(bytes([0x22, ACTIVE | REPEAT | PNI, 0b1, 0b10]), PduLayout())
    assert (pdu.node_id, pdu.is_active_wakeup, pdu.wants_repeat, pdu.has_partial_networks) == (0x22, True, True, True)
    assert pdu.pncs == {16, 25}
    assert read_pdu(b"\x22", PduLayout()) == read_pdu(b"\x22\x00\xff", PduLayout())
    assert read_pdu(b"", PduLayout()).node_id is None


def test_the_places_may_be_others():
    layout = PduLayout(node_id_byte=1, control_byte=0, pn_byte=4, pn_bytes=2, first_pnc=1)
    node = Node(layout=layout, template=bytes.fromhex("A0A1A2A3FFFFA6A7"), partial=PartialNetworks())
    node.machine.request_pncs([1, 16], 0)
    assert node.machine.payload() == bytes.fromhex("4011A2A30180A6A7")
    assert read_pdu(node.machine.payload(), layout).pncs == {1, 16}


def test_a_frame_may_have_neither_identifier_nor_control_bits():
    node = Node(layout=PduLayout(node_id_byte=None, control_byte=None), template=b"\xaa\xbb")
    node.at(0, "request")
    assert node.frames == [(0, b"\xaa\xbb")]


def test_user_data_stays_without_partial_networks():
    node = Node(template=b"\xff" * 8)
    node.at(0, "request")
    assert node.frames == [(0, bytes([0x11, ACTIVE]) + b"\xff" * 6)]


@settings(deadline=None)
@given(st.frozensets(st.integers(16, 63)), st.binary(min_size=8, max_size=8))
def test_requests_are_read_as_they_were_written(pncs, template):
    node = Node(template=template, partial=PartialNetworks())
    node.machine.request_pncs(pncs, 0)
    assert read_pdu(node.machine.payload(), PduLayout()).pncs == pncs


@pytest.mark.parametrize("pnc", [15, 64, 0])
def test_a_partial_network_without_a_bit_is_refused(pnc):
    node = Node(partial=PartialNetworks())
    with pytest.raises(
        UsageError, match=f"partial network {pnc} has no bit in the NM frame. Remedy: it holds 16 to 63"
    ):
        node.machine.request_pncs([pnc], 0)


def test_nor_one_beyond_a_short_frame():
    node = Node(partial=PartialNetworks(), template=bytes(3))
    node.machine.request_pncs([23], 0)
    with pytest.raises(UsageError, match="it holds 16 to 23"):
        node.machine.request_pncs([24], 0)


# Partial networks -----------------------------------------------------------------------------------------------------


def asking(*pncs, control=PNI):
    data = bytearray(8)
    data[0], data[1] = 0x22, control
    for pnc in pncs:
        data[pnc // 8] |= 1 << pnc % 8
    return bytes(data)


def test_only_frames_that_concern_a_node_keep_it_awake():
    node = in_state(READY, partial=PN)
    due_ns = node.machine.deadline_ns
    for data in (OTHER, asking(), asking(17, 40), asking(16, control=0)):
        node.at(node.now_ns // MS + 100, "received", data)
        assert node.machine.deadline_ns == due_ns
    node.at(node.now_ns // MS + 100, "received", asking(25))
    node.end()
    assert node.states[-2][0] == node.pncs()[0][0] + 2000


def test_a_frame_of_another_partial_network_doesnt_wake():
    node = Node(partial=PN)
    node.at(5, "received", asking(17))
    assert node.told == []
    node.at(6, "received", asking(16))
    assert node.told == [NetworkStarted(6 * MS)]


def test_a_gateway_is_kept_awake_by_all():
    node = Node(partial=PartialNetworks(frozenset({16}), all_keep_awake=True, reset_ns=1000 * MS))
    for number, data in enumerate((OTHER, asking(), asking(17))):
        node.at(number, "received", data)
    assert len(node.told) == 3


def test_a_partial_network_goes_off_after_its_time_while_another_is_on():
    node = in_state(READY, partial=PN)
    start_ms = node.now_ns // MS
    node.at(start_ms + 100, "received", asking(16, 25, 40))
    for t_ms in range(500, 3001, 500):
        node.at(start_ms + t_ms, "received", asking(25))
    relative = [(t_ms - start_ms, pnc, on) for t_ms, pnc, on in node.pncs()]
    assert relative == [(100, 16, True), (100, 25, True), (1100, 16, False)]
    assert node.machine.pncs == {25}


def test_an_own_request_is_on_as_soon_as_it_is_seen_on_the_bus():
    node = Node(partial=PN, offset_ns=30 * MS)
    node.at(0, "request")
    node.at(1, "request_pncs", [16])
    assert node.pncs() == []
    node.at(700)
    assert node.pncs() == [(30, 16, True)]
    node.at(1800, "request_pncs", [])
    node.at(3000)
    assert node.pncs() == [(30, 16, True), (2530, 16, False)]
    assert [read_pdu(data, PduLayout()).pncs for _, data in node.frames] == [{16}] * 4 + [frozenset()] * 2


def test_all_are_off_when_network_mode_is_left():
    """Whatever the times, since nobody may ask on a bus that sleeps."""
    node = in_state(READY, partial=PartialNetworks(None, reset_ns=1999 * MS))
    t_ms = node.now_ns // MS
    node.at(t_ms, "received", asking(16, 17))
    node.machine._pncs[17] += 5000 * MS
    node.end()
    assert node.pncs()[-2:] == [(t_ms + 1999, 16, False), (t_ms + 2000, 17, False)]


def test_a_node_without_partial_networks_ignores_their_bits():
    node = in_state(READY)
    node.at(node.now_ns // MS + 1, "received", asking(16))
    assert node.told == []
    with pytest.raises(UsageError, match="takes no part in partial networking"):
        node.machine.request_pncs([16], 0)


def test_the_reset_time_lies_between_cycle_and_timeout_by_default():
    assert NmConfig(1, TIMES, partial=PartialNetworks()).reset_ns == 1250 * MS


# Configurations that contradict themselves ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (NmConfig(1, NmTimes(cycle_ns=2000 * MS)), "NM cycle 2000 ms and timeout 2000 ms: the bus would sleep"),
        (NmConfig(1, NmTimes(cycle_ns=0)), "NM cycle 0 ms"),
        (NmConfig(1, partial=PartialNetworks(reset_ns=500 * MS)), "the reset time of partial networks is 500 ms"),
        (NmConfig(1, partial=PartialNetworks(reset_ns=2000 * MS)), "the reset time of partial networks is 2000 ms"),
        (NmConfig(256), "NM node identifier 256 is no byte"),
        (NmConfig(1, template=b"\0"), "the NM frame has no byte 1"),
    ],
)
def test_a_configuration_that_cant_work_is_refused(config, text):
    with pytest.raises(UsageError, match=f"^x: {text}.*Remedy: "):
        check_config(config, "x")
    with pytest.raises(UsageError):
        NmMachine(config)


# Several nodes --------------------------------------------------------------------------------------------------------


class Cluster:
    """Nodes on a bus without delay; each frame reaches all others in the instant in which it is sent."""

    def __init__(self, count):
        self.machines = [NmMachine(NmConfig(number, TIMES, offset_ns=number * MS)) for number in range(count)]
        self.now_ns = 0

    def take(self, sender, actions):
        for action in actions:
            if isinstance(action, Send):
                self.take(sender, self.machines[sender].transmitted(self.now_ns, action.data))
                for other, machine in enumerate(self.machines):
                    if other != sender:
                        self.take(other, machine.received(self.now_ns, action.data))
            elif isinstance(action, NetworkStarted):
                self.take(sender, self.machines[sender].passive_start_up(self.now_ns))

    def run_until(self, t_ns):
        while (due := self.first()) is not None and due <= t_ns:
            self.now_ns = due
            for number, machine in enumerate(self.machines):
                self.take(number, machine.advance(due))
        self.now_ns = t_ns

    def first(self):
        return min((m.deadline_ns for m in self.machines if m.deadline_ns is not None), default=None)

    def call(self, number, event):
        self.take(number, getattr(self.machines[number], event)(self.now_ns))


CALLS = st.lists(
    st.tuples(st.integers(0, 6000), st.integers(0, 2), st.sampled_from(["request", "release", "request_repeat"])),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(CALLS)
def test_a_cluster_is_awake_while_one_wants_it_and_sleeps_together(calls):
    cluster, wants = Cluster(3), set()
    for gap_ms, number, event in calls:
        cluster.run_until(cluster.now_ns + gap_ms * MS)
        if wants and gap_ms > 2:  # the greatest offset: before its first frame nobody knows that it wants the network
            assert all(machine.state.is_network for machine in cluster.machines)
        cluster.call(number, event)
        if event == "request":
            wants.add(number)
        elif event == "release":
            wants.discard(number)
    for number in range(3):
        cluster.call(number, "release")
    cluster.run_until(cluster.now_ns + (1600 + 2 * 2000 + 1500) * MS)
    assert {machine.state for machine in cluster.machines} == {BUS}
    assert cluster.first() is None
