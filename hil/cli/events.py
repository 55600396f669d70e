"""Events from the children of `hil run`: counted, written to the session's journal, shown."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from hil.bench.talk import SessionJournal
from hil.cli.children import RUNNERS
from hil.cli.robot_words import errors_in
from hil.errors import Verdict

ROBOT_USAGE: Final = (252, 255)
PYTEST_USAGE: Final = (2, 3, 4)
_LOG_LINES: Final = 12
_LONGEST_LINE: Final = 1 << 22
_SETTLE_S: Final = 10.0


@dataclass(slots=True)
class Tally:
    """What is known of the run so far."""

    planned: dict[str, dict[str, Any]] = field(default_factory=dict)
    announced: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    running: dict[str, str] = field(default_factory=dict)
    ended: dict[str, tuple[Verdict, str]] = field(default_factory=dict)
    usage_errors: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    measured: dict[str, dict[str, Any]] = field(default_factory=dict)
    died: str = ""
    failed: set[str] = field(default_factory=set)

    def note(self, event: dict[str, Any]) -> None:
        """Take an event in."""
        case_id = event["id"]
        if event["event"] == "unsafe":
            self.died = self.died or f"the bench could not be left safe: {event['message']}"
        if event["event"] == "usage error":
            self.usage_errors.append(event["message"])
        if event["event"] == "announced":
            self.announced.add(event["detail"]["runner"])
        if event["event"] == "plan":
            self.planned[case_id] = event["detail"]
        elif event["event"] == "start":
            self.begun.add(case_id)
            self.running[case_id] = self.planned.get(case_id, {}).get("name", case_id)
        elif event["event"] == "end":
            self.running.pop(case_id, None)
            self.ended[case_id] = (Verdict(event["verdict"]), event["message"])
            detail = event["detail"] or {}
            self.places[case_id], self.measured[case_id] = detail.get("where", ""), detail.get("bench", {})

    def mistakes(self) -> list[str]:
        """What is wrong in the suites, of cases that can't be and of those that are usage errors before they begin."""
        planned = (str(case.get("mistake", "")) for case in self.planned.values())
        return list(dict.fromkeys([*self.usage_errors, *filter(None, planned)]))

    def counts(self) -> dict[Verdict, int]:
        """How many cases ended with each verdict."""
        return {verdict: sum(1 for v, _ in self.ended.values() if v is verdict) for verdict in Verdict}

    def left(self, runner: str) -> int:
        """How many cases of a runner nobody has begun; none while they aren't all known, or if a child of it died."""
        if runner not in self.announced or runner in self.failed:
            return 0
        return sum(1 for name, one in self.planned.items() if one["runner"] == runner and name not in self.begun)

    def in_order(self) -> list[str]:
        """Every planned case, runner by runner as they were announced."""
        return sorted(self.planned, key=lambda name: RUNNERS.index(self.planned[name]["runner"]))

    def child_ended(self, runner: str, status: int, log: Path) -> None:
        """A child ended: by itself, of a mistake in the suites, or it died."""
        self.announced.add(runner)
        if runner == "robot":
            self.usage_errors += errors_in(log)
        if status in (ROBOT_USAGE if runner == "robot" else PYTEST_USAGE):
            self.failed.add(runner)
            self.usage_errors.append(_last_words(runner, log))
        elif status < 0 or (runner == "pytest" and status not in (0, 1, 5)):
            self.failed.add(runner)
            self.died = f"the {runner} part of the run died (status {status}): {_last_words(runner, log)}"


def _last_words(runner: str, log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    errors = [line for line in lines if line.startswith(("ERROR: ", "[ ERROR ]", "E  ", "FAILED"))]
    chosen = [line.strip() for line in (errors or lines)[-_LOG_LINES:] if line.strip()]
    return f"{runner}: " + ("\n".join(chosen) or "said nothing")


class EventServer:
    """Listens on loopback for the children's events.

    Args:
        tally: counts them.
        journal: keeps them.
        on_change: told after each.
    """

    def __init__(self, tally: Tally, journal: SessionJournal, on_change: Callable[[], object]) -> None:
        self._tally, self._journal, self._on_change = tally, journal, on_change
        self._server: asyncio.Server | None = None
        self._open = 0
        self._idle = asyncio.Event()

    async def __aenter__(self) -> EventServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LONGEST_LINE)
        return self

    @property
    def address(self) -> str:
        """Where the children connect to."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        self._idle.clear()
        try:
            while line := await reader.readline():
                self._take(json.loads(line))
        finally:
            writer.close()
            self._open -= 1
            if not self._open:
                self._idle.set()

    def _take(self, event: dict[str, Any]) -> None:
        self._tally.note(event)
        if event["event"] == "facts":
            self._journal.amend(dut=event["detail"])
        elif event["event"] not in ("finished", "announced"):
            named = {key: event[key] for key in ("verdict", "message", "detail")}
            self._journal.say(event["event"], event["id"], **named)
        self._on_change()

    async def settle(self) -> None:
        """Wait until all that the children said has been read."""
        if self._open:
            with contextlib.suppress(TimeoutError):  # a program that a suite started may have kept the line
                await asyncio.wait_for(self._idle.wait(), _SETTLE_S)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
