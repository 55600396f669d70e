"""Ramps and profiles of a supply, as a test plays them: at once, or beside its checks.

Rules of this module: one profile at a time on each supply; whoever sets or switches that supply meanwhile ends it. What
was asked for and what the supply made of it goes into the journal. A supply that could not follow makes the case
inconclusive: the ECU got another course than the one that it was to be judged by.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from hil import tables, units
from hil.bench.portal import Portal
from hil.errors import BenchError, InconclusiveError, UsageError
from hil.serial import profiles
from hil.serial.limits import check_voltage
from hil.serial.player import Played, play, stop
from hil.serial.profiles import Profile, Segment

TABLE: Final = Path("fixtures/tables/supply_profiles.csv")
_RUNS_FROM: Final = 0.7
"""Share of the nominal voltage below which nobody is expected to send."""


def find(text: str, table: str = "") -> Profile:
    """The profile of that name in a table, or the course that the text itself is.

    Raises:
        UsageError: it is neither.
    """
    path = Path(table) if table else TABLE
    rows = {row.key: row for row in tables.read(path)} if table or path.is_file() else {}
    if text in rows:
        row = rows[text]
        return profiles.parse(row["course"], name=text, source=row.cells.get("source", ""), where=row.where)
    if (" V" in text and any(word[0].isdigit() for word in text.split()[:1])) or text.startswith(("to ", "ripple ")):
        return profiles.parse(text)
    known = ", ".join(rows) or "none"
    raise UsageError(f"no supply profile '{text}'", where=str(path), remedy=f"there is: {known}; or write a course.")


def ramp(to_V: float, over_ns: int) -> Profile:
    """A straight line from where the supply is.

    Raises:
        UsageError: it takes no time.
    """
    if over_ns <= 0:
        raise UsageError("a ramp needs some time", remedy="give over='2 s', or set the voltage at once.")
    text = f"to {to_V:g} V {units.show_duration(over_ns)}"
    return Profile(text, (Segment(text, to_V, over_ns, is_ramp=True),))


class ProfileRun:
    """The profiles of one supply. All calls in the loop's thread."""

    def __init__(self, portal: Portal, name: str) -> None:
        self._portal, self._name = portal, name
        self._port = portal.wiring.supplies[name]
        self._recorder = portal.wiring.recorder

    @property
    def _tasks(self) -> dict[str, asyncio.Task[Played]]:
        return self._portal.wiring.profiles

    async def begin(self, profile: Profile) -> None:
        """Begin to play.

        Raises:
            UsageError: the output is off, or the profile goes beyond the limits.
        """
        self.stop()
        check_voltage(self._name, profile.highest_V, self._port.limits)
        reading = await self._port.read()
        if not reading.on:
            raise UsageError("its output is off", where=f"supply.{self._name}", remedy="switch it on first.")
        self._watch("pause")
        self._note(f"profile {profile.name}: {units.show_duration(profile.duration_ns)} begin")
        playing = play(self._portal.wiring.clock, self._port, profile, reading.voltage_V, self._on_set)
        task = self._tasks[self._name] = self._portal.wiring.clock.loop.create_task(playing)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[Played]) -> None:
        """A supply that failed is a fault also while nobody waits for the profile."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, BenchError):
            self._recorder.lost(error)

    async def end(self) -> Played:
        """Wait for its end.

        Raises:
            UsageError: none was begun, or somebody else set the supply meanwhile.
            BenchError: the supply failed.
            InconclusiveError: the supply could not follow.
        """
        task = self._tasks.get(self._name)
        if task is None:
            mend = "begin one; setting or switching the supply ends it."
            raise UsageError("no profile is being played", where=f"supply.{self._name}", remedy=mend)
        try:
            played = await task
        finally:
            self._tasks.pop(self._name, None)
        if played.profile.segments[-1].voltage_V >= _RUNS_FROM * self._nominal_V:
            self._watch("expect")
        self._judge(played)
        return played

    def stop(self) -> None:
        """End what is being played; the voltage stays where it is."""
        stop(self._tasks, self._name)

    @property
    def _nominal_V(self) -> float:
        return self._portal.wiring.config.supply[self._name].voltage_V

    def _watch(self, what: str) -> None:
        getattr(self._portal.wiring.traffic.watch, what)("voltage")

    def _on_set(self, t_ns: int, voltage_V: float) -> None:
        self._recorder.record("supply", {"event": "sample", "voltage_V": voltage_V}, name=self._name, t_ns=t_ns)

    def _note(self, event: str) -> None:
        self._recorder.record("supply", {"event": event}, name=self._name)

    def _judge(self, played: Played) -> None:
        show = units.show_duration
        asked, took = show(played.profile.duration_ns), show(played.took_ns)
        achieved = f"asked {asked}, took {took}, latest corner {show(played.worst_ns)}, slowest set point"
        achieved += f" {show(played.slowest_ns)}, left out {played.left_out}"
        self._note(f"profile {played.profile.name}: {achieved}")
        if played.late:
            worst = max(played.late, key=lambda late: late.late_ns - late.allowed_ns)
            raise InconclusiveError(
                f"the supply could not follow the profile '{played.profile.name}': '{worst.segment}' came"
                f" {show(worst.late_ns)} late, {show(worst.allowed_ns)} are allowed; {achieved}",
                where=f"supply.{self._name}",
                remedy="use a faster supply or link, or a profile with longer segments.",
            )
