"""The faults of the lab bench. What a fault is: `faults.fault`."""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable
from typing import Final

from faults.fault import Fault, Shows, nothing
from faults.lab import Lab


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
        nothing,
        (r"process\.ecu: (was killed by SIGKILL|ended before it was ready)",),
        heals=True,
    ),
    Fault(
        "console silent",
        _signals(signal.SIGUSR1),
        nothing,
        (r"console\.main: is silent",),
        Shows.WHEN_ASKED,
        heals=True,
    ),
    Fault(
        "console floods, 10 MB/s",
        _signals(signal.SIGUSR2),
        nothing,
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
