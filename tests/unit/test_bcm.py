"""What goes to the kernel's broadcast manager, byte by byte as python-can's own builders have it."""

import errno
import os
import socket

import can
import pytest
from can.interfaces.socketcan import socketcan
from kernel_can import SimulatedManager

from hil.can import bcm
from hil.can.frames import BRS, EXTENDED, FD
from hil.clock import VirtualClock
from hil.errors import BenchError


class Recording(SimulatedManager):
    """Keeps what would go to the kernel."""

    def __init__(self, clock):
        super().__init__(clock, None)
        self.written = []

    def send(self, message):
        self.written.append(message)


@pytest.fixture
def manager():
    clock = VirtualClock()
    manager = Recording(clock)
    manager.open()
    yield manager
    clock.close()


def ignore(place, t_ns, fresh):
    """Nobody listens."""


@pytest.mark.parametrize(
    ("can_id", "flags", "payloads"),
    [
        (0x123, 0, [b"\1\2\3", b"\4\5\6"]),
        (0x18FF50E5, EXTENDED, [bytes(8)]),
        (0x1A0, FD | BRS, [bytes(range(16)), bytes(16)]),
        (0x1FFFFFFF, EXTENDED | FD, [bytes(64)]),
    ],
)
def test_a_sequence_is_set_up_as_python_can_would(manager, can_id, flags, payloads):
    key = can_id, flags & EXTENDED
    manager.begin(key, payloads, flags, period_ns=1_234_567_000, on_sent=ignore)
    raw_id = can_id | (0x80000000 if flags & EXTENDED else 0)
    fd = 0x800 if flags & FD else 0
    frames = [
        can.Message(
            arbitration_id=can_id, data=data, is_extended_id=bool(flags & EXTENDED), is_fd=bool(flags & FD),
            bitrate_switch=bool(flags & BRS),
        )
        for data in payloads
    ]  # fmt: skip
    expected = socketcan.build_bcm_header(1, 3 | fd, 0, 0, 0, 1, 234567, raw_id, len(payloads))
    head = manager.written[0][: len(expected)]
    assert head == expected
    body = b"".join(socketcan.build_can_frame(message) for message in frames)
    ours = manager.written[0][len(expected) :]
    assert len(ours) == len(body)
    size = 72 if flags & FD else 16
    for at in range(0, len(body), size):  # python-can repeats the length in a byte that the kernel doesn't read here
        assert ours[at : at + 6] + ours[at + 8 : at + size] == body[at : at + 6] + body[at + 8 : at + size]


@pytest.mark.skipif(not hasattr(socket, "CAN_BCM_TX_SETUP"), reason="only Linux has these numbers")
def test_the_numbers_are_those_of_the_kernel():
    names = ("TX_SETUP", "TX_DELETE", "SETTIMER", "STARTTIMER", "TX_ANNOUNCE", "CAN_FD_FRAME")
    assert {name: getattr(bcm, name) for name in names} == {name: getattr(socket, f"CAN_BCM_{name}") for name in names}


def test_a_task_is_deleted_as_python_can_would(manager):
    manager.begin((0x123, 0), [bytes(8)], 0, period_ns=1_000_000, on_sent=ignore)
    manager.end((0x123, 0))
    manager.end((0x123, 0))
    assert manager.written[1:] == [socketcan.build_bcm_tx_delete_header(0x123, 0)]


def test_a_frame_that_was_on_its_way_when_the_content_changed_is_still_known(manager):
    seen = []
    manager.begin((1, 0), [b"a", b"b"], 0, period_ns=1, on_sent=lambda *what: seen.append(what))
    manager.replace((1, 0), [b"c", b"d"])
    assert [manager.took((1, 0), data, number) for number, data in enumerate([b"b", b"c", b"x"])] == [True, True, False]
    assert not manager.took((2, 0), b"c", 0)
    assert seen == [(1, 0, False), (0, 1, True)]


def test_a_frame_that_comes_back_long_after_its_sequence_ended_is_still_ours_and_nobody_is_told(manager):
    """A controller under load sends what the kernel gave it long ago; taken for another sender's it broke the bench."""
    seen = []
    manager.begin((1, 0), [b"a", b"b"], 0, period_ns=1, on_sent=lambda *what: seen.append(what))
    manager.replace((1, 0), [b"c", b"d"])
    manager.replace((1, 0), [b"e", b"f"])
    assert manager.took((1, 0), b"a", 0)
    manager.end((1, 0))
    assert manager.took((1, 0), b"f", 0)
    manager.begin((1, 0), [b"g"], 0, period_ns=1, on_sent=lambda *what: seen.append(what))
    assert manager.took((1, 0), b"e", 0)
    assert not manager.took((1, 0), b"x", 0)
    assert not manager.took((2, 0), b"a", 0)
    assert seen == []


def test_what_is_remembered_of_sequences_is_bounded(manager):
    manager.begin((1, 0), [b"\0\0"], 0, period_ns=1, on_sent=ignore)
    for number in range(5000):
        manager.replace((1, 0), [number.to_bytes(2, "big")])
    assert manager.took((1, 0), (4999).to_bytes(2, "big"), 0)
    assert manager.took((1, 0), (4990).to_bytes(2, "big"), 0)
    assert not manager.took((1, 0), bytes(2), 0)
    assert len(manager._past[1, 0]) == 4 * bcm.MOST_FRAMES


def test_a_task_ends_though_what_comes_back_meanwhile_says_that_the_bus_is_lost(manager):
    manager.begin((0x100, 0), [b"\1"], 0, period_ns=10_000_000, on_sent=ignore)
    manager.drain = lambda: bcm.BroadcastManager.close(manager)
    manager._socket.close = lambda: None
    manager.end((0x100, 0))
    assert not manager.is_open
    for late in (lambda: manager.replace((0x100, 0), [b"\2"]), lambda: manager.announce((0x100, 0))):
        with pytest.raises(BenchError, match="is closed"):
            late()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOTCONN, "broke: the adapter is gone"),
        (errno.ENODEV, "broke: the adapter is gone"),
        (errno.ENETDOWN, "broke: the interface is down"),
    ],
)
def test_a_task_ends_on_an_interface_that_is_gone(manager, number, words):
    manager.begin((0x100, 0), [b"\1"], 0, period_ns=10_000_000, on_sent=ignore)
    manager.send = refuse(number)
    with pytest.raises(BenchError, match=words):
        manager.replace((0x100, 0), [b"\2"])
    manager.end((0x100, 0))
    manager.end((0x100, 0))
    assert manager.took((0x100, 0), b"\2", 0), "it may still be on its way"


def test_a_kernel_that_will_not_end_a_task_is_told_of(manager):
    manager.begin((0x100, 0), [b"\1"], 0, period_ns=10_000_000, on_sent=ignore)
    manager.send = refuse(errno.EINVAL)
    with pytest.raises(BenchError, match="the broadcast manager refuses"):
        manager.end((0x100, 0))


def refuse(number):
    def send(message):
        raise OSError(number, os.strerror(number))

    return send


def test_without_a_kernel_that_has_it_the_error_says_what_to_do():
    manager = bcm.BroadcastManager("no-such-can", "bus.body")
    with pytest.raises(BenchError) as error:
        manager.open()
    assert str(error.value).startswith("bus.body: no broadcast manager: ")
    assert "broadcast_manager = false" in str(error.value)
    with pytest.raises(BenchError, match="is closed"):
        manager.begin((1, 0), [b"a"], 0, period_ns=1, on_sent=ignore)
