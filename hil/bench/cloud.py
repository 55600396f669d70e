"""The cloud side of a bench: brokers, update backends, storage probes; all that is said goes into the journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hil.bench.config import BenchConfig
from hil.bench.ports import Copper
from hil.bench.recorder import Recorder
from hil.bench.watch import Watch
from hil.clock import Clock
from hil.cloud.artefacts import ShelfServer
from hil.cloud.backend import Campaign, Said, UpdateBackend
from hil.cloud.listener import MqttListener
from hil.cloud.mqtt import Message
from hil.cloud.mqtt_sim import Broker
from hil.cloud.storage import StoragePort

_LONGEST_PAYLOAD = 4096
_KEPT = ("campaign", "state", "progress", "condition", "slot", "result", "version")


class Cloud:
    """What a bench has of the cloud.

    Args:
        clock: the bench's clock.
        config: its bench file.
        recorder: the way to the journal.
        port: makes a port of a section.
        copper: the simulated ends.
    """

    def __init__(
        self, clock: Clock, config: BenchConfig, recorder: Recorder, port: Callable[..., Any], copper: Copper
    ) -> None:
        self._clock, self._recorder, self._copper = clock, recorder, copper
        self.mqtt: dict[str, MqttListener] = {}
        for name, section in config.mqtt.items():
            client = port(f"mqtt.{name}", "mqtt", name, section.port, section.options)
            self.mqtt[name] = MqttListener(clock, client, section.watch, self._heard(name), recorder.lost)
        self.servers: dict[str, ShelfServer] = {}
        self.updates: dict[str, UpdateBackend] = {}
        self.broker_of: dict[str, str] = {}
        for name, update in config.update.items():
            server: ShelfServer = port(f"update.{name}", "update", name, update.port, update.options)
            self.servers[name], self.broker_of[name] = server, update.mqtt
            listener = self.mqtt[update.mqtt]
            backend = UpdateBackend(listener.port, server.shelf, update.device, update.first_campaign)
            backend.watchers.append(self._said(name))
            listener.listeners.append(backend.on_message)
            self.updates[name] = backend
        self.storages: dict[str, StoragePort] = {
            name: port(f"storage.{name}", "storage", name, section.port, section.options)
            for name, section in config.storage.items()
        }
        self.images: dict[tuple[str, str], bytes] = {}

    def _heard(self, name: str) -> Callable[[Message], None]:
        def heard(message: Message) -> None:
            self.note(name, "rx", message)

        return heard

    def note(self, name: str, direction: str, message: Message) -> None:
        """Write a message down."""
        fields = {
            "direction": direction, "topic": message.topic, "qos": message.qos, "retain": message.retain,
            "payload": message.payload[:_LONGEST_PAYLOAD].decode(errors="replace"), "duplicate": message.duplicate,
        }  # fmt: skip
        self._recorder.record("mqtt", fields, name=name, t_ns=message.t_ns)

    def _said(self, name: str) -> Callable[[Campaign, Said], None]:
        def said(campaign: Campaign, what: Said) -> None:
            kept = {key: what.fields[key] for key in _KEPT if key in what.fields}
            event = "report" if "report" in what.fields else "state"
            detail = {"detail": str(what.fields["why"])} if what.fields.get("why") else {}
            self._recorder.record("update", {"event": event, **kept, **detail}, name=name, t_ns=what.t_ns)

        return said

    def on_activation(self, watch: Watch) -> None:
        """A device that activates an update restarts: meanwhile its messages are not expected."""
        activating: set[int] = set()

        def said(campaign: Campaign, what: Said) -> None:
            if what.fields.get("state") == "activating":
                activating.add(campaign.number)
                watch.pause("update")
            elif campaign.number in activating:
                activating.discard(campaign.number)
                watch.expect("update")

        for backend in self.updates.values():
            backend.watchers.append(said)

    def broker(self, name: str) -> Broker | None:
        """The simulated broker behind a section; None where it is a real one."""
        return self._copper.brokers.get(name)

    def forget(self) -> None:
        """Begin a case: what was said, offered and remembered before it is none of its business."""
        for listener in self.mqtt.values():
            listener.forget()
        for backend in self.updates.values():
            backend.forget()
        self.images.clear()

    @property
    def ports(self) -> list[Any]:
        """All that is to be closed."""
        return [*self.mqtt.values(), *self.servers.values(), *self.storages.values()]

    async def open(self) -> None:
        """Connect to the brokers and begin to serve.

        Raises:
            BenchError: something can't be reached.
        """
        for server in self.servers.values():
            await server.open()
        for listener in self.mqtt.values():
            await listener.open()
