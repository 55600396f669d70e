"""What a session says of itself while it runs: to the run's journal, or to the `hil run` that started it.

A child of `hil run` sends one line of JSON an event over a socket on loopback (`HIL_TALK=host:port`); the parent
writes them to `session.mcap` and shows progress. Without a parent the session writes `session.mcap` itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from hil.bench.facts import amend_run_json
from hil.clock import wall_ns
from hil.errors import BenchError
from hil.journal import Journal, UnwrittenError


class Talk(Protocol):
    """Where events go."""

    def say(self, event: str, case_id: str, *, verdict: str = "", message: str = "", detail: Any = None) -> None:
        """An event: plan, announced, start, end, facts, finished."""

    def close(self) -> None:
        """No more events."""


class SessionJournal:
    """Writes events to `session.mcap`; its time is wall time since the run began.

    Attributes:
        lost: why an event could not be written, if one couldn't; the run goes on to its end nevertheless.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._zero_ns = wall_ns()
        self._journal = Journal(folder / "session.mcap")
        self.lost: BenchError | None = None

    def say(self, event: str, case_id: str, *, verdict: str = "", message: str = "", detail: Any = None) -> None:
        """Write the event and flush: it is rare, and what is flushed survives a kill."""
        if event == "announced":
            return
        if event == "facts":
            self.amend(dut=detail)
        fields = {"event": event, "id": case_id, "verdict": str(verdict), "message": message, "detail": detail or {}}
        with self._kept():
            self._journal.record(wall_ns() - self._zero_ns, "session", fields)
            self._journal.flush()

    def amend(self, **more: Any) -> None:
        """Add facts to run.json."""
        with self._kept():
            amend_run_json(self._folder, **more)

    def close(self) -> None:
        """Close the journal."""
        with self._kept():
            self._journal.close()

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        """What can't be written doesn't end the run: its bench must be left safe, and its cases have verdicts."""
        try:
            yield
        except UnwrittenError as error:
            self.lost = self.lost or error
        except OSError as error:
            mend = "free space for the results, or give another --results."
            unwritten = BenchError(f"can't be written: {error.strerror}", where=str(error.filename or ""), remedy=mend)
            self.lost = self.lost or unwritten


class ParentTalk:
    """Sends events to the `hil run` that started this process."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=10)

    def say(self, event: str, case_id: str, *, verdict: str = "", message: str = "", detail: Any = None) -> None:
        """Send one line."""
        fields = {"event": event, "id": case_id, "verdict": str(verdict), "message": message, "detail": detail or {}}
        self._socket.sendall(json.dumps(fields).encode() + b"\n")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def talk_from_environment(folder: Path) -> Talk:
    """The parent, where there is one, else the session's own journal."""
    address = os.environ.get("HIL_TALK")
    return ParentTalk(address) if address else SessionJournal(folder)
