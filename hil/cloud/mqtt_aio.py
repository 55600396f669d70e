"""The MQTT port on a real broker, by aiomqtt. The only file that imports it.

Rules of this module: aiomqtt does not connect again by itself, so the loop here does. Every call has a time-out: with a
dead broker a publish would hang otherwise. Messages are sent one after the other, in order. A link that breaks ends all
that was under way as not done. Stamps are the host's, taken when a message came out of the
library, which doesn't hand on a broker's mark of a duplicate: `Message.duplicate` is never set here.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import aiomqtt

from hil.clock import RealClock
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
)
from hil.cloud.tls import TlsFiles, explain, why_refused
from hil.errors import BenchError

TIMEOUT_S: Final = 5.0
KEEPALIVE_S: Final = 10
ALERT_S: Final = 1.0
"""How long a broker may take to say why it refuses our certificate."""
_NO_TLS: Final = TlsFiles()


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is, and how it knows us.

    Attributes:
        host: name or address.
        port: TCP port.
        files: certificates: TLS is used where an authority is named.
        user: who we are; empty: nobody in particular.
        password: how we show it; never shown itself.
    """

    host: str
    port: int = 1883
    files: TlsFiles = _NO_TLS
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Outgoing:
    topic: str
    payload: bytes
    qos: int
    retain: bool
    on_done: OnDone | None

    def end(self, ok: bool) -> None:
        if self.on_done is not None:
            self.on_done(ok)


class AioMqtt:
    """A client of a real broker; an `MqttPort`.

    Args:
        clock: the bench's clock, a real one.
        name: client identifier.
        address: the broker.
    """

    def __init__(self, *, clock: RealClock, name: str, address: BrokerAddress) -> None:
        self.name, self.connected = name, False
        self._clock, self._address = clock, address
        self._tls = address.files.client()
        self._on_message: OnMessage | None = None
        self._on_link: OnLink | None = None
        self._will: Will | None = None
        self._clean = True
        self._filters: dict[str, int] = {}
        self._waiting: asyncio.Queue[_Outgoing] = asyncio.Queue()
        self._client: aiomqtt.Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self.last_error = ""

    def connect(self, on_message: OnMessage, on_link: OnLink, *, will: Will | None = None, clean: bool = True) -> None:
        """See `MqttPort.connect`."""
        self.drop()
        self._on_message, self._on_link, self._will, self._clean = on_message, on_link, will, clean
        self._task = self._clock.loop.create_task(self._keep_connected())

    async def _keep_connected(self) -> None:
        attempt = 0
        while True:
            try:
                async with self._new_client() as client:
                    attempt = 0
                    await self._serve(client)
                self.last_error = "the broker closed the link"
            except (aiomqtt.MqttError, OSError, TimeoutError) as error:
                self.last_error = await self._explain(error)
            self._link_lost()
            await self._clock.sleep(backoff_s(attempt))
            attempt += 1

    async def _explain(self, error: Exception) -> str:
        """Why there is no link, in words; a refusal of our certificate has to be asked for."""
        said = next((text for text in map(explain, _causes(error)) if text), "")
        if not said and self._tls is not None and not self.connected:
            said = await why_refused(self._address.host, self._address.port, self._tls, ALERT_S)
        return said or str(error) or type(error).__name__

    def _new_client(self) -> aiomqtt.Client:
        will = self._will
        return _Client(
            self._address.host,
            self._address.port,
            identifier=self.name,
            will=None if will is None else aiomqtt.Will(will.topic, will.payload, will.qos, will.retain),
            clean_session=self._clean,
            timeout=TIMEOUT_S,
            keepalive=KEEPALIVE_S,
            tls_context=self._tls,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            username=self._address.user or None,
            password=self._address.password or None,
        )

    async def _serve(self, client: aiomqtt.Client) -> None:
        """One link, from its beginning to its end."""
        self._client, self._waiting = client, asyncio.Queue()
        for topic_filter, qos in self._filters.items():
            await client.subscribe(topic_filter, qos=qos, timeout=TIMEOUT_S)
        self.connected = True
        if self._on_link is not None:
            self._on_link(True, "")
        sender = asyncio.ensure_future(self._send_all(client))
        listener = asyncio.ensure_future(self._listen(client))
        try:
            await asyncio.wait([sender, listener], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._client = None
            for task in (sender, listener):
                task.cancel()
            ended = await asyncio.gather(sender, listener, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else str(message.payload or "").encode()
            heard = Message(self._clock.now_ns, message.topic.value, payload, message.qos, message.retain)
            if self._on_message is not None:
                self._on_message(heard)

    async def _send_all(self, client: aiomqtt.Client) -> None:
        """Send what waits. In Python 3.11 `wait_for` may swallow a cancellation: look for the end too."""
        while self._client is client:
            out = await self._waiting.get()
            try:
                await client.publish(out.topic, out.payload, qos=out.qos, retain=out.retain, timeout=TIMEOUT_S)
            except BaseException:
                out.end(False)
                raise
            out.end(True)

    def _link_lost(self) -> None:
        was, self.connected, self._client = self.connected, False, None
        while not self._waiting.empty():
            self._waiting.get_nowait().end(False)
        if was and self._on_link is not None:
            self._on_link(False, self.last_error)

    def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        """See `MqttPort.subscribe`."""
        self._filters[check_filter(topic_filter)] = check_qos(qos)
        if self._client is not None and self.connected:
            task = self._clock.loop.create_task(self._ask(self._client, topic_filter, qos))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    @staticmethod
    async def _ask(client: aiomqtt.Client, topic_filter: str, qos: int) -> None:
        with contextlib.suppress(aiomqtt.MqttError):  # the link broke: the next one subscribes to all of them
            await client.subscribe(topic_filter, qos=qos, timeout=TIMEOUT_S)

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False, on_done: OnDone | None = None
    ) -> None:
        """See `MqttPort.publish`."""
        out = _Outgoing(check_topic(topic), payload, check_qos(qos), retain, on_done)
        if not self.connected:
            why = f": {self.last_error}" if self.last_error else ""
            raise BenchError(f"there is no link to the broker{why}", where=f"mqtt {self.name}")
        self._waiting.put_nowait(out)

    def disconnect(self) -> None:
        """See `MqttPort.disconnect`: the farewell is sent while the task ends."""
        self._on_message = self._on_link = None
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._link_lost()

    def drop(self) -> None:
        """See `MqttPort.drop`: the socket is shut, so that no farewell can go out."""
        self._on_message = self._on_link = None
        if self._client is not None:
            raw = self._client._client.socket()  # aiomqtt has no call for an end without a farewell
            if isinstance(raw, socket.socket):
                with contextlib.suppress(OSError):
                    raw.shutdown(socket.SHUT_RDWR)
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self.disconnect()

    async def close(self) -> None:
        """See `MqttPort.close`."""
        task = self._task
        self.disconnect()
        if task is not None:
            await asyncio.wait([task], timeout=TIMEOUT_S)


class _Client(aiomqtt.Client):
    """aiomqtt's client, mended in two places.

    It would wait for its time-out when a broker ends the link before it has answered. And it would watch a socket by a
    number that, one turn of the loop later, is nobody's any more, or somebody else's.
    """

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        def write() -> None:
            try:
                client.loop_write()
            except Exception as error:  # as the base class does: whatever it is, the link is broken
                if not self._disconnected.done():
                    self._disconnected.set_exception(error)

        def watch() -> None:
            if sock.fileno() >= 0:
                self._loop.add_writer(sock.fileno(), write)

        self._loop.call_soon_threadsafe(watch)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        if self._connected.done():
            super()._on_disconnect(client, userdata, flags, reason_code, properties)
        elif reason_code.value:
            self._connected.set_exception(aiomqtt.MqttError("the broker ended the link before it greeted"))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
