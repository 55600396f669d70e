"""Keywords that wait, in bench time, and that expect a failure."""

from __future__ import annotations

from typing import Any

from robot.api.deco import keyword
from robot.libraries.BuiltIn import BuiltIn

from hil.robot.group import KeywordGroup
from hil.robot.types import Duration


class TimeKeywords(KeywordGroup):
    """Waiting in bench time."""

    @keyword(tags=["time"])
    def sleep(self, duration: Duration, reason: str = "") -> None:
        """Lets bench time pass. On a virtual bench that costs next to no wall time."""
        self.bench.sleep(float(duration))

    @keyword(tags=["time"])
    def wait_until_keyword_succeeds(self, retry: Duration, retry_interval: Duration, keyword_: str, *args: Any) -> Any:
        """Repeats a keyword every ``retry_interval`` until it passes, at most for ``retry``, in bench time.

        A broken bench or a mistake in the suite is not repeated. Checks of this library take ``within`` themselves,
        which is more exact: use this only for what has no ``within``.
        """
        return self.bench.until_succeeds(
            lambda: BuiltIn().run_keyword(keyword_, *args), within=float(retry), interval=float(retry_interval)
        )

    @keyword(tags=["check"])
    def check_should_fail(self, keyword_: str, *args: Any) -> None:
        """Runs a check that must fail; if it passes, that is the failure.

        | Check Should Fail    Telltale Should Be    high_beam    on    within=1 s |
        """
        with self.bench.expected_failure():
            BuiltIn().run_keyword(keyword_, *args)
