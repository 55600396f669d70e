"""What telematics and updater put on the desk for the screens, and what the driver answers there.

Rules of this module: telematics and updater write, the screens read; the driver's answers come back through the two
callbacks. A view is replaced as a whole, so that `is` tells whether anything changed.

Not for: the state itself; that is in the updater's notes in flash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpdateView:
    """What there is to show of an update.

    Attributes:
        state: a value of `hil.ecu.updater_table.State`; `idle` if there is none.
        campaign: its number.
        version: what it would bring.
        size: bytes of the image.
        progress: of what is going on now, 0 to 100.
        condition: what it waits for: empty, `NotParked`, `BatteryLow`, `IgnitionOff`, `Ecall`.
        result: how it ended: `Success`, `BadSignature`, ...; empty before.
    """

    state: str = "idle"
    campaign: int = 0
    version: str = ""
    size: int = 0
    progress: int = 0
    condition: str = ""
    result: str = ""


def _nobody() -> None:
    """Nobody is there to hear the driver's answer."""


@dataclass(slots=True)
class CloudDesk:
    """The desk.

    Attributes:
        fitted: whether this cockpit has a way to the cloud at all.
        connected: whether there is a link to the backend.
        update: what to show of an update.
        accept: the driver wants the update that is offered.
        postpone: the driver doesn't want it now.
    """

    fitted: bool = False
    connected: bool = False
    update: UpdateView = UpdateView()
    accept: Callable[[], object] = _nobody
    postpone: Callable[[], object] = _nobody
