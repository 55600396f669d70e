"""A broker of our own on a socket: what a bench uses where no other broker is installed.

Rules of this module: the decisions are the hub's (`mqtt_hub`); here are bytes, TLS and time. A client that says
nothing for one and a half times its keep-alive is gone, so is one that doesn't greet within `GREETING_S`, and one that
takes no bytes: `MOST_UNREAD` of them wait. Sessions and retained messages live as long as the broker.

Not for: production. It keeps nothing on disk, and knows MQTT 3.1.1 with QoS 0 and 1 only.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import Final

from hil.clock import RealClock, Timer
from hil.cloud.mqtt_hub import Hub
from hil.errors import BenchError

GREETING_S: Final = 10.0
MOST_UNREAD: Final = 32 << 20


class MqttServer:
    """The broker.

    Args:
        clock: a real clock; its loop serves.
        name: what messages call it.
        logins: user -> password; empty: everybody may connect.
        tls: the context with the broker's certificate; None: no TLS.
    """

    def __init__(
        self, *, clock: RealClock, name: str, logins: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.name, self.hub = name, Hub(logins)
        self._clock, self._tls = clock, tls
        self._server: asyncio.Server | None = None
        self._lines: set[_Connection] = set()
        self.port = 0

    async def open(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one, `port` says which.

        Raises:
            BenchError: the port is in use, or the address isn't this machine's.
        """
        loop = self._clock.loop
        try:
            self._server = await loop.create_server(self._connection, host, port, ssl=self._tls)
        except OSError as error:
            why = error.strerror or str(error)
            mend = "another broker may run there: use it, or take another port_number."
            raise BenchError(f"can't listen on {host}:{port}: {why}", where=f"mqtt {self.name}", remedy=mend) from error
        self.port = int(self._server.sockets[0].getsockname()[1])

    def _connection(self) -> _Connection:
        return _Connection(self._clock, self.hub, self._lines)

    async def close(self) -> None:
        """Stop listening and break all links, as a broker that is killed; may be called twice."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for line in list(self._lines):
            line.end()
        await server.wait_closed()


class _Connection(asyncio.Protocol):
    """One client: a `Line` of the hub."""

    def __init__(self, clock: RealClock, hub: Hub, lines: set[_Connection]) -> None:
        self._clock, self._lines = clock, lines
        self._link = hub.link(self)
        self._transport: asyncio.WriteTransport | None = None
        self._heard_ns = 0
        self._watch: Timer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport, self._heard_ns = transport, self._clock.now_ns
        self._lines.add(self)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._look_after(GREETING_S)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._heard_ns = self._clock.now_ns
        was_known = self._link.is_connected
        self._link.receive(data)
        if self._link.is_connected and not was_known:
            self._look_after(1.5 * self._link.keepalive_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone, or its link broke."""
        self._lines.discard(self)
        self._look_after(0.0)
        self._transport = None
        self._link.gone()

    def send(self, data: bytes) -> None:
        """See `Line.send`."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MOST_UNREAD:
            self._transport.abort()

    def end(self) -> None:
        """See `Line.end`: what was sent before still goes out."""
        if self._transport is not None:
            self._transport.close()

    def _look_after(self, silence_s: float) -> None:
        """Allow so much silence from now on; 0 allows any."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if silence_s:
            span_ns = round(silence_s * 1e9)
            self._watch = self._clock.call_at(self._heard_ns + span_ns, self._was_silent, span_ns)

    def _was_silent(self, span_ns: int) -> None:
        if self._clock.now_ns - self._heard_ns < span_ns:
            self._watch = self._clock.call_at(self._heard_ns + span_ns, self._was_silent, span_ns)
        elif self._transport is not None:
            self._transport.abort()
