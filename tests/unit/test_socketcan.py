"""Our raw SocketCAN port over a simulated kernel: what a frame is, its stamp, whose it is, and which were lost."""

import struct

import pytest
from kernel_can import KernelBus, SimulatedManager

from hil.can import raw_frames, socketcan
from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT
from hil.can.gaps import Gap, TellsGaps
from hil.can.port import TellsReading
from hil.can.socketcan import NOT_READ, SocketCanPort
from hil.clock import RealClock
from hil.clock_map import realtime_map
from hil.errors import BenchError, UsageError
from hil.journal import Origin

MS = 1_000_000


class Lab:
    """A port on a simulated interface whose stamps the test says, as bench time."""

    def __init__(self, clock, *, holds=1000):
        self.clock, self.stamp_ns = clock, 0
        self.offset_ns = -realtime_map().to_host_ns(0)
        self.kernel = KernelBus(lambda: clock.to_monotonic_ns(self.stamp_ns) + self.offset_ns)
        self.port = SocketCanPort(
            clock=clock, bus="cabin", channel="vcan0", fd=True,
            make_socket=lambda: self.kernel.socket(fd=True, holds=holds),
        )  # fmt: skip
        self.port._stamps._compare = lambda *_, **__: None  # one map for the whole test, so that distances are exact
        self.frames, self.gaps, self.lost = [], [], []
        self.port.on_gap = self.gaps.append
        clock.run(self.port.open(self.frames.append, self.lost.append))

    def carry(self, *stamps_ns, can_id=0x123, data=b"", flags=0, **how):
        """Frames are on the bus one after the other, before the bench comes to read one."""
        for self.stamp_ns in stamps_ns:
            self.kernel.carry(raw_frames.pack(can_id, data, flags), **how)

    def read(self):
        """The loop reads what is there."""
        self.clock.run(self._read())

    async def _read(self):
        self.port._read_ready()


class Held(RealClock):
    """A clock whose loop doesn't read the socket by itself: the test says when."""

    def __init__(self):
        super().__init__()
        self.loop.add_reader = self.loop.remove_reader = lambda *_: None


@pytest.fixture
def clock():
    clock = Held()
    yield clock
    clock.close()


@pytest.fixture
def lab(clock):
    lab = Lab(clock)
    yield lab
    clock.run(lab.port.close())


@pytest.mark.parametrize(
    ("can_id", "data", "flags"),
    [
        (0x7FF, b"\x01\x02", 0),
        (0x1FFF_FFFF, b"", EXTENDED),
        (0x123, bytes(range(64)), FD | BRS),
        (0x1234_5678, bytes(12), FD | ESI | EXTENDED),
        (0x321, b"", REMOTE),
    ],
)
def test_a_frame_is_the_same_behind_the_kernel(can_id, data, flags):
    assert raw_frames.unpack(raw_frames.pack(can_id, data, flags)) == (can_id, data, flags)


def test_frames_are_packed_as_python_can_packs_them():
    import can
    from can.interfaces.socketcan.socketcan import build_can_frame

    for can_id, data, flags in ((0x12, b"\x01\x02\x03", 0), (0x18DA_F110, bytes(20), FD | BRS | EXTENDED)):
        message = can.Message(
            arbitration_id=can_id, data=data, is_extended_id=bool(flags & EXTENDED), is_fd=bool(flags & FD),
            bitrate_switch=bool(flags & BRS),
        )  # fmt: skip
        ours, theirs = raw_frames.pack(can_id, data, flags), build_can_frame(message)
        assert raw_frames.unpack(ours) == raw_frames.unpack(theirs)
        assert len(ours) == len(theirs)


@pytest.mark.parametrize("raw", [b"", bytes(15), bytes(17), bytes(71)])
def test_what_is_no_frame_breaks_the_port_in_one_line(lab, raw):
    lab.kernel.carry(raw)
    lab.read()
    assert [str(error).partition(". Remedy")[0] for error in lab.lost] == [
        f"bus.cabin (socketcan vcan0): broke: {len(raw)} bytes are no CAN frame"
    ]


def test_frames_carry_the_kernels_stamp_not_the_time_at_which_they_were_read(lab):
    lab.carry(5 * MS, 7 * MS, data=b"\x01")
    lab.read()
    assert [frame.origin for frame in lab.frames] == [Origin.KERNEL] * 2
    bound_ns = lab.port.bound_ns + MS // 10
    assert [frame.t_ns for frame in lab.frames] == [
        pytest.approx(5 * MS, abs=bound_ns), pytest.approx(7 * MS, abs=bound_ns)]  # fmt: skip
    assert lab.frames[1].t_ns - lab.frames[0].t_ns == 2 * MS


def test_a_frame_without_a_stamp_is_stamped_by_the_host(lab):
    socket = lab.kernel.sockets[0]
    socket._queue.append((raw_frames.pack(0x1, b"", 0), [], 0, ("vcan0",)))
    lab.read()
    assert lab.frames[0].origin is Origin.HOST


def test_only_what_this_socket_sent_is_our_own(lab):
    lab.port.send(0x10, b"\x01")
    lab.carry(MS, can_id=0x11)
    lab.carry(MS, can_id=0x12, from_here=False)
    lab.read()
    assert [(frame.can_id, frame.flags) for frame in lab.frames] == [(0x10, SENT), (0x11, 0), (0x12, 0)]


def test_what_the_broadcast_manager_sent_is_our_own_and_what_another_node_sends_is_not(lab):
    manager = lab.port.broadcast_manager = SimulatedManager(lab.clock, lab.port)
    manager.open()
    manager.send = lambda message: None
    manager.begin((0x20, 0), [b"\x01"], 0, period_ns=MS, on_sent=lambda *_: None)
    lab.carry(MS, can_id=0x20, data=b"\x01")
    lab.carry(MS, can_id=0x20, data=b"\x01", from_here=False)
    lab.carry(MS, can_id=0x20, data=b"\x02")
    lab.read()
    assert [frame.flags for frame in lab.frames] == [SENT, 0, 0]
    manager.operations.clear()
    manager._tasks.clear()


# What was lost --------------------------------------------------------------------------------------------------------


def test_frames_that_nobody_read_in_time_are_a_gap_between_the_frames_around_them(clock):
    lab = Lab(clock, holds=3)
    assert isinstance(lab.port, TellsGaps)
    lab.carry(1 * MS, 2 * MS, 3 * MS)
    lab.read()
    assert lab.gaps == []
    lab.carry(4 * MS, 5 * MS, 6 * MS, 7 * MS, 8 * MS)
    lab.read()
    lab.carry(9 * MS)
    assert lab.gaps == []
    lab.read()
    before, after = lab.frames[-2], lab.frames[-1]
    assert lab.gaps == [Gap("cabin", before.t_ns, after.t_ns, 2, NOT_READ)]
    assert after.t_ns - before.t_ns == 3 * MS
    lab.carry(10 * MS)
    lab.read()
    assert len(lab.gaps) == 1
    clock.run(lab.port.close())


def test_the_count_of_the_kernel_may_wrap(clock):
    lab = Lab(clock)
    lab.kernel.sockets[0]._dropped = 0xFFFF_FFFF
    lab.carry(MS)
    lab.read()
    lab.kernel.sockets[0]._dropped = 0x1_0000_0001
    lab.carry(2 * MS)
    lab.read()
    lab.kernel.sockets[0]._dropped = 0x2_0000_0000
    lab.carry(3 * MS)  # whose count is 0, so that nothing but a stamp lies beside it
    lab.read()
    assert [gap.count for gap in lab.gaps] == [0xFFFF_FFFF, 2, 0xFFFF_FFFF]
    clock.run(lab.port.close())


def test_a_controller_that_ran_over_is_a_gap_that_nobody_counted(lab):
    lab.carry(MS, can_id=0x123)
    raw = struct.pack("=IB3x8s", 0x2000_0000 | 0x4, 8, bytes([0, 1]))
    lab.stamp_ns = 3 * MS
    lab.kernel.carry(raw, from_here=False)
    lab.read()
    assert lab.frames[-1].flags == ERROR
    assert lab.gaps == [Gap("cabin", lab.frames[0].t_ns, lab.frames[1].t_ns, 0, raw_frames.OVERRUN)]


@pytest.mark.parametrize(("raw_id", "second"), [(0x2000_0000 | 0x4, 0x02), (0x2000_0000 | 0x2, 0x01), (0x4, 0x01)])
def test_other_frames_say_nothing_of_an_overrun(lab, raw_id, second):
    lab.kernel.carry(struct.pack("=IB3x8s", raw_id, 8, bytes([0, second])), from_here=False)
    lab.read()
    assert lab.gaps == []


def test_a_flood_leaves_the_loop_its_turn(lab):
    lab.carry(*range(0, 700 * MS, MS))
    lab.read()
    assert 0 < len(lab.frames) < 700
    lab.read()
    lab.read()
    assert len(lab.frames) == 700


# What breaks ----------------------------------------------------------------------------------------------------------


def carry_three(lab):
    for number in (1, 2, 3):
        lab.carry(number * MS, data=bytes([number]))


def test_whoever_waited_for_a_frame_goes_on_before_the_next_one_is_read(lab):
    came = []
    lab.port._on_frame = lambda frame: came.append(frame.data[0]) or lab.clock.loop.call_soon(came.append, "goes on")
    carry_three(lab)
    for _ in range(3):
        lab.read()
    lab.read()
    assert came == [1, "goes on", 2, "goes on", 3, "goes on"]


def test_a_call_that_waited_for_a_frame_goes_on_before_the_next_one_is_read(lab):
    """It is no callback of the loop's that waits its turn: what the call waits for says so itself."""
    awaited = lab.clock.loop.create_future()
    lab.port._on_frame = lambda frame: lab.frames.append(frame) or awaited.done() or awaited.set_result(None)

    async def main():
        carry_three(lab)
        lab.clock.loop.call_soon(lab.port._read_ready)
        await awaited
        return len(lab.frames)

    assert lab.clock.run(main()) == 1
    lab.read()
    assert [frame.data[0] for frame in lab.frames] == [1, 2, 3]


def test_a_port_says_when_it_read_the_frame_that_it_tells(lab):
    said = []
    lab.port._on_frame = lambda frame: said.append((lab.clock.now_ns, lab.port.read_ns, lab.clock.now_ns))
    before_ns = lab.clock.now_ns
    lab.carry(1)
    lab.read()
    ((_, read_ns, told_ns),) = said
    assert isinstance(lab.port, TellsReading)
    assert before_ns < read_ns <= told_ns


def test_whoever_waits_for_something_else_keeps_no_frame_back(lab):
    async def main():
        lab.clock.loop.call_soon(lambda: None)
        lab.port._read_ready()

    carry_three(lab)
    lab.clock.run(main())
    assert [frame.data[0] for frame in lab.frames] == [1, 2, 3]


def test_what_the_kernel_sent_is_taken_in_to_the_last_frame_whoever_waits(lab):
    """Before a sequence of the broadcast manager ends, all that it has sent must be known."""
    lab.port._on_frame = lambda frame: lab.frames.append(frame) or lab.clock.loop.call_soon(lambda: None)
    carry_three(lab)

    async def main():
        lab.port._drain()

    lab.clock.run(main())
    assert [frame.data[0] for frame in lab.frames] == [1, 2, 3]


def test_a_shape_of_frame_is_checked_once_and_what_is_refused_each_time(lab, monkeypatch):
    asked = []
    check = socketcan.check_allowed
    monkeypatch.setattr(socketcan, "check_allowed", lambda *given, **how: asked.append(given) or check(*given, **how))
    for number in range(3):
        lab.port.send(0x123, bytes([number, 0]))
        with pytest.raises(UsageError, match="doesn't fit 11 bits"):
            lab.port.send(0x800, b"")
    assert [can_id for _, can_id, *_ in asked] == [0x123, 0x800, 0x800, 0x800]


def test_an_interface_that_goes_down_is_told_once_and_nothing_is_delivered_after(lab):
    lab.carry(MS)
    lab.kernel.break_down(OSError(100, "Network is down"))
    lab.read()
    lab.read()
    assert len(lab.frames) == 1
    assert [str(error).partition(". Remedy")[0] for error in lab.lost] == [
        "bus.cabin (socketcan vcan0): broke: the interface is down"]  # fmt: skip
    with pytest.raises(BenchError, match="is closed"):
        lab.port.send(0x1, b"")


def test_a_port_that_is_closed_by_whom_it_tells_delivers_no_more(lab):
    def close_it(frame):
        lab.frames.append(frame)
        lab.port._shut()

    lab.port._on_frame = close_it
    lab.carry(MS, 2 * MS)
    lab.read()
    assert len(lab.frames) == 1


def test_a_full_queue_is_a_bench_fault(lab):
    lab.kernel.break_down(OSError(105, "No buffer space available"))
    with pytest.raises(BenchError, match="can't send: No buffer space available"):
        lab.port.send(0x1, b"")


def test_an_interface_that_is_not_there_is_a_bench_fault_in_one_line(clock):
    port = SocketCanPort(clock=clock, bus="cabin", channel="nocan7")
    with pytest.raises(BenchError) as error:
        clock.run(port.open(print, print))
    assert str(error.value).startswith("bus.cabin (socketcan nocan7): can't be opened: ")
    assert "\n" not in str(error.value)
