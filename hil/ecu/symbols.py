"""The symbol of every telltale, manoeuvre and severity: names to drawings, and drawings to coverage. Pure.

The telltales follow the meanings of ISO 2575; the shapes are our own, in the files `symbols_*`. Names that ISO leaves
open (READY, AUTO HOLD) are written out, as on most cars.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hil.ecu import symbols_assist, symbols_guidance, symbols_lights, symbols_power, symbols_safety
from hil.ecu.cluster_state import COLOURS
from hil.ecu.symbols_pen import Drawing, rasterised

_FILES: Final[tuple[ModuleType, ...]] = (symbols_lights, symbols_power, symbols_safety, symbols_assist)


def _drawing(name: str) -> Drawing:
    found: Drawing = next(vars(file)[name] for file in _FILES if name in vars(file))
    return found


SYMBOLS: Final[dict[str, Drawing]] = {name: _drawing(name) for name in COLOURS}
"""Telltales by name."""
_ALL: Final[dict[str, Drawing]] = {
    **SYMBOLS,
    **symbols_guidance.MANOEUVRES,
    **symbols_guidance.SEVERITIES,
    **symbols_guidance.HELPERS,
}


def mask(name: str, side_px: int) -> NDArray[np.uint8]:
    """Coverage of a symbol, `side_px` x `side_px`, 0 to 255; read-only."""
    return rasterised(_ALL[name], side_px)
