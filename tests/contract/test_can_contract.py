"""The CAN contract on all that we ship: the simulated wire; python-can with a file descriptor and with a thread."""

import gc
import itertools
import os
import random
import socket
import threading

import pytest
from kernel_can import KernelBus

from hil.can import link
from hil.can.disturbance import Disturbance
from hil.can.link import LinkSettings
from hil.can.link_care import LinkCare
from hil.can.pythoncan import PythonCanPort
from hil.can.slcan_port import SlcanPort
from hil.can.slcan_setup import SlcanSetup
from hil.can.socketcan import SocketCanPort
from hil.can.wire import SimWire
from hil.clock import RealClock, VirtualClock, wall_ns
from hil.clock_map import realtime_map
from hil.contract.can import CanPair, CanPortContract
from hil.contract.slcan import AdapterBus, LawicelAdapter, PtyAdapter
from hil.errors import BenchError
from hil.serial.pyserial_port import SerialPort

GROUP = "239.74.163.9"
_channels = itertools.count()


def open_descriptors():
    return sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else []


def interfaces():
    return [name for _, name in socket.if_nameindex()] if hasattr(socket, "if_nameindex") else []


@pytest.fixture
def nothing_leaks(caplog):
    threads, descriptors = set(threading.enumerate()), open_descriptors()
    yield
    gc.collect()
    said = [*caplog.get_records("call"), *caplog.records]
    assert [record.getMessage() for record in said if record.name.startswith("can")] == []
    assert set(threading.enumerate()) == threads
    assert open_descriptors() == descriptors


@pytest.fixture(scope="session")
def udp_port():
    """A port that nobody uses: a bus of this test process alone."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def python_can(clock, interface, channel, options):
    return PythonCanPort(clock=clock, bus="cabin", interface=interface, channel=channel, options=options)


def realtime(clock):
    """The host's real-time clock, as the kernel stamps with it."""
    offset_ns = -realtime_map().to_host_ns(0)
    return lambda: clock.to_monotonic_ns(clock.now_ns) + offset_ns


def raw_pair(clock, kernel, *, fd):
    return [
        SocketCanPort(clock=clock, bus="cabin", channel="vcan0", fd=fd, make_socket=lambda: kernel.socket(fd=fd))
        for _ in range(2)
    ]


class TestSimWire(CanPortContract):
    @pytest.fixture
    def can_pair(self, nothing_leaks):
        clock = VirtualClock()
        wire = SimWire(clock, "cabin")
        yield CanPair(clock, wire.port("near"), wire.port("far"), fd=False)
        clock.close()


class TestSimWireWithFd(CanPortContract):
    @pytest.fixture
    def can_pair(self, nothing_leaks):
        clock = VirtualClock()
        wire = SimWire(clock, "cabin", 500_000, 2_000_000)
        yield CanPair(clock, wire.port("near"), wire.port("far"))
        clock.close()


class TestSimWireWithoutHelp(CanPortContract):
    """Only the two nodes acknowledge each other."""

    @pytest.fixture
    def can_pair(self, nothing_leaks):
        clock = VirtualClock()
        wire = SimWire(clock, "cabin", 500_000, 2_000_000, acknowledged=False)
        yield CanPair(clock, wire.port("near"), wire.port("far"))
        clock.close()


class TestSimWireDisturbed(CanPortContract):
    """Of a hundred tries eight fail, and are repeated."""

    @pytest.fixture
    def can_pair(self, nothing_leaks):
        clock = VirtualClock()
        wire = SimWire(clock, "cabin", 500_000, 2_000_000)
        wire.disturb(Disturbance(corruption=0.08), random.Random(1))
        yield CanPair(clock, wire.port("near"), wire.port("far"))
        clock.close()


class TestPythonCanByDescriptor(CanPortContract):
    @pytest.fixture
    def can_pair(self, nothing_leaks, udp_port):
        clock = RealClock()
        options = {"port": udp_port, "hop_limit": 0}
        near, far = (python_can(clock, "udp_multicast", GROUP, options) for _ in range(2))
        yield CanPair(clock, near, far)
        clock.close()


class TestPythonCanByThread(CanPortContract):
    @pytest.fixture
    def can_pair(self, nothing_leaks):
        clock = RealClock()
        channel = f"contract-{next(_channels)}"
        near, far = (python_can(clock, "virtual", channel, {}) for _ in range(2))
        yield CanPair(clock, near, far)
        clock.close()


class TestPythonCanWithoutFd(CanPortContract):
    @pytest.fixture
    def can_pair(self, nothing_leaks, udp_port):
        clock = RealClock()
        options = {"port": udp_port, "hop_limit": 0, "fd": False}
        near, far = (python_can(clock, "udp_multicast", GROUP, options) for _ in range(2))
        yield CanPair(clock, near, far, fd=False)
        clock.close()


class TestRawSocket(CanPortContract):
    """Over a kernel that is simulated."""

    @pytest.fixture
    def can_pair(self, nothing_leaks):
        clock = RealClock()
        near, far = raw_pair(clock, KernelBus(realtime(clock)), fd=True)
        yield CanPair(clock, near, far)
        clock.close()


class TestRawSocketWithoutFd(CanPortContract):
    @pytest.fixture
    def can_pair(self, nothing_leaks):
        clock = RealClock()
        near, far = raw_pair(clock, KernelBus(realtime(clock)), fd=False)
        yield CanPair(clock, near, far, fd=False)
        clock.close()


@pytest.mark.skipif("vcan0" not in interfaces(), reason="no vcan0 (python tools/vcan.py -- brings one up)")
class TestRawSocketOnSocketCan(CanPortContract):
    @pytest.fixture
    def can_pair(self, nothing_leaks):
        clock = RealClock()
        near, far = (SocketCanPort(clock=clock, bus="cabin", channel="vcan0", fd=True) for _ in range(2))
        yield CanPair(clock, near, far)
        clock.close()


@pytest.mark.skipif("vcan0" not in interfaces(), reason="no vcan0 (python tools/vcan.py -- brings one up)")
class TestPythonCanOnSocketCan(CanPortContract):
    @pytest.fixture
    def can_pair(self, nothing_leaks):
        clock = RealClock()
        near, far = (python_can(clock, "socketcan", "vcan0", {"fd": True}) for _ in range(2))
        yield CanPair(clock, near, far)
        clock.close()


@pytest.fixture
def controllers():
    for channel in ("can0", "can1"):
        link.configure(channel, LinkSettings(500_000))
    yield
    for channel in ("can0", "can1"):
        link.bring(channel, up=False)


@pytest.mark.skipif(
    "can0" not in interfaces(), reason="no can0 (python tools/vcan.py --controllers 2 -- brings one up)"
)
class TestPythonCanOnControllers(CanPortContract):
    """Two controllers under their kernel driver, on one bus; classic CAN only."""

    @pytest.fixture
    def can_pair(self, controllers, nothing_leaks):
        clock = RealClock()
        near, far = (python_can(clock, "socketcan", channel, {}) for channel in ("can0", "can1"))
        yield CanPair(clock, near, far, fd=False)
        clock.close()


def slcan_pair(clock, adapters, *, fd):
    setup = SlcanSetup(rate="S6", data_rate="Y2" if fd else "")
    return [
        SlcanPort(
            clock=clock, bus="cabin", channel=adapter.path, setup=setup,
            line=SerialPort(clock=clock, name="cabin", url=adapter.path),
        )
        for adapter in adapters
    ]  # fmt: skip


class TestSlcan(CanPortContract):
    """Each on an adapter behind a pseudo terminal."""

    fd = False

    @pytest.fixture
    def can_pair(self, nothing_leaks):
        clock, bus = RealClock(), AdapterBus()
        adapters = [PtyAdapter(LawicelAdapter(bus, wall_ns, fd=self.fd)) for _ in range(2)]
        near, far = slcan_pair(clock, adapters, fd=self.fd)
        yield CanPair(clock, near, far, fd=self.fd, timeout_s=30.0)
        clock.close()
        for adapter in adapters:
            adapter.unplug()


class TestSlcanWithFd(TestSlcan):
    fd = True


@pytest.mark.skipif(
    "can0" not in interfaces(), reason="no can0 (python tools/vcan.py --controllers 2 -- brings one up)"
)
class TestRawSocketOnControllers(CanPortContract):
    """As a bench file with `set_up = true` has them: set up when they are opened, down again when they are closed."""

    @pytest.fixture
    def can_pair(self, nothing_leaks):
        clock = RealClock()
        near, far = (
            SocketCanPort(
                clock=clock, bus="cabin", channel=name, care=LinkCare(name, LinkSettings(500_000), sets_up=True)
            )
            for name in ("can0", "can1")
        )
        yield CanPair(clock, near, far, fd=False)
        clock.close()
        assert [link.read(name).up for name in ("can0", "can1")] == [False, False]


class Recorder:
    def __init__(self):
        self.frames, self.lost = [], []


@pytest.fixture
def clock(nothing_leaks):
    clock = RealClock()
    clock.run(deadline(clock))
    yield clock
    clock.close()


async def deadline(clock):
    clock.set_deadline(clock.now_ns + 10_000_000_000, "what is awaited never came")


@pytest.mark.parametrize(
    ("interface", "options"),
    [
        ("no_such_interface", {}),
        ("udp_multicast", {"receive_own_messages": True}),
    ],
)
def test_what_cannot_be_opened_is_a_bench_fault_in_one_line(clock, interface, options):
    port = python_can(clock, interface, GROUP, options)
    with pytest.raises(BenchError) as error:
        clock.run(port.open(print, print))
    assert str(error.value).startswith(f"bus.cabin ({interface} {GROUP}): can't be opened: ")
    assert "\n" not in str(error.value)


def test_a_port_may_follow_another_in_the_same_loop(clock, udp_port):
    """The second one gets the descriptor that the first one gave back."""

    async def scenario():
        for _ in range(3):
            port = python_can(clock, "udp_multicast", GROUP, {"port": udp_port, "hop_limit": 0})
            came = clock.loop.create_future()
            await port.open(came.set_result, print)
            port.send(0x1, b"")
            assert (await came).can_id == 0x1
            await port.close()

    clock.run(scenario())


def test_a_driver_that_breaks_in_its_thread_is_told_once_and_leaves_no_thread(clock):
    heard = Recorder()
    port = python_can(clock, "virtual", f"contract-{next(_channels)}", {})

    async def scenario():
        lost = clock.loop.create_future()
        await port.open(heard.frames.append, lost.set_result)
        port._driver._open = False
        error = await lost
        with pytest.raises(BenchError, match="is closed"):
            port.send(0x1, b"")
        return error

    assert "bus.cabin (virtual" in str(clock.run(scenario()))


def test_a_frame_is_stamped_when_the_thread_got_it_not_when_the_loop_came_to_it(clock):
    channel = f"contract-{next(_channels)}"
    near, far = python_can(clock, "virtual", channel, {}), python_can(clock, "virtual", channel, {})
    arrived = threading.Event()
    post = clock.post

    def post_and_tell(*call):
        post(*call)
        if threading.current_thread().name == "hil-can-cabin":
            arrived.set()

    async def scenario():
        came = clock.loop.create_future()
        await far.open(lambda frame: None, print)
        await near.open(lambda frame: came.set_result((frame.t_ns, clock.now_ns)), print)
        clock.post = post_and_tell
        far.send(0x1, b"")
        assert arrived.wait(5.0)
        busy_until_ns = clock.now_ns + 30_000_000
        while clock.now_ns < busy_until_ns:
            pass
        t_ns, handled_ns = await came
        await near.close()
        await far.close()
        assert handled_ns >= busy_until_ns
        assert t_ns < busy_until_ns - 29_000_000

    clock.run(scenario())
