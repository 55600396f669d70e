"""What is where on one screen: the model of a layout file (TOML), and its text parsed into it. Pure.

    [screen]
    size = [1280, 480]                  # px; other sizes from the source are a bench fault
    brightness = 1.0                    # how bright a lit lamp is, 0..1 of its colour; less at night
    base = ["day", "en", "km/h"]        # the theme, language and unit that the file describes without an overlay

    [telltale.high_beam]
    region = [687, 23, 42, 42]          # left, top, width, height, px
    colour = "blue"                     # a name or #rrggbb: the colour when lit
    reference = "high_beam.png"         # optional: its shape, white on black, path relative to this file
    brightness = 0.8                    # optional, any kind: where it differs from the screen's
    view = "home"                       # optional, any kind: the view (or list of views) on which it stands

    [text.speed]
    region = [540, 80, 200, 100]
    charset = "digits"                  # digits, number, letters or any; dashes ("---") are always read
    pattern = '\\d{1,3}|---'             # optional: what a whole text may be
    unit = "km/h"                       # optional

    [needle.speed_needle]
    pivot = [240.0, 222.0]              # px, continuous: pixel (0, 0) covers 0..1
    inner = 60.0                        # the ring round the pivot that nothing but the needle colours
    outer = 120.0
    colour = "#ff4e18"
    scale = [[-130.0, 0.0], [130.0, 260.0]]   # [degrees clockwise from twelve o'clock, value], two or more
    clockwise = true                    # the way in which the value grows
    unit = "km/h"

    [bar.fuel]
    region = [60, 440, 180, 8]          # exactly the track: its edges are empty and full
    direction = "right"                 # the way in which it grows: right, left, up, down
    colours = ["white", "amber"]        # what the filled part may have; darker than half of it is not filled
    scale = [0.0, 1.0]                  # values of the empty and of the full bar
    origin = 0.0                        # optional: it fills from this value to either side (a power meter)
    gap = 3                             # px between segments; without segments 0: a hole is then no reading
    unit = ""                           # optional

    [icon.guidance]
    region = [600, 240, 72, 72]
    pictures = { left = "arrows/left.png", right = "arrows/right.png" }   # reads as left, right, none or other
    colour = "white"                    # optional: in another one it reads as other

    [popup.warning]
    region = [440, 160, 400, 120]       # all of it
    mark = [440, 160, 8, 120]           # a place that has the severity's colour when it is shown, and never else
    severity.caution = { colour = "amber" }                              # of those that fit the last counts
    severity.critical = { colour = "red", region = [450, 165, 300, 8] }  # optional: a place of its own
    text = [520, 170, 310, 100]         # optional: one line or several
    symbol = [456, 180, 56, 56]         # optional, with the pictures that may stand there
    symbols = { oil = "symbols/oil.png", brake = "symbols/brake.png" }

    [view.media]                        # a named view: shown when all its anchors are there
    anchors = [
      { region = [20, 10, 60, 60], reference = "views/media.png" },   # a picture
      { region = [0, 790, 160, 10], colour = "#2f8cff", share = 0.5 }, # so much of the region in a colour
      { region = [90, 20, 200, 40], text = "Media" },                 # a text; the slowest: some 10 ms a look
      { region = [400, 300, 80, 80], reference = "dialog.png", absent = true },
    ]

    [button.play]
    region = [600, 700, 80, 80]         # touched in its middle, or at tap
    tap = [640, 740]                    # optional
    anchors = []                        # optional, as of a view: whether the button is there

    [picture.camera]                    # where a picture is shown: it can be black, or frozen
    region = [160, 0, 960, 720]

    [overlay.night.screen]              # what differs at night; likewise any theme, language or unit:
    brightness = 0.6                    # `parse(text, overlays=("de", "night"))` lays them on in that order

    [overlay.mph.needle.speed_needle]   # a table is laid into the table below it, anything else replaces it
    scale = [[-130.0, 0.0], [130.0, 160.0]]
    unit = "mph"

Every kind also takes `reader = "name"` or `"module:Class"` to be read by another reader than its own. A name stands
once in its kind, so a telltale and a bar may both be called fuel (where any kind will do, write bar.fuel); case,
blanks, `-` and `_` are the same in it. A reference picture is light on black (of a photo: the photo), not larger than
its region. Bad input is one `UsageError` line: file, key, what is wrong, how to mend it. Reading the file is
`hil.hmi.layout_file`'s.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from hil.errors import UsageError
from hil.hmi.layout_items import (
    KINDS,
    NAME_KEY,
    Anchor,
    Bar,
    Button,
    Document,
    Icon,
    Item,
    Needle,
    Picture,
    Popup,
    Region,
    Shape,
    Shapes,
    Size,
    Telltale,
    Text,
    View,
)
from hil.nearest import did_you_mean

__all__ = [
    "Anchor", "Bar", "Button", "Icon", "Item", "Layout", "Needle", "Picture", "Popup", "Region", "Shape", "Shapes",
    "Telltale", "Text", "View", "parse",
]  # fmt: skip

ItemT = TypeVar("ItemT", bound=Item)


class Layout:
    """What is where on one screen.

    Attributes:
        where: the file's name, for messages.
        size: width and height of the screen, px.
        base: theme, language and unit that the file describes without an overlay.
        overlays: names of those laid on.
        choices: names of all that the file has.
    """

    def __init__(
        self,
        document: Document,
        where: str,
        overlays: tuple[str, ...],
        source: str,
        choices: tuple[str, ...] = (),
    ) -> None:
        self.where, self.size, self.overlays, self.source = where, document.screen.size, overlays, source
        self.base, self.choices = document.screen.base, choices
        self.relaid: Callable[[Sequence[str]], Layout] = self._cannot
        self._items: dict[tuple[str, str], Item] = {}
        for item in document.items:
            self._add(item)
        for item in self:
            item.attach_views(tuple(self._view_under(item, name) for name in item.views))

    def _view_under(self, item: Item, name: str) -> View:
        """A view on which an item stands."""
        place = f"{self.where}: {item.kind}.{item.name}.view"
        view = self._items.get(("view", _key(name)))
        if not isinstance(view, View):
            raise UsageError(f"no view '{name}'", where=place, remedy=_nearest(name, self.names(View)))
        if view.views:
            what, mend = f"'{view.name}' stands on a view itself", f"write view = '{view.views[0]}'."
            raise UsageError(what, where=place, remedy=mend)
        return view

    def _cannot(self, overlays: Sequence[str]) -> Layout:
        raise UsageError("this layout was made without its overlays", where=self.where)

    def _add(self, item: Item) -> None:
        place, key = f"{self.where}: {item.kind}.{item.name}", (item.kind, _key(item.name))
        other = self._items.get(key)
        if other is not None:
            named = f"'{other.kind}.{other.name}'"
            raise UsageError(f"{named} has that name already", where=place, remedy="give each item a name of its own.")
        left, top, width, height = item.bounds
        if left < 0 or top < 0 or left + width > self.size[0] or top + height > self.size[1]:
            what = _off_screen(item, self.size)
            raise UsageError(what, where=place, remedy=f"keep within {self.size[0]} x {self.size[1]} px.")
        self._items[key] = item

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    @property
    def references(self) -> list[str]:
        """Paths of the reference pictures that it names, each once."""
        return list(dict.fromkeys(reference for item in self for reference in item.references))

    def telltale(self, name: str) -> Telltale:
        """A telltale by its name. Raises: UsageError, with the nearest names."""
        return self.find(name, Telltale)

    def text(self, name: str) -> Text:
        """A text by its name. Raises: UsageError, with the nearest names."""
        return self.find(name, Text)

    def needle(self, name: str) -> Needle:
        """A needle by its name. Raises: UsageError, with the nearest names."""
        return self.find(name, Needle)

    def find(self, name: str, kind: type[ItemT]) -> ItemT:
        """An item of a kind by its name. Raises: UsageError, with the nearest names."""
        item = self._of_kind(name, kind)
        if isinstance(item, kind):
            return item
        raise self.unknown(name, kind)

    def has(self, name: str, kind: type[Item]) -> bool:
        """Whether there is an item of a kind; of any, if the kind is `Item`."""
        return bool(self._called(name)) if kind is Item else self._of_kind(name, kind) is not None

    def _of_kind(self, name: str, kind: type[Item]) -> Item | None:
        what = kind.__name__.lower()
        return self._items.get((what, _key(name.removeprefix(f"{what}."))))

    def unknown(self, name: str, kind: type[Item]) -> UsageError:
        """The complaint about an item that isn't there, with the nearest names."""
        what, others = kind.__name__.lower(), self._called(name)
        if others:
            kind_there = others[0].kind
            mend = f"take the check of a {kind_there}."
            return UsageError(f"'{others[0].name}' is a {kind_there}, no {what}", where=self.where, remedy=mend)
        return UsageError(f"no {what} '{name}'", where=self.where, remedy=_nearest(name, self.names(kind)))

    def item(self, name: str) -> Item:
        """An item of any kind by its name, or by `kind.name` where several kinds have it.

        Raises:
            UsageError: there is none, with the nearest names; or several kinds have it.
        """
        found = self._called(name)
        if len(found) > 1:
            listed = " or ".join(f"{item.kind}.{item.name}" for item in found)
            raise UsageError(f"which '{name}'?", where=self.where, remedy=f"write {listed}.")
        if not found:
            raise UsageError(f"no item '{name}'", where=self.where, remedy=_nearest(name, self.names(Item)))
        return found[0]

    def _called(self, name: str) -> list[Item]:
        kind, _, rest = name.rpartition(".")
        return [item for (of, key), item in self._items.items() if key == _key(rest) and kind in ("", of)]

    def names(self, kind: type[Item] = Item) -> list[str]:
        """Names of the items of a kind, in the file's order."""
        return [item.name for item in self if isinstance(item, kind)]


def _key(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _nearest(name: str, known: Sequence[str]) -> str:
    return did_you_mean(name, known, f"there is {', '.join(known) or 'none'}.", most=3, quote="")


def _off_screen(item: Item, size: tuple[int, int]) -> str:
    if not isinstance(item, Needle):
        return f"region {list(item.bounds)} is off the screen"
    if not (0 <= item.pivot[0] <= size[0] and 0 <= item.pivot[1] <= size[1]):
        return f"the pivot {list(item.pivot)} is off the screen"
    return f"the ring round the pivot {list(item.pivot)} with outer = {item.outer} is off the screen"


# ---- parsing


def parse(text: str, where: str = "layout", overlays: Sequence[str] = (), shapes: Shapes | None = None) -> Layout:
    """The layout of a file's text, with overlays laid on in order.

    Overlays that aren't asked for are checked too, each alone, so that a mistake doesn't wait for the night.

    Args:
        text: the TOML text.
        where: the file's name, for messages.
        overlays: names of `[overlay.*]` sections.
        shapes: gives the shapes of reference pictures; without it they aren't compared.

    Raises:
        UsageError: one line with file, key, what is wrong and how to mend it.
    """
    raw = _toml(text, where)
    sections = raw.pop("overlay", {})
    Layout(_document(raw, where), where, (), text)
    _check_overlays(sections, overlays, where)
    for name, section in sections.items():
        Layout(_document(_merged(raw, [section]), where, f"overlay.{name}."), where, (name,), text)
    chosen = _document(_merged(raw, [sections[name] for name in overlays]), where)
    if shapes is not None:
        _attach_shapes(chosen, where, shapes)
    layout = Layout(chosen, where, tuple(overlays), text, tuple(sections))
    layout.relaid = lambda names: parse(text, where, names, shapes)
    return layout


def _attach_shapes(document: Document, where: str, shapes: Shapes) -> None:
    for item in document.items:
        item.attach_shapes({name: _fitting(shapes(name), name, item, where) for name in item.references})


def _fitting(shape: Shape, reference: str, item: Item, where: str) -> Shape:
    height, width = shape.shape
    region = item.references[reference]
    if width <= region[2] and height <= region[3] and shape.any():
        return shape
    what = f"'{reference}' is {width} x {height} px" if shape.any() else f"'{reference}' is all black"
    place, room = f"{where}: {item.kind}.{item.name}.reference", f"{region[2]} x {region[3]} px"
    raise UsageError(what, where=place, remedy=f"give a white symbol on black of at most the region's {room}.")


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"is no TOML: {error}", where=where, remedy="mend that line.") from error


def _check_overlays(sections: Any, wanted: Iterable[str], where: str) -> None:
    if not isinstance(sections, dict) or not all(isinstance(section, dict) for section in sections.values()):
        raise UsageError("is no table of sections", where=f"{where}: overlay", remedy="write [overlay.night.screen].")
    for name in wanted:
        if name not in sections:
            raise UsageError(f"no overlay '{name}'", where=where, remedy=_nearest(name, list(sections)))


def _merged(base: Mapping[str, Any], layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Tables are laid into tables; anything else replaces what stood there."""
    result = dict(base)
    for layer in layers:
        for key, value in layer.items():
            below = result.get(key)
            both = isinstance(value, dict) and isinstance(below, dict)
            result[key] = _merged(below, [value]) if both else value  # type: ignore[arg-type]
    return result


def _document(raw: Mapping[str, Any], where: str, prefix: str = "") -> Document:
    screen = raw.get("screen")
    brightness = screen.get("brightness", 1.0) if isinstance(screen, dict) else 1.0
    filled = {key: _filled(value, brightness) if key in KINDS else _arrays(value) for key, value in raw.items()}
    try:
        return Document.model_validate(filled)
    except ValidationError as error:
        _complain(error, where, prefix)


def _filled(section: Any, brightness: Any) -> Any:
    """Every item of a kind with its name and the screen's brightness; what is no table is left for the model."""
    if not isinstance(section, dict):
        return section
    default = brightness if isinstance(brightness, int | float) else 1.0
    return {
        name: {"brightness": default, **_arrays(item), NAME_KEY: name} if isinstance(item, dict) else item
        for name, item in section.items()
    }


def _arrays(value: Any) -> Any:
    """TOML's arrays as the tuples that frozen models hold."""
    if isinstance(value, dict):
        return {key: _arrays(entry) for key, entry in value.items()}
    return tuple(_arrays(entry) for entry in value) if isinstance(value, list) else value


_MODELS: Final[dict[str, type[BaseModel]]] = {"screen": Size, **KINDS}


def _complain(error: ValidationError, where: str, prefix: str) -> NoReturn:
    """The first thing wrong, as one line."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    place = f"{where}: {prefix}{'.'.join(path)}"
    if first["type"] == "extra_forbidden":
        raise UsageError("unknown key", where=place, remedy=_nearest(path[-1], _known_keys(path))) from error
    if first["type"] == "missing":
        raise UsageError("is missing", where=place, remedy=f"add {path[-1]} = ...") from error
    what = first["msg"].removeprefix("Value error, ")
    given = "" if first["type"] == "value_error" else f", not {first['input']!r}"
    raise UsageError(f"{what[0].lower()}{what[1:]}{given}", where=place, remedy=_HINTS.get(path[-1], "")) from error


_HINTS: Final = {
    "size": "write size = [width, height] in whole px.",
    "region": "write region = [left, top, width, height] in whole px.",
    "pivot": "write pivot = [x, y] in px.",
    "scale": "write scale = [[degrees, value], [degrees, value]]; of a bar: [value of the empty one, of the full one].",
    "colours": 'write colours = ["white", "#ff8800"].',
    "view": 'write view = "home", or view = ["home", "media"].',
    "anchors": "write anchors = [{ region = [...], reference = ... }, ...].",
    "screen": "begin the file with [screen] and size = [width, height].",
}


def _known_keys(path: Sequence[str]) -> list[str]:
    if len(path) == 1:
        return [*Document.model_fields, "overlay"]
    model = _MODELS.get(path[0])
    known = model.model_fields if model else {}
    return [key for key in known if key != "name"]
