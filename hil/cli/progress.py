"""The live display of `hil run`: one line that counts and names what runs, and a line for each case that did not pass.

Without a terminal (CI) each case is one line, in the order of the plan, so that equal runs print equal lines: a case
that ended waits for those before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from hil.cli.events import Tally
from hil.errors import Verdict
from hil.evidence.itself import line_of, losses_of, of_run

STYLES: Final = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.BENCH: "bold magenta",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_RUN: "dim",
    Verdict.USAGE: "bold blue",
}
_RECAP_FROM: Final = 20
"""So many cases fit on a screen: only above is a recap worth its lines."""
_RECAP_MOST: Final = 40
_REMARKED_MOST: Final = 5


class Progress:
    """Shows a tally while it grows.

    Args:
        tally: what is known of the run.
        bench: its name.
        runners: those that will announce cases.
    """

    def __init__(self, tally: Tally, bench: str, runners: Iterable[str]) -> None:
        self._tally, self._bench, self._runners = tally, bench, frozenset(runners)
        self._over = False
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
        self._over = True
        self.update()
        if self._console.is_terminal:
            self._live.stop()
        self._recap()
        self._summary()

    def update(self) -> None:
        """Print what ended since the last call; without a terminal only what all before it have ended of."""
        everything = self._console.is_terminal or self._over
        for case_id in [*self._tally.ended] if self._console.is_terminal else self._in_order():
            if case_id in self._told:
                continue
            if case_id in self._tally.ended:
                self._told.add(case_id)
                self._tell(case_id, *self._tally.ended[case_id])
            elif not everything:
                return

    def _in_order(self) -> list[str]:
        """The cases in the order of the plan; none while it may still change, and all that ended at the end."""
        if not self._over and not self._tally.announced.issuperset(self._runners):
            return []
        order = self._tally.in_order()
        return [*order, *(case_id for case_id in self._tally.ended if case_id not in self._tally.planned)]

    def _tell(self, case_id: str, verdict: Verdict, message: str) -> None:
        name, place = self._tally.planned.get(case_id, {}).get("name", case_id), self._place(case_id, verdict, message)
        style = STYLES[verdict]
        self._console.print(f"[{style}]{verdict.value:>12}[/]  {escape(name)}{escape(place)}")
        if message:  # of a pass it is a remark
            self._console.print(f"{'':14}{escape(message)}", style="yellow" if verdict is Verdict.PASS else "default")

    def _place(self, case_id: str, verdict: Verdict, message: str) -> str:
        """Where it failed; of a mistake at least where the case stands. Nothing where the message says it."""
        source = self._tally.planned.get(case_id, {}).get("source", "") if verdict is Verdict.USAGE else ""
        place = self._tally.places.get(case_id, "") or source
        file = place.rpartition(":")[0]
        is_bad = verdict not in (Verdict.PASS, Verdict.NOT_RUN)
        return f"  ({place})" if is_bad and file and Path(file).name not in message else ""

    def _line(self) -> Text:
        done, planned = len(self._tally.ended), len(self._tally.planned)
        running = ", ".join(self._tally.running.values()) or "starting"
        return Text(f"{self._bench}: {done} of {planned}  {running}", no_wrap=True, overflow="ellipsis")

    def _recap(self) -> None:
        """What did not pass once more, in the order of the plan, where it stands far above among what passed."""
        good = (Verdict.PASS, Verdict.NOT_RUN)
        bad = [key for key in self._in_order() if key in self._tally.ended and self._tally.ended[key][0] not in good]
        if not bad or len(self._tally.ended) <= _RECAP_FROM:
            return
        self._console.print()
        self._console.print("did not pass:")
        for case_id in bad[:_RECAP_MOST]:
            self._tell(case_id, *self._tally.ended[case_id])
        if len(bad) > _RECAP_MOST:
            self._console.print(f"{'':14}and {len(bad) - _RECAP_MOST} more, see the page")

    def _remarks(self) -> None:
        """What is remarked on passes, and on which: they are green, and nobody would look at them."""
        found: dict[str, list[str]] = {}
        for case_id in self._in_order():
            verdict, message = self._tally.ended.get(case_id, (None, ""))
            if verdict is Verdict.PASS and message:
                found.setdefault(message, []).append(self._tally.planned.get(case_id, {}).get("name", case_id))
        for message, names in found.items():
            more = f" and {len(names) - _REMARKED_MOST} more" if len(names) > _REMARKED_MOST else ""
            cases = "1 pass" if len(names) == 1 else f"{len(names)} passes"
            said = f"{cases}: {message}: {', '.join(names[:_REMARKED_MOST])}{more}"
            self._console.print(f"[yellow]{escape(said)}[/]")

    def _summary(self) -> None:
        counts = [f"[{STYLES[v]}]{n} {v.value}[/]" for v, n in self._tally.counts().items() if n]
        missing = len(self._tally.planned.keys() - self._tally.ended.keys())
        if missing:
            counts.append(f"[dim]{missing} not run[/]")
        if counts:
            self._console.print(", ".join(counts))
        self._remarks()
        lost = losses_of(self._tally.measured.values())
        if lost:
            self._console.print(f"[yellow]{escape(lost)}[/]")
        itself = line_of(of_run(self._tally.measured.values()))
        if itself:
            self._console.print(f"[dim]the bench itself: {escape(itself)}[/]")
