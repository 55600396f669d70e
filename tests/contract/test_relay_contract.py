"""The relay contract on all that we ship: simulated, LCUS frames with and without answers, Numato's text."""

import pytest

from hil.clock import VirtualClock
from hil.contract.relay import RelayBench, RelayContract
from hil.errors import BenchError
from hil.serial.line import pipe
from hil.serial.relay_serial import Lcus, Numato, SerialRelay
from hil.serial.relay_sim import SimRelay


class LcusBoard:
    """The board at the far end: frames by the sellers' pages, the query answered with a line a channel."""

    def __init__(self, far, channels, *, tells):
        self.far, self.closed, self._tells, self._bytes = far, [False] * channels, tells, b""

    def hear(self, t_ns, data):
        self._bytes += data
        while self._bytes:
            if self._bytes[0] == 0xFF:
                self._bytes = self._bytes[1:]
                if self._tells:
                    lines = [f"CH{n}: {'ON' if on else 'OFF'}\r\n" for n, on in enumerate(self.closed, start=1)]
                    for byte in "".join(lines).encode():
                        self.far.write(bytes((byte,)))
            elif len(self._bytes) >= 4:
                frame, self._bytes = self._bytes[:4], self._bytes[4:]
                assert frame[0] == 0xA0
                assert frame[3] == sum(frame[:3]) & 0xFF
                self.closed[frame[1] - 1] = bool(frame[2])
            else:
                return


class NumatoBoard:
    """The board at the far end: echoes, obeys, prompts."""

    def __init__(self, far, channels):
        self.far, self.closed, self._text = far, [False] * channels, ""

    def hear(self, t_ns, data):
        self._text += data.decode()
        while "\r" in self._text:
            line, _, self._text = self._text.partition("\r")
            self.far.write(line.encode() + b"\n\r")
            words = line.split()
            index = "0123456789ABCDEF".index(words[2])
            if words[1] == "read":
                self.far.write(b"on\n\r" if self.closed[index] else b"off\n\r")
            else:
                self.closed[index] = words[1] == "on"
            self.far.write(b">")


class BreakableEnd:
    """A line that breaks when it is told to."""

    def __init__(self, end):
        self.name, self._end, self._broken = end.name, end, None

    async def open(self, on_data, on_lost):
        self._on_lost = on_lost
        await self._end.open(on_data, on_lost)

    def write(self, data):
        if self._broken is not None:
            raise self._broken
        self._end.write(data)

    async def break_(self):
        self._broken = BenchError("the line was lost", where=self.name)
        self._on_lost(self._broken)

    async def close(self):
        await self._end.close()


def on_a_wire(make, language, channels):
    clock = VirtualClock()
    near, far = pipe(clock, "relay wire")
    board = make(far, channels)
    board.closed[1] = True
    clock.run(far.open(board.hear, None))
    return clock, board, SerialRelay(clock=clock, name="board", port=near, language=language, channels=channels)


class TestSimRelay(RelayContract):
    @pytest.fixture
    def relay_bench(self):
        clock, contacts = VirtualClock(), [False] * 4
        effects = {n + 1: lambda closed, n=n: contacts.__setitem__(n, closed) for n in range(4)}
        yield RelayBench(clock, SimRelay(name="board", channels=4, effects=effects), lambda: list(contacts))
        clock.close()


class TestLcusThatTells(RelayContract):
    @pytest.fixture
    def relay_bench(self):
        made = on_a_wire(lambda far, n: LcusBoard(far, n, tells=True), Lcus(channels=4, tells=True), 4)
        clock, board, port = made
        yield RelayBench(clock, port, lambda: list(board.closed))
        clock.close()


class TestLcusThatIsSilent(RelayContract):
    @pytest.fixture
    def relay_bench(self):
        clock, board, port = on_a_wire(lambda far, n: LcusBoard(far, n, tells=False), Lcus(channels=2), 2)
        yield RelayBench(clock, port, lambda: list(board.closed), settle_s=0.001)
        clock.close()


class TestNumato(RelayContract):
    """Sixteen channels: the last ones are called by letters."""

    @pytest.fixture
    def relay_bench(self):
        clock, board, port = on_a_wire(NumatoBoard, Numato(), 16)

        near = BreakableEnd(port._port)
        port._port = near
        yield RelayBench(clock, port, lambda: list(board.closed), break_line=near.break_)
        clock.close()


def test_a_board_that_does_not_answer_is_said_with_what_to_check():
    """An LCUS board that can't tell, on a bench that says that it can."""
    clock, _, port = on_a_wire(lambda far, n: LcusBoard(far, n, tells=False), Lcus(channels=2, tells=True), 2)
    with pytest.raises(BenchError, match=r"didn't answer within 1 s.*answers = false"):
        clock.run(port.open(lambda error: None))
    clock.close()


def test_a_board_that_disobeys_is_a_bench_error():
    clock, board, port = on_a_wire(NumatoBoard, Numato(), 2)
    clock.run(port.open(lambda error: None))

    class Stuck(list):
        def __setitem__(self, index, value):
            pass

    board.closed = Stuck([False, False])
    with pytest.raises(BenchError, match="channel 1 did not close"):
        clock.run(port.set(1, True))
    clock.close()


@pytest.mark.parametrize(
    ("channel", "closed", "frame"),
    [(1, True, "a00101a2"), (1, False, "a00100a1"), (2, True, "a00201a3"), (8, False, "a00800a8")],
)
def test_lcus_frames_are_those_of_the_sellers_pages(channel, closed, frame):
    assert Lcus(channels=8).command(channel, closed).hex() == frame
