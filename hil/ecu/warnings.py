"""Which warning is on the screen: what raises and clears them, their order, how long each stays, what the driver says.

Rules of this module: one warning is shown at a time: of those not yet acknowledged the most urgent, among equals the
one that came first. It stays for a minimum time unless a more urgent one comes. Information goes by itself, everything
else stays until its cause is gone or the driver acknowledges it. What was acknowledged and is still there is shown
again (critical after a minute, everything at the next ignition on). While cranking and during the bulb check none is
shown.

Not for: their words and causes (`hil.ecu.warning_table`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from hil.clock import NS_PER_S
from hil.ecu.app import Platform
from hil.ecu.cluster_state import Warning
from hil.ecu.signals import Reading
from hil.ecu.warning_table import WARNINGS, Priority, WarningKind

MINIMUM_NS: Final = 3 * NS_PER_S
INFORMATION_NS: Final = 5 * NS_PER_S
RESHOW_NS: Final = 60 * NS_PER_S
_ACKNOWLEDGED_NS: Final = NS_PER_S
_MOST_QUEUED: Final = 30

Rule = Callable[[], bool]


@dataclass(slots=True)
class Active:
    """A warning whose cause is there, or that must still be seen."""

    kind: WarningKind
    order: int
    is_raised: bool = True
    seen_ns: int = 0
    acknowledged_ns: int | None = None


class Warnings:
    """The warnings of one ECU.

    Args:
        platform: what they are raised from.
        rules: name -> rule of the logic.
        on_shown: called with a kind when it comes onto the screen for the first time.
    """

    def __init__(self, platform: Platform, rules: dict[str, Rule], on_shown: Callable[[WarningKind], object]) -> None:
        self._platform, self._rules, self._on_shown = platform, rules, on_shown
        self._defects = platform.defects
        self._kinds = [k for k in WARNINGS if k.feature in ("", *platform.variant.features)]
        self._readings: dict[str, list[tuple[Reading, tuple[int, ...]]]] = {}
        self._watch()
        self.forget()

    def _watch(self) -> None:
        com = self._platform.com
        by_message: dict[str, list[WarningKind]] = {}
        for kind in self._kinds:
            self._readings[kind.name] = [(com.signal(message, name), raw) for message, name, raw in kind.causes]
            for message in dict.fromkeys([*(cause[0] for cause in kind.causes), *kind.lost]):
                by_message.setdefault(message, []).append(kind)
        for message, kinds in by_message.items():
            com.watch(message, partial(self._look, kinds))

    def forget(self) -> None:
        """As after a boot."""
        self.active: dict[str, Active] = {}
        self.shown: Active | None = None
        self.acknowledged_until_ns = 0
        self.is_changed = True
        self._count = 0
        self._shown_ns = 0
        self._due_ns = 0
        self._once: set[str] = set()
        self._is_quiet = True

    def ignition_on(self) -> None:
        """What is still there is shown again."""
        self.forget()
        self.look()

    # Causes ---------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Look at the causes of all warnings."""
        self._look(self._kinds)

    def look_at_rules(self) -> None:
        """Look at those that rules of the logic raise."""
        self._look([kind for kind in self._kinds if kind.rule])

    def _look(self, kinds: list[WarningKind]) -> None:
        for kind in kinds:
            raised = self._is_raised(kind)
            known = self.active.get(kind.name)
            if raised and known is None:
                self._raise(kind)
            elif known is not None and known.is_raised != raised:
                known.is_raised = raised
                self.is_changed = True

    def _is_raised(self, kind: WarningKind) -> bool:
        if kind.name == "fuel_low" and "low_fuel_untold" in self._defects:
            return False
        if any(reading.raw in raws for reading, raws in self._readings[kind.name]):
            return True
        com = self._platform.com
        if any(com.has(message) and com.slot(message).is_lost for message in kind.lost):
            return True
        return bool(kind.rule) and self._rules[kind.rule]()

    def _raise(self, kind: WarningKind) -> None:
        if kind.name in self._once:
            return
        if kind.once and "ice_warning_repeats" not in self._defects:
            self._once.add(kind.name)
        if "warning_queue_of_one" in self._defects and self.shown is not None and kind.priority < Priority.CRITICAL:
            return
        self._count += 1
        self.active[kind.name] = Active(kind, self._count)
        self.is_changed = True

    # What is shown --------------------------------------------------------------------------------------------------

    def tick(self, now_ns: int, *, quiet: bool) -> bool:
        """One frame; whether the screen changes.

        Args:
            now_ns: now.
            quiet: show none (cranking, bulb check).
        """
        quiet = quiet and "warning_while_cranking" not in self._defects
        if quiet != self._is_quiet:
            self._is_quiet, self.is_changed = quiet, True
        if not self.is_changed and now_ns < self._due_ns:
            return False
        self.is_changed = False
        before = self.shown
        self._retire(now_ns)
        self._show(None if quiet else self._choose(now_ns), now_ns)
        self._due_ns = now_ns + NS_PER_S // 4 if self.active else 1 << 62
        return before is not self.shown or bool(self.active)

    def _retire(self, now_ns: int) -> None:
        """Those whose cause is gone, and that were seen long enough; those that go by themselves."""
        for name, one in list(self.active.items()):
            is_shown = one is self.shown
            if is_shown and self._goes_by_itself(one) and now_ns - self._shown_ns >= INFORMATION_NS:
                one.acknowledged_ns = one.acknowledged_ns or now_ns
            if not one.is_raised and not (is_shown and now_ns - self._shown_ns < self._minimum_ns):
                del self.active[name]
            elif self._comes_again(one, now_ns):
                one.acknowledged_ns = None

    def _goes_by_itself(self, one: Active) -> bool:
        return one.kind.priority is Priority.INFORMATION and "information_stays" not in self._defects

    @property
    def _minimum_ns(self) -> int:
        return 0 if "warning_too_short" in self._defects else MINIMUM_NS

    @staticmethod
    def _comes_again(one: Active, now_ns: int) -> bool:
        since = one.acknowledged_ns
        return since is not None and one.kind.priority is Priority.CRITICAL and now_ns - since >= RESHOW_NS

    def _choose(self, now_ns: int) -> Active | None:
        waiting = [one for one in self.active.values() if one.acknowledged_ns is None]
        if not waiting:
            return None
        by_age = "warning_priority_ignored" in self._defects
        best = min(waiting, key=lambda one: (0 if by_age else -one.kind.priority, one.order))
        if "newest_warning_first" in self._defects:
            return waiting[-1]
        shown = self.shown
        if shown in waiting and shown is not None and self._holds(shown, best, now_ns):
            return shown
        return best

    def _holds(self, shown: Active, best: Active, now_ns: int) -> bool:
        """Whether the one on the screen stays: for its minimum time, unless the other is more urgent."""
        return best.kind.priority <= shown.kind.priority and now_ns - self._shown_ns < self._minimum_ns

    def _show(self, one: Active | None, now_ns: int) -> None:
        if one is self.shown:
            return
        self.shown, self._shown_ns = one, now_ns
        if one is not None and not one.seen_ns:
            one.seen_ns = now_ns
            self._on_shown(one.kind)

    def acknowledge(self, now_ns: int) -> bool:
        """The driver pressed OK; whether there was something to acknowledge."""
        shown = self.shown
        if shown is None or "acknowledge_ignored" in self._defects or now_ns - self._shown_ns < NS_PER_S // 4:
            return False
        shown.acknowledged_ns = now_ns
        self.acknowledged_until_ns = now_ns + _ACKNOWLEDGED_NS
        self.is_changed = True
        return True

    @property
    def queued(self) -> int:
        """How many wait behind the one on the screen."""
        if self.shown is None:
            return 0
        return min(sum(one.acknowledged_ns is None for one in self.active.values()) - 1, _MOST_QUEUED)

    def picture(self, language: str) -> Warning | None:
        """The pop-up."""
        if self.shown is None:
            return None
        kind = self.shown.kind
        if "french_in_english" in self._defects and language == "fr":
            language = "en"
        return Warning(kind.texts[language], kind.priority.word, kind.symbol)  # type: ignore[arg-type]  # the four words

    def signals(self, now_ns: int) -> dict[str, int]:
        """Their part of CLU_Warnings."""
        shown = self.shown
        return {
            "WarningShown": shown.kind.number if shown else 0,
            "WarningPriority": int(shown.kind.priority) if shown else 0,
            "WarningsQueued": self.queued,
            "WarningsActive": len(self.active),
            "WarningAcknowledged": int(now_ns < self.acknowledged_until_ns),
        }
