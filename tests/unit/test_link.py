"""What the kernel says of an interface, as it said it: answers recorded from Linux 6.1 with two SJA1000 controllers."""

import errno
import json
import os
import struct
from pathlib import Path

import pytest

from hil.can import link, netlink
from hil.can.link import BitTiming, ErrorCounts, LinkSettings, Traffic
from hil.errors import BenchError

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "netlink.json").read_text())


def state_of(name):
    return link.parse("can0", *netlink.answer(bytes.fromhex(RECORDED[name])))


def test_a_controller_that_is_up():
    """As `ip -details -statistics link show` told of it in the same second."""
    state = state_of("a controller that is up")
    assert (state.kind, state.up, state.state, state.restart_ms) == ("can", True, "error-active", 100)
    assert state.timing == BitTiming(125_000, 0.75, 500, (5, 6, 4, 1), 4)
    assert (state.clock_Hz, state.transmit_errors, state.receive_errors) == (8_000_000, 0, 0)
    assert (state.counts, state.traffic) == (ErrorCounts(), Traffic(3, 7, 0, 0, 0, 0))
    assert state.is_controller
    assert (state.data_timing, state.fd, state.listen_only) == (None, False, False)


def test_a_controller_that_is_down_and_would_only_listen():
    state = state_of("a controller that is down, listening only")
    assert (state.up, state.state, state.listen_only, state.restart_ms) == (False, "stopped", True, 0)


def test_a_virtual_interface_has_neither_timing_nor_state():
    state = state_of("a virtual interface")
    assert (state.kind, state.up, state.timing, state.state, state.transmit_errors) == ("vcan", True, None, "", None)
    assert not state.is_controller


def test_what_is_no_can_interface_has_no_kind():
    assert state_of("no CAN interface").kind == ""


def test_error_counters_and_bus_off():
    data = {4: struct.pack("=I", 3), 8: struct.pack("=2H", 256, 17)}
    info = {1: b"can\0", 2: netlink.pack(data), 3: struct.pack("=6I", 1, 2, 3, 4, 5, 6)}
    state = link.parse("can0", 0, {18: netlink.pack(info)})
    assert (state.state, state.transmit_errors, state.receive_errors) == (link.BUS_OFF, 256, 17)
    assert state.counts == ErrorCounts(1, 2, 3, 4, 5, 6)


def test_an_acknowledgement_says_nothing_more():
    assert netlink.answer(bytes.fromhex(RECORDED["acknowledged"])) == (0, {})


@pytest.mark.parametrize(
    ("name", "number", "words"),
    [
        ("refused", errno.EINVAL, "Invalid argument"),
        ("refused with words", errno.ERANGE, "Attribute failed policy validation"),
    ],
)
def test_a_refusal_has_the_words_of_the_kernel(name, number, words):
    with pytest.raises(OSError) as refused:
        netlink.answer(bytes.fromhex(RECORDED[name]))
    assert (refused.value.errno, refused.value.strerror) == (number, words)


def test_attributes_are_read_as_they_were_packed_whatever_their_length():
    attributes = {number: bytes(range(number)) for number in range(9)}
    packed = netlink.pack(attributes)
    assert len(packed) % 4 == 0
    assert netlink.unpack(packed) == attributes
    assert netlink.unpack(netlink.pack(attributes, nested=True)) == attributes
    assert netlink.unpack(packed[:-3]) == {number: value for number, value in attributes.items() if number < 8}
    assert netlink.unpack(struct.pack("=HH", 0, 1) * 2) == {}


@pytest.mark.parametrize(
    ("listen_only", "data_bitrate", "flags"), [(False, None, 0), (True, None, 2), (False, 2_000_000, 0x20)]
)
def test_settings_say_what_is_wanted_and_undo_the_rest(monkeypatch, listen_only, data_bitrate, flags):
    """The interface is taken down, set and brought up; modes that aren't wanted are switched off."""
    asked = []

    def kernel(message):
        kind = struct.unpack_from("=IH", message)[1]
        if kind == netlink.RTM_GETLINK:
            return netlink.answer(bytes.fromhex(RECORDED["a controller that is up"]))
        asked.append((struct.unpack_from("=2I", message, 24), netlink.unpack(message[32:])))
        return 0, {}

    monkeypatch.setattr(netlink, "ask", kernel)
    monkeypatch.setattr("socket.if_nametoindex", lambda name: 7)
    wanted = LinkSettings(125_000, 0.75, data_bitrate, 0.8 if data_bitrate else None, 100, listen_only)
    assert link.configure("can0", wanted) == state_of("a controller that is up")
    down, change, up = asked
    assert (down, up) == (((0, 1), {}), ((1, 1), {}))
    assert struct.unpack("=I", change[1][13]) == (link.QUEUE_FRAMES,)
    data = netlink.unpack(netlink.unpack(change[1][18])[2])
    assert struct.unpack("=8I", data[1]) == (125_000, 750, 0, 0, 0, 0, 0, 0)
    assert (struct.unpack("=2I", data[5]), struct.unpack("=I", data[6])) == ((0x22, flags), (100,))
    assert (9 in data) == (data_bitrate is not None)


def test_another_bit_rate_than_asked_for_is_no_success(monkeypatch):
    answer = netlink.answer(bytes.fromhex(RECORDED["a controller that is up"]))
    monkeypatch.setattr(netlink, "ask", lambda message: answer)
    monkeypatch.setattr("socket.if_nametoindex", lambda name: 7)
    with pytest.raises(BenchError, match=r"was set to 500000 bit/s and has 125000 bit/s.*clock of 8 MHz"):
        link.configure("can0", LinkSettings(500_000))


def test_an_interface_that_is_not_there_is_said_so():
    with pytest.raises(BenchError, match="no-such-can: there is no such interface"):
        link.read("no-such-can")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ETIMEDOUT, "lo: the adapter does not answer: Connection timed out. Remedy: plug it in anew; "),
        (errno.EPROTO, "lo: the adapter does not answer: Protocol error. Remedy: plug it in anew; "),
        (errno.EPERM, "lo: the kernel refuses: Operation not permitted. Remedy: run as root, "),
    ],
)
def test_what_the_kernel_says_is_told_in_words(monkeypatch, number, words):
    def ask(message):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(netlink, "ask", ask)
    with pytest.raises(BenchError) as refused:
        link.bring("lo", up=True)
    assert str(refused.value).startswith(words)
