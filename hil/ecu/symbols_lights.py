"""Symbols of the lights and of the view: ISO 2575 in our own drawing."""

from __future__ import annotations

import math

from hil.ecu.symbols_pen import Pen


def turn_left(pen: Pen) -> None:
    """Arrow to the left."""
    pen.polygon((3, 50), (46, 10), (46, 33), (97, 33), (97, 67), (46, 67), (46, 90))


def turn_right(pen: Pen) -> None:
    """Arrow to the right."""
    pen.polygon((97, 50), (54, 10), (54, 33), (3, 33), (3, 67), (54, 67), (54, 90))


def _lamp(pen: Pen, x: float = 56, way: int = 1) -> None:
    """A headlamp: flat on the side of its rays, a bulge on the other."""
    pen.line(*pen.curve((x, 50), 38 * way, 31, -90, 90), (x, 19), width=7)


def high_beam(pen: Pen) -> None:
    """Lamp with level rays."""
    _lamp(pen)
    for y in (18, 34, 50, 66, 82):
        pen.line((6, y), (41, y), width=6.5)


def low_beam(pen: Pen) -> None:
    """Lamp with rays that fall."""
    _lamp(pen)
    for y in (18, 34, 50, 66):
        pen.line((6, y + 13), (41, y), width=6.5)


def auto_high_beam(pen: Pen) -> None:
    """Lamp with an A, and level rays."""
    pen.polygon(*pen.curve((46, 50), 50, 40, -90, 90))
    pen.text(65, 51, "A", 50, ink=0)
    for y in (17, 39, 61, 83):
        pen.line((6, y), (34, y), width=7)


def position_lights(pen: Pen) -> None:
    """Two lamps back to back."""
    for side in (-1, 1):
        bulge = pen.curve((50 + side * 6, 50), side * 21, 22, -90, 90)
        pen.line(*bulge, bulge[0], width=6.5)
        for angle in (-32, 0, 32):
            cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
            ray = [(50 + side * (6 + r * cos), 50 + r * sin) for r in (29, 41)]
            pen.line(*ray, width=6)


def front_fog(pen: Pen) -> None:
    """Lamp with rays that fall, and fog across them."""
    _lamp(pen, 60)
    for y in (24, 43, 62):
        pen.line((4, y + 14), (46, y), width=6.5)
    pen.wave((25, 8), (25, 94), 7, 1.5, width=15, ink=0)
    pen.wave((25, 8), (25, 94), 7, 1.5, width=6.5)


def rear_fog(pen: Pen) -> None:
    """Lamp with level rays to the rear, and fog across them."""
    _lamp(pen, 40, -1)
    for y in (26, 50, 74):
        pen.line((54, y), (96, y), width=6.5)
    pen.wave((75, 6), (75, 94), 7, 1.5, width=15, ink=0)
    pen.wave((75, 6), (75, 94), 7, 1.5, width=6.5)


def bulb(pen: Pen) -> None:
    """A bulb with rays and an exclamation mark."""
    pen.ring(50, 48, 24, width=6.5)
    pen.box(37, 69, 63, 92, radius=5)
    pen.line((36, 79), (64, 79), width=3, ink=0)
    pen.line((50, 36), (50, 50), width=7)
    pen.disc(50, 60, 4)
    for angle in (-160, -125, -90, -55, -20):
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        pen.line((50 + 35 * cos, 48 + 35 * sin), (50 + 45 * cos, 48 + 45 * sin), width=6)


def washer(pen: Pen) -> None:
    """A windscreen with a jet of water."""
    pen.line((6, 84), (19, 30), *pen.curve((50, 30), 31, 10, -180, 0), (94, 84), (6, 84), width=6.5)
    pen.line((50, 77), (50, 50), width=6)
    for side in (-1, 1):
        for reach, rise in ((9, 16), (19, 10)):
            jet = pen.curve((50 + side * reach, 50), side * reach, rise, -180, 0)
            pen.line(*jet, (50 + side * 2 * reach, 54 + reach / 3), width=5)
