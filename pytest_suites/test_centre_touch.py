"""Where a finger hits, and what a worn key does."""

import pytest

from hil.hmi.layout import Button

INSIDE_PX = 12
"""From the edge of a button; its corners are round."""


@pytest.mark.requirement("CTR-TCH-001")
def test_a_button_is_hit_up_to_its_corners(bench, centre):
    """A panel that is off by more than 12 px misses at one of the corners, or opens the neighbour."""
    left, top, width, height = centre.layout.find("dock_climate", Button).region
    for x in (left + INSIDE_PX, left + width - INSIDE_PX):
        for y in (top + INSIDE_PX, top + height - INSIDE_PX):
            bench.touch((x, y))
            centre.view("climate").should_be_shown(within="500 ms")
            bench.touch("dock_home")
            centre.view("home").should_be_shown(within="500 ms")


@pytest.mark.requirement("CTR-TCH-001")
def test_beside_the_buttons_nothing_happens(bench, centre):
    """The status bar and a bare place of the home view."""
    for place in ((640, 30), (1270, 380)):
        bench.touch(place)
        bench.sleep("500 ms")
        centre.view("home").should_be_shown(within="0 s")


@pytest.mark.requirement("CTR-TCH-004")
def test_a_key_that_bounces_is_one_command(bench):
    """Its contact opens and closes again within 30 ms: one step louder, not three."""
    for bounce in ("2 ms", "5 ms", "12 ms"):
        for _ in range(3):
            bench.press_key("volume_up", hold=bounce)
        bench.signal_should_be("MediaCommand", "VolumeUp", within="200 ms")
        bench.signal_should_be("MediaCommand", "None", within="300 ms")
        with bench.expected_failure():
            bench.signal_should_be("MediaCommand", "VolumeUp", within="500 ms")


@pytest.mark.requirement("CTR-TCH-004")
@pytest.mark.realtime
def test_two_presses_are_two_commands(bench):
    """Debouncing must not swallow what the driver means: 300 ms apart are two."""
    for _ in range(2):
        bench.press_key("volume_down")
        bench.signal_should_be("MediaCommand", "VolumeDown", within="300 ms")
        bench.signal_should_be("MediaCommand", "None", within="300 ms")


@pytest.mark.requirement("CTR-TCH-003")
@pytest.mark.start("sleep")
def test_touch_is_answered_in_time_after_sleep(bench, centre):
    """As fast as before."""
    bench.ignition(True)
    bench.wake_network()
    centre.view("home").should_be_shown(within="3 s")
    centre.view("touched_climate").reaction_to_touch(
        "dock_climate", rest="dock_home", samples=5, limit="250 ms", source="AAM 3.5, from memory"
    )


@pytest.mark.requirement("CTR-TCH-006")
def test_the_volume_slider_follows_the_finger(bench, centre):
    """Left end 0, right end 50, and the place between as it is."""
    bench.touch("dock_media")
    centre.view("media").should_be_shown()
    left, top, width, height = centre.layout.find("volume_slider", Button).region
    for part, volume in ((0.0, 0), (0.5, 25), (1.0, 50)):
        bench.touch((left + round(part * (width - 1)), top + height // 2))
        bench.signal_should_be("AudioVolumeRequest", volume, within="300 ms", tolerance=1)
        bench.sleep("300 ms")
