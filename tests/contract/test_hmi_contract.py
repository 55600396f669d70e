"""The contracts of touch, keys and audio on what ships: simulated ends, and commands."""

import sys
from pathlib import Path

import numpy as np
import pytest

from hil.bench.hmi_ports import (
    AdbKeys,
    AdbTouch,
    CommandAudioFactory,
    HttpAudioFactory,
    SocketKeysFactory,
    SocketTouchFactory,
)
from hil.bench.ports import Copper, Site
from hil.clock import RealClock, VirtualClock
from hil.contract.audio import TONE_HZ, TONE_S, AudioBench, AudioContract
from hil.contract.touch import KeyBench, KeyContract, TouchBench, TouchContract
from hil.ecu.http_face import HttpFace
from hil.ecu.input_face import InputFace
from hil.errors import BenchError, UsageError
from hil.hmi.audio import RATE_HZ, Sound, Speaker
from hil.hmi.audio_ports import CommandAudio, SimAudio
from hil.hmi.input_ports import CommandKeys, CommandTouch, SimKeys, SimTouch
from hil.hmi.touch import KeyPad, TouchPanel


@pytest.fixture
def clock():
    made = VirtualClock()
    yield made
    made.close()


@pytest.fixture
def real_clock():
    made = RealClock()
    yield made
    made.close()


@pytest.fixture
def input_face(real_clock):
    panel, pad = TouchPanel("centre", (1280, 800)), KeyPad()
    face = InputFace(clock=real_clock, panel=panel, pad=pad)
    face.panel, face.pad = panel, pad
    real_clock.run(face.open())
    yield face
    real_clock.run(face.close())


class TestSimTouch(TouchContract):
    @pytest.fixture
    def touch_bench(self, clock):
        panel, felt = TouchPanel("centre", (1280, 800)), []
        panel.listen(lambda event: felt.append((event.t_ns, event.action, event.x, event.y)))
        return TouchBench(clock, SimTouch(clock=clock, panel=panel), lambda: felt)


class TestSimKeys(KeyContract):
    @pytest.fixture
    def key_bench(self, clock):
        pad, felt = KeyPad(), []
        pad.listen(lambda event: felt.append((event.t_ns, event.key, event.pressed)))
        return KeyBench(clock, SimKeys(clock=clock, pad=pad), lambda: felt)


class TestSimAudio(AudioContract):
    @pytest.fixture
    def audio_bench(self, clock):
        speaker = Speaker()

        def tone():
            at = np.arange(round(RATE_HZ * TONE_S)) / RATE_HZ
            return (9000 * np.sin(2 * np.pi * TONE_HZ * at)).astype(np.int16)

        def sound():
            speaker.play(Sound(clock.now_ns, round(TONE_S * 1e9), tone))
            return clock.now_ns

        return AudioBench(clock, SimAudio(clock=clock, speaker=speaker), sound)


# A program that prints samples in real time: silence, and a tone from when its switch file is there.
GENERATOR = """
import array, math, os, sys, time
rate, switch = 48000, sys.argv[1]
begin, sent, since = time.monotonic(), 0, None
while True:
    due = int((time.monotonic() - begin) * rate)
    if since is None and os.path.exists(switch):
        since = due
    tone = lambda n: since is not None and 0 <= n - since < rate * 0.2
    block = [int(9000 * math.sin(2 * math.pi * 1000 * (n - since) / rate)) if tone(n) else 0 for n in range(sent, due)]
    sys.stdout.buffer.write(array.array("h", block).tobytes())
    sys.stdout.buffer.flush()
    sent = due
    time.sleep(0.005)
"""


class TestCommandAudio(AudioContract):
    @pytest.fixture
    def audio_bench(self, real_clock, tmp_path):
        switch = tmp_path / "on"
        options = CommandAudioFactory.Options(command=[sys.executable, "-c", GENERATOR, str(switch)], bound=0.1)
        site = Site(name="cabin", clock=real_clock, copper=Copper(real_clock), folder=tmp_path)

        def sound():
            switch.touch()
            return real_clock.now_ns

        return AudioBench(real_clock, CommandAudioFactory.make(site, options), sound)


def site(clock, tmp_path):
    return Site(name="centre", clock=clock, copper=Copper(clock), folder=tmp_path, size=(200, 100))


ECHO = [sys.executable, "-c", "import sys; open('log', 'a').write(' '.join(sys.argv[1:]) + chr(10))"]


def test_commands_get_their_words(real_clock, tmp_path):
    options = AdbTouch.Options(tap=[*ECHO, "tap", "{x}", "{y}", "{ms}"], swipe=[*ECHO, "{x}-{y}-{x2}-{y2}-{ms}"])
    finger = AdbTouch.make(site(real_clock, tmp_path), options)
    keys = AdbKeys.make(
        site(real_clock, tmp_path),
        AdbKeys.Options(codes={"home": "3"}, press=[*ECHO, "press", "{code}"], hold=[*ECHO, "hold", "{code}", "{ms}"]),
    )

    async def main():
        before = real_clock.now_ns
        contact = await finger.tap((12, 34), 0.05)
        assert before <= contact.t_ns <= real_clock.now_ns
        assert contact.bound_ns > 0
        await finger.swipe((1, 2), (100, 50), 0.3)
        await keys.press("home", 0.1)
        await keys.press("home", 1.0)
        with pytest.raises(UsageError, match="no key 'fire'"):
            await keys.press("fire", 0.1)
        with pytest.raises(UsageError, match="beside the glass"):
            await finger.tap((200, 0), 0.1)

    real_clock.run(main())
    assert (tmp_path / "log").read_text().splitlines() == ["tap 12 34 50", "1-2-100-50-300", "press 3", "hold 3 1000"]


def test_a_command_that_fails_is_a_bench_fault(real_clock, tmp_path):
    options = AdbTouch.Options(tap=[sys.executable, "-c", "raise SystemExit('no device')"])
    finger = AdbTouch.make(site(real_clock, tmp_path), options)
    with pytest.raises(BenchError, match="no device"):
        real_clock.run(finger.tap((1, 1), 0.05))


def test_a_program_without_samples_and_one_that_ends_are_bench_faults(real_clock, tmp_path):
    def ear(code, **options):
        made = CommandAudioFactory.Options(command=[sys.executable, "-c", code], **options)
        return CommandAudioFactory.make(site(real_clock, tmp_path), made)

    with pytest.raises(BenchError, match="ended: no card"):
        real_clock.run(ear("raise SystemExit('no card')").open(lambda error: None))
    mute = ear("import time; time.sleep(60)", timeout=0.2)
    with pytest.raises(BenchError, match="gave no samples"):
        real_clock.run(mute.open(lambda error: None))
    real_clock.run(mute.close())


@pytest.mark.parametrize(
    "make",
    [
        lambda clock: CommandTouch(
            clock=clock, name="x", size=(1, 1), tap=["a"], swipe=["a"], folder=Path(), timeout_s=1
        ),
        lambda clock: CommandKeys(clock=clock, name="x", codes={}, press=["a"], hold=["a"], folder=Path(), timeout_s=1),
        lambda clock: CommandAudio(
            clock=clock,
            name="x",
            command=["a"],
            folder=Path(),
            rate_Hz=1,
            channels=1,
            delay_s=0,
            bound_s=0,
            timeout_s=1,
        ),
    ],
)
def test_commands_are_refused_in_virtual_time(clock, make):
    with pytest.raises(UsageError, match="virtual"):
        make(clock)


# What comes over sockets: the ECU's own faces at the far end. Slack: the machine may be busy; the ports' own behaviour
# is tested to the letter in tests/unit/test_input_socket.py.


class TestSocketTouch(TouchContract):
    @pytest.fixture
    def touch_bench(self, real_clock, input_face):
        felt = []
        input_face.panel.listen(lambda event: felt.append((event.t_ns, event.action, event.x, event.y)))
        options = SocketTouchFactory.Options(url=f"socket://127.0.0.1:{input_face.port}")
        made = Site(
            name="panel", clock=real_clock, copper=Copper(real_clock), folder=Path(), size=input_face.panel.size
        )
        return TouchBench(real_clock, SocketTouchFactory.make(made, options), lambda: felt, slack_s=1.0)


class TestSocketKeys(KeyContract):
    @pytest.fixture
    def key_bench(self, real_clock, input_face):
        felt = []
        input_face.pad.listen(lambda event: felt.append((event.t_ns, event.key, event.pressed)))
        options = SocketKeysFactory.Options(url=f"socket://127.0.0.1:{input_face.port}")
        return KeyBench(
            real_clock, SocketKeysFactory.make(site(real_clock, Path()), options), lambda: felt, slack_s=0.2
        )


class TestHttpAudio(AudioContract):
    @pytest.fixture
    def audio_bench(self, real_clock):
        speaker = Speaker("cabin")
        face = HttpFace(clock=real_clock, displays=[], speakers=[speaker])
        real_clock.run(face.open())

        def tone():
            at = np.arange(round(RATE_HZ * TONE_S)) / RATE_HZ
            return (9000 * np.sin(2 * np.pi * TONE_HZ * at)).astype(np.int16)

        def sound():
            now_ns = real_clock.now_ns
            speaker.play(Sound(now_ns, round(TONE_S * 1e9), tone))
            return now_ns

        options = HttpAudioFactory.Options(url=f"http://127.0.0.1:{face.port}/cabin.wav")
        yield AudioBench(real_clock, HttpAudioFactory.make(site(real_clock, Path()), options), sound)
        real_clock.run(face.close())
