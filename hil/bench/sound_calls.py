"""An ear as a test uses it: chimes within a time, for how long, how often; silence. Part of the facade."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hil import units
from hil.bench.portal import Portal, only
from hil.bench.screen import judge_pictured
from hil.hmi.checks import CheckResult
from hil.hmi.listening import ANY, SoundChecks
from hil.hmi.sound import Chime, parse_chimes
from hil.units import Duration

DEFAULT_WITHIN: Duration = "2 s"


class EarFacade:
    """One ear.

    Args:
        bench: the way into the loop.
        name: of the ear in the bench file.
        chimes: those that it knows, by name.
    """

    def __init__(self, bench: Portal, name: str, chimes: dict[str, Chime]) -> None:
        self._bench, self.name, self.chimes = bench, name, chimes
        self._port = only(bench.wiring.ears, name, "audio")

    def should_hear(self, chime: str = ANY, *, within: Duration = DEFAULT_WITHIN) -> None:
        """Check that a chime begins (or any sound), at the latest `within` from now.

        Raises:
            EcuError: it was not heard; what was heard instead is named.
            UsageError: the table has no chime of that name.
        """
        self._run(lambda checks: checks.heard(chime, within))

    def should_hear_for(
        self, chime: str, at_least: Duration, at_most: Duration, *, within: Duration = DEFAULT_WITHIN
    ) -> None:
        """Check that a chime begins in time and is heard for as long as it should; short pauses belong to it."""
        self._run(lambda checks: checks.lasting(chime, at_least, at_most, within))

    def should_repeat(
        self,
        chime: str,
        rate: str | float,
        *,
        tolerance: str | float = "0.2 Hz",
        strikes: int = 4,
        within: Duration = "10 s",
    ) -> None:
        """Check how often a chime strikes: `should_repeat("seat_belt", "1.67 Hz", tolerance="0.1 Hz")`."""
        rate_Hz, tolerance_Hz = _hertz(rate), _hertz(tolerance)
        self._run(lambda checks: checks.repeating(chime, rate_Hz, tolerance_Hz, within, strikes))

    def should_be_silent(self, chime: str = ANY, *, during: Duration) -> None:
        """Check that a chime (or any sound at all) is not heard for a while."""
        length_s = units.span(during)
        self._run(lambda checks: checks.silent(chime, length_s))

    def _run(self, check: Callable[[SoundChecks], Awaitable[CheckResult]]) -> None:
        self._bench.call(self._checked(check))

    async def _checked(self, check: Callable[[SoundChecks], Awaitable[CheckResult]]) -> None:
        clock = self._bench.wiring.clock
        checks = SoundChecks(port=self._port, clock=clock, chimes=self.chimes, report=lambda result: None)
        result = await check(checks)
        judge_pictured(self._bench, self.name, result, throughout=True)


def _hertz(value: str | float) -> float:
    if not isinstance(value, str):
        return float(value)
    number, written = units.parse(value)
    return units.convert(number, written or "Hz", "Hz")


class SoundCalls:
    """The call that gives an ear; `portal` is given by the facade that it is part of."""

    portal: Portal

    def ear(self, name: str = "") -> EarFacade:
        """An ear; without a name the only one.

        Raises:
            NotRunError: the bench has none.
            UsageError: it has several and none was named, or none of that name.
        """
        wiring = self.portal.wiring
        only(wiring.ears, name, "audio")
        chosen = name or next(iter(wiring.ears))
        table = wiring.config.audio[chosen].chimes
        chimes = {}
        if table is not None:
            path = wiring.config.locate(table)
            chimes = parse_chimes(path.read_text(encoding="utf-8"), path.name)
        return EarFacade(self.portal, chosen, chimes)
