"""The A/B updater: from an offer over MQTT to new software that has proved itself, or back to the old.

Rules of this module: what happens follows from the table (`hil.ecu.updater_table`) and from the notes in flash; RAM
holds nothing that a power cut may not take. Every step writes, flushes, then notes. The active slot is never written;
what comes into the other one was checked by signature, hash and length before, and is read back after. A campaign ends
with one report, kept until the backend has acknowledged it. Installing and activating wait for a parked car.

Not for: choosing the slot at the start (`hil.ecu.slots.boot_select`), and what is trusted (`hil.ecu.trust`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from hil.cloud.artefacts import Failure, Part
from hil.ecu import trust
from hil.ecu.app import App, Platform
from hil.ecu.desk import UpdateView
from hil.ecu.flash import SECTOR
from hil.ecu.slots import ATTEMPTS, HEADER_BYTES, SLOT_BYTES, Environment, Slots, offset_of, other, parse_header
from hil.ecu.update_notes import Notes
from hil.ecu.update_talk import UpdateTalk
from hil.ecu.updater_table import BUSY, CANCELLABLE, TERMINAL, Event, State, next_state
from hil.ecu.uplink import Uplink
from hil.ecu.wall_time import WallTime

HARDWARE: Final = "B1"
LEAST_V: Final = 11.5
"""Below this battery voltage nothing is installed or activated."""
_MS: Final = 1_000_000
_SECTOR_NS: Final = 12 * _MS
_PART_SECTORS: Final = 4
_NOTE_SECTORS: Final = 8
_RETRY_S: Final = (1, 2, 4, 8, 16, 16, 16, 16)
_WAIT_NS: Final = 500 * _MS
_FLIP_NS: Final = 400 * _MS
_HEALTH_NS: Final = 2_000 * _MS
_SILENT_CHECKS: Final = 5


class Updater(App):
    """The updater.

    Args:
        platform: what it stands on.
        uplink: the way to the backend.
    """

    name = "updater"

    def __init__(self, platform: Platform, uplink: Uplink) -> None:
        super().__init__(platform)
        self._uplink, self._time = uplink, WallTime(platform)
        self._slots = Slots(platform.wires.flash)
        self._talk = UpdateTalk(platform, uplink)
        self._notes = Notes()
        self._token = 0
        self._progress, self._condition = 0, ""
        self._files: dict[str, bytes] = {}
        self._failures = self._checks = 0
        uplink.on("update/campaign", self._on_campaign)
        uplink.on("update/consent", self._on_consent)
        uplink.watch(self._on_link)
        platform.cloud.accept, platform.cloud.postpone = self.accept, self.postpone
        self._work: dict[State, Callable[[], None]] = {
            State.OFFERED: self._ask,
            State.CONSENTED: self._fetch_metadata,
            State.DOWNLOADING: self._download,
            State.VERIFYING: self._verify,
            State.INSTALLING: self._install,
            State.READY: self._wait_to_activate,
            State.ACTIVATING: self._after_the_flip,
        }

    # Life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Go on where the notes say that it stopped."""
        self._token += 1
        self._notes = Notes.load(self._slots)
        if self.platform.life.reset_reason == "power" and "update_forgotten_on_power_cut" in self.platform.defects:
            self._notes = Notes()
        self._progress, self._condition, self._checks = 0, "", 0
        self._forget_old_fallback()
        self._go_on()

    def _forget_old_fallback(self) -> None:
        """A power cut may have come between the end of a campaign and the boot loader's mark of it."""
        environment = self._slots.environment
        if environment is not None and environment.fell_back and self._notes.state is not State.ACTIVATING:
            self._slots.set_environment(replace(environment, fell_back=""))

    def stop(self) -> None:
        """The power went: what was not flushed is lost."""
        self._token += 1
        self._files = {}
        if self.platform.wires.artefacts is not None:
            self.platform.wires.artefacts.stop()
        self.platform.wires.flash.power_lost()

    def sleep(self) -> None:
        """Pause."""
        self._token += 1
        if self.platform.wires.artefacts is not None:
            self.platform.wires.artefacts.stop()

    def wake(self) -> None:
        """Go on."""
        self._token += 1
        self._go_on()

    def _go_on(self) -> None:
        self._failures = 0
        self.platform.keep_awake("update", self._notes.state is State.ACTIVATING)
        self._show()
        work = self._work.get(self._notes.state)
        if work is not None:
            work()

    def _later(self, delay_ns: int, step: Callable[[], None]) -> None:
        """Do something later, unless another life or another step has begun by then."""
        token = self._token
        self.platform.later(delay_ns, lambda _: step() if token == self._token else None, None)

    def _move(self, event: Event, *, result: str = "", why: str = "") -> None:
        """One step through the table: note it, say it, begin what comes next."""
        notes = self._notes
        if result in trust.REASONS and "update_reason_lost" in self.platform.defects:
            result = trust.REASONS[0]
        notes.state, notes.done = next_state(notes.state, event), 0
        if notes.state in TERMINAL:
            notes.result, notes.why, notes.reported = result, why, False
            notes.finished.append(notes.campaign)
        notes.save(self._slots)
        self._token += 1
        self._progress, self._condition = 0, ""
        ended = f": {result}{f' ({why})' if why else ''}" if notes.state in TERMINAL else ""
        self.platform.say(f"updater: campaign {notes.campaign} {notes.state}{ended}")
        self._go_on()
        if notes.state in TERMINAL:
            self._report()

    # Offer and consent --------------------------------------------------------------------------------------------

    def _on_campaign(self, fields: dict[str, Any]) -> None:
        number = fields.get("campaign")
        if not isinstance(number, int) or not 0 < number < 0xFFFFFF:
            return
        if fields.get("cancel"):
            self._cancel(number)
        elif number == self._notes.campaign:
            self._show(again=True)  # said twice, or said again after a restart of the backend
        elif number not in self._notes.finished and self._notes.state in (State.IDLE, *TERMINAL):
            self._offered(number, fields)

    def _offered(self, number: int, fields: dict[str, Any]) -> None:
        if not self._notes.reported:
            self._later(_WAIT_NS, lambda: self._on_campaign(fields))
            return
        old = self._notes
        self._notes = Notes(
            state=old.state, campaign=number, version=str(fields.get("version", "")), size=int(fields.get("size", 0)),
            path=str(fields.get("path", "")), consent=str(fields.get("consent", "hmi")),
            target=other(self._running_slot), finished=old.finished, versions=old.versions,
        )  # fmt: skip
        self._move(Event.OFFER)

    def _ask(self) -> None:
        if self._notes.consent == "auto" or "update_without_consent" in self.platform.defects:
            self._later(_MS, self.accept)

    @property
    def _running_slot(self) -> str:
        boot = self.platform.life.boot
        return boot.slot if boot is not None else "A"

    def _on_consent(self, fields: dict[str, Any]) -> None:
        if fields.get("campaign") == self._notes.campaign:
            (self.accept if fields.get("accept") is True else self.postpone)()

    def accept(self) -> None:
        """The driver, or the owner, wants it."""
        if self._notes.state is State.OFFERED:
            self._talk.consent = 1
            self._move(Event.ACCEPT)

    def postpone(self) -> None:
        """Not now; the offer stands."""
        if self._notes.state is State.OFFERED:
            self._talk.consent = 2
            self._show()

    def _cancel(self, number: int) -> None:
        if number == self._notes.campaign and self._notes.state in CANCELLABLE:
            self._move(Event.CANCEL, result="Cancelled", why="by the backend")
        elif number == self._notes.campaign:
            self._show(again=True)

    # Metadata and image -------------------------------------------------------------------------------------------

    def _fetch_metadata(self) -> None:
        missing = [role for role in trust.FILES if role not in self._files]
        if not missing:
            self._check_metadata()
            return
        role = missing[0]
        self._fetch(f"{role}.json", 0, trust.FILES[role], lambda part: self._keep(role, part))

    def _keep(self, role: str, part: Part) -> None:
        self._files[role] = part.data
        self._fetch_metadata()

    def _fetch(self, name: str, offset: int, length: int, take: Callable[[Part], None]) -> None:
        token, port = self._token, self.platform.wires.artefacts
        if port is None:
            self._move(Event.REJECTED, result="Unreachable", why="no artefact server")
            return

        def answered(answer: Part | Failure) -> None:
            if token != self._token:
                return
            if isinstance(answer, Part) and answer.offset == offset and 0 < len(answer.data) <= length:
                self._failures = 0
                take(answer)
            else:
                self._again(answer.why if isinstance(answer, Failure) else "not the part that was asked for")

        port.fetch(self._notes.path + name, offset, length, answered)

    def _again(self, why: str) -> None:
        """Try again after a while, but not for ever."""
        if self._failures >= len(_RETRY_S) or "download_gives_up" in self.platform.defects:
            self._move(Event.REJECTED, result="Unreachable", why=why)
            return
        self.platform.say(f"updater: {why}, try again in {_RETRY_S[self._failures]} s")
        self._later(_RETRY_S[self._failures] * 1_000 * _MS, self._work[self._notes.state])
        self._failures += 1

    def _check_metadata(self) -> None:
        files, self._files = self._files, {}
        boot, environment = self.platform.life.boot, self._slots.environment or Environment()
        counter = max(boot.image.release if boot is not None else 0, environment.release)
        device = trust.Device(HARDWARE, counter, SLOT_BYTES, self._notes.versions)
        defects = self.platform.defects
        try:
            signed = "update_signature_unchecked" not in defects
            release = trust.check_bundle(
                files, device, self._time.now(), signatures=signed, expiries="update_expiry_ignored" not in defects,
                chain="update_mix_accepted" not in defects,
            )  # fmt: skip
            if "update_rollback_accepted" not in defects:
                trust.check_release_counter(release, device)
        except trust.RefusedError as error:
            self._move(Event.REJECTED, result=error.result, why=error.why)
            return
        self._notes.image = {
            "path": release.path, "length": release.length, "sha256": release.sha256, "release": release.release,
        }  # fmt: skip
        self._notes.versions = release.versions
        self._move(Event.TRUSTED)

    def _download(self) -> None:
        length, offset = self._notes.image["length"], self._notes.done * SECTOR
        if offset >= length:
            self._move(Event.DOWNLOADED)
            return
        size = min(_PART_SECTORS * SECTOR, length - offset)
        self._fetch(self._notes.image["path"], offset, size, self._store_part)

    def _store_part(self, part: Part) -> None:
        """Whole sectors only, unless it is the last: a part that was cut short is asked for again from there."""
        if part.total != self._notes.image["length"]:
            self._again(f"the server has {part.total} bytes, not as many as were signed")
            return
        whole = part.offset + len(part.data) >= part.total
        data = part.data if whole else part.data[: len(part.data) // SECTOR * SECTOR]
        if not data:
            self._again("the answer was cut short")
            return
        asked = min(_PART_SECTORS * SECTOR, part.total - part.offset)
        came = asked if "download_counts_asked" in self.platform.defects else len(data)
        count = -(-came // SECTOR)
        self._put("staging", self._notes.done, data)
        self._later(count * _SECTOR_NS // 2, lambda: self._stored(count, self._download))

    def _put(self, area: str, sector: int, data: bytes) -> None:
        """Write into an area from one of its sectors on, erasing first."""
        flash, first = self._slots.flash, offset_of(area) // SECTOR + sector
        for index in range(0, len(data), SECTOR):
            flash.erase(first + index // SECTOR)
            flash.write(first * SECTOR + index, data[index : index + SECTOR])

    def _stored(self, count: int, go_on: Callable[[], None]) -> None:
        """Flush; note it every now and then, so that a power cut costs little."""
        self._slots.flash.flush()
        notes, before = self._notes, self._notes.done
        notes.done += count
        if notes.done // _NOTE_SECTORS > before // _NOTE_SECTORS:
            notes.save(self._slots)
        self._set_progress(min(100, 100 * notes.done * SECTOR // notes.image["length"]))
        go_on()

    def _verify(self) -> None:
        self._later(50 * _MS, self._verified)

    def _verified(self) -> None:
        image = self._notes.image
        data = self._slots.flash.read(offset_of("staging"), image["length"])
        header = parse_header(data[:HEADER_BYTES])
        if hashlib.sha256(data).hexdigest() != image["sha256"]:
            self._move(Event.REJECTED, result="BadHash", why="the image is not the one that was signed")
        elif header is None or header.length != len(data):
            self._move(Event.REJECTED, result="BadHash", why="the image has no header")
        elif header.hardware != HARDWARE or header.release != image["release"]:
            self._move(Event.REJECTED, result="WrongDevice", why="header and metadata differ")
        else:
            self._move(Event.VERIFIED)

    # Installation -------------------------------------------------------------------------------------------------

    def _install(self) -> None:
        notes, length = self._notes, self._notes.image["length"]
        start = notes.done * SECTOR
        if self._must_wait(self._install):
            return
        if start >= length:
            self._check_installed()
            return
        size = min(SECTOR, length - start)
        self._put(notes.target, notes.done, self._slots.flash.read(offset_of("staging") + start, size))
        self._later(_SECTOR_NS, lambda: self._stored(1, self._install))

    def _check_installed(self) -> None:
        image = self._slots.image(self._notes.target)
        if image is None or image.release != self._notes.image["release"]:
            self._move(Event.REJECTED, result="BadHash", why="read back from the slot it is not the same")
        else:
            self._move(Event.INSTALLED)

    def _must_wait(self, then: Callable[[], None]) -> bool:
        """Whether the car is in no state for it; if so it is looked at again."""
        condition = self._missing_condition()
        if condition != self._condition:
            self._condition = condition
            self._show()
        if condition:
            self._later(_WAIT_NS, then)
        return bool(condition)

    def _missing_condition(self) -> str:
        com, life = self.platform.com, self.platform.life
        if "update_while_driving" in self.platform.defects:
            return ""
        if not life.ignition:
            return "IgnitionOff"
        if com.raw("ESC_Speed", "VehicleSpeed") != 0 or com.raw("TCM_Gear", "Gear") != 0:
            return "NotParked"
        voltage = com.raw("BCM_Battery", "BatteryVoltage")
        if self.platform.wires.power.voltage_V < LEAST_V or (voltage is not None and voltage < 1000 * LEAST_V):
            return "BatteryLow"
        return "Ecall" if com.raw("TCU_ECall", "ECallState") in (1, 2, 3, 4, 5) else ""

    def _wait_to_activate(self) -> None:
        if not self._must_wait(self._wait_to_activate):
            self._move(Event.ACTIVATE)

    # Activation ---------------------------------------------------------------------------------------------------

    def _after_the_flip(self) -> None:
        """Also where every start leads while a campaign is activating: what the boot loader did tells the rest."""
        environment, boot = self._slots.environment or Environment(), self.platform.life.boot
        target = self._notes.target
        if boot is None or target not in (boot.slot, environment.fell_back):
            started_new = target in (environment.trial, environment.active)
            self._later(100 * _MS, self._flip if not started_new else self._reboot)
        elif environment.fell_back == target:
            self._gave_up(environment)
        elif boot.trial:
            self._later(_HEALTH_NS, self._check_health)
        else:
            self._move(Event.HEALTHY, result="Success")

    def _flip(self) -> None:
        """Erase the older copy of the boot environment, then write the new one into it."""
        if self._missing_condition():
            self._move(Event.NOT_FLIPPED)
            return
        self.platform.say(f"updater: switching to slot {self._notes.target}")
        self._slots.prepare_environment(in_place="update_bricks_on_power_cut" in self.platform.defects)
        self._set_progress(50)
        self._later(_FLIP_NS, self._flipped)

    def _flipped(self) -> None:
        environment = self._slots.environment or Environment()
        release = self._notes.image["release"]
        if "update_commits_unchecked" in self.platform.defects:
            changed = Environment(active=self._notes.target, release=release)
        else:
            changed = replace(environment, trial=self._notes.target, tries=ATTEMPTS, fell_back="")
        self._slots.set_environment(changed)
        self._set_progress(100)
        self._later(100 * _MS, self._reboot)

    def _reboot(self) -> None:
        self.platform.reboot("update")

    def _check_health(self) -> None:
        """The self-test of the new software, once it has heard the car, or has waited long enough for it."""
        boot = self.platform.life.boot
        self._checks += 1
        heard = self.platform.com.raw("BCM_PowerMode", "PowerMode") is not None
        if not heard and self._checks < _SILENT_CHECKS:
            self._later(_HEALTH_NS, self._check_health)
        elif boot is None or boot.image.program != "ok":
            self.platform.say("updater: self-test failed")
            self._reboot()
        else:
            self._slots.set_environment(Environment(active=boot.slot, release=boot.image.release))
            self._move(Event.HEALTHY, result="Success")

    def _gave_up(self, environment: Environment) -> None:
        self._move(Event.FELL_BACK, result="Unhealthy", why=f"not healthy in {ATTEMPTS} starts")
        if "update_fallback_unreported" in self.platform.defects:
            self._notes.reported = True
            self._notes.save(self._slots)
        self._slots.set_environment(replace(environment, fell_back=""))

    # What is said -------------------------------------------------------------------------------------------------

    def _set_progress(self, progress: int) -> None:
        step = progress // 5 * 5
        if step != self._progress:
            self._progress = step
            self._show()

    def _show(self, *, again: bool = False) -> None:
        notes = self._notes
        view = UpdateView(
            notes.state.value, notes.campaign, notes.version, notes.size, self._progress, self._condition, notes.result
        )
        self._talk.show(view, self._running_slot, again=again)

    def _on_link(self, up: bool) -> None:
        if up and self._notes.campaign:
            self._show(again=True)
            self._report()

    def _report(self) -> None:
        if self._notes.state in TERMINAL and not self._notes.reported:
            campaign = self._notes.campaign
            self._talk.report(self._notes, lambda ok: self._reported(campaign, ok))

    def _reported(self, campaign: int, ok: bool) -> None:
        if ok and campaign == self._notes.campaign and not self._notes.reported:
            self._notes.reported = True
            self._notes.save(self._slots)

    def commands(self) -> dict[str, Callable[[str], str]]:
        """`ota`: state; `ota accept`, `ota postpone`: answer an offer."""
        return {"ota": self._command}

    def _command(self, argument: str) -> str:
        answers = {"accept": self.accept, "postpone": self.postpone}
        if argument in answers:
            answers[argument]()
        elif argument:
            return "ota: accept, postpone, or nothing"
        notes = self._notes
        return f"ota: campaign {notes.campaign} {notes.state}, slot {self._running_slot}, result {notes.result or '-'}"

    @property
    def is_busy(self) -> bool:
        """Whether a campaign is under way, so that other reprogramming must wait."""
        return self._notes.state in BUSY or self._notes.state is State.ACTIVATING
