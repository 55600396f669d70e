"""The faults: how each is done and mended, and what the verdict must name as its cause.

Rules of this module: a fault is done to a far end, never to the bench. `shows` says when the bench can know: at once,
or when it asks for what is broken. `heals` says whether the next bench is whole without anybody's help, because the
bench starts that part itself.
"""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from faults.lab import Lab


class Shows(Enum):
    """When a fault can be known."""

    AT_ONCE = "at once"
    WHEN_ASKED = "when asked"


@dataclass(frozen=True)
class Fault:
    """One way in which a bench breaks.

    Attributes:
        name: for the table.
        do: breaks it.
        mend: makes it whole.
        cause: regular expressions of which one is found in the verdict's message.
        shows: when the bench can know.
        heals: whether the next bench is whole without the mending.
        spoils_evidence: whether the journal may lack the fault itself.
    """

    name: str
    do: Callable[[Lab], object]
    mend: Callable[[Lab], object]
    cause: tuple[str, ...]
    shows: Shows = Shows.AT_ONCE
    heals: bool = False
    spoils_evidence: bool = False


def _nothing(_: Lab) -> None:
    """The bench starts that part anew by itself."""


def _stall(lab: Lab) -> None:
    lab.camera.stalled = True


def _go_on(lab: Lab) -> None:
    lab.camera.stalled = False


def _signals(number: int) -> Callable[[Lab], object]:
    return lambda lab: lab.signal_ecu(number)


FAULTS: Final = (
    Fault(
        "interface down and up",
        lambda lab: lab.can.fall(errno.ENETDOWN),
        lambda lab: lab.can.rise(),
        (r"bus\.can0 .*(the interface is down|can't send)",),
    ),
    Fault(
        "adapter taken away (SocketCAN)",
        lambda lab: lab.can.fall(errno.ENODEV),
        lambda lab: lab.can.rise(),
        (r"bus\.can0 .*(the adapter is gone|No such device)",),
    ),
    Fault(
        "adapter unplugged (slcan)",
        lambda lab: lab.call(lab.adapter.unplug),
        lambda lab: lab.call(lab.adapter.plug),
        (r"can1 .*(line was lost|can't be opened|no slcan adapter)",),
    ),
    Fault(
        "bus-off of the bench's controller",
        lambda lab: lab.can.give_up(),
        lambda lab: lab.can.rise(),
        (r"bus\.can0 .*(bus-off|can't send: No buffer space)",),
    ),
    Fault(
        "ECU's program killed",
        _signals(signal.SIGKILL),
        _nothing,
        (r"process\.ecu: (was killed by SIGKILL|ended before it was ready)",),
        heals=True,
    ),
    Fault(
        "console silent",
        _signals(signal.SIGUSR1),
        _nothing,
        (r"console\.main: is silent",),
        Shows.WHEN_ASKED,
        heals=True,
    ),
    Fault(
        "console floods, 10 MB/s",
        _signals(signal.SIGUSR2),
        _nothing,
        (r"main .*floods the bench", r"console\.main: carries noise"),
        heals=True,
    ),
    Fault(
        "broker killed and back",
        lambda lab: lab.broker.kill(),
        lambda lab: lab.broker.start(),
        (r"mqtt .*(link to the broker broke|can't be reached)",),
    ),
    Fault("frame source stalled", _stall, _go_on, (r"screen\.camera: no picture within",), Shows.WHEN_ASKED),
    Fault(
        "disk full under the journal",
        lambda lab: lab.disk.fill(),
        lambda lab: lab.disk.free(),
        (r"No space left|can't be (made|written)",),
        spoils_evidence=True,
    ),
)
