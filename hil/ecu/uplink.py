"""The ECU's one link to its backend: MQTT, shared by telematics and updater.

Rules of this module: the link lives while the ECU is awake. A power cut ends it without a word, and the broker tells
the others by the will. Messages are JSON objects with a schema version; what is none is ignored, and the console says
so. The session is kept, so that commands sent while the ECU was away arrive.

Not for: what is said; who registers a topic knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from hil.cloud.mqtt import Message, OnDone, Will
from hil.ecu.app import App, Platform
from hil.errors import HilError

SERIAL: Final = "VC000001"
SCHEMA: Final = 1
_FAREWELL_NS: Final = 200_000_000
"""So long the last words have to get out before the link ends."""
Handler = Callable[[dict[str, Any]], object]


class Uplink(App):
    """The link; without a port it never comes up."""

    name = "uplink"

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self._port = platform.wires.mqtt
        self._handlers: dict[str, Handler] = {}
        self._watchers: list[Callable[[bool], object]] = []
        self._asleep = False
        platform.cloud.fitted = self._port is not None

    def on(self, leaf: str, handler: Handler) -> None:
        """Have messages to this ECU at a topic handled."""
        self._handlers[_topic(leaf)] = handler

    def watch(self, changed: Callable[[bool], object]) -> None:
        """Be told of the link's ups and downs."""
        self._watchers.append(changed)

    @property
    def connected(self) -> bool:
        """Whether there is a link."""
        return self._port is not None and bool(self._port.connected)

    def start(self) -> None:
        """Connect, and subscribe to what is handled."""
        self._asleep = False
        if self._port is None:
            return
        for topic in self._handlers:
            self._port.subscribe(topic, 1)
        says_nothing = "no_last_will" in self.platform.defects
        gone = None if says_nothing else Will(_topic("status"), _encode({"state": "offline"}))
        self._port.connect(self._on_message, self._on_link, will=gone, clean=False)

    def stop(self) -> None:
        """The power went."""
        if self._port is not None:
            self._port.drop()
        self.platform.cloud.connected = False

    def sleep(self) -> None:
        """Say farewell: the car sleeps."""
        if "sleep_unsaid" not in self.platform.defects:
            self.send("status", {"state": "asleep"}, retain=True)
        self._asleep = True
        self.platform.later(_FAREWELL_NS, self._let_go, None)

    def _let_go(self, _: object) -> None:
        """End the link, unless the car woke meanwhile."""
        if self._asleep and self._port is not None:
            self._port.disconnect()
            self.platform.cloud.connected = False

    def wake(self) -> None:
        """Connect again."""
        self.start()

    def _on_link(self, up: bool, why: str) -> None:
        self.platform.cloud.connected = up
        self.platform.say(f"cloud: {'connected' if up else f'link lost: {why}'}")
        if up:
            self.send("status", {"state": "online", "version": self.platform.life.software}, retain=True)
        for changed in self._watchers:
            changed(up)

    def _on_message(self, message: Message) -> None:
        fields = _decode(message.payload)
        handler = self._handlers.get(message.topic)
        if handler is None:
            return
        if fields is None or fields.get("schema") != SCHEMA:
            self.platform.say(f"cloud: message at {message.topic} ignored: no JSON object of schema {SCHEMA}")
            return
        handler(fields)

    def send(
        self, leaf: str, fields: Mapping[str, Any], *, qos: int = 1, retain: bool = False, on_done: OnDone | None = None
    ) -> bool:
        """Say something; False if there is no link, and then nobody will ever hear it."""
        if not self.connected:
            return False
        try:
            self._port.publish(_topic(leaf), _encode(fields), qos=qos, retain=retain, on_done=on_done)
        except HilError:
            return False
        return True


def _topic(leaf: str) -> str:
    return f"cockpit/{SERIAL}/{leaf}"


def _encode(fields: Mapping[str, Any]) -> bytes:
    return json.dumps({"schema": SCHEMA, **fields}, sort_keys=True).encode()


def _decode(payload: bytes) -> dict[str, Any] | None:
    try:
        fields = json.loads(payload)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None
