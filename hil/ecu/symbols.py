"""Telltale symbols in the manner of ISO 2575, drawn as vector shapes on a square of 100 x 100 units. Pure.

Each symbol is a function that draws with a `Pen`; `mask` rasterises it, anti-aliased, as coverage from 0 to 255.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
SUPERSAMPLING: Final = 8


class Pen:
    """Draws in units of a hundredth of the symbol's side. `ink` is 255, or 0 to cut out."""

    def __init__(self, side_px: int, bold_font: str) -> None:
        self._scale = side_px * SUPERSAMPLING / 100
        self._font = bold_font
        self.image = Image.new("L", (side_px * SUPERSAMPLING,) * 2, 0)
        self._draw = ImageDraw.Draw(self.image)

    def _at(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self._scale - 0.5, y * self._scale - 0.5) for x, y in points]

    def polygon(self, *points: Point, ink: int = 255) -> None:
        """A filled polygon."""
        self._draw.polygon(self._at(points), fill=ink)

    def line(self, *points: Point, width: float = 7, ink: int = 255) -> None:
        """A line through the points with round joints and ends."""
        self._draw.line(self._at(points), fill=ink, width=round(width * self._scale), joint="curve")
        for x, y in points:
            self.disc(x, y, width / 2, ink=ink)

    def disc(self, x: float, y: float, radius: float, *, ink: int = 255) -> None:
        """A filled circle."""
        box = self._at([(x - radius, y - radius), (x + radius, y + radius)])
        self._draw.ellipse([*box[0], *box[1]], fill=ink)

    def arc(self, x: float, y: float, radius: float, start: float, end: float, *, width: float = 7) -> None:
        """An arc of a circle; angles in degrees clockwise from three o'clock."""
        self.line(*self.curve((x, y), radius, radius, start, end), width=width)

    @staticmethod
    def curve(middle: Point, half_width: float, half_height: float, start: float, end: float) -> list[Point]:
        """Points of an elliptic arc; angles in degrees clockwise from three o'clock."""
        steps = max(8, round(abs(end - start) / 3))
        angles = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
        return [(middle[0] + half_width * math.cos(a), middle[1] + half_height * math.sin(a)) for a in angles]

    def text(self, x: float, y: float, text: str, size: float) -> None:
        """Bold text, centred on a point."""
        font = ImageFont.truetype(self._font, round(size * self._scale), layout_engine=ImageFont.Layout.BASIC)
        self._draw.text((x * self._scale, y * self._scale), text, fill=255, font=font, anchor="mm")


def _turn_left(pen: Pen) -> None:
    pen.polygon((4, 50), (46, 12), (46, 33), (96, 33), (96, 67), (46, 67), (46, 88))


def _turn_right(pen: Pen) -> None:
    pen.polygon((96, 50), (54, 12), (54, 33), (4, 33), (4, 67), (54, 67), (54, 88))


def _headlamp(pen: Pen) -> None:
    """The lamp of the high and the low beam: flat to the left, a bulge to the right."""
    pen.line(*pen.curve((56, 50), 38, 31, -90, 90), (56, 19), width=7)


def _high_beam(pen: Pen) -> None:
    _headlamp(pen)
    for y in (18, 34, 50, 66, 82):
        pen.line((6, y), (41, y), width=6.5)


def _low_beam(pen: Pen) -> None:
    _headlamp(pen)
    for y in (18, 34, 50, 66):
        pen.line((6, y + 13), (41, y), width=6.5)


def _position_lights(pen: Pen) -> None:
    for side in (-1, 1):
        bulge = pen.curve((50 + side * 6, 50), side * 21, 22, -90, 90)
        pen.line(*bulge, bulge[0], width=6.5)
        for angle in (-32, 0, 32):
            cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
            ray = [(50 + side * (6 + r * cos), 50 + r * sin) for r in (29, 41)]
            pen.line(*ray, width=6)


def _brake(pen: Pen) -> None:
    pen.arc(50, 50, 29, 0, 360, width=7)
    pen.arc(50, 50, 44, 138, 222, width=7)
    pen.arc(50, 50, 44, -42, 42, width=7)
    pen.polygon((45.5, 32), (54.5, 32), (52.5, 55), (47.5, 55))
    pen.disc(50, 64, 4.6)


def _oil(pen: Pen) -> None:
    pen.polygon((26, 44), (66, 44), (72, 52), (92, 40), (95, 45), (70, 74), (26, 74))
    pen.line((26, 56), (10, 47), (5, 55), (24, 66), width=5)
    pen.line((38, 36), (54, 36), width=6)
    pen.line((46, 36), (46, 46), width=6)
    pen.polygon((91, 53), (96, 64), (86, 64))
    pen.disc(91, 66, 5.2)


def _battery(pen: Pen) -> None:
    for corner in ((8, 28), (92, 28), (92, 80), (8, 80)):
        pen.disc(*corner, 3)
    pen.line((8, 28), (92, 28), (92, 80), (8, 80), (8, 28), width=7)
    pen.polygon((18, 15), (38, 15), (38, 28), (18, 28))
    pen.polygon((62, 15), (82, 15), (82, 28), (62, 28))
    pen.line((20, 53), (38, 53), width=7)
    pen.line((62, 53), (80, 53), width=7)
    pen.line((71, 44), (71, 62), width=7)


def _engine(pen: Pen) -> None:
    outline = [(27, 34), (67, 34), (73, 44), (80, 44), (80, 54), (80, 70), (64, 70), (58, 78), (32, 78), (26, 68)]
    pen.line(*outline, (18, 68), (18, 44), (27, 44), (27, 34), width=7)
    pen.line((80, 50), (90, 46), (90, 72), (80, 66), width=6.5)
    pen.line((6, 46), (6, 68), width=7)
    pen.line((6, 57), (18, 57), width=7)
    pen.line((36, 22), (58, 22), width=7)
    pen.line((47, 22), (47, 34), width=7)


def _abs(pen: Pen) -> None:
    pen.arc(50, 50, 31, 0, 360, width=6.5)
    pen.arc(50, 50, 45, 138, 222, width=6.5)
    pen.arc(50, 50, 45, -42, 42, width=6.5)
    pen.text(50, 50.5, "ABS", 20.5)


def _airbag(pen: Pen) -> None:
    pen.disc(37, 17, 11)
    pen.line((32, 40), (38, 66), (66, 66), width=15)
    pen.line((66, 66), (74, 90), width=10)
    pen.line((14, 38), (24, 84), (52, 84), width=6)
    pen.disc(70, 39, 17)
    pen.line((40, 44), (52, 50), width=8)


def _seat_belt(pen: Pen) -> None:
    pen.disc(54, 16, 12)
    pen.polygon((32, 38), (42, 31), (66, 31), (76, 38), (80, 84), (28, 84))
    pen.line((72, 26), (33, 86), width=14, ink=0)
    pen.line((76, 20), (32, 86), width=6)
    pen.line((14, 90), (86, 90), width=6)


SYMBOLS: Final[dict[str, Callable[[Pen], None]]] = {
    "turn_left": _turn_left,
    "turn_right": _turn_right,
    "position_lights": _position_lights,
    "low_beam": _low_beam,
    "high_beam": _high_beam,
    "brake": _brake,
    "oil": _oil,
    "battery": _battery,
    "engine": _engine,
    "abs": _abs,
    "airbag": _airbag,
    "seat_belt": _seat_belt,
}


def mask(name: str, side_px: int, bold_font: str) -> NDArray[np.uint8]:
    """Coverage of a symbol, `side_px` x `side_px`, 0 to 255. `bold_font` is the path of a TrueType font."""
    pen = Pen(side_px, bold_font)
    SYMBOLS[name](pen)
    return np.asarray(pen.image.reduce(SUPERSAMPLING), np.uint8)
