"""The parser of all commands: a mistake on the command line is one line, with the nearest word that there is.

Rules of this module: where, what is wrong, the remedy, where to read more; what there is is listed only where it is a
few words. Exit status 2.

Not for: what the arguments mean (each command's own file).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import Final, NoReturn

from hil import nearest
from hil.errors import EXIT_STATUS, Verdict

_LEFT_OVER: Final = "unrecognized arguments: "
_OF_ARGUMENT: Final = re.compile(r"argument (?P<name>[^:]+): (?P<what>.*)", re.DOTALL)
_VALUE: Final = re.compile(r"invalid (?P<kind>\w+) value: (?P<value>'.*')", re.DOTALL)
_CHOICE: Final = re.compile(r"invalid choice: '(?P<value>.*)' \(choose from (?P<known>.*)\)", re.DOTALL)
_BESIDE: Final = re.compile(r"not allowed with argument (?P<other>.*)")
_MISSING: Final = "the following arguments are required: "
_AMBIGUOUS: Final = re.compile(r"ambiguous option: (?P<name>\S+) could match (?P<known>.*)")
_KINDS: Final = {"int": "a whole number", "float": "a number"}


class Parser(argparse.ArgumentParser):
    """An argument parser that complains in one line."""

    def _unknown(self, word: str) -> str:
        if not word.startswith("-"):
            return f"'{word}' is one word too many"
        option = word.partition("=")[0]
        return f"no option '{option}'{did_you_mean(option, self._option_string_actions)}"

    def error(self, message: str) -> NoReturn:
        """End the program."""
        message = self._in_words(message)
        end = "" if message.endswith(("?", ".")) else "."
        self.exit(EXIT_STATUS[Verdict.USAGE], f"{self.prog}: {message}{end} '{self.prog} --help' says more.\n")

    def _in_words(self, message: str) -> str:
        """What argparse says, as where, what and remedy; as it stands where it is none of what it says of mistakes."""
        if message.startswith(_LEFT_OVER):
            return self._unknown(message.removeprefix(_LEFT_OVER).split()[0])
        if message.startswith(_MISSING):
            return f"{message.removeprefix(_MISSING)} is missing. Remedy: give it."
        if found := _AMBIGUOUS.fullmatch(message):
            return f"{found['name']}: may be {found['known'].replace(', ', ' or ')}. Remedy: write it in full."
        if found := _OF_ARGUMENT.fullmatch(message):
            return f"{found['name']}: {self._of_argument(found['name'], found['what'])}"
        return message

    def _of_argument(self, name: str, what: str) -> str:
        """What is wrong with the value of an argument."""
        if found := _VALUE.fullmatch(what):
            kind = _KINDS.get(found["kind"], f"a {found['kind'].lstrip('_')}")
            return f"{found['value']} is not {kind}. Remedy: write {self._written(name)} with {kind}."
        if found := _CHOICE.fullmatch(what):
            known = re.findall(r"'([^']*)'", found["known"]) or found["known"].split(", ")
            near = did_you_mean(found["value"], known).removeprefix("; ")
            mend = f"{near} It" if near else "it"
            return f"'{found['value']}' is none of its values. Remedy: {mend} is one of {', '.join(known)}."
        if found := _BESIDE.fullmatch(what):
            return f"can't stand beside {found['other']}. Remedy: leave one out."
        if what.startswith("expected "):
            return f"its value is missing. Remedy: write {self._written(name)}."
        return what

    def _written(self, name: str) -> str:
        """An argument as it is written: `--jobs N`."""
        option = name.partition("/")[0]
        action = self._option_string_actions.get(option)
        value = (action.metavar or action.dest.upper()) if action is not None else ""
        return f"'{' '.join([option, *([value] if isinstance(value, str) else value)]).strip()}'"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'run'?`, or nothing."""
    said = nearest.did_you_mean(word, known)
    return f"; {said}" if said else ""


__all__ = ["Parser", "did_you_mean"]
