"""What an slcan port is made of: its line, how its adapter is set, what is on its way to it. Pure.

Not for: the protocol's words (`hil.can.slcan`), or the talk itself (`hil.can.slcan_port`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from hil.can import slcan
from hil.can.filters import Filter
from hil.can.port import OnLost
from hil.can.slcan import Answer, Event, Refusal

S7_LAWICEL: Final = 800_000


class Line(Protocol):
    """A byte stream: `hil.serial.port.BytePort`."""

    async def open(self, on_data: Callable[[int, bytes], object], on_lost: OnLost) -> None:
        """Begin to listen."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    async def close(self) -> None:
        """Let the line go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlcanSetup:
    """How the adapter is set.

    Attributes:
        rate: the command that sets the bit rate: `S6`, `s031C`.
        data_rate: the command that sets the rate of CAN FD; empty: classic CAN.
        listen_only: send nothing, not even an acknowledgement.
        answers: whether the firmware answers commands.
        poll_s: how often it is asked for its status; 0: never.
        filters: of others' frames only these are handed on; all if empty.
    """

    rate: str
    data_rate: str = ""
    listen_only: bool = False
    answers: bool = True
    poll_s: float = 1.0
    filters: tuple[Filter, ...] = ()


@dataclass(slots=True)
class Asked:
    """What is on its way to the adapter. A frame, or a command with who waits for its answer."""

    text: str
    asked_ns: int = 0
    frame: tuple[int, bytes, int] | None = None
    done: asyncio.Future[Event | None] | None = None

    def fits(self, event: Event) -> bool:
        """Whether an answer can be the one to this."""
        if isinstance(event, Refusal):
            return True
        assert isinstance(event, Answer)
        if self.frame is not None:
            return event.text in ("", "z", "Z")
        return event.text.startswith(self.text) if self.text in ("F", "V") else event.text == ""


def rate_command(bitrate: int, s7: int) -> str:
    """The command of a bit rate; empty if there is none."""
    return "S7" if bitrate == s7 else slcan.BITRATES.get(bitrate, "")


__all__ = ["S7_LAWICEL", "Asked", "Line", "SlcanSetup", "rate_command"]
