"""Monitors on a bench: made from the bench file, told what is going on, asked at the end of a case what they found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hil.bench.config import BenchConfig, MonitorLevels
from hil.bench.recorder import Recorder
from hil.can.database import Network
from hil.can.monitor_rules import Kind, Level, MonitorRules, Rule, check_rules, pattern, tolerance
from hil.can.monitors import Finding, Monitors
from hil.can.restbus import Restbus
from hil.clock import Clock
from hil.errors import UsageError

_JITTER_NS: Final = 500_000_000
"""How often a bench in real time tells the monitors its own jitter."""
_LATE_SPAN_NS: Final = 1_000_000_000
"""A finding within this time after the bench was late is not held against the ECU."""


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
        self._grace_ns = round(config.monitors.grace * 1e9)
        self._monitors = Monitors(
            clock,
            network,
            monitor_rules(config, network),
            expected_nodes={bus: section.real_nodes for bus, section in config.bus.items()},
            is_played=lambda bus, message: restbus.plays(bus, message.name),
            on_finding=lambda finding: self._record(finding, "first"),
        )
        self.on_frame = self._monitors.on_frame
        self._jitter = None if clock.is_virtual else clock.call_in(_JITTER_NS, self._tell_jitter)

    def _tell_jitter(self, _: object) -> None:
        worst_ns = max((sent.worst_late_ns for sent in self._restbus.messages), default=0)
        self._monitors.jitter_ns = max(self._monitors.jitter_ns, worst_ns)
        self._jitter = self._clock.call_in(_JITTER_NS, self._tell_jitter)

    def begin(self) -> None:
        """A case begins: nothing is expected until `expect`."""
        for sent in self._restbus.messages:
            sent.worst_late_ns = 0
        self._monitors.jitter_ns = 0
        self._monitors.begin()

    def pause(self, reason: str, bus: str = "") -> None:
        """The real nodes need not send, for this reason."""
        self._monitors.pause(reason, bus=bus)

    def expect(self, reason: str, bus: str = "") -> None:
        """This reason is over, or something began anew: after the grace the real nodes' messages are expected."""
        self._monitors.resume(self._grace_ns, reason=reason, bus=bus)

    def set_partial_network(self, number: int, on: bool) -> None:
        """A partial network went on or off."""
        self._monitors.set_partial_network(number, on, self._grace_ns)

    def close(self) -> None:
        """Watch no more."""
        self._monitors.stop()
        if self._jitter is not None:
            self._jitter.cancel()

    # The end of a case --------------------------------------------------------------------------------------------

    async def findings(self) -> list[Finding]:
        """What was found in this case; written to the journal."""
        found = self._monitors.findings()
        for finding in found:
            self._record(finding, "end")
        return found

    def is_doubtful(self, finding: Finding) -> bool:
        """Whether the bench itself was late when it occurred first."""
        return self._recorder.late_during(finding.t_ns - _LATE_SPAN_NS, finding.t_ns) is not None

    def _record(self, finding: Finding, phase: str) -> None:
        fields = {
            "phase": phase,
            "level": finding.level.value,
            "kind": finding.kind.value,
            "bus": finding.bus,
            "message": finding.message,
            "what": finding.what,
            "count": finding.count,
        }
        t_ns = finding.t_ns if phase == "first" else self._clock.now_ns
        self._recorder.record("monitor", fields, t_ns=t_ns)


def failing(found: Iterable[Finding]) -> list[Finding]:
    """Those that fail a case."""
    return [finding for finding in found if finding.level is Level.FAIL]
