"""What is to be read off a picture, and what is read otherwise. Pure but for OCR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hil.hmi import expect, read_popup
from hil.hmi.frames import Pixels
from hil.hmi.layout import Item, Layout, Popup, Text
from hil.hmi.layout_file import load
from hil.hmi.reader import Reading, reader_for

LAYOUTS = Path(__file__).parents[2] / "fixtures/layouts"


@dataclass
class Truth:
    """What a picture shows: a word by item, or a number with how far off it may be.

    Attributes:
        words: `kind.name` -> the word; of a text, the text.
        numbers: `kind.name` -> the number and its tolerance.
        popups: name -> the text and the symbol of a pop-up that is shown; None where they aren't looked at.
    """

    words: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, tuple[float, float]] = field(default_factory=dict)
    popups: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many readings that are."""
        parts = sum(part is not None for popup in self.popups.values() for part in popup)
        return len(self.words) + len(self.numbers) + parts


@dataclass(frozen=True)
class Misread:
    """A reading that is wrong."""

    item: str
    wanted: str
    got: Reading

    def __str__(self) -> str:
        return f"{self.item}: wanted {self.wanted!r}, read {self.got.value!r} ({self.got.detail})"


@cache
def layout_of(brand: str, screen: str, overlays: tuple[str, ...]) -> Layout:
    """The layout of a screen of a brand."""
    return load(LAYOUTS / brand / f"{screen}.toml", overlays)


def misread(layout: Layout, pixels: Pixels, truth: Truth) -> Iterator[Misread]:
    """What the readers see otherwise than the truth says; items that the layout lacks are nothing to read."""
    known = {f"{item.kind}.{item.name}": item for item in layout}
    for name, word in truth.words.items():
        if name in known:
            yield from _wrong(pixels, known[name], word)
    for name, number in truth.numbers.items():
        if name in known:
            yield from _off(pixels, known[name], *number)
    for name, parts in truth.popups.items():
        yield from _in_popup(pixels, layout.find(name, Popup), *parts)


def _off(pixels: Pixels, item: Item, value: float, tolerance: float) -> Iterator[Misread]:
    got = _read(pixels, item)
    if not isinstance(got.value, float) or abs(got.value - value) > tolerance:
        yield Misread(f"{item.kind}.{item.name}", f"{value:g} +- {tolerance:g}", got)


def _in_popup(pixels: Pixels, popup: Popup, text: str | None, symbol: str | None) -> Iterator[Misread]:
    for part, word in ((popup.words, text), (popup.sign, symbol)):
        if part is not None and word is not None:
            yield from _wrong(pixels, part, word)


def _wrong(pixels: Pixels, item: Item, word: str) -> Iterator[Misread]:
    got = _read(pixels, item)
    if not _same(item, word, got):
        yield Misread(f"{item.kind}.{item.name}", word, got)


def _read(pixels: Pixels, item: Item) -> Reading:
    return reader_for(item)(pixels, item)


def _same(item: Item, word: str, got: Reading) -> bool:
    if not isinstance(got.value, str):
        return False
    if isinstance(item, Text):
        return expect.same_text(got.value, word)
    return word in got.value.split(read_popup.OR) if isinstance(item, Popup) else got.value == word
