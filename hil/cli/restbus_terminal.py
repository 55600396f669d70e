"""The terminal of `hil restbus`: keys as they are pressed, a line editor, and a screen of which only changes are drawn.

Rules of this module: the editor is pure: characters in, finished lines out. The terminal is put back on every way out,
also when an exception passes. Ctrl-C stays a signal; Ctrl-Z, Ctrl-S and Ctrl-\\ do nothing, since a restbus that stands
still, or dies on the spot, would be a fault of the bench.

Not for: what is shown and what lines mean. POSIX terminals only; elsewhere the command works line by line.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from hil.cli.restbus_complete import Completion
from hil.clock import wait_wall

_ENTER: Final = "\x1b[?1049h\x1b[2J"
_LEAVE: Final = "\x1b[0m\x1b[?25h\x1b[?1049l"
_SEQUENCE: Final = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O[@-~])")
_BEGUN: Final = re.compile(r"\x1b(?:\[[0-9;?]*|O)$")
_SEQUENCES: Final = {
    "A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end",
    "1~": "home", "7~": "home", "4~": "end", "8~": "end", "3~": "delete", "5~": "page up", "6~": "page down",
    "1;5C": "word right", "1;5D": "word left",
}  # fmt: skip
"""What follows `ESC [` or `ESC O` -> the name of the key."""
_CONTROLS: Final = {
    "\x01": "home", "\x05": "end", "\x02": "left", "\x06": "right", "\x10": "up", "\x0e": "down", "\x04": "eof",
    "\x0b": "cut end", "\x15": "cut begin", "\x17": "cut word", "\x08": "backspace", "\x7f": "backspace",
    "\t": "complete", "\r": "enter", "\n": "enter", "\x0c": "redraw", "\x1b": "escape",
}  # fmt: skip


class Keys:
    """Bytes of a terminal -> keys: a character is itself, others have names (`up`, `page down`, `enter`)."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        """The keys in this piece of input; what is only begun waits for the next piece."""
        text, self._rest = self._rest + self._decoder.decode(data), ""
        keys: list[str] = []
        while text:
            match = _SEQUENCE.match(text)
            if match is None and _BEGUN.match(text):
                self._rest = text
                break
            key = match[0] if match else text[0]
            text = text[len(key) :]
            keys += self._key(key)
        return keys

    @staticmethod
    def _key(key: str) -> list[str]:
        if len(key) > 1:
            return [_SEQUENCES[key[2:]]] if key[2:] in _SEQUENCES else []
        return [_CONTROLS.get(key, key)] if key in _CONTROLS or key.isprintable() else []


class LineEditor:
    """One line with history and completion.

    Args:
        complete: what may stand at the end of a line.
    """

    def __init__(self, complete: Callable[[str], Completion]) -> None:
        self._complete = complete
        self.text, self.cursor = "", 0
        self.candidates: tuple[str, ...] = ()
        """What Tab found, while it found several."""
        self._history: list[str] = []
        self._place = 0
        self._draft = ""

    def press(self, key: str) -> str | None:
        """Take a key; returns the line when it is finished."""
        self.candidates = ()
        if key == "enter":
            return self._finish()
        if len(key) == 1:
            self._replace(self.cursor, self.cursor, key)
        elif key == "complete":
            self._offer()
        elif key in ("up", "down"):
            self._recall(-1 if key == "up" else 1)
        else:
            self._edit(key)
        return None

    def _finish(self) -> str:
        line = self.text.strip()
        if line and self._history[-1:] != [line]:
            self._history.append(line)
        self._place, self._draft = len(self._history), ""
        self.text, self.cursor = "", 0
        return line

    def _replace(self, begin: int, end: int, text: str) -> None:
        self.text = self.text[:begin] + text + self.text[end:]
        self.cursor = begin + len(text)

    def _edit(self, key: str) -> None:
        here, end = self.cursor, len(self.text)
        moves = {"left": here - 1, "right": here + 1, "home": 0, "end": end}
        moves |= {"word left": self._word_left(), "word right": self._word_right()}
        cuts = {
            "backspace": (here - 1, here),
            "delete": (here, here + 1),
            "cut begin": (0, here),
            "cut end": (here, end),
        }
        cuts |= {"cut word": (self._word_left(), here), "escape": (0, end)}
        if key in moves:
            self.cursor = min(max(moves[key], 0), end)
        elif key in cuts:
            begin, until = cuts[key]
            self._replace(max(begin, 0), min(until, end), "")

    def _word_left(self) -> int:
        return self.text[: self.cursor].rstrip().rfind(" ") + 1

    def _word_right(self) -> int:
        rest = self.text[self.cursor :]
        blanks = len(rest) - len(rest.lstrip())
        return self.cursor + blanks + len(rest.lstrip().partition(" ")[0])

    def _offer(self) -> None:
        found = self._complete(self.text[: self.cursor])
        done = found.apply(self.text[: self.cursor])
        if len(found.candidates) > 1 and done == self.text[: self.cursor]:
            self.candidates = found.candidates
        self._replace(0, self.cursor, done)

    def _recall(self, step: int) -> None:
        if self._place == len(self._history):
            self._draft = self.text
        self._place = min(max(self._place + step, 0), len(self._history))
        self.text = self._draft if self._place == len(self._history) else self._history[self._place]
        self.cursor = len(self.text)


# The terminal itself --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Size:
    """Of a terminal, in characters."""

    width: int
    height: int


_LEAST: Final = Size(40, 8)
"""A smaller terminal is drawn beyond its edges."""


class Terminal:
    """The user's terminal, on a page of its own while this is entered."""

    def __init__(self) -> None:
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._before: list[Any] | None = None
        self._drawn: list[str] = []
        self._size = Size(0, 0)
        self._keys = Keys()

    def __enter__(self) -> Terminal:
        import termios

        self._before = termios.tcgetattr(self._in)
        try:
            self._take_over()
            self._write(_ENTER)
        except BaseException:
            self._give_back()
            raise
        return self

    def _take_over(self) -> None:
        import termios

        mode = termios.tcgetattr(self._in)
        mode[0] &= ~(termios.IXON | termios.IXOFF)
        mode[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
        for name in ("VSUSP", "VQUIT"):
            mode[6][getattr(termios, name)] = os.fpathconf(self._in, "PC_VDISABLE").to_bytes(1, "big")
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._in, termios.TCSADRAIN, mode)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()

    def _give_back(self) -> None:
        import termios

        with contextlib.suppress(OSError):  # it may have been closed meanwhile
            self._write(_LEAVE)
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(self._in, termios.TCSADRAIN, self._before or termios.tcgetattr(self._in))

    def size(self) -> Size:
        """How large it is now."""
        with contextlib.suppress(OSError):
            found = os.get_terminal_size(self._out)
            if found.columns and found.lines:
                return Size(max(found.columns, _LEAST.width), max(found.lines, _LEAST.height))
        return Size(80, 24)

    def keys(self, wait_s: float) -> list[str] | None:
        """What was pressed, waiting at most so long in wall time; None if the terminal is gone."""
        if not wait_wall(wait_s, self._in):
            return []
        try:
            data = os.read(self._in, 4096)
        except OSError:
            return None
        return self._keys.feed(data) if data else None

    def draw(self, lines: Sequence[Text], cursor: tuple[int, int]) -> None:
        """Show these lines, from the top; only those that differ from what stands there are written.

        Args:
            lines: as many as the terminal is high.
            cursor: line and column, from 0.
        """
        size = self.size()
        if size != self._size:
            self._size, self._drawn = size, []
        fresh = self._in_colour(lines)
        out = ["\x1b[?25l", "" if self._drawn else "\x1b[2J"]
        for number, line in enumerate(fresh):
            if number >= len(self._drawn) or self._drawn[number] != line:
                out.append(f"\x1b[{number + 1};1H\x1b[2K{line}\x1b[0m")
        self._drawn = fresh
        out.append(f"\x1b[{cursor[0] + 1};{cursor[1] + 1}H\x1b[?25h")
        self._write("".join(out))

    def forget(self) -> None:
        """Draw everything anew the next time."""
        self._drawn = []

    def _in_colour(self, lines: Sequence[Text]) -> list[str]:
        console = Console(file=io.StringIO(), force_terminal=True, width=self._size.width, highlight=False)
        with console.capture() as captured:
            for line in lines:
                console.print(line, no_wrap=True, overflow="crop", crop=True)
        return captured.get().split("\n")[: len(lines)]

    def _write(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(self._out, data) :]
