"""Whose frames a log has: which channel is which bus, and which message an identifier is.

Rules of this module: pure. A log knows channels (`1`, `can0`), databases know buses. A channel is the bus that the
user says; else the one of its name; else the one of its number, in the order of the databases (`1` and `can0` are the
first); if there is only one database, every channel is its bus. What was decided is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, overload

from cantools.database.can import Message, Signal

from hil.can.database import Network
from hil.can.frames import CanFrame
from hil.can.log_frames import split_key
from hil.errors import UsageError

_NUMBER: Final = re.compile(r"(\d{1,4})$")


class ChannelMap:
    """Channel -> bus.

    Args:
        buses: the buses, in the order of their databases.
        given: what the user says: channel -> bus.
    """

    def __init__(self, buses: Sequence[str], given: Mapping[str, str]) -> None:
        self._buses, self._given = tuple(buses), dict(given)

    def bus(self, channel: str) -> str | None:
        """The bus of a channel; None if there is none for it."""
        return self._decided(channel)[0]

    def _decided(self, channel: str) -> tuple[str | None, str]:
        if channel in self._given:
            return self._given[channel], "as given"
        if channel in self._buses:
            return channel, "by its name"
        free = [bus for bus in self._buses if bus not in self._given.values()]
        if len(self._buses) == 1 and free:
            return free[0], "there is one database"
        number = _NUMBER.search(channel)
        place = int(number[1]) - channel.isdecimal() if number else -1
        if 0 <= place < len(self._buses) and self._buses[place] in free:
            return self._buses[place], "by its number"
        return None, ""

    def said(self, channels: Sequence[str]) -> list[str]:
        """How each channel was taken, a line each; nothing where there are no databases."""
        if not self._buses:
            return []
        lines = []
        for channel in channels:
            bus, why = self._decided(channel)
            if bus is None:
                lines.append(f"channel {channel} is no bus of the databases; --channel {channel}=BUS says which it is")
            elif bus != channel:
                lines.append(f"channel {channel} is bus {bus} ({why})")
        return lines

    def unused(self, channels: Sequence[str]) -> list[str]:
        """Channels that the user named and the log hasn't got."""
        return [channel for channel in self._given if channel not in channels]


class Names:
    """Keys of frames -> buses and messages.

    Args:
        network: the databases.
        mapping: which channel is which bus.
        channels: names of the log's channels; more may join.
    """

    def __init__(self, network: Network, mapping: ChannelMap, channels: Sequence[str]) -> None:
        self.network, self.mapping = network, mapping
        self._channels = channels
        self._messages: dict[int, tuple[str, Message | None]] = {}
        self._channel_of: dict[str, int] = {}

    def bus(self, channel: int) -> str:
        """The bus of a channel's number; the channel's own name where it is none of the databases."""
        name = self._channels[channel]
        return self.mapping.bus(name) or name

    @property
    def buses(self) -> Sequence[str]:
        """The bus of each channel, or its own name; grows with the channels."""
        return _Buses(self)

    def __len__(self) -> int:
        return len(self._channels)

    def only_channel(self, bus: str, channel: int) -> None:
        """See that a bus is one channel, so that what is said of a signal doesn't mix two.

        Raises:
            UsageError: another channel is that bus too.
        """
        first = self._channel_of.setdefault(bus, channel)
        if first != channel:
            one, other = self._channels[first], self._channels[channel]
            mend = f"say --channel {one}={bus}, or give each channel its database."
            raise UsageError(f"the channels {one} and {other} would both be bus {bus}", remedy=mend)

    def signal(self, bus: str, message: Message, signal: Signal) -> str:
        """The name of a signal, with its bus where there are several."""
        name = f"{message.name}.{signal.name}"
        return name if len(self.network.databases) == 1 else f"{bus}::{name}"

    def channel(self, channel: int) -> str:
        """The name of a channel's number."""
        return self._channels[channel]

    def known(self, channel: int) -> bool:
        """Whether there is a database for a channel."""
        return self.mapping.bus(self._channels[channel]) is not None

    def message(self, key: int) -> tuple[str, Message | None]:
        """Bus and message of a key; None if no database knows it."""
        if key not in self._messages:
            channel, can_id, flags = split_key(key)
            bus = self.bus(channel)
            message = self.network.message_of(CanFrame(0, bus, can_id, b"", flags)) if self.known(channel) else None
            self._messages[key] = bus, message
        return self._messages[key]


class _Buses(Sequence[str]):
    """The buses of the channels, which may join while the log is read."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self._names.bus(number) for number in range(*index.indices(len(self)))]
        if index >= len(self):
            raise IndexError(index)
        return self._names.bus(index)


__all__ = ["ChannelMap", "Names"]
