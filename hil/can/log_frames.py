"""Frames of a log as columns: the one form in which logs are read, decoded, counted, filtered and written.

Rules of this module: pure, numpy. A log is a stream of blocks; a block is some ten thousand frames, so that a log
of any length needs the memory of a block. A classic frame takes 24 bytes. Times are nanoseconds relative to the first
frame of the log; channels are numbers into the log's list of channel names.

Not for: knowing what the bits mean (`hil.can.columns`) or where they come from (`hil.can.logs`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hil.can.frames import EXTENDED, REMOTE

Array = NDArray[Any]
CLASSIC_BYTES: Final = 8
FD_BYTES: Final = 64
BLOCK_FRAMES: Final = 32_768
"""How many frames a block has, about: its columns stay within a processor's cache."""
_COLUMNS: Final = {"t_ns": np.int64, "channel": np.uint16, "can_id": np.uint32, "flags": np.uint8, "length": np.uint8}


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """A block of frames, in the order of the log.

    Attributes:
        t_ns: time since the first frame of the log, int64. Logs of several channels may go back a little.
        channel: number of the channel, uint16.
        can_id: identifier without marks, uint32.
        flags: bits of `hil.journal`, uint8.
        length: bytes of payload, uint8; what a remote frame asks for.
        data: payloads, (n, 8), or (n, 64) where a longer one is among them; zeros behind the payload.
    """

    t_ns: Array
    channel: Array
    can_id: Array
    flags: Array
    length: Array
    data: Array

    def __len__(self) -> int:
        return len(self.t_ns)

    def pick(self, chosen: Array | slice) -> Frames:
        """The frames of a mask, of row numbers or of a slice."""
        columns = (self.t_ns, self.channel, self.can_id, self.flags, self.length, self.data)
        return Frames(*(column[chosen] for column in columns))

    def shifted(self, by_ns: int) -> Frames:
        """The same frames, earlier by so much."""
        return Frames(self.t_ns - by_ns, self.channel, self.can_id, self.flags, self.length, self.data)

    def keys(self) -> Array:
        """One number for each (channel, extended, identifier): uint64 to group and to look up by."""
        extended = (self.flags & EXTENDED).astype(np.uint64) << np.uint64(32)
        return self.channel.astype(np.uint64) << np.uint64(40) | extended | self.can_id

    def rows(self) -> Iterator[tuple[int, int, int, int, int, bytes]]:
        """Frame by frame: time, channel, identifier, flags, length, payload."""
        width = self.data.shape[1]
        data = self.data.tobytes()
        columns = (column.tolist() for column in (self.t_ns, self.channel, self.can_id, self.flags, self.length))
        for row, (t_ns, channel, can_id, flags, length) in enumerate(zip(*columns, strict=True)):
            carried = 0 if flags & REMOTE else length
            yield t_ns, channel, can_id, flags, length, data[row * width : row * width + carried]


def key_of(channel: int, can_id: int, flags: int) -> int:
    """The number that `Frames.keys` gives a frame."""
    return channel << 40 | (flags & EXTENDED) << 32 | can_id


def split_key(key: int) -> tuple[int, int, int]:
    """Channel, identifier and flags (`EXTENDED` or none) of a key."""
    return key >> 40, key & 0x1FFFFFFF, key >> 32 & EXTENDED


def groups(keys: Array) -> Iterator[tuple[int, Array]]:
    """Each key with its row numbers, ascending, in the order of the keys."""
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    for start, rows in zip(starts, np.split(order, starts[1:]), strict=True):
        yield int(ordered[start]), rows


def as_wide(data: Array, width: int) -> Array:
    """Payloads in rows of `width` bytes, with zeros behind, or cut."""
    if data.shape[1] == width:
        return data
    wide = np.zeros((len(data), width), np.uint8)
    common = min(width, data.shape[1])
    wide[:, :common] = data[:, :common]
    return wide


def empty() -> Frames:
    """A block without frames."""
    columns = {name: np.zeros(0, kind) for name, kind in _COLUMNS.items()}
    return Frames(**columns, data=np.zeros((0, CLASSIC_BYTES), np.uint8))


def joined(blocks: Sequence[Frames]) -> Frames:
    """Blocks as one."""
    if not blocks:
        return empty()
    if len(blocks) == 1:
        return blocks[0]
    width = max(block.data.shape[1] for block in blocks)
    columns = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in _COLUMNS}
    return Frames(**columns, data=np.concatenate([as_wide(block.data, width) for block in blocks]))


def gathered(blocks: Iterable[Frames]) -> Iterator[Frames]:
    """Small blocks put together to blocks of the usual size, never split."""
    waiting: list[Frames] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += len(block)
        if count >= BLOCK_FRAMES:
            yield joined(waiting)
            waiting, count = [], 0
    yield joined(waiting)


class FrameList:
    """Collects frames that come one by one until they are a block."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, int, int, int, bytes]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, t_ns: int, channel: int, can_id: int, flags: int, length: int, data: bytes) -> None:
        """Add one; the arguments are those of `Frames`."""
        self._rows.append((t_ns, channel, can_id, flags, length, data))

    def take(self) -> Frames:
        """What was collected, as a block; the list is empty afterwards."""
        rows, self._rows = self._rows, []
        if not rows:
            return empty()
        *columns, payloads = zip(*rows, strict=True)
        width = CLASSIC_BYTES if max(map(len, payloads)) <= CLASSIC_BYTES else FD_BYTES
        data = b"".join(payload.ljust(width, b"\0") for payload in payloads)
        arrays = {name: np.array(values, _COLUMNS[name]) for name, values in zip(_COLUMNS, columns, strict=True)}
        return Frames(**arrays, data=np.frombuffer(data, np.uint8).reshape(-1, width))


@dataclass(slots=True)
class Damage:
    """What of a log could not be read.

    Attributes:
        ending: why it ends before its end; empty if it doesn't.
        skipped: pieces in its middle that could not be read.
        first: the first of them: `line 17`.
    """

    ending: str = ""
    skipped: int = 0
    first: str = ""

    def skip(self, where: str) -> None:
        """One more piece that can't be read."""
        self.skipped += 1
        self.first = self.first or where


def channel_number(channels: list[str], name: str) -> int:
    """The number of a channel, which joins the list when it is new."""
    if name not in channels:
        channels.append(name)
    return channels.index(name)


__all__ = [
    "BLOCK_FRAMES", "CLASSIC_BYTES", "FD_BYTES", "Array", "Damage", "FrameList", "Frames", "as_wide", "channel_number",
    "empty", "gathered", "groups", "joined", "key_of", "split_key",
]  # fmt: skip
