"""Frame sources: stamps, tokens, waiting, and one clear line for each way in which a picture can fail to come."""

import asyncio
import http.server
import io
import itertools
import os
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from hil.clock import RealClock, VirtualClock
from hil.errors import BenchError, UsageError
from hil.hmi.frames import Display, Frame
from hil.hmi.sources import CommandSource, HttpSource, SimSource
from hil.journal import Origin

SIZE = (64, 24)
MS = 1_000_000


def pixels(level):
    return np.full((SIZE[1], SIZE[0], 3), level, np.uint8)


def encoded(level, kind="PNG", size=SIZE):
    out = io.BytesIO()
    Image.fromarray(np.full((size[1], size[0], 3), level, np.uint8)).save(out, kind)
    return out.getvalue()


async def never_lost(error):
    raise AssertionError(error)


# ---- the virtual glass


@pytest.fixture
def virtual():
    clock = VirtualClock()
    yield clock
    clock.close()


def test_the_glass_is_seen_with_its_own_stamps(virtual):
    display = Display("cluster", SIZE, 16 * MS)
    source = SimSource(clock=virtual, display=display)
    for t_ns in (10 * MS, 26 * MS):
        virtual.call_at(t_ns, lambda t: display.present(Frame(t, lambda: pixels(t // MS), token=t)), t_ns)

    async def main():
        await source.open(never_lost)
        seen = [await source.latest(), await source.next_frame(0), await source.next_frame(10 * MS)]
        assert virtual.now_ns == 26 * MS
        return [(frame.t_ns, int(frame.pixels[0, 0, 0]), frame.origin) for frame in seen]

    assert virtual.run(main()) == [(0, 0, Origin.SIM), (10 * MS, 10, Origin.SIM), (26 * MS, 26, Origin.SIM)]
    assert source.period_ns == 16 * MS
    assert source.name == "cluster"


def test_a_cancelled_wait_leaves_the_glass_alone(virtual):
    display = Display("cluster", SIZE, 16 * MS)
    source = SimSource(clock=virtual, display=display)

    async def main():
        waiting = asyncio.ensure_future(source.next_frame(0))
        await virtual.sleep(0.001)
        waiting.cancel()
        await virtual.sleep(0.001)
        display.present(Frame(virtual.now_ns, lambda: pixels(1), token=1))
        return (await source.next_frame(0)).token

    assert virtual.run(main()) == 1


# ---- HTTP


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers with what the server was told to, one after the other; the last for ever."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, dict(self.headers), self.client_address[1]))
        status, headers, body = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
        if status == 0:
            self.connection.close()
            self.close_connection = True
            return
        if body is None:
            server.held.wait(5)
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Transfer-Encoding" in headers:
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        elif status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = headers.get("Connection") == "close"

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    running.daemon_threads = True
    running.asked, running.answers, running.held = [], [], threading.Event()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.held.set()
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def real():
    clock = RealClock()
    yield clock
    clock.close()


def over_http(clock, server, **options):
    url = f"http://127.0.0.1:{server.server_address[1]}/cluster.png?x=1"
    given = {"url": url, "size": SIZE, "period_s": 0.01, "timeout_s": 2.0, **options}
    return HttpSource(clock=clock, name="cluster", **given)


def looked(clock, source, looks=1):
    """The frames of some looks; the source is closed after them."""

    async def main():
        try:
            return [await source.latest() for _ in range(looks)]
        finally:
            await source.close()
            await source.close()

    return clock.run(main())


def bench_error(clock, source, looks=1):
    with pytest.raises(BenchError) as caught:
        looked(clock, source, looks)
    line = str(caught.value)
    assert line.startswith("screen.cluster: ")
    assert "\n" not in line
    return line


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_comes_with_the_middle_of_the_request_and_its_bound(real, server, kind):
    server.answers = [(200, {}, encoded(77, kind))]
    before = real.now_ns
    (frame,) = looked(real, over_http(real, server))
    after = real.now_ns
    assert frame.pixels.shape == (24, 64, 3)
    assert abs(int(frame.pixels[3, 3, 1]) - 77) <= 1
    assert frame.origin is Origin.HOST
    assert before <= frame.t_ns - frame.bound_ns
    assert frame.t_ns + frame.bound_ns <= after
    assert frame.bound_ns > 0
    path, headers, _ = server.asked[0]
    assert path == "/cluster.png?x=1"
    assert headers["Host"] == f"127.0.0.1:{server.server_address[1]}"


def test_the_stamp_is_the_middle_and_the_bound_half_of_the_way(real, server):
    source = over_http(real, server)
    frame = real.run(source._frame(100, 201, "t", encoded(1)))
    assert (frame.t_ns, frame.bound_ns) == (150, 51)
    assert real.run(source._frame(100, 200, "t", encoded(1), age_ns=40)).t_ns == 110


def test_an_age_header_gives_the_instant_on_the_glass(real, server):
    server.answers = [(200, {"X-Frame-Age-Us": "1500000"}, encoded(1)), (200, {}, encoded(1))]
    old, new = looked(real, over_http(real, server), 2)
    assert 1_400 * MS < new.t_ns - old.t_ns < 3_500 * MS
    assert old.bound_ns < 500 * MS


def test_one_connection_is_kept_and_an_etag_saves_the_picture(real, server):
    tagged = {"ETag": '"a"'}
    server.answers = [(200, tagged, encoded(5)), (304, tagged, b""), (200, {"ETag": '"b"'}, encoded(6))]
    first, same, other = looked(real, over_http(real, server), 3)
    assert [int(frame.pixels[0, 0, 0]) for frame in (first, same, other)] == [5, 5, 6]
    assert first.token == same.token != other.token
    assert same.t_ns > first.t_ns
    assert [headers.get("If-None-Match") for _, headers, _ in server.asked] == [None, '"a"', '"a"']
    assert len({port for _, _, port in server.asked}) == 1


def test_without_an_etag_equal_bytes_have_equal_tokens(real, server):
    server.answers = [(200, {}, encoded(5)), (200, {}, encoded(5)), (200, {}, encoded(6))]
    tokens = [frame.token for frame in looked(real, over_http(real, server), 3)]
    assert tokens[0] == tokens[1] != tokens[2]


def test_chunked_answers_and_closed_connections_are_understood(real, server):
    chunked = (200, {"Transfer-Encoding": "chunked"}, encoded(9))
    server.answers = [chunked, (200, {"Connection": "close"}, encoded(8)), chunked]
    frames = looked(real, over_http(real, server), 3)
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [9, 8, 9]


def test_a_kept_connection_that_broke_is_made_anew(real, server):
    server.answers = [(200, {}, encoded(1)), (0, {}, b""), (200, {}, encoded(2))]
    frames = looked(real, over_http(real, server), 2)
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [1, 2]
    assert len(server.asked) == 3


def test_the_next_frame_is_stamped_later_and_a_period_apart(real, server):
    server.answers = [(200, {}, encoded(1))]
    source = over_http(real, server, period_s=0.15)

    async def main():
        await source.open(never_lost)
        frames = [await source.latest()]
        for _ in range(2):
            frames.append(await source.next_frame(frames[-1].t_ns))
        later = await source.next_frame(frames[-1].t_ns + 200 * MS)
        await source.close()
        return frames, later

    frames, later = real.run(main())
    stamps = [frame.t_ns for frame in frames]
    assert all(b - a > 100 * MS for a, b in itertools.pairwise(stamps))
    assert later.t_ns > stamps[-1] + 200 * MS
    assert len(server.asked) in (5, 6, 7)  # 5: on a busy machine the last is late enough at once


def test_the_zero_of_the_clock_may_move(real, server):
    server.answers = [(200, {}, encoded(1))]
    source = over_http(real, server, period_s=0.01)

    async def look():
        return await source.next_frame(-1)

    async def close():
        await source.close()

    real.run(look())
    source._asked_ns = 3_600_000 * MS
    assert real.run(asyncio.wait_for(look(), 5)).t_ns < 60_000 * MS
    real.run(close())


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ((404, {}, b"no"), "answers 404 Not Found. Remedy: check the url http://"),
        ((302, {"Location": "/"}, b""), "answers 302"),
        ((304, {}, b""), "answers 304"),
        ((200, {}, b"<html>hello</html>"), "gave 18 bytes that are no whole PNG or JPEG: they begin with '<html>"),
        ((200, {}, b""), "gave no bytes"),
        ((200, {}, encoded(1)[:-20]), "no whole PNG or JPEG"),
        ((200, {}, encoded(1, "JPEG")[:-60]), "no whole PNG or JPEG"),
        ((200, {}, encoded(1, "GIF")), "no whole PNG or JPEG"),
        ((200, {}, encoded(1, size=(63, 24))), "gave a picture of 63 x 24 px; the layout says 64 x 24. Remedy"),
        ((0, {}, b""), "doesn't answer"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_a_bench_fault(real, server, answer, line):
    server.answers = [answer]
    assert line in bench_error(real, over_http(real, server))


def test_a_broken_picture_does_not_spoil_the_next_one(real, server):
    tagged = {"ETag": '"a"'}
    server.answers = [(200, tagged, b"junk"), (200, tagged, encoded(4))]
    source = over_http(real, server)

    async def main():
        with pytest.raises(BenchError):
            await source.latest()
        frame = await source.latest()
        await source.close()
        return frame

    assert int(real.run(main()).pixels[0, 0, 0]) == 4
    assert "If-None-Match" not in server.asked[1][1]


def test_a_server_that_never_answers_times_out(real, server):
    server.answers = [(200, {}, None)]
    assert "no picture within 0.05 s" in bench_error(real, over_http(real, server, timeout_s=0.05))


def test_nobody_there_is_a_bench_fault(real, server):
    source = over_http(real, server, url="http://127.0.0.1:1/x.png")
    with pytest.raises(BenchError, match=r"screen\.cluster: http://127\.0\.0\.1:1/x\.png doesn't answer"):
        real.run(source.open(never_lost))


@pytest.mark.parametrize("url", ["", "c.png", "ftp://h/x", "http://", "http://h:port/", "http://h/a b", "http://["])
def test_a_url_that_is_none_is_a_usage_error(real, url):
    with pytest.raises(UsageError, match=r"screen\.cluster\.url: .* is no URL"):
        HttpSource(clock=real, name="cluster", url=url, size=SIZE, period_s=0.1, timeout_s=1)


# ---- commands

PRINT = """
import io, pathlib, sys
import numpy as np
from PIL import Image
out = io.BytesIO()
Image.fromarray(np.full((24, 64, 3), int(pathlib.Path("level").read_text()), np.uint8)).save(out, sys.argv[1])
sys.stdout.buffer.write(out.getvalue())
"""


def by_command(clock, folder, *command, **options):
    given = {"size": SIZE, "period_s": 0.01, "timeout_s": 20.0, **options}
    return CommandSource(clock=clock, name="cluster", command=command, folder=folder, **given)


def python(clock, folder, script, *arguments, **options):
    return by_command(clock, folder, sys.executable, "-c", script, *arguments, **options)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_command_prints_a_picture_from_its_folder(real, tmp_path, kind):
    (tmp_path / "level").write_text("55")
    before = real.now_ns
    frame, same = looked(real, python(real, tmp_path, PRINT, kind), 2)
    assert abs(int(frame.pixels[5, 5, 0]) - 55) <= 1
    assert frame.token == same.token
    assert frame.origin is Origin.HOST
    assert before <= frame.t_ns - frame.bound_ns
    assert frame.t_ns + frame.bound_ns <= same.t_ns - same.bound_ns <= real.now_ns


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("import sys; sys.stderr.write('one\\nno camera\\n'); sys.exit(3)", "ended with status 3: no camera. Remedy"),
        ("import sys; sys.exit(4)", "ended with status 4: it said nothing"),
        ("import sys; sys.stderr.write('is it on?')", "printed nothing: is it on?"),
        ("print('hello')", "gave 6 bytes that are no whole PNG or JPEG"),
    ],
)  # fmt: skip
def test_a_command_that_fails_shows_its_last_line(real, tmp_path, script, line):
    assert line in bench_error(real, python(real, tmp_path, script))


def test_a_command_that_hangs_is_killed_with_its_children(real, tmp_path):
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    source = by_command(real, tmp_path, "sh", "-c", "(echo x; sleep 600) > held; true", timeout_s=0.5)
    assert "'sh' printed no picture within 0.5 s" in bench_error(real, source)
    os.set_blocking(held, True)
    assert (os.read(held, 9), os.read(held, 9)) == (b"x\n", b"")  # no writer is left
    os.close(held)


def test_a_command_that_is_not_there_is_a_bench_fault(real, tmp_path):
    assert "'./no-such' can't be run: No such file" in bench_error(real, by_command(real, tmp_path, "./no-such"))


def test_a_command_waits_for_a_later_frame(real, tmp_path):
    (tmp_path / "level").write_text("5")
    source = python(real, tmp_path, PRINT, "PNG")

    async def main():
        await source.open(never_lost)
        frame = await source.latest()
        return frame, await source.next_frame(frame.t_ns)

    frame, later = real.run(main())
    assert later.t_ns > frame.t_ns


def test_pictures_from_outside_are_refused_in_virtual_time(virtual, tmp_path):
    with pytest.raises(UsageError, match=r"screen\.cluster: a picture from outside can't come in virtual time"):
        by_command(virtual, tmp_path, "true")
    with pytest.raises(UsageError, match="virtual time"):
        HttpSource(clock=virtual, name="cluster", url="http://h/", size=SIZE, period_s=0.1, timeout_s=1)
