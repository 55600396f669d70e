"""The kinds of things on a screen, as pydantic models. Pure. What the keys mean is told in `hil.hmi.layout`."""

from __future__ import annotations

import itertools
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from hil.hmi import colour as colours
from hil.hmi.colour import Colour
from hil.hmi.layout_base import (
    NAME_KEY,
    ColourField,
    Item,
    Model,
    PatternField,
    Region,
    RegionField,
    Shape,
    Shapes,
    around,
)

__all__ = [
    "KINDS", "NAME_KEY", "Anchor", "Bar", "Button", "Document", "Icon", "Item", "Model", "Needle", "Picture", "Popup",
    "Region", "Severity", "Shape", "Shapes", "Size", "Telltale", "Text", "View",
]  # fmt: skip


class Telltale(Item):
    """A lamp: its region and its colour when lit."""

    region: RegionField
    colour: ColourField
    reference: str = ""

    @property
    def shape(self) -> Shape | None:
        """The shape of the reference picture; None if there is none: then colour and brightness decide alone."""
        return self.shape_of(self.reference)

    @property
    def lit(self) -> Colour:
        """The colour when lit."""
        return colours.parse(self.colour)

    def in_colour(self, colour: str) -> Telltale:
        """The same lamp, lit in another colour. Raises: UsageError: that is no colour."""
        return self.model_copy(update={"colour": colours.parse(colour).text})

    @property
    def bounds(self) -> Region:
        """The region."""
        return self.region

    @property
    def references(self) -> dict[str, Region]:
        """The reference, if there is one."""
        return {self.reference: self.region} if self.reference else {}


class Text(Item):
    """A line of text: its region and what it may say."""

    region: RegionField
    charset: Literal["digits", "number", "letters", "any"] = "any"
    pattern: PatternField = ""
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
        _check_rising(self.scale)
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


def _check_rising(scale: tuple[ScalePoint, ...]) -> None:
    values = [value for _, value in scale]
    if any(a >= b for a, b in itertools.pairwise(values)):
        raise ValueError("the values of the scale must rise; turn the needle's way with clockwise = false")


class Bar(Item):
    """A straight bar that fills: its region, the way in which it grows, its colours and its scale."""

    region: RegionField
    direction: Literal["right", "left", "up", "down"] = "right"
    colours: Annotated[tuple[ColourField, ...], Field(min_length=1)]
    scale: tuple[float, float] = (0.0, 1.0)
    origin: float | None = None
    gap: Annotated[int, Field(ge=0)] = 0
    unit: str = ""

    @model_validator(mode="after")
    def _check(self) -> Bar:
        low, high = self.scale
        if low >= high:
            raise ValueError("scale is [value of the empty bar, value of the full bar], and they rise")
        if self.origin is not None and not low <= self.origin <= high:
            raise ValueError("origin is the value from which the bar fills to either side, within its scale")
        return self

    @property
    def fills(self) -> tuple[Colour, ...]:
        """The colours that a filled part may have."""
        return tuple(colours.parse(text) for text in self.colours)

    @property
    def bounds(self) -> Region:
        """The region."""
        return self.region


class Icon(Item):
    """A place where one of several named pictures may stand, or none."""

    region: RegionField
    pictures: Annotated[dict[str, str], Field(min_length=1)]
    colour: ColourField | Literal[""] = ""

    @model_validator(mode="after")
    def _check(self) -> Icon:
        if "none" in self.pictures:
            raise ValueError("no picture can be called 'none': that is what an empty place reads as")
        return self

    @property
    def bounds(self) -> Region:
        """The region."""
        return self.region

    @property
    def references(self) -> dict[str, Region]:
        """Its pictures."""
        return dict.fromkeys(self.pictures.values(), self.region)


class Severity(Model):
    """How a pop-up of one severity is known: a region that is full of a colour."""

    colour: ColourField
    region: RegionField | None = None


class Popup(Item):
    """A pop-up: where it is shown, how it is known, where its text and its symbol are."""

    region: RegionField
    mark: RegionField
    severity: Annotated[dict[str, Severity], Field(min_length=1)]
    text: RegionField | None = None
    symbol: RegionField | None = None
    symbols: Annotated[dict[str, str], Field(default_factory=dict)]

    @model_validator(mode="after")
    def _check(self) -> Popup:
        if "none" in self.severity:
            raise ValueError("no severity can be called 'none': that is what no pop-up reads as")
        if self.symbols and self.symbol is None:
            raise ValueError("symbols need symbol, the region in which they are")
        return self

    @property
    def bounds(self) -> Region:
        """All of it."""
        regions = [self.region, self.mark, self.text, self.symbol, *(each.region for each in self.severity.values())]
        return around([region for region in regions if region])

    @property
    def references(self) -> dict[str, Region]:
        """Its symbols."""
        return dict.fromkeys(self.symbols.values(), self.symbol) if self.symbol else {}

    @property
    def words(self) -> Text | None:
        """Its text as an item of its own; None where it has none."""
        if self.text is None:
            return None
        return Text.model_validate({NAME_KEY: self.name, "brightness": self.brightness, "region": self.text})

    @property
    def sign(self) -> Icon | None:
        """Its symbol as an item of its own; None where it has none."""
        if self.symbol is None or not self.symbols:
            return None
        fields = {"brightness": self.brightness, "region": self.symbol, "pictures": self.symbols}
        icon = Icon.model_validate({NAME_KEY: self.name, **fields})
        icon.attach_shapes(self._shapes)
        return icon


class Anchor(Model):
    """Something by which a view is known: a picture, a colour or a text in a region; `absent` turns it round."""

    region: RegionField
    reference: str = ""
    colour: ColourField | Literal[""] = ""
    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    text: str = ""
    absent: bool = False

    @model_validator(mode="after")
    def _check(self) -> Anchor:
        if sum(map(bool, (self.reference, self.colour, self.text))) != 1:
            raise ValueError("an anchor has one of reference, colour and text")
        return self


class _Anchored(Item):
    """Something that is there when all its anchors are."""

    anchors: tuple[Anchor, ...]

    @property
    def references(self) -> dict[str, Region]:
        """The pictures of its anchors."""
        return {anchor.reference: anchor.region for anchor in self.anchors if anchor.reference}


class View(_Anchored):
    """A named view of the screen, known by its anchors."""

    anchors: Annotated[tuple[Anchor, ...], Field(min_length=1)]

    @property
    def bounds(self) -> Region:
        """All that its anchors look at."""
        return around([anchor.region for anchor in self.anchors])


class Button(_Anchored):
    """A place to touch; where it has anchors, they tell whether it is there."""

    region: RegionField
    tap: tuple[int, int] | None = None
    anchors: tuple[Anchor, ...] = ()

    @property
    def bounds(self) -> Region:
        """The region, with its anchors."""
        return around([self.region, *(anchor.region for anchor in self.anchors)])

    @property
    def point(self) -> tuple[int, int]:
        """Where to touch it: `tap`, or the middle of the region."""
        left, top, width, height = self.region
        return self.tap or (left + width // 2, top + height // 2)


class Picture(Item):
    """A region that shows a picture (a camera, a map, a cover): it can be black, or frozen."""

    region: RegionField

    @property
    def bounds(self) -> Region:
        """The region."""
        return self.region


KINDS: Final[dict[str, type[Item]]] = {
    "telltale": Telltale,
    "text": Text,
    "needle": Needle,
    "bar": Bar,
    "icon": Icon,
    "popup": Popup,
    "view": View,
    "button": Button,
    "picture": Picture,
}
"""The sections of a layout file, and the models of their items."""


class Size(Model):
    """The `[screen]` section."""

    size: tuple[int, int]
    brightness: Annotated[float, Field(gt=0, le=1)] = 1.0
    base: tuple[str, ...] = ("day", "en", "km/h")


class Document(Model):
    """A whole layout file."""

    screen: Size
    telltale: Annotated[dict[str, Telltale], Field(default_factory=dict)]
    text: Annotated[dict[str, Text], Field(default_factory=dict)]
    needle: Annotated[dict[str, Needle], Field(default_factory=dict)]
    bar: Annotated[dict[str, Bar], Field(default_factory=dict)]
    icon: Annotated[dict[str, Icon], Field(default_factory=dict)]
    popup: Annotated[dict[str, Popup], Field(default_factory=dict)]
    view: Annotated[dict[str, View], Field(default_factory=dict)]
    button: Annotated[dict[str, Button], Field(default_factory=dict)]
    picture: Annotated[dict[str, Picture], Field(default_factory=dict)]

    @property
    def items(self) -> list[Item]:
        """All of them, kind by kind."""
        return [item for kind in KINDS for item in getattr(self, kind).values()]
