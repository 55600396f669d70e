"""The ECU's outer faces, seen by clients that share no code with them: termios, http.client, a bare socket."""

import asyncio
import http.client
import os
import select
import socket
import sys
import termios
import threading
import wave

import cv2
import numpy as np
import pytest

from hil.clock import RealClock, VirtualClock
from hil.contract.serial import Ear
from hil.ecu.http_face import HttpFace
from hil.ecu.pty_face import PENDING_BYTES, PtyFace
from hil.ecu.scpi_face import ScpiFace
from hil.errors import BenchError, UsageError
from hil.hmi.audio import Sound, Speaker
from hil.hmi.frames import Display, Frame
from hil.serial.line import PowerLine

needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no ptys")


@pytest.fixture
def clock():
    clock = RealClock()
    yield clock
    clock.close()


@pytest.mark.parametrize("make", [lambda **k: PtyFace(name="x", **k), lambda **k: HttpFace(displays=[], **k)])
def test_a_virtual_clock_is_refused(make):
    virtual = VirtualClock()
    with pytest.raises(UsageError, match="virtual time"):
        make(clock=virtual)
    virtual.close()


# --- pty ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def pty(clock):
    face = PtyFace(clock=clock, name="console")
    face.ear = Ear(clock)
    clock.run(face.open(face.ear.on_data, face.ear.on_lost))
    yield face
    clock.run(face.close())


def say(clock, face, data):
    async def write():
        face.write(data)

    clock.run(write())


def read_some(fd, size):
    data = b""
    while len(data) < size and select.select([fd], [], [], 5)[0]:
        data += os.read(fd, size - len(data))
    return data


@needs_pty
def test_the_terminal_is_raw_and_does_not_echo(clock, pty):
    fd = os.open(pty.path, os.O_RDWR | os.O_NOCTTY)
    assert not termios.tcgetattr(fd)[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    os.write(fd, b"ls\r\n\x03")
    assert clock.run(pty.ear.heard(5, 5)) == b"ls\r\n\x03"
    say(clock, pty, b"a\nb\r\n")
    assert read_some(fd, 5) == b"a\nb\r\n"
    assert pty.ear.data == b"ls\r\n\x03"
    os.close(fd)


@needs_pty
def test_the_far_side_may_close_and_open_again(clock, pty):
    for number in range(3):
        fd = os.open(pty.path, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, b"%d" % number)
        clock.run(pty.ear.heard(number + 1, 5))
        say(clock, pty, b"answer")
        assert read_some(fd, 6) == b"answer"
        os.close(fd)
    assert pty.ear.data == b"012"
    assert pty.ear.lost == []


@needs_pty
def test_an_ecu_that_nobody_listens_to_never_waits_and_counts_what_is_lost(clock, pty):
    async def flood():
        before_ns = clock.now_ns
        for _ in range(100):
            pty.write(b"x" * 10_000)
        return clock.now_ns - before_ns

    assert clock.run(flood()) < 500_000_000
    fd = os.open(pty.path, os.O_RDWR | os.O_NOCTTY)
    kept = 1_000_000 - pty.dropped
    assert PENDING_BYTES <= kept < PENDING_BYTES + 100_000
    assert read_some(fd, kept) == b"x" * kept
    say(clock, pty, b"still here")
    assert read_some(fd, 10) == b"still here"
    os.close(fd)


@needs_pty
def test_closing_the_face_breaks_the_line_and_takes_the_path(clock, pty):
    fd = os.open(pty.path, os.O_RDWR | os.O_NOCTTY)
    clock.run(pty.close())
    with pytest.raises(UsageError, match="not open"):
        _ = pty.path
    with pytest.raises(BenchError, match="not open"):
        say(clock, pty, b"x")
    try:
        assert os.read(fd, 1) == b""
    except OSError as error:
        assert error.errno == 5  # noqa: PT017  # Linux says EIO, others the end of the file
    os.close(fd)


# --- HTTP --------------------------------------------------------------------------------------------------------


def pixels(level):
    picture = np.zeros((24, 32, 3), np.uint8)
    picture[:, :16] = (255, level, 0)
    return picture


@pytest.fixture
def web(clock):
    displays = [Display("cluster", (32, 24), 16_666_667), Display("centre", (8, 8), 16_666_667)]
    face = HttpFace(clock=clock, displays=displays)
    clock.run(face.open())
    face.cluster = displays[0]
    face.client = http.client.HTTPConnection("127.0.0.1", face.port, timeout=5)
    yield face
    face.client.close()
    clock.run(face.close())


def show(clock, web, level, token):
    async def present():
        web.cluster.present(Frame(clock.now_ns, lambda: pixels(level), token=token))

    clock.run(present())


def get(web, path, method="GET", **headers):
    web.client.request(method, path, headers=headers)
    answer = web.client.getresponse()
    return answer, answer.read()


def decode(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


def test_a_png_is_the_picture_on_the_glass_to_the_bit(clock, web):
    show(clock, web, 99, "a")
    answer, body = get(web, "/cluster.png")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
    assert np.array_equal(decode(body), pixels(99))
    assert 0 <= int(answer.headers["X-Frame-Age-Us"]) < 5_000_000


def test_a_jpeg_is_nearly_the_picture(clock, web):
    show(clock, web, 99, "a")
    answer, body = get(web, "/cluster.jpg")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert np.abs(decode(body)[:, :8].astype(int) - pixels(99)[:, :8]).max() < 12


def test_the_age_grows_from_the_instant_of_the_frame(clock, web):
    show(clock, web, 1, "a")
    first = int(get(web, "/cluster.png")[0].headers["X-Frame-Age-Us"])
    clock.run(clock.sleep(0.05))
    later = int(get(web, "/cluster.png")[0].headers["X-Frame-Age-Us"])
    assert later - first >= 50_000


def test_an_unchanged_picture_is_a_304_and_a_changed_one_is_not(clock, web):
    show(clock, web, 1, "a")
    answer, _ = get(web, "/cluster.png")
    tag = answer.headers["ETag"]
    show(clock, web, 1, "a")
    answer, body = get(web, "/cluster.png", **{"If-None-Match": f'W/"other", {tag}'})
    assert (answer.status, body, answer.headers["ETag"]) == (304, b"", tag)
    assert "X-Frame-Age-Us" in answer.headers
    show(clock, web, 2, "b")
    answer, body = get(web, "/cluster.png", **{"If-None-Match": tag})
    assert answer.status == 200
    assert np.array_equal(decode(body), pixels(2))


def test_frames_without_a_token_are_never_taken_for_equal(clock, web):
    show(clock, web, 1, None)
    tag = get(web, "/cluster.png")[0].headers["ETag"]
    assert get(web, "/cluster.png", **{"If-None-Match": tag})[0].status == 304
    show(clock, web, 2, None)
    answer, body = get(web, "/cluster.png", **{"If-None-Match": tag})
    assert answer.status == 200
    assert np.array_equal(decode(body), pixels(2))


def test_one_connection_serves_many_requests(clock, web):
    get(web, "/")
    connection = web.client.sock.getsockname()
    for path in ("/cluster.png", "/nothing.png", "/centre.jpg", "/cluster.png"):
        get(web, path)
        assert web.client.sock.getsockname() == connection


def test_the_page_shows_the_screens(web):
    answer, body = get(web, "/")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert b'src="/cluster.mjpeg"' in body
    assert b'src="/centre.mjpeg"' in body


@pytest.mark.parametrize("path", ["/cluster", "/cluster.gif", "/hud.png", "/cluster.png/x", "/favicon.ico"])
def test_what_is_not_there_is_a_404_that_says_what_is(web, path):
    answer, body = get(web, path)
    assert answer.status == 404
    assert b"/cluster.png\n" in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods_are_a_405(web, method):
    answer, _ = get(web, "/cluster.png", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert get(web, "/cluster.png")[0].status == 200


def test_head_is_get_without_the_picture(web):
    answer, body = get(web, "/cluster.png", "HEAD")
    assert (answer.status, body) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 50
    connection = web.client.sock.getsockname()
    assert get(web, "/cluster.png")[0].status == 200
    assert web.client.sock.getsockname() == connection


def test_what_is_no_http_is_a_400(web):
    with socket.create_connection(("127.0.0.1", web.port), timeout=5) as line:
        line.sendall(b"hello\r\n\r\n")
        assert line.recv(1000).startswith(b"HTTP/1.1 400 ")


def read_part(answer):
    assert answer.readline() == b"--frame\r\n"
    headers = {}
    while (line := answer.readline().strip()) != b"":
        name, _, value = line.partition(b": ")
        headers[name.decode()] = value.decode()
    picture = answer.read(int(headers["Content-Length"]))
    assert answer.read(2) == b"\r\n"
    return headers, decode(picture)


def test_a_stream_shows_each_new_picture(clock, web):
    show(clock, web, 10, "a")
    web.client.request("GET", "/cluster.mjpeg")
    answer = web.client.getresponse()
    assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
    for level, token in ((10, "a"), (120, "b"), (240, "c")):
        show(clock, web, level, token)  # presenting an equal frame again shows nothing new
        headers, picture = read_part(answer)
        assert abs(int(picture[12, 4, 1]) - level) < 12
        assert 0 <= int(headers["X-Frame-Age-Us"]) < 5_000_000
    answer.close()


def test_a_stream_whose_client_goes_ends_without_another_frame(clock, web):
    web.client.request("GET", "/cluster.mjpeg")
    read_part(web.client.getresponse())
    web.client.close()

    async def ended():
        for _ in range(500):
            if not web._tasks:
                return True
            await clock.sleep(0.01)
        return False

    assert clock.run(ended())


def test_a_port_in_use_is_told(clock, web):
    with pytest.raises(BenchError, match=f"http: can't listen on 127.0.0.1:{web.port}"):
        clock.run(HttpFace(clock=clock, displays=[]).open(web.port))


# --- SCPI --------------------------------------------------------------------------------------------------------


@pytest.fixture
def psu(clock):
    line = PowerLine()
    face = ScpiFace(clock=clock, line=line)
    clock.run(face.open())
    face.line = line
    face.client = socket.create_connection(("127.0.0.1", face.port), timeout=5)
    face.answers = face.client.makefile("rb")
    yield face
    face.answers.close()
    face.client.close()
    clock.run(face.close())


def ask(psu, *commands):
    """Send the commands and give the answer of the last, which is a question."""
    psu.client.sendall("".join(f"{command}\n" for command in commands).encode())
    return psu.answers.readline().decode().rstrip("\n")


def test_the_instrument_says_who_it_is(psu):
    assert ask(psu, "*IDN?") == "Cockpit HIL,Simulated Supply,0,1.0"


@pytest.mark.parametrize(
    "command", ["VOLT 12.5", "volt 12.5", "VOLTAGE 12.5", ":SOUR:VOLT:LEV:IMM:AMPL 12.5", "source:voltage:level 1.25e1"]
)
def test_short_long_and_optional_forms_are_one_command(psu, command):
    assert ask(psu, command, "VOLT?") == "12.500"
    assert ask(psu, "SYST:ERR?") == '0,"No error"'


def test_several_commands_in_a_line(psu):
    assert ask(psu, "VOLT 9;OUTP ON;VOLT?;OUTP?") == "9.000;1"


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("VOLTA 5", '-113,"Undefined header"'),
        ("INST:NSEL 1", '-113,"Undefined header"'),
        ("VOLT 32.1", '-222,"Data out of range"'),
        ("CURR -1", '-222,"Data out of range"'),
        ("VOLT nan", '-222,"Data out of range"'),
        ("VOLT", '-109,"Missing parameter"'),
        ("VOLT twelve", '-104,"Data type error"'),
        ("OUTP MAYBE", '-104,"Data type error"'),
    ],
)
def test_a_wrong_command_is_queued_and_does_nothing(psu, command, error):
    assert ask(psu, "VOLT 7", command, "SYST:ERR?") == error
    assert ask(psu, "SYST:ERR?") == '0,"No error"'
    assert ask(psu, "VOLT?;OUTP?") == "7.000;0"


def test_the_queue_keeps_order_overflows_and_is_cleared(psu):
    assert ask(psu, "BAD", "VOLT 99", "SYST:ERR?") == '-113,"Undefined header"'
    assert ask(psu, "SYST:ERR?") == '-222,"Data out of range"'
    errors = [ask(psu, *["BAD"] * 40, "SYST:ERR?"), *(ask(psu, "SYST:ERR?") for _ in range(16))]
    assert errors[14:] == ['-113,"Undefined header"', '-350,"Queue overflow"', '0,"No error"']
    assert ask(psu, "BAD", "*CLS", "SYST:ERR?") == '0,"No error"'


def test_the_line_has_the_voltage_only_while_the_output_is_on(psu):
    ask(psu, "VOLT 13.5", "OUTP?")
    assert psu.line.voltage_V == 0.0
    assert ask(psu, "OUTP ON", "MEAS:VOLT?") == "13.5000"
    assert psu.line.voltage_V == 13.5
    assert ask(psu, "OUTP 0", "MEAS:VOLT?") == "0.0000"
    assert psu.line.voltage_V == 0.0


def test_over_voltage_trips_and_latches_until_cleared(psu):
    ask(psu, "VOLT:PROT 15", "VOLT 12", "OUTP ON", "OUTP?")
    assert ask(psu, "VOLT 15.1", "VOLT:PROT:TRIP?") == "1"
    assert psu.line.voltage_V == 0.0
    assert ask(psu, "VOLT 12", "OUTP ON", "OUTP?") == "0"
    assert ask(psu, "VOLT:PROT:CLE", "OUTP ON", "OUTP?") == "1"


def test_over_current_trips_without_being_asked(clock, psu):
    ask(psu, "CURR 2", "CURR:PROT:STAT ON", "VOLT 12", "OUTP ON", "OUTP?")
    psu.line.load_A = lambda: 2.5
    clock.run(clock.sleep(0.05))
    assert psu.line.voltage_V == 0.0
    assert ask(psu, "OUTP?;CURR:PROT:TRIP?") == "0;1"


def test_without_the_protection_the_current_is_limited(clock, psu):
    psu.line.load_A = lambda: 2.5
    assert ask(psu, "CURR 2", "VOLT 12", "OUTP ON", "MEAS:CURR?") == "2.0000"
    assert ask(psu, "OUTP?") == "1"


def test_the_output_outlives_the_connection(clock, psu):
    ask(psu, "VOLT 12", "OUTP ON", "OUTP?")
    psu.client.shutdown(socket.SHUT_RDWR)
    clock.run(clock.sleep(0.05))
    assert psu.line.voltage_V == 12.0


# --- all ---------------------------------------------------------------------------------------------------------


@needs_pty
def test_closing_leaves_no_thread_task_or_descriptor(clock):
    clock.run(asyncio.to_thread(int))  # the loop's own thread for what would block it; it ends with the loop
    before = set(threading.enumerate()), len(os.listdir("/proc/self/fd"))
    display = Display("cluster", (32, 24), 16_666_667)
    web, psu = HttpFace(clock=clock, displays=[display]), ScpiFace(clock=clock, line=PowerLine())
    pty = PtyFace(clock=clock, name="console")
    ear = Ear(clock)
    clock.run(pty.open(ear.on_data, ear.on_lost))
    clients = []
    for face in (web, psu):
        clock.run(face.open())
        clients += [socket.create_connection(("127.0.0.1", face.port), timeout=5) for _ in range(2)]
    clients[0].sendall(b"GET /cluster.mjpeg HTTP/1.1\r\nHost: x\r\n\r\n")
    assert clients[0].recv(100).startswith(b"HTTP/1.1 200")
    for face in (web, psu, pty, web, psu, pty):
        clock.run(face.close())
    for client in clients:
        while client.recv(65536):
            pass
        client.close()
    assert (set(threading.enumerate()), len(os.listdir("/proc/self/fd"))) == before


# --- sound and flash over HTTP -------------------------------------------------------------------------------------


@pytest.fixture
def loud(clock):
    speaker = Speaker("cabin")
    face = HttpFace(clock=clock, displays=[], speakers=[speaker], flash={"slot A": lambda: b"\x00firmware\xff"})
    clock.run(face.open())
    face.speaker = speaker
    face.client = http.client.HTTPConnection("127.0.0.1", face.port, timeout=10)
    yield face
    face.client.close()
    clock.run(face.close())


def test_sound_is_a_wav_that_goes_on_without_a_gap(clock, loud):
    """Read by the standard library: the head is right, and each sample is what the speaker played, in its order."""
    loud.client.request("GET", "/cabin.wav")
    answer = loud.client.getresponse()
    assert (answer.status, answer.getheader("Content-Type")) == (200, "audio/wav")
    assert int(answer.getheader("X-Sample-Age-Us")) < 10_000_000
    wav = wave.Wave_read(answer)
    assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 2, 48_000)
    ramp = np.arange(1, 4801, dtype=np.int16)

    async def play():
        loud.speaker.play(Sound(clock.now_ns, 100_000_000, lambda: ramp))

    clock.run(play())
    heard = np.zeros(0, np.int16)
    while not heard.any() or heard[-1]:
        heard = np.concatenate([heard, np.frombuffer(wav.readframes(480), "<i2")])
    sound = np.flatnonzero(heard)
    assert np.array_equal(heard[sound[0] : sound[-1] + 1], ramp)


def test_a_listener_that_goes_ends_the_stream(clock, loud):
    with socket.create_connection(("127.0.0.1", loud.port), timeout=10) as client:
        client.sendall(b"GET /cabin.wav HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"

    async def ended():
        await asyncio.wait(list(loud._tasks)) if loud._tasks else None

    clock.run(ended())


def test_a_part_of_the_flash_is_read_as_it_is(loud):
    loud.client.request("GET", "/flash/slot%20A")
    answer = loud.client.getresponse()
    assert (answer.status, answer.read()) == (200, b"\x00firmware\xff")
    loud.client.request("GET", "/flash/slot%20C")
    answer = loud.client.getresponse()
    assert answer.status == 404
    assert answer.read().decode().splitlines() == ["/cabin.wav", "/flash/slot%20A"]
