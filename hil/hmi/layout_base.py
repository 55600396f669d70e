"""What all kinds of things on a screen have in common, as pydantic models. Pure. The kinds: `hil.hmi.layout_items`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr

from hil.errors import UsageError
from hil.hmi import colour as colours

Region = tuple[int, int, int, int]
"""Left, top, width, height, px."""
Shape = NDArray[np.uint8]
"""A reference picture as light: height x width, 0 to 255, each pixel its brightest channel."""
Shapes = Callable[[str], Shape]
"""Gives the shape of a reference picture, by the path that the layout names."""
NAME_KEY: Final = "[name]"


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
PatternField = Annotated[str, AfterValidator(_is_pattern)]


class Model(BaseModel):
    """Base of all: no unknown keys, no guessing of types, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Item(Model):
    """One named thing on the screen. Its name is the key that it stands under, not a key in its section.

    Attributes:
        brightness: of the item when lit, 0..1 of its colour; where none is given, the screen's.
        view: the view on which it stands, or several; empty where it has nothing to do with views.
        reader: entry point of `hil.readers`, or `module:Class`; empty for the kind's own.
    """

    name: Annotated[str, Field(alias=NAME_KEY)]
    brightness: Annotated[float, Field(gt=0, le=1)]
    reader: str = ""
    view: str | tuple[str, ...] = ""
    _shapes: dict[str, Shape] = PrivateAttr(default_factory=dict)
    _stands_on: tuple[Item, ...] = PrivateAttr(default=())

    @property
    def kind(self) -> str:
        """`telltale`, `text`, `needle`, ..."""
        return type(self).__name__.lower()

    @property
    def bounds(self) -> Region:
        """The smallest region that holds all that a reader looks at."""
        raise NotImplementedError

    @property
    def references(self) -> dict[str, Region]:
        """The reference pictures that it names, by their paths, each with the region that it must fit into."""
        return {}

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the views on which it stands."""
        return tuple(filter(None, (self.view,))) if isinstance(self.view, str) else self.view

    @property
    def stands_on(self) -> tuple[Item, ...]:
        """The views on which it stands; it is there while one of them is shown."""
        return self._stands_on

    def attach_views(self, views: tuple[Item, ...]) -> None:
        """Give the views on which it stands; the layout does, once."""
        self._stands_on = views

    def attach_shapes(self, shapes: Mapping[str, Shape]) -> None:
        """Give the shapes of its reference pictures, by their paths; `parse` does, once."""
        self._shapes.update(shapes)

    def shape_of(self, reference: str) -> Shape | None:
        """The shape of a reference picture; None where none was attached."""
        return self._shapes.get(reference)


def around(regions: list[Region]) -> Region:
    """The smallest region that holds all of these."""
    left, top = min(region[0] for region in regions), min(region[1] for region in regions)
    right, bottom = max(region[0] + region[2] for region in regions), max(region[1] + region[3] for region in regions)
    return left, top, right - left, bottom - top
