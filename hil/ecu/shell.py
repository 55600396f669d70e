"""The shell on the serial console: what the ECU is, how it is, its settings, its log.

Rules of this module: a line is a word and an argument; the answer is lines of text. Applications bring commands of
their own (`App.commands`); `help` lists them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hil.clock import NS_PER_S
from hil.ecu.app import App, Platform
from hil.ecu.dtc import CONFIRMED
from hil.ecu.settings import SETTINGS

VERSION = "part 68999001AA serial VC000001 hardware B1 software {software}"
"""As the boot log and the command say it."""


class Shell(App):
    """Commands of the platform.

    Args:
        platform: what they are about.
        apps: all applications.
    """

    name = "shell"

    def __init__(self, platform: Platform, apps: Sequence[App]) -> None:
        super().__init__(platform)
        self._apps = apps

    def commands(self) -> dict[str, Callable[[str], str]]:
        """The platform's own."""
        return {
            "help": self._help, "status": self._status, "version": self._version, "uptime": self._uptime,
            "log": self._log, "ps": self._ps, "get": self._get, "set": self._set, "reboot": self._reboot,
            "hang": self._hang, "factory": self._factory,
        }  # fmt: skip

    def _help(self, _: str) -> str:
        return f"commands: {', '.join(sorted(name for app in self._apps for name in app.commands()))}"

    def _status(self, _: str) -> str:
        life = self.platform.life
        volts = self.platform.wires.power.voltage_V
        faults = len(self.platform.dtcs.report(CONFIRMED))
        ignition = "on" if life.ignition else "off"
        state = f"phase {life.phase.value}, ignition {ignition}, supply {volts:.1f} V"
        return f"{state}, reset reason {life.reset_reason}, {faults} dtc"

    def _version(self, _: str) -> str:
        return VERSION.format(software=self.platform.life.software)

    def _uptime(self, _: str) -> str:
        return f"up {(self.platform.clock.now_ns - self.platform.life.born_ns) / NS_PER_S:.1f} s"

    def _log(self, argument: str) -> str:
        count = int(argument) if argument.isdigit() else 20
        return "\n".join(list(self.platform.log)[-count:])

    def _ps(self, _: str) -> str:
        lines = (f"{pid:3d} {app.name} {'hung' if app.is_hung else 'running'}" for pid, app in enumerate(self._apps, 1))
        return "\n".join(lines)

    def _get(self, argument: str) -> str:
        settings = self.platform.settings
        if argument in SETTINGS:
            return f"{argument} = {settings[argument]}"
        if argument:
            return f"get: no setting '{argument}'"
        return "\n".join(f"{name} = {settings[name]}" for name in SETTINGS)

    def _set(self, argument: str) -> str:
        name, _, value = argument.partition(" ")
        if name not in SETTINGS:
            return f"set: no setting '{name}'"
        if not self.platform.settings.set(name, value.strip()):
            return f"set: {name} takes {SETTINGS[name].known}"
        return f"{name} = {self.platform.settings[name]}"

    def _reboot(self, _: str) -> str:
        self.platform.reboot("software")
        return "reboot: going down"

    def _factory(self, _: str) -> str:
        self.platform.say("factory: as it left the plant, halted until the next power-up")
        self.platform.wipe()
        return ""

    def _hang(self, argument: str) -> str:
        """For tests of the watchdog: an application stops."""
        for app in self._apps:
            if app.name == argument:
                app.is_hung = True
                return f"hang: {argument} stopped"
        return f"hang: no application '{argument}'"
