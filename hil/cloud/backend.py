"""The update backend of the bench: campaigns over MQTT, bundles on a shelf, what the ECU said of them.

Rules of this module: an offer puts the files of a bundle on the shelf and announces a campaign to one device. What the
device says (states, one terminal report) is kept in order, with stamps. A report is told from its repetition by its
report id: QoS 1 may bring one twice, and that is no second report.

Not for: verdicts; the bench's facade judges.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from hil.cloud.artefacts import Shelf
from hil.cloud.bundle import SIZE, Bundle, Order, make_bundle
from hil.cloud.mqtt import Message, MqttPort
from hil.cloud.topics import SCHEMA, Topics
from hil.errors import UsageError

Consent = Literal["hmi", "auto"]
FIRST_CAMPAIGN: Final = 1


@dataclass(frozen=True, slots=True)
class Said:
    """Something that the device said of a campaign: when, and the fields of the message."""

    t_ns: int
    fields: Mapping[str, Any]


@dataclass(slots=True)
class Campaign:
    """A campaign, and what was heard of it.

    Attributes:
        number: its number, and the version of its metadata.
        bundle: what is offered.
        states: what the device said while it ran.
        reports: terminal reports by report id, in order; repetitions of one are not in here.
        repetitions: how many reports came again.
    """

    number: int
    bundle: Bundle
    states: list[Said] = field(default_factory=list)
    reports: dict[str, Said] = field(default_factory=dict)
    repetitions: int = 0

    @property
    def state(self) -> str:
        """The state that was told last, empty if none was."""
        return str(self.states[-1].fields.get("state", "")) if self.states else ""


class UpdateBackend:
    """The backend for one device.

    Args:
        mqtt: the bench's client.
        shelf: what the artefact server serves.
        device: serial number of the device.
        first: number of the first campaign; a device that lives on from run to run wants it to go on counting.
    """

    def __init__(self, mqtt: MqttPort, shelf: Shelf, device: str, first: int = FIRST_CAMPAIGN) -> None:
        self._mqtt, self.shelf, self.topics = mqtt, shelf, Topics(device)
        self._next = first
        self.campaigns: dict[int, Campaign] = {}
        self.watchers: list[Callable[[Campaign, Said], object]] = []

    def forget(self) -> None:
        """No campaign was offered yet; their numbers go on."""
        self.campaigns.clear()
        self.shelf.forget()

    @property
    def newest(self) -> Campaign:
        """The campaign that was offered last.

        Raises:
            UsageError: none was.
        """
        if not self.campaigns:
            raise UsageError("no update was offered yet", remedy="offer one first.")
        return self.campaigns[max(self.campaigns)]

    def offer(
        self, version: str, *, fault: str = "", consent: Consent = "auto", size: int = 0, release: int | None = None
    ) -> Campaign:
        """Make a bundle, serve it and announce its campaign.

        Args:
            version: of the software in it, `1.1.0`.
            fault: one of `hil.cloud.bundle.FAULTS`.
            consent: `auto` needs none; `hmi` waits for the driver's.
            size: bytes of the image, about; 0 takes 128 KiB.
            release: release counter; by default it goes up with the campaign.

        Raises:
            UsageError: the version or the fault is none.
            BenchError: there is no link to the broker.
        """
        number = self._next
        bundle = make_bundle(Order(version=version, number=number, fault=fault, release=release, size=size or SIZE))
        self._next += 1
        campaign = self.campaigns[number] = Campaign(number, bundle)
        self.shelf.files.update({f"{number}/{path}": data for path, data in bundle.files.items()})
        self.announce(campaign, consent)
        return campaign

    def announce(self, campaign: Campaign, consent: Consent = "auto") -> None:
        """Say that there is a campaign; may be said again, as a backend does after a restart."""
        bundle = campaign.bundle
        self._send("update/campaign", {
            "campaign": campaign.number, "version": bundle.order.version, "size": len(bundle.image),
            "path": f"{campaign.number}/", "consent": consent,
        })  # fmt: skip

    def cancel(self, campaign: Campaign) -> None:
        """Take a campaign back; the device refuses that once it has begun to activate."""
        self._send("update/campaign", {"campaign": campaign.number, "cancel": True})

    def consent(self, campaign: Campaign, accepted: bool) -> None:
        """The owner's answer from a telephone, in place of the driver's on the screen."""
        self._send("update/consent", {"campaign": campaign.number, "accept": accepted})

    def _send(self, leaf: str, fields: Mapping[str, Any]) -> None:
        payload = json.dumps({"schema": SCHEMA, **fields}, sort_keys=True).encode()
        self._mqtt.publish(self.topics.of(leaf), payload, qos=1)

    def on_message(self, message: Message) -> None:
        """Something that the bench's client heard."""
        if message.topic not in (self.topics.of("update/state"), self.topics.of("update/report")):
            return
        fields = parse(message.payload)
        campaign = self.campaigns.get(fields.get("campaign", -1))
        if campaign is None:
            return
        said = Said(message.t_ns, fields)
        if message.topic.endswith("/report"):
            self._report(campaign, said)
        else:
            campaign.states.append(said)
        for watcher in list(self.watchers):
            watcher(campaign, said)

    @staticmethod
    def _report(campaign: Campaign, said: Said) -> None:
        name = str(said.fields.get("report"))
        campaign.repetitions += name in campaign.reports
        campaign.reports.setdefault(name, said)


def parse(payload: bytes) -> dict[str, Any]:
    """The fields of a JSON message; none if it isn't one."""
    try:
        fields = json.loads(payload)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
