"""What the updater must know after a power cut, as it stands in its twin record in flash."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from hil.ecu.slots import Slots
from hil.ecu.updater_table import State

_REMEMBERED = 32


@dataclass(slots=True)
class Notes:
    """The notes.

    Attributes:
        state: where the campaign is.
        campaign: its number; 0 if there never was one.
        version: of the software that it brings, as announced.
        size: bytes of its image, as announced.
        path: where its files are on the artefact server.
        consent: who has to agree: `auto` or `hmi`.
        target: the slot that it goes into.
        image: path, length, SHA-256 and release counter of the image, once the metadata are trusted.
        done: sectors of the running step that are certain.
        result: how it ended.
        why: more about that, for a person.
        reported: the backend has acknowledged the report.
        finished: numbers of campaigns that are over.
        versions: role -> version of the metadata that was trusted last.
    """

    state: State = State.IDLE
    campaign: int = 0
    version: str = ""
    size: int = 0
    path: str = ""
    consent: str = "auto"
    target: str = ""
    image: dict[str, Any] = field(default_factory=dict)
    done: int = 0
    result: str = ""
    why: str = ""
    reported: bool = True
    finished: list[int] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, slots: Slots) -> Notes:
        """The notes as they are in flash; new ones if none are."""
        values = slots.notes.read()
        if values is None:
            return cls()
        return cls(**{**values, "state": State(values["state"])})

    def save(self, slots: Slots) -> None:
        """Write them down: after this a power cut leaves these, before it the ones before."""
        self.finished = self.finished[-_REMEMBERED:]
        slots.notes.write(asdict(self))
