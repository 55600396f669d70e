"""What is to run, as the command line says it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """What is to run, and what it may reach."""

    command: tuple[str, ...]
    channels: tuple[str, ...]
    host_ports: tuple[int, ...]
    results: Path | None
    environment: Mapping[str, str]
    timeout_s: float
    inside: int = -1
    controllers: int = 0
    usb: bool = False


def parse(arguments: Sequence[str]) -> tuple[str, Job]:
    """The mode and the job; a wrong argument ends the program with status 2."""
    parser = build_parser()
    options, command = split_command(arguments)
    known = parser.parse_args(options)
    if not command:
        parser.error("no command: put it after --")
    names = tuple(name for name in known.channels.split(",") if name)
    if not names or not all(re.fullmatch(r"[A-Za-z]\w{0,14}", name) for name in names):
        parser.error(f"--channels {known.channels}: expected interface names such as vcan0,vcan1")
    results = known.results.resolve() if known.results else None
    for name in ("controllers", "usb"):
        if getattr(known, name) and known.mode in ("namespace", "user"):
            parser.error(f"--{name}: only a guest has that; leave --mode out")
    if known.host_port and known.mode == "user":
        parser.error("--host-port: a user-mode kernel has no network; leave --mode out")
    ports, environment = tuple(known.host_port), dict(known.env)
    job = Job(tuple(command), names, ports, results, environment, known.timeout, known.inside)
    return known.mode, replace(job, controllers=known.controllers, usb=known.usb)


def build_parser() -> argparse.ArgumentParser:
    """The options before --."""
    usage = "%(prog)s [options] -- COMMAND [ARG ...]   or: %(prog)s --prepare"
    what = "Run COMMAND where a CAN interface vcan0 is up; --prepare only fetches what that takes."
    parser = argparse.ArgumentParser(prog="vcan.py", usage=usage, description=what, allow_abbrev=False)
    parser.add_argument("--mode", choices=("auto", "namespace", "user", "guest"), default="auto")
    parser.add_argument("--results", type=Path, metavar="DIR", help="directory that COMMAND may write to")
    parser.add_argument("--timeout", type=seconds, default=300.0, metavar="S", help="for the whole run (default 300)")
    parser.add_argument("--channels", default="vcan0", metavar="NAME[,NAME]", help="interfaces (default vcan0)")
    count = "SJA1000 controllers can0, can1 ... on one bus of their own; always in a guest"
    parser.add_argument("--controllers", type=int, choices=range(1, 5), default=0, metavar="N", help=count)
    parser.add_argument("--usb", action="store_true", help="a USB port that a program plugs a device into; likewise")
    parser.add_argument("--env", type=assignment, action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument(
        "--host-port", type=port, action="append", default=[], metavar="N", help="of the host's loopback"
    )
    parser.add_argument("--inside", type=int, default=-1, help=argparse.SUPPRESS)
    return parser


def split_command(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before the first --, and what stands after it."""
    words = list(arguments)
    if "--" not in words:
        return words, []
    cut = words.index("--")
    return words[:cut], words[cut + 1 :]


def seconds(text: str) -> float:
    """A duration."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: expected a number of seconds above 0")
    return value


def assignment(text: str) -> tuple[str, str]:
    """NAME=VALUE of the environment."""
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise argparse.ArgumentTypeError(f"{text}: expected NAME=VALUE")
    return name, value


def port(text: str) -> int:
    """A TCP port."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text}: expected a TCP port")
    return int(text)
