"""The live display of `hil run`: one line that counts and names what runs, and a line for each case that did not pass.

Without a terminal (CI) each case is one line as it ends.
"""

from __future__ import annotations

from types import TracebackType
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from hil.cli.events import Tally
from hil.errors import Verdict

STYLES: Final = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.BENCH: "bold magenta",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_RUN: "dim",
    Verdict.USAGE: "bold blue",
}


class Progress:
    """Shows a tally while it grows."""

    def __init__(self, tally: Tally, bench: str) -> None:
        self._tally, self._bench = tally, bench
        self._console = Console(highlight=False, soft_wrap=True)
        self._live = Live(console=self._console, refresh_per_second=8, transient=True, get_renderable=self._line)
        self._told: set[str] = set()

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.update()
        if self._console.is_terminal:
            self._live.stop()
        self._summary()

    def update(self) -> None:
        """Print what ended since the last call."""
        for case_id, (verdict, message) in list(self._tally.ended.items()):
            if case_id not in self._told:
                self._told.add(case_id)
                self._tell(case_id, verdict, message)

    def _tell(self, case_id: str, verdict: Verdict, message: str) -> None:
        name = self._tally.planned.get(case_id, {}).get("name", case_id)
        style = STYLES[verdict]
        self._console.print(f"[{style}]{verdict.value:>12}[/]  {escape(name)}")
        if message and verdict is not Verdict.PASS:
            self._console.print(f"{'':14}{escape(message)}", style="default")

    def _line(self) -> Text:
        done, planned = len(self._tally.ended), len(self._tally.planned)
        running = ", ".join(self._tally.running.values()) or "starting"
        return Text(f"{self._bench}: {done} of {planned}  {running}", no_wrap=True, overflow="ellipsis")

    def _summary(self) -> None:
        counts = [f"[{STYLES[v]}]{n} {v.value}[/]" for v, n in self._tally.counts().items() if n]
        missing = len(self._tally.planned.keys() - self._tally.ended.keys())
        if missing:
            counts.append(f"[dim]{missing} not run[/]")
        if counts:
            self._console.print(", ".join(counts))
