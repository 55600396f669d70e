"""Touch and keys over TCP: each end against a script of the other, which shares no code with it."""

import asyncio
import contextlib
import socket
from types import SimpleNamespace

import pytest

from hil.clock import RealClock, VirtualClock
from hil.ecu.input_face import InputFace
from hil.errors import BenchError, UsageError
from hil.hmi.input_ports import REST_NS
from hil.hmi.input_socket import Agent, SocketKeys, SocketTouch
from hil.hmi.touch import Contact, KeyPad, TouchPanel
from hil.journal import Origin


@pytest.fixture
def clock():
    made = RealClock()
    yield made
    made.close()


SILENCE = "(says nothing)"


class Script:
    """An agent that expects lines and answers them; what it heard is in `heard`."""

    def __init__(self, answers):
        self.answers, self.heard = answers, []
        self.hung_up = asyncio.Event()

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionResetError):  # the port may leave with an answer unread
            await self._talk(reader, writer)
        writer.close()
        self.hung_up.set()

    async def _talk(self, reader, writer):
        while line := (await reader.readline()).decode().strip():
            self.heard.append(line)
            answer = self.answers(line)
            if answer is None:
                break
            if answer != SILENCE:
                writer.write(answer.encode() + b"\n")


def scripted(clock, scenario, answers, make=SocketTouch, **options):
    """Run a scenario with a port, opened, on a scripted agent; gives the script and what was lost."""
    lost = []

    async def main():
        script = Script(answers)
        server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
        url = f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        port = make(clock=clock, name="panel", url=url, timeout_s=options.pop("timeout_s", 10.0), **options)
        try:
            await port.open(lost.append)
            await scenario(port)
        finally:
            await port.close()
            await script.hung_up.wait()
            server.close()
        return script

    return clock.run(main()), lost


def glass(line):
    return "ok 1280 800" if line == "size" else "ok"


def pad(line):
    return "ok home back" if line == "keys" else "ok"


@pytest.mark.parametrize(
    ("make", "options", "act", "up"),
    [
        (SocketTouch, {"size": (1280, 800)}, lambda port, hold_s: port.tap((5, 6), hold_s), "touch up 5 6"),
        (SocketKeys, {}, lambda port, hold_s: port.press("home", hold_s), "key home up"),
    ],
)
def test_a_slow_answer_does_not_shorten_the_hold(clock, monkeypatch, make, options, act, up):
    hold_s, late_ns = 0.03, 500_000_000
    lifted = []

    async def main():
        lifting = clock.loop.create_future()
        port = make(clock=clock, name="panel", url="socket://127.0.0.1:1", timeout_s=1.0, **options)
        if make is SocketKeys:
            port._down = {"home": asyncio.Event()}
        (port._down["home"] if make is SocketKeys else port._free).set()

        async def answer(line):
            return Contact(clock.now_ns - late_ns, late_ns, Origin.HOST), []

        def tell(line):
            lifting.set_result((line, clock.now_ns))

        monkeypatch.setattr(port, "_agent", SimpleNamespace(ask=answer, tell=tell))
        answered_ns = clock.now_ns
        await act(port, hold_s)
        line, up_ns = await lifting
        lifted.append((line, up_ns - answered_ns))

    clock.run(main())
    assert lifted[0][0] == up
    assert lifted[0][1] >= hold_s * 1e9


async def _quiet(port):
    """Until a next touch could begin: all that the last one says has been said."""
    await port._free.wait()


def test_a_tap_is_a_down_and_an_up_at_its_point(clock):
    async def scenario(port):
        before_ns = clock.now_ns
        contact = await port.tap((12, 34), 0.01)
        assert before_ns <= contact.t_ns <= clock.now_ns
        assert contact.bound_ns > 0
        await _quiet(port)

    script, lost = scripted(clock, scenario, glass, size=(1280, 800))
    assert script.heard == ["size", "touch down 12 34", "touch up 12 34"]
    assert lost == []


def test_a_finger_rests_between_two_taps(clock):
    """Panels take what comes sooner for bounce."""
    contacts = []

    async def scenario(port):
        contacts.extend([await port.tap((1, 1), 0.0), await port.tap((1, 1), 0.0)])

    scripted(clock, scenario, glass, size=(1280, 800))
    assert contacts[1].t_ns - contacts[0].t_ns >= REST_NS


def test_a_swipe_moves_in_steps_to_its_end(clock):
    async def scenario(port):
        await port.swipe((0, 0), (100, 50), 0.05)

    script, _ = scripted(clock, scenario, glass, size=(1280, 800))
    assert script.heard[1:] == [
        "touch down 0 0", "touch move 33 17", "touch move 67 33", "touch move 100 50", "touch up 100 50",
    ]  # fmt: skip


def test_a_key_is_pressed_again_only_when_it_is_up(clock):
    async def scenario(port):
        assert port.keys == ("home", "back")
        await port.press("home", 0.02)
        await port.press("back", 0.02)
        await port.press("home", 0.02)

    script, _ = scripted(clock, scenario, pad, make=SocketKeys)
    ways = [line.removeprefix("key home ") for line in script.heard if line.startswith("key home")]
    assert ways[:3] == ["down", "up", "down"]


def test_a_held_finger_outlives_the_restart_of_bench_time(clock):
    """A real bench begins each case at zero again: what was to be lifted is, and the next tap need not wait."""

    async def scenario(port):
        await port.tap((1, 1), 0.05)
        await clock._restart()
        await port.tap((2, 2), 0.0)
        await _quiet(port)

    script, _ = scripted(clock, scenario, glass, size=(1280, 800))
    assert script.heard[1:] == ["touch down 1 1", "touch up 1 1", "touch down 2 2", "touch up 2 2"]


@pytest.mark.parametrize(
    ("answers", "match"),
    [
        (lambda line: "ok 800 480", "800 x 480 px, its layout 1280 x 800"),
        (lambda line: "ok 1280 800" if line == "size" else "error no device", "'touch down 1 1' with: error no device"),
        (lambda line: "ok 1280 800" if line == "size" else None, "lost: it hung up"),
    ],
)  # fmt: skip
def test_an_agent_that_does_not_do_it_is_a_bench_fault(clock, answers, match):
    async def scenario(port):
        await port.tap((1, 1), 0.01)

    with pytest.raises(BenchError, match=match):
        scripted(clock, scenario, answers, size=(1280, 800))


def test_an_agent_that_says_nothing_is_a_bench_fault(clock):
    async def scenario(port):
        raise AssertionError("it opened")

    with pytest.raises(BenchError, match=r"did not answer 'size' within 0\.05 s"):
        scripted(clock, scenario, lambda line: SILENCE, size=(1, 1), timeout_s=0.05)


def test_a_refused_lift_is_told_though_nobody_waits_for_it(clock):
    async def scenario(port):
        await port.tap((1, 1), 0.0)
        await _quiet(port)

    _, lost = scripted(clock, scenario, lambda line: "error stuck" if "up" in line else glass(line), size=(1280, 800))
    assert ["answered 'touch up 1 1' with: error stuck" in str(error) for error in lost] == [True]


def test_nobody_there_a_wrong_url_and_a_virtual_clock(clock):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        url = f"socket://127.0.0.1:{taken.getsockname()[1]}"
        agent = Agent(clock=clock, where="keys.pad", url=url, timeout_s=10)
        with pytest.raises(BenchError, match="no agent at 127"):
            clock.run(agent.open(lambda error: None))
    for wrong in ("http://a:1", "socket://a", "socket://:7", "7000"):
        with pytest.raises(UsageError, match="no URL of an agent"):
            Agent(clock=clock, where="keys.pad", url=wrong, timeout_s=1)
    virtual = VirtualClock()
    with pytest.raises(UsageError, match="virtual time"):
        Agent(clock=virtual, where="keys.pad", url="socket://a:1", timeout_s=1)
    virtual.close()


# --- the ECU's end ------------------------------------------------------------------------------------------------


@pytest.fixture
def face(clock):
    panel, keys = TouchPanel("centre", (100, 50)), KeyPad("keys", ("home", "back"))
    made = InputFace(clock=clock, panel=panel, pad=keys)
    made.felt = []
    panel.listen(lambda event: made.felt.append((event.action, event.x, event.y)))
    keys.listen(lambda event: made.felt.append((event.key, event.pressed)))
    clock.run(made.open())
    yield made
    clock.run(made.close())


def talk(face, *lines):
    """What a plain client gets to its lines, and then hangs up; returns when the face has noticed."""
    with socket.create_connection(("127.0.0.1", face.port), timeout=10) as client:
        client.sendall("".join(f"{line}\n" for line in lines).encode())
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(4096), b"")).decode().splitlines()


def test_the_face_says_what_there_is_and_does_what_it_is_told(face):
    lines = ["size", "keys", "touch down 1 2", "touch move 3 4", "touch up 3 4", "key home down", "key home up"]
    assert talk(face, *lines) == ["ok 100 50", "ok home back", *["ok"] * 5]
    assert face.felt == [("down", 1, 2), ("move", 3, 4), ("up", 3, 4), ("home", True), ("home", False)]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("touch down 100 0", "error (100, 0) is beside the glass"),
        ("touch down -1 0", "error 'touch down -1 0' is none of: size"),
        ("touch press 1 1", "error 'touch press 1 1' is none of: size"),
        ("key fire down", "error no key 'fire'"),
        ("key home", "error 'key home' is none of: size"),
        ("", "error '' is none of: size"),
        ("x" * 100_000, "error a line of this length is none"),
    ],
)
def test_what_means_nothing_is_refused_and_nothing_is_felt(face, line, answer):
    said = talk(face, line)
    assert said[0].startswith(answer)
    assert face.felt == []


def test_what_a_connection_holds_is_lifted_when_it_ends(clock, face):
    assert talk(face, "touch down 9 9", "key back down", "key home down") == ["ok"] * 3
    clock.run(face.close())
    assert face.felt[3:] == [("up", 9, 9), ("back", False), ("home", False)]
