"""What the screens of a case are expected to look like: theme, language, unit. Each lays an overlay on the layouts.

Rules of this module: what a case says holds for all screens: an overlay is laid on every layout that has it, in the
order theme, language, unit, after those of the bench file. A word that is in no layout, and that no layout has as its
base, is a usage error: a misspelt theme must not be read as day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hil.errors import UsageError
from hil.hmi.layout import Layout
from hil.nearest import did_you_mean

ASPECTS: Final = ("theme", "language", "unit")


class Looks:
    """The layouts of a case.

    Args:
        layouts: as the bench file says, by screen.
    """

    def __init__(self, layouts: Mapping[str, Layout]) -> None:
        self._layouts = dict(layouts)
        self._said: dict[str, str] = {}
        self._made: dict[tuple[str, tuple[str, ...]], Layout] = {}

    def use(self, aspect: str, word: str) -> None:
        """Expect a theme, a language or a unit from now on.

        Raises:
            UsageError: no layout of this bench knows it.
        """
        known = {name for layout in self._layouts.values() for name in (*layout.choices, *layout.base)}
        if word not in known:
            mend = _other_word(aspect, word, sorted(name for name in known if _aspect_of(name) == aspect))
            raise UsageError(f"no {aspect} '{word}' in the layouts of this bench", remedy=mend)
        self._said[aspect] = word

    def layout(self, screen: str) -> Layout:
        """The layout of a screen with all that was said laid on."""
        base = self._layouts[screen]
        if not self._said:
            return base
        key = screen, self._overlays(base)
        if key not in self._made:
            self._made[key] = base.relaid(key[1]) if key[1] != base.overlays else base
        return self._made[key]

    def _overlays(self, layout: Layout) -> tuple[str, ...]:
        """Those of the bench file that nothing was said against, then what was said."""
        said = [self._said[aspect] for aspect in ASPECTS if aspect in self._said]
        over = {aspect for aspect, word in self._said.items() if word in layout.base}
        kept = [name for name in layout.overlays if name not in said and not self._is_overruled(name, over)]
        return tuple(kept + [word for word in said if word in layout.choices])

    def _is_overruled(self, overlay: str, back_to_base: set[str]) -> bool:
        """An overlay of the bench file gives way where a case says another word for the same aspect.

        Of which aspect an overlay is isn't written down: a language has two letters, units are km/h and mph.
        """
        return _aspect_of(overlay) in back_to_base | self._said.keys()


def _other_word(aspect: str, word: str, known: list[str]) -> str:
    """Which word of the aspect to write instead. Two letters of a language are near to too much."""
    listed = f"they know {', '.join(known)}" if known else f"they know no {aspect}"
    if aspect == "language":
        return f"{listed}; leave it out where they are the same in each language."
    return did_you_mean(word, known, f"{listed}.")


def _aspect_of(overlay: str) -> str:
    if overlay in ("km/h", "mph"):
        return "unit"
    return "language" if len(overlay) == 2 else "theme"
