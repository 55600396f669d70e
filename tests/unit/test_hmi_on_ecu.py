"""Blinking and chimes of the virtual ECU, through the facade: a pass, and the defect that it catches."""

import pytest
from whole_bench import session_on

from hil.bench.case import Case
from hil.bench.reset import Start
from hil.bench.session import Outcome
from hil.errors import EcuError, UsageError


@pytest.fixture
def begin(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(repository)
    sessions = []

    def start(*defects):
        session = session_on(tmp_path, *defects)
        sessions.append(session)
        session.begin(Case("case", "case", "suite", "file:1", ("T-1",), (), Start.ON, "pytest", "", None))
        return session.bench()

    yield start
    for session in sessions:
        session.end(Outcome())
        session.close()


def test_the_indicator_blinks_and_ticks(begin):
    bench = begin()
    bench.screen("cluster").telltale("turn_left").should_be("off")
    bench.set_signal("TurnLeft", "On")
    bench.screen("cluster").telltale("turn_left").should_blink("1.5 Hz", tolerance="0.5 Hz")
    bench.ear().should_hear("tick", within="1 s")
    bench.ear().should_repeat("tick", "1.5 Hz", tolerance="0.5 Hz")
    with pytest.raises(EcuError, match=r"blinking at 2\.5 Hz"):
        bench.screen("cluster").telltale("turn_left").should_blink("2.5 Hz", tolerance="0.1 Hz")


def test_a_failed_indicator_lamp_doubles_the_rhythm(begin):
    bench = begin()
    bench.set_signals({"TurnRight": "On", "FlasherFast": "Yes"})
    bench.screen("cluster").telltale("turn_right").should_blink("3 Hz", tolerance="0.3 Hz")


def test_a_silent_indicator_is_caught(begin):
    bench = begin("indicator_silent")
    bench.set_signal("TurnLeft", "On")
    with pytest.raises(EcuError, match="expected chime tick"):
        bench.ear().should_hear("tick", within="2 s")


@pytest.mark.parametrize("defect", [None, "belt_chime_too_short"])
def test_the_belt_chime_sounds_for_4_to_8_s(begin, defect):
    bench = begin(*filter(None, [defect]))
    bench.sleep("5 s")
    bench.ignition(False)
    bench.set_signal("SeatBeltDriver", "Unbuckled")
    bench.sleep("1 s")
    bench.ignition(True)
    if defect is None:
        bench.ear().should_hear_for("seat_belt", "4 s", "8 s", within="3 s")
    else:
        with pytest.raises(EcuError, match="for 4 s to 8 s, seen heard for"):
            bench.ear().should_hear_for("seat_belt", "4 s", "8 s", within="3 s")


def test_touch_and_keys_lead_through_the_centre_screen(begin):
    bench = begin()
    centre = bench.screen("centre")
    centre.view("home").should_be_shown(within="3 s")
    for view in ("media", "climate", "phone", "settings"):
        bench.touch(f"dock_{view}", screen="centre")
        centre.view(view).should_be_shown(within="500 ms")
    bench.press_key("home")
    centre.view("home").should_be_shown(within="500 ms")
    result = centre.view("media").reaction_to_touch("dock_media", rest="dock_home", samples=5, limit="250 ms")
    assert 0 < result.summary.maximum < 250


def test_a_dead_panel_is_caught(begin):
    bench = begin("touch_offset")
    bench.screen("centre").view("home").should_be_shown(within="3 s")
    bench.touch("dock_media", screen="centre")
    with pytest.raises(EcuError, match="expected shown within 500"):
        bench.screen("centre").view("media").should_be_shown(within="500 ms")


def test_an_item_is_looked_for_on_the_screen_that_has_it(begin):
    bench = begin()
    bench.screen().view("home").should_be_shown()
    bench.screen().telltale("high_beam").should_be("off")
    for said, use in (
        ("which text 'clock'? Remedy: write screen=cluster or screen=centre.", lambda: bench.screen().text("clock")),
        ("no view 'clmate' on any screen. Remedy: did you mean climate", lambda: bench.screen().view("clmate")),
        ("cluster.toml: no view 'home'", lambda: bench.screen("cluster").view("home")),
    ):
        with pytest.raises(UsageError) as caught:
            use()
        assert said in str(caught.value)
