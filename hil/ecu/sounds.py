"""The sounds of the cockpit: frequency and pattern of each, and their samples. Pure.

Rules of this module: a chime is a row of equal tones of one frequency with pauses, and sounds until it has been
repeated often enough or its cause is gone. Samples are made when somebody listens, 48,000 a second, int16, mono; equal
requests share one array.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

import numpy as np

from hil.clock import NS_PER_S
from hil.hmi.audio import RATE_HZ, Samples

MS: Final = NS_PER_S // 1000
VOLUMES: Final = (0.0, 0.1, 0.2, 0.35, 0.55, 0.8)
"""Amplitude at each volume setting; 1 is full scale."""
LEAST_SAFETY_VOLUME: Final = 3
_EDGE_S: Final = 0.004


class ChimePriority(IntEnum):
    """How urgent; raw numbers of CLU_Warnings.ChimePriority."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    SAFETY = 4


@dataclass(frozen=True, slots=True)
class Chime:
    """One chime.

    Attributes:
        name: its name.
        number: raw value of CLU_Warnings.ChimePlaying.
        priority: which of several sounds.
        frequency_Hz: of its tones.
        tone_ms: how long a tone sounds.
        period_ms: from tone to tone.
        repeats: how many tones; 0: until its cause is gone.
    """

    name: str
    number: int
    priority: ChimePriority
    frequency_Hz: int
    tone_ms: int
    period_ms: int
    repeats: int = 0


_LOW, _MEDIUM, _HIGH, _SAFETY = ChimePriority.LOW, ChimePriority.MEDIUM, ChimePriority.HIGH, ChimePriority.SAFETY
CHIMES: Final = (
    Chime("gong", 1, _MEDIUM, 660, 400, 700, 1),
    Chime("gong_critical", 1, _HIGH, 740, 300, 450, 3),
    Chime("seat_belt", 2, _HIGH, 880, 250, 600),
    Chime("seat_belt_level2", 2, _HIGH, 988, 200, 400),
    Chime("take_over", 3, _SAFETY, 1320, 180, 300),
    Chime("take_over_urgent", 3, _SAFETY, 1760, 120, 180),
    Chime("parking_front", 4, _HIGH, 1600, 80, 800),
    Chime("parking_rear", 4, _HIGH, 1000, 80, 800),
    Chime("tick", 5, _LOW, 2400, 12, 12, 1),
    Chime("tock", 5, _LOW, 1900, 12, 12, 1),
    Chime("door_open", 6, _MEDIUM, 550, 200, 500, 6),
    Chime("overspeed", 7, _MEDIUM, 800, 150, 300, 2),
    Chime("collision", 8, _SAFETY, 2093, 80, 120),
    Chime("lane_departure", 9, _HIGH, 440, 120, 200, 3),
    Chime("ecall", 10, _HIGH, 590, 500, 900, 2),
    Chime("key_inside", 11, _MEDIUM, 1175, 150, 400, 5),
    Chime("light_on", 12, _MEDIUM, 1480, 400, 800, 4),
)
BY_NAME: Final = {chime.name: chime for chime in CHIMES}


def amplitude(chime: Chime, volume: int, *, mutable: bool = False) -> float:
    """How loud a chime is at a volume setting: one that safety needs is never below the middle.

    Args:
        chime: which.
        volume: the setting, 0 to 5.
        mutable: a safety chime follows the setting too (a defect).
    """
    if chime.priority is ChimePriority.SAFETY or chime.name.startswith("seat_belt"):
        volume = volume if mutable else max(volume, LEAST_SAFETY_VOLUME)
    return VOLUMES[volume]


@lru_cache(maxsize=64)
def tone(frequency_Hz: int, duration_ms: int, loud: float) -> Samples:
    """A tone with soft edges, that dies away a little."""
    count = RATE_HZ * duration_ms // 1000
    t_s = np.arange(count) / RATE_HZ
    edge = np.minimum(1.0, np.minimum(t_s, t_s[::-1]) / _EDGE_S)
    wave = np.sin(2 * np.pi * frequency_Hz * t_s) * edge * np.exp(-1.5 * t_s / (duration_ms / 1000))
    samples = np.round(wave * loud * 32767).astype(np.int16)
    samples.flags.writeable = False
    return samples
