"""More named defects of the centre screen, which the suites see; `hil.ecu.defects` has them all."""

from __future__ import annotations

from typing import Final

SCREEN_DEFECTS: Final = (
    ("camera_left_by_key", "CTR-CAM-010", "The home key leaves the rear picture while the car still reverses."),
    (
        "camera_missing_after_boot",
        "CTR-CAM-011",
        "Who starts in reverse gets no picture (2022: reset loop).",
    ),
    ("camera_soil_untold", "CTR-CAM-008", "The camera says that it is soiled, and nobody tells the driver."),
    (
        "camera_lost_untold",
        "CTR-CAM-008",
        "The last picture of a silent camera stands there as if it were now.",
    ),
    ("parking_bars_mirrored", "CTR-CAM-009", "The picture is mirrored, the distance bars are not: left is right."),
    ("parking_bars_stay", "CTR-CAM-009", "The parking aid fails, and its last distances stay in the picture."),
    ("guide_lines_mirrored", "CTR-CAM-009", "The guide lines bend the other way: the sign of the steering angle."),
    ("ecall_shown_late", "CTR-ECL-001", "The emergency call waits for the end of an animation before it is shown."),
    ("touch_place_raw", "CTR-TCH-005", "The place of a touch is told in steps of the panel, not in pixels."),
    ("touch_slides_on", "CTR-TCH-006", "A finger that slides off still operates: no way back from a wrong touch."),
    ("slider_from_screen_edge", "CTR-TCH-006", "A slider counts from the edge of the screen: its left end isn't 0."),
    ("view_opens_slowly", "CTR-TCH-007", "Half a second of animation before each view."),
    ("key_press_swallowed", "CTR-TCH-004", "Debouncing for 600 ms swallows every second press."),
    ("climate_switch_lit_early", "CTR-CLI-001", "A switch is lit when it is touched, though the car refused."),
    ("climate_sync_ignored", "CTR-CLI-004", "With both sides in step only the driver's side is asked for."),
    ("climate_without_ends", "CTR-CLI-004", "Temperatures beyond what the climate control has are asked for."),
    ("silent_senders_kept", "CTR-DAT-001", "The centre screen has no time-outs: what was said last stays."),
    ("media_sources_shifted", "CTR-MED-002", "A source more in the list: every button asks for the next one."),
    ("phone_command_stays", "CTR-PHN-002", "The command stays on the bus: the next call is answered unasked."),
    ("nav_guides_for_ever", "CTR-NAV-001", "Arrived, off the route, no signal: the arrow stays.", ("navigation",)),
    ("voice_stop_starts", "CTR-VOI-001", "The button that ends speech begins it anew.", ("voice",)),
    ("profile_assumed", "CTR-PRO-001", "The screen switches the profile before the car says who drives."),
    ("profile_not_kept", "CTR-PRO-002", "What a driver sets is lost when somebody else drives."),
    ("guest_remembered", "CTR-PRO-002", "The guest's settings are kept for the next guest (rental cars)."),
    ("language_needs_restart", "CTR-LANG-001", "A new language is shown after the next start only."),
    ("clock_format_ignored", "CTR-SET-001", "The clock's format is told to the car and not used on the screen."),
    ("centre_night_ignored", "CTR-SET-001", "The centre screen has no night design: it blinds the driver."),
)
"""Name, requirement, story, and the features that an ECU needs to have it."""
