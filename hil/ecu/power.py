"""The supply as the ECU sees it: too low, too high, gone; and the current that it draws.

Rules of this module: below 6 V the ECU resets at once; it begins at 6.5 V. Below 9 V for 100 ms the backlight goes
off and comes back above 9.5 V after 200 ms, but not while the engine is cranked: a dip to 6.5 V is survived with the
picture on. Above 15.5 V for a second the backlight is halved until 15 V. The converter draws constant power: less
voltage, more current.

Not for: boot and sleep (`hil.ecu.cockpit`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from hil.clock import NS_PER_S, Clock, Timer
from hil.ecu.app import Life, Phase, PowerMode

RESET_V, START_V = 6.0, 6.5
BROWN_OUT_V: Final = 3.0
"""Below that even the memory of the reset reason is gone."""
LOW_V, LOW_OVER_V = 9.0, 9.5
HIGH_V, HIGH_OVER_V = 15.5, 15.0
_LOW_AFTER_NS, _LOW_OVER_NS = NS_PER_S // 10, NS_PER_S // 5
_HIGH_AFTER_NS: Final = NS_PER_S
_NOMINAL_V: Final = 13.5
_BASE_A: Final = {Phase.BOOT: 1.4, Phase.SPLASH: 1.9, Phase.ON: 2.3}
_DARK_A: Final = 1.1
_AFTER_RUN_A: Final = 0.6
_SLEEP_A, _LEAKY_A = 0.0015, 0.008
_SETTLING_A, _SETTLING_S, _BACKLIGHT_S = 0.3, 0.15, 0.3


class SupplyMonitor:
    """Watches the supply.

    Args:
        clock: the time.
        life: the ECU's life; `display_allowed` and `is_overvoltage` are written here.
        defects: names.
        on_change: called when one of the two changed, with what happened: `low`, `normal`, `high`.
    """

    def __init__(self, clock: Clock, life: Life, defects: frozenset[str], on_change: Callable[[str], object]) -> None:
        self._clock, self._life, self._defects, self._on_change = clock, life, defects, on_change
        self.voltage_V = 0.0
        self.least_V = 0.0
        self._timers: dict[str, Timer] = {}
        self._since_ns = 0
        self._phase = Phase.OFF

    def forget(self) -> None:
        """As after a reset."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers = {}
        self._life.display_allowed, self._life.is_overvoltage = True, False

    @property
    def reset_V(self) -> float:
        """Below that it resets."""
        return 7.5 if "resets_while_cranking" in self._defects else RESET_V

    def seen(self, voltage_V: float) -> None:
        """The supply changed, with the ECU alive."""
        self.voltage_V = voltage_V
        self._judge()

    def _judge(self) -> None:
        life, voltage_V = self._life, self.voltage_V
        flickers = "undervoltage_flickers" in self._defects
        low_over_V, delay_ns = (LOW_V, 0) if flickers else (LOW_OVER_V, _LOW_AFTER_NS)
        self._arm("low", life.display_allowed and voltage_V < LOW_V, delay_ns)
        self._arm("normal", not life.display_allowed and voltage_V >= low_over_V, 0 if flickers else _LOW_OVER_NS)
        high_ns = 0 if "overvoltage_at_once" in self._defects else _HIGH_AFTER_NS
        if "overvoltage_ignored" not in self._defects:
            self._arm("high", not life.is_overvoltage and voltage_V >= HIGH_V, high_ns)
            self._arm("not high", life.is_overvoltage and voltage_V < HIGH_OVER_V, _LOW_OVER_NS)

    def _arm(self, what: str, wanted: bool, delay_ns: int) -> None:
        timer = self._timers.get(what)
        if wanted and timer is None:
            self._timers[what] = self._clock.call_in(delay_ns, self._happen, what)
        elif not wanted and timer is not None:
            timer.cancel()
            del self._timers[what]

    def _happen(self, what: str) -> None:
        del self._timers[what]
        life = self._life
        if what == "low" and life.power_mode is PowerMode.CRANK:
            self._arm("low", True, _LOW_AFTER_NS)  # as long as the starter turns the picture stays
            return
        if what in ("low", "normal"):
            life.display_allowed = what == "normal"
        else:
            life.is_overvoltage = what == "high"
        self._on_change(what)
        self._judge()

    # Current --------------------------------------------------------------------------------------------------------

    def current_A(self, voltage_V: float) -> float:
        """What the ECU draws now."""
        life = self._life
        if life.phase is Phase.OFF or voltage_V <= 0:
            return 0.0
        if life.phase is not self._phase:
            self._phase = life.phase
        since_s = (self._clock.now_ns - life.phase_since_ns) / NS_PER_S
        if life.phase is Phase.SLEEP:
            rest_A = _LEAKY_A if "quiescent_current_high" in self._defects else _SLEEP_A
            return rest_A + _SETTLING_A * math.exp(-since_s / _SETTLING_S)
        return self._awake_A(since_s) * _NOMINAL_V / max(voltage_V, RESET_V)

    def _awake_A(self, since_s: float) -> float:
        life = self._life
        if life.phase is Phase.ON and not life.ignition:
            return _AFTER_RUN_A
        if life.phase is Phase.ON and not life.display_allowed:
            return _DARK_A
        base_A = _BASE_A[life.phase]
        if life.phase is Phase.ON and life.reset_reason != "wake":
            return base_A - (base_A - _BASE_A[Phase.SPLASH]) * math.exp(-since_s / _BACKLIGHT_S)
        return base_A
