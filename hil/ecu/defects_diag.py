"""Defects of the virtual ECU's diagnosis: part of the catalogue in `hil.ecu.defects`."""

from __future__ import annotations

from typing import Final

DIAG_DEFECTS: Final = (
    ("session_never_expires", "DIA-002", "The S3 timer is never started: a tester unplugged leaves the ECU extended."),
    ("tester_present_late", "DIA-005", "Tester present waits for a lock of the HMI and is answered after 130 ms."),
    ("answers_functional_with_refusal", "DIA-004", "Each functional scan is answered with 'service not supported'."),
    ("security_delay_lost_on_reset", "DIA-007", "Wrong keys are counted in RAM: a reset gives three new tries."),
    ("writes_without_security", "DIA-008", "A check left out for the plant: anybody writes the configuration."),
    ("reset_is_ignored", "DIA-003", "The reset is answered, then a watchdog service that hangs keeps the ECU up."),
    (
        "tester_present_unheard",
        "DIA-002",
        "A silent 'tester present' keeps no session: flashing breaks off.",
    ),
    (
        "hardware_of_the_sample",
        "DIA-006",
        "The hardware number is that of the first sample: wrong software.",
    ),
    ("refusals_all_alike", "DIA-009", "Every refusal is a 'general reject': the workshop can't tell why."),
    ("reset_while_driving", "DIA-009", "A tester's reset is done at any speed: the instruments go dark on the road."),
    ("dtc_setting_ignored", "DIA-011", "Storing of codes can't be switched off: each reprogramming leaves a dozen."),
    ("supply_behind_diode", "DIA-012", "The supply is measured behind the diode: 0.7 V less than there are."),
    ("silenced_for_good", "DIA-013", "A tester is unplugged, and the ECU it silenced stays silent."),
    ("long_answers_cut", "DIA-001", "Answers are cut at the length of a buffer."),
    (
        "stray_frame_ends_diagnosis",
        "DIA-001",
        "A frame of no known kind ends diagnosis until the next restart.",
    ),
    ("software_version_stale", "DIA-006", "The version is a constant of the build script: it stays after an update."),
)
"""Name, requirement that it breaks, story."""
