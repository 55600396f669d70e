"""Waiting for the end of a program that a bench started: SIGTERM, Ctrl-C, or the end of standard input."""

from __future__ import annotations

import signal
import sys
import threading


def wait_for_end(*, until_eof: bool) -> None:
    """Wait for SIGTERM or Ctrl-C, or for the end of standard input, which comes when the bench is gone."""
    ended = threading.Event()
    if until_eof:
        threading.Thread(target=_end_of_input, args=(ended,), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


def _end_of_input(ended: threading.Event) -> None:
    sys.stdin.buffer.read()
    ended.set()
