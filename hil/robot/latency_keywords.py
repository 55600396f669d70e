"""Keywords that measure latencies."""

from __future__ import annotations

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Duration, Lamp


class LatencyKeywords(KeywordGroup):
    """Latencies."""

    @keyword(tags=["latency", "check"])
    def telltale_should_react(
        self,
        telltale: str,
        signal: str,
        value: str,
        rest: str,
        limit: Duration,
        samples: int = 20,
        state: Lamp = Lamp.on,
        source: str = "",
        screen: str = "",
    ) -> float:
        """Measures how long from a signal on the bus to a telltale on the screen, and compares it with a limit.

        Each of the ``samples`` is taken at a random phase. The longest, with its uncertainty, must be within the
        limit; if the limit lies within the uncertainty the test is inconclusive. Gives the longest in ms.

        | Telltale Should React    high_beam    HighBeam    On    rest=Off    limit=200 ms |
        """
        result = (
            self.bench.screen(screen)
            .telltale(telltale)
            .reaction(signal, value, rest=rest, state=state.value, samples=samples, limit=float(limit), source=source)
        )
        return result.summary.maximum
