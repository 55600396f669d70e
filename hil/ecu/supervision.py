"""What the ECU finds wrong around it (lost and damaged messages, implausible values, the supply), for the DTC memory.

Rules of this module: a message that is lost while frames of it still come with a wrong checksum or a standing counter
is damaged, not lost: another code. Nothing is judged with the ignition off, nor in its first seconds.

Not for: what the driver sees of it (`hil.ecu.telltales`, `hil.ecu.warnings`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from hil.ecu.app import App, Platform
from hil.ecu.cluster_app import ClusterApp
from hil.ecu.dtc import BY_CODE, CONFIRMED

_CODES: Final = {
    "ECM_Engine": (0xC10087, 0xC40183),
    "TCM_Gear": (0xC10187, 0xC40283),
    "ESC_Speed": (0xC12187, 0xC41583),
    "SRS_Occupants": (0xC15187, 0xC45283),
    "BCM_PowerMode": (0xC14087, 0xC42283),
    "TPMS_Pressures": (0xC12787, 0),
    "EPS_Assist": (0xC13187, 0),
    "BMS_State": (0xC11187, 0),
    "ADAS_Longitudinal": (0xC10487, 0),
    "TCU_ECall": (0xC19887, 0),
}
"""Message -> code when it is lost, code when it is damaged (0: the same)."""
_IN_PARTIAL_NETWORKS: Final = {"TCU_Status": (0xC19887, 0)}
"""Messages that may stay away while nobody requests their network (of a defect)."""
_TESTED: Final = (0xC40229, 0xC41529, 0xF00316, 0xF00317)
"""Codes that every frame is tested for: implausible gear, implausible speed, supply too low, supply too high."""


class Supervision(App):
    """The tests behind the DTC memory.

    Args:
        platform: what it tests.
        cluster: what the cluster finds implausible.
    """

    name = "supervision"

    def __init__(self, platform: Platform, cluster: ClusterApp) -> None:
        super().__init__(platform)
        self._cluster = cluster
        com = platform.com
        self._codes = _CODES | (_IN_PARTIAL_NETWORKS if "partial_networks_missed" in platform.defects else {})
        self._messages = [message for message in self._codes if com.has(message)]
        for message in self._messages:
            com.watch(message, partial(self._heard, message))
        self._plausible = com.signal("ESC_Speed", "SpeedPlausible")
        self._last: dict[int, bool] = {}
        self._found: tuple[bool, ...] = ()
        self._ignition = False
        platform.dtcs.on_cleared.append(self._again)

    def _again(self) -> None:
        """The codes were cleared: what still fails is stored anew."""
        self._begin_anew()
        for message in self._messages if self._ignition else ():
            self._heard(message)

    def start(self) -> None:
        """What the last life left behind."""
        life = self.platform.life
        if life.reset_reason == "watchdog":
            self._test(0x9A0047, True)
        if life.store_was_torn:
            self._test(0x9A0145, True)

    def stop(self) -> None:
        """All in RAM is gone."""
        self._begin_anew()
        self._ignition = False

    def _begin_anew(self) -> None:
        self._last.clear()
        self._found = ()

    def _heard(self, message: str) -> None:
        slot = self.platform.com.slot(message)
        lost, damaged = self._codes[message]
        is_damaged = bool(damaged) and slot.bad is not None and slot.bad_ns > slot.t_ns
        self._test(lost, slot.is_lost and not is_damaged)
        if damaged:
            self._test(damaged, slot.is_lost and is_damaged)

    def _test(self, code: int, failed: bool) -> None:
        if self._last.get(code) is not failed:
            self._last[code] = failed
            self.platform.dtcs.test(code, failed)

    def tick(self) -> None:
        """One frame."""
        life = self.platform.life
        if life.ignition is not self._ignition:
            self._ignition = life.ignition
            if life.ignition:
                self._begin_anew()
                self.platform.dtcs.begin_cycle()
        if not life.ignition:
            return
        cluster = self._cluster
        found = (
            cluster.gauges.gear_implausible,
            cluster.speed.spikes > 0 or self._plausible.is_(0),
            not life.display_allowed,
            life.is_overvoltage,
        )
        if found != self._found:
            self._found = found
            for code, failed in zip(_TESTED, found, strict=True):
                self._test(code, failed)

    def commands(self) -> dict[str, Callable[[str], str]]:
        """`dtc`: the codes that are stored; `dtc clear` forgets them."""
        return {"dtc": self._dtc}

    def _dtc(self, argument: str) -> str:
        dtcs = self.platform.dtcs
        if argument == "clear":
            dtcs.clear()
            return "dtc: cleared"
        lines = []
        for code, status in dtcs.report(CONFIRMED):
            kind, (count, aging) = BY_CODE[code], dtcs.counters(code) or (0, 0)
            lines.append(f"{kind.name} 0x{code:06X} status 0x{status:02X} count {count} aging {aging} {kind.text}")
        return "\n".join(lines) or "dtc: none"
