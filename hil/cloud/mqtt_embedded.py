"""The MQTT port with a broker of its own: for a bench where none is installed.

The broker listens as long as the bench is connected to it, and its client is the bench's own. Whoever else is to talk
to it (the ECU under test) connects to the same address. `hil broker` is the same broker as a program.
"""

from __future__ import annotations

import asyncio
from typing import Final

from hil.clock import RealClock
from hil.cloud.mqtt import OnDone, OnLink, OnMessage, Will
from hil.cloud.mqtt_aio import AioMqtt
from hil.cloud.mqtt_server import MqttServer
from hil.errors import BenchError

_WITHIN_S: Final = 5.0


class EmbeddedMqtt:
    """A broker and the bench's client of it; an `MqttPort`.

    Args:
        clock: the bench's clock, a real one.
        server: the broker, not yet open.
        client: the bench's client, with the broker's address.
        host: address that the broker listens on.
        port: TCP port that it listens on.
    """

    def __init__(self, *, clock: RealClock, server: MqttServer, client: AioMqtt, host: str, port: int) -> None:
        self.name = client.name
        self._clock, self._server, self._client = clock, server, client
        self._host, self._port = host, port
        self._task: asyncio.Task[None] | None = None
        self._trouble = ""

    @property
    def connected(self) -> bool:
        """Whether there is a link."""
        return self._client.connected

    @property
    def last_error(self) -> str:
        """Why there is no link."""
        return self._trouble or self._client.last_error

    def connect(self, on_message: OnMessage, on_link: OnLink, *, will: Will | None = None, clean: bool = True) -> None:
        """See `MqttPort.connect`; the broker begins to listen first."""
        if self._server.port:
            self._client.connect(on_message, on_link, will=will, clean=clean)
            return

        async def begin() -> None:
            try:
                await self._server.open(self._host, self._port)
            except BenchError as error:
                self._trouble = f"{error.what}; {error.remedy}"
            else:
                self._client.connect(on_message, on_link, will=will, clean=clean)

        self._task = self._clock.loop.create_task(begin())

    def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        """See `MqttPort.subscribe`."""
        self._client.subscribe(topic_filter, qos)

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False, on_done: OnDone | None = None
    ) -> None:
        """See `MqttPort.publish`."""
        self._client.publish(topic, payload, qos=qos, retain=retain, on_done=on_done)

    def disconnect(self) -> None:
        """See `MqttPort.disconnect`; the broker goes on for the others."""
        self._client.disconnect()

    def drop(self) -> None:
        """See `MqttPort.drop`."""
        self._client.drop()

    async def close(self) -> None:
        """See `MqttPort.close`; the broker ends too."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_WITHIN_S)
        await self._client.close()
        await self._server.close()
