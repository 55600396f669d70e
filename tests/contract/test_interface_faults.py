"""A kernel's own interfaces, broken: bus-off and the restart from it, a pulled adapter, and what a bench makes of it.

The adapters are programs behind the kernel's USB host controller; their drivers, and what becomes of their interfaces,
are the kernel's: in the guest. `python tools/vcan_suite.py --benchmark interfaces` breaks each fifty times.
"""

import contextlib
import errno
import re
import sys
import threading
from pathlib import Path

import pytest

from hil.can import link
from hil.can.frames import EXTENDED
from hil.can.link import LinkSettings
from hil.can.socketcan import SocketCanPort
from hil.clock import RealClock
from hil.errors import BenchError
from hil.journal import Origin

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from faults import usbip
from faults.adapter import Adapter
from faults.gs_usb import GsUsb
from faults.interfaces import FAULTS, opened
from faults.trial import PHASES, Trial
from faults.ucan import Ucan

pytestmark = pytest.mark.skipif(
    not usbip.is_there(), reason="no USB/IP host (python tools/vcan.py --usb --controllers 2 -- has one)"
)
CHOSEN = [(make, fault, (2 * number + second) % len(PHASES)) for number, (make, fault) in enumerate(FAULTS)
          for second in (0, 1)]  # fmt: skip
"""Two phases of each fault, all phases among them."""


class Lab:
    """A port on the adapter, and what it told."""

    def __init__(self, adapter):
        self.adapter, self.clock = adapter, RealClock()
        self.frames, self.lost = [], []

    def run(self, scenario):
        async def main():
            self.port = SocketCanPort(clock=self.clock, bus="cabin", channel=self.adapter.channel)
            await self.port.open(self.frames.append, self.lost.append)
            try:
                await scenario()
            finally:
                await self.port.close()

        self.clock.set_deadline(self.clock.now_ns + 20_000_000_000, "what is awaited never came")
        self.clock.run(main())

    async def until(self, condition):
        while not condition():
            await self.clock.sleep(0.005)


@pytest.fixture
def adapter():
    adapter = Adapter(Ucan())
    adapter.plug()
    yield adapter
    adapter.pull()


@pytest.fixture
def lab(adapter):
    lab = Lab(adapter)
    yield lab
    lab.clock.close()


@pytest.fixture(params=[GsUsb, Ucan], ids=["gs_usb", "ucan"])
def either(request):
    adapter = Adapter(request.param())
    adapter.plug()
    lab = Lab(adapter)
    yield lab
    lab.clock.close()
    adapter.pull()


def test_the_kernel_counts_the_way_to_bus_off_and_the_port_says_so(lab, adapter):
    """Warning at 96, passive at 128, off at 256: each told once, by the kernel's own driver."""
    link.configure(adapter.channel, LinkSettings(500_000))

    async def scenario():
        lab.port.send(0x123, b"well")
        await lab.until(lambda: adapter.sent)
        adapter.short()
        lab.port.send(0x124, b"ill")
        await lab.until(lambda: lab.lost)

    lab.run(scenario)
    state = link.read(adapter.channel)
    assert list(adapter.sent) == [(0x123, b"well")]
    assert (state.state, state.transmit_errors) == (link.BUS_OFF, None), "this driver tells no counters"
    assert (state.counts.warnings, state.counts.passives, state.counts.bus_offs) == (1, 1, 1)
    assert "the bench's own controller went bus-off" in str(lab.lost[0])
    with pytest.raises(BenchError, match="controller is bus-off"):
        lab.run(lambda: lab.until(lambda: False))


def test_a_restart_by_hand_brings_a_controller_back(lab, adapter):
    before = _driven_off(adapter, LinkSettings(500_000))
    adapter.clear()
    link.restart(adapter.channel)
    _is_back(lab, adapter, before)


def test_a_restart_while_the_wire_is_still_shorted_ends_bus_off_again(lab, adapter):
    before = _driven_off(adapter, LinkSettings(500_000))
    link.restart(adapter.channel)
    _send_until(adapter, lambda: link.read(adapter.channel).counts.bus_offs == before.counts.bus_offs + 1)
    assert link.read(adapter.channel).state == link.BUS_OFF


def test_the_kernel_restarts_a_controller_by_itself_where_it_is_told_to(lab, adapter):
    before = _driven_off(adapter, LinkSettings(500_000, restart_ms=50))
    adapter.clear()
    usbip.until(lambda: link.read(adapter.channel).state == "error-active", "the kernel restarts it")
    _is_back(lab, adapter, before)


def _driven_off(adapter, settings):
    """Bus-off by a short circuit; the state that it is in then."""
    link.configure(adapter.channel, settings)
    adapter.short()
    began = link.read(adapter.channel).counts.bus_offs
    _send_until(adapter, lambda: link.read(adapter.channel).counts.bus_offs > began)
    return link.read(adapter.channel)


def _send_until(adapter, condition):
    """Frames from a socket beside the bench, until it is so."""
    import socket

    with socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW) as made:
        made.bind((adapter.channel,))

        def asked():
            try:
                made.send(bytes((0x77, 0, 0, 0, 1, 0, 0, 0)) + bytes(8))
            except OSError as error:
                assert error.errno in (errno.ENOBUFS, errno.ENETDOWN)  # noqa: PT017
            return condition()

        usbip.until(asked, "the kernel says so")


def _is_back(lab, adapter, before):
    """Active, one restart more, and frames go out."""

    async def scenario():
        usbip.until(lambda: link.read(adapter.channel).state == "error-active", "the adapter says that it is well")
        lab.port.send(0x125, b"again")
        await lab.until(lambda: (0x125, b"again") in adapter.sent)

    lab.run(scenario)
    state = link.read(adapter.channel)
    assert state.counts.restarts == before.counts.restarts + 1
    assert not lab.lost


def test_frames_go_both_ways_and_come_back_as_sent(either):
    link.configure(either.adapter.channel, LinkSettings(500_000))

    async def scenario():
        either.port.send(0x123, b"out")
        either.port.send(0x1ABCDEF, b"", EXTENDED)
        await either.until(lambda: len(either.adapter.sent) == len(either.frames) == 2)
        either.adapter.hear(0x300, b"in")
        await either.until(lambda: len(either.frames) == 3)

    either.run(scenario)
    assert list(either.adapter.sent) == [(0x123, b"out"), (0x1ABCDEF, b"")]
    assert [(frame.can_id, bytes(frame.data)) for frame in either.frames][-1] == (0x300, b"in")
    assert not either.lost


def test_frames_bear_the_stamps_of_an_adapter_that_has_a_clock():
    """They lie between each other as the adapter had them, however late the host heard of them."""
    read_us = [1_000_000]
    adapter = Adapter(GsUsb(clock=lambda: read_us[-1]))
    adapter.plug()
    lab = Lab(adapter)

    async def scenario():
        adapter.hear(0x300, b"first")
        lab.port.send(0x123, b"out")
        await lab.until(lambda: len(lab.frames) == 2)
        await lab.clock.sleep(0.1)
        read_us.append(1_100_000)
        adapter.hear(0x300, b"second", ago_us=90_000)
        adapter.hear(0x300, b"third", ago_us=50_000)
        await lab.until(lambda: len(lab.frames) == 4)

    try:
        link.configure(adapter.channel, LinkSettings(500_000))
        lab.run(scenario)
    finally:
        lab.clock.close()
        adapter.pull()
    assert {frame.origin for frame in lab.frames} == {Origin.HARDWARE}
    assert lab.frames[3].t_ns - lab.frames[2].t_ns == pytest.approx(40_000_000, abs=100_000)


def test_an_adapter_that_is_pulled_in_traffic_is_lost_once_and_works_again_when_it_is_back(either):
    """Transfers are on their way in both directions when it goes."""
    for _ in range(3):
        link.configure(either.adapter.channel, LinkSettings(500_000))
        either.frames.clear()
        either.lost.clear()
        either.run(lambda: _pulled(either))
        assert len(either.lost) == 1
        assert re.search(r"the adapter is gone|the interface is down", str(either.lost[0]))
        with pytest.raises(BenchError, match="there is no such interface"):
            link.read(either.adapter.channel)
        either.adapter.plug()


async def _pulled(lab):
    lab.port.send(0x124, b"before")
    await lab.until(lambda: lab.frames)
    puller = threading.Thread(target=lab.adapter.pull)
    puller.start()
    while not lab.lost:
        lab.adapter.hear(0x300, b"still")
        with contextlib.suppress(BenchError):  # told by `lost`
            lab.port.send(0x125, b"more")
        await lab.clock.sleep(0.001)
    puller.join()


@pytest.mark.parametrize(
    ("make", "fault", "phase"), CHOSEN, ids=[f"{fault.name}, {PHASES[phase]}" for _, fault, phase in CHOSEN]
)
def test_a_broken_interface_is_a_bench_fault_and_nothing_is_left(tmp_path, make, fault, phase):
    with opened(tmp_path, make) as lab:
        result = Trial(lab, fault, phase).run()
    assert not result.wrong
    assert not result.leaks
