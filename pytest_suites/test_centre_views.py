"""Words and values of the centre screen's views: each language, and senders that fall silent."""

import pytest


@pytest.mark.requirement("CTR-LANG-001")
@pytest.mark.table("views.csv")
def test_a_view_is_in_each_language(bench, centre, row):
    """The view's own words and those of the dock."""
    for language in ("de", "fr", "es", "en"):
        bench.touch("dock_settings")
        bench.touch(f"language_{language}")
        bench.touch(f"dock_{row['view']}")
        centre.view(row["view"]).should_be_shown(within="1 s")
        centre.text(row["text"]).should_be(row[language], within="1 s")
        centre.text(f"dock_{row['view']}").should_be(row[f"dock_{language}"], within="0 s")


@pytest.mark.requirement("CTR-LANG-001")
def test_the_rear_picture_warns_in_each_language(bench, centre):
    """Words over a picture can be read, too."""
    said = {
        "en": ("Check the area around you", "Rear camera"),
        "de": ("Umgebung beachten", "Rückfahrkamera"),
        "fr": ("Vérifiez les alentours", "Caméra de recul"),
        "es": ("Compruebe el entorno", "Cámara trasera"),
    }
    bench.set_signal("CameraState", "Streaming")
    for language, (warning, title) in said.items():
        bench.set_signal("TCM_Gear.Gear", "D")
        centre.view("camera").should_not_be_shown()
        bench.touch("dock_settings")
        bench.touch(f"language_{language}")
        bench.set_signal("TCM_Gear.Gear", "R")
        centre.text("camera_text").should_be(warning, within="2 s")
        centre.text("camera_title").should_be(title, within="0 s")


@pytest.mark.requirement("CTR-DAT-001")
@pytest.mark.table("silent_senders.csv")
@pytest.mark.realtime
def test_what_a_silent_sender_said_does_not_stay(bench, centre, message, given, item, shown, silent, within, row):
    """Ten cycles after its last message it is gone; it is back with the sender."""
    signal, value = given.split("=")
    bench.set_signal(signal, value)
    bench.touch(row["open"])
    centre.text(item).should_be(shown, within="2 s")
    bench.stop_message(message)
    centre.text(item).should_be(silent, within=within)
    bench.resume_message(message)
    centre.text(item).should_be(shown, within="2 s")


@pytest.mark.requirement("CTR-NAV-002", "CTR-NAV-001")
@pytest.mark.needs("navigation")
def test_distances_to_go_are_rounded_for_the_road(bench, centre):
    """1 mile is 1609.344 m, 1 yd is 0.9144 m."""
    bench.set_signals({"GuidanceState": "Guiding", "NAV_Guidance.Manoeuvre": "Left"})
    metric = {40: "40 m", 990: "990 m", 5000: "5.0 km", 35000: "35 km"}
    imperial = {40: "40 yd", 990: "0.6 mi", 5000: "3.1 mi", 35000: "22 mi"}
    for unit, shown in (("unit_km", metric), ("unit_mi", imperial)):
        bench.touch("dock_settings")
        bench.touch(unit)
        bench.touch("dock_navigation")
        for metres, text in shown.items():
            bench.set_signal("ManoeuvreDistance", metres)
            centre.text("guidance_distance").should_be(text, within="1 s")
