"""The rear camera when something is wrong, and what it draws over its picture."""

import pytest


@pytest.fixture
def reverse(bench, centre):
    """The camera sends, reverse is selected and its picture is there."""
    bench.set_signals({"CameraState": "Streaming", "TCM_Gear.Gear": "R"})
    centre.view("camera").should_be_shown(within="2 s")
    centre.picture("camera_ground").should_be("picture", within="1 s")
    return centre


@pytest.mark.requirement("CTR-CAM-008")
@pytest.mark.table("camera_faults.csv")
@pytest.mark.realtime
def test_without_a_picture_the_screen_is_dark_and_says_why(bench, reverse, signal, value, shown):
    """A fault in the middle of reversing; the picture comes back with the camera."""
    bench.set_signal(signal, value)
    reverse.text("camera_fault").should_be(shown, within="1 s")
    reverse.picture("camera_ground").should_be("black", within="0 s")
    bench.signal_should_be("CameraPictureShown", "No", within="500 ms")
    bench.set_signal(signal, "Streaming")
    reverse.picture("camera_ground").should_be("picture", within="1 s")


@pytest.mark.requirement("CTR-CAM-008")
def test_a_camera_that_falls_silent_leaves_no_picture(bench, reverse):
    """The last picture must not stand there as if it were now."""
    bench.stop_message("RVC_Status")
    reverse.text("camera_fault").should_be("Camera not available", within="1500 ms")
    reverse.picture("camera_ground").should_be("black", within="0 s")
    bench.resume_message("RVC_Status")
    reverse.picture("camera_ground").should_be("picture", within="1 s")


@pytest.mark.requirement("CTR-CAM-008", "CTR-CAM-001")
def test_a_camera_that_starts_is_waited_for(bench, centre):
    """It says that it starts; when it doesn't come within 2 s, that it isn't available."""
    bench.set_signals({"CameraState": "Starting", "TCM_Gear.Gear": "R"})
    centre.text("camera_fault").should_be("Camera starting", within="1 s")
    centre.text("camera_fault").should_be("Camera not available", within="2500 ms")
    bench.set_signal("CameraState", "Streaming")
    centre.picture("camera_ground").should_be("picture", within="1 s")


@pytest.mark.requirement("CTR-CAM-004")
def test_the_rear_picture_is_not_black_at_night(bench, centre):
    """With the night design, and the dimmer at its darkest."""
    bench.set_signals({"DayNight": "Night", "Dimming": "20 %", "CameraState": "Streaming", "TCM_Gear.Gear": "R"})
    centre.picture("camera_ground").should_be("picture", within="2 s")
    bench.signal_should_be("NightDesignShown", "Night", within="2 s")
    centre.picture("camera_ground").should_not_be_black(during="2 s")


@pytest.mark.requirement("CTR-CAM-009")
def test_guide_lines_follow_the_steering(bench, reverse):
    """Straight, to the left, to the right; without a curvature there are none."""
    for radius, name in ((0.0, "straight"), (0.1, "left"), (-0.1, "right")):
        bench.set_signal("GuideRadius", radius)
        for other in ("straight", "left", "right"):
            view = reverse.view(f"guides_{other}")
            (view.should_be_shown if other == name else view.should_not_be_shown)(within="500 ms")
    bench.set_signal("GuideRadius", "SNA")
    reverse.view("guides_right").should_not_be_shown(within="500 ms")


@pytest.mark.requirement("CTR-CAM-009")
def test_without_parking_aid_no_distance_is_shown(bench, reverse):
    """No bar at all: what isn't measured must not look near or far."""
    places = ("rear_left", "rear_mid_left", "rear_mid_right", "rear_right")
    bench.set_signals({"ParkAidState": "Active", "ParkDistanceRearLeft": "0.3 m"})
    reverse.view("rear_left_near").should_be_shown(within="1 s")
    bench.set_signal("ParkAidState", "Fault")
    for place in places:
        for bar in ("near", "mid", "far"):
            reverse.view(f"{place}_{bar}").should_not_be_shown(within="1 s")


@pytest.mark.requirement("CTR-CAM-003", "CTR-CAM-001")
def test_reverse_in_and_out_quickly_begins_afresh_each_time(bench, centre):
    """Manoeuvring: R and D in turn, each shorter than a second; the view is asked for each time."""
    bench.set_signal("CameraState", "Streaming")
    for _ in range(4):
        bench.set_signal("TCM_Gear.Gear", "R")
        bench.signal_should_be("CameraRequest", "Default", within="300 ms")
        centre.view("camera").should_be_shown(within="700 ms")
        bench.set_signal("TCM_Gear.Gear", "D")
        bench.signal_should_be("CameraRequest", "Off", within="300 ms")
        centre.view("camera").should_not_be_shown(within="700 ms")
