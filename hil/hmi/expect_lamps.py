"""Expectations of several telltales in one picture: these are lit and no other; these change together. Pure.

Rules of this module: each telltale is read by its own reader. One that is lit otherwise than its layout says (`dim`,
`wrong colour`) is neither on nor off, so it never fits.

Not for: one telltale (`hil.hmi.expect`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from hil.hmi.expect import LAMP_STATES, Expectation, Judgement
from hil.hmi.frames import Pixels
from hil.hmi.layout import Item, Region, Telltale
from hil.hmi.layout_base import NAME_KEY, around
from hil.hmi.read_telltale import read_telltale
from hil.hmi.reader import Reading, crop, reader_for

_ON, _OFF = LAMP_STATES
_NONE: Final = "none"
_THUMBNAIL_STEP: Final = 3
_MOST_MEASURED: Final = 5


class Strip(Item):
    """Several telltales, looked at as one."""

    regions: tuple[Region, ...]

    @property
    def bounds(self) -> Region:
        """The smallest region that holds all of them."""
        return around(list(self.regions))


class _Lamps(Expectation):
    """What is expected of several telltales together."""

    def __init__(self, items: Sequence[Telltale], expected: str) -> None:
        fields = {NAME_KEY: "telltales", "brightness": 1.0, "regions": tuple(item.bounds for item in items)}
        super().__init__(Strip.model_validate(fields), expected, lambda value: -1.0, read_telltale)
        self._items = tuple(items)
        self._readers = tuple(reader_for(item) for item in items)

    @property
    def target(self) -> str:
        """What is looked at."""
        return "telltales"

    def judge(self, pixels: Pixels) -> Judgement:
        """Look at each of them."""
        readings = {item.name: read(pixels, item) for item, read in zip(self._items, self._readers, strict=True)}
        wrong = self._wrong({name: str(reading.value) for name, reading in readings.items()})
        judged = [readings[name] for name in wrong] or list(readings.values())
        margin = max(-each.margin for each in judged) if wrong else min(each.margin for each in judged)
        detail = "; ".join(f"{name}: {readings[name].detail}" for name in wrong)
        score = min(each.score for each in judged)
        picture = crop(pixels, self.item.bounds)[::_THUMBNAIL_STEP, ::_THUMBNAIL_STEP]
        measured = "; ".join(f"{name}: {readings[name].measured}" for name in wrong[:_MOST_MEASURED])
        return Judgement(not wrong, _lit(readings), score, margin, detail, picture, measured, self.item.bounds)

    def _wrong(self, states: dict[str, str]) -> list[str]:
        """The names of those that aren't as expected."""
        raise NotImplementedError


class LitTelltales(_Lamps):
    """Of these telltales exactly some are on, all others are off.

    Args:
        items: all that are looked at.
        lit: the names of those that must be on.
    """

    def __init__(self, items: Sequence[Telltale], lit: Collection[str]) -> None:
        self._wanted = frozenset(lit)
        super().__init__(items, f"lit: {', '.join(sorted(lit)) or _NONE}")

    def _wrong(self, states: dict[str, str]) -> list[str]:
        return [name for name, state in states.items() if state != (_ON if name in self._wanted else _OFF)]


class InStep(_Lamps):
    """These telltales are all on or all off."""

    def __init__(self, items: Sequence[Telltale]) -> None:
        super().__init__(items, f"{' and '.join(item.name for item in items)} on or off together")

    def _wrong(self, states: dict[str, str]) -> list[str]:
        together = set(states.values()) in ({_ON}, {_OFF})
        return [] if together else list(states)


def _lit(readings: dict[str, Reading]) -> str:
    """What is lit, for people."""
    lit = {name: str(each.value) for name, each in readings.items() if each.value != _OFF}
    return f"lit: {', '.join(name if state == _ON else f'{name} ({state})' for name, state in lit.items()) or _NONE}"
