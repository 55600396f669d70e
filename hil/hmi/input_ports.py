"""Ports that touch and press: the virtual ECU's panel and key pad, and any command (adb's by default).

Rules of this module: a contact's stamp says when the finger came down and how well that is known. A command is asked to
do the whole tap; its contact is the middle of the time that it ran, bounded by half of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from hil.clock import NS_PER_S, Clock
from hil.errors import UsageError
from hil.hmi import commands
from hil.hmi.touch import Contact, KeyEvent, KeyPad, OnLost, Point, TouchEvent, TouchPanel, TouchPort
from hil.journal import Origin

MOVES_HZ: Final = 60
"""How often a moving finger of the bench says where it is."""


REST_NS: Final = 100_000_000
"""How long a finger is off the glass between two touches, at least: nobody taps faster, and panels debounce."""


class SimTouch:
    """A finger on the panel of the virtual ECU."""

    def __init__(self, *, clock: Clock, panel: TouchPanel) -> None:
        self.name, self.size = panel.name, panel.size
        self._clock, self._panel = clock, panel
        self._free_ns = 0
        self._at: Point = (0, 0)

    async def open(self, on_lost: OnLost) -> None:
        """Nothing to reach."""

    async def tap(self, at: Point, hold_s: float) -> Contact:
        """As `TouchPort.tap`."""
        on_glass(self, at)
        await self._clock.sleep_until(self._free_ns)
        now_ns = self._clock.now_ns
        self._do("down", at)
        lifted_ns = now_ns + round(hold_s * NS_PER_S)
        self._free_ns = lifted_ns + REST_NS
        self._clock.call_at(lifted_ns, lambda _: self._do("up", at))
        return Contact(now_ns)

    async def swipe(self, begin: Point, end: Point, duration_s: float) -> Contact:
        """As `TouchPort.swipe`."""
        on_glass(self, begin)
        on_glass(self, end)
        await self._clock.sleep_until(self._free_ns)
        since_ns, moves = self._clock.now_ns, max(1, round(duration_s * MOVES_HZ))
        self._do("down", begin)
        for number in range(1, moves + 1):
            await self._clock.sleep_until(since_ns + round(duration_s * NS_PER_S * number / moves))
            x, y = (a + round((b - a) * number / moves) for a, b in zip(begin, end, strict=True))
            self._do("move", (x, y))
        self._do("up", end)
        self._free_ns = self._clock.now_ns + REST_NS
        return Contact(since_ns)

    def _do(self, action: str, at: Point) -> None:
        self._at = at
        self._panel.touch(TouchEvent(self._clock.now_ns, action, *at))  # type: ignore[arg-type]

    async def close(self) -> None:
        """Lift the finger."""
        self._do("up", self._at)


class SimKeys:
    """A finger on the hard keys of the virtual ECU."""

    def __init__(self, *, clock: Clock, pad: KeyPad) -> None:
        self.name, self.keys = pad.name, pad.keys
        self._clock, self._pad = clock, pad
        self._free_ns: dict[str, int] = {}

    async def open(self, on_lost: OnLost) -> None:
        """Nothing to reach."""

    async def press(self, key: str, hold_s: float) -> Contact:
        """As `KeyPort.press`; different keys may be down at once."""
        await self._clock.sleep_until(self._free_ns.get(key, 0))
        now_ns = self._clock.now_ns
        self._pad.press(KeyEvent(now_ns, key, True))
        self._free_ns[key] = now_ns + round(hold_s * NS_PER_S)
        self._clock.call_at(self._free_ns[key], partial(self._release, key))
        return Contact(now_ns)

    def _release(self, key: str, _: object) -> None:
        self._pad.press(KeyEvent(self._clock.now_ns, key, False))

    async def close(self) -> None:
        """Let all keys go."""
        for key in self._free_ns:
            self._release(key, None)


class _Commanding:
    """What runs a command for each action."""

    def __init__(self, *, clock: Clock, name: str, kind: str, folder: Path, timeout_s: float) -> None:
        self.name = name
        self._where = f"{kind}.{name}"
        if clock.is_virtual:
            what = "a command can't touch anything in virtual time"
            raise UsageError(what, where=self._where, remedy='use port = "virtual", or a real bench.')
        self._clock, self._folder, self._timeout_s = clock, folder, timeout_s

    async def open(self, on_lost: OnLost) -> None:
        """Nothing runs between two actions."""

    async def _do(self, template: Sequence[str], words: Mapping[str, str], hold_s: float) -> Contact:
        """Run a command; the finger came down before it was held."""
        filled = [part.format_map(words) for part in template]
        before_ns = self._clock.now_ns
        await commands.run(filled, folder=self._folder, timeout_s=self._timeout_s + hold_s, where=self._where)
        after_ns, hold_ns = self._clock.now_ns, round(hold_s * NS_PER_S)
        after_ns -= hold_ns if after_ns - before_ns >= hold_ns else 0  # one that ends sooner didn't hold it
        return Contact((before_ns + after_ns) // 2, (after_ns - before_ns + 1) // 2, Origin.HOST)

    async def close(self) -> None:
        """Nothing to let go."""


class CommandTouch(_Commanding):
    """Touches by a command: `{x}`, `{y}` (and `{x2}`, `{y2}` of a swipe) are px, `{ms}` how long.

    Args:
        clock: a real clock.
        name: the port's name in the bench file.
        size: of the screen, px.
        tap: command of a tap.
        swipe: command of a swipe.
        folder: where it runs: the folder of the bench file.
        timeout_s: for a command, beside the time that the finger is down.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        name: str,
        size: tuple[int, int],
        tap: Sequence[str],
        swipe: Sequence[str],
        folder: Path,
        timeout_s: float,
    ) -> None:
        super().__init__(clock=clock, name=name, kind="touch", folder=folder, timeout_s=timeout_s)
        self.size, self._tap, self._swipe = size, list(tap), list(swipe)

    async def tap(self, at: Point, hold_s: float) -> Contact:
        """As `TouchPort.tap`."""
        on_glass(self, at)
        return await self._do(self._tap, _words(at, at, hold_s), hold_s)

    async def swipe(self, begin: Point, end: Point, duration_s: float) -> Contact:
        """As `TouchPort.swipe`."""
        on_glass(self, begin)
        on_glass(self, end)
        return await self._do(self._swipe, _words(begin, end, duration_s), duration_s)


class CommandKeys(_Commanding):
    """Presses keys by a command: `{code}` is what the key is called there, `{ms}` how long it is held.

    Args:
        clock: a real clock.
        name: the port's name in the bench file.
        codes: key -> what the command calls it.
        press: command of a press.
        hold: command of a press that is held.
        folder: where it runs.
        timeout_s: for a command, beside the time that the key is held.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        name: str,
        codes: Mapping[str, str],
        press: Sequence[str],
        hold: Sequence[str],
        folder: Path,
        timeout_s: float,
    ) -> None:
        super().__init__(clock=clock, name=name, kind="keys", folder=folder, timeout_s=timeout_s)
        self.keys, self._codes = tuple(codes), dict(codes)
        self._press, self._hold = list(press), list(hold)

    async def press(self, key: str, hold_s: float) -> Contact:
        """As `KeyPort.press`."""
        if key not in self._codes:
            remedy = f"there is: {', '.join(self.keys)}; or add it to codes in the bench file."
            raise UsageError(f"no key '{key}'", where=self.name, remedy=remedy)
        words = {"code": self._codes[key], "ms": f"{1000 * hold_s:.0f}"}
        return await self._do(self._hold if hold_s > _LONG_S else self._press, words, hold_s)


_LONG_S: Final = 0.4
"""A key that is pressed longer is held."""


def _words(begin: Point, end: Point, duration_s: float) -> dict[str, str]:
    places = {"x": begin[0], "y": begin[1], "x2": end[0], "y2": end[1]}
    return {name: str(value) for name, value in places.items()} | {"ms": f"{1000 * duration_s:.0f}"}


def on_glass(port: TouchPort, at: Point) -> None:
    """Refuse a point beside the glass. Raises: UsageError."""
    if not (0 <= at[0] < port.size[0] and 0 <= at[1] < port.size[1]):
        remedy = f"it is {port.size[0]} x {port.size[1]} px."
        raise UsageError(f"{at} is beside the glass", where=port.name, remedy=remedy)
