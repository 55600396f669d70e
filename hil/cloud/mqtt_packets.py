"""MQTT 3.1.1 packets as bytes, as a broker reads and writes them. Pure.

Rules of this module: bytes come cut anywhere; a packet is handed out once it is whole. What the standard (OASIS MQTT
3.1.1) forbids raises `Malformed`, with which a broker ends the link. Numbers in brackets are its chapters.

Not for: QoS 2 and MQTT 5, as the port has neither. A subscription that asks for QoS 2 is read as one for QoS 1, which
the standard lets a broker grant.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hil.cloud.mqtt import Message, Will, check_filter, check_topic
from hil.errors import UsageError

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 10, 11, 12, 13, 14
ACCEPTED, WRONG_VERSION, WRONG_NAME, WRONG_LOGIN = 0, 1, 2, 5
LONGEST_PACKET: Final = 16 << 20
_LENGTH_BYTES: Final = 4
_LEVEL: Final = 4
_FLAGS: Final = {SUBSCRIBE: 2, UNSUBSCRIBE: 2, CONNECT: 0, PUBACK: 0, PINGREQ: 0, DISCONNECT: 0}


class Malformed(Exception):
    """The peer sent what is no MQTT 3.1.1, or what this broker doesn't do."""


@dataclass(frozen=True, slots=True)
class Connect:
    """A client's greeting [3.1]."""

    client: str
    clean: bool
    keepalive_s: int
    will: Will | None = None
    user: str | None = None
    password: bytes = b""
    level: int = _LEVEL


@dataclass(frozen=True, slots=True)
class Publish:
    """A message on its way [3.3]; `packet` is 0 with QoS 0."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    duplicate: bool = False
    packet: int = 0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A QoS 1 message has arrived [3.4]."""

    packet: int


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Filters with the QoS that is asked for [3.8]."""

    packet: int
    filters: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Filters that are no longer wanted [3.10]."""

    packet: int
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ping:
    """The client lives [3.12]."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """The client ends the link on purpose [3.14]."""


Packet = Connect | Publish | Acknowledged | Subscribe | Unsubscribe | Ping | Farewell


class PacketReader:
    """Bytes of one link, to packets."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are whole with these bytes.

        Raises:
            Malformed: it is no packet that a client may send.
        """
        self._buffer += data
        while (size := _whole(self._buffer)) is not None:
            head, body = size
            first, content = self._buffer[0], bytes(self._buffer[head : head + body])
            del self._buffer[: head + body]
            yield _packet(first, _Body(content))


def _whole(buffer: bytearray) -> tuple[int, int] | None:
    """Bytes of the header and of the body of the first packet; None while it isn't whole [2.2.3]."""
    length = 0
    for index in range(1, min(len(buffer), _LENGTH_BYTES + 1)):
        length |= (buffer[index] & 0x7F) << 7 * (index - 1)
        if buffer[index] < 0x80:
            if length > LONGEST_PACKET:
                raise Malformed(f"a packet of {length} bytes")
            return (index + 1, length) if len(buffer) > index + length else None
    if len(buffer) > _LENGTH_BYTES:
        raise Malformed("a length of more than four bytes")
    return None


class _Body:
    """What follows the header, read from its beginning."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) < size:
            raise Malformed("a packet that ends too early")
        self._at += size
        return part

    def number(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def packet_number(self) -> int:
        number = self.number()
        if not number:
            raise Malformed("the packet number 0")
        return number

    def blob(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        try:
            return self.blob().decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("text that is no UTF-8") from error

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    @property
    def is_empty(self) -> bool:
        return self._at == len(self._data)


def _packet(first: int, body: _Body) -> Packet:
    kind, flags = first >> 4, first & 0xF
    if kind == PUBLISH:
        return _publish(flags, body)
    if kind not in _FLAGS or flags != _FLAGS[kind]:
        raise Malformed(f"a packet that begins with 0x{first:02X}")
    if kind == CONNECT:
        return _connect(body)
    if kind == SUBSCRIBE:
        return Subscribe(body.packet_number(), tuple(_wanted(body)))
    if kind == UNSUBSCRIBE:
        return Unsubscribe(body.packet_number(), tuple(_unwanted(body)))
    if kind == PUBACK:
        return Acknowledged(body.packet_number())
    return Ping() if kind == PINGREQ else Farewell()


def _connect(body: _Body) -> Connect:
    protocol, level = body.text(), body.take(1)[0]
    if protocol != "MQTT" or level != _LEVEL:
        return Connect("", clean=True, keepalive_s=0, level=0 if protocol != "MQTT" else level)
    flags, keepalive_s, client = body.take(1)[0], body.number(), body.text()
    will = _will(flags, body) if flags & 0x04 else None
    user = body.text() if flags & 0x80 else None
    password = body.blob() if flags & 0x40 else b""
    return Connect(client, bool(flags & 0x02), keepalive_s, will, user, password)


def _will(flags: int, body: _Body) -> Will:
    qos = flags >> 3 & 3
    return Will(_topic(body.text()), body.blob(), _qos(qos), bool(flags & 0x20))


def _publish(flags: int, body: _Body) -> Publish:
    qos = _qos(flags >> 1 & 3)
    topic = _topic(body.text())
    packet = body.packet_number() if qos else 0
    return Publish(topic, body.rest(), qos, bool(flags & 1), bool(flags & 8), packet)


def _wanted(body: _Body) -> Iterator[tuple[str, int]]:
    _not_empty(body)
    while not body.is_empty:
        topic_filter, qos = _filter(body.text()), body.take(1)[0]
        if qos > 2:
            raise Malformed(f"a subscription with QoS {qos}")
        yield topic_filter, min(qos, 1)


def _unwanted(body: _Body) -> Iterator[str]:
    _not_empty(body)
    while not body.is_empty:
        yield _filter(body.text())


def _not_empty(body: _Body) -> None:
    if body.is_empty:
        raise Malformed("no topic filter")


def _qos(qos: int) -> int:
    if qos > 1:
        raise Malformed(f"QoS {qos}, which is not served here")
    return qos


def _topic(topic: str) -> str:
    try:
        return check_topic(topic)
    except UsageError as error:
        raise Malformed(error.what) from error


def _filter(topic_filter: str) -> str:
    try:
        return check_filter(topic_filter)
    except UsageError as error:
        raise Malformed(error.what) from error


# From the broker ------------------------------------------------------------------------------------------------------


def connack(code: int, *, session_present: bool = False) -> bytes:
    """The answer to a greeting [3.2]."""
    return bytes((CONNACK << 4, 2, session_present, code))


def puback(packet: int) -> bytes:
    """A QoS 1 message has arrived [3.4]."""
    return struct.pack(">BBH", PUBACK << 4, 2, packet)


def suback(packet: int, granted: list[int]) -> bytes:
    """Subscriptions are made [3.9]."""
    return _framed(SUBACK << 4, packet.to_bytes(2, "big") + bytes(granted))


def unsuback(packet: int) -> bytes:
    """Subscriptions are ended [3.11]."""
    return struct.pack(">BBH", UNSUBACK << 4, 2, packet)


def pingresp() -> bytes:
    """The broker lives [3.13]."""
    return bytes((PINGRESP << 4, 0))


def publish(message: Message, packet: int = 0) -> bytes:
    """A message for a client; `packet` is its number with QoS 1 [3.3]."""
    topic = message.topic.encode()
    first = PUBLISH << 4 | message.duplicate << 3 | message.qos << 1 | message.retain
    number = packet.to_bytes(2, "big") if message.qos else b""
    return _framed(first, len(topic).to_bytes(2, "big") + topic + number + message.payload)


def _framed(first: int, body: bytes) -> bytes:
    head, length = bytearray((first,)), len(body)
    while True:
        length, digit = length >> 7, length & 0x7F
        head.append(digit | 0x80 if length else digit)
        if not length:
            return bytes(head) + body
