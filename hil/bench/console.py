"""The console as a test sees it."""

from __future__ import annotations

import re
from typing import Final

from hil import units
from hil.bench.portal import Portal
from hil.errors import BenchError, UsageError
from hil.serial.console import Match, Missed
from hil.serial.flood import is_noise
from hil.units import Duration

_ANYTHING: Final = re.compile(r"(?s).+")
_ANSWERS_WITHIN_S: Final = 0.5


class ConsoleFacade:
    """One console."""

    def __init__(self, bench: Portal, name: str) -> None:
        self._bench, self.name = bench, name
        self._console = bench.wiring.consoles[name]

    def expect(self, pattern: str, *, within: Duration = "5 s", regex: bool = False) -> Match:
        """Wait for text, from where the last `expect` ended.

        Args:
            pattern: literal text, or a regular expression with `regex`.
            within: how long it may take.
            regex: take the pattern as a regular expression.

        Raises:
            EcuError: it did not come; the last lines are in the message.
            UsageError: it is no regular expression.
        """
        return self._bench.call(self._expect(pattern, within, regex))

    async def _expect(self, pattern: str, within: Duration, regex: bool) -> Match:
        since_ns = self._bench.now_ns
        heard = await self._console.expect(_compile(pattern) if regex else pattern, units.seconds(within))
        if isinstance(heard, Missed):
            await self._refuse_broken_line(heard, since_ns)
        seen = heard.text if isinstance(heard, Match) else _last_lines(heard)
        self._bench.judge.check(
            name="console",
            target=f"console.{self.name}",
            expected=f"{'a line like' if regex else 'the text'} '{pattern}'",
            seen=seen,
            ok=isinstance(heard, Match),
            t_ns=heard.t_ns,
            since_ns=since_ns,
            within_ns=units.nanoseconds(within),
        )
        assert isinstance(heard, Match)
        return heard

    def should_not_show(self, pattern: str, *, during: Duration, regex: bool = False) -> None:
        """Check that a text does not come for a while, from where the last `expect` ended.

        Raises:
            EcuError: it came.
        """
        length_s = units.span(during)
        self._bench.call(self._should_not_show(pattern, length_s, regex))

    async def _should_not_show(self, pattern: str, during: Duration, regex: bool) -> None:
        since_ns, span = self._bench.now_ns, units.write_duration(units.nanoseconds(during))
        heard = await self._console.expect(_compile(pattern) if regex else pattern, units.seconds(during))
        if isinstance(heard, Missed):
            await self._refuse_broken_line(heard, since_ns)
        self._bench.judge.check(
            name="console silent",
            target=f"console.{self.name}",
            expected=f"never {'a line like' if regex else 'the text'} '{pattern}' during {span}",
            seen=f"'{heard.text}'" if isinstance(heard, Match) else "nothing like it",
            ok=isinstance(heard, Missed),
            t_ns=heard.t_ns,
            since_ns=since_ns,
        )

    async def _refuse_broken_line(self, missed: Missed, since_ns: int) -> None:
        """Where no text came, find out whether the line is broken or the ECU had nothing to say.

        Raises:
            BenchError: the line carries noise, or what is always answered was not.
        """
        if is_noise("\n".join(missed.last_lines)):
            mend = "check baud rate and wiring."
            raise BenchError("carries noise, no text", where=f"console.{self.name}", remedy=mend)
        line = self._bench.wiring.config.console[self.name].answers_to
        if not line or self._console.heard_ns >= since_ns:
            return
        self._console.send_line(line)
        if isinstance(await self._console.expect(_ANYTHING, _ANSWERS_WITHIN_S), Missed):
            raise BenchError(
                f"is silent: not even '{line}' was answered within {_ANSWERS_WITHIN_S:g} s",
                where=f"console.{self.name}",
                remedy="check its cable and baud rate, and that the ECU has power.",
            )

    def send_line(self, text: str) -> None:
        """Send a line."""
        self._bench.call(self._send_line(text))

    async def _send_line(self, text: str) -> None:
        self._console.send_line(text)

    def drain(self) -> str:
        """Take what came so far, so that later checks see only what comes from now on."""
        return self._bench.call(self._drain())

    async def _drain(self) -> str:
        return self._console.drain()


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UsageError(f"'{pattern}' is no regular expression: {error}") from None


def _last_lines(missed: Missed) -> str:
    lines = [line for line in missed.last_lines if line.strip()][-3:]
    return " | ".join(lines) if lines else "nothing: the console was silent"
