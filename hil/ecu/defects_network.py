"""Named defects of supply, sleep, networks and trouble codes; `hil.ecu.defects` has them all."""

from __future__ import annotations

from typing import Final

NETWORK_DEFECTS: Final = (
    ("dark_while_cranking", "CLU-PWR-002", "A relay takes the screen off the supply while the starter turns."),
    ("overvoltage_at_once", "CLU-PWR-005", "Each short peak of the supply is told and stored as a failed regulator."),
    ("ignition_boots_anew", "CLU-PWR-006", "Ignition on boots the cluster anew: two seconds without instruments."),
    ("sleeps_by_itself", "CLU-NM-001", "The cluster sleeps 5 s after ignition off, whatever the networks do."),
    ("chassis_bus_wakes_not", "CLU-NM-003", "The transceiver of one bus was never told to wake the ECU."),
    ("wake_lights_screen", "CLU-NM-003", "Each wake of a bus lights the screen: at night the parked car glows."),
    ("partial_networks_missed", "CLU-NM-004", "Control units that may sleep are missed: warnings on each motorway."),
    ("dtc_with_ignition_off", "CLU-DTC-004", "Control units that go to sleep leave codes: workshops swap good parts."),
    ("snapshot_of_now", "CLU-DTC-001", "The snapshot is taken when it is read: of the workshop, not of the fault."),
    ("counter_unchecked", "NET-E2E-001", "Counters are not checked: a control unit that hangs goes unnoticed."),
    ("deaf_after_error_frames", "NET-BUS-001", "Each error frame sets the controller up anew; it is deaf meanwhile."),
)  # fmt: skip
"""Name, requirement, story."""
