"""Factories of relay boards; the one of the virtual bench and what hangs on its contacts."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from hil.bench.ports import Options, Site, serial_port, serial_resource
from hil.can.stub import Stub
from hil.errors import UsageError
from hil.hmi.touch import KeyEvent
from hil.nearest import nearest
from hil.serial.relay import RelayPort
from hil.serial.relay_serial import Language, Lcus, Numato, SerialRelay
from hil.serial.relay_sim import Effect, SimRelay

DRIVES: Final = ("supply NAME", "key PAD KEY", "console NAME", "bus NAME ECU")
NORMALLY_CLOSED: Final = "NC"
"""Behind what hangs on the side of a contact that is closed at rest, as boards have it printed beside their terminals.
"""


class SimRelayOptions(Options):
    """Options of a simulated board."""

    channels: int = Field(8, ge=1, le=32)
    drives: dict[str, str] = Field(default_factory=dict)


class SimRelayFactory:
    """`[relay.*] port = "virtual"`: contacts in the simulated copper."""

    Options = SimRelayOptions
    real = False

    @staticmethod
    def resources(options: SimRelayOptions) -> list[str]:
        """Nothing physical."""
        return []

    @staticmethod
    def make(site: Site, options: SimRelayOptions) -> RelayPort:
        """A `SimRelay`.

        Raises:
            UsageError: something hangs on a contact that the board doesn't have, or can't hang on one.
        """
        for contact in options.drives:
            if contact not in site.contacts:
                mend = f"there is: {', '.join(site.contacts)}."
                raise UsageError(f"no contact '{contact}'", where=f"relay.{site.name}.drives", remedy=mend)
        effects = {site.contacts[contact]: _effect(site, drive) for contact, drive in options.drives.items()}
        return SimRelay(name=site.name, channels=options.channels, effects=effects)


def _effect(site: Site, drive: str) -> Effect:
    """What a contact does.

    Raises:
        UsageError: it is none of the things that can hang on one.
    """
    *words, last = drive.split() or [""]
    if words and last == NORMALLY_CLOSED:
        effect = _effect(site, " ".join(words))
        return lambda closed: effect(not closed)
    kind, names = words[0] if words else last, [*words[1:], last] if words else []
    if kind == "supply" and len(names) == 1:
        return site.copper.line(names[0]).connect
    if kind == "console" and len(names) == 1:
        return site.copper.pipe(names[0])[0].connect
    if kind == "bus" and len(names) == 2:
        return _stub(site, *names).connect
    if kind == "key" and len(names) == 2:
        pad, key = site.copper.pad(names[0]), names[1]
        return lambda closed: pad.press(KeyEvent(site.clock.now_ns, key, closed))
    near = nearest(kind, [known.split()[0] for known in DRIVES])
    mend = f"did you mean '{near[0]} ...'?" if near else f"write one of {', '.join(DRIVES)}."
    raise UsageError(f"'{drive}' can't hang on a contact", where=f"relay.{site.name}.drives", remedy=mend)


def _stub(site: Site, bus: str, ecu: str) -> Stub:
    """The conductors by which an ECU hangs on a bus.

    Raises:
        UsageError: no simulated bus of that name, or no virtual ECU of that name on it.
    """
    where = f"relay.{site.name}.drives"
    if bus not in site.ecus:
        raise UsageError(
            f"no simulated bus '{bus}'", where=where, remedy=f"there is: {', '.join(site.ecus) or 'none'}."
        )
    if ecu not in site.ecus[bus]:
        mend = f"there is: {', '.join(site.ecus[bus]) or 'none'}."
        raise UsageError(f"no virtual ECU '{ecu}' is on bus {bus}", where=where, remedy=mend)
    return site.copper.wires[bus].stub(ecu)


class LcusOptions(Options):
    """Options of a board with the frames of LCUS boards."""

    url: str
    baudrate: int = Field(9600, gt=0)
    channels: int = Field(8, ge=1, le=32)
    answers: bool = False


class LcusFactory:
    """`[relay.*] port = "lcus"`: a board that takes `A0 01 01 A2`, as most with a CH340 do."""

    Options = LcusOptions
    real = True

    @staticmethod
    def resources(options: LcusOptions) -> list[str]:
        """The board's line."""
        return [serial_resource(options.url)]

    @staticmethod
    def make(site: Site, options: LcusOptions) -> RelayPort:
        """A `SerialRelay`."""
        return _serial_relay(site, options, Lcus(channels=options.channels, tells=options.answers))


class NumatoOptions(Options):
    """Options of a Numato board."""

    url: str
    baudrate: int = Field(19_200, gt=0)
    channels: int = Field(8, ge=1, le=32)


class NumatoFactory:
    """`[relay.*] port = "numato"`: a board that takes `relay on 0`."""

    Options = NumatoOptions
    real = True

    @staticmethod
    def resources(options: NumatoOptions) -> list[str]:
        """The board's line."""
        return [serial_resource(options.url)]

    @staticmethod
    def make(site: Site, options: NumatoOptions) -> RelayPort:
        """A `SerialRelay`."""
        return _serial_relay(site, options, Numato())


def _serial_relay(site: Site, options: LcusOptions | NumatoOptions, language: Language) -> RelayPort:
    beyond = [name for name, channel in site.contacts.items() if channel > options.channels]
    if beyond:
        what = f"contact '{beyond[0]}' is on channel {site.contacts[beyond[0]]} of {options.channels}"
        raise UsageError(what, where=f"relay.{site.name}", remedy="correct the channel, or channels = ...")
    port = serial_port(site, options.url, options.baudrate)
    return SerialRelay(clock=site.clock, name=site.name, port=port, language=language, channels=options.channels)
