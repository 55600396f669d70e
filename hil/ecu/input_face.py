"""Touch panel and hard keys over TCP: a robot's finger, or an agent on the target that feeds its input devices.

    < size                    > ok 1280 800
    < keys                    > ok home back power ...
    < touch down 640 400      > ok            (also `move`, `up`)
    < key home down           > ok            (also `up`)
    < anything else           > error what is wrong

Rules of this module: one line a request, one a reply, in order; the event has happened when its reply comes. A finger
or a key that a connection put down is lifted when that connection ends: nobody leaves a key pressed behind. What the
finger does is the peer's affair, and so is its timing.

Not for: what a touch means (`hil.ecu.centre_input`).
"""

from __future__ import annotations

import asyncio
from typing import Final, get_args

from hil.clock import Clock
from hil.ecu.listener import Listener
from hil.errors import UsageError
from hil.hmi.touch import Action, KeyEvent, KeyPad, TouchEvent, TouchPanel

LONGEST_LINE: Final = 200
_ACTIONS: Final = get_args(Action)
_WAYS: Final = {"down": True, "up": False}


class _RefusedError(Exception):
    """A request that means nothing here."""


class InputFace(Listener):
    """Serves one panel and one key pad on 127.0.0.1.

    Args:
        clock: a real clock.
        panel: what is touched.
        pad: what is pressed.
        name: what messages call it.
    """

    def __init__(self, *, clock: Clock, panel: TouchPanel, pad: KeyPad, name: str = "input") -> None:
        super().__init__(clock=clock, name=name)
        self._panel, self._pad = panel, pad

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hand = _Hand(self._clock, self._panel, self._pad)
        try:
            while line := await reader.readline():
                writer.write(hand.reply(line).encode() + b"\n")
                await writer.drain()
        except ValueError:  # a line without an end
            writer.write(b"error a line of this length is none\n")
        finally:
            hand.let_go()


class _Hand:
    """What one connection does, and what it holds."""

    def __init__(self, clock: Clock, panel: TouchPanel, pad: KeyPad) -> None:
        self._clock, self._panel, self._pad = clock, panel, pad
        self._finger: tuple[int, int] | None = None
        self._keys: set[str] = set()

    def reply(self, line: bytes) -> str:
        """Do what a line asks for; the line that answers it."""
        words = line[:LONGEST_LINE].decode("utf-8", "replace").split()
        try:
            return " ".join(["ok", *self._do(words)])
        except UsageError as error:
            return f"error {error.what}"
        except _RefusedError as error:
            return f"error {error}"

    def _do(self, words: list[str]) -> list[str]:
        match words:
            case ["size"]:
                return [str(px) for px in self._panel.size]
            case ["keys"]:
                return list(self._pad.keys)
            case ["touch", action, x, y] if action in _ACTIONS and x.isdecimal() and y.isdecimal():
                self._touch(action, int(x), int(y))
            case ["key", key, way] if way in _WAYS:
                self._press(key, _WAYS[way])
            case _:
                raise _RefusedError(
                    f"'{' '.join(words)}' is none of: size; keys; touch down|move|up X Y; key NAME down|up"
                )
        return []

    def _touch(self, action: str, x: int, y: int) -> None:
        self._panel.touch(TouchEvent(self._clock.now_ns, action, x, y))  # type: ignore[arg-type]  # checked by the caller
        self._finger = None if action == "up" else (x, y)

    def _press(self, key: str, pressed: bool) -> None:
        self._pad.press(KeyEvent(self._clock.now_ns, key, pressed))
        (self._keys.add if pressed else self._keys.discard)(key)

    def let_go(self) -> None:
        """The connection ended: lift what it holds."""
        if self._finger is not None:
            self._touch("up", *self._finger)
        for key in sorted(self._keys):
            self._press(key, False)
