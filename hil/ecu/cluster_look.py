"""What a brand's cluster looks like: its places, fonts and colours by day and by night. The brands fill it in.

Rules of this module: a look is data. `hil.ecu.cluster_art` draws any look; what only one brand has (a road, stripes)
is drawn by that brand's `decorate`, once a theme.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from hil.ecu.cluster_dial import Dial, DialColours
from hil.ecu.cluster_state import Rgb
from hil.hmi.frames import Pixels

Point = tuple[int, int]
Box = tuple[int, int, int, int]
"""Left, top, width, height, px."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of day or night.

    Attributes:
        light: of lit telltales and other signal colours, 0..1 of them.
        top: background at the top.
        bottom: background at the bottom.
        ink: numbers and texts.
        soft: units and labels.
        line: frames and hair lines.
        card: ground of a pop-up.
        accent: the brand's colour: bars.
        regain: the power meter's bar when power flows back.
        groove: an empty bar.
        dial: the dials.
    """

    light: float
    top: Rgb
    bottom: Rgb
    ink: Rgb
    soft: Rgb
    line: Rgb
    card: Rgb
    accent: Rgb
    regain: Rgb
    groove: Rgb
    dial: DialColours


@dataclass(frozen=True, slots=True)
class Line:
    """Place of a line of text: a point, the font's size and file, and how it is aligned to the point."""

    at: Point
    size: int
    file: str
    align: float = 0.5
    soft: bool = False
    width: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar gauge: its groove, from which side it fills, and the marks at its ends.

    Attributes:
        box: the groove.
        fills: `right`: from its left end; `middle`: from its middle to either side.
        ends: letters at its ends.
        symbol: name of the symbol beside it, where it stands, and its side.
        hot: part of the scale from which the scale is marked red; 1: nowhere.
    """

    box: Box
    fills: Literal["right", "middle"] = "right"
    ends: tuple[str, str] = ("", "")
    symbol: tuple[str, Point, int] | None = None
    hot: float = 1.0


@dataclass(frozen=True, slots=True)
class Card:
    """The pop-up: its box, corners, and what lies in it (px from its left top corner)."""

    box: Box
    radius: int
    slant: int
    marks: tuple[Box, Box]
    """Full of the severity's colour: the first always, the second for a warning and a critical one."""
    symbol: tuple[Point, int]
    text: tuple[int, int]
    """Left end of the lines, and the room they have."""
    sizes: tuple[int, int]
    """Font size of one line, and of two."""
    queue: Point
    file: str


@dataclass(frozen=True, slots=True)
class Look:
    """All of a brand's cluster. Names of `texts` and `bars` are those of the layout files."""

    brand: str
    day: Theme
    night: Theme
    label_file: str
    scale_file: str
    speed: Mapping[str, Dial]
    """By unit."""
    rpm: Dial
    telltales: Mapping[str, tuple[Point, int]]
    """Name to (centre, side)."""
    texts: Mapping[str, Line]
    labels: Mapping[str, Line]
    """Words of the cluster's own, and units of distance (`trip_unit`), by where they stand."""
    bars: Mapping[str, Bar]
    card: Card
    sign: tuple[Point, int]
    """Centre and radius of the speed limit sign."""
    cruise: tuple[Point, int]
    """The symbol beside the set speed."""
    guidance: tuple[Point, int]
    decorate: Callable[[Pixels, Theme], None]
    splash: Callable[[Theme], Pixels]


def strip(names: str, first: int, pitch: int, y: int, side: int) -> dict[str, tuple[Point, int]]:
    """Telltales in a row: names apart by blanks, a dot for a free place."""
    places = enumerate(names.split())
    return {name: ((first + pitch * slot, y), side) for slot, name in places if name != "."}
