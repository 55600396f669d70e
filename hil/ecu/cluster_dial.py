"""A round dial: its face and scale, drawn once; its needle and the light behind it, drawn at every change.

Rules of this module: angles are degrees clockwise from twelve o'clock; the pivot lies on a corner of pixels. Between
`blade` radii nothing but the needle has the needle's hue, so that a reader finds it (and so does a driver).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from hil.ecu.cluster_paint import (
    Grid,
    Mask,
    band,
    between,
    blend,
    font,
    polar,
    polar_grid,
    polygon_mask,
    put_text,
)
from hil.ecu.cluster_state import Rgb
from hil.hmi.frames import Pixels


@dataclass(frozen=True, slots=True)
class Dial:
    """A dial's geometry, px and degrees.

    Attributes:
        pivot: its middle.
        radius: of the rim.
        labels: along the scale, at equal steps.
        minor: parts of a step.
        sweep: angle from the first label to the last, halved by twelve o'clock.
        track: inner and outer radius of the light behind the needle's tip.
        ticks: inner radius of long ticks, of short ones, and outer radius of all.
        label: radius of the labels' outer edges.
        label_size: of their font.
        blade: inner and outer radius of the needle.
        blade_width: half the needle's width at its inner and outer end.
        hollow: radius of the disc in the middle that holds numbers; 0: none.
        redline: part of the scale from which it is red.
    """

    pivot: tuple[int, int]
    radius: int
    labels: tuple[str, ...]
    minor: int
    sweep: float
    track: tuple[float, float]
    ticks: tuple[float, float, float]
    label: float
    label_size: int
    blade: tuple[float, float]
    blade_width: tuple[float, float]
    hollow: float = 0.0
    redline: float = 1.0

    def angle(self, part: float) -> float:
        """The needle's angle for a part of the scale, 0..1."""
        return self.sweep * (part - 0.5)


@dataclass(frozen=True, slots=True)
class DialColours:
    """Colours of a dial: face in its middle and at its edge, rim, ticks, needle, light from start to end."""

    face: Rgb
    edge: Rgb
    rim: Rgb
    ink: Rgb
    faint: Rgb
    track: Rgb
    needle: Rgb
    light: tuple[Rgb, Rgb]
    redline: Rgb


# ---- drawn once


def put_dial(pixels: Pixels, dial: Dial, colours: DialColours, file: str) -> None:
    """Face, rim, track, ticks and labels."""
    half = dial.radius + 4
    x, y = dial.pivot
    patch = pixels[y - half : y + half, x - half : x + half]
    _put_face(patch, dial, colours)
    blend(patch, _tick_mask(dial, half, major=False), 0, 0, colours.faint)
    blend(patch, _tick_mask(dial, half, major=True), 0, 0, colours.ink)
    if dial.redline < 1:
        _put_redline(patch, dial, colours)
    for index, label in enumerate(dial.labels):
        _put_label(pixels, dial, colours, index / (len(dial.labels) - 1), label, file)


def _lay(patch: Pixels, cover: Grid, colour: Rgb | Grid) -> None:
    """Lay a colour, or one for each pixel, over a patch by coverage 0..1."""
    mixed = patch + (np.asarray(colour, np.float32) - patch) * cover[..., None]
    patch[:] = np.clip(np.rint(mixed), 0, 255)


def _put_face(patch: Pixels, dial: Dial, colours: DialColours) -> None:
    radius, angle = polar_grid(patch.shape[0] // 2)
    part = np.clip(radius / dial.radius, 0, 1)[..., None] ** 1.6
    face = np.array(colours.face, np.float32) * (1 - part) + np.array(colours.edge, np.float32) * part
    _lay(patch, band(radius, -1, dial.radius), face)
    sheen = 0.55 + 0.45 * np.cos(np.radians(angle))  # the rim catches light from above
    _lay(patch, band(radius, dial.radius - 2.2, dial.radius) * sheen, colours.rim)
    _lay(patch, band(radius, *dial.track) * _within(dial, angle, radius), colours.track)
    if dial.hollow:
        _lay(patch, band(radius, -1, dial.hollow) * 0.85, between(colours.edge, (0, 0, 0), 0.35))
        _lay(patch, band(radius, dial.hollow - 1.4, dial.hollow) * (1.35 - sheen), colours.rim)


def _within(dial: Dial, angle: Grid, radius: Grid) -> Grid:
    """Coverage of the sector that the scale fills; its ends are cut clean."""
    beyond = (np.abs(angle) - dial.sweep / 2) * np.radians(1) * radius
    inside: Grid = np.clip(0.5 - beyond, 0, 1)
    return inside


def _tick_mask(dial: Dial, half: int, *, major: bool) -> Mask:
    count, inner = (len(dial.labels) - 1) * dial.minor, dial.ticks[0] if major else dial.ticks[1]
    width = 1.5 if major else 0.75
    ticks = [tick for tick in range(count + 1) if (tick % dial.minor == 0) is major]
    if dial.redline < 1:
        ticks = [tick for tick in ticks if tick / count < dial.redline]
    return polygon_mask(2 * half, 2 * half, *(_bar(dial, half, tick / count, inner, width) for tick in ticks))


def _bar(dial: Dial, half: int, part: float, inner: float, width: float) -> list[tuple[float, float]]:
    """The corners of a tick."""
    angle, middle = dial.angle(part), (float(half), float(half))
    ends = [polar(middle, radius, angle) for radius in (inner, dial.ticks[2])]
    return [polar(ends[end], width, angle + side) for end, side in ((0, -90), (1, -90), (1, 90), (0, 90))]


def _put_redline(patch: Pixels, dial: Dial, colours: DialColours) -> None:
    radius, angle = polar_grid(patch.shape[0] // 2)
    inside = (angle >= dial.angle(dial.redline)) & (angle <= dial.sweep / 2)
    _lay(patch, band(radius, *dial.track) * inside, colours.redline)
    count, half = (len(dial.labels) - 1) * dial.minor, patch.shape[0] // 2
    for major in (False, True):
        ticks = [t for t in range(count + 1) if t / count >= dial.redline and (t % dial.minor == 0) is major]
        inner, width = (dial.ticks[0], 1.5) if major else (dial.ticks[1], 0.75)
        bars = [_bar(dial, half, t / count, inner, width) for t in ticks]
        blend(patch, polygon_mask(2 * half, 2 * half, *bars), 0, 0, colours.redline)


def _put_label(pixels: Pixels, dial: Dial, colours: DialColours, part: float, label: str, file: str) -> None:
    """A label whose edge keeps its distance from the ticks."""
    face, angle = font(file, dial.label_size), dial.angle(part)
    half_width, half_height = face.getlength(label) / 2, dial.label_size * 0.36
    turn = math.radians(angle)
    reach = math.hypot(half_width * math.sin(turn), half_height * math.cos(turn))
    colour = colours.redline if part >= dial.redline and dial.redline < 1 else colours.ink
    put_text(pixels, polar(dial.pivot, dial.label - reach, angle), label, dial.label_size, colour, file=file)


# ---- the light behind the needle


@dataclass(frozen=True, slots=True)
class Light:
    """Pixels of the lit track in the order of their angles, with their colours."""

    angle: NDArray[np.float32]
    index: NDArray[np.intp]
    colour: NDArray[np.uint8]


def light_of(background: Pixels, dial: Dial, colours: DialColours) -> Light:
    """The track of a dial, lit from its start to its end."""
    half, (x, y) = dial.radius + 4, dial.pivot
    radius, angle = polar_grid(half)
    patch = background[y - half : y + half, x - half : x + half].copy()
    part = np.clip(angle / dial.sweep + 0.5, 0, 1)[..., None]
    first, last = (np.array(colour, np.float32) for colour in colours.light)
    _lay(patch, band(radius, *dial.track) * _within(dial, angle, radius), first + (last - first) * part)
    rows, columns = np.nonzero(band(radius, *dial.track) * _within(dial, angle, radius))
    order = np.argsort(angle[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    index = (rows + y - half) * background.shape[1] + columns + x - half
    return Light(angle[rows, columns], index.astype(np.intp), patch[rows, columns])


def put_light(pixels: Pixels, light: Light, angle_deg: float) -> None:
    """Light the track from its start to an angle."""
    count = int(np.searchsorted(light.angle, np.float32(angle_deg)))
    pixels.reshape(-1, 3)[light.index[:count]] = light.colour[:count]


# ---- the needle


@lru_cache(maxsize=256)
def _needle(blade: tuple[float, float], width: tuple[float, float], angle_deg: float) -> tuple[Mask, Mask, int, int]:
    """Coverage of a needle and of its glow, and where their left top corner lies from the pivot, px."""
    feet = [polar(polar((0.0, 0.0), blade[0], angle_deg), width[0], angle_deg + side) for side in (90, -90)]
    tips = [polar(polar((0.0, 0.0), blade[1], angle_deg), width[1], angle_deg + side) for side in (-90, 90)]
    corners, margin = feet + tips, 8
    left, top = (math.floor(min(p[i] for p in corners)) - margin for i in (0, 1))
    wide, high = (math.ceil(max(p[i] for p in corners)) + margin - low for i, low in ((0, left), (1, top)))
    mask = polygon_mask(wide, high, [(x - left, y - top) for x, y in corners])
    soft = Image.fromarray(mask).filter(ImageFilter.GaussianBlur(3.2))
    return mask, np.asarray(soft.point(lambda level: level * 0.45), np.uint8), left, top


def put_needle(pixels: Pixels, dial: Dial, colour: Rgb, part: float) -> None:
    """A needle at a part of its scale, 0..1."""
    mask, soft, left, top = _needle(dial.blade, dial.blade_width, round(dial.angle(part), 3))
    x, y = dial.pivot
    blend(pixels, soft, x + left, y + top, colour)
    blend(pixels, mask, x + left, y + top, colour)
