"""A view in the making: canvas, places and words together, and the parts that several views share. Pure.

Not for: colours and shapes (`hil.ecu.centre_pen`), what one view alone has.
"""

from __future__ import annotations

from dataclasses import dataclass

from hil.ecu.centre_icons import icon
from hil.ecu.centre_pen import Align, Canvas, Theme, mixed
from hil.ecu.centre_places import Places, Rect
from hil.ecu.centre_words import word
from hil.ecu.cluster_state import Rgb


@dataclass(slots=True)
class Sheet:
    """What a view is drawn with."""

    canvas: Canvas
    places: Places
    language: str

    @property
    def theme(self) -> Theme:
        """Its colours."""
        return self.canvas.theme

    def word(self, key: str) -> str:
        """A word of ours."""
        return word(self.language, key)

    def put(
        self, rect: Rect, text: str, size: int, colour: Rgb | None = None, *, align: Align = "middle",
        weight: str = "plain",
    ) -> None:  # fmt: skip
        """A line of text in a rectangle."""
        self.canvas.text(rect, text, size, colour, align=align, weight=weight)

    def text(
        self, spot: str, text: str, size: int, colour: Rgb | None = None, *, align: Align = "middle",
        weight: str = "plain",
    ) -> None:  # fmt: skip
        """A line of text at a spot."""
        self.canvas.text(self.places[spot], text, size, colour, align=align, weight=weight)

    def label(self, spot: str, key: str, size: int = 22, *, align: Align = "middle") -> None:
        """A faint word of ours at a spot."""
        self.text(spot, self.word(key), size, self.theme.faint, align=align)

    def icon(self, rect: Rect, name: str, side: int, colour: Rgb | None = None) -> None:
        """A symbol in the middle of a rectangle."""
        x, y = rect.middle
        self.canvas.mask((x - side // 2, y - side // 2), icon(name, side), colour or self.theme.ink)

    def button(
        self,
        name: str,
        symbol: str = "",
        text: str = "",
        *,
        lit: bool = False,
        colour: Rgb | None = None,
        side: int = 0,
    ) -> None:
        """A button: a surface with a symbol, a text or both; lit, or in a colour of its own."""
        theme, rect = self.theme, self.places[name]
        low = mixed(colour, (0, 0, 0), 0.25) if colour else theme.accent_low
        if lit or colour:
            self.canvas.card(rect, top=colour or theme.accent, low=low, edge=colour or theme.accent)
        else:
            self.canvas.card(rect)
        ink = theme.on_accent if lit or colour else theme.ink
        side = side or min(rect.h * 46 // 100, 56)
        if symbol and text:
            self.icon(rect.cut(bottom=rect.h * 36 // 100), symbol, side, ink)
            self.put(rect.cut(left=6, right=6).bottom(rect.h * 40 // 100), text, 21, ink)
        elif symbol:
            self.icon(rect, symbol, side, ink)
        else:
            self.put(rect.cut(left=8, right=8), text, 25, ink)

    def beside(self, name: str, symbol: str, text: str, colour: Rgb | None = None) -> None:
        """A wide button: the symbol left of the text."""
        theme, rect = self.theme, self.places[name]
        if colour:
            self.canvas.card(rect, top=colour, low=mixed(colour, (0, 0, 0), 0.25), edge=colour)
        else:
            self.canvas.card(rect)
        ink = theme.on_accent if colour else theme.ink
        self.icon(rect.left(84), symbol, 40, ink)
        self.put(rect.cut(left=80, right=14), text, 27, ink, align="left", weight="bold")


def clock_of(seconds: int | None) -> str:
    """A time span as m:ss, or h:mm:ss."""
    if seconds is None:
        return "--:--"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
