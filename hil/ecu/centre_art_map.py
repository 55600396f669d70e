"""How navigation looks: a drawn map with the route, the next manoeuvre and what is left of the way. Pure.

Rules of this module: the map is drawn once for a theme, a manoeuvre and a zoom, four times as large. It is heading-up
with the car below the middle; the route goes up to a crossing and leaves it as the manoeuvre says. It is a drawing: the
vehicle sends no map.
"""

from __future__ import annotations

import math
import random
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw

from hil.ecu.centre_icons import icon
from hil.ecu.centre_pen import Theme, mixed, shape_mask
from hil.ecu.centre_places import Rect
from hil.ecu.centre_sheet import Sheet
from hil.ecu.centre_state import NavigationBody
from hil.ecu.cluster_state import Rgb
from hil.ecu.symbols_guidance import MANOEUVRES
from hil.ecu.symbols_pen import SUPERSAMPLING, Pen

STATUS_WORDS: Final = {
    "": "not_available", "Off": "no_route", "Calculating": "calculating", "OffRoute": "off_route",
    "Arrived": "arrived", "NoSignal": "no_position",
}  # fmt: skip
_TURNS: Final = {
    "Left": -90, "SlightLeft": -40, "SharpLeft": -135, "Right": 90, "SlightRight": 40, "SharpRight": 135,
    "UTurnLeft": -170, "UTurnRight": 170, "RoundaboutExit": 55, "RoundaboutEnter": 55, "KeepLeft": -20,
    "KeepRight": 20, "MotorwayEnter": 30, "MotorwayExit": 30,
}  # fmt: skip
_FINE: Final = 2
Point = tuple[float, float]


def still(sheet: Sheet) -> None:
    """Cards and keys."""
    places, theme = sheet.places, sheet.theme
    sheet.canvas.card(places["guidance"])
    for name in ("arrival", "remaining", "time"):
        card = places[f"{name}_card"]
        sheet.canvas.card(card)
        sheet.put(card.cut(left=4, right=4, bottom=10).bottom(32), sheet.word(name), 20, theme.faint)
    sheet.button("go_home", "home", sheet.word("go_home"))
    sheet.button("stop_route", "flag", sheet.word("stop_route"))


def navigation(sheet: Sheet, body: NavigationBody) -> None:
    """Map and guidance."""
    theme, area = sheet.theme, sheet.places["map"]
    manoeuvre = body.manoeuvre if body.status == "Guiding" else ""
    sheet.canvas.image.paste(
        _map(theme, area.w, area.h, manoeuvre, body.zoom),
        area.box,
        shape_mask(area.w, area.h, theme.shape, theme.radius),
    )
    sheet.canvas.frame(area, theme.edge)
    sheet.button("zoom_in", "plus", side=34)
    sheet.button("zoom_out", "minus", side=34)
    sheet.button(
        "guidance_voice", "speaker" if body.voice_on else "mute", sheet.word("guidance_voice"), lit=body.voice_on
    )
    for name, text in (("arrival", body.arrival), ("remaining", body.remaining), ("time", body.minutes)):
        sheet.text(name, text, 32, weight="bold")
    if body.destination:
        spot = sheet.places["destination"]
        sheet.canvas.fill(spot, theme.bar, 16)
        sheet.icon(spot.left(52), "flag", 28, theme.accent)
        sheet.put(spot.cut(left=54, right=14), body.destination, 26, align="left")
    if body.status == "Guiding":
        _put_manoeuvre(sheet, body)
    else:
        card = sheet.places["guidance"]
        sheet.icon(card.cut(bottom=60), "navigation", 96, theme.faint)
        sheet.put(card.inset(16, 26).bottom(56), sheet.word(STATUS_WORDS[body.status]), 32, weight="bold")


def _put_manoeuvre(sheet: Sheet, body: NavigationBody) -> None:
    theme, spot = sheet.theme, sheet.places["guidance_icon"]
    if body.manoeuvre in MANOEUVRES:
        sheet.canvas.mask((spot.x, spot.y), _arrow(body.manoeuvre, spot.w), theme.accent)
    sheet.text("guidance_distance", body.distance, 54, align="left", weight="bold")
    sheet.text("guidance_road", body.road, 32, weight="bold", align="left")
    if body.delay:
        sheet.text("guidance_status", f"{sheet.word('delay')} {body.delay}", 24, theme.warn, align="left")


@lru_cache(maxsize=32)
def _arrow(manoeuvre: str, side: int) -> Image.Image:
    pen = Pen(side)
    MANOEUVRES[manoeuvre](pen)
    return pen.image.reduce(SUPERSAMPLING)


# ---- the map


@lru_cache(maxsize=24)
def _map(theme: Theme, w: int, h: int, manoeuvre: str, zoom: int) -> Image.Image:
    fine = Image.new("RGB", (w * _FINE, h * _FINE), mixed(theme.bottom, theme.card_low, 0.55))
    draw = ImageDraw.Draw(fine)
    scale = (0.6, 1.0, 1.7)[zoom] * h * _FINE / 640
    car = (w * _FINE * 0.5, h * _FINE * 0.74)
    turn = math.radians(_TURNS.get(manoeuvre, 0))
    _draw_land(draw, theme, car, scale)
    _draw_streets(draw, theme, car, scale, turn)
    if manoeuvre:
        _draw_route(draw, theme, car, scale, turn)
    small = fine.reduce(_FINE)
    mark = icon("navigation", 66)
    at = (round(car[0] / _FINE) - 33, round(car[1] / _FINE) - 33)
    disc = shape_mask(92, 92, "round", 46).point([v * 60 // 100 for v in range(256)])
    small.paste(theme.bar, (at[0] - 13, at[1] - 13), disc)
    small.paste(theme.ink, at, mark)
    return small


def _at(car: Point, scale: float, x: float, y: float) -> Point:
    """A point in metres right of and ahead of the car, slanted a little as streets are."""
    return car[0] + (x + 0.06 * y) * scale, car[1] - (y - 0.05 * x) * scale


def _draw_land(draw: ImageDraw.ImageDraw, theme: Theme, car: Point, scale: float) -> None:
    green = mixed(theme.card_low, theme.good, 0.28)
    water = mixed(theme.card_low, (60, 140, 220), 0.34)
    park = [(-640, 120), (-420, 60), (-260, 150), (-240, 420), (-480, 520), (-700, 400)]
    lake = [(300, -60), (520, -120), (760, 40), (700, 240), (480, 210), (340, 120)]
    for points, colour in ((park, green), (lake, water)):
        draw.polygon([_at(car, scale, x, y) for x, y in points], fill=colour)
    rng, block = random.Random(11), mixed(theme.card_low, theme.faint, 0.12)
    for _ in range(150):
        x, y = rng.uniform(-900, 900), rng.uniform(-400, 900)
        wide, deep = rng.uniform(26, 62), rng.uniform(26, 62)
        if abs(x % 190 - 95) > 62 or abs(y % 170 - 85) > 54:
            continue
        corners = [(x, y), (x + wide, y), (x + wide, y + deep), (x, y + deep)]
        draw.polygon([_at(car, scale, *corner) for corner in corners], fill=block)


def _line(draw: ImageDraw.ImageDraw, points: list[Point], width: float, colour: Rgb) -> None:
    draw.line(points, fill=colour, width=round(width), joint="curve")
    for x, y in (points[0], points[-1]):
        draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=colour)


def _draw_streets(draw: ImageDraw.ImageDraw, theme: Theme, car: Point, scale: float, turn: float) -> None:
    edge, small = mixed(theme.bottom, theme.bar, 0.5), mixed(theme.card, theme.faint, 0.18)
    main = mixed(theme.card, theme.faint, 0.5)
    streets: list[tuple[list[Point], float, Rgb]]
    streets = [([(-950, 170.0 * k - 340), (950, 170.0 * k - 340)], 15.0, small) for k in range(8)]
    streets += [([(190.0 * k - 950, -420), (190.0 * k - 950, 950)], 15.0, small) for k in range(11)]
    streets += [([(0, -420), (0, 950)], 26.0, main), ([(-950, 260), (950, 260)], 26.0, main)]
    far = (900 * math.sin(turn), 260 + 900 * math.cos(turn))
    streets.append(([(0, 260), far], 26.0, main))
    for grow, of in ((5.0, 0), (0.0, 1)):
        for points, width, colour in streets:
            _line(draw, [_at(car, scale, *p) for p in points], (width + grow) * scale, edge if of == 0 else colour)


def _draw_route(draw: ImageDraw.ImageDraw, theme: Theme, car: Point, scale: float, turn: float) -> None:
    far = (900 * math.sin(turn), 260 + 900 * math.cos(turn))
    points = [_at(car, scale, *p) for p in ((0, 0), (0, 258), (0, 260), far)]
    _line(draw, points, 24 * scale, mixed(theme.accent_low, (0, 0, 0), 0.35))
    _line(draw, points, 16 * scale, theme.accent)
    x, y = _at(car, scale, 0, 260)
    reach = 15 * scale
    draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=theme.ink)


def icon_area(rect: Rect) -> Rect:
    """The square for a manoeuvre."""
    return rect
