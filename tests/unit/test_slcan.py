"""The slcan port against an adapter that is a program, in virtual time: what is right, and all that goes wrong."""

import asyncio
import contextlib
import os
import random
import threading

import pytest

from hil.can import slcan
from hil.can.error_frames import CLASS_BUS_ERROR, CLASS_CONTROLLER
from hil.can.frames import BRS, ERROR, EXTENDED, FD, REMOTE, SENT
from hil.can.slcan import Answer, Noise, Reader, Received, Refusal
from hil.can.slcan_port import NOISE, OVERRUN, SlcanPort
from hil.can.slcan_setup import SlcanSetup
from hil.clock import RealClock, VirtualClock, wall_ns
from hil.contract.slcan import AdapterBus, AdapterLine, LawicelAdapter, PtyAdapter
from hil.errors import BenchError, UsageError
from hil.journal import Origin
from hil.serial.pyserial_port import SerialPort

MS = 1_000_000
S6 = SlcanSetup(rate="S6")


class Lab:
    """A port on an adapter, and a second adapter on its bus that sends and acknowledges."""

    def __init__(self, setup=S6, *, rng=None, drift=0.0, **firmware):
        self.clock = VirtualClock()
        self.bus = AdapterBus()
        self.adapter = LawicelAdapter(self.bus, lambda: 5_000 * MS + round(self.clock.now_ns * (1 + drift)), **firmware)
        self.other = LawicelAdapter(self.bus, lambda: self.clock.now_ns, fd=True)
        for command in (b"S6\r", b"O\r"):
            self.other.feed(command)
        self.line = AdapterLine(self.clock, self.adapter, rng=rng)
        self.port = SlcanPort(clock=self.clock, bus="cabin", channel="/dev/ttyACM0", line=self.line, setup=setup)
        self.frames, self.lost, self.gaps = [], [], []
        self.port.on_gap = self.gaps.append

    def run(self, scenario):
        async def main():
            await self.port.open(self.frames.append, self.lost.append)
            try:
                await scenario(self)
            finally:
                await self.port.close()
                await self.clock.sleep(0.001)  # until the farewell is there

        try:
            self.clock.run(main())
        finally:
            self.clock.close()

    async def wait(self, seconds):
        await self.clock.sleep(seconds)

    def hear(self, text):
        """A frame of the other node, as it sends it."""
        self.other.feed(text.encode() + b"\r")

    @property
    def said(self):
        return [(frame.can_id, frame.data, frame.flags) for frame in self.frames]


# The words ------------------------------------------------------------------------------------------------------------


LINES = {
    b"t12322BFF": Received(0x123, b"\x2b\xff", 0, None),
    b"T1ABCDEF80": Received(0x1ABCDEF8, b"", EXTENDED, None),
    b"r7FF4": Received(0x7FF, b"", REMOTE, None),
    b"R000000010": Received(1, b"", REMOTE | EXTENDED, None),
    b"d1239" + b"00" * 12: Received(0x123, bytes(12), FD, None),
    b"B00000001F" + b"A5" * 64: Received(1, b"\xa5" * 64, FD | BRS | EXTENDED, None),
    b"": Answer(""),
    b"z": Answer("z"),
    b"Z": Answer("Z"),
    b"F08": Answer("F08"),
    b"V1013": Answer("V1013"),
    b"NA123": Answer("NA123"),
    b"NXYZ_": Answer("NXYZ_"),
}
NO_LINES = [b"t1239112233", b"t123", b"t8001FF", b"t12322B", b"t12322BFFF", b"t1G322BFF", b"T200000000", b"T12345678",
            b"x1230", b"\xff\xfe", b"F0", b"V10", b"tt1230", b"t12322BFF12AB", b"OK", b"t+12 0"]  # fmt: skip


@pytest.mark.parametrize(("line", "event"), LINES.items())
def test_a_line_is_read_as_it_is(line, event):
    assert slcan.parse(line, stamped=False) == event


@pytest.mark.parametrize("line", NO_LINES)
def test_what_is_no_line_is_noise_whole(line):
    assert slcan.parse(line, stamped=False) == Noise(line)


def test_a_stamp_that_was_agreed_must_be_there_and_be_one():
    assert slcan.parse(b"t1230EA5F", stamped=True) == Received(0x123, b"", 0, 59_999)
    for wrong in (b"t1230", b"t1230EA60", b"t1230EA5", b"t123011EA5F"):
        assert slcan.parse(wrong, stamped=True) == Noise(wrong)


@pytest.mark.parametrize("seed", range(20))
def test_a_stream_that_is_cut_anywhere_says_the_same(seed):
    rng = random.Random(seed)
    stream = b"\r".join(LINES) + b"\r\x07" + b"garbage\r" + b"x" * 400 + b"\rt1230\r"
    whole = Reader().feed(stream)
    reader, found, at = Reader(), [], 0
    while at < len(stream):
        step = rng.randint(1, 30)
        found += reader.feed(stream[at : at + step])
        at += step
    assert [event for event in found if not isinstance(event, Noise)] == [
        event for event in whole if not isinstance(event, Noise)
    ]
    assert whole[len(LINES)] == Refusal()
    assert found[-1] == Received(0x123, b"", 0, None)


# Opening --------------------------------------------------------------------------------------------------------------


def test_the_adapter_is_set_before_it_goes_on_the_bus():
    lab = Lab()

    async def scenario(lab):
        assert lab.port.version == "1013"
        assert lab.port.stamped
        lab.adapter.said.clear()

    said = lab.adapter.said
    lab.run(scenario)
    assert said == ["C"]
    assert not lab.adapter.is_open


def settings(setup, **firmware):
    lab = Lab(setup, **firmware)
    kept = []

    async def scenario(lab):
        kept.extend(lab.adapter.said)

    lab.run(scenario)
    return [text for text in kept if text not in ("", "C", "V")]


def test_rate_stamps_and_mode_are_what_the_bench_file_says():
    assert settings(S6) == ["Z1", "X1", "S6", "O"]
    assert settings(SlcanSetup(rate="s031C", listen_only=True)) == ["Z1", "X1", "s031C", "L"]
    assert settings(SlcanSetup(rate="S6", data_rate="Y2"), fd=True) == ["Z1", "X1", "S6", "Y2", "O"]


FD_RATE = SlcanSetup(rate="S6", data_rate="Y2")
NOT_OPENED = {
    "nothing answers": (S6, {"mute": True}, "no slcan adapter answers within 3 s. Remedy: is that the adapter's line?"),
    "a rate that it hasn't": (SlcanSetup(rate="S9"), {}, "the adapter refuses 'S9'. Remedy: give a bit rate"),
    "no CAN FD": (
        SlcanSetup(rate="S6", data_rate="Y2"),
        {},
        "the adapter refuses 'Y2'. Remedy: leave data_bitrate out",
    ),
}


@pytest.mark.parametrize(("setup", "firmware", "words"), NOT_OPENED.values(), ids=NOT_OPENED.keys())
def test_what_cannot_be_opened_is_a_bench_fault_in_one_line(setup, firmware, words):
    lab = Lab(setup, **firmware)
    with pytest.raises(BenchError) as error:
        lab.run(None)
    assert str(error.value).startswith(f"bus.cabin (slcan /dev/ttyACM0): {words}")
    assert "\n" not in str(error.value)
    assert lab.lost == []


def test_a_line_that_is_not_there_is_told_by_the_line():
    lab = Lab()
    lab.line.is_missing = True
    with pytest.raises(BenchError, match="no such device"):
        lab.run(None)


def test_a_plug_that_is_pulled_while_opening_is_told_at_once():
    lab = Lab(mute=True)
    lab.clock.call_in(700 * MS, lambda _: lab.line.pull(), None)
    with pytest.raises(BenchError, match="broke: the line was lost"):
        lab.run(None)
    assert lab.clock.now_ns < 800 * MS


def test_an_adapter_that_was_left_open_in_full_traffic_is_opened_anew():
    lab = Lab()
    for command in (b"S4\r", b"O\r", b"t1"):
        lab.adapter.feed(command)
    lab.bus.nodes[1].rate = "S4"
    lab.clock.call_in(100_000, lambda _: lab.hear("t1230"), None)

    async def scenario(lab):
        lab.bus.nodes[1].rate = "S6"
        lab.hear("t2340")
        await lab.wait(0.01)
        assert lab.said == [(0x234, b"", 0)]

    lab.run(scenario)


# Frames ---------------------------------------------------------------------------------------------------------------


def test_own_frames_come_back_once_accepted_and_others_carry_the_adapters_stamp():
    lab = Lab()

    async def scenario(lab):
        lab.port.send(0x100, b"\x01\x02")
        lab.port.send(0x1ABCDEF0, b"", EXTENDED | REMOTE)
        await lab.wait(0.01)
        lab.hear("t12322BFF")
        await lab.wait(0.01)

    lab.run(scenario)
    own, far, heard = lab.frames
    assert lab.said == [
        (0x100, b"\x01\x02", SENT), (0x1ABCDEF0, b"", SENT | EXTENDED | REMOTE), (0x123, b"\x2b\xff", 0),
    ]  # fmt: skip
    assert (own.origin, far.origin, heard.origin) == (Origin.HOST, Origin.HOST, Origin.HARDWARE)


@pytest.mark.parametrize("seed", range(5))
def test_stamps_keep_to_their_bound_over_wraps_drift_and_a_busy_host(seed):
    """Five minutes: the adapter's clock wraps five times, runs 80 ppm off, and the host reads up to 40 ms late."""
    rng = random.Random(seed)
    lab = Lab(SlcanSetup(rate="S6", poll_s=0), drift=80e-6)
    sent_ns = []

    async def scenario(lab):
        on_data = lab.line._on_data

        def late(t_ns, data):
            lab.clock.call_in(rng.choice([0, 0, 0, 3, 40]) * MS, lambda _: on_data(lab.clock.now_ns, data), None)

        lab.line._on_data = late
        for _ in range(300):
            await lab.wait(rng.uniform(0.5, 1.5))
            sent_ns.append(lab.clock.now_ns)
            lab.hear("t1230")

    lab.run(scenario)
    assert len(lab.frames) > 290
    for frame, true_ns in zip(lab.frames[5:], sent_ns[5:], strict=False):
        assert abs(frame.t_ns - true_ns) <= 2_500_000, frame.t_ns - true_ns
    assert [frame.t_ns for frame in lab.frames] == sorted(frame.t_ns for frame in lab.frames)


def test_an_adapter_without_stamps_gives_the_hosts():
    lab = Lab(stamps=False)

    async def scenario(lab):
        lab.hear("t1230")
        await lab.wait(0.01)
        assert lab.frames[0].origin is Origin.HOST

    lab.run(scenario)


def test_can_fd_goes_both_ways():
    lab = Lab(SlcanSetup(rate="S6", data_rate="Y2"), fd=True)

    async def scenario(lab):
        lab.port.send(0x100, bytes(range(64)), FD | BRS)
        lab.hear("d1239" + "5A" * 12)
        await lab.wait(0.01)
        assert set(lab.said) == {(0x100, bytes(range(64)), FD | BRS | SENT), (0x123, b"\x5a" * 12, FD)}

    lab.run(scenario)


def test_what_the_bus_must_not_carry_is_refused_to_the_caller():
    async def classic(lab):
        with pytest.raises(UsageError, match="carries no CAN FD"):
            lab.port.send(0x100, bytes(12), FD)

    async def silent(lab):
        with pytest.raises(UsageError, match="only listens"):
            lab.port.send(0x100, b"")
        lab.hear("t1230")
        await lab.wait(0.01)
        assert lab.said == []  # nobody acknowledged it

    Lab().run(classic)
    Lab(SlcanSetup(rate="S6", listen_only=True)).run(silent)


def test_a_mute_firmware_is_believed_where_the_bench_file_says_so():
    lab = Lab(SlcanSetup(rate="S6", answers=False), mute=True)

    async def scenario(lab):
        await lab.wait(0.01)
        lab.port.send(0x100, b"\x01")
        lab.hear("t1230")
        await lab.wait(5.0)
        assert sorted(lab.said) == [(0x100, b"\x01", SENT), (0x123, b"", 0)]
        assert lab.lost == []

    lab.run(scenario)


# Trouble --------------------------------------------------------------------------------------------------------------


def test_a_full_queue_is_waited_for_and_the_order_is_kept():
    """For 0.3 s nobody acknowledges; then all comes, in order."""
    lab = Lab()

    async def scenario(lab):
        lab.other.feed(b"C\r")
        for number in range(100):
            lab.port.send(0x100, bytes([number]))
        await lab.wait(0.3)
        assert len(lab.frames) == 32
        lab.other.feed(b"O\r")
        await lab.wait(0.2)

    lab.run(scenario)
    assert [data for _, data, _ in lab.said] == [bytes([number]) for number in range(100)]
    assert lab.lost == []


def test_a_bus_where_nobody_acknowledges_is_a_bench_fault():
    lab = Lab()

    async def scenario(lab):
        lab.other.feed(b"C\r")
        for number in range(100):
            lab.port.send(0x100, bytes([number]))
        await lab.wait(1.0)
        with pytest.raises(BenchError, match="is closed"):
            lab.port.send(0x100, b"")

    lab.run(scenario)
    assert [str(error) for error in lab.lost] == [
        "bus.cabin (slcan /dev/ttyACM0): the adapter has taken no frame for 0.5 s. Remedy: is anybody acknowledging, "
        "and at this bit rate?"
    ]


def test_a_wrong_bit_rate_shows_as_bus_errors():
    lab = Lab(SlcanSetup(rate="S4"))

    async def scenario(lab):
        lab.port.send(0x100, b"")
        await lab.wait(1.5)

    lab.run(scenario)
    errors = [frame for frame in lab.frames if frame.flags & ERROR]
    assert errors
    assert {frame.can_id for frame in errors} == {CLASS_CONTROLLER | CLASS_BUS_ERROR}
    assert not any(frame.flags & SENT for frame in errors)


def test_frames_that_the_adapter_lost_are_a_gap():
    lab = Lab()

    async def scenario(lab):
        await lab.wait(2.0)
        lab.adapter.loses = 3
        for number in range(5):
            lab.hear(f"t1231{number:02X}")
        await lab.wait(1.5)

    lab.run(scenario)
    assert [data for _, data, _ in lab.said] == [b"\x03", b"\x04"]
    (gap,) = lab.gaps
    assert (gap.bus, gap.why) == ("cabin", OVERRUN)
    assert gap.from_ns <= 2_100 * MS <= gap.to_ns + 1_000 * MS
    assert lab.lost == []


def test_a_firmware_without_status_is_asked_for_its_version_instead():
    lab = Lab(knows_status=False)

    async def scenario(lab):
        lab.adapter.said.clear()
        await lab.wait(4.5)
        assert lab.adapter.said == ["F", "V", "V", "V", "V"]

    lab.run(scenario)
    assert lab.lost == []


@pytest.mark.parametrize("sending", [False, True])
def test_an_adapter_that_hangs_is_a_bench_fault_within_its_patience(sending):
    lab = Lab()

    async def scenario(lab):
        lab.adapter.hangs = True
        if sending:
            lab.port.send(0x100, b"")
        begin_ns = lab.clock.now_ns
        while not lab.lost and lab.clock.now_ns < begin_ns + 9_000 * MS:
            await lab.wait(0.05)
        assert lab.clock.now_ns - begin_ns <= (1_200 if sending else 2_300) * MS

    lab.run(scenario)
    asked = "a frame" if sending else "F"
    assert str(lab.lost[0]).startswith(
        f"bus.cabin (slcan /dev/ttyACM0): the adapter doesn't answer '{asked}' within 1 s"
    )


def test_a_plug_pulled_in_a_frame_is_a_bench_fault_and_plugged_in_again_it_works():
    lab = Lab()

    async def scenario(lab):
        lab.port.send(0x100, b"\x01")
        lab.line.inject(b"t1232")
        await lab.wait(0.0005)
        lab.line.pull()
        with pytest.raises(BenchError, match="is closed"):
            lab.port.send(0x100, b"\x02")
        await lab.port.close()
        heard = len(lab.frames)
        await lab.port.open(lab.frames.append, lab.lost.append)
        lab.hear("t2340")
        await lab.wait(0.01)
        assert lab.said[heard:] == [(0x234, b"", 0)]

    lab.run(scenario)
    assert [str(error) for error in lab.lost] == [
        "bus.cabin (slcan /dev/ttyACM0): broke: the line was lost: Input/output error. Remedy: check cable and power."
    ]


def test_half_a_line_is_a_gap_and_the_next_frame_is_whole():
    lab = Lab()

    async def scenario(lab):
        lab.hear("t1230")
        await lab.wait(0.01)
        lab.line.inject(b"t12384D3")
        await lab.wait(0.01)
        lab.hear("t2340")
        lab.hear("t3450")
        await lab.wait(0.01)

    lab.run(scenario)
    assert [can_id for can_id, _, _ in lab.said] == [0x123, 0x345]
    assert [gap.why for gap in lab.gaps] == [NOISE]
    assert lab.lost == []


def test_an_answer_that_noise_ate_is_a_gap_and_the_port_goes_on():
    lab = Lab()

    async def scenario(lab):
        lab.line.garble = lambda data: data.replace(b"z", b"?")
        lab.port.send(0x100, b"\x01")
        await lab.wait(0.01)
        lab.line.garble = bytes
        await lab.wait(1.5)
        lab.port.send(0x100, b"\x02")
        await lab.wait(0.01)

    lab.run(scenario)
    assert (0x100, b"\x02", SENT) in lab.said
    assert {gap.why for gap in lab.gaps} == {NOISE}
    assert lab.lost == []


def test_another_protocol_on_the_line_is_a_bench_fault():
    lab = Lab()

    async def scenario(lab):
        for number in range(40):
            lab.line.inject(b"[%8d] kernel: usb 1-1: reset\r\n" % number)
        await lab.wait(0.01)

    lab.run(scenario)
    assert "what comes over the line is no slcan: b'" in str(lab.lost[0])
    assert len(lab.lost) == 1


def test_a_flood_without_an_end_is_a_bench_fault_and_no_memory():
    lab = Lab()

    async def scenario(lab):
        for _ in range(60):
            lab.line.inject(b"\x00" * 4096)
        await lab.wait(0.01)

    lab.run(scenario)
    assert len(lab.lost) == 1
    assert len(lab.port._reader._rest) <= slcan.LONGEST


def damaged(rng, line):
    """One byte dropped, turned into what no line has, or added."""
    at, kind = rng.randrange(len(line)), rng.randrange(3)
    if kind == 0:
        return line[:at] + line[at + 1 :]
    if kind == 1:
        return line[:at] + bytes([rng.choice(b"\x00\x11\xff?g")]) + line[at + 1 :]
    return line[:at] + bytes([rng.choice(b"\r\x07\x80g0F")]) + line[at:]


def under_noise(seed, shares, most):
    """Two nodes talk for 1.5 s, while of the lines to the host a share is damaged, `most` times each."""
    rng = random.Random(seed)
    lab = Lab(rng=rng)
    share = rng.choice(shares)

    def garble(line):
        for _ in range(rng.randint(1, most) if rng.random() < share else 0):
            line = damaged(rng, line) if line else line
        return line

    async def scenario(lab):
        lab.line.garble = garble
        for can_id, data in TRUE:
            lab.hear(f"t{can_id:03X}{len(data)}{data.hex().upper()}")
            with contextlib.suppress(BenchError):
                lab.port.send(0x600, data)
            await lab.wait(rng.uniform(0.0, 0.05))
        await lab.wait(3.0)

    lab.run(scenario)
    assert len(lab.lost) <= 1
    assert all(isinstance(error, BenchError) for error in lab.lost)
    return lab


TRUE = [(0x100 + number, bytes([number]) * (number % 9)) for number in range(60)]


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_line_is_never_a_frame_and_what_is_missing_is_a_gap(seed):
    """One byte of a line: dropped, changed to what is no digit, or added. A frame is whole, or missing and said so."""
    lab = under_noise(seed, [0.002, 0.02, 0.2, 0.6], 1)
    heard = [(can_id, data) for can_id, data, flags in lab.said if not flags & (SENT | ERROR)]
    assert set(heard) <= set(TRUE)
    assert len(heard) == len(set(heard))
    assert len(heard) == len(TRUE) or lab.gaps or lab.lost


@pytest.mark.parametrize("seed", range(60))
def test_whatever_the_line_does_nothing_hangs_and_the_fault_is_the_benchs(seed):
    """Up to eight bytes of a line: that may make another frame, for the protocol has no checksum."""
    lab = under_noise(seed, [0.2, 1.0], 8)
    assert lab.gaps or lab.lost


def test_equal_seeds_give_equal_frames():
    def once():
        lab = Lab(rng=random.Random(3))

        async def scenario(lab):
            for number in range(20):
                lab.hear(f"t1231{number:02X}")
                lab.port.send(0x100, bytes([number]))
                await lab.wait(0.003)

        lab.run(scenario)
        return lab.frames

    assert once() == once()


class Plug:
    """An adapter on a real pseudo terminal, under a name that stays when it is plugged in again."""

    def __init__(self, folder):
        self.path = folder / "by-id"
        self.bus = AdapterBus()
        self.other = LawicelAdapter(self.bus, wall_ns)
        self.adapters = []
        for command in (b"S6\r", b"O\r"):
            self.other.feed(command)
        self.plug_in()

    def plug_in(self):
        self.adapters.append(PtyAdapter(LawicelAdapter(self.bus, wall_ns)))
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(self.adapters[-1].path)

    def pull(self):
        self.adapters[-1].unplug()


@pytest.mark.parametrize("seed", range(5))
def test_a_real_line_that_is_unplugged_in_a_frame_is_lost_at_once_and_works_when_plugged_in_again(tmp_path, seed):
    rng, clock, plug = random.Random(seed), RealClock(), Plug(tmp_path)
    threads, descriptors = set(threading.enumerate()), sorted(os.listdir("/proc/self/fd"))

    async def scenario():
        line = SerialPort(clock=clock, name="cabin", url=str(plug.path))
        port = SlcanPort(clock=clock, bus="cabin", channel="by-id", line=line, setup=S6)
        came, lost = clock.loop.create_future(), clock.loop.create_future()
        await port.open(lambda frame: came.done() or came.set_result(frame), lost.set_result)
        plug.other.feed(b"t12322BFF\r")
        assert said_of(await came) == (0x123, b"\x2b\xff", 0)
        for number in range(rng.randint(0, 30)):
            port.send(0x100, bytes([number]))
        plug.adapters[-1].say(b"t1238001122334455"[: rng.randint(1, 17)])
        await asyncio.to_thread(plug.pull)
        error = await lost
        with pytest.raises(BenchError, match="is closed"):
            port.send(0x100, b"")
        await port.close()
        plug.plug_in()
        came = clock.loop.create_future()
        await port.open(lambda frame: came.done() or came.set_result(frame), print)
        plug.other.feed(b"t2340\r")
        assert said_of(await came) == (0x234, b"", 0)
        await port.close()
        return error

    try:
        clock.set_deadline(clock.now_ns + 60_000 * MS, "what is awaited never came")
        error = clock.run(scenario())
    finally:
        clock.close()
        plug.pull()
    assert isinstance(error, BenchError)
    assert str(error).startswith("bus.cabin (slcan by-id): broke: ")
    assert set(threading.enumerate()) <= threads
    assert len(os.listdir("/proc/self/fd")) <= len(descriptors)


def said_of(frame):
    return frame.can_id, frame.data, frame.flags


def test_nothing_comes_after_close_and_waiters_are_told():
    lab = Lab()

    async def scenario(lab):
        asking = asyncio.ensure_future(lab.port._ask("V"))
        await lab.wait(0.0)
        lab.hear("t1230")
        await lab.port.close()
        with pytest.raises(BenchError, match="was closed"):
            await asking
        await lab.wait(0.1)
        assert lab.frames == []

    lab.run(scenario)
