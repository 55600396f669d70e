"""The look of brio: sporty, warm, one great dial in the middle, revs to its left, texts to its right."""

from __future__ import annotations

from typing import Final

import numpy as np

from hil.ecu.cluster_dial import Dial, DialColours
from hil.ecu.cluster_look import Bar, Card, Line, Look, Theme, strip
from hil.ecu.cluster_paint import SIZE, blend, glow, gradient, polygon_mask, put_text
from hil.hmi.frames import Pixels

_NUMBERS: Final = "Play-Bold.ttf"
_BOLD: Final = "RobotoCondensed-Bold.ttf"
_PLAIN: Final = "RobotoCondensed-Medium.ttf"

DAY: Final = Theme(
    light=1.0,
    top=(22, 18, 17),
    bottom=(7, 5, 5),
    ink=(250, 244, 236),
    soft=(176, 162, 150),
    line=(112, 86, 70),
    card=(40, 30, 26),
    accent=(255, 112, 24),
    regain=(92, 208, 70),
    groove=(58, 48, 43),
    dial=DialColours(
        face=(34, 28, 26),
        edge=(9, 7, 7),
        rim=(168, 148, 132),
        ink=(250, 244, 236),
        faint=(160, 156, 152),
        track=(48, 40, 37),
        needle=(255, 104, 16),
        light=((150, 30, 8), (255, 140, 20)),
        redline=(240, 26, 48),
    ),
)
NIGHT: Final = Theme(
    light=0.6,
    top=(11, 8, 7),
    bottom=(3, 2, 2),
    ink=(180, 174, 167),
    soft=(120, 106, 94),
    line=(66, 48, 38),
    card=(22, 15, 12),
    accent=(153, 67, 14),
    regain=(55, 125, 42),
    groove=(31, 24, 21),
    dial=DialColours(
        face=(17, 13, 12),
        edge=(4, 3, 3),
        rim=(88, 74, 64),
        ink=(180, 174, 167),
        faint=(98, 95, 92),
        track=(26, 20, 18),
        needle=(153, 62, 10),
        light=((80, 14, 4), (153, 84, 12)),
        redline=(144, 16, 29),
    ),
)


def _speed_dial(labels: range, minor: int) -> Dial:
    return Dial(
        pivot=(640, 240),
        radius=191,
        labels=tuple(str(value) for value in labels),
        minor=minor,
        sweep=264.0,
        track=(178.0, 187.0),
        ticks=(154.0, 164.0, 175.0),
        label=148.0,
        label_size=23,
        blade=(101.0, 176.0),
        blade_width=(5.0, 1.6),
        hollow=98.0,
    )


_RPM: Final = Dial(
    pivot=(222, 240),
    radius=160,
    labels=tuple(str(value) for value in range(9)),
    minor=2,
    sweep=240.0,
    track=(146.0, 156.0),
    ticks=(126.0, 134.0, 143.0),
    label=120.0,
    label_size=25,
    blade=(54.0, 144.0),
    blade_width=(4.4, 1.6),
    hollow=50.0,
    redline=6.5 / 8,
)
_SIDE: Final = 38
_PITCH: Final = 50
_TOP_LEFT: Final = "position_lights low_beam high_beam auto_high_beam front_fog rear_fog bulb"
_TOP_MIDDLE: Final = "brake park_brake oil coolant battery steering airbag"
_TOP_RIGHT: Final = "ready acc speed_limiter lane_assist auto_hold hill_descent start_stop"
_BOTTOM: Final = (
    "engine abs esc esc_off tyre brake_pad transmission particulate_filter fuel washer "
    "seat_belt door immobiliser hv_battery ecall "
    "suspension charge_plug passenger_airbag_off service emergency_brake_off attention ice"
)


def _put_stripes(pixels: Pixels, theme: Theme) -> None:
    """Fine slanted stripes on both sides, and the lines that run into the great dial."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    stripe = ((x + y) % 8 < 3) * np.clip((np.abs(x - 640) - 150) / 500, 0, 1) * 26
    blend(pixels, stripe.astype(np.uint8), 0, 0, theme.line)
    wings = []
    for side in (-1, 1):
        for edge in (51, 427):
            inner = 640 + side * 120
            wings.append(
                [(640.0 + side * 640, edge), (inner, edge), (inner, edge + 2.0), (640.0 + side * 640, edge + 2.0)]
            )
    mask = polygon_mask(SIZE[0], SIZE[1], *wings) * np.clip((600 - np.abs(np.arange(SIZE[0]) - 640)) / 460, 0, 1)
    blend(pixels, mask.astype(np.uint8), 0, 0, theme.accent)


def _decorate(pixels: Pixels, theme: Theme) -> None:
    _put_stripes(pixels, theme)
    glow(pixels, (640, 240), (380, 300), theme.dial.redline, 0.26)


def _splash(theme: Theme) -> Pixels:
    """Three slanted blades, and the brand's name."""
    pixels = gradient(theme.top, theme.bottom)
    glow(pixels, (640, 200), (480, 280), theme.dial.redline, 0.34)
    for place, colour in enumerate((theme.dial.redline, theme.accent, theme.ink)):
        left = 540.0 + 62 * place
        blade = [(left + 58, 100.0), (left + 104, 100.0), (left + 46, 260.0), (left, 260.0)]
        blend(pixels, polygon_mask(SIZE[0], SIZE[1], blade), 0, 0, colour)
    put_text(pixels, (640, 332), "BRIO", 84, theme.ink, file=_NUMBERS)
    put_text(pixels, (640, 398), "open cockpit", 19, theme.soft, file=_PLAIN)
    return pixels


BRIO: Final = Look(
    brand="brio",
    day=DAY,
    night=NIGHT,
    label_file=_BOLD,
    scale_file=_NUMBERS,
    speed={"km/h": _speed_dial(range(0, 221, 20), 4), "mph": _speed_dial(range(0, 141, 20), 4)},
    rpm=_RPM,
    telltales={
        "turn_left": ((440, 26), 44),
        "turn_right": ((840, 26), 44),
        **strip(_TOP_LEFT, 75, _PITCH, 26, _SIDE),
        **strip(_TOP_MIDDLE, 490, _PITCH, 26, _SIDE),
        **strip(_TOP_RIGHT, 905, _PITCH, 26, _SIDE),
        **strip(_BOTTOM, 115, _PITCH, 454, _SIDE),
    },
    texts={
        "speed": Line((640, 226), 82, _NUMBERS),
        "speed_unit": Line((640, 290), 20, _PLAIN, soft=True),
        "gear": Line((222, 240), 56, _NUMBERS),
        "clock": Line((872, 76), 24, _NUMBERS, align=0),
        "outside": Line((1244, 76), 25, _BOLD, align=1),
        "odometer": Line((666, 380), 20, _NUMBERS, align=1),
        "trip": Line((1014, 324), 21, _NUMBERS, align=1),
        "range": Line((1216, 324), 21, _NUMBERS, align=1),
        "acc_speed": Line((1244, 124), 24, _NUMBERS, align=1),
        "speed_limit": Line((903, 144), 28, _BOLD),
        "guidance_distance": Line((1040, 124), 28, _NUMBERS, align=0),
        "guidance_road": Line((1040, 164), 21, _BOLD, align=0, width=200),
    },
    labels={
        "odometer": Line((640, 354), 14, _PLAIN, soft=True),
        "odometer_unit": Line((672, 380), 15, _PLAIN, align=0, soft=True),
        "trip": Line((872, 324), 16, _PLAIN, align=0, soft=True),
        "trip_unit": Line((1020, 324), 16, _PLAIN, align=0, soft=True),
        "range": Line((1078, 324), 16, _PLAIN, align=0, soft=True),
        "range_unit": Line((1222, 324), 16, _PLAIN, align=0, soft=True),
        "charge": Line((1078, 388), 13, _PLAIN, align=0, soft=True),
        "power": Line((1244, 388), 13, _PLAIN, align=1, soft=True),
        "rpm": Line((222, 346), 16, _PLAIN, soft=True),
    },
    bars={
        "fuel": Bar((918, 362, 104, 10), ends=("E", "F"), symbol=("fuel", (883, 366), 24)),
        "coolant": Bar((1122, 362, 104, 10), ends=("C", "H"), symbol=("thermometer", (1088, 366), 24), hot=0.85),
        "charge": Bar((918, 400, 104, 10), symbol=("charge_plug", (883, 404), 24)),
        "power": Bar((1078, 400, 166, 10), fills="middle"),
    },
    card=Card(
        box=(868, 206, 380, 88),
        radius=0,
        slant=16,
        marks=((10, 22, 8, 54), (362, 14, 8, 54)),
        symbol=((54, 45), 48),
        text=(92, 238),
        sizes=(26, 23),
        queue=(344, 18),
        file=_BOLD,
    ),
    sign=((903, 144), 33),
    cruise=((1180, 122), 30),
    guidance=((986, 144), 88),
    decorate=_decorate,
    splash=_splash,
)
