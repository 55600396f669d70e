"""A network namespace of the host's own kernel, with sockets that lead out of it where they are asked for."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from vcan.host import VcanError, reaped, require, say
from vcan.job import Job

PROGRAM = Path(__file__).parent.with_suffix(".py")
TOOLS = {"unshare": "util-linux", "ip": "iproute2"}


def unshare() -> list[str]:
    """What puts a command into a network namespace of its own."""
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]


def namespace_works() -> bool:
    """Whether this kernel has CAN sockets, and lets us make a vcan in a namespace."""
    try:
        socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW).close()
    except OSError:
        return False
    require(TOOLS)
    probe = [*unshare(), "ip", "link", "add", "vcan0", "type", "vcan"]
    return subprocess.run(probe, capture_output=True, timeout=30, check=False).returncode == 0


def run_in_namespace(job: Job) -> int:
    """This program starts once more inside: it brings links up, hands out listening sockets, becomes the command."""
    require(TOOLS)
    here, there = socket.socketpair()
    with here, there, reaped(start_inside(job, there)) as process:
        there.close()
        start_relays(here, job.host_ports)
        try:
            status = process.wait(job.timeout_s)
        except subprocess.TimeoutExpired:
            raise VcanError(f"the command was still running after {job.timeout_s:g} s") from None
    return status if status >= 0 else 128 - status


def start_inside(job: Job, channel: socket.socket) -> subprocess.Popen[bytes]:
    """The process that becomes the command, in a session of its own so that all of it can be ended."""
    command = [*unshare(), sys.executable, str(PROGRAM), *inside_arguments(job, channel.fileno())]
    environment = {**os.environ, **job.environment}
    return subprocess.Popen(command, env=environment, pass_fds=[channel.fileno()], start_new_session=True)


def inside_arguments(job: Job, channel: int) -> list[str]:
    """For this program's second start."""
    ports = [word for number in job.host_ports for word in ("--host-port", str(number))]
    return ["--inside", str(channel), "--channels", ",".join(job.channels), *ports, "--", *job.command]


def become_command(job: Job) -> NoReturn:
    """In the new namespace. A socket belongs to the namespace that made it: listeners made here are served outside."""
    for words in link_commands(job.channels):
        if subprocess.run(words, check=False).returncode:
            raise VcanError(f"{' '.join(words)} failed")
    with socket.socket(fileno=job.inside) as channel:
        listeners = [socket.create_server(("127.0.0.1", number)) for number in job.host_ports]
        socket.send_fds(channel, [b"up"], [listener.fileno() for listener in listeners])
    try:
        os.execvp(job.command[0], job.command)
    except OSError as error:
        print(f"vcan: {job.command[0]}: {error.strerror}", file=sys.stderr)
        raise SystemExit(127) from None


def link_commands(channels: Iterable[str]) -> list[list[str]]:
    """lo, and every channel at the MTU of CAN FD."""
    commands = ["link set lo up"]
    for name in channels:
        commands += [f"link add {name} type vcan", f"link set {name} mtu 72", f"link set {name} up"]
    return [["ip", *command.split()] for command in commands]


def start_relays(channel: socket.socket, ports: Sequence[int]) -> None:
    """Takes the listening sockets and serves them from here, where the host's loopback is."""
    channel.settimeout(30)
    message, descriptors, _, _ = socket.recv_fds(channel, 2, max(1, len(ports)))
    if message != b"up":
        raise VcanError("the interfaces in the namespace did not come up")
    say("namespace up")
    for number, descriptor in zip(ports, descriptors, strict=True):
        in_background(serve, socket.socket(fileno=descriptor), number)


def serve(listener: socket.socket, number: int) -> None:
    """One connection to the host's port for each connection from inside."""
    while True:
        client, _ = listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", number))
        except OSError:
            client.close()
            continue
        for source, sink in ((client, server), (server, client)):
            sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            in_background(pump, source, sink)


def pump(source: socket.socket, sink: socket.socket) -> None:
    """All that comes from the source, until it ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def in_background(work: Callable[..., None], *arguments: object) -> None:
    """A thread that does not keep the program from ending."""
    threading.Thread(target=work, args=arguments, daemon=True).start()
