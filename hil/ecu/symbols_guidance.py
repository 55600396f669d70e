"""Pictures of the manoeuvres, of the severities of a warning, and of the small helpers beside gauges."""

from __future__ import annotations

import math

from hil.ecu.symbols_pen import Drawing, Pen, Point


def _mirrored(drawing: Drawing) -> Drawing:
    """The same the other way round."""

    def mirror(pen: Pen) -> None:
        drawing(pen)
        pen.mirror()

    return mirror


def _bend(*points: Point) -> Drawing:
    def draw(pen: Pen) -> None:
        pen.arrow(*points, width=13, head=19)

    return draw


def _rounded(turn_deg: float) -> Drawing:
    """From below, then `turn_deg` to the left in a curve."""

    def draw(pen: Pen) -> None:
        radius, corner = 17.0, (60.0, 56.0)
        angle = math.radians(turn_deg)
        curve = pen.curve((corner[0] - radius, corner[1]), radius, radius, 0, -turn_deg)
        x, y = curve[-1]
        reach = 40 if turn_deg < 100 else 34
        pen.arrow((60, 94), *curve, (x - reach * math.sin(angle), y - reach * math.cos(angle)), width=13, head=19)

    return draw


def _u_turn(pen: Pen) -> None:
    pen.arrow((72, 94), (72, 40), *pen.curve((51, 40), 21, 22, 0, -180), (30, 84), width=13, head=19)


def _keep(pen: Pen) -> None:
    pen.line((58, 60), (76, 40), (76, 12), width=7)
    pen.arrow((52, 94), (52, 66), (30, 42), (30, 6), width=13, head=19)


def _fork(pen: Pen) -> None:
    """Off the road to the right."""
    pen.line((36, 94), (36, 8), width=7)
    pen.arrow((36, 94), (36, 74), (72, 38), (72, 10), width=13, head=19)


def _merge(pen: Pen) -> None:
    """Onto the road from the right."""
    pen.line((40, 94), (40, 40), width=7)
    pen.arrow((78, 94), (78, 78), (40, 48), (40, 6), width=13, head=19)


def _circle(pen: Pen) -> None:
    """Into a roundabout."""
    pen.ring(50, 38, 24, width=8)
    pen.arrow((50, 97), (50, 62), width=13, head=17)


def _circle_exit(pen: Pen) -> None:
    """Out of a roundabout."""
    pen.arc(44, 46, 22, 70, 290, width=8)
    pen.line((44, 96), (44, 72), width=13)
    pen.line(*pen.curve((44, 46), 22, 22, 90, -20), width=13)
    pen.arrow((62, 36), (92, 18), width=13, head=17)


def _ferry(pen: Pen) -> None:
    pen.polygon((8, 56), (92, 56), (80, 80), (22, 80))
    pen.box(26, 36, 74, 52, radius=2)
    pen.box(44, 18, 60, 38, radius=2)
    pen.wave((6, 92), (94, 92), 3.5, 4, width=6)


def _destination(pen: Pen) -> None:
    """A chequered flag."""
    pen.line((22, 8), (22, 94), width=7)
    for row in range(4):
        for column in range(5):
            if (row + column) % 2 == 0:
                left, top = 28 + 12 * column, 10 + 12 * row
                pen.polygon((left, top), (left + 12, top), (left + 12, top + 12), (left, top + 12))
    pen.line((26, 10), (88, 10), (88, 58), (26, 58), width=3.5)


def _waypoint(pen: Pen) -> None:
    """A pin."""
    pen.disc(50, 37, 29)
    pen.polygon((24, 50), (76, 50), (50, 96))
    pen.disc(50, 37, 12, ink=0)


_LEFT = {
    "Left": _rounded(90),
    "SlightLeft": _bend((60, 94), (60, 58), (28, 18)),
    "SharpLeft": _rounded(135),
    "UTurnLeft": _u_turn,
    "KeepLeft": _keep,
}
MANOEUVRES: dict[str, Drawing] = {
    "Straight": _bend((50, 94), (50, 6)),
    **_LEFT,
    **{name.replace("Left", "Right"): _mirrored(drawing) for name, drawing in _LEFT.items()},
    "RoundaboutEnter": _circle,
    "RoundaboutExit": _circle_exit,
    "MotorwayEnter": _merge,
    "MotorwayExit": _fork,
    "Ferry": _ferry,
    "Destination": _destination,
    "Waypoint": _waypoint,
}
"""By the labels of NAV_Guidance.Manoeuvre."""


def _information(pen: Pen) -> None:
    pen.disc(50, 50, 44)
    pen.disc(50, 28, 7.5, ink=0)
    pen.line((50, 46), (50, 74), width=12, ink=0)


def _outline(pen: Pen) -> None:
    pen.line((50, 15), (90, 83), (10, 83), (50, 15), width=11)
    pen.line((50, 40), (50, 60), width=9)
    pen.disc(50, 71, 5.5)


def _triangle(pen: Pen) -> None:
    pen.line((50, 15), (90, 83), (10, 83), (50, 15), width=11)
    pen.polygon((50, 15), (90, 83), (10, 83))
    pen.line((50, 38), (50, 58), width=9, ink=0)
    pen.disc(50, 72, 5.5, ink=0)


def _stop(pen: Pen) -> None:
    angles = [math.radians(angle) for angle in range(22, 382, 45)]
    pen.polygon(*((50 + 47 * math.cos(angle), 50 + 47 * math.sin(angle)) for angle in angles))
    pen.line((50, 26), (50, 54), width=11, ink=0)
    pen.disc(50, 72, 6.5, ink=0)


SEVERITIES: dict[str, Drawing] = {
    "information": _information,
    "caution": _outline,
    "warning": _triangle,
    "critical": _stop,
}


def _cruise(pen: Pen) -> None:
    """A speedometer with a mark at the set speed."""
    pen.arc(50, 58, 38, 150, 390, width=8)
    pen.line((50, 58), (70, 36), width=8)
    pen.disc(50, 58, 8)
    pen.polygon((84, 6), (98, 22), (76, 26))


def _thermometer(pen: Pen) -> None:
    pen.line((50, 14), (50, 62), width=15)
    pen.disc(50, 74, 18)
    for y in (14, 30, 46):
        pen.line((66, y), (80, y), width=8)


HELPERS: dict[str, Drawing] = {"cruise": _cruise, "thermometer": _thermometer}
