"""A console: text in both directions over a byte stream, and waiting for what the ECU says.

Rules of this module: bytes may be cut anywhere, inside a UTF-8 sequence, a CR LF or an escape sequence. Matching sees
plain text: bytes that are no UTF-8 become U+FFFD, escape sequences are gone, each run of CR with its LF is one `\\n`.
What ends in the middle of one of these waits for the next byte; no escape sequence goes over
the end of a line, so noise that begins one hides no line that follows. The journal gets the text as it came, escapes
included, line by line.

Searching: an expect looks at what came after the last match, once, and from then on only at what is new plus an
overlap before it: the pattern's own length for literal text, `OVERLAP` characters for a regular expression. A match
longer than that which arrives in pieces may be missed; the cost of noise is linear. A match is taken as soon as the
text allows one, so a pattern that could go on (`\\d+`) needs its end in it (`(\\d+)\\n`); a line starts at `(?m)^`.

Not for: judging. A failed expect is a result; the facade makes an error of it.
"""

from __future__ import annotations

import asyncio
import bisect
import codecs
import re
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hil.clock import Clock
from hil.errors import HilError, UsageError
from hil.serial.port import BytePort, OnLost

KEPT: Final = 1 << 20
"""Characters that a console keeps; older ones are dropped and counted."""
OVERLAP: Final = 4096
LAST_LINES: Final = 20
RECEIVED: Final = "rx"
SENT: Final = "tx"

Report = Callable[[int, str, str], object]
"""Called with bench time, `RECEIVED` or `SENT`, and the text as it was on the line."""

_BLOCK: Final = 1 << 16
_LONGEST_REPORT: Final = 4096
_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\][^\x07\x1b\r\n]*(?:\x07|\x1b\\)"  # OSC: window titles
    r"|[ -/]+[0-~]"  # character sets
    r"|[0-Z\\^_a-~])"  # two characters
)
_CUT_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b\r\n]{0,256}\x1b?|[ -/]*)\Z")
_LINE_END = re.compile(r"\r+\n?")
_LONGEST_ESCAPE: Final = 300


@dataclass(frozen=True, slots=True)
class Match:
    """What an expect found.

    Attributes:
        text: the text that matched.
        groups: the groups of the pattern; empty for literal text.
        t_ns: arrival of the bytes that completed it.
    """

    text: str
    groups: tuple[str | None, ...]
    t_ns: int


@dataclass(frozen=True, slots=True)
class Missed:
    """An expect that found nothing.

    Attributes:
        pattern: what was waited for.
        timeout_s: how long.
        last_lines: the last lines seen, the unfinished one included.
        t_ns: when it gave up.
    """

    pattern: str
    timeout_s: float
    last_lines: tuple[str, ...]
    t_ns: int


class Console:
    """Text on a byte stream. All calls in the loop's thread.

    Args:
        clock: the bench's clock.
        port: the byte stream; the console opens and closes it.
        report: gets each line in both directions, for the journal.
        newline: what `send_line` ends a line with.
    """

    def __init__(self, clock: Clock, port: BytePort, report: Report, *, newline: str = "\n") -> None:
        self._clock, self._port, self._newline = clock, port, newline
        self._text = _Text()
        self._cleaner = _Cleaner()
        self._log = _LineLog(report)
        self._waiter: asyncio.Future[None] | None = None
        self._lost: HilError | None = None
        self._on_lost: OnLost | None = None
        self.heard_ns = -1
        """When the last bytes came; -1 if none did since the console was drained."""

    @property
    def name(self) -> str:
        """The port's name in the bench file."""
        return self._port.name

    @property
    def dropped(self) -> int:
        """Characters that were dropped unread because more than `KEPT` came."""
        return self._text.dropped_unread

    async def open(self, on_lost: OnLost) -> None:
        """Open the port and begin to listen.

        Raises:
            BenchError: as the port's `open`.
        """
        self._on_lost = on_lost
        await self._port.open(self._on_data, self._line_lost)

    async def close(self) -> None:
        """Report the unfinished line and close the port; may be called twice."""
        try:
            self._log.flush()
        finally:
            await self._port.close()

    def send(self, text: str) -> None:
        """Send text as it is, in UTF-8.

        Raises:
            BenchError: the line is broken.
        """
        self._port.write(text.encode())
        self._log.flush()
        self._log.sent(self._clock.now_ns, text)

    def send_line(self, text: str) -> None:
        """Send text and the console's newline.

        Raises:
            BenchError: the line is broken.
        """
        self.send(text + self._newline)

    def drain(self) -> str:
        """Take all text that no expect has consumed: later ones see only what comes from now on."""
        text = self._text.since(self._text.read_to)
        self._consume(self._text.end)
        self.heard_ns = -1
        return text

    async def expect(self, pattern: str | re.Pattern[str], timeout_s: float) -> Match | Missed:
        """Wait until the text after the last match contains `pattern`, and consume it up to the match's end.

        Args:
            pattern: literal text, or a compiled regular expression.
            timeout_s: bench time to wait at most; 0 looks only at what has come already.

        Raises:
            BenchError: the line broke before it came.
            UsageError: another expect is waiting on this console, or the literal text is empty.
        """
        if self._waiter is not None:
            raise UsageError(
                "two waits at once on one console", where=self.name, remedy="wait for one after the other."
            )
        until_ns = self._clock.now_ns + round(timeout_s * 1e9)
        search = _Search(pattern, self._text)
        while True:
            found = search.next()
            if found is not None and found[0].t_ns <= until_ns:
                self._consume(found[1])
                return found[0]
            if self._lost is not None:
                raise self._lost
            if found is not None or self._clock.now_ns >= until_ns:
                return self._missed(search, timeout_s)
            await self._more(until_ns)

    async def _more(self, until_ns: int) -> None:
        """Wait for text, or until `until_ns`."""
        self._waiter = self._clock.loop.create_future()
        timer = self._clock.call_at(until_ns, self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self, _: object = None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _missed(self, search: _Search, timeout_s: float) -> Missed:
        self._log.flush()
        return Missed(search.shown, timeout_s, self._text.last_lines(), self._clock.now_ns)

    def _consume(self, end: int) -> None:
        self._log.flush()
        self._text.consume(end)

    def _on_data(self, t_ns: int, data: bytes) -> None:
        self.heard_ns = t_ns
        raw, clean = self._cleaner.feed(data)
        self._log.received(t_ns, raw)
        if clean:
            self._text.append(t_ns, clean)
            self._wake()

    def _line_lost(self, error: HilError) -> None:
        self._lost = error
        self._log.flush()
        self._wake()
        if self._on_lost is not None:
            self._on_lost(error)


class _Cleaner:
    """Bytes to text, and text to plain text, on a stream that is cut anywhere."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._escape = ""
        self._returns = ""

    def feed(self, data: bytes) -> tuple[str, str]:
        """The text as it came, and what of it can be matched."""
        raw = self._decoder.decode(data)
        text = self._without_escapes(self._escape + raw)
        if self._returns or "\r" in text:
            text = self._with_newlines(self._returns + text)
        return raw, text

    def _without_escapes(self, text: str) -> str:
        self._escape = ""
        if "\x1b" not in text:
            return text
        cut = _CUT_ESCAPE.search(text, max(0, len(text) - _LONGEST_ESCAPE))
        if cut is not None:
            self._escape, text = cut[0], text[: cut.start()]
        return _ESCAPE.sub("", text)

    def _with_newlines(self, text: str) -> str:
        """A CR at the end may be half of a CR LF: one is held back."""
        self._returns = "\r" if text.endswith("\r") else ""
        return _LINE_END.sub("\n", text.rstrip("\r") if self._returns else text)


class _LineLog:
    """Reports line by line; what is unfinished when something else happens is reported as it is."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._parts: list[str] = []
        self._length = 0
        self._t_ns = 0

    def received(self, t_ns: int, text: str) -> None:
        self._t_ns = t_ns
        *lines, rest = text.split("\n") if "\n" in text else (text,)
        for line in lines:
            self._parts.append(line + "\n")
            self.flush()
        if rest:
            self._parts.append(rest)
            self._length += len(rest)
        if self._length > _LONGEST_REPORT:
            self.flush()

    def sent(self, t_ns: int, text: str) -> None:
        self._report(t_ns, SENT, text)

    def flush(self) -> None:
        if self._parts:
            self._report(self._t_ns, RECEIVED, "".join(self._parts))
            self._parts, self._length = [], 0


class _Text:
    """The last `KEPT` characters of a stream, addressed by their position since its beginning."""

    def __init__(self) -> None:
        self.start = self.end = 0
        self.dropped_unread = 0
        self.read_to = 0
        self._blocks: deque[str] = deque()
        self._mark_ends = array("q")
        self._mark_times = array("q")

    def append(self, t_ns: int, text: str) -> None:
        """Add text that arrived at `t_ns`."""
        if self._blocks and len(self._blocks[-1]) + len(text) <= _BLOCK:
            self._blocks[-1] += text
        else:
            self._blocks.append(text)
        self.end += len(text)
        self._mark_ends.append(self.end)
        self._mark_times.append(t_ns)
        if self.end - self.start > KEPT + _BLOCK:
            self._drop(self.end - KEPT)

    def _drop(self, position: int) -> None:
        while self._blocks and self.start + len(self._blocks[0]) <= position:
            self.start += len(self._blocks.popleft())
        if self.start < position:
            self._blocks[0] = self._blocks[0][position - self.start :]
            self.start = position
        self.dropped_unread += max(0, position - self.read_to)
        self.consume(max(position, self.read_to))

    def consume(self, position: int) -> None:
        """What stands before `position` will not be matched again; its stamps are forgotten."""
        self.read_to = position
        done = bisect.bisect_right(self._mark_ends, position)
        del self._mark_ends[:done], self._mark_times[:done]

    def since(self, position: int) -> str:
        """The text from `position`, or from the oldest kept character, to the end."""
        parts: list[str] = []
        left = self.end - max(position, self.start)
        for block in reversed(self._blocks):
            if left <= 0:
                break
            parts.append(block[-left:])
            left -= len(block)
        return "".join(reversed(parts))

    def arrival_ns(self, position: int) -> int:
        """When the text up to `position` was complete."""
        return self._mark_times[bisect.bisect_left(self._mark_ends, position)]

    def last_lines(self) -> tuple[str, ...]:
        return tuple(self.since(self.end - OVERLAP).splitlines()[-LAST_LINES:])


class _Search:
    """One expect: looks at each character at most once, but for the overlap."""

    def __init__(self, pattern: str | re.Pattern[str], text: _Text) -> None:
        self.shown = pattern if isinstance(pattern, str) else pattern.pattern
        if not self.shown:
            raise UsageError("an expect needs some text to wait for")
        self._regex = re.compile(re.escape(pattern)) if isinstance(pattern, str) else pattern
        self._overlap = len(pattern) - 1 if isinstance(pattern, str) else OVERLAP
        self._text, self._looked = text, text.read_to

    def next(self) -> tuple[Match, int] | None:
        """Look at what is new: the match and the position of its end. A match of no characters is none."""
        begin = max(self._text.read_to, self._looked - self._overlap)
        context = max(self._text.start, begin - 1)  # one character more, so that ^ and \b see what stands before
        window = self._text.since(context)
        self._looked = self._text.end
        hits = self._regex.finditer(window, begin - context)
        found = next((hit for hit in hits if hit.end() > hit.start()), None)
        if found is None:
            return None
        end = context + found.end()
        return Match(found[0], found.groups(), self._text.arrival_ns(end)), end
