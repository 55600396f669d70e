"""What the ECU's applications stand on: the platform that they are given, and the life cycle that they follow.

Rules of this module: an application knows the platform and nothing of the other applications. All that it keeps in
attributes is RAM: `stop` comes when the power went or the ECU reboots, and after it the application must be as new.
What has to survive goes into the store. Timers set with `later` die with the power.

Not for: what an application does (one module each, listed in `hil.ecu.apps`).
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from hil.can.frames import CanFrame
from hil.can.port import CanPort
from hil.clock import Clock
from hil.ecu.com import Com
from hil.ecu.desk import CloudDesk
from hil.ecu.dtc import DtcMemory
from hil.ecu.settings import Settings
from hil.ecu.slots import Boot
from hil.ecu.store import Store
from hil.hmi.frames import Display
from hil.serial.line import PowerLine
from hil.serial.port import BytePort

if TYPE_CHECKING:
    from hil.ecu.variant import EcuVariant

VSYNC_HZ: Final = 60


class Phase(StrEnum):
    """Where the ECU is in its life."""

    OFF = "off"
    BOOT = "boot"
    SPLASH = "splash"
    ON = "on"
    SLEEP = "sleep"


class PowerMode(StrEnum):
    """What the key position (KL15) is, as the ECU last heard it; `off` before it heard anything."""

    OFF = "off"
    ACCESSORY = "accessory"
    ON = "on"
    CRANK = "crank"


@dataclass(slots=True)
class Wires:
    """What the ECU is connected to. What a bench lacks is None, and the ECU goes on without it.

    Attributes:
        power: its supply (KL30).
        can: bus -> port.
        console: its serial line.
        displays: `cluster` and `centre` -> glass.
        touch: touch panel of the centre screen (`hil.hmi.touch.TouchPanel`).
        keys: hard keys (`hil.hmi.touch.KeyPad`).
        speaker: where sounds go (`hil.hmi.audio.Speaker`).
        mqtt: the telematics' way to the cloud.
        artefacts: where update images are fetched (`hil.cloud.artefacts.ArtefactPort`).
        flash: its program flash, which outlives it (`hil.ecu.flash.Flash`); a new one from the plant if None.
    """

    power: PowerLine
    can: Mapping[str, CanPort]
    console: BytePort
    displays: Mapping[str, Display]
    touch: Any = None
    keys: Any = None
    speaker: Any = None
    mqtt: Any = None
    artefacts: Any = None
    flash: Any = None


@dataclass(slots=True)
class Life:
    """What the platform knows of the ECU's life; applications read it.

    Attributes:
        phase: where it is.
        power_mode: key position.
        reset_reason: why this life began: `power`, `watchdog`, `software`, `undervoltage`, `update`, `wake`.
        born_ns: when it began.
        phase_since_ns: when the phase began.
        display_allowed: False while the supply is too low for the backlight.
        is_overvoltage: the supply is too high.
        store_was_torn: a page of the persistent memory was damaged when this life began.
        boot: which slot the boot loader started, and the image in it.
    """

    phase: Phase = Phase.OFF
    power_mode: PowerMode = PowerMode.OFF
    reset_reason: str = "power"
    born_ns: int = 0
    phase_since_ns: int = 0
    display_allowed: bool = True
    is_overvoltage: bool = False
    store_was_torn: bool = False
    boot: Boot | None = None

    @property
    def software(self) -> str:
        """Version of the software that runs."""
        return self.boot.image.version if self.boot is not None else "1.0.0"

    @property
    def ignition(self) -> bool:
        """Whether KL15 is on, also while cranking."""
        return self.power_mode in (PowerMode.ON, PowerMode.CRANK)


@dataclass(slots=True)
class Platform:
    """What an application may use.

    Attributes:
        clock: the time that the ECU lives in.
        com: signals in and out.
        rng: the ECU's randomness.
        defects: names of the defects that are switched on.
        variant: which ECU it is: brand and features.
        store: what survives power cuts.
        wires: what it is connected to.
        life: where it is in its life.
        say: writes a line to the console.
        later: `later(delay_ns, callback, argument)`: a timer that dies with the power.
        reboot: `reboot(reason)`: restart now; the reason stands in the boot log and in CLU_Heartbeat*.
        wipe: everything as it left the plant, then halt until the next power-up.
        settings: the driver's settings.
        dtcs: the memory of trouble codes.
        log: the last lines that went to the console in this life.
        cloud: what the screens show of the cloud and of updates, and the driver's answers to them.
        awake: names of those that keep the ECU awake with the ignition off (diagnosis, an update); see `keep_awake`.
    """

    clock: Clock
    com: Com
    rng: random.Random
    defects: frozenset[str]
    variant: EcuVariant
    store: Store
    wires: Wires
    life: Life
    say: Callable[[str], None]
    later: Callable[..., None]
    reboot: Callable[[str], None]
    wipe: Callable[[], None]
    settings: Settings
    dtcs: DtcMemory
    log: deque[str] = field(default_factory=lambda: deque(maxlen=200))
    cloud: CloudDesk = field(default_factory=CloudDesk)
    awake: dict[str, bool] = field(default_factory=dict)

    def keep_awake(self, who: str, wanted: bool) -> None:
        """Keep the ECU awake though the ignition is off, or let it go; forgotten when the power goes."""
        self.awake[who] = wanted


class App:
    """An application. All methods default to nothing.

    Args:
        platform: what it stands on.

    Attributes:
        is_hung: it stopped working: it gets no frame any more, and the watchdog will notice.
        can_ids: (bus, identifier) of raw frames that `on_frame` wants to see.
    """

    name = "app"
    is_hung = False
    can_ids: frozenset[tuple[str, int]] = frozenset()

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def start(self) -> None:
        """Powered and booted to userland; communication runs. `life.phase` is `splash` until boot is complete."""

    def stop(self) -> None:
        """The power went, or the ECU reboots: RAM is gone."""

    def sleep(self) -> None:
        """The buses sleep, and so will the ECU; RAM is kept."""

    def wake(self) -> None:
        """A bus woke it."""

    def tick(self) -> None:
        """A vertical sync (60 Hz) while awake, from `start` on. Must be cheap."""

    def on_frame(self, frame: CanFrame) -> None:
        """A raw frame of one of `can_ids`, from others, while awake."""

    def on_sent(self, frame: CanFrame) -> None:
        """A raw frame of one of `can_ids` that this ECU sent has been on the wire."""

    def commands(self) -> dict[str, Callable[[str], str]]:
        """Console commands: name -> argument text to answer."""
        return {}
