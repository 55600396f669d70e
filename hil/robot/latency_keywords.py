"""Keywords that measure latencies."""

from __future__ import annotations

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Deadline, Duration, Lamp


class LatencyKeywords(KeywordGroup):
    """Latencies."""

    @keyword(tags=["latency", "check"])
    def telltale_should_react(
        self,
        telltale: str,
        signal: str,
        value: str,
        rest: str,
        limit: Deadline,
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

    @keyword(tags=["latency", "check"])
    def text_should_react(
        self,
        text: str,
        signal: str,
        value: str,
        rest: str,
        expected: str,
        expected_at_rest: str,
        limit: Deadline,
        samples: int = 20,
        source: str = "",
        screen: str = "",
    ) -> float:
        """Measures how long from a signal on the bus to a text on the screen; as `Telltale Should React`.

        | Text Should React    gear    Gear    D    rest=P    expected=D    expected_at_rest=P    limit=300 ms |
        """
        item, length = self.bench.screen(screen).text(text), float(limit)
        texts = {"text": expected, "rest_text": expected_at_rest}
        result = item.reaction(signal, value, rest=rest, samples=samples, limit=length, source=source, **texts)
        return result.summary.maximum

    @keyword(tags=["latency", "check"])
    def warning_should_react(
        self,
        signal: str,
        value: str,
        rest: str,
        limit: Deadline,
        text: str = "",
        samples: int = 20,
        source: str = "",
        popup: str = "",
        screen: str = "",
    ) -> float:
        """Measures how long from a signal on the bus to a warning on the screen; as `Telltale Should React`."""
        item, length = self.bench.screen(screen).popup(popup), float(limit)
        result = item.reaction(
            signal, value, rest=rest, text=text or None, samples=samples, limit=length, source=source
        )
        return result.summary.maximum

    @keyword(tags=["latency", "check"])
    def icon_should_react(
        self,
        icon: str,
        signal: str,
        value: str,
        rest: str,
        picture: str,
        limit: Deadline,
        picture_at_rest: str = "none",
        samples: int = 20,
        source: str = "",
        screen: str = "",
    ) -> float:
        """Measures how long from a signal on the bus to a picture of an icon; as `Telltale Should React`."""
        item, length = self.bench.screen(screen).icon(icon), float(limit)
        pictures = {"picture": picture, "rest_picture": picture_at_rest}
        result = item.reaction(signal, value, rest=rest, samples=samples, limit=length, source=source, **pictures)
        return result.summary.maximum

    @keyword(tags=["latency", "check"])
    def screen_should_react(
        self,
        view: str,
        signal: str,
        value: str,
        rest: str,
        limit: Deadline,
        samples: int = 20,
        source: str = "",
        screen: str = "",
    ) -> float:
        """Measures how long from a signal on the bus to a named view of the screen; as `Telltale Should React`."""
        item, length = self.bench.screen(screen).view(view), float(limit)
        result = item.reaction(signal, value, rest=rest, samples=samples, limit=length, source=source)
        return result.summary.maximum

    @keyword(tags=["latency", "check"])
    def screen_should_react_to_touch(
        self,
        view: str,
        button: str,
        rest: str,
        limit: Deadline,
        samples: int = 20,
        source: str = "",
        screen: str = "",
        hold: Duration = Duration(0.08),
    ) -> float:
        """Measures how long from the touch of a button to a named view; ``rest`` is the button that leads back.

        | Screen Should React To Touch    media    button=media    rest=home    limit=250 ms    screen=centre |

        The finger is down for ``hold``. What is shown only while it is down has to be seen until it is lifted: hold it
        for longer than the limit.
        """
        item = self.bench.screen(screen).view(view)
        result = item.reaction_to_touch(
            button, rest=rest, samples=samples, limit=float(limit), source=source, hold=float(hold)
        )
        return result.summary.maximum

    @keyword(tags=["latency", "check"])
    def screen_should_react_to_key(
        self, view: str, key: str, rest: str, limit: Deadline, samples: int = 20, source: str = "", screen: str = ""
    ) -> float:
        """Measures how long from the press of a key to a named view; ``rest`` is the button that leads back."""
        item = self.bench.screen(screen).view(view)
        result = item.reaction_to_key(key, rest=rest, samples=samples, limit=float(limit), source=source)
        return result.summary.maximum
