"""Keywords for the serial console."""

from __future__ import annotations

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Deadline, Duration


class ConsoleKeywords(KeywordGroup):
    """The serial console."""

    @keyword(tags=["console", "check"])
    def console_should_show(self, text: str, within: Deadline = Deadline(5), console: str = "") -> str:
        """Checks that the console shows ``text``, at the latest ``within`` from now, after what was checked before."""
        return self.bench.console(console).expect(text, within=float(within)).text

    @keyword(tags=["console", "check"])
    def console_should_match(self, pattern: str, within: Deadline = Deadline(5), console: str = "") -> str:
        r"""Checks that the console shows a match of a regular expression; gives its first group, or the whole match.

        | ${version} =    Console Should Match    software (\\S+) |
        """
        found = self.bench.console(console).expect(pattern, within=float(within), regex=True)
        return (found.groups[0] or "") if found.groups else found.text

    @keyword(tags=["console", "check"])
    def console_should_not_show(self, text: str, during: Duration, console: str = "") -> None:
        """Checks that the console does not show ``text`` for a while."""
        self.bench.console(console).should_not_show(text, during=float(during))

    @keyword(tags=["console"])
    def send_to_console(self, line: str, console: str = "") -> None:
        """Sends a line to the console."""
        self.bench.console(console).send_line(line)
