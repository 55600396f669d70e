"""`hil.can.link` on a real controller's interface, against what iproute2 says of it: the guest has one."""

import json
import socket
import subprocess

import pytest

from hil.can import link
from hil.can.link import LinkSettings
from hil.errors import BenchError

pytestmark = pytest.mark.skipif(
    "can0" not in [name for _, name in socket.if_nameindex()],
    reason="no can0 (python tools/vcan.py --controllers 2 -- brings one up)",
)


@pytest.fixture(autouse=True)
def down():
    yield
    link.bring("can0", up=False)


def said_by_ip(channel):
    command = ["ip", "-details", "-statistics", "-json", "link", "show", channel]
    shown = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return shown[0]


def raw_socket(channel):
    made = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
    made.bind((channel,))
    made.settimeout(5.0)
    return made


def test_a_controller_is_set_as_iproute2_sees_it():
    state = link.configure("can0", LinkSettings(125_000, sample_point=0.75, restart_ms=100, listen_only=True))
    seen = said_by_ip("can0")
    data, timing = seen["linkinfo"]["info_data"], seen["linkinfo"]["info_data"]["bittiming"]
    assert state == link.read("can0")
    assert (state.timing.bitrate, state.timing.sample_point) == (125_000, 0.75)
    assert (timing["bitrate"], float(timing["sample_point"]), timing["tq"]) == (125_000, 0.75, state.timing.tq_ns)
    quanta = tuple(timing[name] for name in ("prop_seg", "phase_seg1", "phase_seg2", "sjw"))
    assert (quanta, timing["brp"]) == (state.timing.quanta, state.timing.prescaler)
    assert (data["state"].lower(), data["restart_ms"], data["ctrlmode"]) == (state.state, 100, ["LISTEN-ONLY"])
    assert (state.restart_ms, state.listen_only, state.fd) == (100, True, False)
    assert (data["berr_counter"]["tx"], data["berr_counter"]["rx"]) == (state.transmit_errors, state.receive_errors)
    assert ("UP" in seen["flags"], state.up, seen["txqlen"]) == (True, True, link.QUEUE_FRAMES)
    assert (data["clock"], seen["linkinfo"]["info_kind"]) == (state.clock_Hz, state.kind)


def test_what_was_set_before_is_gone():
    link.configure("can0", LinkSettings(125_000, restart_ms=100, listen_only=True))
    state = link.configure("can0", LinkSettings(500_000))
    assert (state.timing.bitrate, state.restart_ms, state.listen_only, state.state) == (
        500_000,
        0,
        False,
        "error-active",
    )


def test_frames_are_counted_by_the_kernel():
    for channel in ("can0", "can1"):
        link.configure(channel, LinkSettings(500_000))
    before, heard = link.read("can0").traffic, link.read("can1").traffic
    with raw_socket("can0") as near, raw_socket("can1") as far:
        for number in range(20):
            near.send(bytes([number, 0, 0, 0, 8, 0, 0, 0]) + bytes(8))
        assert [far.recv(16)[0] for _ in range(20)] == list(range(20))
    link.bring("can1", up=False)
    assert link.read("can0").traffic.sent - before.sent == 20
    assert link.read("can1").traffic.received - heard.received == 20


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda: link.configure("can0", LinkSettings(123_456)), "was set to 123456 bit/s and has 123076 bit/s"),
        (
            lambda: link.configure("can0", LinkSettings(3_000_000)),
            "the kernel refuses: .*a bit rate and a sample point",
        ),
        (lambda: link.configure("can0", LinkSettings(500_000, data_bitrate=2_000_000)), "refuses: .*its driver can't"),
        (lambda: link.configure("vcan0", LinkSettings(500_000)), "has no bit rate to set"),
        (lambda: link.read("lo"), "is no CAN interface"),
    ],
)
def test_what_cannot_be_set_is_said_in_one_line(what, said):
    with pytest.raises(BenchError, match=said) as error:
        what()
    assert "\n" not in str(error.value)


def test_only_a_controller_that_is_bus_off_is_restarted():
    link.configure("can0", LinkSettings(500_000))
    with pytest.raises(BenchError, match=r"busy.*only a controller that is bus-off"):
        link.restart("can0")
    link.configure("can0", LinkSettings(500_000, restart_ms=100))
    with pytest.raises(BenchError, match="the kernel refuses"):
        link.restart("can0")
