"""`[relay.NAME]` and `[ignition]` of the bench file: what is switched by a contact, and by which."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, model_validator

from hil.bench.sections import Mistake, PortSection, Section
from hil.errors import UsageError
from hil.nearest import did_you_mean


class RelaySection(PortSection):
    """`[relay.NAME]`: a relay board.

    Attributes:
        contacts: what its channels switch: name -> channel, from 1.
    """

    port: str
    contacts: dict[str, int] = Field(min_length=1)


class IgnitionSection(Section):
    """`[ignition]`: how the bench tells the ECU that the ignition is on: by a signal, by a contact, by both.

    Attributes:
        signal: the signal.
        on: its value with ignition on.
        off: its value with ignition off.
        relay: the contact that KL15 goes over.
    """

    signal: str = ""
    on: str = "On"
    off: str = "Off"
    relay: str = ""

    @model_validator(mode="after")
    def _says_how(self) -> IgnitionSection:
        if not self.signal and not self.relay:
            raise Mistake("needs a signal or a relay", 'write signal = "BCM_PowerMode.PowerMode", or relay = "KL15".')
        return self


def find_contact(contacts: Mapping[str, Mapping[str, int]], name: str, where: str = "") -> tuple[str, int]:
    """Board and channel of a contact.

    Args:
        contacts: board -> name -> channel.
        name: `KL15`, or `board.KL15`.
        where: the key that names it.

    Raises:
        UsageError: there is none of that name, or several.
    """
    known = {f"{board}.{name}": (board, channel) for board, own in contacts.items() for name, channel in own.items()}
    hits = [full for full in known if name in (full, full.partition(".")[2])]
    if len(hits) == 1:
        return known[hits[0]]
    if hits:
        raise UsageError(f"which contact '{name}'?", where=where, remedy=f"one of {', '.join(hits)}.")
    short = [full.partition(".")[2] for full in known]
    mend = did_you_mean(name, short, f"there is: {', '.join(short) or 'none'}.")
    raise UsageError(f"no contact '{name}' on the relays of this bench", where=where, remedy=mend)


def check_relays(boards: Mapping[str, RelaySection], ignition: IgnitionSection | None, power: str, where: str) -> None:
    """Whatever names a contact names one that is there, and no channel switches two things.

    Raises:
        UsageError: it isn't so.
    """
    for name, board in boards.items():
        for contact, channel in board.contacts.items():
            _check_channel(board, contact, channel, f"{where}: relay.{name}.contacts.{contact}")
    contacts = {name: board.contacts for name, board in boards.items()}
    named = {"ignition.relay": ignition.relay if ignition is not None else "", "reset.relay": power}
    for key, contact in named.items():
        if contact:
            find_contact(contacts, contact, f"{where}: {key}")


def _check_channel(board: RelaySection, contact: str, channel: int, where: str) -> None:
    others = [other for other, number in board.contacts.items() if number == channel and other != contact]
    if channel < 1:
        raise UsageError(f"there is no channel {channel}", where=where, remedy="channels count from 1.")
    if others:
        raise UsageError(f"channel {channel} switches {others[0]} too", where=where, remedy="correct one of the two.")
