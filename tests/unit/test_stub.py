"""A contact in a node's two conductors: who hears what while it is open, what counters say, what is sent after it."""

import pytest

from hil.can.bits import duration_ns, measure
from hil.can.confinement import CLEAN, ErrorState
from hil.can.frames import ERROR, SENT
from hil.can.wire import SimWire
from hil.clock import VirtualClock

MS = 1_000_000


class Lab:
    """Two nodes that talk, and one in between whose conductors are opened."""

    def __init__(self):
        self.clock = VirtualClock()
        self.wire = SimWire(self.clock, "cabin", restart_after_ns=100 * MS)
        self.heard = {name: [] for name in ("first", "ecu", "last")}
        self.ports = {name: self._node(name) for name in self.heard}
        self.stub = self.wire.stub("ecu")

    def _node(self, name):
        port = self.wire.port(name)
        self.clock.run(port.open(self.heard[name].append, print))
        return port

    def run(self, *actions, until_ns):
        async def main():
            for t_ns, action in actions:
                self.clock.call_at(t_ns, lambda action: action(), action)
            await self.clock.sleep_until(until_ns)

        self.clock.run(main())

    def send(self, name, can_id, data=b"", count=1):
        def action():
            for _ in range(count):
                self.ports[name].send(can_id, data)

        return action

    def ids(self, name):
        return [(frame.can_id, frame.data) for frame in self.heard[name] if not frame.flags & (ERROR | SENT)]


@pytest.fixture
def lab():
    lab = Lab()
    yield lab
    lab.clock.close()


def test_an_open_node_is_alone_and_the_others_go_on(lab):
    """It goes error-passive, not bus-off; nobody else sees an error."""
    lab.run(
        (1 * MS, lambda: lab.stub.connect(False)),
        (2 * MS, lab.send("ecu", 0x100, b"lost")),
        (3 * MS, lab.send("first", 0x200, b"well")),
        until_ns=1_000 * MS,
    )
    assert lab.ids("last") == [(0x200, b"well")]
    assert lab.ids("ecu") == []
    assert lab.ports["ecu"].state is ErrorState.PASSIVE
    assert lab.ports["ecu"].counters.tec == 128
    assert lab.ports["first"].counters == lab.ports["last"].counters == CLEAN
    assert lab.wire.error_frames == 0


def test_a_closed_node_says_the_latest_of_each_identifier_and_hears_again(lab):
    values = [bytes([number]) for number in range(5)]
    lab.run(
        (1 * MS, lambda: lab.stub.connect(False)),
        *((2 * MS + number * MS, lab.send("ecu", 0x100, data)) for number, data in enumerate(values)),
        *((2 * MS + number * MS, lab.send("ecu", 0x101, data)) for number, data in enumerate(values)),
        (50 * MS, lambda: lab.stub.connect(True)),
        (60 * MS, lab.send("first", 0x200)),
        until_ns=100 * MS,
    )
    assert lab.ids("last") == [(0x100, values[0]), (0x101, values[-1]), (0x100, values[-1]), (0x200, b"")]
    assert lab.ids("ecu") == [(0x200, b"")]
    assert lab.ports["ecu"].counters.tec == 128 - 3


def test_a_contact_that_opens_in_the_nodes_own_frame_opens_behind_it(lab):
    frame_ns = duration_ns(measure(0x100, b"12345678", 0), 500_000, None)
    lab.run(
        (1 * MS, lab.send("ecu", 0x100, b"12345678")),
        (1 * MS + frame_ns // 2, lambda: lab.stub.connect(False)),
        (1 * MS + frame_ns // 2, lab.send("ecu", 0x101, b"behind")),
        until_ns=20 * MS,
    )
    assert lab.ids("last") == [(0x100, b"12345678")]
    assert lab.ports["ecu"].wire is not lab.wire


def test_a_frame_that_is_on_the_wire_when_it_opens_is_lost_for_the_node(lab):
    lab.run(
        (1 * MS, lab.send("first", 0x200, b"12345678")),
        (1 * MS + 50_000, lambda: lab.stub.connect(False)),
        until_ns=5 * MS,
    )
    assert lab.ids("last") == [(0x200, b"12345678")]
    assert lab.heard["ecu"] == []


def test_the_same_goes_for_a_wire_with_errors_on_it(lab):
    """Counters above zero: each attempt is accounted for bit by bit, and a node that left takes no part."""
    lab.ports["first"].counters = lab.ports["first"].counters.after_error(8, 0)
    lab.wire.assess()
    lab.run(
        (1 * MS, lab.send("first", 0x200, b"12345678")),
        (1 * MS + 50_000, lambda: lab.stub.connect(False)),
        (2 * MS, lab.send("ecu", 0x100, b"alone")),
        (2 * MS + 30_000, lambda: lab.stub.connect(True)),
        until_ns=20 * MS,
    )
    assert lab.heard["ecu"][-1].flags & SENT
    assert lab.ids("last") == [(0x200, b"12345678"), (0x100, b"alone")]


def test_a_contact_that_moves_twice_in_one_frame_is_where_it_was(lab):
    lab.run(
        (1 * MS, lab.send("ecu", 0x100, b"12345678")),
        (1 * MS + 10_000, lambda: lab.stub.connect(False)),
        (1 * MS + 20_000, lambda: lab.stub.connect(True)),
        (5 * MS, lab.send("ecu", 0x101)),
        until_ns=20 * MS,
    )
    assert lab.ids("last") == [(0x100, b"12345678"), (0x101, b"")]
    assert lab.ports["ecu"].counters == CLEAN


def test_a_node_that_is_bus_off_counts_its_way_back_where_it_is(lab):
    """Alone on its piece it sees an idle bus; as the others' wire again, it is back."""
    port = lab.ports["ecu"]
    port.counters = port.counters.after_error(256, 0)
    port.tell(CLEAN, 0)
    lab.wire.assess()
    lab.run(
        (1 * MS, lambda: lab.stub.connect(False)),
        (200 * MS, lambda: lab.stub.connect(True)),
        (201 * MS, lab.send("ecu", 0x100)),
        until_ns=300 * MS,
    )
    assert port.state is ErrorState.ACTIVE
    assert lab.ids("last") == [(0x100, b"")]


def test_conductors_may_be_open_before_the_node_is_there():
    clock = VirtualClock()
    wire = SimWire(clock, "cabin")
    wire.stub("late").connect(False)
    assert wire.port("late").wire is not wire
    wire.stub("late").connect(True)
    assert wire.find("late").wire is wire
    assert [port.node for port in wire.nodes] == ["late"]
    clock.close()
