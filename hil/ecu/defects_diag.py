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
    ("software_version_stale", "DIA-006", "The version is a constant of the build script: it stays after an update."),
)
"""Name, requirement that it breaks, story."""
