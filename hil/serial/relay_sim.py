"""A simulated relay board: its contacts interrupt a power line, press a key, or cut a serial line.

Rules of this module: what a contact does is called once at each change, and once at the start for its rest. A contact
that nothing was wired to switches nothing, as on a real board.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hil.serial.port import OnLost
from hil.serial.relay import check_channel

Effect = Callable[[bool], object]
"""What hangs on a contact: called with whether it is closed."""


class SimRelay:
    """A `RelayPort` without a device.

    Args:
        name: the board's name in the bench file.
        channels: how many it has.
        effects: channel -> what hangs on it.
    """

    def __init__(self, *, name: str, channels: int, effects: Mapping[int, Effect] | None = None) -> None:
        self.name, self.channels = name, channels
        self._effects = dict(effects or {})
        self._closed = [False] * channels
        for effect in self._effects.values():
            effect(False)

    async def open(self, on_lost: OnLost) -> None:
        """Nothing to reach: every channel at rest."""
        self._rest()

    async def set(self, channel: int, closed: bool) -> None:
        """Close or open a channel.

        Raises:
            UsageError: there is none of that number.
        """
        check_channel(self.name, channel, self.channels)
        if self._closed[channel - 1] != closed:
            self._move(channel, closed)

    async def read(self) -> tuple[bool, ...]:
        """Which channels are closed."""
        return tuple(self._closed)

    async def close(self) -> None:
        """Every channel at rest."""
        self._rest()

    def _rest(self) -> None:
        for channel, closed in enumerate(self._closed, start=1):
            if closed:
                self._move(channel, False)

    def _move(self, channel: int, closed: bool) -> None:
        self._closed[channel - 1] = closed
        if channel in self._effects:
            self._effects[channel](closed)
