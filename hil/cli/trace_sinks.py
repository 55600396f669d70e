"""Where `hil trace` puts frames: decoded on the terminal, as columns in a file, as a log of another format."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hil.can.columns import LogColumns, Recorded
from hil.can.log_frames import Frames, key_of, split_key
from hil.can.logs import LogWriter, open_writer
from hil.can.trace_lines import DecodedLines, SignalRows
from hil.can.trace_select import SignalChoice
from hil.cli.trace import Job, Sink, time_ns

if TYPE_CHECKING:
    from cantools.database.can import Message


def printer(arguments: argparse.Namespace, job: Job, signals: SignalChoice) -> Sink:
    """Prints decoded lines."""
    every = not arguments.decode and not arguments.only
    return _Lines(DecodedLines(job.names, signals, every=every, numbers=arguments.numbers))


def writer(arguments: argparse.Namespace, job: Job, part: Path, stack: contextlib.ExitStack) -> Sink:
    """Writes the file that `--out` names, under the name `part`; the stack closes it."""
    suffix = arguments.out.suffix.lower()
    if job.signals is None:
        return _Log(job, part, suffix, stack)
    if suffix == ".npz":
        return _Arrays(job, job.signals, part)
    step_ns = None if arguments.step is None else time_ns(arguments.step, "--step")
    begin_ns = time_ns(arguments.begin, "--from")
    rows = SignalRows(job.names, job.signals, step_ns=step_ns, from_ns=begin_ns, numbers=arguments.numbers)
    return _Rows(rows, part, stack)


class _Lines(Sink):
    prints = True

    def __init__(self, lines: DecodedLines) -> None:
        self._lines = lines

    def take(self, block: Frames) -> None:
        sys.stdout.writelines(self._lines.lines(block))


class _Log(Sink):
    """A log of another format. It is made at the first frame, because only then the date is known."""

    def __init__(self, job: Job, part: Path, suffix: str, stack: contextlib.ExitStack) -> None:
        self._job, self._part, self._suffix, self._stack = job, part, suffix, stack
        self._writer: LogWriter | None = None

    def take(self, block: Frames) -> None:
        if self._writer is None:
            log = self._job.log
            channels = self._job.names.buses if self._suffix == ".csv" else log.channels
            made = open_writer(self._part, self._suffix, channels, log.start_ns, self._name_of)
            self._writer = self._stack.enter_context(contextlib.closing(made))
        self._writer.write(block)

    def _name_of(self, channel: int, can_id: int, flags: int) -> str:
        message = self._job.names.message(key_of(channel, can_id, flags))[1]
        return message.name if message is not None else ""


class _Rows(Sink):
    """Signals over time as CSV."""

    def __init__(self, rows: SignalRows, part: Path, stack: contextlib.ExitStack) -> None:
        self._rows = rows
        self._file = stack.enter_context(part.open("w", encoding="utf-8", newline=""))
        self._file.write(rows.head())

    def take(self, block: Frames) -> None:
        self._file.writelines(self._rows.lines(block))

    def close(self) -> None:
        self._file.writelines(self._rows.tail())


class _Arrays(Sink):
    """Signals as numpy arrays: `Message.Signal`, and its times in seconds as `Message.Signal/t_s`."""

    def __init__(self, job: Job, signals: SignalChoice, part: Path) -> None:
        self._job, self._signals, self._part = job, signals, part
        self._blocks: list[Frames] = []

    def take(self, block: Frames) -> None:
        self._blocks.append(block)

    def close(self) -> None:
        columns = LogColumns(self._messages())
        for block in self._blocks:
            columns.take(block)
        arrays: dict[str, Any] = {}
        for key, recorded in columns.recorded().items():
            arrays |= self._of_message(key, recorded)
        np.savez_compressed(self._part, **arrays)

    def _of_message(self, key: int, recorded: Recorded) -> dict[str, Any]:
        names, message = self._job.names, recorded.table.message
        bus = names.message(key)[0]
        names.only_channel(bus, split_key(key)[0])
        arrays = {}
        for signal in self._signals.signals(bus, message):
            column, name = recorded.table.columns[signal.name], names.signal(bus, message, signal)
            values = column.physical
            arrays[name] = values.astype(np.float64) if values.dtype == object else values
            arrays[f"{name}/t_s"] = (recorded.t_ns if column.rows is None else recorded.t_ns[column.rows]) / 1e9
        return arrays

    def _messages(self) -> dict[int, Message]:
        network, mapping = self._job.names.network, self._job.names.mapping
        found = {}
        for number, channel in enumerate(self._job.log.channels):
            for bus, message in network.messages():
                if bus == mapping.bus(channel) and self._signals.signals(bus, message):
                    found[key_of(number, message.frame_id, int(message.is_extended_frame))] = message
        return found
