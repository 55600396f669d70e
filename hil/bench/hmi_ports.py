"""Factories of the ports that touch, press and listen; the rules are those of `hil.bench.ports`."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from hil.bench.ports import NoOptions, Options, Site
from hil.bench.sections import Seconds
from hil.hmi.audio import RATE_HZ, AudioPort
from hil.hmi.touch import KeyPort, TouchPort

_ADB_TAP: Final = ["adb", "shell", "input", "swipe", "{x}", "{y}", "{x}", "{y}", "{ms}"]
_ADB_SWIPE: Final = ["adb", "shell", "input", "swipe", "{x}", "{y}", "{x2}", "{y2}", "{ms}"]
_ADB_PRESS: Final = ["adb", "shell", "input", "keyevent", "{code}"]
_ADB_HOLD: Final = ["adb", "shell", "input", "keyevent", "--longpress", "{code}"]
_ADB_CODES: Final = {
    "home": "KEYCODE_HOME",
    "back": "KEYCODE_BACK",
    "power": "KEYCODE_POWER",
    "volume_up": "KEYCODE_VOLUME_UP",
    "volume_down": "KEYCODE_VOLUME_DOWN",
    "next": "KEYCODE_MEDIA_NEXT",
    "previous": "KEYCODE_MEDIA_PREVIOUS",
    "voice": "KEYCODE_VOICE_ASSIST",
    "camera": "KEYCODE_CAMERA",
}


class SimTouchFactory:
    """`[touch.*] port = "virtual"`: the panel of the virtual ECU."""

    Options = NoOptions
    real = False

    @staticmethod
    def resources(options: NoOptions) -> list[str]:
        """Nothing physical."""
        return []

    @staticmethod
    def make(site: Site, options: NoOptions) -> TouchPort:
        """A finger on the simulated panel."""
        from hil.hmi.input_ports import SimTouch

        return SimTouch(clock=site.clock, panel=site.copper.panel(site.name, site.size))


class AdbTouchOptions(Options):
    """Options of a panel that a command touches, adb's unless they say otherwise."""

    tap: list[str] = Field(_ADB_TAP, min_length=1)
    swipe: list[str] = Field(_ADB_SWIPE, min_length=1)
    timeout: Seconds = Field(5.0, gt=0)


class AdbTouch:
    """`[touch.*] port = "adb"`."""

    Options = AdbTouchOptions
    real = True

    @staticmethod
    def resources(options: AdbTouchOptions) -> list[str]:
        """The command knows what it needs."""
        return []

    @staticmethod
    def make(site: Site, options: AdbTouchOptions) -> TouchPort:
        """A finger that is a command."""
        from hil.hmi.input_ports import CommandTouch

        return CommandTouch(
            clock=site.clock,
            name=site.name,
            size=site.size,
            tap=options.tap,
            swipe=options.swipe,
            folder=site.folder,
            timeout_s=options.timeout,
        )


class SimKeysFactory:
    """`[keys.*] port = "virtual"`: the hard keys of the virtual ECU."""

    Options = NoOptions
    real = False

    @staticmethod
    def resources(options: NoOptions) -> list[str]:
        """Nothing physical."""
        return []

    @staticmethod
    def make(site: Site, options: NoOptions) -> KeyPort:
        """A finger on the simulated keys."""
        from hil.hmi.input_ports import SimKeys

        return SimKeys(clock=site.clock, pad=site.copper.pad(site.name))


class AdbKeysOptions(Options):
    """Options of keys that a command presses, adb's unless they say otherwise."""

    codes: dict[str, str] = _ADB_CODES
    press: list[str] = Field(_ADB_PRESS, min_length=1)
    hold: list[str] = Field(_ADB_HOLD, min_length=1)
    timeout: Seconds = Field(5.0, gt=0)


class AdbKeys:
    """`[keys.*] port = "adb"`."""

    Options = AdbKeysOptions
    real = True

    @staticmethod
    def resources(options: AdbKeysOptions) -> list[str]:
        """The command knows what it needs."""
        return []

    @staticmethod
    def make(site: Site, options: AdbKeysOptions) -> KeyPort:
        """Keys that a command presses."""
        from hil.hmi.input_ports import CommandKeys

        return CommandKeys(
            clock=site.clock,
            name=site.name,
            codes=options.codes,
            press=options.press,
            hold=options.hold,
            folder=site.folder,
            timeout_s=options.timeout,
        )


class AgentOptions(Options):
    """Options of an agent that touches and presses, line by line."""

    url: str
    timeout: Seconds = Field(5.0, gt=0)


class SocketTouchFactory:
    """`[touch.*] port = "socket"`."""

    Options = AgentOptions
    real = True

    @staticmethod
    def resources(options: AgentOptions) -> list[str]:
        """The agent's finger; touch and keys may be one agent's."""
        return [f"touch:{options.url}"]

    @staticmethod
    def make(site: Site, options: AgentOptions) -> TouchPort:
        """A finger that an agent moves."""
        from hil.hmi.input_socket import SocketTouch

        return SocketTouch(clock=site.clock, name=site.name, size=site.size, url=options.url, timeout_s=options.timeout)


class SocketKeysFactory:
    """`[keys.*] port = "socket"`."""

    Options = AgentOptions
    real = True

    @staticmethod
    def resources(options: AgentOptions) -> list[str]:
        """The agent's hand on the keys."""
        return [f"keys:{options.url}"]

    @staticmethod
    def make(site: Site, options: AgentOptions) -> KeyPort:
        """Keys that an agent presses."""
        from hil.hmi.input_socket import SocketKeys

        return SocketKeys(clock=site.clock, name=site.name, url=options.url, timeout_s=options.timeout)


class SimAudioFactory:
    """`[audio.*] port = "virtual"`: the loudspeaker of the virtual ECU."""

    Options = NoOptions
    real = False

    @staticmethod
    def resources(options: NoOptions) -> list[str]:
        """Nothing physical."""
        return []

    @staticmethod
    def make(site: Site, options: NoOptions) -> AudioPort:
        """An ear at the simulated loudspeaker."""
        from hil.hmi.audio_ports import SimAudio

        return SimAudio(clock=site.clock, speaker=site.copper.speaker(site.name))


class CommandAudioOptions(Options):
    """Options of a program that prints samples: signed 16 bit, little endian, without end."""

    command: list[str] = Field(min_length=1)
    rate: int = Field(RATE_HZ, ge=8000)
    channels: int = Field(1, ge=1)
    delay: Seconds = Field(0.0, ge=0)
    bound: Seconds = Field(0.05, ge=0)
    timeout: Seconds = Field(5.0, gt=0)


class CommandAudioFactory:
    """`[audio.*] port = "command"`."""

    Options = CommandAudioOptions
    real = True

    @staticmethod
    def resources(options: CommandAudioOptions) -> list[str]:
        """The command knows what it needs."""
        return []

    @staticmethod
    def make(site: Site, options: CommandAudioOptions) -> AudioPort:
        """An ear that is a program."""
        from hil.hmi.audio_ports import CommandAudio

        return CommandAudio(
            clock=site.clock,
            name=site.name,
            command=options.command,
            folder=site.folder,
            rate_Hz=options.rate,
            channels=options.channels,
            delay_s=options.delay,
            bound_s=options.bound,
            timeout_s=options.timeout,
        )


class HttpAudioOptions(Options):
    """Options of a WAV over HTTP that never ends."""

    url: str
    delay: Seconds = Field(0.0, ge=0)
    bound: Seconds = Field(0.05, ge=0)
    timeout: Seconds = Field(5.0, gt=0)


class HttpAudioFactory:
    """`[audio.*] port = "http"`."""

    Options = HttpAudioOptions
    real = True

    @staticmethod
    def resources(options: HttpAudioOptions) -> list[str]:
        """A stream may serve several."""
        return []

    @staticmethod
    def make(site: Site, options: HttpAudioOptions) -> AudioPort:
        """An ear at a stream."""
        from hil.hmi.audio_http import HttpAudio

        return HttpAudio(
            clock=site.clock,
            name=site.name,
            url=options.url,
            delay_s=options.delay,
            bound_s=options.bound,
            timeout_s=options.timeout,
        )
