"""The check-up behind `hil doctor`: opens each port of a bench, listens, and says what it found and how to mend it.

Rules of this module: it listens before it speaks. While it listens nothing is sent on a bus, and nobody is given a
frame that could answer it. After that it asks: diagnosis, silent consoles. It powers the ECU and starts the restbus
only where that was wished for. Where somebody else sends what the restbus plays, or the speed doesn't fit, it sends
nothing unless it is told to. What doesn't open doesn't keep the rest from being looked at. At the end the supplies are
left in their safe state, off, as after every use of a bench.

Not for: what is made of a bus (`hil.bench.checkup_bus`) or of another port (`hil.bench.checkup_ports`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from hil import units
from hil.bench import checkup_link
from hil.bench import checkup_ports as ports
from hil.bench.checkup_bus import BusView, judge, may_send
from hil.bench.checkup_files import read_files
from hil.bench.checkup_finding import Finding, Mark, When, fault
from hil.bench.config import BenchConfig
from hil.bench.diagnosis import address_of
from hil.bench.jitter import Jitter, JitterProbe
from hil.bench.lock import ResourceLocks
from hil.bench.plan import Plan, plan
from hil.bench.process import start_all
from hil.bench.reset import Reset, Start
from hil.bench.wiring import Wiring
from hil.can.frames import SENT, CanFrame
from hil.can.gaps import Gap, TellsGaps
from hil.can.survey import Survey
from hil.errors import HilError
from hil.interrupts import uninterrupted

LISTEN_S: Final = 2.0
_SETTLE_S: Final = 1.0
"""After the ECU came up, before its cycles are judged."""
_NEVER_NS: Final = 1 << 61
_PATIENCE: Final = 0.8
"""Share of the listening within which each message must have come."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked for.

    Attributes:
        listen_s: how long it listens, as found and again with the ECU awake.
        power: power the ECU, start the restbus, and look again.
        transmit: send though somebody else does, or though the speed doesn't fit.
    """

    listen_s: float = LISTEN_S
    power: bool = False
    transmit: bool = False


@dataclass(slots=True)
class Report:
    """What a check-up found.

    Attributes:
        findings: the rows, in the order in which they were made.
        survey: what was heard last: with the ECU awake where it was powered.
        views: bus -> what was judged of it last.
    """

    findings: list[Finding] = field(default_factory=list)
    survey: Survey | None = None
    views: dict[str, BusView] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Whether no row is a fault."""
        return not any(finding.mark is Mark.FAULT for finding in self.findings)


def check_up(config: BenchConfig, wishes: Wishes | None = None) -> Report:
    """Look at every part of a bench.

    Raises:
        UsageError: the bench file, a database or a layout is wrong.
        BenchError: another run holds the bench.
    """
    made = plan(config)
    report = Report(read_files(made))
    locks = ResourceLocks(made.resources, f"hil doctor on bench '{config.bench.name}'")
    locks.acquire()
    try:
        _with_processes(made, wishes or Wishes(), report)
    finally:
        locks.release()
    return report


def _with_processes(made: Plan, wishes: Wishes, report: Report) -> None:
    try:
        processes, announced = start_all(made.config, made.defects)
    except HilError as error:
        report.findings.append(fault(error.where or "process", "started", error, When.OPENED))
        return
    try:
        for process in processes:
            found = "started and announced itself"
            report.findings.append(Finding(f"process.{process.name}", "started", found, when=When.OPENED))
        _examine(Wiring(made, "doctor", announced), announced, wishes, report)
    finally:
        for process in processes:
            process.stop()


def _examine(wiring: Wiring, announced: dict[str, str], wishes: Wishes, report: Report) -> None:
    """All that needs ports; they are closed again, and what goes wrong in that is a row too."""
    examination = _Examination(wiring, announced, wishes, report)
    try:
        wiring.clock.run(examination.all())
    except HilError as error:
        report.findings.append(fault("bench", "check-up", error, When.ENDED))
    finally:
        with uninterrupted():
            errors = wiring.close()
        report.findings += [fault("bench", "closed", error, When.ENDED) for error in errors]
        report.findings[:] = [_without_secrets(wiring, finding) for finding in report.findings]


def _without_secrets(wiring: Wiring, finding: Finding) -> Finding:
    hide = wiring.vault.hide
    return replace(finding, found=hide(finding.found), remedy=hide(finding.remedy))


class _Examination:
    """One check-up, with the ports of a bench."""

    def __init__(self, wiring: Wiring, announced: dict[str, str], wishes: Wishes, report: Report) -> None:
        self._wiring, self._announced, self._wishes, self._report = wiring, announced, wishes, report
        self._clock, self._config = wiring.clock, wiring.config
        rates = {name: (bus.bitrate, bus.data_bitrate) for name, bus in self._config.bus.items()}
        self._survey = report.survey = Survey(wiring.plan.network, rates)
        self._open: set[str] = set()
        self._lost: list[Finding] = []
        self._gaps: list[Gap] = []
        self._when = When.OPENED
        self._is_over = False
        self._jitter = Jitter()
        self._listened_ns = 0
        self._screens: list[ports.ScreenLook] = []
        wiring.traffic.watch.breaks_bench = False

    def _say(self, *findings: Finding) -> None:
        self._report.findings += findings

    async def all(self) -> None:
        """Every part of the check-up, one after the other."""
        await self._open_all()
        self._when = When.LISTENED
        await self._listen()
        if self._is_clear():
            self._when = When.ASKED
            await (self._power() if self._wishes.power else self._ask())
        self._say(*self._lost)

    # Opening ------------------------------------------------------------------------------------------------------

    async def _open_all(self) -> None:
        wiring = self._wiring
        await self._open_supplies_and_buses()
        told: dict[str, Mapping[str, Any]] = {
            "relay": wiring.relays.boards, "console": wiring.consoles, "screen": wiring.screens,
            "touch": wiring.touches, "keys": wiring.keys, "audio": wiring.ears,
        }  # fmt: skip
        for kind, named in told.items():
            for name, port in named.items():
                await self._try(kind, name, port.open(self._on_lost(f"{kind}.{name}")))
        await self._open_cloud()
        for ecu in wiring.ecus.values():
            await ecu.start()
        self._screens = [
            ports.ScreenLook(name, wiring.plan.layouts[name].size, self._clock, source)
            for name, source in wiring.screens.items()
            if f"screen.{name}" in self._open
        ]

    async def _open_supplies_and_buses(self) -> None:
        for name, supply in self._wiring.supplies.items():
            await self._try("supply", name, supply.open())
        for name, bus in self._wiring.buses.items():
            if isinstance(bus, TellsGaps):
                bus.on_gap = self._gaps.append
            await self._try("bus", name, bus.open(self._on_frame, self._on_lost(f"bus.{name}")))

    async def _open_cloud(self) -> None:
        cloud = self._wiring.cloud
        for name, server in cloud.servers.items():
            await self._try("update", name, server.open())
        for name, listener in cloud.mqtt.items():
            await self._try("mqtt", name, listener.open())

    async def _try(self, kind: str, name: str, opening: Awaitable[None]) -> None:
        part = f"{kind}.{name}"
        section: Any = getattr(self._config, kind)[name]
        where = ports.address(getattr(section, "port", "") or section.source, section.options, self._announced)
        try:
            await opening
        except HilError as error:
            row = fault(part, "opened", error, When.OPENED)
            mend = row.remedy or _LOOK_AT_FILE
            self._say(Finding(part, "opened", f"{where}: {row.found}", Mark.FAULT, mend, When.OPENED))
            return
        self._open.add(part)
        self._say(Finding(part, "opened", where, when=When.OPENED))

    def _on_lost(self, part: str) -> Callable[[HilError], None]:
        def lost(error: HilError) -> None:
            self._open.discard(part)
            self._lost.append(fault(part, "link", error, self._when))

        return lost

    # Frames -------------------------------------------------------------------------------------------------------

    def _on_frame(self, frame: CanFrame) -> None:
        """While nothing may be sent, nobody is told who could answer."""
        self._survey.on_frame(frame)
        if self._when not in (When.OPENED, When.LISTENED):
            self._wiring.traffic.on_frame(frame)
        elif not frame.flags & SENT:
            self._wiring.traffic.watch.on_frame(frame)

    # Listening ----------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        self._survey.begin()
        watch = self._wiring.traffic.watch
        watch.begin()
        watch.expect_all(_NEVER_NS)
        listened_ns = await self._watch_for(self._clock.sleep(self._wishes.listen_s))
        self._say(ports.machine(None if self._clock.is_virtual else self._jitter, self._allowed_ns(), self._when))
        await self._judge_buses(listened_ns)
        await self._look_at_ports()

    async def _watch_for(self, meanwhile: Coroutine[Any, Any, None]) -> int:
        """Look at the screens and at this machine's timers meanwhile; how long it took, nanoseconds."""
        began_ns, probe = self._clock.now_ns, JitterProbe(self._clock)
        self._is_over = False
        looks = [asyncio.ensure_future(look.watch(lambda: self._is_over)) for look in self._screens]
        probe.start()
        try:
            await meanwhile
        finally:
            self._is_over, self._jitter = True, probe.stop()
            await asyncio.gather(*looks, return_exceptions=True)
        return self._clock.now_ns - began_ns

    def _allowed_ns(self) -> int:
        allowed_s = self._config.bench.allowed_lateness
        if allowed_s is not None:
            return round(allowed_s * 1e9)
        cycles = [sent.period_ns for sent in self._wiring.restbus.messages if sent.period_ns]
        return min(cycles, default=10_000_000)

    async def _judge_buses(self, listened_ns: int) -> None:
        for name, section in self._config.bus.items():
            if f"bus.{name}" in self._open:
                if self._when is When.LISTENED:
                    await self._look(f"bus.{name}", checkup_link.CHECK, checkup_link.look(name, section))
                view = self._report.views[name] = self._view(name, listened_ns)
                self._say(*judge(view))

    def _view(self, name: str, listened_ns: int) -> BusView:
        wiring = self._wiring
        return BusView(
            bus=name,
            section=self._config.bus[name],
            survey=self._survey.buses[name],
            irregular=[each for each in wiring.traffic.watch.so_far() if each.bus == name],
            network=wiring.plan.network,
            plays=wiring.restbus.plays,
            gaps=tuple(gap for gap in self._gaps if gap.bus == name),
            listened_ns=listened_ns,
            when=self._when,
            late_ns=self._jitter.worst_ns,
            bound_ns=_bound_ns(wiring.buses[name]),
            will_power=self._wishes.power,
        )

    async def _look_at_ports(self) -> None:
        """What the other ports say, without being asked to do anything."""
        wiring, when = self._wiring, self._when
        for name, supply in wiring.supplies.items():
            look = ports.supply(supply, self._config.supply[name], when)
            await self._look(f"supply.{name}", "output", look)
        for name, board in wiring.relays.boards.items():
            look = ports.relay(board, self._config.relay[name].contacts, when)
            await self._look(f"relay.{name}", "contacts", look)
        for screen in self._screens:
            self._say(*screen.rows(when))
        for row in ports.brokers(wiring, when):
            if row.part in self._open:
                self._say(row)
        for name in wiring.cloud.storages:
            self._say(*await ports.guarded(f"storage.{name}", "read", when, ports.storages(wiring, name, when)))

    async def _look(self, part: str, check: str, look: Coroutine[Any, Any, list[Finding]]) -> None:
        """The rows of a look at a port, if that is open."""
        if part in self._open:
            self._say(*await ports.guarded(part, check, self._when, look))
        else:
            look.close()

    # Speaking -----------------------------------------------------------------------------------------------------

    def _is_clear(self) -> bool:
        """Whether it may speak; says why not."""
        if may_send(self._report.findings):
            return True
        if self._wishes.transmit:
            self._say(Finding("bench", "sending", "goes on, as --transmit says", Mark.NOTE, when=When.ASKED))
            return True
        what = "nothing was sent, powered or asked, because of what was heard"
        self._say(Finding("bench", "sending", what, Mark.FAULT, "see above; --transmit sends anyway.", When.ASKED))
        return False

    async def _ask(self) -> None:
        """What answers without power from here: consoles and diagnosis, of an ECU that has power of its own."""
        await self._ask_consoles()
        for name in self._wiring.diag:
            await self._ask_ecu(name)

    async def _ask_consoles(self) -> None:
        for name, console in self._wiring.consoles.items():
            await self._look(f"console.{name}", "text", ports.console(console, self._when))

    async def _ask_ecu(self, name: str) -> None:
        bus, _, _ = address_of(self._config, self._wiring.plan.network, name)
        if f"bus.{bus}" not in self._open:
            return
        part = f"diag.{name}"
        self._say(*await ports.guarded(part, "answer", self._when, self._tester_present(part, name)))

    async def _tester_present(self, part: str, name: str) -> list[Finding]:
        answer = await self._wiring.diag[name].client.ask(b"\x3e\x00", hasty=True)
        if answer.is_positive:
            took = units.show_duration(answer.t_ns - answer.asked_ns)
            return [Finding(part, "answer", f"answers tester present after {took}", when=self._when)]
        if self._when is When.AWAKE:
            mend = "check request and response of [diag], and the ECU's bus."
            return [Finding(part, "answer", f"tester present: {answer}", Mark.FAULT, mend, self._when)]
        found = f"tester present: {answer}, as there is none while an ECU has no power"
        mend = "'hil doctor --power' powers the ECU and looks again."
        return [Finding(part, "answer", found, Mark.NOTE, mend, self._when)]

    # Awake --------------------------------------------------------------------------------------------------------

    async def _power(self) -> None:
        """Bring the ECU up as a case would, and look at everything again."""
        self._when = When.AWAKE
        closed = self._needed - self._open
        if closed:
            what = f"the ECU was not powered: {', '.join(sorted(closed))} didn't open"
            self._say(Finding("bench", "power", what, Mark.FAULT, "see above.", When.AWAKE))
            return
        self._wiring.traffic.watch.breaks_bench = not self._wishes.transmit
        try:
            await self._watch_for(self._come_up())
            if self._listened_ns:
                await self._look_awake()
        finally:
            self._wiring.traffic.stop()

    @property
    def _needed(self) -> set[str]:
        config = self._config
        kinds: dict[str, Iterable[str]] = {
            "supply": config.supply, "bus": config.bus, "console": config.console, "relay": config.relay,
        }  # fmt: skip
        return {f"{kind}.{name}" for kind, named in kinds.items() for name in named}

    async def _come_up(self) -> None:
        """Power, restbus, probe; then listen."""
        began_ns = self._clock.now_ns
        try:
            await Reset(self._wiring).to(Start.ON)
        except HilError as error:
            self._say(fault("bench", "power", error, When.AWAKE))
            return
        took = units.show_duration(self._clock.now_ns - began_ns)
        found = f"the ECU came up; power, restbus and probe took {took}"
        if self._config.reset.probe is None:
            found = "power and restbus are on; there is no probe that says whether the ECU is up"
        self._say(Finding("bench", "power", found, when=When.AWAKE))
        await self._clock.sleep(_SETTLE_S)
        self._survey.begin()
        began_ns = self._clock.now_ns
        self._wiring.traffic.watch.expect_all(round(self._wishes.listen_s * _PATIENCE * 1e9))
        await self._clock.sleep(self._wishes.listen_s)
        self._listened_ns = self._clock.now_ns - began_ns

    async def _look_awake(self) -> None:
        await self._judge_buses(self._listened_ns)
        await self._look_at_ports()
        await self._ask()
        facts = self._wiring.recorder.facts
        if facts:
            text = ", ".join(f"{name} {value}" for name, value in sorted(facts.items()))
            self._say(Finding("dut", "identity", text, when=When.AWAKE))


def _bound_ns(port: object) -> int | None:
    bound: object = getattr(port, "bound_ns", None)
    return bound if isinstance(bound, int) else None


_LOOK_AT_FILE: Final = "check its keys in the bench file, and the device."

__all__ = ["LISTEN_S", "Report", "Wishes", "check_up"]
