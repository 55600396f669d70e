"""The indicator telltales: in step with the lamps outside where the body controller says how, else at 1.5 Hz.

Rules of this module: both telltales of a hazard are lit at the same instants. The body controller's rhythm counts while
it is heard and moves; without it the ECU blinks by itself, beginning with lit. UN R48: 60 to 120 flashes a minute, and
another rate when an indicator lamp has failed: here twice as fast.
"""

from __future__ import annotations

from typing import Final

from hil.clock import NS_PER_S
from hil.ecu.app import Platform

BLINK_HZ: Final = 1.5
_FRESH_NS: Final = 500_000_000
_STANDS_NS: Final = NS_PER_S
_LEFT_MODES: Final = (1, 3, 4, 5)
_RIGHT_MODES: Final = (2, 3, 4, 5)


class Blinker:
    """The state of both indicators.

    Args:
        platform: what it reads from.

    Attributes:
        lit: those that are lit in this frame.
        on: those that are switched on, lit or not.
        is_lit: the phase; False while none is on.
    """

    def __init__(self, platform: Platform) -> None:
        com = platform.com
        self._left, self._right = com.signal("BCM_Lights", "TurnLeft"), com.signal("BCM_Lights", "TurnRight")
        self._mode, self._flash = com.signal("BCM_Flasher", "FlasherMode"), com.signal("BCM_Flasher", "FlasherLit")
        self._fast = com.signal("BCM_Flasher", "FlasherFast")
        self._slow = "indicator_too_slow" in platform.defects
        self._own_rhythm = "indicator_own_rhythm" in platform.defects
        self._hides_fault = "failed_indicator_untold" in platform.defects
        self._skewed = "hazard_out_of_step" in platform.defects
        com.watch("BCM_Flasher", self._flashed)
        com.watch("BCM_Lights", self._switched)
        self.forget()

    def forget(self) -> None:
        """As after a boot."""
        self.on: tuple[str, ...] = ()
        self.lit: frozenset[str] = frozenset()
        self.is_lit = False
        self._since_ns = 0
        self._moved_ns = -_STANDS_NS
        self._last_flash: int | None = None
        self._dirty = False

    def _switched(self) -> None:
        self._dirty = True

    def _flashed(self) -> None:
        self._dirty = True

    def tick(self, now_ns: int) -> bool:
        """One frame; whether what is lit changed."""
        if not self.on and not self._dirty:
            return False
        if self._dirty:
            self._read(now_ns)
        lit = self._phase(now_ns) if self.on else frozenset()
        if lit == self.lit:
            return False
        self.lit = lit
        self.is_lit = bool(lit)
        return True

    def _read(self, now_ns: int) -> None:
        self._dirty = False
        mode = self._mode.raw or 0
        left = self._left.is_(1) or mode in _LEFT_MODES
        right = self._right.is_(1) or mode in _RIGHT_MODES
        on = tuple(name for name, is_on in (("turn_left", left), ("turn_right", right)) if is_on)
        if on and not self.on:
            self._since_ns = now_ns
        self.on = on
        flash = self._flash.raw
        if flash is not None and flash != self._last_flash:
            self._last_flash, self._moved_ns = flash, now_ns

    def _phase(self, now_ns: int) -> frozenset[str]:
        if self._follows(now_ns):
            return frozenset(self.on) if self._last_flash else frozenset()
        rate_mHz = (
            750 if self._slow else round(1000 * BLINK_HZ) * (2 if self._fast.is_(1) and not self._hides_fault else 1)
        )
        half = (now_ns - self._since_ns) * 2 * rate_mHz // (1000 * NS_PER_S) % 2
        if self._skewed and len(self.on) == 2:
            return frozenset({self.on[half]})
        return frozenset() if half else frozenset(self.on)

    def _follows(self, now_ns: int) -> bool:
        """Whether the body controller's rhythm is there and moves."""
        slot = self._flash.slot
        if slot is None or self._skewed or self._slow or self._own_rhythm or now_ns - slot.t_ns > _FRESH_NS:
            return False
        return bool(self._mode.raw) and now_ns - self._moved_ns < _STANDS_NS
