"""Trace files: the CAN frames of a journal as BLF, which the usual tools open. Only this file here knows python-can.

Buses become channels 1, 2, ... in the order in which they first appear; a marker at the beginning of each says which.
Failed checks, faults and the verdict are markers too. Times count from a fixed date, so that equal journals give
equal files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from can import BLFWriter, Message

from hil.errors import UsageError
from hil.evidence import fields as f
from hil.journal import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT, Entry, JournalReader

BENCH_EPOCH_S: Final = 1_577_836_800.0
"""The date in a trace file's header, 2020-01-01 00:00:00 UTC: a bench has no date of its own."""


def write_trace(journal: Path, path: Path) -> None:
    """Write the trace of a journal, as far as it can be read; one without frames has none."""
    writer = TraceWriter(path)
    try:
        for entry in JournalReader(journal):
            writer.take(entry)
    except UsageError:
        pass  # a damaged journal: the case's verdict says so, and the frames before the damage are of use
    finally:
        writer.close()


class TraceWriter:
    """Writes one trace; the file is made at the first frame, so that a case without frames has none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: BLFWriter | None = None
        self._channels: dict[str, int] = {}

    def take(self, entry: Entry) -> None:
        """Take the next entry of the journal."""
        if entry.kind == "can":
            self._frame(entry)
        elif self._writer is not None and entry.kind in ("check", "fault", "verdict"):
            marker = _marker(entry.kind, f.as_fields(entry.data))
            if marker:
                self._mark(marker, entry.t_ns)

    def _frame(self, entry: Entry) -> None:
        if self._writer is None:
            self._writer = BLFWriter(self.path)
            self._writer.start_timestamp = 0.0
        channel = self._channels.get(entry.name)
        if channel is None:
            channel = self._channels[entry.name] = len(self._channels)
            self._mark(f"channel {channel + 1} is bus {entry.name}", entry.t_ns)
        self._writer.on_message_received(_message(entry, channel))

    def _mark(self, text: str, t_ns: int) -> None:
        if self._writer is not None:
            self._writer.log_event(text[:500].encode("ascii", "replace").decode(), _stamp(t_ns))

    def close(self) -> None:
        """Finish the file, if there is one."""
        writer, self._writer = self._writer, None
        if writer is not None:
            # The frames' stamps are relative to the start, so a date given only now costs them no precision.
            writer.start_timestamp = BENCH_EPOCH_S
            writer.stop_timestamp = BENCH_EPOCH_S + (writer.stop_timestamp or 0.0)
            writer.stop()


def _stamp(t_ns: int) -> float:
    """Seconds from which python-can's truncation gets the same nanosecond back."""
    return (t_ns + 0.5) / 1e9


def _message(entry: Entry, channel: int) -> Message:
    frame = entry.data
    flags = frame.flags
    return Message(
        timestamp=_stamp(entry.t_ns),
        arbitration_id=frame.can_id,
        data=frame.data,
        channel=channel,
        is_extended_id=bool(flags & EXTENDED),
        is_remote_frame=bool(flags & REMOTE),
        is_error_frame=bool(flags & ERROR),
        is_fd=bool(flags & FD),
        bitrate_switch=bool(flags & BRS),
        error_state_indicator=bool(flags & ESI),
        is_rx=not flags & SENT,
    )


def _marker(kind: str, fields: f.Fields) -> str:
    if kind == "verdict":
        return f"verdict: {f.text(fields, 'verdict')} {f.text(fields, 'message')}".rstrip()
    if kind == "fault":
        return f"fault: {f.text(fields, 'what')}"
    if f.flag(fields, "ok"):
        return ""
    return (
        f"failed check: {f.text(fields, 'name')}, expected {f.text(fields, 'expected')}, seen {f.text(fields, 'seen')}"
    )
