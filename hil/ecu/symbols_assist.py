"""Symbols of what assists the driver, and of what the road and the driver need: ISO 2575 in our own drawing."""

from __future__ import annotations

import math

from hil.ecu.symbols_pen import Pen


def _car_side(pen: Pen, x: float, y: float, scale: float = 1.0) -> None:
    """A car from the side, heading left; (x, y) is the middle between its wheels."""

    def at(dx: float, dy: float) -> tuple[float, float]:
        return x + dx * scale, y + dy * scale

    pen.polygon(at(-40, 2), at(-38, -12), at(-22, -15), at(-9, -31), at(22, -31), at(36, -14), at(40, -11), at(40, 2))
    pen.polygon(at(-12, -15), at(-4, -25), at(4, -25), at(4, -15), ink=0)
    pen.polygon(at(10, -15), at(10, -25), at(18, -25), at(27, -15), ink=0)
    for dx in (-22, 22):
        pen.disc(*at(dx, 2), 11 * scale, ink=0)
        pen.disc(*at(dx, 2), 8 * scale)


def acc(pen: Pen) -> None:
    """A car, and the distance that is kept to it."""
    pen.polygon((30, 28), (37, 10), (63, 10), (70, 28))
    pen.polygon((37, 27), (42, 16), (58, 16), (63, 27), ink=0)
    pen.box(22, 27, 78, 46, radius=5)
    for x in (26, 64):
        pen.box(x, 42, x + 10, 54, radius=2)
    for y, half in ((66, 24), (79, 33), (92, 42)):
        pen.line((50 - half, y), (50 + half, y), width=7)


def lane_assist(pen: Pen) -> None:
    """A car's wheels between the lines of a lane."""
    pen.line((30, 10), (8, 92), width=7.5)
    for begin, end in ((0.0, 0.26), (0.38, 0.64), (0.76, 1.0)):
        pen.line((70 + 22 * begin, 10 + 82 * begin), (70 + 22 * end, 10 + 82 * end), width=7.5)
    pen.polygon((38, 56), (43, 42), (57, 42), (62, 56))
    pen.box(31, 54, 69, 74, radius=4)
    pen.box(33, 72, 42, 82, radius=2)
    pen.box(58, 72, 67, 82, radius=2)


def speed_limiter(pen: Pen) -> None:
    """A speedometer, and LIM."""
    pen.arc(50, 50, 41, 158, 382, width=7.5)
    pen.line((50, 50), (70, 27), width=7)
    pen.disc(50, 50, 7.5)
    pen.text(50, 82, "LIM", 45)


def emergency_brake_off(pen: Pen) -> None:
    """A car that hits something, and OFF."""
    _car_side(pen, 60, 42, 0.82)
    for angle in (120, 180, 240):
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        pen.line((24 + 6 * cos, 30 + 6 * sin), (24 + 20 * cos, 30 + 20 * sin), width=6)
    pen.text(50, 82, "OFF", 46)


def hill_descent(pen: Pen) -> None:
    """A car that drives down a slope."""
    pen.polygon((4, 92), (96, 92), (96, 52))
    pen.polygon((16, 71), (20, 54), (33, 46), (39, 26), (64, 14), (76, 24), (89, 20), (93, 36))
    for x, y in ((33, 66), (74, 47)):
        pen.disc(x, y, 13, ink=0)
        pen.disc(x, y, 8.5)
    pen.polygon((42, 43), (47, 31), (61, 24), (69, 31), ink=0)


def auto_hold(pen: Pen) -> None:
    """AUTO HOLD."""
    pen.text(50, 28, "AUTO", 42)
    pen.text(50, 73, "HOLD", 42)


def attention(pen: Pen) -> None:
    """A cup of coffee."""
    pen.polygon((16, 44), (70, 44), (66, 74), (56, 82), (30, 82), (20, 74))
    pen.line(*pen.curve((70, 57), 17, 11, -80, 90), width=6.5)
    pen.line((10, 92), (78, 92), width=6.5)
    for x in (28, 43, 58):
        pen.wave((x, 8), (x, 34), 4, 1, width=6)


def ice(pen: Pen) -> None:
    """A flake of snow."""
    for turn in range(6):
        angle = math.radians(60 * turn - 90)
        cos, sin = math.cos(angle), math.sin(angle)
        pen.line((50, 50), (50 + 42 * cos, 50 + 42 * sin), width=6.5)
        for side in (-1, 1):
            branch = angle + side * math.radians(48)
            root = 50 + 23 * cos, 50 + 23 * sin
            pen.line(root, (root[0] + 16 * math.cos(branch), root[1] + 16 * math.sin(branch)), width=6)
