"""The kinds of things on a screen, as pydantic models. Pure. What the keys mean is told in `hil.hmi.layout`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from hil.errors import UsageError
from hil.hmi import colour as colours
from hil.hmi.colour import Colour

KINDS: Final = ("telltale", "text", "needle")
Region = tuple[int, int, int, int]
"""Left, top, width, height, px."""
Shape = NDArray[np.uint8]
"""A symbol's coverage, height x width, 0 to 255."""
Shapes = Callable[[str], Shape]
"""Gives the shape of a reference picture, by the path that the layout names."""


def _is_region(region: Region) -> Region:
    if region[2] < 1 or region[3] < 1 or region[0] < 0 or region[1] < 0:
        raise ValueError("is no region: it is [left, top, width, height] with a positive width and height")
    return region


def _is_colour(text: str) -> str:
    try:
        return colours.parse(text).text
    except UsageError as error:
        raise ValueError(str(error)) from error


def _is_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return text


RegionField = Annotated[Region, AfterValidator(_is_region)]
ColourField = Annotated[str, AfterValidator(_is_colour)]


class Model(BaseModel):
    """Base of all: no unknown keys, no guessing of types, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


NAME_KEY: Final = "[name]"


class Item(Model):
    """One named thing on the screen. Its name is the key that it stands under, not a key in its section.

    Attributes:
        brightness: of the item when lit, 0..1 of its colour; where none is given, the screen's.
        reader: entry point of `hil.readers`, or `module:Class`; empty for the kind's own.
    """

    name: Annotated[str, Field(alias=NAME_KEY)]
    brightness: Annotated[float, Field(gt=0, le=1)]
    reader: str = ""

    @property
    def kind(self) -> str:
        """`telltale`, `text` or `needle`."""
        return type(self).__name__.lower()

    @property
    def bounds(self) -> Region:
        """The smallest region that holds all that a reader looks at."""
        raise NotImplementedError


class Telltale(Item):
    """A lamp: its region and its colour when lit."""

    region: RegionField
    colour: ColourField
    reference: str = ""
    _shape: Shape | None = PrivateAttr(None)

    @property
    def shape(self) -> Shape | None:
        """The shape of the reference picture; None if there is none: then colour and brightness decide alone."""
        return self._shape

    def attach_shape(self, shape: Shape) -> None:
        """Give the reference picture's shape; `parse` does, once."""
        self._shape = shape

    @property
    def lit(self) -> Colour:
        """The colour when lit."""
        return colours.parse(self.colour)

    @property
    def bounds(self) -> Region:
        """The region."""
        return self.region


class Text(Item):
    """A line of text: its region and what it may say."""

    region: RegionField
    charset: Literal["digits", "number", "letters", "any"] = "any"
    pattern: Annotated[str, AfterValidator(_is_pattern)] = ""
    unit: str = ""

    @property
    def bounds(self) -> Region:
        """The region."""
        return self.region


ScalePoint = tuple[float, float]


class Needle(Item):
    """A needle: its pivot, the ring in which it is looked for, and its scale of (angle, value) pairs."""

    pivot: tuple[float, float]
    inner: Annotated[float, Field(gt=0)]
    outer: Annotated[float, Field(gt=0)]
    colour: ColourField
    scale: Annotated[tuple[ScalePoint, ...], Field(min_length=2)]
    clockwise: bool = True
    unit: str = ""

    @model_validator(mode="after")
    def _check(self) -> Needle:
        if self.inner >= self.outer:
            raise ValueError("inner must be less than outer: they bound the ring in which the needle is looked for")
        if any((b - a) % 360 == 0 for (a, _), (b, _) in itertools.pairwise(self.scale)):
            raise ValueError("two points of the scale have one angle")
        values = [value for _, value in self.scale]
        if any(a >= b for a, b in itertools.pairwise(values)):
            raise ValueError("the values of the scale must rise; turn the needle's way with clockwise = false")
        return self

    @property
    def lit(self) -> Colour:
        """The needle's colour."""
        return colours.parse(self.colour)

    @property
    def bounds(self) -> Region:
        """The square round the ring."""
        left, top = (int(middle - self.outer) for middle in self.pivot)
        side = int(2 * self.outer) + 1
        return left, top, side, side


class Size(Model):
    """The `[screen]` section."""

    size: tuple[int, int]
    brightness: Annotated[float, Field(gt=0, le=1)] = 1.0


class Document(Model):
    """A whole layout file."""

    screen: Size
    telltale: dict[str, Telltale] = {}
    text: dict[str, Text] = {}
    needle: dict[str, Needle] = {}
