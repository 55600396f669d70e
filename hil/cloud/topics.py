"""The topics between a cockpit and its backend, and the schema versions of what is said there. Pure.

`docs/telematics.md` and `docs/updates.md` describe the messages. The virtual ECU has these topics written down on its
own, so that a mistake here is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one device, by its serial number."""

    device: str

    def of(self, leaf: str) -> str:
        """One topic: `telemetry`, `event`, `status`, `command`, `answer`, `update/campaign`, ..."""
        return f"cockpit/{self.device}/{leaf}"
