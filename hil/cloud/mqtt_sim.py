"""A simulated MQTT broker and its clients, in virtual time.

Rules of this module: every client has a link of its own, with a latency, in order both ways. What is under way when a
link breaks is lost, in both directions; so a message may have arrived though its sender was told that it had not. A
session that is not clean keeps subscriptions and QoS 1 messages, and delivers again, marked as duplicate, what was not
acknowledged. All chance comes from the generator that is handed in. Faults are methods of the broker.

Not for: QoS 2, shared subscriptions, access control.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from hil.clock import Clock, Timer
from hil.cloud.mqtt import (
    Message,
    OnDone,
    OnLink,
    OnMessage,
    Will,
    backoff_s,
    check_filter,
    check_qos,
    check_topic,
    matches,
)
from hil.errors import BenchError

KEEPALIVE_S: Final = 10.0
"""How often a client says that it lives; a broker gives up after one and a half times that."""
LATENCY_S: Final = (0.020, 0.040)
"""One way, least and most: a mobile network on a good day."""
LONGEST_QUEUE: Final = 1000
_S: Final = 1_000_000_000


@dataclass(slots=True)
class _Session:
    """What a broker knows of one client."""

    client: str
    filters: dict[str, int] = field(default_factory=dict)
    waiting: deque[Message] = field(default_factory=deque)
    unacknowledged: dict[int, Message] = field(default_factory=dict)
    port: SimMqtt | None = None
    clean: bool = True
    will: Will | None = None
    gone: Timer | None = None


@dataclass(slots=True)
class _Twice:
    """An order to deliver the next messages of a topic twice."""

    topic_filter: str
    count: int


class Broker:
    """A broker.

    Args:
        clock: the bench's clock.
        name: for error messages.
        rng: its own randomness (latencies).
    """

    def __init__(self, clock: Clock, name: str, rng: random.Random) -> None:
        self.clock, self.name = clock, name
        self._rng = rng
        self.latency_s = LATENCY_S
        self._sessions: dict[str, _Session] = {}
        self._retained: dict[str, Message] = {}
        self._twice: list[_Twice] = []
        self._refused_until: dict[str, int] = {}
        self._packet = 0

    def port(self, client: str) -> SimMqtt:
        """A client, not yet connected."""
        return SimMqtt(self, client)

    # Faults -------------------------------------------------------------------------------------------------------

    def cut(self, client: str, duration_s: float) -> None:
        """Break a client's link and let it not connect again for a while."""
        self._refused_until[client] = self.clock.now_ns + round(duration_s * _S)
        session = self._sessions.get(client)
        if session is not None and session.port is not None:
            session.port._lose("the network is gone")
            self._on_gone(session)

    def duplicate(self, topic_filter: str, count: int = 1) -> None:
        """Deliver the next `count` QoS 1 messages of a topic twice, as a broker may."""
        self._twice.append(_Twice(check_filter(topic_filter), count))

    def delay_ns(self) -> int:
        """The latency of one packet, one way."""
        least_s, most_s = self.latency_s
        return round((least_s + (most_s - least_s) * self._rng.random()) * _S)

    # Sessions -----------------------------------------------------------------------------------------------------

    def refuses(self, client: str) -> bool:
        """Whether a client can't connect now."""
        return self._refused_until.get(client, 0) > self.clock.now_ns

    def attach(self, port: SimMqtt) -> None:
        """A client has connected; a former link of the same name ends."""
        session = self._sessions.setdefault(port.name, _Session(port.name))
        if session.port is not None and session.port is not port:
            session.port._lose("another client took its name")
        if session.gone is not None or session.port is not None:
            self._on_gone(session)
        self._sessions[port.name] = session
        if port.clean:
            session.filters.clear()
            session.waiting.clear()
            session.unacknowledged.clear()
        session.port, session.clean, session.will = port, port.clean, port.will
        left = [replace(message, duplicate=True) for message in session.unacknowledged.values()]
        session.unacknowledged.clear()
        waiting, session.waiting = [*left, *session.waiting], deque()
        for message in waiting:
            self._deliver(session, message)

    def detach(self, port: SimMqtt, *, farewell: bool) -> None:
        """A client's link ended, as far as the client knows; the broker learns of a silent end by the keep-alive."""
        session = self._sessions.get(port.name)
        if session is None or session.port is not port:
            return
        if farewell:
            session.will = None
            self._on_gone(session)
        elif session.gone is None:
            session.gone = self.clock.call_in(round(1.5 * KEEPALIVE_S * _S), self._on_gone, session)

    def _on_gone(self, session: _Session) -> None:
        if session.gone is not None:
            session.gone.cancel()
        will, session.will, session.port, session.gone = session.will, None, None, None
        if session.clean:
            self._sessions.pop(session.client, None)
        if will is not None:
            self.publish(Message(self.clock.now_ns, will.topic, will.payload, will.qos, will.retain))

    def subscribe(self, client: str, topic_filter: str, qos: int) -> None:
        """A client's subscription has arrived: it gets what is retained."""
        session = self._sessions.get(client)
        if session is None:
            return
        session.filters[topic_filter] = qos
        for topic in sorted(self._retained):
            if matches(topic_filter, topic):
                kept = self._retained[topic]
                self._deliver(session, replace(kept, qos=min(qos, kept.qos), retain=True))

    # Messages -----------------------------------------------------------------------------------------------------

    def publish(self, message: Message) -> None:
        """A message has arrived at the broker: keep it if it asks for that, and hand it to all who want it."""
        if message.retain:
            self._retained[message.topic] = message
            if not message.payload:
                del self._retained[message.topic]
        for session in list(self._sessions.values()):
            qos = max((q for wanted, q in session.filters.items() if matches(wanted, message.topic)), default=-1)
            if qos >= 0:
                self._deliver(session, replace(message, qos=min(qos, message.qos), retain=False))

    def _deliver(self, session: _Session, message: Message) -> None:
        port = session.port
        if port is None or not port.connected:
            if message.qos and not session.clean and len(session.waiting) < LONGEST_QUEUE:
                session.waiting.append(message)
            return
        if not message.qos:
            port._to_client(partial(port._receive, message))
            return
        self._packet += 1
        packet = self._packet
        session.unacknowledged[packet] = message
        port._to_client(partial(port._receive, message, partial(self._acknowledged, session, packet)))
        if self._takes_twice(message.topic):
            port._to_client(partial(port._receive, replace(message, duplicate=True)))

    def _takes_twice(self, topic: str) -> bool:
        for order in self._twice:
            if order.count and matches(order.topic_filter, topic):
                order.count -= 1
                return True
        return False

    @staticmethod
    def _acknowledged(session: _Session, packet: int) -> None:
        session.unacknowledged.pop(packet, None)


class SimMqtt:
    """A client of a simulated broker; an `MqttPort`.

    Args:
        broker: the broker.
        name: its client identifier.
    """

    def __init__(self, broker: Broker, name: str) -> None:
        self.name, self.connected, self.clean = name, False, True
        self.will: Will | None = None
        self._broker, self._clock = broker, broker.clock
        self._on_message: OnMessage | None = None
        self._on_link: OnLink | None = None
        self._filters: dict[str, int] = {}
        self._pending: list[OnDone] = []
        self._link = 0
        self._attempt = 0
        self._retry: Timer | None = None
        self._free_ns = {"up": 0, "down": 0}

    def connect(self, on_message: OnMessage, on_link: OnLink, *, will: Will | None = None, clean: bool = True) -> None:
        """See `MqttPort.connect`."""
        self.drop()
        self._on_message, self._on_link, self.will, self.clean = on_message, on_link, will, clean
        self._attempt = 0
        self._try()

    def _try(self, _: object = None) -> None:
        self._retry = self._clock.call_in(2 * self._broker.delay_ns(), self._answered)

    def _answered(self, _: object) -> None:
        if self._broker.refuses(self.name):
            self._retry = self._clock.call_in(round(backoff_s(self._attempt) * _S), self._try)
            self._attempt += 1
            return
        self._retry, self._attempt, self.connected = None, 0, True
        self._link += 1
        self._broker.attach(self)
        for topic_filter, qos in self._filters.items():
            self._ask(topic_filter, qos)
        if self._on_link is not None:
            self._on_link(True, "")

    def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        """See `MqttPort.subscribe`."""
        self._filters[check_filter(topic_filter)] = check_qos(qos)
        if self.connected:
            self._ask(topic_filter, qos)

    def _ask(self, topic_filter: str, qos: int) -> None:
        self._to_broker(lambda: self._broker.subscribe(self.name, topic_filter, qos))

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False, on_done: OnDone | None = None
    ) -> None:
        """See `MqttPort.publish`."""
        message = Message(self._clock.now_ns, check_topic(topic), payload, check_qos(qos), retain)
        if not self.connected:
            raise BenchError("there is no link to the broker", where=f"mqtt {self.name}")
        if on_done is not None:
            self._pending.append(on_done)
        self._to_broker(lambda: self._arrived(message, on_done))

    def _arrived(self, message: Message, on_done: OnDone | None) -> None:
        self._broker.publish(message)
        if on_done is not None:
            self._to_client(lambda: self._done(on_done))

    def _done(self, on_done: OnDone) -> None:
        self._pending.remove(on_done)
        on_done(True)

    # The link -----------------------------------------------------------------------------------------------------

    def _to_broker(self, action: Callable[[], Any]) -> None:
        self._travel("up", action)

    def _to_client(self, action: Callable[[], Any]) -> None:
        self._travel("down", action)

    def _travel(self, way: str, action: Callable[[], Any]) -> None:
        """In order, after the latency, if the link is still the same one then."""
        t_ns = max(self._free_ns[way], self._clock.now_ns + self._broker.delay_ns())
        self._free_ns[way] = t_ns
        self._clock.call_at(t_ns, self._arrive, (self._link, action))

    def _arrive(self, what: tuple[int, Callable[[], Any]]) -> None:
        link, action = what
        if link == self._link and self.connected:
            action()

    def _receive(self, message: Message, acknowledge: Callable[[], None] | None = None) -> None:
        if acknowledge is not None:
            self._to_broker(acknowledge)
        if self._on_message is not None:
            self._on_message(replace(message, t_ns=self._clock.now_ns))

    def _lose(self, why: str) -> None:
        """The link broke; it is tried again."""
        if not self.connected:
            return
        self._end_link()
        if self._on_link is not None:
            self._on_link(False, why)
            if self._retry is None and self._on_link is not None:
                self._retry = self._clock.call_in(round(backoff_s(0) * _S), self._try)

    def _end_link(self) -> None:
        self.connected = False
        self._link += 1
        pending, self._pending = self._pending, []
        for on_done in pending:
            on_done(False)

    def disconnect(self) -> None:
        """See `MqttPort.disconnect`."""
        self._stop(farewell=True)

    def drop(self) -> None:
        """See `MqttPort.drop`: nobody is told, for there is nobody left."""
        self._pending.clear()
        self._stop(farewell=False)

    def _stop(self, *, farewell: bool) -> None:
        self._on_message = self._on_link = None
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self.connected:
            self._end_link()
            self._broker.detach(self, farewell=farewell)

    async def close(self) -> None:
        """See `MqttPort.close`."""
        self.disconnect()
