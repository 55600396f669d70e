"""The monitors as a test sees them: findings that it provokes on purpose, what was found so far. Part of the facade."""

from __future__ import annotations

from hil.bench.portal import Portal
from hil.bench.watch import Allowed
from hil.can.monitor_rules import Kind, pattern
from hil.can.monitors import Finding
from hil.errors import UsageError


class WatchCalls:
    """The calls about monitors; `portal` is given by the facade that they are part of."""

    portal: Portal

    def allow_findings(self, *messages: str, kinds: tuple[str, ...] = ()) -> None:
        """Findings that this case provokes, and that shall not fail it; they stay in the evidence.

        Args:
            messages: `CLU_*`, `body::CLU_Status`, `0x7A0`; all if none is named.
            kinds: of `cycle`, `dlc`, `e2e`, `undefined`, `error_frames`, `foreign`; all if none is named.

        Raises:
            UsageError: a pattern or kind that is none.
        """
        self.portal.call(self._allow(messages or ("*",), kinds))

    async def _allow(self, messages: tuple[str, ...], kinds: tuple[str, ...]) -> None:
        known = [kind.value for kind in Kind]
        for kind in kinds:
            if kind not in known:
                raise UsageError(f"'{kind}' is nothing that monitors watch", remedy=f"one of {', '.join(known)}.")
        chosen = frozenset(Kind(kind) for kind in kinds) or frozenset(Kind)
        wiring = self.portal.wiring
        wiring.traffic.watch.allow(Allowed(tuple(pattern(text) for text in messages), chosen))
        text = f"findings allowed: {', '.join(kinds) or 'all'} of {', '.join(messages)}"
        wiring.recorder.record("note", {"text": text})

    def findings(self) -> list[Finding]:
        """What the monitors have found in this case so far."""
        return self.portal.call(self._findings())

    async def _findings(self) -> list[Finding]:
        return self.portal.wiring.traffic.watch.so_far()
