"""The bench's own client: it keeps what it heard, in order, and waits for what is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from hil.clock import Clock
from hil.cloud.mqtt import Message, MqttPort
from hil.errors import BenchError

CONNECT_WITHIN_S: Final = 10.0
REFUSED_FOR_S: Final = 0.3
"""How long a broker that refuses is tried again: one that the bench has just started comes up meanwhile."""
_LOOK_S: Final = 0.05


class MqttListener:
    """A client that hears everything of the device.

    Args:
        clock: the bench's clock.
        port: its port.
        watch: filters of what is listened to.
        on_message: told of every message, for the journal.
        on_lost: told of a link that broke: what was said meanwhile is not known.
    """

    def __init__(
        self,
        clock: Clock,
        port: MqttPort,
        watch: Sequence[str],
        on_message: Callable[[Message], object],
        on_lost: Callable[[BenchError], object],
    ) -> None:
        self._clock, self.port = clock, port
        self._on_message, self._on_lost = on_message, on_lost
        self._watch = watch
        self.messages: list[Message] = []
        self.cursor = 0
        self.listeners: list[Callable[[Message], object]] = []
        self._changed: asyncio.Future[None] | None = None
        self._up = self._closing = False

    async def open(self) -> None:
        """Connect. On a virtual clock the link comes up by itself, long before any ECU does.

        Raises:
            BenchError: the broker can't be reached.
        """
        for topic_filter in self._watch:
            self.port.subscribe(topic_filter, 1)
        self.port.connect(self._hear, self._on_link)
        if not self._clock.is_virtual and not await self._comes_up():
            why = getattr(self.port, "last_error", "") or f"no answer within {CONNECT_WITHIN_S:g} s"
            what, where = f"the broker can't be reached: {why}", f"mqtt {self.port.name}"
            raise BenchError(what, where=where, remedy=broker_remedy(why))

    async def _comes_up(self) -> bool:
        """Whether the link comes up; who is refused doesn't wait as long as who gets no answer."""
        end_ns, refused = self._clock.now_ns + round(CONNECT_WITHIN_S * 1e9), False
        while not self._up and self._clock.now_ns < end_ns:
            await self._until(lambda: self._up, _LOOK_S)
            if not refused and bool(getattr(self.port, "last_error", "")):
                refused, end_ns = True, min(end_ns, self._clock.now_ns + round(REFUSED_FOR_S * 1e9))
        return self._up

    def _on_link(self, up: bool, why: str) -> None:
        if self._up and not up and not self._closing:
            self._on_lost(
                BenchError(f"the bench's own link to the broker broke: {why}", where=f"mqtt {self.port.name}")
            )
        self._up = up
        self._wake()

    def _hear(self, message: Message) -> None:
        self.messages.append(message)
        self._on_message(message)
        for listener in list(self.listeners):
            listener(message)
        self._wake()

    def _wake(self, _: object = None) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    async def _until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        end_ns = self._clock.now_ns + round(timeout_s * 1e9)
        while not condition():
            if self._clock.now_ns >= end_ns:
                return False
            self._changed = self._clock.loop.create_future()
            timer = self._clock.call_at(end_ns, self._wake)
            await self._changed
            timer.cancel()
        return True

    async def find(self, wanted: Callable[[Message], bool], timeout_s: float) -> Message | None:
        """The first message that is wanted, from where the last search ended; None if none came in time."""
        index = self.cursor

        def found() -> bool:
            nonlocal index
            while index < len(self.messages):
                index += 1
                if wanted(self.messages[index - 1]):
                    return True
            return False

        if not await self._until(found, timeout_s):
            return None
        self.cursor = index
        return self.messages[index - 1]

    async def wait_for(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something is so that messages bring about; whether it became so."""
        return await self._until(condition, timeout_s)

    def forget(self) -> None:
        """Nothing was heard yet."""
        self.messages.clear()
        self.cursor = 0

    async def close(self) -> None:
        """Say farewell."""
        self._closing = True
        await self.port.close()


def broker_remedy(why: str) -> str:
    """What to do about a broker that can't be reached, by what the library says."""
    low = why.lower()
    return next((mend for words, mend in _BROKER if any(word in low for word in words)), _BROKER[-1][1])


_BROKER: Final = (
    (("refused", "errno 111"), "start the broker, or correct host and port_number: nobody listens there."),
    (("not authori", "bad user", "password", "code:5", "code:4", "135", "134"), "correct the user and the password."),
    (("certificate", "ssl", "tls"), "check ca_file, certificate_file and the name in the broker's certificate."),
    (("name or service", "getaddrinfo", "nodename"), "correct host: it has no address."),
    (
        ("timed out", "timeout", ""),
        "check host, port_number and firewall; TLS on both ends or on neither, and its certificates.",
    ),
)
