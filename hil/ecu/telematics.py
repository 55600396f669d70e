"""Telematics: what the car tells its owner's backend, and what the owner may ask of the car.

Rules of this module: a message waits in a bounded queue until the backend has acknowledged it; when the queue is full
the oldest is dropped and counted. Sequence numbers rise for ever, with gaps after a power cut. A command is done once,
however often it arrives, and every arrival is answered; what was answered is in flash by then. In privacy mode no
position leaves the car.

Not for: the link (`hil.ecu.uplink`) and updates.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from hil.ecu.app import App, Platform
from hil.ecu.dtc import CONFIRMED
from hil.ecu.uplink import Uplink
from hil.ecu.vin import vin
from hil.ecu.wall_time import WallTime

PERIOD_S: Final = 10
LONGEST_QUEUE: Final = 60
_S: Final = 1_000_000_000
_LOOK_NS: Final = _S // 2
_PULSE_NS: Final = 3 * _S // 10
_EFFECT_NS: Final = 5 * _S
_REMEMBERED: Final = 32
_SEQUENCE_BLOCK: Final = 1000
_LOCK: Final = {"lock": 1, "unlock": 2}
_LOCKED: Final = {"lock": (1, 2), "unlock": (0,)}


class Telematics(App):
    """Telemetry and remote commands.

    Args:
        platform: what it stands on.
        uplink: the way to the backend.
    """

    name = "telematics"

    def __init__(self, platform: Platform, uplink: Uplink) -> None:
        super().__init__(platform)
        self._uplink, self._time = uplink, WallTime(platform)
        self._queue: deque[tuple[str, dict[str, Any]]] = deque()
        self._sending = False
        self._dropped = self._sequence = 0
        self._told: dict[str, Any] = {}
        self._pending: dict[str, Callable[[], bool]] = {}
        self._asleep, self._for_later = False, list[dict[str, Any]]()
        uplink.on("command", self._on_command)
        uplink.watch(self._on_link)

    # Life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to tell."""
        if not self.platform.cloud.fitted:
            return
        store = self.platform.store
        self._sequence = store.get("telematics.sequence", 0)
        store.put("telematics.sequence", self._sequence + _SEQUENCE_BLOCK)
        store.flush()
        self.platform.com.write("CLU_Profile", PrivacyMode=store.get("privacy", 0))
        self._told = {}
        self.platform.later(_LOOK_NS, self._look, None)
        if "sequence_begins_anew" in self.platform.defects:
            self._sequence = 0
        self.platform.later(PERIOD_S * _S, self._period, None)

    def stop(self) -> None:
        """The power went: what was not sent is lost."""
        self._queue.clear()
        self._pending.clear()
        self._for_later.clear()
        self._sending, self._asleep, self._dropped = False, False, 0

    def sleep(self) -> None:
        """What is under way will not be acknowledged any more."""
        self._sending, self._asleep = False, True

    def wake(self) -> None:
        """Do what was asked while the buses fell silent."""
        self._asleep, asked, self._for_later = False, self._for_later, []
        for fields in asked:
            self._on_command(fields)

    # Telemetry ----------------------------------------------------------------------------------------------------

    def _period(self, _: object) -> None:
        if self.platform.life.ignition:
            self._tell("telemetry", {"reason": "period"})
        longer = 1.1 if "telemetry_drifts" in self.platform.defects else 1
        self.platform.later(round(PERIOD_S * longer * _S), self._period, None)

    def _look(self, _: object) -> None:
        """Whether something happened that is told at once."""
        now = {"ignition": self.platform.life.ignition, "warnings": self._warnings(), "dtc_count": self._dtc_count()}
        for what, value in now.items():
            if self._told and "events_untold" not in self.platform.defects and value != self._told[what]:
                self._tell("event", {"reason": what})
        self._told = now
        self.platform.later(_LOOK_NS, self._look, None)

    def _tell(self, leaf: str, fields: dict[str, Any]) -> None:
        self._sequence += 1
        said = {**fields, **self._snapshot(), "seq": self._sequence}
        if leaf == "event" and "privacy_forgotten_in_events" in self.platform.defects:
            said["position"] = self._position()
        if "telemetry_lost_offline" not in self.platform.defects or self._uplink.connected:
            self._queue_up(leaf, said)

    def _queue_up(self, leaf: str, said: dict[str, Any]) -> None:
        if len(self._queue) >= LONGEST_QUEUE:
            self._queue.popleft()
            self._dropped += "drops_uncounted" not in self.platform.defects
        self._queue.append((leaf, said))
        self._send()

    def _snapshot(self) -> dict[str, Any]:
        privacy = bool(self.platform.com.written("CLU_Profile", "PrivacyMode") == 1)
        seen: dict[str, Any] = {
            "vin": vin(self.platform),
            "time": self._time.now().isoformat(timespec="milliseconds"),
            "ignition": self.platform.life.ignition,
            "speed": self._value("ESC_Speed", "VehicleSpeed", 0.01, 0xFFFF),
            "odometer": self._odometer(),
            "fuel": self._value("ECM_Fuel", "FuelLevel", 0.4, 255),
            "charge": self._value("BMS_State", "StateOfCharge", 0.1, 1023),
            "warnings": self._warnings(),
            "dtc_count": self._dtc_count(),
            "privacy": privacy,
        }
        if not privacy:
            seen["position"] = self._position()
        return seen

    def _value(self, message: str, signal: str, factor: float, unknown: int) -> float | None:
        raw = self.platform.com.raw(message, signal)
        if raw == unknown and self._invents:
            return 0.0
        return None if raw is None or raw == unknown else round(raw * factor, 2)

    @property
    def _invents(self) -> bool:
        """What the car doesn't know is told as zero (a defect)."""
        return "telemetry_invents_zero" in self.platform.defects

    def _position(self) -> dict[str, float] | None:
        com = self.platform.com
        latitude, longitude = com.raw("TCU_Position", "Latitude"), com.raw("TCU_Position", "Longitude")
        if latitude is None or longitude is None or min(latitude, longitude) == -(1 << 31):
            return {"latitude": 0.0, "longitude": 0.0} if self._invents else None
        return {"latitude": round(latitude * 1e-7, 5), "longitude": round(longitude * 1e-7, 5)}

    def _odometer(self) -> float | None:
        raw = self.platform.com.written("CLU_Odometer", "Odometer")
        return None if raw is None else round(raw * 0.1, 1)

    def _warnings(self) -> int:
        return int(self.platform.com.written("CLU_Warnings", "WarningsActive") or 0)

    def _dtc_count(self) -> int:
        return len(self.platform.dtcs.report(CONFIRMED))

    def _on_link(self, up: bool) -> None:
        self._sending = False
        if up:
            self._send()

    def _send(self) -> None:
        """One at a time, the oldest first; it leaves the queue once it is acknowledged."""
        if self._sending or not self._queue:
            return
        leaf, said = self._queue[0]
        counts = {"dropped": self._dropped, "queued": len(self._queue) - 1}
        waiting = {} if leaf == "answer" else counts
        self._sending = self._uplink.send(leaf, said | waiting, on_done=lambda ok: self._sent(said, ok))

    def _sent(self, said: dict[str, Any], ok: bool) -> None:
        self._sending = False
        if ok:
            if self._queue and self._queue[0][1] is said:
                self._queue.popleft()
            self._send()

    # Remote commands ----------------------------------------------------------------------------------------------

    def _on_command(self, fields: dict[str, Any]) -> None:
        request = str(fields.get("request", ""))
        if not request or len(request) > 64:
            self.platform.say("telematics: a command without a request id was ignored")
            return
        if self._asleep:
            self._for_later.append(fields)
            return
        answers: dict[str, dict[str, Any]] = self.platform.store.get("telematics.answers", {})
        if "command_executed_twice" in self.platform.defects:
            answers = {}
        if request in answers:
            self._queue_up("answer", answers[request] | {"repeated": True})
        elif request not in self._pending:
            self._execute(request, fields)

    def _execute(self, request: str, fields: dict[str, Any]) -> None:
        command = str(fields.get("command", ""))
        if command in _LOCK:
            self._lock(request, command)
        elif command in ("climate_on", "climate_off"):
            self._climate(request, command, fields.get("temperature", 21))
        else:
            self._answer(request, "refused", f"no command '{command[:32]}'")

    def _lock(self, request: str, command: str) -> None:
        com = self.platform.com
        moves = (com.raw("ESC_Speed", "VehicleSpeed") or 0) > 0
        if moves and "locks_while_driving" not in self.platform.defects:
            self._answer(request, "refused", "the car is moving")
            return
        com.write("CLU_BodyCommand", LockRequest=_LOCK[command])
        self.platform.later(_PULSE_NS, lambda _: com.write("CLU_BodyCommand", LockRequest=0), None)
        self._await(request, lambda: com.raw("BCM_Locks", "CentralLock") in _LOCKED[command])

    def _climate(self, request: str, command: str, temperature: object) -> None:
        com, on = self.platform.com, command == "climate_on"
        unlimited = "command_limits_unchecked" in self.platform.defects
        if not isinstance(temperature, int | float) or not (unlimited or 15 <= temperature <= 29):
            self._answer(request, "refused", "temperature: 15 to 29 degC")
            return
        raw = min(round((temperature - 14) / 0.5), 62)
        com.write("CLU_ClimateRequest", ClimateAutoRequest=int(on), SetTemperatureLeftRequest=raw)
        self._await(request, lambda: com.raw("HVAC_Status", "ClimateAuto") == int(on))

    def _await(self, request: str, effect: Callable[[], bool]) -> None:
        """Answer once the car shows the effect, or has not for too long."""
        self._pending[request] = effect
        deadline_ns = self.platform.clock.now_ns + _EFFECT_NS
        self.platform.later(_PULSE_NS, self._check_effect, (request, deadline_ns))

    def _check_effect(self, what: tuple[str, int]) -> None:
        request, deadline_ns = what
        effect = self._pending.get(request)
        if effect is None:
            return
        if effect() or "command_done_unseen" in self.platform.defects:
            self._answer(request, "done", "")
        elif self.platform.clock.now_ns >= deadline_ns:
            self._answer(request, "failed", "the car did not follow")
        else:
            self.platform.later(_PULSE_NS, self._check_effect, what)

    def _answer(self, request: str, result: str, why: str) -> None:
        self._pending.pop(request, None)
        answer = {"request": request, "result": result, "why": why, "repeated": False}
        answers = dict(self.platform.store.get("telematics.answers", {}))
        answers[request] = answer
        while len(answers) > _REMEMBERED:
            answers.pop(next(iter(answers)))
        self.platform.store.put("telematics.answers", answers)
        self.platform.store.flush(lambda: self._queue_up("answer", answer))  # said once a power cut can't unsay it

    # Console ------------------------------------------------------------------------------------------------------

    def commands(self) -> dict[str, Callable[[str], str]]:
        """`telematics`: state of the link and the queue; `privacy on|off`: whether the position leaves the car."""
        return {"telematics": self._status, "privacy": self._privacy}

    def _status(self, _: str) -> str:
        link = "connected" if self._uplink.connected else "offline"
        return f"telematics: {link}, {len(self._queue)} waiting, {self._dropped} dropped"

    def _privacy(self, argument: str) -> str:
        if argument not in ("on", "off"):
            return "privacy: on or off"
        self.platform.store.put("privacy", int(argument == "on"))
        self.platform.store.flush()
        self.platform.com.write("CLU_Profile", PrivacyMode=int(argument == "on"))
        return f"privacy {argument}"
