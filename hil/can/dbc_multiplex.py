"""The pages of one DBC message: which multiplexer selects which signals, from the marks and from `SG_MUL_VAL_`.

Rules of this module: pure. A page is taken as said only if it leads to a signal that is always there; what doesn't is
reported, and the signal is then there whatever the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from hil.can.dbc_scan import Statement
from hil.can.dbc_signal import SignalText

MAX_PAGES: Final = 65536
"""Values that select a signal, in all signals of one message: what cantools can hold in a second."""
_RANGE: Final = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")


class Pages:
    """Args:
    signals: all signals of the message.
    """

    def __init__(self, signals: Sequence[SignalText]) -> None:
        self._signals = signals
        self._by_name: dict[str, SignalText] = {}
        for signal in signals:
            self._by_name.setdefault(signal.name, signal)
        self._above: dict[str, tuple[str, list[tuple[int, int]]]] = {}
        self._count = 0

    def select(self, name: str, above: str, ranges: str) -> str:
        """Take what `SG_MUL_VAL_` says. Returns what is wrong with it, empty if nothing is."""
        multiplexer = self._by_name.get(above)
        if multiplexer is None:
            return f"there is no multiplexer {above}, so they are left out"
        if above == name or above in self._descendants(name):
            return f"it would select itself by way of {above}, so they are left out"
        top = (1 << multiplexer.length) - 1
        said = [(int(low[:12]), int((high or low)[:12])) for low, high in _RANGE.findall(ranges)]
        pages = [(low, min(high, top)) for low, high in said if low <= min(high, top)]
        count = sum(high - low + 1 for low, high in pages)
        if not pages or self._count + count > MAX_PAGES:
            return "they are too many, so they are left out" if pages else f"{above} has no such value"
        self._count += count
        multiplexer.multiplexer = True
        self._above[name] = above, [*self._above.get(name, ("", []))[1], *pages]
        return "" if pages == said else f"{above} goes to {top}, so they end there"

    def _descendants(self, name: str) -> set[str]:
        found, new = set(), {name}
        while new:
            found |= new
            new = {low for low, (above, _) in self._above.items() if above in new} - found
        return found

    def settle(self) -> Iterator[tuple[str, Statement]]:
        """Make marks and pages agree; yields each signal whose page can't be told, with why."""
        marked = [signal for signal in self._signals if signal.multiplexer]
        for signal in self._signals:
            if signal.name in self._above:
                signal.page = self._above[signal.name][1][0][0]
            elif signal.page is not None and len(marked) != 1:
                signal.page = None
                why = "no signal is the multiplexer" if not marked else f"there are {len(marked)} multiplexers"
                yield f"the page of {signal.name} can't be told: {why}", signal.statement

    def show(self, can_id: int) -> list[str]:
        """The `SG_MUL_VAL_` statements."""
        return [
            f"SG_MUL_VAL_ {can_id} {name} {above} {', '.join(f'{low}-{high}' for low, high in pages)};"
            for name, (above, pages) in self._above.items()
        ]


__all__ = ["MAX_PAGES", "Pages"]
