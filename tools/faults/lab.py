"""The far ends of the lab bench: CAN adapters, an instrument, a camera, a broker, a disk; and its bench file.

Rules of this module: a far end lives as long as the lab, unless a fault takes it away and the mending brings it back.
The ECU's program is the bench's own: the bench starts it. What talks TCP or a pty is served by one loop in a thread,
beside the bench's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import shutil
import signal
import socket
import subprocess
import threading
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from faults.buses import BENCH_END, BUSES, STATUS_ID
from faults.kernel import Interface, simulated
from faults.processes import child_pids
from hil.bench.facade import Bench
from hil.clock import RealClock
from hil.ecu.listener import Listener
from hil.ecu.scpi_face import ScpiFace
from hil.serial.line import PowerLine

_STATUS_EVERY_S: Final = 0.02
_ANSWER_S: Final = 0.2
_CAN: Final = f"lab{os.getpid()}"
"""Of this process: two labs at once are two benches."""
_ANSWERS: Final = {b"V": b"V1013\r", b"F": b"F00\r", b"t": b"z\r", b"T": b"Z\r", b"Z": b"\a"}
"""An adapter without stamps; what isn't here is answered by a CR."""
_DISK_BYTES: Final = 48 << 20
_SECOND: Final = BUSES.replace("Status", "Echo").replace("Speed", "Wheel").replace("Ready", "Alive")
BENCH: Final = """# The lab bench of the fault tests: real ports whose far ends are broken on purpose.
[bench]
name = "lab"
clock = "real"
allowed_lateness = "5 s"

[process.ecu]
command = ["{{python}}", "-S", "-E", "{program}", "{folder}/ecu.pid"]

[bus.can0]
port = "python-can"
interface = "socketcan"
channel = "{can}"
broadcast_manager = false
database = "first.dbc"
real_nodes = ["ECU"]

[bus.can1]
port = "python-can"
interface = "slcan"
channel = "{folder}/adapter"
database = "second.dbc"
real_nodes = ["ECU"]

[console.main]
port = "serial"
url = "{{ecu.console}}"
answers_to = "?"

[supply.battery]
port = "scpi"
url = "socket://127.0.0.1:{supply}"
max_voltage_V = 16.0
max_current_A = 10.0

[screen.camera]
source = "http"
url = "http://127.0.0.1:{camera}/camera.png"
timeout = "600 ms"
layout = "camera.toml"

[mqtt.cloud]
port = "broker"
host = "127.0.0.1"
port_number = {broker}
client = "lab-{broker}"
"""


class Camera(Listener):
    """Answers each GET with one picture, until it is stalled: then it takes the request and says nothing."""

    def __init__(self, clock: RealClock) -> None:
        super().__init__(clock=clock, name="camera")
        self.stalled = False
        picture = np.full((32, 64, 3), 180, np.uint8)
        self._body = bytes(cv2.imencode(".png", picture)[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {len(self._body)}\r\n\r\n"
        with contextlib.suppress(asyncio.IncompleteReadError):  # it hung up
            while await reader.readuntil(b"\r\n\r\n"):
                while self.stalled:
                    await self._clock.sleep(0.05)
                writer.write(head.encode() + self._body)
                await writer.drain()


class Adapter:
    """A serial-line CAN adapter (LAWICEL's protocol) on a pty, with a stable name, as udev gives one."""

    def __init__(self, clock: RealClock, link: Path) -> None:
        self._clock, self._link = clock, link
        self._ends: tuple[int, int] | None = None
        self.is_on = False

    def plug(self) -> None:
        """The adapter is there. In the loop's thread."""
        near, far = pty.openpty()
        tty.setraw(far)
        os.set_blocking(near, False)
        self._ends = near, far
        self._link.symlink_to(os.ttyname(far))
        self._clock.loop.add_reader(near, self._hear, near)

    def unplug(self) -> None:
        """It is gone, in the middle of whatever it said. In the loop's thread."""
        if self._ends is None:
            return
        ends, self._ends, self.is_on = self._ends, None, False
        self._clock.loop.remove_reader(ends[0])
        self._link.unlink()
        with contextlib.suppress(OSError):
            os.write(ends[0], b"t3001")  # half a frame
        for end in ends:
            os.close(end)

    def _hear(self, near: int) -> None:
        with contextlib.suppress(OSError):
            for command in os.read(near, 65536).split(b"\r"):
                if command:
                    self.is_on = command == b"O" or (self.is_on and command != b"C")
                    os.write(near, _ANSWERS.get(command[:1], b"\r"))

    def say(self, frame: bytes) -> None:
        """A frame was on its bus."""
        if self._ends is not None and self.is_on:
            with contextlib.suppress(OSError):
                os.write(self._ends[0], frame)


class Broker:
    """mosquitto on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Up, and listening."""
        command = ["mosquitto", "-c", str(self._config)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _until(self._listens, 10.0, "the broker listens")

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def kill(self) -> None:
        """Gone, without a farewell."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


class Disk:
    """A small file system of its own for the results; a folder where this user can't mount one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "results", str(folder)]
        self.is_real = os.geteuid() == 0 and subprocess.run(words, capture_output=True, check=False).returncode == 0

    def fill(self) -> None:
        """Not one byte is left."""
        with (self.folder / "filler").open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"\0" * size):
                        pass

    def free(self) -> None:
        """There is room again."""
        (self.folder / "filler").unlink(missing_ok=True)

    def empty(self) -> None:
        """Nothing is on it."""
        for path in self.folder.iterdir():
            shutil.rmtree(path, ignore_errors=True)

    def close(self) -> None:
        """Take the file system away."""
        if self.is_real:
            subprocess.run(["umount", "-l", str(self.folder)], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Lab:
    """All far ends, up.

    Attributes:
        folder: bench file, databases, layout.
        buses: the simulated kernel's interfaces.
    """

    folder: Path
    clock: RealClock
    buses: dict[str, Interface]
    broker: Broker
    adapter: Adapter
    camera: Camera
    supply: ScpiFace
    line: PowerLine
    disk: Disk
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def can(self) -> Interface:
        """The one SocketCAN interface."""
        return self.buses[_CAN]

    @property
    def bench(self) -> Path:
        """The bench file."""
        return self.folder / "lab.toml"

    @property
    def results(self) -> Path:
        """A disk of its own."""
        return self.disk.folder

    @property
    def pid_file(self) -> Path:
        """Where the ECU's program says that it is ready for signals."""
        return self.folder / "ecu.pid"

    def begin(self) -> None:
        """A trial begins."""
        self.pid_file.unlink(missing_ok=True)

    def held(self) -> int:
        """How many sockets the interfaces have."""
        return sum(len(bus.sockets) for bus in self.buses.values())

    def send(self, bench: Bench, number: int) -> None:
        """Something to everybody."""
        bench.set_signal("Speed.Kmh", 10 + number)
        bench.set_signal("Wheel.Kmh", 20 + number)
        bench.mqtt().publish("cockpit/lab", {"number": number})
        bench.supply().set_voltage(13.5)
        bench.sleep("20 ms")

    def check(self, bench: Bench, asks: Callable[[float], object]) -> None:
        """One round of all checks."""
        asks(0.0)
        bench.screen().should_be_lit()
        asks(_ANSWER_S)
        bench.console().drain()
        bench.mqtt().publish("cockpit/lab", {"check": 1})
        bench.console().send_line("ping")
        bench.console().expect("pong", within=_ANSWER_S)
        bench.signal_should_be("Status.Ready", "Yes")
        bench.mqtt().should_receive("cockpit/lab")
        bench.supply().current_should_be(below="1 A")

    def unsafe(self) -> list[str]:
        """What isn't as a bench must leave it."""
        return [f"the supply still gives {self.line.voltage_V} V"] if self.line.voltage_V else []

    def stolen_s(self) -> float:
        """None: this machine's accounts say all."""
        return 0.0

    def call(self, callback: Callable[[], object]) -> None:
        """Have something done in the loop of the far ends, now."""

        async def done() -> None:
            callback()

        self.clock.run(done())

    def signal_ecu(self, number: int) -> None:
        """Send the ECU's program a signal once it is there; one that has ended already gets none."""
        if number == signal.SIGKILL:
            _until(lambda: self.pid_file.exists() or bool(_children(b"program.py")), 10.0, "the program starts")
        else:
            _until(self.pid_file.exists, 10.0, "the program is ready")
        for pid in _children(b"program.py"):
            os.kill(pid, number)

    def talk(self) -> None:
        """What the ECU says on both buses, in a thread: its own crystal, not the bench's."""
        while not self._stop.wait(_STATUS_EVERY_S):
            self.can.hear(STATUS_ID, b"\1")
            self.adapter.say(b"t300101\r")


def _children(word: bytes) -> list[int]:
    found = []
    for pid in child_pids():
        with contextlib.suppress(OSError):
            if word in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def _until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"the lab waited in vain: {what}")
        time.sleep(0.002)


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Lab]:
    """The lab with all its far ends up, in a folder of its own."""
    clock, line = RealClock(), PowerLine()
    with contextlib.ExitStack() as ends:
        ends.callback(clock.close)
        lab = Lab(
            folder, clock, ends.enter_context(simulated(_CAN)), Broker(folder), Adapter(clock, folder / "adapter"),
            Camera(clock), ScpiFace(clock=clock, line=line), line, Disk(folder / "results"),
        )  # fmt: skip
        ends.callback(lab.disk.close)
        lab.broker.start()
        ends.callback(lab.broker.kill)
        for face in (lab.camera, lab.supply):
            clock.run(face.open())
            ends.callback(_close, clock, face)
        lab.call(lab.adapter.plug)
        ends.callback(lambda: lab.call(lab.adapter.unplug))
        _write_bench(lab)
        talker = threading.Thread(target=lab.talk, name="lab-ecu", daemon=True)
        talker.start()
        ends.callback(talker.join)
        ends.callback(lab._stop.set)
        yield lab


def _close(clock: RealClock, face: Listener) -> None:
    clock.run(face.close())


def _write_bench(lab: Lab) -> None:
    (lab.folder / "first.dbc").write_text(BUSES)
    (lab.folder / "second.dbc").write_text(_SECOND)
    (lab.folder / "camera.toml").write_text("[screen]\nsize = [64, 32]\n")
    places: dict[str, Any] = {"program": Path(__file__).with_name("program.py"), "folder": lab.folder}
    places |= {"supply": lab.supply.port, "camera": lab.camera.port, "broker": lab.broker.port, "can": _CAN}
    lab.bench.write_text(BENCH.format(**places) + BENCH_END)
