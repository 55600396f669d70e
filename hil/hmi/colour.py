"""Colours as people name them, told apart by hue so that a dimmed or a filmed lamp keeps its name. Pure."""

from __future__ import annotations

import colorsys
import math
import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hil.errors import UsageError

Rgb = tuple[int, int, int]
HUE_TOLERANCE_DEG: Final = 18.0
"""Red and amber lie 40 degrees apart; a camera moves a hue by about 10."""
GREY: Final = 0.25
"""Saturation under which a colour has no hue that counts."""
NAMED: Final[dict[str, Rgb]] = {
    "red": (255, 0, 0),
    "orange": (255, 85, 0),
    "amber": (255, 176, 0),
    "yellow": (255, 240, 0),
    "green": (0, 220, 80),
    "cyan": (0, 220, 255),
    "blue": (0, 96, 255),
    "magenta": (255, 0, 200),
    "white": (255, 255, 255),
}
FAINTEST: Final = 0.12
"""Less of a colour than this is the ground, or a camera's noise."""
_HEX: Final = re.compile(r"#([0-9a-fA-F]{6})$")
_BANDS: Final = (
    (10.0, "red"),
    (29.0, "orange"),
    (49.0, "amber"),
    (70.0, "yellow"),
    (168.0, "green"),
    (196.0, "cyan"),
    (262.0, "blue"),
    (345.0, "magenta"),
    (360.0, "red"),
)


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour with its hue in degrees; `hue_deg` is None for white and greys."""

    text: str
    rgb: Rgb

    @property
    def hue_deg(self) -> float | None:
        """0 red, 120 green, 240 blue; None where the colour is too pale to have one."""
        return hue_of(self.rgb)

    def __str__(self) -> str:
        return self.text


def highest(pixels: NDArray[Any]) -> NDArray[Any]:
    """The brightest channel of each pixel; many times as fast as a maximum along so short an axis."""
    brightest: NDArray[Any] = np.maximum(np.maximum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])
    return brightest


def lowest(pixels: NDArray[Any]) -> NDArray[Any]:
    """The darkest channel of each pixel."""
    darkest: NDArray[Any] = np.minimum(np.minimum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])
    return darkest


def parse(text: str) -> Colour:
    """A colour from its name or from `#rrggbb`.

    Raises:
        UsageError: it is neither.
    """
    match = _HEX.match(text)
    if match:
        value = int(match[1], 16)
        return Colour(text.lower(), (value >> 16, value >> 8 & 255, value & 255))
    if text.lower() not in NAMED:
        raise UsageError(f"'{text}' is no colour", remedy=f"write #rrggbb or one of {', '.join(NAMED)}.")
    return Colour(text.lower(), NAMED[text.lower()])


def hue_of(rgb: tuple[float, float, float]) -> float | None:
    """Hue of a colour (channels 0..255) in degrees, or None if it has too little saturation."""
    hue, saturation, _ = colorsys.rgb_to_hsv(*(channel / 255 for channel in rgb))
    return hue * 360 if saturation >= GREY else None


def hue_distance(first_deg: float, second_deg: float) -> float:
    """The shorter way between two hues, 0 to 180 degrees."""
    return abs((first_deg - second_deg + 180) % 360 - 180)


def name_of(rgb: tuple[float, float, float]) -> str:
    """What a person would call a lit colour: a name of `NAMED`."""
    hue = hue_of(rgb)
    return "white" if hue is None else next(name for limit, name in _BANDS if hue <= limit)


def alike(seen: tuple[float, float, float], wanted: Colour) -> bool:
    """Whether a lit colour is the wanted one, at any brightness."""
    hue, target = hue_of(seen), wanted.hue_deg
    if hue is None or target is None:
        return hue is target
    return hue_distance(hue, target) <= HUE_TOLERANCE_DEG


def amount(rgb: NDArray[np.uint8], wanted: Colour, brightness: float) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Which pixels (of n x 3) have some of a colour, and how much, 0..1 of it at this brightness."""
    target = np.array(wanted.rgb, np.float32) * np.float32(brightness)
    if wanted.hue_deg is None:
        white = np.clip((lowest(rgb) / target.min() - 0.4) / 0.6, 0, 1).astype(np.float32)
        which = np.flatnonzero(white)
        return which, white[which]
    tint = target - target.mean()
    along = rgb.astype(np.float32) @ (tint / np.float32(tint @ tint))
    which = np.flatnonzero(along > FAINTEST)
    along, chroma = along[which], rgb[which].astype(np.float32)
    chroma -= chroma.mean(axis=1, keepdims=True)
    aside = np.linalg.norm(chroma - along[:, None] * tint, axis=1) / np.linalg.norm(tint)
    same_hue = aside <= math.tan(math.radians(HUE_TOLERANCE_DEG)) * along
    return which[same_hue], np.clip(along[same_hue], 0, 1)
