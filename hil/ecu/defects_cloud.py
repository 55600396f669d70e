"""Named defects of telematics and updates; `hil.ecu.defects` has them all."""

from __future__ import annotations

from typing import Final

CLOUD_DEFECTS: Final = (
    ("update_signature_unchecked", "OTA-002", "The updater takes a bundle whose signature it never verified."),
    ("update_rollback_accepted", "OTA-004", "An old release with known holes can be installed again."),
    ("update_commits_unchecked", "OTA-006", "New software is committed before it has shown that it works (2018)."),
    ("update_fallback_unreported", "OTA-007", "After a fall-back the backend goes on believing in the new software."),
    ("update_reported_twice", "OTA-007", "A campaign is reported twice: the fleet's figures count it twice."),
    ("update_bricks_on_power_cut", "OTA-005", "One copy of the boot environment: a power cut there bricks (24V652)."),
    ("update_while_driving", "OTA-008", "The update activates on the road: loss of the cockpit at speed (2025)."),
    ("telemetry_lost_offline", "TEL-003", "What happens in a tunnel is never told: no store and forward."),
    ("command_executed_twice", "TEL-005", "A QoS 1 duplicate of a remote command is executed again."),
)  # fmt: skip
"""Name, requirement, story."""
