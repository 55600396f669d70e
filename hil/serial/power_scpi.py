"""A bench supply that speaks SCPI, over any byte stream: a serial line, a USB adapter, a socket (port 5025 of most).

Rules of this module: one question at a time; after each set the error queue is read, so that a refusal is a bench
error and names the command. A time-out poisons the port: the next answer could belong to the question before. A
question that a case gave up (Ctrl-C, an abort) is answered nevertheless, and that answer is passed over. At open
the supply's own protections are set to the limits of the bench file; the output is left as it is. Leave a margin of
some percent between the highest voltage used and `max_voltage_V`: that is where the supply's protection trips. A trip
shows as a BenchError at the next read; `switch(True)` clears it. `close` switches the output off, and says so if it
can't tell that it did.

Where the commands come from: `standard` is SCPI-99 (volume 2, SOURce and OUTPut) as Keysight and many others have it;
the two others after the programming guides of their makers, as public drivers use them. None was tried on a device
here.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass
from typing import Final

from hil.clock import Clock
from hil.errors import BenchError, HilError
from hil.serial.limits import check_voltage
from hil.serial.port import BytePort, PowerLimits, PowerReading

_UNDEFINED_HEADER: Final = -113
_MOST_ERRORS: Final = 20
_TRUE: Final = ("1", "ON", "YES")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What supplies say differently. `{V}` and `{A}` stand for the limits of the bench file, in volts and amperes.

    Attributes:
        name: what a message calls it.
        idn: a regular expression that the answer to `*IDN?` contains.
        protect: the commands that set the protections.
        tripped: questions that answer 1 or YES if a protection switched the output off.
        clear: the commands that forget a trip.
    """

    name: str
    idn: str
    protect: tuple[str, ...]
    tripped: tuple[str, ...]
    clear: tuple[str, ...]


DIALECTS: Final = (
    Dialect(
        "Rigol",
        r"(?i)rigol",
        ("OUTP:OVP:VAL {V}", "OUTP:OVP ON", "CURR {A}", "OUTP:OCP:VAL {A}", "OUTP:OCP:STAT ON"),
        ("OUTP:OVP:QUES?", "OUTP:OCP:QUES?"),
        ("OUTP:OVP:CLEAR", "OUTP:OCP:CLEAR"),
    ),
    Dialect(
        "Rohde & Schwarz",
        r"(?i)rohde|hameg",
        ("VOLT:PROT {V}", "CURR {A}", "FUSE:STAT ON"),
        ("VOLT:PROT:TRIP?", "FUSE:TRIP?"),
        ("VOLT:PROT:CLE",),
    ),
    Dialect(
        "standard",
        r"",
        ("VOLT:PROT {V}", "CURR {A}", "CURR:PROT:STAT ON"),
        ("VOLT:PROT:TRIP?", "CURR:PROT:TRIP?"),
        ("VOLT:PROT:CLE", "CURR:PROT:CLE"),
    ),
)


class ScpiSupply:
    """A `PowerPort` that drives one output of a SCPI supply.

    Args:
        clock: the bench's clock.
        name: the supply's name in the bench file.
        port: the byte stream to it; the supply opens and closes it.
        limits: what the bench file allows, and the supply's protections are set to.
        channel: which output, from 1; a supply with one output needn't know the command that selects it.
        voltage_V: the voltage that `switch(True)` gives until another is set.
        timeout_s: how long an answer may take.

    Raises:
        UsageError: `voltage_V` is beyond the limits.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        name: str,
        port: BytePort,
        limits: PowerLimits,
        channel: int = 1,
        voltage_V: float = 13.5,
        timeout_s: float = 2.0,
    ) -> None:
        check_voltage(name, voltage_V, limits)
        self.name, self.limits = name, limits
        self.identity = ""
        self._talk = _Conversation(clock, name, port, timeout_s)
        self._dialect = DIALECTS[-1]
        self._channel, self._selects = channel, True
        self._voltage_V = voltage_V
        self._on = self._tripped = self._open = False
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """Reach the supply, forget its old errors, set its protections. Leaves the output as it is.

        Raises:
            BenchError: it doesn't answer, lacks the channel, or refuses a protection.
        """
        async with self._lock:
            await self._talk.open()
            try:
                await self._begin()
            except BaseException:
                await self._talk.close()
                raise
            self._open = True

    async def _begin(self) -> None:
        self.identity = await self._talk.ask("*IDN?")
        self._dialect = next(dialect for dialect in DIALECTS if re.search(dialect.idn, self.identity))
        await self._talk.tell("*CLS")
        await self._find_channel()
        for command in self._dialect.protect:
            await self._set(command.format(V=f"{self.limits.max_voltage_V:.3f}", A=f"{self.limits.max_current_A:.3f}"))
        self._on = await self._is_on()

    async def _find_channel(self) -> None:
        """Select the channel; a supply without channels that doesn't know the word has channel 1 only."""
        await self._talk.tell(f"INST:NSEL {self._channel}")
        code, text = await self._talk.error()
        self._selects = code != _UNDEFINED_HEADER
        if code and (self._selects or self._channel != 1):
            raise BenchError(f"there is no channel {self._channel}: {text}", where=f"supply.{self.name}.channel")

    async def switch(self, on: bool) -> None:
        """Output on, at the voltage set last, or off; checked by asking. On forgets a trip.

        Raises:
            BenchError: the supply did not do it.
        """
        async with self._lock:
            await self._select()
            if on and self._tripped:
                await self._clear()
            if on:
                await self._set(f"VOLT {self._voltage_V:.3f}")
            await self._set("OUTP ON" if on else "OUTP OFF")
            self._on = on
            if await self._is_on() != on:
                raise BenchError(f"the output did not go {'on' if on else 'off'}", where=f"supply.{self.name}")

    async def set_voltage(self, voltage_V: float) -> None:
        """Set the output voltage, in volts.

        Raises:
            UsageError: beyond the limits of the bench file; nothing was sent.
            BenchError: the supply did not do it.
        """
        check_voltage(self.name, voltage_V, self.limits)
        async with self._lock:
            await self._select()
            await self._set(f"VOLT {voltage_V:.3f}")
            self._voltage_V = voltage_V

    async def read(self) -> PowerReading:
        """Measure the output.

        Raises:
            BenchError: the supply doesn't answer, or the output is off though it was switched on.
        """
        async with self._lock:
            await self._select()
            on = await self._is_on()
            if self._on and (await self._has_tripped() or not on):
                self._fall()
            on = on and not self._tripped
            return PowerReading(on, await self._number("MEAS:VOLT?"), await self._number("MEAS:CURR?"))

    async def close(self) -> None:
        """Output off, checked, and the line let go; may be called twice.

        Raises:
            BenchError: it could not be seen that the output is off.
        """
        async with self._lock:
            if not self._open:
                return
            self._open = False
            try:
                await self._select()
                await self._set("OUTP OFF")
                left_on = await self._is_on()
            except HilError as error:
                self._talk.force("OUTP OFF")
                raise self._unsafe(str(error)) from error
            finally:
                await self._talk.close()
        if left_on:
            raise self._unsafe()

    def _unsafe(self, why: str = "") -> BenchError:
        what = "its output may still be on" + (f" ({why})" if why else "")
        return BenchError(what, where=f"supply.{self.name}", remedy="switch it off at its front panel.")

    def _fall(self) -> None:
        self._on, self._tripped = False, True
        allowed = f"{self.limits.max_voltage_V:g} V and {self.limits.max_current_A:g} A"
        raise BenchError(
            "a protection, or somebody, switched the output off",
            where=f"supply.{self.name}",
            remedy=f"look for a short; allowed are {allowed}.",
        )

    async def _clear(self) -> None:
        for command in self._dialect.clear:
            await self._set(command)
        self._tripped = False

    async def _select(self) -> None:
        if self._selects:
            await self._set(f"INST:NSEL {self._channel}")

    async def _set(self, command: str) -> None:
        await self._talk.tell(command)
        code, text = await self._talk.error()
        if code:
            raise BenchError(
                f"refused '{command}': {code}, {text}",
                where=f"supply.{self.name}",
                remedy=f"it speaks the {self._dialect.name} dialect to {self.identity}; check its manual.",
            )

    async def _is_on(self) -> bool:
        return (await self._talk.ask("OUTP?")).upper() in _TRUE

    async def _has_tripped(self) -> bool:
        return any([(await self._talk.ask(question)).upper() in _TRUE for question in self._dialect.tripped])

    async def _number(self, question: str) -> float:
        answer = await self._talk.ask(question)
        try:
            return float(answer)
        except ValueError:
            raise BenchError(f"answered '{answer}' to '{question}'", where=f"supply.{self.name}") from None


class _Conversation:
    """Lines to and from the supply, one question at a time."""

    def __init__(self, clock: Clock, name: str, port: BytePort, timeout_s: float) -> None:
        self._clock, self._name, self._port, self._timeout_s = clock, name, port, timeout_s
        self._received = b""
        self._answer: asyncio.Future[str] | None = None
        self._broken: HilError | None = None
        self._owed = 0

    async def open(self) -> None:
        self._received, self._broken, self._owed = b"", None, 0
        await self._port.open(self._on_data, self._break)

    async def close(self) -> None:
        await self._port.close()

    async def tell(self, command: str) -> None:
        if self._broken is not None:
            raise self._broken
        self._port.write(command.encode("ascii") + b"\n")

    def force(self, command: str) -> None:
        """Send a command though the supply doesn't answer: it may still listen."""
        with contextlib.suppress(BenchError):
            self._port.write(command.encode("ascii") + b"\n")

    async def ask(self, question: str) -> str:
        await self.tell(question)
        answer: asyncio.Future[str] = self._clock.loop.create_future()
        self._answer = answer
        timer = self._clock.call_in(round(self._timeout_s * 1e9), self._late, question)
        try:
            return await answer
        except asyncio.CancelledError:
            if self._answer is answer:  # its answer still comes, and must not be taken for another's
                self._owed += 1
            raise
        finally:
            timer.cancel()
            self._answer = None

    async def error(self) -> tuple[int, str]:
        """The first error of the queue, which is then empty; code 0 if there is none."""
        first = (0, "")
        for _ in range(_MOST_ERRORS):
            code, _, text = (await self.ask("SYST:ERR?")).partition(",")
            if not code.strip("+-0"):
                break
            if not first[0]:
                first = int(code) if code.lstrip("+-").isdigit() else -100, text.strip('" ')
        return first

    def _on_data(self, t_ns: int, data: bytes) -> None:
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            if self._owed:
                self._owed -= 1
            elif self._answer is not None:
                answer, self._answer = self._answer, None
                if not answer.done():  # given up in this very moment: it has come nevertheless
                    answer.set_result(line.decode("ascii", "replace").strip())

    def _late(self, question: str) -> None:
        self._break(
            BenchError(
                f"didn't answer '{question}' within {self._timeout_s:g} s",
                where=f"supply.{self._name} ({self._port.name})",
                remedy="check that it is on, remote control is enabled, and the address and baud rate are right.",
            )
        )

    def _break(self, error: HilError) -> None:
        self._broken = self._broken or error
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(self._broken)
