"""How the rear camera looks: a yard as a camera sees it, guide lines, distance bars. Pure.

Rules of this module: the scene is drawn once for day and night and view; the frame counter stands in the picture, and a
bright dot runs along its top with it, so that a frozen picture can be told. A fault shows a dark picture with text.

The lines are those of a camera 1 m above the ground that looks down by `_PITCH_DEG`: a point on the ground is where a
lens would put it.
"""

from __future__ import annotations

import math
import random
from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from hil.ecu.centre_places import Rect
from hil.ecu.centre_sheet import Sheet
from hil.ecu.centre_state import CameraBody
from hil.ecu.cluster_state import Rgb

_HEIGHT_M: Final = 1.0
_PITCH_DEG: Final = {0: 21.0, 1: 17.0, 2: 58.0}
_FOCAL: Final = {0: 0.50, 1: 0.38, 2: 0.48}
"""By view; in widths of the picture."""
HALF_TRACK_M: Final = 0.95
MARKS: Final[tuple[tuple[float, Rgb], ...]] = ((0.5, (255, 48, 40)), (1.0, (255, 200, 40)), (2.5, (70, 220, 90)))
"""Distance of the cross lines, m, and their colours."""
Point = tuple[float, float]


def still(sheet: Sheet) -> None:
    """The column of buttons."""
    theme = sheet.theme
    side = sheet.places["camera_side"]
    sheet.canvas.draw.rectangle(side.box, fill=theme.bar)
    for name in ("view_default", "view_wide", "view_top"):
        sheet.button(name, "camera", sheet.word(name))
    sheet.button("camera_mute", "mute")
    sheet.button("camera_close", "close")


def camera(sheet: Sheet, body: CameraBody) -> None:
    """The picture."""
    rect, theme = sheet.places["picture"], sheet.theme
    if body.fault:
        _put_fault(sheet, body.fault)
        return
    view = body.view if body.view in _FOCAL else 0
    sheet.canvas.image.paste(_scene(rect.w, rect.h, view, theme.night), (rect.x, rect.y))
    if body.radius is not None:
        _put_guides(sheet, rect, view, body.radius)
    _put_distances(sheet, rect, body.distances)
    _put_frame_mark(sheet, rect, body.counter)
    _put_captions(sheet, body)
    name = ("view_default", "view_wide", "view_top")[view]
    sheet.button(name, "camera", sheet.word(name), lit=True)


def _put_fault(sheet: Sheet, fault: str) -> None:
    rect = sheet.places["picture"]
    sheet.canvas.draw.rectangle((rect.x, rect.y, rect.x + rect.w - 1, rect.y + rect.h - 1), fill=(4, 4, 5))
    middle = Rect(rect.x, rect.y + rect.h // 2 - 130, rect.w, 150)
    sheet.icon(middle, "camera", 120, (90, 94, 100))
    sheet.put(
        Rect(rect.x + 40, rect.y + rect.h // 2 + 30, rect.w - 80, 64),
        sheet.word(fault),
        44,
        (236, 238, 242),
        weight="bold",
    )
    sheet.put(
        Rect(rect.x + 40, rect.y + rect.h // 2 + 100, rect.w - 80, 44), sheet.word("check_area"), 28, (150, 154, 162)
    )


def _put_captions(sheet: Sheet, body: CameraBody) -> None:
    canvas = sheet.canvas
    title, text = sheet.places["camera_title"], sheet.places["camera_text"]
    _shade(canvas.image, title, 0.45)
    sheet.put(title.inset(12, 0), sheet.word("rear_camera"), 25, (255, 255, 255), align="left")
    _shade(canvas.image, text, 0.35)
    key, colour = ("camera_soiled", (255, 200, 60)) if body.soiled else ("check_area", (255, 255, 255))
    sheet.put(text, sheet.word(key), 29, colour, weight="bold")


def _put_frame_mark(sheet: Sheet, rect: Rect, counter: int) -> None:
    spot = sheet.places["frame_counter"]
    _shade(sheet.canvas.image, spot, 0.45)
    sheet.put(spot, f"{counter:03d}", 25, (255, 255, 255))
    left = rect.x + 6 + (rect.w - 24) * counter // 255
    sheet.canvas.draw.rectangle((left, rect.y + 2, left + 11, rect.y + 7), fill=(120, 255, 140))


def _shade(image: Image.Image, rect: Rect, part: float) -> None:
    image.paste(image.crop(rect.box).point([round(v * part) for v in range(256)] * 3), rect.box)


# ---- geometry


def project(x_m: float, y_m: float, w: int, h: int, view: int) -> Point | None:
    """Where a point on the ground is in the picture: `x_m` to the right, `y_m` behind the bumper."""
    pitch, focal = math.radians(_PITCH_DEG[view]), _FOCAL[view] * w
    ahead = y_m + 0.45
    depth = ahead * math.cos(pitch) + _HEIGHT_M * math.sin(pitch)
    if depth < 0.05:
        return None
    down = _HEIGHT_M * math.cos(pitch) - ahead * math.sin(pitch)
    return w / 2 + focal * x_m / depth, h * 0.47 + focal * down / depth


def track_point(side_m: float, length_m: float, radius: float) -> tuple[float, float]:
    """A point of the car's track on the ground: `radius` is the curvature in 1/m, positive to the left."""
    if abs(radius) < 1e-4:
        return side_m, length_m
    angle = length_m * radius
    turn = 1 / radius
    return side_m * math.cos(angle) - turn * (1 - math.cos(angle)), (side_m + turn) * math.sin(angle)


def _path(side_m: float, from_m: float, to_m: float, radius: float, size: tuple[int, int, int]) -> list[Point]:
    lengths = (from_m + (to_m - from_m) * step / 24 for step in range(25))
    points = (project(*track_point(side_m, length, radius), *size) for length in lengths)
    return [(2 * point[0], 2 * point[1]) for point in points if point is not None]


def _put_guides(sheet: Sheet, rect: Rect, view: int, radius: float) -> None:
    lines = _guides(rect.w, rect.h, view, round(radius, 3))
    sheet.canvas.image.paste(lines, (rect.x, rect.y), lines)


@lru_cache(maxsize=32)
def _guides(w: int, h: int, view: int, radius: float) -> Image.Image:
    """Two lines of the track in three colours, and a cross line at each change."""
    fine = Image.new("RGBA", (2 * w, 2 * h))
    draw, start = ImageDraw.Draw(fine), 0.0
    for end, colour in MARKS:
        for side in (-HALF_TRACK_M, HALF_TRACK_M):
            draw.line(_path(side, start, end, radius, (w, h, view)), fill=(*colour, 255), width=11, joint="curve")
        cross = [(HALF_TRACK_M * part, end) for part in (-1, 1)]
        ends = [project(*track_point(*point, radius), w, h, view) for point in cross]
        draw.line([(2 * point[0], 2 * point[1]) for point in ends if point], fill=(*colour, 255), width=9)
        start = end
    return fine.reduce(2)


def _put_distances(sheet: Sheet, rect: Rect, distances: tuple[float | None, ...]) -> None:
    """Four columns of three bars above the caption: the nearer, the fewer and the redder."""
    for index, distance in enumerate(distances):
        left = rect.x + rect.w // 2 - 220 + 112 * index
        base = rect.y + rect.h - 74
        if distance is not None and distance < 0:
            sheet.put(Rect(left, base - 34, 104, 30), "---", 26, (255, 255, 255))
            continue
        if distance is None:
            continue
        for step, (limit, colour) in enumerate(MARKS):
            if distance <= limit:
                top = base - 22 * (3 - step)
                sheet.canvas.draw.rounded_rectangle((left, top, left + 103, top + 15), 6, fill=colour)


# ---- the scene


@lru_cache(maxsize=6)
def _scene(w: int, h: int, view: int, night: bool) -> Image.Image:
    """A yard with paving, a parked car, a wall with a gate and trees; soft and grainy as a camera gives it."""
    fine = Image.new("RGB", (w, h))
    draw = ImageDraw.Draw(fine)
    horizon = round(h * 0.47 - _FOCAL[view] * w * math.tan(math.radians(_PITCH_DEG[view])))
    _draw_sky(draw, w, horizon)
    _draw_ground(draw, w, h, view)
    if view != 2:
        _draw_background(draw, w, horizon, round(w * 0.1))
        _draw_car(draw, w, h, view)
    _draw_bumper(draw, w, h)
    return _as_camera(fine, night)


def _draw_sky(draw: ImageDraw.ImageDraw, w: int, horizon: int) -> None:
    for y in range(max(horizon, 0) + 40):
        part = min(y / max(horizon, 1), 1.0)
        draw.line((0, y, w, y), fill=(round(132 + 80 * part), round(170 + 50 * part), round(214 + 22 * part)))


def _quad(draw: ImageDraw.ImageDraw, size: tuple[int, int, int], corners: list[Point], colour: Rgb) -> None:
    points = [project(x, y, *size) for x, y in corners]
    if all(point is not None for point in points):
        draw.polygon([point for point in points if point is not None], fill=colour)


def _draw_ground(draw: ImageDraw.ImageDraw, w: int, h: int, view: int) -> None:
    size, rng = (w, h, view), random.Random(7)
    horizon = project(0, 60.0, *size)
    draw.rectangle((0, 0 if horizon is None else max(round(horizon[1]), 0), w, h), fill=(104, 102, 98))
    for row in range(40, -3, -1):
        for column in range(-16, 16):
            shade = 112 + rng.randrange(-9, 10)
            left, near = column * 0.6 + 0.3 * (row % 2), row * 0.3
            corners = [(left, near), (left + 0.57, near), (left + 0.57, near + 0.27), (left, near + 0.27)]
            _quad(draw, size, corners, (shade, shade - 2, shade - 7))
    for side in (-1.9, 1.75):
        _quad(draw, size, [(side, 0.0), (side + 0.14, 0.0), (side + 0.14, 6.0), (side, 6.0)], (236, 236, 230))
    _quad(draw, size, [(-1.9, 6.0), (1.89, 6.0), (1.89, 6.16), (-1.9, 6.16)], (236, 236, 230))


def _draw_background(draw: ImageDraw.ImageDraw, w: int, horizon: int, high: int) -> None:
    foot = horizon + round(high * 0.62)
    for x, radius in ((0.05, 0.9), (0.16, 0.7), (0.83, 0.8), (0.95, 1.0)):
        reach = round(high * radius)
        draw.ellipse((w * x - reach, foot - 2 * reach, w * x + reach, foot), fill=(62, 92, 58))
        draw.ellipse(
            (w * x - reach * 0.7, foot - 2 * reach, w * x + reach * 0.4, foot - reach * 0.7), fill=(82, 116, 70)
        )
    draw.rectangle((0, foot - round(high * 0.55), w, foot), fill=(158, 134, 112))
    for x in range(0, w, 46):
        draw.line((x, foot - round(high * 0.55), x, foot), fill=(140, 117, 97))
    for y in range(foot - round(high * 0.55), foot, 13):
        draw.line((0, y, w, y), fill=(140, 117, 97))
    gate = (w * 0.42, foot - high * 0.8, w * 0.58, foot)
    draw.rectangle(gate, fill=(74, 82, 92))
    for step in range(1, 6):
        bar = gate[1] + (gate[3] - gate[1]) * step / 6
        draw.line((gate[0], bar, gate[2], bar), fill=(58, 65, 74), width=2)


def _draw_car(draw: ImageDraw.ImageDraw, w: int, h: int, view: int) -> None:
    """A parked car at the left, seen from its front."""
    left, right = project(-4.5, 3.6, w, h, view), project(-2.55, 3.6, w, h, view)
    if left is None or right is None:
        return
    x0, x1, base = left[0], right[0], left[1]
    wide = x1 - x0
    tall = wide * 0.74
    draw.ellipse((x0 - 8, base - 12, x1 + 8, base + 16), fill=(66, 64, 62))
    draw.rounded_rectangle((x0, base - tall * 0.62, x1, base), wide * 0.1, fill=(150, 34, 38))
    roof = [(x0 + wide * 0.12, base - tall * 0.58), (x0 + wide * 0.26, base - tall), (x1 - wide * 0.26, base - tall),
            (x1 - wide * 0.12, base - tall * 0.58)]  # fmt: skip
    draw.polygon(roof, fill=(128, 28, 32))
    glass = [(x0 + wide * 0.17, base - tall * 0.6), (x0 + wide * 0.29, base - tall * 0.94),
             (x1 - wide * 0.29, base - tall * 0.94), (x1 - wide * 0.17, base - tall * 0.6)]  # fmt: skip
    draw.polygon(glass, fill=(52, 66, 80))
    for lamp in (x0 + wide * 0.05, x1 - wide * 0.27):
        draw.rounded_rectangle(
            (lamp, base - tall * 0.48, lamp + wide * 0.22, base - tall * 0.34), 6, fill=(238, 240, 228)
        )
    draw.rounded_rectangle(
        (x0 + wide * 0.3, base - tall * 0.42, x1 - wide * 0.3, base - tall * 0.2), 6, fill=(36, 36, 40)
    )
    for wheel in (x0 + wide * 0.03, x1 - wide * 0.21):
        draw.rounded_rectangle((wheel, base - tall * 0.16, wheel + wide * 0.18, base + 6), 5, fill=(28, 28, 30))


def _draw_bumper(draw: ImageDraw.ImageDraw, w: int, h: int) -> None:
    """One's own bumper at the lower edge."""
    rise = round(h * 0.11)
    draw.chord((-w * 0.12, h - rise, w * 1.12, h + rise * 3), 180, 360, fill=(30, 33, 38))
    draw.arc((-w * 0.12, h - rise, w * 1.12, h + rise * 3), 180, 360, fill=(92, 100, 110), width=3)


def _as_camera(fine: Image.Image, night: bool) -> Image.Image:
    """Lens: soft, darker towards the corners; sensor: grain; at night only the reversing lamps light the ground."""
    soft = np.asarray(fine.filter(ImageFilter.GaussianBlur(1.1)), np.float32)
    h, w = soft.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    far = ((x - w / 2) / (w / 2)) ** 2 + ((y - h * 0.55) / (h * 0.6)) ** 2
    light = np.clip(1.08 - 0.27 * far, 0.3, 1.05)[..., None]
    if night:
        near = np.exp(-(((x - w / 2) / (w * 0.34)) ** 2 + ((y - h * 0.82) / (h * 0.38)) ** 2))
        light = (0.10 + 0.72 * near)[..., None] * np.array([1.0, 0.96, 0.86], np.float32)
    grain = np.random.default_rng(5).normal(0, 5.0 if night else 3.0, (h, w, 1)).astype(np.float32)
    return Image.fromarray(np.clip(soft * light + grain, 0, 255).astype(np.uint8))
