"""pyserial behind the port: opening errors in one line, lines that break, queues that fill, nothing left behind."""

import errno
import os
import socket
import sys
import threading

import pytest
import serial

from hil.clock import RealClock, VirtualClock
from hil.contract.serial import Ear
from hil.errors import BenchError, UsageError
from hil.serial import pyserial_port
from hil.serial.pyserial_port import QUEUE_BYTES, SerialPort

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no ptys")


@pytest.fixture
def clock():
    clock = RealClock()
    yield clock
    clock.close()


@pytest.fixture
def pty_ends():
    near, far = os.openpty()
    ends = [near, far]
    yield ends, os.ttyname(far)
    for end in ends:
        os.close(end)


def make(clock, url, name="console"):
    return SerialPort(clock=clock, name=name, url=url)


def open_it(clock, port):
    ear = Ear(clock)
    clock.run(port.open(ear.on_data, ear.on_lost))
    return ear


def resources():
    return {thread.name for thread in threading.enumerate()}, len(os.listdir("/proc/self/fd"))


def test_a_virtual_clock_is_refused():
    virtual = VirtualClock()
    with pytest.raises(UsageError, match="virtual time"):
        make(virtual, "/dev/null")
    virtual.close()


def test_a_device_that_is_not_there(clock):
    port = make(clock, "/dev/serial/by-id/usb-none")
    with pytest.raises(BenchError) as error:
        open_it(clock, port)
    assert str(error.value) == (
        "console (/dev/serial/by-id/usb-none): can't be opened: there is no such device. "
        "Remedy: check cable and power; list what is there with 'ls /dev/serial/by-id'."
    )


@pytest.mark.parametrize(
    ("number", "what", "remedy"),
    [(errno.EACCES, "no permission", "dialout"), (errno.EBUSY, "in use", "fuser"), (errno.EIO, "broken", "powered")],
)
def test_each_cause_has_its_remedy(clock, monkeypatch, number, what, remedy):
    def refuse(*arguments, **options):
        raise serial.SerialException(number, "broken\nin two lines")

    monkeypatch.setattr(pyserial_port.serial, "serial_for_url", refuse)
    with pytest.raises(BenchError, match=rf"console \(COM3\): .*{what}.* Remedy: .*{remedy}") as error:
        open_it(clock, make(clock, "COM3"))
    assert "\n" not in str(error.value)


def test_a_device_in_use_is_told(clock, pty_ends):
    first, second = make(clock, pty_ends[1]), make(clock, pty_ends[1], "other")
    open_it(clock, first)
    with pytest.raises(BenchError, match=r"other .*in use by another program"):
        open_it(clock, second)
    clock.run(first.close())
    open_it(clock, second)
    clock.run(second.close())


def test_a_peer_that_does_not_listen_is_told(clock):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(BenchError, match=r"console \(socket://.*refused.*Remedy"):
        open_it(clock, make(clock, url))


@pytest.mark.parametrize("url", ["telepathy://host", "/dev/ptmx?x://"])
def test_what_is_no_url_is_a_usage_error(clock, url):
    with pytest.raises(UsageError, match=r"is no address of a line.*Remedy: write a device path"):
        open_it(clock, make(clock, url))


def test_opening_twice_is_a_usage_error(clock, pty_ends):
    port = make(clock, pty_ends[1])
    open_it(clock, port)
    with pytest.raises(UsageError, match="already open"):
        open_it(clock, port)
    clock.run(port.close())


def test_a_write_to_a_closed_port_is_a_bench_error(clock, pty_ends):
    port = make(clock, pty_ends[1])
    with pytest.raises(BenchError, match="not open"):
        port.write(b"x")


def test_unplugging_names_port_and_url(clock, pty_ends):
    ends, path = pty_ends
    port = make(clock, path)
    ear = open_it(clock, port)
    while ends:
        os.close(ends.pop())
    clock.run(ear.until(lambda: bool(ear.lost), 5))
    clock.run(port.close())
    assert [type(error) for error in ear.lost] == [BenchError]
    assert f"console ({path}): the line was lost" in str(ear.lost[0])


def test_a_port_can_be_opened_again_after_the_line_broke(clock, pty_ends):
    ends, path = pty_ends
    near, far = os.openpty()
    port = make(clock, os.ttyname(far))
    ear = open_it(clock, port)
    os.close(near)
    os.close(far)
    clock.run(ear.until(lambda: bool(ear.lost), 5))
    clock.run(port.close())
    port.url = path
    ear = open_it(clock, port)
    os.write(ends[0], b"back")
    assert clock.run(ear.heard(4, 5)) == b"back"
    clock.run(port.close())


def test_a_line_that_takes_nothing_refuses_more_and_does_not_hold_up_the_loop(clock, pty_ends, monkeypatch):
    monkeypatch.setattr(pyserial_port, "WRITE_TIMEOUT_S", 0.1)
    port = make(clock, pty_ends[1])
    ear = open_it(clock, port)

    async def flood():
        before_ns = clock.now_ns
        port.write(b"x" * QUEUE_BYTES)
        with pytest.raises(BenchError, match="takes no bytes"):
            port.write(b"x" * 65536)
        return clock.now_ns - before_ns

    assert clock.run(flood()) < 50_000_000
    clock.run(ear.until(lambda: bool(ear.lost), 5))
    assert "timeout" in str(ear.lost[0])
    clock.run(port.close())


def test_a_stuck_line_that_breaks_says_so_once_and_leaves_no_thread(clock, pty_ends, monkeypatch):
    monkeypatch.setattr(pyserial_port, "WRITE_TIMEOUT_S", 0.3)
    ends, path = pty_ends
    port = make(clock, path)
    ear = open_it(clock, port)

    async def stuck():
        port.write(b"x" * 100_000)
        await clock.sleep(0.05)
        while ends:
            os.close(ends.pop())
        await ear.until(lambda: bool(ear.lost), 5)
        await clock.sleep(0.4)
        await port.close()

    clock.run(stuck())
    assert len(ear.lost) == 1


def test_closing_a_stuck_line_waits_for_its_threads(clock, pty_ends, monkeypatch):
    monkeypatch.setattr(pyserial_port, "WRITE_TIMEOUT_S", 0.3)
    port = make(clock, pty_ends[1])
    ear = open_it(clock, port)

    async def stuck():
        port.write(b"x" * 100_000)
        await clock.sleep(0.05)
        await port.close()

    clock.run(stuck())
    assert not [thread.name for thread in threading.enumerate() if thread.name.endswith("-tx")]
    assert ear.lost == []


def test_lines_without_a_descriptor_are_read_too(clock):
    port = make(clock, "loop://")
    ear = open_it(clock, port)
    port.write(b"there and back")
    assert clock.run(ear.heard(14, 5)) == b"there and back"
    clock.run(port.close())


def test_what_was_written_before_close_is_sent(clock, pty_ends):
    ends, path = pty_ends
    port = make(clock, path)
    open_it(clock, port)

    async def write_and_close():
        port.write(b"OUTP OFF\n")
        await port.close()

    clock.run(write_and_close())
    assert os.read(ends[0], 100) == b"OUTP OFF\n"


def test_a_socket_is_read_in_bulk(clock):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = make(clock, f"socket://127.0.0.1:{server.getsockname()[1]}")
        ear = open_it(clock, port)
        peer, _ = server.accept()
        peer.sendall(b"x" * 1_000_000)
        assert len(clock.run(ear.heard(1_000_000, 10))) == 1_000_000
        assert len(ear.chunks) < 2000
        clock.run(port.close())
        peer.close()


def test_closing_does_not_drop_dtr(clock, pty_ends):
    import termios

    port = make(clock, pty_ends[1])
    attributes = termios.tcgetattr(pty_ends[0][1])
    attributes[2] |= termios.HUPCL
    termios.tcsetattr(pty_ends[0][1], termios.TCSANOW, attributes)
    open_it(clock, port)
    assert not termios.tcgetattr(pty_ends[0][1])[2] & termios.HUPCL
    clock.run(port.close())


@pytest.mark.filterwarnings("error")
def test_nothing_is_left_behind(clock, pty_ends):
    before = resources()
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        ports = [make(clock, pty_ends[1]), make(clock, url), make(clock, "/dev/none")]
        open_it(clock, ports[0])
        open_it(clock, ports[1])
        peer, _ = server.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()  # a reset, after which pyserial forgets to close its socket
        with pytest.raises(BenchError):
            open_it(clock, ports[2])
        for port in ports:
            clock.run(port.close())
            clock.run(port.close())
    assert resources() == before
