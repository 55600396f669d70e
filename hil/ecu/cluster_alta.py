"""The look of alta: calm, blue and white, two dials with the numbers in their middle, and a road between them."""

from __future__ import annotations

from typing import Final

import numpy as np

from hil.ecu.cluster_dial import Dial, DialColours
from hil.ecu.cluster_look import Bar, Card, Line, Look, Theme, strip
from hil.ecu.cluster_paint import SIZE, band, blend, glow, gradient, polar_grid, polygon_mask, put_text
from hil.hmi.frames import Pixels

_BOLD: Final = "Inter-SemiBold.otf"
_PLAIN: Final = "Inter-Medium.otf"

DAY: Final = Theme(
    light=1.0,
    top=(12, 17, 27),
    bottom=(3, 4, 8),
    ink=(240, 244, 250),
    soft=(152, 160, 172),
    line=(74, 86, 104),
    card=(24, 31, 43),
    accent=(47, 157, 255),
    regain=(52, 214, 150),
    groove=(36, 43, 54),
    dial=DialColours(
        face=(20, 25, 33),
        edge=(6, 8, 12),
        rim=(126, 138, 156),
        ink=(240, 244, 250),
        faint=(146, 149, 154),
        track=(34, 39, 48),
        needle=(47, 157, 255),
        light=((10, 58, 120), (70, 176, 255)),
        redline=(226, 48, 56),
    ),
)
NIGHT: Final = Theme(
    light=0.6,
    top=(5, 7, 12),
    bottom=(1, 2, 4),
    ink=(172, 175, 180),
    soft=(104, 110, 120),
    line=(44, 52, 64),
    card=(13, 17, 24),
    accent=(28, 94, 153),
    regain=(31, 128, 90),
    groove=(20, 24, 31),
    dial=DialColours(
        face=(10, 12, 16),
        edge=(3, 4, 6),
        rim=(66, 74, 86),
        ink=(172, 175, 180),
        faint=(92, 94, 98),
        track=(19, 22, 28),
        needle=(28, 94, 153),
        light=((6, 32, 70), (40, 104, 153)),
        redline=(136, 29, 34),
    ),
)


def _dial(x: int, labels: range, minor: int, size: int, redline: float = 1.0, divisor: int = 1) -> Dial:
    return Dial(
        pivot=(x, 240),
        radius=187,
        labels=tuple(str(value // divisor) for value in labels),
        minor=minor,
        sweep=248.0,
        track=(173.0, 182.0),
        ticks=(155.0, 162.0, 170.0),
        label=149.0,
        label_size=size,
        blade=(102.0, 171.0),
        blade_width=(3.4, 2.0),
        hollow=98.0,
        redline=redline,
    )


_LEFT: Final = "position_lights low_beam auto_high_beam high_beam front_fog rear_fog bulb"
_MIDDLE: Final = "speed_limiter acc ready lane_assist auto_hold"
_RIGHT: Final = "start_stop hill_descent ice attention emergency_brake_off passenger_airbag_off charge_plug"
_BOTTOM: Final = (
    "service washer fuel particulate_filter transmission engine oil coolant battery hv_battery brake park_brake "
    "steering airbag seat_belt door immobiliser ecall abs esc esc_off tyre brake_pad suspension"
)
_SIDE: Final = 38
_PITCH: Final = 50


def _put_road(pixels: Pixels, theme: Theme) -> None:
    """A lane that runs to the horizon, faint, with its middle lines."""
    horizon, foot = 234.0, 340.0
    near = [(-4.0, horizon), (-2.0, horizon), (-104.0, foot), (-118.0, foot)]
    far = [(-13.0, horizon), (-11.5, horizon), (-300.0, foot), (-312.0, foot)]
    sides = [[(640 + side * x, y) for x, y in edge] for edge in (near, far) for side in (-1, 1)]
    mask = polygon_mask(SIZE[0], SIZE[1], *sides[:2]) + 0.5 * polygon_mask(SIZE[0], SIZE[1], *sides[2:])
    rows = np.clip((np.arange(SIZE[1]) - horizon) / 70, 0, 1) * np.clip((foot - np.arange(SIZE[1])) / 24, 0, 1)
    columns = np.clip((186 - np.abs(np.arange(SIZE[0]) - 640)) / 80, 0, 1)
    faded = np.clip(mask * rows[:, None] * columns[None, :] * 0.42, 0, 255)
    blend(pixels, faded.astype(np.uint8), 0, 0, theme.line)


def _put_hair_lines(pixels: Pixels, theme: Theme) -> None:
    """Lines above and below the middle, fading to their ends."""
    fade = np.sin(np.linspace(0, np.pi, 380)) ** 0.8 * 170
    for y in (88, 344):
        blend(pixels, fade.astype(np.uint8)[None, :], 450, y, theme.line)


def _decorate(pixels: Pixels, theme: Theme) -> None:
    glow(pixels, (640, 250), (420, 230), theme.accent, 0.16)
    _put_road(pixels, theme)
    _put_hair_lines(pixels, theme)


def _splash(theme: Theme) -> Pixels:
    """The ring of light, and the brand's name."""
    pixels = gradient(theme.top, theme.bottom)
    glow(pixels, (640, 190), (460, 260), theme.accent, 0.3)
    half = 120
    radius, angle = polar_grid(half)
    patch = pixels[190 - half : 190 + half, 640 - half : 640 + half]
    lit = band(radius, 84, 90) * np.clip(0.62 + 0.38 * np.cos(np.radians(angle)), 0, 1)
    blend(patch, (lit * 255).astype(np.uint8), 0, 0, theme.ink)
    blend(patch, (band(radius, 92, 94) * 130).astype(np.uint8), 0, 0, theme.accent)
    peak = [(62.0, 152.0), (113.0, 62.0), (127.0, 62.0), (178.0, 152.0), (161.0, 152.0), (120.0, 79.0), (79.0, 152.0)]
    blend(patch, polygon_mask(240, 240, peak), 0, 0, theme.ink)
    for place, letter in enumerate("ALTA"):
        put_text(pixels, (640 + 74 * (place - 1.5), 346), letter, 46, theme.ink, file=_PLAIN)
    put_text(pixels, (640, 400), "open cockpit", 18, theme.soft, file=_PLAIN)
    return pixels


ALTA: Final = Look(
    brand="alta",
    day=DAY,
    night=NIGHT,
    label_file=_PLAIN,
    scale_file=_PLAIN,
    speed={"km/h": _dial(236, range(0, 261, 20), 4, 19), "mph": _dial(236, range(0, 161, 20), 4, 22)},
    rpm=_dial(1044, range(0, 9), 4, 24, redline=6.5 / 8),
    telltales={
        "turn_left": ((490, 26), 44),
        "turn_right": ((790, 26), 44),
        **strip(_LEFT, 120, _PITCH, 26, _SIDE),
        **strip(_MIDDLE, 540, _PITCH, 26, _SIDE),
        **strip(_RIGHT, 860, _PITCH, 26, _SIDE),
        **strip(_BOTTOM, 65, _PITCH, 454, _SIDE),
    },
    texts={
        "speed": Line((236, 228), 78, _BOLD),
        "speed_unit": Line((236, 286), 20, _PLAIN, soft=True),
        "gear": Line((1044, 222), 72, _BOLD),
        "clock": Line((454, 68), 22, _BOLD, align=0),
        "outside": Line((826, 68), 22, _PLAIN, align=1),
        "odometer": Line((590, 365), 19, _BOLD, align=1),
        "trip": Line((796, 365), 19, _BOLD, align=1),
        "range": Line((1044, 286), 22, _BOLD, align=1),
        "acc_speed": Line((796, 164), 28, _BOLD),
        "speed_limit": Line((486, 146), 27, _BOLD),
        "guidance_distance": Line((634, 148), 28, _BOLD, align=0),
        "guidance_road": Line((640, 216), 20, _PLAIN, width=340),
    },
    labels={
        "odometer": Line((452, 365), 13, _PLAIN, align=0, soft=True),
        "odometer_unit": Line((596, 365), 14, _PLAIN, align=0, soft=True),
        "trip": Line((658, 365), 13, _PLAIN, align=0, soft=True),
        "trip_unit": Line((802, 365), 14, _PLAIN, align=0, soft=True),
        "range_unit": Line((1050, 286), 16, _PLAIN, align=0, soft=True),
        "charge": Line((452, 391), 12, _PLAIN, align=0, soft=True),
        "power": Line((828, 391), 12, _PLAIN, align=1, soft=True),
        "rpm": Line((1044, 166), 14, _PLAIN, soft=True),
    },
    bars={
        "coolant": Bar((180, 392, 112, 8), ends=("C", "H"), symbol=("thermometer", (236, 370), 24), hot=0.85),
        "fuel": Bar((988, 392, 112, 8), ends=("E", "F"), symbol=("fuel", (1044, 370), 23)),
        "charge": Bar((1012, 412, 68, 6), symbol=("charge_plug", (997, 415), 18)),
        "power": Bar((452, 406, 376, 8), fills="middle"),
    },
    card=Card(
        box=(448, 240, 384, 90),
        radius=14,
        slant=0,
        marks=((10, 16, 6, 58), (368, 16, 6, 58)),
        symbol=((52, 45), 48),
        text=(90, 252),
        sizes=(24, 21),
        queue=(352, 20),
        file=_PLAIN,
    ),
    sign=((486, 146), 33),
    cruise=((796, 128), 34),
    guidance=((576, 148), 88),
    decorate=_decorate,
    splash=_splash,
)
