"""Named defects of the centre screen; `hil.ecu.defects` has them all."""

from __future__ import annotations

from typing import Final

CENTRE_DEFECTS: Final = (
    ("camera_late", "CTR-CAM-001", "The rear picture comes after 2.6 s (recall 21V077: rear image late)."),
    ("camera_stays", "CTR-CAM-002", "The rear picture stays after reverse is left: FMVSS 111 forbids it."),
    ("camera_view_kept", "CTR-CAM-003", "Reversing begins with the view of the last time, not with the default view."),
    ("camera_black", "CTR-CAM-004", "The radio software blanks the rear camera (2024, over a million vehicles)."),
    ("camera_frozen", "CTR-CAM-005", "The picture stands still after its first frame; the driver reverses by a photo."),
    ("camera_covered_by_ecall", "CTR-CAM-006", "The emergency call covers the rear picture (recall 21V077)."),
    ("camera_covered_by_call", "CTR-CAM-007", "The dialog of an incoming call covers the rear picture."),
    ("camera_fault_hidden", "CTR-CAM-008", "The camera reports a fault and a picture is shown nevertheless."),
    ("touch_offset", "CTR-TCH-001", "A panel of another supplier: touches land a finger's breadth too far."),
    ("touch_feedback_slow", "CTR-TCH-002", "Feedback takes 400 ms: the driver touches again (AAM 3.5: 250 ms)."),
    ("touch_dead_after_wake", "CTR-TCH-003", "The touch controller isn't set up again after sleep."),
    ("key_bounces", "CTR-TCH-004", "No debouncing: one press of a key is two."),
    ("climate_wrong_zone", "CTR-CLI-001", "The driver's temperature goes to the passenger's side."),
    ("climate_wrong_unit", "CTR-CLI-002", "With degrees Fahrenheit the number is sent as degrees Celsius."),
    ("profile_half_loaded", "CTR-PRO-001", "A profile switches language and units of speed, but nothing else."),
    ("language_half_translated", "CTR-LANG-001", "One view was forgotten: climate stays English."),
    ("phone_popup_missing", "CTR-PHN-001", "A call rings and nobody can accept it: the dialog doesn't come."),
    ("phone_decline_accepts", "CTR-PHN-002", "Declining a call accepts it."),
    ("media_title_cut", "CTR-MED-001", "Only the first page of a title is shown: six characters."),
    ("media_next_goes_back", "CTR-MED-002", "Next and previous are mixed up in a release."),
    ("media_volume_stands", "CTR-MED-003", "The volume that is shown stays while the sound gets louder."),
    ("nav_road_kept", "CTR-NAV-001", "The road of the first manoeuvre stays for all that follow."),
    ("nav_units_ignored", "CTR-NAV-002", "Guidance counts in kilometres though the driver set miles."),
    ("voice_heard_stays", "CTR-VOI-001", "While it listens the screen shows what it heard the last time."),
    ("settings_language_dead", "CTR-SET-001", "The language can't be changed on the screen."),
)
"""Name, requirement, story."""
