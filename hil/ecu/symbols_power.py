"""Symbols of engine, battery, tank and drive: ISO 2575 in our own drawing."""

from __future__ import annotations

import math

from hil.ecu.symbols_pen import Pen


def engine(pen: Pen) -> None:
    """An engine block."""
    outline = [(27, 34), (67, 34), (73, 44), (80, 44), (80, 54), (80, 70), (64, 70), (58, 78), (32, 78), (26, 68)]
    pen.line(*outline, (18, 68), (18, 44), (27, 44), (27, 34), width=7)
    pen.line((80, 50), (90, 46), (90, 72), (80, 66), width=6.5)
    pen.line((6, 46), (6, 68), width=7)
    pen.line((6, 57), (18, 57), width=7)
    pen.line((36, 22), (58, 22), width=7)
    pen.line((47, 22), (47, 34), width=7)


def oil(pen: Pen) -> None:
    """An oil can with a drop."""
    pen.polygon((26, 44), (66, 44), (72, 52), (92, 40), (95, 45), (70, 74), (26, 74))
    pen.line((26, 56), (10, 47), (5, 55), (24, 66), width=5)
    pen.line((38, 36), (54, 36), width=6)
    pen.line((46, 36), (46, 46), width=6)
    pen.polygon((91, 53), (96, 64), (86, 64))
    pen.disc(91, 66, 5.2)


def coolant(pen: Pen) -> None:
    """A thermometer in a liquid."""
    pen.line((44, 10), (44, 58), width=10)
    pen.disc(44, 62, 12.5)
    for y in (14, 28, 42):
        pen.line((49, y), (66, y), width=6)
    pen.wave((6, 68), (27, 68), 3.5, 1, width=6)
    pen.wave((61, 68), (94, 68), 3.5, 1.5, width=6)
    pen.wave((6, 87), (94, 87), 4, 4, width=6)


def battery(pen: Pen) -> None:
    """A battery with its two poles."""
    pen.line((8, 28), (92, 28), (92, 80), (8, 80), (8, 28), width=7)
    pen.polygon((18, 15), (38, 15), (38, 28), (18, 28))
    pen.polygon((62, 15), (82, 15), (82, 28), (62, 28))
    pen.line((20, 53), (38, 53), width=7)
    pen.line((62, 53), (80, 53), width=7)
    pen.line((71, 44), (71, 62), width=7)


def hv_battery(pen: Pen) -> None:
    """A battery, upright, with a flash: high voltage."""
    pen.box(18, 16, 82, 95, radius=8)
    pen.box(36, 5, 64, 20, radius=3)
    pen.polygon((57, 24), (29, 60), (47, 60), (42, 89), (72, 49), (53, 49), ink=0)


def charge_plug(pen: Pen) -> None:
    """A plug on its cable."""
    for x in (38, 62):
        pen.line((x, 8), (x, 26), width=8)
    pen.box(24, 24, 76, 38, radius=3)
    pen.polygon((27, 38), (73, 38), (73, 48), (60, 64), (40, 64), (27, 48))
    pen.line((50, 62), (50, 74), *pen.curve((40, 78), 10, 10, 0, 90), (30, 88), (14, 88), width=7)


def fuel(pen: Pen) -> None:
    """A fuel pump."""
    pen.box(16, 10, 60, 90, radius=5)
    pen.box(25, 20, 51, 43, radius=3, ink=0)
    pen.line((10, 90), (66, 90), width=7)
    pen.line((62, 48), (70, 48), (74, 54), (74, 74), *pen.curve((81, 74), 7, 8, 180, 0), (88, 40), (72, 22), width=6)
    pen.polygon((80, 30), (91, 40), (91, 52), (80, 46))


def particulate_filter(pen: Pen) -> None:
    """A filter in its pipe, full of soot."""
    pen.line((4, 50), (18, 50), width=8)
    pen.line((82, 50), (96, 50), width=8)
    pen.line((20, 44), (32, 26), (68, 26), (80, 44), (80, 56), (68, 74), (32, 74), (20, 56), (20, 44), width=6.5)
    for x, y in ((38, 40), (50, 36), (62, 40), (33, 50), (44, 51), (56, 49), (67, 51), (38, 61), (50, 64), (62, 60)):
        pen.disc(x, y, 3.9)


def service(pen: Pen) -> None:
    """A spanner."""
    pen.line((24, 78), (62, 38), width=17)
    pen.disc(70, 29, 23)
    pen.polygon((70, 31), (80, -2), (104, 22), ink=0)
    pen.line((71, 30), (90, 10), width=15, ink=0)
    pen.disc(22, 80, 12)
    pen.disc(22, 80, 4.5, ink=0)


def transmission(pen: Pen) -> None:
    """A gear wheel with an exclamation mark."""
    for tooth in range(8):
        angle = math.radians(22.5 + 45 * tooth)
        inner, outer = ((50 + r * math.cos(angle), 50 + r * math.sin(angle)) for r in (34, 42))
        pen.line(inner, outer, width=13)
    pen.disc(50, 50, 37)
    pen.disc(50, 50, 27, ink=0)
    pen.polygon((44.5, 30), (55.5, 30), (53, 54), (47, 54))
    pen.disc(50, 65, 5.4)


def start_stop(pen: Pen) -> None:
    """An A in a turning arrow."""
    pen.arc(50, 52, 36, -50, 255, width=7.5)
    pen.polygon((37, 3), (62, 17), (37, 31))
    pen.text(50, 54, "A", 52)


def ready(pen: Pen) -> None:
    """READY, as it is written on the road."""
    pen.text(50, 36, "READY", 36)
    pen.line((8, 68), (92, 68), width=8)
    pen.polygon((66, 52), (96, 68), (66, 84))


def immobiliser(pen: Pen) -> None:
    """A key."""
    pen.ring(27, 50, 18, width=10)
    pen.line((45, 50), (92, 50), width=10)
    pen.line((73, 50), (73, 68), width=10)
    pen.line((89, 50), (89, 64), width=10)
