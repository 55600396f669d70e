"""The byte-stream contract on all that we ship: the pipe, pyserial over a pty, a socket and a remote serial server."""

import sys

import pytest
import serial
from serial.rfc2217 import PortManager

from hil.clock import RealClock, VirtualClock
from hil.contract.serial import ByteStreamContract, StreamPair
from hil.ecu.listener import Listener
from hil.ecu.pty_face import PtyFace
from hil.serial.line import pipe
from hil.serial.pyserial_port import SerialPort


class OpenedEarly:
    """A far end that had to exist before the near one could be made; `open` only begins to listen."""

    def __init__(self, port):
        self.name, self._port, self._on_data = port.name, port, None

    async def exist(self):
        await self._port.open(self._hear, lambda error: None)

    def _hear(self, t_ns, data):
        if self._on_data is not None:
            self._on_data(t_ns, data)

    async def open(self, on_data, on_lost):
        self._on_data = on_data

    def write(self, data):
        self._port.write(data)

    async def close(self):
        await self._port.close()


class TcpEnd(Listener):
    """The far end of one TCP connection as a byte port."""

    def __init__(self, clock):
        super().__init__(clock=clock, name="far")
        self._on_data = self._writer = None
        self._early = b""

    async def open(self, on_data=None, on_lost=None):
        if self._server is None:
            await super().open()
        else:
            self._on_data = on_data

    async def _serve(self, reader, writer):
        self._writer = writer
        writer.write(self._early)
        while data := await reader.read(65536):
            if self._on_data is not None:
                self._on_data(self._clock.now_ns, data)

    def write(self, data):
        if self._writer is None:  # the near end has connected, this loop hasn't accepted yet
            self._early += data
        else:
            self._writer.write(data)


class Rfc2217End(TcpEnd):
    """The far end of one line of a remote serial server: telnet options and escapes by pyserial's own server side."""

    def __init__(self, clock):
        super().__init__(clock)
        self.line = serial.serial_for_url("loop://")  # holds the settings that the near end asks for
        self._manager = None

    async def _serve(self, reader, writer):
        sender = type("Sender", (), {"write": staticmethod(writer.write)})
        self._manager, self._writer = PortManager(self.line, sender), writer
        writer.write(b"".join(self._manager.escape(self._early)))
        while data := await reader.read(65536):
            heard = b"".join(self._manager.filter(data))
            if heard and self._on_data is not None:
                self._on_data(self._clock.now_ns, heard)

    def write(self, data):
        if self._manager is None:
            self._early += data
        else:
            self._writer.write(b"".join(self._manager.escape(data)))

    async def close(self):
        await super().close()
        self.line.close()


class TestPipe(ByteStreamContract):
    @pytest.fixture
    def stream_pair(self):
        clock = VirtualClock()
        near, far = pipe(clock, "console")
        yield StreamPair(clock, near, far)
        clock.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no ptys")
class TestSerialPortOverPty(ByteStreamContract):
    @pytest.fixture
    def stream_pair(self):
        clock = RealClock()
        far = OpenedEarly(PtyFace(clock=clock, name="far"))
        clock.run(far.exist())
        near = SerialPort(clock=clock, name="console", url=far._port.path)
        yield StreamPair(clock, near, far, cut=far.close)
        clock.close()


class TestSerialPortOverSocket(ByteStreamContract):
    @pytest.fixture
    def stream_pair(self):
        clock = RealClock()
        far = TcpEnd(clock)
        clock.run(far.open())
        near = SerialPort(clock=clock, name="console", url=f"socket://127.0.0.1:{far.port}")
        yield StreamPair(clock, near, far, cut=far.close)
        clock.close()


class TestSerialPortOverRfc2217(ByteStreamContract):
    """All byte values come through, 0xFF too, which telnet doubles."""

    @pytest.fixture
    def stream_pair(self):
        clock = RealClock()
        far = Rfc2217End(clock)
        clock.run(far.open())
        near = SerialPort(clock=clock, name="console", url=f"rfc2217://127.0.0.1:{far.port}", baudrate=57600)
        yield StreamPair(clock, near, far, cut=far.close)
        clock.close()

    def test_the_server_is_asked_for_the_baud_rate(self, stream_pair):
        async def main():
            await stream_pair.near.open(lambda t_ns, data: None, lambda error: None)
            rate = stream_pair.far.line.baudrate
            await stream_pair.near.close()
            await stream_pair.far.close()
            return rate

        assert stream_pair.clock.run(main()) == 57600
