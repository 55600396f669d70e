"""Where a test starts from: `off`, `sleep` or `on`; and the recipe that brings a bench there.

On a virtual bench everything is new, so the recipe is one power-up. On a real one the steps of the bench file are tried
in order until the probe passes; if none helps that is a bench fault, since no test can say anything then.
"""

from __future__ import annotations

import re
from enum import StrEnum

from hil import units
from hil.bench.config import ProbeSection, ResetStep
from hil.bench.diagnosis import PREPARATIONS, dut_ecu
from hil.bench.wiring import Wiring
from hil.can import database
from hil.errors import BenchError, UsageError
from hil.serial import player
from hil.serial.console import Console, Missed

_POLL_S = 0.1
RESTORE = "restore profile"
FACTORY = "restore factory state"


class Start(StrEnum):
    """Where a test starts from."""

    OFF = "off"
    SLEEP = "sleep"
    ON = "on"


def check_start(text: str) -> Start:
    """The start state called `text`.

    Raises:
        UsageError: there is none of that name.
    """
    try:
        return Start(text)
    except ValueError:
        raise UsageError(f"a test can't start from '{text}'", remedy="one of off, sleep, on.") from None


class Reset:
    """Brings one wiring to a start state. All calls in the loop's thread."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring, self._config = wiring, wiring.config
        self._clock = wiring.clock

    async def to(self, start: Start) -> None:
        """Bring the bench to `start`.

        Raises:
            BenchError: the probe never passed.
        """
        self._check_factory()
        self._wiring.traffic.reset()
        for ecu in self._wiring.diag.values():
            ecu.begin()
        self._drain()
        is_new = self._config.is_virtual or await self._as_new()
        player.stop(self._wiring.profiles)
        await self._wiring.relays.rest()
        for name, supply in self._wiring.supplies.items():
            await supply.set_voltage(self._config.supply[name].voltage_V)
        if start is Start.OFF:
            if not is_new:
                await self._recipe(is_new)  # it was off, or asleep: only one that runs can be made as new
            await self._power_off()
        elif self._config.is_virtual:
            await self._first_power_up()
        else:
            await self._recipe(is_new)
        if start is Start.SLEEP:
            await self._fall_asleep()

    async def _power_off(self) -> None:
        self._wiring.traffic.stop()
        self._wiring.traffic.watch.pause("power")
        await self.feed(False)
        if not self._config.is_virtual:
            await self._clock.sleep(self._config.reset.off_time)
        self._drain()

    async def _first_power_up(self) -> None:
        await self.power_up()
        if not await self._probe():
            raise BenchError(f"the ECU did not come up: {_show(self._config.reset.probe)}", where="reset.probe")
        trouble = await self._prepare()
        if trouble:
            raise BenchError(trouble, where="reset")

    async def power_up(self) -> None:
        """Ignition, buses and restbus, supplies on."""
        await self.ignition(True)
        self._wiring.traffic.start()
        await self.feed(True)
        self._wiring.traffic.watch.expect("power")

    async def feed(self, on: bool) -> None:
        """KL30: the supplies, and the contact that it goes over, where one does."""
        for supply in self._wiring.supplies.values():
            await supply.switch(on)
        await self._wiring.relays.power(on)

    async def ignition(self, on: bool) -> None:
        """Ignition on or off, by signal, by contact; without an `[ignition]` section nothing happens."""
        watch = self._wiring.traffic.watch
        (watch.expect if on else watch.pause)("ignition")
        section = self._config.ignition
        if section is not None and section.relay:
            await self._wiring.relays.set(section.relay, on)
        if section is not None and section.signal:
            ref = self._wiring.plan.network.resolve(section.signal)
            self._wiring.restbus.set(ref, database.to_value(ref, section.on if on else section.off))

    async def _recipe(self, is_new: bool) -> None:
        why = _show(self._config.reset.probe)
        for step in _attempts(self._config.reset.steps):
            up = await self._comes_up(step)
            if up and not is_new:
                is_new = await self._as_new()
                why = why if is_new else self._still_old()
                up = is_new and await self._comes_up(step)
            if up:
                why = await self._prepare()
                if not why:
                    return
        steps = ", ".join(self._config.reset.steps)
        raise BenchError(
            f"the ECU could not be brought to its start: {why} after {steps}",
            where="reset",
            remedy="check its supply and wiring with 'hil doctor'.",
        )

    async def _comes_up(self, step: ResetStep) -> bool:
        await self._do(step)
        return await self._probe()

    def _check_factory(self) -> None:
        steps, where = self._config.reset.steps, f"{self._config.path}: reset.steps"
        if FACTORY in steps and (self._config.reset.factory is None or "KL30 cycle" not in steps):
            mend = 'add factory = { line = "...", answer = "..." }, and "KL30 cycle" to the steps.'
            raise UsageError(f"'{FACTORY}' needs to know how, and a power-up", where=where, remedy=mend)

    async def _as_new(self) -> bool:
        """Have the ECU forget all that earlier cases left in its memory; whether it did, or need not."""
        section = self._config.reset.factory
        if FACTORY not in self._config.reset.steps or section is None:
            return True
        console = self._console(FACTORY)
        console.send_line(section.line)
        return not isinstance(await console.expect(re.compile(section.answer), section.within), Missed)

    def _still_old(self) -> str:
        section = self._config.reset.factory
        assert section is not None
        return f"its console did not answer '{section.line}' with '{section.answer}'"

    async def _prepare(self) -> str:
        """What diagnosis does before a test; returns what went wrong, empty if nothing did."""
        for step in self._config.reset.steps:
            if step == RESTORE:
                self._restore_profile()
            for ecu in self._wiring.diag.values() if step in PREPARATIONS else ():
                trouble = await ecu.prepare(step)
                if trouble:
                    return f"{step}: {trouble}"
        return await self._read_facts()

    def _restore_profile(self) -> None:
        """Settings that an earlier test left in the ECU's memory are set back over its console."""
        console = self._console(RESTORE)
        for line in self._config.reset.profile:
            console.send_line(line)

    def _console(self, step: str) -> Console:
        name = self._config.dut.console or next(iter(self._wiring.consoles), "")
        if name not in self._wiring.consoles:
            what = f"'{step}' needs a console"
            raise UsageError(what, where=f"{self._config.path}: reset.steps", remedy="add [console.NAME].")
        return self._wiring.consoles[name]

    async def _read_facts(self) -> str:
        """Read what `[dut.identifiers]` names, once."""
        facts, wanted = self._wiring.recorder.facts, self._config.dut.identifiers
        name = dut_ecu(self._config)
        if name is not None and not wanted.keys() <= facts.keys():
            facts |= await self._wiring.diag[name].facts(wanted)
        return ""

    async def _do(self, step: ResetStep) -> None:
        if step == "KL30 cycle":
            await self._power_off()
        elif step == "KL15 cycle":
            await self.ignition(False)
            await self._clock.sleep(self._config.reset.off_time)
        self._wiring.inbox.clear()
        await self.power_up()

    def _drain(self) -> None:
        for console in self._wiring.consoles.values():
            console.drain()
        self._wiring.cloud.forget()

    async def _probe(self) -> bool:
        probe = self._config.reset.probe
        if probe is None:
            return True
        if probe.signal:
            return await self._probe_signal(probe)
        name = probe.console or next(iter(self._wiring.consoles), "")
        if name not in self._wiring.consoles:
            raise UsageError("names neither a signal nor a console", where=f"{self._config.path}: reset.probe")
        heard = await self._wiring.consoles[name].expect(re.compile(probe.line), probe.within)
        return not isinstance(heard, Missed)

    async def _probe_signal(self, probe: ProbeSection) -> bool:
        ref = self._wiring.plan.network.resolve(probe.signal)
        wanted = database.to_value(ref, probe.value)
        return (
            await self._wiring.inbox.wait(ref, lambda raw: raw == wanted.raw, units.nanoseconds(probe.within))
            is not None
        )

    async def _fall_asleep(self) -> None:
        """Ignition off, then nobody wants the buses, until the supply says that the ECU sleeps."""
        await self.ignition(False)
        await self._clock.sleep(self._config.reset.off_time)
        self._wiring.traffic.sleep()
        deadline_ns = self._clock.now_ns + units.nanoseconds(self._config.reset.asleep_within)
        while await self._draws_A() > self._config.reset.asleep_below_A:
            if self._clock.now_ns > deadline_ns:
                raise BenchError(
                    f"the ECU did not fall asleep within {self._config.reset.asleep_within:g} s: "
                    f"it still draws {await self._draws_A():.3f} A",
                    where="reset",
                )
            await self._clock.sleep(_POLL_S)
        self._wiring.inbox.clear()

    async def _draws_A(self) -> float:
        readings = [await supply.read() for supply in self._wiring.supplies.values()]
        if not readings:
            raise BenchError("a test from 'sleep' needs a supply that measures current", where="reset")
        return sum(reading.current_A for reading in readings)


def _attempts(steps: list[ResetStep]) -> list[ResetStep]:
    """The steps that bring an ECU up; where diagnosis stands first the ECU is tried as it is."""
    steps = [step for step in steps if step != FACTORY]
    others = [step for step in steps if step not in PREPARATIONS and step != RESTORE]
    return others if steps[:1] == others[:1] else ["start values", *others]


def _show(probe: ProbeSection | None) -> str:
    if probe is None:
        return "no probe"
    if probe.signal:
        return f"{probe.signal} was not {probe.value} within {probe.within:g} s"
    return f"no line like '{probe.line}' on the console within {probe.within:g} s"
