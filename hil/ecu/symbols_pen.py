"""The pen that all symbols are drawn with: vector shapes on a square of 100 x 100 units, rasterised anti-aliased. Pure.

Coordinates grow to the right and down; angles are degrees clockwise from three o'clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
SUPERSAMPLING: Final = 8
LETTERS: Final = Path(__file__).parent / "fonts" / "RobotoCondensed-Bold.ttf"


class Pen:
    """Draws in units of a hundredth of the symbol's side. `ink` is 255, or 0 to cut out."""

    def __init__(self, side_px: int) -> None:
        self._scale = side_px * SUPERSAMPLING / 100
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

    def ring(self, x: float, y: float, radius: float, *, width: float = 7) -> None:
        """A circle; `radius` is that of its middle line."""
        reach = radius + width / 2
        box = self._at([(x - reach, y - reach), (x + reach, y + reach)])
        self._draw.ellipse([*box[0], *box[1]], outline=255, width=round(width * self._scale))

    def arc(self, x: float, y: float, radius: float, start: float, end: float, *, width: float = 7) -> None:
        """An arc of a circle."""
        self.line(*self.curve((x, y), radius, radius, start, end), width=width)

    def box(self, left: float, top: float, right: float, bottom: float, *, radius: float = 4, ink: int = 255) -> None:
        """A filled rectangle with rounded corners."""
        corners = self._at([(left, top), (right, bottom)])
        self._draw.rounded_rectangle([*corners[0], *corners[1]], radius * self._scale, fill=ink)

    @staticmethod
    def curve(middle: Point, half_width: float, half_height: float, start: float, end: float) -> list[Point]:
        """Points of an elliptic arc."""
        steps = max(8, round(abs(end - start) / 3))
        angles = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
        return [(middle[0] + half_width * math.cos(a), middle[1] + half_height * math.sin(a)) for a in angles]

    def wave(self, start: Point, end: Point, swing: float, turns: float, *, width: float = 6, ink: int = 255) -> None:
        """A sine along a straight way."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        length, points = math.hypot(dx, dy), []
        for step in range(49):
            part = step / 48
            aside = swing * math.sin(2 * math.pi * turns * part)
            points.append((start[0] + dx * part - dy / length * aside, start[1] + dy * part + dx / length * aside))
        self.line(*points, width=width, ink=ink)

    def arrow(self, *points: Point, width: float = 12, head: float = 15) -> None:
        """A line that ends in an arrow head, whose tip is the last point."""
        (x0, y0), (x1, y1) = points[-2:]
        length = math.hypot(x1 - x0, y1 - y0)
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        foot = x1 - ux * head * 1.25, y1 - uy * head * 1.25
        self.line(*points[:-1], (foot[0] + ux, foot[1] + uy), width=width)
        self.polygon((x1, y1), (foot[0] - uy * head, foot[1] + ux * head), (foot[0] + uy * head, foot[1] - ux * head))

    def mirror(self) -> None:
        """Turn left into right in all that is drawn so far."""
        self.image = self.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        self._draw = ImageDraw.Draw(self.image)

    def text(self, x: float, y: float, text: str, size: float, *, ink: int = 255) -> None:
        """Bold condensed letters, centred on a point."""
        font = ImageFont.truetype(str(LETTERS), round(size * self._scale), layout_engine=ImageFont.Layout.BASIC)
        self._draw.text((x * self._scale, y * self._scale), text, fill=ink, font=font, anchor="mm")


Drawing = Callable[[Pen], None]


@lru_cache(maxsize=256)
def rasterised(drawing: Drawing, side_px: int) -> NDArray[np.uint8]:
    """Coverage of a drawing, `side_px` x `side_px`, 0 to 255."""
    pen = Pen(side_px)
    drawing(pen)
    return np.asarray(pen.image.reduce(SUPERSAMPLING), np.uint8)
