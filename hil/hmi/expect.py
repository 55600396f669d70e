"""What a test expects of one thing on the screen, in the user's units: `on`, `87 km/h +- 1`, `"Door open"`. Pure.

An expectation looks at pixels and judges; it knows nothing of time. Its margin is signed: the distance to the threshold
that would turn the judgement, as a part of the whole (of a tolerance, of a brightness), negative where it failed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hil import units
from hil.errors import UsageError
from hil.hmi.frames import Pixels
from hil.hmi.layout import Bar, Item, Needle, Region, Telltale, Text
from hil.hmi.reader import Reader, Reading, Value, reader_for

Quantity = str | float | int
"""`"87 km/h"`, or a number in the layout's unit."""
LAMP_STATES: Final = ("on", "off")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_LOOK_ALIKE: Final = str.maketrans(
    {"I": "l", "|": "l", "\u00a1": "", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u0152": "E", "\u0153": "e"}
)
"""Letters that many fonts draw alike, so that no reader can tell them apart, and what the OCR doesn't tell."""
_NO_VALUE: Final = {"text": "nothing readable", "needle": "no needle on the scale", "bar": "no readable bar"}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an expectation makes of one picture.

    Attributes:
        ok: it is met.
        seen: what was seen, for people.
        score: how sure the reader was, 0..1.
        margin: see above.
        detail: more on what was seen; may be empty.
        crop: the pixels that were judged.
        measured: what the reader measured, with its thresholds; may be empty.
        region: where on the screen these pixels are; None for all of it.
    """

    ok: bool
    seen: str
    score: float
    margin: float
    detail: str
    crop: Pixels = field(repr=False, compare=False)
    measured: str = field(default="", compare=False)
    region: Region | None = None


class Expectation:
    """One expectation of one item.

    Attributes:
        item: what is looked at.
        expected: what is expected, for people.
    """

    def __init__(
        self, item: Item, expected: str, verdict: Callable[[Value], float], reader: Reader | None = None
    ) -> None:
        self.item, self.expected = item, expected
        self._verdict, self._reader = verdict, reader or reader_for(item)

    @property
    def target(self) -> str:
        """Kind and name of the item, e.g. `telltale high_beam`."""
        return f"{self.item.kind} {self.item.name}"

    @property
    def bounds(self) -> Region:
        """All that a judgement depends on: a picture that is equal there isn't judged again."""
        return self.item.bounds

    def judge(self, pixels: Pixels) -> Judgement:
        """Look at the pixels of the whole screen."""
        reading = self._reader(pixels, self.item)
        distance = self._verdict(reading.value)
        margin = min(distance, reading.margin) if distance >= 0 else max(distance, -reading.margin)
        told = reading.score, margin, reading.detail, reading.crop, reading.measured, self.item.bounds
        return Judgement(distance >= 0, self._seen(reading), *told)

    def _seen(self, reading: Reading) -> str:
        if reading.value is None:
            return _NO_VALUE.get(self.item.kind, "nothing")
        if isinstance(reading.value, str):
            return f"'{reading.value}'" if self.item.kind == "text" else reading.value
        return _show(reading.value, _unit(self.item))


def lamp(item: Telltale, state: str, *, reader: Reader | None = None) -> Expectation:
    """A telltale is `on` or `off`.

    Raises:
        UsageError: another word.
    """
    wanted = state.strip().lower()
    if wanted not in LAMP_STATES:
        raise UsageError(f"a telltale is expected to be on or off, not '{state}'", remedy="write on or off.")
    return Expectation(item, wanted, lambda value: 1.0 if value == wanted else -1.0, reader)


def same_text(seen: str, wanted: str) -> bool:
    """Whether two texts are one to a reader: I and l are one letter, blanks don't count (OCR loses them)."""
    return _folded(seen) == _folded(wanted)


def _folded(text: str) -> str:
    return "".join(text.split()).translate(_LOOK_ALIKE)


def text_equals(item: Text, text: str, *, reader: Reader | None = None) -> Expectation:
    """A text is this one, as `same_text` says."""
    wanted = " ".join(text.split())

    def verdict(value: Value) -> float:
        return 1.0 if isinstance(value, str) and same_text(value, wanted) else -1.0

    return Expectation(item, f"'{wanted}'", verdict, reader)


def text_matches(item: Text, pattern: str, *, reader: Reader | None = None) -> Expectation:
    """A text is matched, from its beginning to its end, by a regular expression.

    Raises:
        UsageError: it is no regular expression.
    """
    try:
        form = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"'{pattern}' is no regular expression: {error}") from error

    def verdict(value: Value) -> float:
        return 1.0 if isinstance(value, str) and form.fullmatch(value) else -1.0

    return Expectation(item, f"text of the form {pattern}", verdict, reader)


def text_number(item: Text, value: Quantity, tolerance: Quantity = 0.0, *, reader: Reader | None = None) -> Expectation:
    """A text is a number within a tolerance. A text that is none (`---`) doesn't meet it.

    Raises:
        UsageError: the unit doesn't fit the layout's, or the tolerance is negative.
    """
    wanted, allowed = _number(item, value), _tolerance(item, tolerance)

    def verdict(seen: Value) -> float:
        number = _NUMBER.fullmatch(seen) if isinstance(seen, str) else None
        return _closeness(float(number[0].replace(",", ".")), wanted, allowed) if number else -1.0

    return Expectation(item, _band(wanted, allowed, item.unit), verdict, reader)


def needle(item: Needle, value: Quantity, tolerance: Quantity, *, reader: Reader | None = None) -> Expectation:
    """A needle points at a value, within a tolerance.

    Raises:
        UsageError: the unit doesn't fit the layout's, or the tolerance is not above 0, or the scale ends before.
    """
    wanted, allowed = _number(item, value), _tolerance(item, tolerance)
    if not allowed:
        remedy = f"give some {item.unit or 'units'}; this scale can be read to about {_fineness(item):.2g}."
        raise UsageError("a needle can't be compared without a tolerance", where=item.name, remedy=remedy)
    _check_scale(item, wanted, allowed, item.scale[0][1], item.scale[-1][1])

    def verdict(seen: Value) -> float:
        return _closeness(seen, wanted, allowed) if isinstance(seen, float) else -1.0

    return Expectation(item, _band(wanted, allowed, item.unit), verdict, reader)


def bar(item: Bar, value: Quantity, tolerance: Quantity, *, reader: Reader | None = None) -> Expectation:
    """A bar is filled up to a value, within a tolerance.

    Raises:
        UsageError: as `needle`.
    """
    wanted, allowed = _number(item, value), _tolerance(item, tolerance)
    if not allowed:
        step = (item.scale[1] - item.scale[0]) / max(item.region[2:])
        remedy = f"give some {item.unit or 'units'}; a pixel of it is {step:.2g}."
        raise UsageError("a bar can't be compared without a tolerance", where=item.name, remedy=remedy)
    _check_scale(item, wanted, allowed, *item.scale)

    def verdict(seen: Value) -> float:
        return _closeness(seen, wanted, allowed) if isinstance(seen, float) else -1.0

    return Expectation(item, _band(wanted, allowed, item.unit), verdict, reader)


def _number(item: Text | Needle | Bar, value: Quantity) -> float:
    """What is wanted, in the layout's unit."""
    number = _in_unit_of(item, value)
    if not math.isfinite(number):
        raise UsageError(f"'{value}' can't be shown", where=item.name, remedy="give a number.")
    return number


def _tolerance(item: Text | Needle | Bar, tolerance: Quantity) -> float:
    """What is allowed to either side, in the layout's unit."""
    allowed = _in_unit_of(item, tolerance)
    if not (allowed >= 0 and math.isfinite(allowed)):
        mend = "give how far it may be off to either side, without a sign."
        raise UsageError(f"'{tolerance}' is no tolerance", where=item.name, remedy=mend)
    return allowed


def _check_scale(item: Needle | Bar, wanted: float, allowed: float, low: float, high: float) -> None:
    """What lies beyond the scale by more than the tolerance can't be met, whatever the ECU does."""
    if not low - allowed <= wanted <= high + allowed:
        what = f"a {item.kind} can't show {_band(wanted, allowed, item.unit)}"
        scale = f"its scale goes from {_show(low, item.unit)} to {_show(high, item.unit)}."
        raise UsageError(what, where=item.name, remedy=scale)


def _fineness(item: Needle) -> float:
    """What half a degree stands for."""
    (first, low), (last, high) = item.scale[0], item.scale[-1]
    return 0.5 * (high - low) / (((last - first) if item.clockwise else (first - last)) % 360 or 360)


def _closeness(seen: float, wanted: float, allowed: float) -> float:
    """Distance to the edge of the tolerance, as a part of it: 1 in the middle, 0 at the edge, -1 far off."""
    error = abs(seen - wanted)
    if allowed == 0:
        return 1.0 if error < 1e-9 else -1.0
    edge = allowed * (1 + 1e-9) - error
    return max(-1.0, min(1.0, edge / allowed))


def _unit(item: Item) -> str:
    return item.unit if isinstance(item, Text | Needle | Bar) else ""


def _in_unit_of(item: Text | Needle | Bar, quantity: Quantity) -> float:
    """A quantity in the layout's unit; percent of a scale of parts (0 to 1) are parts."""
    number, unit = units.parse(quantity) if isinstance(quantity, str) else (float(quantity), "")
    if not unit:
        return number
    if unit == "%" and not item.unit and isinstance(item, Bar) and tuple(item.scale) == (0.0, 1.0):
        return number / 100
    if not item.unit:
        remedy = f'add unit = "{unit}" to {item.kind}.{item.name} in the layout, or leave the unit out.'
        raise UsageError(f"'{quantity}' has a unit, but the layout gives none", where=item.name, remedy=remedy)
    return units.convert(number, unit, item.unit)


def _band(wanted: float, allowed: float, unit: str) -> str:
    return _show(wanted, unit) + (f" +- {allowed:g}" if allowed else "")


def _show(value: float, unit: str) -> str:
    return f"{value:.6g} {unit}".strip()
