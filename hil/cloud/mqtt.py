"""The MQTT port as an interface, with the rules of topics that every side shares. Pure.

The contract (`hil.contract.mqtt`): a port connects by itself and goes on trying until it is told to stop; what it
subscribed to is renewed at every connection. A QoS 1 message arrives at least once, a QoS 0 message at most once. A
message that was not acknowledged when the link broke is reported as not done: whoever sent it sends it again. Callbacks
come in the loop's thread.

Not for: QoS 2 and MQTT 5 properties; no cockpit that we know uses them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from hil.errors import UsageError

LONGEST_TOPIC: Final = 65_535
_BACKOFF_S: Final = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a subscriber got it.

    Attributes:
        t_ns: bench time at which it arrived.
        topic: where it was published.
        payload: its bytes.
        qos: 0 or 1, as it was delivered.
        retain: it was kept by the broker and is older than the subscription.
        duplicate: the broker says that it may have come before.
    """

    t_ns: int
    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes in a client's name when its link breaks without a farewell."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True


OnMessage = Callable[[Message], object]
OnLink = Callable[[bool, str], object]
"""Called with whether there is a link now, and why not."""
OnDone = Callable[[bool], object]
"""Called once with whether the broker has the message for certain."""


class MqttPort(Protocol):
    """One client of a broker. All calls in the loop's thread."""

    name: str

    @property
    def connected(self) -> bool:
        """Whether there is a link now."""

    def connect(self, on_message: OnMessage, on_link: OnLink, *, will: Will | None = None, clean: bool = True) -> None:
        """Begin to connect, and connect again whenever the link breaks.

        Args:
            on_message: gets what was subscribed to.
            on_link: told of every link and every loss.
            will: published by the broker when the link breaks.
            clean: begin with no session; else the broker keeps subscriptions and QoS 1 messages while we are away.
        """

    def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        """Want what matches a filter, now and after every new connection.

        Raises:
            UsageError: it is no filter.
        """

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False, on_done: OnDone | None = None
    ) -> None:
        """Send a message.

        Raises:
            UsageError: it is no topic, or no QoS that this port has.
            BenchError: there is no link.
        """

    def disconnect(self) -> None:
        """Say farewell: no will is published. May be called twice."""

    def drop(self) -> None:
        """Be gone without a word, as at a power cut: the broker publishes the will once it notices."""

    async def close(self) -> None:
        """Say farewell and let everything go; may be called twice."""


def backoff_s(attempt: int) -> float:
    """How long to wait before connection attempt `attempt` (0 is the first after a loss)."""
    return _BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)]


def check_topic(topic: str) -> str:
    """A topic to publish at.

    Raises:
        UsageError: it is empty, too long or has a wildcard.
    """
    if not topic or len(topic.encode()) > LONGEST_TOPIC or any(sign in topic for sign in "+#\0"):
        raise UsageError(f"'{topic[:80]}' is no topic to publish at", remedy="give one without + and #.")
    return topic


def check_filter(topic_filter: str) -> str:
    """A filter to subscribe to.

    Raises:
        UsageError: a wildcard doesn't stand alone in its level, or # is not the last.
    """
    levels = topic_filter.split("/")
    wrong = not topic_filter or "\0" in topic_filter or len(topic_filter.encode()) > LONGEST_TOPIC
    wrong |= any(("+" in level or "#" in level) and len(level) > 1 for level in levels)
    if wrong or "#" in levels[:-1]:
        mend = "+ stands for one level, # for all that follow: 'cockpit/+/state', 'cockpit/#'."
        raise UsageError(f"'{topic_filter[:80]}' is no topic filter", remedy=mend)
    return topic_filter


def check_qos(qos: int) -> int:
    """A quality of service.

    Raises:
        UsageError: it is neither 0 nor 1.
    """
    if qos not in (0, 1):
        raise UsageError(f"QoS {qos} is not served", remedy="use 0 (at most once) or 1 (at least once).")
    return qos


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic is one of those that a filter means (MQTT 3.1.1, 4.7)."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(levels) or level not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)
