"""The speed that is shown: from the wheel's message to needle and digits.

Rules of this module: UN R39 5.3: never below the true speed, and at most a tenth and 4 km/h above it. A single sample
that jumps is no speed and is ignored; a jump that stays is believed. What the sender calls implausible, doesn't know or
no longer sends is shown as dashes, never as the last value.
"""

from __future__ import annotations

import math
from typing import Final

from hil.ecu.app import VSYNC_HZ, Platform

KMH_PER_MPH: Final = 1.609344
_JUMP_KMH: Final = 60.0
_CONFIRM_NS: Final = 60_000_000
_TAU_S: Final = 0.08
_STEP: Final = 1 - math.exp(-1 / (VSYNC_HZ * _TAU_S))
_AHEAD_KMH: Final = 0.5
"""What the needle shows above the true speed, so that no rounding brings it below."""


class SpeedGauge:
    """Needle and digits of the speed.

    Args:
        platform: what it reads from.

    Attributes:
        kmh: the true speed as the ECU believes it; None if it doesn't know.
        needle: position in the unit shown.
        number: digits; None shows dashes.
        is_rejecting: a jump was seen that is not believed (yet).
        spikes: how many jumps went back to where they came from.
    """

    def __init__(self, platform: Platform) -> None:
        self._defects = platform.defects
        com = platform.com
        self._step = _STEP / 12 if "needle_sluggish" in self._defects else _STEP
        self._speed = com.signal("ESC_Speed", "VehicleSpeed")
        self._plausible = com.signal("ESC_Speed", "SpeedPlausible")
        com.watch("ESC_Speed", self._changed)
        self.forget()

    def _changed(self) -> None:
        self._dirty = True

    def forget(self) -> None:
        """As after a boot."""
        self.kmh: float | None = None
        self.number: int | None = None
        self.needle = 0.0
        self.is_rejecting = False
        self.spikes = 0
        self._dirty = True
        self._needle_kmh = 0.0
        self._jump_ns = 0
        self._frozen: int | None = None

    def tick(self, now_ns: int, unit: str) -> bool:
        """One frame; whether something that can be seen changed."""
        if self._dirty or self.is_rejecting:
            self._dirty = False
            self._believe(now_ns)
        before = (self.needle, self.number)
        target = self._target_kmh()
        if self._needle_kmh != target:
            rest = target - self._needle_kmh
            self._needle_kmh = target if abs(rest) < 0.05 else self._needle_kmh + rest * self._step
        scale = KMH_PER_MPH if unit == "mph" else 1.0
        self.needle = self._needle_kmh / scale
        self.number = self._digits(scale if "mph_label_on_kmh" not in self._defects else 1.0)
        return before != (self.needle, self.number)

    def _target_kmh(self) -> float:
        kmh = self.kmh or 0.0
        if "speed_reads_low" in self._defects or "speed_reads_high" in self._defects:
            return kmh
        return kmh + min(_AHEAD_KMH, kmh)

    def _believe(self, now_ns: int) -> None:
        kmh = self._heard()
        if not self._is_jump(kmh) or "speed_spike_shown" in self._defects:
            self.spikes += self.is_rejecting and kmh is not None
            self.kmh, self.is_rejecting = kmh, False
        elif not self.is_rejecting:
            self.is_rejecting, self._jump_ns = True, now_ns
        elif now_ns - self._jump_ns >= _CONFIRM_NS and "jump_never_believed" not in self._defects:
            self.kmh, self.is_rejecting = kmh, False

    def _is_jump(self, kmh: float | None) -> bool:
        return kmh is not None and self.kmh is not None and abs(kmh - self.kmh) > _JUMP_KMH

    def _heard(self) -> float | None:
        if self._plausible.is_(0) and "doubted_speed_shown" not in self._defects:
            return None
        kmh = self._speed.value
        if kmh is None and "speed_kept_on_loss" in self._defects:
            raw = self._speed.stale
            return None if raw is None else 0.01 * float(raw)
        if kmh is None and "speed_sna_as_number" in self._defects and self._speed.raw is not None:
            return 300.0
        if kmh is None:
            return None
        return kmh * self._factor() + (5.0 if "speed_at_standstill" in self._defects else 0.0)

    def _factor(self) -> float:
        if "speed_reads_low" in self._defects:
            return 0.95
        return 1.16 if "speed_reads_high" in self._defects else 1.0

    def _digits(self, scale: float) -> int | None:
        """Rounded up: UN R39 lets it show more than the true speed, never less."""
        if self.kmh is None:
            return None
        number = math.ceil(round(self.kmh / scale, 2))
        if "speed_number_frozen" in self._defects:
            self._frozen = number if self._frozen is None else self._frozen
            return self._frozen
        return number

    @property
    def is_moving(self) -> bool:
        """Whether the vehicle moves."""
        return bool(self.kmh)

    def is_over(self, kmh: float) -> bool:
        """Whether the vehicle is faster than that."""
        return self.kmh is not None and self.kmh > kmh
