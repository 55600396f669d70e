"""The view of `hil restbus` on a terminal: a header, the table, the last answers, and the prompt below.

Rules of this module: keys are answered at once, the table is drawn a few times a second, and only what changed is
written. Lines are done one after the other; `wait` holds the next one back while the view goes on.
"""

from __future__ import annotations

import textwrap
from collections import deque
from typing import Final

from rich.text import Text

from hil.cli import restbus_view as view
from hil.cli.restbus_complete import Completer, Completion, complete_path
from hil.cli.restbus_prompt import HELP, MESSAGES, SIGNALS, Page
from hil.cli.restbus_session import PORTION_NS, Session
from hil.cli.restbus_terminal import LineEditor, Size, Terminal
from hil.cli.restbus_watch import Snapshot
from hil.clock import wall_ns
from hil.errors import UsageError
from hil.units import show_duration

_DRAW_NS: Final = 200_000_000
_PROMPT: Final = "> "
_MOST_ANSWERS: Final = 50
_LOW: Final = 18
"""A terminal lower than this shows one line of answers, else three."""
_WELCOME: Final = "help lists the commands; Tab completes; PgUp and PgDn scroll; quit leaves."


class Live:
    """The view and its prompt, until the user leaves.

    Args:
        session: the bench.
        terminal: where it is shown.
        hint: the first answer.
    """

    def __init__(self, session: Session, terminal: Terminal, hint: str = "") -> None:
        self._session, self._terminal = session, terminal
        wiring = session.wiring
        self._completer = Completer(wiring.plan.network, wiring.restbus, wiring.buses)
        self._editor = LineEditor(self._complete)
        self._answers: deque[Text] = deque([Text(hint or _WELCOME, style=view.DIM)], maxlen=_MOST_ANSWERS)
        self._waiting = deque(session.wishes.commands)
        self._hold_ns = self._drawn_ns = self._scroll = 0
        self._page = Page()
        self._ended = False
        for_ns = session.wishes.for_ns
        self._end_ns = session.now_ns + for_ns if for_ns else None
        self._seen = session.look()

    def run(self) -> None:
        """Show it until the user leaves or the time is over.

        Raises:
            BenchError: the bench broke.
        """
        self._work_off()
        self._draw()
        while not self._ended:
            keys = self._terminal.keys(PORTION_NS / 1e9)
            if keys is None:
                return
            for key in keys:
                self._press(key)
            self._session.keep_up(self._end_ns)
            self._work_off()
            if keys or wall_ns() - self._drawn_ns >= _DRAW_NS:
                self._draw()
            self._ended |= self._end_ns is not None and self._session.now_ns >= self._end_ns

    def _complete(self, line: str) -> Completion:
        return complete_path(line) or self._completer.complete(line)

    # Keys and lines -----------------------------------------------------------------------------------------------

    def _press(self, key: str) -> None:
        if key in ("page up", "page down"):
            self._scroll += (1 if key == "page down" else -1) * max(1, self._room(self._terminal.size()) - 1)
        elif key == "redraw":
            self._terminal.forget()
        elif key == "eof" and not self._editor.text:
            self._ended = True
        else:
            line = self._editor.press("delete" if key == "eof" else key)
            if line:
                self._waiting.append(line)

    def _work_off(self) -> None:
        while self._waiting and not self._ended and self._session.now_ns >= self._hold_ns:
            self._do(self._waiting.popleft())

    def _do(self, line: str) -> None:
        try:
            answer = self._session.do(line)
        except UsageError as error:
            self._answers.append(Text(str(error), style=view.FAULT))
            return
        self._ended |= answer.ends
        self._hold_ns = self._session.now_ns + answer.wait_ns
        if answer.page is not None:
            self._page, self._scroll = answer.page, 0
        if answer.text:
            self._answers.append(Text(answer.text))

    # Drawing ------------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        self._seen, self._drawn_ns = self._session.look(), wall_ns()
        size = self._terminal.size()
        table, room = self._table(self._seen, size.width), self._room(size)
        self._scroll = min(max(0, self._scroll), max(0, table.count - room))
        shown = table.part(self._scroll, room)
        lines = [self._header(size.width), table.head, *shown, *[Text()] * (room - len(shown))]
        lines += [self._rule(size.width, room, table.count), *self._talk(size)]
        prompt, column = self._prompt(size.width)
        self._terminal.draw([*lines, prompt][: size.height], (size.height - 1, column))

    def _room(self, size: Size) -> int:
        """Lines for the table: header, heading, rule, answers and prompt are around it."""
        return max(1, size.height - 4 - self._answer_lines(size))

    @staticmethod
    def _answer_lines(size: Size) -> int:
        return 1 if size.height < _LOW else 3

    def _table(self, seen: Snapshot, width: int) -> view.Table:
        page = self._page
        if page.kind == HELP:
            return view.commands(page.pattern, width)
        return (view.signals if page.kind == SIGNALS else view.messages)(seen, page.pattern, width)

    def _header(self, width: int) -> Text:
        facts = view.facts(self._seen, self._session.prompt.floods, self._session.prompt.power)
        if self._session.behind_ns > PORTION_NS:
            facts.append((f"this machine is {show_duration(self._session.behind_ns)} behind", view.WARN))
        line = Text().append(f" {self._session.wiring.config.bench.name} ", style="bold reverse")
        line.append(f"  {self._seen.t_ns / 1e9:.1f} s")
        for text, style in facts:
            line.append("  ").append(text, style=style)
        return view.cut(line, width)

    def _rule(self, width: int, room: int, count: int) -> Text:
        parts = []
        if self._page.pattern and self._page.kind != HELP:
            parts.append(f"{'show' if self._page.kind == MESSAGES else self._page.kind} {self._page.pattern}")
        if count > room:
            parts.append(f"lines {self._scroll + 1} to {min(self._scroll + room, count)} of {count}, PgUp PgDn")
        if self._waiting:
            parts.append(f"{len(self._waiting)} lines wait")
        title = f" {'; '.join(parts)} " if parts else ""
        return Text(f"──{title}".ljust(width, "─")[:width], style=view.DIM)

    def _talk(self, size: Size) -> list[Text]:
        """The last answers, or what Tab found."""
        lines = self._answer_lines(size)
        if self._editor.candidates:
            found = textwrap.wrap("  ".join(self._editor.candidates), size.width - 1)
            more = [*found[: lines - 1], f"{found[lines - 1][: size.width - 5]} ..."] if len(found) > lines else found
            talk = [Text(line, style=view.FRESH) for line in more]
        else:
            talk = [part for answer in self._answers for part in _wrapped(answer, size.width)][-lines:]
        return [*talk, *[Text()] * (lines - len(talk))]

    def _prompt(self, width: int) -> tuple[Text, int]:
        """The line being written, moved to the left where it is too long; and the cursor's column."""
        room = width - len(_PROMPT) - 1
        first = max(0, self._editor.cursor - room)
        text = self._editor.text[first : first + room]
        return Text(_PROMPT, style=view.HEAD).append(text, style="not bold"), len(_PROMPT) + self._editor.cursor - first


def _wrapped(answer: Text, width: int) -> list[Text]:
    return [Text(line, style=answer.style) for line in textwrap.wrap(answer.plain, width - 1)]
