"""Monitors on a bench: made from the bench file, told what is going on, asked at the end of a case what they found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cantools.database.can import Message

from hil.bench.blind import worst_of
from hil.bench.config import BenchConfig, MonitorLevels
from hil.bench.recorder import Recorder
from hil.can.database import Network
from hil.can.monitor_rules import Kind, Level, MonitorRules, Pattern, Rule, Subject, check_rules, pattern, tolerance
from hil.can.monitors import Finding, Monitors
from hil.can.restbus import Restbus
from hil.clock import Clock
from hil.errors import BenchError, UsageError

_JITTER_NS: Final = 500_000_000
"""How often a bench in real time tells the monitors its own jitter."""
_LATE_SPAN_NS: Final = 1_000_000_000
"""A finding within this time after the bench was late is not held against the ECU."""
_MISSED: Final = frozenset({Kind.CYCLE, Kind.E2E})
"""What frames that the bench never saw look like: a message that came too rarely, a counter that skips."""


def monitor_rules(config: BenchConfig, network: Network) -> MonitorRules:
    """The rules of a bench file.

    Raises:
        UsageError: a pattern or tolerance that is none, or fits nothing: with file and key.
    """
    section = config.monitors
    where = f"{config.path}: monitors"
    try:
        rules = MonitorRules(
            levels=_levels(section),
            tolerance=tolerance(section.tolerance),
            rules=tuple(
                Rule(
                    patterns=tuple(pattern(text) for text in rule.messages),
                    levels=_levels(rule),
                    tolerance=tolerance(rule.tolerance) if rule.tolerance else None,
                )
                for rule in section.rule
            ),
            allow=tuple(pattern(text) for text in section.allow),
        )
        check_rules(rules, network)
    except UsageError as error:
        raise UsageError(error.what, where=where, remedy=error.remedy) from None
    return rules


def _levels(section: MonitorLevels) -> dict[Kind, Level]:
    return {Kind(kind): Level(level) for kind, level in section.levels.items()}


@dataclass(frozen=True, slots=True)
class Allowed:
    """Findings that a case provokes on purpose."""

    patterns: tuple[Pattern, ...]
    kinds: frozenset[Kind]

    def fits(self, finding: Finding, subject: Subject) -> bool:
        """Whether it is one of them."""
        return finding.kind in self.kinds and any(pattern.fits(subject) for pattern in self.patterns)


class Watch:
    """The monitors of one bench.

    Args:
        clock: bench time.
        config: the bench file.
        network: its databases.
        restbus: what is played isn't expected of anybody else.
        recorder: where findings are written.
    """

    def __init__(
        self, clock: Clock, config: BenchConfig, network: Network, restbus: Restbus, recorder: Recorder
    ) -> None:
        self._clock, self._restbus, self._recorder = clock, restbus, recorder
        self._network = network
        self._allowed: list[Allowed] = []
        self._written: dict[tuple[str, str, Kind], int] = {}
        self._grace_ns = round(config.monitors.grace * 1e9)
        self._monitors = Monitors(
            clock,
            network,
            monitor_rules(config, network),
            expected_nodes={bus: section.real_nodes for bus, section in config.bus.items()},
            is_played=lambda bus, message: restbus.plays(bus, message.name),
            on_finding=self._on_first,
        )
        self.breaks_bench = True
        """Whether a finding of the level `fault` breaks the bench at once."""
        self.on_frame = self._monitors.on_frame
        self._jitter = None if clock.is_virtual else clock.call_in(_JITTER_NS, self._tell_jitter)

    def _on_first(self, finding: Finding) -> None:
        self._record(finding, "first")
        if self.breaks_bench and finding.level is Level.FAULT and not self._is_allowed(finding):
            self._recorder.lost(broken_by(finding))

    def _tell_jitter(self, _: object) -> None:
        worst_ns = max((sent.worst_late_ns for sent in self._restbus.messages), default=0)
        self._monitors.jitter_ns = max(self._monitors.jitter_ns, worst_ns)
        self._jitter = self._clock.call_in(_JITTER_NS, self._tell_jitter)

    def begin(self) -> None:
        """A case begins: nothing is expected until `expect`."""
        for sent in self._restbus.messages:
            sent.worst_late_ns = 0
            sent.pace.clear()
        self._monitors.jitter_ns = 0
        self._allowed.clear()
        self._written.clear()
        self._monitors.begin()

    def allow(self, allowed: Allowed) -> None:
        """These findings don't fail this case."""
        self._allowed.append(allowed)

    def pause(self, reason: str, bus: str = "") -> None:
        """The real nodes need not send, for this reason."""
        self._monitors.pause(reason, bus=bus)

    def expect(self, reason: str, bus: str = "") -> None:
        """This reason is over, or something began anew: after the grace the real nodes' messages are expected."""
        self._monitors.resume(self._grace_ns, reason=reason, bus=bus)

    def expect_all(self, within_ns: int) -> None:
        """Whatever paused them, the real nodes' messages are expected: each within this time, then in its cycle."""
        self._monitors.resume(within_ns)

    def set_partial_network(self, number: int, on: bool) -> None:
        """A partial network went on or off."""
        self._monitors.set_partial_network(number, on, self._grace_ns)

    def close(self) -> None:
        """Watch no more."""
        self._monitors.stop()
        if self._jitter is not None:
            self._jitter.cancel()

    # The end of a case --------------------------------------------------------------------------------------------

    async def failing(self) -> list[Finding]:
        """What fails this case; all that was found is written to the journal."""
        found = self._monitors.findings()
        for finding in found:
            key = (finding.bus, finding.message, finding.kind)
            if self._written.get(key) != finding.count:
                self._written[key] = finding.count
                self._record(finding, "end")
        return [finding for finding in found if finding.level is Level.FAIL and not self._is_allowed(finding)]

    def so_far(self) -> list[Finding]:
        """What was found until now."""
        return self._monitors.findings()

    def _is_allowed(self, finding: Finding) -> bool:
        message = find_message(self._network, finding.bus, finding.message)
        if message is not None:
            subject = Subject(finding.bus, message.name, message.frame_id, message.is_extended_frame)
        else:
            subject = _stranger(finding)
        return any(allowed.fits(finding, subject) for allowed in self._allowed)

    def doubt(self, finding: Finding) -> str:
        """Why it is not held against the ECU: what the bench did when it occurred first, and when it was worst.

        Empty if the bench was well at one of them. Frames that were lost or read late excuse what is missed, no more.
        """
        reasons = [self._doubt_at(finding, t_ns) for t_ns in (finding.first.t_ns, finding.worst.t_ns)]
        return reasons[0] if all(reasons) else ""

    def _doubt_at(self, finding: Finding, t_ns: int) -> str:
        from_ns = t_ns - _LATE_SPAN_NS
        if self._recorder.late_during(from_ns, t_ns) is not None:
            return "while the bench was late"
        if finding.kind not in _MISSED:
            return ""
        blind = worst_of(self._recorder.blind, (finding.bus,), failed=True, from_ns=from_ns, to_ns=t_ns)
        return "" if blind is None else f"while the bench was blind: {blind}"

    def _record(self, finding: Finding, phase: str) -> None:
        fields = {
            "phase": phase,
            "level": finding.level.value,
            "kind": finding.kind.value,
            "bus": finding.bus,
            "message": finding.message,
            "what": finding.what,
            "count": finding.count,
            **({"allowed": True} if self._is_allowed(finding) else {}),
        }
        t_ns = finding.t_ns if phase == "first" else self._clock.now_ns
        self._recorder.record("monitor", fields, t_ns=t_ns)


def broken_by(finding: Finding) -> BenchError:
    """A finding of the level `fault`, as the fault of the bench that it is."""
    mend = f"mend it, or give {finding.kind.value} another level in [monitors]."
    if finding.kind is Kind.FOREIGN:
        mend = 'stop the other sender, or name its node in real_nodes; foreign = "warn" in [monitors] goes on anyway.'
    return BenchError(finding.what, where="monitor", remedy=mend)


def find_message(network: Network, bus: str, name: str) -> Message | None:
    """The message of that name on a bus, if there is one."""
    return next((message for message in network.databases[bus].messages if message.name == name), None)


def _stranger(finding: Finding) -> Subject:
    """What a finding about an identifier that no database has is about."""
    text = finding.message.removeprefix("0x")
    extended = text.endswith("x")
    digits = text.removesuffix("x")
    is_id = bool(digits) and all(digit in "0123456789ABCDEFabcdef" for digit in digits)
    return Subject(finding.bus, "" if is_id else finding.message, int(digits, 16) if is_id else -1, extended)
