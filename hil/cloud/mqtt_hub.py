"""What an MQTT 3.1.1 broker decides: who may connect, who gets which message, what is kept. No sockets, no clock.

Rules of this module: packets of a link go in, bytes for links come out through `Line`. A session that is not clean
keeps its subscriptions and its QoS 1 messages while its client is away, `MOST_WAITING` of them; what was not
acknowledged is sent again, marked as duplicate, before what waited. A link that ends without a farewell publishes its
will. A message goes to each session once, however many of its filters match.

Not for: QoS 2, shared subscriptions, sessions that outlive the broker.
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from hil.cloud import mqtt_packets as packets
from hil.cloud.mqtt import Message, Will, matches
from hil.cloud.mqtt_packets import Acknowledged, Connect, Malformed, Packet, Publish, Subscribe, Unsubscribe

MOST_WAITING: Final = 100_000
"""QoS 1 messages that a session keeps; later ones are dropped, and counted in `Hub.dropped`."""
_LAST_PACKET: Final = 65_535


class Line(Protocol):
    """The way to one client."""

    def send(self, data: bytes) -> None:
        """Send bytes."""

    def end(self) -> None:
        """Break the link."""


@dataclass(slots=True)
class _Session:
    """What the broker knows of one client."""

    client: str
    clean: bool = True
    filters: dict[str, int] = field(default_factory=dict)
    unacknowledged: dict[int, Message] = field(default_factory=dict)
    waiting: deque[Message] = field(default_factory=deque)
    link: Link | None = None
    packet: int = 0

    def next_packet(self) -> int:
        """A packet number that isn't in use; 0 if none is left."""
        if len(self.unacknowledged) >= _LAST_PACKET:
            return 0
        while True:
            self.packet = self.packet % _LAST_PACKET + 1
            if self.packet not in self.unacknowledged:
                return self.packet


class Hub:
    """The broker behind all links.

    Args:
        logins: user -> password; empty: everybody may connect.

    Attributes:
        dropped: messages that a session could not keep.
    """

    def __init__(self, logins: Mapping[str, str] | None = None) -> None:
        self._logins = dict(logins or {})
        self._sessions: dict[str, _Session] = {}
        self._retained: dict[str, Message] = {}
        self._nameless = 0
        self.dropped = 0

    def link(self, line: Line) -> Link:
        """A new connection."""
        return Link(self, line)

    @property
    def clients(self) -> list[str]:
        """Who is connected now."""
        return [name for name, session in self._sessions.items() if session.link is not None]

    def admits(self, greeting: Connect) -> int:
        """The code that a greeting is answered with."""
        if greeting.level != 4:
            return packets.WRONG_VERSION
        if not greeting.client and not greeting.clean:
            return packets.WRONG_NAME
        known = self._logins.get(greeting.user or "")
        right = known is not None and hmac.compare_digest(known.encode(), greeting.password)
        return packets.ACCEPTED if right or not self._logins else packets.WRONG_LOGIN

    def attach(self, link: Link, greeting: Connect) -> tuple[_Session, bool]:
        """The session of a client that may connect, and whether it was there before. An older link of it ends."""
        name = greeting.client or self._next_name()
        former = self._sessions.get(name)
        if former is not None and former.link is not None:
            former.link.gone()
            former = self._sessions.get(name)
        present = former is not None and not greeting.clean
        session = former if former is not None and present else _Session(name)
        session.link, session.clean = link, greeting.clean
        self._sessions[name] = session
        return session, present

    def _next_name(self) -> str:
        self._nameless += 1
        return f"client-{self._nameless}"

    def detach(self, session: _Session, will: Will | None) -> None:
        """A client is gone, with or without a farewell."""
        session.link = None
        if session.clean and self._sessions.get(session.client) is session:
            del self._sessions[session.client]
        if will is not None:
            self.publish(Message(0, will.topic, will.payload, will.qos, will.retain))

    def retained(self, topic_filter: str) -> list[Message]:
        """What is kept for new subscribers, by topic."""
        return [self._retained[topic] for topic in sorted(self._retained) if matches(topic_filter, topic)]

    def publish(self, message: Message) -> None:
        """A message has arrived: keep it if it asks for that, and hand it to all who want it."""
        if message.retain:
            self._retained[message.topic] = message
            if not message.payload:
                del self._retained[message.topic]
        for session in list(self._sessions.values()):
            wanted = [qos for topic_filter, qos in session.filters.items() if matches(topic_filter, message.topic)]
            if wanted:
                self.deliver(session, replace(message, qos=min(max(wanted), message.qos), retain=False))

    def deliver(self, session: _Session, message: Message) -> None:
        """Send a message to a client, or keep it for later."""
        link = session.link
        if not message.qos:
            if link is not None:
                link.send(packets.publish(message))
            return
        packet = session.next_packet() if link is not None and not session.waiting else 0
        if link is not None and packet:
            session.unacknowledged[packet] = message
            link.send(packets.publish(message, packet))
        elif len(session.waiting) < MOST_WAITING:
            session.waiting.append(message)
        else:
            self.dropped += 1

    def catch_up(self, session: _Session) -> None:
        """Send what was not acknowledged, then what waits, as far as packet numbers go."""
        link = session.link
        if link is None:
            return
        for packet, message in session.unacknowledged.items():
            link.send(packets.publish(replace(message, duplicate=True), packet))
        self.send_waiting(session)

    def send_waiting(self, session: _Session) -> None:
        """Send what waits, as far as packet numbers go."""
        while session.link is not None and session.waiting and (packet := session.next_packet()):
            message = session.unacknowledged[packet] = session.waiting.popleft()
            session.link.send(packets.publish(message, packet))


class Link:
    """One connection of a client, from its greeting to its end."""

    def __init__(self, hub: Hub, line: Line) -> None:
        self._hub, self._line = hub, line
        self._reader = packets.PacketReader()
        self._session: _Session | None = None
        self._will: Will | None = None
        self._ended = False
        self.keepalive_s = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether the client was admitted."""
        return self._session is not None

    def send(self, data: bytes) -> None:
        """Send bytes to the client."""
        self._line.send(data)

    def receive(self, data: bytes) -> None:
        """Bytes came from the client. What is no MQTT ends the link."""
        try:
            for packet in self._reader.feed(data):
                if self._ended:
                    return
                self._take(packet)
        except Malformed:
            self.gone()

    def gone(self) -> None:
        """The link is broken, or must be: the will is published. May be called twice."""
        self._end(self._will)

    def _end(self, will: Will | None) -> None:
        if self._ended:
            return
        self._ended = True
        self._line.end()
        session, self._session = self._session, None
        if session is not None:
            self._hub.detach(session, will)

    def _take(self, packet: Packet) -> None:
        session = self._session
        if isinstance(packet, Connect):
            self._greet(packet)
        elif session is None:
            raise Malformed("something before the greeting")
        elif isinstance(packet, Publish):
            self._publish(packet)
        elif isinstance(packet, Acknowledged):
            session.unacknowledged.pop(packet.packet, None)
            self._hub.send_waiting(session)
        elif isinstance(packet, Subscribe | Unsubscribe):
            self._choose(session, packet)
        elif isinstance(packet, packets.Ping):
            self._line.send(packets.pingresp())
        else:
            self._end(None)

    def _greet(self, greeting: Connect) -> None:
        if self._session is not None:
            raise Malformed("a second greeting")
        code = self._hub.admits(greeting)
        if code:
            self._line.send(packets.connack(code))
            self._end(None)
            return
        self._session, present = self._hub.attach(self, greeting)
        self._will, self.keepalive_s = greeting.will, float(greeting.keepalive_s)
        self._line.send(packets.connack(packets.ACCEPTED, session_present=present))
        self._hub.catch_up(self._session)

    def _publish(self, packet: Publish) -> None:
        self._hub.publish(Message(0, packet.topic, packet.payload, packet.qos, packet.retain))
        if packet.qos:
            self._line.send(packets.puback(packet.packet))

    def _choose(self, session: _Session, packet: Subscribe | Unsubscribe) -> None:
        if isinstance(packet, Unsubscribe):
            for topic_filter in packet.filters:
                session.filters.pop(topic_filter, None)
            self._line.send(packets.unsuback(packet.packet))
            return
        session.filters |= dict(packet.filters)
        self._line.send(packets.suback(packet.packet, [qos for _, qos in packet.filters]))
        for topic_filter, qos in packet.filters:
            for kept in self._hub.retained(topic_filter):
                self._hub.deliver(session, replace(kept, qos=min(qos, kept.qos), retain=True))
