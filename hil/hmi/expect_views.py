"""Expectations of icons, pop-ups, views and pictures. Pure; the rules are those of `hil.hmi.expect`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from hil.errors import UsageError
from hil.hmi import expect, read_icon, read_popup, read_view
from hil.hmi.expect import Expectation, Judgement
from hil.hmi.frames import Pixels
from hil.hmi.layout import Button, Icon, Layout, Picture, Popup, Region, View
from hil.hmi.layout_base import around
from hil.hmi.reader import Reader, Reading, Value, crop, reader_for

NONE: Final = "none"
PICTURE_STATES: Final = ("picture", "black", "plain")


def _one_of(wanted: str) -> Callable[[Value], float]:
    """A verdict that asks for one word, among several joined by `or`."""
    return lambda value: 1.0 if isinstance(value, str) and wanted in value.split(read_popup.OR) else -1.0


def icon(item: Icon, name: str, *, reader: Reader | None = None) -> Expectation:
    """An icon is one of its pictures, or `none`.

    Raises:
        UsageError: it has no picture of that name.
    """
    wanted = name.strip()
    if wanted not in (*item.pictures, read_icon.NONE):
        remedy = f"one of {', '.join(item.pictures)}, or none."
        raise UsageError(f"icon '{item.name}' has no picture '{name}'", remedy=remedy)
    return Expectation(item, wanted, _one_of(wanted), reader)


def picture(item: Picture, state: str, *, reader: Reader | None = None) -> Expectation:
    """A region shows a `picture`, or is `black` or `plain`.

    Raises:
        UsageError: another word.
    """
    if state not in PICTURE_STATES:
        raise UsageError(f"no state of a picture: '{state}'", remedy=f"one of {', '.join(PICTURE_STATES)}.")
    return Expectation(item, f"a {state}" if state == "picture" else state, _one_of(state), reader)


def not_black(item: Picture, *, reader: Reader | None = None) -> Expectation:
    """A region shows a picture: neither black nor of one colour."""
    return Expectation(item, "not black", _one_of("picture"), reader)


class _Shown(Expectation):
    """A view or a button is shown, or not; a view that should be and isn't is told with the one that is."""

    def __init__(self, item: View | Button, shown: bool, others: Sequence[View], reader: Reader | None) -> None:
        wanted = read_view.SHOWN if shown else read_view.NOT_SHOWN
        super().__init__(item, wanted, lambda value: 1.0 if value == wanted else -1.0, reader)
        self._others = [other for other in others if not any(anchor.text for anchor in other.anchors)] if shown else []

    @property
    def bounds(self) -> Region:
        """Where it is, where the views are on which it stands, and those that would be named instead."""
        return around([each.bounds for each in (self.item, *self.item.stands_on, *self._others)])

    def judge(self, pixels: Pixels) -> Judgement:
        """Look at the pixels of the whole screen."""
        judgement = super().judge(pixels)
        if judgement.ok:
            return judgement
        there = [other.name for other in self._others if reader_for(other)(pixels, other).value == read_view.SHOWN]
        return replace(judgement, seen=f"{judgement.seen}, but {' and '.join(there)}") if there else judgement


def shown(
    item: View | Button, *, others: Sequence[View] = (), is_shown: bool = True, reader: Reader | None = None
) -> Expectation:
    """A view, or a button, is on the screen; or (`is_shown=False`) is not."""
    return _Shown(item, is_shown, [other for other in others if other.name != item.name], reader)


class _OnItsView(Expectation):
    """What is expected of an item that stands on a view: not met while another view has its place.

    Its own pixels are judged again only if they have changed; the rest of the region is where the view is known.
    """

    def __init__(self, wanted: Expectation) -> None:
        super().__init__(wanted.item, wanted.expected, lambda value: -1.0)
        self._wanted = wanted
        self._last: tuple[Pixels, Judgement] | None = None

    @property
    def target(self) -> str:
        """As without the view."""
        return self._wanted.target

    @property
    def bounds(self) -> Region:
        """Where it is, and where the views are known on which it stands."""
        return around([self._wanted.bounds, *(view.bounds for view in self.item.stands_on)])

    def judge(self, pixels: Pixels) -> Judgement:
        """Look for the view, then at the item."""
        mine = crop(pixels, self._wanted.bounds)
        if not read_view.on_its_view(pixels, self.item):
            return Judgement(False, read_view.elsewhere(self.item), 1.0, -1.0, "", mine, "", self._wanted.bounds)
        if self._last is None or not np.array_equal(self._last[0], mine):
            self._last = mine, self._wanted.judge(pixels)
        return self._last[1]


def on_its_view(wanted: Expectation) -> Expectation:
    """The same, asked only while a view is shown on which the item stands; of one that stands on none as it is.

    What is there or not by itself (a view, a button, a pop-up) says so itself.
    """
    item = wanted.item
    return _OnItsView(wanted) if item.stands_on and not isinstance(item, View | Button | Popup) else wanted


class _ThereToTouch(Expectation):
    """A button's view is shown, so that a finger would find it; anchors of the button itself don't count."""

    def __init__(self, item: Button, layout: Layout) -> None:
        wanted = f"on view {' or '.join(item.views)}"
        super().__init__(item, wanted, lambda value: 1.0 if value == read_view.SHOWN else -1.0)
        self._layout = layout

    @property
    def bounds(self) -> Region:
        """Where any view is known."""
        return around([self.item.bounds, *(view.bounds for view in self._layout if isinstance(view, View))])

    def judge(self, pixels: Pixels) -> Judgement:
        """Look which views are shown."""
        there, picture = read_view.on_its_view(pixels, self.item), crop(pixels, self.item.bounds)
        names = [view.name for view in read_view.shown_views(pixels, self._layout)]
        seen = f"view {' and '.join(names)}" if names else "none of the layout's views"
        return Judgement(there, seen, 1.0, 1.0 if there else -1.0, "", picture)


def there_to_touch(item: Button, layout: Layout) -> Expectation:
    """A button can be touched: a view on which it stands is shown."""
    return _ThereToTouch(item, layout)


class PopupExpectation(Expectation):
    """A pop-up is shown with what is asked of it, or none is.

    Args:
        item: the pop-up.
        severity: its severity; any if empty, none shown if `none`.
        text: what it says; anything if None.
        symbol: the name of its symbol; any if None, and `none` for no symbol.

    Raises:
        UsageError: the layout's pop-up has no such severity or symbol, or no region for it.
    """

    def __init__(self, item: Popup, severity: str = "", text: str | None = None, symbol: str | None = None) -> None:
        self._popup = item
        self._parts: list[Expectation] = []
        if severity and severity not in (*item.severity, NONE):
            remedy = f"one of {', '.join(item.severity)}, or none."
            raise UsageError(f"pop-up '{item.name}' has no severity '{severity}'", remedy=remedy)
        if severity == NONE and (text is not None or symbol is not None):
            raise UsageError("a pop-up that isn't shown has no text and no symbol", where=item.name)
        self._add_parts(text, symbol)
        words = [severity or "shown", *(part.expected for part in self._parts)]
        super().__init__(item, ", ".join(words), self._verdict_on(severity))

    @staticmethod
    def _verdict_on(severity: str) -> Callable[[Value], float]:
        if severity:
            return _one_of(severity)
        return lambda value: -1.0 if value == NONE else 1.0

    def _add_parts(self, text: str | None, symbol: str | None) -> None:
        words, sign = self._popup.words, self._popup.sign
        for wanted, part, key in ((text, words, "text"), (symbol, sign, "symbol and symbols")):
            if wanted is not None and part is None:
                where = f"popup.{self._popup.name}"
                raise UsageError(f"the layout doesn't say where its {key.split()[0]} is", where=where, remedy=key)
        if text is not None and words is not None:
            self._parts.append(expect.text_equals(words, text))
        if symbol is not None and sign is not None:
            self._parts.append(icon(sign, symbol))

    def judge(self, pixels: Pixels) -> Judgement:
        """Look at the pop-up; if it is there, at its parts too."""
        whole = super().judge(pixels)
        if whole.seen == NONE:
            return whole
        parts = [part.judge(pixels) for part in self._parts]
        all_of_it = [whole, *parts]
        failed = [judgement for judgement in all_of_it if not judgement.ok]
        margin = max(each.margin for each in failed) if failed else min(each.margin for each in all_of_it)
        return Judgement(
            not failed,
            ", ".join(each.seen for each in all_of_it) or whole.seen,
            min(each.score for each in all_of_it),
            margin,
            "; ".join(each.detail for each in (failed or [whole]) if each.detail),
            whole.crop,
        )


class PopupText(Expectation):
    """What a pop-up says, as `seen`; empty where none is shown. Meets nothing: a check compares it itself."""

    def __init__(self, item: Popup) -> None:
        words = item.words
        if words is None:
            where = f"popup.{item.name}"
            raise UsageError("the layout doesn't say where its text is", where=where, remedy="add text = [...].")
        self._words, self._read_words = words, reader_for(words)
        super().__init__(item, "", lambda value: -1.0)

    def judge(self, pixels: Pixels) -> Judgement:
        """Look at the pop-up, and if it is there at its text."""
        whole = super().judge(pixels)
        if whole.seen == NONE:
            return replace(whole, seen="")
        reading: Reading = self._read_words(pixels, self._words)
        return replace(whole, seen=str(reading.value or ""), score=reading.score, detail=reading.detail)
