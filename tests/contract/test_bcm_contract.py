"""The restbus over the broadcast manager of a real kernel, on vcan and on a controller: a change follows at once.

A socket of its own hears the interface. It knows nothing of the bench: identifiers, counters and checksums are read
here byte by byte. No test measures time: what must hold is the order of the frames.
"""

import asyncio
import contextlib
import random
import socket
import struct
from itertools import pairwise

import e2e
import pytest
from can_lab import load, msg, sig

from hil.can import database, link
from hil.can.database import Network
from hil.can.frames import SENT
from hil.can.restbus import Restbus
from hil.can.socketcan import SocketCanPort
from hil.clock import RealClock

INTERFACES = [name for _, name in socket.if_nameindex()]
COUNTERS = 15
SPEED, LONG, EVENT = 0x120, 0x121, 0x122
SO_RCVBUFFORCE = 33
"""What is heard must not be lost while a busy machine lets nobody read."""
PLACES = (sig("{}Crc", "0|8@1+"), sig("{}Counter", "8|4@1+"), sig("{}Value", "16|16@1+"))

pytestmark = pytest.mark.skipif("vcan0" not in INTERFACES, reason="no vcan0 (python tools/vcan.py -- brings one up)")


def places(name):
    return [sig(one.name.format(name), one.place) for one in PLACES]


def messages(*, fd):
    found = [msg("Speed", SPEED, 8, *places("Speed"), cycle=20, profile="P01", data_id=SPEED)]
    event = [*places("Event")[:2], sig("EventValue", "16|16@1+", send="OnWrite")]
    found.append(msg("Event", EVENT, 8, *event, cycle=60_000, start_delay=1, profile="P01", data_id=EVENT))
    if fd:
        found.append(msg("Long", LONG, 64, *places("Long"), cycle=20, fd=True, profile="P11", data_id=LONG))
    return found


class Heard:
    """All frames on an interface, in order, as the kernel gives them."""

    def __init__(self, channel, *, fd):
        self._socket = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
        if fd:
            self._socket.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FD_FRAMES, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self._socket.bind((channel,))
        self._socket.setblocking(False)
        self._frames = []

    def frames(self, can_id):
        with contextlib.suppress(BlockingIOError):
            while True:
                raw = self._socket.recv(72)
                self._frames.append((struct.unpack_from("=I", raw)[0], raw[8 : 8 + raw[4]]))
        return [data for number, data in self._frames if number == can_id]

    def close(self):
        self._socket.close()


class Lab:
    """A restbus in the kernel's hands, and what is heard of it."""

    def __init__(self, clock, channel, *, fd):
        self.clock, self.heard = clock, Heard(channel, fd=fd)
        self.port = SocketCanPort(clock=clock, bus="cabin", channel=channel, fd=fd, kernel_cycles=True)
        self.network = Network({"cabin": load(*messages(fd=fd))})
        self.restbus = Restbus(clock, self.network, {"cabin": self.port}, absent=["ECU"], on_late=lambda _: None)
        self._waiting = []

    def on_frame(self, frame):
        assert frame.flags & SENT
        for waiting in self._waiting:
            waiting[1] -= frame.can_id == waiting[0]
            if waiting[1] == 0:
                waiting[2].set_result(None)
        self._waiting = [one for one in self._waiting if one[1] > 0]

    async def more(self, can_id, count):
        """Until so many more frames were on the bus; what was heard is taken in, before there is no room for it."""
        self.heard.frames(can_id)
        came = self.clock.loop.create_future()
        self._waiting.append([can_id, count, came])
        await asyncio.wait_for(came, 30)

    def set(self, name, value):
        ref = self.network.resolve(name)
        self.restbus.set_all({ref: database.to_value(ref, value)})

    def run(self, scenario):
        async def main():
            await self.port.open(self.on_frame, lambda error: pytest.fail(str(error)))
            self.restbus.start()
            try:
                await scenario()
            finally:
                self.restbus.stop()
                await self.port.close()

        self.clock.run(main())


@pytest.fixture(params=["vcan0", "can0"])
def lab(request):
    if request.param not in INTERFACES:
        pytest.skip(f"no {request.param} (python tools/vcan.py --controllers 2 -- brings it up)")
    is_controller = request.param == "can0"
    for channel in ("can0", "can1") if is_controller else ():
        link.configure(channel, link.LinkSettings(500_000))
    clock = RealClock()
    lab = Lab(clock, request.param, fd=not is_controller)
    yield lab
    clock.close()
    lab.heard.close()
    for channel in ("can0", "can1") if is_controller else ():
        link.bring(channel, up=False)


def counters(frames):
    return [data[1] & 0x0F for data in frames]


def values(frames):
    return [int.from_bytes(data[2:4], "little") for data in frames]


def follow_each_other(frames):
    return all(b == (a + 1) % COUNTERS for a, b in pairwise(counters(frames)))


def test_values_change_in_place_and_no_counter_is_skipped_or_repeated(lab):
    """The frame after a change carries it; on a controller one more may have been on its way."""
    on_its_way = 0 if "vcan" in lab.port.where else 1
    rng, wanted = random.Random(1), []

    async def scenario():
        await lab.more(SPEED, 3)
        for value in range(1, 61):
            before = len(lab.heard.frames(SPEED))
            lab.set("SpeedValue", value)
            wanted.append((before, len(lab.heard.frames(SPEED)), value))
            await lab.more(SPEED, rng.randint(1, 4))

    lab.run(scenario)
    frames = lab.heard.frames(SPEED)
    assert follow_each_other(frames)
    assert all(e2e.p01.e2e_p01_check(bytearray(data), SPEED) for data in frames)
    seen = values(frames)
    assert seen == sorted(seen)
    for before, after, value in wanted:
        assert max(seen[:before], default=0) < value <= seen[after + on_its_way]


def test_an_event_is_the_next_frame_of_the_sequence_and_is_sent_at_once(lab):
    """Not with the next cycle, which is a minute away."""

    async def scenario():
        await lab.more(EVENT, 1)
        for value in range(1, 41):
            lab.set("EventValue", value)
            await lab.more(EVENT, 1)

    lab.run(scenario)
    frames = lab.heard.frames(EVENT)
    assert follow_each_other(frames)
    assert values(frames) == list(range(41))


def test_a_pause_and_a_stop_leave_no_gap_in_the_counter(lab):
    async def scenario():
        for _ in range(8):
            await lab.more(SPEED, 3)
            lab.restbus.mute("cabin", "Speed", True)
            quiet = len(lab.heard.frames(SPEED))
            await lab.clock.sleep(0.06)
            assert len(lab.heard.frames(SPEED)) - quiet <= 1
            lab.restbus.mute("cabin", "Speed", False)
        await lab.more(SPEED, 3)

    lab.run(scenario)
    assert follow_each_other(lab.heard.frames(SPEED))


def test_what_the_bench_counts_is_what_was_on_the_bus(lab):
    async def scenario():
        await lab.more(SPEED, 40)

    lab.run(scenario)
    sent, frames = lab.restbus.sent("cabin", "Speed"), lab.heard.frames(SPEED)
    assert sent.count == len(frames)
    assert sent.next_index == (counters(frames)[-1] + 1) % COUNTERS


def test_fd_frames_go_round_as_others_do(lab):
    if "vcan" not in lab.port.where:
        pytest.skip("an SJA1000 has no CAN FD")

    async def scenario():
        await lab.more(LONG, 20)
        lab.set("LongValue", 7)
        await lab.more(LONG, 20)

    lab.run(scenario)
    frames = lab.heard.frames(LONG)
    assert {len(data) for data in frames} == {64}
    assert follow_each_other(frames)
    assert sorted(set(values(frames))) == [0, 7]
