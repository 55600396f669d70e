"""A simulated bench supply as an instrument: SCPI over TCP, one output, feeding a `PowerLine`.

The far side of a SCPI driver, and sharing no code with one. It models what such an instrument does: long and short
forms, optional nodes, several commands in a line, an error queue, over-voltage and over-current protection that latch
until they are cleared. Ratings are the instrument's own. While the output is on it looks at the load every
`WATCH_NS`, as nothing on the line announces a change of load.

Not for: constant-current mode. Above the limit with the protection off the current reads as the limit; the voltage
stays.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import Final

from hil.clock import Clock, Timer
from hil.ecu.listener import Listener
from hil.serial.line import PowerLine

WATCH_NS: Final = 5_000_000
_QUEUE_LENGTH: Final = 16
_NO_ERROR: Final = '0,"No error"'
_UNDEFINED_HEADER: Final = '-113,"Undefined header"'
_MISSING_PARAMETER: Final = '-109,"Missing parameter"'
_DATA_TYPE: Final = '-104,"Data type error"'
_OUT_OF_RANGE: Final = '-222,"Data out of range"'
_OVERFLOW: Final = '-350,"Queue overflow"'


class _Refused(Exception):
    """A command's error, as it goes into the queue."""


class ScpiFace(Listener):
    """A supply that listens for SCPI on 127.0.0.1.

    Args:
        clock: a real clock.
        line: the wire that it feeds.
        name: what messages call it.
        rated_voltage_V: the most that it can be set to, its protection 10 % above that.
        rated_current_A: likewise.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        line: PowerLine,
        name: str = "psu",
        rated_voltage_V: float = 32.0,
        rated_current_A: float = 20.0,
    ) -> None:
        super().__init__(clock=clock, name=name)
        self.supply = _Instrument(line, rated_voltage_V, rated_current_A)
        self._watch: Timer | None = None

    async def open(self, port: int = 0) -> None:
        """Listen, and begin to watch the load."""
        await super().open(port)
        self._look()

    async def close(self) -> None:
        """Stop listening. The output stays as it is, as an instrument's does when its cable is pulled."""
        if self._watch is not None:
            self._watch.cancel()
        await super().close()

    def _look(self, _: object = None) -> None:
        self.supply.protect()
        self._watch = self._clock.call_in(WATCH_NS, self._look)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (line := await _line(reader)).endswith(b"\n"):
            answer = self.supply.execute(line.decode("ascii", "replace").strip())
            if answer:
                writer.write(answer.encode("ascii") + b"\n")
                await writer.drain()


class _Instrument:
    """The instrument itself: settings, output, protections, error queue."""

    def __init__(self, line: PowerLine, rated_voltage_V: float, rated_current_A: float) -> None:
        self._line = line
        self._rated_V, self._rated_A = rated_voltage_V, rated_current_A
        self._errors: deque[str] = deque()
        self._commands = [(_header(pattern), handler) for pattern, handler in self._table().items()]
        self._reset("")

    def _reset(self, _: str) -> None:
        self._voltage_V, self._limit_A = 0.0, self._rated_A
        self._ovp_V, self._ocp = self._rated_V * 1.1, False
        self._on = self._over_voltage = self._over_current = False
        self._drive()

    def _table(self) -> dict[str, Callable[[str], str | None]]:
        return {
            "*IDN?": lambda _: "Cockpit HIL,Simulated Supply,0,1.0",
            "*RST": self._reset,
            "*CLS": lambda _: self._errors.clear(),
            "*OPC?": lambda _: "1",
            "SYSTem:ERRor[:NEXT]?": lambda _: self._errors.popleft() if self._errors else _NO_ERROR,
            "[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]": self._set_voltage,
            "[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]?": lambda _: f"{self._voltage_V:.3f}",
            "[SOURce:]VOLTage:PROTection[:LEVel]": self._set_protection,
            "[SOURce:]VOLTage:PROTection[:LEVel]?": lambda _: f"{self._ovp_V:.3f}",
            "[SOURce:]VOLTage:PROTection:TRIPped?": lambda _: str(int(self._over_voltage)),
            "[SOURce:]VOLTage:PROTection:CLEar": self._clear,
            "[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]": self._set_limit,
            "[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]?": lambda _: f"{self._limit_A:.3f}",
            "[SOURce:]CURRent:PROTection:STATe": self._set_ocp,
            "[SOURce:]CURRent:PROTection:STATe?": lambda _: str(int(self._ocp)),
            "[SOURce:]CURRent:PROTection:TRIPped?": lambda _: str(int(self._over_current)),
            "[SOURce:]CURRent:PROTection:CLEar": self._clear,
            "OUTPut[:STATe]": self._set_output,
            "OUTPut[:STATe]?": lambda _: str(int(self._on)),
            "MEASure[:SCALar]:VOLTage[:DC]?": lambda _: f"{self._line.voltage_V if self._on else 0.0:.4f}",
            "MEASure[:SCALar]:CURRent[:DC]?": lambda _: f"{min(self._load_A(), self._limit_A):.4f}",
        }

    def execute(self, line: str) -> str:
        """Run the commands of one line; the answers, joined by semicolons, are empty if there are none."""
        answers = (self._execute_one(command.strip()) for command in line.split(";") if command.strip())
        return ";".join(answer for answer in answers if answer)

    def _execute_one(self, command: str) -> str | None:
        header, _, parameter = command.partition(" ")
        self.protect()
        for pattern, handler in self._commands:
            if pattern.fullmatch(header):
                try:
                    return handler(parameter.strip())
                except _Refused as refused:
                    self._queue(str(refused))
                    return None
        self._queue(_UNDEFINED_HEADER)
        return None

    def _queue(self, error: str) -> None:
        if len(self._errors) < _QUEUE_LENGTH:
            self._errors.append(error)
        else:
            self._errors[-1] = _OVERFLOW

    def protect(self) -> None:
        """Trip if the load or the setting is beyond a protection."""
        if self._on and self._voltage_V > self._ovp_V:
            self._over_voltage, self._on = True, False
        if self._on and self._ocp and self._load_A() > self._limit_A:
            self._over_current, self._on = True, False
        self._drive()

    def _load_A(self) -> float:
        return self._line.load_A() if self._on else 0.0

    def _drive(self) -> None:
        self._line.set(self._voltage_V if self._on else 0.0)

    def _set_voltage(self, parameter: str) -> None:
        self._voltage_V = _number(parameter, self._rated_V)
        self.protect()

    def _set_protection(self, parameter: str) -> None:
        self._ovp_V = _number(parameter, self._rated_V * 1.1)
        self.protect()

    def _set_limit(self, parameter: str) -> None:
        self._limit_A = _number(parameter, self._rated_A)
        self.protect()

    def _set_ocp(self, parameter: str) -> None:
        self._ocp = _boolean(parameter)
        self.protect()

    def _set_output(self, parameter: str) -> None:
        """A latched trip keeps the output off, without a word: OUTP? tells."""
        self._on = _boolean(parameter) and not (self._over_voltage or self._over_current)
        self.protect()

    def _clear(self, _: str) -> None:
        self._over_voltage = self._over_current = False


async def _line(reader: asyncio.StreamReader) -> bytes:
    """A line; empty when the peer has gone or sent more than the reader holds, which no controller does."""
    try:
        return await reader.readline()
    except ValueError:
        return b""


def _header(pattern: str) -> re.Pattern[str]:
    """A regular expression for a header in SCPI's notation: `VOLTage` in both forms, `[:LEVel]` optional."""
    text = re.escape(pattern).replace(r"\[", "(?:").replace(r"\]", ")?")
    return re.compile("(?i::?" + re.sub(r"([A-Z]{3,})([a-z]+)", r"\1(?:\2)?", text) + ")")


def _number(parameter: str, most: float) -> float:
    if not parameter:
        raise _Refused(_MISSING_PARAMETER)
    try:
        value = float(parameter)
    except ValueError:
        raise _Refused(_DATA_TYPE) from None
    if not 0.0 <= value <= most:
        raise _Refused(_OUT_OF_RANGE)
    return value


def _boolean(parameter: str) -> bool:
    if not parameter:
        raise _Refused(_MISSING_PARAMETER)
    if parameter.upper() not in ("0", "1", "ON", "OFF"):
        raise _Refused(_DATA_TYPE)
    return parameter.upper() in ("1", "ON")
