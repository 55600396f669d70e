"""What it costs to receive, stamp and record a full bus, beside python-can reading the same feed in the same run.

python benchmarks/receive.py [seconds]

Frames are fed as the kernel hands them over, `struct can_frame` and `struct canfd_frame`, through datagram socket
pairs, evenly spaced, by this process; a socket pair stamps with the kernel's clock as a CAN socket does. The receiver
is a process of its own, and only its computing time counts.

- *ours*: a whole bench as a bench file makes it: `SocketCanPort`, clock map, journal, inbox, monitors with E2E, and
  what the bench measures of itself. Its journal is read back: every frame must be in it, in order.
- *python-can*: `Notifier` with `BufferedReader` over python-can's own way of reading a SocketCAN socket, and a thread
  that takes the messages and writes them into a journal of ours; no inbox, no monitors.

The first feed has the messages of dbc/body.dbc with their counters and checksums, more of them than classic CAN can
carry at 500 kbit/s. The second is two whole buses of 64-byte frames at 500 kbit/s and 2 Mbit/s; no database knows them.
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import cantools

from hil.bench import config
from hil.bench.plan import plan
from hil.bench.ports import Options, Site
from hil.bench.wiring import open_bench
from hil.can import bits, raw_frames
from hil.can.database import Network
from hil.can.frames import BRS, FD
from hil.can.restbus import Restbus
from hil.can.socketcan import SocketCanPort, ask_for_stamps
from hil.clock import VirtualClock
from hil.journal import Journal, JournalReader, Origin

REPOSITORY = Path(__file__).resolve().parent.parent
CLASSIC_PER_S = 8_000
BITRATE, DATA_BITRATE = 500_000, 2_000_000
FD_MESSAGES = 50
SEED = 1
DRAIN_S = 0.3
BURST = 200
BURSTS = 100


def main() -> None:
    """Both feeds to both receivers."""
    arguments = _arguments()
    if arguments.receiver:
        receive(arguments)
        return
    print(f"{'':<34} {'frames':>8} {'lost':>5} {'late':>8} {'a core':>7} {'a frame':>8}")
    for name, feed in (("classic, 8,000 frames/s", classic), ("2 x FD, 64 bytes, full", flexible)):
        measure(name, feed(arguments.seconds), arguments.seconds)
    print(f"ours, {BURST} classic frames at once, without a turn of the loop for each: {burst_us():.1f} us a frame")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("seconds", nargs="?", type=float, default=60.0)
    parser.add_argument("--receiver", choices=["ours", "python-can"], help=argparse.SUPPRESS)
    parser.add_argument("--descriptors", nargs="*", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--fd", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


# The feed -------------------------------------------------------------------------------------------------------------


class Feed:
    """What is sent: of each bus the frames, evenly spaced."""

    def __init__(self, buses: list[list[bytes]], per_s: float, *, fd: bool) -> None:
        self.buses, self.per_s, self.fd = buses, per_s, fd


def classic(seconds: float) -> Feed:
    """The cyclic messages of the body network in the order in which they are due, quicker than they are due."""
    database = cantools.database.load_file(REPOSITORY / "dbc" / "body.dbc", strict=False)
    clock = VirtualClock()
    restbus = Restbus(clock, Network({"body": database}), {"body": _NoPort()}, absent=[], on_late=print)
    due = [(0, number, sent) for number, sent in enumerate(restbus.messages) if sent.period_ns]
    frames: list[bytes] = []
    while len(frames) < CLASSIC_PER_S * seconds:
        t_ns, number, sent = heapq.heappop(due)
        frames.append(raw_frames.pack(sent.can_id, sent.next_data(), sent.flags))
        heapq.heappush(due, (t_ns + sent.period_ns, number, sent))
    clock.close()
    return Feed([frames], CLASSIC_PER_S, fd=False)


class _NoPort:
    bus = "body"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def flexible(seconds: float) -> Feed:
    """Two buses without a gap."""
    rng = random.Random(SEED)
    some = [(can_id, rng.randbytes(64)) for can_id in _strangers()]
    busy_s = 0.0
    for can_id, data in some:
        nominal, fast = bits.measure(can_id, data, FD | BRS)
        busy_s += nominal / BITRATE + fast / DATA_BITRATE
    per_s = FD_MESSAGES / busy_s
    frames = [raw_frames.pack(*some[number % FD_MESSAGES], FD | BRS) for number in range(int(per_s * seconds))]
    return Feed([frames, frames], per_s, fd=True)


def _strangers() -> list[int]:
    """Identifiers that the chassis network doesn't have."""
    database = cantools.database.load_file(REPOSITORY / "dbc" / "chassis.dbc", strict=False)
    known = {message.frame_id for message in database.messages}
    return [can_id for can_id in range(0x100, 0x800) if can_id not in known][:FD_MESSAGES]


# The measurement ------------------------------------------------------------------------------------------------------


def measure(name: str, feed: Feed, seconds: float) -> None:
    """Give both receivers the feed."""
    costs = []
    for receiver in ("ours", "python-can"):
        late_ms, said = _run(receiver, feed)
        sent = sum(map(len, feed.buses))
        if receiver == "ours" and said["digests"] != [hashlib.sha256(b"".join(bus)).hexdigest() for bus in feed.buses]:
            raise SystemExit("the journal holds other frames than those that were sent, or another order")
        lost = sent - said["frames"]
        costs.append(said["core_s"] / max(said["frames"], 1))
        print(
            f"{name + ', ' + receiver:<34} {sent:8} {lost:5} {late_ms:5.1f} ms {said['core_s'] / seconds:6.1%} "
            f"{costs[-1] * 1e6:5.1f} us  {said['note']}"
        )
    print(f"{'':<34} python-can costs {costs[1] / costs[0]:.1f} times as much a frame\n")


def _run(receiver: str, feed: Feed) -> tuple[float, dict[str, Any]]:
    """One receiver; by how much the sender was late at most, and what the receiver says."""
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in feed.buses]
    theirs = [pair[1].fileno() for pair in pairs]
    command = [sys.executable, __file__, "--receiver", receiver, "--descriptors", *map(str, theirs)]
    command += ["--fd"] if feed.fd else []
    child = subprocess.Popen(command, pass_fds=theirs, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    if child.stdout.readline().strip() != "ready":
        raise SystemExit("the receiver did not start")
    late_s = _send([pair[0] for pair in pairs], feed)
    said = child.communicate("stop\n")[0]
    for pair in pairs:
        for end in pair:
            end.close()
    return late_s * 1e3, json.loads(said)


def _send(ends: list[socket.socket], feed: Feed) -> float:
    """Send each frame when it is due, those of all buses in turn."""
    period, worst, begin = 1 / feed.per_s, 0.0, time.perf_counter()
    for number, frames in enumerate(zip(*feed.buses, strict=True)):
        ahead = begin + number * period - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
        else:
            worst = max(worst, -ahead)
        for end, frame in zip(ends, frames, strict=True):
            end.send(frame)
    return worst


def receive(arguments: argparse.Namespace) -> None:
    """In the receiver's process: read until told to stop, then say what came and what it cost."""
    with tempfile.TemporaryDirectory() as folder:
        make: Callable[[argparse.Namespace, Path], Receiver] = Ours if arguments.receiver == "ours" else Theirs
        receiver = make(arguments, Path(folder))
        print("ready", flush=True)
        begin = time.process_time()
        sys.stdin.readline()
        time.sleep(DRAIN_S)
        core_s = time.process_time() - begin
        note = receiver.end()
        frames, digests = _recorded(Path(folder) / "journal.mcap")
    print(json.dumps({"frames": frames, "core_s": core_s, "note": note, "digests": digests}))


def _recorded(journal: Path) -> tuple[int, list[str]]:
    """How many frames a journal holds, and of each bus what they say, in their order, in short."""
    count, digests = 0, dict[str, Any]()
    for entry in JournalReader(journal):
        if entry.kind == "can":
            count += 1
            frame = raw_frames.pack(entry.data.can_id, entry.data.data, entry.data.flags)
            digests.setdefault(entry.name, hashlib.sha256()).update(frame)
    return count, [digests[name].hexdigest() for name in sorted(digests)]


class Receiver(Protocol):
    """Reads the feed from when it is made."""

    def end(self) -> str:
        """Read no more; what there is to say of it."""


# Ours -----------------------------------------------------------------------------------------------------------------


class FedOptions(Options):
    descriptor: int
    fd: bool


class Fed:
    """`[bus.*] port = "receive:Fed"`: a `SocketCanPort` over a descriptor that is open."""

    Options = FedOptions
    real = True

    @staticmethod
    def resources(options: FedOptions) -> list[str]:
        return []

    @staticmethod
    def make(site: Site, options: FedOptions) -> SocketCanPort:
        return SocketCanPort(
            clock=site.real_clock, bus=site.name, channel="fed", fd=options.fd,
            make_socket=lambda: _stamped(options.descriptor),
        )  # fmt: skip


def _stamped(descriptor: int) -> socket.socket:
    made = socket.socket(fileno=descriptor)
    ask_for_stamps(made)
    return made


class Ours:
    """A bench."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        path = folder / "bench.toml"
        path.write_text(_bench_file(arguments.descriptors, fd=arguments.fd))
        self._bench = open_bench(plan(config.load(path)), "benchmark")
        self._journal = Journal(folder / "journal.mcap")
        self._bench.wiring.recorder.begin(self._journal)

    def read_bursts(self, sender: socket.socket, frames: list[bytes]) -> int:
        """Computing time of reading them, ns; the loop doesn't read by itself meanwhile."""
        port, clock = self._bench.wiring.buses["fed0"], self._bench.wiring.clock

        async def read() -> int:
            clock.loop.remove_reader(port._socket.fileno())  # type: ignore[attr-defined]
            spent_ns = 0
            for first in range(0, len(frames), BURST):
                for frame in frames[first : first + BURST]:
                    sender.send(frame)
                begin_ns = time.process_time_ns()
                port._read_ready()  # type: ignore[attr-defined]
                spent_ns += time.process_time_ns() - begin_ns
            return spent_ns

        return clock.run(read())

    def end(self) -> str:
        found = self._bench.wiring.traffic.watch.so_far()
        self._bench.close()
        self._journal.close()
        lines = ", ".join(str(finding) for finding in found[:3])
        return f"monitors: {lines}" if lines else ""


def burst_us() -> float:
    """What a frame costs when the loop has been elsewhere and many wait, in this process."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    frames = classic(BURST * BURSTS / CLASSIC_PER_S).buses[0]
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(argparse.Namespace(descriptors=[far.detach()], fd=False), Path(folder))
        spent_ns = ours.read_bursts(near, frames)
        ours.end()
    near.close()
    return spent_ns / len(frames) / 1000


def _bench_file(descriptors: list[int], *, fd: bool) -> str:
    name = "chassis" if fd else "body"
    lines = ["[bench]", 'name = "receive"', 'clock = "real"', "[monitors]", 'cycle = "off"']
    lines += [f"allow = {[f'0x{can_id:X}' for can_id in _strangers()]}"] if fd else []
    for number, descriptor in enumerate(descriptors):
        lines += [f"[bus.fed{number}]", 'port = "receive:Fed"', f"descriptor = {descriptor}", f"fd = {str(fd).lower()}"]
        lines += [f'database = "{REPOSITORY / "dbc" / name}.dbc"', "restbus = false"]
        lines += [f"data_bitrate = {DATA_BITRATE}"] if fd else []
    return "\n".join(lines) + "\n"


# Theirs ---------------------------------------------------------------------------------------------------------------


class Theirs:
    """python-can as its documentation shows it, with a consumer that writes a journal."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        import can

        self._journal = Journal(folder / "journal.mcap")
        self._buses = [_python_can_bus(descriptor) for descriptor in arguments.descriptors]
        self._reader = can.BufferedReader()
        self._notifier = can.Notifier(self._buses, [self._reader])
        self._ended = False
        self._consumer = threading.Thread(target=self._consume)
        self._consumer.start()

    def _consume(self) -> None:
        while True:
            message = self._reader.get_message(timeout=0.1)
            if message is None:
                if self._ended:
                    return
                continue
            flags = (FD if message.is_fd else 0) | (BRS if message.bitrate_switch else 0)
            t_ns = round(message.timestamp * 1e9)
            self._journal.frame(t_ns, "fed", message.arbitration_id, flags, Origin.KERNEL, bytes(message.data))

    def end(self) -> str:
        self._ended = True
        self._notifier.stop()
        self._consumer.join()
        self._journal.close()
        for bus in self._buses:
            bus.shutdown()
        return ""


def _python_can_bus(descriptor: int) -> Any:
    """python-can's SocketCAN bus over a descriptor that is open: only what opens a CAN socket is left out."""
    from can import BusABC
    from can.interfaces.socketcan import SocketcanBus

    class FedBus(SocketcanBus):  # type: ignore[misc]
        def __init__(self) -> None:
            self.socket = _stamped_for_python_can(descriptor)
            self.channel, self._is_filtered, self._task_id = "fed", True, 0
            self._bcm_sockets: dict[str, Any] = {}
            BusABC.__init__(self, channel="fed")

        def _apply_filters(self, filters: Any) -> None:
            self._is_filtered = True

    return FedBus()


def _stamped_for_python_can(descriptor: int) -> socket.socket:
    made = socket.socket(fileno=descriptor)
    made.setsockopt(socket.SOL_SOCKET, raw_frames.SO_TIMESTAMPNS, 1)
    return made


if __name__ == "__main__":
    main()
