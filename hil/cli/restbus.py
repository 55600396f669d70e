"""`hil restbus --bench FILE`: runs a bench's restbus by hand, with a view of all messages and a prompt.

On a terminal it shows the view (`restbus_live`). Where input or output is none, it works line by line: a command a
line, a plain answer each, so that it can be scripted. On a virtual bench a script's time passes in its `wait` lines
only and as fast as it goes, so that equal scripts give equal answers. The bench is closed, and supplies are left safe,
on every way out.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import sys
from typing import Final

from rich.text import Text

from hil import units
from hil.bench.lock import ResourceLocks
from hil.bench.plan import plan
from hil.bench.wiring import open_bench
from hil.cli import restbus_view as view
from hil.cli.benches import add_bench, load_bench
from hil.cli.restbus_prompt import HELP, SIGNALS, Answer, Page
from hil.cli.restbus_session import PORTION_NS, Session, Wishes, needed_of, undisturbed
from hil.clock import wait_wall
from hil.errors import EXIT_STATUS, UsageError, Verdict
from hil.interrupts import uninterrupted

_PLAIN_WIDTH: Final = 160
_FOR_LONG_S: Final = 0.2
_NO_POWER: Final = "The supplies are left alone; with --power the ECU is powered."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help="done first, as at the prompt")
    add_bench(parser)
    parser.add_argument("--off", action="store_true", help="begin silent: 'restbus on' starts it")
    parser.add_argument("--power", action="store_true", help="power the ECU as a test does; off at the end")
    parser.add_argument("--for", dest="duration", metavar="TIME", help="end after this time, with a summary")
    parser.add_argument("--speed", metavar="N", help="virtual bench: bench seconds a second (1; in scripts: at once)")


def run(arguments: argparse.Namespace) -> int:
    """Run the restbus until the user leaves; returns the exit status.

    Raises:
        UsageError: the bench file, a database or an argument is wrong.
        BenchError: the bench doesn't open or broke, or another run holds it.
    """
    config = load_bench(arguments)
    on_terminal = _is_terminal()
    wishes = _wishes(arguments, virtual=config.is_virtual, on_terminal=on_terminal)
    made = plan(needed_of(config, power=wishes.power))
    if not made.config.bus:
        raise UsageError("this bench has no bus", where=str(arguments.bench), remedy="add [bus.NAME].")
    locks = ResourceLocks(made.resources, f"hil restbus on bench '{config.bench.name}'")
    locks.acquire()
    try:
        opened = open_bench(made, "restbus")
        errors = []
        try:
            with undisturbed(config):
                status = _serve(Session(opened, wishes), on_terminal)
        finally:
            with uninterrupted():
                errors = opened.close()
                for error in errors:
                    print(f"hil restbus: the bench could not be left safe: {error}", file=sys.stderr)
    finally:
        locks.release()
    return EXIT_STATUS[Verdict.BENCH] if errors else status


def _is_terminal() -> bool:
    """Whether the view can be shown."""
    if os.name == "nt" or sys.stdin is None or sys.stdout is None:
        return False
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def _wishes(arguments: argparse.Namespace, *, virtual: bool, on_terminal: bool) -> Wishes:
    return Wishes(
        silent=arguments.off,
        power=arguments.power,
        speed=_speed(arguments.speed, virtual) or (1.0 if on_terminal else 0.0),
        for_ns=_duration_ns(arguments.duration),
        commands=tuple(arguments.commands),
    )


def _speed(text: str | None, virtual: bool) -> float:
    """0 where none was given."""
    if text is None:
        return 0.0
    if not virtual:
        raise UsageError("a real bench has its own speed", where="--speed", remedy="leave it out.")
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0.01 <= speed <= 1000:
        raise UsageError(f"'{text}' is no speed", where="--speed", remedy="give a number from 0.01 to 1000.")
    return speed


def _duration_ns(text: str | None) -> int:
    """0 where none was given."""
    if text is None:
        return 0
    try:
        duration_ns = units.nanoseconds(text)
    except UsageError as error:
        raise UsageError(error.what, where="--for", remedy="write --for '10 s'.") from None
    if not duration_ns:
        raise UsageError("no time at all", where="--for", remedy="write --for '10 s'.")
    return duration_ns


def _serve(session: Session, on_terminal: bool) -> int:
    session.begin()
    if on_terminal:
        return _serve_terminal(session)
    for command in session.wishes.commands:
        if _answer(session, session.do(command)):
            return 0
    if session.wishes.for_ns:
        session.let_pass(session.wishes.for_ns)
        _print(view.summary(session.look(), _width()))
        return 0
    return _serve_lines(session)


# On a terminal --------------------------------------------------------------------------------------------------------


def _serve_terminal(session: Session) -> int:
    from hil.cli.restbus_live import Live
    from hil.cli.restbus_terminal import Terminal

    with Terminal() as terminal:
        Live(session, terminal, "" if session.wishes.power else f"{_NO_POWER} help lists the commands.").run()
    seen = session.look()
    _print(view.summary(seen, _width()) if session.wishes.for_ns else [Text(view.last_words(seen))])
    return 0


# Line by line ---------------------------------------------------------------------------------------------------------


class Lines:
    """Lines of standard input; waiting for one doesn't keep a broken bench from being noticed."""

    def __init__(self) -> None:
        self._rest = b""
        self._ended = sys.stdin is None

    def next(self, wait_s: float) -> str | None:
        """The next line, None if it didn't come in time.

        Raises:
            EOFError: there are no more.
        """
        while b"\n" not in self._rest and not self._ended:
            if os.name == "nt":
                return self._blocking()
            if not wait_wall(wait_s, sys.stdin.fileno()):
                return None
            data = os.read(sys.stdin.fileno(), 65536)
            self._rest, self._ended = self._rest + data, not data
        if not self._rest:
            raise EOFError
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", errors="replace")

    def _blocking(self) -> str:
        """Where a pipe can't be waited for."""
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line


def _serve_lines(session: Session) -> int:
    """Do what the lines of standard input say; 2 if one of them could not be done."""
    lines, status, number = Lines(), 0, 0
    while True:
        try:
            line = lines.next(PORTION_NS / 1e9 if session.wishes.speed else _FOR_LONG_S)
        except EOFError:
            return status
        session.keep_up()
        if line is None:
            continue
        number += 1
        try:
            if _answer(session, session.do(line)):
                return status
        except UsageError as error:
            print(f"line {number}: {error}", file=sys.stderr, flush=True)
            status = EXIT_STATUS[Verdict.USAGE]


def _answer(session: Session, answer: Answer) -> bool:
    """Print an answer and let pass the time that it asks for; returns whether it was the last."""
    if answer.text:
        _print([Text(answer.text)])
    if answer.page is not None:
        _print(_page(session, answer.page))
    if answer.wait_ns:
        session.let_pass(answer.wait_ns)
    return answer.ends


def _page(session: Session, page: Page) -> list[Text]:
    width = _width()
    if page.kind == HELP:
        return view.commands(page.pattern, width).lines[1:]
    seen = session.look()
    if page.kind == SIGNALS:
        return view.signals(seen, page.pattern, width).lines
    facts = view.facts(seen, session.prompt.floods, session.prompt.power)
    first = Text("  ".join([f"{seen.t_ns / 1e9:.3f} s", *(text for text, _ in facts)]))
    return [first, *view.messages(seen, page.pattern, width).lines]


def _width() -> int:
    return shutil.get_terminal_size((_PLAIN_WIDTH, 24)).columns


def _print(lines: list[Text]) -> None:
    print("\n".join(line.plain.rstrip() for line in lines), flush=True)
