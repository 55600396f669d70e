"""Checks of what one ear hears over time: a chime within a time, for how long, how often, or silence.

Rules of this module: the ear is asked for 50 ms at a time; only samples count, never what the ECU says of itself. A
result has the picture of the last seconds (a spectrogram) as its crop. It raises only where it can't judge.

Not for: what is a chime in samples (`hil.hmi.sound`).
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from hil.clock import NS_PER_S, Clock
from hil.errors import UsageError
from hil.hmi.audio import AudioPort, Samples
from hil.hmi.frames import Frame
from hil.hmi.sound import HOP_NS, QUIET_DB, Chime, Ear, Hop, Strike, Strikes, rate_Hz, spectrogram
from hil.hmi.watching import CheckResult, Report
from hil.units import Duration, nanoseconds, show_duration, write_duration

_PIECE_NS: Final = 50_000_000
_SHOWN_S: Final = 8
ANY: Final = ""
"""Any sound at all."""


@dataclass(slots=True)
class _Listening:
    """One check: its span, what was heard in it, and the strikes of what it listens for."""

    port: AudioPort
    since_ns: int
    strikes: Strikes
    other: dict[str, int] = field(default_factory=dict)
    heard: list[Samples] = field(default_factory=list)

    async def hops(self, chimes: Mapping[str, Chime], until_ns: int) -> AsyncIterator[Hop]:
        """Every 10 ms from the beginning to the end."""
        ear = Ear(chimes.values(), self.port.rate_Hz, self.since_ns)
        at_ns = self.since_ns
        while at_ns < until_ns + ear.behind_ns:
            end_ns = at_ns + _PIECE_NS
            piece = await self.port.record(at_ns, end_ns)
            self._keep(piece)
            for hop in ear.hear(piece):
                if hop.t_ns < until_ns:
                    self.strikes.add(hop)
                    self._note(hop)
                    yield hop
            at_ns = end_ns

    def _keep(self, piece: Samples) -> None:
        self.heard.append(piece)
        del self.heard[: -_SHOWN_S * NS_PER_S // _PIECE_NS]

    def _note(self, hop: Hop) -> None:
        for name in hop.chimes:
            if name != self.strikes.name:
                self.other.setdefault(name, hop.t_ns)

    def picture(self) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        """The spectrogram of the last seconds."""
        return spectrogram(np.concatenate(self.heard), self.port.rate_Hz)

    def said(self) -> str:
        """What else was heard, for people."""
        names = ", ".join(f"{name} at {show_duration(t_ns - self.since_ns)}" for name, t_ns in self.other.items())
        return f"heard: {names}" if names else ""


class SoundChecks:
    """The checks of one ear.

    Args:
        port: the ear, open.
        clock: the bench's clock.
        chimes: those that are known, by name.
        report: called with every result, in the loop's thread.
    """

    def __init__(self, *, port: AudioPort, clock: Clock, chimes: Mapping[str, Chime], report: Report) -> None:
        self._port, self._clock, self._chimes, self._report = port, clock, chimes, report

    async def heard(self, chime: str, timeout: Duration) -> CheckResult:
        """Pass at the first strike of a chime (`ANY`: of any sound).

        Raises:
            BenchError: the ear is gone.
        """
        listening, length_ns = self._begin(chime), nanoseconds(timeout)
        async for _ in listening.hops(self._chimes, listening.since_ns + length_ns):
            if listening.strikes.now:
                break
        first = next(iter(listening.strikes.all), None)
        words = f"{_name(chime)} within {write_duration(length_ns)}"
        seen = "not heard" if first is None else f"heard after {show_duration(first.since_ns - listening.since_ns)}"
        return self._result("heard", listening, words, length_ns, (first is not None, seen, first))

    async def silent(self, chime: str, duration: Duration) -> CheckResult:
        """Pass if a chime (`ANY`: any sound) is not heard for a while; the first strike ends the check.

        Raises:
            BenchError: as `heard`.
        """
        listening, length_ns = self._begin(chime), nanoseconds(duration)
        async for _ in listening.hops(self._chimes, listening.since_ns + length_ns):
            if listening.strikes.now:
                break
        first = next(iter(listening.strikes.all), None)
        words = f"no {_name(chime)} during {write_duration(length_ns)}"
        seen = "not heard" if first is None else f"heard after {show_duration(first.since_ns - listening.since_ns)}"
        return self._result("silent", listening, words, length_ns, (first is None, seen, first))

    async def lasting(self, chime: str, at_least: Duration, at_most: Duration, timeout: Duration) -> CheckResult:
        """Pass if a chime begins in time and is heard for as long as it should; pauses of up to 1.5 s belong to it.

        Raises:
            BenchError: as `heard`.
            UsageError: nothing can last that long.
        """
        listening, begin_ns = self._begin(chime), nanoseconds(timeout)
        low_ns, high_ns = nanoseconds(at_least), nanoseconds(at_most)
        if not low_ns <= high_ns or not high_ns:
            what = f"nothing is heard for {write_duration(low_ns)} to {write_duration(high_ns)}"
            raise UsageError(what, remedy="give at_least and at_most, the shorter span first.")
        async for hop in listening.hops(self._chimes, listening.since_ns + begin_ns + high_ns + 2 * NS_PER_S):
            strikes = listening.strikes.all
            late = not strikes and hop.t_ns - listening.since_ns >= begin_ns
            long = bool(strikes) and strikes[-1].until_ns - strikes[0].since_ns > high_ns + HOP_NS
            if late or long or listening.strikes.has_ended(hop.t_ns):
                break
        strikes = listening.strikes.all
        words = f"{_name(chime)} within {write_duration(begin_ns)}, for {at_least} to {at_most}"
        if not strikes:
            return self._result("lasting", listening, words, begin_ns, (False, "not heard", None))
        length_ns = strikes[-1].until_ns - strikes[0].since_ns
        over = " and longer" if length_ns > high_ns else ""
        ok = low_ns - HOP_NS <= length_ns <= high_ns + HOP_NS
        seen = f"heard for {show_duration(length_ns)}{over}"
        return self._result("lasting", listening, words, begin_ns, (ok, seen, strikes[-1]))

    async def repeating(self, chime: str, rate: float, tolerance: float, timeout: Duration, count: int) -> CheckResult:
        """Pass if a chime strikes so often: every pause and the mean of `count` strikes are within the tolerance.

        Raises:
            BenchError: as `heard`.
            UsageError: a tolerance that nothing can meet, or less than two strikes.
        """
        if not 0 < tolerance < rate < math.inf or count < 2:
            what = f"{count} strikes at {rate:g} Hz +- {tolerance:g} Hz"
            raise UsageError(f"nothing can meet {what}", remedy="give a tolerance, and two strikes at least.")
        listening, length_ns = self._begin(chime), nanoseconds(timeout)
        async for _ in listening.hops(self._chimes, listening.since_ns + length_ns):
            if len(listening.strikes.all) >= count:
                break
        strikes = listening.strikes.all
        words = f"{_name(chime)} {count} times at {rate:g} Hz +- {tolerance:g} within {write_duration(length_ns)}"
        seen_Hz = rate_Hz(strikes)
        if seen_Hz is None or len(strikes) < count:
            seen = f"{len(strikes)} strikes"
            return self._result(
                "repeating", listening, words, length_ns, (False, seen, strikes[-1] if strikes else None)
            )
        ok = all(_in_time(pause_ns, rate, tolerance) for pause_ns in _pauses(strikes))
        return self._result("repeating", listening, words, length_ns, (ok, f"{seen_Hz:.2f} Hz", strikes[-1]))

    def _begin(self, chime: str) -> _Listening:
        if chime != ANY and chime not in self._chimes:
            known = ", ".join(self._chimes) or "none; name a table with chimes = ... in the bench file"
            raise UsageError(f"no chime '{chime}'", where=self._port.name, remedy=f"there is: {known}.")
        return _Listening(self._port, self._clock.now_ns, Strikes(chime))

    def _result(
        self, name: str, listening: _Listening, words: str, within_ns: int, outcome: tuple[bool, str, Strike | None]
    ) -> CheckResult:
        ok, seen, strike = outcome
        t_ns = self._clock.now_ns if strike is None else strike.since_ns
        level = 0.0 if strike is None else strike.level_dB - QUIET_DB
        picture = listening.picture()
        result = CheckResult(
            name=name,
            target=f"{self._port.name}: {_name(listening.strikes.name)}",
            expected=words,
            seen=seen + (f" at {strike.level_dB:.0f} dB" if strike else ""),
            ok=ok,
            score=1.0,
            margin=(1 if ok else -1) * (min(1.0, level / -QUIET_DB) if strike else 1.0),
            since_ns=listening.since_ns,
            within_ns=within_ns,
            t_ns=t_ns,
            took_ns=max(0, t_ns - listening.since_ns),
            bound_ns=self._port.bound_ns + HOP_NS,
            origin=self._port.origin,
            detail=listening.said(),
            looks=len(listening.heard),
            frame=Frame(t_ns, lambda: picture),
            crop=picture,
        )
        self._report(result)
        return result


def _name(chime: str) -> str:
    return f"chime {chime}" if chime else "sound"


def _pauses(strikes: list[Strike]) -> list[int]:
    return [later.since_ns - strike.since_ns for strike, later in pairwise(strikes)]


def _in_time(pause_ns: int, rate: float, tolerance: float) -> bool:
    return NS_PER_S / (rate + tolerance) - HOP_NS <= pause_ns <= NS_PER_S / (rate - tolerance) + HOP_NS
