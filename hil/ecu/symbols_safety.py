"""Symbols of brakes, steering, tyres, doors and occupants: ISO 2575 in our own drawing."""

from __future__ import annotations

from hil.ecu.symbols_pen import Pen


def _shoes(pen: Pen, radius: float = 44, width: float = 7) -> None:
    """The two brake shoes beside a drum."""
    pen.arc(50, 50, radius, 140, 220, width=width)
    pen.arc(50, 50, radius, -40, 40, width=width)


def brake(pen: Pen) -> None:
    """A drum with its shoes and an exclamation mark."""
    pen.ring(50, 50, 29, width=7)
    _shoes(pen)
    pen.polygon((45.5, 32), (54.5, 32), (52.5, 55), (47.5, 55))
    pen.disc(50, 64, 4.6)


def park_brake(pen: Pen) -> None:
    """A drum with its shoes and a P, cut out."""
    pen.disc(50, 50, 33)
    _shoes(pen, 45, 6.5)
    pen.text(51, 51, "P", 54, ink=0)


def abs(pen: Pen) -> None:
    """A drum with its shoes and ABS."""
    pen.ring(50, 50, 32, width=6)
    _shoes(pen, 46, 6)
    pen.text(50, 51, "ABS", 31)


def brake_pad(pen: Pen) -> None:
    """A drum with shoes that are worn to pieces."""
    pen.ring(50, 50, 22, width=13)
    for start in (136, 166, 196, -44, -14, 16):
        pen.arc(50, 50, 43, start + 4, start + 24, width=8)


def esc(pen: Pen) -> None:
    """A car that skids."""
    _car_rear(pen, 50, 28)
    for x, turn in ((30, 1), (66, 1)):
        pen.wave((x, 60), (x + 4, 95), 6 * turn, 1.0, width=6.5)


def _car_rear(pen: Pen, x: float, y: float, scale: float = 1.0) -> None:
    """A car from behind; (x, y) is the middle of its body."""

    def at(dx: float, dy: float) -> tuple[float, float]:
        return x + dx * scale, y + dy * scale

    pen.polygon(at(-22, -6), at(-14, -24), at(14, -24), at(22, -6))
    pen.polygon(at(-16, -7), at(-10.5, -18.5), at(10.5, -18.5), at(16, -7), ink=0)
    pen.box(*at(-30, -7), *at(30, 15), radius=5 * scale)
    pen.box(*at(-28, 10), *at(-16, 25), radius=3 * scale)
    pen.box(*at(16, 10), *at(28, 25), radius=3 * scale)
    for side in (-1, 1):
        pen.disc(*at(19 * side, 3), 4.4 * scale, ink=0)


def esc_off(pen: Pen) -> None:
    """A car that skids, and OFF."""
    _car_rear(pen, 50, 20, 0.72)
    for x in (36, 61):
        pen.wave((x, 40), (x + 2, 58), 4, 1.0, width=5)
    pen.text(50, 80, "OFF", 48)


def tyre(pen: Pen) -> None:
    """The cross section of a tyre with an exclamation mark."""
    pen.line((28, 84), *pen.curve((50, 46), 40, 42, 140, 400), (72, 84), width=7)
    pen.line((22, 85), (78, 85), width=5)
    for x in (30, 43.3, 56.6, 70):
        pen.line((x, 87), (x, 94), width=6)
    pen.polygon((44, 20), (56, 20), (53, 52), (47, 52))
    pen.disc(50, 65, 5.6)


def airbag(pen: Pen) -> None:
    """A belted person before an air bag."""
    pen.disc(37, 17, 11)
    pen.line((32, 40), (38, 66), (66, 66), width=15)
    pen.line((66, 66), (74, 90), width=10)
    pen.line((14, 38), (24, 84), (52, 84), width=6)
    pen.disc(70, 39, 17)
    pen.line((40, 44), (52, 50), width=8)


def passenger_airbag_off(pen: Pen) -> None:
    """A person before an air bag, struck out, and OFF."""
    pen.disc(30, 12, 8)
    pen.line((28, 28), (32, 44), (52, 44), width=11)
    pen.line((52, 44), (58, 58), width=7)
    pen.disc(60, 25, 13)
    pen.line((88, 4), (14, 62), width=15, ink=0)
    pen.line((88, 4), (14, 62), width=6)
    pen.text(50, 82, "OFF", 46)


def seat_belt(pen: Pen) -> None:
    """A person with a belt."""
    pen.disc(54, 16, 12)
    pen.polygon((32, 38), (42, 31), (66, 31), (76, 38), (80, 84), (28, 84))
    pen.line((72, 26), (33, 86), width=14, ink=0)
    pen.line((76, 20), (32, 86), width=6)
    pen.line((14, 90), (86, 90), width=6)


def door(pen: Pen) -> None:
    """A car from above with open doors."""
    pen.line((34, 90), (34, 24), *pen.curve((50, 24), 16, 14, 180, 360), (66, 90), (34, 90), width=6.5)
    pen.line((37, 40), (63, 40), width=5)
    pen.line((37, 72), (63, 72), width=5)
    for side in (-1, 1):
        pen.line((50 + side * 17, 38), (50 + side * 42, 56), width=6.5)
        pen.line((50 + side * 17, 64), (50 + side * 38, 79), width=6.5)


def steering(pen: Pen) -> None:
    """A steering wheel with an exclamation mark."""
    pen.ring(40, 50, 33, width=8)
    pen.disc(40, 50, 10)
    pen.line((10, 46), (70, 46), width=8)
    pen.line((40, 52), (40, 80), width=9)
    pen.polygon((83, 22), (96, 22), (93, 58), (86, 58))
    pen.disc(89.5, 72, 6)


def suspension(pen: Pen) -> None:
    """A car on its spring, that rises and falls."""
    pen.line((6, 42), (16, 40), (28, 20), (66, 20), (80, 40), (95, 44), (95, 54), (84, 54), width=6)
    pen.line((62, 54), (40, 54), width=6)
    pen.line((16, 54), (6, 54), (6, 42), width=6)
    for x in (28, 73):
        pen.ring(x, 56, 9, width=6)
    pen.line((50, 74), (50, 84), width=6)
    pen.polygon((50, 62), (60, 75), (40, 75))
    pen.polygon((50, 98), (60, 85), (40, 85))


def ecall(pen: Pen) -> None:
    """SOS between waves."""
    pen.text(50, 51, "SOS", 50)
    for side in (-90, 90):
        for radius in (33, 45):
            pen.arc(50, 50, radius, side - 38, side + 38, width=6.5)
