"""MQTT and the device's storage as a test sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hil import units
from hil.bench import cloud_match
from hil.bench.portal import Portal
from hil.cloud.backend import parse
from hil.cloud.mqtt import Message, check_filter, matches
from hil.cloud.mqtt_sim import Broker
from hil.errors import NotRunError, UsageError
from hil.units import Duration


class MqttFacade:
    """One broker, through the bench's own client."""

    def __init__(self, bench: Portal, name: str) -> None:
        self._bench, self.name = bench, name
        self._listener = bench.wiring.cloud.mqtt[name]

    def publish(self, topic: str, payload: str | Mapping[str, object], *, qos: int = 1, retain: bool = False) -> None:
        """Publish text, or a mapping as JSON.

        Raises:
            UsageError: it is no topic to publish at.
            BenchError: the bench has no link.
        """
        text = payload if isinstance(payload, str) else json.dumps(payload, sort_keys=True)
        self._bench.call(self._publish(topic, text.encode(), qos, retain))

    async def _publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        self._listener.port.publish(topic, payload, qos=qos, retain=retain)
        self._bench.wiring.cloud.note(self.name, "tx", Message(self._bench.now_ns, topic, payload, qos, retain))

    def should_receive(
        self, topic_filter: str, *, within: Duration = "5 s", where: Mapping[str, object] | None = None
    ) -> dict[str, object]:
        """Wait for a message, from where the last search ended; gives its JSON fields.

        Args:
            topic_filter: where it must come, wildcards allowed.
            within: how long it may take.
            where: field -> value that it must have: `{"speed": "> 5", "position": "absent"}`.

        Raises:
            EcuError: none came.
        """
        return self._bench.call(self._should_receive(check_filter(topic_filter), within, where or {}))

    async def _should_receive(
        self, topic_filter: str, within: Duration, where: Mapping[str, object]
    ) -> dict[str, object]:
        since_ns, first = self._bench.now_ns, self._listener.cursor
        found = await self._listener.find(lambda m: _wanted(m, topic_filter, where), units.seconds(within))
        seen = _text(found) if found else self._others(topic_filter, first)
        self._bench.judge.check(
            name="message",
            target=f"mqtt.{self.name}",
            expected=f"a message at {topic_filter}{cloud_match.show(where)}",
            seen=seen,
            ok=found is not None,
            t_ns=found.t_ns if found else self._bench.now_ns,
            since_ns=since_ns,
            within_ns=units.nanoseconds(within),
        )
        assert found is not None
        return parse(found.payload)

    def _others(self, topic_filter: str, first: int) -> str:
        near = [message for message in self._listener.messages[first:] if matches(topic_filter, message.topic)]
        return f"the last one there: {_text(near[-1])}" if near else "no message there"

    def should_not_receive(
        self, topic_filter: str, *, during: Duration, where: Mapping[str, object] | None = None
    ) -> None:
        """Check that no such message comes for a while from now.

        Raises:
            EcuError: one came.
        """
        length_s = units.span(during)
        self._bench.call(self._should_not_receive(check_filter(topic_filter), length_s, where or {}))

    async def _should_not_receive(self, topic_filter: str, during: Duration, where: Mapping[str, object]) -> None:
        since_ns = self._bench.now_ns
        self._listener.cursor = len(self._listener.messages)
        found = await self._listener.find(lambda m: _wanted(m, topic_filter, where), units.seconds(during))
        span = units.write_duration(units.nanoseconds(during))
        self._bench.judge.check(
            name="no message",
            target=f"mqtt.{self.name}",
            expected=f"none at {topic_filter}{cloud_match.show(where)} during {span}",
            seen=_text(found) if found else "none",
            ok=found is None,
            t_ns=found.t_ns if found else self._bench.now_ns,
            since_ns=since_ns,
            throughout=True,
        )

    def drain(self) -> int:
        """Pass over what came so far; later checks see only what comes from now on. Gives how many were left."""
        return self._bench.call(self._drain())

    async def _drain(self) -> int:
        left = len(self._listener.messages) - self._listener.cursor
        self._listener.cursor = len(self._listener.messages)
        return left

    # The simulated network ----------------------------------------------------------------------------------------

    def _broker(self) -> Broker:
        broker = self._bench.wiring.cloud.broker(self.name)
        if broker is None:
            raise NotRunError("this bench has a real broker: its network can't be broken on demand")
        return broker

    def cut_link(self, duration: Duration) -> None:
        """Break the ECUs' links to the broker for a while.

        Raises:
            NotRunError: the broker is a real one.
        """
        self._bench.call(self._cut_link(units.seconds(duration)))

    async def _cut_link(self, duration_s: float) -> None:
        broker = self._broker()
        for name in self._bench.wiring.ecus:
            broker.cut(name, duration_s)
        self._bench.wiring.recorder.record("note", {"text": f"mqtt link of the ECU cut for {duration_s:g} s"})

    def duplicate_next(self, topic_filter: str, count: int = 1) -> None:
        """Deliver the next messages of a topic twice.

        Raises:
            NotRunError: the broker is a real one.
        """
        self._bench.call(self._duplicate(topic_filter, count))

    async def _duplicate(self, topic_filter: str, count: int) -> None:
        self._broker().duplicate(topic_filter, count)


def _wanted(message: Message, topic_filter: str, where: Mapping[str, object]) -> bool:
    return matches(topic_filter, message.topic) and cloud_match.has(message, where)


def _text(message: Message) -> str:
    payload = message.payload.decode(errors="replace")
    return f"{message.topic} {payload[:300]}{'...' if len(payload) > 300 else ''}"


class StorageFacade:
    """The device's flash, read only."""

    def __init__(self, bench: Portal, name: str) -> None:
        self._bench, self.name = bench, name
        self._port = bench.wiring.cloud.storages[name]

    def dump(self, part: str) -> bytes:
        """The bytes of a part: `slot A`, `slot B`, `boot environment`, `whole`."""
        return self._bench.call(self._port.dump(part))

    def remember(self, part: str) -> None:
        """Keep a part as it is now, for `should_be_unchanged`."""
        self._bench.call(self._remember(part))

    async def _remember(self, part: str) -> None:
        self._bench.wiring.cloud.images[self.name, part] = await self._port.dump(part)

    def should_be_unchanged(self, part: str) -> None:
        """Check that a part is byte for byte as it was remembered.

        Raises:
            UsageError: it never was.
            EcuError: it differs.
        """
        self._bench.call(self._should_be_unchanged(part))

    async def _should_be_unchanged(self, part: str) -> None:
        before = self._bench.wiring.cloud.images.get((self.name, part))
        if before is None:
            raise UsageError(f"'{part}' was not remembered", remedy="remember it before the update.")
        now = await self._port.dump(part)
        differ = _differing(before, now)
        self._bench.judge.check(
            name="storage",
            target=f"storage.{self.name}",
            expected=f"{part} as it was",
            seen=f"{len(differ)} bytes differ, the first at {differ[0]:#x}" if differ else "not one byte differs",
            ok=not differ,
            t_ns=self._bench.now_ns,
            since_ns=self._bench.now_ns,
        )


def _differing(before: bytes, now: bytes) -> list[int]:
    """Where two dumps of a part differ; megabytes that don't are compared at once."""
    return [] if before == now else [at for at, (old, new) in enumerate(zip(before, now, strict=True)) if old != new]
