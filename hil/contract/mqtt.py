"""The contract of an MQTT port: it connects, goes on trying, filters, keeps, says what arrived, and leaves a will."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from hil.clock import Clock
from hil.cloud.mqtt import Message, MqttPort, Will
from hil.errors import BenchError, UsageError

BAD_FILTERS = ("", "a/#/b", "a#", "+a/b", "a/b+")
BAD_TOPICS = ("", "a/+", "#", "a\0b")


@dataclass
class MqttPair:
    """Two clients of one broker, not yet connected, and nobody else at its topics.

    Attributes:
        clock: the clock that both are on.
        near: the port under test.
        far: another client.
        cut: breaks near's link, which can't come back for so many seconds of bench time.
        timeout_s: bench time within which everything has arrived.
        quiet_s: bench time after which nothing more comes.
        will_s: bench time within which a broker tells of a client that is gone.
    """

    clock: Clock
    near: MqttPort
    far: MqttPort
    cut: Callable[[float], object]
    timeout_s: float = 5.0
    quiet_s: float = 0.3
    will_s: float = 20.0


@dataclass
class MqttEar:
    """What one client heard, and the state of its link."""

    clock: Clock
    messages: list[Message] = field(default_factory=list)
    links: list[bool] = field(default_factory=list)
    done: list[bool] = field(default_factory=list)
    _changed: asyncio.Future[None] | None = None

    @property
    def said(self) -> list[tuple[str, bytes]]:
        """Topics and payloads."""
        return [(message.topic, message.payload) for message in self.messages]

    def on_message(self, message: Message) -> None:
        """For `MqttPort.connect`."""
        self.messages.append(message)
        self._wake()

    def on_link(self, up: bool, why: str) -> None:
        """For `MqttPort.connect`."""
        self.links.append(up)
        self._wake()

    def on_done(self, ok: bool) -> None:
        """For `MqttPort.publish`."""
        self.done.append(ok)
        self._wake()

    def _wake(self, _: object = None) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    async def until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Wait until something is so.

        Raises:
            AssertionError: it did not become so in time.
        """
        end_ns = self.clock.now_ns + round(timeout_s * 1e9)
        while not condition():
            assert self.clock.now_ns < end_ns, f"nothing came in {timeout_s} s: {self.said} {self.links} {self.done}"
            self._changed = self.clock.loop.create_future()
            timer = self.clock.call_at(end_ns, self._wake)
            await self._changed
            timer.cancel()


class MqttPortContract:
    """Derive it and give `mqtt_pair`."""

    @pytest.fixture
    def mqtt_pair(self) -> Iterator[MqttPair]:
        """The two clients. Close the clock after the test; the suite closes the clients."""
        raise NotImplementedError("give the contract a fixture 'mqtt_pair'")

    def _run(
        self,
        pair: MqttPair,
        scenario: Callable[[MqttPair, MqttEar, MqttEar], Coroutine[Any, Any, None]],
        *,
        will: Will | None = None,
        clean: bool = True,
    ) -> None:
        async def main() -> None:
            near, far = MqttEar(pair.clock), MqttEar(pair.clock)
            pair.far.connect(far.on_message, far.on_link)
            pair.near.connect(near.on_message, near.on_link, will=will, clean=clean)
            try:
                await near.until(lambda: pair.near.connected, pair.timeout_s)
                await far.until(lambda: pair.far.connected, pair.timeout_s)
                await scenario(pair, near, far)
            finally:
                await pair.near.close()
                await pair.far.close()

        pair.clock.run(main())

    async def _settle(self, pair: MqttPair) -> None:
        await pair.clock.sleep(pair.quiet_s)

    @pytest.mark.parametrize("qos", [0, 1])
    def test_a_message_arrives_as_it_was_sent_and_is_reported_done(self, mqtt_pair: MqttPair, qos: int) -> None:
        """Any bytes; its stamp lies between sending and now."""

        async def scenario(pair: MqttPair, near: MqttEar, far: MqttEar) -> None:
            pair.far.subscribe("contract/one")
            await self._settle(pair)
            sent_ns = pair.clock.now_ns
            pair.near.publish("contract/one", b"\x00\xff{}", qos=qos, on_done=near.on_done)
            await far.until(lambda: len(far.messages) == 1, pair.timeout_s)
            await near.until(lambda: near.done == [True], pair.timeout_s)
            (message,) = far.messages
            assert (message.topic, message.payload, message.qos) == ("contract/one", b"\x00\xff{}", qos)
            assert not message.retain
            assert not message.duplicate
            assert sent_ns <= message.t_ns <= pair.clock.now_ns

        self._run(mqtt_pair, scenario)

    def test_messages_of_one_sender_stay_in_order(self, mqtt_pair: MqttPair) -> None:
        """Also when many are under way at once."""

        async def scenario(pair: MqttPair, near: MqttEar, far: MqttEar) -> None:
            pair.far.subscribe("contract/many")
            await self._settle(pair)
            payloads = [str(number).encode() for number in range(50)]
            for payload in payloads:
                pair.near.publish("contract/many", payload, qos=1)
            await far.until(lambda: len(far.messages) == 50, pair.timeout_s)
            assert [message.payload for message in far.messages] == payloads

        self._run(mqtt_pair, scenario)

    def test_filters_take_what_they_mean_and_nothing_else(self, mqtt_pair: MqttPair) -> None:
        """`+` is one level, `#` all that follow and their parent."""

        async def scenario(pair: MqttPair, near: MqttEar, far: MqttEar) -> None:
            for topic_filter in ("contract/+/state", "contract/b/#"):
                pair.far.subscribe(topic_filter)
            await self._settle(pair)
            topics = ["contract/a/state", "contract/state", "contract/b", "contract/b/c/d", "contract/a/x/state"]
            for topic in topics:
                pair.near.publish(topic, b"1", qos=1)
            await far.until(lambda: len(far.messages) >= 3, pair.timeout_s)
            await self._settle(pair)
            assert [topic for topic, _ in far.said] == ["contract/a/state", "contract/b", "contract/b/c/d"]

        self._run(mqtt_pair, scenario)

    def test_a_retained_message_greets_a_later_subscriber_until_it_is_emptied(self, mqtt_pair: MqttPair) -> None:
        """It says of itself that it is old."""

        async def scenario(pair: MqttPair, near: MqttEar, far: MqttEar) -> None:
            pair.near.publish("contract/kept", b"old", qos=1, retain=True)
            await self._settle(pair)
            pair.far.subscribe("contract/kept")
            await far.until(lambda: far.said == [("contract/kept", b"old")], pair.timeout_s)
            assert far.messages[0].retain
            pair.near.publish("contract/kept", b"", qos=1, retain=True)
            await self._settle(pair)
            pair.near.subscribe("contract/kept")
            await self._settle(pair)
            assert near.said == []

        self._run(mqtt_pair, scenario)

    def test_a_broken_link_is_told_and_comes_back_with_its_subscriptions(self, mqtt_pair: MqttPair) -> None:
        """Nobody has to subscribe again; publishing meanwhile is refused, in words that name the client."""

        async def scenario(pair: MqttPair, near: MqttEar, far: MqttEar) -> None:
            pair.near.subscribe("contract/back")
            await self._settle(pair)
            pair.cut(1.5)
            await near.until(lambda: near.links == [True, False], pair.timeout_s)
            with pytest.raises(BenchError, match=pair.near.name):
                pair.near.publish("contract/back", b"lost")
            await near.until(lambda: near.links == [True, False, True], 20.0)
            await self._settle(pair)
            pair.far.publish("contract/back", b"again", qos=1)
            await near.until(lambda: ("contract/back", b"again") in near.said, pair.timeout_s)

        self._run(mqtt_pair, scenario)

    def test_what_was_not_acknowledged_is_reported_as_not_done(self, mqtt_pair: MqttPair) -> None:
        """The sender learns it when the link breaks, not never."""

        async def scenario(pair: MqttPair, near: MqttEar, far: MqttEar) -> None:
            pair.near.publish("contract/late", b"1", qos=1, on_done=near.on_done)
            pair.cut(1.0)
            await near.until(lambda: len(near.done) == 1, 10.0)
            assert near.done == [False]

        self._run(mqtt_pair, scenario)

    def test_a_kept_session_delivers_what_came_while_it_was_away(self, mqtt_pair: MqttPair) -> None:
        """QoS 1 only."""

        async def scenario(pair: MqttPair, near: MqttEar, far: MqttEar) -> None:
            pair.near.subscribe("contract/away")
            await self._settle(pair)
            pair.cut(2.0)
            await near.until(lambda: near.links == [True, False], pair.timeout_s)
            for qos in (0, 1):
                pair.far.publish("contract/away", str(qos).encode(), qos=qos)
            await near.until(lambda: len(near.messages) > 0, 20.0)
            await self._settle(pair)
            assert {payload for _, payload in near.said} >= {b"1"}
            assert b"0" not in {payload for _, payload in near.said}

        self._run(mqtt_pair, scenario, clean=False)

    @pytest.mark.parametrize("way", ["drop", "disconnect"])
    def test_the_will_is_published_after_a_drop_and_not_after_a_farewell(self, mqtt_pair: MqttPair, way: str) -> None:
        """Which is how a power cut is told from an ordered end."""

        async def scenario(pair: MqttPair, near: MqttEar, far: MqttEar) -> None:
            pair.far.subscribe("contract/will")
            await self._settle(pair)
            getattr(pair.near, way)()
            if way == "drop":
                await far.until(lambda: far.said == [("contract/will", b"gone")], pair.will_s)
            else:
                await self._settle(pair)
                assert far.said == []
            assert not pair.near.connected

        self._run(mqtt_pair, scenario, will=Will("contract/will", b"gone", retain=False))

    def test_nothing_is_heard_after_the_end_which_may_come_twice(self, mqtt_pair: MqttPair) -> None:
        """And the end is no loss."""

        async def scenario(pair: MqttPair, near: MqttEar, far: MqttEar) -> None:
            pair.near.subscribe("contract/end")
            await self._settle(pair)
            pair.near.disconnect()
            pair.near.disconnect()
            pair.far.publish("contract/end", b"1", qos=1)
            await self._settle(pair)
            assert near.said == []
            assert near.links == [True]

        self._run(mqtt_pair, scenario)

    def test_what_is_no_topic_filter_or_quality_is_refused(self, mqtt_pair: MqttPair) -> None:
        """The caller's mistake; the link stays."""

        async def scenario(pair: MqttPair, near: MqttEar, far: MqttEar) -> None:
            for topic_filter in BAD_FILTERS:
                with pytest.raises(UsageError):
                    pair.near.subscribe(topic_filter)
            for topic in BAD_TOPICS:
                with pytest.raises(UsageError):
                    pair.near.publish(topic, b"")
            with pytest.raises(UsageError):
                pair.near.publish("contract/qos", b"", qos=2)
            await self._settle(pair)
            assert pair.near.connected

        self._run(mqtt_pair, scenario)
