"""Keywords for MQTT, telematics and the device's storage."""

from __future__ import annotations

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Deadline, Duration, Truth


class CloudKeywords(KeywordGroup):
    """MQTT, telematics, storage."""

    @keyword(tags=["cloud"])
    def publish_message(self, topic: str, payload: str, qos: int = 1, retain: Truth = Truth.no, mqtt: str = "") -> None:
        """Publishes a message, as a backend would.

        | Publish Message    cockpit/VC000001/command    {"schema": 1, "request": "r1", "command": "lock"} |
        """
        self.bench.mqtt(mqtt).publish(topic, payload, qos=qos, retain=bool(retain))

    @keyword(tags=["cloud", "check"])
    def message_should_arrive(
        self, topic: str, within: Deadline = Deadline(5), mqtt: str = "", **where: str
    ) -> dict[str, object]:
        """Checks that a message comes, from where the last search ended; gives its fields.

        ``topic`` may have wildcards. Further named arguments say what must be in it: ``speed=72.5``, ``speed=> 5``,
        ``position=absent``, ``position.latitude=present``.
        """
        return self.bench.mqtt(mqtt).should_receive(topic, within=float(within), where=where)

    @keyword(tags=["cloud", "check"])
    def message_should_not_arrive(self, topic: str, during: Duration, mqtt: str = "", **where: str) -> None:
        """Checks that no such message comes for a while from now."""
        self.bench.mqtt(mqtt).should_not_receive(topic, during=float(during), where=where)

    @keyword(tags=["cloud", "check"])
    def telemetry_should_arrive(
        self, within: Deadline = Deadline(15), mqtt: str = "", **where: str
    ) -> dict[str, object]:
        """Checks that periodic telemetry comes that says what is wanted; gives its fields.

        | Telemetry Should Arrive    speed=72.5    fuel=> 40    within=15 s |
        """
        return self.bench.mqtt(mqtt).should_receive("cockpit/+/telemetry", within=float(within), where=where)

    @keyword(tags=["cloud"])
    def cut_mqtt_link(self, duration: Duration, mqtt: str = "") -> None:
        """Breaks the link of the ECU to the broker for a while; on a real broker the case is not run."""
        self.bench.mqtt(mqtt).cut_link(float(duration))

    @keyword(tags=["cloud"])
    def duplicate_next_message(self, topic: str, count: int = 1, mqtt: str = "") -> None:
        """Has the broker deliver the next QoS 1 messages of a topic twice; on a real broker the case is not run."""
        self.bench.mqtt(mqtt).duplicate_next(topic, count)

    @keyword(tags=["storage"])
    def remember_storage(self, part: str, storage: str = "") -> None:
        """Keeps a part of the device's flash as it is now: ``slot A``, ``slot B``, ``boot environment``, ``whole``."""
        self.bench.storage(storage).remember(part)

    @keyword(tags=["storage", "check"])
    def storage_should_be_unchanged(self, part: str, storage: str = "") -> None:
        """Checks that a part is byte for byte as `Remember Storage` found it."""
        self.bench.storage(storage).should_be_unchanged(part)
