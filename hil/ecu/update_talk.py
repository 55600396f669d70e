"""How the updater speaks: states and reports over MQTT, CLU_Ota on the bus, the view on the desk."""

from __future__ import annotations

from hil.cloud.mqtt import OnDone
from hil.ecu.app import Platform
from hil.ecu.desk import UpdateView
from hil.ecu.update_notes import Notes
from hil.ecu.updater_table import CONDITIONS, ON_BUS, RESULTS, State
from hil.ecu.uplink import SERIAL, Uplink

_NONE_YET = 255
_NO_CAMPAIGN = 0xFFFFFF


class UpdateTalk:
    """The updater's mouth.

    Attributes:
        consent: `CLU_Ota.OtaConsent` of the running campaign.
    """

    def __init__(self, platform: Platform, uplink: Uplink) -> None:
        self._platform, self._uplink = platform, uplink
        self.consent = 0

    def show(self, view: UpdateView, slot: str, *, again: bool = False) -> None:
        """Say where the campaign is, to the driver, the bus and the backend; `again`: though nothing changed."""
        state = State(view.state)
        if state in (State.IDLE, State.OFFERED) and self.consent == 1:
            self.consent = 0
        self._to_bus(view, state, slot)
        changed, self._platform.cloud.update = view != self._platform.cloud.update, view
        if view.campaign and (changed or again):
            fields = {"campaign": view.campaign, "state": view.state, "progress": view.progress, "slot": slot}
            self._uplink.send("update/state", fields | {"condition": view.condition})

    def _to_bus(self, view: UpdateView, state: State, slot: str) -> None:
        self._platform.com.write(
            "CLU_Ota",
            OtaState=ON_BUS[state],
            OtaActiveSlot=int(slot == "B"),
            OtaConsent=self.consent,
            OtaProgress=2 * view.progress if view.campaign else _NONE_YET,
            OtaResult=RESULTS.get(view.result, 15),
            OtaCondition=CONDITIONS[view.condition],
            OtaCampaignShown=view.campaign or _NO_CAMPAIGN,
        )

    def report(self, notes: Notes, on_done: OnDone) -> None:
        """Say how a campaign ended. Sent again under the same id until it is acknowledged."""
        name = f"{SERIAL}-{notes.campaign}"
        fields = {
            "campaign": notes.campaign, "state": notes.state.value, "result": notes.result, "why": notes.why,
            "version": self._platform.life.software, "report": name,
        }  # fmt: skip
        self._uplink.send("update/report", fields, on_done=on_done)
        if "update_reported_twice" in self._platform.defects:
            self._uplink.send("update/report", fields | {"report": f"{name}-{self._platform.clock.now_ns}"})
