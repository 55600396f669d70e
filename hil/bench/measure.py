"""Measuring reactions on a bench: which stamps make a latency, its uncertainty, and the verdict on its limit."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from typing import Any

from hil import units
from hil.bench.portal import Portal
from hil.can import database
from hil.can.database import SignalRef, SignalValue, Value
from hil.can.frames import REMOTE, SENT, CanFrame
from hil.errors import BenchError, InconclusiveError, UsageError, Verdict
from hil.hmi.checks import CheckResult, ScreenChecks
from hil.hmi.expect import Expectation
from hil.hmi.frames import FrameSource
from hil.latency.probe import Probe, Samples, Seen, measure
from hil.latency.statistics import Summary, summarise
from hil.latency.uncertainty import Component, compare, expanded

_GIVE_UP_S = 5.0
_WIRE_WITHIN_CYCLES = 5
_KIND = "CAN to present"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a reaction is watched: a screen's name and source, on the bench behind the portal."""

    portal: Portal
    name: str
    source: FrameSource


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a reaction may take, in seconds, and where that comes from."""

    at_most_s: float | None
    source: str


@dataclass(frozen=True, slots=True)
class ReactionResult:
    """A measured reaction, in ms: samples, figures, and the expanded uncertainty (k = 2) of one sample."""

    samples_ms: tuple[float, ...]
    summary: Summary
    uncertainty_ms: float
    components: tuple[Component, ...]


async def measure_reaction(
    stage: Stage,
    signal: str,
    value: SignalValue,
    rest: SignalValue,
    reaction: Expectation,
    at_rest: Expectation,
    samples: int,
    limits: Limits,
) -> ReactionResult:
    """See `TelltaleFacade.reaction`."""
    wiring = stage.portal.wiring
    ref = wiring.plan.network.resolve(signal)
    stimulus = _Stimulus(stage, ref, database.to_value(ref, value), database.to_value(ref, rest))
    checks = ScreenChecks(screen=stage.name, source=stage.source, clock=wiring.clock, report=lambda result: None)

    async def relax() -> None:
        await stimulus.put(stimulus.rest)
        await _seen(checks.within(at_rest, _GIVE_UP_S))

    async def see(after_ns: int) -> Seen | None:
        result = await checks.within(reaction, _GIVE_UP_S)
        return Seen(result.t_ns, result.bound_ns) if result.ok and result.t_ns >= after_ns else None

    since_ns = wiring.clock.now_ns
    taken = await measure(wiring.rng, Probe(stimulus.fire, relax, stimulus.shift, see), samples)
    name = f"{ref.signal.name} to {reaction.target}"
    return _conclude(stage, name, reaction.expected, taken, stimulus.bound_ns, limits, since_ns)


async def _seen(check: Awaitable[CheckResult]) -> None:
    result = await check
    if not result.ok:
        raise InconclusiveError(f"{result.target} did not go back to {result.expected}", remedy="check the rest value.")


class _Stimulus:
    """Sets a signal and waits for the first frame on the wire that carries it."""

    def __init__(self, stage: Stage, ref: SignalRef, active: Value, rest: Value) -> None:
        self._wiring, self._ref = stage.portal.wiring, ref
        self._active, self.rest = active, rest
        self.cycle_s = max((ref.message.cycle_time or 0) / 1000, 0.02)
        self.bound_ns = 0

    async def put(self, value: Value) -> None:
        """Set the signal."""
        self._wiring.restbus.set(self._ref, value)

    def shift(self, part: float) -> None:
        """Move the message's phase by a part of its cycle."""
        delay_ns = round(part * self.cycle_s * 1e9)
        self._wiring.restbus.shift(self._ref.bus, self._ref.message.name, delay_ns)

    async def fire(self) -> int:
        """Set the active value; the stamp of the first frame that carried it.

        Raises:
            BenchError: the frame never was on the wire.
        """
        clock = self._wiring.clock
        sent = clock.loop.create_future()
        self._wiring.taps.append(tap := lambda frame: self._match(frame, sent))
        timer = clock.call_in(round(_WIRE_WITHIN_CYCLES * self.cycle_s * 1e9) + 1_000_000_000, _nothing, sent)
        try:
            await self.put(self._active)
            frame: CanFrame | None = await sent
        finally:
            self._wiring.taps.remove(tap)
            timer.cancel()
        if frame is None:
            raise BenchError(f"{self._ref} was set, but its message was not seen on the wire", where=self._ref.bus)
        self.bound_ns = max(self.bound_ns, getattr(self._wiring.buses[frame.bus], "bound_ns", 0))
        return frame.t_ns

    def _match(self, frame: CanFrame, sent: Any) -> None:
        message = self._wiring.plan.network.message_of(frame)
        if sent.done() or message is not self._ref.message or not frame.flags & SENT or frame.flags & REMOTE:
            return
        with contextlib.suppress(UsageError):  # of a payload that the test made itself
            values = database.decode(message, frame.data)
            if values.get(self._ref.signal.name) == self._active.raw:
                sent.set_result(frame)


def _nothing(sent: Any) -> None:
    if not sent.done():
        sent.set_result(None)


def _conclude(
    stage: Stage, name: str, expected: str, taken: Samples, wire_ns: int, limits: Limits, since_ns: int
) -> ReactionResult:
    judge, now_ns = stage.portal.judge, stage.portal.now_ns
    if taken.missed:
        raise judge.failed("reaction", name, f"{expected} within {_GIVE_UP_S:g} s", "no reaction", now_ns, since_ns)
    samples_ms = tuple(round(latency / 1e6, 6) for latency in taken.latencies_ns)
    components = (
        Component("refresh of the source", stage.source.period_ns / 2e6),
        Component("stamp of the frame", taken.worst_bound_ns / 1e6),
        Component("stamp on the wire", wire_ns / 1e6),
    )
    result = ReactionResult(samples_ms, summarise(samples_ms), expanded(components), components)
    verdict = _verdict(result, limits)
    _record(stage, name, result, limits, verdict)
    _judge(stage, name, result, limits, verdict, since_ns)
    return result


def _verdict(result: ReactionResult, limits: Limits) -> Verdict:
    if limits.at_most_s is None:
        return Verdict.PASS
    return compare(result.summary.maximum, limits.at_most_s * 1000, result.uncertainty_ms)


def _record(stage: Stage, name: str, result: ReactionResult, limits: Limits, verdict: Verdict) -> None:
    fields = {
        "name": name,
        "kind": _KIND,
        "unit": "ms",
        "samples": list(result.samples_ms),
        "statistics": asdict(result.summary),
        "uncertainty": {
            "expanded": round(result.uncertainty_ms, 6),
            "k": 2,
            "components": {component.name: round(component.standard, 6) for component in result.components},
        },
        "limit": {} if limits.at_most_s is None else {"at_most": limits.at_most_s * 1000},
        "source": limits.source,
        "ok": verdict is Verdict.PASS,
    }
    stage.portal.wiring.recorder.record("measurement", fields)


def _judge(stage: Stage, name: str, result: ReactionResult, limits: Limits, verdict: Verdict, since_ns: int) -> None:
    if limits.at_most_s is None:
        return
    worst, limit_ms = result.summary.maximum, limits.at_most_s * 1000
    seen = f"{worst:.1f} ms +-{result.uncertainty_ms:.1f} ms (k = 2), the longest of {result.summary.n}"
    if verdict is Verdict.INCONCLUSIVE:
        error = InconclusiveError(
            f"{name}: {seen}; the limit of {limit_ms:g} ms lies within the uncertainty",
            remedy="use a finer source of frames, or another limit.",
        )
        raise error
    stage.portal.judge.check(
        name="reaction",
        target=name,
        expected=f"at most {limit_ms:g} ms ({_KIND})",
        seen=seen,
        ok=verdict is Verdict.PASS,
        t_ns=stage.portal.now_ns,
        since_ns=since_ns,
        detail=units.show_duration(round(result.summary.mean * 1e6)) + " on average",
    )
