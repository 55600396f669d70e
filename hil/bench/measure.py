"""Measuring reactions on a bench: which stamps make a latency, its uncertainty, and the verdict on its limit."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from hil import units
from hil.bench.portal import Portal, finger_on, only
from hil.bench.shots import keep_pictures
from hil.bench.wiring import Wiring
from hil.can import database
from hil.can.database import SignalRef, SignalValue, Value
from hil.can.frames import REMOTE, SENT, CanFrame
from hil.errors import BenchError, InconclusiveError, UsageError, Verdict
from hil.hmi.checks import CheckResult, ScreenChecks
from hil.hmi.expect import Expectation
from hil.hmi.frames import FrameSource
from hil.hmi.layout import Button
from hil.hmi.touch import Contact
from hil.latency.probe import Probe, Samples, Seen, measure
from hil.latency.statistics import Summary, summarise
from hil.latency.uncertainty import Component, compare, expanded

_GIVE_UP_S = 5.0
_WIRE_WITHIN_CYCLES = 5
_TOUCH_PHASE_S = 0.1
"""Over how long the phase of a touch is spread: several refreshes of any screen."""
_HOLD_S = 0.08


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


class Stimulus(Protocol):
    """What starts a reaction, and takes it back.

    Attributes:
        name: for people.
        kind: which latency it begins: `CAN to present`, `touch to present`.
        bound_ns: bound on the error of its stamps.
    """

    name: str
    kind: str
    bound_ns: int

    async def relax(self) -> None:
        """Take it back."""

    def shift(self, part: float) -> None:
        """Move its phase by a part of its cycle, 0 to 1."""

    async def fire(self) -> int:
        """Do it; the stamp of that."""


async def measure_reaction(
    stage: Stage, stimulus: Stimulus, reaction: Expectation, at_rest: Expectation, samples: int, limits: Limits
) -> ReactionResult:
    """See `TelltaleFacade.reaction`."""
    wiring = stage.portal.wiring
    checks = ScreenChecks(screen=stage.name, source=stage.source, clock=wiring.clock, report=lambda result: None)

    async def relax() -> None:
        await stimulus.relax()
        await _seen(checks.within(at_rest, _GIVE_UP_S))

    async def see(after_ns: int) -> Seen | None:
        result = await checks.within(reaction, _GIVE_UP_S)
        if result.ok and result.t_ns >= after_ns:
            return Seen(result.t_ns, result.bound_ns)
        keep_pictures(stage.portal, stage.name, result)
        return None

    since_ns = wiring.clock.now_ns
    taken = await measure(wiring.rng, Probe(stimulus.fire, relax, stimulus.shift, see), samples)
    name = f"{stimulus.name} to {reaction.target}"
    return _conclude(stage, (name, stimulus.kind), reaction.expected, taken, stimulus.bound_ns, limits, since_ns)


async def _seen(check: Awaitable[CheckResult]) -> None:
    result = await check
    if not result.ok:
        raise InconclusiveError(f"{result.target} did not go back to {result.expected}", remedy="check the rest value.")


class SignalStimulus:
    """Sets a signal and waits for the first frame on the wire that carries it."""

    kind = "CAN to present"

    def __init__(self, wiring: Wiring, ref: SignalRef, active: Value, rest: Value) -> None:
        self._wiring, self._ref, self.name = wiring, ref, ref.signal.name
        self._active, self._rest = active, rest
        self.cycle_s = max((ref.message.cycle_time or 0) / 1000, 0.02)
        self.bound_ns = 0

    @classmethod
    def of(cls, wiring: Wiring, signal: str, value: SignalValue, rest: SignalValue) -> SignalStimulus:
        """The stimulus of a signal by its name. Raises: UsageError: there is none, or a value that it can't have."""
        ref = wiring.plan.network.resolve(signal)
        return cls(wiring, ref, database.to_value(ref, value), database.to_value(ref, rest))

    async def relax(self) -> None:
        """Set the rest value."""
        self._set(self._rest)

    def _set(self, value: Value) -> None:
        self._wiring.restbus.set(self._ref, value)
        self._wiring.recorder.signal(str(self._ref), value, "bench")

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
            self._set(self._active)
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


class InputStimulus:
    """Touches a button or presses a key; another button leads back."""

    def __init__(
        self, portal: Portal, name: str, act: Callable[[], Awaitable[Contact]], back: Callable[[], Any]
    ) -> None:
        self._clock, self.name = portal.wiring.clock, name
        self.kind = f"{name.partition(' ')[0]} to present"
        self._act, self._back = act, back
        self._wait_s = 0.0
        self.bound_ns = 0

    @classmethod
    def touching(cls, portal: Portal, screen: str, button: str, rest: str, hold_s: float) -> InputStimulus:
        """The touch of a button of a screen. Raises: UsageError, NotRunError: there is none, or no finger."""
        finger, layout = finger_on(portal, screen), portal.layout(screen)
        point, back = layout.find(button, Button).point, layout.find(rest, Button).point
        return cls(portal, f"touch {button}", lambda: finger.tap(point, hold_s), lambda: finger.tap(back, _HOLD_S))

    @classmethod
    def pressing(cls, portal: Portal, screen: str, key: str, rest: str) -> InputStimulus:
        """The press of a key. Raises: UsageError, NotRunError: there is none, or no finger that leads back."""
        finger, back = finger_on(portal, screen), portal.layout(screen).find(rest, Button).point
        keys = only(portal.wiring.keys, "", "keys")
        return cls(portal, f"key {key}", lambda: keys.press(key, _HOLD_S), lambda: finger.tap(back, _HOLD_S))

    async def relax(self) -> None:
        """Touch the button that leads back, and lift the finger."""
        await self._back()
        await self._clock.sleep(2 * _HOLD_S)

    def shift(self, part: float) -> None:
        """Touch so much later, as a part of several refreshes of the screen."""
        self._wait_s = part * _TOUCH_PHASE_S

    async def fire(self) -> int:
        """Touch, or press; the stamp of the contact."""
        await self._clock.sleep(self._wait_s)
        contact = await self._act()
        self.bound_ns = max(self.bound_ns, contact.bound_ns)
        return contact.t_ns


def _nothing(sent: Any) -> None:
    if not sent.done():
        sent.set_result(None)


def _conclude(
    stage: Stage,
    what: tuple[str, str],
    expected: str,
    taken: Samples,
    wire_ns: int,
    limits: Limits,
    since_ns: int,
) -> ReactionResult:
    """`what` is the name of the measurement, and which latency it is."""
    name, _ = what
    judge, now_ns = stage.portal.judge, stage.portal.now_ns
    if taken.missed:
        raise judge.failed("reaction", name, f"{expected} within {_GIVE_UP_S:g} s", "no reaction", now_ns, since_ns)
    samples_ms = tuple(round(latency / 1e6, 6) for latency in taken.latencies_ns)
    components = (
        Component("refresh of the source", stage.source.period_ns / 2e6),
        Component("stamp of the frame", taken.worst_bound_ns / 1e6),
        Component("stamp of the stimulus", wire_ns / 1e6),
    )
    result = ReactionResult(samples_ms, summarise(samples_ms), expanded(components), components)
    verdict = _verdict(result, limits)
    _record(stage, what, result, limits, verdict)
    _judge(stage, what, result, limits, verdict, since_ns)
    return result


def _verdict(result: ReactionResult, limits: Limits) -> Verdict:
    if limits.at_most_s is None:
        return Verdict.PASS
    return compare(result.summary.maximum, limits.at_most_s * 1000, result.uncertainty_ms)


def _record(stage: Stage, what: tuple[str, str], result: ReactionResult, limits: Limits, verdict: Verdict) -> None:
    fields = {
        "name": what[0],
        "kind": what[1],
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


def _judge(
    stage: Stage, what: tuple[str, str], result: ReactionResult, limits: Limits, verdict: Verdict, since_ns: int
) -> None:
    if limits.at_most_s is None:
        return
    name, kind = what
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
        expected=f"at most {limit_ms:g} ms ({kind})",
        seen=seen,
        ok=verdict is Verdict.PASS,
        t_ns=stage.portal.now_ns,
        since_ns=since_ns,
        detail=units.show_duration(round(result.summary.mean * 1e6)) + " on average",
    )
