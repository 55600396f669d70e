"""Recorded CAN logs: reading candump, ASC, BLF, MF4 and our own journals as columns, and writing them.

Rules of this module: a log is read once, in blocks, whatever its length. What it is follows from its first bytes, and
only where they don't tell from its suffix. A log that was cut is read up to where it ends and says so; pieces that
can't be read are left out and counted. What isn't a log is a usage error in one line; no byte that a file can have is
a traceback.

ASC and MF4 are read, and BLF is written, by python-can. BLF and candump are read by parsers of our own, which are ten
times as fast and read on behind damage (`hil.can.log_blf`, `hil.can.log_candump`); python-can is what they are tested
against.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol, TextIO, cast

from can import ASCReader, BLFWriter, Message

from hil.can import log_mf4
from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT
from hil.can.log_asc import AscLines, fd_bits
from hil.can.log_blf import BlfParser
from hil.can.log_candump import CandumpParser
from hil.can.log_frames import (
    BLOCK_FRAMES,
    CLASSIC_BYTES,
    FD_BYTES,
    Damage,
    FrameList,
    Frames,
    channel_number,
    gathered,
)
from hil.can.log_source import Source
from hil.can.log_text import AscText, CandumpText, CsvText, NameOf, TextLog, numbers_of
from hil.errors import UsageError
from hil.journal import CanRecord, JournalReader

KINDS: Final = {".log": "candump", ".asc": "ASC", ".blf": "BLF", ".mf4": "MF4", ".mcap": "journal"}
"""Suffix -> what is read."""
WRITTEN: Final = (".blf", ".asc", ".log", ".csv")
"""Suffixes of what is written."""
_GIVE: Final = "give .blf, .asc, .log (of candump -L), .mf4, or the .mcap of a case."
_HEADS: Final = ((b"LOGG", "BLF"), (b"\x89MCAP0\r\n", "journal"), (b"MDF     ", "MF4"), (b"UnFinMF ", "MF4"))
_CANDUMP: Final = re.compile(rb"^\(\d+\.\d+\) +\S+ +[0-9A-Fa-f]+#", re.MULTILINE)
_ASC: Final = re.compile(
    rb"^\s*(date\s+\w+\s|base\s+(hex|dec)\b|begin\s+triggerblock|\d+\.\d+\s+(\d+|CANFD)\s)",
    re.MULTILINE | re.IGNORECASE,
)
logging.getLogger("can").addHandler(logging.NullHandler())
"""What python-can warns of on stderr is counted here."""
_EPOCH_FROM_NS: Final = 946_684_800 * 1_000_000_000
"""2000-01-01: stamps before are no dates but count from some start."""
_HOPELESS: Final = 1000
"""So many pieces that can't be read, and not one that can: it is no log."""
MF4_REMEDY: Final = "pip install 'cockpit-hil[mf4]', or convert the log to .blf."


class _Reader(Protocol):
    """One format: blocks whose stamps count from wherever the format counts from."""

    channels: list[str]
    damage: Damage

    def blocks(self) -> Iterator[Frames]: ...

    def epoch_ns(self, first_ns: int) -> int | None:
        """The date of the first frame, given its stamp."""


class Log:
    """A log that is read once, from its beginning to its end or to where it was cut off.

    Attributes:
        path: the file.
        kind: what it is: one of `KINDS`.
        channels: names of the channels met so far, in that order: numbers in BLF, ASC and MF4.
        start_ns: date of the first frame, nanoseconds since 1970 (UTC); None if the file doesn't say.
        frames: how many frames were read so far.
        last_ns: time of the last of them.
        damage: what could not be read so far.
        size: bytes of the file.
    """

    def __init__(self, path: Path, kind: str, source: Source) -> None:
        self.path, self.kind, self.size = path, kind, source.size
        self.start_ns: int | None = None
        self.frames = self.last_ns = 0
        self._source = source
        self._reader = _reader(kind, path, source)
        self.channels, self.damage = self._reader.channels, self._reader.damage

    @property
    def position(self) -> int:
        """How many bytes of the file were read; 0 for formats that don't say."""
        return self._source.position

    def __iter__(self) -> Iterator[Frames]:
        """The blocks.

        Raises:
            UsageError: there is no frame in it, and it isn't whole.
        """
        with contextlib.closing(self._source):
            try:
                yield from self._blocks()
            except UsageError as error:
                raise UsageError(error.what, where=str(self.path), remedy=error.remedy) from None
        self.damage.ending = self.damage.ending or self._source.broken
        if not self.frames and self.complaint():
            raise UsageError(self._nothing(), where=str(self.path), remedy=_GIVE)

    def _blocks(self) -> Iterator[Frames]:
        zero_ns = None
        for block in self._reader.blocks():
            if len(block):
                if zero_ns is None:
                    zero_ns = int(block.t_ns[0])
                    self.start_ns = self._reader.epoch_ns(zero_ns)
                self.frames += len(block)
                self.last_ns = int(block.t_ns[-1]) - zero_ns
                yield block.shifted(zero_ns)
            elif not self.frames and self.damage.skipped > _HOPELESS:
                return

    def _nothing(self) -> str:
        if self.damage.skipped:
            return f"is no {self.kind} log: nothing in it can be read (not even {self.damage.first})"
        return f"{self.damage.ending}, before its first frame"

    def complaint(self) -> str:
        """What is to be said of a log that isn't whole, in one line; empty if it is whole."""
        damage, said = self.damage, []
        if damage.ending:
            said.append(f"{damage.ending}; {self.frames} frames were read, until {self.last_ns / 1e9:.3f} s")
        if damage.skipped:
            one = damage.skipped == 1
            pieces = (
                "1 piece that could not be read was" if one else f"{damage.skipped} pieces could not be read and were"
            )
            said.append(f"{pieces} left out{':' if one else ', the first:'} {damage.first}")
        return f"{self.path.name}: {'; '.join(said)}" if said else ""


def open_log(path: Path) -> Log:
    """Open a log of any kind, also packed with gzip.

    Raises:
        UsageError: it can't be read, is empty, or is nothing that is known; or MF4 and asammdf isn't installed.
    """
    source = Source(path)
    try:
        head = source.peek()
        if not head:
            raise UsageError(source.broken or "is empty", remedy=_GIVE)
        return Log(path, _kind(path, head), source)
    except UsageError as error:
        source.close()
        raise UsageError(error.what, where=str(path), remedy=error.remedy) from error.__cause__


def _kind(path: Path, head: bytes) -> str:
    for mark, kind in _HEADS:
        if head.startswith(mark):
            return kind
    for expression, kind in ((_CANDUMP, "candump"), (_ASC, "ASC")):
        if expression.search(head):
            return kind
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    if not suffixes or suffixes[-1] not in KINDS:
        raise UsageError("is no log that is known here", remedy=_GIVE)
    return KINDS[suffixes[-1]]


def _reader(kind: str, path: Path, source: Source) -> _Reader:
    if kind == "BLF":
        return _Blf(source)
    if kind == "candump":
        return _Candump(source)
    if kind == "ASC":
        return _Asc(source)
    return _Mf4(path) if kind == "MF4" else _Journal(path, source)


# ---- formats


class _Blf:
    def __init__(self, source: Source) -> None:
        self._source, self._parser = source, BlfParser()
        self.channels, self.damage = self._parser.channels, self._parser.damage

    def blocks(self) -> Iterator[Frames]:
        yield from gathered(self._containers())

    def _containers(self) -> Iterator[Frames]:
        while data := self._source.read():
            yield from self._parser.feed(data)
        yield from self._parser.finish()

    def epoch_ns(self, first_ns: int) -> int | None:
        return None if self._parser.start_ns is None else self._parser.start_ns + first_ns


class _Candump:
    def __init__(self, source: Source) -> None:
        self._source, self._parser = source, CandumpParser()
        self.channels, self.damage = self._parser.channels, self._parser.damage

    def blocks(self) -> Iterator[Frames]:
        while data := self._source.read():
            yield self._parser.feed(data)
        yield self._parser.finish()

    def epoch_ns(self, first_ns: int) -> int | None:
        return first_ns if first_ns >= _EPOCH_FROM_NS else None


class _Asc:
    """ASC by python-can, which is fed event by event (see `AscLines`)."""

    def __init__(self, source: Source) -> None:
        self._lines = AscLines(source.read)
        self.channels: list[str] = []
        self.damage = self._lines.damage

    def blocks(self) -> Iterator[Frames]:
        frames = FrameList()
        for message in self._messages():
            add_message(frames, self.channels, message, _from_1(message.channel))
            if len(frames) >= BLOCK_FRAMES:
                yield frames.take()
        yield frames.take()

    def _messages(self) -> Iterator[Message]:
        self._lines.begin()
        reader = ASCReader(cast("TextIO", self._lines), base=self._lines.base)
        while True:
            try:
                for message in reader:
                    if self._completed(message):
                        yield message
                    else:
                        self._lines.broken()
                return
            except Exception:  # python-can fails in many ways on a line that is no frame
                self._lines.broken()
                self._lines.again()

    def _completed(self, message: Message) -> bool:
        """Whether all of its bytes are there; a CAN FD event that holds a classic frame becomes one."""
        if message.is_error_frame:
            return True
        bits = fd_bits(self._lines.line) if message.is_fd else None
        if bits is not None and not bits & 0x1000 and message.dlc <= CLASSIC_BYTES:
            message.is_fd, message.is_remote_frame = False, bool(bits & 0x10)
        if message.is_remote_frame:
            return True
        return len(message.data) == (message.dlc if message.is_fd else min(message.dlc, CLASSIC_BYTES))

    def epoch_ns(self, first_ns: int) -> int | None:
        return None if self._lines.start_ns is None else self._lines.start_ns + first_ns


class _Mf4:
    """MF4 by python-can, which needs asammdf, in a process of its own (see `hil.can.log_mf4`)."""

    def __init__(self, path: Path) -> None:
        if importlib.util.find_spec("asammdf") is None:
            raise UsageError("is an MF4 log, and asammdf isn't installed", remedy=MF4_REMEDY)
        self._path = path
        self.channels: list[str] = []
        self.damage = Damage()

    def blocks(self) -> Iterator[Frames]:
        return log_mf4.blocks_of(self._path, self.channels, self.damage)

    def epoch_ns(self, first_ns: int) -> int | None:
        return first_ns if first_ns >= _EPOCH_FROM_NS else None


def read_mf4(path: Path) -> Iterator[tuple[list[str], Frames]]:
    """The channels so far and the next block of an MF4 log. Stamps are good to a microsecond: they come as dates in s.

    Raises:
        Exception: whatever asammdf makes of a damaged file.
    """
    from can import MF4Reader

    source = Source(path)
    frames, channels = FrameList(), list[str]()
    with MF4Reader(io.BytesIO(b"".join(iter(source.read, b""))) if source.packed else path) as reader:
        for message in reader:
            message.timestamp = round(message.timestamp, 6)
            add_message(frames, channels, message, "" if message.channel is None else str(message.channel))
            if len(frames) >= BLOCK_FRAMES:
                yield channels, frames.take()
    yield channels, frames.take()


class _Journal:
    """The frames of a journal; its buses are the channels."""

    def __init__(self, path: Path, source: Source) -> None:
        if source.packed:
            raise UsageError("is a packed journal", remedy="unpack it with gunzip.")
        self._journal = JournalReader(path)
        self.channels: list[str] = []
        self.damage = Damage()

    def blocks(self) -> Iterator[Frames]:
        frames = FrameList()
        try:
            for entry in self._journal:
                if isinstance(entry.data, CanRecord):
                    self._add(frames, entry.t_ns, entry.name, entry.data)
                if len(frames) >= BLOCK_FRAMES:
                    yield frames.take()
        except Exception:  # a damaged record can break any of its decoders
            self.damage.ending = "is damaged"
        if self._journal.truncated:
            self.damage.ending = "was never closed by its bench, so the last frames may be missing"
        yield frames.take()

    def _add(self, frames: FrameList, t_ns: int, bus: str, record: CanRecord) -> None:
        data = record.data[:FD_BYTES]
        can_id = record.can_id & 0x1FFF_FFFF
        frames.add(t_ns, channel_number(self.channels, bus), can_id, record.flags & 0x7F, len(data), data)

    def epoch_ns(self, first_ns: int) -> int | None:
        return None


def _from_1(channel: object) -> str:
    """python-can counts the channels of ASC from 0."""
    return str(channel + 1) if isinstance(channel, int) else ""


def add_message(frames: FrameList, channels: list[str], message: Message, channel: str) -> None:
    """Add a message of python-can."""
    flags = flags_of(message)
    width = FD_BYTES if flags & FD else CLASSIC_BYTES
    data = b"" if flags & REMOTE else bytes(message.data[:width])
    length = min(message.dlc, width) if flags & REMOTE else len(data)
    can_id = message.arbitration_id & 0x1FFF_FFFF
    frames.add(round(message.timestamp * 1e9), channel_number(channels, channel), can_id, flags, length, data)


def flags_of(message: Message) -> int:
    """The flags of a message of python-can."""
    flags = 0 if message.is_rx else SENT
    if message.is_error_frame:
        return flags | ERROR
    flags |= EXTENDED if message.is_extended_id else 0
    if message.is_fd:  # which has no remote frames
        return flags | FD | (BRS if message.bitrate_switch else 0) | (ESI if message.error_state_indicator else 0)
    return flags | (REMOTE if message.is_remote_frame else 0)


# ---- writing


class LogWriter(Protocol):
    """Writes blocks of frames to a file."""

    def write(self, block: Frames) -> None:
        """Append a block."""

    def close(self) -> None:
        """Finish the file."""


def open_writer(
    path: Path, suffix: str, channels: Sequence[str], start_ns: int | None, name_of: NameOf = lambda *_: ""
) -> LogWriter:
    """A writer of the kind that a suffix of `WRITTEN` says.

    Args:
        path: the file to make.
        suffix: what to write.
        channels: names of the channels; more may join while it is written.
        start_ns: date of the first frame, nanoseconds since 1970.
        name_of: names of messages, for CSV.

    Raises:
        OSError: the file can't be made; also while writing.
    """
    if suffix == ".blf":
        return _BlfFile(path, channels, start_ns or 0)
    text: TextLog
    if suffix == ".asc":
        text = AscText(channels, start_ns or 0)
    else:
        text = CandumpText(channels, start_ns or 0) if suffix == ".log" else CsvText(channels, name_of)
    return _TextFile(path, text)


class _TextFile:
    def __init__(self, path: Path, text: TextLog) -> None:
        self._text = text
        self._file = path.open("w", encoding="utf-8", newline="")
        self._file.write(text.head())

    def write(self, block: Frames) -> None:
        self._file.writelines(self._text.lines(block))

    def close(self) -> None:
        with self._file:
            self._file.write(self._text.tail())


class _BlfFile:
    """BLF by python-can. Its header has a date to the millisecond; stamps count from there, to the nanosecond."""

    def __init__(self, path: Path, channels: Sequence[str], start_ns: int) -> None:
        self._channels, self._late_ns = channels, start_ns % 1_000_000
        self._date_s = start_ns // 1_000_000 / 1e3
        self._told: set[int] = set()
        self._writer = BLFWriter(path)
        self._writer.start_timestamp = 0.0

    def write(self, block: Frames) -> None:
        numbers = numbers_of(self._channels)
        for t_ns, channel, can_id, flags, length, data in block.rows():
            # half a nanosecond more, so that python-can's truncation gets the same nanosecond back
            stamp_s = (max(t_ns, 0) + self._late_ns + 0.5) / 1e9
            if channel not in self._told:
                self._tell(channel, numbers[channel], stamp_s)
            self._writer.on_message_received(_message(stamp_s, numbers[channel] - 1, can_id, flags, length, data))

    def _tell(self, channel: int, number: int, stamp_s: float) -> None:
        self._told.add(channel)
        if self._channels[channel] != str(number):
            text = f"channel {number} is bus {self._channels[channel]}"
            self._writer.log_event(text.encode("ascii", "replace").decode(), stamp_s)

    def close(self) -> None:
        self._writer.start_timestamp = self._date_s
        self._writer.stop_timestamp = self._date_s + (self._writer.stop_timestamp or 0.0)
        self._writer.stop()


def _message(stamp_s: float, channel: int, can_id: int, flags: int, length: int, data: bytes) -> Message:
    return Message(
        timestamp=stamp_s,
        arbitration_id=can_id,
        is_extended_id=bool(flags & EXTENDED),
        is_remote_frame=bool(flags & REMOTE),
        is_error_frame=bool(flags & ERROR),
        channel=channel,
        dlc=length,
        data=data,
        is_fd=bool(flags & FD),
        is_rx=not flags & SENT,
        bitrate_switch=bool(flags & BRS),
        error_state_indicator=bool(flags & ESI),
    )


@contextlib.contextmanager
def whole_or_not_at_all(path: Path) -> Iterator[Path]:
    """A file to write that takes its name only when all went well; Ctrl-C leaves the old one, or none.

    Raises:
        UsageError: it can't be written.
    """
    part = path.with_name(f".{path.name}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        what = f"can't be written: {error.strerror or error}"
        raise UsageError(what, where=str(path), remedy="give another --out, or free space there.") from error
    finally:
        part.unlink(missing_ok=True)


__all__ = [
    "KINDS", "MF4_REMEDY", "WRITTEN", "Log", "LogWriter", "add_message", "flags_of", "open_log",
    "open_writer", "read_mf4", "whole_or_not_at_all",
]  # fmt: skip
