"""The check-up behind `hil doctor`: opens each port of a bench by itself, listens, and says what it found.

It listens before it speaks: the restbus stays off and no supply is switched on. At the end the supplies are left in
their safe state, off, as after every use of a bench.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass

from hil import units
from hil.bench.config import BenchConfig
from hil.bench.lock import ResourceLocks
from hil.bench.process import start_all
from hil.bench.wiring import Plan, Wiring, plan
from hil.can.frames import CanFrame, show_id
from hil.can.tolerated import summary
from hil.errors import HilError

LISTEN_S = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One row: a part of the bench, what was found there, and what to do if that is not well."""

    part: str
    found: str
    ok: bool = True
    remedy: str = ""


def check_up(config: BenchConfig) -> list[Finding]:
    """Look at every part of a bench.

    Raises:
        UsageError: the bench file, a database or a layout is wrong.
        BenchError: another run holds the bench.
    """
    made = plan(config)
    findings = _paper(made)
    locks = ResourceLocks(made.resources, f"hil doctor on bench '{config.bench.name}'")
    locks.acquire()
    try:
        processes, announced = start_all(config, made.defects)
    except HilError as error:
        locks.release()
        return [*findings, _bad("process", error)]
    findings += [Finding(f"process.{p.name}", "started and announced itself") for p in processes]
    try:
        findings += _ports(Wiring(made, "doctor", announced))
    finally:
        for process in processes:
            process.stop()
        locks.release()
    return findings


def _paper(made: Plan) -> list[Finding]:
    """What can be said without opening anything."""
    found = []
    variant = made.config.variant
    if variant is not None:
        fitted = ", ".join(sorted(variant.fitted)) or "nothing"
        found.append(Finding(f"variant {variant.name}", f"{variant.title or variant.name}, fitted with {fitted}"))
    for bus, database in made.network.databases.items():
        signals = sum(len(message.signals) for message in database.messages)
        found.append(Finding(f"bus.{bus}", f"database with {len(database.messages)} messages, {signals} signals"))
        tolerated = made.tolerated.get(bus)
        if tolerated:
            mend = "'hil signals --lint' lists it line by line."
            found.append(Finding(f"bus.{bus}", f"tolerated in the database: {summary(tolerated)}", remedy=mend))
    for screen, layout in made.layouts.items():
        width, height = layout.size
        found.append(Finding(f"screen.{screen}", f"layout of {width}x{height} px with {len(layout.names())} items"))
    return found


def _ports(wiring: Wiring) -> list[Finding]:
    """Open and listen, port by port; what doesn't open doesn't keep the others from being looked at."""
    clock = wiring.clock
    findings = []
    try:
        for name, supply in wiring.supplies.items():
            findings.append(clock.run(_supply(wiring, name)))
            del supply
        for name in wiring.buses:
            findings.append(clock.run(_bus(wiring, name)))
        findings += [clock.run(_diag(wiring, name)) for name in wiring.diag]
        for name in wiring.consoles:
            findings.append(clock.run(_console(wiring, name)))
        for name in wiring.screens:
            findings.append(clock.run(_screen(wiring, name)))
    finally:
        wiring.close()
    return findings


async def _guarded(part: str, look: Awaitable[Finding]) -> Finding:
    try:
        return await look
    except HilError as error:
        return _bad(part, error)


def _bad(part: str, error: HilError) -> Finding:
    return Finding(error.where or part, error.what, ok=False, remedy=error.remedy)


async def _supply(wiring: Wiring, name: str) -> Finding:
    async def look() -> Finding:
        port = wiring.supplies[name]
        await port.open()
        reading = await port.read()
        limits = f"limits {port.limits.max_voltage_V:g} V, {port.limits.max_current_A:g} A"
        state = "on" if reading.on else "off"
        return Finding(f"supply.{name}", f"{state}, {reading.voltage_V:.2f} V, {reading.current_A:.3f} A; {limits}")

    return await _guarded(f"supply.{name}", look())


async def _bus(wiring: Wiring, name: str) -> Finding:
    heard: list[CanFrame] = []

    async def look() -> Finding:
        await wiring.buses[name].open(lambda frame: _listen(wiring, heard, frame), lambda error: None)
        await wiring.clock.sleep(LISTEN_S)
        return Finding(f"bus.{name}", _heard(wiring, heard))

    return await _guarded(f"bus.{name}", look())


def _listen(wiring: Wiring, heard: list[CanFrame], frame: CanFrame) -> None:
    heard.append(frame)
    for ecu in wiring.diag.values():
        if frame.can_id in ecu.client.ids:
            ecu.client.on_frame(frame)


async def _diag(wiring: Wiring, name: str) -> Finding:
    """Whether the ECU answers tester present. Doctor switches no supply on: a bench of its own may be dark."""

    async def look() -> Finding:
        answer = await wiring.diag[name].client.ask(b"\x3e\x00", hasty=True)
        if answer.is_positive:
            took = units.show_duration(answer.t_ns - answer.asked_ns)
            return Finding(f"diag.{name}", f"answers tester present after {took}")
        mend = "is the ECU powered? No supply is switched on here."
        return Finding(f"diag.{name}", f"tester present: {answer}", remedy=mend)

    return await _guarded(f"diag.{name}", look())


def _heard(wiring: Wiring, frames: list[CanFrame]) -> str:
    if not frames:
        return f"open; silent for {units.show_duration(round(LISTEN_S * 1e9))}"
    unknown = sorted({show_id(f.can_id, f.flags) for f in frames if wiring.plan.network.message_of(f) is None})
    strangers = f"; not in the database: {', '.join(unknown[:5])}" if unknown else ""
    return f"open; heard {len(frames)} frames of {len({f.can_id for f in frames})} identifiers{strangers}"


async def _console(wiring: Wiring, name: str) -> Finding:
    async def look() -> Finding:
        await wiring.consoles[name].open(lambda error: None)
        return Finding(f"console.{name}", "open")

    return await _guarded(f"console.{name}", look())


async def _screen(wiring: Wiring, name: str) -> Finding:
    async def look() -> Finding:
        source = wiring.screens[name]
        await source.open(lambda error: None)
        frame = await source.latest()
        height, width = frame.pixels.shape[:2]
        dark = "dark" if int(frame.pixels.max()) < 8 else f"mean brightness {float(frame.pixels.mean()) / 2.55:.0f} %"
        return Finding(f"screen.{name}", f"a picture of {width}x{height} px, {dark}")

    return await _guarded(f"screen.{name}", look())
