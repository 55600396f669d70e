"""More named defects of the cluster: sounds, distances, gauges, lamps, warnings; `hil.ecu.defects` has them all."""

from __future__ import annotations

from typing import Final

CLUSTER_DEFECTS: Final = (
    ("telltale_rows_shifted", "CLU-TT-005", "One row too many in the lamp table: each signal lights the lamp below."),
    ("lamp_coding_inverted", "CLU-TT-005", "The coding of the equipment is read inverted: lamps of what isn't fitted."),
    ("lamp_check_puts_out", "CLU-TT-003", "The lamp check ends with all lamps dark, also those with a cause."),
    ("low_pressure_flashes", "CLU-TT-007", "Low pressure flashes like a fault of the monitor: nobody checks the tyre."),
    ("failed_indicator_untold", "CLU-TT-010", "A failed indicator lamp doesn't change the rhythm (UN R48)."),
    ("checksum_unchecked", "CLU-TT-011", "Checksums are checked in debug builds only."),
    ("indicator_own_rhythm", "CLU-TT-012", "The telltale flashes by a timer of its own, not with the lamps outside."),
    ("doubted_speed_shown", "CLU-SPD-007", "The sender calls its speed implausible, and it is shown all the same."),
    ("jump_never_believed", "CLU-SPD-005", "The filter against wrong samples holds the old speed for ever."),
    ("speed_at_standstill", "CLU-SPD-001", "The zero is calibrated wrong: a car that stands is shown at 5 km/h."),
    ("needle_sluggish", "CLU-SPD-010", "A filter in front of the filter: the needle lags a second behind the speed."),
    ("driving_limits_in_m_per_s", "CLU-WRN-009", "Limits in km/h are taken for m/s: the open door is told at 18 km/h."),
    ("information_stays", "CLU-WRN-008", "An information stays until OK is pressed, over all that the driver needs."),
    ("newest_warning_first", "CLU-WRN-001", "The newest warning is shown first: a fuel gong takes the brakes away."),
    ("belt_chime_always", "CLU-CHM-001", "The belt chime sounds at each start, buckled or not: its wire gets cut."),
    ("belt_chime_plays_on", "CLU-CHM-007", "The belt chime is one recording: it sounds to its end, buckled or not."),
    ("parking_mute_ignored", "CLU-CHM-004", "Muting the parking aid mutes the radio's part of the tone only."),
    ("take_over_waits", "CLU-CHM-008", "Sounds come in the order of their requests: taking over waits."),
    ("odometer_counts_short", "CLU-ODO-003", "Wrong tyre circumference: the odometer counts nine kilometres for ten."),
    ("trip_reset_by_short_press", "CLU-ODO-003", "Any press of OK sets the trip to zero."),
    ("day_night_choice_ignored", "CLU-NIGHT-001", "The driver's choice of day or night is stored and never read."),
    ("ice_without_hysteresis", "CLU-GAU-005", "The telltale of ice comes and goes around 3 degrees."),
    ("gear_unknown_as_n", "CLU-GEAR-002", "A gear that the transmission doesn't know is shown as N."),
    ("gear_hidden_in_lamp_check", "CLU-GEAR-004", "No gear is shown while the lamps are checked (FMVSS 102)."),
    ("gauges_far_behind", "CLU-GAU-008", "Filters made for 60 steps a second take one since a clean-up."),
    ("low_fuel_untold", "CLU-GAU-007", "Low fuel is taken from another message in this model: its lamp never lights."),
    ("range_unknown_as_zero", "CLU-GAU-006", "An unknown range is shown as 0 km: the driver calls for help."),
    ("range_forgets_battery", "CLU-GAU-006", "A hybrid's range is that of the model without a battery.", ("hybrid",)),
    ("guidance_stays", "CLU-ADAS-004", "The last arrow stays after guidance has ended.", ("navigation",)),
    ("take_over_unconfirmed", "CLU-ADAS-003", "A request to take over is shown; automation is not told (UN R157)."),
    ("timeouts_too_long", "CLU-LOSS-001", "Time-outs count in ticks a hundred times too long: what is lost stays."),
    ("picture_late", "CLU-LAT-001", "Pictures wait in a queue of 36: everything is seen 600 ms late."),
)  # fmt: skip
"""Name, requirement, story, and the features that an ECU needs to have it."""
