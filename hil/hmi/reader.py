"""The reader: pixels and a layout item go in, a reading comes out. Pure, and found by name so that a lab adds its own.

A reader is a callable of the signature below, registered as an entry point of the group `hil.readers` (the kind's own
are named `telltale`, `text` and `needle`), or named `module:attribute` in a layout; a class is made without arguments.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final, Protocol

import numpy as np

from hil.errors import UsageError
from hil.hmi.frames import Pixels
from hil.hmi.layout import Item, Region

GROUP: Final = "hil.readers"
Value = str | float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader saw.

    Attributes:
        value: a telltale's state (`on`, `off`, `dim`, `wrong colour`, `wrong shape`), a text, or a needle's value in
            the layout's unit; None where there is nothing to be read, and `detail` says why.
        score: how sure the reader is of the value, 0..1.
        margin: how far the nearest measured property lies from the threshold that would change the value, 0..1.
        detail: what was seen, for people; without figures that a camera's noise would change at every look.
        measured: the figures that it was decided by, with their thresholds, for the report; may be empty.
        crop: the pixels that were judged, height x width x 3, RGB; belongs to the frame, don't write to it.
    """

    value: Value
    score: float
    margin: float
    detail: str
    crop: Pixels = field(repr=False, compare=False)
    measured: str = field(default="", repr=False, compare=False)


class Reader(Protocol):
    """Reads one item. Takes the pixels of the whole screen, height x width x 3, RGB, of the layout's size."""

    def __call__(self, pixels: Pixels, item: Any, /) -> Reading:
        """What the item shows. Keeps no state between two calls; equal pixels give equal readings."""


def crop(pixels: Pixels, region: Region) -> Pixels:
    """The part of a picture that a region names; a view."""
    left, top, width, height = region
    return np.asarray(pixels[top : top + height, left : left + width], np.uint8)


def reader_for(item: Item) -> Reader:
    """The reader that a layout item asks for, or its kind's own.

    Raises:
        UsageError: there is no such reader.
    """
    return find_reader(item.reader or item.kind)


@cache
def find_reader(name: str) -> Reader:
    """A reader by the name of its entry point, or by `module:attribute`.

    Raises:
        UsageError: there is no such reader, or it can't be imported.
    """
    try:
        found = _imported(name) if ":" in name else _registered(name)
    except (ImportError, AttributeError) as error:
        remedy = "install the package that brings it."
        raise UsageError(f"reader '{name}' can't be imported: {error}", remedy=remedy) from error
    reader: Reader = found() if isinstance(found, type) else found
    return reader


def _imported(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _registered(name: str) -> Any:
    registered = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in registered:
        known = ", ".join(sorted(registered)) or "none"
        raise UsageError(f"no reader '{name}'", remedy=f"registered are {known}; or write module:Class.")
    return registered[name].load()
