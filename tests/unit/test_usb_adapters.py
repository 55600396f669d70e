"""USB-CAN adapters that are programs, asked over USB/IP as the kernel's host controller and drivers ask them.

That real drivers take them for what they say they are: `tests/contract/test_interface_faults.py`, in the guest.
"""

import os
import socket
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from faults import adapter as adapters
from faults import usbip
from faults.adapter import Adapter
from faults.gs_usb import GsUsb
from faults.ucan import Ucan

SUBMIT, UNLINK = 1, 2
TO_DEVICE, TO_HOST = 0, 1


class Host:
    """The kernel's host controller: its files in /sys, and the other end of the socket that it is given."""

    def __init__(self, nets):
        self.nets, self.socket, self.asked = nets, None, 0

    def __truediv__(self, name):
        return File(self, name)

    def attach(self, words):
        self.socket = socket.socket(fileno=os.dup(int(words[1])))
        self.socket.settimeout(10.0)
        (self.nets / "can7").mkdir()

    def detach(self, words):
        self.socket.close()
        self.socket = None
        (self.nets / "can7").rmdir()

    def submit(self, endpoint, direction, *, size=0, setup=bytes(8), data=b""):
        self.asked += 1
        head = struct.pack(">5I", SUBMIT, self.asked, 0x10002, direction, endpoint)
        self.socket.sendall(head + struct.pack(">IiIIi8s", 0, size or len(data), 0, 0, 0, setup) + data)
        return self.asked

    def answer(self, *, inward=True):
        head = self.read(48)
        kind, number = struct.unpack_from(">2I", head)
        status, size = struct.unpack_from(">iI", head, 20)
        return kind, number, status, self.read(size) if inward and kind == 3 and not status else b""

    def read(self, size):
        return self.socket.recv(size, socket.MSG_WAITALL) if size else b""

    def ask(self, kind, request, value=0, size=128):
        self.submit(0, TO_HOST, size=size, setup=struct.pack("<BBHHH", kind, request, value, 0, size))
        return self.answer()[2:]

    def tell(self, request, data=b""):
        self.submit(0, TO_DEVICE, setup=struct.pack("<BBHHH", 0x41, request, 0, 0, len(data)), data=data)
        assert self.answer(inward=False)[2] == 0

    def send(self, frame):
        number = self.submit(2, TO_DEVICE, data=frame)
        assert self.answer(inward=False)[1:3] == (number, 0)
        self.ask(0x80, 6, 0x100)  # answered once the frame before it has been dealt with

    def hear(self):
        number = self.submit(1, TO_HOST, size=512)
        kind, answered, _, data = self.answer()
        assert (kind, answered) == (3, number)
        return data


class File:
    """One file of the controller's."""

    def __init__(self, host, name):
        self.host, self.name = host, name

    def read_text(self):
        return f"hub port sta spd dev sockfd local_busid\nhs 0000 {6 if self.host.socket else 4:03} 0 0 0 0-0\n"

    def write_text(self, text):
        getattr(self.host, self.name)(text.split())


@pytest.fixture
def host(tmp_path, monkeypatch):
    host = Host(tmp_path)
    monkeypatch.setattr(usbip, "CONTROLLER", host)
    monkeypatch.setattr(adapters, "_CLASS", tmp_path)
    return host


@pytest.fixture
def plugged(host):
    made = []

    def plug(dialect):
        made.append(Adapter(dialect))
        assert made[-1].plug() == "can7"
        return made[-1]

    yield plug
    for adapter in made:
        adapter.pull()


def start(host, adapter):
    if isinstance(adapter._dialect, Ucan):
        host.tell(0, struct.pack("<H", 16))
    else:
        host.tell(2, struct.pack("<2I", 1, 0))


def ucan_frame(number, can_id, data):
    return struct.pack("<HBBI", 8 + len(data), 2, number, can_id) + data


def gs_frame(number, can_id, data):
    return struct.pack("<2I4B8s", number, can_id, len(data), 0, 0, 0, data)


@pytest.mark.parametrize("dialect", [GsUsb, Ucan])
def test_its_descriptors_are_whole(host, plugged, dialect):
    plugged(dialect())
    _, device = host.ask(0x80, 6, 0x100, 18)
    _, head = host.ask(0x80, 6, 0x200, 9)
    _, configuration = host.ask(0x80, 6, 0x200, 255)
    assert (len(device), device[0], struct.unpack_from("<H", device, 8)[0]) == (18, 18, dialect.vendor)
    assert struct.unpack_from("<H", head, 2)[0] == len(configuration) == 9 + 9 + 2 * 7
    assert host.ask(0x80, 6, 0x302)[1][2:].decode("utf-16-le") == dialect.name
    assert host.ask(0x80, 6, 0xF00) == (-32, b"")


def test_a_seal_says_what_its_driver_wants_to_know(host, plugged):
    plugged(Ucan())
    assert host.ask(0xC1, 5, 1) == (0, struct.pack("<I", 3))
    assert len(host.ask(0xC1, 5, 0, 26)[1]) == 26
    assert host.ask(0xC1, 9) == (-32, b"")


def test_a_candlelight_says_what_its_driver_wants_to_know(host, plugged):
    plugged(GsUsb())
    assert len(host.ask(0xC1, 4, 0, 40)[1]) == 40
    assert host.ask(0xC1, 5, 1, 12)[1][3] == 0, "one channel"
    assert host.ask(0xC1, 6, 0, 4) == (-32, b""), "no clock"


def test_a_candlelight_with_a_clock_stamps_each_frame(host, plugged):
    adapter = plugged(GsUsb(clock=lambda: (3 << 32) + 1000))
    assert host.ask(0xC1, 4, 0, 40)[1][0] == 1 << 4
    assert host.ask(0xC1, 6, 0, 4) == (0, struct.pack("<I", 1000))
    start(host, adapter)
    host.send(gs_frame(5, 0x123, b"out"))
    adapter.hear(0x300, b"in", ago_us=1001)
    assert host.hear() == gs_frame(5, 0x123, b"out") + struct.pack("<I", 1000)
    assert host.hear() == gs_frame(0xFFFFFFFF, 0x300, b"in") + struct.pack("<I", 0xFFFFFFFF)


@pytest.mark.parametrize(
    ("dialect", "frame", "echo", "heard"),
    [
        (GsUsb, gs_frame, gs_frame(5, 0x123, b"out"), gs_frame(0xFFFFFFFF, 0x300, b"in")),
        (Ucan, ucan_frame, struct.pack("<HBB2B", 6, 1, 0, 5, 1), ucan_frame(0, 0x300, b"in")),
    ],
)
def test_frames_go_both_ways_once_it_is_started(host, plugged, dialect, frame, echo, heard):
    adapter = plugged(dialect())
    adapter.hear(0x300, b"not yet")
    start(host, adapter)
    host.send(frame(5, 0x123, b"out"))
    assert (list(adapter.sent), host.hear()) == ([(0x123, b"out")], echo)
    adapter.hear(0x300, b"in")
    assert host.hear() == heard


@pytest.mark.parametrize(("dialect", "frame", "skip"), [(GsUsb, gs_frame, 12), (Ucan, ucan_frame, 8)])
def test_a_short_circuit_drives_it_bus_off_in_three_steps(host, plugged, dialect, frame, skip):
    adapter = plugged(dialect())
    start(host, adapter)
    adapter.short()
    host.send(frame(1, 0x123, b""))
    told = [host.hear() for _ in range(3)]
    kinds = [struct.unpack_from("<I", message, 4)[0] & 0xFF for message in told]
    details = [(message[skip + 1], message[skip + 6]) for message in told]
    assert (kinds, details) == ([0x04, 0x04, 0x40], [(0x08, 96), (0x20, 128), (0, 255)])
    adapter.clear()
    host.send(frame(2, 0x124, b""))
    assert not adapter.sent
    start(host, adapter)
    host.send(frame(3, 0x125, b""))
    assert [can_id for can_id, _ in adapter.sent] == [0x125]


def test_a_frame_that_will_never_be_on_the_wire_is_given_back_at_the_restart(host, plugged):
    adapter = plugged(Ucan())
    start(host, adapter)
    adapter.short()
    host.send(ucan_frame(4, 0x123, b""))
    for _ in range(3):
        host.hear()
    host.tell(8)
    assert host.hear() == struct.pack("<HBB2B", 6, 1, 0, 4, 0)


def test_a_transfer_that_the_host_takes_back_gets_no_answer(host, plugged):
    adapter = plugged(GsUsb())
    start(host, adapter)
    waiting = host.submit(1, TO_HOST, size=512)
    host.socket.sendall(struct.pack(">5I", UNLINK, 1000, 0x10002, 0, 1) + struct.pack(">I24x", waiting))
    assert host.answer()[:3] == (4, 1000, -104)
    adapter.hear(0x300, b"later")
    assert host.hear() == gs_frame(0xFFFFFFFF, 0x300, b"later")


def test_a_transfer_that_the_host_takes_back_before_it_asks_for_it_is_taken_back_once_it_has_asked(host, plugged):
    """As Linux 6.1 does now and then: its unlinks overtake what is still to be submitted."""
    adapter = plugged(GsUsb())
    start(host, adapter)
    of = host.asked + 1
    host.socket.sendall(struct.pack(">5I", UNLINK, 1000, 0x10002, 0, 1) + struct.pack(">I24x", of))
    assert host.submit(1, TO_HOST, size=512) == of
    assert host.answer()[:3] == (4, 1000, -104)
    adapter.hear(0x300, b"later")
    assert host.hear() == gs_frame(0xFFFFFFFF, 0x300, b"later")


def test_what_was_said_before_it_was_stopped_is_forgotten(host, plugged):
    adapter = plugged(GsUsb())
    start(host, adapter)
    adapter.hear(0x300, b"old")
    host.tell(2, struct.pack("<2I", 0, 0))
    start(host, adapter)
    adapter.hear(0x300, b"new")
    assert host.hear() == gs_frame(0xFFFFFFFF, 0x300, b"new")


def test_it_can_be_pulled_and_plugged_in_again_and_starts_from_nothing(host, plugged):
    adapter = plugged(Ucan())
    start(host, adapter)
    adapter.short()
    host.send(ucan_frame(4, 0x123, b"waits"))
    adapter.pull()
    adapter.pull()
    adapter.clear()
    assert adapter.plug() == "can7"
    adapter.hear(0x300, b"not yet")
    start(host, adapter)
    adapter.hear(0x300, b"started")
    assert (host.hear(), adapter.opened) == (ucan_frame(0, 0x300, b"started"), 2)


def test_what_is_on_its_way_when_it_is_pulled_meets_nobody(host, plugged):
    adapter = plugged(GsUsb())
    start(host, adapter)
    waiting = host.submit(1, TO_HOST, size=512)
    host.ask(0x80, 6, 0x100)
    told, detach = [], host.detach

    def noticed_late(words):
        told.append(host.answer()[1:3])
        host.submit(2, TO_DEVICE, data=gs_frame(1, 0x123, b""))
        told.append(host.answer(inward=False)[1:3])
        detach(words)

    host.detach = noticed_late
    adapter.pull()
    assert told == [(waiting, -71), (host.asked, -71)]
    assert not adapter.sent
