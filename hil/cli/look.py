"""`hil look --bench FILE`: what the bench sees: one picture of each screen, with the layout's items drawn over it.

Brings the bench to where a test starts (supply, ignition, restbus), sets what `--set` asks, touches what `--touch`
asks, and looks once. What is on the picture is drawn, each with a number, and told in a table below it: no view or
pop-up that isn't shown, and nothing that stands on such a view. `--all` draws the rest, `--item` what it names, on the
screens that have it; an item whose view isn't shown isn't read then: another view has something else in its place.

Not for judging: a suite does that.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from PIL import Image
from rich.markup import escape
from rich.table import Table

from hil import units
from hil.bench.checkup_finding import many
from hil.bench.facade import Bench
from hil.bench.lock import ResourceLocks
from hil.bench.plan import plan
from hil.bench.reset import Reset, Start
from hil.bench.wiring import open_bench
from hil.cli.benches import add_bench, load_bench
from hil.cli.look_picture import Seen, draw
from hil.cli.tables import print_table
from hil.errors import UsageError
from hil.hmi.frames import Pixels
from hil.hmi.layout import Bar, Button, Item, Layout, Needle, Popup, Telltale, Text
from hil.hmi.layout import View as ViewItem
from hil.hmi.read_popup import NONE
from hil.hmi.read_view import NOT_SHOWN, elsewhere, on_its_view
from hil.hmi.reader import Reading, reader_for

_LINE_PX: Final = 48
ELSEWHERE: Final = "not on this view"
_REMEDY: Final = "give a name of the layout, or a pattern such as 'tile_*'."
_TELLTALE_STATES: Final = ("on", "off")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add_bench(parser)
    parser.add_argument("--out", type=Path, default=Path("look.png"), metavar="FILE.png", help="where the picture goes")
    parser.add_argument("--set", action="append", default=[], metavar="SIGNAL=VALUE", help="have the restbus send it")
    parser.add_argument("--touch", action="append", default=[], metavar="BUTTON", help="touch it, then wait again")
    parser.add_argument("--after", default="1 s", metavar="TIME", help="how long to wait before looking (1 s)")
    parser.add_argument("--item", action="append", default=[], metavar="PATTERN", help="only these items (wildcards)")
    parser.add_argument("--all", action="store_true", help="also items of views that aren't shown")
    parser.add_argument("--plain", action="store_true", help="draw nothing over the pictures")


def run(arguments: argparse.Namespace) -> int:
    """Look; print the readings and where the pictures are.

    Raises:
        UsageError: the bench file, a layout or an argument is wrong.
        BenchError: the bench doesn't come up, gives no picture, or another run holds it.
    """
    made = plan(load_bench(arguments))
    wish = _wish(made.layouts, arguments)
    locks = ResourceLocks(made.resources, f"hil look on bench '{made.config.bench.name}'")
    locks.acquire()
    try:
        opened = open_bench(made, "look")
        try:
            views = _look(Bench(opened.wiring, made.config.bench.timeout), wish)
        finally:
            opened.close()
    finally:
        locks.release()
    _show(views, arguments.out, plain=arguments.plain)
    return 0


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    Attributes:
        items: what to read, by screen.
        signals: what to set before.
        touches: buttons to touch then.
        after_s: how long to wait after each.
        everything: items of views that aren't shown, too.
    """

    items: Mapping[str, Sequence[Item]]
    signals: Sequence[tuple[str, str]]
    touches: Sequence[str]
    after_s: float
    everything: bool


def _wish(layouts: Mapping[str, Layout], arguments: argparse.Namespace) -> Wish:
    items = {name: _chosen(layout, arguments.item) for name, layout in layouts.items()}
    if arguments.item and not any(items.values()):
        raise UsageError(f"no item is called {' or '.join(arguments.item)}", where="--item", remedy=_REMEDY)
    if arguments.item:
        items = {name: chosen for name, chosen in items.items() if chosen}
    everything = arguments.all or bool(arguments.item)
    return Wish(
        items, [_signal(text) for text in arguments.set], arguments.touch, _seconds(arguments.after), everything
    )


def _chosen(layout: Iterable[Item], patterns: Sequence[str]) -> list[Item]:
    """The items that are asked for; without a wish all of them."""
    return [item for item in layout if not patterns or any(fnmatchcase(item.name, one) for one in patterns)]


@dataclass(frozen=True, slots=True)
class View:
    """A screen: its picture, what the readers make of each item, and the items that aren't on this picture.

    Without a reading is an item that was asked for, and whose view isn't shown.
    """

    screen: str
    pixels: Pixels
    readings: list[tuple[Item, Reading | None]]
    absent: Sequence[Item] = ()


def _signal(text: str) -> tuple[str, str]:
    signal, sign, value = text.partition("=")
    if not sign:
        raise UsageError(f"'{text}' is no SIGNAL=VALUE", where="--set", remedy='write --set "VehicleSpeed=87 km/h".')
    return signal.strip(), value.strip()


def _seconds(text: str) -> float:
    try:
        return units.seconds(text)
    except UsageError as error:
        raise UsageError(error.what, where="--after", remedy="write --after '500 ms'.") from None


def _look(bench: Bench, wish: Wish) -> list[View]:
    bench.call(Reset(bench.wiring).to(Start.ON))
    for signal, value in wish.signals:
        bench.set_signal(signal, value)
    bench.sleep(wish.after_s)
    for button in wish.touches:
        bench.touch(button)
        bench.sleep(wish.after_s)
    return [view_of(bench, name, items, everything=wish.everything) for name, items in wish.items.items()]


def view_of(bench: Bench, name: str, items: Sequence[Item], *, everything: bool) -> View:
    """Look at a screen: what is on it now, or everything."""
    pixels = bench.call(bench.wiring.screens[name].latest()).pixels
    absent = [] if everything else [item for item in items if not _is_there(pixels, item)]
    here = _in_reading_order([item for item in items if item not in absent])
    return View(name, pixels, [(item, _read(pixels, item)) for item in here], absent)


def _in_reading_order(items: Sequence[Item]) -> list[Item]:
    """The items kind by kind, each kind row by row and from left to right: numbers that are easy to find."""
    kinds = list(dict.fromkeys(item.kind for item in items))
    return sorted(items, key=lambda item: (kinds.index(item.kind), item.bounds[1] // _LINE_PX, item.bounds[0]))


def _read(pixels: Pixels, item: Item) -> Reading | None:
    """What an item shows; a view and a button say themselves that they aren't there."""
    if isinstance(item, ViewItem | Button) or on_its_view(pixels, item):
        return reader_for(item)(pixels, item)
    return None


def _is_there(pixels: Pixels, item: Item) -> bool:
    """Whether an item is on this picture."""
    if isinstance(item, ViewItem | Popup):
        return reader_for(item)(pixels, item).value not in (NOT_SHOWN, NONE)
    return on_its_view(pixels, item)


# ---- the table


def _show(views: Sequence[View], out: Path, *, plain: bool) -> None:
    if not views:
        raise UsageError("this bench has no screen", remedy="add [screen.NAME] to the bench file.")
    for view in views:
        if view.readings:
            print_table(_table(view))
        if view.absent:
            print(f"not on this picture: {_absent(view.absent)}; --all shows them too")
        file = out if len(views) == 1 else out.with_stem(f"{out.stem}-{view.screen}")
        print(f"picture: {_save(_picture(view, plain=plain), file)}")


def _absent(items: Sequence[Item]) -> str:
    views = sum(isinstance(item, ViewItem) for item in items)
    others = len(items) - views
    named = [many(count, word) for count, word in ((views, "view"), (others, "other item")) if count]
    return " and ".join(named)


def _picture(view: View, *, plain: bool) -> Image.Image:
    if plain:
        return Image.fromarray(view.pixels)
    seen = [
        Seen(item, say(item, reading), strange=_is_strange(item, reading), there=_is_seen(reading))
        for item, reading in view.readings
    ]
    return draw(view.pixels, seen)


def _is_seen(reading: Reading | None) -> bool:
    return reading is not None and reading.value != NOT_SHOWN


def _is_strange(item: Item, reading: Reading | None) -> bool:
    """Whether nothing sensible is read."""
    if reading is None:
        return False
    return reading.value is None or (isinstance(item, Telltale) and reading.value not in _TELLTALE_STATES)


def _table(view: View) -> Table:
    table = Table("no.", "item", "shows", "score", "margin", "detail", box=None)
    for number, (item, reading) in enumerate(view.readings, 1):
        figures = (f"{reading.score:.2f}", f"{reading.margin:.2f}") if reading else ("", "")
        detail = reading.detail if reading else elsewhere(item)
        table.add_row(str(number), f"{item.kind} {item.name}", escape(say(item, reading)), *figures, escape(detail))
    return table


def say(item: Item, reading: Reading | None) -> str:
    """A reading for people: `on`, `'42'`, `87 km/h`; of an item whose view isn't shown that."""
    if reading is None:
        return ELSEWHERE
    if reading.value is None:
        return "no needle" if isinstance(item, Needle) else "nothing readable"
    if isinstance(reading.value, str):
        return f"'{reading.value}'" if isinstance(item, Text) else reading.value
    unit = item.unit if isinstance(item, Text | Needle | Bar) else ""
    return f"{reading.value:.4g} {unit}".strip()


def _save(image: Image.Image, file: Path) -> str:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(file, "PNG")
    except OSError as error:
        what = f"can't be written: {error.strerror}"
        raise UsageError(what, where=str(file), remedy="give --out FILE.png.") from None
    return str(file)
