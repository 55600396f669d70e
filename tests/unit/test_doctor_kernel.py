"""`hil doctor` on SocketCAN: what the kernel says of an interface, and a bench on a simulated kernel's socket."""

import socket
from dataclasses import replace

import pytest
from can_lab import dbc
from doctor_lab import ANSWER, BODY, DOORS, Rows

from hil.bench import config
from hil.bench.checkup import Wishes, check_up
from hil.bench.checkup_finding import Mark, Part, When
from hil.bench.checkup_link import judge
from hil.bench.config import BusSection
from hil.can import link, raw_frames
from hil.can.bcm import BroadcastManager
from hil.can.link import BitTiming, ErrorCounts, LinkState, Traffic
from hil.can.socketcan import SocketCanPort

SECTION = {"port": "python-can", "interface": "socketcan", "channel": "can0", "database": "x.dbc"}


def timing(bitrate, point=0.875):
    return BitTiming(bitrate, point, 125, (6, 7, 2, 1), 2)


HEALTHY = LinkState(
    channel="can0", kind="can", up=True, timing=timing(500_000), data_timing=timing(2_000_000, 0.75),
    state="error-active", restart_ms=100, listen_only=False, fd=True, clock_Hz=80_000_000, transmit_errors=0,
    receive_errors=3, counts=ErrorCounts(), traffic=Traffic(1, 2, 0, 0, 0, 0),
)  # fmt: skip


SLOW = timing(1_000_000)


def said(state, **section):
    made = BusSection.model_validate(SECTION | {"data_bitrate": 2_000_000} | section, strict=False)
    return [(row.check, row.mark, row.found, row.remedy) for row in judge(Part("bus.x", When.LISTENED), made, state)]


def test_an_interface_that_is_as_the_bench_file_says():
    assert said(HEALTHY, sample_point=87.5) == [
        ("speed", Mark.OK, "the kernel has can0 at 500 kbit/s, data 2000 kbit/s, sample point 87.5%", ""),
        ("controller", Mark.OK, "error-active, TEC 0, REC 3; bus-off 0 times so far; restarts after 100 ms", ""),
    ]


@pytest.mark.parametrize(
    ("change", "section", "found"),
    [
        ({"timing": timing(250_000)}, {}, "the kernel has can0 at 250 kbit/s, the bench file says 500 kbit/s"),
        ({"timing": None}, {}, "the kernel has can0 at no bit rate, the bench file says 500 kbit/s"),
        ({"fd": False}, {}, "it is set to classic CAN, the bench file says CAN FD"),
        (
            {"data_timing": SLOW},
            {},
            "it has the data bit rate 1000 kbit/s, the bench file says 2000 kbit/s",
        ),
        ({"data_timing": None}, {}, "it has no data bit rate, the bench file says 2000 kbit/s"),
        ({"listen_only": True}, {}, "it only listens, and the bench is to send"),
        ({}, {"sample_point": 75.0}, "its sample point is 87.5%, the bench file says 75 %"),
    ],
)
def test_another_timing_than_the_bench_file_says_is_a_fault_with_the_command_that_mends_it(change, section, found):
    check, mark, what, mend = said(replace(HEALTHY, **change), **section)[0]
    assert (check, mark, what) == ("speed", Mark.FAULT, found)
    command = "ip link set can0 down; ip link set can0 up type can bitrate 500000 dbitrate 2000000 fd on"
    assert mend.startswith(command)


def test_a_bus_without_restbus_may_listen_only_and_a_classic_one_needs_no_data_rate():
    assert said(replace(HEALTHY, listen_only=True), restbus=False)[0][1] is Mark.OK
    assert said(replace(HEALTHY, fd=False, data_timing=None), data_bitrate=None)[0][1] is Mark.OK


@pytest.mark.parametrize(
    ("state", "mark"), [("bus-off", Mark.FAULT), ("error-passive", Mark.NOTE), ("error-warning", Mark.NOTE)]
)
def test_a_controller_in_trouble(state, mark):
    check, given, found, mend = said(replace(HEALTHY, state=state, restart_ms=0))[1]
    assert (check, given) == ("controller", mark)
    assert found.endswith("does not restart by itself")
    assert mend


def test_an_interface_that_is_down_is_a_fault_and_a_virtual_one_has_no_rate():
    vcan = replace(HEALTHY, kind="vcan", up=False, timing=None)
    assert [row[1:3] for row in said(vcan)] == [
        (Mark.FAULT, "can0 is down"), (Mark.OK, "can0 is a vcan, which has no bit rate"),
    ]  # fmt: skip


# A bench on a socket of the kernel ------------------------------------------------------------------------------------

BENCH = """[bench]
name = "kernel"
clock = "real"
allowed_lateness = "60 s"

[bus.body]
port = "python-can"
interface = "socketcan"
channel = "can0"
database = "body.dbc"
real_nodes = ["ECU"]

[monitors]
cycle = "off"
e2e = "off"
"""


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A bench on can0, which is one end of a socket pair; what lies in the other end when it is opened is heard."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    monkeypatch.setattr(SocketCanPort, "_make", lambda port: ours)
    monkeypatch.setattr(BroadcastManager, "open", lambda manager: None)
    (tmp_path / "body.dbc").write_text(dbc(*BODY))
    (tmp_path / "bench.toml").write_text(BENCH)

    def look(state, *heard, **wishes):
        monkeypatch.setattr(link, "read", lambda channel: replace(state, channel=channel))
        for can_id, data in heard:
            theirs.send(raw_frames.pack(can_id, data, 0))
        return Rows(check_up(config.load(tmp_path / "bench.toml"), Wishes(listen_s=0.2, **wishes)))

    look.theirs = theirs
    yield look
    theirs.close()
    ours.close()


def answers(theirs):
    theirs.setblocking(False)
    try:
        return theirs.recv(100)
    except BlockingIOError:
        return None


def test_a_bench_on_the_kernel_that_is_well(kernel):
    classic = replace(HEALTHY, fd=False, data_timing=None)
    rows = kernel(classic, (ANSWER, b"\1"), (ANSWER, b"\2"))
    assert rows.faults == []
    assert [row.mark for row in rows.of("bus.body", "speed")] == [Mark.OK, Mark.OK]
    assert rows.one("bus.body", "heard").found.startswith("2 frames in ")
    assert rows.one("bus.body", "stamps").found.startswith("of this machine")


def test_with_another_bit_rate_in_the_kernel_nothing_is_sent(kernel):
    rows = kernel(replace(HEALTHY, timing=timing(250_000)), (ANSWER, b"\1"), power=True)
    assert rows.faults[0] == ("bus.body", "opened")
    assert "is set to 250000 bit/s instead of 500000" in rows.one("bus.body", "opened").found
    assert answers(kernel.theirs) is None


def test_a_second_sender_on_the_kernel_keeps_the_bench_silent(kernel):
    rows = kernel(HEALTHY, (ANSWER, b"\1"), (DOORS, b"\1\2"), power=True)
    assert rows.faults == [("bus.body", "senders"), ("bench", "sending")]
    assert answers(kernel.theirs) is None
