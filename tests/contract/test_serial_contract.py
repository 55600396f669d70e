"""The byte-stream contract on all that we ship: the pipe, pyserial over a pty and over a socket."""

import sys

import pytest

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
