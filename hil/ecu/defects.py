"""The catalogue of named defects of the virtual ECU: each stands for a mistake that real cockpits were shipped with.

For each some case must fail (`hil mutate` proves it), without any all cases pass. A defect is switched on in the bench
file (`defects = [...]`), with `hil run --defect NAME` or with `hil ecu serve --defect NAME`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from hil.ecu.defects_centre import CENTRE_DEFECTS
from hil.ecu.defects_cloud import CLOUD_DEFECTS
from hil.ecu.defects_cluster import CLUSTER_DEFECTS
from hil.ecu.defects_diag import DIAG_DEFECTS
from hil.ecu.defects_network import NETWORK_DEFECTS
from hil.ecu.defects_screen import SCREEN_DEFECTS
from hil.errors import UsageError
from hil.nearest import did_you_mean


@dataclass(frozen=True, slots=True)
class Defect:
    """One mistake.

    Attributes:
        name: how it is switched on.
        requirement: the requirement that it breaks; the cases of that requirement must catch it.
        story: the incident or mistake that it stands for.
        needs: features that an ECU must have to have it.
    """

    name: str
    requirement: str
    story: str
    needs: tuple[str, ...] = ()


_ALL: Final = (
    Defect("high_beam_dark", "CLU-TT-001", "A telltale never lights (recall 19V203: telltales fail)."),
    Defect("high_beam_late", "CLU-TT-002", "A polling loop of 500 ms stands between the bus and the telltale."),
    Defect("bulb_check_skipped", "CLU-TT-003", "A faster boot left out the bulb check: nobody notices a dead lamp."),
    Defect(
        "lost_sender_lamps_dark",
        "CLU-TT-004",
        "The brake controller is gone and no lamp says so: its last word was 'all well'.",
    ),
    Defect("esc_and_abs_swapped", "CLU-TT-005", "Two rows of the telltale table are swapped (2014: random telltales)."),
    Defect("telltale_sticks", "CLU-TT-006", "A telltale once lit stays lit until an ignition cycle clears it (2014)."),
    Defect(
        "tyre_lamp_never_blinks",
        "CLU-TT-007",
        "A fault of the tyre monitor looks like low pressure: FMVSS 138 wants 60 to 90 s of flashing.",
    ),
    Defect("indicator_too_slow", "CLU-TT-008", "The indicators flash 45 times a minute: UN R48 wants 60 to 120."),
    Defect("hazard_out_of_step", "CLU-TT-009", "Left and right flash in turn while the hazard lights are on."),
    Defect("speed_reads_low", "CLU-SPD-001", "The speedometer shows 5 % less than the true speed: UN R39 forbids it."),
    Defect(
        "speed_reads_high",
        "CLU-SPD-001",
        "Wrong tyre circumference: 16 % more than the true speed, beyond what UN R39 allows.",
    ),
    Defect("speed_number_frozen", "CLU-SPD-002", "The digital speed stays at its first value while the needle moves."),
    Defect("speed_kept_on_loss", "CLU-SPD-003", "The last speed stays on the screen after the sender went silent."),
    Defect(
        "speed_sna_as_number",
        "CLU-SPD-004",
        "'Not available' is read as a number: the needle goes to the end of its scale.",
    ),
    Defect(
        "speed_spike_shown",
        "CLU-SPD-005",
        "One sample that can't be jumps across the scale: no plausibility check.",
    ),
    Defect("speed_e2e_ignored", "CLU-SPD-006", "The checksum of the speed is computed and its result thrown away."),
    Defect("mph_label_on_kmh", "CLU-UNIT-001", "The unit says mph, the digits are still km/h."),
    Defect(
        "range_stays_in_km",
        "CLU-UNIT-002",
        "The range doesn't follow the unit: miles are promised, kilometres are meant.",
    ),
    Defect("warning_priority_ignored", "CLU-WRN-001", "Washer fluid hides the brake failure that came after it."),
    Defect("warning_queue_of_one", "CLU-WRN-002", "A warning that comes while another is shown is lost."),
    Defect("acknowledge_ignored", "CLU-WRN-003", "The OK button doesn't clear the warning from the speed."),
    Defect(
        "warning_too_short",
        "CLU-WRN-004",
        "A warning flashes up and is gone with its cause before anybody can read it.",
    ),
    Defect(
        "warning_while_cranking",
        "CLU-WRN-005",
        "Every start of the engine shows warnings of control units that have no voltage.",
    ),
    Defect(
        "ice_warning_repeats",
        "CLU-WRN-006",
        "Around the limit of 3 degrees the ice warning comes again and again.",
    ),
    Defect("french_in_english", "CLU-LANG-001", "The French translations were not in the build: English is shown."),
    Defect(
        "settings_not_kept",
        "CLU-LANG-002",
        "Language and units are back to default after the battery was disconnected.",
    ),
    Defect("fuel_undamped", "CLU-GAU-001", "The fuel gauge swings in every bend."),
    Defect(
        "coolant_held_for_ever",
        "CLU-GAU-002",
        "The engine controller is gone and its last temperature stays on the gauge for ever.",
    ),
    Defect("cold_shown_as_warm", "CLU-GAU-003", "A temperature of -10 degrees is shown as 10: the sign is lost."),
    Defect("clock_stands", "CLU-GAU-004", "The clock stops at its first value."),
    Defect("gear_late", "CLU-GEAR-001", "The gear is shown a second late: R while the lever is in D (FMVSS 102)."),
    Defect(
        "gear_kept_on_loss",
        "CLU-GEAR-002",
        "The last gear stays on the screen after the transmission went silent.",
    ),
    Defect("implausible_gear_shown", "CLU-GEAR-003", "R is shown at 100 km/h."),
    Defect("belt_chime_too_short", "CLU-CHM-001", "The belt chime sounds for 2 s: FMVSS 208 wants 4 to 8."),
    Defect("belt_level2_missing", "CLU-CHM-002", "No second level of the belt reminder above 25 km/h (UN R16)."),
    Defect("indicator_silent", "CLU-CHM-003", "The indicators are not heard since the relay is software."),
    Defect("parking_tone_constant", "CLU-CHM-004", "The parking tone doesn't get faster as the wall comes nearer."),
    Defect("safety_chimes_muted", "CLU-CHM-005", "Chime volume 0 silences the collision warning too."),
    Defect("chimes_all_alike", "CLU-CHM-006", "All chimes sound alike after the sound files were replaced."),
    Defect("console_mute", "CLU-BOOT-001", "A release build without its boot log: the workshop reads nothing."),
    Defect("reboot_loop", "CLU-BOOT-001", "The ECU restarts every few seconds after an update (2018, 2022)."),
    Defect("boots_slowly", "CLU-BOOT-002", "Boot takes 4.5 s: the driver is on the road before the cluster is."),
    Defect(
        "watchdog_dead",
        "CLU-BOOT-003",
        "The picture freezes and nothing restarts it (24V652: dead until replaced).",
    ),
    Defect(
        "reset_reason_lost",
        "CLU-BOOT-004",
        "Every reset calls itself a power-on: nobody finds the watchdog resets in the field.",
    ),
    Defect("survives_power_off", "CLU-PWR-001", "The backlight stays on after the supply was switched off."),
    Defect(
        "resets_while_cranking",
        "CLU-PWR-002",
        "The dip of the starter resets the cluster (blackout at every cold start).",
    ),
    Defect(
        "undervoltage_flickers",
        "CLU-PWR-003",
        "Without hysteresis the display flickers while the voltage hangs around 9 V.",
    ),
    Defect("quiescent_current_high", "CLU-PWR-004", "8 mA in sleep: the battery is flat after the holidays."),
    Defect("overvoltage_ignored", "CLU-PWR-005", "A failed alternator regulator is neither noticed nor stored."),
    Defect("never_sleeps", "CLU-NM-001", "The cluster keeps the buses awake after the ignition went off."),
    Defect(
        "wakes_slowly",
        "CLU-NM-002",
        "The cluster needs three seconds to wake: the door is open and the screen is dark.",
    ),
    Defect(
        "mute_after_open_bus",
        "NET-BUS-003",
        "A loose plug for a second, and the cluster is not heard on that bus again until its battery is disconnected.",
    ),
    Defect(
        "dtc_not_stored",
        "CLU-DTC-001",
        "A lost control unit leaves no trouble code: the workshop searches in vain.",
    ),
    Defect(
        "dtcs_lost_on_power_cut",
        "CLU-DTC-002",
        "Trouble codes live in RAM: the tow truck's battery change erases them.",
    ),
    Defect("dtc_clear_ignored", "CLU-DTC-003", "Clearing is answered positively and clears nothing."),
    Defect("night_ignored", "CLU-NIGHT-001", "The day design blinds the driver at night."),
    Defect("dimming_inverted", "CLU-NIGHT-002", "The dimmer works the wrong way round."),
    Defect("odometer_never_saved", "CLU-ODO-001", "The odometer goes back after a power cut: kilometres vanish."),
    Defect(
        "odometer_loses_wrap",
        "CLU-ODO-002",
        "When the wheels' counter wraps, six kilometres are taken off the odometer.",
    ),
    Defect("acc_speed_frozen", "CLU-ADAS-001", "The set speed of the cruise control stays at its first value."),
    Defect("speed_limit_kept", "CLU-ADAS-002", "The sign stays on the screen after its limit ended."),
)
_MORE: Final[tuple[tuple[Any, ...], ...]] = (
    *CLUSTER_DEFECTS, *NETWORK_DEFECTS, *CENTRE_DEFECTS, *SCREEN_DEFECTS, *CLOUD_DEFECTS, *DIAG_DEFECTS,
)  # fmt: skip
_EVERYWHERE: Final = (*_ALL, *(Defect(*fields) for fields in _MORE))
CATALOGUE: Final[dict[str, Defect]] = {defect.name: defect for defect in _EVERYWHERE}


def check_names(names: Iterable[str]) -> frozenset[str]:
    """The names as a set.

    Raises:
        UsageError: one is not in the catalogue.
    """
    chosen = frozenset(names)
    for name in sorted(chosen):
        if name not in CATALOGUE:
            mend = did_you_mean(name, CATALOGUE, "'hil ecu defects' lists them all.", most=3, quote="")
            raise UsageError(f"no defect '{name}'", remedy=mend)
    return chosen
