"""The catalogue of named defects of the virtual ECU: each stands for a mistake that real cockpits were shipped with.

For each some case must fail (`hil mutate` proves it), without any all cases pass. A defect is switched on in the bench
file (`defects = [...]`), with `hil run --defect NAME` or with `hil ecu serve --defect NAME`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hil.errors import UsageError


@dataclass(frozen=True, slots=True)
class Defect:
    """One mistake.

    Attributes:
        name: how it is switched on.
        requirement: the requirement that it breaks; the cases of that requirement must catch it.
        story: the incident or mistake that it stands for.
    """

    name: str
    requirement: str
    story: str


_ALL: Final = (
    Defect("high_beam_dark", "CLU-TT-001", "A telltale never lights (recall 19V203: telltales fail)."),
    Defect("high_beam_late", "CLU-TT-002", "A polling loop of 500 ms stands between the bus and the telltale."),
    Defect("speed_reads_low", "CLU-SPD-001", "The speedometer shows 5 % less than the true speed: UN R39 forbids it."),
    Defect("speed_number_frozen", "CLU-SPD-002", "The digital speed stays at its first value while the needle moves."),
    Defect("speed_kept_on_loss", "CLU-SPD-003", "The last speed stays on the screen after the sender went silent."),
    Defect("console_mute", "CLU-BOOT-001", "A release build without its boot log: the workshop reads nothing."),
    Defect("reboot_loop", "CLU-BOOT-001", "The ECU restarts every few seconds after an update (2018, 2022)."),
    Defect("survives_power_off", "CLU-PWR-001", "The backlight stays on after the supply was switched off."),
)
CATALOGUE: Final[dict[str, Defect]] = {defect.name: defect for defect in _ALL}


def check_names(names: Iterable[str]) -> frozenset[str]:
    """The names as a set.

    Raises:
        UsageError: one is not in the catalogue.
    """
    chosen = frozenset(names)
    for name in sorted(chosen):
        if name not in CATALOGUE:
            near = difflib.get_close_matches(name, CATALOGUE, n=3, cutoff=0.4) or list(CATALOGUE)
            raise UsageError(f"no defect '{name}'", remedy=f"did you mean {' or '.join(near)}?")
    return chosen
