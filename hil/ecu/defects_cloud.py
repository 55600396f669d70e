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
    ("telemetry_invents_zero", "TEL-001", "What isn't known is told as 0: fleets park in the Gulf of Guinea."),
    ("telemetry_drifts", "TEL-001", "The period counts from the last answer: ten seconds become eleven."),
    ("privacy_forgotten_in_events", "TEL-002", "Privacy mode is in telemetry only: events tell the position."),
    ("drops_uncounted", "TEL-003", "The queue is full, messages go, and nobody counts them."),
    ("locks_while_driving", "TEL-004", "A remote command unlocks the doors of a car that drives."),
    ("command_done_unseen", "TEL-004", "'Done' means that the command was sent: the car stands unlocked."),
    ("command_limits_unchecked", "TEL-004", "A remote command takes any number for a temperature."),
    ("no_last_will", "TEL-006", "The link has no last will: a stolen car's backend says 'online'."),
    ("events_untold", "TEL-007", "Warnings are told with the next telemetry, or never if the car is switched off."),
    ("sequence_begins_anew", "TEL-008", "Sequence numbers are in RAM: after a power cut all is old news."),
    ("sleep_unsaid", "TEL-009", "A car that goes to sleep says nothing: the backend takes it for broken."),
    ("update_expiry_ignored", "OTA-002", "Metadata never expire: an old bundle with a known hole is taken (freeze)."),
    ("update_mix_accepted", "OTA-002", "Metadata of two releases are mixed and matched."),
    ("update_reason_lost", "OTA-003", "Every refusal is reported as a bad signature: the fleet hunts an attacker."),
    ("update_forgotten_on_power_cut", "OTA-005", "The updater's notes are in RAM: its campaign never ends."),
    ("update_without_consent", "OTA-010", "A campaign that asks for consent begins without it."),
    ("download_counts_asked", "OTA-011", "What was asked for is counted, not what came: one short answer, and a hole."),
    ("download_gives_up", "OTA-011", "One bad answer ends the download: cars in bad reception are never updated."),
)  # fmt: skip
"""Name, requirement, story."""
