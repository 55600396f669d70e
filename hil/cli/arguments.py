"""The parser of all commands: a mistake on the command line is one line, with the nearest word that there is.

Rules of this module: what is wrong, what is near, where to read more; no list of all there is. Exit status 2.

Not for: what the arguments mean (each command's own file).
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable
from typing import Final, NoReturn

from hil.errors import EXIT_STATUS, Verdict

_LEFT_OVER: Final = "unrecognized arguments: "


class Parser(argparse.ArgumentParser):
    """An argument parser that complains in one line."""

    def _unknown(self, word: str) -> str:
        if not word.startswith("-"):
            return f"'{word}' is one word too many"
        option = word.partition("=")[0]
        return f"no option '{option}'{did_you_mean(option, self._option_string_actions)}"

    def error(self, message: str) -> NoReturn:
        """End the program."""
        if message.startswith(_LEFT_OVER):
            message = self._unknown(message.removeprefix(_LEFT_OVER).split()[0])
        end = "" if message.endswith("?") else "."
        self.exit(EXIT_STATUS[Verdict.USAGE], f"{self.prog}: {message}{end} '{self.prog} --help' says more.\n")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'run'?`, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""


__all__ = ["Parser", "did_you_mean"]
