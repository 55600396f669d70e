"""The relay port as an interface: a board with channels that are closed (coil on) or open.

The contract (`hil.contract.relay`): after `open` and after `close` every channel is at rest; what is set stays; a
channel that the board doesn't have is refused before anything is sent; a board that doesn't do it is a bench error.
"""

from __future__ import annotations

from typing import Protocol

from hil.errors import UsageError
from hil.serial.port import OnLost


class RelayPort(Protocol):
    """A relay board. All calls in the loop's thread."""

    name: str
    channels: int

    async def open(self, on_lost: OnLost) -> None:
        """Reach the board and put every channel at rest.

        Raises:
            BenchError: it is not there or does not answer.
        """

    async def set(self, channel: int, closed: bool) -> None:
        """Close or open a channel, from 1.

        Raises:
            UsageError: the board has no such channel.
            BenchError: the board did not do it.
        """

    async def read(self) -> tuple[bool, ...]:
        """Which channels are closed, as far as the board tells, else as it was told.

        Raises:
            BenchError: it does not answer.
        """

    async def close(self) -> None:
        """Put every channel at rest and let the board go; may be called twice.

        Raises:
            BenchError: it can't be said that every channel is at rest.
        """


def check_channel(name: str, channel: int, channels: int) -> None:
    """Refuse a channel that a board doesn't have.

    Raises:
        UsageError: it has none of that number.
    """
    if not 1 <= channel <= channels:
        raise UsageError(
            f"there is no channel {channel}", where=f"relay.{name}", remedy=f"this board has 1 to {channels}."
        )
